"""NFC1, numflow's container of tensors: written atomically, checksummed, memory-mapped.

     0   8  magic 89 4E 46 43 0D 0A 1A 0A: damage by text-mode copying shows
     8   4  u32 container version = 1
    12   4  u32 crc32c of bytes 16 .. 24 + H
    16   8  u64 H, length of the header
    24   H  msgpack map, see header.py
    ..      zeros up to a multiple of 64; then the tensors, each at its offset (a multiple of 64)

Numbers are little-endian, tensors in C order, gaps zero. msgpack carries the structure only, so
that a tensor may have any size and is mapped without a copy. Offsets and checksums have a fixed
width: the length of the header is known before the data, and a save is one pass over them.
"""

from __future__ import annotations

import os
import secrets
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from numflow.errors import NotFoundError, explain
from numflow.io.arrays import STRING, Array, check_bools, from_bytes, to_bytes
from numflow.io.crc32c import Checksum, crc32c, unlocked
from numflow.io.damage import Path, damaged, unknown
from numflow.io.direct import DirectWriter
from numflow.io.header import ALIGN, CHUNK, Entry, Header, pack_header, parse_header
from numflow.io.large import LARGE, Pages, after_return, each, wait_for_last

MAGIC = b"\x89NFC\r\n\x1a\n"
VERSION = 1
MAX_HEADER = 64 << 20
_PIECE = 1 << 20  # read at once: it is still in the cache when its checksum is computed

# --- writing -----------------------------------------------------------------


def save(
    path: Path,
    tensors: Mapping[str, Any],
    meta: Mapping[str, Any] | None = None,
    extras: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write tensors into a file: after a crash at any moment there is the old file or the new one.

    Args:
      path: the file, replaced if there.
      tensors: arrays, or what becomes one, by name.
      meta: what msgpack can hold.
      extras: by name: `alias`, further names of the tensor; `slice` and `full_shape`.

    Raises:
      DTypeError: something cannot be saved; nothing was written.
    """
    extras = extras or {}
    entries: list[Entry] = []
    contents: list[Array] = []
    for name, value in tensors.items():
        dtype, shape, data = to_bytes(value, name)
        blank = bytes(4 * -(-data.nbytes // CHUNK))
        entries.append(Entry(name, dtype, shape, 0, data.nbytes, blank, extras.get(name, {})))
        contents.append(data)
    requires = ["strings"] if any(e.dtype == STRING for e in entries) else []
    requires += ["slices"] if any("slice" in e.extra for e in entries) else []
    meta = meta or {}
    end = _aligned(24 + len(pack_header(requires, meta, 0, entries)))
    for i, entry in enumerate(entries):
        entries[i] = replace(entry, offset=end)
        end = _aligned(end + entry.nbytes)
    with Replacement(path) as file:
        file.truncate(end)
        large = sum(data.nbytes for data in contents) >= LARGE
        write = _write_large if large else _write_small
        all_checksums = write(file, [entry.offset for entry in entries], contents)
        entries = [replace(e, checksums=c) for e, c in zip(entries, all_checksums, strict=True)]
        body = pack_header(requires, meta, end, entries)
        length = struct.pack("<Q", len(body))
        file.seek(0)
        file.write(MAGIC + struct.pack("<II", VERSION, crc32c(length + body)) + length + body)


def _aligned(n: int) -> int:
    return n + -n % ALIGN


_Write = Callable[[Array, int], object]  # bytes, and their place in the file


def _write_small(file: BinaryIO, places: list[int], contents: list[Array]) -> list[bytes]:
    def write(piece: Array, at: int) -> None:
        file.seek(at)
        file.write(piece.data)

    rows = zip(contents, places, strict=True)
    return [_write_chunks(data, at, write, crc32c) for data, at in rows]


def _write_large(file: BinaryIO, places: list[int], contents: list[Array]) -> list[bytes]:
    checksum, writer = unlocked(), DirectWriter(file, places[0])
    try:
        rows = zip(contents, places, strict=True)
        return [_write_chunks(data, at, writer.write, checksum) for data, at in rows]
    finally:
        writer.close()


def _write_chunks(data: Array, place: int, write: _Write, compute: Checksum) -> bytes:
    """The checksums."""
    checksums = []
    for start in range(0, data.nbytes, CHUNK):
        checksum = 0
        for at in range(start, min(start + CHUNK, data.nbytes), _PIECE):
            piece = data[at : min(at + _PIECE, start + CHUNK)]
            checksum = compute(piece, checksum)
            write(piece, place + at)
        checksums.append(checksum)
    return struct.pack(f"<{len(checksums)}I", *checksums)


class Replacement:
    """A new file beside path, which takes its place when it is whole and on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = os.path.abspath(path)
        self._temporary = f"{self._path}.tmp-{os.getpid()}-{secrets.token_hex(4)}"

    def __enter__(self) -> BinaryIO:
        wait_for_last()  # it may make room on the disk
        folder, name = os.path.split(self._path)
        if os.path.isdir(folder):
            sweep(folder, name)
        _begun.add(os.path.basename(self._temporary))
        self._file = open(self._temporary, "xb")
        return self._file

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        try:
            with self._file:
                if kind is None:
                    self._file.flush()
                    os.fsync(self._file.fileno())
            if kind is None:
                old = _held(self._path)
                os.replace(self._temporary, self._path)
                sync_folder(os.path.dirname(self._path))
                if old is not None:
                    after_return(lambda: os.close(old))
        finally:
            if os.path.exists(self._temporary):
                os.unlink(self._temporary)
            _begun.discard(os.path.basename(self._temporary))


_begun: set[str] = set()  # the temporary files of this process


def _held(path: Path) -> int | None:
    """A handle of a large file, None for others.

    While it is open, the file's place on the disk is not given free, which takes 0.15 s per GB.
    """
    try:
        if os.name == "nt" or os.stat(path).st_size < LARGE:
            return None
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def sync_folder(folder: Path) -> None:
    """Bring a folder's list of names to the disk."""
    if os.name == "nt":
        return  # folders cannot be opened there
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path, target: str | None = None) -> None:
    """Remove what writers that have died left in a folder; or what they left of one file."""
    for name in os.listdir(folder):
        file, mark, rest = name.rpartition(".tmp-")
        pid = rest.split("-")[0]
        wanted = ".nfc" in file if target is None else file == target
        if mark and wanted and pid.isdecimal() and not _alive(int(pid), name):
            try:
                os.unlink(os.path.join(folder, name))
            except FileNotFoundError:
                pass  # another process swept first


