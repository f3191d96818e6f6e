"""Uniform and normal random numbers: of the global seed. random_stateless.py has their twins.

The numbers follow from (key, step) and the element alone (random_state.py, random_bits.py), and so
does what is made of them here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, explain
from numflow.graph.lowering import Elementwise
from numflow.graph.op import Op
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, power
from numflow.ops import math as maths
from numflow.ops.convert import as_tensor, known_content, static_shape
from numflow.ops.random_bits import bits_op, fill, floats, normal_op, truncated_op, uniform_op
from numflow.ops.random_state import State, draw
from numflow.ops.shape_rules import binary
from numflow.shapes import Shape

# --- scaling ---------------------------------------------------------------------------

product_op = Op(
    "product",
    binary("product"),
    np.multiply,
    maths.broadcasting(lambda ct, z, x, y: ct * y, lambda ct, z, x, y: ct * x),
    Elementwise(lambda b, x, y: b.math("product", x, y)),
)
"""x * y, which compiled code does not fuse with a sum behind it: eager code does not either."""


# --- uniform ---------------------------------------------------------------------------


def uniform(
    shape: Any,
    minval: TensorLike = 0,
    maxval: TensorLike = None,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Numbers from [minval, maxval), each as likely as any other.

    Args:
      shape: sizes.
      minval, maxval: numbers, or tensors that broadcast to shape; maxval defaults to 1 for floats
        and is needed for integers.
      dtype: a float, int32, int64, or another integer dtype.
      seed: of this op; see set_seed.

    Raises:
      InvalidArgumentError: an integer range is empty.
      ValueError: maxval is missing for integers.

    Example:
      >>> x = nf.random.uniform([1000], 2.0, 3.0)
      >>> bool(nf.reduce_all((x >= 2.0) & (x < 3.0)))
      True
    """
    op = "random.uniform"
    want = number_dtype(op, dtype)
    sizes = static_shape(shape, op)
    if want.is_integer and maxval is None:
        raise ValueError(explain(op, "maxval is missing: integers have no default range"))
    low = 0 if minval is None else minval
    return uniform_of(op, draw(seed), sizes, low, 1 if maxval is None else maxval, want)


def number_dtype(op: str, dtype: Any) -> dtypes.DType:
    """A dtype that can be drawn uniformly.

    Raises:
      DTypeError: it is neither floating nor of integers.
    """
    want = dtypes.as_dtype(dtype)
    if not (want.is_integer or want.is_floating):
        raise DTypeError(explain(op, f"does not make {want.name}"))
    return want


def uniform_of(
    op: str, state: State, shape: Shape, minval: Any, maxval: Any, want: dtypes.DType
) -> Tensor:
    """The numbers of a draw, from [minval, maxval)."""
    low = as_tensor(minval, want, op, "minval")
    high = as_tensor(maxval, want, op, "maxval")
    if want.is_integer:
        return _integers(op, state, shape, low, high, want)
    u = floats(uniform_op, state, shape, want)
    if want.size == 2:  # as many bits as the dtype has: rounding up would give 1
        steps = 2.0**11 if want is dtypes.float16 else 2.0**8
        u = power.floor(u * steps) * (1 / steps)
    u = maths.cast(u, want)
    return u if _is(minval, 0) and _is(maxval, 1) else product_op(u, high - low) + low


def _is(value: Any, number: int) -> bool:
    """Whether value is that Python number."""
    return type(value) in (int, float) and value == number


def _integers(
    op: str, state: State, shape: Shape, low: Tensor, high: Tensor, want: dtypes.DType
) -> Tensor:
    wide = dtypes.uint64 if want.is_unsigned else dtypes.int64
    from_, to = maths.cast(low, wide), maths.cast(high, wide)
    span = maths.cast(to - from_, dtypes.uint64)
    if not _known_range(op, from_, to):
        some = maths.cast(to > from_, dtypes.int32)
        above = checks.checked_positive(some, op, "minval must be below maxval")
        span = span * maths.cast(above, dtypes.uint64)
    bits = fill(bits_op, state, shape, dtypes.uint64)
    # 64 random bits: the first values are more likely by less than span / 2^64
    chosen = power.floormod_op(bits, span)
    return maths.cast(maths.cast(chosen, wide) + from_, want)


def _known_range(op: str, low: Tensor, high: Tensor) -> bool:
    """Whether the bounds are known now; they are refused if the range is empty."""
    a, b = known_content(low), known_content(high)
    if a is None or b is None:
        return False
    if np.any(a >= b):
        shown = {"minval": a.tolist(), "maxval": b.tolist()}
        raise InvalidArgumentError(explain(op, "minval must be below maxval", shown))
    return True


def all_bits(state: State, shape: Shape, want: dtypes.DType) -> Tensor:
    """Every integer of a dtype, each as likely as any other."""
    return maths.cast(fill(bits_op, state, shape, dtypes.uint64), want)


# --- normal ----------------------------------------------------------------------------


def normal(
    shape: Any,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Numbers from the normal distribution.

    Args:
      shape: sizes.
      mean, stddev: numbers, or tensors that broadcast to shape.
      dtype: floating.
      seed: of this op; see set_seed.

    Raises:
      DTypeError: dtype is not floating.

    Example:
      >>> nf.random.normal([2, 3]).shape
      TensorShape([2, 3])
    """
    op = "random.normal"
    want = float_dtype(op, dtype)
    return normal_of(op, draw(seed), static_shape(shape, op), mean, stddev, want)


def float_dtype(op: str, dtype: Any) -> dtypes.DType:
    """A floating dtype.

    Raises:
      DTypeError: it is another.
    """
    want = dtypes.as_dtype(dtype)
    if not want.is_floating:
        raise DTypeError(explain(op, f"makes floats, not {want.name}"))
    return want


def normal_of(
    op: str, state: State, shape: Shape, mean: Any, stddev: Any, want: dtypes.DType
) -> Tensor:
    """The normal numbers of a draw."""
    return _scaled(op, floats(normal_op, state, shape, want), mean, stddev, want)


def _scaled(op: str, z: Tensor, mean: Any, stddev: Any, want: dtypes.DType) -> Tensor:
    z = maths.cast(z, want)
    if not _is(stddev, 1):
        z = product_op(z, as_tensor(stddev, want, op, "stddev"))
    if not _is(mean, 0):
        z = z + as_tensor(mean, want, op, "mean")
    return z


# --- truncated_normal --------------------------------------------------------------------


def truncated_normal(
    shape: Any,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Numbers from the normal distribution within two standard deviations of the mean.

    Args:
      as for normal.

    Example:
      >>> bool(nf.reduce_all(nf.abs(nf.random.truncated_normal([1000])) <= 2.0))
      True
    """
    op = "random.truncated_normal"
    want = float_dtype(op, dtype)
    return truncated_of(op, draw(seed), static_shape(shape, op), mean, stddev, want)


def truncated_of(
    op: str, state: State, shape: Shape, mean: Any, stddev: Any, want: dtypes.DType
) -> Tensor:
    """The truncated normal numbers of a draw, by the inverse of the distribution function."""
    return _scaled(op, floats(truncated_op, state, shape, want), mean, stddev, want)
