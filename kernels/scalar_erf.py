"""erf and erfc, for both widths of float, against a builder of plain operations. See scalar.py.

For |x| <= 1/2 a polynomial in x^2. Beyond, erfc(x) = e^(-x^2) h(t) / (1 + 2x) with t = (x - c)/(x +
c), after Shepherd & Laframboise 1981: h is smooth up to infinity. All coefficients are
interpolations at Chebyshev nodes, computed with 90 digits.
"""

from __future__ import annotations

from numflow.kernels.builder import Builder, V
from numflow.kernels.records import NamedTuple
from numflow.kernels.scalar_f32 import horner


class _Fit(NamedTuple):
    """small: (erf(x)/x - 1) in x^2; big: h in t; high_bits: mask of x whose square is exact."""

    small: tuple[float, ...]
    centre: float
    big: tuple[float, ...]
    largest: float
    high_bits: int


_FITS = {
    "f32": _Fit(
        (
            0.12837916612625122,
            -0.37612608075141907,
            0.11282829940319061,
            -0.026757650077342987,
            0.0047188918106257915,
        ),
        2.0,
        (
            1.2769783735275269,
            -0.09276378154754639,
            -0.1660308986902237,
            0.16404934227466583,
            -0.05421013757586479,
            -0.008011153899133205,
            0.00865411851555109,
            0.0011650713859125972,
            -0.0012585214572027326,
            -0.000246739131398499,
        ),
        10.2,
        -4096,
    ),
    "f64": _Fit(
        (
            0.1283791670955126,
            -0.3761263890318375,
            0.11283791670954868,
            -0.026866170644999358,
            0.005223977622008845,
            -0.0008548326509718547,
            0.00012055286128871108,
            -1.4923000283850108e-05,
            1.6371164552892836e-06,
            -1.4620256114391553e-07,
        ),
        2.5,
        (
            1.2648381843668615,
            -0.12235676308240391,
            -0.09902453957359442,
            0.15762991902316154,
            -0.10296705603909058,
            0.03276089327116656,
            0.0009318928313035082,
            -0.004382078392235905,
            0.000491865623824022,
            0.0006321249462193283,
            -8.847778859395323e-05,
            -0.00011352669241466046,
            6.259424672752805e-06,
            2.271943474373966e-05,
            2.626569578867381e-06,
            -4.2762804437175635e-06,
            -1.6099514299162484e-06,
            6.354838907299171e-07,
            5.418519299611337e-07,
            -8.47622934269096e-08,
            -1.0587646567837358e-07,
            2.2691804102771046e-08,
        ),
        28.0,
        -(1 << 27),
    ),
}


def _upper(b: Builder[V], a: V, fit: _Fit) -> V:
    """erfc(a) for a >= 1/2."""
    c = b.smaller(fit.largest, a)
    t = b.div(b.sub(c, fit.centre), b.add(c, fit.centre))
    h = horner(b, t, fit.big[::-1])
    high = b.from_bits(b.bitand(b.bits(c), fit.high_bits))
    low = b.mul(b.sub(high, c), b.add(high, c))  # e^(-c^2) = e^(-high^2) e^low
    e = b.exp(b.neg(b.mul(high, high)))
    e = b.fma(e, b.mul(low, horner(b, low, (1 / 24, 1 / 6, 1 / 2, 1.0))), e)
    return b.mul(e, b.div(h, b.fma(c, 2.0, 1.0)))


def erf(b: Builder[V], x: V) -> V:
    fit = _FITS[x.dtype]
    a = b.abs(x)
    small = b.fma(horner(b, b.mul(x, x), fit.small[::-1]), x, x)
    big = b.copysign(b.sub(1.0, _upper(b, a, fit)), x)
    return b.select(b.gt(a, 0.5), big, small)


def erfc(b: Builder[V], x: V) -> V:
    fit = _FITS[x.dtype]
    a = b.abs(x)
    small = b.fma(horner(b, b.mul(x, x), fit.small[::-1]), x, x)
    big = _upper(b, a, fit)
    big = b.select(b.lt(x, 0.0), b.sub(2.0, big), big)
    return b.select(b.gt(a, 0.5), big, b.sub(1.0, small))
