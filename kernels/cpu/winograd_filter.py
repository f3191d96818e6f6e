"""The gradient by the filter through Winograd's transforms: products of patches and of gradients.

dF = G^T [ sum over tiles of (B^T d B) . (A dY A^T) ] G: a block of tiles is transformed, patches V
[tiles, channels] and gradients P [tiles, columns], and V^T P added up for each of the n * n
products; when all tiles have gone by, one transform makes the window of it. The blocks are those
of winograd_nest.py.

The tiles are dealt out to PARTS sums: the caller adds them up. How many there are, and the tiles of
a block, follow from the sizes alone, so that the bits of the result do. Threads beyond the parts
take columns: each of them transforms the patches anew.

Bound: fused multiply-adds; with few tiles, memory: the sums are n * n / (k * k) filters.
"""

from __future__ import annotations

from numflow.kernels import lang, tiles
from numflow.kernels.abi import WORKSPACE
from numflow.kernels.cpu import winograd_transforms
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.conv import Window
from numflow.kernels.cpu.gemm import _even, _lines
from numflow.kernels.cpu.gemm_nest import bounds
from numflow.kernels.cpu.winograd import _apart, _panel, _tiles_of, padded, takes
from numflow.kernels.cpu.winograd_nest import (
    AHEAD,
    LINE,
    TABLES,
    TARGETS,
    W,
    ask_result,
    enter,
    patch,
)
from numflow.kernels.cpu.winograd_transforms import GRADIENT, IMAGE, SUM, Transform
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import ES, VL, call, set_word, word, zero_bytes, zeros
from numflow.kernels.ir import Vectors
from numflow.kernels.tiles import ACCUMULATE, VECTORS_PLACE, Q

# W.U is written: the parts; W.Y is read: the gradient of the result. W.RESULT: of that.
PARTS = W.END
SLOTS = W.END + 1
SIZE = W.END + 2  # elements of the filter
SUMMED = W.END + 3  # address of the last transform
BYTES_U = W.END + 4  # of the sums, in scratch
END = W.END + 5

BLOCK = 48
"""The most tiles of a block: 24 read and write the sums too often, 192 leave L2 (1 to 10 %)."""


