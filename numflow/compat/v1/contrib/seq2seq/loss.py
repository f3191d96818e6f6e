"""The loss of sequences of classes, each step with its weight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import loss as losses
from numflow.ops import math as maths
from numflow.ops import plain, run_time, statistics
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor

__all__ = ["sequence_loss"]

TINY = 1e-12
"""Added to what is divided by: weights that are all 0 give a loss of 0."""


def sequence_loss(
    logits: TensorLike,
    targets: TensorLike,
    weights: TensorLike,
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    sum_over_timesteps: bool = False,
    sum_over_batch: bool = False,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """The softmax cross entropy of each step, weighted, and averaged as asked.

    Args:
      logits: floating [batch, steps, classes]. targets: integers [batch, steps].
      weights: [batch, steps], of logits' dtype: 0 for what is padding.
      average_across_timesteps, average_across_batch: over these axes the sum, divided by the sum
        of weights.
      sum_over_timesteps, sum_over_batch: over these axes the sum, divided by the number of weights
        that are not 0; without effect where the other axis is averaged, as TensorFlow has it.
      softmax_loss_function: softmax_loss_function(labels=, logits=) -> the losses of
        [batch * steps] labels, in place of the softmax cross entropy.

    Returns:
      A scalar; [batch] or [steps] where one axis is left, [batch, steps] where both are.

    Raises:
      ShapeError: the shapes do not fit. ValueError: an axis is both averaged and summed.
      InvalidArgumentError: a target is out of range.

    Example:
      >>> loss = nf.compat.v1.contrib.seq2seq.sequence_loss
      >>> round(float(loss(nf.zeros([1, 2, 4]), [[1, 2]], [[1.0, 0.0]])), 4)
      1.3863
    """
    op = "sequence_loss"
    means, sums = [], []
    for number, axis, average, total in (
        (0, "batch", average_across_batch, sum_over_batch),
        (1, "timesteps", average_across_timesteps, sum_over_timesteps),
    ):
        averaged = plain.flag(average, op, f"average_across_{axis}")
        summed = plain.flag(total, op, f"sum_over_{axis}")
        if averaged and summed:
            names = f"average_across_{axis} and sum_over_{axis}"
            raise ValueError(explain(op, f"{names} cannot be set to True at same time"))
        means += [number] * averaged
        sums += [number] * summed
    x = as_tensor(logits, None, op, "logits")
    labels = as_tensor(targets, None, op, "targets")
    share = as_tensor(weights, x.dtype if isinstance(weights, list) else None, op, "weights")
    shown = {"logits": x.spec, "targets": labels.spec, "weights": share.spec}
    if x.spec.rank != 3:
        raise ShapeError(explain(op, "logits are [batch, steps, classes]", shown))
    fitted = []
    for argument, given in (("targets", labels), ("weights", share)):
        found = run_time.fitted(given, x.spec.shape[:2])
        if found is None:
            raise ShapeError(explain(op, f"{argument} are [batch, steps]", shown))
        fitted.append(found)
    labels, share = fitted[0], maths.cast(fitted[1], x.dtype)
    function = softmax_loss_function or losses.sparse_softmax_cross_entropy_with_logits
    flat = shaping.reshape(x, (-1, x.spec.shape[2]))
    each = function(labels=shaping.reshape(labels, (-1,)), logits=flat)
    each = shaping.reshape(each, x.spec.shape[:2]) * share
    if means:
        weight = reductions.reduce_sum(share, means)
    elif sums:
        weight = maths.cast(statistics.count_nonzero(share, sums), x.dtype)
    else:
        return each
    axes = means or sums
    return reductions.reduce_sum(each, axes) / (weight + TINY)
