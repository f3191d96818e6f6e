"""name_scope and device: what is said about the ops made inside."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Any

from numflow.config.hardware import get_soft_device_placement, list_logical_devices
from numflow.devices import HERE, DeviceSpec
from numflow.errors import InvalidArgumentError, explain
from numflow.graph.scopes import Place, here, unique_scope

_FIRST = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")
_INNER = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")

# --- names -------------------------------------------------------------------


class name_scope:
    """Names of variables and traced tensors made inside begin with this one.

    Args:
      name: such as "layer"; one that ends with "/" is taken as it is, from the outermost scope.

    Raises:
      ValueError: no text, or one with characters that names do not have.

    Example:
      >>> with nf.name_scope("net"), nf.name_scope("layer") as scope:
      ...     print(scope, nf.get_current_name_scope(), nf.Variable(1.0, name="w").name)
      net/layer/ net/layer net/layer/w:0
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            problem = "name for name_scope must be a string."
            raise ValueError(explain("name_scope", problem, {"name": repr(name)}))
        self._name = name
        self._outer: list[tuple[Place, str]] = []

    @property
    def name(self) -> str:
        return self._name

    def __enter__(self) -> str:
        place = here()
        name = self._name
        pattern = _INNER if place.scope else _FIRST
        if name and name != "/" and not pattern.match(name):
            problem = f"'{name}' is not a valid scope name: it has to match {pattern.pattern}"
            raise ValueError(explain("name_scope", problem))
        self._outer.append((place, place.scope))
        if not name:
            place.scope = ""
        elif name.endswith("/"):
            place.scope = "" if name == "/" else name
            return name
        else:
            place.scope = unique_scope(place, name)
        return place.scope

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        place, scope = self._outer.pop()
        place.scope = scope


def get_current_name_scope() -> str:
    """The scope in force, without the "/" behind it; "" outside of any.

    Example:
      >>> with nf.name_scope("net"):
      ...     nf.get_current_name_scope()
      'net'
    """
    return here().scope.rstrip("/")


# --- devices -------------------------------------------------------------------


class device:
    """Ask for a device for what is made inside. There is the CPU, and everything runs on it.

    A GPU that is not there means the CPU, unless nf.config.set_soft_device_placement(False).

    Args:
      device_name: such as "/CPU:0", "gpu:1", "/job:localhost/device:CPU:0"; None or "" for any; a
        DeviceSpec; a function of the op, which says one of these, is for graphs of compat.v1.

    Raises:
      ValueError: no name of a device.
      InvalidArgumentError: a device of another job or task; one that is not there, without soft
        placement.

    Example:
      >>> with nf.device("/CPU:0"):
      ...     x = nf.constant([1.0, 2.0])
    """

    def __init__(self, device_name: Any) -> None:
        if isinstance(device_name, DeviceSpec):
            device_name = device_name.to_string()
        if device_name is not None and not isinstance(device_name, str):
            raise ValueError(
                explain(
                    "device",
                    f"Expecting a string device name. Got {type(device_name)}({device_name})",
                )
            )
        self._name = device_name or ""
        self._places: list[Place] = []
        self._check(DeviceSpec.from_string(self._name))

    def _check(self, spec: DeviceSpec) -> None:
        merged = HERE.make_merged_spec(spec)
        names = [d.name for d in list_logical_devices()]
        there = f"/device:{merged.device_type}:{merged.device_index}" in names
        elsewhere = (merged.job, merged.replica, merged.task) != (HERE.job, HERE.replica, HERE.task)
        if elsewhere or (not there and not get_soft_device_placement()):
            problem = (
                f"Could not satisfy device specification '{merged.to_string()}'. "
                f"enable_soft_placement={int(get_soft_device_placement())}."
            )
            shown = {"available devices": f"/job:localhost/replica:0/task:0{names}"}
            raise InvalidArgumentError(explain("device", problem, shown))

    def __enter__(self) -> None:
        place = here()
        self._places.append(place)
        place.devices.append(self._name)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._places.pop().devices.pop()
