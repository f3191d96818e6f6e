"""Rows folded by number: segments, histograms, pairs of classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.building import SymbolicTensor
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import creation, joining, plain, run_time, scan, scatter
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.checks import checked_count, checked_index, known_values
from numflow.ops.convert import as_tensor, static_int, static_shape, static_size
from numflow.ops.precision import single
from numflow.shapes import Extent, maximum, minimum, product

# --- segments with any number of rows ----------------------------------------------------


def unsorted_segment_sum(
    data: TensorLike, segment_ids: TensorLike, num_segments: Any, name: str | None = None
) -> Tensor:
    """For each number, the sum of the rows that bear it; a row with a negative number is left out.

    Args:
      data: numbers [rows..., ...].
      segment_ids: integers [rows...], below num_segments.
      num_segments: how many sums; a number.

    Returns:
      [num_segments, ...]; 0 where no row has the number.

    Raises:
      InvalidArgumentError: a number is not below num_segments.
      ShapeError: segment_ids is not the front of data's shape.

    Example:
      >>> nf.math.unsorted_segment_sum([1.0, 2.0, 4.0], [1, 0, 1], 3).numpy().tolist()
      [2.0, 5.0, 0.0]
    """
    return _unsorted("unsorted_segment_sum", data, segment_ids, num_segments, "add", 0)


def unsorted_segment_prod(
    data: TensorLike, segment_ids: TensorLike, num_segments: Any, name: str | None = None
) -> Tensor:
    """For each number, the product of its rows, 1 of none; arguments as for unsorted_segment_sum.

    Example:
      >>> nf.math.unsorted_segment_prod([3.0, 2.0, 4.0], [1, 0, 1], 3).numpy().tolist()
      [2.0, 12.0, 1.0]
    """
    return _unsorted("unsorted_segment_prod", data, segment_ids, num_segments, "multiply", 1)


def unsorted_segment_max(
    data: TensorLike, segment_ids: TensorLike, num_segments: Any, name: str | None = None
) -> Tensor:
    """For each number, the largest of its rows; of none the least finite value of the dtype.

    Example:
      >>> nf.math.unsorted_segment_max([3, 2, 4], [1, 0, 1], 2).numpy().tolist()
      [2, 4]
    """
    op = "unsorted_segment_max"
    return _unsorted(op, data, segment_ids, num_segments, "maximum", _least)


def unsorted_segment_min(
    data: TensorLike, segment_ids: TensorLike, num_segments: Any, name: str | None = None
) -> Tensor:
    """For each number, the smallest of its rows; of none the greatest finite value of the dtype.

    Example:
      >>> nf.math.unsorted_segment_min([3, 2, 4], [1, 0, 1], 2).numpy().tolist()
      [2, 3]
    """
    op = "unsorted_segment_min"
    return _unsorted(op, data, segment_ids, num_segments, "minimum", _greatest)


def unsorted_segment_mean(
    data: TensorLike, segment_ids: TensorLike, num_segments: Any, name: str | None = None
) -> Tensor:
    """For each number, the mean of its rows, 0 of none; arguments as for unsorted_segment_sum.

    Example:
      >>> nf.math.unsorted_segment_mean([3.0, 2.0, 4.0], [1, 0, 1], 3).numpy().tolist()
      [2.0, 3.5, 0.0]
    """
    x, numbers = _segments("unsorted_segment_mean", data, segment_ids)
    return _means(
        "unsorted_segment_mean", x, numbers, _count("unsorted_segment_mean", num_segments)
    )


def unsorted_segment_sqrt_n(
    data: TensorLike, segment_ids: TensorLike, num_segments: Any, name: str | None = None
) -> Tensor:
    """For each number, the sum of its rows over the root of how many they are.

    Example:
      >>> nf.math.unsorted_segment_sqrt_n([1.0, 1.0, 1.0, 1.0], [1, 1, 1, 1], 2).numpy().tolist()
      [0.0, 2.0]
    """
    op = "unsorted_segment_sqrt_n"
    x, numbers = _segments(op, data, segment_ids)
    if not x.dtype.is_floating:
        raise DTypeError(explain(op, f"data is {x.dtype.name}, not floating", {"data": x.spec}))
    count = _count(op, num_segments)
    many = maths.cast(_sizes(op, x, numbers, count), single(x).dtype)
    total = single(_folded(op, x, numbers, count, "add", 0))
    return maths.cast(total / maths.sqrt(many), x.dtype)


def _least(dtype: dtypes.DType) -> Any:
    return dtype.min


def _greatest(dtype: dtypes.DType) -> Any:
    return dtype.max


def _unsorted(
    op: str, data: TensorLike, segment_ids: TensorLike, num_segments: Any, kind: str, start: Any
) -> Tensor:
    x, numbers = _segments(op, data, segment_ids)
    return _folded(op, x, numbers, _count(op, num_segments), kind, start)


def _count(op: str, num_segments: Any) -> Extent:
    count = static_int(num_segments, op, "num_segments", sizes=True)
    if isinstance(count, int) and count < 0:
        raise InvalidArgumentError(explain(op, f"num_segments is negative: {count}"))
    return count


def _segments(op: str, data: TensorLike, segment_ids: TensorLike) -> tuple[Tensor, Tensor]:
    x = as_tensor(data, None, op, "data")
    numbers = as_tensor(segment_ids, None, op, "segment_ids")
    shown = {"data": x.spec, "segment_ids": numbers.spec}
    if not numbers.dtype.is_integer:
        raise DTypeError(explain(op, f"segment_ids is {numbers.dtype.name}, not an integer", shown))
    if not x.dtype.is_numeric or x.dtype.is_complex:
        raise DTypeError(explain(op, f"does not take {x.dtype.name}", shown))
    if x.spec.shape[: numbers.spec.rank] != numbers.spec.shape:
        raise ShapeError(explain(op, "segment_ids must be the front of data's shape", shown))
    return x, numbers


def _folded(op: str, x: Tensor, numbers: Tensor, count: Extent, kind: str, start: Any) -> Tensor:
    """Rows of `start`, which the rows of x meet by number; negative numbers are left out.

    start: a number, or what it is for a dtype.
    """
    rest = x.spec.shape[numbers.spec.rank :]
    many, inner = product(numbers.spec.shape), product(rest)
    rows = single(shaping.reshape(x, (many, inner)))
    flat = maths.cast(shaping.reshape(numbers, (many,)), dtypes.int64)
    outside = flat < shaping.zeros_like(flat)
    place = selections.where(outside, flat, checked_below(flat, count, op))
    first = start(x.dtype) if callable(start) else start
    base = shaping.fill((count, inner), as_tensor(first, rows.dtype))
    folded = scatter.scattered(op, base, place, rows, kind, drop=True)
    return maths.cast(shaping.reshape(folded, (count, *rest)), x.dtype)


def checked_below(numbers: Tensor, count: Extent, op: str) -> Tensor:
    """numbers, refused where one is not below count; negative ones become 0."""
    positive = maths.maximum(numbers, shaping.zeros_like(numbers))
    return checked_index(positive, count, op, "segment")


def _sizes(op: str, x: Tensor, numbers: Tensor, count: Extent) -> Tensor:
    """How many rows bear each number, at least 1, float64 [count, 1...]."""
    ones = shaping.ones(numbers.spec.shape, dtypes.float64)
    many = maths.maximum(_folded(op, ones, numbers, count, "add", 0), 1.0)
    rest = x.spec.rank - numbers.spec.rank
    return shaping.reshape(many, (count, *(1 for _ in range(rest))))


def _means(op: str, x: Tensor, numbers: Tensor, count: Extent) -> Tensor:
    """Integers are rounded towards zero."""
    wide = maths.cast(x, dtypes.float64) if x.dtype.is_integer else single(x)
    total = _folded(op, wide, numbers, count, "add", 0)
    return maths.cast(total / maths.cast(_sizes(op, x, numbers, count), total.dtype), x.dtype)


# --- segments in order -------------------------------------------------------------------


def segment_sum(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Tensor:
    """For each number up to the last, the sum of its rows. The last number decides the shape.

    Args:
      data: numbers [rows, ...].
      segment_ids: integers [rows], none negative, in order.

    Raises:
      InvalidArgumentError: the numbers are not in order, or negative.

    Example:
      >>> nf.math.segment_sum([1, 2, 4], [0, 0, 2]).numpy().tolist()
      [3, 0, 4]
    """
    x, numbers, count = _ordered("segment_sum", data, segment_ids)
    return _folded("segment_sum", x, numbers, count, "add", 0)


def segment_mean(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Tensor:
    """For each number up to the last, the mean of its rows, 0 of none; as segment_sum.

    Example:
      >>> nf.math.segment_mean([1.0, 2.0, 4.0], [0, 0, 2]).numpy().tolist()
      [1.5, 0.0, 4.0]
    """
    x, numbers, count = _ordered("segment_mean", data, segment_ids)
    return _means("segment_mean", x, numbers, count)


def segment_prod(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Tensor:
    """For each number up to the last, the product of its rows, 1 of none; as segment_sum.

    Example:
      >>> nf.math.segment_prod([3, 2, 4], [0, 0, 2]).numpy().tolist()
      [6, 1, 4]
    """
    x, numbers, count = _ordered("segment_prod", data, segment_ids)
    return _folded("segment_prod", x, numbers, count, "multiply", 1)


def segment_max(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Tensor:
    """For each number up to the last, the largest of its rows, 0 of none; as segment_sum.

    Example:
      >>> nf.math.segment_max([3, 2, 4], [0, 0, 2]).numpy().tolist()
      [3, 0, 4]
    """
    return _ordered_extreme("segment_max", data, segment_ids, "maximum", _least)


def segment_min(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Tensor:
    """For each number up to the last, the smallest of its rows, 0 of none; as segment_sum.

    Example:
      >>> nf.math.segment_min([3, 2, 4], [0, 0, 2]).numpy().tolist()
      [2, 0, 4]
    """
    return _ordered_extreme("segment_min", data, segment_ids, "minimum", _greatest)


def _ordered(op: str, data: TensorLike, segment_ids: TensorLike) -> tuple[Tensor, Tensor, Extent]:
    """The data, the numbers, and one more than the last of them."""
    x, numbers = _segments(op, data, segment_ids)
    values = known_values(numbers)
    if values is None and numbers.spec.rank == 1:
        steps = maths.cast(numbers[1:], dtypes.int64) - maths.cast(numbers[:-1], dtypes.int64)
        up = checked_count(steps, op, "segment_ids must be in order: a step of")
        first = checked_count(maths.cast(numbers[:1], dtypes.int64), op, "a number of segment_ids,")
        checked = scan.cumsum(joining.concat([first, up], 0))  # the numbers, when they are in order
        return x, checked, _one_more(checked)
    if values is None or values.ndim != 1 or np.any(values[1:] < values[:-1]) or np.any(values < 0):
        shown = {"segment_ids": numbers.spec}
        raise InvalidArgumentError(
            explain(op, "segment_ids must be in order, none negative", shown)
        )
    return x, numbers, int(values[-1]) + 1 if values.size else 0


def _one_more(numbers: Tensor) -> Extent:
    """One more than the largest of some numbers, 0 of none, when the program runs."""
    flat = maths.cast(shaping.reshape(numbers, (numbers.spec.size,)), dtypes.int64)
    padded = joining.concat([flat, as_tensor(np.array([-1]))], 0)
    (count,) = run_time.sizes_of(reductions.reduce_max(padded) + 1)
    return count


def _ordered_extreme(
    op: str, data: TensorLike, segment_ids: TensorLike, kind: str, start: Any
) -> Tensor:
    x, numbers, count = _ordered(op, data, segment_ids)
    found = _folded(op, x, numbers, count, kind, start)
    ones = shaping.ones(numbers.spec.shape, dtypes.int32)
    present = _folded(op, ones, numbers, count, "add", 0) > 0
    there = shaping.reshape(present, (count, *(1 for _ in x.spec.shape[1:])))
    return selections.where(there, found, shaping.zeros_like(found))


# --- bincount ----------------------------------------------------------------------------


def bincount(
    arr: TensorLike,
    weights: TensorLike = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    axis: Any = None,
    binary_output: bool = False,
) -> Tensor:
    """How often each value 0, 1, ... occurs. The largest value decides the shape.

    Args:
      arr: integers [...], none negative.
      weights: what each one counts, of arr's shape; default 1.
      minlength, maxlength: bounds of the result's length. Values from maxlength on are not counted.
      dtype: of the result; weights keep theirs.
      axis: None, or 0: over all of arr; -1: for each row of a matrix.
      binary_output: 1 where a value occurs at all, in place of how often.

    Raises:
      InvalidArgumentError: a value is negative; binary_output together with weights.
      ShapeError: weights have another shape than arr; there is no such axis.

    Example:
      >>> nf.math.bincount([1, 3, 1]).numpy().tolist()
      [0, 2, 0, 1]
    """
    op = "bincount"
    x = as_tensor(arr, None, op, "arr")
    shown = {"arr": x.spec, "axis": axis}
    if not x.dtype.is_integer:
        raise DTypeError(explain(op, f"arr is {x.dtype.name}, not an integer", shown))
    if axis is not None:
        axis = static_int(axis, op, "axis")
    if axis not in (None, 0, -1) or (axis == -1 and x.spec.rank not in (1, 2)):
        raise ShapeError(explain(op, "axis must be None, 0, or -1 for a vector or matrix", shown))
    binary_output = plain.flag(binary_output, op, "binary_output")
    size = _bins(op, x, minlength, maxlength)
    if weights is None:
        each = shaping.ones(x.spec.shape, dtype)
    else:
        each = as_tensor(weights, None, op, "weights")
        if each.spec.shape != x.spec.shape or binary_output:
            shown["weights"] = each.spec
            if binary_output:
                raise InvalidArgumentError(explain(op, "binary_output takes no weights", shown))
            raise ShapeError(explain(op, "weights must have arr's shape", shown))
    values = checked_index(maths.cast(x, dtypes.int64), dtypes.int64.max, op, "value")
    counted = values < shaping.size_tensor(size, dtypes.int64)
    shape: tuple[Extent, ...] = (size,)
    if axis == -1 and x.spec.rank == 2:
        shape = (x.spec.shape[0], size)
        row = creation.iota(x.spec.shape, 0, dtypes.int64)
        values = values + row * shaping.size_tensor(size, dtypes.int64)
    nowhere = shaping.zeros_like(values) - 1
    place = selections.where(counted, values, nowhere)
    kind = "maximum" if binary_output else "add"
    return shaping.reshape(_folded(op, each, place, product(shape), kind, 0), shape)


def _not_negative(n: Any, op: str, name: str) -> Any:
    """n; a tensor of a trace is refused when the program runs, if it is negative."""
    if not isinstance(n, SymbolicTensor) or n.content is not None or not n.dtype.is_integer:
        return n
    return checked_count(n, op, name)


def _bins(op: str, x: Tensor, minlength: Any, maxlength: Any) -> Extent:
    """The length of a histogram."""
    low, high = (
        None if n is None else static_int(_not_negative(n, op, label), op, label, sizes=True)
        for n, label in ((minlength, "minlength"), (maxlength, "maxlength"))
    )
    if any(isinstance(n, int) and n < 0 for n in (low, high)):
        shown = {"minlength": low, "maxlength": high}
        raise InvalidArgumentError(explain(op, "a length is negative", shown))
    if high is not None and low == high:
        return high
    values = known_values(x)
    found = _one_more(x) if values is None else (int(values.max()) + 1 if values.size else 0)
    size = maximum(found, low or 0)
    return size if high is None else minimum(size, high)


# --- confusion_matrix --------------------------------------------------


def confusion_matrix(
    labels: TensorLike,
    predictions: TensorLike,
    num_classes: Any = None,
    weights: TensorLike = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """out[i, j]: how often, or with what weight, class i was taken for j.

    Args:
      labels, predictions: integers [n].
      num_classes: default one more than the largest of both.
      weights: numbers [n], default 1.
      dtype: of the result.

    Raises:
      InvalidArgumentError: a class is not in [0, num_classes).
      ShapeError: labels and predictions differ in shape.

    Example:
      >>> nf.math.confusion_matrix([0, 1, 1], [0, 1, 0]).numpy().tolist()
      [[1, 0], [1, 1]]
    """
    op = "confusion_matrix"
    truth = maths.cast(as_tensor(labels, None, op, "labels"), dtypes.int64)
    guess = maths.cast(as_tensor(predictions, None, op, "predictions"), dtypes.int64)
    if truth.spec.shape != guess.spec.shape or truth.spec.rank != 1:
        shown = {"labels": truth.spec, "predictions": guess.spec}
        raise ShapeError(explain(op, "labels and predictions must be [n]", shown))
    if num_classes is None:
        both = joining.concat([truth, guess], 0)
        known = known_values(both)
        count = _one_more(both) if known is None else int(known.max(initial=-1)) + 1  # of int64
    else:
        count = static_size(num_classes, op, "num_classes")
    static_shape((count, count), op, "[classes, classes]")
    rows, columns = (checked_index(t, count, op, "class") for t in (truth, guess))
    each = shaping.ones(truth.spec.shape, dtypes.float64)
    if weights is not None:
        each = maths.cast(as_tensor(weights, None, op, "weights"), dtypes.float64)
    place = rows * shaping.size_tensor(count, dtypes.int64) + columns
    flat = _folded(op, each, place, count * count, "add", 0)
    return maths.cast(shaping.reshape(flat, (count, count)), dtype)
