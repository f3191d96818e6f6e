"""Convolutions of tiny images: the register tiles' rows run over the batch instead of over a row.

An image of 2 x 2 pixels would fill two rows of a tile of 12. Here one place of the result is taken
at a time: a tile's rows are the same pixel of neighbouring images, and the runs of k are the taps
that this pixel has in the image, a pixel's channels each. Nothing is padded, and what the window
sees beside the image is not multiplied: 20 of 36 taps of 3 x 3 on 2 x 2 pixels.

One unit is a block of images for some of the columns; of the filter, a block of columns stays in
L2 while all places go by. Written in the subset of lang.py, like conv_nest.py, whose words are
read, and whose sums are made in the same order.

Bound: fused multiply-adds, and reading the filter once.
"""

from __future__ import annotations

from numflow.kernels.abi import WORKSPACE
from numflow.kernels.cpu.conv_nest import W, panels, source, start_tiles
from numflow.kernels.cpu.gemm_packing import copy
from numflow.kernels.intrinsics import ES, set_word, word
from numflow.kernels.tiles import Q

BATCH = W.END
IMAGES = W.END + 1  # of a block
ROW = W.END + 2  # from one image to the next, as read: in X, or in the copy of a block
COPIES = W.END + 3  # whether a block is copied, since images in X lie too many bytes apart
END = W.END + 4


def conv_images(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a block of images for a slot of columns."""
    q = word(args, WORKSPACE) + begin // word(args, W.CHUNK) * word(args, W.SCRATCH)
    slots, block, batch = word(args, W.COLUMN_SLOTS), word(args, IMAGES), word(args, BATCH)
    size = word(args, W.D) * word(args, W.H) * word(args, W.WIDTH) * word(args, W.PIXEL)
    row = word(args, ROW) * ES
    held = -1  # the block that is copied
    for unit in range(begin, end):
        at = unit // slots
        slot = unit - at * slots
        first = at * block
        count = min(block, batch - first)
        base = word(args, W.X) + first * size * ES
        if word(args, COPIES) != 0:
            if held != at:
                for image in range(count):
                    to = q + word(args, W.COPY) + image * row
                    copy(to, base + image * size * ES, size)
                held = at
            base = q + word(args, W.COPY)
        multiply(args, q, base, first, count, slot)


def taps(args: int, runs: int, plane: int, row: int, column: int) -> int:
    """Writes the runs of one place of the result; returns how many."""
    count = 0
    height, width, pixel = word(args, W.H), word(args, W.WIDTH), word(args, W.PIXEL) * ES
    kh, kw, tap_rows = word(args, W.KH), word(args, W.KW), word(args, W.TAP_ROWS)
    for d in range(word(args, W.KD)):
        z = source(
            args, plane, d, word(args, W.SD), word(args, W.PD), word(args, W.DD), word(args, W.D)
        )
        for h in range(kh):
            y = source(args, row, h, word(args, W.SH), word(args, W.PH), word(args, W.DH), height)
            for w in range(kw):
                x = source(
                    args, column, w, word(args, W.SW), word(args, W.PW), word(args, W.DW), width
                )
                if min(z, min(y, x)) >= 0:
                    set_word(runs + count * 16, 0, ((z * height + y) * width + x) * pixel)
                    set_word(runs + count * 16, 1, ((d * kh + h) * kw + w) * tap_rows)
                    count += 1
    return count


def multiply(args: int, q: int, base: int, first: int, count: int, slot: int) -> None:
    """`count` images from `first` on, for the columns of a slot."""
    out, columns, ldf = word(args, W.OUT_PIXEL), word(args, W.COLUMNS), word(args, ROW) * ES
    od, oh, ow = word(args, W.OD), word(args, W.OH), word(args, W.OW)
    mr, nr = word(args, W.ROWS), start_tiles(args, q)
    runs = q + Q.BYTES
    size = od * oh * ow * out * ES
    y = word(args, W.Y) + first * size
    set_word(q, Q.A_ROW, ldf)
    set_word(q, Q.NEXT_ROW, 0)
    set_word(q, Q.NEXT_STEP, 0)
    set_word(q, Q.C_ROW, size)
    nt, slots = (columns + nr - 1) // nr, word(args, W.COLUMN_SLOTS)
    mt = (count + mr - 1) // mr
    tall = count // mt
    extra = count - tall * mt
    j, n1 = nt * slot // slots * nr, min(columns, nt * (slot + 1) // slots * nr)
    while j < n1:
        nc = min(word(args, W.NC), n1 - j)
        for place in range(od * oh * ow):
            line = place // ow
            plane = line // oh
            set_word(q, Q.SEGMENTS, taps(args, runs, plane, line - plane * oh, place - line * ow))
            for t in range(mt):
                m = t * tall + min(t, extra)
                rows = tall + (1 if t < extra else 0)
                a = base + m * ldf
                set_word(q, Q.NEXT, a)
                panels(args, q, rows, a, y + m * size + (place * out + j) * ES, j, nc, 0)
        j += nc
