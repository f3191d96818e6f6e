"""Arguments of convolutions: strides, dilations, paddings and data formats, read and checked.

What users write as an int, a list per axis or a list with entries for batch and channels becomes
one `Geometry`, with channels last. Sizes of the image may be symbols: what only their numbers can
tell, a plan checks (`slicing.at_least`).

Source: https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numflow.errors import ResourceExhaustedError, ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import plain, slicing, windows
from numflow.ops import shape as shaping
from numflow.ops.convert import static_ints
from numflow.ops.convolution_rules import Geometry
from numflow.shapes import Dim, Extent, Shape, as_number, product

Shown = Mapping[str, object]

MOST = (1 << 31) - 1
"""The largest stride, dilation or padding: TensorFlow's attributes have 32 bits."""

_FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


def channels_second(op: str, data_format: Any, axes: int) -> bool:
    """Whether channels come before the image's axes.

    Raises:
      ShapeError: no such format of that many axes.
    """
    last, second = _FORMATS[axes]
    if data_format is None:
        return False
    plain.word(data_format, op, "data_format")
    if data_format == last:
        return False
    if data_format == second:
        return True
    if axes == 1 and data_format in _FORMATS[2]:  # conv1d runs as conv2d in TensorFlow
        return bool(data_format == "NCHW")
    raise ShapeError(
        explain(op, f"no data_format {data_format!r}", None, fix=f'"{last}" or "{second}"')
    )


def per_axis(op: str, name: str, value: Any, axes: int, second: bool) -> tuple[int, ...]:
    """Strides or dilations, one for each axis of the image; None: 1.

    value: a number, one per axis, or with entries for batch and channels, which must be 1.

    Raises:
      ShapeError: too many or too few; one is not positive, or not of 32 bits.
    """
    if value is None:
        return (1,) * axes
    given = tuple(as_number(n, op) for n in static_ints(value, op, name))
    shown = {name: list(given)}
    found = given
    if len(given) == axes + 2:
        found = given[2:] if second else given[1:-1]
        beside = (given[0], given[1 if second else -1])
        if beside != (1, 1):
            raise ShapeError(explain(op, f"{name} of batch and channels must be 1", shown))
    elif len(given) == 1:
        found = given * axes
    elif len(given) != axes:
        problem = f"{name} has {len(given)} numbers: 1, {axes} or {axes + 2} were wanted"
        raise ShapeError(explain(op, problem, shown))
    if not all(1 <= n <= MOST for n in found):
        raise ShapeError(explain(op, f"{name} must be from 1 to {MOST}", shown))
    return found


def paddings(
    op: str, padding: Any, image: Sequence[Extent], kernel: Sequence[int],
    strides: Sequence[int], dilations: Sequence[int], second: bool, shown: Shown,
) -> tuple[windows.Pair, ...]:  # fmt: skip
    """Zeros (in front, behind) of each axis of the image.

    padding: "SAME", "VALID", or pairs for every axis in the order of the data format.

    Raises:
      ShapeError: no such padding, pairs that are not [axes + 2, 2], a negative number, or one for
        batch or channels.
    """
    axes = len(kernel)
    if isinstance(padding, str):
        kind = padding.upper()
        if kind == "VALID":
            return ((0, 0),) * axes
        if kind != "SAME":
            problem = f"no padding {padding!r}"
            fix = '"SAME", "VALID", or pairs [[0, 0], [before, behind], ..., [0, 0]]'
            raise ShapeError(explain(op, problem, shown, fix))
        sizes = zip(image, kernel, strides, dilations, strict=True)
        return tuple(windows.same_padding(n, k, s, d) for n, k, s, d in sizes)
    pairs = _pairs(op, padding)
    here = {**shown, "padding": padding}
    if len(pairs) != axes + 2:
        problem = f"padding has {len(pairs)} pairs, {axes + 2} were wanted"
        raise ShapeError(explain(op, problem, here))
    inside = pairs[2:] if second else pairs[1:-1]
    if pairs[0] != (0, 0) or pairs[1 if second else -1] != (0, 0):
        raise ShapeError(explain(op, "padding of batch and channels must be [0, 0]", here))
    if not all(0 <= n <= MOST for pair in inside for n in pair):
        raise ShapeError(explain(op, f"padding must be from 0 to {MOST}", here))
    return tuple(inside)


def _pairs(op: str, padding: Any) -> list[tuple[int, int]]:
    rows = plain.items(padding, op, "padding")
    pairs = [tuple(as_number(n, op) for n in static_ints(row, op, "padding")) for row in rows]
    if not rows or any(len(pair) != 2 for pair in pairs):
        problem = "padding must be 'SAME', 'VALID' or pairs of integers"
        raise ShapeError(explain(op, problem, {"padding": padding}))
    return [(pair[0], pair[1]) for pair in pairs]


