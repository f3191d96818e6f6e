"""The gradients of conv2d as functions, for those who put backward passes together themselves."""

from __future__ import annotations

from typing import Any

from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import conv_api, conv_api_transpose
from numflow.ops import conv_api_sizes as arguments
from numflow.ops import convolution as convolutions
from numflow.ops import math as maths
from numflow.ops.convert import operands, static_shape
from numflow.ops.precision import single
from numflow.shapes import as_number


def conv2d_backprop_input(
    input_sizes: Any,
    filters: TensorLike,
    out_backprop: TensorLike,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = 1,
) -> Tensor:
    """The gradient of conv2d by its input, whose shape is input_sizes: conv2d_transpose.

    Raises:
      ShapeError: a convolution of input_sizes has not out_backprop's shape.
    """
    return conv_api_transpose.conv2d_transpose(
        out_backprop, filters, input_sizes, strides, padding, data_format, dilations
    )


def conv2d_backprop_filter(
    input: TensorLike,
    filter_sizes: Any,
    out_backprop: TensorLike,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = 1,
) -> Tensor:
    """The gradient of conv2d by its filter.

    Args:
      input: floating, the convolution's image.
      filter_sizes: the filter's shape: height, width, channels / groups, out.
      out_backprop: the gradient of the result.
      strides, padding, data_format, dilations: as for conv2d.

    Raises:
      ShapeError: a convolution with such a filter has not out_backprop's shape.
      DTypeError: the dtypes differ, or are not floating.
    """
    op = "conv2d_backprop_filter"
    x, dy = operands(op, input, out_backprop, ("input", "out_backprop"))
    sizes = arguments.known_sizes(op, static_shape(filter_sizes, op, "filter_sizes"))
    shown: dict[str, object] = {
        "input": x.spec,
        "filter_sizes": list(sizes),
        "out_backprop": dy.spec,
    }
    conv_api.check_dtype(op, x, shown)
    if not len(sizes) == dy.spec.rank == x.spec.rank == 4:
        raise ShapeError(explain(op, "images and filters of 4 axes were wanted", shown))
    second = arguments.channels_second(op, data_format, 2)
    x, dy = arguments.channels_last(x, second), arguments.channels_last(dy, second)
    arguments.positive_filter(op, sizes, shown)
    kernel, depth, columns = sizes[:2], sizes[2], sizes[3]
    channels = as_number(x.spec.shape[-1], op)
    groups = conv_api.groups_of(op, channels, depth, columns, shown)
    g = arguments.geometry(
        op, x.spec.shape[1:3], kernel, strides, padding, dilations, second, shown, groups, x
    )
    arguments.bounded(op, sizes, shown)
    want = (x.spec.shape[0], *g.result(x.spec.shape[1:3], kernel), columns)
    if dy.spec.shape != want:
        problem = f"the result of such a convolution is {list(want)}, channels last"
        raise ShapeError(explain(op, problem, shown))
    df = convolutions.filter_op(single(x), single(dy), kernel=kernel, **g.attrs)
    return maths.cast(df, x.dtype)
