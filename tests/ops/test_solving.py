"""Solutions, inverses, determinants, least squares: against NumPy and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import SINGLE_AND_DOUBLE, Case, check, floats, ids, ints

BOTH = SINGLE_AND_DOUBLE


def _t(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _shifted(op: Any, name: str) -> Any:
    """op of x + 4: diagonally dominant matrices, whose equations are well posed."""

    def run(x: Any, *rest: Any, **attrs: Any) -> Any:
        x = nf.convert_to_tensor(x)
        return op(x + 6 * nf.eye(int(x.shape[-1]), dtype=x.dtype), *rest, **attrs)

    run.__name__ = name
    return run


def _eye(x: Any) -> Any:
    return x + 6 * np.eye(x.shape[-1])


inv = _shifted(nf.linalg.inv, "inv")
det = _shifted(nf.linalg.det, "det")
slogdet = _shifted(nf.linalg.slogdet, "slogdet")
solve = _shifted(nf.linalg.solve, "solve")
triangular = _shifted(nf.linalg.triangular_solve, "triangular_solve")
pinv = _shifted(nf.linalg.pinv, "pinv")


def logdet_of_product(x: Any) -> Any:
    x = nf.convert_to_tensor(x)
    return nf.linalg.logdet(nf.matmul(x, x, transpose_b=True) + nf.eye(3, dtype=x.dtype))


def _triangle(a: Any, lower: bool, adjoint: bool) -> Any:
    kept = np.tril(_eye(a)) if lower else np.triu(_eye(a))
    return _t(kept) if adjoint else kept


SQUARES = [(3, 3), (2, 5, 5), (1, 1), (0, 3, 3), (2, 0, 0)]
PAIRS = [((3, 3), (3, 2)), ((2, 5, 5), (2, 5, 1)), ((2, 1, 3, 3), (4, 3, 2)), ((3, 3), (3, 0))]
CASES = [
    *(Case(inv, lambda x: np.linalg.inv(_eye(x)), [floats(*s)], dtypes=BOTH) for s in SQUARES),
    Case(
        inv,
        lambda x: _t(np.linalg.inv(_eye(x))),
        [floats(2, 3, 3)],
        {"adjoint": True},
        dtypes=BOTH,
    ),
    *(
        Case(det, lambda x: np.linalg.det(_eye(x)), [floats(*s)], dtypes=BOTH, slack=9)
        for s in SQUARES
    ),
    *(
        Case(slogdet, lambda x: [*np.linalg.slogdet(_eye(x))], [floats(*s)], dtypes=BOTH)
        for s in SQUARES
    ),
    Case(
        logdet_of_product,
        lambda x: np.linalg.slogdet(x @ _t(x) + np.eye(3))[1],
        [floats(2, 3, 5)],
        dtypes=BOTH,
        slack=4,
    ),
    *(
        Case(
            solve,
            lambda a, b, k=adjoint: np.linalg.solve(_t(_eye(a)) if k else _eye(a), b),
            [floats(*a), floats(*b)],
            {"adjoint": adjoint},
            dtypes=BOTH,
            slack=4,
        )
        for a, b in PAIRS
        for adjoint in (False, True)
    ),
    *(
        Case(
            triangular,
            lambda a, b, lo=lower, k=adjoint: np.linalg.solve(_triangle(a, lo, k), b),
            [floats(*a), floats(*b)],
            {"lower": lower, "adjoint": adjoint},
            dtypes=BOTH,
            slack=4,
        )
        for a, b in PAIRS
        for lower in (True, False)
        for adjoint in (False, True)
    ),
    *(
        Case(
            nf.linalg.lstsq,
            lambda a, b, k=l2: (
                np.linalg.solve(_t(a) @ a + k * np.eye(a.shape[-1]), _t(a) @ b)
                if a.shape[-2] >= a.shape[-1]
                else _t(a) @ np.linalg.solve(a @ _t(a) + k * np.eye(a.shape[-2]), b)
            ),
            [floats(*a), floats(*b)],
            {"l2_regularizer": l2},
            dtypes=BOTH,
            slack=60,
        )
        for a, b, l2 in [((5, 2), (5, 3), 0.0), ((2, 2, 5), (2, 2, 1), 0.5)]
    ),
    Case(
        nf.linalg.lstsq,
        lambda a, b: np.linalg.pinv(a) @ b,
        [floats(5, 3), floats(5, 2)],
        {"fast": False},
        dtypes=BOTH,
        slack=60,
    ),
    Case(pinv, lambda x: np.linalg.pinv(_eye(x)), [floats(3, 3)], dtypes=BOTH, slack=60),
    Case(nf.linalg.pinv, np.linalg.pinv, [floats(2, 5, 3)], dtypes=BOTH, slack=60),
    Case(nf.linalg.matrix_rank, np.linalg.matrix_rank, [floats(2, 5, 3)], dtypes=BOTH),
    Case(nf.linalg.adjoint, _t, [floats(2, 3, 5)]),
    Case(nf.linalg.adjoint, _t, [ints(3, 5)]),
    Case(nf.linalg.cross, np.cross, [floats(2, 5, 3), floats(2, 5, 3)]),
    Case(nf.linalg.cross, np.cross, [ints(3), ints(3)]),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_solving(case: Case) -> None:
    check(case)


def test_large_triangles_are_cut_into_blocks() -> None:
    """More rows than one block, both triangles, and a 0 on the diagonal."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((131, 131)) / 131 + 3 * np.eye(131)
    b = rng.standard_normal((131, 7))
    for lower, kept in ((True, np.tril(a)), (False, np.triu(a))):
        got = nf.linalg.triangular_solve(a, b, lower=lower).numpy()
        np.testing.assert_allclose(got, np.linalg.solve(kept, b), atol=1e-12)
    assert not np.isfinite(nf.linalg.triangular_solve([[0.0]], [[1.0]]).numpy()).any()


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_equations(dtype: Any) -> None:
    """Values, and gradients by central differences of a real number."""
    rng = np.random.default_rng(0)
    shape = (2, 3, 3)
    a = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape) + 4 * np.eye(3)).astype(dtype)
    b = (rng.standard_normal((2, 3, 2)) + 1j * rng.standard_normal((2, 3, 2))).astype(dtype)
    tolerance = 1e-4 if dtype is np.complex64 else 1e-12
    got = nf.linalg.solve(a, b).numpy()
    np.testing.assert_allclose(a @ got, b, atol=tolerance)
    got = nf.linalg.solve(a, b, adjoint=True).numpy()
    np.testing.assert_allclose(np.conj(_t(a)) @ got, b, atol=tolerance)
    np.testing.assert_allclose(nf.linalg.adjoint(a).numpy(), np.conj(_t(a)))
    np.testing.assert_allclose(nf.linalg.inv(a).numpy() @ a, [np.eye(3)] * 2, atol=tolerance)
    np.testing.assert_allclose(nf.linalg.det(a).numpy(), np.linalg.det(a), rtol=1e-4)
    if dtype is np.complex64:
        return

    def total(a: Any) -> Any:
        x = nf.linalg.solve(a, b)
        return nf.reduce_sum(nf.abs(x) ** 2) + nf.reduce_sum(nf.abs(nf.linalg.det(a)) ** 2)

    tensor = nf.constant(a)
    with nf.GradientTape() as tape:
        tape.watch(tensor)
        y = total(tensor)
    gradient = tape.gradient(y, tensor).numpy()
    direction = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    step = 1e-6
    ends = [float(total(nf.constant(a + s * step * direction))) for s in (1, -1)]
    slope = np.sum(np.real(np.conj(gradient) * direction))
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / (2 * step), rtol=1e-6)


@pytest.mark.parametrize(
    ("run", "error", "words"),
    [
        (lambda: nf.linalg.inv([[1.0, 1.0], [1.0, 1.0]]), "InvalidArgumentError", "invertible"),
        (
            lambda: nf.linalg.solve([[0.0]], [[1.0]]),
            "InvalidArgumentError",
            "invertible",
        ),
        (lambda: nf.linalg.solve([[1.0]], [1.0]), "ShapeError", "rhs has rank 1"),
        (lambda: nf.linalg.solve(np.eye(2), np.eye(3)), "ShapeError", "2 rows, rhs has 3"),
        (lambda: nf.linalg.det(np.ones((2, 3))), "ShapeError", "square"),
        (lambda: nf.linalg.inv([[1]]), "DTypeError", "int32"),
        (
            lambda: nf.linalg.solve(np.eye(2), nf.constant(np.eye(2, dtype=np.float32))),
            "DTypeError",
            "float32",
        ),
        (lambda: nf.linalg.cross([1.0, 2.0], [1.0, 2.0]), "ShapeError", "shape"),
    ],
)
def test_bad_input(run: Any, error: str, words: str) -> None:
    for call in (run, nf.function(run)):
        with pytest.raises(getattr(nf.errors, error), match=words):
            call()
