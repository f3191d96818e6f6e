"""The loops around the register tiles of a matrix product: blocking, remainders, slots.

Written in the subset of lang.py, compiled once per element type and machine; nothing of a shape is
in the code. Read tiles.py first; gemm.py plans the words that are read here. Every address, and
every leading dimension after it was read, is in bytes.

One unit is one slot (a rectangle of C) of one matrix of the batch. A matrix is cut along rows and
columns, never along k, and k goes through in blocks of KC whatever the grid of slots: so every
element is the same chain of operations for any number of threads.
"""

from __future__ import annotations

from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.gemm_packing import copy, pack_columns, transpose
from numflow.kernels.intrinsics import (
    ES,
    VB,
    VL,
    call,
    first_lanes,
    larger,
    mask_address,
    prefetch_to_l2,
    set_word,
    six,
    smaller,
    splat,
    store,
    vload,
    vload_masked,
    vstore_masked,
    vzero,
    word,
    zeros,
)
from numflow.kernels.tiles import (
    ACCUMULATE,
    BIAS,
    EPILOGUE,
    RELU,
    TAIL_PLACE,
    UP_TO_SIX,
    VECTORS_PLACE,
    Q,
)

BATCH_RANK = 4
AHEAD = 4096
"""Bytes of A, at least, between what is multiplied and what is asked for: 147456x16x32, whose tiles
are quick, 104 and with it 135 GFLOP/s of a thread."""


class W:
    """Words of the argument block of a matrix product. Sizes and strides in elements."""

    A = HEADER
    B = HEADER + 1
    C = HEADER + 2
    BIAS = HEADER + 3
    EXTRA0 = HEADER + 4
    EXTRA1 = HEADER + 5
    M = HEADER + 6
    N = HEADER + 7
    K = HEADER + 8
    TRANSPOSE_A = HEADER + 9
    TRANSPOSE_B = HEADER + 10
    LDA = HEADER + 11
    LDB = HEADER + 12
    LDC = HEADER + 13
    FLAGS = HEADER + 14
    MODE = HEADER + 15
    ROWS = HEADER + 16  # of a tile
    VECTORS = HEADER + 17
    KC = HEADER + 18
    NC = HEADER + 19
    PACK_A = HEADER + 20
    PACK_B = HEADER + 21  # address of pack_rows or pack_transposed; 0: B is used where it is
    GRID_M = HEADER + 22
    GRID_N = HEADER + 23
    SLOTS = HEADER + 24  # of one matrix
    CHUNK = HEADER + 25  # units that share a workspace
    SCRATCH = HEADER + 26  # bytes of that workspace
    A_BYTES = HEADER + 27  # of it, for packed A
    TILES = HEADER + 28
    PACKED = HEADER + 29  # all of B as panels, made beforehand for all slots; 0: it is not
    WIDE = HEADER + 30  # elements of a row of that
    BATCH_SIZES = HEADER + 31  # innermost first
    BATCH_A = BATCH_SIZES + BATCH_RANK
    BATCH_B = BATCH_A + BATCH_RANK
    BATCH_C = BATCH_B + BATCH_RANK
    END = BATCH_C + BATCH_RANK


def batch_offset(args: int, batch: int, strides: int) -> int:
    """Bytes from the first matrix of an operand to matrix number `batch`."""
    offset = 0
    d = 0
    while batch > 0:
        size = word(args, W.BATCH_SIZES + d)
        rest = batch // size
        offset += (batch - rest * size) * word(args, strides + d) * ES
        batch = rest
        d += 1
    return offset


def scratch(args: int, begin: int) -> int:
    """The workspace of the range of units that starts at `begin`."""
    return word(args, WORKSPACE) + begin // word(args, W.CHUNK) * word(args, W.SCRATCH)


def gemm(args: int, begin: int, end: int) -> None:
    """Entry for products that fill register tiles."""
    slots = word(args, W.SLOTS)
    q = scratch(args, begin)
    for unit in range(begin, end):
        batch = unit // slots
        a = word(args, W.A) + batch_offset(args, batch, W.BATCH_A)
        b = word(args, W.B) + batch_offset(args, batch, W.BATCH_B)
        c = word(args, W.C) + batch_offset(args, batch, W.BATCH_C)
        slot(args, q, unit - batch * slots, a, b, c)


