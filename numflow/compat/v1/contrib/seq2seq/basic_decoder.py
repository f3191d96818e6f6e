"""BasicDecoder: a cell whose inputs a helper gives."""

from __future__ import annotations

from typing import Any, NamedTuple

from numflow import nest
from numflow.compat.v1.contrib.linear import Linear, columns_behind
from numflow.compat.v1.contrib.seq2seq.decoder import Decoder
from numflow.compat.v1.contrib.seq2seq.next_inputs import Helper, TrainingHelper
from numflow.errors import explain
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import recurrent
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import Extent

__all__ = ["BasicDecoder", "BasicDecoderOutput"]


class BasicDecoderOutput(NamedTuple):
    """What a step gives: the cell's output [batch, size], and what was chosen of it [batch]."""

    rnn_output: Any
    sample_id: Any


class BasicDecoder(Decoder):
    """A cell, an output layer, and a helper that gives the inputs.

    Args:
      cell: called with (inputs, state).
      helper: a Helper.
      initial_state: the cell's state before the first step.
      output_layer: a layer, or another function, of the cell's outputs.

    Raises:
      TypeError: cell, helper or output_layer is none.

    Example:
      >>> seq2seq = nf.compat.v1.contrib.seq2seq
      >>> cell = nf.compat.v1.nn.rnn_cell.GRUCell(4)
      >>> helper = seq2seq.GreedyEmbeddingHelper(nf.eye(4), [0, 1], 3)
      >>> decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, nf.float32))
      >>> decoder.output_size
      BasicDecoderOutput(rnn_output=4, sample_id=TensorShape([]))
    """

    def __init__(
        self, cell: Any, helper: Helper, initial_state: Any, output_layer: Any = None
    ) -> None:
        op = "BasicDecoder"
        check_cell(op, cell)
        check_layer(op, output_layer)
        if not isinstance(helper, Helper):
            raise TypeError(explain(op, f"helper is no Helper, but {type(helper).__name__}"))
        self._cell, self._helper = cell, helper
        self._initial_state, self._output_layer = initial_state, output_layer

    @property
    def batch_size(self) -> Any:
        return self._helper.batch_size

    @property
    def most_steps(self) -> Extent | None:
        return self._helper.most_steps

    @property
    def output_size(self) -> BasicDecoderOutput:
        size = self._cell.output_size
        if self._output_layer is not None:
            size = columns_behind(self._output_layer, size, self._dtype())
        return BasicDecoderOutput(size, self._helper.sample_ids_shape)

    @property
    def output_dtype(self) -> BasicDecoderOutput:
        outputs = nest.map_structure(lambda _: self._dtype(), self._cell.output_size)
        return BasicDecoderOutput(outputs, self._helper.sample_ids_dtype)

    def _dtype(self) -> Any:
        return floating_dtype("BasicDecoder", self._initial_state)

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        return (*self._helper.initialize(), self._initial_state)

    def step(
        self, time: Any, inputs: Any, state: Any, name: str | None = None
    ) -> tuple[Any, Any, Any, Any]:
        y, after = self._cell(inputs, state)
        if self._output_layer is not None:
            y = self._output_layer(y)
        words = self._helper.sample(time=time, outputs=y, state=after)
        finished, following, after = self._helper.next_inputs(
            time=time, outputs=y, state=after, sample_ids=words
        )
        return BasicDecoderOutput(y, words), after, following, finished

    def at_once(self, most: Tensor | None, impute: bool) -> tuple[Any, Any, Any] | None:
        """A cell that has a kernel for whole sequences reads the truth: as dynamic_rnn does."""
        over, layer = getattr(self._cell, "over", None), self._output_layer
        helper, rows = self._helper, layer is None or isinstance(layer, Linear)
        if over is None or type(helper) is not TrainingHelper or not rows:
            return None
        x = helper.inputs
        if not isinstance(x, Tensor) or x.spec.rank != 3 or x.spec.shape[0] == 0:
            return None
        steps = reductions.reduce_max(helper.sequence_length)
        if most is not None:
            steps = maths.minimum(steps, maths.maximum(maths.cast(most, steps.dtype), 0))
        lengths = maths.minimum(helper.sequence_length, steps)
        run = lengths if impute else shaping.zeros_like(lengths) + steps
        if hasattr(self._cell, "check_state"):
            self._cell.check_state(self._initial_state, x.spec.shape[1])
        state = nest.map_structure(as_tensor, self._initial_state)
        y, last = over(x, state, lengths=run, time_major=True, reverse=False)
        y = y[:steps] if layer is None else layer(y[:steps])
        words = helper.sample(None, y)
        if impute:
            many, batch = x.spec.shape[:2]
            alive = recurrent.within("dynamic_decode", run, many, batch, True)[:steps]
            y = selections.where(shaping.expand_dims(alive, 2), y, shaping.zeros_like(y))
            words = selections.where(alive, words, shaping.zeros_like(words))
        return BasicDecoderOutput(y, words), last, lengths


def check_cell(op: str, cell: Any) -> None:
    """Refuse what is no cell."""
    if not callable(cell) or not hasattr(cell, "state_size") or not hasattr(cell, "output_size"):
        raise TypeError(explain(op, f"cell is no recurrent cell, but {type(cell).__name__}"))


def check_layer(op: str, layer: Any) -> None:
    """Refuse what is no function of the outputs."""
    if layer is not None and not callable(layer):
        raise TypeError(explain(op, f"output_layer is no layer, but {type(layer).__name__}"))


def floating_dtype(op: str, state: Any) -> Any:
    """The dtype of the first floating tensor of a state."""
    tensors = [as_tensor(x) for x in nest.flatten(state) if not hasattr(x, "stack")]
    found: list[Tensor] = [x for x in tensors if x.dtype.is_floating] or tensors
    if not found:
        raise ValueError(explain(op, "initial_state has no tensors"))
    return found[0].dtype
