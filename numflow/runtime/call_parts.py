"""What a call record is made of, as data: guards of arguments, words to patch, copies of it all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from numflow.kernels import abi
from numflow.kernels.records import record
from numflow.runtime import arena
from numflow.runtime.executor import KERNEL, Instruction, IntArray

if TYPE_CHECKING:
    import numpy.typing as npt

Slot = tuple[IntArray, int] | tuple[IntArray, int, int]
"""A word of an argument block: (block, index), or (block, index, addend).

It receives the address of the data plus addend bytes: an operand may start inside of an array.
"""


def addend(slot: Slot) -> int:
    """Bytes from the start of the data."""
    return slot[2] if len(slot) == 3 else 0


def store(address: int, slots: Sequence[Slot]) -> None:
    """Let slots receive an address."""
    for slot in slots:
        slot[0][slot[1]] = address + addend(slot)


@record
class InputGuard:
    """What an argument must be, and the words that receive its data address; a numeric dtype."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    slots: Sequence[Slot] = ()


@record
class CellPatch:
    """A variable: the address of its buffer is copied into slots at entry.

    cell: address of its row, see cells.py.
    written: the program writes it. Entry takes its lock, and answers SHARED if somebody else holds
      the buffer.
    form: number of the shape that the program is made for (word FORM); None where any will do.
    """

    cell: int
    slots: Sequence[Slot]
    written: bool = False
    form: int | None = None


@record
class Parts:
    """What a record is made of, see `entry.make_call`."""

    instructions: Sequence[Instruction]
    inputs: Sequence[InputGuard]
    cells: Sequence[CellPatch]
    context: IntArray
    memory: Sequence[npt.NDArray[Any]]
    pointers: Sequence[Slot]
    long: bool
    first_write: int
    made: Sequence[Slot] = ()

    def slots(self) -> list[Slot]:
        """All of them."""
        slots = list(self.pointers)
        for guard in self.inputs:
            slots += guard.slots
        for cell in self.cells:
            slots += cell.slots
        return slots

    def copy(self) -> Parts:
        """The same in fresh memory: blocks, context, memory, and the addresses inside of them."""
        blocks: dict[int, IntArray] = {}
        for step in self.instructions:
            if step.args is not None:
                blocks[id(step.args)] = step.args
        pointers = {(id(slot[0]), slot[1]): slot[0] for slot in self.pointers}
        for step in self.instructions:
            if step.args is not None and step.operation == KERNEL:  # not a table of jumps
                words = (abi.CONTEXT, abi.WORKSPACE)
                pointers |= {(id(step.args), word): step.args for word in words}
        blocks |= {id(slot[0]): slot[0] for slot in self.slots()}
        owned = [*blocks.values(), self.context, *self.memory]
        twins = {id(array): _twin(array) for array in owned}
        ranges = [(old.ctypes.data, old.nbytes, twins[id(old)].ctypes.data) for old in owned]
        for (key, word), block in pointers.items():
            twins[key][word] = _moved(int(block[word]), ranges)

        def moved(slots: Sequence[Slot]) -> list[Slot]:
            return [(twins[id(slot[0])], slot[1], addend(slot)) for slot in slots]

        made = moved(self.made)
        for slot in made:
            slot[0][slot[1]] = 0
        return Parts(
            [
                Instruction(
                    step.operation,
                    _moved(step.address, ranges) if step.args is None else step.address,
                    None if step.args is None else twins[id(step.args)],
                    step.total,
                    step.chunk,
                    step.target,
                )
                for step in self.instructions
            ],
            [InputGuard(guard.shape, guard.dtype, moved(guard.slots)) for guard in self.inputs],
            [
                CellPatch(cell.cell, moved(cell.slots), cell.written, cell.form)
                for cell in self.cells
            ],
            twins[id(self.context)],
            [twins[id(array)] for array in self.memory],
            moved(self.pointers),
            self.long,
            self.first_write,
            made,
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
