"""nf.config: devices, threads, options that are kept."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import numflow as nf


def test_devices() -> None:
    """One CPU, as TensorFlow names it; no GPU."""
    (cpu,) = nf.config.list_physical_devices()
    assert (cpu.name, cpu.device_type) == ("/physical_device:CPU:0", "CPU")
    assert not nf.config.list_physical_devices("GPU") and not nf.config.list_logical_devices("GPU")
    assert nf.config.get_visible_devices() == [cpu]
    nf.config.set_visible_devices([], "GPU")
    nf.config.set_visible_devices(cpu, "CPU")
    with pytest.raises(ValueError, match="the CPU cannot be hidden"):
        nf.config.set_visible_devices([])
    with pytest.raises(ValueError, match="Unrecognized device: PhysicalDevice"):
        nf.config.set_visible_devices([nf.config.PhysicalDevice("gpu", "GPU")])
    assert nf.config.get_logical_device_configuration(cpu) is None
    with pytest.raises(ValueError, match="Setting memory limit on CPU virtual devices"):
        nf.config.set_logical_device_configuration(
            cpu, [nf.config.LogicalDeviceConfiguration(memory_limit=10)]
        )
    nf.config.set_logical_device_configuration(cpu, [nf.config.LogicalDeviceConfiguration()] * 2)
    try:
        names = [d.name for d in nf.config.list_logical_devices("CPU")]
        assert names == ["/device:CPU:0", "/device:CPU:1"]
    finally:
        nf.config.set_logical_device_configuration(cpu, None)


def test_memory_growth_is_of_gpus() -> None:
    (cpu,) = nf.config.list_physical_devices()
    with pytest.raises(ValueError, match="Cannot set memory growth on non-GPU"):
        nf.config.experimental.set_memory_growth(cpu, True)
    with pytest.raises(ValueError, match="is no GPU"):
        nf.config.experimental.get_memory_growth(cpu)
    assert nf.config.experimental.get_device_details(cpu) == {}


def test_options_are_kept() -> None:
    nf.config.optimizer.set_experimental_options({"remapping": False})
    assert nf.config.optimizer.get_experimental_options()["remapping"] is False
    nf.config.optimizer.set_jit(True)
    assert nf.config.optimizer.get_jit() == "autoclustering"
    nf.config.optimizer.set_jit(False)
    assert nf.config.optimizer.get_jit() == ""
    nf.config.threading.set_inter_op_parallelism_threads(3)
    assert nf.config.threading.get_inter_op_parallelism_threads() == 3
    nf.config.threading.set_inter_op_parallelism_threads(0)
    with pytest.raises(ValueError, match="0 to 1024 is wanted"):
        nf.config.threading.set_inter_op_parallelism_threads(-1)
    nf.config.experimental.enable_op_determinism()


PROGRAM = """
import os, sys
import numpy as np
import numflow as nf
nf.config.threading.set_intra_op_parallelism_threads(3)
f = nf.function(lambda x: nf.tanh(nf.exp(x)))
x = np.ones(1 << 20, np.float32)
f(x); f(x)
try:
    nf.config.threading.set_intra_op_parallelism_threads(2)
except RuntimeError as e:
    print(e)
tasks = [open(f"/proc/self/task/{t}/comm").read() for t in os.listdir("/proc/self/task")]
print(nf.config.threading.get_intra_op_parallelism_threads(), len(tasks))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the pool is Linux's")
def test_the_pool_has_as_many_threads_as_are_set() -> None:
    """In a fresh process: two workers beside the caller, and no other number afterwards."""
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=env, check=True
    )
    problem, count = done.stdout.strip().split("\n")
    assert problem == "Intra op parallelism cannot be modified after initialization."
    assert count == "3 3"
