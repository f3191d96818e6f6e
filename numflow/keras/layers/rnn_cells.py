"""Cells: one step of a recurrent layer, cell(inputs, states) -> (output, new states).

A cell has `state_size` (a number or a list), `output_size` and `get_initial_state`. The layers of
recurrent.py run these cells' weights through whole sequences in one kernel; RNN runs any cell, in a
function these with their usual activations in that kernel, too. Weights and their order are
Keras's: kernel [depth, gates * units], recurrent_kernel [units, gates * units], bias.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from numflow import initializers
from numflow.eager.variable import Variable
from numflow.errors import explain
from numflow.graph.tensor import Tensor
from numflow.keras import activations
from numflow.keras.layers.layer import Layer
from numflow.keras.layers.recurrent_options import (
    CONSTRAINTS_AND_DROPOUT,
    INITIALIZERS,
    REGULARIZERS,
    CellOptions,
    in_order,
)
from numflow.ops import dropout as dropouts
from numflow.ops import joining, linalg
from numflow.ops import shape as shaping

__all__ = ["GRUCell", "LSTMCell", "SimpleRNNCell"]


class RecurrentCell(Layer):
    """What cells share: options, weights, dropout.

    Dropout: a mask is drawn once for a sequence (the layer forgets it behind the last step), for
    each gate one.
    """

    GATES = 1

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        *,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        implementation: int = 2,
        **base: Any,
    ) -> None:
        if not isinstance(units, int) or units <= 0:
            raise ValueError(
                "Received an invalid value for argument `units`, "
                f"expected a positive integer, got {units}."
            )
        super().__init__(**base)
        self.units, self.use_bias, self.seed = units, use_bias, seed
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer, self.recurrent_regularizer = (
            kernel_regularizer,
            recurrent_regularizer,
        )
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint, self.recurrent_constraint = kernel_constraint, recurrent_constraint
        self.bias_constraint = bias_constraint
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.state_size: Any = units
        self.output_size = units
        self.kernel: Any = None
        self.recurrent_kernel: Any = None
        self.bias: Any = None
        self._drawn: dict[str, list[Tensor]] = {}

    def build(self, input_shape: Any) -> None:
        depth = input_shape[-1]
        if depth is None:
            raise ValueError(
                explain(type(self).__name__, "the last axis's size is open", {"shape": input_shape})
            )
        wide = self.GATES * self.units
        self.kernel = self.add_weight(
            (depth, wide),
            self.kernel_initializer,
            name="kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, wide),
            self.recurrent_initializer,
            name="recurrent_kernel",
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        if self.use_bias:
            self.bias = self._add_bias()
        self.built = True

    def _add_bias(self) -> Variable:
        return self.add_weight(
            self._bias_shape(),
            self._bias_start(),
            name="bias",
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.GATES * self.units,)

    def _bias_start(self) -> Any:
        return self.bias_initializer

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """Zeros."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [shaping.zeros((batch_size, n), self.compute_dtype) for n in sizes]

    # --- dropout ---

    def masks(self, what: str, like: Tensor, rate: float) -> list[Tensor]:
        """The masks of inputs or state, one per gate: zeros, and 1 / (1 - rate)."""
        if what not in self._drawn:
            ones = shaping.ones_like(like)
            self._drawn[what] = [
                dropouts.dropout(ones, rate, seed=None if self.seed is None else self.seed + k)
                for k in range(self.GATES)
            ]
        return self._drawn[what]

    def forget_masks(self) -> None:
        """The next step begins a sequence: masks are drawn anew."""
        self._drawn = {}

    def products(self, inputs: Tensor, training: bool) -> Tensor:
        """What inputs [..., depth] give to the gates, without a bias."""
        kernel = self.kernel
        if not (training and 0.0 < self.dropout < 1.0):
            return linalg.matmul(inputs, kernel)
        step = inputs if inputs.spec.rank == 2 else inputs[:, 0]
        masks = self.masks("inputs", step, self.dropout)
        if inputs.spec.rank == 3:
            masks = [shaping.expand_dims(m, 1) for m in masks]
        if not self.recurrent_dropout:  # one mask for all gates: one product
            return linalg.matmul(inputs * masks[0], kernel)
        parts = joining.split(kernel, self.GATES, 1)
        return joining.concat(
            [linalg.matmul(inputs * m, w) for m, w in zip(masks, parts, strict=True)], -1
        )

    def dropped(self, state: Tensor, training: bool) -> list[Tensor]:
        """The state as each gate sees it."""
        if not (training and 0.0 < self.recurrent_dropout < 1.0):
            return [state] * self.GATES
        masks = self.masks("state", state, self.recurrent_dropout)
        return [state * m for m in masks]

    def recurrent(self, state: Tensor, training: bool) -> list[Tensor]:
        """What the state gives to each gate."""
        seen = self.dropped(state, training)
        if all(h is seen[0] for h in seen):
            return joining.split(linalg.matmul(seen[0], self.recurrent_kernel), self.GATES, 1)
        parts = joining.split(self.recurrent_kernel, self.GATES, 1)
        return [linalg.matmul(h, u) for h, u in zip(seen, parts, strict=True)]

    def get_config(self) -> dict[str, Any]:
        config = {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": self.kernel_initializer,
            "recurrent_initializer": self.recurrent_initializer,
            "bias_initializer": self.bias_initializer,
            "kernel_regularizer": self.kernel_regularizer,
            "recurrent_regularizer": self.recurrent_regularizer,
            "bias_regularizer": self.bias_regularizer,
            "kernel_constraint": self.kernel_constraint,
            "recurrent_constraint": self.recurrent_constraint,
            "bias_constraint": self.bias_constraint,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }
        return {**super().get_config(), **config}


