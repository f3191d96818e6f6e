"""The loops of Winograd's convolution: blocks of tiles, transformed, multiplied, transformed back.

Written in the subset of lang.py, compiled once per element type and machine; nothing of a shape is
in the code. Read winograd_transforms.py for the transforms (called through their addresses),
tiles.py for the products; winograd.py plans the words that are read here.

One unit is a block of tiles, numbered through images, rows and columns. Each of the n * n pixels of
a tile's patch becomes a row of its product's matrix V [tiles, channels]; V times U, the transformed
filter [channels, columns], gives the rows that the tile's outputs are made of. V and the products
of a block lie in scratch memory and stay in a cache. Where a patch reaches beside the image its
pixels are read from a row of zeros, where a tile reaches beyond the result its outputs go to a row
that nobody reads: both are a matter of the tables of addresses that the transforms go by, so sizes
need not be multiples of anything.

Every output is made of the same sums whatever block it is in: the bits do not depend on the cut.

Source: Lavin & Gray 2015 (arXiv:1509.09308); blocks of tiles: Jia et al. 2018, "Optimizing
N-dimensional, Winograd-based convolution for manycore CPUs".
"""

from __future__ import annotations

from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.gemm_nest import bounds, high_bits, low_bits
from numflow.kernels.cpu.gemm_packing import transpose
from numflow.kernels.cpu.pool_behind import POOL_X, enter_block
from numflow.kernels.intrinsics import (
    ES,
    VL,
    call,
    call_entry,
    copy_bytes,
    prefetch,
    prefetch_to_write,
    set_word,
    word,
    zero_bytes,
    zeros,
)
from numflow.kernels.tiles import RELU, UP_TO_SIX, VECTORS_PLACE, Q


class W:
    """Words of the argument block. Sizes and strides in elements."""

    X = HEADER
    U = HEADER + 1  # the transformed filter; of a gradient by it, what is written
    Y = HEADER + 2  # of a gradient by the filter, that of the result
    BIAS = HEADER + 3
    H = HEADER + 4  # of X
    WIDTH = HEADER + 5
    C = HEADER + 6
    OH = HEADER + 7  # of Y
    OW = HEADER + 8
    OC = HEADER + 9
    PH = HEADER + 10  # zeros in front
    PW = HEADER + 11
    M = HEADER + 12  # outputs of a tile along an axis
    N = HEADER + 13  # products of a tile along an axis
    DOWN = HEADER + 14  # tiles of an image along its rows
    ACROSS = HEADER + 15
    TILES = HEADER + 16  # of all images
    BLOCK = HEADER + 17  # tiles of a block
    CHUNK = HEADER + 18
    SCRATCH = HEADER + 19
    BYTES_V = HEADER + 20  # of V, of the products: where the next begins
    BYTES_P = HEADER + 21
    ROW_V = HEADER + 22  # from one tile to the next, in V
    STEP_V = HEADER + 23  # from one product to the next
    ROW_P = HEADER + 24
    STEP_P = HEADER + 25
    COLUMNS = HEADER + 26  # of U: OC in whole vectors
    STEP_U = HEADER + 27
    ROWS = HEADER + 28  # of a register tile
    VECTORS = HEADER + 29
    FLAGS = HEADER + 30
    IMAGE = HEADER + 31  # addresses of the transforms
    RESULT = HEADER + 32
    TABLE = HEADER + 33
    RESIDUAL = HEADER + 34  # added to Y, and lies as it does; 0: none
    POOL = HEADER + 35  # entry of the pool behind it, whose result is then Y; 0: none
    PLACES = HEADER + 36  # its second result
    POOLED = HEADER + 37  # its rows of an image
    IMAGES = HEADER + 38  # of a unit; 0: parts of one image
    LINES = HEADER + 39  # of tiles, of a part
    PARTS = HEADER + 40  # of an image
    PART = HEADER + 41  # rows of the pool that a part makes
    BATCH = HEADER + 42
    STRIPE = HEADER + 43  # bytes of the workspace in front of the rows that it reads
    BLOCKS = HEADER + 44  # and of the blocks of convolution and pool
    END = HEADER + 45  # where the words of the pool begin


