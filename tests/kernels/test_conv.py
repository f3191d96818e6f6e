"""Convolutions against NumPy in float64."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numflow.kernels.cpu import conv_filter
from numflow.kernels.cpu.conv import (
    Three,
    Window,
    plan,
    plan_pack,
    plan_transposed,
)
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

Array = np.ndarray[Any, np.dtype[Any]]
TOLERANCE = {"float32": 7e-6, "float64": 1.4e-14}


def reference(s: Window, x: Array, f: Array) -> Array:
    """One product of matrices for each place of the window."""
    reach = [
        (s.result[k] - 1) * s.strides[k] + (s.kernel[k] - 1) * s.dilations[k] + 1 for k in range(3)
    ]
    behind = [max(0, reach[k] - s.padding[k] - s.image[k]) for k in range(3)]
    pads = [(0, 0), *zip(s.padding, behind, strict=True), (0, 0)]
    x = np.pad(x.astype(np.float64), pads)
    y = np.zeros((s.batch, *s.result, s.columns))
    c, oc = s.channels // s.groups, s.columns // s.groups
    for place in itertools.product(*map(range, s.kernel)):
        begin = [place[k] * s.dilations[k] for k in range(3)]
        cut = [
            slice(begin[k], begin[k] + (s.result[k] - 1) * s.strides[k] + 1, s.strides[k])
            for k in range(3)
        ]
        part = x[:, cut[0], cut[1], cut[2]]
        for g in range(s.groups):
            own = slice(g * oc, (g + 1) * oc)
            y[..., own] += part[..., g * c : (g + 1) * c] @ f[place][:, own]
    return y


def guarded(values: Array) -> Array:
    """The same, ending at an unreadable page."""
    flat = Guarded((1, values.size), values.size, values.dtype).array
    flat[0] = values.ravel()
    return flat.reshape(values.shape)


def check(
    s: Window, dtype: str = "float32", bias: bool = False, activation: str = "", threads: int = 2
) -> Array:
    """The kernel's y, compared."""
    rng = np.random.default_rng(5)
    x = guarded(rng.standard_normal((s.batch, *s.image, s.channels)).astype(dtype))
    f = guarded(rng.standard_normal((*s.kernel, s.channels // s.groups, s.columns)).astype(dtype))
    b = guarded(rng.standard_normal(s.columns).astype(dtype))
    y = guarded(np.full((s.batch, *s.result, s.columns), np.nan, dtype))
    panels = threads % 2 == 1 and packs(s.columns, s.groups)  # one way or the other
    p = plan(s, dtype, packed=panels, bias=bias, activation=activation, threads=threads)
    given = packed(f, s.groups) if panels else f
    words = p.words([a.ctypes.data for a in (x, given, y, b)[: 3 + bias]])
    ranges = [(i, min(i + p.chunk, p.units)) for i in reversed(range(0, p.units, p.chunk))]
    launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes)
    want = reference(s, x, f.astype(np.float64)) + (b if bias else 0)
    want = clipped(want, activation)
    bound = TOLERANCE[dtype] * (1 + s.depth**0.5)
    np.testing.assert_allclose(y, want, rtol=bound, atol=bound, err_msg=str(s))
    return y


def clipped(y: Array, activation: str) -> Array:
    return np.clip(y, 0, 6 if activation == "relu6" else None) if activation else y


def packs(columns: int, groups: int) -> bool:
    return columns > 0 and columns // groups % 16 == 0


def packed(f: Array, groups: int, exchanged: bool = False) -> Array:
    """The filter's panels; exchanged: of the filter with its last two axes exchanged."""
    out = guarded(np.full(f.size, np.nan, f.dtype))
    columns = f.shape[-2 if exchanged else -1]
    taps = int(np.prod(f.shape[:-2])) if exchanged else 0
    p = plan_pack(f.size // columns, columns, groups, f.dtype.name, exchanged=taps)
    words = p.words([f.ctypes.data, out.ctypes.data])
    launch(p.address, words, [(i, i + 1) for i in reversed(range(p.units))])
    return out


def check_transposed(s: Window, dtype: str = "float32", bias: bool = False) -> None:
    """<conv(x), dy> = <x, transposed(dy)> for every x: column by column of x."""
    rng = np.random.default_rng(5)
    f = guarded(rng.standard_normal((*s.kernel, s.channels // s.groups, s.columns)).astype(dtype))
    dy = guarded(rng.standard_normal((s.batch, *s.result, s.columns)).astype(dtype))
    b = guarded(rng.standard_normal(s.channels).astype(dtype))
    dx = guarded(np.full((s.batch, *s.image, s.channels), np.nan, dtype))
    c, oc = s.channels // s.groups, s.columns // s.groups
    parts = [f[..., g * oc : (g + 1) * oc].swapaxes(-1, -2) for g in range(s.groups)]
    exchanged = guarded(np.ascontiguousarray(np.concatenate(parts, -2)))
    assert exchanged.shape == (*s.kernel, s.columns, c)
    panels = s.groups == 1 and s.batch % 2 == 1 and packs(s.channels, 1)
    p = plan_transposed(s, dtype, packed=panels, bias=bias)
    given = packed(f, 1, exchanged=True) if panels else exchanged
    words = p.words([a.ctypes.data for a in (dy, given, dx, b)[: 3 + bias]])
    ranges = [(i, min(i + p.chunk, p.units)) for i in reversed(range(0, p.units, p.chunk))]
    launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes)
    want = np.zeros(dx.shape)
    reach = [s.result[k] * s.strides[k] + s.kernel[k] * s.dilations[k] for k in range(3)]
    wide = np.zeros((s.batch, *[n + m for n, m in zip(s.image, reach, strict=True)], s.channels))
    for place in itertools.product(*map(range, s.kernel)):
        begin = [place[k] * s.dilations[k] for k in range(3)]
        cut = [
            slice(begin[k], begin[k] + (s.result[k] - 1) * s.strides[k] + 1, s.strides[k])
            for k in range(3)
        ]
        for g in range(s.groups):
            own = slice(g * oc, (g + 1) * oc)
            add = dy[..., own].astype(np.float64) @ f[place][:, own].T.astype(np.float64)
            wide[:, cut[0], cut[1], cut[2], g * c : (g + 1) * c] += add
    inside = [slice(s.padding[k], s.padding[k] + s.image[k]) for k in range(3)]
    want = wide[:, inside[0], inside[1], inside[2]] + (b if bias else 0)
    bound = TOLERANCE[dtype] * (1 + (s.depth * s.columns) ** 0.5)
    np.testing.assert_allclose(dx, want, rtol=bound, atol=bound, err_msg=str(s))


def check_filter(s: Window, dtype: str = "float32", threads: int = 2) -> Array:
    """The sum of the parts is the gradient by the filter; its bits are returned."""
    rng = np.random.default_rng(5)
    x = guarded(rng.standard_normal((s.batch, *s.image, s.channels)).astype(dtype))
    dy = guarded(rng.standard_normal((s.batch, *s.result, s.columns)).astype(dtype))
    shape = (*s.kernel, s.channels // s.groups, s.columns)
    parts = guarded(np.full((1 + s.columns % 4, *shape), np.nan, dtype))
    p = conv_filter.plan(s, dtype, parts=len(parts), threads=threads)
    words = p.words([a.ctypes.data for a in (x, dy, parts)])
    ranges = [(i, i + 1) for i in reversed(range(p.units))]
    launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes)
    want = np.zeros(shape)
    reach = [s.result[k] * s.strides[k] + s.kernel[k] * s.dilations[k] for k in range(3)]
    wide = np.zeros((s.batch, *[n + m for n, m in zip(s.image, reach, strict=True)], s.channels))
    inside = [slice(s.padding[k], s.padding[k] + s.image[k]) for k in range(3)]
    wide[:, inside[0], inside[1], inside[2]] = x
    c, oc = s.channels // s.groups, s.columns // s.groups
    for place in itertools.product(*map(range, s.kernel)):
        begin = [place[k] * s.dilations[k] for k in range(3)]
        cut = [
            slice(begin[k], begin[k] + (s.result[k] - 1) * s.strides[k] + 1, s.strides[k])
            for k in range(3)
        ]
        part = wide[:, cut[0], cut[1], cut[2]]
        for g in range(s.groups):
            own = slice(g * oc, (g + 1) * oc)
            mine = part[..., g * c : (g + 1) * c]
            want[place][:, own] = np.einsum("nzyxc,nzyxo->co", mine, dy[..., own].astype(float))
    bound = TOLERANCE[dtype] * (1 + (s.batch * np.prod(s.result)) ** 0.5)
    np.testing.assert_allclose(parts.sum(0), want, rtol=bound, atol=bound, err_msg=str(s))
    return parts


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "s",
    [
        Window(2, (1, 7, 9), 3, (1, 3, 3), 5, (1, 7, 9), padding=(0, 1, 1)),
        Window(2, (1, 7, 9), 16, (1, 3, 3), 70, (1, 7, 9), padding=(0, 1, 1)),
        Window(1, (1, 11, 13), 4, (1, 5, 3), 33, (1, 4, 6), strides=(1, 2, 2)),
        Window(3, (1, 9, 13), 6, (1, 3, 3), 8, (1, 9, 13), padding=(0, 2, 2), dilations=(1, 2, 2)),
        Window(2, (1, 11, 13), 6, (1, 3, 3), 9, (1, 11, 13), padding=(0, 1, 1), groups=3),
        Window(2, (4, 5, 6), 3, (3, 3, 3), 7, (2, 3, 3), strides=(2, 2, 2), padding=(1, 1, 1)),
        Window(0, (1, 5, 6), 3, (1, 3, 3), 7, (1, 5, 6), padding=(0, 1, 1)),
        Window(2, (1, 5, 6), 3, (1, 7, 9), 7, (1, 5, 6), padding=(0, 3, 4)),
        Window(2, (1, 2, 2), 3, (1, 5, 5), 40, (1, 2, 2), padding=(0, 2, 2)),
        Window(2, (1, 28, 28), 1, (1, 5, 5), 32, (1, 28, 28), padding=(0, 2, 2)),
        Window(1, (1, 1, 50), 5, (1, 1, 7), 16, (1, 1, 44)),
        Window(1, (1, 6, 6), 5, (1, 1, 1), 64, (1, 3, 3), strides=(1, 2, 2)),
        Window(1, (1, 3, 3), 300, (1, 3, 3), 300, (1, 3, 3), padding=(0, 1, 1)),
        Window(1, (1, 40, 3), 2, (1, 3, 1), 3, (1, 40, 3), padding=(0, 1, 0)),
        Window(2, (1, 5, 5), 0, (1, 3, 3), 4, (1, 3, 3)),
        Window(3, (1, 5, 5), 32, (1, 3, 3), 80, (1, 3, 3)),
        Window(1, (1, 5, 5), 48, (1, 3, 3), 96, (1, 3, 3), groups=3),
    ],
)  # fmt: skip
def test_sizes(s: Window, dtype: str) -> None:
    everything(s, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "s",
    [
        Window(16, (1, 2, 2), 64, (1, 3, 3), 96, (1, 2, 2), padding=(0, 1, 1)),
        Window(17, (1, 4, 4), 20, (1, 3, 3), 37, (1, 2, 2), padding=(0, 0, 0), strides=(1, 2, 2)),
        Window(9, (1, 1, 1), 5, (1, 3, 3), 16, (1, 1, 1), padding=(0, 1, 1)),
        Window(8, (2, 3, 4), 3, (2, 3, 2), 48, (2, 3, 4), padding=(1, 1, 0), dilations=(1, 1, 2)),
        Window(25, (1, 7, 7), 16, (1, 3, 3), 32, (1, 4, 4), padding=(0, 1, 1), strides=(1, 2, 2)),
        Window(8, (1, 2, 2), 512, (1, 1, 1), 16, (1, 2, 2)),
        Window(1000, (1, 3, 3), 19, (1, 3, 3), 17, (1, 3, 3), padding=(0, 1, 1)),
        Window(8, (1, 9, 4), 6, (1, 3, 3), 7, (1, 2, 4), padding=(0, 0, 1), strides=(1, 5, 1)),
        Window(8, (1, 1, 3), 6, (1, 3, 5), 7, (1, 3, 3), padding=(0, 2, 2)),
    ],
)  # fmt: skip
def test_tiny_images(s: Window, dtype: str) -> None:
    """Tiles run over the batch."""
    everything(s, dtype)


def everything(s: Window, dtype: str) -> None:
    check(s, dtype, bias=True)
    check(s, dtype, threads=3)
    check_transposed(s, dtype, bias=True)
    check_filter(s, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [False, True])
def test_residual(dtype: str, bias: bool) -> None:
    """Added before the activation, of both kernels; where tiles have a tail, too."""
    rng = np.random.default_rng(7)
    s = Window(2, (1, 9, 13), 6, (1, 3, 3), 21, (1, 9, 13), padding=(0, 1, 1))
    for make, sizes, read, written in (
        (plan, s, s.channels, s.columns),
        (plan_transposed, s, s.columns, s.channels),
    ):
        x = rng.standard_normal((2, 9, 13, read)).astype(dtype)
        f = rng.standard_normal((3, 3, read, written)).astype(dtype)
        b = rng.standard_normal(written).astype(dtype) if bias else np.zeros(written, dtype)
        r = guarded(rng.standard_normal((2, 9, 13, written)).astype(dtype))
        found = []
        for residual in (False, True):
            y = guarded(np.full(r.shape, np.nan, dtype))
            relu = "relu6" if residual else ""
            p = make(sizes, dtype, bias=bias, residual=residual, activation=relu, threads=2)
            operands = [x, f, y, *[b] * bias, *[r] * residual]
            words = p.words([a.ctypes.data for a in operands])
            ranges = [(i, min(i + p.chunk, p.units)) for i in range(0, p.units, p.chunk)]
            launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes)
            found.append(y.copy())
        np.testing.assert_array_equal(found[1], np.clip(found[0] + r, 0, 6))


def test_relu_and_bias() -> None:
    s = Window(2, (1, 7, 9), 5, (1, 3, 3), 20, (1, 7, 9), padding=(0, 1, 1))
    check(s, bias=True, activation="relu")
    check(s, activation="relu")
    check(s, bias=True, activation="relu6")


def test_threads_do_not_change_the_bits() -> None:
    s = Window(3, (1, 19, 17), 8, (1, 3, 3), 70, (1, 19, 17), padding=(0, 1, 1))
    for other in (1, 2, 7):
        np.testing.assert_array_equal(check(s, threads=other), check(s, threads=3))
        np.testing.assert_array_equal(check_filter(s, threads=other), check_filter(s, threads=3))
    s = Window(41, (1, 3, 3), 8, (1, 3, 3), 70, (1, 3, 3), padding=(0, 1, 1))
    for other in (1, 2, 7):
        np.testing.assert_array_equal(check(s, threads=other), check(s, threads=3))
        np.testing.assert_array_equal(check_filter(s, threads=other), check_filter(s, threads=3))


@pytest.mark.parametrize("seed", range(40))
def test_drawn_windows(seed: int) -> None:
    """Strides, padding, dilation, groups, planes: everything at once."""
    draw = random.Random(seed)

    def three(low: int, high: int) -> Three:
        flat = draw.random() < 0.6
        return (
            1 if flat else draw.randint(low, high),
            draw.randint(low, high),
            draw.randint(low, high),
        )

    kernel, strides, dilations = three(1, 4), three(1, 3), three(1, 3)
    groups = draw.choice([1, 1, 1, 2, 3])

    def each(size: Callable[[int], int]) -> Three:
        return size(0), size(1), size(2)

    span = [(kernel[k] - 1) * dilations[k] + 1 for k in range(3)]
    padding = each(lambda k: draw.randint(0, span[k] - 1))
    behind = [draw.randint(0, n - 1) for n in span]
    image = each(lambda k: max(1, span[k] - padding[k] - behind[k]) + draw.randint(0, 9))
    result = each(lambda k: (image[k] + padding[k] + behind[k] - span[k]) // strides[k] + 1)
    s = Window(
        draw.choice([1, 2, 3, 13]), image, groups * draw.choice([1, 2, 3, 17]), kernel,
        groups * draw.choice([1, 3, 16, 37]), result, strides, padding, dilations, groups,
    )  # fmt: skip
    check(
        s,
        draw.choice(["float32", "float64"]),
        draw.random() < 0.5,
        draw.choice(["", "relu", "relu6"]),
        draw.choice([2, 3]),
    )
    check_transposed(s, draw.choice(["float32", "float64"]), draw.random() < 0.5)
    check_filter(s, draw.choice(["float32", "float64"]))
