"""Attention without its matrix of weights: softmax(q k^T + bias) v.

    panels     rows of queries [rows, depth] -> transposed blocks, for the products below
    forward    o, and log of the sum of exponentials of each query

Its gradients are in attention_gradients.py.

All work on the transpose of the scores, s[key, query]: a block of keys times a panel of queries.
Then a query is a lane: its maximum and its sum run down the rows, without a step across lanes, and
keys and values are read where they are. A block of scores stays in L1; the memory beyond is that of
the operands. Sums over blocks are in order, so bits depend neither on threads nor on chunks.

Bound: fused multiply-adds, 2 products of queries x keys x depth. Written in the subset of lang.py.

Sources: Milakov & Gimelshein 2018, "Online normalizer calculation for softmax"; Dao et al. 2022,
"FlashAttention", algorithm 1.
"""

from __future__ import annotations

from numflow.kernels import lang_math
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu.gemm_packing import transpose
from numflow.kernels.cpu.recurrent_steps import get, put
from numflow.kernels.intrinsics import (
    ES,
    VL,
    call,
    larger,
    load,
    mask_address,
    set_word,
    splat,
    store,
    vload,
    vzero,
    word,
    zero_bytes,
    zeros,
)
from numflow.kernels.intrinsics_numbers import (
    element_to_f64,
    f64_to_element,
    number,
)
from numflow.kernels.lang import inline
from numflow.kernels.lang_vector import vexp
from numflow.kernels.tiles import ACCUMULATE, TAIL_PLACE, VECTORS_PLACE, Q

BLOCK_Q = 64
"""Queries of a block, at most."""
BLOCK_K = 96
"""Keys of a block, at most."""


class W:
    """Words of the argument blocks. Steps in bytes: of a row, of a head, of an example."""

    QT = HEADER  # panels of queries
    K = HEADER + 1
    V = HEADER + 2
    BIAS = HEADER + 3  # [.., keys, queries padded]; 0: none
    KEY_BIAS = HEADER + 4  # [.., keys]; 0: none
    LSE = HEADER + 5  # [heads, queries padded]
    O = HEADER + 6  # noqa: E741
    DOT = HEADER + 7  # panels of the gradient of o
    DO = HEADER + 8
    DELTA = HEADER + 9  # [heads, queries padded]
    Q = HEADER + 10
    DQ = HEADER + 11
    DK = HEADER + 12
    DV = HEADER + 13
    HEADS = HEADER + 14
    QUERIES = HEADER + 15
    KEYS = HEADER + 16
    DEPTH = HEADER + 17
    WIDTH = HEADER + 18  # depth of the values
    CAUSAL = HEADER + 19
    BLOCK = HEADER + 20  # queries of a block
    MOST = HEADER + 21  # rows of a tile
    TILES = HEADER + 22
    SCRATCH = HEADER + 23  # bytes of a slot
    SLOTS = HEADER + 24
    BIAS_EXAMPLE = HEADER + 25  # bytes from one to the next, 0 where they share it
    BIAS_HEAD = HEADER + 26
    KEY_EXAMPLE = HEADER + 27
    KEY_HEAD = HEADER + 28
    ALL = HEADER + 29  # heads of all examples
    PADDED = HEADER + 30  # elements of a row of queries in LSE, DELTA and BIAS
    HEADS_FIRST = HEADER + 31  # operands [examples, heads, rows, depth], not [.., rows, heads, ..]
    END = HEADER + 32  # then elements: -inf, the least finite number, 1


class P:
    """Words of the block of `panels`."""

    SOURCE = HEADER
    TARGET = HEADER + 1
    HEADS = HEADER + 2
    ROWS = HEADER + 3
    DEPTH = HEADER + 4
    BLOCK = HEADER + 5
    HEADS_FIRST = HEADER + 6


