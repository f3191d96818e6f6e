"""The loop form: what a fused cluster is before it becomes code. Data only.

    Loop     = name, axes, operands, sweeps, inner, deep, segments      one kernel
    Operand  = name, dtype, access         access: a letter per collapsed axis, the columns last
                 u  unit stride (the columns only)   s  run-time stride
                 -  broadcast: the same element along this axis
    Sweep    = stores, reduces, checks     one walk over the columns of a row, while it is in cache
    Store    = operand <- term             per element, per row or once, as the letters say
    Reduce   = kind of term over cols | depth | rows | all | each
    Check    = term that must hold         else NODE and a number go to the error record
    Term     = op(terms) : dtype, level    level: KERNEL once, ROW per row, LANE per element,
                                           DEEP per element and depth

A kernel walks rows x columns. The level of an operand follows from its letters (`x[su]` per
element, `rstd[s-]` per row, `rate[--]` per kernel); that of a term from its arguments: printers
read off what is scalar, vector, hoisted or splat. With one axis there is a single row. With more,
the outer axes are flattened into rows.

`deep`: the axis before the inner one is not walked by rows, but inside of each column: a fold over
"depth" runs down it and gives a LANE term. So [kept, reduced, kept] is one kernel, and so is what
follows the fold.

What `begin..end` counts: elements (one axis; of deep loops, columns if there is no outer axis),
else rows; or blocks where a fold crosses rows ("blocked"). A block is a number of rows (with one
axis, of elements) fixed by the shape alone: each leaves a partial, and a second Loop (`combine`)
folds these in order, so no bit depends on the number of threads. With one block, the partial is the
result.

    over = cols     fold of a row: a row term of the next sweep
           depth    fold down the deep axis: a LANE term of the next sweep
           rows     per column, partials [blocks, cols]
           all      of every element, partials [blocks]
           each     of a row term, counted once per row, partials [blocks]

`segments`: one axis, operands 'u' (an array in pieces: a pointer per segment, from a table) or '-'
(shared); begin..end counts chunks of `block` elements, listed in a second table. All parameters of
a model are one such loop.

ABI of every printed kernel: kernels/abi.py; `Loop.slots()` names the words after the header. Read
next: loops.py, the builder that records a Loop.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from numflow.kernels.records import NamedTuple, record

KERNEL, ROW, LANE, DEEP = 0, 1, 2, 3

Kind = Literal["sum", "prod", "max", "min", "argmax", "argmin"]
Over = Literal["cols", "depth", "rows", "all", "each"]


class Term:
    """One scalar operation of the body; equal terms of one Body are the same object."""

    __slots__ = ("args", "attr", "dtype", "level", "op")

    def __init__(
        self, op: str, args: tuple[Term, ...], dtype: str, level: int, attr: object = None
    ) -> None:
        self.op, self.args, self.dtype, self.level, self.attr = op, args, dtype, level, attr


class Operand(NamedTuple):
    """An array the kernel reads or writes, e.g. Operand("bias", "f32", "-u")."""

    name: str
    dtype: str
    access: str

    @property
    def inner(self) -> str:
        return self.access[-1]


class Store(NamedTuple):
    operand: str
    term: Term


class Reduce(NamedTuple):
    """A fold. over cols or depth: `result` is its term. Otherwise `into` names the partials.

    payload: of argmax and argmin, the index that goes with term; then `into` is (value, index).
    """

    kind: Kind
    term: Term
    over: Over
    result: Term | None = None
    payload: Term | None = None
    into: tuple[str, ...] = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        return (self.term,) if self.payload is None else (self.term, self.payload)

    @property
    def crosses(self) -> bool:
        """Whether rows are joined, so that the result is a partial per block."""
        return self.over in ("rows", "all", "each")


class Check(NamedTuple):
    """term must hold; number: added to NODE where it does not."""

    term: Term
    number: int = 0


class Sweep(NamedTuple):
    stores: tuple[Store, ...] = ()
    reduces: tuple[Reduce, ...] = ()
    checks: tuple[Check, ...] = ()

    def roots(self) -> list[Term]:
        """What this sweep computes."""
        out = [s.term for s in self.stores]
        out += [t for r in self.reduces for t in r.terms]
        return out + [c.term for c in self.checks]


@record
class Loop:
    """One kernel. inner: a constant number of columns (at most 64), or None for a run-time size."""

    name: str
    axes: int
    operands: tuple[Operand, ...]
    sweeps: tuple[Sweep, ...]
    inner: int | None = None
    deep: bool = False
    segments: bool = False

    @property
    def outer(self) -> int:
        """Number of axes that are flattened into rows."""
        return self.axes - (2 if self.deep else 1)

    @property
    def blocked(self) -> bool:
        """Whether begin..end counts blocks."""
        return any(r.crosses for s in self.sweeps for r in s.reduces)

    def operand(self, name: str) -> Operand:
        return next(o for o in self.operands if o.name == name)

    def level(self, o: Operand) -> int:
        """How often an element of the operand is read or written."""
        return level_of(o.access, self.deep)

    def roots(self) -> list[Term]:
        return [t for s in self.sweeps for t in s.roots()]

    def partials(self) -> frozenset[str]:
        """Operands indexed by block and not by row."""
        return frozenset(n for s in self.sweeps for r in s.reduces for n in r.into)

    def outputs(self) -> frozenset[str]:
        return frozenset(t.operand for s in self.sweeps for t in s.stores) | self.partials()

    def units(self) -> str:
        """What begin..end counts: elements, rows, blocks or chunks."""
        if self.segments:
            return "chunks"
        return "blocks" if self.blocked else "rows" if self.outer else "elements"

    def slots(self) -> list[str]:
        """Names of the words of args after the header, in order.

        A pointer per operand; cols, rows, block, depth: sizes (rows the product of the outer axes;
        block in rows, or in elements where there is one axis); size0...: the outer axes where there
        are two or more; then the strides, in elements, of every 's'. Of a loop over segments:
        `table` (int64 [segments, operands 'u' + 1]: their pointers, then the length), `chunks`
        (int64 [chunks, 2]: segment, first element), the pointers of shared operands, `block`.
        """
        if self.segments:
            shared = [o.name for o in self.operands if o.inner == "-" or o.name in self.partials()]
            return ["table", "chunks", *shared, "block"]
        names = [o.name for o in self.operands] + ["cols", "rows", "block", "depth"]
        names += [f"size{k}" for k in range(self.outer)] if self.outer > 1 else []
        strided = [(o.name, k) for o in self.operands for k, a in enumerate(o.access) if a == "s"]
        return names + [f"{name}.stride{k}" for name, k in strided]

    def pieces(self) -> list[Operand]:
        """Of a loop over segments.

        The operands with a pointer per segment, in the order of the table.
        """
        return [o for o in self.operands if o.inner == "u" and o.name not in self.partials()]

    def __str__(self) -> str:
        return self.text

    @cached_property
    def text(self) -> str:
        """The canonical text: what explain() shows and what the cache hashes."""
        inner = self.inner or "run-time"
        head = f"loop {self.name} axes={self.axes} inner={inner} over={self.units()}"
        out = [head + (" deep" if self.deep else "")]
        out += [f"  {o.name}: {o.dtype} [{o.access}]" for o in self.operands]
        text = _Text(self.roots())
        for s in self.sweeps:
            lines: list[str] = []
            for r in s.reduces:
                to = " ".join(r.into) if r.result is None else text.name(r.result)
                what = ", ".join(text.of(t, lines) for t in r.terms)
                lines.append(f"{to} <- {r.kind} over {r.over} of {what}")
            lines += [f"{t.operand} <- {text.of(t.term, lines)}" for t in s.stores]
            lines += [f"check {c.number}: {text.of(c.term, lines)}" for c in s.checks]
            out += ["  sweep", *("    " + line for line in lines)]
        return "\n".join(out)


class _Text:
    """Terms as text.

    What is used more than once gets a name and a line, so the text is as long as the graph.
    """

    def __init__(self, roots: list[Term]) -> None:
        self.names: dict[Term, str] = {}
        self.uses: dict[Term, int] = {}
        for t in walk(*roots):
            for a in t.args:
                self.uses[a] = self.uses.get(a, 0) + 1
        for t in roots:
            self.uses[t] = self.uses.get(t, 0) + 1

    def name(self, t: Term) -> str:
        if t not in self.names:
            self.names[t] = f"t{len(self.names)}"
        return self.names[t]

    def of(self, root: Term, lines: list[str]) -> str:
        """root as an expression, after lines for those below it that are shared."""
        done: dict[Term, str] = dict(self.names)
        for t in walk(root, seen=set(done)):
            done[t] = _operation(t, [done[a] for a in t.args])
            if self.uses.get(t, 0) > 1 and t.args:
                lines.append(f"{self.name(t)} = {done[t]}")
                done[t] = self.names[t]
        return done[root]


def _operation(t: Term, args: list[str]) -> str:
    if t.op == "const":
        return f"{t.attr!r}:{t.dtype}"
    if t.op == "load":
        return str(t.attr)
    inside = args + ([] if t.attr is None else [str(t.attr)])
    return f"{t.op}.{t.dtype}({', '.join(inside)})"


def level_of(access: str, deep: bool) -> int:
    """The level of what is read by these letters."""
    if deep and access[-2] != "-":
        return DEEP
    if access[-1] != "-":
        return LANE
    return ROW if "s" in access else KERNEL


def walk(*roots: Term, seen: set[Term] | None = None) -> list[Term]:
    """Every term below roots once, arguments before users; not those in `seen`, which grows."""
    seen = set() if seen is None else seen
    found: list[Term] = []
    stack = list(reversed(roots))
    while stack:
        t = stack[-1]
        if t not in seen:
            waiting = [a for a in t.args if a not in seen]
            if waiting:
                stack += reversed(waiting)
                continue
            seen.add(t)
            found.append(t)
        stack.pop()
    return found
