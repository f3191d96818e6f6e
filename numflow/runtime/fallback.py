"""The contract of native entries, in Python; only the program itself is compiled.

For interpreters whose objects do not look in memory as `native_layout.py` says. Results are always
made anew here.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from numflow.kernels.records import record
from numflow.runtime import arena, cells, native
from numflow.runtime.call_parts import CellPatch, InputGuard, Slot, store
from numflow.runtime.executor import BUSY, REFUSED, SHARED
from numflow.runtime.native_layout import MISMATCH

if TYPE_CHECKING:
    import numpy.typing as npt


@record
class Number:
    """An argument that is a Python float; slots receive the address of its value."""

    slots: Sequence[Slot]


@record
class Constant:
    """An argument that is this very object."""

    value: object


@record
class Made:
    """A result: make() gives a new tensor, and slots receive the address of its data."""

    make: Callable[[], Any]
    slots: Sequence[Slot]


Guard = InputGuard | Number | Constant


@record
class Program:
    """A record, as this path sees it. busy: held by the call that is in it."""

    address: int
    cells: Sequence[CellPatch]
    busy: threading.Lock

    def run(self) -> int:
        """Run it, with the locks of the variables that it writes."""
        written = sorted(cell.cell for cell in self.cells if cell.written)
        with _locked(written):
            if any(map(_shared, written)):
                return SHARED
            return native.native_run()(self.address)


@contextmanager
def _locked(addresses: Sequence[int]) -> Iterator[None]:
    taken: list[int] = []
    try:
        for address in addresses:
            if cells.native_locks().take(address):
                taken += [address]
        yield
    finally:
        for address in taken:
            cells.native_locks().free(address)


def _counts(array: int, owner: int) -> list[int]:
    """How often the objects at these addresses are referred to."""
    held = [ctypes.cast(address, ctypes.py_object) for address in (array, owner)]
    return [sys.getrefcount(item.value) for item in held]


def _private_counts() -> list[int]:
    """What they are if nobody shares the buffer."""
    array = arena.aligned_array((1,), np.int8)
    return _counts(id(array), id(array.base))


_PRIVATE = _private_counts()


def _shared(address: int) -> bool:
    row = (ctypes.c_int64 * cells.WORDS).from_address(address)
    return _counts(row[cells.ARRAY], row[cells.OWNER]) != _PRIVATE


class Entry:
    """How objects become operands of a program, see `fast_call.fast_call`."""

    def __init__(
        self,
        program: Program,
        guards: Sequence[Guard],
        fixed: Sequence[tuple[npt.NDArray[Any], Sequence[Slot]]] = (),
        results: Sequence[Made] = (),
        form: type | None = None,
    ) -> None:
        self._program, self._guards = program, guards
        self._fixed, self._results, self._form = fixed, results, form

    def call(self, *objects: object) -> Any:
        """See entry.py."""
        status, answer = self.attempt(objects)
        if status == MISMATCH:
            return False
        return status or answer

    def attempt(self, objects: Sequence[object]) -> tuple[int, Any]:
        """The status of a call, and what it returns if that is 0."""
        if len(objects) != len(self._guards):
            return MISMATCH, None
        operands = [_operand(g, x) for g, x in zip(self._guards, objects, strict=True)]
        if any(operand is None for operand in operands):
            return MISMATCH, None
        if not self._program.busy.acquire(blocking=False):
            return BUSY, None
        try:
            for guard, operand in zip(self._guards, operands, strict=True):
                if not isinstance(guard, Constant):
                    assert operand is not None
                    store(operand.ctypes.data, guard.slots)
            for array, slots in self._fixed:
                store(array.ctypes.data, slots)
            made = [result.make() for result in self._results]
            for tensor, result in zip(made, self._results, strict=True):
                memory = _array(tensor)
                if memory is None or tensor is memory:
                    raise TypeError("a result is not of the class of tensors")
                store(memory.ctypes.data, result.slots)
            status = self._program.run()
        finally:
            self._program.busy.release()
        if status:
            return status, None
        if self._form is not None:
            return status, self._form(made)
        return status, made[0] if made else None

    def fast(
        self,
        idle: Sequence[object],
        miss: object,
        refused: Callable[..., Any],
        pack: Callable[[Any], Any] | None,
    ) -> Callable[..., Any]:
        """The function that `fast_call` gives."""

        def fast(*objects: object) -> Any:
            if idle:
                return miss
            status, answer = self.attempt(objects)
            if status == 0:
                return answer if pack is None else pack(answer)
            return refused(*objects) if status == REFUSED else miss

        return fast


def _operand(guard: Guard, item: object) -> npt.NDArray[Any] | None:
    """The array of an argument; None if it is not what the guard wants."""
    if isinstance(guard, Constant):
        return _NOTHING if item is guard.value else None
    if isinstance(guard, Number):
        return np.asarray(item) if type(item) is float else None
    array = _array(item)
    if array is None and guard.shape == () and type(item) is guard.dtype.type:
        array = np.asarray(item)
    if (
        array is None
        or array.dtype != guard.dtype
        or array.shape != guard.shape
        or not (array.flags.c_contiguous and array.flags.aligned)
    ):
        return None
    return array


_NOTHING = np.zeros(0)


def _array(item: object) -> npt.NDArray[Any] | None:
    tensor = native.tensor_class()
    if tensor is not None and type(item) is tensor.cls:
        item = getattr(item, tensor.slot, None)
    return item if type(item) is np.ndarray else None
