"""Activations: relu and its kin, and softmax."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, explain
from numflow.graph.lowering import Composite, Elementwise
from numflow.graph.op import Backward, Op, composites_too
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import joining, plain, signs, transcendental
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.ops.math import unary
from numflow.ops.precision import by_number, single, widened
from numflow.ops.shape_rules import floating_like, normal_axis, real_like

# --- relu --------------------------------------------------------------------


def _relu_vjp(ct: Tensor, y: Tensor, x: Tensor) -> Tensor:
    return selections.where(y > 0, ct, shaping.zeros_like(ct))


relu_op = Op(
    "relu",
    real_like("relu"),
    widened(lambda x: np.maximum(x, np.zeros((), x.dtype))),  # NumPy's of float16 keeps -0.0
    unary(_relu_vjp),
    Elementwise(lambda b, x: b.max(x, 0)),
)


def relu(features: TensorLike, name: str | None = None) -> Tensor:
    """max(x, 0), element by element; nan stays nan.

    Example:
      >>> nf.nn.relu([-1.0, 2.0]).numpy().tolist()
      [0.0, 2.0]
    """
    return relu_op(as_tensor(features, None, "relu", "features"))


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
    total = reductions.sum_op(e, axis=(axis,), keepdims=True)
    # One division per row: the total is at least 1, so that its reciprocal is a normal number.
    return maths.cast(e * (1.0 / total), x.dtype)


def _softmax_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    y = g.outputs[0]
    inner = reductions.sum_op(g.ct * y, axis=(g.attrs["axis"],), keepdims=True)
    return (y * (g.ct - inner),)


softmax_op = Op(
    "softmax",
    _along_infer("softmax"),
    widened(_softmax_reference),
    _softmax_vjp,
    Composite(_softmax_expand),
)


@composites_too
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
    if axis is None or (type(axis) is int and axis == -1):
        short = softmax_op.short.get(id(getattr(logits, "_spec", None)))
        if short is not None:
            y = short(logits)
            if isinstance(y, Tensor):
                return y
    x, k = _logits("softmax", logits, axis)
    return softmax_op(x, axis=k)


def _logits(op: str, logits: TensorLike, axis: Any) -> tuple[Tensor, int]:
    x = as_tensor(logits, None, op, "logits")
    at = -1 if axis is None else static_int(axis, op, "axis")
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
    return log_softmax_op(x, axis=k)


# --- relu6, leaky_relu, crelu ----------------------------------------------------


def relu6(features: TensorLike, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6), element by element.

    Example:
      >>> nf.nn.relu6([-1.0, 2.0, 7.0]).numpy().tolist()
      [0.0, 2.0, 6.0]

    Source: Krizhevsky 2010, "Convolutional Deep Belief Networks on CIFAR-10".
    """
    return relu6_op(as_tensor(features, None, "relu6", "features"))


def _relu6_vjp(ct: Tensor, y: Tensor, x: Tensor) -> Tensor:
    inside = selections.logical_and(y > 0, y < 6)
    return selections.where(inside, ct, shaping.zeros_like(ct))


relu6_op = Op(
    "relu6",
    real_like("relu6"),
    widened(lambda x: np.minimum(np.maximum(x, np.zeros((), x.dtype)), np.asarray(6, x.dtype))),
    unary(_relu6_vjp),
    Elementwise(lambda b, x: b.min(b.max(x, 0), 6)),
)


def _leaky_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return (selections.where(g.inputs[0] > 0, g.ct, g.ct * g.attrs["alpha"]),)


leaky_relu_op = Op(
    "leaky_relu",
    floating_like("leaky_relu"),
    lambda x, *, alpha: np.where(x > 0, x, x * np.asarray(alpha, x.dtype)),
    _leaky_vjp,
    Elementwise(lambda b, x, *, alpha: b.select(b.gt(x, 0.0), x, b.mul(x, alpha))),
)


