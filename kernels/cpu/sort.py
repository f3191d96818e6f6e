"""Sorting by index, the largest few, and binary search, along the last axis.

    argsort  out[r, :count] = the indices that put row r of x[rows, length] in order, the first few
    search   out[r, i] = how many elements of the sorted row r are below (or not above) values[r, i]

Every element becomes an int that has its order (`key_at`): NaN above all numbers, -0 equal to 0.
Equal elements keep their order, in both directions. Up to 32 results are picked by insertion into a
short sorted list, which most elements of a long row never enter; longer ones are sorted by a radix
sort of bytes, from the lowest, that leaves out bytes which all keys share. A row is never divided.

Bound: memory; a radix pass moves 16 bytes of each element twice, 4 or 8 times. Written in the
subset of lang.py.
"""

from __future__ import annotations

from numflow.kernels import lang
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.call import Call
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    load_i32,
    load_i64,
    store_i32,
    store_i64,
    word,
    zero_bytes,
)
from numflow.kernels.lang import inline

FLOAT32, FLOAT64, INT32, INT64, UINT32, UINT64 = 0, 1, 2, 3, 4, 5
KINDS = {
    "float32": FLOAT32,
    "float64": FLOAT64,
    "int32": INT32,
    "int64": INT64,
    "uint32": UINT32,
    "uint64": UINT64,
}
_FEW = 32  # results that are picked by insertion
_PAIR = 16  # bytes of a key and its index
_TABLE = 256 * 8  # bytes of the counts of a radix pass
_CHUNK = 1 << 12  # elements that are worth being handed to a thread
_SIGN64 = -(2**63)


class W:
    """Words of the argument block of argsort."""

    X = HEADER
    OUT = HEADER + 1
    LENGTH = HEADER + 2
    KIND = HEADER + 3
    COUNT = HEADER + 4  # results of a row
    ROWS = HEADER + 5
    UNITS = HEADER + 6
    DESCENDING = HEADER + 7
    SCRATCH = HEADER + 8  # bytes of workspace of a unit


class S:
    """Words of the argument block of search."""

    X = HEADER
    VALUES = HEADER + 1
    OUT = HEADER + 2
    LENGTH = HEADER + 3
    KIND = HEADER + 4
    COUNT = HEADER + 5
    RIGHT = HEADER + 6
    BYTES = HEADER + 7  # of a result


