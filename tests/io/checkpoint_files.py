"""Checkpoints for tests: of all dtypes, and forged ones, whose checksums are right."""

import struct
from pathlib import Path
from typing import Any

import ml_dtypes
import msgpack
import numpy as np

from numflow.io.checkpoint import MAGIC, Reader
from numflow.io.crc32c import crc32c


def tensors() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "w": rng.normal(size=(7, 3)).astype("f4"),
        "big_endian": np.arange(5, dtype=">i4"),
        "b": rng.normal(size=7).astype(ml_dtypes.bfloat16),
        "tiny": rng.normal(size=3).astype(ml_dtypes.float8_e4m3fn),
        "empty": np.zeros((0, 3)),
        "no strings": np.array([], object),
        "scalar": np.float64(2.5),
        "s": np.array([["a", "bb"], ["", "κόσμε"]], object),
        "one": "x",
        "flag": np.array([True, False]),
        "c": np.array([1 + 2j]),
        "h": np.arange(9, dtype="f2")[::2],
        "u": np.array([2**64 - 1], np.uint64),
    }


def contents(path: Path) -> dict[str, Any]:
    with Reader(path) as reader:
        return {
            name: (a.shape, str(a.dtype), a.tolist() if a.dtype == object else a.tobytes())
            for name, a in ((name, reader.get(name)) for name in reader)
        }


def forge(
    path: Path, entries: list[Any] | None = None, body: bytes | None = None, **head: Any
) -> None:
    """A file of 1024 bytes whose checksums are right and whose header says anything."""
    if body is None:
        head = {
            "requires": [], "meta": {}, "align": 64, "chunk": 1 << 24,
            "end": struct.pack("<Q", 1024), "tensors": entries or [], **head,
        }  # fmt: skip
        body = msgpack.packb({k: v for k, v in head.items() if v is not None})
    length = struct.pack("<Q", len(body))
    data = MAGIC + struct.pack("<II", 1, crc32c(length + body)) + length + body
    path.write_bytes(data.ljust(1024, b"\0"))


def row(
    name: Any = "a",
    dtype: Any = "uint8",
    shape: Any = (64,),
    offset: Any = 512,
    nbytes: Any = 64,
    checksums: Any = bytes(4),
    extra: Any = None,
) -> list[Any]:
    place = struct.pack("<Q", offset) if isinstance(offset, int) else offset
    return [name, dtype, list(shape), place, nbytes, checksums, {} if extra is None else extra]
