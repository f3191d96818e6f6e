"""Convolutions in NumPy from their definition: windows of the padded image, one einsum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def pads(
    padding: Any, image: Sequence[int], kernel: Sequence[int], strides: Any, dilations: Any
) -> list[tuple[int, int]]:
    """Zeros in front and behind."""
    if padding == "VALID":
        return [(0, 0)] * len(kernel)
    if padding != "SAME":
        return [tuple(p) for p in padding]
    out = []
    for n, k, s, d in zip(image, kernel, strides, dilations, strict=True):
        total = max((math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0)
        out.append((total // 2, total - total // 2))
    return out


def each(value: Any, axes: int) -> tuple[int, ...]:
    """One number per axis."""
    return (value,) * axes if isinstance(value, int) else tuple(value)


def windows(
    x: Array, kernel: Sequence[int], strides: Any, padding: Any, dilations: Any, fill: float = 0.0
) -> Array:
    """[batch, *result, channels, *kernel]: what the window reads."""
    axes = len(kernel)
    s, d = each(strides, axes), each(dilations, axes)
    pairs = pads(padding, x.shape[1:-1], kernel, s, d)
    x = np.pad(x, [(0, 0), *pairs, (0, 0)], constant_values=fill)
    reach = [(k - 1) * step + 1 for k, step in zip(kernel, d, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, reach, tuple(range(1, axes + 1)))
    places = tuple(slice(None, None, n) for n in s)
    taps = tuple(slice(None, None, n) for n in d)
    return np.asarray(view[(slice(None), *places, slice(None), *taps)])


def conv(x: Array, f: Array, strides: Any = 1, padding: Any = "SAME", dilations: Any = 1) -> Array:
    """Channels last; groups as the filter's shape says."""
    axes = f.ndim - 2
    view = windows(x, f.shape[:axes], strides, padding, dilations)
    groups = x.shape[-1] // f.shape[-2]
    letters = "uvw"[:axes]
    places = "ijk"[:axes]
    parts = [
        np.einsum(f"b{places}c{letters},{letters}co->b{places}o", part, own)
        for part, own in zip(np.split(view, groups, axes + 1), np.split(f, groups, -1), strict=True)
    ]
    return np.concatenate(parts, -1)


def transposed(
    dy: Array, f: Array, shape: Sequence[int], strides: Any, padding: Any, dilations: Any = 1
) -> Array:
    """The matrix of the convolution of images of this shape, turned round."""
    one = np.zeros((1, *shape[1:]))
    basis = np.eye(one.size).reshape(one.size, *shape[1:])
    matrix = conv(basis, f, strides, padding, dilations).reshape(one.size, -1)
    flat = dy.reshape(dy.shape[0], matrix.shape[1]) @ matrix.T
    return np.asarray(flat.reshape(shape))


def depthwise(x: Array, f: Array, strides: Any, padding: Any, dilations: Any = 1) -> Array:
    """Each channel with its own filters [kh, kw, channels, several]."""
    view = windows(x, f.shape[:2], strides, padding, dilations)
    y = np.einsum("bijcuv,uvcm->bijcm", view, f)
    return np.asarray(y.reshape(*y.shape[:3], y.shape[3] * y.shape[4]))


def behind(x: Array) -> Array:
    """Channels second -> last."""
    return np.moveaxis(x, 1, -1)


def second(x: Array) -> Array:
    """Channels last -> second."""
    return np.moveaxis(x, -1, 1)
