"""Ops that build: SymbolicTensor, the interpreter that appends nodes, and `rebuild`, which passes are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import SymbolicTensorError, explain
from numflow.graph.graph import Graph, GraphBuilder, Node, Value
from numflow.graph.op import Array, Attrs, Op, interpreting
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor


class SymbolicTensor(Tensor):
    """Stands for a value of a graph that is being built."""

    __slots__ = ("builder", "value")

    def __init__(self, value: Value, builder: GraphBuilder) -> None:
        self.value, self.builder = value, builder
        value.tensor = self

    @property
    def spec(self) -> Spec:
        return self.value.spec

    @property
    def content(self) -> Array | None:
        """Its elements, where they are sizes or constants known while tracing."""
        return self.value.content

    @property
    def name(self) -> str:
        return self.value.name or f"{self.value.node.op.name if self.value.node else 'input'}:{self.value.index}"

    def _no_value(self, what: str, fix: str) -> SymbolicTensorError:
        line = self.value.node.line if self.value.node else None
        made = {"tensor": self.spec, "made at": line} if line else {"tensor": self.spec}
        return SymbolicTensorError(explain("function", f"a tensor of a trace has no value yet: {what}", made, fix))

    def numpy(self) -> Any:
        """Raises: it has no value."""
        raise self._no_value("it cannot become a NumPy array", "return it from the function and look there")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise self._no_value("it cannot become a NumPy array", "use numflow's functions in place of NumPy's")

    def __bool__(self) -> bool:
        raise self._no_value("`if`, `while`, `and`, `or`, `not` need one", "nf.where, or nf.cond")

    def __float__(self) -> float:
        raise self._no_value("float() needs one", "keep it a tensor")

    def __int__(self) -> int:
        return self._known("int()")

    def __index__(self) -> int:
        return self._known("an index or range() needs one")

    def _known(self, what: str) -> int:
        if self.content is not None and self.content.size == 1:
            return int(self.content.reshape(-1)[0])  # a symbolic size raises UnknownSizeError
        raise self._no_value(what, "keep it a tensor")

    def __len__(self) -> int:
        if not self.spec.shape:
            raise TypeError("len() of a scalar tensor")
        return int(self.shape[0])

    def __hash__(self) -> int:
        return id(self)

    def set_shape(self, shape: Iterable[Any]) -> None:
        """Checks shape against what is known; a trace knows its sizes already."""
        for have, want in zip(self.spec.shape, shape, strict=True):
            if isinstance(have, int) and isinstance(want, int) and have != want:
                raise ValueError(explain("set_shape", "the sizes differ", {"tensor": self.spec, "shape": tuple(shape)}))

    def __repr__(self) -> str:
        return f"<nf.Tensor '{self.name}' shape={self.shape} dtype={self.dtype.name}>"


class Building:
    """The interpreter that appends a node per op. The tracer's is a subclass in spirit: it also captures."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder

    def tensor(self, value: Value) -> SymbolicTensor:
        """The one tensor that stands for value."""
        return value.tensor or SymbolicTensor(value, self.builder)

    def value(self, tensor: Tensor) -> Value:
        """The value of this builder that tensor stands for."""
        if isinstance(tensor, SymbolicTensor) and tensor.builder is self.builder:
            return tensor.value
        raise SymbolicTensorError(f"{tensor!r} belongs to another graph")

    def apply(self, op: Op, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Tensor, ...]:
        node = self.builder.add(op, [self.value(t) for t in inputs], attrs)
        return tuple(self.tensor(v) for v in node.outputs)

    def constant(self, array: Array) -> Tensor:
        return self.tensor(self.builder.constant(array))

    def sizes(self, sizes: Sequence[Any], dtype: dtypes.DType) -> Tensor:
        """A 1-D tensor of sizes."""
        content = np.empty(len(sizes), object)
        content[:] = list(sizes)
        if all(type(n) is int for n in sizes):
            return self.constant(content.astype(dtype.numpy))
        return self.tensor(self.builder.sizes(content, dtype))


Rule = Callable[[Node, tuple[Tensor, ...]], "Sequence[Tensor] | Tensor | None"]


def rebuild(graph: Graph, rule: Rule, outputs: Sequence[Value] | None = None) -> Graph:
    """A new graph in which each node is what `rule(node, its new inputs)` makes of it; None keeps it.

    The rule runs with a Building interpreter in force: it calls ops, and may return inputs as they are.
    """
    builder = GraphBuilder(graph.name)
    building = Building(builder)
    new: dict[Value, Tensor] = {}
    for v in graph.inputs:
        copy = builder.add_input(v.spec, v.name)
        new[v] = building.tensor(copy)
        if v in graph.captures:
            builder.captures[copy] = graph.captures[v]
    with interpreting(building):
        for node in graph.nodes:
            builder.line = node.line
            inputs = tuple(new[v] for v in node.inputs)
            got = rule(node, inputs)
            if got is None:
                values = [building.value(t) for t in inputs]
                copied = builder.add(
                    node.op, values, node.attrs, [v.spec for v in node.outputs], name=node.name, scope=node.scope,
                    device=node.device, subgraphs=node.subgraphs,
                )
                got = tuple(building.tensor(v) for v in copied.outputs)
            elif isinstance(got, Tensor):
                got = (got,)
            for v, t in zip(node.outputs, got, strict=True):
                new[v] = t
    return builder.freeze([building.value(new[v]) for v in (graph.outputs if outputs is None else outputs)])
