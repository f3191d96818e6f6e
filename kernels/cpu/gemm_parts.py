"""C = A^T @ B with few elements and a long k, in parts of k: gradients by weights and 1x1 filters.

A is stored as [k, m], B as [k, n]. Cut along m or n, such a product would have each thread read all
rows of A for a few of their columns. Here each unit takes some neighbouring rows of A and B, and
adds what they give to a partial product of its own, which stays in its core's L2; a second kernel
sums the partial products up, in order. How many parts there are follows from the sizes alone, and
so do the bits of the result; threads share a part by rows of tiles, if C is large enough.

Rows go through in blocks of KC, used where they lie: a block of A, read in pieces of a tile's
height, stays in L2 from the first tile to the last, and meanwhile the lines of the next block are
asked for. (Packing either of them costs more than it saves; of B as much.) Rows of A whose lines
fall into the same few sets of L1 are the exception: whole lines of some tiles are copied together.
256 x 1024 of 2048 rows: 76 and with it 106 GFLOP/s of a thread with AVX2, 192 and 202 with AVX-512.

Several products may share A: each row of tiles goes through the rows of every B, so that what of A
is read and copied is so once. Its columns are summed up while they are copied, for nothing.
256 x 1024 and 128 x 1024 of 2048 rows and the sums: 4.0 ms on two threads, apart 4.4.

Of a narrow C, whose columns would fill half a vector, the partial products are those of C^T, and
the sum is turned on its way out. 256 x 64 of 100352 rows: 218 GFLOP/s of a thread's 241, cut along
m 104 to 167; 96 x 24 of 50176: 211, and 101.

Written in the subset of lang.py. Bound: fused multiply-adds; memory where m and n are both small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from numflow.kernels import engine, lang, tiles
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.gemm import _even, _l2_bytes
from numflow.kernels.cpu.gemm_nest import bounds
from numflow.kernels.cpu.gemm_packing import pack_columns, transpose
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
    vload,
    vload_masked,
    vstore_masked,
    vzero,
    word,
    zero_bytes,
    zeros,
)
from numflow.kernels.ir import Vectors
from numflow.kernels.records import NamedTuple
from numflow.kernels.tiles import ACCUMULATE, TAIL_PLACE, VECTORS_PLACE, Q, Tile

KC = 128
"""Rows of a block: with 96 or 192 the same product is 2 to 4 % slower, with 256 or 64 6 %."""
DEEP_KC, DEEP_BYTES = 256, 1 << 20
"""The same of results of more bytes, which do not stay in L2 from block to block: of 384 x 1024
1 % faster."""
MOST_PARTS = 16
LEAST_ROWS = 512
"""Rows of a part, at least: of fewer, summing the parts up would cost over 4 %."""
ENOUGH_ROWS = 1 << 11
"""Rows of a part, at most, as long as there are fewer than MOST_PARTS."""
ENOUGH_BYTES = 1 << 20
"""Of all partial products together, as long as parts have fewer rows: their tiles are enough for
threads to share, and more would only be more to sum up."""
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
LINE = 64
"""Bytes."""
FOLDED = 1 << 11
"""Elements of C that are summed up as one unit, where they are not turned."""


class W:
    """Words of the argument blocks of both kernels. Sizes and strides in elements.

    A is what all products share, [k, m]: its columns are rows of tiles. Each product has an entry
    of EACH words: its B, [k, n], its result and n. Partial products lie one behind the other,
    [m, n] each; turned, the results are their transposes. Sums of A's columns, where they are
    wanted, are one more entry: n = 1, and no B.
    """

    A = HEADER
    PARTIAL = HEADER + 1  # [parts, size]
    RESIDUAL = HEADER + 2  # of a single product; 0: none
    M = HEADER + 3
    K = HEADER + 4
    SIZE = HEADER + 5  # of a part
    PRODUCTS = HEADER + 6
    ENTRIES = HEADER + 7  # the products, and the sums
    PARTS = HEADER + 8
    SLOTS = HEADER + 9  # rows of tiles are dealt out to so many units
    ROWS = HEADER + 10  # of a tile
    VECTORS = HEADER + 11
    TILES = HEADER + 12
    SCRATCH = HEADER + 13  # bytes of a unit's workspace
    TURNED = HEADER + 14
    COPIED = HEADER + 15  # rows of tiles whose columns of A are copied at once; 0: none are
    KC = HEADER + 16
    B = HEADER + 17
    C = HEADER + 18
    N = HEADER + 19
    EACH = 3


class Choice(NamedTuple):
    """Into how many parts k is cut, 0 for products that are left to gemm.py, and why."""

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
    return _choose(v, m * n, min(m, n), k)


def choose_joint(
    ms: Sequence[int], n: int, k: int, dtype: str = "float32", *, target: Target | None = None
) -> Choice:
    """The same of several C = A^T @ B [m, n] with one B."""
    return _choose(Vectors(dtype, target or Target.host()), sum(ms) * n, sum(ms), k)


def _choose(v: Vectors, size: int, across: int, k: int) -> Choice:
    """size: of the results; across: columns of a block that each row of tiles reads."""
    work, nbytes = size * k, size * v.itemsize
    if work == 0:
        return Choice(0, "nothing to do")
    wide = KC * across * v.itemsize > _l2_bytes() // (4 if v.target.bits == 512 else 8)
    if nbytes > LARGEST or wide:
        return Choice(0, "whole: the result is too large for the caches")
    if k < 2 * LEAST_ROWS:
        return Choice(0, f"whole: fewer than {2 * LEAST_ROWS} rows")
    most = min(k // LEAST_ROWS, work // LEAST_WORK, MOST_BYTES // nbytes, MOST_PARTS)
    if most < 2:
        return Choice(0, f"whole: fewer than {2 * LEAST_WORK / 1e6:.0f} M multiply-adds")
    parts = min(most, max(1, k // ENOUGH_ROWS, ENOUGH_BYTES // nbytes))
    return Choice(parts, f"{k} rows in {parts} part{'s' * (parts > 1)}")


# --- partial products --------------------------------------------------------


def partial_products(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a part of k for a slot of the rows of tiles."""
    m, depth, size = word(args, W.M), word(args, W.K), word(args, W.SIZE) * ES
    products, summed = word(args, W.PRODUCTS), word(args, W.ENTRIES) - word(args, W.PRODUCTS)
    a_line = m * ES
    parts, slots = word(args, W.PARTS), word(args, W.SLOTS)
    mr, nv, tiles = word(args, W.ROWS), word(args, W.VECTORS), word(args, W.TILES)
    nr = nv * VL
    q = word(args, WORKSPACE) + begin * word(args, W.SCRATCH)
    group, copy = word(args, W.COPIED), q + Q.BYTES
    mt = (m + mr - 1) // mr
    base = m // mt
    extra = m - base * mt
    set_word(q, Q.A_ROW, ES)
    set_word(q, Q.A_STEP, a_line)
    set_word(q, Q.B_PANEL, nr * ES)
    set_word(q, Q.BIAS_PANEL, 0)
    bounds(q, 0)
    blocks = (depth + word(args, W.KC) - 1) // word(args, W.KC)
    for unit in range(begin, end):
        part = unit // slots
        slot = unit - part * slots
        t0, t1 = mt * slot // slots, mt * (slot + 1) // slots
        partial = word(args, W.PARTIAL) + part * size
        sums = partial + size - summed * a_line
        first, last = blocks * part // parts, blocks * (part + 1) // parts
        if first == last and slot == 0:
            zero_bytes(partial, size)
        for block in range(first, last):
            k = depth * block // blocks
            kc = depth * (block + 1) // blocks - k
            a = word(args, W.A) + k * a_line
            set_word(q, Q.K, kc)
            set_word(q, Q.FLAGS, ACCUMULATE if block > first else 0)
            # What the first panel of a tile asks for of A, the next block or what is copied next.
            a_share, a_next = LINE, a_line
            if group == 0:
                a_share = kc * a_line // (2 * (t1 - t0))
                a_next = (a_share + kc - 1) // kc
            left, ahead = 0, 0  # the first column of A that is copied; those that are next
            for t in range(t0, t1):
                r = t * base + min(t, extra)
                rows = base + (1 if t < extra else 0)
                ap, c = a + r * ES, partial
                if group != 0:
                    if (t - t0) % group == 0:
                        end_t = min(t1, t + group)
                        after = end_t * base + min(end_t, extra)
                        columns = after - r
                        if summed != 0:
                            to = sums + r * ES
                            w = sum_columns(ap, a_line, copy, kc, columns, to, block - first)
                        else:
                            w = pack_columns(ap, a_line, copy, kc, columns)
                        set_word(q, Q.A_STEP, w)
                        left, ahead = r, a + after * ES
                        if end_t == t1:
                            ahead = a + kc * a_line + (t0 * base + min(t0, extra)) * ES
                    ap = copy + (r - left) * ES
                else:
                    ahead = a + kc * a_line + 2 * a_share * (t - t0)
                for i in range(products):
                    n = word(args, W.N + W.EACH * i)
                    full = n // nr
                    rem = n - full * nr
                    rv = (rem + VL - 1) // VL
                    lanes = rem - (rv - 1) * VL
                    masked = 1 if lanes < VL else 0
                    b, cp = word(args, W.B + W.EACH * i) + k * n * ES, c + r * n * ES
                    # The first panel of a tile asks for lines of A, the others for their share of
                    # B's next block.
                    others = full + (1 if rem > 0 else 0) - (1 if i == 0 else 0)
                    share = kc * n * ES // (2 * max(1, others) * (t1 - t0))
                    asked = b + kc * n * ES + 2 * share * others * (t - t0)
                    tile = word(tiles, nv * VECTORS_PLACE + rows)
                    set_word(q, Q.B_STEP, n * ES)
                    set_word(q, Q.C_ROW, n * ES)
                    if i == 0:
                        set_word(q, Q.NEXT, ahead)
                        ahead += 2 * a_share
                        set_word(q, Q.NEXT_ROW, a_share)
                        set_word(q, Q.NEXT_STEP, a_next)
                        if full > 0:
                            call(tile, q, ap, b, cp, zeros(), 1)
                            full, b, cp = full - 1, b + nr * ES, cp + nr * ES
                    if others > 0:
                        set_word(q, Q.NEXT, asked)
                        set_word(q, Q.NEXT_ROW, share)
                        set_word(q, Q.NEXT_STEP, (share + kc - 1) // kc)
                    if full > 0:
                        call(tile, q, ap, b, cp, zeros(), full)
                        set_word(q, Q.NEXT, asked + 2 * share * full)
                    if rem > 0:
                        set_word(q, Q.MASK, mask_address(lanes))
                        tail = word(tiles, rv * VECTORS_PLACE + masked * TAIL_PLACE + rows)
                        call(tail, q, ap, b + full * nr * ES, cp + full * nr * ES, zeros(), 1)
                    c += m * n * ES


def sum_columns(src: int, lds: int, dst: int, kc: int, columns: int, sums: int, before: int) -> int:
    """pack_columns, three vectors at a time, which adds each column up on the way.

    before: whether the sums have rows of blocks in front of this one.
    """
    w = (columns + 3 * VL - 1) // (3 * VL) * 3 * VB
    for v in range(0, w, 3 * VB):
        some = columns - v // ES
        m0 = first_lanes(min(VL, some))
        m1 = first_lanes(max(0, min(VL, some - VL)))
        m2 = first_lanes(max(0, min(VL, some - 2 * VL)))
        p, d, to = src + v, dst + v, sums + v
        s0, s1, s2 = vzero(), vzero(), vzero()
        if before != 0:
            s0, s1 = vload_masked(to, m0), vload_masked(to + VB, m1)
            s2 = vload_masked(to + 2 * VB, m2)
        if some >= 3 * VL:
            for _ in range(kc):
                x0, x1, x2 = vload(p), vload(p + VB), vload(p + 2 * VB)
                store(d, x0)
                store(d + VB, x1)
                store(d + 2 * VB, x2)
                s0, s1, s2 = s0 + x0, s1 + x1, s2 + x2
                p += lds
                d += w
        else:
            for _ in range(kc):
                x0, x1 = vload_masked(p, m0), vload_masked(p + VB, m1)
                x2 = vload_masked(p + 2 * VB, m2)
                store(d, x0)
                store(d + VB, x1)
                store(d + 2 * VB, x2)
                s0, s1, s2 = s0 + x0, s1 + x1, s2 + x2
                p += lds
                d += w
        vstore_masked(to, s0, m0)
        vstore_masked(to + VB, s1, m1)
        vstore_masked(to + 2 * VB, s2, m2)
    return w


# --- their sum -----------------------------------------------------------------


def sum_parts(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, of FOLDED elements of a result; turned: of VL rows."""
    m, entries, turned = word(args, W.M), word(args, W.ENTRIES), word(args, W.TURNED)
    partial, step = word(args, W.PARTIAL), word(args, W.SIZE) * ES
    scratch = word(args, WORKSPACE) + begin * word(args, W.SCRATCH)
    start = 0  # the first unit of the entry
    for i in range(entries):
        c, n = word(args, W.C + W.EACH * i), word(args, W.N + W.EACH * i)
        flat = 1 if turned == 0 or n == 1 else 0
        units = (m * n + FOLDED - 1) // FOLDED if flat != 0 else (n + VL - 1) // VL
        for unit in range(max(begin, start), min(end, start + units)):
            if flat != 0:
                add_up(args, c, partial, step, (unit - start) * FOLDED, m * n)
            else:
                turn(args, c, partial, step, scratch, (unit - start) * VL, n)
        start += units
        partial += m * n * ES


def add_up(args: int, c: int, partial: int, step: int, first: int, size: int) -> None:
    """FOLDED elements of a result that lies as its parts do."""
    parts, residual = word(args, W.PARTS), word(args, W.RESIDUAL)
    for i in range(first, min(size, first + FOLDED), VL):
        mask = first_lanes(min(VL, size - i))
        x = added(partial + i * ES, step, parts, mask)
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


def turn(
    args: int, result: int, partial: int, step: int, scratch: int, first: int, rows: int
) -> None:
    """Rows first .. first + VL of a result, which are columns of its parts."""
    columns, parts = word(args, W.M), word(args, W.PARTS)
    count = min(VL, rows - first)
    mask = first_lanes(count)
    c = result + first * columns * ES
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
    rows, columns, a, b = (n, m, W.B, W.A) if turned else (m, n, W.A, W.B)
    places = (a, b, W.C, W.RESIDUAL)[: 3 + residual]
    return _plan(v, rows, (columns,), k, parts, threads, places, turned)


def plan_joint(
    ms: Sequence[int],
    n: int,
    k: int,
    dtype: str = "float32",
    *,
    parts: int,
    sums: bool = False,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """C[m, n] = A^T @ B for each m of ms, of dense A [k, m] and one B [k, n], in two kernels.

    Operands: b, each a, each c; with `sums` also those of B's columns, [n]. No m is 0, and not n.

    Args:
      parts: as `choose_joint` says, or any other number.
    """
    v = Vectors(dtype, target or Target.host())
    starts = [W.EACH * i for i in range(len(ms) + sums)]
    places = (W.A, *(W.B + s for s in starts[: len(ms)]), *(W.C + s for s in starts))
    return _plan(v, n, tuple(ms), k, parts, threads, places, True, sums)


def _plan(
    v: Vectors,
    m: int,
    ns: tuple[int, ...],
    k: int,
    parts: int,
    threads: int,
    positions: tuple[int, ...],
    turned: bool,
    sums: bool = False,
) -> Call:
    """m: columns of what is shared; ns: of the other operands; positions: of the operands."""
    vectors = min({1: 4, 2: 4, 3: 3}.get(m, 2), -(-max(ns) // v.lanes))
    nr = vectors * v.lanes
    rows = _even(m, tiles.largest_rows(v, vectors))
    count = -(-m // rows)
    widths = [(vectors, False)] if max(ns) >= nr else []
    rests = dict.fromkeys(n % nr for n in ns if n % nr)
    widths += [(-(-rest // v.lanes), rest % v.lanes > 0) for rest in rests]
    heights = sorted({m // count, -(-m // count)})
    wanted = dict.fromkeys(Tile(r, w, tail) for r in heights for w, tail in widths)
    entries, table = engine.all_of(
        lambda: lang.addresses(partial_products, sum_parts, dtype=v.dtype, target=v.target),
        lambda: {"": tiles.table(wanted, v)},
    )
    slots = min(count, threads // math.gcd(parts, threads))  # as many units for each thread
    kc = DEEP_KC if m * sum(ns) * v.itemsize > DEEP_BYTES else KC
    same_sets = m * v.itemsize % SAME_SETS == 0 and max(ns) > nr
    copied = COPIED // rows if sums or same_sets else 0
    lanes = 3 * v.lanes  # as sum_columns copies them
    copy = kc * -(-copied * rows // lanes) * lanes * v.itemsize
    scratch = max(Q.BYTES + copy, v.lanes * v.target.vbytes if turned else 0)
    results = (*ns, 1) if sums else ns
    values = {
        W.M: m,
        W.K: k,
        W.SIZE: m * sum(results),
        W.PRODUCTS: len(ns),
        W.ENTRIES: len(results),
        W.PARTS: parts,
        W.SLOTS: slots,
        W.ROWS: rows,
        W.VECTORS: vectors,
        W.TILES: table[""],
        W.SCRATCH: scratch,
        W.TURNED: int(turned),
        W.COPIED: copied,
        W.KC: kc,
        **{W.N + W.EACH * i: n for i, n in enumerate(results)},
    }
    end = W.B + W.EACH * len(results)
    constants = tuple(values.get(k, 0) for k in range(W.A, end) if k not in positions)
    places = tuple(place - HEADER for place in positions)
    blocks = sum(-(-n // v.lanes) if turned and n > 1 else -(-m * n // FOLDED) for n in results)
    one = parts * (m * v.lanes if turned else FOLDED)
    units = parts * slots
    fold = Call(
        entries["sum_parts"], blocks, max(1, (1 << 15) // one), len(places), constants,
        blocks * scratch if turned else 0, places,
    )  # fmt: skip
    return Call(
        entries["partial_products"], units, 1, len(places), constants, units * scratch, places,
        parts * m * sum(results) * v.itemsize, W.PARTIAL - HEADER, fold,
    )  # fmt: skip


def _turns(v: Vectors, m: int, n: int) -> bool:
    """Whether the partial products are those of C^T: where vectors lie along its rows, fewer of
    their lanes are empty, or the block of B that they are read from is much smaller."""
    along, down = m * -(-n // v.lanes), n * -(-m // v.lanes)
    return down < 0.95 * along or (down <= along and n >= 2 * m)
