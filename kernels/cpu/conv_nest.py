"""The loops around the register tiles of a convolution: bands of rows, padding, windows, tiles.

Written in the subset of lang.py, compiled once per element type and machine; nothing of a shape is
in the code. Read tiles.py first; conv.py plans the words that are read here.

A tile's rows are neighbouring pixels of one output row, its columns output channels. k runs over
the window: in a row of the image the window's pixels and their channels lie side by side, so it is
a few *runs*, one per row of the window (one per pixel if dilated, or of a group's channels), and
the tile adds them all up in registers. Rows of the window that are above or below the image are no
runs. Beside the image there must be zeros: if the window gets there, the rows that a unit needs are
first copied between zeros. Nothing else is copied: there is no im2col.

One unit is a band of output rows of one image (and plane), for some of the columns. Every element
is one chain of fused multiply-adds, whatever band or tile computes it.

Source: Georganas et al. 2018, "Anatomy of high-performance deep learning convolutions on SIMD
architectures".
"""

from __future__ import annotations

from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.gemm_nest import copy, low_bits
from numflow.kernels.intrinsics import (
    ES,
    VL,
    call,
    mask_address,
    set_word,
    store,
    vzero,
    word,
    zero,
    zeros,
)
from numflow.kernels.tiles import BIAS, RELU, TAIL_PLACE, VECTORS_PLACE, Q


class W:
    """Words of the argument block of a convolution. Sizes and strides in elements."""

    X = HEADER
    F = HEADER + 1
    Y = HEADER + 2
    BIAS = HEADER + 3
    D = HEADER + 4  # of the image: planes, rows, columns
    H = HEADER + 5
    WIDTH = HEADER + 6
    PIXEL = HEADER + 7  # from one pixel of the image to the next: its channels
    OD = HEADER + 8  # of the result
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
    GROUPS = HEADER + 24
    CHANNELS = HEADER + 25  # of a group, in and out
    COLUMNS = HEADER + 26
    RUN = HEADER + 27  # elements of a run
    PIECES = HEADER + 28  # runs in a row of the window
    PADDED = HEADER + 29  # pixels of a copied row; 0: rows are read where they are
    BAND = HEADER + 30  # output rows of a unit
    BANDS = HEADER + 31  # of one plane of one image
    COLUMN_SLOTS = HEADER + 32
    FLAGS = HEADER + 33
    ROWS = HEADER + 34  # of a tile
    VECTORS = HEADER + 35
    NC = HEADER + 36  # columns that go through together
    LDF = HEADER + 37  # from one row of the filter to the next
    F_PANEL = HEADER + 38  # from one panel to the next; LDF of the last panel where packed
    F_GROUP = HEADER + 39
    PACKED = HEADER + 40
    CHUNK = HEADER + 41
    SCRATCH = HEADER + 42
    COPY = HEADER + 43  # bytes of the workspace in front of the copied rows
    TILES = HEADER + 44
    END = HEADER + 45


