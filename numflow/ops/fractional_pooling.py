"""Pooling by factors that are no integers: windows of two sizes, dealt out at random.

An axis of n elements becomes one of m = floor(n / ratio): its windows are k = n // m or k + 1 long,
lie side by side, and fill it. Each axis of the image has a sequence of its own; what is read
through them is laid out as windows of one size: the shorter ones see their last element again. Of
an axis whose size a trace does not know, that size is the longest of any: twice the ratio.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import (
    comparisons,
    creation,
    indexing,
    joining,
    ordering,
    plain,
    pool_api,
    power,
    random_stateless,
    scan,
    select,
    slicing,
)
from numflow.ops import math as maths
from numflow.ops import random as draws
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.pooling import Pool
from numflow.ops.precision import single
from numflow.shapes import Dim, Extent, as_number, minimum

Three = tuple[Tensor, Tensor, Tensor]


def fractional_max_pool(
    value: TensorLike,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    seed: int = 0,
    name: str | None = None,
) -> Three:
    """The largest elements of windows of random sizes that make an image smaller by any factor.

    Args:
      value: real numbers [batch, height, width, channels].
      pooling_ratio: at least 1: how much smaller the image becomes; one number, or [1.0, of rows,
        of columns, 1.0].
      pseudo_random: windows of alternating sizes, begun at random, instead of shuffled ones.
      overlapping: a window also sees the first element of the next one.
      seed: 0: new windows in every call; otherwise the same ones.

    Returns:
      (y, rows, columns): y [batch, floor(height / ratio), floor(width / ratio), channels], dtype of
      value (quotients are float32, as in TensorFlow: 36 / 1.44 is below 25); and where windows
      begin, int64, and in the end the size of the image.

    Raises:
      ShapeError: value has no four axes; a ratio is below 1, or larger than the image.
      DTypeError: value has no order.

    Example:
      >>> x = nf.reshape(nf.range(25.0), [1, 5, 5, 1])
      >>> y, rows, _ = nf.nn.fractional_max_pool(x, 1.5, seed=7)
      >>> y.shape, rows.numpy()[0].item(), rows.numpy()[-1].item()
      (TensorShape([1, 3, 3, 1]), 0, 5)

    Source: Graham 2015, "Fractional Max-Pooling", arXiv 1412.6071.
    """
    op = "fractional_max_pool"
    x, windows = _windows(op, value, pooling_ratio, pseudo_random, overlapping, seed)
    tall, wide = windows
    kernel = (tall.longest, wide.longest)
    seen = indexing.gather(indexing.gather(x, tall.places(), axis=1), wide.places(), axis=2)
    y = pool_api.largest(seen, Pool(kernel, kernel, ((0, 0), (0, 0)), (1, 1)))
    return y, tall.sequence, wide.sequence


def fractional_avg_pool(
    value: TensorLike,
    pooling_ratio: Any,
    pseudo_random: bool = False,
    overlapping: bool = False,
    seed: int = 0,
    name: str | None = None,
) -> Three:
    """The means of windows as those of `fractional_max_pool`; of integers rounded to zero.

    Example:
      >>> x = nf.reshape(nf.range(16.0), [1, 4, 4, 1])
      >>> nf.nn.fractional_avg_pool(x, [1.0, 2.0, 2.0, 1.0])[0].numpy().ravel().tolist()
      [2.5, 4.5, 10.5, 12.5]
    """
    op = "fractional_avg_pool"
    x, (tall, wide) = _windows(op, value, pooling_ratio, pseudo_random, overlapping, seed)
    exact = maths.cast(x, dtypes.float64) if x.dtype.is_integer else single(x)
    rows, columns = tall.counted(exact.dtype), wide.counted(exact.dtype)
    seen = indexing.gather(exact, tall.places(), axis=1) * shaping.reshape(rows, (-1, 1, 1))
    seen = indexing.gather(seen, wide.places(), axis=2) * shaping.reshape(columns, (-1, 1))
    batch, channels = x.spec.shape[0], x.spec.shape[-1]
    parts = (batch, tall.windows, tall.longest, wide.windows, wide.longest, channels)
    total = reductions.reduce_sum(shaping.reshape_op(seen, shape=parts), (2, 4))
    many = shaping.reshape(tall.lengths(), (-1, 1, 1)) * shaping.reshape(wide.lengths(), (-1, 1))
    y = maths.cast(total / maths.cast(many, exact.dtype), x.dtype)
    return y, tall.sequence, wide.sequence


# --- windows of one axis --------------------------------------------------------------------------


class _Windows(NamedTuple):
    """Where the windows of an axis begin, and how many elements they see at most."""

    sequence: Tensor
    size: Extent
    windows: Extent
    longest: int
    overlapping: bool

    def _ends(self) -> Tensor:
        """The last element of each window."""
        last = self.sequence[1:]
        return maths.minimum(last, _number(self.size - 1)) if self.overlapping else last - 1

    def places(self) -> Tensor:
        """The elements that the windows see, one window behind another, `longest` of each."""
        tap = creation.iota((self.windows, self.longest), 1, dtypes.int64)
        begin, end = (shaping.expand_dims(t, 1) for t in (self.sequence[:-1], self._ends()))
        return shaping.reshape(maths.minimum(begin + tap, end), (-1,))

    def lengths(self) -> Tensor:
        """How many elements each window sees."""
        return self._ends() - self.sequence[:-1] + 1

    def counted(self, dtype: dtypes.DType) -> Tensor:
        """1 for each of the places, 0 where an element is seen again."""
        tap = creation.iota((self.windows, self.longest), 1, dtypes.int64)
        seen = comparisons.less(tap, shaping.expand_dims(self.lengths(), 1))
        return shaping.reshape(maths.cast(seen, dtype), (-1,))


def _windows(
    op: str, value: TensorLike, ratio: Any, pseudo: bool, overlapping: bool, seed: Any
) -> tuple[Tensor, tuple[_Windows, _Windows]]:
    x = as_tensor(value, None, op, "value")
    shown: dict[str, object] = {"value": x.spec, "pooling_ratio": ratio}
    if x.spec.rank != 4:
        raise ShapeError(explain(op, f"value has rank {x.spec.rank}, not 4", shown))
    if not (x.dtype.is_floating or x.dtype.is_integer):
        raise DTypeError(explain(op, f"value is {x.dtype.name}: a real number was wanted", shown))
    if not isinstance(seed, int) or isinstance(seed, bool) or not -(1 << 63) <= seed < 1 << 63:
        raise DTypeError(explain(op, f"seed is {seed!r}, not an integer", shown))
    pseudo = plain.flag(pseudo, op, "pseudo_random")
    overlapping = plain.flag(overlapping, op, "overlapping")
    found = []
    for axis, factor in enumerate(_ratios(op, ratio, shown)):
        size = x.spec.shape[1 + axis]
        count = _count(x, 1 + axis, factor)
        if isinstance(count, Dim):
            longest = math.ceil(2 * factor)  # size / count is below factor (1 + 1 / count)
        elif count < 1:
            problem = f"the ratio {factor} is larger than the size {size} of axis {1 + axis}"
            raise ShapeError(explain(op, problem, shown))
        else:
            longest = -(-as_number(size) // count)
        sequence = _sequence(size, count, pseudo, seed, axis)
        found.append(_Windows(sequence, size, count, longest + overlapping, overlapping))
    return x, (found[0], found[1])


def _ratios(op: str, ratio: Any, shown: dict[str, object]) -> tuple[float, float]:
    """Of rows and columns."""
    given = list(ratio) if isinstance(ratio, list | tuple) else [1.0, ratio, ratio, 1.0]
    if len(given) == 1:
        given = [1.0, *given * 2, 1.0]
    if not all(isinstance(r, int | float) for r in given):
        raise ShapeError(explain(op, "pooling_ratio must be a number, or a list of them", shown))
    if len(given) != 4 or given[0] != 1 or given[3] != 1:
        problem = "pooling_ratio must be one number, or [1.0, of rows, of columns, 1.0]"
        raise ShapeError(explain(op, problem, shown))
    if not all(r >= 1 for r in given):
        raise InvalidArgumentError(explain(op, "pooling_ratio must be at least 1", shown))
    return float(given[1]), float(given[2])


def _count(x: Tensor, axis: int, ratio: float) -> Extent:
    """floor(size / ratio), both and the quotient being rounded to float32, as TensorFlow does.

    Of an unknown size the quotient is exact. Plans refuse the few sizes for which rounding may make
    another number of it, and they are traced one by one: for 1.44 the multiples of 36.
    """
    with np.errstate(over="ignore"):
        factor = np.float32(ratio)
    size = x.spec.shape[axis]
    if isinstance(size, Dim) and np.isfinite(factor):
        exact = Fraction(float(factor))
        p, q = exact.numerator, exact.denominator
        slicing.at_least(x, axis, math.ceil(exact))
        up = (p - size * q % p) * (1 << 23) // (size * q)  # 0 where the quotient may be rounded up
        begin: list[Extent] = [0] * 4
        shape = list(x.spec.shape)
        begin[axis], shape[axis] = minimum(up, 1) - 1, 1
        slicing.slice_op(x, begin=tuple(begin), stride=(1,) * 4, shape=tuple(shape))
        return size * q // p
    return int(np.float32(as_number(size)) / factor)


def _number(n: Extent, dtype: dtypes.DType = dtypes.int64) -> Tensor:
    """A size as a scalar."""
    return shaping.size_tensor(n, dtype) if isinstance(n, Dim) else as_tensor(n, dtype)


def _sequence(size: Extent, count: Extent, pseudo: bool, seed: int, axis: int) -> Tensor:
    """Where `count` windows that fill `size` elements begin, and the size.

    Where all are of one length chance decides nothing, and yet is asked: so that what is drawn
    afterwards does not depend on whether a trace knows the size.
    """
    zero, end = (shaping.reshape(_number(n), (1,)) for n in (0, size))
    short, longer = _number(size // count), _number(size % count)

    def uniform(shape: tuple[Extent, ...]) -> Tensor:
        if seed:
            return random_stateless.stateless_uniform(shape, (seed, axis))
        return draws.uniform(shape)

    if not pseudo:
        order = ordering.argsort(ordering.argsort(uniform((count,))))
        first = comparisons.less(maths.cast(order, dtypes.int64), longer)
        lengths = maths.cast(first, dtypes.int64) + short
        return joining.concat([zero, scan.cumsum(lengths)], 0)
    # as many as fit: every window is `short` long or one longer (Graham 2015, section 2)
    whole, windows, least = (
        maths.cast(t, dtypes.float64) for t in (_number(size), _number(count), short)
    )
    alpha = whole / windows
    most = maths.minimum(
        (least + 2.0) / alpha - 1.0, (whole + 1.0 - least) / alpha - (windows - 1.0)
    )
    u = maths.cast(uniform(()), dtypes.float64) * most
    number = creation.iota((count - 1,), 0, dtypes.int64) + 1
    inner = power.ceil((maths.cast(number, dtypes.float64) + u) * alpha)
    even = comparisons.equal(longer, 0)
    inner = select.where(even, number * short, maths.cast(inner, dtypes.int64) - 1)
    return joining.concat([zero, inner, end], 0)
