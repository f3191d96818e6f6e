"""The gradient of a convolution by its filter: sums over all pixels, in the register tiles.

dW[tap, c, o] = sum over pixels of x[pixel moved by the tap, c] * dy[pixel, o]: a tile's rows are
neighbouring elements of a row of the window (its pixels and their channels lie side by side in the
image), its columns output channels, and k runs over the pixels of a band of output rows, one run a
row. So x is read in place or, where the window reaches beside the image, from rows copied between
zeros, as in conv_nest.py.

The pixels are dealt out to PARTS sums: the caller adds them up. How many there are must follow from
the sizes alone, so that the bits of the result do.

Bound: fused multiply-adds, as many as the convolution's.
"""

from __future__ import annotations

from numflow.kernels import lang, tiles
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu import conv_filter_images, pool
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.conv import Window, tiles_of, window_words
from numflow.kernels.cpu.conv_nest import W, clear, copy_rows, source, top_row
from numflow.kernels.cpu.gemm import _even, _l2_bytes, _lines
from numflow.kernels.cpu.gemm_nest import bounds
from numflow.kernels.cpu.pool_behind import (
    BYTES,
    POOL_X,
    POOL_Y,
    WORDS,
    enter_block,
    spread_entry,
)
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    ES,
    VL,
    call,
    call_entry,
    mask_address,
    set_word,
    word,
    zeros,
)
from numflow.kernels.ir import Vectors
from numflow.kernels.tiles import ACCUMULATE, TAIL_PLACE, VECTORS_PLACE, Q

# W.F is written: the parts; W.Y is read: the gradient of the result.
PARTS = W.END
LINES = W.END + 1  # bands of all planes of all images
SIZE = W.END + 2  # elements of the filter
SPREAD = W.END + 3  # entry of a pool's gradient, whose operand is then in W.Y; 0: none
MARKS = W.END + 4  # its places
STRIPE = W.END + 5  # bytes of the workspace in front of the rows that it makes
BLOCK = W.END + 6  # and of its block
END = W.END + 7  # where its words begin


