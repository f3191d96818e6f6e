"""Whole quotients, remainders and powers: of integers, and quotients and remainders of floats. See
scalar.py.

Nothing traps: what Python refuses (x // 0) gives 0, and the caller's check reports it.
"""

from __future__ import annotations

from numflow.kernels.builder import ITEMSIZE, UNSIGNED, Builder, V

# --- integers ------------------------------------------------------------------


def floordiv(b: Builder[V], x: V, y: V) -> V:
    """floor(x / y); 0 where y is 0."""
    q = b.div(x, y)
    if x.dtype in UNSIGNED:
        return q
    r = b.sub(x, b.mul(q, y))
    below = b.logical_and(b.ne(r, 0), b.lt(b.bitxor(r, y), 0))
    below = b.logical_and(below, b.ne(y, 0))
    return b.select(below, b.sub(q, 1), q)


def mod(b: Builder[V], x: V, y: V) -> V:
    """x - y floor(x / y), with the sign of y; 0 where y is 0."""
    r = b.rem(x, y)
    if x.dtype in UNSIGNED:
        return r
    return b.select(b.logical_and(b.ne(r, 0), b.lt(b.bitxor(r, y), 0)), b.add(r, y), r)


def pow(b: Builder[V], x: V, y: V) -> V:
    """x^y by repeated squaring over all bits of y; for y < 0: 1/x truncated, 0 where x is 0."""
    bits = 8 * ITEMSIZE[x.dtype]
    signed = x.dtype not in UNSIGNED
    result = b.select(b.eq(b.bitand(y, 1), 0), b.const(1, x.dtype), x)
    power = x
    for k in range(1, bits - 1 if signed else bits):
        power = b.mul(power, power)
        unset = b.eq(b.bitand(y, 1 << k), 0)
        result = b.select(unset, result, b.mul(result, power))
    if not signed:
        return result
    unit = b.logical_or(
        b.eq(x, 1), b.eq(x, -1)
    )  # its odd powers are itself, whatever the sign of y
    odd = b.ne(b.bitand(y, 1), 0)
    inverse = b.select(unit, b.select(odd, x, 1), 0)
    return b.select(b.lt(y, 0), inverse, result)


# --- floats: floor and remainder as NumPy has them --------------------------------


def floordiv_float(b: Builder[V], x: V, y: V) -> V:
    """The largest whole number not above the exact x / y; x / y where y is 0."""
    r = b.rem(x, y)
    below = b.logical_and(b.ne(r, 0.0), _signs_differ(b, r, y))
    whole = b.div(b.sub(x, r), y)
    whole = b.select(below, b.sub(whole, 1.0), whole)
    q = b.floor(whole)
    q = b.select(b.gt(b.sub(whole, q), 0.5), b.add(q, 1.0), q)
    q = b.select(b.eq(whole, 0.0), b.copysign(0.0, b.div(x, y)), q)
    return b.select(b.eq(y, 0.0), b.div(x, y), q)


def mod_float(b: Builder[V], x: V, y: V) -> V:
    """x - y floor(x / y), with the sign of y."""
    r = b.rem(x, y)
    r = b.select(b.logical_and(b.ne(r, 0.0), _signs_differ(b, r, y)), b.add(r, y), r)
    return b.select(b.eq(r, 0.0), b.copysign(0.0, y), r)


def _signs_differ(b: Builder[V], x: V, y: V) -> V:
    return b.lt(b.mul(b.copysign(1.0, x), b.copysign(1.0, y)), 0.0)
