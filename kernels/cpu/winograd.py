"""Winograd's convolution: windows of 3 x 3 and 5 x 5, stride 1, in fewer multiplications.

F(4x4, 3x3) multiplies 36 times for 16 outputs of 9 products each, a quarter; F(2x2, 3x3) 16 times
for 4 (1 / 2.25); F(3x3, 5x5) 49 times for 9 outputs of 25 (1 / 4.6); F(2x2, 5x5) 36 times for 4
(1 / 2.8). The transforms cost additions over all channels: it pays from some 32 channels and
columns on.

    u = plan_filter(3, 64, 128)                     # once per filter
    p = plan(Window(...), m=4, bias=True, threads=2)
    block = [context, workspace, p.units, node, *p.words([x, u, y, bias])]
    kernel(p.address)(block, 0, p.units)

The gradient by the image is a convolution of dy, with plan_filter's `back` and k - 1 - padding
zeros in front. The bits of the result depend on sizes and machine, not on `threads`.

Error, of float32, by the largest value: 3e-6 with m = 2, 1e-5 with m = 3 and 4, as against 3e-6 of
the direct convolution; of float64 1e-14 and less. A NaN or an infinity makes all outputs NaN of the
tiles that read it, also those whose window it is outside of; values above 1e37, or 1e307, may
overflow on the way.

Bound: fused multiply-adds in the products for 128 channels and more, below them the transforms.
"""

from __future__ import annotations

import math

from numflow.kernels import lang, tiles
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu import winograd_transforms
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.conv import Window
from numflow.kernels.cpu.gemm import _even, _lines
from numflow.kernels.cpu.pool_behind import BYTES, WORDS, Behind
from numflow.kernels.cpu.winograd_nest import GROUP, TABLES, F, W, transform_filter, winograd
from numflow.kernels.cpu.winograd_transforms import (
    ADDED,
    FILTER,
    IMAGE,
    RESULT,
    Transform,
)
from numflow.kernels.engine import Target
from numflow.kernels.ir import Vectors
from numflow.kernels.records import NamedTuple
from numflow.kernels.tiles import ACTIVATIONS, Tile

FORMS = ((2, 3), (4, 3), (2, 5), (3, 5))
"""Outputs of a tile along an axis, and the window's size."""
LANES = 16
"""Columns of a transformed filter fill vectors of any machine: they are padded to a multiple."""
LARGE = 1 << 19
"""Bytes, of channels times columns, from which one product's filter crowds out what a block works
on: 8x28x28 from 256 to 512 by 24 tiles 28.5 ms, by 96 23.6; float64 14x14x256 11.4 and 8.8."""

STRIPE = 1 << 19
"""Bytes of the rows that wait for a pool, at most: half of a large L2 cache."""
BLOCK_BYTES = 1 << 25
"""What a block works on, at most; 12 tiles in any case."""


