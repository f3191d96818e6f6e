"""Rows written, added... to rows of an array that are named by index.

    out = base;  out[indices[i], :] = op(out[indices[i], :], rows[i, :])  for i = 0, 1, ...

for base[axis, inner] and rows[count, inner]. Where out is the memory of base, nothing is copied:
the work follows the number of rows. An index outside 0 .. axis - 1 is never followed: it is
reported by its position, or, if negative ones are to be dropped, left out. Each unit owns some
rows or columns of out and reads all indices, so that every element is computed in the order
of the indices: any cut gives the same bits.

Bound: memory, base read and out written once, rows read once. Written in the subset of lang.py.
"""

from __future__ import annotations

from numflow.kernels import lang
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.gather import copy_row, index_at
from numflow.kernels.cpu.scan import store_int
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    ES,
    VL,
    Vec,
    copy_bytes,
    first_lanes,
    load,
    refuse,
    store,
    vload,
    vload_masked,
    vstore_masked,
    word,
)
from numflow.kernels.lang import inline

UPDATE, ADD, SUBTRACT, MULTIPLY, MINIMUM, MAXIMUM, DIVIDE = 0, 1, 2, 3, 4, 5, 6
KINDS = {
    "update": UPDATE,
    "add": ADD,
    "subtract": SUBTRACT,
    "multiply": MULTIPLY,
    "minimum": MINIMUM,
    "maximum": MAXIMUM,
    "divide": DIVIDE,
}
_PART_BYTES = 1 << 15
_LINE = 64


class W:
    """Words of the argument block."""

    BASE = HEADER
    INDICES = HEADER + 1
    ROWS = HEADER + 2
    OUT = HEADER + 3
    AXIS = HEADER + 4
    COUNT = HEADER + 5
    INNER = HEADER + 6
    INDEX_BYTES = HEADER + 7
    AXIS_PARTS = HEADER + 8
    COLUMN_PARTS = HEADER + 9
    KIND = HEADER + 10
    DROP = HEADER + 11
    BYTES = HEADER + 12  # of an element
    UNSIGNED = HEADER + 13


