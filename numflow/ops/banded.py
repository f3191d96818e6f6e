"""Matrices of a few diagonals: products, equations, eigenvalues; and tensors of norm 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.errors import InvalidArgumentError, ShapeError, explain
from numflow.graph.op import Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import indexing, joining, plain
from numflow.ops import matrix_parts as parts
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.conjugate import conj
from numflow.ops.convert import as_tensor
from numflow.ops.equations import singular, triangular_solve
from numflow.ops.factorizations import eigh, eigvalsh
from numflow.ops.linalg import matrix_transpose, norm
from numflow.ops.matrices import LAPACK, matrix, square
from numflow.ops.rearrange import pad
from numflow.ops.shape_rules import broadcast_shapes

# --- diagonals ----------------------------------------------------------------------------


def _compact(op: str, given: Any, form: str) -> Tensor:
    """Three diagonals [..., 3, n]: above, on and below; the last, or the first, is not used.

    Raises:
      ShapeError, DTypeError, ValueError: given is not in the form.
    """
    plain.word(form, op, "diagonals_format", ("compact", "matrix", "sequence"))
    if form == "compact":
        x = matrix(op, given, "diagonals")
        if x.spec.shape[-2] != 3:
            problem = "diagonals has not three rows, of the diagonals above, on and below"
            raise ShapeError(explain(op, problem, {"diagonals": x.spec}))
        return x
    if form == "matrix":
        x = square(op, given, "diagonals")
        rows = [parts.diag_part(x, k=1), parts.diag_part(x), parts.diag_part(x, k=-1)]
    else:
        items = plain.items(given, op, "diagonals")
        if len(items) != 3:
            raise ShapeError(explain(op, f"diagonals is a list of {len(items)}; it takes 3"))
        rows = [as_tensor(v, None, op, f"diagonals[{k}]") for k, v in enumerate(items)]
        if any(v.spec.rank < 1 for v in rows):
            raise ShapeError(explain(op, "diagonals are scalars; they need an axis"))
    n = rows[1].spec.shape[-1]
    for k, (before, after) in ((0, (0, 1)), (2, (1, 0))):
        if rows[k].spec.shape[-1] != n:
            front = [[0, 0]] * (rows[k].spec.rank - 1)
            rows[k] = pad(rows[k], [*front, [before, after]])
    if any(v.spec.shape != rows[1].spec.shape for v in rows):
        shown = {f"diagonals[{k}]": v.spec for k, v in enumerate(rows)}
        raise ShapeError(explain(op, "the diagonals have no lengths that fit", shown))
    return joining.stack(rows, -2)


def _above(x: Tensor) -> Tensor:
    """Row i + 1 in the place of row i, zeros in the last."""
    return joining.concat([x[..., 1:, :], shaping.zeros_like(x[..., :1, :])], -2)


def _below(x: Tensor) -> Tensor:
    return joining.concat([shaping.zeros_like(x[..., :1, :]), x[..., :-1, :]], -2)


def _columns(diagonals: Tensor) -> list[Tensor]:
    """The three, [..., n, 1] each."""
    return [shaping.expand_dims(diagonals[..., k, :], -1) for k in range(3)]


def tridiagonal_matmul(
    diagonals: Any,
    rhs: TensorLike,
    diagonals_format: str = "compact",
    name: str | None = None,
) -> Tensor:
    """The product of matrices [..., n, n] with three diagonals, and rhs [..., n, columns].

    Args:
      diagonals: "compact": [..., 3, n], of which the first row lacks its last element and the last
        row its first; "sequence": a list of three; "matrix": [..., n, n].

    Raises:
      ShapeError: the shapes do not fit.

    Example:
      >>> nf.linalg.tridiagonal_matmul(
      ...     [[1.0, 1.0, 0.0], [2.0, 2.0, 2.0], [0.0, 3.0, 3.0]], [[1.0], [1.0], [1.0]]
      ... ).numpy().tolist()
      [[3.0], [6.0], [5.0]]
    """
    op = "tridiagonal_matmul"
    rows = _compact(op, diagonals, diagonals_format)
    right = matrix(op, rhs, "rhs")
    _check(op, rows, right)
    above, on, below = _columns(rows)
    return on * right + above * _above(right) + below * _below(right)


def _check(op: str, rows: Tensor, right: Tensor) -> None:
    if right.spec.rank < 2 or right.spec.shape[-2] != rows.spec.shape[-1]:
        shown = {"diagonals": rows.spec, "rhs": right.spec}
        raise ShapeError(explain(op, "rhs has not as many rows as the matrix", shown))


# --- equations ----------------------------------------------------------------------------


def _solve_infer(rows: Spec, right: Spec, *, pivots: bool) -> Spec:
    return right


def _solve_reference(rows: Any, right: Any, *, pivots: bool) -> Any:
    """Gauss's elimination of all matrices at once; with pivots a row may change with the next."""
    shape = right.shape
    n, columns = shape[-2:]
    kind = right.dtype
    if not right.size:
        return right
    b = right.reshape(-1, n, columns).copy()
    above, on, below = (rows[..., k, :].reshape(-1, n).copy() for k in range(3))
    second = np.zeros_like(on)  # a second diagonal above, where rows changed
    above[:, -1] = 0
    for i in np.arange(n - 1):
        under = below[:, i + 1]
        change = (np.abs(under) > np.abs(on[:, i])) if pivots else np.zeros(len(b), bool)
        top = np.where(change, under, on[:, i])
        with np.errstate(all="ignore"):
            factor = np.where(change, on[:, i], under) / top
        following = above[:, i + 1].copy()
        row, next_row = (above[:, i].copy(), on[:, i + 1].copy())
        on[:, i] = top
        above[:, i] = np.where(change, next_row, row)
        second[:, i] = np.where(change, following, 0)
        on[:, i + 1] = np.where(change, row - factor * next_row, next_row - factor * row)
        above[:, i + 1] = np.where(change, -factor * following, following)
        c, f = change[:, None], factor[:, None]
        here, there = b[:, i].copy(), b[:, i + 1].copy()
        b[:, i] = np.where(c, there, here)
        b[:, i + 1] = np.where(c, here - f * there, there - f * here)
    if not (np.isfinite(on).all() and (on != 0).all()):
        raise singular("tridiagonal_solve")
    for i in np.arange(n - 1, -1, -1):
        if i + 1 < n:
            b[:, i] -= above[:, i, None] * b[:, i + 1]
        if i + 2 < n:
            b[:, i] -= second[:, i, None] * b[:, i + 2]
        b[:, i] /= on[:, i, None]
    return b.reshape(shape).astype(kind, copy=False)


