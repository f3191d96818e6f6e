"""Grey-scale morphology: dilation2d, the largest sum of image and filter, and erosion2d."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.op import current
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import conv_api_sizes as arguments
from numflow.ops import math as maths
from numflow.ops import rearrange, signs, slicing
from numflow.ops import shape as shaping
from numflow.ops.convert import operands
from numflow.shapes import as_number


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
      [batch, *result, channels]; the least number of the dtype where the window reads nothing.

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
    sizes = tuple(as_number(n, op) for n in image)
    shown |= {"strides": strides, "padding": padding, "dilations": dilations}
    g = arguments.geometry(op, sizes, (kh, kw), strides, padding, dilations, False, shown)
    places = arguments.known_sizes(op, g.result(sizes, (kh, kw)))
    before = arguments.known_sizes(op, [p[0] for p in g.padding])
    shape = (batch, *places, depth)
    arguments.bounded(op, shape, shown)
    least = _least(x)
    best: Tensor | None = None
    for tap in itertools.product(range(kh), range(kw)):
        # the places of the window where this element of it is over the image
        moved = [t * d - p for t, d, p in zip(tap, g.dilations, before, strict=True)]
        low = [max(0, -(m // s)) for m, s in zip(moved, g.strides, strict=True)]
        high = [
            min(whole, -((m - n) // s))
            for m, n, s, whole in zip(moved, sizes, g.strides, places, strict=True)
        ]
        count = [b - a for a, b in zip(low, high, strict=True)]
        if min(count) <= 0:
            continue
        begin = [a * s + m for a, s, m in zip(low, g.strides, moved, strict=True)]
        part = slicing.slice_op(
            x, begin=(0, *begin, 0), stride=(1, *g.strides, 1), shape=(batch, *count, depth)
        )
        weights = slicing.slice_op(f, begin=(*tap, 0), stride=(1, 1, 1), shape=(1, 1, depth))
        part = maths.add_op(part, weights)
        if part.spec.shape != shape:
            part = rearrange.pad_op(part, begin=(0, *low, 0), shape=shape, value=least)
        best = part if best is None else maths.maximum(best, part)
    if best is None:
        nothing = current().constant(np.array(least, x.dtype.numpy))
        best = shaping.broadcast_op(nothing, shape=shape)
    return best


def _least(x: Tensor) -> float | int:
    """The least finite number of its dtype."""
    return int(x.dtype.min) if x.dtype.is_integer else float(x.dtype.min)
