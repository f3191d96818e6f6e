"""Images of another size: weighed sums of pixels, and nearest pixels.

    resize_op        out[n, r, c] = sum of A[r, i] B[c, j] x[n, i, j]; A and B of resize_bands.py
    window_op        out[n, r, c] = sum of w[i] w[j] x[n, r + i, c + j], for what slides over images
    nearest_op       out[n, r, c] = x[n, row(r), column(c)], any dtype
    mirror_op        out[n, r, c] = x[n, r, width - 1 - c], any dtype

The first is linear, and its gradient is itself with both matrices transposed (`transposed`, where
the sizes of its input and output change places in the tables). The public functions are in
image_resize.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.lowering import Library
from numflow.graph.op import Array, Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import rearrange
from numflow.ops.resize_bands import Band, band, nearest
from numflow.shapes import Shape

_FEW = 8  # taps that are added one by one; more of them are a product of matrices


def _infer(x: Spec, *, size: Shape, **_: Any) -> Spec:
    return Spec((x.shape[0], *size, x.shape[3]), x.dtype)


def _table(
    k: int, x: Sequence[int], size: Sequence[int], method: str, align_corners: bool,
    half_pixel: bool, antialias: bool, transposed: bool,
) -> Band:  # fmt: skip
    """The matrix along axis k of the image."""
    source, out = x[k + 1], size[k]
    _some(source, out)
    options = (align_corners, half_pixel, antialias)
    if transposed:
        return band(method, out, source, *options).transposed()
    return band(method, source, out, *options)


def _some(source: int, out: int) -> None:
    """Refuses sizes of 0, where a program learns only now that they are."""
    if source < 1 or out < 1:
        raise ShapeError(explain("resize", f"an axis of {source} pixels becomes one of {out}"))


# --- weighed sums ------------------------------------------------------------------------


def _reference(x: Any, *, size: tuple[int, ...], **attrs: Any) -> Any:
    for k in (0, 1):
        x = along(x, k + 1, _table(k, x.shape, size, **attrs))
    return x


def along(x: Any, axis: int, table: Band) -> Any:
    """The matrix times every column along an axis."""
    if table.weights.shape[1] > _FEW:
        product = np.tensordot(table.matrix(x.dtype), x, (1, axis))
        return np.ascontiguousarray(np.moveaxis(product, 0, axis))
    shape = (-1,) + (1,) * (x.ndim - axis - 1)
    out: Any = 0
    for k in range(table.weights.shape[1]):
        alive = k < table.counts
        taps = np.take(x, np.where(alive, table.starts + k, 0), axis)
        weights = table.weights[:, k].astype(x.dtype).reshape(shape)
        if not alive.all():  # a weight of 0 must not make NaN of an infinite pixel
            taps = np.where(alive.reshape(shape), taps, 0)
        out = out + taps * weights
    return out


def _vjp(g: Backward) -> tuple[Tensor]:
    attrs = {**g.attrs, "size": g.inputs[0].spec.shape[1:3]}
    return (resize_op(g.ct, **{**attrs, "transposed": not attrs["transposed"]}),)


def _plan(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    shape = _ints(inputs[0].shape)
    size = _ints(attrs["size"])
    rest = {k: v for k, v in attrs.items() if k != "size"}
    return planned(inputs[0], lambda k: _table(k, shape, size, **rest), threads)


def planned(x: Spec, table: Callable[[int], Band], threads: int) -> Any:
    """The kernel's call for images of that spec and the matrices of their axes."""
    from numflow.kernels.cpu import resize as kernels  # llvmlite: only where code is made

    batch, height, width, channels = _ints(x.shape)
    found = [table(k) if batch and channels else _NOTHING for k in (0, 1)]
    rows, columns = (kernels.Table(t.starts, t.counts, t.weights) for t in found)
    return kernels.plan_resize(
        batch, height, width, channels, rows, columns, x.dtype.name, threads=threads
    )


_NOTHING = Band(0, np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 1)))


def _ints(shape: Shape) -> tuple[int, ...]:
    return tuple(int(n) for n in shape)  # type: ignore[arg-type]


