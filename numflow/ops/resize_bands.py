"""How resizing weighs the pixels along one axis: a band matrix per method and convention.

    out[o] = sum over k < counts[o] of weights[o, k] * in[starts[o] + k]

Every method of `resize` is such a matrix along the rows and another along the columns; its
gradient is the transposed ones, bands again, since their edges never step back. Positions and
weights are computed in float32 with TensorFlow's expressions, so that the same pixels are chosen.

Conventions. A pixel's centre lies at i + 0.5 of its axis (`half_pixel_centers`, TensorFlow 2), at
i, or, with `align_corners`, the first and last pixels of both sizes coincide (TensorFlow 1).

Sources: Keys 1981, "Cubic convolution interpolation for digital image processing"; Mitchell and
Netravali 1988, "Reconstruction filters in computer graphics"; Duchon 1979, "Lanczos filtering in
one and two dimensions".
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from numflow.graph.op import Array

_F = np.float32
_TABLE = 1 << 10  # TensorFlow reads the weights of its plain bicubic from a table of so many


class Band(NamedTuple):
    """starts, counts: int64 [out]; weights: float32 [out, widest], 0 behind a row's count."""

    size: int  # of the input
    starts: Array
    counts: Array
    weights: Array

    def matrix(self, dtype: Any) -> Array:
        """[out, in], dense."""
        out = np.zeros((len(self.starts), self.size), dtype)
        for k in range(self.weights.shape[1]):
            (rows,) = np.nonzero(k < self.counts)
            out[rows, self.starts[rows] + k] = self.weights[rows, k]
        return out

    def transposed(self) -> Band:
        """The band of the transposed matrix."""
        size = len(self.starts)
        reached = np.arange(self.weights.shape[1])[None, :] < self.counts[:, None]
        rows, taps = np.nonzero(reached)
        return _banded(self.starts[rows] + taps, rows, self.weights[rows, taps], self.size, size)


def _banded(out: Array, into: Array, weights: Array, size: int, source: int) -> Band:
    """The band [size, source] of entries (out, into, weight), none of them twice."""
    starts = np.full(size, source, np.int64)
    ends = np.zeros(size, np.int64)
    np.minimum.at(starts, out, into)
    np.maximum.at(ends, out, into + 1)
    counts = np.maximum(ends - starts, 0)
    starts[counts == 0] = 0
    table = np.zeros((size, max(1, int(counts.max(initial=1)))), _F)
    table[out, into - starts[out]] = weights
    return Band(source, starts, counts, table)


