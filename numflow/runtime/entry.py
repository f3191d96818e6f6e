"""The native call: checks its array arguments, patches their addresses in, runs a program.

`make_call` builds a `CallRecord`; `record.call(*objects)` then is one call of a compiled CPython
builtin (0.1 us with four arrays, where checking them in Python takes 1.3 us). Its answer:

    None      done
    False     an argument is not what the record was made for: nothing has run
    REFUSED   a kernel refused a value: the error word of the context says which
    BUSY      another thread is in this record: call a `record.copy()` instead
    (an exception: a signal handler raised, KeyboardInterrupt mostly)

An argument is an ndarray, or an instance of the class given to `register_tensor_class` with an
ndarray in a slot. It matches if it has the dtype and the shape of its guard and is C-contiguous and
aligned. Arrays that are written (results) are arguments too; that they are writable is up to the
caller, and that no argument changes hands during the call.

Where the layouts of objects are not known (`native.py`), a Python path keeps the same contract.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from numflow.kernels import abi
from numflow.runtime import arena, executor, native, pool
from numflow.runtime.executor import BUSY, REFUSED, Instruction, IntArray
from numflow.runtime.native import register_tensor_class

__all__ = [
    "BUSY",
    "REFUSED",
    "CallRecord",
    "CellPatch",
    "InputGuard",
    "Slot",
    "make_call",
    "new_context",
    "register_tensor_class",
]

Slot = tuple[IntArray, int] | tuple[IntArray, int, int]
"""A word of an argument block: (block, index), or (block, index, addend).

It receives the address of the data plus addend bytes: an operand may start inside of an array.
"""


@dataclass(frozen=True, eq=False)
class InputGuard:
    """What an argument must be, and the words that receive its data address; a numeric dtype."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    slots: Sequence[Slot] = ()


@dataclass(frozen=True, eq=False)
class CellPatch:
    """The int64 word at address `cell` (the handle of a variable) is copied into slots at entry."""

    cell: int
    slots: Sequence[Slot]


def new_context() -> IntArray:
    """A context block (`kernels/abi.py`), on its own cache line."""
    context: IntArray = arena.aligned_array((abi.CONTEXT_WORDS,), np.int64)
    context[:] = 0
    context[abi.ERROR] = abi.NO_ERROR
    return context


# --- the call record ---------------------------------------------------------


class _Address(int):
    """Address of a record; keeps its memory alive, also while only a running call has it."""

    keep: tuple[object, ...]


@dataclass(frozen=True, eq=False)
class _Parts:
    """What a record is made of; `copy` maps it to fresh memory."""

    instructions: Sequence[Instruction]
    inputs: Sequence[InputGuard]
    cells: Sequence[CellPatch]
    context: IntArray
    memory: Sequence[npt.NDArray[Any]]
    pointers: Sequence[Slot]
    long: bool
    first_write: int


@dataclass(frozen=True, eq=False)
class CallRecord:
    """A program ready to be called.

    call: call(*objects), see the docstring of this file.
    context: the context block; its error word holds the refusal after REFUSED.
    address: the record in memory.
    """

    call: Callable[..., Any]
    context: IntArray
    address: int
    _parts: _Parts = field(repr=False)

    def copy(self) -> CallRecord:
        """The same program on blocks, context and memory of its own, for a second thread."""
        return _build(_copied(self._parts))


def make_call(
    instructions: Sequence[Instruction],
    inputs: Sequence[InputGuard] = (),
    cells: Sequence[CellPatch] = (),
    *,
    context: IntArray,
    long: bool,
    first_write: int,
    memory: Sequence[npt.NDArray[Any]] = (),
    pointers: Sequence[Slot] = (),
) -> CallRecord:
    """A record that runs instructions. All arrays named are kept alive by it.

    Args:
      instructions: see executor.py; argument blocks are C-contiguous int64 arrays.
      inputs: a guard for each argument of the call, in order.
      cells: handles of variables to load at entry.
      context: the block that word CONTEXT of the argument blocks points to (`new_context`).
      long: the program takes more than about 10 us: release the GIL, and look for signals.
      first_write: index of the first instruction that writes a variable (their number if none).
      memory: buffers that belong to one call at a time (the arena), duplicated by `copy`.
      pointers: words of blocks that hold an address inside memory or inside another block, so that
        `copy` can move them; the words CONTEXT and WORKSPACE of argument blocks need no mention.
    """
    parts = _Parts(
        tuple(instructions),
        tuple(inputs),
        tuple(cells),
        context,
        tuple(memory),
        tuple(pointers),
        long,
        first_write,
    )
    for step in parts.instructions:
        if step.args is not None:
            _check_block(step.args)
    for slot in _slots(parts):
        _check_block(slot[0])
    return _build(parts)


def _check_block(block: IntArray) -> None:
    if block.dtype != np.int64 or not block.flags.c_contiguous:
        raise TypeError(f"make_call: argument blocks are C-contiguous int64. Received: {block!r}")


def _slots(parts: _Parts) -> list[Slot]:
    slots = list(parts.pointers)
    for guard in parts.inputs:
        slots += guard.slots
    for cell in parts.cells:
        slots += cell.slots
    return slots


