"""Winograd's convolution as ops, and the rule that says when it pays.

A convolution of stride 1 with a window of 3 x 3 or 5 x 5 is made of a transformed filter (once) and
products of tiles (kernels/cpu/winograd.py). float32 and float64: the shares of the costs are the
same, 2.2 times as fast as direct for 56x56 pixels of 64 channels in both; in 16 bits there are no
digits to lose. convolution.py asks `choose`.

Source: Lavin & Gray 2015, "Fast algorithms for convolutional neural networks" (arXiv:1509.09308).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.dtypes import DType, float32, float64
from numflow.graph.lowering import Library, Pooling
from numflow.graph.op import Attrs, Op
from numflow.graph.spec import Spec
from numflow.kernels.records import NamedTuple
from numflow.ops import convolution_pooled as pooled
from numflow.shapes import Extent

Pads = Sequence[tuple[int, int]]

LANES = 16
"""Columns of a transformed filter are padded to a multiple; fewer channels go direct."""

# The costs, in multiply-adds of the direct convolution, which runs at the machine's peak. Measured
# on a Zen 5 with AVX-512 (115 multiply-adds per ns), one thread, milliseconds (direct, F(4x4),
# F(2x2)): 8x56x56x64 8.5, 3.2, 4.7; 8x28x28x128 8.2, 2.7, 4.2; 16x14x14x256 21, 7.5, 8.5;
# 8x28x28x16 0.19, 0.11, 0.18; 32x7x7x64 0.50, 0.24, 0.39; 64x2x2x128 0.51, 0.40, 0.19.
# 5x5 (direct, F(3x3), F(2x2)): 100x14x14 from 32 to 64 10.4, 3.5, 4.5; 8x28x28x32 1.40, 0.64,
# 0.79; 32x8x8x16 0.15, 0.11, 0.12.
TRANSFORM = {(4, 3): 600, (2, 3): 180, (2, 5): 330, (3, 5): 620}
"""(m, window): of one channel, or column, of a tile."""
FILTER = {(4, 3): 45, (2, 3): 50, (2, 5): 75, (3, 5): 75}
"""Of one element of the transformed filter: 64x64 channels 0.06 ms, 256x256 0.8 ms (m = 4)."""
GAIN = 0.85
"""Winograd is taken up to this share of the direct cost: it has a little more error."""
LARGEST = 1 << 28
"""The most bytes of a transformed filter: it is two to four times as large as the filter."""
BATCH = 16
"""What a batch counts as that is not known: between one image and a step of training."""
TILES = 8
"""What a size of the image counts as that is not known, in tiles."""


class Choice(NamedTuple):
    """m: outputs of a tile along an axis, 0: direct. why: a line for explain()."""

    m: int
    why: str


def choose(
    dtype: DType, batch: Extent, channels: Extent, columns: Extent, kernel: Sequence[int],
    result: Sequence[Extent], *, padding: Pads, plain: bool, filters: float = 1,
) -> Choice:  # fmt: skip
    """How a convolution, or its gradient by the filter, is to be computed.

    Args:
      result: sizes of the result; these and the batch may be symbols.
      padding: (in front, behind) of each axis.
      plain: strides and dilations are 1, and there is one group.
      filters: how often a filter is transformed, 0 if it is kept. Each part of a gradient by the
        filter takes half as long to be transformed back.
    """
    from numflow.config import settings

    size = tuple(kernel)
    found = {m: k for m, k in TRANSFORM if size == (k, k)}
    why = ""
    if not plain or not found:
        why = "Winograd takes windows of 3 x 3 and 5 x 5, stride 1, one group"
    elif dtype not in (float32, float64):
        why = "Winograd takes float32 and float64"
    elif not (isinstance(channels, int) and isinstance(columns, int)):
        why = "Winograd takes known channels"
    elif min(channels, columns) < LANES:
        why = f"Winograd takes {LANES} channels or more"
    elif any(n < 0 for pair in padding for n in pair):
        why = "Winograd takes no cropping"
    elif not settings.winograd:
        why = "NUMFLOW_WINOGRAD=0"
    if why:
        return Choice(0, f"direct: {why}")
    assert isinstance(channels, int) and isinstance(columns, int)
    known = [n for n in (batch, *result) if isinstance(n, int)]
    if 0 in known:
        return Choice(0, "direct: nothing to do")
    inside = _inside(batch, size[0], result, padding)
    costs = {
        m: _share(m, size[0], channels, columns, batch, result, filters) / inside for m in found
    }
    m = min(costs, key=lambda m: costs[m])
    share = f"{costs[m]:.2f} of the direct cost"
    name = f"F({m}x{m}, {size[0]}x{size[0]})"
    pairs = channels * padded(columns)
    if (m + size[0] - 1) ** 2 * pairs * dtype.size > LARGEST:
        return Choice(0, f"direct: Winograd's {name} would need a filter of over 256 MB")
    if costs[m] > GAIN:
        return Choice(0, f"direct: Winograd's {name} would take {share}")
    return Choice(m, f"Winograd's {name}: {share}")


def _share(
    m: int, k: int, channels: int, columns: int, batch: Extent, result: Sequence[Extent],
    filters: float,
) -> float:  # fmt: skip
    """What Winograd costs, by all products of the direct convolution."""
    products = (m + k - 1) ** 2
    images, *sizes = _known(batch, result, m)
    tiles = tiles_of(batch, result, m)
    pairs = channels * padded(columns)
    tile = products * pairs + TRANSFORM[m, k] * (channels + columns)
    direct = images * sizes[0] * sizes[1] * k * k * channels * columns
    return (tiles * tile + filters * FILTER[m, k] * products * pairs) / direct


def _inside(batch: Extent, k: int, result: Sequence[Extent], padding: Pads) -> float:
    """The share of these products that is computed, since it is not beside the image.

    Along columns only where tiles run over the batch (kernels/cpu/conv_images.py).
    """
    from numflow.kernels.cpu.conv import SHORT  # where code is made

    rows, columns = (
        _seen(n, k, pads) if isinstance(n, int) else 1.0
        for n, pads in zip(result, padding, strict=True)
    )
    short = isinstance(result[1], int) and result[1] <= SHORT
    many = isinstance(batch, int) and isinstance(result[1], int) and batch >= 2 * result[1]
    return rows * columns if short and many else rows


def _seen(n: int, k: int, pads: tuple[int, int]) -> float:
    """Of n windows of k places along an axis, the share of the places that are in the image."""
    size = n + k - 1 - sum(pads)
    seen = sum(min(size, i - pads[0] + k) - max(0, i - pads[0]) for i in range(n))
    return max(1, seen) / (n * k)


def _known(batch: Extent, result: Sequence[Extent], m: int) -> list[int]:
    """Numbers for the batch and the sizes of the result."""
    sizes = [n if isinstance(n, int) else TILES * m for n in result]
    return [batch if isinstance(batch, int) else BATCH, *sizes]


def tiles_of(batch: Extent, result: Sequence[Extent], m: int) -> int:
    """Tiles of all images, as far as is known."""
    images, *sizes = _known(batch, result, m)
    return images * math.prod(-(-n // m) for n in sizes)


def padded(columns: int) -> int:
    """Columns of a transformed filter."""
    return -(-columns // LANES) * LANES


# --- the filter ----------------------------------------------------------------------------


def _matrices(m: int, k: int) -> list[Any]:
    from numflow.kernels.cpu.winograd_transforms import matrices  # where code is made

    return [np.array(matrix) for matrix in matrices(m, k)]


def _filter_infer(f: Spec, *, m: int, back: bool) -> Spec:
    k, _, *pair = f.shape
    channels, columns = reversed(pair) if back else pair
    return Spec(((m + int(k) - 1) ** 2, channels, padded(int(columns))), f.dtype)  # type: ignore[arg-type]


def _filter_reference(f: Any, *, m: int, back: bool) -> Any:
    _, g, _ = _matrices(m, f.shape[0])
    f = f[::-1, ::-1].swapaxes(2, 3) if back else f
    u = np.einsum("ia,jb,abco->ijco", g, g, f).reshape(len(g) ** 2, *f.shape[2:])
    return np.pad(u, [(0, 0), (0, 0), (0, padded(f.shape[3]) - f.shape[3])]).astype(f.dtype)


def _filter_plan(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import winograd

    k, _, *pair = (int(n) for n in inputs[0].shape)  # type: ignore[arg-type]
    channels, columns = reversed(pair) if attrs["back"] else pair
    dtype = inputs[0].dtype.name
    return winograd.plan_filter(attrs["m"], k, channels, columns, attrs["back"], dtype)


def _filter_cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    size: Any = outputs[0].size
    return 2.0 * FILTER[attrs["m"], int(inputs[0].shape[0])] * float(size)  # type: ignore[arg-type]


winograd_filter_op = Op(
    "convolution_winograd_filter",
    _filter_infer,
    _filter_reference,
    None,
    Library(_filter_plan, cost=_filter_cost, private=True),
)
"""f [k, k, channels, columns] -> G f G^T [n * n, channels, padded columns].