def plan_argsort(
    rows: int,
    length: int,
    count: int,
    dtype: str,
    *,
    descending: bool = False,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """The int32 indices [rows, count] of the first `count` of each sorted row.

    Args:
      dtype: a key of KINDS.
    """
    units = min(rows, 8 * threads) if count else 0
    scratch = _PAIR * count if count <= _FEW else 2 * _PAIR * length + _TABLE
    address = lang.addresses(argsort, target=target)["argsort"]
    constants = (length, KINDS[dtype], count, rows, units, int(descending), scratch)
    chunk = max(1, _CHUNK // max(1, length * rows // max(units, 1)))
    return Call(address, units, chunk, 2, constants, units * scratch)


def plan_search(
    rows: int,
    length: int,
    count: int,
    dtype: str,
    *,
    right: bool = False,
    index_bytes: int = 4,
    target: Target | None = None,
) -> Call:
    """Places [rows, count] of values [rows, count] in sorted rows of `length` elements."""
    address = lang.addresses(search, target=target)["search"]
    constants = (length, KINDS[dtype], count, int(right), index_bytes)
    return Call(address, rows * count, 256, 3, constants)


# --- order -------------------------------------------------------------------


@inline
def key_at(kind: int, x: int, i: int) -> int:
    """An int with the order of element i; of 4-byte elements, one that fits into 4 bytes."""
    key = 0
    if kind == FLOAT32:
        key = load_i32(x + i * 4)
        size = key & 0x7FFFFFFF
        key = (
            -size if key < 0 else key
        )  # selected: a branch on signs is guessed wrong half the time
        key = 0x7FFFFFFF if size > 0x7F800000 else key
    elif kind == FLOAT64:
        key = load_i64(x + i * 8)
        size = key & 0x7FFFFFFFFFFFFFFF
        key = -size if key < 0 else key
        key = 0x7FFFFFFFFFFFFFFF if size > 0x7FF0000000000000 else key
    elif kind == INT32:
        key = load_i32(x + i * 4)
    elif kind == UINT32:
        key = (load_i32(x + i * 4) & 0xFFFFFFFF) - 0x80000000
    elif kind == INT64:
        key = load_i64(x + i * 8)
    else:
        key = load_i64(x + i * 8) ^ _SIGN64
    return key


# --- argsort -----------------------------------------------------------------


def argsort(args: int, begin: int, end: int) -> None:
    """Entry: groups of rows begin .. end."""
    length, count, kind = word(args, W.LENGTH), word(args, W.COUNT), word(args, W.KIND)
    rows, units = word(args, W.ROWS), word(args, W.UNITS)
    flip = -word(args, W.DESCENDING)  # all bits: the order of ~key is the other way round
    row_bytes = length * (8 if kind == FLOAT64 or kind == INT64 or kind == UINT64 else 4)
    for unit in range(begin, end):
        scratch = word(args, WORKSPACE) + unit * word(args, W.SCRATCH)
        for row in range(rows * unit // units, rows * (unit + 1) // units):
            x = word(args, W.X) + row * row_bytes
            out = word(args, W.OUT) + row * count * 4
            if count <= _FEW:
                pick(x, kind, flip, length, scratch, out, count)
            else:
                radix(x, kind, flip, length, scratch, out, count)


def pick(x: int, kind: int, flip: int, length: int, held: int, out: int, count: int) -> None:
    """The first `count` indices, by insertion into a sorted list of pairs."""
    number = 0
    last = 0  # the key that leaves next
    for i in range(length):
        key = key_at(kind, x, i) ^ flip
        if number < count or key < last:
            at = number if number < count else count - 1
            while at > 0:
                before = held + (at - 1) * _PAIR
                if load_i64(before) <= key:
                    break
                store_i64(before + _PAIR, load_i64(before))
                store_i64(before + _PAIR + 8, load_i64(before + 8))
                at -= 1
            store_i64(held + at * _PAIR, key)
            store_i64(held + at * _PAIR + 8, i)
            number = min(number + 1, count)
            last = load_i64(held + (number - 1) * _PAIR)
    for i in range(count):
        store_i32(out + i * 4, load_i64(held + i * _PAIR + 8))


def radix(x: int, kind: int, flip: int, length: int, scratch: int, out: int, count: int) -> None:
    """The first `count` indices, by a stable sort of pairs, byte after byte."""
    table = scratch
    source = scratch + _TABLE
    target = source + length * _PAIR
    wide = kind == FLOAT64 or kind == INT64 or kind == UINT64
    bias = _SIGN64 if wide else 0x80000000
    bits = 64 if wide else 32
    for i in range(length):  # biased: bytes compare without sign
        store_i64(source + i * _PAIR, (key_at(kind, x, i) ^ flip) + bias)
        store_i64(source + i * _PAIR + 8, i)
    shift = 0
    while shift < bits:
        zero_bytes(table, _TABLE)
        for i in range(length):
            entry = table + (load_i64(source + i * _PAIR) >> shift & 255) * 8
            store_i64(entry, load_i64(entry) + 1)
        if load_i64(table + (load_i64(source) >> shift & 255) * 8) != length:
            total = 0
            for digit in range(256):
                number = load_i64(table + digit * 8)
                store_i64(table + digit * 8, total)
                total += number
            for i in range(length):
                key = load_i64(source + i * _PAIR)
                entry = table + (key >> shift & 255) * 8
                place = load_i64(entry)
                store_i64(entry, place + 1)
                store_i64(target + place * _PAIR, key)
                store_i64(target + place * _PAIR + 8, load_i64(source + i * _PAIR + 8))
            source, target = target, source
        shift += 8
    for i in range(count):
        store_i32(out + i * 4, load_i64(source + i * _PAIR + 8))


# --- search ------------------------------------------------------------------


def search(args: int, begin: int, end: int) -> None:
    """Entry: values begin .. end of all rows."""
    length, count, kind = word(args, S.LENGTH), word(args, S.COUNT), word(args, S.KIND)
    right, size = word(args, S.RIGHT), word(args, S.BYTES)
    for unit in range(begin, end):
        row = unit // count * length
        wanted = key_at(kind, word(args, S.VALUES), unit)
        low, high = 0, length
        while low < high:
            middle = (low + high) // 2
            key = key_at(kind, word(args, S.X), row + middle)
            if right != 0:  # the same for all; what differs is selected
                below = 0 if wanted < key else 1
            else:
                below = 1 if key < wanted else 0
            low = middle + 1 if below == 1 else low
            high = high if below == 1 else middle
        if size == 4:
            store_i32(word(args, S.OUT) + unit * 4, low)
        else:
            store_i64(word(args, S.OUT) + unit * 8, low)
