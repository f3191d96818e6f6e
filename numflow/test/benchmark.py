"""Benchmark: methods called benchmark... are timed, and report what they found."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


class Benchmark:
    """Base of benchmarks: each method `benchmark...` is run by `run`, and reports.

    Example:
      >>> class Products(nf.test.Benchmark):
      ...     def benchmark_matmul(self):
      ...         x = nf.ones([64, 64])
      ...         self.run_op_benchmark(lambda: nf.matmul(x, x), min_iters=3, burn_iters=1)
      >>> [r["name"] for r in Products().run()]
      ['Products.benchmark_matmul']
    """

    def __init__(self) -> None:
        self.reports: list[dict[str, Any]] = []
        self._running = ""

    @classmethod
    def is_abstract(cls) -> bool:
        """Whether it is Benchmark itself."""
        return cls is Benchmark

    def run(self) -> list[dict[str, Any]]:
        """Run all methods `benchmark...`: the reports."""
        for name in sorted(n for n in dir(self) if n.startswith("benchmark")):
            method: Callable[[], Any] = getattr(self, name)
            if callable(method):
                self._running = name
                method()
        return self.reports

    def report_benchmark(
        self,
        iters: int | None = None,
        cpu_time: float | None = None,
        wall_time: float | None = None,
        throughput: float | None = None,
        extras: dict[str, Any] | None = None,
        name: str | None = None,
        metrics: list[dict[str, Any]] | None = None,
    ) -> None:
        """Keep what was found, under the method's name; times in seconds."""
        own = f"{type(self).__name__}.{self._running}".rstrip(".")
        found = {"iters": iters, "cpu_time": cpu_time, "wall_time": wall_time,
                 "throughput": throughput, "extras": extras, "metrics": metrics}  # fmt: skip
        kept = {k: v for k, v in found.items() if v is not None}
        self.reports.append({"name": name or own, **kept})

    def evaluate(self, tensors: Any) -> Any:
        """NumPy arrays in the place of tensors."""
        return tensors.numpy() if hasattr(tensors, "numpy") else tensors

    def run_op_benchmark(
        self,
        op: Callable[[], Any],
        burn_iters: int = 2,
        min_iters: int = 10,
        name: str | None = None,
    ) -> dict[str, Any]:
        """Time a function without arguments, and report the median.

        Args:
          op: called burn_iters times first, which do not count.
        """
        for _ in range(burn_iters):
            op()
        times = []
        for _ in range(min_iters):
            start = time.perf_counter()
            op()
            times.append(time.perf_counter() - start)
        median = sorted(times)[len(times) // 2]
        self.report_benchmark(iters=min_iters, wall_time=median, name=name)
        return self.reports[-1]