back: f is [k, k, columns, channels], and its window is turned round: for the gradient by the image.
Where the elements lie in it is the kernels' business.
"""


# --- the convolution -----------------------------------------------------------------------


def _infer(x: Spec, u: Spec, *, m: int, kernel: int, padding: Pads, columns: int, why: str) -> Spec:
    result = [n + sum(p) - kernel + 1 for n, p in zip(x.shape[1:-1], padding, strict=True)]
    return Spec((x.shape[0], *result, columns), x.dtype)


def _reference(
    x: Any, u: Any, *, m: int, kernel: int, padding: Pads, columns: int, why: str
) -> Any:
    image, _, result = _matrices(m, kernel)
    n = m + kernel - 1
    sizes = [a + sum(p) - kernel + 1 for a, p in zip(x.shape[1:-1], padding, strict=True)]
    tiles = [-(-a // m) for a in sizes]
    if not all(tiles):
        return np.zeros((x.shape[0], *sizes, columns), x.dtype)
    patches = _patches(x, padding, tiles, m, n)
    v = np.einsum("ia,jb,Ntscab->Ntsijc", image, image, patches)
    products = np.einsum("Ntsijc,ijco->Ntsijo", v, u.reshape(n, n, *u.shape[1:])[..., :columns])
    y = np.einsum("ai,bj,Ntsijo->Ntasbo", result, result, products)
    y = y.reshape(x.shape[0], tiles[0] * m, tiles[1] * m, columns)
    return y[:, : sizes[0], : sizes[1]].astype(x.dtype)


def _patches(x: Any, padding: Pads, tiles: Sequence[int], m: int, n: int) -> Any:
    """[batch, tiles down, tiles across, channels, n, n]: what each tile reads."""
    whole = [(t - 1) * m + n for t in tiles]  # of the padded image
    pads = [(p[0], w - a - p[0]) for p, w, a in zip(padding, whole, x.shape[1:-1], strict=True)]
    wide = np.pad(x, [(0, 0), *pads, (0, 0)])
    return np.lib.stride_tricks.sliding_window_view(wide, (n, n), axis=(1, 2))[:, ::m, ::m]


def _plan(
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    attrs: Attrs,
    threads: int,
    bias: bool = False,
    activation: str = "",
    residual: bool = False,
    behind: Pooling | None = None,
) -> Any:
    from numflow.kernels.cpu import winograd

    return winograd.plan(
        _window(inputs[0], outputs[0], attrs),
        attrs["m"],
        inputs[0].dtype.name,
        bias=bias,
        residual=residual,
        activation=activation,
        behind=pooled.behind_of(behind, outputs[0]),
        threads=threads,
    )


def _window(x: Spec, y: Spec, attrs: Attrs) -> Any:
    """The sizes of the convolution that makes y of x."""
    from numflow.kernels.cpu.conv import Window

    batch, *image, channels = (int(n) for n in x.shape)  # type: ignore[arg-type]
    _, *result, columns = (int(n) for n in y.shape)  # type: ignore[arg-type]
    k, padding = attrs["kernel"], attrs["padding"]
    return Window(
        batch, (1, image[0], image[1]), channels, (1, k, k), columns, (1, result[0], result[1]),
        padding=(0, padding[0][0], padding[1][0]),
    )  # fmt: skip


def _cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    return _products(attrs, inputs[0], outputs[0])


def _products(attrs: Attrs, x: Spec, y: Spec) -> float:
    """As many flops as are done, not as many as the direct convolution does."""
    m, k = attrs["m"], attrs["kernel"]
    channels, columns, size = (float(n) for n in (x.shape[-1], y.shape[-1], y.size))  # type: ignore[arg-type]
    tile = (m + k - 1) ** 2 * channels * columns + TRANSFORM[m, k] * (channels + columns)
    return 2.0 * size / columns / m**2 * tile


winograd_op = Op(
    "convolution_winograd",
    _infer,
    _reference,
    None,
    Library(
        _plan,
        cost=_cost,
        epilogue=True,
        residual=True,
        note=lambda inputs, outputs, attrs: attrs["why"],
        pools=pooled.winograd_pays,
    ),
)
"""x [batch, height, width, channels], u of `winograd_filter_op` -> the convolution, of stride 1.

