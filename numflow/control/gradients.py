"""Gradients of branches and loops: themselves branches and loops, so they differentiate again.

cond: the gradient of each branch runs the branch once more, as far as it needs what is in between,
and walks it backwards; the index chooses among these.

while_loop: backwards, the last iteration first. What an iteration needs of the loop variables it
began with lies on stacks, which another forward loop fills; the iteration itself runs once more.

    forward:   stacks[k] = state           for k in 0 ... n - 1
    backward:  cts, sums = walk(stacks[n - 1 - r], captured, cts, sums)   for r in 0 ... n - 1

The number of iterations n is a loop variable of every loop, the last. Where it follows from sizes
or from what is known before the loop, the stacks have that length; else the first run of the loop
tells it (`bind_sizes`). Only what the walk uses is kept: no variable through which everything
passes linearly, and no counter, whose value is a matter of k.

Source: Griewank & Walther 2008, "Evaluating Derivatives", chapters 4 and 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.control import ragged
from numflow.control.counting import counters, trips
from numflow.control.loops import MOST_PIECE, Loop
from numflow.control.nested import Nested
from numflow.control.structure import Form
from numflow.gradient.vjp import Gradient, Record, active, backward, differentiable
from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import Graph, Node, Value, bind_op, bound_symbols, named_symbols
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.op import Backward, current, interpreting
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons, indexing, run_time
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.control import cond_op, empty_op, extended, set_gradient
from numflow.ops.indexed_slices import add_gradients
from numflow.ops.scatter import scatter_rows_op
from numflow.passes.unrolled_cells import extended as extended_by_cells
from numflow.shapes import Extent, product

SMALL = 1 << 16  # elements of stacks that are as long as a loop can be, not as long as it is


class Continued(Nested):
    """Goes on with a finished graph that is inside of what is being traced.

    Its values keep their tensors; rules of users bring some along.
    """

    def __init__(self, outer: Any, graph: Graph) -> None:
        super().__init__(outer, f"the gradient of {graph.name}")
        self.builder.inputs, self.builder.nodes = list(graph.inputs), list(graph.nodes)
        self._tensors: dict[Value, SymbolicTensor] = {}
        self._owned = {*graph.inputs, *(v for n in graph.nodes for v in n.outputs)}

    def value(self, tensor: Tensor) -> Value:
        if isinstance(tensor, SymbolicTensor) and tensor.value in self._owned:
            return tensor.value
        return super().value(tensor)

    def tensor(self, value: Value) -> SymbolicTensor:
        found = self._tensors.get(value)
        if found is None:
            found = self._tensors[value] = SymbolicTensor(value, self.builder)
        return found


class Walk:
    """A graph, walked backwards: cotangents of some outputs -> gradients for some inputs.

    wanted: of which inputs; sparse: which of them may be slices. given: of which outputs. found:
    by number of an input, its gradient, or None.
    """

    def __init__(
        self,
        graph: Graph,
        captured: dict[int, Tensor],
        given: Sequence[int],
        wanted: Sequence[int],
        sparse: Sequence[int] = (),
    ) -> None:
        graph, put = extended_by_cells(graph)
        self.graph, self.given, self.wanted = graph, list(given), list(wanted)
        outer: Any = current()
        self.inside = inside = Continued(outer, graph)
        for k, t in captured.items():
            inside.known_outside[graph.inputs[k]] = outer.value(t)
        tensor = inside.tensor
        records = put(_records(inside, graph), tensor)
        self.cts = [inside.builder.add_input(graph.outputs[k].spec, "ct") for k in self.given]
        sources = [tensor(graph.inputs[k]) for k in self.wanted]
        rows = {id(tensor(graph.inputs[k])) for k in sparse}
        with interpreting(inside):
            found = backward(
                records,
                [tensor(graph.outputs[k]) for k in self.given],
                list(map(tensor, self.cts)),
                sources,
                add_gradients,
                rows,
            )
        self.found: dict[int, Gradient | None] = dict(zip(self.wanted, found, strict=True))

    def dense(self, k: int) -> Tensor:
        """The gradient for input k, zeros where there is none."""
        found = self.found.get(k)
        with interpreting(self.inside):
            if found is None:
                return shaping.zeros_like(self.inside.tensor(self.graph.inputs[k]))
            return found._as_tensor() if isinstance(found, IndexedSlices) else found

    def closed(
        self, outputs: Sequence[Tensor], captured: Sequence[tuple[Value, int | None]]
    ) -> Graph:
        """As a graph of the inputs, the cotangents, and what rules captured."""
        inside = self.inside
        values = [inside.value(t) for t in outputs]
        rest = [inside.pairs.get(k) or Value(k[0].spec, None, 0) for k in captured]
        inputs = [*self.graph.inputs, *self.cts, *rest]
        inside.builder.nodes = _needed(inside.builder.nodes, values)
        return inside.freeze(inputs, values)


def _records(inside: Continued, graph: Graph) -> list[Record]:
    tensor = inside.tensor
    return [
        Record(n.op, tuple(map(tensor, n.inputs)), tuple(map(tensor, n.outputs)), n.attrs, n.line)
        for n in graph.nodes
        if n.outputs
    ]


def _needed(nodes: Sequence[Node], outputs: Sequence[Value]) -> list[Node]:
    """The nodes that outputs depend on. What was checked or printed once is not again."""
    wanted = set(outputs)
    binds = any(node.op is bind_op for node in nodes)
    sizes: set[str] = set()
    kept = []
    for node in reversed(nodes):
        binding = binds and not sizes.isdisjoint(bound_symbols(node))
        if binding or any(v in wanted for v in node.outputs):
            wanted.update(node.inputs)
            kept.append(node)
            if binds:
                sizes |= named_symbols(node)
    return kept[::-1]


def called(graph: Graph, inputs: Sequence[Tensor]) -> list[Tensor]:
    """What a graph gives: a branch without an alternative, which passes dissolve."""
    if not graph.outputs:
        return []
    interpreter = current()
    zero = interpreter.constant(np.zeros((), np.int32))
    return list(interpreter.apply(cond_op, [zero, *inputs], {"graphs": (graph,)}))


# --- cond --------------------------------------------------------------------


def _choice_vjp(g: Backward) -> Sequence[Tensor | None]:
    """Of branches of unlike shapes: the same, behind the token."""
    inner = Backward(g.cts, g.inputs[1:], g.outputs, g.attrs, g.needed[1:])
    return [None, *_cond_vjp(inner)]


def _cond_vjp(g: Backward) -> Sequence[Tensor | None]:
    graphs: tuple[Graph, ...] = g.attrs["graphs"]
    outer: Any = current()
    given = [k for k, ct in enumerate(g.cts) if ct is not None and differentiable(g.outputs[k])]
    wanted = [k for k, needs in enumerate(g.needed[1:]) if needs]
    there = dict(enumerate(g.inputs[1:]))
    walks = [Walk(graph, there, given, wanted) for graph in graphs]
    kept = [k for k in wanted if any(w.found[k] is not None for w in walks)]
    grads: list[Tensor | None] = [None] * len(g.inputs)
    if not kept:
        return grads
    outputs = [[w.dense(k) for k in kept] for w in walks]
    for w, found in zip(walks, outputs, strict=True):
        for t in found:
            w.inside.value(t)
    captured = list(dict.fromkeys(k for w in walks for k in w.inside.pairs))
    closed = tuple(w.closed(found, captured) for w, found in zip(walks, outputs, strict=True))
    cts = [g.cts[k] for k in given]
    inputs = [*g.inputs, *cts, *(outer.tensor(outside) for outside, _ in captured)]
    got = outer.apply(cond_op, inputs, {"graphs": closed})
    for k, found_ct in zip(kept, got, strict=True):
        grads[k + 1] = found_ct
    return grads


# --- while_loop --------------------------------------------------------------


class _Body:
    """The body of a loop, walked backwards.

    carried: the loop variables that have cotangents; summed: the captured inputs that have
    gradients, which add up, each of so many `parts`: a tensor, or values and indices. joint: the
    graph of it all, of the body's inputs, cotangents, and `more`, which rules captured.
    """

    def __init__(self, body: Graph, g: Backward, inputs: Sequence[Tensor], needed: Any) -> None:
        count = len(body.outputs)
        varying = _varying(body, [k for k, needs in enumerate(needed) if needs])
        given = {k for k, ct in enumerate(g.cts) if ct is not None and k in varying}
        self.carried: list[int] = []
        if not given:
            return
        wanted = [k for k in range(len(inputs)) if k in varying]
        rows = [k for k in wanted if k >= count]
        there = {k: inputs[k] for k in range(count, len(inputs))}
        while True:  # until every variable that has a cotangent is known to have one
            walk = Walk(body, there, sorted(given), wanted, rows)
            reached = {k for k in wanted if k < count and walk.found[k] is not None}
            if reached <= given:
                break
            given |= reached
        self.carried = sorted(given)
        self.summed = [k for k in wanted if k >= count and walk.found[k] is not None]
        outputs = [walk.dense(k) for k in self.carried]
        self.parts: list[int] = []
        for k in self.summed:
            found = walk.found[k]
            assert found is not None
            made: list[Tensor] = [found] if isinstance(found, Tensor) else []
            if isinstance(found, IndexedSlices):
                made = [found.values, found.indices]
            self.parts.append(len(made))
            outputs += made
        for t in outputs:
            walk.inside.value(t)
        extra = list(walk.inside.pairs)
        self.joint = walk.closed(outputs, extra)
        outer: Any = current()
        self.more: list[Tensor] = [outer.tensor(outside) for outside, _ in extra]

    def first_cts(self, g: Backward) -> list[Tensor]:
        """The cotangents of the carried variables behind the loop."""
        found = []
        for k in self.carried:
            ct = g.cts[k]
            found.append(shaping.zeros_like(g.outputs[k]) if ct is None else ct)
        return found


def _while_vjp(g: Backward) -> Sequence[Tensor | None]:
    condition, body = g.attrs["graphs"]
    count = len(body.outputs)
    state, captured = g.inputs[:count], g.inputs[count:]
    back = _Body(body, g, g.inputs, g.needed)
    grads: list[Tensor | None] = [None] * len(g.inputs)
    if not back.carried:
        return grads
    history = _History(condition, body, back.joint, state, captured, g.outputs)
    sums = [shaping.zeros_like(g.inputs[k]) for k in back.summed]
    initial = [*back.first_cts(g), *sums]
    loop = Loop("while_loop", initial, Form(None, ()), ["a gradient"] * len(initial), None)
    steps, carried = history.steps, len(back.carried)

    def going(_: Sequence[Tensor]) -> Tensor:
        return comparisons.less(loop.condition.iteration(), steps)

    def walked(now: Sequence[Tensor]) -> tuple[list[Tensor], None]:
        at = steps - 1 - loop.body.iteration()
        before = history.before(at)
        got = iter(called(back.joint, [*before, *captured, *now[:carried], *back.more]))
        after = [next(got) for _ in back.carried]
        for total, parts in zip(now[carried:], back.parts, strict=True):
            part = [next(got) for _ in range(parts)]
            after.append(total + part[0] if parts == 1 else _rows_added(total, *part))
        return after, None

    final = loop.run(going, walked)
    for k, t in zip([*back.carried, *back.summed], final, strict=True):
        if g.needed[k]:
            grads[k] = t
    return grads


def _ragged_vjp(g: Backward) -> Sequence[Tensor | None]:
    condition, body = g.attrs["graphs"]
    back = _Body(body, g, g.inputs[1:], g.needed[1:])
    grads: list[Tensor | None] = [None] * len(g.inputs)
    if not back.carried:
        return grads
    got = ragged.gradient_op(
        *g.inputs[1:],
        *back.first_cts(g),
        *back.more,
        graphs=(condition, body, back.joint),
        carried=tuple(back.carried),
        summed=tuple(back.summed),
        parts=tuple(back.parts),
    )
    found = got if isinstance(got, tuple) else (got,)
    for k, t in zip([*back.carried, *back.summed], found, strict=True):
        if g.needed[k + 1]:
            grads[k + 1] = t
    return grads


def _varying(body: Graph, needed: Sequence[int]) -> set[int]:
    """The numbers of the inputs that a gradient may reach: those needed, and the loop variables
    that come to depend on them."""
    inside = Continued(current(), body)
    records = _records(inside, body)
    found = set(needed)
    while True:
        path = active(records, [inside.tensor(body.inputs[k]) for k in found])
        more = {
            k
            for k, v in enumerate(body.outputs)
            if id(inside.tensor(v)) in path and differentiable(inside.tensor(v))
        }
        if more <= found:
            return found
        found |= more


class _History:
    """The loop variables that the iterations of a loop began with.

    steps: the number of iterations, int64.
    """

    def __init__(
        self,
        condition: Graph,
        body: Graph,
        joint: Graph,
        state: Sequence[Tensor],
        captured: Sequence[Tensor],
        outputs: Sequence[Tensor],
    ) -> None:
        count = len(state)
        self._state = state
        used = {v for n in joint.nodes for v in n.inputs} | set(joint.outputs)
        needed = [k for k in range(count) if joint.inputs[k] in used]
        self._steps_of = counters(body)
        kept = [k for k in needed if k not in self._steps_of]
        self.steps: Tensor = outputs[-1]
        self._stacks: dict[int, Tensor] = {}
        if not kept:
            return
        rows = [product(state[k].spec.shape) for k in kept]
        known = trips(condition, body, [*state, *captured])
        if known is not None and (known.exact or _small(known.length, rows)):
            length = known.length
        else:
            (length,) = run_time.sizes_of(self.steps)
        stacks = [
            empty_op(shape=(length, n), dtype=state[k].dtype)
            for k, n in zip(kept, rows, strict=True)
        ]
        initial = [*state, *stacks]
        loop = Loop("while_loop", initial, Form(None, ()), ["a stack"] * len(initial), None)

        def going(now: Sequence[Tensor]) -> Tensor:
            return called(condition, [*now[:count], *captured])[0]

        def pushed(now: Sequence[Tensor]) -> tuple[list[Tensor], None]:
            at = shaping.reshape(loop.body.iteration(), (1,))
            after = called(body, [*now[:count], *captured])
            for k, stack in zip(kept, now[count:], strict=True):
                row = shaping.reshape(now[k], (1, stack.spec.shape[1]))
                after.append(scatter_rows_op(stack, at, row, kind="update", drop=False))
            return after, None

        found = loop.run(going, pushed)
        node = _maker(found)
        if node is not None:
            extended[node.subgraphs[1]] = body
        self._stacks = dict(zip(kept, found[count:], strict=True))
        self.steps = found[count - 1]

    def before(self, at: Tensor) -> list[Tensor]:
        """The variables that iteration number `at` began with; those that nobody needs as they
        were at first."""
        found = []
        for k, first in enumerate(self._state):
            if k in self._stacks:
                row = indexing.gather(self._stacks[k], at)
                found.append(shaping.reshape(row, first.spec.shape))
            elif k in self._steps_of:
                found.append(first + maths.cast(at, first.dtype) * self._steps_of[k])
            else:
                found.append(first)
        return found


def _maker(tensors: Sequence[Tensor]) -> Node | None:
    """The node that made tensors of a trace."""
    first = tensors[0]
    return first.value.node if isinstance(first, SymbolicTensor) else None


def _small(length: Extent, rows: Sequence[Extent]) -> bool:
    """Whether stacks for so many iterations may be made, though there may be fewer."""
    if isinstance(length, int) and length <= MOST_PIECE:
        return True
    total = length * sum(rows)
    return isinstance(total, int) and total <= SMALL


def _rows_added(total: Tensor, values: Tensor, indices: Tensor) -> Tensor:
    """total, with slices added: in its own memory, where a loop carries it."""
    shape = total.spec.shape
    rows, inner = shape[0], product(shape[1:])
    base = shaping.reshape(total, (rows, inner))
    flat = shaping.reshape(indices, (-1,))
    given = shaping.reshape(values, (flat.spec.shape[0], inner))
    return shaping.reshape(scatter_rows_op(base, flat, given, kind="add", drop=False), shape)


set_gradient("cond", _cond_vjp)
set_gradient("while_loop", _while_vjp)
ragged.set_gradient("ragged_results", _ragged_vjp)
ragged.set_gradient("ragged_choice", _choice_vjp)
