"""AttentionWrapper: a cell that attends to memories, and reads what it attended to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from numflow import dtypes, nest
from numflow.compat.v1.contrib.linear import Linear, columns_behind
from numflow.compat.v1.contrib.seq2seq.attention import AttentionMechanism
from numflow.compat.v1.contrib.seq2seq.basic_decoder import check_cell
from numflow.compat.v1.rnn_cell.base import RNNCell, fits, zero_state
from numflow.control.tensor_array import TensorArray
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import joining, linalg
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.tensor_shape import TensorShape

__all__ = ["AttentionWrapper", "AttentionWrapperState"]


class AttentionWrapperState(NamedTuple):
    """The state of an AttentionWrapper.

    cell_state: of its cell. attention [batch, size]: what it attended to in the step before.
    time: the number of the step, an int32 scalar. alignments [batch, steps of the memory].
    alignment_history: a TensorArray of them, or (). attention_state: of the mechanism.
    The last three are tuples, where there are several mechanisms.
    """

    cell_state: Any
    attention: Any
    time: Any
    alignments: Any
    alignment_history: Any
    attention_state: Any

    def clone(self, **kwargs: Any) -> AttentionWrapperState:
        """The state with other parts, of the same shapes.

        Raises:
          ShapeError: a part has another shape.
        """
        made = self._replace(**kwargs)
        for name in kwargs:
            old, new = nest.flatten(getattr(self, name)), nest.flatten(getattr(made, name))
            for x, y in zip(old, new, strict=False):
                if isinstance(x, TensorArray) or isinstance(y, TensorArray):
                    continue
                a, b = as_tensor(x).spec, as_tensor(y).spec
                same = all(fits(m, n) for m, n in zip(a.shape, b.shape, strict=False))
                if a.rank != b.rank or not same:
                    problem = f"{name} has another shape than it had"
                    fix = "tile_batch, where beams are searched"
                    shown = {"before": a, "given": b}
                    raise ShapeError(explain("AttentionWrapperState", problem, shown, fix))
        return made


AttentionFn = Callable[[Any, Any, Any, Any], tuple[Any, Any, Any]]


def compute_attention(
    attention_mechanism: Any, cell_output: Tensor, attention_state: Any, attention_layer: Any
) -> tuple[Tensor, Tensor, Any]:
    """(attention, alignments, the mechanism's next state): the memory's mean by alignments, and a
    layer of it and the cell's output."""
    alignments, following = attention_mechanism(cell_output, attention_state)
    wide = linalg.matmul(shaping.expand_dims(alignments, 1), attention_mechanism.values)
    attention = shaping.squeeze(wide, [1])
    if attention_layer is not None:
        attention = attention_layer(joining.concat([cell_output, attention], 1))
    return attention, alignments, following


class AttentionWrapper(RNNCell):
    """A cell with attention: its inputs are those given and what it attended to in the step before.

    Args:
      cell: a recurrent cell.
      attention_mechanism: an AttentionMechanism, or a list of such.
      attention_layer_size: columns of a map, without a bias, of the cell's output and what it
        attends to; a list for a list of mechanisms. None: what it attends to, as it is.
      alignment_history: whether the state collects alignments, in a TensorArray.
      cell_input_fn: (inputs, attention) -> the cell's inputs; default: side by side.
      output_attention: whether the output is the attention (as Luong has it), or the cell's output
        (Bahdanau).
      initial_cell_state: the cell's state that zero_state gives.
      attention_layer: a layer in place of attention_layer_size; a list for a list of mechanisms.
      attention_fn: (mechanism, cell's output, its state, layer) -> (attention, alignments, its next
        state); default compute_attention.

    For beam search memory, lengths and cell state go through tile_batch first.

    Raises:
      TypeError: cell or attention_mechanism is none, a function cannot be called.
      ValueError: both a layer and its size; not one for each mechanism.
      ShapeError: the batch is not that of the memory.

    Example:
      >>> seq2seq = nf.compat.v1.contrib.seq2seq
      >>> attend = seq2seq.LuongAttention(4, nf.ones([2, 3, 5]))
      >>> cell = seq2seq.AttentionWrapper(nf.compat.v1.nn.rnn_cell.GRUCell(4), attend, 6)
      >>> y, state = cell(nf.ones([2, 7]), cell.zero_state(2, nf.float32))
      >>> y.shape, state.alignments.shape
      (TensorShape([2, 6]), TensorShape([2, 3]))

    Source: Luong et al. 2015, "Effective Approaches to Attention-based Neural Machine Translation"
    (eq. 5 and section 3.3).
    """

    def __init__(
        self,
        cell: Any,
        attention_mechanism: Any,
        attention_layer_size: Any = None,
        alignment_history: bool = False,
        cell_input_fn: Callable[[Any, Any], Any] | None = None,
        output_attention: bool = True,
        initial_cell_state: Any = None,
        name: str | None = None,
        attention_layer: Any = None,
        attention_fn: AttentionFn | None = None,
    ) -> None:
        op = "AttentionWrapper"
        super().__init__(name=name)
        check_cell(op, cell)
        self._several = isinstance(attention_mechanism, list | tuple)
        mechanisms = tuple(attention_mechanism) if self._several else (attention_mechanism,)
        for m in mechanisms:
            if not isinstance(m, AttentionMechanism):
                problem = f"attention_mechanism is no AttentionMechanism, but {type(m).__name__}"
                raise TypeError(explain(op, problem))
        for argument, function in (
            ("cell_input_fn", cell_input_fn),
            ("attention_fn", attention_fn),
        ):
            if function is not None and not callable(function):
                problem = f"{argument} must be callable, not {type(function).__name__}"
                raise TypeError(explain(op, problem))
        self._cell, self._mechanisms = cell, mechanisms
        self._layers_of_attention = self._attention_layers(attention_layer_size, attention_layer)
        self._history, self._output_attention = alignment_history, output_attention
        self._cell_input = cell_input_fn or (lambda x, a: joining.concat([x, a], -1))
        self._attend: AttentionFn = attention_fn or compute_attention
        self._initial = initial_cell_state
        if initial_cell_state is not None:
            last = as_tensor(nest.flatten(initial_cell_state)[-1], None, op, "initial_cell_state")
            self._check_batch(last.spec.shape[0], "initial_cell_state")

    def _attention_layers(self, sizes: Any, layers: Any) -> tuple[Any, ...]:
        """A layer for each mechanism, or None."""
        op = "AttentionWrapper"
        if sizes is not None and layers is not None:
            problem = "only one of attention_layer_size and attention_layer should be set"
            raise ValueError(explain(op, problem))
        name = "attention_layer" if sizes is None else "attention_layer_size"
        given = layers if sizes is None else sizes
        if given is None:
            return (None,) * len(self._mechanisms)
        found = tuple(given) if isinstance(given, list | tuple) else (given,)
        if len(found) != len(self._mechanisms):
            problem = f"{name} has one item for each attention_mechanism"
            shown = {name: len(found), "attention_mechanism": len(self._mechanisms)}
            raise ValueError(explain(op, problem, shown))
        if sizes is None:
            return found
        return tuple(
            Linear(op, name, n, False, m.dtype)
            for n, m in zip(found, self._mechanisms, strict=True)
        )

    def _check_batch(self, batch: Any, name: str) -> None:
        for m in self._mechanisms:
            if not fits(batch, m.batch_size):
                problem = f"{name} is for a batch of {batch}, and the memory is of {m.batch_size}"
                fix = "tile_batch, with multiplier=beam_width, where beams are searched"
                raise ShapeError(explain("AttentionWrapper", problem, fix=fix))

    def _one_or_all(self, items: Sequence[Any]) -> Any:
        """A tuple, where a list of mechanisms was given; else the only one."""
        return tuple(items) if self._several else items[0]

    @property
    def _attention_size(self) -> int:
        sizes = []
        for m, layer in zip(self._mechanisms, self._layers_of_attention, strict=True):
            depth = m.values.spec.shape[-1]
            if layer is not None:
                depth = columns_behind(layer, self._cell.output_size + depth, m.dtype)
            sizes.append(depth)
        return sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._attention_size if self._output_attention else self._cell.output_size

    @property
    def state_size(self) -> AttentionWrapperState:
        return AttentionWrapperState(
            cell_state=self._cell.state_size,
            attention=self._attention_size,
            time=TensorShape([]),
            alignments=self._one_or_all([m.alignments_size for m in self._mechanisms]),
            alignment_history=self._one_or_all(
                [m.alignments_size if self._history else () for m in self._mechanisms]
            ),
            attention_state=self._one_or_all([m.state_size for m in self._mechanisms]),
        )

    def zero_state(self, batch_size: Any, dtype: Any) -> AttentionWrapperState:
        """The state before the first step: zeros, and initial_cell_state if there is one.

        Raises:
          ShapeError: the memory is of another batch.
        """
        want = dtypes.as_dtype(dtype)
        batch = static_int(batch_size, "AttentionWrapper", "batch_size", sizes=True)
        self._check_batch(batch, "zero_state")
        state = self._initial
        if state is None:
            state = zero_state(self._cell, batch, want)
        started = [m.initial_alignments(batch, want) for m in self._mechanisms]
        return AttentionWrapperState(
            cell_state=nest.map_structure(as_tensor, state),
            attention=shaping.zeros((batch, self._attention_size), want),
            time=as_tensor(0, dtypes.int32),
            alignments=self._one_or_all(started),
            alignment_history=self._one_or_all(
                [self._empty_history(x) if self._history else () for x in started]
            ),
            attention_state=self._one_or_all(
                [m.initial_state(batch, want) for m in self._mechanisms]
            ),
        )

    def _empty_history(self, alignments: Tensor) -> TensorArray:
        return TensorArray(
            alignments.dtype, 0, dynamic_size=True, clear_after_read=False,
            element_shape=alignments.spec.shape,
        )  # fmt: skip

    def call(self, inputs: Any, state: Any) -> tuple[Tensor, AttentionWrapperState]:
        """(output, new state), of a step's inputs and the state before it."""
        if not isinstance(state, AttentionWrapperState):
            problem = f"state is no AttentionWrapperState, but {type(state).__name__}"
            raise TypeError(explain("AttentionWrapper", problem))
        seen = self._cell_input(inputs, state.attention)
        y, after = self._cell(seen, state.cell_state)
        self._check_batch(y.spec.shape[0], "inputs")
        several = self._several
        before = state.attention_state if several else [state.attention_state]
        histories = state.alignment_history if several else [state.alignment_history]
        parts = zip(self._mechanisms, before, self._layers_of_attention, strict=True)
        found = [self._attend(m, y, s, layer) for m, s, layer in parts]
        attention = joining.concat([f[0] for f in found], 1)
        if self._history:
            histories = [h.write(state.time, f[1]) for h, f in zip(histories, found, strict=True)]
        following = AttentionWrapperState(
            cell_state=after,
            attention=attention,
            time=state.time + 1,
            alignments=self._one_or_all([f[1] for f in found]),
            alignment_history=self._one_or_all(list(histories)),
            attention_state=self._one_or_all([f[2] for f in found]),
        )
        return (attention if self._output_attention else y), following
