"""What TensorFlow 1's cells share: the protocol of a cell, and of cells with weights."""

from __future__ import annotations

from typing import Any, NamedTuple

from numflow import dtypes, nest
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.keras import activations
from numflow.keras.layers.layer import Layer
from numflow.keras.rnn_wrappers import Over
from numflow.ops import joining, plain
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import Extent

__all__ = ["LSTMStateTuple", "RNNCell", "WeightedCell"]


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


class WeightedCell(RNNCell):
    """What the cells here share: units, an activation, what they may be called with."""

    def __init__(
        self, num_units: int, activation: Any, name: str | None, dtype: Any, **kwargs: Any
    ) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        self._num_units = plain.whole(num_units, type(self).__name__, "num_units", 1)
        self._activation = maths.tanh if activation is None else activations.get(activation)

    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> Any:
        x = as_tensor(inputs, None, type(self).__name__, "inputs")
        if x.spec.rank != 2:
            problem = "inputs are [batch, depth]"
            raise ShapeError(explain(type(self).__name__, problem, {"inputs": x.spec}))
        self.check_state(state, x.spec.shape[0])
        return super().__call__(x, state, scope, **kwargs)

    def check_state(self, state: Any, batch: Extent) -> None:
        """Refuse a state that is not of this cell.

        Raises:
          ShapeError: it has other parts, or one is not [batch, its size].
        """
        op, sizes, parts = type(self).__name__, nest.flatten(self.state_size), nest.flatten(state)
        if len(parts) != len(sizes):
            problem = f"the state has {len(parts)} parts, and the cell's has {len(sizes)}"
            raise ShapeError(explain(op, problem, {"state_size": self.state_size}))
        for k, (part, n) in enumerate(zip(parts, sizes, strict=True)):
            spec = as_tensor(part, None, op, "state").spec
            if spec.rank != 2 or not (fits(spec.shape[0], batch) and fits(spec.shape[1], n)):
                name = "state" if len(parts) == 1 else f"state[{k}]"
                problem = f"{name} is not [batch, size]"
                raise ShapeError(explain(op, problem, {name: spec, "batch": batch, "size": n}))

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


def zero_state(cell: Any, batch: Any, dtype: Any) -> Any:
    """The state of zeros of a cell of TensorFlow 1, or of Keras."""
    if hasattr(cell, "zero_state"):
        return cell.zero_state(batch, dtype)
    return cell.get_initial_state(batch_size=batch)


def fits(have: Extent, want: Extent) -> bool:
    """Whether two sizes may be equal: what a program finds when it runs is not refused here."""
    return have == want or not (isinstance(have, int) and isinstance(want, int))


def of_inputs_and_state(kernel: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """The rows of the inputs, and those of the state."""
    depth = x.spec.shape[2]
    return kernel[:depth], kernel[depth:]


def packed(c: Tensor, h: Tensor, is_tuple: bool) -> Any:
    """The state of an LSTM: a tuple, or c and h side by side."""
    return LSTMStateTuple(c, h) if is_tuple else joining.concat([c, h], 1)