@composites_too
def leaky_relu(features: TensorLike, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """x where it is positive, else alpha x.

    Example:
      >>> nf.nn.leaky_relu([-10.0, 2.0]).numpy().tolist()
      [-2.0, 2.0]

    Source: Maas et al. 2013, "Rectifier Nonlinearities Improve Neural Network Acoustic Models".
    """
    x = _floating(as_tensor(features, None, "leaky_relu", "features"))
    if isinstance(alpha, Tensor):
        return selections.where(x > 0, x, x * alpha)
    return leaky_relu_op(x, alpha=plain.number(alpha, "leaky_relu", "alpha"))


def _floating(x: Tensor) -> Tensor:
    """Integers as float32, as TensorFlow has it for leaky_relu."""
    return maths.cast(x, dtypes.float32) if x.dtype.is_integer else x


def crelu(features: TensorLike, axis: Any = -1, name: str | None = None) -> Tensor:
    """relu(x) and relu(-x), one after the other along an axis.

    Example:
      >>> nf.nn.crelu([-1.0, 2.0]).numpy().tolist()
      [0.0, 2.0, 1.0, 0.0]

    Source: Shang et al. 2016, "Understanding and Improving Convolutional Neural Networks".
    """
    x = as_tensor(features, None, "crelu", "features")
    return relu(joining.concat([x, -x], axis))


# --- elu, selu, softplus, softsign -------------------------------------------------


def _elu_vjp(ct: Tensor, y: Tensor, x: Tensor) -> Tensor:
    return selections.where(y > 0, ct, ct * (y + 1))


elu_op = Op(
    "elu",
    floating_like("elu"),
    widened(lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    unary(_elu_vjp),
    Elementwise(lambda b, x: b.select(b.gt(x, 0.0), x, b.expm1(b.min(x, 0.0)))),
)


def elu(features: TensorLike, name: str | None = None) -> Tensor:
    """x where it is positive, else e^x - 1.

    Example:
      >>> nf.nn.elu([-1.0, 2.0]).numpy().astype(float).round(4).tolist()
      [-0.6321, 2.0]

    Source: Clevert et al. 2015, "Fast and Accurate Deep Network Learning by Exponential Linear
    Units".
    """
    return elu_op(as_tensor(features, None, "elu", "features"))


_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def _selu_vjp(ct: Tensor, y: Tensor, x: Tensor) -> Tensor:
    return selections.where(y >= 0, ct * _SELU_SCALE, ct * (y + _SELU_SCALE * _SELU_ALPHA))


def _selu_body(b: Any, x: Any) -> Any:
    below = b.mul(b.expm1(b.min(x, 0.0)), _SELU_SCALE * _SELU_ALPHA)
    return b.select(b.gt(x, 0.0), b.mul(x, _SELU_SCALE), below)


def _selu_reference(x: Any) -> Any:
    return _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0)))


selu_op = Op(
    "selu",
    floating_like("selu"),
    widened(_selu_reference),
    unary(_selu_vjp),
    Elementwise(_selu_body),
)


def selu(features: TensorLike, name: str | None = None) -> Tensor:
    """s x where x is positive, else s a (e^x - 1): keeps mean 0 and variance 1 of layers.

    Example:
      >>> nf.nn.selu([-1.0, 2.0]).numpy().astype(float).round(4).tolist()
      [-1.1113, 2.1014]

    Source: Klambauer et al. 2017, "Self-Normalizing Neural Networks", equation 2.
    """
    return selu_op(as_tensor(features, None, "selu", "features"))


softplus_op = Op(
    "softplus",
    floating_like("softplus"),
    widened(lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))),
    unary(lambda ct, y, x: ct * maths.sigmoid(x)),
    Elementwise(lambda b, x: b.add(b.max(x, 0.0), b.log1p(b.exp(b.neg(b.abs(x)))))),
)


def softplus(features: TensorLike, name: str | None = None) -> Tensor:
    """log(1 + e^x), element by element: a smooth relu.

    Args:
      features: floating [...].

    Returns:
      dtype and shape of features. Never overflows: x for large x, e^x for small.

    Raises:
      DTypeError: features is not floating.

    Example:
      >>> nf.math.softplus([0.0, 1000.0]).numpy().astype(float).round(4).tolist()
      [0.6931, 1000.0]

    Source: Dugas et al. 2000, "Incorporating Second-Order Functional Knowledge for Better Option
    Pricing".
    """
    return softplus_op(as_tensor(features, None, "softplus", "features"))


def log_sigmoid(x: TensorLike, name: str | None = None) -> Tensor:
    """log(sigmoid(x)) = -softplus(-x), without the loss of log(0).

    Example:
      >>> nf.math.log_sigmoid([-1000.0, 1000.0]).numpy().tolist()
      [-1000.0, -0.0]
    """
    return -softplus_op(-as_tensor(x, None, "log_sigmoid", "x"))


