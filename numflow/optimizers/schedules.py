"""Learning rates as functions of the step count.

    ExponentialDecay        r0 d^(t / T)                 staircase: with the whole part of t / T
    InverseTimeDecay        r0 / (1 + d t / T)
    PolynomialDecay         (r0 - r1) (1 - t / T)^p + r1, t at most T
    PiecewiseConstantDecay  values[k], k = how many boundaries t has passed
    CosineDecay             r0 ((1 - a)(1 + cos(pi t / T)) / 2 + a), after an optional linear warmup
    CosineDecayRestarts     the same again and again, each period t_mul longer and m_mul lower

Source: the pages of tf.keras.optimizers.schedules; Loshchilov & Hutter 2017, "SGDR".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numflow import dtypes
from numflow.errors import explain
from numflow.ops import math as maths
from numflow.ops import power
from numflow.ops import select as selections
from numflow.ops import trigonometric as trig
from numflow.ops.convert import as_tensor


class LearningRateSchedule:
    """Abstract: a subclass defines __call__(step) and get_config()."""

    def __call__(self, step: Any) -> Any:
        """The rate of step number `step`, from 0."""
        raise NotImplementedError  # abstract

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a schedule."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A schedule from what `get_config` gave."""
        return cls(**config)


def _count(step: Any) -> Any:
    return maths.cast(as_tensor(step), dtypes.float32)


class ExponentialDecay(LearningRateSchedule):
    """r0 d^(t / T).

    Example:
      >>> from numflow.optimizers.schedules import ExponentialDecay
      >>> ExponentialDecay(0.5, decay_steps=10, decay_rate=0.5)(20).numpy().item()
      0.125
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step: Any) -> Any:
        passed = _count(step) / self.decay_steps
        passed = power.floor(passed) if self.staircase else passed
        return self.initial_learning_rate * power.pow(self.decay_rate, passed)


class InverseTimeDecay(LearningRateSchedule):
    """r0 / (1 + d t / T).

    Example:
      >>> rate = nf.optimizers.schedules.InverseTimeDecay(1.0, 10, 0.5)
      >>> [round(float(rate(step)), 4) for step in (0, 5, 10)]
      [1.0, 0.8, 0.6667]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step: Any) -> Any:
        passed = _count(step) / self.decay_steps
        passed = power.floor(passed) if self.staircase else passed
        return self.initial_learning_rate / (1 + self.decay_rate * passed)


class PolynomialDecay(LearningRateSchedule):
    """(r0 - r1) (1 - t / T)^p + r1; cycle: T is doubled, tripled... whenever t passes it.

    Example:
      >>> rate = nf.optimizers.schedules.PolynomialDecay(1.0, 10)
      >>> [round(float(rate(step)), 4) for step in (0, 5, 10)]
      [1.0, 0.5001, 0.0001]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power = end_learning_rate, power
        self.cycle, self.name = cycle, name

    def __call__(self, step: Any) -> Any:
        t = _count(step)
        total: Any = self.decay_steps
        if self.cycle:
            total = maths.maximum(power.ceil(t / total), 1.0) * total
        else:
            t = maths.minimum(t, total)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * power.pow(1 - t / total, self.power) + self.end_learning_rate


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[k], where k boundaries are below the step.

    Raises:
      ValueError: there is not one more value than boundaries.
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        if len(boundaries) + 1 != len(values):
            raise ValueError(
                explain(
                    "PiecewiseConstantDecay",
                    "there must be one more value than boundaries",
                    {"boundaries": list(boundaries), "values": list(values)},
                )
            )
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step: Any) -> Any:
        t = _count(step)
        rate: Any = as_tensor(self.values[-1], dtypes.float32)
        for boundary, value in reversed(list(zip(self.boundaries, self.values, strict=False))):
            rate = selections.where(t <= boundary, as_tensor(value, dtypes.float32), rate)
        return rate


class CosineDecay(LearningRateSchedule):
    """Half a cosine from r0 down to alpha r0; a warmup goes up linearly to warmup_target before.

    Example:
      >>> rate = nf.optimizers.schedules.CosineDecay(1.0, 10)
      >>> [round(float(rate(step)), 4) for step in (0, 5, 10)]
      [1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.alpha, self.name = alpha, name
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: Any) -> Any:
        t = _count(step)
        if self.warmup_target is None:
            return self._decayed(t, self.initial_learning_rate)
        rise = self.warmup_target - self.initial_learning_rate
        up = self.initial_learning_rate + rise * t / max(self.warmup_steps, 1)
        down = self._decayed(t - self.warmup_steps, self.warmup_target)
        return selections.where(t < self.warmup_steps, up, down)

    def _decayed(self, t: Any, start: float) -> Any:
        passed = maths.minimum(maths.maximum(t, 0.0), self.decay_steps) / self.decay_steps
        return start * _cosine(passed, self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Half a cosine, again and again.

    Example:
      >>> rate = nf.optimizers.schedules.CosineDecayRestarts(1.0, 10)
      >>> [round(float(rate(step)), 4) for step in (0, 5, 10)]
      [1.0, 0.5, 1.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate, self.first_decay_steps = (
            initial_learning_rate,
            first_decay_steps,
        )
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: Any) -> Any:
        passed = _count(step) / self.first_decay_steps
        if self.t_mul == 1.0:
            period = power.floor(passed)
            passed = passed - period
        else:  # period k begins at (1 - t_mul^k) / (1 - t_mul)
            growth = maths.log(1.0 - passed * (1.0 - self.t_mul)) / math.log(self.t_mul)
            period = power.floor(growth)
            length = power.pow(self.t_mul, period)
            passed = (passed - (1.0 - length) / (1.0 - self.t_mul)) / length
        height = power.pow(self.m_mul, period)
        return self.initial_learning_rate * height * _cosine(passed, self.alpha)


def _cosine(passed: Any, alpha: float) -> Any:
    return (1 - alpha) * 0.5 * (1.0 + trig.cos(math.pi * passed)) + alpha
