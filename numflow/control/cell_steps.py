"""Finds recurrent cells that Python wrote out step by step, to become the op of a whole sequence
(cell_sequences.py puts it in their place; passes/unrolled_cells.py says when).

    h1 = cell(x[:, 0], h0)                 y, h = cell_steps(x W + b, U, h0)
    h2 = cell(x[:, 1], h1)          ->     h1, h2, .. = rows of y
    ...

One step is the *template*: a value that a product of the same state takes again. What the step
before it shares with it is the same in every step, rows of an array are its inputs, and what is
left is the cell, if cell_kinds.py says so. Every other step must be equal to the template node by
node, with another state and other inputs in the places of its own: so nothing is taken for a step
that does not compute just that. Steps that follow each other, and whose rows do, are a *run*. An
input that is no row is put side by side with those of the other steps, if none depends on their
states.

A step inside of which somebody else reads begins another run, and one whose cell somebody reads
ends one. A cell on top of another takes the rows of its states, so it is found in turn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from numflow import dtypes
from numflow.control.cell_kinds import Cell, cell_of
from numflow.control.cell_ops import Making
from numflow.control.cell_terms import Index, Row, Terms, plain
from numflow.control.cell_values import Slice, Values
from numflow.graph.graph import Graph, Node, Value, constant_op
from numflow.graph.op import Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import joining, linalg
from numflow.ops import math as maths
from numflow.ops.activation import relu_op
from numflow.passes.unrolled_cells import LEAST

_MOST = 200  # nodes of a step
_NEAR = 150  # values between a state and the one before it
_ALONE, _FEW = 12, 32  # steps from which on one sequence of no more units is worth it
_DTYPES = (dtypes.float32, dtypes.float64)
_SIMPLE = (maths.tanh_op, relu_op)
_PROJECTED = (linalg.matmul_op, maths.minimum_op, maths.maximum_op)  # of LSTMs


# --- one step, and others like it --------------------------------------------


class Step(NamedTuple):
    """One step: its states before and behind; by those of the template, its inputs, of what they
    are rows, and its values inside. shared: what it takes as the template does."""

    state: tuple[Value, ...]
    after: tuple[Value, ...]
    taken: dict[Value, Value]
    rows: dict[Value, Slice]
    inside: dict[Value, Value]
    shared: list[Value]


class Run(NamedTuple):
    """Steps that are one op. shared: what all of them take. array: stands for the first output of
    the op until that is made; so do the keys of `stacks` for their values, one of each step."""

    making: Making
    steps: list[Step]
    shared: list[Value]
    array: Value
    stacks: dict[Value, list[Value]]

    @property
    def states(self) -> list[Value]:
        return [s.after[0] for s in self.steps]

    @property
    def first(self) -> Node:
        """What makes the state behind the first step."""
        node = self.steps[0].after[0].node
        assert node is not None
        return node


def alike(
    values: Values,
    state: Sequence[Value],
    after: Sequence[Value],
    v: Value,
    inputs: Collection[Value] = (),
) -> Step | None:
    """The step that gives v, if that does what the one does that leads from state to after.

    inputs: of that one, which may be those of other steps, too.
    """
    twin: dict[Value, Value] = {}
    taken: dict[Value, Value] = {}
    rows: dict[Value, Slice] = {}
    inside: dict[Value, Value] = {}
    shared: list[Value] = []
    first = values.first
    waiting = [(after[0], v, False)]
    while waiting:
        a, b, operand = waiting.pop()
        have = twin.get(a)
        if have is not None:
            if have is not b:
                return None
            continue
        twin[a] = b
        if a in state:
            if a.spec != b.spec:
                return None
            continue
        if a is b and a not in inputs:
            shared.append(a)
            continue
        row = values.slice(a)
        if row is not None:
            other = values.slice(b)
            if other is None or other[:2] != row[:2]:
                return None
            taken[a], rows[a] = b, other
            continue
        m, n = a.node, b.node
        if m is None or n is None:
            if not operand or a.spec != b.spec or a.spec.rank != 2:
                return None
            taken[a] = b  # inputs of the function
            continue
        joined = m.op is joining.concat_op
        if operand and not joined and not _gated(values, m, state):
            if a.spec != b.spec or a.spec.rank != 2:
                return None
            taken[a] = b
            continue
        if a.index != b.index or len(m.inputs) != len(n.inputs) or len(inside) > _MOST:
            return None
        if values.forms.get(m) != values.forms.get(n, -1):
            return None
        inside[a] = b
        operand &= joined
        for k, (x, y) in enumerate(zip(m.inputs, n.inputs, strict=True)):
            multiplied = m.op is linalg.matmul_op and k == 0
            waiting.append((first.get(x, x), first.get(y, y), multiplied or operand))
    if not taken or any(s not in twin for s in state) or any(s not in inside for s in after):
        return None
    before, behind = tuple([twin[s] for s in state]), tuple([inside[s] for s in after])
    return Step(before, behind, taken, rows, inside, shared)


def _gated(values: Values, node: Node, state: Sequence[Value]) -> bool:
    """Whether a node computes what is multiplied by a matrix of the state."""
    if node.op is not maths.multiply_op:
        return False
    for v in values.inputs(node):
        if v in state or (v.node is not None and v.node.op is maths.tanh_op):
            return True  # a reset gate, or what is projected
    return False


class _StepTerms(Terms):
    """Reads a copy of a step, in which rows and states are inputs."""

    def __init__(self, own: Collection[Value], rows: Mapping[Value, Row], trips: int) -> None:
        super().__init__(Graph((), (), ()), 0, {}, trips)
        self._own, self._rows = own, rows

    def fixed(self, v: Value) -> bool:
        return v not in self._own

    def row(self, v: Value) -> Row | None:
        return self._rows.get(plain(v))


def _cell(values: Values, step: Step, rows: Mapping[Value, Row], trips: int) -> Cell | None:
    """The cell that a step is, which is its own template."""
    copies = {v: Value(v.spec, None, 0) for v in (*step.state, *rows)}
    own = set(copies.values())

    def copied(v: Value) -> Value:
        if v not in copies and v in step.inside and v.node is not None:
            node = v.node
            specs = [w.spec for w in node.outputs]
            copy = Node(node.op, tuple(map(copied, values.inputs(node))), node.attrs, specs, None)
            copies.update(zip(node.outputs, copy.outputs, strict=True))
            own.update(copy.outputs)
        return copies.get(v, v)

    after = tuple(map(copied, step.after))
    body = Graph(tuple([copies[v] for v in step.state]), (), after)
    terms = _StepTerms(own, {copies[v]: row for v, row in rows.items()}, trips)
    cell = cell_of(body, terms, len(after))
    return cell if cell is not None and cell.h == 0 else None


# --- all steps ---------------------------------------------------------------


class Search:
    """Finds runs of cells among nodes.

    nodes: in their order; outputs: values that somebody takes besides them. counts: the nodes that
    may not take what is inside of a step.
    """

    def __init__(
        self, nodes: Sequence[Node], outputs: Sequence[Value], counts: Collection[Node]
    ) -> None:
        self.values = Values(nodes, outputs, counts)
        self._places = {n: k for k, n in enumerate(nodes)}
        self._operands = self._states(nodes)
        self._found: set[Value] = set()
        self._tried: set[Value] = set()  # as templates; those that are alike are, too
        self._begins: dict[Value, int] = {}  # by state, where its run does

    def _states(self, nodes: Sequence[Node]) -> set[Value]:
        """What matrices that are used often are multiplied by, and its parts."""
        of = self.values.of
        products: dict[Value, list[Value]] = {}
        for n in nodes:
            if n.op is linalg.matmul_op and n.inputs[1].spec.rank == 2:
                products.setdefault(of(n.inputs[1]), []).append(of(n.inputs[0]))
        found: set[Value] = set()
        waiting = [v for operands in products.values() if len(operands) >= LEAST for v in operands]
        while waiting:
            v = waiting.pop()
            if v not in found:
                found.add(v)
                if v.node is not None and v.node.op in (joining.concat_op, maths.multiply_op):
                    waiting += self.values.inputs(v.node)
        return found

    def runs(self, nodes: Sequence[Node]) -> Iterator[Run]:
        """One after the other; a cell on top of another comes behind it."""
        candidates: dict[tuple[Op, Spec], list[Value]] = {}
        for n in nodes:
            if len(n.outputs) == 1 and self.values.of(n.output) is n.output and self._may(n):
                candidates.setdefault((n.op, n.output.spec), []).append(n.output)
        for n in nodes:
            if len(n.outputs) == 1 and n.output in self._operands:
                alike_in_form = candidates.get((n.op, n.output.spec), ())
                if len(alike_in_form) >= LEAST and self._may(n):
                    yield from self._around(n.output, alike_in_form)

    def _may(self, node: Node) -> bool:
        """Whether a node may give the state of a cell, for what it is itself."""
        spec = node.output.spec
        if spec.rank != 2 or spec.dtype not in _DTYPES or not isinstance(spec.shape[1], int):
            return False
        makers = self._makers(node)
        if node.op in _SIMPLE:
            (x,) = self.values.inputs(node)
            return x.node is not None and self._makers(x.node) != [maths.multiply_op] * 2
        if node.op is maths.multiply_op or node.op in _PROJECTED:
            return len(self._with_cell(node.output)) == 2
        return node.op is maths.add_op and makers == [maths.multiply_op] * 2

    def _makers(self, node: Node) -> list[Op | None]:
        return [None if v.node is None else v.node.op for v in self.values.inputs(node)]

    def _around(self, v: Value, candidates: Sequence[Value]) -> Iterator[Run]:
        """The runs of steps that are like the one that gives v."""
        if v in self._tried:
            return
        after = self._with_cell(v)
        for before in self._before(v):
            state = self._with_cell(before)
            if len(state) != len(after):
                continue
            last = alike(self.values, state, after, before)
            if last is None:
                continue
            taken, own = ({a: a for a in part} for part in (last.taken, last.inside))
            rows = {a: s for a in last.rows if (s := self.values.slice(a)) is not None}
            template = Step(state, after, taken, rows, own, last.shared)
            steps = {v: template}
            for w in candidates:
                if w is not v and w not in self._found:
                    step = alike(self.values, state, after, w, template.taken)
                    if step is not None and _same_parts(step, template):
                        steps[w] = step
            self._tried.update(steps)
            ordered = [steps[w] for w in candidates if w in steps]
            found = False
            for chain in _chains(ordered):
                for part in self._parts(chain):
                    run = self._run(template, part)
                    if run is not None:
                        found = True
                        yield run
            if found:
                return

    def _with_cell(self, h: Value) -> tuple[Value, ...]:
        """h, and the value of which it is the tanh, times something; projected, between bounds."""
        v, of = h, self.values.of
        for _ in range(3):
            if v.node is not None and v.node.op in _PROJECTED:
                x, y = map(of, v.node.inputs)
                bound = v.node.op is not linalg.matmul_op and x.spec != v.spec
                v = y if bound or (x.node is not None and x.node.op is constant_op) else x
        if v.node is not None and v.node.op is maths.multiply_op:
            for x in self.values.inputs(v.node):
                if x.node is not None and x.node.op is maths.tanh_op:
                    return h, of(x.node.inputs[0])
        return (h,)

    def _before(self, v: Value) -> list[Value]:
        """What may be the state before v: the nearest values that are like it."""
        assert v.node is not None
        found: list[Value] = []
        seen = {v}
        waiting = [v]
        for x in waiting:
            if x is not v and x in self._operands and x.node is not None:
                if x.node.op is v.node.op and x.spec == v.spec and self._may(x.node):
                    found.append(x)
            if x.node is None or len(found) == 2:
                continue
            for y in self.values.inputs(x.node):
                if y not in seen and len(seen) < _NEAR:
                    seen.add(y)
                    waiting.append(y)
        return found

    def _parts(self, chain: Sequence[Step]) -> Iterator[list[Step]]:
        """Of steps that follow each other those whose rows do, and inside of which nobody reads.

        Inside of the first somebody may: it is computed once more. (What the step of a first state
        of zeros computes, that of another cell of the same weights does, too.)
        """
        part: list[Step] = []
        for step in chain:
            if part and not (
                self._private(step) and self._ends(part[-1], step) and _follows(part, step)
            ):
                yield part
                part = []
            part.append(step)
        yield part

    def _private(self, step: Step) -> bool:
        """Whether nobody else reads what is inside."""
        nodes, taken = {v.node for v in step.inside.values()}, self.values.taken_by
        inside = [v for v in step.inside.values() if v not in step.after]
        private = all(n in nodes for v in inside for n in taken.get(v, ()))
        return private and nodes.isdisjoint(self.values.awaited)

    def _ends(self, step: Step, after: Step) -> bool:
        """Whether nobody reads the cell behind a step but the next one."""
        nodes = {v.node for s in (step, after) for v in s.inside.values()}
        return all(n in nodes for v in step.after[1:] for n in self.values.taken_by.get(v, ()))

    def _run(self, template: Step, steps: list[Step]) -> Run | None:
        count, (batch, units) = len(steps), steps[0].after[0].spec.shape
        alone = batch == 1 and isinstance(units, int) and units <= _FEW
        if count < (_ALONE if alone else LEAST):
            return None
        rows = {}
        for a, (source, axis, at) in steps[0].rows.items():
            rows[a] = Row(source, axis, Index(steps[1].rows[a][2] - at, at))
        stacks: dict[Value, list[Value]] = {}
        for a in template.taken.keys() - template.rows.keys():
            array = Value(Spec((count, *a.spec.shape), a.spec.dtype), None, 0)
            stacks[array] = [s.taken[a] for s in steps]
            rows[a] = Row(array, 0, Index(1, 0))
        cell = _cell(self.values, template, rows, count)
        if cell is None or not self._known_before(steps, stacks):
            return None
        h = steps[0].after[0].spec
        making = Making(cell, count, h, _nothing)
        if making.long():
            return None
        axis = 0 if making.time_major else 1
        shape = (*h.shape[:axis], count, *h.shape[axis:])
        run = Run(making, steps, template.shared, Value(Spec(shape, h.dtype), None, 0), stacks)
        states = run.states
        self._found.update(states)
        self._begins |= dict.fromkeys(states, self._places[run.first])
        self.values.states_are_rows(states[::-1] if making.reverse else states, run.array, axis)
        return run

    def _known_before(self, steps: Sequence[Step], stacks: Mapping[Value, list[Value]]) -> bool:
        """Whether inputs depend on no state, and may be computed before the first step."""
        if not stacks:
            return True
        first = self._places[steps[0].after[0].node]  # type: ignore[index]
        states = {v for s in steps for v in s.after}
        waiting, seen = [v for part in stacks.values() for v in part], set[Value]()
        while waiting:
            v = waiting.pop()
            if v in states:
                return False
            if v.node is None or v in seen or self._places[v.node] < first:
                continue
            seen.add(v)
            if self._begins.get(v, first) < first:
                continue  # the state of a run that is there by then
            if v.node.op.effect or v.node.subgraphs or v.node.control_inputs:
                return False
            waiting += self.values.inputs(v.node)
        return True


def _nothing(v: Value) -> Tensor:
    raise AssertionError("the op is made later")


def _same_parts(a: Step, b: Step) -> bool:
    same = a.inside.keys() == b.inside.keys() and a.rows.keys() == b.rows.keys()
    return same and a.taken.keys() == b.taken.keys()


def _chains(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Steps that follow each other; they come in the order of their nodes."""
    following: dict[tuple[Value, ...], Step] = {}
    for step in steps:
        following.setdefault(step.state, step)
    used: set[tuple[Value, ...]] = set()
    for step in steps:
        if step.after in used:
            continue
        chain: list[Step] = []
        now: Step | None = step
        while now is not None and now.after not in used:
            used.add(now.after)
            chain.append(now)
            now = following.get(now.after)
        yield chain


def _follows(part: Sequence[Step], step: Step) -> bool:
    """Whether the rows of a step are next to those of the steps before it."""
    last = part[-1]
    moves = {a: s[2] - last.rows[a][2] for a, s in step.rows.items()}
    if len(part) == 1:
        return all(m in (1, -1) for m in moves.values())
    return all(m == last.rows[a][2] - part[-2].rows[a][2] for a, m in moves.items())
