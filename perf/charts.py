"""The curves of growth.py as pictures: both axes logarithmic, one line per framework or part."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from perf.growth import STEPS, Axis, Curves

COLOURS = {
    "numflow": "#d62728",
    "jax": "#1f77b4",
    "torch": "#ff7f0e",
    "tensorflow": "#2ca02c",
    "numpy": "#7f7f7f",
}
PART_COLOURS = {
    "trace": "#9467bd",
    "compile": "#1f77b4",
    "plan": "#2ca02c",
    "first": "#d62728",
}
STYLES = {"empty": "-", "warm": "--"}


def draw(found: Curves, name: str, axis: Axis, folder: Path) -> list[Path]:
    """The pictures of an axis, as PNG files in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _picture(lines, axis, title, unit, folder / f"{file}.png")
        for file, title, unit, lines in _pictures(found, name)
        if lines
    ]


Line = tuple[str, Mapping[int, float], dict[str, Any]]  # label, size -> value, style


def _pictures(found: Curves, name: str) -> Iterator[tuple[str, str, str, list[Line]]]:
    """File, title, unit and lines of each picture."""
    steps: list[Line] = [
        (framework, curve, _style(framework))
        for (framework, series), curve in found.items()
        if series == STEPS
    ]
    yield name, "Training steps a second", "steps/s", _numflow_first(steps)
    first: list[Line] = [
        (f"{framework}, {state} cache", curve, _style(framework) | {"linestyle": STYLES[state]})
        for (framework, series), curve in found.items()
        for state in STYLES
        if series == f"first, {state} cache"
    ]
    yield f"{name}-first", "From Python to the first loss", "seconds", _numflow_first(first)
    parts: list[Line] = [
        (series.replace("first", "whole first step"), curve, _part_style(series))
        for (framework, series), curve in found.items()
        if framework == "numflow" and series != STEPS
    ]
    yield f"{name}-parts", "numflow: parts of the first step", "seconds", parts


def _numflow_first(lines: Sequence[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: not line[0].startswith("numflow"))


def _style(framework: str) -> dict[str, Any]:
    ours = framework == "numflow"
    return {
        "color": COLOURS[framework],
        "linewidth": 2.5 if ours else 1.5,
        "zorder": 3 if ours else 2,
    }


def _part_style(series: str) -> dict[str, Any]:
    part, state = series.removesuffix(" cache").split(", ")
    return {"color": PART_COLOURS[part], "linestyle": STYLES[state]}


def _picture(lines: Sequence[Line], axis: Axis, title: str, unit: str, path: Path) -> Path:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

    figure, area = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for label, curve, style in lines:
        sizes = sorted(curve)
        area.plot(sizes, [curve[s] for s in sizes], marker="o", markersize=4, label=label, **style)
    area.set_xscale("log")
    area.set_yscale("log")
    sizes = sorted({size for _, curve, _ in lines for size in curve})
    area.set_xticks(sizes, [f"{size:,}" for size in sizes])
    area.xaxis.set_minor_locator(NullLocator())
    area.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    area.yaxis.set_minor_formatter(NullFormatter())
    area.set_xlabel(axis.title)
    area.set_ylabel(unit)
    area.set_title(title)
    area.grid(alpha=0.3)
    figure.legend(*area.get_legend_handles_labels(), loc="outside right center", frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path
