"""Strings to buckets, by the hash functions that TensorFlow uses: the same string, the same bucket.

MurmurHash64A (Appleby 2011, SMHasher) with TensorFlow's seed, Fingerprint64 of FarmHash (Google
2014, github.com/google/farmhash: the na variant), SipHash-2-4 (Aumasson and Bernstein 2012).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import InvalidArgumentError, explain
from numflow.graph.op import Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import plain
from numflow.ops.text import IN_PYTHON, each, text

MASK = (1 << 64) - 1


def _rotated_left(x: int, by: int) -> int:
    return ((x << by) | (x >> (64 - by))) & MASK


def _words(data: bytes, at: int, count: int) -> list[int]:
    """So many little-endian 64-bit words from a place on."""
    return [int.from_bytes(data[at + 8 * k : at + 8 * k + 8], "little") for k in range(count)]


# --- MurmurHash64A -------------------------------------------------------------------


def murmur(data: bytes) -> int:
    """MurmurHash64A with the seed 0xDECAFCAFFE.

    Example:
      >>> murmur(b"a") % 1000
      868
    """
    m = 0xC6A4A7935BD1E995
    whole = len(data) // 8
    h = (0xDECAFCAFFE ^ (len(data) * m)) & MASK
    for k in _words(data, 0, whole):
        k = k * m & MASK
        h = (h ^ ((k ^ (k >> 47)) * m & MASK)) * m & MASK
    if len(data) % 8:
        h = (h ^ int.from_bytes(data[8 * whole :], "little")) * m & MASK
    h = (h ^ (h >> 47)) * m & MASK
    return h ^ (h >> 47)


# --- SipHash ---------------------------------------------------------------------------


def sip(data: bytes, key: Sequence[int]) -> int:
    """SipHash-2-4 under a key of two 64-bit words.

    Example:
      >>> hex(sip(bytes(range(15)), (0x0706050403020100, 0x0F0E0D0C0B0A0908)))  # appendix A
      '0xa129ca6149be45e5'
    """
    v0, v1 = 0x736F6D6570736575 ^ key[0], 0x646F72616E646F6D ^ key[1]
    v2, v3 = 0x6C7967656E657261 ^ key[0], 0x7465646279746573 ^ key[1]
    whole = len(data) // 8
    last = int.from_bytes(data[8 * whole :], "little") | ((len(data) & 255) << 56)
    for word, rounds in [*((w, 2) for w in [*_words(data, 0, whole), last]), (None, 4)]:
        if word is None:
            v2 ^= 255
        else:
            v3 ^= word
        for _ in range(rounds):
            v0, v2 = (v0 + v1) & MASK, (v2 + v3) & MASK
            v1, v3 = _rotated_left(v1, 13) ^ v0, _rotated_left(v3, 16) ^ v2
            v0, v2 = (_rotated_left(v0, 32) + v3) & MASK, (v2 + v1) & MASK
            v1, v3 = _rotated_left(v1, 17) ^ v2, _rotated_left(v3, 21) ^ v0
            v2 = _rotated_left(v2, 32)
        if word is not None:
            v0 ^= word
    return v0 ^ v1 ^ v2 ^ v3


# --- FarmHash ----------------------------------------------------------------------------

K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _rotated(x: int, by: int) -> int:
    x &= MASK
    return ((x >> by) | (x << (64 - by))) & MASK


def _folded(x: int) -> int:
    x &= MASK
    return x ^ (x >> 47)


def _mixed(u: int, v: int, mul: int) -> int:
    """128 bits into 64."""
    a = _folded((u ^ v) * mul)
    return _folded(((v ^ a) & MASK) * mul) * mul & MASK


def farm(data: bytes) -> int:
    """FarmHash's Fingerprint64.

    Example:
      >>> farm(b"") == K2
      True
    """
    n = len(data)
    if n > 64:
        return _farm_long(data)
    mul = K2 + 2 * n
    if n <= 16:
        return _farm_short(data, mul)
    first = _words(data, 0, 2)
    last = _words(data, n - 16, 2)
    if n <= 32:
        a, b, c, d = first[0] * K1, first[1], last[1] * mul, last[0] * K2
        return _mixed(
            (_rotated(a + b, 43) + _rotated(c, 30) + d) & MASK,
            (a + _rotated(b + K2, 18) + c) & MASK,
            mul,
        )
    a, b, c, d = first[0] * K2, first[1], last[1] * mul, last[0] * K2
    y = (_rotated(a + b, 43) + _rotated(c, 30) + d) & MASK
    z = _mixed(y, (a + _rotated(b + K2, 18) + c) & MASK, mul)
    third, near_end = _words(data, 16, 2), _words(data, n - 32, 2)
    e, f = third[0] * mul, third[1]
    g, h = (y + near_end[0]) * mul, (z + near_end[1]) * mul
    return _mixed(
        (_rotated(e + f, 43) + _rotated(g, 30) + h) & MASK,
        (e + _rotated(f + a, 18) + g) & MASK,
        mul,
    )


def _farm_short(data: bytes, mul: int) -> int:
    """Of 16 bytes at most."""
    n = len(data)
    if n >= 8:
        a, b = _words(data, 0, 1)[0] + K2, _words(data, n - 8, 1)[0]
        c, d = _rotated(b, 37) * mul + a, (_rotated(a, 25) + b) * mul
        return _mixed(c & MASK, d & MASK, mul)
    if n >= 4:
        a, b = int.from_bytes(data[:4], "little"), int.from_bytes(data[-4:], "little")
        return _mixed(n + (a << 3), b, mul)
    if n:
        y, z = data[0] + (data[n >> 1] << 8), n + (data[-1] << 2)
        return _folded(y * K2 ^ z * K0) * K2 & MASK
    return K2


def _weak(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """Two words of state through 32 bytes of data."""
    w, x, y, z = _words(data, at, 4)
    a += w
    b = _rotated(b + a + z, 21)
    c = a
    a += x + y
    return (a + z) & MASK, (b + _rotated(a, 44) + c) & MASK


def _farm_long(data: bytes) -> int:
    """Of more than 64 bytes: 64 at a time, the last 64 once more."""
    n = len(data)
    x, y = 81, (81 * K1 + 113) & MASK
    z = _folded(y * K2 + 113) * K2 & MASK
    v, w = (0, 0), (0, 0)
    x = (x * K2 + _words(data, 0, 1)[0]) & MASK

    def turn(at: int, mul: int, nine: int) -> None:
        nonlocal x, y, z, v, w
        d = _words(data, at, 8)
        x = _rotated(x + y + v[0] + d[1], 37) * mul & MASK
        y = _rotated(y + v[1] + d[6], 42) * mul & MASK
        x ^= w[1] * nine & MASK
        y = (y + v[0] * nine + d[5]) & MASK
        z = _rotated(z + w[0], 33) * mul & MASK
        v = _weak(data, at, v[1] * mul, x + w[0])
        w = _weak(data, at + 32, z + w[1], y + d[2])
        z, x = x, z

    for at in range(0, (n - 1) // 64 * 64, 64):
        turn(at, K1, 1)
    mul = K1 + ((z & 255) << 1)
    w = ((w[0] + ((n - 1) & 63)) & MASK, w[1])
    v = ((v[0] + w[0]) & MASK, v[1])
    w = ((w[0] + v[0]) & MASK, w[1])
    turn(n - 64, mul, 9)
    left = _mixed(v[0], w[0], mul) + _folded(y) * K0 + z
    return _mixed(left & MASK, (_mixed(v[1], w[1], mul) + x) & MASK, mul)


# --- the ops -----------------------------------------------------------------------------


def _bucket_op(name: str, function: Callable[..., int]) -> Op:
    def reference(x: Any, *, buckets: int, **key: Any) -> Any:
        return each(lambda s: function(s, **key) % buckets, np.int64)(x)

    return Op(name, lambda x, **_: Spec(x.shape, dtypes.int64), reference, None, IN_PYTHON)


murmur_op = _bucket_op("string_to_hash_bucket", murmur)
farm_op = _bucket_op("string_to_hash_bucket_fast", farm)
sip_op = _bucket_op("string_to_hash_bucket_strong", sip)


def _buckets(op: str, value: Any) -> int:
    n = plain.whole(value, op, "num_buckets")
    if n < 1:
        raise InvalidArgumentError(explain(op, f"num_buckets is {n}; it takes 1 and more"))
    return n


def to_hash_bucket(input: TensorLike, num_buckets: int, name: str | None = None) -> Tensor:
    """The bucket of each string by MurmurHash64A: int64 in [0, num_buckets).

    Raises:
      InvalidArgumentError: num_buckets is below 1.
      DTypeError: input is not of strings.

    Example:
      >>> nf.strings.to_hash_bucket(["Hello", "TensorFlow"], 3).numpy().tolist()
      [2, 0]
    """
    op = "string_to_hash_bucket"
    return murmur_op(text(op, input), buckets=_buckets(op, num_buckets))


def to_hash_bucket_fast(input: TensorLike, num_buckets: int, name: str | None = None) -> Tensor:
    """The bucket of each string by FarmHash: int64 in [0, num_buckets).

    Raises:
      InvalidArgumentError: num_buckets is below 1.
      DTypeError: input is not of strings.

    Example:
      >>> nf.strings.to_hash_bucket_fast(["Hello", "TensorFlow", "2.x"], 3).numpy().tolist()
      [0, 2, 2]
    """
    op = "string_to_hash_bucket_fast"
    return farm_op(text(op, input), buckets=_buckets(op, num_buckets))


def to_hash_bucket_strong(
    input: TensorLike, num_buckets: int, key: Sequence[int], name: str | None = None
) -> Tensor:
    """The bucket of each string by SipHash: int64 in [0, num_buckets); key holds two integers.

    Who does not know the key cannot choose strings that meet in one bucket.

    Raises:
      InvalidArgumentError: num_buckets is below 1, or key is not a pair.
      DTypeError: input is not of strings.

    Example:
      >>> nf.strings.to_hash_bucket_strong(["Hello", "TF"], 3, [1, 2]).numpy().tolist()
      [2, 0]
    """
    op = "string_to_hash_bucket_strong"
    words = [plain.whole(k, op, "key", most=None) & MASK for k in plain.items(key, op, "key")]
    if len(words) != 2:
        raise InvalidArgumentError(explain(op, f"key has {len(words)} integers; it takes 2"))
    return sip_op(text(op, input), buckets=_buckets(op, num_buckets), key=tuple(words))
