"""Parts, frames, flips and turns of images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.ops import image_places
from tests.contract import Case, bools, check, floats, ids, ints

image = nf.image
SHAPES = [(2, 5, 7, 3), (5, 7, 1), (1, 1, 3, 2), (0, 3, 2, 1), (2, 3, 5, 17)]


def _case(op: Any, oracle: Any, shape: tuple[int, ...], **attrs: Any) -> Case:
    return Case(op, oracle, [floats(*shape)], attrs)


def _framed(x: Any, top: int, left: int, height: int, width: int) -> Any:
    out = np.zeros((*x.shape[:-3], height, width, x.shape[-1]), x.dtype)
    out[..., top : top + x.shape[-3], left : left + x.shape[-2], :] = x
    return out


def _middle(height: int, width: int) -> Any:
    """Element after element: where the result's pixel is in the image."""

    def begin(n: int, target: int) -> int:
        return math.floor((n - target) / 2) if n > target else -math.floor((target - n) / 2)

    def oracle(x: Any) -> Any:
        out = np.zeros((*x.shape[:-3], height, width, x.shape[-1]), x.dtype)
        top, left = begin(x.shape[-3], height), begin(x.shape[-2], width)
        for i in range(height):
            for j in range(width):
                if 0 <= i + top < x.shape[-3] and 0 <= j + left < x.shape[-2]:
                    out[..., i, j, :] = x[..., i + top, j + left, :]
        return out

    return oracle