def padded(columns: int) -> int:
    """Columns of a transformed filter: [n * n, channels, padded(columns)]."""
    return -(-columns // LANES) * LANES


def takes(s: Window, m: int) -> bool:
    """Whether there is a plan: a plane, a window of 3 x 3 or 5 x 5, stride 1, 16 channels at least.

    A vector of channels, and of columns, is the least that the transforms take.
    """
    _, kh, kw = s.kernel
    return (
        s.image[0] == s.kernel[0] == s.result[0] == 1
        and s.padding[0] == 0
        and kh == kw
        and (m, kh) in FORMS
        and set(s.strides) == set(s.dilations) == {1}
        and s.groups == 1
        and min(s.channels, s.columns) >= LANES
    )


def plan_filter(
    m: int, kernel: int, channels: int, columns: int, back: bool = False,
    dtype: str = "float32", target: Target | None = None,
) -> Call:  # fmt: skip
    """The transformed filter, in panels. It has to be made whenever the filter changes.

    Args:
      m: outputs of a tile along an axis.
      kernel: the window's size along an axis.
      channels: as u has them, at least 16.
      back: f [kernel, kernel, columns, channels] is a convolution's filter, and u that of its
        gradient by the image: the last two axes are exchanged, the window is turned round.

    Operands: f [kernel, kernel, channels, columns], u [n * n, channels, padded(columns)]; dense.
    """
    v = Vectors(dtype, target or Target.host())
    wide = padded(columns)
    panel = _panel(v, wide) * v.lanes
    units = -(-channels // GROUP) * -(-wide // panel)
    chunk = max(1, units // 16)
    scratch = _lines(kernel * kernel * GROUP * panel * v.itemsize) if back else 0
    values = {
        F.C: channels,
        F.OC: columns,
        F.COLUMNS: wide,
        F.PANEL: panel,
        F.STEP: channels * wide,
        F.TAPS: kernel * kernel,
        F.BACK: int(back),
        F.TRANSFORM: winograd_transforms.address(Transform(FILTER, m, kernel), v),
        F.CHUNK: chunk,
        F.SCRATCH: scratch,
    }
    constants = tuple(values[place] for place in range(F.C, F.END))
    address = lang.addresses(transform_filter, dtype=dtype, target=v.target)["transform_filter"]
    return Call(address, units, chunk, 2, constants, -(-units // chunk) * scratch)


def plan(
    s: Window,
    m: int = 4,
    dtype: str = "float32",
    *,
    bias: bool = False,
    residual: bool = False,
    activation: str = "",
    behind: Behind | None = None,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """y = convolution of x with the filter that u was made of (+ bias) (relu), or what a pool makes
    of that.

    Args:
      s: the sizes; see `takes`.
      m: outputs of a tile along an axis: 4 or 2 for a window of 3 x 3, 3 or 2 for one of 5 x 5.
      bias: a vector of `columns` is added.
      residual: a tensor like y is added, too.
      activation: "", "relu" or "relu6".
      behind: a pool of the result, which is then not an operand: y, and places, are the pool's.
      threads: how many may share the work; speed only.

    Operands: x [batch, *image, channels], u as plan_filter makes it, y [batch, *result, columns],
    bias [columns] and residual if there are; dense.

    Raises:
      ValueError: there is no plan for these sizes.
    """
    if not takes(s, m):
        raise ValueError(f"winograd: no plan with m = {m} for {s}")
    v = Vectors(dtype, target or Target.host())
    n, wide = m + s.kernel[1] - 1, padded(s.columns)
    down, across = -(-s.result[1] // m), -(-s.result[2] // m)
    count = s.batch * down * across
    cut = (
        _by_tiles(s, count, v, threads) if behind is None else _by_pooled(s, m, behind, v, threads)
    )
    block, units = cut.block, cut.units
    vectors = _panel(v, wide)
    rows = _even(block, tiles.largest_rows(v, vectors)) or 1
    row_v, row_p = _apart(s.channels), _apart(wide)
    step_v, step_p = _apart(block * row_v), _apart(block * row_p)
    first = _lines(TABLES + v.itemsize * (s.channels + s.columns))
    second = _lines(first + v.itemsize * n * n * step_v)
    scratch = stripe = _lines(second + v.itemsize * n * n * step_p) + 192
    blocks = _lines(stripe + cut.stripe) + 192
    if behind is not None:
        scratch = _lines(blocks + W.END * 8 + BYTES)
    shares = 4 if scratch < 1 << 22 else 2  # of a thread: each has its own scratch
    chunk = max(1, -(-units // (shares * threads)))
    values = {
        W.H: s.image[1],
        W.WIDTH: s.image[2],
        W.C: s.channels,
        W.OH: s.result[1],
        W.OW: s.result[2],
        W.OC: s.columns,
        W.PH: s.padding[1],
        W.PW: s.padding[2],
        W.M: m,
        W.N: n,
        W.DOWN: down,
        W.ACROSS: across,
        W.TILES: count,
        W.BLOCK: block,
        W.CHUNK: chunk,
        W.SCRATCH: scratch,
        W.BYTES_V: first,
        W.BYTES_P: second,
        W.ROW_V: row_v,
        W.STEP_V: step_v,
        W.ROW_P: row_p,
        W.STEP_P: step_p,
        W.COLUMNS: wide,
        W.STEP_U: s.channels * wide,
        W.ROWS: rows,
        W.VECTORS: vectors,
        W.FLAGS: ACTIVATIONS[activation],
    }
    if units:
        values[W.IMAGE] = winograd_transforms.address(Transform(IMAGE, m, s.kernel[1]), v)
        values[W.RESULT] = winograd_transforms.address(
            Transform(ADDED if residual else RESULT, m, s.kernel[1]), v
        )
        values[W.TABLE] = tiles.table(_tiles_of(v, cut.counts, wide, rows, vectors), v)
    values.update(cut.words)
    end = W.END
    if behind is not None:
        values[W.POOL], words = behind.entry(dtype, v.target)
        values |= {W.STRIPE: stripe, W.BLOCKS: blocks, **dict(enumerate(words, W.END))}
        end += WORDS
    address = lang.addresses(winograd, dtype=dtype, target=v.target)["winograd"]
    workspace = -(-units // chunk) * scratch
    places = [W.X, W.U, W.Y, *[W.PLACES] * (behind is not None and behind.outputs == 2)]
    places += [*[W.BIAS] * bias, *[W.RESIDUAL] * residual]
    positions = tuple(place - HEADER for place in places)
    constants = tuple(values.get(place, 0) for place in range(HEADER, end) if place not in places)
    return Call(address, units, chunk, len(places), constants, workspace, positions)


class _Cut(NamedTuple):
    """A convolution in units. block: tiles; counts: those of all blocks; stripe: bytes of the rows
    that wait for a pool; words: by place."""

    units: int
    block: int
    counts: list[int]
    stripe: int = 0
    words: dict[int, int] = {}  # noqa: RUF012


def _by_tiles(s: Window, count: int, v: Vectors, threads: int) -> _Cut:
    """Units are blocks of tiles."""
    block = _even(count, _block(s, v, threads, count))
    units = -(-count // block) if block else 0
    return _Cut(units, block, [block, count - (units - 1) * block])


def fits_behind(result: tuple[int, ...], itemsize: int, m: int, stride: int) -> bool:
    """Whether what a pool reads at a time stays in a cache, and is made once: whole images, or the
    rows of a few tiles.

    Args:
      result: rows, columns and channels of the convolution's.
      stride: of a pool whose windows do not overlap; else 0.
    """
    height, width, columns = result
    row = width * columns * itemsize
    return min(height, math.lcm(m, stride) or height) * row <= STRIPE


def _row(s: Window, v: Vectors) -> int:
    """Bytes of a row of the result."""
    return s.result[2] * s.columns * v.itemsize


def _most_tiles(s: Window, v: Vectors) -> int:
    """Of a block; see `_block`."""
    most = 36 if s.channels * s.columns * v.itemsize < LARGE else 192
    return max(12, min(most, BLOCK_BYTES // (49 * v.itemsize * (s.channels + s.columns))))


def _images(s: Window, m: int, v: Vectors) -> int:
    """Whole images of a unit; 0: the result of one is too large."""
    tiles_of_one = -(-s.result[1] // m) * -(-s.result[2] // m)
    if s.result[1] * _row(s, v) > STRIPE:
        return 0
    return max(1, _most_tiles(s, v) // max(1, tiles_of_one))


def _lines_of_part(m: int, behind: Behind) -> int:
    """The fewest rows of tiles that make whole rows of the pool; 0: there are none."""
    stride = behind.window.strides[1]
    apart = behind.window.padding[1] == 0 and behind.span <= stride
    return math.lcm(m, stride) // m if apart else 0


def _by_pooled(s: Window, m: int, behind: Behind, v: Vectors, threads: int) -> _Cut:
    """Units are images, or parts of one, that make whole rows of a pool behind the convolution.

    Where neither fits they are images all the same.
    """
    down, across = (-(-n // m) for n in s.result[1:])
    _, pooled, pooled_columns = behind.window.result
    most, images, lines = _most_tiles(s, v), _images(s, m, v), _lines_of_part(m, behind)
    words = {W.POOLED: pooled, W.BATCH: s.batch}
    if not s.batch * pooled * pooled_columns:
        return _Cut(0, 0, [])
    if images or not lines:
        images = max(1, min(images, -(-s.batch // (2 * threads))))
        units = -(-s.batch // images)
        sizes = {images * down * across, (s.batch - (units - 1) * images) * down * across}
        words[W.IMAGES] = images
        stripe = images * s.result[1] * _row(s, v)
    else:
        lines *= max(1, min(most // (lines * across), STRIPE // (lines * m * _row(s, v))))
        parts = -(-down // lines)
        units = s.batch * parts
        sizes = {min(lines, down) * across, (down - (parts - 1) * lines) * across}
        words |= {W.LINES: lines, W.PARTS: parts, W.PART: lines * m // behind.window.strides[1]}
        stripe = min(lines * m, s.result[1]) * _row(s, v)
    block = _even(max(sizes), most)
    counts = [n for size in sizes for n in (min(size, block), size % max(1, block)) if n]
    return _Cut(units, block, counts, stripe, words)


def _panel(v: Vectors, columns: int) -> int:
    """Vectors of a panel of the transformed filter."""
    return min(2, columns // v.lanes)


def _apart(elements: int) -> int:
    """A distance of an odd number of cache lines: neighbours never share their place in a cache."""
    lines = -(-elements // LANES)
    return (lines + 1 - lines % 2) * LANES


def _block(s: Window, v: Vectors, threads: int, count: int) -> int:
    """The most tiles of a block.

    V and the products stay in L2 with 24 (56x56x64: 36 is as fast, 96 5 % slower). A filter that
    does not stay there itself is read once per block, so blocks are long then, as far as there are
    some for every thread (7x7x512: 24 tiles 17.7 ms, 48 14.9 ms, 128 12.9 ms).
    """
    most = 24 if s.channels * s.columns * v.itemsize < LARGE else 192
    fitting = BLOCK_BYTES // (49 * v.itemsize * (s.channels + s.columns))
    return max(12, min(most, fitting, -(-count // (2 * threads))))


def _tiles_of(v: Vectors, counts: list[int], columns: int, rows: int, vectors: int) -> list[Tile]:
    """Every register tile that the nest will call for blocks of these numbers of tiles."""
    heights = set()
    for count in counts:
        parts = -(-count // rows)
        heights |= {count // parts, -(-count // parts)}
    widths = [vectors] if columns >= vectors * v.lanes else []
    rest = columns // v.lanes % vectors
    widths += [rest] if rest else []
    return [Tile(h, w, False) for h in sorted(heights) for w in widths]
