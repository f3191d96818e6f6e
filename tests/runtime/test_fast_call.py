"""Fast calls: raw arguments in, tensors out, and MISS for all that is unusual."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numflow.kernels import abi
from numflow.runtime import arena, cells, entry, executor, fast_call, native
from numflow.runtime.entry import CallRecord, CellPatch, InputGuard
from numflow.runtime.fast_call import MISS, Constant, Number
from tests.runtime import samples
from tests.runtime.samples import Tensor

pytestmark = pytest.mark.usefixtures("path")

FLOAT = np.dtype(np.float32)


def _copying(shape: tuple[int, ...], pairs: int = 1, *, long: bool = False) -> CallRecord:
    """A program of `pairs` sources and as many targets, each a copy of its source."""
    context = entry.new_context()
    units = int(np.prod(shape))
    blocks = [samples.block(context.ctypes.data, 0, 0) for _ in range(pairs)]
    copy = samples.addresses()["copy"]
    slots = [[(block, abi.HEADER + k)] for k in range(2) for block in blocks]
    return entry.make_call(
        [executor.kernel(copy, block, units, max(units, 1)) for block in blocks],
        [InputGuard(shape, FLOAT, s) for s in slots],
        context=context,
        long=long,
        first_write=pairs,
    )


def _never(*_: object) -> None:
    raise AssertionError


def _fast(record: CallRecord, **changes: Any) -> Callable[..., Any]:
    """The first half of the inputs are arguments, the others results."""
    count = len(record.parts.inputs) // 2
    options: dict[str, Any] = {
        "arguments": list(range(count)),
        "fixed": {},
        "results": list(range(count, 2 * count)),
        "idle": [],
        "refused": _never,
    }
    return fast_call.fast_call(record, **(options | changes))


def _floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).random(shape).astype(np.float32)


# --- arguments and results ---------------------------------------------------


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("shape", [(), (1,), (7, 11), (0, 3), (401, 1009)])
def test_a_result_is_a_new_tensor(shape: tuple[int, ...], long: bool) -> None:
    """Of the class of tensors; it stays as it is when the next one is made."""
    fast = _fast(_copying(shape, long=long))
    values = [np.asarray(_floats(*shape) + k) for k in range(5)]
    results = [fast(wrap(x)) for x in values for wrap in (lambda x: x, Tensor)]
    assert len({id(y) for y in results}) == 10 and {type(y) for y in results} == {Tensor}
    for x, y in zip([x for x in values for _ in range(2)], results, strict=True):
        np.testing.assert_array_equal(x, y._array)


def test_arguments_that_do_not_match_miss() -> None:
    """Nothing runs, and the next call works."""
    fast = _fast(_copying((7, 11)))
    x = _floats(7, 11)
    for misfit in [x.T, x[:5], x.astype(np.float64), 1.0, None, [1.0], Tensor(None), x[::2]]:
        assert fast(misfit) is MISS
    assert fast() is MISS and fast(x, x) is MISS
    np.testing.assert_array_equal(fast(x)._array, x)


def test_numpy_scalars_are_arrays_without_axes() -> None:
    """Those of the right dtype."""
    fast = _fast(_copying(()))
    assert fast(np.float32(2.5))._array == 2.5
    for misfit in (np.float64(2.5), np.int32(2), 2.5, np.float16(2.5)):
        assert fast(misfit) is MISS
    assert _fast(_copying((1,)))(np.float32(2.5)) is MISS
    record = _copying(())
    out = np.zeros((), np.float32)
    assert record.call(np.float32(1.5), out) is None and out == 1.5


def _doubles() -> CallRecord:
    """A program that adds nothing to a float64 argument: its bits are copied as two float32."""
    context = entry.new_context()
    args = samples.block(context.ctypes.data, 0, 0)
    return entry.make_call(
        [executor.kernel(samples.addresses()["copy"], args, 2, 2)],
        [InputGuard((), np.dtype(np.float64), [(args, abi.HEADER + k)]) for k in range(2)],
        context=context,
        long=False,
        first_write=1,
    )


def test_python_floats() -> None:
    """A Number takes them alone; an array of float64 does not take them."""
    number = _fast(_doubles(), arguments=[Number(0)])
    assert number(0.1)._array == 0.1 and number(-2.0)._array == -2.0
    for misfit in (np.float64(0.1), 1, True, np.array(0.1)):
        assert number(misfit) is MISS
    array = _fast(_doubles())
    assert array(0.1) is MISS and array(np.float64(0.1))._array == 0.1


def test_constants_are_compared_by_identity() -> None:
    """Among the other arguments."""
    owner = object()
    fast = _fast(_copying((3,)), arguments=[Constant(owner), 0, Constant(None), Constant(True)])
    x = _floats(3)
    assert fast(owner, x, None, True)._array[2] == x[2]
    for arguments in [(x, x, None, True), (owner, x, None, 1), (owner, x, 0, True)]:
        assert fast(*arguments) is MISS


def test_an_array_that_is_always_the_same() -> None:
    """It is kept alive, and put in at each call: another entry may have changed the blocks."""
    record = _copying((7,), 2)
    x, y = _floats(7), _floats(7) + 1
    fast = _fast(record, arguments=[1], fixed={0: y.copy()}, form=tuple)
    for _ in range(2):
        first, second = fast(x)
        assert (first._array == y).all() and (second._array == x).all()
        assert record.call(x, x, np.zeros(7, np.float32), np.zeros(7, np.float32)) is None


def test_inputs_without_a_source_are_an_error() -> None:
    """Each has exactly one; a fixed array fits; several results have a form."""
    record = _copying((7,), 2)
    with pytest.raises(ValueError, match="each of 4 inputs has one source"):
        _fast(record, arguments=[0])
    with pytest.raises(ValueError, match="each of 4 inputs has one source"):
        _fast(record, arguments=[0, 1, 1], form=tuple)
    with pytest.raises(ValueError, match="a fixed array is not float32"):
        _fast(record, arguments=[0], fixed={1: np.zeros(7)}, form=tuple)
    with pytest.raises(ValueError, match="2 results need a form"):
        _fast(record)


def test_forms_of_results() -> None:
    """One, a tuple, a list, or what pack makes of them."""
    x, y = _floats(7), _floats(7) + 1
    two = _copying((7,), 2)
    for form in (tuple, list):
        got = _fast(two, form=form)(x, y)
        assert type(got) is form
        assert [(a._array == b).all() for a, b in zip(got, (x, y), strict=True)] == [True, True]
    packed = _fast(two, form=tuple, pack=lambda r: {"a": r[0], "b": (r[1],)})(x, y)
    assert (packed["b"][0]._array == y).all()
    (only,) = _fast(_copying((7,)), form=tuple)(x)
    assert (only._array == x).all()
    with pytest.raises(ZeroDivisionError):
        _fast(_copying((7,)), pack=lambda _: 1 // 0)(x)


def test_no_results() -> None:
    """None, or an empty tuple."""
    context = entry.new_context()
    args = samples.block(context.ctypes.data, 0)
    record = entry.make_call(
        [executor.kernel(samples.addresses()["count"], args, 3, 3)],
        [InputGuard((3,), np.dtype(np.int64), [(args, abi.HEADER)])],
        context=context,
        long=False,
        first_write=0,
    )
    out = np.zeros(3, np.int64)
    assert _fast(record, arguments=[0], results=[])(out) is None
    assert _fast(record, arguments=[0], results=[], form=tuple)(out) == ()
    assert out[2] == 4


# --- results that are handed out again ---------------------------------------


def _memory(tensor: Tensor) -> tuple[int, int]:
    assert isinstance(tensor._array, np.ndarray)
    return id(tensor), tensor._array.ctypes.data


@pytest.mark.parametrize("size", [7, arena.LARGE // 4 + 5])
def test_a_result_that_nobody_has_is_handed_out_again(size: int, path: str) -> None:
    """Two serve a loop that keeps its last result."""
    if path == "python":
        pytest.skip("that path makes results anew")
    fast = _fast(_copying((size,)))
    x = _floats(size)
    y = fast(x)
    seen = set()
    for k in range(20):
        y = fast(x + k)
        seen.add(_memory(y))
        np.testing.assert_array_equal(y._array, x + k)
    assert len(seen) == 2


HOLDERS: list[Callable[[Tensor], Any]] = [
    lambda y: y,
    lambda y: y._array,
    lambda y: y._array[2:],  # type: ignore[index]
    lambda y: y._array.view(np.int8)[3:].reshape(1, -1),  # type: ignore[attr-defined]
    lambda y: memoryview(y._array),  # type: ignore[arg-type]
    weakref.ref,
    lambda y: weakref.ref(y._array),
    lambda y: [y],
    lambda y: y._array.__dlpack__(),  # type: ignore[attr-defined]
]


@pytest.mark.parametrize("hold", HOLDERS)
@pytest.mark.parametrize("size", [7, arena.LARGE // 4 + 5])
def test_what_somebody_still_has_never_changes(size: int, hold: Callable[..., Any]) -> None:
    """The tensor, its array, views of the memory; nor is the identity of a tensor used twice."""
    fast = _fast(_copying((size,)))
    x = _floats(size)
    for _ in range(3):
        y = fast(x)
        holder, kept = hold(y), _memory(y)
        weak = type(holder) is weakref.ref
        del y
        others = [fast(x + k) for k in range(1, 5)]
        if not weak:
            assert kept[1] not in [_memory(other)[1] for other in others]
        if isinstance(holder, np.ndarray) and holder.shape == x.shape:
            np.testing.assert_array_equal(holder, x)
        if weak:
            assert holder() is None or holder() not in others
        del others


def test_large_results_are_left_to_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry does not keep them."""
    monkeypatch.setattr(fast_call, "KEPT", 8)
    fast = _fast(_copying((7,)))
    gone = weakref.ref(fast(_floats(7)))
    assert gone() is None


