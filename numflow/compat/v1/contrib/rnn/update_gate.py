"""UGRNNCell: one gate between what was and what is new."""

from __future__ import annotations

from typing import Any

from numflow.compat.v1.rnn_cell.base import WeightedCell
from numflow.ops import joining, linalg
from numflow.ops import math as maths

__all__ = ["UGRNNCell"]


class UGRNNCell(WeightedCell):
    """g, c = [x, h] kernel + bias; g = sigmoid(g + forget_bias); h' = g h + (1 - g) activation(c)

    Args:
      num_units: size of the state, which is the output.
      initializer: of the kernel; default glorot_uniform.
      forget_bias: what is added to the gate.

    Example:
      >>> cell = nf.compat.v1.contrib.rnn.UGRNNCell(4)
      >>> y, h = cell(nf.ones([2, 3]), cell.zero_state(2, nf.float32))
      >>> y.shape, [w.shape.as_list() for w in cell.weights]
      (TensorShape([2, 4]), [[7, 8], [8]])

    Source: Collins et al. 2017, "Capacity and Trainability in Recurrent Neural Networks",
    appendix A.
    """

    def __init__(
        self,
        num_units: int,
        initializer: Any = None,
        forget_bias: float = 1.0,
        activation: Any = maths.tanh,
        reuse: Any = None,
    ) -> None:
        super().__init__(num_units, activation, None, None)
        self._initializer, self._forget_bias = initializer, forget_bias

    def build(self, input_shape: Any) -> None:
        rows, wide = self._depth(input_shape) + self._num_units, 2 * self._num_units
        self._kernel = self.add_weight((rows, wide), self._initializer, name="kernel")
        self._bias = self.add_weight((wide,), "zeros", name="bias")
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """(output, new state), of a step's inputs and the state before it."""
        z = linalg.matmul(joining.concat([inputs, state], 1), self._kernel) + self._bias
        gate, new = joining.split(z, 2, 1)
        kept = maths.sigmoid(gate + self._forget_bias)
        h = kept * state + (1.0 - kept) * self._activation(new)
        return h, h
