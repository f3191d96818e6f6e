"""BeamSearchDecoder: the best sequences found by going on with the best few in each step.

    score = log probability / ((5 + length) / 6) ** length_penalty_weight
            + coverage_penalty_weight * sum of log(min(attention to a step of the memory, 1))

A finished beam goes on with end_token only, at no cost.

Source: Wu et al. 2016, "Google's Neural Machine Translation System" (eq. 14).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numflow import dtypes, nest
from numflow.compat.v1.contrib.seq2seq import beams
from numflow.compat.v1.contrib.seq2seq.attention_wrapper import AttentionWrapperState
from numflow.compat.v1.contrib.seq2seq.backtrace import gather_tree, gather_tree_from_array
from numflow.compat.v1.contrib.seq2seq.basic_decoder import (
    check_cell,
    check_layer,
    floating_dtype,
)
from numflow.compat.v1.contrib.seq2seq.decoder import Decoder
from numflow.compat.v1.contrib.seq2seq.next_inputs import embedder, tokens, words_to_embed
from numflow.control.tensor_array import TensorArray
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import activation as activations
from numflow.ops import checks, comparisons, creation, indexing, ordering, plain
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.tensor_shape import TensorShape

__all__ = [
    "BeamSearchDecoder",
    "BeamSearchDecoderOutput",
    "BeamSearchDecoderState",
    "FinalBeamSearchDecoderOutput",
]


class BeamSearchDecoderState(NamedTuple):
    """cell_state [batch, beams, ...]; log_probs, finished, lengths (int64) [batch, beams];
    accumulated_attention_probs [batch, beams, steps of the memory], or ()."""

    cell_state: Any
    log_probs: Any
    finished: Any
    lengths: Any
    accumulated_attention_probs: Any


class BeamSearchDecoderOutput(NamedTuple):
    """What a step gives, [batch, beams] each: scores, words, and the beams they go on with."""

    scores: Any
    predicted_ids: Any
    parent_ids: Any


class FinalBeamSearchDecoderOutput(NamedTuple):
    """predicted_ids, whole sequences, the best first; beam_search_decoder_output, the steps'."""

    predicted_ids: Any
    beam_search_decoder_output: Any


