"""What the recurrent kernels share: the words of their blocks, packed weights, one step's product.

A recurrent layer is a sequence of small products: h of a step [rows, state] times weights [state,
gates * units]. The weights are packed once per call of the program, the products of the inputs by
theirs are one large GEMM beforehand, and gradients by the weights one afterwards; so what is left
to these kernels per step is the product by h, and the gates while its result is in L1.

One unit of work is a block of rows (sequences) through all steps: rows know nothing of each other,
so there is no barrier, and an element's chain of operations is the same however rows are dealt out.
The price is that every block reads all weights in every step; they stay in L2. Two runs that do
not wait for each other, as those of a bidirectional layer, are one call (`..._both`): its blocks
have twice the rows, and weights are read half as often. A training step of a bidirectional LSTM on
two threads: of 32 units, 8 sequences, 120 us in place of 200 (a block each, side by side); of 256
units, 32 sequences, a fiftieth less.

Where a mask is false, a row's state stays as it was, and its output is 0 (or that state: CARRY).
Sequences of different lengths are such masks, also from their ends: a row waits in its initial
state until it begins.

Written in the subset of lang.py; nothing of a shape is in the code.

Source: Appleyard et al. 2016, "Optimizing Performance of Recurrent Neural Networks on GPUs"
(one product for all inputs; gates fused).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numflow.kernels.abi import HEADER, WORD, WORKSPACE
from numflow.kernels.cpu.gemm_packing import pack_rows, pack_transposed
from numflow.kernels.intrinsics import (
    ES,
    VL,
    Vec,
    call,
    copy_bytes,
    first_lanes,
    load_u8,
    set_word,
    store,
    vload,
    vload_masked,
    vstore_masked,
    word,
    zero_bytes,
    zeros,
)
from numflow.kernels.lang import Value, inline, intrinsic
from numflow.kernels.tiles import VECTORS_PLACE, Q

if TYPE_CHECKING:
    from numflow.kernels.lang_compiler import Compiler


class W:
    """Words of the argument blocks. Steps and rows in elements (of the mask: bytes).

    "Wide" arrays have a row of all gates per step and sequence, "narrow" ones a row of state. Rows
    of Y and DY may lie further apart: those of one direction are halves of what both make.
    """

    X = HEADER  # wide: the inputs' share of the gates
    U = HEADER + 1  # packed recurrent weights
    V = HEADER + 2  # packed: of the projection
    H0 = HEADER + 3
    C0 = HEADER + 4
    MASK = HEADER + 5  # 0: none
    EXTRA = HEADER + 6  # peepholes [3, units], or the candidate's bias [units]; 0: none
    Y = HEADER + 7
    HN = HEADER + 8
    CN = HEADER + 9
    GATES = HEADER + 10  # of four gates; 0: nothing is kept for a gradient
    CELLS = HEADER + 11
    BEFORE = HEADER + 12  # narrow: the state that a step began with
    DY = HEADER + 13
    DHN = HEADER + 14
    DCN = HEADER + 15
    DX = HEADER + 16
    DR = HEADER + 17  # wide: the gradient of the recurrent product, where it is not DX
    DH0 = HEADER + 18
    DC0 = HEADER + 19
    DP = HEADER + 20  # narrow: the gradient of the projection's result
    STEPS = HEADER + 21
    BATCH = HEADER + 22
    UNITS = HEADER + 23
    STATE = HEADER + 24  # elements of h: units, or fewer where there is a projection
    PROJECTED = HEADER + 25  # whether there is one
    TIME_MAJOR = HEADER + 26
    REVERSE = HEADER + 27
    KIND = HEADER + 28
    BLOCKS = HEADER + 29  # of rows: units of work
    PLACE0 = HEADER + 30  # gates, in the order of the code -> their places in wide rows
    PLACE1 = HEADER + 31
    PLACE2 = HEADER + 32
    PLACE3 = HEADER + 33
    VECTORS = HEADER + 34  # of a panel over units
    STATE_VECTORS = HEADER + 35  # of a panel over the state
    MOST = HEADER + 36  # rows of a tile
    TILES = HEADER + 37
    SCRATCH = HEADER + 38  # bytes of a unit
    CELL_CLIP = HEADER + 39  # bits of an element; inf: none
    STATE_CLIP = HEADER + 40
    CARRY = HEADER + 41  # whether a masked step's output is the state, not 0
    Y_ROW = HEADER + 42  # elements from row to row
    DY_ROW = HEADER + 43
    END = HEADER + 44


class P:
    """Words of the block of the packing kernels."""

    SOURCE = HEADER
    TARGET = HEADER + 1
    DEPTH = HEADER + 2  # rows of the weights
    UNITS = HEADER + 3
    GATES = HEADER + 4
    VECTORS = HEADER + 5
    PLACE0 = HEADER + 6


# --- packing ---------------------------------------------------------------------------------


def pack_gates(args: int, begin: int, end: int) -> None:
    """Entry: panels of weights [depth, gates * units], those of a block of units side by side."""
    depth, units, gates = word(args, P.DEPTH), word(args, P.UNITS), word(args, P.GATES)
    across = word(args, P.VECTORS) * VL
    for unit in range(begin, end):
        block = unit // gates
        gate = unit - block * gates
        left = block * across
        source = word(args, P.SOURCE) + (word(args, P.PLACE0 + gate) * units + left) * ES
        target = word(args, P.TARGET) + unit * depth * across * ES
        pack_rows(source, gates * units * ES, target, depth, min(across, units - left), across)


def pack_back(args: int, begin: int, end: int) -> None:
    """Entry: panels of the transpose of weights [depth, gates * units]."""
    depth, wide = word(args, P.DEPTH), word(args, P.GATES) * word(args, P.UNITS)
    across = word(args, P.VECTORS) * VL
    for unit in range(begin, end):
        left = unit * across
        source = word(args, P.SOURCE) + left * wide * ES
        target = word(args, P.TARGET) + left * wide * ES
        pack_transposed(source, wide * ES, target, wide, min(across, depth - left), across)


# --- places ------------------------------------------------------------------------------------


@inline
def padded(count: int) -> int:
    """Bytes of a row of scratch: whole lines, and one more, so that rows fall into many sets."""
    return (count * ES + 63) // 64 * 64 + 64


@inline
def place(args: int, t: int, row: int) -> int:
    """The number of the row of step t of a sequence, in a wide or a narrow array."""
    if word(args, W.TIME_MAJOR) != 0:
        return t * word(args, W.BATCH) + row
    return row * word(args, W.STEPS) + t


@inline
def step_of(args: int, s: int) -> int:
    """The step that is number s to be computed."""
    if word(args, W.REVERSE) != 0:
        return word(args, W.STEPS) - 1 - s
    return s


@inline
def alive(args: int, at: int) -> bool:
    """Whether the mask lets the step at this place happen."""
    mask = word(args, W.MASK)
    if mask == 0:
        return True
    return load_u8(mask + at) != 0


@inline
def first_row(args: int, unit: int) -> int:
    """The first row of a block."""
    return word(args, W.BATCH) * unit // word(args, W.BLOCKS)


@inline
def second_run(args: int) -> int:
    """The block of the second of two runs, whose words are behind those of the first."""
    other = args + W.END * WORD
    scratch = word(args, WORKSPACE) + word(args, W.BLOCKS) * word(args, W.SCRATCH)
    set_word(other, WORKSPACE, scratch)  # the same, whoever is first
    return other


@inline
def get(p: int, n: int) -> Vec:
    """The first n lanes at p, others 0; n >= VL: all."""
    x = vload(zeros())
    if n >= VL:
        x = vload(p)
    else:
        x = vload_masked(p, first_lanes(n))
    return x


@inline
def put(p: int, x: Vec, n: int) -> None:
    """Store the first n lanes; n >= VL: all."""
    if n >= VL:
        store(p, x)
    else:
        vstore_masked(p, x, first_lanes(n))


def _inside(c: Compiler, x: Value, bound: Value, d: Value) -> Value:
    v, b = c.vectors, c.b
    name = f"llvm.fabs.{v.suffix}"
    b.module.declare(name, f"declare {v.vector} @{name}({v.vector})")
    size = b(f"call {v.vector} @{name}({v.vector} {x.name})")
    out = b(f"fcmp oge {v.vector} {size}, {bound.name}")
    chosen = f"select {v.bits} {out}, {v.vector} zeroinitializer, {v.vector} {d.name}"
    return Value(v.vector, b(chosen))


@intrinsic(_inside)
def inside(x: Vec, bound: Vec, d: Vec) -> Vec:
    """d; 0 where x was clipped to between -bound and bound."""
    raise RuntimeError("kernels of lang.py run compiled only")


def _positive(c: Compiler, x: Value, d: Value) -> Value:
    v, b = c.vectors, c.b
    above = b(f"fcmp ogt {v.vector} {x.name}, zeroinitializer")
    chosen = f"select {v.bits} {above}, {v.vector} {d.name}, {v.vector} zeroinitializer"
    return Value(v.vector, b(chosen))


@intrinsic(_positive)
def positive(x: Vec, d: Vec) -> Vec:
    """d where x > 0, else 0."""
    raise RuntimeError("kernels of lang.py run compiled only")


def rest(args: int, y: int, h: int, count: int) -> None:
    """The output of `count` elements of a step that does not happen: 0, or the state."""
    if word(args, W.CARRY) != 0:
        copy_bytes(y, h, count * ES)
    else:
        zero_bytes(y, count * ES)


def rest_back(args: int, dy: int, dh: int, count: int) -> None:
    """The gradient of that by the state, added to dh."""
    if word(args, W.CARRY) != 0:
        for j in range(0, count, VL):
            store(dh + j * ES, vload(dh + j * ES) + get(dy + j * ES, count - j))


def load_rows(to: int, stride: int, source: int, rows: int, count: int) -> None:
    """Dense rows -> rows of scratch."""
    for r in range(rows):
        copy_bytes(to + r * stride, source + r * count * ES, count * ES)


def store_rows(to: int, source: int, stride: int, rows: int, count: int) -> None:
    """Rows of scratch -> dense rows."""
    for r in range(rows):
        copy_bytes(to + r * count * ES, source + r * stride, count * ES)


# --- products ------------------------------------------------------------------------------------


class F:
    """Further words of a tile's parameter block: rows that a step's tiles ask for on their way."""

    AT = Q.HIGH + 1  # address of the next one
    STRIDE = Q.HIGH + 2
    LEFT = Q.HIGH + 3
    WAIT = Q.HIGH + 4  # calls of tiles before the first that asks


def begin_product(q: int, depth: int, flags: int, a_row: int, c_row: int) -> None:
    """Set what all panels of a product share; A is in the cache, nothing is to be fetched."""
    low, high = -(1 << 23), 0x7F800000
    if ES == 8:
        low, high = -(1 << 52), 0x7FF0 << 48
    set_word(q, Q.LOW, low)
    set_word(q, Q.HIGH, high)
    set_word(q, Q.K, depth)
    set_word(q, Q.FLAGS, flags)
    set_word(q, Q.A_ROW, a_row)
    set_word(q, Q.A_STEP, ES)
    set_word(q, Q.C_ROW, c_row)
    set_word(q, Q.BIAS_PANEL, 0)
    set_word(q, Q.NEXT, q)
    set_word(q, Q.NEXT_ROW, 0)
    set_word(q, Q.NEXT_STEP, 0)
    set_word(q, F.LEFT, 0)
    set_word(q, F.WAIT, 0)


def fetch(
    args: int, q: int, array: int, s: int, r0: int, rows: int, count: int, calls: int
) -> None:
    """Have the product's tiles ask for what the step number s reads: rows of `count` elements.

    They wait for nothing, while the loads between products would wait for memory: LSTM of 256
    units, 32 sequences: a tenth of the time. calls: of tiles in the product. The last of them
    ask: what came earlier would have left the cache again, so many weights go through.
    """
    if s < 0 or s >= word(args, W.STEPS):
        return
    t, row = step_of(args, s), count * ES
    stride = row if word(args, W.TIME_MAJOR) != 0 else row * word(args, W.STEPS)
    set_word(q, F.AT, array + place(args, t, r0) * row)
    set_word(q, F.STRIDE, stride)
    set_word(q, F.LEFT, rows)
    set_word(q, F.WAIT, calls - (rows + 1) // 2)
    set_word(q, Q.NEXT_STEP, (row + word(q, Q.K) - 1) // word(q, Q.K))


def panel(args: int, q: int, a: int, rows: int, b: int, vectors: int, c: int, count: int) -> None:
    """C[rows, count * vectors] (+)= A[rows, depth] times `count` panels, in tiles of even height.

    More than one: those of a block of units, one for each gate. A tile's call runs over all, so
    that its set-up is paid once: LSTM of 256 units, 16 rows: a twentieth of the time.
    """
    most, tiles = word(args, W.MOST), word(args, W.TILES) + vectors * VECTORS_PLACE * 8
    a_row, c_row = word(q, Q.A_ROW), word(q, Q.C_ROW)
    set_word(q, Q.B_STEP, vectors * VL * ES)
    set_word(q, Q.B_PANEL, word(q, Q.K) * word(args, W.VECTORS) * VL * ES)
    high = (rows + most - 1) // most
    base = rows // high
    extra = rows - base * high
    for t in range(high):
        height = base + (1 if t < extra else 0)
        left = word(q, F.LEFT)
        wait = word(q, F.WAIT)
        set_word(q, F.WAIT, wait - 1)
        if left > 0 and wait <= 0:  # two rows at a time
            at, stride = word(q, F.AT), word(q, F.STRIDE)
            set_word(q, Q.NEXT, at)
            set_word(q, Q.NEXT_ROW, stride if left > 1 else 0)
            set_word(q, F.AT, at + 2 * count * stride)
            set_word(q, F.LEFT, left - 2 * count)
        call(word(tiles, height), q, a, b, c, zeros(), count)
        a += height * a_row
        c += height * c_row


def panels(
    args: int, q: int, a: int, rows: int, b: int, wide: int, count: int, across: int, c: int
) -> None:
    """C[rows, count] (+)= A[rows, depth] times weights [wide, count] in panels of `across`.

    b: the first panel, or further on by as many rows of it as are left out; depth is as
    begin_product said.
    """
    for left in range(0, count, across):
        vectors = (min(across, count - left) + VL - 1) // VL
        panel(args, q, a, rows, b + left * wide * ES, vectors, c + left * ES, 1)
