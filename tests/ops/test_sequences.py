"""polyval, and whether numbers ascend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints


def cubic(c: Any, x: Any) -> Any:
    return nf.math.polyval([c, 2.0, -1.0, 0.5], x)


def _cubic(c: Any, x: Any) -> Any:
    return ((c * x + 2) * x - 1) * x + 0.5


CASES = [
    Case(cubic, _cubic, [floats(3, 1), floats(5)]),
    Case(cubic, _cubic, [floats(), floats(0, 5)]),
    Case(nf.math.is_non_decreasing, lambda x: bool(np.all(np.diff(x.ravel()) >= 0)), [ints(3, 5)]),
    Case(nf.math.is_strictly_increasing, lambda x: True, [floats(1)]),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


def test_short_polynomials() -> None:
    x = nf.constant([1.0, 2.0])
    assert nf.math.polyval([], x).numpy().tolist() == [0, 0]
    assert nf.math.polyval([3.0], x).numpy() == 3 and nf.math.polyval([1, 2, 3], 2).numpy() == 11
    for bad in (1.0, (1.0, 2.0)):
        with pytest.raises(ValueError, match="polyval: coeffs is a list of coefficients"):
            nf.math.polyval(bad, 2.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("x", "rising", "strictly"),
    [
        ([1, 2, 2], True, False),
        ([1, 2, 3], True, True),
        ([[1, 2], [2, 1]], False, False),
        ([], True, True),
        ([5], True, True),
        ([1.0, 2.0, np.nan], False, False),
    ],
)
def test_order(x: Any, rising: bool, strictly: bool) -> None:
    assert bool(nf.math.is_non_decreasing(x)) is rising
    assert bool(nf.math.is_strictly_increasing(x)) is strictly
    assert bool(nf.function(nf.math.is_strictly_increasing)(nf.constant(x))) is strictly


def test_no_order() -> None:
    for bad in (["a", "b"], [1j], [True, False]):
        with pytest.raises(nf.errors.DTypeError, match="not a real number"):
            nf.math.is_non_decreasing(bad)
