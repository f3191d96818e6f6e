"""Cells: a row of words per variable, where compiled code finds its buffer, and the lock of it.

A program holds the address of the row, never that of the buffer: a variable may move to another one
between two calls. Words of a row:

    DATA    address of the buffer
    ARRAY   address of the ndarray that the variable holds
    OWNER   address of the ndarray that owns the memory (the same, or the base of it)
    LOCK    the thread that writes the variable, 0 if none
    FORM    counts the changes of its shape: a program is made for one
    WAITERS number of threads that wait for the lock: who comes later lets them go first
    WRITES  counts when the lock is taken and when it is freed: odd while somebody may write

Nobody else holds the buffer if ARRAY and OWNER are referred to once: programs look at the reference
counts before they write in place.

Who writes takes the lock: compiled programs take the word alone, Python code a `CellLock`. Several
are taken in order of their addresses. The thread that has a lock may take it again.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from numflow.runtime import arena

DATA, ARRAY, OWNER, LOCK, FORM, WAITERS, WRITES = range(7)
WORDS: Final = 8  # a row is a cache line

_ROWS = 512  # per block

Row = np.ndarray[Any, np.dtype[np.int64]]


class Cells:
    """Rows that never move while their variable lives."""

    def __init__(self) -> None:
        self._blocks: list[Row] = []
        self._free: list[Row] = []
        self._making = threading.Lock()

    def take(self) -> Row:
        """A row of zeros."""
        with self._making:
            if not self._free:
                block: Row = arena.aligned_array((_ROWS, WORDS), np.int64)
                block[:] = 0
                self._blocks.append(block)
                self._free = list(block)
            return self._free.pop()

    def give_back(self, row: Row) -> None:
        """Row is not used any more; runs wherever a variable dies, so it takes no lock."""
        row[:] = 0
        self._free.append(row)  # atomic

    def after_fork(self) -> None:
        """Only the thread that forked lives on: what another one had locked is free."""
        self._making = threading.Lock()
        for block in self._blocks:
            block[block[:, LOCK] != threading.get_ident(), LOCK] = 0
            free = block[:, LOCK] == 0
            block[free, WRITES] += block[free, WRITES] & 1
            block[:, WAITERS] = 0


cells = Cells()


# --- locks -------------------------------------------------------------------


class NativeLocks:
    """take(address of a row) waits, and says whether this thread did not have the lock yet."""

    __slots__ = ("free", "take")

    def __init__(self, take: Callable[[int], bool], free: Callable[[int], None]) -> None:
        self.take, self.free = take, free


_native: list[NativeLocks] = []
_locks: weakref.WeakSet[CellLock] = weakref.WeakSet()


def use_native(locks: NativeLocks) -> None:
    """From now on compiled programs contend for the word."""
    _native[:] = [locks]


def native_locks() -> NativeLocks:
    """What `use_native` was given."""
    return _native[0]


class CellLock:
    """The lock of one variable, for Python code: `with lock:`."""

    __slots__ = ("__weakref__", "_address", "_among_python", "_depth", "_owner", "_row", "_taken")

    def __init__(self, row: Row) -> None:
        self._row = row
        self._address = int(row.ctypes.data)
        self._among_python = threading.RLock()
        self._depth = self._owner = 0
        self._taken = False
        _locks.add(self)

    def __enter__(self) -> CellLock:
        self._among_python.acquire()
        if not self._depth:
            try:
                self._taken = self._take()
            except BaseException:  # a signal handler raised while this waited
                self._among_python.release()
                raise
            self._owner = threading.get_ident()
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth and self._taken:
            if _native:
                _native[0].free(self._address)
            else:
                self._row[WRITES] += 1
                self._row[LOCK] = 0
        self._among_python.release()

    def _take(self) -> bool:
        if _native:
            return _native[0].take(self._address)
        # No compiled program has run: whoever could write holds an RLock.
        self._row[LOCK] = threading.get_ident()
        self._row[WRITES] += 1
        return True

    def after_fork(self) -> None:
        """Forget a thread that is gone."""
        if self._owner != threading.get_ident():
            self._among_python = threading.RLock()
            self._depth, self._taken = 0, False


def _after_fork() -> None:
    cells.after_fork()
    for lock in list(_locks):
        lock.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
