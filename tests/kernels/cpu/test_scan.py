"""Running sums and products against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numflow.kernels import abi
from numflow.kernels.cpu.scan import PRODUCT, SUM, plan_scan
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch

SIZES = [
    (1, 7, 1),
    (3, 5, 1),
    (2, 11, 3),
    (1, 1, 17),
    (3, 2, 37),
    (1, 3, 2053),
    (0, 3, 5),
    (2, 0, 3),
]


def scanned(x: Any, kind: int, exclusive: bool, reverse: bool) -> Any:
    """One element after the other."""
    x = x[:, ::-1] if reverse else x
    out = np.empty_like(x)
    total = np.full_like(x[:, 0], kind) if x.shape[1] else None
    for i in range(x.shape[1]):
        out[:, i] = total
        total = total + x[:, i] if kind == SUM else total * x[:, i]
        if not exclusive:
            out[:, i] = total
    return out[:, ::-1] if reverse else out


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint64", "complex64"])
@pytest.mark.parametrize("kind", [SUM, PRODUCT])
@pytest.mark.parametrize("shape", SIZES)
def test_scans(dtype: str, kind: int, shape: tuple[int, int, int]) -> None:
    """Both directions, with and without the element itself; nothing touched outside."""
    rng = np.random.default_rng(5)
    size = int(np.prod(shape))
    for exclusive in (False, True):
        for reverse in (False, True):
            a, b = (Guarded((1, size), size, dtype, fill=0) for _ in range(2))
            x, out = a.array.reshape(shape), b.array.reshape(shape)
            x[...] = (
                rng.integers(1, 9, shape)
                if a.array.dtype.kind in "iu"
                else rng.uniform(0.5, 1.5, shape)
            )
            p = plan_scan(*shape, dtype, kind=kind, exclusive=exclusive, reverse=reverse)
            words = p.words([x.ctypes.data, out.ctypes.data])
            ranges = [(i, min(i + p.chunk, p.units)) for i in range(0, p.units, p.chunk)][::-1]
            assert launch(p.address, words, ranges) == abi.NO_ERROR
            want = scanned(x.copy(), kind, exclusive, reverse)
            np.testing.assert_allclose(out, want, 1e-5)
            for memory in (a, b):
                assert memory.untouched()
                memory.release()
