"""The gradient of a convolution by its filter where images are tiny: sums over the batch.

dW[tap, c, o] = sum over images and places of x[place moved by the tap, c] * dy[place, o]: as in
conv_filter.py, but k runs over the images, which are long, instead of over the pixels of a row,
which is short; one run for every place that the tap has in the image. For that a block of images is
copied, pixel by pixel: the same pixel of all images lies side by side. What the window sees beside
the image is not multiplied.

Bound: fused multiply-adds; of a large filter, writing it.
"""

from __future__ import annotations

import math

from numflow.kernels import lang, tiles
from numflow.kernels.abi import WORKSPACE
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.conv import SHORT, Window, tiles_of, window_words
from numflow.kernels.cpu.conv_nest import W, clear, source
from numflow.kernels.cpu.gemm import _even, _l2_bytes, _lines
from numflow.kernels.cpu.gemm_nest import bounds
from numflow.kernels.cpu.gemm_packing import copy
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import ES, VL, call, mask_address, set_word, word, zeros
from numflow.kernels.ir import Vectors
from numflow.kernels.tiles import ACCUMULATE, TAIL_PLACE, VECTORS_PLACE, Q

# W.F is written: the parts; W.Y is read: the gradient of the result.
PARTS = W.END
BATCH = W.END + 1
IMAGES = W.END + 2  # of a block
SIZE = W.END + 3  # elements of the filter
ROW_X = W.END + 4  # from one image to the next, in the copies
ROW_Y = W.END + 5
BYTES_Y = W.END + 6  # where in the workspace the second copy begins
END = W.END + 7


