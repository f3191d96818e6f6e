"""Where the time of a compiled call goes: each instruction timed alone, beside the whole call."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from numflow.profiler import Limits, measure_limits
from numflow.runtime.profile import Row, profile
from perf import workloads
from perf.programs import kernels_numflow, with_numflow
from perf.timing import Case, measure

PROFILED = tuple(dict.fromkeys((*workloads.TRAINING, *kernels_numflow.COMPILED)))


def profile_workload(workload: str, seconds: float = 0.5) -> str:
    """The tables of every compiled call of a workload."""
    tables = []
    if workloads.is_training(workload):
        tables.append(f"{workload} train\n{profile_step(workload, seconds)}")
    for name, function, arguments in kernels_numflow.functions(workload):
        function(*arguments)
        concrete = function.get_concrete_function(*arguments)
        case = Case(name, "function", partial(function, *arguments))
        tables.append(f"{workload} {name}\n{_profile(concrete, arguments, case, seconds)}")
    return "\n\n".join(tables)


def profile_step(workload: str, seconds: float = 0.5) -> str:
    """The table of a training step: one line per instruction of the compiled program.

    An instruction runs many times over on the step's own buffers, so the sum of all may be less
    than the step, which also pays for the call, and for data that one instruction has pushed out
    of another's cache.
    """
    batches = workloads.training(workload).batches
    step = with_numflow.training_step(workload, "function")
    for x, y in batches:
        step(x, y)
    call = Case("train", "function", lambda: step(*batches[0]), float)
    return _profile(step.get_concrete_function(*batches[0]), batches[0], call, seconds)


def _profile(concrete: Any, arguments: Sequence[Any], call: Case, seconds: float) -> str:
    whole = measure(call, seconds).seconds
    captured = [tensor.numpy() for tensor in concrete.captured_inputs]
    rows = profile(concrete.plain(), [*map(np.asarray, arguments), *captured])
    return _table(rows, whole, measure_limits())


def _table(rows: Sequence[Row], whole: float, limits: Limits) -> str:
    """of limit: how much of its time an instruction would need at least, at the machine's rates;
    more than 100 % where data comes from the caches."""
    rates = f"{'GB/s':>7} {'GFLOP/s':>8} {'of limit':>8}"
    head = f"{'':3} {'kind':9} {'us':>9} {'of call':>8} {rates}  line and ops"
    lines = [head, "-" * 100]
    for i, row in enumerate(rows):
        place = f"{Path(row.lines[0].file).name}:{row.lines[0].line}" if row.lines else ""
        flops = f"{row.gigaflops:.1f}" if row.flops else ""
        least = max(row.nbytes / limits.memory, row.flops / limits.flops)
        lines.append(
            f"{i:3} {row.kind:9} {row.seconds * 1e6:9.2f} {row.seconds / whole:8.1%} "
            f"{row.gigabytes_per_second:7.1f} {flops:>8} {least / row.seconds:8.0%}  "
            f"{place} {_ops(row.ops)}"
        )
    inside = sum(row.seconds for row in rows)
    lines += [
        "-" * 100,
        f"{len(rows)} instructions {inside * 1e6:.2f} us, whole call {whole * 1e6:.2f} us: "
        f"{(whole - inside) * 1e6:.2f} us are the call, and caches that were colder",
    ]
    return "\n".join(lines)


def _ops(names: Sequence[str]) -> str:
    """Names of ops with repeats counted, short enough for a line."""
    counts = {name: names.count(name) for name in dict.fromkeys(names)}
    text = " ".join(f"{name}*{n}" if n > 1 else name for name, n in counts.items())
    return text if len(text) <= 60 else text[:57] + "..."
