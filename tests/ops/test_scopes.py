"""name_scope and device: recorded from TensorFlow 2.21."""

from __future__ import annotations

from typing import Any

import pytest

import numflow as nf


def test_eager_scopes() -> None:
    """Nested, not counted."""
    assert nf.get_current_name_scope() == ""
    with nf.name_scope("a") as a:
        with nf.name_scope("b") as b, nf.name_scope("/") as root:
            assert (a, b, root, nf.get_current_name_scope()) == ("a/", "a/b/", "/", "")
        with nf.name_scope("b") as again:
            assert again == "a/b/" and nf.Variable(1.0, name="w").name == "a/b/w:0"
    assert nf.get_current_name_scope() == ""


def test_scopes_of_a_trace_are_told_apart() -> None:
    found: list[Any] = []

    @nf.function
    def f(x: nf.Tensor) -> nf.Tensor:
        with nf.name_scope("a") as a:
            with nf.name_scope("b") as b:
                pass
            with nf.name_scope("b") as other:
                y = nf.exp(x)
            with nf.name_scope(b) as same:
                z = nf.tanh(y)
        with nf.name_scope("a") as again:
            found.extend([a, b, other, same, again, y.name, z.name])
        return z

    with nf.name_scope("outside"):
        f(nf.constant(1.0))
    assert found == ["a/", "a/b/", "a/b_1/", "a/b/", "a_1/", "a/b_1/exp:0", "a/b/tanh:0"]


@pytest.mark.parametrize("name", [3, None, "a b", "_x", "é"])
def test_bad_names(name: Any) -> None:
    with pytest.raises(ValueError, match="name_scope: "), nf.name_scope(name):
        pass
    assert nf.get_current_name_scope() == ""


NAMES = ["/CPU:0", "cpu:0", "/device:CPU:0", "/GPU:0", "gpu:0", "/cpu:7", "/device:TPU:0", None, "",
         "/job:localhost/replica:0/task:0/device:CPU:0", "CPU", "/gpu:*"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_devices_that_mean_the_cpu(name: str | None) -> None:
    """Soft placement, as TensorFlow does where there is no GPU."""

    def run(x: nf.Tensor) -> nf.Tensor:
        with nf.device(name):
            return x + 1.0

    for call in (run, nf.function(run)):
        assert call(nf.constant(1.0)).numpy().item() == 2.0


def test_devices_that_are_refused() -> None:
    for name in ("nonsense", "/foo:0", 5):
        with pytest.raises(ValueError, match=r"Unknown attribute|Expecting a string device name"):
            nf.device(name)
    with pytest.raises(nf.errors.InvalidArgumentError, match="Could not satisfy device"):
        nf.device("/job:worker/task:1")
    nf.config.set_soft_device_placement(False)
    try:
        nf.device("/cpu:0")
        with pytest.raises(nf.errors.InvalidArgumentError, match="enable_soft_placement=0"):
            nf.device(nf.DeviceSpec(device_type="gpu", device_index=0))
    finally:
        nf.config.set_soft_device_placement(True)
