"""Losses on logits, and the plain ones: cross-entropies, squared and absolute errors.

Shapes must agree: (n,) against (n, 1) never becomes (n, n).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.lowering import Composite
from numflow.graph.op import Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import activation as activations
from numflow.ops import creation
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.checks import checked_index
from numflow.ops.convert import as_tensor
from numflow.ops.precision import single, widened
from numflow.shapes import Dim, UnknownSizeError

# --- sparse_softmax_cross_entropy_with_logits ------------------------------------

_SPARSE = "sparse_softmax_cross_entropy_with_logits"


def _sparse_infer(labels: Spec, logits: Spec) -> Spec:
    shown = {"labels": labels, "logits": logits}
    if not logits.dtype.is_floating:
        raise DTypeError(explain(_SPARSE, f"logits is {logits.dtype.name}, not floating", shown))
    if not labels.dtype.is_integer:
        raise DTypeError(
            explain(
                _SPARSE,
                f"labels is {labels.dtype.name}, not an integer",
                shown,
                fix="nf.cast(labels, nf.int32)",
            )
        )
    if logits.rank == 0:
        raise ShapeError(explain(_SPARSE, "logits is a scalar: classes are its last axis", shown))
    want = logits.shape[:-1]
    if labels.shape != want:
        if labels.rank == len(want) and any(isinstance(n, Dim) for n in labels.shape + want):
            raise UnknownSizeError(f"{_SPARSE}: sizes {labels.shape} and {want} meet")
        fix = ""
        if labels.shape == (*want, 1):
            fix = "nf.squeeze(labels, -1)"
        elif labels.shape == logits.shape:
            fix = (
                "nf.nn.softmax_cross_entropy_with_logits, which takes a probability for each class"
            )
        raise ShapeError(
            explain(
                _SPARSE, "labels must have the shape of logits without its last axis", shown, fix
            )
        )
    return Spec(want, logits.dtype)


def _sparse_reference(labels: Any, logits: Any) -> Any:
    classes = np.arange(logits.shape[-1])
    z = logits - np.max(logits, -1, keepdims=True, initial=-np.inf)
    total = np.log(np.sum(np.exp(z), -1))
    return total - np.sum(np.where(labels[..., None] == classes, z, 0), -1)


def _hits(labels: Tensor, logits: Tensor) -> Tensor:
    """bool, shape of logits: whether this class is the label."""
    classes = creation.iota(logits.spec.shape, -1, labels.dtype)
    return maths.equal(shaping.expand_dims(labels, -1), classes)


def _sparse_expand(labels: Tensor, logits: Tensor) -> Tensor:
    last = (logits.spec.rank - 1,)
    x = single(logits)
    z = x - reductions.max_op(x, axis=last, keepdims=True)
    total = maths.log(reductions.sum_op(maths.exp(z), axis=last, keepdims=True))
    picked = selections.where(_hits(labels, logits), z, shaping.zeros_like(z))
    loss = shaping.squeeze(total, -1) - reductions.sum_op(picked, axis=last, keepdims=False)  # type: ignore[operator]
    return maths.cast(loss, logits.dtype)


def _sparse_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """softmax - one_hot, from the operations of the forward pass: common ones are computed once."""
    labels, logits = g.inputs
    p = activations.softmax_op(logits, axis=logits.spec.rank - 1)
    return None, shaping.expand_dims(g.ct, -1) * selections.where(_hits(labels, logits), p - 1, p)  # type: ignore[operator]


sparse_cross_entropy_op = Op(
    _SPARSE, _sparse_infer, widened(_sparse_reference), _sparse_vjp, Composite(_sparse_expand)
)


def sparse_softmax_cross_entropy_with_logits(
    labels: TensorLike, logits: TensorLike, name: str | None = None
) -> Tensor:
    """-log(softmax(logits)[label]): the cross-entropy of classes given by number.

    Args:
      labels: integers [...], each in [0, classes).
      logits: floating [..., classes], not normalised.

    Returns:
      Losses [...], dtype of logits.

    Raises:
      InvalidArgumentError: a label is out of range.
      ShapeError: labels has not the shape of logits without its last axis.
      DTypeError: labels are not integers, or logits not floating.

    Example:
      >>> nf.nn.sparse_softmax_cross_entropy_with_logits([1], [[0.0, 0.0]]).numpy().round(4).tolist()
      [0.6931]
    """
    x = as_tensor(logits, None, _SPARSE, "logits")
    classes = as_tensor(labels, None, _SPARSE, "labels")
    _sparse_infer(classes.spec, x.spec)
    return sparse_cross_entropy_op(checked_index(classes, x.spec.shape[-1], _SPARSE, "label"), x)  # type: ignore[no-any-return]
