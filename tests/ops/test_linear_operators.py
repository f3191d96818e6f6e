"""Linear operators: as their matrices, by NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf

L = nf.linalg
RNG = np.random.default_rng(8)
FULL = RNG.standard_normal((2, 3, 3)) + 3 * np.eye(3)
POSITIVE = FULL @ np.swapaxes(FULL, -1, -2)
LOW = np.tril(FULL)
DIAG = np.abs(RNG.standard_normal((2, 3))) + 0.5
TURNED = DIAG * np.exp(1j * RNG.standard_normal((2, 3)))

OPERATORS: dict[str, tuple[Callable[[], Any], Any]] = {
    "full": (lambda: L.LinearOperatorFullMatrix(FULL), FULL),
    "positive": (
        lambda: L.LinearOperatorFullMatrix(POSITIVE, True, True, is_positive_definite=True),
        POSITIVE,
    ),
    "low": (lambda: L.LinearOperatorLowerTriangular(FULL), LOW),
    "diag": (
        lambda: L.LinearOperatorDiag(DIAG, is_positive_definite=True),
        DIAG[..., None] * np.eye(3),
    ),
    "complex": (lambda: L.LinearOperatorDiag(TURNED), TURNED[..., None] * np.eye(3)),
    "identity": (
        lambda: L.LinearOperatorIdentity(3, [2], nf.float64),
        np.broadcast_to(np.eye(3), (2, 3, 3)),
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("traced", [False, True])
def test_as_its_matrix(name: str, traced: bool) -> None:
    """Products, equations, numbers, other operators."""
    make, a = OPERATORS[name]
    x = RNG.standard_normal((2, 3, 4)).astype(a.dtype)
    adjoint = np.swapaxes(a.conj(), -1, -2)

    def run() -> list[Any]:
        op = make()
        return [
            op.to_dense(), op.matmul(x), op.matmul(x, adjoint=True), op @ x,
            op.matmul(np.swapaxes(x.conj(), -1, -2), adjoint_arg=True), op.matvec(x[..., 0]),
            op.solve(x), op.solve(x, adjoint=True), op.solvevec(x[..., 0]),
            op.determinant(), op.log_abs_determinant(), op.trace(), op.diag_part(), op.cond(),
            op.add_to_tensor(a), op.adjoint().to_dense(), op.H.to_dense(), op.inverse().to_dense(),
            op.inverse().matmul(x), op.matmul(op).to_dense(), op.solve(op).to_dense(),
        ]  # fmt: skip

    got = nf.function(run)() if traced else run()
    want = [
        a, a @ x, adjoint @ x, a @ x, a @ x, (a @ x)[..., 0],
        np.linalg.solve(a, x), np.linalg.solve(adjoint, x), np.linalg.solve(a, x)[..., 0],
        np.linalg.det(a), np.log(np.abs(np.linalg.det(a))), np.trace(a, 0, -2, -1),
        np.diagonal(a, 0, -2, -1), np.linalg.cond(a),
        a + a, adjoint, adjoint, np.linalg.inv(a), np.linalg.solve(a, x), a @ a,
        np.broadcast_to(np.eye(3), a.shape),
    ]  # fmt: skip
    for k, (y, z) in enumerate(zip(got, want, strict=True)):
        np.testing.assert_allclose(y.numpy(), z, atol=1e-9, err_msg=str(k))
    op = make()
    assert op.shape == [2, 3, 3] and op.batch_shape == [2] and op.tensor_rank == 3
    assert op.domain_dimension == 3 and op.range_dimension == 3 and op.is_square
    assert op.shape_tensor().numpy().tolist() == [2, 3, 3]
    assert op.batch_shape_tensor().numpy().tolist() == [2]
    assert op.domain_dimension_tensor().numpy() == op.range_dimension_tensor().numpy() == 3


def test_what_self_adjoint_ones_have() -> None:
    op = OPERATORS["positive"][0]()
    low = op.cholesky()
    np.testing.assert_allclose(low.to_dense().numpy(), np.linalg.cholesky(POSITIVE))
    assert isinstance(low, L.LinearOperatorLowerTriangular)
    np.testing.assert_allclose(op.eigvals().numpy(), np.linalg.eigvalsh(POSITIVE))
    op.assert_positive_definite()
    op.assert_self_adjoint()
    op.assert_non_singular()
    diag = OPERATORS["diag"][0]()
    np.testing.assert_allclose(diag.cholesky().diag.numpy(), np.sqrt(DIAG))
    assert op.is_non_singular and op.is_square and diag.is_self_adjoint
    assert OPERATORS["full"][0]().is_self_adjoint is None
    assert op.adjoint() is op and repr(op).startswith("<nf.linalg.LinearOperatorFullMatrix")
    assert nf.matmul(op, np.eye(3)[None]).shape == (2, 3, 3)  # where a tensor is wanted


def test_not_square() -> None:
    op = L.LinearOperatorFullMatrix(FULL[:, :2])
    assert not op.is_square and op.shape == [2, 2, 3]
    np.testing.assert_allclose(op.matvec(DIAG).numpy(), (FULL[:, :2] @ DIAG[..., None])[..., 0])
    for run in (op.determinant, op.inverse, lambda: op.solve(FULL[:, :2])):
        with pytest.raises(ValueError, match="not square"):
            run()


def test_gradients_flow() -> None:
    d = nf.constant(DIAG)
    with nf.GradientTape() as tape:
        tape.watch(d)
        y = nf.reduce_sum(L.LinearOperatorDiag(d).solvevec(nf.ones_like(d)))
    np.testing.assert_allclose(tape.gradient(y, d).numpy(), -1 / DIAG**2)


class Twice(L.LinearOperator):
    """A user's own kind needs no more than this."""

    def _to_dense(self) -> Any:
        return 2 * nf.eye(2)


