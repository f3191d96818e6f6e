"""static_state_saving_rnn: a cell over a list of inputs, its state kept by somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow import nest
from numflow.compat.v1.rnn import static_rnn
from numflow.errors import explain
from numflow.graph.tensor import TensorLike

__all__ = ["static_state_saving_rnn"]


def static_state_saving_rnn(
    cell: Any,
    inputs: Sequence[Any],
    state_saver: Any,
    state_name: Any,
    sequence_length: TensorLike | None = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """static_rnn from a state that was saved, to one that is.

    Args:
      cell: called with (inputs, state).
      inputs: a list of [batch, depth].
      state_saver: has state(name) -> a tensor, and save_state(name, tensor).
      state_name: the name of the state, of each of its parts where it has several: nested like
        cell.state_size.
      sequence_length: integers [batch].

    Returns:
      (a list of outputs, the last state).

    Raises:
      TypeError: state_saver has not both methods.
      ValueError: state_name is not nested like cell.state_size.

    Example:
      >>> class Saver:
      ...     def __init__(self):
      ...         self.kept = {"h": nf.zeros([2, 4])}
      ...     def state(self, name):
      ...         return self.kept[name]
      ...     def save_state(self, name, value):
      ...         self.kept[name] = value
      >>> saver, cell = Saver(), nf.compat.v1.nn.rnn_cell.GRUCell(4)
      >>> x = [nf.ones([2, 3])] * 5
      >>> y, h = nf.compat.v1.nn.static_state_saving_rnn(cell, x, saver, "h")
      >>> len(y), saver.kept["h"] is h
      (5, True)
    """
    op = "static_state_saving_rnn"
    for method in ("state", "save_state"):
        if not callable(getattr(state_saver, method, None)):
            raise TypeError(explain(op, f"state_saver has no method {method}"))
    names, size = nest.flatten(state_name), cell.state_size
    several = nest.is_nested(size)
    if nest.is_nested(state_name) != several or len(names) != len(nest.flatten(size)):
        shown = {"state_name": state_name, "cell.state_size": size}
        problem = "state_name has not a name for each part of the state"
        raise ValueError(explain(op, problem, shown))
    saved = [state_saver.state(name) for name in names]
    initial = nest.pack_sequence_as(size, saved) if several else saved[0]
    outputs, state = static_rnn(cell, inputs, initial, sequence_length=sequence_length)
    for name, part in zip(names, nest.flatten(state), strict=True):
        state_saver.save_state(name, part)
    return outputs, state
