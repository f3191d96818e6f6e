"""Inverses, determinants, least squares, and what else is made of factorizations.

Determinants and inverses are calls of LAPACK through NumPy, between two parts of a program.
Gradients: Giles 2008, "An extended collection of matrix derivative results", section 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.op import Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, creation, indexing, plain
from numflow.ops import math as maths
from numflow.ops import matrix_parts as parts
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.conjugate import conj
from numflow.ops.convert import as_tensor
from numflow.ops.equations import equations, singular, triangular_solve
from numflow.ops.factorizations import cholesky, svd
from numflow.ops.linalg import matmul, matrix_transpose
from numflow.ops.matrices import LAPACK, adjoint_of, matrix, on_one_thread, square

# --- inverse, determinant ----------------------------------------------------------------


@on_one_thread
def _inv_reference(x: Any) -> Any:
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        raise singular("inv") from None


def _inv_vjp(g: Backward) -> tuple[Tensor]:
    inverse = adjoint_of(g.outputs[0])
    return (-matmul(inverse, matmul(g.ct, inverse)),)


inv_op = Op("inv", lambda x: x, _inv_reference, _inv_vjp, LAPACK)


def inv(input: TensorLike, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverses of square matrices [..., n, n]; of their adjoints with adjoint=True.

    Raises:
      InvalidArgumentError: a matrix is not invertible.
      ShapeError, DTypeError: input is no square matrix of floating or complex numbers.

    Example:
      >>> nf.linalg.inv([[2.0, 0.0], [0.0, 4.0]]).numpy().tolist()
      [[0.5, 0.0], [0.0, 0.25]]
    """
    inverse = inv_op(square("inv", input))
    return adjoint_of(inverse) if adjoint else inverse


def _numbers(x: Spec) -> Spec:
    return Spec(x.shape[:-2], x.dtype)


def _det_vjp(g: Backward) -> tuple[Tensor]:
    (x,), (value,) = g.inputs, g.outputs
    factor = g.ct * (conj(value) if value.dtype.is_complex else value)
    return (shaping.reshape(factor, (*factor.spec.shape, 1, 1)) * inv(x, adjoint=True),)


det_op = Op("det", _numbers, on_one_thread(np.linalg.det), _det_vjp, LAPACK)


def det(input: TensorLike, name: str | None = None) -> Tensor:
    """The determinants [...] of square matrices [..., n, n]; the gradient needs them invertible.

    Raises:
      ShapeError, DTypeError: input is no square matrix of floating or complex numbers.

    Example:
      >>> round(nf.linalg.det([[1.0, 2.0], [3.0, 4.0]]).numpy().item(), 5)
      -2.0
    """
    return det_op(square("det", input))


def _slogdet_infer(x: Spec) -> tuple[Spec, Spec]:
    sign = _numbers(x)
    return sign, sign


def _slogdet_vjp(g: Backward) -> tuple[Tensor]:
    (x,) = g.inputs
    ct = g.cts[1]
    if ct is None:  # the sign of a real determinant is constant
        return (shaping.zeros_like(x),)
    return (shaping.reshape(ct, (*ct.spec.shape, 1, 1)) * inv(x, adjoint=True),)


@on_one_thread
def _slogdet_reference(x: Any) -> Any:
    return tuple(np.linalg.slogdet(x))


slogdet_op = Op("slogdet", _slogdet_infer, _slogdet_reference, _slogdet_vjp, LAPACK)


