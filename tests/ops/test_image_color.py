"""Colours: against colorsys and the formulas, one pixel after the other."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints

image = nf.image
SHAPES = [(2, 5, 7, 3), (1, 4, 3), (0, 2, 2, 3)]
SINGLE = (nf.float32, nf.float16)


def _pixels(f: Callable[..., Any]) -> Callable[[Any], Any]:
    """f(a, b, c) of each pixel."""

    def oracle(x: Any) -> Any:
        flat = [f(*p) for p in x.reshape(-1, 3)]
        return np.array(flat, np.float64).reshape(x.shape)

    return oracle


def _turned(delta: float) -> Callable[[Any], Any]:
    def one(r: float, g: float, b: float) -> Any:
        h, s, v = colorsys.rgb_to_hsv(r, g, b)
        return colorsys.hsv_to_rgb((h + delta) % 1.0, s, v)

    return _pixels(one)


def _saturated(factor: float) -> Callable[[Any], Any]:
    def one(r: float, g: float, b: float) -> Any:
        h, s, v = colorsys.rgb_to_hsv(r, g, b)
        return colorsys.hsv_to_rgb(h, min(1.0, max(0.0, s * factor)), v)

    return _pixels(one)


def _contrast(factor: float) -> Callable[[Any], Any]:
    def oracle(x: Any) -> Any:
        mean = x.mean((-3, -2), keepdims=True)
        return (x - mean) * factor + mean

    return oracle


def _standard(x: Any) -> Any:
    axes = (-3, -2, -1)
    least = 1 / np.sqrt(np.prod(x.shape[-3:]))
    return (x - x.mean(axes, keepdims=True)) / np.maximum(x.std(axes, keepdims=True), least)


def _yiq(r: float, g: float, b: float) -> Any:
    y = 0.299 * r + 0.587 * g + 0.114 * b
    i = 0.59590059 * r - 0.27455667 * g - 0.32134392 * b
    return y, i, 0.2115 * r - 0.52273617 * g + 0.31119955 * b


def _yuv(r: float, g: float, b: float) -> Any:
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return y, (b - y) * 0.4921110, (r - y) * 0.8772832


def _case(op: Any, oracle: Any, shape: tuple[int, ...], slack: float = 1.0, **attrs: Any) -> Case:
    """Of colours that are apart: hue and saturation have kinks where two of them are equal."""
    return Case(op, oracle, [floats(*shape, low=0.05, high=1.0)], attrs, slack=slack)


def _public(op: Any, oracle: Any, shape: tuple[int, ...], slack: float = 1.0, **attrs: Any) -> Case:
    """What gives float32 also of float64: no finite differences."""
    draw = [floats(*shape, low=0.05, high=1.0)]
    return Case(op, oracle, draw, attrs, SINGLE, gradient=False, slack=slack)


CASES = [
    *(_case(image.rgb_to_hsv, _pixels(colorsys.rgb_to_hsv), s, 4.0) for s in SHAPES),
    _case(image.rgb_to_hsv, _pixels(colorsys.rgb_to_hsv), (3,)),
    *(_case(image.hsv_to_rgb, _pixels(colorsys.hsv_to_rgb), s, 4.0) for s in SHAPES),
    *(_case(image.rgb_to_yiq, _pixels(_yiq), s) for s in SHAPES),
    *(_case(image.yiq_to_rgb, lambda x: x @ np.linalg.inv(_matrix(_yiq)), s) for s in SHAPES[:1]),
    *(_case(image.rgb_to_yuv, _pixels(_yuv), s) for s in SHAPES),
    *(_case(image.yuv_to_rgb, lambda x: x @ np.linalg.inv(_matrix(_yuv)), s) for s in SHAPES[:1]),
    *(_public(image.adjust_hue, _turned(d), s, 3.0, delta=d) for s in SHAPES for d in (0.3, -1.0)),
    *(
        _public(image.adjust_saturation, _saturated(f), s, saturation_factor=f)
        for s in SHAPES
        for f in (0.5, 1.5, -1.0)
    ),
    *(
        _public(image.adjust_contrast, _contrast(f), s, contrast_factor=f)
        for s in SHAPES[:2]
        for f in (1.7, 0.0)
    ),
    *(_public(image.adjust_brightness, lambda x: x + 0.25, s, delta=0.25) for s in SHAPES),
    *(_public(image.adjust_gamma, lambda x: 2 * x**0.5, s, gamma=0.5, gain=2) for s in SHAPES),
    *(
        _public(image.rgb_to_grayscale, lambda x: x @ [[0.2989], [0.587], [0.114]], s)
        for s in SHAPES
    ),
    *(_public(image.per_image_standardization, _standard, s) for s in SHAPES[:2]),
    *(
        Case(image.grayscale_to_rgb, lambda x: np.repeat(x, 3, -1), [d])
        for d in (floats(2, 3, 5, 1), ints(4, 1), floats(0, 2, 1))
    ),
    *(
        Case(image.convert_image_dtype, lambda x: x, [floats(2, 3, 1)], {"dtype": d})
        for d in (nf.float64,)
    ),
]  # fmt: skip


def _matrix(f: Callable[..., Any]) -> Any:
    return np.array([f(*row) for row in np.eye(3)])


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_colours_keep_the_contract(case: Case) -> None:
    if case.op in (image.rgb_to_yuv, image.yuv_to_rgb, image.yiq_to_rgb):  # rounded matrices
        case = Case(case.op, case.oracle, case.args, case.attrs, SINGLE, slack=4.0)
    check(case)


@pytest.mark.parametrize("op", ["adjust_hue", "adjust_saturation", "adjust_contrast"])
def test_gradients_of_adjustments(op: str) -> None:
    """Float32 differences along a direction."""
    rng = np.random.default_rng(2)
    x = nf.constant(rng.uniform(0.1, 0.9, (2, 3, 5, 3)).astype(np.float32))
    along = nf.constant(rng.uniform(-1, 1, x.shape).astype(np.float32))
    f = getattr(nf.image, op)

    def total(x: Any) -> Any:
        return nf.reduce_sum(f(x, 0.3) * nf.reshape(nf.range(90.0), x.shape)) / 90.0

    with nf.GradientTape() as tape:
        tape.watch(x)
        y = total(x)
    slope = float(nf.reduce_sum(tape.gradient(y, x) * along))
    step = 1e-3
    want = (float(total(x + step * along)) - float(total(x - step * along))) / (2 * step)
    np.testing.assert_allclose(slope, want, 2e-2)


# --- dtypes: TensorFlow's numbers -------------------------------------------------------------


@pytest.mark.parametrize(("given", "have", "want", "saturate", "numbers"), [
    ([0, 51, 255], nf.uint8, nf.float32, False, [0.0, 0.2, 1.0]),
    ([0.0, 0.5, 1.0], nf.float32, nf.uint8, False, [0, 127, 255]),
    ([-1.0, 0.5, 2.0], nf.float32, nf.uint8, True, [0, 127, 255]),
    ([0.0, 0.5, 1.0], nf.float32, nf.int16, True, [0, 16383, 32767]),
    ([0, 100, 255], nf.uint8, nf.uint16, False, [0, 25600, 65280]),
    ([0, 100, 255], nf.uint8, nf.int8, False, [0, 50, 127]),
    ([-5, 0, 127], nf.int8, nf.uint8, True, [0, 0, 254]),
    ([0, 300, 65535], nf.uint16, nf.uint8, False, [0, 1, 255]),
    ([0.0, 0.5, 1.0], nf.float16, nf.uint16, True, [0, 32767, 65535]),
    ([0.0, 0.5], nf.float32, nf.float64, False, [0.0, 0.5]),
])  # fmt: skip
def test_dtypes_are_scaled(given: Any, have: Any, want: Any, saturate: bool, numbers: Any) -> None:
    """Of integers, the largest value is 1.0."""
    got = nf.image.convert_image_dtype(nf.constant(given, have), want, saturate)
    assert got.dtype is want
    np.testing.assert_allclose(got.numpy(), numbers, 1e-6)


def test_integers_come_back_as_integers() -> None:
    """Adjusted in float32, saturated or not as in TensorFlow."""
    x = nf.constant(np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10)
    bright = nf.image.adjust_brightness(x, 0.5)
    assert bright.dtype is nf.uint8
    assert int(nf.reduce_max(bright)) == 255
    for y in (nf.image.adjust_hue(x, 0.2), nf.image.adjust_saturation(x, 2.0),
              nf.image.adjust_contrast(x, 2.0), nf.image.rgb_to_grayscale(x)):  # fmt: skip
        assert y.dtype is nf.uint8
    assert nf.image.per_image_standardization(x).dtype is nf.float32


def test_grey_and_black_pixels_have_no_hue() -> None:
    """And no NaN, in values and gradients."""
    x = nf.constant([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [1.0, 1.0, 1.0]])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = nf.image.rgb_to_hsv(x)
    np.testing.assert_array_equal(y.numpy(), [[0, 0, 0], [0, 0, 0.5], [0, 0, 1]])
    assert np.isfinite(tape.gradient(y, x).numpy()).all()


def test_even_images_are_standardized_to_zero() -> None:
    """The deviation is at least 1 / sqrt(elements)."""
    got = nf.image.per_image_standardization(nf.fill([2, 4, 4, 1], 7))
    np.testing.assert_array_equal(got.numpy(), np.zeros((2, 4, 4, 1)))


def test_factors_may_be_tensors_of_a_trace() -> None:
    """One trace for all factors and batches."""
    f = nf.function(
        lambda x, a: (
            nf.image.adjust_hue(x, a),
            nf.image.adjust_saturation(x, a),
            nf.image.adjust_gamma(x, a),
            nf.image.per_image_standardization(x),
        ),
        input_signature=[nf.TensorSpec([None, None, 3, 3]), nf.TensorSpec([])],
    )
    for n, a in [(2, 0.25), (5, 0.75)]:
        x = nf.random.stateless_uniform([n, 3, 3], (1, n))
        x = nf.random.stateless_uniform([n, 2, 3, 3], (1, n))
        for got, want in zip(f(x, nf.constant(a)), (
            nf.image.adjust_hue(x, a), nf.image.adjust_saturation(x, a),
            nf.image.adjust_gamma(x, a), nf.image.per_image_standardization(x),
        ), strict=True):  # fmt: skip
            np.testing.assert_allclose(got.numpy(), want.numpy(), 1e-5, 1e-6)
    with pytest.raises(nf.errors.InvalidArgumentError, match="gamma must not be negative"):
        f(nf.ones([1, 1, 3, 3]), nf.constant(-0.5))


RGB = np.ones((2, 2, 3))
BAD: list[tuple[Any, tuple[Any, ...], Any, str]] = [
    (image.adjust_hue, (RGB, 1.5), ValueError, "image.adjust_hue: delta must be within [-1, 1]"),
    (image.adjust_hue, (np.ones((2, 2, 4)), 0.5), ValueError, "the last axis of image must be 3"),
    (image.adjust_hue, (RGB, [0.5, 0.5]), ValueError, "image.adjust_hue: delta must be one number"),
    (image.adjust_saturation, (np.ones((2, 3)), 0.5), ValueError, "image.adjust_saturation: image"),
    (image.adjust_contrast, (np.ones((2, 3)), 0.5), ValueError,
     "image.adjust_contrast: images must"),
    (image.adjust_contrast, (RGB, [1.0]), ValueError, "contrast_factor must be one number"),
    (image.adjust_gamma, (RGB, -1), ValueError, "image.adjust_gamma: gamma must not be negative"),
    (image.adjust_gamma, (RGB, float("nan")), ValueError, "gamma must not be negative"),
    (image.adjust_brightness, (RGB.astype(bool), 1.0), TypeError,
     "image.adjust_brightness: image is bool"),
    (image.rgb_to_hsv, (np.ones((2, 2)),), ValueError, "image.rgb_to_hsv: the last axis of images"),
    (image.rgb_to_hsv, (np.ones((2, 3), int),), TypeError, "image.rgb_to_hsv: images are int64"),
    (image.hsv_to_rgb, (1.0,), ValueError, "image.hsv_to_rgb: the last axis of images must be 3"),
    (image.rgb_to_yuv, (np.ones((2, 4)),), ValueError, "image.rgb_to_yuv: the last axis"),
    (image.rgb_to_grayscale, (np.ones((2, 4)),), ValueError,
     "image.rgb_to_grayscale: the last axis"),
    (image.grayscale_to_rgb, (np.ones((2, 3)),), ValueError,
     "image.grayscale_to_rgb: the last axis"),
    (image.grayscale_to_rgb, (np.ones(1),), ValueError,
     "image.grayscale_to_rgb: images must have 2"),
    (image.per_image_standardization, (np.ones((0, 2, 3)),), ValueError, "image has no pixels"),
    (image.convert_image_dtype, (RGB, nf.string), TypeError,
     "dtype is string, not of real numbers"),
    (image.convert_image_dtype, (RGB.astype(bool), nf.uint8), TypeError, "image is bool"),
    (image.convert_image_dtype, (RGB.astype(complex), nf.uint8), TypeError, "image is complex128"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "args", "kind", "text"), BAD)
def test_bad_arguments_are_named(op: Any, args: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind) as e:
        op(*args)
    assert text in str(e.value)
