"""Convolutions and morphology with TensorFlow 1's parameters."""

from __future__ import annotations

from typing import Any

from numflow.compat.v1.arguments import either
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import (
    conv_api,
    conv_api_depthwise,
    conv_api_gradients,
    conv_api_transpose,
    morphology,
)
from numflow.ops.conv_api_depthwise import depthwise_conv2d as _depthwise

__all__ = [
    "conv1d",
    "conv2d",
    "conv2d_backprop_filter",
    "conv2d_backprop_input",
    "conv2d_transpose",
    "conv3d",
    "conv3d_transpose",
    "convolution",
    "depthwise_conv2d",
    "depthwise_conv2d_native",
    "dilation2d",
    "erosion2d",
    "separable_conv2d",
]


_ONES = (1, 1, 1, 1)


def convolution(
    input: TensorLike,
    filter: TensorLike = None,
    padding: Any = None,
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.convolution; `filter` is its filters, `dilation_rate` its dilations."""
    f = either("convolution", "filter", filter, "filters", filters)
    rate = either("convolution", "dilation_rate", dilation_rate, "dilations", dilations, 1)
    return conv_api.convolution(input, f, strides, padding, data_format, rate)


def conv1d(
    value: TensorLike = None,
    filters: TensorLike = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: Any = None,
    data_format: str | None = None,
    name: str | None = None,
    input: TensorLike = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.conv1d; `value` is its input."""
    x = either("conv1d", "value", value, "input", input)
    return conv_api.conv1d(x, filters, stride, padding, data_format or "NWC", dilations)


def conv2d(
    input: TensorLike,
    filter: TensorLike = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """nf.nn.conv2d; `filter` is its filters.

    Example:
      >>> x, f = nf.ones((1, 3, 3, 1)), nf.ones((2, 2, 1, 1))
      >>> nf.compat.v1.nn.conv2d(x, f, [1, 1, 1, 1], "VALID").numpy()[0, :, :, 0].tolist()
      [[4.0, 4.0], [4.0, 4.0]]
    """
    f = either("conv2d", "filter", filter, "filters", filters)
    return conv_api.conv2d(input, f, strides, padding, data_format, list(dilations))


def conv3d(
    input: TensorLike,
    filter: TensorLike = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """nf.nn.conv3d; `filter` is its filters."""
    f = either("conv3d", "filter", filter, "filters", filters)
    return conv_api.conv3d(input, f, strides, padding, data_format, list(dilations))


def conv2d_transpose(
    value: TensorLike = None,
    filter: TensorLike = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    name: str | None = None,
    input: TensorLike = None,
    filters: TensorLike = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.conv2d_transpose; `value` is its input, `filter` its filters."""
    op = "conv2d_transpose"
    x = either(op, "value", value, "input", input)
    f = either(op, "filter", filter, "filters", filters)
    return conv_api_transpose.conv2d_transpose(
        x, f, output_shape, strides, padding, data_format, dilations
    )


def conv3d_transpose(
    value: TensorLike,
    filter: TensorLike = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str = "NDHWC",
    name: str | None = None,
    input: TensorLike = None,
    filters: TensorLike = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.conv3d_transpose; `value` is its input, `filter` its filters."""
    op = "conv3d_transpose"
    x = either(op, "value", value, "input", input)
    f = either(op, "filter", filter, "filters", filters)
    return conv_api_transpose.conv3d_transpose(
        x, f, output_shape, strides, padding, data_format, dilations
    )


def conv2d_backprop_input(
    input_sizes: Any,
    filter: TensorLike = None,
    out_backprop: TensorLike = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
    filters: TensorLike = None,
) -> Tensor:
    """The gradient of `conv2d` by its input.

    Args:
      input_sizes: the shape of the input, four integers.
      filter: [height, width, channels, out].
      out_backprop: the gradient of the result.
    """
    f = either("conv2d_backprop_input", "filter", filter, "filters", filters)
    return conv_api_gradients.conv2d_backprop_input(
        input_sizes, f, out_backprop, strides, padding, data_format, list(dilations)
    )


def conv2d_backprop_filter(
    input: TensorLike,
    filter_sizes: Any,
    out_backprop: TensorLike,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
) -> Tensor:
    """The gradient of `conv2d` by its filter, whose shape is filter_sizes, four integers."""
    return conv_api_gradients.conv2d_backprop_filter(
        input, filter_sizes, out_backprop, strides, padding, data_format, list(dilations)
    )


def depthwise_conv2d(
    input: TensorLike,
    filter: TensorLike,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.depthwise_conv2d; `rate` is its dilations."""
    spread = either("depthwise_conv2d", "rate", rate, "dilations", dilations, 1)
    return _depthwise(input, filter, strides, padding, data_format, spread)


def depthwise_conv2d_native(
    input: TensorLike,
    filter: TensorLike,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = _ONES,
    name: str | None = None,
) -> Tensor:
    """nf.nn.depthwise_conv2d."""
    return _depthwise(input, filter, strides, padding, data_format, list(dilations))


def separable_conv2d(
    input: TensorLike,
    depthwise_filter: TensorLike,
    pointwise_filter: TensorLike,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.separable_conv2d; `rate` is its dilations."""
    spread = either("separable_conv2d", "rate", rate, "dilations", dilations, 1)
    return conv_api_depthwise.separable_conv2d(
        input, depthwise_filter, pointwise_filter, strides, padding, data_format, spread
    )


def dilation2d(
    input: TensorLike,
    filter: TensorLike = None,
    strides: Any = None,
    rates: Any = None,
    padding: Any = None,
    name: str | None = None,
    filters: TensorLike = None,
    dilations: Any = None,
) -> Tensor:
    """nf.nn.dilation2d of "NHWC"; `filter` is its filters, `rates` its dilations."""
    f = either("dilation2d", "filter", filter, "filters", filters)
    spread = either("dilation2d", "rates", rates, "dilations", dilations)
    return morphology.dilation2d(input, f, strides, padding, "NHWC", spread)


def erosion2d(
    value: TensorLike,
    kernel: TensorLike,
    strides: Any,
    rates: Any,
    padding: Any,
    name: str | None = None,
) -> Tensor:
    """nf.nn.erosion2d of "NHWC"; `kernel` is its filters, `rates` its dilations."""
    return morphology.erosion2d(value, kernel, strides, padding, "NHWC", rates)
