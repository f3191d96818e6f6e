"""The table: which variant stands for a framework, what a ratio is, what is said of failures."""

import pytest

from perf import goals
from perf.limits import Limits
from perf.report import collect, complaints, figure, table
from perf.rounds import Row
from perf.timing import SAMPLES, Case, measure

LIMITS = Limits(flop_per_second=4e11, vector_bits=512, threads=2)


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
    assert found.cost == 1e-3
    assert found.share == pytest.approx(_line("W7").work / 1e-3 / 4e11)


def test_a_share_of_bandwidth_is_of_what_was_measured_beside() -> None:
    """Three rounds, in which the machine moved more and less; the peers' rows have none."""
    line = _line("stream")
    rows = [
        Row("numflow", "stream", line.case, "function", k, 1e-3, movable=times * line.work)
        for k, times in enumerate((1.0, 1.25, 2.0))
    ]
    rows.append(Row("jax", "stream", line.case, "jit", 0, 2e-3))
    found = figure(line, collect(rows), LIMITS)
    assert found is not None and found.bandwidth is not None
    assert found.share == pytest.approx(0.8)
    assert found.bandwidth == pytest.approx(1.25 * line.work / 1e-3)
    assert f"80% of {found.bandwidth / 1e9:.0f} GB/s" in table(rows, ["numflow", "jax"], LIMITS)


def test_a_case_is_timed_between_two_measurements_of_bandwidth() -> None:
    """As many as samples, and one more."""
    asked: list[float] = []

    def bandwidth(seconds: float) -> float:
        asked.append(seconds)
        return 1e9 if len(asked) % 2 else 3e9

    timing = measure(Case("case", "variant", lambda: None), 0.01, bandwidth)
    assert len(asked) == SAMPLES + 1
    assert timing.movable == pytest.approx(2e9 * timing.seconds)


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


def test_a_wrong_result_is_told() -> None:
    """An error of more than its tolerance, or one that cannot be told from any number."""
    wrong = Row("torch", "W2", "gelu 16M", "eager", 0, 1e-3, off=3.0)
    lost = Row("jax", "W2", "gelu 16M", "jit", 0, 1e-3, off=float("nan"))
    right = Row("numflow", "W2", "gelu 16M", "function", 0, 1e-3, off=0.2)
    assert complaints([wrong, lost, right]) == [
        "torch W2 gelu 16M eager: wrong by 3 times what is allowed",
        "jax W2 gelu 16M jit: wrong by nan times what is allowed",
    ]


def test_a_goal_of_several_frameworks() -> None:
    """Each has its own factor; one that is missed decides, one that is missing leaves it open."""
    goal = goals.faster_than(torch=1, tensorflow=5)
    assert goal.text == "torch >= 1x, TF >= 5x"

    def met(**times: float) -> bool | None:
        return goal.met(goals.Figure(1e-6, None, None, None, times))

    assert met(torch=1.1, tensorflow=5.5, numpy=0.5) is True
    assert met(torch=1.1, tensorflow=4.5) is False
    assert met(tensorflow=4.5) is False
    assert met(tensorflow=5.5) is None


def test_a_goal_against_the_best_peer_and_another() -> None:
    """Both must be met; where one was not measured, nothing can be told."""
    goal = goals.faster(1.5, onnxruntime=1.2)
    assert goal.text == ">= 1.5x, ORT >= 1.2x"

    def met(peer: float | None, **times: float) -> bool | None:
        return goal.met(goals.Figure(1e-6, peer, None, None, times))

    assert met(1.6, onnxruntime=1.3) is True
    assert met(1.6, onnxruntime=1.1) is False
    assert met(1.4, onnxruntime=1.3) is False
    assert met(1.6) is None
    assert met(None, onnxruntime=1.3) is None


def test_a_goal_of_memory() -> None:
    """A share of the most frugal peer's: its ratio is the other way round."""
    goal = goals.less_memory(0.6)
    assert goal.met(goals.Figure(1e8, 1.7, None, None)) is True
    assert goal.met(goals.Figure(1e8, 1.6, None, None)) is False
    assert goal.met(goals.Figure(1e8, None, None, None)) is None


@pytest.mark.parametrize("line", goals.LINES, ids=lambda line: f"{line.workload} {line.case}")
def test_each_line_can_be_shown(line: goals.Line) -> None:
    """Its unit has a format, its bound is a limit."""
    text = table(
        [Row("numflow", line.workload, line.case, "function", 0, 1e-3)], ["numflow"], LIMITS
    )
    assert line.title in text
