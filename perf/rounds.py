"""Rounds of child processes, frameworks in turn: a slow minute of the machine hits all alike."""

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from perf import sequences

ROOT = Path(__file__).resolve().parents[1]
PEER_FOLDER = Path(os.environ.get("PEERS") or Path(tempfile.gettempdir()) / "peers")
CHILD_LIMIT = 600  # seconds; torch.compile of eight graphs from nothing takes about 200
KEEP_WITHIN = (
    1.3  # a variant this much slower than its framework's best in the first round is not run again
)

# framework: program, environment under PEER_FOLDER (None: this Python), module that W15 imports
FRAMEWORKS: dict[str, tuple[str, str | None, str]] = {
    "numflow": ("with_numflow", None, "numflow"),
    "tensorflow": ("with_tensorflow", "tf", "tensorflow"),
    "jax": ("with_jax", "jax", "jax"),
    "torch": ("with_torch", "torch", "torch"),
    "onnxruntime": ("with_onnxruntime", "onnxruntime", "onnxruntime"),
    "numpy": ("with_numpy", None, "numpy"),
    "numba": ("with_numba", None, "numba"),
}
CACHE_FOLDERS = ("NUMFLOW_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR")
# The variant with the shortest first step; torch.compile needs ten times eager's.
FIRST_STEP = {
    "numflow": "function",
    "tensorflow": "function concrete",
    "jax": "jit",
    "torch": "eager",
}
IMPORT_PAIRS = 7
ROUNDS_AT_MOST = {"W16": 3}  # a gigabyte written by everyone, again and again, takes minutes
COMPILE, COMPILED = "deep-500", ("numflow", "tensorflow", "jax")
# These share a process.
TOGETHER = (
    ("W4", "W5", "W6", "W7"),
    ("W1", "eager"),
    ("W2", "stream", "W3"),
    ("adam", "sparse"),
    ("batchnorm", "pool", "resize"),
    ("attention", "ctc"),
)
# Whose first step and whose memory are measured, and how their lines call them.
FIRST_STEPS = {"W7": "first step", "W8": "first step of LeNet", "W10": "first step of LSTM"}
TRAINERS = {"W7": (*FIRST_STEP, "numpy"), "W8": tuple(FIRST_STEP)}
MEMORIES = {"W7": "trained", "W8": "trained LeNet"}
IMPORT_TIMER = "import time; t = time.perf_counter(); import {0}; print(time.perf_counter() - t)"


@dataclass(frozen=True)
class Row:
    """One measured figure of one round, or an error."""

    framework: str
    workload: str
    case: str
    variant: str
    round: int
    cost: float = float("nan")  # seconds of a call, or bytes of memory: the less, the better
    low: float = float("nan")
    high: float = float("nan")
    loss: float | None = None  # of a training workload
    movable: float | None = None  # bytes that the machine could have moved in the time of a call
    off: float | None = None  # error of another's result, in units of what is allowed
    error: str = ""


@dataclass
class Plan:
    """What to run, and what the first round has ruled out."""

    workloads: Sequence[str]
    frameworks: Sequence[str]
    rounds: int
    seconds: float
    threads: int
    keep: dict[str, dict[str, list[str]]] = field(
        default_factory=dict
    )  # framework -> workload -> variants


def interpreter(framework: str) -> Path | None:
    """The Python that has the framework; None if it is not installed."""
    environment = FRAMEWORKS[framework][1]
    if environment is None:
        return Path(sys.executable)
    python = PEER_FOLDER / environment / "bin" / "python"
    return python if python.exists() else None


def run_rounds(plan: Plan) -> Iterator[Row]:
    """Every row of every round, as it comes."""
    groups = _groups(plan.workloads)
    for number in range(plan.rounds):
        for group in groups:
            if number >= ROUNDS_AT_MOST.get(group[0], plan.rounds):
                continue
            rows: list[Row] = []
            for framework in plan.frameworks:
                run = SPECIAL.get(group[0])
                found = run(plan, framework) if run else _cases(plan, framework, group)
                for row in found:
                    rows.append(Row(framework=framework, round=number, **row))
                    yield rows[-1]
            if number == 0:
                _rule_out(plan, rows)


