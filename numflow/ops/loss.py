"""Losses on logits, and the plain ones: cross-entropies, squared and absolute errors.

Shapes must agree: (n,) against (n, 1) never becomes (n, n).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.lowering import Composite, Elementwise
from numflow.graph.op import Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import activation as activations
from numflow.ops import comparisons, creation, run_time, signs
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.checks import checked_index
from numflow.ops.convert import as_tensor, static_int
from numflow.ops.precision import single, widened
from numflow.ops.shape_rules import normal_axis
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
    return comparisons.equal(shaping.expand_dims(labels, -1), classes)


def _sparse_expand(labels: Tensor, logits: Tensor) -> Tensor:
    last = (logits.spec.rank - 1,)
    x = single(logits)
    z = x - reductions.max_op(x, axis=last, keepdims=True)
    total = maths.log(reductions.sum_op(maths.exp(z), axis=last, keepdims=True))
    picked = selections.where(_hits(labels, logits), z, shaping.zeros_like(z))
    loss = shaping.squeeze(total, -1) - reductions.sum_op(picked, axis=last, keepdims=False)
    return maths.cast(loss, logits.dtype)


def _sparse_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """softmax - one_hot, from the operations of the forward pass: common ones are computed once."""
    labels, logits = g.inputs
    p = activations.softmax_op(logits, axis=logits.spec.rank - 1)
    return None, shaping.expand_dims(g.ct, -1) * selections.where(_hits(labels, logits), p - 1, p)


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
      >>> loss = nf.nn.sparse_softmax_cross_entropy_with_logits([1], [[0.0, 0.0]])
      >>> loss.numpy().astype(float).round(4).tolist()
      [0.6931]
    """
    x = as_tensor(logits, None, _SPARSE, "logits")
    classes = as_tensor(labels, None, _SPARSE, "labels")
    classes = run_time.refitted(classes, x.spec.shape[:-1])
    _sparse_infer(classes.spec, x.spec)
    if classes.dtype.size < 4:  # the numbers of the classes must not wrap around in a small dtype
        classes = maths.cast(classes, dtypes.int32)
    return sparse_cross_entropy_op(checked_index(classes, x.spec.shape[-1], _SPARSE, "label"), x)


# --- softmax_cross_entropy_with_logits ---------------------------------------------------


def same_shape(op: str, first: tuple[str, Spec], second: tuple[str, Spec], fix: str = "") -> None:
    """Refuse two tensors of different shapes: a loss that broadcasts is a mistake nobody sees."""
    (name, a), (other, b) = first, second
    if a.shape == b.shape:
        return
    if a.rank == b.rank and any(isinstance(n, Dim) for n in a.shape + b.shape):
        raise UnknownSizeError(f"{op}: sizes {a.shape} and {b.shape} meet")
    if not fix:
        if a.shape == (*b.shape, 1):
            fix = f"nf.squeeze({name}, -1)"
        elif b.shape == (*a.shape, 1):
            fix = f"nf.expand_dims({name}, -1)"
    raise ShapeError(explain(op, f"{name} and {other} differ in shape", {name: a, other: b}, fix))


def _dense_infer(op: str) -> Any:
    def infer(labels: Spec, logits: Spec, *, axis: int) -> Spec:
        _checked_pair(op, labels, logits)
        return Spec((*logits.shape[:axis], *logits.shape[axis + 1 :]), logits.dtype)

    return infer


def _checked_pair(op: str, labels: Spec, logits: Spec) -> None:
    shown = {"labels": labels, "logits": logits}
    if not logits.dtype.is_floating:
        raise DTypeError(explain(op, f"logits is {logits.dtype.name}, not floating", shown))
    if labels.dtype is not logits.dtype:
        fix = f"nf.cast(labels, nf.{logits.dtype.name})"
        raise DTypeError(
            explain(op, f"labels is {labels.dtype.name}, logits {logits.dtype.name}", shown, fix)
        )
    same_shape(op, ("labels", labels), ("logits", logits))


_DENSE = "softmax_cross_entropy_with_logits"


def _dense_reference(labels: Any, logits: Any, *, axis: int) -> Any:
    z = logits - np.max(logits, axis, keepdims=True, initial=-np.inf)
    total = np.log(np.sum(np.exp(z), axis, keepdims=True))
    return np.sum(labels * (total - z), axis)


