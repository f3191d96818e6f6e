"""Colours of pixels: dtypes, brightness, contrast, hue, saturation, and other systems of colours.

The last axis holds the channels. Where a function takes images of any dtype, float16 and float32
stay what they are; others go to float32 and back (`convert_image_dtype`), where 1.0 is an
integer's largest value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import (
    asserts,
    casting,
    comparisons,
    joining,
    linalg,
    plain,
    power,
    rearrange,
    signs,
    statistics,
)
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.image_arguments import (
    COMPUTED,
    as_images,
    known_number,
    of_numbers,
    with_channels,
)

# --- dtypes -------------------------------------------------------------------------------


def convert_image_dtype(
    image: TensorLike, dtype: Any, saturate: bool = False, name: str | None = None
) -> Tensor:
    """image in another dtype, scaled: an integer's largest value and 1.0 are the same brightness.

    Args:
      image: numbers [...].
      dtype: integer or floating.
      saturate: what does not fit is moved to the limits; else it wraps or is undefined, as in
        `cast`.

    Raises:
      DTypeError: image or dtype is neither of integers nor floating.

    Example:
      >>> nf.image.convert_image_dtype([0.0, 0.5, 1.0], nf.uint8).numpy().tolist()
      [0, 127, 255]
    """
    op = "image.convert_image_dtype"
    x = of_numbers(op, as_tensor(image, None, op, "image"))
    want = dtypes.as_dtype(dtype)
    if not want.is_floating and not want.is_integer:
        raise DTypeError(explain(op, f"dtype is {want.name}, not of real numbers"))
    if x.dtype is want:
        return shaping.identity(x)
    cast: Callable[..., Tensor] = (
        casting.saturate_cast if plain.flag(saturate, op, "saturate") else maths.cast
    )
    if x.dtype.is_floating and want.is_floating:
        return maths.cast(x, want)
    if want.is_floating:
        return maths.cast(x, want) * (1.0 / float(x.dtype.max))
    if x.dtype.is_floating:
        if x.dtype.size == 2 and want.size > 1:  # the scale is beyond such floats, or too coarse
            x = maths.cast(x, dtypes.float32)
        return cast(x * (float(want.max) + 0.5), want)
    have, most = int(x.dtype.max), int(want.max)
    if have > most:
        return cast(power.floordiv(x, as_tensor((have + 1) // (most + 1), x.dtype)), want)
    return cast(x, want) * as_tensor((most + 1) // (have + 1), want)


def _computed(
    op: str,
    image: TensorLike,
    change: Callable[[Tensor], Tensor],
    saturate: bool,
    name: str = "image",
    channels: int | None = None,
    least: int = 0,
) -> Tensor:
    """change(image) in floats, in the dtype that image had."""
    x = of_numbers(op, as_images(op, image, name, least=least, most=None, pixels=False), name)
    if channels is not None:
        with_channels(op, x, channels, name)
    floats = x if x.dtype in COMPUTED else convert_image_dtype(x, dtypes.float32)
    return convert_image_dtype(change(floats), x.dtype, saturate=saturate)


def _in_single(x: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """change of float16 in float32, rounded once."""
    if x.dtype is dtypes.float32:
        return change(x)
    return maths.cast(change(maths.cast(x, dtypes.float32)), x.dtype)


# --- brightness, contrast, gamma ------------------------------------------------------------


def adjust_brightness(image: TensorLike, delta: TensorLike) -> Tensor:
    """image + delta, where 1.0 is the largest value of an integer dtype.

    Args:
      image: numbers [...].
      delta: one number.

    Raises:
      DTypeError: image is not of real numbers.

    Example:
      >>> nf.image.adjust_brightness([[[0.25, 0.5, 1.0]]], 0.25).numpy().tolist()
      [[[0.5, 0.75, 1.25]]]
    """
    op = "image.adjust_brightness"

    def change(x: Tensor) -> Tensor:
        return x + maths.cast(as_tensor(delta, None, op, "delta"), x.dtype)

    return _computed(op, image, change, saturate=True)


def adjust_contrast(images: TensorLike, contrast_factor: TensorLike) -> Tensor:
    """(x - mean) * contrast_factor + mean, the mean being that of each channel of each image.

    Args:
      images: numbers [..., height, width, channels].
      contrast_factor: one number.

    Raises:
      ShapeError: less than 3 axes; contrast_factor is not one number.
      DTypeError: images are not of real numbers.

    Example:
      >>> nf.image.adjust_contrast([[[1.0], [3.0]]], 2.0)[0, :, 0].numpy().tolist()
      [0.0, 4.0]
    """
    op = "image.adjust_contrast"
    factor = _factor(op, contrast_factor, "contrast_factor")

    def change(x: Tensor) -> Tensor:
        mean = reductions.reduce_mean(x, axis=(-3, -2), keepdims=True)
        return (x - mean) * factor + mean

    return _computed(
        op, images, lambda x: _in_single(x, change), saturate=True, name="images", least=3
    )


def _factor(op: str, value: TensorLike, name: str) -> Tensor:
    """One number, float32."""
    factor = as_tensor(value, None, op, name)
    if factor.spec.rank:
        raise ShapeError(explain(op, f"{name} must be one number", {name: factor.spec}))
    return maths.cast(factor, dtypes.float32)


def adjust_gamma(image: TensorLike, gamma: Any = 1, gain: Any = 1) -> Tensor:
    """gain * image ** gamma.

    Args:
      image: numbers [...].
      gamma: not negative. Above 1 the image becomes darker, below 1 brighter.
      gain: a factor.

    Raises:
      ValueError: gamma is negative.
      DTypeError: image is not of real numbers.

    Example:
      >>> nf.image.adjust_gamma([[[0.25, 1.0]]], 0.5).numpy().tolist()
      [[[0.5, 1.0]]]
    """
    op = "image.adjust_gamma"
    known = known_number(gamma, op, "gamma")
    if known is not None and not known >= 0:
        raise ValueError(explain(op, "gamma must not be negative", {"gamma": known}))
    if known is None:
        asserts.assert_non_negative(gamma, f"{op}: gamma must not be negative")
    return _computed(op, image, lambda x: gain * power.pow(x, gamma), saturate=True)


def per_image_standardization(image: TensorLike) -> Tensor:
    """(x - mean) / max(stddev, 1 / sqrt(elements)), over the elements of each image; float32.

    Args:
      image: numbers [..., height, width, channels].

    Raises:
      ShapeError: less than 3 axes, or no pixels.

    Example:
      >>> nf.image.per_image_standardization([[[1.0], [3.0]]])[0, :, 0].numpy().tolist()
      [-1.0, 1.0]
    """
    op = "image.per_image_standardization"
    x = maths.cast(of_numbers(op, as_images(op, image, most=None)), dtypes.float32)
    axes = (-3, -2, -1)
    count = reductions.count(x, tuple(range(x.spec.rank - 3, x.spec.rank)))
    least = maths.rsqrt(maths.cast(shaping.size_tensor(count), dtypes.float32))
    mean = reductions.reduce_mean(x, axis=axes, keepdims=True)
    deviation = statistics.reduce_std(x, axis=axes, keepdims=True)
    return (x - mean) / maths.maximum(deviation, least)


# --- hue and saturation -----------------------------------------------------------------------


def _channels(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The three channels, each with a last axis of 1."""
    r, g, b = joining.split(x, 3, axis=-1)
    return r, g, b


