"""Running sums and products along an axis.

    out[o, i, c] = x[o, 0, c] + ... + x[o, i, c]

with o < outer, i < length, c < inner: every scan along one axis has this form once its dimensions
are collapsed. Exclusive: without x[o, i, c] itself; reverse: from the end. Each element is the one
before it and one operation more, in order: any cut over o and c gives the same bits.

Bound: memory, each element read and written once; where inner is 1, the latency of an addition.
Written in the subset of lang.py.
"""

from __future__ import annotations

from numflow.kernels import lang
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.gather import copy_row, index_at
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    ES,
    VL,
    Elem,
    first_lanes,
    load,
    store,
    store_i32,
    store_i64,
    vload,
    vload_masked,
    vstore_masked,
    word,
)
from numflow.kernels.lang import inline

SUM, PRODUCT = 0, 1
_PART = 1024  # columns of a unit: two of its rows stay in the first cache
_CHUNK = 1 << 14  # elements that are worth being handed to a thread


class W:
    """Words of the argument block."""

    X = HEADER
    OUT = HEADER + 1
    LENGTH = HEADER + 2
    INNER = HEADER + 3
    KIND = HEADER + 4
    EXCLUSIVE = HEADER + 5
    REVERSE = HEADER + 6
    BYTES = HEADER + 7  # of an integer


