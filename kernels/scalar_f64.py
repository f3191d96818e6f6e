"""float64 bodies of the transcendental functions, against a builder of plain operations. See
scalar.py.

The twin of scalar_f32.py. AVX2 has no conversion between 64-bit integers and floats, so both
directions go by adding 1.5 * 2^52.
"""

from __future__ import annotations

from numflow.kernels.builder import INF, NAN, Builder, V
from numflow.kernels.scalar_f32 import horner, power_signs, sigmoid_by

_MAGIC = 6755399441055744.0  # 1.5 * 2^52
_MAGIC_BITS = 0x4338000000000000
_LOG2E = 1.4426950408889634
_LN2_HI, _LN2_LO = 6.93147180369123816490e-01, 1.90821492927058770002e-10


# --- exponentials ------------------------------------------------------------


def exp(b: Builder[V], x: V) -> V:
    c = b.smaller(710.0, b.larger(-746.0, x))
    return _exp_sum(b, c, None)


def _exp_sum(b: Builder[V], x: V, low: V | None) -> V:
    """e^(x + low) for -746 <= x <= 710; Cephes: e^r = 1 + 2 r P(r^2) / (Q(r^2) - r P(r^2))."""
    k = b.fma(x, _LOG2E, _MAGIC)
    n = b.sub(k, _MAGIC)
    r = b.fma(n, -1.42860682030941723212e-6, b.fma(n, -6.93145751953125e-1, x))
    r = r if low is None else b.add(r, low)
    s = b.mul(r, r)
    p = b.mul(r, horner(b, s, (1.26177193074810590878e-4, 3.02994407707441961300e-2, 1.0)))
    q = horner(
        b, s, (3.00198505138664455042e-6, 2.52448340349684104192e-3, 2.27265548208155028766e-1, 2.0)
    )
    p = b.fma(b.div(p, b.sub(q, p)), 2.0, 1.0)
    return b.scaled(p, k)


# (e^2r - 1 - 2r)/(2 r^2) for |r| <= ln 2 / 4, from the square's coefficient up: 9e-19.
_EXPM1 = (
    1.0,
    0.6666666666666669,
    0.33333333333333337,
    0.13333333333321826,
    0.04444444444442801,
    0.012698412719872315,
    0.0031746031776682705,
    0.0007054657388991087,
    0.00014109324114610502,
    2.570773132693198e-05,
    4.28332633632439e-06,
)


def _expm1_half(b: Builder[V], x: V) -> V:
    """(e^2x - 1)/2 = 2^n (e^2r - 1)/2 + (2^n - 1)/2 for -350 < 2x < 709, where 2x = n ln 2 + 2r."""
    k = b.fma(x, 2 * _LOG2E, _MAGIC)
    n = b.sub(k, _MAGIC)
    r = b.fma(n, -0.5 * _LN2_LO, b.fma(n, -0.5 * _LN2_HI, x))
    q = b.fma(horner(b, r, _EXPM1[::-1]), b.mul(r, r), r)
    t = b.from_bits(b.add(b.shl(b.bits(k), 52), 0x3FF0000000000000))
    return b.fma(q, t, b.fma(t, 0.5, -0.5))


def expm1(b: Builder[V], x: V) -> V:
    c = b.smaller(709.0, b.larger(-40.0, x))
    y = b.copysign(b.mul(_expm1_half(b, b.mul(c, 0.5)), 2.0), x)  # -0.0 stays
    return b.select(b.gt(x, 709.0), exp(b, x), y)


def tanh(b: Builder[V], x: V) -> V:
    """h/(h + 1), h = (e^2x - 1)/2"""
    h = _expm1_half(b, b.smaller(20.0, b.abs(x)))  # tanh 20 = 1 in float64
    return b.copysign(b.div(h, b.add(h, 1.0)), x)


def sigmoid(b: Builder[V], x: V) -> V:
    return sigmoid_by(b, x, exp)


# --- logarithms ----------------------------------------------------------------

LOG_TERMS = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)


