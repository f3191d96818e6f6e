"""Sets in the rows of tensors: against Python's, dense and sparse, eager and traced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf

ROWS = st.lists(st.lists(st.integers(-3, 3), max_size=4), min_size=1, max_size=3)


def sparse(rows: list[list[int]]) -> nf.SparseTensor:
    at = [[i, 2 * k] for i, row in enumerate(rows) for k in range(len(row))]
    values = nf.constant([v for row in rows for v in row], nf.int64)
    return nf.SparseTensor(np.reshape(np.array(at, np.int64), (-1, 2)), values, [len(rows), 8])


def as_rows(x: Any) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(int(x.dense_shape[0]))]
    for (i, k), value in zip(x.indices.numpy().tolist(), x.values.numpy().tolist(), strict=True):
        assert k == len(rows[i])
        rows[i].append(value)
    assert int(x.dense_shape[1]) == max(map(len, rows))
    return rows


@settings(max_examples=30, deadline=None)
@given(a=ROWS, b=ROWS)
def test_as_sets_of_python(a: list[list[int]], b: list[list[int]]) -> None:
    n = min(len(a), len(b))
    a, b = a[:n], b[:n]
    x, y = sparse(a), sparse(b)
    pairs = [(set(p), set(q)) for p, q in zip(a, b, strict=True)]
    assert as_rows(nf.sets.intersection(x, y)) == [sorted(p & q) for p, q in pairs]
    assert as_rows(nf.sets.union(x, y)) == [sorted(p | q) for p, q in pairs]
    assert as_rows(nf.sets.difference(x, y)) == [sorted(p - q) for p, q in pairs]
    assert as_rows(nf.sets.difference(x, y, aminusb=False)) == [sorted(q - p) for p, q in pairs]
    assert nf.sets.size(x).numpy().tolist() == [len(p) for p, _ in pairs]


def test_traced_and_dense() -> None:
    """Also with more axes in front, and strings."""
    a, b = nf.constant([[[1, 2, 2], [3, 3, 3]]]), nf.constant([[[2, 9], [4, 3]]])
    for function in (nf.sets.intersection, nf.sets.union, nf.sets.difference):
        eager, traced = function(a, b), nf.function(function)(a, b)
        for x, y in zip(eager._opened()[1], traced._opened()[1], strict=True):
            np.testing.assert_array_equal(x.numpy(), y.numpy())
    found = nf.sets.union(a, b)
    assert found.values.numpy().tolist() == [1, 2, 9, 3, 4]
    assert found.dense_shape.numpy().tolist() == [1, 2, 3]
    assert nf.function(nf.sets.size)(a).numpy().tolist() == [[2, 1]]
    words = nf.sets.intersection([["b", "a", "c"]], [["c", "b", "x"]])
    assert words.values.numpy().tolist() == [b"b", b"c"]
    empty = nf.sets.union(a[:, :0], b[:, :0])
    assert empty.dense_shape.numpy().tolist() == [1, 0, 0]


def test_bad_arguments() -> None:
    bad: list[tuple[Any, type[Exception], str]] = [
        (lambda: nf.sets.union([1.0], [2.0]), nf.errors.DTypeError, "integers and strings"),
        (lambda: nf.sets.union([1], ["a"]), nf.errors.DTypeError, "a is int32 and b is string"),
        (lambda: nf.sets.union([[1]], [[1], [2]]), ValueError, "axes in front of the last differ"),
        (lambda: nf.sets.union([[1]], [1]), ValueError, "axes in front of the last differ"),
        (lambda: nf.sets.size(3), ValueError, "a is a scalar; its last axis holds a set"),
    ]
    for run, error, message in bad:
        with pytest.raises(error, match=message):
            run()
