"""What tells the rows of a ragged tensor apart: row_splits, and what becomes such."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import InvalidArgumentError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import creation, joining, scan
from numflow.ops import shape as shaping
from numflow.ops.assertion import Claim, claim_holds
from numflow.ops.convert import as_tensor

SPLITS = (dtypes.int32, dtypes.int64)


def partition(op: str, value: TensorLike, name: str) -> Tensor:
    """value as what tells rows apart: int32 or int64 [...], one axis.

    Raises:
      InvalidArgumentError: another dtype.
      ShapeError: another number of axes.
    """
    x = as_tensor(value, None, op, name)
    if x.spec.rank != 1:
        raise ShapeError(explain(op, f"{name} has {x.spec.rank} axes; it takes 1", {name: x.spec}))
    if x.dtype not in SPLITS:
        problem = f"{name} is {x.dtype.name}; it takes int32 and int64"
        raise InvalidArgumentError(explain(op, problem, {name: x.spec}))
    return x


def splits_of(lengths: Tensor) -> Tensor:
    """The row_splits of rows of these lengths."""
    return joining.concat([shaping.zeros((1,), lengths.dtype), scan.cumsum(lengths)], 0)


def even_splits(x: Tensor, dtype: dtypes.DType) -> Tensor:
    """The row_splits of the second axis of a tensor."""
    rows, columns = x.spec.shape[:2]
    return creation.iota((rows + 1,), 0, dtype) * shaping.size_tensor(columns, dtype)


def check(holds: Any, op: str, problem: str, shown: Tensor) -> None:
    """Raise now, or when the program runs."""
    claim = Claim(op, (f"{op}: {problem}; got ", 0))
    claim_holds(as_tensor(holds, dtypes.bool), [shown], claim)
