"""The lane loops of a deep Loop: each turn takes some columns through all the sweeps.

for columns ..:              W or 2 W of them at once; accumulators in registers
    for d in depth: fold     one loop per sweep that folds or stores along the depth
    what follows the fold, per column
"""

from __future__ import annotations

from collections.abc import Callable

from numflow.codegen.folds import finish, fold, identity
from numflow.codegen.memory import Place
from numflow.codegen.terms import Row, Terms
from numflow.codegen.vector import LLVM, Reg, iota, vector
from numflow.graph.loops import DEEP, LANE, Operand, Sweep, Term, walk
from numflow.kernels.records import replace

_LIGHT = 8  # up to that many operations per element: two vectors of columns per turn

Memo = dict[Term, Reg]


class Deep:
    """Prints the columns of one row."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.loop, self.asm, self.b, self.memory = terms.loop, terms.asm, terms.b, terms.memory
        self.lanes = terms.lanes

    def row(self, row: Row, lo: str, hi: str) -> None:
        terms, width, asm = self.terms, self.lanes, self.asm
        row.wide = dict(terms.kernel_wide)
        for t in self.loop.roots():
            terms.hoist(t, row.narrow, row.wide, LANE, row)
        if self.loop.inner:
            for i in range(0, self.loop.inner, width):
                left = self.loop.inner - i
                self._columns(row, [Place(str(i), count=left if left < width else 0)])
        else:

            def turn(count: int) -> Callable[[str, list[str]], list[str]]:
                def body(i: str, _: list[str]) -> list[str]:
                    at = [i] + [asm.value(f"add i64 {i}, {k * width}") for k in range(1, count)]
                    self._columns(row, [Place(a) for a in at])
                    return []

                return body

            def tail(i: str, _: list[str]) -> list[str]:
                left = asm.value(f"trunc i64 {asm.value(f'sub i64 {hi}, {i}')} to i32")
                wide = self.b.splat(Reg(left, "i32", 1), width).text
                lanes = asm.value(f"icmp sgt <{width} x i32> {wide}, {iota('i32', width)}")
                self._columns(row, [Place(i, lanes)])
                return []

            end = lo
            if len(list(walk(*self.loop.roots()))) <= _LIGHT:
                end, _ = asm.loop(end, hi, 2 * width, [], turn(2))
            end, _ = asm.loop(end, hi, width, [], turn(1))
            asm.loop(end, asm.value(f"add i64 {hi}, {width - 1}"), width, [], tail)
        for c in (c for sweep in self.loop.sweeps for c in sweep.checks):
            if c.term.level < LANE:
                terms.check_row(c, row)
        for s in (s for sweep in self.loop.sweeps for s in sweep.stores):
            o = self.loop.operand(s.operand)
            if self.loop.level(o) < LANE and s.term.level > 0:
                self.memory.store_scalar(o, row.bases[o.name], terms.scalar(s.term, row))

    def _columns(self, row: Row, places: list[Place]) -> None:
        memos = [dict(row.wide) for _ in places]
        for sweep in self.loop.sweeps:
            deep = any(self._level(s.operand) == DEEP for s in sweep.stores)
            if deep or sweep.reduces or any(c.term.level == DEEP for c in sweep.checks):
                self._down(sweep, row, places, memos)
            self._effects(sweep, LANE, row, places, memos)
            stored = {s.operand: s.term for s in sweep.stores if self._level(s.operand) == LANE}
            if stored:
                self.terms.written(memos, stored)

    def _down(self, sweep: Sweep, row: Row, places: list[Place], memos: list[Memo]) -> None:
        """A loop over the depth; the folded terms go into memos."""
        asm, b, terms, folds = self.asm, self.b, self.terms, sweep.reduces
        roots = sweep.roots()
        for t in walk(*roots):  # what does not change along the depth, before the loop
            for a in t.args if t.level == DEEP else (t,) if t in roots else ():
                if a.level < DEEP:
                    for place, memo in zip(places, memos, strict=True):
                        terms.wide(a, memo, place, row)
        kinds = [vector(LLVM[t.dtype], self.lanes) for r in folds for t in r.terms]
        texts = [
            b.materialised(b.const(identity(r, k), t.dtype), self.lanes).text
            for r in folds
            for k, t in enumerate(r.terms)
        ]

        def pack(values: list[str]) -> list[list[Reg]]:
            it = iter(values)
            return [[Reg(next(it), t.dtype, self.lanes) for t in r.terms] for r in folds]

        def body(d: str, carried: list[str]) -> list[str]:
            here = replace(row, depth=d, bases=dict(row.bases))
            for o in self.loop.operands:
                if o.access[-2] == "s":
                    axis = self.loop.axes - 2
                    here.bases[o.name] = terms.step(o.name, o.dtype, row.bases[o.name], d, axis)
            inside, out, n = [dict(m) for m in memos], [], len(kinds)
            for p, (place, memo) in enumerate(zip(places, inside, strict=True)):
                for r, old in zip(folds, pack(carried[p * n : (p + 1) * n]), strict=True):
                    values = [
                        b.materialised(terms.wide(t, memo, place, here), self.lanes)
                        for t in r.terms
                    ]
                    new = fold(b, r.kind, old, values)
                    out += [b.materialised(x, self.lanes).text for x in new]
            self._effects(sweep, DEEP, here, places, inside)
            return out

        start = list(zip(kinds * len(places), texts * len(places), strict=True))
        _, values = asm.loop("0", terms.args["depth"], 1, start, body)
        n = len(kinds)
        for p, memo in enumerate(memos):
            for r, state in zip(folds, pack(values[p * n : (p + 1) * n]), strict=True):
                if r.result is not None:
                    memo[r.result] = finish(b, r, state)[-1]

    def _effects(
        self, sweep: Sweep, level: int, row: Row, places: list[Place], memos: list[Memo]
    ) -> None:
        """Checks and stores of a level: all values, then the stores."""
        pending: list[tuple[Operand, Place, Reg]] = []
        for place, memo in zip(places, memos, strict=True):
            for c in sweep.checks:
                if c.term.level == level:
                    self.terms.check_lanes(c, memo, place, row)
            for s in sweep.stores:
                if self._level(s.operand) == level:
                    x = self.terms.wide(s.term, memo, place, row)
                    pending.append((self.loop.operand(s.operand), place, x))
        for o, place, x in pending:
            self.memory.store(o, row.bases[o.name], place, x)

    def _level(self, name: str) -> int:
        return self.loop.level(self.loop.operand(name))
