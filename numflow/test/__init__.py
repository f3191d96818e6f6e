"""nf.test: TestCase, compute_gradient, Benchmark, and what the machine has."""

from __future__ import annotations

import unittest
from typing import Any

from numflow.config.hardware import list_physical_devices
from numflow.test.benchmark import Benchmark
from numflow.test.gradient import compute_gradient
from numflow.test.testcase import TestCase


def main(argv: Any = None) -> None:
    """Run the tests of the program: unittest.main.

    Args:
      argv: the program's name and arguments; default those of the process.
    """
    unittest.main(argv=argv)


def is_gpu_available(
    cuda_only: bool = False, min_cuda_compute_capability: tuple[int, int] | None = None
) -> bool:
    """Whether there is a GPU that programs run on: as yet there is not.

    Example:
      >>> nf.test.is_gpu_available()
      False
    """
    return bool(list_physical_devices("GPU"))


def gpu_device_name() -> str:
    """The name of the first GPU; "" without one.

    Example:
      >>> nf.test.gpu_device_name()
      ''
    """
    return next((d.name for d in list_physical_devices("GPU")), "")


def is_built_with_cuda() -> bool:
    """Whether programs can run on CUDA.

    Example:
      >>> nf.test.is_built_with_cuda()
      False
    """
    return False


def is_built_with_gpu_support() -> bool:
    """Whether programs can run on a GPU.

    Example:
      >>> nf.test.is_built_with_gpu_support()
      False
    """
    return is_built_with_cuda()


def is_built_with_rocm() -> bool:
    """Whether programs can run on ROCm.

    Example:
      >>> nf.test.is_built_with_rocm()
      False
    """
    return False


def is_built_with_xla() -> bool:
    """Whether XLA is part of it: numflow has a compiler of its own.

    Example:
      >>> nf.test.is_built_with_xla()
      False
    """
    return False


def assert_equal_graph_def(expected: Any, actual: Any) -> None:
    """Refuse graphs that are not the same, node by node; lines and names of values do not count.

    Args:
      expected, actual: graphs, or what has one as `graph`, such as a concrete function.

    Raises:
      AssertionError: they differ; it shows where.

    Example:
      >>> f = nf.function(lambda x: x + 1.0).get_concrete_function(nf.TensorSpec([2]))
      >>> nf.test.assert_equal_graph_def(f, f)
    """
    texts = [str(getattr(g, "graph", g)).split("\n") for g in (expected, actual)]
    for k, (want, have) in enumerate(zip(*texts, strict=False)):
        if want != have:
            shown = f"  expected: {want}\n  actual: {have}"
            raise AssertionError(f"the graphs differ in line {k}\n{shown}")
    if len(texts[0]) != len(texts[1]):
        raise AssertionError(f"the graphs have {len(texts[0])} and {len(texts[1])} lines")


__all__ = [
    "Benchmark",
    "TestCase",
    "assert_equal_graph_def",
    "compute_gradient",
    "gpu_device_name",
    "is_built_with_cuda",
    "is_built_with_gpu_support",
    "is_built_with_rocm",
    "is_built_with_xla",
    "is_gpu_available",
    "main",
]
