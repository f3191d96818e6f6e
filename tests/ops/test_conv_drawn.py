"""Windows, blocks, boxes and norms over drawn shapes: values, both gradients, unknown sizes.

Convolutions, their transposes, depthwise ones and pools are drawn beside their Cases.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf
from tests.contract import (
    SINGLE_AND_DOUBLE,
    Case,
    check,
    check_gradient,
    check_traced,
    check_value,
    floats,
)
from tests.ops import convolution_oracle as oracle

FEW = settings(deadline=None, max_examples=6)
Data = st.DataObject


def _check(case: Case) -> None:
    """The contract, and a trace that knows the rank of the first argument only, but channels."""
    check(case)
    first, *others = [a.astype(np.float64) for a in case.arrays()]
    spec = nf.TensorSpec([*[None] * (first.ndim - 1), first.shape[-1]], nf.float64)
    for part in (first, first[:1]):
        compiled = nf.function(lambda x: case.run([x, *others]), input_signature=[spec])
        for got, want in zip(compiled(part), case.run([part, *others]), strict=True):
            assert got.spec == want.spec
            np.testing.assert_allclose(got.numpy(), want.numpy(), 1e-10, 1e-10)


class _Window:
    """A window over images of two axes that it fits, as users write it."""

    def __init__(self, data: Data, most: int = 3, dilated: bool = True) -> None:
        def two(low: int, high: int) -> list[int]:
            return [data.draw(st.integers(low, high)) for _ in range(2)]

        self.kernel, self.strides = two(1, most), two(1, 3)
        self.dilations = two(1, 2) if dilated else [1, 1]
        self.padding = data.draw(st.sampled_from(["SAME", "VALID"]))
        reach = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True)]
        low = reach if self.padding == "VALID" else [1, 1]
        self.image = [n + m for n, m in zip(low, two(0, 4), strict=True)]
        self.batch, self.channels = data.draw(st.integers(0, 2)), data.draw(st.integers(1, 4))

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.batch, *self.image, self.channels)

    @property
    def four(self) -> list[int]:
        return [1, *self.strides, 1]


@FEW
@given(st.data())
def test_depthwise(data: Data) -> None:
    w = _Window(data)
    case = Case(
        nf.nn.depthwise_conv2d,
        lambda x, f: oracle.depthwise(x, f, w.strides, w.padding, w.dilations),
        [floats(*w.shape), floats(*w.kernel, w.channels, data.draw(st.integers(1, 3)))],
        {"strides": w.four, "padding": w.padding, "dilations": w.dilations},
        dtypes=SINGLE_AND_DOUBLE,
    )
    _check(case)


@FEW
@given(st.data())
def test_separable(data: Data) -> None:
    w = _Window(data, dilated=False)
    times, columns = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 5))
    case = Case(
        nf.nn.separable_conv2d,
        lambda x, f, p: oracle.depthwise(x, f, w.strides, w.padding) @ p[0, 0],
        [
            floats(*w.shape),
            floats(*w.kernel, w.channels, times),
            floats(1, 1, w.channels * times, columns),
        ],
        {"strides": w.four, "padding": w.padding},
        dtypes=SINGLE_AND_DOUBLE,
    )
    _check(case)


@FEW
@given(st.data())
def test_transposes(data: Data) -> None:
    """Of every image that leads to the same result."""
    axes = data.draw(st.integers(1, 3))

    def drawn(low: int, high: int) -> list[int]:
        return [data.draw(st.integers(low, high)) for _ in range(axes)]

    kernel, strides, dilations = drawn(1, 3), drawn(1, 3), drawn(1, 2)
    padding = data.draw(st.sampled_from(["SAME", "VALID"]))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    image = [n + m for n, m in zip(reach, drawn(0, 3), strict=True)]
    groups, depth, columns = (data.draw(st.integers(1, 2)) for _ in range(3))
    shape = (data.draw(st.integers(0, 2)), *image, groups * depth)
    y = oracle.conv(np.zeros(shape), np.zeros((*kernel, depth, groups * columns)),
                    strides, padding, dilations)  # fmt: skip
    case = Case(
        nf.nn.conv_transpose,
        lambda y, f: oracle.transposed(y, f, shape, strides, padding, dilations),
        [floats(*y.shape), floats(*kernel, depth, groups * columns)],
        {
            "output_shape": list(shape), "strides": strides, "padding": padding,
            "dilations": dilations,
        },
        dtypes=SINGLE_AND_DOUBLE,
    )  # fmt: skip
    check(case)


@FEW
@given(st.data())
def test_patches(data: Data) -> None:
    w = _Window(data)

    def patches(x: Any) -> Any:
        view = oracle.windows(x, w.kernel, w.strides, w.padding, w.dilations)
        last = np.moveaxis(view, 3, -1)
        return last.reshape(*last.shape[:3], np.prod(w.kernel) * w.channels)

    case = Case(
        nf.image.extract_patches,
        patches,
        [floats(*w.shape)],
        {
            "sizes": [1, *w.kernel, 1], "strides": w.four, "rates": [1, *w.dilations, 1],
            "padding": w.padding,
        },
    )  # fmt: skip
    _check(case)


@pytest.mark.parametrize("erode", [False, True], ids=["dilation2d", "erosion2d"])
@FEW
@given(st.data())
def test_morphology(erode: bool, data: Data) -> None:
    w = _Window(data)

    def dilated(x: Any, f: Any) -> Any:
        view = oracle.windows(x, w.kernel, w.strides, w.padding, w.dilations, -np.inf)
        most = (view + np.moveaxis(f, -1, 0)).max((-2, -1))
        return np.maximum(most, np.finfo(np.float32).min)  # of windows that read nothing

    case = Case(
        nf.nn.erosion2d if erode else nf.nn.dilation2d,
        (lambda x, f: -dilated(-x, f[::-1, ::-1])) if erode else dilated,
        [floats(*w.shape), floats(*w.kernel, w.channels)],
        {
            "strides": w.four, "padding": w.padding, "data_format": "NHWC",
            "dilations": [1, *w.dilations, 1],
        },
        dtypes=(nf.float32,),
    )  # fmt: skip
    read = oracle.windows(np.ones(w.shape), w.kernel, w.strides, w.padding, w.dilations)
    if read.size and not read.any((-2, -1)).all():  # no slope is that large
        check_value(case, nf.float32)
    else:
        _check(case)


@FEW
@given(st.data())
def test_places_of_the_largest(data: Data) -> None:
    """Their gradient is that of the largest; the index names an equal element."""
    w = _Window(data, dilated=False)
    case = Case(
        lambda x: nf.nn.max_pool_with_argmax(x, w.kernel, w.strides, w.padding)[0],
        lambda x: oracle.windows(x, w.kernel, w.strides, w.padding, 1, -np.inf).max((-2, -1)),
        [floats(*w.shape)],
        dtypes=SINGLE_AND_DOUBLE,
    )
    check_value(case, nf.float64)
    check_traced(case)
    check_gradient(case)
    (x,) = case.arrays()
    y, index = nf.nn.max_pool_with_argmax(x, w.kernel, w.strides, w.padding)
    if w.batch:
        rows = x.reshape(w.batch, -1)
        named = np.take_along_axis(rows, index.numpy().reshape(w.batch, -1), 1)
        np.testing.assert_array_equal(named.reshape(y.shape), y.numpy())


@pytest.mark.parametrize("method", ["bilinear", "nearest", "bicubic", "area", "lanczos3"])
@FEW
@given(st.data())
def test_resizes(method: str, data: Data) -> None:
    """Linear in the image, with weights of sum 1; traced for sizes that are not known."""
    rows, columns, tall, wide = (data.draw(st.integers(1, 9)) for _ in range(4))
    antialias = data.draw(st.booleans())
    shape = (data.draw(st.integers(0, 2)), rows, columns, data.draw(st.integers(1, 3)))
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)

    def resized(image: Any) -> Any:
        return nf.image.resize(image, (tall, wide), method, antialias=antialias)

    def both(image: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(image)
            y = resized(image)
            total = nf.reduce_sum(y * y)
        return y, tape.gradient(total, image)

    spec = nf.TensorSpec([None, None, None, shape[-1]])
    for got, want in zip(
        nf.function(both, input_signature=[spec])(x), both(nf.constant(x)), strict=True
    ):
        np.testing.assert_allclose(got.numpy(), want.numpy(), 2e-5, 2e-5)
    ones = resized(nf.ones(shape)).numpy()
    np.testing.assert_allclose(ones, np.ones((shape[0], tall, wide, shape[-1])), 1e-5)
    twice = resized(2.0 * x + 1.0).numpy()
    np.testing.assert_allclose(twice, 2 * resized(x).numpy() + 1, 1e-4, 1e-4)


@FEW
@given(st.data())
def test_crops(data: Data) -> None:
    """Of boxes anywhere: the gradients by image and boxes are those of finite differences."""
    shape = tuple(data.draw(st.integers(1, n)) for n in (3, 6, 6, 2))
    count, tall, wide = (data.draw(st.integers(low, 3)) for low in (0, 1, 1))
    chosen = [data.draw(st.integers(0, shape[0] - 1)) for _ in range(count)]
    indices = np.array(chosen, np.int32)
    case = Case(
        nf.image.crop_and_resize,
        lambda x, boxes: _crops(x, boxes, indices, tall, wide),
        [floats(*shape), floats(count, 4, low=-0.2, high=1.2)],
        {"box_indices": indices, "crop_size": (tall, wide), "extrapolation_value": 0.25},
        dtypes=(nf.float32,),
        gradient=False,
        slack=4.0,
    )
    check(case)


def _crops(x: Any, boxes: Any, indices: Any, tall: int, wide: int) -> Any:
    """Bilinear samples, as https://www.tensorflow.org/api_docs/python/tf/image/crop_and_resize."""
    rows, columns = x.shape[1:3]
    out = np.full((len(boxes), tall, wide, x.shape[3]), 0.25)

    def places(low: float, high: float, count: int, size: int) -> list[float]:
        if count == 1:
            return [0.5 * (low + high) * (size - 1)]
        step = (high - low) * (size - 1) / (count - 1)
        return [low * (size - 1) + k * step for k in range(count)]

    for b, (y1, x1, y2, x2) in enumerate(boxes):
        for i, r in enumerate(places(y1, y2, tall, rows)):
            for j, c in enumerate(places(x1, x2, wide, columns)):
                if not (0 <= r <= rows - 1 and 0 <= c <= columns - 1):
                    continue
                top, left = int(r), int(c)
                down, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
                v, u = r - top, c - left
                image = x[indices[b]]
                upper = image[top, left] * (1 - u) + image[top, right] * u
                lower = image[down, left] * (1 - u) + image[down, right] * u
                out[b, i, j] = upper * (1 - v) + lower * v
    return out


