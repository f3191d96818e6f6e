"""Different elements, and where each one stands."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.lowering import HostCall
from numflow.graph.op import Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import indexing, run_time, slicing
from numflow.ops.checks import known_values
from numflow.ops.convert import as_tensor


def _infer(x: Spec, *, out_idx: dtypes.DType) -> tuple[Spec, ...]:
    one = Spec(x.shape, out_idx)
    return Spec(x.shape, dtypes.int64), one, one, Spec((), dtypes.int64)


def _reference(values: Any, *, out_idx: dtypes.DType) -> Any:
    """(where each different element stands first, the place of each element among these, how often
    each occurs, how many there are); the first and third are filled up with zeros."""
    _, first, places, counts = np.unique(
        values, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    order = np.argsort(first)  # NumPy's order is that of the values
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    full = np.zeros((2, len(values)), np.int64)
    full[0, : len(order)], full[1, : len(order)] = first[order], counts[order]
    return full[0], rank[places], full[1], np.int64(len(order))


unique_op = Op(
    "unique", _infer, _reference, None, HostCall("elements are told apart by NumPy's sort")
)


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
      x: [n], any dtype.
      out_idx: int32 or int64.

    Returns:
      y and idx, with x[i] == y[idx[i]]. Every nan is different.

    Raises:
      ShapeError: x is not a vector.
      DTypeError: another out_idx.

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
    known = known_values(vector)
    if known is not None:
        first, places, counts, n = _reference(known, out_idx=kind)
        idx, count = (np.asarray(a, kind.numpy) for a in (places, counts[:n]))
        return indexing.gather(vector, as_tensor(first[:n])), as_tensor(idx), as_tensor(count)
    firsts, idx, counts, number = unique_op(vector, out_idx=kind)
    (n,) = run_time.sizes_of(number)
    y = indexing.gather(vector, slicing.slice_op(firsts, begin=(0,), stride=(1,), shape=(n,)))
    return y, idx, slicing.slice_op(counts, begin=(0,), stride=(1,), shape=(n,))
