"""Patches of images, side by side in channels: extract_patches, extract_volume_patches.

Axis by axis: the parts of the padded image that each element of the window is over are stacked, so
that a window of 16 x 16 takes 32 slices and not 256. Large windows are read by index.
"""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import conv_api_sizes as arguments
from numflow.ops import creation, indexing, joining, rearrange, slicing
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import Extent, product

MOST_SLICES = 64
"""Elements of a window along an axis up to which each is a slice; more are read by index."""


def extract_patches(
    images: TensorLike, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None
) -> Tensor:
    """What a window reads at each of its places, as channels.

    Args:
      images: numbers [batch, rows, columns, channels].
      sizes: of the window, [1, rows, columns, 1].
      strides: from one place of the window to the next, [1, rows, columns, 1].
      rates: from one pixel that is read to the next, [1, rows, columns, 1].
      padding: "SAME" or "VALID".

    Returns:
      [batch, *places, rows * columns * channels of the window], channels next to each other.

    Raises:
      ShapeError: ranks do not fit; numbers are not possible; the window is larger than the image.
      DTypeError: images is not of numbers.

    Example:
      >>> x = nf.reshape(nf.range(9), [1, 3, 3, 1])
      >>> one = [1, 1, 1, 1]
      >>> nf.image.extract_patches(x, [1, 2, 2, 1], one, one, "VALID").numpy()[0, 0].tolist()
      [[0, 1, 3, 4], [1, 2, 4, 5]]
    """
    return _patches("extract_patches", "images", images, 2, sizes, strides, rates, padding)


def extract_volume_patches(
    input: TensorLike, ksizes: Any, strides: Any, padding: str, name: str | None = None
) -> Tensor:
    """`extract_patches` of images of three axes [batch, planes, rows, columns, channels].

    Args:
      ksizes, strides: [1, planes, rows, columns, 1].

    Example:
      >>> x, two = nf.ones([1, 4, 4, 4, 3]), [1, 2, 2, 2, 1]
      >>> nf.extract_volume_patches(x, two, two, "VALID").shape
      TensorShape([1, 2, 2, 2, 24])
    """
    return _patches("extract_volume_patches", "input", input, 3, ksizes, strides, None, padding)


def _patches(
    op: str, name: str, images: TensorLike, axes: int, sizes: Any, strides: Any, rates: Any,
    padding: str,
) -> Tensor:  # fmt: skip
    x = as_tensor(images, None, op, name)
    shown: dict[str, object] = {
        name: x.spec, "sizes": sizes, "strides": strides, "padding": padding,
    }  # fmt: skip
    if not x.dtype.is_numeric:
        raise DTypeError(explain(op, f"{name} is {x.dtype.name}, not of numbers", shown))
    if x.spec.rank != axes + 2:
        problem = f"{name} has rank {x.spec.rank}, {axes + 2} was wanted"
        raise ShapeError(explain(op, problem, shown))
    if sizes is None:
        raise ValueError(explain(op, "sizes of the window are wanted", shown))
    kernel = arguments.per_axis(op, "sizes", sizes, axes, False)
    image = x.spec.shape[1:-1]
    g = arguments.geometry(op, image, kernel, strides, padding, rates, False, shown, x=x)
    places = g.result(image, kernel)
    batch, channels = x.spec.shape[0], x.spec.shape[-1]
    arguments.bounded(op, [batch, *places, *kernel, channels], shown)
    if any(map(any, g.padding)):
        x = rearrange.pad(x, [(0, 0), *g.padding, (0, 0)])
    for axis in range(axes):
        if kernel[axis] > MOST_SLICES:
            x = _gathered(
                x, axis + 1, places[axis], kernel[axis], g.strides[axis], g.dilations[axis]
            )
            continue
        shape = list(x.spec.shape)
        shape[axis + 1] = places[axis]
        stride = [1] * len(shape)
        stride[axis + 1] = g.strides[axis]
        parts = []
        for tap in range(kernel[axis]):
            begin = [0] * len(shape)
            begin[axis + 1] = tap * g.dilations[axis]
            parts.append(
                slicing.slice_op(x, begin=tuple(begin), stride=tuple(stride), shape=tuple(shape))
            )
        x = joining.stack_tensors(parts, len(shape) - 1)
    return shaping.reshape_op(x, shape=(batch, *places, product(kernel) * channels))


def _gathered(x: Tensor, axis: int, places: Extent, taps: int, stride: int, gap: int) -> Tensor:
    """What taps of a window read along an axis, before the channels, by their numbers."""
    first = creation.iota((places, 1), 0, dtypes.int64) * stride
    at = first + creation.iota((1, taps), 1, dtypes.int64) * gap
    read = indexing.gather(x, at, axis=axis)  # [..., places, taps, ..., channels]
    rest = range(axis + 2, read.spec.rank - 1)
    return shaping.transpose(read, [*range(axis + 1), *rest, axis + 1, read.spec.rank - 1])
