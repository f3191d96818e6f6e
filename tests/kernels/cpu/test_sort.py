"""argsort and search against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numflow.kernels import abi
from numflow.kernels.cpu.call import Call
from numflow.kernels.cpu.sort import KINDS, plan_argsort, plan_search
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

RNG = np.random.default_rng(7)
SIZES = [(3, 7), (1, 1), (5, 31), (2, 32), (3, 33), (1, 257), (2, 1009), (0, 5), (3, 0), (100, 2)]


def drawn(dtype: str, shape: tuple[int, ...]) -> Any:
    """Numbers of all magnitudes and signs, some equal; floats with every special value."""
    if dtype.startswith("float"):
        x = RNG.standard_normal(shape) * 10.0 ** RNG.integers(-30, 30, shape)
        special = RNG.choice([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1.0], shape)
        return np.where(RNG.random(shape) < 0.4, special, x).astype(dtype)
    limits = np.iinfo(dtype)
    x = RNG.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    few = RNG.choice(np.array([limits.min, limits.max, 0, 1], dtype), shape)
    return np.where(RNG.random(shape) < 0.4, few, x)


def run(p: Call, *arrays: Any) -> None:
    """Every chunk alone, the last one first."""
    words = p.words([a.ctypes.data for a in arrays])
    ranges = [(i, min(i + p.chunk, p.units)) for i in range(0, p.units, p.chunk)][::-1]
    assert launch(p.address, words, ranges, workspace_bytes=p.workspace_bytes) == abi.NO_ERROR


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize(("rows", "length"), SIZES)
def test_argsort_is_numpys_stable_one(dtype: str, rows: int, length: int) -> None:
    """Both directions, all or the first few results, nothing written outside."""
    x = drawn(dtype, (rows, length))
    up = np.argsort(x, -1, kind="stable")
    down = length - 1 - np.argsort(x[:, ::-1], -1, kind="stable")[:, ::-1]
    for count in sorted({0, min(1, length), min(5, length), min(40, length), length}):
        for descending, want in ((False, up), (True, down)):
            memory = Guarded((1, rows * count), rows * count, "int32", fill=0)
            out = memory.array.reshape(rows, count)
            p = plan_argsort(rows, length, count, dtype, descending=descending, threads=2)
            run(p, np.ascontiguousarray(x), out)
            np.testing.assert_array_equal(out, want[:, :count])
            assert memory.untouched()
            memory.release()


def test_bytes_that_all_keys_share_are_left_out() -> None:
    """Small integers in 8 bytes, and rows of one value."""
    for x in (RNG.integers(-3, 3, (2, 301)), np.full((2, 301), -7), np.arange(602).reshape(2, 301)):
        out = np.zeros(x.shape, np.int32)
        run(plan_argsort(2, 301, 301, "int64"), x, out)
        np.testing.assert_array_equal(out, np.argsort(x, -1, kind="stable"))


@pytest.mark.parametrize("dtype", KINDS)
def test_search_is_numpys(dtype: str) -> None:
    """Both sides, both types of results, an empty row."""
    for rows, length, count in [(3, 31, 7), (1, 1, 5), (2, 0, 3), (2, 5, 0)]:
        x = np.sort(drawn(dtype, (rows, length)), -1)
        values = drawn(dtype, (rows, count))
        if length:
            values[:, ::2] = RNG.choice(x.reshape(-1), values[:, ::2].shape)
        for right in (False, True):
            for index in ("int32", "int64"):
                out = np.full((rows, count), -1, index)
                p = plan_search(rows, length, count, dtype, right=right, index_bytes=out.itemsize)
                run(p, x, values, out)
                side: Any = "right" if right else "left"
                want = [np.searchsorted(a, v, side) for a, v in zip(x, values, strict=True)]
                np.testing.assert_array_equal(out, np.reshape(want, (rows, count)))
