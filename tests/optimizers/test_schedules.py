"""Schedules against their formulas."""

import math
from collections.abc import Callable

import numpy as np
import pytest

import numflow as nf
from numflow.optimizers import schedules

STEPS = [0, 1, 5, 6, 10, 15, 20, 33]


def restarts(t: float) -> float:
    k, start, length = 0, 0.0, 6.0
    while t >= start + length:
        start, length, k = start + length, length * 2.0, k + 1
    return 0.1 * 0.5**k * (0.9 * 0.5 * (1 + math.cos(math.pi * (t - start) / length)) + 0.1)


CASES: dict[str, tuple[schedules.LearningRateSchedule, Callable[[int], float]]] = {
    "exponential": (schedules.ExponentialDecay(0.1, 10, 0.5), lambda t: 0.1 * 0.5 ** (t / 10)),
    "staircase": (schedules.ExponentialDecay(0.1, 10, 0.5, True), lambda t: 0.1 * 0.5 ** (t // 10)),
    "inverse": (schedules.InverseTimeDecay(0.1, 10, 0.5), lambda t: 0.1 / (1 + 0.5 * t / 10)),
    "polynomial": (
        schedules.PolynomialDecay(0.1, 20, 0.01, 2.0),
        lambda t: 0.09 * (1 - min(t, 20) / 20) ** 2 + 0.01,
    ),
    "cycle": (
        schedules.PolynomialDecay(0.1, 8, 0.01, cycle=True),
        lambda t: 0.09 * (1 - t / (8 * max(1, math.ceil(t / 8)))) + 0.01,
    ),
    "piecewise": (
        schedules.PiecewiseConstantDecay([5, 15], [1.0, 0.5, 0.1]),
        lambda t: 1.0 if t <= 5 else 0.5 if t <= 15 else 0.1,
    ),
    "cosine": (
        schedules.CosineDecay(0.1, 20, 0.1),
        lambda t: 0.1 * (0.9 * 0.5 * (1 + math.cos(math.pi * min(t, 20) / 20)) + 0.1),
    ),
    "warmup": (
        schedules.CosineDecay(0.0, 20, warmup_target=0.1, warmup_steps=6),
        lambda t: 0.1 * t / 6 if t < 6 else 0.05 * (1 + math.cos(math.pi * min(t - 6, 20) / 20)),
    ),
    "restarts": (schedules.CosineDecayRestarts(0.1, 6, 2.0, 0.5, 0.1), restarts),
}


@pytest.mark.parametrize("case", CASES)
def test_formulas(case: str) -> None:
    schedule, formula = CASES[case]
    traced = nf.function(schedule)
    for t in STEPS:
        for f in (schedule, traced):
            got = f(nf.constant(t, nf.int64))
            assert got.dtype is nf.float32
            np.testing.assert_allclose(got, formula(t), rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_config_makes_another(case: str) -> None:
    schedule = CASES[case][0]
    twin = type(schedule).from_config(schedule.get_config())
    assert float(twin(7)) == float(schedule(7))


def test_boundaries_and_values_must_agree() -> None:
    with pytest.raises(ValueError, match="there must be one more value than boundaries"):
        schedules.PiecewiseConstantDecay([1], [1.0])
