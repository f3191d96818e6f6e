"""OpenBLAS's threads: one while matrices are factorized, as many as before afterwards."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.kernels.cpu import blas
from numflow.ops import matrices

pytestmark = pytest.mark.skipif(blas.threads() is None, reason="NumPy came without OpenBLAS")


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    calls = blas.one_thread.calls()
    assert calls is not None
    get, put = calls
    before = get()
    put(2)
    yield
    assert get() == 2
    put(before)


def test_contexts_nest_and_end_by_errors_too() -> None:
    with blas.one_thread, blas.one_thread:
        assert blas.threads() == 1
    assert blas.threads() == 2
    with pytest.raises(ZeroDivisionError), blas.one_thread:
        1 / 0  # noqa: B018
    assert blas.threads() == 2


def test_threads_may_be_in_it_at_once() -> None:
    """The last one out gives the others back."""
    both = threading.Barrier(2, timeout=10)

    def work() -> None:
        for _ in range(100):
            with blas.one_thread:
                both.wait()
                assert blas.threads() == 1
                both.wait()

    other = threading.Thread(target=work)
    other.start()
    work()
    other.join()


@pytest.mark.parametrize(("n", "expected"), [(7, 2), (131, 1), (1031, 2)])
def test_small_and_large_matrices_are_left_alone(
    n: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    run = matrices.on_one_thread(lambda x: seen.append(blas.threads()))
    run(np.broadcast_to(np.float32(0), (3, n, n)))
    assert seen == [expected]


def test_linear_algebra_gives_the_threads_back() -> None:
    x = np.random.default_rng(0).standard_normal((67, 67)) + 67 * np.eye(67)
    nf.linalg.qr(x), nf.linalg.inv(x), nf.linalg.expm(x / 67)
    with pytest.raises(nf.errors.InvalidArgumentError):
        nf.linalg.inv(np.zeros((67, 67)))
    assert blas.threads() == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_child_forked_meanwhile_has_all_threads() -> None:
    code = """
import os
from numflow.kernels.cpu import blas
before = blas.threads()
with blas.one_thread:
    pid = os.fork()
    if pid == 0:
        os._exit(0 if blas.threads() == before else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=100)
