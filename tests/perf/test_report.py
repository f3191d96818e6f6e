"""The table: which variant stands for a framework, what a ratio is, what is said of failures."""

import pytest

from perf import goals
from perf.limits import Limits
from perf.report import collect, complaints, figure, table
from perf.rounds import Row

LIMITS = Limits(flop_per_second=4e11, bytes_per_second=6e10, vector_bits=512, threads=2)


def _row(framework: str, variant: str, number: int, seconds: float, loss: float = 1.145268) -> Row:
    return Row(framework, "W7", "train", variant, number, seconds, seconds, seconds, loss)


ROWS = [
    _row("numflow", "function", 0, 1e-3),
    _row("numflow", "function", 1, 4e-3),  # a slow moment, for the peer too
    _row("numflow", "function", 2, 1e-3),
    _row("jax", "jit", 0, 2e-3),
    _row("jax", "jit", 1, 8e-3),
    _row("jax", "jit", 2, 3e-3),
    _row("torch", "compile", 0, 1.9e-3),  # dropped after one round
    _row("torch", "eager", 0, 5e-3),
    _row("torch", "eager", 1, 5e-3),
    _row("torch", "eager", 2, 5e-3),
]


def _line(workload: str) -> goals.Line:
    return next(line for line in goals.LINES if line.workload == workload)


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    """A slow minute in the middle hits both alike and cancels."""
    found = figure(_line("W7"), collect(ROWS), LIMITS)
    assert found is not None
    assert found.times_peer == pytest.approx(2.0)
    assert found.seconds == 1e-3
    assert found.share == pytest.approx(_line("W7").flop / 1e-3 / 4e11)


def test_a_variant_dropped_after_one_round_does_not_stand_for_its_framework() -> None:
    """One lucky round is no median."""
    assert collect(ROWS)["W7", "train"]["torch"].variant == "eager"


def test_the_table_has_figures_ratio_and_verdict() -> None:
    text = table(ROWS, ["numflow", "jax", "torch"], LIMITS)
    line = text.splitlines()[2]
    assert "1,000" in line and "2.00x" in line and line.endswith("yes")
    assert "200 (eager)" in line


@pytest.mark.parametrize(
    ("ratio", "numpy", "seconds", "met"),
    [(4.1, None, 1e-6, True), (4.1, None, 3e-6, False), (3.9, None, 1e-6, False)],
)
def test_goal_of_ratio_and_time(ratio: float, numpy: None, seconds: float, met: bool) -> None:
    goal = goals.faster(4, at_most=2e-6)
    assert goal.met(goals.Figure(seconds, ratio, numpy, None)) is met


def test_a_goal_without_a_peer_cannot_be_told() -> None:
    """No peer installed: neither met nor missed."""
    assert goals.faster(4).met(goals.Figure(1e-6, None, 1.0, None)) is None
    assert goals.faster_or_share(1.6, 0.7).met(goals.Figure(1e-6, None, None, 0.5)) is None
    assert goals.faster_or_share(1.6, 0.7).met(goals.Figure(1e-6, None, None, 0.8)) is True


def test_a_wrong_loss_and_an_error_are_told_once() -> None:
    rows = [_row("jax", "jit", i, 1e-3, loss=1.2) for i in range(3)]
    rows += [Row("torch", "W7", "train", "compile", i, error="ValueError: no") for i in range(2)]
    assert complaints(rows) == [
        "jax W7 train jit: loss 1.2 after 20 steps, not 1.145268",
        "torch W7 train compile: ValueError: no",
    ]
