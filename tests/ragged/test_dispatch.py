"""Ops and functions of tensors on ragged ones: against NumPy row by row, eager and traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf

R = nf.RaggedTensor
ROWS = st.lists(st.lists(st.integers(-9, 9), max_size=4), min_size=1, max_size=4)


def ragged(rows: list[list[int]], dtype: Any = nf.int64) -> Any:
    return nf.ragged.constant(rows, dtype, ragged_rank=1)


def both(function: Callable[..., Any], *args: Any) -> Any:
    """The result, the same eager and traced, as lists."""
    eager, traced = (as_list(f(*args)) for f in (function, nf.function(function)))
    np.testing.assert_equal(traced, eager)
    return eager


def as_list(x: Any) -> Any:
    return x.to_list() if isinstance(x, R) else x.numpy().tolist()


WHOLE: dict[str, Callable[[Any], Any]] = {
    "sum": sum,
    "prod": lambda r: int(np.prod(r)),
    "max": lambda r: max(r, default=np.iinfo(np.int64).min),
    "min": lambda r: min(r, default=np.iinfo(np.int64).max),
}


@settings(max_examples=25, deadline=None)
@given(rows=ROWS)
@pytest.mark.parametrize("kind", WHOLE)
def test_rows_and_columns_are_folded(kind: str, rows: list[list[int]]) -> None:
    x, fold = ragged(rows), getattr(nf, f"reduce_{kind}")
    columns = [[r[k] for r in rows if len(r) > k] for k in range(max(map(len, rows)))]
    assert as_list(fold(x, axis=1)) == [WHOLE[kind](r) for r in rows]
    assert as_list(fold(x, axis=-2)) == [WHOLE[kind](c) for c in columns]
    assert as_list(fold(x, 1, keepdims=True)) == [[WHOLE[kind](r)] for r in rows]
    assert as_list(fold(x, 0, keepdims=True)) == [[WHOLE[kind](c) for c in columns]]
    if any(rows):
        assert as_list(fold(x)) == WHOLE[kind]([v for r in rows for v in r])


@settings(max_examples=25, deadline=None)
@given(rows=ROWS)
def test_means_and_conditions(rows: list[list[int]]) -> None:
    x = ragged(rows, nf.float64)
    with np.errstate(all="ignore"):
        for name in ("mean", "variance", "std"):
            function = nf.reduce_mean if name == "mean" else getattr(nf.math, f"reduce_{name}")
            oracle: Any = {"mean": np.mean, "variance": np.var, "std": np.std}[name]
            want = [oracle(r) if r else np.nan for r in rows]
            np.testing.assert_allclose(as_list(function(x, axis=1)), want, atol=1e-6)
            if any(rows):
                flat = [v for r in rows for v in r]
                np.testing.assert_allclose(as_list(function(x)), oracle(flat))
                np.testing.assert_allclose(as_list(function(x, axis=[0, 1])), oracle(flat), 1e-6)
    assert as_list(nf.reduce_any(x > 0, axis=1)) == [any(v > 0 for v in r) for r in rows]
    assert as_list(nf.reduce_all(x > 0, axis=1)) == [all(v > 0 for v in r) for r in rows]


@settings(max_examples=25, deadline=None)
@given(rows=ROWS)
def test_put_together_and_turned(rows: list[list[int]]) -> None:
    x = ragged(rows)
    n = len(rows)
    assert as_list(nf.concat([x, x + 1], 0)) == rows + [[v + 1 for v in r] for r in rows]
    assert as_list(nf.concat([x, x, x], -1)) == [r * 3 for r in rows]
    assert as_list(nf.concat([x, np.full((n, 2), 7)], 1)) == [[*r, 7, 7] for r in rows]
    assert as_list(nf.stack([x, x], 0)) == [rows, rows]
    assert as_list(nf.stack([x, x], 1)) == [[r, r] for r in rows]
    assert as_list(nf.stack([x, x], 2)) == [[[v, v] for v in r] for r in rows]
    assert as_list(nf.ragged.stack([x, x], 1)) == [[r, r] for r in rows]
    assert as_list(nf.tile(x, [2, 3])) == [r * 3 for r in rows] * 2
    assert as_list(nf.reverse(x, [0])) == rows[::-1]
    assert as_list(nf.reverse(x, [-1])) == [r[::-1] for r in rows]
    assert as_list(nf.gather(x, [n - 1, 0])) == [rows[-1], rows[0]]
    assert as_list(nf.gather(x, [[0, n - 1]])) == [[rows[0], rows[-1]]]
    assert as_list(nf.expand_dims(x, 0)) == [rows]
    assert as_list(nf.expand_dims(x, 1)) == [[r] for r in rows]
    assert as_list(nf.expand_dims(x, -1)) == [[[v] for v in r] for r in rows]
    for axis in (0, 1, 2):
        assert as_list(nf.squeeze(nf.expand_dims(x, axis), axis)) == rows
    assert as_list(nf.cumsum(x, axis=1)) == [np.cumsum(r, dtype=int).tolist() for r in rows]
    keep = [len(r) > 1 for r in rows]
    assert as_list(nf.ragged.boolean_mask(x, keep)) == [r for r in rows if len(r) > 1]
    assert as_list(nf.ragged.boolean_mask(x, x > 0)) == [[v for v in r if v > 0] for r in rows]
    assert as_list(x.merge_dims(0, 1)) == [v for r in rows for v in r]
    assert as_list(R.from_sparse(x.to_sparse())) == rows
    assert as_list(nf.size(x)) == sum(map(len, rows)) and as_list(nf.rank(x)) == 2


DEEP: list[list[list[float]]] = [[[1, 2], [3, 4, 5], []], [], [[6], [7, 8]]]


def test_deep_ones() -> None:
    """Two ragged axes, and an axis of the values."""
    x = nf.ragged.constant(DEEP, nf.float32)
    assert both(lambda x: nf.reduce_sum(x, 2), x) == [[3, 12, 0], [], [6, 15]]
    assert both(lambda x: nf.reduce_sum(x, 1), x) == [[4, 6, 5], [], [13, 8]]
    assert both(lambda x: nf.reduce_sum(x, 0), x) == [[7, 2], [10, 12, 5], []]
    assert both(lambda x: nf.reduce_max(x, [1, 2]), x)[2] == 8
    assert both(lambda x: nf.reduce_mean(x, [0, 2]), x)[1] == pytest.approx(27 / 5)
    assert both(lambda x: nf.concat([x, x], 2), x) == [[v * 2 for v in r] for r in DEEP]
    assert both(lambda x: nf.concat([x, x], 1), x) == [r * 2 for r in DEEP]
    assert both(lambda x: nf.reverse(x, [0, 1, 2]), x) == [
        [v[::-1] for v in r[::-1]] for r in DEEP[::-1]
    ]
    assert both(lambda x: x.merge_dims(1, 2), x) == [[v for r in rows for v in r] for rows in DEEP]
    assert both(lambda x: nf.sparse.to_dense(x.to_sparse()), x) == x.to_tensor().numpy().tolist()
    assert both(lambda x: nf.ragged.boolean_mask(x, x > 2.0), x) == [
        [[v for v in r if v > 2] for r in rows] for rows in DEEP
    ]
    pairs = R.from_row_splits(nf.reshape(nf.range(10.0), [5, 2]), [0, 2, 2, 5])
    assert both(lambda x: nf.reduce_sum(x, 1), pairs) == [[2, 4], [0, 0], [18, 21]]
    assert both(lambda x: nf.reduce_sum(x, 2), pairs) == [[1, 5], [], [9, 13, 17]]
    assert both(lambda x: x.merge_dims(1, 2), pairs) == [[0, 1, 2, 3], [], [4, 5, 6, 7, 8, 9]]
    assert both(lambda x: nf.nn.softmax(x * 0.0), pairs) == [[[0.5] * 2] * 2, [], [[0.5] * 2] * 3]


def test_elements() -> None:
    """Elementwise functions, also of several; lookups; text."""
    x = nf.ragged.constant([[1.0, 4.0], [], [9.0]])
    assert both(nf.sqrt, x) == [[1, 2], [], [3]]
    assert both(lambda x: nf.cast(x, nf.int32), x) == [[1, 4], [], [9]]
    assert both(lambda x: nf.maximum(x, 2.0), x) == [[2, 4], [], [9]]
    assert both(lambda x: nf.add(x, x), x) == [[2, 8], [], [18]]
    assert both(lambda x: nf.where(x > 2.0, x, -x), x) == [[-1, 4], [], [9]]
    assert both(lambda x: nf.clip_by_value(x, 2.0, 5.0), x) == [[2, 4], [], [5]]
    assert both(lambda x: nf.nn.relu(x - 4.0), x) == [[0, 0], [], [5]]
    assert both(lambda x: x + nf.constant([[10.0], [20.0], [30.0]]), x) == [[11, 14], [], [39]]
    assert both(lambda x: nf.reduce_sum(nf.nn.softmax(x), 1), x) == pytest.approx([1, 0, 1])
    assert both(lambda x: x == x, x) == [[True, True], [], [True]]
    assert both(lambda x: x != 4.0, x) == [[True, False], [], [True]]
    ids = nf.ragged.constant([[0, 2], [], [1]])
    table = nf.constant([[1.0], [2.0], [3.0]])
    for look in (nf.nn.embedding_lookup, nf.gather):
        assert both(look, table, ids) == [[[1], [3]], [], [[2]]]
    assert both(lambda i: nf.one_hot(i, 3), ids)[0] == [[1, 0, 0], [0, 0, 1]]
    words = nf.ragged.constant([["a", "Bc"], []])
    assert nf.strings.upper(words).to_list() == [[b"A", b"BC"], []]
    assert nf.strings.join([words, "!"]).to_list() == [[b"a!", b"Bc!"], []]
    assert nf.strings.length(words).to_list() == [[1, 2], []]


def test_gradients_flow_through_the_values() -> None:
    values = nf.constant([1.0, 2.0, 3.0])
    with nf.GradientTape() as tape:
        tape.watch(values)
        x: Any = R.from_row_lengths(values, [2, 0, 1])
        y = nf.concat([x * x, nf.reverse(x, [1])], 1)
        total = nf.reduce_sum(nf.reduce_prod(y, axis=1) + nf.reduce_mean(x, 1, keepdims=False))
    # (1 4 2 1) + (9 3), and means of two and of one; the mean of nothing is NaN, and flows nowhere
    np.testing.assert_allclose(tape.gradient(total, values).numpy(), [24.5, 12.5, 28.0])


def test_what_has_no_meaning_is_refused() -> None:
    x = nf.ragged.constant([[1.0, 2.0], [], [3.0]])
    refused: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: nf.matmul(x, x), TypeError, "a RaggedTensor is no tensor"),
        (lambda: nf.transpose(x), TypeError, "a RaggedTensor is no tensor"),
        (lambda: nf.reduce_sum(x, 2), ValueError, "reduce_sum: axis is 2; with 2 axes"),
        (lambda: nf.concat([x, x[:2]], 1), ValueError, "concat: the numbers of rows differ"),
        (lambda: nf.concat([x, nf.zeros([3])], 0), ValueError, "the numbers of axes differ"),
        (lambda: nf.tile(x, [2]), ValueError, "multiples has 1 numbers; the axes are 2"),
        (lambda: nf.squeeze(x), ValueError, "a ragged tensor needs the axis that goes"),
        (lambda: nf.squeeze(x, 1), nf.errors.InvalidArgumentError, "other sizes than 1"),
        (lambda: nf.add(x, nf.zeros([3, 2])), ValueError, "beside a ragged tensor it takes"),
        (lambda: nf.gather(x, [0], axis=1), ValueError, "it takes axis 0"),
        (lambda: nf.cumsum(x), ValueError, "axis is 0; of a ragged tensor"),
        (lambda: nf.add(x, nf.ragged.constant([[1]])), nf.errors.DTypeError, "not"),
        (lambda: R.from_sparse(3), TypeError, "no SparseTensor"),
        (
            lambda: R.from_sparse(nf.SparseTensor([[0, 1]], [1], [1, 2])),
            nf.errors.InvalidArgumentError,
            "a row has a gap",
        ),
        (lambda: x.merge_dims(1, 0), ValueError, "no axes in order"),
    ]
    for call, error, message in refused:
        with pytest.raises(error, match=message):
            call()
