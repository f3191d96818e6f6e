"""Mean and variance of columns, against NumPy in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numflow.kernels.cpu import moments
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

Array = np.ndarray[Any, np.dtype[Any]]
TOLERANCE = {"float32": 2e-6, "float64": 1e-14}


def guarded(values: Array) -> Array:
    """The same, ending at an unreadable page."""
    flat = Guarded((1, values.size), values.size, values.dtype).array
    flat[0] = values.ravel()
    return flat.reshape(values.shape)


def found(x: Array, parts: int = 5) -> tuple[Array, Array]:
    """Mean and variance by the kernels; units from the last one on."""
    outer, rows, columns = x.shape
    partial = guarded(np.full((outer, parts, 2, columns), np.nan, x.dtype))
    mean = guarded(np.full((outer, columns), np.nan, x.dtype))
    variance = guarded(np.full((outer, columns), np.nan, x.dtype))
    sizes = outer, rows, columns, parts, x.dtype.name
    for p, arrays in (
        (moments.plan_partial(*sizes), (x, partial)),
        (moments.plan_merge(*sizes), (partial, mean, variance)),
    ):
        ranges = [(i, min(i + p.chunk, p.units)) for i in reversed(range(0, p.units, p.chunk))]
        launch(p.address, p.words([a.ctypes.data for a in arrays]), ranges)
    return mean, variance


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape",
    [(1, 1, 1), (2, 3, 5), (1, 63, 17), (3, 64, 64), (1, 65, 67), (2, 129, 131), (1, 4099, 19),
     (1, 20011, 3), (2, 0, 3), (0, 5, 3), (2, 5, 0), (1, 127, 1031)],
    ids=str,
)  # fmt: skip
def test_sizes_around_the_blocks(shape: tuple[int, int, int], dtype: str) -> None:
    """Blocks, parts, vectors, tails; NaN of no rows."""
    x = guarded(np.random.default_rng(1).standard_normal(shape).astype(dtype))
    mean, variance = found(x, 1 + shape[1] % 7)
    wide = x.astype(np.float64)
    if shape[1] == 0:
        assert np.isnan(mean).all() and np.isnan(variance).all()
        return
    bound = TOLERANCE[dtype]
    np.testing.assert_allclose(mean, wide.mean(1), bound, bound)
    np.testing.assert_allclose(variance, wide.var(1), bound, bound)


def test_a_large_mean_costs_no_digits() -> None:
    """Squares of 10,000 have no room for a variance of 1 in float32."""
    x = (1e4 + np.random.default_rng(2).standard_normal((1, 50021, 3))).astype(np.float32)
    mean, variance = found(x)
    wide = x.astype(np.float64)
    np.testing.assert_allclose(mean, wide.mean(1), rtol=1e-6)
    np.testing.assert_allclose(variance, wide.var(1), rtol=1e-4)


def test_nan_and_infinities_stay_in_their_columns() -> None:
    """One column of each, one of numbers."""
    x = np.ones((1, 131, 3), np.float32)
    x[0, 7, 0], x[0, 7, 1] = np.nan, np.inf
    mean, variance = found(x)
    assert np.isnan(mean[0, 0]) and np.isposinf(mean[0, 1])
    assert np.isnan(variance[0, :2]).all() and (mean[0, 2], variance[0, 2]) == (1, 0)
