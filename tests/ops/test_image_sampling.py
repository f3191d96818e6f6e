"""Crops of boxes and glimpses, pixel after pixel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.ops import image_sampling
from tests.contract import Case, check, floats, ids

IMAGE = (3, 5, 7, 2)
WHICH = np.array([2, 0, 2, 1], np.int32)
AROUND = -1.5


def _place(low: float, high: float, k: int, n: int, size: int) -> float:
    if n == 1:
        return 0.5 * (low + high) * (size - 1)
    return low * (size - 1) + k * (high - low) * (size - 1) / (n - 1)


def _crops(size: tuple[int, int], method: str) -> Callable[[Any, Any], Any]:
    def oracle(x: Any, boxes: Any) -> Any:
        _, height, width, channels = x.shape
        out = np.full((len(boxes), *size, channels), AROUND)
        for n, (y1, x1, y2, x2) in enumerate(boxes):
            for r in range(size[0]):
                for c in range(size[1]):
                    i = _place(y1, y2, r, size[0], height)
                    j = _place(x1, x2, c, size[1], width)
                    if not (0 <= i <= height - 1 and 0 <= j <= width - 1):
                        continue
                    if method == "nearest":
                        out[n, r, c] = x[WHICH[n], int(i + 0.5), int(j + 0.5)]
                        continue
                    total: Any = 0.0
                    for a, p in ((math.floor(i), 1 - i % 1), (math.ceil(i), i % 1)):
                        for b, q in ((math.floor(j), 1 - j % 1), (math.ceil(j), j % 1)):
                            total = total + p * q * x[WHICH[n], a, b]
                    out[n, r, c] = total
        return out

    return oracle


def _cropped(x: Any, boxes: Any, size: tuple[int, int], method: str) -> Any:
    """In any dtype: so that finite differences can follow it."""
    x, boxes = nf.convert_to_tensor(x), nf.convert_to_tensor(boxes)
    which = nf.constant(WHICH[: boxes.shape[0]])
    return image_sampling.crops(x, boxes, which, size, method, AROUND)


def _public(x: Any, boxes: Any, size: tuple[int, int], method: str) -> Any:
    which = WHICH[: np.shape(boxes)[0]]
    return nf.image.crop_and_resize(x, boxes, which, size, method, AROUND)


def _case(op: Any, boxes: int, size: tuple[int, int], method: str, **more: Any) -> Case:
    args = [floats(*IMAGE), floats(boxes, 4, low=-0.2, high=1.2)]
    attrs = {"size": size, "method": method}
    return Case(op, _crops(size, method), args, attrs, (nf.float32,), slack=9.0, **more)


CASES = [
    *(_case(_cropped, 4, size, "bilinear") for size in [(3, 5), (1, 4), (1, 1), (11, 2)]),
    _case(_cropped, 0, (3, 5), "bilinear"),
    _case(_cropped, 4, (3, 5), "nearest"),
    *(_case(_public, 4, (4, 3), method, gradient=False) for method in ("bilinear", "nearest")),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_crops_keep_the_contract(case: Case) -> None:
    check(case)


def test_types_of_crops() -> None:
    """float32 of every image; whole images are themselves."""
    x = np.arange(24, dtype=np.uint8).reshape(2, 3, 4, 1)
    got = nf.image.crop_and_resize(x, [[0.0, 0.0, 1.0, 1.0]], [1], (3, 4))
    assert got.dtype is nf.float32
    np.testing.assert_array_equal(got.numpy()[0], x[1])


def test_boxes_that_are_no_places_are_outside() -> None:
    """NaN and infinity never become an address."""
    boxes = np.array([[np.nan] * 4, [np.inf] * 4, [-np.inf, 0, np.inf, 1], [1e30, 0, 2e30, 1]])
    for run in (nf.image.crop_and_resize, nf.function(nf.image.crop_and_resize)):
        got = run(np.ones(IMAGE), boxes.astype(np.float32), [0, 1, 2, 0], (2, 2))
        np.testing.assert_array_equal(got.numpy(), np.zeros((4, 2, 2, 2)))


@pytest.mark.parametrize("bad", [-1, 3, 2**31 - 1, -(2**31)])
def test_indices_of_images_are_checked(bad: int) -> None:
    """Eager and compiled, forward and in the gradient; of batches that a trace does not know."""
    boxes, which = nf.zeros([2, 4]), nf.constant([0, bad])

    def slope(x: Any, which: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.image.crop_and_resize(x, boxes, which, (2, 2))
        return tape.gradient(y, x)

    signature = [nf.TensorSpec([None, None, None, 2]), nf.TensorSpec([None], nf.int32)]
    for run in (slope, nf.function(slope), nf.function(slope, input_signature=signature)):
        with pytest.raises(nf.errors.InvalidArgumentError) as e:
            run(nf.ones(IMAGE), which)
        assert "image.crop_and_resize: box_indices" in str(e.value)


def test_everything_known_at_run_time() -> None:
    """Batch, boxes and size of the crops: one trace."""
    f = nf.function(
        lambda x, b, i, s: nf.image.crop_and_resize(x, b, i, s),
        input_signature=[
            nf.TensorSpec([None, None, None, 2]),
            nf.TensorSpec([None, 4]),
            nf.TensorSpec([None], nf.int32),
            nf.TensorSpec([2], nf.int32),
        ],
    )
    rng = np.random.default_rng(4)
    for shape, n, size in [((2, 5, 7, 2), 3, (4, 1)), ((1, 3, 3, 2), 1, (1, 5)),
                           ((4, 2, 1, 2), 0, (2, 2))]:  # fmt: skip
        x, boxes = rng.uniform(0, 1, shape), rng.uniform(-0.2, 1.2, (n, 4))
        x, boxes = x.astype(np.float32), boxes.astype(np.float32)
        which = rng.integers(0, shape[0], n).astype(np.int32)
        want = nf.image.crop_and_resize(x, boxes, which, size)
        np.testing.assert_allclose(f(x, boxes, which, size).numpy(), want.numpy(), 1e-5, 1e-6)


# --- glimpses -----------------------------------------------------------------------------


def _begin(offset: float, n: int, size: int, centered: bool, normalized: bool) -> int:
    """TensorFlow's rule, as its kernel computes it."""
    pixels = offset * size if normalized else offset
    if centered and normalized:
        return int(pixels / 2 + size / 2 - n / 2)
    return int(pixels + size / 2 if centered else pixels)


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("normalized", [True, False])
def test_glimpses(centered: bool, normalized: bool) -> None:
    """Windows within the image, across its edges and beyond."""
    rng = np.random.default_rng(6)
    x = rng.uniform(1, 2, (4, 7, 11, 2)).astype(np.float32)
    offsets = np.array([[0, 0], [0.5, -0.5], [-1.3, 0.9], [3.0, 5.0]], np.float32)
    for h, w in [(3, 4), (5, 5), (20, 20)]:
        want = np.zeros((4, h, w, 2), np.float32)
        for n, (y, z) in enumerate(offsets):
            top = _begin(float(y), h, 7, centered, normalized)
            left = _begin(float(z), w, 11, centered, normalized)
            for i in range(h):
                for j in range(w):
                    if 0 <= top + i < 7 and 0 <= left + j < 11:
                        want[n, i, j] = x[n, top + i, left + j]
        run = nf.image.extract_glimpse
        got = run(x, (h, w), offsets, centered, normalized, "zero")
        np.testing.assert_array_equal(got.numpy(), want)
        traced = nf.function(lambda x, o: run(x, (h, w), o, centered, normalized, "zero"))  # noqa: B023
        np.testing.assert_array_equal(traced(x, offsets).numpy(), want)


