"""C = A^T @ B with few elements and a long k, in parts of k: gradients by weights and 1x1 filters.

A is stored as [k, m], B as [k, n]. Cut along m or n, such a product would have each thread read all
rows of A for a few of their columns. Here each unit takes some neighbouring rows of A and B, and
adds what they give to a partial product of its own, which stays in its core's L2; a second kernel
sums the partial products up, in order. How many parts there are follows from the sizes alone, and
so do the bits of the result.

Rows go through in blocks of KC, used where they lie: a block of A, read in pieces of a tile's
height, stays in L2 from the first tile to the last, and meanwhile the lines of the next block are
asked for in the order in which they lie in memory. (Packing either of them costs more than it
saves; columns of the next tile, which is what gemm_nest.py asks for, come a line from each row.)
Rows of A whose lines fall into the same few sets of L1 are the exception: whole lines of some tiles
are copied together. 256 x 1024 of 2048 rows: 76 and with it 106 GFLOP/s of a thread with AVX2,
192 and 202 with AVX-512.

Of a narrow C, whose columns would fill half a vector, the partial products are those of C^T, and
the sum is turned on its way out. 256 x 64 of 100352 rows: 218 GFLOP/s of a thread's 241, cut along
m 104 to 167; 96 x 24 of 50176: 211, and 101.

Written in the subset of lang.py. Bound: fused multiply-adds; memory where m and n are both small.
"""

from __future__ import annotations

from numflow.kernels import engine, lang, tiles
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.gemm import _even, _l2_bytes
from numflow.kernels.cpu.gemm_nest import bounds, pack_columns, transpose
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import (
    ES,
    VB,
    VL,
    Mask,
    Vec,
    call,
    first_lanes,
    load,
    mask_address,
    set_word,
    store,
    vload_masked,
    vstore_masked,
    word,
    zero_bytes,
    zeros,
)
from numflow.kernels.ir import Vectors
from numflow.kernels.records import NamedTuple
from numflow.kernels.tiles import ACCUMULATE, TAIL_PLACE, VECTORS_PLACE, Q, Tile

KC = 128
"""Rows of a block: with 96 or 192 the same product is 2 to 4 % slower, with 256 or 64 6 %."""
MOST_PARTS = 16
LEAST_ROWS = 512
"""Rows of a part, at least: of fewer, summing the parts up would cost over 4 %."""
LEAST_WORK = 4_000_000
"""Multiply-adds of a part, at least: 35 us with AVX-512."""
LARGEST = 1 << 21
"""Bytes of C: 1024 x 512 of 2048 rows gains 7 %, 768 x 768 nothing, 1024 x 1024 loses 10 %."""
MOST_BYTES = 1 << 24
"""Of all partial products together."""
SAME_SETS = 1 << 11
"""Bytes: rows of A that are a multiple of them apart fall into few sets of L1, and are copied."""
COPIED = 48
"""Columns of A that are copied at once: whole lines."""
FOLDED = 1 << 11
"""Elements of C that are summed up as one unit, where they are not turned."""


class W:
    """Words of the argument blocks of both kernels. Sizes and strides in elements."""

    A = HEADER
    B = HEADER + 1
    C = HEADER + 2
    RESIDUAL = HEADER + 3  # 0: none
    PARTIAL = HEADER + 4  # [parts, m, n]
    M = HEADER + 5  # turned: of C^T, and A and B have changed places
    N = HEADER + 6
    K = HEADER + 7
    PARTS = HEADER + 8
    SLOTS = HEADER + 9  # rows of tiles are dealt out to so many units
    ROWS = HEADER + 10  # of a tile
    VECTORS = HEADER + 11
    TILES = HEADER + 12
    SCRATCH = HEADER + 13  # bytes of a unit's workspace
    TURNED = HEADER + 14
    COPIED = HEADER + 15  # rows of tiles whose columns of A are copied at once; 0: none are
    END = HEADER + 16


class Choice(NamedTuple):
    """Into how many parts k is cut, 1 for not at all, and why."""

    parts: int
    why: str