Attributes: m; kernel: the window's size along an axis; padding: (in front, behind) of each axis;
columns: of the result; why: the line for explain().
"""


# --- the gradient by the filter ------------------------------------------------------------


def _parts_infer(
    x: Spec, dy: Spec, *, m: int, kernel: int, padding: Pads, parts: int, why: str
) -> Spec:
    return Spec((parts, kernel, kernel, x.shape[-1], dy.shape[-1]), x.dtype)


def _parts_reference(
    x: Any, dy: Any, *, m: int, kernel: int, padding: Pads, parts: int, why: str
) -> Any:
    image, g, result = _matrices(m, kernel)
    n = m + kernel - 1
    out = np.zeros((parts, kernel, kernel, x.shape[-1], dy.shape[-1]), x.dtype)
    tiles = [-(-a // m) for a in dy.shape[1:-1]]
    if all(tiles):
        patches = _patches(x, padding, tiles, m, n)
        v = np.einsum("ia,jb,Ntscab->Ntsijc", image, image, patches)
        behind = [(0, t * m - a) for t, a in zip(tiles, dy.shape[1:-1], strict=True)]
        d = np.pad(dy, [(0, 0), *behind, (0, 0)])
        d = d.reshape(d.shape[0], tiles[0], m, tiles[1], m, d.shape[-1])
        z = np.einsum("ai,bj,Ntasbo->Ntsijo", result, result, d)
        products = np.einsum("Ntsijc,Ntsijo->ijco", v, z)
        out[0] = np.einsum("ia,jb,ijco->abco", g, g, products)
    return out


def _parts_plan(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import winograd_filter

    x, dy = inputs
    window = _window(x, dy, attrs)
    parts = attrs["parts"]
    return winograd_filter.plan(window, attrs["m"], x.dtype.name, parts=parts, threads=threads)


def _parts_cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    return _products(attrs, *inputs)


winograd_parts_op = Op(
    "convolution_winograd_parts",
    _parts_infer,
    _parts_reference,
    None,
    Library(_parts_plan, cost=_parts_cost, note=lambda inputs, outputs, attrs: attrs["why"]),
)
"""x, dy -> parts [parts, k, k, channels, columns], whose sum is the gradient by the filter.

Attributes as of `winograd_op`; padding is the convolution's; parts: into how many sums the tiles
are dealt out.
"""
