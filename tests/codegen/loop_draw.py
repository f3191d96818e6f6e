"""Random loop forms.

1 to 3 axes, inputs of mixed dtypes and accesses, folds of every kind, up to two sweeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from numflow.graph.loops import LANE, Body, Kind, Loop, Operand, Over, Term
from numflow.kernels.builder import HALVES

_UNARY = ("tanh", "sigmoid", "sin", "cos", "erf", "abs", "neg", "expm1", "atan")
_BINARY = ("add", "sub", "mul", "max", "min")
_INPUTS = ("f32", "f32", "f32", "f64", "i32", "i64", "b1", "f16", "bf16", "u8", "i16")
_T = TypeVar("_T")


class Drawer:
    """Draws one Loop."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.axes = int(self.rng.integers(1, 4))
        operands = [
            Operand(f"x{k}", self.pick(_INPUTS), self.access()) for k in range(self.upto(4))
        ]
        first = operands[0]
        operands[0] = Operand("x0", first.dtype, "s" * (self.axes - 1) + self.pick("us"))
        self.work = self.pick(["f32", "f32", "f64", "i32"])
        inner = int(self.rng.integers(1, 40)) if self.axes > 1 and self.chance(0.3) else None
        self.b = Body(f"drawn{seed}", self.axes, operands, inner)

    def pick(self, xs: Sequence[_T]) -> _T:
        return xs[int(self.rng.integers(len(xs)))]

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def upto(self, n: int) -> int:
        return int(self.rng.integers(1, n + 1))

    def access(self) -> str:
        outer = "".join(self.pick("ss-") for _ in range(self.axes - 1))
        return outer + self.pick("uus-")

    def load(self, o: Operand) -> Term:
        """An operand in the dtype that the body works in."""
        x = self.b.load(o.name)
        if self.work == "i32" and x.dtype[0] == "f":
            return self.b.cast(self.b.gt(x, 0.0), "i32")
        return self.b.cast(x, self.work)

    def body(self, values: list[Term]) -> list[Term]:
        """Some operations on them."""
        b, out = self.b, list(values)
        for _ in range(self.upto(5)):
            x, y = self.pick(out), self.pick(out)
            if self.chance(0.25):
                z = b.load(self.pick(b.operands).name)
                zero = False if z.dtype == "b1" else 0
                out.append(b.select(b.gt(z, zero), x, y))
            elif self.work != "i32" and self.chance(0.4):
                out.append(b.math(self.pick(_UNARY), x))
            else:
                t = b.math(self.pick(_BINARY), x, y)
                out.append(t if self.work == "i32" else b.mul(t, 0.5))
        return out[len(values) :]

    def output(self, term: Term, access: str) -> None:
        dtype = term.dtype
        if dtype == "f32" and self.chance(0.15):
            dtype = self.pick(HALVES)
        name = f"y{len(self.b.operands)}"
        self.b.operands.append(Operand(name, dtype, access))
        self.b.store(name, term)

    def fold(self, kind: Kind, term: Term, over: Over) -> Term:
        into: tuple[str, ...] = ()
        if over in ("rows", "all", "each"):
            access = "s" * (self.axes - 2) + "su" if over == "rows" else "-" * self.axes
            dtypes = [term.dtype] + (["i64"] if kind.startswith("arg") else [])
            into = tuple(f"p{len(self.b.operands) + k}" for k in range(len(dtypes)))
            self.b.operands += [Operand(n, d, access) for n, d in zip(into, dtypes, strict=True)]
        return self.b.reduce(kind, term, over, into)

    def kind(self, term: Term) -> tuple[Kind, Term]:
        """A kind of fold; products are of small numbers."""
        kinds: list[Kind] = ["sum", "max", "min"]
        if term.dtype[0] == "f" and self.chance(0.2):
            return "prod", self.b.tanh(term)
        return self.pick(kinds), term

    def loop(self) -> Loop:
        b, rows = self.b, "s" * (self.axes - 1)
        plain = [self.load(o) for o in list(b.operands)]
        lane = [t for t in self.body(plain) if t.level == LANE] or [plain[0]]
        exact = plain[0]  # what argmax compares: rounding must not make or break ties
        extremes: list[Kind] = ["argmax", "argmin"]
        style = self.pick(["plain", "plain", "cols", "rows", "all", "each"])
        if style in ("cols", "each") and self.axes > 1:
            total = self.fold(*self.kind(lane[-1]), "cols")
            where = self.fold(self.pick(extremes), exact, "cols") if self.chance(0.5) else None
            b.sweep()
            self.output(b.add(total, 1), rows + "-")
            if where is not None:
                self.output(where, rows + "-")
            self.output(b.sub(lane[0], total), rows + "u")
            if style == "each":
                self.fold("sum", total, "each")
                self.fold("sum", b.sub(lane[0], total), "rows")
        elif style != "plain":
            over: Over = "rows" if self.axes > 1 and style == "rows" else "all"
            self.fold(*self.kind(lane[-1]), over)
            if self.chance(0.5):
                self.fold(self.pick(extremes), exact, over)
            if self.chance(0.5):
                self.output(lane[0], rows + "u")
        else:
            for t in lane[-3:]:
                self.output(t, rows + self.pick("uus"))
            if self.chance(0.5):
                bound = 1 if lane[0].dtype == "i32" else 0.37  # not where functions saturate
                self.output(b.lt(lane[0], bound), rows + "u")
        return b.done()


def sizes_for(rng: np.random.Generator, loop: Loop, empty: bool) -> tuple[int, ...]:
    sizes = [int(rng.choice([1, 2, 3, 7, 8, 9, 16, 31, 37, 101])) for _ in range(loop.axes)]
    sizes[-1] = loop.inner or sizes[-1]
    if empty and all(r.kind == "sum" for s in loop.sweeps for r in s.reduces) and loop.axes > 1:
        sizes[0] = 0
    return tuple(sizes)
