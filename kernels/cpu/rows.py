"""Rows of equal index put together: what a sparse update needs before it squares or divides.

    first_rows  first[i] = the least j with indices[j] = indices[i]
                unique[i] = indices[i] where first[i] = i, else -1
    sum_rows    out[i, :] = sum of rows[j, :] over first[j] = i, in the order of j

The output is as long as the input, with -1 and zeros in the places that are merged into others: its
size does not depend on values. `scatter` leaves negative indices out.

first_rows looks each index up in a table of at most half-filled cells (linear probing, Knuth, The
Art of Computer Programming, volume 3, section 6.4): about 5 ns an index, in proportion to the rows
and not to the array that they point into. An index outside 0 .. axis - 1 is reported by its
position.

Bound: memory, each row read and written once. Written in the subset of lang.py.
"""

from __future__ import annotations

from numflow.kernels import lang
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.gather import add_row, copy_row, index_at
from numflow.kernels.cpu.scan import store_int
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    ES,
    VL,
    load_i64,
    refuse,
    store_i64,
    word,
    zero_bytes,
)

_CELL = 16  # bytes: index + 1 (0 in an empty cell), and its position
_FACTOR = 0x9E3779B97F4A7C15 - (1 << 64)  # 2^64 / golden ratio: section 6.4, multiplicative hashing
_PART_BYTES = 1 << 15
_LINE = 64


class F:
    """Words of the argument block of first_rows."""

    INDICES = HEADER
    UNIQUE = HEADER + 1
    FIRST = HEADER + 2
    AXIS = HEADER + 3
    COUNT = HEADER + 4
    INDEX_BYTES = HEADER + 5
    CELLS = HEADER + 6
    SHIFT = HEADER + 7


class S:
    """Words of the argument block of sum_rows."""

    ROWS = HEADER
    FIRST = HEADER + 1
    OUT = HEADER + 2
    COUNT = HEADER + 3
    INNER = HEADER + 4
    PARTS = HEADER + 5


def plan_first_rows(
    axis: int, count: int, *, index_bytes: int = 8, target: Target | None = None
) -> Call:
    """unique[count], in the indices' dtype, and first[count], int64, of indices[count].

    Args:
      axis: indices are in 0 .. axis - 1.
      index_bytes: 4 (int32) or 8 (int64).
    """
    bits = max(2 * count - 1, 1).bit_length()
    cells = 1 << bits
    address = lang.addresses(first_rows, target=target)["first_rows"]
    constants = (axis, count, index_bytes, cells, 64 - bits)
    return Call(address, 1 if count else 0, 1, 3, constants, cells * _CELL)


def plan_sum_rows(
    count: int, inner: int, dtype: str, *, threads: int = 1, target: Target | None = None
) -> Call:
    """out[count, inner] of rows[count, inner] and first[count].

    Args:
      dtype: "float32" or "float64".
    """
    row = inner * {"float32": 4, "float64": 8}[dtype]
    parts = max(1, min(threads, 2 * count * row // _PART_BYTES, row // _LINE))
    address = lang.addresses(sum_rows, dtype=dtype, target=target)["sum_rows"]
    units = parts if count * inner else 0
    return Call(address, units, 1, 3, (count, inner, parts))


# --- the kernels -------------------------------------------------------------


def first_rows(args: int, begin: int, end: int) -> None:
    """Entry: one unit, all indices."""
    axis, count = word(args, F.AXIS), word(args, F.COUNT)
    indices, index_bytes = word(args, F.INDICES), word(args, F.INDEX_BYTES)
    unique, first = word(args, F.UNIQUE), word(args, F.FIRST)
    cells, shift, table = word(args, F.CELLS), word(args, F.SHIFT), word(args, WORKSPACE)
    mask = cells - 1
    for _ in range(begin, end):
        zero_bytes(table, cells * _CELL)
        for i in range(count):
            index = index_at(indices, index_bytes, i)
            place = i
            if index < 0 or index >= axis:
                refuse(args, i)
                index = -1
            else:
                at = (index * _FACTOR >> shift) & mask
                found = load_i64(table + at * _CELL)
                while found != 0 and found != index + 1:
                    at = (at + 1) & mask
                    found = load_i64(table + at * _CELL)
                if found == 0:
                    store_i64(table + at * _CELL, index + 1)
                    store_i64(table + at * _CELL + 8, i)
                else:
                    place = load_i64(table + at * _CELL + 8)
                    index = -1
            store_int(unique + i * index_bytes, index_bytes, index)
            store_i64(first + i * 8, place)


def sum_rows(args: int, begin: int, end: int) -> None:
    """Entry: parts begin .. end of the columns."""
    count, inner = word(args, S.COUNT), word(args, S.INNER)
    first, parts = word(args, S.FIRST), word(args, S.PARTS)
    pitch = inner * ES
    vectors = (inner + VL - 1) // VL
    for unit in range(begin, end):
        left = vectors * unit // parts * VL
        right = min(inner, vectors * (unit + 1) // parts * VL)
        out, rows = word(args, S.OUT) + left * ES, word(args, S.ROWS) + left * ES
        width = right - left
        for i in range(count):
            place = load_i64(first + i * 8)
            if place == i:
                copy_row(out + i * pitch, rows + i * pitch, width * ES)
            else:
                add_row(out + place * pitch, rows + i * pitch, width)
                zero_bytes(out + i * pitch, width * ES)
