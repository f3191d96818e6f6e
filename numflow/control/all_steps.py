"""Values of all steps of a loop at once: masks, and inputs that the body makes of its rows.

    for each t:  x_t = gather(table, tokens[t])       ->      x = gather(table, tokens)

What a body computes of rows of outside, of the iteration's number and of what is the same in every
iteration needs no loop. `Steps` makes it where each row of a result follows from its own step
alone; `Hoisted` gives it to those that look for the rows of arrays (cell_terms.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow import dtypes
from numflow.control.cell_terms import Index, Row, Terms, plain
from numflow.graph.graph import Node, Value
from numflow.graph.lowering import Elementwise, Reduction
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons, creation, rearrange
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.indexing import gather_op
from numflow.ops.joining import concat_op
from numflow.ops.linalg import matmul_op
from numflow.ops.shape import broadcast_op, reshape_op
from numflow.ops.slicing import slice_op

_MOST = 100  # values that one is made of
_MOST_BYTES = 1 << 28  # of a value of all steps
_EXACT = {  # equal to the last bit, whatever stands beside an element
    comparisons.less_op, comparisons.less_equal_op, comparisons.greater_op,
    comparisons.greater_equal_op, comparisons.equal_op, comparisons.not_equal_op,
    selections.logical_and_op, selections.logical_or_op, selections.logical_not_op,
    selections.logical_xor_op, selections.where_op, maths.cast_op, maths.add_op,
    maths.subtract_op, maths.multiply_op, maths.maximum_op, maths.minimum_op,
    reductions.any_op, reductions.all_op, reductions.max_op, reshape_op, broadcast_op,
    concat_op, slice_op,
}  # fmt: skip


class Steps:
    """Values of all steps: [steps or 1, *shape of one], in the order of the op's steps.

    outside: makes what is the same in every iteration. turned: the op's last step is the first.
    exact: only what is equal to the last bit.
    """

    def __init__(
        self,
        terms: Terms,
        outside: Callable[[Value], Tensor] | None = None,
        turned: bool = False,
        exact: bool = True,
    ) -> None:
        self.terms, self.outside, self.turned, self.exact = terms, outside, turned, exact
        self._known: dict[Value, bool] = {}
        self._made: dict[Value, Tensor] = {}

    def can(self, v: Value) -> bool:
        """Whether a value can be made."""
        found = self._known.get(v)
        if found is None:
            node = v.node
            found = self._leaf(v) is not None or (
                node is not None
                and len(self._known) < _MOST
                and self._takes(node)
                and all(map(self.can, node.inputs))
            )
            self._known[v] = found
        return found

    def _leaf(self, v: Value) -> Any:
        if self.terms.fixed(v):
            return v
        if v.spec.dtype in (dtypes.int32, dtypes.int64):
            found = self.terms.index(v)
            if found is not None:
                return found
        return self.terms.row_of(v, (1, 2, 3))

    def _takes(self, node: Node) -> bool:
        """Whether an op does with all steps what it does with one."""
        if node.op in _EXACT:
            return True
        if node.op is gather_op:
            first = node.attrs["axis"] == 0 and not node.attrs["batch_dims"]
            return first and self.terms.fixed(node.inputs[0])
        if self.exact or node.op.effect or node.subgraphs or len(node.outputs) != 1:
            return False
        if node.op is matmul_op:
            a, b = node.inputs
            flat = a.spec.rank == b.spec.rank == 2 and not node.attrs["transpose_a"]
            return flat and self.terms.fixed(b)
        lower = node.op.lower
        if isinstance(lower, Elementwise):
            return not lower.indexed
        return isinstance(lower, Reduction)

    def make(self, v: Value) -> Tensor:
        """A value that can be made, of all steps."""
        found = self._made.get(v)
        if found is None:
            found = self._made[v] = self._of_all(v)
        return found

    def _of_all(self, v: Value) -> Tensor:
        leaf, node = self._leaf(v), v.node
        if isinstance(leaf, Index):
            return self._numbers(leaf, v.spec)
        if isinstance(leaf, Row):
            return self._rows(leaf)
        assert self.outside is not None
        if leaf is not None:
            return shaping.expand_dims(self.outside(v), 0)
        assert node is not None
        if node.op is gather_op:
            return self._applied(node, [self.outside(node.inputs[0]), self.make(node.inputs[1])])
        if node.op is matmul_op:
            a = self.make(node.inputs[0])
            steps, batch, depth = a.spec.shape
            flat = shaping.reshape(a, (steps * batch, depth))
            wide = self._applied(node, [flat, self.outside(node.inputs[1])])
            return shaping.reshape(wide, (steps, *v.spec.shape))
        given, attrs = [self.make(x) for x in node.inputs], dict(node.attrs)
        (steps, *_) = given[0].spec.shape
        if isinstance(node.op.lower, Reduction):
            attrs["axis"] = tuple(k + 1 for k in node.attrs["axis"])
        elif node.op in (reshape_op, broadcast_op):
            attrs["shape"] = (steps, *v.spec.shape)
        elif node.op is slice_op:
            attrs["begin"], attrs["stride"] = (0, *attrs["begin"]), (1, *attrs["stride"])
            attrs["shape"] = (steps, *attrs["shape"])
        elif node.op is concat_op:
            attrs["axis"] += 1
            given = [self._repeated(x) for x in given]
        if node.op is broadcast_op or isinstance(node.op.lower, Elementwise):
            for k, x in enumerate(given):  # in front of the axes that broadcasting adds
                first, *rest = x.spec.shape
                shape = (first, *(1,) * (v.spec.rank - len(rest)), *rest)
                given[k] = shaping.reshape(x, shape)
        return self._applied(node, given, attrs)

    @staticmethod
    def _applied(node: Node, given: list[Tensor], attrs: dict[str, Any] | None = None) -> Tensor:
        made: Tensor = node.op(*given, **(node.attrs if attrs is None else attrs))
        return made

    def _repeated(self, x: Tensor) -> Tensor:
        """A value of all steps in each of them, even where it is one for all."""
        return shaping.broadcast_to(x, (self.terms.trips, *x.spec.shape[1:]))

    def _numbers(self, index: Index, like: Spec) -> Tensor:
        slope, base = index
        if self.turned:
            slope, base = -slope, base + slope * (self.terms.trips - 1)
        steps = creation.iota((self.terms.trips,), 0, dtypes.int64)
        found = steps * slope + shaping.size_tensor(base, dtypes.int64)
        found = maths.cast(found, like.dtype)
        return shaping.reshape(found, (self.terms.trips, *like.shape))

    def _rows(self, row: Row) -> Tensor:
        assert self.outside is not None
        x, trips = self.outside(row.source), self.terms.trips
        if x.spec.shape[row.axis] != trips:
            low = row.at.base if row.at.slope > 0 else row.at.base - (trips - 1)
            x = x[(*(slice(None),) * row.axis, slice(low, low + trips))]
        if row.axis:
            x = shaping.transpose(x, [1, 0, *range(2, x.spec.rank)])
        return x if (row.at.slope < 0) == self.turned else rearrange.reverse(x, [0])

    def array(self, v: Value) -> Tensor:
        """A value that can be made, [steps, *shape of one]."""
        return self._repeated(self.make(v))


class Hoisted:
    """Rows of arrays that there are not, but that can be made.

    arrays: what their rows are in the body, and whether the last row is the first.
    """

    def __init__(self, terms: Terms) -> None:
        self.terms, self._steps = terms, Steps(terms, exact=False)
        self.arrays: dict[Value, tuple[Value, bool]] = {}
        self._rows: dict[Value, Row] = {}

    def row(self, v: Value) -> Row | None:
        """A value [batch, n] as a row, if it can be made of all steps."""
        v, trips = plain(v), self.terms.trips
        if v in self._rows:
            return self._rows[v]
        size = trips * v.spec.size * v.spec.dtype.size
        if isinstance(size, int) and size > _MOST_BYTES:
            return None
        if v.spec.rank != 2 or not self._steps.can(v):
            return None
        turned = self._turned(v)
        array = Value(Spec((trips, *v.spec.shape), v.spec.dtype), None, 0)
        self.arrays[array] = v, turned
        at = Index(-1, trips - 1) if turned else Index(1, 0)
        found = self._rows[v] = Row(array, 0, at)
        return found

    def _turned(self, v: Value) -> bool:
        """Whether the rows that a value is made of are read from the last to the first."""
        waiting, seen = [v], {v}
        while waiting:
            v = waiting.pop()
            row = None if self.terms.fixed(v) else self.terms.row_of(v, (1, 2, 3))
            if row is not None:
                return row.at.slope < 0
            new = [x for x in (v.node.inputs if v.node is not None else ()) if x not in seen]
            seen.update(new)
            waiting += new
        return False

    def make(self, array: Value, outside: Callable[[Value], Tensor]) -> Tensor:
        """One of the arrays."""
        v, turned = self.arrays[array]
        return Steps(self.terms, outside, turned, exact=False).array(v)
