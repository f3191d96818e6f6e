"""Inverse and hyperbolic functions, and other logarithms, for both widths of float. See scalar.py.

Polynomials are interpolations at Chebyshev nodes, computed with 90 digits; the rest is made of exp,
log1p and sqrt.
"""

from __future__ import annotations

from numflow.kernels.builder import INF, NAN, Builder, V
from numflow.kernels.scalar_f32 import horner
from numflow.kernels.scalar_f64 import log_pair

PI, PI_LOW = 3.141592653589793, 1.2246467991473532e-16

# (atan(x)/x - 1)/x^2 for |x| <= tan(pi/8), and (asin(x)/x - 1)/x^2 for |x| <= 1/2, both in x^2.
_ATAN = {
    "f32": (
        -0.3333333134651184,
        0.19999538362026215,
        -0.14263896644115448,
        0.10743099451065063,
        -0.06449835002422333,
    ),
    "f64": (
        -0.3333333333333333,
        0.1999999999999548,
        -0.14285714284657894,
        0.11111111014561013,
        -0.09090904549884611,
        0.07692182535116648,
        -0.06664502215671447,
        0.058580687568615106,
        -0.05085030492810941,
        0.03921955253255129,
        -0.019162068915902573,
    ),
}
_ASIN = {
    "f32": (
        0.16666673123836517,
        0.07498844712972641,
        0.04500395432114601,
        0.026535117998719215,
        0.03812974691390991,
    ),
    "f64": (
        0.16666666666666669,
        0.07499999999998389,
        0.04464285714644605,
        0.0303819441312372,
        0.022372173243832207,
        0.017352385393480947,
        0.013971325328728771,
        0.011478047472510145,
        0.010330370295404406,
        0.005424230839804001,
        0.017493569476248205,
        -0.014999855783811349,
        0.02886097438799853,
    ),
}


def _angle(b: Builder[V], a: V, c: V) -> V:
    """atan(a / c) for a, c >= 0, not both 0 and not both infinite."""
    over, middle = b.gt(a, b.mul(c, 2.414213562373095)), b.gt(a, b.mul(c, 0.41421356237309503))
    top = b.select(over, b.neg(c), b.select(middle, b.sub(a, c), a))
    bottom = b.select(over, a, b.select(middle, b.add(a, c), c))
    start = b.select(
        over, b.const(PI / 2, a.dtype), b.select(middle, b.const(PI / 4, a.dtype), 0.0)
    )
    t = b.div(top, bottom)
    s = b.mul(t, t)
    arc = b.fma(horner(b, s, _ATAN[a.dtype][::-1]), b.mul(s, t), t)
    if a.dtype == "f64":
        arc = b.fma(start, PI_LOW / PI, arc)
    return b.add(start, arc)


def atan(b: Builder[V], x: V) -> V:
    a = b.smaller(1e30, b.abs(x))
    return b.copysign(_angle(b, a, b.const(1.0, x.dtype)), x)


def atan2(b: Builder[V], y: V, x: V) -> V:
    """The angle of the point (x, y), as C99 (annex F.9.1.4) has it."""
    a, c = b.abs(y), b.abs(x)
    both = b.eq(a, c)  # 0 and 0: the angle of (1, 0); infinite: of (1, 1)
    zero = b.logical_and(both, b.eq(a, 0.0))
    a = b.select(both, b.select(zero, b.const(0.0, x.dtype), 1.0), a)
    c = b.select(both, 1.0, c)
    huge = b.gt(b.max(a, c), 2.0**125 if x.dtype == "f32" else 2.0**1021)
    scale = b.select(huge, b.const(0.25, x.dtype), 1.0)  # a + c and 2.4 c stay finite
    angle = _angle(b, b.mul(a, scale), b.mul(c, scale))
    back = b.sub(PI, b.sub(angle, PI_LOW)) if x.dtype == "f64" else b.sub(PI, angle)
    angle = b.select(b.lt(b.bits(x), 0), back, angle)
    return b.select(b.logical_or(b.isnan(x), b.isnan(y)), NAN, b.copysign(angle, y))


def _arcsine(b: Builder[V], a: V) -> tuple[V, V]:
    """For 0 <= a <= 1: whether a > 1/2, and asin(a), or there asin(sqrt((1 - a)/2))."""
    big = b.gt(a, 0.5)
    s = b.select(big, b.mul(b.sub(1.0, a), 0.5), b.mul(a, a))
    r = b.select(big, b.sqrt(s), a)
    return big, b.fma(horner(b, s, _ASIN[a.dtype][::-1]), b.mul(s, r), r)