def _build(parts: _Parts) -> CallRecord:
    if any(step.total > step.chunk for step in parts.instructions):
        pool.start()
    address_of = native.address_function()
    image = executor.image(parts.instructions, address_of)
    keep: list[object] = [parts, image]
    guard_words: list[int] = []
    for guard in parts.inputs:
        dims, slots = np.array(guard.shape, np.int64), _addresses(guard.slots)
        keep += [dims, slots]
        guard_words += [id(guard.dtype), len(guard.shape), address_of(dims)]
        guard_words += [len(guard.slots), address_of(slots), 0]
    cell_words: list[int] = []
    for cell in parts.cells:
        slots = _addresses(cell.slots)
        keep.append(slots)
        cell_words += [cell.cell, len(cell.slots), address_of(slots), 0]
    guards, cells = np.array(guard_words, np.int64), np.array(cell_words, np.int64)

    tensor = native.tensor_class()
    compiled = native.layouts_known() and (tensor is None or tensor.offset > 0)
    record: IntArray = arena.aligned_array((native.RECORD_WORDS,), np.int64)
    record[:] = 0
    record[native.R_IMAGE : native.R_LONG + 1] = (
        address_of(image),
        len(parts.instructions),
        parts.first_write,
        address_of(parts.context),
        pool.launch_address(),
        pool.state_address(),
        parts.long,
    )
    record[native.R_INPUTS : native.R_ARRAY_TYPE] = (
        len(parts.inputs),
        address_of(guards),
        len(parts.cells),
        address_of(cells),
    )
    record[native.R_ARRAY_TYPE] = id(np.ndarray)
    if compiled and tensor is not None:
        record[native.R_TENSOR_TYPE], record[native.R_TENSOR_SLOT] = id(tensor.cls), tensor.offset
        keep.append(tensor.cls)
    address = _Address(address_of(record))
    address.keep = (record, guards, cells, *keep)
    call = (
        functools.partial(native.native_call(), address)
        if compiled
        else _PythonCall(parts, address)
    )
    return CallRecord(call, parts.context, address, parts)


def _addresses(slots: Sequence[Slot]) -> IntArray:
    """Rows {address, addend} in one array."""
    address_of = native.address_function()
    words: list[int] = []
    for slot in slots:
        words += [address_of(slot[0]) + abi.WORD * slot[1], _addend(slot)]
    return np.array(words, np.int64)


def _addend(slot: Slot) -> int:
    return slot[2] if len(slot) == 3 else 0


# --- copies ------------------------------------------------------------------


def _copied(parts: _Parts) -> _Parts:
    blocks: dict[int, IntArray] = {}
    for step in parts.instructions:
        if step.args is not None:
            blocks[id(step.args)] = step.args
    pointers = {(id(slot[0]), slot[1]): slot[0] for slot in parts.pointers}
    for key, block in list(blocks.items()):
        pointers |= {(key, word): block for word in (abi.CONTEXT, abi.WORKSPACE)}
    blocks |= {id(slot[0]): slot[0] for slot in _slots(parts)}
    owned = [*blocks.values(), parts.context, *parts.memory]
    twins = {id(array): _twin(array) for array in owned}
    ranges = [(old.ctypes.data, old.nbytes, twins[id(old)].ctypes.data) for old in owned]
    for (key, word), block in pointers.items():
        twins[key][word] = _moved(int(block[word]), ranges)

    def moved(slots: Sequence[Slot]) -> list[Slot]:
        return [(twins[id(slot[0])], slot[1], _addend(slot)) for slot in slots]

    return _Parts(
        [
            Instruction(
                step.operation,
                _moved(step.address, ranges) if step.args is None else step.address,
                None if step.args is None else twins[id(step.args)],
                step.total,
                step.chunk,
                step.target,
            )
            for step in parts.instructions
        ],
        [InputGuard(guard.shape, guard.dtype, moved(guard.slots)) for guard in parts.inputs],
        [CellPatch(cell.cell, moved(cell.slots)) for cell in parts.cells],
        twins[id(parts.context)],
        [twins[id(array)] for array in parts.memory],
        moved(parts.pointers),
        parts.long,
        parts.first_write,
    )


def _twin(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    twin = arena.aligned_array(array.shape, array.dtype)
    twin[...] = array
    return twin


def _moved(address: int, ranges: Sequence[tuple[int, int, int]]) -> int:
    """The address in the copy of the buffer that it points into; others stay as they are."""
    for start, nbytes, twin in ranges:
        # An empty operand may point just behind the last byte.
        if start <= address <= start + nbytes:
            return address - start + twin
    return address


# --- the Python path ---------------------------------------------------------


class _PythonCall:
    """The contract of the native call, in Python; only the program itself is compiled."""

    def __init__(self, parts: _Parts, address: _Address) -> None:
        self._inputs = parts.inputs
        self._address = address
        self._lock = threading.Lock()

    def __call__(self, *objects: object) -> Any:
        if len(objects) != len(self._inputs):
            return False
        arrays = [_array(item) for item in objects]
        for guard, array in zip(self._inputs, arrays, strict=True):
            if (
                array is None
                or array.dtype != guard.dtype
                or array.shape != guard.shape
                or not (array.flags.c_contiguous and array.flags.aligned)
            ):
                return False
        if not self._lock.acquire(blocking=False):
            return BUSY
        try:
            for guard, array in zip(self._inputs, arrays, strict=True):
                assert array is not None
                for slot in guard.slots:
                    slot[0][slot[1]] = array.ctypes.data + _addend(slot)
            return native.native_run()(self._address) or None
        finally:
            self._lock.release()


def _array(item: object) -> npt.NDArray[Any] | None:
    tensor = native.tensor_class()
    if tensor is not None and type(item) is tensor.cls:
        item = getattr(item, tensor.slot, None)
    return item if type(item) is np.ndarray else None
