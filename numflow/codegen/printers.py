"""Which printer a fused loop goes through: NUMFLOW_CODEGEN says simd (the default) or numba.

A loop that the first cannot print or LLVM does not take goes through the second, with a warning,
once: a slow step is better than none.
"""

from __future__ import annotations

import warnings

from numflow.codegen import simd
from numflow.config import settings
from numflow.graph.loops import Loop


class PrinterWarning(UserWarning):
    """A loop runs slower than it could, because code of the fast kind could not be made of it."""


_warned: list[str] = []


def compile_loop(loop: Loop, stream: bool = False) -> int:
    """Address of the kernel `void k(int64 *args, int64 begin, int64 end)` of a Loop.

    stream: see simd.compile_loop; the second printer has no such stores.
    """
    if settings.codegen == "numba":
        return _readable(loop)
    try:
        return simd.compile_loop(loop, stream=stream)
    except Exception as error:  # a fault of ours or of LLVM's, whatever it is
        address = _readable(loop)
        if not _warned:
            _warned.append(loop.name)
            warnings.warn(
                f"numflow: no SIMD code for the loop below, Numba compiles it instead ({error}). "
                f"Please report it.\n{loop}",
                PrinterWarning,
                stacklevel=2,
            )
        return address


def _readable(loop: Loop) -> int:
    from numflow.codegen import numba_jit  # late: the second printer is seldom wanted

    return numba_jit.compile_source(loop)
