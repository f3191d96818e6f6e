"""safetensors files: read with the same suspicion as our own, and written.

    0      u64 LE N, length of the header
    8      N bytes of JSON: {name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
    8 + N  the tensors, one behind the other

There are no checksums and no alignment; the ranges must fill the file without holes.

Source: https://github.com/huggingface/safetensors, README, section "Format".
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

import numpy as np

from numflow.errors import DTypeError, NotFoundError, explain
from numflow.io.arrays import Array, addressable, from_bytes, stored_dtype, to_bytes
from numflow.io.checkpoint import Replacement
from numflow.io.damage import Path, damaged, unknown
from numflow.io.header import Entry

MAX_HEADER = 100_000_000  # the limit of the format's own library

_NAMES = {
    "BOOL": "bool", "I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64",
    "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64",
    "F16": "float16", "F32": "float32", "F64": "float64", "BF16": "bfloat16", "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2",
}  # fmt: skip
_CODES = {name: code for code, name in _NAMES.items()}


class SafetensorsReader:
    """A safetensors file, opened; see io.checkpoint.Reader, whose names it has.

    Raises:
      NotFoundError: there is no such file.
      DataLossError: the header is malformed or does not fit the file.
      UnimplementedError: a tensor has a dtype that NumPy lacks.
    """

    def __init__(self, path: Path) -> None:
        self.path = os.fspath(path)
        try:
            self._map = np.memmap(path, np.uint8, "r").view(np.ndarray)
        except (FileNotFoundError, IsADirectoryError):
            raise NotFoundError(
                explain("checkpoint", "there is no such file", {"file": self.path})
            ) from None
        except ValueError:
            raise damaged(path, "the file is empty") from None
        size = self._map.nbytes
        length = int.from_bytes(self._map[:8].tobytes(), "little")
        if size < 8 or length > min(MAX_HEADER, size - 8):
            raise damaged(path, "this is no safetensors file, or it is cut")
        text = self._map[8 : 8 + length].tobytes()
        if _memory(text) > 12 * size + (1 << 20):
            raise damaged(path, "the header would take many times the file's length in memory")
        try:
            head = json.loads(text, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as e:
            raise damaged(path, f"the header is malformed ({e!s:.80})") from None
        if not isinstance(head, dict):
            raise damaged(path, "the header is no map")
        self.meta: dict[str, Any] = head.pop("__metadata__", {})
        if not isinstance(self.meta, dict):
            raise damaged(path, "the header's metadata is no map")
        self.entries: Mapping[str, Entry] = self._parse(head, 8 + length, size)

    def _parse(self, head: dict[str, Any], start: int, size: int) -> dict[str, Entry]:
        entries = [self._entry(name, row, start) for name, row in head.items()]
        entries.sort(key=lambda e: (e.offset, e.nbytes))
        for entry in entries:
            if entry.offset != start:
                raise damaged(self.path, f"{entry.name!r} overlaps another tensor or leaves a hole")
            start += entry.nbytes
        if start != size:
            raise damaged(self.path, f"the file has {size} bytes, its header tells of {start}")
        return {entry.name: entry for entry in entries}

    def _entry(self, name: str, row: Any, start: int) -> Entry:
        row = row if isinstance(row, dict) else {}
        dtype, shape, place = row.get("dtype"), row.get("shape"), row.get("data_offsets")
        if not (isinstance(dtype, str) and _sizes(shape) and _sizes(place) and len(place) == 2):
            raise damaged(self.path, f"the entry of {name!r:.80} is malformed")
        if dtype not in _NAMES:
            raise unknown(self.path, f"{name!r} has the dtype {dtype:.20}, which NumPy lacks")
        itemsize, nbytes = stored_dtype(_NAMES[dtype]).itemsize, place[1] - place[0]
        if len(shape) > 32 or not addressable(shape, itemsize):
            raise damaged(self.path, f"{name!r} has a shape larger than memory")
        if nbytes != itemsize * math.prod(shape):
            raise damaged(self.path, f"{name!r} has {nbytes} bytes, its shape takes another number")
        return Entry(name, _NAMES[dtype], tuple(shape), start + place[0], nbytes, b"")

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def entry(self, name: str) -> Entry:
        """What the file says of a tensor."""
        try:
            return self.entries[name]
        except KeyError:
            raise NotFoundError(
                explain("checkpoint", f"there is no tensor {name!r}", {"file": self.path})
            ) from None

    def get(self, name: str, verify: bool = True) -> Array:
        """A tensor, as a read-only view of the mapped file."""
        entry = self.entry(name)
        data = self._map[entry.offset : entry.offset + entry.nbytes]
        try:
            return from_bytes(data, entry.dtype, entry.shape)
        except ValueError as e:
            raise damaged(self.path, f"{name!r}: {e}") from None

    def verify(self, *names: str) -> None:
        """Look at bools; there are no checksums."""
        for name in names:
            if self.entry(name).dtype == "bool":
                self.get(name)

    def read_into(self, name: str, out: Array) -> None:
        """Copy a tensor into an array of its dtype and shape."""
        out[...] = self.get(name)

    def close(self) -> None:
        """Nothing to do: the file is mapped, not open."""


def _memory(text: bytes) -> int:
    """About how many bytes the values of a JSON text take; 620 for the 52 of the shortest entry."""
    opened = text.count(b"[") + text.count(b"{")
    return 64 * opened + 30 * text.count(b'"') + 32 * text.count(b",")


def _sizes(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(n) is int and n >= 0 for n in value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def save_safetensors(
    path: Path, tensors: Mapping[str, Any], meta: Mapping[str, str] | None = None
) -> None:
    """Write tensors as a safetensors file, atomically.

    Args:
      tensors: arrays by name; no strings, no complex128.
      meta: text by text.

    Raises:
      DTypeError: the format has no such dtype.

    Example:
      >>> path = getfixture("tmp_path") / "a.safetensors"
      >>> save_safetensors(path, {"w": [1.0, 2.0]})
      >>> SafetensorsReader(path).get("w")
      array([1., 2.])
    """
    head: dict[str, Any] = {"__metadata__": dict(meta)} if meta else {}
    contents, end = [], 0
    for name, value in tensors.items():
        dtype, shape, data = to_bytes(value, name)
        if dtype not in _CODES:
            problem = f"safetensors files hold no {dtype}"
            raise DTypeError(explain("checkpoint", problem, {"name": name}))
        place = [end, end := end + data.nbytes]
        head[name] = {"dtype": _CODES[dtype], "shape": list(shape), "data_offsets": place}
        contents.append(data)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)  # so that the tensors are aligned
    with Replacement(path) as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for data in contents:
            file.write(data.data)
