"""Rows by index: gather, and its gradient, which adds rows at indices.

    gather       out[b, o, i, :] = params[b, o, indices[b, i], :]
    scatter_add  params[b, o, indices[b, i], :] += rows[b, o, i, :]
    row          the address of params[index, :], into words that other kernels read

with b < batch, o < outer, i < count, rows of `inner` elements: every gather with an axis and batch
dimensions has this form once its dimensions are collapsed. An index outside 0 .. axis - 1 is never
followed: gather fills its row with zeros, scatter_add leaves it out, and both report its position
b * count + i (`refuse`).

Bound: memory, each row read and written once. Written in the subset of lang.py.
"""

from __future__ import annotations

from numflow.kernels import lang
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu.call import Call
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    ES,
    VB,
    VL,
    copy_bytes,
    first_lanes,
    load_i32,
    load_i64,
    refuse,
    store,
    store_i32,
    store_i64,
    vload,
    vload_masked,
    vstore_masked,
    word,
    zero_bytes,
)
from numflow.kernels.lang import inline

_CHUNK_BYTES = 1 << 16
_PART_BYTES = 1 << 15


class W:
    """Words of the argument block of both kernels."""

    PARAMS = HEADER
    INDICES = HEADER + 1
    ROWS = HEADER + 2  # gather's output, scatter_add's input
    OUTER = HEADER + 3
    AXIS = HEADER + 4
    COUNT = HEADER + 5
    INNER = HEADER + 6  # bytes of a row in gather, elements in scatter_add
    INDEX_BYTES = HEADER + 7
    AXIS_PARTS = HEADER + 8  # scatter_add: how the target is cut
    COLUMN_PARTS = HEADER + 9
    CLEAR = HEADER + 10


