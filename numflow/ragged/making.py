"""Ragged tensors made of lists, ranges and tensors, and functions over their values."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import (
    comparisons,
    creation,
    indexing,
    joining,
    plain,
    rearrange,
    run_time,
    segments,
)
from numflow.ops import math as maths
from numflow.ops import power as powers
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int, static_shape
from numflow.ragged import places
from numflow.ragged.partition import check, partition, splits_of
from numflow.ragged.parts import same_rows
from numflow.ragged.tensor import RaggedTensor

# --- constant ------------------------------------------------------------------------------


def constant(
    pylist: Any,
    dtype: Any = None,
    ragged_rank: int | None = None,
    inner_shape: Any = None,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> Any:
    """Nested lists as a ragged tensor.

    Args:
      pylist: lists of lists of values; all values equally deep.
      dtype: of the values; default what they need.
      ragged_rank: how many axes are ragged; default all but the first.
      inner_shape: the shape of what is inside; default () or what ragged_rank leaves.
      row_splits_dtype: int32 or int64.

    Returns:
      A RaggedTensor; a tensor where nothing is ragged.

    Raises:
      ValueError: values are not equally deep.

    Example:
      >>> nf.ragged.constant([[1, 2], [3]])
      <nf.RaggedTensor [[1, 2], [3]]>
    """
    splits_dtype = dtypes.as_dtype(row_splits_dtype)
    depth = _depth(pylist)
    inner = (
        None if inner_shape is None else static_shape(inner_shape, "ragged.constant", "inner_shape")
    )
    if ragged_rank is None:
        ragged_rank = max(0, depth - 1 - len(inner or ()))
    ragged_rank = static_int(ragged_rank, "ragged.constant", "ragged_rank")
    if not 0 <= ragged_rank <= max(0, depth - 1):
        problem = f"ragged_rank is {ragged_rank}; lists {depth} deep take 0 to {max(0, depth - 1)}"
        raise ValueError(explain("ragged.constant", problem))
    values, lengths = pylist, []
    for _ in builtins.range(ragged_rank):
        lengths.append([len(row) for row in values])
        values = [v for row in values for v in row]
    want = None if dtype is None else dtypes.as_dtype(dtype)
    shape = None if inner is None else (len(values), *inner) if depth else inner
    if depth and not len(values):
        empty = (want or dtypes.float32).numpy
        made: Any = creation.constant(np.zeros((0, *(inner or ())), empty), want)
    else:
        made = creation.constant(values, want, shape)
    for row_lengths in reversed(lengths):
        ends = np.concatenate([[0], np.cumsum(row_lengths, dtype=np.int64)])
        splits = creation.constant(ends.astype(splits_dtype.numpy))
        made = RaggedTensor(made, splits, internal=True)
    return made


def _depth(value: Any) -> int:
    """How deep the lists are.

    Raises:
      ValueError: not everywhere equally.
    """
    if isinstance(value, np.ndarray):
        return value.ndim
    if not isinstance(value, list | tuple):
        return 0
    inner = {_depth(v) for v in value}
    # an empty list fits lists of any depth
    deep = {d for d, v in ((_depth(v), v) for v in value) if not _is_empty(v)} or inner
    if len(deep) > 1 or (deep and max(inner) > max(deep)):
        raise ValueError(explain("ragged.constant", "the values are not equally deep in the lists"))
    return 1 + max(deep, default=0)


def _is_empty(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_empty, value))


# --- range, stack -----------------------------------------------------------------------------


def range(
    starts: TensorLike,
    limits: Any = None,
    deltas: TensorLike = 1,
    dtype: Any = None,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> RaggedTensor:
    """Row i counts from starts[i] by deltas[i] up to, but without, limits[i].

    Args:
      starts, limits, deltas: numbers of one dtype, [rows] or scalars; without limits starts are
        the limits, and rows count from 0.

    Raises:
      InvalidArgumentError: a delta is 0.
      ShapeError: the arguments have different lengths.

    Example:
      >>> nf.ragged.range([0, 5, 8], [3, 3, 12])
      <nf.RaggedTensor [[0, 1, 2], [], [8, 9, 10, 11]]>
    """
    op = "ragged.range"
    if limits is None:
        starts, limits = 0, starts
    want = None if dtype is None else dtypes.as_dtype(dtype)
    given = [as_tensor(v, None, op) for v in (starts, limits, deltas)]
    if want is None:
        want = max((t.dtype for t in given), key=lambda d: (d.is_floating, d.size))
    first, last, step = (maths.cast(t, want) for t in given)
    sizes = {t.spec.shape[0] for t in (first, last, step) if t.spec.rank}
    if len(sizes) > 1 or any(t.spec.rank > 1 for t in (first, last, step)):
        shown = {"starts": first.spec, "limits": last.spec, "deltas": step.spec}
        raise ShapeError(explain(op, "they must be scalars or vectors of one length", shown))
    rows = sizes.pop() if sizes else 1
    first, last, step = (shaping.broadcast_to(t, (rows,)) for t in (first, last, step))
    check(reductions.reduce_all(comparisons.not_equal(step, 0)), op, "deltas must not be 0", step)
    counted = dtypes.as_dtype(row_splits_dtype)
    if not counted.is_integer:
        raise DTypeError(explain(op, f"row_splits_dtype is {counted.name}, not an integer"))
    span = maths.cast(last - first, dtypes.float64) / maths.cast(step, dtypes.float64)
    lengths = maths.cast(maths.maximum(powers.ceil(span), 0.0), counted)
    splits = splits_of(lengths)
    (total,) = run_time.sizes_of(shaping.reshape(splits[-1], (1,)))
    place = creation.iota((total,), 0, counted) - rearrange.repeat(splits[:-1], lengths)
    values = rearrange.repeat(first, lengths) + maths.cast(place, want) * rearrange.repeat(
        step, lengths
    )
    return RaggedTensor(values, splits, internal=True)


def stack(values: Sequence[Any], axis: int = 0, name: str | None = None) -> Any:
    """Tensors and ragged tensors beside each other, as a ragged one that is one axis deeper.

    Args:
      values: of one dtype and rank; their sizes may differ.
      axis: the new one.

    Raises:
      ValueError: values is empty.
      ShapeError: the numbers of axes differ.

    Example:
      >>> nf.ragged.stack([nf.constant([1, 2]), nf.constant([3])])
      <nf.RaggedTensor [[1, 2], [3]]>
    """
    values = plain.items(values, "ragged.stack", "values")
    axis = static_int(axis, "ragged.stack", "axis")
    if not values:
        raise ValueError(explain("ragged.stack", "it takes at least one value"))
    parts: list[Any] = [
        v if isinstance(v, RaggedTensor) else as_tensor(v, None, "ragged.stack", f"values[{k}]")
        for k, v in enumerate(values)
    ]
    rank = len(parts[0].shape)
    if axis == 0 and rank == 1 and all(len(v.shape) == 1 for v in parts):
        lengths = joining.stack([shaping.size_tensor(v.spec.shape[0], dtypes.int64) for v in parts])
        return RaggedTensor(joining.concat(parts, 0), splits_of(lengths), internal=True)
    if rank == 0:
        return joining.stack(parts, axis)
    if rank == 1:
        return joining.stack(parts, axis)
    ragged = [
        v if isinstance(v, RaggedTensor) else RaggedTensor.from_tensor(v, ragged_rank=rank - 1)
        for v in parts
    ]
    return places.stack(ragged, axis)


def boolean_mask(data: Any, mask: Any, name: str | None = None) -> Any:
    """What of each row mask keeps: the rows stay, and get shorter.

    Args:
      data: a tensor, or ragged.
      mask: bools of data's rows and columns: a tensor, or ragged alike.

    Example:
      >>> x = nf.ragged.constant([[1, 2, 3], [4]])
      >>> nf.ragged.boolean_mask(x, nf.ragged.constant([[True, False, True], [False]]))
      <nf.RaggedTensor [[1, 3], []]>
    """
    if not isinstance(mask, RaggedTensor):
        chosen = as_tensor(mask, None, "ragged.boolean_mask", "mask")
        if chosen.spec.rank == 1 and not isinstance(data, RaggedTensor):
            return indexing.boolean_mask(data, chosen)
        if chosen.spec.rank == 1:
            return places.gather(data, indexing.boolean_mask(_numbers(data), chosen))
        if chosen.spec.rank == 0:
            problem = "a mask is a scalar; it takes 1 axis and more"
            raise ShapeError(explain("ragged.boolean_mask", problem, {"mask": chosen.spec}))
        mask = RaggedTensor.from_tensor(chosen, ragged_rank=chosen.spec.rank - 1)
    rows = data if isinstance(data, RaggedTensor) else RaggedTensor.from_tensor(data)
    if isinstance(mask.values, RaggedTensor):
        return rows.with_values(boolean_mask(rows.values, mask.values))
    kept = same_rows(places.outline(rows), mask)
    counts = segments.unsorted_segment_sum(
        maths.cast(kept, rows.row_splits.dtype),
        rows.value_rowids(),
        rows.row_splits.spec.shape[0] - 1,
    )
    values = boolean_mask(rows.values, kept)
    return RaggedTensor(values, splits_of(counts), internal=True)


def _numbers(x: RaggedTensor) -> Tensor:
    """Of the rows."""
    return creation.iota((x.row_splits.spec.shape[0] - 1,), 0, dtypes.int64)


# --- over values -------------------------------------------------------------------------------


def map_flat_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """op of the flat values of all ragged arguments, with their rows.

    Raises:
      InvalidArgumentError: op changes the number of values.
      ShapeError: the rows of two arguments differ.

    Example:
      >>> x = nf.ragged.constant([[1, 2], [3]])
      >>> nf.ragged.map_flat_values(lambda v: v * 10, x)
      <nf.RaggedTensor [[10, 20], [30]]>
    """
    everything = [*args, *kwargs.values()]
    model = next((v for v in everything if isinstance(v, RaggedTensor)), None)
    if model is None:
        return op(*args, **kwargs)

    def flat(v: Any) -> Any:
        return same_rows(model, v) if isinstance(v, RaggedTensor) else v

    found = op(*map(flat, args), **{k: flat(v) for k, v in kwargs.items()})
    if found.spec.shape[:1] != model.flat_values.spec.shape[:1]:
        shown = {"values": model.flat_values.spec, "result": found.spec}
        problem = "the function must keep the number of values"
        raise InvalidArgumentError(explain("ragged.map_flat_values", problem, shown))
    return model.with_flat_values(found)


# --- splits and ids ------------------------------------------------------------------------------


def row_splits_to_segment_ids(
    splits: TensorLike, name: str | None = None, out_type: Any = None
) -> Tensor:
    """The row of each value: splits [rows + 1] to ids [splits[-1]].

    Example:
      >>> nf.ragged.row_splits_to_segment_ids([0, 3, 3, 5]).numpy().tolist()
      [0, 0, 0, 2, 2]
    """
    op = "ragged.row_splits_to_segment_ids"
    kind = dtypes.int64 if out_type is None else out_type
    ends = partition(op, maths.cast(as_tensor(splits), kind), "splits")
    if ends.spec.shape[0] == 0:
        raise ShapeError(explain(op, "splits is empty; it holds at least a 0"))
    rows = creation.iota((ends.spec.shape[0] - 1,), 0, ends.dtype)
    return rearrange.repeat(rows, ends[1:] - ends[:-1])


def segment_ids_to_row_splits(
    segment_ids: TensorLike,
    num_segments: Any = None,
    out_type: Any = None,
    name: str | None = None,
) -> Tensor:
    """Where rows begin and end, of ids that never fall: [rows + 1].

    Example:
      >>> nf.ragged.segment_ids_to_row_splits([0, 0, 0, 2, 2]).numpy().tolist()
      [0, 3, 3, 5]
    """
    ids = maths.cast(as_tensor(segment_ids), dtypes.int64 if out_type is None else out_type)
    made = RaggedTensor.from_value_rowids(ids, ids, num_segments, validate=False)
    return made.row_splits
