"""The process that is timed: one framework, some workloads, JSON lines on standard output.

python -m perf.child with_jax cases W1 W5            every variant
python -m perf.child with_jax cases W5 --keep '{"W5": ["jit"]}'
python -m perf.child with_jax first W7 jit           seconds to the first loss, imports excluded
python -m perf.child with_jax phases deep-500        the same in its parts: trace, compile, ...
python -m perf.child with_jax memory W7 jit          bytes at most, after 20 steps
python -m perf.child with_jax attention 8x2048       bytes at most that it needs beside its operands
python -m perf.child with_jax variants W7
"""

import argparse
import gc
import importlib
import itertools
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from perf import answers, checks, sequences, workloads
from perf.goals import bound_of
from perf.timing import Case, Rate, measure

RECURSION = 100_000  # a program of 10,000 ops makes some frameworks recurse as deeply


def training_case(program: ModuleType, workload: str, variant: str) -> Case:
    """A training workload that has walked its batches once: compiled, and its loss known."""
    batches = workloads.training(workload).batches
    step = program.training_step(workload, variant)
    if workloads.is_loop(variant):
        return _loop_case(step, workload, variant)
    for x, y in batches:
        loss = step(x, y)
    endless = itertools.cycle(batches)
    return Case("train", variant, lambda: step(*next(endless)), float, float(loss))


def _loop_case(step: Callable[[Any, Any], Any], workload: str, variant: str) -> Case:
    """The same where one call walks many batches; its loss is that of the last."""
    xs, ys = (np.stack(a) for a in zip(*workloads.training(workload).batches, strict=True))
    loss = float(step(xs, ys))
    walks = workloads.LOOP_WALKS[workload]
    xs, ys = (np.concatenate([a] * walks) for a in (xs, ys))
    return Case("train loop", variant, lambda: step(xs, ys), float, loss, steps=len(xs))


def cases(
    program: ModuleType, workload: str, keep: list[str] | None
) -> Iterator[Callable[[], Case]]:
    """Makers of the cases of a workload, so that one that fails does not end the others."""
    if workloads.is_training(workload):
        for variant in program.variants(workload):
            if keep is None or variant in keep:
                yield partial(training_case, program, workload, variant)
    for case in program.cases(workload):
        if keep is None or case.variant in keep:
            yield partial(_same, case)


def _same(case: Case) -> Case:
    return case


def say(**row: Any) -> None:
    print(json.dumps(row), flush=True)


def time_cases(
    program: ModuleType, names: list[str], keep: dict[str, list[str]], budget: float
) -> None:
    """Time every kept case of the workloads; a failure becomes a line and ends nothing."""
    for workload in names:
        label: dict[str, Any] = {"workload": workload}
        try:
            for make in cases(program, workload, keep.get(workload)):
                label = {"workload": workload}
                try:
                    case = make()
                    label |= {"case": case.name, "variant": case.variant}
                    distance = off(workload, case)
                    timing = measure(case, budget, _bandwidth(program, workload, case.name))
                    say(
                        **label,
                        loss=case.loss,
                        off=distance,
                        cost=timing.seconds,
                        low=timing.low,
                        high=timing.high,
                        movable=timing.movable,
                    )
                except (
                    Exception
                ) as error:  # whatever a framework raises is its figure's absence, and is reported
                    say(**label, error=_said(error))
                gc.collect()
        except Exception as error:  # the workload's own preparation
            say(**label, error=_said(error))


def _bandwidth(program: ModuleType, workload: str, case: str) -> Rate | None:
    """What bounds a case of numflow's, to be measured between its calls."""
    bound = bound_of(workload, case)
    if not bound or not program.__name__.endswith(".with_numflow"):
        return None
    return _stream(bound)


@cache
def _stream(name: str) -> Rate:
    from perf.limits import Bandwidth  # needs llvmlite, which the peers' environments lack

    return Bandwidth(name, int(os.environ.get("NUMFLOW_NUM_THREADS") or 1))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:400]


def off(workload: str, case: Case) -> float | None:
    """How far its result is from the reference, in units of the tolerance."""
    if case.loss is not None or workload not in answers.ANSWERS:
        return None
    result = case.result() if case.result else case.call()
    return answers.off(workload, case.name, checks.leaves(result))


def time_first_step(program: ModuleType, workload: str, variant: str) -> None:
    """Seconds from building the model to its first loss, and of the second step."""
    x, y = workloads.training(workload).batches[0]
    start = time.perf_counter()
    step = program.training_step(workload, variant)
    float(step(x, y))
    first = time.perf_counter()
    float(step(x, y))
    second = time.perf_counter()
    say(workload=workload, variant=variant, first=first - start, second=second - first)


def time_phases(program: ModuleType, workload: str) -> None:
    """Seconds of each part of a program's way from Python to its first loss."""
    workloads.training(workload)  # its data, made before the clock runs
    try:
        say(workload=workload, phases=program.phases(workload))
    except Exception as error:  # a program too deep for a framework is its figure's absence
        say(workload=workload, error=_said(error))


def measure_memory(program: ModuleType, workload: str, variant: str) -> None:
    """Bytes that the process had at most in main memory: after the imports, and after training."""
    batches = workloads.training(workload).batches
    before = _peak()
    step = program.training_step(workload, variant)
    for x, y in batches:
        float(step(x, y))
    say(workload=workload, variant=variant, imported=before, trained=_peak())


def measure_attention(program: ModuleType, name: str) -> None:
    """Bytes at most that a first call on a size needs, once the program is loaded."""
    for _ in range(2):
        program.attention_call(next(iter(sequences.ATTENTIONS)))()
    call = program.attention_call(name)
    gc.collect()
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")  # the peak, from here on
    before = _peak()
    call()
    say(attention=name, needed=_peak() - before)


def _peak() -> int:
    status = Path("/proc/self/status")
    if status.exists():  # Linux hands ru_maxrss from a parent to what it starts
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def tell_variants(program: ModuleType, workload: str) -> None:
    say(variants=program.variants(workload))


TASKS: dict[str, Callable[..., None]] = {
    "cases": time_cases,
    "first": time_first_step,
    "phases": time_phases,
    "memory": measure_memory,
    "attention": measure_attention,
    "variants": tell_variants,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("task", choices=list(TASKS))
    parser.add_argument("names", nargs="+")
    parser.add_argument("--keep", type=json.loads, default={})
    parser.add_argument("--seconds", type=float, default=0.5)
    arguments = parser.parse_args()
    program = importlib.import_module(f"perf.programs.{arguments.program}")
    if arguments.program != "with_numflow":  # which must do without
        sys.setrecursionlimit(RECURSION)
    if arguments.task == "cases":
        time_cases(program, arguments.names, arguments.keep, arguments.seconds)
    else:
        TASKS[arguments.task](program, *arguments.names)


if __name__ == "__main__":
    main()
