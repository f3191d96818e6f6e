"""Places of true bytes against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from numflow.kernels import abi
from numflow.kernels.cpu.compact import PARTS, plan_count_true, plan_positions
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch


@pytest.mark.parametrize("n", [0, 1, 7, 63, 64, 65, 1031, 4099, 70001])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.98, 1.0])
def test_places_of_true_bytes(n: int, share: float) -> None:
    """Counts per block, then places, in any order of the blocks; nothing touched outside."""
    rng = np.random.default_rng(n)
    mask = Guarded((1, n), n, "uint8", fill=0)
    mask.array[...] = rng.random((1, n)) < share
    want = np.flatnonzero(mask.array)
    counts = Guarded((1, PARTS), PARTS, "int64", fill=-1)
    p = plan_count_true(n)
    ranges = [(i, min(i + p.chunk, p.units)) for i in range(0, p.units, p.chunk)][::-1]
    words = p.words([mask.array.ctypes.data, counts.array.ctypes.data])
    assert launch(p.address, words, ranges) == abi.NO_ERROR
    assert counts.array.sum() == len(want)
    out = Guarded((1, len(want)), len(want), "int64", fill=-1)
    p = plan_positions(n, len(want))
    pointers = [mask.array.ctypes.data, counts.array.ctypes.data, out.array.ctypes.data]
    for ranges in ([(0, PARTS)], [(k, k + 1) for k in range(PARTS)][::-1]):
        out.array[...] = -1
        assert launch(p.address, p.words(pointers), ranges) == abi.NO_ERROR
        np.testing.assert_array_equal(out.array[0], want)
    for wrong in (-1, 1 << 40, n):  # counts of another mask: nothing outside is touched
        counts.array[...] = wrong
        assert launch(p.address, p.words(pointers), [(0, PARTS)]) == abi.NO_ERROR
    for guarded in (mask, counts, out):
        assert guarded.untouched()
        guarded.release()
