"""float32 bodies of the transcendental functions, against a builder of plain operations.

Loops with few vectors wait for chains of operations, so polynomials are split (Estrin) where
Horner's rule would be a longer chain of as many operations, and integers are made by adding
1.5 * 2^23 instead of rounding and converting. At most 2.5 ulp over all of float32; inf, NaN, signed
zero and denormals come out right.
Functions of steep slope (pow, and the like) are computed in float64 and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numflow.kernels.builder import INF, NAN, Builder, V

_MAGIC = 12582912.0  # 1.5 * 2^23: adding it leaves the nearest integer in the low bits
_LOG2E, _LN2_HI, _LN2_LO = 1.44269504, 0.693145752, 1.42860677e-6
_MIN_NORMAL = 1.175494351e-38


def horner(b: Builder[V], x: V, coefficients: Sequence[float | V]) -> V:
    """((c0 x + c1) x + c2) ..."""
    first, second, *rest = coefficients
    r = b.fma(x, first, second)
    for c in rest:
        r = b.fma(r, x, c)
    return r


# --- exponentials ------------------------------------------------------------

# e^r for |r| <= ln 2 / 2, by reweighted least squares: 1.3e-8.
_EXP = (1.37805939e-3, 8.37312452e-3, 4.16695364e-2, 1.66664720e-1, 4.99999851e-1, 1.0)
# (e^2r - 1 - 2r)/(2 r^2) for |r| <= ln 2 / 4, from the square's coefficient up: 1.5e-9.
_EXPM1 = (
    1.0,
    0.6666666865348816,
    0.3333317041397095,
    0.1333329677581787,
    0.044588226824998856,
    0.012730355374515057,
)


def _exp_polynomial(b: Builder[V], r: V) -> V:
    """Horner's rule: vectors come in turns, so that its chain costs less than Estrin's square."""
    return horner(b, r, (*_EXP, 1.0))


def exp(b: Builder[V], x: V) -> V:
    c = b.smaller(89.0, b.larger(-104.0, x))  # in this order NaN comes through, and stays
    k = b.fma(c, _LOG2E, _MAGIC)
    n = b.sub(k, _MAGIC)
    r = b.fma(n, -_LN2_LO, b.fma(n, -_LN2_HI, c))
    return b.scaled(_exp_polynomial(b, r), k)


def _exp_moderate(b: Builder[V], x: V) -> V:
    """e^x for -80 < x < 80."""
    k = b.fma(x, _LOG2E, _MAGIC)
    n = b.sub(k, _MAGIC)
    r = b.fma(n, -_LN2_LO, b.fma(n, -_LN2_HI, x))
    return b.from_bits(b.add(b.bits(_exp_polynomial(b, r)), b.shl(b.bits(k), 23)))


def _expm1_half(b: Builder[V], r: V, k: V) -> V:
    """(e^2x - 1)/2 = 2^n (e^2r - 1)/2 + (2^n - 1)/2, where k = _MAGIC + n and 2x = n ln 2 + 2r.

    No branch for small x: the polynomial is that of (e^2r - 1)/2r.
    """
    c2, c3, c4, c5, c6, c7 = _EXPM1
    s = b.mul(r, r)
    q = b.fma(b.fma(s, b.fma(s, b.fma(r, c7, c6), b.fma(r, c5, c4)), b.fma(r, c3, c2)), s, r)
    t = b.from_bits(b.add(b.shl(b.bits(k), 23), 0x3F800000))
    return b.fma(q, t, b.fma(t, 0.5, -0.5))


def expm1(b: Builder[V], x: V) -> V:
    c = b.smaller(88.0, b.larger(-18.0, x))
    k = b.fma(c, _LOG2E, _MAGIC)
    n = b.sub(k, _MAGIC)
    r = b.fma(n, -0.5 * _LN2_LO, b.fma(n, -0.5 * _LN2_HI, b.mul(c, 0.5)))
    y = b.copysign(b.mul(_expm1_half(b, r, k), 2.0), x)  # -0.0 stays
    return b.select(b.gt(x, 88.0), b.sub(exp(b, x), 1.0), y)


def tanh(b: Builder[V], x: V) -> V:
    """h/(h + 1), h = (e^2x - 1)/2: 18 operations.

    27 with a polynomial for small x and e^2x for the rest.
    """
    c = b.smaller(9.1, b.abs(x))  # NaN comes through; tanh 9.1 = 1 in float32
    k = b.fma(c, 2 * _LOG2E, _MAGIC)
    h = _expm1_half(b, b.fma(b.sub(k, _MAGIC), -0.5 * 0.693147182, c), k)
    return b.copysign(b.div(h, b.add(h, 1.0)), x)


def sigmoid(b: Builder[V], x: V) -> V:
    return sigmoid_by(b, x, exp)


def sigmoid_by(b: Builder[V], x: V, exp: Callable[[Builder[V], V], V]) -> V:
    """1/(1 + e^-x), or e^x/(1 + e^x) where x < 0: right down to denormals."""
    t = exp(b, b.neg(b.abs(x)))
    return b.div(b.select(b.lt(x, 0.0), t, 1.0), b.add(t, 1.0))


# 2^r for |r| <= 1/2, by reweighted least squares of the relative error: 9e-8.
_EXP2 = (0.00132647239, 0.00967151287, 0.0555073375, 0.240222421, 0.693146978)


def gate(b: Builder[V], x: V) -> V:
    """1/(1 + e^-x) for recurrent layers: within 1.2e-7, where x < -20 with fewer digits of itself.

    13 operations for sigmoid's 20. It never leaves [1.6e-38, 1].
    """
    c = b.smaller(87.0, b.larger(-87.0, x))  # in this order NaN comes through
    k = b.fma(c, -_LOG2E, _MAGIC)
    r = b.fma(c, -_LOG2E, b.neg(b.sub(k, _MAGIC)))
    t = b.from_bits(b.add(b.shl(b.bits(k), 23), 0x3F800000))
    return b.div(1.0, b.fma(horner(b, r, (*_EXP2, 1.0)), t, 1.0))


# --- logarithms and powers -----------------------------------------------------


def log(b: Builder[V], x: V) -> V:
    tiny = b.lt(x, _MIN_NORMAL)
    scaled = b.select(tiny, b.mul(x, 8388608.0), x)
    i = b.bits(scaled)
    e = b.bitand(b.sub(i, 0x3F2AAAAB), -8388608)  # 2/3 <= mantissa < 4/3
    f = b.sub(b.from_bits(b.sub(i, e)), 1.0)
    k = b.fma(b.cast(e, "f32"), 1.1920928955078125e-07, b.select(tiny, b.const(-23.0, "f32"), 0.0))
    s = b.mul(f, f)
    r = horner(b, s, (-0.130310059, -0.121483512, -0.166846126, -0.249996200))
    t = horner(b, s, (0.140869141, 0.139814854, 0.200120345))
    r = horner(b, f, (b.fma(t, f, r), 0.333331972, -0.5))
    r = b.fma(k, 0.693147182, b.fma(r, s, f))
    r = b.select(b.eq(x, 0.0), -INF, r)
    r = b.select(b.lt(x, 0.0), NAN, r)
    return b.select(b.logical_or(b.eq(x, INF), b.isnan(x)), x, r)


def log1p(b: Builder[V], x: V) -> V:
    u = b.add(x, 1.0)
    lost = b.div(b.sub(x, b.sub(u, 1.0)), u)  # what 1 + x lost; 0/0 at -1, inf - inf at inf
    y = b.add(log(b, u), b.select(b.lt(b.abs(lost), 1.0), lost, 0.0))
    return b.select(b.eq(x, 0.0), x, y)


def _log2_wide(b: Builder[V], x: V) -> V:
    """log2 of a normal float64 to 1e-12: enough for the powers of float32."""
    i = b.bits(x)
    e = b.bitand(b.sub(i, 0x3FE6A09E667F3BCD), -4503599627370496)  # sqrt 1/2 <= mantissa < sqrt 2
    f = b.sub(b.from_bits(b.sub(i, e)), 1.0)
    k = b.sub(b.from_bits(b.add(b.shr(e, 52), 0x4338000000000000)), 6755399441055744.0)
    s = b.div(f, b.add(f, 2.0))
    terms = [2.8853900817779268 / (2 * j + 1) for j in range(7, -1, -1)]  # 2/ln 2 artanh s
    return b.fma(horner(b, b.mul(s, s), terms), s, k)


def _exp2_wide(b: Builder[V], x: V) -> V:
    """2^x for -1000 < x < 1000 in float64, to 1e-10."""
    k = b.add(x, 6755399441055744.0)  # 1.5 * 2^52
    r = b.sub(x, b.sub(k, 6755399441055744.0))
    ln2, terms = 0.6931471805599453, [1.0]
    for j in range(1, 10):
        terms.append(terms[-1] * ln2 / j)
    p = horner(b, r, terms[::-1])
    return b.from_bits(b.add(b.bits(p), b.shl(b.bits(k), 52)))


def pow(b: Builder[V], x: V, y: V) -> V:
    """|x|^y in float64; then the sign, and the cases that C99 (annex F.9.4.4) lists."""
    a = b.cast(b.abs(x), "f64")
    finite = b.smaller(1e39, b.larger(1e-46, a))
    z = b.mul(_log2_wide(b, finite), b.cast(y, "f64"))
    z = b.select(b.eq(a, 0.0), b.mul(b.cast(y, "f64"), -INF), z)
    z = b.select(b.eq(a, INF), b.mul(b.cast(y, "f64"), INF), z)
    z = b.select(b.logical_and(b.eq(a, 1.0), b.eq(y, y)), 0.0, z)
    r = b.cast(_exp2_wide(b, b.smaller(160.0, b.larger(-180.0, z))), "f32")
    r = b.select(b.logical_or(b.isnan(x), b.isnan(y)), NAN, r)
    return power_signs(b, x, y, r)


def power_signs(b: Builder[V], x: V, y: V, r: V) -> V:
    """x^y, given r = |x|^y."""
    whole = b.eq(b.floor(y), y)
    half = b.mul(y, 0.5)
    odd = b.logical_and(whole, b.ne(b.floor(half), half))
    r = b.select(odd, b.copysign(r, x), r)
    undefined = b.logical_and(b.logical_and(b.lt(x, 0.0), b.gt(x, -INF)), b.logical_not(whole))
    r = b.select(undefined, NAN, r)
    return b.select(b.logical_or(b.eq(y, 0.0), b.eq(x, 1.0)), 1.0, r)


# --- sine, cosine, tangent -----------------------------------------------------


def _quadrant(b: Builder[V], x: V) -> tuple[V, V]:
    """r and j with x = j pi/2 + r, |r| <= pi/4, for |x| < 2^20.

    Cody & Waite 1980 in three parts.
    """
    j = b.rint(b.mul(x, 0.636619772))
    r = b.fma(j, -3.13916473e-07, b.fma(j, -1.57079601e00, x))
    return b.fma(j, -5.39030253e-15, r), j


_SIN = (2.86567956e-6, -1.98559923e-4, 8.33338592e-3, -1.66666672e-1)
_COS = (2.44677067e-5, -1.38877297e-3, 4.16666567e-2, -0.5, 1.0)


def _sin_cos(b: Builder[V], x: V, quarter: int) -> V:
    """sin(x + quarter pi/2)"""
    far = b.logical_not(b.lt(b.abs(x), 1e5))
    r, j = _quadrant(b, b.select(far, 0.0, x))
    i = b.add(b.cast(j, "i32"), quarter)
    s = b.mul(r, r)
    sine = b.fma(horner(b, s, _SIN), b.mul(r, s), r)
    y = b.select(b.eq(b.bitand(i, 1), 0), sine, horner(b, s, _COS))
    y = b.from_bits(b.bitxor(b.bits(y), b.shl(b.bitand(i, 2), 30)))
    # beyond 1e5 the reduction needs hundreds of bits of pi
    return b.rarely(far, y, lambda: b.libm("cos" if quarter else "sin", x))


def sin(b: Builder[V], x: V) -> V:
    return b.select(b.eq(x, 0.0), x, _sin_cos(b, x, 0))


def cos(b: Builder[V], x: V) -> V:
    return _sin_cos(b, x, 1)


def tan(b: Builder[V], x: V) -> V:
    far = b.logical_not(b.lt(b.abs(x), 1e5))
    r, j = _quadrant(b, b.select(far, 0.0, x))
    s = b.mul(r, r)
    sine = b.fma(horner(b, s, _SIN), b.mul(r, s), r)
    cosine = horner(b, s, _COS)
    even = b.eq(b.bitand(b.cast(j, "i32"), 1), 0)
    y = b.div(b.select(even, sine, b.neg(cosine)), b.select(even, cosine, sine))
    return b.select(b.eq(x, 0.0), x, b.rarely(far, y, lambda: b.libm("tan", x)))
