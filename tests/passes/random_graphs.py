"""Random graphs of the ops that passes rewrite, with symbolic sizes, and inputs for them."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from numflow import dtypes
from numflow.errors import OpError
from numflow.gradient.vjp import Record, backward
from numflow.graph.building import Building
from numflow.graph.graph import Graph, GraphBuilder
from numflow.graph.op import interpreting
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import (
    activation,
    comparisons,
    joining,
    linalg,
    math,
    operators,
    reduce,
    select,
    shape,
    signs,
    slicing,
)
from numflow.shapes import Dim, Extent, UnknownSizeError

__all__ = ["draw_graph", "draw_inputs", "operators"]

CONSTANTS = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -3.0)


def draw_graph(seed: int, nodes: int = 25, gradient: bool = False) -> Graph:
    """A graph of about so many nodes, of bounded values; the last ones are its outputs."""
    return _Drawing(seed).graph(nodes, gradient)


def draw_inputs(graph: Graph, seed: int, sizes: dict[str, int]) -> list[np.ndarray]:
    """Arrays for the inputs of a graph, zeros of both signs among them."""
    rng = np.random.default_rng(seed)
    arrays = []
    for v in graph.inputs:
        shape_ = tuple(n.evaluate(sizes) if isinstance(n, Dim) else n for n in v.spec.shape)
        array = np.asarray(rng.uniform(-2, 2, shape_))
        array[rng.random(shape_) < 0.2] = rng.choice([0.0, -0.0])
        arrays.append(np.asarray(array, v.spec.dtype.numpy))
    return arrays


class _Drawing:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.builder = GraphBuilder()
        self.building = Building(self.builder)
        n = Dim.symbol("n")
        self.sizes: tuple[Extent, ...] = (n, 1, 2, 3, 5)
        shapes = [(n, 3), (3,), (2, n), (), (1, 3), (n, 1), (2, 3, 5)]
        specs = [Spec(s, dtypes.float64) for s in shapes]
        self.inputs = [self.building.tensor(self.builder.add_input(s)) for s in specs]
        self.values: list[Tensor] = list(self.inputs)
        self.steps: tuple[Callable[[], Tensor], ...] = (
            *(self.binary,) * 6,
            *(self.unary,) * 3,
            *(self.view,) * 4,
            *(self.fold,) * 2,
            self.constant,
            self.choice,
            self.cast,
            self.product,
            self.composite,
            self.integers,
        )

    def graph(self, nodes: int, gradient: bool) -> Graph:
        with interpreting(self.building):
            while len(self.builder.nodes) < nodes:
                try:
                    self.values.append(self.random.choice(self.steps)())
                except (OpError, UnknownSizeError):  # drawn operands that do not fit
                    continue
            outputs = self.values[-4:]
            if gradient:
                outputs = [*outputs, *self.gradients(outputs[-1])]
        return self.builder.freeze([self.building.value(t) for t in outputs])

    def gradients(self, target: Tensor) -> list[Tensor]:
        tensor = self.building.tensor
        records = [
            Record(n.op, tuple(map(tensor, n.inputs)), tuple(map(tensor, n.outputs)), n.attrs)
            for n in self.builder.nodes
        ]
        if not target.dtype.is_floating:
            return []
        cts = [shape.ones_like(target)]
        got = backward(records, [target], cts, self.inputs, math.add)
        return [g for g in got if isinstance(g, Tensor)]

    def any(self) -> Tensor:
        """One of the later values, of floats."""
        return self.random.choice([t for t in self.values if t.dtype is dtypes.float64][-12:])

    def unary(self) -> Tensor:
        ops = (signs.negative, math.tanh, math.square, shape.identity, shape.stop_gradient)
        return self.bounded(self.random.choice(ops)(self.any()))

    def binary(self) -> Tensor:
        op = self.random.choice((math.add, math.subtract, math.multiply, math.multiply))
        return self.bounded(op(self.any(), self.any()))

    def bounded(self, t: Tensor) -> Tensor:
        """Now and then through tanh, so that products of products stay small."""
        return math.tanh(t) if self.random.random() < 0.3 else t

    def constant(self) -> Tensor:
        one = self.building.constant(np.asarray(self.random.choice(CONSTANTS)))
        return shape.broadcast_to(one, self.any().spec.shape)

    def view(self) -> Tensor:
        x = self.any()
        rank = x.spec.rank
        kind = self.random.randrange(5)
        if kind == 0:
            return shape.transpose(x, self.random.sample(range(rank), rank))
        if kind == 1:
            return shape.reshape(x, [-1])
        if kind == 2:
            return shape.expand_dims(x, self.random.randint(0, rank))
        if kind == 3:
            return shape.broadcast_to(x, (self.random.choice(self.sizes), *x.spec.shape))
        if rank and x.spec.shape[-1] == 3:
            return slicing.getitem(x, (..., np.s_[1:]))
        return joining.concat([x, x], 0)

    def fold(self) -> Tensor:
        x = self.any()
        axes = [k for k in range(x.spec.rank) if self.random.random() < 0.6]
        op = self.random.choice((reduce.reduce_sum, reduce.reduce_max, reduce.reduce_mean))
        return math.tanh(op(x, axes, keepdims=self.random.random() < 0.5))

    def choice(self) -> Tensor:
        x, y = self.random.choice(self.inputs), self.random.choice(self.inputs)
        return select.where(comparisons.less(x, y), self.any(), self.any())

    def cast(self) -> Tensor:
        lower = comparisons.less(self.random.choice(self.inputs), self.random.choice(self.inputs))
        return math.cast(math.cast(lower, dtypes.int32), dtypes.float64)

    def product(self) -> Tensor:
        a, b = (self.random.random() < 0.5 for _ in range(2))
        return math.tanh(linalg.matmul(self.any(), self.any(), transpose_a=a, transpose_b=b))

    def composite(self) -> Tensor:
        x = self.any()
        return activation.softmax(x, self.random.randrange(x.spec.rank)) if x.spec.rank else x

    def integers(self) -> Tensor:
        count = math.cast(shape.shape(self.any()), dtypes.int64)
        return math.cast(reduce.reduce_sum(count * 1 + 0), dtypes.float64) * 0.1
