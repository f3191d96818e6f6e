"""Parts of networks that are made of other ops: bias_add, moments, normalisation."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.lowering import Composite
from numflow.graph.op import Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, plain, run_time, signs
from numflow.ops import math as maths
from numflow.ops import moments as folds
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.precision import single, widened
from numflow.ops.shape_rules import broadcast_shapes, normal_axes, same_dtype
from numflow.shapes import Dim, UnknownSizeError, known

# --- bias_add ------------------------------------------------------------------


def bias_add(
    value: TensorLike, bias: TensorLike, data_format: Any = None, name: str | None = None
) -> Tensor:
    """value + bias, where bias has one element per channel.

    Args:
      value: numbers [batch, ..., channels]; with data_format "NC..." [batch, channels, ...].
      bias: [channels], dtype of value.
      data_format: None or "N...C": channels last; "NC...": channels second.

    Raises:
      ShapeError: bias is not of one axis of the size of the channels.

    Example:
      >>> nf.nn.bias_add([[1.0, 2.0]], [10.0, 20.0]).numpy().tolist()
      [[11.0, 22.0]]
    """
    x = as_tensor(value, None, "bias_add", "value")
    offset = as_tensor(bias, x.dtype, "bias_add", "bias")
    shown = {"value": x.spec, "bias": offset.spec}
    second = isinstance(data_format, str) and data_format.startswith("NC")
    last = isinstance(data_format, str) and data_format[:1] == "N" and data_format[-1:] == "C"
    if data_format is not None and not (second or last):
        raise ValueError(
            explain("bias_add", f"no data_format {data_format!r}", shown, fix='"NHWC" or "NCHW"')
        )
    if x.spec.rank < 2 or offset.spec.rank != 1:
        raise ShapeError(explain("bias_add", "value needs at least 2 axes, bias exactly 1", shown))
    channels = x.spec.shape[1 if second else -1]
    offset = run_time.refitted(offset, (channels,))
    (size,) = offset.spec.shape
    if channels != size:
        if isinstance(channels, Dim) or isinstance(size, Dim):
            raise UnknownSizeError(f"bias_add: sizes {channels} and {size} meet")
        raise ShapeError(
            explain("bias_add", f"value has {channels} channels, bias has {size} elements", shown)
        )
    if second:
        offset = shaping.reshape(offset, (size, *(1 for _ in x.spec.shape[2:])))
    return maths.add_op(x, offset)


# --- moments, normalisation ----------------------------------------------------------


def moments(
    x: TensorLike,
    axes: Any,
    shift: Any = None,
    keepdims: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Mean and variance over axes; 16-bit floats are summed as float32.

    Args:
      x: floating [...].
      axes: the axes to fold.
      shift: without effect, as in TensorFlow.
      keepdims: keep folded axes as size 1.

    Returns:
      (mean, variance), dtype of x; the variance is that of the sample, not of a population.

    Example:
      >>> [t.numpy().tolist() for t in nf.nn.moments([[1.0, 5.0], [3.0, 5.0]], 0)]
      [[2.0, 5.0], [1.0, 0.0]]
    """
    value = as_tensor(x, None, "moments", "x")
    if not value.dtype.is_floating:
        problem = f"x is {value.dtype.name}, not floating"
        raise DTypeError(explain("moments", problem, {"x": value.spec}))
    rank = value.spec.rank
    given = None if axes is None else static_ints(axes, "moments", "axes")
    folded = normal_axes("moments", given, rank)
    mean, variance = folds.moments_op(single(value), axes=folded)
    if plain.flag(keepdims, "moments", "keepdims"):
        shape = tuple(1 if k in folded else n for k, n in enumerate(value.spec.shape))
        mean, variance = shaping.reshape(mean, shape), shaping.reshape(variance, shape)
    return maths.cast(mean, value.dtype), maths.cast(variance, value.dtype)