def filter_gradient(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a part of the pixels for a slot of columns."""
    q = word(args, WORKSPACE) + begin * word(args, W.SCRATCH)
    slots, bands, planes = word(args, W.COLUMN_SLOTS), word(args, W.BANDS), word(args, W.OD)
    lines, parts = word(args, LINES), word(args, PARTS)
    stripe, block, row_bytes = 0, 0, word(args, W.OW) * word(args, W.OUT_PIXEL) * ES
    if word(args, SPREAD) != 0:
        stripe, block = q + word(args, STRIPE), q + word(args, BLOCK)
        enter_block(args, END, block, 0, word(args, MARKS))
        set_word(block, POOL_X, word(args, W.Y))
    for unit in range(begin, end):
        part = unit // slots
        slot = unit - part * slots
        out = word(args, W.F) + part * word(args, SIZE) * ES
        first_line, last_line = lines * part // parts, lines * (part + 1) // parts
        if first_line == last_line and slot == 0:
            clear(out, word(args, SIZE))
        for line in range(first_line, last_line):
            image = line // (bands * planes)
            rest = line - image * bands * planes
            plane = rest // bands
            first = (rest - plane * bands) * word(args, W.BAND)
            last = min(word(args, W.OH), first + word(args, W.BAND))
            if word(args, W.PADDED) != 0:
                copy_rows(args, q, image, plane, top_row(args, first))
            set_word(q, Q.FLAGS, 0 if line == first_line else ACCUMULATE)
            row = (image * planes + plane) * word(args, W.OH) + first
            dy = word(args, W.Y) + row * row_bytes
            if block != 0:
                set_word(block, POOL_Y, stripe - row * row_bytes)
                call_entry(word(args, SPREAD), block, row, row + last - first)
                dy = stripe
            add_band(args, q, image, plane, first, last, slot, out, dy)


def taps(args: int, runs: int, plane: int, first: int, last: int, d: int, h: int) -> int:
    """Writes the runs of one row of the window over a band of output rows; returns how many."""
    count = 0
    padded, height, top = word(args, W.PADDED), word(args, W.H), top_row(args, first)
    width = padded if padded != 0 else word(args, W.WIDTH)
    line = width * word(args, W.PIXEL) * ES
    z = source(
        args, plane, d, word(args, W.SD), word(args, W.PD), word(args, W.DD), word(args, W.D)
    )
    if z >= 0:
        for row in range(first, last):
            y = source(args, row, h, word(args, W.SH), word(args, W.PH), word(args, W.DH), height)
            if y >= 0:
                at = (d * word(args, W.COPIED) + y - top) * line
                if padded == 0:
                    at = (z * height + y) * line
                set_word(runs + count * 16, 0, at)
                set_word(runs + count * 16, 1, (row - first) * word(args, W.OW))
                count += 1
    return count


def add_band(
    args: int,
    q: int,
    image: int,
    plane: int,
    first: int,
    last: int,
    slot: int,
    out: int,
    dy: int,
) -> None:
    """Add what a band of output rows gives to the columns of a slot, of all groups. dy: the first
    row."""
    pixel, ow, oc = word(args, W.PIXEL), word(args, W.OW), word(args, W.OUT_PIXEL)
    columns, tiles = word(args, W.COLUMNS), word(args, W.TILES)
    mr, nv, run = word(args, W.ROWS), word(args, W.VECTORS), word(args, W.RUN)
    nr = nv * VL
    runs = q + Q.BYTES
    base = q + word(args, W.COPY)
    if word(args, W.PADDED) == 0:
        image_bytes = word(args, W.D) * word(args, W.H) * word(args, W.WIDTH) * pixel * ES
        base = word(args, W.X) + image * image_bytes
    nt, mt = (columns + nr - 1) // nr, (run + mr - 1) // mr
    height_of = run // mt
    extra = run - height_of * mt
    slots = word(args, W.COLUMN_SLOTS)
    j, n1 = nt * slot // slots * nr, min(columns, nt * (slot + 1) // slots * nr)
    full = (n1 - j) // nr
    rem = n1 - j - full * nr
    rv = (rem + VL - 1) // VL
    lanes = rem - (rv - 1) * VL
    part = 1 if lanes < VL else 0
    set_word(q, Q.MASK, mask_address(lanes))
    set_word(q, Q.K, ow)
    set_word(q, Q.RUNS, runs)
    bounds(q, 0)
    set_word(q, Q.A_ROW, ES)
    set_word(q, Q.A_STEP, word(args, W.SW) * pixel * ES)
    set_word(q, Q.NEXT_ROW, 0)
    set_word(q, Q.NEXT_STEP, 0)
    set_word(q, Q.B_STEP, oc * ES)
    set_word(q, Q.B_PANEL, nr * ES)
    set_word(q, Q.BIAS_PANEL, 0)
    set_word(q, Q.C_ROW, oc * ES)
    kh, kw, pieces = word(args, W.KH), word(args, W.KW), word(args, W.PIECES)
    for d in range(word(args, W.KD)):
        for h in range(kh):
            set_word(q, Q.SEGMENTS, taps(args, runs, plane, first, last, d, h))
            for group in range(word(args, W.GROUPS)):
                channel = group * word(args, W.CHANNELS) * ES
                b = dy + (group * columns + j) * ES
                for w in range(pieces):
                    line = ((d * kh + h) * kw + w) * word(args, W.CHANNELS)
                    x = base + channel + w * word(args, W.DW) * pixel * ES
                    for t in range(mt):
                        m = t * height_of + min(t, extra)
                        rows = height_of + (1 if t < extra else 0)
                        a = x + m * ES
                        cp = out + ((line + m) * oc + group * columns + j) * ES
                        set_word(q, Q.NEXT, a)
                        if full > 0:
                            call(word(tiles, nv * VECTORS_PLACE + rows), q, a, b, cp, zeros(), full)
                        if rem > 0:
                            tail = word(tiles, rv * VECTORS_PLACE + part * TAIL_PLACE + rows)
                            ahead = full * nr * ES
                            call(tail, q, a, b + ahead, cp + ahead, zeros(), 1)


def plan(
    s: Window,
    dtype: str = "float32",
    *,
    parts: int = 1,
    spread: pool.Window | None = None,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """The parts of the gradient by the filter.

    Args:
      s: the sizes of the convolution.
      dtype: "float32" or "float64".
      spread: a pool behind the convolution, of images of one plane: dy is the gradient of the
        pool's result, and spread by `places` while it is in a cache.
      parts: into how many sums the pixels are dealt out; the bits of the result depend on it.
      threads: how many may share the work; speed only.

    Operands: x [batch, *image, channels], dy [batch, *result, columns], with `spread` places like
    dy, parts [parts, *kernel, channels / groups, columns]; dense.
    """
    if spread is None and conv_filter_images.takes(s, parts):
        return conv_filter_images.plan(s, dtype, parts=parts, threads=threads, target=target)
    v = Vectors(dtype, target or Target.host())
    dense = s.dilations[2] == 1 and s.groups == 1
    channels, columns = s.channels // s.groups, s.columns // s.groups
    run = channels * (s.kernel[2] if dense else 1)
    vectors = min(2, max(1, -(-columns // v.lanes)))
    nr = vectors * v.lanes
    rows = _even(run, tiles.largest_rows(v, vectors)) or 1
    reach = (s.result[2] - 1) * s.strides[2] + (s.kernel[2] - 1) * s.dilations[2] + 1
    padded = reach if s.padding[2] or reach > s.image[2] else 0
    band, bands = _bands(v, s, padded, parts)
    copied_rows = (band - 1) * s.strides[1] + (s.kernel[1] - 1) * s.dilations[1] + 1
    copied = s.kernel[0] * copied_rows * padded * s.channels * v.itemsize
    head = _lines(Q.BYTES + 16 * band)
    scratch = _lines(head + copied) + 192
    panels = -(-columns // nr)
    slots = max(1, min(panels, -(-2 * threads // parts))) if spread is None else 1
    size = s.depth * s.columns
    units = parts * slots if size else 0
    values = {
        **window_words(s),
        W.PIXEL: s.channels,
        W.OUT_PIXEL: s.columns,
        W.GROUPS: s.groups,
        W.CHANNELS: channels,
        W.COLUMNS: columns,
        W.RUN: run,
        W.PIECES: 1 if dense else s.kernel[2],
        W.PADDED: padded,
        W.LEFT: s.padding[2],
        W.COPIED: copied_rows,
        W.BAND: band,
        W.BANDS: bands,
        W.COLUMN_SLOTS: slots,
        W.ROWS: rows,
        W.VECTORS: vectors,
        W.CHUNK: 1,
        W.SCRATCH: scratch,
        W.COPY: head,
        W.TILES: tiles.table(tiles_of(v, [run], columns, rows, vectors), v) if units else 0,
        PARTS: parts,
        LINES: s.batch * s.result[0] * bands if s.result[2] else 0,
        SIZE: size,
    }
    address = lang.addresses(filter_gradient, dtype=v.dtype, target=v.target)["filter_gradient"]
    places, end = [W.X, W.Y, W.F], END
    if spread is not None:
        block = _lines(scratch + band * s.result[2] * s.columns * v.itemsize) + 192
        values |= {STRIPE: scratch, BLOCK: block}
        values[SPREAD], words = spread_entry(spread, v.dtype, v.target)
        values |= dict(enumerate(words, END))
        values[W.SCRATCH] = scratch = _lines(block + BYTES)
        places, end = [W.X, W.Y, MARKS, W.F], END + WORDS
    positions = tuple(place - HEADER for place in places)
    constants = tuple(values.get(place, 0) for place in range(HEADER, end) if place not in places)
    return Call(address, units, 1, len(places), constants, units * scratch, positions)


def _bands(v: Vectors, s: Window, padded: int, parts: int) -> tuple[int, int]:
    """(output rows of a band, bands of a plane): what a band reads stays in L2.

    From the sizes alone: the bands decide in which order the pixels are summed.
    """
    rows = s.result[1]
    row = s.kernel[0] * max(padded, s.image[2]) * s.channels * s.strides[1]
    row += s.result[2] * s.columns
    most = max(1, _l2_bytes() // 3 // max(1, row * v.itemsize))
    strips = max(1, s.batch * s.result[0])
    wanted = -(-parts // strips)
    band = max(1, min(most, -(-rows // wanted)))
    bands = -(-rows // band) if rows else 0
    return (-(-rows // bands) if bands else 1), bands