def asin(b: Builder[V], x: V) -> V:
    big, p = _arcsine(b, b.abs(x))
    rest = b.fma(p, -2.0, PI_LOW / 2) if x.dtype == "f64" else b.mul(p, -2.0)
    return b.copysign(b.select(big, b.add(rest, PI / 2), p), x)


def acos(b: Builder[V], x: V) -> V:
    big, p = _arcsine(b, b.abs(x))
    below = b.lt(x, 0.0)
    low = PI_LOW if x.dtype == "f64" else 0.0
    twice = b.mul(p, 2.0)
    wide = b.select(below, b.add(b.sub(low, twice), PI), twice)
    signed = b.copysign(p, x)
    return b.select(big, wide, b.add(b.sub(low / 2, signed), PI / 2))


# --- hyperbolic ------------------------------------------------------------------


def _half_exp(b: Builder[V], a: V) -> V:
    """e^a / 2 where e^a may overflow."""
    e = b.exp(b.mul(a, 0.5))
    return b.mul(b.mul(e, 0.5), e)


def _far(x: V) -> float:
    return 80.0 if x.dtype == "f32" else 700.0


def sinh(b: Builder[V], x: V) -> V:
    a = b.abs(x)
    e = b.expm1(b.smaller(_far(x), a))
    y = b.mul(b.add(e, b.div(e, b.add(e, 1.0))), 0.5)
    return b.copysign(b.rarely(b.gt(a, _far(x)), y, lambda: _half_exp(b, a)), x)


def cosh(b: Builder[V], x: V) -> V:
    a = b.abs(x)
    e = b.exp(b.smaller(_far(x), a))
    y = b.mul(b.add(e, b.div(1.0, e)), 0.5)
    return b.rarely(b.gt(a, _far(x)), y, lambda: _half_exp(b, a))


def _square_fits(x: V) -> float:
    """Up to where x^2 does not overflow."""
    return 1e18 if x.dtype == "f32" else 1e150


def asinh(b: Builder[V], x: V) -> V:
    a = b.abs(x)
    s = b.mul(a, a)
    y = b.log1p(b.add(a, b.div(s, b.add(b.sqrt(b.add(s, 1.0)), 1.0))))
    big = b.gt(a, _square_fits(x))
    return b.copysign(b.rarely(big, y, lambda: b.add(b.log(a), 0.6931471805599453)), x)


def acosh(b: Builder[V], x: V) -> V:
    t = b.sub(x, 1.0)
    y = b.log1p(b.add(t, b.sqrt(b.mul(t, b.add(t, 2.0)))))
    big = b.gt(x, _square_fits(x))
    y = b.rarely(big, y, lambda: b.add(b.log(x), 0.6931471805599453))
    return b.select(b.lt(x, 1.0), NAN, y)


def atanh(b: Builder[V], x: V) -> V:
    a = b.abs(x)
    y = b.log1p(b.div(b.add(a, a), b.sub(1.0, a)))
    return b.copysign(b.mul(y, 0.5), x)


# --- logarithms of other bases -----------------------------------------------------


def log2(b: Builder[V], x: V) -> V:
    return _logarithm(b, x, 1.4426950408889634, 2.0355273740931033e-17)


def log10(b: Builder[V], x: V) -> V:
    return _logarithm(b, x, 0.4342944819032518, 1.098319650216765e-17)


def _logarithm(b: Builder[V], x: V, scale: float, scale_low: float) -> V:
    """log x times scale + scale_low, rounded nearly once: exact for powers of the base."""
    if x.dtype == "f32":
        return b.cast(_logarithm(b, b.cast(x, "f64"), scale, scale_low), "f32")
    high, low = log_pair(b, b.smaller(1.7976931348623157e308, b.larger(5e-324, x)))
    y = b.mul(high, scale)
    rest = b.fma(high, scale, b.neg(y))
    y = b.add(y, b.fma(high, scale_low, b.fma(low, scale, rest)))
    y = b.select(b.eq(x, 0.0), -INF, b.select(b.eq(x, INF), INF, y))
    return b.select(b.logical_or(b.lt(x, 0.0), b.isnan(x)), NAN, y)
