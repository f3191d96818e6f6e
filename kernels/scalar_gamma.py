"""The logarithm of the gamma function and its derivative, for both widths of float. See scalar.py.

Stirling's series from x = 10 on; below, x is shifted up by the recurrence, and negative x
reflected. float32 is computed in float64, for both functions have zeros where digits cancel.
"""

from __future__ import annotations

from numflow.kernels.builder import INF, NAN, Builder, V
from numflow.kernels.scalar_f32 import horner

_PI, _HALF_LOG_2PI = 3.141592653589793, 0.9189385332046727
_SHIFT = 10
# Bernoulli numbers B2k / (2k (2k - 1)) and B2k / (2k), in 1/x^2; Abramowitz & Stegun 6.1.41 and
# 6.3.18.
_LGAMMA = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
_DIGAMMA = (-1 / 12, 1 / 120, -1 / 252, 1 / 240, -1 / 132, 691 / 32760, -1 / 12)


def lgamma(b: Builder[V], x: V) -> V:
    """log |gamma(x)|"""
    if x.dtype == "f32":
        return b.cast(lgamma(b, b.cast(x, "f64")), "f32")
    below = b.lt(x, 0.5)
    a = b.select(below, b.sub(1.0, x), x)
    y = _lgamma_positive(b, a)
    whole = b.eq(b.floor(x), x)
    part = b.sub(x, b.rint(x))  # sin(pi x) keeps its digits near whole numbers
    sine = b.abs(b.sin(b.mul(part, _PI)))
    reflected = b.sub(b.log(b.div(_PI, sine)), y)
    y = b.select(below, reflected, y)
    pole = b.logical_or(b.logical_and(whole, b.le(x, 0.0)), b.eq(b.abs(x), INF))
    return b.select(pole, INF, y)


def _lgamma_positive(b: Builder[V], x: V) -> V:
    """For x >= 1/2. Near the zeros at 1 and 2 the sum of large terms leaves 1e-15."""
    small = b.lt(x, float(_SHIFT))
    product = b.select(small, x, 1.0)
    for k in range(1, _SHIFT):
        factor = b.add(x, float(k))
        product = b.select(b.lt(factor, float(_SHIFT)), b.mul(product, factor), product)
    n = b.select(small, b.sub(float(_SHIFT), b.floor(x)), 0.0)
    z = b.add(x, n)
    series = b.div(horner(b, b.div(1.0, b.mul(z, z)), _LGAMMA[::-1]), z)
    main = b.fma(b.sub(z, 0.5), b.log(z), b.sub(_HALF_LOG_2PI, z))
    return b.sub(b.add(main, series), b.log(product))


def digamma(b: Builder[V], x: V) -> V:
    """The derivative of lgamma; NaN at its poles."""
    if x.dtype == "f32":
        return b.cast(digamma(b, b.cast(x, "f64")), "f32")
    below = b.lt(x, 0.5)
    z = b.select(below, b.sub(1.0, x), x)
    total = b.const(0.0, x.dtype)
    for _ in range(_SHIFT):
        small = b.lt(z, float(_SHIFT))
        total = b.select(small, b.sub(total, b.div(1.0, z)), total)
        z = b.select(small, b.add(z, 1.0), z)
    s = b.div(1.0, b.mul(z, z))
    tail = b.sub(b.mul(horner(b, s, _DIGAMMA[::-1]), s), b.div(0.5, z))
    y = b.add(b.add(b.log(z), tail), total)
    part = b.mul(b.sub(x, b.rint(x)), _PI)
    y = b.select(below, b.sub(y, b.div(_PI, b.tan(part))), y)
    pole = b.logical_and(b.eq(b.floor(x), x), b.le(x, 0.0))
    return b.select(pole, NAN, y)
