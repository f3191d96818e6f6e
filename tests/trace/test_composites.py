"""Functions that take and give tensors made of several: IndexedSlices, sparse, ragged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf


def _sparse(*places: tuple[int, int]) -> Any:
    return nf.SparseTensor(places, np.arange(1.0, len(places) + 1, dtype=np.float32), [3, 2])


def _same(x: Any, y: Any) -> None:
    assert type(x) is type(y)
    if isinstance(x, nf.RaggedTensor):
        assert x.to_list() == y.to_list()
    elif isinstance(x, nf.SparseTensor):
        for a, b in zip(x, y, strict=True):
            np.testing.assert_array_equal(a, b)
    else:
        np.testing.assert_array_equal(x.indices, y.indices)
        np.testing.assert_array_equal(x.values, y.values)


WHOLES: dict[str, Callable[[], Any]] = {
    "slices": lambda: nf.IndexedSlices(nf.ones((1, 2)), nf.constant([0])),
    "sparse": lambda: _sparse((0, 1), (2, 0)),
    "ragged": lambda: nf.ragged.constant([[1.0, 2.0], [], [3.0]]),
    "ragged twice": lambda: nf.ragged.constant([[[1.0], []], [], [[2.0, 3.0]]]),
}


@pytest.mark.parametrize("name", WHOLES)
def test_they_go_in_and_come_out(name: str) -> None:
    """As they are, in a structure, computed, through another function, and of a concrete one."""
    x = WHOLES[name]()
    double = nf.function(lambda x: x * 2.0)
    _same(nf.function(lambda x: x)(x), x)
    _same(nf.function(lambda d: [d["x"]])({"x": x})[0], x)
    _same(double(x), x * 2.0)
    _same(nf.function(lambda x: double(x))(x), x * 2.0)
    concrete = double.get_concrete_function(x)
    _same(concrete(x), x * 2.0)
    assert "Literal" not in str(concrete)


def test_others_of_their_kind_need_no_trace() -> None:
    """Other numbers of elements make one more trace, with a size that is open, and no third."""

    @nf.function
    def total(sparse: Any, ragged: Any) -> nf.Tensor:
        assert sparse.shape == (3, 2)
        dense = nf.sparse.to_dense(sparse)
        return nf.reduce_sum(dense) + nf.reduce_sum(ragged.to_tensor())

    for count in range(1, 6):
        places = [(k // 2, k % 2) for k in range(count)]
        rows = nf.ragged.constant([[1.0] * count, [], [2.0]])
        want = count * (count + 1) / 2 + count + 2
        assert float(total(_sparse(*places), rows)) == want
    assert total.experimental_get_tracing_count() <= 2


def test_gradients_through_them() -> None:
    """A tape around the call, and one inside."""

    @nf.function
    def squares(x: Any) -> Any:
        return x * x

    w = nf.Variable(3.0)
    with nf.GradientTape() as tape:
        y = nf.reduce_sum(squares(nf.ragged.constant([[1.0], [2.0, 0.0]]) * w).flat_values)
    assert float(tape.gradient(y, w)) == 30.0

    table = nf.Variable(nf.ones((2, 3)))

    @nf.function
    def product(x: Any) -> Any:
        with nf.GradientTape() as tape:
            y = nf.reduce_sum(nf.sparse.sparse_dense_matmul(x, table))
        return tape.gradient(y, table)

    gradient = product(_sparse((0, 1), (2, 0)))
    assert isinstance(gradient, nf.Tensor)  # TensorFlow's is dense too
    np.testing.assert_array_equal(gradient, [[2.0] * 3, [1.0] * 3])


def test_another_rank_is_no_shape_of_a_concrete_function() -> None:
    """A concrete function names what it was made for."""
    concrete = nf.function(lambda x: x * 2.0).get_concrete_function(nf.TensorSpec([None]))
    with pytest.raises(nf.errors.InvalidArgumentError, match="not those of the trace"):
        concrete(nf.ones((1, 1)))
