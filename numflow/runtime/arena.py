"""Memory: 64-byte aligned buffers, and results whose memory is used again when they die.

Fresh pages cost 3 ms per 64 MB (the system clears each one), more than most kernels that fill them.
So the memory of a large result comes back here when the array and all its views are gone, and goes
out again to the next result of about that size. Small results are plain NumPy arrays.
"""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from numflow.errors import ResourceExhaustedError, explain

if TYPE_CHECKING:
    import mmap

    import numpy.typing as npt

ALIGNMENT = 64
"""Bytes of a cache line, and of the widest vector."""

LARGE = 64 << 10
"""Results of so many bytes and more come from the pool: below, a fresh array is cheaper."""

KEPT_BYTES = 512 << 20
"""Freed memory that is kept for reuse, at most."""

_HUGE_PAGE = 2 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def aligned_empty(nbytes: int) -> npt.NDArray[np.uint8]:
    """nbytes bytes of uninitialised memory that start at a multiple of 64."""
    raw = np.empty(nbytes + ALIGNMENT, np.uint8)
    skip = -raw.ctypes.data % ALIGNMENT
    return raw[skip : skip + nbytes]


def aligned_array(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An uninitialised array of that shape and dtype that starts at a multiple of 64."""
    dtype = np.dtype(dtype)
    memory = aligned_empty(prod(shape) * dtype.itemsize)
    return memory.view(dtype).reshape(shape)


def aligned_copy(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A copy that starts at a multiple of 64, and that nobody else holds; objects are not moved."""
    if array.dtype == object:
        return np.array(array)
    copy = aligned_array(array.shape, array.dtype)
    copy[...] = array
    return copy


def result_array(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An uninitialised array for a result; what is large has pooled memory."""
    dtype = np.dtype(dtype)
    nbytes = prod(shape) * dtype.itemsize
    if nbytes < LARGE:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, buffer=_results.take(_capacity(nbytes)))


def result_maker(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Callable[[], npt.NDArray[Any]]:
    """result_array with its arguments fixed, for plans; a small result costs just np.empty."""
    dtype = np.dtype(dtype)
    nbytes = prod(shape) * dtype.itemsize
    if nbytes < LARGE:
        return functools.partial(np.empty, shape, dtype)
    size = _capacity(nbytes)
    return lambda: np.ndarray(shape, dtype, buffer=_results.take(size))


def kept_bytes() -> int:
    """Bytes of freed memory that wait for reuse."""
    return _results.kept()


def release() -> None:
    """Give the memory that waits for reuse back to the system."""
    _results.clear()


class ResultPool:
    """Freed memory by capacity, the least recently freed dropped first when there is too much.

    NumPy makes the base of a view the array that owns the memory, so the *lease* - an array over a
    block of mapped pages - lives exactly as long as some view does, and a weak reference to it
    tells when. That callback can run anywhere, within this class too: it never waits for the lock.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._returned: deque[mmap.mmap] = deque()
        self._free: OrderedDict[int, mmap.mmap] = OrderedDict()  # by number, oldest first
        self._by_size: dict[int, list[int]] = {}  # capacity -> numbers, newest last
        self._bytes = 0
        self._number = 0
        self._leases: dict[int, tuple[mmap.mmap, weakref.ref[Any]]] = {}

    def take(self, size: int) -> npt.NDArray[np.uint8]:
        """An array of size bytes (a capacity), aligned to a page."""
        with self._lock:
            self._sort_in()
            numbers = self._by_size.get(size)
            pages = self._remove(numbers[-1], newest=True) if numbers else None
        if pages is None:
            pages = _map(size)
        lease = np.frombuffer(pages, np.uint8)
        self._leases[id(pages)] = (
            pages,
            weakref.ref(lease, functools.partial(self._return, id(pages))),
        )
        return lease

    def _return(self, key: int, _: object) -> None:
        pages, _reference = self._leases.pop(key)
        self._returned.append(pages)
        if self._lock.acquire(blocking=False):
            try:
                self._sort_in()
            finally:
                self._lock.release()

    def kept(self) -> int:
        with self._lock:
            self._sort_in()
            return self._bytes

    def clear(self) -> None:
        with self._lock:
            self._returned.clear()
            self._free.clear()
            self._by_size.clear()
            self._bytes = 0

    def after_fork(self) -> None:
        self._lock = threading.Lock()  # another thread of the parent may have held it

    def _sort_in(self) -> None:
        while self._returned:
            try:
                pages = self._returned.popleft()
            except IndexError:
                break
            self._number += 1
            self._free[self._number] = pages
            self._by_size.setdefault(len(pages), []).append(self._number)
            self._bytes += len(pages)
        while self._bytes > self._limit:
            self._remove(next(iter(self._free)), newest=False)

    def _remove(self, number: int, *, newest: bool) -> mmap.mmap:
        pages = self._free.pop(number)
        numbers = self._by_size[len(pages)]
        numbers.pop(-1 if newest else 0)
        if not numbers:
            del self._by_size[len(pages)]
        self._bytes -= len(pages)
        return pages


def _capacity(nbytes: int) -> int:
    """nbytes rounded up to an eighth of a power of two and to pages, so that sizes meet."""
    step = max(_PAGE, 1 << max(0, nbytes.bit_length() - 4))
    return -(-nbytes // step) * step


def _map(size: int) -> mmap.mmap:
    import mmap  # a quarter of a millisecond of `import numflow`

    if not hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size)
    # The default, shared, would let a forked child write into the arrays of its parent.
    try:
        pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError:
        problem = f"not enough memory for a result of {size / 1e9:.1f} GB"
        raise ResourceExhaustedError(explain("function", problem)) from None
    if size >= 2 * _HUGE_PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
        try:
            pages.madvise(mmap.MADV_HUGEPAGE)  # a fault per 2 MB instead of one per 4 KB
        except OSError:
            pass  # a kernel built without them
    return pages


_results = ResultPool(KEPT_BYTES)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_results.after_fork)
