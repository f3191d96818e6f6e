"""Different elements, and where each one stands."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import indexing
from numflow.ops.checks import deciding_values
from numflow.ops.convert import as_tensor


class Unique(NamedTuple):
    """y: the different elements; idx: for each element of x its place in y."""

    y: Tensor
    idx: Tensor


class UniqueWithCounts(NamedTuple):
    """As Unique; count: how often each one occurs."""

    y: Tensor
    idx: Tensor
    count: Tensor  # type: ignore[assignment]  # TensorFlow's name, in place of the method of tuples


def unique(x: TensorLike, out_idx: Any = dtypes.int32, name: str | None = None) -> Unique:
    """The different elements of a vector, in the order of their first occurrence.

    Args:
      x: [n], any dtype; in a traced function, a constant.
      out_idx: int32 or int64.

    Returns:
      y and idx, with x[i] == y[idx[i]]. Every nan is different.

    Raises:
      ShapeError: x is not a vector.
      DTypeError: another out_idx.
      SymbolicTensorError: x is not known while a function is traced.

    Example:
      >>> [t.numpy().tolist() for t in nf.unique([7, 3, 7, 1])]
      [[7, 3, 1], [0, 1, 0, 2]]
    """
    y, idx, _ = _found("unique", x, out_idx)
    return Unique(y, idx)


def unique_with_counts(
    x: TensorLike, out_idx: Any = dtypes.int32, name: str | None = None
) -> UniqueWithCounts:
    """As unique, and how often each element occurs.

    Example:
      >>> nf.unique_with_counts([7, 3, 7, 1]).count.numpy().tolist()
      [2, 1, 1]
    """
    return UniqueWithCounts(*_found("unique_with_counts", x, out_idx))


def _found(op: str, x: TensorLike, out_idx: Any) -> tuple[Tensor, Tensor, Tensor]:
    vector = as_tensor(x, None, op, "x")
    kind = dtypes.as_dtype(out_idx)
    if kind not in (dtypes.int32, dtypes.int64):
        raise DTypeError(explain(op, f"out_idx is {kind.name}, not int32 or int64"))
    if vector.spec.rank != 1:
        raise ShapeError(explain(op, "x must be a vector", {"x": vector.spec}))
    values = deciding_values(op, vector, "x")
    _, first, places, counts = np.unique(
        values, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    order = np.argsort(first)  # NumPy's order is that of the values
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    y = indexing.gather(vector, as_tensor(first[order].astype(np.int64)))
    idx, count = (np.asarray(a, kind.numpy) for a in (rank[places], counts[order]))
    return y, as_tensor(idx), as_tensor(count)
