"""LU factors with row exchanges, and what they solve.

input[perm] = L U    L below the diagonal and ones on it, U above: together in one matrix
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.op import Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import creation, plain
from numflow.ops import matrix_parts as parts
from numflow.ops import shape as shaping
from numflow.ops.asserts import assert_equal
from numflow.ops.convert import as_tensor
from numflow.ops.creation import one_hot
from numflow.ops.equations import triangular_solve
from numflow.ops.linalg import matmul
from numflow.ops.matrices import LAPACK, adjoint_of, square
from numflow.ops.ordering import sort


class LU(NamedTuple):
    """What `lu` gives."""

    lu: Tensor
    p: Tensor


def _infer(x: Spec, *, kind: dtypes.DType) -> tuple[Spec, Spec]:
    return x, Spec(x.shape[:-1], kind)


def _reference(x: Any, *, kind: dtypes.DType) -> Any:
    """Gauss's elimination, the largest of a column first; a column at a time, of all matrices."""
    n = x.shape[-1]
    a = x.reshape(-1, n, n).copy()
    order = np.tile(np.arange(n), (len(a), 1))
    rows = np.arange(len(a))
    for k in np.arange(n if len(a) else 0):
        pivot = k + np.argmax(np.abs(a[:, k:, k]), 1)
        for exchanged in (a, order):
            first, second = exchanged[rows, k].copy(), exchanged[rows, pivot].copy()
            exchanged[rows, k], exchanged[rows, pivot] = second, first
        if (a[:, k, k] == 0).any():
            raise InvalidArgumentError(explain("lu", "input is not invertible"))
        a[:, k + 1 :, k] /= a[:, k, k][:, None]
        a[:, k + 1 :, k + 1 :] -= a[:, k + 1 :, k, None] * a[:, k, None, k + 1 :]
    return a.reshape(x.shape), order.reshape(x.shape[:-1]).astype(kind.numpy)


def _vjp(g: Backward) -> tuple[Tensor]:
    """Walter and Lehmann 2018, "Algorithmic differentiation of linear algebra", section 3.2."""
    (ct, _), (both, perm) = g.cts, g.outputs
    assert ct is not None
    lower, upper = _factors(both)
    # Each factor's cotangent counts on its own side only.
    ct_l, ct_u = _strictly_below(ct), parts.band_part(ct, 0, -1)
    below = _strictly_below(matmul(adjoint_of(lower), ct_l))
    above = parts.band_part(matmul(ct_u, adjoint_of(upper)), 0, -1)
    inner = triangular_solve(lower, below + above, adjoint=True)
    whole = adjoint_of(triangular_solve(upper, adjoint_of(inner), lower=False))
    return (matmul(_exchange(perm, whole.dtype), whole, adjoint_a=True),)


def _strictly_below(x: Tensor) -> Tensor:
    return parts.set_diag(parts.band_part(x, -1, 0), shaping.zeros_like(parts.diag_part(x)))


def _exchange(perm: Tensor, dtype: dtypes.DType) -> Tensor:
    """The matrix that takes rows in the order perm."""
    return one_hot(perm, perm.spec.shape[-1], dtype=dtype)


def _factors(both: Tensor) -> tuple[Tensor, Tensor]:
    lower = parts.band_part(both, -1, 0)
    return parts.set_diag(lower, shaping.ones_like(parts.diag_part(both))), parts.band_part(
        both, 0, -1
    )


lu_op = Op("lu", _infer, _reference, _vjp, LAPACK)


