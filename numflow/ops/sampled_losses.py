"""Losses over very many classes, of the true ones and a few that were drawn.

    logits of the true classes, and of the drawn    x . w[class] + b[class] - log(expected count)
    nce_loss                sigmoid cross entropy of all of them, with labels 1/num_true and 0
    sampled_softmax_loss    softmax cross entropy, the same

Only the rows of the classes in question are read, and have a gradient.

Sources: Gutmann & Hyvarinen 2010, "Noise-contrastive estimation" (eq. 3); Jean et al. 2014, "On
using very large target vocabulary for neural machine translation" (eq. 8), arXiv:1412.2007.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, creation, joining, linalg, loss, select
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.embedding import looked_up
from numflow.ops.random_candidates import log_uniform_candidate_sampler
from numflow.ops.scopes import name_scope


def nce_loss(
    weights: Any,
    biases: TensorLike,
    labels: TensorLike,
    inputs: TensorLike,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    name: str = "nce_loss",
) -> Tensor:
    """Noise-contrastive estimation: how well the true classes are told from drawn ones.

    Args:
      weights: [num_classes, dim], or a list of tensors that are this one together.
      biases: [num_classes].
      labels: [batch, num_true] ints.
      inputs: [batch, dim].
      num_sampled: how many classes are drawn for the batch.
      sampled_values: (drawn classes, expected counts of the true and of the drawn ones), of a
        candidate sampler; default `random.log_uniform_candidate_sampler`, by the rank of classes
        ordered by frequency.
      remove_accidental_hits: whether a drawn class that is a true one is left out.

    Returns: [batch], the loss of each example. For training: at evaluation the whole
    `sigmoid_cross_entropy_with_logits` is the measure.

    Raises:
      ShapeError: the shapes do not fit. InvalidArgumentError: a number is not positive.
      IndexRangeError: a label is not below num_classes.

    Example:
      >>> w, b = nf.ones([20, 3]), nf.zeros([20])
      >>> drawn = [4, 9], [[0.5], [0.5]], [0.5, 0.5]
      >>> nf.nn.nce_loss(w, b, [[1], [2]], nf.zeros([2, 3]), 2, 20, 1, drawn).numpy().round(4)
      array([2.6027, 2.6027], dtype=float32)
    """
    with name_scope(name):
        return noise_contrastive(
            weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
            remove_accidental_hits, "div",
        )  # fmt: skip


def sampled_softmax_loss(
    weights: Any,
    biases: TensorLike,
    labels: TensorLike,
    inputs: TensorLike,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    seed: Any = None,
    name: str = "sampled_softmax_loss",
) -> Tensor:
    """The softmax cross entropy over the true classes and drawn ones, an estimate of that over all.

    Arguments, result and errors are those of nce_loss; seed: of the default sampler.

    Example:
      >>> w, b = nf.ones([20, 3]), nf.zeros([20])
      >>> drawn = [4, 9], [[0.5]], [0.5, 0.5]
      >>> x = nf.zeros([1, 3])
      >>> nf.nn.sampled_softmax_loss(w, b, [[1]], x, 2, 20, 1, drawn).numpy().round(4)
      array([1.0986], dtype=float32)
    """
    with name_scope(name):
        return sampled_softmax(
            weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
            remove_accidental_hits, seed, "div",
        )  # fmt: skip


def noise_contrastive(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int,
    num_true: int, sampled_values: Any, remove_hits: bool, strategy: str,
) -> Tensor:  # fmt: skip
    """nce_loss; strategy: of a table in parts, see `embedding.looked_up`."""
    logits, targets = _sampled_logits(
        "nn.nce_loss", weights, biases, labels, inputs, num_sampled, num_classes, num_true,
        sampled_values, remove_hits, None, strategy,
    )  # fmt: skip
    return reductions.reduce_sum(loss.sigmoid_cross_entropy_with_logits(targets, logits), 1)


def sampled_softmax(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int,
    num_true: int, sampled_values: Any, remove_hits: bool, seed: Any, strategy: str,
) -> Tensor:  # fmt: skip
    """sampled_softmax_loss; strategy: of a table in parts, see `embedding.looked_up`."""
    logits, targets = _sampled_logits(
        "nn.sampled_softmax_loss", weights, biases, labels, inputs, num_sampled, num_classes,
        num_true, sampled_values, remove_hits, seed, strategy,
    )  # fmt: skip
    return loss.softmax_cross_entropy_with_logits(shaping.stop_gradient(targets), logits)


def _sampled_logits(
    op: str, weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int,
    num_classes: int, num_true: int, sampled_values: Any, remove_hits: bool, seed: Any,
    strategy: str,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Logits [batch, num_true + num_sampled] of true and drawn classes, and labels like them.

    strategy: of a table in parts, see `embedding.looked_up`.
    """
    x = as_tensor(inputs, None, op, "inputs")
    if not x.dtype.is_floating:
        problem = f"inputs is {x.dtype.name}, not floating"
        raise DTypeError(explain(op, problem, {"inputs": x.spec}))
    true = maths.cast(as_tensor(labels, None, op, "labels"), dtypes.int64)
    _check(op, x, true, num_sampled=num_sampled, num_classes=num_classes, num_true=num_true)
    if sampled_values is None:
        sampled_values = log_uniform_candidate_sampler(
            true, num_true, num_sampled, True, num_classes, seed
        )
    drawn, of_true, of_drawn = (
        shaping.stop_gradient(as_tensor(v, None, op, "sampled_values")) for v in sampled_values
    )
    drawn = maths.cast(drawn, dtypes.int64)
    if drawn.spec.shape != (num_sampled,):
        shown = {"sampled_values[0]": drawn.spec, "num_sampled": num_sampled}
        raise ShapeError(explain(op, "there are other many drawn classes", shown))
    classes = joining.concat([shaping.reshape(true, [-1]), drawn], 0)
    tables = list(weights) if isinstance(weights, list | tuple) else weights
    w = maths.cast(looked_up(tables, classes, None, strategy), x.dtype)
    b = maths.cast(looked_up(biases, classes, None, strategy), x.dtype)
    dim = x.spec.shape[1]
    of_true_w = shaping.reshape(w[:-num_sampled], (-1, num_true, dim))
    true_logits = reductions.reduce_sum(shaping.expand_dims(x, 1) * of_true_w, 2)
    true_logits = true_logits + shaping.reshape(b[:-num_sampled], (-1, num_true))
    logits = linalg.matmul(x, w[-num_sampled:], transpose_b=True) + b[-num_sampled:]
    if remove_hits:
        same = comparisons.equal(shaping.expand_dims(true, 2), drawn)
        least = creation.constant(x.dtype.min, x.dtype)
        logits = select.where(reductions.reduce_any(same, 1), least, logits)
    true_logits = true_logits - maths.log(maths.cast(of_true, x.dtype))
    logits = logits - maths.log(maths.cast(of_drawn, x.dtype))
    targets = [shaping.ones_like(true_logits) / num_true, shaping.zeros_like(logits)]
    return joining.concat([true_logits, logits], 1), joining.concat(targets, 1)


def _check(op: str, x: Tensor, true: Tensor, **numbers: int) -> None:
    for argument, n in numbers.items():
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise InvalidArgumentError(
                explain(op, f"{argument} is a positive number", {argument: n})
            )
    if x.spec.rank != 2:
        raise ShapeError(explain(op, "inputs are [batch, dim]", {"inputs": x.spec}))
    if true.spec.rank != 2 or true.spec.shape[1] != numbers["num_true"]:
        shown = {"labels": true.spec, "num_true": numbers["num_true"]}
        raise ShapeError(explain(op, "labels are [batch, num_true]", shown))