def winograd_filter(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a part of the tiles for a slot of columns."""
    q = word(args, WORKSPACE) + begin * word(args, W.SCRATCH)
    slots, parts, tiles = word(args, SLOTS), word(args, PARTS), word(args, W.TILES)
    c, oc, size = word(args, W.C), word(args, W.OC), word(args, SIZE)
    nr = word(args, W.VECTORS) * VL
    panels = max(1, oc // nr)
    blank, v, p = q + TABLES, q + word(args, W.BYTES_V), q + word(args, W.BYTES_P)
    u = q + word(args, BYTES_U)
    step = word(args, W.STEP_U) * ES
    if begin < end:
        zero_bytes(blank, max(c, oc) * ES)
    for unit in range(begin, end):
        part = unit // slots
        slot = unit - part * slots
        o = panels * slot // slots * nr
        own = (oc if slot == slots - 1 else panels * (slot + 1) // slots * nr) - o
        first, last = tiles * part // parts, tiles * (part + 1) // parts
        out = word(args, W.U) + part * size * ES
        if first == last and slot == 0:
            zero_bytes(out, size * ES)
        if first < last:
            set_word(q, Q.FLAGS, 0)
            at = first
            while at < last:
                count = min(word(args, W.BLOCK), last - at)
                enter(args, q, blank, v, at, count)
                gradients(args, q, blank, p, at, count, o, own)
                add(args, q, v, p, u, count, own)
                set_word(q, Q.FLAGS, ACCUMULATE)
                at += count
            row = word(args, W.COLUMNS) * ES
            for channel in range(c):
                to = out + (channel * oc + o) * ES
                call(word(args, SUMMED), u + channel * row, step, to, c * oc * ES, own, 0)


def gradients(
    args: int, q: int, blank: int, p: int, first: int, count: int, o: int, own: int
) -> None:
    """The gradients of tiles first .. first + count, of the columns from o on, transformed."""
    down, across, m = word(args, W.DOWN), word(args, W.ACROSS), word(args, W.M)
    height, width, oc = word(args, W.OH), word(args, W.OW), word(args, W.OC)
    row, step = word(args, W.ROW_P) * ES, word(args, W.STEP_P) * ES
    for t in range(count):
        line = (first + t) // across
        left = (first + t - line * across) * m
        image = line // down
        top = (line - image * down) * m
        dy = word(args, W.Y) + (image * height * width * oc + o) * ES
        patch(q + TARGETS, dy, top, left, height, width, oc * ES, m, blank)
        ask_result(args, word(args, W.Y), first + t + AHEAD, 0)
        call(word(args, W.RESULT), q + TARGETS, 0, p + t * row, step, own, 0)


def add(args: int, q: int, v: int, p: int, u: int, count: int, own: int) -> None:
    """Add V^T P of a block to the sums of each product."""
    c, columns, table = word(args, W.C), word(args, W.COLUMNS), word(args, W.TABLE)
    nv, mr = word(args, W.VECTORS), word(args, W.ROWS)
    nr = nv * VL
    whole = (own + VL - 1) // VL
    full = whole // nv
    rest = whole - full * nv
    mt = (c + mr - 1) // mr
    tall = c // mt
    extra = c - tall * mt
    row_v, row_p = word(args, W.ROW_V) * ES, word(args, W.ROW_P) * ES
    set_word(q, Q.K, count)
    set_word(q, Q.A_ROW, ES)
    set_word(q, Q.A_STEP, row_v)
    set_word(q, Q.B_STEP, row_p)
    set_word(q, Q.B_PANEL, nr * ES)
    set_word(q, Q.BIAS_PANEL, 0)
    set_word(q, Q.C_ROW, columns * ES)
    bounds(q, 0)
    set_word(q, Q.NEXT_ROW, LINE)
    for product in range(word(args, W.N) * word(args, W.N)):
        a = v + product * word(args, W.STEP_V) * ES
        b = p + product * word(args, W.STEP_P) * ES
        to = u + product * word(args, W.STEP_U) * ES
        for t in range(mt):
            first = t * tall + min(t, extra)
            rows = tall + (1 if t < extra else 0)
            line = to + first * columns * ES
            if t == 0:  # what the next product reads
                set_word(q, Q.NEXT, a + word(args, W.STEP_V) * ES)
                set_word(q, Q.NEXT_STEP, row_v)
            else:
                set_word(q, Q.NEXT, b + word(args, W.STEP_P) * ES)
                set_word(q, Q.NEXT_STEP, row_p)
            if full > 0:
                tile = word(table, nv * VECTORS_PLACE + rows)
                call(tile, q, a + first * ES, b, line, zeros(), full)
            if rest > 0:
                tile = word(table, rest * VECTORS_PLACE + rows)
                call(tile, q, a + first * ES, b + full * nr * ES, line + full * nr * ES, zeros(), 1)


def plan(
    s: Window, m: int = 4, dtype: str = "float32", *, parts: int = 1, threads: int = 1,
    target: Target | None = None,
) -> Call:  # fmt: skip
    """The parts of the gradient by the filter.

    Args:
      s: the sizes of the convolution; see winograd.takes.
      m: outputs of a tile along an axis.
      parts: into how many sums the tiles are dealt out; the bits of the result depend on it.
      threads: how many may share the work; speed only.

    Operands: x [batch, *image, channels], dy [batch, *result, columns], parts [parts,
    *kernel, channels, columns]; dense.

    Raises:
      ValueError: there is no plan for these sizes.
    """
    if not takes(s, m):
        raise ValueError(f"winograd: no plan with m = {m} for {s}")
    v = Vectors(dtype, target or Target.host())
    k = s.kernel[1]
    n = m + k - 1
    down, across = -(-s.result[1] // m), -(-s.result[2] // m)
    count = s.batch * down * across
    block = _even(-(-count // parts), BLOCK) or 1
    vectors = _panel(v, padded(s.columns))
    nr = vectors * v.lanes
    panels = max(1, s.columns // nr)
    slots = max(1, min(panels, -(-2 * threads // parts)))
    wide = padded(min(s.columns, -(-panels // slots) * nr + nr - 1))  # the last slot has the rest
    whole = -(-s.columns // v.lanes) * v.lanes
    rows = _even(s.channels, tiles.largest_rows(v, vectors))
    row_v, row_p = _apart(s.channels), _apart(wide)
    step_v, step_p = _apart(block * row_v), _apart(block * row_p)
    step_u = s.channels * wide + 16
    first = _lines(TABLES + v.itemsize * max(s.channels, s.columns))
    second = _lines(first + v.itemsize * n * n * step_v)
    third = _lines(second + v.itemsize * n * n * step_p)
    scratch = _lines(third + v.itemsize * n * n * step_u) + 192
    values = {
        W.H: s.image[1],
        W.WIDTH: s.image[2],
        W.C: s.channels,
        W.OH: s.result[1],
        W.OW: s.result[2],
        W.OC: s.columns,
        W.PH: s.padding[1],
        W.PW: s.padding[2],
        W.M: m,
        W.N: n,
        W.DOWN: down,
        W.ACROSS: across,
        W.TILES: count,
        W.BLOCK: block,
        W.CHUNK: 1,
        W.SCRATCH: scratch,
        W.BYTES_V: first,
        W.BYTES_P: second,
        W.ROW_V: row_v,
        W.STEP_V: step_v,
        W.ROW_P: row_p,
        W.STEP_P: step_p,
        W.COLUMNS: wide,
        W.STEP_U: step_u,
        W.ROWS: rows,
        W.VECTORS: vectors,
        W.IMAGE: winograd_transforms.address(Transform(IMAGE, m, k), v),
        W.RESULT: winograd_transforms.address(Transform(GRADIENT, m, k), v),
        W.TABLE: tiles.table(_tiles_of(v, [s.channels], whole, rows, vectors), v),
        PARTS: parts,
        SLOTS: slots,
        SIZE: s.depth * s.columns,
        SUMMED: winograd_transforms.address(Transform(SUM, m, k), v),
        BYTES_U: third,
    }
    constants = tuple(values.get(place, 0) for place in range(W.BIAS, END))
    address = lang.addresses(winograd_filter, dtype=dtype, target=v.target)["winograd_filter"]
    units = parts * slots
    return Call(address, units, 1, 3, constants, units * scratch, (0, 2, 1))
