"""The loops around the register tiles of a convolution: bands of rows, padding, windows, tiles.

Written in the subset of lang.py, compiled once per element type and machine; nothing of a shape is
in the code. Read tiles.py first; conv.py plans the words that are read here.

A tile's rows are neighbouring pixels of one output row, its columns output channels. k runs over
the window: in a row of the image the window's pixels and their channels lie side by side, so it is
a few *runs*, one per row of the window (one per pixel if dilated, or of a group's channels), and
the tile adds them all up in registers. Rows of the window that are above or below the image are no
runs. Beside the image there must be zeros: if the window gets there, the rows that a unit needs are
first copied between zeros. Nothing else is copied: there is no im2col. Rows of a few pixels leave
tiles almost empty: conv_images.py.

TRANSPOSED is the convolution's gradient by its image. What is read is then the gradient of the
result, what is written that of the image, and the filter has its last two axes exchanged. Output
pixel o reads source pixel (o + padding - tap * dilation) / stride, where that is one: along planes
and rows the runs say so; along columns the pixels of each remainder (*phase*) by the stride are
done in turn, since they have the same taps.

One unit is a band of output rows of one image (and plane), for some of the columns. Every element
is one chain of fused multiply-adds, whatever band or tile computes it.

Source: Georganas et al. 2018, "Anatomy of high-performance deep learning convolutions on SIMD
architectures".
"""

from __future__ import annotations

from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.gemm_nest import AHEAD, bounds
from numflow.kernels.cpu.gemm_packing import copy, pack_rows, pack_transposed
from numflow.kernels.cpu.pool_behind import POOL_X, enter_block
from numflow.kernels.intrinsics import (
    ES,
    VL,
    call,
    call_entry,
    copy_bytes,
    mask_address,
    set_word,
    store,
    vzero,
    word,
    zero,
    zeros,
)
from numflow.kernels.tiles import BIAS, EPILOGUE, TAIL_PLACE, VECTORS_PLACE, Q


class W:
    """Words of the argument block of a convolution. Sizes and strides in elements."""

    X = HEADER  # what is read
    F = HEADER + 1
    Y = HEADER + 2  # what is written
    BIAS = HEADER + 3
    D = HEADER + 4  # of X: planes, rows, columns
    H = HEADER + 5
    WIDTH = HEADER + 6
    PIXEL = HEADER + 7  # from one pixel of X to the next: its channels
    OD = HEADER + 8  # of Y
    OH = HEADER + 9
    OW = HEADER + 10
    OUT_PIXEL = HEADER + 11
    KD = HEADER + 12  # of the window
    KH = HEADER + 13
    KW = HEADER + 14
    SD = HEADER + 15  # strides
    SH = HEADER + 16
    SW = HEADER + 17
    PD = HEADER + 18  # zeros in front
    PH = HEADER + 19
    PW = HEADER + 20
    DD = HEADER + 21  # dilations
    DH = HEADER + 22
    DW = HEADER + 23
    TRANSPOSED = HEADER + 24
    GROUPS = HEADER + 25
    CHANNELS = HEADER + 26  # of a group, read and written
    COLUMNS = HEADER + 27
    RUN = HEADER + 28  # elements of a run
    PIECES = HEADER + 29  # runs in a row of the window
    TAP_ROWS = HEADER + 30  # rows of the filter from one tap to the next
    PADDED = HEADER + 31  # pixels of a copied row; 0: rows are read where they are
    LEFT = HEADER + 32  # of them, zeros in front
    COPIED = HEADER + 33  # rows that are copied of a plane
    BAND = HEADER + 34  # output rows of a unit
    BANDS = HEADER + 35  # of one plane of one image
    COLUMN_SLOTS = HEADER + 36
    FLAGS = HEADER + 37
    ROWS = HEADER + 38  # of a tile
    VECTORS = HEADER + 39
    NC = HEADER + 40  # columns that go through together
    LDF = HEADER + 41  # from one row of the filter to the next
    F_GROUP = HEADER + 42
    F_PANEL = HEADER + 43  # from one panel of the filter to the next
    PACKED = HEADER + 44  # panels lie apart, the last one as few vectors wide as it needs
    CHUNK = HEADER + 45
    SCRATCH = HEADER + 46
    COPY = HEADER + 47  # bytes of the workspace in front of the copied rows
    TILES = HEADER + 48
    RESIDUAL = HEADER + 49  # added to Y, and lies as it does; with EPILOGUE
    POOL = HEADER + 50  # entry of the pool behind it, whose result is then Y; 0: none
    PLACES = HEADER + 51  # its second result
    POOLED = HEADER + 52  # its rows of an image; BAND and BANDS are of these
    STEP = HEADER + 53  # that go through together
    STRIDE = HEADER + 54  # of its window, along rows of the convolution's result
    FRONT = HEADER + 55
    SPAN = HEADER + 56  # rows that its window is over
    STRIPE = HEADER + 57  # bytes of the workspace in front of the rows that it reads
    BLOCKS = HEADER + 58  # and of the blocks of convolution and pool
    FLAT = HEADER + 59  # tiles run over the pixels of rows, as if these were one row
    END = HEADER + 60  # where the words of the pool begin


