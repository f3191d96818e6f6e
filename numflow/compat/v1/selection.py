"""tf.compat.v1.where: TensorFlow 1's choice between two tensors of one shape."""

from __future__ import annotations

from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import select
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, operands

__all__ = ["where"]


def where(
    condition: TensorLike, x: TensorLike = None, y: TensorLike = None, name: str | None = None
) -> Tensor:
    """x where condition holds, else y; without both: where it holds.

    nf.where broadcasts from the last axis; here a vector chooses rows.

    Args:
      condition: bool, of the shape of x; or a scalar; or a vector with an element for each row.
      x, y: of one shape and dtype.

    Returns:
      The chosen elements, of x's shape; without x and y the indices of the true ones, int64
      [number, rank].

    Raises:
      ValueError: only one of x and y is given.
      ShapeError: x and y differ in shape, or condition does not fit them.
      DTypeError: condition is not bool, or x and y differ in dtype.

    Example:
      >>> x = nf.constant([[1, 2], [3, 4]])
      >>> nf.compat.v1.where([True, False], x, -x).numpy().tolist()
      [[1, 2], [-3, -4]]
      >>> nf.compat.v1.where([False, True]).numpy().tolist()
      [[1]]
    """
    if x is None or y is None:
        return select.where(condition, x, y)
    chosen = as_tensor(condition, None, "where", "condition")
    x, y = operands("where", x, y)
    got = {"condition": chosen, "x": x, "y": y}
    if not x.shape.is_compatible_with(y.shape):
        raise ShapeError(explain("where", "x and y must have one shape", got))
    if chosen.spec.rank == 1 and x.spec.rank > 1:
        fits = chosen.shape.is_compatible_with(x.shape[:1])
        chosen = shaping.reshape_op(chosen, shape=(chosen.spec.shape[0], *(1,) * (x.spec.rank - 1)))
    else:
        fits = chosen.spec.rank == 0 or chosen.shape.is_compatible_with(x.shape)
    if not fits:
        problem = "condition must be of the shape of x, a scalar, or a vector of x's rows"
        raise ShapeError(explain("where", problem, got))
    found: Tensor = select.where_op(chosen, x, y)
    return found
