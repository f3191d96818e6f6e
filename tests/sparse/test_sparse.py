"""Sparse tensors: what TensorFlow gives, eagerly and compiled; gradients through the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf

S = nf.sparse


def _a() -> Any:
    return nf.SparseTensor([[0, 0], [1, 2]], [1.0, 2.0], [3, 4])


def _b() -> Any:
    return nf.SparseTensor([[0, 0], [2, 1]], [3.0, 4.0], [3, 4])


def _plain(x: Any) -> Any:
    """Sparse tensors as lists of indices, values and sizes."""
    if isinstance(x, nf.SparseTensor):
        return [part.numpy().tolist() for part in x]
    if isinstance(x, list | tuple):
        return [_plain(v) for v in x]
    return x.numpy().tolist()


# what TensorFlow 2.21 returns
RECORDED: list[tuple[str, Any, Any]] = [
    ("to_dense", lambda: S.to_dense(_a()), [[1, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0]]),
    (
        "last of equal places",
        lambda: S.to_dense(nf.SparseTensor([[0], [0]], [1, 2], [2]), validate_indices=False),
        [2, 0],
    ),
    (
        "strings",
        lambda: S.to_dense(nf.SparseTensor([[1]], ["a"], [2]), "-"),
        [b"-", b"a"],
    ),
    ("from_dense", lambda: S.from_dense([[0, 1], [2, 0]]), [[[0, 1], [1, 0]], [1, 2], [2, 2]]),
    ("add", lambda: S.add(_a(), _b()), [[[0, 0], [1, 2], [2, 1]], [4, 2, 4], [3, 4]]),
    ("threshold", lambda: S.add(_a(), _b(), 2.5), [[[0, 0], [2, 1]], [4, 4], [3, 4]]),
    (
        "add dense",
        lambda: S.add(_a(), nf.ones((3, 4))),
        [[2, 1, 1, 1], [1, 1, 3, 1], [1, 1, 1, 1]],
    ),
    ("maximum", lambda: S.maximum(_a(), _b()), [[[0, 0], [1, 2], [2, 1]], [3, 2, 4], [3, 4]]),
    ("minimum", lambda: S.minimum(_a(), _b()), [[[0, 0], [1, 2], [2, 1]], [1, 0, 0], [3, 4]]),
    ("reduce_sum", lambda: S.reduce_sum(_a(), 1), [1, 2, 0]),
    ("reduce_sum of all", lambda: S.reduce_sum(_a()), 3),
    ("reduce_max", lambda: S.reduce_max(_a(), 0, True), [[1, 0, 2, 0]]),
    (
        "reduce_max sparse",
        lambda: S.reduce_max(_a(), 0, output_is_sparse=True),
        [[[0], [2]], [1, 2], [4]],
    ),
    (
        "reduce_sum sparse",
        lambda: S.reduce_sum(_a(), -1, output_is_sparse=True),
        [[[0], [1]], [1, 2], [3]],
    ),
    (
        "concat",
        lambda: S.concat(1, [_a(), _b()]),
        [[[0, 0], [0, 4], [1, 2], [2, 5]], [1, 3, 2, 4], [3, 8]],
    ),
    ("slice", lambda: S.slice(_a(), [1, 0], [2, 4]), [[[0, 2]], [2], [2, 4]]),
    (
        "split",
        lambda: S.split(sp_input=_a(), num_split=2, axis=1),
        [[[[0, 0]], [1], [3, 2]], [[[1, 0]], [2], [3, 2]]],
    ),
    ("transpose", lambda: S.transpose(_a()), [[[0, 0], [2, 1]], [1, 2], [4, 3]]),
    ("reshape", lambda: S.reshape(_a(), [2, -1]), [[[0, 0], [1, 0]], [1, 2], [2, 6]]),
    (
        "fill_empty_rows",
        lambda: S.fill_empty_rows(_a(), -1.0),
        [[[[0, 0], [1, 2], [2, 0]], [1, 2, -1], [3, 4]], [False, False, True]],
    ),
    ("softmax", lambda: S.softmax(_a()), [[[0, 0], [1, 2]], [1, 1], [3, 4]]),
    ("expand_dims", lambda: S.expand_dims(_a(), 1), [[[0, 0, 0], [1, 0, 2]], [1, 2], [3, 1, 4]]),
    ("retain", lambda: S.retain(_a(), [True, False]), [[[0, 0]], [1], [3, 4]]),
    ("eye", lambda: S.eye(2, 3), [[[0, 0], [1, 1]], [1, 1], [2, 3]]),
    ("reset_shape", lambda: S.reset_shape(_a()), [[[0, 0], [1, 2]], [1, 2], [2, 3]]),
    ("reset_shape to", lambda: S.reset_shape(_a(), [5, 5]), [[[0, 0], [1, 2]], [1, 2], [5, 5]]),
    ("product", lambda: _a() * nf.ones((3, 4)) * 2.0, [[[0, 0], [1, 2]], [2, 4], [3, 4]]),
    ("quotient", lambda: _a() / 2.0, [[[0, 0], [1, 2]], [0.5, 1], [3, 4]]),
    ("matmul", lambda: S.sparse_dense_matmul(_a(), nf.ones((4, 2))), [[1, 1], [2, 2], [0, 0]]),
    (
        "adjoints",
        lambda: S.sparse_dense_matmul(_a(), nf.ones((2, 3)), True, True),
        [[1, 1], [0, 0], [2, 2], [0, 0]],
    ),
    (
        "dense first",
        lambda: S.sparse_dense_matmul(nf.ones((2, 3)), _a()),
        [[1, 0, 2, 0], [1, 0, 2, 0]],
    ),
    (
        "reorder",
        lambda: S.reorder(nf.SparseTensor([[2], [0]], [1, 2], [3])),
        [[[0], [2]], [2, 1], [3]],
    ),
    (
        "to_indicator",
        lambda: S.to_indicator(nf.SparseTensor([[0, 0], [1, 0]], [2, 1], [2, 1]), 4),
        [[False, False, True, False], [False, True, False, False]],
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(RECORDED)), ids=[name for name, _, _ in RECORDED])
def test_as_tensorflow(case: int) -> None:
    """Eagerly, and as the flat parts of a traced function's result."""
    _, function, want = RECORDED[case]
    assert _plain(function()) == want

    def flat(x: Any) -> list[Any]:
        parts = list(x) if isinstance(x, nf.SparseTensor | list | tuple) else [x]
        return [t for p in parts for t in (flat(p) if not isinstance(p, nf.Tensor) else [p])]

    compiled = nf.function(lambda: flat(function()))
    for got, expected in zip(compiled(), flat(function()), strict=True):
        np.testing.assert_array_equal(got.numpy(), expected.numpy())


