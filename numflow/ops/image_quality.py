"""How alike two images are, and where one image changes.

Differences are those of shifted parts, which the compiler makes one pass of; Gaussian windows are
sums over rows and columns (resize.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import activation, joining, plain, power, rearrange, resize, signs, slicing
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.ops.image_arguments import as_images
from numflow.ops.image_color import convert_image_dtype
from numflow.ops.shape_rules import broadcast_shapes
from numflow.shapes import Extent, product

# --- where an image changes -----------------------------------------------------------------


def image_gradients(image: TensorLike) -> tuple[Tensor, Tensor]:
    """(x[i + 1, j] - x[i, j], x[i, j + 1] - x[i, j]), 0 in the last row and column.

    Args:
      image: numbers [batch, height, width, channels].

    Returns:
      dy and dx, of the image's shape and dtype.

    Raises:
      ShapeError: not 4 axes, or no pixels.

    Example:
      >>> dy, dx = nf.image.image_gradients(nf.reshape([1.0, 2.0, 4.0, 8.0], [1, 2, 2, 1]))
      >>> dy[0, :, :, 0].numpy().tolist(), dx[0, :, :, 0].numpy().tolist()
      ([[3.0, 6.0], [0.0, 0.0]], [[1.0, 0.0], [4.0, 0.0]])
    """
    x = as_images("image.image_gradients", image, least=4)
    dy = rearrange.pad(_differences(x, 1), [[0, 0], [0, 1], [0, 0], [0, 0]])
    dx = rearrange.pad(_differences(x, 2), [[0, 0], [0, 0], [0, 1], [0, 0]])
    return dy, dx


def _differences(x: Tensor, axis: int) -> Tensor:
    """Of neighbours along an axis."""
    n = x.spec.shape[axis] - 1
    return _shifted(x, axis, 1, n) - _shifted(x, axis, 0, n)


def _shifted(x: Tensor, axis: int, begin: Extent, count: Extent, step: int = 1) -> Tensor:
    """`count` elements along an axis, from begin on."""
    rank = x.spec.rank
    shape = list(x.spec.shape)
    shape[axis] = count
    starts: list[Extent] = [0] * rank
    starts[axis] = begin
    strides = [1] * rank
    strides[axis] = step
    return slicing.slice_op(x, begin=tuple(starts), stride=tuple(strides), shape=tuple(shape))


def sobel_edges(image: TensorLike) -> Tensor:
    """Differences of the pixels below and above, right and left, smoothed across.

    Args:
      image: floating [batch, height, width, channels], at least 2 by 2 pixels.

    Returns:
      [batch, height, width, channels, 2]: dy and dx.

    Raises:
      ShapeError: not 4 axes, or too few pixels.

    Example:
      >>> edges = nf.image.sobel_edges(nf.reshape(nf.range(9.0), [1, 3, 3, 1]))
      >>> edges[0, 1, 1, 0].numpy().tolist()
      [24.0, 8.0]

    Source: Sobel and Feldman 1968, "A 3x3 isotropic gradient operator for image processing".
    """
    x = as_images("image.sobel_edges", image, least=4)
    _, height, width, _ = x.spec.shape
    around = rearrange.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")

    def smooth(axis: int, n: Extent) -> Tensor:
        a, b, c = (_shifted(around, axis, k, n) for k in range(3))
        return a + 2 * b + c

    def difference(x: Tensor, axis: int, n: Extent) -> Tensor:
        return _shifted(x, axis, 2, n) - _shifted(x, axis, 0, n)

    dy = difference(smooth(2, width), 1, height)
    dx = difference(smooth(1, height), 2, width)
    return joining.stack_tensors([dy, dx], x.spec.rank)


def total_variation(images: TensorLike, name: str | None = None) -> Tensor:
    """The sum of the absolute differences of neighbouring pixels.

    Args:
      images: numbers [batch, height, width, channels] or [height, width, channels].

    Returns:
      [batch], or a scalar.

    Raises:
      ShapeError: not 3 or 4 axes, or no pixels.

    Example:
      >>> float(nf.image.total_variation([[[1.0], [3.0]], [[0.0], [0.0]]]))
      6.0
    """
    x = as_images("image.total_variation", images, "images")
    front = x.spec.rank - 3
    axes = tuple(range(front, x.spec.rank))
    down, right = (signs.abs(_differences(x, front + k)) for k in (0, 1))
    return reductions.reduce_sum(down, axis=axes) + reductions.reduce_sum(right, axis=axes)


# --- how alike two images are -----------------------------------------------------------------


def _pair(op: str, a: TensorLike, b: TensorLike, names: tuple[str, str]) -> tuple[Tensor, Tensor]:
    """Two images of one size and dtype.

    Raises:
      ShapeError: their last three axes differ, or those before do not broadcast.
    """
    x = as_images(op, a, names[0], most=None, pixels=False)
    y = as_images(op, b, names[1], most=None, pixels=False)
    for m, n in zip(x.spec.shape[-3:], y.spec.shape[-3:], strict=True):
        if isinstance(m, int) and isinstance(n, int) and m != n:
            problem = "the images have different sizes"
            raise ShapeError(explain(op, problem, {names[0]: x.spec, names[1]: y.spec}))
    broadcast_shapes(op, x.spec.shape[:-3], y.spec.shape[:-3], names=names)
    return x, y


def _brightest(op: str, max_val: TensorLike, dtype: dtypes.DType) -> Tensor:
    """max_val as a float, on the scale of images that became floats."""
    value = maths.cast(as_tensor(max_val, None, op, "max_val"), dtype)
    return convert_image_dtype(value, dtypes.float32)


def psnr(a: TensorLike, b: TensorLike, max_val: TensorLike, name: str | None = None) -> Tensor:
    """Peak signal to noise ratio: 20 log10(max_val) - 10 log10(mean squared difference).

    Args:
      a, b: numbers [..., height, width, channels], of one size.
      max_val: the difference between the largest and the smallest value that pixels may have.

    Returns:
      float32 [...], in decibels; infinite for equal images.

    Raises:
      ShapeError: less than 3 axes, or different sizes.

    Example:
      >>> float(nf.image.psnr(nf.zeros([2, 2, 1]), nf.fill([2, 2, 1], 0.1), 1.0).numpy().round(3))
      20.0
    """
    op = "image.psnr"
    x, y = _pair(op, a, b, ("a", "b"))
    most = _brightest(op, max_val, x.dtype)
    x, y = (convert_image_dtype(t, dtypes.float32) for t in (x, y))
    mse = reductions.reduce_mean(maths.squared_difference(x, y), axis=(-3, -2, -1))
    ten = float(np.log(10.0))
    return 20 * maths.log(most) / ten - (10 / ten) * maths.log(mse)


class _Window(NamedTuple):
    """A Gaussian window and the constants of Wang et al. 2004, equation 13."""

    weights: tuple[float, ...]
    k1: Any
    k2: Any

    def means(self, x: Tensor) -> Tensor:
        """The weighed means of each window that lies within the image."""
        front = x.spec.shape[:-3]
        flat = shaping.reshape(x, (product(front), *x.spec.shape[-3:]))
        found = resize.window_op(flat, weights=self.weights)
        return shaping.reshape(found, (*front, *found.spec.shape[1:]))


def _window(op: str, images: Sequence[Tensor], size: Any, sigma: Any, k1: Any, k2: Any) -> _Window:
    width = static_int(size, op, "filter_size")
    if width < 1 or not plain.number(sigma, op, "filter_sigma") > 0:
        shown = {"filter_size": width, "filter_sigma": sigma}
        raise ShapeError(explain(op, "filter_size and filter_sigma must be positive", shown))
    for x in images:
        if any(isinstance(n, int) and n < width for n in x.spec.shape[-3:-1]):
            problem = f"the images are smaller than the window of {width} pixels"
            raise ShapeError(explain(op, problem, {"image": x.spec}))
    away = np.arange(width) - (width - 1) / 2
    weights = np.exp(-0.5 * (away / float(sigma)) ** 2)
    return _Window(tuple((weights / weights.sum()).tolist()), k1, k2)


def _alike(x: Tensor, y: Tensor, most: Tensor, window: _Window) -> tuple[Tensor, Tensor]:
    """(luminance, contrast and structure) of each window and channel."""
    c1, c2 = maths.square(window.k1 * most), maths.square(window.k2 * most)
    mean_x, mean_y = window.means(x), window.means(y)
    twice = mean_x * mean_y * 2.0
    squares = maths.square(mean_x) + maths.square(mean_y)
    luminance = (twice + c1) / (squares + c1)
    both = window.means(x * y) * 2.0
    apart = window.means(maths.square(x) + maths.square(y))
    return luminance, (both - twice + c2) / (apart - squares + c2)


def ssim(
    img1: TensorLike,
    img2: TensorLike,
    max_val: TensorLike,
    filter_size: Any = 11,
    filter_sigma: Any = 1.5,
    k1: Any = 0.01,
    k2: Any = 0.03,
    return_index_map: bool = False,
) -> Tensor:
    """Structural similarity, 1 for equal images: the mean over channels and windows.

    Args:
      img1, img2: numbers [..., height, width, channels], of one size.
      max_val: the difference between the largest and the smallest value that pixels may have.
      filter_size, filter_sigma: of the Gaussian window, in pixels.
      k1, k2: what keeps dark and even windows from dividing by 0.
      return_index_map: the windows' values instead of their mean.

    Returns:
      float32 [...]; or [..., height - filter_size + 1, width - filter_size + 1].

    Raises:
      ShapeError: less than 3 axes, different sizes, or images smaller than the window.

    Example:
      >>> x = nf.random.uniform([1, 16, 16, 3])
      >>> float(nf.image.ssim(x, x, 1.0)[0].numpy().round(4))
      1.0

    Source: Wang et al. 2004, "Image quality assessment: from error visibility to structural
    similarity".
    """
    op = "image.ssim"
    x, y = _pair(op, img1, img2, ("img1", "img2"))
    window = _window(op, (x, y), filter_size, filter_sigma, k1, k2)
    most = _brightest(op, max_val, x.dtype)
    x, y = (convert_image_dtype(t, dtypes.float32) for t in (x, y))
    luminance, structure = _alike(x, y, most, window)
    each = luminance * structure
    if not plain.flag(return_index_map, op, "return_index_map"):
        each = reductions.reduce_mean(each, axis=(-3, -2))
    return reductions.reduce_mean(each, axis=-1)


def ssim_multiscale(
    img1: TensorLike,
    img2: TensorLike,
    max_val: TensorLike,
    power_factors: Any = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
    filter_size: Any = 11,
    filter_sigma: Any = 1.5,
    k1: Any = 0.01,
    k2: Any = 0.03,
) -> Tensor:
    """The product of structural similarities at several scales, each half of the one before.

    Args:
      img1, img2: numbers [..., height, width, channels], of one size.
      max_val: the difference between the largest and the smallest value that pixels may have.
      power_factors: the exponent of each scale, finest first.
      filter_size, filter_sigma, k1, k2: as in `ssim`.

    Returns:
      float32 [...], within [0, 1].

    Raises:
      ShapeError: as `ssim`; the window must fit into the coarsest scale.

    Example:
      >>> x = nf.random.uniform([1, 32, 32, 3])
      >>> float(nf.image.ssim_multiscale(x, x, 1.0, (0.5, 0.5))[0].numpy().round(4))
      1.0

    Source: Wang, Simoncelli and Bovik 2003, "Multi-scale structural similarity for image quality
    assessment".
    """
    op = "image.ssim_multiscale"
    x, y = _pair(op, img1, img2, ("img1", "img2"))
    most = _brightest(op, max_val, x.dtype)
    x, y = (convert_image_dtype(t, dtypes.float32) for t in (x, y))
    factors = [
        plain.number(f, op, "power_factors")
        for f in plain.items(power_factors, op, "power_factors")
    ]
    if not factors:
        raise ShapeError(explain(op, "power_factors are empty"))
    out: Tensor | None = None
    for k, factor in enumerate(factors):
        if k:
            x, y = _halved(x), _halved(y)
        window = _window(op, (x, y), filter_size, filter_sigma, k1, k2)
        luminance, structure = _alike(x, y, most, window)
        last = k + 1 == len(factors)
        each = reductions.reduce_mean(luminance * structure if last else structure, axis=(-3, -2))
        share = power.pow(activation.relu(each), factor)
        out = share if out is None else out * share
    assert out is not None
    return reductions.reduce_mean(out, axis=-1)


def _halved(x: Tensor) -> Tensor:
    """Means of two by two pixels; the last row or column of an odd number counts twice."""
    for axis in (x.spec.rank - 3, x.spec.rank - 2):
        n = x.spec.shape[axis]
        half = (n + 1) // 2
        odd: Extent = n % 2
        if odd != 0:
            edge = _shifted(x, axis, n - odd, odd)
            x = joining.concat([x, edge], axis)
        x = (_shifted(x, axis, 0, half, 2) + _shifted(x, axis, 1, half, 2)) * 0.5
    return x
