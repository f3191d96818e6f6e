"""TensorFlow's poolings: max_pool, avg_pool, of one to three axes, pool, max_pool_with_argmax.

The arguments are read as those of convolutions are (conv_api_sizes.py); what is computed stands in
pooling.py, for floats of 32 and 64 bits: 16-bit floats go there as float32, integers of up to 32
bits as float64, which both hold them exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, UnimplementedError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import conv_api_sizes as arguments
from numflow.ops import creation, plain, pooling, power, slicing
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.pooling import Pool
from numflow.shapes import Dim, Extent, as_number

# --- the largest ---------------------------------------------------------------------------


def max_pool(
    input: TensorLike,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The largest element of a window of the image, channel by channel, for each of its places.

    y[b, i..., c] = max over u... of input[b, i s + u - p..., c]

    Args:
      input: real numbers [batch, *image, channels], of one to three axes of the image; with
        data_format "NC..." [batch, channels, *image].
      ksize: sizes of the window: one number, or one per axis of the image. One of channels
        ([1, 1, 1, k]) takes the largest of k neighbouring channels; strides must be the same.
      strides: steps of the window, written in the same way.
      padding: "SAME" (ceil(image / stride) places), "VALID" (the window stays in the image), or
        pairs [[0, 0], [top, bottom], ..., [0, 0]] in the order of data_format, each smaller than
        the window. What is beside the image counts as nothing.
      data_format: "NWC", "NHWC", "NDHWC" (the default), or "NCW", "NCHW", "NCDHW".

    Returns:
      [batch, *result, channels], dtype of input. A NaN is passed over, as in TensorFlow; of
      nothing else the largest is -inf. The gradient goes to the first of equal elements (in three
      axes too, where TensorFlow gives each of them all of it).

    Raises:
      ShapeError: the rank does not fit; a size, stride or padding is not possible; the window is
        larger than the padded image.
      DTypeError: input has no order.

    Example:
      >>> x = nf.reshape(nf.range(16.0), [1, 4, 4, 1])
      >>> nf.nn.max_pool(x, 2, 2, "VALID").numpy()[0, :, :, 0].tolist()
      [[5.0, 7.0], [13.0, 15.0]]
    """
    return _max_pool("max_pool", None, input, ksize, strides, padding, data_format)


def max_pool1d(
    input: TensorLike,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NWC",
    name: str | None = None,
) -> Tensor:
    """`max_pool` of [batch, width, channels].

    Example:
      >>> nf.nn.max_pool1d([[[1.0], [3.0], [2.0]]], 2, 1, "VALID").numpy().tolist()
      [[[3.0], [3.0]]]
    """
    return _max_pool("max_pool1d", 1, input, ksize, strides, padding, data_format)


def max_pool2d(
    input: TensorLike,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    name: str | None = None,
) -> Tensor:
    """`max_pool` of [batch, height, width, channels].

    Example:
      >>> x = nf.reshape(nf.range(9.0), [1, 3, 3, 1])
      >>> nf.nn.max_pool2d(x, 2, 2, "SAME").numpy()[0, :, :, 0].tolist()
      [[4.0, 5.0], [7.0, 8.0]]
    """
    return _max_pool("max_pool2d", 2, input, ksize, strides, padding, data_format)


def max_pool3d(
    input: TensorLike,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NDHWC",
    name: str | None = None,
) -> Tensor:
    """`max_pool` of [batch, depth, height, width, channels].

    Example:
      >>> x = nf.reshape(nf.range(8.0), [1, 2, 2, 2, 1])
      >>> nf.nn.max_pool3d(x, 2, 2, "VALID").numpy().item()
      7.0
    """
    return _max_pool("max_pool3d", 3, input, ksize, strides, padding, data_format)


def _max_pool(
    op: str, axes: int | None, input: TensorLike, ksize: Any, strides: Any, padding: Any,
    data_format: Any,
) -> Tensor:  # fmt: skip
    x, axes, second = _image(op, axes, input, data_format)
    _check_real(op, x)
    by_channel = _of_channels(op, x, axes, ksize, strides, second)
    if by_channel is not None:
        return _max_of_channels(op, x, by_channel, second)
    x = arguments.channels_last(x, second)
    g = _window(op, x, ksize, strides, padding, None, second)
    return arguments.channels_back(largest(x, g), second)


def largest(x: Tensor, g: Pool) -> Tensor:
    """The largest element of each window, whatever x's dtype."""
    if _is_long(x):
        found: Tensor = pooling.exact_op(x, **g.attrs)[0]
        return found
    return maths.cast(pooling.max_op(_wide(x), **g.attrs), x.dtype)


