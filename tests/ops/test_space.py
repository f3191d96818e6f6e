"""Blocks moved into the batch or channels; with_space_to_batch."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints
from tests.ops import convolution_oracle as oracle

PADS = [[1, 2], [0, 1]]


def _to_batch(x: Any, block: Any, pads: Any) -> Any:
    """Pixel (i, j) of image n goes to image (i % r, j % c, n)."""
    x = np.pad(x, [(0, 0), *pads, *[(0, 0)] * (x.ndim - 1 - len(block))])
    images = []
    for place in np.ndindex(*block):
        cut = tuple(slice(p, None, b) for p, b in zip(place, block, strict=True))
        images.append(x[(slice(None), *cut)])
    return np.concatenate(images)


def _to_space(x: Any, block: Any, crops: Any) -> Any:
    parts = np.split(x, int(np.prod(block)))
    shape = [n * b for n, b in zip(x.shape[1:], block, strict=False)]
    out = np.zeros((len(parts[0]), *shape, *x.shape[len(block) + 1 :]), x.dtype)
    for place, part in zip(np.ndindex(*block), parts, strict=True):
        cut = tuple(slice(p, None, b) for p, b in zip(place, block, strict=True))
        out[(slice(None), *cut)] = part
    inside = tuple(slice(a, n - b) for (a, b), n in zip(crops, shape, strict=True))
    return out[(slice(None), *inside)]


def _to_depth(x: Any, r: int) -> Any:
    return np.concatenate([x[:, i::r, j::r] for i in range(r) for j in range(r)], -1)


def _depth_to_space(x: Any, r: int) -> Any:
    n, h, w, c = x.shape
    out = np.zeros((n, h * r, w * r, c // (r * r)), x.dtype)
    parts = np.split(x, r * r, -1)
    for k, part in enumerate(parts):
        out[:, k // r :: r, k % r :: r] = part
    return out


def _batch_case(op: Any, shape: Any, block: Any, pads: Any, draw: Any = floats) -> Case:
    attrs = {"block_shape": block, "paddings": pads}
    return Case(op, lambda x: _to_batch(x, block, pads), [draw(*shape)], attrs)


CASES = [
    _batch_case(nf.space_to_batch, (2, 5, 7, 3), [2, 4], PADS),
    _batch_case(nf.space_to_batch, (2, 5, 7), [2, 2], PADS),
    _batch_case(nf.space_to_batch, (0, 5, 7), [2, 2], PADS),
    _batch_case(nf.space_to_batch, (2, 6, 5, 3), [3], [[0, 0]], ints),
    _batch_case(nf.space_to_batch_nd, (1, 4, 6, 5, 2), [2, 3, 5], [[0, 0], [0, 0], [0, 0]]),
    Case(
        nf.batch_to_space,
        lambda x: _to_space(x, [2, 3], PADS),
        [floats(12, 4, 3, 5)],
        {"block_shape": [2, 3], "crops": PADS},
    ),
    Case(
        nf.batch_to_space,
        lambda x: _to_space(x, [2, 2], [[0, 0], [0, 0]]),
        [ints(8, 4, 3)],
        {"block_shape": 2, "crops": [[0, 0], [0, 0]]},
    ),
    Case(nf.nn.space_to_depth, lambda x: _to_depth(x, 2), [floats(2, 4, 6, 3)], {"block_size": 2}),
    Case(
        nf.nn.space_to_depth,
        lambda x: oracle.second(_to_depth(oracle.behind(x), 3)),
        [floats(2, 5, 6, 3)],
        {"block_size": 3, "data_format": "NCHW"},
    ),
    Case(nf.nn.space_to_depth, lambda x: _to_depth(x, 2), [ints(0, 4, 6, 3)], {"block_size": 2}),
    Case(
        nf.nn.depth_to_space,
        lambda x: _depth_to_space(x, 2),
        [floats(2, 5, 3, 12)],
        {"block_size": 2},
    ),
    Case(
        nf.nn.depth_to_space,
        lambda x: oracle.second(_depth_to_space(oracle.behind(x), 2)),
        [floats(2, 8, 3, 5)],
        {"block_size": 2, "data_format": "NCHW"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_blocks(case: Case) -> None:
    check(case)


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(st.data())
def test_batch_to_space_undoes_space_to_batch(data: Any) -> None:
    axes = data.draw(st.integers(1, 3))
    block = [data.draw(st.integers(1, 4)) for _ in range(axes)]
    shape = [data.draw(st.integers(1, 5)) for _ in range(axes)]
    pads = [[data.draw(st.integers(0, 3)), data.draw(st.integers(0, 3))] for _ in range(axes)]
    for pair, n, b in zip(pads, shape, block, strict=True):
        pair[1] += -(n + sum(pair)) % b
    x = np.arange(2 * np.prod(shape) * 2).reshape(2, *shape, 2)
    y = nf.space_to_batch(x, block, pads)
    np.testing.assert_array_equal(y.numpy(), _to_batch(x, block, pads))
    np.testing.assert_array_equal(nf.batch_to_space(y, block, pads).numpy(), x)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_a_dense_op_becomes_dilated(padding: str) -> None:
    rng = np.random.default_rng(0)
    x, f = rng.standard_normal((2, 9, 8, 3)), rng.standard_normal((3, 2, 3, 4))

    def dense(x: Any, axes: int, padding: str) -> Any:
        assert axes == 2
        return nf.nn.conv2d(x, f, 1, padding)

    got = nf.nn.with_space_to_batch(x, [2, 3], padding, dense, filter_shape=[3, 2])
    np.testing.assert_allclose(got.numpy(), oracle.conv(x, f, 1, padding, (2, 3)), 1e-12, 1e-12)
    got = nf.nn.with_space_to_batch(x, [1, 1], padding, dense)
    np.testing.assert_allclose(got.numpy(), oracle.conv(x, f, 1, padding), 1e-12, 1e-12)


def test_one_axis_of_space_may_be_named() -> None:
    x = np.arange(2 * 6 * 4.0).reshape(2, 6, 4, 1)
    got = nf.nn.with_space_to_batch(x, [2], "VALID", lambda y, n, p: y * 2, spatial_dims=[2])
    np.testing.assert_array_equal(got.numpy(), x * 2)


def test_text_and_unknown_batches() -> None:
    words = nf.constant([[[["a", "b", "c", "d"]]]])
    assert nf.nn.depth_to_space(words, 2).numpy().ravel().tolist() == [b"a", b"b", b"c", b"d"]

    @nf.function(input_signature=[nf.TensorSpec([None, None, None, 2])])
    def there_and_back(x: Any) -> Any:
        y = nf.nn.depth_to_space(nf.nn.space_to_depth(x, 2), 2)
        return nf.batch_to_space(
            nf.space_to_batch(y, [2, 1], [[0, 0], [0, 0]]), [2, 1], [[0, 0]] * 2
        )

    for shape in ((1, 4, 6, 2), (3, 2, 2, 2), (0, 2, 4, 2)):
        x = np.random.default_rng(0).standard_normal(shape).astype("f")
        np.testing.assert_array_equal(there_and_back(x).numpy(), x)


X = np.zeros((2, 4, 6, 3), "f")

BAD: list[tuple[Any, str]] = [
    (lambda x: nf.space_to_batch(x, [0, 2], [[0, 0], [0, 0]]), "block_shape must be positive"),
    (lambda x: nf.space_to_batch(x, [], []), "block_shape must be positive"),
    (lambda x: nf.space_to_batch(x, [3, 2], [[0, 0], [0, 0]]), "axis 1, padded, has 4 elements"),
    (lambda x: nf.space_to_batch(x, [2, 2], [[0, 0]]), r"paddings must be \[2, 2\]"),
    (lambda x: nf.space_to_batch(x, [2, 2], [0, 0, 0, 0]), r"paddings must be \[2, 2\]"),
    (lambda x: nf.space_to_batch(x, [2, 2], [[-2, 0], [0, 0]]), "paddings must be from 0"),
    (lambda x: nf.space_to_batch(x, [1] * 4, [[0, 0]] * 4), "input has rank 4: at least 5"),
    (lambda x: nf.batch_to_space(x, [2, 2], [[0, 0], [0, 0]]), "the batch has 2 elements"),
    (lambda x: nf.batch_to_space(x, [2, 1], [[5, 4], [0, 0]]), "crops leave -1 pixels of axis 1"),
    (lambda x: nf.batch_to_space(x, [2, 1], [[0, 0]]), r"crops must be \[2, 2\]"),
    (lambda x: nf.nn.space_to_depth(x, 1), "block_size 1 is below 2"),
    (lambda x: nf.nn.space_to_depth(x, -2), "block_size -2 is below 2"),
    (lambda x: nf.nn.space_to_depth(x, 4), "the width has 6 elements"),
    (lambda x: nf.nn.space_to_depth(x[0], 2), "input has rank 3"),
    (lambda x: nf.nn.depth_to_space(x, 2), "the axis of channels has 3 elements"),
    (lambda x: nf.nn.depth_to_space(x, 2, "NWHC"), "no data_format 'NWHC'"),
    (lambda x: nf.nn.with_space_to_batch(x, [0], "SAME", None), "dilation_rate must be positive"),  # type: ignore[arg-type]
    (lambda x: nf.nn.with_space_to_batch(x, [2], "SAME", None), "padding SAME needs filter_shape"),  # type: ignore[arg-type]
    (lambda x: nf.nn.with_space_to_batch(x, [2], "FULL", None), "no padding 'FULL'"),  # type: ignore[arg-type]
    (
        lambda x: nf.nn.with_space_to_batch(x, [2], "VALID", None, spatial_dims=[0]),  # type: ignore[arg-type]
        "spatial_dims must be positive",
    ),
]


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize(("call", "text"), BAD, ids=lambda v: v if isinstance(v, str) else "")
def test_bad_input_is_named(call: Any, text: str, traced: bool) -> None:
    with pytest.raises(ValueError, match=text):
        (nf.function(call) if traced else call)(nf.constant(X))


def test_padding_beyond_memory_is_refused() -> None:
    with pytest.raises(nf.errors.ResourceExhaustedError, match="beyond any memory"):
        nf.space_to_batch(X, [1, 1], [[2**30, 0], [2**30, 0]])
