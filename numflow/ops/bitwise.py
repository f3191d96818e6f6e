"""Bits of integers: and, or, xor, invert, shifts; and the operators & | ^ ~, of bools too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numflow.errors import DTypeError, explain
from numflow.graph.lowering import Elementwise
from numflow.graph.op import Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import select
from numflow.ops.convert import as_tensor, operands
from numflow.ops.shape_rules import binary

# --- and, or, xor, invert ------------------------------------------------------

bitwise_and_op = Op(
    "bitwise_and",
    binary("bitwise_and", "iu"),
    np.bitwise_and,
    None,
    Elementwise(lambda b, x, y: b.bitand(x, y)),
)
bitwise_or_op = Op(
    "bitwise_or",
    binary("bitwise_or", "iu"),
    np.bitwise_or,
    None,
    Elementwise(lambda b, x, y: b.bitor(x, y)),
)
bitwise_xor_op = Op(
    "bitwise_xor",
    binary("bitwise_xor", "iu"),
    np.bitwise_xor,
    None,
    Elementwise(lambda b, x, y: b.bitxor(x, y)),
)


def bitwise_and(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """The bits that both x and y have; integers of one dtype, shapes broadcast.

    Raises:
      DTypeError: x and y are not integers, or differ in dtype.

    Example:
      >>> nf.bitwise.bitwise_and([12, 10], 6).numpy().tolist()
      [4, 2]
    """
    return bitwise_and_op(*operands("bitwise_and", x, y))


def bitwise_or(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """The bits that x or y has; integers of one dtype, shapes broadcast.

    Example:
      >>> nf.bitwise.bitwise_or([12, 10], 6).numpy().tolist()
      [14, 14]
    """
    return bitwise_or_op(*operands("bitwise_or", x, y))


def bitwise_xor(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """The bits that exactly one of x and y has; integers of one dtype, shapes broadcast.

    Example:
      >>> nf.bitwise.bitwise_xor([12, 10], 6).numpy().tolist()
      [10, 12]
    """
    return bitwise_xor_op(*operands("bitwise_xor", x, y))


def _integers(x: Spec) -> Spec:
    if not x.dtype.is_integer:
        problem = f"x is {x.dtype.name}, not an integer"
        raise DTypeError(explain("invert", problem, {"x": x}))
    return x


invert_op = Op("invert", _integers, np.invert, None, Elementwise(lambda b, x: b.bitnot(x)))


def invert(x: TensorLike, name: str | None = None) -> Tensor:
    """Every bit of the integers x the other way.

    Example:
      >>> nf.bitwise.invert([0, 5]).numpy().tolist()
      [-1, -6]
    """
    return invert_op(as_tensor(x, None, "invert", "x"))


# --- shifts ----------------------------------------------------------------------
#
# How far is kept within [0, width - 1], as TensorFlow's kernels do: a wider shift is undefined in C
# and in LLVM.


def _within(y: Any) -> Any:
    return np.clip(y, 0, 8 * y.dtype.itemsize - 1).astype(y.dtype)


def _kept(b: Any, y: Any) -> Any:
    width = int(y.dtype[1:])
    y = b.min(y, width - 1)
    return y if y.dtype.startswith("u") else b.max(y, 0)


left_shift_op = Op(
    "left_shift",
    binary("left_shift", "iu"),
    lambda x, y: np.left_shift(x, _within(y)),
    None,
    Elementwise(lambda b, x, y: b.shl(x, _kept(b, y))),
)
right_shift_op = Op(
    "right_shift",
    binary("right_shift", "iu"),
    lambda x, y: np.right_shift(x, _within(y)),
    None,
    Elementwise(lambda b, x, y: b.shr(x, _kept(b, y))),
)


def left_shift(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x * 2^y in the bits of its dtype; y is taken as 0 below it, and as the width less 1 above.

    Example:
      >>> nf.bitwise.left_shift([1, 3], [4, 1]).numpy().tolist()
      [16, 6]
    """
    return left_shift_op(*operands("left_shift", x, y))


def right_shift(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x / 2^y, rounded down: the sign is kept; y is limited as in left_shift.

    Example:
      >>> nf.bitwise.right_shift([16, -8], [4, 1]).numpy().tolist()
      [1, -4]
    """
    return right_shift_op(*operands("right_shift", x, y))


# --- the operators -----------------------------------------------------------------


def _either(bits: Op, logical: Op, x: Any, y: Any) -> Tensor:
    a, b = operands(bits.name, x, y)
    return bits(a, b) if a.dtype.is_integer else logical(a, b)


def _binary(bits: Op, logical: Op) -> Callable[[Any, Any], Tensor]:
    return lambda x, y: _either(bits, logical, x, y)


either_and = _binary(bitwise_and_op, select.logical_and_op)
either_or = _binary(bitwise_or_op, select.logical_or_op)
either_xor = _binary(bitwise_xor_op, select.logical_xor_op)


def either_not(x: Any) -> Tensor:
    """~x: of integers their bits, of bools not."""
    tensor = as_tensor(x, None, "invert", "x")
    return invert_op(tensor) if tensor.dtype.is_integer else select.logical_not_op(tensor)
