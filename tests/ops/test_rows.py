"""Rows of equal index merged, rows replaced: what sparse updates are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.graph.indexed_slices import IndexedSlices
from numflow.ops import rows, scatter
from numflow.ops.convert import as_tensor
from tests.contract import Case, check, floats, ids, ints


def merged(values: Any, indices: Any) -> Any:
    """The three parts of merged rows of a tensor with 5 rows."""
    values, indices = as_tensor(values), as_tensor(indices)
    slices = IndexedSlices.of(values, indices, (5, *values.spec.shape[1:]))
    found = rows.merged(slices, "test", "index")
    return [found.unique, nf.cast(found.values, values.dtype)]


def _merged_oracle(values: Any, indices: Any) -> Any:
    flat = values.reshape(len(indices), int(np.prod(values.shape[1:])))
    unique, sums = indices.copy(), flat.copy()
    for i, index in enumerate(indices):
        first = int(np.argmax(indices == index))
        if first != i:
            unique[i], sums[first], sums[i] = -1, sums[first] + flat[i], 0
    return [unique, sums]


def put(base: Any, indices: Any, updates: Any) -> Any:
    """Rows added at indices of which negative ones are left out."""
    tensors = [as_tensor(x) for x in (base, indices, updates)]
    return nf.cast(scatter.scatter_rows_op(*_single(tensors), kind="add", drop=True), base.dtype)


def _single(tensors: list[Any]) -> list[Any]:
    return [nf.cast(t, nf.float32) if t.dtype.size == 2 else t for t in tensors]


def _put_oracle(base: Any, indices: Any, updates: Any) -> Any:
    out = base.copy()
    np.add.at(out, indices[indices >= 0], updates[indices >= 0])
    return out


CASES = [
    *(
        Case(merged, _merged_oracle, [floats(n, *rest), ints(n, low=0, high=5)], second=False)
        for n, rest in [(7, (3,)), (1, (1,)), (11, (2, 3)), (3, ()), (4, (0,))]
    ),
    *(
        Case(put, _put_oracle, [floats(5, 3), ints(n, low=-3, high=5), floats(n, 3)])
        for n in (7, 1, 0)
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_rows(case: Case) -> None:
    check(case)


def test_no_rows_are_merged_to_none() -> None:
    for run in (merged, nf.function(lambda v, i: merged(v, i))):
        unique, sums = run(nf.zeros([0, 3]), nf.constant(np.zeros(0, np.int64)))
        assert unique.shape == (0,) and sums.shape == (0, 3)


def test_a_place_is_the_same_eager_and_traced() -> None:
    """First of all, position and index that are refused."""
    for wrap in (lambda f: f, nf.function):
        with pytest.raises(
            nf.errors.InvalidArgumentError, match=r"test: index 5 is outside \[0, 5\)"
        ):
            wrap(merged)(nf.ones([2, 3]), nf.constant([0, 5]))
