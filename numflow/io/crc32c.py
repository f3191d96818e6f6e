"""CRC-32C, the checksum of checkpoints, TFRecord files and event files.

google-crc32c computes it with the processor's own instruction (15 GB/s) and loads at the first
checksum. It takes bytes and contiguous arrays of bytes without a copy.

Source: RFC 3720, appendix B.4; the mask is LevelDB's (`crc32c.h`), kept by TensorFlow's formats.
"""

from __future__ import annotations

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
