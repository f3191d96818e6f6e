"""Choosing by a condition, and bools: where, logical_and, logical_or, logical_not."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, explain
from numflow.graph.lowering import Elementwise
from numflow.graph.op import Backward, Op, composites_too
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, comparisons, run_time
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, operands
from numflow.ops.shape_rules import broadcast_shapes, same_dtype

# --- where -------------------------------------------------------------------


def _where_infer(condition: Spec, x: Spec, y: Spec) -> Spec:
    if condition.dtype is not dtypes.bool:
        raise DTypeError(
            explain(
                "where", f"condition is {condition.dtype.name}, not bool", {"condition": condition}
            )
        )
    dtype = same_dtype("where", x, y)
    return Spec(
        broadcast_shapes("where", condition.shape, x.shape, y.shape, names=("condition", "x", "y")),
        dtype,
    )


def _where_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    condition, x, y = g.inputs
    zero = shaping.zeros_like(g.ct)
    return (
        None,
        reductions.sum_to(where(condition, g.ct, zero), x) if g.needed[1] else None,
        reductions.sum_to(where(condition, zero, g.ct), y) if g.needed[2] else None,
    )


where_op = Op(
    "where", _where_infer, np.where, _where_vjp, Elementwise(lambda b, c, x, y: b.select(c, x, y))
)


@composites_too
def where(
    condition: TensorLike, x: TensorLike = None, y: TensorLike = None, name: str | None = None
) -> Tensor:
    """x where condition holds, else y; shapes broadcast. Without x and y: where it holds.

    Args:
      condition: bool [...].
      x, y: of one dtype.

    Returns:
      The chosen elements, of the broadcast shape; without x and y the indices of the true ones,
      int64 [number, rank].

    Raises:
      DTypeError: condition is not bool, or x and y differ in dtype.
      ValueError: only one of x and y is given.

    Example:
      >>> nf.where([True, False], 1.0, [2.0, 3.0]).numpy().tolist()
      [1.0, 3.0]
      >>> nf.where([[True, False], [False, True]]).numpy().tolist()
      [[0, 0], [1, 1]]
    """
    chosen = as_tensor(condition, None, "where", "condition")
    if x is None and y is None:
        return indices_where(chosen)
    if x is None or y is None:
        raise ValueError(explain("where", "x and y go together: give both, or neither"))
    return where_op(chosen, *operands("where", x, y))


def indices_where(condition: Tensor) -> Tensor:
    """int64 [n, rank]: where condition is true or not 0. n depends on the values."""
    known = checks.known_values(condition)
    if known is not None:
        return as_tensor(np.argwhere(known).astype(np.int64))
    if condition.dtype is not dtypes.bool:
        condition = comparisons.not_equal(condition, shaping.zeros_like(condition))
    return run_time.coordinates(condition)


# --- logical -----------------------------------------------------------------


def _logical(op: str) -> Any:
    def infer(*specs: Spec) -> Spec:
        for s in specs:
            if s.dtype is not dtypes.bool:
                raise DTypeError(
                    explain(
                        op, f"takes bool, not {s.dtype.name}", {"x": s}, fix="nf.cast(x, nf.bool)"
                    )
                )
        return Spec(broadcast_shapes(op, *(s.shape for s in specs)), dtypes.bool)

    return infer


logical_and_op = Op(
    "logical_and",
    _logical("logical_and"),
    np.logical_and,
    None,
    Elementwise(lambda b, x, y: b.logical_and(x, y)),
)
logical_or_op = Op(
    "logical_or",
    _logical("logical_or"),
    np.logical_or,
    None,
    Elementwise(lambda b, x, y: b.logical_or(x, y)),
)
logical_not_op = Op(
    "logical_not",
    _logical("logical_not"),
    np.logical_not,
    None,
    Elementwise(lambda b, x: b.logical_not(x)),
)
logical_xor_op = Op(
    "logical_xor",
    _logical("logical_xor"),
    np.logical_xor,
    None,
    Elementwise(
        lambda b, x, y: b.logical_or(
            b.logical_and(x, b.logical_not(y)), b.logical_and(y, b.logical_not(x))
        )
    ),
)


def logical_and(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x and y, element by element, of bools.

    Example:
      >>> nf.logical_and([True, True], [True, False]).numpy().tolist()
      [True, False]
    """
    return logical_and_op(*operands("logical_and", x, y))


def logical_or(x: TensorLike, y: TensorLike, name: str | None = None) -> Tensor:
    """x or y, element by element, of bools.

    Example:
      >>> nf.logical_or([True, False], [False, False]).numpy().tolist()
      [True, False]
    """
    return logical_or_op(*operands("logical_or", x, y))


def logical_not(x: TensorLike, name: str | None = None) -> Tensor:
    """not x, element by element, of bools.

    Example:
      >>> nf.logical_not([True, False]).numpy().tolist()
      [False, True]
    """
    return logical_not_op(as_tensor(x, None, "logical_not", "x"))


def logical_xor(x: TensorLike, y: TensorLike, name: str | None = "LogicalXor") -> Tensor:
    """Exactly one of x and y, element by element, of bools.

    Example:
      >>> nf.math.logical_xor([True, True], [True, False]).numpy().tolist()
      [False, True]
    """
    return logical_xor_op(*operands("logical_xor", x, y))
