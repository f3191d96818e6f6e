"""Aligned buffers, and results whose memory goes round."""

from __future__ import annotations

import gc
import os
import threading
import warnings

import numpy as np
import pytest

from numflow.runtime import arena

BIG = (331, 1009)  # float32: 1.3 MB


@pytest.mark.parametrize("nbytes", [0, 1, 63, 64, 65, 100_003])
def test_buffers_start_at_a_cache_line(nbytes: int) -> None:
    """So that no vector of an aligned operand crosses one."""
    buffer = arena.aligned_empty(nbytes)
    assert buffer.nbytes == nbytes
    assert nbytes == 0 or buffer.ctypes.data % 64 == 0


@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (7, 11), BIG])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.bool_])
def test_arrays_are_what_was_asked_for(shape: tuple[int, ...], dtype: type) -> None:
    """Shape, dtype, contiguous, writable, and at most sharing memory with nobody alive."""
    for array in (
        arena.result_array(shape, dtype),
        arena.result_maker(shape, dtype)(),
        arena.aligned_array(shape, dtype),
    ):
        assert array.shape == shape and array.dtype == dtype and type(array) is np.ndarray
        assert array.flags.c_contiguous and array.flags.writeable and array.flags.aligned
        array[...] = 1


def test_memory_comes_back_when_the_last_view_is_gone() -> None:
    """A view of a view of the result keeps it; afterwards the next result gets the same memory."""
    arena.release()
    first = arena.result_array(BIG, np.float32)
    address = first.ctypes.data
    view = first[1:].T[::2].reshape(-1, order="A").view(np.int32)
    keeper = first.reshape(-1)[5:][1:]
    del first, view
    other = arena.result_array(BIG, np.float32)
    assert other.ctypes.data != address
    keeper[:] = 3
    del keeper
    gc.collect()
    assert arena.kept_bytes() > 0
    assert arena.result_array(BIG, np.float32).ctypes.data == address


def test_what_is_alive_is_never_handed_out_twice() -> None:
    """Many results, dropped in any order, hold what was written into them."""
    rng = np.random.default_rng(5)
    alive: dict[int, np.ndarray] = {}
    for number in range(300):
        shape = (int(rng.integers(1, 40)), 4099)
        alive[number] = arena.result_array(shape, np.int64)
        alive[number][...] = number
        for key in list(alive):
            if rng.random() < 0.3:
                assert (alive.pop(key) == key).all()


def test_several_threads() -> None:
    """Results of one thread may die in another."""
    handed: list[np.ndarray] = []
    wrong: list[int] = []

    def work(number: int) -> None:
        for turn in range(150):
            result = arena.result_array((100, 331 + turn % 3), np.float64)
            result[...] = number
            handed.append(result)
            if not (result == number).all():
                wrong.append(number)
            if len(handed) > 6:
                try:
                    handed.pop(0)
                except IndexError:
                    pass

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_is_kept_is_bounded() -> None:
    """The memory freed longest ago goes first."""
    pool = arena.ResultPool(limit=3 << 20)
    leases = [pool.take(1 << 20) for _ in range(5)]
    addresses = [lease.ctypes.data for lease in leases]
    leases.reverse()
    while leases:
        leases.pop()
    assert pool.kept() == 3 << 20
    again = [pool.take(1 << 20) for _ in range(3)]
    assert [lease.ctypes.data for lease in again] == addresses[:1:-1]
    pool.clear()
    assert pool.kept() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_writes_into_its_own_copy() -> None:
    """Mapped memory is private: a result of the parent stays as it was."""
    result = arena.result_array(BIG, np.float32)
    result[...] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        result[...] = 2
        os._exit(0)
    os.waitpid(child, 0)
    assert (result == 1).all()
