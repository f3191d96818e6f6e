"""How one callable is timed, in the process of its framework."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SAMPLES = 9


def _no_wait(result: Any) -> Any:
    return result


@dataclass(frozen=True)
class Case:
    """Something to time: `call()` again and again; `wait(result)` returns when it is done."""

    name: str
    variant: str
    call: Callable[[], Any]
    wait: Callable[[Any], Any] = _no_wait
    loss: float | None = None  # of a training workload, after its 20 batches


@dataclass(frozen=True)
class Timing:
    """Seconds per call: the median of the samples, and the range."""

    seconds: float
    low: float
    high: float


def measure(case: Case, budget: float) -> Timing:
    """Seconds per call of a case, from SAMPLES blocks of calls that together last about `budget`.

    Warms up for a quarter of the budget, which also finds out how many calls make a block. The
    garbage collector rests while a block runs, as in timeit.
    """

    def block(calls: int) -> float:
        start = time.perf_counter()
        for _ in range(calls):
            result = case.call()
        case.wait(result)
        return (time.perf_counter() - start) / calls

    warm_until = time.perf_counter() + max(0.1, budget / 4)
    calls, seconds = 1, block(1)
    while time.perf_counter() < warm_until:
        seconds = block(calls)
        calls = max(calls, min(int(budget / SAMPLES / seconds), 2 * calls + 1))
    calls = max(1, int(budget / SAMPLES / seconds))
    gc.collect()
    gc.disable()
    try:
        samples = [block(calls) for _ in range(SAMPLES)]
    finally:
        gc.enable()
    return Timing(statistics.median(samples), min(samples), max(samples))
