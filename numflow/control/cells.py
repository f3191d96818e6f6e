"""A loop over a recurrent cell becomes the op that runs a whole sequence in one kernel.

    while t < T:                                      y, h, c = lstm_steps(X W + b, U, h0, c0)
        z = concat([x[t], h], 1) @ W + b
        i, f, g, o = split(z, 4, 1)             ->
        c = sigmoid(f) c + sigmoid(i) tanh(g)
        h = sigmoid(o) tanh(c)
        ys = ys.write(t, h)

Where the body of a loop is an LSTM, a GRU or a simple cell, however it was written (cell_kinds.py,
cell_terms.py), whose sequences may wait in their states (cell_masks.py), runs a number of times
that shapes tell, and reads the rows of its inputs in order, the loop is not made: so its gradient
is the op's, too. What else the body computes, with the states or beside them, stays a loop, which
reads the states from what the op gives.

It is done while tracing, as the gradients are. Whatever does not fit stays the loop that it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from numflow import dtypes
from numflow.control.all_steps import Hoisted, Steps
from numflow.control.cell_kinds import Cell, cell_of
from numflow.control.cell_masks import mask_of, otherwise, twins, waits
from numflow.control.cell_ops import Making
from numflow.control.cell_terms import Index, Terms, filled, plain
from numflow.eager.apply import tapes
from numflow.errors import user_line
from numflow.graph.building import with_inputs
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.scopes import here
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons, joining, scan
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.control import while_op
from numflow.ops.indexing import gather_op
from numflow.ops.scatter import scatter_op, scatter_rows_op
from numflow.ops.shape import reshape_op
from numflow.shapes import Dim, Extent

SCOPE = "loop_of_cells/"  # of the nodes that are made; explain() looks for it
TINY = 256  # recurrent weights of a cell that a loop in registers runs faster: 1.5 to 6 times
_ROWS = 512  # elements of all its gates, all sequences
_MOST = 300  # nodes of a body that is looked at


def fused(graphs: tuple[Graph, Graph], inputs: Sequence[Tensor]) -> list[Tensor] | None:
    """The loop variables behind a loop of cells, by the op of its kind; None for another loop.

    graphs: condition and body; inputs: of the node, in the graph that is being built.
    """
    condition, body = graphs
    if len(body.nodes) > _MOST or any(n.op.effect for n in condition.nodes):
        return None
    count = len(body.outputs)
    trips = _trips(condition, body, inputs)
    if trips is None or trips == 0:
        return None
    body = twins(body, inputs, count)
    numbers = _numbers(body, inputs)
    terms = Terms(body, count, {body.inputs[k]: i for k, i in numbers.items()}, trips)
    hoisted = Hoisted(terms)
    terms.made = hoisted.row
    cell = cell_of(body, terms, count, masks=True)
    if cell is None or body.inputs[cell.h].spec.dtype not in (dtypes.float32, dtypes.float64):
        return None
    made = _Made(body, inputs, cell, trips, numbers, hoisted)
    if not made.possible() or (made.tiny() and not tapes.items):
        return None
    place = here()
    scope, place.scope = place.scope, f"{place.scope}{SCOPE}"
    try:
        return made.outputs(condition, terms)
    finally:
        place.scope = scope


# --- how often it runs -------------------------------------------------------


def _numbers(body: Graph, inputs: Sequence[Tensor]) -> dict[int, Index]:
    """The counters among the loop variables, as functions of the number of the iteration."""
    found: dict[int, Index] = {}
    before = Dim.symbol("before")
    for k, after in enumerate(body.outputs):
        v = body.inputs[k]
        content = getattr(getattr(inputs[k], "value", None), "content", None)
        if content is None or content.size != 1 or not v.spec.dtype.is_integer:
            continue
        made = Terms(body, len(body.outputs), {v: Index(0, before)}, 1).index(after)
        step = None if made is None or made.slope else made.base - before
        if isinstance(step, int):
            found[k] = Index(step, content.reshape(-1)[0])
    return found


def _trips(condition: Graph, body: Graph, inputs: Sequence[Tensor]) -> Extent | None:
    """How often a loop runs, if shapes alone tell."""
    numbers = _numbers(body, inputs)
    reader = Terms(
        condition, len(body.outputs), {condition.inputs[k]: i for k, i in numbers.items()}, 1
    )
    found: Extent | None = None
    waiting = [condition.outputs[0]]
    while waiting:
        node = plain(waiting.pop()).node
        if node is None:
            return None
        if node.op is selections.logical_and_op:
            waiting += node.inputs
            continue
        x, y = (reader.index(v) for v in node.inputs[:2]) if len(node.inputs) == 2 else (None, None)
        if x is None or y is None:
            return None
        if node.op in (comparisons.greater_op, comparisons.greater_equal_op):
            x, y = y, x
        elif node.op not in (comparisons.less_op, comparisons.less_equal_op):
            return None
        equal = node.op in (comparisons.less_equal_op, comparisons.greater_equal_op)
        if x.slope - y.slope != 1:
            return None
        most = y.base - x.base + equal
        if found is None or found == most:
            found = most
        elif isinstance(found, int) and isinstance(most, int):
            found = min(found, most)
        else:
            return None
    return max(0, found) if isinstance(found, int) else found


# --- the op in its place -----------------------------------------------------

ZEROS = -1


class _Seen(NamedTuple):
    """rows: of all steps, by what they are like (`_Made._like`); last: the last states."""

    rows: dict[int, Tensor]
    last: list[Tensor]


class _Made:
    """Makes the op, and what else there is to the loop."""

    def __init__(
        self,
        body: Graph,
        inputs: Sequence[Tensor],
        cell: Cell,
        trips: Extent,
        numbers: dict[int, Index],
        hoisted: Hoisted,
    ) -> None:
        self.body, self.inputs, self.cell, self.trips = body, inputs, cell, trips
        self.numbers, self.count, self._hoisted = numbers, len(body.outputs), hoisted
        self._outside: dict[Value, Tensor] = dict(
            zip(body.inputs[self.count :], inputs[self.count :], strict=True)
        )
        self.making = Making(cell, trips, inputs[cell.h].spec, self.outside)

    def possible(self) -> bool:
        """Whether nothing but the rest of the loop may read what the op gives."""
        effects = any(n.op.effect or n.subgraphs for n in self.body.nodes)
        if self._sees_all():
            return False
        return not effects and not self.making.long() and (self.count - 1) in self.numbers

    def _sees_all(self) -> bool:
        """Whether anybody sees new states of sequences that wait: the op does not give them."""
        new, live = self.cell.new, self.cell.live
        if live is None:
            return False
        unseen = waits(self.body, live, new.spec.shape[0])
        return any(plain(v) is new for v in self.body.outputs) or any(
            plain(v) is new and (node, k) not in unseen
            for node in self.body.nodes
            for k, v in enumerate(node.inputs)
        )

    def tiny(self) -> bool:
        """Whether a loop in registers is faster, forward: its gradient is not."""
        h = self.body.inputs[self.cell.h].spec
        gates = len(self.cell.gates)
        few = h.size * gates
        return isinstance(few, int) and few <= _ROWS and self.making.units**2 * gates <= TINY

    # values of outside ----------------------------------------------------------------------------
    def outside(self, v: Value) -> Tensor:
        found = self._outside.get(v)
        if found is None and v in self._hoisted.arrays:
            found = self._outside[v] = self._hoisted.make(v, self.outside)
        if found is None:
            node = v.node
            assert node is not None
            made = node.op(*map(self.outside, node.inputs), **node.attrs)
            results = made if isinstance(made, tuple | list) else (made,)
            self._outside.update(zip(node.outputs, results, strict=True))
            found = self._outside[v]
        return found

    # what is left of the loop ---------------------------------------------------------------------
    def outputs(self, condition: Graph, terms: Terms) -> list[Tensor]:
        after = [plain(v) for v in self.body.outputs]
        states = [k for k in (self.cell.h, self.cell.c) if k >= 0]
        numbers = {k: i for k, i in self.numbers.items() if k not in states}
        same = {k for k, v in enumerate(after) if v is self.body.inputs[k]} - {*states, *numbers}
        copies = {
            k: j
            for j in states
            for k, v in enumerate(after)
            if v is after[j] and k not in numbers and k not in same
        }
        ends = {
            k: j
            for k, v in enumerate(after)
            if k not in copies and (j := self._like(v)) is not None and isinstance(self.trips, int)
        }
        arrays = {
            k: found
            for k in range(self.count)
            if k not in copies and (found := self._collects(k, terms)) is not None
        }
        counted = {
            k: i
            for k, v in enumerate(after)
            if k not in numbers and k not in same and (i := terms.index(v)) is not None
        }
        known = {*numbers, *same, *copies, *ends, *arrays, *counted}
        rest = [k for k in range(self.count) if k not in known]
        used = [*ends.values(), *(j for _, j in arrays.values())]
        seen = self._run(terms, used if not rest else [*used, self.cell.h])
        results: dict[int, Tensor] = {k: self.inputs[k] for k in same}
        for k, i in numbers.items():
            results[k] = self._number(k, i, self.trips)
        for k, i in counted.items():  # the last number, of whoever looks at it behind the loop
            results[k] = self._copied(self._number(k, i, self.trips - 1), self.inputs[k])
        for k, j in copies.items():
            t = seen.last[states.index(j)]
            results[k] = t if k == j else self._copied(t, self.inputs[k])
        for k, (backwards, j) in arrays.items():
            results[k] = self.making.stacked(seen.rows[j], backwards)
        for k, j in ends.items():
            y, at = seen.rows[j], 0 if self.making.reverse else -1
            results[k] = y[at] if self.making.time_major else y[:, at]
        if rest:
            looped = self._rest(condition, seen.rows[self.cell.h], rest)
            results |= {k: looped[k] for k in rest}
        return [results[k] for k in range(self.count)]

    def _run(self, terms: Terms, used: Sequence[int]) -> _Seen:
        """What the op gives. used: of what all steps are wanted, as `_like` says it."""
        cell, making = self.cell, self.making
        start = [self.inputs[k] for k in (cell.h, cell.c) if k >= 0]
        if cell.live is None:
            y, *last = making.run(start)
            return _Seen({cell.h: y}, last)
        steps = Steps(terms, self.outside, making.reverse)
        mask = mask_of(cell.live, steps, cell.new.spec.shape[0])
        carry = any(j != ZEROS for j in used)
        y, *last = making.run(start, mask, carry)
        rows = {cell.h if carry else ZEROS: y}
        for j in {*used} - {*rows}:
            if j == ZEROS:
                here, other = mask, shaping.zeros_like(y)
            else:  # once a sequence has lived
                here = scan.cumsum(maths.cast(mask, dtypes.int32), 0, reverse=making.reverse) > 0
                other = shaping.expand_dims(self.inputs[j], 0 if making.time_major else 1)
            here = here if making.time_major else shaping.transpose(here)
            rows[j] = selections.where(shaping.expand_dims(here, 2), y, other)
        return _Seen(rows, last)

    def _number(self, k: int, i: Index, iteration: Extent) -> Tensor:
        """What an index is there, as loop variable k."""
        number = shaping.size_tensor(i.base + i.slope * iteration, dtypes.int64)
        spec = self.body.outputs[k].spec
        return shaping.reshape(maths.cast(number, spec.dtype), spec.shape)

    def _copied(self, last: Tensor, first: Tensor) -> Tensor:
        """A loop variable that each iteration sets to the state: what it was, where none runs."""
        if isinstance(self.trips, int):
            return last
        some = comparisons.greater(shaping.size_tensor(self.trips, dtypes.int64), 0)
        return selections.where(some, last, first)

    def _written(self, k: int, terms: Terms) -> Index | None:
        """Where loop variable k, an array, gets a row in each iteration."""
        node = _views(self.body.outputs[k]).node
        if node is None or node.op not in (scatter_op, scatter_rows_op):
            return None
        base, at, _ = node.inputs
        simple = node.attrs["kind"] == "update" and not node.attrs["drop"]
        if not simple or _views(base) is not self.body.inputs[k]:
            return None
        return terms.index(at)

    def _collects(self, k: int, terms: Terms) -> tuple[bool, int] | None:
        """Whether loop variable k ends as all rows of what is like j: from the last to the first,
        and j; None: it does not."""
        at, array = self._written(k, terms), self.body.inputs[k].spec
        h = self.body.outputs[self.cell.h]
        if at is None or array.shape != (self.trips, *h.spec.shape):
            return None
        if at not in (Index(1, 0), Index(-1, self.trips - 1)):
            return None
        node = _views(self.body.outputs[k]).node
        assert node is not None
        j = self._like(_views(node.inputs[2]))
        return None if j is None else (at.slope < 0, j)

    def _like(self, v: Value) -> int | None:
        """The number of the loop variable that is the state, or what it was where a sequence waits;
        ZEROS: 0 there; None: a value is none of these."""
        h, new, live = self.cell.h, self.cell.new, self.cell.live
        if plain(v) is plain(self.body.outputs[h]):
            return h
        other = None if live is None else otherwise(v, new, live)
        if live is None or other is None or v.spec != new.spec:
            return None
        if filled(other) == 0:
            return ZEROS
        for k, before in enumerate(self.body.inputs[: self.count]):
            if other is before and (k == h or otherwise(self.body.outputs[k], new, live) is other):
                return k
        return None

    def _rest(self, condition: Graph, y: Tensor, wanted: Sequence[int]) -> list[Any]:
        """The loop variables that are wanted: by a loop that reads the state h from arrays."""
        body, h0 = self.body, self.inputs[self.cell.h]
        h_in, h_out = body.inputs[self.cell.h], plain(body.outputs[self.cell.h])
        after = self.making.stacked(y, False)
        before = joining.concat([shaping.expand_dims(h0, 0), after[:-1]], 0)
        number = body.inputs[self.count - 1]
        arrays = [Value(t.spec, None, 0) for t in (before, after)]
        rows = [
            Node(gather_op, (v, number), {"axis": 0, "batch_dims": 0}, [h_in.spec], user_line())
            for v in arrays
        ]
        swapped = {h_in: rows[0].output, h_out: rows[1].output, self.cell.new: rows[1].output}
        moved: dict[Node, Node] = {}
        nodes = list(rows)
        for node in body.nodes:
            copy = with_inputs(node, swapped, moved)
            nodes.append(copy)
            if copy is not node:
                moved[node] = copy
                for v, w in zip(node.outputs, copy.outputs, strict=True):
                    swapped.setdefault(v, w)
        outputs = [swapped.get(v, v) for v in body.outputs]
        nodes, kept, read = self._needed(nodes, outputs, wanted)
        order = [*kept, *(k for k in range(self.count, len(body.inputs)) if body.inputs[k] in read)]
        more = [k for k, v in enumerate(arrays) if v in read]
        graphs = (
            Graph(
                (
                    *(condition.inputs[k] for k in order),
                    *(Value(arrays[k].spec, None, 0) for k in more),
                ),
                condition.nodes,
                condition.outputs,
                condition.captures,
                condition.name,
            ),
            Graph(
                (*(body.inputs[k] for k in order), *(arrays[k] for k in more)),
                tuple(nodes),
                tuple(outputs[k] for k in kept),
                body.captures,
                body.name,
            ),
        )
        given = [*(self.inputs[k] for k in order), *((before, after)[k] for k in more)]
        made = fused(graphs, given) or while_op(*given, graphs=graphs)  # cells on top of cells
        results: list[Any] = [None] * self.count
        for k, t in zip(kept, made, strict=True):
            results[k] = t
        return results

    def _needed(
        self, nodes: Sequence[Node], outputs: Sequence[Value], wanted: Sequence[int]
    ) -> tuple[list[Node], list[int], set[Value]]:
        """The nodes, loop variables and values that those wanted follow from."""
        kept = {*wanted, *self.numbers}
        while True:
            read = {outputs[k] for k in kept}
            live = []
            for node in reversed(nodes):
                if not read.isdisjoint(node.outputs):
                    live.append(node)
                    read.update(node.inputs)
            more = {k for k in range(self.count) if self.body.inputs[k] in read} - kept
            if not more:
                return live[::-1], sorted(kept), read
            kept |= more


def _views(v: Value) -> Value:
    """What v is a reshaped view of."""
    v = plain(v)
    while v.node is not None and v.node.op is reshape_op:
        v = plain(v.node.inputs[0])
    return v
