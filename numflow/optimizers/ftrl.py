"""FTRL-proximal: follow the regularised leader, which leaves most weights of a sparse model at 0.

    s' = s + g^2;   p = -learning_rate_power;   l2' = l2 + beta / (2 rate)
    z += g + 2 shrinkage w - (s'^p - s^p) / rate w
    w  = (clip(z, -l1, l1) - z) / (s'^p / rate + 2 l2');   s = s'

Source: McMahan et al. 2013, "Ad Click Prediction: a View from the Trenches", algorithm 1; arranged
as in tf.keras.optimizers.Ftrl. w follows from z and s alone: the first step takes a weight without
a gradient to 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.eager.tensor import EagerTensor
from numflow.eager.variable import Variable
from numflow.errors import explain
from numflow.ops import math as maths
from numflow.ops import power
from numflow.optimizers.optimizer import Optimizer, Rate


class Ftrl(Optimizer):
    """FTRL-proximal.

    Args:
      learning_rate_power: at most 0; how fast rates fall with the sum of squared gradients.
      initial_accumulator_value: what that sum starts from.
      l1_regularization_strength, l2_regularization_strength: penalties of |w| and w^2.
      l2_shrinkage_regularization_strength: a penalty of w^2 that only slows growth.
      beta: McMahan's beta.

    Example:
      >>> w, optimizer = nf.Variable([1.0, -2.0]), nf.optimizers.Ftrl(0.1)
      >>> for _ in range(2):
      ...     steps = optimizer.apply_gradients([(w * 2, w)])  # the gradient of w^2
      >>> [round(float(x), 4) for x in w.numpy()]
      [0.6858, -1.6771]
    """

    default_name = "ftrl"
    slots = ("accumulator", "linear")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "ftrl",
        **extra: Any,
    ) -> None:
        super().__init__(
            learning_rate, name, weight_decay, clipnorm, clipvalue, global_clipnorm, **extra
        )
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        wrong = [k for k, v in self._numbers().items() if (v > 0 if k in _FALLING else v < 0)]
        if wrong:
            problem = f"{wrong[0]} must be {'<=' if wrong[0] in _FALLING else '>='} 0"
            raise ValueError(explain("Ftrl", problem, {wrong[0]: self._numbers()[wrong[0]]}))

    def _numbers(self) -> dict[str, float]:
        return {
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }

    def new_slot(self, variable: Any, slot: str) -> Variable:
        made = super().new_slot(variable, slot)
        if slot == "accumulator":
            start = np.full(made._array.shape, self.initial_accumulator_value, made._array.dtype)
            made.assign(EagerTensor(start))
        return made

    def update(self, grad: Any, variable: Any, rate: Any) -> None:
        s, z = self.slot(variable, "accumulator"), self.slot(variable, "linear")
        pulled = grad + variable * (2 * self.l2_shrinkage_regularization_strength)
        grown = s + grad * grad
        after, before = self._root(grown), self._root(s)
        z.assign_add(pulled - (after - before) / rate * variable)
        l1, l2 = self.l1_regularization_strength, self.l2_regularization_strength
        quadratic = after / rate + 2 * (l2 + self.beta / (2 * rate))
        clipped = maths.minimum(maths.maximum(z, -l1), l1)
        variable.assign((clipped - z) / quadratic)
        s.assign(grown)

    def _root(self, x: Any) -> Any:
        """x to the power -learning_rate_power."""
        return (
            maths.sqrt(x)
            if self.learning_rate_power == -0.5
            else power.pow(x, -self.learning_rate_power)
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._numbers()}


_FALLING = ("learning_rate_power",)
