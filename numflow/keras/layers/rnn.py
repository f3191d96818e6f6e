"""RNN: a layer that runs any cell over the steps of its inputs.

In a function a loop over Keras's cells with their usual activations, also over several on top of
each other, becomes the kernel of a whole sequence that the layers of recurrent.py run
(control/cells.py).
"""

from __future__ import annotations

from typing import Any

from numflow import nest
from numflow.eager.variable import Variable
from numflow.graph.op import init_scope
from numflow.graph.tensor import Tensor
from numflow.keras.layers.layer import Layer, call_parameters
from numflow.keras.layers.rnn_cells import GRUCell, LSTMCell, RecurrentCell, SimpleRNNCell
from numflow.keras.layers.stacked_cells import StackedRNNCells
from numflow.ops import comparisons, rearrange, unrolled
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor

__all__ = ["RNN"]


def _loop(*what: Any) -> Any:
    from numflow.control.recurrence import walked  # second derivatives of many steps are rare

    return walked(*what)


unrolled.set_loop(_loop)  # as numflow.control does, which layers do not wait for


class RNN(Layer):
    """A cell, or a list of cells on top of each other, over [batch, steps, ...].

    Args:
      cell: has `call(inputs, states)` that returns (output, new states), and `state_size`.
      return_sequences: the outputs of all steps [batch, steps, ...], not only of the last.
      return_state: also the last states, behind the output.
      go_backwards: from the last step to the first; outputs are in that order.
      stateful: a call begins with the states that the call before ended with.
      unroll: write out every step; else some steps may be written out, or become one kernel.
      zero_output_for_mask: the output of a masked step is 0, not that of the step before.

    Called with inputs, `mask` (bool [batch, steps]), `initial_state` (a list of tensors) and
    `training`.

    Example:
      >>> layer = nf.keras.layers.RNN(nf.keras.layers.LSTMCell(4), return_sequences=True)
      >>> layer(nf.ones([2, 5, 3])).shape
      TensorShape([2, 5, 4])
    """

    return_sequences = False

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(cell)
        for wanted in ("call", "state_size"):
            if not hasattr(cell, wanted):
                raise ValueError(
                    f"Argument `cell` should have a `{wanted}` "
                    f"{'method' if wanted == 'call' else 'attribute'}. Received: cell={cell}"
                )
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful = go_backwards, stateful
        self.unroll, self.zero_output_for_mask = unroll, zero_output_for_mask
        self.supports_masking = True
        size = cell.state_size
        self.single_state = isinstance(size, int)
        self.state_size: list[Any] = [size] if isinstance(size, int) else list(size)
        self.states: Any = None

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        if isinstance(sequences_shape, list) and sequences_shape:
            if isinstance(sequences_shape[0], list | tuple):
                sequences_shape = sequences_shape[0]
        step = (sequences_shape[0], *sequences_shape[2:])
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build(step)
            self.cell.built = True
        if self.stateful and self.states is None:
            if sequences_shape[0] is None:
                raise ValueError(
                    "When using `stateful=True` in a RNN, the batch size must be static. Found"
                    f" dynamic batch size: sequence.shape={sequences_shape}"
                )
            with init_scope():
                self.states = nest.map_structure(
                    lambda s: Variable(s, trainable=False, name="rnn_state"),
                    self.get_initial_state(sequences_shape[0]),
                )
        self.built = True

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """The cell's initial states, zeros if it says nothing."""
        given = getattr(self.cell, "get_initial_state", None)
        if given is None:
            return [shaping.zeros((batch_size, n), self.compute_dtype) for n in self.state_size]
        found = given(batch_size=batch_size)
        return list(found) if isinstance(found, list | tuple) else [found]

    def reset_state(self) -> None:
        """A stateful layer begins with zeros again."""
        for v in nest.flatten(self.states) if self.states is not None else []:
            v.assign(shaping.zeros_like(v))

    def reset_states(self) -> None:
        """As `reset_state`."""
        self.reset_state()

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = previous_mask if self.return_sequences else None
        return [mask, *[None] * len(self.state_size)] if self.return_state else mask

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, steps = sequences_shape[:2]
        size = getattr(self.cell, "output_size", None) or self.state_size[0]
        shape = (batch, steps, size) if self.return_sequences else (batch, size)
        if not self.return_state:
            return shape
        states = nest.map_structure(lambda n: (batch, n), self.state_size)
        return (shape, *states)

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        batch = sequences.spec.shape[0]
        states = initial_state
        if states is None:
            states = self.states if self.stateful else self.get_initial_state(batch)
        if not isinstance(states, list | tuple):
            states = [states]
        states = nest.map_structure(lambda s: maths.cast(as_tensor(s), self._dtype), list(states))
        self._check_batch(sequences, states)
        if mask is not None:
            mask = as_tensor(mask[0] if isinstance(mask, list | tuple) else mask)
            if not mask.dtype.is_bool:
                mask = comparisons.not_equal(mask, 0)
        given = initial_state is not None or self.stateful
        last, outputs, states = self.inner_loop(sequences, states, mask, bool(training), given)
        if self.stateful:
            for variable, value in zip(
                nest.flatten(self.states), nest.flatten(states), strict=True
            ):
                variable.assign(value)
        output = outputs if self.return_sequences else last
        return (output, *states) if self.return_state else output

    def _check_batch(self, sequences: Tensor, states: Any) -> None:
        if not self.stateful:
            return
        batch, expected = sequences.spec.shape[0], nest.flatten(states)[0].spec.shape[0]
        if batch != expected:
            raise ValueError(
                "If an RNN is stateful, the batch size of the input sequences must be the same as"
                f" the batch size of the initial state. \n- Expected batch size: {expected}\n"
                f"- Received batch size: {batch}"
            )

    def inner_loop(
        self, sequences: Tensor, initial_state: Any, mask: Any, training: bool, given: bool = True
    ) -> tuple[Any, Any, Any]:
        """(last output, outputs, last states); given: the initial states may be other than 0."""
        from numflow.control.recurrence import recur  # loops: layers with a kernel need none

        options: dict[str, Any] = {}
        if isinstance(self.cell, Layer) and "training" in call_parameters(type(self.cell)):
            options["training"] = training
        run = self.cell if callable(self.cell) else self.cell.call
        _forget(self.cell)
        if training:
            _draw(self.cell, sequences[:, 0], initial_state)

        def step(x: Any, states: Any) -> Any:
            output, after = run(x, states, **options)
            return output, list(after) if isinstance(after, list | tuple) else [after]

        last, outputs, states = recur(
            step,
            _turned(sequences),
            initial_state,
            mask=None if mask is None else _turned(mask),
            carry=not self.zero_output_for_mask,
            reverse=self.go_backwards,
            unroll=self.unroll,
            looped=_becomes_one_op(self.cell, training),
        )
        _forget(self.cell)
        outputs = nest.map_structure(_turned, outputs)
        if self.go_backwards:
            outputs = nest.map_structure(lambda y: rearrange.reverse(y, [1]), outputs)
        return last, outputs, states

    def get_config(self) -> dict[str, Any]:
        config = {
            "cell": self.cell,
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
        }
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config: Any) -> Any:
        """A layer of that configuration; a cell in it becomes one with new weights."""
        made = dict(config)
        cell = made.get("cell")
        if isinstance(cell, Layer):
            made["cell"] = type(cell).from_config(cell.get_config())
        return cls(**made)


