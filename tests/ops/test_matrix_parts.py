"""Diagonals, bands, traces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints


def _diag(k: int) -> Any:
    return lambda x: np.stack([np.diag(row, k) for row in x])


def _band(lower: int, upper: int) -> Any:
    def oracle(x: Any) -> Any:
        x = np.triu(x, -lower) if lower >= 0 else x
        return np.tril(x, upper) if upper >= 0 else x

    return oracle


def _set(x: Any, line: Any) -> Any:
    out = x.copy()
    for k in range(min(x.shape[-2:])):
        out[..., k, k] = line[..., k]
    return out


CASES = [
    *(
        Case(nf.linalg.tensor_diag, lambda x: np.diag(x.ravel()).reshape(x.shape * 2), [floats(*s)])
        for s in [(5,), (2, 3), (0,)]
    ),
    Case(nf.linalg.tensor_diag_part, np.diagonal, [floats(5, 5)]),
    Case(
        nf.linalg.tensor_diag_part,
        lambda x: np.diagonal(x.reshape(6, 6)).reshape(2, 3),
        [floats(2, 3, 2, 3)],
    ),
    *(Case(nf.linalg.diag, _diag(k), [floats(2, 3)], {"k": k}) for k in (0, 1, -2)),
    Case(nf.linalg.diag, np.diag, [ints(5)]),
    *(
        Case(
            nf.linalg.diag_part,
            lambda x, k=k: np.diagonal(x, k, -2, -1),
            [floats(2, 3, 5)],
            {"k": k},
        )
        for k in (0, 2, -1)
    ),
    Case(nf.linalg.diag_part, lambda x: np.diagonal(x, 0, -2, -1), [floats(7, 3)]),
    Case(nf.linalg.trace, lambda x: np.trace(x, axis1=-2, axis2=-1), [floats(2, 3, 5)]),
    *(
        Case(
            nf.linalg.band_part,
            _band(*band),
            [floats(2, 5, 7)],
            {"num_lower": band[0], "num_upper": band[1]},
        )
        for band in [(0, 0), (-1, 0), (1, -1), (2, 1)]
    ),
    Case(nf.linalg.set_diag, _set, [floats(2, 3, 5), floats(2, 3)]),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


def test_bad_arguments() -> None:
    """Ranks and diagonals that do not exist."""
    with pytest.raises(ValueError, match="trace: input has rank 1: matrices have 2 axes"):
        nf.linalg.trace([1.0])
    with pytest.raises(ValueError, match="diag_part: there is no diagonal 5"):
        nf.linalg.diag_part(nf.ones([2, 3]), k=5)
    with pytest.raises(ValueError, match="diag: diagonal 0 has not 2 elements"):
        nf.linalg.diag([1.0, 2.0], num_rows=3, num_cols=3)


def test_one_diagonal_is_wanted() -> None:
    """Bands of them are refused by name."""
    for op in (nf.linalg.diag, nf.linalg.diag_part):
        with pytest.raises(ValueError, match=f"{op.__name__}: k must be one number"):
            op(nf.ones([3, 5]), k=(0, 1))


def test_shapes_without_a_tensor_diagonal() -> None:
    """Scalars, halves that differ, odd ranks."""
    with pytest.raises(ValueError, match="tensor_diag: diagonal is a scalar"):
        nf.linalg.tensor_diag(1.0)
    for shape in ([], [3], [3, 5], [2, 3, 3, 2]):
        with pytest.raises(ValueError, match="tensor_diag_part: input must have an even number"):
            nf.linalg.tensor_diag_part(nf.ones(shape))
