"""Ragged tensors in other forms: axes merged, sparse tensors and back. Bound to RaggedTensor."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.ops import comparisons, creation, indexing, joining, run_time
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ragged.partition import check
from numflow.ragged.tensor import RaggedTensor
from numflow.sparse.tensor import SparseTensor


def merge_dims(self: RaggedTensor, outer_axis: int, inner_axis: int) -> Any:
    """The axes from outer_axis to inner_axis as one.

    Raises:
      ShapeError: there are no such axes.

    Example:
      >>> nf.ragged.constant([[[1, 2], [3]], [[4]]]).merge_dims(1, 2)
      <nf.RaggedTensor [[1, 2, 3], [4]]>
    """
    rank = len(self.shape)
    first, last = (at + rank if at < 0 else at for at in (outer_axis, inner_axis))
    if not 0 <= first <= last < rank:
        problem = f"outer_axis {outer_axis} and inner_axis {inner_axis} are no axes in order"
        raise ShapeError(explain("RaggedTensor.merge_dims", problem, {"shape": self.shape}))
    return _merged(self, first, last)


def _merged(x: Any, first: int, last: int) -> Any:
    if first == last:
        return x
    if not isinstance(x, RaggedTensor):
        sizes = x.spec.shape
        return shaping.reshape(x, (*sizes[:first], -1, *sizes[last + 1 :]))
    if first > 1:
        return x.with_values(_merged(x.values, first - 1, last - 1))
    inner = x.values
    if first == 0:
        return _merged(inner, 0, last - 1)
    if isinstance(inner, RaggedTensor):
        splits = indexing.gather(inner.row_splits, x.row_splits)
        joined = RaggedTensor(inner.values, splits, internal=True)
        return _merged(joined, 1, last - 1)
    width = shaping.size_tensor(inner.spec.shape[1], x.row_splits.dtype)
    flat = shaping.reshape(inner, (-1, *inner.spec.shape[2:]))
    return _merged(RaggedTensor(flat, x.row_splits * width, internal=True), 1, last - 1)


def to_sparse(self: RaggedTensor, name: str | None = None) -> SparseTensor:
    """A sparse tensor of all elements: [rows, longest row, ...].

    Raises:
      ShapeError: the values have axes that are not ragged.

    Example:
      >>> nf.sparse.to_dense(nf.ragged.constant([[1, 2], [3]]).to_sparse()).numpy().tolist()
      [[1, 2], [3, 0]]
    """
    if self.flat_values.spec.rank != 1:
        problem = "the values have axes that are not ragged: RaggedTensor.from_tensor makes them so"
        raise ShapeError(explain("RaggedTensor.to_sparse", problem, {"shape": self.shape}))
    level: Any = self
    # where each value of the level is
    columns = [creation.iota((level.row_splits.spec.shape[0] - 1,), 0, dtypes.int64)]
    while isinstance(level, RaggedTensor):
        ids = level.value_rowids()
        starts = maths.cast(level.for_each_value(level.row_starts()), dtypes.int64)
        place = creation.iota(ids.spec.shape, 0, dtypes.int64) - starts
        columns = [indexing.gather(column, ids) for column in columns] + [place]
        level = level.values
    indices = joining.stack(columns, 1)
    return SparseTensor(indices, self.flat_values, self.bounding_shape(out_type=dtypes.int64))


def from_sparse(
    cls: type[RaggedTensor],
    st_input: SparseTensor,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> RaggedTensor:
    """The rows of a sparse tensor of two axes, which begin at column 0 and have no gaps.

    Raises:
      TypeError: st_input is no SparseTensor.
      ShapeError: it has not two axes.
      InvalidArgumentError: a row has a gap, or columns out of order.

    Example:
      >>> x = nf.SparseTensor([[0, 0], [0, 1], [2, 0]], [1, 2, 3], [3, 2])
      >>> nf.RaggedTensor.from_sparse(x)
      <nf.RaggedTensor [[1, 2], [], [3]]>
    """
    op = "RaggedTensor.from_sparse"
    if not isinstance(st_input, SparseTensor):
        raise TypeError(explain(op, f"st_input is no SparseTensor but {type(st_input).__name__}"))
    if st_input.dense_shape.spec.shape[0] != 2:
        raise ShapeError(explain(op, "it takes a sparse tensor of two axes"))
    kind = dtypes.as_dtype(row_splits_dtype)
    rows, columns = st_input.indices[:, 0], st_input.indices[:, 1]
    (count,) = run_time.sizes_of(st_input.dense_shape[:1])
    made = RaggedTensor.from_value_rowids(st_input.values, maths.cast(rows, kind), count)
    place = creation.iota(columns.spec.shape, 0, dtypes.int64)
    starts = made.for_each_value(made.row_starts())
    same = comparisons.equal(place - maths.cast(starts, dtypes.int64), columns)
    dense = reductions.reduce_all(same)
    check(dense, op, "a row has a gap, or does not begin at column 0", columns)
    return made
