"""unique and unique_with_counts."""

from __future__ import annotations

import numpy as np
import pytest

import numflow as nf


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float32", "float16", "bool"])
def test_order_of_first_occurrence(dtype: str) -> None:
    """x is y at idx, y has no element twice."""
    x = np.random.default_rng(3).integers(0, 5, 31).astype(dtype)
    for index in (nf.int32, nf.int64):
        y, idx, count = nf.unique_with_counts(x, index)
        seen = list(dict.fromkeys(x.tolist()))
        assert y.numpy().tolist() == seen and y.dtype == dtype
        np.testing.assert_array_equal(y.numpy()[idx.numpy()], x)
        assert count.numpy().tolist() == [int(np.sum(x == v)) for v in seen]
        assert idx.dtype is count.dtype is index
        assert nf.unique(x, index).idx.numpy().tolist() == idx.numpy().tolist()


def test_special_vectors() -> None:
    """Empty, one element, nan, strings."""
    assert nf.unique(nf.zeros([0])).y.shape == (0,)
    assert nf.unique([7]).idx.numpy().tolist() == [0]
    assert nf.unique([np.nan, 1.0, np.nan]).idx.numpy().tolist() == [0, 1, 2]
    y, idx = nf.unique(["b", "a", "b"])
    assert y.numpy().tolist() == [b"b", b"a"] and idx.numpy().tolist() == [0, 1, 0]


def test_gradients_go_to_the_first_occurrence() -> None:
    """As gather's."""
    x = nf.constant([3.0, 5.0, 3.0])
    with nf.GradientTape() as tape:
        tape.watch(x)
        total = nf.reduce_sum(nf.unique(x).y * nf.constant([2.0, 7.0]))
    assert tape.gradient(total, x).numpy().tolist() == [2.0, 7.0, 0.0]


def test_bad_arguments() -> None:
    """Rank, dtype of the result."""
    with pytest.raises(ValueError, match="unique: x must be a vector"):
        nf.unique([[1]])
    with pytest.raises(TypeError, match="unique: out_idx is int8, not int32 or int64"):
        nf.unique([1], nf.int8)
    known = nf.function(lambda: nf.unique([5, 3, 5]).idx)
    assert known().numpy().tolist() == [0, 1, 0]
