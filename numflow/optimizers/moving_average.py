"""ExponentialMovingAverage: variables that follow others slowly."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.eager.tensor import EagerTensor
from numflow.eager.variable import Variable
from numflow.errors import explain
from numflow.graph.op import init_scope
from numflow.ops import math as maths
from numflow.ops.convert import as_tensor


class ExponentialMovingAverage:
    """Averages of variables in which each `apply` counts 1 - decay, and what was before, decay.

    Args:
      decay: a number, tensor or variable; close to 1.
      num_updates: a count of steps, or None; with it decay is at most (1 + n) / (10 + n), so that
        averages move faster at first.
      zero_debias: TensorFlow's, for averages of tensors in graphs of version 1; changes nothing
        here, since an average starts from its variable's value.
      name: end of the averages' names.

    Example:
      >>> v, ema = nf.Variable(1.0), nf.train.ExponentialMovingAverage(0.75)
      >>> ema.apply([v])
      >>> _ = v.assign(5.0)
      >>> ema.apply([v])
      >>> ema.average(v).numpy().item()
      2.0

    Source: Polyak & Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging", with
    weights that fall exponentially.
    """

    def __init__(
        self,
        decay: Any,
        num_updates: Any = None,
        zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ) -> None:
        self._decay, self._num_updates, self._zero_debias = decay, num_updates, zero_debias
        self._name = name
        self._averages: dict[Any, Variable] = {}  # by reference of the variable

    @property
    def name(self) -> str:
        return self._name

    def apply(self, var_list: Iterable[Any] | None = None) -> None:
        """Let the averages follow; those that are new start from their variables' values.

        Args:
          var_list: floating variables. Default: all that an average is kept of.

        Raises:
          TypeError: something else than a floating variable.
        """
        chosen = [r.deref() for r in self._averages] if var_list is None else list(var_list)
        for v in chosen:
            self._check(v)
        for v in chosen:
            if v.ref() not in self._averages:
                with init_scope():
                    self._averages[v.ref()] = Variable(
                        EagerTensor(np.array(v._array)), trainable=False, name=self._own_name(v)
                    )
        decay: Any = maths.cast(as_tensor(self._decay), dtypes.float32)
        if self._num_updates is not None:
            n = maths.cast(as_tensor(self._num_updates), dtypes.float32)
            decay = maths.minimum(decay, (n + 1.0) / (n + 10.0))
        for v in chosen:
            average = self._averages[v.ref()]
            average.assign_sub((average - v) * maths.cast(1.0 - decay, v.dtype))

    def _check(self, v: Any) -> None:
        if not isinstance(v, Variable):
            shown = {"var_list": repr(v)[:200]}
            text = f"averages are kept of variables, not of {type(v).__name__}"
            raise TypeError(explain(type(self).__name__, text, shown))
        if not v.dtype.is_floating:
            text = f"variable {v.name} is {v.dtype.name}: an average is floating"
            raise TypeError(explain(type(self).__name__, text))

    def _own_name(self, v: Any) -> str:
        return f"{v.name.removesuffix(':0')}/{self._name}"

    def average(self, var: Any) -> Variable | None:
        """The variable that holds the average of var; None if there is none."""
        return self._averages.get(var.ref())

    def average_name(self, var: Any) -> str:
        """The name of that variable, without ":0", whether there is one yet or not."""
        found = self.average(var)
        return self._own_name(var) if found is None else found.name.removesuffix(":0")

    def variables_to_restore(
        self, moving_avg_variables: Iterable[Any] | None = None
    ) -> dict[str, Any]:
        """Under which name a checkpoint holds what each variable should become: its average.

        moving_avg_variables: default all that an average is kept of.
        """
        chosen = [r.deref() for r in self._averages]
        if moving_avg_variables is not None:
            chosen = list(moving_avg_variables)
        return {self.average_name(v): v for v in chosen}
