"""Diagonals, bands and traces of matrices: made with the indices of rows and columns; they fuse."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, creation, rearrange, slicing
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int, static_shape
from numflow.shapes import Dim, as_number, product


def _indices(shape: Any) -> tuple[Tensor, Tensor]:
    """The row and the column of every element."""
    return creation.iota(shape, -2, dtypes.int64), creation.iota(shape, -1, dtypes.int64)


def _matrix(op: str, value: TensorLike) -> Tensor:
    x = as_tensor(value, None, op, "input")
    if x.spec.rank < 2:
        shown = {"input": x.spec}
        raise ShapeError(explain(op, f"input has rank {x.spec.rank}: matrices have 2 axes", shown))
    return x


def diag(
    diagonal: TensorLike,
    name: str = "diag",
    k: Any = 0,
    num_rows: Any = -1,
    num_cols: Any = -1,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:
    """A matrix with the elements of diagonal on its k-th diagonal, padding_value elsewhere.

    Args:
      diagonal: [..., n].
      k: which diagonal: 0 the main one, positive above it.
      num_rows, num_cols: sizes of the matrix; default square, or as small as it can be where one
        is given.
      padding_value: what stands beside.
      align: without effect on a single diagonal.

    Raises:
      ShapeError: the matrix has no such diagonal of n elements.

    Example:
      >>> nf.linalg.diag([1, 2]).numpy().tolist()
      [[1, 0], [0, 2]]
    """
    x = as_tensor(diagonal, None, "diag", "diagonal")
    offset = static_int(k, "diag", "k")
    if not x.spec.rank:
        raise ShapeError(
            explain("diag", "diagonal is a scalar: it needs an axis", {"diagonal": x.spec})
        )
    n: Any = x.spec.shape[-1]
    down, right = max(-offset, 0), max(offset, 0)
    given = [
        as_number(static_int(v, "diag", w, True), "diag")
        for v, w in ((num_rows, "num_rows"), (num_cols, "num_cols"))
    ]
    square = given == [-1, -1]
    rows = n + (down + right if square else down) if given[0] == -1 else given[0]
    columns = n + (down + right if square else right) if given[1] == -1 else given[1]
    if isinstance(n, int) and min(rows - down, columns - right) != n:
        shown = {"diagonal": x.spec, "rows, columns": (rows, columns)}
        raise ShapeError(explain("diag", f"diagonal {offset} has not {n} elements", shown))
    if isinstance(n, Dim) and isinstance(rows, int) and isinstance(columns, int):
        n = max(0, min(rows - down, columns - right))  # checked when the program runs
        x = shaping.reshape_op(x, shape=(*x.spec.shape[:-1], n))
    shape = static_shape((*x.spec.shape[:-1], rows, columns), "diag")
    row, column = _indices(shape)
    # every row holds the whole diagonal, moved to where its columns are
    spread = shaping.expand_dims(x, -2)
    if right or columns - right - n:
        pads = [[0, 0]] * x.spec.rank + [[right, columns - right - n]]
        spread = rearrange.pad(spread, pads)
    blank = maths.cast(as_tensor(padding_value), x.dtype)
    return selections.where(comparisons.equal(row + offset, column), spread, blank)


def diag_part(
    input: TensorLike,
    name: str = "diag_part",
    k: Any = 0,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:
    """The k-th diagonal of matrices [..., rows, columns]; arguments as for diag.

    Raises:
      ShapeError: input is no matrix, or has no such diagonal.

    Example:
      >>> nf.linalg.diag_part([[1, 2], [3, 4]]).numpy().tolist()
      [1, 4]
    """
    x = _matrix("diag_part", input)
    offset = static_int(k, "diag_part", "k")
    rows, columns = (as_number(n, "diag_part") for n in x.spec.shape[-2:])
    down, right = max(-offset, 0), max(offset, 0)
    n = min(rows - down, columns - right)
    if n <= 0 and (rows and columns):
        raise ShapeError(explain("diag_part", f"there is no diagonal {offset}", {"input": x.spec}))
    n = max(n, 0)
    part = slicing.getitem(x, (..., slice(down, down + n), slice(right, right + n)))
    row, column = _indices(part.spec.shape)
    kept = selections.where(comparisons.equal(row, column), part, shaping.zeros_like(part))
    return reductions.reduce_sum(kept, -1)


def trace(x: TensorLike, name: str | None = None) -> Tensor:
    """The sum of the main diagonal of matrices [..., rows, columns].

    Example:
      >>> nf.linalg.trace([[1, 2], [3, 4]]).numpy().item()
      5
    """
    matrix = _matrix("trace", x)
    row, column = _indices(matrix.spec.shape)
    kept = selections.where(comparisons.equal(row, column), matrix, shaping.zeros_like(matrix))
    return reductions.reduce_sum(kept, [-2, -1])


def band_part(input: TensorLike, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """input with zeros outside a band around the main diagonal.

    Args:
      input: [..., rows, columns].
      num_lower, num_upper: how many diagonals to keep below and above; negative: all.

    Raises:
      ShapeError: num_lower is more than the rows, or num_upper than the columns.

    Example:
      >>> nf.linalg.band_part([[1, 2], [3, 4]], -1, 0).numpy().tolist()
      [[1, 0], [3, 4]]
    """
    x = _matrix("band_part", input)
    lower = static_int(num_lower, "band_part", "num_lower")
    upper = static_int(num_upper, "band_part", "num_upper")
    for what, kept, n in (("num_lower", lower, -2), ("num_upper", upper, -1)):
        size = x.spec.shape[n]
        if isinstance(size, int) and kept > size:
            problem = (
                f"{what} is {kept}, but there are only {size} {'rows' if n == -2 else 'columns'}"
            )
            raise ShapeError(explain("band_part", problem, {"input": x.spec}))
    row, column = _indices(x.spec.shape)
    inside = comparisons.equal(row, row)
    if lower >= 0:
        inside = selections.logical_and(inside, row - column <= lower)
    if upper >= 0:
        inside = selections.logical_and(inside, column - row <= upper)
    return selections.where(inside, x, shaping.zeros_like(x))


def set_diag(
    input: TensorLike,
    diagonal: TensorLike,
    name: str = "set_diag",
    k: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:
    """input with its main diagonal replaced.

    Raises:
      ShapeError: diagonal has not the size of input's diagonal.

    Example:
      >>> nf.linalg.set_diag([[1, 2], [3, 4]], [7, 8]).numpy().tolist()
      [[7, 2], [3, 8]]
    """
    x = _matrix("set_diag", input)
    line = as_tensor(diagonal, x.dtype, "set_diag", "diagonal")
    full = diag(line, k=k, num_rows=x.spec.shape[-2], num_cols=x.spec.shape[-1])
    if full.spec.shape != x.spec.shape:
        shown = {"input": x.spec, "diagonal": line.spec}
        raise ShapeError(explain("set_diag", "the batches differ", shown))
    offset = static_int(k, "set_diag", "k")
    row, column = _indices(x.spec.shape)
    return selections.where(comparisons.equal(row + offset, column), full, x)


def tensor_diag(diagonal: TensorLike, name: str | None = None) -> Tensor:
    """A tensor of shape s + s with the elements of diagonal, of shape s, at equal indices; else 0.

    Raises:
      ShapeError: diagonal is a scalar.

    Example:
      >>> nf.linalg.tensor_diag([1, 2]).numpy().tolist()
      [[1, 0], [0, 2]]
    """
    x = as_tensor(diagonal, None, "tensor_diag", "diagonal")
    if not x.spec.rank:
        shown = {"diagonal": x.spec}
        raise ShapeError(explain("tensor_diag", "diagonal is a scalar: it needs an axis", shown))
    return shaping.reshape(diag(shaping.reshape(x, (x.spec.size,))), x.spec.shape * 2)


def tensor_diag_part(input: TensorLike, name: str | None = None) -> Tensor:
    """Of a tensor of shape s + s the elements at equal indices, of shape s.

    Raises:
      ShapeError: the two halves of the shape differ, or there are none.

    Example:
      >>> nf.linalg.tensor_diag_part([[1, 2], [3, 4]]).numpy().tolist()
      [1, 4]
    """
    x = as_tensor(input, None, "tensor_diag_part", "input")
    half = x.spec.rank // 2
    front = x.spec.shape[:half]
    if not half or front + front != x.spec.shape:
        problem = "input must have an even number of axes, both halves equal"
        raise ShapeError(explain("tensor_diag_part", problem, {"input": x.spec}))
    n = product(front)
    return shaping.reshape(diag_part(shaping.reshape(x, (n, n))), front)
