"""Puts the op of a whole sequence in the place of steps that Python wrote out (unrolled.py).

In a finished graph the op stands in front of the first of the steps, and who takes a state takes a
row of what it gives. The steps stay, and nobody needs them: gradient rules of users may.

Where a tape asks for gradients while the trace goes on, the op is appended to it, and the records
say that the states come of it. What other nodes took, they go on taking; when the trace is done,
the pass puts in front what it finds there, which is the same node as the one appended.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from numflow.control.unrolled import Run, Search, Step, Values
from numflow.gradient.vjp import Record
from numflow.graph.building import Building, Rebuilding, with_inputs
from numflow.graph.graph import Graph, GraphBuilder, Node, Value
from numflow.graph.op import interpreting
from numflow.graph.scopes import here
from numflow.graph.tensor import Tensor
from numflow.ops import joining, rearrange
from numflow.ops import shape as shaping
from numflow.passes.unrolled_cells import Finder

SCOPE = "steps_of_cells/"  # of the nodes that are made; explain() looks for it


def _made(
    values: Values, run: Run, known: Callable[[Value], Tensor], arrays: dict[Value, Tensor]
) -> dict[Value, Tensor]:
    """The tensors that stand for the states of a run, the last cell, and stacks of all states.

    known: the tensor for a value of the graph. arrays: what runs before gave; this one's is added.
    """
    making, steps, states = run.making, run.steps, run.states
    making.outside = lambda v: arrays[v] if v in arrays else known(v)
    y, *last = making.run(list(map(making.outside, steps[0].state)))
    arrays[run.array] = y
    axis = 0 if making.time_major else 1
    rows = joining.rows(y, axis)
    found: dict[Value, Tensor] = dict(
        zip(states, rows[::-1] if making.reverse else rows, strict=True)
    )
    found |= dict(zip(steps[-1].after, last, strict=True))
    for v, across, backwards, flat in _stacks(values, states):
        made = y if across == axis else shaping.transpose(y, [1, 0, 2])
        made = made if backwards == making.reverse else rearrange.reverse(made, [across])
        found[v] = shaping.reshape_op(made, shape=v.spec.shape) if flat else made
    return found


def _stacks(values: Values, states: Sequence[Value]) -> Iterator[tuple[Value, int, bool, bool]]:
    """Who puts all states side by side: the value, along which axis, whether the last is first,
    and whether there is no axis for them."""
    orders = {tuple(states): False, tuple(states[::-1]): True}
    for taker in values.taken_by.get(states[0], ()):
        if taker is None or taker in values.awaited:
            continue
        if taker.op is joining.concat_op:
            backwards = orders.get(tuple(values.inputs(taker)))
            if backwards is not None:
                yield taker.output, taker.attrs["axis"], backwards, True
        if taker.op is not shaping.reshape_op:
            continue
        for stack in values.taken_by.get(taker.output, ()):
            if stack is None or stack.op is not joining.concat_op or stack.attrs["axis"] > 1:
                continue
            axis, shape = stack.attrs["axis"], list(states[0].spec.shape)
            shape.insert(axis, 1)
            backwards = orders.get(tuple(_reshaped(values, stack, tuple(shape))))
            if backwards is not None:
                yield stack.output, axis, backwards, False


def _reshaped(values: Values, stack: Node, shape: tuple[object, ...]) -> Iterator[Value]:
    """What the inputs of a stack are, reshaped to this."""
    for v in values.inputs(stack):
        if v.node is None or v.node.op is not shaping.reshape_op or v.spec.shape != shape:
            return
        yield values.of(v.node.inputs[0])


class Replacing(Finder):
    """See passes/unrolled_cells.py."""

    def rewritten(self, graph: Graph, live: Sequence[Node]) -> Graph:
        """The graph with the op of each run in front of its first step.

        live: the nodes that somebody needs: only those count.
        """
        search = Search(live, graph.outputs)
        runs: dict[Node, list[Run]] = {}
        for run in search.runs(live):
            first = run.states[0].node
            assert first is not None
            runs.setdefault(first, []).append(run)
        if not runs:
            return graph
        builder = GraphBuilder(graph.name)
        builder.inputs, builder.captures = list(graph.inputs), dict(graph.captures)
        building = Rebuilding(builder, lambda node, inputs: None, False, None)
        new: dict[Value, Value] = {}
        moved: dict[Node, Node] = {}
        arrays: dict[Value, Tensor] = {}
        for node in graph.nodes:
            for run in runs.get(node, ()):
                builder.line, building.scope = node.line, f"{node.scope}{SCOPE}"
                with interpreting(building):
                    made = _made(
                        search.values, run, lambda v: building.tensor(new.get(v, v)), arrays
                    )
                for v, t in made.items():
                    new.update(dict.fromkeys(search.values.alike(v), building.value(t)))
            copy = with_inputs(node, new, moved) if new else node
            builder.nodes.append(copy)
            if copy is not node:
                moved[node] = copy
                for v, w in zip(node.outputs, copy.outputs, strict=True):
                    new.setdefault(v, w)
        return builder.freeze([new.get(v, v) for v in graph.outputs])

    def records(
        self,
        records: Sequence[Record],
        building: Building,
        ends: Collection[int],
        targets: Collection[int],
        active: Collection[int],
    ) -> Sequence[Record]:
        """The records with those of the ops in the place of those of the steps.

        ends: ids of tensors that gradients are wanted of, or that stop them. targets: of those that
        are differentiated. active: of those that a tape watches.
        """
        nodes, inputs = list(building.builder.nodes), set(building.builder.inputs)
        search = Search(nodes, ())
        recorded = {id(y) for r in records for y in r.outputs}
        arrays: dict[Value, Tensor] = {}
        come: dict[int, int] = {}  # by id of a tensor, of which run it comes
        made_of: list[list[Record]] = []
        for run in search.runs(nodes):
            if not _may_go(search.values, run, building.tensor, ends, targets, recorded, active):
                continue
            if any(v.node is None and v not in inputs and v not in arrays for v in _sources(run)):
                continue  # the states of a run that may not go
            start = len(building.builder.nodes)
            with _at(building, run.states[0].node):
                made = _made(search.values, run, building.tensor, arrays)
            parts = [_record(building, n) for n in building.builder.nodes[start:] if n.outputs]
            made_of.append([*parts, *_links(search.values, building, made)])
            for v in made:
                for w in search.values.alike(v):
                    come[id(building.tensor(w))] = len(made_of) - 1
        if not made_of:
            return records
        found: list[Record] = []
        put: set[int] = set()
        for record in records:
            numbers = [come[id(y)] for y in record.outputs if id(y) in come]
            for number in numbers:
                if number not in put:
                    put.add(number)
                    found += made_of[number]
            if not numbers:
                found.append(record)
        return found


def _record(building: Building, node: Node) -> Record:
    inputs, outputs = (tuple(map(building.tensor, v)) for v in (node.inputs, node.outputs))
    return Record(node.op, inputs, outputs, node.attrs, node.line)


def _links(values: Values, building: Building, made: Mapping[Value, Tensor]) -> Iterator[Record]:
    """Records that say what values come of."""
    for v, t in made.items():
        for w in values.alike(v):
            yield Record(shaping.identity_op, (t,), (building.tensor(w),), {})


def _sources(run: Run) -> set[Value]:
    """The arrays whose rows a run takes."""
    return {array for array, _, _ in run.steps[0].rows.values()}


def _may_go(
    values: Values,
    run: Run,
    tensor: Callable[[Value], Tensor],
    ends: Collection[int],
    targets: Collection[int],
    recorded: Collection[int],
    active: Collection[int],
) -> bool:
    """Whether gradients need nothing that is inside of a run, and it is recorded as a whole."""
    states = {*run.states, run.steps[-1].after[-1]}
    last: set[Value] = set()
    for step in run.steps:
        for v in (*step.inside.values(), *_ways(values, step)):
            if v in last:
                continue
            last.add(v)
            known = id(tensor(v)) in recorded
            for w in values.alike(v):
                t = id(tensor(w))
                if t in ends or (t in targets and v in step.inside.values() and v not in states):
                    return False
                if (t in recorded) != known:
                    return False
            if not known and v.node is not None:
                if any(id(tensor(x)) in active for x in v.node.inputs):
                    return False
    for v in (*run.shared, *run.steps[0].state):  # what stands for all of them has their gradient
        known = id(tensor(v)) in recorded
        if any((id(tensor(w)) in recorded) != known for w in values.alike(v)):
            return False
    return True


def _ways(values: Values, step: Step) -> Iterator[Value]:
    """What leads from arrays to the inputs of a step, these included."""
    for a, v in step.taken.items():
        while v is not step.rows[a][0] and v.node is not None and v not in values.states:
            yield v
            v = values.of(v.node.inputs[0])


@contextmanager
def _at(building: Building, node: Node | None) -> Iterator[None]:
    """Nodes that are made now belong to the line and the scope of this one."""
    builder, place = building.builder, here()
    before = builder.line, place.scope
    assert node is not None
    builder.line, place.scope = node.line, f"{node.scope}{SCOPE}"
    try:
        with interpreting(building):
            yield
    finally:
        builder.line, place.scope = before
