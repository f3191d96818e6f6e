"""Pixels at other places: cut out, framed, flipped, turned.

Images are [batch, height, width, channels] or [height, width, channels] of any dtype; `_axis`
counts for both.
"""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import (
    comparisons,
    creation,
    image_resize,
    indexing,
    joining,
    power,
    rearrange,
    resize,
    run_time,
    slicing,
)
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int, static_shape
from numflow.ops.image_arguments import as_images, known_number, size_of
from numflow.shapes import Extent, maximum, minimum


def _sizes(x: Tensor) -> tuple[Extent, Extent]:
    """Height and width."""
    return x.spec.shape[-3], x.spec.shape[-2]


def _axis(x: Tensor, k: int) -> int:
    """Of the height (0) or width (1)."""
    return x.spec.rank - 3 + k


# --- flips and turns ------------------------------------------------------------------------


def flip_left_right(image: TensorLike) -> Tensor:
    """image[..., ::-1, :]: left becomes right.

    Raises:
      ShapeError: not 3 or 4 axes, or no pixels.

    Example:
      >>> nf.image.flip_left_right([[[1], [2], [3]]]).numpy().tolist()
      [[[3], [2], [1]]]
    """
    return flipped("image.flip_left_right", image, 1)


def flip_up_down(image: TensorLike) -> Tensor:
    """image[..., ::-1, :, :]: top becomes bottom.

    Raises:
      ShapeError: not 3 or 4 axes, or no pixels.
    """
    return flipped("image.flip_up_down", image, 0)


def flipped(op: str, image: TensorLike, k: int) -> Tensor:
    """Along the height (0) or width (1)."""
    x = as_images(op, image)
    return reversed_along(x, k)


_FEW = 16  # channels: fewer are no vector


def reversed_along(x: Tensor, k: int) -> Tensor:
    """Along the height (0) or width (1): pixels of few channels as a whole."""
    channels = x.spec.shape[-1]
    if k == 1 and isinstance(channels, int) and channels < _FEW:
        return resize.mirror_op(x)
    return rearrange.reverse(x, [_axis(x, k)])


def transpose(image: TensorLike, name: str | None = None) -> Tensor:
    """Rows and columns exchanged.

    Raises:
      ShapeError: not 3 or 4 axes, or no pixels.

    Example:
      >>> nf.image.transpose(nf.zeros([2, 3, 5, 1])).shape
      TensorShape([2, 5, 3, 1])
    """
    return _exchanged(as_images("image.transpose", image))


def _exchanged(x: Tensor) -> Tensor:
    return shaping.transpose(x, [1, 0, 2] if x.spec.rank == 3 else [0, 2, 1, 3])


def rot90(image: TensorLike, k: Any = 1, name: str | None = None) -> Tensor:
    """image turned by k quarters, against the clock.

    Args:
      image: [batch, height, width, channels] or [height, width, channels].
      k: an integer; in a traced function also a tensor.

    Raises:
      ShapeError: not 3 or 4 axes, or no pixels; k is not one number.

    Example:
      >>> nf.image.rot90([[[1], [2]], [[3], [4]]])[..., 0].numpy().tolist()
      [[2, 4], [1, 3]]
    """
    x = as_images("image.rot90", image)
    late = run_time.unknown(k)
    if late is not None:
        return _turned(x, run_time.scalar("image.rot90", late, "k"))
    quarters = static_int(k, "image.rot90", "k") % 4
    height, width = _axis(x, 0), _axis(x, 1)
    if quarters == 1:
        return _exchanged(rearrange.reverse(x, [width]))
    if quarters == 2:
        return rearrange.reverse(x, [height, width])
    return rearrange.reverse(_exchanged(x), [width]) if quarters else x


def _turned(x: Tensor, k: Tensor) -> Tensor:
    """By a number of quarters that is known at run time: pixels gathered from their places."""
    height, width = (shaping.size_tensor(n, dtypes.int64) for n in _sizes(x))
    quarter = power.floormod(k, 4)
    upright = comparisons.equal(power.floormod(quarter, 2), 0)
    both = [selections.where(upright, height, width), selections.where(upright, width, height)]
    rows, columns = run_time.sizes_of(joining.stack_tensors(both, 0))
    i = creation.iota((rows, columns), 0, dtypes.int64)
    j = creation.iota((rows, columns), 1, dtypes.int64)
    down, right = height - 1, width - 1
    row = _choice(quarter, i, j, down - i, down - j)
    column = _choice(quarter, j, right - i, right - j, i)
    shape = x.spec.shape
    flat = shaping.reshape(x, (*shape[:-3], shape[-3] * shape[-2], shape[-1]))
    return indexing.gather(flat, row * width + column, axis=x.spec.rank - 3)


