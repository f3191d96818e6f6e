"""Convolutions that give few channels: a product per pixel, spread over the window and added up.

The direct convolution has output channels in the lanes of its vectors: with three of them, 13 of 16
lanes multiply for nothing. Here every pixel that is read is multiplied by the whole filter, as a
row of a matrix, [pixels, channels] @ [channels, places of the window * columns], and the product is
added to the window's places in the result. So channels and places share the lanes.

    p_pack = plan_pack(...)                       # once per filter
    p = plan(Window(...), bias=True, threads=2)   # sizes as of conv.plan_transposed

It is the gradient by the image, of any strides; a convolution of stride 1 is one too, of a window
that is turned round. Rows of the result are summed up in scratch memory, a ring of as many as a row
of pixels reaches, and written once. Every element is added to in the order of the rows read, and in
them of the window's places: the bits do not depend on how the work is cut.

Bound: fused multiply-adds; a product of a row is [width, channels] @ [channels, 147] for 7 x 7 x 3.
"""

from __future__ import annotations

from numflow.kernels import lang, tiles
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.conv import Window
from numflow.kernels.cpu.gemm import _even, _lines
from numflow.kernels.cpu.gemm_nest import bounds
from numflow.kernels.cpu.gemm_packing import copy, pack_transposed
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    ES,
    VB,
    VL,
    call,
    first_lanes,
    larger,
    load,
    set_word,
    smaller,
    splat,
    store,
    vload,
    vload_masked,
    vstore_masked,
    word,
    zero_bytes,
    zeros,
)
from numflow.kernels.ir import Vectors
from numflow.kernels.tiles import ACTIVATIONS, VECTORS_PLACE, Q, Tile

PRODUCT_BYTES = 1 << 14
"""What products of a block of pixels take: they are spread before they leave L1."""
MOST_COLUMNS = 8
"""Channels of the result up to which this is worth while: half of a vector."""


class S:
    """Words of the argument block. Sizes and strides in elements."""

    X = HEADER
    F = HEADER + 1  # packed
    Y = HEADER + 2
    BIAS = HEADER + 3
    H = HEADER + 4  # of X
    WIDTH = HEADER + 5
    DEPTH = HEADER + 6  # its channels
    OH = HEADER + 7  # of Y
    OW = HEADER + 8
    C = HEADER + 9
    KH = HEADER + 10
    KW = HEADER + 11
    SH = HEADER + 12
    SW = HEADER + 13
    PH = HEADER + 14
    PW = HEADER + 15
    BANDS = HEADER + 16  # of rows of an image's result
    COLUMNS = HEADER + 17  # of the product
    ROW_P = HEADER + 18  # from one pixel to the next, in the product
    ROW_SUMS = HEADER + 19  # from one row of sums to the next
    RING = HEADER + 20  # rows of sums
    ROWS = HEADER + 21  # of a tile
    VECTORS = HEADER + 22
    FLAGS = HEADER + 23
    CHUNK = HEADER + 24
    SCRATCH = HEADER + 25
    BYTES_SUMS = HEADER + 26  # where the sums begin in the workspace
    BYTES_P = HEADER + 27
    TILES = HEADER + 28
    BLOCK = HEADER + 29  # pixels that are multiplied, and spread, at a time
    RESIDUAL = HEADER + 30
    END = HEADER + 31


class P:
    """Words of the argument block of `pack_spread`."""

    F = HEADER
    PACKED = HEADER + 1
    DEPTH = HEADER + 2
    COLUMNS = HEADER + 3  # of the product
    PANEL = HEADER + 4
    C = HEADER + 5  # columns of a place; 0: F is [COLUMNS, DEPTH], no place is turned round
    END = HEADER + 6


def pack_spread(args: int, begin: int, end: int) -> None:
    """Entry: panels begin .. end of the filter as a matrix."""
    depth, columns, nr = word(args, P.DEPTH), word(args, P.COLUMNS), word(args, P.PANEL)
    c, f = word(args, P.C), word(args, P.F)
    for panel in range(begin, end):
        first = panel * nr
        live = min(nr, columns - first)
        to = word(args, P.PACKED) + first * depth * ES
        wide = (live + VL - 1) // VL * VL
        if c == 0:
            pack_transposed(f + first * depth * ES, depth * ES, to, depth, live, nr)
        else:  # F is [places, DEPTH, C]
            places = columns // c
            zero_bytes(to, depth * wide * ES)
            for j in range(live):
                place = (first + j) // c
                column = first + j - place * c
                source = f + ((places - 1 - place) * depth * c + column) * ES
                for k in range(depth):
                    store(to + (k * wide + j) * ES, load(source + k * c * ES))


