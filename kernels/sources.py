"""Digests of sources: what compiled code depends on, so that the cache forgets what was edited.

Whoever compiles something names the files that decide what comes out; no list of what they import
can then be wrong. To read all kernels takes 1 to 2 ms of a warm start. So the digest of a set of
files is remembered in the cache by what the file system says of them: paths, sizes, times of change
and inode numbers. One is not remembered of a file that changed just now, whose next change the
clock may not tell from this one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from numflow.kernels import object_cache
from numflow.kernels.digest import digest, read

_SETTLED = 2.0  # seconds after which a further change has another time in any file system


def digest_of(files: Iterable[str]) -> bytes:
    """Digest of the contents of these files."""
    paths = sorted(set(files))
    told, newest = [], 0
    for path in paths:
        s = os.stat(path)
        newest = max(newest, s.st_mtime_ns, s.st_ctime_ns)
        told.append(f"{path} {s.st_size} {s.st_mtime_ns} {s.st_ctime_ns} {s.st_dev} {s.st_ino}")
    key = digest("\n".join(("sources 1", *told)).encode()).hex()
    found = object_cache.shared().get(key)
    if found is None:
        now = time.time()
        found = digest(b"\0".join(map(read, paths)))
        if newest / 1e9 + _SETTLED < now:
            object_cache.shared().put(key, found)
    return found