def forgetting(initializer: Any, units: int) -> Callable[..., Tensor]:
    """How a bias of gates i f c o begins: as said, but that of the forget gate with 1."""

    def start(shape: Any, dtype: Any = None) -> Tensor:
        first, rest = (initializer((n,), dtype=dtype) for n in (units, 2 * units))
        return joining.concat([first, shaping.ones((units,), dtype), rest], 0)

    return start


def _first(states: Any) -> Tensor:
    found: Tensor = states[0] if isinstance(states, list | tuple) else states
    return found


class SimpleRNNCell(RecurrentCell):
    """h' = activation(x kernel + h recurrent_kernel + bias)

    Args:
      units: size of the state.
      options: see recurrent_options.py: initializers, regularizers, constraints, dropout,
        recurrent_dropout (share of the inputs, and of the state, that a training step drops), seed.

    Example:
      >>> cell = nf.keras.layers.SimpleRNNCell(4)
      >>> y, states = cell(nf.ones([2, 3]), cell.get_initial_state(2))
      >>> y.shape, len(states), cell.state_size
      (TensorShape([2, 4]), 1, 4)

    Source: Elman 1990, "Finding Structure in Time".
    """

    @in_order(INITIALIZERS, REGULARIZERS, CONSTRAINTS_AND_DROPOUT, "seed")
    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        *more: Any,
        **options: Unpack[CellOptions],
    ) -> None:
        super().__init__(units, activation, use_bias, **options)

    def call(self, sequence: Any, states: Any, training: bool = False) -> Any:
        """(output, new states), of a step's inputs and the states before it."""
        h = _first(states)
        z = self.products(sequence, training) + self.recurrent(h, training)[0]
        if self.bias is not None:
            z = z + self.bias
        h = self.activation(z)
        return h, [h] if isinstance(states, list | tuple) else h


