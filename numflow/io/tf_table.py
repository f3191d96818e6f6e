"""The sorted table of keys and values that TensorFlow's checkpoints are made of: LevelDB's.

    block     entries, u32 restarts [n], u32 n; one byte: 0, for plain; u32 masked crc32c
    entry     varints shared, unshared, length; the rest of the key; the value
    footer    48 bytes: place of the metaindex, place of the index, zeros, u64 magic
    index     a block whose values are places of blocks: varints offset, size

Source: https://github.com/google/leveldb/blob/main/doc/table_format.md
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from numflow.io.arrays import Array
from numflow.io.crc32c import crc32c, unmasked
from numflow.io.damage import Path, damaged, unknown
from numflow.io.protobuf import varint

MAGIC = 0xDB4775248B80FB57
_FOOTER = 48


def is_table(path: Path) -> bool:
    """Whether a file ends as a table does."""
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        return size >= _FOOTER and file.read() == struct.pack("<Q", MAGIC)


def read_table(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a table, in order.

    Raises:
      DataLossError: the file is damaged.
    """
    try:
        data = np.memmap(path, np.uint8, "r").view(np.ndarray)
        if data.nbytes < _FOOTER:
            raise ValueError("the file is cut")
        footer = data[-_FOOTER:].tobytes()
        if struct.unpack("<Q", footer[-8:])[0] != MAGIC:
            raise ValueError("this is no table of TensorFlow, or it is cut")
        _, at = _place(footer, 0)
        index, _ = _place(footer, at)
        last = -1
        for _, value in _entries(_block(data, *index)):
            place, _ = _place(value, 0)
            if place[0] <= last:
                raise ValueError("blocks are not in order")  # nor is a block read a million times
            last = place[0]
            yield from _entries(_block(data, *place))
    except _Packed:
        raise unknown(path, "the table is packed with snappy, which TensorFlow never did") from None
    except ValueError as e:
        raise damaged(path, str(e)) from None


class _Packed(Exception):
    """A block is compressed."""


def _place(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return (offset, size), at


def _block(data: Array, offset: int, size: int) -> bytes:
    if offset + size + 5 > data.nbytes:
        raise ValueError("a block lies outside of the file")
    raw = data[offset : offset + size + 5].tobytes()
    if crc32c(raw[: size + 1]) != unmasked(struct.unpack("<I", raw[size + 1 :])[0]):
        raise ValueError(f"the checksum of the block at byte {offset} is wrong")
    if raw[size]:
        raise _Packed
    return raw[:size]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(block) < 4:
        raise ValueError("a block is cut")
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    if end < 0:
        raise ValueError("a block is cut")
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        unshared, at = varint(block, at)
        length, at = varint(block, at)
        if shared > len(key) or unshared + length > end - at:
            raise ValueError("an entry lies outside of its block")
        key = key[:shared] + block[at : at + unshared]
        at += unshared
        yield key, block[at : at + length]
        at += length
