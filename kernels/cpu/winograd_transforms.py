"""The transforms of Winograd's convolution, emitted as LLVM functions: straight code over channels.

A window of r x r over a tile of m x m outputs is a product of polynomials, evaluated at points and
interpolated from them (n = m + r - 1 of each axis, infinity the last):

    Y = A^T [ (G g G^T) . (B^T d B) ] A       d: n x n pixels, g: the filter, Y: m x m outputs

so n * n products replace m * m * r * r, each of them summed over channels: n * n small products of
matrices. The same matrices give the gradient by the filter, G^T [ (B^T d B) . (A dY A^T) ] G.

A transform takes a vector of channels (or columns) at a time: it loads n * n vectors, applies its
matrix along columns and along rows, and stores. Rows or columns of a matrix that belong to the
points p and -p differ in the signs of every other element and share their sums. One function per
kind, (m, r), element type and machine serves every size.

The points are 0, 1, -1 (m + r - 1 = 4); 0, +-sqrt(1/2), +-sqrt(2) (6), which have half the error of
the usual 1 and 2; +-0.35, +-0.85, +-1.7 (7), found by search, with twice the error of 6: with 0 and
one point without its negative it would be twice that again.

Sources: Lavin & Gray 2015 (arXiv:1509.09308); points: Barabasz et al. 2018 (arXiv:1803.10986).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from numflow.kernels import engine
from numflow.kernels.ir import Builder, Module, Vectors
from numflow.kernels.lang import sources
from numflow.kernels.records import NamedTuple

Matrix = tuple[tuple[float, ...], ...]
Line = Callable[[list[str]], list[str]]

POINTS = {4: (1.0,), 6: (math.sqrt(0.5), math.sqrt(2.0)), 7: (0.35, 0.85, 1.7)}
"""Of an axis of so many products: the positive ones. Their negatives come along, infinity, and, of
an even number, 0."""

IMAGE, FILTER, RESULT, ADDED = "image", "filter", "result", "added"
GRADIENT, SUM = "gradient", "sum"


class Transform(NamedTuple):
    """void t(src, src_step, dst, dst_step, count, extra), strides in bytes; count elements a row.

    image, gradient: src is a table of the addresses of n * n (m * m) rows: B^T d B (A dY A^T).
    result: A^T x A; dst is a table of m * m rows; extra: three words, the address of a bias (0:
      none), the least and the largest value, elements.
    added: the same, and the rows of a second table, the fourth word, are added first.
    sum: G^T x G.
    filter: G g G^T; count may be any number, and rows of `extra` bytes are written, zeros behind
      the elements.

    Where there is no table, rows lie a step apart. Except for filter, count is VL at least: the
    last vector overlaps the one before it.
    """

    kind: str
    m: int
    r: int


@functools.cache
def matrices(m: int, r: int) -> tuple[Matrix, Matrix, Matrix]:
    """B^T, G and A^T of tiles of m outputs under a window of r."""
    n = m + r - 1
    pairs, zero = POINTS[n], _zero(n)
    points = [0.0] * zero + [sign * p for p in pairs for sign in (1.0, -1.0)]
    whole = _product(pairs)
    image = [[0.0] * n for _ in range(n)]
    for j, c in enumerate(whole):
        image[n - 1][2 * j + zero] = c
        if zero:
            image[0][2 * j] = c
    for i, p in enumerate(pairs):
        for j, c in enumerate(_product(pairs[:i] + pairs[i + 1 :])):
            for row, sign in ((zero + 2 * i, 1.0), (zero + 2 * i + 1, -1.0)):
                image[row][2 * j + zero + 1] = c
                image[row][2 * j + zero] = sign * p * c
    g, result = [], [[0.0] * n for _ in range(m)]
    for i, p in enumerate(points):
        # of p and -p the same, to the last bit: their rows share sums
        scale = round(math.prod(abs(p) - q for q in points if q != abs(p)), 12)
        sign = -1.0 if p < 0 and not zero else 1.0
        g.append([sign * p**k / scale for k in range(r)])
        for k in range(m):
            result[k][i] = p**k
    g.append([0.0] * (r - 1) + [1.0])
    result[m - 1][n - 1] = 1.0
    return _frozen(image), _frozen(g), _frozen(result)


def _zero(n: int) -> int:
    """Whether the first of n products belongs to the point 0, which is no pair: 1 or 0."""
    return 1 - n % 2


def _product(points: tuple[float, ...]) -> list[float]:
    """Coefficients of the product of x - p * p, the constant first."""
    out = [1.0]
    for p in points:
        square = round(p * p, 12)  # exact for the points above
        out = [a - square * b for a, b in zip([0.0, *out], [*out, 0.0], strict=True)]
    return out


def _frozen(rows: list[list[float]]) -> Matrix:
    return tuple(tuple(row) for row in rows)


def _turned(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix, strict=True))


def matrix_of(t: Transform) -> Matrix:
    """What the transform applies along columns and along rows."""
    image, g, result = matrices(t.m, t.r)
    return {
        IMAGE: image,
        FILTER: g,
        RESULT: result,
        ADDED: result,
        GRADIENT: _turned(result),
        SUM: _turned(g),
    }[t.kind]


@functools.cache
def address(t: Transform, vectors: Vectors) -> int:
    """The compiled transform, through the engine's cache."""
    found = engine.functions(
        f"winograd {sources()} {vectors.dtype} {t}",
        lambda prefix: transform_ir(t, vectors, prefix + "transform"),
        ["transform"],
        vectors.target,
    )
    return found["transform"]


