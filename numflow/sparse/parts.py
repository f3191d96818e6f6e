"""tf.sparse: other shapes, parts, and what is made of sparse tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numflow import dtypes
from numflow.errors import ArgumentError, InvalidArgumentError, ShapeError, explain
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, creation, indexing, joining, plain, run_time, segments
from numflow.ops import linalg as products
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_ints, static_size
from numflow.shapes import Size, as_number, product
from numflow.sparse.tensor import (
    SparseTensor,
    axis_of,
    check,
    check_inside,
    kept,
    keys_of,
    ordered,
    places_of,
    rank_of,
    sizes_of,
    sparse,
    to_dense,
)

# --- other shapes ---------------------------------------------------


def transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> SparseTensor:
    """The axes in another order; default reversed.

    Example:
      >>> nf.sparse.transpose(nf.SparseTensor([[0, 1]], [5], [2, 3])).indices.numpy().tolist()
      [[1, 0]]
    """
    x = sparse("sparse.transpose", sp_input)
    rank = rank_of(x)
    order = [*range(rank)][::-1]
    if perm is not None:
        order = [*static_ints(perm, "sparse.transpose", "perm")]
    if sorted(k % max(rank, 1) for k in order) != [*range(rank)]:
        raise ShapeError(explain("sparse.transpose", f"perm {order} is no order of {rank} axes"))
    at = as_tensor(order, dtypes.int64)
    places = indexing.gather(x.indices, at, axis=1)
    return ordered(SparseTensor(places, x.values, indexing.gather(x.dense_shape, at)))


def reshape(sp_input: Any, shape: Any, name: str | None = None) -> SparseTensor:
    """The same elements, counted through another shape; one size may be -1.

    Raises:
      ShapeError: the shape has not as many places.

    Example:
      >>> x = nf.SparseTensor([[1, 2]], [5], [3, 4])
      >>> nf.sparse.reshape(x, [2, -1]).indices.numpy().tolist()
      [[1, 0]]
    """
    x = sparse("sparse.reshape", sp_input)
    whole = product(sizes_of(x))
    wanted = [as_number(n, "sparse.reshape") for n in static_ints(shape, "sparse.reshape", "shape")]
    if wanted.count(-1) == 1:
        rest = math.prod(n for n in wanted if n != -1)
        places = whole if isinstance(whole, int) else int(Size(whole))
        wanted[wanted.index(-1)] = places // rest if rest else 0
    if isinstance(whole, int) and math.prod(wanted) != whole:
        problem = f"{whole} places do not become {wanted}"
        raise ShapeError(explain("sparse.reshape", problem))
    sizes = as_tensor(wanted, dtypes.int64)
    return SparseTensor(places_of(keys_of(x), sizes), x.values, sizes)


def expand_dims(sp_input: Any, axis: Any = None, name: str | None = None) -> SparseTensor:
    """One more axis of size 1, before axis; default at the end.

    Example:
      >>> nf.sparse.expand_dims(nf.SparseTensor([[1]], [5], [3]), 0).indices.numpy().tolist()
      [[0, 1]]
    """
    x = sparse("sparse.expand_dims", sp_input)
    rank = rank_of(x)
    at = axis_of("sparse.expand_dims", -1 if axis is None else axis, rank + 1)
    column = shaping.zeros((x.indices.spec.shape[0], 1), dtypes.int64)
    one = shaping.ones((1,), dtypes.int64)
    return SparseTensor(
        joining.concat([x.indices[:, :at], column, x.indices[:, at:]], 1),
        x.values,
        joining.concat([x.dense_shape[:at], one, x.dense_shape[at:]], 0),
    )


def reset_shape(sp_input: Any, new_shape: Any = None, name: str | None = None) -> SparseTensor:
    """Another dense_shape; default the smallest that holds all elements.

    Raises:
      InvalidArgumentError: an element stands outside of it.

    Example:
      >>> nf.sparse.reset_shape(nf.SparseTensor([[1]], [5], [9])).dense_shape.numpy().tolist()
      [2]
    """
    x = sparse("sparse.reset_shape", sp_input)
    if new_shape is None:
        none = shaping.zeros((1, rank_of(x)), dtypes.int64) - 1
        sizes = reductions.reduce_max(joining.concat([none, x.indices], 0), 0) + 1
        return SparseTensor(x.indices, x.values, sizes)
    made = SparseTensor(x.indices, x.values, new_shape)
    check_inside("sparse.reset_shape", made)
    return made


# --- parts ---------------------------------------------------


def concat(
    axis: Any,
    sp_inputs: Sequence[Any],
    expand_nonconcat_dims: bool = False,
    name: str | None = None,
) -> SparseTensor:
    """Sparse tensors behind one another along an axis; their other sizes are equal.

    Args:
      expand_nonconcat_dims: other sizes may differ: the largest counts.

    Example:
      >>> x = nf.SparseTensor([[0]], [5], [2])
      >>> nf.sparse.concat(0, [x, x]).indices.numpy().tolist()
      [[0], [2]]
    """
    op = "sparse.concat"
    parts = [
        sparse(op, x, f"sp_inputs[{k}]")
        for k, x in enumerate(plain.items(sp_inputs, op, "sp_inputs"))
    ]
    if not parts:
        raise ValueError(explain(op, "sp_inputs is empty"))
    rank = rank_of(parts[0])
    if any(rank_of(x) != rank for x in parts):
        raise ShapeError(explain(op, "the numbers of axes differ"))
    at = axis_of(op, axis, rank)
    along = as_tensor([int(k == at) for k in range(rank)], dtypes.int64)
    sizes = parts[0].dense_shape
    for x in parts[1:]:
        if plain.flag(expand_nonconcat_dims, op, "expand_nonconcat_dims"):
            sizes = maths.maximum(sizes, x.dense_shape)
        else:
            same = comparisons.equal(sizes * (1 - along), x.dense_shape * (1 - along))
            check(reductions.reduce_all(same), op, "other sizes differ", x.dense_shape)
    begin = shaping.zeros((rank,), dtypes.int64)
    places = []
    for x in parts:
        places.append(x.indices + begin)
        begin = begin + x.dense_shape * along
    values = joining.concat([x.values for x in parts], 0)
    shape = sizes * (1 - along) + begin
    return ordered(SparseTensor(joining.concat(places, 0), values, shape))


def slice(
    sp_input: Any, start: TensorLike, size: TensorLike, name: str | None = None
) -> SparseTensor:
    """The part that begins at start, of that size at most.

    Example:
      >>> x = nf.SparseTensor([[0], [2]], [1, 5], [3])
      >>> nf.sparse.slice(x, [1], [5]).dense_shape.numpy().tolist()
      [2]
    """
    x = sparse("sparse.slice", sp_input)
    begin = maths.cast(as_tensor(start), dtypes.int64)
    end = maths.minimum(begin + maths.cast(as_tensor(size), dtypes.int64), x.dense_shape)
    inside = reductions.reduce_all((x.indices >= begin) & (x.indices < end), 1)
    part = kept(x, inside)
    shape = maths.maximum(end - begin, 0)
    return SparseTensor(part.indices - begin, part.values, shape)


def split(
    sp_input: Any = None, num_split: Any = None, axis: Any = None, name: str | None = None
) -> list[SparseTensor]:
    """num_split parts along an axis; the first ones are longer where it does not divide.

    Example:
      >>> x = nf.SparseTensor([[0], [2]], [1, 5], [3])
      >>> [part.values.numpy().tolist() for part in nf.sparse.split(x, 2, 0)]
      [[1], [5]]
    """
    op = "sparse.split"
    x = sparse(op, sp_input)
    rank, parts = rank_of(x), plain.whole(num_split, op, "num_split")
    at = axis_of(op, axis, rank)
    n = sizes_of(x)[at]
    if not isinstance(n, int) or not 1 <= parts <= n:
        raise InvalidArgumentError(explain(op, f"an axis of {n} has no {parts} parts"))
    out, begin = [], 0
    for k in range(parts):
        length = n // parts + (k < n % parts)
        start = [begin if axis_k == at else 0 for axis_k in range(rank)]
        along = as_tensor([int(axis_k == at) for axis_k in range(rank)], dtypes.int64)
        out.append(
            slice(x, as_tensor(start, dtypes.int64), x.dense_shape * (1 - along) + along * length)
        )
        begin += length
    return out


def retain(sp_input: Any, to_retain: TensorLike) -> SparseTensor:
    """Only the elements where to_retain, bools [n], is true.

    Example:
      >>> x = nf.SparseTensor([[0], [2]], [1, 5], [3])
      >>> nf.sparse.retain(x, [False, True]).values.numpy().tolist()
      [5]
    """
    x = sparse("sparse.retain", sp_input)
    which = as_tensor(to_retain, dtypes.bool, "sparse.retain", "to_retain")
    if which.spec.shape != x.values.spec.shape:
        shown = {"to_retain": which.spec, "values": x.values.spec}
        raise ShapeError(explain("sparse.retain", "there must be one for each value", shown))
    return kept(x, which)


def mask(a: Any, mask_indices: TensorLike, name: str | None = None) -> IndexedSlices:
    """IndexedSlices without the rows whose indices are among mask_indices.

    Example:
      >>> x = nf.IndexedSlices(nf.ones((2, 1)), nf.constant([1, 4]))
      >>> nf.sparse.mask(x, [1]).indices.numpy().tolist()
      [4]
    """
    if not isinstance(a, IndexedSlices):
        problem = f"a must be IndexedSlices, not {type(a).__name__}"
        raise ArgumentError(explain("sparse.mask", problem))
    gone = as_tensor(mask_indices, a.indices.dtype, "sparse.mask", "mask_indices")
    same = comparisons.equal(shaping.expand_dims(a.indices, 1), gone)
    place = run_time.positions(selections.logical_not(reductions.reduce_any(same, 1)))
    return IndexedSlices(
        indexing.gather(a.values, place), indexing.gather(a.indices, place), a.dense_shape
    )


# --- what is made and filled ---------------------------------------------------


def eye(
    num_rows: Any, num_columns: Any = None, dtype: Any = dtypes.float32, name: str | None = None
) -> SparseTensor:
    """Ones on the diagonal of a matrix.

    Example:
      >>> nf.sparse.eye(2, 3).indices.numpy().tolist()
      [[0, 0], [1, 1]]
    """
    op = "sparse.eye"
    rows = as_number(static_size(num_rows, op, "num_rows"), op)
    columns = rows
    if num_columns is not None:
        columns = as_number(static_size(num_columns, op, "num_columns"), op)
    line = creation.iota((min(rows, columns),), 0, dtypes.int64)
    values = shaping.ones((min(rows, columns),), dtypes.as_dtype(dtype))
    return SparseTensor(
        joining.stack([line, line], 1), values, as_tensor([rows, columns], dtypes.int64)
    )


def fill_empty_rows(
    sp_input: Any, default_value: TensorLike, name: str | None = None
) -> tuple[SparseTensor, Tensor]:
    """Every row without an element gets default_value at its place 0.

    Args:
      sp_input: with 2 axes.
      default_value: a scalar.

    Returns:
      (the filled one, bools [rows]: which rows were empty)

    Example:
      >>> x = nf.SparseTensor([[0, 1]], [5], [2, 3])
      >>> filled, empty = nf.sparse.fill_empty_rows(x, 7)
      >>> filled.values.numpy().tolist(), empty.numpy().tolist()
      ([5, 7], [False, True])
    """
    op = "sparse.fill_empty_rows"
    x = sparse(op, sp_input)
    if rank_of(x) != 2:
        raise ShapeError(explain(op, f"it has {rank_of(x)} axes; it takes 2"))
    rows = sizes_of(x)[0]
    row = x.indices[:, 0]
    empty = comparisons.equal(segments.unsorted_segment_sum(shaping.ones_like(row), row, rows), 0)
    missing = run_time.positions(empty)
    places = joining.stack([missing, shaping.zeros_like(missing)], 1)
    fill = maths.cast(as_tensor(default_value, x.dtype, op, "default_value"), x.dtype)
    more = shaping.fill((missing.spec.shape[0],), fill)
    everything = SparseTensor(
        joining.concat([x.indices, places], 0),
        joining.concat([x.values, more], 0),
        x.dense_shape,
    )
    return ordered(everything), empty


def to_indicator(sp_input: Any, vocab_size: Any, name: str | None = None) -> Tensor:
    """Bools [..., vocab_size]: whether the value v is among those of a row.

    Args:
      sp_input: int32 or int64 [..., n], its values below vocab_size.

    Example:
      >>> x = nf.SparseTensor([[0, 0], [1, 0]], [2, 1], [2, 1])
      >>> nf.sparse.to_indicator(x, 3).numpy().tolist()
      [[False, False, True], [False, True, False]]
    """
    op = "sparse.to_indicator"
    x = sparse(op, sp_input)
    size = plain.whole(vocab_size, op, "vocab_size", least=0)
    value = maths.cast(x.values, dtypes.int64)
    places = joining.concat([x.indices[:, :-1], shaping.expand_dims(value, 1)], 1)
    sizes = joining.concat([x.dense_shape[:-1], as_tensor([size], dtypes.int64)], 0)
    there = SparseTensor(places, shaping.ones((value.spec.shape[0],), dtypes.bool), sizes)
    return to_dense(there, False, validate_indices=False)


def sampled_addmm(
    indices: TensorLike,
    values: TensorLike,
    dense_shape: TensorLike,
    mat1: TensorLike,
    mat2: TensorLike,
    beta: Any = 1.0,
    alpha: Any = 1.0,
    output_type: Any = dtypes.float32,
) -> tuple[Tensor, Tensor, Tensor]:
    """alpha (mat1 @ mat2) + beta x at the places of a sparse matrix x only.

    Example:
      >>> _, found, _ = nf.sparse.sampled_addmm(
      ...     [[0, 1]], [1.0], [2, 2], nf.ones((2, 3)), nf.ones((3, 2)))
      >>> found.numpy().tolist()
      [4.0]
    """
    x = SparseTensor(indices, values, dense_shape)
    rows = indexing.gather(as_tensor(mat1), x.indices[:, 0])
    columns = indexing.gather(products.matrix_transpose(mat2), x.indices[:, 1])
    found = alpha * reductions.reduce_sum(rows * columns, 1) + beta * x.values
    kept_indices = as_tensor(indices)
    return kept_indices, maths.cast(found, dtypes.as_dtype(output_type)), as_tensor(dense_shape)
