"""tf.contrib.legacy_seq2seq: sequence to sequence over lists of steps.

The weights that a model needs besides its cell's belong to the cell: calls with the same cell share
them, as calls in one variable scope do in TensorFlow 1, and `cell.trainable_variables` has them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from numflow import dtypes
from numflow.compat.v1.contrib.linear import Linear
from numflow.compat.v1.contrib.rnn.wrappers import EmbeddingWrapper
from numflow.compat.v1.rnn import static_rnn
from numflow.control.branches import cond
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.keras.layers.layer import Layer
from numflow.ops import embedding as embeddings
from numflow.ops import linalg, plain, statistics
from numflow.ops import loss as losses
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor

__all__ = [
    "embedding_rnn_decoder",
    "embedding_rnn_seq2seq",
    "rnn_decoder",
    "sequence_loss",
    "sequence_loss_by_example",
]

TINY = 1e-12
"""Added to what is divided by: weights that are all 0 give a loss of 0."""


# --- losses ----------------------------------------------------------------------------------


def sequence_loss_by_example(
    logits: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    average_across_timesteps: bool = True,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """The weighted cross entropy of each example, over a list of steps.

    Args:
      logits: a list of [batch, classes]. targets: a list of integers [batch], weights: of [batch].
      average_across_timesteps: the sum over the steps is divided by that of the weights.
      softmax_loss_function: softmax_loss_function(labels=, logits=) -> [batch], in place of the
        softmax cross entropy.

    Returns:
      [batch].

    Raises:
      ValueError: the lists are not of one length, or empty.
      ShapeError: the shapes do not fit. InvalidArgumentError: a target is out of range.

    Example:
      >>> loss = nf.compat.v1.contrib.legacy_seq2seq.sequence_loss_by_example
      >>> loss([nf.zeros([1, 4])] * 2, [[1], [2]], [[1.0], [0.0]]).numpy().round(4)
      array([1.3863], dtype=float32)
    """
    op = "sequence_loss_by_example"
    given = (("logits", logits), ("targets", targets), ("weights", weights))
    lists = {name: plain.items(value, op, name) for name, value in given}
    average = plain.flag(average_across_timesteps, op, "average_across_timesteps")
    lengths = {name: len(value) for name, value in lists.items()}
    if len(set(lengths.values())) != 1:
        problem = "Lengths of logits, weights, and targets must be the same"
        raise ValueError(explain(op, problem, lengths))
    if not lists["logits"]:
        raise ValueError(explain(op, "there is not one step"))
    function = softmax_loss_function or losses.sparse_softmax_cross_entropy_with_logits
    total: Any = 0.0
    shares: Any = 0.0
    for step, target, weight in zip(*lists.values(), strict=True):
        x = as_tensor(step, None, op, "logits")
        if x.spec.rank != 2:
            raise ShapeError(explain(op, "logits are [batch, classes]", {"logits": x.spec}))
        labels = as_tensor(target, None, op, "targets")
        if softmax_loss_function is None:
            labels = shaping.reshape(labels, (-1,))
        share = as_tensor(weight, x.dtype if isinstance(weight, list) else None, op, "weights")
        total = total + function(labels=labels, logits=x) * share
        shares = shares + share
    found: Tensor = total / (shares + TINY) if average else total
    return found


def sequence_loss(
    logits: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    softmax_loss_function: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """sequence_loss_by_example, summed over the batch, and averaged where asked: a scalar.

    Example:
      >>> loss = nf.compat.v1.contrib.legacy_seq2seq.sequence_loss
      >>> round(float(loss([nf.zeros([3, 4])], [[1, 0, 2]], [[1.0, 1.0, 1.0]])), 4)
      1.3863
    """
    each = sequence_loss_by_example(
        logits, targets, weights, average_across_timesteps, softmax_loss_function
    )
    average = plain.flag(average_across_batch, "sequence_loss", "average_across_batch")
    from_batch = reductions.reduce_mean if average else reductions.reduce_sum
    return from_batch(each)


# --- decoders --------------------------------------------------------------------------------


def rnn_decoder(
    decoder_inputs: Sequence[Any],
    initial_state: Any,
    cell: Any,
    loop_function: Callable[[Any, int], Any] | None = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """A cell over a list of inputs; with loop_function over what that makes of its outputs.

    Args:
      decoder_inputs: a list of [batch, depth].
      initial_state: of the cell.
      loop_function: (output of the step before, number of the step) -> the input, from the second
        step on.

    Returns:
      (a list of outputs, the last state).

    Example:
      >>> cell = nf.compat.v1.nn.rnn_cell.GRUCell(3)
      >>> y, h = nf.compat.v1.contrib.legacy_seq2seq.rnn_decoder(
      ...     [nf.ones([2, 3])] * 4, cell.zero_state(2, nf.float32), cell, lambda y, k: y)
      >>> len(y), h.shape
      (4, TensorShape([2, 3]))
    """
    outputs: list[Any] = []
    state = initial_state
    for k, x in enumerate(plain.items(decoder_inputs, "rnn_decoder", "decoder_inputs")):
        if loop_function is not None and outputs:
            x = loop_function(outputs[-1], k)
        y, state = cell(x, state)
        outputs.append(y)
    return outputs, state


class _Table(Layer):
    """The embedding of a decoder's words."""

    def __init__(self, words: int, depth: int) -> None:
        super().__init__()
        self.rows = self.add_weight((words, depth), name="embedding")


