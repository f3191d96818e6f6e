"""BasicLSTMCell and LSTMCell: cells that remember c, and give h."""

from __future__ import annotations

from typing import Any

from numflow.compat.v1.rnn_cell.base import (
    LSTMStateTuple,
    WeightedCell,
    of_inputs_and_state,
    packed,
)
from numflow.graph.tensor import Tensor
from numflow.keras.rnn_wrappers import Over
from numflow.ops import clipping, joining, linalg, plain, recurrent
from numflow.ops import math as maths

__all__ = ["BasicLSTMCell", "LSTMCell"]


class BasicLSTMCell(WeightedCell):
    """Long short-term memory: gates i, j, f, o = [x, h] kernel + bias;
    c' = c sigmoid(f + forget_bias) + sigmoid(i) activation(j), h' = activation(c') sigmoid(o).

    Args:
      num_units: size of c and of h.
      state_is_tuple: the state is an LSTMStateTuple; else c and h side by side in one tensor.

    Example:
      >>> cell = nf.compat.v1.nn.rnn_cell.BasicLSTMCell(4)
      >>> y, (c, h) = cell(nf.ones([2, 3]), cell.zero_state(2, nf.float32))
      >>> y.shape, [w.shape.as_list() for w in cell.weights]
      (TensorShape([2, 4]), [[7, 16], [16]])

    Source: Zaremba et al. 2014, "Recurrent Neural Network Regularization".
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_units, activation, name, dtype, **kwargs)
        self._forget_bias = forget_bias
        self._state_is_tuple = plain.flag(state_is_tuple, type(self).__name__, "state_is_tuple")

    @property
    def state_size(self) -> Any:
        n = self._num_units
        return LSTMStateTuple(n, n) if self._state_is_tuple else 2 * n

    def build(self, input_shape: Any) -> None:
        rows, wide = self._depth(input_shape) + self._num_units, 4 * self._num_units
        self._kernel = self.add_weight((rows, wide), name="kernel")
        self._bias = self.add_weight((wide,), "zeros", name="bias")
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:
        """(output, new state), of a step's inputs and the state before it."""
        c, h = state if self._state_is_tuple else joining.split(state, 2, 1)
        z = linalg.matmul(joining.concat([inputs, h], 1), self._kernel) + self._bias
        i, j, f, o = joining.split(z, 4, 1)
        c = c * maths.sigmoid(f + self._forget_bias) + maths.sigmoid(i) * self._activation(j)
        h = self._activation(c) * maths.sigmoid(o)
        return h, packed(c, h, self._state_is_tuple)

    @property
    def over(self) -> Over | None:
        if self._activation is not maths.tanh:
            return None

        def run(x: Tensor, state: Any, **options: Any) -> tuple[Tensor, Any]:
            self._built_for(x)
            c, h = state if self._state_is_tuple else joining.split(state, 2, 1)
            w, u = of_inputs_and_state(self._kernel, x)
            y, (h, c) = recurrent.lstm(
                x, w, u, self._bias, (h, c), order="icfo", forget_bias=self._forget_bias, **options
            )
            return y, packed(c, h, self._state_is_tuple)

        return run