@FEW
@given(st.data())
def test_blocks(data: Data) -> None:
    """Blocks of pixels become channels, and come back."""
    block, rows, columns, channels = (data.draw(st.integers(n, 3)) for n in (2, 1, 1, 1))
    batch = data.draw(st.integers(0, 2))
    shape = (batch, rows * block, columns * block, channels)

    def deep(x: Any) -> Any:
        parts = x.reshape(batch, rows, block, columns, block, channels)
        return parts.transpose(0, 1, 3, 2, 4, 5).reshape(batch, rows, columns, -1)

    deepest = block * block * channels
    if not batch:
        return  # nothing to reshape by -1 in the oracle
    _check(Case(nf.nn.space_to_depth, deep, [floats(*shape)], {"block_size": block}))

    def flat(x: Any) -> Any:
        parts = x.reshape(batch, rows, columns, block, block, channels)
        return parts.transpose(0, 1, 3, 2, 4, 5).reshape(shape)

    case = Case(
        nf.nn.depth_to_space, flat, [floats(batch, rows, columns, deepest)], {"block_size": block}
    )
    _check(case)


@FEW
@given(st.data())
def test_response_normalization(data: Data) -> None:
    shape = tuple(data.draw(st.integers(*bounds)) for bounds in ((0, 4), (1, 4), (1, 4), (1, 9)))
    radius = data.draw(st.integers(0, 5))
    bias, alpha, beta = 1.5, 0.7, data.draw(st.sampled_from([0.5, 0.75, 1.0]))

    def normalized(x: Any) -> Any:
        channels = shape[-1]
        sums = np.zeros_like(x)
        for c in range(channels):
            near = slice(max(0, c - radius), c + radius + 1)
            sums[..., c] = (x[..., near] ** 2).sum(-1)
        return x / (bias + alpha * sums) ** beta

    case = Case(
        nf.nn.local_response_normalization,
        normalized,
        [floats(*shape)],
        {"depth_radius": radius, "bias": bias, "alpha": alpha, "beta": beta},
    )
    _check(case)


@pytest.mark.parametrize("training", [True, False])
@FEW
@given(st.data())
def test_batch_norms(training: bool, data: Data) -> None:
    """By the batch's statistics, or by those that are given."""
    shape = tuple(data.draw(st.integers(*bounds)) for bounds in ((2, 4), (2, 4), (2, 4), (1, 5)))
    c = shape[-1]
    args = [floats(*shape), floats(c), floats(c)]

    def trained(x: Any, scale: Any, offset: Any) -> Any:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        return (x - mean) / np.sqrt(variance + 1e-3) * scale + offset

    def judged(x: Any, scale: Any, offset: Any, mean: Any, variance: Any) -> Any:
        return (x - mean) / np.sqrt(variance + 1e-3) * scale + offset

    norm = nf.compat.v1.nn.fused_batch_norm
    if training:
        case = Case(lambda *a: norm(*a)[0], trained, args, dtypes=SINGLE_AND_DOUBLE, slack=8.0)
    else:
        case = Case(
            lambda *a: norm(*a, is_training=False)[0],
            judged,
            [*args, floats(c), floats(c, low=0.5)],
            dtypes=SINGLE_AND_DOUBLE,
            slack=4.0,
        )
    _check(case)
