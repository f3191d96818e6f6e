"""train.ExponentialMovingAverage: against its formula, eagerly and traced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf

BOTH = pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])


@BOTH
@pytest.mark.parametrize("counted", [False, True])
def test_averages_follow_their_variables(counted: bool, traced: bool) -> None:
    """With a count of steps they are faster at first."""
    rng = np.random.default_rng(31)
    values = rng.normal(size=(7, 3, 5))
    v, count = nf.Variable(values[0], name="layer/kernel"), nf.Variable(0)
    ema = nf.train.ExponentialMovingAverage(0.9, count if counted else None)

    def step(value: Any) -> None:
        v.assign(value)
        ema.apply([v])
        count.assign_add(1)

    run: Any = nf.function(step) if traced else step
    ema.apply([v])
    average = values[0]
    for n, value in enumerate(values[1:]):
        run(nf.constant(value))
        decay = min(0.9, (1 + n) / (10 + n)) if counted else 0.9
        average = decay * average + (1 - decay) * value
    held = ema.average(v)
    assert held is not None and not held.trainable
    np.testing.assert_allclose(held, average, 1e-5, 1e-6)  # decay is float32, as in TensorFlow


def test_names() -> None:
    """TensorFlow's, before and after the average is made."""
    v = nf.Variable(1.0, name="layer/kernel")
    ema = nf.train.ExponentialMovingAverage(0.5, name="slow")
    assert ema.name == "slow" and ema.average(v) is None
    assert ema.average_name(v) == "layer/kernel/slow" and ema.variables_to_restore() == {}
    ema.apply([v])
    assert ema.average_name(v) == "layer/kernel/slow"
    assert ema.variables_to_restore() == {"layer/kernel/slow": v}
    other = nf.Variable(1.0, name="bias")
    assert ema.variables_to_restore([other]) == {"bias/slow": other}


@BOTH
def test_an_average_is_made_once(traced: bool) -> None:
    """In the first trace too."""
    v, ema = nf.Variable([1.0, 2.0]), nf.train.ExponentialMovingAverage(0.5)
    run: Any = nf.function(lambda: ema.apply([v])) if traced else lambda: ema.apply([v])
    run()
    held = ema.average(v)
    v.assign([3.0, 4.0])
    run()
    ema.apply()
    assert ema.average(v) is held and held.numpy().tolist() == [2.5, 3.5]


def test_what_has_no_average_is_refused() -> None:
    ema = nf.train.ExponentialMovingAverage(0.5)
    with pytest.raises(TypeError, match="averages are kept of variables, not of EagerTensor"):
        ema.apply([nf.constant(1.0)])
    with pytest.raises(TypeError, match="variable steps:0 is int32: an average is floating"):
        ema.apply([nf.Variable(1, name="steps")])
