"""Every knob: what the environment variables said when the process started, and nf.config.

    NUMFLOW_NUM_THREADS  threads of a parallel kernel with the caller; default: all cores
    NUMFLOW_CACHE_DIR    folder of compiled code; default: ~/.cache/numflow (or XDG_CACHE_HOME)
    NUMFLOW_CODEGEN      simd (default) or numba: the printer that fused clusters take
    NUMFLOW_TARGET       native (default), baseline, avx2, avx512: the machine to compile for
    NUMFLOW_EAGER        compiled (default): large eager operands go through compiled code as soon
                         as there is some; reference: always through NumPy
    NUMFLOW_WINOGRAD     1 (default); 0: no convolution goes through Winograd's transforms

They are read in `kernels/settings.py`, since kernels work without the framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING
from typing import Any as _Any

from numflow.kernels.settings import Settings, settings

if TYPE_CHECKING:
    from numflow.config import experimental, optimizer, threading
    from numflow.config.hardware import (
        LogicalDevice,
        LogicalDeviceConfiguration,
        PhysicalDevice,
        get_logical_device_configuration,
        get_soft_device_placement,
        get_visible_devices,
        list_logical_devices,
        list_physical_devices,
        set_logical_device_configuration,
        set_soft_device_placement,
        set_visible_devices,
    )

_HARDWARE = (
    "LogicalDevice",
    "LogicalDeviceConfiguration",
    "PhysicalDevice",
    "get_logical_device_configuration",
    "get_soft_device_placement",
    "get_visible_devices",
    "list_logical_devices",
    "list_physical_devices",
    "set_logical_device_configuration",
    "set_soft_device_placement",
    "set_visible_devices",
)


def __getattr__(name: str) -> _Any:
    """What few programs use loads when it is first used."""
    if name in ("experimental", "optimizer", "threading"):
        return importlib.import_module(f"numflow.config.{name}")
    if name in _HARDWARE:
        globals()[name] = found = getattr(importlib.import_module("numflow.config.hardware"), name)
        return found
    raise AttributeError(f"module 'numflow.config' has no attribute {name!r}")


__all__ = [
    "LogicalDevice",
    "LogicalDeviceConfiguration",
    "PhysicalDevice",
    "Settings",
    "experimental",
    "functions_run_eagerly",
    "get_logical_device_configuration",
    "get_soft_device_placement",
    "get_visible_devices",
    "list_logical_devices",
    "list_physical_devices",
    "optimizer",
    "run_functions_eagerly",
    "set_logical_device_configuration",
    "set_soft_device_placement",
    "set_visible_devices",
    "settings",
    "threading",
]

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
