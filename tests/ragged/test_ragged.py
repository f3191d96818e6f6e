"""Ragged tensors: made, cut, filled up, computed with; eagerly and in traced functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf

R = nf.RaggedTensor
ROWS = [[3, 1, 4], [], [1, 5], [9]]


def _ragged() -> Any:
    return nf.ragged.constant(ROWS)


def _made(x: Any) -> list[Any]:
    assert x.row_splits.dtype == nf.int64
    return list(x.to_list())


def test_every_way_to_make_one() -> None:
    values = [3, 1, 4, 1, 5, 9]
    assert _made(R.from_row_splits(values, nf.constant([0, 3, 3, 5, 6], nf.int64))) == ROWS
    assert _made(R.from_row_lengths(values, nf.constant([3, 0, 2, 1], nf.int64))) == ROWS
    assert _made(R.from_row_starts(values, nf.constant([0, 3, 3, 5], nf.int64))) == ROWS
    assert _made(R.from_row_limits(values, nf.constant([3, 3, 5, 6], nf.int64))) == ROWS
    ids = nf.constant([0, 0, 0, 2, 2, 3], nf.int64)
    assert _made(R.from_value_rowids(values, ids)) == ROWS
    assert R.from_value_rowids(values, ids, 6).to_list() == [*ROWS, [], []]
    padded = [[3, 1, 4], [0, 0, 0], [1, 5, 0], [9, 0, 0]]
    assert _made(R.from_tensor(padded, padding=0)) == ROWS
    assert _made(R.from_tensor(padded, lengths=[3, 0, 2, 1])) == ROWS
    assert R.from_tensor([[1, 2], [3, 4]]).to_list() == [[1, 2], [3, 4]]
    assert R.from_tensor(np.zeros((2, 3, 4)), ragged_rank=2).ragged_rank == 2


def test_what_it_tells_of_itself() -> None:
    x = _ragged()
    assert x.shape.as_list() == [4, None] and x.dtype == nf.int32 and x.ragged_rank == 1
    assert x.row_lengths().numpy().tolist() == [3, 0, 2, 1]
    assert x.value_rowids().numpy().tolist() == [0, 0, 0, 2, 2, 3]
    assert x.bounding_shape().numpy().tolist() == [4, 3]
    assert int(x.nrows()) == len(x) == 4
    assert x.row_starts().numpy().tolist() == [0, 3, 3, 5]
    assert x.row_limits().numpy().tolist() == [3, 3, 5, 6]
    assert repr(x) == "<nf.RaggedTensor [[3, 1, 4], [], [1, 5], [9]]>"
    assert [row.numpy().tolist() for row in x] == ROWS


def test_parts() -> None:
    """As the same lists would be cut."""
    x = _ragged()
    assert x[0].numpy().tolist() == ROWS[0] and x[-1].numpy().tolist() == ROWS[-1]
    assert int(x[2, 1]) == 5
    for which in (slice(1, 3), slice(None, None, 2), slice(None, None, -1), slice(5, 9)):
        assert x[which].to_list() == ROWS[which]
    for which in (slice(1, None), slice(None, -1), slice(-2, None), slice(7, 9), slice(2, 1)):
        assert x[:, which].to_list() == [row[which] for row in ROWS]
    full = nf.ragged.constant([[1, 2], [3], [4, 5, 6]])
    assert full[:, -1].numpy().tolist() == [2, 3, 6]
    with pytest.raises(nf.errors.InvalidArgumentError, match="outside of a row"):
        x[:, 0]
    with pytest.raises(IndexError, match="row 4"):
        x[4]


def test_filled_up() -> None:
    x = _ragged()
    want = [[3, 1, 4], [-1, -1, -1], [1, 5, -1], [9, -1, -1]]
    assert x.to_tensor(-1).numpy().tolist() == want
    assert x.to_tensor(shape=(2, 4)).numpy().tolist() == [[3, 1, 4, 0], [0, 0, 0, 0]]
    assert x.to_tensor(shape=(None, 1)).numpy().tolist() == [[3], [0], [1], [9]]
    words = nf.ragged.constant([["a", "b"], []])
    assert words.to_tensor().numpy().tolist() == [[b"a", b"b"], [b"", b""]]
    nested = nf.ragged.constant([[[1], [2, 3]], [], [[4]]])
    assert nested.shape.as_list() == [3, None, None]
    assert nested.to_tensor().numpy().tolist() == [
        [[1, 0], [2, 3]],
        [[0, 0], [0, 0]],
        [[4, 0], [0, 0]],
    ]
    assert nf.ragged.constant([[], []], nf.int32).to_tensor().shape == (2, 0)


def test_elements_are_computed_with() -> None:
    x = nf.ragged.constant([[1.0, 2.0], [], [3.0]])
    assert (x * 2 + x).to_list() == [[3, 6], [], [9]]
    assert (1 - x).to_list() == [[0, -1], [], [-2]]
    assert (x > 1.5).to_list() == [[False, True], [], [True]]
    assert (x + nf.constant([[10.0], [20.0], [30.0]])).to_list() == [[11, 12], [], [33]]
    assert nf.ragged.map_flat_values(nf.sqrt, x * x).to_list() == x.to_list()
    with pytest.raises(nf.errors.InvalidArgumentError, match="rows differ in length"):
        x + nf.ragged.constant([[1.0], [2.0], [3.0]])
    with pytest.raises(TypeError, match="to_tensor"):
        nf.matmul(x, x)


def test_functions() -> None:
    assert nf.ragged.range([2, 0, 3], [5, 0, 4]).to_list() == [[2, 3, 4], [], [3]]
    assert nf.ragged.range(3).to_list() == [[0, 1, 2]]
    assert nf.ragged.range([5.0], [0.0], -2.0).to_list() == [[5, 3, 1]]
    assert nf.ragged.stack([_ragged(), [[7, 8]]]).to_list() == [ROWS, [[7, 8]]]
    assert nf.ragged.boolean_mask([[1, 2], [3, 4]], [[True, False], [True, True]]).to_list() == [
        [1],
        [3, 4],
    ]
    assert nf.ragged.row_splits_to_segment_ids([0, 3, 3, 5]).numpy().tolist() == [0, 0, 0, 2, 2]
    assert nf.ragged.segment_ids_to_row_splits([0, 0, 2], 4).numpy().tolist() == [0, 2, 2, 3, 3]


def test_in_traced_functions_with_gradients() -> None:
    """Lengths that only the run tells; one trace for all."""

    @nf.function(
        input_signature=[nf.TensorSpec([None], nf.float32), nf.TensorSpec([None], nf.int64)]
    )
    def run(values: Any, lengths: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(values)
            x: Any = R.from_row_lengths(values, lengths)
            total = nf.reduce_sum((x * x).to_tensor() ** 2)
        return x.to_tensor(-1.0), tape.gradient(total, values)

    drawn: list[list[list[float]]] = [[[1.0, 2.0], [], [3.0]], [[]], [[4.0] * 5, [5.0]]]
    for rows in drawn:
        flat = np.array([v for row in rows for v in row], np.float32)
        filled, gradient = run(flat, np.array([len(r) for r in rows], np.int64))
        want = nf.ragged.constant(rows, nf.float32).to_tensor(-1.0)
        np.testing.assert_array_equal(filled.numpy(), want.numpy())
        np.testing.assert_allclose(gradient.numpy(), 4 * flat**3)
    with pytest.raises(nf.errors.InvalidArgumentError, match="row_splits"):
        run(np.ones(3, np.float32), np.array([1, 1], np.int64))


@pytest.mark.parametrize(
    ("run", "error", "words"),
    [
        (lambda: R.from_row_splits([1, 2], [1, 2]), "InvalidArgumentError", "begin with 0"),
        (lambda: R.from_row_splits([1, 2], [0, 2, 1, 2]), "InvalidArgumentError", "not fall"),
        (lambda: R.from_row_splits([1, 2], [0, 1]), "InvalidArgumentError", "end with"),
        (lambda: R.from_row_splits([1, 2], []), "InvalidArgumentError", "float32"),
        (lambda: R.from_row_splits(1, [0, 1]), "ShapeError", "scalar"),
        (lambda: R.from_row_lengths([1], [2, -1]), "InvalidArgumentError", "negative"),
        (lambda: R.from_value_rowids([1, 2], [1, 0]), "InvalidArgumentError", "not fall"),
        (lambda: nf.ragged.range([1], [2], 0), "InvalidArgumentError", "deltas"),
        (lambda: nf.ragged.range([1, 2], [2, 3, 4]), "ShapeError", "one length"),
    ],
)
def test_bad_input(run: Any, error: str, words: str) -> None:
    with pytest.raises(getattr(nf.errors, error), match=words):
        run()


def test_lists_of_unequal_depth_are_refused() -> None:
    with pytest.raises(ValueError, match="equally deep"):
        nf.ragged.constant([[1], 2])
    with pytest.raises(ValueError, match="private"):
        R([1], [0, 1])