def _hue(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(hue in [0, 1), largest channel, largest - smallest), each with a last axis of 1.

    Source: Smith 1978, "Color gamut transform pairs".
    """
    r, g, b = _channels(x)
    top = maths.maximum(maths.maximum(r, g), b)
    spread = top - maths.minimum(maths.minimum(r, g), b)
    coloured = comparisons.greater(spread, 0)
    norm = 1.0 / (6.0 * selections.where(coloured, spread, shaping.ones_like(spread)))
    of_red, of_green = norm * (g - b), norm * (b - r) + 2.0 / 6.0
    of_blue = norm * (r - g) + 4.0 / 6.0
    h = selections.where(
        comparisons.equal(r, top),
        of_red,
        selections.where(comparisons.equal(g, top), of_green, of_blue),
    )
    h = selections.where(coloured, h, shaping.zeros_like(h))
    return selections.where(comparisons.less(h, 0), h + 1.0, h), top, spread


def _of_hue(h: Tensor, low: Tensor, spread: Tensor) -> Tensor:
    """Red, green and blue: low + spread * (how much of each a pure hue has)."""

    def ramp(x: Tensor) -> Tensor:
        return low + spread * maths.minimum(maths.maximum(x, 0.0), 1.0)

    around = h * 6.0
    red = signs.abs(around - 3.0) - 1.0
    green, blue = 2.0 - signs.abs(around - 2.0), 2.0 - signs.abs(around - 4.0)
    return joining.concat([ramp(red), ramp(green), ramp(blue)], axis=-1)


def _saturation(top: Tensor, spread: Tensor) -> Tensor:
    bright = comparisons.greater(top, 0)
    safe = selections.where(bright, top, shaping.ones_like(top))
    return selections.where(bright, spread / safe, shaping.zeros_like(top))


def adjust_hue(image: TensorLike, delta: TensorLike, name: str | None = None) -> Tensor:
    """image with every hue turned by delta, 1 being the whole circle.

    Args:
      image: numbers [..., 3], red, green and blue.
      delta: one number in [-1, 1].

    Raises:
      ValueError: delta is outside of [-1, 1].
      ShapeError: image has less than 3 axes, or not 3 channels; delta is not one number.

    Example:
      >>> nf.image.adjust_hue([[[1.0, 0.0, 0.0]]], 0.5).numpy().tolist()
      [[[0.0, 1.0, 1.0]]]
    """
    op = "image.adjust_hue"
    turn = _factor(op, delta, "delta")
    known = known_number(delta, op, "delta")
    if known is not None and not -1 <= known <= 1:
        raise ValueError(explain(op, "delta must be within [-1, 1]", {"delta": known}))

    def change(x: Tensor) -> Tensor:
        h, top, spread = _hue(x)
        moved = h + turn
        return _of_hue(moved - power.floor(moved), top - spread, spread)

    return _computed(
        op, image, lambda x: _in_single(x, change), saturate=False, channels=3, least=3
    )


def adjust_saturation(
    image: TensorLike, saturation_factor: TensorLike, name: str | None = None
) -> Tensor:
    """image with every saturation times a factor, within [0, 1].

    Args:
      image: numbers [..., 3], red, green and blue.
      saturation_factor: one number; 0 gives grey.

    Raises:
      ShapeError: image has less than 3 axes, or not 3 channels; the factor is not one number.

    Example:
      >>> nf.image.adjust_saturation([[[1.0, 0.5, 0.5]]], 0.5).numpy().tolist()
      [[[1.0, 0.75, 0.75]]]
    """
    op = "image.adjust_saturation"
    factor = _factor(op, saturation_factor, "saturation_factor")

    def change(x: Tensor) -> Tensor:
        h, top, spread = _hue(x)
        s = maths.minimum(maths.maximum(_saturation(top, spread) * factor, 0.0), 1.0)
        return _of_hue(h, top * (1.0 - s), top * s)

    return _computed(
        op, image, lambda x: _in_single(x, change), saturate=False, channels=3, least=3
    )


# --- systems of colours -------------------------------------------------------------------------


def rgb_to_hsv(images: TensorLike, name: str | None = None) -> Tensor:
    """Red, green and blue in [0, 1] as hue, saturation and value in [0, 1].

    Args:
      images: floating [..., 3].

    Raises:
      ShapeError: the last axis is not 3.
      DTypeError: images are not floating.

    Example:
      >>> nf.image.rgb_to_hsv([0.5, 0.25, 0.25]).numpy().tolist()
      [0.0, 0.5, 0.5]

    Source: Smith 1978, "Color gamut transform pairs".
    """
    x = _floating("image.rgb_to_hsv", images)
    h, top, spread = _hue(x)
    return joining.concat([h, _saturation(top, spread), top], axis=-1)


def hsv_to_rgb(images: TensorLike, name: str | None = None) -> Tensor:
    """Hue, saturation and value in [0, 1] as red, green and blue.

    Args:
      images: floating [..., 3].

    Raises:
      ShapeError: the last axis is not 3.
      DTypeError: images are not floating.

    Example:
      >>> nf.image.hsv_to_rgb([0.0, 1.0, 0.5]).numpy().tolist()
      [0.5, 0.0, 0.0]
    """
    h, s, v = _channels(_floating("image.hsv_to_rgb", images))
    return _of_hue(h, v * (1.0 - s), v * s)


def _floating(op: str, images: TensorLike) -> Tensor:
    x = as_tensor(images, None, op, "images")
    if not x.dtype.is_floating:
        raise DTypeError(
            explain(op, f"images are {x.dtype.name}, not floating", {"images": x.spec})
        )
    return with_channels(op, x, 3, "images")


def rgb_to_grayscale(images: TensorLike, name: str | None = None) -> Tensor:
    """0.2989 red + 0.587 green + 0.114 blue, with a last axis of 1.

    Args:
      images: numbers [..., 3].

    Raises:
      ShapeError: the last axis is not 3.

    Example:
      >>> nf.image.rgb_to_grayscale([[[1.0, 0.0, 0.0]]]).numpy()
      array([[[0.2989]]], dtype=float32)
    """
    op = "image.rgb_to_grayscale"
    x = of_numbers(op, as_tensor(images, None, op, "images"), "images")
    r, g, b = _channels(convert_image_dtype(with_channels(op, x, 3, "images"), dtypes.float32))
    return convert_image_dtype(r * 0.2989 + g * 0.587 + b * 0.114, x.dtype)


def grayscale_to_rgb(images: TensorLike, name: str | None = None) -> Tensor:
    """The only channel three times.

    Args:
      images: [..., 1] of any dtype.

    Raises:
      ShapeError: less than 2 axes; the last one is not 1.

    Example:
      >>> nf.image.grayscale_to_rgb([[[1], [2]]]).numpy().tolist()
      [[[1, 1, 1], [2, 2, 2]]]
    """
    op = "image.grayscale_to_rgb"
    x = as_images(op, images, "images", least=2, most=None, pixels=False)
    return rearrange.tile(with_channels(op, x, 1, "images"), [1] * (x.spec.rank - 1) + [3])


_Matrix = Sequence[Sequence[float]]
# Rows: what red, green and blue (or the others) give to each of the three.
_TO_YIQ: _Matrix = (
    (0.299, 0.59590059, 0.2115),
    (0.587, -0.27455667, -0.52273617),
    (0.114, -0.32134392, 0.31119955),
)
_OF_YIQ: _Matrix = (
    (1.0, 1.0, 1.0),
    (0.95598634, -0.27201283, -1.10674021),
    (0.6208248, -0.64720424, 1.70423049),
)
_TO_YUV: _Matrix = (
    (0.299, -0.14714119, 0.61497538),
    (0.587, -0.28886916, -0.51496512),
    (0.114, 0.43601035, -0.10001026),
)
_OF_YUV: _Matrix = (
    (1.0, 1.0, 1.0),
    (0.0, -0.394642334, 2.03206185),
    (1.13988303, -0.58062185, 0.0),
)


def _mixed(op: str, images: TensorLike, matrix: _Matrix) -> Tensor:
    x = _floating(op, images)
    return linalg.tensordot(x, as_tensor([list(row) for row in matrix], x.dtype), [[-1], [0]])


def rgb_to_yiq(images: TensorLike) -> Tensor:
    """Red, green and blue as luminance and NTSC's two chrominances.

    Args:
      images: floating [..., 3].

    Raises:
      ShapeError: the last axis is not 3.

    Example:
      >>> nf.image.rgb_to_yiq([[1.0, 1.0, 1.0]]).numpy().round(3)[0, 0].item()
      1.0
    """
    return _mixed("image.rgb_to_yiq", images, _TO_YIQ)


def yiq_to_rgb(images: TensorLike) -> Tensor:
    """The inverse of rgb_to_yiq.

    Raises:
      ShapeError: the last axis is not 3.
    """
    return _mixed("image.yiq_to_rgb", images, _OF_YIQ)


def rgb_to_yuv(images: TensorLike) -> Tensor:
    """Red, green and blue as luminance and PAL's two chrominances.

    Args:
      images: floating [..., 3].

    Raises:
      ShapeError: the last axis is not 3.
    """
    return _mixed("image.rgb_to_yuv", images, _TO_YUV)


def yuv_to_rgb(images: TensorLike) -> Tensor:
    """The inverse of rgb_to_yuv.

    Raises:
      ShapeError: the last axis is not 3.
    """
    return _mixed("image.yuv_to_rgb", images, _OF_YUV)
