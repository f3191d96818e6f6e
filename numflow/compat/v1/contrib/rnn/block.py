"""LSTMBlockCell and LSTMBlockFusedCell: TensorFlow's names of an LSTM in one kernel."""

from __future__ import annotations

from typing import Any

from numflow import nest
from numflow.compat.v1.rnn_cell.base import LSTMStateTuple
from numflow.compat.v1.rnn_cell.lstm import LSTMCell
from numflow.errors import ShapeError, explain
from numflow.keras.layers.layer import Layer
from numflow.ops import joining, plain
from numflow.ops.convert import as_tensor
from numflow.shapes import as_number

__all__ = ["LSTMBlockCell", "LSTMBlockFusedCell"]


class LSTMBlockCell(LSTMCell):
    """LSTMCell with the parameters that TensorFlow's kernel has.

    Args:
      num_units: size of c and of h.
      forget_bias: what is added to the forget gate.
      cell_clip: bound of the cell; None, or below 0: none.
      use_peephole: the gates see the cell, each unit its own.

    Example:
      >>> cell = nf.compat.v1.contrib.rnn.LSTMBlockCell(4, use_peephole=True)
      >>> y, (c, h) = cell(nf.ones([2, 3]), cell.zero_state(2, nf.float32))
      >>> y.shape, [w.name for w in cell.weights][2:]
      (TensorShape([2, 4]), ['w_i_diag:0', 'w_f_diag:0', 'w_o_diag:0'])

    Source: Zaremba et al. 2014, "Recurrent Neural Network Regularization".
    """

    DIAGONALS = ("i", "f", "o")

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        dtype: Any = None,
        reuse: Any = None,
        name: str | None = "lstm_cell",
    ) -> None:
        clip = -1.0 if cell_clip is None else plain.number(cell_clip, "LSTMBlockCell", "cell_clip")
        super().__init__(
            num_units,
            use_peephole,
            clip if clip >= 0 else None,
            forget_bias=forget_bias,
            dtype=dtype,
            name=name,
        )


class LSTMBlockFusedCell(Layer):
    """An LSTM over whole sequences: called with inputs [steps, batch, depth], or a list of steps.

    Args are those of LSTMBlockCell.

    Called with (inputs, initial_state=None, dtype=None, sequence_length=None): initial_state is
    (c, h), or None for zeros, of dtype; sequence_length [batch] integers.

    Returns:
      (outputs, laid out as inputs, 0 past a sequence's end; the last state, an LSTMStateTuple).

    Raises:
      ValueError: there is neither initial_state nor dtype.
      ShapeError: inputs have not three axes; a state of another shape.
      InvalidArgumentError: a length is out of range.

    Example:
      >>> lstm = nf.compat.v1.contrib.rnn.LSTMBlockFusedCell(4)
      >>> y, state = lstm(nf.ones([5, 2, 3]), dtype=nf.float32, sequence_length=[5, 2])
      >>> y.shape, state.h.shape
      (TensorShape([5, 2, 4]), TensorShape([2, 4]))
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        reuse: Any = None,
        dtype: Any = None,
        name: str | None = "lstm_fused_cell",
    ) -> None:
        super().__init__(name=name, dtype=dtype, autocast=False)
        self._cell = LSTMBlockCell(num_units, forget_bias, cell_clip, use_peephole, dtype)
        self._fixed = dtype is not None

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.built and not self._fixed:  # weights are of the first inputs' dtype
            self._dtype = as_tensor(nest.flatten(inputs)[0], None, "LSTMBlockFusedCell").dtype
        return super().__call__(inputs, *args, **kwargs)

    @property
    def num_units(self) -> int:
        """Size of the output."""
        return int(self._cell.output_size)

    def call(
        self,
        inputs: Any,
        initial_state: Any = None,
        dtype: Any = None,
        sequence_length: Any = None,
    ) -> tuple[Any, LSTMStateTuple]:
        """(outputs, last state) of whole sequences."""
        op = type(self).__name__
        listed = isinstance(inputs, list | tuple)
        x = as_tensor(joining.stack(list(inputs), 0) if listed else inputs, None, op, "inputs")
        if x.spec.rank != 3:
            raise ShapeError(explain(op, "inputs are [steps, batch, depth]", {"inputs": x.spec}))
        steps, batch, _ = x.spec.shape
        if initial_state is None:
            if dtype is None:
                raise ValueError(explain(op, "either initial_state or dtype needs to be specified"))
            state = self._cell.zero_state(batch, dtype)
        else:
            self._cell.check_state(initial_state, batch)
            state = LSTMStateTuple(*(as_tensor(s, x.dtype) for s in initial_state))
        over = self._cell.over
        assert over is not None  # its activation is tanh
        outputs, state = over(x, state, lengths=sequence_length, time_major=True, reverse=False)
        if listed:
            return joining.unstack(outputs, as_number(steps, op), 0), state
        return outputs, state
