"""Random programs over the ops that code is made for, and their runs by reference and compiled.

`draw(seed)` gives a graph with variables. `check(graph, variables, arrays)` compares the compiled
program with the reference interpreter: results, and what the variables hold afterwards.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.codegen.program import emit
from numflow.codegen.steps import Program
from numflow.dtypes import DType
from numflow.eager.variable import Variable
from numflow.errors import OpError
from numflow.gradient.vjp import Record, backward
from numflow.graph.building import Building
from numflow.graph.graph import Graph, GraphBuilder
from numflow.graph.op import interpreting
from numflow.graph.reference import run_reference
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import (
    activation,
    comparisons,
    creation,
    indexing,
    joining,
    linalg,
    loss,
    math,
    operators,
    power,
    reduce,
    select,
    shape,
    signs,
    slicing,
    state,
    statistics,
)
from numflow.passes.pipeline import run_passes
from numflow.runtime.executable import Executable
from numflow.shapes import Dim, Extent, UnknownSizeError
from tests.codegen.host_op import host_cumsum

__all__ = ["Drawn", "Trial", "check", "draw", "inputs_of", "operators"]

Array = np.ndarray[Any, Any]
N = Dim.symbol("n")
TOLERANCE = {"float64": 1e-10, "float32": 2e-4, "float16": 2e-2, "bfloat16": 2e-1}


class Trial:
    """A graph under construction: `with trial.building:` ops append to it."""

    def __init__(self) -> None:
        self.builder = GraphBuilder()
        self.interpreter = Building(self.builder)
        self.variables: list[Variable] = []

    @property
    def building(self) -> Any:
        return interpreting(self.interpreter)

    def input(self, *sizes: Extent, dtype: DType = dtypes.float64) -> Tensor:
        """An argument."""
        return self.interpreter.tensor(self.builder.add_input(Spec(sizes, dtype)))

    def variable(self, array: Array) -> tuple[Variable, Tensor]:
        """A variable and its value at the start."""
        variable = Variable(array)
        self.variables.append(variable)
        node = self.builder.add(state.read_op, (), {"variable": variable})
        return variable, self.interpreter.tensor(node.output)

    def assign(self, variable: Variable, value: Tensor) -> None:
        """The variable's value at the end."""
        state.assign_op(value, variable=variable)

    def gradients(self, target: Tensor, sources: Sequence[Tensor]) -> list[Tensor | None]:
        """Of the sum of target."""
        tensor = self.interpreter.tensor
        records = [
            Record(n.op, tuple(map(tensor, n.inputs)), tuple(map(tensor, n.outputs)), n.attrs)
            for n in self.builder.nodes
            if n.op not in (state.read_op, state.assign_op)
        ]
        found = backward(records, [target], [shape.ones_like(target)], sources, math.add)
        return [g if isinstance(g, Tensor) else None for g in found]

    def graph(self, *outputs: Tensor) -> Graph:
        return self.builder.freeze([self.interpreter.value(t) for t in outputs])


def inputs_of(graph: Graph, seed: int, sizes: Mapping[str, int]) -> list[Array]:
    """Arrays for the inputs of a graph, zeros of both signs among them."""
    rng = np.random.default_rng(seed)
    arrays = []
    for v in graph.inputs:
        sizes_ = tuple(n.evaluate(sizes) if isinstance(n, Dim) else n for n in v.spec.shape)
        arrays.append(numbers(rng, sizes_, v.spec.dtype))
    return arrays


def numbers(rng: np.random.Generator, sizes: tuple[int, ...], dtype: DType) -> Array:
    """Bounded numbers of a dtype."""
    if dtype.is_bool:
        return rng.random(sizes) < 0.5
    if dtype.is_integer:
        return np.asarray(rng.integers(0, 7, sizes), dtype.numpy)
    array = np.asarray(rng.uniform(-2, 2, sizes))
    array[rng.random(sizes) < 0.2] = rng.choice([0.0, -0.0])
    return np.asarray(array, dtype.numpy)


def compiled(graph: Graph) -> Executable:
    """The executable, through all passes."""
    return Executable(emit(run_passes(graph, check=True)))


