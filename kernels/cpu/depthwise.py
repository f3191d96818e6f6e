"""Depthwise convolutions on the CPU, and their gradients.

Images are [batch, rows, columns, channels], and a channel has one filter. Vectors run along
channels. A tile is a few neighbouring pixels of one output row and one vector of channels: its sums
stay in registers while it walks over a list of taps, so that a tap of the filter is loaded once for
all pixels of the tile. The list holds, for each tap inside of the image, where its pixels and its
numbers lie; it is the same for all pixels of a row but those at its ends, which have lists of their
own, and the same for all rows whose taps are inside, some rows further. Where three taps of a row
are neighbours, a pixel is loaded once for all three. Nothing is copied or padded.

TRANSPOSED is the gradient by the image: output pixel o reads source pixel (o + padding - tap *
dilation) / stride, where that is one. Along columns the pixels of each remainder (*phase*) by the
stride are done in turn, since they have the same taps.

The gradient by the filter (depthwise_filter.py; the rest is in depthwise_nest.py) walks along rows,
with the sums of three neighbouring taps, or of all nine of a 3x3 window, in registers; its rows are
dealt out to `parts` sums, which the caller adds up.

Of large images, the rows that come next are asked for while a row is computed, and results go past
the caches: on a machine with 512-bit vectors forward takes half the time, with gradients 0.6.

The bits depend on sizes, dtype and machine, not on how units are dealt out.

Bound: memory, where a pixel has few channels and the window is 3x3 (18 flops an element that is
read and written); multiply-adds, two loads for each, where the window is larger.
"""

from __future__ import annotations

from typing import NamedTuple

from numflow.kernels import lang
from numflow.kernels.cpu import memory
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.depthwise_filter import depthwise_filter
from numflow.kernels.cpu.depthwise_nest import ENTRY, PAST, depthwise
from numflow.kernels.engine import Target
from numflow.kernels.ir import Vectors
from numflow.kernels.tiles import ACTIVATIONS

_WORK = 1 << 16
"""Multiply-adds that are worth being handed to a thread."""
_CHUNKS = 128
"""At most, of large images: where one begins, nothing has been fetched."""
_KEPT = 8
"""Columns of a window up to which the lists of all its pixels are kept from row to row."""
_LISTS = 1 << 25
"""Bytes that all lists of taps may take: those of huge windows are as large as the window."""


class Sizes(NamedTuple):
    """The sizes of a convolution. top, left: zeros in front; those behind follow."""

    batch: int
    rows: int
    columns: int
    channels: int
    kernel_rows: int
    kernel_columns: int
    result_rows: int
    result_columns: int
    row_stride: int = 1
    column_stride: int = 1
    top: int = 0
    left: int = 0
    row_dilation: int = 1
    column_dilation: int = 1


def plan(
    s: Sizes,
    dtype: str = "float32",
    *,
    bias: bool = False,
    activation: str = "",
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """y = depthwise convolution of x with f (+ bias) (relu).

    Args:
      dtype: "float32" or "float64".
      activation: "", "relu" or "relu6".
      threads: how many may share the work; speed only.

    Operands: x [batch, rows, columns, channels], f [kernel rows, kernel columns, channels], y
    [batch, result rows, result columns, channels], bias [channels] if there is one; dense.
    """
    image, result = (s.rows, s.columns), (s.result_rows, s.result_columns)
    return _plan(s, image, result, False, dtype, bias, activation, threads, target)


def plan_image(
    s: Sizes, dtype: str = "float32", *, threads: int = 1, target: Target | None = None
) -> Call:
    """The gradient of the convolution by its image.

    Operands: dy [batch, result rows, result columns, channels], f, dx [batch, rows, columns,
    channels]; dense.
    """
    image, result = (s.rows, s.columns), (s.result_rows, s.result_columns)
    return _plan(s, result, image, True, dtype, False, "", threads, target)


def _plan(
    s: Sizes, source: tuple[int, int], result: tuple[int, int], transposed: bool, dtype: str,
    bias: bool, activation: str, threads: int, target: Target | None,
) -> Call:  # fmt: skip
    v = Vectors(dtype, target or Target.host())
    units = s.batch * result[0] if result[1] and s.channels else 0
    taps = s.kernel_rows * s.kernel_columns
    row = max(1, result[1] * s.channels * taps)
    each = -(-(taps + 1) * ENTRY // 64) * 64
    moves = not transposed or s.row_stride == s.column_stride == 1
    slots = s.kernel_columns if moves and s.kernel_columns <= _KEPT else 1
    scratch = each * slots
    chunk = max(1, min(-(-units // (4 * threads)), -(-_WORK // row)))
    chunk = max(chunk, units * scratch // _LISTS, units // _CHUNKS)
    pixel = s.channels * v.itemsize
    flags = ACTIVATIONS[activation]
    if v.target.vbytes == memory.LINE and memory.goes_past(units * result[1] * pixel, pixel):
        flags |= PAST
    fetched = 0
    if pixel >= memory.LINE and s.batch * source[0] * source[1] * pixel >= memory.FETCHED:
        fetched = 1 if transposed else s.row_stride
    constants = (
        *source, *result, s.channels, s.kernel_rows, s.kernel_columns, s.row_stride,
        s.column_stride, s.top, s.left, s.row_dilation, s.column_dilation, int(transposed),
        flags, chunk, scratch, fetched, each, slots, 1 if transposed else s.row_stride,
    )  # fmt: skip
    address = lang.addresses(depthwise, dtype=v.dtype, target=v.target)["depthwise"]
    workspace = -(-units // chunk) * scratch
    if bias:
        return Call(address, units, chunk, 4, constants, workspace)
    return Call(address, units, chunk, 3, (0, *constants), workspace)


def plan_filter(
    s: Sizes,
    dtype: str = "float32",
    *,
    parts: int = 1,
    threads: int = 1,
    target: Target | None = None,
) -> Call:
    """The parts of the gradient by the filter.

    Args:
      parts: into how many sums the rows are dealt out; the bits depend on it.

    Operands: x [batch, rows, columns, channels], dy [batch, result rows, result columns,
    channels], parts [parts, kernel rows, kernel columns, channels]; dense.
    """
    v = Vectors(dtype, target or Target.host())
    size = s.kernel_rows * s.kernel_columns * s.channels
    lines = s.batch * s.result_rows if s.result_columns else 0
    scratch = -(-s.kernel_columns * ENTRY // 64) * 64
    nbytes = s.batch * s.rows * s.columns * s.channels * v.itemsize
    fetched = int(nbytes >= memory.FETCHED)
    constants = (
        0, s.rows, s.columns, s.result_rows, s.result_columns, s.channels, s.kernel_rows,
        s.kernel_columns, s.row_stride, s.column_stride, s.top, s.left, s.row_dilation,
        s.column_dilation, lines, parts, scratch, fetched,
    )  # fmt: skip
    address = lang.addresses(depthwise_filter, dtype=v.dtype, target=v.target)["depthwise_filter"]
    units = parts if size else 0
    return Call(address, units, 1, 3, constants, units * scratch)