def slogdet(input: TensorLike, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The sign and the logarithm of the absolute value of determinants: neither overflows.

    Returns:
      (sign, log_abs_determinant), both [...] and of input's dtype; 0 and -inf where a matrix is
      singular.

    Raises:
      ShapeError, DTypeError: input is no square matrix of floating or complex numbers.

    Example:
      >>> sign, log = nf.linalg.slogdet([[0.0, 1.0], [1.0, 0.0]])
      >>> sign.numpy().item(), log.numpy().item()
      (-1.0, 0.0)
    """
    sign, log = slogdet_op(square("slogdet", input))
    return sign, log


def logdet(matrix: TensorLike, name: str | None = None) -> Tensor:
    """The logarithms [...] of the determinants of positive definite matrices [..., n, n].

    Raises:
      InvalidArgumentError: a matrix is not positive definite.

    Example:
      >>> round(nf.linalg.logdet([[2.0, 0.0], [0.0, 8.0]]).numpy().item(), 4)
      2.7726
    """
    low = cholesky(matrix)
    return 2 * reductions.reduce_sum(maths.log(parts.diag_part(low)), -1)


def cholesky_solve(chol: TensorLike, rhs: TensorLike, name: str | None = None) -> Tensor:
    """X with A @ X = rhs, given the Cholesky factor chol of A.

    Args:
      chol: [..., n, n] as nf.linalg.cholesky makes it.
      rhs: [..., n, k]; batches broadcast.

    Raises:
      ShapeError, DTypeError: ranks, sizes or dtypes do not fit.

    Example:
      >>> low = nf.linalg.cholesky([[4.0, 0.0], [0.0, 9.0]])
      >>> nf.linalg.cholesky_solve(low, [[4.0], [18.0]]).numpy().tolist()
      [[1.0], [2.0]]
    """
    low = square("cholesky_solve", chol, "chol")
    return triangular_solve(low, triangular_solve(low, rhs), adjoint=True)


# --- least squares, pseudo-inverse, rank -------------------------------------------------


def lstsq(
    matrix: TensorLike,
    rhs: TensorLike,
    l2_regularizer: float = 0.0,
    fast: bool = True,
    name: str | None = None,
) -> Tensor:
    """X that minimises |matrix @ X - rhs|^2 + l2_regularizer |X|^2.

    Args:
      matrix: [..., m, n].
      rhs: [..., m, k].
      l2_regularizer: a number, not negative.
      fast: solve the normal equations: quick, but their condition is the square of the matrix's,
        and the matrix must have full rank unless there is a regularizer. Otherwise singular
        values serve, the regularizer is ignored, and of several solutions comes the shortest.

    Returns:
      [..., n, k]; the shortest exact solution where m < n.

    Raises:
      InvalidArgumentError: the normal equations are singular.
      ShapeError, DTypeError: ranks, sizes or dtypes do not fit.

    Example:
      >>> x = nf.linalg.lstsq([[1.0], [1.0]], [[1.0], [3.0]])
      >>> x.numpy().tolist()
      [[2.0]]
    """
    a, b = equations("lstsq", _as_matrix("lstsq", matrix), rhs)
    if not plain.flag(fast, "lstsq", "fast"):
        return matmul(pinv(a), b)
    ah = adjoint_of(a)
    rows, columns = a.shape[-2:]
    tall = int(rows) >= int(columns)
    product = matmul(ah, a) if tall else matmul(a, ah)
    if not isinstance(l2_regularizer, int | float) or l2_regularizer:
        weight = as_tensor(l2_regularizer, a.dtype, "lstsq", "l2_regularizer")
        product += weight * creation.eye(product.spec.shape[-1], dtype=a.dtype)
    low = cholesky(product)
    return cholesky_solve(low, matmul(ah, b)) if tall else matmul(ah, cholesky_solve(low, b))


def _as_matrix(op: str, value: TensorLike) -> Tensor:
    return matrix(op, value, "matrix")


def _cutoff(values: Tensor, factor: Any) -> Tensor:
    """factor times the largest singular value [..., 1]."""
    return maths.cast(as_tensor(factor), values.dtype) * reductions.reduce_max(
        values, -1, keepdims=True
    )


def pinv(
    a: TensorLike, rcond: Any = None, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """The Moore-Penrose pseudo-inverses [..., n, m] of matrices [..., m, n].

    Args:
      a: float32, float64 or complex.
      rcond: singular values up to rcond times the largest count as 0; default 10 max(m, n) eps.
      validate_args: without effect: arguments are always checked.

    Raises:
      ShapeError, DTypeError: a is no matrix of floating or complex numbers.

    Example:
      >>> nf.linalg.pinv([[2.0, 0.0], [0.0, 0.0]]).numpy().tolist()
      [[0.5, 0.0], [0.0, 0.0]]
    """
    x = matrix("pinv", a, "a")
    values, u, v = svd(x)
    if rcond is None:
        rcond = 10.0 * max(int(n) for n in x.shape[-2:]) * np.finfo(values.dtype.numpy).eps
    elif getattr(rcond, "shape", ()) != ():
        rcond = shaping.expand_dims(as_tensor(rcond, values.dtype, "pinv", "rcond"), -1)
    large = comparisons.greater(values, _cutoff(values, rcond))
    inverse = selections.where(
        large, 1 / selections.where(large, values, shaping.ones_like(values)), 0.0
    )
    scaled = v * maths.cast(shaping.expand_dims(inverse, -2), x.dtype)
    return matmul(scaled, adjoint_of(u))


def matrix_rank(
    a: TensorLike, tol: Any = None, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """How many singular values of matrices [..., m, n] exceed tol: int32 [...].

    tol defaults to eps max(m, n) times the largest singular value; it broadcasts with [...].

    Example:
      >>> nf.linalg.matrix_rank([[1.0, 2.0], [2.0, 4.0]]).numpy().item()
      1
    """
    x = matrix("matrix_rank", a, "a")
    values = svd(x, compute_uv=False)
    if tol is None:
        eps = np.finfo(values.dtype.numpy).eps
        limit = _cutoff(values, eps * max(int(n) for n in x.shape[-2:]))
    else:
        limit = shaping.expand_dims(as_tensor(tol, values.dtype, "matrix_rank", "tol"), -1)
    return reductions.reduce_sum(maths.cast(comparisons.greater(values, limit), dtypes.int32), -1)


# --- what needs no equations -------------------------------------------------------------


def adjoint(matrix: TensorLike, name: str | None = None) -> Tensor:
    """Matrices [..., m, n] transposed to [..., n, m], and conjugated where complex.

    Example:
      >>> nf.linalg.adjoint([[1, 2], [3, 4]]).numpy().tolist()
      [[1, 3], [2, 4]]
    """
    x = as_tensor(matrix, None, "adjoint", "matrix")
    return matrix_transpose(x, conjugate=x.dtype.is_complex)


def cross(a: TensorLike, b: TensorLike, name: str | None = None) -> Tensor:
    """The vector products of vectors [..., 3].

    Raises:
      ShapeError: the shapes differ, or the last axis is not 3.
      DTypeError: the dtypes differ.

    Example:
      >>> nf.linalg.cross([1, 0, 0], [0, 1, 0]).numpy().tolist()
      [0, 0, 1]
    """
    x = as_tensor(a, None, "cross", "a")
    y = as_tensor(b, x.dtype, "cross", "b")
    if x.spec.shape != y.spec.shape or not x.spec.rank or x.spec.shape[-1] != 3:
        shown = {"a": x.spec, "b": y.spec}
        raise ShapeError(explain("cross", "it takes two tensors of one shape [..., 3]", shown))

    def turned(v: Tensor, by: int) -> Tensor:
        return indexing.gather(v, [(k + by) % 3 for k in range(3)], axis=-1)

    return turned(x, 1) * turned(y, 2) - turned(x, 2) * turned(y, 1)
