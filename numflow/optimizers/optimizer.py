"""What optimizers share: slots, the step count, the learning rate; variables without a gradient.

An optimizer is ordinary code on variables: eagerly it runs at once, in a traced step it becomes
part of the graph, and the updates of all variables one cluster. Slots are made at first use,
outside of any trace.

Source of behaviour and names: https://www.tensorflow.org/api_docs/python/tf/keras/optimizers/Optimizer
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from numflow import dtypes, nest
from numflow.eager.tape import GradientTape
from numflow.eager.tensor import EagerTensor
from numflow.eager.unconnected import why_unconnected
from numflow.eager.variable import Variable
from numflow.errors import ShapeError, explain
from numflow.graph.op import init_scope
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops.convert import as_tensor

Rate = Any  # a number, a variable, or a schedule: function of the step count


class Optimizer:
    """Abstract: a subclass defines `slots` and `update`.

    Args:
      learning_rate: a number (kept in a variable that may be assigned), or a function: of the step
        count (a schedule), or of nothing.
      name: for its variables.
      weight_decay: fraction of each variable taken off per step, times the learning rate.
      clipnorm, clipvalue, global_clipnorm: bounds of each gradient's norm, of each element, of the
        norm of all gradients together.
    """

    slots: tuple[str, ...] = ()
    default_name = "optimizer"

    def __init__(
        self,
        learning_rate: Rate,
        name: str | None = None,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        **extra: Any,
    ) -> None:
        _refuse(type(self).__name__, extra)
        self.name = name or self.default_name
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self._variables: list[Any] = []
        self._slots: dict[int, tuple[Any, dict[str, Variable]]] = {}  # by id of a variable
        with init_scope():
            self.iterations = Variable(np.int64(0), trainable=False, name=f"{self.name}/iterations")
            self._schedule: Callable[..., Any] | None = None
            self._rate: Variable | None = None
            if callable(learning_rate) and not isinstance(learning_rate, Variable):
                self._schedule = learning_rate
            elif isinstance(learning_rate, Variable):
                self._rate = learning_rate
            else:
                self._rate = self._rate_variable(learning_rate)

    # --- the learning rate ---

    @property
    def learning_rate(self) -> Any:
        """The variable, or the schedule's value for the step that comes."""
        return self._rate if self._rate is not None else self._scheduled()

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        if callable(value) and not isinstance(value, Variable):
            self._schedule, self._rate = value, None
        elif self._rate is None:
            self._schedule = None
            with init_scope():
                self._rate = self._rate_variable(value)
        else:
            self._rate.assign(value)

    lr = learning_rate

    def _rate_variable(self, value: Any) -> Variable:
        number = as_tensor(value, dtypes.float32, type(self).__name__, "learning_rate")
        return Variable(number, trainable=False, name=f"{self.name}/learning_rate")

    def _scheduled(self) -> Any:
        assert self._schedule is not None
        try:
            return self._schedule(self.iterations)
        except TypeError as e:
            if "positional argument" not in str(e):
                raise
            return self._schedule()

    def rate(self, dtype: dtypes.DType) -> Tensor:
        """The learning rate of this step, in a dtype."""
        return maths.cast(as_tensor(self.learning_rate), dtype)

    # --- slots ---

    def build(self, variables: Iterable[Any]) -> None:
        """Make the slots of these variables, all zeros."""
        with init_scope():
            for v in variables:
                if id(v) not in self._slots:
                    self._variables.append(v)
                    self._slots[id(v)] = v, {s: self.new_slot(v, s) for s in self.slots}

    def new_slot(self, variable: Any, slot: str) -> Variable:
        """A variable of zeros like variable."""
        zeros = np.zeros(variable._array.shape, variable._array.dtype)
        name = f"{self.name}/{variable.name.removesuffix(':0')}_{slot}"
        return Variable(EagerTensor(zeros), trainable=False, name=name)

    def slot(self, variable: Any, slot: str) -> Variable:
        """The slot of a variable, by name."""
        return self._slots[id(variable)][1][slot]

    get_slot = slot

    @property
    def variables(self) -> list[Any]:
        """The step count, the learning rate and the slots."""
        found: list[Any] = [self.iterations]
        if self._rate is not None:
            found.append(self._rate)
        for v in self._variables:
            found += self._slots[id(v)][1].values()
        return found

    # --- a step ---

    def minimize(
        self,
        loss: Any,
        var_list: Any,
        tape: GradientTape | None = None,
        grad_loss: Any = None,
        name: str | None = None,
    ) -> Any:
        """One step on loss: a function without arguments, or a tensor with the tape that saw it."""
        if callable(loss) and not isinstance(loss, Tensor):
            with GradientTape() as tape:
                loss = loss()
        elif tape is None:
            raise ValueError(explain("minimize", "a loss that is a tensor needs its tape"))
        variables = nest.flatten(var_list() if callable(var_list) else var_list)
        grads = tape.gradient(loss, variables, grad_loss)
        return self.apply_gradients(zip(grads, variables, strict=True))

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        name: str | None = None,
        **_: Any,
    ) -> Any:
        """One step.

        Args:
          grads_and_vars: (gradient, variable) pairs; a variable whose gradient is None stays.

        Returns:
          `iterations`.

        Raises:
          ValueError: there is no pair, or no gradient at all.
        """
        pairs = self._connected(list(grads_and_vars))
        variables = [v for _, v in pairs]
        self.build(variables)
        grads = self._clipped([_gradient(g, v) for g, v in pairs])
        self.prepare(variables)
        rates: dict[dtypes.DType, Tensor] = {}
        for g, v in zip(grads, variables, strict=True):
            rate = rates.get(v.dtype)
            if rate is None:
                rate = rates[v.dtype] = self.rate(v.dtype)
            if self.weight_decay:
                v.assign_sub(v * (rate * self.weight_decay))
            self.update(g, v, rate)
        self.iterations.assign_add(1)
        for v in variables:
            if v.constraint is not None:
                v.assign(v.constraint(v))
        return self.iterations

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> Any:
        """The same with two lists; the variables default to those of `build`."""
        variables = self._variables if trainable_variables is None else trainable_variables
        return self.apply_gradients(zip(grads, variables, strict=True))

    def prepare(self, variables: Sequence[Any]) -> None:
        """What an update needs once per step; by default nothing."""

    def update(self, grad: Any, variable: Any, rate: Any) -> None:
        """Let one variable and its slots follow a gradient."""
        raise NotImplementedError  # abstract

    def _connected(self, pairs: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
        """The pairs that have a gradient.

        Raises:
          ValueError: there is none.
          TypeError: one is not of a gradient and a variable.
        """
        if not pairs:
            raise ValueError(explain("apply_gradients", "there are no variables"))
        for _, v in pairs:
            if not isinstance(v, Variable):
                problem = f"{type(v).__name__} is no variable"
                raise TypeError(
                    explain("apply_gradients", problem, fix="pairs of gradient and variable")
                )
        lost = {v.name: why_unconnected(v) or "unknown reason" for g, v in pairs if g is None}
        if not lost:
            return pairs
        if len(lost) == len(pairs) or all(g is None for g, _ in pairs):
            raise ValueError(explain("apply_gradients", "no variable has a gradient", lost))
        text = explain("apply_gradients", "some variables have no gradient, and stay", lost)
        warnings.warn(text, UserWarning, stacklevel=4)
        return [(g, v) for g, v in pairs if g is not None]

    def _clipped(self, grads: list[Any]) -> list[Any]:
        if self.clipnorm:
            return [g * _shrink(_square_sum([g]), self.clipnorm) for g in grads]
        if self.global_clipnorm:
            factor = _shrink(_square_sum(grads), self.global_clipnorm)
            return [g * maths.cast(factor, g.dtype) for g in grads]
        if self.clipvalue:
            low, high = -self.clipvalue, self.clipvalue
            return [maths.minimum(maths.maximum(g, low), high) for g in grads]
        return grads

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such an optimizer."""
        rate = self._schedule if self._rate is None else float(self._rate.numpy())
        return {
            "name": self.name,
            "learning_rate": rate,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """An optimizer from what `get_config` gave."""
        return cls(**config)


_UNSERVED = {
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


def _refuse(name: str, extra: Mapping[str, Any]) -> None:
    """Refuse what would be ignored; jit_compile and the defaults of others change nothing.

    Raises:
      TypeError: an argument is unknown, or is not served.
    """
    for key, value in extra.items():
        if key != "jit_compile" and (key not in _UNSERVED or value != _UNSERVED[key]):
            what = "is not served" if key in _UNSERVED else "is not an argument of it"
            raise TypeError(explain(name, f"{key} {what}", {key: repr(value)}))


def _gradient(gradient: Any, variable: Any) -> Tensor:
    """gradient as a tensor of the variable's spec.

    Raises:
      ShapeError: it has another shape.
    """
    tensor = as_tensor(gradient, variable.dtype, "apply_gradients", "gradient")
    if tensor.spec.shape != variable.spec.shape:
        raise ShapeError(
            explain(
                "apply_gradients",
                f"the gradient's shape is not that of variable {variable.name}",
                {"variable": variable.spec, "gradient": tensor.spec},
            )
        )
    return tensor


def _square_sum(grads: Sequence[Any]) -> Any:
    total: Any = 0.0
    for g in grads:
        total = maths.cast(reductions.reduce_sum(g * g), grads[0].dtype) + total
    return total


def _shrink(square_sum: Tensor, bound: float) -> Tensor:
    """The factor that brings a norm down to bound; 1 where it is below."""
    return maths.divide(bound, maths.maximum(maths.sqrt(square_sum), bound))
