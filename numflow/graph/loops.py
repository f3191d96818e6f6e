"""How a Loop is made: `Body` records one, `combine` makes the Loop that folds partials of another.

The form itself is described in loop_form.py. Scalar bodies (kernels/scalar.py) run against a Body
and leave Terms:

    b = Body("softmax", 2, [Operand("x", "f32", "su"), Operand("y", "f32", "su")])
    x = b.load("x")
    largest = b.reduce("max", x)                       # a row term of the next sweep
    b.sweep()
    e = b.exp(b.sub(x, largest))
    total = b.sum(e)
    b.store("y", e)
    b.sweep()
    b.store("y", b.div(b.load("y"), total))            # what the last sweep wrote
    loop = b.done()

Equal terms are one object. Nothing here computes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from numflow.graph.loop_form import (
    DEEP,
    KERNEL,
    LANE,
    ROW,
    Check,
    Kind,
    Loop,
    Operand,
    Over,
    Reduce,
    Store,
    Sweep,
    Term,
    level_of,
    walk,
)
from numflow.kernels.builder import HALVES, Builder, Number

__all__ = [
    "DEEP",
    "KERNEL",
    "LANE",
    "ROW",
    "Body",
    "Check",
    "Kind",
    "Loop",
    "Operand",
    "Over",
    "Reduce",
    "Store",
    "Sweep",
    "Term",
    "combine",
    "level_of",
    "walk",
]

Size = Literal["cols", "rows", "depth", "count"]
Finish = Callable[["Body", Mapping[str, Term]], None]


class Body(Builder[Term]):
    """Records the operations of one Loop.

    Operands may be appended to `operands` while it records.
    """

    def __init__(
        self,
        name: str,
        axes: int,
        operands: Sequence[Operand],
        inner: int | None = None,
        *,
        deep: bool = False,
        segments: bool = False,
    ) -> None:
        self.name, self.axes, self.inner = name, axes, inner
        self.operands = list(operands)
        self.deep, self.segments = deep, segments
        self._seen: dict[tuple[object, ...], Term] = {}
        self._sweeps: list[tuple[list[Store], list[Reduce], list[Check]]] = [([], [], [])]

    def _term(
        self, op: str, args: tuple[Term, ...], dtype: str, attr: object = None, level: int = -1
    ) -> Term:
        key = (op, args, dtype, repr(attr), level)
        found = self._seen.get(key)
        if found is None:
            if level < 0:
                level = KERNEL
                for a in args:
                    level = max(level, a.level)
            found = self._seen[key] = Term(op, args, dtype, level, attr)
        return found

    def apply(self, op: str, args: tuple[Term, ...], dtype: str, attr: object = None) -> Term:
        return self._term(op, args, dtype, attr)

    # leaves -----------------------------------------------------------------------------------
    def const(self, value: Number, dtype: str) -> Term:
        number = bool(value) if dtype == "b1" else float(value) if dtype[0] == "f" else int(value)
        return self._term("const", (), dtype, number)

    def load(self, name: str) -> Term:
        """The operand's element here, 16-bit floats as f32. After a store of an earlier sweep.

        What that sweep wrote.
        """
        o = next(o for o in self.operands if o.name == name)
        dtype = "f32" if o.dtype in HALVES else o.dtype
        return self._term("load", (), dtype, name, level_of(o.access, self.deep))

    def index(self, axis: int | Literal["row", "element"] = -1, dtype: str = "i64") -> Term:
        """Number along an axis of the loop; "row": of the row; "element".

        Of the element, in the order of the axes.
        """
        if axis == "element" and self.axes > 1:
            row = self.mul(self.index("row", "i64"), self.size("cols", "i64"))
            if self.deep:
                row = self.add(
                    self.mul(self.index("row", "i64"), self.size("depth", "i64")), self.index(-2)
                )
                row = self.mul(row, self.size("cols", "i64"))
            return self.cast(self.add(row, self.index(-1, "i64")), dtype)
        if isinstance(axis, int):
            axis %= self.axes
        if axis in ("element", self.axes - 1):
            return self._term("index", (), dtype, "cols", LANE)
        if self.deep and axis == self.axes - 2:
            return self._term("index", (), dtype, "depth", DEEP)
        outer = self.axes - (2 if self.deep else 1)
        if axis == "row" or outer == 1:
            return self._term("index", (), dtype, "rows", ROW) if outer else self.const(0, dtype)
        return self._term("index", (), dtype, axis, ROW)

    def size(self, which: Size = "cols", dtype: str = "f32") -> Term:
        """cols, rows, depth or count (the product of all), as a number."""
        return self._term("size", (), dtype, which)

    # effects ----------------------------------------------------------------------------------
    def store(self, name: str, term: Term) -> None:
        """Write term to the operand, rounded to its dtype where that is f16 or bf16."""
        o = next(o for o in self.operands if o.name == name)
        expected = "f32" if o.dtype in HALVES else o.dtype
        if term.dtype != expected:
            raise TypeError(f"store to {o.name}: a {term.dtype} into {o.dtype}")
        if term.level > max(level_of(o.access, self.deep), ROW if self.axes > 1 else KERNEL):
            raise ValueError(
                f"store to {o.name}[{o.access}]: the term differs from element to element"
            )
        self._sweeps[-1][0].append(Store(name, term))

    def check(self, condition: Term, number: int = 0) -> None:
        """condition must hold.

        Number is added to NODE in the error record of an element (or row) where it does not.
        """
        self._sweeps[-1][2].append(Check(condition, number))

    def sweep(self) -> None:
        """From here on, walk the row once more."""
        self._sweeps.append(([], [], []))

    def reduce(
        self,
        kind: Kind,
        term: Term,
        over: Over = "cols",
        into: tuple[str, ...] = (),
        payload: Term | None = None,
    ) -> Term:
        """Fold term. over cols or depth: the folded term, usable from the next sweep on.

        over rows, all or each: into partials of these names; the term returned must not be used.
        argmax and argmin carry a payload, by default the index, and take two partials: the value's
        and the index's. any and all are max and min.
        """
        if over in ("cols", "each") and self.axes == 1:
            raise ValueError("a loop of one axis folds over all; give it an outer axis of size 1")
        if (over == "depth") != self.deep:
            raise ValueError("a deep loop folds over depth, and only a deep loop does")
        if over == "each" and term.level > ROW:
            raise ValueError("over each: the term must be a row term")
        if kind in ("argmax", "argmin") and payload is None:
            dtype = "i64"
            if len(into) > 1:
                dtype = next(o.dtype for o in self.operands if o.name == into[1])
            axis: dict[str, int | Literal["row", "element"]]
            axis = {"cols": -1, "depth": -2, "rows": "row", "each": "row", "all": "element"}
            payload = self.index(axis[over], dtype)
        last = term if payload is None else payload
        key = sum(len(s[1]) for s in self._sweeps)
        level = {"cols": ROW, "depth": LANE}.get(over, KERNEL)
        result = self._term("reduced", (), last.dtype, key, level)
        kept = result if over in ("cols", "depth") else None
        self._sweeps[-1][1].append(Reduce(kind, term, over, kept, payload, into))
        return result

    def sum(self, term: Term, over: Over = "cols") -> Term:
        return self.reduce("sum", term, over)

    def done(self) -> Loop:
        """The Loop.

        Raises:
          ValueError: the result of a fold is used before the sweep that folds it has ended; or two
            words of the argument block would have one name.
        """
        folded: set[Term | None] = set()
        for stores, reduces, checks in self._sweeps:
            roots = Sweep(tuple(stores), tuple(reduces), tuple(checks)).roots()
            if any(t.op == "reduced" and t not in folded for t in walk(*roots)):
                raise ValueError(f"{self.name}: a fold is used before its sweep has ended")
            folded |= {r.result for r in reduces}
        sweeps = tuple(Sweep(tuple(s), tuple(r), tuple(c)) for s, r, c in self._sweeps)
        loop = Loop(
            self.name, self.axes, tuple(self.operands), sweeps, self.inner, self.deep, self.segments
        )
        slots = loop.slots()
        if len(set(slots)) != len(slots):
            raise ValueError(f"{self.name}: operands may not be called like each other or a size")
        return loop


def combine(
    loop: Loop,
    outputs: Mapping[str, str],
    finish: Finish | None = None,
    extra: Sequence[Operand] = (),
) -> Loop:
    """The Loop that folds partials of `loop` in block order.

    Args:
      loop: a blocked loop.
      outputs: partial -> name of the final array, or "" where only `finish` wants the total. All of
      them per column
        (over rows), or all of them scalars (over all or each).
      finish: body(b, totals by the name of their partial), which then does the storing, e.g.
        `lambda b, t: b.store("w_new", b.sub(b.load("w"), b.mul(b.load("rate"), t["dw_part"])))`.
      extra: operands for finish, with two letters: per column "-u", scalars "--".

    Per column it is a deep loop: partials [blocks, cols] are "su", depth = blocks, begin..end
    counts columns. Of scalars it is one row: partials [blocks] are "-u", cols = blocks, rows = 1.
    """
    folds = [r for s in loop.sweeps for r in s.reduces if any(n in outputs for n in r.into)]
    deep = any(r.over == "rows" for r in folds)
    if not folds or any((r.over == "rows") != deep for r in folds):
        raise ValueError("combine: partials per column or scalars, not both in one loop")
    letters = ("su", "-u") if deep else ("-u", "--")
    operands = [Operand(n, loop.operand(n).dtype, letters[0]) for r in folds for n in r.into]
    operands += [
        Operand(final, loop.operand(n).dtype, letters[1]) for n, final in outputs.items() if final
    ]
    b = Body(loop.name + "_combine", 2, [*operands, *extra], deep=deep)
    over: Over = "depth" if deep else "cols"
    totals = {}
    for r in folds:
        payload = b.load(r.into[1]) if r.payload is not None else None
        totals[r.into[-1]] = b.reduce(r.kind, b.load(r.into[0]), over, (), payload)
        if payload is not None and outputs.get(r.into[0]) is not None:
            kind: Kind = "max" if r.kind == "argmax" else "min"
            totals[r.into[0]] = b.reduce(kind, b.load(r.into[0]), over)
    b.sweep()
    if finish is not None:
        finish(b, totals)
    else:
        for name, final in outputs.items():
            b.store(final, totals[name])
    return b.done()