class LSTMCell(RecurrentCell):
    """i, f, o = recurrent_activation(x kernel + h recurrent_kernel + bias),
    c' = f c + i activation(...), h' = o activation(c'). Gates' order: i f c o.

    Args:
      units: size of h and of c.
      unit_forget_bias: the forget gate's bias begins at 1.
      options: as of SimpleRNNCell.

    Example:
      >>> cell = nf.keras.layers.LSTMCell(4)
      >>> y, (h, c) = cell(nf.ones([2, 3]), cell.get_initial_state(2))
      >>> y.shape, cell.state_size
      (TensorShape([2, 4]), [4, 4])

    Source: Hochreiter & Schmidhuber 1997, "Long Short-Term Memory".
    """

    GATES = 4

    @in_order(INITIALIZERS, "unit_forget_bias", REGULARIZERS, CONSTRAINTS_AND_DROPOUT, "seed")
    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *more: Any,
        unit_forget_bias: bool = True,
        **options: Unpack[CellOptions],
    ) -> None:
        super().__init__(units, activation, use_bias, **options)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [units, units]

    def _bias_start(self) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer

        return forgetting(self.bias_initializer, self.units)

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        """(output, new states), of a step's inputs and the states before it."""
        h, c = states
        z = self.products(inputs, training)
        if self.bias is not None:
            z = z + self.bias
        parts = zip(joining.split(z, 4, 1), self.recurrent(h, training), strict=True)
        i, f, g, o = (a + b for a, b in parts)
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(g)
        h = gate(o) * self.activation(c)
        return h, [h, c]

    def get_config(self) -> dict[str, Any]:
        config = {
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "unit_forget_bias": self.unit_forget_bias,
        }
        return {**super().get_config(), **config}


class GRUCell(RecurrentCell):
    """z, r = recurrent_activation(x kernel + h recurrent_kernel + bias), h' = z h + (1 - z) n with
    n = activation(x kernel + r (h recurrent_kernel + bias)); without reset_after the reset gate
    acts on h, before the product. Gates' order: z r n.

    Args:
      units: size of the state.
      reset_after: as said; the bias then is [2, 3 * units], of inputs and of the state.
      options: as of SimpleRNNCell.

    Example:
      >>> cell = nf.keras.layers.GRUCell(4)
      >>> y, states = cell(nf.ones([2, 3]), cell.get_initial_state(2))
      >>> y.shape, cell.state_size
      (TensorShape([2, 4]), 4)

    Source: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder".
    """

    GATES = 3

    @in_order(INITIALIZERS, REGULARIZERS, CONSTRAINTS_AND_DROPOUT, "reset_after", "seed")
    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *more: Any,
        reset_after: bool = True,
        **options: Unpack[CellOptions],
    ) -> None:
        super().__init__(units, activation, use_bias, **options)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        wide = 3 * self.units
        return (2, wide) if self.reset_after else (wide,)

    def biases(self) -> tuple[Any, Any]:
        """(of the inputs, of the state), None for what there is not."""
        if self.bias is None or not self.reset_after:
            return self.bias, None
        return self.bias[0], self.bias[1]

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        """(output, new states), of a step's inputs and the states before it."""
        h = _first(states)
        of_inputs, of_state = self.biases()
        x = self.products(inputs, training)
        if of_inputs is not None:
            x = x + of_inputs
        x_z, x_r, x_n = joining.split(x, 3, 1)
        gate = self.recurrent_activation
        if self.reset_after:
            h_z, h_r, h_n = self.recurrent(h, training)
            if of_state is not None:
                b_z, b_r, b_n = joining.split(of_state, 3, 0)
                h_z, h_r, h_n = h_z + b_z, h_r + b_r, h_n + b_n
            z, r = gate(x_z + h_z), gate(x_r + h_r)
            n = self.activation(x_n + r * h_n)
        else:
            u = joining.split(self.recurrent_kernel, 3, 1)
            seen = self.dropped(h, training)
            z = gate(x_z + linalg.matmul(seen[0], u[0]))
            r = gate(x_r + linalg.matmul(seen[1], u[1]))
            n = self.activation(x_n + linalg.matmul(r * seen[2], u[2]))
        h = z * h + (1.0 - z) * n
        return h, [h] if isinstance(states, list | tuple) else h

    def get_config(self) -> dict[str, Any]:
        config = {
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "reset_after": self.reset_after,
        }
        return {**super().get_config(), **config}
