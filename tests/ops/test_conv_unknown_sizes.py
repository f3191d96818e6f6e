"""Windows over images whose height and width a trace does not know: one trace for all sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.errors import ShapeError

RNG = np.random.default_rng(0)
F = RNG.standard_normal((3, 3, 3, 4))
G = RNG.standard_normal((3, 3, 4, 5))
D = RNG.standard_normal((3, 3, 3, 2))
P = RNG.standard_normal((1, 1, 6, 4))
UNKNOWN = nf.TensorSpec([None, None, None, 3], nf.float64)
SIZES = [(2, 12, 14), (1, 7, 9), (3, 8, 5), (2, 13, 13), (0, 5, 5)]


def _conv(stride: int, padding: Any, **more: Any) -> Callable[[Any], Any]:
    return lambda x: nf.nn.conv2d(x, F, stride, padding, **more)


def _residual(x: Any) -> Any:
    """A shortcut of another window: both have the same number of places, by name."""
    y = nf.nn.conv2d(nf.nn.conv2d(x, F, 2, "SAME"), G, 1, "SAME")
    return y + nf.nn.conv2d(x, np.ones((1, 1, 3, 5)), 2, "SAME")


def _up(x: Any) -> Any:
    y = nf.nn.conv2d(x, F, 2, "SAME")
    return x + nf.nn.conv2d_transpose(y, F, nf.shape(x), 2, "SAME")


def _channels_second(x: Any) -> Any:
    return nf.nn.conv2d(nf.transpose(x, [0, 3, 1, 2]), F, 2, "SAME", "NCHW")


def _half(x: Any) -> Any:
    size = nf.shape(x)[1:3]
    return nf.image.resize(nf.nn.max_pool2d(x, 2, 2, "SAME"), size)


def _dilated(op: Any, stride: int, padding: str, dilation: int) -> Callable[[Any], Any]:
    steps, gaps = [1, stride, stride, 1], [1, dilation, dilation, 1]
    return lambda x: op(x, F[..., 0], steps, padding, "NHWC", gaps)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "conv 2 same": _conv(2, "SAME"),
    "conv 3 same": _conv(3, "SAME"),
    "conv 4 same": _conv(4, "SAME"),
    "conv 1 valid": _conv(1, "VALID"),
    "conv 2 valid": _conv(2, "VALID"),
    "explicit": _conv(2, [[0, 0], [1, 2], [0, 1], [0, 0]]),
    "dilated": _conv(1, "VALID", dilations=2),
    "channels second": _channels_second,
    "residual": _residual,
    "there and back": _up,
    "depthwise": lambda x: nf.nn.depthwise_conv2d(x, D, [1, 2, 2, 1], "SAME"),
    "separable": lambda x: nf.nn.separable_conv2d(x, D, P, [1, 2, 2, 1], "VALID"),
    "max 3/2": lambda x: nf.nn.max_pool2d(x, 3, 2, "SAME"),
    "max 2/3": lambda x: nf.nn.max_pool2d(x, 2, 3, "SAME"),
    "max 2/2 valid": lambda x: nf.nn.max_pool2d(x, 2, 2, "VALID"),
    "mean 3/2": lambda x: nf.nn.avg_pool2d(x, 3, 2, "SAME"),
    "mean 3/1": lambda x: nf.nn.avg_pool2d(x, 3, 1, "SAME"),
    "mean 2/2 valid": lambda x: nf.nn.avg_pool2d(x, 2, 2, "VALID"),
    "gaps": lambda x: nf.nn.pool(x, [2, 2], "AVG", padding="SAME", dilations=[2, 2]),
    "patches": lambda x: nf.image.extract_patches(
        x, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME"
    ),
    "pool and back": _half,
    "dilation 1 same": _dilated(nf.nn.dilation2d, 1, "SAME", 1),
    "dilation 2 same": _dilated(nf.nn.dilation2d, 2, "SAME", 1),
    "dilation 1 valid": _dilated(nf.nn.dilation2d, 1, "VALID", 2),
    "dilation 3 same": _dilated(nf.nn.dilation2d, 3, "SAME", 3),
    "erosion 2 same": _dilated(nf.nn.erosion2d, 2, "SAME", 2),
    "erosion 2 valid": _dilated(nf.nn.erosion2d, 2, "VALID", 1),
}


def _gradients(f: Callable[[Any], Any], x: Any) -> Any:
    """By the image, and by the image again."""
    with nf.GradientTape() as outer:
        outer.watch(x)
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
            loss = nf.reduce_sum(y * y * y)
        dx = tape.gradient(loss, x)
        size = nf.reduce_sum(dx * dx)
    return y, dx, outer.gradient(size, x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_trace_serves_every_size(name: str) -> None:
    """Value, gradient and second gradient, as eager ones: in float64, to the last digits."""
    traces = 0

    @nf.function(input_signature=[UNKNOWN])
    def compiled(x: Any) -> Any:
        nonlocal traces
        traces += 1
        return _gradients(FUNCTIONS[name], x)

    for sizes in SIZES:
        x = nf.constant(RNG.standard_normal((*sizes, 3)))
        wanted = _gradients(FUNCTIONS[name], x)
        atol = 1e-12 if wanted[0].dtype is nf.float64 else 1e-5  # a resized image is float32
        for got, want in zip(compiled(x), wanted, strict=True):
            assert got.shape == want.shape
            scale = np.abs(want.numpy()).max(initial=1e-300)
            np.testing.assert_allclose(got.numpy() / scale, want.numpy() / scale, 0, atol)
    assert traces == 1


def test_places_of_the_largest_are_those_of_an_eager_call() -> None:
    traces = 0

    @nf.function(input_signature=[UNKNOWN])
    def places(x: Any) -> Any:
        nonlocal traces
        traces += 1
        return nf.nn.max_pool_with_argmax(x, 3, 2, "SAME", include_batch_in_index=True)[1]

    for sizes in SIZES:
        x = nf.constant(RNG.standard_normal((*sizes, 3)))
        want = nf.nn.max_pool_with_argmax(x, 3, 2, "SAME", include_batch_in_index=True)[1]
        np.testing.assert_array_equal(places(x), want)
    assert traces == 1


def test_gradients_by_filters_need_no_sizes_either() -> None:
    filters, plane = nf.Variable(F), nf.Variable(D)
    traces = 0

    def both(x: Any) -> Any:
        with nf.GradientTape() as tape:
            y = nf.nn.conv2d(x, filters, 2, "SAME")
            z = nf.nn.depthwise_conv2d(x, plane, [1, 2, 2, 1], "SAME")
            loss = nf.reduce_sum(y * y) + nf.reduce_sum(z * z)
        return tape.gradient(loss, [filters, plane])

    @nf.function(input_signature=[UNKNOWN])
    def compiled(x: Any) -> Any:
        nonlocal traces
        traces += 1
        return both(x)

    for sizes in SIZES:
        x = nf.constant(RNG.standard_normal((*sizes, 3)))
        for got, want in zip(compiled(x), both(x), strict=True):
            np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-11, atol=1e-11)
    assert traces == 1


@pytest.mark.parametrize(
    ("name", "call", "sides"),
    [
        ("conv2d", _conv(1, "VALID"), (2, 5)),
        ("conv2d", _conv(2, "VALID"), (2, 5)),
        ("conv2d", _conv(2, [[0, 0], [0, 1], [0, 0], [0, 0]]), (5, 2)),
        ("depthwise_conv2d", lambda x: nf.nn.depthwise_conv2d(x, D, [1, 1, 1, 1], "VALID"), (5, 1)),
        ("max_pool2d", lambda x: nf.nn.max_pool2d(x, 3, 2, "VALID"), (2, 5)),
        ("avg_pool2d", lambda x: nf.nn.avg_pool2d(x, 3, 1, "VALID"), (5, 2)),
        ("dilation2d", _dilated(nf.nn.dilation2d, 2, "VALID", 1), (2, 5)),
        ("erosion2d", _dilated(nf.nn.erosion2d, 1, "VALID", 1), (5, 2)),
        ("extract_patches", lambda x: nf.image.extract_patches(
            x, [1, 3, 3, 1], [1, 1, 1, 1], [1, 1, 1, 1], "VALID"), (2, 2)),
    ],
)  # fmt: skip
def test_an_image_smaller_than_the_window_is_refused(
    name: str, call: Callable[[Any], Any], sides: tuple[int, int]
) -> None:
    """As the eager call does, and the function goes on with larger ones."""
    f = nf.function(call, input_signature=[UNKNOWN])
    whole = nf.constant(RNG.standard_normal((2, 5, 7, 3)))
    want = call(whole).numpy()
    for _ in range(2):
        np.testing.assert_allclose(f(whole).numpy(), want, rtol=1e-12, atol=1e-12)
        with pytest.raises(ShapeError, match=rf"^{name}: the window reaches over 3 elements"):
            f(nf.ones((2, *sides, 3), nf.float64))


def test_sizes_that_depend_on_values() -> None:
    """Rows are chosen by a mask: how many there are is known when the program runs."""

    @nf.function
    def f(x: Any, chosen: Any) -> Any:
        return nf.nn.conv2d(nf.boolean_mask(x, chosen, axis=1), F, 2, "SAME")

    x = nf.constant(RNG.standard_normal((2, 9, 8, 3)))
    for count in (5, 8, 3):
        mask = np.arange(9) < count
        want = nf.nn.conv2d(x[:, :count], F, 2, "SAME").numpy()
        np.testing.assert_allclose(f(x, mask).numpy(), want, rtol=1e-12, atol=1e-12)