def _choice(quarter: Tensor, *values: Tensor) -> Tensor:
    out = values[3]
    for k in (2, 1, 0):
        out = selections.where(comparisons.equal(quarter, k), values[k], out)
    return out


# --- parts and frames -----------------------------------------------------------------------


def crop_to_bounding_box(
    image: TensorLike, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """The part of that size whose upper left corner is at the offsets.

    Args:
      image: [batch, height, width, channels] or [height, width, channels].
      offset_height, offset_width: rows above and columns to the left of the part.
      target_height, target_width: its size.

    Raises:
      ShapeError: not 3 or 4 axes, no pixels; a size that is not positive, a negative offset; the
        part is not inside of the image.

    Example:
      >>> x = nf.reshape(nf.range(9), [3, 3, 1])
      >>> nf.image.crop_to_bounding_box(x, 1, 0, 2, 2)[..., 0].numpy().tolist()
      [[3, 4], [6, 7]]
    """
    op = "image.crop_to_bounding_box"
    x = as_images(op, image)
    height = size_of(op, target_height, "target_height", 1)
    width = size_of(op, target_width, "target_width", 1)
    offsets = [
        _offset(op, offset_height, "offset_height"),
        _offset(op, offset_width, "offset_width"),
    ]
    for what, at, n, whole in zip(
        ("height", "width"), offsets, (height, width), _sizes(x), strict=True
    ):
        if isinstance(at, int) and isinstance(n, int) and isinstance(whole, int) and at + n > whole:
            shown = {"image": x.spec, f"offset_{what}": at, f"target_{what}": n}
            raise ShapeError(explain(op, f"{what} {whole} is less than {at} + {n}", shown))
    return _part(x, offsets, [height, width])


def _offset(op: str, value: Any, name: str) -> Any:
    """An offset: a size, or a tensor that has no value yet."""
    late = run_time.unknown(value)
    return size_of(op, value, name) if late is None else late


def _part(x: Tensor, offsets: list[Any], sizes: list[Extent]) -> Tensor:
    front, shape = x.spec.rank - 3, x.spec.shape
    begin = [*[0] * front, *offsets, 0]
    return slicing.slice(x, begin, [*shape[:front], *sizes, shape[-1]])


def pad_to_bounding_box(
    image: TensorLike, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """The image inside of zeros: its upper left corner at the offsets of a frame of that size.

    Args:
      image: [batch, height, width, channels] or [height, width, channels].
      offset_height, offset_width: rows of zeros above and columns of zeros to the left.
      target_height, target_width: the size of the result.

    Raises:
      ShapeError: not 3 or 4 axes, no pixels; a negative offset; the image is not inside of the
        frame.

    Example:
      >>> nf.image.pad_to_bounding_box([[[1], [2]]], 0, 1, 2, 3)[..., 0].numpy().tolist()
      [[0, 1, 2], [0, 0, 0]]
    """
    op = "image.pad_to_bounding_box"
    x = as_images(op, image)
    front = x.spec.rank - 3
    pairs: list[Any] = [(0, 0)] * front
    frames: list[Extent] = []
    values = (("height", offset_height, target_height), ("width", offset_width, target_width))
    for (what, offset, target), n in zip(values, _sizes(x), strict=True):
        before = size_of(op, offset, f"offset_{what}")
        frame = size_of(op, target, f"target_{what}")
        behind = frame - before - n
        if isinstance(behind, int) and behind < 0:
            shown = {"image": x.spec, f"offset_{what}": before, f"target_{what}": frame}
            raise ShapeError(
                explain(op, f"target_{what} {frame} is less than {before} + {n}", shown)
            )
        pairs.append((before, behind))
        frames.append(frame)
    static_shape((*frames, *(n for n in x.spec.shape[:-3] if isinstance(n, int))), op, "target")
    return rearrange.pad(x, [*pairs, (0, 0)])


def central_crop(image: TensorLike, central_fraction: Any) -> Tensor:
    """The middle of the image: that fraction of its height and width.

    Args:
      image: [batch, height, width, channels] or [height, width, channels].
      central_fraction: a number in (0, 1]; in a traced function also a tensor.

    Raises:
      ShapeError: not 3 or 4 axes, or no pixels.
      ValueError: a fraction outside of (0, 1].

    Example:
      >>> nf.image.central_crop(nf.zeros([8, 4, 1]), 0.5).shape
      TensorShape([4, 2, 1])
    """
    op = "image.central_crop"
    x = as_images(op, image)
    fraction = known_number(central_fraction, op, "central_fraction")
    if fraction is not None and not 0.0 < fraction <= 1.0:
        shown = {"central_fraction": fraction}
        raise ValueError(explain(op, "central_fraction must be within (0, 1]", shown))
    if fraction == 1.0:
        return x
    begins: list[Extent] = []
    for n in _sizes(x):
        if isinstance(n, int) and fraction is not None:
            begins.append(int((n - n * fraction) / 2))
            continue
        whole = maths.cast(shaping.size_tensor(n), dtypes.float64)
        share = maths.cast(as_tensor(central_fraction, None, op), dtypes.float64)
        begin = maths.cast((whole - whole * share) / 2, dtypes.int32)
        begins.append(size_of(op, begin, "central_fraction"))
    sizes = [n - 2 * b for n, b in zip(_sizes(x), begins, strict=True)]
    return _part(x, begins, sizes)


def resize_with_crop_or_pad(image: TensorLike, target_height: Any, target_width: Any) -> Tensor:
    """The middle of a larger image, a smaller one in the middle of zeros; along each axis.

    Raises:
      ShapeError: not 3 or 4 axes, no pixels; a size that is not positive.

    Example:
      >>> nf.image.resize_with_crop_or_pad(nf.ones([1, 3, 1]), 3, 1)[..., 0].numpy().tolist()
      [[0.0], [1.0], [0.0]]
    """
    op = "image.resize_with_crop_or_pad"
    x = as_images(op, image)
    target = [
        size_of(op, target_height, "target_height", 1),
        size_of(op, target_width, "target_width", 1),
    ]
    sizes = _sizes(x)
    gaps = [t - n for t, n in zip(target, sizes, strict=True)]
    cut = [maximum(-1 * g // 2, 0) for g in gaps]
    kept = [minimum(t, n) for t, n in zip(target, sizes, strict=True)]
    part = _part(x, list(cut), kept)
    before = [maximum(g // 2, 0) for g in gaps]
    return pad_to_bounding_box(part, before[0], before[1], target[0], target[1])


def resize_with_pad(
    image: TensorLike,
    target_height: Any,
    target_width: Any,
    method: str = image_resize.ResizeMethod.BILINEAR,
    antialias: bool = False,
) -> Tensor:
    """The image resized to fit into a frame, its ratio kept, in the middle of zeros.

    Args:
      image: [batch, height, width, channels] or [height, width, channels].
      target_height, target_width: the size of the frame.
      method, antialias: as in `resize`.

    Raises:
      ShapeError: not 3 or 4 axes, no pixels; a size that is not positive, or so unlike the image's
        that nothing of it is left.

    Example:
      >>> nf.image.resize_with_pad(nf.ones([2, 2, 1]), 1, 3)[..., 0].numpy().tolist()
      [[0.0, 1.0, 0.0]]
    """
    op = "image.resize_with_pad"
    x = as_images(op, image)
    height = size_of(op, target_height, "target_height", 1)
    width = size_of(op, target_width, "target_width", 1)
    size, offsets = image_resize.fitted(_sizes(x), (height, width))
    small = image_resize.resize_images(x, size, method, antialias=antialias)
    return pad_to_bounding_box(small, offsets[0], offsets[1], height, width)


def resize_with_pad_v1(
    image: TensorLike,
    target_height: Any,
    target_width: Any,
    method: Any = image_resize.ResizeMethodV1.BILINEAR,
    align_corners: bool = False,
) -> Tensor:
    """TensorFlow 1's form of `resize_with_pad`, with its conventions of resizing.

    Raises:
      ShapeError: as `resize_with_pad`.
    """
    op = "image.resize_image_with_pad"
    x = as_images(op, image)
    height = size_of(op, target_height, "target_height", 1)
    width = size_of(op, target_width, "target_width", 1)
    size, offsets = image_resize.fitted(_sizes(x), (height, width))
    small = image_resize.resize_images_v1(x, size, method, align_corners)
    return pad_to_bounding_box(small, offsets[0], offsets[1], height, width)