class P:
    """Words of the argument block of `pack`. Sizes in elements."""

    F = HEADER
    PACKED = HEADER + 1
    ROWS = HEADER + 2
    COLUMNS = HEADER + 3  # of a group
    LD = HEADER + 4
    PANEL = HEADER + 5
    F_GROUP = HEADER + 6
    PACKED_GROUP = HEADER + 7
    TAPS = HEADER + 8  # F is [TAPS, COLUMNS, ROWS / TAPS]: its last two axes are exchanged; 0: not
    END = HEADER + 9


def conv(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a band of rows for a slot of columns."""
    if word(args, W.POOL) != 0:
        pooled(args, begin, end)
        return
    chunk = word(args, W.CHUNK)
    q = word(args, WORKSPACE) + begin // chunk * word(args, W.SCRATCH)
    slots, bands, planes = word(args, W.COLUMN_SLOTS), word(args, W.BANDS), word(args, W.OD)
    held = -1  # the band whose rows are copied
    for unit in range(begin, end):
        band = unit // slots
        slot = unit - band * slots
        image = band // (bands * planes)
        rest = band - image * bands * planes
        plane = rest // bands
        first = (rest - plane * bands) * word(args, W.BAND)
        last = min(word(args, W.OH), first + word(args, W.BAND))
        top = top_row(args, first)
        if word(args, W.PADDED) != 0 and held != band:
            copy_rows(args, q, image, plane, top)
            held = band
        convolve(args, q, image, plane, first, last, slot, top)


def pooled(args: int, begin: int, end: int) -> None:
    """Units begin .. end, each a band of rows of the pool behind the convolution, all columns.

    The rows that it reads are made in a stripe of the workspace, which stays in a cache; those that
    the next window reads, too, are moved to its front.
    """
    q = word(args, WORKSPACE) + begin // word(args, W.CHUNK) * word(args, W.SCRATCH)
    stripe, inner = q + word(args, W.STRIPE), q + word(args, W.BLOCKS)
    pool = inner + W.END * 8
    copy_bytes(inner, args, W.END * 8)
    enter_block(args, W.END, pool, word(args, W.Y), word(args, W.PLACES))
    bands, rows, oh = word(args, W.BANDS), word(args, W.POOLED), word(args, W.OH)
    line = word(args, W.OW) * word(args, W.OUT_PIXEL) * ES
    for unit in range(begin, end):
        image = unit // bands
        first = (unit - image * bands) * word(args, W.BAND)
        last = min(rows, first + word(args, W.BAND))
        start = first_row(args, first)
        top = top_row(args, start)
        if word(args, W.PADDED) != 0:
            copy_rows(args, q, image, 0, top)
        base, done = start, start  # the stripe's rows
        while first < last:
            until = min(last, first + word(args, W.STEP))
            start = first_row(args, first)
            if start > base:
                for row in range(start, done):
                    copy_bytes(stripe + (row - start) * line, stripe + (row - base) * line, line)
            base, done = start, max(start, done)
            at = stripe - (image * oh + base) * line
            behind = (until - 1) * word(args, W.STRIDE) - word(args, W.FRONT) + word(args, W.SPAN)
            behind = min(oh, behind)
            if done < behind and line > 0:
                set_word(inner, W.Y, at)
                convolve(inner, q, image, 0, done, behind, 0, top)
                done = behind
            set_word(pool, POOL_X, at)
            call_entry(word(args, W.POOL), pool, image * rows + first, image * rows + until)
            first = until


def first_row(args: int, row: int) -> int:
    """The first row of the convolution that the window of a row of the pool is over."""
    return max(0, min(word(args, W.OH), row * word(args, W.STRIDE) - word(args, W.FRONT)))


def pack(args: int, begin: int, end: int) -> None:
    """Entry: panels begin .. end of the filter, those of a group behind one another."""
    if word(args, P.TAPS) != 0:
        pack_exchanged(args, begin, end)
        return
    rows, columns, ld = word(args, P.ROWS), word(args, P.COLUMNS), word(args, P.LD) * ES
    nr = word(args, P.PANEL)
    panels = (columns + nr - 1) // nr
    for unit in range(begin, end):
        group = unit // panels
        first = (unit - group * panels) * nr
        f = word(args, P.F) + (group * word(args, P.F_GROUP) + first) * ES
        to = word(args, P.PACKED) + (group * word(args, P.PACKED_GROUP) + first * rows) * ES
        pack_rows(f, ld, to, rows, min(nr, columns - first), nr)


def pack_exchanged(args: int, begin: int, end: int) -> None:
    """Units begin .. end: a panel's rows of one tap each, which are columns of the filter."""
    taps, columns, nr = word(args, P.TAPS), word(args, P.COLUMNS), word(args, P.PANEL)
    rows = word(args, P.ROWS)
    own = rows // taps
    for unit in range(begin, end):
        panel = unit // taps
        tap = unit - panel * taps
        first = panel * nr
        live = min(nr, columns - first)
        f = word(args, P.F) + (tap * columns + first) * own * ES
        to = word(args, P.PACKED) + (first * rows + tap * own * live) * ES
        pack_transposed(f, own * ES, to, own, live, nr)


# --- where the window lies -------------------------------------------------------


def source(
    args: int, out: int, tap: int, stride: int, padding: int, dilation: int, size: int
) -> int:
    """The place along an axis that output place `out` reads through a tap; -1: none."""
    at = out * stride - padding + tap * dilation
    if word(args, W.TRANSPOSED) != 0:
        moved = out + padding - tap * dilation
        at = moved // stride if moved >= 0 else -1
        if at * stride != moved:
            at = -1
    return at if at >= 0 and at < size else -1


def top_row(args: int, first: int) -> int:
    """The first source row that an output row from `first` on may read; may be negative."""
    if word(args, W.TRANSPOSED) == 0:
        return first * word(args, W.SH) - word(args, W.PH)
    moved = first + word(args, W.PH) - (word(args, W.KH) - 1) * word(args, W.DH)
    stride = word(args, W.SH)
    return moved // stride if moved >= 0 else -((stride - 1 - moved) // stride)


def window(args: int, runs: int, plane: int, row: int, phase: int, top: int) -> int:
    """Writes the runs of the pixels of one phase of an output row; returns how many."""
    count = 0
    pixel = word(args, W.PIXEL) * ES
    padded, height, tap_rows = word(args, W.PADDED), word(args, W.H), word(args, W.TAP_ROWS)
    line = (padded if padded != 0 else word(args, W.WIDTH)) * pixel
    kh, kw, pieces = word(args, W.KH), word(args, W.KW), word(args, W.PIECES)
    transposed, left, sw = word(args, W.TRANSPOSED), word(args, W.LEFT), word(args, W.SW)
    for d in range(word(args, W.KD)):
        z = source(
            args, plane, d, word(args, W.SD), word(args, W.PD), word(args, W.DD), word(args, W.D)
        )
        if z >= 0:
            for h in range(kh):
                y = source(
                    args, row, h, word(args, W.SH), word(args, W.PH), word(args, W.DH), height
                )
                if y >= 0:
                    at = (d * word(args, W.COPIED) + y - top) * line
                    if padded == 0:
                        at = (z * height + y) * line
                    for w in range(pieces):
                        moved = phase + word(args, W.PW) - w * word(args, W.DW)
                        place = w * word(args, W.DW)
                        fits = 1
                        if transposed != 0:
                            moved += left * sw  # not negative
                            place = moved // sw
                            fits = 1 if place * sw == moved else 0
                        if fits != 0:
                            entry = runs + count * 16
                            set_word(entry, 0, at + place * pixel)
                            set_word(entry, 1, ((d * kh + h) * kw + w) * tap_rows)
                            count += 1
    return count


# --- copies ------------------------------------------------------------------------


def copy_rows(args: int, q: int, image: int, plane: int, top: int) -> None:
    """The source rows from `top` on that a band reads, each between zeros."""
    pixel, width = word(args, W.PIXEL), word(args, W.WIDTH)
    padded, rows = word(args, W.PADDED), word(args, W.COPIED)
    height, depth = word(args, W.H), word(args, W.D)
    front = min(word(args, W.LEFT), padded)
    middle = min(width, padded - front)
    x = word(args, W.X) + image * depth * height * width * pixel * ES
    base = q + word(args, W.COPY)
    for kd in range(word(args, W.KD)):
        z = source(args, plane, kd, word(args, W.SD), word(args, W.PD), word(args, W.DD), depth)
        if z >= 0:
            for r in range(rows):
                y = top + r
                if y >= 0 and y < height:
                    d = base + (kd * rows + r) * padded * pixel * ES
                    s = x + (z * height + y) * width * pixel * ES
                    clear(d, front * pixel)
                    copy(d + front * pixel * ES, s, middle * pixel)
                    clear(d + (front + middle) * pixel * ES, (padded - front - middle) * pixel)


def clear(dst: int, n: int) -> None:
    """Zeros; the last vector overlaps the one before it."""
    if n >= VL:
        i = 0
        while i < n - VL:
            store(dst + i * ES, vzero())
            i += VL
        store(dst + (n - VL) * ES, vzero())
    else:
        for i in range(n):
            store(dst + i * ES, zero())


# --- products ------------------------------------------------------------------------


def start_tiles(args: int, q: int) -> int:
    """The parameters of the tiles that are the same for all; returns the columns of a panel."""
    nv, flags = word(args, W.VECTORS), word(args, W.FLAGS)
    set_word(q, Q.K, word(args, W.RUN))
    set_word(q, Q.RUNS, q + Q.BYTES)
    set_word(q, Q.FLAGS, flags & EPILOGUE)
    set_word(q, Q.EXTRA0, word(args, W.RESIDUAL) - word(args, W.Y))
    set_word(q, Q.EXTRA1, 0)
    bounds(q, flags)
    set_word(q, Q.A_STEP, ES)
    set_word(q, Q.B_PANEL, word(args, W.F_PANEL) * ES)
    set_word(q, Q.BIAS_PANEL, nv * VL * ES if flags & BIAS != 0 else 0)
    return nv * VL


def panels(
    args: int, q: int, rows: int, a: int, c: int, first: int, columns: int, group: int
) -> None:
    """A row of tiles: the columns of a group from `first` on, whole panels and what is left."""
    nv, tiles, ldf = word(args, W.VECTORS), word(args, W.TILES), word(args, W.LDF) * ES
    nr = nv * VL
    full = columns // nr
    rem = columns - full * nr
    panel = word(args, W.F_PANEL) * ES
    b = word(args, W.F) + group * word(args, W.F_GROUP) * ES + first // nr * panel
    start, element = zeros(), 0
    if word(args, W.FLAGS) & BIAS != 0:
        start, element = word(args, W.BIAS) + (group * word(args, W.COLUMNS) + first) * ES, ES
    if full > 0:
        set_word(q, Q.B_STEP, ldf)
        call(word(tiles, nv * VECTORS_PLACE + rows), q, a, b, c, start, full)
    if rem > 0:
        rv = (rem + VL - 1) // VL
        lanes = rem - (rv - 1) * VL
        part = 1 if lanes < VL else 0
        set_word(q, Q.MASK, mask_address(lanes))
        set_word(q, Q.B_STEP, rv * VL * ES if word(args, W.PACKED) != 0 else ldf)
        tail = word(tiles, rv * VECTORS_PLACE + part * TAIL_PLACE + rows)
        ahead = full * nr * ES
        call(tail, q, a, b + full * panel, c + ahead, start + full * nr * element, 1)


def convolve(
    args: int, q: int, image: int, plane: int, first: int, last: int, slot: int, top: int
) -> None:
    """Output rows first .. last for the columns of a slot, of all groups. top: of the copied rows,
    the first."""
    pixel, width, ow = word(args, W.PIXEL), word(args, W.WIDTH), word(args, W.OW)
    height, depth, oh = word(args, W.H), word(args, W.D), word(args, W.OH)
    out, columns = word(args, W.OUT_PIXEL), word(args, W.COLUMNS)
    sw, mr, nr = word(args, W.SW), word(args, W.ROWS), start_tiles(args, q)
    runs = q + Q.BYTES
    base = q + word(args, W.COPY)
    if word(args, W.PADDED) == 0:
        base = word(args, W.X) + image * depth * height * width * pixel * ES
    # from one pixel of a tile to the next, as read and as written
    step, out_step, phases = sw, 1, 1
    if word(args, W.TRANSPOSED) != 0:
        step, out_step, phases = 1, sw, min(sw, ow)
    lines, length, flat = last - first, ow, word(args, W.FLAT)
    if flat != 0:
        lines, length = min(1, lines), lines * ow
    nt, slots = (columns + nr - 1) // nr, word(args, W.COLUMN_SLOTS)
    n0, n1 = nt * slot // slots * nr, min(columns, nt * (slot + 1) // slots * nr)
    set_word(q, Q.A_ROW, step * pixel * ES)
    set_word(q, Q.NEXT_ROW, step * pixel * ES)
    set_word(q, Q.NEXT_STEP, ES)
    set_word(q, Q.C_ROW, out_step * out * ES)
    for group in range(word(args, W.GROUPS)):
        channel = group * word(args, W.CHANNELS) * ES
        j = n0
        while j < n1:
            nc = min(word(args, W.NC), n1 - j)
            few = (nc + nr - 1) // nr  # panels, where that is too few for what is asked for ahead
            if 2 * few >= mr or flat == 0 or word(args, W.RUN) != pixel or pixel == 0:
                few = 0
            for row in range(first, first + lines):
                line = ((image * word(args, W.OD) + plane) * oh + row) * ow
                for phase in range(phases):
                    segments = window(args, runs, plane, row, phase, top)
                    set_word(q, Q.SEGMENTS, segments)
                    # of a window of one run all that comes next is new, and is asked for
                    ahead = word(runs, 0) if segments == 1 else 0
                    count = (length - phase + out_step - 1) // out_step
                    mt = (count + mr - 1) // mr
                    height_of = count // mt
                    extra = count - height_of * mt
                    for t in range(mt):
                        r0 = t * height_of + min(t, extra)
                        rows = height_of + (1 if t < extra else 0)
                        a = base + channel + r0 * step * pixel * ES
                        at = line + phase + r0 * out_step
                        cp = word(args, W.Y) + (at * out + group * columns + j) * ES
                        set_word(q, Q.NEXT, a + ahead + rows * step * pixel * ES)
                        if few > 0:  # as in gemm_nest.py: each line is asked for
                            share = rows * pixel * ES // (2 * few)
                            set_word(q, Q.NEXT, a + ahead + max(rows * pixel * ES, AHEAD))
                            set_word(q, Q.NEXT_ROW, share)
                            set_word(q, Q.NEXT_STEP, share // word(args, W.RUN))
                        panels(args, q, rows, a, cp, j, nc, group)
            j += nc