def panels(args: int, begin: int, end: int) -> None:
    """Entry: a unit is a block of queries of a head; rows that are missing are zeros."""
    heads, rows, depth = word(args, P.HEADS), word(args, P.ROWS), word(args, P.DEPTH)
    size, across = word(args, P.BLOCK), 2 * VL
    blocks = (rows + size - 1) // size
    for unit in range(begin, end):
        head = unit // blocks
        first = (unit - head * blocks) * size
        example, row = head // heads, heads * depth * ES
        source = word(args, P.SOURCE)
        if word(args, P.HEADS_FIRST) != 0:
            row = depth * ES
            source += (head * rows + first) * row
        else:
            source += (example * rows + first) * row + (head - example * heads) * depth * ES
        target = word(args, P.TARGET) + unit * depth * size * ES
        for left in range(0, size, across):
            panel(source + left * row, row, rows - first - left, target, depth)
            target += depth * across * ES


def panel(source: int, row: int, rows: int, target: int, depth: int) -> None:
    """Two vectors of queries, transposed; zeros where none of a vector is there."""
    w = 2 * VL * ES
    for j in range(0, 2 * VL, VL):
        at, count = source + j * row, min(VL, rows - j)
        d = target + j * ES
        if count <= 0:
            for k in range(depth):
                store(d + k * w, vzero())
        elif depth >= VL:
            transpose(at, row, count, d, w, depth)
        else:
            for k in range(depth):
                store(d + k * w, vzero())
                for r in range(count):
                    store(d + k * w + r * ES, load(at + r * row + k * ES))


# --- products ------------------------------------------------------------------


def begin_product(q: int) -> None:
    """What all products share: no bounds, no bias, nothing to be fetched ahead."""
    low, high = -(1 << 23), 0x7F800000
    if ES == 8:
        low, high = -(1 << 52), 0x7FF0 << 48
    set_word(q, Q.LOW, low)
    set_word(q, Q.HIGH, high)
    set_word(q, Q.BIAS_PANEL, 0)
    set_word(q, Q.NEXT, q)
    set_word(q, Q.NEXT_ROW, 0)
    set_word(q, Q.NEXT_STEP, 0)


def multiply(
    args: int, q: int, a: int, rows: int, b: int, columns: int, c: int, panel: int
) -> None:
    """C[rows, columns] (+)= A[rows, depth] B[depth, columns]; strides and depth are in q.

    panel: bytes from one panel of B, two vectors wide, to the next.
    """
    most, tiles = word(args, W.MOST), word(args, W.TILES)
    a_row, c_row, across = word(q, Q.A_ROW), word(q, Q.C_ROW), 2 * VL
    full = columns // across
    left = columns - full * across
    vectors = (left + VL - 1) // VL
    lanes = left - (vectors - 1) * VL
    part = 1 if lanes < VL else 0
    set_word(q, Q.B_PANEL, panel)
    set_word(q, Q.MASK, mask_address(lanes))
    count = (rows + most - 1) // most
    base = rows // count
    extra = rows - base * count
    for t in range(count):
        height = base + (1 if t < extra else 0)
        if full > 0:
            call(word(tiles, 2 * VECTORS_PLACE + height), q, a, b, c, zeros(), full)
        if left > 0:
            tile = word(tiles, vectors * VECTORS_PLACE + part * TAIL_PLACE + height)
            call(tile, q, a, b + full * panel, c + full * across * ES, zeros(), 1)
        a += height * a_row
        c += height * c_row


def scores(
    args: int, q: int, rows: int, row_bytes: int, depth: int, keys: int, queries: int, s: int
) -> None:
    """s[keys, queries] = rows of keys times a block of queries."""
    size = word(args, W.BLOCK)
    set_word(q, Q.K, depth)
    set_word(q, Q.FLAGS, 0)
    set_word(q, Q.A_ROW, row_bytes)
    set_word(q, Q.A_STEP, ES)
    set_word(q, Q.B_STEP, 2 * VL * ES)
    set_word(q, Q.C_ROW, size * ES)
    multiply(args, q, rows, keys, queries, size, s, 2 * VL * depth * ES)