softsign_op = Op(
    "softsign",
    floating_like("softsign"),
    widened(lambda x: x / (1 + np.abs(x))),
    unary(lambda ct, y, x: ct / maths.square(1 + signs.abs(x))),
    Elementwise(lambda b, x: b.div(x, b.add(b.abs(x), 1.0))),
)


def softsign(features: TensorLike, name: str | None = None) -> Tensor:
    """x / (1 + |x|), element by element.

    Example:
      >>> nf.nn.softsign([-1.0, 3.0]).numpy().tolist()
      [-0.5, 0.75]
    """
    return softsign_op(as_tensor(features, None, "softsign", "features"))


# --- gelu, silu ----------------------------------------------------------------------

_ROOT_HALF = math.sqrt(0.5)
_GELU_SCALE = math.sqrt(2 / math.pi)
_GELU_CUBIC = 0.044715


def _gelu_body(b: Any, x: Any) -> Any:
    return b.mul(b.mul(x, 0.5), b.erfc(b.mul(x, -_ROOT_HALF)))  # erfc keeps its digits far below 0


def _gelu_reference(x: Any) -> Any:
    return 0.5 * x * by_number(math.erfc)(x * -_ROOT_HALF).astype(x.dtype)


def _gelu_vjp(ct: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """ct (P(x) + x p(x)), with distribution P and density p of the normal distribution."""
    distribution = 0.5 * transcendental.erfc(x * -_ROOT_HALF)
    density = maths.exp(maths.square(x) * -0.5) / math.sqrt(2 * math.pi)
    return ct * (distribution + x * density)


gelu_op = Op(
    "gelu",
    floating_like("gelu"),
    widened(_gelu_reference),
    unary(_gelu_vjp),
    Elementwise(_gelu_body),
)


def _gelu_tanh_body(b: Any, x: Any) -> Any:
    cubic = b.mul(x, b.add(b.mul(b.mul(x, x), _GELU_CUBIC), 1.0))
    return b.mul(b.mul(x, 0.5), b.add(b.tanh(b.mul(cubic, _GELU_SCALE)), 1.0))


def _gelu_tanh_reference(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(_GELU_SCALE * x * (1 + _GELU_CUBIC * x * x)))


def _gelu_tanh_vjp(ct: Tensor, y: Tensor, x: Tensor) -> Tensor:
    square = maths.square(x)
    t = maths.tanh(x * (square * _GELU_CUBIC + 1) * _GELU_SCALE)
    slope = (square * (3 * _GELU_CUBIC) + 1) * _GELU_SCALE
    return ct * ((t + 1) * 0.5 + x * (1 - t * t) * slope * 0.5)


gelu_tanh_op = Op(
    "gelu_tanh",
    floating_like("gelu"),
    widened(_gelu_tanh_reference),
    unary(_gelu_tanh_vjp),
    Elementwise(_gelu_tanh_body),
)


@composites_too
def gelu(features: TensorLike, approximate: bool = False, name: str | None = None) -> Tensor:
    """x times the probability that a normal variable is below x.

    Args:
      features: floating [...].
      approximate: by tanh, instead of the error function.

    Example:
      >>> nf.nn.gelu([-1.0, 2.0]).numpy().astype(float).round(4).tolist()
      [-0.1587, 1.9545]

    Source: Hendrycks & Gimpel 2016, "Gaussian Error Linear Units", section 2.
    """
    x = as_tensor(features, None, "gelu", "features")
    return gelu_tanh_op(x) if approximate else gelu_op(x)


def _silu_vjp(ct: Tensor, y: Tensor, x: Tensor) -> Tensor:
    s = maths.sigmoid(x)
    return ct * (s + y * (1 - s))


silu_op = Op(
    "silu",
    floating_like("silu"),
    widened(lambda x: x * maths.sigmoid_op.reference(x)),
    unary(_silu_vjp),
    Elementwise(lambda b, x: b.mul(x, b.sigmoid(x))),
)


def silu(features: TensorLike, beta: TensorLike = 1.0) -> Tensor:
    """x sigmoid(beta x), element by element; also called swish.

    Example:
      >>> nf.nn.silu([0.0, 2.0]).numpy().astype(float).round(4).tolist()
      [0.0, 1.7616]

    Source: Ramachandran et al. 2017, "Searching for Activation Functions".
    """
    x = as_tensor(features, None, "silu", "features")
    if isinstance(beta, int | float) and beta == 1:
        return silu_op(x)
    return x * maths.sigmoid(x * beta)
