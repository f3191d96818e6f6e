"""Wrappers of recurrent cells: dropout, residual connections, devices.

They wrap cells of Keras and of TensorFlow 1 alike: whatever has `state_size`, `output_size` and is
called with (inputs, state). A cell that can run a whole sequence at once says so by a method
`over`; with wrappers that leave its state alone it still can.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numflow import nest
from numflow.graph.tensor import Tensor
from numflow.keras.layers.layer import Layer
from numflow.ops import dropout as dropouts
from numflow.ops import random as randoms
from numflow.ops import recurrent, scopes
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.recurrent_panels import steps_of

__all__ = [
    "DeviceWrapper",
    "DropoutWrapper",
    "RNNCellDeviceWrapper",
    "RNNCellDropoutWrapper",
    "RNNCellResidualWrapper",
    "ResidualWrapper",
]

Over = Callable[..., tuple[Tensor, Any]]


class _Wrapper(Layer):
    """A cell around a cell."""

    def __init__(self, cell: Any, **kwargs: Any) -> None:
        if not hasattr(cell, "state_size") or not callable(cell):
            raise TypeError(
                f"{type(self).__name__}: an RNN cell is wanted: called with (inputs, state), with"
                f" state_size and output_size. Received: {cell!r}"
            )
        super().__init__(**kwargs)
        self.cell = cell
        self._casts = kwargs.get("dtype") is not None

    def _taken(self, value: Any) -> Any:
        """An argument; the cell inside has its dtype, a wrapper only one that it was given."""
        if self._casts:
            return super()._taken(value)
        return as_tensor(value) if isinstance(value, np.ndarray) else value

    @property
    def wrapped_cell(self) -> Any:
        return self.cell

    @property
    def state_size(self) -> Any:
        return self.cell.state_size

    @property
    def output_size(self) -> Any:
        return self.cell.output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The cell's initial state of zeros."""
        return self.cell.zero_state(batch_size, dtype)

    def get_initial_state(
        self, inputs: Any = None, batch_size: Any = None, dtype: Any = None
    ) -> Any:
        """The cell's initial state."""
        if hasattr(self.cell, "zero_state"):
            return self.cell.get_initial_state(inputs, batch_size, dtype)
        return self.cell.get_initial_state(batch_size=batch_size)

    def build(self, input_shape: Any) -> None:
        waits = not getattr(self.cell, "_fixed", True)  # its dtype is that of its first inputs
        if isinstance(self.cell, Layer) and not self.cell.built and not waits:
            self.cell.build(input_shape)
            self.cell.built = True
        self.built = True

    @property
    def over(self) -> Over | None:
        """Runs a whole sequence, where the cell can."""
        inner = getattr(self.cell, "over", None)
        return None if inner is None else lambda *a, **k: self._over(inner, *a, **k)

    def _over(self, inner: Over, x: Tensor, state: Any, **options: Any) -> tuple[Tensor, Any]:
        return inner(x, state, **options)


