"""A library kernel that is ready to be called: what plans of several kernels hand out."""

from __future__ import annotations

from collections.abc import Sequence

from numflow.kernels.records import NamedTuple


class Call(NamedTuple):
    """Address, units and words of a kernel.

    chunk: units that are worth being handed to a thread.
    pointers: how many addresses of operands there are, inputs first, then outputs.
    constants: the other words, in order.
    positions: where in the words the addresses stand; default the first places, in order.
    shared_bytes: memory that it shares with `then`; its address stands at word shared_position.
    then: what runs after it, with the same words. prepares: that is what does the work.
    """

    address: int
    units: int
    chunk: int
    pointers: int
    constants: tuple[int, ...]
    workspace_bytes: int = 0
    positions: tuple[int, ...] = ()
    shared_bytes: int = 0
    shared_position: int = 0
    then: Call | None = None
    prepares: bool = False

    @property
    def pointer_positions(self) -> Sequence[int]:
        """Where in `words` the addresses stand."""
        return self.positions or range(self.pointers)

    def words(self, pointers: Sequence[int]) -> list[int]:
        """The words after the header: the operands' addresses, and what is constant."""
        if not self.positions:
            return [*pointers[: self.pointers], *self.constants]
        rest = iter(self.constants)
        places = dict(zip(self.positions, pointers, strict=False))
        count = len(self.constants) + len(self.positions)
        return [places[k] if k in places else next(rest) for k in range(count)]
