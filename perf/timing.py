"""How one callable is timed, in the process of its framework."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Rate = Callable[[float], float]

SAMPLES = 9
FEW = 3  # samples of a call that alone takes longer than the budget


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
    result: Callable[[], Any] | None = None  # what to compare with answers.py, if not `call()`
    steps: int = 1  # of a call: what it costs is what each of them does
    warm: float = 0.0  # seconds to warm up at least: what is compiled in the background has come


@dataclass(frozen=True)
class Timing:
    """Seconds per step, of which a call has one as a rule: median of the samples, and range."""

    seconds: float
    low: float
    high: float
    movable: float | None = None  # bytes that the machine could have moved in the time of a call


def measure(case: Case, budget: float, bandwidth: Rate | None = None) -> Timing:
    """Seconds per step of a case, from SAMPLES blocks of calls that together last about `budget`.

    Warms up for a quarter of the budget, which also finds out how many calls make a block. Of calls
    that are longer than the budget there are but FEW samples, and one to warm up. The garbage
    collector rests while a block runs, as in timeit.

    bandwidth: what the machine moves, measured over so many seconds: before and after each block.
    """

    def block(calls: int) -> float:
        start = time.perf_counter()
        for _ in range(calls):
            result = case.call()
        case.wait(result)
        return (time.perf_counter() - start) / calls

    warm_until = time.perf_counter() + max(0.1, budget / 4, case.warm)
    calls, seconds = 1, block(1)
    while time.perf_counter() < warm_until:
        seconds = block(calls)
        calls = max(calls, min(int(budget / SAMPLES / seconds), 2 * calls + 1))
    calls = max(1, int(budget / SAMPLES / seconds))
    gc.collect()
    gc.disable()
    try:
        samples, rates = [], [bandwidth(calls * seconds)] if bandwidth else []
        for _ in range(SAMPLES if seconds < budget else FEW):
            samples.append(block(calls))
            if bandwidth:
                rates.append(bandwidth(calls * seconds))
    finally:
        gc.enable()
    movable = None
    if bandwidth:
        around = zip(samples, rates, rates[1:], strict=False)
        movable = statistics.median(took * (r + s) / 2 for took, r, s in around)
    middle, low, high = (
        seconds / case.steps for seconds in (statistics.median(samples), min(samples), max(samples))
    )
    return Timing(middle, low, high, movable)


def seconds_of_calls(call: Callable[[], Any], calls: int = 9) -> float:
    """The median of a few calls, each timed alone: of steps that may take seconds."""
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
        if sum(seconds) > 5:
            break
    return statistics.median(seconds)
