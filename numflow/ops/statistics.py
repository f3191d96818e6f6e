"""Folds made of others: log-sum-exp, variance, deviation, norms, counts, argmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, explain
from numflow.graph.lowering import Composite
from numflow.graph.op import Op, composites_too
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, comparisons, creation, finite, plain
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.complexes import real
from numflow.ops.convert import as_tensor, static_int, static_ints
from numflow.ops.shape_rules import normal_axis
from numflow.shapes import Dim

# --- reduce_logsumexp, variance, deviation, euclidean norm -----------------------------


def reduce_logsumexp(
    input_tensor: TensorLike, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """log(sum(e^x)) over axes, without overflow; -inf of nothing, or of -inf only.

    Example:
      >>> nf.reduce_logsumexp([1000.0, 1000.0]).numpy().astype(float).round(3).item()
      1000.693
    """
    x = as_tensor(input_tensor, None, "reduce_logsumexp", "input_tensor")
    if not x.dtype.is_floating:
        raise DTypeError(
            explain(
                "reduce_logsumexp", f"input_tensor is {x.dtype.name}, not floating", {"x": x.spec}
            )
        )
    # The result does not depend on what is subtracted: the maximum, also where that is infinite, so
    # that a softmax beside this shares the exponentials. Their sum is NaN then: log 1 in its place.
    shift = shaping.stop_gradient(reductions.reduce_max(x, axis, keepdims=True))
    total = reductions.reduce_sum(maths.exp(x - shift), axis, keepdims=True)
    total = selections.where(finite.is_finite(shift), total, shaping.ones_like(total))
    result = maths.log(total) + shift
    if plain.flag(keepdims, "reduce_logsumexp", "keepdims"):
        return result
    axes = range(x.spec.rank) if axis is None else static_ints(axis, "reduce_logsumexp", "axis")
    return shaping.squeeze(result, list(axes)) if axes else result


@composites_too
def reduce_variance(
    input_tensor: TensorLike, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The mean squared distance from the mean, over axes; a real number of complex ones too.

    Example:
      >>> nf.math.reduce_variance([1.0, 3.0]).numpy().item()
      1.0
    """
    x = as_tensor(input_tensor, None, "reduce_variance", "input_tensor")
    if not x.dtype.is_floating and not x.dtype.is_complex:
        raise DTypeError(
            explain(
                "reduce_variance", f"input_tensor is {x.dtype.name}, not floating", {"x": x.spec}
            )
        )
    axes = reductions.axes_of("reduce_variance", x, axis)
    mean = reductions.reduce_mean(x, axes, keepdims=True)
    squares = maths.squared_difference(x, mean)
    return reductions.reduce_mean(real(squares), axes, keepdims)


