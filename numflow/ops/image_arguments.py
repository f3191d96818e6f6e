"""What functions on images take: tensors of 3 axes or more, sizes, factors."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.building import SymbolicTensor
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import plain
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.shapes import Dim, Extent

COMPUTED = (dtypes.float16, dtypes.float32)
"""What is computed in as it is; other images become float32 on the way, as in TensorFlow."""


def as_images(
    op: str,
    value: TensorLike,
    name: str = "image",
    *,
    most: int | None = 4,
    least: int = 3,
    pixels: bool = True,
) -> Tensor:
    """value as a tensor of `least` to `most` axes, of which the last three have elements.

    Raises:
      ShapeError: other axes, or no elements.
      DTypeError: text.
    """
    x = as_tensor(value, None, op, name)
    rank = x.spec.rank
    if rank < least or (most is not None and rank > most):
        wanted = f"{least} or {most}" if most is not None and most > least else str(least)
        wanted += " or more" if most is None else ""
        raise ShapeError(explain(op, f"{name} must have {wanted} axes", {name: x.spec}))
    if pixels and 0 in x.spec.shape[-3:]:
        raise ShapeError(explain(op, f"{name} has no pixels", {name: x.spec}))
    if x.dtype is dtypes.string:
        raise DTypeError(explain(op, f"{name} is text", {name: x.spec}))
    return x


def of_numbers(op: str, x: Tensor, name: str = "image") -> Tensor:
    """x itself.

    Raises:
      DTypeError: it holds no real numbers.
    """
    if not x.dtype.is_floating and not x.dtype.is_integer:
        problem = f"{name} is {x.dtype.name}, not of real numbers"
        raise DTypeError(explain(op, problem, {name: x.spec}))
    return x


def with_channels(op: str, x: Tensor, count: int, name: str) -> Tensor:
    """x itself, checked when the program runs where only a call tells.

    Raises:
      ShapeError: its last axis is of another size.
    """
    if x.spec.rank < 1 or (isinstance(x.spec.shape[-1], int) and x.spec.shape[-1] != count):
        problem = f"the last axis of {name} must be {count}"
        raise ShapeError(explain(op, problem, {name: x.spec}))
    if isinstance(x.spec.shape[-1], Dim):
        return shaping.reshape_op(x, shape=(*x.spec.shape[:-1], count))
    return x


def size_of(op: str, value: Any, name: str, least: int = 0) -> Extent:
    """An integer, which may become known at run time only.

    Raises:
      ShapeError: it is below `least`.
    """
    n: Extent = static_int(value, op, name, sizes=True)
    if isinstance(n, int) and n < least:
        limit = "not be negative" if least == 0 else "be positive"
        raise ShapeError(explain(op, f"{name} must {limit}", {name: n}))
    return n


def known_number(value: Any, op: str = "image", name: str = "an argument") -> float | None:
    """A number where it is known now: no tensor of a trace."""
    if isinstance(value, SymbolicTensor) or hasattr(value, "_weak_tensor"):
        return None
    return plain.number(value, op, name)