def _solve_vjp(g: Backward) -> tuple[Tensor | None, Tensor]:
    rows, x = g.inputs[0], g.outputs[0]
    above, on, below = (rows[..., k, :] for k in range(3))
    start = shaping.zeros_like(on[..., :1])
    turned = joining.stack(
        [
            conj(joining.concat([below[..., 1:], start], -1)),
            conj(on),
            conj(joining.concat([start, above[..., :-1]], -1)),
        ],
        -2,
    )
    ct = solve_op(turned, g.ct, pivots=g.attrs["pivots"])
    if not g.needed[0]:
        return None, ct
    found = [-reductions.reduce_sum(ct * conj(y), -1) for y in (_above(x), x, _below(x))]
    return joining.stack(found, -2), ct


solve_op = Op("tridiagonal_solve", _solve_infer, _solve_reference, _solve_vjp, LAPACK)


def tridiagonal_solve(
    diagonals: Any,
    rhs: TensorLike,
    diagonals_format: str = "compact",
    transpose_rhs: bool = False,
    conjugate_rhs: bool = False,
    name: str | None = None,
    partial_pivoting: bool = True,
    perturb_singular: bool = False,
) -> Tensor:
    """x with A x = rhs, of matrices A [..., n, n] with three diagonals.

    Args:
      diagonals, diagonals_format: as for `tridiagonal_matmul`.
      rhs: [..., n], or [..., n, columns].
      transpose_rhs, conjugate_rhs: take rhs as [..., columns, n]; its conjugate.
      partial_pivoting: exchange rows where that keeps digits.

    Raises:
      InvalidArgumentError: a matrix is not invertible; or perturb_singular is asked for.
      ShapeError: the shapes do not fit.

    Example:
      >>> rows = [[1.0, 1.0, 0.0], [2.0, 2.0, 2.0], [0.0, 3.0, 3.0]]
      >>> nf.linalg.tridiagonal_solve(rows, [3.0, 6.0, 5.0]).numpy().round(5).tolist()
      [1.0, 1.0, 1.0]
    """
    op = "tridiagonal_solve"
    if plain.flag(perturb_singular, op, "perturb_singular"):
        raise InvalidArgumentError(explain(op, "perturb_singular is for GPUs only"))
    rows = _compact(op, diagonals, diagonals_format)
    right = as_tensor(rhs, rows.dtype, op, "rhs")
    vectors = right.spec.rank == rows.spec.rank - 1
    if vectors:
        right = shaping.expand_dims(right, -1)
    elif plain.flag(transpose_rhs, op, "transpose_rhs"):
        right = matrix_transpose(right)
    if plain.flag(conjugate_rhs, op, "conjugate_rhs"):
        right = conj(right)
    _check(op, rows, right)
    batch = broadcast_shapes(op, rows.spec.shape[:-2], right.spec.shape[:-2])
    if rows.spec.shape[:-2] != batch:
        rows = shaping.broadcast_to(rows, (*batch, *rows.spec.shape[-2:]))
    if right.spec.shape[:-2] != batch:
        right = shaping.broadcast_to(right, (*batch, *right.spec.shape[-2:]))
    x = solve_op(rows, right, pivots=plain.flag(partial_pivoting, op, "partial_pivoting"))
    return shaping.squeeze(x, [x.spec.rank - 1]) if vectors else x


