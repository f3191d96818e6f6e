"""Messages of protobuf, field by field: every length is compared with the bytes that are there.

Enough to read what TensorFlow wrote, without generated code and without descriptors.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, of at most 64 bits, and the place behind it.

    Raises:
      ValueError: data ends before, or the number is longer.

    Example:
      >>> varint(bytes([0xAC, 0x02]), 0)
      (300, 2)
    """
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("a number is cut")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if value >> 64:
                break
            return value, at
    raise ValueError("a number has more than 64 bits")


def signed(value: int) -> int:
    """The signed number that a varint of 64 bits stands for."""
    return value - (1 << 64) if value >> 63 else value


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field: bytes where the length is told, an int otherwise.

    Raises:
      ValueError: the message is cut or has a field of an unknown kind.
    """
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        kind = key & 7
        if kind == VARINT:
            value: int | bytes
            value, at = varint(message, at)
        else:
            if kind == BYTES:
                length, at = varint(message, at)
            elif kind in (FIXED32, FIXED64):
                length = 4 if kind == FIXED32 else 8
            else:
                raise ValueError(f"a field has the unknown kind {kind}")
            if length > len(message) - at:
                raise ValueError("a message is cut")
            value = message[at : at + length]
            at += length
            if kind != BYTES:
                value = int.from_bytes(value, "little")
        yield key >> 3, value


class Message:
    """The fields of a message by number; the last of a repeated one wins where one is asked for."""

    def __init__(self, data: bytes) -> None:
        self._fields: dict[int, list[int | bytes]] = {}
        for number, value in fields(data):
            self._fields.setdefault(number, []).append(value)

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    def number(self, field: int) -> int:
        """An unsigned number, 0 by default."""
        value = self._fields.get(field, [0])[-1]
        if not isinstance(value, int):
            raise ValueError("a number was expected")
        return value

    def text(self, field: int) -> bytes:
        """Bytes, none by default."""
        value = self._fields.get(field, [b""])[-1]
        if not isinstance(value, bytes):
            raise ValueError("bytes were expected")
        return value

    def values(self, field: int) -> list[int | bytes]:
        """Each repetition, as it was written."""
        return list(self._fields.get(field, []))

    def texts(self, field: int) -> list[bytes]:
        """The bytes of each repetition."""
        values = self._fields.get(field, [])
        found = [value for value in values if isinstance(value, bytes)]
        if len(found) != len(values):
            raise ValueError("bytes were expected")
        return found

    def messages(self, field: int) -> list[Message]:
        """The messages of each repetition."""
        return [Message(value) for value in self.texts(field)]

    def numbers(self, field: int) -> np.ndarray[Any, Any]:
        """uint64 [numbers] of a repeated field, packed or not."""
        found = [
            packed_varints(value) if isinstance(value, bytes) else np.array([value], np.uint64)
            for value in self._fields.get(field, [])
        ]
        return np.concatenate(found) if found else np.zeros(0, np.uint64)


_PIECE = 1 << 16  # decoded at once: what is needed meanwhile is 40 times as large


def packed_varints(data: bytes) -> np.ndarray[Any, Any]:
    """uint64 [numbers], of numbers one behind the other.

    Raises:
      ValueError: the last is cut, or one is longer than 64 bits.

    Example:
      >>> packed_varints(bytes([1, 0xAC, 0x02, 0])).tolist()
      [1, 300, 0]
    """
    found, at = [], 0
    while at < len(data):
        piece = np.frombuffer(data, np.uint8, min(_PIECE, len(data) - at), at)
        ends = np.flatnonzero(piece < 128)
        if not len(ends):
            raise ValueError("a number is cut")
        starts = np.concatenate([[0], ends[:-1] + 1])
        lengths = ends - starts + 1
        if lengths.max() > 10 or (piece[ends[lengths == 10]] > 1).any():
            raise ValueError("a number has more than 64 bits")
        numbers = np.zeros(len(ends), np.uint64)
        for k in range(int(lengths.max())):
            longer = lengths > k
            digits = (piece[starts[longer] + k] & 127).astype(np.uint64)
            numbers[longer] |= digits << np.uint64(7 * k)
        found.append(numbers)
        at += int(ends[-1]) + 1
    return np.concatenate(found) if found else np.zeros(0, np.uint64)