def pack_shared(args: int, begin: int, end: int) -> None:
    """Entry: panels begin .. end of B, one block of k behind the other."""
    ldb, tb = word(args, W.LDB) * ES, word(args, W.TRANSPOSE_B)
    n, k, nr = word(args, W.N), word(args, W.K), word(args, W.VECTORS) * VL
    for panel in range(begin, end):
        j = panel * nr
        for k0 in range(0, k, word(args, W.KC)):
            kc = min(word(args, W.KC), k - k0)
            source = word(args, W.B) + (j * ldb + k0 * ES if tb != 0 else k0 * ldb + j * ES)
            target = word(args, W.PACKED) + (k0 * word(args, W.WIDE) + j * kc) * ES
            call(word(args, W.PACK_B), source, ldb, target, kc, min(nr, n - j), nr)


def thin(args: int, begin: int, end: int) -> None:
    """Entry for A transposed and few columns."""
    slots = word(args, W.SLOTS)
    q = scratch(args, begin)
    for unit in range(begin, end):
        batch = unit // slots
        a = word(args, W.A) + batch_offset(args, batch, W.BATCH_A)
        b = word(args, W.B) + batch_offset(args, batch, W.BATCH_B)
        c = word(args, W.C) + batch_offset(args, batch, W.BATCH_C)
        narrow(args, q, unit - batch * slots, a, b, c)


# --- a slot ------------------------------------------------------------------


def low_bits(relu: int) -> int:
    """The bits of the element that every result is at least: 0 or -inf."""
    if relu != 0:
        return 0
    return -(1 << 23) if ES == 4 else -(1 << 52)


def high_bits(six: int) -> int:
    """The bits of the element that every result is at most: 6 or inf."""
    if six != 0:
        return 0x40C00000 if ES == 4 else 0x4018 << 48
    return 0x7F800000 if ES == 4 else 0x7FF0 << 48


def bounds(q: int, flags: int) -> None:
    """What a tile's results are kept between."""
    set_word(q, Q.LOW, low_bits(flags & RELU))
    set_word(q, Q.HIGH, high_bits(flags & UP_TO_SIX))