def _of_taps(places: Array, weights: Array, size: int) -> Band:
    """The band of taps [out, k], those at the same place added up, those of weight 0 dropped."""
    out = np.repeat(np.arange(len(places)), places.shape[1])
    flat = out * size + places.reshape(-1)
    keys, inverse = np.unique(flat, return_inverse=True)
    total = np.zeros(len(keys), _F)
    np.add.at(total, inverse.reshape(-1), weights.reshape(-1).astype(_F))
    keys, total = keys[total != 0], total[total != 0]
    return _banded(keys // size, keys % size, total, len(places), size)


@functools.lru_cache(maxsize=256)
def band(
    method: str, size: int, out: int, align_corners: bool, half_pixel: bool, antialias: bool
) -> Band:
    """From `size` pixels to `out`, both at least 1.

    method: bilinear, nearest, bicubic, area, or a filter of `_FILTERS`.
    """
    scale = _scale(size, out, align_corners)
    if method == "nearest":
        places = nearest(size, out, align_corners, half_pixel)
        return _of_taps(places[:, None], np.ones((out, 1), _F), size)
    if method == "area":
        return _area(size, out, scale)
    if method in ("bilinear", "bicubic") and not antialias:
        at = np.arange(out).astype(_F)
        at = (at + _F(0.5)) * scale - _F(0.5) if half_pixel else at * scale
        return (_bilinear if method == "bilinear" else _bicubic)(at, size, half_pixel)
    return _filtered(method, size, out, antialias)


def _scale(size: int, out: int, align_corners: bool) -> Any:
    if align_corners and out > 1:
        return _F(size - 1) / _F(out - 1)
    return _F(size) / _F(out)


def nearest(size: int, out: int, align_corners: bool, half_pixel: bool) -> Array:
    """int64 [out]: the pixel that each takes."""
    at = np.arange(out).astype(_F)
    at = (at + _F(0.5) if half_pixel else at) * _scale(size, out, align_corners)
    places = np.floor(at + _F(0.5)) if align_corners else np.floor(at)
    return np.clip(places.astype(np.int64), 0, size - 1)


def _bilinear(at: Array, size: int, half_pixel: bool) -> Band:
    low = np.floor(at)
    part = at - low
    upper = np.minimum(np.ceil(at).astype(np.int64), size - 1)
    lower = np.minimum(np.maximum(low.astype(np.int64), 0), upper)
    return _of_taps(np.stack([lower, upper], 1), np.stack([1 - part, part], 1), size)


def _bicubic(at: Array, size: int, half_pixel: bool) -> Band:
    """Keys' cubic: a = -1/2 with weights outside dropped, or TensorFlow 1's a = -3/4, clamped."""
    low = np.floor(at)
    offset = np.rint((at - low) * _F(_TABLE)).astype(np.int64)
    near, far = _cubic_tables(-0.5 if half_pixel else -0.75)
    taps = [far[offset], near[offset], near[_TABLE - offset], far[_TABLE - offset]]
    weights = np.stack(taps, 1)
    wanted = low.astype(np.int64)[:, None] + np.arange(-1, 3)
    places = np.clip(wanted, 0, size - 1)
    if half_pixel:
        weights = _normal(np.where(places == wanted, weights, _F(0)))
    return _of_taps(places, weights, size)


@functools.cache
def _cubic_tables(a: float) -> tuple[Array, Array]:
    """The cubic at 0..1 and at 1..2, in steps of 1 / _TABLE."""
    x = np.arange(_TABLE + 1) / _TABLE
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    x = x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return near.astype(_F), far.astype(_F)


def _normal(weights: Array) -> Array:
    """Rows that add up to 1; those that are too close to 0 are 0."""
    total = weights.sum(1, dtype=_F, keepdims=True)
    enough = np.abs(total) >= 1000 * np.finfo(_F).tiny
    return np.where(enough, weights / np.where(enough, total, _F(1)), _F(0)).astype(_F)


def _area(size: int, out: int, scale: Any) -> Band:
    """The mean over what a pixel covers; parts of pixels count as such."""
    if scale == 0:  # corners upon corners of a single pixel: TensorFlow divides 0 by 0
        return _of_taps(np.zeros((out, 1), np.int64), np.ones((out, 1), _F), size)
    begin = np.arange(out).astype(_F) * scale
    end = np.arange(1, out + 1).astype(_F) * scale
    first = np.floor(begin).astype(np.int64)
    taps = first[:, None] + np.arange(int((np.ceil(end) - first).max(initial=1)))
    covered = np.minimum(taps + 1, end[:, None]) - np.maximum(taps, begin[:, None])
    inside = (taps < begin[:, None]) & (taps + 1 > end[:, None])
    covered = np.where(inside, scale, covered)  # end - begin is rounded more
    weights = np.where(taps < np.ceil(end)[:, None], covered, 0).astype(_F) / scale
    return _of_taps(np.clip(taps, 0, size - 1), weights, size)


def _filtered(method: str, size: int, out: int, antialias: bool) -> Band:
    """A filter around each pixel's place, widened by the scale where that avoids aliasing."""
    radius, weigh = _FILTERS[method]
    inverse = _F(1) / (_F(out) / _F(size))
    widened = max(inverse, _F(1)) if antialias else _F(1)
    at = (np.arange(out).astype(_F) + _F(0.5)) * inverse
    reach = _F(radius) * widened
    first = np.clip(np.ceil(at - reach - _F(0.5)).astype(np.int64), 0, size - 1)
    last = np.clip(np.floor(at + reach - _F(0.5)).astype(np.int64), 0, size - 1)
    taps = first[:, None] + np.arange(int((last - first).max(initial=0)) + 1)
    distance = np.abs((taps.astype(_F) + _F(0.5) - at[:, None]) * (_F(1) / widened))
    inside = (taps <= last[:, None]) & ((at >= 0) & (at <= size))[:, None]
    weights = _normal(np.where(inside, weigh(distance.astype(_F)), _F(0)).astype(_F))
    return _of_taps(np.minimum(taps, last[:, None]), weights, size)


# --- filters of the distance, x >= 0 ------------------------------------------------------


def _triangle(x: Array) -> Array:
    return np.where(x < 1, 1 - x, 0)


def _gaussian(x: Array) -> Array:
    """A standard deviation of 1/2, cut off at 3/2."""
    return np.where(x < 1.5, np.exp(-x * x / _F(0.5)), 0)


def _keys(x: Array) -> Array:
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    near = ((1.5 * x - 2.5) * x) * x + 1
    return np.where(x >= 2, 0, np.where(x >= 1, far, near))


def _mitchell(x: Array) -> Array:
    far = ((-7 / 18 * x + 2) * x - 10 / 3) * x + 16 / 9
    near = ((7 / 6 * x - 2) * x) * x + 8 / 9
    return np.where(x >= 2, 0, np.where(x >= 1, far, near))


def _lanczos(x: Array, radius: float) -> Array:
    safe = np.maximum(x.astype(np.float64), 1e-3) * np.pi
    value = radius * np.sin(safe) * np.sin(safe / radius) / (safe * safe)
    return np.where(x > radius, 0, np.where(x <= 1e-3, 1, value))


_FILTERS: dict[str, tuple[float, Any]] = {
    "bilinear": (1.0, _triangle),
    "bicubic": (2.0, _keys),
    "lanczos3": (3.0, lambda x: _lanczos(x, 3.0)),
    "lanczos5": (5.0, lambda x: _lanczos(x, 5.0)),
    "gaussian": (1.5, _gaussian),
    "mitchellcubic": (2.0, _mitchell),
}


# --- sizes ------------------------------------------------------------------------------------


def shrunk(image: tuple[Any, ...], size: tuple[Any, ...]) -> tuple[int, ...]:
    """The largest size within `size` of the image's ratio, rounded."""
    ratio = min(_F(size[0]) / _F(image[0]), _F(size[1]) / _F(image[1]))
    return tuple(int(np.rint(ratio * _F(n))) for n in image)


def framed(
    image: tuple[Any, ...], target: tuple[Any, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(size, offsets) of an image of the same ratio in the middle of a frame."""
    ratio = max(_F(image[1]) / _F(target[1]), _F(image[0]) / _F(target[0]))
    sizes = [_F(n) / ratio for n in image]
    gaps = [(_F(t) - s) / 2 for t, s in zip(target, sizes, strict=True)]
    return tuple(int(np.floor(s)) for s in sizes), tuple(max(0, int(np.floor(g))) for g in gaps)
