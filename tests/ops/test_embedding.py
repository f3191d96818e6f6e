"""embedding_lookup: one table, and several parts of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.ops.embedding import looked_up
from tests.contract import Case, check, floats, ids, ints


def in_parts(a: Any, b: Any, c: Any, i: Any) -> Any:
    """A table of 5 rows in three parts."""
    return nf.nn.embedding_lookup([a, b, c], i)


def dealt_out(a: Any, b: Any, c: Any, i: Any) -> Any:
    """The same rows, dealt out one by one."""
    return looked_up([a, b, c], i, None, "mod")


def _dealt_oracle(a: Any, b: Any, c: Any, i: Any) -> Any:
    table = np.zeros((5, 3))
    table[0::3], table[1::3], table[2::3] = a, b, c
    return table[i]


CASES = [
    Case(
        dealt_out,
        _dealt_oracle,
        [floats(2, 3), floats(2, 3), floats(1, 3), ints(7, 2, low=0, high=5)],
    ),
    Case(nf.nn.embedding_lookup, lambda x, i: x[i], [floats(5, 3), ints(7, 2, low=0, high=5)]),
    Case(
        nf.nn.embedding_lookup,
        lambda x, i: x[i] * np.minimum(1, 0.5 / np.linalg.norm(x[i], axis=-1, keepdims=True)),
        [floats(5, 3, low=0.5, high=1), ints(7, low=0, high=5)],
        {"max_norm": 0.5},
    ),
    Case(
        in_parts,
        lambda a, b, c, i: np.concatenate([a, b, c])[i],
        [floats(2, 3), floats(2, 3), floats(1, 3), ints(7, 2, low=0, high=5)],
    ),
    Case(
        in_parts,
        lambda a, b, c, i: np.concatenate([a, b, c])[i],
        [floats(1), floats(1), floats(0), ints(3, low=0, high=2)],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@pytest.mark.parametrize("wrap", [lambda f: f, nf.function], ids=["eager", "traced"])
def test_gradients_of_parts_are_sparse(wrap: Any) -> None:
    """Each variable gets rows, which add up to those that were looked up in it."""
    parts = [nf.Variable([[1.0], [2.0]]), nf.Variable([[3.0]])]

    def run() -> Any:
        with nf.GradientTape() as tape:
            y = nf.reduce_sum(nf.square(nf.nn.embedding_lookup(parts, [[0, 2], [2, 1]])))
        grads = tape.gradient(y, parts)
        assert all(isinstance(g, nf.IndexedSlices) for g in grads)
        return [nf.convert_to_tensor(g) for g in grads]

    first, second = wrap(run)()
    assert first.numpy().tolist() == [[2], [4]] and second.numpy().tolist() == [[12]]


@pytest.mark.parametrize("wrap", [lambda f: f, nf.function], ids=["eager", "traced"])
def test_bad_arguments(wrap: Any) -> None:
    """Numbers out of range, no parts, parts that are none."""
    lookup = nf.nn.embedding_lookup
    x = nf.ones([3, 2])
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"7 is outside \[0, 3\)"):
        wrap(lookup)(x, nf.constant([7]))
    with pytest.raises(nf.errors.InvalidArgumentError, match=r"id 6 is outside \[0, 6\)"):
        wrap(lambda i: lookup([x, x], i))(nf.constant([6]))
    with pytest.raises(nf.errors.ShapeError, match="the 5 rows are not shared equally, more first"):
        wrap(lambda i: lookup([x[:2], x], i))(nf.constant([0]))
    with pytest.raises(nf.errors.ShapeError, match="the parts differ in shape"):
        wrap(lambda i: lookup([x, x[:, :1]], i))(nf.constant([0]))
    with pytest.raises(nf.errors.ShapeError, match="params is an empty list"):
        wrap(lambda i: lookup([], i))(nf.constant([0]))
    with pytest.raises(nf.errors.DTypeError, match="ids is float32, not an integer"):
        wrap(lambda i: lookup([x, x], i))(nf.constant([0.0]))
