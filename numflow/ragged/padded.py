"""Between ragged tensors and tensors whose short rows are filled up at their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons, creation, indexing, joining, run_time
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_shape
from numflow.ops.shape_queries import as_tensor_shape

if TYPE_CHECKING:
    from numflow.ragged.tensor import RaggedTensor


def lengths_without(padding: Any, x: Tensor, dtype: dtypes.DType) -> Tensor:
    """How long each row of x [rows, columns, ...] is up to its last element that is no padding."""
    op = "RaggedTensor.from_tensor"
    filled = comparisons.not_equal(x, as_tensor(padding, x.dtype, op, "padding"))
    if x.spec.rank > 2:
        filled = reductions.reduce_any(filled, [*range(2, x.spec.rank)])
    place = creation.iota(filled.spec.shape, 1, dtype) + 1
    ends = selections.where(filled, place, shaping.zeros_like(place))
    none = shaping.zeros((x.spec.shape[0], 1), dtype)
    return reductions.reduce_max(joining.concat([ends, none], 1), 1)


def beginnings(x: Tensor, lengths: Tensor) -> Tensor:
    """The first lengths[i] elements of each row of x, behind one another."""
    place = creation.iota(x.spec.shape[:2], 1, lengths.dtype)
    return indexing.boolean_mask(x, place < shaping.expand_dims(lengths, 1))


def filled_up(x: RaggedTensor, default_value: Any, shape: Any) -> Tensor:
    """See RaggedTensor.to_tensor."""
    flat = x.flat_values
    blank: Any = b"" if flat.dtype is dtypes.string else 0
    fill = as_tensor(blank if default_value is None else default_value)
    if fill.dtype is not flat.dtype:
        fill = maths.cast(fill, flat.dtype)
    wanted = [None] * (1 + x.ragged_rank) if shape is None else _open_sizes(shape)
    made = _filled(x, fill, wanted[1:])
    if wanted[0] is None:
        return made
    rows = int(wanted[0])
    kept = made[:rows]
    missing = rows - kept.spec.shape[0]
    more = shaping.fill((missing, *made.spec.shape[1:]), fill)
    return joining.concat([kept, more], 0)


def _open_sizes(shape: Any) -> list[Any]:
    """A shape as an argument, as its sizes, None for those that are open."""
    op = "RaggedTensor.to_tensor"
    sizes = [*as_tensor_shape(op, shape)]
    if not sizes:
        raise ShapeError(explain(op, "shape is of a scalar: at least 1 size is wanted"))
    static_shape([n for n in sizes if n is not None], op)
    return sizes


def _filled(x: RaggedTensor, fill: Tensor, wanted: list[Any]) -> Tensor:
    inner = _filled(x.values, fill, wanted[1:]) if x.ragged_rank > 1 else x.values
    dtype = dtypes.int64
    width: Any = wanted[0] if wanted else None
    if width is None:
        (width,) = run_time.sizes_of(shaping.reshape(x._width(dtype), (1,)))
    splits = x.row_splits
    rows = splits.spec.shape[0] - 1
    starts = maths.cast(splits[:-1], dtype)
    lengths = maths.cast(x.row_lengths(), dtype)
    place = creation.iota((rows, width), 1, dtype)
    # one more row, of nothing but fill, stands behind the values
    blank = shaping.fill((1, *inner.spec.shape[1:]), fill)
    last = shaping.size_tensor(inner.spec.shape[0], dtype)
    at = shaping.expand_dims(starts, 1) + place
    chosen = selections.where(place < shaping.expand_dims(lengths, 1), at, last)
    return indexing.gather(joining.concat([inner, blank], 0), chosen)
