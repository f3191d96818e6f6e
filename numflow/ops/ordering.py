"""Order among elements: the largest ones, sorting, and whether a class is among the largest."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.lowering import HostCall
from numflow.graph.op import Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import finite, indexing
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.shape_rules import normal_axis

# --- argsort, sort -----------------------------------------------------------------------


def _argsort_infer(x: Spec, *, descending: bool) -> Spec:
    if not (x.dtype.is_floating or x.dtype.is_integer):
        raise DTypeError(explain("argsort", f"{x.dtype.name} has no order", {"values": x}))
    return Spec(x.shape, dtypes.int32)


def _argsort_reference(x: Any, *, descending: bool) -> Any:
    """Stable in both directions: equal elements keep their order."""
    if not descending:
        return np.argsort(x, -1, kind="stable")
    return x.shape[-1] - 1 - np.argsort(x[..., ::-1], -1, kind="stable")[..., ::-1]


argsort_op = Op(
    "argsort", _argsort_infer, _argsort_reference, None, HostCall("NumPy sorts along the last axis")
)


def argsort(
    values: TensorLike,
    axis: Any = -1,
    direction: str = "ASCENDING",
    stable: bool = False,
    name: str | None = None,
) -> Tensor:
    """The indices, int32, that sort values along an axis; equal elements keep their order.

    Args:
      values: numbers.
      axis: the axis.
      direction: "ASCENDING" or "DESCENDING".
      stable: without effect: the order is always stable.

    Raises:
      ValueError: another direction.
      ShapeError: there is no such axis.

    Example:
      >>> nf.argsort([3.0, 1.0, 2.0]).numpy().tolist()
      [1, 2, 0]
    """
    x, k, descending = _sorting("argsort", values, axis, direction)
    return _swapped(argsort_op(_swapped(x, k), descending=descending), k)


def sort(
    values: TensorLike, axis: Any = -1, direction: str = "ASCENDING", name: str | None = None
) -> Tensor:
    """values in order along an axis; arguments as for argsort.

    Example:
      >>> nf.sort([3.0, 1.0, 2.0], direction="DESCENDING").numpy().tolist()
      [3.0, 2.0, 1.0]
    """
    x, k, descending = _sorting("sort", values, axis, direction)
    last = _swapped(x, k)
    order = argsort_op(last, descending=descending)
    return _swapped(_taken(last, order), k)


def _sorting(op: str, values: TensorLike, axis: Any, direction: str) -> tuple[Tensor, int, bool]:
    x = as_tensor(values, None, op, "values")
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(
            explain(op, f"no direction {direction!r}", fix='"ASCENDING", "DESCENDING"')
        )
    (at,) = static_ints(axis, op, "axis")
    return x, normal_axis(op, at, x.spec.rank), direction == "DESCENDING"


def _swapped(x: Tensor, axis: int) -> Tensor:
    """x with an axis and its last one exchanged."""
    order = list(np.arange(x.spec.rank))
    order[axis], order[-1] = order[-1], order[axis]
    return shaping.transpose(x, [int(k) for k in order])


def _taken(x: Tensor, order: Tensor) -> Tensor:
    """Along the last axis, in each row, the elements at the row's indices."""
    return indexing.gather(x, order, axis=x.spec.rank - 1, batch_dims=x.spec.rank - 1)


# --- top_k, in_top_k ---------------------------------------------------------------------


def top_k(
    input: TensorLike,
    k: Any = 1,
    sorted: bool = True,
    index_type: Any = dtypes.int32,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The k largest elements along the last axis, largest first, and their indices.

    Args:
      input: numbers, at least 1 axis.
      k: how many; a number.
      sorted: without effect: they are always in order.
      index_type: dtype of the indices.

    Returns:
      (values, indices), both [..., k]; of equal elements the one with the lower index comes first.

    Raises:
      InvalidArgumentError: there are fewer than k elements, or k is negative.

    Example:
      >>> [t.numpy().tolist() for t in nf.math.top_k([3.0, 1.0, 7.0], 2)]
      [[7.0, 3.0], [2, 0]]
    """
    x = as_tensor(input, None, "top_k", "input")
    (count,) = static_ints(k, "top_k", "k")
    if not x.spec.rank:
        raise ShapeError(
            explain("top_k", "input is a scalar: it has no last axis", {"input": x.spec})
        )
    n = x.spec.shape[-1]
    if isinstance(n, int) and not 0 <= count <= n:
        raise InvalidArgumentError(
            explain("top_k", f"k is {count}, outside [0, {n}]", {"input": x.spec})
        )
    order = argsort_op(x, descending=True)
    order = order[..., :count]
    return _taken(x, order), maths.cast(order, index_type)


def in_top_k(
    targets: TensorLike, predictions: TensorLike, k: Any, name: str | None = None
) -> Tensor:
    """Whether each target is among the k classes with the largest predictions.

    Args:
      targets: integers [batch].
      predictions: floating [batch, classes].
      k: how many.

    Returns:
      bool [batch]; ties count as inside; False where a target is no class or a prediction of its
      row is not finite at the target.

    Raises:
      ShapeError: the shapes do not fit.

    Example:
      >>> nf.math.in_top_k([1, 0], [[0.1, 0.9], [0.2, 0.8]], 1).numpy().tolist()
      [True, False]
    """
    x = as_tensor(predictions, None, "in_top_k", "predictions")
    classes = as_tensor(targets, None, "in_top_k", "targets")
    shown = {"targets": classes.spec, "predictions": x.spec}
    if x.spec.rank != 2 or classes.spec.shape != x.spec.shape[:1]:
        raise ShapeError(
            explain("in_top_k", "targets [batch] and predictions [batch, classes]", shown)
        )
    from_zero = maths.cast(classes, dtypes.int64)
    count = shaping.size_tensor(x.spec.shape[1], dtypes.int64)
    valid = selections.logical_and(from_zero >= 0, from_zero < count)
    safe = selections.where(valid, from_zero, shaping.zeros_like(from_zero))
    own = indexing.gather(x, shaping.expand_dims(safe, 1), axis=1, batch_dims=1)
    above = reductions.reduce_sum(maths.cast(x > own, dtypes.int32), 1)
    valid = selections.logical_and(valid, finite.is_finite(shaping.squeeze(own, 1)))
    return selections.logical_and(valid, above < k)
