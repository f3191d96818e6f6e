"""Binds + - * / ** @ < [] ... to Tensor, once."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import ShapeError
from numflow.graph.tensor import Tensor
from numflow.ops import bitwise, comparisons, linalg, power, signs, slicing
from numflow.ops import math as maths
from numflow.ops.convert import as_tensor

Operand = Any


def _reversed(function: Any) -> Any:
    def operator(self: Tensor, other: Operand) -> Tensor:
        return function(other, self)

    return operator


def _equal(self: Tensor, other: Operand) -> Any:
    """`==`: False where shapes do not broadcast, and beside None, as in TensorFlow."""
    return _compared(comparisons.equal, self, other, False)


def _not_equal(self: Tensor, other: Operand) -> Any:
    return _compared(comparisons.not_equal, self, other, True)


def _compared(function: Any, x: Tensor, y: Operand, otherwise: bool) -> Any:
    if y is None:
        return otherwise
    try:
        return function(x, y)
    except ShapeError:
        return as_tensor(otherwise, dtypes.bool)


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
    "__neg__": signs.negative,
    "__abs__": signs.abs,
    "__lt__": comparisons.less,
    "__le__": comparisons.less_equal,
    "__gt__": comparisons.greater,
    "__ge__": comparisons.greater_equal,
    "__eq__": _equal,
    "__ne__": _not_equal,
    "__and__": bitwise.either_and,
    "__rand__": _reversed(bitwise.either_and),
    "__or__": bitwise.either_or,
    "__ror__": _reversed(bitwise.either_or),
    "__xor__": bitwise.either_xor,
    "__rxor__": _reversed(bitwise.either_xor),
    "__invert__": bitwise.either_not,
    "__getitem__": slicing.getitem,
}


def bind(cls: type) -> None:
    """Give cls the operators; what behaves like a tensor (a variable) calls it too."""
    for name, method in METHODS.items():
        setattr(cls, name, method)


bind(Tensor)