def conv(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a band of rows for a slot of columns."""
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
        if word(args, W.PADDED) != 0 and held != band:
            copy_rows(args, q, image, plane, first, last)
            held = band
        convolve(args, q, image, plane, first, last, slot)


def copy_rows(args: int, q: int, image: int, plane: int, first: int, last: int) -> None:
    """The image's rows that output rows first .. last read, each between zeros."""
    pixel, width = word(args, W.PIXEL), word(args, W.WIDTH)
    padded, pw = word(args, W.PADDED), word(args, W.PW)
    height, depth = word(args, W.H), word(args, W.D)
    top = first * word(args, W.SH) - word(args, W.PH)
    rows = (last - 1 - first) * word(args, W.SH) + (word(args, W.KH) - 1) * word(args, W.DH) + 1
    most = (
        (word(args, W.BAND) - 1) * word(args, W.SH) + (word(args, W.KH) - 1) * word(args, W.DH) + 1
    )
    front = min(pw, padded)
    middle = min(width, padded - front)
    x = word(args, W.X) + image * depth * height * width * pixel * ES
    base = q + word(args, W.COPY)
    for kd in range(word(args, W.KD)):
        z = plane * word(args, W.SD) - word(args, W.PD) + kd * word(args, W.DD)
        if z >= 0 and z < depth:
            for r in range(rows):
                y = top + r
                if y >= 0 and y < height:
                    d = base + (kd * most + r) * padded * pixel * ES
                    clear(d, front * pixel)
                    copy(
                        d + front * pixel * ES,
                        x + (z * height + y) * width * pixel * ES,
                        middle * pixel,
                    )
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


def window(args: int, runs: int, plane: int, row: int, source_row: int, source_plane: int) -> int:
    """Writes the runs of one output row; returns how many.

    source_row, source_plane: bytes from one row and plane to the next where they are read.
    """
    count = 0
    pixel, channels = word(args, W.PIXEL), word(args, W.CHANNELS)
    kh, kw, pieces = word(args, W.KH), word(args, W.KW), word(args, W.PIECES)
    for d in range(word(args, W.KD)):
        z = plane * word(args, W.SD) - word(args, W.PD) + d * word(args, W.DD)
        if z >= 0 and z < word(args, W.D):
            for h in range(kh):
                y = row * word(args, W.SH) - word(args, W.PH) + h * word(args, W.DH)
                if y >= 0 and y < word(args, W.H):
                    for w in range(pieces):
                        at = runs + count * 16
                        offset = d * source_plane + h * word(args, W.DH) * source_row
                        set_word(at, 0, offset + w * word(args, W.DW) * pixel * ES)
                        set_word(at, 1, ((d * kh + h) * kw + w) * channels)
                        count += 1
    return count


def convolve(args: int, q: int, image: int, plane: int, first: int, last: int, slot: int) -> None:
    """Output rows first .. last for the columns of a slot, of all groups."""
    pixel, width, ow = word(args, W.PIXEL), word(args, W.WIDTH), word(args, W.OW)
    height, depth, oh = word(args, W.H), word(args, W.D), word(args, W.OH)
    out, columns = word(args, W.OUT_PIXEL), word(args, W.COLUMNS)
    padded, sw, tiles = word(args, W.PADDED), word(args, W.SW), word(args, W.TILES)
    mr, nv, flags = word(args, W.ROWS), word(args, W.VECTORS), word(args, W.FLAGS)
    packed, ldf = word(args, W.PACKED), word(args, W.LDF) * ES
    nr = nv * VL
    runs = q + Q.BYTES
    # where the rows of the image are read: copied, from the top of the band; or in place
    source_row = (padded if padded != 0 else width) * pixel * ES
    most = (
        (word(args, W.BAND) - 1) * word(args, W.SH) + (word(args, W.KH) - 1) * word(args, W.DH) + 1
    )
    source_plane = most * source_row
    if padded == 0:
        source_plane = word(args, W.DD) * height * source_row
    mt, nt = (ow + mr - 1) // mr, (columns + nr - 1) // nr
    base = ow // mt
    extra = ow - base * mt
    slots = word(args, W.COLUMN_SLOTS)
    n0, n1 = nt * slot // slots * nr, min(columns, nt * (slot + 1) // slots * nr)
    set_word(q, Q.K, word(args, W.RUN))
    set_word(q, Q.RUNS, runs)
    set_word(q, Q.FLAGS, 0)
    set_word(q, Q.LOW, low_bits(flags & RELU))
    set_word(q, Q.A_ROW, sw * pixel * ES)
    set_word(q, Q.A_STEP, ES)
    set_word(q, Q.NEXT_ROW, sw * pixel * ES)
    set_word(q, Q.NEXT_STEP, ES)
    set_word(q, Q.C_ROW, out * ES)
    set_word(q, Q.B_PANEL, word(args, W.F_PANEL) * ES)
    for group in range(word(args, W.GROUPS)):
        f = word(args, W.F) + group * word(args, W.F_GROUP) * ES
        j = n0
        while j < n1:
            nc = min(word(args, W.NC), n1 - j)
            full = nc // nr
            rem = nc - full * nr
            rv = (rem + VL - 1) // VL
            lanes = rem - (rv - 1) * VL
            part = 1 if lanes < VL else 0
            set_word(q, Q.MASK, mask_address(lanes))
            start, element = zeros(), 0
            if flags & BIAS != 0:
                start, element = word(args, W.BIAS) + (group * columns + j) * ES, ES
            set_word(q, Q.BIAS_PANEL, element * nr)
            bp = f + j // nr * word(args, W.F_PANEL) * ES
            for row in range(first, last):
                set_word(q, Q.SEGMENTS, window(args, runs, plane, row, source_row, source_plane))
                if padded != 0:
                    ap = q + word(args, W.COPY) + (row - first) * word(args, W.SH) * source_row
                else:
                    z = image * depth + plane * word(args, W.SD) - word(args, W.PD)
                    y = z * height + row * word(args, W.SH) - word(args, W.PH)
                    ap = word(args, W.X) + y * source_row
                ap += group * word(args, W.CHANNELS) * ES
                line = ((image * word(args, W.OD) + plane) * oh + row) * ow
                for t in range(mt):
                    r0 = t * base + min(t, extra)
                    rows = base + (1 if t < extra else 0)
                    a = ap + r0 * sw * pixel * ES
                    cp = word(args, W.Y) + ((line + r0) * out + group * columns + j) * ES
                    set_word(q, Q.NEXT, a)
                    set_word(q, Q.B_STEP, ldf)
                    if full > 0:
                        call(word(tiles, nv * VECTORS_PLACE + rows), q, a, bp, cp, start, full)
                    if rem > 0:
                        if packed != 0:
                            set_word(q, Q.B_STEP, rv * VL * ES)
                        at = start + full * nr * element
                        tail = word(tiles, rv * VECTORS_PLACE + part * TAIL_PLACE + rows)
                        fp = bp + full * word(args, W.F_PANEL) * ES
                        call(tail, q, a, fp, cp + full * nr * ES, at, 1)
            j += nc
