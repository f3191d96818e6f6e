"""Grey-scale morphology: dilation2d, the largest sum of image and filter, and erosion2d.

For each tap of the filter, the padded image moved by it: of unknown sizes, too. What is beside the
image takes no part; a mask tells, since the least number plus a weight may wrap around.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.op import current
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import conv_api_sizes as arguments
from numflow.ops import math as maths
from numflow.ops import rearrange, reduce, select, signs, slicing, windows
from numflow.ops import shape as shaping
from numflow.ops.convert import operands
from numflow.shapes import Extent, as_number


def dilation2d(
    input: TensorLike,
    filters: TensorLike,
    strides: Any,
    padding: str,
    data_format: str,
    dilations: Any,
    name: str | None = None,
) -> Tensor:
    """The largest sum of a window of the image with the filter, for each place of the window.

    y[b, i, j, c] = max over u, v of
      input[b, i s + u d - p, j s + v d - p, c] + filters[u, v, c]

    What is beside the image takes no part. Where sums are equal, the first takes the gradient.

    Args:
      input: real numbers [batch, height, width, channels].
      filters: [height, width, channels], dtype of input.
      strides, dilations: [1, rows, columns, 1].
      padding: "SAME" or "VALID".
      data_format: "NHWC".

    Returns:
      [batch, *result, channels]; the least number of the dtype where the window reads nothing,
      which gives no gradient.

    Raises:
      ShapeError: ranks or channels do not fit, numbers are not possible, another data_format.
      DTypeError: the dtypes differ, or have no order.

    Example:
      >>> x = nf.constant([[[[1.0], [5.0], [2.0]]]])
      >>> one = [1, 1, 1, 1]
      >>> nf.nn.dilation2d(x, nf.zeros([1, 3, 1]), one, "SAME", "NHWC", one).numpy().ravel()
      array([5., 5., 5.], dtype=float32)

    Source: https://www.tensorflow.org/api_docs/python/tf/nn/dilation2d
    """
    return _dilation(
        "dilation2d", "input", input, filters, strides, padding, data_format, dilations
    )


def erosion2d(
    value: TensorLike,
    filters: TensorLike,
    strides: Any,
    padding: str,
    data_format: str,
    dilations: Any,
    name: str | None = None,
) -> Tensor:
    """y[b, i, j, c] = min over u, v of value[b, i s - u d, j s - v d, c] - filters[-u, -v, c].

    The negative of `dilation2d` of the negative image with the filters turned round.

    Args:
      as for `dilation2d`.

    Example:
      >>> x = nf.constant([[[[1.0], [5.0], [2.0]]]])
      >>> one = [1, 1, 1, 1]
      >>> nf.nn.erosion2d(x, nf.zeros([1, 3, 1]), one, "SAME", "NHWC", one).numpy().ravel()
      array([1., 1., 2.], dtype=float32)
    """
    x, f = operands("erosion2d", value, filters, ("value", "filters"))
    if f.spec.rank == 3:
        f = rearrange.reverse(f, [0, 1])
    turned = signs.negative(x)
    y = _dilation("erosion2d", "value", turned, f, strides, padding, data_format, dilations)
    return signs.negative(y)


def _dilation(
    op: str, name: str, input: TensorLike, filters: TensorLike, strides: Any, padding: str,
    data_format: str, dilations: Any,
) -> Tensor:  # fmt: skip
    x, f = operands(op, input, filters, (name, "filters"))
    shown: dict[str, object] = {name: x.spec, "filters": f.spec}
    if not x.dtype.is_numeric or x.dtype.is_complex:
        raise DTypeError(explain(op, f"{name} is {x.dtype.name}, not of real numbers", shown))
    if not isinstance(data_format, str) or data_format != "NHWC":
        raise ShapeError(explain(op, f"no data_format {data_format!r}", shown, fix='"NHWC"'))
    if x.spec.rank != 4 or f.spec.rank != 3:
        problem = f"{name} has rank {x.spec.rank}, filters {f.spec.rank}: 4 and 3 were wanted"
        raise ShapeError(explain(op, problem, shown))
    kh, kw, depth = arguments.known_sizes(op, f.spec.shape)
    arguments.positive_filter(op, (kh, kw, depth), shown)
    batch, *image, channels = x.spec.shape
    if as_number(channels, op) != depth:
        problem = f"{name} has {channels} channels, filters {depth}"
        raise ShapeError(explain(op, problem, shown))
    shown |= {"strides": strides, "padding": padding, "dilations": dilations}
    g = arguments.geometry(op, image, (kh, kw), strides, padding, dilations, False, shown, x=x)
    places = g.result(image, (kh, kw))
    shape = (batch, *places, depth)
    arguments.bounded(op, shape, shown)
    least = _least(x)
    axes = [
        _taps(n, m, k, s, pair, d)
        for n, m, (k, s, pair, d) in zip(
            image, places, zip((kh, kw), g.strides, g.padding, g.dilations, strict=True),
            strict=True,
        )
    ]  # fmt: skip
    around = [(front, behind) for front, behind, _ in axes]
    within = None  # where the padded image is none of what is beside the image
    if around != [(0, 0), (0, 0)]:
        begin = (0, *(front for front, _ in around), 0)
        padded = [front + n + behind for n, (front, behind) in zip(image, around, strict=True)]
        yes = shaping.broadcast_op(current().constant(np.array(True)), shape=(1, *image, 1))
        within = rearrange.pad_op(yes, begin=begin, shape=(1, *padded, 1), value=False)
        x = rearrange.pad_op(x, begin=begin, shape=(batch, *padded, depth), value=least)
    nothing = current().constant(np.array(least, x.dtype.numpy))
    best: Tensor | None = None
    for (row, top), (column, left) in itertools.product(*(taps for *_, taps in axes)):
        where: dict[str, Any] = {"begin": (0, top, left, 0), "stride": (1, *g.strides, 1)}
        part = slicing.slice_op(x, **where, shape=shape)
        weights = slicing.slice_op(f, begin=(row, column, 0), stride=(1, 1, 1), shape=(1, 1, depth))
        part = maths.add_op(part, weights)
        if within is not None:
            seen = slicing.slice_op(within, **where, shape=(1, *places, 1))
            part = select.where(seen, part, nothing)
        best = part if best is None else maths.maximum(best, part)
    if best is None:  # no tap is over the image: all is the least number, and gradients are zeros
        never = current().constant(np.array(False))
        best = select.where(
            never, maths.add_op(reduce.reduce_sum(x), reduce.reduce_sum(f)), nothing
        )
        return shaping.broadcast_op(best, shape=shape)
    return best


def _taps(
    n: Extent, places: Extent, k: int, stride: int, pair: windows.Pair, dilation: int
) -> tuple[Extent, Extent, list[tuple[int, int]]]:
    """(what is put before an axis of the image, and behind it, [(tap, where it begins)]).

    Of a known size only what some tap reads that is over the image in at least one place.
    """
    before, behind = pair
    if not all(isinstance(m, int) for m in (n, places, before)):
        return before, behind, [(tap, tap * dilation) for tap in range(k)]
    n, places, before = as_number(n), as_number(places), as_number(before)
    taps = [tap for tap, _, _ in windows.taps(n, places, k, stride, before, dilation)]
    begins = [tap * dilation - before for tap in taps]
    front = max([0, *(-begin for begin in begins)])
    behind = max([0, *(begin + (places - 1) * stride + 1 - n for begin in begins)])
    return front, behind, [(t, begin + front) for t, begin in zip(taps, begins, strict=True)]


def _least(x: Tensor) -> float | int:
    """The least finite number of its dtype."""
    return int(x.dtype.min) if x.dtype.is_integer else float(x.dtype.min)
