"""tf.sparse: sums, products, folds, parts and rearrangements of sparse tensors."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import ArgumentError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, indexing, joining, plain, run_time, segments, signs
from numflow.ops import linalg as products
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import scatter as scattering
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_ints
from numflow.shapes import product
from numflow.sparse.tensor import (
    SparseTensor,
    axis_of,
    check,
    check_inside,
    groups,
    kept,
    keys_of,
    ordered,
    places_of,
    rank_of,
    sizes_of,
    sparse,
)


def _same_sizes(op: str, x: SparseTensor, y: SparseTensor) -> None:
    if rank_of(x) != rank_of(y):
        raise ShapeError(explain(op, f"it has {rank_of(x)} and {rank_of(y)} axes"))
    same = reductions.reduce_all(comparisons.equal(x.dense_shape, y.dense_shape))
    check(same, op, "the dense shapes differ", y.dense_shape)


# --- two of them ---------------------------------------------------


def _merged(op: str, x: SparseTensor, y: SparseTensor) -> tuple[SparseTensor, Any, Any, Tensor]:
    """Both behind one another in order: (all, group numbers, their count, where one begins)."""
    _same_sizes(op, x, y)
    both = SparseTensor(
        joining.concat([x.indices, y.indices], 0),
        joining.concat([x.values, y.values], 0),
        x.dense_shape,
    )
    everything = ordered(both)
    begins, numbers, count = groups(keys_of(everything))
    return everything, numbers, count, begins


def add(a: Any, b: Any, threshold: Any = 0) -> Any:
    """a + b.

    Args:
      a, b: at least one sparse; the other sparse too, or a tensor of its shape.
      threshold: of two sparse ones, sums below it in absolute value are left out.

    Returns:
      A SparseTensor of two, else a tensor.

    Example:
      >>> x = nf.SparseTensor([[0], [2]], [1.0, 2.0], [3])
      >>> nf.sparse.add(x, x).values.numpy().tolist()
      [2.0, 4.0]
    """
    op = "sparse.add"
    if not isinstance(a, SparseTensor) and not isinstance(b, SparseTensor):
        raise TypeError(explain(op, "neither a nor b is a SparseTensor"))
    if not (isinstance(a, SparseTensor) and isinstance(b, SparseTensor)):
        some, dense = (a, b) if isinstance(a, SparseTensor) else (b, a)
        check_inside(op, some)
        return scattering.tensor_scatter_nd_add(dense, some.indices, some.values)
    everything, numbers, count, begins = _merged(op, a, b)
    total = segments.unsorted_segment_sum(everything.values, numbers, count)
    first = run_time.positions(begins)
    made = SparseTensor(indexing.gather(everything.indices, first), total, a.dense_shape)
    limit = as_tensor(threshold)
    if isinstance(threshold, int | float) and not threshold:
        return made
    return kept(made, signs.abs(total) >= maths.cast(limit, signs.abs(total).dtype))


def _extreme(op: str, a: Any, b: Any, larger: bool) -> SparseTensor:
    """The larger or smaller element at every place; where one has none, it is 0."""
    x, y = sparse(op, a, "sp_a"), sparse(op, b, "sp_b")
    everything, numbers, count, begins = _merged(op, x, y)
    fold = segments.unsorted_segment_max if larger else segments.unsorted_segment_min
    best = fold(everything.values, numbers, count)
    alone = comparisons.equal(
        segments.unsorted_segment_sum(shaping.ones_like(numbers), numbers, count), 1
    )
    beside = maths.maximum if larger else maths.minimum
    best = selections.where(alone, beside(best, shaping.zeros_like(best)), best)
    first = run_time.positions(begins)
    return SparseTensor(indexing.gather(everything.indices, first), best, x.dense_shape)


def maximum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """The larger element at every place of two sparse tensors; what is not there is 0.

    Example:
      >>> x = nf.SparseTensor([[0]], [-1], [2])
      >>> nf.sparse.maximum(x, nf.SparseTensor([[1]], [3], [2])).values.numpy().tolist()
      [0, 3]
    """
    return _extreme("sparse.maximum", sp_a, sp_b, True)


def minimum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """The smaller element at every place of two sparse tensors; what is not there is 0.

    Example:
      >>> x = nf.SparseTensor([[0]], [-1], [2])
      >>> nf.sparse.minimum(x, nf.SparseTensor([[1]], [3], [2])).values.numpy().tolist()
      [-1, 0]
    """
    return _extreme("sparse.minimum", sp_a, sp_b, False)


def sparse_dense_matmul(
    sp_a: Any,
    b: TensorLike,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of a sparse and a dense matrix, whichever comes first.

    Args:
      sp_a: [m, k]; [k, m] with adjoint_a. Real.
      b: [k, n]; [n, k] with adjoint_b.

    Returns:
      [m, n], dense; time and memory follow the number of elements times n.

    Raises:
      ShapeError: no matrices, or sizes that do not fit.

    Example:
      >>> x = nf.SparseTensor([[0, 1]], [2.0], [2, 2])
      >>> nf.sparse.sparse_dense_matmul(x, [[1.0], [5.0]]).numpy().tolist()
      [[10.0], [0.0]]
    """
    op = "sparse.sparse_dense_matmul"
    adjoint_a = plain.flag(adjoint_a, op, "adjoint_a")
    adjoint_b = plain.flag(adjoint_b, op, "adjoint_b")
    if isinstance(b, SparseTensor):  # (dense @ sparse)^T = sparse^T @ dense^T
        if isinstance(sp_a, SparseTensor):
            raise ArgumentError(explain(op, "one of sp_a and b must be dense"))
        turned = sparse_dense_matmul(b, sp_a, not adjoint_b, not adjoint_a)
        return products.matrix_transpose(turned)
    x = sparse(op, sp_a, "sp_a")
    dense = as_tensor(b, None, op, "b")
    if rank_of(x) != 2 or dense.spec.rank != 2:
        raise ShapeError(explain(op, f"it takes matrices: {rank_of(x)} and {dense.spec.rank} axes"))
    if adjoint_b:
        dense = products.matrix_transpose(dense, conjugate=dense.dtype.is_complex)
    sizes = sizes_of(x)
    row, column = (1, 0) if adjoint_a else (0, 1)
    if all(isinstance(n, int) for n in (sizes[column], dense.spec.shape[0])):
        if sizes[column] != dense.spec.shape[0]:
            problem = f"inner sizes differ: {sizes[column]} and {dense.spec.shape[0]}"
            raise ShapeError(explain(op, problem, {"b": dense.spec}))
    check_inside(op, x)
    dense = shaping.identity(dense)  # no variable: its gradient is dense, as in TensorFlow
    rows = indexing.gather(dense, x.indices[:, column]) * shaping.expand_dims(x.values, 1)
    return segments.unsorted_segment_sum(rows, x.indices[:, row], sizes[row])


