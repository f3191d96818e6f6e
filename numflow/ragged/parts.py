"""Parts of ragged tensors, and operators on their elements: bound to RaggedTensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numflow.errors import IndexRangeError, ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons, creation, indexing, rearrange, run_time
from numflow.ops import math as maths
from numflow.ops import operators as plain
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ragged.partition import check, splits_of
from numflow.ragged.tensor import RaggedTensor


def getitem(self: RaggedTensor, key: Any) -> Any:
    """A row for an integer, rows for a slice; behind it what to take of each row.

    Example:
      >>> x = nf.ragged.constant([[1, 2, 3], [], [4, 5]])
      >>> x[0].numpy().tolist(), x[1:].to_list(), x[:, :1].to_list()
      ([1, 2, 3], [[], [4, 5]], [[1], [], [4]])
    """
    keys = key if isinstance(key, tuple) else (key,)
    if not keys or keys[0] is Ellipsis:
        rest = keys[1:]
        return self if not rest else self[(slice(None),) * (1 + self.ragged_rank) + rest]
    first, rest = keys[0], keys[1:]
    if not isinstance(first, slice):
        row = _row(self, first)
        return row[rest] if rest else row
    kept = _rows(self, first)
    return _of_each_row(kept, rest[0], rest[1:]) if rest else kept


def _row(x: RaggedTensor, at: Any) -> Any:
    rows = int(x.row_splits.shape[0]) - 1
    if isinstance(at, int | np.integer):
        if not -rows <= at < rows:
            problem = f"row {at} is outside of {rows} rows"
            raise IndexRangeError(explain("RaggedTensor", problem))
        at = int(at) % rows
    return x.values[x.row_splits[at] : x.row_splits[at + 1]]


def _rows(x: RaggedTensor, which: slice) -> RaggedTensor:
    if which == slice(None):
        return x
    return _gathered(x.values, x.row_starts()[which], x.row_lengths()[which])


def _gathered(values: Any, starts: Tensor, lengths: Tensor) -> RaggedTensor:
    """Rows that begin at starts in values, of these lengths."""
    splits = splits_of(lengths)
    (count,) = run_time.sizes_of(shaping.reshape(splits[-1], (1,)))
    shift = rearrange.repeat(starts - splits[:-1], lengths)
    at = creation.iota((count,), 0, splits.dtype) + shift
    return RaggedTensor(_take(values, at), splits, internal=True)


def _of_each_row(x: RaggedTensor, key: Any, rest: tuple[Any, ...]) -> Any:
    lengths = x.row_lengths()
    if isinstance(key, slice):
        if key.step not in (None, 1):
            raise ValueError(explain("RaggedTensor", "rows are cut with a step of 1 only"))
        begin, end = _bound(key.start, lengths, 0), _bound(key.stop, lengths, None)
        size = maths.maximum(end - begin, 0)
        whole = key == slice(None)
        kept = x if whole else _gathered(x.values, x.row_starts() + begin, size)
        return kept.with_values(kept.values[(slice(None), *rest)]) if rest else kept
    at = as_tensor(key, lengths.dtype, "RaggedTensor", "index")
    inside = reductions.reduce_all((at < lengths) & (at >= -lengths))
    check(inside, "RaggedTensor", f"index {key} is outside of a row", lengths)
    place = x.row_starts() + selections.where(at < 0, at + lengths, at)
    found = _take(x.values, place)
    return found[(slice(None), *rest)] if rest else found


def _bound(given: Any, lengths: Tensor, default: int | None) -> Tensor:
    """A bound of a slice of each row, counted from its front."""
    if given is None:
        return lengths if default is None else shaping.zeros_like(lengths)
    at = as_tensor(given, lengths.dtype, "RaggedTensor", "a bound of a slice")
    at = selections.where(at < 0, at + lengths, shaping.zeros_like(lengths) + at)
    return maths.minimum(maths.maximum(at, 0), lengths)


def _take(values: Any, at: Tensor) -> Any:
    """The rows of values at places."""
    if not isinstance(values, RaggedTensor):
        return indexing.gather(values, at)
    starts = indexing.gather(values.row_starts(), at)
    return _gathered(values.values, starts, indexing.gather(values.row_lengths(), at))


# --- operators ------------------------------------------------------------------------------


def same_rows(x: RaggedTensor, y: Any) -> Any:
    """y's flat values where it is ragged like x; a value for each of x's where it has one a row.

    Raises:
      ShapeError: the rows differ.
    """
    if not isinstance(y, RaggedTensor):
        other = as_tensor(y, None if not isinstance(y, int | float) else x.dtype)
        if other.spec.rank == 0:
            return other
        return _spread(x, other)
    if len(x.nested_row_splits) != len(y.nested_row_splits):
        raise ShapeError(explain("RaggedTensor", "the numbers of ragged axes differ"))
    for a, b in zip(x.nested_row_splits, y.nested_row_splits, strict=True):
        if a is not b:
            if a.spec.shape != b.spec.shape:
                raise ShapeError(explain("RaggedTensor", "the numbers of rows differ"))
            same = reductions.reduce_all(comparisons.equal(a, maths.cast(b, a.dtype)))
            check(same, "RaggedTensor", "the rows differ in length", a)
    return y.flat_values


def _spread(x: RaggedTensor, other: Tensor) -> Tensor:
    """A tensor that broadcasts to x's shape, for x's flat values.

    Raises:
      ShapeError: it does not: the axes that are ragged in x are of size 1, or absent.
    """
    rank, depth = len(x.shape), 1 + x.ragged_rank
    behind = rank - depth  # axes of the flat values' elements
    if other.spec.rank <= behind:
        return other
    shape = (1,) * (rank - other.spec.rank) + other.spec.shape
    inner = shape[depth:]
    if other.spec.rank > rank or any(n != 1 for n in shape[1:depth]):
        problem = "beside a ragged tensor it takes scalars, ragged tensors, and tensors of size 1 "
        shown = {"ragged": x.shape, "got": other.spec}
        raise ShapeError(explain("RaggedTensor", problem + "along ragged axes", shown))
    if shape[0] == 1:
        return shaping.reshape(other, (1, *inner))
    rows = x.row_splits.spec.shape[0] - 1
    if shape[0] != rows and isinstance(rows, int) and isinstance(shape[0], int):
        shown = {"ragged": x.shape, "got": other.spec}
        raise ShapeError(explain("RaggedTensor", "the numbers of rows differ", shown))
    found, level = shaping.reshape(other, (shape[0], *inner)), x
    while isinstance(level, RaggedTensor):
        found, level = indexing.gather(found, level.value_rowids()), level.values
    return found


def _bind() -> None:
    """Operators of elements: those of tensors, on the flat values."""

    def ragged(function: Callable[..., Any]) -> Callable[..., Any]:
        def operator(self: RaggedTensor, *others: Any) -> Any:
            return self.with_flat_values(
                function(self.flat_values, *(same_rows(self, y) for y in others))
            )

        return operator

    for name, method in plain.METHODS.items():
        if name not in ("__getitem__", "__matmul__", "__rmatmul__"):
            setattr(RaggedTensor, name, ragged(method))
    RaggedTensor.__getitem__ = getitem  # type: ignore[method-assign]


_bind()
