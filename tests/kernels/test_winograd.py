"""Winograd's convolution against NumPy in float64: the bounds are of the largest value."""

from __future__ import annotations

import random

import numpy as np
import pytest

from numflow.kernels.cpu import winograd, winograd_filter
from numflow.kernels.cpu.conv import Window
from numflow.kernels.cpu.winograd_transforms import matrices
from tests.kernels.launch import launch
from tests.kernels.test_conv import Array, guarded, reference

BOUND = {2: 3e-6, 3: 1e-5, 4: 1e-5}
"""By m, of float32."""
DIGITS = {"float32": 1.0, "float64": 2.0**-29}


def window(
    batch: int, image: tuple[int, int], channels: int, columns: int,
    padding: tuple[int, int] = (1, 1), behind: tuple[int, int] = (1, 1), kernel: int = 3,
) -> Window:  # fmt: skip
    """Of a plane; padding: in front, behind: at the other end of rows and columns."""
    down, across = (image[k] + padding[k] + behind[k] - kernel + 1 for k in range(2))
    return Window(
        batch, (1, *image), channels, (1, kernel, kernel), columns, (1, down, across),
        padding=(0, *padding),
    )  # fmt: skip


def transformed(m: int, f: Array, back: bool = False) -> Array:
    """The filter as `plan` takes it."""
    kernel, _, channels, columns = f.swapaxes(2, 3).shape if back else f.shape
    n = m + kernel - 1
    u = guarded(np.full((n * n, channels, winograd.padded(columns)), np.nan, f.dtype))
    p = winograd.plan_filter(m, kernel, channels, columns, back, f.dtype.name)
    words = p.words([f.ctypes.data, u.ctypes.data])
    ranges = [(i, min(i + p.chunk, p.units)) for i in reversed(range(0, p.units, p.chunk))]
    launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes)
    return u


def close(y: Array, want: Array, bound: float) -> None:
    """The largest error, by the largest value."""
    if want.size:
        assert np.abs(y - want).max() <= bound * np.abs(want).max()


def clipped(y: Array, activation: str) -> Array:
    return np.clip(y, 0, 6 if activation == "relu6" else None) if activation else y


def check(
    s: Window, m: int, bias: bool = False, activation: str = "", threads: int = 2,
    residual: bool = False, dtype: str = "float32",
) -> Array:  # fmt: skip
    """The kernel's y, compared."""
    rng = np.random.default_rng(5)
    x = guarded(rng.standard_normal((s.batch, *s.image, s.channels)).astype(dtype))
    f = guarded(rng.standard_normal((*s.kernel[1:], s.channels, s.columns)).astype(dtype))
    b = guarded(rng.standard_normal(s.columns).astype(dtype))
    y = guarded(np.full((s.batch, *s.result, s.columns), np.nan, dtype))
    r = guarded(rng.standard_normal((s.batch, *s.result, s.columns)).astype(dtype))
    p = winograd.plan(
        s, m, dtype, bias=bias, residual=residual, activation=activation, threads=threads
    )
    u = transformed(m, f)
    given = (x, u, y, *[b] * bias, *[r] * residual)
    ranges = [(i, min(i + p.chunk, p.units)) for i in reversed(range(0, p.units, p.chunk))]
    words = p.words([a.ctypes.data for a in given])
    launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes)
    want = reference(s, x, f[None].astype(np.float64)) + (b if bias else 0)
    want += r if residual else 0
    close(y, clipped(want, activation), BOUND[m] * DIGITS[dtype])
    return y


def check_filter(
    s: Window, m: int, parts: int = 3, threads: int = 2, dtype: str = "float32"
) -> Array:
    """The sum of the parts is the gradient by the filter; they are returned."""
    rng = np.random.default_rng(5)
    x = guarded(rng.standard_normal((s.batch, *s.image, s.channels)).astype(dtype))
    dy = guarded(rng.standard_normal((s.batch, *s.result, s.columns)).astype(dtype))
    found = guarded(np.full((parts, *s.kernel, s.channels, s.columns), np.nan, dtype))
    p = winograd_filter.plan(s, m, dtype, parts=parts, threads=threads)
    words = p.words([a.ctypes.data for a in (x, dy, found)])
    ranges = [(i, i + 1) for i in reversed(range(p.units))]
    launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes)
    close(found.sum(0), filter_reference(s, x, dy), BOUND[m] * DIGITS[dtype])
    return found


