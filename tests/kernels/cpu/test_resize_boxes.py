"""Pixels between pixels, and their gradient, one after the other in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numflow.kernels import abi
from numflow.kernels.cpu.resize_boxes import plan_crop, plan_spread
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

BOXES, ROWS, COLUMNS = 5, 3, 7


def _tables(image: tuple[int, ...], dtype: str, seed: int) -> list[Any]:
    """which, r0, r1, rp, c0, c1, cp: some of them outside."""
    rng = np.random.default_rng(seed)

    def places(size: int, count: int) -> Any:
        low = rng.integers(-1, size, (BOXES, count))
        return low, np.minimum(low + rng.integers(0, 2, low.shape), size - 1)

    def shares(count: int) -> Any:
        return rng.uniform(0, 1, (BOXES, count)).astype(dtype)

    rows, columns = places(image[1], ROWS), places(image[2], COLUMNS)
    which = rng.integers(0, image[0], BOXES)
    return [which, *rows, shares(ROWS), *columns, shares(COLUMNS)]


def _pixels(tables: list[Any], n: int, r: int, c: int) -> list[tuple[int, int, float]]:
    """(row, column, weight) of the four around; none if outside."""
    _, r0, r1, rp, c0, c1, cp = tables
    i, j, p, q = (r0[n, r], r1[n, r]), (c0[n, c], c1[n, c]), float(rp[n, r]), float(cp[n, c])
    if min(*i, *j) < 0:
        return []
    return [
        (a, b, v * u)
        for a, v in zip(i, (1 - p, p), strict=True)
        for b, u in zip(j, (1 - q, q), strict=True)
    ]


def _run(p: Any, operands: list[Any]) -> int:
    words = p.words([o.ctypes.data for o in operands])
    ranges = [(i, min(i + p.chunk, p.units)) for i in range(0, p.units, p.chunk)][::-1]
    return launch(p.address, words, ranges)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("channels", [1, 3, 16, 17, 67])
def test_crops_and_their_gradients(dtype: str, channels: int) -> None:
    """Whole vectors and tails; nothing touched outside."""
    image = (3, 5, 4, channels)
    size, crops = int(np.prod(image)), BOXES * ROWS * COLUMNS * channels
    a, b = Guarded((1, size), size, dtype), Guarded((1, crops), crops, dtype)
    x, y = a.array.reshape(image), b.array.reshape(BOXES, ROWS, COLUMNS, channels)
    x[...] = np.random.default_rng(1).uniform(-1, 1, image)
    tables = _tables(image, dtype, channels)
    p = plan_crop(image, BOXES, ROWS, COLUMNS, dtype, -1.5)
    assert _run(p, [x, *tables, y]) == abi.NO_ERROR
    want = np.full(y.shape, -1.5)
    slope = np.zeros(image)
    for n, r, c in np.ndindex(BOXES, ROWS, COLUMNS):
        around = _pixels(tables, n, r, c)
        if around:
            want[n, r, c] = sum(w * x[tables[0][n], i, j].astype(float) for i, j, w in around)
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(y, want, tolerance, tolerance)
    assert a.untouched() and b.untouched()
    for n, r, c in np.ndindex(BOXES, ROWS, COLUMNS):
        for i, j, w in _pixels(tables, n, r, c):
            slope[tables[0][n], i, j] += w * y[n, r, c].astype(float)
    for threads in (1, 8):
        x[...] = np.nan
        p = plan_spread(image, BOXES, ROWS, COLUMNS, dtype, threads=threads)
        assert _run(p, [y, *tables, x]) == abi.NO_ERROR
        np.testing.assert_allclose(x, slope, tolerance, 10 * tolerance)
        assert a.untouched() and b.untouched()


def test_images_that_there_are_not_are_refused() -> None:
    """The first such box is reported, and no memory but the result's is touched."""
    image = (3, 5, 4, 6)
    x, y = np.ones(image, np.float32), np.ones((BOXES, ROWS, COLUMNS, 6), np.float32)
    tables = _tables(image, "float32", 0)
    tables[0][3:] = 3, -(2**62)
    assert _run(plan_crop(image, BOXES, ROWS, COLUMNS, "float32", 0.0), [x, *tables, y]) == 3
    assert (y[3:] == 0).all()
    p = plan_spread(image, BOXES, ROWS, COLUMNS, "float32", threads=2)
    assert _run(p, [y, *tables, x]) == 3


def test_places_that_there_are_not_are_outside() -> None:
    """Whatever the tables say."""
    image = (1, 5, 4, 6)
    x, y = np.ones(image, np.float32), np.ones((BOXES, ROWS, COLUMNS, 6), np.float32)
    tables = _tables(image, "float32", 0)
    tables[1][...], tables[5][...] = 5, 2**40
    assert _run(plan_crop(image, BOXES, ROWS, COLUMNS, "float32", 7.0), [x, *tables, y]) == (
        abi.NO_ERROR
    )
    assert (y == 7).all()