def _is_long(x: Tensor) -> bool:
    return x.dtype.is_integer and x.dtype.size == 8


def _wide(x: Tensor) -> Tensor:
    """x in a dtype that the kernels know, and that holds its numbers."""
    if x.dtype.is_integer:
        return maths.cast(x, dtypes.float64)
    return maths.cast(x, dtypes.float32) if x.dtype.size == 2 else x


# --- the largest of neighbouring channels --------------------------------------------------------


def _of_channels(
    op: str, x: Tensor, axes: int, ksize: Any, strides: Any, second: bool
) -> int | None:
    """How many channels a window takes together; None: one, as usual."""
    given = static_ints(ksize, op, "ksize")
    if len(given) != axes + 2 or given[1 if second else -1] == 1:
        return None
    count = as_number(given[1 if second else -1], op)
    steps = static_ints(strides, op, "strides")
    shown = {"input": x.spec, "ksize": list(given), "strides": list(steps)}
    if any(n != 1 for k, n in enumerate(given) if k != (1 if second else axes + 1)):
        problem = "the window is either over the image or over channels"
        raise UnimplementedError(explain(op, problem, shown))
    channels = as_number(x.spec.shape[1 if second else -1], op)
    if count < 1 or len(steps) != axes + 2 or tuple(steps) != tuple(given) or channels % count:
        problem = "a window over channels has its own size as stride, and divides the channels"
        raise UnimplementedError(explain(op, problem, shown))
    return count


