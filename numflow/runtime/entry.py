"""The native call: checks its array arguments, patches their addresses in, runs a program.

`make_call` builds a `CallRecord`; `record.call(*objects)` then is one call of a compiled CPython
builtin (0.1 us with four arrays, where checking them in Python takes 1.3 us). Its answer:

    None      done
    False     an argument, or the shape of a variable, is not what the record was made for: nothing
              has run
    REFUSED   a kernel refused a value: `record.refusal()` says which
    BUSY      another thread is in this record: call a `record.copy()` instead
    SHARED    somebody else holds the buffer of a variable that would be written: nothing has run;
              call again after `variable.make_private()`
    (an exception: a signal handler raised, KeyboardInterrupt mostly)

An argument is an ndarray, or an instance of the class given to `register_tensor_class` with an
ndarray in a slot. It matches if it has the dtype and the shape of its guard and is C-contiguous and
aligned; a NumPy scalar matches a shape of (). Arrays that are written (results) are arguments too;
that they are writable is up to the caller, and that no argument changes hands during the call.
`fast_call.py` makes results itself.

Where the layouts of objects are not known (`native.py`), `fallback.py` keeps the same contract.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from numflow.kernels import abi, background, engine
from numflow.kernels.records import record
from numflow.kernels.settings import settings
from numflow.runtime import arena, executor, fallback, native, pool
from numflow.runtime import native_layout as layout
from numflow.runtime.call_parts import CellPatch, InputGuard, Parts, Slot, addend
from numflow.runtime.executor import BUSY, REFUSED, SHARED, Instruction, IntArray
from numflow.runtime.native import register_tensor_class

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "BUSY",
    "REFUSED",
    "SHARED",
    "CallRecord",
    "CellPatch",
    "InputGuard",
    "Slot",
    "make_call",
    "new_context",
    "prepare",
    "register_tensor_class",
]


def new_context() -> IntArray:
    """A context block (`kernels/abi.py`), on its own cache line."""
    context: IntArray = arena.aligned_array((abi.CONTEXT_WORDS,), np.int64)
    context[:] = 0
    context[abi.ERROR] = abi.NO_ERROR
    return context


# --- the call record ---------------------------------------------------------


class Address(int):
    """Address of a record or entry; keeps its memory alive, also while only a call has it."""

    keep: tuple[object, ...]


@record
class CallRecord:
    """A program ready to be called.

    call: call(*objects), see the docstring of this file.
    context: the context block.
    address: the record in memory.
    """

    call: Callable[..., Any]
    context: IntArray
    address: Address
    parts: Parts
    program: fallback.Program

    def refusal(self) -> int:
        """The error word of the last call that was refused (`abi.split_error`)."""
        words: IntArray = self.address.keep[0]  # type: ignore[assignment]
        return int(words[layout.R_REFUSAL])

    def copy(self) -> CallRecord:
        """The same program on blocks, context and memory of its own, for a second thread."""
        return _build(self.parts.copy())


def prepare() -> None:
    """Let another thread compile what every call needs, if it is still to be compiled: a function
    is about to be traced, which takes as long."""
    if settings.threads > 1 and not _prepared:
        _prepared.append(True)
        if not engine.host_is_known():
            background.soon(lambda: (native.code(), pool.launch_address()))
            return
        with engine.asking(), contextlib.suppress(engine.NotYet):
            engine.all_of(native.code, pool.launch_address)


_prepared: list[bool] = []


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
    made: Sequence[Slot] = (),
) -> CallRecord:
    """A record that runs instructions. All arrays named are kept alive by it.

    Args:
      instructions: see executor.py; argument blocks are C-contiguous int64 arrays.
      inputs: a guard for each argument of the call, in order.
      cells: variables, whose addresses are loaded at entry.
      context: the block that word CONTEXT of the argument blocks points to (`new_context`).
      long: the program takes more than about 10 us: release the GIL, and look for signals.
      first_write: index of the first instruction that writes a variable (their number if none).
      memory: buffers that belong to one call at a time (the arena), duplicated by `copy`.
      pointers: words of blocks that hold an address inside memory or inside another block, so that
        `copy` can move them; the words CONTEXT and WORKSPACE of argument blocks need no mention.
      made: words that say that something lasting is in memory: 0 in a copy, which makes it anew.
    """
    parts = Parts(
        tuple(instructions),
        tuple(inputs),
        _merged(cells),
        context,
        tuple(memory),
        tuple(pointers),
        long,
        first_write,
        tuple(made),
    )
    for step in parts.instructions:
        if step.args is not None:
            _check_block(step.args)
    for slot in parts.slots():
        _check_block(slot[0])
    return _build(parts)


def _check_block(block: IntArray) -> None:
    if block.dtype != np.int64 or not block.flags.c_contiguous:
        raise TypeError(f"make_call: argument blocks are C-contiguous int64. Received: {block!r}")


def _merged(cells: Sequence[CellPatch]) -> tuple[CellPatch, ...]:
    """One patch per variable, in order of address: that in which locks are taken."""
    by_cell: dict[int, CellPatch] = {}
    for cell in sorted(cells, key=lambda c: c.cell):
        found = by_cell.get(cell.cell)
        if found is not None:
            form = cell.form if found.form is None else found.form
            written = found.written or cell.written
            cell = CellPatch(cell.cell, [*found.slots, *cell.slots], written, form)
        by_cell[cell.cell] = cell
    return tuple(by_cell.values())


def _build(parts: Parts) -> CallRecord:
    if any(step.total > step.chunk for step in parts.instructions):
        pool.start()
    if any(cell.written for cell in parts.cells):
        native.share_locks()
    address_of = native.address_function()
    compiled = native_entries()
    image = executor.image(parts.instructions, address_of)
    table = Table(layout.CELL_WORDS)
    for cell in parts.cells:
        form = -1 if cell.form is None else cell.form
        table.add(cell.cell, *table.slots(cell.slots), int(cell.written), form)
    record: IntArray = arena.aligned_array((layout.RECORD_WORDS,), np.int64)
    record[:] = 0
    record[layout.R_IMAGE : layout.R_COUNTS + 1] = (
        address_of(image),
        len(parts.instructions),
        parts.first_write,
        address_of(parts.context),
        pool.launch_address(),
        pool.state_address(),
        parts.long,
        *table.words(),
        sum(cell.written for cell in parts.cells),
        compiled,
    )
    address = Address(address_of(record))
    address.keep = (record, image, parts, table)
    program = fallback.Program(address, parts.cells, threading.Lock())
    if not compiled:
        call = fallback.Entry(program, parts.inputs).call
    else:
        call = native.native_call(entry_address(address, parts.inputs))
    return CallRecord(call, parts.context, address, parts, program)


# --- entries -----------------------------------------------------------------


def native_entries() -> bool:
    """Whether objects can be looked at by compiled code."""
    tensor = native.tensor_class()
    return native.layouts_known() and (tensor is None or tensor.offset > 0)


class Table:
    """Rows of words for compiled code, and what they refer to."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: list[int] = []
        self._count = 0
        self.keep: list[object] = []

    def add(self, *words: int) -> None:
        """A row; the words that are not given are 0."""
        self._rows += [*words, *[0] * (self._width - len(words))]
        self._count += 1

    def slots(self, slots: Sequence[Slot]) -> tuple[int, int]:
        """The two words for slots: their number, and the address of rows {address, addend}."""
        address_of = native.address_function()
        rows: list[int] = []
        for slot in slots:
            rows += [address_of(slot[0]) + abi.WORD * slot[1], addend(slot)]
        return len(slots), self.words_at(rows)

    def words_at(self, words: Sequence[int]) -> int:
        """The address of words."""
        array = np.array(words, np.int64)
        self.keep.append(array)
        return native.address_function()(array)

    def words(self) -> tuple[int, int]:
        """The two words for the table: number of rows, and their address."""
        return self._count, self.words_at(self._rows)