def test_glimpses_of_tensorflow_1() -> None:
    """Offsets are of the window's centre: upper left corners that TensorFlow 2.21 gave."""
    x = np.arange(41 * 31, dtype=np.float32).reshape(1, 41, 31, 1)
    for centered, normalized, offset, size, begin in [
        (True, True, (0.1, 0.2), (3, 4), (21, 16)),
        (True, True, (0.5, -0.25), (5, 5), (28, 9)),
        (True, False, (0.5, -0.25), (5, 5), (18, 12)),
        (True, False, (10, -7), (3, 4), (24, 10)),
        (False, True, (0.1, 0.2), (3, 4), (2, 4)),
        (False, False, (3, 3), (3, 4), (1, 1)),
    ]:
        f = image_sampling.extract_glimpse_v1
        got = f(x, size, [offset], centered, normalized)
        assert divmod(int(got.numpy()[0, 0, 0, 0]), 31) == begin
    assert f(x, (3, 4), [(100.0, 0.0)], uniform_noise=False).shape == (1, 3, 4, 1)


def test_the_older_name_of_indices() -> None:
    """One of both."""
    f = image_sampling.crop_and_resize_v1
    want = crop(ONE, BOX, [1], (2, 2)).numpy()
    np.testing.assert_array_equal(f(ONE, BOX, [1], (2, 2)).numpy(), want)
    np.testing.assert_array_equal(f(ONE, BOX, crop_size=(2, 2), box_indices=[1]).numpy(), want)
    with pytest.raises(ValueError, match="one of box_indices and box_ind is wanted"):
        f(ONE, BOX, crop_size=(2, 2))


