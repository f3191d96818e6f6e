"""Exponentials, logarithms and the error function beyond those of math.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numflow.graph.lowering import Elementwise, HostCall
from numflow.graph.op import Backward, Op
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops.convert import as_tensor
from numflow.ops.math import unary
from numflow.ops.precision import by_number, widened
from numflow.ops.shape_rules import floating_like

# --- expm1, log1p ----------------------------------------------------------------

expm1_op = Op(
    "expm1",
    floating_like("expm1", True),
    np.expm1,
    unary(lambda ct, y, x: ct * maths.exp(x)),  # y + 1 loses what is small
    Elementwise(lambda b, x: b.expm1(x)),
)
log1p_op = Op(
    "log1p",
    floating_like("log1p", True),
    np.log1p,
    unary(lambda ct, y, x: ct / (x + 1)),
    Elementwise(lambda b, x: b.log1p(x)),
)


def expm1(x: TensorLike, name: str | None = None) -> Tensor:
    """e^x - 1, element by element, exact for small x.

    Example:
      >>> nf.math.expm1([0.0, 1e-10]).numpy().tolist() == [0.0, float(np.float32(1e-10))]
      True
    """
    return expm1_op(as_tensor(x, None, "expm1", "x"))


def log1p(x: TensorLike, name: str | None = None) -> Tensor:
    """log(1 + x), element by element, exact for small x.

    Example:
      >>> nf.math.log1p([0.0, -1.0]).numpy().tolist()
      [0.0, -inf]
    """
    return log1p_op(as_tensor(x, None, "log1p", "x"))


# --- erf, erfc -------------------------------------------------------------------

_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


def _bell(x: Tensor) -> Tensor:
    """The derivative of erf: 2 / sqrt(pi) e^(-x^2)."""
    return maths.exp(-maths.square(x)) * _TWO_OVER_ROOT_PI


erf_op = Op(
    "erf",
    floating_like("erf"),
    widened(by_number(math.erf)),
    unary(lambda ct, y, x: ct * _bell(x)),
    Elementwise(lambda b, x: b.erf(x)),
)
erfc_op = Op(
    "erfc",
    floating_like("erfc"),
    widened(by_number(math.erfc)),
    unary(lambda ct, y, x: -ct * _bell(x)),
    Elementwise(lambda b, x: b.erfc(x)),
)


def erf(x: TensorLike, name: str | None = None) -> Tensor:
    """The error function, element by element.

    Example:
      >>> nf.math.erf([0.0, 10.0]).numpy().tolist()
      [0.0, 1.0]
    """
    return erf_op(as_tensor(x, None, "erf", "x"))


def erfc(x: TensorLike, name: str | None = None) -> Tensor:
    """1 - erf(x), element by element, exact for large x.

    Example:
      >>> nf.math.erfc([0.0]).numpy().tolist()
      [1.0]
    """
    return erfc_op(as_tensor(x, None, "erfc", "x"))


# --- erfinv ----------------------------------------------------------------------

# erfinv = x p(w - 2.5) with w = -log(1 - x^2), x p(sqrt(w) - 3) beyond w = 5; 3e-7 relative.
# Source: Giles 2011, "Approximating the erfinv function", table 5.
_NEAR = (
    *(2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087),
    *(-0.00125372503, -0.00417768164, 0.246640727, 1.50140941),
)
_FAR = (
    *(-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773),
    *(-0.0076224613, 0.00943887047, 1.00167406, 2.83297682),
)


def erfinv_body(b: Any, x: Any) -> Any:
    w = b.neg(b.log(b.mul(b.sub(1.0, x), b.add(x, 1.0))))

    def polynomial(coefficients: tuple[float, ...], t: Any) -> Any:
        p = b.const(coefficients[0], t.dtype)
        for c in coefficients[1:]:
            p = b.add(b.mul(p, t), c)
        return p

    near, far = polynomial(_NEAR, b.sub(w, 2.5)), polynomial(_FAR, b.sub(b.sqrt(w), 3.0))
    y = b.mul(x, b.select(b.lt(w, 5.0), near, far))
    if x.dtype == "f64":  # two steps of Newton: 3e-7 -> 1e-13 -> the last place
        for _ in (1, 2):
            slope = b.mul(b.exp(b.neg(b.mul(y, y))), _TWO_OVER_ROOT_PI)
            y = b.sub(y, b.div(b.sub(b.erf(y), x), slope))
    edge = b.copysign(math.inf, x)
    return b.select(b.eq(b.abs(x), 1.0), edge, y)


def erfinv_reference(x: Any) -> Any:
    """The same in float64, for either precision."""
    wide = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        w = -np.log((1 - wide) * (1 + wide))
        y = wide * np.where(w < 5, np.polyval(_NEAR, w - 2.5), np.polyval(_FAR, np.sqrt(w) - 3))
        for _ in (1, 2):
            y = y - (by_number(math.erf)(y) - wide) / (np.exp(-y * y) * _TWO_OVER_ROOT_PI)
        return np.where(np.abs(wide) == 1, np.copysign(np.inf, wide), y)


erfinv_op = Op(
    "erfinv",
    floating_like("erfinv"),
    widened(erfinv_reference),
    unary(lambda ct, y, x: ct * maths.exp(maths.square(y)) * (1 / _TWO_OVER_ROOT_PI)),
    Elementwise(erfinv_body),
)


def erfinv(x: TensorLike, name: str | None = None) -> Tensor:
    """The inverse of erf: infinite at -1 and 1, nan outside.

    Example:
      >>> nf.math.erfinv([0.0, 0.5, 1.0]).numpy().astype(float).round(4).tolist()
      [0.0, 0.4769, inf]
    """
    return erfinv_op(as_tensor(x, None, "erfinv", "x"))


# --- lgamma, digamma, polygamma ----------------------------------------------------


def lgamma_of(x: float) -> float:
    try:
        return math.lgamma(x)
    except ValueError:  # a pole: 0 and the negative whole numbers
        return math.inf
    except OverflowError:
        return math.inf


def polygamma_reference(x: Any, *, order: int) -> Any:
    """The asymptotic series from x = 16 on, reached by recurrence; reflected below 0.

    Source: Abramowitz & Stegun 1964, 6.3.18, 6.4.11, 6.3.6, 6.4.6, 6.4.7.
    """
    wide = np.asarray(x, np.float64)
    below = wide < 0
    value = _series(np.where(below, 1 - wide, wide), order)
    with np.errstate(all="ignore"):
        mirrored = (-1.0) ** order * value - _cotangent(wide, order)
        value = np.where(below, mirrored, value)
        pole = np.nan if order == 0 else (-1.0) ** (order + 1) * np.inf
        value = np.where((wide <= 0) & (wide == np.floor(wide)), pole, value)
        return np.where(wide == -np.inf, np.nan, value)


def _cotangent(x: Any, order: int) -> Any:
    """The derivative of pi cot(pi x) of this order: a polynomial in the cotangent."""
    p = np.polynomial.Polynomial([0.0, 1.0])
    for _ in np.arange(order):
        p = np.polynomial.Polynomial([-1.0, 0.0, -1.0]) * p.deriv()
    return np.pi ** (order + 1) * p(1 / np.tan(np.pi * np.remainder(x, 1.0)))


_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def _series(x: Any, order: int) -> Any:
    total = np.zeros_like(x)
    sign = (-1.0) ** (order + 1)
    factorial = math.factorial(order)
    with np.errstate(all="ignore"):
        for _ in np.arange(16):
            small = x < 16
            total = np.where(
                small, total + sign * factorial / np.where(small, x, 1) ** (order + 1), total
            )
            x = np.where(small, x + 1, x)
        if order == 0:
            tail = np.log(x) - 0.5 / x
        else:
            tail = math.factorial(order - 1) / x**order + factorial / (2 * x ** (order + 1))
        for k, bernoulli in enumerate(_BERNOULLI, 1):
            if order == 0:
                tail = tail - bernoulli / (2 * k * x ** (2 * k))
            else:
                rising = math.factorial(2 * k + order - 1) / math.factorial(2 * k)
                tail = tail + bernoulli * rising / x ** (2 * k + order)
    return total + (tail if order == 0 else sign * tail)


def _polygamma_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    (x,) = g.inputs
    return (g.ct * polygamma_op(x, order=g.attrs["order"] + 1),)


polygamma_op = Op(
    "polygamma",
    floating_like("polygamma"),
    widened(polygamma_reference),
    _polygamma_vjp,
    HostCall("polygamma functions run in NumPy"),
)
digamma_op = Op(
    "digamma",
    floating_like("digamma"),
    widened(lambda x: polygamma_reference(x, order=0)),
    unary(lambda ct, y, x: ct * polygamma_op(x, order=1)),
    Elementwise(lambda b, x: b.math("digamma", x)),
)
lgamma_op = Op(
    "lgamma",
    floating_like("lgamma"),
    widened(by_number(lgamma_of)),
    unary(lambda ct, y, x: ct * digamma_op(x)),
    Elementwise(lambda b, x: b.math("lgamma", x)),
)


def lgamma(x: TensorLike, name: str | None = None) -> Tensor:
    """log|gamma(x)|, element by element.

    Example:
      >>> nf.math.lgamma([1.0, 5.0]).numpy().astype(float).round(4).tolist()
      [0.0, 3.1781]
    """
    return lgamma_op(as_tensor(x, None, "lgamma", "x"))


def digamma(x: TensorLike, name: str | None = None) -> Tensor:
    """The derivative of lgamma, element by element; nan at its poles.

    Example:
      >>> nf.math.digamma([1.0]).numpy().astype(float).round(4).tolist()
      [-0.5772]
    """
    return digamma_op(as_tensor(x, None, "digamma", "x"))
