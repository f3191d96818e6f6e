"""Patches of images, and dilation2d and erosion2d."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.ops.patches import extract_patches
from tests.contract import SINGLE_AND_DOUBLE, Case, check, floats, ids, ints
from tests.ops import convolution_oracle as oracle


def _patches(shape: Any, sizes: Any, strides: Any, rates: Any, padding: str, draw: Any) -> Case:
    def patches(x: Any) -> Any:
        view = oracle.windows(x, sizes, strides, padding, rates)
        last = np.moveaxis(view, 1 + len(sizes), -1)
        return last.reshape(*last.shape[: 1 + len(sizes)], np.prod(last.shape[1 + len(sizes) :]))

    named = {"strides": [1, *strides, 1], "padding": padding}
    if len(sizes) == 3:
        attrs = {"ksizes": [1, *sizes, 1], **named}
        return Case(nf.extract_volume_patches, patches, [draw(*shape)], attrs)
    attrs = {"sizes": [1, *sizes, 1], "rates": [1, *rates, 1], **named}
    return Case(extract_patches, patches, [draw(*shape)], attrs)


def _dilated(x: Any, f: Any, strides: Any, padding: str, rates: Any) -> Any:
    view = oracle.windows(x, f.shape[:2], strides, padding, rates, -np.inf)
    return (view + np.moveaxis(f, -1, 0)[:, :, :]).max((-2, -1))


def _eroded(x: Any, f: Any, strides: Any, padding: str, rates: Any) -> Any:
    return -_dilated(-x, f[::-1, ::-1], strides, padding, rates)


def _morphology(op: Any, of: Any, shape: Any, kernel: Any, s: Any, d: Any, padding: str) -> Case:
    return Case(
        op,
        lambda x, f: of(x, f, s, padding, d),
        [floats(*shape), floats(*kernel)],
        {
            "strides": [1, *s, 1], "padding": padding, "data_format": "NHWC",
            "dilations": [1, *d, 1],
        },
        dtypes=SINGLE_AND_DOUBLE,  # ties decide otherwise in 16 bits
    )  # fmt: skip


CASES = [
    _patches((2, 7, 9, 3), (3, 2), (2, 1), (1, 1), "VALID", floats),
    _patches((2, 7, 9, 3), (2, 3), (2, 3), (2, 1), "SAME", floats),
    _patches((2, 7, 9, 3), (1, 1), (1, 1), (1, 1), "SAME", floats),
    _patches((0, 7, 9, 3), (3, 3), (1, 1), (1, 1), "SAME", floats),
    _patches((2, 4, 5, 1), (4, 5), (1, 1), (1, 1), "VALID", ints),
    _patches((2, 5, 6, 4, 2), (2, 3, 1), (1, 2, 1), (1, 1, 1), "VALID", floats),
    _patches((1, 3, 4, 4, 2), (2, 2, 3), (1, 1, 1), (1, 1, 1), "SAME", floats),
    *(
        _morphology(op, of, *sizes)
        for op, of in ((nf.nn.dilation2d, _dilated), (nf.nn.erosion2d, _eroded))
        for sizes in (
            ((2, 5, 7, 3), (3, 2, 3), (1, 1), (1, 1), "SAME"),
            ((2, 7, 6, 2), (2, 3, 2), (2, 1), (1, 2), "SAME"),
            ((1, 7, 6, 3), (3, 3, 3), (2, 3), (2, 1), "VALID"),
            ((0, 5, 7, 3), (3, 2, 3), (1, 1), (1, 1), "SAME"),
            ((1, 1, 1, 1), (1, 1, 1), (1, 1), (1, 1), "SAME"),
        )
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_patches(case: Case) -> None:
    check(case)


ONE = [1, 1, 1, 1]


def test_integers_do_not_wrap_beside_the_image() -> None:
    x = nf.constant(np.full((1, 2, 2, 1), -5, np.int32))
    f = nf.constant(np.full((3, 3, 1), -7, np.int32))
    assert set(nf.nn.dilation2d(x, f, ONE, "SAME", "NHWC", ONE).numpy().ravel()) == {-12}


def test_a_window_over_nothing_gives_the_least_number() -> None:
    y = nf.nn.dilation2d(
        nf.ones([1, 1, 1, 1]), nf.ones([2, 2, 1]), ONE, "SAME", "NHWC", [1, 9, 9, 1]
    )
    assert y.numpy().item() == np.finfo(np.float32).min


@pytest.mark.parametrize("of", [nf.nn.dilation2d, nf.nn.erosion2d])
@pytest.mark.parametrize("dtype", ["float32", "int16"])
@pytest.mark.parametrize("batch", [3, 0])
def test_gradients_of_windows_over_nothing_are_zeros(of: Any, dtype: str, batch: int) -> None:
    def run(x: Any, f: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([x, f] if x.dtype.is_floating else [])
            y = of(x, f, [1, 2, 2, 1], "SAME", "NHWC", [1, 2, 2, 1])
        return y, tape.gradient(y, [x, f]) if x.dtype.is_floating else []

    x, f = nf.ones([batch, 1, 4, 5], dtype), nf.ones([4, 4, 5], dtype)
    for call in (run, nf.function(run)):
        y, slopes = call(x, f)
        assert y.shape == (batch, 1, 2, 5)
        assert np.all(y.numpy() == _nothing(of, dtype))
        for slope, source in zip(slopes, (x, f), strict=False):
            np.testing.assert_array_equal(slope.numpy(), np.zeros(source.shape))


def _nothing(of: Any, dtype: str) -> float | int:
    """What a window over nothing gives; negative of the least integer wraps to itself."""
    least = np.array(nf.as_dtype(dtype).min, dtype)
    with np.errstate(over="ignore"):
        return (least if of is nf.nn.dilation2d else np.negative(least)).item()


def test_the_first_of_equal_sums_takes_the_gradient() -> None:
    x = nf.zeros([1, 1, 3, 1])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = nf.nn.dilation2d(x, nf.zeros([1, 3, 1]), ONE, "VALID", "NHWC", ONE)
    assert tape.gradient(y, x).numpy().ravel().tolist() == [1, 0, 0]


def test_unknown_sizes() -> None:
    @nf.function(input_signature=[nf.TensorSpec([None, None, None, 2])])
    def run(x: Any) -> Any:
        return extract_patches(x, [1, 3, 3, 1], ONE, ONE, "SAME")

    for shape in ((1, 5, 7, 2), (3, 2, 2, 2), (0, 4, 4, 2)):
        x = np.random.default_rng(0).standard_normal(shape).astype("f")
        np.testing.assert_array_equal(
            run(x).numpy(), extract_patches(x, [1, 3, 3, 1], ONE, ONE, "SAME").numpy()
        )


X = np.zeros((2, 4, 6, 3), "f")
NAN = float("nan")

BAD: list[tuple[Any, type[Exception], str]] = [
    (lambda x: extract_patches(x[0], ONE, ONE, ONE, "SAME"), ValueError, "images has rank 3"),
    (lambda x: extract_patches(x, [1, 5, 1, 1], ONE, ONE, "VALID"), ValueError, "reaches over 5"),
    (lambda x: extract_patches(x, [1, 0, 1, 1], ONE, ONE, "VALID"), ValueError, "sizes must be"),
    (lambda x: extract_patches(x, [2, 1, 1, 1], ONE, ONE, "VALID"), ValueError, "sizes of batch"),
    (lambda x: extract_patches(x, ONE, [1, -1, 1, 1], ONE, "SAME"), ValueError, "strides must be"),
    (lambda x: extract_patches(x, ONE, ONE, [1, 0, 1, 1], "SAME"), ValueError, "dilations must be"),
    (lambda x: extract_patches(x, ONE, ONE, ONE, "HALF"), ValueError, "no padding 'HALF'"),
    (lambda x: extract_patches(x > 0, ONE, ONE, ONE, "SAME"), TypeError, "images is bool"),
    (
        lambda x: extract_patches(x, [1, 2**30, 2**30, 1], ONE, ONE, "SAME"),
        nf.errors.ResourceExhaustedError, "beyond any memory",
    ),
    (lambda x: nf.extract_volume_patches(x, [1] * 5, [1] * 5, "SAME"), ValueError, "has rank 4"),
    (
        lambda x: nf.nn.dilation2d(x, x[0], ONE, "SAME", "NCHW", ONE),
        ValueError, "no data_format 'NCHW'",
    ),
    (
        lambda x: nf.nn.dilation2d(x, x, ONE, "SAME", "NHWC", ONE),
        ValueError, "filters 4: 4 and 3 were wanted",
    ),
    (
        lambda x: nf.nn.dilation2d(x, x[0, :, :, :2], ONE, "SAME", "NHWC", ONE),
        ValueError, "input has 3 channels, filters 2",
    ),
    (
        lambda x: nf.nn.erosion2d(x[:, :3], x[0], ONE, "VALID", "NHWC", ONE),
        ValueError, "reaches over 4 elements",
    ),
    (
        lambda x: nf.nn.erosion2d(x > 0, x[0] > 0, ONE, "VALID", "NHWC", ONE),
        TypeError, "bool",
    ),
]  # fmt: skip


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize(
    ("call", "kind", "text"), BAD, ids=lambda v: v if isinstance(v, str) else ""
)
def test_bad_input_is_named(call: Any, kind: type[Exception], text: str, traced: bool) -> None:
    with pytest.raises(kind, match=text):
        (nf.function(call) if traced else call)(nf.constant(X))
