"""From rows of all rounds to the table: medians, ratios to the best peer, share of the limit."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from perf import workloads
from perf.goals import FLOP, LINES, PEERS, Figure, Line
from perf.limits import Limits
from perf.rounds import Row


@dataclass(frozen=True)
class Best:
    """The fastest variant of one framework on one case: median over rounds, and each round's."""

    variant: str
    cost: float
    by_round: dict[int, float]
    movable: float | None = None  # bytes, in the time of a call


Results = dict[tuple[str, str], dict[str, Best]]  # (workload, case) -> framework -> best variant


def collect(rows: Iterable[Row]) -> Results:
    """Each framework's best variant of each case, by the median over rounds."""
    samples: dict[tuple[str, str, str, str], dict[int, float]] = defaultdict(dict)
    movable: dict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    for row in rows:
        if not row.error:
            key = row.workload, row.case, row.framework, row.variant
            samples[key][row.round] = row.cost
            if row.movable is not None:
                movable[key].append(row.movable)
    results: Results = defaultdict(dict)
    for (workload, case, framework, variant), by_round in samples.items():
        moved = movable.get((workload, case, framework, variant))
        best = Best(
            variant,
            statistics.median(by_round.values()),
            by_round,
            statistics.median(moved) if moved else None,
        )
        known = results[workload, case].get(framework)
        # A variant dropped after the first round must not win by that one round.
        rank = (-len(by_round), best.cost)
        if known is None or rank < (-len(known.by_round), known.cost):
            results[workload, case][framework] = best
    return results


def figure(line: Line, results: Results, limits: Limits | None) -> Figure | None:
    """numflow on this line, compared; None if it was not measured."""
    found = results.get((line.workload, line.case), {})
    ours = found.get("numflow")
    if ours is None:
        return None
    peers = [found[name] for name in PEERS if name in found]
    peer = min(peers, key=lambda best: best.cost, default=None)
    numpy = found.get("numpy")
    times = {name: _ratio(best, ours) for name, best in found.items() if name != "numflow"}
    return Figure(
        cost=ours.cost,
        times_peer=_ratio(peer, ours),
        times_numpy=_ratio(numpy, ours),
        share=_share(line, ours, limits),
        bandwidth=ours.movable / ours.cost if ours.movable else None,
        times={name: ratio for name, ratio in times.items() if ratio is not None},
    )


def _share(line: Line, ours: Best, limits: Limits | None) -> float | None:
    """Of what the machine moved around each sample, or of its peak."""
    if not line.work:
        return None
    if line.bound == FLOP:
        return line.work / ours.cost / limits.flop_per_second if limits else None
    return line.work / ours.movable if ours.movable else None


def _ratio(peer: Best | None, ours: Best) -> float | None:
    """The median of the rounds' ratios: rounds are close in time, so a slow minute cancels."""
    if peer is None:
        return None
    shared = peer.by_round.keys() & ours.by_round.keys()
    if not shared:
        return peer.cost / ours.cost
    return statistics.median(peer.by_round[r] / ours.by_round[r] for r in shared)


def table(rows: Sequence[Row], frameworks: Sequence[str], limits: Limits | None) -> str:
    """The table as text: one line per case that was measured."""
    results = collect(rows)
    head = [
        "",
        "workload",
        "unit",
        *frameworks,
        "x best peer",
        "x NumPy",
        "of limit",
        "goal",
        "met",
    ]
    body = [head]
    for line in LINES:
        found = results.get((line.workload, line.case))
        if not found:
            continue
        ours = figure(line, results, limits)
        goal = line.goal
        met = goal.met(ours) if goal and ours else None
        body.append(
            [
                line.workload,
                line.title,
                line.unit,
                *(_shown(line, found.get(name)) for name in frameworks),
                _times(ours.times_peer if ours else None),
                _times(ours.times_numpy if ours else None),
                _limit(ours),
                goal.text if goal else "",
                {True: "yes", False: "NO", None: "?" if goal else ""}[met],
            ]
        )
    return _columns(body)


def _shown(line: Line, best: Best | None) -> str:
    """A figure in the line's unit, and the variant that reached it."""
    if best is None:
        return "-"
    value = {
        "us": best.cost * 1e6,
        "ms": best.cost * 1e3,
        "steps/s": 1 / best.cost,
        "images/s": line.images / best.cost,
        "GFLOP/s": line.work / best.cost / 1e9,
        "GB/s": line.work / best.cost / 1e9,
        "MB": best.cost / 1e6,
    }[line.unit]
    text = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    plain = best.variant in ("", "function", "jit", "numpy", "njit")
    return text if plain else f"{text} ({best.variant})"


def _limit(ours: Figure | None) -> str:
    """The share of the limit; of memory also how fast it was."""
    if ours is None or ours.share is None:
        return ""
    beside = f" of {ours.bandwidth / 1e9:.0f} GB/s" if ours.bandwidth else ""
    return f"{ours.share:.0%}{beside}"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}x"


def _columns(body: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in body) for i in range(len(body[0]))]
    lines = []
    for row in body:
        cells = [
            cell.ljust(width) if i < 3 or i == len(row) - 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * len(max(lines, key=len)))
    return "\n".join(lines)


def complaints(rows: Iterable[Row]) -> list[str]:
    """What failed, and whose result or loss after 20 steps is not the reference: once each."""
    told = {}
    for row in rows:
        label = " ".join(filter(None, [row.framework, row.workload, row.case, row.variant]))
        if row.error:
            told[label] = f"{label}: {row.error}"
        elif row.off is not None and not row.off <= 1:
            told[label] = f"{label}: wrong by {row.off:.3g} times what is allowed"
        elif row.loss is not None:
            wanted = workloads.REFERENCE_LOSS[row.workload]
            tolerance = workloads.LOSS_TOLERANCES[row.workload]
            if not abs(row.loss - wanted) <= tolerance * max(wanted, 0.1):
                told[label] = f"{label}: loss {row.loss:.7g} after 20 steps, not {wanted:.7g}"
    return list(told.values())