def down(
    args: int, q: int, s: int, keys: int, b: int, b_row: int, depth: int, width: int, c: int,
    c_row: int, flags: int,
) -> None:  # fmt: skip
    """C[keys, width] (+)= s[keys, depth queries] B[queries, width]."""
    set_word(q, Q.K, depth)
    set_word(q, Q.FLAGS, flags)
    set_word(q, Q.A_ROW, word(args, W.BLOCK) * ES)
    set_word(q, Q.A_STEP, ES)
    set_word(q, Q.B_STEP, b_row)
    set_word(q, Q.C_ROW, c_row)
    multiply(args, q, s, keys, b, width, c, 2 * VL * ES)


def across(
    args: int, q: int, s: int, queries: int, b: int, b_row: int, depth: int, width: int, c: int,
    c_row: int, flags: int,
) -> None:  # fmt: skip
    """C[queries, width] (+)= the transpose of s[depth keys, queries] times B[keys, width]."""
    set_word(q, Q.K, depth)
    set_word(q, Q.FLAGS, flags)
    set_word(q, Q.A_ROW, ES)
    set_word(q, Q.A_STEP, word(args, W.BLOCK) * ES)
    set_word(q, Q.B_STEP, b_row)
    set_word(q, Q.C_ROW, c_row)
    multiply(args, q, s, queries, b, width, c, 2 * VL * ES)


# --- scores --------------------------------------------------------------------


@inline
def blocks_of(args: int) -> int:
    """Blocks of queries of a head."""
    size = word(args, W.BLOCK)
    return (word(args, W.QUERIES) + size - 1) // size


@inline
def key_blocks_of(args: int) -> int:
    """Blocks of keys of a head."""
    return (word(args, W.KEYS) + BLOCK_K - 1) // BLOCK_K


@inline
def step(args: int, depth: int) -> int:
    """Bytes from a row of a head to the next."""
    if word(args, W.HEADS_FIRST) != 0:
        return depth * ES
    return word(args, W.HEADS) * depth * ES


@inline
def place(args: int, head: int, row: int, count: int, depth: int) -> int:
    """Bytes to a row of a head in an operand with `count` rows."""
    if word(args, W.HEADS_FIRST) != 0:
        return (head * count + row) * depth * ES
    heads = word(args, W.HEADS)
    example = head // heads
    return ((example * count + row) * heads + head - example * heads) * depth * ES


def biased(args: int, head: int, s: int, k0: int, keys: int, q0: int) -> None:
    """The bias added to a block of scores, and -inf to what is not to be seen."""
    heads, size = word(args, W.HEADS), word(args, W.BLOCK)
    example = head // heads
    own = head - example * heads
    row = size * ES
    bias, key_bias = word(args, W.BIAS), word(args, W.KEY_BIAS)
    if bias != 0:
        wide = word(args, W.PADDED) * ES
        at = bias + example * word(args, W.BIAS_EXAMPLE) + own * word(args, W.BIAS_HEAD)
        at += k0 * wide + q0 * ES
        for k in range(keys):
            for j in range(0, row, VL * ES):
                store(s + k * row + j, vload(s + k * row + j) + vload(at + j))
            at += wide
    if key_bias != 0:
        at = key_bias + example * word(args, W.KEY_EXAMPLE) + own * word(args, W.KEY_HEAD)
        for k in range(keys):
            x = splat(load(at + (k0 + k) * ES))
            for j in range(0, row, VL * ES):
                store(s + k * row + j, vload(s + k * row + j) + x)
    if word(args, W.CAUSAL) != 0:
        hidden = splat(load(args + W.END * 8))
        for k in range(keys):
            n = min(size, k0 + k - q0)  # queries before the key
            for j in range(0, n, VL):
                put(s + k * row + j * ES, hidden, n - j)


def last_key(args: int, q0: int) -> int:
    """The first key that no query of the block sees."""
    keys = word(args, W.KEYS)
    if word(args, W.CAUSAL) != 0:
        return min(keys, q0 + word(args, W.BLOCK))
    return keys


