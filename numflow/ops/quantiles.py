"""Inverses of the normal distribution: erfcinv, ndtri."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numflow.graph.lowering import Elementwise
from numflow.graph.op import Op
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops.convert import as_tensor
from numflow.ops.math import unary
from numflow.ops.precision import by_number
from numflow.ops.shape_rules import floating_like
from numflow.ops.transcendental import erfinv_body, erfinv_reference

# Abramowitz & Stegun 1964, 26.2.22, and two steps of Halley's method on erfc: 4e-3 -> 1e-8 -> the
# last place. Between 0.5 and 1.5, where erfc(y) - x cancels, it is erfinv(1 - x).
_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
_ROOT_HALF = math.sqrt(0.5)
_TOP, _BOTTOM = (2.30753, 0.27061), (0.99229, 0.04481)


def _erfcinv_body(b: Any, x: Any) -> Any:
    tail = b.min(x, b.sub(2.0, x))
    t = b.sqrt(b.mul(b.log(b.mul(tail, 0.5)), -2.0))
    top = b.add(b.mul(t, _TOP[1]), _TOP[0])
    bottom = b.add(b.mul(t, b.add(b.mul(t, _BOTTOM[1]), _BOTTOM[0])), 1.0)
    y = b.mul(b.sub(t, b.div(top, bottom)), _ROOT_HALF)
    for _ in (1, 2):
        error = b.sub(b.erfc(y), tail)
        slope = b.mul(b.exp(b.neg(b.mul(y, y))), _TWO_OVER_ROOT_PI)
        y = b.add(y, b.div(error, b.sub(slope, b.mul(y, error))))
    y = b.select(b.eq(tail, 0.0), math.inf, y)
    y = b.select(b.gt(x, 1.0), b.neg(y), y)
    return b.select(b.gt(tail, 0.5), erfinv_body(b, b.sub(1.0, x)), y)


def _erfcinv(x: Any) -> Any:
    wide = np.asarray(x, np.float64)
    tail = np.minimum(wide, 2 - wide)
    t = np.sqrt(-2 * np.log(tail / 2))
    y = _ROOT_HALF * (t - (_TOP[0] + t * _TOP[1]) / (1 + t * (_BOTTOM[0] + t * _BOTTOM[1])))
    for _ in (1, 2):
        error = by_number(math.erfc)(y) - tail
        y = y + error / (_TWO_OVER_ROOT_PI * np.exp(-y * y) - y * error)
    y = np.where(tail == 0, np.inf, y)
    y = np.where(wide > 1, -y, y)
    near = tail > 0.5
    return np.where(near, erfinv_reference(np.where(near, 1 - wide, 0.0)), y)


erfcinv_op: Op = Op(
    "erfcinv",
    floating_like("erfcinv"),
    _erfcinv,
    unary(lambda ct, y, x: ct * maths.exp(maths.square(y)) * (-1 / _TWO_OVER_ROOT_PI)),
    Elementwise(_erfcinv_body),
)


def _ndtri_body(b: Any, p: Any) -> Any:
    return b.mul(_erfcinv_body(b, b.add(p, p)), -math.sqrt(2))


ndtri_op: Op = Op(
    "ndtri",
    floating_like("ndtri"),
    lambda p: -math.sqrt(2) * _erfcinv(2 * np.asarray(p, np.float64)),
    unary(lambda ct, y, p: ct * maths.exp(maths.square(y) * 0.5) * math.sqrt(2 * math.pi)),
    Elementwise(_ndtri_body),
)


def erfcinv(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse of erfc: infinite at 0 and 2, nan outside; exact for small x.

    Example:
      >>> nf.math.erfcinv([1.0, 1e-30]).numpy().astype(float).round(4).tolist()
      [0.0, 8.1486]
    """
    return erfcinv_op(as_tensor(x, None, "erfcinv", "x"))


def ndtri(x: TensorLike, name: str | None = None) -> Tensor:
    """The quantiles of the normal distribution: below ndtri(p) lies the share p of it.

    Infinite at 0 and 1, nan outside.

    Example:
      >>> nf.math.ndtri([0.025, 0.975]).numpy().astype(float).round(4).tolist()
      [-1.96, 1.96]
    """
    return ndtri_op(as_tensor(x, None, "ndtri", "x"))
