"""Numbers that are not finite: telling them, and divisions and products that avoid them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, explain
from numflow.graph.lowering import Elementwise
from numflow.graph.op import Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, transcendental
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, operands
from numflow.ops.math import broadcasting, unary
from numflow.ops.shape_rules import binary, floating_like

# --- is_nan, is_inf, is_finite -------------------------------------------------------


def _telling(op: str) -> Any:
    def infer(x: Spec) -> Spec:
        if not x.dtype.is_floating:
            raise DTypeError(explain(op, f"x is {x.dtype.name}, not floating", {"x": x}))
        return Spec(x.shape, dtypes.bool)

    return infer


is_nan_op = Op("is_nan", _telling("is_nan"), np.isnan, None, Elementwise(lambda b, x: b.isnan(x)))
is_inf_op = Op(
    "is_inf",
    _telling("is_inf"),
    np.isinf,
    None,
    Elementwise(lambda b, x: b.eq(b.abs(x), math.inf)),
)
is_finite_op = Op(
    "is_finite",
    _telling("is_finite"),
    np.isfinite,
    None,
    Elementwise(lambda b, x: b.lt(b.abs(x), math.inf)),
)


def is_nan(x: TensorLike, name: str | None = None) -> Tensor:
    """Whether an element is nan.

    Example:
      >>> nf.math.is_nan([1.0, np.nan]).numpy().tolist()
      [False, True]
    """
    return is_nan_op(as_tensor(x, None, "is_nan", "x"))


def is_inf(x: TensorLike, name: str | None = None) -> Tensor:
    """Whether an element is infinite, of either sign.

    Example:
      >>> nf.math.is_inf([1.0, -np.inf]).numpy().tolist()
      [False, True]
    """
    return is_inf_op(as_tensor(x, None, "is_inf", "x"))


def is_finite(x: TensorLike, name: str | None = None) -> Tensor:
    """Whether an element is neither infinite nor nan.

    Example:
      >>> nf.math.is_finite([1.0, np.nan, np.inf]).numpy().tolist()
      [True, False, False]
    """
    return is_finite_op(as_tensor(x, None, "is_finite", "x"))


# --- reciprocal ------------------------------------------------------------------------

reciprocal_op = Op(
    "reciprocal",
    floating_like("reciprocal", True),
    np.reciprocal,
    unary(lambda ct, y, x: -ct * y * y),
    Elementwise(lambda b, x: b.div(1.0, x)),
)


def reciprocal(x: TensorLike, name: str | None = None) -> Tensor:
    """1 / x, element by element.

    Example:
      >>> nf.math.reciprocal([2.0, 4.0]).numpy().tolist()
      [0.5, 0.25]
    """
    return reciprocal_op(as_tensor(x, None, "reciprocal", "x"))


def reciprocal_no_nan(x: TensorLike, name: str | None = None) -> Tensor:
    """1 / x, and 0 where x is 0.

    Example:
      >>> nf.math.reciprocal_no_nan([2.0, 0.0]).numpy().tolist()
      [0.5, 0.0]
    """
    divisor = as_tensor(x, None, "reciprocal_no_nan", "x")
    return divide_no_nan_op(shaping.ones_like(divisor), divisor)


# --- divide_no_nan, multiply_no_nan ------------------------------------------------------


def _divide_no_nan_reference(x: Any, y: Any) -> Any:
    zero = y == 0
    return np.where(zero, np.zeros((), x.dtype), x / np.where(zero, np.ones((), y.dtype), y))


divide_no_nan_op: Op = Op(
    "divide_no_nan",
    binary("divide_no_nan", "fc"),
    _divide_no_nan_reference,
    broadcasting(
        lambda ct, z, x, y: divide_no_nan_op(ct, y),
        lambda ct, z, x, y: -ct * divide_no_nan_op(z, y),
    ),
    Elementwise(lambda b, x, y: b.select(b.eq(y, 0.0), 0.0, b.div(x, y))),
)


def divide_no_nan(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / y, and 0 where y is 0; integers are divided as float64.

    Example:
      >>> nf.math.divide_no_nan([3.0, 3.0], [2.0, 0.0]).numpy().tolist()
      [1.5, 0.0]
    """
    a, b = operands("divide_no_nan", x, y)
    if a.dtype.is_integer:
        a, b = maths.cast(a, dtypes.float64), maths.cast(b, dtypes.float64)
    return divide_no_nan_op(a, b)


multiply_no_nan_op: Op = Op(
    "multiply_no_nan",
    binary("multiply_no_nan", "fc"),
    lambda x, y: np.where(y == 0, np.zeros((), x.dtype), x * y),
    broadcasting(
        lambda ct, z, x, y: multiply_no_nan_op(ct, y), lambda ct, z, x, y: multiply_no_nan_op(x, ct)
    ),
    Elementwise(lambda b, x, y: b.select(b.eq(y, 0.0), 0.0, b.mul(x, y))),
)


