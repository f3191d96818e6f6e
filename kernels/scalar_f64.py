"""float64 bodies of the transcendental functions, against a builder of plain operations. See
scalar.py.

The twin of scalar_f32.py. AVX2 has no conversion between 64-bit integers and floats, so both
directions go by adding 1.5 * 2^52.
"""

from __future__ import annotations

from numflow.kernels.builder import INF, NAN, Builder, V
from numflow.kernels.scalar_f32 import horner, sigmoid_by

_MAGIC = 6755399441055744.0  # 1.5 * 2^52
_MAGIC_BITS = 0x4338000000000000
_LOG2E = 1.4426950408889634
_LN2_HI, _LN2_LO = 6.93147180369123816490e-01, 1.90821492927058770002e-10


# --- exponentials ------------------------------------------------------------


def exp(b: Builder[V], x: V) -> V:
    """Cephes: e^r = 1 + 2 r P(r^2) / (Q(r^2) - r P(r^2))."""
    c = b.smaller(710.0, b.larger(-746.0, x))
    k = b.fma(c, _LOG2E, _MAGIC)
    n = b.sub(k, _MAGIC)
    r = b.fma(n, -1.42860682030941723212e-6, b.fma(n, -6.93145751953125e-1, c))
    s = b.mul(r, r)
    p = b.mul(r, horner(b, s, (1.26177193074810590878e-4, 3.02994407707441961300e-2, 1.0)))
    q = horner(
        b, s, (3.00198505138664455042e-6, 2.52448340349684104192e-3, 2.27265548208155028766e-1, 2.0)
    )
    p = b.fma(b.div(p, b.sub(q, p)), 2.0, 1.0)
    i = b.sub(b.bits(k), _MAGIC_BITS)
    half = b.shr(i, 1)  # 2^n in two factors: right denormals, right overflow
    p = b.mul(p, b.from_bits(b.shl(b.add(half, 1023), 52)))
    return b.mul(p, b.from_bits(b.shl(b.add(b.sub(i, half), 1023), 52)))


def sigmoid(b: Builder[V], x: V) -> V:
    return sigmoid_by(b, x, exp)


# --- logarithms ----------------------------------------------------------------

_LOG = (
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
    r = b.mul(b.mul(s, s), horner(b, b.mul(s, s), _LOG[::-1]))
    h = b.mul(b.mul(f, f), 0.5)
    low = b.fma(s, b.add(h, r), b.mul(k, _LN2_LO))
    r = b.fma(k, _LN2_HI, b.sub(f, b.sub(h, low)))
    r = b.select(b.eq(x, 0.0), -INF, r)
    r = b.select(b.lt(x, 0.0), NAN, r)
    return b.select(b.logical_or(b.eq(x, INF), b.isnan(x)), x, r)
