"""Cross-entropies of probabilities or logits, as Keras has them: the mean or sum over one axis."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import clipping, comparisons, plain
from numflow.ops import loss as losses
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.ops.shape_rules import normal_axis

EPSILON = 1e-7  # Keras keeps probabilities this far from 0 and 1


def _pair(op: str, y_true: TensorLike, y_pred: TensorLike) -> tuple[Tensor, Tensor]:
    """Both as tensors of one floating dtype and one shape."""
    guess = as_tensor(y_pred, None, op, "y_pred")
    if not guess.dtype.is_floating:
        guess = maths.cast(guess, dtypes.float32)
    truth = maths.cast(as_tensor(y_true, None, op, "y_true"), guess.dtype)
    losses.same_shape(op, ("y_true", truth.spec), ("y_pred", guess.spec))
    return truth, guess


def binary_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Any = -1,
) -> Tensor:
    """-mean(t log p + (1 - t) log(1 - p)) over an axis.

    Args:
      y_true: t, [..., n], in [0, 1].
      y_pred: p, the same shape: probabilities, or logits with from_logits.
      from_logits: y_pred has not passed a sigmoid.
      label_smoothing: moves t towards 1/2 by this share.
      axis: what the mean is taken over.

    Raises:
      ShapeError: the shapes differ.

    Example:
      >>> nf.losses.binary_crossentropy([1.0, 0.0], [0.5, 0.5]).numpy().astype(float).round(4)
      np.float64(0.6931)
    """
    truth, guess = _pair("binary_crossentropy", y_true, y_pred)
    if label_smoothing:
        truth = truth * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        each = losses.sigmoid_cross_entropy_with_logits(truth, guess)
    else:
        p = clipping.clip_by_value(guess, EPSILON, 1 - EPSILON)
        each = -(truth * maths.log(p) + (1 - truth) * maths.log(1 - p))
    return reductions.reduce_mean(each, axis)


def categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Any = -1,
) -> Tensor:
    """-sum(t log p) over the axis of the classes.

    Args:
      y_true: t, [..., classes], each row a distribution.
      y_pred: p, the same shape: probabilities (scaled to sum to 1), or logits with from_logits.
      from_logits: y_pred has not passed a softmax.
      label_smoothing: moves t towards 1/classes by this share.
      axis: where the classes are.

    Raises:
      ShapeError: the shapes differ.

    Example:
      >>> loss = nf.losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
      >>> loss.numpy().astype(float).round(4).tolist()
      [0.6931]
    """
    op = "categorical_crossentropy"
    truth, guess = _pair(op, y_true, y_pred)
    k = normal_axis(op, static_int(axis, op, "axis"), guess.spec.rank)
    if label_smoothing:
        classes = maths.cast(shaping.size_tensor(guess.spec.shape[k]), guess.dtype)
        truth = truth * (1.0 - label_smoothing) + label_smoothing / classes
    if from_logits:
        return losses.softmax_cross_entropy_with_logits(truth, guess, k)
    return -reductions.reduce_sum(truth * maths.log(_probabilities(guess, k)), k)


def _probabilities(guess: Tensor, axis: int) -> Tensor:
    """guess, scaled to sum to 1 and kept away from 0 and 1."""
    total = reductions.reduce_sum(guess, axis, keepdims=True)
    return clipping.clip_by_value(guess / total, EPSILON, 1 - EPSILON)


def sparse_categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: Any = -1,
) -> Tensor:
    """-log p[t]: the cross-entropy of classes given by number.

    Args:
      y_true: t, integers [...] or [..., 1].
      y_pred: p, [..., classes]: probabilities, or logits with from_logits.
      from_logits: y_pred has not passed a softmax.
      ignore_class: the loss of this class is 0.
      axis: where the classes are.

    Raises:
      InvalidArgumentError: a class is out of range.
      ShapeError: the shapes do not fit.

    Example:
      >>> loss = nf.losses.sparse_categorical_crossentropy([1], [[0.5, 0.5]])
      >>> loss.numpy().astype(float).round(4).tolist()
      [0.6931]
    """
    op = "sparse_categorical_crossentropy"
    guess = as_tensor(y_pred, None, op, "y_pred")
    if not guess.spec.rank:
        raise ShapeError(
            explain(op, "y_pred is a scalar: it has no classes", {"y_pred": guess.spec})
        )
    k = normal_axis(op, static_int(axis, op, "axis"), guess.spec.rank)
    if k != guess.spec.rank - 1:
        order = [i for i in range(guess.spec.rank) if i != k]
        guess = shaping.transpose(guess, [*order, k])
    labels = as_tensor(y_true, None, op, "y_true")
    if labels.dtype.is_floating:  # Keras takes labels as floats too
        labels = maths.cast(labels, dtypes.int64)
    if labels.spec.shape == (*guess.spec.shape[:-1], 1):
        labels = shaping.squeeze(labels, -1)
    ignored = None if ignore_class is None else comparisons.equal(labels, ignore_class)
    if ignored is not None:
        labels = selections.where(ignored, shaping.zeros_like(labels), labels)
    last = guess.spec.rank - 1
    logits = guess
    if not plain.flag(from_logits, op, "from_logits"):
        logits = maths.log(_probabilities(guess, last))
    each = losses.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return each if ignored is None else selections.where(ignored, shaping.zeros_like(each), each)