# --- folds ---------------------------------------------------


def _fold(op: str, value: Any, axis: Any, keepdims: Any, output_is_sparse: bool, how: str) -> Any:
    x = sparse(op, value)
    rank = rank_of(x)
    given = range(rank) if axis is None else static_ints(axis, op, "axis")
    gone = sorted({axis_of(op, k, rank) for k in given})
    left = [k for k in range(rank) if k not in gone]
    keepdims = plain.flag(keepdims, op, "keepdims")
    output_is_sparse = plain.flag(output_is_sparse, op, "output_is_sparse")
    check_inside(op, x)
    sizes = sizes_of(x)
    part = SparseTensor(
        indexing.gather(x.indices, as_tensor(left, dtypes.int64), axis=1),
        x.values,
        indexing.gather(x.dense_shape, as_tensor(left, dtypes.int64)),
    )
    fold = segments.unsorted_segment_sum if how == "sum" else segments.unsorted_segment_max
    if output_is_sparse:
        part = ordered(part)
        begins, numbers, groups_there = groups(keys_of(part))
        found = fold(part.values, numbers, groups_there)
        first = run_time.positions(begins)
        places, shape = indexing.gather(part.indices, first), part.dense_shape
        if keepdims:
            keys = keys_of(SparseTensor(places, found, shape))
            ones = [1 if k in gone else sizes[k] for k in range(rank)]
            shape = as_tensor(ones, dtypes.int64)
            places = places_of(keys, shape)
        return SparseTensor(places, found, shape)
    count = product([sizes[k] for k in left])
    keys = keys_of(part)
    found = fold(part.values, keys, count)
    if how == "max":  # where there is nothing, 0
        there = segments.unsorted_segment_sum(shaping.ones_like(keys), keys, count) > 0
        found = selections.where(there, found, shaping.zeros_like(found))
    shape_left = [1 if k in gone else sizes[k] for k in range(rank) if keepdims or k in left]
    return shaping.reshape(found, shape_left)