def _alive(pid: int, name: str) -> bool:
    if pid == os.getpid():
        return name in _begun  # in a container, the one before had the same number
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True  # somebody else's process; or no number of a process: not ours to judge
    return True


# --- reading -----------------------------------------------------------------


class Reader:
    """A checkpoint file, opened: the header is read and checked, tensors wait until asked for.

    Args:
      path: the file.
      max_header: a longer header is refused, in bytes.

    Raises:
      NotFoundError: there is no such file.
      DataLossError: the file is damaged.
      UnimplementedError: the file is of a later version of the format.

    Example:
      >>> path = getfixture("tmp_path") / "a.nfc"
      >>> save(path, {"w": [1.0, 2.0]}, meta={"step": 7})
      >>> reader = Reader(path)
      >>> reader.meta, reader.entries["w"].shape, reader.get("w")
      ({'step': 7}, (2,), array([1., 2.]))
    """

    def __init__(self, path: Path, max_header: int = MAX_HEADER) -> None:
        self.path = os.fspath(path)
        try:
            self._file = open(path, "rb", buffering=0)
        except (FileNotFoundError, IsADirectoryError):
            raise NotFoundError(
                explain("checkpoint", "there is no such file", {"file": self.path})
            ) from None
        try:
            self._header = self._read_header(max_header)
        except BaseException:
            self._file.close()
            raise
        self._map: Array | None = None
        self._pages: Pages | None = None  # where much was verified: read_into copies from there

    def _read_header(self, max_header: int) -> Header:
        size = os.fstat(self._file.fileno()).st_size
        fixed = self._file.read(24)
        if len(fixed) < 24 or fixed[:8] != MAGIC:
            raise damaged(self.path, "this is no numflow checkpoint")
        version, checksum, length = struct.unpack("<IIQ", fixed[8:])
        if version != VERSION:
            raise unknown(self.path, f"container version {version}, this numflow reads {VERSION}")
        if length > max_header or 24 + length > size:
            raise damaged(self.path, f"a header of {length} bytes is too long, or the file is cut")
        body = self._file.read(length)
        if len(body) != length or crc32c(body, crc32c(fixed[16:])) != checksum:
            raise damaged(self.path, "the header's checksum is wrong")
        return parse_header(body, self.path, size)

    @property
    def meta(self) -> dict[str, Any]:
        """What the writer noted."""
        return self._header.meta

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The tensors by name, in the order of the file."""
        return self._header.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._header.entries)

    def __contains__(self, name: object) -> bool:
        return name in self._header.entries

    def entry(self, name: str) -> Entry:
        """What the file says of a tensor.

        Raises:
          NotFoundError: there is none of this name.
        """
        try:
            return self._header.entries[name]
        except KeyError:
            raise NotFoundError(
                explain("checkpoint", f"there is no tensor {name!r}", {"file": self.path})
            ) from None

    def get(self, name: str, verify: bool = True) -> Array:
        """A tensor: a read-only view of the file, or an array of bytes objects for strings.

        The view is of the mapped file: valid after `close`, and after the file is replaced.

        Args:
          verify: compare checksums first, which reads the whole tensor.

        Raises:
          DataLossError: the tensor is damaged.
        """
        entry = self.entry(name)
        if verify:
            self.verify(name)
        if self._map is None:
            self._map = np.memmap(self._file, np.uint8, "r").view(np.ndarray)
        data = self._map[entry.offset : entry.offset + entry.nbytes]
        try:
            return from_bytes(data, entry.dtype, entry.shape)
        except ValueError as e:
            raise damaged(self.path, f"{name!r}: {e}") from None

    def verify(self, *names: str) -> None:
        """Compare the checksums of tensors without keeping them in memory.

        Raises:
          DataLossError: a tensor is damaged.
        """
        entries = [self.entry(name) for name in names]
        if sum(entry.nbytes for entry in entries) < LARGE:
            for entry in entries:
                chunks = range(-(-entry.nbytes // self._header.chunk))
                self._verify_chunks(entry, chunks, crc32c, None)
            return
        checksum, self._pages = unlocked(), Pages(self._file)
        step = max(1, CHUNK // self._header.chunk)
        work = [
            (entry, range(i, min(i + step, len(entry.checksums) // 4)))
            for entry in entries
            for i in range(0, len(entry.checksums) // 4, step)
        ]
        each(lambda item: self._verify_chunks(*item, checksum, self._pages), work)

    def _verify_chunks(
        self, entry: Entry, chunks: range, compute: Checksum, pages: Pages | None
    ) -> None:
        """pages: of the file, where it is large; else it is read piece by piece."""
        most = _PIECE if pages is None else CHUNK
        buffer: Array | None = None
        for i in chunks:
            checksum, start = 0, i * self._header.chunk
            stop = min(start + self._header.chunk, entry.nbytes)
            for at in range(start, stop, most):
                first, last = entry.offset + at, entry.offset + min(at + most, stop)
                part = pages.get(first, last) if pages else None
                if part is None:
                    if buffer is None:
                        buffer = np.empty(min(most, entry.nbytes), np.uint8)
                    part = buffer[: last - first]
                    self._read(part, first)
                checksum = compute(part, checksum)
                if entry.dtype == "bool":
                    self._check_bools(entry, part)
            self._compare(entry, i, checksum)

    def read_into(self, name: str, out: Array) -> None:
        """Copy a tensor that `verify` found sound into an array of its dtype and shape."""
        entry = self.entry(name)
        if entry.dtype == STRING or not out.flags.c_contiguous:
            out[...] = self.get(name, verify=False)
            return
        data = out.reshape(-1).view(np.uint8)
        for at in range(0, entry.nbytes, CHUNK):
            part = data[at : at + CHUNK]
            if self._pages is None or not self._pages.copy_to(part, entry.offset + at):
                self._read(part, entry.offset + at)

    def _read(self, out: Array, offset: int) -> None:
        view, handle = out.data, self._file.fileno()
        while len(view):
            if hasattr(os, "preadv"):  # several threads may read
                count = os.preadv(handle, [view], offset)
            else:
                self._file.seek(offset)
                count = self._file.readinto(view)
            if not count:
                raise damaged(self.path, "the file became shorter while it was read")
            view, offset = view[count:], offset + count

    def _compare(self, entry: Entry, chunk: int, checksum: int) -> None:
        if struct.unpack_from("<I", entry.checksums, 4 * chunk)[0] != checksum:
            at = entry.offset + chunk * self._header.chunk
            raise damaged(self.path, f"{entry.name!r}: the checksum from byte {at} is wrong")

    def _check_bools(self, entry: Entry, data: Array) -> None:
        try:
            check_bools(data)
        except ValueError as e:
            raise damaged(self.path, f"{entry.name!r}: {e}") from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._pages = None

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()  # by itself, a file that is dropped would warn

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
