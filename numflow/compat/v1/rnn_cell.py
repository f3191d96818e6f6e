"""tf.compat.v1.nn.rnn_cell: TensorFlow 1's recurrent cells.

cell(inputs, state) gives (output, new state); `zero_state(batch_size, dtype)` is what it begins
with. Weights are made at the first call, kernels [inputs + state, gates * units] as TensorFlow 1
has them. The functions of rnn.py run these cells over whole sequences in one kernel where they have
the usual activations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from numflow import dtypes, nest
from numflow.graph.tensor import Tensor
from numflow.keras import activations
from numflow.keras.layers.layer import Layer
from numflow.keras.rnn_wrappers import DeviceWrapper, DropoutWrapper, Over, ResidualWrapper
from numflow.ops import clipping, joining, linalg, recurrent
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor

__all__ = [
    "BasicLSTMCell",
    "BasicRNNCell",
    "DeviceWrapper",
    "DropoutWrapper",
    "GRUCell",
    "LSTMCell",
    "LSTMStateTuple",
    "MultiRNNCell",
    "RNNCell",
    "ResidualWrapper",
]


class LSTMStateTuple(NamedTuple):
    """The state of an LSTM: cell c and output h."""

    c: Any
    h: Any

    @property
    def dtype(self) -> Any:
        """That of both.

        Raises:
          TypeError: they differ.
        """
        c, h = self
        if c.dtype != h.dtype:
            raise TypeError(f"Inconsistent internal state: {c.dtype} vs {h.dtype}")
        return c.dtype


class RNNCell(Layer):
    """Base class of cells: `call(inputs, state)`, `state_size` and `output_size` are a subclass's.

    Example:
      >>> class Sum(nf.compat.v1.nn.rnn_cell.RNNCell):
      ...     state_size = output_size = 3
      ...     def call(self, inputs, state):
      ...         return inputs + state, inputs + state
      >>> cell = Sum()
      >>> y, state = cell(nf.ones([2, 3]), cell.zero_state(2, nf.float32))
      >>> y.numpy().tolist()
      [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """

    def __init__(
        self, trainable: bool = True, name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        kwargs.pop("reuse", None)
        kwargs.pop("_reuse", None)
        super().__init__(trainable=trainable, name=name, dtype=dtype, **kwargs)
        self._fixed = dtype is not None

    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> Any:
        if not self.built and not self._fixed:  # weights are of the first inputs' dtype
            self._dtype = nest.flatten(as_tensor(inputs) if not nest.is_nested(inputs) else inputs)[
                0
            ].dtype
        return super().__call__(inputs, state, **kwargs)

    @property
    def state_size(self) -> Any:
        """Sizes of the state: a number, a TensorShape, or a structure of these."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        """Size of the output."""
        raise NotImplementedError("Abstract method")

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """A state of zeros, of state_size's structure: [batch_size, size]."""
        want = dtypes.as_dtype(dtype)

        def zeros(n: Any) -> Tensor:
            sizes = (n,) if isinstance(n, int) else tuple(n)
            return shaping.zeros((batch_size, *sizes), want)

        return _mapped(zeros, self.state_size)

    def get_initial_state(
        self, inputs: Any = None, batch_size: Any = None, dtype: Any = None
    ) -> Any:
        """zero_state, of the inputs' batch size and dtype."""
        if inputs is not None:
            x = as_tensor(inputs)
            batch_size, dtype = x.spec.shape[0], x.dtype
        if batch_size is None or dtype is None:
            raise ValueError(
                "batch_size and dtype cannot be None while constructing initial state: "
                f"batch_size={batch_size}, dtype={dtype}"
            )
        return self.zero_state(batch_size, dtype)

    @property
    def over(self) -> Over | None:
        """over(inputs, state, lengths=, time_major=, reverse=): a whole sequence; None: cannot."""
        return None


def _mapped(function: Any, size: Any) -> Any:
    """function of each size of a structure of sizes; a TensorShape is one of them."""
    if isinstance(size, int) or hasattr(size, "as_list"):
        return function(size)
    parts = [_mapped(function, s) for s in size]
    return type(size)(*parts) if hasattr(size, "_fields") else type(size)(parts)


class _Weighted(RNNCell):
    """What the cells here share: units, an activation."""

    def __init__(
        self, num_units: int, activation: Any, name: str | None, dtype: Any, **kwargs: Any
    ) -> None:
        if not isinstance(num_units, int) or num_units <= 0:
            raise ValueError(f"num_units is a positive int. Received: {num_units!r}")
        super().__init__(name=name, dtype=dtype, **kwargs)
        self._num_units = num_units
        self._activation = maths.tanh if activation is None else activations.get(activation)

    @property
    def state_size(self) -> Any:
        return self._num_units

    @property
    def output_size(self) -> Any:
        return self._num_units

    def _depth(self, input_shape: Any) -> int:
        shape = input_shape[0] if isinstance(input_shape[0], list | tuple) else input_shape
        if shape[-1] is None:
            raise ValueError(
                f"Expected inputs.shape[-1] to be known, saw shape: {tuple(input_shape)}"
            )
        return int(shape[-1])

    def _built_for(self, x: Tensor) -> None:
        if not self.built:
            if not self._fixed:
                self._dtype = x.dtype
            self.build((None, x.spec.shape[-1]))
            self.built = True


class BasicRNNCell(_Weighted):
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
            w, u = _parts(self._kernel, x)
            return recurrent.simple_rnn(x, w, u, self._bias, state, activation=known, **options)

        return run


def _parts(kernel: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """The rows of the inputs, and those of the state."""
    depth = x.spec.shape[2]
    return kernel[:depth], kernel[depth:]


class BasicLSTMCell(_Weighted):
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
        self._forget_bias, self._state_is_tuple = forget_bias, state_is_tuple

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
        return h, _state(c, h, self._state_is_tuple)

    @property
    def over(self) -> Over | None:
        if self._activation is not maths.tanh:
            return None

        def run(x: Tensor, state: Any, **options: Any) -> tuple[Tensor, Any]:
            self._built_for(x)
            c, h = state if self._state_is_tuple else joining.split(state, 2, 1)
            w, u = _parts(self._kernel, x)
            y, (h, c) = recurrent.lstm(
                x, w, u, self._bias, (h, c), order="icfo", forget_bias=self._forget_bias, **options
            )
            return y, _state(c, h, self._state_is_tuple)

        return run


def _state(c: Tensor, h: Tensor, is_tuple: bool) -> Any:
    return LSTMStateTuple(c, h) if is_tuple else joining.concat([c, h], 1)


class LSTMCell(_Weighted):
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
        self._use_peepholes, self._cell_clip = use_peepholes, cell_clip
        self._initializer, self._num_proj, self._proj_clip = initializer, num_proj, proj_clip
        self._forget_bias, self._state_is_tuple = forget_bias, state_is_tuple
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
        if self._use_peepholes:  # in TensorFlow's order
            f, i, o = (
                self.add_weight((n,), start, name=f"w_{gate}_diag") for gate in ("f", "i", "o")
            )
            self._peepholes = [i, f, o]
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
        return h, _state(c, h, self._state_is_tuple)

    @property
    def over(self) -> Over | None:
        if self._activation is not maths.tanh:
            return None

        def run(x: Tensor, state: Any, **options: Any) -> tuple[Tensor, Any]:
            self._built_for(x)
            c, h = self._split(state)
            w, u = _parts(self._kernel, x)
            y, (h, c) = recurrent.lstm(
                x, w, u, self._bias, (h, c), order="icfo", forget_bias=self._forget_bias,
                peepholes=joining.stack(self._peepholes, 0) if self._peepholes else None,
                projection=self._proj_kernel, cell_clip=self._cell_clip,
                projection_clip=self._proj_clip, **options,
            )  # fmt: skip
            return y, _state(c, h, self._state_is_tuple)

        return run


class GRUCell(_Weighted):
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
                    _parts(self._gate_kernel, x), _parts(self._candidate_kernel, x), strict=True
                )
            )
            bias = joining.concat([self._gate_bias, self._candidate_bias], 0)
            return recurrent.gru(
                x, w, u, bias, None, state, order="rzh", reset_after=False, **options
            )

        return run