def filter_of_images(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a part of the images for a slot of columns."""
    q = word(args, WORKSPACE) + begin * word(args, W.SCRATCH)
    slots, parts, batch = word(args, W.COLUMN_SLOTS), word(args, PARTS), word(args, BATCH)
    columns, nr = word(args, W.COLUMNS), word(args, W.VECTORS) * VL
    nt = (columns + nr - 1) // nr
    for unit in range(begin, end):
        part = unit // slots
        slot = unit - part * slots
        o = nt * slot // slots * nr
        own = min(columns, nt * (slot + 1) // slots * nr) - o
        first, last = batch * part // parts, batch * (part + 1) // parts
        out = word(args, W.F) + part * word(args, SIZE) * ES
        if first == last and slot == 0:
            clear(out, word(args, SIZE))
        set_word(q, Q.FLAGS, 0)
        while first < last:
            count = min(word(args, IMAGES), last - first)
            gather(args, q, first, count, o, own)
            add(args, q, count, out + o * ES, own)
            set_word(q, Q.FLAGS, ACCUMULATE)
            first += count


def gather(args: int, q: int, first: int, count: int, o: int, own: int) -> None:
    """Copies of images first .. first + count of both, pixel by pixel; of dy, `own` columns."""
    pixel, out = word(args, W.PIXEL), word(args, W.OUT_PIXEL)
    pixels = word(args, W.D) * word(args, W.H) * word(args, W.WIDTH)
    places = word(args, W.OD) * word(args, W.OH) * word(args, W.OW)
    to = q + word(args, W.COPY)
    for k in range(pixels):
        x = word(args, W.X) + (first * pixels + k) * pixel * ES
        for _ in range(count):
            copy(to, x, pixel)
            to += word(args, ROW_X) * ES
            x += pixels * pixel * ES
    to = q + word(args, BYTES_Y)
    for k in range(places):
        dy = word(args, W.Y) + ((first * places + k) * out + o) * ES
        for _ in range(count):
            copy(to, dy, own)
            to += word(args, ROW_Y) * ES
            dy += places * out * ES


def places_of(args: int, runs: int, d: int, h: int, w: int, count: int) -> int:
    """Writes the runs of one tap, `count` images each; returns how many."""
    found = 0
    height, width, row = word(args, W.H), word(args, W.WIDTH), word(args, ROW_X) * ES
    oh, ow = word(args, W.OH), word(args, W.OW)
    for i in range(word(args, W.OD)):
        z = source(
            args, i, d, word(args, W.SD), word(args, W.PD), word(args, W.DD), word(args, W.D)
        )
        for j in range(oh):
            y = source(args, j, h, word(args, W.SH), word(args, W.PH), word(args, W.DH), height)
            for k in range(ow):
                x = source(args, k, w, word(args, W.SW), word(args, W.PW), word(args, W.DW), width)
                if min(z, min(y, x)) >= 0:
                    at = (z * height + y) * width + x
                    set_word(runs + found * 16, 0, at * count * row)
                    set_word(runs + found * 16, 1, ((i * oh + j) * ow + k) * count)
                    found += 1
    return found


def add(args: int, q: int, count: int, out: int, own: int) -> None:
    """Add what the copied images give to `own` columns of every tap."""
    c, oc, tiles = word(args, W.CHANNELS), word(args, W.OUT_PIXEL), word(args, W.TILES)
    mr, nv = word(args, W.ROWS), word(args, W.VECTORS)
    kh, kw = word(args, W.KH), word(args, W.KW)
    nr = nv * VL
    full = own // nr
    rem = own - full * nr
    rv = (rem + VL - 1) // VL
    lanes = rem - (rv - 1) * VL
    part = 1 if lanes < VL else 0
    mt = (c + mr - 1) // mr
    tall = c // mt
    extra = c - tall * mt
    runs, ahead = q + Q.BYTES, full * nr * ES
    x, dy = q + word(args, W.COPY), q + word(args, BYTES_Y)
    set_word(q, Q.MASK, mask_address(lanes))
    set_word(q, Q.K, count)
    set_word(q, Q.RUNS, runs)
    bounds(q, 0)
    set_word(q, Q.A_ROW, ES)
    set_word(q, Q.A_STEP, word(args, ROW_X) * ES)
    set_word(q, Q.NEXT, x)
    set_word(q, Q.NEXT_ROW, 0)
    set_word(q, Q.NEXT_STEP, 0)
    set_word(q, Q.B_STEP, word(args, ROW_Y) * ES)
    set_word(q, Q.B_PANEL, nr * ES)
    set_word(q, Q.BIAS_PANEL, 0)
    set_word(q, Q.C_ROW, oc * ES)
    for tap in range(word(args, W.KD) * kh * kw):
        line = tap // kw
        d = line // kh
        set_word(q, Q.SEGMENTS, places_of(args, runs, d, line - d * kh, tap - line * kw, count))
        for t in range(mt):
            m = t * tall + min(t, extra)
            rows = tall + (1 if t < extra else 0)
            to = out + (tap * c + m) * oc * ES
            if full > 0:
                tile = word(tiles, nv * VECTORS_PLACE + rows)
                call(tile, q, x + m * ES, dy, to, zeros(), full)
            if rem > 0:
                tile = word(tiles, rv * VECTORS_PLACE + part * TAIL_PLACE + rows)
                call(tile, q, x + m * ES, dy + ahead, to + ahead, zeros(), 1)


def takes(s: Window, parts: int) -> bool:
    """Whether sums run over images: rows of the result are short, parts of the batch long."""
    return s.groups == 1 and 0 < s.result[2] <= SHORT and s.batch >= 8 * parts and s.channels > 0


def plan(
    s: Window,
    dtype: str = "float32",
    *,
    parts: int = 1,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """The parts of the gradient by the filter: see conv_filter.plan, and `takes`."""
    v = Vectors(dtype, target or Target.host())
    vectors = min(2, max(1, -(-s.columns // v.lanes)))
    rows = _even(s.channels, tiles.largest_rows(v, vectors))
    panels = -(-s.columns // (vectors * v.lanes))
    slots = max(1, min(panels, -(-2 * threads // parts)))
    own = min(s.columns, -(-panels // slots) * vectors * v.lanes)
    row_x, row_y = (_apart(n, v) for n in (s.channels, own))
    pixels, places = math.prod(s.image), math.prod(s.result)
    one = (pixels * row_x + places * row_y) * v.itemsize
    block = _even(-(-s.batch // parts), max(8, _l2_bytes() // 2 // one))
    head = _lines(Q.BYTES + 16 * places)
    second = head + block * pixels * row_x * v.itemsize
    scratch = second + block * places * row_y * v.itemsize + 192
    size = s.depth * s.columns
    units = parts * slots if size else 0
    values = {
        **window_words(s),
        W.PIXEL: s.channels,
        W.OUT_PIXEL: s.columns,
        W.CHANNELS: s.channels,
        W.COLUMNS: s.columns,
        W.COLUMN_SLOTS: slots,
        W.ROWS: rows,
        W.VECTORS: vectors,
        W.SCRATCH: scratch,
        W.COPY: head,
        W.TILES: tiles.table(tiles_of(v, [s.channels], s.columns, rows, vectors), v)
        if units
        else 0,
        PARTS: parts,
        BATCH: s.batch,
        IMAGES: block,
        SIZE: size,
        ROW_X: row_x,
        ROW_Y: row_y,
        BYTES_Y: second,
    }
    constants = tuple(values.get(place, 0) for place in range(W.BIAS, END))
    address = lang.addresses(filter_of_images, dtype=v.dtype, target=v.target)["filter_of_images"]
    return Call(address, units, 1, 3, constants, units * scratch, (0, 2, 1))


def _apart(elements: int, v: Vectors) -> int:
    """A distance of an odd number of cache lines: neighbours never share their place in a cache."""
    line = 64 // v.itemsize
    lines = -(-elements // line)
    return (lines + 1 - lines % 2) * line
