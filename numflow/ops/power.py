"""Powers, whole quotients and remainders, and rounding to whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.graph.lowering import Elementwise
from numflow.graph.op import Backward, Op
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.checks import checked_divisor, checked_exponent
from numflow.ops.convert import as_tensor, operands
from numflow.ops.math import broadcasting
from numflow.ops.shape_rules import binary, floating_like
from numflow.shapes import Size

# --- pow ---------------------------------------------------------------------


def _pow_base_vjp(ct: Tensor, z: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """ct y x^(y-1); 0 where y is 0, also at x = 0."""
    slope = y * pow_op(x, y - 1)
    return ct * selections.where(comparisons.equal(y, 0), shaping.zeros_like(slope), slope)


def _pow_exponent_vjp(ct: Tensor, z: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """ct z log x; 0 where x is not positive, or a complex 0, as in TensorFlow."""
    positive = comparisons.not_equal(x, 0) if x.dtype.is_complex else x > 0
    logarithm = maths.log(selections.where(positive, x, shaping.ones_like(x)))
    return ct * z * selections.where(positive, logarithm, shaping.zeros_like(x))


pow_op = Op(
    "pow",
    binary("pow", "iufc"),
    np.power,
    broadcasting(_pow_base_vjp, _pow_exponent_vjp),
    Elementwise(lambda b, x, y: b.pow(x, y)),
)


def pow(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x to the power y, element by element; shapes broadcast. 0 to the power 0 is 1.

    Args:
      x, y: numbers of one dtype, shapes that broadcast.

    Returns:
      x^y; nan of a negative float to a fraction.

    Raises:
      DTypeError: the dtypes differ.
      InvalidArgumentError: an integer to a negative power.

    Example:
      >>> nf.pow([2.0, 3.0], [3.0, 2.0]).numpy().tolist()
      [8.0, 9.0]
    """
    if isinstance(y, int | float) and not isinstance(y, bool | np.generic | Size):
        short = _special_power(as_tensor(x, None, "pow", "x"), y)
        if short is not None:
            return short
    a, b = operands("pow", x, y)
    return pow_op(a, checked_exponent(b, "pow"))


def _special_power(x: Tensor, y: float) -> Tensor | None:
    """x^y by multiplications or roots, for the exponents that formulas use; else None."""
    if y == 1:
        return x
    if y == 2:
        return maths.square(x)
    if y == 3 and x.dtype.is_numeric:
        return x * maths.square(x)
    if not x.dtype.is_floating:
        return None
    if y == 0.5:
        return maths.sqrt(x)
    if y == -0.5:
        return maths.rsqrt(x)
    if y == -1:
        return 1.0 / x
    return None


# --- whole quotients and remainders -------------------------------------------


def _flat(g: Backward) -> tuple[Tensor | None, ...]:
    """Constant between jumps: no gradient flows, as in TensorFlow."""
    return (None,) * len(g.inputs)


floordiv_op = Op(
    "floordiv",
    binary("floordiv", "iuf"),
    np.floor_divide,
    _flat,
    Elementwise(lambda b, x, y: b.math("floordiv", x, y)),
)


def floordiv(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """The largest whole number not above x / y, element by element.

    Raises:
      InvalidArgumentError: an integer is divided by 0.

    Example:
      >>> nf.math.floordiv([7, -7], 2).numpy().tolist()
      [3, -4]
    """
    a, b = operands("floordiv", x, y)
    return floordiv_op(a, checked_divisor(b, "floordiv"))


floormod_op = Op(
    "floormod",
    binary("floormod", "iuf"),
    np.mod,
    broadcasting(lambda ct, z, x, y: ct, lambda ct, z, x, y: -ct * floordiv_op(x, y)),
    Elementwise(lambda b, x, y: b.math("mod", x, y)),
)


def floormod(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x - y * floordiv(x, y): the remainder that has the sign of y.

    Raises:
      InvalidArgumentError: an integer is divided by 0.

    Example:
      >>> nf.math.floormod([7, -7], 3).numpy().tolist()
      [1, 2]
    """
    a, b = operands("floormod", x, y)
    return floormod_op(a, checked_divisor(b, "floormod"))


def _truncate_divide(x: Any, y: Any) -> Any:
    if x.dtype.kind in "iu":
        quotient = np.floor_divide(x, y)
        return quotient + ((np.mod(x, y) != 0) & ((x < 0) != (y < 0))).astype(x.dtype)
    return np.trunc(x / y)


def _truncated(b: Any, x: Any, y: Any) -> Any:
    return b.trunc(b.div(x, y)) if x.dtype.startswith("f") else b.div(x, y)


truncatediv_op = Op(
    "truncatediv",
    binary("truncatediv", "iuf"),
    _truncate_divide,
    _flat,
    Elementwise(_truncated),
)


def truncatediv(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / y rounded towards zero, element by element.

    Raises:
      InvalidArgumentError: an integer is divided by 0.

    Example:
      >>> nf.truncatediv([7, -7], 2).numpy().tolist()
      [3, -3]
    """
    a, b = operands("truncatediv", x, y)
    return truncatediv_op(a, checked_divisor(b, "truncatediv"))


truncatemod_op = Op(
    "truncatemod",
    binary("truncatemod", "iuf"),
    np.fmod,
    broadcasting(lambda ct, z, x, y: ct, lambda ct, z, x, y: -ct * truncatediv_op(x, y)),
    Elementwise(lambda b, x, y: b.rem(x, y)),
)


def truncatemod(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x - y * truncatediv(x, y): the remainder that has the sign of x.

    Raises:
      InvalidArgumentError: an integer is divided by 0.

    Example:
      >>> nf.truncatemod([7, -7], 3).numpy().tolist()
      [1, -1]
    """
    a, b = operands("truncatemod", x, y)
    return truncatemod_op(a, checked_divisor(b, "truncatemod"))


# --- rounding ------------------------------------------------------------------

floor_op = Op(
    "floor", floating_like("floor"), np.floor, _flat, Elementwise(lambda b, x: b.floor(x))
)
ceil_op = Op("ceil", floating_like("ceil"), np.ceil, _flat, Elementwise(lambda b, x: b.ceil(x)))
rint_op = Op("rint", floating_like("rint"), np.rint, _flat, Elementwise(lambda b, x: b.rint(x)))


def floor(x: TensorLike, name: str | None = None) -> Tensor:
    """The largest whole number not above x.

    Example:
      >>> nf.floor([1.5, -1.5]).numpy().tolist()
      [1.0, -2.0]
    """
    return floor_op(as_tensor(x, None, "floor", "x"))


def ceil(x: TensorLike, name: str | None = None) -> Tensor:
    """The smallest whole number not below x.

    Example:
      >>> nf.math.ceil([1.5, -1.5]).numpy().tolist()
      [2.0, -1.0]
    """
    return ceil_op(as_tensor(x, None, "ceil", "x"))


def rint(x: TensorLike, name: str | None = None) -> Tensor:
    """The nearest whole number, halves to the even one.

    Example:
      >>> nf.math.rint([0.5, 1.5, 2.5]).numpy().tolist()
      [0.0, 2.0, 2.0]
    """
    return rint_op(as_tensor(x, None, "rint", "x"))


def round(x: TensorLike, name: str | None = None) -> Tensor:
    """The nearest whole number, halves to the even one; integers as they are.

    Example:
      >>> nf.round([0.5, 1.5, -2.7]).numpy().tolist()
      [0.0, 2.0, -3.0]
    """
    tensor = as_tensor(x, None, "round", "x")
    if tensor.dtype.is_integer:
        return tensor
    return rint_op(tensor)
