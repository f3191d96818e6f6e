"""Weighed sums of pixels, and copies of them, against NumPy in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numflow.kernels import abi
from numflow.kernels.cpu import memory
from numflow.kernels.cpu.resize import Table, plan_pick, plan_resize
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

CHANNELS = [1, 3, 4, 7, 16, 17, 37]


def table(size: int, out: int, most: int, rng: np.random.Generator) -> Table:
    """Ranges of 0 to `most` pixels anywhere within the axis."""
    counts = rng.integers(0, min(most, size) + 1, out)
    starts = rng.integers(0, size - counts + 1)
    weights = rng.uniform(-1, 1, (out, max(1, int(counts.max()))))
    weights[np.arange(weights.shape[1]) >= counts[:, None]] = np.nan  # never to be used
    return Table(starts, counts, weights)


def matrix(t: Table, size: int) -> Any:
    out = np.zeros((len(t.starts), size))
    for o, (start, count) in enumerate(zip(t.starts, t.counts, strict=True)):
        out[o, start : start + count] = t.weights[o, :count]
    return out


def _run(p: Any, a: Guarded, b: Guarded) -> None:
    words = p.words([a.address, b.address])
    ranges = [(i, min(i + p.chunk, p.units)) for i in range(0, p.units, p.chunk)][::-1]
    assert launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes) == abi.NO_ERROR


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("most", [1, 2, 5])
def test_sums_of_rows_and_columns(dtype: str, channels: int, most: int) -> None:
    """Every number of taps, lines shorter than a vector and longer, nothing touched outside."""
    rng = np.random.default_rng(channels * 10 + most)
    for n, h, w, oh, ow, threads in [
        (2, 5, 7, 11, 3, 1),
        (1, 1, 1, 2, 5, 2),
        (3, 13, 23, 7, 29, 2),
    ]:
        rows, columns = table(h, oh, most, rng), table(w, ow, most, rng)
        if most == 2:
            rows.counts[:1] = 0  # a row of nothing is 0
        a = Guarded((1, n * h * w * channels), n * h * w * channels, dtype)
        b = Guarded((1, n * oh * ow * channels), n * oh * ow * channels, dtype)
        x = a.array.reshape(n, h, w, channels)
        x[...] = rng.uniform(-2, 2, x.shape)
        _run(plan_resize(n, h, w, channels, rows, columns, dtype, threads=threads), a, b)
        want = np.einsum("ri,cj,nijk->nrck", matrix(rows, h), matrix(columns, w), x.astype(float))
        tolerance = 1e-5 if dtype == "float32" else 1e-13
        np.testing.assert_allclose(b.array.reshape(want.shape), want, tolerance, tolerance * 10)
        assert a.untouched() and b.untouched()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("channels", [16, 32, 37])
def test_large_results_go_past_the_caches(
    monkeypatch: pytest.MonkeyPatch, channels: int, dtype: str
) -> None:
    """Where they are whole lines."""
    monkeypatch.setattr(memory, "PAST", 0)
    test_sums_of_rows_and_columns(dtype, channels, 2)


def test_the_cut_does_not_change_the_bits() -> None:
    """Plans for one and for many threads."""
    rng = np.random.default_rng(0)
    rows, columns = table(13, 31, 4, rng), table(11, 7, 3, rng)
    x = rng.uniform(-1, 1, (5, 13, 11, 3)).astype(np.float32)
    found = []
    for threads in (1, 64):
        out = np.empty((5, 31, 7, 3), np.float32)
        p = plan_resize(5, 13, 11, 3, rows, columns, "float32", threads=threads)
        words = p.words([x.ctypes.data, out.ctypes.data])
        ranges = [(i, min(i + p.chunk, p.units)) for i in range(0, p.units, p.chunk)]
        launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes)
        found.append(out)
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("pixel", [1, 2, 3, 4, 8, 12, 16, 20, 64, 65, 148])
def test_picked_pixels(pixel: int) -> None:
    """Pixels of any number of bytes, rows that repeat."""
    rng = np.random.default_rng(pixel)
    n, h, w = 3, 5, 7
    rows, columns = np.sort(rng.integers(0, h, 11)), rng.integers(0, w, 13)
    a = Guarded((1, n * h * w * pixel), n * h * w * pixel, np.uint8, fill=0)
    b = Guarded((1, n * 11 * 13 * pixel), n * 11 * 13 * pixel, np.uint8, fill=0)
    x = a.array.reshape(n, h, w, pixel)
    x[...] = rng.integers(0, 256, x.shape)
    _run(plan_pick(n, h, w, pixel, rows, columns), a, b)
    got = b.array.reshape(n, 11, 13, pixel)
    np.testing.assert_array_equal(got, x[:, rows[:, None], columns[None]])
    assert a.untouched() and b.untouched()


def test_tables_that_leave_the_image_are_refused() -> None:
    """Before anything is read."""
    good = Table(np.array([0]), np.array([1]), np.ones((1, 1)))
    far = Table(np.array([2]), np.array([2]), np.ones((1, 2)))
    with pytest.raises(ValueError, match="beyond its axis"):
        plan_resize(1, 3, 3, 1, far, good, "float32")
    with pytest.raises(ValueError, match="beyond the image"):
        plan_pick(1, 3, 3, 4, np.array([0]), np.array([3]))


def test_nothing_is_done_for_empty_images() -> None:
    """No image, or none of its channels."""
    none = Table(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 1)))
    assert plan_resize(0, 3, 3, 1, none, none, "float32").units == 0
    assert plan_pick(2, 3, 3, 0, none.starts, none.starts).units == 0