def choose(
    m: int, n: int, k: int, dtype: str = "float32", *, target: Target | None = None
) -> Choice:
    """How C is to be computed: from the sizes alone, since the bits depend on it.

    A block of B is read once per row of tiles. With AVX2, whose tiles are half as high, products
    whose B is wider than an eighth of L2 are left to gemm.py: of 384 x 1024, 103 GFLOP/s and 71.
    """
    v = Vectors(dtype, target or Target.host())
    if m * n * k == 0:
        return Choice(1, "nothing to do")
    nbytes = m * n * v.itemsize
    block = KC * min(m, n) * v.itemsize
    if nbytes > LARGEST or block > _l2_bytes() // (4 if v.target.bits == 512 else 8):
        return Choice(1, "whole: the result is too large for the caches")
    if k < 2 * LEAST_ROWS:
        return Choice(1, f"whole: fewer than {2 * LEAST_ROWS} rows")
    parts = min(k // LEAST_ROWS, m * n * k // LEAST_WORK, MOST_BYTES // nbytes, MOST_PARTS)
    if parts < 2:
        return Choice(1, f"whole: fewer than {2 * LEAST_WORK / 1e6:.0f} M multiply-adds")
    return Choice(parts, f"{k} rows in {parts} parts")


# --- partial products --------------------------------------------------------


def partial_products(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a part of k for a slot of the rows of tiles."""
    m, n, depth = word(args, W.M), word(args, W.N), word(args, W.K)
    a_line, b_line = m * ES, n * ES
    a_all, b_all = word(args, W.A), word(args, W.B)
    if word(args, W.TURNED) != 0:
        a_all, b_all = b_all, a_all
    parts, slots = word(args, W.PARTS), word(args, W.SLOTS)
    mr, nv, tiles = word(args, W.ROWS), word(args, W.VECTORS), word(args, W.TILES)
    nr = nv * VL
    q = word(args, WORKSPACE) + begin * word(args, W.SCRATCH)
    group, copy = word(args, W.COPIED), q + Q.BYTES
    mt = (m + mr - 1) // mr
    base = m // mt
    extra = m - base * mt
    full = n // nr
    rem = n - full * nr
    rv = (rem + VL - 1) // VL
    lanes = rem - (rv - 1) * VL
    masked = 1 if lanes < VL else 0
    panels = full + (1 if rem > 0 else 0)
    set_word(q, Q.MASK, mask_address(lanes))
    set_word(q, Q.A_ROW, ES)
    set_word(q, Q.A_STEP, a_line)
    set_word(q, Q.B_STEP, b_line)
    set_word(q, Q.B_PANEL, nr * ES)
    set_word(q, Q.C_ROW, n * ES)
    set_word(q, Q.BIAS_PANEL, 0)
    bounds(q, 0)
    blocks = (depth + KC - 1) // KC
    for unit in range(begin, end):
        part = unit // slots
        slot = unit - part * slots
        t0, t1 = mt * slot // slots, mt * (slot + 1) // slots
        c = word(args, W.PARTIAL) + part * m * n * ES
        first, last = blocks * part // parts, blocks * (part + 1) // parts
        if first == last and slot == 0:
            zero_bytes(c, m * n * ES)
        for block in range(first, last):
            k = depth * block // blocks
            kc = depth * (block + 1) // blocks - k
            a, b = a_all + k * a_line, b_all + k * b_line
            set_word(q, Q.K, kc)
            set_word(q, Q.FLAGS, ACCUMULATE if block > first else 0)
            # The next block: most tiles ask for a share of A, the last few for B. A panel of a
            # tile asks for two shares, a step of them per step of k.
            a_bytes, b_bytes = kc * a_line, kc * b_line
            for_b = max(1, (t1 - t0) * b_bytes // (a_bytes + b_bytes))
            b_from = t1 - for_b
            share = a_bytes // (2 * panels * max(1, b_from - t0))
            ahead = a + a_bytes
            left = 0  # the first column of A that is copied
            for t in range(t0, t1):
                if t == b_from:
                    share = b_bytes // (2 * panels * for_b)
                    ahead = b + b_bytes
                set_word(q, Q.NEXT_ROW, share)
                set_word(q, Q.NEXT_STEP, (share + kc - 1) // kc)
                r = t * base + min(t, extra)
                rows = base + (1 if t < extra else 0)
                ap, cp = a + r * ES, c + r * n * ES
                if group != 0:
                    if (t - t0) % group == 0:
                        end_t = min(t1, t + group)
                        columns = end_t * base + min(end_t, extra) - r
                        set_word(q, Q.A_STEP, pack_columns(ap, a_line, copy, kc, columns))
                        left = r
                    ap = copy + (r - left) * ES
                if full > 0:
                    set_word(q, Q.NEXT, ahead)
                    ahead += 2 * share * full
                    call(word(tiles, nv * VECTORS_PLACE + rows), q, ap, b, cp, zeros(), full)
                if rem > 0:
                    set_word(q, Q.NEXT, ahead)
                    ahead += 2 * share
                    tail = word(tiles, rv * VECTORS_PLACE + masked * TAIL_PLACE + rows)
                    call(tail, q, ap, b + full * nr * ES, cp + full * nr * ES, zeros(), 1)


# --- their sum -----------------------------------------------------------------


def sum_parts(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, of FOLDED elements of C; turned: of VL rows."""
    size = word(args, W.M) * word(args, W.N)
    if word(args, W.TURNED) != 0:
        for unit in range(begin, end):
            turn(args, word(args, WORKSPACE) + begin * word(args, W.SCRATCH), unit * VL)
        return
    parts, partial = word(args, W.PARTS), word(args, W.PARTIAL)
    c, residual = word(args, W.C), word(args, W.RESIDUAL)
    for i in range(begin * FOLDED, min(size, end * FOLDED), VL):
        mask = first_lanes(min(VL, size - i))
        x = added(partial + i * ES, size * ES, parts, mask)
        if residual != 0:
            x = x + vload_masked(residual + i * ES, mask)
        vstore_masked(c + i * ES, x, mask)


@lang.inline
def added(p: int, step: int, parts: int, mask: Mask) -> Vec:
    """The sum of a vector of each part."""
    x = vload_masked(p, mask)
    for part in range(1, parts):
        x = x + vload_masked(p + part * step, mask)
    return x


def turn(args: int, scratch: int, first: int) -> None:
    """Rows first .. first + VL of C, which are columns of the parts."""
    rows, columns = word(args, W.N), word(args, W.M)  # of C
    parts, partial = word(args, W.PARTS), word(args, W.PARTIAL)
    step = rows * columns * ES
    count = min(VL, rows - first)
    mask = first_lanes(count)
    c = word(args, W.C) + first * columns * ES
    for j in range(0, columns, VL):
        some = min(VL, columns - j)
        for i in range(some):
            p = partial + ((j + i) * rows + first) * ES
            store(scratch + i * VB, added(p, step, parts, mask))
        if some == VL and count == VL:
            transpose(scratch, VB, VL, c + j * ES, columns * ES, VL)
        else:
            for r in range(count):
                for i in range(some):
                    store(c + (r * columns + j + i) * ES, load(scratch + i * VB + r * ES))
    residual = word(args, W.RESIDUAL)
    if residual != 0:
        residual += first * columns * ES
        for i in range(0, count * columns, VL):
            lanes = first_lanes(min(VL, count * columns - i))
            x = vload_masked(c + i * ES, lanes) + vload_masked(residual + i * ES, lanes)
            vstore_masked(c + i * ES, x, lanes)


# --- plan ------------------------------------------------------------------------


def plan(
    m: int,
    n: int,
    k: int,
    dtype: str = "float32",
    *,
    parts: int,
    residual: bool = False,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """C[m, n] = A^T @ B (+ residual) of dense A [k, m] and B [k, n], in two kernels.

    Operands: a, b, c; the residual, [m, n], where there is one. None of the sizes is 0.

    Args:
      parts: as `choose` says; the bits of the result depend on it.
      threads: how many threads may share the work; speed only.
    """
    v = Vectors(dtype, target or Target.host())
    turned = _turns(v, m, n)
    if turned:
        m, n = n, m
    vectors = min({1: 4, 2: 4, 3: 3}.get(m, 2), -(-n // v.lanes))
    nr = vectors * v.lanes
    rows = _even(m, tiles.largest_rows(v, vectors))
    count = -(-m // rows)
    widths = [(vectors, False)] if n >= nr else []
    if n % nr:
        widths.append((-(-(n % nr) // v.lanes), n % v.lanes > 0))
    wanted = [Tile(r, w, tail) for r in sorted({m // count, -(-m // count)}) for w, tail in widths]
    entries, table = engine.all_of(
        lambda: lang.addresses(partial_products, sum_parts, dtype=dtype, target=v.target),
        lambda: {"": tiles.table(wanted, v)},
    )
    slots = max(1, min(count, threads // parts))
    copied = COPIED // rows if m * v.itemsize % SAME_SETS == 0 and n > nr else 0
    copy = KC * -(-copied * rows // v.lanes) * v.target.vbytes
    scratch = max(Q.BYTES + copy, v.lanes * v.target.vbytes if turned else 0)
    values = {
        W.M: m,
        W.N: n,
        W.K: k,
        W.PARTS: parts,
        W.SLOTS: slots,
        W.ROWS: rows,
        W.VECTORS: vectors,
        W.TILES: table[""],
        W.SCRATCH: scratch,
        W.TURNED: int(turned),
        W.COPIED: copied,
    }
    positions = (W.A, W.B, W.C, W.RESIDUAL)[: 3 + residual]
    constants = tuple(values.get(k, 0) for k in range(W.A, W.END) if k not in positions)
    places = tuple(place - HEADER for place in positions)
    blocks = -(-n // v.lanes) if turned else -(-m * n // FOLDED)
    one = parts * (m * v.lanes if turned else FOLDED)
    units = parts * slots
    fold = Call(
        entries["sum_parts"], blocks, max(1, (1 << 15) // one), len(places), constants,
        blocks * scratch if turned else 0, places,
    )  # fmt: skip
    return Call(
        entries["partial_products"], units, 1, len(places), constants, units * scratch, places,
        parts * m * n * v.itemsize, W.PARTIAL - HEADER, fold,
    )  # fmt: skip


def _turns(v: Vectors, m: int, n: int) -> bool:
    """Whether the partial products are those of C^T: where vectors lie along its rows, fewer of
    their lanes are empty, or the block of B that they are read from is much smaller."""
    along, down = m * -(-n // v.lanes), n * -(-m // v.lanes)
    return down < 0.95 * along or (down <= along and n >= 2 * m)
