"""Gradient descent, with momentum.

    momentum = 0      w -= rate * g
    else              m  = momentum * m - rate * g;   w += m
    nesterov          ...                             w += momentum * m - rate * g

Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning";
the arrangement is that of tf.keras.optimizers.SGD.
"""

from __future__ import annotations

from typing import Any

from numflow.errors import explain
from numflow.optimizers.optimizer import Optimizer, Rate


class SGD(Optimizer):
    """Gradient descent, with momentum.

    Example:
      >>> w = nf.Variable(1.0)
      >>> steps = nf.optimizers.SGD(0.5).apply_gradients([(nf.constant(1.0), w)])
      >>> w.numpy().item(), steps.numpy().item()
      (0.5, 1)
    """

    default_name = "SGD"

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "SGD",
        **extra: Any,
    ) -> None:
        if not 0 <= momentum <= 1:
            raise ValueError(explain("SGD", f"momentum must be between 0 and 1, not {momentum}"))
        super().__init__(
            learning_rate, name, weight_decay, clipnorm, clipvalue, global_clipnorm, **extra
        )
        self.momentum, self.nesterov = momentum, nesterov
        self.slots = ("momentum",) if momentum else ()
        self.still = self.linear = not momentum

    def update(self, grad: Any, variable: Any, rate: Any) -> None:
        step = grad * rate
        if not self.momentum:
            variable.assign_sub(step)
            return
        slot = self.slot(variable, "momentum")
        moved = slot * self.momentum - step
        slot.assign(moved)
        variable.assign_add(moved * self.momentum - step if self.nesterov else moved)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
