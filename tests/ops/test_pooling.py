"""Pooling: the largest and the mean of windows, where the largest are, and gradients of both."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.ops import pooling
from numflow.ops.pooling import Pool
from tests.contract import SINGLE_AND_DOUBLE, Case, check, floats, ids, ints

Array = np.ndarray[Any, Any]


def windows(
    x: Array, kernel: Any, strides: Any, padding: Any, dilations: Any
) -> tuple[Array, tuple[int, ...]]:
    """Every tap of every window, NaN beside the image: [taps, batch, *result, channels]."""
    image = x.shape[1:-1]
    axes = len(image)
    gaps = dilations or (1,) * axes
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, gaps, strict=True)]
    if padding == "SAME":
        totals = [
            max(0, (-(-n // s) - 1) * s + r - n)
            for n, s, r in zip(image, strides, reach, strict=True)
        ]
        padding = [(0, 0), *((t // 2, t - t // 2) for t in totals), (0, 0)]
    elif padding == "VALID":
        padding = [(0, 0)] * (axes + 2)
    wide = np.pad(x.astype(np.float64), padding, constant_values=np.nan)
    result = tuple(
        (n - r) // s + 1 for n, r, s in zip(wide.shape[1:-1], reach, strides, strict=True)
    )
    parts = []
    for tap in itertools.product(*map(range, kernel)):
        cut = tuple(
            slice(t * d, t * d + (o - 1) * s + 1, s) if o else slice(0, 0)
            for t, d, o, s in zip(tap, gaps, result, strides, strict=True)
        )
        parts.append(wide[(slice(None), *cut)])
    return np.stack(parts), result


def largest(kernel: Any, strides: Any, padding: Any, dilations: Any = None) -> Any:
    return lambda x: np.nanmax(windows(x, kernel, strides, padding, dilations)[0], 0)


def mean(kernel: Any, strides: Any, padding: Any, dilations: Any = None) -> Any:
    return lambda x: np.nanmean(windows(x, kernel, strides, padding, dilations)[0], 0)


def second(oracle: Any) -> Any:
    """Of an image whose channels come second."""
    return lambda x: np.moveaxis(oracle(np.moveaxis(x, 1, -1)), -1, 1)


ONE, TWO, THREE = floats(2, 11, 3), floats(2, 7, 5, 3), floats(2, 5, 4, 3, 2)
SMALL = Pool((2, 3), (1, 2), ((0, 0), (0, 0)), (1, 1))
PAIRS = [[0, 0], [1, 0], [0, 1], [0, 0]]

CASES = [
    Case(lambda x: _alone(x), largest((2, 3), (1, 2), "VALID"), [TWO],
         dtypes=SINGLE_AND_DOUBLE, gradient=False),
    Case(lambda x: _picked(x), largest((2, 3), (1, 2), "VALID"), [TWO], dtypes=SINGLE_AND_DOUBLE),
    Case(nf.nn.max_pool, largest((2, 3), (1, 2), "SAME"), [TWO],
         {"ksize": [2, 3], "strides": [1, 2], "padding": "SAME"}),
    Case(nf.nn.max_pool, largest((2, 3), (2, 1), "VALID"), [TWO],
         {"ksize": [1, 2, 3, 1], "strides": [1, 2, 1, 1], "padding": "VALID"}),
    Case(nf.nn.max_pool, second(largest((2, 2), (2, 2), "SAME")), [floats(2, 3, 5, 7)],
         {"ksize": [1, 1, 2, 2], "strides": 2, "padding": "SAME", "data_format": "NCHW"}),
    Case(nf.nn.max_pool, largest((3,), (2,), "SAME"), [ONE],
         {"ksize": 3, "strides": 2, "padding": "SAME"}),
    Case(nf.nn.max_pool2d, largest((2, 2), (1, 2), PAIRS), [TWO],
         {"ksize": 2, "strides": [1, 2], "padding": PAIRS}),
    Case(nf.nn.max_pool2d, largest((17, 16), (1, 1), "SAME"), [TWO],  # places of 4 bytes
         {"ksize": [17, 16], "strides": 1, "padding": "SAME"}),
    Case(nf.nn.max_pool2d, largest((2, 2), (2, 2), "VALID"), [floats(0, 5, 4, 3)],
         {"ksize": 2, "strides": 2, "padding": "VALID"}),
    Case(nf.nn.max_pool2d, lambda x: np.zeros((2, 0, 2, 3)), [floats(2, 0, 4, 3)],
         {"ksize": 2, "strides": 2, "padding": "SAME"}),
    Case(nf.nn.max_pool2d, largest((2, 2), (2, 2), "SAME"), [ints(2, 5, 4, 3)],
         {"ksize": 2, "strides": 2, "padding": "SAME"}),
    Case(lambda x: nf.nn.max_pool2d(nf.cast(x, nf.int64), 2, 2, "SAME"),
         largest((2, 2), (2, 2), "SAME"), [ints(2, 5, 4, 3)]),
    Case(nf.nn.max_pool2d, lambda x: x.reshape(2, 5, 4, 2, 3).max(-1), [floats(2, 5, 4, 6)],
         {"ksize": [1, 1, 1, 3], "strides": [1, 1, 1, 3], "padding": "SAME"}),
    Case(nf.nn.max_pool1d, largest((2,), (3,), "VALID"), [ONE],
         {"ksize": 2, "strides": 3, "padding": "VALID"}),
    Case(nf.nn.max_pool3d, largest((2, 2, 3), (2, 1, 2), "SAME"), [THREE],
         {"ksize": [2, 2, 3], "strides": [2, 1, 2], "padding": "SAME"}),
    Case(nf.nn.avg_pool, mean((2, 3), (1, 2), "SAME"), [TWO],
         {"ksize": [2, 3], "strides": [1, 2], "padding": "SAME"}),
    Case(nf.nn.avg_pool, mean((2, 2), (2, 2), "VALID"), [TWO],
         {"ksize": 2, "strides": 2, "padding": "VALID"}),
    Case(nf.nn.avg_pool2d, second(mean((3, 2), (1, 3), "SAME")), [floats(2, 3, 5, 7)],
         {"ksize": [3, 2], "strides": [1, 3], "padding": "SAME", "data_format": "NCHW"}),
    Case(nf.nn.avg_pool2d, mean((2, 2), (1, 2), PAIRS), [TWO],
         {"ksize": 2, "strides": [1, 2], "padding": PAIRS}),
    Case(nf.nn.avg_pool2d, mean((2, 2), (2, 2), "VALID"), [floats(0, 5, 4, 3)],
         {"ksize": 2, "strides": 2, "padding": "VALID"}),
    Case(nf.nn.avg_pool1d, mean((3,), (2,), "SAME"), [ONE],
         {"ksize": 3, "strides": 2, "padding": "SAME"}),
    Case(nf.nn.avg_pool3d, mean((2, 2, 3), (2, 1, 2), "SAME"), [THREE],
         {"ksize": [2, 2, 3], "strides": [2, 1, 2], "padding": "SAME"}),
    Case(nf.nn.pool, largest((2, 3), (1, 1), "VALID", (3, 1)), [TWO],
         {"window_shape": [2, 3], "pooling_type": "MAX", "dilations": [3, 1]}),
    Case(nf.nn.pool, mean((2, 3), (1, 1), "SAME", (3, 1)), [TWO],
         {"window_shape": [2, 3], "pooling_type": "AVG", "dilations": [3, 1], "padding": "SAME"}),
    Case(nf.nn.pool, mean((2,), (3,), "VALID"), [ONE],
         {"window_shape": [2], "pooling_type": "AVG", "strides": [3]}),
    Case(lambda x: nf.nn.max_pool_with_argmax(x, [2, 3], [1, 2], "SAME")[0],
         largest((2, 3), (1, 2), "SAME"), [TWO]),
    Case(lambda x: nf.nn.max_pool_with_argmax(x, 2, 2, "SAME")[1],
         lambda x: _indices(x), [TWO], gradient=False),
]  # fmt: skip


def _alone(x: Any) -> Any:
    """Without places."""
    return pooling.largest_op(nf.identity(x), **SMALL.attrs)


def _picked(x: Any) -> Any:
    """By places."""
    value = nf.identity(x)
    return pooling.pick_op(value, pooling.places_op(value, **SMALL.attrs)[1], **SMALL.attrs)


def _indices(x: Array) -> Array:
    """Of the largest of 2 x 2 windows: row * width + column, and channels."""
    b, h, w, c = x.shape
    found = np.zeros((b, -(-h // 2), -(-w // 2), c), np.int64)
    for n, i, j, k in np.ndindex(found.shape):
        part = x[n, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, k]
        row, column = np.unravel_index(np.argmax(part), part.shape)
        found[n, i, j, k] = ((2 * i + row) * w + 2 * j + column) * c + k
    return found


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_any_window(data: st.DataObject) -> None:
    """Windows, strides, dilations and paddings as they come, of one to three axes."""
    axes = data.draw(st.integers(1, 3))

    def drawn(least: int, most: int) -> tuple[int, ...]:
        return tuple(data.draw(st.integers(least, most)) for _ in range(axes))

    kernel, image = drawn(1, 3), drawn(3, 7)
    strides, dilations = drawn(1, 3), (1,) * axes
    if data.draw(st.booleans()):
        strides, dilations = (1,) * axes, drawn(1, 2)
    padding: Any = data.draw(st.sampled_from(["SAME", "VALID"]))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    if any(r > n for r, n in zip(reach, image, strict=True)):
        padding = "SAME"
    shape = (data.draw(st.integers(1, 2)), *image, data.draw(st.integers(1, 3)))
    for kind, oracle in (("MAX", largest), ("AVG", mean)):
        check(
            Case(
                lambda x, kind=kind: nf.nn.pool(
                    x, kernel, kind, strides, padding, dilations=dilations
                ),
                oracle(kernel, strides, padding, dilations),
                [floats(*shape)],
                dtypes=SINGLE_AND_DOUBLE,
            )
        )


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_the_first_of_equal_elements_gets_the_gradient(compiled: bool) -> None:
    """Row by row, as in TensorFlow."""

    def slope(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.nn.max_pool2d(x, 2, 1, "VALID")
        return tape.gradient(y, x)

    x = nf.constant([[1.0, 3.0, 3.0], [3.0, 3.0, 1.0]])[None, :, :, None]
    got = (nf.function(slope) if compiled else slope)(x)
    assert got.numpy()[0, :, :, 0].tolist() == [[0, 2, 0], [0, 0, 0]]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_nan_is_passed_over(compiled: bool) -> None:
    """As TensorFlow does; infinities are numbers."""

    def run(x: Any) -> Any:
        return nf.nn.max_pool1d(x, 2, 2, "VALID")

    x = nf.constant([np.nan, 1, 2, np.nan, -np.inf, -np.inf, np.inf, 1])[None, :, None]
    got = (nf.function(run) if compiled else run)(x)
    assert got.numpy().ravel().tolist() == [1, 2, -np.inf, np.inf]


def test_large_integers_are_exact() -> None:
    """2^53 + 1 is no float64."""
    x = nf.constant(np.array([2**53, 2**53 + 1, -(2**62), -(2**62) + 1]))[None, :, None]
    assert nf.nn.max_pool1d(x, 2, 2, "VALID").numpy().ravel().tolist() == [2**53 + 1, 1 - 2**62]


def test_indices_count_images_where_asked() -> None:
    """Of the second image: 12 more, and of int32."""
    x = nf.reshape(nf.range(24.0), [2, 3, 4, 1])
    _, alone = nf.nn.max_pool_with_argmax(x, 2, 2, "VALID", output_dtype=nf.int32)
    _, all_ = nf.nn.max_pool_with_argmax(x, 2, 2, "VALID", include_batch_in_index=True)
    assert alone.dtype is nf.int32 and alone.numpy()[1].ravel().tolist() == [5, 7]
    assert all_.numpy()[1].ravel().tolist() == [17, 19]


def test_a_batch_of_unknown_size_traces_once() -> None:
    """Value and gradient for several sizes."""
    traces = 0

    @nf.function(input_signature=[nf.TensorSpec([None, 5, 4, 3])])
    def run(x: Any) -> Any:
        nonlocal traces
        traces += 1
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.nn.max_pool2d(x, 2, 2, "SAME") + nf.nn.avg_pool2d(x, 2, 2, "SAME")
            total = nf.reduce_sum(y * y)
        return y, tape.gradient(total, x), nf.nn.max_pool_with_argmax(x, 2, 2, "SAME")[1]

    for size in (2, 5, 0):
        x = np.random.default_rng(size).standard_normal((size, 5, 4, 3)).astype(np.float32)
        y, dx, _ = run(x)
        want = largest((2, 2), (2, 2), "SAME")(x) + mean((2, 2), (2, 2), "SAME")(x)
        np.testing.assert_allclose(y, want, rtol=1e-5)
        assert dx.shape == x.shape
    assert traces == 1


def test_inference_keeps_no_places() -> None:
    """Which element was the largest is found where a gradient asks for it, in the same pass."""

    def run(x: Any) -> Any:
        return nf.nn.max_pool2d(x, 2, 2, "VALID")

    def step(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.nn.max_pool2d(x, 2, 2, "VALID")
        return y, tape.gradient(y, x)

    x = nf.ones([1, 4, 4, 1])
    inference, training = nf.function(run), nf.function(step)
    inference(x), training(x)
    assert "max_pool_direct" in str(inference.explain())
    assert str(training.explain()).count("library: max_pool") == 1


X = np.zeros((2, 5, 7, 3), np.float32)


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: nf.nn.max_pool2d(X, [9, 9], 1, "VALID"), nf.errors.InvalidArgumentError,
         "max_pool2d: the window reaches over 9 elements of axis 0 of the image, which has 5"),
        (lambda: nf.nn.max_pool2d(X, 0, 1, "VALID"), ValueError,
         "max_pool2d: ksize must be from 1 to 2147483647"),
        (lambda: nf.nn.avg_pool2d(X, 2, -1, "VALID"), ValueError,
         "avg_pool2d: strides must be from 1 to 2147483647"),
        (lambda: nf.nn.avg_pool2d(X, 2, 0, "VALID"), nf.errors.InvalidArgumentError,
         "avg_pool2d: strides must be from 1 to 2147483647"),
        (lambda: nf.nn.max_pool2d(X, [2, 2, 2], 1, "VALID"), ValueError,
         "max_pool2d: ksize has 3 numbers: 1, 2 or 4 were wanted"),
        (lambda: nf.nn.max_pool2d(X, [2, 2, 2, 1], 1, "VALID"), ValueError,
         "max_pool2d: ksize of batch and channels must be 1"),
        (lambda: nf.nn.max_pool2d(X, [1, 2, 2, 3], 1, "VALID"), nf.errors.UnimplementedError,
         "max_pool2d: the window is either over the image or over channels"),
        (lambda: nf.nn.max_pool2d(X, [1, 1, 1, 2], [1, 1, 1, 2], "VALID"),
         nf.errors.UnimplementedError,
         "max_pool2d: a window over channels has its own size as stride, and divides the channels"),
        (lambda: nf.nn.max_pool2d(X, 2, 2, "FULL"), ValueError, "max_pool2d: no padding 'FULL'"),
        (lambda: nf.nn.max_pool2d(X, 2, 2, [[0, 0], [2, 1], [0, 0], [0, 0]]), ValueError,
         "max_pool2d: padding 2 of axis 0 is not smaller than the window, 2"),
        (lambda: nf.nn.max_pool2d(X, 2, 2, [[0, 0], [0, 0]]), ValueError,
         "max_pool2d: padding has 2 pairs, 4 were wanted"),
        (lambda: nf.nn.max_pool2d(X, 2, 2, [[0, 0], [-1, 0], [0, 0], [0, 0]]), ValueError,
         "max_pool2d: padding must be from 0 to 2147483647"),
        (lambda: nf.nn.max_pool2d(X, 2, 2, "VALID", "NHCW"), ValueError,
         "max_pool2d: no data_format 'NHCW'"),
        (lambda: nf.nn.max_pool2d(X[0], 2, 2, "VALID"), ValueError,
         "max_pool2d: input has rank 3: 4 was wanted"),
        (lambda: nf.nn.max_pool(X[0, 0], 2, 2, "VALID"), ValueError,
         "max_pool: input has rank 2: 3, 4 or 5 was wanted"),
        (lambda: nf.nn.max_pool2d(X > 0, 2, 2, "VALID"), TypeError,
         "max_pool2d: input is bool: a real number was wanted"),
        (lambda: nf.nn.max_pool2d(X.astype(np.complex64), 2, 2, "VALID"), TypeError,
         "max_pool2d: input is complex64: a real number was wanted"),
        (lambda: nf.nn.avg_pool2d(X.astype(np.int32), 2, 2, "VALID"), TypeError,
         "avg_pool2d: input is int32, not floating"),
        (lambda: nf.nn.max_pool2d(X, 1 << 20, 1, "SAME"), ValueError,
         "max_pool2d: the window has 1099511627776 elements, too many"),
        (lambda: nf.nn.max_pool2d(X, 1 << 40, 1, "SAME"), ValueError,
         "max_pool2d: ksize must be from 1 to 2147483647"),
        (lambda: nf.nn.avg_pool2d(X, 2.5, 1, "SAME"), TypeError,
         "avg_pool2d: ksize must be integers"),
        (lambda: nf.nn.max_pool_with_argmax(X, 2, 2, "SAME", "NCHW"), ValueError,
         "max_pool_with_argmax: data_format is 'NCHW', which must be 'NHWC'"),
        (lambda: nf.nn.max_pool_with_argmax(X, 2, 2, "SAME", output_dtype=nf.float32), TypeError,
         "max_pool_with_argmax: output_dtype is float32, neither int64 nor int32"),
        (lambda: nf.nn.pool(X, [2, 2], "MEDIAN"), ValueError, "pool: no pooling_type 'MEDIAN'"),
        (lambda: nf.nn.pool(X, [2, 2, 2, 2], "MAX"), ValueError,
         "pool: window_shape has 4 numbers, not 1 to 3"),
        (lambda: nf.nn.pool(X, [2], "MAX"), ValueError, "pool: input has rank 4: 3 was wanted"),
        (lambda: nf.nn.pool(X, [2, 2], "AVG", [2, 2], dilations=[2, 2]), ValueError,
         "pool: strides and dilations are both not 1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_messages(run: Any, error: type[Exception], message: str, compiled: bool) -> None:
    """What was wrong, by op and argument."""
    with pytest.raises(error) as caught:
        (nf.function(run) if compiled else run)()
    assert str(caught.value).split("\n")[0] == message


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_windows_far_larger_than_the_image(compiled: bool) -> None:
    """With SAME they see all of it, at no cost of memory."""

    def run(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.nn.max_pool1d(x, 1 << 30, 1, "SAME") + nf.nn.avg_pool1d(x, 1 << 30, 1, "SAME")
        return y, tape.gradient(y, x)

    y, dx = (nf.function(run) if compiled else run)(nf.constant([1.0, 5.0, 3.0])[None, :, None])
    assert y.numpy().ravel().tolist() == [8, 8, 8]
    assert dx.numpy().ravel().tolist() == [1, 4, 1]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_windows_of_nan_only_name_their_first_element(compiled: bool) -> None:
    """A window in the padding, one of NaN, one of numbers: places are in the image."""

    def run(x: Any) -> Any:
        return nf.nn.max_pool_with_argmax(x, [1, 3], [1, 2], "SAME")

    x = nf.constant([np.nan, np.nan, np.nan, np.nan, 1.0])[None, None, :, None]
    y, index = (nf.function(run) if compiled else run)(x)
    assert y.numpy().ravel().tolist() == [-np.inf, -np.inf, 1]
    assert index.numpy().ravel().tolist() == [0, 1, 4]
