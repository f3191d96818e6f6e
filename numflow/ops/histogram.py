"""Histograms of equal bins: which bin each value is in, and how many are in each."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, finite, power, segments
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.ops.shape_queries import get_static_value


def _bins(op: str, values: TensorLike, value_range: TensorLike, nbins: Any) -> tuple[Tensor, int]:
    """(int32 number of the bin of each value, number of bins)."""
    x = as_tensor(values, None, op, "values")
    if not x.dtype.is_numeric or x.dtype.is_complex:
        problem = f"values is {x.dtype.name}, not a real number"
        raise DTypeError(explain(op, problem, {"values": x.spec}))
    ends = as_tensor(value_range, x.dtype, op, "value_range")
    if ends.spec.shape != (2,):
        raise ShapeError(explain(op, "value_range is [low, high]", {"value_range": ends.spec}))
    count = static_int(nbins, op, "nbins")
    if not isinstance(count, int) or count < 1:
        raise InvalidArgumentError(explain(op, f"nbins is {count}, not positive"))
    if count >= 1 << 31:
        raise InvalidArgumentError(explain(op, f"nbins is {count}, beyond 32 bits"))
    wide = dtypes.float64 if x.dtype.size > 4 or x.dtype.is_integer else dtypes.float32
    low, high = maths.cast(ends[0], wide), maths.cast(ends[1], wide)
    known = get_static_value(ends)
    if known is None:
        ordered = maths.cast(low < high, dtypes.int32)
        message = "value_range is not ordered: low must be below high"
        high = high * maths.cast(checks.checked_positive(ordered, op, message), wide)
    elif not known[0] < known[1] or not np.isfinite(np.float64(known[1]) - known[0]):
        problem = "value_range is not ordered: low must be below high"
        if known[0] < known[1]:
            problem = "value_range is not finite"
        raise InvalidArgumentError(explain(op, problem, {"value_range": known.tolist()}))
    place = (maths.cast(x, wide) - low) / (high - low)
    place = maths.minimum(maths.maximum(place, 0.0), 1.0)  # what is outside is in the end bins
    number = maths.cast(power.floor(place * float(count)), dtypes.int32)
    return maths.minimum(number, count - 1), count


def histogram_fixed_width_bins(
    values: TensorLike,
    value_range: TensorLike,
    nbins: Any = 100,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """The number of the bin, of nbins equal ones, that each value is in.

    Args:
      values: real numbers [...]; those below the range are in the first bin, those above in the
        last.
      value_range: [low, high] of the dtype of values.
      nbins: how many.
      dtype: an integer dtype.

    Raises:
      InvalidArgumentError: nbins is not positive, or low is not below high; when the program runs,
        if traced.
      ShapeError: value_range is not two numbers.

    Example:
      >>> nf.histogram_fixed_width_bins([-1.0, 0.5, 1.5, 9.0], [0.0, 2.0], 2).numpy().tolist()
      [0, 0, 1, 1]
    """
    number, _ = _bins("histogram_fixed_width_bins", values, value_range, nbins)
    return maths.cast(number, dtype)


def histogram_fixed_width(
    values: TensorLike,
    value_range: TensorLike,
    nbins: Any = 100,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """How many values are in each of nbins equal bins: see histogram_fixed_width_bins.

    Returns:
      dtype [nbins].

    Raises:
      InvalidArgumentError: also where a value is nan.

    Example:
      >>> nf.histogram_fixed_width([-1.0, 0.5, 1.5, 9.0, 9.0], [0.0, 2.0], 2).numpy().tolist()
      [2, 3]
    """
    op = "histogram_fixed_width"
    number, count = _bins(op, values, value_range, nbins)
    x = as_tensor(values)
    if x.dtype.is_floating:
        usual = maths.cast(~finite.is_nan(x), dtypes.int32)
        number = number * checks.checked_positive(usual, op, "a value is nan")
    flat = shaping.reshape(number, [-1])
    ones = shaping.ones_like(flat, dtypes.as_dtype(dtype))
    return segments.unsorted_segment_sum(ones, flat, count)
