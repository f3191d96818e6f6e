"""nf.config.experimental: memory growth, details of devices, determinism; mostly without effect."""

from __future__ import annotations

from typing import Any

from numflow.config.hardware import PhysicalDevice, known_device


def get_memory_growth(device: PhysicalDevice) -> bool:
    """Whether a GPU's memory is taken as it is needed.

    Raises:
      ValueError: it is no GPU, or not of this machine.
    """
    known_device(device)
    raise ValueError(f"Cannot get memory growth: {device!r} is no GPU")


def set_memory_growth(device: PhysicalDevice, enable: bool) -> None:
    """Let a GPU's memory be taken as it is needed: numflow does so anyway.

    Raises:
      ValueError: it is no GPU, or not of this machine.

    Example:
      >>> for gpu in nf.config.list_physical_devices("GPU"):
      ...     nf.config.experimental.set_memory_growth(gpu, True)
    """
    known_device(device)
    raise ValueError("Cannot set memory growth on non-GPU and non-Pluggable devices")


def get_device_details(device: PhysicalDevice) -> dict[str, Any]:
    """What is known of a device: nothing of a CPU, as in TensorFlow.

    Example:
      >>> nf.config.experimental.get_device_details(nf.config.list_physical_devices()[0])
      {}
    """
    known_device(device)
    return {}


def enable_op_determinism() -> None:
    """Without effect: every program gives the same bits for any number of threads anyway.

    Example:
      >>> nf.config.experimental.enable_op_determinism()
    """