def _dense_expand(labels: Tensor, logits: Tensor, *, axis: int) -> Tensor:
    x = single(logits)
    z = x - reductions.max_op(x, axis=(axis,), keepdims=True)
    total = maths.log(reductions.sum_op(maths.exp(z), axis=(axis,), keepdims=True))
    loss = reductions.sum_op(single(labels) * (total - z), axis=(axis,), keepdims=False)
    return maths.cast(loss, logits.dtype)


def _dense_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    labels, logits = g.inputs
    axis = g.attrs["axis"]
    ct = shaping.expand_dims(g.ct, axis)
    ct_labels = ct_logits = None
    if g.needed[0]:
        ct_labels = -ct * activations.log_softmax_op(logits, axis=axis)
    if g.needed[1]:
        weight = reductions.sum_op(labels, axis=(axis,), keepdims=True)
        ct_logits = ct * (activations.softmax_op(logits, axis=axis) * weight - labels)
    return ct_labels, ct_logits


dense_cross_entropy_op = Op(
    _DENSE, _dense_infer(_DENSE), widened(_dense_reference), _dense_vjp, Composite(_dense_expand)
)


def softmax_cross_entropy_with_logits(
    labels: TensorLike, logits: TensorLike, axis: Any = -1, name: str | None = None
) -> Tensor:
    """-sum(labels log(softmax(logits))) along an axis.

    Args:
      labels: floating [..., classes], each row a probability distribution.
      logits: the same shape and dtype, not normalised.
      axis: where the classes are.

    Returns:
      Losses [...], dtype of logits.

    Raises:
      ShapeError: the shapes differ, or there is no such axis.
      DTypeError: logits is not floating, or labels of another dtype.

    Example:
      >>> labels, logits = [[0.0, 1.0]], [[0.0, 0.0]]
      >>> loss = nf.nn.softmax_cross_entropy_with_logits(labels, logits)
      >>> loss.numpy().astype(float).round(4).tolist()
      [0.6931]
    """
    x = as_tensor(logits, None, _DENSE, "logits")
    wanted = _labels_like(labels, x, _DENSE)
    at = normal_axis(_DENSE, static_int(axis, _DENSE, "axis"), x.spec.rank)
    return dense_cross_entropy_op(wanted, x, axis=at)


def _labels_like(labels: Any, logits: Tensor, op: str) -> Tensor:
    """labels as a tensor; integers and bools become floats, as in TensorFlow."""
    own = isinstance(labels, Tensor) or (
        isinstance(labels, np.ndarray) and labels.dtype.kind != "f"
    )
    tensor = as_tensor(labels, None if own else logits.dtype, op, "labels")
    kind = tensor.dtype
    return maths.cast(tensor, logits.dtype) if kind.is_integer or kind.is_bool else tensor


# --- sigmoid_cross_entropy_with_logits -----------------------------------------------------

_SIGMOID = "sigmoid_cross_entropy_with_logits"


def _sigmoid_infer(labels: Spec, logits: Spec) -> Spec:
    _checked_pair(_SIGMOID, labels, logits)
    return logits


def _sigmoid_body(b: Any, z: Any, x: Any) -> Any:
    return b.add(b.sub(b.max(x, 0.0), b.mul(x, z)), b.log1p(b.exp(b.neg(b.abs(x)))))


def _sigmoid_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    labels, logits = g.inputs
    return (
        -g.ct * logits if g.needed[0] else None,
        g.ct * (maths.sigmoid(logits) - labels) if g.needed[1] else None,
    )


sigmoid_cross_entropy_op = Op(
    _SIGMOID,
    _sigmoid_infer,
    widened(lambda z, x: np.maximum(x, 0) - x * z + np.log1p(np.exp(-np.abs(x)))),
    _sigmoid_vjp,
    Elementwise(_sigmoid_body),
)


def sigmoid_cross_entropy_with_logits(
    labels: TensorLike = None, logits: TensorLike = None, name: str | None = None
) -> Tensor:
    """-z log(sigmoid(x)) - (1 - z) log(1 - sigmoid(x)), element by element, without overflow.

    Args:
      labels: z, floating [...], in [0, 1].
      logits: x, the same shape and dtype.

    Raises:
      ShapeError: the shapes differ.
      DTypeError: the dtypes differ, or are not floating.

    Example:
      >>> nf.nn.sigmoid_cross_entropy_with_logits([1.0], [1000.0]).numpy().tolist()
      [0.0]
    """
    x = as_tensor(logits, None, _SIGMOID, "logits")
    return sigmoid_cross_entropy_op(_labels_like(labels, x, _SIGMOID), x)


