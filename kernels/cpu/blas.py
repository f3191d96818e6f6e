"""How many threads NumPy's OpenBLAS may use: one, while a matrix is factorized.

A factorization is hundreds of small products, and OpenBLAS joins its threads after each of them.
On two cores a QR of 768x256 took 21 ms with two threads and 10 with one; beside another busy
process 2,500 ms and 17, for a join waits until a thread that was put aside gets a core again. And
results are the same for any number of cores.

Where NumPy has another library, nothing is done.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

__all__ = ["one_thread", "threads"]

_PREFIXES = "scipy_openblas", "openblas"
_SUFFIXES = "64_", "_64", "_", ""


class _OneThread:
    """A context in which OpenBLAS uses one thread; several threads may be in it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = 0
        self._calls: tuple[Callable[[], int], Callable[[int], None]] | None = None
        self._known = False

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1 and (calls := self.calls()) is not None:
                get, put = calls
                self._before = get()
                put(1)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._calls is not None:
                self._calls[1](self._before)

    def calls(self) -> tuple[Callable[[], int], Callable[[int], None]] | None:
        """What gets the number of threads, and what sets it; None: NumPy has no OpenBLAS."""
        if not self._known:
            self._known, self._calls = True, _find()
        return self._calls

    def after_fork_in_child(self) -> None:
        """The threads that were in here stayed behind; the number is theirs until it is set."""
        self._lock = threading.Lock()
        if self._inside and self._calls is not None:
            self._calls[1](self._before)
        self._inside = 0


def _find() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    import ctypes  # few programs factorize

    from numpy.linalg import _umath_linalg

    try:
        library = ctypes.CDLL(_umath_linalg.__file__)  # and what it was linked with
    except OSError:
        return None
    for prefix in _PREFIXES:
        for suffix in _SUFFIXES:
            get = getattr(library, f"{prefix}_get_num_threads{suffix}", None)
            put = getattr(library, f"{prefix}_set_num_threads{suffix}", None)
            if get is not None and put is not None:
                get.restype, put.argtypes, put.restype = ctypes.c_int, [ctypes.c_int], None
                return get, put
    return None


one_thread = _OneThread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=one_thread.after_fork_in_child)


def threads() -> int | None:
    """How many threads OpenBLAS may use now; None: NumPy has another library."""
    calls = one_thread.calls()
    return None if calls is None else calls[0]()
