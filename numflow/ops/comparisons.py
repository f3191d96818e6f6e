"""Comparisons, element by element: bools."""

from __future__ import annotations

import numpy as np

from numflow.graph.lowering import Elementwise
from numflow.graph.op import Op
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops.convert import operands
from numflow.ops.shape_rules import comparison

less_op = Op("less", comparison("less"), np.less, None, Elementwise(lambda b, x, y: b.lt(x, y)))
less_equal_op = Op(
    "less_equal",
    comparison("less_equal"),
    np.less_equal,
    None,
    Elementwise(lambda b, x, y: b.le(x, y)),
)
greater_op = Op(
    "greater", comparison("greater"), np.greater, None, Elementwise(lambda b, x, y: b.gt(x, y))
)
greater_equal_op = Op(
    "greater_equal",
    comparison("greater_equal"),
    np.greater_equal,
    None,
    Elementwise(lambda b, x, y: b.ge(x, y)),
)
equal_op = Op(
    "equal", comparison("equal", False), np.equal, None, Elementwise(lambda b, x, y: b.eq(x, y))
)
not_equal_op = Op(
    "not_equal",
    comparison("not_equal", False),
    np.not_equal,
    None,
    Elementwise(lambda b, x, y: b.ne(x, y)),
)


def less(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x < y, element by element, as bool.

    Example:
      >>> nf.less([1, 2], 2).numpy().tolist()
      [True, False]
    """
    return less_op(*operands("less", x, y))


def less_equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x <= y, element by element, as bool.

    Example:
      >>> nf.less_equal([1, 3], 2).numpy().tolist()
      [True, False]
    """
    return less_equal_op(*operands("less_equal", x, y))


def greater(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x > y, element by element, as bool.

    Example:
      >>> nf.greater([1, 3], 2).numpy().tolist()
      [False, True]
    """
    return greater_op(*operands("greater", x, y))


def greater_equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x >= y, element by element, as bool.

    Example:
      >>> nf.greater_equal([1, 2], 2).numpy().tolist()
      [False, True]
    """
    return greater_equal_op(*operands("greater_equal", x, y))


def equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x == y, element by element, as bool.

    Example:
      >>> nf.equal([1, 2], 2).numpy().tolist()
      [False, True]
    """
    return equal_op(*operands("equal", x, y))


def not_equal(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x != y, element by element, as bool.

    Example:
      >>> nf.not_equal([1, 2], 2).numpy().tolist()
      [True, False]
    """
    return not_equal_op(*operands("not_equal", x, y))
