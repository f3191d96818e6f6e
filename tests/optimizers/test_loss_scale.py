"""LossScaleOptimizer: the inner optimizer's steps, but for those that are left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow import optimizers

BOTH = pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])
START = np.random.default_rng(37).normal(size=(5, 3))
GRADS = np.random.default_rng(41).normal(size=(7, 5, 3))


def run(optimizer: Any, v: Any, grads: Any, traced: bool) -> None:
    def step(g: Any) -> None:
        optimizer.apply_gradients([(g, v)])

    f: Any = nf.function(step) if traced else step
    for g in grads:
        f(nf.constant(g))


@BOTH
@pytest.mark.parametrize("name", ["SGD", "Adam", "Nadam"])
def test_steps_with_gradients_that_are_not_finite_are_left_out(name: str, traced: bool) -> None:
    """The scale halves then, and doubles after three others."""
    make = getattr(optimizers, name)
    scaled = optimizers.LossScaleOptimizer(make(0.1), initial_scale=8.0, dynamic_growth_steps=3)
    v = nf.Variable(START)
    bad = GRADS[0].copy()
    bad[1, 1], scale, seen = np.inf, 8.0, []
    for k, g in enumerate(GRADS):
        if k == 2:
            run(scaled, v, [bad], traced)
            scale /= 2
        run(scaled, v, [g * scale], traced)
        if k == 4:  # the third since the bad one
            scale *= 2
        seen.append(float(scaled.dynamic_scale))
    w = nf.Variable(START)
    run(make(0.1), w, GRADS, traced)
    np.testing.assert_allclose(v, w, 1e-6)
    assert seen == [8, 8, 4, 4, 8, 8, 8] and int(scaled.iterations) == 7
    assert int(scaled.step_counter) == 2
    assert float(scaled.scale_loss(nf.constant(2.0))) == 16


@BOTH
def test_slices(traced: bool) -> None:
    """A gradient that is rows; nan in one of them."""
    v = nf.Variable(START)
    scaled = optimizers.LossScaleOptimizer(optimizers.Adagrad(0.1), initial_scale=2.0)

    def step(rows: Any) -> None:
        scaled.apply_gradients([(nf.IndexedSlices(rows, nf.constant([1, 3, 1])), v)])

    f: Any = nf.function(step) if traced else step
    f(nf.constant(GRADS[0, :3] * 2))
    f(nf.constant(np.full((3, 3), np.nan)))
    w, adagrad = nf.Variable(START), optimizers.Adagrad(0.1)
    adagrad.apply_gradients([(nf.IndexedSlices(nf.constant(GRADS[0, :3]), [1, 3, 1]), w)])
    np.testing.assert_allclose(v, w, 1e-6)
    assert float(scaled.dynamic_scale) == 1


def test_the_inner_optimizer_shows_through(tmp_path: Path) -> None:
    """Its rate, its state in checkpoints, its configuration."""
    inner = optimizers.Adam(0.25, loss_scale_factor=4.0)
    scaled = optimizers.LossScaleOptimizer(inner, dynamic_growth_steps=2)
    assert inner.loss_scale_factor is None
    scaled.learning_rate = 0.125
    assert float(inner.learning_rate) == float(scaled.learning_rate) == 0.125
    v = nf.Variable(START)
    run(scaled, v, GRADS[:2], False)
    path = nf.train.Checkpoint(v=v, o=scaled).write(tmp_path / "a")
    twin = optimizers.LossScaleOptimizer.from_config(scaled.get_config())
    assert type(twin.inner_optimizer) is optimizers.Adam and twin.dynamic_growth_steps == 2
    other = nf.Variable(np.zeros_like(START))
    twin.build([other])
    nf.train.Checkpoint(v=other, o=twin).read(path).assert_consumed()
    assert float(twin.dynamic_scale) == 65536 and int(twin.iterations) == 2
    for a, b in zip(twin.variables, scaled.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_it_does_not_take() -> None:
    with pytest.raises(TypeError, match="inner_optimizer is float, no optimizer"):
        optimizers.LossScaleOptimizer(0.1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="LossScaleOptimizer: clipnorm is not an argument of it"):
        optimizers.LossScaleOptimizer(optimizers.SGD(0.1), clipnorm=1.0)
