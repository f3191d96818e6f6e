"""Parts of images at places that are values: crops of boxes, glimpses.

A program has one plan wherever the parts lie. Indices of images are checked, places outside of an
image are filled, and NaN is no place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import (
    comparisons,
    creation,
    indexing,
    plain,
    power,
    random,
    resize_boxes,
    statistics,
)
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_ints, static_shape
from numflow.ops.image_arguments import as_images, of_numbers
from numflow.ops.slicing import getitem
from numflow.shapes import Extent


def _two(op: str, value: Any, name: str) -> tuple[Extent, ...]:
    """Two positive sizes."""
    size = static_ints(value, op, name, sizes=True)
    if len(size) != 2 or any(isinstance(n, int) and n < 1 for n in size):
        problem = f"{name} must be two positive numbers, height and width"
        raise ShapeError(explain(op, problem, {name: list(size)}))
    return static_shape(size, op, name)


# --- crop_and_resize --------------------------------------------------------------------


def crop_and_resize(
    image: TensorLike,
    boxes: TensorLike,
    box_indices: TensorLike,
    crop_size: Any,
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
    name: str | None = None,
) -> Tensor:
    """The parts of images within boxes, all resized to one size.

    Args:
      image: numbers [batch, height, width, channels].
      boxes: float32 [n, 4]: y1, x1, y2, x2, where 0 is the centre of the first pixel of an axis
        and 1 that of the last; y1 > y2 turns the part over.
      box_indices: int32 [n]: the image of each box.
      crop_size: two integers, height and width of the parts.
      method: "bilinear" or "nearest".
      extrapolation_value: of pixels outside of the image.

    Returns:
      float32 [n, *crop_size, channels]. Gradients reach image and, of "bilinear", boxes.

    Raises:
      ShapeError: wrong numbers of axes, no pixels, a size that is not positive.
      DTypeError: boxes are not floating, box_indices are no integers.
      InvalidArgumentError: an index outside of [0, batch).
      ValueError: another method.

    Example:
      >>> x = nf.reshape(nf.range(9.0), [1, 3, 3, 1])
      >>> nf.image.crop_and_resize(x, [[0.0, 0.0, 0.5, 1.0]], [0], [2, 2])[0, ..., 0].numpy()
      array([[0., 2.],
             [3., 5.]], dtype=float32)

    Source: https://www.tensorflow.org/api_docs/python/tf/image/crop_and_resize
    """
    op = "image.crop_and_resize"
    x = of_numbers(op, as_images(op, image, least=4))
    at = as_tensor(boxes, None, op, "boxes")
    if not at.dtype.is_floating:
        raise DTypeError(
            explain(op, f"boxes are {at.dtype.name}, not floating", {"boxes": at.spec})
        )
    which = as_tensor(box_indices, None, op, "box_indices")
    if not which.dtype.is_integer:
        problem = f"box_indices is {which.dtype.name}, not an integer"
        raise DTypeError(explain(op, problem, {"box_indices": which.spec}))
    if at.spec.rank != 2 or at.spec.shape[1] != 4:
        raise ShapeError(explain(op, "boxes must be [n, 4]", {"boxes": at.spec}))
    shown = {"boxes": at.spec, "box_indices": which.spec}
    if which.spec.rank != 1:
        raise ShapeError(explain(op, "box_indices must have 1 axis", shown))
    counts = at.spec.shape[0], which.spec.shape[0]
    if all(isinstance(n, int) for n in counts) and counts[0] != counts[1]:
        raise ShapeError(explain(op, "boxes and box_indices differ in number", shown))
    which = shaping.reshape_op(which, shape=counts[:1])  # checked where only a call tells
    size = _two(op, crop_size, "crop_size")
    if not isinstance(method, str) or method not in ("bilinear", "nearest"):
        raise ValueError(explain(op, f"no method {method!r}", fix='"bilinear" or "nearest"'))
    single = dtypes.float32
    return crops(
        maths.cast(x, single), maths.cast(at, single), which, size, method, extrapolation_value
    )


def crop_and_resize_v1(
    image: TensorLike,
    boxes: TensorLike,
    box_ind: TensorLike = None,
    crop_size: Any = None,
    method: str = "bilinear",
    extrapolation_value: float = 0,
    name: str | None = None,
    box_indices: TensorLike = None,
) -> Tensor:
    """TensorFlow 1's form of `crop_and_resize`: box_ind is an older name of box_indices.

    Raises:
      ValueError: both of them, or none.
      ShapeError, DTypeError, InvalidArgumentError: as `crop_and_resize`.
    """
    if (box_ind is None) is (box_indices is None):
        problem = "one of box_indices and box_ind is wanted"
        raise ValueError(explain("image.crop_and_resize", problem))
    which = box_ind if box_indices is None else box_indices
    return crop_and_resize(image, boxes, which, crop_size, method, extrapolation_value)


def crops(
    x: Tensor,
    boxes: Tensor,
    which: Tensor,
    size: tuple[Extent, ...],
    method: str,
    around: float,
) -> Tensor:
    """crop_and_resize of floats of one dtype."""
    height, width = x.spec.shape[1:3]
    y1, x1, y2, x2 = (getitem(boxes, (slice(None), slice(k, k + 1))) for k in range(4))
    rows = _between(_along(y1, y2, size[0], height), height)
    columns = _between(_along(x1, x2, size[1], width), width)
    which = maths.cast(which, dtypes.int64)
    if method == "bilinear":
        return resize_boxes.sample_op(
            x,
            which,
            *rows,
            *columns,
            fill=plain.number(around, "crop_and_resize", "extrapolation_value"),
        )
    places: list[Tensor] = []
    for low, high, share in (rows, columns):
        taken = selections.where(comparisons.greater_equal(share, 0.5), high, low)
        places += [taken, taken, shaping.zeros_like(share)]
    return resize_boxes.sample_op(
        x, which, *places, fill=plain.number(around, "crop_and_resize", "extrapolation_value")
    )


def _between(place: Tensor, n: Extent) -> tuple[Tensor, Tensor, Tensor]:
    """(the pixel before, the pixel behind, its share) of places; -1, -1 of those outside."""
    last = maths.cast(shaping.size_tensor(n) - 1, place.dtype)
    inside = selections.logical_and(
        comparisons.greater_equal(place, 0), comparisons.less_equal(place, last)
    )
    zeros = shaping.zeros_like(place)
    safe = selections.where(inside, place, zeros)
    low, outside = power.floor(safe), zeros - 1.0
    both = [
        maths.cast(selections.where(inside, t, outside), dtypes.int64)
        for t in (low, power.ceil(safe))
    ]
    return both[0], both[1], safe - low


def _along(low: Tensor, high: Tensor, n: Extent, pixels: Extent) -> Tensor:
    """[boxes, n]: places between low and high, in pixels; of one pixel the middle."""
    last = maths.cast(shaping.size_tensor(pixels) - 1, low.dtype)
    steps = creation.iota((1, n), 1, low.dtype)
    if isinstance(n, int):
        if n == 1:
            return 0.5 * (low + high) * last
        return low * last + steps * ((high - low) * last / (n - 1))
    count = shaping.size_tensor(n)
    gap = maths.cast(maths.maximum(count - 1, 1), low.dtype)
    middle = 0.5 * (low + high) * last + 0.0 * steps
    return selections.where(
        comparisons.equal(count, 1), middle, low * last + steps * ((high - low) * last / gap)
    )


# --- extract_glimpse --------------------------------------------------------------------


def extract_glimpse(
    input: TensorLike,
    size: Any,
    offsets: TensorLike,
    centered: bool = True,
    normalized: bool = True,
    noise: str = "uniform",
    name: str | None = None,
) -> Tensor:
    """A window of each image, noise where it leaves the image.

    Args:
      input: float32 [batch, height, width, channels].
      size: two integers, height and width of the window.
      offsets: float32 [batch, 2]: y and x of the window.
      centered: offsets are of the window's centre from that of the image, 1 being its edge; else
        of its upper left corner from that of the image.
      normalized: offsets are fractions of the image's size, else pixels. With pixels, centered
        ones are of the window's upper left corner from the image's centre.
      noise: "uniform" (between the least and the largest value of the image), "gaussian" (of its
        mean and deviation) or "zero".

    Returns:
      float32 [batch, *size, channels].

    Raises:
      ShapeError: wrong numbers of axes, no pixels, a size that is not positive.
      DTypeError: input or offsets are not float32.
      ValueError: another noise.

    Example:
      >>> x = nf.reshape(nf.range(9.0), [1, 3, 3, 1])
      >>> nf.image.extract_glimpse(x, [2, 2], [[1, 1]], False, False)[0, ..., 0].numpy()
      array([[4., 5.],
             [7., 8.]], dtype=float32)

    Source: https://www.tensorflow.org/api_docs/python/tf/image/extract_glimpse
    """
    return _glimpse(
        "image.extract_glimpse", input, size, offsets, noise, _begin(centered, normalized)
    )


def extract_glimpse_v1(
    input: TensorLike,
    size: Any,
    offsets: TensorLike,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    name: str | None = None,
) -> Tensor:
    """TensorFlow 1's extract_glimpse: offsets are of the window's centre in every case.

    Args:
      input, size: as in `extract_glimpse`.
      offsets: float32 [batch, 2]: y and x of the window's centre.
      centered: offsets are from the image's centre, half of its size being 1 (or, in pixels, the
        whole of it); else from its upper left corner.
      normalized: offsets are fractions of the image's size, else pixels.
      uniform_noise: or normal numbers.

    Raises:
      ShapeError, DTypeError: as `extract_glimpse`.
    """
    noise = "uniform" if uniform_noise else "gaussian"
    begin = _begin(centered, normalized, of_centre=True)
    return _glimpse("image.extract_glimpse", input, size, offsets, noise, begin)


_NOISE = ("uniform", "gaussian", "zero")
_Begin = Callable[[Tensor, Tensor, Tensor], Tensor]
"""begin(offset, window, image): where a window begins, all in float32."""


def _glimpse(
    op: str, input: TensorLike, size: Any, offsets: TensorLike, noise: str, begin: _Begin
) -> Tensor:
    x = as_images(op, input, "input", least=4)
    if x.dtype is not dtypes.float32:
        raise DTypeError(explain(op, f"input is {x.dtype.name}, not float32", {"input": x.spec}))
    places = maths.cast(as_tensor(offsets, None, op, "offsets"), dtypes.float32)
    shown = {"input": x.spec, "offsets": places.spec}
    if places.spec.rank != 2 or places.spec.shape[1] != 2:
        raise ShapeError(explain(op, "offsets must be [batch, 2]", shown))
    counts = x.spec.shape[0], places.spec.shape[0]
    if all(isinstance(n, int) for n in counts) and counts[0] != counts[1]:
        raise ShapeError(explain(op, "input and offsets differ in their first axis", shown))
    window = _two(op, size, "size")
    if not isinstance(noise, str) or noise not in _NOISE:
        raise ValueError(explain(op, f"no noise {noise!r}", fix=", ".join(_NOISE)))
    batch, height, width, channels = x.spec.shape
    axes = []
    for k, (n, whole) in enumerate(zip(window, (height, width), strict=True)):
        at = getitem(places, (slice(None), slice(k, k + 1)))
        first = begin(at, *(maths.cast(shaping.size_tensor(k), dtypes.float32) for k in (n, whole)))
        axes.append(_pixel(first) + creation.iota((1, n), 1, dtypes.int64))
    rows, columns = shaping.expand_dims(axes[0], 2), shaping.expand_dims(axes[1], 1)
    high, wide = (shaping.size_tensor(n, dtypes.int64) for n in (height, width))
    inside = selections.logical_and(
        selections.logical_and(rows >= 0, rows < high),
        selections.logical_and(columns >= 0, columns < wide),
    )
    image = creation.iota((batch, 1, 1), 0, dtypes.int64)
    place = (image * high + rows) * wide + columns
    flat = shaping.reshape(x, (batch * height * width, channels))
    found = indexing.gather(flat, selections.where(inside, place, shaping.zeros_like(place)))
    filling = _filling(x, (batch, *window, channels), noise)
    return selections.where(shaping.expand_dims(inside, 3), found, filling)


def _begin(centered: bool, normalized: bool, of_centre: bool = False) -> _Begin:
    """The convention; of_centre: offsets are of the window's centre."""
    centered = plain.flag(centered, "extract_glimpse", "centered")
    normalized = plain.flag(normalized, "extract_glimpse", "normalized")

    def begin(at: Tensor, window: Tensor, image: Tensor) -> Tensor:
        if normalized:
            at = at * image
        if centered:
            at = (at / 2.0 if normalized or of_centre else at) + image / 2.0
        return at - window / 2.0 if of_centre or (centered and normalized) else at

    return begin


_FAR = 1.0e9  # what any offset is limited to: NaN and infinity become no place in the image


def _pixel(at: Tensor) -> Tensor:
    """int64: rounded towards 0, as in TensorFlow."""
    known = selections.where(comparisons.equal(at, at), at, shaping.zeros_like(at) + _FAR)
    return maths.cast(maths.minimum(maths.maximum(known, -_FAR), _FAR), dtypes.int64)


def _filling(x: Tensor, shape: tuple[Extent, ...], noise: str) -> Tensor:
    if noise == "zero":
        return as_tensor(0.0, x.dtype)
    axes = (1, 2, 3)
    if noise == "gaussian":
        mean = reductions.reduce_mean(x, axis=axes, keepdims=True)
        return random.normal(shape) * statistics.reduce_std(x, axis=axes, keepdims=True) + mean
    low = reductions.reduce_min(x, axis=axes, keepdims=True)
    high = reductions.reduce_max(x, axis=axes, keepdims=True)
    return random.uniform(shape) * (high - low) + low
