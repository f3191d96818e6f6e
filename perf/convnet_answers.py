"""What the convolutional lines must give: references in float64, at some places of the result."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from perf import convnets, workloads
from perf.arrays import Array
from perf.checks import Answer
from perf.convnets import Convolution

PLACES = 48  # pixels of a convolution's result that are compared


def _convolution(case: str) -> Iterable[Answer]:
    """Pixels of y and of dx; of dw the first, the middle and the last place of the window."""
    name, what = case.rsplit(" ", 1)
    c = convnets.CONVOLUTIONS[name]
    x, w, dy = (a.astype(np.float64) for a in convnets.convolution_operands(name))
    around = ((0, 0), (c.before, c.after), (c.before, c.after), (0, 0))
    padded = np.pad(x, around)
    at = _places(c.batch, c.result_side)
    y = [_pixel(c, padded, w, *place) for place in zip(*at, strict=True)]
    yield Answer(np.array(y), at, absolute=2e-4)
    if what == convnets.BOTH:
        at = _places(c.batch, c.side)
        dx = [_slope(c, dy, w, *place) for place in zip(*at, strict=True)]
        yield Answer(np.array(dx), at, absolute=2e-4)
        taps = np.unique([0, c.kernel**2 // 2, c.kernel**2 - 1])
        rows, columns = np.divmod(taps, c.kernel)
        dw = [_tap(c, padded, dy, i, j) for i, j in zip(rows, columns, strict=True)]
        yield Answer(np.array(dw), (rows, columns), absolute=2e-2)


def _places(batch: int, side: int) -> tuple[Array, Array, Array]:
    """Indices of pixels: the corners of the first and the last image, and others."""
    rng = np.random.default_rng(0)
    n = np.array([0, 0, batch - 1, batch - 1, *rng.integers(0, batch, PLACES)])
    i = np.array([0, side - 1, 0, side - 1, *rng.integers(0, side, PLACES)])
    j = np.array([0, side - 1, side - 1, 0, *rng.integers(0, side, PLACES)])
    return n, i, j


def _pixel(c: Convolution, padded: Array, w: Array, n: int, i: int, j: int) -> Array:
    """y[n, i, j]: [filters]."""
    top, left = i * c.stride, j * c.stride
    patch = padded[n, top : top + c.kernel, left : left + c.kernel]
    if c.groups > 1:  # one channel each
        return np.asarray(np.einsum("ijc,ijc->c", patch, w[..., 0]))
    return np.asarray(np.tensordot(patch, w, 3))


def _slope(c: Convolution, dy: Array, w: Array, n: int, i: int, j: int) -> Array:
    """dx[n, i, j]: [channels]. Each place of the window that has met this pixel adds its share."""
    total = np.zeros(c.channels)
    for u in range(c.kernel):
        for v in range(c.kernel):
            row, above = divmod(i + c.before - u, c.stride)
            column, beside = divmod(j + c.before - v, c.stride)
            if above or beside or not (0 <= row < c.result_side and 0 <= column < c.result_side):
                continue
            slope = dy[n, row, column]
            total += slope * w[u, v, :, 0] if c.groups > 1 else w[u, v] @ slope
    return total


def _tap(c: Convolution, padded: Array, dy: Array, u: int, v: int) -> Array:
    """dw[u, v]: [channels, filters]."""
    reach = (c.result_side - 1) * c.stride + 1
    seen = padded[:, u : u + reach : c.stride, v : v + reach : c.stride]
    if c.groups > 1:
        return np.asarray(np.einsum("nijc,nijc->c", seen, dy)[:, None])
    return np.asarray(seen.reshape(-1, c.channels).T @ dy.reshape(-1, c.filters))


def _norm(case: str) -> Iterable[Answer]:
    """Ioffe and Szegedy 2015, algorithm 1 and section 3; of y and dx some rows."""
    x, gamma, beta, dy = (a.astype(np.float64) for a in convnets.norm_operands())
    axes = (0, 1, 2)
    deviation = np.sqrt(x.var(axes) + convnets.NORM_EPSILON)
    h = (x - x.mean(axes)) / deviation
    dgamma, dbeta = (dy * h).sum(axes), dy.sum(axes)
    count = x.size // x.shape[-1]
    at = (slice(None, None, 7), 3)
    dx = (dy - dbeta / count - h * dgamma / count) * gamma / deviation
    yield Answer((h * gamma + beta)[at], at)
    yield Answer(dx[at], at)
    yield Answer(dgamma, absolute=5e-3)
    yield Answer(dbeta, absolute=5e-3)


def _pool(case: str) -> Iterable[Answer]:
    """The first and the last image. Of equal pixels the first one gets the slope."""
    at = ([0, -1],)
    x, dy = (a[at].astype(np.float64) for a in convnets.pool_operands(case))
    window, stride = convnets.POOLS[case]
    places = [(i, j) for i in range(window) for j in range(window)]

    def seen(a: Array, i: int, j: int) -> Array:
        high, wide = ((n - 1) * stride + 1 for n in dy.shape[1:3])
        return a[:, i : i + high : stride, j : j + wide : stride]

    stack = np.stack([seen(x, *place) for place in places])
    dx = np.zeros_like(x)
    first = stack.argmax(0)
    for k, place in enumerate(places):
        share = first == k if case.startswith("max") else 1 / len(places)
        seen(dx, *place)[...] += dy * share
    yield Answer(stack.max(0) if case.startswith("max") else stack.mean(0), at)
    yield Answer(dx, at)


def _resize(case: str) -> Iterable[Answer]:
    """Some images. A new pixel's centre lies between two old ones, or on the border pixel."""
    at = (slice(None, None, 7),)
    x, dy = (a[at].astype(np.float64) for a in convnets.resize_operands())
    rows, columns = (_between(n) for n in x.shape[1:3])
    yield Answer(np.einsum("ia,nabc,jb->nijc", rows, x, columns, optimize=True), at)
    yield Answer(np.einsum("ia,nijc,jb->nabc", rows, dy, columns, optimize=True), at)


