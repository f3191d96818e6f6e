"""Every knob: what the environment variables said when the process started.

    NUMFLOW_NUM_THREADS  threads of a parallel kernel with the caller; default: all cores
    NUMFLOW_CACHE_DIR    folder of compiled code; default: ~/.cache/numflow (or XDG_CACHE_HOME)
    NUMFLOW_CODEGEN      simd (default) or numba: the printer that fused clusters take
    NUMFLOW_TARGET       native (default), baseline, avx2, avx512: the machine to compile for
    NUMFLOW_EAGER        compiled (default): large eager operands go through compiled code as soon
                         as there is some; reference: always through NumPy

They are read in `kernels/settings.py`, since kernels work without the framework.
"""

from __future__ import annotations

from numflow.kernels.settings import Settings, settings

__all__ = ["Settings", "settings"]
