"""What the head of an NFC1 file may say: parsed and checked before a byte behind it is used.

    requires  [str]  features that a reader must know        meta   map, free
    align     64     chunk  bytes per checksum               end    length of the file
    tensors   [[name, dtype, shape, offset, nbytes, checksums, extra], ...]

The format, with test vectors, is described in checkpoint.py.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numflow.io.arrays import DTYPES, STRING, addressable, stored_dtype
from numflow.io.damage import Path, damaged, unknown

ALIGN = 64
CHUNK = 16 << 20
FEATURES = frozenset(["strings", "slices"])
_U64 = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor of a file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    nbytes: int
    checksums: bytes  # uint32 LE per chunk
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Header:
    """The head of a file, checked."""

    meta: dict[str, Any]
    chunk: int
    entries: dict[str, Entry]


def pack_header(
    requires: list[str], meta: Mapping[str, Any], end: int, entries: list[Entry]
) -> bytes:
    """The msgpack map; its length does not depend on the offsets, checksums and end in it."""
    import msgpack

    tensors = [
        [e.name, e.dtype, list(e.shape), _U64.pack(e.offset), e.nbytes, e.checksums, dict(e.extra)]
        for e in entries
    ]
    head = {"requires": requires, "meta": dict(meta), "align": ALIGN, "chunk": CHUNK}
    return bytes(msgpack.packb(head | {"end": _U64.pack(end), "tensors": tensors}))


def parse_header(body: bytes, path: Path, size: int) -> Header:
    """The head of a file of `size` bytes.

    Raises:
      DataLossError: it does not fit the file or itself.
      UnimplementedError: it needs a feature from the future.
    """
    head = _unpack(body, path, size)
    missing = {"requires", "meta", "align", "chunk", "end", "tensors"} - set(head)
    if missing:
        raise damaged(path, f"the header lacks {', '.join(sorted(missing))}")
    requires, meta, tensors = head["requires"], head["meta"], head["tensors"]
    if not isinstance(requires, list) or not all(isinstance(name, str) for name in requires):
        raise damaged(path, "the header's list of required features is malformed")
    strange = sorted(set(requires) - FEATURES)
    if strange:
        raise unknown(path, f"the file needs {', '.join(strange)}, which this numflow lacks")
    if not isinstance(meta, dict) or not isinstance(tensors, list):
        raise damaged(path, "the header is malformed")
    chunk, end = head["chunk"], head["end"]
    if head["align"] != ALIGN or type(chunk) is not int or chunk < 1:
        raise damaged(path, "the header's alignment or chunk size is out of range")
    if not isinstance(end, bytes) or len(end) != 8 or _U64.unpack(end)[0] != size:
        raise damaged(path, f"the file has {size} bytes, not as many as its header says")
    entries: dict[str, Entry] = {}
    free = 24 + len(body)  # where the next tensor may begin
    for row in tensors:
        entry = _entry(row, path, chunk)
        if entry.name in entries:
            raise damaged(path, f"the name {entry.name!r} occurs twice")
        if entry.offset % ALIGN or entry.offset < free or entry.offset + entry.nbytes > size:
            raise damaged(path, f"{entry.name!r} lies outside of the file or over another tensor")
        entries[entry.name] = entry
        free = entry.offset + entry.nbytes
    return Header(meta, chunk, entries)


def _entry(row: Any, path: Path, chunk: int) -> Entry:
    if not isinstance(row, list) or len(row) != 7 or not isinstance(row[0], str):
        raise damaged(path, "an entry of the header is malformed")
    name, dtype, shape, offset, nbytes, checksums, extra = row
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise damaged(path, f"{name!r} has the unknown dtype {dtype!r:.40}")
    if not isinstance(shape, list) or len(shape) > 32:
        raise damaged(path, f"{name!r} has a malformed shape")
    if any(type(n) is not int or n < 0 for n in shape):
        raise damaged(path, f"{name!r} has a dimension that is no size")
    itemsize = 8 if dtype == STRING else stored_dtype(dtype).itemsize
    if not addressable(shape, itemsize):
        raise damaged(path, f"{name!r} has a shape larger than memory: {shape}")
    if type(nbytes) is not int or not isinstance(offset, bytes) or len(offset) != 8:
        raise damaged(path, f"{name!r} has a malformed place")
    least = itemsize * math.prod(shape)
    if nbytes < least or (nbytes > least and (dtype != STRING or not least)):
        raise damaged(path, f"{name!r} has {nbytes} bytes, its shape takes {least}")
    if not isinstance(checksums, bytes) or len(checksums) != 4 * -(-nbytes // chunk):
        raise damaged(path, f"{name!r} has a wrong number of checksums")
    if not isinstance(extra, dict) or not _names(extra.get("alias", [])):
        raise damaged(path, f"{name!r} has malformed extras")
    return Entry(name, dtype, tuple(shape), _U64.unpack(offset)[0], nbytes, checksums, extra)


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


# --- msgpack -----------------------------------------------------------------


def _unpack(body: bytes, path: Path, size: int) -> dict[str, Any]:
    import msgpack

    if len(body) > _SMALL and _objects(body) * _OBJECT > _SMALL * _OBJECT + _TIMES * size:
        raise damaged(path, "the header would take many times the file's length in memory")
    try:
        head = msgpack.unpackb(body, object_pairs_hook=_unique, strict_map_key=True, raw=False)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as e:
        raise damaged(path, f"the header is malformed ({type(e).__name__}: {e!s:.80})") from None
    if not isinstance(head, dict):
        raise damaged(path, "the header is no map")
    return head


def _unique(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs) or not all(isinstance(key, str) for key in found):
        raise ValueError("a key occurs twice or is no text")
    return found


_OBJECT = 72  # bytes of an empty dict and the reference to it, which one byte of msgpack makes
_SMALL = 1 << 16  # so many objects are harmless
_TIMES = 24  # the shortest honest entry makes 7 objects of 27 bytes: 19 times as long in memory


def _objects(body: bytes) -> int:
    """How many values that take memory of their own a decoder would make of body.

    msgpack is a sequence of tokens, so no nesting has to be followed: one step per token.
    """
    i = count = 0
    while i < len(body):
        fixed, width, made = _TOKENS[body[i]]
        i += 1
        if width:
            fixed += int.from_bytes(body[i : i + width], "big")
        i += width + fixed
        count += made
    return count


def _token(first: int) -> tuple[int, int, int]:
    """(bytes behind it, width of a length field in front of more, whether it takes memory)."""
    if first < 0x80 or first >= 0xE0 or 0xC0 <= first <= 0xC3:
        return 0, 0, 0  # small numbers, nil, false, true: Python has them already
    if first < 0xA0:
        return 0, 0, 1  # map, array
    if first < 0xC0:
        return first & 31, 0, 1  # str
    return {
        0xC4: (0, 1, 1), 0xC5: (0, 2, 1), 0xC6: (0, 4, 1),  # bin
        0xC7: (1, 1, 1), 0xC8: (1, 2, 1), 0xC9: (1, 4, 1),  # ext
        0xCA: (4, 0, 1), 0xCB: (8, 0, 1),  # float
        0xCC: (1, 0, 1), 0xCD: (2, 0, 1), 0xCE: (4, 0, 1), 0xCF: (8, 0, 1),  # uint
        0xD0: (1, 0, 1), 0xD1: (2, 0, 1), 0xD2: (4, 0, 1), 0xD3: (8, 0, 1),  # int
        0xD4: (2, 0, 1), 0xD5: (3, 0, 1), 0xD6: (5, 0, 1), 0xD7: (9, 0, 1), 0xD8: (17, 0, 1),
        0xD9: (0, 1, 1), 0xDA: (0, 2, 1), 0xDB: (0, 4, 1),  # str
        0xDC: (2, 0, 1), 0xDD: (4, 0, 1), 0xDE: (2, 0, 1), 0xDF: (4, 0, 1),  # array, map
    }[first]  # fmt: skip


_TOKENS = [_token(first) for first in range(256)]
