"""Pooling kernels against NumPy in float64, on arrays that end at an unreadable page."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numflow.kernels.cpu import memory, pool
from numflow.kernels.cpu.pool import Window
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

Array = np.ndarray[Any, np.dtype[Any]]
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}


def guarded(values: Array) -> Array:
    """The same, ending at an unreadable page."""
    fill = 0 if values.dtype.kind in "iu" else np.nan
    flat = Guarded((1, values.size), values.size, values.dtype, fill).array
    flat[0] = values.ravel()
    return flat.reshape(values.shape)


def run(p: Any, *arrays: Array) -> None:
    """Every unit, the last ones first."""
    words = p.words([a.ctypes.data for a in arrays])
    ranges = [(i, min(i + p.chunk, p.units)) for i in reversed(range(0, p.units, p.chunk))]
    launch(p.address, words, ranges)


class Taps:
    """Which pixel each tap of each window is over: at[tap][place of the result] or None."""

    def __init__(self, s: Window) -> None:
        self.s = s
        self.taps = list(itertools.product(*map(range, s.kernel)))
        self.windows = list(itertools.product(*map(range, s.result)))

    def pixel(self, window: tuple[int, ...], tap: tuple[int, ...]) -> tuple[int, ...] | None:
        s = self.s
        at = tuple(
            o * st - p + t * d
            for o, st, p, t, d in zip(window, s.strides, s.padding, tap, s.dilations, strict=True)
        )
        inside = all(0 <= i < n for i, n in zip(at, s.image, strict=True))
        return at if inside else None


def reference(s: Window, x: Array) -> tuple[Array, Array, Array]:
    """(largest, its tap, mean) of every window."""
    taps = Taps(s)
    shape = (s.batch, *s.result, s.channels)
    most = np.full(shape, -np.inf)
    place = np.zeros(shape, np.int64)
    mean = np.zeros(shape)
    for w in taps.windows:
        seen = [(k, taps.pixel(w, t)) for k, t in enumerate(taps.taps)]
        inside = [(k, at) for k, at in seen if at is not None]
        at_w: Any = (slice(None), *w)
        if inside:
            place[at_w] = inside[0][0]
        for k, at in inside:
            there: Any = (slice(None), *at)
            v = x[there].astype(np.float64)
            larger = v > most[at_w]
            place[at_w] = np.where(larger, k, place[at_w])
            most[at_w] = np.where(larger, v, most[at_w])
            mean[at_w] += v / len(inside)
    return most, place, mean


def check(s: Window, dtype: str = "float32") -> None:
    """All five kernels."""
    rng = np.random.default_rng(3)
    shape = (s.batch, *s.result, s.channels)
    x = guarded(rng.integers(-4, 5, (s.batch, *s.image, s.channels)).astype(dtype))
    dy = guarded(rng.standard_normal(shape).astype(dtype))
    kind = np.uint8 if pool.place_bytes(s) == 1 else np.int32
    y, place = guarded(np.full(shape, np.nan, dtype)), guarded(np.zeros(shape, kind))
    want, want_place, want_mean = reference(s, x)
    close: dict[str, Any] = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype], "err_msg": str(s)}
    run(pool.plan_max(s, dtype, places=True), x, y, place)
    np.testing.assert_array_equal(y, want, str(s))
    seen = want > -np.inf
    np.testing.assert_array_equal(place[seen], want_place[seen], str(s))
    y[...] = np.nan
    run(pool.plan_max(s, dtype), x, y)
    np.testing.assert_array_equal(y, want, str(s))
    run(pool.plan_mean(s, dtype), x, y)
    np.testing.assert_allclose(y, want_mean, **close)

    taps = Taps(s)
    picked = np.zeros(shape)
    spread, total = np.zeros(x.shape), np.zeros(x.shape)
    for w in taps.windows:
        for k, t in enumerate(taps.taps):
            at = taps.pixel(w, t)
            if at is not None:
                here: Any = (slice(None), *w)
                there: Any = (slice(None), *at)
                hit = place[here] == k
                picked[here] = np.where(hit, x[there], picked[here])
                spread[there] += np.where(hit, dy[here], 0)
                total[there] += dy[here]
    run(pool.plan_pick(s, dtype), x, place, y)
    np.testing.assert_array_equal(y, picked, str(s))
    dx = guarded(np.full(x.shape, np.nan, dtype))
    run(pool.plan_spread(s, dtype), dy, place, dx)
    np.testing.assert_allclose(dx, spread, **close)
    dx[...] = np.nan
    run(pool.plan_spread_sum(s, dtype, scale=0.5), dy, dx)
    np.testing.assert_allclose(dx, total / 2, **close)


CHANNELS = (1, 3, 17, 32, 67)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_channels_around_the_vectors(channels: int, dtype: str) -> None:
    """Blocks of vectors, single ones, tails."""
    check(Window(2, (1, 5, 7), channels, (1, 3, 2), (1, 3, 4), (1, 2, 2), (0, 1, 0)), dtype)


@pytest.mark.parametrize("channels", [16, 33, 48, 64])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_images(monkeypatch: pytest.MonkeyPatch, channels: int, dtype: str) -> None:
    """What is read next is fetched, what is written goes past the caches where it is whole lines:
    of results that begin with a line, and of others."""
    monkeypatch.setattr(memory, "PAST", 0)
    monkeypatch.setattr(memory, "FETCHED", 0)
    check(Window(2, (1, 6, 8), channels, (1, 2, 2), (1, 3, 4), (1, 2, 2)), dtype)
    check(Window(2, (1, 7, 5), channels, (1, 3, 3), (1, 4, 3), (1, 2, 2), (0, 1, 1)), dtype)
    check(Window(1, (3, 4, 6), channels, (2, 2, 2), (1, 2, 3), (2, 2, 2)), dtype)


def test_windows_of_many_taps() -> None:
    """Places of four bytes."""
    check(Window(1, (2, 17, 19), 5, (2, 17, 19), (1, 1, 1)))
    check(Window(1, (1, 17, 19), 67, (1, 17, 17), (1, 1, 3)), "float64")


def test_windows_that_see_nothing() -> None:
    """The largest of nothing is -inf, its mean 0; nothing flows back."""
    check(Window(1, (1, 1, 2), 3, (1, 2, 1), (1, 1, 2), (1, 1, 1), (0, 1, 0), (1, 2, 1)))


def test_pixels_under_no_window() -> None:
    """Strides longer than the window; windows that end before the image does."""
    check(Window(1, (3, 7, 11), 4, (1, 2, 1), (1, 2, 3), (2, 4, 4)))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_window(data: st.DataObject) -> None:
    """Strides, dilations, padding and sizes of three axes as they come."""

    def three(least: int, most: int) -> tuple[int, int, int]:
        a, b, c = (data.draw(st.integers(least, most)) for _ in range(3))
        return a, b, c

    kernel, strides, dilations = three(1, 3), three(1, 3), three(1, 3)
    padding, result = three(0, 2), three(1, 3)
    image = three(1, 7)
    check(
        Window(
            data.draw(st.integers(0, 2)), image, data.draw(st.sampled_from([1, 5, 19])), kernel,
            result, strides, padding, dilations,
        ),
        data.draw(st.sampled_from(["float32", "float64"])),
    )  # fmt: skip


def test_nan_is_passed_over() -> None:
    """A NaN is not larger than anything, as in TensorFlow."""
    s = Window(1, (1, 1, 4), 2, (1, 1, 2), (1, 1, 2), (1, 1, 2))
    x = np.array([np.nan, 1, 2, np.nan], np.float32).repeat(2)
    y, place = np.zeros(4, np.float32), np.zeros(4, np.uint8)
    run(pool.plan_max(s, "float32", places=True), x, y, place)
    assert y.tolist() == [1, 1, 2, 2] and place.tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("channels", [1, 16, 37])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_squares(channels: int, dtype: str) -> None:
    """Windows of 2 x 2, some beside the image: NaN, -inf and equal elements, the first of which
    counts; and those that see nothing but NaN."""
    rng = np.random.default_rng(7)
    x = rng.integers(0, 3, (3, 6, 9, channels)).astype(dtype)
    x[rng.random(x.shape) < 0.3] = np.nan
    x[rng.random(x.shape) < 0.2] = -np.inf
    for front, places in ((0, (3, 4)), (1, (4, 5))):
        s = Window(
            3, (1, 6, 9), channels, (1, 2, 2), (1, *places), (1, 2, 2), (0, front, front)
        )  # fmt: skip
        shape = (3, *places, channels)
        wide = np.full((3, 6 + 2 * front, 10 + front, channels), np.nan, dtype)
        wide[:, front : front + 6, front : front + 9] = x
        want, tap = np.full(shape, -np.inf, dtype), np.full(shape, -1)
        for k, (i, j) in enumerate(np.ndindex(2, 2)):
            part = wide[:, i::2, j::2][:, : places[0], : places[1]]
            tap[part > want] = k
            want = np.where(part > want, part, want)
        y, place, alone = np.zeros(shape, dtype), np.zeros(shape, np.uint8), np.zeros(shape, dtype)
        run(pool.plan_max(s, dtype, places=True), x, y, place)
        run(pool.plan_max(s, dtype), x, alone)
        np.testing.assert_array_equal(y, want)
        np.testing.assert_array_equal(alone, want)
        np.testing.assert_array_equal(place[tap >= 0], tap[tap >= 0])
