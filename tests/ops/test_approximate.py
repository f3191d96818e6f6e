"""The largest and smallest along any axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids


def largest(x: Any, k: int, axis: int) -> Any:
    return nf.math.approx_max_k(x, k, axis)


def smallest(x: Any, k: int, axis: int) -> Any:
    return nf.math.approx_min_k(x, k, reduction_dimension=axis, recall_target=0.5)


def _chosen(x: Any, k: int, axis: int, sign: int) -> Any:
    order = np.argsort(sign * x, axis, kind="stable").take(range(k), axis)
    return [np.take_along_axis(x, order, axis), order]


CASES = [
    Case(
        op,
        lambda x, k=k, axis=axis, sign=sign: _chosen(x, k, axis, sign),
        [floats(3, 5, 2)],
        {"k": k, "axis": axis},
        dtypes=(nf.float32, nf.float64),
        second=False,
    )
    for op, sign in ((largest, -1), (smallest, 1))
    for k, axis in [(2, 1), (1, 0), (2, -1), (0, 1)]
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_op(case: Case) -> None:
    check(case)


def test_bad_arguments() -> None:
    with pytest.raises(nf.errors.DTypeError, match="operand is int32; it takes floats"):
        nf.math.approx_max_k([1, 2], 1)
    with pytest.raises(nf.errors.InvalidArgumentError, match="top_k"):
        nf.math.approx_max_k([1.0, 2.0], 3)
    with pytest.raises(ValueError, match=r"recall_target is 0\.0"):
        nf.math.approx_min_k([1.0, 2.0], 1, recall_target=0.0)
    with pytest.raises(ValueError, match="axis"):
        nf.math.approx_min_k([1.0, 2.0], 1, 1)
