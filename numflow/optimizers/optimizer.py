"""What optimizers share: slots, the step count, the learning rate; variables without a gradient.

An optimizer is ordinary code on variables: eagerly it runs at once, in a traced step it becomes
part of the graph, and the updates of all variables one cluster. Slots are made at first use,
outside of any trace.

A gradient that is IndexedSlices gives what its dense form gives, without being made dense. Rows of
equal index are added first. Formulas then run on the rows alone (drafts.py); where rows without a
gradient move too (momentum decays), they run once more on the whole with a gradient of 0, in
place. SGD without momentum and Adagrad touch no other rows. Keras 3 does not add rows first, and
squares them one by one where an index stands twice; then, and only then, results differ.

Source of behaviour and names: https://www.tensorflow.org/api_docs/python/tf/keras/optimizers/Optimizer
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from numflow import dtypes, nest
from numflow.eager.apply import eager
from numflow.eager.tape import GradientTape
from numflow.eager.tensor import EagerTensor
from numflow.eager.variable import Variable
from numflow.errors import explain
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.op import current, init_scope
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons, power
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.optimizers import gradients

if TYPE_CHECKING:
    from numflow.ops.rows import MergedRows
    from numflow.optimizers.drafts import Drafts

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
      use_ema, ema_momentum: keep a moving average of each variable, of that momentum, which
        `finalize_variable_values` puts in their place.
      ema_overwrite_frequency: it does so by itself each time after so many steps.
      loss_scale_factor: gradients are divided by it; `scale_loss` multiplies a loss by it.
      gradient_accumulation_steps: after so many calls one step is done, with the mean of their
        gradients.

    A subclass says by `still` that rows without a gradient do not move: by its formula, or since it
    is to be lazy, as momentum's and Ftrl's kernels of TensorFlow 1 are; by `steady` that only their
    slots do; by `linear` that a step is rate * gradient.
    """

    slots: tuple[str, ...] = ()
    default_name = "optimizer"
    still = False
    steady = False
    linear = False
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None

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
        for key, default in _MORE.items():
            setattr(self, key, extra.get(key, default))
        self._check_more()
        self._drafts: Drafts | None = None
        self._no_decay: tuple[list[Any], tuple[str, ...]] = [], ()
        self.name = name or self.default_name
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self._variables: list[Any] = []
        self._slots: dict[int, tuple[Any, dict[str, Variable]]] = {}  # by id of a variable
        with init_scope():
            self._iterations = Variable(
                np.int64(0), trainable=False, name=f"{self.name}/iterations"
            )
            self._schedule: Callable[..., Any] | None = None
            self._rate: Variable | None = None
            if callable(learning_rate) and not isinstance(learning_rate, Variable):
                self._schedule = learning_rate
            elif isinstance(learning_rate, Variable):
                self._rate = learning_rate
            else:
                self._rate = self._rate_variable(learning_rate)

    @property
    def iterations(self) -> Any:
        """The number of steps done: a variable. With gradient_accumulation_steps, calls are counted
        in that variable, and this is their number over that, rounded down."""
        if not self.gradient_accumulation_steps:
            return self._iterations
        return power.floordiv(self._iterations, self.gradient_accumulation_steps)

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
            return self._schedule(self._iterations)
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
        slots = self.slots
        slots += ("average",) if self.use_ema else ()
        slots += ("gradient_accumulator",) if self.gradient_accumulation_steps else ()
        with init_scope():
            for v in variables:
                if id(v) not in self._slots:
                    self._variables.append(v)
                    self._slots[id(v)] = v, {s: self.new_slot(v, s) for s in slots}

    def new_slot(self, variable: Any, slot: str) -> Variable:
        """A variable of zeros like variable."""
        zeros = np.zeros(variable._array.shape, variable._array.dtype)
        name = f"{self.name}/{variable.name.removesuffix(':0')}_{slot}"
        return Variable(EagerTensor(zeros), trainable=False, name=name)

    def slot(self, variable: Any, slot: str) -> Any:
        """The slot of a variable, by name; of a draft, the slot's draft."""
        drafts = getattr(variable, "drafts", None)
        if drafts is not None:
            return drafts.of(self._slots[id(variable.whole)][1][slot])
        return self._slots[id(variable)][1][slot]

    get_slot = slot

    def own(self, variable: Any) -> Any:
        """A variable as formulas may assign it: itself, or its draft."""
        return variable if self._drafts is None else self._drafts.of(variable)

    @property
    def variables(self) -> list[Any]:
        """The step count, the learning rate and the slots."""
        found: list[Any] = [self._iterations]
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
          grads_and_vars: (gradient, variable) pairs; a variable whose gradient is None stays. A
            gradient that is IndexedSlices is the sum of its rows: rows of equal index are added
            before a formula squares or compares them, so that the step is that of the dense
            gradient, as TensorFlow 1's optimizers take it. (Keras 3 squares such rows one by one,
            and its steps of Adam, Adagrad, RMSprop... differ from its own dense ones there; those
            of SGD do not. Where each index stands once, all are the same.)

        Returns:
          `iterations`.

        Raises:
          ValueError: there is no pair, or no gradient at all.

        Example:
          >>> w = nf.Variable([[1.0], [1.0]])
          >>> rows = nf.IndexedSlices(nf.constant([[2.0], [-0.5]]), nf.constant([1, 1]))
          >>> steps = nf.optimizers.Adam(0.1).apply_gradients([(rows, w)])  # of [[0], [1.5]]
          >>> [round(float(x), 3) for x in w.numpy().ravel()]
          [1.0, 0.9]
        """
        pairs = self._connected(list(grads_and_vars))
        variables = [v for _, v in pairs]
        self.build(variables)
        grads: list[Any] = [gradients.checked(g, v) for g, v in pairs]
        if self.loss_scale_factor is not None:
            grads = [g / self.loss_scale_factor for g in grads]
        if self.gradient_accumulation_steps:
            self._accumulate([as_tensor(g) for g in grads], variables)
        else:
            self._update(grads, variables)
        if self.use_ema:
            self._average()
        for v in variables:
            if v.constraint is not None:
                v.assign(v.constraint(v))
        self._iterations.assign_add(1)
        return self._iterations

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> Any:
        """The same with two lists; the variables default to those of `build`."""
        variables = self._variables if trainable_variables is None else trainable_variables
        return self.apply_gradients(zip(grads, variables, strict=True))

    def prepare(self, variables: Sequence[Any]) -> None:
        """What an update needs once per step; by default nothing."""

    def update(self, grad: Any, variable: Any, rate: Any) -> None:
        """Let one variable and its slots follow a gradient.

        variable may be a draft of the variable or of some of its rows, and grad a single 0.
        """
        raise NotImplementedError  # abstract

    def _update(self, grads: list[Any], variables: list[Any]) -> None:
        """One step on all variables."""
        clips = self.clipnorm or self.clipvalue or self.global_clipnorm
        if clips or not self.linear:
            grads = self._clipped(gradients.with_merged_rows(grads, variables))
        self.prepare(variables)
        rates: dict[dtypes.DType, Tensor] = {}
        for g, v in zip(grads, variables, strict=True):
            rate = rates.get(v.dtype)
            if rate is None:
                rate = rates[v.dtype] = self.rate(v.dtype)
            if isinstance(g, Tensor):
                self._decay(v, self.own(v), rate)
                self.update(g, self.own(v), rate)
            elif isinstance(g, IndexedSlices):
                self._decay(v, v, rate)
                v.scatter_sub(g * rate)
            else:
                self._update_rows(g, v, rate)

    def _update_rows(self, grad: MergedRows, variable: Any, rate: Any) -> None:
        """The rows that have a gradient, from the values before; the others with a gradient of 0,
        if that moves them."""
        from numflow.eager.variable_rows import put_rows  # few models have such gradients
        from numflow.ops.rows import rows_of
        from numflow.optimizers.drafts import Drafts

        drafts = Drafts(lambda v: rows_of(v._as_tensor(), grad.indices))
        draft = drafts.of(variable)
        self._decay(variable, draft, rate)
        self.update(maths.cast(grad.values, variable.dtype), draft, rate)
        new = drafts.changed()
        self._decay(variable, variable, rate)
        if not self.still:
            whole = Drafts(lambda v: v._as_tensor())
            self.update(maths.cast(0.0, variable.dtype), whole.of(variable), rate)
            for v, value in whole.changed():
                if v is not variable or not self.steady:
                    v.assign(value)
        for v, values in new:
            put_rows(v, grad.unique, values)

    def _decay(self, variable: Any, draft: Any, rate: Any) -> None:
        """Weight decay of a variable, in what stands for it."""
        if self.weight_decay and not self._without_decay(variable):
            draft.assign_sub(draft * (rate * self.weight_decay))

    def _without_decay(self, variable: Any) -> bool:
        found, words = self._no_decay
        return any(v is variable for v in found) or any(w in variable.name for w in words)

    def exclude_from_weight_decay(
        self, var_list: Iterable[Any] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Let some variables be without weight decay: these, and those whose name holds a word.

        Raises:
          ValueError: the optimizer is built already.
        """
        if self._variables:
            raise ValueError(
                explain("exclude_from_weight_decay", "the optimizer is built already",
                        fix="call it before `build` and before the first step")
            )  # fmt: skip
        self._no_decay = list(var_list or ()), tuple(var_names or ())

    # --- several calls for a step, averages, scales ---

    def _accumulate(self, grads: list[Tensor], variables: list[Any]) -> None:
        """A step each time after so many calls, else one more gradient in the sum."""
        steps = self.gradient_accumulation_steps
        sums = [self.slot(v, "gradient_accumulator") for v in variables]
        totals: list[Any] = [g + s for g, s in zip(grads, sums, strict=True)]
        now: Any = comparisons.equal((self._iterations + 1) % steps, 0)
        means = [t / steps for t in totals]
        if current() is eager:
            if now:
                self._update(means, variables)
            for s, t in zip(sums, totals, strict=True):
                s.assign(shaping.zeros_like(t) if now else t)
            return
        from numflow.optimizers.drafts import Drafts

        self._drafts = Drafts(lambda v: v._as_tensor())  # a trace does both, and chooses
        try:
            self._update(means, variables)
            for v, value in self._drafts.changed():
                v.assign(selections.where(now, value, v))
        finally:
            self._drafts = None
        for s, t in zip(sums, totals, strict=True):
            s.assign(selections.where(now, shaping.zeros_like(t), t))

    def _average(self) -> None:
        """Let the averages follow; now and then they take the variables' place."""
        often = self.ema_overwrite_frequency
        now: Any = comparisons.equal((self.iterations + 1) % often, 0) if often else None
        for v in self._variables:
            average = self.slot(v, "average")
            started = maths.cast(comparisons.not_equal(self.iterations, 0), v.dtype)
            keep = started * self.ema_momentum  # the first average is the variable itself
            average.assign(average * keep + v * (1 - keep))
            if now is None:
                continue
            if current() is not eager:
                v.assign(selections.where(now, average, v))
            elif now:
                v.assign(average)

    def finalize_variable_values(self, var_list: Iterable[Any]) -> None:
        """Put the averages in the variables' place, if there are any (use_ema).

        Raises:
          ValueError: a variable is unknown.
        """
        if not self.use_ema:
            return
        for v in var_list:
            if id(v) not in self._slots:
                text = f"variable {v.name} is unknown to the optimizer"
                raise ValueError(explain("finalize_variable_values", text))
            v.assign(self.slot(v, "average"))

    def scale_loss(self, loss: Any) -> Any:
        """loss times loss_scale_factor, which the gradients are divided by."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def _check_more(self) -> None:
        """Refuse settings that make no sense.

        Raises:
          ValueError: one does not.
        """
        often, steps = self.ema_overwrite_frequency, self.gradient_accumulation_steps
        text = ""
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            text = f"ema_momentum must be between 0 and 1, not {self.ema_momentum}"
        elif self.use_ema and often is not None and (not isinstance(often, int) or often < 1):
            text = f"ema_overwrite_frequency must be an integer of at least 1, not {often!r}"
        elif steps is not None and (not isinstance(steps, int) or steps < 2):
            text = f"gradient_accumulation_steps must be an integer of at least 2, not {steps!r}"
        if text:
            raise ValueError(explain(type(self).__name__, text))

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
        if all(g is not None for g, _ in pairs):
            return pairs
        from numflow.gradient.reasons import why_unconnected

        lost = {v.name: why_unconnected(v) or "unknown reason" for g, v in pairs if g is None}
        if len(lost) == len(pairs) or all(g is None for g, _ in pairs):
            raise ValueError(explain("apply_gradients", "no variable has a gradient", lost))
        text = explain("apply_gradients", "some variables have no gradient, and stay", lost)
        warnings.warn(text, UserWarning, stacklevel=4)
        return [(g, v) for g, v in pairs if g is not None]

    def _clipped(self, grads: list[Any]) -> list[Any]:
        if self.clipnorm:
            return gradients.by_norm(grads, self.clipnorm)
        if self.global_clipnorm:
            return gradients.by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue:
            return gradients.by_value(grads, self.clipvalue)
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
            **{key: getattr(self, key) for key in _MORE},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """An optimizer from what `get_config` gave."""
        return cls(**config)


_MORE: dict[str, Any] = {
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


def _refuse(name: str, extra: Mapping[str, Any]) -> None:
    """Refuse what would be ignored; jit_compile changes nothing.

    Raises:
      TypeError: an argument is unknown.
    """
    for key, value in extra.items():
        if key != "jit_compile" and key not in _MORE:
            raise TypeError(explain(name, f"{key} is not an argument of it", {key: repr(value)}))
