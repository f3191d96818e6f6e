"""Gather and scatter_add against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numflow.kernels import abi
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.gather import plan_gather, plan_scatter_add
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

Array = np.ndarray[Any, np.dtype[Any]]
RNG = np.random.default_rng(3)


def run(p: Call, first: Array, indices: Array, last: Array) -> int:
    """Call a plan, every chunk alone and the last one first; the error word."""
    words = p.words([first.ctypes.data, indices.ctypes.data, last.ctypes.data])
    starts = reversed(range(0, p.units, p.chunk))
    return launch(p.address, words, [(i, min(i + p.chunk, p.units)) for i in starts], node=9)


def guarded(shape: tuple[int, ...], dtype: Any) -> tuple[Array, Guarded]:
    """An array that ends at an unreadable page."""
    size = int(np.prod(shape))
    memory = Guarded((1, size), size, dtype, fill=0)
    return memory.array.reshape(shape), memory


SIZES = [
    # batch, outer, axis, count, inner
    (1, 1, 11, 7, 5), (1, 3, 11, 7, 1), (2, 3, 5, 17, 3), (1, 1, 1, 3, 37), (3, 1, 13, 1, 16),
    (1, 1, 101, 211, 33), (1, 2, 5, 0, 3), (1, 1, 5, 3, 0), (0, 1, 5, 3, 2), (2, 2, 7, 3, 131),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8", "c16"])
@pytest.mark.parametrize(("batch", "outer", "axis", "count", "inner"), SIZES)
def test_gather_copies_rows(
    dtype: str, batch: int, outer: int, axis: int, count: int, inner: int
) -> None:
    """Elements of 1 to 16 bytes, both index types, nothing read or written outside."""
    for index_dtype in ("int32", "int64"):
        params, a = guarded((batch, outer, axis, inner), dtype)
        indices, b = guarded((batch, count), index_dtype)
        out, c = guarded((batch, outer, count, inner), dtype)
        params[...] = RNG.integers(0, 256, params.shape)
        indices[...] = RNG.integers(0, axis, indices.shape)
        p = plan_gather(
            outer, axis, count, inner * params.itemsize,
            index_bytes=indices.itemsize, batch=batch,
        )  # fmt: skip
        assert run(p, params, indices, out) == abi.NO_ERROR
        expected = np.take_along_axis(params, indices[:, None, :, None].astype(int), axis=2)
        np.testing.assert_array_equal(out, expected)
        for memory in (a, b, c):
            assert memory.untouched()
            memory.release()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("batch", "outer", "axis", "count", "inner"), SIZES)
def test_scatter_add_sums_rows_in_order(
    dtype: str, batch: int, outer: int, axis: int, count: int, inner: int
) -> None:
    """The same bits as adding row after row, for any number of threads; cleared or added to."""
    for clear in (True, False):
        params, a = guarded((batch, outer, axis, inner), dtype)
        indices, b = guarded((batch, count), "int32")
        rows, c = guarded((batch, outer, count, inner), dtype)
        start = np.asarray(RNG.standard_normal(params.shape), dtype)
        indices[...] = RNG.integers(0, axis, indices.shape)
        rows[...] = RNG.standard_normal(rows.shape)
        expected = np.zeros_like(start) if clear else start.copy()
        for n in range(batch):
            for o in range(outer):
                np.add.at(expected[n, o], indices[n], rows[n, o])
        for threads in (1, 2, 7):
            params[...] = start
            p = plan_scatter_add(
                outer, axis, count, inner, dtype,
                index_bytes=4, batch=batch, clear=clear, threads=threads,
            )  # fmt: skip
            assert run(p, rows, indices, params) == abi.NO_ERROR
            np.testing.assert_array_equal(params, expected)
        for memory in (a, b, c):
            assert memory.untouched()
            memory.release()


@pytest.mark.parametrize(
    ("axis", "count", "inner"), [(1009, 3001, 67), (100003, 50021, 1), (3, 20011, 64)]
)
def test_scatter_add_in_parts(axis: int, count: int, inner: int) -> None:
    """Large targets are cut into columns, or into ranges where rows are short: the same bits."""
    indices = RNG.integers(0, axis, count)
    rows = RNG.standard_normal((count, inner)).astype("float32")
    expected = np.zeros((axis, inner), "float32")
    np.add.at(expected, indices, rows)
    units = []
    for threads in (1, 2, 3):
        params = np.full((axis, inner), np.nan, "float32")
        p = plan_scatter_add(1, axis, count, inner, threads=threads)
        units.append(p.units)
        assert run(p, rows, indices, params) == abi.NO_ERROR
        np.testing.assert_array_equal(params, expected)
    assert units == [1, 2, 3]


@pytest.mark.parametrize("wrong", [-1, 5, 2**31 - 1, -(2**31), 2**62, -(2**63)])
def test_an_index_out_of_range_is_refused(wrong: int) -> None:
    """The first position is reported, its row is zeros, all other rows are right."""
    index_dtype = "int64" if abs(wrong) > 2**31 else "int32"
    params = RNG.standard_normal((2, 3, 5, 7)).astype("float32")
    indices = RNG.integers(0, 5, (2, 11)).astype(index_dtype)
    indices[0, 8] = indices[1, 3] = wrong
    out = np.full((2, 3, 11, 7), np.nan, "float32")
    p = plan_gather(3, 5, 11, 28, index_bytes=indices.itemsize, batch=2)
    assert abi.split_error(run(p, params, indices, out)) == (9, 8)
    good = (0 <= indices) & (indices < 5)
    expected = np.take_along_axis(params, np.where(good, indices, 0)[:, None, :, None], axis=2)
    np.testing.assert_array_equal(out, np.where(good[:, None, :, None], expected, 0))

    rows = RNG.standard_normal((2, 3, 11, 7)).astype("float32")
    total = np.full((2, 3, 5, 7), np.nan, "float32")
    s = plan_scatter_add(3, 5, 11, 7, index_bytes=indices.itemsize, batch=2)
    assert abi.split_error(run(s, rows, indices, total)) == (9, 8)
    wanted = np.zeros_like(total)
    for n in range(2):
        for o in range(3):
            np.add.at(wanted[n, o], indices[n][good[n]], rows[n, o][good[n]])
    np.testing.assert_array_equal(total, wanted)


def test_an_empty_axis_refuses_every_index() -> None:
    params, indices = np.zeros((0, 3), "float32"), np.array([0, 0])
    out = np.ones((2, 3), "float32")
    assert abi.split_error(run(plan_gather(1, 0, 2, 12), params, indices, out)) == (9, 0)
    assert not out.any()


def test_index_types_are_checked() -> None:
    with pytest.raises(ValueError, match=r"indices of 4 or 8 bytes are wanted\. Received: 2"):
        plan_gather(1, 5, 3, 4, index_bytes=2)
