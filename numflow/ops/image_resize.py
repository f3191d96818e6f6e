"""tf.image.resize, its methods, and TensorFlow 1's functions of the same family.

The methods differ in their weights only (resize_bands.py). TensorFlow 2 puts the centre of a pixel
at i + 0.5; TensorFlow 1 at i, or spreads corners over corners (`align_corners`). Results are
float32, but of the nearest neighbour, which keeps the dtype.
"""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import joining, plain, power, resize
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_ints, static_shape
from numflow.ops.resize_bands import framed, shrunk
from numflow.shapes import Extent


class ResizeMethod:
    """The names of the methods of `tf.image.resize`."""

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    AREA = "area"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    GAUSSIAN = "gaussian"
    MITCHELLCUBIC = "mitchellcubic"


class ResizeMethodV1:
    """TensorFlow 1's numbers of the methods."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


_LONGEST = 1 << 24
"""Pixels of an axis: places are float32, which tells no more of them apart."""
_METHODS = ("bilinear", "nearest", "bicubic", "area")
_FILTERS = ("lanczos3", "lanczos5", "gaussian", "mitchellcubic")


def resize_images(
    images: TensorLike,
    size: Any,
    method: str = ResizeMethod.BILINEAR,
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Tensor:
    """images with another height and width.

    Args:
      images: numbers [batch, height, width, channels] or [height, width, channels].
      size: two integers, new height and width; in a traced function also a tensor.
      method: one of ResizeMethod.
      preserve_aspect_ratio: the largest size within `size` of the images' own ratio is taken.
      antialias: when shrinking, weigh over what an output pixel covers: for bilinear, bicubic and
        the filters; nearest and area ignore it.

    Returns:
      float32 [..., *size, channels]; with "nearest" of the images' dtype.

    Raises:
      ShapeError: images of another rank or without pixels; size is not two positive numbers.
      DTypeError: images that are not real numbers.
      ValueError: an unknown method.
      ResourceExhaustedError: a size beyond any memory.

    Example:
      >>> x = nf.reshape(nf.range(4.0), [1, 2, 2, 1])
      >>> nf.image.resize(x, [1, 4])[0, 0, :, 0].numpy().tolist()
      [1.0, 1.25, 1.75, 2.0]
      >>> nf.image.resize(x, [1, 4], "nearest")[0, 0, :, 0].numpy().tolist()
      [2.0, 2.0, 3.0, 3.0]

    Source: https://www.tensorflow.org/api_docs/python/tf/image/resize
    """
    if not isinstance(method, str) or method not in (*_METHODS, *_FILTERS):
        raise ValueError(_unknown_method("image.resize", method))
    batch, single, want = _arguments("image.resize", images, size, preserve_aspect_ratio)
    out = _resized(batch, want, method, False, True, antialias)
    return shaping.squeeze(out, 0) if single else out


def resize_images_v1(
    images: TensorLike,
    size: Any,
    method: Any = ResizeMethodV1.BILINEAR,
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
    name: str | None = None,
) -> Tensor:
    """TensorFlow 1's tf.image.resize_images: pixels' centres at i, images of that size unchanged.

    Args:
      images: numbers [batch, height, width, channels] or [height, width, channels].
      size: two integers, new height and width.
      method: one of ResizeMethodV1, or its name in ResizeMethod.
      align_corners: the centres of the corner pixels of both images coincide.
      preserve_aspect_ratio: the largest size within `size` of the images' own ratio is taken.

    Raises:
      ShapeError, DTypeError, ValueError: as `resize_images`.
    """
    op = "image.resize_images"
    chosen = _METHODS[method] if type(method) is int and 0 <= method < 4 else method
    if chosen not in _METHODS:
        raise ValueError(_unknown_method(op, method))
    batch, single, want = _arguments(op, images, size, preserve_aspect_ratio)
    same = want == batch.spec.shape[1:3]
    out = batch if same else _resized(batch, want, chosen, align_corners, False)
    return shaping.squeeze(out, 0) if single else out


def resize_bilinear(
    images: TensorLike,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """float32 [batch, *size, channels]: between the four pixels around.

    Raises:
      ShapeError, DTypeError: as `resize_images`.
    """
    return _plain("resize_bilinear", images, size, "bilinear", align_corners, half_pixel_centers)


def resize_bicubic(
    images: TensorLike,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """float32 [batch, *size, channels]: a cubic through the sixteen pixels around.

    Raises:
      ShapeError, DTypeError: as `resize_images`.
    """
    return _plain("resize_bicubic", images, size, "bicubic", align_corners, half_pixel_centers)


def resize_nearest_neighbor(
    images: TensorLike,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """[batch, *size, channels] of the images' dtype: the pixel beside.

    Raises:
      ShapeError, DTypeError: as `resize_images`.
    """
    op = "resize_nearest_neighbor"
    return _plain(op, images, size, "nearest", align_corners, half_pixel_centers)


def resize_area(
    images: TensorLike, size: Any, align_corners: bool = False, name: str | None = None
) -> Tensor:
    """float32 [batch, *size, channels]: the mean over what an output pixel covers.

    Raises:
      ShapeError, DTypeError: as `resize_images`.
    """
    return _plain("resize_area", images, size, "area", align_corners, False)


def _plain(
    op: str, images: TensorLike, size: Any, method: str, align_corners: bool, half_pixel: bool
) -> Tensor:
    if align_corners and half_pixel:
        problem = "align_corners and half_pixel_centers exclude each other"
        raise ShapeError(explain(op, problem))
    batch, single, want = _arguments(op, images, size, False)
    if single:
        raise ShapeError(explain(op, "images must have 4 axes", {"images": batch.spec.shape[1:]}))
    return _resized(batch, want, method, align_corners, half_pixel)


def _resized(
    x: Tensor,
    size: tuple[Extent, ...],
    method: str,
    align_corners: bool,
    half_pixel: bool,
    antialias: bool = False,
) -> Tensor:
    options: dict[str, Any] = {"align_corners": bool(align_corners), "half_pixel": bool(half_pixel)}
    if method == "nearest":
        return resize.nearest_op(x, size=size, **options)
    if x.dtype is not dtypes.float32:
        x = maths.cast(x, dtypes.float32)
    options |= {
        "method": method,
        "antialias": plain.flag(antialias, "image.resize", "antialias"),
        "transposed": False,
    }
    return resize.resize_op(x, size=size, **options)


def _unknown_method(op: str, method: Any) -> str:
    return explain(op, f"no method {method!r}", fix=", ".join((*_METHODS, *_FILTERS)))


def _arguments(
    op: str, images: TensorLike, size: Any, preserve: bool
) -> tuple[Tensor, bool, tuple[Extent, ...]]:
    """(images with 4 axes, whether they had 3, the new height and width)."""
    x = as_tensor(images, None, op, "images")
    if not x.dtype.is_numeric or x.dtype.is_complex:
        raise DTypeError(
            explain(op, f"images are {x.dtype.name}, not real numbers", {"images": x.spec})
        )
    if x.spec.rank not in (3, 4):
        raise ShapeError(explain(op, "images must have 3 or 4 axes", {"images": x.spec}))
    single = x.spec.rank == 3
    if single:
        x = shaping.expand_dims(x, 0)
    want = _size(op, size)
    image = x.spec.shape[1:3]
    if 0 in image:
        raise ShapeError(explain(op, "images have no pixels", {"images": x.spec}))
    if plain.flag(preserve, op, "preserve_aspect_ratio"):
        want = _within(op, image, want)
    if any(type(n) is int and n < 1 for n in want):
        raise ShapeError(explain(op, "size must be positive", {"size": list(want)}))
    static_shape((*(n for n in x.spec.shape if type(n) is int), *want), op, "size")
    return x, single, want


def _size(op: str, size: Any) -> tuple[Extent, ...]:
    want = static_ints(size, op, "size", sizes=True)
    shown = {"size": list(want)}
    if len(want) != 2:
        raise ShapeError(explain(op, "size must be two numbers, height and width", shown))
    if any(type(n) is int and n < 1 for n in want):
        raise ShapeError(explain(op, "size must be positive", shown))
    if any(type(n) is int and n > _LONGEST for n in want):
        raise ShapeError(explain(op, f"size is beyond {_LONGEST} pixels of an axis", shown))
    return want


def _within(op: str, image: tuple[Extent, ...], size: tuple[Extent, ...]) -> tuple[Extent, ...]:
    """The largest size within `size` of the image's ratio, rounded; in float32, as TensorFlow."""
    if all(type(n) is int for n in (*image, *size)):
        return shrunk(image, size)
    old = [maths.cast(shaping.size_tensor(n), dtypes.float32) for n in image]
    new = [maths.cast(shaping.size_tensor(n), dtypes.float32) for n in size]
    ratio = maths.minimum(new[0] / old[0], new[1] / old[1])
    both = joining.stack_tensors([power.round(ratio * n) for n in old], 0)
    return static_ints(maths.cast(both, dtypes.int32), op, "size", sizes=True)


def fitted(
    image: tuple[Extent, ...], target: tuple[Extent, ...]
) -> tuple[tuple[Extent, ...], tuple[Extent, ...]]:
    """(size, offsets) of an image within a frame, its ratio kept; in float32, as TensorFlow.

    Source: tf.image.resize_with_pad.
    """
    if all(type(n) is int for n in (*image, *target)):
        return framed(image, target)
    old = [maths.cast(shaping.size_tensor(n), dtypes.float32) for n in image]
    new = [maths.cast(shaping.size_tensor(n), dtypes.float32) for n in target]
    scale = maths.maximum(old[1] / new[1], old[0] / new[0])
    floats = [n / scale for n in old]
    gaps = [(t - s) / 2 for t, s in zip(new, floats, strict=True)]
    before = [maths.maximum(power.floor(g), 0) for g in gaps]
    both = [maths.cast(power.floor(s), dtypes.int32) for s in floats]
    both += [maths.cast(b, dtypes.int32) for b in before]
    found = static_ints(joining.stack_tensors(both, 0), "image.resize_with_pad", "size", sizes=True)
    return found[:2], found[2:]