def _groups(names: Sequence[str]) -> list[list[str]]:
    """Some share a process, for an import may take seconds; the others have one each."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[next((together[0] for together in TOGETHER if name in together), name)].append(name)
    return list(groups.values())


def _rule_out(plan: Plan, rows: Sequence[Row]) -> None:
    """Keep, per framework and workload, the variants that were near the best in some case."""
    by_case: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if not row.error:
            by_case[row.framework, row.workload, row.case].append(row)
    kept: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for (framework, workload, _), found in by_case.items():
        best = min(row.cost for row in found)
        near = {row.variant for row in found if row.cost <= best * KEEP_WITHIN}
        kept[framework][workload] |= near
    for framework, chosen in kept.items():
        variants = {workload: sorted(names) for workload, names in chosen.items()}
        plan.keep.setdefault(framework, {}).update(variants)


def _cases(plan: Plan, framework: str, group: list[str]) -> Iterator[dict[str, Any]]:
    keep = json.dumps(plan.keep.get(framework, {}))
    arguments = ["cases", *group, "--seconds", str(plan.seconds), "--keep", keep]
    for row in child_rows(plan, framework, arguments):
        yield {"workload": group[0], "case": "", "variant": "", **row}


def _startup(plan: Plan, framework: str) -> Iterator[dict[str, Any]]:
    """W15: the import; first steps in a fresh process, with an empty cache and with a warm one."""
    name = FRAMEWORKS[framework][2]
    _import_seconds(plan, framework, name)  # writes the bytecode, and brings the files to memory
    imported = _import_seconds(plan, framework, name)
    yield {"workload": "W15", "case": "import", "variant": "", "cost": imported}
    if framework == "numflow":
        # One after the other, several times: the difference is a few milliseconds.
        pairs = (
            [_import_seconds(plan, framework, module) for module in (name, "numpy")]
            for _ in range(IMPORT_PAIRS)
        )
        beyond = median(ours - numpys for ours, numpys in pairs)
        yield {"workload": "W15", "case": "import beyond NumPy", "variant": "", "cost": beyond}
    if framework in FIRST_STEP:
        for workload in FIRST_STEPS:
            yield from _first_steps(plan, framework, workload)


def _first_steps(plan: Plan, framework: str, workload: str) -> Iterator[dict[str, Any]]:
    variant = FIRST_STEP[framework]
    with tempfile.TemporaryDirectory() as folder:
        caches = dict.fromkeys(CACHE_FOLDERS, folder)
        for state in ("empty", "warm"):
            if state == "warm" and not any(Path(folder).iterdir()):
                return  # this framework keeps nothing from one process to the next
            for row in child_rows(plan, framework, ["first", workload, variant], caches):
                case = f"{FIRST_STEPS[workload]}, {state} cache"
                common = {"workload": "W15", "case": case, "variant": variant}
                if "error" in row:
                    yield {**common, "error": row["error"]}
                else:
                    yield {**common, "cost": row["first"]}


def _compile(plan: Plan, framework: str) -> Iterator[dict[str, Any]]:
    """A step of 500 ops, from Python to its first loss, in a fresh process; empty, warm cache."""
    if framework not in COMPILED:
        return
    with tempfile.TemporaryDirectory() as folder:
        caches = dict.fromkeys(CACHE_FOLDERS, folder)
        for state in ("empty", "warm"):
            if state == "warm" and not any(Path(folder).iterdir()):
                return
            for row in child_rows(plan, framework, ["phases", COMPILE], caches):
                common = {"workload": "compile", "case": f"{state} cache", "variant": ""}
                if "error" in row:
                    yield {**common, "error": row["error"]}
                else:
                    yield {**common, "cost": row["phases"]["first"]}


def _memory(plan: Plan, framework: str) -> Iterator[dict[str, Any]]:
    """W17: what the process needs at most, after the import and after a training run.

    And what a call of attention needs at most, beside its operands.
    """
    for workload, case in MEMORIES.items():
        if framework not in TRAINERS[workload]:
            continue
        variant = FIRST_STEP.get(framework, framework)
        for row in child_rows(plan, framework, ["memory", workload, variant]):
            common = {"workload": "W17", "variant": variant}
            if "error" in row:
                yield {**common, "case": case, "error": row["error"]}
                continue
            if workload == "W7":
                yield {**common, "case": "imported", "cost": row["imported"]}
            yield {**common, "case": case, "cost": row["trained"]}
    for name in sequences.LONG if framework in FIRST_STEP else ():
        for row in child_rows(plan, framework, ["attention", name]):
            common = {"workload": "W17", "case": f"attention {name}", "variant": ""}
            if "error" in row:
                yield {**common, "error": row["error"]}
            else:
                yield {**common, "cost": row["needed"]}


# Workloads with a way of their own to be measured.
SPECIAL: dict[str, Callable[[Plan, str], Iterator[dict[str, Any]]]] = {
    "W15": _startup,
    "W17": _memory,
    "compile": _compile,
}


def _import_seconds(plan: Plan, framework: str, module: str) -> float:
    run = subprocess.run(
        [str(interpreter(framework)), "-c", IMPORT_TIMER.format(module)],
        cwd=ROOT,
        env=_environment(plan),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout)


def child_rows(
    plan: Plan, framework: str, arguments: list[str], environment: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    """The JSON lines of perf.child; one line with an error if it died or ran too long."""
    program = FRAMEWORKS[framework][0]
    command = [str(interpreter(framework)), "-m", "perf.child", program, *arguments]
    try:
        run = subprocess.run(
            command,
            cwd=ROOT,
            env=_environment(plan) | (environment or {}),
            capture_output=True,
            text=True,
            timeout=CHILD_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [{"error": f"took more than {CHILD_LIMIT} s"}]
    rows = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    if run.returncode:
        said = [line for line in run.stderr.splitlines() if any(map(str.isalpha, line))]
        rows.append({"error": f"exit status {run.returncode}: {(said or ['no message'])[-1]}"})
    return rows


def _environment(plan: Plan) -> dict[str, str]:
    """This process's environment with the same number of threads for every framework.

    Bytecode is written, as it is of an installed package: imports are measured with it.
    """
    names = ("OMP", "MKL", "OPENBLAS", "NUMBA", "NUMFLOW")
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return inherited | {f"{name}_NUM_THREADS": str(plan.threads) for name in names}