def entry_address(
    record: Address,
    guards: Sequence[fallback.Guard],
    fixed: Sequence[tuple[npt.NDArray[Any], Sequence[Slot]]] = (),
    results: Sequence[tuple[fallback.Made, bool]] = (),
    words: Sequence[int] = (layout.FORM_NONE,),
    keep: Sequence[object] = (),
) -> Address:
    """An entry in memory, see native_layout.py.

    results: with each, whether up to two of them are kept to be handed out again.
    words: from E_FORM on.
    """
    address_of = native.address_function()
    arguments = Table(layout.GUARD_WORDS)
    for guard in guards:
        if isinstance(guard, InputGuard):
            dims = arguments.words_at(guard.shape)
            slots = arguments.slots(guard.slots)
            arguments.keep.append(guard.dtype)
            arguments.add(layout.KIND_ARRAY, id(guard.dtype), len(guard.shape), dims, *slots)
        elif isinstance(guard, fallback.Number):
            arguments.add(layout.KIND_NUMBER, 0, 0, 0, *arguments.slots(guard.slots))
        else:
            arguments.keep.append(guard.value)
            arguments.add(layout.KIND_CONSTANT, id(guard.value))
    constants = Table(layout.FIXED_WORDS)
    for array, array_slots in fixed:
        constants.keep.append(array)
        constants.add(address_of(array), *constants.slots(array_slots))
    outputs = Table(layout.RESULT_WORDS)
    for made, kept in results:
        ring: list[object] = [None, None]
        outputs.keep += [ring, made.make]
        slots = outputs.slots(made.slots)
        outputs.add(*slots, 0, 0, 0, id(ring) if kept else 0, id(made.make))
    tensor = native.tensor_class()
    entry: IntArray = arena.aligned_array((layout.ENTRY_WORDS,), np.int64)
    entry[:] = 0
    entry[: layout.E_TENSOR_TYPE] = (
        record,
        *arguments.words(),
        *constants.words(),
        *outputs.words(),
    )
    if tensor is not None:
        entry[layout.E_TENSOR_TYPE : layout.E_FORM] = id(tensor.cls), tensor.offset, tensor.weak
    entry[layout.E_FORM : layout.E_FORM + len(words)] = words
    address = Address(address_of(entry))
    address.keep = (entry, record, arguments, constants, outputs, tensor, keep)
    return address