def banded_triangular_solve(
    bands: TensorLike,
    rhs: TensorLike,
    lower: bool = True,
    adjoint: bool = False,
    name: str | None = None,
) -> Tensor:
    """x with A x = rhs, of triangular matrices A [..., n, n] with few diagonals.

    Args:
      bands: [..., k, n]: below the first row, the diagonal, those under it, which lack their first
        elements; with lower=False the diagonal is the last row, and those over it, above it, lack
        their last elements.
      rhs: [..., n, columns].
      adjoint: solve with the adjoint of A.

    Raises:
      ShapeError: there are no bands, or more than rows.

    Example:
      >>> x = nf.linalg.banded_triangular_solve([[2.0, 2.0], [0.0, 1.0]], [[2.0], [5.0]])
      >>> x.numpy().tolist()
      [[1.0], [2.0]]
    """
    op = "banded_triangular_solve"
    rows = matrix(op, bands, "bands")
    count, n = rows.spec.shape[-2:]
    if not isinstance(count, int) or not isinstance(n, int) or not 1 <= count <= n:
        problem = "bands are at least 1, and not more than columns"
        raise ShapeError(explain(op, problem, {"bands": rows.spec}))
    low = plain.flag(lower, op, "lower")
    whole: Tensor | None = None
    for row in range(count):
        k = row if low else count - 1 - row
        band = rows[..., row, k:] if low else rows[..., row, : n - k]
        one = parts.diag(band, k=-k if low else k)
        whole = one if whole is None else whole + one
    assert whole is not None
    return triangular_solve(whole, rhs, low, adjoint)


# --- eigenvalues --------------------------------------------------------------------------


def eigh_tridiagonal(
    alpha: TensorLike,
    beta: TensorLike,
    eigvals_only: bool = True,
    select: str = "a",
    select_range: Any = None,
    tol: Any = None,
    name: str | None = None,
) -> Any:
    """Eigenvalues, in order, of self-adjoint matrices with three diagonals; and eigenvectors.

    Args:
      alpha: the diagonal, [n].
      beta: what is under it, [n - 1]; above it stands its conjugate.
      eigvals_only: without eigenvectors.
      select: "a": all; "i": numbers select_range[0] to select_range[1], both included; "v": those
        in the interval select_range, its begin left out.
      tol: without effect.

    Returns:
      The eigenvalues; or (eigenvalues, eigenvectors as columns).

    Raises:
      ShapeError: alpha and beta do not fit.
      ValueError: select is another, or lacks its range.

    Example:
      >>> x = nf.constant([0.0, 0.0], nf.float64)
      >>> nf.linalg.eigh_tridiagonal(x, x[:1] + 1.0).numpy().round(9).tolist()
      [-1.0, 1.0]
    """
    op = "eigh_tridiagonal"
    plain.word(select, op, "select", ("a", "i", "v"))
    on = as_tensor(alpha, None, op, "alpha")
    under = as_tensor(beta, on.dtype, op, "beta")
    if on.spec.rank != 1 or under.spec.rank != 1:
        raise ShapeError(explain(op, "alpha and beta have one axis", {"alpha": on.spec}))
    n, rest = on.spec.shape[0], under.spec.shape[0]
    if isinstance(n, int) and isinstance(rest, int) and rest != n - 1:
        shown = {"alpha": on.spec, "beta": under.spec}
        raise ShapeError(explain(op, "beta is one shorter than alpha", shown))
    whole = parts.diag(on)
    if rest:
        whole = whole + parts.diag(under, k=-1) + parts.diag(conj(under), k=1)
    if select != "a" and select_range is None:
        raise ValueError(explain(op, f"select is {select!r}, which needs select_range"))
    if plain.flag(eigvals_only, op, "eigvals_only"):
        values = eigvalsh(whole)
        return values if select == "a" else _selected(op, values, None, select, select_range)
    values, vectors = eigh(whole)
    return (
        (values, vectors) if select == "a" else _selected(op, values, vectors, select, select_range)
    )


def _selected(op: str, values: Tensor, vectors: Tensor | None, select: str, bounds: Any) -> Any:
    first, last = plain.items(bounds, op, "select_range")
    if select == "i":
        low, high = plain.whole(first, op, "select_range"), plain.whole(last, op, "select_range")
        if not 0 <= low <= high:
            raise ValueError(explain(op, f"select_range is {[low, high]}, no range of numbers"))
        values = values[low : high + 1]
        return values if vectors is None else (values, vectors[:, low : high + 1])
    a, b = plain.number(first, op, "select_range"), plain.number(last, op, "select_range")
    chosen = (values > a) & (values <= b)
    found = indexing.boolean_mask(values, chosen)
    return found if vectors is None else (found, indexing.boolean_mask(vectors, chosen, axis=1))


# --- norm 1 -------------------------------------------------------------------------------


def normalize(
    tensor: TensorLike, ord: Any = "euclidean", axis: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """(tensor / norm, norm), with the norm of `nf.norm`, whose axes are kept as size 1.

    Raises:
      ValueError: no such norm.

    Example:
      >>> one, size = nf.linalg.normalize(nf.constant([3.0, 4.0], nf.float64))
      >>> one.numpy().round(5).tolist(), size.numpy().tolist()
      ([0.6, 0.8], [5.0])
    """
    x = as_tensor(tensor, None, "normalize", "tensor")
    size = norm(x, ord, axis, keepdims=True)
    return x / size, size
