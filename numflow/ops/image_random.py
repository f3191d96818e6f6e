"""Images changed by chance: of the global seed, or of a seed alone (`stateless_`).

Each draws what it needs and calls the function that does not draw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import (
    comparisons,
    image_color,
    image_places,
    joining,
    power,
    random,
    random_stateless,
    slicing,
)
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.image_arguments import as_images, known_number
from numflow.shapes import Dim

Draw = Callable[..., Tensor]
"""draw(shape, minval, maxval, dtype): uniform numbers."""


def _of_seed(seed: Any) -> Draw:
    """Draws of the global seed and an op's."""

    def draw(shape: Any, low: Any, high: Any, dtype: dtypes.DType = dtypes.float32) -> Tensor:
        return random.uniform(shape, low, high, dtype, seed)

    return draw


def _of_seed_alone(seed: Any) -> Draw:
    def draw(shape: Any, low: Any, high: Any, dtype: dtypes.DType = dtypes.float32) -> Tensor:
        return random_stateless.stateless_uniform(shape, seed, low, high, dtype)

    return draw


# --- flips ------------------------------------------------------------------------------


def random_flip_left_right(image: TensorLike, seed: Any = None) -> Tensor:
    """image, or with a chance of 1/2 its mirror image; each of a batch on its own.

    Raises:
      ShapeError: not 3 or 4 axes, or no pixels.

    Example:
      >>> nf.image.random_flip_left_right(nf.zeros([2, 3, 1])).shape
      TensorShape([2, 3, 1])
    """
    return _flipped("image.random_flip_left_right", image, 1, _of_seed(seed))


def random_flip_up_down(image: TensorLike, seed: Any = None) -> Tensor:
    """image, or with a chance of 1/2 upside down; each of a batch on its own.

    Raises:
      ShapeError: not 3 or 4 axes, or no pixels.
    """
    return _flipped("image.random_flip_up_down", image, 0, _of_seed(seed))


def stateless_random_flip_left_right(image: TensorLike, seed: Any) -> Tensor:
    """As random_flip_left_right, of seed (two integers) alone.

    Raises:
      ShapeError: not 3 or 4 axes, or no pixels; seed is not of two integers.
    """
    return _flipped("image.stateless_random_flip_left_right", image, 1, _of_seed_alone(seed))


def stateless_random_flip_up_down(image: TensorLike, seed: Any) -> Tensor:
    """As random_flip_up_down, of seed (two integers) alone.

    Raises:
      ShapeError: not 3 or 4 axes, or no pixels; seed is not of two integers.
    """
    return _flipped("image.stateless_random_flip_up_down", image, 0, _of_seed_alone(seed))


def _flipped(op: str, image: TensorLike, k: int, draw: Draw) -> Tensor:
    x = as_images(op, image)
    shape = () if x.spec.rank == 3 else (x.spec.shape[0], 1, 1, 1)
    turned = image_places.reversed_along(x, k)
    return selections.where(comparisons.less(draw(shape, 0.0, 1.0), 0.5), turned, x)


# --- colours ----------------------------------------------------------------------------


def _range(op: str, low: Any, high: Any, names: tuple[str, str]) -> None:
    """Refuses what is no range of numbers that are not negative."""
    a, b = known_number(low, op, "lower"), known_number(high, op, "upper")
    if a is not None and b is not None and not b > a:
        shown = {names[0]: a, names[1]: b}
        raise ValueError(explain(op, f"{names[1]} must be > {names[0]}", shown))
    if a is not None and not a >= 0:
        raise ValueError(explain(op, f"{names[0]} must not be negative", {names[0]: a}))


def _limit(op: str, most: Any, above: float | None = None) -> None:
    """Refuses a max_delta that is negative, or above a limit."""
    n = known_number(most, op, "max_delta")
    if n is not None and above is not None and not n <= above:
        raise ValueError(explain(op, f"max_delta must be <= {above}", {"max_delta": n}))
    if n is not None and not n >= 0:
        raise ValueError(explain(op, "max_delta must not be negative", {"max_delta": n}))


def random_brightness(image: TensorLike, max_delta: Any, seed: Any = None) -> Tensor:
    """adjust_brightness by a number in [-max_delta, max_delta).

    Raises:
      ValueError: max_delta is negative.
    """
    _limit("image.random_brightness", max_delta)
    delta = _of_seed(seed)([], -max_delta, max_delta)
    return image_color.adjust_brightness(image, delta)


