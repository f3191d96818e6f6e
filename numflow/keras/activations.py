"""numflow.keras.activations: functions by Keras's names.

Example:
  >>> nf.keras.activations.get("relu")([-1.0, 2.0]).numpy().tolist()
  [0.0, 2.0]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import activation as _activations
from numflow.ops import math as _maths
from numflow.ops.activation import (
    elu,
    gelu,
    leaky_relu,
    relu,
    relu6,
    selu,
    silu,
    softplus,
    softsign,
)
from numflow.ops.convert import as_tensor as _as_tensor
from numflow.ops.math import exp, sigmoid, tanh

Activation = Callable[..., Any]


def linear(x: TensorLike) -> Tensor:
    """x itself."""
    return _as_tensor(x)


def hard_sigmoid(x: TensorLike) -> Tensor:
    """x / 6 + 1/2, between 0 and 1.

    Example:
      >>> nf.keras.activations.hard_sigmoid([-4.0, 0.0, 4.0]).numpy().tolist()
      [0.0, 0.5, 1.0]
    """
    return relu6(_as_tensor(x) + 3.0) * (1.0 / 6.0)


def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """e^x, divided by its sum along an axis."""
    return _activations.softmax(x, axis)


def swish(x: TensorLike) -> Tensor:
    """x sigmoid(x)"""
    return silu(x)


_BY_NAME: dict[str, Activation] = {
    "linear": linear,
    "elu": elu,
    "exponential": exp,
    "gelu": gelu,
    "hard_sigmoid": hard_sigmoid,
    "leaky_relu": leaky_relu,
    "relu": relu,
    "relu6": relu6,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "swish": swish,
    "tanh": tanh,
}


def get(identifier: Any) -> Activation:
    """The function that a name or a function means; `linear` of None.

    Raises:
      ValueError: it means none.
    """
    if identifier is None:
        return linear
    found = _BY_NAME.get(identifier) if isinstance(identifier, str) else identifier
    if found is _maths.tanh or found is _maths.sigmoid:
        return found
    if not callable(found):
        raise ValueError(f"Could not interpret activation function identifier: {identifier}")
    return found


def serialize(activation: Activation) -> Any:
    """The name of a function of this module; another function itself."""
    for name, found in _BY_NAME.items():
        if found is activation:
            return name
    return activation


__all__ = [
    "elu",
    "exp",
    "gelu",
    "get",
    "hard_sigmoid",
    "leaky_relu",
    "linear",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]
