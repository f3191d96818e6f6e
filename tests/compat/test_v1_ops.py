"""TensorFlow 1's parameters lead to the same ops; what it computes otherwise, as it does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.compat import v1

R = np.random.default_rng(0)
X = R.standard_normal((2, 7, 9, 4)).astype("f")
F = R.standard_normal((3, 2, 4, 6)).astype("f")
ROW = R.standard_normal((2, 9, 4)).astype("f")
ROW_F = R.standard_normal((3, 4, 5)).astype("f")
SPACE = R.standard_normal((1, 4, 5, 6, 2)).astype("f")
SPACE_F = R.standard_normal((2, 3, 2, 2, 3)).astype("f")
DEPTH = R.standard_normal((3, 3, 4, 2)).astype("f")
POINT = R.standard_normal((1, 1, 8, 3)).astype("f")
FLAT = R.standard_normal((3, 2, 4)).astype("f")
DY = R.standard_normal((2, 4, 9, 6)).astype("f")
ONE = [1, 1, 1, 1]
n, m = v1.nn, nf.nn

# by TensorFlow 1's parameters, and by TensorFlow 2's
PAIRS: dict[str, tuple[Any, Any]] = {
    "conv2d": (
        lambda: n.conv2d(X, filters=F, strides=[1, 2, 1, 1], padding="SAME"),
        lambda: m.conv2d(X, F, [2, 1], "SAME"),
    ),
    "conv2d dilated": (
        lambda: n.conv2d(X, F, ONE, "VALID", dilations=[1, 2, 1, 1]),
        lambda: m.conv2d(X, F, 1, "VALID", dilations=[2, 1]),
    ),
    "conv1d": (lambda: n.conv1d(ROW, ROW_F, 2, "SAME"), lambda: m.conv1d(ROW, ROW_F, 2, "SAME")),
    "conv1d input": (
        lambda: n.conv1d(input=ROW, filters=ROW_F, stride=1, padding="VALID"),
        lambda: m.conv1d(ROW, ROW_F, 1, "VALID"),
    ),
    "conv3d": (
        lambda: n.conv3d(SPACE, SPACE_F, [1, 1, 2, 1, 1], "SAME"),
        lambda: m.conv3d(SPACE, SPACE_F, [1, 2, 1], "SAME"),
    ),
    "convolution": (
        lambda: n.convolution(X, F, "SAME", dilation_rate=[2, 1]),
        lambda: m.convolution(X, F, padding="SAME", dilations=[2, 1]),
    ),
    "depthwise": (
        lambda: n.depthwise_conv2d(X, DEPTH, ONE, "SAME", rate=[2, 2]),
        lambda: m.depthwise_conv2d(X, DEPTH, ONE, "SAME", dilations=[2, 2]),
    ),
    "depthwise native": (
        lambda: n.depthwise_conv2d_native(X, DEPTH, [1, 2, 2, 1], "VALID"),
        lambda: m.depthwise_conv2d(X, DEPTH, [1, 2, 2, 1], "VALID"),
    ),
    "separable": (
        lambda: n.separable_conv2d(X, DEPTH, POINT, ONE, "SAME", rate=[2, 2]),
        lambda: m.separable_conv2d(X, DEPTH, POINT, ONE, "SAME", dilations=[2, 2]),
    ),
    "dilation": (
        lambda: n.dilation2d(X, FLAT, ONE, [1, 2, 1, 1], "SAME"),
        lambda: m.dilation2d(X, FLAT, ONE, "SAME", "NHWC", [1, 2, 1, 1]),
    ),
    "erosion": (
        lambda: n.erosion2d(X, FLAT, [1, 2, 1, 1], ONE, "VALID"),
        lambda: m.erosion2d(X, FLAT, [1, 2, 1, 1], "VALID", "NHWC", ONE),
    ),
    "max_pool": (
        lambda: n.max_pool(None, 2, 2, "VALID", input=X),
        lambda: m.max_pool2d(X, 2, 2, "VALID"),
    ),
    "avg_pool": (
        lambda: n.avg_pool(X, [1, 3, 2, 1], [1, 1, 2, 1], "SAME"),
        lambda: m.avg_pool2d(X, [3, 2], [1, 2], "SAME"),
    ),
    "argmax": (
        lambda: n.max_pool_with_argmax(X, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")[1],
        lambda: m.max_pool_with_argmax(X, 2, 2, "SAME")[1],
    ),
    "pool": (
        lambda: n.pool(X, [2, 2], "MAX", "VALID", dilation_rate=[2, 1]),
        lambda: m.pool(X, [2, 2], "MAX", dilations=[2, 1]),
    ),
    "moments": (
        lambda: n.moments(X, [0, 1], keep_dims=True)[1],
        lambda: m.moments(X, [0, 1], keepdims=True)[1],
    ),
    "statistics": (
        lambda: n.sufficient_statistics(X, [0, 1], keep_dims=True)[2],
        lambda: m.sufficient_statistics(X, [0, 1], keepdims=True)[2],
    ),
    "weighted": (
        lambda: n.weighted_moments(X, [0], np.abs(X), keep_dims=True)[1],
        lambda: m.weighted_moments(X, [0], np.abs(X), keepdims=True)[1],
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_same_op(name: str) -> None:
    older, newer = PAIRS[name]
    np.testing.assert_array_equal(older().numpy(), newer().numpy())


def test_gradients_of_conv2d() -> None:
    """As a tape has them."""
    x, f = nf.constant(X), nf.constant(F)
    with nf.GradientTape() as tape:
        tape.watch([x, f])
        y = n.conv2d(x, f, [1, 2, 1, 1], "SAME")
    dx, df = tape.gradient(y, [x, f], DY)
    got = n.conv2d_backprop_input(X.shape, F, DY, [1, 2, 1, 1], "SAME")
    np.testing.assert_allclose(got.numpy(), dx.numpy(), rtol=1e-4, atol=1e-4)
    got = n.conv2d_backprop_filter(X, F.shape, DY, [1, 2, 1, 1], "SAME")
    np.testing.assert_allclose(got.numpy(), df.numpy(), rtol=1e-4, atol=1e-4)
    with pytest.raises(nf.errors.ShapeError, match="conv2d_backprop_filter"):
        n.conv2d_backprop_filter(X, F.shape, DY, ONE, "SAME")


def test_transposed() -> None:
    """Sizes as asked for."""
    f = np.ones((3, 3, 5, 4), "f")
    assert n.conv2d_transpose(X, f, [2, 14, 18, 5], [1, 2, 2, 1]).shape == (2, 14, 18, 5)
    f = np.ones((2, 2, 2, 3, 2), "f")
    got = n.conv3d_transpose(SPACE, f, [1, 8, 10, 12, 3], [1, 2, 2, 2, 1])
    assert got.shape == (1, 8, 10, 12, 3)


def test_images() -> None:
    image = R.uniform(0, 255, (2, 5, 7, 3)).astype("f")
    got = v1.image.resize_images(image, [3, 5], v1.image.ResizeMethod.AREA)
    np.testing.assert_array_equal(got, v1.image.resize_area(image, [3, 5]))
    boxes = np.array([[0, 0, 1, 1], [0.2, 0.3, 0.8, 1.2]], "f")
    got = v1.image.crop_and_resize(image, boxes, box_ind=[0, 1], crop_size=[3, 4])
    np.testing.assert_array_equal(got, nf.image.crop_and_resize(image, boxes, [0, 1], [3, 4]))
    got = v1.image.extract_image_patches(image, [1, 2, 2, 1], [1, 1, 2, 1], ONE, "VALID")
    want = nf.image.extract_patches(image, [1, 2, 2, 1], [1, 1, 2, 1], ONE, "VALID")
    np.testing.assert_array_equal(got, want)


def test_a_glimpse_is_around_its_offsets() -> None:
    """Also where they are pixels: TensorFlow 2 changed that."""
    image = np.arange(25, dtype="f").reshape(1, 5, 5, 1)
    got = v1.image.extract_glimpse(image, [3, 3], np.array([[2.5, 2.5]], "f"), False, False)
    np.testing.assert_array_equal(got.numpy()[0, :, :, 0], image[0, 1:4, 1:4, 0])
    got = v1.image.extract_glimpse(image, [1, 1], np.array([[0.0, 0.0]], "f"))
    assert float(got) == 12


def test_an_argument_is_given_once() -> None:
    with pytest.raises(ValueError, match="filter and filters"):
        n.conv2d(X, F, ONE, "SAME", filters=F)
    with pytest.raises(ValueError, match="filters is missing"):
        n.conv2d(X, strides=ONE, padding="SAME")