def weighted_cross_entropy_with_logits(
    labels: TensorLike, logits: TensorLike, pos_weight: TensorLike, name: str | None = None
) -> Tensor:
    """sigmoid_cross_entropy_with_logits with the positive term multiplied by pos_weight.

    Raises:
      ShapeError: labels and logits differ in shape.

    Example:
      >>> loss = nf.nn.weighted_cross_entropy_with_logits([1.0], [0.0], 2.0)
      >>> loss.numpy().astype(float).round(4).tolist()
      [1.3863]
    """
    op = "weighted_cross_entropy_with_logits"
    x = as_tensor(logits, None, op, "logits")
    z = _labels_like(labels, x, op)
    _checked_pair(op, z.spec, x.spec)
    weight = (as_tensor(pos_weight, x.dtype, op, "pos_weight") - 1) * z + 1
    return (1 - z) * x + weight * activations.softplus(-x)


# --- l2_loss, log_poisson_loss ---------------------------------------------------------------


def l2_loss(t: TensorLike, name: str | None = None) -> Tensor:
    """Half the sum of the squares.

    Example:
      >>> nf.nn.l2_loss([1.0, 3.0]).numpy().item()
      5.0
    """
    return reductions.reduce_sum(maths.square(as_tensor(t, None, "l2_loss", "t"))) * 0.5


def log_poisson_loss(
    targets: TensorLike,
    log_input: TensorLike,
    compute_full_loss: bool = False,
    name: str | None = None,
) -> Tensor:
    """e^c - z c of targets z and log_input c, element by element.

    Args:
      targets: counts z, floating [...].
      log_input: c, the same shape and dtype.
      compute_full_loss: add Stirling's approximation of log(z!), where z > 1.

    Raises:
      ShapeError: the shapes differ.

    Example:
      >>> nf.nn.log_poisson_loss([2.0], [0.0]).numpy().tolist()
      [1.0]
    """
    op = "log_poisson_loss"
    c = as_tensor(log_input, None, op, "log_input")
    z = as_tensor(targets, c.dtype, op, "targets")
    same_shape(op, ("targets", z.spec), ("log_input", c.spec))
    loss = maths.exp(c) - c * z
    if not compute_full_loss:
        return loss
    large = z > 1
    safe = selections.where(large, z, shaping.ones_like(z))
    stirling = safe * maths.log(safe) - safe + 0.5 * maths.log(safe * (2 * math.pi))
    return loss + selections.where(large, stirling, shaping.zeros_like(z))


# --- squared and absolute errors ---------------------------------------------------------------


def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """The mean of (y_true - y_pred)^2 over the last axis.

    Args:
      y_true: numbers [..., n]; converted to y_pred's dtype.
      y_pred: floating, the same shape.

    Returns:
      [...], dtype of y_pred.

    Raises:
      ShapeError: the shapes differ: (n,) against (n, 1) would broadcast to (n, n).

    Example:
      >>> nf.losses.MSE([[1.0, 2.0]], [[2.0, 4.0]]).numpy().tolist()
      [2.5]
    """
    truth, guess = _pair("mean_squared_error", y_true, y_pred)
    return _last_mean(maths.squared_difference(guess, truth))


def mean_absolute_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """The mean of |y_true - y_pred| over the last axis; arguments as for mean_squared_error.

    Example:
      >>> nf.losses.MAE([[1.0, 2.0]], [[2.0, 4.0]]).numpy().tolist()
      [1.5]
    """
    truth, guess = _pair("mean_absolute_error", y_true, y_pred)
    return _last_mean(signs.abs(guess - truth))


def _last_mean(x: Tensor) -> Tensor:
    return reductions.reduce_mean(x, -1) if x.spec.rank else x


def _pair(op: str, y_true: TensorLike, y_pred: TensorLike) -> tuple[Tensor, Tensor]:
    guess = as_tensor(y_pred, None, op, "y_pred")
    if not guess.dtype.is_floating:
        guess = maths.cast(guess, dtypes.float32)
    truth = maths.cast(as_tensor(y_true, None, op, "y_true"), guess.dtype)
    same_shape(op, ("y_true", truth.spec), ("y_pred", guess.spec))
    return truth, guess
