"""Exponentials, logarithms, the error function and the gamma function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

import numflow as nf
from tests.contract import Case, check, floats, ids

SHAPES: list[tuple[int, ...]] = [(3, 5), (), (0, 5)]
FUNCTIONS: list[tuple[Any, Any, tuple[float, float], float]] = [
    (nf.math.expm1, np.expm1, (-2, 2), 1),
    (nf.math.log1p, np.log1p, (-0.5, 2), 1),
    (nf.math.erf, special.erf, (-2, 2), 1),
    (nf.math.erfc, special.erfc, (-2, 2), 1),
    (nf.math.erfinv, special.erfinv, (-0.9, 0.9), 100),
    (nf.math.lgamma, special.gammaln, (0.5, 5), 10),
    (nf.math.lgamma, special.gammaln, (-1.9, -1.1), 10),
    (nf.math.digamma, special.digamma, (0.5, 5), 10),
    (nf.math.digamma, special.digamma, (-0.9, -0.2), 100),
]
CASES = [
    Case(
        op,
        oracle,
        [floats(*s, low=low, high=high)],
        slack=slack,
        second=low > 0 or op.__name__ not in ("lgamma", "digamma"),
    )
    for op, oracle, (low, high), slack in FUNCTIONS
    for s in SHAPES
    if not (op is nf.math.digamma and low < 0)
] + [
    Case(
        nf.math.digamma,
        special.digamma,
        [floats(3, 5, low=-0.9, high=-0.2)],
        gradient=False,
        slack=10,
    )
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


def test_small_arguments_keep_their_digits() -> None:
    """expm1 and log1p of 1e-10 are 1e-10, not 0."""
    x = nf.constant([1e-10, -1e-10], nf.float64)
    np.testing.assert_allclose(nf.math.expm1(x), [1e-10, -1e-10], rtol=1e-9)
    np.testing.assert_allclose(nf.math.log1p(x), [1e-10, -1e-10], rtol=1e-9)


def test_edges() -> None:
    """Infinities, poles, and what is outside the domain."""
    np.testing.assert_array_equal(nf.math.erfinv([-1.0, 1.0, 2.0]), [-np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(nf.math.lgamma([0.0, -1.0, np.inf]), [np.inf, np.inf, np.inf])
    np.testing.assert_array_equal(nf.math.digamma([0.0, -1.0]), [np.nan, np.nan])
    np.testing.assert_array_equal(nf.math.log1p([-1.0, -2.0]), [-np.inf, np.nan])


def test_integers_are_refused() -> None:
    """The message names the op, what came, and the cast."""
    with pytest.raises(nf.errors.DTypeError) as e:
        nf.math.erf(nf.constant([1, 2]))
    assert str(e.value).splitlines()[:3] == [
        "erf: x is int32, not floating",
        "  x: int32 [2]",
        "  try: nf.cast(x, nf.float32)",
    ]