def _max_of_channels(op: str, x: Tensor, count: int, second: bool) -> Tensor:
    """The largest of `count` neighbouring channels."""
    x = arguments.channels_last(x, second)
    shape, channels = x.spec.shape, as_number(x.spec.shape[-1], op)
    rows = shaping.reshape(x, (-1, channels, 1))
    g = Pool((count,), (count,), ((0, 0),), (1,))
    y = shaping.reshape(largest(rows, g), (*shape[:-1], channels // count))
    return arguments.channels_back(y, second)


# --- where the largest are ------------------------------------------------------------------------


def max_pool_with_argmax(
    input: TensorLike,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    output_dtype: Any = dtypes.int64,
    include_batch_in_index: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """`max_pool2d`, and where in the image its elements come from.

    Args:
      input: real numbers [batch, height, width, channels].
      ksize, strides, padding: as for max_pool.
      data_format: "NHWC".
      output_dtype: int64 or int32.
      include_batch_in_index: count images too.

    Returns:
      (y, index), both [batch, *result, channels]. index is (row * width + column) * channels +
      channel; with include_batch_in_index that of the image * height is added to the row.

    Raises:
      ShapeError: as max_pool; another data_format.
      DTypeError: input has no order; output_dtype is neither int64 nor int32.

    Example:
      >>> x = nf.reshape(nf.range(16.0), [1, 4, 4, 1])
      >>> nf.nn.max_pool_with_argmax(x, 2, 2, "VALID")[1].numpy().ravel().tolist()
      [5, 7, 13, 15]
    """
    op = "max_pool_with_argmax"
    if not isinstance(data_format, str) or data_format != "NHWC":
        raise ShapeError(explain(op, f"data_format is {data_format!r}, which must be 'NHWC'"))
    want = dtypes.as_dtype(output_dtype)
    if want not in (dtypes.int64, dtypes.int32):
        raise DTypeError(explain(op, f"output_dtype is {want.name}, neither int64 nor int32"))
    x, _, _ = _image(op, 2, input, data_format)
    _check_real(op, x)
    g = _window(op, x, ksize, strides, padding, None, False)
    y, place = (pooling.exact_op if _is_long(x) else pooling.places_op)(
        x if _is_long(x) else _wide(x), **g.attrs
    )
    index = _flat_index(maths.cast(place, dtypes.int64), g, x, include_batch_in_index)
    return maths.cast(y, x.dtype), maths.cast(index, want)


def _flat_index(place: Tensor, g: Pool, x: Tensor, batch: bool) -> Tensor:
    """Of the pixels that places name, in images laid out row by row."""

    def along(axis: int) -> Tensor:
        return creation.iota(place.spec.shape, axis, dtypes.int64)

    def size(axis: int) -> Tensor:
        return shaping.size_tensor(x.spec.shape[axis], dtypes.int64)

    columns = as_tensor(g.kernel[1], dtypes.int64)
    tap_row = power.floordiv_op(place, columns)
    tap_column = place - tap_row * columns
    top, left = (shaping.size_tensor(before, dtypes.int64) for before, _ in g.padding)
    row = along(1) * g.strides[0] - top + tap_row * g.dilations[0]
    column = along(2) * g.strides[1] - left + tap_column * g.dilations[1]
    if plain.flag(batch, "max_pool_with_argmax", "include_batch_in_index"):
        row = row + along(0) * size(1)
    return (row * size(2) + column) * size(3) + along(3)


# --- means ------------------------------------------------------------------------------------


def avg_pool(
    input: TensorLike,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The mean of a window of the image, channel by channel, for each of its places.

    Args:
      input: floating [batch, *image, channels], of one to three axes of the image; with
        data_format "NC..." [batch, channels, *image].
      ksize, strides, padding, data_format: as for max_pool. What is beside the image is not
        counted.

    Returns:
      [batch, *result, channels], dtype of input; 16-bit floats are summed in float32.

    Raises:
      ShapeError: as max_pool.
      DTypeError: input is not floating.

    Example:
      >>> x = nf.reshape(nf.range(16.0), [1, 4, 4, 1])
      >>> nf.nn.avg_pool(x, 2, 2, "VALID").numpy()[0, :, :, 0].tolist()
      [[2.5, 4.5], [10.5, 12.5]]
    """
    return _avg_pool("avg_pool", None, input, ksize, strides, padding, data_format)


def avg_pool1d(
    input: TensorLike,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NWC",
    name: str | None = None,
) -> Tensor:
    """`avg_pool` of [batch, width, channels].

    Example:
      >>> nf.nn.avg_pool1d([[[1.0], [3.0], [2.0]]], 2, 2, "SAME").numpy().tolist()
      [[[2.0], [2.0]]]
    """
    return _avg_pool("avg_pool1d", 1, input, ksize, strides, padding, data_format)


def avg_pool2d(
    input: TensorLike,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    name: str | None = None,
) -> Tensor:
    """`avg_pool` of [batch, height, width, channels].

    Example:
      >>> x = nf.reshape(nf.range(9.0), [1, 3, 3, 1])
      >>> nf.nn.avg_pool2d(x, 2, 2, "SAME").numpy()[0, :, :, 0].tolist()
      [[2.0, 3.5], [6.5, 8.0]]
    """
    return _avg_pool("avg_pool2d", 2, input, ksize, strides, padding, data_format)


def avg_pool3d(
    input: TensorLike,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NDHWC",
    name: str | None = None,
) -> Tensor:
    """`avg_pool` of [batch, depth, height, width, channels].

    Example:
      >>> x = nf.reshape(nf.range(8.0), [1, 2, 2, 2, 1])
      >>> nf.nn.avg_pool3d(x, 2, 2, "VALID").numpy().item()
      3.5
    """
    return _avg_pool("avg_pool3d", 3, input, ksize, strides, padding, data_format)


def _avg_pool(
    op: str, axes: int | None, input: TensorLike, ksize: Any, strides: Any, padding: Any,
    data_format: Any, dilations: Any = None, name: str = "ksize",
) -> Tensor:  # fmt: skip
    x, axes, second = _image(op, axes, input, data_format)
    if not x.dtype.is_floating:
        problem = f"input is {x.dtype.name}, not floating"
        raise DTypeError(explain(op, problem, {"input": x.spec}, fix="nf.cast(x, nf.float32)"))
    x = arguments.channels_last(x, second)
    g = _window(op, x, ksize, strides, padding, dilations, second, name)
    y = maths.cast(pooling.mean_op(_wide(x), **g.attrs), x.dtype)
    return arguments.channels_back(y, second)


# --- either ------------------------------------------------------------------------------------


def pool(
    input: TensorLike,
    window_shape: Any,
    pooling_type: str,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """`max_pool` or `avg_pool`, with windows that may have gaps.

    Args:
      input: [batch, *image, channels], with as many axes of the image as window_shape has numbers.
      window_shape: sizes of the window, one per axis.
      pooling_type: "MAX" or "AVG".
      strides: steps of the window, default 1.
      padding: as for max_pool.
      data_format: as for max_pool.
      dilations: from one element that the window sees to the next, default 1.

    Raises:
      ShapeError: as max_pool; strides and dilations that are both not 1.
      ValueError: another pooling_type.

    Example:
      >>> x = nf.reshape(nf.range(6.0), [1, 6, 1])
      >>> nf.nn.pool(x, [2], "MAX", dilations=[3]).numpy().ravel().tolist()
      [3.0, 4.0, 5.0]
    """
    sizes = static_ints(window_shape, "pool", "window_shape")
    axes = len(sizes)
    shown = {"window_shape": list(sizes)}
    if axes not in (1, 2, 3):
        raise ShapeError(explain("pool", f"window_shape has {axes} numbers, not 1 to 3", shown))
    if not isinstance(pooling_type, str) or pooling_type not in ("MAX", "AVG"):
        raise ShapeError(explain("pool", f"no pooling_type {pooling_type!r}", fix='"MAX" or "AVG"'))
    second = arguments.channels_second("pool", data_format, axes)
    steps = arguments.per_axis("pool", "strides", strides, axes, second)
    gaps = arguments.per_axis("pool", "dilations", dilations, axes, second)
    if any(n > 1 for n in steps) and any(n > 1 for n in gaps):
        shown |= {"strides": list(steps), "dilations": list(gaps)}
        raise ShapeError(explain("pool", "strides and dilations are both not 1", shown))
    if pooling_type == "AVG":
        return _avg_pool(
            "pool", axes, input, sizes, steps, padding, data_format, gaps, "window_shape"
        )
    x, _, _ = _image("pool", axes, input, data_format)
    _check_real("pool", x)
    x = arguments.channels_last(x, second)
    g = _window("pool", x, sizes, steps, padding, gaps, second, "window_shape")
    return arguments.channels_back(largest(x, g), second)


# --- arguments ----------------------------------------------------------------------------------


def _image(
    op: str, axes: int | None, input: TensorLike, data_format: Any
) -> tuple[Tensor, int, bool]:
    """(input, how many axes the image has, whether channels come second)."""
    x = as_tensor(input, None, op, "input")
    found = x.spec.rank - 2
    if found not in (1, 2, 3) if axes is None else found != axes:
        wanted = "3, 4 or 5" if axes is None else str(axes + 2)
        problem = f"input has rank {x.spec.rank}: {wanted} was wanted"
        raise ShapeError(explain(op, problem, {"input": x.spec}))
    return x, found, arguments.channels_second(op, data_format, found)


def _check_real(op: str, x: Tensor) -> None:
    if not (x.dtype.is_floating or x.dtype.is_integer):
        problem = f"input is {x.dtype.name}: a real number was wanted"
        raise DTypeError(explain(op, problem, {"input": x.spec}))


def _window(
    op: str, x: Tensor, ksize: Any, strides: Any, padding: Any, dilations: Any, second: bool,
    name: str = "ksize",
) -> Pool:  # fmt: skip
    """The window over x, whose channels are last by now; name: of its sizes, for messages.

    Raises:
      ShapeError: see `max_pool`.
      ResourceExhaustedError: the result is beyond any memory.
    """
    image: Sequence[Extent] = x.spec.shape[1:-1]
    axes = len(image)
    shown = {"input": x.spec, name: ksize, "strides": strides, "padding": padding}
    kernel = arguments.per_axis(op, name, ksize, axes, second)
    steps = arguments.per_axis(op, "strides", strides, axes, second)
    gaps = arguments.per_axis(op, "dilations", dilations, axes, second)
    pads = arguments.paddings(op, padding, image, kernel, steps, gaps, second, shown)
    g = Pool(kernel, steps, pads, gaps)
    if g.taps > arguments.MOST:
        raise ShapeError(explain(op, f"the window has {g.taps} elements, too many", shown))
    explicit = not isinstance(padding, str)
    for axis, (n, k, d, pair) in enumerate(zip(image, kernel, gaps, pads, strict=True)):
        reach = (k - 1) * d + 1
        most = max(arguments.known_sizes(op, pair)) if explicit else 0
        if most >= reach:
            problem = f"padding {most} of axis {axis} is not smaller than the window, {reach}"
            raise ShapeError(explain(op, problem, shown))
        if isinstance(n, Dim):
            if (explicit or padding.upper() == "VALID") and arguments.all_of(pair) < reach - 1:
                slicing.at_least(x, axis + 1, reach - arguments.all_of(pair))
        elif 0 < n < reach - arguments.all_of(pair):
            problem = f"the window reaches over {reach} elements of axis {axis} of the image,"
            problem += f" which has {n}" + f" and {sum(pair)} beside it" * any(pair)
            raise ShapeError(explain(op, problem, shown, fix='padding="SAME"'))
    result = g.result(image)
    if any(isinstance(n, int) and n < 0 for n in result):
        problem = f"the result would have sizes {list(result)}: the window is too large"
        raise ShapeError(explain(op, problem, shown))
    arguments.bounded(op, [x.spec.shape[0], *result, x.spec.shape[-1]], shown)
    return g
