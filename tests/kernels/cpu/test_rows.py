"""first_rows and sum_rows against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numflow.kernels import abi
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.rows import plan_first_rows, plan_sum_rows
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

RNG = np.random.default_rng(17)


def run(p: Call, *arrays: Any) -> int:
    """Every unit alone, the last one first."""
    words = p.words([a.ctypes.data for a in arrays])
    units = [(i, i + 1) for i in range(p.units)][::-1]
    return launch(p.address, words, units, workspace_bytes=p.workspace_bytes, node=9)


def first_of(indices: Any) -> Any:
    """By comparing all with all."""
    return np.argmax(indices[:, None] == indices[None, :], axis=1)


@pytest.mark.parametrize("index", ["int32", "int64"])
@pytest.mark.parametrize(("axis", "count"), [(7, 11), (1, 5), (3, 1), (101, 307), (2**31 - 1, 64)])
def test_first_rows(index: str, axis: int, count: int) -> None:
    """Where each index stands first; -1 for all but the first."""
    indices = RNG.integers(0, axis, count).astype(index)
    memory = Guarded((1, count), count, index, fill=0)
    unique, first = memory.array.reshape(count), np.zeros(count, np.int64)
    p = plan_first_rows(axis, count, index_bytes=indices.itemsize)
    assert run(p, indices, unique, first) == abi.NO_ERROR
    want = first_of(indices)
    np.testing.assert_array_equal(first, want)
    np.testing.assert_array_equal(unique, np.where(want == np.arange(count), indices, -1))
    assert memory.untouched()
    memory.release()


def test_indices_that_meet_in_one_cell_are_told_apart() -> None:
    """Multiples of large powers of two, and more of them than a table of poor spread would take."""
    indices = np.repeat(np.arange(64, dtype=np.int64) << 40, 3)
    unique, first = np.zeros(192, np.int64), np.zeros(192, np.int64)
    assert run(plan_first_rows(2**62, 192), indices, unique, first) == abi.NO_ERROR
    np.testing.assert_array_equal(first, np.arange(192) // 3 * 3)


def test_indices_outside_are_refused() -> None:
    """The least position is told; nothing is read or written for it."""
    for wrong in (-1, 5, 2**62, -(2**63)):
        indices = np.array([0, 4, wrong, 1, wrong])
        unique, first = np.zeros(5, np.int64), np.zeros(5, np.int64)
        error = run(plan_first_rows(5, 5), indices, unique, first)
        assert abi.split_error(error) == (9, 2)
        assert unique.tolist() == [0, 4, -1, 1, -1]
    assert plan_first_rows(5, 0).units == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("count", "inner"), [(11, 5), (1, 1), (307, 37), (101, 128), (64, 0)])
def test_sum_rows(dtype: str, count: int, inner: int) -> None:
    """In the order of the rows; zeros in the places of those that were added to others."""
    rows = RNG.integers(-9, 9, (count, inner)).astype(dtype)
    first = first_of(RNG.integers(0, max(count // 2, 1), count)).astype(np.int64)
    want = np.zeros_like(rows)
    np.add.at(want, first, rows)
    for threads in (1, 3):
        memory = Guarded((1, rows.size), rows.size, dtype, fill=7)
        out = memory.array.reshape(rows.shape)
        p = plan_sum_rows(count, inner, dtype, threads=threads)
        assert run(p, rows, first, out) == abi.NO_ERROR
        np.testing.assert_array_equal(out, want)
        assert memory.untouched()
        memory.release()
