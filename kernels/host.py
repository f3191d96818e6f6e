"""What LLVM says of the machine at hand, remembered in the cache: to ask it means to load it.

It is remembered for what the system says of the processor, and for the very file that LLVM is in.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

from numflow.kernels.digest import digest
from numflow.kernels.object_cache import ObjectCache
from numflow.kernels.records import NamedTuple


class Facts(NamedTuple):
    """triple, cpu, features (as in "+avx2,-sse4a"): LLVM's names. versions: llvmlite's, LLVM's."""

    triple: str
    cpu: str
    features: str
    versions: str


def facts(cache: ObjectCache, ask: Callable[[], Facts]) -> Facts:
    """The facts: those in the cache, or else what `ask` tells."""
    key = _key()
    stored = cache.get(key) if key else None
    if stored is not None:
        return Facts(*stored.decode().split("\n"))
    told = ask()
    if key:
        cache.put(key, "\n".join(told).encode())
    return told


def known(cache: ObjectCache) -> bool:
    """Whether they are in the cache."""
    return bool(_key()) and cache.get(_key()) is not None


@functools.cache
def _key() -> str:
    machine = _fingerprint()
    return digest(machine.encode()).hex() if machine else ""


def _fingerprint() -> str:
    """All that the facts depend on; "" where the system does not tell."""
    import llvmlite  # only its version: llvmlite.binding is what takes time

    library = os.path.join(os.path.dirname(llvmlite.__file__), "binding", "libllvmlite.so")
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            processor = file.read(_ENOUGH).partition("\n\n")[0]
        status = os.stat(library)
    except OSError:
        return ""
    told = [line for line in processor.splitlines() if line.startswith(_STEADY)]
    llvm = (llvmlite.__version__, library, str(status.st_size), str(status.st_mtime_ns))
    return "\n".join(("host 2", *llvm, *told))


_ENOUGH = 16384  # bytes of /proc/cpuinfo that hold the first processor
_STEADY = ("vendor", "cpu family", "model", "stepping", "flags", "CPU ", "Features")
