"""Where bytes are true: how many there are, and at which places.

    count_true   counts[b] = the number of true bytes in block b of mask[n]
    positions    out[k] = the index of the true byte number k, for all of them, in order

Two passes over the mask in PARTS blocks, the same for any number of threads: a block's results
begin where those of the blocks before it end, which the first pass has counted.

Bound: memory: n bytes read in each pass, 8 bytes written for each that is true. Written in the
subset of lang.py.
"""

from __future__ import annotations

from numflow.kernels import lang
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu.call import Call
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import load_i64, load_u8, store_i64, word
from numflow.kernels.lang import inline

PARTS = 64  # blocks of a mask
_CHUNK = 1 << 15  # bytes that are worth being handed to a thread
_ONES = 0x0101010101010101  # times this, the highest byte is the sum of all eight


class W:
    """Words of the argument blocks of both kernels."""

    MASK = HEADER
    COUNTS = HEADER + 1
    LENGTH = HEADER + 2  # of count_true
    OUT = HEADER + 2  # of positions
    LENGTH_OUT = HEADER + 3
    COUNT = HEADER + 4  # elements of OUT


def plan_count_true(n: int, *, target: Target | None = None) -> Call:
    """int64 counts[PARTS] of mask[n], bytes that are 0 or 1. One unit is one block."""
    address = lang.addresses(count_true, target=target)["count_true"]
    return Call(address, PARTS, _chunk(n), 2, (n,))


def plan_positions(n: int, count: int, *, target: Target | None = None) -> Call:
    """int64 out[count] of mask[n] and its counts, whose sum is count. One unit is one block.

    Counts that are not those of the mask give wrong places, but none outside of out is written.
    """
    address = lang.addresses(positions, target=target)["positions"]
    return Call(address, PARTS, _chunk(n), 3, (n, count))


def _chunk(n: int) -> int:
    """Blocks that make a piece of work; all of them where the mask is short."""
    return max(1, min(PARTS, _CHUNK * PARTS // max(n, 1)))


def count_true(args: int, begin: int, end: int) -> None:
    """Entry: blocks begin .. end."""
    mask, counts, n = word(args, W.MASK), word(args, W.COUNTS), word(args, W.LENGTH)
    for part in range(begin, end):
        i, stop = n * part // PARTS, n * (part + 1) // PARTS
        total = 0
        while i + 8 <= stop:
            total += ((load_i64(mask + i) * _ONES) >> 56) & 255
            i += 8
        while i < stop:
            total += load_u8(mask + i)
            i += 1
        store_i64(counts + part * 8, total)


@inline
def after(out: int, count: int, limit: int) -> int:
    """Where the results of a block end that begin at out."""
    return max(out, min(limit, out + load_i64(count) * 8))


def positions(args: int, begin: int, end: int) -> None:
    """Entry: blocks begin .. end."""
    mask, counts = word(args, W.MASK), word(args, W.COUNTS)
    out, n = word(args, W.OUT), word(args, W.LENGTH_OUT)
    limit = out + word(args, W.COUNT) * 8
    for part in range(begin):
        out = after(out, counts + part * 8, limit)
    for part in range(begin, end):
        last = after(out, counts + part * 8, limit)
        i, stop = n * part // PARTS, n * (part + 1) // PARTS
        # Eight are written whether true or not, and the next ones over those that were not: nothing
        # to guess, which a branch would do wrong half the time. Never past the block's results.
        while i + 8 <= stop and out + 64 <= last:
            eight = load_i64(mask + i)
            if eight != 0:
                for k in range(8):
                    store_i64(out, i + k)
                    out += load_u8(mask + i + k) * 8
            i += 8
        while i < stop and out < last:
            if load_u8(mask + i) != 0:
                store_i64(out, i)
                out += 8
            i += 1
        out = last
