"""tf.compat.v1.nn's functions that run a recurrent cell over sequences.

Cells of rnn_cell/ with the usual activations, alone, on top of each other or within wrappers, run
their whole sequence in one kernel; any other cell step by step, in a loop where there are many.
Past a sequence's length outputs are 0 and the state stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numflow import dtypes, nest
from numflow.compat.v1.rnn_cell.base import zero_state
from numflow.control.recurrence import recur
from numflow.control.tensor_array import TensorArray
from numflow.control.while_loop import while_loop
from numflow.errors import ShapeError, explain
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import joining, plain, recurrent
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import as_number

__all__ = [
    "bidirectional_dynamic_rnn",
    "dynamic_rnn",
    "raw_rnn",
    "static_bidirectional_rnn",
    "static_rnn",
]


def dynamic_rnn(
    cell: Any,
    inputs: Any,
    sequence_length: TensorLike | None = None,
    initial_state: Any = None,
    dtype: Any = None,
    parallel_iterations: Any = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any]:
    """A cell over sequences.

    Args:
      cell: called with (inputs, state); has state_size and output_size.
      inputs: [batch, steps, ...], or [steps, batch, ...] with time_major; may be nested.
      sequence_length: integers [batch].
      initial_state: default zeros, for which dtype is needed.
      parallel_iterations, swap_memory, scope: TensorFlow's; they change nothing here.

    Returns:
      (outputs, laid out as inputs; the last state).

    Raises:
      ValueError: there is neither initial_state nor dtype.
      ShapeError: inputs of fewer than two axes, or not a length for each sequence.
      InvalidArgumentError: a length is out of range.

    Example:
      >>> cell = nf.compat.v1.nn.rnn_cell.BasicLSTMCell(4)
      >>> x = nf.ones([2, 5, 3])
      >>> y, state = nf.compat.v1.nn.dynamic_rnn(cell, x, sequence_length=[5, 2], dtype=nf.float32)
      >>> y.shape, state.c.shape
      (TensorShape([2, 5, 4]), TensorShape([2, 4]))
    """
    op = "dynamic_rnn"
    _check_cell(op, cell)
    return _run(op, cell, inputs, sequence_length, initial_state, dtype, time_major, False)


def bidirectional_dynamic_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Any,
    sequence_length: TensorLike | None = None,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    parallel_iterations: Any = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """A cell forward over sequences, and another from each sequence's end.

    Args are those of dynamic_rnn, states for each of the cells.

    Returns:
      ((outputs forward, outputs backward), (last state forward, last state backward)).

    Example:
      >>> cells = [nf.compat.v1.nn.rnn_cell.GRUCell(4) for _ in range(2)]
      >>> x = nf.ones([2, 5, 3])
      >>> y, _ = nf.compat.v1.nn.bidirectional_dynamic_rnn(*cells, x, dtype=nf.float32)
      >>> nf.concat(y, 2).shape
      TensorShape([2, 5, 8])

    Source: Schuster & Paliwal 1997, "Bidirectional Recurrent Neural Networks".
    """
    op = "bidirectional_dynamic_rnn"
    _check_cell(op, cell_fw)
    _check_cell(op, cell_bw)
    y_fw, state_fw = _run(
        op, cell_fw, inputs, sequence_length, initial_state_fw, dtype, time_major, False
    )
    y_bw, state_bw = _run(
        op, cell_bw, inputs, sequence_length, initial_state_bw, dtype, time_major, True
    )
    return (y_fw, y_bw), (state_fw, state_bw)


def static_rnn(
    cell: Any,
    inputs: Sequence[Any],
    initial_state: Any = None,
    dtype: Any = None,
    sequence_length: TensorLike | None = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """A cell over a list of inputs, a step each.

    Returns:
      (a list of outputs, the last state).

    Example:
      >>> cell = nf.compat.v1.nn.rnn_cell.BasicRNNCell(4)
      >>> y, h = nf.compat.v1.nn.static_rnn(cell, [nf.ones([2, 3])] * 5, dtype=nf.float32)
      >>> len(y), y[0].shape
      (5, TensorShape([2, 4]))
    """
    op = "static_rnn"
    _check_cell(op, cell)
    x = _stacked(op, inputs)
    outputs, state = _run(op, cell, x, sequence_length, initial_state, dtype, True, False)
    return _unstacked(outputs, len(inputs)), state


def static_bidirectional_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Sequence[Any],
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    sequence_length: TensorLike | None = None,
    scope: Any = None,
) -> tuple[list[Any], Any, Any]:
    """A cell forward over a list of inputs, and another backward.

    Returns:
      (a list of outputs of both side by side, last state forward, last state backward).

    Example:
      >>> cells = [nf.compat.v1.nn.rnn_cell.BasicLSTMCell(4) for _ in range(2)]
      >>> x = [nf.ones([2, 3])] * 5
      >>> y, _, _ = nf.compat.v1.nn.static_bidirectional_rnn(*cells, x, dtype=nf.float32)
      >>> len(y), y[0].shape
      (5, TensorShape([2, 8]))
    """
    op = "static_bidirectional_rnn"
    _check_cell(op, cell_fw)
    _check_cell(op, cell_bw)
    x = _stacked(op, inputs)
    y_fw, state_fw = _run(op, cell_fw, x, sequence_length, initial_state_fw, dtype, True, False)
    y_bw, state_bw = _run(op, cell_bw, x, sequence_length, initial_state_bw, dtype, True, True)
    both = nest.map_structure(lambda a, b: joining.concat([a, b], -1), y_fw, y_bw)
    return _unstacked(both, len(inputs)), state_fw, state_bw


def raw_rnn(
    cell: Any,
    loop_fn: Callable[..., Any],
    parallel_iterations: Any = None,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:
    """A cell whose inputs are made while it runs: a decoder that reads what it wrote.

    Args:
      cell: called with (inputs, state).
      loop_fn: loop_fn(time, output, state, loop_state) -> (finished: bool [batch], the next inputs,
        the state, what is collected, the next loop state). First called with (0, None, None,
        None): then it gives the initial state, and what is collected has the form of the outputs,
        or is None: the outputs themselves. Where a sequence is finished its state stays, and zeros
        are collected.

    Returns:
      (a TensorArray of what was collected, the last state, the last loop state).

    Example:
      >>> cell = nf.compat.v1.nn.rnn_cell.GRUCell(4)
      >>> def loop(time, output, state, loop_state):
      ...     state = cell.zero_state(2, nf.float32) if output is None else state
      ...     return nf.fill([2], time >= 3), nf.ones([2, 3]), state, output, None
      >>> y, state, _ = nf.compat.v1.nn.raw_rnn(cell, loop)
      >>> y.stack().shape, state.shape
      (TensorShape([3, 2, 4]), TensorShape([2, 4]))
    """
    op = "raw_rnn"
    _check_cell(op, cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    zero = as_tensor(0, dtypes.int32)
    finished, x, state, form, loop_state = loop_fn(zero, None, None, None)
    first: Tensor = nest.flatten(x)[0]
    batch = first.spec.shape[0]
    if form is None:
        form = _sizes(cell.output_size, first.dtype)
    blank = [
        shaping.zeros((batch, *_row(t)), getattr(t, "dtype", first.dtype))
        for t in nest.flatten(form)
    ]
    kept = [as_tensor(0) if loop_state is None else loop_state]
    arrays = [
        TensorArray(z.dtype, size=0, dynamic_size=True, element_shape=z.spec.shape) for z in blank
    ]

    def body(time: Any, done: Any, x: Any, state: Any, kept: Any, arrays: Any) -> Any:
        output, after = cell(x, state)
        given = None if loop_state is None else kept[0]
        ended, x, new, emitted, said = loop_fn(time + 1, output, after, given)
        rows = nest.flatten(output if emitted is None else emitted)
        rows = [_chosen(done, z, y) for z, y in zip(blank, rows, strict=True)]
        new = nest.map_structure(lambda a, b: _chosen(done, a, b), state, new)
        arrays = [a.write(time, y) for a, y in zip(arrays, rows, strict=True)]
        rest = kept if loop_state is None else [said]
        return time + 1, selections.logical_or(done, ended), x, new, rest, arrays

    start = (zero, as_tensor(finished), x, state, kept, arrays)
    found = while_loop(
        lambda time, done, *_: selections.logical_not(reductions.reduce_all(done)), body, start
    )
    _, _, _, state, kept, arrays = found
    return (
        nest.pack_sequence_as(form, list(arrays)),
        state,
        None if loop_state is None else kept[0],
    )


def _sizes(size: Any, dtype: Any) -> Any:
    """Specs of rows of these sizes."""
    return nest.map_structure(lambda n: Spec((n,) if isinstance(n, int) else tuple(n), dtype), size)


def _row(like: Any) -> tuple[Any, ...]:
    """The shape of what is collected of one sequence."""
    return tuple(like.shape) if isinstance(like, Spec) else tuple(as_tensor(like).spec.shape)


def _chosen(done: Tensor, x: Any, y: Any) -> Any:
    """x for sequences that are done, else y; a count or a TensorArray has no rows, and goes on."""
    if isinstance(y, TensorArray) or not y.spec.rank:
        return y
    shape = (y.spec.shape[0], *(1,) * (y.spec.rank - 1))
    return selections.where(shaping.reshape_op(done, shape=shape), x, y)


# --- running ---------------------------------------------------------------------------------


def _check_cell(op: str, cell: Any) -> None:
    missing = [name for name in ("state_size", "output_size") if not hasattr(cell, name)]
    if missing or not callable(cell):
        raise TypeError(
            f"{op}: an RNN cell is wanted, called with (inputs, state), with state_size and"
            f" output_size. Received: {cell!r}"
        )


def _run(
    op: str,
    cell: Any,
    inputs: Any,
    lengths: Any,
    initial_state: Any,
    dtype: Any,
    time_major: bool,
    reverse: bool,
) -> tuple[Any, Any]:
    """(outputs, last state)."""
    x = nest.map_structure(lambda v: as_tensor(v, None, op, "inputs"), inputs)
    specs = [v.spec for v in nest.flatten(x)]
    if not specs or any(s.rank < 2 for s in specs):
        raise ShapeError(explain(op, "inputs have batch and steps", {"inputs": specs}))
    first: Tensor = nest.flatten(x)[0]
    time_major = plain.flag(time_major, op, "time_major")
    steps, batch = first.spec.shape[:2] if time_major else first.spec.shape[1::-1]
    n = None
    if lengths is not None:
        n = as_tensor(lengths, None, op, "sequence_length")
    state = _start(op, cell, initial_state, batch, dtype)
    over = getattr(cell, "over", None)
    if over is not None and x is first and x.spec.rank == 3:
        found: tuple[Any, Any] = over(x, state, lengths=n, time_major=time_major, reverse=reverse)
        return found
    mask = None if n is None else recurrent.within(op, n, steps, batch, True)
    turned = x if time_major else nest.map_structure(_turned, x)
    _, outputs, state = recur(cell, turned, state, mask=mask, reverse=reverse)
    return (outputs if time_major else nest.map_structure(_turned, outputs)), state


def _start(op: str, cell: Any, given: Any, batch: Any, dtype: Any) -> Any:
    if given is not None:
        if hasattr(cell, "check_state"):
            cell.check_state(given, batch)
        return nest.map_structure(
            lambda v: v if isinstance(v, TensorArray) else as_tensor(v, None, op, "initial_state"),
            given,
        )
    if dtype is None:
        problem = "If there is no initial_state, you must give a dtype."
        raise ValueError(explain(op, problem))
    return zero_state(cell, batch, dtype)


def _turned(x: Tensor) -> Tensor:
    """Batch and steps exchanged."""
    return shaping.transpose(x, (1, 0, *range(2, x.spec.rank)))


def _stacked(op: str, inputs: Any) -> Any:
    """A list of steps as [steps, batch, ...]."""
    if not isinstance(inputs, list | tuple):
        raise TypeError(f"{op}: inputs must be a sequence. Received: {type(inputs).__name__}")
    if not inputs:
        raise ValueError(f"{op}: inputs must not be empty")
    flat = [nest.flatten(v) for v in inputs]
    if not flat[0] or any(len(parts) != len(flat[0]) for parts in flat):
        raise ValueError(explain(op, "inputs are tensors, nested alike in each step"))
    columns = [joining.stack(list(c), 0) for c in zip(*flat, strict=True)]
    return nest.pack_sequence_as(inputs[0], columns)


def _unstacked(outputs: Any, count: int) -> list[Any]:
    """[steps, batch, ...] as a list of steps."""
    flat = nest.flatten(outputs)
    cuts = [joining.unstack(v, as_number(v.spec.shape[0], "static_rnn"), 0) for v in flat]
    return [nest.pack_sequence_as(outputs, [c[t] for c in cuts]) for t in range(count)]
