"""Convolutions on the CPU: NHWC (and NWC, NDHWC), any strides, padding, dilation and groups.

`plan` turns the sizes of one convolution into a list of integers: which tile, how the image is cut
into bands, where the filter's panels lie. The loops that read them are in conv_nest.py, the
register tiles in tiles.py; both are compiled once for all shapes.

    p = plan(Window(...), "float32", bias=True, threads=2)
    block = [context, workspace, p.units, node, *p.words([x, f, y, bias])]
    kernel(p.address)(block, 0, p.units)

The bits of the result depend on sizes, dtype and machine, not on `threads`.

Bound: fused multiply-adds, 2 * N * OD * OH * OW * OC * KD * KH * KW * C / groups flops.
"""

from __future__ import annotations

import math

from numflow.kernels import lang, tiles
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu import conv_images
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.conv_nest import P, W, conv, pack
from numflow.kernels.cpu.gemm import _even, _l2_bytes, _lines
from numflow.kernels.cpu.pool_behind import BYTES, WORDS, Behind
from numflow.kernels.engine import Target
from numflow.kernels.ir import Vectors
from numflow.kernels.records import NamedTuple
from numflow.kernels.tiles import ACTIVATIONS, BIAS, EPILOGUE, RESIDUAL, Q, Tile

Three = tuple[int, int, int]

SHORT = 4
"""Pixels of a row up to which tiles run over the batch instead."""
STRIPE = 24 << 10
"""Bytes of the rows that wait for a pool: half of an L1 cache, but a row of windows at least. Four
times that where windows overlap, for what they share is moved from stripe to stripe."""


SHARED = 4
"""Rows of a pool that a unit has at least where windows overlap: what two units read is made twice.
"""


class Window(NamedTuple):
    """The sizes of a convolution; images of fewer axes have sizes of 1 in front.

    image: (planes, rows, columns). result: the same of the output.
    channels, columns: in and out, of all groups together.
    padding: zeros in front of each axis; those behind follow from result.
    """

    batch: int
    image: Three
    channels: int
    kernel: Three
    columns: int
    result: Three
    strides: Three = (1, 1, 1)
    padding: Three = (0, 0, 0)
    dilations: Three = (1, 1, 1)
    groups: int = 1

    @property
    def depth(self) -> int:
        """Products in a sum: the rows of the filter, as a matrix."""
        kd, kh, kw = self.kernel
        return kd * kh * kw * self.channels // self.groups


