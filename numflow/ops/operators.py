"""Binds + - * / ** @ < [] ... to Tensor, once."""

from __future__ import annotations

from typing import Any

from numflow.graph.tensor import Tensor
from numflow.ops import linalg, power, select, slicing
from numflow.ops import math as maths

Operand = Any


def _reversed(function: Any) -> Any:
    def operator(self: Tensor, other: Operand) -> Tensor:
        return function(other, self)

    return operator


def _equal(self: Tensor, other: Operand) -> Any:
    try:
        return maths.equal(self, other)
    except ValueError as e:
        if "tensor was wanted" in str(e):  # x == None is False, as in TensorFlow
            return False
        raise


def _not_equal(self: Tensor, other: Operand) -> Any:
    try:
        return maths.not_equal(self, other)
    except ValueError as e:
        if "tensor was wanted" in str(e):
            return True
        raise


METHODS: dict[str, Any] = {
    "__add__": maths.add,
    "__radd__": _reversed(maths.add),
    "__sub__": maths.subtract,
    "__rsub__": _reversed(maths.subtract),
    "__mul__": maths.multiply,
    "__rmul__": _reversed(maths.multiply),
    "__truediv__": maths.divide,
    "__rtruediv__": _reversed(maths.divide),
    "__floordiv__": power.floordiv,
    "__rfloordiv__": _reversed(power.floordiv),
    "__mod__": power.floormod,
    "__rmod__": _reversed(power.floormod),
    "__pow__": power.pow,
    "__rpow__": _reversed(power.pow),
    "__matmul__": linalg.matmul,
    "__rmatmul__": _reversed(linalg.matmul),
    "__neg__": maths.negative,
    "__abs__": maths.abs,
    "__lt__": maths.less,
    "__le__": maths.less_equal,
    "__gt__": maths.greater,
    "__ge__": maths.greater_equal,
    "__eq__": _equal,
    "__ne__": _not_equal,
    "__and__": select.logical_and,
    "__rand__": _reversed(select.logical_and),
    "__or__": select.logical_or,
    "__ror__": _reversed(select.logical_or),
    "__xor__": select.logical_xor,
    "__rxor__": _reversed(select.logical_xor),
    "__invert__": select.logical_not,
    "__getitem__": slicing.getitem,
}


def bind(cls: type) -> None:
    """Give cls the operators; what behaves like a tensor (a variable) calls it too."""
    for name, method in METHODS.items():
        setattr(cls, name, method)


bind(Tensor)
