"""Transposed convolutions: the gradient of a convolution by its image, as an op of its own.

conv_transpose, conv1d_transpose, conv2d_transpose, conv3d_transpose, atrous_conv2d_transpose. The
size of the result is an argument: several images lead to one result where the stride is not 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import conv_api, depthwise, joining
from numflow.ops import conv_api_sizes as arguments
from numflow.ops import convolution as convolutions
from numflow.ops import shape as shaping
from numflow.ops.convert import operands, static_shape
from numflow.ops.convolution_rules import Geometry
from numflow.shapes import Extent, as_number, run_time


def conv_transpose(
    input: TensorLike,
    filters: TensorLike,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """The image x for which <x, z> = <input, convolution(z, filters)> for every z of its shape.

    Args:
      input: floating [batch, *image, channels], of one to three axes of the image.
      filters: [*kernel, out, channels]: those of the convolution that it is the transpose of.
      output_shape: [batch, *result, out], numbers or a tensor of them, in the order of data_format.
      strides, padding, data_format, dilations: as for `convolution`.

    Returns:
      output_shape, dtype of input.

    Raises:
      ShapeError: a convolution of output_shape has not input's shape; channels do not fit.
      DTypeError: the dtypes differ, or it is none that is convolved.

    Example:
      >>> x = nf.constant([[[1.0], [2.0]]])
      >>> nf.nn.conv_transpose(x, [[[1.0]], [[10.0]]], [1, 4, 1], 2).numpy().ravel().tolist()
      [1.0, 10.0, 2.0, 20.0]

    Source: Zeiler et al. 2010, "Deconvolutional Networks".
    """
    op = "conv_transpose"
    sizes = static_shape(output_shape, op, "output_shape")
    if len(sizes) not in (3, 4, 5):
        problem = f"output_shape has {len(sizes)} numbers: 3 to 5 were wanted"
        raise ShapeError(explain(op, problem, {"output_shape": list(sizes)}))
    return transposed(
        op, len(sizes) - 2, input, filters, sizes, strides, padding, data_format, dilations
    )


def conv1d_transpose(
    input: TensorLike,
    filters: TensorLike,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str | None = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """`conv_transpose` of [batch, width, channels] with filters [width, out, channels].

    Example:
      >>> nf.nn.conv1d_transpose(nf.ones([1, 2, 1]), nf.ones([3, 1, 1]), [1, 4, 1], 2).shape
      TensorShape([1, 4, 1])
    """
    return transposed(
        "conv1d_transpose", 1, input, filters, output_shape, strides, padding, data_format,
        dilations,
    )  # fmt: skip


def conv2d_transpose(
    input: TensorLike,
    filters: TensorLike,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str | None = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """`conv_transpose` of [batch, height, width, channels], filters [height, width, out, channels].

    Example:
      >>> x, f = nf.ones([1, 2, 2, 1]), nf.ones([2, 2, 1, 1])
      >>> nf.nn.conv2d_transpose(x, f, [1, 3, 3, 1], 1, "VALID").numpy()[0, :, :, 0].tolist()
      [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    """
    return transposed(
        "conv2d_transpose", 2, input, filters, output_shape, strides, padding, data_format,
        dilations,
    )  # fmt: skip


def conv3d_transpose(
    input: TensorLike,
    filters: TensorLike,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str | None = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """`conv_transpose` of [batch, depth, height, width, channels].

    Example:
      >>> x, f = nf.ones([1, 1, 1, 1, 1]), nf.ones([2, 2, 2, 1, 1])
      >>> nf.nn.conv3d_transpose(x, f, [1, 2, 2, 2, 1], 2).numpy().sum().item()
      8.0
    """
    return transposed(
        "conv3d_transpose", 3, input, filters, output_shape, strides, padding, data_format,
        dilations,
    )  # fmt: skip


def atrous_conv2d_transpose(
    value: TensorLike,
    filters: TensorLike,
    output_shape: Any,
    rate: Any,
    padding: Any,
    name: str | None = None,
) -> Tensor:
    """The transpose of `atrous_conv2d`: conv2d_transpose(..., strides=1, dilations=rate).

    Example:
      >>> x, f = nf.ones([1, 1, 2, 1]), nf.ones([1, 2, 1, 1])
      >>> y = nf.nn.atrous_conv2d_transpose(x, f, [1, 1, 5, 1], 3, "VALID")
      >>> y.numpy().ravel().tolist()
      [1.0, 1.0, 0.0, 1.0, 1.0]
    """
    op = "atrous_conv2d_transpose"
    rate = arguments.per_axis(op, "rate", rate, 2, False)
    return transposed(op, 2, value, filters, output_shape, 1, padding, "NHWC", rate, "value")


# --- what they share ---------------------------------------------------------------------------


def transposed(
    op: str, axes: int, input: TensorLike, filters: TensorLike, output_shape: Any, strides: Any,
    padding: Any, data_format: Any, dilations: Any, name: str = "input",
) -> Tensor:  # fmt: skip
    """conv_transpose for the public function `op`, of so many axes, and of an image so named."""
    dy, f = operands(op, input, filters, (name, "filters"))
    sizes = static_shape(output_shape, op, "output_shape")
    shown: dict[str, object] = {
        name: dy.spec, "filters": f.spec, "output_shape": list(sizes),
    }  # fmt: skip
    conv_api.axes_of(op, axes, f, shown)
    conv_api.check_dtype(op, dy, shown, axes < 3, name)
    if dy.spec.rank != axes + 2:
        problem = f"{name} has rank {dy.spec.rank}, {axes + 2} were wanted"
        raise ShapeError(explain(op, problem, shown))
    if len(sizes) != axes + 2:
        problem = f"output_shape has {len(sizes)} numbers, {axes + 2} were wanted"
        raise ShapeError(explain(op, problem, shown))
    second = arguments.channels_second(op, data_format, axes)
    image = tuple(sizes[2:] if second else sizes[1:-1])
    out = as_number(sizes[1 if second else -1], op)
    dy = arguments.channels_last(dy, second)
    *kernel, depth, columns = arguments.known_sizes(op, f.spec.shape)
    arguments.positive_filter(op, (*kernel, depth, columns), shown)
    if dy.spec.shape[-1] != columns:
        problem = f"{name} has {dy.spec.shape[-1]} channels, filters {columns}"
        raise ShapeError(explain(op, problem, shown))
    if out % depth or out == 0 or columns % (out // depth):
        problem = f"output_shape has {out} channels, which are no groups of the {depth} of filters"
        raise ShapeError(explain(op, problem, shown))
    shown |= {"strides": strides, "padding": padding, "dilations": dilations}
    g = arguments.geometry(
        op, image, kernel, strides, padding, dilations, second, shown, out // depth
    )
    arguments.bounded(op, sizes, shown)
    same_sizes(
        op, (sizes[0], *g.result(image, kernel)), dy.spec.shape[:-1], second, "output_shape", shown
    )
    dx = conv_api.computed(dy, f, lambda a, b: backward(a, b, g, image, out))
    return arguments.channels_back(dx, second)


def same_sizes(
    op: str, found: Sequence[Extent], given: Sequence[Extent], second: bool, name: str,
    shown: dict[str, object],
) -> None:  # fmt: skip
    """Refuse an image whose convolution has not the sizes that are given: batch, rows, ..."""
    for axis, (n, m) in enumerate(zip(found, given, strict=True)):
        if n == m or run_time(n) or run_time(m):
            continue
        a, b = as_number(n, op), as_number(m, op)
        if a != b:
            what = "batch" if axis == 0 else f"axis {axis + second}"
            problem = f"a convolution of {name} has {a} elements along {what}, not {b}"
            raise ShapeError(explain(op, problem, shown))


def backward(
    dy: Tensor, f: Tensor, g: Geometry, image: tuple[Extent, ...], channels: int
) -> Tensor:
    """The gradient by an image of so many channels, by the kernels that suit it."""
    if not conv_api.is_depthwise(g, channels):
        return convolutions.image_op(dy, f, image=image, **g.attrs)
    return depthwise_backward(dy, f, g, image)


def depthwise_backward(dy: Tensor, f: Tensor, g: Geometry, image: tuple[Extent, ...]) -> Tensor:
    """The gradient by the image for filters [*kernel, depth, groups * several]."""
    one = len(g.strides) == 1
    attrs = depthwise.geometry_attrs(depthwise.two_axes(g))
    dy, plane = (shaping.expand_dims(dy, 1), (1, *image)) if one else (dy, image)
    depth, columns = arguments.known_sizes("conv_transpose", f.spec.shape[-2:])
    parts = [
        depthwise.folded(
            depthwise.depthwise_image_op(dy, depthwise.plane_of(f, k), image=plane, **attrs),
            columns // g.groups,
        )
        for k in range(depth)
    ]
    dx = parts[0]
    if depth > 1:
        beside = joining.stack_tensors(parts, 4)
        dx = shaping.reshape_op(beside, shape=(*dx.spec.shape[:3], g.groups * depth))
    return shaping.squeeze(dx, 1) if one else dx
