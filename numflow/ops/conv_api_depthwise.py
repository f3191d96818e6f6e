"""Depthwise and separable convolutions of images with two axes, and the gradients as functions."""

from __future__ import annotations

from typing import Any

from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import conv_api, conv_api_transpose, depthwise
from numflow.ops import conv_api_sizes as arguments
from numflow.ops import convolution as convolutions
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, operands, static_shape
from numflow.ops.convolution_rules import Geometry
from numflow.ops.precision import single
from numflow.shapes import Shape, as_number


def depthwise_conv2d(
    input: TensorLike,
    filter: TensorLike,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Every channel is convolved with filters of its own; the results stand side by side.

    y[b, i, j, c m + k] = sum over u, v of
      input[b, i s + u d - p, j s + v d - p, c] filter[u, v, c, k]

    Args:
      input: floating [batch, height, width, channels]; with data_format "NCHW" [batch, channels,
        height, width].
      filter: [height, width, channels, m].
      strides: [1, s, s, 1], one per axis, or one number.
      padding: "SAME", "VALID" or pairs, as for `convolution`.
      dilations: one number, one per axis, or with entries for batch and channels.

    Returns:
      [batch, *result, channels * m], dtype of input.

    Raises:
      ShapeError: ranks or channels do not fit; strides, dilations or padding are not possible.
      DTypeError: the dtypes differ, or are not floating.

    Example:
      >>> x = nf.constant([[[[1.0, 10.0], [2.0, 20.0]]]])
      >>> f = nf.ones([1, 2, 2, 1])
      >>> nf.nn.depthwise_conv2d(x, f, [1, 1, 1, 1], "VALID").numpy().tolist()
      [[[[3.0, 30.0]]]]
    """
    op = "depthwise_conv2d"
    x, f = operands(op, input, filter, ("input", "filter"))
    shown: dict[str, object] = {"input": x.spec, "filter": f.spec}
    return _depthwise(op, x, f, strides, padding, data_format, dilations, shown)


def separable_conv2d(
    input: TensorLike,
    depthwise_filter: TensorLike,
    pointwise_filter: TensorLike,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """`depthwise_conv2d`, then a product of every pixel's channels with a matrix.

    Args:
      input: floating [batch, height, width, channels]; "NCHW": [batch, channels, height, width].
      depthwise_filter: [height, width, channels, m].
      pointwise_filter: [1, 1, channels * m, out].
      strides, padding, data_format, dilations: as for `depthwise_conv2d`.

    Raises:
      ShapeError: as `depthwise_conv2d`; pointwise_filter is not [1, 1, channels * m, out].

    Example:
      >>> x, f = nf.ones([1, 2, 2, 3]), nf.ones([2, 2, 3, 1])
      >>> point = nf.ones([1, 1, 3, 2])
      >>> nf.nn.separable_conv2d(x, f, point, [1, 1, 1, 1], "VALID").numpy().tolist()
      [[[[12.0, 12.0]]]]

    Source: Chollet 2017, "Xception: Deep Learning with Depthwise Separable Convolutions".
    """
    op = "separable_conv2d"
    x, f = operands(op, input, depthwise_filter, ("input", "depthwise_filter"))
    point = as_tensor(pointwise_filter, x.dtype, op, "pointwise_filter")
    shown: dict[str, object] = {
        "input": x.spec, "depthwise_filter": f.spec, "pointwise_filter": point.spec,
    }  # fmt: skip
    shape = arguments.known_sizes(op, point.spec.shape)
    width = (f.spec.shape[2] * f.spec.shape[3],) if f.spec.rank == 4 else ()
    if len(shape) != 4 or shape[:2] != (1, 1) or shape[2:3] != width or 0 in shape:
        problem = f"pointwise_filter must be [1, 1, {width[0] if width else 'channels'}, out]"
        raise ShapeError(explain(op, problem, shown))
    y = _depthwise(op, x, f, strides, padding, data_format, dilations, shown)
    return conv_api.convolution(y, point, 1, "VALID", data_format)


def depthwise_conv2d_backprop_input(
    input_sizes: Any,
    filter: TensorLike,
    out_backprop: TensorLike,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of `depthwise_conv2d` by its input.

    Args:
      input_sizes: the input's shape [4], numbers or a tensor of them.
      filter: [height, width, channels, m].
      out_backprop: the gradient of the result.

    Raises:
      ShapeError: a convolution of input_sizes has not out_backprop's shape.

    Example:
      >>> f, dy = nf.ones([1, 2, 1, 1]), nf.ones([1, 1, 2, 1])
      >>> strides = [1, 1, 1, 1]
      >>> dx = nf.nn.depthwise_conv2d_backprop_input([1, 1, 3, 1], f, dy, strides, "VALID")
      >>> dx.numpy().ravel().tolist()
      [1.0, 2.0, 1.0]
    """
    op = "depthwise_conv2d_backprop_input"
    dy, f = operands(op, out_backprop, filter, ("out_backprop", "filter"))
    sizes = static_shape(input_sizes, op, "input_sizes")
    shown: dict[str, object] = {
        "input_sizes": list(sizes), "filter": f.spec, "out_backprop": dy.spec,
    }  # fmt: skip
    conv_api.check_dtype(op, dy, shown)
    if not len(sizes) == dy.spec.rank == f.spec.rank == 4:
        raise ShapeError(explain(op, "images and filters of 4 axes were wanted", shown))
    second = arguments.channels_second(op, data_format, 2)
    image = tuple(sizes[2:] if second else sizes[1:-1])
    channels = as_number(sizes[1 if second else -1], op)
    dy = arguments.channels_last(dy, second)
    g, times = _window(
        op, f, (sizes[0], *image, channels), strides, padding, dilations, second, shown
    )
    _check_gradient(op, dy, f, g, (sizes[0], *image), channels * times, second, shown)
    own = _one_row(f)
    dx = conv_api.computed(
        dy, own, lambda a, b: conv_api_transpose.backward(a, b, g, image, channels)
    )
    return arguments.channels_back(dx, second)


def depthwise_conv2d_backprop_filter(
    input: TensorLike,
    filter_sizes: Any,
    out_backprop: TensorLike,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of `depthwise_conv2d` by its filter.

    Args:
      input: the convolution's [batch, height, width, channels].
      filter_sizes: the filter's shape [4]: height, width, channels, m.
      out_backprop: the gradient of the result.

    Raises:
      ShapeError: a convolution with such a filter has not out_backprop's shape.

    Example:
      >>> x, dy = nf.ones([1, 1, 3, 1]), nf.ones([1, 1, 2, 1])
      >>> strides = [1, 1, 1, 1]
      >>> df = nf.nn.depthwise_conv2d_backprop_filter(x, [1, 2, 1, 1], dy, strides, "VALID")
      >>> df.numpy().ravel().tolist()
      [2.0, 2.0]
    """
    op = "depthwise_conv2d_backprop_filter"
    x, dy = operands(op, input, out_backprop, ("input", "out_backprop"))
    sizes = arguments.known_sizes(op, static_shape(filter_sizes, op, "filter_sizes"))
    shown: dict[str, object] = {
        "input": x.spec, "filter_sizes": list(sizes), "out_backprop": dy.spec,
    }  # fmt: skip
    conv_api.check_dtype(op, x, shown)
    if not len(sizes) == dy.spec.rank == x.spec.rank == 4:
        raise ShapeError(explain(op, "images and filters of 4 axes were wanted", shown))
    second = arguments.channels_second(op, data_format, 2)
    x, dy = arguments.channels_last(x, second), arguments.channels_last(dy, second)
    g, times = _window_of(op, sizes, x.spec.shape, strides, padding, dilations, second, shown, x)
    kernel, channels = sizes[:2], sizes[2]
    _check_sizes(op, dy, g, kernel, x.spec.shape[:3], channels * times, second, shown)
    arguments.bounded(op, sizes, shown)
    a, b = single(x), single(dy)
    if conv_api.is_depthwise(g, channels):
        attrs = depthwise.geometry_attrs(g)
        df = depthwise.depthwise_filter_op(depthwise.several(a, times), b, kernel=kernel, **attrs)
    else:
        df = convolutions.filter_op(a, b, kernel=kernel, **g.attrs)
    return maths.cast(shaping.reshape_op(df, shape=sizes), x.dtype)


# --- what they share ---------------------------------------------------------------------------


def _depthwise(
    op: str, x: Tensor, f: Tensor, strides: Any, padding: Any, data_format: Any, dilations: Any,
    shown: dict[str, object],
) -> Tensor:  # fmt: skip
    conv_api.check_dtype(op, x, shown)
    if x.spec.rank != 4 or f.spec.rank != 4:
        problem = f"input has rank {x.spec.rank}, the filter {f.spec.rank}: 4 were wanted"
        raise ShapeError(explain(op, problem, shown))
    second = arguments.channels_second(op, data_format, 2)
    x = arguments.channels_last(x, second)
    g, times = _window(op, f, x.spec.shape, strides, padding, dilations, second, shown, x)
    kernel = arguments.known_sizes(op, f.spec.shape[:2])
    columns = g.groups * times
    arguments.bounded(op, [x.spec.shape[0], *g.result(x.spec.shape[1:3], kernel), columns], shown)
    y = conv_api.computed(x, _one_row(f), lambda a, b: conv_api.forward(a, b, g, g.groups))
    return arguments.channels_back(y, second)


def _one_row(f: Tensor) -> Tensor:
    """[kh, kw, channels, m] -> [kh, kw, 1, channels * m], as a convolution by groups has it."""
    kh, kw, channels, times = f.spec.shape
    return shaping.reshape_op(f, shape=(kh, kw, 1, channels * times))


def _window(
    op: str, f: Tensor, image: Shape, strides: Any, padding: Any, dilations: Any, second: bool,
    shown: dict[str, object], x: Tensor | None = None,
) -> tuple[Geometry, int]:  # fmt: skip
    sizes = arguments.known_sizes(op, f.spec.shape)
    return _window_of(op, sizes, image, strides, padding, dilations, second, shown, x)


def _window_of(
    op: str, sizes: tuple[int, ...], image: Shape, strides: Any, padding: Any, dilations: Any,
    second: bool, shown: dict[str, object], x: Tensor | None = None,
) -> tuple[Geometry, int]:  # fmt: skip
    """(the window, how many filters a channel has); image: batch, rows, columns, channels."""
    arguments.positive_filter(op, sizes, shown)
    kh, kw, channels, times = sizes
    found = as_number(image[3], op)
    if found != channels:
        problem = f"input has {found} channels, the filter {channels}"
        raise ShapeError(explain(op, problem, shown))
    shown |= {"strides": strides, "padding": padding, "dilations": dilations}
    g = arguments.geometry(
        op, image[1:3], (kh, kw), strides, padding, dilations, second, shown, channels, x
    )
    return g, times


def _check_gradient(
    op: str, dy: Tensor, f: Tensor, g: Geometry, image: Shape, columns: int, second: bool,
    shown: dict[str, object],
) -> None:  # fmt: skip
    kernel = arguments.known_sizes(op, f.spec.shape[:2])
    _check_sizes(op, dy, g, kernel, image, columns, second, shown)


def _check_sizes(
    op: str, dy: Tensor, g: Geometry, kernel: tuple[int, ...], image: Shape, columns: int,
    second: bool, shown: dict[str, object],
) -> None:  # fmt: skip
    """Refuse a gradient that is not of the result's shape."""
    arguments.bounded(op, [*image, columns], shown)
    found = (image[0], *g.result(image[1:3], kernel), columns)
    conv_api_transpose.same_sizes(op, found, dy.spec.shape, second, "the input", shown)
