"""Where the time of a program goes: each instruction timed alone, tied to the user's source lines.

    for row in profile(executable, arrays): print(row)

The instructions of one plan run in order, each many times over, on the buffers of a real call:
caches are as warm as in a tight loop of steps. Loops and branches are timed as a whole, within real
calls (profile_control.py). A step that updates variables would run away if it
were repeated, so these are put back afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from numflow.codegen.steps import (
    ClusterStep,
    ControlStep,
    HostStep,
    LibraryStep,
    LoopStep,
    SegmentStep,
    Step,
)
from numflow.errors import SourceLine
from numflow.graph.lowering import Elementwise, Reduction
from numflow.runtime import native, pool
from numflow.runtime.executable import Executable
from numflow.runtime.plan import Plan
from numflow.runtime.profile_control import control_seconds
from numflow.runtime.words import Work

Array = np.ndarray[Any, Any]
RESOLUTION = 5e-8  # seconds: what is shorter drowns in the cost of calling it from Python


@dataclass(frozen=True)
class Row:
    """One instruction; or a loop, or a branch, with all that is inside.

    number: of its step in the program. seconds: the median. nbytes: what it must move at least.
    flops: of a library kernel what the algorithm asks for; elsewhere one per element and op. Of
    loops and branches neither is known: 0.
    lines: the user's, that it stands for.
    """

    number: int
    kind: str
    ops: tuple[str, ...]
    seconds: float
    nbytes: int
    flops: float
    units: int
    chunk: int
    lines: tuple[SourceLine, ...]

    @property
    def gigabytes_per_second(self) -> float:
        return self.nbytes / self.seconds / 1e9

    @property
    def gigaflops(self) -> float:
        return self.flops / self.seconds / 1e9


def profile(executable: Executable, arrays: Sequence[Array], rounds: int = 7) -> list[Row]:
    """A row per native instruction, in the order of the program, and one per loop or branch; host
    calls are left out.

    arrays: of graph.inputs, as for a call. It is called first; for loops and branches many times.
    """
    arrays = [np.require(a, requirements=["C", "A"]) for a in arrays]
    with _put_back(executable):
        whole = control_seconds(executable, arrays, rounds)
        kept = executable(arrays)  # the instructions hold the addresses of its arrays
        first = executable.plan(arrays)
        number = {step: k for k, step in enumerate(executable.program.steps)}
        rows: list[Row] = []
        phases = [(plan, phase) for plan in first.furthest.chain() for phase in plan.phases]
        for plan, phase in phases:
            instructions = iter(phase.instructions)
            for step in phase.steps:
                if step in whole:
                    rows.append(_control_row(number[step], step, whole[step]))
                if phase.record is None:
                    continue
                works = [w for w in plan.work[step] or () if w.units]
                if isinstance(step, ControlStep):
                    # Alone they would count on and on, and write where the counters say.
                    for _ in works:
                        next(instructions)
                    continue
                kind = ""  # of what packs for the step's kernel, or sums up behind it
                for work in works:
                    row = _row(plan, step, work, next(instructions), rounds)
                    kind = "pack" if work.prepares else kind
                    row = replace(row, number=number[step])
                    rows.append(replace(row, kind=kind, nbytes=0, flops=0.0) if kind else row)
                    kind = "" if work.prepares else "fold"
        del kept
        return rows


def call_seconds(executable: Executable, call: Callable[[], object], rounds: int = 7) -> float:
    """Seconds of a call that runs the executable, host calls and Python's part included; the
    median."""
    with _put_back(executable):
        call()
        start = time.perf_counter()
        call()
        repeats = max(1, min(500, int(5e-3 / max(time.perf_counter() - start, 1e-7))))
        found = []
        for _ in range(rounds):
            start = time.perf_counter()
            for _ in range(repeats):
                call()
            found.append((time.perf_counter() - start) / repeats)
        return median(found)


@contextmanager
def _put_back(executable: Executable) -> Iterator[None]:
    """Variables have their values of before, afterwards."""
    saved = [(v, np.array(v._array)) for v in executable.program.written]
    try:
        yield
    finally:
        for variable, value in saved:
            variable._write(value)


def _row(plan: Plan, step: Step, work: Work, instruction: Any, rounds: int) -> Row:
    args = native.address_function()(instruction.args)
    call = (instruction.address, args, instruction.total, instruction.chunk)
    once = _seconds(call, 1)
    repeats = max(1, min(2000, int(2e-3 / max(once, 1e-7))))
    overhead = _overhead()
    seconds = median(_seconds(call, repeats) for _ in range(rounds)) - overhead
    lines = dict.fromkeys(n.line for n in step.nodes if n.line is not None)
    kind = {
        ClusterStep: "cluster",
        SegmentStep: "segments",
        LibraryStep: "library",
        HostStep: "host",
    }
    return Row(
        0,
        kind.get(type(step), "copy"),
        tuple(n.op.name for n in step.nodes),
        max(seconds, 1e-9),
        sum(plan.nbytes(v) for v in (*step.reads, *step.writes)),
        _flops(plan, step),
        work.units,
        work.chunk,
        tuple(lines),
    )


def _control_row(number: int, step: Step, seconds: float) -> Row:
    """What a loop or a branch takes as a whole; how much it moves nobody counts."""
    kind = {LoopStep: "loop", HostStep: "host"}.get(type(step), "branches")
    lines = dict.fromkeys(n.line for n in step.nodes if n.line is not None)
    ops = tuple(n.op.name for n in step.nodes)
    return Row(number, kind, ops, seconds, 0, 0.0, 1, 1, tuple(lines))


def _flops(plan: Plan, step: Step) -> float:
    if isinstance(step, LibraryStep):
        if step.node.op.lower.cost is None:
            return 0.0
        specs = [
            [plan.concrete(v.spec) for v in values]
            for values in (step.node.inputs, step.node.outputs)
        ]
        return float(step.node.op.lower.cost(*specs, step.node.attrs))
    total = 0
    for node in step.nodes:
        if isinstance(node.op.lower, Elementwise):
            total += plan.sizes.number(node.output.spec.size)
        elif isinstance(node.op.lower, Reduction):
            total += plan.sizes.number(node.inputs[0].spec.size)
    return float(total)


def _seconds(call: tuple[int, int, int, int], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        pool.launch(*call)
    return (time.perf_counter() - start) / repeats


_cost: list[float] = []


def _overhead() -> float:
    """Seconds that calling a kernel from Python costs, of nothing to do."""
    if not _cost:
        from numflow.codegen.simd import compile_loop
        from numflow.graph.loops import Body, Operand

        b = Body("nothing", 1, [Operand("y0", "f32", "u")])
        b.store("y0", b.const(0.0, "f32"))
        words = np.zeros(16, np.int64)
        call = (compile_loop(b.done()), native.address_function()(words), 0, 1)
        _cost.append(min(_seconds(call, 1000) for _ in range(9)))  # a busy machine only adds
    return _cost[0]


def table(rows: Sequence[Row]) -> str:
    """The rows as text: time, share, rate, what, and where it comes from."""
    total = sum(r.seconds for r in rows)
    lines = [f"{'us':>9} {'share':>6} {'rate':>14}  what"]
    for r in rows:
        rate = (
            f"{r.gigaflops:8.1f} GF/s"
            if r.kind == "library"
            else f"{r.gigabytes_per_second:8.1f} GB/s"
        )
        ops = ", ".join(r.ops[:6]) + (f", ... ({len(r.ops)} ops)" if len(r.ops) > 6 else "")
        where = f"   {r.lines[0]}" if r.lines else ""
        lines.append(
            f"{r.seconds * 1e6:9.2f} {r.seconds / total:6.1%} {rate:>14}  {r.kind}: {ops}{where}"
        )
    lines.append(f"{total * 1e6:9.2f} {1:6.0%} {'':>14}  {len(rows)} instructions")
    return "\n".join(lines)
