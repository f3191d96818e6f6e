"""sequence_mask and edit_distance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.ops.masks import sequence_mask
from numflow.sparse.edit_distance import edit_distance


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("maxlen", [None, 0, 3, 9])
@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,)])
def test_sequence_mask(traced: bool, maxlen: int | None, shape: tuple[int, ...]) -> None:
    lengths = np.random.default_rng(0).integers(0, 6, shape)

    def mask(x: Any) -> Any:
        return sequence_mask(x, maxlen, nf.float32)

    found = (nf.function(mask) if traced else mask)(nf.constant(lengths))
    width = int(lengths.max(initial=0)) if maxlen is None else maxlen
    np.testing.assert_array_equal(found, np.arange(width) < lengths[..., None])
    assert found.dtype is nf.float32


def test_sequence_mask_of_a_tensor_of_width() -> None:
    f = nf.function(sequence_mask)
    assert f(nf.constant([1, 3]), nf.constant(4)).numpy().tolist() == [
        [True, False, False, False],
        [True, True, True, False],
    ]


def test_bad_masks() -> None:
    with pytest.raises(TypeError, match="lengths"):
        sequence_mask([1.5])
    with pytest.raises(ValueError, match="maxlen"):
        sequence_mask([1], nf.constant([3]))


def _sparse(rows: list[list[int]], width: int) -> Any:
    places = [(k, j) for k, row in enumerate(rows) for j in range(len(row))]
    values = [v for row in rows for v in row]
    where = np.array(places, np.int64).reshape(-1, 2)
    return nf.SparseTensor(where, np.array(values, np.int64), [len(rows), width])


@pytest.mark.parametrize("traced", [False, True])
def test_edit_distance(traced: bool) -> None:
    x = _sparse([[1, 2, 3], [], [5], [], [7, 8]], 3)
    y = _sparse([[1, 3], [4, 4], [5], [], []], 2)

    def distances(x: Any, y: Any) -> Any:
        return edit_distance(x, y), edit_distance(x, y, normalize=False)

    share, count = (nf.function(distances) if traced else distances)(x, y)
    assert count.numpy().tolist() == [1, 2, 0, 0, 2]
    np.testing.assert_array_equal(share, [0.5, 1, 0, 0, np.inf])


def test_bad_distances() -> None:
    x = _sparse([[1]], 1)
    with pytest.raises(TypeError):
        edit_distance([[1]], x)
    with pytest.raises(ValueError, match="axes"):
        edit_distance(x, nf.SparseTensor([[0]], [1], [1]))
    with pytest.raises(TypeError, match="truth"):
        edit_distance(x, nf.SparseTensor([[0, 0]], [1.0], [1, 1]))
