"""The gradients of attention, without its matrix of weights; read attention.py first.

    keys       dk, dv of a block of keys, over all blocks of queries
    queries    dq of a block of queries, over all blocks of keys
    heads      all three of a head: the weights are computed once, but a head is one piece of work

The weights are computed again, block by block, of the scores and of what `forward` has kept.

Bound: fused multiply-adds, 5 products of queries x keys x depth by heads, 7 by keys and queries:
these are more pieces of work. The sums have one order: the same bits.

Source: Dao et al. 2022, "FlashAttention", algorithm 4.
"""

from __future__ import annotations

from numflow.kernels.abi import WORKSPACE
from numflow.kernels.cpu.attention import (
    BLOCK_K,
    W,
    across,
    begin_product,
    biased,
    blocks_of,
    down,
    key_blocks_of,
    last_key,
    place,
    scores,
    step,
)
from numflow.kernels.intrinsics import ES, VL, store, vload, word, zero_bytes
from numflow.kernels.lang_vector import vexp
from numflow.kernels.tiles import ACCUMULATE, Q


def weights(args: int, s: int, keys: int, lse: int) -> None:
    """Scores -> weights: e^(s - lse)."""
    row = word(args, W.BLOCK) * ES
    for j in range(0, row, VL * ES):
        whole = vload(lse + j)
        for k in range(keys):
            store(s + k * row + j, vexp(vload(s + k * row + j) - whole))


def slopes(args: int, s: int, t: int, keys: int, delta: int) -> None:
    """Weights s, and their gradients t -> the gradient by the scores, in s."""
    row = word(args, W.BLOCK) * ES
    for j in range(0, row, VL * ES):
        mean = vload(delta + j)
        for k in range(keys):
            at = k * row + j
            store(s + at, vload(s + at) * (vload(t + at) - mean))


def again(args: int, q: int, head: int, k0: int, keys: int, block: int, s: int) -> None:
    """The weights of a block of keys and one of queries, as they were forward."""
    depth, size = word(args, W.DEPTH), word(args, W.BLOCK)
    item = head * blocks_of(args) + block
    rows = word(args, W.K) + place(args, head, k0, word(args, W.KEYS), depth)
    queries = word(args, W.QT) + item * size * depth * ES
    scores(args, q, rows, step(args, depth), depth, keys, queries, s)
    biased(args, head, s, k0, keys, block * size)
    at = head * word(args, W.PADDED) + block * size
    weights(args, s, keys, word(args, W.LSE) + at * ES)


def back(args: int, q: int, head: int, k0: int, keys: int, block: int, s: int, t: int) -> None:
    """The gradient by the scores, of the weights s, in s."""
    width, size = word(args, W.WIDTH), word(args, W.BLOCK)
    item = head * blocks_of(args) + block
    rows = word(args, W.V) + place(args, head, k0, word(args, W.KEYS), width)
    queries = word(args, W.DOT) + item * size * width * ES
    scores(args, q, rows, step(args, width), width, keys, queries, t)
    at = head * word(args, W.PADDED) + block * size
    slopes(args, s, t, keys, word(args, W.DELTA) + at * ES)


