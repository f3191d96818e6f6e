"""16-bit floats from and to their bits, and random bits, against a builder of plain operations.

See scalar.py.
"""

from __future__ import annotations

from numflow.kernels.builder import Builder, V

# --- 16-bit floats ---------------------------------------------------------------


def half_to_single(b: Builder[V], x: V, half: str) -> V:
    """The float32 whose f16 or bf16 bits (u16) x has."""
    bits = b.cast(x, "i32")
    if half == "bf16":
        return b.from_bits(b.shl(bits, 16))
    size = b.shl(b.bitand(bits, 0x7FFF), 13)
    scaled = b.mul(
        b.from_bits(size), 2.0**112
    )  # the exponents differ by 112; subnormals become normal
    special = b.bitor(size, 0x7F800000)
    value = b.select(b.ge(size, 0x0F800000), special, b.bits(scaled))
    return b.from_bits(b.bitor(value, b.shl(b.bitand(bits, 0x8000), 16)))


def single_to_half(b: Builder[V], x: V, half: str) -> V:
    """The f16 or bf16 bits (u16) nearest to a float32, halves to even."""
    bits = b.bits(x)
    if half == "bf16":
        odd = b.bitand(b.shr(bits, 16), 1)
        rounded = b.shr(b.add(bits, b.add(odd, 0x7FFF)), 16)
        quiet = b.bitor(b.shr(bits, 16), 0x40)
        return b.cast(b.select(b.isnan(x), quiet, rounded), "u16")
    size = b.bitand(bits, 0x7FFFFFFF)
    odd = b.bitand(b.shr(size, 13), 1)
    normal = b.shr(b.add(b.sub(size, 0x38000000), b.add(odd, 0xFFF)), 13)
    # below 2^-14: the last place of 0.5 is that of a subnormal f16, so an addition rounds
    subnormal = b.sub(b.bits(b.add(b.from_bits(size), 0.5)), 0x3F000000)
    value = b.select(b.lt(size, 0x38800000), subnormal, normal)
    value = b.select(b.ge(size, 0x477FF000), b.const(0x7C00, "i32"), value)  # 65520 and beyond
    value = b.select(b.isnan(x), b.const(0x7E00, "i32"), value)
    return b.cast(b.bitor(value, b.bitand(b.shr(bits, 16), 0x8000)), "u16")


# --- random bits: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" -----


def philox(b: Builder[V], index: V, key: V, step: V) -> tuple[V, V, V, V]:
    """Philox4x32-10 of the counter (index, step) and the key, all i64: four words of u32."""

    def halves(x: V) -> tuple[V, V]:
        return b.cast(x, "u32"), b.cast(b.shr(x, 32), "u32")

    (c0, c1), (c2, c3), (k0, k1) = halves(index), halves(step), halves(key)
    for n in range(10):
        if n:
            k0, k1 = b.add(k0, 0x9E3779B9), b.add(k1, 0xBB67AE85)
        high0, low0 = b.mulhi(c0, 0xD2511F53), b.mul(c0, 0xD2511F53)
        high2, low2 = b.mulhi(c2, 0xCD9E8D57), b.mul(c2, 0xCD9E8D57)
        c0, c1 = b.bitxor(b.bitxor(high2, c1), k0), low2
        c2, c3 = b.bitxor(b.bitxor(high0, c3), k1), low0
    return c0, c1, c2, c3


def uniform(b: Builder[V], high: V, low: V, dtype: str) -> V:
    """[0, 1) of one u32 (f32: 24 bits of `high`) or of two (f64: 53 bits)."""
    if dtype == "f32":
        return b.mul(b.cast(b.cast(b.shr(high, 8), "i32"), "f32"), 2.0**-24)
    top = b.cast(b.cast(b.shr(high, 5), "i32"), "f64")
    rest = b.cast(b.cast(b.shr(low, 6), "i32"), "f64")
    return b.mul(b.fma(top, 2.0**26, rest), 2.0**-53)


def normal(b: Builder[V], w0: V, w1: V, w2: V, w3: V, dtype: str) -> V:
    """Standard normal of four u32."""
    return b.math("normal", uniform(b, w0, w1, dtype), uniform(b, w2, w3, dtype))


def truncated_normal(b: Builder[V], w0: V, w1: V, dtype: str) -> V:
    """Standard normal within -2 and 2, of two u32."""
    return b.math("truncated_normal", b.sub(uniform(b, w0, w1, dtype), 0.5))