def forward(args: int, begin: int, end: int) -> None:
    """Entry: a unit is a slot of the blocks of queries."""
    items, slots = word(args, W.ALL) * blocks_of(args), word(args, W.SLOTS)
    for slot in range(begin, end):
        scratch = word(args, WORKSPACE) + slot * word(args, W.SCRATCH)
        for item in range(items * slot // slots, items * (slot + 1) // slots):
            attend(args, item, scratch)


def attend(args: int, item: int, q: int) -> None:
    """One block of queries of a head. Scratch: the tiles' words, s, o, m, l, factors."""
    blocks, size, width = blocks_of(args), word(args, W.BLOCK), word(args, W.WIDTH)
    depth, head = word(args, W.DEPTH), item // blocks
    q0 = (item - head * blocks) * size
    queries = min(size, word(args, W.QUERIES) - q0)
    row, keys = size * ES, word(args, W.KEYS)
    s = q + Q.BYTES
    m = s + BLOCK_K * row
    total, factor = m + row, m + 2 * row
    o = m + 3 * row
    o_row = (width * ES + 63) // 64 * 64
    begin_product(q)
    least = splat(load(args + (W.END + 1) * 8))
    for j in range(0, row, VL * ES):
        store(m + j, least)
        store(total + j, vzero())
    zero_bytes(o, size * o_row)
    k0, stop = 0, last_key(args, q0)
    at = word(args, W.QT) + item * size * depth * ES
    while k0 < stop:
        count = min(BLOCK_K, stop - k0)
        rows = word(args, W.K) + place(args, head, k0, keys, depth)
        scores(args, q, rows, step(args, depth), depth, count, at, s)
        biased(args, head, s, k0, count, q0)
        for j in range(0, row, VL * ES):
            before = vload(m + j)
            most = before
            for k in range(count):
                most = larger(most, vload(s + k * row + j))
            shrink = vexp(before - most)
            whole = vload(total + j) * shrink
            for k in range(count):
                x = vexp(vload(s + k * row + j) - most)
                store(s + k * row + j, x)
                whole = whole + x
            store(m + j, most)
            store(total + j, whole)
            store(factor + j, shrink)
        if k0 > 0:
            scale_rows(o, o_row, factor, queries)
        values = word(args, W.V) + place(args, head, k0, keys, width)
        flags = ACCUMULATE
        across(args, q, s, queries, values, step(args, width), count, width, o, o_row, flags)
        k0 += count
    finish(args, head, q0, queries, o, o_row, m, total)


def scale_rows(o: int, o_row: int, factor: int, rows: int) -> None:
    """Row r times number r."""
    for r in range(rows):
        x = splat(load(factor + r * ES))
        for j in range(0, o_row, VL * ES):
            store(o + j, vload(o + j) * x)
        o += o_row


def finish(
    args: int, head: int, q0: int, queries: int, o: int, o_row: int, m: int, total: int
) -> None:
    """o over the sums; m + log of the sums. A query that sees nothing gets 0, and inf."""
    width = word(args, W.WIDTH)
    out = word(args, W.O) + place(args, head, q0, word(args, W.QUERIES), width)
    out_row = step(args, width)
    one = load(args + (W.END + 2) * 8)
    for r in range(queries):
        sum_ = load(total + r * ES)
        seen = sum_ > 0.0 or sum_ != sum_
        x = splat(one / sum_) if seen else vzero()
        for j in range(0, width, VL):
            put(out + j * ES, get(o + j * ES, width - j) * x, width - j)
        o += o_row
        out += out_row
    lse = word(args, W.LSE)
    if lse != 0:
        at = lse + (head * word(args, W.PADDED) + q0) * ES
        for r in range(word(args, W.BLOCK)):
            y = number(1.0) / number(0.0)  # what is not there has no weight
            whole = element_to_f64(load(total + r * ES))
            if r < queries and (whole > 0.0 or whole != whole):
                y = element_to_f64(load(m + r * ES)) + lang_math.log(whole)
            store(at + r * ES, f64_to_element(y))
