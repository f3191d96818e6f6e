"""The process that is timed: one framework, some workloads, JSON lines on standard output.

python -m perf.child with_jax cases W1 W5            every variant
python -m perf.child with_jax cases W5 --keep '{"W5": ["jit"]}'
python -m perf.child with_jax first W7 jit           seconds to the first loss, imports excluded
python -m perf.child with_jax variants W7
"""

import argparse
import gc
import importlib
import itertools
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

from perf import workloads
from perf.timing import Case, measure


def training_case(program: ModuleType, workload: str, variant: str) -> Case:
    """A training workload that has walked its batches once: compiled, and its loss known."""
    batches = workloads.training(workload).batches
    step = program.training_step(workload, variant)
    for x, y in batches:
        loss = step(x, y)
    endless = itertools.cycle(batches)
    return Case("train", variant, lambda: step(*next(endless)), float, float(loss))


def cases(
    program: ModuleType, workload: str, keep: list[str] | None
) -> Iterator[Callable[[], Case]]:
    """Makers of the cases of a workload, so that one that fails does not end the others."""
    if workload in workloads.TRAINING:
        for variant in program.variants(workload):
            if keep is None or variant in keep:
                yield partial(training_case, program, workload, variant)
        return
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
        for make in cases(program, workload, keep.get(workload)):
            label: dict[str, Any] = {"workload": workload}
            try:
                case = make()
                label |= {"case": case.name, "variant": case.variant}
                timing = measure(case, budget)
                say(**label, loss=case.loss, **vars(timing))
            except (
                Exception
            ) as error:  # whatever a framework raises is its figure's absence, and is reported
                say(**label, error=f"{type(error).__name__}: {error}"[:400])
            gc.collect()


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("task", choices=["cases", "first", "variants"])
    parser.add_argument("names", nargs="+")
    parser.add_argument("--keep", type=json.loads, default={})
    parser.add_argument("--seconds", type=float, default=0.5)
    arguments = parser.parse_args()
    program = importlib.import_module(f"perf.programs.{arguments.program}")
    if arguments.task == "cases":
        time_cases(program, arguments.names, arguments.keep, arguments.seconds)
    elif arguments.task == "first":
        time_first_step(program, *arguments.names)
    else:
        say(variants=program.variants(arguments.names[0]))


if __name__ == "__main__":
    main()
