"""The interpreter in force while the inside of a branch or a loop is traced.

What it uses of the outside becomes an input, so the graph is closed; the outer graph is asked for
it first, and that one may be inside of another. Small constants, and integers that are known or
made of sizes, are made again instead: axes and shapes may be made of them. A variable is
read outside, once, and is an input like any other; where it is assigned, the last value is
remembered, for whoever traces to hand it on (`written`). So the graph has no effect on variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from weakref import WeakSet

import numpy as np

from numflow import dtypes
from numflow.graph.building import REMADE, WATCHED, SymbolicTensor
from numflow.graph.graph import Graph, GraphBuilder, Value, bind_op, constant_op
from numflow.graph.op import Array, Attrs, Op, current, interpreting
from numflow.graph.scopes import Place, here
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops.random_state import state_op
from numflow.ops.run_time import refitted
from numflow.ops.shape import stop_gradient_op
from numflow.ops.state import check_assigned
from numflow.trace.tracer import Capturing

_SMALL = 16  # elements of a constant that is made again inside


class Nested(Capturing):
    """Traces the inside of a branch or a loop of what `outer` traces.

    pairs: what stands outside for each input that was captured, and why it was: None, or the id of
    the variable that was read. written: by id, the variables that are assigned.
    counter: of a loop, the input that is the number of the iteration, once somebody wants it.
    """

    def __init__(self, outer: Any, name: str, loop: bool = False) -> None:
        builder = GraphBuilder(name)
        builder.around = outer.builder
        super().__init__(builder)
        self.outer, self.loop = outer, loop
        around = here()
        place = builder.place = Place()
        place.scope, place.devices, place.used = around.scope, list(around.devices), around.used
        self.pairs: dict[tuple[Value, int | None], Value] = {}
        self.written: dict[int, Any] = {}
        self.counter: Value | None = None
        self.known_outside: dict[Value, Value] = {}  # further inputs whose value outside is known
        self._again: dict[Value, Value] = {}  # of outside: constants and sizes made here again
        self._now: dict[int, Tensor] = {}

    def add_input(self, spec: Spec, name: str = "") -> Tensor:
        """A further input of the graph."""
        return self.tensor(self.builder.add_input(spec, name))

    # --- what is outside ---

    def value(self, tensor: Tensor) -> Value:
        if isinstance(tensor, SymbolicTensor) and tensor.builder is self.builder:
            return tensor.value
        return self._input(self.outer.value(self.outer.capture(tensor)))

    def _input(self, outside: Value, variable: int | None = None) -> Value:
        """What stands here for a value of outside."""
        found = self.pairs.get((outside, variable))
        if found is None and variable is None:  # a loop may assign one: no constant
            found = self._again.get(outside) or self._known(outside)
            if found is not None:
                self._again[outside] = found
        if found is None:
            found = self.builder.add_input(outside.spec, outside.name)
            self.pairs[outside, variable] = found
            self.builder.outside[found] = outside
            marks = self.outer.builder.made.get("reserved")  # see tensor_array.py
            if marks is not None and outside in marks:
                self.builder.made.setdefault("reserved", WeakSet()).add(found)
        return found

    def _known(self, outside: Value) -> Value | None:
        """A constant, or integers made of sizes, made again."""
        node = outside.node
        if outside.content is not None:
            content: Array = outside.content
            if all(type(n) is int for n in content.flat):
                return self.builder.constant(content.astype(outside.spec.dtype.numpy))
            return self.builder.sizes(content, outside.spec.dtype)
        if outside in self.outer.builder.made.get(WATCHED, ()):
            return None
        if node is not None and node.op is constant_op and node.attrs["value"].size <= _SMALL:
            self.outer.builder.made.setdefault(REMADE, WeakSet()).add(outside)
            return self.builder.constant(node.attrs["value"])
        return None

    def capture(self, tensor: Tensor) -> Tensor:
        """A tensor of outside, as one of this graph."""
        return self.tensor(self.value(tensor))

    def apply(self, op: Op, inputs: Any, attrs: Attrs) -> tuple[Tensor, ...]:
        if op is state_op:  # a draw of random numbers: what is inside has no effects
            return (self._draw(attrs),)
        return super().apply(op, inputs, attrs)

    def _draw(self, attrs: Attrs) -> Tensor:
        """A draw of outside; in a loop each iteration has numbers of its own."""
        with interpreting(self.outer):
            drawn = state_op(**attrs)
        state = self.capture(drawn)
        if not self.loop:
            return state
        number = self.iteration() + 1
        # key and step: the step is led through a linear congruence, that of Knuth's MMIX, so that
        # loops in loops do not meet.
        factors = self.constant(np.array([1, 6364136223846793005], np.int64))
        offsets = self.constant(np.array([0, 1442695040888963407], np.int64))
        return state * factors + offsets * number

    def iteration(self) -> Tensor:
        """The number of the iteration, int64, from 0."""
        if self.counter is None:
            self.counter = self.builder.add_input(Spec((), dtypes.int64), "iteration")
            self.builder.outside[self.counter] = np.zeros((), np.int64)  # as it begins
        return self.tensor(self.counter)

    # --- variables ---

    def read(self, variable: Any) -> Tensor:
        """The value of variable at this point."""
        found = self._now.get(id(variable))
        if found is None:
            outside = self.read_outside(variable)
            inside = self._input(outside, id(variable) if self.loop else None)
            found = self._now[id(variable)] = self.tensor(inside)
        return found

    def read_outside(self, variable: Any) -> Value:
        """Its value where this graph is entered; tapes there take note."""
        with interpreting(self.outer):
            return self.outer.value(variable._as_tensor())  # type: ignore[no-any-return]

    def assign(self, variable: Any, value: Tensor) -> None:
        """Let variable have the value from here on."""
        value = refitted(self.capture(value), variable.spec.shape)
        check_assigned(variable, value.spec)
        self.written[id(variable)] = variable
        self._now[id(variable)] = stop_gradient_op(value)  # a leaf, as in tracer.py

    def creating_variable(self, name: str, variable: Any) -> None:
        """A new variable is one of the function's."""
        creating = getattr(self.outer, "creating_variable", None)
        if creating is not None:
            creating(name, variable)

    # --- when all is traced ---

    def freeze(self, inputs: Iterable[Value], outputs: Iterable[Value]) -> Graph:
        """The graph with these inputs, in this order."""
        self.builder.inputs = list(inputs)
        return self.builder.freeze(outputs)