def plan_pack(
    depth: int, columns: int, groups: int = 1, dtype: str = "float32", *, exchanged: int = 0,
    target: Target | None = None,
) -> Call:  # fmt: skip
    """The filter's panels one behind another: its rows are then read where they lie in memory.

    Pays where the filter is large and its rows are as far apart as a power of two. It has to be
    done whenever the filter changes.

    Args:
      depth: rows of the filter as a matrix, of one group.
      columns: its columns, of all groups; those of a group fill whole vectors.
      exchanged: if not 0, f has so many taps and its last two axes exchanged: what is packed is
        the filter of `plan_transposed`, read from that of the convolution. One group.

    Operands: f [depth, columns], or [exchanged, columns, depth / exchanged], the panels of as many
    elements; dense.

    Raises:
      ValueError: a group's columns do not fill whole vectors.
    """
    v = Vectors(dtype, target or Target.host())
    own = columns // groups
    if own % v.lanes:
        raise ValueError(f"conv: {own} columns do not fill vectors of {v.lanes}")
    panel = min(2, max(1, own // v.lanes)) * v.lanes
    values = {
        P.ROWS: depth,
        P.COLUMNS: own,
        P.LD: columns,
        P.PANEL: panel,
        P.F_GROUP: own,
        P.PACKED_GROUP: depth * own,
        P.TAPS: exchanged,
    }
    constants = tuple(values[place] for place in range(P.ROWS, P.END))
    address = lang.addresses(pack, dtype=v.dtype, target=v.target)["pack"]
    units = groups * -(-own // panel) * max(1, exchanged)
    return Call(address, units if depth else 0, 1, 2, constants)


def plan(
    s: Window,
    dtype: str = "float32",
    *,
    packed: bool = False,
    bias: bool = False,
    residual: bool = False,
    activation: str = "",
    behind: Behind | None = None,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """y = convolution of x with f (+ bias) (+ residual) (relu), or what a pool makes of that.

    Args:
      s: the sizes.
      dtype: "float32" or "float64".
      packed: f is what the call of `plan_pack` made of the filter.
      bias: a vector of `columns` is added.
      residual: a tensor like y is added, too.
      activation: "", "relu" or "relu6".
      behind: a pool of the result, which is then not an operand: y, and places, are the pool's.
        Of images of one plane.
      threads: how many may share the work; speed only.

    Operands: x [batch, *image, channels], f [*kernel, channels / groups, columns], y [batch,
    *result, columns], bias [columns] and residual if there are; dense.
    """
    dense = s.dilations[2] == 1 and s.groups == 1
    channels, columns = s.channels // s.groups, s.columns // s.groups
    reach = (s.result[2] - 1) * s.strides[2] + (s.kernel[2] - 1) * s.dilations[2] + 1
    side = _Side(
        s, s.image, s.channels, s.result, s.columns,
        pieces=1 if dense else s.kernel[2],
        run=channels * (s.kernel[2] if dense else 1),
        tap_rows=channels,
        ldf=s.columns,
        f_group=columns,
        left=s.padding[2],
        padded=reach if s.padding[2] or reach > s.image[2] else 0,
    )  # fmt: skip
    v = Vectors(dtype, target or Target.host())
    return _plan(side, v, packed, bias, residual, activation, threads, behind)


def plan_transposed(
    s: Window,
    dtype: str = "float32",
    *,
    packed: bool = False,
    bias: bool = False,
    residual: bool = False,
    activation: str = "",
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """The gradient of the convolution by its image; also what is called its transpose.

    Args:
      s: the sizes of the convolution.
      packed: f is what the call of `plan_pack` made of the exchanged filter.
      bias: a vector of `channels` is added.
      residual: a tensor like dx is added, too.

    Operands: dy [batch, *result, columns], f [*kernel, columns, channels / groups] (the last two
    axes exchanged), dx [batch, *image, channels], bias [channels] and residual if there are; dense.
    """
    (_, _, width), (_, _, sw), (_, _, pw) = s.image, s.strides, s.padding
    left = max(0, -((pw - (s.kernel[2] - 1) * s.dilations[2]) // sw))
    reach = -(-width // sw) + (sw - 1 + pw) // sw + left
    side = _Side(
        s, s.result, s.columns, s.image, s.channels,
        pieces=s.kernel[2],
        run=s.columns // s.groups,
        tap_rows=s.columns,
        ldf=s.channels // s.groups,
        f_group=s.columns // s.groups * (s.channels // s.groups),
        left=left,
        padded=reach if left or reach > s.result[2] else 0,
        transposed=True,
    )  # fmt: skip
    return _plan(
        side, Vectors(dtype, target or Target.host()), packed, bias, residual, activation, threads
    )


class _Side(NamedTuple):
    """A convolution as the nest sees it: what is read (image), and what is written (result)."""

    window: Window
    image: Three
    channels: int
    result: Three
    columns: int
    pieces: int
    run: int
    tap_rows: int
    ldf: int
    f_group: int
    left: int
    padded: int
    transposed: bool = False

    def copied(self, band: int) -> int:
        """Source rows that a band of output rows reads."""
        w = self.window
        span = (w.kernel[1] - 1) * w.dilations[1]
        if self.transposed:
            return (band - 1 + span) // w.strides[1] + 2
        return (band - 1) * w.strides[1] + span + 1

    @property
    def depth(self) -> int:
        """Rows of the filter, as a matrix; of one group."""
        kd, kh, kw = self.window.kernel
        return kd * kh * kw * self.channels // self.window.groups

    @property
    def phases(self) -> list[int]:
        """The numbers of pixels that tiles run over."""
        ow, sw = self.result[2], self.window.strides[2]
        if not self.transposed:
            return [ow]
        return [-(-(ow - phase) // sw) for phase in range(min(sw, ow))]


def _plan(
    side: _Side, v: Vectors, packed: bool, bias: bool, residual: bool, activation: str,
    threads: int, behind: Behind | None = None,
) -> Call:  # fmt: skip
    s = side.window
    columns = side.columns // s.groups
    vectors = min(2, max(1, -(-columns // v.lanes)))
    nr = vectors * v.lanes
    block = max(nr, int(_l2_bytes() * 0.5) // v.itemsize // max(1, s.depth) // nr * nr)
    tiny = behind is None and over_images(side, v)
    if behind is not None:
        cut = _by_pooled(side, v, vectors, behind, whole=block < columns, threads=threads)
    else:
        cut = (_by_images if tiny else _by_rows)(side, v, vectors, threads)
    table = 0
    if cut.units:
        wanted = tiles_of(v, cut.counts, columns, cut.rows, vectors)
        table = tiles.table(wanted, v, RESIDUAL if residual else None)
    values = {
        W.PIXEL: side.channels,
        W.OUT_PIXEL: side.columns,
        W.TRANSPOSED: int(side.transposed),
        W.GROUPS: s.groups,
        W.CHANNELS: side.channels // s.groups,
        W.COLUMNS: columns,
        W.PIECES: side.pieces,
        W.TAP_ROWS: side.tap_rows,
        W.PADDED: side.padded,
        W.LEFT: side.left,
        W.FLAGS: BIAS * bias | EPILOGUE * residual | ACTIVATIONS[activation],
        W.ROWS: cut.rows,
        W.VECTORS: vectors,
        W.NC: min(block, -(-columns // nr) * nr),
        W.LDF: nr if packed else side.ldf,
        W.F_GROUP: side.depth * columns if packed else side.f_group,
        W.F_PANEL: nr * side.depth if packed else nr,
        W.PACKED: int(packed),
        W.CHUNK: cut.chunk,
        W.SCRATCH: cut.scratch,
        W.TILES: table,
    }
    values = {**window_words(s), **values}
    values.update(zip(range(W.D, W.D + 3), side.image, strict=True))
    values.update(zip(range(W.OD, W.OD + 3), side.result, strict=True))
    values.update(cut.words)
    entry = conv_images.conv_images if tiny else conv
    address = lang.addresses(entry, dtype=v.dtype, target=v.target)[entry.__name__]
    workspace = -(-cut.units // cut.chunk) * cut.scratch
    places = [W.X, W.F, W.Y, *[W.PLACES] * (behind is not None and behind.outputs == 2)]
    places += [*[W.BIAS] * bias, *[W.RESIDUAL] * residual]
    positions = tuple(place - HEADER for place in places)
    end = conv_images.END if behind is None else W.END + WORDS
    constants = tuple(values.get(place, 0) for place in range(HEADER, end) if place not in places)
    return Call(address, cut.units, cut.chunk, len(places), constants, workspace, positions)


class _Cut(NamedTuple):
    """A convolution in units. rows: of a tile; counts: what tiles run over; words: by place."""

    units: int
    chunk: int
    scratch: int
    rows: int
    counts: list[int]
    words: dict[int, int]


def _by_rows(side: _Side, v: Vectors, vectors: int, threads: int) -> _Cut:
    """Units are bands of rows; tiles run over the pixels of a row."""
    s = side.window
    longest = max(side.phases, default=0)
    rows = _even(longest, tiles.largest_rows(v, vectors)) or 1
    band, bands, slots = _cut(v, side, vectors * v.lanes, threads)
    copied = s.kernel[0] * side.copied(band) * side.padded * side.channels * v.itemsize
    head = _lines(Q.BYTES + 16 * s.kernel[0] * s.kernel[1] * side.pieces)
    scratch = _lines(head + copied) + 192
    units = s.batch * side.result[0] * bands * slots if side.columns and longest else 0
    chunk = max(1, units // (8 * threads) // slots * slots)
    words = {
        W.RUN: side.run,
        W.COPIED: side.copied(band),
        W.BAND: band,
        W.BANDS: bands,
        W.COLUMN_SLOTS: slots,
        W.COPY: head,
    }
    return _Cut(units, chunk, scratch, rows, side.phases, words)


def _by_pooled(
    side: _Side, v: Vectors, vectors: int, behind: Behind, *, whole: bool, threads: int
) -> _Cut:
    """Units are bands of rows of a pool behind the convolution, of all columns.

    whole: a band's rows are made together, as each time the whole filter is read from memory.
    """
    s, rows = side.window, behind.window.result[1]
    longest = side.result[2]
    line = longest * side.columns * v.itemsize  # of the convolution's result
    copied = s.kernel[0] * side.padded * side.channels * v.itemsize
    within = _l2_bytes() // 4
    wanted = -(-4 * threads // max(1, s.batch))  # bands of an image
    least = 1 if behind.span <= behind.window.strides[1] else SHARED
    most = max(least, -(-rows // wanted))
    band = most_pooled(behind, within // max(1, copied * s.strides[1]), min(rows, most) or 1)
    band = most_pooled(behind, within // max(1, line), band) if whole else band
    bands = -(-rows // band)
    band = -(-rows // bands) if bands else 1
    room = STRIPE if behind.span <= behind.window.strides[1] else 4 * STRIPE
    step = band if whole else most_pooled(behind, room // max(1, line), band)
    height, tall = (min(behind.rows(n), side.result[1]) for n in (band, step))
    head = _lines(Q.BYTES + 16 * s.kernel[0] * s.kernel[1] * side.pieces)
    stripe = _lines(head + side.copied(height) * copied) + 192
    blocks = _lines(stripe + tall * line) + 192
    units = s.batch * bands if side.columns and behind.window.result[2] else 0
    address, pool_words = behind.entry(v.dtype, v.target)
    flat = _flat(side)
    counts = _stripes(side, behind, band, step) if flat else side.phases
    words = {
        W.FLAT: int(flat),
        W.RUN: side.run,
        W.COPIED: side.copied(height),
        W.BAND: band,
        W.BANDS: bands,
        W.COLUMN_SLOTS: 1,
        W.COPY: head,
        W.POOL: address,
        W.POOLED: rows,
        W.STEP: step,
        W.STRIDE: behind.window.strides[1],
        W.FRONT: behind.window.padding[1],
        W.SPAN: behind.span,
        W.STRIPE: stripe,
        W.BLOCKS: blocks,
        **dict(enumerate(pool_words, W.END)),
    }
    most = tiles.largest_rows(v, vectors)
    tallest = most if flat else _even(longest, most) or 1
    scratch = _lines(blocks + W.END * 8 + BYTES)
    return _Cut(units, max(1, units // (8 * threads)), scratch, tallest, counts, words)


def _flat(side: _Side) -> bool:
    """Whether a window of one pixel stands on every pixel: rows are as good as one long row."""
    s = side.window
    plain = s.kernel == s.strides == (1, 1, 1) and s.padding == (0, 0, 0)
    return plain and not side.transposed and not side.padded


def _stripes(side: _Side, behind: Behind, band: int, step: int) -> list[int]:
    """The numbers of pixels that the nest makes at a time, of bands and steps of pooled rows."""
    rows, oh, w = behind.window.result[1], side.result[1], behind.window
    found = set()
    for begin in range(0, rows, band):
        end, done = min(rows, begin + band), 0
        for first in range(begin, end, step):
            start = max(0, min(oh, first * w.strides[1] - w.padding[1]))
            done = max(start, done)
            last = (min(end, first + step) - 1) * w.strides[1] - w.padding[1] + behind.span
            found.add(min(oh, last) - done)
            done = max(done, min(oh, last))
    return sorted(n * side.result[2] for n in found if n > 0)


def most_pooled(behind: Behind, image_rows: int, rows: int) -> int:
    """Of so many rows of the pool, those that read so many rows of the image; 1 at least."""
    return max(1, min(rows, (image_rows - behind.span) // behind.window.strides[1] + 1))


def over_images(side: _Side, v: Vectors) -> bool:
    """Whether tiles run over the batch: rows of the result are too short, and it is long."""
    s = side.window
    longest = max(side.phases, default=0)
    return s.groups == 1 and 0 < longest <= SHORT and s.batch >= 2 * longest


def _by_images(side: _Side, v: Vectors, vectors: int, threads: int) -> _Cut:
    """Units are blocks of images, for some of the columns; tiles run over the images."""
    s = side.window
    most = tiles.largest_rows(v, vectors)
    size = math.prod(side.image) * side.channels
    apart = size
    if size * v.itemsize % 1024 == 0:  # else neighbours share their place in a cache
        apart += 64 // v.itemsize
    fitting = _l2_bytes() // 3 // (apart * v.itemsize) // most * most
    block = _even(s.batch, max(most, fitting))
    blocks = -(-s.batch // block)
    panels = -(-side.columns // (vectors * v.lanes))
    slots = max(1, min(panels, -(-4 * threads // blocks)))
    head = _lines(Q.BYTES + 16 * math.prod(s.kernel))
    copied = block * apart * v.itemsize if apart != size else 0
    units = blocks * slots if side.columns else 0
    words = {
        W.RUN: side.channels,
        W.COLUMN_SLOTS: slots,
        W.COPY: head,
        conv_images.BATCH: s.batch,
        conv_images.IMAGES: block,
        conv_images.ROW: apart,
        conv_images.COPIES: int(apart != size),
    }
    last = s.batch - (blocks - 1) * block
    rows = _even(block, most)
    return _Cut(units, 1, _lines(head + copied) + 192, rows, [block, last], words)


def window_words(s: Window) -> dict[int, int]:
    """The sizes of a convolution, as words of the argument block."""
    values: dict[int, int] = {}
    for first, three in (
        (W.D, s.image),
        (W.OD, s.result),
        (W.KD, s.kernel),
        (W.SD, s.strides),
        (W.PD, s.padding),
        (W.DD, s.dilations),
    ):
        values.update(zip(range(first, first + 3), three, strict=True))
    return values


def _cut(v: Vectors, side: _Side, nr: int, threads: int) -> tuple[int, int, int]:
    """(rows of a band, bands of a plane, slots of columns) of a unit.

    A band's copy of the image stays in L2; there are some units for every thread.
    """
    s = side.window
    rows, strips = side.result[1], max(1, s.batch * side.result[0])
    stride = 1 if side.transposed else s.strides[1]
    row_bytes = max(1, s.kernel[0] * side.padded * side.channels * v.itemsize * stride)
    most = max(1, _l2_bytes() // 4 // row_bytes)
    wanted = -(-4 * threads // strips)  # bands of a plane, so that nobody waits for the last
    band = max(1, min(most, -(-rows // wanted)))
    bands = -(-rows // band) if rows else 0
    band = -(-rows // bands) if bands else 1
    panels = -(-(side.columns // s.groups) // nr)
    slots = max(1, min(panels, 2 * threads // max(1, strips * bands)))
    return band, bands, slots


def tiles_of(v: Vectors, counts: list[int], columns: int, rows: int, vectors: int) -> list[Tile]:
    """Every tile that the nest will call for strips of these numbers of pixels."""
    nr = vectors * v.lanes
    heights = set()
    for count in counts:
        parts = -(-count // rows)
        heights |= {count // parts, -(-count // parts)}
    widths = [(vectors, False)] if columns >= nr else []
    if columns % nr:
        widths.append((-(-(columns % nr) // v.lanes), columns % v.lanes > 0))
    return [Tile(h, n, tail, True) for h in sorted(heights) for n, tail in widths]