def _between(side: int) -> Array:
    """Weights [2 side, side] of the old pixels in the new ones."""
    centres = np.clip((np.arange(2 * side) + 0.5) / 2 - 0.5, 0, side - 1)
    return np.maximum(0, 1 - abs(centres[:, None] - np.arange(side)))


# --- models ------------------------------------------------------------------------------


def _conv(x: Array, w: Array, stride: int, depthwise: bool = False) -> Array:
    """Padding "SAME"; a depthwise filter is [kernel, kernel, channels, 1]."""
    kernel, side = w.shape[0], -(-x.shape[1] // stride)
    whole = max((side - 1) * stride + kernel - x.shape[1], 0)
    around = (whole // 2, whole - whole // 2)
    padded = np.pad(x, ((0, 0), around, around, (0, 0)))
    reach = (side - 1) * stride + 1
    taps = [(i, j) for i in range(kernel) for j in range(kernel)]
    seen = (padded[:, i : i + reach : stride, j : j + reach : stride] for i, j in taps)
    if depthwise:
        parts = (s * w[i, j, :, 0] for s, (i, j) in zip(seen, taps, strict=True))
    else:
        parts = (s @ w[i, j] for s, (i, j) in zip(seen, taps, strict=True))
    return sum(parts, np.zeros(()))


def _lenet(case: str) -> Iterable[Answer]:
    """The logits of every 97th image."""
    at = slice(None, None, 97)
    p = {name: a.astype(np.float64) for name, a in workloads.training("W8").parameters.items()}
    x = convnets.lenet_images()[at].astype(np.float64)
    for i in "01":
        x = np.maximum(_conv(x, p["c" + i], 1) + p["cb" + i], 0)
        n, side, _, channels = x.shape
        x = x.reshape(n, side // 2, 2, side // 2, 2, channels).max((2, 4))
    x = np.maximum(x.reshape(len(x), -1) @ p["w0"] + p["b0"], 0)
    yield Answer(x @ p["w1"] + p["b1"], at, absolute=1e-4)


def _mobilenet(case: str) -> Iterable[Answer]:
    """The probabilities of the last image."""
    images = convnets.mobilenet_images(int(case.removeprefix("batch ")))[-1:]

    def norm(x: Any, gamma: Any, beta: Any, mean: Any, variance: Any) -> Any:
        return (x - mean) / np.sqrt(variance + convnets.MOBILENET_EPSILON) * gamma + beta

    def head(x: Any, w: Any, b: Any) -> Any:
        e = np.exp(x.mean((1, 2)) @ w + b)
        return e / e.sum(1, keepdims=True)

    weights = (w.astype(np.float64) for w in convnets.mobilenet_weights())
    x = images.astype(np.float64)
    found = convnets.mobilenet(x, weights, _conv, norm, lambda x: np.clip(x, 0, 6), head)
    yield Answer(found, slice(-1, None), relative=1e-3, absolute=1e-7)


ANSWERS: dict[str, Callable[[str], Iterable[Answer]]] = {
    "W8": _lenet,
    "W9": _convolution,
    "W13": _mobilenet,
    "batchnorm": _norm,
    "pool": _pool,
    "resize": _resize,
}