def lu(input: TensorLike, output_idx_type: Any = dtypes.int32, name: str | None = None) -> LU:
    """The LU factors of square matrices [..., n, n], and the order of their rows.

    Args:
      input: floating or complex.
      output_idx_type: int32 or int64.

    Returns:
      lu: [..., n, n], L (without its ones) and U in one; p: [..., n], with input[p] = L U.

    Raises:
      InvalidArgumentError: a matrix is not invertible.
      ShapeError, DTypeError: input is no square matrix of floating or complex numbers.

    Example:
      >>> both, p = nf.linalg.lu([[1.0, 2.0], [2.0, 8.0]])
      >>> both.numpy().tolist(), p.numpy().tolist()
      ([[2.0, 8.0], [0.5, -2.0]], [1, 0])
    """
    kind = dtypes.as_dtype(output_idx_type)
    if kind not in (dtypes.int32, dtypes.int64):
        problem = f"output_idx_type is {kind.name}; it takes int32 and int64"
        raise DTypeError(explain("lu", problem))
    return LU(*lu_op(square("lu", input), kind=kind))


def _given(op: str, lower_upper: TensorLike, perm: TensorLike, validate: bool) -> LU:
    both, order = square(op, lower_upper, "lower_upper"), as_tensor(perm, None, op, "perm")
    if not order.dtype.is_integer:
        raise DTypeError(explain(op, f"perm is {order.dtype.name}; it takes integers"))
    if order.spec.shape != both.spec.shape[:-1]:
        shown = {"lower_upper": both.spec, "perm": order.spec}
        raise ShapeError(explain(op, "perm is a number for each row", shown))
    if plain.flag(validate, op, "validate_args"):
        every = creation.iota(order.spec.shape, order.spec.rank - 1, order.dtype)
        assert_equal(sort(order), every, f"{op}: perm is no order of the rows")
    return LU(both, order)


def lu_reconstruct(
    lower_upper: TensorLike, perm: TensorLike, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """The matrices of which `lu` gave the factors.

    Example:
      >>> nf.linalg.lu_reconstruct(*nf.linalg.lu([[1.0, 2.0], [2.0, 8.0]])).numpy().tolist()
      [[1.0, 2.0], [2.0, 8.0]]
    """
    both, order = _given("lu_reconstruct", lower_upper, perm, validate_args)
    product = matmul(*_factors(both))
    return matmul(_exchange(order, product.dtype), product, adjoint_a=True)


def lu_solve(
    lower_upper: TensorLike,
    perm: TensorLike,
    rhs: TensorLike,
    validate_args: bool = False,
    name: str | None = None,
) -> Tensor:
    """x with A x = rhs, of the factors that `lu` gave for A.

    Args:
      lower_upper, perm: [..., n, n] and [..., n].
      rhs: [..., n, columns].

    Example:
      >>> factors = nf.linalg.lu([[1.0, 2.0], [2.0, 8.0]])
      >>> nf.linalg.lu_solve(*factors, [[5.0], [18.0]]).numpy().tolist()
      [[1.0], [2.0]]
    """
    op = "lu_solve"
    both, order = _given(op, lower_upper, perm, validate_args)
    right = as_tensor(rhs, both.dtype, op, "rhs")
    if right.spec.rank < 2 or right.spec.shape[-2] != both.spec.shape[-1]:
        shown = {"lower_upper": both.spec, "rhs": right.spec}
        raise ShapeError(explain(op, "rhs has not as many rows as the matrix", shown))
    lower, upper = _factors(both)
    moved = matmul(_exchange(order, both.dtype), right)
    batch = moved.spec.shape[:-2]
    if lower.spec.shape[:-2] != batch:
        lower, upper = (
            shaping.broadcast_to(f, (*batch, *f.spec.shape[-2:])) for f in (lower, upper)
        )
    return triangular_solve(upper, triangular_solve(lower, moved), lower=False)


def lu_matrix_inverse(
    lower_upper: TensorLike, perm: TensorLike, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """The inverses of the matrices of which `lu` gave the factors.

    Example:
      >>> nf.linalg.lu_matrix_inverse(*nf.linalg.lu([[0.0, 2.0], [4.0, 0.0]])).numpy().tolist()
      [[0.0, 0.25], [0.5, 0.0]]
    """
    both, order = _given("lu_matrix_inverse", lower_upper, perm, validate_args)
    one = creation.eye(both.spec.shape[-1], dtype=both.dtype)
    return lu_solve(both, order, one)