def filter_reference(s: Window, x: Array, dy: Array) -> Array:
    """One product of matrices for each place of the window."""
    _, height, width = s.result
    reach = [height + s.kernel[1] - 1, width + s.kernel[2] - 1]
    wide = np.zeros((s.batch, *map(max, reach, np.add(s.image, s.padding)[1:]), s.channels))
    (_, top, left), (_, rows, columns) = s.padding, s.image
    wide[:, top : top + rows, left : left + columns] = x[:, 0]
    out = np.zeros((*s.kernel, s.channels, s.columns))
    for i, j in np.ndindex(*s.kernel[1:]):
        part = wide[:, i : i + height, j : j + width]
        out[0, i, j] = np.einsum("nyxc,nyxo->co", part, dy[:, 0].astype(np.float64))
    return out


@pytest.mark.parametrize(("m", "r"), [(2, 3), (4, 3), (2, 5), (3, 5)])
def test_matrices(m: int, r: int) -> None:
    """A^T [(G g) . (B^T d)] slides g over d."""
    image, g, result = map(np.array, matrices(m, r))
    rng = np.random.default_rng(1)
    d, window_ = rng.standard_normal(m + r - 1), rng.standard_normal(r)
    found = result @ ((g @ window_) * (image @ d))
    np.testing.assert_allclose(found, np.correlate(d, window_, "valid"), atol=1e-13)


@pytest.mark.parametrize("m", [2, 4])
@pytest.mark.parametrize(
    "s",
    [
        window(2, (7, 9), 16, 16),
        window(3, (8, 13), 17, 19),
        window(1, (11, 5), 33, 70, (0, 0), (0, 0)),
        window(2, (6, 3), 31, 48, (2, 0), (0, 2)),
        window(2, (3, 3), 16, 37, (0, 0), (0, 0)),
        window(1, (1, 1), 20, 16),
        window(1, (1, 30), 16, 16, (3, 1), (4, 0)),
        window(0, (5, 6), 16, 16),
        window(2, (13, 17), 80, 32),
        window(1, (4, 4), 64, 96),
    ],
)
@pytest.mark.parametrize("dtype", DIGITS)
def test_sizes(s: Window, m: int, dtype: str) -> None:
    check(s, m, bias=True, dtype=dtype)
    check(s, m, threads=3, dtype=dtype)
    check_filter(s, m, dtype=dtype)


@pytest.mark.parametrize(
    "s",
    [
        window(2, (7, 9), 16, 16, (2, 2), (2, 2), kernel=5),
        window(1, (6, 8), 19, 35, (0, 1), (0, 3), kernel=5),
        window(1, (14, 14), 32, 64, (2, 2), (2, 2), kernel=5),
    ],
)
@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("dtype", DIGITS)
def test_five_by_five(s: Window, m: int, dtype: str) -> None:
    check(s, m, dtype=dtype)
    check(s, m, bias=True, activation="relu", residual=True, dtype=dtype)
    check_filter(s, m, parts=1, dtype=dtype)


@pytest.mark.parametrize("seed", range(12))
def test_drawn_windows(seed: int) -> None:
    draw = random.Random(seed)
    kernel = draw.choice([3, 3, 5])

    def pair(low: int, high: int) -> tuple[int, int]:
        return draw.randint(low, high), draw.randint(low, high)

    s = window(
        draw.randint(1, 3), pair(kernel, 19), draw.randint(16, 50), draw.randint(16, 50),
        pair(0, kernel), pair(0, kernel), kernel,
    )  # fmt: skip
    m = draw.choice([2, 3] if kernel == 5 else [2, 4])
    dtype = draw.choice(list(DIGITS))
    check(s, m, draw.random() < 0.5, draw.choice(["", "relu"]), dtype=dtype)
    check_filter(s, m, draw.randint(1, 9), draw.randint(1, 9), dtype)


