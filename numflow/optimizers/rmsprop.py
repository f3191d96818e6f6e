"""RMSprop: steps scaled by the root of a running mean of squared gradients.

    v = rho v + (1 - rho) g^2;   a = rho a + (1 - rho) g          a only if centered
    s = rate g / sqrt(v - a^2 + epsilon);   m = momentum m + s;   w -= m

Source: Hinton 2012, "Neural Networks for Machine Learning", lecture 6e; Graves 2013, "Generating
Sequences With Recurrent Neural Networks", equation 38; arranged as in tf.keras.optimizers.RMSprop.
"""

from __future__ import annotations

from typing import Any

from numflow.ops import math as maths
from numflow.optimizers.optimizer import Optimizer, Rate


class RMSprop(Optimizer):
    """RMSprop, optionally centered and with momentum.

    Example:
      >>> w, optimizer = nf.Variable([1.0, -2.0]), nf.optimizers.RMSprop(0.1)
      >>> for _ in range(2):
      ...     steps = optimizer.apply_gradients([(w * 2, w)])  # the gradient of w^2
      >>> [round(float(x), 4) for x in w.numpy()]
      [0.4989, -1.4739]
    """

    default_name = "rmsprop"

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "rmsprop",
        **extra: Any,
    ) -> None:
        super().__init__(
            learning_rate, name, weight_decay, clipnorm, clipvalue, global_clipnorm, **extra
        )
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        self.steady = not momentum
        self.slots = ("velocity",)
        self.slots += ("momentum",) if momentum else ()
        self.slots += ("average_gradient",) if centered else ()

    def update(self, grad: Any, variable: Any, rate: Any) -> None:
        v = self.slot(variable, "velocity")
        v.assign(v * self.rho + grad * grad * (1 - self.rho))
        spread: Any = v
        if self.centered:
            a = self.slot(variable, "average_gradient")
            a.assign(a * self.rho + grad * (1 - self.rho))
            spread = v - maths.square(a)
        step = rate * grad / maths.sqrt(spread + self.epsilon)
        if self.momentum:
            m = self.slot(variable, "momentum")
            m.assign(m * self.momentum + step)
            step = m
        variable.assign_sub(step)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
