"""The BLAS behind NumPy, called by address."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from numflow.kernels.cpu import blas as module
from numflow.kernels.cpu.blas import BlasWarning, blas

ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112


@pytest.mark.parametrize("letter", ["s", "d"])
def test_gemm_by_address(letter: str) -> None:
    """c = 2 a b^T - c, against NumPy in float64."""
    table = blas()
    assert table is not None
    real = ctypes.c_float if letter == "s" else ctypes.c_double
    dtype: type[Any] = np.float32 if letter == "s" else np.float64
    size = ctypes.c_int64 if table.wide else ctypes.c_int32
    pointer, flag = ctypes.c_void_p, ctypes.c_int
    sizes = (size, size, size)
    signature = (flag, flag, flag, *sizes, real, pointer, size, pointer, size, real, pointer, size)
    gemm = ctypes.CFUNCTYPE(None, *signature)(table.sgemm if letter == "s" else table.dgemm)
    m, n, k = 7, 11, 13
    rng = np.random.default_rng(3)
    a, b, c = (np.asarray(rng.random(shape), dtype) for shape in ((m, k), (n, k), (m, n)))
    oracle = 2 * a.astype(np.float64) @ b.astype(np.float64).T - c
    addresses = [array.ctypes.data for array in (a, b, c)]
    table.set_num_threads(1)
    gemm(
        ROW_MAJOR, PLAIN, TRANSPOSED, m, n, k, 2.0,
        addresses[0], k, addresses[1], k, -1.0, addresses[2], n,
    )  # fmt: skip
    np.testing.assert_allclose(c, oracle, rtol=1e-5 if letter == "s" else 1e-12)


def test_a_numpy_without_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    """None, and one warning that says what follows from it."""
    monkeypatch.setattr(module, "_SPELLINGS", (("no_", "_such"),))
    blas.cache_clear()
    with pytest.warns(BlasWarning, match="this build of NumPy exports no cblas_sgemm"):
        assert blas() is None
    assert blas() is None
    blas.cache_clear()