def batch_normalization(
    x: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    offset: TensorLike,
    scale: TensorLike,
    variance_epsilon: float,
    name: str | None = None,
) -> Tensor:
    """scale (x - mean) / sqrt(variance + epsilon) + offset; all broadcast against x.

    Args:
      x: floating [...].
      mean, variance: of the axes normalised over.
      offset, scale: or None, for 0 and 1.
      variance_epsilon: keeps the root away from 0.

    Example:
      >>> nf.nn.batch_normalization([1.0, 3.0], 2.0, 1.0, 10.0, None, 0.0).numpy().tolist()
      [9.0, 11.0]

    Source: Ioffe & Szegedy 2015, "Batch Normalization", algorithm 1.
    """
    op = "batch_normalization"
    value = as_tensor(x, None, op, "x")

    def part(given: TensorLike, name: str) -> Tensor:
        found = as_tensor(given, value.dtype, op, name)
        if known(found.spec.shape) and known(value.spec.shape):
            broadcast_shapes(op, value.spec.shape, found.spec.shape, names=("x", name))
        return found

    epsilon = as_tensor(variance_epsilon, value.dtype, op, "variance_epsilon")
    inverse = maths.rsqrt(part(variance, "variance") + epsilon)
    if scale is not None:
        inverse = inverse * part(scale, "scale")
    centre = part(mean, "mean")
    if centre.spec.shape == inverse.spec.shape and centre.spec.rank <= value.spec.rank:
        out = rescaled_op(value, centre, inverse)
    else:
        out = (value - centre) * inverse
    return out if offset is None else out + part(offset, "offset")


def _rescaled_infer(x: Spec, mean: Spec, factor: Spec) -> Spec:
    dtype = same_dtype("batch_normalization", x, mean, factor, names=("x", "mean", "scale"))
    shape = broadcast_shapes("batch_normalization", x.shape, mean.shape, names=("x", "mean"))
    return Spec(shape, dtype)


def _rescaled_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """The mean's gradient is that of an offset, times the factor: one fold serves both."""
    (x, mean, factor), ct = g.inputs, g.ct
    dx = dmean = dfactor = None
    if g.needed[0]:
        dx = reductions.sum_to(ct * factor, x)
    if g.needed[1]:
        dmean = -(reductions.sum_to(ct, mean) * factor)
    if g.needed[2]:
        dfactor = reductions.sum_to(ct * (x - mean), factor)
    return dx, dmean, dfactor


rescaled_op = Op(
    "rescaled",  # (x - mean) * factor; mean and factor have one shape
    _rescaled_infer,
    widened(lambda x, mean, factor: (x - mean) * factor),
    _rescaled_vjp,
    Composite(lambda x, mean, factor: (x - mean) * factor),
)


def l2_normalize(
    x: TensorLike,
    axis: Any = None,
    epsilon: float = 1e-12,
    name: str | None = None,
    dim: Any = None,
) -> Tensor:
    """x / sqrt(max(sum(x^2), epsilon)) along axes.

    Example:
      >>> nf.math.l2_normalize([3.0, 4.0]).numpy().astype(float).round(4).tolist()
      [0.6, 0.8]
    """
    value = as_tensor(x, None, "l2_normalize", "x")
    size = signs.abs(value) if value.dtype.is_complex else value
    total = reductions.reduce_sum(maths.square(size), dim if axis is None else axis, keepdims=True)
    return value * maths.cast(maths.rsqrt(maths.maximum(total, epsilon)), value.dtype)


def zero_fraction(value: TensorLike, name: str | None = None) -> Tensor:
    """The share of elements that are 0, float32; nan of nothing.

    Example:
      >>> nf.math.zero_fraction([0.0, 1.0, 0.0, 2.0]).numpy().item()
      0.5
    """
    x = as_tensor(value, None, "zero_fraction", "value")
    return reductions.reduce_mean(maths.cast(comparisons.equal(x, 0), dtypes.float32))
