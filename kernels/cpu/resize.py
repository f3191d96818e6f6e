"""Images of another size: each output row is a sum of input rows, its pixels sums of pixels.

    line[j, :] = sum over k of row_weights[r, k] * x[n, row_start[r] + k, j, :]
    out[n, r, j, :] = sum over k of column_weights[j, k] * line[column_start[j] + k, :]

Any separable interpolation has this form, and so has its gradient, with the transposed tables. The
rows come first: their sum is over whole lines, so vectors are full for any number of channels.
Pixels of fewer channels than a vector has lanes are stored with whole vectors all the same, in
order, so that each overwrites what the one before it wrote too much.

A window that slides over the pixels of a line is a sum of lines, too: of the line itself, moved by
a pixel each time.

`pick` copies pixels instead, of any type: the nearest neighbour.

One unit is one row of the output. Every element is one chain of fused multiply-adds, whatever the
cut. Bound: memory, x.nbytes + out.nbytes, from about 16 channels on; for few channels the
instructions of a pixel, about five cycles. Written in the subset of lang.py.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from numflow.kernels import lang
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu import memory
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.gather import copy_row
from numflow.kernels.cpu.memory import LINE, fence, store_past
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    ES,
    VL,
    copy_bytes,
    first_lanes,
    fma,
    load,
    splat,
    store,
    vload,
    vload_masked,
    vstore_masked,
    vzero,
    word,
)

_CHUNK_BYTES = 1 << 15
_CHUNKS = 8  # per thread: few, since each has a line of its own in the workspace


class W:
    """Words of the argument block of `resize`. Sizes in elements."""

    X = HEADER
    OUT = HEADER + 1
    HEIGHT = HEADER + 2
    WIDTH = HEADER + 3
    CHANNELS = HEADER + 4
    ROWS = HEADER + 5  # of the output
    COLUMNS = HEADER + 6
    ROW_PLACES = HEADER + 7  # (start, count) per row of the output
    ROW_WEIGHTS = HEADER + 8
    ROW_WIDEST = HEADER + 9  # weights of a row of that table
    COLUMN_PLACES = HEADER + 10
    COLUMN_WEIGHTS = HEADER + 11
    COLUMN_WIDEST = HEADER + 12
    CHUNK = HEADER + 13
    LINE = HEADER + 14  # bytes of a line in the workspace
    SLIDING = HEADER + 15  # column j is pixels j, j + 1... with the same weights
    PAST = HEADER + 16  # whether the output goes past the caches, if it begins with a line


class P:
    """Words of the argument block of `pick`. A pixel is so many bytes."""

    X = HEADER
    OUT = HEADER + 1
    HEIGHT = HEADER + 2
    WIDTH = HEADER + 3
    PIXEL = HEADER + 4
    ROWS = HEADER + 5
    COLUMNS = HEADER + 6
    ROW_PLACES = HEADER + 7
    COLUMN_PLACES = HEADER + 8


class Table(NamedTuple):
    """What one axis is made of: starts and counts, int64 [out]; weights, [out, widest]."""

    starts: Any
    counts: Any
    weights: Any


class _Address(int):
    """The address of an array, which lives as long."""

    array: Any

    @classmethod
    def of(cls, array: Any) -> _Address:
        self = cls(array.ctypes.data)
        self.array = array
        return self


def plan_resize(
    batch: int,
    height: int,
    width: int,
    channels: int,
    rows: Table,
    columns: Table,
    dtype: str,
    *,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """out[batch, len(rows.starts), len(columns.starts), channels] of x of that height and width.

    Args:
      rows, columns: each range of `counts` pixels from `starts` lies within the axis.
      dtype: float32 or float64.
    """
    address = lang.addresses(resize, dtype=dtype, target=target)["resize"]
    itemsize = {"float32": 4, "float64": 8}[dtype]
    oh, ow = len(rows.starts), len(columns.starts)
    for table, size in ((rows, height), (columns, width)):
        if np.any(table.starts < 0) or np.any(table.starts + table.counts > size):
            raise ValueError("resize: a table reaches beyond its axis")
    units = batch * oh if channels and ow else 0
    row_bytes = max(1, ow * channels * itemsize)
    chunk = max(1, _CHUNK_BYTES // row_bytes, -(-units // (_CHUNKS * threads)))
    line = -(-(width * channels * itemsize + 64) // 64) * 64  # read up to one vector beyond
    tables: list[Any] = []
    for table in (rows, columns):
        places = np.ascontiguousarray(np.stack([table.starts, table.counts], 1), np.int64)
        weights = np.ascontiguousarray(table.weights, dtype)
        tables += [_Address.of(places), _Address.of(weights), table.weights.shape[1]]
    sliding = int(_slides(columns))
    past = int(memory.goes_past(batch * oh * row_bytes, channels * itemsize))
    constants = (height, width, channels, oh, ow, *tables, chunk, line, sliding, past)
    return Call(address, units, chunk, 2, constants, line * -(-units // chunk))


def _slides(table: Table) -> bool:
    """Whether a table is one window that moves from pixel to pixel."""
    if not len(table.starts) or not np.array_equal(table.starts, np.arange(len(table.starts))):
        return False
    same = (table.counts == table.weights.shape[1]).all()
    return bool(same and (table.weights == table.weights[0]).all())


def plan_pick(
    batch: int,
    height: int,
    width: int,
    pixel: int,
    rows: Any,
    columns: Any,
    *,
    target: Target | None = None,
) -> Call:
    """out[batch, r, c, :] = x[batch, rows[r], columns[c], :], pixels of `pixel` bytes."""
    address = lang.addresses(pick, target=target)["pick"]
    for places, size in ((rows, height), (columns, width)):
        if np.any(places < 0) or np.any(places >= size):
            raise ValueError("pick: a pixel beyond the image is wanted")
    row, column = (np.ascontiguousarray(p, np.int64) for p in (rows, columns))
    units = batch * len(row) if pixel and len(column) else 0
    chunk = max(1, _CHUNK_BYTES // max(1, len(column) * pixel))
    sizes = (height, width, pixel, len(row), len(column))
    return Call(address, units, chunk, 2, (*sizes, _Address.of(row), _Address.of(column)))


# --- sums ------------------------------------------------------------------------


def resize(args: int, begin: int, end: int) -> None:
    """Entry: rows begin .. end of the output."""
    line = word(args, WORKSPACE) + begin // word(args, W.CHUNK) * word(args, W.LINE)
    height, rows, columns = word(args, W.HEIGHT), word(args, W.ROWS), word(args, W.COLUMNS)
    channels = word(args, W.CHANNELS)
    n = word(args, W.WIDTH) * channels
    places, weights = word(args, W.ROW_PLACES), word(args, W.ROW_WEIGHTS)
    widest, sliding = word(args, W.ROW_WIDEST), word(args, W.SLIDING)
    past = word(args, W.PAST) if word(args, W.OUT) % LINE == 0 else 0
    for unit in range(begin, end):
        image = unit // rows
        row = unit - image * rows
        start, count = word(places, 2 * row), word(places, 2 * row + 1)
        x = word(args, W.X) + (image * height + start) * n * ES
        out = word(args, W.OUT) + unit * columns * channels * ES
        w = weights + row * widest * ES
        if sliding != 0:
            sum_lines(line, x, n, n, count, w)
            taps, first = word(args, W.COLUMN_WIDEST), word(args, W.COLUMN_WEIGHTS)
            sum_lines(out, line, columns * channels, channels, taps, first)
        elif channels >= VL and count == 2:
            sum_between(args, x, x + n * ES, w, out, columns, channels, past)
        elif channels >= VL:
            sum_lines(line, x, n, n, count, w)
            sum_wide(args, line, out, columns, channels)
        else:
            sum_lines(line, x, n, n, count, w)
            sum_narrow(args, line, out, columns, channels)
    if past != 0:
        fence()


def sum_lines(to: int, x: int, n: int, apart: int, count: int, weights: int) -> None:
    """to = the weighed sum of `count` lines of n elements, `apart` elements from each other."""
    step = apart * ES
    i = 0
    if count == 2 and n >= VL:
        w0, w1 = splat(load(weights)), splat(load(weights + ES))
        while i < n:
            at = min(i, n - VL) * ES  # the last vector overlaps
            store(to + at, fma(w1, vload(x + step + at), w0 * vload(x + at)))
            i += VL
    else:
        while i + 4 * VL <= n:
            p = x + i * ES
            a, b, c, d = vzero(), vzero(), vzero(), vzero()
            for k in range(count):
                w = splat(load(weights + k * ES))
                a = fma(w, vload(p), a)
                b = fma(w, vload(p + VL * ES), b)
                c = fma(w, vload(p + 2 * VL * ES), c)
                d = fma(w, vload(p + 3 * VL * ES), d)
                p += step
            store(to + i * ES, a)
            store(to + (i + VL) * ES, b)
            store(to + (i + 2 * VL) * ES, c)
            store(to + (i + 3 * VL) * ES, d)
            i += 4 * VL
        while i < n:
            mask = first_lanes(min(VL, n - i))
            p = x + i * ES
            a = vzero()
            for k in range(count):
                a = fma(splat(load(weights + k * ES)), vload_masked(p, mask), a)
                p += step
            vstore_masked(to + i * ES, a, mask)
            i += VL


def sum_wide(args: int, line: int, out: int, columns: int, channels: int) -> None:
    """The pixels of a row, of at least as many channels as a vector has lanes."""
    places, weights = word(args, W.COLUMN_PLACES), word(args, W.COLUMN_WEIGHTS)
    widest = word(args, W.COLUMN_WIDEST) * ES
    pixel = channels * ES
    for j in range(columns):
        p = line + word(places, 2 * j) * pixel
        sum_lines(out, p, channels, channels, word(places, 2 * j + 1), weights)
        weights += widest
        out += pixel


def sum_between(
    args: int, upper: int, lower: int, row_weights: int, out: int, columns: int, channels: int,
    past: int,
) -> None:  # fmt: skip
    """As sum_wide, of two lines that need not be written before."""
    places, weights = word(args, W.COLUMN_PLACES), word(args, W.COLUMN_WEIGHTS)
    widest = word(args, W.COLUMN_WIDEST) * ES
    pixel = channels * ES
    u, v = splat(load(row_weights)), splat(load(row_weights + ES))
    for j in range(columns):
        at = word(places, 2 * j) * pixel
        p, q = upper + at, lower + at
        count = word(places, 2 * j + 1)
        i = 0
        if count == 2:
            w0, w1 = splat(load(weights)), splat(load(weights + ES))
            while i < channels:
                k = min(i, channels - VL) * ES
                a = fma(v, vload(q + k), u * vload(p + k))
                b = fma(v, vload(q + pixel + k), u * vload(p + pixel + k))
                if past != 0:
                    store_past(out + k, fma(w1, b, w0 * a))
                else:
                    store(out + k, fma(w1, b, w0 * a))
                i += VL
        else:
            while i < channels:
                k = min(i, channels - VL) * ES
                a = vzero()
                for t in range(count):
                    b = fma(v, vload(q + t * pixel + k), u * vload(p + t * pixel + k))
                    a = fma(splat(load(weights + t * ES)), b, a)
                store(out + k, a)
                i += VL
        weights += widest
        out += pixel


def sum_narrow(args: int, line: int, out: int, columns: int, channels: int) -> None:
    """The pixels of a row, of fewer channels; what lies behind the line is read, but not used."""
    places, weights = word(args, W.COLUMN_PLACES), word(args, W.COLUMN_WEIGHTS)
    widest = word(args, W.COLUMN_WIDEST) * ES
    pixel = channels * ES
    whole = max(0, columns - (VL + channels - 1) // channels + 1)  # pixels with a vector of room
    mask = first_lanes(channels)
    for j in range(columns):
        q = line + word(places, 2 * j) * pixel
        count = word(places, 2 * j + 1)
        a = vzero()
        if count == 2:
            w0, w1 = splat(load(weights)), splat(load(weights + ES))
            a = fma(w1, vload(q + pixel), w0 * vload(q))
        else:
            for k in range(count):
                a = fma(splat(load(weights + k * ES)), vload(q), a)
                q += pixel
        if j < whole:
            store(out, a)
        else:
            vstore_masked(out, a, mask)
        weights += widest
        out += pixel


# --- copies ------------------------------------------------------------------------


def pick(args: int, begin: int, end: int) -> None:
    """Entry: rows begin .. end of the output."""
    height, rows, columns = word(args, P.HEIGHT), word(args, P.ROWS), word(args, P.COLUMNS)
    pixel = word(args, P.PIXEL)
    stride = word(args, P.WIDTH) * pixel
    places = word(args, P.COLUMN_PLACES)
    before = -1
    for unit in range(begin, end):
        image = unit // rows
        source = image * height + word(word(args, P.ROW_PLACES), unit - image * rows)
        out = word(args, P.OUT) + unit * columns * pixel
        if source == before:
            copy_bytes(out, out - columns * pixel, columns * pixel)
        else:
            x = word(args, P.X) + source * stride
            for j in range(columns):
                copy_row(out, x + word(places, j) * pixel, pixel)
                out += pixel
        before = source
