"""TensorFlow's convolutions: convolution, conv1d, conv2d, conv3d, atrous_conv2d.

The arguments are read by conv_api_sizes.py; what is computed is `conv_op` (convolution.py), or
`depthwise_op` (depthwise.py) where a group has one channel. The transposes stand in
conv_api_transpose.py, the depthwise ones in conv_api_depthwise.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import conv_api_sizes as arguments
from numflow.ops import convolution as convolutions
from numflow.ops import depthwise, power
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import operands
from numflow.ops.convolution_rules import Geometry
from numflow.ops.precision import single

Product = Callable[[Tensor, Tensor], Tensor]


def convolution(
    input: TensorLike,
    filters: TensorLike,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Sums of products of a window of the image with filters, for each place of the window.

    y[b, i..., o] = sum over u..., c of input[b, i s + u d - p..., c] filters[u..., c, o]

    Args:
      input: floating (or int32) [*batch, *image, channels], of one to three axes of the image;
        with data_format "NC..." [*batch, channels, *image]. At least one axis of batch.
      filters: [*kernel, channels / groups, out]; how many groups there are follows from it.
      strides: steps of the window: one number, or one per axis of the image.
      padding: "SAME" (as many results as ceil(image / stride)), "VALID" (no zeros), or pairs of
        zeros [[0, 0], [top, bottom], ..., [0, 0]] in the order of data_format.
      data_format: "NWC", "NHWC", "NDHWC" (the default), or "NCW", "NCHW", "NCDHW".
      dilations: from one element that the window reads to the next.

    Returns:
      [*batch, *result, out], dtype of input; float16 and bfloat16 are summed in float32.

    NaN and infinity in the filters: eagerly what lies over padding is not multiplied. Compiled it
    may be, with the padding's 0, and is NaN then: rows beside the image are left out, columns
    beside it are not, and Winograd's kernels (3x3 and 5x5, of many channels) spread NaN over a
    tile. So what is NaN eagerly is NaN compiled, and places whose window is inside of the image
    agree but for those tiles. The same holds for a gradient by the filters whose cotangent is not
    finite. TensorFlow's own paths differ in the same way.

    Raises:
      ShapeError: ranks, channels or groups do not fit; strides, dilations or padding are not
        possible; the window is larger than the padded image.
      DTypeError: the dtypes differ, or it is none that is convolved.

    Example:
      >>> nf.nn.convolution([[[1.0], [2.0], [3.0], [4.0]]], [[[1.0]], [[10.0]]]).numpy()[0, :, 0]
      array([21., 32., 43.], dtype=float32)
    """
    return _convolve("convolution", None, input, filters, strides, padding, data_format, dilations)


