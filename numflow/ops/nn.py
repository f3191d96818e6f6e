"""Parts of networks that are made of other ops: bias_add, moments, normalisation."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import run_time
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.precision import single
from numflow.shapes import Dim, UnknownSizeError

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
    if data_format is not None and not (
        isinstance(data_format, str) and data_format.startswith("N")
    ):
        raise ValueError(
            explain("bias_add", f"no data_format {data_format!r}", shown, fix='"NHWC" or "NCHW"')
        )
    if x.spec.rank < 2 or offset.spec.rank != 1:
        raise ShapeError(explain("bias_add", "value needs at least 2 axes, bias exactly 1", shown))
    second = data_format is not None and data_format.startswith("NC")
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
    wide = single(value)
    mean = reductions.reduce_mean(wide, axes, keepdims=True)
    centred = maths.squared_difference(wide, mean)
    variance = reductions.reduce_mean(centred, axes, keepdims=True)
    if not keepdims:
        shape = reductions.reduce_sum(wide, axes).spec.shape
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
    value = as_tensor(x, None, "batch_normalization", "x")
    inverse = maths.rsqrt(as_tensor(variance, value.dtype) + variance_epsilon)
    if scale is not None:
        inverse = inverse * scale
    out = (value - mean) * inverse
    return out if offset is None else out + offset


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
    size = maths.abs(value) if value.dtype.is_complex else value
    total = reductions.reduce_sum(maths.square(size), dim if axis is None else axis, keepdims=True)
    return value * maths.cast(maths.rsqrt(maths.maximum(total, epsilon)), value.dtype)


def zero_fraction(value: TensorLike, name: str | None = None) -> Tensor:
    """The share of elements that are 0, float32; nan of nothing.

    Example:
      >>> nf.math.zero_fraction([0.0, 1.0, 0.0, 2.0]).numpy().item()
      0.5
    """
    x = as_tensor(value, None, "zero_fraction", "value")
    return reductions.reduce_mean(maths.cast(maths.equal(x, 0), dtypes.float32))
