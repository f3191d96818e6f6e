"""Telling nan and infinities, and dividing without them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids

CASES = [
    *(
        Case(op, oracle, [floats(*s)])
        for op, oracle in [
            (nf.math.is_nan, np.isnan),
            (nf.math.is_inf, np.isinf),
            (nf.math.is_finite, np.isfinite),
        ]
        for s in [(3, 5), (), (0, 5)]
    ),
    *(
        Case(nf.math.reciprocal, lambda x: 1 / x, [floats(*s, low=0.5, high=2)])
        for s in [(3, 5), (), (0, 5)]
    ),
    Case(nf.math.reciprocal_no_nan, lambda x: 1 / x, [floats(3, 5, low=0.5, high=2)]),
    Case(nf.math.divide_no_nan, np.divide, [floats(3, 5), floats(5, low=0.5, high=2)]),
    Case(nf.math.multiply_no_nan, np.multiply, [floats(3, 5), floats(5, low=0.5, high=2)]),
    Case(
        nf.math.xlogy,
        lambda x, y: x * np.log(y),
        [floats(3, 5, low=0.5, high=2), floats(5, low=0.5, high=2)],
    ),
    Case(nf.math.xdivy, np.divide, [floats(3, 1, low=0.5, high=2), floats(5, low=0.5, high=2)]),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


ZERO = np.array([0.0, 2.0])
ODD = np.array([np.nan, 3.0])


@pytest.mark.parametrize(
    "op, x, y, want",
    [
        (nf.math.divide_no_nan, ODD, ZERO, [0.0, 1.5]),
        (nf.math.multiply_no_nan, ODD, ZERO, [0.0, 6.0]),
        (nf.math.xdivy, ZERO, np.array([0.0, 4.0]), [0.0, 0.5]),
        (nf.math.xlogy, ZERO, np.array([0.0, 1.0]), [0.0, 0.0]),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_zero_wins(op: Any, x: Any, y: Any, want: list[float]) -> None:
    """Value and gradients are numbers where the formula would be nan; eager and compiled."""
    for run in (op, nf.function(op)):
        a, b = nf.constant(x), nf.constant(y)
        with nf.GradientTape() as tape:
            tape.watch([a, b])
            z = run(a, b)
        np.testing.assert_array_equal(z, want)
        by_x, by_y = tape.gradient(z, [a, b])
        assert np.isfinite(by_x.numpy()[0])
        assert np.isfinite(by_y.numpy()[0]) or op is nf.math.multiply_no_nan  # there it is x


def test_kinds_are_told() -> None:
    """nan, both infinities, and numbers."""
    x = nf.constant([np.nan, np.inf, -np.inf, 1.0])
    for run in (lambda f: f, nf.function):
        assert run(nf.math.is_nan)(x).numpy().tolist() == [True, False, False, False]
        assert run(nf.math.is_inf)(x).numpy().tolist() == [False, True, True, False]
        assert run(nf.math.is_finite)(x).numpy().tolist() == [False, False, False, True]