def log(b: Builder[V], x: V) -> V:
    """fdlibm's: log(1 + f) by s = f / (2 + f)."""
    tiny = b.lt(x, 2.2250738585072014e-308)
    i = b.bits(b.select(tiny, b.mul(x, 18014398509481984.0), x))  # 2^54
    e = b.bitand(b.sub(i, 0x3FE6A09E667F3BCD), -4503599627370496)  # sqrt 1/2 <= mantissa < sqrt 2
    f = b.sub(b.from_bits(b.sub(i, e)), 1.0)
    k = b.sub(b.from_bits(b.add(b.shr(e, 52), _MAGIC_BITS)), _MAGIC)
    k = b.add(k, b.select(tiny, b.const(-54.0, "f64"), 0.0))
    s = b.div(f, b.add(f, 2.0))
    r = b.mul(b.mul(s, s), horner(b, b.mul(s, s), LOG_TERMS[::-1]))
    h = b.mul(b.mul(f, f), 0.5)
    low = b.fma(s, b.add(h, r), b.mul(k, _LN2_LO))
    r = b.fma(k, _LN2_HI, b.sub(f, b.sub(h, low)))
    r = b.select(b.eq(x, 0.0), -INF, r)
    r = b.select(b.lt(x, 0.0), NAN, r)
    return b.select(b.logical_or(b.eq(x, INF), b.isnan(x)), x, r)


def log1p(b: Builder[V], x: V) -> V:
    u = b.add(x, 1.0)
    lost = b.div(b.sub(x, b.sub(u, 1.0)), u)  # what 1 + x lost; 0/0 at -1, inf - inf at inf
    y = b.add(log(b, u), b.select(b.lt(b.abs(lost), 1.0), lost, 0.0))
    return b.select(b.eq(x, 0.0), x, y)


# --- powers ----------------------------------------------------------------------

# (log((1 + s)/(1 - s)) - 2s - 2/3 s^3)/s^5 in s^2: 2e-19 of the logarithm.
_LOG_TAIL = (
    0.4000000000000003,
    0.28571428571335483,
    0.2222222227246897,
    0.18181808025080376,
    0.1538559095957839,
    0.13285421679017204,
    0.12920221324272918,
)


def log_pair(b: Builder[V], x: V) -> tuple[V, V]:
    """log x as the unevaluated sum of two, to about 2^-65 of its size; x is positive and finite.

    Each product and sum comes with its rounding error (Dekker 1971), except where terms are small.
    """
    tiny = b.lt(x, 2.2250738585072014e-308)
    i = b.bits(b.select(tiny, b.mul(x, 18014398509481984.0), x))  # 2^54
    e = b.bitand(b.sub(i, 0x3FE6A09E667F3BCD), -4503599627370496)
    f = b.sub(b.from_bits(b.sub(i, e)), 1.0)
    k = b.sub(b.from_bits(b.add(b.shr(e, 52), _MAGIC_BITS)), _MAGIC)
    k = b.add(k, b.select(tiny, b.const(-54.0, "f64"), 0.0))
    d = b.add(f, 2.0)
    d_low = b.sub(f, b.sub(d, 2.0))
    s = b.div(f, d)  # s + s_low = f / (2 + f)
    rest = b.fma(b.neg(s), d, f)
    s_low = b.div(b.fma(b.neg(s), d_low, rest), d)
    z = b.mul(s, s)
    z_low = b.fma(b.mul(s, 2.0), s_low, b.fma(s, s, b.neg(z)))
    cube = b.mul(z, s)
    cube_low = b.fma(z_low, s, b.fma(z, s_low, b.fma(z, s, b.neg(cube))))
    third = b.mul(cube, 0.6666666666666666)
    third_low = b.fma(cube, 0.6666666666666666, b.neg(third))
    third_low = b.fma(cube_low, 0.6666666666666666, b.fma(cube, 3.700743415417188e-17, third_low))
    small = b.mul(b.mul(cube, z), horner(b, z, _LOG_TAIL[::-1]))
    first, first_low = _two_sum(b, b.mul(k, _LN2_HI), b.mul(s, 2.0))  # k _LN2_HI is exact
    high, high_low = _two_sum(b, first, third)
    low = b.add(b.fma(s_low, 2.0, third_low), b.fma(k, _LN2_LO, small))
    low = b.add(low, b.add(first_low, high_low))
    total = b.add(high, low)
    return total, b.sub(low, b.sub(total, high))


def _two_sum(b: Builder[V], x: V, y: V) -> tuple[V, V]:
    """x + y and what its rounding lost; Knuth's, for any sizes."""
    total = b.add(x, y)
    part = b.sub(total, x)
    return total, b.add(b.sub(x, b.sub(total, part)), b.sub(y, part))


