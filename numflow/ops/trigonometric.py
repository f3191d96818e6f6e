"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

import numpy as np

from numflow.graph.lowering import Elementwise
from numflow.graph.op import Op
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops.convert import as_tensor, operands
from numflow.ops.math import broadcasting, unary
from numflow.ops.shape_rules import binary, floating_like

# --- sin, cos, tan -----------------------------------------------------------------

sin_op: Op = Op(
    "sin",
    floating_like("sin", True),
    np.sin,
    unary(lambda ct, y, x: ct * cos_op(x)),
    Elementwise(lambda b, x: b.sin(x)),
)
cos_op: Op = Op(
    "cos",
    floating_like("cos", True),
    np.cos,
    unary(lambda ct, y, x: -ct * sin_op(x)),
    Elementwise(lambda b, x: b.cos(x)),
)
tan_op = Op(
    "tan",
    floating_like("tan", True),
    np.tan,
    unary(lambda ct, y, x: ct * (1 + y * y)),
    Elementwise(lambda b, x: b.tan(x)),
)


def sin(x: TensorLike, name: str | None = None) -> Tensor:
    """The sine of x in radians.

    Example:
      >>> nf.sin([0.0, np.pi / 2]).numpy().tolist()
      [0.0, 1.0]
    """
    return sin_op(as_tensor(x, None, "sin", "x"))


def cos(x: TensorLike, name: str | None = None) -> Tensor:
    """The cosine of x in radians.

    Example:
      >>> nf.cos([0.0, np.pi]).numpy().tolist()
      [1.0, -1.0]
    """
    return cos_op(as_tensor(x, None, "cos", "x"))


def tan(x: TensorLike, name: str | None = None) -> Tensor:
    """The tangent of x in radians.

    Example:
      >>> nf.tan([0.0, np.pi / 4]).numpy().astype(float).round(6).tolist()
      [0.0, 1.0]
    """
    return tan_op(as_tensor(x, None, "tan", "x"))


# --- asin, acos, atan, atan2 ---------------------------------------------------------

asin_op = Op(
    "asin",
    floating_like("asin", True),
    np.arcsin,
    unary(lambda ct, y, x: ct / maths.sqrt((1 - x) * (1 + x))),
    Elementwise(lambda b, x: b.math("asin", x)),
)
acos_op = Op(
    "acos",
    floating_like("acos", True),
    np.arccos,
    unary(lambda ct, y, x: -ct / maths.sqrt((1 - x) * (1 + x))),
    Elementwise(lambda b, x: b.math("acos", x)),
)
atan_op = Op(
    "atan",
    floating_like("atan", True),
    np.arctan,
    unary(lambda ct, y, x: ct / (1 + x * x)),
    Elementwise(lambda b, x: b.math("atan", x)),
)
atan2_op = Op(
    "atan2",
    binary("atan2", "f"),
    np.arctan2,
    broadcasting(
        lambda ct, z, y, x: ct * x / (x * x + y * y), lambda ct, z, y, x: -ct * y / (x * x + y * y)
    ),
    Elementwise(lambda b, y, x: b.math("atan2", y, x)),
)


def asin(x: TensorLike, name: str | None = None) -> Tensor:
    """The angle whose sine is x, in [-pi/2, pi/2]; nan outside [-1, 1].

    Example:
      >>> nf.asin([0.0, 1.0]).numpy().astype(float).round(4).tolist()
      [0.0, 1.5708]
    """
    return asin_op(as_tensor(x, None, "asin", "x"))


def acos(x: TensorLike, name: str | None = None) -> Tensor:
    """The angle whose cosine is x, in [0, pi]; nan outside [-1, 1].

    Example:
      >>> nf.acos([1.0, -1.0]).numpy().astype(float).round(4).tolist()
      [0.0, 3.1416]
    """
    return acos_op(as_tensor(x, None, "acos", "x"))


def atan(x: TensorLike, name: str | None = None) -> Tensor:
    """The angle whose tangent is x, in [-pi/2, pi/2].

    Example:
      >>> nf.atan([0.0, 1.0]).numpy().astype(float).round(4).tolist()
      [0.0, 0.7854]
    """
    return atan_op(as_tensor(x, None, "atan", "x"))


def atan2(y: TensorLike, x: TensorLike, name: str | None = None) -> Tensor:
    """The angle of the point (x, y), in [-pi, pi]; shapes broadcast.

    Example:
      >>> nf.atan2([1.0, -1.0], [-1.0, -1.0]).numpy().astype(float).round(4).tolist()
      [2.3562, -2.3562]
    """
    return atan2_op(*operands("atan2", y, x))


# --- sinh, cosh ----------------------------------------------------------------------


sinh_op: Op = Op(
    "sinh",
    floating_like("sinh", True),
    np.sinh,
    unary(lambda ct, y, x: ct * cosh_op(x)),
    Elementwise(lambda b, x: b.math("sinh", x)),
)
cosh_op: Op = Op(
    "cosh",
    floating_like("cosh", True),
    np.cosh,
    unary(lambda ct, y, x: ct * sinh_op(x)),
    Elementwise(lambda b, x: b.math("cosh", x)),
)


def sinh(x: TensorLike, name: str | None = None) -> Tensor:
    """The hyperbolic sine, element by element.

    Example:
      >>> nf.sinh([0.0, 1.0]).numpy().astype(float).round(4).tolist()
      [0.0, 1.1752]
    """
    return sinh_op(as_tensor(x, None, "sinh", "x"))


def cosh(x: TensorLike, name: str | None = None) -> Tensor:
    """The hyperbolic cosine, element by element.

    Example:
      >>> nf.cosh([0.0, 1.0]).numpy().astype(float).round(4).tolist()
      [1.0, 1.5431]
    """
    return cosh_op(as_tensor(x, None, "cosh", "x"))


# --- asinh, acosh, atanh ---------------------------------------------------------------

asinh_op = Op(
    "asinh",
    floating_like("asinh", True),
    np.arcsinh,
    unary(lambda ct, y, x: ct / maths.sqrt(x * x + 1)),
    Elementwise(lambda b, x: b.math("asinh", x)),
)
acosh_op = Op(
    "acosh",
    floating_like("acosh", True),
    np.arccosh,
    unary(lambda ct, y, x: ct / (maths.sqrt(x - 1) * maths.sqrt(x + 1))),  # nan below 1
    Elementwise(lambda b, x: b.math("acosh", x)),
)
atanh_op = Op(
    "atanh",
    floating_like("atanh", True),
    np.arctanh,
    unary(lambda ct, y, x: ct / ((1 - x) * (1 + x))),
    Elementwise(lambda b, x: b.math("atanh", x)),
)


def asinh(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse of sinh, element by element.

    Example:
      >>> nf.asinh([0.0, 1.0]).numpy().astype(float).round(4).tolist()
      [0.0, 0.8814]
    """
    return asinh_op(as_tensor(x, None, "asinh", "x"))


def acosh(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse of cosh, not negative; nan below 1.

    Example:
      >>> nf.acosh([1.0, 2.0]).numpy().astype(float).round(4).tolist()
      [0.0, 1.317]
    """
    return acosh_op(as_tensor(x, None, "acosh", "x"))


def atanh(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse of tanh: infinite at -1 and 1, nan outside.

    Example:
      >>> nf.atanh([0.0, 0.5]).numpy().astype(float).round(4).tolist()
      [0.0, 0.5493]
    """
    return atanh_op(as_tensor(x, None, "atanh", "x"))
