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


def _folds(ufunc: Any, start: float, count: int = 4) -> Any:
    """Of each segment, row after row."""

    def oracle(x: Any, i: Any) -> Any:
        info = np.finfo if x.dtype.kind == "f" else np.iinfo
        first = {-np.inf: info(x.dtype).min, np.inf: info(x.dtype).max}.get(start, start)
        out = np.full((count, *x.shape[i.ndim :]), first, x.dtype)
        for place in np.ndindex(i.shape):
            if i[place] >= 0:
                out[i[place]] = ufunc(out[i[place]], x[place])
        return out

    return oracle


def _mean(power: float) -> Any:
    def oracle(x: Any, i: Any) -> Any:
        many = np.maximum(_sums(4)(np.ones(i.shape), i), 1) ** power
        return _sums(4)(x, i) / many.reshape(-1, *(1,) * (x.ndim - i.ndim))

    return oracle


def _bins(x: Any) -> Any:
    return np.bincount(x.reshape(-1), minlength=5)


def _in_order(op: Any) -> Any:
    def segments(x: Any) -> Any:
        return op(x, [0, 0, 2, 2, 2, 4, 4])

    return segments


def _in_order_oracle(ufunc: Any, start: float) -> Any:
    def oracle(x: Any) -> Any:
        rows = [x[:2], x[:0], x[2:5], x[:0], x[5:]]
        empty = np.full(x.shape[1:], start, x.dtype)
        return np.stack([ufunc.reduce(r, 0) if len(r) else empty for r in rows])

    return oracle


def _largest(x: Any, i: Any, num_segments: int) -> Any:
    """Only of segments that have rows: the others' extreme fits into no narrower float."""
    ends = nf.concat([x, nf.zeros_like(x[:1]) - nf.ones([num_segments, *x.shape[1:]], x.dtype)], 0)
    return nf.math.unsorted_segment_max(
        ends, nf.concat([i, nf.range(num_segments)], 0), num_segments
    )


