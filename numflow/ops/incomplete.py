"""The incomplete gamma and beta functions, and their derivatives.

Series and continued fractions that run until every element has settled: no fixed number of steps
would do, so compiled programs run them as host calls.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numflow.errors import ShapeError, explain
from numflow.graph.lowering import HostCall
from numflow.graph.op import Array, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops import transcendental
from numflow.ops.convert import as_tensor, operands
from numflow.ops.precision import by_number
from numflow.ops.shape_rules import binary, broadcast_shapes, same_dtype
from numflow.ops.transcendental import lgamma_of, polygamma_reference

_STEPS = 20_000  # what has not settled by then is nan
_LARGE = 1e5  # from this a on: the uniform expansion, of which two terms give 11 digits there
_TINY = 1e-300  # stands for a denominator of 0 (Lentz)
_IN_NUMPY = HostCall("incomplete gamma and beta functions run in NumPy")


def _log_gamma(x: Array) -> Array:
    return np.asarray(by_number(lgamma_of)(np.asarray(x, np.float64)))


# --- gamma -------------------------------------------------------------------------


def _front(a: Array, x: Array) -> Array:
    """x^a e^-x / Gamma(a)."""
    return np.asarray(np.exp(a * np.log(x) - x - _log_gamma(a)))


def _lower_series(a: Array, x: Array) -> tuple[Array, Array]:
    """(P(a, x), dP/da) by the series of 6.5.29, all of whose terms are positive."""
    term = 1 / a
    total, change, by_a = term, -1 / a, np.zeros_like(a)  # change: d log(term) / da
    for k in np.arange(1, _STEPS):
        by_a = by_a + term * change
        term = term * x / (a + k)
        total = total + term
        change = change - 1 / (a + k)
        largest = np.abs(term) * np.maximum(1, np.abs(change))
        if np.all((largest <= 1e-17 * np.abs(total)) & (k > x - a)):
            break
    else:
        settled = np.abs(term) <= 1e-15 * np.abs(total)
        total, by_a = np.where(settled, total, np.nan), np.where(settled, by_a, np.nan)
    front = _front(a, x)
    slope = front * total * (np.log(x) - polygamma_reference(a, order=0)) + front * by_a
    return front * total, slope


def _upper_fraction(a: Array, x: Array) -> Array:
    """Q(a, x) by the continued fraction of 6.5.31, for x > a + 1 (Lentz's method)."""
    b = x + 1 - a
    c, d = np.full_like(b, 1 / _TINY), 1 / b
    h = d
    for k in np.arange(1, _STEPS):
        step = -k * (k - a)
        b = b + 2
        d = _inverse(step * d + b)
        c = _away(b + step / c)
        h = h * d * c
        if np.all(np.abs(d * c - 1) <= 1e-16):
            break
    return _front(a, x) * h


def _uniform(a: Array, x: Array) -> tuple[Array, Array]:
    """(P, Q) for large a. Source: Temme 1979, "The Asymptotic Expansion of the Incomplete Gamma
    Functions", section 3; DLMF 8.12."""
    mu = x / a - 1
    near = np.abs(mu) < 0.1
    small = np.where(near, mu, 0.0)
    series = sum(((-small) ** k / k for k in np.arange(2, 20).tolist()), np.zeros_like(small))
    phi = np.where(near, series, mu - np.log1p(np.where(near, 0.0, mu)))
    eta = np.sign(mu) * np.sqrt(2 * phi)
    close = np.abs(eta) < 1e-2
    safe = np.where(close, 1.0, eta)
    first = -1 / 3 + eta / 12 - 2 * eta**2 / 135 + eta**3 / 864
    first = np.where(close, first, 1 / np.where(close, 1.0, mu) - 1 / safe)
    rest = np.exp(-a * phi) / np.sqrt(2 * np.pi * a) * first
    y = eta * np.sqrt(a / 2)
    erfc = by_number(math.erfc)
    return erfc(-y) / 2 - rest, erfc(y) / 2 + rest


def _away(v: Array) -> Array:
    return np.where(np.abs(v) < _TINY, _TINY, v)


def _inverse(v: Array) -> Array:
    return 1 / _away(v)


def _gamma_shares(a: Any, x: Any) -> tuple[Array, Array]:
    """(P, Q), each exact where it is small."""
    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    p, q = np.full(a.shape, np.nan), np.full(a.shape, np.nan)
    usual = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    large = usual & (a > _LARGE)
    low = usual & ~large & (x <= a + 1)
    high = usual & ~large & ~low
    if large.any():
        p[large], q[large] = _uniform(a[large], x[large])
    if low.any():
        p[low] = _lower_series(a[low], x[low])[0]
        q[low] = 1 - p[low]
    if high.any():
        q[high] = _upper_fraction(a[high], x[high])
        p[high] = 1 - q[high]
    none = (a > 0) & ((x == 0) | (np.isinf(a) & np.isfinite(x) & (x >= 0)))
    whole = (a > 0) & np.isfinite(a) & (x == np.inf)
    return _set(p, none, 0, whole, 1), _set(q, none, 1, whole, 0)


def _set(v: Array, first: Array, low: float, second: Array, high: float) -> Array:
    v[first], v[second] = low, high
    return v


def _by_a(a: Any, x: Any) -> Array:
    """dP/da."""
    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    out = np.where((a > 0) & (x >= 0), 0.0, np.nan)
    # Far above the mean P is 1, and changes no more.
    usual = (a > 0) & (x > 0) & (x < a + 40 + 12 * np.sqrt(np.maximum(a, 0)))
    small, large = usual & (a <= _LARGE), usual & (a > _LARGE)
    if small.any():
        out[small] = _lower_series(a[small], x[small])[1]
    if large.any():  # a central difference: P changes over a distance of sqrt(a)
        step = 1e-3 * np.sqrt(a[large])
        above, below = (_uniform(a[large] + h, x[large])[0] for h in (step, -step))
        out[large] = (above - below) / (2 * step)
    return out


def _density(a: Tensor, x: Tensor) -> Tensor:
    """dP/dx = x^(a - 1) e^-x / Gamma(a)."""
    return maths.exp((a - 1) * maths.log(x) - x - transcendental.lgamma(a))


def _igamma_vjp(g: Backward, sign: int) -> tuple[Tensor | None, ...]:
    a, x = g.inputs
    ct = g.ct if sign > 0 else -g.ct
    return (
        reductions.sum_to(ct * igamma_grad_a_op(a, x), a) if g.needed[0] else None,
        reductions.sum_to(ct * _density(a, x), x) if g.needed[1] else None,
    )


igamma_grad_a_op = Op("igamma_grad_a", binary("igamma_grad_a", "f"), _by_a, None, _IN_NUMPY)
igamma_op = Op(
    "igamma",
    binary("igamma", "f"),
    lambda a, x: _gamma_shares(a, x)[0],
    lambda g: _igamma_vjp(g, 1),
    _IN_NUMPY,
)
igammac_op = Op(
    "igammac",
    binary("igammac", "f"),
    lambda a, x: _gamma_shares(a, x)[1],
    lambda g: _igamma_vjp(g, -1),
    _IN_NUMPY,
)


def igamma(a: TensorLike, x: TensorLike, name: str | None = None) -> Tensor:
    """The lower regularised incomplete gamma function P(a, x); shapes broadcast.

    Args:
      a, x: floating, a > 0 and x >= 0; else nan.

    Example:
      >>> nf.math.igamma(2.0, [0.0, 1.5]).numpy().astype(float).round(4).tolist()
      [0.0, 0.4422]

    Source: Abramowitz & Stegun 1964, 6.5.1, 6.5.29, 6.5.31.
    """
    return igamma_op(*operands("igamma", a, x, ("a", "x")))


def igammac(a: TensorLike, x: TensorLike, name: str | None = None) -> Tensor:
    """The upper regularised incomplete gamma function Q(a, x) = 1 - P(a, x), exact where small.

    Example:
      >>> nf.math.igammac(2.0, [0.0, 1.5]).numpy().astype(float).round(4).tolist()
      [1.0, 0.5578]
    """
    return igammac_op(*operands("igammac", a, x, ("a", "x")))


# --- beta ----------------------------------------------------------------------------


def _betainc_infer(a: Spec, b: Spec, x: Spec) -> Spec:
    names = ("a", "b", "x")
    dtype = same_dtype("betainc", a, b, x, names=names)
    shape = broadcast_shapes("betainc", a.shape, b.shape, x.shape, names=names)
    return Spec(shape, binary("betainc", "f")(a, Spec((), dtype)).dtype)


def _beta_fraction(a: Array, b: Array, x: Array) -> Array:
    """The continued fraction of 26.5.8, for x < (a + 1) / (a + b + 2) (Lentz's method)."""
    c, d = np.ones_like(a), _inverse(1 - (a + b) * x / (a + 1))
    h = d
    for m in np.arange(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = _inverse(1 + even * d), _away(1 + even / c)
        h = h * d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = _inverse(1 + odd * d), _away(1 + odd / c)
        h = h * d * c
        if np.all(np.abs(d * c - 1) <= 1e-16):
            break
    return h


def _betainc(a: Any, b: Any, x: Any) -> Array:
    a, b, x = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (a, b, x)))
    out = np.full(a.shape, np.nan)
    good = (a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)
    out[good & (x == 0)] = 0
    out[good & (x == 1)] = 1
    inside = good & (x > 0) & (x < 1)
    if inside.any():
        a, b, x = a[inside], b[inside], x[inside]
        mirrored = x > (a + 1) / (a + b + 2)
        p, q = np.where(mirrored, b, a), np.where(mirrored, a, b)
        y = np.where(mirrored, 1 - x, x)
        log = p * np.log(y) + q * np.log1p(-y)
        log = log + _log_gamma(p + q) - _log_gamma(p) - _log_gamma(q)
        share = np.exp(log) * _beta_fraction(p, q, y) / p
        out[inside] = np.where(mirrored, 1 - share, share)
    return out


