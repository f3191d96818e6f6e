"""DeviceSpec: names of devices, recorded from TensorFlow 2.21."""

from __future__ import annotations

import pytest

from numflow.devices import DeviceSpec


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/job:a/device:GPU:0", "/job:a/device:GPU:0"),
        ("/cpu:0", "/device:CPU:0"),
        ("gpu:1", "/device:GPU:1"),
        ("CPU", "/device:CPU:*"),
        ("/cpu:*", "/device:CPU:*"),
        ("", ""),
        ("/job:a/job:b", "/job:b"),
        ("/job:w/replica:1/task:2/device:TPU:3", "/job:w/replica:1/task:2/device:TPU:3"),
    ],
)
def test_names(name: str, text: str) -> None:
    spec = DeviceSpec.from_string(name)
    assert spec.to_string() == text
    assert DeviceSpec.from_string(text) == spec == DeviceSpec().parse_from_string(name)
    assert hash(spec) == hash(DeviceSpec.from_string(text))


@pytest.mark.parametrize("name", ["nonsense", "/foo:0", "/device:foo:0", "/task:x", "/cpu:x"])
def test_names_of_nothing(name: str) -> None:
    with pytest.raises(ValueError, match="is encountered while parsing the device spec"):
        DeviceSpec.from_string(name)


def test_two_types() -> None:
    with pytest.raises(ValueError, match="Multiple device types are not allowed"):
        DeviceSpec.from_string("/cpu:0/gpu:0")


def test_parts() -> None:
    spec = DeviceSpec(job="w", replica=1, task=2, device_type="gpu", device_index=3)
    assert spec.to_string() == "/job:w/replica:1/task:2/device:GPU:3"
    assert repr(DeviceSpec(job="a", device_type="cpu")) == (
        "<DeviceSpec(job=a, replica=None, task=None, device_type=CPU, device_index=None)>"
    )
    merged = DeviceSpec(job="a").make_merged_spec(DeviceSpec.from_string("/gpu:1"))
    assert merged.to_string() == "/job:a/device:GPU:1"
    assert DeviceSpec(job="a").replace(task=3).to_string() == "/job:a/task:3"