def test_own_kinds() -> None:
    op = Twice(nf.float32, is_non_singular=True)
    assert op.matvec([1.0, 2.0]).numpy().tolist() == [2.0, 4.0]
    assert op.solvevec([1.0, 2.0]).numpy().tolist() == [0.5, 1.0]
    assert op.name == "Twice" and op.determinant().numpy() == 4.0


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: L.LinearOperatorDiag([1, 2]), nf.errors.DTypeError, "diag is int32"),
    (lambda: L.LinearOperatorDiag(1.0), ValueError, "diag is a scalar"),
    (lambda: L.LinearOperatorDiag([1.0], is_square=False), ValueError, "is square"),
    (lambda: L.LinearOperatorFullMatrix([1.0]), ValueError, "matrix has rank 1"),
    (lambda: L.LinearOperatorIdentity(-1), ValueError, "sizes are negative"),
    (lambda: L.LinearOperatorIdentity(2, is_square=False), ValueError, "all that the hints deny"),
    (
        lambda: L.LinearOperatorFullMatrix(FULL, is_non_singular=False, is_positive_definite=True),
        ValueError,
        "what is positive definite is not singular",
    ),
    (lambda: L.LinearOperatorFullMatrix(FULL).cholesky(), ValueError, "not known to be self-adj"),
    (lambda: L.LinearOperatorFullMatrix(FULL).eigvals(), ValueError, "not known to be self-adj"),
    (lambda: L.LinearOperatorFullMatrix(FULL, False).solve(FULL), ValueError, "known to be singu"),
    (lambda: L.LinearOperatorDiag(DIAG).matvec(DIAG[:, :2]), ValueError, "the sizes do not fit"),
    (
        lambda: L.LinearOperatorDiag([1.0, 0.0]).assert_non_singular(),
        nf.errors.InvalidArgumentError,
        "the operator is singular",
    ),
    (
        lambda: L.LinearOperatorFullMatrix(FULL).assert_self_adjoint(),
        nf.errors.InvalidArgumentError,
        "the operator is not self-adjoint",
    ),
]


@pytest.mark.parametrize(("run", "error", "message"), BAD, ids=[m for _, _, m in BAD])
def test_bad_arguments(run: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        run()