class MultiRNNCell(RNNCell):
    """Cells on top of each other: each one's output is the next one's input.

    Args:
      cells: from the inputs on.
      state_is_tuple: the state is a tuple of the cells' states; else they are side by side.

    Example:
      >>> cells = [nf.compat.v1.nn.rnn_cell.BasicLSTMCell(n) for n in (4, 2)]
      >>> cell = nf.compat.v1.nn.rnn_cell.MultiRNNCell(cells)
      >>> y, states = cell(nf.ones([2, 3]), cell.zero_state(2, nf.float32))
      >>> y.shape, len(states)
      (TensorShape([2, 2]), 2)
    """

    def __init__(self, cells: Sequence[Any], state_is_tuple: bool = True) -> None:
        super().__init__()
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if not isinstance(cells, list | tuple):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        if len({id(c) for c in cells}) < len(cells):
            raise ValueError(
                "MultiRNNCell: one cell is given twice, and would share its weights. Make a cell"
                " for each layer."
            )
        if not state_is_tuple and any(nest.is_nested(c.state_size) for c in cells):
            sizes = [c.state_size for c in cells]
            raise ValueError(
                "Some cells return tuples of states, but the flag state_is_tuple is not set. "
                f"State sizes are: {sizes}"
            )
        self._cells, self._state_is_tuple = list(cells), state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = tuple(c.state_size for c in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._cells[-1].output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        if self._state_is_tuple:
            return tuple(c.zero_state(batch_size, dtype) for c in self._cells)
        return super().zero_state(batch_size, dtype)

    def _states(self, state: Any) -> Any:
        if self._state_is_tuple:
            if not isinstance(state, list | tuple) or len(state) != len(self._cells):
                raise ValueError(
                    f"Expected state to be a tuple of length {len(self._cells)}, but received:"
                    f" {state}"
                )
            return state
        return joining.split(state, [c.state_size for c in self._cells], 1)

    def _joined(self, after: list[Any]) -> Any:
        return tuple(after) if self._state_is_tuple else joining.concat(after, 1)

    def call(self, inputs: Any, state: Any) -> Any:
        """(output, new state), of a step's inputs and the state before it."""
        after = []
        for cell, own in zip(self._cells, self._states(state), strict=True):
            inputs, new = cell(inputs, own)
            after.append(new)
        return inputs, self._joined(after)

    @property
    def over(self) -> Over | None:
        parts = [getattr(c, "over", None) for c in self._cells]
        if any(p is None for p in parts):
            return None

        def run(x: Tensor, state: Any, **options: Any) -> tuple[Tensor, Any]:
            after = []
            for part, own in zip(parts, self._states(state), strict=True):
                assert part is not None
                x, new = part(x, own, **options)
                after.append(new)
            return x, self._joined(after)

        return run