def plan_scan(
    outer: int,
    length: int,
    inner: int,
    dtype: str,
    *,
    kind: int = SUM,
    exclusive: bool = False,
    reverse: bool = False,
    target: Target | None = None,
) -> Call:
    """out[outer, length, inner] of x of the same shape.

    Args:
      dtype: float32, float64, complex64, complex128, or integers of 4 or 8 bytes.
      kind: SUM or PRODUCT.
    """
    nbytes = {"int32": 4, "uint32": 4, "int64": 8, "uint64": 8}.get(dtype, 0)
    part_of = {"complex64": "float32", "complex128": "float64"}
    if dtype in part_of and kind == SUM:  # a sum of pairs is a pair of sums
        dtype, inner = part_of[dtype], 2 * inner
    entry = scan_int if nbytes else scan_complex if dtype in part_of else scan
    elem = "float32" if nbytes else part_of.get(dtype, dtype)
    address = lang.addresses(entry, dtype=elem, target=target)[entry.__name__]
    parts = -(-inner // _PART)
    constants = (length, inner, kind, int(exclusive), int(reverse), nbytes)
    chunk = max(1, _CHUNK // max(1, length * min(inner, _PART)))
    return Call(address, outer * parts if length else 0, chunk, 2, constants)


# --- floating numbers --------------------------------------------------------


def scan(args: int, begin: int, end: int) -> None:
    """Entry: parts of matrices begin .. end."""
    length, inner = word(args, W.LENGTH), word(args, W.INNER)
    kind = word(args, W.KIND)
    parts = (inner + _PART - 1) // _PART
    for unit in range(begin, end):
        matrix = unit // parts
        left = (unit - matrix * parts) * _PART
        width = min(_PART, inner - left)
        step = inner * ES
        first = (matrix * length * inner + left) * ES
        if word(args, W.REVERSE) != 0:
            first += (length - 1) * step
            step = -step
        x, out = word(args, W.X) + first, word(args, W.OUT) + first
        if word(args, W.EXCLUSIVE) != 0:
            for c in range(width):
                store(out + c * ES, identity(kind))
        else:
            copy_row(out, x, width * ES)
            x += step
        if width == 1:
            follow(kind, x, out, step, length)
        else:
            for _ in range(1, length):
                combine(kind, out + step, out, x, width)
                out += step
                x += step


@inline
def identity(kind: int) -> Elem:
    """What changes nothing: 0, or 1."""
    return 1.0 if kind == PRODUCT else 0.0  # type: ignore[return-value]


def follow(kind: int, x: int, out: int, step: int, length: int) -> None:
    """The elements behind the first of one column."""
    total = load(out)
    if kind == SUM:
        for _ in range(1, length):
            total = total + load(x)
            out += step
            x += step
            store(out, total)
    else:
        for _ in range(1, length):
            total = total * load(x)
            out += step
            x += step
            store(out, total)


def combine(kind: int, target: int, a: int, b: int, n: int) -> None:
    """target = a + b or a * b, n elements."""
    i = 0
    if kind == SUM:
        while i + VL <= n:
            store(target + i * ES, vload(a + i * ES) + vload(b + i * ES))
            i += VL
    else:
        while i + VL <= n:
            store(target + i * ES, vload(a + i * ES) * vload(b + i * ES))
            i += VL
    if i < n:
        mask = first_lanes(n - i)
        x, y = vload_masked(a + i * ES, mask), vload_masked(b + i * ES, mask)
        if kind == SUM:
            vstore_masked(target + i * ES, x + y, mask)
        else:
            vstore_masked(target + i * ES, x * y, mask)


# --- integers and complex products -------------------------------------------


@inline
def store_int(p: int, size: int, x: int) -> None:
    """Store the low `size` bytes, 4 or 8: they are right, whatever wrapped above them."""
    if size == 4:
        store_i32(p, x)
    else:
        store_i64(p, x)


def scan_int(args: int, begin: int, end: int) -> None:
    """Entry: as scan, for integers."""
    length, inner = word(args, W.LENGTH), word(args, W.INNER)
    kind, size = word(args, W.KIND), word(args, W.BYTES)
    exclusive = word(args, W.EXCLUSIVE)
    parts = (inner + _PART - 1) // _PART
    for unit in range(begin, end):
        matrix = unit // parts
        left = (unit - matrix * parts) * _PART
        width = min(_PART, inner - left)
        step = inner * size
        first = (matrix * length * inner + left) * size
        if word(args, W.REVERSE) != 0:
            first += (length - 1) * step
            step = -step
        x, out = word(args, W.X) + first, word(args, W.OUT) + first
        for c in range(width):
            one = (
                kind if exclusive != 0 else index_at(x, size, c)
            )  # the identity is 0 or 1, as kind
            store_int(out + c * size, size, one)
        if exclusive == 0:
            x += step
        for _ in range(1, length):
            for c in range(width):
                a, b = index_at(out, size, c), index_at(x, size, c)
                total = a + b if kind == SUM else a * b
                store_int(out + step + c * size, size, total)
            out += step
            x += step


def scan_complex(args: int, begin: int, end: int) -> None:
    """Entry: running products of complex numbers."""
    length, inner = word(args, W.LENGTH), word(args, W.INNER)
    parts = (inner + _PART - 1) // _PART
    pair = 2 * ES
    for unit in range(begin, end):
        matrix = unit // parts
        left = (unit - matrix * parts) * _PART
        width = min(_PART, inner - left)
        step = inner * pair
        first = (matrix * length * inner + left) * pair
        if word(args, W.REVERSE) != 0:
            first += (length - 1) * step
            step = -step
        x, out = word(args, W.X) + first, word(args, W.OUT) + first
        if word(args, W.EXCLUSIVE) != 0:
            for c in range(width):
                store(out + c * pair, identity(PRODUCT))
                store(out + c * pair + ES, identity(SUM))
        else:
            copy_row(out, x, width * pair)
            x += step
        for _ in range(1, length):
            for c in range(width):
                multiply_pairs(out + step + c * pair, out + c * pair, x + c * pair)
            out += step
            x += step


@inline
def multiply_pairs(target: int, a: int, b: int) -> None:
    """target = a * b, complex."""
    real, imaginary = load(a), load(a + ES)
    x, y = load(b), load(b + ES)
    store(target, real * x - imaginary * y)
    store(target + ES, real * y + imaginary * x)
