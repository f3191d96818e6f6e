"""The largest and smallest elements along an axis, by TensorFlow's names for approximate ones."""

from __future__ import annotations

from typing import Any

from numflow.errors import DTypeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import plain
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.ops.ordering import top_k
from numflow.ops.shape_rules import normal_axis


def approx_max_k(
    operand: TensorLike,
    k: Any,
    reduction_dimension: Any = -1,
    recall_target: Any = 0.95,
    reduction_input_size_override: Any = -1,
    aggregate_to_topk: Any = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """(values, int32 indices) of the k largest elements along an axis, largest first: exactly.

    Args:
      operand: floating [..., n, ...].
      k: how many.
      reduction_dimension: the axis.
      recall_target: which share of them must be found; here it is always 1.
      reduction_input_size_override, aggregate_to_topk: without effect.

    Raises:
      DTypeError: operand is not floating.
      InvalidArgumentError: there are fewer than k elements.

    Example:
      >>> [t.numpy().tolist() for t in nf.math.approx_max_k([3.0, 1.0, 7.0], 2)]
      [[7.0, 3.0], [2, 0]]
    """
    return _chosen("approx_max_k", operand, k, reduction_dimension, recall_target, False)


def approx_min_k(
    operand: TensorLike,
    k: Any,
    reduction_dimension: Any = -1,
    recall_target: Any = 0.95,
    reduction_input_size_override: Any = -1,
    aggregate_to_topk: Any = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """(values, int32 indices) of the k smallest elements; arguments as for approx_max_k.

    Example:
      >>> [t.numpy().tolist() for t in nf.math.approx_min_k([3.0, 1.0, 7.0], 2)]
      [[1.0, 3.0], [1, 0]]
    """
    return _chosen("approx_min_k", operand, k, reduction_dimension, recall_target, True)


def _chosen(
    op: str, operand: TensorLike, k: Any, axis: Any, recall: Any, smallest: bool
) -> tuple[Tensor, Tensor]:
    x = as_tensor(operand, None, op, "operand")
    if not x.dtype.is_floating:
        raise DTypeError(explain(op, f"operand is {x.dtype.name}; it takes floats"))
    if not 0 < plain.number(recall, op, "recall_target") <= 1:
        raise ValueError(explain(op, f"recall_target is {recall}; it takes more than 0, to 1"))
    rank = x.spec.rank
    at = normal_axis(op, static_int(axis, op, "reduction_dimension"), rank)
    order = [j for j in range(rank) if j != at]
    order.append(at)
    back = sorted(range(rank), key=lambda j: order[j])
    moved = x if at == rank - 1 else shaping.transpose(x, order)
    values, indices = top_k(-moved if smallest else moved, k)
    values = -values if smallest else values
    if at == rank - 1:
        return values, indices
    return shaping.transpose(values, back), shaping.transpose(indices, back)
