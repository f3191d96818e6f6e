"""tf.compat.v1.where, and the names that TensorFlow's two faces share."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.compat import v1
from numflow.compat.v1 import same

SHAPES: list[tuple[Any, tuple[int, ...]]] = [
    ((), (2, 3)), ((3,), (3,)), ((2,), (2, 3)), ((2,), (2, 3, 4)), ((2, 3), (2, 3)), ((0,), (0, 2))
]  # fmt: skip


@pytest.mark.parametrize(
    ("shapes", "dtype", "compiled"),
    list(itertools.product(SHAPES, ["float32", "float64", "int32", "bool"], [False, True])),
)
def test_a_vector_chooses_rows(shapes: Any, dtype: str, compiled: bool) -> None:
    rng = np.random.default_rng(0)
    c = rng.integers(0, 2, shapes[0]).astype(bool)
    x, y = (rng.integers(0, 9, shapes[1]).astype(dtype) for _ in range(2))
    f: Any = nf.function(v1.where) if compiled else v1.where
    spread = c.reshape(c.shape + (1,) * (x.ndim - c.ndim)) if c.ndim else c
    found = f(nf.constant(c), nf.constant(x), nf.constant(y)).numpy()
    assert found.dtype == x.dtype
    assert np.array_equal(found, np.where(spread, x, y))


def test_gradients_go_to_what_was_chosen() -> None:
    x = nf.constant([[1.0, 2.0], [3.0, 4.0]])
    with nf.GradientTape() as tape:
        tape.watch(x)
        z = v1.where([True, False], x * x, 5 * x)
    assert tape.gradient(z, x).numpy().tolist() == [[2.0, 4.0], [5.0, 5.0]]


def test_rows_of_unknown_number() -> None:
    vectors, rows = nf.TensorSpec([None], nf.bool), nf.TensorSpec([None, 2], nf.float32)
    f = nf.function(v1.where, input_signature=[vectors, rows, rows])
    for n in (1, 2, 3):
        c, x = np.arange(n) % 2 == 0, np.ones([n, 2], np.float32)
        assert f(c, x, -x).numpy()[:, 0].tolist() == [1.0, -1.0, 1.0][:n]


def test_without_values_it_tells_where() -> None:
    assert v1.where([[True, False], [False, True]]).numpy().tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("condition", "x", "y"),
    [
        ([True], [[1], [2]], [[3], [4]]),
        ([True, False], [[1, 2]], [[1, 2], [3, 4]]),
        ([[True, False]], [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ([True, False], 1, [2, 3]),
    ],
)
def test_what_does_not_fit_is_refused(condition: Any, x: Any, y: Any) -> None:
    with pytest.raises(nf.errors.ShapeError, match="where"):
        v1.where(condition, x, y)


def test_one_value_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="both"):
        v1.where([True], x=[1])


def test_shared_names_are_there() -> None:
    assert v1.abs is nf.abs
    assert v1.matrix_inverse is nf.linalg.inv
    assert v1.nn.relu is nf.nn.relu
    assert v1.where_v2 is nf.where
    for table, space in ((same.TOP, v1), (same.NN, v1.nn)):
        assert {name for name in table if not hasattr(space, name)} == set()
        assert set(table) <= set(dir(space))
    with pytest.raises(AttributeError, match="no_such"):
        _ = v1.no_such
