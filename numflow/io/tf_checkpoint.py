"""TensorFlow's checkpoints, read without TensorFlow: V2 (`.index` and `.data-*`), V1 (one file).

V2 is a table (tf_table.py) of places in data files:

    ""           BundleHeaderProto    1 number of data files, 2 endianness
    name         BundleEntryProto     1 dtype, 2 shape, 3 data file, 4 offset, 5 size, 6 crc32c,
                                      7 slices: the tensor is stored in parts
    code(part)   BundleEntryProto     of one part; the key is OrderedCode(0, name, rank, extents)

V1 is a table whose values carry the data:

    ""           SavedTensorSlices    1.1 the tensors: 1 name, 2 shape, 3 dtype, 4 slices
    code(part)   SavedTensorSlices    2 one part: 1 name, 2 slice, 3 TensorProto

Source: tensorflow/core/protobuf/tensor_bundle.proto, saved_tensor_slice.proto,
core/framework/{tensor,tensor_shape,tensor_slice}.proto, core/lib/strings/ordered_code.h.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from numflow.errors import NotFoundError, explain
from numflow.io.arrays import (
    STRING,
    Array,
    addressable,
    check_bools,
    from_bytes,
    stored_dtype,
)
from numflow.io.crc32c import crc32c, masked, unmasked
from numflow.io.damage import Path, damaged, unknown
from numflow.io.header import Entry
from numflow.io.protobuf import Message, signed, varint
from numflow.io.tf_table import is_table, read_table

_DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: STRING,
    8: "complex64", 9: "int64", 10: "bool", 14: "bfloat16", 17: "uint16", 18: "complex128",
    19: "float16", 22: "uint32", 23: "uint64", 24: "float8_e5m2", 25: "float8_e4m3fn",
}  # fmt: skip

Extents = tuple[tuple[int, int], ...]  # (start, length) per axis; length -1: the whole axis


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a V2 tensor, or a part of one, lies."""

    entry: Entry
    shard: int
    checksum: int
    parts: tuple[Extents, ...]


