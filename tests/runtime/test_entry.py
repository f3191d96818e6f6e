"""The guarded native call: which arguments match, and where their addresses are written."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from numflow.kernels import abi
from numflow.runtime import entry, executor, native
from numflow.runtime.entry import CellPatch, InputGuard
from tests.runtime import samples
from tests.runtime.samples import Tensor

pytestmark = pytest.mark.usefixtures("path")


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("shape", [(), (1,), (7, 11), (3, 1, 5), (0, 3), (1009,)])
def test_arguments_of_any_shape(shape: tuple[int, ...], long: bool) -> None:
    """Arrays and tensors, also scalars, sizes of 1 and empty ones."""
    record = samples.copying(shape, long)
    for wrap_x, wrap_y in [(_same, _same), (Tensor, _same), (_same, Tensor), (Tensor, Tensor)]:
        x = np.random.default_rng(1).random(shape).astype(np.float32)
        y = np.zeros(shape, np.float32)
        assert record.call(wrap_x(x), wrap_y(y)) is None
        np.testing.assert_array_equal(x, y)


def _same(x: Any) -> Any:
    return x


def _unset() -> Tensor:
    tensor = Tensor(None)
    del tensor._array
    return tensor


class Derived(np.ndarray):
    """Not an ndarray exactly: it may mean something else by its memory."""


MISFITS: list[Any] = [
    np.zeros((7, 11), np.float64),
    np.zeros((7, 11), ">f4"),
    np.zeros((7, 11), np.int32),
    np.zeros((7, 12), np.float32),
    np.zeros((11, 7), np.float32),
    np.zeros((77,), np.float32),
    np.zeros((1, 7, 11), np.float32),
    np.zeros((11, 7), np.float32).T,
    np.zeros((14, 11), np.float32)[::2],
    np.frombuffer(bytearray(7 * 11 * 4 + 1), np.uint8)[1:].view(np.float32).reshape(7, 11),
    np.zeros((7, 11), np.float32).view(Derived),
    None,
    3,
    [[0.0] * 11] * 7,
    Tensor(None),
    Tensor(np.zeros((7, 11))),
    Tensor([1.0]),
    _unset(),
]


@pytest.mark.parametrize("misfit", MISFITS, ids=lambda m: f"{type(m).__name__}")
@pytest.mark.parametrize("position", [0, 1])
def test_what_does_not_match_is_not_run(misfit: Any, position: int) -> None:
    """False, and the program has not started; the next right call works."""
    record = samples.copying((7, 11))
    x, y = np.ones((7, 11), np.float32), np.zeros((7, 11), np.float32)
    arguments: list[Any] = [x, y]
    arguments[position] = misfit
    assert record.call(*arguments) is False
    assert not y.any()
    assert record.call(x, y) is None and y.all()


def test_a_dtype_is_compared_by_meaning() -> None:
    """Unpickled arrays have dtype objects of their own."""
    record = samples.copying((7, 11))
    x = pickle.loads(pickle.dumps(np.ones((7, 11), np.float32)))
    y = np.zeros((7, 11), np.float32)
    assert x.dtype is not y.dtype
    assert record.call(x, y) is None and y.all()


def test_wrong_number_of_arguments() -> None:
    """No array is left unpatched."""
    record = samples.copying((3,))
    x = np.zeros(3, np.float32)
    assert [record.call(*[x] * n) for n in (0, 1, 3)] == [False] * 3


def test_an_argument_used_in_several_places() -> None:
    """All slots of a guard receive the address."""
    context = entry.new_context()
    blocks = [samples.block(context.ctypes.data, 0) for _ in range(3)]
    record = entry.make_call(
        [executor.kernel(samples.addresses()["count"], b, 5, 5) for b in blocks],
        [InputGuard((5,), np.dtype(np.int64), [(b, abi.HEADER) for b in blocks])],
        context=context,
        long=False,
        first_write=3,
    )
    out = np.zeros(5, np.int64)
    assert record.call(out) is None
    assert out.tolist() == [0, 3, 6, 9, 12]


def test_an_operand_may_start_inside_of_an_array() -> None:
    """The addend of a slot is added to the address of an argument or variable, also in copies."""
    args, more = samples.block(0, 0), samples.block(0, 0)
    cell, buffer = np.zeros(8, np.int64), np.zeros(11, np.int64)
    cell[0] = buffer.ctypes.data
    count = samples.addresses()["count"]
    record = entry.make_call(
        [executor.kernel(count, args, 3, 3), executor.kernel(count, more, 2, 2)],
        [InputGuard((7,), np.dtype(np.int64), [(args, abi.HEADER, 24)])],
        cells=[CellPatch(cell.ctypes.data, [(more, abi.HEADER, 16)])],
        context=entry.new_context(),
        long=False,
        first_write=2,
    )
    out = np.zeros(7, np.int64)
    for twin in (record, record.copy()):
        assert twin.call(out) is None
    assert out.tolist() == [0, 0, 0, 0, 2, 4, 0]
    assert buffer.tolist() == [0, 0, 0, 2, *[0] * 7]


def test_cells_are_loaded_at_each_entry() -> None:
    """A variable may get another buffer between two calls."""
    cell = np.zeros(1, np.int64)
    args = samples.block(0, 0)
    record = entry.make_call(
        [executor.kernel(samples.addresses()["count"], args, 5, 5)],
        cells=[CellPatch(cell.ctypes.data, [(args, abi.HEADER)])],
        context=entry.new_context(),
        long=False,
        first_write=0,
    )
    for _ in range(2):
        buffer = np.zeros(5, np.int64)
        cell[0] = buffer.ctypes.data
        assert record.call() is None
        assert buffer.tolist() == [0, 1, 2, 3, 4]


def test_blocks_are_checked() -> None:
    """A block of another dtype would be patched wrongly."""
    with pytest.raises(TypeError, match="argument blocks are C-contiguous int64"):
        wrong: Any = np.zeros(8, np.int32)
        step = executor.kernel(1, wrong, 1, 1)
        entry.make_call([step], context=entry.new_context(), long=False, first_write=99)
    with pytest.raises(ValueError, match=r"^kernel: a chunk has at least one unit\. Received: 0$"):
        executor.kernel(1, np.zeros(8, np.int64), 1, 0)


def test_the_slot_of_a_class_is_measured(path: str) -> None:
    """Wherever the class puts it; with a class that has no such slot, the answer is an error."""
    registered = native.tensor_class()
    assert registered is not None
    tensor = Tensor(object())
    assert native._word(id(tensor) + registered.offset) == id(tensor._array)
    with pytest.raises(AttributeError):
        entry.register_tensor_class(Tensor, "missing")


def test_addresses_of_arrays() -> None:
    """The compiled reading of a.ctypes.data."""
    address = native.address_function()
    for array in (np.zeros(3), np.zeros((0, 2)), np.zeros(()), np.zeros((5, 7))[1:, ::2]):
        assert address(array) == array.ctypes.data