def _turned(x: Tensor) -> Tensor:
    """Batch and steps exchanged."""
    return rearranged(x, (1, 0, *range(2, x.spec.rank)))


def rearranged(x: Tensor, order: tuple[int, ...]) -> Tensor:
    """x with its axes in another order."""
    return shaping.transpose(x, order)


def _forget(cell: Any) -> None:
    """Dropout draws new masks."""
    if isinstance(cell, RecurrentCell):
        cell.forget_masks()
    for part in getattr(cell, "cells", ()):
        _forget(part)


def _draw(cell: Any, inputs: Tensor, states: Any) -> None:
    """Dropout's masks, drawn before the steps: a loop's body must not draw its own."""
    if isinstance(cell, RecurrentCell):
        if 0.0 < cell.dropout < 1.0:
            cell.masks("inputs", inputs, cell.dropout)
        if 0.0 < cell.recurrent_dropout < 1.0:
            cell.masks("state", nest.flatten(states)[0], cell.recurrent_dropout)
    for part, state in zip(getattr(cell, "cells", ()), states, strict=False):
        _draw(part, inputs, state)
        inputs = shaping.zeros((inputs.spec.shape[0], _size(part)), inputs.dtype)


def _becomes_one_op(cell: Any, training: bool) -> bool:
    """Whether a loop over a cell, or over several, is recognised (control/cells.py)."""
    if isinstance(cell, StackedRNNCells):
        return all(_becomes_one_op(part, training) for part in cell.cells)
    if type(cell) not in (SimpleRNNCell, LSTMCell, GRUCell):
        return False
    usual = cell.activation is maths.tanh and not (training and cell.dropout)
    gates = getattr(cell, "recurrent_activation", maths.sigmoid) is maths.sigmoid
    return usual and gates and not (training and cell.recurrent_dropout)


def _size(cell: Any) -> int:
    found = getattr(cell, "output_size", None)
    if found is None:
        size = cell.state_size
        found = size[0] if isinstance(size, list | tuple) else size
    return int(found)