def plan_scatter(
    axis: int,
    count: int,
    inner: int,
    dtype: str,
    kind: str,
    *,
    itemsize: int,
    index_bytes: int = 8,
    drop: bool = False,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """out[axis, inner] of base[axis, inner], indices[count] and rows[count, inner].

    Args:
      dtype: any for "update"; float32, float64 or integers of 4 or 8 bytes; complex64 and
        complex128 for sums.
      kind: a key of KINDS. "divide" is for floats.
      drop: negative indices are left out.
    """
    part_of = {"complex64": "float32", "complex128": "float64"}
    if dtype in part_of and kind in ("add", "subtract"):
        dtype, itemsize, inner = part_of[dtype], itemsize // 2, 2 * inner
    floating = dtype in ("float32", "float64") and kind != "update"
    entry = scatter if floating else scatter_int
    row = inner * itemsize
    parts = max(1, min(threads, (2 * axis + count) * row // _PART_BYTES))
    column_parts = parts if row // _LINE >= parts else 1
    # whose turn an index is, is guessed wrong half the time: 13 ns in place of 1 (Zen 5), worth it
    # only where most of the work is copying the base
    axis_parts = parts if column_parts == 1 and count <= axis // 8 else 1
    parts = axis_parts * column_parts
    elem = dtype if floating else "float32"
    address = lang.addresses(entry, dtype=elem, target=target)[entry.__name__]
    constants = (
        axis, count, inner, index_bytes, axis_parts, column_parts, KINDS[kind], int(drop), itemsize,
        int(dtype.startswith("uint")),
    )  # fmt: skip
    # indices are looked at even where there is nothing to write
    units = parts if axis * inner or count else 0
    return Call(address, units, 1, 4, constants)


# --- the kernels -------------------------------------------------------------


def scatter(args: int, begin: int, end: int) -> None:
    """Entry: parts begin .. end of the output, floating numbers."""
    axis, count, inner = word(args, W.AXIS), word(args, W.COUNT), word(args, W.INNER)
    indices, index_bytes = word(args, W.INDICES), word(args, W.INDEX_BYTES)
    axis_parts, column_parts = word(args, W.AXIS_PARTS), word(args, W.COLUMN_PARTS)
    kind, drop = word(args, W.KIND), word(args, W.DROP)
    pitch = inner * ES
    for unit in range(begin, end):
        first, last = 0, axis
        left, right = 0, inner
        if axis_parts > 1:
            first, last = axis * unit // axis_parts, axis * (unit + 1) // axis_parts
        else:  # whole vectors
            vectors = (inner + VL - 1) // VL
            left = vectors * unit // column_parts * VL
            right = min(inner, vectors * (unit + 1) // column_parts * VL)
        out, base = word(args, W.OUT) + left * ES, word(args, W.BASE) + left * ES
        rows = word(args, W.ROWS) + left * ES
        width = right - left
        copy_columns(out + first * pitch, base + first * pitch, last - first, width * ES, pitch)
        for i in range(count):
            index = index_at(indices, index_bytes, i)
            if first <= index < last:
                if width == 1 and kind == ADD:
                    place = out + index * pitch
                    store(place, load(place) + load(rows + i * pitch))
                else:
                    combine(kind, out + index * pitch, rows + i * pitch, width)
            elif index >= axis or (index < 0 and drop == 0):
                refuse(args, i)


def copy_columns(target: int, source: int, rows: int, size: int, pitch: int) -> None:
    """Copy the first `size` bytes of some rows, unless they are there already."""
    if target == source:
        return
    if size == pitch:
        copy_bytes(target, source, rows * pitch)
    else:
        for i in range(rows):
            copy_bytes(target + i * pitch, source + i * pitch, size)


def combine(kind: int, target: int, source: int, n: int) -> None:
    """target = target op source, n elements; a NaN stays."""
    i = 0
    if kind == MINIMUM or kind == MAXIMUM:
        while i < n:
            a, b = load(target + i * ES), load(source + i * ES)
            if a == a:
                if kind == MINIMUM:
                    store(target + i * ES, a if a < b else b)
                else:
                    store(target + i * ES, a if a > b else b)
            i += 1
        return
    while i + VL <= n:
        store(target + i * ES, combined(kind, vload(target + i * ES), vload(source + i * ES)))
        i += VL
    if i < n:
        mask = first_lanes(n - i)
        x, y = vload_masked(target + i * ES, mask), vload_masked(source + i * ES, mask)
        vstore_masked(target + i * ES, combined(kind, x, y), mask)


@inline
def combined(kind: int, x: Vec, y: Vec) -> Vec:
    """x op y."""
    z = x
    if kind == ADD:
        z = x + y
    elif kind == SUBTRACT:
        z = x - y
    elif kind == MULTIPLY:
        z = x * y
    else:
        z = x / y
    return z


def scatter_int(args: int, begin: int, end: int) -> None:
    """Entry: parts begin .. end of the output; integers, and elements of any size to be copied."""
    axis, count, inner = word(args, W.AXIS), word(args, W.COUNT), word(args, W.INNER)
    indices, index_bytes = word(args, W.INDICES), word(args, W.INDEX_BYTES)
    axis_parts, column_parts = word(args, W.AXIS_PARTS), word(args, W.COLUMN_PARTS)
    kind, drop, size = word(args, W.KIND), word(args, W.DROP), word(args, W.BYTES)
    unsigned = word(args, W.UNSIGNED)
    pitch = inner * size
    for unit in range(begin, end):
        first, last = 0, axis
        left, right = 0, inner
        if axis_parts > 1:
            first, last = axis * unit // axis_parts, axis * (unit + 1) // axis_parts
        else:
            left, right = inner * unit // column_parts, inner * (unit + 1) // column_parts
        out, base = word(args, W.OUT) + left * size, word(args, W.BASE) + left * size
        rows = word(args, W.ROWS) + left * size
        width = right - left
        copy_columns(out + first * pitch, base + first * pitch, last - first, width * size, pitch)
        for i in range(count):
            index = index_at(indices, index_bytes, i)
            if first <= index < last:
                if kind != UPDATE:
                    combine_int(kind, out + index * pitch, rows + i * pitch, width, size, unsigned)
                elif width * size % ES == 0:
                    copy_row(out + index * pitch, rows + i * pitch, width * size)
                else:
                    copy_bytes(out + index * pitch, rows + i * pitch, width * size)
            elif index >= axis or (index < 0 and drop == 0):
                refuse(args, i)


def combine_int(kind: int, target: int, source: int, n: int, size: int, unsigned: int) -> None:
    """target = target op source, n integers."""
    # unsigned numbers compare as signed ones do once their highest bit is turned over
    flip = -unsigned << 8 * size - 1
    for i in range(n):
        a, b = index_at(target, size, i), index_at(source, size, i)
        if kind == ADD:
            a += b
        elif kind == SUBTRACT:
            a -= b
        elif kind == MULTIPLY:
            a *= b
        elif kind == MINIMUM:
            a = min(a ^ flip, b ^ flip) ^ flip
        else:
            a = max(a ^ flip, b ^ flip) ^ flip
        store_int(target + i * size, size, a)
