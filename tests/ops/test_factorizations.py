"""Cholesky, QR, singular values, eigenvalues: against NumPy, and by what they must multiply to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import SINGLE_AND_DOUBLE, Case, check, floats, ids


def _symmetric(x: Any) -> Any:
    return (x + nf.linalg.matrix_transpose(x)) / 2


def _definite(x: Any) -> Any:
    return x @ nf.linalg.matrix_transpose(x) + nf.eye(int(x.shape[-1]), dtype=x.dtype)


def _np_definite(x: Any) -> Any:
    return x @ np.swapaxes(x, -1, -2) + np.eye(x.shape[-1])


def cholesky_of_product(x: Any) -> Any:
    return nf.linalg.cholesky(_definite(nf.convert_to_tensor(x)))


def qr_up_to_signs(x: Any) -> Any:
    """Q R is unique where R's diagonal is positive."""
    q, r = nf.linalg.qr(x)
    signs = nf.sign(nf.stop_gradient(nf.linalg.diag_part(r[..., : q.shape[-1]])))
    return q * nf.expand_dims(signs, -2), r * nf.expand_dims(signs, -1)


def _np_qr(x: Any) -> Any:
    q, r = np.linalg.qr(x)
    signs = np.sign(np.diagonal(r, 0, -2, -1))
    return [q * signs[..., None, :], r * signs[..., None]]


def projections(x: Any) -> Any:
    """Singular values, and what does not depend on the signs of the vectors."""
    s, u, v = nf.linalg.svd(x)
    weights = nf.cast(nf.range(1, int(s.shape[-1]) + 1), s.dtype)
    left = nf.matmul(u * weights, u, adjoint_b=True)
    right = nf.matmul(v * weights, v, adjoint_b=True)
    return s, left, right, nf.matmul(u * weights, v, adjoint_b=True)


def _np_projections(x: Any) -> Any:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    weights = np.arange(1, s.shape[-1] + 1)
    v = np.swapaxes(vh, -1, -2)
    return [
        s,
        (u * weights) @ np.swapaxes(u, -1, -2),
        (v * weights) @ np.swapaxes(v, -1, -2),
        (u * weights) @ vh,
    ]


def eigen_projections(x: Any) -> Any:
    values, v = nf.linalg.eigh(_symmetric(nf.convert_to_tensor(x)))
    weights = nf.cast(nf.range(1, int(values.shape[-1]) + 1), values.dtype)
    return values, nf.matmul(v * weights, v, adjoint_b=True)


def _np_eigen_projections(x: Any) -> Any:
    values, v = np.linalg.eigh((x + np.swapaxes(x, -1, -2)) / 2)
    weights = np.arange(1, values.shape[-1] + 1)
    return [values, (v * weights) @ np.swapaxes(v, -1, -2)]


def _singular_values(x: Any) -> Any:
    return nf.linalg.svd(x, compute_uv=False)


def _eigenvalues(x: Any) -> Any:
    return nf.linalg.eigvalsh(_symmetric(nf.convert_to_tensor(x)))


BOTH = SINGLE_AND_DOUBLE
CASES = [
    *(
        Case(
            cholesky_of_product,
            lambda x: np.linalg.cholesky(_np_definite(x)),
            [floats(*s)],
            dtypes=BOTH,
            slack=9,
        )
        for s in [(3, 3), (2, 5, 5), (0, 3, 3), (1, 1), (0, 0)]
    ),
    *(
        Case(qr_up_to_signs, _np_qr, [floats(*s)], dtypes=BOTH, slack=30)
        for s in [(3, 3), (5, 3), (2, 3, 5), (1, 1), (0, 2, 2)]
    ),
    *(
        Case(projections, _np_projections, [floats(*s)], dtypes=BOTH, slack=200)
        for s in [(3, 3), (5, 3), (2, 2, 3), (1, 1)]
    ),
    *(
        Case(
            _singular_values,
            lambda x: np.linalg.svd(x, compute_uv=False),
            [floats(*s)],
            dtypes=BOTH,
            slack=9,
        )
        for s in [(3, 5), (2, 0, 3)]
    ),
    *(
        Case(eigen_projections, _np_eigen_projections, [floats(*s)], dtypes=BOTH, slack=200)
        for s in [(3, 3), (2, 2, 2), (0, 3, 3)]
    ),
    Case(
        _eigenvalues,
        lambda x: np.linalg.eigvalsh((x + x.T) / 2),
        [floats(5, 5)],
        dtypes=BOTH,
        slack=9,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_factorizations(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 3, 3), (0, 3), (3, 0)])