# --- emission ----------------------------------------------------------------


def transform_ir(t: Transform, vectors: Vectors, name: str) -> str:
    """IR text of void name(src, src_step, dst, dst_step, count, extra), all i64."""
    module = Module(vectors)
    b, v = Builder(module), vectors
    width, masked, table = v.target.vbytes, t.kind == FILTER, t.kind in (IMAGE, GRADIENT)
    matrix = matrix_of(t)
    b.label("entry")
    source, target = b.pointer("%src"), b.pointer("%dst")
    size = b(f"mul i64 %count, {v.itemsize}")
    last = b(f"sub i64 {size}, {width}")
    extra = b.pointer("%extra") if t.kind in (RESULT, ADDED) else ""
    low = high = bias = present = ""
    if extra:
        bias = b(f"load ptr, ptr {extra}, align 8")
        present = b(f"icmp ne ptr {bias}, null")
        low, high = (
            b.splat(b(f"load {v.scalar}, ptr {b.offset(extra, at)}, align 8")) for at in (8, 16)
        )
    if t.kind == ADDED:
        around = b(f"load ptr, ptr {b.offset(extra, 24)}, align 8")
    b.do("br label %loop")
    b.label("loop")
    b.do("%at = phi i64 [0, %entry], [%at.next, %latch]")
    mask = _mask(b, size) if masked else None
    rows = _Rows(b, source, "%src_step", table)
    found = [
        [b.load(rows.next("%at"), mask) for _ in range(len(matrix[0]))]
        for _ in range(len(matrix[0]))
    ]
    middle = [_line(b, matrix, list(column)) for column in zip(*found, strict=True)]
    add = _bias(b, bias, present) if extra else ""
    rows = _Rows(b, target, "%dst_step", t.kind in (RESULT, ADDED))
    others = _Rows(b, around, "", True) if t.kind == ADDED else None
    for line in zip(*middle, strict=True):
        for x in _line(b, matrix, list(line)):
            y = b.binary("fadd", x, add) if extra else x
            if others is not None:
                y = b.binary("fadd", y, b.load(others.next("%at")))
            y = b.smaller(high, b.larger(low, y)) if extra else y
            b.store(y, rows.next("%at"))
    b.do("br label %latch")
    b.label("latch")
    onward = b(f"add i64 %at, {width}")
    if masked:
        b.do(f"%at.next = add i64 %at, {width}")
        b.do(f"%more = icmp slt i64 {onward}, %extra")
    else:
        inside = b(f"icmp slt i64 {onward}, {last}")
        b.do(f"%at.next = select i1 {inside}, i64 {onward}, i64 {last}")
        b.do(f"%more = icmp slt i64 %at, {last}")
    b.do("br i1 %more, label %loop, label %exit")
    b.label("exit")
    b.do("ret void")
    head = "i64 %src, i64 %src_step, i64 %dst, i64 %dst_step, i64 %count, i64 %extra"
    module.functions.append("\n".join([f"define void @{name}({head}) #0 {{", *b.lines, "}"]))
    return module.text()


