"""Rows of a ragged tensor folded: reductions over any of its axes; softmax, running sums of rows.

Behind the ragged axes of a tensor's rows, axes are those of its values; before them, elements meet
that stand at equal places of different rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import (
    comparisons,
    creation,
    indexing,
    run_time,
    scan,
    segments,
    statistics,
)
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import static_ints
from numflow.ragged.partition import splits_of
from numflow.ragged.places import expand_dims
from numflow.ragged.tensor import RaggedTensor

_WHOLE: dict[str, Callable[..., Any]] = {
    "sum": reductions.reduce_sum,
    "prod": reductions.reduce_prod,
    "max": reductions.reduce_max,
    "min": reductions.reduce_min,
    "mean": reductions.reduce_mean,
    "any": reductions.reduce_any,
    "all": reductions.reduce_all,
    "variance": statistics.reduce_variance,
    "std": statistics.reduce_std,
}
KINDS = tuple(_WHOLE)
_SEGMENTS: dict[str, Callable[..., Tensor]] = {
    "sum": segments.unsorted_segment_sum,
    "prod": segments.unsorted_segment_prod,
    "max": segments.unsorted_segment_max,
    "min": segments.unsorted_segment_min,
}


def reduction(kind: str) -> Callable[..., Any]:
    """The function nf.reduce_<kind> of a ragged tensor."""

    def reduce(
        input_tensor: RaggedTensor,
        axis: Any = None,
        keepdims: bool = False,
        name: str | None = None,
    ) -> Any:
        x, rank = input_tensor, len(input_tensor.shape)
        op = f"reduce_{kind}"
        if axis is None:
            return _WHOLE[kind](x.flat_values, None, keepdims)
        axes = sorted({_axis(op, k, rank) for k in static_ints(axis, op, "axis")})
        return _several(op, kind, x, axes, bool(keepdims))

    return reduce


def _axis(op: str, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        problem = f"axis is {axis}; with {rank} axes it takes {-rank} to {rank - 1}"
        raise ShapeError(explain(op, problem))
    return axis % rank


def _several(op: str, kind: str, x: Any, axes: Sequence[int], keepdims: bool) -> Any:
    """Over axes, the last one first."""
    if not axes:
        return x
    if kind == "mean":
        ones = x.with_flat_values(shaping.ones_like(x.flat_values))
        total, count = (_several(op, "sum", v, axes, keepdims) for v in (x, ones))
        return total / count
    if kind in ("variance", "std"):
        mean = _several(op, "mean", x, axes, keepdims)
        square = _several(op, "mean", x * x, axes, keepdims)
        found = _of_values(lambda a, b: maths.maximum(a - b * b, 0), square, mean)
        return _of_values(maths.sqrt, found) if kind == "std" else found
    if kind in ("any", "all"):
        wrong = x if kind == "any" else _of_values(selections.logical_not, x)
        numbers = _of_values(lambda v: maths.cast(v, dtypes.int32), wrong)
        count = _several(op, "sum", numbers, axes, keepdims)
        return _of_values(lambda n: n > 0 if kind == "any" else comparisons.equal(n, 0), count)
    for axis in reversed(axes):
        if not isinstance(x, RaggedTensor):
            x = _WHOLE[kind](x, axis, keepdims)
            continue
        folded = _one(op, kind, x, axis)
        x = expand_dims(folded, axis) if keepdims else folded
    return x


def _of_values(function: Callable[..., Any], x: Any, *others: Any) -> Any:
    """function of elements; of ragged tensors with the same rows."""
    if not isinstance(x, RaggedTensor):
        return function(x, *others)
    return x.with_flat_values(function(x.flat_values, *[y.flat_values for y in others]))


def _one(op: str, kind: str, x: RaggedTensor, axis: int) -> Any:
    """Over one axis."""
    if axis > 1:
        inner = x.values
        if isinstance(inner, RaggedTensor):
            return x.with_values(_one(op, kind, inner, axis - 1))
        return x.with_values(_WHOLE[kind](inner, axis - 1))
    ids, count = (_place(x), _longest(x)) if axis == 0 else (x.value_rowids(), _rows(x))
    return _grouped(op, kind, x.values, ids, count)


def _grouped(op: str, kind: str, values: Any, ids: Tensor, count: Any) -> Any:
    """The rows of values with equal ids, as one: [count, ...]."""
    if not isinstance(values, RaggedTensor):
        return _SEGMENTS[kind](values, ids, count)
    # A row of the result is as long as the longest that went into it.
    ends = values.row_lengths()
    lengths = maths.maximum(segments.unsorted_segment_max(ends, ids, count), 0)
    splits = splits_of(lengths)
    begin = indexing.gather(splits[:-1], ids)
    inner = indexing.gather(begin, values.value_rowids()) + _place(values)
    (total,) = run_time.sizes_of(shaping.reshape(splits[-1], (1,)))
    return RaggedTensor(_grouped(op, kind, values.values, inner, total), splits, internal=True)


def _place(x: RaggedTensor) -> Tensor:
    """Which one of its row each value is."""
    starts = x.for_each_value(x.row_starts())
    return creation.iota(starts.spec.shape, 0, x.row_splits.dtype) - starts


def _rows(x: RaggedTensor) -> Any:
    return x.row_splits.spec.shape[0] - 1


def _longest(x: RaggedTensor) -> Any:
    (count,) = run_time.sizes_of(shaping.reshape(x._width(x.row_splits.dtype), (1,)))
    return count


# --- over the elements of each row --------------------------------------------------------------


def softmax(logits: RaggedTensor, axis: int = -1, name: str | None = None) -> RaggedTensor:
    """Of the elements of each row, or of the last axis of the values."""
    rank = len(logits.shape)
    at = _axis("softmax", int(axis), rank)
    if isinstance(logits.values, RaggedTensor) and at > 1:
        return logits.with_values(softmax(logits.values, at - 1))
    if at > 1:
        from numflow.ops.activation import softmax as plain

        return logits.with_values(plain(logits.values, at - 1))
    if at != 1 or rank != 2:
        problem = f"axis is {axis}; of a ragged tensor it takes the last axis"
        raise ShapeError(explain("softmax", problem))
    ids, count, x = logits.value_rowids(), _rows(logits), logits.values
    powers = maths.exp(x - indexing.gather(segments.unsorted_segment_max(x, ids, count), ids))
    total = segments.unsorted_segment_sum(powers, ids, count)
    return logits.with_values(powers / indexing.gather(total, ids))


def cumsum(
    x: RaggedTensor,
    axis: int = 0,
    exclusive: bool = False,
    reverse: bool = False,
    name: str | None = None,
) -> RaggedTensor:
    """Running sums of the elements of each row."""
    at = _axis("cumsum", int(axis), len(x.shape))
    if at == 0:
        raise ShapeError(explain("cumsum", "axis is 0; of a ragged tensor it takes the others"))
    if at > 1:
        inner = x.values
        ragged = isinstance(inner, RaggedTensor)
        return x.with_values((cumsum if ragged else scan.cumsum)(inner, at - 1, exclusive, reverse))
    if isinstance(x.values, RaggedTensor):
        problem = "axis is 1, whose rows are ragged again; it takes the last ragged axis"
        raise ShapeError(explain("cumsum", problem))
    sums = scan.cumsum(x.to_tensor(), 1, exclusive, reverse)
    return RaggedTensor.from_tensor(sums, lengths=x.row_lengths())
