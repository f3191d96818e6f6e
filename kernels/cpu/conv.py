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

from typing import NamedTuple

from numflow.kernels import lang, tiles
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.conv_nest import W, conv
from numflow.kernels.cpu.gemm import _even, _l2_bytes, _lines
from numflow.kernels.engine import Target
from numflow.kernels.ir import Vectors
from numflow.kernels.tiles import BIAS, RELU, Q, Tile

Three = tuple[int, int, int]


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


def plan(
    s: Window,
    dtype: str = "float32",
    *,
    bias: bool = False,
    activation: str = "",
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """y = convolution of x with f (+ bias) (relu).

    Args:
      s: the sizes.
      dtype: "float32" or "float64".
      bias: a vector of `columns` is added.
      activation: "" or "relu".
      threads: how many may share the work; speed only.

    Operands: x [batch, *image, channels], f [*kernel, channels / groups, columns], y [batch,
    *result, columns], bias [columns]; dense.
    """
    v = Vectors(dtype, target or Target.host())
    channels, columns = s.channels // s.groups, s.columns // s.groups
    vectors = min(2, max(1, -(-columns // v.lanes)))
    nr = vectors * v.lanes
    ow = s.result[2]
    rows = _even(ow, tiles.largest_rows(v, vectors)) or 1
    dense = s.dilations[2] == 1 and s.groups == 1
    pieces = 1 if dense else s.kernel[2]
    run = channels * (s.kernel[2] if dense else 1)
    reach = (ow - 1) * s.strides[2] + (s.kernel[2] - 1) * s.dilations[2] + 1
    padded = reach if s.padding[2] or reach > s.image[2] else 0
    band, bands, slots = _cut(v, s, padded, nr, threads)
    most = (band - 1) * s.strides[1] + (s.kernel[1] - 1) * s.dilations[1] + 1
    copied = s.kernel[0] * most * padded * s.channels * v.itemsize
    head = _lines(Q.BYTES + 16 * s.kernel[0] * s.kernel[1] * pieces)
    scratch = _lines(head + copied) + 192
    units = s.batch * s.result[0] * bands * slots if s.columns and ow else 0
    chunk = max(1, units // (8 * threads) // slots * slots)
    block = max(nr, int(_l2_bytes() * 0.5) // v.itemsize // max(1, s.depth) // nr * nr)
    table = 0
    if units:
        table = tiles.table(_tiles(v, ow, columns, rows, vectors), v)
    values = {
        W.D: s.image[0],
        W.H: s.image[1],
        W.WIDTH: s.image[2],
        W.PIXEL: s.channels,
        W.OD: s.result[0],
        W.OH: s.result[1],
        W.OW: ow,
        W.OUT_PIXEL: s.columns,
        W.KD: s.kernel[0],
        W.KH: s.kernel[1],
        W.KW: s.kernel[2],
        W.SD: s.strides[0],
        W.SH: s.strides[1],
        W.SW: s.strides[2],
        W.PD: s.padding[0],
        W.PH: s.padding[1],
        W.PW: s.padding[2],
        W.DD: s.dilations[0],
        W.DH: s.dilations[1],
        W.DW: s.dilations[2],
        W.GROUPS: s.groups,
        W.CHANNELS: channels,
        W.COLUMNS: columns,
        W.RUN: run,
        W.PIECES: pieces,
        W.PADDED: padded,
        W.BAND: band,
        W.BANDS: bands,
        W.COLUMN_SLOTS: slots,
        W.FLAGS: BIAS * bias | RELU * (activation == "relu"),
        W.ROWS: rows,
        W.VECTORS: vectors,
        W.NC: min(block, -(-columns // nr) * nr),
        W.LDF: s.columns,
        W.F_PANEL: nr,
        W.F_GROUP: columns,
        W.CHUNK: chunk,
        W.SCRATCH: scratch,
        W.COPY: head,
        W.TILES: table,
    }
    constants = tuple(values.get(place, 0) for place in range(W.D, W.END))
    address = lang.addresses(conv, dtype=v.dtype, target=v.target)["conv"]
    return Call(address, units, chunk, 4, constants, -(-units // chunk) * scratch)


def _cut(v: Vectors, s: Window, padded: int, nr: int, threads: int) -> tuple[int, int, int]:
    """(rows of a band, bands of a plane, slots of columns) of a unit.

    A band's copy of the image stays in L2; there are some units for every thread.
    """
    rows, strips = s.result[1], max(1, s.batch * s.result[0])
    row_bytes = max(1, s.kernel[0] * padded * s.channels * v.itemsize * s.strides[1])
    most = max(1, _l2_bytes() // 4 // row_bytes)
    wanted = -(-4 * threads // strips)  # bands of a plane, so that nobody waits for the last
    band = max(1, min(most, -(-rows // wanted)))
    bands = -(-rows // band) if rows else 0
    band = -(-rows // bands) if bands else 1
    panels = -(-(s.columns // s.groups) // nr)
    slots = max(1, min(panels, 2 * threads // max(1, strips * bands)))
    return band, bands, slots


def _tiles(v: Vectors, ow: int, columns: int, rows: int, vectors: int) -> list[Tile]:
    """Every tile that the nest will call."""
    nr = vectors * v.lanes
    count = -(-ow // rows)
    heights = {ow // count, -(-ow // count)}
    widths = [(vectors, False)] if columns >= nr else []
    if columns % nr:
        widths.append((-(-(columns % nr) // v.lanes), columns % v.lanes > 0))
    return [Tile(h, n, tail, True) for h in sorted(heights) for n, tail in widths]
