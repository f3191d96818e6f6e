"""Functions of matrices, LU factors, matrices of few diagonals: against SciPy and NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import linalg

import numflow as nf
from tests.contract import SINGLE_AND_DOUBLE, Case, check, floats, ids

BOTH = SINGLE_AND_DOUBLE
L = nf.linalg


def _each(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def all_of(x: Any) -> Any:
        n = x.shape[-1]
        found = [function(a) for a in x.reshape(-1, n, n)] if x.size else []
        return np.array(found).reshape(x.shape)

    return all_of


def _positive(x: Any) -> Any:
    """With eigenvalues off the negative half-axis, and not symmetric."""
    n = x.shape[-1]
    eye = nf.eye(n, dtype=x.dtype) if isinstance(x, nf.Tensor) else np.eye(n)
    return x * 0.2 + eye


def root(x: Any) -> Any:
    return L.sqrtm(_positive(nf.convert_to_tensor(x)))


def symmetric_root(x: Any) -> Any:
    y = nf.convert_to_tensor(x)
    return L.sqrtm(nf.matmul(y, y, transpose_b=True) + nf.eye(y.shape[-1], dtype=y.dtype))


def logarithm(x: Any, y: Any) -> Any:
    z = L.logm(nf.complex(_positive(nf.convert_to_tensor(x)), nf.convert_to_tensor(y) * 0.1))
    return [nf.math.real(z), nf.math.imag(z)]


def _np_logarithm(x: Any, y: Any) -> Any:
    z = _positive(x) + 0.1j * y
    n = z.shape[-1]
    found = [linalg.logm(a) for a in z.reshape(-1, n, n)]
    w = np.array(found).reshape(z.shape)
    return [w.real, w.imag]


def factors(x: Any) -> Any:
    """The one in which rows do not change places nearby, and the one that gives x again."""
    both, p = L.lu(x)
    return both, L.lu_reconstruct(both, p)


def _np_factors(x: Any) -> Any:
    n = x.shape[-1]
    rows = [linalg.lu_factor(a)[0] for a in x.reshape(-1, n, n)] if x.size else []
    return [np.array(rows).reshape(x.shape), x]


def solved(x: Any, y: Any) -> Any:
    return L.lu_solve(*L.lu(x), y), L.lu_matrix_inverse(*L.lu(x))


def _dense(d: Any) -> Any:
    """Of compact diagonals."""
    n = d.shape[-1]
    out = np.zeros((*d.shape[:-2], n, n))
    for i in range(n):
        out[..., i, i] = d[..., 1, i]
        if i + 1 < n:
            out[..., i, i + 1] = d[..., 0, i]
            out[..., i + 1, i] = d[..., 2, i + 1]
    return out


def _np_solve(a: Any, b: Any) -> Any:
    return np.linalg.solve(a, b)


def _bands(x: Any, lower: bool) -> Any:
    count, n = x.shape[-2:]
    out = np.zeros((*x.shape[:-2], n, n))
    for row in range(count):
        k = row if lower else count - 1 - row
        for i in range(k, n):
            if lower:
                out[..., i, i - k] = x[..., row, i]
            else:
                out[..., i - k, i] = x[..., row, i - k]
    return out


def banded(x: Any, y: Any, lower: bool, adjoint: bool) -> Any:
    weights = np.zeros((2, 4)) + 0.1
    weights[0 if lower else 1] = 1  # the diagonal is the largest
    big = nf.where(weights == 1, nf.sign(x) + x, x)
    return L.banded_triangular_solve(big, y, lower, adjoint)


def _np_banded(x: Any, y: Any, lower: bool, adjoint: bool) -> Any:
    row = 0 if lower else 1
    big = x.copy()
    big[..., row, :] += np.sign(x[..., row, :])
    a = _bands(big, lower)
    return np.linalg.solve(np.swapaxes(a, -1, -2) if adjoint else a, y)


CASES = [
    *(
        Case(L.expm, _each(linalg.expm), [floats(*s)], dtypes=BOTH, slack=99)
        for s in [(3, 3), (2, 5, 5), (0, 3, 3), (1, 1), (0, 0)]
    ),
    *(
        Case(root, lambda x: _each(linalg.sqrtm)(_positive(x)), [floats(*s)], dtypes=BOTH, slack=99)
        for s in [(3, 3), (2, 2, 2), (0, 3, 3), (1, 1)]
    ),
    Case(
        symmetric_root,
        lambda x: _each(linalg.sqrtm)(x @ np.swapaxes(x, -1, -2) + np.eye(3)),
        [floats(2, 3, 3)],
        dtypes=BOTH,
        slack=99,
    ),
    *(
        Case(logarithm, _np_logarithm, [floats(*s)] * 2, dtypes=BOTH, slack=99, second=False)
        for s in [(3, 3), (2, 2, 2), (1, 1)]
    ),
    *(
        Case(factors, _np_factors, [floats(*s)], dtypes=BOTH, slack=300)
        for s in [(3, 3), (2, 4, 4), (0, 3, 3), (1, 1)]
    ),
    *(
        Case(
            solved,
            lambda a, b: [np.linalg.solve(a, b), np.linalg.inv(a)],
            [floats(*s), floats(*s[:-1], 2)],
            dtypes=BOTH,
            slack=2000,
        )
        for s in [(3, 3), (2, 3, 3)]
    ),
    *(
        Case(
            L.tridiagonal_matmul,
            lambda d, x: _dense(d) @ x,
            [floats(*batch, 3, n), floats(*batch, n, 2)],
            dtypes=BOTH,
        )
        for batch, n in [((), 5), ((2,), 3), ((2,), 1), ((0,), 3)]
    ),
    *(
        Case(
            L.tridiagonal_solve,
            lambda d, x: np.linalg.solve(_dense(d), x),
            [floats(*batch, 3, n), floats(*batch, n, 2)],
            dtypes=BOTH,
            slack=3000,
        )
        for batch, n in [((), 5), ((2,), 3), ((2,), 1), ((0,), 3)]
    ),
    *(
        Case(
            banded,
            lambda x, y, lower=lower, adjoint=adjoint: _np_banded(x, y, lower, adjoint),
            [floats(2, 2, 4), floats(2, 4, 3)],
            {"lower": lower, "adjoint": adjoint},
            dtypes=BOTH,
            slack=300,
        )
        for lower in (True, False)
        for adjoint in (True, False)
    ),
    *(
        Case(
            L.normalize,
            lambda x, axis=axis: [
                x / np.sqrt((x * x).sum(axis, keepdims=True)),
                np.sqrt((x * x).sum(axis, keepdims=True)),
            ],
            [floats(3, 5)],
            {"axis": axis},
            dtypes=BOTH,
            slack=9,
        )
        for axis in (None, 0, -1)
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_op(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("size", [0.0, 1e-9, 1.0, 300.0])
def test_exponentials_of_any_size(size: float) -> None:
    """Also complex; large ones are scaled, and squared again."""
    rng = np.random.default_rng(3)
    a = (rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4))) * size
    a = a - a.conj().T  # a rotation: the numbers stay small
    np.testing.assert_allclose(L.expm(a).numpy(), linalg.expm(a), atol=1e-10)
    np.testing.assert_allclose(
        L.expm(nf.constant(a, nf.complex64)).numpy(), linalg.expm(a), atol=1e-2
    )


def test_roots_and_logarithms_undo() -> None:
    """Of matrices with negative eigenvalues too, in complex numbers; of 0."""
    rng = np.random.default_rng(4)
    a = rng.standard_normal((3, 4, 4)) + 1j * rng.standard_normal((3, 4, 4))
    half = L.sqrtm(a).numpy()
    np.testing.assert_allclose(half @ half, a, atol=1e-9)
    np.testing.assert_allclose(L.expm(L.logm(a)).numpy(), a, atol=1e-9)
    np.testing.assert_array_equal(L.sqrtm(np.zeros((2, 2))).numpy(), np.zeros((2, 2)))
    minus = L.sqrtm(np.diag([-4.0 + 0j, 9.0])).numpy()
    np.testing.assert_allclose(minus, np.diag([2j, 3.0]), atol=1e-12)
    assert np.isnan(L.sqrtm(np.full((2, 2), np.nan)).numpy()).all()
    assert np.isnan(L.expm(np.full((2, 2), np.inf)).numpy()).all()


def test_rows_change_places() -> None:
    """Zeros on the diagonal; complex numbers; the order is checked on request."""
    rng = np.random.default_rng(5)
    a = rng.standard_normal((2, 4, 4)) + 1j * rng.standard_normal((2, 4, 4))
    a[:, range(4), range(4)] = 0
    both, p = L.lu(a, nf.int64)
    assert p.dtype is nf.int64
    np.testing.assert_allclose(L.lu_reconstruct(both, p, True).numpy(), a, atol=1e-12)
    np.testing.assert_allclose(L.lu_matrix_inverse(both, p).numpy(), np.linalg.inv(a), atol=1e-9)
    with pytest.raises(nf.errors.InvalidArgumentError, match="perm is no order of the rows"):
        L.lu_solve(both, nf.zeros_like(p), a, validate_args=True)
    d = np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0], [0.0, 4.0, 5.0]])
    x = L.tridiagonal_solve(d, [1.0, 2.0, 3.0]).numpy()
    np.testing.assert_allclose(_dense(d) @ x, [1.0, 2.0, 3.0], atol=1e-12)


def test_forms_of_diagonals() -> None:
    rng = np.random.default_rng(6)
    d, x = rng.standard_normal((2, 3, 5)), rng.standard_normal((2, 5, 2))
    want = _dense(d) @ x
    forms = {
        "compact": d,
        "sequence": [d[:, 0, :-1], d[:, 1], d[:, 2, 1:]],
        "matrix": _dense(d),
    }
    for form, given in forms.items():
        np.testing.assert_allclose(L.tridiagonal_matmul(given, x, form).numpy(), want)
        np.testing.assert_allclose(L.tridiagonal_solve(given, want, form).numpy(), x, atol=1e-9)
    turned = np.swapaxes(want, -1, -2)
    np.testing.assert_allclose(
        L.tridiagonal_solve(d, turned, transpose_rhs=True).numpy(), x, atol=1e-9
    )
    np.testing.assert_allclose(
        L.tridiagonal_solve(d, want, partial_pivoting=False).numpy(), x, atol=1e-7
    )
    np.testing.assert_allclose(
        L.tridiagonal_solve(d * 1j, want.conj(), conjugate_rhs=True).numpy(), -1j * x, atol=1e-9
    )


def test_eigenvalues_of_three_diagonals() -> None:
    rng = np.random.default_rng(7)
    a, b = rng.standard_normal(6), rng.standard_normal(5)
    want, vectors = linalg.eigh_tridiagonal(a, b)
    np.testing.assert_allclose(L.eigh_tridiagonal(a, b).numpy(), want)
    values, found = L.eigh_tridiagonal(a, b, eigvals_only=False)
    np.testing.assert_allclose(np.abs(found.numpy()), np.abs(vectors), atol=1e-9)
    some = L.eigh_tridiagonal(a, b, select="i", select_range=(1, 3)).numpy()
    np.testing.assert_allclose(some, want[1:4])
    within, columns = L.eigh_tridiagonal(a, b, False, "v", (0.0, 9.0))
    np.testing.assert_allclose(within.numpy(), want[want > 0])
    assert columns.shape == (6, (want > 0).sum()) and values.shape == (6,)
    z = b * np.exp(1j * rng.standard_normal(5))
    np.testing.assert_allclose(L.eigh_tridiagonal(a + 0j, z).numpy(), want, atol=1e-9)


X = np.eye(3, dtype=np.float32)
BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: L.expm(X[:2]), ValueError, "expm: input has 2 rows and 3 columns"),
    (lambda: L.expm(nf.eye(3, dtype=nf.int32)), nf.errors.DTypeError, "expm: input is int32"),
    (lambda: L.logm(X), nf.errors.DTypeError, "logm: input is float32; it takes complex64"),
    (lambda: L.logm(X * 0j), nf.errors.InvalidArgumentError, "logm: input has no logarithm"),
    (lambda: L.sqrtm(-X), nf.errors.InvalidArgumentError, "sqrtm: input has no square root"),
    (lambda: L.lu(X * 0), nf.errors.InvalidArgumentError, "lu: input is not invertible"),
    (lambda: L.lu(X, nf.float32), nf.errors.DTypeError, "it takes int32 and int64"),
    (lambda: L.lu_solve(X, [0, 1], X), ValueError, "perm is a number for each row"),
    (lambda: L.lu_solve(X, [0, 1, 2], X[:2]), ValueError, "rhs has not as many rows"),
    (lambda: L.lu_solve(X, [0.0, 1, 2], X), nf.errors.DTypeError, "it takes integers"),
    (lambda: L.tridiagonal_matmul(X[:2], X), ValueError, "has not three rows"),
    (lambda: L.tridiagonal_matmul(X, X[:2]), ValueError, "rhs has not as many rows"),
    (lambda: L.tridiagonal_matmul([X[0]], X, "sequence"), ValueError, "it takes 3"),
    (lambda: L.tridiagonal_matmul(X, X, "odd"), ValueError, "diagonals_format must be"),
    (lambda: L.tridiagonal_solve(X * 0, X), nf.errors.InvalidArgumentError, "tridiagonal_solve"),
    (lambda: L.banded_triangular_solve(X[:, :2], X), ValueError, "not more than columns"),
    (lambda: L.eigh_tridiagonal(X[0], X[0]), ValueError, "beta is one shorter"),
    (lambda: L.eigh_tridiagonal(X[0], X[0, :2], select="i"), ValueError, "needs select_range"),
    (lambda: L.eigh_tridiagonal(X[0], X[0, :2], select="x"), ValueError, "select must be"),
    (lambda: L.normalize(X, ord="odd"), ValueError, "norm"),
]


@pytest.mark.parametrize(("run", "error", "message"), BAD, ids=[f"{k}" for k in range(len(BAD))])
def test_bad_arguments(run: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        run()