def conv1d(
    input: TensorLike,
    filters: TensorLike,
    stride: Any,
    padding: Any,
    data_format: str | None = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """`convolution` of images [*batch, width, channels] with filters [width, channels, out].

    Example:
      >>> nf.nn.conv1d([[[1.0], [2.0], [3.0]]], [[[2.0]]], 2, "SAME").numpy().tolist()
      [[[2.0], [6.0]]]
    """
    return _convolve("conv1d", 1, input, filters, stride, padding, data_format, dilations)


def conv2d(
    input: TensorLike,
    filters: TensorLike,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """`convolution` of [*batch, height, width, channels] with [height, width, channels, out].

    Example:
      >>> x = nf.reshape(nf.range(9.0), [1, 3, 3, 1])
      >>> nf.nn.conv2d(x, nf.ones([2, 2, 1, 1]), 1, "VALID").numpy()[0, :, :, 0].tolist()
      [[8.0, 12.0], [20.0, 24.0]]
    """
    return _convolve("conv2d", 2, input, filters, strides, padding, data_format, dilations)


def conv3d(
    input: TensorLike,
    filters: TensorLike,
    strides: Any,
    padding: Any,
    data_format: str | None = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """`convolution` of images of three axes: [*batch, depth, height, width, channels].

    Example:
      >>> x, f = nf.ones([1, 2, 2, 2, 1]), nf.ones([2, 2, 2, 1, 1])
      >>> nf.nn.conv3d(x, f, 1, "VALID").numpy().item()
      8.0
    """
    return _convolve("conv3d", 3, input, filters, strides, padding, data_format, dilations)


def atrous_conv2d(
    value: TensorLike,
    filters: TensorLike,
    rate: Any,
    padding: Any,
    name: str | None = None,
) -> Tensor:
    """`conv2d` whose window reads every rate-th pixel: conv2d(value, filters, 1, dilations=rate).

    Example:
      >>> x = nf.reshape(nf.range(5.0), [1, 1, 5, 1])
      >>> nf.nn.atrous_conv2d(x, nf.ones([1, 2, 1, 1]), 3, "VALID").numpy().ravel().tolist()
      [3.0, 5.0]
    """
    rate = arguments.per_axis("atrous_conv2d", "rate", rate, 2, False)
    return _convolve("atrous_conv2d", 2, value, filters, 1, padding, "NHWC", rate, "value")


# --- what they share ---------------------------------------------------------------------------


def _convolve(
    op: str, axes: int | None, input: TensorLike, filters: TensorLike, strides: Any, padding: Any,
    data_format: Any, dilations: Any, name: str = "input",
) -> Tensor:  # fmt: skip
    """name: of the image, for messages."""
    x, f = operands(op, input, filters, (name, "filters"))
    shown: dict[str, object] = {name: x.spec, "filters": f.spec}
    axes = axes_of(op, axes, f, shown)
    check_dtype(op, x, shown, axes < 3, name)
    second = arguments.channels_second(op, data_format, axes)
    x, batch = arguments.one_batch(op, x, axes, shown, name)
    x = arguments.channels_last(x, second)
    *kernel, depth, columns = arguments.known_sizes(op, f.spec.shape)
    arguments.positive_filter(op, (*kernel, depth, columns), shown)
    (channels,) = arguments.known_sizes(op, x.spec.shape[-1:])
    groups = groups_of(op, channels, depth, columns, shown, name)
    image = x.spec.shape[1:-1]
    shown |= {"strides": strides, "padding": padding, "dilations": dilations}
    g = arguments.geometry(op, image, kernel, strides, padding, dilations, second, shown, groups, x)
    arguments.bounded(op, [x.spec.shape[0], *g.result(image, kernel), columns], shown)
    y = computed(x, f, lambda a, b: forward(a, b, g, channels))
    return arguments.batch_back(arguments.channels_back(y, second), batch)


def axes_of(op: str, axes: int | None, f: Tensor, shown: dict[str, object]) -> int:
    """How many axes the window has.

    Raises:
      ShapeError: the filters' rank says something else.
    """
    found = f.spec.rank - 2
    if found not in (1, 2, 3) if axes is None else found != axes:
        wanted = "3 to 5" if axes is None else str(axes + 2)
        problem = f"filters has rank {f.spec.rank}: {wanted} were wanted"
        raise ShapeError(explain(op, problem, shown))
    return found


def check_dtype(
    op: str, x: Tensor, shown: dict[str, object], integers: bool = False, name: str = "input"
) -> None:
    """Refuse what is not convolved.

    Raises:
      DTypeError: x is not floating (int32 is taken where `integers`).
    """
    if not (x.dtype.is_floating or (integers and x.dtype is dtypes.int32)):
        also = " or int32" if integers else ""
        problem = f"{name} is {x.dtype.name}: a floating dtype{also} was wanted"
        raise DTypeError(explain(op, problem, shown, fix="nf.cast(x, nf.float32)"))


def groups_of(
    op: str, channels: int, depth: int, columns: int, shown: dict[str, object], name: str = "input"
) -> int:
    """How many groups of channels do not see each other.

    Raises:
      ShapeError: the channels, or the filters, are no whole groups.
    """
    if channels % depth or channels == 0:
        problem = f"{name} has {channels} channels, which are no groups of the {depth} of filters"
        raise ShapeError(explain(op, problem, shown))
    groups = channels // depth
    if columns % groups:
        problem = f"{columns} filters are not dealt out to {groups} groups"
        raise ShapeError(explain(op, problem, shown))
    return groups


def forward(x: Tensor, f: Tensor, g: Geometry, channels: int) -> Tensor:
    """The convolution of so many channels, by the kernels that suit it."""
    if is_depthwise(g, channels):
        return depthwise_forward(x, f, g)
    return convolutions.conv_op(x, f, **g.attrs)


MOST_DEPTH = 2
"""Groups of so many channels go through the depthwise kernels, channel by channel: with 2 to 2
channels 1.5 to 4 times as fast as the direct ones, forward and backward; with 3 no longer."""


def is_depthwise(g: Geometry, channels: int) -> bool:
    """Whether groups have so few channels that the depthwise kernels, of two axes, take them."""
    return 1 < g.groups and channels <= MOST_DEPTH * g.groups and len(g.strides) <= 2


def depthwise_forward(x: Tensor, f: Tensor, g: Geometry) -> Tensor:
    """The convolution by filters [*kernel, depth, groups * several]; of one axis, or of two."""
    one = len(g.strides) == 1
    attrs = depthwise.geometry_attrs(depthwise.two_axes(g))
    x = shaping.expand_dims(x, 1) if one else x
    depth, columns = arguments.known_sizes("convolution", f.spec.shape[-2:])
    y: Tensor | None = None
    for k in range(depth):
        channel = depthwise.several(depthwise.channels_of(x, k, depth), columns // g.groups)
        part = depthwise.depthwise_op(channel, depthwise.plane_of(f, k), **attrs)
        y = part if y is None else maths.add_op(y, part)
    assert y is not None  # a filter has elements
    return shaping.squeeze(y, 1) if one else y


def computed(x: Tensor, f: Tensor, run: Product) -> Tensor:
    """run(x, f) in x's dtype: 16-bit floats are summed in float32, integers without rounding."""
    if x.dtype.is_integer:
        return _integers(x, f, run)
    return maths.cast(run(single(x), single(f)), x.dtype)


def _integers(x: Tensor, f: Tensor, run: Product) -> Tensor:
    """int32 products modulo 2^32, of halves that float64 multiplies and adds without rounding.

    x f = x_low f_low + 2^16 (x_high f_low + x_low f_high), but for multiples of 2^32; each sum
    stays below 2^53 while less than 2^21 products are added.
    """
    (x_low, x_high), (f_low, f_high) = _halves(x), _halves(f)
    low = maths.cast(run(x_low, f_low), dtypes.int64)
    high = maths.cast(run(x_high, f_low), dtypes.int64) + maths.cast(
        run(x_low, f_high), dtypes.int64
    )
    return maths.cast(low + high * 65536, dtypes.int32)


def _halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """(x mod 2^16, x // 2^16) as float64."""
    wide = maths.cast(x, dtypes.float64)
    high = power.floor(wide / 65536.0)
    return wide - high * 65536.0, high
