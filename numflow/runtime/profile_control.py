"""How long loops and branches take: the time from before one to behind it, within real calls.

Alone they cannot be timed, as other instructions are: they would count on from where they are, and
on what other steps have left in the arena. So a plan is made whose loops and branches have a kernel
before and behind them that looks at the clock; it runs as often as there is something to learn.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

import numpy as np

from numflow.codegen.steps import ControlStep, Step
from numflow.runtime.control import moved
from numflow.runtime.executable import Executable
from numflow.runtime.plan import Phase, Plan
from numflow.runtime.words import Item, Work

Array = np.ndarray[Any, Any]
_STAMPS = 3  # of a step: two before it, which tell what looking costs, and one behind
_ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def holds_programs(step: Step) -> bool:
    """Whether a step is a loop or a branch, be it one that Python runs."""
    return any(node.subgraphs for node in step.nodes)


def control_seconds(
    executable: Executable, arrays: Sequence[Array], rounds: int
) -> dict[Step, float]:
    """The median seconds of each loop and branch of a call, those inside of others left out.

    The program is called, and its variables change.
    """
    steps = [s for s in executable.program.steps if holds_programs(s)]
    if not steps:
        return {}
    clock = _Clock(executable)
    clock.run(arrays)  # plans are made
    start = time.perf_counter()
    clock.run(arrays)
    once = time.perf_counter() - start
    repeats = max(1, min(100, int(2e-3 / once)))
    if once > 1.0:  # of a training loop, three times are enough
        rounds = min(rounds, 3)
    found: dict[Step, list[float]] = {s: [] for s in steps}
    for _ in range(rounds * repeats):
        for step, seconds in clock.run(arrays):
            if step in found:  # no host call
                found[step].append(seconds)
    return {s: median(times) for s, times in found.items() if times}


class _Clock:
    """A program with plans of its own, which look at the clock."""

    def __init__(self, executable: Executable) -> None:
        self._times: list[int] = []
        self._look = _ENTRY(lambda *_: self._times.append(time.perf_counter_ns()))
        address = ctypes.cast(self._look, ctypes.c_void_p).value
        assert address is not None
        self._stamp = Work(address, (), 1, 1, 0.0)
        self._program = Executable(executable.program, executable.sizes)
        self._program.clock = {}
        self._changed: dict[Plan, list[Step]] = {}  # those of its steps that look

    def run(self, arrays: Sequence[Array]) -> Iterator[tuple[Step, float]]:
        """(step, seconds) of one call, as far as it had the plans of the call before."""
        self._times.clear()
        clock = self._program.clock = {}
        before = len(self._changed)
        self._program(arrays)
        plans = self._program.plan(list(arrays)).furthest.chain()
        fresh = [plan for plan in plans if plan not in self._changed]
        for plan in fresh:
            self._changed[plan] = self._stamped(plan)
        order = [step for plan in plans for step in self._changed[plan]]
        found = list(clock.items())
        if not fresh and before and len(self._times) == _STAMPS * len(order):
            for k, step in enumerate(order):
                first, begin, end = self._times[_STAMPS * k : _STAMPS * (k + 1)]
                found.append((step, max((end - begin) - (begin - first), 1) * 1e-9))
        return iter(found)

    def _stamped(self, plan: Plan) -> list[Step]:
        """Let a plan look at the clock. Returns its steps that do, in the order of the call."""
        looking: list[Step] = []
        phases: list[Phase] = []
        for phase in plan.phases:
            if phase.record is None or not any(isinstance(s, ControlStep) for s in phase.steps):
                phases.append(phase)
                continue
            works: list[Any] = [plan.work[s] for s in plan.steps]
            numbers = [plan.steps.index(s) for s in phase.steps]
            for k in numbers:
                if isinstance(plan.steps[k], ControlStep):
                    works[k] = self._around(works[k])
                    looking.append(plan.steps[k])
            phases += plan.native(numbers, works)
        plan.phases = phases
        return looking

    def _around(self, items: Sequence[Item]) -> list[Item]:
        return [self._stamp, self._stamp, *moved(items, 2), self._stamp]
