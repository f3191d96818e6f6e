"""The zeta function of Hurwitz, and polygamma of any order, which is made of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numflow.graph.lowering import HostCall
from numflow.graph.op import Array, Backward, Op
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import reduce as reductions
from numflow.ops.convert import operands
from numflow.ops.precision import by_number
from numflow.ops.shape_rules import binary
from numflow.ops.transcendental import lgamma_of, polygamma_reference

# --- zeta ------------------------------------------------------------------------

# Bernoulli numbers B_2, B_4... over (2j)!. Source: Abramowitz & Stegun 1964, 23.2, table 23.2.
_BERNOULLI = (
    *(1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510),
    *(43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730),
)
_WEIGHTS = tuple(b / math.factorial(2 * j) for j, b in enumerate(_BERNOULLI, 1))


def _positive_zeta(s: Array, q: Array) -> Array:
    """The sum of (q + k)^-s for s > 1 and q > 0, by the formula of Euler and Maclaurin."""
    start = np.clip(10 + s / 2, 10, 60)  # from here on the tail is a series
    total, at = np.zeros_like(q), q
    for _ in np.arange(61):
        more = at < start
        if not more.any():
            break
        total = np.where(more, total + at**-s, total)
        at = np.where(more, at + 1, at)
    power = at**-s
    total = total + power * at / (s - 1) + power / 2
    rising, power = s, power / at
    for j, weight in enumerate(_WEIGHTS):
        total = total + np.where(power == 0, 0.0, weight * rising * power)  # not inf * 0
        rising = rising * (s + 2 * j + 1) * (s + 2 * j + 2)
        power = power / (at * at)
    return np.where(np.isinf(s), np.where(q > 1, 0.0, np.where(q == 1, 1.0, np.inf)), total)


def _zeta(s: Any, q: Any) -> Array:
    s, q = np.broadcast_arrays(np.asarray(s, np.float64), np.asarray(q, np.float64))
    out = np.full(s.shape, np.nan)
    usual = (s > 1) & (q > 0) & (q < np.inf)
    if usual.any():
        out[usual] = _positive_zeta(s[usual], q[usual])
    whole = (s > 1) & (q <= 0) & (s == np.floor(s)) & np.isfinite(s)
    for order in np.unique(s[whole & (s <= 100)]):  # (q + k)^-s has a sign: a polygamma function
        mine = whole & (s == order)
        n = int(order) - 1
        sign = (-1.0) ** (n + 1) / math.factorial(n)
        out[mine] = sign * polygamma_reference(q[mine], order=n)
    out[(s > 1) & (q <= 0) & (q == np.floor(q))] = np.inf
    out[s == 1] = np.inf
    out[(s > 1) & (q == np.inf)] = 0
    out[np.isnan(s) | np.isnan(q)] = np.nan
    return out


def _zeta_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """By q only, as in TensorFlow: -s zeta(s + 1, q)."""
    s, q = g.inputs
    return (None, reductions.sum_to(g.ct * -s * zeta_op(s + 1, q), q) if g.needed[1] else None)


zeta_op: Op = Op(
    "zeta", binary("zeta", "f"), _zeta, _zeta_vjp, HostCall("zeta functions run in NumPy")
)


def zeta(x: TensorLike, q: TensorLike, name: str | None = None) -> Tensor:
    """The sum of (q + k)^-x over k = 0, 1, 2...; shapes broadcast. q = 1: Riemann's zeta function.

    Its gradient is by q only, as in TensorFlow.

    Args:
      x: floating; infinite at 1, nan below.
      q: floating; infinite where it is a whole number not above 0, nan where it is another negative
        one and x is not whole.

    Example:
      >>> nf.math.zeta(2.0, [1.0, 0.5]).numpy().astype(float).round(4).tolist()
      [1.6449, 4.9348]

    Source: Abramowitz & Stegun 1964, 23.1.30; DLMF 25.11.
    """
    return zeta_op(*operands("zeta", x, q, ("x", "q")))


# --- polygamma -------------------------------------------------------------------------


def _polygamma(a: Any, x: Any) -> Array:
    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    whole = (a >= 0) & (a == np.floor(a)) & np.isfinite(a)
    order = np.where(whole, a, 1.0)
    sign = np.where(order % 2 == 0, -1.0, 1.0)
    value = sign * np.exp(by_number(lgamma_of)(order + 1)) * _zeta(order + 1, x)
    value = np.where(order == 0, polygamma_reference(x, order=0), value)
    return np.where(whole, value, np.nan)


def _polygamma_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """By x only, as in TensorFlow: the next order."""
    a, x = g.inputs
    return (None, reductions.sum_to(g.ct * orders_op(a + 1, x), x) if g.needed[1] else None)


orders_op: Op = Op(
    "polygamma_of_order",
    binary("polygamma", "f"),
    _polygamma,
    _polygamma_vjp,
    HostCall("polygamma functions run in NumPy"),
)


def polygamma(a: TensorLike, x: TensorLike, name: str | None = None) -> Tensor:
    """The derivative of digamma of order a; shapes broadcast. Of order 0 it is digamma.

    Its gradient is by x only, as in TensorFlow.

    Args:
      a: the order, floating; nan unless it is a whole number not below 0.
      x: floating.

    Example:
      >>> nf.math.polygamma(1.0, [0.5, 2.5]).numpy().astype(float).round(4).tolist()
      [4.9348, 0.4904]

    Source: Abramowitz & Stegun 1964, 6.4.1, 6.4.10.
    """
    return orders_op(*operands("polygamma", a, x, ("a", "x")))
