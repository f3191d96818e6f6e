"""Embeddings of sets of ids, against NumPy; only rows that are looked up get a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf

PLACES = [[0, 0], [0, 1], [2, 0], [2, 3]]
IDS = [1, 3, 2, 1]
WEIGHTS = [2.0, 1.0, 0.5, 3.0]
TABLE = np.random.default_rng(0).standard_normal((5, 3))


def _ids() -> Any:
    return nf.SparseTensor(PLACES, nf.constant(IDS, nf.int64), [3, 4])


def _weights() -> Any:
    return nf.SparseTensor(PLACES, nf.constant(WEIGHTS, nf.float64), [3, 4])


def _want(combiner: str, weights: list[float]) -> Any:
    out = np.zeros((3, 3))
    for row in range(3):
        own = [(i, w) for (r, _), i, w in zip(PLACES, IDS, weights, strict=True) if r == row]
        if own:
            w = np.array([w for _, w in own])
            total = w @ TABLE[[i for i, _ in own]]
            scale = {"sum": 1.0, "mean": w.sum(), "sqrtn": np.sqrt((w**2).sum())}[combiner]
            out[row] = total / scale
    return out


@pytest.mark.parametrize("combiner", ["mean", "sum", "sqrtn"])
@pytest.mark.parametrize("weighted", [False, True])
def test_values(combiner: str, weighted: bool) -> None:
    """Eagerly and in a traced function; the second example has no ids."""
    table = nf.constant(TABLE)

    def run(table: Any) -> Any:
        weights = _weights() if weighted else None
        return nf.nn.embedding_lookup_sparse(table, _ids(), weights, combiner)

    want = _want(combiner, WEIGHTS if weighted else [1.0] * 4)
    np.testing.assert_allclose(run(table).numpy(), want)
    np.testing.assert_allclose(nf.function(run)(table).numpy(), want)


def test_gradient_of_a_variable_is_sparse() -> None:
    table = nf.Variable(TABLE)
    with nf.GradientTape() as tape:
        total = nf.reduce_sum(nf.nn.embedding_lookup_sparse(table, _ids(), None, "sum") ** 2)
    gradient = tape.gradient(total, table)
    assert isinstance(gradient, nf.IndexedSlices)
    want = np.zeros((5, 3))
    for (row, _), i in zip(PLACES, IDS, strict=True):
        want[i] += 2 * _want("sum", [1.0] * 4)[row]
    np.testing.assert_allclose(nf.convert_to_tensor(gradient).numpy(), want)


def test_safe_lookup() -> None:
    """Negative ids and weights that are not positive count for nothing."""
    ids = nf.SparseTensor([[0, 0], [0, 1], [1, 0]], nf.constant([1, -1, -1], nf.int64), [3, 2])
    got = nf.nn.safe_embedding_lookup_sparse(nf.constant(TABLE), ids, default_id=4)
    np.testing.assert_allclose(got.numpy(), TABLE[[1, 4, 4]])
    got = nf.nn.safe_embedding_lookup_sparse(nf.constant(TABLE), ids)
    np.testing.assert_allclose(got.numpy(), [TABLE[1], [0] * 3, [0] * 3])
    weights = nf.SparseTensor(ids.indices, nf.constant([2.0, 1.0, 1.0], nf.float64), [3, 2])
    got = nf.nn.safe_embedding_lookup_sparse(nf.constant(TABLE), ids, weights, "mean")
    np.testing.assert_allclose(got.numpy()[0], TABLE[1])


def test_bad_input() -> None:
    with pytest.raises(nf.errors.InvalidArgumentError, match="combiner"):
        nf.nn.embedding_lookup_sparse(TABLE, _ids(), None, "median")
    with pytest.raises(TypeError, match="SparseTensor"):
        nf.nn.embedding_lookup_sparse(TABLE, [1], None)
    outside = nf.SparseTensor([[0, 0]], nf.constant([9], nf.int64), [1, 1])
    with pytest.raises(nf.errors.InvalidArgumentError, match="9"):
        nf.nn.embedding_lookup_sparse(TABLE, outside, None)