def stateless_random_brightness(image: TensorLike, max_delta: Any, seed: Any) -> Tensor:
    """As random_brightness, of seed (two integers) alone.

    Raises:
      ValueError: max_delta is negative.

    Example:
      >>> x = nf.zeros([1, 1, 1])
      >>> a, b = (nf.image.stateless_random_brightness(x, 0.5, (1, 2)) for _ in range(2))
      >>> bool(nf.reduce_all(a == b))
      True
    """
    _limit("image.stateless_random_brightness", max_delta)
    delta = _of_seed_alone(seed)([], -max_delta, max_delta)
    return image_color.adjust_brightness(image, delta)


def random_contrast(image: TensorLike, lower: Any, upper: Any, seed: Any = None) -> Tensor:
    """adjust_contrast by a factor in [lower, upper).

    Raises:
      ValueError: lower is negative, or not below upper.
    """
    _range("image.random_contrast", lower, upper, ("lower", "upper"))
    return image_color.adjust_contrast(image, _of_seed(seed)([], lower, upper))


def stateless_random_contrast(image: TensorLike, lower: Any, upper: Any, seed: Any) -> Tensor:
    """As random_contrast, of seed (two integers) alone.

    Raises:
      ValueError: lower is negative, or not below upper.
    """
    _range("image.stateless_random_contrast", lower, upper, ("lower", "upper"))
    return image_color.adjust_contrast(image, _of_seed_alone(seed)([], lower, upper))


def random_hue(image: TensorLike, max_delta: Any, seed: Any = None) -> Tensor:
    """adjust_hue by a number in [-max_delta, max_delta).

    Raises:
      ValueError: max_delta is outside of [0, 0.5].
    """
    _limit("image.random_hue", max_delta, 0.5)
    return image_color.adjust_hue(image, _of_seed(seed)([], -max_delta, max_delta))


def stateless_random_hue(image: TensorLike, max_delta: Any, seed: Any) -> Tensor:
    """As random_hue, of seed (two integers) alone.

    Raises:
      ValueError: max_delta is outside of [0, 0.5].
    """
    _limit("image.stateless_random_hue", max_delta, 0.5)
    return image_color.adjust_hue(image, _of_seed_alone(seed)([], -max_delta, max_delta))


def random_saturation(image: TensorLike, lower: Any, upper: Any, seed: Any = None) -> Tensor:
    """adjust_saturation by a factor in [lower, upper).

    Raises:
      ValueError: lower is negative, or not below upper.
    """
    _range("image.random_saturation", lower, upper, ("lower", "upper"))
    return image_color.adjust_saturation(image, _of_seed(seed)([], lower, upper))


def stateless_random_saturation(
    image: TensorLike, lower: Any, upper: Any, seed: Any = None
) -> Tensor:
    """As random_saturation, of seed (two integers) alone.

    Raises:
      ValueError: lower is negative, or not below upper; no seed.
    """
    _range("image.stateless_random_saturation", lower, upper, ("lower", "upper"))
    return image_color.adjust_saturation(image, _of_seed_alone(seed)([], lower, upper))


# --- parts ------------------------------------------------------------------------------


def random_crop(value: TensorLike, size: Any, seed: Any = None, name: str | None = None) -> Tensor:
    """A part of that size from anywhere, each place as likely as any other.

    Args:
      value: any shape and dtype.
      size: an integer per axis.

    Raises:
      ShapeError: size has not as many numbers as value has axes, or is larger.

    Example:
      >>> nf.image.random_crop(nf.zeros([5, 7, 3]), [2, 2, 3]).shape
      TensorShape([2, 2, 3])
    """
    return _cropped("image.random_crop", value, size, _of_seed(seed))


def stateless_random_crop(
    value: TensorLike, size: Any, seed: Any, name: str | None = None
) -> Tensor:
    """As random_crop, of seed (two integers) alone.

    Raises:
      ShapeError: as random_crop; seed is not of two integers.
    """
    return _cropped("image.stateless_random_crop", value, size, _of_seed_alone(seed))


def _cropped(op: str, value: TensorLike, size: Any, draw: Draw) -> Tensor:
    x = as_tensor(value, None, op, "value")
    want = static_ints(size, op, "size", sizes=True)
    shown = {"value": x.spec, "size": list(want)}
    if len(want) != x.spec.rank:
        raise ShapeError(explain(op, f"size must be {x.spec.rank} numbers", shown))
    pairs = list(zip(want, x.spec.shape, strict=True))
    if any(isinstance(n, int) and (n < 0 or (isinstance(m, int) and n > m)) for n, m in pairs):
        raise ShapeError(explain(op, "size must lie within the shape of value", shown))
    for axis, (n, m) in enumerate(pairs):
        if isinstance(n, int) and n and isinstance(m, Dim):
            slicing.at_least(x, axis, n)
    places = draw([len(want)], 0, dtypes.int32.max, dtypes.int32)
    limits = joining.stack_tensors([shaping.size_tensor(m - n + 1) for n, m in pairs], 0)
    return slicing.slice(x, power.floormod(places, limits), want)
