"""Growth: points become curves, tables and pictures."""

import math
from pathlib import Path

import pytest

from perf import charts, growth, workloads
from perf.growth import STEPS, Point
from perf.rounds import Plan, run_rounds

POINTS = [
    Point("batch", 1, "numflow", STEPS, 1000.0, 2.0),
    Point("batch", 1, "numflow", STEPS, 3000.0, 2.0),
    Point("batch", 1, "numflow", STEPS, 2000.0, 2.0),
    Point("batch", 4, "numflow", STEPS, 500.0, 2.5),
    Point("batch", 4, "jax", STEPS, 400.0, 2.5),
    Point("batch", 4, "torch", STEPS, 300.0, 2.6),
    Point("batch", 16, "jax", STEPS, error="ValueError: no"),
]


def test_a_curve_is_the_median_over_the_rounds() -> None:
    found = growth.curves(POINTS, "batch")
    assert found["numflow", STEPS] == {1: 2000.0, 4: 500.0}
    assert found["jax", STEPS] == {4: 400.0}


def test_the_table_has_a_line_for_each_curve() -> None:
    """Sizes that nobody measured are left out; the exponent is that of the last step."""
    text = growth.table(growth.curves(POINTS, "batch"), growth.axes(2)["batch"])
    line = next(line for line in text.splitlines() if line.startswith("numflow"))
    assert line.split() == ["numflow", STEPS, "2,000", "500", "-1.00"]
    assert "16" not in text.splitlines()[1]


def test_what_failed_and_what_disagrees_is_told() -> None:
    assert growth.disagreements(POINTS) == [
        "jax batch 16: ValueError: no",
        "torch batch 4: loss 2.6, the others 2.5",
    ]


def test_pictures_of_steps_and_of_parts(tmp_path: Path) -> None:
    points = [
        Point("ops", size, framework, f"{part}, {state} cache", size * 1e-4)
        for size in (100, 1000)
        for framework in ("numflow", "jax")
        for part in growth.PARTS
        for state in ("empty", "warm")
    ]
    points += [Point("ops", size, "numpy", STEPS, 1e4 / size) for size in (100, 1000)]
    found = growth.curves(points, "ops")
    pictures = charts.draw(found, "ops", growth.axes(2)["ops"], tmp_path)
    assert [path.name for path in pictures] == ["ops.png", "ops-first.png", "ops-parts.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_growth_of_threads_on_this_machine() -> None:
    """Powers of two, and all."""
    assert growth.axes(1)["threads"].sizes == (1,)
    assert growth.axes(6)["threads"].sizes == (1, 2, 4, 6)


def test_a_round_of_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a process of its own: steps a second, and a loss."""
    small = growth.Axis("batch", (1, 2), "mlp-{}-3-1")
    monkeypatch.setattr(growth, "axes", lambda threads: {"batch": small})
    plan = Plan((), ["numpy"], rounds=1, seconds=1e-3, threads=1)
    points = list(growth.run_growth(plan, ["batch"]))
    assert [point.size for point in points] == [1, 2]
    assert all(point.value > 0 and point.loss and math.isfinite(point.loss) for point in points)


def test_a_round_of_the_table() -> None:
    """Through a process of its own; a check beside each figure."""
    plan = Plan(["eager"], ["numpy"], rounds=1, seconds=1e-3, threads=1)
    rows = list(run_rounds(plan))
    assert len(rows) == 3
    assert all(row.cost > 0 and row.off is not None and row.off <= 1 for row in rows)


@pytest.mark.parametrize("ops", [100, 500, 10_000])
def test_layers_of_a_program_of_so_many_ops(ops: int) -> None:
    layers = workloads.deep_layers(ops)
    assert layers * workloads.DEEP_OPS + workloads.DEEP_ENDS == pytest.approx(ops, rel=0.12)
