"""Every knob: what the environment variables said when the process started, and nf.config.

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

__all__ = ["Settings", "functions_run_eagerly", "run_functions_eagerly", "settings"]

eagerly: list[bool] = []
"""Not empty: functions under @nf.function run as plain Python. Functions look at this very list."""


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Let functions under @nf.function run as plain Python, step by step, to debug them; or not.

    Example:
      >>> f = nf.function(lambda x: float(x) + 1.0)
      >>> nf.config.run_functions_eagerly(True)
      >>> f(nf.constant(2.0))
      3.0
      >>> nf.config.run_functions_eagerly(False)
    """
    eagerly[:] = [True] if run_eagerly else []


def functions_run_eagerly() -> bool:
    """Whether functions under @nf.function run as plain Python.

    Example:
      >>> nf.config.functions_run_eagerly()
      False
    """
    return bool(eagerly)
