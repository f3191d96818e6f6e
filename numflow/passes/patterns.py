"""Questions that rewriting rules ask of a tensor: who made it, is it a constant, is it repeated."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import Node, constant_op
from numflow.graph.op import Op, current
from numflow.graph.tensor import Tensor
from numflow.ops import shape as shaping


def made_by(tensor: Tensor, op: Op) -> Node | None:
    """The node that made tensor, if it is one of op."""
    node = tensor.value.node if isinstance(tensor, SymbolicTensor) else None
    return node if node is not None and node.op is op else None


def inputs_of(node: Node) -> tuple[SymbolicTensor, ...]:
    """The inputs of a node of the graph that is being built, as tensors."""
    building: Any = current()
    return tuple(map(building.tensor, node.inputs))


def scalar(tensor: Tensor) -> Any:
    """The NumPy scalar that every element is, if tensor is a constant of one, or repeats one."""
    repeated = made_by(tensor, shaping.broadcast_op)
    if repeated is not None:
        tensor = inputs_of(repeated)[0]
    constant = made_by(tensor, constant_op)
    if constant is None or constant.attrs["value"].size != 1:
        return None
    return constant.attrs["value"].reshape(())[()]


def is_zero(tensor: Tensor) -> bool:
    """Whether every element is the real number 0, and not -0.0."""
    value = _real(tensor)
    return value is not None and bool(value == 0) and not np.signbit(value)


def is_negative_zero(tensor: Tensor) -> bool:
    """Whether every element is -0.0, which added changes nothing; of integers 0 is."""
    value = _real(tensor)
    if value is None or value != 0:
        return False
    return tensor.dtype.is_integer or bool(np.signbit(value))


def is_one(tensor: Tensor) -> bool:
    """Whether every element is the real number 1."""
    value = _real(tensor)
    return value is not None and bool(value == 1)


def _real(tensor: Tensor) -> Any:
    """As scalar, of real numbers only: a complex product by 1 makes nan of inf."""
    return scalar(tensor) if tensor.dtype.is_floating or tensor.dtype.is_integer else None


def shaped(tensor: Tensor, shape: Any) -> Tensor:
    """tensor, repeated up to shape if it is not of it."""
    if tensor.spec.shape == shape:
        return tensor
    return shaping.broadcast_op(tensor, shape=shape)  # type: ignore[no-any-return]
