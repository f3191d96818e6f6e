"""Blocks of pixels moved into the batch or into channels, and back.

    space_to_batch   [b, r h, c w, ...]  ->  [r c b, h, w, ...]     batch_to_space, its inverse
    space_to_depth   [b, r h, r w, c]    ->  [b, h, w, r r c]       depth_to_space, its inverse

All are a reshape, a transpose and a reshape; compiled, one copy at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numflow.errors import ShapeError, UnimplementedError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import conv_api_sizes as arguments
from numflow.ops import plain, rearrange, slicing
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int, static_ints
from numflow.shapes import Extent, as_number, divide, product

Pairs = tuple[tuple[int, int], ...]

# --- batch ---------------------------------------------------------------------------------------


def space_to_batch(
    input: TensorLike, block_shape: Any, paddings: Any, name: str | None = None
) -> Tensor:
    """Each pixel of a block in an image of its own: what a dilated window reads becomes dense.

    Args:
      input: [batch, *space, ...], any dtype, of at least as many axes of space as blocks.
      block_shape: sizes of a block, one per axis of space, positive.
      paddings: [axes, 2] zeros in front and behind; blocks must fill what is padded.

    Returns:
      [batch * product(block_shape), *padded / block_shape, ...].

    Raises:
      ShapeError: ranks or lengths do not fit, a number is not possible, blocks do not fill.

    Example:
      >>> x = nf.constant([[[1], [2], [3]]])
      >>> nf.space_to_batch(x, [2], [[0, 1]]).numpy().tolist()
      [[[1], [3]], [[2], [0]]]
    """
    return _to_batch("space_to_batch", input, block_shape, paddings)


def space_to_batch_nd(
    input: TensorLike, block_shape: Any, paddings: Any, name: str | None = None
) -> Tensor:
    """`space_to_batch` by its older name.

    Example:
      >>> nf.space_to_batch_nd(nf.ones([1, 4, 6, 3]), [2, 3], [[0, 0], [0, 0]]).shape
      TensorShape([6, 2, 2, 3])
    """
    return _to_batch("space_to_batch_nd", input, block_shape, paddings)


def batch_to_space(
    input: TensorLike, block_shape: Any, crops: Any, name: str | None = None
) -> Tensor:
    """What `space_to_batch` undoes: images put together, then cropped.

    Args:
      input: [batch * product(block_shape), *space, ...], any dtype.
      block_shape: sizes of a block, one per axis of space; one number: of two axes.
      crops: [axes, 2] pixels to leave out in front and behind.

    Raises:
      ShapeError: ranks or lengths do not fit, the batch does not divide, crops are too large.

    Example:
      >>> x = nf.constant([[[1], [3]], [[2], [0]]])
      >>> nf.batch_to_space(x, [2], [[0, 1]]).numpy().tolist()
      [[[1], [2], [3]]]
    """
    op = "batch_to_space"
    x = as_tensor(input, None, op, "input")
    block = _block(op, block_shape)
    if isinstance(block_shape, int) and not isinstance(block_shape, bool):
        block *= 2
    cut = _pairs(op, "crops", crops, block, x)
    shown = {"input": x.spec, "block_shape": list(block), "crops": [list(p) for p in cut]}
    batch, space, rest = _axes(x, block)
    parts = _quotient(op, batch, product(block), "the batch", shown)
    axes = len(block)
    apart = shaping.reshape_op(x, shape=(*block, parts, *space, *rest))
    pixels = [k for axis in range(axes) for k in (axes + 1 + axis, axis)]
    perm = (axes, *pixels, *range(2 * axes + 1, 2 * axes + 1 + len(rest)))
    joined = tuple(n * b for n, b in zip(space, block, strict=True))
    y = shaping.reshape_op(shaping.transpose(apart, perm), shape=(parts, *joined, *rest))
    if not any(map(any, cut)):
        return y
    left = [n - sum(p) for n, p in zip(joined, cut, strict=True)]
    for axis, n in enumerate(left):
        if as_number(n, op) < 0:
            problem = f"crops leave {n} pixels of axis {axis + 1}"
            raise ShapeError(explain(op, problem, shown))
    begin = (0, *(p[0] for p in cut), *(0 for _ in rest))
    ones = (1,) * len(begin)
    return slicing.slice_op(y, begin=begin, stride=ones, shape=(parts, *left, *rest))


def _to_batch(op: str, input: TensorLike, block_shape: Any, paddings: Any) -> Tensor:
    x = as_tensor(input, None, op, "input")
    block = _block(op, block_shape)
    pads = _pairs(op, "paddings", paddings, block, x)
    shown = {"input": x.spec, "block_shape": list(block), "paddings": [list(p) for p in pads]}
    if any(map(any, pads)):
        arguments.bounded(op, [*x.spec.shape, *(1 + sum(p) for p in pads)], shown)
        x = rearrange.pad(x, [(0, 0), *pads, *[(0, 0)] * (x.spec.rank - 1 - len(block))])
    batch, space, rest = _axes(x, block)
    axes = len(block)
    parts = [
        _quotient(op, n, b, f"axis {k + 1}, padded,", shown)
        for k, (n, b) in enumerate(zip(space, block, strict=True))
    ]
    pixels = [n for pair in zip(parts, block, strict=True) for n in pair]
    apart = shaping.reshape_op(x, shape=(batch, *pixels, *rest))
    perm = (
        *range(2, 2 * axes + 1, 2), 0, *range(1, 2 * axes + 1, 2),
        *range(2 * axes + 1, 2 * axes + 1 + len(rest)),
    )  # fmt: skip
    turned = shaping.transpose(apart, perm)
    return shaping.reshape_op(turned, shape=(batch * product(block), *parts, *rest))


def _block(op: str, block_shape: Any) -> tuple[int, ...]:
    block = tuple(as_number(n, op) for n in static_ints(block_shape, op, "block_shape"))
    if not block or not all(1 <= n <= arguments.MOST for n in block):
        problem = "block_shape must be positive numbers"
        raise ShapeError(explain(op, problem, {"block_shape": list(block)}))
    return block


def _pairs(op: str, name: str, value: Any, block: Sequence[int], x: Tensor) -> Pairs:
    """[axes, 2] numbers that are not negative, for as many axes as there are blocks."""
    given = as_tensor(value, None, op, name).spec.shape if not isinstance(value, Tensor) else None
    flat = tuple(as_number(n, op) for n in static_ints(_flat(value), op, name))
    given = value.spec.shape if isinstance(value, Tensor) else given
    shown = {"input": x.spec, "block_shape": list(block), name: list(flat)}
    if given != (len(block), 2):
        raise ShapeError(explain(op, f"{name} must be [{len(block)}, 2]", shown))
    if x.spec.rank < len(block) + 1:
        problem = f"input has rank {x.spec.rank}: at least {len(block) + 1} were wanted"
        raise ShapeError(explain(op, problem, shown))
    if not all(0 <= n <= arguments.MOST for n in flat):
        raise ShapeError(explain(op, f"{name} must be from 0 to {arguments.MOST}", shown))
    return tuple((flat[2 * k], flat[2 * k + 1]) for k in range(len(block)))


def _flat(value: Any) -> Any:
    """Nested lists as one."""
    if isinstance(value, list | tuple):
        return [n for v in value for n in (_flat(v) if isinstance(v, list | tuple) else [v])]
    return value


def _axes(x: Tensor, block: Sequence[int]) -> tuple[Any, tuple[Extent, ...], tuple[Extent, ...]]:
    shape = x.spec.shape
    return shape[0], tuple(shape[1 : len(block) + 1]), tuple(shape[len(block) + 1 :])


def _quotient(op: str, n: Extent, by: Extent, what: str, shown: dict[str, Any]) -> Extent:
    found = divide(n, by)
    if found is None:
        number, divisor = as_number(n, op), as_number(by, op)
        if number % divisor:
            problem = f"{what} has {number} elements, which {divisor} does not divide"
            raise ShapeError(explain(op, problem, shown))
        found = number // divisor
    return found


def with_space_to_batch(
    input: TensorLike,
    dilation_rate: Any,
    padding: str,
    op: Callable[..., Any],
    filter_shape: Any = None,
    spatial_dims: Any = None,
    data_format: str | None = None,
) -> Any:
    """op, made dilated: run on `space_to_batch` of the input, and put together again.

    Args:
      input: [batch, ...].
      dilation_rate: one positive number per axis of space.
      padding: "SAME" or "VALID", as if op were dilated.
      op: op(input, number of axes of space, padding), of stride 1.
      filter_shape: sizes of op's window; for "SAME".
      spatial_dims: the axes of space, rising; default 1, 2..., or 2, 3... of "NC...".

    Raises:
      ShapeError: numbers are not possible or do not fit.
      ValueError: "SAME" without filter_shape.

    Example:
      >>> x, f = nf.ones([1, 5, 5, 1]), nf.ones([2, 2, 1, 1])
      >>> dense = lambda x, axes, padding: nf.nn.conv2d(x, f, 1, padding)
      >>> nf.nn.with_space_to_batch(x, [2, 2], "VALID", dense).shape
      TensorShape([1, 3, 3, 1])
    """
    name = "with_space_to_batch"
    x = as_tensor(input, None, name, "input")
    rates = tuple(as_number(n, name) for n in static_ints(dilation_rate, name, "dilation_rate"))
    shown: dict[str, Any] = {"input": x.spec, "dilation_rate": list(rates)}
    if not rates or not all(1 <= n <= arguments.MOST for n in rates):
        raise ShapeError(explain(name, "dilation_rate must be positive numbers", shown))
    first = 1
    if data_format is not None and plain.word(data_format, name, "data_format").startswith("NC"):
        first = 2
    dims = tuple(range(first, first + len(rates)))
    if spatial_dims is not None:
        dims = tuple(as_number(n, name) for n in static_ints(spatial_dims, name, "spatial_dims"))
    if len(dims) != len(rates) or list(dims) != sorted(set(dims)) or dims[0] < 1:
        problem = "spatial_dims must be positive and rise, one for each number of dilation_rate"
        raise ShapeError(explain(name, problem, {**shown, "spatial_dims": list(dims)}))
    if dims[-1] >= x.spec.rank:
        problem = f"input has rank {x.spec.rank}: at least {dims[-1] + 1} were wanted"
        raise ShapeError(explain(name, problem, shown))
    if all(n == 1 for n in rates):
        return op(x, len(rates), padding)
    kind = plain.word(padding, name, "padding").upper()
    if kind not in ("SAME", "VALID"):
        raise ValueError(explain(name, f"no padding {padding!r}", shown, fix='"SAME" or "VALID"'))
    reach = [0] * len(rates)  # beyond the first element of the window
    if kind == "SAME":
        if filter_shape is None:
            raise ValueError(explain(name, "padding SAME needs filter_shape", shown))
        window = arguments.per_axis(name, "filter_shape", filter_shape, len(rates), False)
        reach = [(k - 1) * n for k, n in zip(window, rates, strict=True)]
    block, pads, crops = [1] * dims[-1], [(0, 0)] * dims[-1], [(0, 0)] * dims[-1]
    for axis, n, extra in zip(dims, rates, reach, strict=True):
        size = as_number(x.spec.shape[axis], name)
        more = -(size + extra) % n
        block[axis - 1] = n
        pads[axis - 1] = (extra // 2, extra - extra // 2 + more)
        crops[axis - 1] = (0, more)
    dense = op(space_to_batch(x, block, pads), len(rates), "VALID")
    return batch_to_space(dense, block, crops)


# --- channels ------------------------------------------------------------------------------------


def space_to_depth(
    input: TensorLike, block_size: Any, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """Blocks of pixels as channels: [batch, r h, r w, c] -> [batch, h, w, r r c].

    Args:
      input: [batch, height, width, channels], any dtype; "NCHW": [batch, channels, height, width].
      block_size: r, at least 2.

    Raises:
      ShapeError: input has not rank 4; blocks do not fill it; block_size is below 2.

    Example:
      >>> x = nf.constant([[[[1], [2]], [[3], [4]]]])
      >>> nf.nn.space_to_depth(x, 2).numpy().tolist()
      [[[[1, 2, 3, 4]]]]
    """
    op = "space_to_depth"
    x, size, second, shown = _image(op, input, block_size, data_format)
    batch, rows, columns, channels = x.spec.shape
    h = _quotient(op, rows, size, "the height", shown)
    w = _quotient(op, columns, size, "the width", shown)
    apart = shaping.reshape_op(x, shape=(batch, h, size, w, size, channels))
    turned = shaping.transpose(apart, (0, 1, 3, 2, 4, 5))
    y = shaping.reshape_op(turned, shape=(batch, h, w, channels * (size * size)))
    return arguments.channels_back(y, second)


def depth_to_space(
    input: TensorLike, block_size: Any, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """Channels as blocks of pixels: [batch, h, w, r r c] -> [batch, r h, r w, c].

    Args:
      input: [batch, height, width, channels], any dtype; "NCHW": [batch, channels, height, width].
      block_size: r, at least 2.

    Raises:
      ShapeError: input has not rank 4; its channels do not divide; block_size is below 2.

    Example:
      >>> nf.nn.depth_to_space([[[[1, 2, 3, 4]]]], 2).numpy().tolist()
      [[[[1], [2]], [[3], [4]]]]
    """
    op = "depth_to_space"
    x, size, second, shown = _image(op, input, block_size, data_format)
    batch, rows, columns, channels = x.spec.shape
    c = _quotient(op, channels, size * size, "the axis of channels", shown)
    apart = shaping.reshape_op(x, shape=(batch, rows, columns, size, size, c))
    turned = shaping.transpose(apart, (0, 1, 3, 2, 4, 5))
    y = shaping.reshape_op(turned, shape=(batch, rows * size, columns * size, c))
    return arguments.channels_back(y, second)


def _image(
    op: str, input: TensorLike, block_size: Any, data_format: str
) -> tuple[Tensor, int, bool, dict[str, Any]]:
    x = as_tensor(input, None, op, "input")
    size = as_number(static_int(block_size, op, "block_size"), op)
    shown = {"input": x.spec, "block_size": size}
    if not 2 <= size <= arguments.MOST:
        raise ShapeError(explain(op, f"block_size {size} is below 2, or too large", shown))
    if isinstance(data_format, str) and data_format == "NCHW_VECT_C":
        raise UnimplementedError(explain(op, "channels in fours are not taken", shown, "NCHW"))
    second = arguments.channels_second(op, data_format, 2)
    if x.spec.rank != 4:
        raise ShapeError(explain(op, f"input has rank {x.spec.rank}, 4 was wanted", shown))
    return arguments.channels_last(x, second), size, second, shown