def reduce_sum(
    sp_input: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    output_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """Sums over axes, all by default: a tensor, or sparse if asked for.

    Example:
      >>> x = nf.SparseTensor([[0, 0], [1, 2]], [1.0, 2.0], [3, 4])
      >>> nf.sparse.reduce_sum(x, 1).numpy().tolist()
      [1.0, 2.0, 0.0]
    """
    return _fold("sparse.reduce_sum", sp_input, axis, keepdims, output_is_sparse, "sum")


def reduce_max(
    sp_input: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    output_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """The largest of the elements that are there, over axes; 0 where there is none.

    Example:
      >>> x = nf.SparseTensor([[0, 0], [1, 2]], [-1.0, 2.0], [3, 4])
      >>> nf.sparse.reduce_max(x, 1).numpy().tolist()
      [-1.0, 2.0, 0.0]
    """
    return _fold("sparse.reduce_max", sp_input, axis, keepdims, output_is_sparse, "max")


def softmax(sp_input: Any, name: str | None = None) -> SparseTensor:
    """Softmax over the elements that are there, along the last axis.

    Example:
      >>> nf.sparse.softmax(nf.SparseTensor([[0, 0], [0, 2]], [1.0, 1.0], [1, 3])).values.numpy()
      array([0.5, 0.5], dtype=float32)
    """
    x = sparse("sparse.softmax", sp_input)
    if rank_of(x) < 2:
        raise ShapeError(
            explain("sparse.softmax", f"it has {rank_of(x)} axes; it takes 2 and more")
        )
    sizes = sizes_of(x)
    rows = SparseTensor(x.indices[:, :-1], x.values, x.dense_shape[:-1])
    keys, count = keys_of(rows), product(sizes[:-1])
    top = indexing.gather(segments.unsorted_segment_max(x.values, keys, count), keys)
    powers = maths.exp(x.values - shaping.stop_gradient(top))
    total = indexing.gather(segments.unsorted_segment_sum(powers, keys, count), keys)
    return x.with_values(powers / total)


# --- segments of gathered rows ---------------------------------------------------


def _segments(op: str, fold: Any, data: Any, indices: Any, segment_ids: Any, count: Any) -> Tensor:
    rows = indexing.gather(data, indices)
    found: Tensor = (
        fold[0](rows, segment_ids) if count is None else fold[1](rows, segment_ids, count)
    )
    return found


def segment_sum(
    data: TensorLike,
    indices: TensorLike,
    segment_ids: TensorLike,
    num_segments: Any = None,
    name: str | None = None,
    sparse_gradient: bool = False,
) -> Tensor:
    """Sums of the rows data[indices] with equal, never falling, segment ids.

    Example:
      >>> nf.sparse.segment_sum([[1.0], [2.0], [3.0]], [0, 2], [0, 0]).numpy().tolist()
      [[4.0]]
    """
    fold = segments.segment_sum, segments.unsorted_segment_sum
    return _segments("sparse.segment_sum", fold, data, indices, segment_ids, num_segments)


def segment_mean(
    data: TensorLike,
    indices: TensorLike,
    segment_ids: TensorLike,
    num_segments: Any = None,
    name: str | None = None,
    sparse_gradient: bool = False,
) -> Tensor:
    """Means of the rows data[indices] with equal, never falling, segment ids.

    Example:
      >>> nf.sparse.segment_mean([[1.0], [2.0], [3.0]], [0, 2], [0, 0]).numpy().tolist()
      [[2.0]]
    """
    fold = segments.segment_mean, segments.unsorted_segment_mean
    return _segments("sparse.segment_mean", fold, data, indices, segment_ids, num_segments)


def segment_sqrt_n(
    data: TensorLike,
    indices: TensorLike,
    segment_ids: TensorLike,
    num_segments: Any = None,
    name: str | None = None,
    sparse_gradient: bool = False,
) -> Tensor:
    """Sums as segment_sum, each divided by the square root of the number of its rows.

    Example:
      >>> nf.sparse.segment_sqrt_n([[1.0], [2.0], [3.0], [2.0]], [0, 1, 2, 3], [0, 0, 0, 0])
      <tf.Tensor: shape=(1, 1), dtype=float32, numpy=array([[4.]], dtype=float32)>
    """
    ids = as_tensor(segment_ids)
    if num_segments is None:
        (count,) = run_time.sizes_of(shaping.reshape(maths.cast(ids[-1], dtypes.int64) + 1, (1,)))
        num_segments = count
    fold = segments.unsorted_segment_sqrt_n, segments.unsorted_segment_sqrt_n
    return _segments("sparse.segment_sqrt_n", fold, data, indices, ids, num_segments)
