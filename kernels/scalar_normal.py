"""Normal random numbers of uniform ones, with the same bits everywhere. See scalar.py.

    normal(u, v)         sqrt(-2 log(1 - u)) cos(2 pi v)
    truncated_normal(t)  the t-th share, -1/2 <= t < 1/2, of the middle from -2 to 2
    product(x, y)        x y, rounded even where a sum follows

Made of additions, products, quotients and roots that are rounded one by one: no fused ones, which
not every processor has, and NumPy has not. So a seed gives the same numbers eager and compiled, and
on every machine. All arguments are exact and of a small range, so that nothing is refused or
reduced: a draw takes a third of the time that it takes with log and cos, or the inverse of erf.

The relative errors, those of rounding left out: 5e-9 and 8e-8 of float32, 1e-17 and 4e-16 of
float64. Polynomials and quotients of them are fitted by reweighted least squares, with 50 digits.

Source: Box & Muller 1958, "A note on the generation of random normal deviates".
"""

from __future__ import annotations

from collections.abc import Sequence

from numflow.kernels.builder import Builder, V
from numflow.kernels.scalar_f64 import LOG_TERMS

_LN2 = {"f32": (0.693147182, 0.0), "f64": (6.93147180369123816490e-01, 1.90821492927058770002e-10)}
_MAGIC = {"f32": 12582912.0, "f64": 6755399441055744.0}  # adding it leaves integers in the low bits


def _polynomial(b: Builder[V], x: V, terms: Sequence[float]) -> V:
    """c0 + c1 x + c2 x^2 ..., each product and sum rounded."""
    *rest, last = terms
    y = b.add(b.mul(x, last), rest.pop())
    while rest:
        y = b.add(b.mul(y, x), rest.pop())
    return y


def product(b: Builder[V], x: V, y: V) -> V:
    return b.mul(x, y)


# --- normal ----------------------------------------------------------------------


def normal(b: Builder[V], u: V, v: V) -> V:
    """u, v in [0, 1): multiples of 2^-24, of 2^-53 as float64. 1 - u is exact, and above 0."""
    radius = b.sqrt(b.mul(_log(b, b.sub(1.0, u)), -2.0))
    return b.mul(radius, _cos_turns(b, v))


def _log(b: Builder[V], x: V) -> V:
    """log x of a normal x <= 1."""
    return _log_f32(b, x) if x.dtype == "f32" else _log_f64(b, x)


def _log_f32(b: Builder[V], x: V) -> V:
    i = b.bits(x)
    e = b.bitand(b.sub(i, 0x3F2AAAAB), -8388608)  # 2/3 <= mantissa < 4/3
    f = b.sub(b.from_bits(b.sub(i, e)), 1.0)
    k = b.mul(b.cast(e, "f32"), 1.1920928955078125e-07)
    s = b.mul(f, f)
    # (log(1 + f) - f)/f^2; even and odd powers apart: shorter chains
    even = _polynomial(b, s, (-0.5, -0.249996200, -0.166846126, -0.121483512, -0.130310059))
    odd = _polynomial(b, s, (0.333331972, 0.200120345, 0.139814854, 0.140869141))
    tail = b.mul(b.add(b.mul(odd, f), even), s)
    return b.add(b.mul(k, _LN2["f32"][0]), b.add(tail, f))


def _log_f64(b: Builder[V], x: V) -> V:
    """fdlibm's: log(1 + f) by s = f / (2 + f)."""
    i = b.bits(x)
    e = b.bitand(b.sub(i, 0x3FE6A09E667F3BCD), -4503599627370496)  # sqrt 1/2 <= mantissa < sqrt 2
    f = b.sub(b.from_bits(b.sub(i, e)), 1.0)
    k = b.sub(b.from_bits(b.add(b.shr(e, 52), 0x4338000000000000)), _MAGIC["f64"])
    high, low = _LN2["f64"]
    s = b.div(f, b.add(f, 2.0))
    z = b.mul(s, s)
    h = b.mul(b.mul(f, f), 0.5)
    r = b.add(b.mul(s, b.add(h, b.mul(z, _polynomial(b, z, LOG_TERMS)))), b.mul(k, low))
    return b.add(b.mul(k, high), b.sub(f, b.sub(h, r)))


# sin(x pi/2)/x and (cos(x pi/2) - 1)/x^2 for |x| <= 1/2, in x^2.
_SIN = {
    "f32": (1.57079632, -0.645963479, 0.0796802274, -0.00460217517),
    "f64": (
        1.570796326794896614,
        -0.6459640975062443157,
        0.07969262624604302043,
        -0.004681754132341459803,
        0.000160441150747008168,
        -3.598643373156537244e-6,
        5.633936803983494323e-8,
    ),
}
_COS = {
    "f32": (-1.23370054, 0.253669243, -0.0208602834, 0.000904011657),
    "f64": (
        -1.233700550136169817,
        0.2536695079010469225,
        -0.02086348076331533413,
        0.0009192602742238753074,
        -0.00002520203698511544143,
        4.710615479474469484e-7,
        -6.321872863878300291e-9,
    ),
}


def _cos_turns(b: Builder[V], v: V) -> V:
    """cos(2 pi v): v = (j + r)/4, j whole, |r| <= 1/2, without a rounding error."""
    t, magic = b.mul(v, 4.0), _MAGIC[v.dtype]
    k = b.add(t, magic)
    r = b.sub(t, b.sub(k, magic))
    j, s = b.bits(k), b.mul(r, r)
    sine = b.mul(r, _polynomial(b, s, _SIN[v.dtype]))
    cosine = b.add(b.mul(s, _polynomial(b, s, _COS[v.dtype])), 1.0)
    y = b.select(b.eq(b.bitand(j, 1), 0), cosine, sine)
    top = 30 if v.dtype == "f32" else 62  # of the quarters 1 and 2 the sign changes
    return b.from_bits(b.bitxor(b.bits(y), b.shl(b.bitand(b.add(j, 1), 2), top)))


# --- truncated_normal ------------------------------------------------------------

# z/t = above/below in d = 1/4 - t^2, with t = (erf(z/sqrt 2)/erf(sqrt 2))/2. All terms are
# positive: no digits are lost, and z = 4 t <= 2 at the ends, where d = 0.
_ABOVE = {
    "f32": (3.99999975, 194.492505, 2397.41393, 7016.25742, 2281.41232),
    "f64": (
        3.9999999999999989421,
        490.8211084014354362,
        23546.053549344649514,
        563774.04133604973703,
        7164709.8557321291572,
        47832911.904737140437,
        157394059.20791093027,
        223567612.42089753685,
        104075107.00223681266,
        7011364.0042491880714,
    ),
}
_BELOW = {
    "f32": (1.0, 55.4624106, 842.992675, 3568.43856, 2779.25481),
    "f64": (
        1.0,
        129.54471634127493465,
        6636.7735492748999631,
        172336.59164523423609,
        2426066.4753220838944,
        18490372.24924280899,
        72678156.60528914999,
        132969463.1879316698,
        92832390.418614753535,
        15470714.471432453783,
    ),
}


def truncated_normal(b: Builder[V], t: V) -> V:
    """t: u - 1/2, which is exact."""
    d = b.mul(b.sub(0.5, t), b.add(t, 0.5))
    above, below = (_polynomial(b, d, terms[t.dtype]) for terms in (_ABOVE, _BELOW))
    return b.mul(t, b.div(above, below))