def test_relu_and_bias() -> None:
    s = window(2, (7, 9), 20, 20)
    check(s, 4, bias=True, activation="relu")
    check(s, 2, activation="relu")
    check(s, 4, bias=True, activation="relu6")


@pytest.mark.parametrize("m", [2, 4])
def test_residual(m: int) -> None:
    """Also where tiles reach beyond the result, and no vector is full."""
    for columns in (16, 21, 40):
        s = window(2, (7, 9), 20, columns)
        check(s, m, residual=True)
        check(s, m, bias=True, activation="relu", residual=True)


def test_threads_do_not_change_the_bits() -> None:
    s = window(3, (19, 17), 24, 140)
    for threads in (1, 2, 7):
        np.testing.assert_array_equal(check(s, 4, threads=threads), check(s, 4, threads=3))
        other = check_filter(s, 4, threads=3)
        np.testing.assert_array_equal(check_filter(s, 4, threads=threads), other)


@pytest.mark.parametrize(
    ("s", "m"),
    [
        (window(2, (9, 10), 18, 21, (1, 0), (0, 2)), 4),
        (window(1, (6, 7), 70, 16), 2),
        (window(1, (8, 7), 33, 67, (2, 4), (3, 0), kernel=5), 2),
    ],
)
@pytest.mark.parametrize("dtype", DIGITS)
def test_by_the_image(s: Window, m: int, dtype: str) -> None:
    """The convolution with the filter turned round, its axes exchanged."""
    k = s.kernel[1]
    rng = np.random.default_rng(3)
    f = guarded(rng.standard_normal((k, k, s.channels, s.columns)).astype(dtype))
    dy = guarded(rng.standard_normal((s.batch, *s.result, s.columns)).astype(dtype))
    dx = guarded(np.full((s.batch, *s.image, s.channels), np.nan, dtype))
    before = (0, k - 1 - s.padding[1], k - 1 - s.padding[2])
    turned = Window(s.batch, s.result, s.columns, s.kernel, s.channels, s.image, padding=before)
    p = winograd.plan(turned, m, dtype)
    u = transformed(m, f, back=True)
    words = p.words([a.ctypes.data for a in (dy, u, dx)])
    launch(p.address, words, [(0, p.units)], workspace_bytes=p.workspace_bytes)
    want = reference(turned, dy, f[None, ::-1, ::-1].swapaxes(3, 4).astype(np.float64))
    close(dx, want, BOUND[m] * DIGITS[dtype])


def test_not_finite_goes_through() -> None:
    """A NaN of the image is in every output of its tile that it belongs to; relu keeps it."""
    s = window(1, (8, 8), 16, 16)
    x = np.zeros((1, 1, 8, 8, 16), np.float32)
    x[0, 0, 1, 1] = np.nan
    y = np.zeros((1, 1, 8, 8, 16), np.float32)
    u = transformed(4, np.ones((3, 3, 16, 16), np.float32))
    p = winograd.plan(s, 4, activation="relu")
    words = p.words([a.ctypes.data for a in (x, u, y)])
    launch(p.address, words, [(0, p.units)], workspace_bytes=p.workspace_bytes)
    assert np.isnan(y[0, 0, :3, :3]).all()
    assert (y[0, 0, 4:, 4:] == 0).all()


def test_refused() -> None:
    """What has no plan says so."""
    s = window(1, (8, 8), 16, 16)
    for bad in (s._replace(channels=15), s._replace(strides=(1, 2, 1)), s._replace(groups=2)):
        assert not winograd.takes(bad, 4)
        with pytest.raises(ValueError, match="winograd: no plan with m = 4"):
            winograd.plan(bad, 4)
        with pytest.raises(ValueError, match="winograd: no plan with m = 4"):
            winograd_filter.plan(bad, 4)