def slot(args: int, q: int, s: int, a: int, b: int, c: int) -> None:
    """Slot s: for blocks of columns, of k: pack B; for rows of tiles: pack A, multiply."""
    lda, ta = word(args, W.LDA) * ES, word(args, W.TRANSPOSE_A)
    ldb, tb = word(args, W.LDB) * ES, word(args, W.TRANSPOSE_B)
    ldc = word(args, W.LDC) * ES
    m, n, k, tiles = word(args, W.M), word(args, W.N), word(args, W.K), word(args, W.TILES)
    mr, nv = word(args, W.ROWS), word(args, W.VECTORS)
    nr = nv * VL
    gm, gn = word(args, W.GRID_M), word(args, W.GRID_N)
    pack_a, pack_b = word(args, W.PACK_A), word(args, W.PACK_B)
    packed = word(args, W.PACKED)
    bias, flags = word(args, W.BIAS), word(args, W.FLAGS)
    wa = q + Q.BYTES
    wb = wa + word(args, W.A_BYTES)
    # rows are dealt out evenly to mt tiles (100 rows: 8 tiles of 12 or 13, not 7 of 14 and one of
    # 2), tiles and panels evenly to the slots
    mt, nt = (m + mr - 1) // mr, (n + nr - 1) // nr
    base = m // mt
    extra = m - base * mt
    sm = s // gn
    sn = s - sm * gn
    t0, t1 = mt * sm // gm, mt * (sm + 1) // gm
    n0, n1 = nt * sn // gn * nr, min(n, nt * (sn + 1) // gn * nr)
    set_word(q, Q.C_ROW, ldc)
    set_word(q, Q.EXTRA0, word(args, W.EXTRA0) - word(args, W.C))
    set_word(q, Q.EXTRA1, word(args, W.EXTRA1) - word(args, W.C))
    j = n0
    while j < n1:
        nc = min(word(args, W.NC), n1 - j)
        full = nc // nr
        rem = nc - full * nr
        rv = (rem + VL - 1) // VL
        lanes = rem - (rv - 1) * VL
        part = 1 if lanes < VL else 0
        set_word(q, Q.MASK, mask_address(lanes))
        # panels that are too few for two rows of A a panel, which are what is asked for ahead
        few = full + (1 if rem > 0 else 0)
        if 2 * few >= mr:
            few = 0
        k0 = 0
        while True:  # once for k = 0 too: C is the bias
            kc = min(word(args, W.KC), k - k0)
            bp = b + k0 * ldb + j * ES
            b_step, b_panel, b_tail = ldb, nr * ES, ldb
            if packed != 0:
                bp = packed + (k0 * word(args, W.WIDE) + j * kc) * ES
                b_step, b_panel, b_tail = nr * ES, nr * ES * kc, rv * VB
            elif pack_b != 0:
                source = b + j * ldb + k0 * ES if tb != 0 else bp
                call(pack_b, source, ldb, wb, kc, nc, nr)
                bp, b_step, b_panel, b_tail = wb, nr * ES, nr * ES * kc, rv * VB
            last = 1 if k0 + kc >= k else 0
            stage = flags & ACCUMULATE if k0 == 0 else ACCUMULATE
            if last != 0:
                stage = stage | flags & EPILOGUE
            set_word(q, Q.K, kc)
            set_word(q, Q.B_PANEL, b_panel)
            set_word(q, Q.FLAGS, stage)
            bounds(q, flags if last != 0 else 0)
            start, element = zeros(), 0
            if k0 == 0 and flags & BIAS != 0:
                start, element = bias + j * ES, ES
            set_word(q, Q.BIAS_PANEL, element * nr)
            for t in range(t0, t1):
                r0 = t * base + min(t, extra)
                rows = base + (1 if t < extra else 0)
                ahead = rows if t + 1 < t1 else 0
                if ta != 0:
                    ap, a_row, a_step = a + k0 * lda + r0 * ES, ES, lda
                    set_word(q, Q.NEXT, ap + ahead * ES)
                    set_word(q, Q.NEXT_ROW, 0)
                    set_word(q, Q.NEXT_STEP, lda)
                    if pack_a != 0:
                        a_step = pack_columns(ap, lda, wa, kc, rows)
                        ap = wa
                else:
                    ap, a_row, a_step = a + r0 * lda + k0 * ES, lda, ES
                    set_word(q, Q.NEXT, ap + ahead * lda)
                    set_word(q, Q.NEXT_ROW, lda)
                    set_word(q, Q.NEXT_STEP, ES)
                    # rows lie end to end: each line is asked for
                    if min(kc, few) > 0 and kc * ES == lda:
                        share = rows * lda // (2 * few)
                        set_word(q, Q.NEXT, ap + max(rows * lda, AHEAD))
                        set_word(q, Q.NEXT_ROW, share)
                        set_word(q, Q.NEXT_STEP, share // kc)
                    elif few > 0 and ahead > 0:  # rows that no panel asks for
                        for i in range(2 * few, rows):
                            for line in range(0, kc * ES, 64):
                                prefetch_to_l2(ap + (rows + i) * lda + line)
                    if pack_a != 0:
                        w = (kc + VL) * ES
                        for i in range(rows):
                            copy(wa + i * w, ap + i * lda, kc)
                        ap, a_row = wa, w
                set_word(q, Q.A_ROW, a_row)
                set_word(q, Q.A_STEP, a_step)
                set_word(q, Q.B_STEP, b_step)
                cp = c + r0 * ldc + j * ES
                if full > 0:
                    call(word(tiles, nv * VECTORS_PLACE + rows), q, ap, bp, cp, start, full)
                if rem > 0:
                    set_word(q, Q.B_STEP, b_tail)
                    at = start + full * nr * element
                    tail = word(tiles, rv * VECTORS_PLACE + part * TAIL_PLACE + rows)
                    call(tail, q, ap, bp + full * b_panel, cp + full * nr * ES, at, 1)
            k0 += kc
            if last != 0:
                break
        j += nc


def narrow(args: int, q: int, s: int, a: int, b: int, c: int) -> None:
    """Few columns, A transposed: blocks of C^T = op(B)^T A, transposed on the way out.

    Vectors lie along the rows of C there: 784 x 10 fills them, where 10 columns would fill half.
    """
    m, n, k, tiles = word(args, W.M), word(args, W.N), word(args, W.K), word(args, W.TILES)
    lda, ldb, ldc = word(args, W.LDA) * ES, word(args, W.LDB) * ES, word(args, W.LDC) * ES
    mr, mb, nv, g = word(args, W.ROWS), word(args, W.NC), word(args, W.VECTORS), word(args, W.SLOTS)
    bias, flags, tb = word(args, W.BIAS), word(args, W.FLAGS), word(args, W.TRANSPOSE_B)
    nr = nv * VL
    w = (n + VL - 1) // VL * VB
    ct = q + Q.BYTES
    out = ct + w * mb
    nt, mt = (n + mr - 1) // mr, (m + nr - 1) // nr
    base = n // nt
    extra = n - base * nt
    i, end = mt * s // g * nr, min(m, mt * (s + 1) // g * nr)
    set_word(q, Q.K, k)
    set_word(q, Q.FLAGS, 0)
    bounds(q, 0)
    set_word(q, Q.BIAS_PANEL, 0)
    set_word(q, Q.B_PANEL, nr * ES)
    set_word(q, Q.A_ROW, ldb if tb != 0 else ES)
    set_word(q, Q.A_STEP, ES if tb != 0 else ldb)
    set_word(q, Q.B_STEP, lda)
    set_word(q, Q.C_ROW, mb * ES)
    set_word(q, Q.NEXT, a)
    set_word(q, Q.NEXT_ROW, 0)
    set_word(q, Q.NEXT_STEP, 0)
    while i < end:
        rows = min(mb, end - i)
        full = rows // nr
        rem = rows - full * nr
        rv = (rem + VL - 1) // VL
        lanes = rem - (rv - 1) * VL
        part = 1 if lanes < VL else 0
        set_word(q, Q.MASK, mask_address(lanes))
        ap = a + i * ES
        for t in range(nt):
            j = t * base + min(t, extra)
            columns = base + (1 if t < extra else 0)
            bp = b + j * (ldb if tb != 0 else ES)
            cp = ct + j * mb * ES
            if full > 0:
                call(word(tiles, nv * VECTORS_PLACE + columns), q, bp, ap, cp, zeros(), full)
            if rem > 0:
                ahead = full * nr * ES
                tail = word(tiles, rv * VECTORS_PLACE + part * TAIL_PLACE + columns)
                call(tail, q, bp, ap + ahead, cp + ahead, zeros(), 1)
        for j in range(0, n, VL):
            transpose(
                ct + j * mb * ES,
                mb * ES,
                min(VL, n - j),
                out + j * ES,
                w,
                (rows + VL - 1) // VL * VL,
            )
        finish(c + i * ldc, ldc, out, w, rows, n, bias, flags)
        i += mb


def finish(c: int, ldc: int, x: int, w: int, rows: int, n: int, bias: int, flags: int) -> None:
    """C = x + bias (+ C) (relu), rows of n elements, n <= 2 VL."""
    if flags & BIAS == 0:
        bias = zeros()
    if n >= VL:  # two vectors that overlap, both formed before either is stored
        o = (n - VL) * ES
        b0, b1 = vload(bias), vload(bias + (o if flags & BIAS != 0 else 0))
        for r in range(rows):
            y0, y1 = vload(x + r * w) + b0, vload(x + r * w + o) + b1
            if flags & ACCUMULATE != 0:
                y0, y1 = y0 + vload(c), y1 + vload(c + o)
            if flags & RELU != 0:
                y0, y1 = larger(vzero(), y0), larger(vzero(), y1)
            if flags & UP_TO_SIX != 0:
                y0, y1 = smaller(splat(six()), y0), smaller(splat(six()), y1)
            store(c, y0)
            store(c + o, y1)
            c += ldc
    else:
        mask = first_lanes(n)
        start = vload_masked(bias, mask)
        for r in range(rows):
            y = vload(x + r * w) + start
            if flags & ACCUMULATE != 0:
                y = y + vload_masked(c, mask)
            if flags & RELU != 0:
                y = larger(vzero(), y)
            if flags & UP_TO_SIX != 0:
                y = smaller(splat(six()), y)
            vstore_masked(c, y, mask)
            c += ldc
