"""Right calls of what tf.contrib had: decoders, attention, cells, conditional random fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import numflow as nf
from tests.robust.arguments import (
    CUBE,
    SQUARE,
    ZEROS,
    A,
    Arguments,
    Given,
    K,
    Methods,
    P,
    V,
    W,
    X,
    gru,
)


def _reading() -> Any:
    """A decoder that reads two sequences."""
    seq2seq, cell = nf.compat.v1.contrib.seq2seq, gru.make()
    helper = seq2seq.TrainingHelper(nf.constant(CUBE), [3, 1])
    return seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, nf.float32))


def _searched(table: Any, starts: Any, end: Any, state: Any, *options: Any) -> Any:
    """What a beam search finds."""
    seq2seq = nf.compat.v1.contrib.seq2seq
    decoder = seq2seq.BeamSearchDecoder(gru.make(), table, starts, end, state, *options)
    return seq2seq.dynamic_decode(decoder, maximum_iterations=3)[0]


def _read(inputs: Any, lengths: Any, time_major: Any, state: Any) -> Any:
    """What a decoder gives that reads sequences."""
    seq2seq = nf.compat.v1.contrib.seq2seq
    helper = seq2seq.TrainingHelper(inputs, lengths, time_major)
    return seq2seq.dynamic_decode(seq2seq.BasicDecoder(gru.make(), helper, state))[0]


def _greedy(table: Any, starts: Any, end: Any, most: Any) -> Any:
    """The most probable words."""
    seq2seq, cell = nf.compat.v1.contrib.seq2seq, gru.make()
    helper = seq2seq.GreedyEmbeddingHelper(table, starts, end)
    decoder = seq2seq.BasicDecoder(cell, helper, nf.zeros([2, 2]))
    return seq2seq.dynamic_decode(decoder, maximum_iterations=most)[0]


def _sampled(table: Any, starts: Any, end: Any, temperature: Any) -> Any:
    """Words that are drawn."""
    seq2seq, cell = nf.compat.v1.contrib.seq2seq, gru.make()
    helper = seq2seq.SampleEmbeddingHelper(table, starts, end, temperature, 1)
    decoder = seq2seq.BasicDecoder(cell, helper, nf.zeros([2, 2]))
    return seq2seq.dynamic_decode(decoder, maximum_iterations=3)[0]


def _scheduled(inputs: Any, lengths: Any, table: Any, share: Any, time_major: Any) -> Any:
    """The truth, and words that are drawn."""
    seq2seq, cell = nf.compat.v1.contrib.seq2seq, gru.make()
    helper = seq2seq.ScheduledEmbeddingTrainingHelper(inputs, lengths, table, share, time_major)
    decoder = seq2seq.BasicDecoder(cell, helper, nf.zeros([2, 2]))
    return seq2seq.dynamic_decode(decoder)[0]


def _attended(name: str) -> Callable[..., Any]:
    """How a mechanism aligns a query."""

    def run(query: Any, *arguments: Any) -> Any:
        made = getattr(nf.compat.v1.contrib.seq2seq, name)(*arguments)
        return made(query, None)[0]

    return run


def _stepped(make: Callable[..., Any]) -> Callable[..., Any]:
    """A step of a cell."""
    return lambda x, state, *arguments: make(*arguments)(x, state)


reading = Given(_reading)

ARGUMENTS: dict[str, Arguments] = {
    **{
        f"compat.v1.contrib.crf.{name}": A(CUBE, [[0, 1, 2], [3, 3, 9]], [3, 2], SQUARE)
        for name in ("crf_log_likelihood", "crf_sequence_score")
    },
    "compat.v1.contrib.crf.crf_unary_score": A([[0, 1, 2], [3, 3, 9]], [3, 2], CUBE),
    "compat.v1.contrib.crf.crf_binary_score": A([[0, 1, 2], [3, 3, 9]], [3, 2], SQUARE),
    "compat.v1.contrib.crf.crf_log_norm": A(CUBE, [3, 2], SQUARE),
    "compat.v1.contrib.crf.crf_decode": A(CUBE, SQUARE, [3, 2]),
    "compat.v1.contrib.crf.viterbi_decode": A(CUBE[0], SQUARE),
    "compat.v1.contrib.seq2seq.sequence_loss": A(CUBE, [[0, 1, 2], [3, 3, 0]], P),
    "compat.v1.contrib.seq2seq.tile_batch": A(X, 2),
    "compat.v1.contrib.seq2seq.gather_tree": A([[[1, 2]], [[3, 4]]], [[[0, 0]], [[1, 0]]], [2], 9),
    "compat.v1.contrib.seq2seq.gather_tree_from_array": A(
        CUBE[:, None, :2], [[[0, 0]], [[1, 0]]], [[2, 1]]
    ),
    "compat.v1.contrib.seq2seq.dynamic_decode": A(reading, True, True, 2),
    **{
        f"compat.v1.contrib.legacy_seq2seq.{name}": A([X, X], [K, K], [V[:2], V[:2]], True)
        for name in ("sequence_loss_by_example", "sequence_loss")
    },
    "compat.v1.contrib.legacy_seq2seq.rnn_decoder": A([X, X], ZEROS, gru),
    "compat.v1.contrib.legacy_seq2seq.embedding_rnn_decoder": A(
        [K, K], ZEROS, gru, 3, 4, (W.T, V), True, True
    ),
    "compat.v1.contrib.legacy_seq2seq.embedding_rnn_seq2seq": A(
        [K, K], [K, K, K], gru, 2, 2, 4, None, True, nf.float32
    ),
    "compat.v1.nn.dynamic_rnn": A(gru, CUBE, [3, 1], ZEROS, None, None, False, False),
    "compat.v1.nn.bidirectional_dynamic_rnn": A(
        gru, gru, CUBE, [3, 1], ZEROS, ZEROS, None, None, False, False
    ),
    "compat.v1.contrib.rnn.static_rnn": A(gru, [X, X], ZEROS, None, [2, 1]),
    "compat.v1.contrib.rnn.static_bidirectional_rnn": A(
        gru, gru, [X, X], ZEROS, ZEROS, None, [2, 1]
    ),
    "compat.v1.contrib.rnn.stack_bidirectional_rnn": A(
        Given(lambda: [gru.make()]),
        Given(lambda: [gru.make()]),
        [X, X],
        [ZEROS],
        [ZEROS],
        None,
        [2, 1],
    ),
    "compat.v1.contrib.rnn.stack_bidirectional_dynamic_rnn": A(
        Given(lambda: [gru.make()]),
        Given(lambda: [gru.make()]),
        CUBE,
        [ZEROS],
        [ZEROS],
        None,
        [3, 1],
        None,
        False,
    ),
}

METHODS: Methods = {
    "BeamSearchDecoder": (
        _searched,
        A(SQUARE[:2, :2], [0, 1], 1, np.zeros((4, 2), np.float32), 2, None, 0.5, 0.0, True),
    ),
    "TrainingHelper": (_read, A(CUBE, [3, 2], False, ZEROS)),
    "GreedyEmbeddingHelper": (_greedy, A(SQUARE[:2, :2], [0, 1], 1, Given(lambda: 3))),
    "LuongAttention": (_attended("LuongAttention"), A(ZEROS, 2, CUBE, [3, 1], True, None, -9.0)),
    "BahdanauAttention": (
        _attended("BahdanauAttention"),
        A(ZEROS, 2, CUBE, [3, 1], True, None, -9.0),
    ),
    "SampleEmbeddingHelper": (_sampled, A(SQUARE[:2, :2], [0, 1], 1, 0.5)),
    "ScheduledEmbeddingTrainingHelper": (
        _scheduled,
        A(CUBE, [3, 2], SQUARE[:2], [0.5, 0.25], False),
    ),
    **{
        name: (_stepped(lambda *a, name=name: getattr(nf.compat.v1.contrib.rnn, name)(*a)), given)
        for name, given in {
            "BasicRNNCell": A(X, ZEROS, 2),
            "GRUCell": A(X, ZEROS, 2),
            "UGRNNCell": A(X, ZEROS, 2, None, 0.5),
            "BasicLSTMCell": A(X, [ZEROS, ZEROS], 2, 0.5),
            "LSTMCell": A(X, [ZEROS, ZEROS], 2, True, 0.5, None, 2, 0.5),
            "LSTMBlockCell": A(X, [ZEROS, ZEROS], 2, 0.5, 0.5, True),
            "NASCell": A(X, [ZEROS, ZEROS], 2, 2, True),
            "LayerNormBasicLSTMCell": A(X, [ZEROS, ZEROS], 2, 0.5),
        }.items()
    },
}
