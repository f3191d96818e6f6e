"""Loops that a trace keeps; `while_loop` (while_loop.py) and AutoGraph make them.

The body is traced once, from inputs that stand for the loop variables; the condition from the same.
What they capture are further inputs, the same in every iteration. A variable that the body assigns
is a loop variable too: read before, carried along, assigned behind. So is the number of the
iteration, where somebody asks for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes
from numflow.control import array_buffers
from numflow.control.nested import Nested
from numflow.control.ragged import ragged
from numflow.control.structure import Form
from numflow.errors import DTypeError, ShapeError, explain, user_line
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.op import current, interpreting
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import activation, comparisons, linalg, run_time
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.control import while_op
from numflow.ops.convert import as_tensor
from numflow.shapes import RUN_TIME, Dim, Extent, Shape

# A buffer of as many rows is made for a loop that may end sooner; one of more runs once to be
# counted: a limit of a million is often meant to be never reached.
SHORT = 1024
MOST_PIECE = 256  # iterations of an inner loop at most, see swap_memory in while_loop.py


class _Learned(Exception):
    """The elements of an array have this shape: the loop is to be traced again."""

    def __init__(self, number: int, shape: Shape, dtype: dtypes.DType) -> None:
        super().__init__("the loop is traced again")
        self.number, self.shape, self.dtype = number, shape, dtype


class _Traced(NamedTuple):
    """condition and body; inputs of the node; the variables among the loop variables."""

    graphs: tuple[Graph, Graph]
    inputs: list[Value]
    variables: list[Any]


Condition = Callable[[Sequence[Tensor]], Any]
Body = Callable[[Sequence[Tensor]], "tuple[list[Tensor], Form | None]"]


class Loop:
    """A loop while it is traced.

    initial: the loop variables before the first iteration, in their form; names: of them, for
    messages. most: a tensor, the largest number of iterations; None: any. loose: by number of a
    variable, per axis whether its size may change.
    """

    def __init__(
        self,
        op: str,
        initial: Sequence[Tensor],
        form: Form,
        names: Sequence[str],
        most: Tensor | None,
        loose: Mapping[int, Sequence[bool]] | None = None,
    ) -> None:
        self.op = op
        self._loose = dict(loose or {})
        self.outer: Any = current()
        self.outer_initial, self.form, self.names = list(initial), form, list(names)
        self.most = most
        self._longer: set[int] = set()  # buffers that were made as long as they will ever be
        self._start()

    def _start(self) -> None:
        self.body = Nested(self.outer, f"the body of {self.op}", loop=True)
        self.condition = Nested(self.outer, f"the condition of {self.op}", loop=True)
        self._growing: dict[int, Extent] = {}  # buffers that became longer, and by how much

    def run(self, cond: Condition, body: Body) -> list[Tensor]:
        """The loop variables behind the loop.

        cond, body: take loop variables; body gives (tensors, form), cond a bool scalar. They are
        called again where tracing tells something of TensorArrays.

        Raises:
          ValueError: the body gives another structure.
          ShapeError, DTypeError: it gives a variable another shape or dtype.
        """
        while True:
            try:
                traced = self._traced(cond, body)
            except _Learned as learned:
                self.outer_initial[learned.number] = shaping.zeros(learned.shape, learned.dtype)
                self._start()
                continue
            if not self._growing:
                return self._closed(traced)
            length = self._length(traced)
            for k, more in self._growing.items():
                before = self.outer_initial[k]
                longer = array_buffers.resized(before, before.spec.shape[0] + length * more)
                self.outer_initial[k] = longer
                self._longer.add(k)
            self._start()

    def _traced(self, cond: Condition, body: Body) -> _Traced:
        specs = [self._entering(k, t.spec) for k, t in enumerate(self.outer_initial)]
        inside = [self.body.add_input(s, n) for s, n in zip(specs, self.names, strict=True)]
        for k, t in enumerate(inside):
            if k in self._longer or self._reserved(k):
                array_buffers.reserved(self.body.builder).add(self.body.value(t))
        with interpreting(self.body):
            after, form = body(inside)
            self._check_form(form)
            after = [self._settled(k, x) for k, x in enumerate(after)]
        ahead = [self.condition.add_input(s, n) for s, n in zip(specs, self.names, strict=True)]
        with interpreting(self.condition):
            going = self._scalar(cond(ahead))
            if self.most is not None:
                number = self.condition.iteration()
                most = self.condition.capture(self.most)
                going = selections.logical_and(comparisons.less(number, most), going)
        return self._graphs(
            [self.body.value(t) for t in inside],
            [self.body.value(t) for t in after],
            [self.condition.value(t) for t in ahead],
            self.condition.value(going),
        )

    def _entering(self, k: int, spec: Spec) -> Spec:
        """The spec of a variable inside, with names for the sizes that may change."""
        if k not in self._loose:
            return spec
        builder = self.body.builder
        while builder.around is not None:
            builder = builder.around
        shape: list[Extent] = []
        for n, loose in zip(spec.shape, self._loose[k], strict=True):
            builder.bound += loose
            shape.append(Dim.symbol(f"{RUN_TIME}{builder.bound}") if loose else n)
        return Spec(tuple(shape), spec.dtype)

    def _reserved(self, k: int) -> bool:
        """Whether a buffer of outside is as long as it will ever be."""
        value = self.outer.value(self.outer.capture(self.outer_initial[k]))
        return value in array_buffers.reserved(self.outer.builder)

    def _graphs(
        self, inside: list[Value], after: list[Value], ahead: list[Value], going: Value
    ) -> _Traced:
        """The graphs, variables that the body assigns and the iteration's number included."""
        outer: Any = self.outer
        initial = [outer.value(outer.capture(t)) for t in self.outer_initial]
        variables = list(self.body.written.values())
        for v in variables:
            start = self.body.read_outside(v)
            key = start, id(v)
            initial.append(start)
            inside.append(_taken(self.body, key))
            ahead.append(_taken(self.condition, key))
            with interpreting(self.body):
                after.append(self.body.value(self.body.read(v)))
        # The last loop variable is the number of the iteration: gradients want it. A pass drops it
        # where nobody does.
        initial.append(outer.value(outer.constant(np.zeros((), np.int64))))
        number = self.body.iteration()
        inside.append(self.body.value(number))
        ahead.append(self.condition.value(self.condition.iteration()))
        with interpreting(self.body):
            after.append(self.body.value(number + 1))
        captured = list(dict.fromkeys((*self.body.pairs, *self.condition.pairs)))
        graphs = (
            _graph(self.condition, ahead, captured, [going]),
            _graph(self.body, inside, captured, after),
        )
        return _Traced(graphs, [*initial, *(o for o, _ in captured)], variables)

    def _closed(self, traced: _Traced) -> list[Tensor]:
        """Make the node; assign variables behind it."""
        outer: Any = self.outer
        inputs = [outer.tensor(v) for v in traced.inputs]
        if self._loose:
            loose = [self._loose.get(k, [False] * len(v.spec.shape))
                     for k, v in enumerate(traced.graphs[1].outputs)]  # fmt: skip
            outputs = ragged(traced.graphs, inputs, tuple(map(tuple, loose)))
        else:
            outputs = fused(traced.graphs, inputs) or list(
                outer.apply(while_op, inputs, {"graphs": traced.graphs})
            )
        count = len(self.outer_initial)
        for v, value in zip(traced.variables, outputs[count:], strict=False):
            v.assign(value)
        for k, t in enumerate(outputs[:count]):
            if self._reserved(k):
                array_buffers.reserved(outer.builder).add(outer.value(t))
            elif k in self._longer:
                array_buffers.grown(outer.builder).add(outer.value(t))
        return outputs[:count]

    def _length(self, traced: _Traced) -> Extent:
        """How many iterations there will be at most, so that buffers can be as long."""
        from numflow.control.counting import trips
        from numflow.passes.control_flow import counting_loop

        outer: Any = self.outer
        condition, body = traced.graphs
        known = trips(condition, body, [outer.tensor(v) for v in traced.inputs])
        if known is not None:
            short = isinstance(known.length, int) and known.length <= SHORT
            if known.exact or short:
                return known.length
        # It runs once only to be counted, without the arrays.
        node = Node(while_op, tuple(traced.inputs), {"graphs": traced.graphs},
                    [v.spec for v in body.outputs], user_line())  # fmt: skip
        loop, number = counting_loop(node)
        read = {v for n in loop.subgraphs for m in n.nodes for v in m.inputs}
        grows = [self.names[k] for k in self._growing if body.inputs[k] in read]
        if grows:
            problem = f"{grows[0]} grows, and how often the loop runs depends on its elements"
            raise ShapeError(explain(self.op, problem, fix="an array of known size"))
        outer.builder.nodes.append(loop)
        (length,) = run_time.sizes_of(outer.tensor(number))
        return length

    def _check_form(self, form: Form | None) -> None:
        unlike = "" if form is None else self.form.difference(form)
        if unlike:
            raise ValueError(
                explain(self.op, f"the body gives loop variables of another structure: {unlike}")
            )

    def _settled(self, k: int, x: Tensor) -> Tensor:
        """What the body gives for variable k, if it may be that.

        Raises:
          ShapeError, DTypeError: it has another shape or dtype than before.
        """
        before = self.outer_initial[k].spec
        shown = {"before the loop": before, "after one iteration": x.spec}
        if x.dtype is not before.dtype:
            problem = f"loop variable {self.names[k]} changes its dtype"
            fix = f"nf.cast({self.names[k]}, nf.{before.dtype.name}) in the body"
            raise DTypeError(explain(self.op, problem, shown, fix))
        if k in self._loose and len(x.spec.shape) == len(before.shape):
            have = zip(x.spec.shape, before.shape, self._loose[k], strict=True)
            before = Spec(tuple(m if loose else n for m, n, loose in have), x.dtype)
        if x.spec.shape == before.shape:
            return x
        if array_buffers.is_unset(before.shape):
            raise _Learned(k, (before.shape[0], *x.spec.shape[1:]), x.dtype)
        if self.body.value(x) in array_buffers.grown(self.body.builder):
            self._growing[k] = x.spec.shape[0] - before.shape[0]
            return x
        fits = run_time.fitted(x, before.shape)
        if fits is not None:
            return fits
        problem = f"loop variable {self.names[k]} changes its shape"
        fix = "shape_invariants, with None for each size that changes"
        raise ShapeError(explain(self.op, problem, shown, fix))

    def _scalar(self, going: Any) -> Tensor:
        """The result of the condition as a bool scalar.

        Raises:
          ShapeError, DTypeError: it is none.
        """
        test = as_tensor(going, None, self.op, "cond's result")
        if test.spec.known and test.spec.size == 1:
            test = test[(0,) * test.spec.rank] if test.spec.rank else test
        else:
            problem = "the condition gives no scalar"
            raise ShapeError(explain(self.op, problem, {"condition": test.spec}))
        if not test.dtype.is_bool:
            if test.dtype is dtypes.string:
                problem = "the condition gives text, not a bool"
                raise DTypeError(explain(self.op, problem, {"condition": test.spec}))
            test = comparisons.not_equal(test, as_tensor(0, test.dtype))
        return test


