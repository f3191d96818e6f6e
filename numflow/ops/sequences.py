"""polyval, and whether numbers ascend."""

from __future__ import annotations

from typing import Any

from numflow.errors import DTypeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor

# --- polyval -----------------------------------------------------------------------


def polyval(coeffs: list[Any], x: TensorLike, name: str | None = None) -> Tensor:
    """The polynomial with these coefficients, that of the highest power first, at x.

    Args:
      coeffs: a list of numbers or tensors that broadcast with x.
      x: numbers.

    Raises:
      ValueError: coeffs is no list.

    Example:
      >>> nf.math.polyval([1.0, 2.0, 3.0], 2.0).numpy().item()
      11.0
    """
    if not isinstance(coeffs, list):
        problem = f"coeffs is a list of coefficients, not a {type(coeffs).__name__}"
        raise ValueError(explain("polyval", problem))
    at = as_tensor(x, None, "polyval", "x")
    if not coeffs:
        return shaping.zeros_like(at)
    value = as_tensor(coeffs[0], at.dtype, "polyval", "coeffs")
    for c in coeffs[1:]:  # Horner's scheme
        value = value * at + as_tensor(c, at.dtype, "polyval", "coeffs")
    return value


# --- order -----------------------------------------------------------------------------


def _pairs(op: str, x: TensorLike) -> tuple[Tensor, Tensor]:
    """Each element but the last, and its successor, row by row."""
    values = as_tensor(x, None, op, "x")
    if not values.dtype.is_numeric or values.dtype.is_complex:
        shown = {"x": values.spec}
        raise DTypeError(explain(op, f"x is {values.dtype.name}, not a real number", shown))
    flat = shaping.reshape(values, [-1])
    return flat[:-1], flat[1:]


def is_non_decreasing(x: TensorLike, name: str | None = None) -> Tensor:
    """Whether no element is below the one before it, row by row; true of one element or none.

    Raises:
      DTypeError: x has no order.

    Example:
      >>> bool(nf.math.is_non_decreasing([1, 2, 2])), bool(nf.math.is_non_decreasing([2, 1]))
      (True, False)
    """
    before, after = _pairs("is_non_decreasing", x)
    return reductions.reduce_all(comparisons.less_equal(before, after))


def is_strictly_increasing(x: TensorLike, name: str | None = None) -> Tensor:
    """Whether each element is above the one before it, row by row; true of one element or none.

    Raises:
      DTypeError: x has no order.

    Example:
      >>> bool(nf.math.is_strictly_increasing([1, 2])), bool(nf.math.is_strictly_increasing([1, 1]))
      (True, False)
    """
    before, after = _pairs("is_strictly_increasing", x)
    return reductions.reduce_all(comparisons.less(before, after))
