"""How the speed of a training step grows with its batch, width, depth, threads and program.

    python -m perf --growth                 every axis: about ten minutes with all peers
    python -m perf --growth batch ops       these only

A point of batch, width, depth and threads is steps a second of an MLP (workloads.py: mlp-...). A
point of ops is a program with weights of its own in each layer (deep-...), in a fresh process: its
parts from Python to the first loss with an empty cache and with a warm one, then steps a second.
"""

import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from perf.rounds import CACHE_FOLDERS, FIRST_STEP, Plan, child_rows

OPS = (100, 300, 1000, 3000, 10_000)
STEPS = "steps/s"
PARTS = ("trace", "compile", "plan", "first")  # of phases(), before the steady state


@dataclass(frozen=True)
class Axis:
    """What is varied: sizes, and the training workload of a size."""

    title: str
    sizes: tuple[int, ...]
    workload: str  # with {} for the size


def axes(threads: int) -> dict[str, Axis]:
    """name -> axis, on a machine with so many threads."""
    teams = sorted({1, *(2**k for k in range(1, threads.bit_length()) if 2**k < threads), threads})
    return {
        "batch": Axis(
            "batch, of an MLP 256-128-128-128-10", (1, 4, 16, 64, 256, 1024, 4096), "mlp-{}-128-3"
        ),
        "width": Axis(
            "width of three hidden layers, batch 64", (16, 64, 256, 1024, 2048), "mlp-64-{}-3"
        ),
        "depth": Axis("hidden layers of 64, batch 64", (1, 4, 16, 64), "mlp-64-64-{}"),
        "threads": Axis(
            "threads, of an MLP 256-512-512-512-10, batch 512", tuple(teams), "mlp-512-512-3"
        ),
        "ops": Axis("ops of the program", OPS, "deep-{}"),
    }


@dataclass(frozen=True)
class Point:
    """One measured figure of one round, or an error.

    series: steps/s; or a part of the first step, ", empty cache" or ", warm cache" after it.
    """

    axis: str
    size: int
    framework: str
    series: str
    value: float = math.nan
    loss: float | None = None
    error: str = ""


def run_growth(plan: Plan, names: Sequence[str]) -> Iterator[Point]:
    """Every point of every round, as it comes."""
    for _ in range(plan.rounds):
        for name in names:
            for framework in plan.frameworks:
                run = MEASURED.get(name, _sizes)
                yield from run(plan, name, framework)


def _sizes(plan: Plan, name: str, framework: str) -> Iterator[Point]:
    """All sizes in one process."""
    axis = axes(plan.threads)[name]
    workloads = {axis.workload.format(size): size for size in axis.sizes}
    keep = {workload: [_variant(framework)] for workload in workloads}
    arguments = ["cases", *workloads, "--keep", json.dumps(keep), "--seconds", str(plan.seconds)]
    for row in child_rows(plan, framework, arguments):
        size = workloads.get(row.get("workload", ""), 0)
        yield _steps(name, size, framework, row)


def _threads(plan: Plan, name: str, framework: str) -> Iterator[Point]:
    """A process for each number of threads."""
    axis = axes(plan.threads)[name]
    keep = json.dumps({axis.workload: [_variant(framework)]})
    arguments = ["cases", axis.workload, "--keep", keep, "--seconds", str(plan.seconds)]
    for size in axis.sizes:
        for row in child_rows(replace(plan, threads=size), framework, arguments):
            yield _steps(name, size, framework, row)


def _ops(plan: Plan, name: str, framework: str) -> Iterator[Point]:
    """A process for each size and state of the cache."""
    for size in OPS:
        with tempfile.TemporaryDirectory() as folder:
            caches = dict.fromkeys(CACHE_FOLDERS, folder)
            for state in ("empty", "warm"):
                if state == "warm" and not any(Path(folder).iterdir()):
                    break
                for row in child_rows(plan, framework, ["phases", f"deep-{size}"], caches):
                    yield from _phases(name, size, framework, state, row)


MEASURED: dict[str, Callable[[Plan, str, str], Iterator[Point]]] = {
    "threads": _threads,
    "ops": _ops,
}


def _variant(framework: str) -> str:
    """The form of a framework that takes seconds to compile, not minutes, at any size."""
    return FIRST_STEP.get(framework, framework)


def _steps(axis: str, size: int, framework: str, row: dict[str, object]) -> Point:
    point = Point(axis, size, framework, STEPS)
    if "error" in row:
        return replace(point, error=str(row["error"]))
    cost, loss = row["cost"], row["loss"]
    assert isinstance(cost, float) and isinstance(loss, float)
    return replace(point, value=1 / cost, loss=loss)


def _phases(
    axis: str, size: int, framework: str, state: str, row: dict[str, object]
) -> Iterator[Point]:
    if "error" in row:
        yield Point(axis, size, framework, f"first, {state} cache", error=str(row["error"]))
        return
    phases = row["phases"]
    assert isinstance(phases, dict)
    for part in PARTS:
        if part in phases:
            yield Point(axis, size, framework, f"{part}, {state} cache", phases[part])
    if state == "empty":
        yield Point(axis, size, framework, STEPS, 1 / phases["call"])


# --- from points to curves ---------------------------------------------------

Curves = dict[tuple[str, str], dict[int, float]]  # (framework, series) -> size -> value


def curves(points: Sequence[Point], axis: str) -> Curves:
    """The curves of an axis: medians over the rounds."""
    found: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for point in points:
        if point.axis == axis and not point.error:
            found[point.framework, point.series][point.size].append(point.value)
    return {key: {s: median(v) for s, v in by.items()} for key, by in found.items()}


def table(found: Curves, axis: Axis) -> str:
    """A line for each curve, with its exponent over the last step: 1 is growth in proportion."""
    sizes = [size for size in axis.sizes if any(size in curve for curve in found.values())]
    head = ["", "", *(f"{size:,}" for size in sizes), "exponent"]
    body = [head]
    for (framework, series), curve in sorted(found.items(), key=_order):
        cells = [_shown(curve.get(size), series) for size in sizes]
        body.append([framework, series, *cells, _exponent(curve)])
    widths = [max(len(row[k]) for row in body) for k in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if k < 2 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in body
    ]
    return "\n".join([axis.title, lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _order(item: tuple[tuple[str, str], object]) -> tuple[bool, str, str]:
    framework, series = item[0]
    return series != STEPS, series, framework


def _shown(value: float | None, series: str) -> str:
    if value is None:
        return "-"
    if series == STEPS:
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{value * 1e3:,.0f} ms" if value >= 0.01 else f"{value * 1e3:.2f} ms"


def _exponent(curve: dict[int, float]) -> str:
    """log(value ratio) / log(size ratio) between the two greatest sizes."""
    if len(curve) < 2:
        return ""
    small, large = sorted(curve)[-2:]
    return f"{math.log(curve[large] / curve[small]) / math.log(large / small):.2f}"


def disagreements(points: Sequence[Point]) -> list[str]:
    """What failed, and where the frameworks' losses differ by more than a thousandth."""
    told = {}
    losses: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    for point in points:
        label = f"{point.framework} {point.axis} {point.size}"
        if point.error:
            told[label] = f"{label}: {point.error}"
        elif point.loss is not None:
            losses[point.axis, point.size][point.framework] = point.loss
    for (axis, size), found in losses.items():
        middle = median(found.values())
        for framework, loss in found.items():
            if not abs(loss - middle) <= 1e-3 * max(abs(middle), 0.1):
                label = f"{framework} {axis} {size}"
                told[label] = f"{label}: loss {loss:.6g}, the others {middle:.6g}"
    return list(told.values())