def cost(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> float:
    """About half a nanosecond per element of the result, or of the lines between."""
    x, y = _ints(inputs[0].shape), _ints(outputs[0].shape)
    return 40.0 * (x[0] * y[1] * x[2] * x[3] + x[0] * y[1] * y[2] * y[3])


resize_op = Op("resize", _infer, _reference, _vjp, Library(_plan, cost=cost))


# --- sliding windows -------------------------------------------------------------------------


def _window_infer(x: Spec, *, weights: tuple[float, ...]) -> Spec:
    batch, height, width, channels = x.shape
    less = len(weights) - 1
    return Spec((batch, height - less, width - less, channels), x.dtype)


def _window_table(n: int, weights: tuple[float, ...]) -> Band:
    out = n - len(weights) + 1
    if out < 1:
        problem = f"a window of {len(weights)} pixels does not fit into {n}"
        raise ShapeError(explain("window_means", problem))
    rows = np.tile(np.array(weights, np.float32), (out, 1))
    return Band(n, np.arange(out), np.full(out, len(weights)), rows)


def _window_reference(x: Any, *, weights: tuple[float, ...]) -> Any:
    for k in (1, 2):
        x = along(x, k, _window_table(x.shape[k], weights))
    return x


def _window_vjp(g: Backward) -> tuple[Tensor]:
    weights = g.attrs["weights"]
    beside = (len(weights) - 1, len(weights) - 1)
    around = rearrange.pad(g.ct, [(0, 0), beside, beside, (0, 0)])
    return (window_op(around, weights=weights[::-1]),)


def _plan_window(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    shape = _ints(inputs[0].shape)
    return planned(inputs[0], lambda k: _window_table(shape[k + 1], attrs["weights"]), threads)


window_op = Op(
    "window_means", _window_infer, _window_reference, _window_vjp, Library(_plan_window, cost=cost)
)


# --- nearest pixels ------------------------------------------------------------------------


def _places(
    x: Sequence[int], size: Sequence[int], align_corners: bool, half_pixel: bool
) -> list[Array]:
    for k in (0, 1):
        _some(x[k + 1], size[k])
    return [nearest(x[k + 1], size[k], align_corners, half_pixel) for k in (0, 1)]


def _nearest_reference(x: Any, *, size: tuple[int, ...], **attrs: Any) -> Any:
    rows, columns = _places(x.shape, size, **attrs)
    return x[:, rows[:, None], columns[None, :]]


def _nearest_vjp(g: Backward) -> tuple[Tensor | None]:
    x, attrs = g.inputs[0], g.attrs
    if not x.dtype.is_floating:
        return (None,)
    short = x.dtype.size == 2
    ct = maths.cast(g.ct, dtypes.float32) if short else g.ct
    options = dict(attrs, size=x.spec.shape[1:3], method="nearest", antialias=False)
    dx = resize_op(ct, transposed=True, **options)
    return (maths.cast(dx, x.dtype) if short else dx,)


def _plan_nearest(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import resize as kernels

    (x,) = inputs
    batch, height, width, channels = shape = _ints(x.shape)
    rest = {k: v for k, v in attrs.items() if k != "size"}
    places = [np.zeros(0, np.int64)] * 2
    if batch and channels:
        places = _places(shape, _ints(attrs["size"]), **rest)
    return kernels.plan_pick(batch, height, width, channels * x.dtype.size, *places)


nearest_op = Op("resize_nearest", _infer, _nearest_reference, _nearest_vjp, Library(_plan_nearest))


# --- mirror images -----------------------------------------------------------------------------


def _plan_mirror(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import resize as kernels

    (x,) = inputs
    *front, height, width, channels = _ints(x.shape)
    batch = int(np.prod(front))
    columns = np.arange(width)[::-1]
    return kernels.plan_pick(
        batch, height, width, channels * x.dtype.size, np.arange(height), columns
    )


def _mirror_vjp(g: Backward) -> tuple[Tensor]:
    return (mirror_op(g.ct),)


# x[..., ::-1, :] by whole pixels: a loop over x's own strides has vectors no longer than those, and
# takes five times as long for 3 channels.
mirror_op = Op(
    "mirror",
    lambda x: x,
    lambda x: x[..., ::-1, :],
    _mirror_vjp,
    Library(_plan_mirror),
)
