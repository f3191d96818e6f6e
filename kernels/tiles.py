"""Register tiles: the innermost loops of matrix products, emitted as LLVM functions.

A tile keeps rows x vectors of C in registers while it runs over k. One function per (rows, vectors,
masked tail, epilogue) serves every shape and layout, because all else is an argument: depth,
strides, mask. A(m, k) lies at row pointer[m] + a running offset, so A row-major, transposed or
packed is a matter of two strides, and B in place or packed one of another two: an integer addition
per k each, free beside the multiplications. A call runs over neighbouring panels (the innermost
loop of the nest), so that its set-up is paid once per row of tiles; meanwhile it prefetches the
rows of A that the next call reads (4096x256x784: 79 -> 94 % of the bound).

The bias is the initial value of the accumulators, relu an unconditional max with 0 or -inf, relu6
also a min with 6 or inf: none costs a branch or a tile of its own. Each element is one chain of
fused multiply-adds in the order of k, whatever tile computes it: that is why results do not depend
on how a product is cut.

Bound: two fused multiply-adds per cycle. AVX-512: 12 x 2 vectors, 24 accumulators of 32 registers;
AVX2: 6 x 2 of 16. Compile time follows the instructions emitted: about 1 ms per tile of 4 rows, 6
to 12 for the largest; so tiles are compiled when a plan first needs them, each its own entry of the
object cache.

Sources: Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication"; Van Zee &
van de Geijn 2015, "BLIS"; Heinecke et al. 2016, "LIBXSMM" (tiles made at run time).
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterable

from numflow.kernels import background, engine
from numflow.kernels.ir import Builder, Module, Vectors
from numflow.kernels.lang import sources
from numflow.kernels.records import NamedTuple

ACCUMULATE, BIAS, RELU, EPILOGUE, UP_TO_SIX = 1, 2, 4, 8, 16
"""Flags: add to C instead of overwriting it; add a row vector; max with 0; generated epilogue; min
with 6."""

ACTIVATIONS = {"": 0, "relu": RELU, "relu6": RELU | UP_TO_SIX}
"""The flags of what kernels apply to their results."""

VECTORS_PLACE, TAIL_PLACE = 64, 32
"""Steps from one tile to another in a table of tiles."""
TABLE_PLACES = 5 * VECTORS_PLACE


class Q:
    """Words of the parameter block of a tile. Strides in bytes."""

    K = 0
    A_ROW = 1
    A_STEP = 2  # from k to k + 1
    B_STEP = 3
    C_ROW = 4
    FLAGS = 5  # ACCUMULATE, EPILOGUE
    B_PANEL = 6  # from one panel to the next
    BIAS_PANEL = 7
    LOW = 8  # an element: 0 for relu, -inf without
    MASK = 9  # address of the mask of the last vector; tiles with a tail only
    EXTRA0 = 10  # address of the first extra tensor of the epilogue minus that of C
    EXTRA1 = 11
    NEXT = 12  # address of the A of the following tile, to be prefetched
    NEXT_ROW = 13
    NEXT_STEP = 14  # from k to k + 1
    SEGMENTS = 15  # how many runs of K steps; of segmented tiles only, as is RUNS
    RUNS = 16  # address of two words each: bytes from A to the run, rows of B before it
    HIGH = 17  # an element: 6 for relu6, inf without
    BYTES = 192


class Epilogue(NamedTuple):
    """An elementwise expression applied to every element of C before it is stored (before relu).

    key: canonical text of the expression: part of the name under which its tiles are cached.
    emit: emit(builder, x, operand) writes the code for one vector x and returns the new value;
      operand(j) loads the
        vector of the j-th extra tensor, which has the shape and layout of C. Dead lanes hold zeros,
        their result is dropped.
    """

    key: str
    emit: Callable[[Builder, str, Callable[[int], str]], str]


RESIDUAL = Epilogue("x + p", lambda b, x, operand: b.binary("fadd", x, operand(0)))
"""Adds a tensor that lies as C does."""


class Tile(NamedTuple):
    """rows x vectors of C; tail: the last vector has a mask.

    segmented: k goes through in runs that lie anywhere in A: the rows of a convolution's window.
    """

    rows: int
    vectors: int
    tail: bool
    segmented: bool = False

    @property
    def place(self) -> int:
        """Index in a table of tiles."""
        return self.vectors * VECTORS_PLACE + self.tail * TAIL_PLACE + self.rows


def largest_rows(vectors: Vectors, count: int) -> int:
    """Rows of the tallest tile of `count` vectors: sums, B's vectors, one of A fill the registers.

    12 x 2 of 32 is as fast as 13 x 2 and 14 x 2, and leaves fewer remainders.
    """
    if vectors.target.registers == 32:
        return min(12, (32 - count - 1) // count)
    return 8 if count == 1 else (16 - count - 1) // count


def table(wanted: Iterable[Tile], vectors: Vectors, epilogue: Epilogue | None = None) -> int:
    """Address of the table of tile addresses, in which the wanted tiles are filled in.

    One table per element type, machine, epilogue and whether segmented, for the life of the
    process: the wanted ones are all segmented or none is.
    """
    tiles = list(wanted)
    key, segmented = epilogue.key if epilogue else "", bool(tiles) and tiles[0].segmented
    places = _table(vectors, key, segmented)
    engine.all_of(
        *(
            functools.partial(_place, tile, vectors, epilogue)
            for tile in tiles
            if not places[tile.place]
        )
    )
    return ctypes.addressof(places)


def _place(tile: Tile, vectors: Vectors, epilogue: Epilogue | None) -> None:
    places = _table(vectors, epilogue.key if epilogue else "", tile.segmented)
    before, new = engine.compiles(), True
    try:
        places[tile.place] = _compiled(tile, vectors, epilogue)
        new = engine.compiles() > before
    finally:  # or it is still to be compiled
        kind = tile._replace(rows=0), vectors, epilogue.key if epilogue else ""
        if new and kind not in _foreseen:
            _foreseen.add(kind)
            background.later(functools.partial(_others, tile, vectors, epilogue))


_foreseen: set[tuple[Tile, Vectors, str]] = set()


def _others(tile: Tile, vectors: Vectors, epilogue: Epilogue | None) -> None:
    """Tiles of other heights, before a batch of another size asks for them."""
    places = _table(vectors, epilogue.key if epilogue else "", tile.segmented)
    for rows in range(1, largest_rows(vectors, tile.vectors) + 1):
        other = tile._replace(rows=rows)
        if not places[other.place]:
            places[other.place] = _compiled(other, vectors, epilogue, counted=False)


@functools.cache
def _table(vectors: Vectors, key: str, segmented: bool) -> ctypes.Array[ctypes.c_int64]:
    return (ctypes.c_int64 * TABLE_PLACES)()


def _compiled(tile: Tile, vectors: Vectors, epilogue: Epilogue | None, counted: bool = True) -> int:
    key = epilogue.key if epilogue else ""
    description = f"tile {sources()} {vectors.dtype} {tile} {key}"
    found = engine.functions(
        description,
        lambda prefix: tile_ir(tile, vectors, epilogue, prefix + "tile"),
        ["tile"],
        vectors.target,
        counted=counted,
    )
    return found["tile"]


# --- emission ----------------------------------------------------------------


def tile_ir(tile: Tile, vectors: Vectors, epilogue: Epilogue | None, name: str) -> str:
    """IR text of void name(q, a, b, c, bias, panels): tiles side by side, all addresses as i64."""
    module = Module(vectors)
    module.functions.append(_TileEmitter(tile, module, epilogue).definition(name))
    return module.text()


class _TileEmitter:
    """Writes one tile: set-up, loop over panels, in it the loop over k, then the stores."""

    def __init__(self, tile: Tile, module: Module, epilogue: Epilogue | None) -> None:
        self.tile, self.v, self.epilogue = tile, module.vectors, epilogue
        self.b = Builder(module)
        self.width = self.v.target.vbytes
        self.places = [(m, j) for m in range(tile.rows) for j in range(tile.vectors)]

    def definition(self, name: str) -> str:
        b, v = self.b, self.v
        b.label("entry")
        b.do("%q = inttoptr i64 %q_ to ptr")
        depth, self.a_row, self.a_step, self.b_step, c_row, self.flags, b_panel, bias_panel = (
            self.parameter(i)
            for i in (Q.K, Q.A_ROW, Q.A_STEP, Q.B_STEP, Q.C_ROW, Q.FLAGS, Q.B_PANEL, Q.BIAS_PANEL)
        )
        self.tail_mask = ""
        if self.tile.tail:
            self.tail_mask = b(
                f"load {v.mask}, ptr {self.parameter(Q.MASK, 'ptr')}, align {v.itemsize}"
            )
        self.row_pointers()
        self.ahead = b(f"shl i64 {self.b_step}, 3")
        self.next_row, self.next_step = self.parameter(Q.NEXT_ROW), self.parameter(Q.NEXT_STEP)
        next_panel = b(f"shl i64 {self.next_row}, 1")
        starts = [b.pointer(x) for x in ("%b_", "%c_", "%bias_", self.parameter(Q.NEXT))]
        empty = b(f"icmp eq i64 {depth}, 0")
        b.do("br label %panel")

        b.label("panel")
        b.do("%left = phi i64 [%panels, %entry], [%left.next, %store]")
        for pointer, start in zip(("%b", "%c", "%bias", "%n"), starts, strict=True):
            b.do(f"{pointer} = phi ptr [{start}, %entry], [{pointer}.next, %store]")
        first = [
            b.load(b.offset("%bias", j * self.width), self.mask(j))
            for j in range(self.tile.vectors)
        ]
        self.c_rows = ["%c"]
        for _ in range(1, self.tile.rows):
            self.c_rows.append(b.offset(self.c_rows[-1], c_row))
        for row in self.c_rows:  # C is read or written after the loop over k: fetch it meanwhile
            b.prefetch(row)
            if self.tile.vectors > 1:
                b.prefetch(b.offset(row, self.tile.vectors * self.width - v.itemsize))
        accumulators = [first[j] for _, j in self.places]
        if self.tile.segmented:
            last, before = self.segments(depth, empty, accumulators), "segment.end"
        else:
            b.do(f"br i1 {empty}, label %sums, label %loop")
            last, before = self.depth_loop(depth, accumulators), "loop"

        b.label("sums")
        sums = [
            b.phi(v.vector, (x, "panel"), (y, before))
            for x, y in zip(accumulators, last, strict=True)
        ]
        after = "epilogue" if self.epilogue else "store"
        sums = self.stage(ACCUMULATE, after, "sums", sums, self.add_c)
        if self.epilogue:
            sums = self.stage(EPILOGUE, "store", after, sums, self.apply_epilogue)
        low, high = (b.splat(self.parameter(i, v.scalar)) for i in (Q.LOW, Q.HIGH))
        for (m, j), x in zip(self.places, sums, strict=True):
            b.store(b.smaller(high, b.larger(low, x)), self.c_address(m, j), self.mask(j))
        b.do("%left.next = sub i64 %left, 1")
        steps = (b_panel, self.tile.vectors * self.width, bias_panel, next_panel)
        for pointer, step in zip(("%b", "%c", "%bias", "%n"), steps, strict=True):
            b.do(f"{pointer}.next = getelementptr i8, ptr {pointer}, i64 {step}")
        b.do("%more = icmp sgt i64 %left.next, 0")
        b.do("br i1 %more, label %panel, label %exit")
        b.label("exit")
        b.do("ret void")
        head = "i64 %q_, i64 %a_, i64 %b_, i64 %c_, i64 %bias_, i64 %panels"
        return "\n".join([f"define void @{name}({head}) #0 {{", *b.lines, "}"])

    def parameter(self, index: int, kind: str = "i64") -> str:
        return self.b(f"load {kind}, ptr {self.b.offset('%q', index * 8)}, align 8")

    def mask(self, j: int) -> str | None:
        """The mask of vector j, compared anew in this block."""
        tail = self.tile.tail and j == self.tile.vectors - 1
        return self.b.alive(self.tail_mask) if tail else None

    def c_address(self, m: int, j: int) -> str:
        return self.b.offset(self.c_rows[m], j * self.width)

    def row_pointers(self) -> None:
        """Pointers to A's rows, few, to spare registers (anchor: pointer, multiple of the stride).

        x86 addresses base + {1, 2, 4, 8} * index, so rows p + {0, 1, 2, 4, 8} hang on one pointer.
        """
        b, rows = self.b, self.tile.rows
        own: list[int] = []  # rows with a pointer of their own
        self.anchor: dict[int, tuple[int, int]] = {}
        for m in range(rows):
            if m not in self.anchor:
                own.append(m)
                for multiple in (0, 1, 2, 4, 8):
                    self.anchor.setdefault(m + multiple, (len(own) - 1, multiple))
        first = b.pointer("%a_")
        self.a_rows = [
            b.offset(first, b(f"mul i64 {self.a_row}, {m}")) if m else first for m in own
        ]

    def segments(self, depth: str, empty: str, first: list[str]) -> list[str]:
        """The loop over runs around the loop over k; returns the accumulators after it."""
        b, v = self.b, self.v
        count = self.parameter(Q.SEGMENTS)
        none = b(f"or i1 {empty}, {b(f'icmp eq i64 {count}, 0')}")
        runs = self.parameter(Q.RUNS, "ptr")
        b.do(f"br i1 {none}, label %sums, label %segment")
        b.label("segment")
        held = [f"%held.{m}.{j}" for m, j in self.places]
        at = len(b.lines)
        a_offset = b("load i64, ptr %run, align 8")
        b_rows = b(f"load i64, ptr {b.offset('%run', 8)}, align 8")
        starts = [b.offset(p, a_offset) for p in self.a_rows]
        b_start = b.offset("%b", b(f"mul i64 {b_rows}, {self.b_step}"))
        b.do("br label %loop")
        last = self.depth_loop(depth, held, "segment", b_start, starts, "segment.end")
        b.label("segment.end")
        b.do("%run.next = getelementptr i8, ptr %run, i64 16")
        b.do("%segments.next = sub i64 %segments.left, 1")
        b.do(f"br i1 {b('icmp eq i64 %segments.next, 0')}, label %sums, label %segment")
        phis = [
            f"  %segments.left = phi i64 [{count}, %panel], [%segments.next, %segment.end]",
            f"  %run = phi ptr [{runs}, %panel], [%run.next, %segment.end]",
        ]
        phis += [
            f"  {x} = phi {v.vector} [{start}, %panel], [{end}, %segment.end]"
            for x, start, end in zip(held, first, last, strict=True)
        ]
        b.lines[at:at] = phis
        return last

    def depth_loop(
        self,
        depth: str,
        first: list[str],
        before: str = "panel",
        b_start: str = "%b",
        a_starts: list[str] | None = None,
        after: str = "sums",
    ) -> list[str]:
        """The loop over k between two blocks; returns the accumulators after it."""
        b, v, across = self.b, self.v, self.tile.vectors
        b.label("loop")
        sums = [f"%sum.{m}.{j}" for m, j in self.places]
        at = len(b.lines)
        row = [b.load(b.offset("%b.k", j * self.width), self.mask(j)) for j in range(across)]
        ahead = b.offset("%b.k", self.ahead)  # eight steps of k
        for distance in range(0, across * self.width, 64):
            b.prefetch(b.offset(ahead, distance))
        b.prefetch("%n.k")  # two of the following rows per panel
        b.prefetch(b.offset("%n.k", self.next_row))
        out = []
        for m in range(self.tile.rows):
            scalar = b.splat(b(f"load {v.scalar}, ptr {self.a_address(m)}, align {v.itemsize}"))
            out += [b.fma(scalar, row[j], sums[m * across + j]) for j in range(across)]
        b.do("%k.next = sub i64 %k, 1")
        phis = [f"  %k = phi i64 [{depth}, %{before}], [%k.next, %loop]"]
        moving = [("%b.k", b_start, self.b_step), ("%n.k", "%n", self.next_step)]
        moving += [(f"%a.{i}", p, self.a_step) for i, p in enumerate(a_starts or self.a_rows)]
        for pointer, start, step in moving:
            b.do(f"{pointer}.next = getelementptr i8, ptr {pointer}, i64 {step}")
            phis.append(f"  {pointer} = phi ptr [{start}, %{before}], [{pointer}.next, %loop]")
        phis += [
            f"  {x} = phi {v.vector} [{start}, %{before}], [{end}, %loop]"
            for x, start, end in zip(sums, first, out, strict=True)
        ]
        b.lines[at:at] = phis
        b.do(f"br i1 {b('icmp eq i64 %k.next, 0')}, label %{after}, label %loop")
        return out

    def a_address(self, m: int) -> str:
        """The address of A(m, k)."""
        pointer, multiple = self.anchor[m]
        if multiple == 0:
            return f"%a.{pointer}"
        shift = multiple.bit_length() - 1
        distance = self.b(f"shl i64 {self.a_row}, {shift}") if shift else self.a_row
        return self.b.offset(f"%a.{pointer}", distance)

    def stage(
        self,
        flag: int,
        after: str,
        before: str,
        sums: list[str],
        change: Callable[[list[str]], list[str]],
    ) -> list[str]:
        """sums, changed if the flag is set; ends in block `after`."""
        b = self.b
        wanted = b(f"icmp ne i64 {b(f'and i64 {self.flags}, {flag}')}, 0")
        b.do(f"br i1 {wanted}, label %change.{flag}, label %{after}")
        b.label(f"change.{flag}")
        changed = change(sums)
        b.do(f"br label %{after}")
        b.label(after)
        pairs = zip(sums, changed, strict=True)
        return [b.phi(self.v.vector, (x, before), (y, f"change.{flag}")) for x, y in pairs]

    def add_c(self, sums: list[str]) -> list[str]:
        b = self.b
        return [
            b.binary("fadd", x, b.load(self.c_address(m, j), self.mask(j)))
            for (m, j), x in zip(self.places, sums, strict=True)
        ]

    def apply_epilogue(self, sums: list[str]) -> list[str]:
        assert self.epilogue is not None
        distance = [self.parameter(i) for i in (Q.EXTRA0, Q.EXTRA1)]

        def operand(m: int, j: int, i: int) -> str:
            return self.b.load(self.b.offset(self.c_address(m, j), distance[i]), self.mask(j))

        return [
            self.epilogue.emit(self.b, x, functools.partial(operand, m, j))
            for (m, j), x in zip(self.places, sums, strict=True)
        ]
