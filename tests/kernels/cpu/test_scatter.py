"""scatter against NumPy, index after index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numflow.kernels import abi
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.scatter import KINDS, plan_scatter
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

RNG = np.random.default_rng(13)
UFUNCS: dict[str, Any] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply,
    "minimum": np.minimum, "maximum": np.maximum, "divide": np.divide,
}  # fmt: skip
SIZES = [(7, 11, 5), (1, 3, 1), (5, 0, 3), (101, 307, 1), (3, 2, 37), (4, 5, 0)]


def scattered(kind: str, base: Any, indices: Any, rows: Any) -> Any:
    """In the order of the indices; those outside are left out."""
    out = base.copy()
    for index, row in zip(indices, rows, strict=True):
        if 0 <= index < len(out):
            out[index] = row if kind == "update" else UFUNCS[kind](out[index], row)
    return out


def run(p: Call, *arrays: Any) -> int:
    """Every unit alone, the last one first."""
    words = p.words([a.ctypes.data for a in arrays])
    return launch(p.address, words, [(i, i + 1) for i in range(p.units)][::-1], node=9)


def drawn(dtype: str, shape: tuple[int, ...]) -> Any:
    if dtype[0] in "iu":
        info = np.iinfo(dtype)
        return RNG.integers(info.min, info.max, shape, dtype, endpoint=True)
    return RNG.integers(-9, 9, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("axis", "count", "inner"), SIZES)
def test_scatter(dtype: str, kind: str, axis: int, count: int, inner: int) -> None:
    """The same bits for any number of threads, nothing written outside."""
    if kind == "divide" and not dtype.startswith("float"):
        return  # the kernel divides floats only
    base, rows = drawn(dtype, (axis, inner)), drawn(dtype, (count, inner))
    if dtype.startswith("float") and rows.size > 3:
        rows[0, 0] = np.nan
    for index in ("int32", "int64"):
        indices = RNG.integers(0, axis, count).astype(index)
        with np.errstate(all="ignore"):
            want = scattered(kind, base, indices, rows)
        for threads in (1, 3):
            memory = Guarded((1, base.size), base.size, dtype, fill=0)
            out = memory.array.reshape(base.shape)
            p = plan_scatter(
                axis, count, inner, dtype, kind,
                itemsize=base.itemsize, index_bytes=indices.itemsize, threads=threads,
            )  # fmt: skip
            assert run(p, base, indices, rows, out) == abi.NO_ERROR
            np.testing.assert_array_equal(out, want)
            out[...] = base  # in place: nothing is copied, and the rest stays
            assert run(p, out, indices, rows, out) == abi.NO_ERROR
            np.testing.assert_array_equal(out, want)
            assert memory.untouched()
            memory.release()


@pytest.mark.parametrize("dtype", ["bool", "int16", "float16", "complex64", "complex128"])
def test_elements_of_any_size_are_updated(dtype: str) -> None:
    """1 to 16 bytes; complex numbers are added too."""
    base, rows = drawn(dtype, (7, 5)), drawn(dtype, (11, 5))
    indices = RNG.integers(0, 7, 11)
    for kind in ("update", "add") if "complex" in dtype else ("update",):
        out = np.zeros_like(base)
        p = plan_scatter(7, 11, 5, dtype, kind, itemsize=base.itemsize)
        assert run(p, base, indices, rows, out) == abi.NO_ERROR
        np.testing.assert_array_equal(out, scattered(kind, base, indices, rows))


@pytest.mark.parametrize(("axis", "inner"), [(1009, 67), (20_011, 1), (2, 30_011)])
def test_large_outputs_are_cut(axis: int, inner: int) -> None:
    """Into columns, or into rows where most of the work is copying them."""
    base, rows = drawn("float32", (axis, inner)), drawn("float32", (53, inner))
    indices = RNG.integers(0, axis, 53)
    for kind in ("add", "update"):
        out = np.zeros_like(base)
        p = plan_scatter(axis, 53, inner, "float32", kind, itemsize=4, threads=3)
        assert p.units == 3
        assert run(p, base, indices, rows, out) == abi.NO_ERROR
        np.testing.assert_array_equal(out, scattered(kind, base, indices, rows))


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_indices_outside_are_refused_or_dropped(dtype: str) -> None:
    """Negative ones are dropped on demand; too large ones, and all for an empty axis, refused."""
    base, rows = drawn(dtype, (5, 3)), drawn(dtype, (4, 3))
    for wrong, drop, node in [(-1, False, 2), (-1, True, None), (5, True, 2), (2**62, False, 2)]:
        indices = np.array([0, 4, wrong, 1])
        out = np.zeros_like(base)
        p = plan_scatter(5, 4, 3, dtype, "maximum", itemsize=base.itemsize, drop=drop)
        error = run(p, base, indices, rows, out)
        assert error == abi.NO_ERROR if node is None else abi.split_error(error) == (9, node)
        np.testing.assert_array_equal(out, scattered("maximum", base, indices, rows))
    p = plan_scatter(0, 4, 3, dtype, "add", itemsize=base.itemsize)
    assert abi.split_error(run(p, base[:0], np.zeros(4, int), rows, base[:0].copy())) == (9, 0)