def test_a_failing_allocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its exception is raised, and the next call is as good as new."""
    fails: list[int] = []

    def maker(shape: Sequence[int], dtype: Any) -> Callable[[], Any]:
        def make() -> Any:
            if fails:
                raise MemoryError("none left")
            return Tensor(np.empty(shape, dtype))

        return make

    monkeypatch.setattr(fast_call, "tensor_maker", maker)
    fast = _fast(_copying((7,), 2), form=tuple)
    x = _floats(7)
    held = [fast(x, x) for _ in range(3)]
    fails.append(1)
    with pytest.raises(MemoryError, match="none left"):
        fast(x, x)
    fails.clear()
    assert (fast(x, x)[1]._array == x).all() and len(held) == 3


def test_a_maker_of_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """TypeError instead of memory that is written anywhere."""
    monkeypatch.setattr(fast_call, "tensor_maker", lambda *_: lambda: np.zeros(7))
    with pytest.raises(TypeError):
        _fast(_copying((7,)))(_floats(7))


# --- the long way ------------------------------------------------------------


def test_an_active_tape_or_trace_misses() -> None:
    """As long as the list is not empty."""
    idle: list[object] = []
    fast = _fast(_copying((7,)), idle=idle)
    x = _floats(7)
    idle.append(None)
    assert fast(x) is MISS
    idle.pop()
    assert (fast(x)._array == x).all()


def test_a_refusal_goes_to_its_handler() -> None:
    """With the arguments; what it raises is raised."""
    context = entry.new_context()
    args = samples.block(context.ctypes.data, 0, node=5)
    record = entry.make_call(
        [executor.kernel(samples.addresses()["refuse"], args, 7, 7)],
        [InputGuard((7,), np.dtype(np.int64), [(args, abi.HEADER)])],
        context=context,
        long=False,
        first_write=1,
    )

    def refused(x: Any) -> None:
        node, index = abi.split_error(record.refusal())
        raise ValueError(f"node {node} refuses element {index} of {x.tolist()}")

    fast = _fast(record, arguments=[0], results=[], refused=refused)
    assert fast(np.zeros(7, np.int64)) is None
    with pytest.raises(ValueError, match=r"node 5 refuses element 2 of \[0, 0, -1, 0, 0, 0, 0\]"):
        fast(np.array([0, 0, -1, 0, 0, 0, 0]))
    assert fast(np.zeros(7, np.int64)) is None


def test_a_shared_variable_misses() -> None:
    """The long way makes it private."""
    row = cells.cells.take()
    array = arena.aligned_array((7,), np.int64)
    array[:] = 0
    row[: cells.OWNER + 1] = array.ctypes.data, id(array), id(array.base)
    args = samples.block(0, 0)
    record = entry.make_call(
        [executor.kernel(samples.addresses()["count"], args, 7, 7)],
        cells=[CellPatch(row.ctypes.data, [(args, abi.HEADER)], written=True)],
        context=entry.new_context(),
        long=False,
        first_write=0,
    )
    fast = _fast(record, arguments=[], results=[])
    view = array[1:]
    assert fast() is MISS and not array.any()
    del view
    assert fast() is None and array[6] == 6


def test_a_busy_record_misses() -> None:
    """Its plain call and its fast calls are one."""
    args = samples.block(0)
    record = entry.make_call(
        [executor.kernel(samples.addresses()["sleep"], args, 300, 300)],
        context=entry.new_context(),
        long=True,
        first_write=1,
    )
    fast = _fast(record, arguments=[], results=[])
    for first, second, busy in [(fast, record.call, entry.BUSY), (record.call, fast, MISS)]:
        worker = threading.Thread(target=first)
        worker.start()
        while (answer := second()) is None and worker.is_alive():
            pass
        assert answer == busy
        worker.join()


def test_threads_take_turns_or_miss() -> None:
    """Nobody gets the result of another one."""
    fast = _fast(_copying((1009,), long=True))
    wrong: list[int] = []
    done: list[int] = []

    def work(number: int) -> None:
        x = np.full(1009, number, np.float32)
        count = 0
        for _ in range(500):
            y = fast(x)
            if y is not MISS:
                count += 1
                if not (y._array == number).all():
                    wrong.append(number)
        done.append(count)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and sum(done) > 0


# --- memory ------------------------------------------------------------------


def _resident_bytes() -> int:
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 if status.exists() else 0


def test_many_calls_leave_memory_where_it_was(path: str) -> None:
    """References balance on all ways out, whether results are kept or dropped."""
    idle: list[object] = []
    sentinel = Constant(object())
    one = _fast(_copying((7,)), idle=idle)
    two = _fast(_copying((7,), 2), form=tuple, arguments=[0, 1, sentinel])
    x, tensor = _floats(7), Tensor(_floats(7))
    times = 200_000 if path == "native" else 2_000

    def turn(count: int) -> None:
        kept: list[Any] = []
        for k in range(count):
            kept.append(one(x))
            two(x, tensor, sentinel.value)
            two(x, tensor, None)
            if k % 8 == 7:
                kept.clear()
        idle.append(None)
        for _ in range(count):
            one(x)
        idle.clear()

    items = (x, tensor, tensor._array, sentinel.value, MISS, Tensor, FLOAT)
    turn(1000)
    gc.collect()
    references = [sys.getrefcount(item) for item in items]
    before = _resident_bytes()
    turn(times)
    after = _resident_bytes()
    gc.collect()
    assert [sys.getrefcount(item) for item in items] == references
    assert after - before < 2 << 20


def test_a_fast_call_goes_with_what_it_keeps() -> None:
    """Its results, fixed arrays, handlers and the record."""
    record = _copying((7,), 2)
    fixed = _floats(7)
    gone = [weakref.ref(fixed), weakref.ref(record.context)]
    fast = _fast(
        record, arguments=[1], fixed={0: fixed}, form=tuple, refused=partial(_never, record)
    )
    gone.append(weakref.ref(fast(_floats(7))[0]))
    del record, fixed
    gc.collect()
    assert [reference() is None for reference in gone[:2]] == [False, False]
    del fast
    gc.collect()
    assert [reference() for reference in gone] == [None] * 3


def test_fast_calls_need_a_class_of_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is registered first."""
    monkeypatch.setattr(native, "_registered", [])
    with pytest.raises(RuntimeError, match="register_tensor_class comes first"):
        _fast(_copying((7,)))
