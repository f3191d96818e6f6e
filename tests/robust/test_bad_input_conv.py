"""Wrong calls of convolutions, pools and what resizes images, eager and compiled, and gradients.

An exception of the right type that names op and argument: never a dead process, a hang, gigabytes
of memory, or a number. Empty batches are right: an empty result, and gradients of zeros.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import numflow as nf
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError
from numflow.ops import pooling

nn, image = nf.nn, nf.image
ONE = [1, 1, 1, 1]
BIG = 1 << 31
RNG = np.random.default_rng(0)


def _floats(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


X, X1, X3 = _floats(2, 5, 7, 4), _floats(2, 9, 4), _floats(2, 4, 5, 3, 2)
F, F1, F3 = _floats(3, 3, 4, 6), _floats(3, 4, 3), _floats(2, 2, 2, 2, 3)
D, P, M = _floats(3, 3, 4, 2), _floats(1, 1, 8, 3), _floats(2, 2, 4)
BOXES = np.array([[0, 0, 1, 1], [0.1, 0.2, 0.5, 0.6]], np.float32)


class Bad(NamedTuple):
    """call(x) for an image x: what it raises, and what the message holds beside the op's name."""

    op: str
    call: Callable[[Any], Any]
    texts: tuple[str, ...]
    error: type[Exception] = ShapeError
    x: Any = X


def _each(
    op: str, make: Callable[..., Callable[[Any], Any]], name: str, values: Any, x: Any = X
) -> list[Bad]:
    return [Bad(op, make(v), (name,), x=x) for v in values]


NUMBERS = (0, -1, [1, 0], [-1, 1], [1, 1, 1], [1, BIG, 1, 1], [2, 1, 1, 1], BIG, 1 << 70)
PADDINGS = ("same ", "", "FULL", [[0, 0]], [[0, 0], [-1, 0], [0, 0], [0, 0]],
            [[0, 0], [BIG, 0], [0, 0], [0, 0]], [[1, 0], [0, 0], [0, 0], [0, 0]])  # fmt: skip

