"""Relatives of Adam: AdamW, Adamax, Nadam, Lion.

    AdamW    Adam after w -= rate decay w
    Adamax   m as Adam;   u = max(b2 u, |g|);   w -= rate m / ((1 - b1^t) (u + epsilon))
    Nadam    m, v as Adam;   mu(t) = b1 (1 - 0.96^t / 2);   P(t) = mu(1) ... mu(t)
             m' = mu(t+1) m / (1 - P(t+1)) + (1 - mu(t)) g / (1 - P(t))
             w -= rate m' / (sqrt(v / (1 - b2^t)) + epsilon)
    Lion     w -= rate sign(b1 m + (1 - b1) g);   m = b2 m + (1 - b2) g

Source: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization"; Kingma & Ba 2015, section
7.1; Dozat 2016, "Incorporating Nesterov Momentum into Adam"; Chen et al. 2023, "Symbolic Discovery
of Optimization Algorithms"; arranged as in tf.keras.optimizers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.eager.variable import Variable
from numflow.graph.op import init_scope
from numflow.ops import math as maths
from numflow.ops import power, signs
from numflow.optimizers.adam import Adam
from numflow.optimizers.optimizer import Optimizer, Rate


class AdamW(Adam):
    """Adam with decoupled weight decay.

    Example:
      >>> w, optimizer = nf.Variable([1.0, -2.0]), nf.optimizers.AdamW(0.1)
      >>> for _ in range(2):
      ...     steps = optimizer.apply_gradients([(w * 2, w)])  # the gradient of w^2
      >>> [round(float(x), 4) for x in w.numpy()]
      [0.7997, -1.7986]
    """

    default_name = "adamw"

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "adamw",
        **extra: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            name,
            **extra,
        )


class _Moments(Optimizer):
    """What Adamax and Nadam share: their arguments, and the step count in each dtype."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(
            learning_rate, name, weight_decay, clipnorm, clipvalue, global_clipnorm, **extra
        )
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def step(self, dtype: dtypes.DType) -> Any:
        """The number of this step, from 1."""
        return maths.cast(maths.add(self.iterations, 1), dtype)

    def get_config(self) -> dict[str, Any]:
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


class Adamax(_Moments):
    """Adam with the largest gradient in place of the mean square.

    Example:
      >>> w, optimizer = nf.Variable([1.0, -2.0]), nf.optimizers.Adamax(0.1)
      >>> for _ in range(2):
      ...     steps = optimizer.apply_gradients([(w * 2, w)])  # the gradient of w^2
      >>> [round(float(x), 4) for x in w.numpy()]
      [0.8052, -1.8025]
    """

    default_name = "adamax"
    slots = ("momentum", "norm")

    def update(self, grad: Any, variable: Any, rate: Any) -> None:
        m, u = self.slot(variable, "momentum"), self.slot(variable, "norm")
        m.assign_add((grad - m) * (1 - self.beta_1))
        u.assign(maths.maximum(u * self.beta_2, signs.abs(grad)))
        first = 1 - power.pow(self.beta_1, self.step(variable.dtype))
        variable.assign_sub(rate * m / (first * (u + self.epsilon)))


class Nadam(_Moments):
    """Adam with Nesterov's momentum.

    Example:
      >>> w, optimizer = nf.Variable([1.0, -2.0]), nf.optimizers.Nadam(0.1)
      >>> for _ in range(2):
      ...     steps = optimizer.apply_gradients([(w * 2, w)])  # the gradient of w^2
      >>> [round(float(x), 4) for x in w.numpy()]
      [0.8202, -1.8182]
    """

    default_name = "nadam"
    slots = ("momentum", "velocity")

    def build(self, variables: Any) -> None:
        super().build(variables)
        if not hasattr(self, "_product"):
            with init_scope():
                name = f"{self.name}/u_product"
                self._product = Variable(np.float32(1), trainable=False, name=name)

    def prepare(self, variables: Sequence[Any]) -> None:
        """Let P(t) go one step on."""
        product = self.own(self._product)
        product.assign(product * self._mu(self.step(dtypes.float32)))

    def _mu(self, t: Any) -> Any:
        return self.beta_1 * (1 - 0.5 * power.pow(0.96, t))

    def update(self, grad: Any, variable: Any, rate: Any) -> None:
        m, v = self.slot(variable, "momentum"), self.slot(variable, "velocity")
        m.assign_add((grad - m) * (1 - self.beta_1))
        v.assign_add((grad * grad - v) * (1 - self.beta_2))
        t = self.step(variable.dtype)
        now, after = self._mu(t), self._mu(t + 1)
        product = maths.cast(self.own(self._product), variable.dtype)
        ahead = after * m / (1 - product * after) + (1 - now) * grad / (1 - product)
        mean_square = v / (1 - power.pow(self.beta_2, t))
        variable.assign_sub(ahead * rate / (maths.sqrt(mean_square) + self.epsilon))


class Lion(Optimizer):
    """Steps of one size, in the sign of a mean of gradients.

    Example:
      >>> w, optimizer = nf.Variable([1.0, -2.0]), nf.optimizers.Lion(0.1)
      >>> for _ in range(2):
      ...     steps = optimizer.apply_gradients([(w * 2, w)])  # the gradient of w^2
      >>> [round(float(x), 4) for x in w.numpy()]
      [0.8, -1.8]
    """

    default_name = "lion"
    slots = ("momentum",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str = "lion",
        **extra: Any,
    ) -> None:
        super().__init__(
            learning_rate, name, weight_decay, clipnorm, clipvalue, global_clipnorm, **extra
        )
        self.beta_1, self.beta_2 = beta_1, beta_2

    def update(self, grad: Any, variable: Any, rate: Any) -> None:
        m = self.slot(variable, "momentum")
        variable.assign_sub(rate * signs.sign(m * self.beta_1 + grad * (1 - self.beta_1)))
        m.assign(m * self.beta_2 + grad * (1 - self.beta_2))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}
