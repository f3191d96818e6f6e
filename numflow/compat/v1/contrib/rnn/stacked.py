"""Bidirectional layers on top of each other: each sees both directions of the one below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow.compat.v1.rnn import bidirectional_dynamic_rnn, static_bidirectional_rnn
from numflow.errors import explain
from numflow.graph.tensor import TensorLike
from numflow.ops import joining, plain

__all__ = ["stack_bidirectional_dynamic_rnn", "stack_bidirectional_rnn"]


def stack_bidirectional_dynamic_rnn(
    cells_fw: Sequence[Any],
    cells_bw: Sequence[Any],
    inputs: Any,
    initial_states_fw: Any = None,
    initial_states_bw: Any = None,
    dtype: Any = None,
    sequence_length: TensorLike | None = None,
    parallel_iterations: Any = None,
    time_major: bool = False,
    scope: Any = None,
    swap_memory: bool = False,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """bidirectional_dynamic_rnn, layer on layer.

    Args:
      cells_fw, cells_bw: lists of cells, one for each layer.
      inputs: [batch, steps, depth], or [steps, batch, depth] with time_major.
      initial_states_fw, initial_states_bw: a list of states, one for each layer; default zeros,
        for which dtype is needed.
      sequence_length: integers [batch].
      parallel_iterations, swap_memory, scope: TensorFlow's; they change nothing here.

    Returns:
      (outputs of both directions side by side; the last states forward, one for each layer; those
      backward).

    Raises:
      ValueError: not as many cells forward as backward, or none; not a state for each layer.

    Example:
      >>> cells = [nf.compat.v1.nn.rnn_cell.GRUCell(4) for _ in range(4)]
      >>> y, _, _ = nf.compat.v1.contrib.rnn.stack_bidirectional_dynamic_rnn(
      ...     cells[:2], cells[2:], nf.ones([2, 5, 3]), dtype=nf.float32)
      >>> y.shape
      TensorShape([2, 5, 8])

    Source: Graves et al. 2013, "Hybrid Speech Recognition with Deep Bidirectional LSTM".
    """
    op = "stack_bidirectional_dynamic_rnn"
    layers = _layers(op, cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    x, last_fw, last_bw = inputs, [], []
    for fw, bw, state_fw, state_bw in layers:
        both, (after_fw, after_bw) = bidirectional_dynamic_rnn(
            fw, bw, x, sequence_length, state_fw, state_bw, dtype, time_major=time_major
        )
        x = joining.concat(list(both), 2)
        last_fw.append(after_fw)
        last_bw.append(after_bw)
    return x, tuple(last_fw), tuple(last_bw)


def stack_bidirectional_rnn(
    cells_fw: Sequence[Any],
    cells_bw: Sequence[Any],
    inputs: Sequence[Any],
    initial_states_fw: Any = None,
    initial_states_bw: Any = None,
    dtype: Any = None,
    sequence_length: TensorLike | None = None,
    scope: Any = None,
) -> tuple[list[Any], tuple[Any, ...], tuple[Any, ...]]:
    """static_bidirectional_rnn, layer on layer: inputs and outputs are lists of steps.

    Args and errors are those of stack_bidirectional_dynamic_rnn.

    Example:
      >>> cells = [nf.compat.v1.nn.rnn_cell.GRUCell(4) for _ in range(4)]
      >>> y, _, _ = nf.compat.v1.contrib.rnn.stack_bidirectional_rnn(
      ...     cells[:2], cells[2:], [nf.ones([2, 3])] * 5, dtype=nf.float32)
      >>> len(y), y[0].shape
      (5, TensorShape([2, 8]))
    """
    op = "stack_bidirectional_rnn"
    layers = _layers(op, cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    x, last_fw, last_bw = plain.items(inputs, op, "inputs"), [], []
    for fw, bw, state_fw, state_bw in layers:
        x, after_fw, after_bw = static_bidirectional_rnn(
            fw, bw, x, state_fw, state_bw, dtype, sequence_length
        )
        last_fw.append(after_fw)
        last_bw.append(after_bw)
    return x, tuple(last_fw), tuple(last_bw)


def _layers(op: str, fw: Any, bw: Any, states_fw: Any, states_bw: Any) -> list[tuple[Any, ...]]:
    """(cell forward, cell backward, initial state of each) of every layer."""
    for name, cells in (("cells_fw", fw), ("cells_bw", bw)):
        if not isinstance(cells, list | tuple) or not cells:
            raise ValueError(explain(op, f"{name} is a list of cells, one for each layer"))
    if len(fw) != len(bw):
        shown = {"cells_fw": len(fw), "cells_bw": len(bw)}
        raise ValueError(explain(op, "there are not as many cells forward as backward", shown))
    columns = [fw, bw]
    for name, states in (("initial_states_fw", states_fw), ("initial_states_bw", states_bw)):
        if states is None:
            states = [None] * len(fw)
        if not isinstance(states, list | tuple) or len(states) != len(fw):
            raise ValueError(explain(op, f"{name} is a list of states, one for each layer"))
        columns.append(states)
    return list(zip(*columns, strict=True))