CASES = [
    *(
        Case(op, oracle, [floats(*s), ints(*at, low=-1, high=4)], {"num_segments": 4})
        for op, oracle in [
            (nf.math.unsorted_segment_prod, _folds(np.multiply, 1)),
            (nf.math.unsorted_segment_mean, _mean(1)),
            (nf.math.unsorted_segment_sqrt_n, _mean(0.5)),
        ]
        for s, at in [
            ((7, 5), (7,)),
            ((2, 7, 5), (2, 7)),
            ((7,), (7,)),
            ((0, 5), (0,)),
            ((7, 0), (7,)),
        ]
    ),
    *(
        Case(
            op,
            oracle,
            [floats(31, 5), ints(31, low=0, high=4)],
            {"num_segments": 4},
            dtypes=[nf.float64],
        )
        for op, oracle in [
            (nf.math.unsorted_segment_max, _folds(np.maximum, -np.inf)),
            (nf.math.unsorted_segment_min, _folds(np.minimum, np.inf)),
        ]
    ),
    *(
        Case(op, oracle, [ints(7, 5), ints(7, low=-1, high=4)], {"num_segments": 4})
        for op, oracle in [
            (nf.math.unsorted_segment_prod, _folds(np.multiply, 1)),
            (nf.math.unsorted_segment_max, _folds(np.maximum, -np.inf)),
            (nf.math.unsorted_segment_min, _folds(np.minimum, np.inf)),
        ]
    ),
    Case(
        _largest,
        _folds(np.maximum, -1.0),
        [floats(7, 3), ints(7, low=0, high=4)],
        {"num_segments": 4},
    ),
    *(
        Case(_in_order(op), _in_order_oracle(ufunc, start), [draw(7, *rest)])
        for op, ufunc, start in [
            (nf.math.segment_sum, np.add, 0),
            (nf.math.segment_prod, np.multiply, 1),
            (nf.math.segment_max, np.maximum, 0),
            (nf.math.segment_min, np.minimum, 0),
        ]
        for draw in (floats, ints)
        for rest in ((), (5,))
    ),
    *(
        Case(nf.math.bincount, _bins, [ints(*s, low=0, high=5)], {"minlength": 5, "maxlength": 5})
        for s in [(31,), (3, 11), (), (0,)]
    ),
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


def test_histograms() -> None:
    """Weights, bounds of the length, rows, presence."""
    x = np.array([[1, 3, 1], [0, 0, 7]])
    assert nf.math.bincount(x).numpy().tolist() == [2, 2, 0, 1, 0, 0, 0, 1]
    assert nf.math.bincount(x, maxlength=4).numpy().tolist() == [2, 2, 0, 1]
    assert nf.math.bincount(x[0], minlength=5, dtype=nf.int64).numpy().tolist() == [0, 2, 0, 1, 0]
    rows = nf.math.bincount(x, axis=-1, maxlength=4).numpy().tolist()
    assert rows == [[0, 2, 0, 1], [2, 0, 0, 0]]
    present = nf.math.bincount(x, axis=-1, maxlength=4, binary_output=True).numpy().tolist()
    assert present == [[0, 1, 0, 1], [1, 0, 0, 0]]
    weighted = nf.math.bincount(x[0], weights=[0.5, 1.0, 2.0]).numpy().tolist()
    assert weighted == [0.0, 2.5, 0.0, 1.0]
    assert nf.math.bincount(nf.zeros([0], nf.int32)).numpy().tolist() == []


def test_integers_are_added_exactly() -> None:
    """Beyond what a float64 holds."""
    x = np.array([2**62, 1, 1], np.int64)
    for run in (nf.math.unsorted_segment_sum, nf.function(nf.math.unsorted_segment_sum)):
        assert run(x, nf.constant([0, 0, 0]), 1).numpy().tolist() == [2**62 + 2]


def test_the_gradient_of_a_product_with_zeros() -> None:
    """One zero: only its own derivative is not 0; two: none is."""
    x = nf.constant([0.0, 2.0, 3.0, 0.0, 0.0])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = nf.math.unsorted_segment_prod(x, [0, 0, 0, 1, 1], 2)
    assert tape.gradient(y, x).numpy().tolist() == [6.0, 0.0, 0.0, 0.0, 0.0]


def test_numbers_that_are_constants_of_a_trace() -> None:
    """They give a known shape."""
    run = nf.function(lambda x: nf.math.segment_max(x, [0, 0, 2]))
    assert run(nf.constant([1, 2, 3])).numpy().tolist() == [2, 0, 3]
    many = np.repeat([0, 1, 3], [700, 800, 900])  # a long constant
    got = nf.function(lambda x: nf.math.segment_sum(x, many))(nf.ones([2400]))
    assert got.numpy().tolist() == [700, 800, 0, 900]


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


def test_bad_arguments() -> None:
    """Shapes, order, dtypes."""
    x = nf.ones([3, 2])
    with pytest.raises(ValueError, match="segment_ids must be the front of data's shape"):
        nf.math.unsorted_segment_sum(x, [0, 1], 2)
    with pytest.raises(TypeError, match="segment_ids is float32, not an integer"):
        nf.math.unsorted_segment_sum(x, [0.0, 1.0, 1.0], 2)
    with pytest.raises(nf.errors.InvalidArgumentError, match="num_segments is negative: -1"):
        nf.math.unsorted_segment_sum(x, [0, 1, 1], -1)
    for numbers in ([1, 0, 2], [-1, 0, 1]):
        with pytest.raises(nf.errors.InvalidArgumentError, match="segment_ids must be in order"):
            nf.math.segment_sum(x, numbers)
    with pytest.raises(TypeError, match="unsorted_segment_sqrt_n: data is int32, not floating"):
        nf.math.unsorted_segment_sqrt_n([1], [0], 1)
    with pytest.raises(TypeError, match="unsorted_segment_max: does not take bool"):
        nf.math.unsorted_segment_max([True], [0], 1)
    with pytest.raises(nf.errors.InvalidArgumentError, match="bincount: value -1 is outside"):
        nf.math.bincount([-1, 2])
    with pytest.raises(TypeError, match="bincount: arr is float32, not an integer"):
        nf.math.bincount([1.0])
    with pytest.raises(ValueError, match="bincount: weights must have arr's shape"):
        nf.math.bincount([1], weights=[1.0, 2.0])
    with pytest.raises(ValueError, match="bincount: axis must be None, 0, or -1"):
        nf.math.bincount([1], axis=2)
    with pytest.raises(nf.errors.InvalidArgumentError, match="bincount: binary_output takes no"):
        nf.math.bincount([1], weights=[1.0], binary_output=True)
    with pytest.raises(nf.errors.InvalidArgumentError, match="bincount: a length is negative"):
        nf.math.bincount([1], minlength=-1)