def multiply_no_nan(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x * y, and 0 where y is 0, even if x is infinite or nan.

    Example:
      >>> nf.math.multiply_no_nan([3.0, np.nan], [2.0, 0.0]).numpy().tolist()
      [6.0, 0.0]
    """
    return multiply_no_nan_op(*operands("multiply_no_nan", x, y))


# --- xlogy, xlog1py, xdivy -----------------------------------------------------------------


def _where_x(x: Tensor, value: Tensor) -> Tensor:
    """value, and 0 where x is 0."""
    return selections.where(comparisons.equal(x, 0.0), shaping.zeros_like(value), value)


def _with_zero(function: Any) -> Any:
    def reference(x: Any, y: Any) -> Any:
        return np.where(x == 0, np.zeros((), x.dtype), function(x, y))

    return reference


xlogy_op = Op(
    "xlogy",
    binary("xlogy", "fc"),
    _with_zero(lambda x, y: x * np.log(y)),
    broadcasting(
        lambda ct, z, x, y: ct * _where_x(x, maths.log(y)), lambda ct, z, x, y: ct * xdivy_op(x, y)
    ),
    Elementwise(lambda b, x, y: b.select(b.eq(x, 0.0), 0.0, b.mul(x, b.log(y)))),
)
xlog1py_op = Op(
    "xlog1py",
    binary("xlog1py", "fc"),
    _with_zero(lambda x, y: x * np.log1p(y)),
    broadcasting(
        lambda ct, z, x, y: ct * _where_x(x, transcendental.log1p(y)),
        lambda ct, z, x, y: ct * xdivy_op(x, y + 1),
    ),
    Elementwise(lambda b, x, y: b.select(b.eq(x, 0.0), 0.0, b.mul(x, b.log1p(y)))),
)
xdivy_op: Op = Op(
    "xdivy",
    binary("xdivy", "fc"),
    _with_zero(lambda x, y: x / y),
    broadcasting(
        lambda ct, z, x, y: ct * _where_x(x, 1 / y),
        lambda ct, z, x, y: -ct * xdivy_op(xdivy_op(x, y), y),
    ),
    Elementwise(lambda b, x, y: b.select(b.eq(x, 0.0), 0.0, b.div(x, y))),
)


def xlogy(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x log(y), and 0 where x is 0, whatever y is.

    Example:
      >>> nf.math.xlogy([0.0, 2.0], [0.0, 1.0]).numpy().tolist()
      [0.0, 0.0]
    """
    return xlogy_op(*operands("xlogy", x, y))


def xlog1py(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x log(1 + y), exact for small y, and 0 where x is 0, whatever y is.

    Example:
      >>> nf.math.xlog1py([0.0, 2.0], [-1.0, 0.0]).numpy().tolist()
      [0.0, 0.0]
    """
    return xlog1py_op(*operands("xlog1py", x, y))


def xdivy(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / y, and 0 where x is 0, whatever y is.

    Example:
      >>> nf.math.xdivy([0.0, 2.0], [0.0, 4.0]).numpy().tolist()
      [0.0, 0.5]
    """
    return xdivy_op(*operands("xdivy", x, y))


# --- nextafter -----------------------------------------------------------------------------


def _nextafter_infer(x1: Spec, x2: Spec) -> Spec:
    found = binary("nextafter", "f")(x1, x2)
    if found.dtype.size == 2:
        problem = f"takes float32 and float64, not {found.dtype.name}"
        raise DTypeError(explain("nextafter", problem, {"x1": x1, "x2": x2}))
    return found


def _nextafter_body(b: Any, x: Any, y: Any) -> Any:
    """Bits of floats of one sign, as integers, are ordered as their sizes are."""
    bits = b.bits(x)
    one = b.const(1, bits.dtype)
    up = b.logical_and(b.gt(y, x), b.gt(x, 0.0))
    grows = b.logical_or(up, b.logical_and(b.lt(y, x), b.lt(x, 0.0)))
    moved = b.from_bits(b.select(grows, b.add(bits, one), b.sub(bits, one)))
    moved = b.select(b.eq(x, 0.0), b.copysign(b.from_bits(one), y), moved)
    unlike = b.select(b.isnan(x), x, b.select(b.isnan(y), y, moved))
    return b.select(b.eq(x, y), y, unlike)


def _nextafter_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return (reductions.sum_to(g.ct, g.inputs[0]) if g.needed[0] else None, None)


nextafter_op = Op(
    "nextafter", _nextafter_infer, np.nextafter, _nextafter_vjp, Elementwise(_nextafter_body)
)


def nextafter(x1: TensorLike, x2: TensorLike, name: str | None = None) -> Tensor:
    """The float next to x1 on the way to x2, element by element; shapes broadcast.

    Raises:
      DTypeError: other than float32 and float64.

    Example:
      >>> nf.math.nextafter(1.0, 2.0).numpy().item()
      1.0000001192092896
    """
    return nextafter_op(*operands("nextafter", x1, x2, ("x1", "x2")))