def test_gradients_through_values() -> None:
    """Of a product and of a sum of two, also in a traced function with unknown numbers."""

    @nf.function(
        input_signature=[nf.TensorSpec([None, 2], nf.int64), nf.TensorSpec([None], nf.float64)]
    )
    def run(indices: Any, values: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(values)
            x = nf.SparseTensor(indices, values, [3, 4])
            y = S.add(x, S.reorder(x * 2.0))
            dense = nf.constant(np.arange(8.0).reshape(4, 2))
            total = nf.reduce_sum(S.sparse_dense_matmul(y, dense) ** 2)
        return total, tape.gradient(total, values)

    for n in (0, 1, 3):
        places = np.array([[0, 1], [0, 3], [2, 0]], np.int64)[:n]
        values = np.array([1.0, -2.0, 0.5])[:n]
        total, gradient = run(places, values)
        whole = np.zeros((3, 4))
        whole[tuple(places.T)] = 3 * values
        b = np.arange(8.0).reshape(4, 2)
        np.testing.assert_allclose(float(total), np.sum((whole @ b) ** 2))
        want = 3 * (2 * (whole @ b) @ b.T)[tuple(places.T)]
        np.testing.assert_allclose(gradient.numpy(), want)


def test_random_ones_against_dense() -> None:
    """Shapes of several axes, and none at all."""
    rng = np.random.default_rng(0)
    for shape in [(5,), (3, 4), (2, 3, 5), (0, 3), (4, 0)]:
        dense = rng.integers(-2, 3, shape).astype(np.float32) * (rng.random(shape) < 0.4)
        x = S.from_dense(dense)
        np.testing.assert_array_equal(S.to_dense(x).numpy(), dense)
        np.testing.assert_array_equal(S.reduce_sum(x, 0).numpy(), dense.sum(0))
        np.testing.assert_array_equal(S.to_dense(S.transpose(x)).numpy(), dense.T)
        np.testing.assert_array_equal(S.to_dense(S.add(x, x)).numpy(), 2 * dense)


@pytest.mark.parametrize(
    ("run", "error", "words"),
    [
        (lambda: nf.SparseTensor([[0, 0]], [1.0, 2.0], [3, 4]), ValueError, "1 indices and 2"),
        (lambda: nf.SparseTensor([0], [1.0], [3, 4]), ValueError, "2 axes"),
        (lambda: nf.SparseTensor([[0]], [1.0], [3, 4]), ValueError, "dense_shape 2"),
        (
            lambda: S.to_dense(nf.SparseTensor([[5, 0]], [1.0], [3, 4])),
            nf.errors.InvalidArgumentError,
            "outside",
        ),
        (
            lambda: S.to_dense(nf.SparseTensor([[1], [0]], [1.0, 2.0], [3])),
            nf.errors.InvalidArgumentError,
            "out of order",
        ),
        (lambda: S.add(_a(), nf.SparseTensor([[0]], [1.0], [3])), ValueError, "axes"),
        (lambda: S.sparse_dense_matmul(_a(), nf.ones((3, 2))), ValueError, "inner sizes"),
        (lambda: nf.square(_a()), TypeError, "to_dense"),
        (lambda: _a() + _b(), TypeError, "unsupported"),
        (lambda: S.transpose(_a(), [0, 0]), ValueError, "no order"),
        (lambda: S.reduce_sum(_a(), 2), ValueError, "axis 2"),
        (lambda: S.to_dense(nf.ones(3)), TypeError, "from_dense"),
        (lambda: S.reset_shape(_a(), [1, 1]), nf.errors.InvalidArgumentError, "outside"),
    ],
)
def test_bad_input(run: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        run()
