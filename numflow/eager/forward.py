"""ForwardAccumulator: directional derivatives, computed along with the ops.

An op has one derivative rule, that of reverse mode (`Op.vjp`). It is linear in the cotangents, so
reverse mode applied to the rule itself gives the other direction: with g = vjp(u), the tangent of
the outputs is the gradient of <g, tangent of the inputs> for u. So every op that has a gradient has
a tangent, compiled calls and users' own gradients too.

Source: J. Townsend 2017, "A new trick for calculating Jacobian vector products".

Eagerly an op is pushed forward as it runs: after the tapes have recorded it, outer accumulators
first; what an accumulator computes is seen by tapes and outer accumulators, not by inner ones. In a
trace an accumulator reads the builder's nodes when it is left, or asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numflow import nest
from numflow.eager.apply import tapes
from numflow.eager.tape import GradientTape, warn_of_dtype
from numflow.errors import GraphError, ShapeError, UnimplementedError, at_line, explain
from numflow.gradient.unconnected import UnconnectedGradients, unconnected_kind
from numflow.gradient.vjp import Record, differentiable
from numflow.graph.building import keep_watched
from numflow.graph.op import Backward, observers
from numflow.graph.tensor import Tensor
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.trace.tracer import Capturing, tracing


class ForwardAccumulator:
    """Computes Jacobian-vector products of what happens inside `with`.

    Args:
      primals: the inputs: a tensor or variable, or a structure of them.
      tangents: the direction: for each of them a tensor of its shape and dtype.

    Raises:
      ValueError: a primal is named twice; the structures or shapes differ.

    Example:
      >>> x = nf.constant([2.0, 3.0])
      >>> with nf.autodiff.ForwardAccumulator(x, nf.constant([1.0, 0.0])) as acc:
      ...     y = nf.reduce_sum(x**2)
      >>> acc.jvp(y).numpy().item()
      4.0
    """

    def __init__(self, primals: Any, tangents: Any) -> None:
        self._interpreter: Capturing | None = tracing()
        self._recording = False
        self._busy = False  # computing tangents: itself, or one that it is inside of
        self._cursor = 0
        self._skipped: list[tuple[int, int]] = []  # nodes that accumulators around it added
        self._known: dict[int, tuple[Tensor, Any]] = {}  # by id of a tensor: it, its tangent
        self._variables: dict[int, tuple[Any, Tensor]] = {}  # the same of variables
        sources, directions = nest.flatten(primals), nest.flatten(tangents)
        if len(sources) != len(directions):
            problem = f"{len(sources)} primals have {len(directions)} tangents"
            raise ValueError(explain("ForwardAccumulator", problem))
        for x, t in zip(sources, directions, strict=True):
            self._watch(x, t)

    def _watch(self, primal: Any, tangent: Any) -> None:
        if not hasattr(primal, "dtype") or not (
            isinstance(primal, Tensor) or hasattr(primal, "_as_tensor")
        ):
            problem = f"a primal is a tensor or a variable, not {type(primal).__name__}"
            raise TypeError(explain("ForwardAccumulator", problem, {"primal": repr(primal)[:200]}))
        warn_of_dtype(primal, "watched primal")
        direction = as_tensor(tangent, primal.dtype, "ForwardAccumulator", "tangents")
        if direction.spec.shape != primal.spec.shape:
            raise ShapeError(
                explain(
                    "ForwardAccumulator",
                    "a tangent must have the primal's shape",
                    {"primal": primal.spec, "tangent": direction.spec},
                )
            )
        if id(primal) in self._known or id(primal) in self._variables:
            raise ValueError(
                explain(
                    "ForwardAccumulator",
                    "a primal is named twice",
                    {"primal": primal.spec},
                    fix="the sum of its tangents",
                )
            )
        if not isinstance(primal, Tensor):
            self._variables[id(primal)] = primal, direction
        elif self._interpreter is None:
            self._known[id(primal)] = primal, direction
        else:
            captured = self._interpreter.capture(primal)
            keep_watched(captured)
            self._known[id(captured)] = captured, direction
            self._known[id(primal)] = primal, direction

    # --- recording ---

    def __enter__(self) -> ForwardAccumulator:
        if self._recording:
            raise ValueError(explain("ForwardAccumulator", "it is already recording"))
        if tracing() is not self._interpreter:
            raise GraphError(
                explain("ForwardAccumulator", "it belongs to the trace in which it was made")
            )
        self._recording = True
        if self._interpreter is not None:
            self._cursor = len(self._interpreter.builder.nodes)
        tapes.add_accumulator(self)
        observers.append(self)
        return self

    def __exit__(self, *failure: object) -> None:
        if not self._recording:
            return
        if failure[:1] in ((), (None,)):
            self._catch_up()
        self._recording = False
        tapes.remove_accumulator(self)
        observers.remove(self)

    def record(self, record: Record) -> None:
        """Push an op forward that ran eagerly."""
        if self._interpreter is None and not self._busy:
            self._push(record)

    def accessed(self, variable: Any, value: Tensor) -> None:
        """A value of a variable has its tangent."""
        found = self._variables.get(id(variable))
        if found is not None and self._interpreter is tracing() and not self._busy:
            self._known[id(value)] = value, found[1]

    def assigned(self, variable: Any, value: Tensor) -> None:
        """A variable keeps its tangent."""

    def watches(self, tensor: Tensor) -> bool:
        """Whether tensor has a tangent."""
        return id(tensor) in self._known and not self._busy

    def would_watch(self, variable: Any) -> bool:
        """Whether the values of variable have one."""
        return self._interpreter is None and id(variable) in self._variables and not self._busy

    def _catch_up(self) -> None:
        """Push the nodes forward that the trace has got since the last time."""
        if self._interpreter is None or not self._recording:
            return
        builder, tensor = self._interpreter.builder, self._interpreter.tensor
        start, end = self._cursor, len(builder.nodes)
        for k in range(start, end):
            node = builder.nodes[k]
            if node.outputs and not any(a <= k < b for a, b in self._skipped):
                inputs, outputs = tuple(map(tensor, node.inputs)), tuple(map(tensor, node.outputs))
                self._push(Record(node.op, inputs, outputs, node.attrs, node.line))
        self._cursor = len(builder.nodes)
        for inner in self._inner():
            inner._skipped.append((end, self._cursor))

    def _inner(self) -> list[ForwardAccumulator]:
        """The accumulators inside of this one."""
        if self not in tapes.items:
            return []
        later = tapes.items[tapes.items.index(self) + 1 :]
        return [x for x in later if isinstance(x, ForwardAccumulator)]

    # --- one op ---

    def _push(self, r: Record) -> None:
        """Give the outputs of a record their tangents."""
        directions = [self._known.get(id(x), (x, None))[1] for x in r.inputs]
        if not any(t is not None for t in directions):
            return
        lost = next((t for t in directions if isinstance(t, _Lost)), None)
        if lost is None and r.op.vjp is None:
            lost = _Lost(r)
        if lost is not None:
            self._known.update({id(y): (y, lost) for y in r.outputs if differentiable(y)})
            return
        with self._alone(), at_line(r.line):
            try:
                tangents: list[Any] = _tangents(r, directions)
            except UnimplementedError:  # of a gradient that is an output of its own
                first = _tangents(r, directions, only=1)
                tangents = [first[0], *(_Lost(r) for _ in first[1:])]
        for y, t in zip(r.outputs, tangents, strict=True):
            if t is not None and differentiable(y):
                self._known[id(y)] = y, t

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Neither this accumulator nor those inside of it look at what runs meanwhile."""
        idle = [x for x in (self, *self._inner()) if not x._busy]
        for x in idle:
            x._busy = True
        try:
            yield
        finally:
            for x in idle:
                x._busy = False

    # --- the answer ---

    def jvp(
        self,
        primals: Any,
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
    ) -> Any:
        """The product of the Jacobian of what was computed with the tangents.

        Args:
          primals: tensors that were computed inside `with`, in any structure.
          unconnected_gradients: "none" or "zero", for those that no primal of this accumulator
            leads to.

        Returns:
          A tensor like each of primals, in their structure.

        Raises:
          GraphError: an op on the way has no gradient.
        """
        unconnected = unconnected_kind(unconnected_gradients)
        if self._interpreter is not None and tracing() is not self._interpreter:
            raise GraphError(
                explain("ForwardAccumulator", "one of a traced function is used outside of it",
                        fix="return the product from the function")
            )  # fmt: skip
        self._catch_up()

        def product(y: Any) -> Any:
            found = self._variables.get(id(y)) or self._known.get(id(y))
            if found is None:
                return shaping.zeros_like(y) if unconnected is UnconnectedGradients.ZERO else None
            if isinstance(found[1], _Lost):
                r = found[1].record
                spec = {"output": r.outputs[0].spec}
                raise GraphError(explain(r.op.name, "has no gradient", spec, line=r.line))
            return found[1]

        return nest.map_structure(product, primals)


class _Lost:
    """Stands for a tangent behind an op that has no gradient."""

    def __init__(self, record: Record) -> None:
        self.record = record


def _tangents(r: Record, directions: list[Any], only: int | None = None) -> list[Tensor | None]:
    """The tangents of the outputs, from those of the inputs, by reverse mode on the rule.

    only: of so many outputs.
    """
    assert r.op.vjp is not None
    wanted = [differentiable(y) and (only is None or k < only) for k, y in enumerate(r.outputs)]
    units = [
        shaping.ones_like(y) if want else None for y, want in zip(r.outputs, wanted, strict=True)
    ]
    asked = [u for u in units if u is not None]
    if not asked:
        return [None] * len(units)
    needed = tuple(t is not None for t in directions)
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(asked)
        found = r.op.vjp(Backward(tuple(units), r.inputs, r.outputs, r.attrs, needed))
    pairs = [
        (as_tensor(g), t)
        for g, t in zip(found, directions, strict=True)
        if g is not None and t is not None
    ]
    if not pairs:
        return [None] * len(units)
    got = iter(tape.gradient([g for g, _ in pairs], asked, [t for _, t in pairs]))
    return [None if u is None else next(got) for u in units]