CASES = [
    # strides, dilations, windows that are zero, negative, too many, beyond 32 bits
    *_each("conv2d", lambda v: lambda x: nn.conv2d(x, F, v, "SAME"), "strides", NUMBERS),
    *_each("conv2d", lambda v: lambda x: nn.conv2d(x, F, 1, "SAME", "NHWC", v), "dilations",
           NUMBERS),
    *_each("conv1d", lambda v: lambda x: nn.conv1d(x, F1, v, "SAME"), "strides", (0, -1, [1, 1]),
           X1),
    *_each("conv3d", lambda v: lambda x: nn.conv3d(x, F3, [1, v, 1, 1, 1], "SAME"), "strides",
           (0, -1, BIG), X3),
    *_each("depthwise_conv2d", lambda v: lambda x: nn.depthwise_conv2d(x, D, [1, v, v, 1], "SAME"),
           "strides", (0, -1, BIG)),
    *_each("separable_conv2d", lambda v: lambda x: nn.separable_conv2d(x, D, P, [1, v, 1, 1],
           "SAME"), "strides", (0, -1)),
    *_each("conv2d_transpose", lambda v: lambda x: nn.conv2d_transpose(
           x, np.swapaxes(F[..., :4], 2, 3), [2, 5, 7, 4], v, "SAME"), "strides", NUMBERS),
    *_each("atrous_conv2d", lambda v: lambda x: nn.atrous_conv2d(x, F, v, "SAME"), "rate",
           (0, -1, BIG)),
    *_each("max_pool2d", lambda v: lambda x: nn.max_pool2d(x, v, 1, "SAME"), "ksize",
           (0, -1, [1, 0], BIG)),
    *_each("avg_pool2d", lambda v: lambda x: nn.avg_pool2d(x, 2, v, "SAME"), "strides", NUMBERS),
    *_each("pool", lambda v: lambda x: nn.pool(x, v, "MAX", padding="SAME"), "window_shape",
           ([0, 1], [-1, 2], [BIG, 1])),
    *_each("max_pool_with_argmax", lambda v: lambda x: nn.max_pool_with_argmax(x, v, 1, "SAME"),
           "ksize", (0, -1, BIG)),
    *_each("dilation2d", lambda v: lambda x: nn.dilation2d(x, M, [1, v, 1, 1], "SAME", "NHWC", ONE),
           "strides", (0, -1, BIG)),
    *_each("extract_patches", lambda v: lambda x: image.extract_patches(
           x, [1, v, 2, 1], ONE, ONE, "SAME"), "sizes", (0, -1, BIG)),
    # padding and data format
    *_each("conv2d", lambda v: lambda x: nn.conv2d(x, F, 1, v), "padding", PADDINGS),
    *_each("max_pool2d", lambda v: lambda x: nn.max_pool2d(x, 2, 2, v), "padding", PADDINGS),
    *_each("depthwise_conv2d", lambda v: lambda x: nn.depthwise_conv2d(x, D, ONE, v), "padding",
           PADDINGS),
    *_each("conv2d", lambda v: lambda x: nn.conv2d(x, F, 1, "SAME", v), "data_format",
           ("NHCW", "NWC", "")),
    *_each("avg_pool", lambda v: lambda x: nn.avg_pool(x, 2, 2, "SAME", v), "data_format",
           ("NDHWC", "channels_last")),
    # windows larger than the image, beyond it
    Bad("conv2d", lambda x: nn.conv2d(x, _floats(6, 1, 4, 2), 1, "VALID"), ("window", "6", "5")),
    Bad("conv2d", lambda x: nn.conv2d(x, F, 1, "VALID", dilations=4), ("window", "9", "5")),
    Bad("max_pool2d", lambda x: nn.max_pool2d(x, 8, 1, "VALID"), ("window", "8", "5")),
    Bad("avg_pool2d", lambda x: nn.avg_pool2d(x, [1, 8], 1, "VALID"), ("window", "8", "7")),
    Bad("max_pool2d", lambda x: nn.max_pool2d(x, 2, 1, [[0, 0], [2, 0], [0, 0], [0, 0]]),
        ("padding 2", "window")),
    Bad("dilation2d", lambda x: nn.dilation2d(x, _floats(6, 1, 4), ONE, "VALID", "NHWC", ONE),
        ("window", "6", "5")),
    Bad("extract_patches", lambda x: image.extract_patches(x, [1, 6, 1, 1], ONE, ONE, "VALID"),
        ("window", "6", "5")),
    # channels, groups, ranks
    Bad("conv2d", lambda x: nn.conv2d(x, _floats(3, 3, 3, 6), 1, "SAME"), ("4 channels", "3")),
    Bad("conv2d", lambda x: nn.conv2d(x, F[:, :, :2, :5], 1, "SAME"), ("5 filters", "2 groups")),
    Bad("conv2d", lambda x: nn.conv2d(x, _floats(3, 3, 0, 5), 1, "SAME"), ("filters", "elements")),
    Bad("conv2d", lambda x: nn.conv2d(x, F[0], 1, "SAME"), ("filters", "rank 3")),
    Bad("conv2d", lambda x: nn.conv2d(x[0, 0], F, 1, "SAME"), ("input", "rank 2")),
    Bad("conv3d", lambda x: nn.conv3d(x, F3, [*ONE, 1], "SAME"), ("input", "rank 4")),
    Bad("depthwise_conv2d", lambda x: nn.depthwise_conv2d(x, D[:, :, :3], ONE, "SAME"), ("4", "3")),
    Bad("separable_conv2d", lambda x: nn.separable_conv2d(x, D, P[:, :, :7], ONE, "SAME"),
        ("pointwise_filter", "8")),
    Bad("conv2d_transpose", lambda x: nn.conv2d_transpose(x, F, [2, 5, 7, 4], 1, "SAME"),
        ("input has 4 channels", "6")),
    Bad("conv2d_transpose", lambda x: nn.conv2d_transpose(
        x, np.swapaxes(F[..., :4], 2, 3), [2, 99, 7, 4], 1, "SAME"), ("output_shape", "99")),
    Bad("max_pool2d", lambda x: nn.max_pool2d(x[0], 2, 2, "SAME"), ("input", "rank 3")),
    Bad("dilation2d", lambda x: nn.dilation2d(x, M[..., :3], ONE, "SAME", "NHWC", ONE), ("4", "3")),
    Bad("bias_add", lambda x: nn.bias_add(x, x[0, 0, 0, :3]), ("4", "3")),
    Bad("batch_normalization", lambda x: nn.batch_normalization(
        x, X[0, 0, 0, :3], X[0, 0, 0], None, None, 1e-3), ("mean", "3")),
    Bad("batch_normalization", lambda x: nn.batch_normalization(
        x, X[0, 0, 0], X[0, 0, 0], None, X[0, 0, 0, :3], 1e-3), ("scale", "3")),
    # blocks
    *_each("space_to_depth", lambda v: lambda x: nn.space_to_depth(x, v), "block_size",
           (0, -1, 1, BIG)),
    *_each("depth_to_space", lambda v: lambda x: nn.depth_to_space(x, v), "block_size", (0, -1, 1)),
    Bad("space_to_depth", lambda x: nn.space_to_depth(x, 2), ("5", "2")),
    Bad("depth_to_space", lambda x: nn.depth_to_space(x, 3), ("4", "9")),
    Bad("space_to_batch", lambda x: nf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]), ("5", "2")),
    # sizes of images
    *_each("resize", lambda v: lambda x: image.resize(x, v), "size",
           ([0, 3], [3, 0], [-1, 3], [3], [1, 2, 3], 5, [BIG, 3], [1 << 62, 1 << 62])),
    *_each("crop_and_resize", lambda v: lambda x: image.crop_and_resize(x, BOXES, [0, 1], v),
           "crop_size", ([0, 3], [-1, 3], [3])),
    Bad("crop_and_resize", lambda x: image.crop_and_resize(x, BOXES[:, :3], [0, 1], [2, 2]),
        ("boxes",)),
    Bad("crop_and_resize", lambda x: image.crop_and_resize(x, BOXES, [0], [2, 2]),
        ("box_indices",)),
    Bad("fractional_max_pool", lambda x: nn.fractional_max_pool(x, 0.5)[0], ("pooling_ratio",),
        InvalidArgumentError),
    Bad("fractional_max_pool", lambda x: nn.fractional_max_pool(x, 6.0)[0], ("ratio", "5")),
    # dtypes
    Bad("conv2d", lambda x: nn.conv2d(x, F.astype(np.float64) + nf.constant(0.0, nf.float64), 1,
        "SAME"), ("float32", "float64"), DTypeError),
    Bad("avg_pool2d", lambda x: nn.avg_pool2d(nf.cast(x, nf.int32), 2, 2, "SAME"), ("int32",),
        DTypeError),
    Bad("max_pool2d", lambda x: nn.max_pool2d(x > 0, 2, 2, "SAME"), ("bool",), DTypeError),
]  # fmt: skip