def embedding_rnn_decoder(
    decoder_inputs: Sequence[Any],
    initial_state: Any,
    cell: Any,
    num_symbols: int,
    embedding_size: int,
    output_projection: Any = None,
    feed_previous: bool = False,
    update_embedding_for_previous: bool = True,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """A cell over the embeddings of a list of words, or of those that it finds most probable.

    Args:
      decoder_inputs: a list of integers [batch].
      initial_state: of the cell.
      num_symbols: how many words there are. embedding_size: the length of their embeddings.
      output_projection: (weights [output, num_symbols], biases [num_symbols]): what makes logits
        of outputs, where words are fed back; None: outputs are logits.
      feed_previous: only the first input is read; then the most probable word of the output before.
      update_embedding_for_previous: whether gradients reach embeddings of words that are fed back.

    Returns:
      (a list of outputs, the last state).

    Raises:
      ShapeError: output_projection has another shape.
      InvalidArgumentError: a word is out of range.

    Example:
      >>> cell = nf.compat.v1.nn.rnn_cell.GRUCell(5)
      >>> y, _ = nf.compat.v1.contrib.legacy_seq2seq.embedding_rnn_decoder(
      ...     [[1, 2]] * 4, cell.zero_state(2, nf.float32), cell, 5, 3, feed_previous=True)
      >>> len(y), y[0].shape
      (4, TensorShape([2, 5]))
    """
    op = "embedding_rnn_decoder"
    words = plain.whole(num_symbols, op, "num_symbols", 1)
    depth = plain.whole(embedding_size, op, "embedding_size", 1)
    table = _kept(cell, (op, scope, words, depth), lambda: _Table(words, depth)).rows
    projection = None
    if output_projection is not None:
        pair = plain.items(output_projection, op, "output_projection")
        projection = [as_tensor(v, None, op, "output_projection") for v in pair]
        specs = [v.spec for v in projection]
        if (
            len(specs) != 2
            or specs[0].rank != 2
            or specs[0].shape[1] != words
            or specs[1].shape != (words,)
        ):
            problem = "output_projection is (weights [output, num_symbols], biases [num_symbols])"
            raise ShapeError(explain(op, problem, {"num_symbols": words, "given": specs}))

    def logits(y: Any) -> Any:
        return y if projection is None else linalg.matmul(y, projection[0]) + projection[1]

    listed = plain.items(decoder_inputs, op, "decoder_inputs")
    inputs = [embeddings.embedding_lookup(table, _words(op, ids)) for ids in listed]
    name = "update_embedding_for_previous"
    update = plain.flag(update_embedding_for_previous, op, name)
    feed = plain.flag(feed_previous, op, "feed_previous")
    loop = _fed_back(table, logits, update) if feed else None
    return rnn_decoder(inputs, initial_state, cell, loop)


def _fed_back(
    table: Any, logits: Callable[[Any], Any], update: bool = True
) -> Callable[[Any, int], Any]:
    """A loop_function: the embedding of the most probable word."""

    def fed(y: Any, _: int) -> Any:
        rows = embeddings.embedding_lookup(table, statistics.argmax(logits(y), 1))
        return rows if update else shaping.stop_gradient(rows)

    return fed


def embedding_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    num_encoder_symbols: int,
    num_decoder_symbols: int,
    embedding_size: int,
    output_projection: Any = None,
    feed_previous: Any = False,
    dtype: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """One cell reads words, and another of its kind, from the state that it ended with, gives some.

    Args:
      encoder_inputs, decoder_inputs: lists of integers [batch].
      cell: the decoder's; the encoder has a copy with weights of its own.
      num_encoder_symbols, num_decoder_symbols: how many words there are on either side.
      embedding_size: the length of their embeddings.
      output_projection: None: the decoder has a projection to logits of its own; else as of
        embedding_rnn_decoder, and outputs are the cell's.
      feed_previous: as of embedding_rnn_decoder; a bool, or a scalar bool tensor.
      dtype: of the encoder's first state; default float32.
      scope: calls with the same cell and the same scope share their weights.

    Returns:
      (a list of outputs [batch, num_decoder_symbols], the decoder's last state).

    Raises:
      InvalidArgumentError: a word is out of range. ArgumentError: a size is below 1.

    Example:
      >>> cell = nf.compat.v1.nn.rnn_cell.BasicLSTMCell(5)
      >>> y, _ = nf.compat.v1.contrib.legacy_seq2seq.embedding_rnn_seq2seq(
      ...     [[1, 2]] * 3, [[0, 0]] * 4, cell, 6, 7, 8)
      >>> len(y), y[0].shape, len(cell.weights)
      (4, TensorShape([2, 7]), 8)

    Source: Sutskever et al. 2014, "Sequence to Sequence Learning with Neural Networks".
    """
    op = "embedding_rnn_seq2seq"
    words = plain.whole(num_encoder_symbols, op, "num_encoder_symbols", 1)
    depth = plain.whole(embedding_size, op, "embedding_size", 1)
    columns = plain.whole(num_decoder_symbols, op, "num_decoder_symbols", 1)
    encoder = _kept(cell, (op, scope, words, depth), lambda: _encoder(cell, words, depth))
    read = [_words(op, ids) for ids in plain.items(encoder_inputs, op, "encoder_inputs")]
    listed = plain.items(decoder_inputs, op, "decoder_inputs")
    _, state = static_rnn(encoder, read, dtype=dtypes.float32 if dtype is None else dtype)

    def decoded(feed: bool) -> tuple[list[Any], Any]:
        if output_projection is not None:
            return embedding_rnn_decoder(
                listed, state, cell, columns, depth, output_projection, feed, scope=scope
            )
        linear = _kept(cell, (op, scope, columns), lambda: Linear(op, "symbols", columns))
        table = _kept(cell, (op, scope, columns, depth, "words"), lambda: _Table(columns, depth))

        def projected(x: Any, before: Any) -> Any:
            y, after = cell(x, before)
            return linear(y), after

        inputs = [embeddings.embedding_lookup(table.rows, _words(op, ids)) for ids in listed]
        loop = _fed_back(table.rows, lambda logits: logits) if feed else None
        return rnn_decoder(inputs, state, projected, loop)

    if not isinstance(feed_previous, Tensor):
        return decoded(plain.flag(feed_previous, op, "feed_previous"))
    found: tuple[list[Any], Any] = cond(
        feed_previous, lambda: decoded(True), lambda: decoded(False)
    )
    return found


def _encoder(cell: Any, words: int, depth: int) -> EmbeddingWrapper:
    """A cell of the same kind, with weights of its own, that reads words."""
    twin = copy.deepcopy(cell)
    vars(twin).pop("seq2seq_parts", None)
    return EmbeddingWrapper(twin, words, depth)


def _words(op: str, ids: Any) -> Tensor:
    return as_tensor(ids, dtypes.int32 if isinstance(ids, list) else None, op, "ids")


def _kept(cell: Any, key: Any, make: Callable[[], Any]) -> Any:
    """What belongs to a cell under that name, made at the first call."""
    parts = vars(cell).setdefault("seq2seq_parts", {})
    if key not in parts:
        parts[key] = make()
    return parts[key]
