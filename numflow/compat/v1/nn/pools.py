"""Pools with TensorFlow 1's parameters."""

from __future__ import annotations

from typing import Any

from numflow.compat.v1.arguments import either
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import fractional_pooling, pool_api

__all__ = [
    "avg_pool",
    "fractional_avg_pool",
    "fractional_max_pool",
    "max_pool",
    "max_pool_with_argmax",
    "pool",
]


def max_pool(
    value: TensorLike,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: TensorLike = None,
) -> Tensor:
    """nf.nn.max_pool2d; `value` is its input.

    Example:
      >>> x = nf.reshape(nf.range(4.0), (1, 2, 2, 1))
      >>> nf.compat.v1.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME").numpy().item()
      3.0
    """
    x = either("max_pool", "value", value, "input", input)
    return pool_api.max_pool2d(x, ksize, strides, padding, data_format)


def avg_pool(
    value: TensorLike,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: TensorLike = None,
) -> Tensor:
    """nf.nn.avg_pool2d; `value` is its input."""
    x = either("avg_pool", "value", value, "input", input)
    return pool_api.avg_pool2d(x, ksize, strides, padding, data_format)


def max_pool_with_argmax(
    input: TensorLike,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    Targmax: Any = None,
    name: str | None = None,
    output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> tuple[Tensor, Tensor]:
    """nf.nn.max_pool_with_argmax; `Targmax` is its output_dtype, default int64."""
    dtype = either(
        "max_pool_with_argmax", "Targmax", Targmax, "output_dtype", output_dtype, "int64"
    )
    return pool_api.max_pool_with_argmax(
        input, ksize, strides, padding, data_format, dtype, include_batch_in_index
    )


def pool(
    input: TensorLike,
    window_shape: Any,
    pooling_type: str,
    padding: Any,
    dilation_rate: Any = None,
    strides: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.pool; `dilation_rate` is its dilations."""
    spread = either("pool", "dilation_rate", dilation_rate, "dilations", dilations, 1)
    return pool_api.pool(input, window_shape, pooling_type, strides, padding, data_format, spread)


def fractional_max_pool(
    value: TensorLike,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """nf.nn.fractional_max_pool; deterministic: the same windows each time, seeds or not."""
    chosen = seed or seed2 or int(deterministic)
    return fractional_pooling.fractional_max_pool(
        value, pooling_ratio, pseudo_random, overlapping, chosen
    )


def fractional_avg_pool(
    value: TensorLike,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    deterministic: bool = False,
    seed: int = 0,
    seed2: int = 0,
    name: str | None = None,
) -> Any:
    """nf.nn.fractional_avg_pool; deterministic: the same windows each time, seeds or not."""
    chosen = seed or seed2 or int(deterministic)
    return fractional_pooling.fractional_avg_pool(
        value, pooling_ratio, pseudo_random, overlapping, chosen
    )
