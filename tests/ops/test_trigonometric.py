"""Trigonometric and hyperbolic functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids

SHAPES: list[tuple[int, ...]] = [(3, 5), (), (0, 5)]
FUNCTIONS: list[tuple[Any, Any, tuple[float, float]]] = [
    (nf.sin, np.sin, (-4, 4)),
    (nf.cos, np.cos, (-4, 4)),
    (nf.tan, np.tan, (-1, 1)),
    (nf.asin, np.arcsin, (-0.8, 0.8)),
    (nf.acos, np.arccos, (-0.8, 0.8)),
    (nf.atan, np.arctan, (-4, 4)),
    (nf.sinh, np.sinh, (-2, 2)),
    (nf.cosh, np.cosh, (-2, 2)),
    (nf.asinh, np.arcsinh, (-4, 4)),
    (nf.acosh, np.arccosh, (1.5, 4)),
    (nf.atanh, np.arctanh, (-0.8, 0.8)),
]
CASES = [
    *(
        Case(op, oracle, [floats(*s, low=low, high=high)])
        for op, oracle, (low, high) in FUNCTIONS
        for s in SHAPES
    ),
    Case(nf.atan2, np.arctan2, [floats(3, 5), floats(3, 5, low=0.5, high=2)]),
    Case(nf.atan2, np.arctan2, [floats(3, 1), floats(1, 7, low=0.5, high=2)]),
    Case(nf.atan2, np.arctan2, [floats(3, 5), floats(3, 5, low=-2, high=-0.5)], gradient=False),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@pytest.mark.parametrize(
    "op, oracle", [(nf.sinh, np.sinh), (nf.cosh, np.cosh), (nf.asinh, np.arcsinh)]
)
def test_large_arguments(op: Any, oracle: Any) -> None:
    """Compiled code neither overflows early nor loses the sign."""
    x = np.array([-89.0, -30.0, -1e-20, 1e-20, 30.0, 89.0, 1e20], np.float32)
    with np.errstate(over="ignore"):
        want = oracle(x.astype(np.float64)).astype(np.float32)
    np.testing.assert_allclose(nf.function(op)(nf.constant(x)), want, rtol=2e-5)


def test_the_gradient_of_acosh_is_nan_where_acosh_is() -> None:
    x = nf.constant([-2.0, 0.5, 2.0])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = nf.acosh(x)
    np.testing.assert_allclose(tape.gradient(y, x), [np.nan, np.nan, 3**-0.5], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_atan2_where_sums_overflow(dtype: Any) -> None:
    """Compiled: the largest numbers, infinities beside them, and the smallest ones."""
    most, least = np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal
    numbers = np.array([most, 0.6 * most, np.inf, 1.0, least, 0.0], dtype)
    y, x = (a.ravel() for a in np.meshgrid(numbers, np.concatenate([numbers, -numbers])))
    got = nf.function(nf.math.atan2)(y, x)
    tolerance = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(got, np.arctan2(y, x), rtol=tolerance)