def pow(b: Builder[V], x: V, y: V) -> V:
    """|x|^y = e^(y log |x|); then the sign, and the cases that C99 (annex F.9.4.4) lists."""
    a = b.abs(x)
    high, low = log_pair(b, b.smaller(1.7976931348623157e308, b.larger(5e-324, a)))
    z = b.mul(y, high)
    z_low = b.fma(y, low, b.fma(y, high, b.neg(z)))
    z_low = b.select(b.lt(b.abs(z), 1e4), z_low, 0.0)
    special = b.logical_or(b.eq(a, 0.0), b.eq(a, INF))
    z = b.select(b.eq(a, 0.0), b.mul(y, -INF), b.select(b.eq(a, INF), b.mul(y, INF), z))
    z_low = b.select(special, 0.0, z_low)
    one = b.logical_and(b.eq(a, 1.0), b.eq(y, y))
    z, z_low = b.select(one, 0.0, z), b.select(one, 0.0, z_low)
    r = _exp_sum(b, b.smaller(710.0, b.larger(-746.0, z)), z_low)
    r = b.select(b.logical_or(b.isnan(x), b.isnan(y)), NAN, r)
    return power_signs(b, x, y, r)


# --- sine, cosine, tangent -----------------------------------------------------

_SIN = (
    -0.16666666666666666,
    0.008333333333330827,
    -0.0001984126983657571,
    2.755731600817155e-06,
    -2.5051112272573243e-08,
    1.5916726193889336e-10,
)
_COS = (
    0.041666666666666664,
    -0.0013888888888887322,
    2.4801587298651292e-05,
    -2.755731721268659e-07,
    2.0876134024090145e-09,
    -1.1381754653662937e-11,
)
_FAR = 1e6  # beyond, the reduction needs more bits of pi


def _quadrant(b: Builder[V], x: V) -> tuple[V, V, V]:
    """r and the bits of j with x = j pi/2 + r + r_low, |r| <= pi/4, for |x| < _FAR.

    pi/2 in parts of 33 bits: their products with j are exact.
    """
    k = b.fma(x, 0.6366197723675814, _MAGIC)
    j = b.sub(k, _MAGIC)
    part = b.fma(j, -1.5707963267341256, x)
    r = b.fma(j, -6.077100506303966e-11, part)
    low = b.fma(j, -6.077100506303966e-11, b.sub(part, r))
    low = b.fma(j, -2.0222662487959506e-21, low)
    total = b.add(r, low)
    return total, b.add(b.sub(r, total), low), b.bits(k)


def _sine_cosine(b: Builder[V], r: V, low: V) -> tuple[V, V]:
    s = b.mul(r, r)
    sine = b.fma(horner(b, s, _SIN[::-1]), b.mul(r, s), b.fma(s, b.mul(low, -0.5), low))
    half = b.mul(s, 0.5)
    one = b.sub(1.0, half)
    lost = b.sub(b.sub(1.0, one), half)
    tail = b.fma(horner(b, s, _COS[::-1]), b.mul(s, s), b.fma(b.neg(r), low, lost))
    return b.add(r, sine), b.add(one, tail)


def _sin_cos(b: Builder[V], x: V, quarter: int) -> V:
    """sin(x + quarter pi/2)"""
    far = b.logical_not(b.lt(b.abs(x), _FAR))
    r, low, i = _quadrant(b, b.select(far, 0.0, x))
    sine, cosine = _sine_cosine(b, r, low)
    i = b.add(i, quarter)
    y = b.select(b.eq(b.bitand(i, 1), 0), sine, cosine)
    y = b.from_bits(b.bitxor(b.bits(y), b.shl(b.bitand(i, 2), 62)))
    return b.rarely(far, y, lambda: b.libm("cos" if quarter else "sin", x))


def sin(b: Builder[V], x: V) -> V:
    return b.select(b.eq(x, 0.0), x, _sin_cos(b, x, 0))


def cos(b: Builder[V], x: V) -> V:
    return _sin_cos(b, x, 1)


def tan(b: Builder[V], x: V) -> V:
    far = b.logical_not(b.lt(b.abs(x), _FAR))
    r, low, i = _quadrant(b, b.select(far, 0.0, x))
    sine, cosine = _sine_cosine(b, r, low)
    even = b.eq(b.bitand(i, 1), 0)
    y = b.div(b.select(even, sine, b.neg(cosine)), b.select(even, cosine, sine))
    return b.select(b.eq(x, 0.0), x, b.rarely(far, y, lambda: b.libm("tan", x)))
