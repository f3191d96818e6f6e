"""Factorizations of matrices: Cholesky, QR, singular values, eigenvalues.

They are calls of LAPACK through NumPy, between two parts of a program; their gradients are made of
products and triangular solutions, which are compiled. Notation of the rules: Giles 2008, "An
extended collection of matrix derivative results", and Townsend 2016, "Differentiating the SVD".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes
from numflow.errors import InvalidArgumentError, explain
from numflow.graph.op import Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, joining, plain
from numflow.ops import math as maths
from numflow.ops import matrix_parts as parts
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.equations import solve, triangular_solve
from numflow.ops.linalg import matmul, matrix_transpose
from numflow.ops.matrices import LAPACK, adjoint_of, matrix, on_one_thread, square
from numflow.shapes import Dim, Extent, UnknownSizeError


def _smaller(op: str, rows: Extent, columns: Extent) -> Extent:
    if rows == columns:
        return rows
    if isinstance(rows, Dim) or isinstance(columns, Dim):
        raise UnknownSizeError(f"{op}: sizes {rows} and {columns} meet")
    return min(rows, columns)


def _diagonal(x: Tensor) -> Tensor:
    return parts.diag_part(x)


def _scaled_columns(x: Tensor, factors: Tensor) -> Tensor:
    """Column j of x times factors[j]."""
    return x * maths.cast(shaping.expand_dims(factors, -2), x.dtype)


def _quotients_of_gaps(values: Tensor, squares: bool) -> Tensor:
    """F with F[i, j] = 1 / (v[j] - v[i]), of the squares on request; 0 on the diagonal.

    Equal values give 0 as well: there the gradient of the vectors is not defined, and that of
    what does not depend on their choice needs no such term.
    """
    v = values * values if squares else values
    gaps = shaping.expand_dims(v, -2) - shaping.expand_dims(v, -1)
    none = comparisons.equal(gaps, shaping.zeros_like(gaps))
    return selections.where(
        none, shaping.zeros_like(gaps), 1 / selections.where(none, shaping.ones_like(gaps), gaps)
    )


# --- Cholesky ----------------------------------------------------------------------------


@on_one_thread
def _cholesky_reference(x: Any) -> Any:
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        problem = "input is not positive definite (or not finite)"
        raise InvalidArgumentError(explain("cholesky", problem)) from None


def _cholesky_vjp(g: Backward) -> tuple[Tensor]:
    """Murray 2016, "Differentiation of the Cholesky decomposition", section 3.2."""
    (low,) = g.outputs
    middle = parts.band_part(matmul(adjoint_of(low), g.ct), -1, 0)
    middle = parts.set_diag(middle, _diagonal(middle) / 2)
    right = adjoint_of(triangular_solve(low, adjoint_of(middle), adjoint=True))
    whole = triangular_solve(low, right, adjoint=True)
    return ((whole + adjoint_of(whole)) / 2,)


cholesky_op = Op("cholesky", lambda x: x, _cholesky_reference, _cholesky_vjp, LAPACK)


def cholesky(input: TensorLike, name: str | None = None) -> Tensor:
    """The lower triangular L with L L^H = input, of positive definite matrices [..., n, n].

    Only the lower triangle of input is read; its gradient is symmetric.

    Raises:
      InvalidArgumentError: a matrix is not positive definite.
      ShapeError, DTypeError: input is no square matrix of floating or complex numbers.

    Example:
      >>> nf.linalg.cholesky([[4.0, 2.0], [2.0, 5.0]]).numpy().tolist()
      [[2.0, 0.0], [1.0, 2.0]]
    """
    return cholesky_op(square("cholesky", input))


# --- QR ----------------------------------------------------------------------------------


def _qr_infer(x: Spec, *, full: bool) -> tuple[Spec, Spec]:
    *batch, rows, columns = x.shape
    inner = rows if full else _smaller("qr", rows, columns)
    return Spec((*batch, rows, inner), x.dtype), Spec((*batch, inner, columns), x.dtype)


@on_one_thread
def _qr_reference(x: Any, *, full: bool) -> Any:
    return tuple(np.linalg.qr(x, "complete" if full else "reduced"))


def _qr_vjp(g: Backward) -> tuple[Tensor]:
    """Walter and Lehmann 2018, "Algorithmic differentiation of linear algebra", section 3.3."""
    (a,), (q, r) = g.inputs, g.outputs
    ct_q, ct_r = (
        shaping.zeros_like(y) if ct is None else ct for y, ct in zip(g.outputs, g.cts, strict=True)
    )
    rows, columns = (int(n) for n in a.shape[-2:])
    if g.attrs["full"] and rows > columns:
        problem = "there is no gradient with full_matrices=True where rows exceed columns"
        raise InvalidArgumentError(explain("qr", problem, {"input": a.spec}))
    if rows >= columns:
        return (_tall_qr_gradient(q, r, ct_q, ct_r),)
    # A = [X | Y] and R = [U | V]: X = Q U, and V = Q^H Y
    y, u = a[..., rows:], r[..., :rows]
    ct_u, ct_v = ct_r[..., :rows], ct_r[..., rows:]
    ct_x = _tall_qr_gradient(q, u, ct_q + matmul(y, adjoint_of(ct_v)), ct_u)
    return (joining.concat([ct_x, matmul(q, ct_v)], -1),)


def _tall_qr_gradient(q: Tensor, r: Tensor, ct_q: Tensor, ct_r: Tensor) -> Tensor:
    m = matmul(r, adjoint_of(ct_r)) - matmul(adjoint_of(ct_q), q)
    below = parts.band_part(m, -1, 0)
    strictly = parts.set_diag(below, shaping.zeros_like(_diagonal(m)))
    whole = ct_q + matmul(q, below + adjoint_of(strictly))
    return adjoint_of(triangular_solve(r, adjoint_of(whole), lower=False))


qr_op = Op("qr", _qr_infer, _qr_reference, _qr_vjp, LAPACK)


class Qr(NamedTuple):
    """Q with orthonormal columns, R upper triangular."""

    q: Tensor
    r: Tensor


def qr(input: TensorLike, full_matrices: bool = False, name: str | None = None) -> Qr:
    """input = Q R for matrices [..., m, n]: Q [..., m, k], R [..., k, n], k the smaller of both.

    With full_matrices Q is [..., m, m] and R [..., m, n].

    Raises:
      ShapeError, DTypeError: input is no matrix of floating or complex numbers.

    Example:
      >>> q, r = nf.linalg.qr([[3.0, 1.0], [4.0, 2.0]])
      >>> abs(r.numpy()).round(3).tolist()
      [[5.0, 2.200000047683716], [0.0, 0.4000000059604645]]
    """
    return Qr(*qr_op(matrix("qr", input), full=plain.flag(full_matrices, "qr", "full_matrices")))


# --- singular values ---------------------------------------------------------------------


def _real(x: Spec) -> dtypes.DType:
    return {dtypes.complex64: dtypes.float32, dtypes.complex128: dtypes.float64}.get(
        x.dtype, x.dtype
    )


def _svd_infer(x: Spec, *, full: bool, vectors: bool) -> tuple[Spec, ...]:
    *batch, rows, columns = x.shape
    k = _smaller("svd", rows, columns)
    values = Spec((*batch, k), _real(x))
    if not vectors:
        return (values,)
    left, right = (rows, columns) if full else (k, k)
    return (
        values,
        Spec((*batch, rows, left), x.dtype),
        Spec((*batch, columns, right), x.dtype),
    )


@on_one_thread
def _svd_reference(x: Any, *, full: bool, vectors: bool) -> Any:
    try:
        if not vectors:
            return np.linalg.svd(x, compute_uv=False)
        u, s, vh = np.linalg.svd(x, full_matrices=full)
    except np.linalg.LinAlgError as e:
        raise InvalidArgumentError(explain("svd", f"{e} (is input finite?)")) from None
    return s, u, np.conj(np.swapaxes(vh, -1, -2))


def _svd_vjp(g: Backward) -> tuple[Tensor]:
    """Townsend 2016, equation at the end of section 1."""
    (a,) = g.inputs
    if not g.attrs["vectors"]:
        _, u, v = svd_op(a, full=False, vectors=True)
        return (matmul(_scaled_columns(u, g.ct), adjoint_of(v)),)
    s, u, v = g.outputs
    ct_s, ct_u, ct_v = g.cts
    rows, columns = (int(n) for n in a.shape[-2:])
    if g.attrs["full"] and rows != columns and (ct_u is not None or ct_v is not None):
        problem = "there is no gradient of u and v with full_matrices=True, unless input is square"
        raise InvalidArgumentError(explain("svd", problem, {"input": a.spec}))
    k = min(rows, columns)
    u, v = u[..., :k], v[..., :k]
    uh, vh = adjoint_of(u), adjoint_of(v)
    gaps = maths.cast(_quotients_of_gaps(s, squares=True), a.dtype)
    safe = selections.where(comparisons.equal(s, shaping.zeros_like(s)), shaping.ones_like(s), s)
    total = None
    if ct_s is not None:
        total = matmul(_scaled_columns(u, ct_s), vh)
    if ct_u is not None:
        inner = matmul(uh, ct_u)
        term = _scaled_columns(matmul(u, gaps * (inner - adjoint_of(inner))), s)
        if rows > k:
            term += _scaled_columns(ct_u - matmul(u, inner), 1 / safe)
        total = _plus(total, matmul(term, vh))
    if ct_v is not None:
        inner = matmul(vh, ct_v)
        turned = gaps * (inner - adjoint_of(inner))
        term = matmul(_scaled_columns(u, s), matmul(turned, vh))
        if columns > k:
            rest = adjoint_of(ct_v) - matmul(adjoint_of(inner), vh)
            term += matmul(_scaled_columns(u, 1 / safe), rest)
        total = _plus(total, term)
    assert total is not None
    return (total,)


def _plus(x: Tensor | None, y: Tensor) -> Tensor:
    return y if x is None else x + y


svd_op = Op("svd", _svd_infer, _svd_reference, _svd_vjp, LAPACK)


def svd(
    tensor: TensorLike,
    full_matrices: bool = False,
    compute_uv: bool = True,
    name: str | None = None,
) -> Any:
    """tensor = U diag(s) V^H for matrices [..., m, n], k the smaller of m and n.

    Args:
      tensor: float32, float64 or complex.
      full_matrices: U is [..., m, m] and V [..., n, n], instead of k columns each.
      compute_uv: False: only the singular values.

    Returns:
      s [..., k], real, falling; U [..., m, k]; V [..., n, k] (not its adjoint, which NumPy gives).
      Only s without compute_uv. The gradient of U and V supposes that no two singular values are
      equal.

    Raises:
      InvalidArgumentError: a number is not finite.
      ShapeError, DTypeError: tensor is no matrix of floating or complex numbers.

    Example:
      >>> nf.linalg.svd([[3.0, 0.0], [0.0, 4.0]], compute_uv=False).numpy().tolist()
      [4.0, 3.0]
    """
    x = matrix("svd", tensor, "tensor")
    full = plain.flag(full_matrices, "svd", "full_matrices")
    return svd_op(x, full=full, vectors=plain.flag(compute_uv, "svd", "compute_uv"))


# --- eigenvalues of self-adjoint matrices --------------------------------------------------


def _eigh_infer(x: Spec, *, vectors: bool) -> tuple[Spec, ...]:
    values = Spec(x.shape[:-1], _real(x))
    return (values, x) if vectors else (values,)


@on_one_thread
def _eigh_reference(x: Any, *, vectors: bool) -> Any:
    try:
        return tuple(np.linalg.eigh(x)) if vectors else np.linalg.eigvalsh(x)
    except np.linalg.LinAlgError as e:
        raise InvalidArgumentError(explain("eigh", f"{e} (is tensor finite?)")) from None


def _eigh_vjp(g: Backward) -> tuple[Tensor]:
    """Giles 2008, section 3.1; read from the lower triangle, as the op does."""
    (a,) = g.inputs
    if g.attrs["vectors"]:
        values, v = g.outputs
        ct_values, ct_v = g.cts
    else:
        (ct_values,), ct_v = g.cts, None
        values, v = eigh_op(a, vectors=True)
    vh = adjoint_of(v)
    middle = None
    if ct_values is not None:
        middle = maths.cast(parts.diag(ct_values), a.dtype)
    if ct_v is not None:
        gaps = maths.cast(_quotients_of_gaps(values, squares=False), a.dtype)
        middle = _plus(middle, gaps * matmul(vh, ct_v))
    assert middle is not None
    whole = matmul(v, matmul(middle, vh))
    folded = parts.band_part(whole + adjoint_of(whole), -1, 0)
    return (parts.set_diag(folded, _diagonal(folded) / 2),)


eigh_op = Op("eigh", _eigh_infer, _eigh_reference, _eigh_vjp, LAPACK)


def eigh(tensor: TensorLike, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Eigenvalues [..., n], rising, and eigenvectors [..., n, n] of self-adjoint matrices.

    Only the lower triangle of tensor is read. Column k of the vectors belongs to value k.

    Raises:
      InvalidArgumentError: a number is not finite.
      ShapeError, DTypeError: tensor is no square matrix of floating or complex numbers.

    Example:
      >>> values, vectors = nf.linalg.eigh([[2.0, 0.0], [0.0, 1.0]])
      >>> values.numpy().tolist()
      [1.0, 2.0]
    """
    values, vectors = eigh_op(square("eigh", tensor, "tensor"), vectors=True)
    return values, vectors