def conv_spread(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a band of rows of an image's result."""
    q = word(args, WORKSPACE) + begin // word(args, S.CHUNK) * word(args, S.SCRATCH)
    bands, oh = word(args, S.BANDS), word(args, S.OH)
    bounds(q, word(args, S.FLAGS))
    begin_row(args, q)
    for unit in range(begin, end):
        image = unit // bands
        band = unit - image * bands
        spread(args, q, image, oh * band // bands, oh * (band + 1) // bands)


def begin_row(args: int, q: int) -> None:
    """What a row of sums begins with: the bias of every pixel, or zeros; behind the ring."""
    c, size = word(args, S.C), word(args, S.ROW_SUMS)
    row = q + word(args, S.BYTES_SUMS) + word(args, S.RING) * size * ES
    bias = word(args, S.BIAS)
    if bias == 0:
        zero_bytes(row, size * ES)
    else:
        for at in range(0, size - c + 1, c):
            for j in range(c):
                store(row + (at + j) * ES, load(bias + j * ES))


def spread(args: int, q: int, image: int, first: int, last: int) -> None:
    """Rows first .. last of the result of an image."""
    height, sh, ph, kh = word(args, S.H), word(args, S.SH), word(args, S.PH), word(args, S.KH)
    ring, size = word(args, S.RING), word(args, S.ROW_SUMS) * ES
    sums = q + word(args, S.BYTES_SUMS)
    done, opened = first, first  # rows in front are written, rows behind are not begun
    low = first + ph - kh + 1
    source = max(0, (low + sh - 1) // sh)
    while source < height and source * sh - ph < last:
        top = source * sh - ph
        while done < min(last, top):  # no row from here on reaches them
            if opened <= done:
                copy(sums + done % ring * size, sums + ring * size, word(args, S.ROW_SUMS))
                opened = done + 1
            finish(args, q, image, done)
            done += 1
        while opened < min(last, top + kh):
            copy(sums + opened % ring * size, sums + ring * size, word(args, S.ROW_SUMS))
            opened += 1
        block, width = word(args, S.BLOCK), word(args, S.WIDTH)
        for m in range(0, width, block):
            count = min(block, width - m)
            multiply(args, q, image, source, m, count)
            add(args, q, top, max(0, first - top), min(kh, last - top), m, count)
        source += 1
    while done < last:
        if opened <= done:
            copy(sums + done % ring * size, sums + ring * size, word(args, S.ROW_SUMS))
            opened = done + 1
        finish(args, q, image, done)
        done += 1


def multiply(args: int, q: int, image: int, source: int, first: int, count: int) -> None:
    """The products of `count` pixels of a row from `first` on."""
    width, depth, columns = word(args, S.WIDTH), word(args, S.DEPTH), word(args, S.COLUMNS)
    mr, nv, table = word(args, S.ROWS), word(args, S.VECTORS), word(args, S.TILES)
    nr, row_p = nv * VL, word(args, S.ROW_P) * ES
    full = columns // nr
    rv = (columns - full * nr + VL - 1) // VL
    row = depth * ES
    x = word(args, S.X) + ((image * word(args, S.H) + source) * width + first) * row
    set_word(q, Q.K, depth)
    set_word(q, Q.FLAGS, 0)
    set_word(q, Q.A_ROW, row)
    set_word(q, Q.A_STEP, ES)
    set_word(q, Q.B_PANEL, depth * nr * ES)
    set_word(q, Q.BIAS_PANEL, 0)
    set_word(q, Q.C_ROW, row_p)
    set_word(q, Q.NEXT_ROW, row)
    set_word(q, Q.NEXT_STEP, ES)
    f, p = word(args, S.F), q + word(args, S.BYTES_P)
    low, high = word(q, Q.LOW), word(q, Q.HIGH)
    bounds(q, 0)
    mt = (count + mr - 1) // mr
    tall = count // mt
    extra = count - mt * tall
    for t in range(mt):
        m = t * tall + min(t, extra)
        rows = tall + (1 if t < extra else 0)
        a = x + m * row
        set_word(q, Q.NEXT, a + rows * row)
        if full > 0:
            set_word(q, Q.B_STEP, nr * ES)
            call(word(table, nv * VECTORS_PLACE + rows), q, a, f, p + m * row_p, zeros(), full)
        if rv > 0:  # whole vectors: their rest, in the panel and in the product, is there
            set_word(q, Q.B_STEP, rv * VB)
            tail = word(table, rv * VECTORS_PLACE + rows)
            b, to = f + full * depth * nr * ES, p + m * row_p + full * nr * ES
            call(tail, q, a, b, to, zeros(), 1)
    set_word(q, Q.LOW, low)
    set_word(q, Q.HIGH, high)


def add(args: int, q: int, top: int, first: int, last: int, pixel: int, count: int) -> None:
    """Rows first .. last of the window of `count` pixels from `pixel` on, added to the sums.

    Neighbours overlap, and a vector that has just been stored in two parts is slow to be loaded:
    so every few pixels are taken, and those between them later.
    """
    c, sw = word(args, S.C), word(args, S.SW)
    across = word(args, S.KW) * c
    step = (word(args, S.KW) + sw - 1) // sw
    row_p, ring, size = word(args, S.ROW_P) * ES, word(args, S.RING), word(args, S.ROW_SUMS) * ES
    sums, p = q + word(args, S.BYTES_SUMS), q + word(args, S.BYTES_P)
    whole = across // VL * VL
    mask = first_lanes(across - whole)
    end = sums + ring * size
    start = sums + (top + first) % ring * size
    for begin in range(step):
        at = p + begin * row_p + first * across * ES
        offset = (pixel + begin) * sw * c * ES
        for _ in range(begin, count, step):
            row, source = start, at
            for _h in range(first, last):
                to = row + offset
                for j in range(0, whole * ES, VB):
                    store(to + j, vload(to + j) + vload(source + j))
                if whole < across:
                    j = whole * ES
                    more = vload_masked(to + j, mask) + vload_masked(source + j, mask)
                    vstore_masked(to + j, more, mask)
                source += across * ES
                row = row + size if row + size < end else sums
            at += step * row_p
            offset += step * sw * c * ES


def finish(args: int, q: int, image: int, row: int) -> None:
    """Write a row of sums to the result: residual, activation."""
    c, n = word(args, S.C), word(args, S.OW) * word(args, S.C)
    ring, size = word(args, S.RING), word(args, S.ROW_SUMS) * ES
    sums = q + word(args, S.BYTES_SUMS) + row % ring * size + word(args, S.PW) * c * ES
    at = (image * word(args, S.OH) + row) * n * ES
    y, residual = word(args, S.Y) + at, word(args, S.RESIDUAL)
    low, high = splat(load(q + Q.LOW * 8)), splat(load(q + Q.HIGH * 8))
    whole = n // VL * VL * ES
    mask = first_lanes(n - whole // ES)
    for j in range(0, whole, VB):
        x = vload(sums + j)
        if residual != 0:
            x = x + vload(residual + at + j)
        store(y + j, smaller(high, larger(low, x)))
    if whole < n * ES:
        x = vload_masked(sums + whole, mask)
        if residual != 0:
            x = x + vload_masked(residual + at + whole, mask)
        vstore_masked(y + whole, smaller(high, larger(low, x)), mask)


# --- plans -------------------------------------------------------------------------------


def packed_size(depth: int, columns: int) -> int:
    """Elements of the packed filter: its last panel has whole vectors, of any machine."""
    return depth * (-(-columns // 16) * 16)


def _panel(v: Vectors, columns: int) -> int:
    return min(2, max(1, -(-columns // v.lanes)))


def plan_pack(
    places: int, depth: int, columns: int, turned: bool, dtype: str = "float32",
    target: Target | None = None,
) -> Call:  # fmt: skip
    """The filter as `plan` takes it.

    Args:
      places: of the window.
      depth: channels that are read.
      columns: of the result.
      turned: f is that of a convolution of stride 1, [places, depth, columns], and the window is
        turned round; else f is [places, columns, depth], of a convolution whose gradient by the
        image is wanted.

    Operands: f, the panels [packed_size(depth, places * columns)]; dense.
    """
    v = Vectors(dtype, target or Target.host())
    wide = places * columns
    panel = _panel(v, wide) * v.lanes
    constants = (depth, wide, panel, columns if turned else 0)
    address = lang.addresses(pack_spread, dtype=v.dtype, target=v.target)["pack_spread"]
    return Call(address, -(-wide // panel) if depth else 0, 1, 2, constants)


def takes(s: Window) -> bool:
    """Whether there is a plan: images of two axes, no dilation, no groups."""
    return (
        s.image[0] == s.kernel[0] == s.result[0] == 1
        and s.padding[0] == 0
        and s.dilations == (1, 1, 1)
        and s.groups == 1
    )


def plan(
    s: Window,
    dtype: str = "float32",
    *,
    bias: bool = False,
    residual: bool = False,
    activation: str = "",
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """dx, of the convolution with the sizes s, from dy and the packed filter.

    Args, as of conv.plan_transposed. Operands: dy [batch, *result, columns], the panels of
    `plan_pack`, dx [batch, *image, channels], bias [channels] and residual if there are; dense.

    Raises:
      ValueError: there is no plan for these sizes.
    """
    if not takes(s):
        raise ValueError(f"conv_spread: no plan for {s}")
    v = Vectors(dtype, target or Target.host())
    _, height, width = s.result
    _, oh, ow = s.image
    (_, kh, kw), (_, sh, sw), (_, ph, pw) = s.kernel, s.strides, s.padding
    c, depth = s.channels, s.columns
    columns = kh * kw * c
    row_p = -(-columns // 16) * 16
    vectors = _panel(v, columns)
    most = tiles.largest_rows(v, vectors)
    block = _even(width, max(most, PRODUCT_BYTES // (row_p * v.itemsize) // most * most)) or 1
    rows = _even(block, most)
    ring = kh + sh
    reach = max((width - 1) * sw + kw, pw + ow)
    row_sums = -(-reach * c // 16) * 16
    head = _lines(Q.BYTES)
    product = head + (ring + 1) * row_sums * v.itemsize
    scratch = _lines(product + block * row_p * v.itemsize) + 192
    # a band's first rows are of products that the band before has made, too
    bands = max(1, min(oh // max(1, 4 * kh), -(-2 * threads // max(1, s.batch))))
    units = s.batch * bands if c and oh and ow else 0
    chunk = max(1, units // (4 * threads))
    table = 0
    if units and width:
        table = tiles.table(
            _tiles_of(v, [block, width % block or block], columns, vectors, rows), v
        )
    values = {
        S.H: height if width else 0,
        S.WIDTH: width,
        S.DEPTH: depth,
        S.OH: oh,
        S.OW: ow,
        S.C: c,
        S.KH: kh,
        S.KW: kw,
        S.SH: sh,
        S.SW: sw,
        S.PH: ph,
        S.PW: pw,
        S.BANDS: bands,
        S.COLUMNS: columns,
        S.ROW_P: row_p,
        S.ROW_SUMS: row_sums,
        S.RING: ring,
        S.ROWS: rows,
        S.VECTORS: vectors,
        S.FLAGS: ACTIVATIONS[activation],
        S.CHUNK: chunk,
        S.SCRATCH: scratch,
        S.BYTES_SUMS: head,
        S.BYTES_P: product,
        S.TILES: table,
        S.BLOCK: block,
    }
    constants = tuple(values.get(place, 0) for place in range(S.H, S.END))
    address = lang.addresses(conv_spread, dtype=v.dtype, target=v.target)["conv_spread"]
    workspace = -(-units // chunk) * scratch
    places = [S.X, S.F, S.Y, *[S.BIAS] * bias, *[S.RESIDUAL] * residual]
    positions = tuple(place - HEADER for place in places)
    without = () if bias else (0,)
    rest = constants[:-1] if residual else constants
    return Call(address, units, chunk, len(places), (*without, *rest), workspace, positions)


def _tiles_of(v: Vectors, counts: list[int], columns: int, vectors: int, rows: int) -> list[Tile]:
    """Every tile that is called for blocks of these numbers of pixels."""
    heights = set()
    for count in counts:
        parts = -(-count // rows)
        heights |= {count // parts, -(-count // parts)}
    full, rest = divmod(-(-columns // v.lanes), vectors)
    widths = [vectors] * (full > 0) + [rest] * (rest > 0)
    return [Tile(h, n, False) for h in sorted(heights) for n in widths]