class LSTMCell(WeightedCell):
    """Long short-term memory with what it may have besides: as BasicLSTMCell, and

    Args:
      use_peepholes: the gates see the cell, each unit its own.
      cell_clip, proj_clip: bounds of the cell, and of the projection's result.
      initializer: of kernels and peepholes; default glorot_uniform.
      num_proj: size of the output, to which it is projected.

    Example:
      >>> cell = nf.compat.v1.nn.rnn_cell.LSTMCell(4, use_peepholes=True, num_proj=2)
      >>> y, (c, h) = cell(nf.ones([2, 3]), cell.zero_state(2, nf.float32))
      >>> y.shape, c.shape
      (TensorShape([2, 2]), TensorShape([2, 4]))

    Source: Sak et al. 2014, "Long Short-Term Memory Recurrent Neural Network Architectures for
    Large Scale Acoustic Modeling".
    """

    DIAGONALS: tuple[str, ...] = ("f", "i", "o")  # the order in which TensorFlow makes peepholes

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: int | None = None,
        num_proj_shards: int | None = None,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_units, activation, name, dtype, **kwargs)
        op, self._initializer, self._forget_bias = type(self).__name__, initializer, forget_bias
        self._use_peepholes = plain.flag(use_peepholes, op, "use_peepholes")
        self._state_is_tuple = plain.flag(state_is_tuple, op, "state_is_tuple")
        self._cell_clip, self._proj_clip = (
            None if bound is None else plain.number(bound, op, name)
            for name, bound in (("cell_clip", cell_clip), ("proj_clip", proj_clip))
        )
        self._num_proj = None if num_proj is None else plain.whole(num_proj, op, "num_proj", 1)
        self._peepholes: list[Any] = []
        self._proj_kernel: Any = None

    @property
    def state_size(self) -> Any:
        n, out = self._num_units, self.output_size
        return LSTMStateTuple(n, out) if self._state_is_tuple else n + out

    @property
    def output_size(self) -> Any:
        return self._num_proj or self._num_units

    def build(self, input_shape: Any) -> None:
        n, start = self._num_units, self._initializer
        self._kernel = self.add_weight(
            (self._depth(input_shape) + self.output_size, 4 * n), start, name="kernel"
        )
        self._bias = self.add_weight((4 * n,), "zeros", name="bias")
        if self._use_peepholes:
            diagonals = {
                gate: self.add_weight((n,), start, name=f"w_{gate}_diag") for gate in self.DIAGONALS
            }
            self._peepholes = [diagonals[gate] for gate in ("i", "f", "o")]
        if self._num_proj:
            self._proj_kernel = self.add_weight(
                (n, self._num_proj), start, name="projection/kernel"
            )
        self.built = True

    def _split(self, state: Any) -> Any:
        if self._state_is_tuple:
            return state
        return joining.split(state, [self._num_units, self.output_size], 1)

    def call(self, inputs: Any, state: Any) -> Any:
        """(output, new state), of a step's inputs and the state before it."""
        c, h = self._split(state)
        z = linalg.matmul(joining.concat([inputs, h], 1), self._kernel) + self._bias
        i, j, f, o = joining.split(z, 4, 1)
        if self._peepholes:
            i, f = i + self._peepholes[0] * c, f + self._peepholes[1] * c
        c = maths.sigmoid(f + self._forget_bias) * c + maths.sigmoid(i) * self._activation(j)
        if self._cell_clip is not None:
            c = clipping.clip_by_value(c, -self._cell_clip, self._cell_clip)
        if self._peepholes:
            o = o + self._peepholes[2] * c
        h = maths.sigmoid(o) * self._activation(c)
        if self._proj_kernel is not None:
            h = linalg.matmul(h, self._proj_kernel)
            if self._proj_clip is not None:
                h = clipping.clip_by_value(h, -self._proj_clip, self._proj_clip)
        return h, packed(c, h, self._state_is_tuple)

    @property
    def over(self) -> Over | None:
        if self._activation is not maths.tanh:
            return None

        def run(x: Tensor, state: Any, **options: Any) -> tuple[Tensor, Any]:
            self._built_for(x)
            c, h = self._split(state)
            w, u = of_inputs_and_state(self._kernel, x)
            y, (h, c) = recurrent.lstm(
                x, w, u, self._bias, (h, c), order="icfo", forget_bias=self._forget_bias,
                peepholes=joining.stack(self._peepholes, 0) if self._peepholes else None,
                projection=self._proj_kernel, cell_clip=self._cell_clip,
                projection_clip=self._proj_clip, **options,
            )  # fmt: skip
            return y, packed(c, h, self._state_is_tuple)

        return run
