"""Programs: instructions, interrupts, threads and memory, native and in Python."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numflow.kernels import abi
from numflow.runtime import entry, executor
from numflow.runtime.entry import BUSY, REFUSED, CallRecord, InputGuard
from numflow.runtime.executor import IntArray
from tests.runtime import samples
from tests.runtime.samples import Tensor

pytestmark = pytest.mark.usefixtures("path")


def _program(*steps: executor.Instruction, long: bool = False, first_write: int = 99) -> CallRecord:
    return entry.make_call(steps, context=entry.new_context(), long=long, first_write=first_write)


def _counter(units: int) -> tuple[IntArray, IntArray]:
    out: IntArray = np.zeros(units, np.int64)
    return out, samples.block(0, out.ctypes.data)


# --- instructions ------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 97, 1009, 5000])
def test_the_same_for_one_or_many_threads(chunk: int) -> None:
    """Whole, or in chunks on the pool."""
    out, args = _counter(1009)
    record = _program(executor.kernel(samples.addresses()["count"], args, 1009, chunk))
    for _ in range(5):
        assert record.call() is None
    np.testing.assert_array_equal(out, 5 * np.arange(1009))


def test_loops_and_branches() -> None:
    """do { count } while (++counter < 13), then skip one instruction."""
    kernels = samples.addresses()
    out, args = _counter(7)
    skipped, skipped_args = _counter(7)
    state = np.zeros(2, np.int64)  # counter, flag
    flag = state.ctypes.data + 8
    below = samples.block(0, state.ctypes.data, 13, flag)
    record = _program(
        executor.kernel(kernels["count"], args, 7, 7),
        executor.kernel(kernels["below"], below, 1, 1),
        executor.jump_if_zero(flag, 4),
        executor.jump(0),
        executor.jump(6),
        executor.kernel(kernels["count"], skipped_args, 7, 7),
    )
    assert record.call() is None
    np.testing.assert_array_equal(out, 13 * np.arange(7))
    assert not skipped.any() and state[0] == 13


def _refusing(first_write: int) -> tuple[CallRecord, IntArray, IntArray]:
    """refuse, then count; the argument is what `refuse` reads."""
    context = entry.new_context()
    refuse = samples.block(context.ctypes.data, 0, node=6)
    out: IntArray = np.zeros(11, np.int64)
    count = samples.block(context.ctypes.data, out.ctypes.data)
    kernels = samples.addresses()
    record = entry.make_call(
        [
            executor.kernel(kernels["refuse"], refuse, 1009, 10),
            executor.kernel(kernels["count"], count, 11, 11),
        ],
        [InputGuard((1009,), np.dtype(np.int64), [(refuse, abi.HEADER)])],
        context=context,
        long=False,
        first_write=first_write,
    )
    return record, context, out


def test_a_refusal_stops_before_the_first_write() -> None:
    """The smallest refused index is reported, for any order of chunks; the next call is clean."""
    record, context, out = _refusing(first_write=1)
    values = np.zeros(1009, np.int64)
    values[[97, 503, 1008]] = -1
    for _ in range(20):
        assert record.call(values) == REFUSED
        assert abi.split_error(record.refusal()) == (6, 97)
    assert not out.any()
    values[:] = 0
    assert record.call(values) is None
    assert out[10] == 10 and context[abi.ERROR] == abi.NO_ERROR
    assert abi.split_error(record.refusal()) == (6, 97)


def test_a_refusal_after_the_first_write_lets_the_program_end() -> None:
    """All writes or none."""
    record, _, out = _refusing(first_write=0)
    assert record.call(np.full(1009, -1)) == REFUSED
    assert out[10] == 10


# --- interrupts --------------------------------------------------------------


def _interrupt_soon(seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    return timer


def _sleeper(milliseconds: int, first_write: int) -> CallRecord:
    args = samples.block(0)
    sleep = samples.addresses()["sleep"]
    steps = [executor.kernel(sleep, args, 5, 5) for _ in range(milliseconds // 5)]
    return _program(*steps, long=True, first_write=first_write)


def test_an_interrupt_ends_a_long_program() -> None:
    """KeyboardInterrupt arrives while 10 s of kernels run."""
    record = _sleeper(10_000, first_write=10_000)
    start = time.monotonic()
    timer = _interrupt_soon(0.1)
    with pytest.raises(KeyboardInterrupt):
        record.call()
    assert time.monotonic() - start < 8
    timer.join()
    timer = _interrupt_soon(0.1)  # and the record is free again
    with pytest.raises(KeyboardInterrupt):
        record.call()
    timer.join()


def test_an_interrupt_waits_once_something_is_written() -> None:
    """The step completes; then the signal is handled."""
    out, args = _counter(3)
    steps = [executor.kernel(samples.addresses()["sleep"], samples.block(0), 5, 5)] * 40
    steps.append(executor.kernel(samples.addresses()["count"], args, 3, 3))
    record = _program(*steps, long=True, first_write=0)
    timer = _interrupt_soon(0.05)
    with pytest.raises(KeyboardInterrupt):
        record.call()
        timer.join()
    assert out.tolist() == [0, 1, 2]


# --- threads -----------------------------------------------------------------


def test_a_record_belongs_to_one_call_at_a_time() -> None:
    """A second thread is told, and takes a copy; long programs leave the GIL to others."""
    args = samples.block(0)
    record = _program(executor.kernel(samples.addresses()["sleep"], args, 300, 300), long=True)
    answers: list[Any] = []
    worker = threading.Thread(target=lambda: answers.append(record.call()))
    start = time.monotonic()
    worker.start()
    while time.monotonic() - start < 0.05:
        pass
    seen = record.call()
    twin = record.copy().call()
    worker.join()
    assert (seen, twin, answers) == (BUSY, None, [None])


def test_a_copy_has_memory_of_its_own() -> None:
    """Blocks, context and arena are duplicated; addresses into them move, others stay."""
    context = entry.new_context()
    memory = np.zeros(64, np.int64)
    count = samples.block(context.ctypes.data, memory.ctypes.data + 80)
    count[abi.WORKSPACE] = memory.ctypes.data + memory.nbytes
    outside = np.zeros(64, np.int64)
    other = samples.block(context.ctypes.data, outside.ctypes.data)
    table = np.array([count.ctypes.data, 5], np.int64)
    shared = executor.kernel(samples.addresses()["count"], count, 7, 7)
    record = entry.make_call(
        [shared, shared, executor.kernel(samples.addresses()["count"], other, 7, 7)],
        [InputGuard((7,), np.dtype(np.int64), [(table, 1)])],
        context=context,
        long=False,
        first_write=3,
        memory=[memory],
        pointers=[(count, abi.HEADER), (table, 0)],
    )
    twin = record.copy()
    argument = np.zeros(7, np.int64)
    assert twin.call(argument) is None
    assert not memory.any() and outside[6] == 6 and table[1] == 5
    assert twin.context is not context and twin.address != record.address
    copied = twin.parts
    block, area = copied.instructions[0].args, copied.memory[0]
    assert block is not None and block is copied.instructions[1].args
    assert block[abi.CONTEXT] == twin.context.ctypes.data
    assert block[abi.WORKSPACE] == area.ctypes.data + area.nbytes
    assert area[10:17].tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert copied.pointers[1][0].tolist() == [block.ctypes.data, argument.ctypes.data]
    assert record.call(argument) is None and memory[16] == 12


def test_several_threads_with_copies() -> None:
    """Each thread's calls count on its own array."""
    context = entry.new_context()
    args = samples.block(context.ctypes.data, 0)
    record = entry.make_call(
        [executor.kernel(samples.addresses()["count"], args, 5003, 500)],
        [InputGuard((5003,), np.dtype(np.int64), [(args, abi.HEADER)])],
        context=context,
        long=True,
        first_write=1,
    )
    wrong: list[int] = []

    def work() -> None:
        mine = record
        out = np.zeros(5003, np.int64)
        for turn in range(100):
            if mine.call(out) == BUSY:
                mine = mine.copy()
                assert mine.call(out) is None
            if out[7] != 7 * (turn + 1):
                wrong.append(turn)
        if not np.array_equal(out, 100 * np.arange(5003)):
            wrong.append(-1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_runs_the_same_program() -> None:
    """Right after a parallel program of the parent."""
    out, args = _counter(10_007)
    record = _program(executor.kernel(samples.addresses()["count"], args, 10_007, 100), long=True)
    assert record.call() is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        good = record.call() is None and np.array_equal(out, 2 * np.arange(10_007))
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert record.call() is None and out[1] == 2


# --- memory ------------------------------------------------------------------


def test_a_record_lives_as_long_as_its_call() -> None:
    """A running call needs only `call`; afterwards nothing keeps the memory."""
    out, args = _counter(5)
    memory = np.zeros(3)
    call = entry.make_call(
        [executor.kernel(samples.addresses()["count"], args, 5, 5)],
        context=entry.new_context(),
        long=False,
        first_write=1,
        memory=[memory],
    ).call
    gone = weakref.ref(memory), weakref.ref(args)
    del memory, args
    assert call() is None and out[4] == 4
    assert gone[0]() is not None
    del call
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


def _resident_bytes() -> int:
    """Memory in use now (0 where the system does not tell)."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 if status.exists() else 0


def test_many_calls_leave_memory_where_it_was(path: str) -> None:
    """Reference counts of arguments and answers balance, on all ways out."""
    record = samples.copying((7, 11))
    x, y = np.ones((7, 11), np.float32), Tensor(np.zeros((7, 11), np.float32))
    refusing, _, _ = _refusing(first_write=1)
    bad = np.full(1009, -1)
    times = 200_000 if path == "native" else 2_000

    def turn(count: int) -> None:
        for _ in range(count):
            record.call(x, y)
            record.call(x, x.T)
        for _ in range(count // 100):
            refusing.call(bad)

    turn(1000)
    gc.collect()
    references = [sys.getrefcount(item) for item in (x, y, y._array, bad)]
    before = _resident_bytes()
    turn(times)
    after = _resident_bytes()
    assert [sys.getrefcount(item) for item in (x, y, y._array, bad)] == references
    assert after - before < 2 << 20


def test_singletons_keep_their_counts(path: str) -> None:
    """None, False and small ints are returned as new references (or are immortal)."""
    record = samples.copying((3,))
    x = np.zeros(3, np.float32)
    singletons = (None, False)
    before = [sys.getrefcount(item) for item in singletons]
    for _ in range(10_000 if path == "native" else 500):
        record.call(x, x)
        record.call(x)
    after = [sys.getrefcount(item) for item in singletons]
    assert max(abs(b - a) for a, b in zip(before, after, strict=True)) < 100