def _id(bad: Bad) -> str:
    return f"{bad.op}-line{bad.call.__code__.co_firstlineno}"


@pytest.mark.parametrize("way", ["eager", "compiled", "gradient", "unknown"])
@pytest.mark.parametrize("bad", CASES, ids=_id)
def test_wrong_calls(bad: Bad, way: str) -> None:
    """Twice: what failed once fails the same way when it is called again."""

    def gradient(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = bad.call(x)
        return tape.gradient(y, x)

    run = {
        "eager": bad.call,
        "compiled": nf.function(bad.call),
        "gradient": nf.function(gradient),
        "unknown": nf.function(
            bad.call, input_signature=[nf.TensorSpec([None, *bad.x.shape[1:]], nf.float32)]
        ),
    }[way]
    for _ in range(2):
        with pytest.raises(bad.error) as caught:
            run(nf.constant(bad.x))
        message = str(caught.value).rpartition("\n  at ")[0]
        problem = message.partition(":")[0].rpartition(".")[2]
        assert problem == bad.op, message
        assert all(text in message for text in bad.texts), message


# --- empty batches -------------------------------------------------------------------------------

EMPTY: dict[str, Callable[[Any], Any]] = {
    "conv2d": lambda x: nn.conv2d(x, F, 2, "SAME"),
    "depthwise": lambda x: nn.depthwise_conv2d(x, D, ONE, "VALID"),
    "separable": lambda x: nn.separable_conv2d(x, D, P, ONE, "SAME"),
    "transpose": lambda x: nn.conv2d_transpose(
        x, np.swapaxes(F[..., :4], 2, 3), [nf.shape(x)[0], 10, 14, 4], 2, "SAME"
    ),
    "max_pool": lambda x: nn.max_pool2d(x, 2, 2, "VALID"),
    "avg_pool": lambda x: nn.avg_pool2d(x, 3, 1, "SAME"),
    "argmax": lambda x: nn.max_pool_with_argmax(x, 2, 2, "SAME")[0],
    "fractional": lambda x: nn.fractional_avg_pool(x, 1.5, seed=1)[0],
    "lrn": lambda x: nn.local_response_normalization(x, 2),
    "dilation2d": lambda x: nn.dilation2d(x, M, ONE, "SAME", "NHWC", ONE),
    "patches": lambda x: image.extract_patches(x, [1, 2, 2, 1], ONE, ONE, "VALID"),
    "space_to_batch": lambda x: nf.space_to_batch(x[:, :4, :6], [2, 2], [[0, 0], [0, 0]]),
    "space_to_depth": lambda x: nn.space_to_depth(x[:, :4, :6], 2),
    "depth_to_space": lambda x: nn.depth_to_space(x, 2),
    "batch_normalization": lambda x: nn.batch_normalization(x, X[0, 0, 0], 1.0, None, None, 1e-3),
    "resize": lambda x: image.resize(x, [9, 3]),
    "resize_nearest": lambda x: image.resize(x, [9, 3], "nearest"),
    "resize_bicubic": lambda x: image.resize(x, [2, 3], "bicubic", antialias=True),
    "crops": lambda x: image.crop_and_resize(x, BOXES[:0], np.zeros(0, np.int32), [2, 2]),
    "sobel_edges": lambda x: image.sobel_edges(x),
    "central_crop": lambda x: image.central_crop(x, 0.5),
    "resize_with_pad": lambda x: image.resize_with_pad(x, 9, 9),
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_batch_is_empty(name: str) -> None:
    def both(x: Any, w: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([x, w])
            y = EMPTY[name](x * w)
            total = nf.reduce_sum(y * y)
        return y, *tape.gradient(total, [x, w])

    x, w = X[:0], np.ones(4, np.float32)
    whole = EMPTY[name](nf.constant(X)).shape if name != "crops" else (0, 2, 2, 4)
    for run in (both, nf.function(both)):
        y, dx, dw = run(nf.constant(x), nf.constant(w))
        assert y.shape == (0, *whole[1:])
        assert dx.shape == x.shape and dw.numpy().tolist() == [0, 0, 0, 0]


# --- what only kernels see ---------------------------------------------------------------------


@pytest.mark.parametrize("compiled", [False, True])
def test_places_from_elsewhere_are_passed_over(compiled: bool) -> None:
    """A tap that the window has not: no pixel gets that gradient, none is read."""
    attrs = pooling.Pool((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)).attrs
    dy = np.ones((1, 2, 2, 3), np.float32)

    def spread(dy: Any, place: Any) -> Any:
        return pooling.spread_op(dy, place, image=(4, 4), **attrs)

    def pick(x: Any, place: Any) -> Any:
        return pooling.pick_op(x, place, **attrs)

    for tap, total in ((255, 0), (3, 12)):
        place = np.full(dy.shape, tap, np.uint8)
        back, there = (nf.function(f) if compiled else f for f in (spread, pick))
        assert back(nf.constant(dy), nf.constant(place)).numpy().sum() == total
        ones = nf.ones((1, 4, 4, 3))
        assert there(ones, nf.constant(place)).numpy().sum() == total


@pytest.mark.parametrize("wrong", [2, -1, 1 << 30, -(1 << 31)])
def test_boxes_of_no_image_are_refused(wrong: int) -> None:
    """Also in a function that was called before."""

    @nf.function
    def crops(x: Any, indices: Any) -> Any:
        return image.crop_and_resize(x, BOXES, indices, [3, 3])

    for run in (crops, crops.python_function):
        assert run(nf.constant(X), nf.constant([0, 1])).shape == (2, 3, 3, 4)
        with pytest.raises(InvalidArgumentError, match=rf"crop_and_resize: .*{wrong}"):
            run(nf.constant(X), nf.constant([0, wrong]))


# --- sizes whose product overflows ---------------------------------------------------------------

HUGE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
import numpy as np
import numflow as nf
x, one = nf.ones([1, 3, 3, 2]), [1, 1, 1, 1]
f, big = nf.ones([3, 3, 2, 2]), (1 << 31) - 1
calls = [
    lambda x: nf.image.resize(x, [1 << 30, 1 << 30]),
    lambda x: nf.image.resize(x, [big, big], "nearest"),
    lambda x: nf.image.crop_and_resize(x, [[0.0, 0.0, 1.0, 1.0]], [0], [big, big]),
    lambda x: nf.image.pad_to_bounding_box(x, 0, 0, big, big),
    lambda x: nf.image.resize_with_crop_or_pad(x, big, big),
    lambda x: nf.nn.conv2d_transpose(x, f, [1, 1 << 40, 1 << 40, 2], 1 << 30, "VALID"),
    lambda x: nf.nn.conv2d(x, f, 1, [[0, 0], [big, big], [big, big], [0, 0]]),
    lambda x: nf.nn.max_pool2d(x, big, 1, [[0, 0], [big - 1, big - 1], [big - 1, 0], [0, 0]]),
    lambda x: nf.image.extract_patches(x, [1, big, big, 1], one, one, "SAME"),
    lambda x: nf.space_to_batch(x, [2, 2], [[1 << 62, 1 << 62], [1, 0]]),
    lambda x: nf.nn.conv2d(x, f, 1, "SAME", dilations=[big, 1]) - x,
    lambda x: nf.nn.depthwise_conv2d(x, f, one, "SAME", dilations=[1, big]),
    lambda x: nf.nn.avg_pool2d(x, 40000, 40000, "SAME"),
]
for k, call in enumerate(calls):
    for run in (call, nf.function(call)):
        try:
            y = run(x)
            assert y.shape[0] == 1 and max(y.shape) < 10, y.shape
            print(k, "small")
        except (nf.errors.ResourceExhaustedError, nf.errors.InvalidArgumentError) as error:
            print(k, type(error).__name__)
"""


def test_sizes_beyond_memory_are_refused_at_once() -> None:
    """In a process that may have 6 GB: it lives on, and what is small after all is computed."""
    run = subprocess.run(
        [sys.executable, "-c", HUGE], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    said = run.stdout.split("\n")[:-1]
    assert len(said) == 26
    assert said[:20] == [line for line in said[:20] if not line.endswith("small")]
    assert [line.split()[1] for line in said[20:]] == ["small"] * 6


@pytest.mark.parametrize("compiled", [False, True])
def test_windows_far_larger_than_the_image(compiled: bool) -> None:
    """They are read by index, tap by tap; most taps read zeros."""

    def patches(x: Any) -> Any:
        return image.extract_patches(x, [1, 2, 1999, 1], [1, 1, 3, 1], ONE, "SAME")

    y = (nf.function(patches) if compiled else patches)(nf.constant(X))
    assert y.shape == (2, 5, 3, 2 * 1999 * 4)
    np.testing.assert_allclose(y.numpy()[:, 0].sum((1, 2)), 3 * X[:, :2].sum((1, 2, 3)), 1e-4, 1e-4)


def test_a_window_that_does_not_fit_is_found_at_run_time() -> None:
    """The function is made for any size, and works again afterwards."""

    @nf.function(input_signature=[nf.TensorSpec([None, None, None, 4])])
    def f(x: Any) -> Any:
        return nn.max_pool2d(nn.conv2d(x, F, 1, "VALID"), 2, 2, "VALID")

    for _ in range(2):
        assert f(X).shape == (2, 1, 2, 6)
        with pytest.raises(ShapeError, match="conv2d: the window reaches over 3 elements"):
            f(X[:, :2])
        with pytest.raises(ShapeError, match="max_pool2d: the window reaches over 2 elements"):
            f(X[:, :3])


def test_crops_larger_than_the_image_are_found_at_run_time() -> None:
    @nf.function(input_signature=[nf.TensorSpec([None, None, None, 4])])
    def crop(x: Any) -> Any:
        return image.random_crop(x, [2, 4, 3, 4], seed=1)

    for _ in range(2):
        assert crop(X).shape == (2, 4, 3, 4)
        with pytest.raises(ShapeError, match="random_crop: size must lie within the shape"):
            crop(X[:, :3])