def check(
    graph: Graph,
    variables: Sequence[Variable],
    arrays: Sequence[Array],
    run: Executable | None = None,
) -> Program:
    """The compiled graph gives and leaves behind what the reference does, twice."""
    before = [np.array(v._array) for v in variables]
    want = [np.array(a) for a in run_reference(graph, arrays)]
    left = [np.array(v._array) for v in variables]
    run = run or compiled(graph)
    for _ in range(2):
        for v, a in zip(variables, before, strict=True):
            v._write(a)
        given = [np.array(a) for a in arrays]
        got = run(arrays)
        for k, (a, b) in enumerate(zip(got, want, strict=True)):
            close(a, b, f"output {k}: {graph.outputs[k].spec}", graph)
        for k, (v, b) in enumerate(zip(variables, left, strict=True)):
            close(v._array, b, f"variable {k}", graph)
        for a, b in zip(arrays, given, strict=True):
            np.testing.assert_array_equal(a, b, "an argument was written")
        kept = [a for a in got if any(np.shares_memory(a, b) for b in got if b is not a)]
        assert not kept, "results share memory"
        shared = [a for a in got for b in (*arrays, *(v._array for v in variables))
                  if np.shares_memory(a, b)]  # fmt: skip
        assert not shared, "a result is an argument or variable"
    return run.program


def close(got: Array, want: Array, what: str, graph: Graph) -> None:
    """Equal but for rounding; integers exactly."""
    assert got.shape == want.shape, f"{what}: {got.shape} for {want.shape}"
    assert got.dtype == want.dtype, f"{what}: {got.dtype} for {want.dtype}"
    dtypes_ = {v.spec.dtype for n in graph.nodes for v in (*n.outputs, *n.inputs)}
    kinds = {d.name for d in dtypes_ if d.is_floating}
    tolerance = max((TOLERANCE[name] for name in kinds), default=0.0)
    if dtypes.from_numpy(want.dtype).is_floating:
        a, b = np.asarray(got, np.float64), np.asarray(want, np.float64)
        np.testing.assert_allclose(a, b, tolerance, tolerance, err_msg=what)
    else:
        np.testing.assert_array_equal(got, want, err_msg=what)


# --- drawing --------------------------------------------------------------------


