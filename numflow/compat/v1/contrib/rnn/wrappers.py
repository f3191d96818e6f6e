"""Cells between linear maps: OutputProjectionWrapper, InputProjectionWrapper, EmbeddingWrapper."""

from __future__ import annotations

from typing import Any

from numflow import dtypes, nest
from numflow.compat.v1.contrib.linear import Linear
from numflow.compat.v1.rnn_cell.base import RNNCell, zero_state
from numflow.errors import explain
from numflow.initializers import RandomUniform
from numflow.ops import embedding, plain
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor

__all__ = ["EmbeddingWrapper", "InputProjectionWrapper", "OutputProjectionWrapper"]


class _Around(RNNCell):
    """A cell around a cell, with its state."""

    def __init__(self, cell: Any) -> None:
        op = type(self).__name__
        if not callable(cell) or not hasattr(cell, "state_size"):
            raise TypeError(explain(op, f"cell is no recurrent cell: {cell!r}"))
        super().__init__()
        self._cell = cell

    @property
    def state_size(self) -> Any:
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        return self._cell.output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The cell's initial state of zeros."""
        return zero_state(self._cell, batch_size, dtype)


class OutputProjectionWrapper(_Around):
    """A cell whose output is projected: activation(y kernel + bias).

    Args:
      cell: a cell.
      output_size: size of the projection.
      activation: of the projection; default none.

    Raises:
      TypeError: cell is no cell. ValueError: output_size is below 1.

    Example:
      >>> gru = nf.compat.v1.nn.rnn_cell.GRUCell(4)
      >>> cell = nf.compat.v1.contrib.rnn.OutputProjectionWrapper(gru, 2)
      >>> y, h = cell(nf.ones([2, 3]), cell.zero_state(2, nf.float32))
      >>> y.shape, h.shape
      (TensorShape([2, 2]), TensorShape([2, 4]))
    """

    def __init__(
        self, cell: Any, output_size: int, activation: Any = None, reuse: Any = None
    ) -> None:
        super().__init__(cell)
        self._linear = Linear("OutputProjectionWrapper", "output_size", output_size)
        self._activation = activation

    @property
    def output_size(self) -> Any:
        return self._linear.units

    def call(self, inputs: Any, state: Any) -> Any:
        """(output, new state), of a step's inputs and the state before it."""
        y, after = self._cell(inputs, state)
        projected = self._linear(y)
        return projected if self._activation is None else self._activation(projected), after


class InputProjectionWrapper(_Around):
    """A cell whose inputs are projected first: activation(x kernel + bias).

    Args:
      cell: a cell.
      num_proj: size of the projection.
      activation: of the projection; default none.
      input_size: TensorFlow's; it changes nothing.

    Example:
      >>> gru = nf.compat.v1.nn.rnn_cell.GRUCell(4)
      >>> cell = nf.compat.v1.contrib.rnn.InputProjectionWrapper(gru, 2)
      >>> _ = cell(nf.ones([2, 3]), cell.zero_state(2, nf.float32))
      >>> [w.shape.as_list() for w in cell.weights][-2:]
      [[3, 2], [2]]
    """

    def __init__(
        self,
        cell: Any,
        num_proj: int,
        activation: Any = None,
        input_size: Any = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(cell)
        self._linear = Linear("InputProjectionWrapper", "num_proj", num_proj)
        self._activation = activation

    def call(self, inputs: Any, state: Any) -> Any:
        """(output, new state), of a step's inputs and the state before it."""
        projected = self._linear(inputs)
        if self._activation is not None:
            projected = self._activation(projected)
        return self._cell(projected, state)


class EmbeddingWrapper(_Around):
    """A cell whose inputs are numbers of rows of a table that it holds.

    Args:
      cell: a cell.
      embedding_classes: rows of the table. embedding_size: their length.
      initializer: of the table; default uniform in [-sqrt(3), sqrt(3)), of variance 1.

    Called with integers [batch] or [batch, 1].

    Raises:
      ValueError: a size is below 1. InvalidArgumentError: a number is out of range.

    Example:
      >>> gru = nf.compat.v1.nn.rnn_cell.GRUCell(4)
      >>> cell = nf.compat.v1.contrib.rnn.EmbeddingWrapper(gru, 10, 3)
      >>> cell(nf.constant([1, 9]), cell.zero_state(2, nf.float32))[0].shape
      TensorShape([2, 4])
    """

    def __init__(
        self,
        cell: Any,
        embedding_classes: int,
        embedding_size: int,
        initializer: Any = None,
        reuse: Any = None,
    ) -> None:
        super().__init__(cell)
        op = "EmbeddingWrapper"
        self._rows = plain.whole(embedding_classes, op, "embedding_classes", 1)
        self._length = plain.whole(embedding_size, op, "embedding_size", 1)
        self._initializer = initializer or RandomUniform(-(3.0**0.5), 3.0**0.5)
        self._table: Any = None

    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> Any:
        if self._table is None:  # of the state's dtype, for the inputs are integers
            dtype = as_tensor(nest.flatten(state)[0]).dtype
            self._table = self.add_weight(
                (self._rows, self._length), self._initializer, dtype, name="embedding"
            )
        ids = as_tensor(inputs, dtypes.int32 if isinstance(inputs, list) else None)
        rows = embedding.embedding_lookup(self._table, shaping.reshape(ids, (-1,)))
        return self._cell(rows, state)
