"""How alike images are, and where they change: window after window, in NumPy float64."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids

image = nf.image
SINGLE = (nf.float32,)


def _gradients(x: Any) -> Any:
    dy, dx = np.zeros_like(x), np.zeros_like(x)
    dy[:, :-1], dx[:, :, :-1] = np.diff(x, axis=1), np.diff(x, axis=2)
    return dy, dx


def _sobel(x: Any) -> Any:
    kernel = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
    around = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], "reflect")
    out = np.zeros((*x.shape, 2))
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            part = around[:, i : i + 3, j : j + 3]
            out[:, i, j, :, 0] = np.einsum("nijc,ij->nc", part, kernel)
            out[:, i, j, :, 1] = np.einsum("nijc,ji->nc", part, kernel)
    return out


def _variation(x: Any) -> Any:
    axes = (-3, -2, -1)
    return np.abs(np.diff(x, axis=-3)).sum(axes) + np.abs(np.diff(x, axis=-2)).sum(axes)


def _psnr(most: float) -> Callable[[Any, Any], Any]:
    return lambda a, b: 10 * np.log10(most**2 / np.mean((a - b) ** 2, (-3, -2, -1)))


def _windows(x: Any, size: int, sigma: float) -> Any:
    """Mean of each window under a Gaussian, written as a sum over its places."""
    at = np.arange(size) - (size - 1) / 2
    weights = np.exp(-(at[:, None] ** 2 + at**2) / (2 * sigma**2))
    weights /= weights.sum()
    h, w = x.shape[-3] - size + 1, x.shape[-2] - size + 1
    out = np.zeros((*x.shape[:-3], h, w, x.shape[-1]))
    for i in range(size):
        for j in range(size):
            out += weights[i, j] * x[..., i : i + h, j : j + w, :]
    return out


def _parts(a: Any, b: Any, most: float, size: int, sigma: float) -> Any:
    """Wang et al. 2004, equation 13: (luminance, structure)."""
    c1, c2 = (0.01 * most) ** 2, (0.03 * most) ** 2
    means = functools.partial(_windows, size=size, sigma=sigma)
    ma, mb = means(a), means(b)
    va, vb, both = means(a * a) - ma**2, means(b * b) - mb**2, means(a * b) - ma * mb
    return (2 * ma * mb + c1) / (ma**2 + mb**2 + c1), (2 * both + c2) / (va + vb + c2)


def _ssim(most: float, size: int, sigma: float, each: bool = False) -> Callable[[Any, Any], Any]:
    def oracle(a: Any, b: Any) -> Any:
        luminance, structure = _parts(a, b, most, size, sigma)
        return (luminance * structure).mean(-1 if each else (-3, -2, -1))

    return oracle


def _scales(factors: Any, size: int) -> Callable[[Any, Any], Any]:
    def halved(x: Any) -> Any:
        pads = [(0, 0)] * (x.ndim - 3) + [(0, x.shape[-3] % 2), (0, x.shape[-2] % 2), (0, 0)]
        x = np.pad(x, pads, "symmetric")
        x = x[..., ::2, :, :] + x[..., 1::2, :, :]
        return (x[..., ::2, :] + x[..., 1::2, :]) / 4

    def oracle(a: Any, b: Any) -> Any:
        out: Any = 1.0
        for k, factor in enumerate(factors):
            luminance, structure = _parts(a, b, 1.0, size, 1.5)
            last = k + 1 == len(factors)
            value = (luminance * structure if last else structure).mean((-3, -2))
            out = out * np.maximum(value, 0) ** factor
            a, b = halved(a), halved(b)
        return out.mean(-1)

    return oracle


def _two(*shape: int, other: tuple[int, ...] | None = None) -> Any:
    return [floats(*shape, low=0.1, high=1), floats(*(other or shape), low=0.1, high=1)]


CASES = [
    *(Case(image.image_gradients, _gradients, [floats(*s)]) for s in [(2, 5, 3, 2), (1, 1, 1, 1)]),
    *(
        Case(image.sobel_edges, _sobel, [floats(*s)], slack=4.0)
        for s in [(2, 5, 3, 2), (1, 2, 2, 1)]
    ),
    *(
        Case(image.total_variation, _variation, [floats(*s)], slack=4.0)
        for s in [(2, 5, 3, 2), (5, 7, 1), (1, 1, 3, 1)]
    ),
    *(
        Case(image.psnr, _psnr(2.0), args, {"max_val": 2.0}, SINGLE, gradient=False)
        for args in [_two(2, 5, 3, 2), _two(5, 7, 1), _two(3, 1, 2, 2, 1, other=(4, 2, 2, 1))]
    ),
    *(
        Case(
            image.ssim, _ssim(1.0, k, s), args,
            {"max_val": 1.0, "filter_size": k, "filter_sigma": s}, SINGLE,
            gradient=False, slack=9.0,
        )
        for args in [
            _two(2, 13, 11, 3), _two(11, 12, 1), _two(3, 1, 11, 11, 2, other=(2, 11, 11, 2)),
        ]
        for k, s in [(11, 1.5), (4, 0.7)]
    ),
    Case(
        image.ssim, _ssim(2.0, 11, 1.5, True), _two(2, 13, 17, 2),
        {"max_val": 2.0, "return_index_map": True}, SINGLE, gradient=False, slack=9.0,
    ),
    *(
        Case(
            image.ssim_multiscale, _scales(factors, 3), args,
            {"max_val": 1.0, "power_factors": factors, "filter_size": 3}, SINGLE, gradient=False,
            slack=30.0,
        )
        for args in [_two(2, 13, 11, 2), _two(16, 12, 1)]
        for factors in [(0.3, 0.3, 0.4), (1.0,)]
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_quality_keeps_the_contract(case: Case) -> None:
    check(case)


def test_gradients_of_similarity() -> None:
    """Eager and traced, against differences."""
    rng = np.random.default_rng(1)
    x, y, along = (rng.uniform(0.2, 0.8, (1, 14, 13, 2)).astype(np.float32) for _ in range(3))

    def slope(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            value = nf.image.ssim(x, y, 1.0)
        return tape.gradient(value, x)

    got = slope(nf.constant(x))
    np.testing.assert_allclose(nf.function(slope)(nf.constant(x)).numpy(), got.numpy(), 1e-3, 1e-6)
    oracle, step = _ssim(1.0, 11, 1.5), 1e-5
    ends = [oracle(x + s * step * along.astype(np.float64), y).item() for s in (1, -1)]
    want = (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(float(np.sum(got.numpy() * along)), want, 1e-3)


def test_tensorflows_numbers() -> None:
    """Of TensorFlow 2.21, for images of integers."""
    a = np.arange(16 * 15 * 3, dtype=np.int64).reshape(16, 15, 3)
    x, y = (a * 37 % 251).astype(np.uint8), (a * 41 % 241).astype(np.uint8)
    got = [float(f(x, y, 255)) for f in (nf.image.psnr, nf.image.ssim)]
    got.append(float(nf.image.ssim_multiscale(x, x // 2, 255, (0.4, 0.6), 5)))
    np.testing.assert_allclose(got, TENSORFLOW, 2e-5)


TENSORFLOW = [8.13304615020752, -0.1842292994260788, 0.7069322466850281]


def test_equal_images() -> None:
    """Infinitely good; similarity 1."""
    x = nf.random.stateless_uniform([2, 12, 12, 1], (1, 2))
    assert np.isposinf(nf.image.psnr(x, x, 1.0).numpy()).all()
    np.testing.assert_allclose(nf.image.ssim(x, x, 1.0).numpy(), 1.0, 1e-6)


def test_images_of_unknown_sizes() -> None:
    """One trace; odd sizes and even ones. (Begun anew once it learns that two sizes are equal.)"""
    count = 0

    def run(x: Any, y: Any) -> Any:
        nonlocal count
        count += 1
        return (
            nf.image.ssim_multiscale(x, y, 1.0, (0.5, 0.5), 3),
            nf.image.psnr(x, y, 1.0),
            nf.image.total_variation(x),
            nf.image.sobel_edges(x),
            nf.image.image_gradients(x)[0],
        )

    spec = nf.TensorSpec([None, None, None, 2])
    f, traces = nf.function(run, input_signature=[spec, spec]), 0
    for k, shape in enumerate([(2, 7, 8, 2), (1, 10, 9, 2), (3, 6, 6, 2)]):
        x, y = (nf.random.stateless_uniform(shape, (k, j)) for j in range(2))
        for got, want in zip(f(x, y), run(x, y), strict=True):
            np.testing.assert_allclose(got.numpy(), want.numpy(), 1e-4, 1e-5)
        count -= 1
        traces = count if k == 0 else traces
    assert count == traces <= 2


ONE = np.ones((1, 12, 12, 1), np.float32)
BAD: list[tuple[Any, tuple[Any, ...], Any, str]] = [
    (image.image_gradients, (ONE[0],), ValueError, "image.image_gradients: image must have 4 axes"),
    (image.sobel_edges, (ONE[0],), ValueError, "image.sobel_edges: image must have 4 axes"),
    (image.sobel_edges, (ONE[:, :1],), ValueError, "too short to be mirrored"),
    (image.total_variation, (ONE[0, 0],), ValueError, "images must have 3 or 4 axes"),
    (image.psnr, (ONE, ONE[:, :3], 1.0), ValueError, "image.psnr: the images have different sizes"),
    (image.psnr, (ONE[0, 0], ONE, 1.0), ValueError, "image.psnr: a must have 3 or more axes"),
    (image.psnr, (np.ones((2, 3, 3, 1)), np.ones((3, 3, 3, 1)), 1.0), ValueError, "image.psnr:"),
    (image.ssim, (ONE, ONE, 1.0, 13), ValueError, "smaller than the window of 13 pixels"),
    (image.ssim, (ONE, ONE, 1.0, 0), ValueError, "filter_size and filter_sigma must be positive"),
    (image.ssim, (ONE, ONE, 1.0, 3, -1.0), ValueError, "filter_size and filter_sigma must be"),
    (image.ssim_multiscale, (ONE, ONE, 1.0), ValueError, "image.ssim_multiscale: the images are"),
    (image.ssim_multiscale, (ONE, ONE, 1.0, ()), ValueError, "power_factors are empty"),
    (image.ssim, (ONE.astype(bool), ONE.astype(bool), 1), TypeError, "bool"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "args", "kind", "text"), BAD)
def test_bad_arguments_are_named(op: Any, args: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind) as e:
        op(*args)
    assert text in str(e.value)
