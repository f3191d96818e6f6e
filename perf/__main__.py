"""numflow side by side with TensorFlow, JAX, PyTorch and NumPy: ratios, goals, machine limits.

    python -m perf                                 all workloads, 5 rounds: about an hour
    python -m perf --workload W5 W7 --rounds 7
    python -m perf --quick                         one short round, to see that everything runs
    python -m perf --profile W7                    where the time of a call goes
    python -m perf --growth                        speed against batch, width, depth, threads, ops

A peer is measured if its environment exists (perf/README.md says how to make one).
"""

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from perf import charts, growth
from perf.goals import WORKLOADS
from perf.limits import measure_limits
from perf.profile import PROFILED, profile_workload
from perf.report import complaints, table
from perf.rounds import FRAMEWORKS, PEER_FOLDER, Plan, interpreter, run_rounds


def main() -> None:
    options = _options()
    if options.profile:
        print(profile_workload(options.profile))
        return
    here = [name for name in options.framework if interpreter(name)]
    for name in sorted(set(options.framework) - set(here)):
        print(f"{name} is left out: no environment {PEER_FOLDER / str(FRAMEWORKS[name][1])}")
    if options.growth is not None:
        _grow(options, here)
        return
    begin = time.monotonic()
    limits, measured = measure_limits(options.threads), 0
    plan = Plan(options.workload, here, options.rounds, options.seconds, options.threads)
    rows = []
    for row in run_rounds(plan):
        rows.append(row)
        if row.round != measured:  # again in every round: others may have been at work
            limits, measured = limits.best(measure_limits(options.threads)), row.round
        if options.json:
            with open(options.json, "a") as lines:
                lines.write(json.dumps(asdict(row)) + "\n")
        _progress(f"round {row.round + 1}/{plan.rounds}: {row.framework} {row.workload}")
    limits = limits.best(measure_limits(options.threads))
    print(
        f"\n{options.threads} threads, {limits.vector_bits}-bit vectors: at best "
        f"{limits.flop_per_second / 1e9:.0f} GFLOP/s of multiply-adds"
    )
    minutes = (time.monotonic() - begin) / 60
    print(
        f"Best variant of each, medians of {plan.rounds} interleaved rounds in {minutes:.0f} min:\n"
    )
    print(table(rows, here, limits))
    for complaint in complaints(rows):
        print(complaint)


def _grow(options: argparse.Namespace, here: list[str]) -> None:
    """Tables and pictures of how a step grows."""
    plan = Plan((), here, options.rounds, options.seconds, options.threads)
    every = growth.axes(options.threads)
    names = options.growth or list(every)
    points = []
    for point in growth.run_growth(plan, names):
        points.append(point)
        _progress(f"{point.axis} {point.size:,}: {point.framework}, {point.series}")
        if options.json:
            with open(options.json, "a") as lines:
                lines.write(json.dumps(asdict(point)) + "\n")
    print()
    for name in names:
        found = growth.curves(points, name)
        print(growth.table(found, every[name]))
        for picture in charts.draw(found, name, every[name], options.out):
            print(f"picture: {picture}")
        print()
    for complaint in growth.disagreements(points):
        print(complaint)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:60}", end="", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m perf",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--workload",
        nargs="+",
        choices=WORKLOADS,
        default=list(WORKLOADS),
        metavar="W",
        help=" ".join(WORKLOADS),
    )
    parser.add_argument(
        "--framework",
        nargs="+",
        choices=list(FRAMEWORKS),
        default=list(FRAMEWORKS),
        metavar="F",
        help=" ".join(FRAMEWORKS),
    )
    parser.add_argument("--rounds", type=int, help="default: 5, of --growth 1")
    parser.add_argument(
        "--seconds", type=float, default=0.4, help="measured time per case and round"
    )
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--quick", action="store_true", help="one round of 0.05 s per case")
    parser.add_argument("--json", metavar="FILE", help="append every row to this file")
    parser.add_argument("--profile", metavar="W", choices=PROFILED, help=" ".join(PROFILED))
    parser.add_argument(
        "--growth",
        nargs="*",
        metavar="AXIS",
        choices=list(growth.axes(1)),
        help=" ".join(growth.axes(1)),
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "out", help="folder of the pictures"
    )
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = 5 if options.growth is None else 1
    if options.quick:
        options.rounds, options.seconds = 1, 0.05
    return options


if __name__ == "__main__":
    main()