def test_noise_of_glimpses() -> None:
    """Between the image's limits; of its mean and deviation."""
    nf.random.set_seed(3)
    x = nf.random.stateless_uniform([1, 8, 8, 1], (1, 2), 2.0, 4.0)
    far = [[100.0, 100.0]]
    even = nf.image.extract_glimpse(x, (64, 64), far).numpy()
    assert even.min() >= 2.0 and even.max() <= 4.0 and even.std() > 0.4
    normal = nf.image.extract_glimpse(x, (64, 64), far, noise="gaussian").numpy()
    np.testing.assert_allclose(normal.mean(), x.numpy().mean(), 0.03)
    np.testing.assert_allclose(normal.std(), x.numpy().std(), 0.06)


def test_offsets_that_are_no_places() -> None:
    """NaN and infinity show nothing of the image."""
    offsets = np.array([[np.nan, 0], [np.inf, 0], [0, -np.inf], [1e30, 1e30]], np.float32)
    for run in (nf.image.extract_glimpse, nf.function(nf.image.extract_glimpse)):
        got = run(np.ones((4, 3, 3, 1), np.float32), (2, 2), offsets, noise="zero")
        np.testing.assert_array_equal(got.numpy(), np.zeros((4, 2, 2, 1)))


ONE, BOX = np.ones((2, 3, 3, 1), np.float32), np.zeros((1, 4), np.float32)
OFFSET = np.zeros((2, 2), np.float32)
crop, glimpse = nf.image.crop_and_resize, nf.image.extract_glimpse
BAD: list[tuple[Any, tuple[Any, ...], Any, str]] = [
    (crop, (ONE[0], BOX, [0], (2, 2)), ValueError, "image.crop_and_resize: image must have 4 axes"),
    (
        crop,
        (ONE[:, :0], BOX, [0], (2, 2)),
        ValueError,
        "image.crop_and_resize: image has no pixels",
    ),
    (crop, (ONE, BOX[0], [0], (2, 2)), ValueError, "boxes must be [n, 4]"),
    (crop, (ONE, BOX[:, :3], [0], (2, 2)), ValueError, "boxes must be [n, 4]"),
    (crop, (ONE, BOX, [0, 1], (2, 2)), ValueError, "boxes and box_indices differ in number"),
    (crop, (ONE, BOX, 0, (2, 2)), ValueError, "box_indices must have 1 axis"),
    (crop, (ONE, BOX, [0.0], (2, 2)), TypeError, "box_indices is float32, not an integer"),
    (crop, (ONE, BOX.astype(int), [0], (2, 2)), TypeError, "boxes are int64, not floating"),
    (crop, (ONE, BOX, [0], (0, 2)), ValueError, "crop_size must be two positive numbers"),
    (crop, (ONE, BOX, [0], (2,)), ValueError, "crop_size must be two positive numbers"),
    (crop, (ONE, BOX, [0], (2**40, 2**40)), MemoryError, "image.crop_and_resize"),
    (crop, (ONE, BOX, [0], (2, 2), "area"), ValueError, "no method 'area'"),
    (crop, (ONE.astype(bool), BOX, [0], (2, 2)), TypeError, "image is bool, not of real numbers"),
    (
        glimpse,
        (ONE[0], (2, 2), OFFSET),
        ValueError,
        "image.extract_glimpse: input must have 4 axes",
    ),
    (glimpse, (ONE.astype(int), (2, 2), OFFSET), TypeError, "input is int64, not float32"),
    (glimpse, (ONE, (2, 0), OFFSET), ValueError, "size must be two positive numbers"),
    (
        glimpse,
        (ONE, (2, 2), OFFSET[:1]),
        ValueError,
        "input and offsets differ in their first axis",
    ),
    (glimpse, (ONE, (2, 2), OFFSET[0]), ValueError, "offsets must be [batch, 2]"),
    (glimpse, (ONE, (2, 2), OFFSET, True, True, "pink"), ValueError, "no noise 'pink'"),
]


@pytest.mark.parametrize(("op", "args", "kind", "text"), BAD)
def test_bad_arguments_are_named(op: Any, args: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind) as e:
        op(*args)
    assert text in str(e.value)
