"""The environment variables, read once, in this file only.

They live below the framework because kernels work alone; `numflow.config` is their public face.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from numflow.kernels.records import NamedTuple

TARGETS = ("native", "baseline", "avx2", "avx512")
CODEGENS = ("simd", "numba")
EAGERS = ("compiled", "reference")
SWITCHES = ("1", "0")


class Settings(NamedTuple):
    """What a user may set from outside.

    threads: how many threads work on a parallel kernel, the caller included (NUMFLOW_NUM_THREADS).
    cache_dir: folder of the object cache (NUMFLOW_CACHE_DIR).
    codegen: "simd" or "numba", the printer that fused clusters take (NUMFLOW_CODEGEN).
    target: "native", "baseline", "avx2" or "avx512", the machine code is made for (NUMFLOW_TARGET).
    eager: "compiled" or "reference", what may answer for large eager operands (NUMFLOW_EAGER).
    winograd: whether convolutions may go through Winograd's transforms (NUMFLOW_WINOGRAD).
    """

    threads: int
    cache_dir: str
    codegen: str
    target: str
    eager: str = EAGERS[0]
    winograd: bool = True


def read(environment: Mapping[str, str]) -> Settings:
    """Settings from environment variables; an empty variable counts as unset.

    Raises:
      ValueError: a variable has a value that means nothing.
    """
    text = environment.get("NUMFLOW_NUM_THREADS") or str(_available_cores())
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1024):
        raise ValueError(f"NUMFLOW_NUM_THREADS: 1 to 1024 is wanted. Received: {text!r}")
    folder = environment.get("NUMFLOW_CACHE_DIR")
    if not folder:
        # XDG: a relative path in the variable is to be ignored.
        base = environment.get("XDG_CACHE_HOME", "")
        folder = os.path.join(base if os.path.isabs(base) else _home_cache(environment), "numflow")
    return Settings(
        threads=int(text),
        cache_dir=os.path.normpath(folder),
        codegen=_choice(environment, "NUMFLOW_CODEGEN", CODEGENS),
        target=_choice(environment, "NUMFLOW_TARGET", TARGETS),
        eager=_choice(environment, "NUMFLOW_EAGER", EAGERS),
        winograd=_choice(environment, "NUMFLOW_WINOGRAD", SWITCHES) == "1",
    )


def _available_cores() -> int:
    """Cores that this process may use: under taskset, less than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _home_cache(environment: Mapping[str, str]) -> str:
    home = environment.get("HOME") or os.path.expanduser("~")
    return os.path.join(home, ".cache")


def _choice(environment: Mapping[str, str], variable: str, allowed: tuple[str, ...]) -> str:
    value = environment.get(variable) or allowed[0]
    if value not in allowed:
        raise ValueError(f"{variable}: one of {', '.join(allowed)} is wanted. Received: {value!r}")
    return value


settings = read(os.environ)
