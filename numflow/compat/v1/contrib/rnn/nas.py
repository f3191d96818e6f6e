"""NASCell: the cell that a search over architectures found."""

from __future__ import annotations

from typing import Any

from numflow.compat.v1.rnn_cell.base import LSTMStateTuple, WeightedCell
from numflow.ops import activation as activations
from numflow.ops import joining, linalg, plain
from numflow.ops import math as maths

__all__ = ["NASCell"]

BRANCHES = 8


class NASCell(WeightedCell):
    """Eight branches of the inputs and of the output before, joined as a tree.

        a = x kernel, b = m recurrent_kernel + bias, each in eight parts
        p = tanh(tanh(sigmoid(a0 + b0) relu(a1 + b1)) + c)
        q = tanh(sigmoid(a2 + b2) + relu(a3 b3))
        r = tanh(tanh(a4 + b4) sigmoid(a5 + b5)),  s = sigmoid(tanh(a6 + b6) + sigmoid(a7 + b7))
        c' = p q,  m' = tanh(c' tanh(r + s))

    Args:
      num_units: size of c.
      num_proj: size of the output m, to which it is projected; None: num_units.
      use_bias: whether there is a bias, beginning with 0.

    Example:
      >>> cell = nf.compat.v1.contrib.rnn.NASCell(4, num_proj=2)
      >>> y, (c, m) = cell(nf.ones([2, 3]), cell.zero_state(2, nf.float32))
      >>> y.shape, c.shape, [w.shape.as_list() for w in cell.weights]
      (TensorShape([2, 2]), TensorShape([2, 4]), [[2, 32], [3, 32], [4, 2]])

    Source: Zoph & Le 2017, "Neural Architecture Search with Reinforcement Learning", appendix A.
    """

    def __init__(
        self,
        num_units: int,
        num_proj: int | None = None,
        use_bias: bool = False,
        reuse: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_units, None, kwargs.pop("name", None), kwargs.pop("dtype", None), **kwargs
        )
        op = type(self).__name__
        self._num_proj = None if num_proj is None else plain.whole(num_proj, op, "num_proj", 1)
        self._use_bias = plain.flag(use_bias, op, "use_bias")
        self._bias: Any = None
        self._projection: Any = None

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self.output_size)

    @property
    def output_size(self) -> Any:
        return self._num_proj or self._num_units

    def build(self, input_shape: Any) -> None:
        wide = BRANCHES * self._num_units
        self._recurrent = self.add_weight((self.output_size, wide), name="recurrent_kernel")
        self._kernel = self.add_weight((self._depth(input_shape), wide), name="kernel")
        if self._use_bias:
            self._bias = self.add_weight((wide,), "zeros", name="bias")
        if self._num_proj is not None:
            sizes = (self._num_units, self._num_proj)
            self._projection = self.add_weight(sizes, name="projection_weights")
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """(output, new state), of a step's inputs and the state before it."""
        c, m = state
        of_output = linalg.matmul(m, self._recurrent)
        if self._bias is not None:
            of_output = of_output + self._bias
        a = joining.split(linalg.matmul(inputs, self._kernel), BRANCHES, 1)
        b = joining.split(of_output, BRANCHES, 1)
        tanh, sigmoid, relu = maths.tanh, maths.sigmoid, activations.relu
        p = tanh(tanh(sigmoid(a[0] + b[0]) * relu(a[1] + b[1])) + c)
        q = tanh(sigmoid(a[2] + b[2]) + relu(a[3] * b[3]))
        r = tanh(tanh(a[4] + b[4]) * sigmoid(a[5] + b[5]))
        s = sigmoid(tanh(a[6] + b[6]) + sigmoid(a[7] + b[7]))
        c = p * q
        m = tanh(c * tanh(r + s))
        if self._projection is not None:
            m = linalg.matmul(m, self._projection)
        return m, LSTMStateTuple(c, m)
