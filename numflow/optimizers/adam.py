"""Adam: steps by the mean of recent gradients, scaled by their mean square.

    m += (g - m)(1 - b1);   v += (g^2 - v)(1 - b2);   rate' = rate sqrt(1 - b2^t) / (1 - b1^t)
    w -= rate' m / (sqrt(v) + epsilon)          amsgrad: with the largest v so far in v's place

Source: Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization", the form before section 2.1;
Reddi et al. 2018, "On the Convergence of Adam and Beyond"; arranged as in tf.keras.optimizers.Adam.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow import dtypes
from numflow.ops import math as maths
from numflow.ops import power
from numflow.optimizers.optimizer import Optimizer, Rate


class Adam(Optimizer):
    """Adam, optionally with amsgrad.

    Example:
      >>> w, optimizer = nf.Variable([1.0, -2.0]), nf.optimizers.Adam(0.1)
      >>> for _ in range(2):
      ...     steps = optimizer.apply_gradients([(w * 2, w)])  # the gradient of w^2
      >>> [round(float(x), 4) for x in w.numpy()]
      [0.8004, -1.8002]
    """

    default_name = "adam"

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "adam",
        **extra: Any,
    ) -> None:
        super().__init__(
            learning_rate, name, weight_decay, clipnorm, clipvalue, global_clipnorm, **extra
        )
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.amsgrad = amsgrad
        self.slots = (
            ("momentum", "velocity", "velocity_hat") if amsgrad else ("momentum", "velocity")
        )
        self._corrections: dict[dtypes.DType, Any] = {}

    def prepare(self, variables: Sequence[Any]) -> None:
        """sqrt(1 - b2^t) / (1 - b1^t) of this step, in each dtype."""
        self._corrections = {}
        for dtype in dict.fromkeys(v.dtype for v in variables):
            t = maths.cast(maths.add(self.iterations, 1), dtype)
            first = maths.subtract(1, power.pow(self.beta_1, t))
            second = maths.subtract(1, power.pow(self.beta_2, t))
            self._corrections[dtype] = maths.divide(maths.sqrt(second), first)

    def update(self, grad: Any, variable: Any, rate: Any) -> None:
        m, v = self.slot(variable, "momentum"), self.slot(variable, "velocity")
        m.assign_add((grad - m) * (1 - self.beta_1))
        v.assign_add((grad * grad - v) * (1 - self.beta_2))
        if self.amsgrad:
            largest = self.slot(variable, "velocity_hat")
            largest.assign(maths.maximum(largest, v))
            v = largest
        alpha = rate * self._corrections[variable.dtype]
        variable.assign_sub(m * alpha / (maths.sqrt(v) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }
