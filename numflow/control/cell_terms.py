"""What the gates of a recurrent cell are made of, read from the body of a loop.

A gate before its activation is a sum of terms, each over the same columns:

    h W    x_t W    (r h) W    x_t    b    p c     h, c: states; x_t: row t of an array of outside

`Terms.of` finds them, whatever the way they were written: one product of concat([x, h]) or one of
each, all gates at once and split, or a matrix per gate. Weights and biases may be anything that is
the same in every iteration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from numflow.graph.graph import Graph, Node, Value, bind_op, constant_op
from numflow.graph.lowering import Checked, Library
from numflow.ops import comparisons
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops.indexing import gather_op
from numflow.ops.joining import concat_op
from numflow.ops.linalg import matmul_op
from numflow.ops.shape import broadcast_op, identity_op, reshape_op
from numflow.ops.slicing import slice_op
from numflow.shapes import Extent

_MOST = 200  # nodes that make a weight


class Index(NamedTuple):
    """An integer of an iteration: slope * its number + base."""

    slope: int
    base: Extent


class Row(NamedTuple):
    """x_t: a row of a value of outside, along an axis."""

    source: Value
    axis: int
    at: Index


class Weight(NamedTuple):
    """Part of a matrix of outside."""

    source: Value
    transposed: bool
    rows: tuple[int, int]
    columns: tuple[int, int]


class State(NamedTuple):
    """What gates see: the state h; of an LSTM with peepholes the cell before and after the step."""

    h: Value
    c: Value | None = None
    new: Value | None = None


class Term(NamedTuple):
    """kind: "h", "x", "rh", "context" (times a weight), "row" or "bias" (these columns of it),
    "cell" or "new cell" (times a number per unit).

    of: the Row; of "rh" what the state is multiplied by, of cells too; of "context", which all
    steps share, and of "bias" the value.
    """

    kind: str
    of: Any
    weight: Weight | None
    columns: tuple[int, int]


def plain(v: Value) -> Value:
    """v, without ops that change nothing."""
    while v.node is not None and (
        v.node.op is identity_op
        or (v.node.op in (reshape_op, maths.cast_op) and v.spec == v.node.inputs[0].spec)
    ):
        v = v.node.inputs[0]
    return v


def made_by(v: Value, op: Any) -> tuple[Value, ...] | None:
    """The inputs of the op that makes v, if it is this one."""
    node = plain(v).node
    return node.inputs if node is not None and node.op is op else None


def _nothing(v: Value) -> Row | None:
    return None


class Terms:
    """Reads the body of a loop that runs `trips` times.

    counters: per input, its number as an Index. count: of the loop variables, which come first
    among the inputs. made: says of a value [batch, n] what row of an array it is that can be made.
    """

    def __init__(
        self, body: Graph, count: int, counters: Mapping[Value, Index], trips: Extent
    ) -> None:
        self.counters, self.trips = counters, trips
        self.made: Callable[[Value], Row | None] = _nothing
        self._fixed: dict[Value, bool] = dict.fromkeys(body.inputs[:count], False)
        self._fixed |= dict.fromkeys(body.inputs[count:], True)

    def fixed(self, v: Value) -> bool:
        """Whether a value is the same in every iteration, and may be made outside."""
        found = self._fixed.get(v)
        if found is None:
            node = v.node
            found = (
                node is not None
                and len(self._fixed) < 50 * _MOST
                and not node.op.effect
                and not refuses(node)
                and not node.subgraphs
                and node.op is not bind_op
                and all(map(self.fixed, node.inputs))
            )
            self._fixed[v] = found
        return found

    # numbers --------------------------------------------------------------------------------------
    def index(self, v: Value) -> Index | None:
        """An integer as a function of the number of the iteration."""
        if v in self.counters:
            return self.counters[v]
        if v.content is not None and v.content.size == 1:
            return Index(0, v.content.reshape(-1)[0])
        node = v.node
        if node is None or v.spec.size != 1 or not v.spec.dtype.is_integer:
            return None
        if node.op in (identity_op, reshape_op, maths.cast_op):
            return self.index(node.inputs[0])
        if node.op in (maths.add_op, maths.subtract_op):
            x, y = (self.index(i) for i in node.inputs)
            if x is None or y is None:
                return None
            if node.op is maths.add_op:
                return Index(x.slope + y.slope, x.base + y.base)
            return Index(x.slope - y.slope, x.base - y.base)
        if node.op is maths.maximum_op:
            x, y = (self.index(i) for i in node.inputs)
            more = y.base - x.base if x and y and x.slope == y.slope else None
            return (y if more > 0 else x) if isinstance(more, int) else None
        if node.op is selections.where_op:
            return self._wrapped(node)
        return self._counted(node) if node.op is gather_op else None

    def _counted(self, node: Node) -> Index | None:
        """Element i of numbers that are equally far from each other: of nf.range outside."""
        source, at = plain(node.inputs[0]).node, self.index(node.inputs[1])
        if source is None or source.op is not constant_op or at is None:
            return None
        numbers = source.attrs["value"]
        ends = at.base, at.base + at.slope * (self.trips - 1)
        if numbers.ndim != 1 or not all(isinstance(k, int) and 0 <= k < numbers.size for k in ends):
            return None
        wide = numbers.astype(np.int64)  # without wrapping around
        step = int(wide[1] - wide[0]) if wide.size > 1 else 1
        if (np.diff(wide) != step).any():
            return None
        return Index(step * at.slope, int(wide[0]) + at.base * step)

    def _wrapped(self, node: Node) -> Index | None:
        """Of where(i < 0, i + n, i) what it is: i, if that is never negative."""
        test, _, otherwise = node.inputs
        compared = made_by(test, comparisons.less_op)
        if compared is None:
            return None
        x, y, i = (self.index(v) for v in (*compared, otherwise))
        if x is None or i != x or y != Index(0, 0):
            return None
        last = i.base + i.slope * (self.trips - 1)
        return i if all(isinstance(n, int) and n >= 0 for n in self._least(i, last)) else None

    def _least(self, i: Index, last: Extent) -> list[Extent]:
        return [i.base] if i.slope == 1 else [last] if i.slope == -1 else [-1]

    # rows and sums --------------------------------------------------------------------------------
    def row(self, v: Value) -> Row | None:
        """x_t, if a value is a row of an array of outside."""
        return self.row_of(v, (3,))

    def row_of(self, v: Value, ranks: tuple[int, ...]) -> Row | None:
        """A row of an array of outside that has so many axes."""
        v = plain(v)
        node = v.node
        if node is None or node.op is not gather_op or node.attrs["batch_dims"]:
            return None
        source, at = node.inputs
        axis, index = node.attrs["axis"], self.index(at)
        if source.spec.rank not in ranks or axis > 1 or at.spec.rank or not self.fixed(source):
            return None
        if index is None or index.slope not in (1, -1):
            return None
        length, first, last = source.spec.shape[axis], index.base, index.base
        first, last = index.base, index.base + index.slope * (self.trips - 1)
        low, high = (first, last) if index.slope == 1 else (last, first)
        if low == 0 and high == length - 1:
            return Row(source, axis, index)
        if not (isinstance(low, int) and isinstance(high, int) and isinstance(length, int)):
            return None
        return Row(source, axis, index) if 0 <= low <= high < length else None

    def of(
        self, v: Value, state: State, columns: tuple[int, int] | None = None
    ) -> list[Term] | None:
        """The terms of columns of a value [batch, n]; None where it is made of anything else."""
        v = plain(v)
        wide = v.spec.shape[-1] if v.spec.rank else 1
        if not isinstance(wide, int):
            return None
        lo, hi = columns or (0, wide)
        found = self._read(v, state, (lo, hi), wide)
        row = self.made(v) if found is None else None
        return found if row is None else [Term("row", row, None, (lo, hi))]

    def _read(
        self, v: Value, state: State, columns: tuple[int, int], wide: int
    ) -> list[Term] | None:
        lo, hi = columns
        if self.fixed(v) and v.spec.rank <= 2:
            return [Term("bias", v, None, (0, 1) if wide == 1 else (lo, hi))]
        row = self.row(v)
        if row is not None:
            return [Term("row", row, None, (lo, hi))]
        node = v.node
        if node is None or v.spec.rank != 2:
            return None
        if node.op is maths.add_op:
            return self._sum(node, state, (lo, hi))
        if node.op is slice_op:
            return self._slice(node, state, (lo, hi))
        if node.op is maths.multiply_op and (lo, hi) == (0, wide):
            return self._peephole(node, state, (lo, hi))
        product = self.product(v)
        if product is None:
            return None
        a, w = product
        return self._product(a, state.h, w.source, w.transposed, 0, (lo, hi))

    def product(self, v: Value) -> tuple[Value, Weight] | None:
        """a and W, if a value is a W, and W a matrix of outside."""
        node = plain(v).node
        if node is None or node.op is not matmul_op or node.attrs["transpose_a"]:
            return None
        a, w = node.inputs
        shape = w.spec.shape[::-1] if node.attrs["transpose_b"] else w.spec.shape
        if len(shape) != 2 or not self.fixed(w):
            return None
        rows, columns = shape
        if not isinstance(rows, int) or not isinstance(columns, int):
            return None
        return a, Weight(w, node.attrs["transpose_b"], (0, rows), (0, columns))

    def _peephole(self, node: Node, state: State, columns: tuple[int, int]) -> list[Term] | None:
        """p c, of a number per unit."""
        for a, p in (node.inputs, node.inputs[::-1]):
            kind = {state.c: "cell", state.new: "new cell"}.get(plain(a))
            flat = p.spec.size == columns[1] and p.spec.shape[-1:] in ((), columns[1:])
            if kind is not None and flat and self.fixed(p):
                return [Term(kind, p, None, columns)]
        return None

    def _sum(self, node: Node, state: State, columns: tuple[int, int]) -> list[Term] | None:
        found: list[Term] = []
        for x in node.inputs:
            if x.spec.shape != node.output.spec.shape and not self.fixed(x):
                return None
            terms = self.of(x, state, columns)
            if terms is None:
                return None
            found += terms
        return found

    def _slice(self, node: Node, state: State, columns: tuple[int, int]) -> list[Term] | None:
        (x,) = node.inputs
        begin, stride = node.attrs["begin"], node.attrs["stride"]
        whole = x.spec.rank == 2 and x.spec.shape[0] == node.output.spec.shape[0]
        if not whole or begin[0] != 0 or tuple(stride) != (1, 1) or not isinstance(begin[1], int):
            return None
        return self.of(x, state, (begin[1] + columns[0], begin[1] + columns[1]))

    def _product(
        self, a: Value, h: Value, w: Value, transposed: bool, row: int, columns: tuple[int, int]
    ) -> list[Term] | None:
        """Terms of a @ w, where the first column of a meets that row of w."""
        a = plain(a)
        wide = a.spec.shape[-1]
        if not isinstance(wide, int):
            return None
        weight = Weight(w, transposed, (row, row + wide), columns)
        if a is h:
            return [Term("h", None, weight, columns)]
        found = self.row(a)
        if found is not None:
            return [Term("x", found, weight, columns)]
        if self.fixed(a):
            return [Term("context", a, weight, columns)]
        node = a.node
        if node is None:
            return None
        if node.op is maths.multiply_op and any(plain(v) is h for v in node.inputs):
            x, y = map(plain, node.inputs)
            return [Term("rh", y if x is h else x, weight, columns)]
        terms: list[Term] = []
        parts = node.inputs if node.op is concat_op and node.attrs["axis"] == 1 else ()
        for v in parts:
            some = self._product(v, h, w, transposed, row, columns)
            n = v.spec.shape[-1]
            if some is None or not isinstance(n, int):
                return None
            terms += some
            row += n
        if parts:
            return terms
        made = self.made(a)
        return None if made is None else [Term("x", made, weight, columns)]


def activated(v: Value, op: Any) -> tuple[Value, tuple[int, int]] | None:
    """What an activation is taken of, and which columns: op(z), or columns of op(z)."""
    v = plain(v)
    wide = v.spec.shape[-1] if v.spec.rank == 2 else None
    lo = 0
    cut = made_by(v, slice_op)
    if cut is not None and v.node is not None and cut[0].spec.rank == 2:
        begin, stride = v.node.attrs["begin"], v.node.attrs["stride"]
        rows = cut[0].spec.shape[0] == v.spec.shape[0] and begin[0] == 0
        if rows and tuple(stride) == (1, 1) and isinstance(begin[1], int):
            lo, v = begin[1], cut[0]
    inside = made_by(v, op)
    if inside is None or not isinstance(wide, int):
        return None
    return inside[0], (lo, lo + wide)


def refuses(node: Node) -> bool:
    """Whether a node may refuse a value: where the loop does not run, it must not."""
    lower = node.op.lower
    return isinstance(lower, Checked) or (isinstance(lower, Library) and lower.refuses)


def is_one(v: Value) -> bool:
    """Whether a value is the constant 1."""
    return bool(filled(v) == 1)


def filled(v: Value) -> Any:
    """The number that all elements of a value are, if it is a constant; else None."""
    v = plain(v)
    while v.node is not None and v.node.op in (reshape_op, broadcast_op, identity_op):
        v = v.node.inputs[0]
    if v.node is None or v.node.op is not constant_op or not v.node.attrs["value"].size:
        return None
    numbers = v.node.attrs["value"].reshape(-1)
    return numbers[0] if (numbers == numbers[0]).all() else None