class BeamSearchDecoder(Decoder):
    """Beam search, for dynamic_decode.

    Args:
      cell: called with (inputs, state); its outputs, or those of output_layer, are logits.
      embedding: a table [words, depth], or a function of words [batch, beams].
      start_tokens: int32 [batch]. end_token: the word that ends a sequence.
      initial_state: the cell's, of batch * beam_width rows: tile_batch of an encoder's.
      beam_width: how many sequences are kept for each example.
      output_layer: a layer, or another function, of the cell's outputs.
      length_penalty_weight, coverage_penalty_weight: as said above; 0.0: none. The latter is for
        cells that are AttentionWrappers.
      reorder_tensor_arrays: whether TensorArrays of the last cell state (alignment_history) come as
        tensors, in the order of the sequences found.

    Returns, by dynamic_decode:
      (FinalBeamSearchDecoderOutput, its predicted_ids [batch, steps, beams]; the last
      BeamSearchDecoderState, whose lengths are the sequences'; the beams' lengths).

    Raises:
      TypeError: cell or output_layer is none. ShapeError: start_tokens is no vector, end_token no
      scalar; initial_state has other many rows. ArgumentError: beam_width is below 1.
      InvalidArgumentError: end_token is no word.

    Example:
      >>> seq2seq = nf.compat.v1.contrib.seq2seq
      >>> cell = nf.compat.v1.nn.rnn_cell.GRUCell(4)
      >>> decoder = seq2seq.BeamSearchDecoder(
      ...     cell, nf.eye(4), [0, 1], 3, cell.zero_state(2 * 3, nf.float32), beam_width=3)
      >>> found, _, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=5)
      >>> found.predicted_ids.shape[0], found.predicted_ids.shape[2]
      (2, 3)
    """

    def __init__(
        self,
        cell: Any,
        embedding: Any,
        start_tokens: TensorLike,
        end_token: TensorLike,
        initial_state: Any,
        beam_width: int,
        output_layer: Any = None,
        length_penalty_weight: float = 0.0,
        coverage_penalty_weight: float = 0.0,
        reorder_tensor_arrays: bool = True,
    ) -> None:
        op = "BeamSearchDecoder"
        check_cell(op, cell)
        check_layer(op, output_layer)
        self._cell, self._output_layer = cell, output_layer
        self._embed = embedder(op, embedding)
        self._start, self._end = tokens(op, start_tokens, end_token)
        self._width = plain.whole(beam_width, op, "beam_width", 1)
        self._length_weight = plain.number(length_penalty_weight, op, "length_penalty_weight")
        self._coverage_weight = plain.number(coverage_penalty_weight, op, "coverage_penalty_weight")
        self._reorder = plain.flag(reorder_tensor_arrays, op, "reorder_tensor_arrays")
        self._batch = self._start.spec.shape[0]
        self._initial = beams.split(op, initial_state, self._batch, self._width)
        self._dtype = floating_dtype(op, self._initial)

    @property
    def batch_size(self) -> Tensor:
        return shaping.size_tensor(self._batch)

    @property
    def tracks_own_finished(self) -> bool:
        return True

    @property
    def output_size(self) -> BeamSearchDecoderOutput:
        shape = TensorShape([self._width])
        return BeamSearchDecoderOutput(shape, shape, shape)

    @property
    def output_dtype(self) -> BeamSearchDecoderOutput:
        return BeamSearchDecoderOutput(self._dtype, dtypes.int32, dtypes.int32)

    def _starts(self) -> Tensor:
        """start_tokens [batch, beams]."""
        shape = self._batch, self._width
        return shaping.broadcast_to(shaping.expand_dims(self._start, 1), shape)

    def initialize(self, name: str | None = None) -> tuple[Any, Any, BeamSearchDecoderState]:
        shape = self._batch, self._width
        beam = creation.iota(shape, 1, dtypes.int32)  # of equal beams one is enough
        finished = comparisons.greater(beam, 0)
        none = creation.constant(-math.inf, self._dtype)
        log_probs = selections.where(finished, none, shaping.zeros(shape, self._dtype))
        attended: Any = ()
        alignments = self._alignments(self._initial)
        if alignments is not None:
            attended = shaping.zeros_like(alignments)
        lengths = shaping.zeros(shape, dtypes.int64)
        state = BeamSearchDecoderState(self._initial, log_probs, finished, lengths, attended)
        return finished, self._embed(self._starts()), state

    def step(
        self, time: Any, inputs: Any, state: BeamSearchDecoderState, name: str | None = None
    ) -> tuple[BeamSearchDecoderOutput, BeamSearchDecoderState, Any, Any]:
        batch, width = self._batch, self._width
        y, after = self._cell(
            beams.merge(inputs, batch, width), beams.merge(state.cell_state, batch, width)
        )
        logits = as_tensor(y if self._output_layer is None else self._output_layer(y))
        if not logits.spec.rank or not logits.dtype.is_floating:
            problem = "the cell, or output_layer, gives no floating logits [batch, words]"
            raise ShapeError(explain("BeamSearchDecoder", problem, {"logits": logits.spec}))
        logits = shaping.reshape(logits, (batch, width, logits.spec.shape[-1]))
        output, following = self._chosen(
            logits, beams.split("BeamSearchDecoder", after, batch, width), state
        )
        finished, words = following.finished, output.predicted_ids
        inputs = self._embed(words_to_embed(finished, self._starts(), words))
        return output, following, inputs, finished

    def _chosen(
        self, logits: Tensor, cell_state: Any, state: BeamSearchDecoderState
    ) -> tuple[BeamSearchDecoderOutput, BeamSearchDecoderState]:
        """The best beam_width words behind any beam, and the state behind them."""
        words = logits.spec.shape[2]
        end = checks.checked_index(self._end, words, "BeamSearchDecoder", "end_token")
        is_end = comparisons.equal(creation.iota((1, 1, words), 2, dtypes.int32), end)
        done = shaping.expand_dims(state.finished, 2)
        kind = logits.dtype
        only_end = selections.where(
            is_end, creation.constant(0.0, kind), creation.constant(kind.min, kind)
        )
        log_probs = selections.where(done, only_end, activations.log_softmax(logits))
        total = shaping.expand_dims(state.log_probs, 2) + log_probs
        longer = selections.logical_not(selections.logical_or(done, is_end))
        lengths = shaping.expand_dims(state.lengths, 2) + maths.cast(longer, dtypes.int64)
        attended = self._attended(cell_state, state)
        scores = self._scores(total, lengths, state.finished, attended)
        shape = self._batch, self._width * words
        best, places = ordering.top_k(shaping.reshape(scores, shape), self._width)
        count = shaping.size_tensor(words)
        parents, chosen = places // count, places % count
        flat = shaping.reshape(total, shape)
        were_done = beams.choose(state.finished, parents)
        before = beams.choose(state.lengths, parents)
        following = BeamSearchDecoderState(
            cell_state=beams.choose(cell_state, parents),
            log_probs=indexing.gather(flat, places, batch_dims=1),
            finished=selections.logical_or(were_done, comparisons.equal(chosen, end)),
            lengths=before + maths.cast(selections.logical_not(were_done), dtypes.int64),
            accumulated_attention_probs=beams.choose(attended, parents),
        )
        return BeamSearchDecoderOutput(best, chosen, parents), following

    # --- scores ---

    def _scores(self, total: Tensor, lengths: Tensor, finished: Tensor, attended: Any) -> Tensor:
        """[batch, beams, words]: log probabilities with their penalties."""
        scores = total
        if self._length_weight:
            grown = (5.0 + maths.cast(lengths, total.dtype)) / 6.0
            scores = total / grown**self._length_weight
        if not self._coverage_weight:
            return scores
        # what was never attended to is padding, as TensorFlow has it
        seen = selections.where(
            comparisons.equal(attended, 0.0), shaping.ones_like(attended), attended
        )
        covered = reductions.reduce_sum(maths.log(maths.minimum(seen, 1.0)), 2)
        covered = covered * maths.cast(finished, total.dtype) * self._coverage_weight
        return scores + shaping.expand_dims(covered, 2)

    def _attended(self, cell_state: Any, state: BeamSearchDecoderState) -> Any:
        """The sum of the alignments of all steps, those of finished beams left out."""
        alignments = self._alignments(cell_state)
        if alignments is None:
            return ()
        going = maths.cast(selections.logical_not(state.finished), alignments.dtype)
        return state.accumulated_attention_probs + alignments * shaping.expand_dims(going, 2)

    def _alignments(self, cell_state: Any) -> Tensor | None:
        """[batch, beams, steps of the memory], the mean of all mechanisms' and layers'."""
        if not self._coverage_weight:
            return None
        is_one = isinstance(cell_state, AttentionWrapperState)
        parts = [cell_state] if is_one or not isinstance(cell_state, tuple) else cell_state
        means = [_mean(s.alignments) for s in parts if isinstance(s, AttentionWrapperState)]
        if not means:
            problem = "coverage_penalty_weight must be 0.0, for no cell is an AttentionWrapper"
            raise ValueError(explain("BeamSearchDecoder", problem))
        return _mean(means)

    # --- behind the last step ---

    def finalize(
        self, outputs: Any, final_state: Any, sequence_lengths: Any
    ) -> tuple[FinalBeamSearchDecoderOutput, Any]:
        """Whole sequences, by the way back from each of the last beams."""
        longest = reductions.reduce_max(final_state.lengths, 1)
        found = gather_tree(outputs.predicted_ids, outputs.parent_ids, longest, self._end)
        if self._reorder:
            lengths = final_state.lengths
            state = nest.map_structure(
                lambda x: self._reordered(x, outputs.parent_ids, lengths), final_state.cell_state
            )
            final_state = final_state._replace(cell_state=state)
        return FinalBeamSearchDecoderOutput(found, outputs), final_state

    def _reordered(self, x: Any, parents: Tensor, lengths: Tensor) -> Any:
        if not isinstance(x, TensorArray):
            return x
        written = x.stack()
        rows = self._batch * self._width
        if written.spec.rank < 2 or written.spec.shape[1] not in (rows, self._batch):
            return x  # of something else than beams
        # A step is written for the beams that it begins with, the tree is of those that it ends
        # with. TensorFlow takes the one for the other: its rows are those of other sequences.
        steps = parents.spec.shape[0]
        beside = written
        if written.spec.shape[1] == rows:
            shape = (steps, self._batch, self._width, *written.spec.shape[2:])
            beside = shaping.reshape(written, shape)
        ended = indexing.gather(beside, parents, batch_dims=2)
        found = gather_tree_from_array(ended, parents, lengths)
        return shaping.reshape(found, (steps, *written.spec.shape[1:]))


def _mean(items: Any) -> Tensor:
    """The mean of several tensors, or the only one."""
    if isinstance(items, Tensor):
        return items
    found: Tensor = sum(items[1:], items[0])
    return found if len(items) == 1 else found / len(items)
