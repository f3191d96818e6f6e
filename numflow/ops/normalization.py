"""Normalisation beside `batch_normalization` and `moments` (nn.py): fused, weighted, by neighbours.

All are made of other ops. A batch norm takes two passes over its input: mean and variance in one
(moments.py), then the result; its gradient takes two more: the sums of the cotangent, alone and
times what was normalised, then the gradient by the input.
"""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, creation, finite, linalg, nn, plain, pooling, signs
from numflow.ops import math as maths
from numflow.ops import moments as folds
from numflow.ops import power as powers
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int, static_ints
from numflow.ops.pooling import Pool
from numflow.ops.precision import single
from numflow.ops.shape_rules import normal_axes
from numflow.shapes import Dim, UnknownSizeError, as_number, product

# --- batch norm ------------------------------------------------------------------------------


def fused_batch_norm(
    x: TensorLike,
    scale: TensorLike,
    offset: TensorLike,
    mean: TensorLike | None = None,
    variance: TensorLike | None = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
    exponential_avg_factor: float = 1.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """scale (x - mean) / sqrt(variance + epsilon) + offset, channel by channel.

    Args:
      x: floating [batch, height, width, channels], or of three axes of the image; channels second
        in "NCHW" and "NCDHW".
      scale, offset: [channels]; float32 for 16-bit floats x, else dtype of x.
      mean, variance: [channels], running. Wanted for inference, and for a factor other than 1.
      epsilon: keeps the root away from 0.
      data_format: "NHWC", "NCHW", "NDHWC" or "NCDHW".
      is_training: normalise with the mean and the variance of x itself.
      exponential_avg_factor: how much of x's go into the running ones.

    Returns:
      (y, running mean, running variance). In training the latter are (1 - factor) * given + factor
      * x's, with the variance of a population, n / (n - 1) times that of x; no gradient flows
      through them. In inference they are those given.

    Raises:
      ShapeError: the rank or the number of channels does not fit; no such data_format; mean or
        variance is missing.
      DTypeError: the dtypes do not fit.

    Example:
      >>> from numflow.ops.normalization import fused_batch_norm
      >>> x = nf.reshape([1.0, 2.0, 3.0, 6.0], [2, 1, 2, 1])
      >>> y, mean, variance = fused_batch_norm(x, [1.0], [0.0])
      >>> mean.numpy().item(), variance.numpy().astype(float).round(3).item()
      (3.0, 4.667)

    Source: Ioffe & Szegedy 2015, "Batch Normalization", algorithms 1 and 2.
    """
    op = "fused_batch_norm"
    value = as_tensor(x, None, op, "x")
    shown: dict[str, object] = {"x": value.spec}
    if not value.dtype.is_floating:
        raise DTypeError(explain(op, f"x is {value.dtype.name}, not floating", shown))
    axis = _channel_axis(op, value, data_format)
    wide = single(value)
    channels = value.spec.shape[axis]

    def of_channels(given: TensorLike, called: str) -> Tensor:
        found = as_tensor(given, wide.dtype, op, called)
        if found.spec.shape != (channels,):
            here = {**shown, called: found.spec}
            if found.spec.rank == 1 and isinstance(channels, Dim):
                raise UnknownSizeError(f"{op}: sizes {channels} and {found.spec.shape[0]} meet")
            raise ShapeError(explain(op, f"{called} needs one number for each channel", here))
        return found

    gamma, beta = of_channels(scale, "scale"), of_channels(offset, "offset")
    factor = float(exponential_avg_factor)
    running: list[Tensor] = []
    if not is_training or factor != 1.0:
        if mean is None or variance is None:
            missing = "mean" if mean is None else "variance"
            problem = f"{missing} is wanted where is_training is False or the factor is not 1"
            raise ShapeError(explain(op, problem, {**shown, "exponential_avg_factor": factor}))
        running = [of_channels(mean, "mean"), of_channels(variance, "variance")]
    if is_training:
        folded = tuple(k for k in range(value.spec.rank) if k != axis)
        centre, spread = folds.moments_op(wide, axes=folded)
        found = _population(centre, spread, wide, folded)
    else:
        (centre, spread), found = running, running
    centre, spread, beta, gamma = (_along(t, axis, value) for t in (centre, spread, beta, gamma))
    y = nn.batch_normalization(wide, centre, spread, beta, gamma, epsilon)
    if is_training and running:
        found = [r * (1.0 - factor) + f * factor for r, f in zip(running, found, strict=True)]
    if is_training:
        found = [shaping.stop_gradient(t) for t in found]
    return maths.cast(y, value.dtype), found[0], found[1]


_FORMATS = {"NHWC": (4, 3), "NCHW": (4, 1), "NDHWC": (5, 4), "NCDHW": (5, 1)}


def _channel_axis(op: str, x: Tensor, data_format: Any) -> int:
    rank, axis = _FORMATS.get(data_format, (0, 0)) if isinstance(data_format, str) else (0, 0)
    if not rank:
        fix = ", ".join(_FORMATS)
        raise ShapeError(explain(op, f"no data_format {data_format!r}", {"x": x.spec}, fix=fix))
    if x.spec.rank != rank:
        problem = f"x has rank {x.spec.rank}, where {data_format} wants {rank}"
        raise ShapeError(explain(op, problem, {"x": x.spec}))
    return axis


def _along(t: Tensor, axis: int, x: Tensor) -> Tensor:
    """[channels] as it broadcasts to x."""
    behind = x.spec.rank - axis - 1
    return shaping.reshape_op(t, shape=(*t.spec.shape, *(1,) * behind)) if behind else t


def _population(centre: Tensor, spread: Tensor, x: Tensor, folded: tuple[int, ...]) -> list[Tensor]:
    """The mean, and the variance as that of the population that x is a sample of."""
    n = reductions.count(x, folded)
    if isinstance(n, int):
        return [centre, spread * (n / max(n - 1, 1))]
    number = maths.cast(shaping.size_tensor(n), x.dtype)
    return [centre, spread * (number / maths.maximum(number - 1.0, 1.0))]


def batch_norm_with_global_normalization(
    input: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    beta: TensorLike,
    gamma: TensorLike,
    variance_epsilon: float,
    scale_after_normalization: bool,
    name: str | None = None,
) -> Tensor:
    """`batch_normalization` whose gamma counts only if scale_after_normalization.

    Example:
      >>> x = nf.constant([[1.0], [3.0]])
      >>> norm = nf.nn.batch_norm_with_global_normalization
      >>> norm(x, [2.0], [1.0], [0.0], [9.0], 0.0, False).numpy().ravel().tolist()
      [-1.0, 1.0]
    """
    op, scale = "batch_norm_with_global_normalization", None
    if plain.flag(scale_after_normalization, op, "scale_after_normalization"):
        scale = gamma
    return nn.batch_normalization(input, mean, variance, beta, scale, variance_epsilon)


# --- moments -----------------------------------------------------------------------------------


def sufficient_statistics(
    x: TensorLike,
    axes: Any,
    shift: TensorLike | None = None,
    keepdims: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """What mean and variance can be made of: a count and two sums, of x less a shift.

    Args:
      x: numbers [...].
      axes: the axes to fold.
      shift: broadcasts to x; near the mean it saves digits. None: 0.
      keepdims: keep folded axes as size 1.

    Returns:
      (count, sum(x - shift), sum((x - shift)^2), shift); the count is a scalar of x's dtype.

    Example:
      >>> count, total, squares, _ = nf.nn.sufficient_statistics([1.0, 2.0, 4.0], [0])
      >>> count.numpy().item(), total.numpy().item(), squares.numpy().item()
      (3.0, 7.0, 21.0)
    """
    op = "sufficient_statistics"
    value = as_tensor(x, None, op, "x")
    folded = normal_axes(op, static_ints(axes, op, "axes"), value.spec.rank)
    n = product(value.spec.shape[k] for k in folded)
    count = maths.cast(shaping.size_tensor(n, dtypes.int64), value.dtype)
    by = None if shift is None else as_tensor(shift, value.dtype, op, "shift")
    moved = value if by is None else value - by
    squares = maths.square(value) if by is None else maths.squared_difference(value, by)
    total = reductions.reduce_sum(moved, folded, keepdims)
    return count, total, reductions.reduce_sum(squares, folded, keepdims), by


def normalize_moments(
    counts: TensorLike,
    mean_ss: TensorLike,
    variance_ss: TensorLike,
    shift: TensorLike | None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Mean and variance of what `sufficient_statistics` gives.

    Args:
      counts: how many elements were added.
      mean_ss, variance_ss: the sums of them and of their squares, less the shift.
      shift: what was subtracted; None: nothing.

    Example:
      >>> [t.numpy().item() for t in nf.nn.normalize_moments(2.0, 4.0, 10.0, None)]
      [2.0, 1.0]
    """
    op = "normalize_moments"
    total = as_tensor(mean_ss, None, op, "mean_ss")
    squares = as_tensor(variance_ss, total.dtype, op, "variance_ss")
    share = 1.0 / as_tensor(counts, total.dtype, op, "counts")
    mean = total * share
    variance = squares * share - maths.square(mean)
    return (mean if shift is None else mean + as_tensor(shift, total.dtype, op, "shift")), variance


def weighted_moments(
    x: TensorLike,
    axes: Any,
    frequency_weights: TensorLike,
    keepdims: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Mean and variance over axes, of elements that count as often as their weights say.

    Args:
      x: floating [...].
      axes: the axes to fold.
      frequency_weights: positive, broadcasts with x.
      keepdims: keep folded axes as size 1.

    Returns:
      (mean, variance), dtype of x; 0 where the weights add up to 0.

    Example:
      >>> found = nf.nn.weighted_moments([1.0, 5.0], [0], [3.0, 1.0])
      >>> [t.numpy().item() for t in found]
      [2.0, 3.0]
    """
    op = "weighted_moments"
    value = as_tensor(x, None, op, "x")
    if not value.dtype.is_floating:
        raise DTypeError(explain(op, f"x is {value.dtype.name}, not floating", {"x": value.spec}))
    wide = single(value)
    weights = maths.cast(as_tensor(frequency_weights, None, op, "frequency_weights"), wide.dtype)
    weights = weights + shaping.zeros_like(wide)
    folded = normal_axes(op, static_ints(axes, op, "axes"), weights.spec.rank)
    total = reductions.reduce_sum(weights, folded, keepdims=True)
    mean = finite.divide_no_nan(reductions.reduce_sum(weights * wide, folded, keepdims=True), total)
    squares = weights * maths.squared_difference(wide, mean)
    variance = finite.divide_no_nan(reductions.reduce_sum(squares, folded, keepdims=True), total)
    if not plain.flag(keepdims, "weighted_moments", "keepdims") and folded:
        mean, variance = shaping.squeeze(mean, folded), shaping.squeeze(variance, folded)
    return maths.cast(mean, value.dtype), maths.cast(variance, value.dtype)


# --- local response normalisation ---------------------------------------------------------------

_BAND = 1024  # channels up to which neighbours are added by a product with a band of ones


def local_response_normalization(
    input: TensorLike,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """x / (bias + alpha * sum of the squares of x in neighbouring channels) ** beta.

    Args:
      input: floating [batch, height, width, channels].
      depth_radius: how many channels on either side are neighbours.
      bias, alpha, beta: of the formula.

    Raises:
      ShapeError: input has no four axes; depth_radius is negative.
      DTypeError: input is not floating.

    Example:
      >>> nf.nn.lrn([[[[3.0, 4.0]]]], depth_radius=1, bias=0).numpy().round(4).tolist()
      [[[[0.6000000238418579, 0.800000011920929]]]]

    Source: Krizhevsky, Sutskever & Hinton 2012, "ImageNet Classification with Deep Convolutional
    Neural Networks", section 3.3.
    """
    op = "lrn"
    value = as_tensor(input, None, op, "input")
    shown = {"input": value.spec}
    if not value.dtype.is_floating:
        raise DTypeError(explain(op, f"input is {value.dtype.name}, not floating", shown))
    if value.spec.rank != 4:
        raise ShapeError(explain(op, f"input has rank {value.spec.rank}, not 4", shown))
    radius = as_number(static_int(depth_radius, op, "depth_radius"), op)
    if radius < 0:
        raise ShapeError(explain(op, f"depth_radius is negative: {radius}", shown))
    channels = as_number(value.spec.shape[-1], op)
    x = single(value)
    squares = _neighbours(maths.square(x), channels, min(radius, max(channels - 1, 0)))
    size = squares * plain.number(alpha, op, "alpha") + plain.number(bias, op, "bias")
    return maths.cast(x * powers.pow(size, -plain.number(beta, op, "beta")), value.dtype)


lrn = local_response_normalization


def _neighbours(x: Tensor, channels: int, radius: int) -> Tensor:
    """Sums over windows of channels; what is beside them counts as nothing."""
    if channels <= _BAND:
        shape = (channels, channels)
        row = creation.iota(shape, 0, dtypes.int32)
        apart = signs.abs(row - creation.iota(shape, 1, dtypes.int32))
        band = maths.cast(comparisons.less_equal(apart, radius), x.dtype)
        rows = shaping.reshape(x, (-1, channels)) if channels else x
        return shaping.reshape(linalg.matmul(rows, band), x.spec.shape) if channels else x
    window = Pool((2 * radius + 1,), (1,), ((radius, radius),), (1,))
    rows = shaping.reshape(x, (-1, channels, 1))
    places = pooling.counts(window, (channels,)).astype(x.dtype.numpy)
    summed = pooling.mean_op(rows, **window.attrs) * as_tensor(places)
    return shaping.reshape(summed, x.spec.shape)
