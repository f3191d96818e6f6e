"""Puts the op of a whole sequence in the place of steps that Python wrote out (cell_steps.py).

In a graph that is compiled the op stands in front of the first of the steps, and who takes a state
takes a row of what it gives. The steps stay, and nobody needs them.

Where gradients are asked for, the op is appended to the trace or to the finished graph, and the
records say that the states come of it. What other nodes take, they go on taking, and so do gradient
rules of users, which may hold any value. When all is compiled the pass puts in front what it finds,
which is the same node as the one appended: one of them goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from numflow.control.cell_steps import Run, Search, Step
from numflow.control.cell_values import Values
from numflow.errors import GraphError, explain
from numflow.gradient.vjp import Record
from numflow.graph.building import Building, Rebuilding, with_inputs
from numflow.graph.graph import Graph, GraphBuilder, Node, Value
from numflow.graph.op import interpreting
from numflow.graph.scopes import here
from numflow.graph.tensor import Tensor
from numflow.ops import joining, rearrange
from numflow.ops import shape as shaping
from numflow.passes.dead_code import dead_code
from numflow.passes.unrolled_cells import Finder, Put, worth

SCOPE = "steps_of_cells/"  # of the nodes that are made; explain() looks for it


def _made(
    values: Values, run: Run, known: Callable[[Value], Tensor], arrays: dict[Value, Tensor]
) -> dict[Value, Tensor]:
    """The tensors that stand for the states of a run, the last cell, and stacks of all states.

    known: the tensor for a value of the graph. arrays: what runs before gave; this one's is added.
    """
    making, steps, states = run.making, run.steps, run.states
    for array, parts in run.stacks.items():
        arrays[array] = joining.stack([known(v) for v in parts], 0)
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
        search = Search(live, graph.outputs, set(live))
        runs: dict[Node, list[Run]] = {}
        for run in search.runs(live):
            runs.setdefault(run.first, []).append(run)
        if not runs:
            return graph
        building = _continued(graph, ())
        nodes = building.builder.nodes
        new: dict[Value, Value] = {}
        moved: dict[Node, Node] = {}
        arrays: dict[Value, Tensor] = {}
        there: set[Node] = set()
        places = {n: k for k, n in enumerate(graph.nodes)}

        def add(node: Node) -> None:
            there.add(node)
            copy = with_inputs(node, new, moved) if new else node
            nodes.append(copy)
            if copy is not node:
                moved[node] = copy
                for v, w in zip(node.outputs, copy.outputs, strict=True):
                    new.setdefault(v, w)

        for node in graph.nodes:
            for run in runs.get(node, ()):
                for before in sorted(_awaited(run, there, new), key=places.__getitem__):
                    add(before)
                building.builder.line, building.scope = node.line, f"{node.scope}{SCOPE}"
                with interpreting(building):
                    made = _made(
                        search.values, run, lambda v: building.tensor(new.get(v, v)), arrays
                    )
                for v, t in made.items():
                    new.update(dict.fromkeys(search.values.alike(v), building.value(t)))
            if node not in there:
                add(node)
        return building.builder.freeze([new.get(v, v) for v in graph.outputs])

    def extended(self, graph: Graph, live: Sequence[Node]) -> tuple[Graph, Put] | None:
        """The graph with the op of each run behind all else, and what puts them into records."""
        search = Search(live, graph.outputs, set(live))
        building = _continued(graph, graph.nodes)
        arrays: dict[Value, Tensor] = {}
        parts: list[_Part] = []
        for run in search.runs(live):
            building.builder.line, building.scope = run.first.line, f"{run.first.scope}{SCOPE}"
            with interpreting(building):
                parts.append(_part(search.values, run, building, building.tensor, arrays))
        return (building.builder.freeze(graph.outputs), partial(_put, parts)) if parts else None

    def records(
        self,
        records: Sequence[Record],
        building: Building,
        ends: Collection[int],
        targets: Collection[int],
        active: Collection[int] | None,
    ) -> Sequence[Record]:
        """The records with those of the ops in the place of those of the steps.

        ends: ids of tensors that gradients are wanted of, or that stop them. targets: of those that
        are differentiated. active: of those that a tape watches; None: of all.

        Raises:
          GraphError: a gradient is wanted of what is inside of a run, and one was taken already.
        """
        builder = building.builder
        known: _Known | None = builder.made.get(SCOPE)
        if known is None or worth((n.op, n.inputs) for n in builder.nodes[known.seen :]):
            known = builder.made[SCOPE] = _Known(builder, targets)
        values, tensor = known.search.values, building.tensor
        instead: dict[int, list[Node]] = builder.made.setdefault((SCOPE, "instead"), {})
        if active is None:
            _check_order(builder, [n for t in ends for n in instead.get(t, ())], targets)
        parts, gone = list[_Part](), set[Value]()
        for k, run in enumerate(known.runs):
            made = not known.arrays_of(run) & gone
            if not made or not _may_go(values, run, tensor, ends, targets, active):
                gone.add(run.array)
                continue
            if k not in known.parts:
                with _at(building, run.first):
                    part = known.parts[k] = _part(values, run, building, tensor, known.arrays)
                for v in _hidden(values, run):
                    instead |= {id(tensor(w)): part.nodes for w in values.alike(v)}
            parts.append(known.parts[k])
        known.seen = len(builder.nodes)
        return _put(parts, records, building.tensor)


class _Known:
    """What was found in a trace that goes on, and the ops that were appended: a tape may be asked
    for many gradients. seen: the nodes that there were."""

    def __init__(self, builder: GraphBuilder, targets: Collection[int]) -> None:
        nodes = list(builder.nodes)
        outputs = [v for n in nodes for v in n.outputs if id(v.tensor) in targets]
        live = dead_code(Graph((), tuple(nodes), tuple(outputs))).nodes  # so far
        self.search = Search(nodes, (), set(live))
        self.runs = list(self.search.runs(nodes))
        self.parts: dict[int, _Part] = {}
        self.arrays: dict[Value, Tensor] = {}
        self.seen = len(nodes)
        self._made = {run.array for run in self.runs}

    def arrays_of(self, run: Run) -> set[Value]:
        """The runs whose states a run takes, by their arrays."""
        return self._made & {array for array, _, _ in run.steps[0].rows.values()}


def _awaited(run: Run, there: Collection[Node], new: Mapping[Value, Value]) -> set[Node]:
    """The nodes that make inputs of a run and are not there yet."""
    waiting = [v for part in run.stacks.values() for v in part]
    found: set[Node] = set()
    while waiting:
        v = waiting.pop()
        if v not in new and v.node is not None and v.node not in there and v.node not in found:
            found.add(v.node)
            waiting += v.node.inputs
    return found


def _continued(graph: Graph, nodes: Sequence[Node]) -> Rebuilding:
    """An interpreter that goes on behind these nodes of the graph."""
    builder = GraphBuilder(graph.name)
    builder.inputs, builder.captures = list(graph.inputs), dict(graph.captures)
    builder.nodes = list(nodes)
    return Rebuilding(builder, lambda node, inputs: None, False, None)


class _Part(NamedTuple):
    """The op of a run: its nodes, pairs of their values and those that they stand for, and what is
    put side by side for it."""

    nodes: list[Node]
    links: list[tuple[Value, Value]]
    inputs: list[Value]


def _part(
    values: Values,
    run: Run,
    building: Building,
    known: Callable[[Value], Tensor],
    arrays: dict[Value, Tensor],
) -> _Part:
    """Append the op of a run to what is being built."""
    start = len(building.builder.nodes)
    made = _made(values, run, known, arrays)
    links = [(building.value(t), w) for v, t in made.items() for w in values.alike(v)]
    inputs = [v for part in run.stacks.values() for v in part]
    return _Part(building.builder.nodes[start:], links, inputs)


class _Putting:
    """Puts the ops of runs into records: each where its first state is recorded, behind all that
    its inputs come of."""

    def __init__(
        self,
        parts: Sequence[_Part],
        records: Sequence[Record],
        tensor: Callable[[Value], Tensor],
    ) -> None:
        self.parts, self.records, self.tensor = parts, records, tensor
        comes = {id(tensor(w)): k for k, part in enumerate(parts) for _, w in part.links}
        # by number of a record, of which run its states are
        self.states = {
            k: comes[id(y)] for k, r in enumerate(records) for y in r.outputs if id(y) in comes
        }
        there = set(self.states.values())
        own = {id(tensor(v)) for k in there for n in parts[k].nodes for v in n.outputs}
        self.own = {k for k, r in enumerate(records) if any(id(y) in own for y in r.outputs)}
        # by id of a tensor, the number of its record
        self.makers = {id(y): k for k, r in enumerate(records) for y in r.outputs}
        self.found: list[Record] = []
        self.done: set[int] = set()  # of records
        self.put: set[int] = set()  # of parts

    def all(self) -> list[Record]:
        """The records, in an order in which each stands behind those of its inputs."""
        for k in range(len(self.records)):
            self._take(k)
        return self.found

    def _take(self, k: int) -> None:
        """Take a record over, or the op in its place."""
        if k in self.done or k in self.own:
            return
        self.done.add(k)
        if k not in self.states:
            self.found.append(self.records[k])
        elif self.states[k] not in self.put:
            part = self.parts[self.states[k]]
            self.put.add(self.states[k])
            for before in self._before(part):
                self._take(before)
            self.found += self._records(part)

    def _before(self, part: _Part) -> list[int]:
        """The records that the inputs of an op come of, and that are not there yet."""
        waiting = [self.tensor(v) for v in part.inputs]
        found: set[int] = set()
        while waiting:
            k = self.makers.get(id(waiting.pop()))
            if k is not None and k not in self.done and k not in found:
                found.add(k)
                if k not in self.states:
                    waiting += self.records[k].inputs
        return sorted(found)

    def _records(self, part: _Part) -> Iterator[Record]:
        tensor = self.tensor
        for n in part.nodes:
            if n.outputs:
                inputs, outputs = tuple(map(tensor, n.inputs)), tuple(map(tensor, n.outputs))
                yield Record(n.op, inputs, outputs, n.attrs, n.line)
        for v, w in part.links:
            if id(tensor(w)) not in self.makers:
                continue  # a stack that the tape has not seen
            yield Record(shaping.identity_op, (tensor(v),), (tensor(w),), {})


def _put(
    parts: Sequence[_Part], records: Sequence[Record], tensor: Callable[[Value], Tensor]
) -> Sequence[Record]:
    return _Putting(parts, records, tensor).all() if parts else records


def _may_go(
    values: Values,
    run: Run,
    tensor: Callable[[Value], Tensor],
    ends: Collection[int],
    targets: Collection[int],
    active: Collection[int] | None,
) -> bool:
    """Whether gradients need nothing that is inside of a run, and a tape has seen it as a whole.

    What it has not seen is constant. The op takes the first of equal values, so a tape must have
    seen all of them, or none.
    """
    states = {*run.states, run.steps[-1].after[-1]}
    inside = {v for step in run.steps for v in step.inside.values()}
    hidden = _hidden(values, run)
    for v in hidden:
        ids = {id(tensor(w)) for w in values.alike(v)}
        if not ids.isdisjoint(ends):
            return False
        if v in inside and v not in states and not ids.isdisjoint(targets):
            return False
    if active is None:
        return True
    for v in hidden:
        if v.node is not None and id(tensor(v)) not in active:
            if any(id(tensor(x)) in active for x in v.node.inputs):
                return False
    outside = {*run.shared, *run.steps[0].state}.union(*run.stacks.values())
    outside.update(source for source, _, _ in run.steps[0].rows.values())
    return all(
        len({id(tensor(w)) in active for w in values.alike(v)}) == 1
        for v in hidden | outside - values.arrays
    )


def _hidden(values: Values, run: Run) -> set[Value]:
    """What is inside of a run, and what leads to it from arrays."""
    inside = {v for step in run.steps for v in step.inside.values()}
    return inside.union(*(_ways(values, step) for step in run.steps))


def _check_order(builder: GraphBuilder, nodes: Sequence[Node], targets: Collection[int]) -> None:
    """See to it that targets depend on none of these, which came in the place of other nodes.

    Raises:
      GraphError: one does.
    """
    there = {v for n in nodes for v in n.outputs}
    for node in builder.nodes if there else ():
        if not there.isdisjoint(node.inputs):
            there.update(node.outputs)
    if any(id(v.tensor) in targets for v in there):
        raise GraphError(
            explain(
                "gradients",
                "a second derivative by what is inside of steps of a recurrent cell",
                fix="two tapes, the outer one around the first gradient",
            )
        )


def _ways(values: Values, step: Step) -> Iterator[Value]:
    """What leads from arrays to the inputs of a step, these included."""
    for a, v in step.taken.items():
        if a not in step.rows:
            continue
        while v is not step.rows[a][0] and v.node is not None and v not in values.states:
            yield v
            v = values.of(v.node.inputs[0])


@contextmanager
def _at(building: Building, node: Node) -> Iterator[None]:
    """Nodes that are made now belong to the line and the scope of this one."""
    builder, place = building.builder, here()
    before = builder.line, place.scope
    builder.line, place.scope = node.line, f"{node.scope}{SCOPE}"
    try:
        with interpreting(building):
            yield
    finally:
        builder.line, place.scope = before