CASES = [
    *(_case(image.flip_left_right, lambda x: x[..., ::-1, :], s) for s in SHAPES),
    *(_case(image.flip_up_down, lambda x: x[..., ::-1, :, :], s) for s in SHAPES),
    *(_case(image.transpose, lambda x: np.swapaxes(x, -3, -2), s) for s in SHAPES),
    *(
        _case(image.rot90, lambda x, k=k: np.rot90(x, k, (-3, -2)), s, k=k)
        for s in SHAPES
        for k in (-1, 0, 1, 2, 7)
    ),
    Case(image.flip_up_down, lambda x: x[::-1], [bools(3, 5, 2)]),
    Case(image.rot90, lambda x: np.rot90(x), [ints(3, 5, 2)]),
    *(
        _case(image.crop_to_bounding_box, lambda x: x[..., 1:4, 2:7, :], s, offset_height=1,
              offset_width=2, target_height=3, target_width=5)
        for s in SHAPES[:2]
    ),
    *(
        _case(image.pad_to_bounding_box, lambda x: _framed(x, 1, 0, 8, 9), s, offset_height=1,
              offset_width=0, target_height=8, target_width=9)
        for s in SHAPES
    ),
    *(
        _case(image.resize_with_crop_or_pad, _middle(h, w), s, target_height=h, target_width=w)
        for s in SHAPES[:3]
        for h, w in [(3, 10), (8, 4), (5, 7), (2, 2)]
    ),
    *(
        _case(image.central_crop, lambda x, a=a, b=b: x[..., a : 5 - a, b : 7 - b, :], s,
              central_fraction=f)
        for s in SHAPES[:2]
        for f, a, b in [(0.5, 1, 1), (1.0, 0, 0), (0.3, 1, 2)]
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_places_keep_the_contract(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(("size", "inner", "offset"), [
    ((3, 9), (3, 4), (0, 2)), ((9, 3), (2, 3), (3, 0)), ((5, 7), (5, 7), (0, 0)),
    ((8, 10), (7, 10), (0, 0)),
])  # fmt: skip
def test_resize_with_pad(size: Any, inner: Any, offset: Any) -> None:
    """The image of the same ratio in the middle of zeros; sizes as TensorFlow rounds them."""
    x = np.random.default_rng(0).uniform(0, 1, (2, 5, 7, 3)).astype(np.float32)
    small = nf.image.resize(x, inner, "bicubic").numpy()
    got = nf.image.resize_with_pad(x, *size, "bicubic")
    np.testing.assert_array_equal(got.numpy(), _framed(small, *offset, *size))
    f = nf.function(
        lambda x, h, w: nf.image.resize_with_pad(x, h, w, "bicubic"),
        input_signature=[
            nf.TensorSpec([None, None, None, 3]),
            nf.TensorSpec([], nf.int32),
            nf.TensorSpec([], nf.int32),
        ],
    )
    np.testing.assert_allclose(f(x, *size).numpy(), got.numpy(), 1e-6, 1e-6)
    one = image_places.resize_with_pad_v1(x, size[0], size[1], 2).numpy()
    assert one.shape == (2, *size, 3)


def test_places_that_are_values_need_one_trace() -> None:
    """Offsets, sizes, fractions and turns as tensors, of images of unknown sizes."""
    count = 0

    def run(x: Any, k: Any, at: Any, share: Any) -> Any:
        nonlocal count
        count += 1
        return (
            nf.image.rot90(x, k),
            nf.image.crop_to_bounding_box(x, at[0], at[1], 2, at[2]),
            nf.image.pad_to_bounding_box(x, at[0], at[1], 13, 17),
            nf.image.resize_with_crop_or_pad(x, at[2], 6),
            nf.image.central_crop(x, share),
        )

    f = nf.function(
        run,
        input_signature=[
            nf.TensorSpec([None, None, 2]),
            nf.TensorSpec([], nf.int32),
            nf.TensorSpec([3], nf.int32),
            nf.TensorSpec([], nf.float32),
        ],
    )
    for h, w, k, at, share in [(5, 7, 1, (1, 2, 3), 0.5), (6, 4, 2, (0, 1, 1), 0.75),
                               (3, 3, 7, (1, 0, 2), 0.9), (5, 8, -4, (3, 4, 4), 0.4)]:  # fmt: skip
        x = np.random.default_rng(k + 9).uniform(0, 1, (h, w, 2)).astype(np.float32)
        got = f(nf.constant(x), nf.constant(k), nf.constant(at), nf.constant(share))
        for a, b in zip(got, run(x, k, list(at), share), strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
        count -= 1
    assert count == 1


ONE = np.ones((3, 4, 1))
BAD: list[tuple[Any, tuple[Any, ...], Any, str]] = [
    (image.flip_left_right, (np.ones((3, 4)),), ValueError,
     "image.flip_left_right: image must have 3 or 4 axes"),
    (image.flip_up_down, (np.ones((0, 4, 1)),), ValueError,
     "image.flip_up_down: image has no pixels"),
    (image.transpose, (np.ones((1, 1, 3, 4, 1)),), ValueError,
     "image.transpose: image must have 3 or 4 axes"),
    (image.rot90, (ONE, [1, 2]), ValueError, "image.rot90: k must be one number"),
    (image.rot90, (ONE, 1.5), TypeError, "image.rot90: k must be integers"),
    (image.central_crop, (ONE, 0.0), ValueError,
     "image.central_crop: central_fraction must be within (0, 1]"),
    (image.central_crop, (ONE, 1.5), ValueError, "image.central_crop: central_fraction"),
    (image.central_crop, (ONE, float("nan")), ValueError, "image.central_crop: central_fraction"),
    (image.crop_to_bounding_box, (ONE, -1, 0, 1, 1), ValueError,
     "offset_height must not be negative"),
    (image.crop_to_bounding_box, (ONE, 0, 0, 0, 1), ValueError, "target_height must be positive"),
    (image.crop_to_bounding_box, (ONE, 0, 2, 1, 3), ValueError, "width 4 is less than 2 + 3"),
    (image.crop_to_bounding_box, (ONE, 2**40, 0, 1, 1), ValueError, "height 3 is less than"),
    (image.pad_to_bounding_box, (ONE, 0, -1, 9, 9), ValueError,
     "offset_width must not be negative"),
    (image.pad_to_bounding_box, (ONE, 1, 0, 3, 9), ValueError,
     "target_height 3 is less than 1 + 3"),
    (image.pad_to_bounding_box, (ONE, 0, 0, 2**40, 2**40), MemoryError,
     "image.pad_to_bounding_box: "),
    (image.resize_with_crop_or_pad, (ONE, 0, 1), ValueError, "target_height must be positive"),
    (image.resize_with_pad, (ONE, 1, -3), ValueError,
     "image.resize_with_pad: target_width must be positive"),
    (image.resize_with_pad, (np.ones((100, 1, 1)), 1, 100), ValueError, "size must be positive"),
    (image.flip_left_right, ([[["a"]]],), TypeError, "image.flip_left_right: image is text"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "args", "kind", "text"), BAD)
def test_bad_arguments_are_named(op: Any, args: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind) as e:
        op(*args)
    assert text in str(e.value)


def test_parts_outside_are_refused_when_the_program_runs() -> None:
    """Sizes and offsets that a trace does not know."""
    f = nf.function(
        lambda x, at: nf.image.crop_to_bounding_box(x, at, 0, 2, 2),
        input_signature=[nf.TensorSpec([None, None, 1]), nf.TensorSpec([], nf.int32)],
    )
    assert f(nf.ones([3, 4, 1]), nf.constant(1)).shape == (2, 2, 1)
    for bad in (2, -1, 2**30):
        with pytest.raises(nf.errors.OpError):
            f(nf.ones([3, 4, 1]), nf.constant(bad))
