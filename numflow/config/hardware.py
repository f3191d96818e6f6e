"""The devices of this machine, as TensorFlow's programs ask for them.

There is one CPU. What such a program sets about GPUs and memory is checked, kept and returned; it
changes nothing, for numflow takes memory as it needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class PhysicalDevice(NamedTuple):
    """A device of the machine, by its name and type ("CPU")."""

    name: str
    device_type: str

    def __repr__(self) -> str:
        return f"PhysicalDevice(name={self.name!r}, device_type={self.device_type!r})"


class LogicalDevice(NamedTuple):
    """A device as programs name it: "/device:CPU:0"."""

    name: str
    device_type: str

    def __repr__(self) -> str:
        return f"LogicalDevice(name={self.name!r}, device_type={self.device_type!r})"


class LogicalDeviceConfiguration(NamedTuple):
    """One logical device of a physical one. Without effect on what it may use."""

    memory_limit: int | None = None
    experimental_priority: int | None = None
    experimental_device_ordinal: int | None = None


CPU = PhysicalDevice("/physical_device:CPU:0", "CPU")


class _State:
    def __init__(self) -> None:
        self.visible: list[PhysicalDevice] = [CPU]
        self.logical: dict[PhysicalDevice, list[LogicalDeviceConfiguration]] = {}
        self.soft_placement = True


_state = _State()


def known_device(device: PhysicalDevice) -> PhysicalDevice:
    """device, if this machine has it.

    Raises:
      ValueError: it has not.
    """
    if device not in list_physical_devices():
        raise ValueError(f"Unrecognized device: {device!r}")
    return device


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices of the machine, of one type or all.

    Example:
      >>> nf.config.list_physical_devices("CPU")
      [PhysicalDevice(name='/physical_device:CPU:0', device_type='CPU')]
      >>> nf.config.list_physical_devices("GPU")
      []
    """
    return [d for d in (CPU,) if device_type in (None, d.device_type)]


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The devices as programs name them: one for each visible one, unless configured otherwise.

    Example:
      >>> nf.config.list_logical_devices()
      [LogicalDevice(name='/device:CPU:0', device_type='CPU')]
    """
    return [
        LogicalDevice(f"/device:{d.device_type}:{k}", d.device_type)
        for d in get_visible_devices(device_type)
        for k in range(len(_state.logical.get(d) or [None]))
    ]


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices that programs see, of one type or all.

    Example:
      >>> len(nf.config.get_visible_devices("CPU"))
      1
    """
    return [d for d in _state.visible if device_type in (None, d.device_type)]


def set_visible_devices(
    devices: PhysicalDevice | Sequence[PhysicalDevice], device_type: str | None = None
) -> None:
    """Let programs see these devices only, of one type or all.

    Raises:
      ValueError: a device that the machine does not have, or of another type; no CPU is left, on
        which everything runs.

    Example:
      >>> nf.config.set_visible_devices([], "GPU")
    """
    chosen = [devices] if isinstance(devices, PhysicalDevice) else list(devices)
    for d in chosen:
        known_device(d)
        if device_type not in (None, d.device_type):
            raise ValueError(f"Unrecognized device type: {d!r} is no {device_type}")
    kept = (
        [] if device_type is None else [d for d in _state.visible if d.device_type != device_type]
    )
    if CPU not in kept + chosen:
        raise ValueError("set_visible_devices: the CPU cannot be hidden: programs run on it")
    _state.visible = kept + chosen


def get_logical_device_configuration(
    device: PhysicalDevice,
) -> list[LogicalDeviceConfiguration] | None:
    """What set_logical_device_configuration was given for a device, or None."""
    return _state.logical.get(known_device(device))


def set_logical_device_configuration(
    device: PhysicalDevice, logical_devices: Sequence[LogicalDeviceConfiguration] | None
) -> None:
    """Let a device appear as several, for programs that divide work among devices.

    Work placed on any of them runs on the one CPU and its threads.

    Raises:
      ValueError: a device that the machine does not have; a memory limit, which a CPU has not.

    Example:
      >>> cpu = nf.config.list_physical_devices("CPU")[0]
      >>> two = [nf.config.LogicalDeviceConfiguration()] * 2
      >>> nf.config.set_logical_device_configuration(cpu, two)
      >>> [d.name for d in nf.config.list_logical_devices()]
      ['/device:CPU:0', '/device:CPU:1']
      >>> nf.config.set_logical_device_configuration(cpu, None)
    """
    known_device(device)
    if not logical_devices:
        _state.logical.pop(device, None)
        return
    for one in logical_devices:
        for what in ("memory_limit", "experimental_priority", "experimental_device_ordinal"):
            if getattr(one, what) is not None:
                shown = what.replace("experimental_", "").replace("_", " ")
                raise ValueError(
                    f"Setting {shown} on CPU virtual devices is currently not supported"
                )
    _state.logical[device] = list(logical_devices)


def get_soft_device_placement() -> bool:
    """Whether nf.device takes a device that is not there to mean the CPU.

    Example:
      >>> nf.config.get_soft_device_placement()
      True
    """
    return _state.soft_placement


def set_soft_device_placement(enabled: bool) -> None:
    """Let nf.device refuse devices that are not there (False), or take the CPU for them (True).

    Example:
      >>> nf.config.set_soft_device_placement(True)
    """
    _state.soft_placement = bool(enabled)
