"""Arrays that end at an unreadable page: a kernel that goes past the end dies at once."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import numpy as np

_libc = ctypes.CDLL(None, use_errno=True)


class Guarded:
    """A matrix `array` [rows, columns], row stride `ld`, that ends at an unreadable page.

    Everything in the pages before, the gaps between rows too, holds `fill` (`untouched` tells).
    """

    def __init__(self, shape: tuple[int, int], ld: int, dtype: Any, fill: float = np.nan) -> None:
        rows, columns = shape
        size = np.dtype(dtype).itemsize
        page = mmap.PAGESIZE
        count = (rows - 1) * ld + columns if rows * columns else 0
        readable = -(-max(count * size, 1) // page) * page
        self._memory = mmap.mmap(-1, readable + page)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._guard = ctypes.c_void_p(self._address + readable), page
        if _libc.mprotect(*self._guard, 0):
            raise OSError(ctypes.get_errno(), "mprotect")
        self._all = np.frombuffer(self._memory, dtype, readable // size)
        self._all[...] = fill
        self._fill = fill
        flat = self._all[self._all.size - count :]
        self.array = np.lib.stride_tricks.as_strided(flat, shape, (ld * size, size))
        self._places = (
            self._all.size - count + np.arange(rows)[:, None] * ld + np.arange(columns)
        ).ravel()

    @property
    def address(self) -> int:
        return int(self.array.ctypes.data)

    def untouched(self) -> bool:
        """Whether everything outside the matrix still holds `fill`."""
        outside = np.delete(self._all, self._places)
        return bool(
            np.isnan(outside).all() if np.isnan(self._fill) else (outside == self._fill).all()
        )

    def release(self) -> None:
        _libc.mprotect(*self._guard, mmap.PROT_READ | mmap.PROT_WRITE)
