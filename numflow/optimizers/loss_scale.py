"""LossScaleOptimizer: gradients of 16-bit floats kept away from 0 by a factor that finds itself.

The loss is multiplied by a scale, the gradients divided by it. A gradient that is not finite halves
the scale, and that step is left out; so many finite ones in a row double it.

Source: Micikevicius et al. 2018, "Mixed Precision Training", section 3.2; arranged as in
tf.keras.optimizers.LossScaleOptimizer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from numflow.eager.apply import eager
from numflow.eager.variable import Variable
from numflow.errors import explain
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.op import current, init_scope
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons
from numflow.ops import finite as finites
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops.convert import as_tensor
from numflow.optimizers.optimizer import Optimizer, Rate


class LossScaleOptimizer(Optimizer):
    """Another optimizer, behind a loss scale.

    Args:
      inner_optimizer: does the steps. Clipping, averages and the like are its settings; it must
        have no loss_scale_factor of its own.
      initial_scale: of the loss; better too large than too small.
      dynamic_growth_steps: after so many finite steps in a row the scale doubles.

    Raises:
      TypeError: inner_optimizer is none; another argument.

    Example:
      >>> w, optimizer = nf.Variable(1.0), nf.optimizers.LossScaleOptimizer(nf.optimizers.SGD(0.5))
      >>> scaled = optimizer.scale_loss(nf.constant(1.0))
      >>> steps = optimizer.apply_gradients([(scaled, w)])  # as if the gradient were 1
      >>> w.numpy().item(), optimizer.dynamic_scale.numpy().item()
      (0.5, 32768.0)
    """

    default_name = "loss_scale_optimizer"

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **extra: Any,
    ) -> None:
        if not isinstance(inner_optimizer, Optimizer):
            problem = f"inner_optimizer is {type(inner_optimizer).__name__}, no optimizer"
            raise TypeError(explain(type(self).__name__, problem))
        if extra:
            problem = f"{min(extra)} is not an argument of it"
            fix = "an argument of the inner optimizer"
            raise TypeError(explain(type(self).__name__, problem, fix=fix))
        super().__init__(0.0, name)
        self.inner_optimizer = inner_optimizer
        inner_optimizer.loss_scale_factor = None
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        with init_scope():
            self.step_counter = Variable(
                np.int32(0), trainable=False, name=f"{self.name}/step_counter"
            )
            self.dynamic_scale = Variable(
                np.float32(initial_scale), trainable=False, name=f"{self.name}/dynamic_scale"
            )

    # --- what the inner optimizer has ---

    @property
    def learning_rate(self) -> Any:
        """That of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        self.inner_optimizer.learning_rate = value

    lr = learning_rate

    @property
    def iterations(self) -> Any:
        """The steps of the inner optimizer: those that were not left out."""
        return self.inner_optimizer.iterations

    @property
    def variables(self) -> list[Any]:
        """The counter, the scale, and what the inner optimizer has."""
        return [self.step_counter, self.dynamic_scale, *self.inner_optimizer.variables]

    def build(self, variables: Iterable[Any]) -> None:
        """Make the inner optimizer's slots."""
        self.inner_optimizer.build(variables)

    def finalize_variable_values(self, var_list: Iterable[Any]) -> None:
        """See the inner optimizer's."""
        self.inner_optimizer.finalize_variable_values(var_list)

    # --- a step ---

    def scale_loss(self, loss: Any) -> Any:
        """loss times the scale of now."""
        return loss * maths.cast(self.dynamic_scale, as_tensor(loss).dtype)

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Any]], name: str | None = None, **_: Any
    ) -> Any:
        """One step with gradients of the scaled loss; none if one of them is not finite.

        Returns:
          The inner optimizer's count of steps.

        Raises:
          ValueError: there is no pair, or no gradient at all.
        """
        pairs = self._connected(list(grads_and_vars))
        finite = _all_finite([g for g, _ in pairs])
        scaled = [(_unscaled(g, self.dynamic_scale), v) for g, v in pairs]
        self.build([v for _, v in pairs])
        grown = comparisons.equal(self.step_counter, self.dynamic_growth_steps - 1)
        factor = selections.where(finite, selections.where(grown, 2.0, 1.0), 0.5)
        if current() is eager:
            if finite:
                self.inner_optimizer.apply_gradients(scaled)
        else:
            self._if_finite(finite, scaled)
        started = selections.where(finite, grown, as_tensor(True))
        count = as_tensor(self.step_counter)
        self.step_counter.assign(selections.where(started, count * 0, count + 1))
        self.dynamic_scale.assign(self.dynamic_scale * factor)
        return self.inner_optimizer._iterations

    def _if_finite(self, finite: Any, pairs: list[tuple[Any, Any]]) -> None:
        """A trace does the step, and keeps what was there before if it is to be left out."""
        inner = self.inner_optimizer
        held = [x for x in vars(inner).values() if isinstance(x, Variable)]
        all_ = {id(v): v for v in (*(v for _, v in pairs), *inner.variables, *held)}
        before = [(v, v._as_tensor()) for v in all_.values()]
        inner.apply_gradients(pairs)
        for v, old in before:
            new = v._as_tensor()
            if new is not old:
                v.assign(selections.where(finite, new, old))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such an optimizer; the inner one by class and arguments."""
        inner = self.inner_optimizer
        return {
            "name": self.name,
            "inner_optimizer": {
                "class_name": type(inner).__name__,
                "config": inner.get_config(),
            },
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """An optimizer from what `get_config` gave; custom_objects: classes of users by name."""
        inner = config["inner_optimizer"]
        classes = {c.__name__: c for c in _subclasses(Optimizer)} | dict(custom_objects or {})
        made = classes[inner["class_name"]].from_config(inner["config"])
        return cls(**{**config, "inner_optimizer": made})


def _subclasses(of: type[Any]) -> Iterable[type[Any]]:
    for c in of.__subclasses__():
        yield c
        yield from _subclasses(c)


def _all_finite(grads: list[Any]) -> Any:
    """Whether all elements of all gradients are finite."""
    found: Any = as_tensor(True)
    for g in grads:
        x = as_tensor(g.values if isinstance(g, IndexedSlices) else g)
        found = selections.logical_and(found, reductions.reduce_all(finites.is_finite(x)))
    return found


def _unscaled(grad: Any, scale: Any) -> Any:
    """grad over the scale."""

    def over(x: Tensor) -> Tensor:
        return maths.divide(x, maths.cast(scale, x.dtype))

    return grad.map(over) if isinstance(grad, IndexedSlices) else over(as_tensor(grad))
