"""What a staged `for` goes through: ranges of tensors, tensors, zip and enumerate of them.

Each is a counter, and what an item is for its value. `range` and `nf.range` in the head of a `for`
are not made: the counter is the item.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

from numflow import dtypes
from numflow.autograph.values import any_staged, staged_value
from numflow.errors import InvalidArgumentError, ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons, creation
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, known_content
from numflow.ops.slicing import getitem
from numflow.trace.tracer import tracing


class Counted:
    """An iteration: `start`, then each time `step` more, as long as it is before `limit`.

    start, limit, step: scalars of one integer dtype, or floating. item: of the counter.
    """

    def __init__(
        self, start: Tensor, limit: Tensor, step: Tensor, item: Callable[[Tensor], Any]
    ) -> None:
        self.start, self.limit, self.step, self.item = start, limit, step, item
        self._sign = _sign(step)

    def going(self, counter: Tensor) -> Tensor:
        """Whether there is an item for the counter."""
        if self._sign:
            compare = comparisons.less if self._sign > 0 else comparisons.greater
            return compare(counter, self.limit)
        up = comparisons.greater(self.step, as_tensor(0, self.step.dtype))
        ahead = comparisons.less(counter, self.limit)
        return selections.where(up, ahead, comparisons.greater(counter, self.limit))

    @property
    def runs(self) -> bool:
        """Whether there is surely an item."""
        first, last = _number(self.start), _number(self.limit)
        if first is None or last is None or not self._sign:
            return False
        return bool(first < last if self._sign > 0 else first > last)


def _number(x: Tensor) -> Any:
    content = known_content(x)
    if content is None:
        from numflow.ops import checks

        known = checks.known_values(x)
        return None if known is None else known.item()
    value = content.reshape(-1)[0]
    return value if isinstance(value, int) else None


def _sign(step: Tensor) -> int:
    """1 or -1, if that is known; else 0.

    Raises:
      InvalidArgumentError: it is 0.
    """
    number = _number(step)
    if number is None:
        return 0
    if number == 0:
        raise InvalidArgumentError(explain("range", "delta is 0"))
    return 1 if number > 0 else -1


class _Range:
    """range or nf.range of tensors, not made yet.

    towards: refused, as nf.range does it, where numbers that are known lead away from the limit.
    """

    def __init__(
        self, start: Any, limit: Any, step: Any, dtype: Any, *, towards: bool = False
    ) -> None:
        self.start, self.limit, self.step, self.dtype = start, limit, step, dtype
        self.towards = towards

    def counted(self) -> Counted:
        dtype = self.dtype
        if dtype is None:
            dtype = creation._range_dtype((self.start, self.limit, self.step))
        given = [as_tensor(v) for v in (self.start, self.limit, self.step)]
        parts = [maths.cast(v, dtype) for v in given]
        for part in parts:
            if part.spec.rank:
                raise ShapeError(explain("range", "takes scalars", {"received": part.spec}))
        start, limit, step = parts
        if self.towards:
            known = [_number(v) for v in given]
            if None not in known:
                creation.check_range(*known)
        return Counted(start, limit, step, lambda counter: counter)


class _Zip:
    """zip of several things, some of them tensors of the trace."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = parts

    def counted(self) -> Counted:
        items = [_items(p) for p in self.parts]
        length = items[0][0]
        for other, _ in items[1:]:
            length = maths.minimum(length, other)
        return _of(length, lambda k: tuple(item(k) for _, item in items))


class _Enumerate:
    """enumerate of a tensor of the trace."""

    def __init__(self, over: Any, start: Any) -> None:
        self.over, self.start = over, start

    def counted(self) -> Counted:
        length, item = _items(self.over)
        return _of(length, lambda k: (k + as_tensor(self.start, dtypes.int32), item(k)))


def _of(length: Tensor, item: Callable[[Tensor], Any]) -> Counted:
    zero, one = as_tensor(0, length.dtype), as_tensor(1, length.dtype)
    return Counted(zero, length, one, item)


def _items(over: Any) -> tuple[Tensor, Callable[[Tensor], Any]]:
    """The number of items of a tensor, or of what is made of tensors, and each by its number."""
    if isinstance(over, _Range):
        counted = over.counted()
        span = counted.limit - counted.start
        count = -((-span) // counted.step)
        count = maths.maximum(maths.cast(count, dtypes.int32), as_tensor(0, dtypes.int32))
        dtype = counted.start.dtype
        return count, lambda k: counted.start + maths.cast(k, dtype) * counted.step
    if isinstance(over, _Zip | _Enumerate):
        counted = over.counted()
        return counted.limit, counted.item
    tensor = as_tensor(over)
    if not tensor.spec.rank:
        raise TypeError(explain("autograph", "a scalar tensor has no items", {"over": tensor.spec}))
    return (
        shaping.size_tensor(tensor.spec.shape[0], dtypes.int32),
        lambda k: getitem(tensor, k),
    )


def _is_staged(x: Any) -> bool:
    return isinstance(x, _Range | _Zip | _Enumerate) or staged_value(x) is not None


def staged(over: Any) -> Counted | None:
    """How a `for` through a tensor is counted while tracing; None: it is Python's."""
    if isinstance(over, _Range | _Zip | _Enumerate):
        return over.counted()
    if isinstance(over, Tensor) and over.spec.rank:
        interpreter = tracing()  # one that has a value: a loop, too, and not a line per element
        return None if interpreter is None else _of(*_items(interpreter.capture(over)))
    tensor = staged_value(over)
    return None if tensor is None else _of(*_items(tensor))


# --- in the head of a `for` ----------------------------------------------------


def replacement(function: Any) -> Any:
    """What is called in place of function in the head of a `for`; None: function, converted."""
    try:
        return _REPLACED.get(function)
    except TypeError:  # it has no hash
        return None


def _range(*args: Any) -> Any:
    if not any_staged(args) or not 1 <= len(args) <= 3:
        return builtins.range(*args)
    start, limit = (0, args[0]) if len(args) == 1 else args[:2]
    return _Range(start, limit, args[2] if len(args) == 3 else 1, None)


def _tensor_range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range"
) -> Any:
    if tracing() is None or any(hasattr(v, "_weak_tensor") for v in (start, limit, delta)):
        return creation.range(start, limit, delta, dtype, name)
    if limit is None:
        start, limit = 0, start
    of = None if dtype is None else dtypes.as_dtype(dtype)
    return _Range(start, limit, delta, of, towards=True)


def _enumerate(iterable: Any, start: Any = 0) -> Any:
    if _is_staged(iterable):
        return _Enumerate(iterable, start)
    return builtins.enumerate(iterable, start)


def _zip(*iterables: Any, **kwargs: Any) -> Any:
    if iterables and all(map(_is_staged, iterables)):
        return _Zip(iterables)
    return builtins.zip(*iterables, **kwargs)  # noqa: B905


_REPLACED: dict[Any, Any] = {
    builtins.range: _range,
    builtins.enumerate: _enumerate,
    builtins.zip: _zip,
    creation.range: _tensor_range,
}
