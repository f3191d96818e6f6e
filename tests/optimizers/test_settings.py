"""Ftrl, moving averages, several gradients for a step: against their formulas in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow import optimizers

RNG = np.random.default_rng(29)
START = RNG.normal(size=(3, 5))
GRADS = RNG.normal(size=(12, 3, 5))
BOTH = pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])


def steps(optimizer: Any, traced: bool, grads: Any = GRADS) -> Any:
    """The variable after all gradients, in float64."""
    v = nf.Variable(START)

    def step(g: Any) -> None:
        optimizer.apply_gradients([(g, v)])

    run: Any = nf.function(step) if traced else step
    for g in grads:
        run(nf.constant(g))
    return v


@BOTH
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"l1_regularization_strength": 0.05, "l2_regularization_strength": 0.1,
         "l2_shrinkage_regularization_strength": 0.2, "beta": 0.3, "learning_rate_power": -0.3},
    ],
    ids=["plain", "all"],
)  # fmt: skip
def test_ftrl(settings: dict[str, Any], traced: bool) -> None:
    """McMahan's algorithm, as Keras has it."""
    power = -settings.get("learning_rate_power", -0.5)
    l1, l2 = (settings.get(f"l{k}_regularization_strength", 0.0) for k in (1, 2))
    shrink, beta = (
        settings.get("l2_shrinkage_regularization_strength", 0.0),
        settings.get("beta", 0.0),
    )
    rate = float(np.float32(0.1))  # the rate is float32, as in Keras
    w, s, z = START.copy(), np.full_like(START, 0.1), np.zeros_like(START)
    for g in GRADS:
        grown = s + g * g
        z += g + 2 * shrink * w - (grown**power - s**power) / rate * w
        w = (np.clip(z, -l1, l1) - z) / (grown**power / rate + 2 * (l2 + beta / (2 * rate)))
        s = grown
    got = steps(optimizers.Ftrl(0.1, **settings), traced)
    np.testing.assert_allclose(got, w, 1e-6, 1e-7)
    assert l1 == 0 or (w == 0).sum() == (got.numpy() == 0).sum()


def test_ftrl_refuses_numbers_of_the_wrong_sign() -> None:
    with pytest.raises(
        ValueError, match="Ftrl: learning_rate_power must be <= 0\n  learning_rate_"
    ):
        optimizers.Ftrl(0.1, learning_rate_power=0.5)
    with pytest.raises(ValueError, match="Ftrl: beta must be >= 0"):
        optimizers.Ftrl(0.1, beta=-1.0)
    config = optimizers.Ftrl(0.1, beta=0.5, use_ema=True).get_config()
    assert optimizers.Ftrl.from_config(config).beta == 0.5 and config["use_ema"] is True


@BOTH
def test_averages_follow_and_take_over(traced: bool) -> None:
    """The first is the variable itself; each fourth step puts them in its place."""
    sgd = optimizers.SGD(
        0.5, momentum=0.5, use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=4
    )
    w, m, average = START.copy(), np.zeros_like(START), np.zeros_like(START)
    for t, g in enumerate(GRADS[:6]):
        m = 0.5 * m - 0.5 * g
        w = w + m
        average = w if t == 0 else 0.75 * average + 0.25 * w
        if (t + 1) % 4 == 0:
            w = average
    v = steps(sgd, traced, GRADS[:6])
    np.testing.assert_allclose(v, w, 1e-6)
    sgd.finalize_variable_values([v])
    np.testing.assert_allclose(v, average, 1e-6)
    with pytest.raises(ValueError, match="variable other:0 is unknown to the optimizer"):
        sgd.finalize_variable_values([nf.Variable(1.0, name="other")])


@BOTH
@pytest.mark.parametrize("name", ["Adam", "Nadam"])
def test_several_gradients_for_a_step(name: str, traced: bool) -> None:
    """Three calls with their gradients are one with the mean; between, nothing moves."""
    make = getattr(optimizers, name)
    several = make(0.1, gradient_accumulation_steps=3)
    want = steps(make(0.1), traced, GRADS.reshape(4, 3, 3, 5).mean(1))
    got = steps(several, traced)
    np.testing.assert_allclose(got, want, 1e-6)
    assert int(several.iterations) == 4 and int(several.variables[0]) == 12
    still = steps(make(0.1, gradient_accumulation_steps=3), traced, GRADS[:2])
    np.testing.assert_array_equal(still, START)


@BOTH
def test_a_scaled_loss_gives_the_same_step(traced: bool) -> None:
    sgd = optimizers.SGD(0.1, loss_scale_factor=8.0)
    assert float(sgd.scale_loss(nf.constant(2.0))) == 16.0
    want = steps(optimizers.SGD(0.1), traced)
    np.testing.assert_allclose(steps(sgd, traced, GRADS * 8.0), want, 1e-6)


def test_variables_without_weight_decay() -> None:
    """Those that are named, and those whose name holds a word."""
    made = [nf.Variable([1.0], name=n) for n in ("kernel", "bias", "scale")]
    sgd = optimizers.SGD(0.5, weight_decay=0.5)
    sgd.exclude_from_weight_decay(var_list=[made[2]], var_names=["bias"])
    sgd.apply_gradients([(nf.constant([0.0]), v) for v in made])
    assert [float(v[0]) for v in made] == [0.75, 1.0, 1.0]
    with pytest.raises(ValueError, match="exclude_from_weight_decay: the optimizer is built alre"):
        sgd.exclude_from_weight_decay(var_names=["kernel"])
