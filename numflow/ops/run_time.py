"""Sizes that depend on values, in traces: the places of what is true, sizes that turn out equal.

`bind_sizes` (graph/graph.py) is the one op that knows of such sizes. What is here computes them, as
tensors, and builds on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, explain
from numflow.graph.building import SymbolicTensor, set_agreement, set_fitting
from numflow.graph.graph import Value
from numflow.graph.lowering import Elementwise, Library
from numflow.graph.op import Attrs, Op, current
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import creation, joining
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, run_time_content
from numflow.ops.shape_rules import binary
from numflow.shapes import Dim, Extent, Shape, maximum, run_time

T = TypeVar("T")
_PARTS = 64  # blocks that a mask is counted in, see kernels/cpu/compact.py

# --- quotient ----------------------------------------------------------------

# Rounded down: floordiv of power.py without its check of the divisor.
quotient_op = Op(
    "quotient",
    binary("quotient", "if"),
    np.floor_divide,
    None,
    Elementwise(lambda b, x, y: b.math("floordiv", x, y)),
)

# --- places of what is true --------------------------------------------------


def _count_infer(mask: Spec) -> Spec:
    return Spec((_PARTS,), dtypes.int64)


def _count_reference(mask: Any) -> Any:
    cuts = [len(mask) * k // _PARTS for k in np.arange(_PARTS + 1).tolist()]
    total = np.concatenate([[0], np.cumsum(mask, dtype=np.int64)])
    return np.diff(total[cuts])


def _plan_count(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import compact  # llvmlite: only where code is made

    (n,) = inputs[0].shape
    assert isinstance(n, int)
    return compact.plan_count_true(n)


def _positions_infer(mask: Spec, counts: Spec, *, count: Extent) -> Spec:
    return Spec((count,), dtypes.int64)


def _plan_positions(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import compact

    (n,), (count,) = inputs[0].shape, outputs[0].shape
    assert isinstance(n, int) and isinstance(count, int)
    return compact.plan_positions(n, count)


count_true_op = Op("count_true", _count_infer, _count_reference, None, Library(_plan_count))
positions_op = Op(
    "positions",
    _positions_infer,
    lambda mask, counts, *, count: np.flatnonzero(mask),
    None,
    Library(_plan_positions),
)


def positions(mask: Tensor) -> Tensor:
    """int64 [n]: the places of the true elements of a bool tensor, flattened, in order.

    In a trace n is a run-time size: the same for the same mask, also where it is computed again.
    """
    flat = shaping.reshape(mask, (-1,))
    if not (isinstance(mask, SymbolicTensor) and isinstance(flat, SymbolicTensor)):
        return current().constant(np.flatnonzero(np.asarray(flat)))

    def make() -> Tensor:
        for node in mask.builder.nodes:  # of a trace that this one goes on with
            if node.op is positions_op and _same(node.inputs[0], flat.value):
                return current().tensor(node.output)  # type: ignore[attr-defined]
        counts = count_true_op(flat)
        (count,) = sizes_of(reductions.reduce_sum(counts))
        return positions_op(flat, counts, count=count)

    return once("positions", mask, make)


def once(what: Hashable, x: SymbolicTensor, make: Callable[[], T]) -> T:
    """What make gives, or gave before for the same x: its sizes are then the same."""
    memo = x.builder.made.setdefault(what, [])
    for value, found in memo:
        if _same(value, x.value):
            return found
    made = make()
    memo.append((x.value, made))
    return made


def _same(a: Value, b: Value, depth: int = 8) -> bool:
    """Whether two values are computed in the same way, as far as can be told cheaply."""
    a, b = _itself(a), _itself(b)
    if a is b:
        return True
    x, y = a.node, b.node
    if x is None or y is None or x.op is not y.op or x.op.effect or x.subgraphs or not depth:
        return False
    if a.index != b.index or len(x.inputs) != len(y.inputs) or not _equal(x.attrs, y.attrs):
        return False
    return all(_same(v, w, depth - 1) for v, w in zip(x.inputs, y.inputs, strict=True))


def _itself(value: Value) -> Value:
    """What a value is another name for."""
    names = (shaping.identity_op, shaping.stop_gradient_op)
    while value.node is not None and value.node.op in names:
        (value,) = value.node.inputs
    return value


def _equal(a: Attrs, b: Attrs) -> bool:
    try:
        return bool(a == b)
    except ValueError:  # arrays
        return False


def coordinates(mask: Tensor) -> Tensor:
    """int64 [n, rank]: the places of the true elements of a bool tensor."""
    place = positions(mask)
    (count,) = place.spec.shape
    columns = []
    for n in mask.spec.shape[::-1]:
        size = shaping.size_tensor(maximum(n, 1), dtypes.int64)  # over nothing: nothing divides
        rest = quotient_op(place, size)
        columns.append(place - rest * size)
        place = rest
    if not columns:
        return shaping.zeros((count, 0), dtypes.int64)
    return joining.stack(columns[::-1], axis=1)


# --- sizes from values -------------------------------------------------------


def sizes_of(tensor: Tensor) -> tuple[Extent, ...]:
    """The elements of a small integer tensor, as sizes."""
    content = run_time_content(tensor)
    assert content is not None
    return tuple(content.reshape(-1))


def unknown(value: Any) -> Tensor | None:
    """value as a tensor, where it is one of a trace, or holds one, that has no value yet."""
    items = value if isinstance(value, list | tuple) else [value]
    if not any(isinstance(v, SymbolicTensor) and v.content is None for v in items):
        return None
    return as_tensor(value)


def span(op: str, begin: Any, end: Any, step: int, n: Extent) -> tuple[Tensor, Extent]:
    """(int64 indices, their number) of the slice begin:end:step of an axis of size n.

    begin, end: integer scalars of any kind, or None; out of range they are clipped, as Python does.
    """
    size = shaping.size_tensor(n, dtypes.int64)
    low, high = (0, size) if step > 0 else (-1, size - 1)
    first = _clipped(op, begin, low if step > 0 else high, low, high, size)
    last = _clipped(op, end, high if step > 0 else low, low, high, size)
    length = quotient_op(last - first + (step - (1 if step > 0 else -1)), _number(step))
    (count,) = sizes_of(maths.maximum(length, 0))
    return first + step * creation.iota((count,), 0, dtypes.int64), count


def _clipped(op: str, given: Any, default: Any, low: Any, high: Any, size: Tensor) -> Tensor:
    """A bound of a slice, counted from the front."""
    at = scalar(op, default if given is None else given, "a bound of a slice")
    if given is not None:
        at = selections.where(at < 0, at + size, at)
    return maths.minimum(maths.maximum(at, low), high)


def _number(n: int) -> Tensor:
    return as_tensor(n, dtypes.int64)


def scalar(op: str, value: Any, name: str) -> Tensor:
    """An integer of any kind, as an int64 scalar.

    Raises:
      DTypeError: it is none.
    """
    if isinstance(value, Dim):
        return shaping.size_tensor(value, dtypes.int64)
    tensor = as_tensor(value, None, op, name)
    if not tensor.dtype.is_integer:
        shown = {name: tensor.spec}
        raise DTypeError(explain(op, f"{name} is {tensor.dtype.name}, not an integer", shown))
    return maths.cast(shaping.reshape(tensor, ()), dtypes.int64)


# --- sizes that meet ---------------------------------------------------------


PRODUCTS: list[Op] = []
"""Ops [..., n, k] x [..., k, m]: linalg.py enters its own."""


def agreed(op: Op, inputs: Sequence[Tensor], attrs: Attrs) -> list[Tensor] | None:
    """The inputs of an op, such that a run-time size and the size it meets are one: the plan of a
    call checks that they are equal. None where there is nothing to be done.
    """
    shapes = [list(t.spec.shape) for t in inputs]
    if op is shaping.broadcast_op:
        for k, n in enumerate(attrs["shape"][::-1][: len(shapes[0])]):
            if shapes[0][-1 - k] != 1:
                shapes[0][-1 - k] = n
    elif not any(map(run_time, [n for t in inputs for n in t.spec.shape])):
        return None
    elif isinstance(op.lower, Elementwise):
        for k in np.arange(1, max(map(len, shapes)) + 1).tolist():
            _unite([(s, -k) for s in shapes if len(s) >= k])
    elif op in PRODUCTS:
        _unite([(shapes[0], -2 if attrs["transpose_a"] else -1),
                (shapes[1], -1 if attrs["transpose_b"] else -2)])  # fmt: skip
        for k in np.arange(3, min(map(len, shapes)) + 1).tolist():
            _unite([(s, -k) for s in shapes])
    else:  # batches in front, as of labels and logits
        for k in np.arange(min(map(len, shapes))).tolist():
            _unite([(s, k) for s in shapes])
    same = [t.spec.shape == tuple(s) for t, s in zip(inputs, shapes, strict=True)]
    if all(same):
        return None
    return [
        t if kept else _axis_by_axis(t, tuple(s))
        for t, s, kept in zip(inputs, shapes, same, strict=True)
    ]


def fitted(t: Tensor, shape: Shape) -> Tensor | None:
    """t in a shape that it has, or that it may turn out to have; None where it cannot."""
    if t.spec.shape == shape:
        return t
    if not may_be_equal(t.spec.shape, shape):
        return None
    return _axis_by_axis(t, shape)


def _axis_by_axis(t: Tensor, shape: Shape) -> Tensor:
    """t in a shape of the same rank. At once, [2, 3] could become [3, 2] (view_rules.py knows)."""
    for k, n in enumerate(shape):
        have = t.spec.shape
        if have[k] != n:
            t = shaping.reshape_op(t, shape=(*have[:k], n, *have[k + 1 :]), same=k)
    return t


def may_be_equal(a: Shape, b: Shape) -> bool:
    """Whether shapes are equal but for run-time sizes."""
    return len(a) == len(b) and all(
        m == n or run_time(m) or run_time(n) for m, n in zip(a, b, strict=True)
    )


def refitted(t: Tensor, shape: Shape) -> Tensor:
    """fitted; t itself where it cannot, for an op to refuse."""
    found = fitted(t, shape)
    return t if found is None else found


def _unite(axes: Sequence[tuple[list[Extent], int]]) -> None:
    """Give axes one size, those of size 1 apart: one that is no run-time size where there is."""
    found = [shape[k] for shape, k in axes if shape[k] != 1]
    if len(set(found)) > 1 and any(map(run_time, found)):
        size = next((n for n in found if not run_time(n)), found[0])
        for shape, k in axes:
            if shape[k] != 1 and run_time(shape[k]):
                shape[k] = size


set_agreement(agreed)
set_fitting(fitted)