@composites_too
def reduce_std(
    input_tensor: TensorLike, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The square root of the variance, over axes.

    Example:
      >>> nf.math.reduce_std([1.0, 3.0]).numpy().item()
      1.0
    """
    return maths.sqrt(reduce_variance(input_tensor, axis, keepdims))


def reduce_euclidean_norm(
    input_tensor: TensorLike, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The square root of the sum of squares, over axes.

    Example:
      >>> nf.math.reduce_euclidean_norm([3.0, 4.0]).numpy().item()
      5.0
    """
    x = as_tensor(input_tensor, None, "reduce_euclidean_norm", "input_tensor")
    if x.dtype.is_integer:  # as TensorFlow: rooted as floats, and back
        wide = maths.cast(x, dtypes.float64)
        return maths.cast(reduce_euclidean_norm(wide, axis, keepdims), x.dtype)
    return maths.sqrt(reductions.reduce_sum(maths.modulus_squared(x), axis, keepdims))


def count_nonzero(
    input: TensorLike,
    axis: Any = None,
    keepdims: Any = None,
    dtype: Any = dtypes.int64,
    name: str | None = None,
) -> Tensor:
    """How many elements are not 0, over axes.

    Example:
      >>> nf.math.count_nonzero([[0, 1], [2, 3]], axis=1).numpy().tolist()
      [1, 2]
    """
    x = as_tensor(input, None, "count_nonzero", "input")
    found = maths.cast(comparisons.not_equal(x, shaping.zeros_like(x)), dtypes.int64)
    return maths.cast(
        reductions.reduce_sum(found, axis, plain.flag(keepdims, "count_nonzero", "keepdims")), dtype
    )


# --- argmax, argmin --------------------------------------------------------------------


def _arg_infer(op: str) -> Any:
    def infer(x: Spec, *, axis: int, output_type: dtypes.DType) -> Spec:
        if not (x.dtype.is_floating or x.dtype.is_integer or x.dtype.is_bool):
            raise DTypeError(explain(op, f"{x.dtype.name} has no order", {"input": x}))
        if x.shape[axis] == 0:
            raise InvalidArgumentError(explain(op, f"axis {axis} is empty", {"input": x}))
        return Spec((*x.shape[:axis], *x.shape[axis + 1 :]), output_type)

    return infer


def _numbers(x: Any, least: float) -> Any:
    """x, least in place of nan: TensorFlow's comparisons pass over it."""
    return np.where(x != x, least, x) if x.dtype.kind in "fV" else x


def _arg_expand(name: str, extreme: Any, least: float) -> Any:
    """The least index at which the extreme stands, nan counted as least."""

    def expand(x: Tensor, *, axis: int, output_type: dtypes.DType) -> Tensor:
        if x.dtype.is_bool:
            x = maths.cast(x, dtypes.int32)
        if x.dtype.is_floating:
            x = selections.where(finite.is_nan(x), maths.cast(as_tensor(least), x.dtype), x)
        hit = comparisons.equal(x, extreme(x, axis, keepdims=True))
        index = creation.iota(x.spec.shape, axis, dtypes.int64)
        past = shaping.size_tensor(x.spec.shape[axis], dtypes.int64)
        if isinstance(x.spec.shape[axis], Dim):
            past = checks.checked_positive(past, name, f"axis {axis} is empty")
        found = reductions.reduce_min(selections.where(hit, index, past), axis)
        return maths.cast(found, output_type)

    return expand


argmax_op = Op(
    "argmax",
    _arg_infer("argmax"),
    lambda x, *, axis, output_type: np.argmax(_numbers(x, -np.inf), axis),
    None,
    Composite(_arg_expand("argmax", reductions.reduce_max, float("-inf"))),
)
argmin_op = Op(
    "argmin",
    _arg_infer("argmin"),
    lambda x, *, axis, output_type: np.argmin(_numbers(x, np.inf), axis),
    None,
    Composite(_arg_expand("argmin", reductions.reduce_min, float("inf"))),
)


def argmax(
    input: TensorLike, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """The index of the largest element along an axis; the first of several; nan is none.

    Args:
      input: numbers or bools [...].
      axis: default 0.
      output_type: int64, int32, int16 or uint16.

    Raises:
      InvalidArgumentError: the axis is empty.
      ShapeError: there is no such axis.

    Example:
      >>> nf.argmax([[1, 5, 3], [7, 2, 7]], axis=1).numpy().tolist()
      [1, 0]
    """
    return _arg("argmax", argmax_op, input, axis, output_type)


def argmin(
    input: TensorLike, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """The index of the smallest element along an axis; arguments as for argmax.

    Example:
      >>> nf.argmin([[1, 5, 3], [7, 2, 7]], axis=1).numpy().tolist()
      [0, 1]
    """
    return _arg("argmin", argmin_op, input, axis, output_type)


def _arg(name: str, op: Op, value: TensorLike, axis: Any, output_type: Any) -> Tensor:
    x = as_tensor(value, None, name, "input")
    want = dtypes.as_dtype(output_type)
    if not want.is_integer:
        raise DTypeError(explain(name, f"output_type is {want.name}, not an integer"))
    at = 0 if axis is None else static_int(axis, name, "axis")
    return op(x, axis=normal_axis(name, at, x.spec.rank), output_type=want)
