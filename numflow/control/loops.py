"""Loops that a trace keeps: `while_loop`.

The body is traced once, from inputs that stand for the loop variables; the condition from the same.
What they capture are further inputs, the same in every iteration. A variable that the body assigns
is a loop variable too: read before, carried along, assigned behind. So is the number of the
iteration, where somebody asks for it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes, nest
from numflow.control import array_buffers
from numflow.control.nested import Nested
from numflow.control.ragged import ragged
from numflow.control.structure import Form, taken_apart
from numflow.errors import DTypeError, ShapeError, explain, user_line
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.op import current, interpreting
from numflow.graph.operation import building
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import activation, comparisons, linalg, plain, run_time
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.control import while_op
from numflow.ops.convert import as_tensor
from numflow.shapes import RUN_TIME, Dim, Extent, Shape
from numflow.tensor_shape import TensorShape


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


# --- public ------------------------------------------------------------------


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:
    """loop_vars = body(*loop_vars), as long as cond(*loop_vars).

    In a traced function body and cond are traced, once; eagerly it is Python's `while`.

    Args:
      cond: takes the loop variables, gives a bool scalar.
      body: takes them, gives them again: of the same structure, dtypes and shapes.
      loop_vars: a list or tuple of tensors, numbers, TensorArrays, and structures of these.
      shape_invariants: a structure like loop_vars of shapes, with None where a size changes from
        iteration to iteration.
      parallel_iterations: without effect.
      swap_memory: for gradients of long loops keep the loop variables of every PIECE-th iteration
        only, and run the iterations between twice: n / PIECE + PIECE copies of them in place of n
        (with maximum_iterations about 2 sqrt(n)).
      back_prop: False lets no gradient through.
      maximum_iterations: an integer; the loop ends after so many.

    Returns:
      The loop variables behind the last iteration, in their structure.

    Raises:
      TypeError: cond or body is no function.
      ValueError: there are no loop variables; body gives another structure.
      ShapeError, DTypeError: a loop variable changes its shape or dtype.

    Example:
      >>> @nf.function
      ... def root(x):
      ...     def newton(k, y):
      ...         return k + 1, 0.5 * (y + x / y)
      ...     return nf.while_loop(lambda k, y: k < 6, newton, [0, x])[1]
      >>> round(float(root(2.0)), 5)
      1.41421
    """
    for argument, function in (("cond", cond), ("body", body)):
        if not callable(function):
            raise TypeError(f"while_loop: '{argument}' must be callable.")
    if (
        parallel_iterations is not None
        and plain.whole(parallel_iterations, "while_loop", "parallel_iterations") < 1
    ):
        raise TypeError("while_loop: 'parallel_iterations' must be a positive integer.")
    if not nest.is_nested(loop_vars):
        loop_vars = [loop_vars]
    variables = loop_vars
    if len(variables) == 0:
        raise ValueError("while_loop: 'loop_vars' must be provided.")
    most = _most(maximum_iterations)
    if building() is None:
        return _eagerly(cond, body, variables, most)
    if swap_memory and back_prop and shape_invariants is None:
        return _in_pieces(cond, body, variables, maximum_iterations)
    initial, form = taken_apart(variables, name="while_loop")
    names = [f"loop_vars{p}" for p in form.paths]
    loose = _invariants(shape_invariants, variables, initial, names)
    loop = Loop("while_loop", initial, form, names, most, loose)

    def traced_body(tensors: Sequence[Tensor]) -> tuple[list[Tensor], Form]:
        given = form.packed(tensors)
        got = body(*_positional(given))

        def convert(x: Any, k: int) -> Tensor:
            numeric = isinstance(x, bool | int | float)
            want = tensors[k].dtype if numeric and k < len(tensors) else None
            return as_tensor(x, want, "while_loop", "what the body gives")

        return taken_apart(_like(variables, got), convert, "while_loop")

    outputs = loop.run(lambda ts: cond(*_positional(form.packed(ts))), traced_body)
    if not back_prop:
        from numflow.ops.shape import stop_gradient

        outputs = [stop_gradient(t) for t in outputs]
    return form.packed(outputs)


# A buffer of as many rows is made for a loop that may end sooner; one of more runs once to be
# counted: a limit of a million is often meant to be never reached.
SHORT = 1024
PIECE = 100  # iterations between two that are kept, see swap_memory
MOST_PIECE = 256


def _in_pieces(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, most: Any
) -> Any:
    """The loop as a loop of loops of some iterations each: of the inner ones the gradient keeps
    nothing but while it walks back through them.

    Source: Griewank & Walther 2008, "Evaluating Derivatives", section 12.2.
    """
    length = PIECE
    if isinstance(most, int):
        length = min(max(1, math.isqrt(max(most - 1, 0)) + 1), MOST_PIECE)
    limit = None if most is None else _most(most)

    def going(now: Any, done: Any) -> Any:
        test = cond(*_positional(now))
        return test if limit is None else selections.logical_and(done < limit, test)

    def inner(now: Any, done: Any) -> Any:
        def step(k: Any, now: Any, done: Any) -> Any:
            return k + 1, _like(loop_vars, body(*_positional(now))), done + 1

        def more(k: Any, now: Any, done: Any) -> Any:
            return selections.logical_and(k < length, going(now, done))

        return while_loop(more, step, (0, now, done))[1:]

    start = as_tensor(0, dtypes.int64)
    return while_loop(going, inner, (loop_vars, start))[0]


def _invariants(
    given: Any, loop_vars: Any, initial: Sequence[Tensor], names: Sequence[str]
) -> dict[int, list[bool]]:
    """By number of a loop variable, per axis whether the invariants leave its size open.

    Raises:
      ValueError: they have another structure, or one does not fit its variable.
    """
    if given is None:
        return {}
    shapes = nest.flatten(given)
    leaves = nest.flatten(loop_vars)
    if len(shapes) != len(leaves):
        problem = f"{len(leaves)} loop variables have {len(shapes)} shape_invariants"
        raise ValueError(explain("while_loop", problem, fix="a nf.TensorShape for each"))
    found: dict[int, list[bool]] = {}
    k = 0
    for shape, leaf in zip(shapes, leaves, strict=True):
        tensors = len(taken_apart([leaf])[0])
        if tensors == 1 and shape is not None and not hasattr(leaf, "_opened"):
            wanted = TensorShape(getattr(shape, "shape", shape))
            have = initial[k].spec.shape
            if wanted.dims is not None:
                if not wanted.is_compatible_with(TensorShape(have)):
                    shown = {"variable": initial[k].spec, "invariant": wanted}
                    problem = f"the shape invariant of {names[k]} is not compatible with it"
                    raise ShapeError(explain("while_loop", problem, shown))
                sizes = [getattr(d, "value", d) for d in wanted.dims]
                if None in sizes:
                    found[k] = [n is None for n in sizes]
        k += tensors
    return found


def _positional(loop_vars: Any) -> Sequence[Any]:
    """The loop variables as arguments."""
    return list(loop_vars.values()) if isinstance(loop_vars, dict) else loop_vars


def _like(loop_vars: Any, got: Any) -> Any:
    """What a body gave, in the container of the loop variables."""
    if isinstance(loop_vars, dict):
        values = got if isinstance(got, dict) else dict(zip(loop_vars, got, strict=False))
        return values
    if not isinstance(got, list | tuple) or (
        len(loop_vars) == 1 and nest.is_nested(loop_vars[0]) and not _holds(got, loop_vars)
    ):
        got = [got]
    return list(got) if type(loop_vars) is list else got if hasattr(got, "_fields") else tuple(got)


def _holds(got: Any, loop_vars: Any) -> bool:
    """Whether got is the loop variables rather than the only one of them."""
    try:
        nest.assert_same_structure(list(loop_vars), list(got), check_types=False)
    except (ValueError, TypeError):
        return False
    return True


def _most(maximum_iterations: Any) -> Tensor | None:
    """maximum_iterations as an int64 scalar.

    Raises:
      ValueError: it is no integer scalar.
    """
    if maximum_iterations is None:
        return None
    most = as_tensor(maximum_iterations, None, "while_loop", "maximum_iterations")
    if most.spec.shape != () or not most.dtype.is_integer:
        shown = {"maximum_iterations": most.spec}
        raise ShapeError(
            explain("while_loop", "maximum_iterations must be an integer scalar", shown)
        )
    return maths.cast(most, dtypes.int64)


def _eagerly(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, most: Tensor | None
) -> Any:
    tensors, form = taken_apart(loop_vars, name="while_loop")
    now = form.packed(tensors)
    left = -1 if most is None else max(0, int(most))
    while left != 0 and bool(cond(*_positional(now))):
        kinds = [t.dtype for t in tensors]

        def convert(x: Any, k: int, kinds: Sequence[dtypes.DType] = kinds) -> Tensor:
            numeric = isinstance(x, bool | int | float)
            want = kinds[k] if numeric and k < len(kinds) else None
            return as_tensor(x, want, "while_loop", "what the body gives")

        tensors, after = taken_apart(
            _like(loop_vars, body(*_positional(now))), convert, "while_loop"
        )
        unlike = form.difference(after)
        if unlike:
            problem = f"the body gives loop variables of another structure: {unlike}"
            raise ValueError(explain("while_loop", problem))
        now = form.packed(tensors)
        left -= 1
    return now
