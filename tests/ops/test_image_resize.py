"""Resizing: against weights written from the formulas, and against TensorFlow's numbers."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.ops import image_resize, resize, resize_bands
from numflow.runtime import work
from tests.contract import Case, check, floats, ids, ints

SHAPES = [
    ((2, 5, 7, 3), (11, 3)),
    ((1, 7, 5, 1), (3, 13)),
    ((2, 1, 3, 2), (5, 1)),
    ((0, 3, 5, 2), (2, 7)),
]
METHODS = (
    *("bilinear", "nearest", "bicubic", "area"),
    *("lanczos3", "lanczos5", "gaussian", "mitchellcubic"),
)


# --- an oracle in float64: one weight after the other -----------------------------------------


def _filter(method: str) -> tuple[float, Callable[[float], float]]:
    def sinc(x: float, radius: int) -> float:
        if x >= radius:
            return 0.0
        return 1.0 if x < 1e-3 else float(np.sinc(x) * np.sinc(x / radius))

    def cubic(x: float, b: float, c: float) -> float:
        """Mitchell and Netravali 1988, equation 8."""
        if x < 1:
            return ((12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + 6 - 2 * b) / 6
        if x >= 2:
            return 0.0
        near = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2
        return (near + (-12 * b - 48 * c) * x + 8 * b + 24 * c) / 6

    return {
        "bilinear": (1.0, lambda x: max(0.0, 1 - x)),
        "bicubic": (2.0, lambda x: cubic(x, 0, 0.5)),
        "mitchellcubic": (2.0, lambda x: cubic(x, 1 / 3, 1 / 3)),
        "lanczos3": (3.0, lambda x: sinc(x, 3)),
        "lanczos5": (5.0, lambda x: sinc(x, 5)),
        "gaussian": (1.5, lambda x: math.exp(-2 * x * x) if x < 1.5 else 0.0),
    }[method]


def matrix(method: str, size: int, out: int, antialias: bool) -> Any:
    """[out, size]: weights of a filter around each place, outside the image dropped."""
    rows = np.zeros((out, size))
    scale = size / out
    for o in range(out):
        centre = (o + 0.5) * scale
        if method == "nearest":
            rows[o, min(size - 1, math.floor(centre))] = 1
        elif method == "area":
            for i in range(size):
                rows[o, i] = max(0.0, min(i + 1, (o + 1) * scale) - max(i, o * scale)) / scale
        elif method == "bilinear" and not antialias:
            low = math.floor(centre - 0.5)
            for i, weight in ((low, low + 1 - centre + 0.5), (low + 1, centre - 0.5 - low)):
                rows[o, min(max(i, 0), size - 1)] += weight
        else:
            radius, weigh = _filter(method)
            wide = max(1.0, scale) if antialias else 1.0
            if method == "bicubic" and not antialias:  # TensorFlow's table of weights: 1024 steps
                at = np.float32(o + 0.5) * np.float32(scale) - np.float32(0.5)
                centre = math.floor(at) + np.rint((at - math.floor(at)) * 1024) / 1024 + 0.5
            for i in range(size):
                distance = abs(i + 0.5 - centre) / wide
                rows[o, i] = weigh(distance) if distance <= radius else 0.0
            rows[o] /= rows[o].sum()
    return rows


def _oracle(size: tuple[int, int], method: str, antialias: bool = False) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        down, across = (matrix(method, x.shape[k + 1], size[k], antialias) for k in (0, 1))
        return np.einsum("ri,cj,nijk->nrck", down, across, x.astype(np.float64))

    return run


def _weighed(x: Any, size: tuple[int, int], method: str, antialias: bool = False) -> Any:
    """The op itself, which also takes float64: so that finite differences can follow it."""
    return resize.resize_op(
        nf.convert_to_tensor(x), size=size, method=method, align_corners=False,
        half_pixel=True, antialias=antialias, transposed=False,
    )  # fmt: skip


def _nearest(x: Any, size: tuple[int, int]) -> Any:
    return resize.nearest_op(
        nf.convert_to_tensor(x), size=size, align_corners=False, half_pixel=True
    )


def _case(op: Any, oracle: Any, shape: Any, attrs: Any, **more: Any) -> Case:
    return Case(op, oracle, [floats(*shape)], attrs, **more)


CASES = [
    *(
        _case(
            _weighed, _oracle(size, method, antialias), shape,
            {"size": size, "method": method, "antialias": antialias},
            dtypes=(nf.float32,),        )
        for method in METHODS
        for antialias in ((False, True) if method in ("bilinear", "gaussian") else (False,))
        for shape, size in SHAPES
    ),
    *(_case(_nearest, _oracle(size, "nearest"), shape, {"size": size}) for shape, size in SHAPES),
    Case(
        nf.image.resize, _oracle((4, 3), "bilinear"), [floats(2, 5, 7, 3)], {"size": (4, 3)},
        gradient=False,  # of float32, whatever it is given
    ),
    Case(
        nf.image.resize, _oracle((4, 3), "area"), [ints(2, 5, 7, 3)],
        {"size": (4, 3), "method": "area"},
    ),
    Case(
        nf.image.resize, lambda x: _oracle((4, 3), "nearest")(x).astype(x.dtype),
        [ints(2, 5, 7, 3)], {"size": (4, 3), "method": "nearest"},
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_resizing_keeps_the_contract(case: Case) -> None:
    check(case)


@settings(max_examples=20, deadline=None)
@given(
    method=st.sampled_from(METHODS),
    antialias=st.booleans(),
    image=st.tuples(*[st.integers(1, 40)] * 2),
    size=st.tuples(*[st.integers(1, 40)] * 2),
    channels=st.integers(1, 19),
)
def test_any_size_becomes_any_other(
    method: str, antialias: bool, image: Any, size: Any, channels: int
) -> None:
    """Compiled, forward and in the gradient."""
    x = np.random.default_rng(0).uniform(-1, 1, (2, *image, channels)).astype(np.float32)

    def run(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.image.resize(x, size, method, antialias=antialias)
        return y, tape.gradient(y, x, output_gradients=y)

    y, slope = nf.function(run)(nf.constant(x))
    down, across = (
        resize_bands.band(method, n, m, False, True, antialias).matrix(np.float64)
        for n, m in zip(image, size, strict=True)
    )
    if method not in ("nearest", "gaussian"):  # which jump where a pixel comes within reach
        want = [matrix(method, n, m, antialias) for n, m in zip(image, size, strict=True)]
        np.testing.assert_allclose(down, want[0], 1e-4, 3e-5)
        np.testing.assert_allclose(across, want[1], 1e-4, 3e-5)
    once = np.einsum("ri,cj,nijk->nrck", down, across, x.astype(np.float64))
    twice = np.einsum("ri,cj,nrck->nijk", down, across, once)
    np.testing.assert_allclose(y.numpy(), once, 1e-4, 1e-5)
    np.testing.assert_allclose(slope.numpy(), twice, 1e-4, 1e-4 * max(1.0, np.abs(twice).max()))


# --- TensorFlow's numbers (2.21) ------------------------------------------------------------------

TENSORFLOW = [
    ("bilinear", False, 5, [0.4, 1.599999, 0.5, 1.4, 1.399999]),
    ("bilinear", True, 3, [0.3571429, 1.676471, 0.9285715]),
    ("nearest", False, 4, [1.0, 4.0, 3.0, 2.0]),
    ("bicubic", False, 9,
     [1.142246, -1.465513, 0.5697504, 3.74417,
      0.5, 2.765012, 0.6537122, -0.3226483, 2.142246]),
    ("bicubic", True, 4, [-0.274894, 1.9037, 1.52209, 0.7078027]),
    ("area", False, 3, [0.142857, 2.214286, 0.857143]),
    ("area", False, 9,
     [1.0, -1.142857, 0.5714294, 3.499999,
      0.5, 2.642858, 0.7142842, -0.1428566, 2.0]),
    ("lanczos3", True, 3, [0.2930737, 1.899121, 0.828964]),
    ("lanczos3", False, 8,
     [1.183953, -2.03557, 2.596729, 2.25474,
      1.453249, 2.053187, -0.843484, 2.159737]),
    ("lanczos5", True, 4, [-0.3087676, 1.903043, 1.514131, 0.6691242]),
    ("gaussian", False, 5, [0.3055744, 1.574548, 1.139042, 1.380349, 1.305574]),
    ("gaussian", True, 2, [0.9647568, 1.239758]),
    ("mitchellcubic", True, 3, [0.3806788, 1.770115, 0.9214553]),
]  # fmt: skip
TENSORFLOW_1 = [
    ("resize_bilinear", False, 5, [1.0, 0.3999999, 1.2, 2.200001, 0.7999997]),
    ("resize_bilinear", True, 5, [1.0, 1.0, 0.5, 1.0, 2.0]),
    ("resize_bicubic", False, 5, [1.0, 0.2590355, 1.020806, 2.46322, 0.5463243]),
    ("resize_bicubic", True, 5, [1.0, 1.046875, 0.5, 0.953125, 2.0]),
    ("resize_nearest_neighbor", False, 5, [1.0, -2.0, 4.0, 3.0, -1.0]),
    ("resize_nearest_neighbor", True, 5, [1.0, 4.0, 0.5, -1.0, 2.0]),
    ("resize_area", False, 5, [0.1428572, 1.428571, 1.357143, 1.285715, 1.142857]),
    ("resize_area", True, 5, [0.0, 2.0, 1.333333, 0.3333333, 2.0]),
]  # fmt: skip
LINE = np.array([1.0, -2.0, 4.0, 0.5, 3.0, -1.0, 2.0], np.float32)


@pytest.mark.parametrize(("method", "antialias", "size", "want"), TENSORFLOW)
def test_the_numbers_of_tensorflow(method: str, antialias: bool, size: int, want: Any) -> None:
    """Of a line of seven pixels."""
    got = nf.image.resize(LINE.reshape(1, 7, 1), [1, size], method, antialias=antialias)
    np.testing.assert_allclose(got.numpy().reshape(-1), want, 1e-6, 2e-6)


@pytest.mark.parametrize(("name", "align_corners", "size", "want"), TENSORFLOW_1)
def test_the_conventions_of_tensorflow_1(
    name: str, align_corners: bool, size: int, want: Any
) -> None:
    """Centres at i; corners upon corners."""
    f = getattr(image_resize, name)
    got = f(LINE.reshape(1, 1, 7, 1), [1, size], align_corners=align_corners)
    np.testing.assert_allclose(got.numpy().reshape(-1), want, 1e-6, 2e-6)


def test_types() -> None:
    """float32 but for the nearest pixel; images of three axes keep them."""
    x = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert nf.image.resize(x, (4, 5)).dtype is nf.float32
    assert nf.image.resize(x, (4, 5)).shape == (4, 5, 4)
    assert nf.image.resize(x, (4, 5), "nearest").dtype is nf.uint8
    assert nf.image.resize(nf.cast(x, nf.float16), (4, 5)).dtype is nf.float32
    assert nf.image.resize(nf.cast(x, nf.float64), (4, 5), "bicubic").dtype is nf.float32


def test_the_ratio_is_preserved() -> None:
    """Within the size given; the same in a trace of unknown sizes."""
    x = nf.ones([1, 30, 40, 1])
    f = nf.function(
        lambda x, size: nf.image.resize(x, size, preserve_aspect_ratio=True),
        input_signature=[nf.TensorSpec([None, None, None, 1]), nf.TensorSpec([2], nf.int32)],
    )
    for size, want in [((20, 20), (15, 20)), ((15, 100), (15, 20)), ((61, 81), (61, 81))]:
        assert nf.image.resize(x, size, preserve_aspect_ratio=True).shape == (1, *want, 1)
        assert f(x, nf.constant(size)).shape == (1, *want, 1)


def test_sizes_known_at_run_time_compile_once() -> None:
    """One trace for all batches and sizes."""
    count = 0

    def run(x: Any, size: Any) -> Any:
        nonlocal count
        count += 1
        return nf.image.resize(x, size, "bicubic", antialias=True)

    f = nf.function(
        run, input_signature=[nf.TensorSpec([None, None, None, 3]), nf.TensorSpec([2], nf.int32)]
    )
    rng = np.random.default_rng(3)
    for batch, h, w, oh, ow in [(2, 5, 7, 3, 11), (3, 8, 2, 8, 9), (1, 1, 1, 4, 4)]:
        x = rng.uniform(-1, 1, (batch, h, w, 3)).astype(np.float32)
        want = nf.image.resize(x, (oh, ow), "bicubic", antialias=True)
        got = f(nf.constant(x), nf.constant([oh, ow]))
        np.testing.assert_allclose(got.numpy(), want.numpy(), 1e-5, 1e-6)
    assert count == 1
    with pytest.raises(nf.errors.InvalidArgumentError, match="becomes one of 0"):
        f(nf.ones([1, 2, 2, 3]), nf.constant([0, 3]))


def test_tables_live_as_long_as_plans() -> None:
    """Also when every cache has forgotten them."""
    f = nf.function(lambda x: nf.image.resize(x, (1000, 1), "bicubic"))
    x = np.random.default_rng(1).uniform(-1, 1, (1, 500, 1, 1)).astype(np.float32)
    want = f(x).numpy()
    work._calls.clear()
    resize_bands.band.cache_clear()
    gc.collect()
    other = [np.full((1000, 2), -1, np.int64) for _ in range(50)]  # of the size of the tables
    np.testing.assert_array_equal(f(x).numpy(), want)
    assert len(other) == 50


def test_infinite_pixels_stay_where_they_are() -> None:
    """Weights of 0 are no weights: the gradient and the pixels beside are finite."""
    x = np.zeros((1, 1, 5, 1), np.float32)
    x[0, 0, 2] = np.inf
    for run in (nf.image.resize, nf.function(nf.image.resize)):
        got = run(nf.constant(x), nf.constant([1, 5]) if run is nf.image.resize else [1, 5])
        np.testing.assert_array_equal(got.numpy(), x)


BAD: list[tuple[Any, Any, dict[str, Any], Any, str]] = [
    (np.ones((2, 3)), (2, 2), {}, ValueError, "image.resize: images must have 3 or 4 axes"),
    (np.ones((2, 3, 1)), (0, 2), {}, ValueError, "image.resize: size must be positive"),
    (np.ones((2, 3, 1)), (-1, 2), {}, ValueError, "image.resize: size must be positive"),
    (np.ones((2, 3, 1)), (2,), {}, ValueError, "image.resize: size must be two numbers"),
    (np.ones((2, 3, 1)), 3, {}, ValueError, "image.resize: size must be two numbers"),
    (np.ones((2, 3, 1)), (2**31, 2), {}, ValueError, "size is beyond 16777216 pixels"),
    (np.ones((2, 3, 999)), (2**24, 2**24), {}, nf.errors.ResourceExhaustedError, "image.resize"),
    (np.ones((2, 3, 1)), (2.5, 2), {}, TypeError, "image.resize: size must be integers"),
    (np.ones((0, 3, 1)), (2, 2), {}, ValueError, "image.resize: images have no pixels"),
    (np.ones((2, 3, 1), complex), (2, 2), {}, TypeError, "image.resize: images are complex128"),
    ([["a"]], (2, 2), {}, TypeError, "image.resize: images are string"),
    (np.ones((2, 3, 1)), (2, 2), {"method": "cubic"}, ValueError, "no method 'cubic'"),
]  # fmt: skip


@pytest.mark.parametrize(("x", "size", "more", "kind", "text"), BAD)
def test_bad_arguments_are_named(x: Any, size: Any, more: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind) as e:
        nf.image.resize(x, size, **more)
    assert text in str(e.value)


def test_corners_and_half_pixels_exclude_each_other() -> None:
    """As in TensorFlow."""
    with pytest.raises(ValueError, match="resize_bilinear: align_corners and half_pixel_centers"):
        image_resize.resize_bilinear(np.ones((1, 2, 2, 1)), (3, 3), True, None, True)


def test_tensorflow_1_returns_images_of_that_size() -> None:
    """Not even cast; methods by number or name."""
    x = nf.constant(np.arange(6, dtype=np.uint8).reshape(2, 3, 1))
    assert image_resize.resize_images_v1(x, (2, 3)).dtype is nf.uint8
    for number, name in enumerate(("bilinear", "nearest", "bicubic", "area")):
        got = [image_resize.resize_images_v1(x, (3, 5), m) for m in (number, name)]
        np.testing.assert_array_equal(got[0].numpy(), got[1].numpy())
    with pytest.raises(ValueError, match="no method 4"):
        image_resize.resize_images_v1(x, (2, 3), 4)