def geometry(
    op: str, image: Sequence[Extent], kernel: Sequence[int], strides: Any, padding: Any,
    dilations: Any, second: bool, shown: Shown, groups: int = 1, x: Tensor | None = None,
) -> Geometry:  # fmt: skip
    """How the window moves over an image.

    x: the image [batch, *image, channels], where there is one: of a size that is unknown a plan
    checks that the window is not larger.

    Raises:
      ShapeError: as `per_axis` and `paddings`; the window is larger than the padded image; the
        filter has no elements.
      ResourceExhaustedError: the result, or the padded image, is beyond any memory.
    """
    axes = len(kernel)
    steps = per_axis(op, "strides", strides, axes, second)
    spread = per_axis(op, "dilations", dilations, axes, second)
    if isinstance(padding, str) and padding.upper() == "SAME":
        sizes = zip(image, steps, spread, strict=True)
        spread = tuple(windows.seen_dilation(n, s, d) for n, s, d in sizes)
    pads = paddings(op, padding, image, kernel, steps, spread, second, shown)
    enough = isinstance(padding, str) and padding.upper() == "SAME"  # of nothing, nothing
    for axis, (n, k, d, pair) in enumerate(zip(image, kernel, spread, pads, strict=True)):
        reach = (k - 1) * d + 1
        if enough or all_of(pair) >= reach - 1:
            continue
        if isinstance(n, Dim):
            if x is not None:
                slicing.at_least(x, axis + 1, reach - all_of(pair))
        elif n + all_of(pair) < reach:
            problem = f"the window reaches over {reach} elements of axis {axis} of the image,"
            problem += f" which has {n}" + (f" and {all_of(pair)} zeros" * any(pair))
            raise ShapeError(explain(op, problem, shown, fix='padding="SAME"'))
    found = Geometry(steps, pads, spread, groups)
    padded = [n + sum(p) for n, p in zip(image, pads, strict=True) if isinstance(n, int)]
    bounded(op, [*padded], shown)
    return found


def all_of(pair: windows.Pair) -> int:
    """The zeros of both ends, of an axis that is not padded by "SAME"."""
    before, behind = pair
    assert isinstance(before, int) and isinstance(behind, int)
    return before + behind


def bounded(op: str, sizes: Sequence[Extent], shown: Shown) -> None:
    """Refuse sizes whose product is beyond any memory."""
    total = product(max(n, 1) for n in sizes if isinstance(n, int))
    if isinstance(total, int) and total > 1 << 48:
        raise ResourceExhaustedError(explain(op, "the sizes are beyond any memory", shown))


# --- channels second, more than one axis of batch ------------------------------------------------


def channels_last(x: Tensor, second: bool) -> Tensor:
    """x [batch, channels, ...] with its channels behind; neighbouring transposes cancel."""
    rank = x.spec.rank
    return shaping.transpose(x, [0, *range(2, rank), 1]) if second else x


def channels_back(x: Tensor, second: bool) -> Tensor:
    """What `channels_last` undoes."""
    rank = x.spec.rank
    return shaping.transpose(x, [0, rank - 1, *range(1, rank - 1)]) if second else x


def one_batch(
    op: str, x: Tensor, axes: int, shown: Shown, name: str = "input"
) -> tuple[Tensor, Shape]:
    """(x with one axis of batch, the axes of batch that it had).

    Raises:
      ShapeError: x has no axis of batch.
    """
    rank = x.spec.rank
    if rank < axes + 2:
        problem = f"{name} has rank {rank}: batch, {axes} axes and channels were wanted"
        raise ShapeError(explain(op, problem, shown))
    batch = x.spec.shape[: rank - axes - 1]
    if len(batch) == 1:
        return x, batch
    return shaping.reshape_op(x, shape=(product(batch), *x.spec.shape[len(batch) :])), batch


def batch_back(x: Tensor, batch: Shape) -> Tensor:
    """What `one_batch` undoes."""
    return x if len(batch) == 1 else shaping.reshape_op(x, shape=(*batch, *x.spec.shape[1:]))


def known_sizes(op: str, sizes: Sequence[Extent]) -> tuple[int, ...]:
    """Sizes of a filter: a trace must know them."""
    return tuple(as_number(n, op) for n in sizes)


def positive_filter(op: str, kernel: Sequence[int], shown: Shown) -> None:
    """Refuse a filter without elements."""
    if any(n == 0 for n in kernel):
        raise ShapeError(explain(op, "filters has no elements", shown))
