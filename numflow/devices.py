"""The names of devices: "/job:worker/task:1/device:GPU:0", and their parts. Only names."""

from __future__ import annotations

from typing import Any

TYPES = ("CPU", "GPU", "TPU", "XLA_CPU", "XLA_GPU", "CUSTOM")


class DeviceSpec:
    """The parts of a device's name; None where it leaves one open.

    Example:
      >>> spec = nf.DeviceSpec(job="worker", task=1, device_type="gpu", device_index=0)
      >>> spec.to_string()
      '/job:worker/task:1/device:GPU:0'
      >>> nf.DeviceSpec.from_string("/gpu:1").device_index
      1
    """

    __slots__ = ("device_index", "device_type", "job", "replica", "task")

    def __init__(
        self,
        job: str | None = None,
        replica: int | None = None,
        task: int | None = None,
        device_type: str | None = None,
        device_index: int | None = None,
    ) -> None:
        self.job = None if job is None else str(job)
        self.replica = None if replica is None else int(replica)
        self.task = None if task is None else int(task)
        self.device_type = None if device_type is None else str(device_type).upper()
        self.device_index = None if device_index is None else int(device_index)

    @classmethod
    def from_string(cls, spec: str) -> DeviceSpec:
        """The parts of a name such as "/job:worker/device:GPU:0", "cpu:0" or "/gpu:*".

        Raises:
          ValueError: a part that no device has, or two types of device.
        """
        parts: dict[str, Any] = {}
        for part in filter(None, spec.split("/")):
            words = part.split(":")
            key = words[0].lower()
            try:
                if key in ("job", "replica", "task") and len(words) == 2:
                    parts[key] = words[1] if key == "job" else int(words[1])
                    continue
                where = words[1:] if key == "device" else words
                if len(where) in (1, 2) and where[0].upper() in TYPES:
                    if "device_type" in parts:
                        raise ValueError(
                            "Multiple device types are not allowed while parsing the device "
                            f"spec: {spec}."
                        )
                    parts["device_type"] = where[0]
                    if len(where) == 2 and where[1] != "*":
                        parts["device_index"] = int(where[1])
                    continue
            except ValueError as e:
                if "Multiple" in str(e):
                    raise
            raise ValueError(
                f"Unknown attribute '{words[0]}' is encountered while parsing the device "
                f"spec: '{spec}'."
            )
        return cls(**parts)

    def parse_from_string(self, spec: str) -> DeviceSpec:
        """Another spec, of that name."""
        return self.from_string(spec)

    def to_string(self) -> str:
        """The name of these parts."""
        named = (("job", self.job), ("replica", self.replica), ("task", self.task))
        text = "".join(f"/{key}:{value}" for key, value in named if value is not None)
        if self.device_type is None:
            return text
        index = "*" if self.device_index is None else self.device_index
        return f"{text}/device:{self.device_type}:{index}"

    def make_merged_spec(self, dev: DeviceSpec) -> DeviceSpec:
        """Another spec: the parts of dev, and where it leaves one open, these."""
        return DeviceSpec(
            *[
                mine if theirs is None else theirs
                for mine, theirs in zip(self._parts(), dev._parts(), strict=True)
            ]
        )

    def replace(self, **kwargs: Any) -> DeviceSpec:
        """Another spec, with some parts changed."""
        names = ("job", "replica", "task", "device_type", "device_index")
        return DeviceSpec(**{**dict(zip(names, self._parts(), strict=True)), **kwargs})

    def _parts(self) -> tuple[Any, ...]:
        return self.job, self.replica, self.task, self.device_type, self.device_index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceSpec) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        job, replica, task, kind, index = self._parts()
        parts = f"job={job}, replica={replica}, task={task}, device_type={kind}"
        return f"<DeviceSpec({parts}, device_index={index})>"


HERE = DeviceSpec("localhost", 0, 0, "CPU", 0)
"""Where everything runs."""
