"""A library kernel that is ready to be called: what plans of several kernels hand out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Call(NamedTuple):
    """Address, units and words of a kernel whose operands' addresses are its first words.

    chunk: units that are worth being handed to a thread.
    pointers: how many addresses there are.
    """

    address: int
    units: int
    chunk: int
    pointers: int
    constants: tuple[int, ...]
    workspace_bytes: int = 0

    @property
    def pointer_positions(self) -> Sequence[int]:
        """Where in `words` the addresses stand."""
        return range(self.pointers)

    def words(self, pointers: Sequence[int]) -> list[int]:
        """The words after the header: the operands' addresses, then what is constant."""
        return [*pointers[: self.pointers], *self.constants]
