"""WeakScalar: a Python float among the arguments of a traced function.

It is a scalar input of the graph, so that another value needs no other trace, and it is *weak*:
like a Python number it takes the dtype of the tensor beside it. Arithmetic between numbers stays
weak. Whoever wants its value (`if`, `float()`, `==`, `math.sqrt`) raises ValueNeeded, on which the
function is traced again with the number as a constant. Its spec is float64: no digit is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import power, signs
from numflow.ops.convert import as_tensor


class ValueNeeded(Exception):
    """The value of a float argument was asked for while tracing; places: of which arguments."""

    def __init__(self, places: frozenset[int]) -> None:
        super().__init__("the value of a float argument is asked for while tracing")
        self.places = places


class WeakScalar:
    """Stands for a Python float; `tensor` is a float64 scalar of the trace.

    places: the numbers of the arguments that it was computed from.
    """

    __slots__ = ("_places", "_tensor")
    __array_priority__ = 200

    def __init__(self, tensor: Tensor, places: frozenset[int]) -> None:
        self._tensor, self._places = tensor, places

    def _weak_tensor(self, dtype: dtypes.DType | None) -> Tensor:
        """It as a tensor of dtype; float32 where nobody says."""
        if dtype is not None and not (dtype.is_floating or dtype.is_complex):
            raise DTypeError(
                explain(
                    "function",
                    f"a float argument does not become {dtype.name} silently",
                    fix="nf.cast, or a number of the right kind",
                )
            )
        return maths.cast(self._tensor, dtype or dtypes.float32)

    def _needed(self, *_: Any, **__: Any) -> NoReturn:
        raise ValueNeeded(self._places)

    __float__ = __int__ = __bool__ = __complex__ = __index__ = __round__ = __trunc__ = _needed
    __floor__ = __ceil__ = __array__ = __hash__ = __format__ = __str__ = _needed
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _needed
    is_integer = as_integer_ratio = hex = _needed

    def _combine(self, other: Any, op: Callable[[Any, Any], Tensor], swapped: bool) -> Any:
        places = self._places
        if isinstance(other, WeakScalar):
            number, places = other._tensor, places | other._places
        elif isinstance(other, int | float) and not isinstance(other, bool):
            number = as_tensor(float(other), dtypes.float64)
        elif isinstance(other, np.ndarray | np.generic):
            x = as_tensor(other)
            return op(x, self) if swapped else op(self, x)
        else:
            return NotImplemented  # a tensor or variable: its operator takes this as a number
        left, right = (number, self._tensor) if swapped else (self._tensor, number)
        return WeakScalar(op(left, right), places)

    def __add__(self, other: Any) -> Any:
        return self._combine(other, maths.add, False)

    def __radd__(self, other: Any) -> Any:
        return self._combine(other, maths.add, True)

    def __sub__(self, other: Any) -> Any:
        return self._combine(other, maths.subtract, False)

    def __rsub__(self, other: Any) -> Any:
        return self._combine(other, maths.subtract, True)

    def __mul__(self, other: Any) -> Any:
        return self._combine(other, maths.multiply, False)

    def __rmul__(self, other: Any) -> Any:
        return self._combine(other, maths.multiply, True)

    def __truediv__(self, other: Any) -> Any:
        return self._combine(other, maths.divide, False)

    def __rtruediv__(self, other: Any) -> Any:
        return self._combine(other, maths.divide, True)

    def __pow__(self, other: Any) -> Any:
        return self._combine(other, power.pow, False)

    def __rpow__(self, other: Any) -> Any:
        return self._combine(other, power.pow, True)

    def __floordiv__(self, other: Any) -> Any:
        return self._combine(other, power.floordiv, False)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._combine(other, power.floordiv, True)

    def __mod__(self, other: Any) -> Any:
        return self._combine(other, power.floormod, False)

    def __rmod__(self, other: Any) -> Any:
        return self._combine(other, power.floormod, True)

    def __neg__(self) -> WeakScalar:
        return WeakScalar(signs.negative(self._tensor), self._places)

    def __pos__(self) -> WeakScalar:
        return self

    def __abs__(self) -> WeakScalar:
        return WeakScalar(signs.abs(self._tensor), self._places)

    def __repr__(self) -> str:
        return "<a float argument>"