class Drawn(Trial):
    """A random program: `graph`, `variables`."""

    def __init__(self, seed: int, nodes: int, dtype: DType, symbolic: bool, five: int) -> None:
        super().__init__()
        self.five = five
        self.random = random.Random(seed)
        self.dtype = dtype
        n: Extent = N if symbolic else 3
        self.sizes: tuple[Extent, ...] = (n, 1, 3, 3, five)
        rng = np.random.default_rng(seed)
        shapes: list[tuple[Extent, ...]] = [
            (n, 3), (3, 3), (3,), (3, five), (), (1, 3), (n, 1), (3, five, 3), (n,), (2, 1, 3, 3),
        ]  # fmt: skip
        shapes = self.random.sample(shapes, 6)
        if symbolic and not any(N in s for s in shapes):
            shapes.append((n, 3))
        self.inputs = [self.input(*s, dtype=dtype) for s in shapes]
        held: list[tuple[int, ...]] = [(3,), (3, 3), (), (3, five), (1, 3), (3,), (3, 3)]
        self.olds = [self.variable(numbers(rng, s, dtype)) for s in self.random.sample(held, 3)]
        self.values: list[Tensor] = [*self.inputs, *(t for _, t in self.olds)]
        self.labels = [self.input(n, dtype=dtypes.int32), self.input(3, dtype=dtypes.int64)]
        self.steps: tuple[Callable[[], Tensor], ...] = (
            *(self.binary,) * 7,
            *(self.unary,) * 3,
            *(self.view,) * 5,
            *(self.fold,) * 4,
            *(self.product,) * 2,
            self.constant,
            self.choice,
            self.cast,
            self.composite,
            self.entropy,
            self.integers,
            self.extreme,
            self.host,
            self.centred,
        )
        with self.building:
            while len(self.builder.nodes) < nodes:
                step = self.random.choice(self.steps)
                try:
                    made = step()
                except (OpError, UnknownSizeError):  # drawn operands that do not fit
                    continue
                if (
                    all(isinstance(k, Dim) or k <= 6 * five for k in made.spec.shape)
                    and made.spec.rank < 6
                ):
                    self.values.append(made)
            outputs = self.outputs()
            self.updates()
        self.result = self.graph(*outputs)

    def outputs(self) -> list[Tensor]:
        chosen = self.values[-3:]
        chosen += self.random.sample(self.values, 2)
        if self.random.random() < 0.3:
            floats = [t for t in chosen if t.dtype.is_floating]
            if floats:
                chosen += [g for g in self.gradients(floats[0], self.inputs) if g is not None]
        if self.random.random() < 0.3:
            chosen.append(chosen[0])
        return chosen

    def updates(self) -> None:
        """Assign the variables: steps, swaps, views, values as they are."""
        for variable, old in self.olds:
            if self.random.random() < 0.25:
                continue
            same = [t for t in self.values if t.spec == old.spec]
            kind = self.random.random()
            if kind < 0.4 or old.spec.shape == ():
                value = self.random.choice(same)
            elif kind < 0.7:
                value = old + 0.1 * self.random.choice(same)
            elif kind < 0.85:
                value = slicing.getitem(self.random.choice(same), np.s_[::-1])
            else:
                value = self.random.choice(same)
                if value.spec.rank == 2 and value.spec.shape[0] == value.spec.shape[1]:
                    value = shape.transpose(value)
            self.assign(variable, value)

    def any(self) -> Tensor:
        """One of the later values, of floats."""
        return self.random.choice([t for t in self.values if t.dtype is self.dtype][-10:])

    def unary(self) -> Tensor:
        ops = (signs.negative, math.tanh, math.square, activation.relu, math.sigmoid, math.exp)
        return self.bounded(self.random.choice(ops)(self.any()))

    def binary(self) -> Tensor:
        op = self.random.choice(
            (math.add, math.subtract, math.multiply, math.multiply, math.maximum)
        )
        return self.bounded(op(self.any(), self.any()))

    def bounded(self, t: Tensor) -> Tensor:
        """Now and then through tanh, so that products of products stay small."""
        return math.tanh(t) if self.random.random() < 0.3 else t

    def centred(self) -> Tensor:
        """x minus its mean, over a random axis: a fold and what follows."""
        x = self.any()
        axis = self.random.randrange(x.spec.rank) if x.spec.rank else 0
        y = x - reduce.reduce_mean(x, axis, keepdims=True)
        return y * math.rsqrt(reduce.reduce_mean(math.square(y), axis, keepdims=True) + 1.0)

    def constant(self) -> Tensor:
        value = self.random.choice((0.0, -0.0, 1.0, 2.0, -3.0, 0.5))
        one = self.interpreter.constant(np.asarray(value, self.dtype.numpy))
        if self.random.random() < 0.5:
            return one
        return shape.broadcast_to(one, self.any().spec.shape)

    def view(self) -> Tensor:
        x = self.any()
        rank = x.spec.rank
        kind = self.random.randrange(9)
        axis = self.random.randrange(rank) if rank else 0
        if kind == 0:
            return shape.transpose(x, self.random.sample(range(rank), rank))
        if kind == 1:
            return shape.reshape(x, [-1])
        if kind == 2:
            return shape.expand_dims(x, self.random.randint(0, rank))
        if kind == 3:
            return shape.broadcast_to(x, (self.random.choice(self.sizes), *x.spec.shape))
        if kind == 4:
            key = self.random.choice(
                (np.s_[::-1], np.s_[1:], np.s_[::2], np.s_[:-1], np.s_[0], None)
            )
            return slicing.getitem(x, (*(np.s_[:],) * axis, key))
        if kind == 5:
            return joining.concat([x, self.random.choice((x, self.any()))], axis)
        if kind == 6:
            return joining.stack(
                [x, self.random.choice((x, math.tanh(x)))], self.random.randint(0, rank)
            )
        if kind == 7:
            return self.random.choice(joining.split(x, self.random.choice((1, 2, 3)), axis))
        return shape.reshape(x, (3, -1) if self.random.random() < 0.5 else (-1, 3))

    def fold(self) -> Tensor:
        x = self.any()
        axes = [k for k in range(x.spec.rank) if self.random.random() < 0.6]
        ops = (reduce.reduce_sum, reduce.reduce_max, reduce.reduce_min, reduce.reduce_mean)
        got = self.random.choice(ops)(x, axes, keepdims=self.random.random() < 0.5)
        return math.tanh(got) if self.random.random() < 0.7 else got

    def choice(self) -> Tensor:
        x, y = self.random.choice(self.inputs), self.random.choice(self.inputs)
        return select.where(comparisons.less(x, y), self.any(), self.any())

    def cast(self) -> Tensor:
        lower = comparisons.less(self.random.choice(self.inputs), self.random.choice(self.inputs))
        kind = self.random.choice(
            (dtypes.int32, dtypes.int8, dtypes.uint8, dtypes.int64, dtypes.float32)
        )
        return math.cast(math.cast(lower, kind), self.dtype)

    def product(self) -> Tensor:
        turned = [self.random.random() < 0.5 for _ in range(2)]
        y = linalg.matmul(self.any(), self.any(), transpose_a=turned[0], transpose_b=turned[1])
        if self.random.random() < 0.5:
            y = y + self.random.choice([t for t in self.values if t.dtype is self.dtype])
        return activation.relu(y) if self.random.random() < 0.4 else math.tanh(y)

    def composite(self) -> Tensor:
        x = self.any()
        op = self.random.choice((activation.softmax, activation.log_softmax))
        return op(x, self.random.randrange(x.spec.rank)) if x.spec.rank else x

    def entropy(self) -> Tensor:
        labels, x = self.random.choice(self.labels), self.any()
        if x.spec.rank == 0 or x.spec.shape[-1] not in (3, self.five):
            return x
        labels = math.cast(math.minimum(labels, 2), dtypes.int32)
        return loss.sparse_softmax_cross_entropy_with_logits(labels, x)

    def integers(self) -> Tensor:
        x, y = self.random.choice(self.labels), self.random.choice(self.labels)
        kind = self.random.choice((dtypes.int32, dtypes.int16, dtypes.uint32, dtypes.int64))
        x, y = math.cast(x, kind), math.cast(y, kind)
        op = self.random.choice(
            (math.add, math.multiply, math.maximum, power.floordiv, power.floormod)
        )
        got = op(x, y + 1) if self.random.random() < 0.7 else reduce.reduce_sum(op(x, y + 1))
        return math.cast(got, self.dtype) * 0.1

    def extreme(self) -> Tensor:
        x = self.random.choice(self.inputs)
        op = self.random.choice((statistics.argmax, statistics.argmin))
        axis = self.random.randrange(max(x.spec.rank, 1))
        if x.spec.rank == 0 or x.spec.shape[axis] == N:  # there is no extreme of nothing
            return x
        return math.cast(op(x, axis), self.dtype)

    def host(self) -> Tensor:
        x = self.any()
        kind = self.random.random()
        if kind < 0.4:
            return host_cumsum(x, self.random.randrange(x.spec.rank)) if x.spec.rank else x
        if kind < 0.7:
            axis = self.random.randrange(max(x.spec.rank, 1))
            if x.spec.rank == 0 or x.spec.shape[axis] not in (3, self.five):
                return x
            return indexing.gather(x, math.minimum(self.random.choice(self.labels), 2), axis=axis)
        return creation.iota(x.spec.shape, self.random.randrange(max(x.spec.rank, 1)), self.dtype)


def draw(
    seed: int,
    nodes: int = 14,
    dtype: DType = dtypes.float64,
    symbolic: bool = False,
    five: int = 5,
) -> Drawn:
    """A random program of at least so many nodes. five: its largest size; others are 1 and 3."""
    return Drawn(seed, nodes, dtype, symbolic, five)
