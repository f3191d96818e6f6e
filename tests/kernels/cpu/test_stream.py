"""Copies past the caches."""

from __future__ import annotations

import numpy as np
import pytest

from numflow.kernels import abi
from numflow.kernels.cpu.stream import ALIGN, plan
from tests.kernels.guarded import Guarded
from tests.kernels.launch import launch


@pytest.mark.parametrize("n", [0, 1, 7, 63, 64, 127, 128, 129, 1000, 4096, 70001])
def test_every_byte_and_none_behind(n: int) -> None:
    """Sources at any address, both ending where nothing may be touched."""
    rng = np.random.default_rng(n)
    source = Guarded((1, n), n, "uint8", fill=0)
    source.array[...] = rng.integers(0, 256, (1, n))
    room = np.full(n + 2 * ALIGN, 7, np.uint8)
    start = -room.ctypes.data % ALIGN
    p = plan(n)
    words = p.words([source.address, room.ctypes.data + start])
    assert launch(p.address, words, [(0, 1)]) == abi.NO_ERROR
    np.testing.assert_array_equal(room[start : start + n], source.array[0])
    assert (room[:start] == 7).all() and (room[start + n :] == 7).all()
    assert source.untouched()
    source.release()
