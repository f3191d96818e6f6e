"""Pools behind convolutions, in one kernel: the bits of the two kernels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from numflow.kernels.cpu import conv, conv_filter, depthwise, depthwise_pooled, pool, winograd
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.conv import Three, Window
from numflow.kernels.cpu.pool_behind import Behind
from tests.kernels.launch import launch
from tests.kernels.test_conv import guarded

Array = np.ndarray[Any, np.dtype[Any]]


def behind(
    s: Window, kind: str, kernel: int, stride: int, front: int = 0, dilation: int = 1
) -> Behind:
    """A pool of s's result; with padding, of all windows that begin in the image."""
    span = (kernel - 1) * dilation + 1
    flat = s.result[1] == s.image[1] == 1

    def places(n: int) -> int:
        return -(-(n + front) // stride) if front else max(0, (n - span) // stride + 1)

    def axes(value: int, fill: int) -> Three:
        return fill, fill if flat else value, value

    result = (1, 1 if flat else places(s.result[1]), places(s.result[2]))
    window = pool.Window(
        s.batch, s.result, s.columns, axes(kernel, 1), result, axes(stride, 1), axes(front, 0),
        axes(dilation, 1),
    )  # fmt: skip
    return Behind(kind, window)


def run(p: Call, operands: list[Array]) -> None:
    """In any order of the ranges."""
    words = p.words([a.ctypes.data for a in operands])
    ranges = [(i, min(i + p.chunk, p.units)) for i in reversed(range(0, p.units, p.chunk))]
    launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes)


def results(b: Behind, dtype: str) -> list[Array]:
    w = b.window
    shape = (w.batch, *w.result, w.channels)
    found = [guarded(np.full(shape, np.nan, dtype))]
    kind = np.uint8 if pool.place_bytes(w) == 1 else np.int32
    return found + [np.full(shape, 77, kind)] * (b.outputs - 1)


def separate(y: Array, b: Behind, dtype: str) -> list[Array]:
    """The pool's own kernel."""
    p = (
        pool.plan_mean(b.window, dtype)
        if b.kind == "mean"
        else pool.plan_max(b.window, dtype, places=b.kind == "places")
    )
    found = results(b, dtype)
    run(p, [y, *found])
    return found