class F:
    """Words of the argument block of `transform_filter`. Sizes in elements."""

    F = HEADER
    U = HEADER + 1
    C = HEADER + 2
    OC = HEADER + 3
    COLUMNS = HEADER + 4
    PANEL = HEADER + 5
    STEP = HEADER + 6  # from one product to the next
    TAPS = HEADER + 7
    BACK = HEADER + 8  # F is [taps, OC, C], and its taps are counted from the last
    TRANSFORM = HEADER + 9
    CHUNK = HEADER + 10
    SCRATCH = HEADER + 11
    END = HEADER + 12


GROUP = 16
"""Channels of the filter that are transformed together; there are as many at least."""
AHEAD = 2
"""Tiles between the one that is transformed and the one whose pixels are asked for."""
LINE = 64
"""Bytes of a cache line."""
TABLES = 1024
"""Bytes of scratch before the row of zeros: parameters of the register tiles, tables of rows."""
SOURCES = Q.BYTES
TARGETS = SOURCES + 49 * 8
EPILOGUE = TARGETS + 25 * 8
AROUND = EPILOGUE + 4 * 8


def transform_filter(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a group of channels for a panel of every product."""
    q = word(args, WORKSPACE) + begin // word(args, F.CHUNK) * word(args, F.SCRATCH)
    c, oc, columns = word(args, F.C), word(args, F.OC), word(args, F.COLUMNS)
    nr, transform = word(args, F.PANEL), word(args, F.TRANSFORM)
    taps, back, step = word(args, F.TAPS), word(args, F.BACK), word(args, F.STEP) * ES
    groups = (c + GROUP - 1) // GROUP
    for unit in range(begin, end):
        panel = unit // groups
        channel = min((unit - panel * groups) * GROUP, c - GROUP)  # the last group overlaps
        j = panel * nr
        wide = min(nr, columns - j)
        live = max(0, min(wide, oc - j))
        source = word(args, F.F) + (channel * oc + j) * ES
        row, tap = oc * ES, c * oc * ES
        if back != 0:
            f = word(args, F.F) + (j * c + channel) * ES
            for t in range(taps):
                for o in range(0, live, VL):
                    target = q + ((taps - 1 - t) * GROUP * nr + o) * ES
                    transpose(f + (t * oc + o) * c * ES, c * ES, live - o, target, nr * ES, GROUP)
            source, row, tap = q, nr * ES, GROUP * nr * ES
        to = word(args, F.U) + (j * c + channel * wide) * ES
        for k in range(GROUP):
            call(transform, source + k * row, tap, to + k * wide * ES, step, live, wide * ES)


def winograd(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a block of tiles."""
    if word(args, W.POOL) != 0:
        pooled(args, begin, end)
        return
    q = word(args, WORKSPACE) + begin // word(args, W.CHUNK) * word(args, W.SCRATCH)
    blank = q + TABLES
    dump = blank + word(args, W.C) * ES
    v = q + word(args, W.BYTES_V)
    p = q + word(args, W.BYTES_P)
    if begin < end:
        zero_bytes(blank, word(args, W.C) * ES)
    for unit in range(begin, end):
        first = unit * word(args, W.BLOCK)
        count = min(word(args, W.BLOCK), word(args, W.TILES) - first)
        enter(args, q, blank, v, first, count)
        for t in range(min(AHEAD, count)):
            ask_result(args, word(args, W.Y), first + t, 1)
        multiply(args, q, v, p, count)
        leave(args, q, dump, p, first, count)


def pooled(args: int, begin: int, end: int) -> None:
    """Units begin .. end: the tiles of some images, or of some rows of one, block by block, then
    the rows of the pool behind them."""
    q = word(args, WORKSPACE) + begin // word(args, W.CHUNK) * word(args, W.SCRATCH)
    blank, v, p = q + TABLES, q + word(args, W.BYTES_V), q + word(args, W.BYTES_P)
    dump = blank + word(args, W.C) * ES
    stripe, inner = q + word(args, W.STRIPE), q + word(args, W.BLOCKS)
    pool = inner + W.END * 8
    copy_bytes(inner, args, W.END * 8)
    enter_block(args, W.END, pool, word(args, W.Y), word(args, W.PLACES))
    zero_bytes(blank, word(args, W.C) * ES)
    images, parts, lines = word(args, W.IMAGES), word(args, W.PARTS), word(args, W.LINES)
    down, across, rows = word(args, W.DOWN), word(args, W.ACROSS), word(args, W.POOLED)
    row = word(args, W.OW) * word(args, W.OC) * ES
    for unit in range(begin, end):
        image, part, height = unit * images, 0, down * images
        first, last = image * rows, min(word(args, W.BATCH), image + images) * rows
        if images == 0:
            image = unit // parts
            part = unit - image * parts
            height = min(lines, down - part * lines)
            first = image * rows + min(rows, part * word(args, W.PART))
            last = image * rows + rows
            if part < parts - 1:
                last = min(last, first + word(args, W.PART))
        tile = (image * down + part * lines) * across
        behind = min(word(args, W.TILES), tile + height * across)
        at = stripe - (image * word(args, W.OH) + part * lines * word(args, W.M)) * row
        set_word(inner, W.Y, at)
        while tile < behind and first < last:
            count = min(word(args, W.BLOCK), behind - tile)
            enter(inner, q, blank, v, tile, count)
            multiply(inner, q, v, p, count)
            leave(inner, q, dump, p, tile, count)
            tile += count
        set_word(pool, POOL_X, at)
        call_entry(word(args, W.POOL), pool, first, last)


def enter(args: int, q: int, blank: int, v: int, first: int, count: int) -> None:
    """The patches of tiles first .. first + count, transformed, into V."""
    down, across, m = word(args, W.DOWN), word(args, W.ACROSS), word(args, W.M)
    height, width, c = word(args, W.H), word(args, W.WIDTH), word(args, W.C)
    row, step = word(args, W.ROW_V) * ES, word(args, W.STEP_V) * ES
    for t in range(count):
        line = (first + t) // across
        left = (first + t - line * across) * m - word(args, W.PW)
        image = line // down
        top = (line - image * down) * m - word(args, W.PH)
        x = word(args, W.X) + image * height * width * c * ES
        patch(q + SOURCES, x, top, left, height, width, c * ES, word(args, W.N), blank)
        ask(args, word(args, W.X), first + t + AHEAD)
        call(word(args, W.IMAGE), q + SOURCES, 0, v + t * row, step, c, 0)


def ask(args: int, x: int, tile: int) -> None:
    """Prefetch the pixels of x that a tile reads and the tiles before it did not.

    They are short rows, far from each other: no prefetcher of the machine foresees them.
    """
    down, across, m, n = word(args, W.DOWN), word(args, W.ACROSS), word(args, W.M), word(args, W.N)
    height, width, pixel = word(args, W.H), word(args, W.WIDTH), word(args, W.C) * ES
    if tile < word(args, W.TILES):
        line = tile // across
        j = tile - line * across
        image = line // down
        i = line - image * down
        right = min(width, j * m - word(args, W.PW) + n)
        left = max(0, right - m) if j > 0 else 0
        last = min(height, i * m - word(args, W.PH) + n)
        first = max(0, last - m) if i > 0 else 0
        row = x + ((image * height + first) * width + left) * pixel
        for _ in range(first, last):
            for at in range(row, row + (right - left) * pixel, LINE):
                prefetch(at)
            row += width * pixel


def ask_result(args: int, y: int, tile: int, write: int) -> None:
    """Prefetch the pixels of a tile of the result, or of what lies as it does."""
    down, across, m = word(args, W.DOWN), word(args, W.ACROSS), word(args, W.M)
    height, width, pixel = word(args, W.OH), word(args, W.OW), word(args, W.OC) * ES
    if tile < word(args, W.TILES):
        line = tile // across
        left = (tile - line * across) * m
        image = line // down
        top = (line - image * down) * m
        row = y + ((image * height + top) * width + left) * pixel
        for _ in range(top, min(height, top + m)):
            end = row + min(m, width - left) * pixel
            if write != 0:
                for at in range(row, end, LINE):
                    prefetch_to_write(at)
            else:
                for at in range(row, end, LINE):
                    prefetch(at)
            row += width * pixel


def patch(
    table: int,
    x: int,
    top: int,
    left: int,
    height: int,
    width: int,
    pixel: int,
    n: int,
    beside: int,
) -> None:
    """The table of the addresses of n * n pixels of an image; `beside` stands for those outside.

    Inside the image nothing is compared, at its border nothing branches.
    """
    line = x + (top * width + left) * pixel
    if min(top, left) >= 0 and top + n <= height and left + n <= width:
        for _i in range(n):
            place = line
            for _j in range(n):
                set_word(table, 0, place)
                table += 8
                place += pixel
            line += width * pixel
    else:
        for i in range(n):
            within = width if top + i >= 0 and top + i < height else 0
            place = line
            for j in range(left, left + n):
                right = place if j < within else beside
                set_word(table, 0, right if j >= 0 else beside)
                table += 8
                place += pixel
            line += width * pixel


def multiply(args: int, q: int, v: int, p: int, count: int) -> None:
    """V @ U for each of the n * n products."""
    c, columns, table = word(args, W.C), word(args, W.COLUMNS), word(args, W.TABLE)
    nv = word(args, W.VECTORS)
    nr = nv * VL
    full = columns // nr
    rest = (columns - full * nr) // VL
    mr = word(args, W.ROWS)
    mt = (count + mr - 1) // mr
    tall = count // mt
    extra = count - tall * mt
    row_v, row_p = word(args, W.ROW_V) * ES, word(args, W.ROW_P) * ES
    set_word(q, Q.K, c)
    set_word(q, Q.A_ROW, row_v)
    set_word(q, Q.A_STEP, ES)
    set_word(q, Q.C_ROW, row_p)
    set_word(q, Q.FLAGS, 0)
    set_word(q, Q.B_PANEL, nr * c * ES)
    set_word(q, Q.BIAS_PANEL, 0)
    bounds(q, 0)
    set_word(q, Q.NEXT_ROW, row_v)
    set_word(q, Q.NEXT_STEP, ES)
    for product in range(word(args, W.N) * word(args, W.N)):
        b = word(args, W.U) + product * word(args, W.STEP_U) * ES
        for t in range(mt):
            first = t * tall + min(t, extra)
            rows = tall + (1 if t < extra else 0)
            a = v + product * word(args, W.STEP_V) * ES + first * row_v
            to = p + product * word(args, W.STEP_P) * ES + first * row_p
            set_word(q, Q.NEXT, a + rows * row_v)
            if full > 0:
                set_word(q, Q.B_STEP, nr * ES)
                call(word(table, nv * VECTORS_PLACE + rows), q, a, b, to, zeros(), full)
            if rest > 0:
                set_word(q, Q.B_STEP, rest * VL * ES)
                tail = word(table, rest * VECTORS_PLACE + rows)
                call(tail, q, a, b + full * nr * c * ES, to + full * nr * ES, zeros(), 1)


def leave(args: int, q: int, dump: int, p: int, first: int, count: int) -> None:
    """The outputs of tiles first .. first + count, from their products."""
    down, across, m = word(args, W.DOWN), word(args, W.ACROSS), word(args, W.M)
    height, width, c = word(args, W.OH), word(args, W.OW), word(args, W.OC)
    row, step = word(args, W.ROW_P) * ES, word(args, W.STEP_P) * ES
    set_word(q + EPILOGUE, 0, word(args, W.BIAS))
    set_word(q + EPILOGUE, 1, low_bits(word(args, W.FLAGS) & RELU))
    set_word(q + EPILOGUE, 2, high_bits(word(args, W.FLAGS) & UP_TO_SIX))
    set_word(q + EPILOGUE, 3, q + AROUND)
    residual = word(args, W.RESIDUAL)
    for t in range(count):
        line = (first + t) // across
        left = (first + t - line * across) * m
        image = line // down
        top = (line - image * down) * m
        y = word(args, W.Y) + image * height * width * c * ES
        patch(q + TARGETS, y, top, left, height, width, c * ES, m, dump)
        if t + AHEAD < count:
            ask_result(args, word(args, W.Y), first + t + AHEAD, 1)
        if residual != 0:
            ask_result(args, residual, first + t + AHEAD, 0)
            r = residual + image * height * width * c * ES
            patch(q + AROUND, r, top, left, height, width, c * ES, m, dump)
        call(word(args, W.RESULT), p + t * row, step, q + TARGETS, 0, c, q + EPILOGUE)
