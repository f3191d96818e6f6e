"""Rules of simplify.py for arithmetic, casts and choices. The value stays, to the last bit.

x + 0 stays for floating x, for it turns -0.0 into 0.0; x * 0 does, for it is nan where x is not
finite.
"""

from __future__ import annotations

import numpy as np

from numflow.dtypes import DType
from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import Node
from numflow.graph.op import current
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import select, signs
from numflow.passes.patterns import (
    inputs_of,
    is_negative_zero,
    is_one,
    is_zero,
    made_by,
    scalar,
    shaped,
)

Inputs = tuple[SymbolicTensor, ...]


def add_nothing(node: Node, inputs: Inputs) -> Tensor | None:
    """x + 0 -> x, of integers; x + -0.0 -> x."""
    x, y = inputs
    if is_negative_zero(y):
        return shaped(x, node.output.spec.shape)
    if is_negative_zero(x):
        return shaped(y, node.output.spec.shape)
    return None


def add_negative(node: Node, inputs: Inputs) -> Tensor | None:
    """x + -y -> x - y; -x + y -> y - x."""
    x, y = inputs
    negated = made_by(y, signs.negative_op)
    if negated is not None:
        return maths.subtract_op(x, inputs_of(negated)[0])  # type: ignore[no-any-return]
    negated = made_by(x, signs.negative_op)
    if negated is not None:
        return maths.subtract_op(y, inputs_of(negated)[0])  # type: ignore[no-any-return]
    return None


def subtract_nothing(node: Node, inputs: Inputs) -> Tensor | None:
    """x - 0 -> x."""
    x, y = inputs
    return shaped(x, node.output.spec.shape) if is_zero(y) else None


def subtract_negative(node: Node, inputs: Inputs) -> Tensor | None:
    """x - -y -> x + y."""
    negated = made_by(inputs[1], signs.negative_op)
    return None if negated is None else maths.add_op(inputs[0], inputs_of(negated)[0])


def multiply_by_one(node: Node, inputs: Inputs) -> Tensor | None:
    """x * 1 -> x."""
    x, y = inputs
    if is_one(y):
        return shaped(x, node.output.spec.shape)
    if is_one(x):
        return shaped(y, node.output.spec.shape)
    return None


def multiply_by_zero(node: Node, inputs: Inputs) -> Tensor | None:
    """x * 0 -> 0, of integers."""
    for zero in inputs:
        if zero.dtype.is_integer and is_zero(zero):
            return shaped(zero, node.output.spec.shape)
    return None


def multiply_negatives(node: Node, inputs: Inputs) -> Tensor | None:
    """-x * -y -> x * y; -x * c -> x * -c for a constant c."""
    makers = [made_by(t, signs.negative_op) for t in inputs]
    for k, maker in enumerate(makers):
        if maker is None:
            continue
        (inner,), other, constant = inputs_of(maker), inputs[1 - k], scalar(inputs[1 - k])
        other_maker = makers[1 - k]
        if other_maker is not None:
            return maths.multiply_op(inner, inputs_of(other_maker)[0])  # type: ignore[no-any-return]
        if constant is not None and not other.dtype.is_unsigned:
            opposite = _filled(np.asarray(np.negative(constant)), other)
            return maths.multiply_op(inner, opposite)  # type: ignore[no-any-return]
    return None


def negate_product(node: Node, inputs: Inputs) -> Tensor | None:
    """-(x * c) -> x * -c for a constant c."""
    product = made_by(inputs[0], maths.multiply_op)
    if product is None or inputs[0].dtype.is_unsigned:
        return None
    factors = inputs_of(product)
    for k in (1, 0):
        constant = scalar(factors[k])
        if constant is not None:
            opposite = _filled(np.asarray(np.negative(constant)), factors[k])
            return maths.multiply_op(factors[1 - k], opposite)  # type: ignore[no-any-return]
    return None


def divide_by_power_of_two(node: Node, inputs: Inputs) -> Tensor | None:
    """x / 2^k -> x * 2^-k: exact, and a product costs a tenth of a quotient. With it x / 1 -> x."""
    x, y = inputs
    value = scalar(y)
    if value is None or not x.dtype.is_floating or x.dtype.size < 4:
        return None
    mantissa, exponent = np.frexp(value)
    if abs(mantissa) != 0.5 or not -100 < exponent < 100:  # so that neither is subnormal
        return None
    return maths.multiply_op(x, _filled(np.asarray(np.reciprocal(value)), y))  # type: ignore[no-any-return]


def negate_twice(node: Node, inputs: Inputs) -> Tensor | None:
    """--x -> x."""
    negated = made_by(inputs[0], signs.negative_op)
    return None if negated is None else inputs_of(negated)[0]


def not_twice(node: Node, inputs: Inputs) -> Tensor | None:
    """not not x -> x."""
    negated = made_by(inputs[0], select.logical_not_op)
    return None if negated is None else inputs_of(negated)[0]


def choose_same(node: Node, inputs: Inputs) -> Tensor | None:
    """where(c, x, x) -> x; where(True, x, y) -> x; where(False, x, y) -> y."""
    condition, x, y = inputs
    value = scalar(condition)
    if value is not None:
        return shaped(x if value else y, node.output.spec.shape)
    return shaped(x, node.output.spec.shape) if x.value is y.value else None


def cast_to_same(node: Node, inputs: Inputs) -> Tensor | None:
    """cast(x, dtype of x) -> x."""
    return inputs[0] if inputs[0].dtype is node.output.spec.dtype else None


def cast_twice(node: Node, inputs: Inputs) -> Tensor | None:
    """cast(cast(x, a), b) -> cast(x, b), where a holds every value of x."""
    first = made_by(inputs[0], maths.cast_op)
    if first is None:
        return None
    (x,) = inputs_of(first)
    return maths.cast(x, node.output.spec.dtype) if _holds(inputs[0].dtype, x.dtype) else None


def _holds(wide: DType, narrow: DType) -> bool:
    """Whether each value of narrow is one of wide."""
    if narrow.is_bool:
        return wide.is_numeric and not wide.is_complex
    if narrow.is_floating:
        return wide.is_floating and wide.size > narrow.size
    if not narrow.is_integer:
        return False
    if wide.is_floating:  # 24 and 53 bits of mantissa hold two and four bytes
        return wide.size >= 2 * narrow.size and wide.size >= 4
    if not wide.is_integer:
        return False
    signs = wide.is_unsigned == narrow.is_unsigned
    return wide.size > narrow.size and (signs or narrow.is_unsigned)


def _filled(value: np.ndarray, like: Tensor) -> Tensor:
    """A constant, repeated as `like` is."""
    return shaped(current().constant(value), like.spec.shape)
