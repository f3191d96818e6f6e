"""Linear equations with square and with triangular matrices.

General solutions are calls of LAPACK through NumPy, between two parts of a program; triangular ones
are products of blocks. Gradients: Giles 2008, "An extended collection of matrix derivative
results", section 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.errors import InvalidArgumentError, ShapeError, explain
from numflow.graph.lowering import HostCall
from numflow.graph.op import Backward, Op
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import matrix_parts as parts
from numflow.ops import plain
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.linalg import matmul
from numflow.ops.matrices import LAPACK, adjoint_of, matrix, on_one_thread, square
from numflow.ops.shape_rules import broadcast_shapes, same_dtype
from numflow.shapes import Dim, UnknownSizeError

BLOCK = 32  # rows that are substituted one by one


def equations(op: str, a: Tensor, b: TensorLike) -> tuple[Tensor, Tensor]:
    """a and the right-hand sides b [..., rows of a, k] with the same batch.

    Raises:
      ShapeError: b is no matrix, has not a's number of rows, or the batches do not broadcast.
      DTypeError: the dtypes differ.
    """
    y = matrix(op, as_tensor(b, a.dtype, op, "rhs"), "rhs")
    same_dtype(op, a.spec, y.spec, names=("matrix", "rhs"))
    rows, others = a.spec.shape[-2], y.spec.shape[-2]
    if rows != others:
        if isinstance(rows, Dim) or isinstance(others, Dim):
            raise UnknownSizeError(f"{op}: sizes {rows} and {others} meet")
        shown = {"matrix": a.spec, "rhs": y.spec}
        raise ShapeError(explain(op, f"matrix has {rows} rows, rhs has {others}", shown))
    batch = broadcast_shapes(
        op, a.spec.shape[:-2], y.spec.shape[:-2], names=("matrix, its batch", "rhs, its batch")
    )
    if a.spec.shape[:-2] != batch:
        a = shaping.broadcast_to(a, (*batch, *a.spec.shape[-2:]))
    if y.spec.shape[:-2] != batch:
        y = shaping.broadcast_to(y, (*batch, *y.spec.shape[-2:]))
    return a, y


def singular(op: str) -> InvalidArgumentError:
    return InvalidArgumentError(explain(op, "the matrix is not invertible"))


# --- solve -------------------------------------------------------------------------------


@on_one_thread
def _solve_reference(a: Any, b: Any, *, adjoint: bool) -> Any:
    try:
        return np.linalg.solve(np.conj(np.swapaxes(a, -1, -2)) if adjoint else a, b)
    except np.linalg.LinAlgError:
        raise singular("solve") from None


def _solve_vjp(g: Backward) -> tuple[Tensor | None, Tensor]:
    (a, _), (x,) = g.inputs, g.outputs
    adjoint = g.attrs["adjoint"]
    ct_b = solve_op(a, g.ct, adjoint=not adjoint)
    if not g.needed[0]:
        return None, ct_b
    outer = matmul(x, adjoint_of(ct_b)) if adjoint else matmul(ct_b, adjoint_of(x))
    return -outer, ct_b


solve_op = Op("solve", lambda a, b, **_: b, _solve_reference, _solve_vjp, LAPACK)


def solve(
    matrix: TensorLike, rhs: TensorLike, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """X with matrix @ X = rhs, or matrix^H @ X = rhs with adjoint.

    Args:
      matrix: [..., n, n].
      rhs: [..., n, k]; batches broadcast.

    Raises:
      InvalidArgumentError: a matrix is not invertible.
      ShapeError, DTypeError: ranks, sizes or dtypes do not fit.

    Example:
      >>> nf.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [[2.0], [2.0]]).numpy().tolist()
      [[1.0], [0.5]]
    """
    a, b = equations("solve", square("solve", matrix, "matrix"), rhs)
    return solve_op(a, b, adjoint=plain.flag(adjoint, "solve", "adjoint"))


# --- triangular_solve --------------------------------------------------------------------


def _substitute(a: Any, b: Any) -> Any:
    """X with a X = b, a being lower triangular: halves, and rows one by one in small blocks."""
    n = a.shape[-1]
    if n > BLOCK:
        half = n // 2
        upper = _substitute(a[..., :half, :half], b[..., :half, :])
        rest = b[..., half:, :] - a[..., half:, :half] @ upper
        return np.concatenate([upper, _substitute(a[..., half:, half:], rest)], -2)
    x = np.zeros(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + b.shape[-2:], b.dtype)
    with np.errstate(divide="ignore", invalid="ignore"):
        for i in range(n):
            known = a[..., i : i + 1, :i] @ x[..., :i, :]
            x[..., i : i + 1, :] = (b[..., i : i + 1, :] - known) / a[..., i : i + 1, i : i + 1]
    return x


def _triangular_reference(a: Any, b: Any, *, lower: bool, adjoint: bool) -> Any:
    if adjoint:
        a = np.conj(np.swapaxes(a, -1, -2))
    if lower != adjoint:
        return _substitute(a, b)
    return _substitute(a[..., ::-1, ::-1], b[..., ::-1, :])[..., ::-1, :]


def _triangular_vjp(g: Backward) -> tuple[Tensor | None, Tensor]:
    (a, _), (x,) = g.inputs, g.outputs
    lower, adjoint = g.attrs["lower"], g.attrs["adjoint"]
    ct_b = triangular_solve_op(a, g.ct, lower=lower, adjoint=not adjoint)
    if not g.needed[0]:
        return None, ct_b
    outer = matmul(x, adjoint_of(ct_b)) if adjoint else matmul(ct_b, adjoint_of(x))
    return parts.band_part(-outer, -1 if lower else 0, 0 if lower else -1), ct_b


triangular_solve_op = Op(
    "triangular_solve",
    lambda a, b, **_: b,
    _triangular_reference,
    _triangular_vjp,
    HostCall("triangular equations are solved in NumPy"),
)


def triangular_solve(
    matrix: TensorLike,
    rhs: TensorLike,
    lower: bool = True,
    adjoint: bool = False,
    name: str | None = None,
) -> Tensor:
    """X with matrix @ X = rhs, of triangular matrices; the other triangle is not read.

    Args:
      matrix: [..., n, n].
      rhs: [..., n, k]; batches broadcast.
      lower: which triangle is read.
      adjoint: solve matrix^H @ X = rhs.

    Returns:
      [..., n, k]; infinite or nan where the diagonal has a 0.

    Raises:
      ShapeError, DTypeError: ranks, sizes or dtypes do not fit.

    Example:
      >>> nf.linalg.triangular_solve([[2.0, 9.0], [1.0, 1.0]], [[2.0], [3.0]]).numpy().tolist()
      [[1.0], [2.0]]
    """
    a, b = equations("triangular_solve", square("triangular_solve", matrix, "matrix"), rhs)
    options = {
        "lower": plain.flag(lower, "triangular_solve", "lower"),
        "adjoint": plain.flag(adjoint, "triangular_solve", "adjoint"),
    }
    return triangular_solve_op(a, b, **options)