# --- out of loops ------------------------------------------------------------

_MOST = 64  # nodes that are made again outside


def moved_out(tensors: Sequence[Tensor]) -> tuple[Any, list[Tensor]]:
    """(an interpreter, what tensors are there): as far out as what they are made of is known."""
    interpreter: Any = current()
    found = list(tensors)
    while isinstance(interpreter, Nested):
        moving = _Moving(interpreter)
        values = [interpreter.value(t) for t in found]
        if not all(map(moving.may, values)):
            break
        with interpreting(interpreter.outer):
            found = [moving.outside(v) for v in values]
        interpreter = interpreter.outer
    return interpreter, found


class _Moving:
    """Makes values of the inside of a loop again outside."""

    def __init__(self, inside: Nested) -> None:
        self._outer = inside.outer
        self._captured = {v: outside for (outside, by), v in inside.pairs.items() if by is None}
        self._captured |= inside.known_outside
        self._nodes = 0
        self._made: dict[Value, Tensor] = {}

    def may(self, value: Value) -> bool:
        """Whether value depends on captured values alone."""
        if value in self._captured:
            return True
        node = value.node
        self._nodes += 1
        if node is None or node.op.effect or node.subgraphs or len(node.outputs) != 1:
            return False
        return self._nodes <= _MOST and node.op is not bind_op and all(map(self.may, node.inputs))

    def outside(self, value: Value) -> Tensor:
        """value, made in the outer graph."""
        if value in self._captured:
            return self._outer.tensor(self._captured[value])  # type: ignore[no-any-return]
        found = self._made.get(value)
        if found is None:
            node = value.node
            assert node is not None
            found = self._made[value] = node.op(*map(self.outside, node.inputs), **node.attrs)
        return found
