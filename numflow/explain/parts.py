"""What a report consists of, as data: text.py and html.py print it, collect.py fills it in.

    Facts = name, signature, sizes, lines, instructions, kernels, buffers, arena, updates, gaps

Values are named as in the text of the graph (`%7`), arguments and variables by their own names.
Sizes that no call has settled yet are text with symbols; numbers that need them are None.
"""

from __future__ import annotations

from dataclasses import dataclass

from numflow.errors import SourceLine


@dataclass(frozen=True)
class Line:
    """A line of the user's program, and the nodes that it became, in the text form of graphs.

    places: per node, the instructions that it is part of, as text.
    """

    source: SourceLine | None
    nodes: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """One call of a kernel: work units, units per chunk, and the estimated nanoseconds."""

    units: int
    chunk: int
    ns: float

    @property
    def chunks(self) -> int:
        return -(-self.units // self.chunk) if self.units else 0


@dataclass(frozen=True)
class Instruction:
    """A step of the program.

    kind: cluster, segments, library, copy, host, loop, branches or sizes.
    kernel: the name in `Facts.kernels`, or "".
    domain: the shape that the loop walks, symbolic; now: the same in numbers, or "".
    traffic: bytes that it must move, as text; nbytes: the number.
    after: numbers of the instructions whose results it reads.
    """

    number: int
    kind: str
    kernel: str
    ops: tuple[str, ...]
    domain: str
    now: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    in_place: tuple[str, ...]
    traffic: str
    nbytes: int | None
    runs: tuple[Run, ...]
    lines: tuple[SourceLine, ...]
    after: tuple[int, ...]
    note: str = ""


@dataclass(frozen=True)
class Kernel:
    """A fused loop as readable Python.

    users: the instructions that run it, each with what the parameters are, as in `x0 = %2`.
    """

    name: str
    source: str
    users: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Buffer:
    """Memory that a root lies in.

    kind: argument, capture, constant, variable, result, arena, scratch or workspace.
    first, last: instructions between which it is needed. offset: in the arena.
    over: earlier buffers whose memory it uses again.
    """

    name: str
    kind: str
    spec: str
    nbytes: int | None
    first: int
    last: int
    offset: int | None = None
    over: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gap:
    """Two instructions, the second of which reads a value of the first, and why they are two."""

    first: int
    second: int
    value: str
    why: str


@dataclass(frozen=True)
class Facts:
    """Everything a report shows.

    inputs: the arguments and captures, each with its name in the graph's text.
    arena: its bytes; together: those of its buffers, if none were used again.
    results: the instruction that makes each result.
    segments: (begin, end) of the instructions between which sizes become known.
    """

    name: str
    signature: str
    inputs: tuple[tuple[str, str], ...]
    sizes: tuple[tuple[str, int], ...]
    planned: bool
    lines: tuple[Line, ...]
    instructions: tuple[Instruction, ...]
    kernels: tuple[Kernel, ...]
    buffers: tuple[Buffer, ...]
    arena: int
    together: int
    updates: tuple[tuple[str, str], ...]
    gaps: tuple[Gap, ...]
    results: tuple[tuple[str, int], ...]
    segments: tuple[tuple[int, int], ...] = ()
