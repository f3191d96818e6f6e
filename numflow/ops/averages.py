"""Losses of examples made one number, in the way that distributed training adds them up.

Every replica divides by the size of the whole batch, so that the sum over the replicas is the mean.
"""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor


def compute_average_loss(
    per_example_loss: TensorLike,
    sample_weight: Any = None,
    global_batch_size: Any = None,
) -> Tensor:
    """The sum of the losses of examples, over the size of the whole batch.

    Args:
      per_example_loss: floating, [batch] or more axes.
      sample_weight: a weight for each, broadcast.
      global_batch_size: an integer, 0 or more; default the size of the first axis. A batch of
        size 0 has the loss 0.

    Returns:
      A scalar of per_example_loss's dtype.

    Raises:
      DTypeError: per_example_loss is not floating, or global_batch_size no integer.
      InvalidArgumentError: global_batch_size is negative, or no scalar.

    Example:
      >>> nf.nn.compute_average_loss([1.0, 3.0], global_batch_size=4).numpy().item()
      1.0
    """
    op = "compute_average_loss"
    losses = as_tensor(per_example_loss, None, op, "per_example_loss")
    if not losses.dtype.is_floating:
        problem = f"per_example_loss is {losses.dtype.name}, not floating"
        raise DTypeError(explain(op, problem, {"per_example_loss": losses.spec}))
    if sample_weight is not None:
        weights = as_tensor(sample_weight, None, op, "sample_weight")
        losses = losses * maths.cast(weights, losses.dtype)
    if global_batch_size is None:
        sizes = losses.spec.shape
        size = shaping.size_tensor(sizes[0], dtypes.int64) if sizes else as_tensor(1, dtypes.int64)
    else:
        size = as_tensor(global_batch_size, None, op, "global_batch_size")
    shown = {"global_batch_size": size.spec}
    if not size.dtype.is_integer:
        raise DTypeError(explain(op, f"global_batch_size is {size.dtype.name}", shown))
    if size.spec.rank:
        raise InvalidArgumentError(explain(op, "global_batch_size is no scalar", shown))
    if isinstance(global_batch_size, int) and global_batch_size < 0:
        problem = f"global_batch_size is {global_batch_size}; it takes 0 and more"
        raise InvalidArgumentError(explain(op, problem))
    divisor = maths.cast(maths.maximum(size, 1), losses.dtype)
    return reductions.reduce_sum(losses) / divisor


def scale_regularization_loss(regularization_loss: TensorLike) -> Tensor:
    """The sum of losses that belong to the model, shared out among the replicas: here one.

    Example:
      >>> nf.nn.scale_regularization_loss([1.0, 2.0]).numpy().item()
      3.0
    """
    op = "scale_regularization_loss"
    return reductions.reduce_sum(as_tensor(regularization_loss, None, op, "regularization_loss"))
