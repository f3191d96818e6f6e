"""Convolutions that give few channels, against NumPy in float64."""

from __future__ import annotations

import random

import numpy as np
import pytest

from numflow.kernels.cpu import conv_spread
from numflow.kernels.cpu.conv import Window
from tests.kernels.launch import launch
from tests.kernels.test_conv import TOLERANCE, Array, clipped, guarded


def window(
    batch: int, image: tuple[int, int], channels: int, kernel: tuple[int, int], columns: int,
    strides: tuple[int, int] = (1, 1), padding: tuple[int, int] = (0, 0),
    behind: tuple[int, int] = (0, 0),
) -> Window:  # fmt: skip
    """Of the convolution whose gradient by the image is computed."""
    down, across = (
        (image[k] + padding[k] + behind[k] - kernel[k]) // strides[k] + 1 for k in range(2)
    )
    return Window(
        batch, (1, *image), channels, (1, *kernel), columns, (1, down, across), (1, *strides),
        (0, *padding),
    )  # fmt: skip


def oracle(s: Window, dy: Array, f: Array) -> Array:
    """Place after place of the window."""
    (_, sh, sw), (_, ph, pw) = s.strides, s.padding
    (_, down, across), (_, rows, columns) = s.result, s.image
    reach = [down * sh + s.kernel[1] + ph + rows, across * sw + s.kernel[2] + pw + columns]
    wide = np.zeros((s.batch, *reach, s.channels))
    for i, j in np.ndindex(*s.kernel[1:]):
        cut = (slice(i, i + (down - 1) * sh + 1, sh), slice(j, j + (across - 1) * sw + 1, sw))
        wide[:, cut[0], cut[1]] += dy.astype(np.float64) @ f[i, j].T.astype(np.float64)
    return wide[:, ph : ph + rows, pw : pw + columns]


def check(
    s: Window, dtype: str = "float32", bias: bool = False, residual: bool = False,
    activation: str = "", threads: int = 2, turned: bool = False,
) -> Array:  # fmt: skip
    """The kernel's y, compared."""
    rng = np.random.default_rng(5)
    f = rng.standard_normal((*s.kernel[1:], s.channels, s.columns)).astype(dtype)
    dy = guarded(rng.standard_normal((s.batch, *s.result[1:], s.columns)).astype(dtype))
    b = guarded(rng.standard_normal(s.channels).astype(dtype))
    r = guarded(rng.standard_normal((s.batch, *s.image[1:], s.channels)).astype(dtype))
    y = guarded(np.full(r.shape, np.nan, dtype))
    places = s.kernel[1] * s.kernel[2]
    g = guarded(np.full(conv_spread.packed_size(s.columns, places * s.channels), np.nan, dtype))
    given = guarded(np.ascontiguousarray(f[::-1, ::-1].swapaxes(2, 3)) if turned else f)
    p = conv_spread.plan_pack(places, s.columns, s.channels, turned, dtype)
    words = p.words([given.ctypes.data, g.ctypes.data])
    launch(p.address, words, [(i, i + 1) for i in reversed(range(p.units))])
    p = conv_spread.plan(
        s, dtype, bias=bias, residual=residual, activation=activation, threads=threads
    )
    words = p.words([a.ctypes.data for a in (dy, g, y, *[b] * bias, *[r] * residual)])
    ranges = [(i, min(i + p.chunk, p.units)) for i in reversed(range(0, p.units, p.chunk))]
    launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes)
    want = oracle(s, dy, f) + (b if bias else 0) + (r if residual else 0)
    bound = TOLERANCE[dtype] * (1 + (s.columns * places) ** 0.5)
    want = clipped(want, activation)
    np.testing.assert_allclose(y, want, rtol=bound, atol=bound, err_msg=str(s))
    return y


SIZES = [
    window(2, (9, 11), 3, (3, 3), 20, padding=(1, 1), behind=(1, 1)),
    window(2, (19, 22), 3, (7, 7), 40, strides=(2, 2), padding=(2, 3), behind=(3, 2)),
    window(2, (19, 21), 1, (2, 3), 7, strides=(4, 5)),
    window(1, (90, 5), 5, (3, 3), 17, padding=(2, 0)),
    window(3, (1, 40), 4, (1, 9), 16, padding=(0, 4), behind=(0, 4)),
    window(1, (6, 6), 2, (3, 3), 16, padding=(5, 4), behind=(0, 7)),
    window(0, (5, 6), 3, (3, 3), 16),
    window(2, (2, 2), 3, (3, 3), 16, padding=(1, 1), behind=(0, 0)),
    window(1, (4, 130), 1, (1, 16), 16, strides=(3, 1)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("s", SIZES)
def test_sizes(s: Window, dtype: str) -> None:
    check(s, dtype, bias=True)
    check(s, dtype, residual=True, activation="relu", turned=True)
    check(s, dtype, bias=True, residual=True, activation="relu6", threads=3)


@pytest.mark.parametrize("seed", range(12))
def test_drawn_windows(seed: int) -> None:
    draw = random.Random(seed)

    def pair(low: int, high: int) -> tuple[int, int]:
        return draw.randint(low, high), draw.randint(low, high)

    kernel = pair(1, 5)
    s = window(
        draw.randint(1, 3), (kernel[0] + draw.randint(0, 30), kernel[1] + draw.randint(0, 40)),
        draw.randint(1, 4), kernel, draw.randint(1, 40), pair(1, 4), pair(0, 4), pair(0, 4),
    )  # fmt: skip
    check(s, draw.choice(["float32", "float64"]), draw.random() < 0.5, turned=draw.random() < 0.5)


def test_threads_do_not_change_the_bits() -> None:
    s = window(1, (90, 37), 3, (3, 5), 17, (1, 2), (1, 2), (1, 2))
    for threads in (1, 2, 7):
        np.testing.assert_array_equal(check(s, threads=threads), check(s, threads=3))


def test_sizes_without_a_plan() -> None:
    s = window(1, (9, 9), 3, (3, 3), 16)._replace(dilations=(1, 2, 1))
    with pytest.raises(ValueError, match=r"^conv_spread: no plan for Window"):
        conv_spread.plan(s)