class DropoutWrapper(_Wrapper):
    """Dropout of a cell's inputs, outputs and state.

    Args:
      cell: the cell.
      input_keep_prob, output_keep_prob, state_keep_prob: share of elements that stay; numbers or
        scalar tensors.
      variational_recurrent: the same elements are dropped in every step, and in every sequence of
        the batch; needs dtype, and input_size where inputs are dropped.
      seed: of the random numbers.
      dropout_state_filter_visitor: says of each part of the state whether it is dropped; default:
        all but the `c` of an LSTMStateTuple.

    Example:
      >>> cell = nf.keras.layers.GRUCell(4)
      >>> dropped = nf.nn.RNNCellDropoutWrapper(cell, output_keep_prob=0.5)
      >>> y, state = dropped(nf.ones([2, 3]), cell.get_initial_state(2))
      >>> y.shape
      TensorShape([2, 4])

    Source: Zaremba et al. 2014, "Recurrent Neural Network Regularization"; Gal & Ghahramani 2016
    (variational).
    """

    def __init__(
        self,
        cell: Any,
        input_keep_prob: Any = 1.0,
        output_keep_prob: Any = 1.0,
        state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False,
        input_size: Any = None,
        dtype: Any = None,
        seed: int | None = None,
        dropout_state_filter_visitor: Callable[[Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(cell, dtype=dtype, **kwargs)
        for name, p in (
            ("input_keep_prob", input_keep_prob),
            ("output_keep_prob", output_keep_prob),
            ("state_keep_prob", state_keep_prob),
        ):
            if isinstance(p, int | float) and not 0.0 <= p <= 1.0:
                raise ValueError(f"Parameter {name} must be between 0 and 1: {float(p)}")
        self.input_keep_prob, self.output_keep_prob = input_keep_prob, output_keep_prob
        self.state_keep_prob, self.variational_recurrent = state_keep_prob, variational_recurrent
        self.seed = seed
        self._chosen = dropout_state_filter_visitor or _all_but_cells
        self._noise: dict[str, list[Any]] = {}
        if variational_recurrent:
            if dtype is None:
                raise ValueError("When variational_recurrent=True, dtype must be provided")
            if _drops(input_keep_prob):
                if input_size is None:
                    raise ValueError(
                        "When variational_recurrent=True and input_keep_prob < 1.0 or is unknown,"
                        " input_size must be provided"
                    )
                self._noise["input"] = self._drawn([input_size], 0)
            self._noise["state"] = self._drawn(nest.flatten(cell.state_size), 1)
            self._noise["output"] = self._drawn(nest.flatten(cell.output_size), 2)

    def _drawn(self, sizes: Any, number: int) -> list[Any]:
        """A number for each element, the same for every step and sequence."""
        return [
            randoms.uniform((1, _columns(n)), dtype=self._dtype, seed=self._seed(3 * number + k))
            for k, n in enumerate(sizes)
        ]

    def _seed(self, number: int) -> int | None:
        return None if self.seed is None else self.seed + number

    def _dropped(self, x: Any, what: str, k: int, keep: Any, between: tuple[int, ...] = ()) -> Any:
        """x without the dropped elements; between: sizes of the axes before the columns."""
        if not _drops(keep):
            return x
        if not self.variational_recurrent:
            order = ("input", "state", "output").index(what)
            return dropouts.dropout(x, 1.0 - keep, seed=self._seed(10 * order + k))
        kept = selections.where(
            self._noise[what][k] < keep, shaping.ones((), x.dtype), shaping.zeros((), x.dtype)
        )
        return x * (kept if not between else shaping.expand_dims(kept, 0)) / keep

    def call(self, inputs: Any, state: Any, **kwargs: Any) -> Any:
        """(output, new state), of a step's inputs and the state before it."""
        x = nest.map_structure(lambda v: self._dropped(v, "input", 0, self.input_keep_prob), inputs)
        y, after = self.cell(x, state, **kwargs)
        if _drops(self.state_keep_prob):
            flat, chosen = nest.flatten(after), nest.flatten(_choices(after, self._chosen))
            kept = [
                self._dropped(s, "state", k, self.state_keep_prob) if drop else s
                for k, (s, drop) in enumerate(zip(flat, chosen, strict=True))
            ]
            after = nest.pack_sequence_as(after, kept)
        y = nest.map_structure(lambda v: self._dropped(v, "output", 0, self.output_keep_prob), y)
        return y, after

    @property
    def over(self) -> Over | None:
        """As of every wrapper, unless the state is dropped."""
        return None if _drops(self.state_keep_prob) else super().over

    def _over(self, inner: Over, x: Tensor, state: Any, **options: Any) -> tuple[Tensor, Any]:
        x = self._dropped(x, "input", 0, self.input_keep_prob, (1,))
        y, after = inner(x, state, **options)
        return self._dropped(y, "output", 0, self.output_keep_prob, (1,)), after


def _drops(keep: Any) -> bool:
    return isinstance(keep, Tensor) or keep < 1


def _columns(size: Any) -> int:
    """The last size of a TensorShape, or a number."""
    return int(size) if isinstance(size, int) else int(list(size)[-1])


def _all_but_cells(state: Any) -> Any:
    """Whether parts of a state are dropped: not the c of (c, h)."""
    fields = getattr(state, "_fields", ())
    return type(state)(c=False, h=True) if fields == ("c", "h") else True


def _choices(state: Any, chosen: Callable[[Any], Any]) -> Any:
    """What `chosen` says of each tensor of a state."""
    said = chosen(state)
    if isinstance(said, bool):
        if said and isinstance(state, list | tuple):
            parts = [_choices(s, chosen) for s in state]
            return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)
        return nest.map_structure(lambda _: said, state)
    return said


class ResidualWrapper(_Wrapper):
    """A cell whose inputs are added to its outputs.

    Args:
      cell: the cell.
      residual_fn: residual_fn(inputs, outputs), in place of the sum.

    Example:
      >>> cell = nf.nn.RNNCellResidualWrapper(nf.keras.layers.GRUCell(3))
      >>> cell(nf.ones([2, 3]), cell.get_initial_state(batch_size=2))[0].shape
      TensorShape([2, 3])

    Source: Wu et al. 2016, "Google's Neural Machine Translation System", section 3.1.
    """

    def __init__(
        self, cell: Any, residual_fn: Callable[[Any, Any], Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(cell, **kwargs)
        self._residual = residual_fn or _summed

    def call(self, inputs: Any, state: Any, **kwargs: Any) -> Any:
        """(output, new state), of a step's inputs and the state before it."""
        y, after = self.cell(inputs, state, **kwargs)
        return self._residual(inputs, y), after

    @property
    def over(self) -> Over | None:
        """As of every wrapper; a function of the user's sees single steps."""
        return super().over if self._residual is _summed else None

    def _over(self, inner: Over, x: Tensor, state: Any, **options: Any) -> tuple[Tensor, Any]:
        y, after = inner(x, state, **options)
        total = _summed(x, y)
        lengths = options.get("lengths")
        if lengths is not None:
            time_major = options.get("time_major", False)
            alive = recurrent.within("rnn", lengths, *steps_of(x.spec, time_major), time_major)
            total = selections.where(
                shaping.expand_dims(alive, 2), total, shaping.zeros_like(total)
            )
        return total, after


def _summed(inputs: Any, outputs: Any) -> Any:
    nest.assert_same_structure(inputs, outputs)

    def add(x: Any, y: Any) -> Any:
        if x.spec.shape != y.spec.shape:
            raise ValueError(
                "ResidualWrapper: inputs and outputs of the cell have the same shape. Received:"
                f" {x.spec}, {y.spec}"
            )
        return x + y

    return nest.map_structure(add, inputs, outputs)


class DeviceWrapper(_Wrapper):
    """A cell that runs on a device.

    Example:
      >>> cell = nf.nn.RNNCellDeviceWrapper(nf.keras.layers.GRUCell(3), "/cpu:0")
      >>> cell(nf.ones([2, 3]), cell.get_initial_state(batch_size=2))[0].shape
      TensorShape([2, 3])
    """

    def __init__(self, cell: Any, device: str, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self._device = device

    def call(self, inputs: Any, state: Any, **kwargs: Any) -> Any:
        """(output, new state), of a step's inputs and the state before it."""
        with scopes.device(self._device):
            return self.cell(inputs, state, **kwargs)


# nf.nn's names
RNNCellDeviceWrapper = DeviceWrapper
RNNCellDropoutWrapper = DropoutWrapper
RNNCellResidualWrapper = ResidualWrapper
