"""A checkpoint in several files: each writer makes one, the index is written last.

    shard-00001-of-00002.nfc    an NFC1 file; parts of tensors have `slice` and `full_shape`
    index.nfc                   no tensors; meta {kind: "index", shards: [[file name, size,
                                {name: [dtype, shape, extra]}], ...]}

The index is what makes the checkpoint count: a folder without it is none. Read checkpoint.py first.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np

from numflow.errors import NotFoundError, explain
from numflow.io.arrays import STRING, Array, addressable, stored_dtype
from numflow.io.checkpoint import Reader, save
from numflow.io.damage import Path, damaged
from numflow.io.header import Entry

INDEX = "index.nfc"


def shard_name(number: int, count: int) -> str:
    """The name of a writer's file; numbers begin at 1.

    Example:
      >>> shard_name(1, 4)
      'shard-00001-of-00004.nfc'
    """
    return f"shard-{number:05d}-of-{count:05d}.nfc"


def part_of(
    full_shape: Sequence[int], starts: Sequence[int], shape: Sequence[int]
) -> dict[str, Any]:
    """The `extra` of a part of a tensor, for `save`.

    Args:
      full_shape: of the whole tensor.
      starts, shape: where the part begins, and its sizes.
    """
    place = [[int(start), int(n)] for start, n in zip(starts, shape, strict=True)]
    return {"slice": place, "full_shape": [int(n) for n in full_shape]}


def commit(folder: Path, shards: Sequence[str], meta: Mapping[str, Any] | None = None) -> None:
    """Write the index, when all shards are in place.

    Args:
      shards: names of the files in folder.
      meta: what else to note.

    Raises:
      DataLossError: a shard is damaged.
    """
    rows = []
    for name in shards:
        path = os.path.join(folder, name)
        with Reader(path) as reader:
            held = {
                e.name: [e.dtype, list(e.shape), dict(e.extra)] for e in reader.entries.values()
            }
        rows.append([name, os.path.getsize(path), held])
    save(os.path.join(folder, INDEX), {}, {**(meta or {}), "kind": "index", "shards": rows})


class ShardedReader:
    """A checkpoint in several files, by its index; see io.checkpoint.Reader, whose names it has.

    Raises:
      NotFoundError: there is no index.
      DataLossError: the index is damaged, a shard is missing or has another length, the parts of a
        tensor overlap or leave holes.
    """

    def __init__(self, path: Path) -> None:
        self.path = os.fspath(path)
        with Reader(path) as index:
            self.meta = {k: v for k, v in index.meta.items() if k != "shards"}
            shards = index.meta.get("shards")
        self._readers: dict[str, Reader] = {}
        self._parts: dict[str, list[tuple[str, Entry]]] = {}  # (file, part) by name of a tensor
        if self.meta.get("kind") != "index" or not isinstance(shards, list):
            raise damaged(path, "this is no index")
        for row in shards:
            self._add(row)
        self.entries = {name: self._whole(name) for name in self._parts}

    def _add(self, row: Any) -> None:
        if not isinstance(row, list) or len(row) != 3 or not isinstance(row[2], dict):
            raise damaged(self.path, "an entry of the index is malformed")
        name, size, held = row
        if not isinstance(name, str) or os.path.basename(name) != name or "\\" in name or not name:
            raise damaged(self.path, f"the shard's name {name!r:.80} is no name of a file")
        if name in self._readers:
            raise damaged(self.path, f"the shard {name} occurs twice")
        path = os.path.join(os.path.dirname(self.path), name)
        try:
            self._readers[name] = reader = Reader(path)
        except NotFoundError:
            raise damaged(self.path, f"the shard {name} is missing") from None
        told = {e.name: [e.dtype, list(e.shape), dict(e.extra)] for e in reader.entries.values()}
        if size != os.path.getsize(path) or told != held:
            raise damaged(self.path, f"the shard {name} is not the one of the index")
        for entry in reader.entries.values():
            self._parts.setdefault(entry.name, []).append((name, entry))

    def _whole(self, name: str) -> Entry:
        """What the parts of a tensor say together."""
        first = self._parts[name][0][1]
        if "slice" not in first.extra:
            if len(self._parts[name]) > 1:
                raise damaged(self.path, f"the name {name!r} occurs in two shards")
            return first
        shape = first.extra.get("full_shape")
        if not _sizes(shape):
            raise damaged(self.path, f"{name!r} has a malformed full_shape")
        itemsize = 8 if first.dtype == STRING else stored_dtype(first.dtype).itemsize
        if len(shape) > 32 or not addressable(shape, itemsize):
            raise damaged(self.path, f"{name!r} has a shape larger than memory")
        for _, part in self._parts[name]:
            if part.dtype != first.dtype or part.extra.get("full_shape") != shape:
                raise damaged(self.path, f"the parts of {name!r} differ in dtype or full_shape")
            place = part.extra.get("slice")
            if not isinstance(place, list) or len(place) != len(shape) or not all(
                _sizes(p) and len(p) == 2 and p[0] + p[1] <= n
                for p, n in zip(place, shape, strict=True)
            ):  # fmt: skip
                raise damaged(self.path, f"a part of {name!r} has a malformed place")
            if [n for _, n in place] != list(part.shape):
                raise damaged(self.path, f"a part of {name!r} has another shape than its place")
        if sum(math.prod(part.shape) for _, part in self._parts[name]) != math.prod(shape):
            raise damaged(self.path, f"the parts of {name!r} overlap or leave holes")
        nbytes = sum(part.nbytes for _, part in self._parts[name])
        extra = {k: v for k, v in first.extra.items() if k not in ("slice", "full_shape")}
        return replace(first, shape=tuple(shape), nbytes=nbytes, extra=extra)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def entry(self, name: str) -> Entry:
        """What the files say of a tensor."""
        try:
            return self.entries[name]
        except KeyError:
            raise NotFoundError(
                explain("checkpoint", f"there is no tensor {name!r}", {"file": self.path})
            ) from None

    def get(self, name: str, verify: bool = True) -> Array:
        """A tensor: a view of the file if it is in one piece."""
        entry = self.entry(name)
        parts = self._parts[name]
        if "slice" not in parts[0][1].extra:
            return self._readers[parts[0][0]].get(name, verify)
        self._check_cover(name)
        kind = object if entry.dtype == STRING else stored_dtype(entry.dtype)
        whole: Array = np.empty(entry.shape, kind)
        for shard, part in parts:
            whole[_region(part)] = self._readers[shard].get(name, verify)
        return whole

    def verify(self, *names: str) -> None:
        """Compare the checksums of all parts, and that they fill the tensors."""
        held: dict[str, list[str]] = {}  # names by shard
        for name in names:
            self.entry(name)
            for shard, _ in self._parts[name]:
                held.setdefault(shard, []).append(name)
        for shard, parts in held.items():
            self._readers[shard].verify(*parts)
        for name in names:
            self._check_cover(name)

    def read_into(self, name: str, out: Array) -> None:
        """Copy a tensor that `verify` found sound into an array of its dtype and shape."""
        parts = self._parts[name]
        if "slice" not in parts[0][1].extra:
            self._readers[parts[0][0]].read_into(name, out)
            return
        for shard, part in parts:
            out[_region(part)] = self._readers[shard].get(name, verify=False)

    def _check_cover(self, name: str) -> None:
        """As many elements as the whole has, and none twice: then there are no holes."""
        parts = [part for _, part in self._parts[name]]
        if len(parts) < 2:
            return
        covered = np.zeros(self.entries[name].shape, bool)
        for part in parts:
            region = covered[_region(part)]
            if region.any():
                raise damaged(self.path, f"the parts of {name!r} overlap or leave holes")
            region[...] = True

    def close(self) -> None:
        """Close the files."""
        for reader in self._readers.values():
            reader.close()


def _region(part: Entry) -> tuple[slice, ...]:
    return tuple(slice(start, start + n) for start, n in part.extra["slice"])


def _sizes(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(n) is int and n >= 0 for n in value)
