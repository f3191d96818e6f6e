"""Depthwise convolutions and their gradients against NumPy in float64."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest

from numflow.kernels.cpu import memory
from numflow.kernels.cpu.depthwise import Sizes, plan, plan_filter, plan_image
from tests.kernels.launch import launch
from tests.kernels.test_conv import guarded

Array = np.ndarray[Any, np.dtype[Any]]
TOLERANCE = {"float32": 5e-6, "float64": 1e-14}


def places(s: Sizes) -> Any:
    """(tap, the pixels of the widely padded image that it is over)."""
    for h, w in itertools.product(range(s.kernel_rows), range(s.kernel_columns)):
        top, left = h * s.row_dilation, w * s.column_dilation
        rows = slice(top, top + (s.result_rows - 1) * s.row_stride + 1, s.row_stride)
        columns = slice(left, left + (s.result_columns - 1) * s.column_stride + 1, s.column_stride)
        yield (h, w), rows, columns


def wide(s: Sizes, x: Array | None = None) -> tuple[Array, Array]:
    """(the image between enough zeros, a view of the image in it)."""
    more = (
        s.result_rows * s.row_stride + s.kernel_rows * s.row_dilation,
        s.result_columns * s.column_stride + s.kernel_columns * s.column_dilation,
    )
    out = np.zeros((s.batch, s.rows + s.top + more[0], s.columns + s.left + more[1], s.channels))
    inside = out[:, s.top : s.top + s.rows, s.left : s.left + s.columns]
    if x is not None:
        inside[...] = x
    return out, inside


def run(p: Any, *arrays: Array) -> None:
    """All units, from behind."""
    words = p.words([a.ctypes.data for a in arrays])
    ranges = [(i, min(i + p.chunk, p.units)) for i in reversed(range(0, p.units, p.chunk))]
    launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes)


def check(
    s: Sizes, dtype: str = "float32", bias: bool = False, activation: str = "", threads: int = 2
) -> list[Array]:
    """y, dx and df of the kernels, compared."""
    rng = np.random.default_rng(5)
    kernel = (s.kernel_rows, s.kernel_columns)
    x = guarded(rng.standard_normal((s.batch, s.rows, s.columns, s.channels)).astype(dtype))
    f = guarded(rng.standard_normal((*kernel, s.channels)).astype(dtype))
    b = guarded(rng.standard_normal(s.channels).astype(dtype))
    shape = (s.batch, s.result_rows, s.result_columns, s.channels)
    y, dy = (
        guarded(np.full(shape, np.nan, dtype)),
        guarded(rng.standard_normal(shape).astype(dtype)),
    )
    dx, df = guarded(np.full_like(x, np.nan)), guarded(np.full((3, *f.shape), np.nan, dtype))
    forward = plan(s, dtype, bias=bias, activation=activation, threads=threads)
    run(forward, *((x, f, y, b) if bias else (x, f, y)))
    run(plan_image(s, dtype, threads=threads), dy, f, dx)
    run(plan_filter(s, dtype, parts=3, threads=threads), x, dy, df)

    padded, _ = wide(s, x)
    sums, inside = wide(s)
    want, want_df = np.zeros(shape), np.zeros(f.shape)
    for place, rows, columns in places(s):
        if 0 in shape:
            continue
        want += padded[:, rows, columns] * f[place].astype(np.float64)
        sums[:, rows, columns] += dy * f[place].astype(np.float64)
        want_df[place] = np.einsum("nijc,nijc->c", padded[:, rows, columns], dy.astype(np.float64))
    want += b if bias else 0
    if activation:
        want = np.clip(want, 0, 6 if activation == "relu6" else None)
    taps = 1 + np.prod(kernel) ** 0.5
    pixels = 1 + (s.batch * s.result_rows * s.result_columns) ** 0.5
    for got, wanted, depth in ((y, want, taps), (dx, inside, taps), (df.sum(0), want_df, pixels)):
        bound = TOLERANCE[dtype] * depth
        np.testing.assert_allclose(got, wanted, rtol=bound, atol=bound, err_msg=str(s))
    return [y, dx, df]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["", "relu", "relu6"])
@pytest.mark.parametrize(
    "s",
    [
        Sizes(2, 7, 23, 32, 3, 3, 7, 23, top=1, left=1),
        Sizes(1, 11, 31, 80, 3, 3, 6, 16, 2, 2, 1, 1),
        Sizes(1, 5, 29, 33, 4, 5, 7, 29, top=3, left=2),
    ],
)
def test_large_images(
    monkeypatch: pytest.MonkeyPatch, s: Sizes, activation: str, dtype: str
) -> None:
    """What is read next is fetched, what is written goes past the caches where it is whole lines;
    also in results that do not begin with a line."""
    monkeypatch.setattr(memory, "PAST", 0)
    monkeypatch.setattr(memory, "FETCHED", 0)
    check(s, dtype, activation=activation)
    x = np.random.default_rng(0).standard_normal((s.batch, s.rows, s.columns, s.channels))
    f, x = np.ones((s.kernel_rows, s.kernel_columns, s.channels), dtype), x.astype(dtype)
    raw = np.zeros(s.batch * s.result_rows * s.result_columns * s.channels + 48, dtype)
    start = -raw.ctypes.data % 64 // raw.itemsize
    shape = (s.batch, s.result_rows, s.result_columns, s.channels)
    found = []
    for skip in (start, start + 1):
        y = raw[skip : skip + np.prod(shape)].reshape(shape)
        run(plan(s, dtype), x, f, y)
        found.append(y.copy())
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "s",
    [
        Sizes(2, 7, 9, 3, 3, 3, 7, 9, top=1, left=1),
        Sizes(2, 7, 23, 37, 3, 3, 7, 23, top=1, left=1),
        Sizes(1, 11, 31, 64, 3, 3, 6, 16, 2, 2, 1, 1),
        Sizes(1, 11, 31, 16, 3, 3, 5, 15, 2, 2),
        Sizes(2, 9, 13, 19, 5, 4, 9, 13, top=2, left=1),
        Sizes(2, 9, 13, 19, 3, 3, 9, 13, 1, 1, 2, 2, 2, 2),
        Sizes(3, 2, 2, 33, 5, 5, 2, 2, top=2, left=2),
        Sizes(1, 1, 40, 16, 1, 7, 1, 34),
        Sizes(1, 5, 5, 17, 1, 1, 3, 3, 2, 2),
        Sizes(1, 8, 8, 17, 2, 2, 3, 3, 3, 3),
        Sizes(0, 5, 5, 17, 3, 3, 3, 3),
        Sizes(2, 5, 5, 0, 3, 3, 3, 3),
        Sizes(2, 0, 5, 4, 3, 3, 0, 3),
        Sizes(1, 3, 3, 1, 3, 3, 3, 3, top=1, left=1),
        Sizes(2, 4, 4, 8, 3, 3, 9, 9, top=5, left=4),
    ],
)  # fmt: skip
def test_sizes(s: Sizes, dtype: str) -> None:
    check(s, dtype, bias=True)
    check(s, dtype, threads=3)


def test_lists_of_huge_windows_stay_small() -> None:
    s = Sizes(4, 900, 900, 1, 901, 901, 900, 900, top=450, left=450)
    assert plan(s).workspace_bytes < 1 << 27
    assert plan_image(s, threads=16).workspace_bytes < 1 << 27


def test_relu_and_bias() -> None:
    s = Sizes(2, 7, 23, 37, 3, 3, 7, 23, top=1, left=1)
    for function in ("relu", "relu6"):
        check(s, bias=True, activation=function)
        check(s._replace(channels=3), bias=True, activation=function)


def test_relu_keeps_nan() -> None:
    s = Sizes(1, 1, 9, 16, 1, 1, 1, 9)
    x, f = np.full((1, 1, 9, 16), np.nan, np.float32), np.ones((1, 1, 16), np.float32)
    y = np.zeros_like(x)
    run(plan(s, activation="relu"), x, f, y)
    assert np.isnan(y).all()


def test_threads_do_not_change_the_bits() -> None:
    s = Sizes(3, 19, 17, 40, 3, 3, 19, 17, top=1, left=1)
    first = check(s, threads=1)
    for other in (2, 7):
        for a, b in zip(first, check(s, threads=other), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("seed", range(40))
def test_drawn_windows(seed: int) -> None:
    """Strides, padding, dilation: everything at once."""
    draw = random.Random(seed)

    def axis() -> tuple[int, int, int, int, int, int]:
        kernel, stride, dilation = (draw.randint(1, n) for n in (5, 3, 3))
        reach = (kernel - 1) * dilation + 1
        before, behind = draw.randint(0, reach), draw.randint(0, reach)
        image = max(1, reach - before - behind) + draw.randint(0, 19)
        result = (image + before + behind - reach) // stride + 1
        return image, kernel, result, stride, before, dilation

    h, kh, oh, sh, top, dh = axis()
    w, kw, ow, sw, left, dw = axis()
    channels = draw.choice([1, 2, 5, 8, 16, 23, 37])
    batch = draw.randint(1, 3)
    s = Sizes(batch, h, w, channels, kh, kw, oh, ow, sh, sw, top, left, dh, dw)
    dtype = draw.choice(["float32", "float64"])
    activation = draw.choice(["", "relu", "relu6"])
    check(s, dtype, draw.random() < 0.5, activation, draw.choice([1, 2, 3]))
