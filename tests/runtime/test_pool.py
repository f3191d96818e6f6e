"""The parallel driver: right from several threads, nested, and in a forked child."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from numflow.runtime import pool
from tests.runtime import samples

ROOT = Path(__file__).resolve().parents[2]
UNITS = 10_007


def _count(times: int, chunk: int, units: int = UNITS) -> bool:
    """Launch `count` a few times on an array of its own: is each unit done once each time?"""
    out = np.zeros(units, np.int64)
    args = samples.block(0, out.ctypes.data)
    for _ in range(times):
        pool.launch(samples.addresses()["count"], args.ctypes.data, units, chunk)
    return bool(np.array_equal(out, times * np.arange(units)))


@pytest.mark.parametrize("chunk", [1, 7, 997, UNITS - 1, UNITS, 10 * UNITS])
def test_each_unit_is_done_once(chunk: int) -> None:
    """Whatever the chunk: one unit, a last short chunk, all in one."""
    assert _count(3, chunk)


def test_no_units_at_all() -> None:
    """A launch over nothing comes back."""
    assert _count(2, 5, units=0)


def test_many_launches_from_several_threads() -> None:
    """Whoever finds the pool busy does the work alone; nobody takes another's chunks."""
    results: list[bool] = []
    workers = [threading.Thread(target=lambda: results.append(_count(150, 991))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == [True] * 4


def test_a_kernel_may_launch() -> None:
    """The inner launch finds the pool busy and runs inline."""
    kernels = samples.addresses()
    out = np.zeros(UNITS, np.int64)
    inner = samples.block(0, out.ctypes.data)
    outer = samples.block(
        0,
        pool.launch_address(),
        pool.state_address(),
        kernels["count"],
        inner.ctypes.data,
        UNITS,
        101,
    )
    # One outer unit per call, so that the array is counted once per chunk, one after another.
    pool.launch(kernels["nest"], outer.ctypes.data, 1, 1)
    assert np.array_equal(out, np.arange(UNITS))
    # Chunks side by side, on arrays of their own.
    parts = np.zeros((2, UNITS), np.int64)
    blocks = [samples.block(0, part.ctypes.data) for part in parts]
    for block in blocks:
        outer[-3] = block.ctypes.data
        pool.launch(kernels["nest"], outer.ctypes.data, 1, 1)
    assert np.array_equal(parts, [np.arange(UNITS)] * 2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_computes() -> None:
    """Right after a launch of the parent: the child starts workers of its own."""
    assert _count(1, 97)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork of a process with threads
        child = os.fork()
    if child == 0:
        try:
            code = 0 if _count(50, 97) and threading.active_count() >= pool.threads() else 1
        except BaseException:
            code = 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert _count(20, 97)


def test_a_child_forked_while_another_thread_launches() -> None:
    """The child inherits a pool in the middle of a launch, and forgets it."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            _count(1, 3)

    worker = threading.Thread(target=busy)
    worker.start()
    codes = []
    try:
        for _ in range(5):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
            if child == 0:
                os._exit(0 if _count(20, 97) else 1)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    finally:
        stop.set()
        worker.join()
    assert codes == [0] * 5


def test_no_thread_before_the_first_launch() -> None:
    """Importing, and asking for addresses, starts nothing; the number of threads is configured."""
    code = """
import threading
from numflow.runtime import pool
before = threading.active_count()
pool.launch_address(), pool.state_address()
between = threading.active_count()
pool.start()
print(before, between, threading.active_count(), pool.threads())
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "NUMFLOW_NUM_THREADS": "3", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    wanted = "1 1 3 3" if sys.platform == "linux" else "1 1 1 1"
    assert run.stdout.split() == wanted.split()