def _betainc_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """By x only, as in TensorFlow."""
    a, b, x = g.inputs
    if not g.needed[2]:
        return (None, None, None)
    lgamma = transcendental.lgamma
    log = (a - 1) * maths.log(x) + (b - 1) * transcendental.log1p(-x)
    density = maths.exp(log + lgamma(a + b) - lgamma(a) - lgamma(b))
    return (None, None, reductions.sum_to(g.ct * density, x))


betainc_op = Op("betainc", _betainc_infer, _betainc, _betainc_vjp, _IN_NUMPY)


def betainc(a: TensorLike, b: TensorLike, x: TensorLike, name: str | None = None) -> Tensor:
    """The regularised incomplete beta function I_x(a, b); shapes broadcast.

    Its gradient is by x only, as in TensorFlow.

    Args:
      a, b: floating, positive.
      x: in [0, 1]; else nan.

    Example:
      >>> nf.math.betainc(1.0, 2.0, [0.0, 0.5]).numpy().tolist()
      [0.0, 0.75]

    Source: Abramowitz & Stegun 1964, 26.5.1, 26.5.8.
    """
    first, third = operands("betainc", a, x, ("a", "x"))
    second = as_tensor(b, first.dtype, "betainc", "b")
    return betainc_op(first, second, third)


# --- lbeta -----------------------------------------------------------------------------


def lbeta(x: TensorLike, name: str | None = None) -> Tensor:
    """log|Beta| along the last axis: the sum of lgamma(x) less lgamma of the sum; -inf of nothing.

    Args:
      x: floating [..., n].

    Raises:
      ShapeError: x is a scalar.

    Example:
      >>> nf.math.lbeta([[1.0, 2.0], [3.0, 4.0]]).numpy().astype(float).round(4).tolist()
      [-0.6931, -4.0943]
    """
    values = as_tensor(x, None, "lbeta", "x")
    if not values.spec.rank:
        raise ShapeError(explain("lbeta", "x is a scalar, it needs an axis", {"x": values.spec}))
    if values.spec.shape[-1] == 0:
        return shaping.zeros(values.spec.shape[:-1], values.dtype) - math.inf
    logs = reductions.reduce_sum(transcendental.lgamma(values), -1)
    return logs - transcendental.lgamma(reductions.reduce_sum(values, -1))