@pytest.mark.parametrize("full", [False, True])
def test_products_give_the_matrix_back(dtype: Any, shape: Any, full: bool) -> None:
    """Of every dtype, eagerly and compiled; U, V and Q have orthonormal columns."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    if x.dtype.kind == "c":
        x += (1j * rng.standard_normal(shape)).astype(dtype)

    def factors(x: Any) -> Any:
        s, u, v = nf.linalg.svd(x, full_matrices=full)
        q, r = nf.linalg.qr(x, full_matrices=full)
        return s, u, v, q, r

    for run in (factors, nf.function(factors)):
        s, u, v, q, r = (t.numpy() for t in run(nf.constant(x)))
        k = min(shape[-2:])
        tolerance = 1e-4 if x.real.dtype == np.float32 else 1e-12
        assert s.dtype == x.real.dtype and u.dtype == q.dtype == x.dtype
        back = (u[..., :k] * s[..., None, :]) @ np.conj(np.swapaxes(v[..., :k], -1, -2))
        np.testing.assert_allclose(back, x, atol=tolerance)
        np.testing.assert_allclose(q @ r, x, atol=tolerance)
        for m in (u, v, q):
            eye = np.broadcast_to(np.eye(m.shape[-1]), (*m.shape[:-2], *m.shape[-1:] * 2))
            np.testing.assert_allclose(np.conj(np.swapaxes(m, -1, -2)) @ m, eye, atol=tolerance)


def test_complex_eigenvectors() -> None:
    """A v = v w for general and for Hermitian matrices, compiled too."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((2, 4, 4)) + 1j * rng.standard_normal((2, 4, 4))
    h = a + np.conj(np.swapaxes(a, -1, -2))
    for run in (nf.linalg.eig, nf.function(nf.linalg.eig)):
        values, v = (t.numpy() for t in run(nf.constant(a)))
        np.testing.assert_allclose(a @ v, v * values[..., None, :], atol=1e-12)
    values, v = (t.numpy() for t in nf.linalg.eigh(nf.constant(h)))
    np.testing.assert_allclose(h @ v, v * values[..., None, :], atol=1e-12)
    np.testing.assert_allclose(
        nf.linalg.eigvals(nf.constant(h)).numpy().real.sum(-1), values.sum(-1)
    )


def test_eigenvalues_of_a_real_matrix_are_complex() -> None:
    """Even where all of them are real, as TensorFlow has it."""
    got = nf.linalg.eigvals(nf.constant([[2.0, 1.0], [0.0, 3.0]]))
    assert got.dtype == nf.complex64 and sorted(got.numpy().real.tolist()) == [2, 3]


def test_gradient_of_general_eigenvalues() -> None:
    """Of the real and imaginary parts' squares, against finite differences."""
    rng = np.random.default_rng(3)
    a, d = rng.standard_normal((2, 4, 4))

    def total(x: Any) -> Any:
        values = nf.linalg.eigvals(x)
        return nf.reduce_sum(nf.abs(values) ** 2) + nf.reduce_sum(nf.math.real(values**3))

    x = nf.constant(a)
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = total(x)
    slope = float(np.sum(tape.gradient(y, x).numpy() * d))
    step = 1e-6
    want = (float(total(nf.constant(a + step * d))) - float(total(nf.constant(a - step * d)))) / (
        2 * step
    )
    assert abs(slope - want) < 1e-5 * max(1, abs(want))


def test_symbolic_batch() -> None:
    """An unknown number of matrices."""
    run = nf.function(
        lambda x: nf.linalg.cholesky(x),
        input_signature=[nf.TensorSpec([None, 3, 3], nf.float64)],
    )
    for n in (0, 1, 5):
        x = _np_definite(np.random.default_rng(n).standard_normal((n, 3, 3)))
        np.testing.assert_allclose(run(x).numpy(), np.linalg.cholesky(x))


@pytest.mark.parametrize(
    ("op", "value", "error", "words"),
    [
        (nf.linalg.cholesky, [[1.0, 0.0], [0.0, -1.0]], nf.errors.InvalidArgumentError, "positive"),
        (nf.linalg.cholesky, [[1.0, 2.0, 3.0]], nf.errors.ShapeError, "1 rows and 3 columns"),
        (nf.linalg.svd, [1.0], nf.errors.ShapeError, "rank 1"),
        (nf.linalg.qr, [[1, 2]], nf.errors.DTypeError, "int32"),
        (nf.linalg.eigh, [["a"]], nf.errors.DTypeError, "string"),
        (nf.linalg.svd, [[np.nan]], nf.errors.InvalidArgumentError, "finite"),
    ],
)
def test_bad_input(op: Any, value: Any, error: Any, words: str) -> None:
    """Named, eagerly and compiled."""
    for run in (op, nf.function(op)):
        with pytest.raises(error, match=words):
            run(nf.constant(value))
