"""Rows added up by number: segments, histograms of pairs of classes, and rows looked up."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import indexing, linalg
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.checks import checked_index
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.precision import single
from numflow.shapes import Extent, product

# --- sums of segments --------------------------------------------------------------------


def unsorted_segment_sum(
    data: TensorLike, segment_ids: TensorLike, num_segments: Any, name: str | None = None
) -> Tensor:
    """For each number, the sum of the rows that bear it; a row with a negative number is left out.

    Args:
      data: floating [rows..., ...].
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
    op = "unsorted_segment_sum"
    x, numbers = _segments(op, data, segment_ids)
    (count,) = static_ints(num_segments, op, "num_segments")
    if isinstance(count, int) and count < 0:
        raise InvalidArgumentError(explain(op, f"num_segments is negative: {count}"))
    return _sums(op, x, numbers, count)


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


def _sums(op: str, x: Tensor, numbers: Tensor, count: Extent) -> Tensor:
    """One row more takes what is left out, and is cut off."""
    rank = numbers.spec.rank
    rows = shaping.reshape(x, (product(x.spec.shape[:rank]), *x.spec.shape[rank:]))
    flat = maths.cast(shaping.reshape(numbers, (rows.spec.shape[0],)), dtypes.int64)
    spare = shaping.size_tensor(count, dtypes.int64)
    place = selections.where(flat < 0, spare, checked_below(flat, count, op))
    wide = maths.cast(rows, dtypes.float64) if x.dtype.is_integer else single(rows)
    shape = (count + 1, *rows.spec.shape[1:])
    total = indexing.scatter_add_op(wide, place, shape=shape, axis=0, batch_dims=0)
    return maths.cast(total[:count], x.dtype)


def checked_below(numbers: Tensor, count: Extent, op: str) -> Tensor:
    """numbers, refused where one is not below count; negative ones become 0."""
    positive = maths.maximum(numbers, shaping.zeros_like(numbers))
    return checked_index(positive, count, op, "segment")


def segment_sum(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Tensor:
    """For each number up to the last, the sum of its rows. Eager only: the last decides the shape.

    Args:
      data: numbers [rows, ...].
      segment_ids: integers [rows], none negative, in order.

    Raises:
      InvalidArgumentError: the numbers are not in order, or negative.

    Example:
      >>> nf.math.segment_sum([1, 2, 4], [0, 0, 2]).numpy().tolist()
      [3, 0, 4]
    """
    x, numbers = _segments("segment_sum", data, segment_ids)
    return _sums("segment_sum", x, numbers, _sorted_count("segment_sum", numbers))


def segment_mean(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Tensor:
    """For each number up to the last, the mean of its rows, 0 of none; as segment_sum.

    Example:
      >>> nf.math.segment_mean([1.0, 2.0, 4.0], [0, 0, 2]).numpy().tolist()
      [1.5, 0.0, 4.0]
    """
    x, numbers = _segments("segment_mean", data, segment_ids)
    count = _sorted_count("segment_mean", numbers)
    ones = shaping.ones([numbers.spec.size], dtypes.float64)
    many = maths.maximum(_sums("segment_mean", ones, numbers, count), 1.0)
    many = maths.cast(many, x.dtype)
    shape = (count, *(1 for _ in x.spec.shape[1:]))
    return maths.divide(_sums("segment_mean", x, numbers, count), shaping.reshape(many, shape))


def _sorted_count(op: str, numbers: Tensor) -> int:
    known = np.asarray(numbers)
    if known.ndim != 1 or np.any(np.diff(known) < 0) or np.any(known < 0):
        shown = {"segment_ids": numbers.spec}
        raise InvalidArgumentError(
            explain(op, "segment_ids must be in order, none negative", shown)
        )
    return int(known[-1]) + 1 if known.size else 0


# --- confusion_matrix, embedding_lookup --------------------------------------------------


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
      num_classes: default one more than the largest of both (eager only).
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
        both = np.concatenate([np.asarray(truth), np.asarray(guess)])
        count = int(both.max(initial=-1)) + 1
    else:
        (count,) = static_ints(num_classes, op, "num_classes")
    rows, columns = (checked_index(t, count, op, "class") for t in (truth, guess))
    each = shaping.ones(truth.spec.shape, dtypes.float64)
    if weights is not None:
        each = maths.cast(as_tensor(weights, None, op, "weights"), dtypes.float64)
    flat = _sums(op, each, rows * count + columns, count * count)
    return maths.cast(shaping.reshape(flat, (count, count)), dtype)


def embedding_lookup(
    params: TensorLike, ids: TensorLike, max_norm: Any = None, name: str | None = None
) -> Tensor:
    """The rows of params at ids; with max_norm those that are longer are shortened to it.

    Args:
      params: floating [rows, ...]; a list of one.
      ids: integers [...], in [0, rows).
      max_norm: the greatest L2 norm of a row, or None.

    Raises:
      InvalidArgumentError: an id is out of range.
      ValueError: params is a list of several parts.

    Example:
      >>> nf.nn.embedding_lookup([[1.0, 2.0], [3.0, 4.0]], [1, 1]).numpy().tolist()
      [[3.0, 4.0], [3.0, 4.0]]
    """
    if isinstance(params, list | tuple) and params and isinstance(params[0], Tensor):
        if len(params) != 1:
            raise ValueError(explain("embedding_lookup", "params in several parts are not served"))
        params = params[0]
    rows = indexing.gather(params, ids)
    if max_norm is None:
        return rows
    axes = list(np.arange(as_tensor(ids).spec.rank, rows.spec.rank))
    length = linalg.norm(rows, axis=[int(k) for k in axes], keepdims=True)
    return rows * max_norm / maths.maximum(length, max_norm)
