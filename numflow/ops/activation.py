"""Activations: relu and its kin, and softmax. Gradients are written from the output where that is enough."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.errors import DTypeError, explain
from numflow.graph.lowering import Composite, Elementwise
from numflow.graph.op import Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.math import unary
from numflow.ops.precision import single, widened
from numflow.ops.shape_rules import normal_axis, numeric_like

# --- relu --------------------------------------------------------------------


def _relu_vjp(ct: Tensor, y: Tensor, x: Tensor) -> Tensor:
    return selections.where(y > 0, ct, shaping.zeros_like(ct))


relu_op = Op(
    "relu",
    numeric_like("relu"),
    lambda x: np.maximum(x, np.zeros((), x.dtype)),
    unary(_relu_vjp),
    Elementwise(lambda b, x: b.max(x, 0)),
)


def relu(features: TensorLike, name: str | None = None) -> Tensor:
    """max(x, 0), element by element; nan stays nan.

    Example:
      >>> nf.nn.relu([-1.0, 2.0]).numpy().tolist()
      [0.0, 2.0]
    """
    return relu_op(as_tensor(features, None, "relu", "features"))  # type: ignore[no-any-return]


# --- softmax, log_softmax ------------------------------------------------------


def _along_infer(op: str) -> Any:
    def infer(x: Spec, *, axis: int) -> Spec:
        if not x.dtype.is_floating:
            raise DTypeError(
                explain(
                    op,
                    f"logits is {x.dtype.name}, not floating",
                    {"logits": x},
                    fix="nf.cast(logits, nf.float32)",
                )
            )
        return x

    return infer


def _softmax_reference(x: Any, *, axis: int) -> Any:
    e = np.exp(x - np.max(x, axis, keepdims=True, initial=-np.inf))
    return e / np.sum(e, axis, keepdims=True)


def _softmax_expand(x: Tensor, *, axis: int) -> Tensor:
    z = single(x)
    e = maths.exp(z - reductions.max_op(z, axis=(axis,), keepdims=True))
    return maths.cast(e / reductions.sum_op(e, axis=(axis,), keepdims=True), x.dtype)


def _softmax_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    y = g.outputs[0]
    inner = reductions.sum_op(g.ct * y, axis=(g.attrs["axis"],), keepdims=True)  # type: ignore[operator]
    return (y * (g.ct - inner),)  # type: ignore[operator]


softmax_op = Op(
    "softmax",
    _along_infer("softmax"),
    widened(_softmax_reference),
    _softmax_vjp,
    Composite(_softmax_expand),
)


def softmax(logits: TensorLike, axis: Any = None, name: str | None = None) -> Tensor:
    """e^x / sum(e^x) along an axis; the greatest element is subtracted first, so nothing overflows.

    Args:
      logits: floating [...].
      axis: default the last.

    Returns:
      Numbers that sum to 1 along the axis; dtype and shape of logits.

    Raises:
      DTypeError: logits is not floating.
      ShapeError: there is no such axis.

    Example:
      >>> nf.nn.softmax([0.0, 0.0, 1000.0]).numpy().tolist()
      [0.0, 0.0, 1.0]
    """
    x, k = _logits("softmax", logits, axis)
    return softmax_op(x, axis=k)  # type: ignore[no-any-return]


def _logits(op: str, logits: TensorLike, axis: Any) -> tuple[Tensor, int]:
    x = as_tensor(logits, None, op, "logits")
    at = -1 if axis is None else static_ints(axis, op, "axis")[0]
    return x, normal_axis(op, at, x.spec.rank)


def _log_softmax_reference(x: Any, *, axis: int) -> Any:
    z = x - np.max(x, axis, keepdims=True, initial=-np.inf)
    return z - np.log(np.sum(np.exp(z), axis, keepdims=True))


def _log_softmax_expand(x: Tensor, *, axis: int) -> Tensor:
    wide = single(x)
    z = wide - reductions.max_op(wide, axis=(axis,), keepdims=True)
    total = reductions.sum_op(maths.exp(z), axis=(axis,), keepdims=True)
    return maths.cast(z - maths.log(total), x.dtype)


def _log_softmax_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    axis = g.attrs["axis"]
    total = reductions.sum_op(g.ct, axis=(axis,), keepdims=True)
    return (g.ct - softmax_op(g.inputs[0], axis=axis) * total,)


log_softmax_op = Op(
    "log_softmax",
    _along_infer("log_softmax"),
    widened(_log_softmax_reference),
    _log_softmax_vjp,
    Composite(_log_softmax_expand),
)


def log_softmax(logits: TensorLike, axis: Any = None, name: str | None = None) -> Tensor:
    """log(softmax(x)) along an axis, without the loss of log(0).

    Args:
      logits: floating [...].
      axis: default the last.

    Raises:
      DTypeError: logits is not floating.
      ShapeError: there is no such axis.

    Example:
      >>> nf.nn.log_softmax([0.0, 0.0, 1000.0]).numpy().tolist()
      [-1000.0, -1000.0, 0.0]
    """
    x, k = _logits("log_softmax", logits, axis)
    return log_softmax_op(x, axis=k)  # type: ignore[no-any-return]
