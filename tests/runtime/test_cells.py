"""Variables of programs: found by their cells, locked while they are written, private by then."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest

from numflow.kernels import abi
from numflow.runtime import arena, cells, entry, executor
from numflow.runtime.entry import SHARED, CallRecord, CellPatch
from tests.runtime import samples

pytestmark = pytest.mark.usefixtures("path")


class Variable:
    """Seven int64, as a variable of numflow holds them."""

    def __init__(self, value: int = 0) -> None:
        self.row = cells.cells.take()
        self.lock = cells.CellLock(self.row)
        self.move(value)

    @property
    def cell(self) -> int:
        return int(self.row.ctypes.data)

    def move(self, value: int) -> None:
        array = arena.aligned_array((7,), np.int64)
        array[:] = value
        owner = array.base
        assert owner is not None
        self.row[: cells.OWNER + 1] = array.ctypes.data, id(array), id(owner)
        self.array = array


def _adding(
    variable: Variable, long: bool = False, *, written: bool = True, form: int | None = None
) -> CallRecord:
    """A program that adds 0, 1, ..., 6."""
    args = samples.block(0, 0)
    return entry.make_call(
        [executor.kernel(samples.addresses()["count"], args, 7, 7)],
        cells=[CellPatch(variable.cell, [(args, abi.HEADER)], written, form)],
        context=entry.new_context(),
        long=long,
        first_write=0,
    )


def _napping(*variables: Variable, milliseconds: int = 150) -> CallRecord:
    """A long program that holds the locks of variables."""
    args = samples.block(0)
    return entry.make_call(
        [executor.kernel(samples.addresses()["sleep"], args, milliseconds, milliseconds)],
        cells=[CellPatch(v.cell, [], written=True) for v in variables],
        context=entry.new_context(),
        long=True,
        first_write=1,
    )


# --- sharing -----------------------------------------------------------------


@pytest.mark.parametrize("long", [False, True])
def test_a_variable_of_ones_own_is_written_in_place(long: bool) -> None:
    """Again and again; its lock is free afterwards."""
    variable = Variable()
    record = _adding(variable, long)
    for turn in range(1, 4):
        assert record.call() is None
        assert variable.array[6] == 6 * turn
    assert variable.row[cells.LOCK] == 0


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize(
    "share",
    [
        lambda a: a,
        lambda a: a[2:],
        lambda a: a.view(np.uint8)[::2],
        lambda a: a[1:].reshape(3, 2)[0],
        memoryview,
        lambda a: samples.Tensor(a),
    ],
)
def test_nothing_is_written_while_somebody_holds_the_buffer(share: Any, long: bool) -> None:
    """SHARED; once the variable has moved away, or the holder is gone, the program runs."""
    variable = Variable()
    record = _adding(variable, long)
    holder = share(variable.array)
    assert record.call() == SHARED
    assert not variable.array.any() and variable.row[cells.LOCK] == 0
    del holder
    assert record.call() is None
    holder = share(variable.array)
    old = variable.array
    variable.move(3)
    assert record.call() is None
    assert old[6] == 6 and variable.array[6] == 9
    del holder


def test_what_is_only_read_may_be_shared() -> None:
    """Tensors and views of it do not stop a program."""
    variable = Variable()
    view = variable.array[1:]
    assert _adding(variable, written=False).call() is None
    assert view[5] == 6


def test_a_program_is_made_for_one_shape_of_a_variable() -> None:
    """After a change of the shape it refuses to run."""
    variable = Variable()
    record = _adding(variable, form=0)
    assert record.call() is None
    variable.row[cells.FORM] += 1
    assert record.call() is False
    assert variable.array[6] == 6 and variable.row[cells.LOCK] == 0
    assert _adding(variable, form=1).call() is None


def test_a_cell_may_be_named_twice() -> None:
    """Once as read and once as written: it is locked once."""
    variable = Variable()
    first, second = samples.block(0, 0), samples.block(0, 0)
    count = samples.addresses()["count"]
    record = entry.make_call(
        [executor.kernel(count, block, 7, 7) for block in (first, second)],
        cells=[
            CellPatch(variable.cell, [(first, abi.HEADER)], written=True),
            CellPatch(variable.cell, [(second, abi.HEADER)]),
        ],
        context=entry.new_context(),
        long=False,
        first_write=0,
    )
    for twin in (record, record.copy()):
        assert twin.call() is None
    assert variable.array.tolist() == [4 * k for k in range(7)]


def test_a_long_program_holds_what_it_reads() -> None:
    """The variable moves meanwhile: the old buffer lives, and goes when the program ends."""
    variable = Variable()
    args = samples.block(0, 0)
    addresses = samples.addresses()
    record = entry.make_call(
        [
            executor.kernel(addresses["sleep"], samples.block(0), 100, 100),
            executor.kernel(addresses["count"], args, 7, 7),
        ],
        cells=[CellPatch(variable.cell, [(args, abi.HEADER)])],
        context=entry.new_context(),
        long=True,
        first_write=2,
    )
    worker = threading.Thread(target=record.call)
    before = sys.getrefcount(variable.array)
    worker.start()
    while sys.getrefcount(variable.array) == before:
        time.sleep(0.001)
    old = variable.array
    variable.move(0)
    worker.join()
    assert old[6] == 6 and not variable.array.any()
    assert sys.getrefcount(old) == 2


# --- locks -------------------------------------------------------------------


@pytest.mark.parametrize("long", [False, True])
def test_threads_that_write_one_variable_take_turns(long: bool) -> None:
    """No update is lost, whoever writes: programs or Python code."""
    variable = Variable()
    record = _adding(variable, long)

    def work(mine: CallRecord, times: int) -> None:
        for _ in range(times):
            assert mine.call() is None

    def in_python(times: int) -> None:
        for _ in range(times):
            with variable.lock, variable.lock:
                value = int(variable.array[6])
                time.sleep(0)
                variable.array[6] = value + 6

    threads = [threading.Thread(target=work, args=(record.copy(), 500)) for _ in range(3)]
    threads.append(threading.Thread(target=in_python, args=(500,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert variable.array[6] == 6 * 2000 and variable.array[5] == 5 * 1500
    assert variable.row[cells.LOCK] == 0


def test_several_variables_are_locked_in_one_order() -> None:
    """Programs that name them in different orders do not wait for each other for ever."""
    variables = [Variable() for _ in range(3)]
    orders = [(0, 1, 2), (2, 1, 0), (1, 2, 0)]
    records = [_napping(*(variables[k] for k in order), milliseconds=1) for order in orders]
    wrong: list[Any] = []

    def work(record: CallRecord) -> None:
        wrong.extend(answer for _ in range(30) if (answer := record.call()) is not None)

    threads = [threading.Thread(target=work, args=(record,)) for record in records]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and not any(v.row[cells.LOCK] for v in variables)


def test_a_thread_may_take_its_lock_again() -> None:
    """A program runs under `with lock:`, which still has the lock afterwards."""
    variable = Variable()
    record = _adding(variable)
    with variable.lock:
        with variable.lock:
            assert record.call() is None
        assert variable.row[cells.LOCK] == threading.get_ident()
    assert variable.row[cells.LOCK] == 0


def test_waiting_for_a_lock_leaves_the_gil_to_others() -> None:
    """And a signal ends it."""
    variable = Variable()
    sleeper = threading.Thread(target=_napping(variable, milliseconds=600).call)
    sleeper.start()
    while not variable.row[cells.LOCK]:
        time.sleep(0.001)
    turns: list[int] = []
    waiter = threading.Thread(target=lambda: turns.append(_adding(variable).call() or -1))
    waiter.start()
    for _ in range(50):
        time.sleep(0.001)
    assert turns == [] and waiter.is_alive()
    timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        _adding(variable).call()
    assert not turns
    for thread in (timer, sleeper, waiter):
        thread.join()
    assert turns == [-1] and variable.array[6] == 6


def test_who_waits_for_a_lock_gets_it() -> None:
    """Although another thread takes it again and again, for a microsecond less than always."""
    variable = Variable()
    record = _napping(variable, milliseconds=1)
    calls: list[Any] = []
    worker = threading.Thread(target=lambda: calls.extend(record.call() for _ in range(400)))
    running: list[bool] = []
    worker.start()
    for _ in range(10):
        with variable.lock:
            running.append(worker.is_alive())
    worker.join()
    assert running == [True] * 10 and calls == [None] * 400
    assert variable.row[cells.WAITERS] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_is_free_of_the_locks_of_other_threads() -> None:
    """What the parent's thread had locked can be written."""
    variable = Variable()
    record = _adding(variable)
    held, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with variable.lock:
            held.set()
            leave.wait()

    sleeper = threading.Thread(target=hold)
    sleeper.start()
    held.wait()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        signal.alarm(10)
        with variable.lock:
            good = record.call() is None
        os._exit(0 if good and variable.row[cells.LOCK] == 0 else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert variable.row[cells.LOCK] != 0
    leave.set()
    sleeper.join()
    assert status == 0


def test_rows_are_used_again() -> None:
    """Empty, as they were at first."""
    row = cells.cells.take()
    row[:] = 5
    cells.cells.give_back(row)
    again = cells.cells.take()
    assert again.ctypes.data == row.ctypes.data and not again.any()
    assert row.ctypes.data % 64 == 0