class _Rows:
    """The addresses of rows, one after another: from a table, or a step apart."""

    def __init__(self, b: Builder, start: str, step: str, table: bool) -> None:
        self.b, self.at, self.step, self.table = b, start, step, table
        self.count = 0

    def next(self, offset: str) -> str:
        b, k = self.b, self.count
        self.count += 1
        if self.table:
            row = b(f"load ptr, ptr {b.offset(self.at, k * 8)}, align 8")
            return b.offset(row, offset)
        if k:
            self.at = b.offset(self.at, self.step)
        return b.offset(self.at, offset)


def _mask(b: Builder, size: str) -> str:
    """The lanes at %at that lie before `size`."""
    v = b.vectors
    left = b(f"sub i64 {size}, %at")
    for compare, bound in (("sgt", v.target.vbytes), ("slt", 0)):
        beyond = b(f"icmp {compare} i64 {left}, {bound}")
        left = b(f"select i1 {beyond}, i64 {bound}, i64 {left}")
    start = b(f"sub i64 {v.target.vbytes}, {left}")
    place = b.offset(b.module.masks(), start)
    return b.alive(b(f"load {v.mask}, ptr {place}, align {v.itemsize}"))


def _bias(b: Builder, bias: str, present: str) -> str:
    """The bias at %at; zeros without."""
    v = b.vectors
    b.do(f"br i1 {present}, label %biased, label %ready")
    b.lines.append("biased:")
    loaded = b.load(b.offset(bias, "%at"))
    b.do("br label %ready")
    b.lines.append("ready:")
    return b.phi(v.vector, (loaded, "biased"), ("zeroinitializer", "loop"))


def _line(b: Builder, matrix: Matrix, x: list[str]) -> list[str]:
    """matrix @ x, pairs of rows or of columns sharing what they have in common."""
    if len(matrix) >= len(x):
        return _paired_rows(b, matrix, x)
    n = len(x)
    pairs = range(_zero(n), n - 1, 2)
    alone = {i: x[i] for i in range(n) if i == n - 1 or i < pairs.start}
    sums, differences = dict(alone), dict(alone)
    for i in pairs:
        sums[i] = b.binary("fadd", x[i], x[i + 1])
        differences[i] = b.binary("fsub", x[i], x[i + 1])
    out = []
    for row in matrix:
        same = all(row[i] == row[i + 1] for i in pairs)
        terms = [(row[i], y) for i, y in (sums if same else differences).items()]
        out.append(_sum(b, terms))
    return out


def _paired_rows(b: Builder, matrix: Matrix, x: list[str]) -> list[str]:
    """Rows of a pair: one is the even columns plus the odd ones, the other minus."""
    n = len(matrix)
    out = [_sum(b, list(zip(matrix[k], x, strict=True))) for k in range(_zero(n))]
    for i in range(_zero(n), n - 1, 2):
        row, other = matrix[i], matrix[i + 1]
        even = [(row[k], x[k]) for k in range(len(x)) if row[k] and row[k] == other[k]]
        odd = [(row[k], x[k]) for k in range(len(x)) if row[k] and row[k] != other[k]]
        scale = odd[-1][0]
        e, o = _sum(b, even), _sum(b, [(c / scale, y) for c, y in odd])
        out += [_sum(b, [(1.0, e), (s, o)]) for s in (scale, -scale)]
    return [*out, _sum(b, list(zip(matrix[-1], x, strict=True)))]


def _sum(b: Builder, terms: list[tuple[float, str]]) -> str:
    """The sum of coefficient * vector; those of coefficient 1 first."""
    terms = sorted((t for t in terms if t[0]), key=lambda t: t[0] != 1.0)
    sum_ = ""
    for c, x in terms:
        if not sum_:
            sum_ = x if c == 1.0 else b.binary("fmul", x, _constant(b, c))
        elif abs(c) == 1.0:
            sum_ = b.binary("fadd" if c > 0 else "fsub", sum_, x)
        else:
            sum_ = b.fma(x, _constant(b, c), sum_)
    return sum_


def _constant(b: Builder, value: float) -> str:
    """A vector of one constant."""
    from numflow.kernels.lang_compiler import _literal  # what is in the cache needs no compiler

    return b.splat(_literal(value, b.vectors.scalar))