def eigvalsh(tensor: TensorLike, name: str | None = None) -> Tensor:
    """The eigenvalues [..., n] of self-adjoint matrices, rising; as eigh.

    Example:
      >>> nf.linalg.eigvalsh([[2.0, 0.0], [0.0, 1.0]]).numpy().tolist()
      [1.0, 2.0]
    """
    return eigh_op(square("eigvalsh", tensor, "tensor"), vectors=False)


# --- eigenvalues of any square matrix ------------------------------------------------------


def _complex(dtype: dtypes.DType) -> dtypes.DType:
    double = dtype in (dtypes.float64, dtypes.complex128)
    return dtypes.complex128 if double else dtypes.complex64


def _eig_infer(x: Spec, *, vectors: bool) -> tuple[Spec, ...]:
    wide = _complex(x.dtype)
    values = Spec(x.shape[:-1], wide)
    return (values, Spec(x.shape, wide)) if vectors else (values,)


@on_one_thread
def _eig_reference(x: Any, *, vectors: bool) -> Any:
    try:
        return tuple(np.linalg.eig(x)) if vectors else np.linalg.eigvals(x)
    except np.linalg.LinAlgError as e:
        raise InvalidArgumentError(explain("eig", f"{e} (is tensor finite?)")) from None


def _eig_vjp(g: Backward) -> tuple[Tensor]:
    """Boeddeker et al. 2017, "On the computation of complex-valued gradients", section 4.3."""
    (a,) = g.inputs
    if g.attrs["vectors"]:
        values, v = g.outputs
        ct_values, ct_v = g.cts
    else:
        (ct_values,), ct_v = g.cts, None
        values, v = eig_op(a, vectors=True)
    vh = adjoint_of(v)
    middle = None
    if ct_values is not None:
        middle = parts.diag(ct_values)
    if ct_v is not None:
        inner = matmul(vh, ct_v)
        # the vectors have length 1: what would only stretch them does not count
        own = maths.cast(maths.cast(_diagonal(inner), _real(g.inputs[0].spec)), v.dtype)
        stretch = matmul(matmul(vh, v), parts.diag(own))
        gaps = adjoint_of(matrix_transpose(_quotients_of_gaps(values, squares=False)))
        middle = _plus(middle, gaps * (inner - stretch))
    assert middle is not None
    whole = solve(vh, matmul(middle, vh))
    return (whole if a.dtype.is_complex else maths.cast(whole, a.dtype),)


eig_op = Op("eig", _eig_infer, _eig_reference, _eig_vjp, LAPACK)


def eig(tensor: TensorLike, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Eigenvalues [..., n] and eigenvectors [..., n, n] of square matrices, both complex.

    Raises:
      InvalidArgumentError: a number is not finite.
      ShapeError, DTypeError: tensor is no square matrix of floating or complex numbers.

    Example:
      >>> values, vectors = nf.linalg.eig([[0.0, 1.0], [-1.0, 0.0]])
      >>> values.numpy().tolist()
      [1j, -1j]
    """
    values, vectors = eig_op(square("eig", tensor, "tensor"), vectors=True)
    return values, vectors


def eigvals(tensor: TensorLike, name: str | None = None) -> Tensor:
    """The eigenvalues [..., n] of square matrices, complex; as eig.

    Example:
      >>> nf.linalg.eigvals([[2.0, 0.0], [0.0, 1.0]]).numpy().tolist()
      [(2+0j), (1+0j)]
    """
    return eig_op(square("eigvals", tensor, "tensor"), vectors=False)
