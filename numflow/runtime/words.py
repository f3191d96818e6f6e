"""Instructions before addresses: what work.py and control.py make, and plan.py fills in."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from numflow.kernels.records import NamedTuple


class Pointer(NamedTuple):
    """An address in the making: of a root's buffer, of scratch or of a Table, plus bytes."""

    key: Hashable
    nbytes: int = 0


Word = int | Pointer


class Table(NamedTuple):
    """Words of memory beside an argument block."""

    words: tuple[Word, ...]


class Row(NamedTuple):
    """What a RowStep finds: its address is known when it has run."""

    value: Any


class Told(NamedTuple):
    """A table of the words that receive the address of a Row: their number; the address of each,
    and what is added for it."""

    row: Row


class Work(NamedTuple):
    """An instruction before addresses. words: those behind the header; node: number of its first
    check; workspace: bytes; scratch: where that is, of a kernel inside of a loop; prepares: only
    what the next instruction of the step reads."""

    address: int
    words: tuple[Word, ...]
    units: int
    chunk: int
    ns: float
    node: int = 0
    workspace: int = 0
    scratch: Pointer | None = None
    prepares: bool = False


class Turn(NamedTuple):
    """A jump among the items of a step: kind "test" goes to the target if the byte at words[0] is
    zero, "choose" to that target whose number the int32 at words[0] is, "jump" always.

    targets: numbers of items. The rest is what a kernel has, which this is not.
    """

    kind: str
    words: tuple[Word, ...]
    targets: tuple[int, ...]
    units: int = 0
    chunk: int = 1
    ns: float = 0.0
    workspace: int = 0


Item = Any  # Work or Turn


class Held(NamedTuple):
    """The memory of a constant inside of a loop, by the id of an array that the worker keeps."""

    number: int