def plan_gather(
    outer: int,
    axis: int,
    count: int,
    row_bytes: int,
    *,
    index_bytes: int = 8,
    batch: int = 1,
    target: Target | None = None,
) -> Call:
    """out[batch, outer, count] = params[batch, outer, axis] at indices[batch, count].

    One unit is one row of the output. Operands: params, indices, out.

    Args:
      row_bytes: of a row of `inner` elements of any type.
      index_bytes: 4 (int32) or 8 (int64).
    """
    _check(index_bytes)
    units = batch * outer * count if row_bytes else 0
    chunk = max(1, _CHUNK_BYTES // max(row_bytes, 1))
    # the kernel divides by outer and count, if only to find that there is nothing to do
    constants = (max(outer, 1), axis, max(count, 1), row_bytes, index_bytes)
    return Call(lang.addresses(gather, target=target)["gather"], units, chunk, 3, constants)


def plan_scatter_add(
    outer: int,
    axis: int,
    count: int,
    inner: int,
    dtype: str = "float32",
    *,
    index_bytes: int = 8,
    batch: int = 1,
    clear: bool = True,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """params[batch, outer, axis] += rows[batch, outer, count] at indices[batch, count].

    One unit is one part of one [axis, inner] matrix: a range of columns, or of targets where rows
    are short. Each element is the sum in the order of the indices: any cut gives the same bits.
    Operands: rows, indices, params.

    Args:
      dtype: "float32" or "float64".
      clear: the params are set to 0 first (a gradient); else added to.
    """
    _check(index_bytes)
    itemsize = {"float32": 4, "float64": 8}[dtype]
    matrices = batch * outer
    work = (axis + count) * inner * itemsize  # bytes touched in a matrix
    parts = max(1, min(-(-threads // max(matrices, 1)), work // _PART_BYTES))
    lines = inner * itemsize // 64
    column_parts = min(parts, lines) if lines >= parts else 1
    axis_parts = parts if column_parts == 1 else 1
    constants = (
        outer, axis, count, inner, index_bytes, axis_parts, column_parts, int(clear),
    )  # fmt: skip
    address = lang.addresses(scatter_add, dtype=dtype, target=target)["scatter_add"]
    units = matrices * axis_parts * column_parts if axis * inner else 0
    # many small matrices of a batch: enough of them to be worth a hand-out
    chunk = 1 if parts > 1 else max(1, _PART_BYTES // max(work, 1))
    return Call(address, units, chunk, 3, constants, positions=(2, 1, 0))


def plan_row(
    axis: int, row_bytes: int, *, index_bytes: int = 8, target: Target | None = None
) -> Call:
    """The address of a row, for axis >= 1. Operands: params, index, and a table: how many words are
    told, then of each its address and how many bytes behind the row's begin it wants.

    An index outside is reported, and taken for 0.
    """
    _check(index_bytes)
    constants = (axis, row_bytes, index_bytes)
    return Call(lang.addresses(row, target=target)["row"], 1, 1, 3, constants)


def _check(index_bytes: int) -> None:
    if index_bytes not in (4, 8):
        raise ValueError(f"gather: indices of 4 or 8 bytes are wanted. Received: {index_bytes}")


# --- the kernels -------------------------------------------------------------


@inline
def index_at(indices: int, index_bytes: int, i: int) -> int:
    """Index number i, sign extended."""
    index = 0
    if index_bytes == 4:
        index = load_i32(indices + i * 4)
    else:
        index = load_i64(indices + i * 8)
    return index


def gather(args: int, begin: int, end: int) -> None:
    """Entry: rows begin .. end of the output."""
    outer, axis, count = word(args, W.OUTER), word(args, W.AXIS), word(args, W.COUNT)
    indices, index_bytes = word(args, W.INDICES), word(args, W.INDEX_BYTES)
    size = word(args, W.INNER)
    out = word(args, W.ROWS) + begin * size
    matrix = begin // count  # b * outer + o
    i = begin - matrix * count
    position = matrix // outer * count  # of the batch's first index
    params = word(args, W.PARAMS) + matrix * axis * size
    for _ in range(begin, end):
        index = index_at(indices, index_bytes, position + i)
        if 0 <= index < axis:
            copy_row(out, params + index * size, size)
        else:
            refuse(args, position + i)
            zero_bytes(out, size)
        out += size
        i += 1
        if i == count:
            i = 0
            matrix += 1
            params += axis * size
            position = matrix // outer * count


class R:
    """Words of the argument block of `row`."""

    PARAMS = HEADER
    INDEX = HEADER + 1
    TOLD = HEADER + 2
    AXIS = HEADER + 3
    BYTES = HEADER + 4
    INDEX_BYTES = HEADER + 5


def row(args: int, begin: int, end: int) -> None:
    """Entry: tell where the row is."""
    index = index_at(word(args, R.INDEX), word(args, R.INDEX_BYTES), 0)
    if index < 0 or index >= word(args, R.AXIS):
        refuse(args, 0)
        index = 0
    address = word(args, R.PARAMS) + index * word(args, R.BYTES)
    told = word(args, R.TOLD)
    for k in range(0, load_i64(told)):
        slot = told + 8 + k * 16
        store_i64(load_i64(slot), address + load_i64(slot + 8))


@inline
def copy_row(target: int, source: int, size: int) -> None:
    """Copy a row; short ones without a call of memcpy."""
    if size == 4:
        store_i32(target, load_i32(source))
    elif size == 8:
        store_i64(target, load_i64(source))
    elif size >= VB and size % ES == 0:  # vectors of whole elements; the last one overlaps
        i = 0
        while i < size - VB:
            store(target + i, vload(source + i))
            i += VB
        store(target + (size - VB), vload(source + (size - VB)))
    elif 8 < size <= 16:  # two words that overlap
        store_i64(target, load_i64(source))
        store_i64(target + (size - 8), load_i64(source + (size - 8)))
    elif size % ES == 0 and 16 < size < VB:
        mask = first_lanes(size // ES)
        vstore_masked(target, vload_masked(source, mask), mask)
    else:
        copy_bytes(target, source, size)


def scatter_add(args: int, begin: int, end: int) -> None:
    """Entry: parts begin .. end of the target."""
    outer, axis, count = word(args, W.OUTER), word(args, W.AXIS), word(args, W.COUNT)
    indices, index_bytes = word(args, W.INDICES), word(args, W.INDEX_BYTES)
    inner = word(args, W.INNER)
    axis_parts, column_parts = word(args, W.AXIS_PARTS), word(args, W.COLUMN_PARTS)
    parts = axis_parts * column_parts
    for unit in range(begin, end):
        matrix = unit // parts
        part = unit - matrix * parts
        first, last = 0, axis
        left, right = 0, inner
        if axis_parts > 1:
            first, last = axis * part // axis_parts, axis * (part + 1) // axis_parts
        else:  # whole vectors, so that parts share no cache line
            vectors = (inner + VL - 1) // VL
            left = vectors * part // column_parts * VL
            right = min(inner, vectors * (part + 1) // column_parts * VL)
        params = word(args, W.PARAMS) + (matrix * axis * inner + left) * ES
        rows = word(args, W.ROWS) + (matrix * count * inner + left) * ES
        width = right - left
        if word(args, W.CLEAR) != 0:
            clear(params + first * inner * ES, last - first, width, inner)
        position = matrix // outer * count
        for i in range(count):
            index = index_at(indices, index_bytes, position + i)
            if first <= index < last:
                add_row(params + index * inner * ES, rows + i * inner * ES, width)
            elif index < 0 or index >= axis:
                refuse(args, position + i)


def clear(target: int, rows: int, width: int, inner: int) -> None:
    """Set `width` columns of `rows` rows to 0."""
    if width == inner:
        zero_bytes(target, rows * inner * ES)
    else:
        for i in range(rows):
            zero_bytes(target + i * inner * ES, width * ES)


@inline
def add_row(target: int, source: int, n: int) -> None:
    """target += source, n elements."""
    i = 0
    while i + VL <= n:
        store(target + i * ES, vload(target + i * ES) + vload(source + i * ES))
        i += VL
    if i < n:
        mask = first_lanes(n - i)
        x = vload_masked(target + i * ES, mask) + vload_masked(source + i * ES, mask)
        vstore_masked(target + i * ES, x, mask)
