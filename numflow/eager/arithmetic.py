"""The operators of eager tensors by their shortest way: what once was checked is not checked again.

`x + y` goes through conversion, shape rule and interpreter: 2 us of Python around 0.3 us of NumPy.
Specs being the same object for the same shape and dtype, one look into a dict tells whether such a
pair passed before; then only NumPy's function is left to call. All else takes the ordinary way: a
tape or a trace in force anywhere, variables, arrays, mixed dtypes, results without axes (of which
NumPy makes no array), and large ones (large.py). What the ordinary way refuses is never learned.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

import numpy as np

from numflow.eager.tensor import EagerTensor
from numflow.errors import OpError
from numflow.graph.op import Array, Attrs, Op, observers
from numflow.graph.spec import Spec
from numflow.ops import comparisons, linalg
from numflow.ops import math as maths
from numflow.ops.literals import as_array
from numflow.ops.operators import METHODS

LARGE = 1 << 16
"""Elements from which an operand or a result is large: compiled code may answer (large.py)."""

_KEPT = 1024  # pairs of specs that an operator knows

_quiet = contextvars.copy_context()
_quiet.run(np.seterr, all="ignore")
run = _quiet.run  # no measurable time, where np.errstate takes 600 ns; one thread at a time


class _Known:
    """The operands that an operator took before: (spec of the result or None, what they were).

    Keys are ids of specs, which the values keep alive, so that no other object gets an id.
    """

    def __init__(self, op: Op, ufunc: Any, attrs: Attrs) -> None:
        self.op, self.ufunc, self.attrs = op, ufunc, attrs
        self.pairs: dict[tuple[int, int], tuple[Spec | None, Spec, Spec]] = {}
        self.floats: dict[tuple[int, float], tuple[Spec | None, Array, Spec]] = {}
        self.ints: dict[tuple[int, int], tuple[Spec | None, Array, Spec]] = {}

    def learn(self, x: EagerTensor, y: Any, z: EagerTensor) -> None:
        """Take note that the ordinary way made z of x and y, a tensor or a Python number."""
        if type(y) is EagerTensor:
            if len(self.pairs) >= _KEPT:
                self.pairs.clear()
            self.pairs[id(x.spec), id(y.spec)] = self._result(x.spec, y.spec, z), x.spec, y.spec
        elif y or type(y) is int:  # 0.0 and -0.0 would be one key
            numbers: dict[Any, Any] = self.floats if type(y) is float else self.ints
            if len(numbers) >= _KEPT:
                numbers.clear()
            spec = self._result(x.spec, Spec((), x.dtype), z)
            array = None if spec is None else as_array(y, x.dtype, self.op.name, "y")
            numbers[id(x.spec), y] = spec, array, x.spec

    def _result(self, x: Spec, y: Spec, z: EagerTensor) -> Spec | None:
        """z's spec where the ufunc alone makes the same array of the operands."""
        try:
            self.op.specs((x, y), self.attrs)
        except OpError:  # they were converted first, as integers that are divided
            return None
        if any(s.dtype.size == 2 and s.dtype.is_floating for s in (x, y)):
            return None  # products of them are computed as float32
        arrays = (np.empty(0, s.dtype.numpy) for s in (x, y))
        plain = self.ufunc(*arrays).dtype is z.spec.dtype.numpy
        small = all(s.size < LARGE for s in (x, y, z.spec))  # type: ignore[operator]
        return z.spec if plain and small and z.spec.shape else None


def _operator(
    op: Op, name: str, ufunc: Any = None, attrs: Attrs | None = None
) -> Callable[[Any, Any], Any]:
    """x op y; ufunc: what computes it, the op's reference if that is one."""
    ordinary, ufunc = METHODS[name], ufunc or op.reference
    known = _Known(op, ufunc, attrs or {})
    pairs, floats, ints = known.pairs, known.floats, known.ints

    def operator(x: EagerTensor, y: Any) -> Any:
        if observers:  # a tape or a trace, of any thread
            return ordinary(x, y)
        found: Any
        kind = type(y)
        if kind is EagerTensor:
            found = pairs.get((id(x._spec), id(y._spec)))
            b = y._array
        elif kind is float:
            found = floats.get((id(x._spec), y))
            b = found and found[1]
        elif kind is int:
            found = ints.get((id(x._spec), y))
            b = found and found[1]
        else:
            return ordinary(x, y)
        if found is None:
            z = ordinary(x, y)
            known.learn(x, y, z)
            return z
        if found[0] is not None:
            try:
                return EagerTensor(run(ufunc, x._array, b), found[0])
            except (RuntimeError, MemoryError):  # another thread is in there; no memory
                pass
        return ordinary(x, y)

    return operator


def _reversed(op: Op, name: str) -> Callable[[Any, Any], Any]:
    """y op x, for numbers y."""
    ordinary, ufunc, known = METHODS[name], op.reference, _Known(op, op.reference, {})
    floats, ints = known.floats, known.ints

    def operator(x: EagerTensor, y: Any) -> Any:
        kind = type(y)
        if observers or (kind is not float and kind is not int):
            return ordinary(x, y)
        found: Any = (floats if kind is float else ints).get((id(x._spec), y))
        if found is None:
            z = ordinary(x, y)
            known.learn(x, y, z)
            return z
        if found[0] is not None:
            try:
                return EagerTensor(run(ufunc, found[1], x._array), found[0])
            except (RuntimeError, MemoryError):
                pass
        return ordinary(x, y)

    return operator


def _product() -> Callable[[Any, Any], Any]:
    """x @ y: by a builtin where there is one (short.py)."""
    attrs = {"transpose_a": False, "transpose_b": False}
    ordinary = _operator(linalg.matmul_op, "__matmul__", np.matmul, attrs)
    short = linalg.matmul_op.short

    def product(x: EagerTensor, y: Any) -> Any:
        found = short.get((id(x._spec), id(getattr(y, "_spec", None))))
        if found is not None and type(z := found(x, y)) is EagerTensor:
            return z
        return ordinary(x, y)

    return product


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "__add__": _operator(maths.add_op, "__add__"),
    "__sub__": _operator(maths.subtract_op, "__sub__"),
    "__mul__": _operator(maths.multiply_op, "__mul__"),
    "__truediv__": _operator(maths.divide_op, "__truediv__"),
    "__matmul__": _product(),
    "__lt__": _operator(comparisons.less_op, "__lt__"),
    "__le__": _operator(comparisons.less_equal_op, "__le__"),
    "__gt__": _operator(comparisons.greater_op, "__gt__"),
    "__ge__": _operator(comparisons.greater_equal_op, "__ge__"),
    "__eq__": _operator(comparisons.equal_op, "__eq__"),
    "__ne__": _operator(comparisons.not_equal_op, "__ne__"),
    "__radd__": _reversed(maths.add_op, "__radd__"),
    "__rsub__": _reversed(maths.subtract_op, "__rsub__"),
    "__rmul__": _reversed(maths.multiply_op, "__rmul__"),
    "__rtruediv__": _reversed(maths.divide_op, "__rtruediv__"),
}


def bind() -> None:
    """Give EagerTensor these operators; the others are Tensor's."""
    for name, operator in OPERATORS.items():
        setattr(EagerTensor, name, operator)
