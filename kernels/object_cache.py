"""Compiled code on disk: one checked file per code unit, safe with many processes, bounded in size.

A file is MAGIC, the length of its body, a digest of key and body, and the body: an object file.
Nothing of the body is looked at before the checksum is right, since a damaged object ends the
process. A checksum is no signature: who can write here can run code as the user. So a folder that
is not ours, or that others may write, is refused.

Whatever goes wrong with the disk is no error: the cache then does less, and says so once
(CacheWarning).
"""

from __future__ import annotations

import functools
import os
import struct
import threading
import time
import warnings

from numflow.kernels.digest import digest
from numflow.kernels.settings import settings

MAGIC = b"NFOBJ003"
_HEADER = struct.Struct("<8sQ32s")

MAX_BYTES = 512 << 20
"""The cache is trimmed, oldest use first, to three quarters of this."""

_TRIM_SECONDS = 24 * 3600
_TRIM_BYTES = 64 << 20
_ABANDONED_SECONDS = 3600


class CacheWarning(UserWarning):
    """The cache of compiled code cannot be used: every process compiles anew."""


class ObjectCache:
    """Key (hexadecimal) -> bytes, below one folder. Methods never raise because of the disk."""

    def __init__(self, folder: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> None:
        self.folder = os.fspath(folder)
        self.max_bytes = max_bytes
        self._trusted: bool | None = None
        self._warned = False
        self._written = 0

    def get(self, key: str) -> bytes | None:
        """The body stored under key; None when there is none. A damaged file is removed."""
        if not self._usable():
            return None
        path = self._path(key)
        try:
            with open(path, "rb", buffering=0) as file:
                data = file.read()
                age = time.time() - os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(f"cannot be read: {error}")
            return None
        body = _checked(key, data)
        try:
            if body is None:
                os.unlink(path)
            elif age > _TRIM_SECONDS:
                os.utime(
                    path
                )  # the time of last use; a day's precision spares a system call per load
        except OSError:
            pass  # another process was faster, or the folder is read-only
        return body

    def put(self, key: str, body: bytes) -> None:
        """Store body under key; renamed when complete, so that no reader sees a part."""
        if not self._usable():
            return
        path = self._path(key)
        temporary = ""
        try:
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            # By hand: tempfile imports for 4 ms what a warm start has no use for.
            temporary = f"{path}.{os.getpid()}-{threading.get_ident()}.part"
            with open(temporary, "xb", opener=_private) as file:
                file.write(_HEADER.pack(MAGIC, len(body), _digest(key, body)))
                file.write(body)
            os.replace(temporary, path)
        except OSError as error:
            if temporary:
                _unlink(temporary)
            self._warn(f"cannot be written: {error}")
            return
        self._written += len(body)
        self._trim_rarely()

    def _path(self, key: str) -> str:
        return os.path.join(self.folder, key[:2], f"{key}.nfo")

    def _usable(self) -> bool:
        if self._trusted is None:
            self._trusted = self._examine()
        return self._trusted

    def _examine(self) -> bool:
        try:
            os.makedirs(self.folder, 0o700, exist_ok=True)
            status = os.stat(self.folder)
        except OSError as error:
            self._warn(f"cannot be used: {error}")
            return False
        # Windows has neither owners nor modes of this kind; its profile folders are private.
        if hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or status.st_mode & 0o022):
            self._warn("is refused: not ours, or others may write there (chmod go-w)")
            return False
        return True

    def _warn(self, problem: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"numflow: cache folder {self.folder} {problem}. Work goes on without; "
                f"NUMFLOW_CACHE_DIR names another folder.",
                CacheWarning,
                stacklevel=2,
            )

    def _trim_rarely(self) -> None:
        """Trim once a day over all processes, and after each 64 MB that this process wrote."""
        stamp = os.path.join(self.folder, "trimmed")
        try:
            fresh = time.time() - os.stat(stamp).st_mtime < _TRIM_SECONDS
        except OSError:
            fresh = False
        if fresh and self._written < _TRIM_BYTES:
            return
        self._written = 0
        try:
            with open(stamp, "w"):
                pass
        except OSError:
            return
        self.trim()

    def trim(self) -> None:
        """Remove abandoned parts, and the files used longest ago while there is too much."""
        files: list[tuple[float, int, str]] = []
        now = time.time()
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                try:
                    status = os.stat(path)
                except OSError:
                    continue
                if name.endswith(".nfo"):
                    files.append((status.st_mtime, status.st_size, path))
                elif name.endswith(".part") and now - status.st_mtime > _ABANDONED_SECONDS:
                    _unlink(path)
        size = sum(bytes_ for _, bytes_, _ in files)
        if size <= self.max_bytes:
            return
        for _, bytes_, path in sorted(files):
            _unlink(path)
            size -= bytes_
            if size <= self.max_bytes * 3 // 4:
                return


@functools.cache
def shared() -> ObjectCache:
    """The one in the user's folder: of compiled code, and of what else is dear to make again."""
    return ObjectCache(settings.cache_dir)


def _private(path: str, flags: int) -> int:
    """Opens a file that only we may read."""
    return os.open(path, flags, 0o600)


def _digest(key: str, body: bytes) -> bytes:
    """Binds the body to its key: a file copied to another name is as damaged as a flipped bit."""
    return digest(key.encode() + body)


def _checked(key: str, data: bytes) -> bytes | None:
    if len(data) < _HEADER.size:
        return None
    magic, length, digest = _HEADER.unpack_from(data)
    body = data[_HEADER.size :]
    if magic != MAGIC or length != len(body) or digest != _digest(key, body):
        return None
    return body


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
