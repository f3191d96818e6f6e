"""When the buffers of a segment are needed: the same for all sizes, and so worked out once."""

from __future__ import annotations

from collections.abc import Mapping

from numflow.codegen.steps import ClusterStep, Program, RowStep
from numflow.codegen.writes import in_place
from numflow.graph.graph import Value
from numflow.kernels.records import NamedTuple
from numflow.shapes import Extent


class Lives(NamedTuple):
    """needed: each root that is nobody else's, with the first and the last step that need it.

    shared: the roots that are computed in place, by the root whose memory they take over as it
    dies.
    """

    needed: tuple[tuple[Value, int, int], ...]
    shared: Mapping[Value, Value]


def lives_of(program: Program, number: int) -> Lives:
    """Those of segment `number`."""
    found = program.lives.get(number)
    if found is None:
        found = program.lives[number] = _Finder(program, number).lives()
    return found


class _Finder:
    def __init__(self, program: Program, number: int) -> None:
        self.program, self.number = program, number
        begin, end = program.segments[number]
        self.outputs = set(program.outputs)
        self.rows = {v for s in program.steps if isinstance(s, RowStep) for v in s.writes}
        self.writers: dict[Value, int] = {}  # how many steps write each root
        for s in program.steps:
            for v in s.writes:
                self.writers[v] = self.writers.get(v, 0) + 1
        self.first: dict[Value, int] = {}
        self.last: dict[Value, int] = {}
        for k, s in enumerate(program.steps[begin:end], begin):
            for v in s.writes:
                self.first.setdefault(v, k)
            for v in (*s.reads, *s.writes):
                self.last[v] = k
        if number == 0 and program.kept:
            made = {v for s in program.steps[: program.kept] for v in s.writes}
            read = {v for s in program.steps[program.kept :] for v in s.reads}
            self.last |= dict.fromkeys(made & read, end)
        if number + 1 < len(program.segments):
            carried = program.carried[number] & self.first.keys()
            self.last |= dict.fromkeys(carried, end)
        earlier = {v for s in program.steps[:begin] for v in s.writes}
        self.own = [v for v in self.first if v not in earlier and self._in_arena(v)]

    def lives(self) -> Lives:
        own = set(self.own)
        shared: dict[Value, Value] = {}
        ends = dict(self.last)
        for v in self.own:
            old = self._takes_over(v)
            if old is not None and old in own:
                whole = shared[v] = shared.get(old, old)
                ends[whole] = self.last[v]
                del self.last[old]  # nobody else takes it over
        needed = tuple((v, self.first[v], ends[v]) for v in self.own if v not in shared)
        return Lives(needed, shared)

    def _in_arena(self, v: Value) -> bool:
        mine = v not in self.outputs and v not in self.program.assigned
        mine = mine and v not in self.rows  # they lie where they are
        return mine and v.spec.dtype.name != "string"  # objects: host calls keep them, host.py

    def _takes_over(self, v: Value) -> Value | None:
        """An operand of the step that makes v which dies there, and in whose place v may be."""
        at = self.first[v]
        step = self.program.steps[at]
        if self.writers[v] > 1:
            return None
        if isinstance(step, ClusterStep) and step.code.loop.inner is not None:
            # A row is part of a vector: the load of the next one would wait for the store of this
            # one, which costs a short softmax a third of its speed.
            return None
        for old in step.reads:
            first = self.first.get(old, at)
            dies = first < at == self.last.get(old) and self._in_arena(old)
            if dies and _nbytes(old) == _nbytes(v) and in_place(step, v, {old}):
                return old
        return None


def _nbytes(v: Value) -> Extent:
    return v.spec.size * v.spec.dtype.size
