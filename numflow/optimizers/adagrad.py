"""Adagrad and Adadelta: steps scaled by all squared gradients so far, or by a running mean of them.

    Adagrad    s += g^2;   w -= rate g / sqrt(s + epsilon)
    Adadelta   s = rho s + (1 - rho) g^2;   d = g sqrt(u + epsilon) / sqrt(s + epsilon)
               u = rho u + (1 - rho) d^2;   w -= rate d

Source: Duchi et al. 2011, "Adaptive Subgradient Methods"; Zeiler 2012, "ADADELTA"; arranged as in
tf.keras.optimizers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.eager.tensor import EagerTensor
from numflow.eager.variable import Variable
from numflow.ops import math as maths
from numflow.optimizers.optimizer import Optimizer, Rate


class Adagrad(Optimizer):
    """Adagrad; sums of squares start at initial_accumulator_value.

    Example:
      >>> w, optimizer = nf.Variable([1.0, -2.0]), nf.optimizers.Adagrad(0.1)
      >>> for _ in range(2):
      ...     steps = optimizer.apply_gradients([(w * 2, w)])  # the gradient of w^2
      >>> [round(float(x), 4) for x in w.numpy()]
      [0.8347, -1.8315]
    """

    default_name = "adagrad"
    slots = ("accumulator",)
    still = True

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "adagrad",
        **extra: Any,
    ) -> None:
        super().__init__(
            learning_rate, name, weight_decay, clipnorm, clipvalue, global_clipnorm, **extra
        )
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def new_slot(self, variable: Any, slot: str) -> Variable:
        made = super().new_slot(variable, slot)
        if slot not in self.slots:
            return made
        start = np.full(made._array.shape, self.initial_accumulator_value, made._array.dtype)
        made.assign(EagerTensor(start))
        return made

    def update(self, grad: Any, variable: Any, rate: Any) -> None:
        s = self.slot(variable, "accumulator")
        s.assign_add(grad * grad)
        variable.assign_sub(rate * grad / maths.sqrt(s + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }


class Adadelta(Optimizer):
    """Adadelta.

    Example:
      >>> w, optimizer = nf.Variable([1.0, -2.0]), nf.optimizers.Adadelta(0.1)
      >>> for _ in range(2):
      ...     steps = optimizer.apply_gradients([(w * 2, w)])  # the gradient of w^2
      >>> [round(float(x), 4) for x in w.numpy()]
      [0.9997, -1.9997]
    """

    default_name = "adadelta"
    slots = ("accumulated_grad", "accumulated_delta_var")
    steady = True

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "adadelta",
        **extra: Any,
    ) -> None:
        super().__init__(
            learning_rate, name, weight_decay, clipnorm, clipvalue, global_clipnorm, **extra
        )
        self.rho, self.epsilon = rho, epsilon

    def update(self, grad: Any, variable: Any, rate: Any) -> None:
        s = self.slot(variable, "accumulated_grad")
        u = self.slot(variable, "accumulated_delta_var")
        s.assign(s * self.rho + grad * grad * (1 - self.rho))
        delta = grad * maths.sqrt(u + self.epsilon) / maths.sqrt(s + self.epsilon)
        u.assign(u * self.rho + delta * delta * (1 - self.rho))
        variable.assign_sub(rate * delta)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