def check(
    s: Window, b: Behind, dtype: str = "float32", *, residual: bool = False, threads: int = 2
) -> None:
    """One kernel against two, bit by bit."""
    rng = np.random.default_rng(3)
    x = guarded(rng.standard_normal((s.batch, *s.image, s.channels)).astype(dtype))
    f = guarded(rng.standard_normal((*s.kernel, s.channels // s.groups, s.columns)).astype(dtype))
    bias = guarded(rng.standard_normal(s.columns).astype(dtype))
    shape = (s.batch, *s.result, s.columns)
    more = [bias, guarded(rng.standard_normal(shape).astype(dtype))] if residual else [bias]
    y = guarded(np.full(shape, np.nan, dtype))
    options: dict[str, Any] = {"bias": True, "residual": residual, "activation": "relu"}
    run(conv.plan(s, dtype, threads=threads, **options), [x, f, y, *more])
    want = separate(y, b, dtype)
    found = results(b, dtype)
    run(conv.plan(s, dtype, threads=threads, behind=b, **options), [x, f, *found, *more])
    for got, wanted in zip(found, want, strict=True):
        np.testing.assert_array_equal(got, wanted, err_msg=f"{s} {b}")


def window(
    batch: int, image: tuple[int, int], channels: int, kernel: tuple[int, int], columns: int,
    padding: int = 0, stride: int = 1, groups: int = 1,
) -> Window:  # fmt: skip
    result = [(n + 2 * padding - k) // stride + 1 for n, k in zip(image, kernel, strict=True)]
    flat = image[0] == kernel[0] == 1
    if flat:
        result[0] = 1
    return Window(
        batch, (1, *image), channels, (1, *kernel), columns, (1, result[0], result[1]),
        (1, 1 if flat else stride, stride), (0, 0 if flat else padding, padding), (1, 1, 1), groups,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["max", "places", "mean"])
@pytest.mark.parametrize(
    ("kernel", "stride", "front"), [(2, 2, 0), (3, 2, 1), (3, 3, 0), (2, 3, 1)]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_windows(kind: str, kernel: int, stride: int, front: int, dtype: str) -> None:
    """With padding and without, overlapping and with gaps."""
    s = window(3, (13, 17), 3, (3, 5), 37, padding=2)
    check(s, behind(s, kind, kernel, stride, front), dtype)


@pytest.mark.parametrize("batch", [0, 1, 2, 11])
@pytest.mark.parametrize("image", [(1, 1), (1, 19), (23, 2), (5, 5), (40, 40)])
def test_sizes(batch: int, image: tuple[int, int]) -> None:
    for columns in (1, 16, 33):
        s = window(batch, image, 5, (1, 3), columns, padding=1)
        check(s, behind(s, "places", 2, 2), residual=columns == 16)
        check(s, behind(s, "places", 3, 2, 1), threads=5)


def test_strides_groups_and_dilated_windows() -> None:
    s = window(2, (29, 31), 6, (5, 5), 34, padding=2, stride=2, groups=2)
    check(s, behind(s, "places", 3, 2))
    check(s, behind(s, "mean", 2, 1, 0, 3))


@pytest.mark.parametrize("kind", ["max", "places", "mean"])
@pytest.mark.parametrize("columns", [1, 16, 33, 128])
def test_windows_of_one_pixel(kind: str, columns: int) -> None:
    """Tiles run over the pixels of several rows; the last stripe of a band is another one."""
    for channels in (0, 1, 7, 48):
        s = window(3, (27, 13), channels, (1, 1), columns)
        for b in (behind(s, kind, 2, 2), behind(s, kind, 3, 2, 1), behind(s, kind, 2, 3)):
            check(s, b, "float64" if columns == 33 else "float32", threads=3)
    s = window(1, (9, 1200), 6, (1, 1), 32, groups=2)
    check(s, behind(s, kind, 2, 2), residual=True)


def test_filters_that_leave_the_cache() -> None:
    """A band's rows are made together."""
    s = window(2, (9, 8), 130, (5, 5), 200, padding=2)
    check(s, behind(s, "places", 2, 2))


def test_rows_wider_than_a_cache() -> None:
    s = window(1, (9, 3001), 2, (3, 3), 96, padding=1)
    check(s, behind(s, "max", 3, 2, 1))
    assert math.prod(s.result) * 96 * 4 > 1 << 20


def check_winograd(
    s: Window, m: int, b: Behind, residual: bool = False, threads: int = 2,
    dtype: str = "float32",
) -> None:  # fmt: skip
    rng = np.random.default_rng(4)
    x = guarded(rng.standard_normal((s.batch, *s.image, s.channels)).astype(dtype))
    f = rng.standard_normal((*s.kernel, s.channels, s.columns)).astype(dtype)
    bias = guarded(rng.standard_normal(s.columns).astype(dtype))
    n, shape = (m + s.kernel[1] - 1) ** 2, (s.batch, *s.result, s.columns)
    u = guarded(np.zeros((n, s.channels, winograd.padded(s.columns)), dtype))
    run(winograd.plan_filter(m, s.kernel[1], s.channels, s.columns, dtype=dtype), [f, u])
    more = [bias]
    more += [guarded(rng.standard_normal(shape).astype(dtype))] * residual
    y = guarded(np.full(shape, np.nan, dtype))
    options: dict[str, Any] = {"bias": True, "residual": residual, "activation": "relu6"}
    run(winograd.plan(s, m, dtype, threads=threads, **options), [x, u, y, *more])
    want = separate(y, b, dtype)
    found = results(b, dtype)
    run(winograd.plan(s, m, dtype, threads=threads, behind=b, **options), [x, u, *found, *more])
    for got, wanted in zip(found, want, strict=True):
        np.testing.assert_array_equal(got, wanted, err_msg=f"{s} {b}")


@pytest.mark.parametrize(("m", "kernel"), winograd.FORMS)
@pytest.mark.parametrize("kind", ["max", "places", "mean"])
@pytest.mark.parametrize("pool_of", [(2, 2), (2, 3), (3, 3), (3, 2, 1)])
def test_winograd_whole_images(m: int, kernel: int, kind: str, pool_of: tuple[int, ...]) -> None:
    s = window(5, (9, 14), 17, (kernel, kernel), 34, padding=kernel // 2)
    dtype = "float64" if kind == "max" else "float32"
    check_winograd(s, m, behind(s, kind, *pool_of), residual=kind == "mean", dtype=dtype)


@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize(("image", "m"), [((61, 50), 4), ((40, 39), 2), ((1, 300), 4), ((3, 3), 4)])
@pytest.mark.parametrize("pool_of", [(2, 2), (1, 3), (3, 2, 1)])
def test_winograd_parts_of_images(
    batch: int, image: tuple[int, int], m: int, pool_of: tuple[int, ...]
) -> None:
    s = window(batch, image, 16, (3, 3), 40, padding=1)
    check_winograd(s, m, behind(s, "places", *pool_of), threads=3)


def test_winograd_of_nothing() -> None:
    """Windows that see padding only."""
    s = Window(2, (1, 1, 2), 16, (1, 3, 3), 16, (1, 0, 1), padding=(0, 0, 1))
    b = Behind("max", pool.Window(2, (1, 0, 1), 16, (1, 2, 2), (1, 1, 1), (1, 2, 2), (0, 1, 0)))
    check_winograd(s, 4, b)
    check(s, b)


@pytest.mark.parametrize("kind", ["max", "places", "mean"])
@pytest.mark.parametrize("pool_of", [(2, 2), (2, 3), (3, 3), (3, 2, 1), (2, 1, 0, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_depthwise(kind: str, pool_of: tuple[int, ...], dtype: str) -> None:
    """Stripes of one row and of many, of images and of parts of them."""
    rng = np.random.default_rng(7)
    for batch, image, channels, kernel, stride, threads in (
        (3, (13, 17), 37, 3, 1, 2),
        (1, (61, 5), 16, 5, 1, 4),
        (2, (9, 301), 130, 3, 2, 1),
        (0, (6, 7), 3, 3, 1, 2),
        (11, (1, 1), 1, 3, 1, 5),
        (1, (23, 1), 0, 3, 1, 2),
    ):
        s = window(batch, image, channels, (kernel, kernel), channels, kernel // 2, stride)
        b = behind(s, kind, *pool_of)
        sizes = depthwise.Sizes(
            batch, *image, channels, kernel, kernel, *s.result[1:], stride, stride,
            kernel // 2, kernel // 2,
        )  # fmt: skip
        x = guarded(rng.standard_normal((batch, *image, channels)).astype(dtype))
        f = guarded(rng.standard_normal((kernel, kernel, channels)).astype(dtype))
        bias = guarded(rng.standard_normal(channels).astype(dtype))
        y = guarded(np.full((batch, *s.result[1:], channels), np.nan, dtype))
        options: dict[str, Any] = {"bias": True, "activation": "relu6", "threads": threads}
        run(depthwise.plan(sizes, dtype, **options), [x, f, y, bias])
        want, found = separate(y, b, dtype), results(b, dtype)
        run(depthwise_pooled.plan(sizes, b, dtype, **options), [x, f, *found, bias])
        for got, wanted in zip(found, want, strict=True):
            np.testing.assert_array_equal(got, wanted, err_msg=f"{s} {b}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("parts", [1, 3, 16])
@pytest.mark.parametrize("pool_of", [(2, 2), (3, 2, 1), (2, 3), (3, 1)])
def test_gradients_that_are_spread(dtype: str, parts: int, pool_of: tuple[int, ...]) -> None:
    """By the filter: the rows that are read are made just before, bit by bit the same."""
    rng = np.random.default_rng(6)
    for s in (
        window(5, (13, 17), 3, (3, 5), 37, padding=2),
        window(2, (16, 40), 1, (5, 5), 32, padding=2),
        window(1, (1, 30), 4, (1, 3), 7),
        window(3, (19, 15), 6, (3, 3), 34, padding=1, stride=2, groups=2),
        window(0, (6, 7), 3, (3, 3), 5),
    ):
        b = behind(s, "places", *pool_of)
        x = guarded(rng.standard_normal((s.batch, *s.image, s.channels)).astype(dtype))
        y = rng.standard_normal((s.batch, *s.result, s.columns)).astype(dtype)
        _, place = separate(y, b, dtype)
        d = guarded(np.asarray(rng.standard_normal(place.shape), dtype))
        dy = guarded(np.full(y.shape, np.nan, dtype))
        run(pool.plan_spread(b.window, dtype), [d, place, dy])
        shape = (parts, *s.kernel, s.channels // s.groups, s.columns)
        want, found = (guarded(np.full(shape, np.nan, dtype)) for _ in range(2))
        run(conv_filter.plan(s, dtype, parts=parts), [x, dy, want])
        spread = conv_filter.plan(s, dtype, parts=parts, spread=b.window)
        run(spread, [x, d, place, found])
        np.testing.assert_array_equal(found, want, err_msg=f"{s} {b}")
