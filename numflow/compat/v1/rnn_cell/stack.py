"""MultiRNNCell: cells on top of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow import nest
from numflow.compat.v1.rnn_cell.base import RNNCell
from numflow.graph.tensor import Tensor
from numflow.keras.rnn_wrappers import Over
from numflow.ops import joining

__all__ = ["MultiRNNCell"]


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
