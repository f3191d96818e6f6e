"""CRC-32C, the checksum of checkpoints, TFRecord files and event files.

google-crc32c computes it with the processor's own instruction and loads at the first checksum. It
takes bytes and contiguous arrays of bytes without a copy, and holds the GIL. For files that are
large there is a kernel of our own, which frees it and is as fast as memory.

Source: RFC 3720, appendix B.4; the mask is LevelDB's (`crc32c.h`), kept by TensorFlow's formats.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

_MASK = 0xA282EAD8


def crc32c(data: bytes | np.ndarray[Any, Any], before: int = 0) -> int:
    """The checksum of data, or of what had the checksum `before` followed by data.

    Args:
      data: bytes, or a contiguous array of uint8.
      before: the checksum of the bytes in front.

    Example:
      >>> hex(crc32c(b"123456789")), hex(crc32c(b"56789", before=crc32c(b"1234")))
      ('0xe3069283', '0xe3069283')
    """
    from google_crc32c import extend

    return int(extend(before, data))


Checksum = Callable[[np.ndarray[Any, Any], int], int]


@functools.cache
def unlocked() -> Checksum:
    """`crc32c` of contiguous arrays of uint8, for pieces of 100 KiB and more: without the GIL.

    It is compiled once per machine. Where the processor has no instruction for it, `crc32c`.
    """
    from numflow.kernels.abi import HEADER
    from numflow.kernels.cpu import crc32c as kernel

    if not kernel.supported():
        return crc32c
    words = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    run = ctypes.CFUNCTYPE(None, *words)(kernel.plan(1).address)

    def checksum(data: np.ndarray[Any, Any], before: int = 0) -> int:
        row = np.array([data.ctypes.data, data.nbytes, before], np.int64)
        block = np.array([*[0] * HEADER, row.ctypes.data], np.int64)
        run(block.ctypes.data, 0, 1)
        return int(row[2])

    return checksum


def masked(crc: int) -> int:
    """A checksum as TensorFlow's files store it: rotated and shifted, so that files of checksums
    do not check themselves.

    Example:
      >>> unmasked(masked(0x12345678)) == 0x12345678
      True
    """
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def unmasked(stored: int) -> int:
    """The checksum that `masked` stored."""
    rotated = (stored - _MASK) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF
