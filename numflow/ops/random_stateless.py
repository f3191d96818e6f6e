"""Random numbers that depend on a seed alone, and seeds made of seeds.

The same seed gives the same numbers, whatever was drawn before, eager and compiled; a seed may be a
tensor that a compiled function takes.
"""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import joining
from numflow.ops.convert import as_tensor, static_int, static_shape
from numflow.ops.random import (
    all_bits,
    float_dtype,
    normal_of,
    number_dtype,
    truncated_of,
    uniform_of,
)
from numflow.ops.random_state import State, seed_pair, stateless
from numflow.shapes import Shape

# --- uniform ---------------------------------------------------------------------------


def stateless_uniform(
    shape: Any,
    seed: Any,
    minval: TensorLike = 0,
    maxval: TensorLike = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:
    """As uniform, but the numbers depend on seed (two integers) alone.

    Args:
      minval, maxval: both None, for integers: every number of the dtype.
      alg: "philox" or "auto_select", which are the same.

    Raises:
      ShapeError: seed is not of two integers.
      ValueError: for integers, one of minval and maxval is None.

    Example:
      >>> a, b = (nf.random.stateless_uniform([2], seed=[1, 2]).numpy() for _ in range(2))
      >>> a.tolist() == b.tolist()
      True
    """
    op = "random.stateless_uniform"
    want = number_dtype(op, dtype)
    sizes = static_shape(shape, op)
    return drawn_uniform(op, stateless(seed, op, alg), sizes, minval, maxval, want)


def drawn_uniform(
    op: str, state: State, shape: Shape, minval: Any, maxval: Any, want: dtypes.DType
) -> Tensor:
    """Numbers from [minval, maxval); of integers, all if both are None."""
    if want.is_integer:
        if (minval is None) is not (maxval is None):
            text = "integers need both minval and maxval: maxval is missing"
            text = text if maxval is None else "integers need both minval and maxval, or neither"
            raise ValueError(explain(op, text, {"minval": minval, "maxval": maxval}))
        if minval is None:
            return all_bits(state, shape, want)
    low, high = 0 if minval is None else minval, 1 if maxval is None else maxval
    return uniform_of(op, state, shape, low, high, want)


# --- normal, truncated_normal --------------------------------------------------------------


def stateless_normal(
    shape: Any,
    seed: Any,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:
    """As normal, but the numbers depend on seed (two integers) alone.

    Example:
      >>> a, b = (nf.random.stateless_normal([2], seed=[1, 2]).numpy() for _ in range(2))
      >>> a.tolist() == b.tolist()
      True
    """
    op = "random.stateless_normal"
    want = float_dtype(op, dtype)
    state = stateless(seed, op, alg)
    return normal_of(op, state, static_shape(shape, op), mean, stddev, want)


def stateless_truncated_normal(
    shape: Any,
    seed: Any,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:
    """As truncated_normal, but the numbers depend on seed (two integers) alone.

    Example:
      >>> x = nf.random.stateless_truncated_normal([1000], seed=[1, 2], mean=5.0)
      >>> bool(nf.reduce_all((x >= 3.0) & (x <= 7.0)))
      True
    """
    op = "random.stateless_truncated_normal"
    want = float_dtype(op, dtype)
    state = stateless(seed, op, alg)
    return truncated_of(op, state, static_shape(shape, op), mean, stddev, want)


# --- seeds of seeds ------------------------------------------------------------------------


def split(seed: Any, num: Any = 2, alg: Any = "auto_select") -> Tensor:
    """num new seeds, each of whose draws are independent of the others' and of seed's.

    Args:
      seed: int32 or int64 [2].
      num: how many.

    Returns:
      [num, 2], in the dtype of seed.

    Example:
      >>> a, b = nf.random.split([1, 2])
      >>> bool(nf.reduce_all(a == b))
      False
    """
    op = "random.split"
    count = static_int(num, op, "num", sizes=True)
    state = stateless(seed, op, alg)
    return all_bits(state, static_shape([count, 2], op, "num"), seed_pair(seed, op).dtype)


def fold_in(seed: Any, data: Any, alg: Any = "auto_select") -> Tensor:
    """A new seed made of seed and an integer, such as the number of a step or of a replica.

    Args:
      seed: int32 or int64 [2].
      data: an int32 or int64 scalar.

    Returns:
      [2], in the dtype of data.

    Raises:
      ShapeError: data is no scalar.
      DTypeError: data is not of int32 or int64.

    Example:
      >>> a, b = nf.random.fold_in([1, 2], 3), nf.random.fold_in([1, 2], 4)
      >>> bool(nf.reduce_all(a == b))
      False
    """
    op = "random.fold_in"
    number = as_tensor(data, None, op, "data")
    if number.dtype not in (dtypes.int32, dtypes.int64):
        problem = f"data is {number.dtype.name}, not int32 or int64"
        raise DTypeError(explain(op, problem, {"data": number.spec}))
    if number.spec.rank:
        raise ShapeError(explain(op, "data must be one number", {"data": number.spec}))
    first = all_bits(stateless(seed, op, alg), (), number.dtype)
    return joining.stack([first, number])
