"""The roofline picture: what each instruction reaches, under what the machine allows.

Flops per byte to the right, flops per second upwards, both logarithmic. An instruction that moves
much for little work hangs under a slanted roof, that of memory or of the caches; one with much work
per byte under the flat one (Williams, Waterman & Patterson 2009, "Roofline: an insightful visual
performance model"). Area: its share of the time; what takes less than a thousandth is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np

from numflow.profiler.limits import Limits
from numflow.runtime.profile import RESOLUTION, Row

COLORS = {
    "cluster": "#3b77c2",
    "segments": "#23836b",
    "library": "#c2761b",
    "copy": "#777777",
    "fold": "#8a6fb5",
    "pack": "#b58a6f",
}
NAMED = 8  # instructions with a name beside them: those that take most of the time
LEAST = 1e-3  # part of the time from which an instruction is shown
LETTER, PIXELS = 6.0, 100 / 72  # pixels per letter of a name, and per point


def draw(
    name: str, rows: Sequence[Row], limits: Limits, path: str | PathLike[str] | None = None
) -> Any:
    """The picture as a matplotlib Figure, also in a file if path is given."""
    from matplotlib.figure import Figure  # late: it is heavy, and optional

    figure = Figure(figsize=(8.5, 5.5), layout="constrained")
    axes = figure.add_subplot()
    total = sum(row.seconds for row in rows) or 1.0
    least = max(RESOLUTION, LEAST * total)
    shown = [r for r in rows if r.flops and r.nbytes and r.seconds >= least]
    shown.sort(key=lambda row: -row.seconds)
    places = [(row.flops / row.nbytes, row.flops / row.seconds) for row in shown]
    left = min([x for x, _ in places] + [0.1]) / 2
    right = max([x for x, _ in places] + [limits.flops / limits.memory]) * 4
    lowest = min([y for _, y in places] + [limits.memory * left]) / 2
    axes.set(xscale="log", yscale="log", xlim=(left, right), ylim=(lowest, limits.flops * 4))
    _roofs(axes, limits, left, right)
    for row, place in zip(shown, places, strict=True):
        area = 20 + 900 * row.seconds / total
        color = COLORS[row.kind]
        axes.scatter(*place, s=area, c=color, alpha=0.75, edgecolors="white", zorder=3)
    for kind in dict.fromkeys(row.kind for row in shown):
        axes.scatter([], [], s=50, c=COLORS[kind], alpha=0.75, label=kind)
    axes.set_xlabel("flops per byte moved")
    axes.set_ylabel("flops per second")
    axes.set_title(f"{name}: {len(rows)} instructions, {total * 1e6:.1f} us; area is time")
    axes.grid(True, which="major", color="#e4e6ea", zorder=0)
    if shown:
        axes.legend(loc="lower right", frameon=False)
    _names(figure, axes, shown, places, total)
    if path is not None:
        figure.savefig(path, dpi=130)
    return figure


def _names(
    figure: Any,
    axes: Any,
    shown: Sequence[Row],
    places: Sequence[tuple[float, float]],
    total: float,
) -> None:
    """Names beside the points, the longest-running first, where there is room."""
    figure.draw_without_rendering()  # settles the layout, so that places in pixels are known
    pixels = axes.transData.transform(places) if places else []
    taken: list[tuple[float, float, float, float]] = []
    for row, place, (x, y) in zip(shown[:NAMED], places, pixels, strict=False):
        text = f"{row.number} {_short(row)} {row.seconds / total:.0%}"
        wide, away = len(text) * LETTER, 5 + 15 * (row.seconds / total) ** 0.5
        for side, dx, dy in (("left", away, -3), ("right", -away, -3), ("center", 0, away + 2),
                             ("center", 0, -away - 9)):  # fmt: skip
            begin = x + dx * PIXELS - {"left": 0, "right": wide, "center": wide / 2}[side]
            box = (begin, y + dy * PIXELS - 3, begin + wide, y + (dy + 9) * PIXELS)
            if not any(_meet(box, other) for other in taken):
                taken.append(box)
                axes.annotate(text, place, xytext=(dx, dy), textcoords="offset points", ha=side,
                              fontsize=8, zorder=4)  # fmt: skip
                break


def _meet(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _roofs(axes: Any, limits: Limits, left: float, right: float) -> None:
    """Lines of what memory, the caches of a core, and arithmetic allow."""
    x = np.geomspace(left, right, 400)
    more = {"textcoords": "offset points", "fontsize": 8, "color": "#444444"}
    for rate, what, style in (
        (limits.memory, "memory", "-"),
        (limits.cache, "caches of a core", "--"),
    ):
        axes.plot(x, np.minimum(x * rate, limits.flops), style, color="#444444", lw=1.2, zorder=2)
        at = min(left * 1.3, limits.flops / rate / 4)
        turn = {"rotation": 45, "rotation_mode": "anchor", "transform_rotates_text": True}
        text = f"{what} {rate / 1e9:.0f} GB/s"
        axes.annotate(text, (at, at * rate), xytext=(-3, 5), **turn, **more)
    text = f"a large matrix product, {limits.flops / 1e9:.0f} GFLOP/s"
    begin = max(left * 1.5, 1.3 * limits.flops / limits.cache)
    axes.annotate(text, (begin, limits.flops), xytext=(0, 5), **more)


def _short(row: Row) -> str:
    if row.kind == "library" or len(row.ops) == 1:
        return row.ops[0]
    return f"{row.kind} of {len(row.ops)} ops"
