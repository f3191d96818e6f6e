"""Ragged tensors put together, turned and repeated: the same elements at other places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons, creation, indexing, joining, rearrange
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int, static_ints
from numflow.ragged.partition import check, splits_of
from numflow.ragged.parts import _take, same_rows
from numflow.ragged.tensor import RaggedTensor


def _axis(op: str, axis: Any, rank: int) -> int:
    at: int = static_int(axis, op, "axis")
    if not -rank <= at < rank:
        problem = f"axis is {at}; with {rank} axes it takes {-rank} to {rank - 1}"
        raise ShapeError(explain(op, problem))
    return at % rank


def _rank(x: Any) -> int:
    return len(x.shape)


def _rows(x: RaggedTensor) -> Any:
    return x.row_splits.spec.shape[0] - 1


def _alike(op: str, values: Sequence[Any]) -> list[Any]:
    """All as ragged as the most ragged one, with int64 splits.

    Raises:
      ShapeError: the numbers of axes differ.
    """
    items = [v if isinstance(v, RaggedTensor) else as_tensor(v, None, op) for v in values]
    if len({_rank(v) for v in items}) > 1:
        shown = {f"values[{k}]": v.shape for k, v in enumerate(items)}
        raise ShapeError(explain(op, "the numbers of axes differ", shown))
    depth = max((v.ragged_rank for v in items if isinstance(v, RaggedTensor)), default=0)
    return [_as_ragged(v, depth) for v in items]


def _as_ragged(x: Any, depth: int) -> Any:
    if not depth:
        return x
    if not isinstance(x, RaggedTensor):
        return RaggedTensor.from_tensor(x, ragged_rank=depth)
    splits = maths.cast(x.row_splits, dtypes.int64)
    return RaggedTensor(_as_ragged(x.values, depth - 1), splits, internal=True)


# --- concat and stack ---------------------------------------------------------------------


def concat(values: Any, axis: Any, name: str | None = None) -> Any:
    """Tensors and ragged tensors behind one another along an axis.

    Raises:
      ShapeError: the numbers of axes differ, or of rows in front of the axis.
    """
    items = list(values) if isinstance(values, list | tuple) else [values]
    items = _alike("concat", items)
    return _joined(items, _axis("concat", axis, _rank(items[0])))


def _joined(items: list[Any], axis: int) -> Any:
    if len(items) == 1:
        return items[0]
    if not isinstance(items[0], RaggedTensor):
        return joining.concat(items, axis)
    if axis == 0:
        lengths = joining.concat([v.row_lengths() for v in items], 0)
        inner = _joined([v.values for v in items], 0)
        return RaggedTensor(inner, splits_of(lengths), internal=True)
    if axis > 1:
        first, *others = items
        flat = [first.values]
        for v in others:
            same_rows(outline(first), outline(v))
            flat.append(v.values)
        return first.with_values(_joined(flat, axis - 1))
    rows = _rows(items[0])
    if any(_rows(v) != rows for v in items):
        shown = {f"values[{k}]": v.shape for k, v in enumerate(items)}
        raise ShapeError(explain("concat", "the numbers of rows differ", shown))
    # First all rows of the first, then of the second...; taken in turns they are one.
    below = _joined(items, 0)
    at = creation.iota((len(items), rows), 1, dtypes.int64)
    at += creation.iota((len(items), 1), 0, dtypes.int64) * shaping.size_tensor(rows, dtypes.int64)
    turns = shaping.reshape(shaping.transpose(at), (-1,))
    taken = _take(below, turns)
    return RaggedTensor(taken.values, taken.row_splits[:: len(items)], internal=True)


def outline(x: RaggedTensor) -> RaggedTensor:
    """Its rows, of numbers: to compare the lengths."""
    return RaggedTensor(x.value_rowids(), x.row_splits, internal=True)


def stack(values: Any, axis: Any = 0, name: str | None = None) -> Any:
    """Tensors and ragged tensors of one rank beside each other, along a new axis."""
    items = _alike("stack", list(values))
    at = _axis("stack", axis, _rank(items[0]) + 1)
    return _joined([expand_dims(v, at) for v in items], at)


# --- axes of size 1 -----------------------------------------------------------------------


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    """An axis of size 1 put in at `axis`."""
    at = _axis("expand_dims", axis, _rank(input) + 1)
    if not isinstance(input, RaggedTensor):
        return shaping.expand_dims(input, at)
    if at > 1:
        return input.with_values(expand_dims(input.values, at - 1))
    kind, n = input.row_splits.dtype, shaping.size_tensor(_rows(input), input.row_splits.dtype)
    if at == 0:
        splits = joining.stack([shaping.zeros((), kind), n])
    else:
        splits = creation.iota((_rows(input) + 1,), 0, kind)
    return RaggedTensor(input, splits, internal=True)


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """Without axes of size 1.

    Raises:
      ValueError: axis is missing: a ragged tensor does not tell which sizes are 1.
      InvalidArgumentError: a row of such an axis is longer or shorter.
    """
    if axis is None:
        raise ValueError(explain("squeeze", "a ragged tensor needs the axis that goes"))
    rank = _rank(input)
    x = input
    for at in sorted(_axis("squeeze", k, rank) for k in static_ints(axis, "squeeze", "axis"))[::-1]:
        x = _squeezed(x, at)
    return x


def _squeezed(x: Any, at: int) -> Any:
    if not isinstance(x, RaggedTensor):
        return shaping.squeeze(x, [at])
    if at > 1:
        return x.with_values(_squeezed(x.values, at - 1))
    lengths = x.row_lengths() if at else shaping.reshape(x.nrows(), (1,))
    ones = reductions.reduce_all(comparisons.equal(lengths, 1))
    check(ones, "squeeze", f"axis {at} has other sizes than 1", lengths)
    return x.values


# --- at other places ----------------------------------------------------------------------


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Any:
    """Rows of params; indices may be ragged, then so is the result.

    Raises:
      ShapeError: an axis besides 0, or batch_dims, together with ragged tensors.
      InvalidArgumentError: an index is outside.
    """
    if batch_dims or (axis is not None and static_int(axis, "gather", "axis") != 0):
        raise ShapeError(explain("gather", "of ragged tensors it takes axis 0, and no batch_dims"))
    if isinstance(indices, RaggedTensor):
        return indices.with_flat_values(gather(params, indices.flat_values))
    if not isinstance(params, RaggedTensor):
        return indexing.gather(params, indices)
    at = as_tensor(indices, None, "gather", "indices")
    if at.spec.rank == 0:
        return params[at]
    found: Any = _take(params, shaping.reshape(at, (-1,)))
    for n in at.spec.shape[:0:-1]:  # the inner axes of indices, each of one size
        rows = _rows(found) // n if isinstance(n, int) and n else 0
        splits = creation.iota((rows + 1,), 0, dtypes.int64) * n
        found = RaggedTensor(found, splits, internal=True)
    return found


def tile(input: RaggedTensor, multiples: Any, name: str | None = None) -> Any:
    """Repeated along each axis."""
    times = static_ints(multiples, "tile", "multiples")
    if len(times) != _rank(input):
        problem = f"multiples has {len(times)} numbers; the axes are {_rank(input)}"
        raise ShapeError(explain("tile", problem))
    if any(n < 1 for n in times):
        raise ShapeError(explain("tile", f"multiples is {list(times)}; it takes 1 and more"))
    x: Any = input
    for at, n in enumerate(times):
        if n > 1:
            x = _joined([_as_ragged(x, input.ragged_rank)] * n, at)
    return x


def reverse(tensor: RaggedTensor, axis: Any, name: str | None = None) -> Any:
    """The other way round along axes."""
    x: Any = tensor
    for at in static_ints(axis, "reverse", "axis"):
        x = _reversed(x, _axis("reverse", at, _rank(tensor)))
    return x


def _reversed(x: Any, at: int) -> Any:
    if not isinstance(x, RaggedTensor):
        return rearrange.reverse(x, [at])
    if at > 1:
        return x.with_values(_reversed(x.values, at - 1))
    if at == 0:
        back: Tensor = creation.iota((_rows(x),), 0, x.row_splits.dtype)[::-1]
        return _take(x, back)
    ids = x.value_rowids()
    place = creation.iota(ids.spec.shape, 0, ids.dtype)
    ends = indexing.gather(x.row_limits() + x.row_starts(), ids) - 1
    return x.with_values(_take(x.values, ends - place))