_as_they_are: list[int] = []


@contextmanager
def as_they_are() -> Iterator[None]:
    """No loop that is made here becomes anything else: derivatives of what it would become."""
    _as_they_are.append(threading.get_ident())
    try:
        yield
    finally:
        _as_they_are.remove(threading.get_ident())


def fused(graphs: tuple[Graph, Graph], inputs: Sequence[Tensor]) -> list[Tensor] | None:
    """The loop variables behind a loop of recurrent cells, without the loop; None for another."""
    ops = {n.op for n in graphs[1].nodes}
    if threading.get_ident() in _as_they_are:
        return None
    if linalg.matmul_op not in ops or ops.isdisjoint((maths.tanh_op, activation.relu_op)):
        return None
    from numflow.control import cells  # and the layers' ops: few loops are of cells

    return cells.fused(graphs, inputs)


def _taken(inside: Nested, key: tuple[Value, int]) -> Value:
    """The input that a variable was captured as, which becomes a loop variable."""
    found = inside.pairs.pop(key, None)
    return Value(key[0].spec, None, 0) if found is None else found


def _graph(
    inside: Nested,
    state: Sequence[Value],
    captured: Sequence[tuple[Value, int | None]],
    outputs: Sequence[Value],
) -> Graph:
    rest = [inside.pairs.get(k) or Value(k[0].spec, None, 0, k[0].name) for k in captured]
    return inside.freeze([*state, *rest], outputs)