def keys(args: int, begin: int, end: int) -> None:
    """Entry: a unit is a slot of the blocks of keys."""
    items, slots = word(args, W.ALL) * key_blocks_of(args), word(args, W.SLOTS)
    for slot in range(begin, end):
        scratch = word(args, WORKSPACE) + slot * word(args, W.SCRATCH)
        for item in range(items * slot // slots, items * (slot + 1) // slots):
            keys_of(args, item, scratch, 0)


def heads(args: int, begin: int, end: int) -> None:
    """Entry: a unit is a slot of the heads of all examples."""
    items, slots, blocks = word(args, W.ALL), word(args, W.SLOTS), key_blocks_of(args)
    for slot in range(begin, end):
        scratch = word(args, WORKSPACE) + slot * word(args, W.SCRATCH)
        for head in range(items * slot // slots, items * (slot + 1) // slots):
            for item in range(head * blocks, (head + 1) * blocks):
                keys_of(args, item, scratch, 1)
            unseen(args, head)


def unseen(args: int, head: int) -> None:
    """dq of a head without keys."""
    if word(args, W.KEYS) == 0:
        depth, count = word(args, W.DEPTH), word(args, W.QUERIES)
        dq = word(args, W.DQ) + place(args, head, 0, count, depth)
        for r in range(count):
            zero_bytes(dq + r * step(args, depth), depth * ES)


def keys_of(args: int, item: int, q: int, both: int) -> None:
    """dk and dv of one block; and, if both, what it adds to dq. Scratch: the tiles' words, s, t."""
    count, size = word(args, W.KEYS), word(args, W.BLOCK)
    depth, width, queries = word(args, W.DEPTH), word(args, W.WIDTH), word(args, W.QUERIES)
    blocks = key_blocks_of(args)
    head = item // blocks
    k0 = (item - head * blocks) * BLOCK_K
    rows = min(BLOCK_K, count - k0)
    s = q + Q.BYTES
    t = s + BLOCK_K * size * ES
    dk = word(args, W.DK) + place(args, head, k0, count, depth)
    dv = word(args, W.DV) + place(args, head, k0, count, width)
    begin_product(q)
    flags = 0
    first = k0 // size if word(args, W.CAUSAL) != 0 else 0
    for block in range(first, blocks_of(args)):
        q0 = block * size
        seen = min(size, queries - q0)
        again(args, q, head, k0, rows, block, s)
        at = word(args, W.DO) + place(args, head, q0, queries, width)
        row = step(args, width)
        down(args, q, s, rows, at, row, seen, width, dv, row, flags)
        back(args, q, head, k0, rows, block, s, t)
        at = word(args, W.Q) + place(args, head, q0, queries, depth)
        row = step(args, depth)
        down(args, q, s, rows, at, row, seen, depth, dk, row, flags)
        flags = ACCUMULATE
        if both != 0:  # as queries_of does
            at = word(args, W.K) + place(args, head, k0, count, depth)
            dq = word(args, W.DQ) + place(args, head, q0, queries, depth)
            reached = min(rows, last_key(args, q0) - k0)
            more = ACCUMULATE if k0 > 0 else 0
            across(args, q, s, seen, at, row, reached, depth, dq, row, more)
    if flags == 0:
        for r in range(rows):
            zero_bytes(dk + r * step(args, depth), depth * ES)
            zero_bytes(dv + r * step(args, width), width * ES)


def queries(args: int, begin: int, end: int) -> None:
    """Entry: a unit is a slot of the blocks of queries."""
    items, slots = word(args, W.ALL) * blocks_of(args), word(args, W.SLOTS)
    for slot in range(begin, end):
        scratch = word(args, WORKSPACE) + slot * word(args, W.SCRATCH)
        for item in range(items * slot // slots, items * (slot + 1) // slots):
            queries_of(args, item, scratch)


def queries_of(args: int, item: int, q: int) -> None:
    """dq of one block. Scratch: the tiles' words, s, t."""
    blocks, size, depth = blocks_of(args), word(args, W.BLOCK), word(args, W.DEPTH)
    head, row = item // blocks, step(args, depth)
    block = item - head * blocks
    rows = min(size, word(args, W.QUERIES) - block * size)
    s = q + Q.BYTES
    t = s + BLOCK_K * size * ES
    dq = word(args, W.DQ) + place(args, head, block * size, word(args, W.QUERIES), depth)
    begin_product(q)
    k0, stop, flags = 0, last_key(args, block * size), 0
    while k0 < stop:
        count = min(BLOCK_K, stop - k0)
        again(args, q, head, k0, count, block, s)
        back(args, q, head, k0, count, block, s, t)
        at = word(args, W.K) + place(args, head, k0, word(args, W.KEYS), depth)
        across(args, q, s, rows, at, row, count, depth, dq, row, flags)
        flags = ACCUMULATE
        k0 += count
    if flags == 0:
        for r in range(rows):
            zero_bytes(dq + r * row, depth * ES)
