"""Segment sums, confusion matrices, embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints


def _sums(count: int) -> Any:
    def oracle(x: Any, i: Any) -> Any:
        out = np.zeros((count, *x.shape[i.ndim :]), x.dtype)
        for place in np.ndindex(i.shape):
            if i[place] >= 0:
                out[i[place]] += x[place]
        return out

    return oracle


def _confusion(labels: Any, predictions: Any) -> Any:
    out = np.zeros((5, 5), int)
    np.add.at(out, (labels, predictions), 1)
    return out


CASES = [
    *(
        Case(
            nf.math.unsorted_segment_sum,
            _sums(4),
            [floats(*s), ints(*at, low=-1, high=4)],
            {"num_segments": 4},
        )
        for s, at in [((7, 5), (7,)), ((2, 7, 5), (2, 7)), ((7,), (7,)), ((0, 5), (0,))]
    ),
    Case(
        nf.math.unsorted_segment_sum,
        _sums(4),
        [ints(7, 5), ints(7, low=-1, high=4)],
        {"num_segments": 4},
    ),
    Case(
        nf.math.confusion_matrix,
        _confusion,
        [ints(31, low=0, high=5), ints(31, low=0, high=5)],
        {"num_classes": 5},
    ),
    Case(nf.nn.embedding_lookup, lambda x, i: x[i], [floats(5, 3), ints(7, 2, low=0, high=5)]),
    Case(
        nf.nn.embedding_lookup,
        lambda x, i: x[i] * np.minimum(1, 0.5 / np.linalg.norm(x[i], axis=-1, keepdims=True)),
        [floats(5, 3, low=0.5, high=1), ints(7, low=0, high=5)],
        {"max_norm": 0.5},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


def test_segments_in_order() -> None:
    """Sums and means up to the last number; gaps are 0."""
    x, i = nf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), [0, 0, 2]
    assert nf.math.segment_sum(x, i).numpy().tolist() == [[4, 6], [0, 0], [5, 6]]
    assert nf.math.segment_mean(x, i).numpy().tolist() == [[2, 3], [0, 0], [5, 6]]


def test_weighted_confusion() -> None:
    """Weights are added up, and the number of classes found."""
    got = nf.math.confusion_matrix([0, 2], [1, 1], weights=[0.5, 2.0], dtype=nf.float32)
    assert got.numpy().tolist() == [[0, 0.5, 0], [0, 0, 0], [0, 2, 0]]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_numbers_out_of_range_are_refused(compiled: bool) -> None:
    """With the value and the range, whoever runs it."""
    run: Any = nf.function if compiled else lambda f: f
    x = nf.ones([3, 2])
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"segment 2 is outside \[0, 2\)"):
        run(lambda x, i: nf.math.unsorted_segment_sum(x, i, 2))(x, nf.constant([0, 2, 1]))
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"class 3 is outside \[0, 3\)"):
        run(lambda a, b: nf.math.confusion_matrix(a, b, 3))(nf.constant([0]), nf.constant([3]))
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"7 is outside \[0, 3\)"):
        run(nf.nn.embedding_lookup)(x, nf.constant([7]))


def test_bad_arguments() -> None:
    """Shapes, order, dtypes."""
    x = nf.ones([3, 2])
    with pytest.raises(ValueError, match="segment_ids must be the front of data's shape"):
        nf.math.unsorted_segment_sum(x, [0, 1], 2)
    with pytest.raises(TypeError, match="segment_ids is float32, not an integer"):
        nf.math.unsorted_segment_sum(x, [0.0, 1.0, 1.0], 2)
    with pytest.raises(nf.errors.InvalidArgumentError, match="num_segments is negative: -1"):
        nf.math.unsorted_segment_sum(x, [0, 1, 1], -1)
    with pytest.raises(nf.errors.InvalidArgumentError, match="segment_ids must be in order"):
        nf.math.segment_sum(x, [1, 0, 2])
