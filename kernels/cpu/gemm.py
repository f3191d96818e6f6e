"""Matrix products on the CPU: C = op(A) @ op(B), row-major, with bias, relu, generated epilogue.

`plan` turns the sizes of one product, or of a batch of them, into a list of integers in about 40
us: which tile, what to pack, how the work is cut. The loops that read them are in gemm_nest.py and
gemv.py, the register tiles in tiles.py; all three are compiled once for all shapes, when a plan
first needs them (cold first product 30 to 60 ms, from the object cache 4).

    p = plan(m, n, k, "float32", bias=True, threads=2)
    block = [context, workspace, p.units, node, *p.words([a, b, c, bias])]
    kernel(p.address)(block, 0, p.units)

Where several slots would pack the same columns of B, the plan is two calls (`then`): the first
packs B for all of them. 2048x128x1024, B transposed: 384 and with it 416 GFLOP/s of two threads.

Units may also go in ranges that start at multiples of p.chunk, in any order, in parallel. The bits
of the result depend on sizes, dtype and machine, not on `threads` and not on how units are dealt
out: only M and N are cut, and blocks of k follow from K alone.

Bound: fused multiply-adds (2 * M * N * K flops) for sizes over about 64; packing for few rows;
memory for M = 1, N = 1.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence

from numflow.kernels import engine, lang, tiles
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.gemm_nest import (
    BATCH_RANK,
    W,
    gemm,
    pack_shared,
    thin,
)
from numflow.kernels.cpu.gemm_packing import pack_rows, pack_transposed
from numflow.kernels.cpu.gemv import AXPY_A, AXPY_B, DOT_A, DOT_B, gemv
from numflow.kernels.engine import Target
from numflow.kernels.ir import Vectors
from numflow.kernels.records import NamedTuple
from numflow.kernels.tiles import ACCUMULATE, ACTIVATIONS, BIAS, EPILOGUE, Epilogue, Q, Tile

KC = 384
"""Most steps of k that go through at once: a panel of B (two vectors wide) about fills L1."""
WIDE_KC = 512
"""The same with AVX-512: 1024x1024x1024 1 %, 1024x256x1024 2 % faster than with 384."""
NARROW = 4
"""Panels of B, at most, of which twice as many steps go through: of fewer passes over C more is
gained than panels in L1 are worth. 2048x128x1024: 416 and with it 431 GFLOP/s of two threads."""
SHARE = 250_000
"""Multiply-adds per slot below which a further thread does not pay: 2 us with AVX-512."""

SHARED = 1 << 15
"""Elements of B from which packing it once for all slots is worth a launch of its own."""

FINE_SHARE = 16_000_000
"""Multiply-adds per slot from which finer slots cost less than 2 % (each packs for itself)."""


class Batch(NamedTuple):
    """One leading dimension: its size, strides in elements; a stride of 0 repeats the operand."""

    size: int
    a: int
    b: int
    c: int


class _Choice(NamedTuple):
    """How a product is computed: mode (0: tiles), entry, tile, blocks, packing, grid of slots."""

    mode: int = 0
    entry: lang.Function = gemm
    rows: int = 1
    vectors: int = 1
    kc: int = 1
    nc: int = 1
    pack_a: int = 0
    pack_b: int = 0
    grid_m: int = 1
    grid_n: int = 1
    a_bytes: int = 0
    scratch: int = Q.BYTES
    shared: bool = False  # B is packed once, for all slots


def plan(
    m: int,
    n: int,
    k: int,
    dtype: str = "float32",
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    lda: int = 0,
    ldb: int = 0,
    ldc: int = 0,
    bias: bool = False,
    activation: str = "",
    accumulate: bool = False,
    epilogue: Epilogue | None = None,
    batch: Sequence[Batch] = (),
    threads: int = 1,
    aligned_b: bool = True,
    target: Target | None = None,
) -> Call:
    """C[m, n] = op(A)[m, k] @ op(B)[k, n] (+ C) (+ bias[n]) (epilogue) (relu), in this order.

    Operands: a, b, c; the bias where there is one; with an epilogue a, b, c, bias or 0 and the two
    extra tensors or 0. A launch hands out ranges that start at multiples of the call's chunk, whose
    units share one workspace (or all units at once).

    Args:
      m, n, k: sizes; any of them may be 0 (k = 0: the product is 0).
      dtype: "float32" or "float64".
      transpose_a, transpose_b: A is stored as [k, m], B as [n, k].
      lda, ldb, ldc: elements from one row to the next as stored; 0: the length of a row.
      bias: a row vector is added.
      activation: "", "relu" or "relu6"; of NaN they are NaN.
      accumulate: add to C; otherwise C is not read.
      epilogue: applied to every element; its extra tensors have C's shape and strides.
      batch: leading dimensions, outermost first; at most four once neighbours were merged.
      threads: how many threads may share the work; speed only.
      aligned_b: B's address is a multiple of the vector width; speed only.
      target: machine to compile for; default the one at hand.

    Raises:
      ValueError: an unknown activation or dtype, or too many batch dimensions.
    """
    if activation not in ACTIVATIONS or dtype not in ("float32", "float64"):
        raise ValueError(
            "gemm: activation '', 'relu' or 'relu6' and dtype float32 or float64 are wanted."
            f" Received: {activation!r}, {dtype!r}"
        )
    v = Vectors(dtype, target or Target.host())
    lda, ldb, ldc = lda or (m if transpose_a else k), ldb or (k if transpose_b else n), ldc or n
    dims, m = _merged(list(batch), m, None if transpose_a else lda, ldc)
    if len(dims) > BATCH_RANK:
        raise ValueError(
            f"gemm: at most {BATCH_RANK} batch dimensions that do not merge. Received: {len(dims)}"
        )
    count = 1
    for d in dims:
        count *= d.size
    flags = (
        ACCUMULATE * accumulate
        | BIAS * bias
        | ACTIVATIONS[activation]
        | EPILOGUE * (epilogue is not None)
    )
    shape = _Shape(m, n, k, transpose_a, transpose_b, lda, ldb, ldc, flags, aligned_b)
    work = max(m * n * k, 1)
    shares = max(1, min(threads, count * work // SHARE))
    if (
        shares > 1
    ):  # finer where it costs nothing, so that a thread that comes late leaves work to others
        shares = max(shares, min(4, count * work // FINE_SHARE // threads) * threads)
    slots = -(-shares // count) if count else 1
    choice = _choose(v, shape, slots, alone=count == 1)
    slots = choice.grid_m * choice.grid_n
    units = count * slots if m * n else 0
    # a chunk is a slot of a large matrix, or several small matrices of a batch
    chunk = (
        1
        if slots > 1 or units <= shares
        else max(1, min(-(-units // shares), -(-4 * SHARE // work)))
    )
    pack = pack_transposed if transpose_b else pack_rows
    wanted = _tiles_of(v, shape, choice) if choice.mode == 0 and units else []
    address, pack_b, table = engine.all_of(
        lambda: _address(choice.entry, v),
        lambda: _address(pack, v) if choice.pack_b else 0,
        lambda: tiles.table(wanted, v, epilogue) if wanted else 0,
    )
    wide = -(-n // v.lanes) * v.lanes
    constants = _constants(
        {
            W.M: m,
            W.N: n,
            W.K: k,
            W.TRANSPOSE_A: int(transpose_a),
            W.TRANSPOSE_B: int(transpose_b),
            W.LDA: lda,
            W.LDB: ldb,
            W.LDC: ldc,
            W.FLAGS: flags,
            W.MODE: choice.mode,
            W.ROWS: choice.rows,
            W.VECTORS: choice.vectors,
            W.KC: choice.kc,
            W.NC: choice.nc,
            W.PACK_A: choice.pack_a,
            W.PACK_B: pack_b,
            W.GRID_M: choice.grid_m,
            W.GRID_N: choice.grid_n,
            W.SLOTS: slots,
            W.CHUNK: chunk,
            W.SCRATCH: choice.scratch,
            W.A_BYTES: choice.a_bytes,
            W.TILES: table,
            W.WIDE: wide,
        },
        dims,
    )
    operands = 6 if epilogue is not None else 3 + bias
    workspace = -(-units // chunk) * choice.scratch
    product = Call(address, units, chunk, operands, constants[operands:], workspace)
    if not choice.shared:
        return product
    panels = -(-n // (choice.vectors * v.lanes))
    return product._replace(
        address=_address(pack_shared, v),
        units=panels,
        chunk=max(1, panels // (4 * threads)),
        workspace_bytes=0,
        shared_bytes=k * wide * v.itemsize,
        shared_position=W.PACKED - W.A,
        then=product,
        prepares=True,
    )


def _address(f: lang.Function, v: Vectors) -> int:
    return lang.addresses(f, dtype=v.dtype, target=v.target)[f.__name__]


def _constants(values: dict[int, int], dims: list[Batch]) -> tuple[int, ...]:
    """The operand words in order, 0 where an address goes."""
    for i in range(BATCH_RANK):
        d = dims[-1 - i] if i < len(dims) else Batch(1, 0, 0, 0)
        values[W.BATCH_SIZES + i] = d.size
        values[W.BATCH_A + i], values[W.BATCH_B + i], values[W.BATCH_C + i] = d.a, d.b, d.c
    return tuple(values.get(place, 0) for place in range(W.A, W.END))


def _merged(dims: list[Batch], m: int, lda: int | None, ldc: int) -> tuple[list[Batch], int]:
    """Batch dimensions without those of size 1, neighbours merged, and m.

    A [5, m, k] times one B [k, n] is a single product of 5 * m rows (lda: None if A is transposed).
    """
    out: list[Batch] = []
    for d in dims:
        if d.size == 1:
            continue
        if out and all(
            outer == d.size * inner
            for outer, inner in ((out[-1].a, d.a), (out[-1].b, d.b), (out[-1].c, d.c))
        ):
            d = Batch(out.pop().size * d.size, d.a, d.b, d.c)
        out.append(d)
    while (
        out and lda is not None and out[-1].b == 0 and out[-1].a == m * lda and out[-1].c == m * ldc
    ):
        m *= out.pop().size
    return out, m


class _Shape(NamedTuple):
    m: int
    n: int
    k: int
    transpose_a: bool
    transpose_b: bool
    lda: int
    ldb: int
    ldc: int
    flags: int
    aligned_b: bool


def _choose(v: Vectors, s: _Shape, slots: int, *, alone: bool) -> _Choice:
    """How to compute one matrix. Mode and kc decide the bits: they follow from the sizes alone."""
    if s.m * s.n == 0:
        return _Choice()
    if not s.flags & EPILOGUE:
        mode = 0
        if s.n == 1 and not s.transpose_a:
            mode = DOT_A
        elif s.m == 1:
            mode = DOT_B if s.transpose_b else AXPY_B
        elif s.n == 1 and s.ldc == 1:
            mode = AXPY_A
        if mode:
            return _vector_choice(v, s, mode, slots)
        narrow = s.n < 2 * v.lanes and s.n % v.lanes and s.m >= 4 * v.lanes
        if s.transpose_a and narrow:
            return _narrow_choice(v, s, slots)
    return _tile_choice(v, s, slots, alone)


def _vector_choice(v: Vectors, s: _Shape, mode: int, slots: int) -> _Choice:
    if mode in (AXPY_A, AXPY_B):
        return _Choice(mode, gemv, grid_n=min(slots, -(-max(s.m, s.n) // (2 * v.lanes))))
    rows, step = (
        (s.m, 1 if s.transpose_b else s.ldb)
        if mode == DOT_A
        else (s.n, s.lda if s.transpose_a else 1)
    )
    copy = 0 if step == 1 else _lines(s.k * v.itemsize)  # of the vector, made contiguous
    return _Choice(mode, gemv, grid_m=min(slots, rows), scratch=64 + copy)


def _narrow_choice(v: Vectors, s: _Shape, slots: int) -> _Choice:
    """Blocks of 8 vectors of rows; they and their transpose are the workspace."""
    rows = _even(s.n, tiles.largest_rows(v, 2))
    block = 8 * v.lanes
    row = -(-s.n // v.lanes) * v.target.vbytes
    return _Choice(
        entry=thin, rows=rows, vectors=2, kc=s.k, nc=block, grid_m=min(slots, -(-s.m // block)),
        scratch=_lines(Q.BYTES + 2 * row * block) + 192,
    )  # fmt: skip


def _tile_choice(v: Vectors, s: _Shape, slots: int, alone: bool) -> _Choice:
    size, width = v.itemsize, v.lanes
    # at most three rows leave room for more vectors
    vectors = min({1: 4, 2: 4, 3: 3}.get(s.m, 2), -(-s.n // width))
    nr = vectors * width
    rows = _even(s.m, tiles.largest_rows(v, vectors))
    down, across = -(-s.m // rows), -(-s.n // nr)
    share = alone and s.n * s.k >= SHARED and slots > 1
    grid_m, grid_n = _grid(v, s, slots, rows, nr, share)
    m, n = -(-down // grid_m) * rows, min(s.n, -(-across // grid_n) * nr)  # of the largest slot
    most = WIDE_KC if v.target.bits == 512 else KC
    kc = max(1, _even(s.k, 2 * most if across <= NARROW else most))
    if kc < s.k:
        kc = -(-kc // 8) * 8
    pack_b = s.transpose_b or (m > rows and not _in_place(v, s, m, kc))
    shared = bool(share and pack_b and grid_m > 1)
    nc = max(nr, int(_l2_bytes() * 1.375) // size // kc // nr * nr)
    nc = min(nc, -(-n // nr) * nr)
    # A is copied if it is read often with a stride, or with one that falls into the same cache sets
    pack_a = nc > 2 * nr if s.transpose_a else s.lda * size % 2048 == 0 and rows > 4 and nc > nr
    a_bytes = b_bytes = 0
    if pack_a:
        a_bytes = _lines(
            (kc * -(-rows // width) * width if s.transpose_a else rows * (kc + width)) * size
        )
    if pack_b and not shared:
        b_bytes = _lines(kc * (nc + width) * size)
    # 192: three lines, so that the workspaces of two slots do not start in the same cache set
    scratch = Q.BYTES + a_bytes + b_bytes + 192
    return _Choice(
        rows=rows,
        vectors=vectors,
        kc=kc,
        nc=nc,
        pack_a=int(pack_a),
        pack_b=int(pack_b),
        grid_m=grid_m,
        grid_n=grid_n,
        a_bytes=a_bytes,
        scratch=scratch,
        shared=shared,
    )


def _in_place(v: Vectors, s: _Shape, m: int, kc: int) -> bool:
    """Whether `m` rows are multiplied faster with B where it is than with a copy.

    Measured: a copy pays from about 512 KB / stride rows on (AVX2: 256 KB; long strides cost TLB
    entries), and if a block of k rows at this stride has no room in its sets of L2 and is read
    often. Vectors that straddle cache lines cost AVX2 28 %.
    """
    stride = s.ldb * v.itemsize
    if s.k * s.n * v.itemsize <= 32768:
        return True
    if v.target.bits < 512 and not (s.aligned_b and stride % v.target.vbytes == 0):
        return m <= 4 * tiles.largest_rows(v, 2)
    power = stride & -stride  # of two, in the stride
    fits = kc * power <= _l2_bytes() or m <= 6 * tiles.largest_rows(v, 2)
    return fits and m * stride <= 8192 * v.target.vbytes


def _grid(v: Vectors, s: _Shape, slots: int, rows: int, nr: int, share: bool) -> tuple[int, int]:
    """Rows x columns of slots: least work of the busiest, with its packing of B and loads of A.

    share: slots of the same columns have B packed once.
    """
    down, across = -(-s.m // rows), -(-s.n // nr)
    best, grid = float("inf"), (1, 1)
    for grid_m in range(1, slots + 1):
        grid_n = slots // grid_m
        if slots % grid_m or grid_m > down or grid_n > across:
            continue
        m, n = -(-down // grid_m) * rows, -(-across // grid_n) * nr
        packing = (6 if s.transpose_b else 2) * n / v.lanes
        if share and grid_m > 1:  # a share of it, and panels that another core has made
            packing = packing / grid_m + 2 * n / v.lanes
        cost = m * n / (2 * v.lanes) + packing + 0.3 * m
        if cost < best:
            best, grid = cost, (grid_m, grid_n)
    return grid


def _tiles_of(v: Vectors, s: _Shape, choice: _Choice) -> list[Tile]:
    """Every tile that the nest will call: the places of others are empty."""
    m, n = (s.m, s.n) if choice.entry is gemm else (s.n, s.m)
    nr = choice.vectors * v.lanes
    count = -(-m // choice.rows)
    heights = {m // count, -(-m // count)}
    widths = [(choice.vectors, False)] if n >= nr else []
    if n % nr:
        widths.append((-(-(n % nr) // v.lanes), n % v.lanes > 0))
    return [Tile(rows, vectors, tail) for rows in sorted(heights) for vectors, tail in widths]


def _even(size: int, largest: int) -> int:
    """The largest part if `size` is cut evenly into the fewest parts of at most `largest`."""
    return -(-size // -(-size // largest)) if size else 0


def _lines(count: int) -> int:
    """Bytes, rounded up to cache lines."""
    return -(-count // 64) * 64


@functools.cache
def _l2_bytes() -> int:
    try:
        return max(os.sysconf("SC_LEVEL2_CACHE_SIZE"), 0) or 1 << 20
    except (ValueError, OSError, AttributeError):
        return 1 << 20
