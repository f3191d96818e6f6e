"""A depthwise convolution and the pool behind it, of each stripe of rows while that is in a cache.

The rows that a row of the pool reads are made in the workspace by the loops of depthwise_nest.py,
and pooled there by those of pool_nest.py, as pool_behind.py tells of the other convolutions. The
argument blocks of both are parts of this one's, and are copied to the workspace. Stripes of a
quarter of an L2 cache are the fastest: for each, the convolution lists its taps anew.

Bound: memory: what is between is neither written nor read again.
"""

from __future__ import annotations

from numflow.kernels import lang
from numflow.kernels.abi import HEADER, WORKSPACE
from numflow.kernels.cpu import depthwise
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.conv import SHARED, most_pooled
from numflow.kernels.cpu.depthwise_nest import PAST
from numflow.kernels.cpu.depthwise_nest import W as D
from numflow.kernels.cpu.depthwise_nest import depthwise as make_rows
from numflow.kernels.cpu.gemm import _l2_bytes, _lines
from numflow.kernels.cpu.pool_behind import BYTES, POOL_X, WORDS, Behind, enter_block
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import ES, call_entry, copy_bytes, set_word, word
from numflow.kernels.ir import Vectors


class W:
    """Words of the argument block. Sizes in elements."""

    X = HEADER
    F = HEADER + 1
    Y = HEADER + 2  # of the pool
    PLACES = HEADER + 3
    BIAS = HEADER + 4
    POOL = HEADER + 5  # entry of the pool
    POOLED = HEADER + 6  # rows of an image of its result
    BAND = HEADER + 7  # of these, in a unit
    BANDS = HEADER + 8
    STEP = HEADER + 9  # that go through together
    STRIDE = HEADER + 10  # of its window, along rows
    FRONT = HEADER + 11
    SPAN = HEADER + 12  # rows that its window is over
    ROWS = HEADER + 13  # of the convolution's result
    LINE = HEADER + 14  # elements of one of them
    CHUNK = HEADER + 15
    SCRATCH = HEADER + 16
    STRIPE = HEADER + 17  # bytes of the workspace in front of the rows
    BLOCKS = HEADER + 18  # and of the blocks
    INNER = HEADER + 19  # words of the convolution
    BEHIND = HEADER + 19 + D.END - HEADER  # words of the pool


def plan(
    s: depthwise.Sizes,
    behind: Behind,
    dtype: str = "float32",
    *,
    bias: bool = False,
    activation: str = "",
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """What a pool makes of a depthwise convolution of x with f (+ bias) (relu).

    Args:
      s: the sizes of the convolution.
      behind: the pool of its result; its window does not share most of its rows with the next.
      bias: a vector of channels is added.
      activation: "", "relu" or "relu6".
      threads: how many may share the work; speed only.

    Operands: x, f, the pool's result, places if it has them, bias if there is one; dense.
    """
    v = Vectors(dtype, target or Target.host())
    made = depthwise.plan(s, dtype, bias=bias, activation=activation, target=v.target)
    inner = made.words([0] * made.pointers)
    inner[D.FLAGS - HEADER] &= PAST - 1  # what is written is read at once
    inner[D.CHUNK - HEADER] = 1 << 40  # a unit has one workspace
    rows, apart = behind.window.result[1], behind.span <= behind.window.strides[1]
    line = s.result_columns * s.channels
    wanted = -(-4 * threads // max(1, s.batch))  # bands of an image
    band = min(rows, max(1 if apart else SHARED, -(-rows // wanted))) or 1
    bands = -(-rows // band)
    step = most_pooled(behind, _l2_bytes() // 4 // max(1, line * v.itemsize), band)
    stripe = _lines(inner[D.SCRATCH - HEADER]) + 64
    tall = min(behind.rows(step), s.result_rows)
    blocks = _lines(stripe + tall * line * v.itemsize) + 192
    scratch = _lines(blocks + D.END * 8 + BYTES)
    units = s.batch * bands if s.channels and behind.window.result[2] else 0
    address, pool_words = behind.entry(v.dtype, v.target)
    chunk = max(1, units // (8 * threads))
    values = {
        W.POOL: address,
        W.POOLED: rows,
        W.BAND: band,
        W.BANDS: bands,
        W.STEP: step,
        W.STRIDE: behind.window.strides[1],
        W.FRONT: behind.window.padding[1],
        W.SPAN: behind.span,
        W.ROWS: s.result_rows,
        W.LINE: line,
        W.CHUNK: chunk,
        W.SCRATCH: scratch,
        W.STRIPE: stripe,
        W.BLOCKS: blocks,
        **dict(enumerate(inner, W.INNER)),
        **dict(enumerate(pool_words, W.BEHIND)),
    }
    places = [W.X, W.F, W.Y, *[W.PLACES] * (behind.outputs == 2), *[W.BIAS] * bias]
    end = W.BEHIND + WORDS
    constants = tuple(values.get(place, 0) for place in range(HEADER, end) if place not in places)
    entry = lang.addresses(depthwise_pooled, dtype=v.dtype, target=v.target)["depthwise_pooled"]
    workspace = -(-units // chunk) * scratch
    positions = tuple(place - HEADER for place in places)
    return Call(entry, units, chunk, len(places), constants, workspace, positions)


def depthwise_pooled(args: int, begin: int, end: int) -> None:
    """Entry: units begin .. end, each a band of rows of the pool."""
    q = word(args, WORKSPACE) + begin // word(args, W.CHUNK) * word(args, W.SCRATCH)
    stripe, inner = q + word(args, W.STRIPE), q + word(args, W.BLOCKS)
    pool = inner + D.END * 8
    copy_bytes(inner, args, HEADER * 8)
    copy_bytes(inner + HEADER * 8, args + W.INNER * 8, (D.END - HEADER) * 8)
    set_word(inner, WORKSPACE, q)
    set_word(inner, D.X, word(args, W.X))
    set_word(inner, D.F, word(args, W.F))
    set_word(inner, D.BIAS, word(args, W.BIAS))
    enter_block(args, W.BEHIND, pool, word(args, W.Y), word(args, W.PLACES))
    bands, pooled, rows = word(args, W.BANDS), word(args, W.POOLED), word(args, W.ROWS)
    stride, front, line = word(args, W.STRIDE), word(args, W.FRONT), word(args, W.LINE) * ES
    for unit in range(begin, end):
        image = unit // bands
        first = (unit - image * bands) * word(args, W.BAND)
        last = min(pooled, first + word(args, W.BAND))
        start = max(0, min(rows, first * stride - front))
        base, done = start, start  # the stripe's rows
        while first < last:
            until = min(last, first + word(args, W.STEP))
            start = max(0, min(rows, first * stride - front))
            if start > base:
                for row in range(start, done):
                    copy_bytes(stripe + (row - start) * line, stripe + (row - base) * line, line)
            base, done = start, max(start, done)
            at = stripe - (image * rows + base) * line
            behind = min(rows, (until - 1) * stride - front + word(args, W.SPAN))
            if done < behind and line > 0:
                set_word(inner, D.Y, at)
                make_rows(inner, image * rows + done, image * rows + behind)
                done = behind
            set_word(pool, POOL_X, at)
            call_entry(word(args, W.POOL), pool, image * pooled + first, image * pooled + until)
            first = until