class TFReader:
    """What V1 and V2 share; abstract. See io.checkpoint.Reader, whose names it has."""

    path: str
    entries: dict[str, Entry]
    meta: dict[str, Any]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def entry(self, name: str) -> Entry:
        """What the file says of a tensor.

        Raises:
          NotFoundError: there is none of this name.
          UnimplementedError: it has a dtype that only TensorFlow knows.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise NotFoundError(
                explain("checkpoint", f"there is no tensor {name!r}", {"file": self.path})
            )
        if entry.dtype not in _DTYPES.values():
            raise unknown(self.path, f"{name!r} has {entry.dtype}, which numflow lacks")
        return entry

    def get(self, name: str, verify: bool = True) -> Array:
        """A tensor.

        Raises:
          DataLossError: it is damaged.
        """
        entry = self.entry(name)
        try:
            return self._get(entry, verify)
        except (ValueError, OverflowError) as e:
            raise damaged(self.path, f"{name!r}: {e}") from None

    def _get(self, entry: Entry, verify: bool) -> Array:
        raise NotImplementedError  # abstract

    def verify(self, *names: str) -> None:
        """Compare the checksums of tensors."""
        for name in names:
            self.get(name)

    def read_into(self, name: str, out: Array) -> None:
        """Copy a tensor into an array of its dtype and shape."""
        out[...] = self.get(name, verify=False)

    def close(self) -> None:
        """Nothing to do: files are mapped, not open."""


def open_tf(path: Path) -> TFReader:
    """A checkpoint of either version.

    Args:
      path: the prefix of a V2 checkpoint (what TensorFlow calls its path), or a V1 file.

    Raises:
      NotFoundError: there is neither.
      DataLossError: the file is damaged.
      UnimplementedError: it was written on a big-endian machine.
    """
    path = os.fspath(path)
    if os.path.isfile(path + ".index"):
        return TFReaderV2(path)
    if os.path.isfile(path) and is_table(path):
        return TFReaderV1(path)
    raise NotFoundError(explain("checkpoint", "there is no such checkpoint", {"file": path}))


# --- V2 ----------------------------------------------------------------------


class TFReaderV2(TFReader):
    """A V2 checkpoint, by its prefix."""

    def __init__(self, path: Path) -> None:
        self.path = os.fspath(path)
        self.meta = {}
        self._maps: dict[int, Array] = {}
        self._shards = -1
        self._places: dict[bytes, _Place] = {}
        for key, value in read_table(self.path + ".index"):
            try:
                if self._shards < 0:
                    self._read_header(key, Message(value))
                else:
                    self._places[key] = _place(key, Message(value), self.path)
            except ValueError as e:
                raise damaged(self.path + ".index", f"{key!r:.80}: {e}") from None
        if self._shards < 0:
            raise damaged(self.path + ".index", "there is no header")
        self.entries = {
            place.entry.name: place.entry
            for key, place in self._places.items()
            if not key.startswith(b"\0")  # parts
        }

    def _read_header(self, key: bytes, header: Message) -> None:
        if key:
            raise ValueError("the header is not in front")
        if header.number(2):
            raise unknown(self.path, "the checkpoint was written on a big-endian machine")
        self._shards = header.number(1)

    def _get(self, entry: Entry, verify: bool) -> Array:
        place = self._places[entry.name.encode()]
        if not place.parts:
            return self._whole(place, verify)
        names = [part_key(entry.name, part) for part in place.parts]
        if any(name not in self._places for name in names):
            raise ValueError("a part is missing")
        pieces = [partial(self._whole, self._places[name], verify) for name in names]
        for name in names:
            if self._places[name].entry.dtype != entry.dtype:
                raise ValueError("a part has another dtype")
        held = sum(self._places[name].entry.nbytes for name in names)
        return _assembled(entry, place.parts, pieces, held)

    def _whole(self, place: _Place, verify: bool) -> Array:
        entry = place.entry
        file = self._map(place.shard)
        if entry.offset + entry.nbytes > file.nbytes:
            raise ValueError(f"it lies beyond the end of data file {place.shard}")
        data = file[entry.offset : entry.offset + entry.nbytes]
        if entry.dtype == STRING:
            return _strings(data, math.prod(entry.shape), place.checksum).reshape(entry.shape)
        if entry.nbytes != stored_dtype(entry.dtype).itemsize * math.prod(entry.shape):
            raise ValueError(f"it has {entry.nbytes} bytes, which do not fit its shape")
        if verify and crc32c(data) != place.checksum:
            raise ValueError("the checksum is wrong")
        return from_bytes(data, entry.dtype, entry.shape)

    def _map(self, shard: int) -> Array:
        if shard not in self._maps:
            if shard >= self._shards:
                raise ValueError(f"there is no data file {shard} of {self._shards}")
            path = f"{self.path}.data-{shard:05d}-of-{self._shards:05d}"
            try:
                size = os.path.getsize(path)
                self._maps[shard] = (
                    np.memmap(path, np.uint8, "r").view(np.ndarray) if size else _NOTHING
                )
            except FileNotFoundError:
                raise ValueError(f"the data file {os.path.basename(path)} is missing") from None
        return self._maps[shard]


_NOTHING = np.zeros(0, np.uint8)


def _place(key: bytes, message: Message, path: str) -> _Place:
    dtype, shape = _kind(message.number(1)), _shape(message.text(2))
    _check_shape(shape, dtype)
    name = "" if key.startswith(b"\0") else key.decode()
    offset, size = message.number(4), message.number(5)
    if max(offset, size) >= 1 << 62:
        raise ValueError("its place is out of range")
    entry = Entry(name, dtype, shape, offset, size, b"")
    parts = tuple(_extents(part, len(shape)) for part in message.messages(7))
    return _Place(entry, message.number(3), unmasked(message.number(6)), parts)


def _strings(data: Array, count: int, checksum: int) -> Array:
    """varint lengths [count], their masked crc32c, then the bytes.

    The checksum is of the lengths as uint32 (uint64 where they need it), of that crc and the bytes.
    """
    raw = data.tobytes()
    if count > len(raw):
        raise ValueError("there are fewer bytes than strings")
    lengths, at = np.empty(count, np.uint64), 0
    for i in range(count):
        lengths[i], at = varint(raw, at)
    if int(lengths.max(initial=0)) > len(raw) or int(lengths.sum()) + at + 4 != len(raw):
        raise ValueError("the lengths of the strings do not fit their bytes")
    crc = crc32c(lengths.astype("<u4").view(np.uint8)) if count else 0
    if int.from_bytes(raw[at : at + 4], "little") != masked(crc):
        raise ValueError("the checksum of the strings' lengths is wrong")
    if crc32c(raw[at:], crc) != checksum:
        raise ValueError("the checksum is wrong")
    strings, at = np.empty(count, object), at + 4
    for i, length in enumerate(lengths.tolist()):
        strings[i] = raw[at : at + length]
        at += length
    return strings


# --- V1 ----------------------------------------------------------------------


class TFReaderV1(TFReader):
    """A V1 checkpoint, one file; its parts are decoded when asked for."""

    def __init__(self, path: Path) -> None:
        self.path = os.fspath(path)
        self.meta, self.entries = {}, {}
        self._parts: dict[str, tuple[Extents, ...]] = {}
        self._data: dict[bytes, bytes] = {}
        for key, value in read_table(path):
            try:
                if key:
                    self._data[key] = value
                    continue
                for header in Message(value).messages(1):
                    for tensor in header.messages(1):
                        self._add(tensor)
            except ValueError as e:
                raise damaged(path, f"{key!r:.80}: {e}") from None

    def _add(self, tensor: Message) -> None:
        name, dtype, shape = tensor.text(1).decode(), _kind(tensor.number(3)), tensor.text(2)
        sizes = _shape(shape)
        _check_shape(sizes, dtype)
        self.entries[name] = Entry(name, dtype, sizes, 0, 0, b"")
        self._parts[name] = tuple(_extents(part, len(sizes)) for part in tensor.messages(4))

    def _get(self, entry: Entry, verify: bool) -> Array:
        parts = self._parts[entry.name]
        names = [part_key(entry.name, part) for part in parts]
        if any(name not in self._data for name in names):
            raise ValueError("a part is missing")
        data = [self._data[name] for name in names]
        pieces = [partial(_decoded, piece, entry.dtype) for piece in data]
        return _assembled(entry, parts, pieces, sum(map(len, data)))


def _decoded(data: bytes, dtype: str) -> Array:
    """The elements of one part, flat."""
    proto = Message(Message(Message(data).text(2)).text(3))
    content = proto.text(4)
    if content:
        return from_bytes(np.frombuffer(content, np.uint8), dtype, _flat(content, dtype))
    if dtype == STRING:
        texts = proto.texts(8)
        strings = np.empty(len(texts), object)
        strings[:] = texts
        return strings
    if dtype in _FLOATS:
        field, kind = _FLOATS[dtype]
        packed = proto.text(field)
        if len(packed) % np.dtype(kind).itemsize:
            raise ValueError("a number is cut")
        return np.frombuffer(packed, kind)
    numbers = proto.numbers(_INTEGERS[dtype])
    if dtype == "bool":
        check_bools(numbers)
    if dtype in ("float16", "bfloat16"):
        return numbers.astype(np.uint16).view(stored_dtype(dtype))
    return numbers.astype(stored_dtype(dtype))  # the low bits: negative numbers come right


def _flat(content: bytes, dtype: str) -> tuple[int]:
    return (len(content) // stored_dtype(dtype).itemsize,)


# Fields of TensorProto.
_FLOATS = {
    "float32": (5, "<f4"), "float64": (6, "<f8"),
    "complex64": (9, "<c8"), "complex128": (12, "<c16"),
}  # fmt: skip
_INTEGERS = {
    "int32": 7, "int16": 7, "uint16": 7, "int8": 7, "uint8": 7, "int64": 10, "bool": 11,
    "float16": 13, "bfloat16": 13, "uint32": 16, "uint64": 17,
}  # fmt: skip


# --- shapes and parts --------------------------------------------------------


def _kind(number: int) -> str:
    return _DTYPES.get(number, f"TensorFlow's dtype {number}")


def _shape(data: bytes) -> tuple[int, ...]:
    return tuple(signed(dim.number(1)) for dim in Message(data).messages(2))


def _check_shape(shape: tuple[int, ...], dtype: str) -> None:
    itemsize = stored_dtype(dtype).itemsize if dtype in _DTYPES.values() else 1
    if len(shape) > 32 or min(shape, default=0) < 0 or not addressable(shape, itemsize):
        raise ValueError("its shape is out of range")


def _extents(part: Message, rank: int) -> Extents:
    """(start, length) per axis of a TensorSliceProto."""
    extents = [(e.number(1), e.number(2) if 2 in e else -1) for e in part.messages(1)]
    if len(extents) != rank:
        raise ValueError("a part has another rank than its tensor")
    return tuple(extents)


def _assembled(entry: Entry, parts: Iterable[Extents], pieces: Iterable[Any], held: int) -> Array:
    """A tensor from its parts, which are to fill it: checked before memory is taken."""
    regions, count = [], 0
    for part in parts:
        spans = [
            (0, size) if length == -1 else (start, start + length)
            for (start, length), size in zip(part, entry.shape, strict=True)
        ]
        if any(b > size or b < a for (a, b), size in zip(spans, entry.shape, strict=True)):
            raise ValueError("a part lies outside of its tensor")
        regions.append(tuple(slice(a, b) for a, b in spans))
        count += math.prod(b - a for a, b in spans)
    if count != math.prod(entry.shape):
        raise ValueError("its parts do not fill it")
    if count > held:
        raise ValueError("its parts have fewer bytes than elements")
    dtype = object if entry.dtype == STRING else stored_dtype(entry.dtype)
    whole = np.zeros(entry.shape, dtype)
    for region, piece in zip(regions, pieces, strict=True):
        values, target = piece(), whole[region]
        if values.size != target.size:
            raise ValueError(f"a part has {values.size} elements, its place {target.size}")
        whole[region] = values.reshape(target.shape)
    return whole


def part_key(name: str, part: Extents) -> bytes:
    """The key of a part: OrderedCode of 0, name, rank, and start and length of each axis.

    Example:
      >>> part_key("part", ((0, 3), (0, -1)))
      b'\\x00part\\x00\\x01\\x01\\x02\\x80\\x83\\x80\\x7f'
    """
    text = name.encode().replace(b"\0", b"\0\xff")  # 0xff itself is never in UTF-8
    numbers = b"".join(_ordered(n) for extent in part for n in extent)
    rank = bytes([1, len(part)]) if part else b"\0"
    return b"\0" + text + b"\0\x01" + rank + numbers


def _ordered(value: int) -> bytes:
    """A signed number in OrderedCode: n bytes, whose first n bits tell n and the sign."""
    magnitude = ~value if value < 0 else value
    for n in range(1, 9):
        if magnitude < 1 << (7 * n - 1):
            mark = (0xFF00 >> n & 0xFF) << 8 * (n - 1)
            return ((value & ((1 << 8 * n) - 1)) ^ mark).to_bytes(n, "big")
    raise ValueError("a part lies outside of its tensor")
