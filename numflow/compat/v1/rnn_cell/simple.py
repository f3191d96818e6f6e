"""BasicRNNCell and GRUCell: cells whose state is their output."""

from __future__ import annotations

from typing import Any

from numflow.compat.v1.rnn_cell.base import WeightedCell, of_inputs_and_state
from numflow.graph.tensor import Tensor
from numflow.keras import activations
from numflow.keras.rnn_wrappers import Over
from numflow.ops import joining, linalg, recurrent
from numflow.ops import math as maths

__all__ = ["BasicRNNCell", "GRUCell"]


class BasicRNNCell(WeightedCell):
    """h' = activation([x, h] kernel + bias)

    Example:
      >>> cell = nf.compat.v1.nn.rnn_cell.BasicRNNCell(4)
      >>> y, h = cell(nf.ones([2, 3]), cell.zero_state(2, nf.float32))
      >>> y.shape, [w.shape.as_list() for w in cell.weights]
      (TensorShape([2, 4]), [[7, 4], [4]])
    """

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_units, activation, name, dtype, **kwargs)

    def build(self, input_shape: Any) -> None:
        rows = self._depth(input_shape) + self._num_units
        self._kernel = self.add_weight((rows, self._num_units), name="kernel")
        self._bias = self.add_weight((self._num_units,), "zeros", name="bias")
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """(output, new state), of a step's inputs and the state before it."""
        z = linalg.matmul(joining.concat([inputs, state], 1), self._kernel) + self._bias
        h = self._activation(z)
        return h, h

    @property
    def over(self) -> Over | None:
        known = {maths.tanh: "tanh", activations.relu: "relu"}.get(self._activation)
        if known is None:
            return None

        def run(x: Tensor, state: Any, **options: Any) -> tuple[Tensor, Any]:
            self._built_for(x)
            w, u = of_inputs_and_state(self._kernel, x)
            return recurrent.simple_rnn(x, w, u, self._bias, state, activation=known, **options)

        return run


class GRUCell(WeightedCell):
    """Gated recurrent units: r, u = sigmoid([x, h] gates + bias), the bias beginning at 1;
    h' = u h + (1 - u) activation([x, r h] candidate + bias).

    Example:
      >>> cell = nf.compat.v1.nn.rnn_cell.GRUCell(4)
      >>> y, h = cell(nf.ones([2, 3]), cell.zero_state(2, nf.float32))
      >>> y.shape, [w.shape.as_list() for w in cell.weights]
      (TensorShape([2, 4]), [[7, 8], [8], [7, 4], [4]])

    Source: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder".
    """

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: Any = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_units, activation, name, dtype, **kwargs)
        self._kernel_initializer, self._bias_initializer = kernel_initializer, bias_initializer

    def build(self, input_shape: Any) -> None:
        n = self._num_units
        start, shift = self._kernel_initializer, self._bias_initializer
        rows = self._depth(input_shape) + n
        ones = "ones" if shift is None else shift
        self._gate_kernel = self.add_weight((rows, 2 * n), start, name="gates/kernel")
        self._gate_bias = self.add_weight((2 * n,), ones, name="gates/bias")
        self._candidate_kernel = self.add_weight((rows, n), start, name="candidate/kernel")
        zeros = "zeros" if shift is None else shift
        self._candidate_bias = self.add_weight((n,), zeros, name="candidate/bias")
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """(output, new state), of a step's inputs and the state before it."""
        z = linalg.matmul(joining.concat([inputs, state], 1), self._gate_kernel)
        r, u = joining.split(maths.sigmoid(z + self._gate_bias), 2, 1)
        seen = joining.concat([inputs, r * state], 1)
        n = self._activation(linalg.matmul(seen, self._candidate_kernel) + self._candidate_bias)
        h = u * state + (1.0 - u) * n
        return h, h

    @property
    def over(self) -> Over | None:
        if self._activation is not maths.tanh:
            return None

        def run(x: Tensor, state: Any, **options: Any) -> tuple[Tensor, Any]:
            self._built_for(x)
            w, u = (
                joining.concat(list(two), 1)
                for two in zip(
                    of_inputs_and_state(self._gate_kernel, x),
                    of_inputs_and_state(self._candidate_kernel, x),
                    strict=True,
                )
            )
            bias = joining.concat([self._gate_bias, self._candidate_bias], 0)
            return recurrent.gru(
                x, w, u, bias, None, state, order="rzh", reset_after=False, **options
            )

        return run
