"""tf.contrib.seq2seq's helpers that draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.compat.v1 import contrib, nn

seq2seq, cells = contrib.seq2seq, nn.rnn_cell
WORDS, BATCH, STEPS = 5, 400, 4
LOGITS = np.log(np.array([0.5, 0.25, 0.15, 0.1, 1e-9], np.float32))


class Fixed:
    """A cell whose logits are always the same."""

    state_size, output_size = 1, WORDS

    def __call__(self, x: Any, state: Any) -> Any:
        rows = nf.broadcast_to(nf.constant(LOGITS), [nf.shape(x)[0], WORDS])
        return rows + 0.0 * nf.reduce_sum(x, 1, keepdims=True), state + 1.0


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("temperature", [None, 0.5])
def test_words_are_drawn_by_their_probability(compiled: bool, temperature: Any) -> None:
    """Other words in each step; a low temperature prefers the likely ones."""

    def run(starts: Any) -> Any:
        helper = seq2seq.SampleEmbeddingHelper(nf.eye(WORDS), starts, WORDS - 1, temperature, 7)
        decoder = seq2seq.BasicDecoder(Fixed(), helper, nf.zeros([BATCH, 1]))
        return seq2seq.dynamic_decode(decoder, maximum_iterations=STEPS)[0].sample_id

    words = (nf.function(run) if compiled else run)(nf.zeros([BATCH], nf.int32)).numpy()
    assert words.shape == (BATCH, STEPS)
    assert len({column.tobytes() for column in words.T}) == STEPS
    share = np.bincount(words.ravel(), minlength=WORDS) / words.size
    want = np.exp(LOGITS / (temperature or 1.0))
    np.testing.assert_allclose(share, want / want.sum(), atol=0.04)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0, "each"])
def test_the_truth_is_read_unless_a_word_was_drawn(compiled: bool, share: Any) -> None:
    """As often as asked; what is read is the truth's row or the word's."""
    own = np.linspace(0, 1, BATCH, dtype=np.float32) if share == "each" else share
    truth = np.full((BATCH, STEPS, WORDS), -1, np.float32)

    class Echo:
        state_size, output_size = 1, WORDS

        def __call__(self, x: Any, state: Any) -> Any:
            return x + nf.constant(LOGITS), state

    def run(x: Any) -> Any:
        helper = seq2seq.ScheduledEmbeddingTrainingHelper(
            x, [STEPS] * BATCH, nf.eye(WORDS), own, seed=1, scheduling_seed=2
        )
        decoder = seq2seq.BasicDecoder(Echo(), helper, nf.zeros([BATCH, 1]))
        return seq2seq.dynamic_decode(decoder)[0]

    outputs, words = (nf.function(run) if compiled else run)(nf.constant(truth))
    read = outputs.numpy()[:, 1:] - LOGITS
    before = words.numpy()[:, :-1]
    drawn = before >= 0
    np.testing.assert_allclose(read[~drawn], -1, atol=1e-5)
    np.testing.assert_allclose(read[drawn], np.eye(WORDS)[before[drawn]], atol=1e-5)
    np.testing.assert_allclose(drawn.mean(), np.mean(own), atol=0.05)
    if share == "each":
        assert drawn[: BATCH // 4].mean() < 0.25 < 0.75 < drawn[-BATCH // 4 :].mean()


@pytest.mark.parametrize(
    ("share", "kind", "problem"),
    [
        ([[0.5]], ValueError, "sampling_probability must be either a scalar or a vector"),
        (1.5, nf.errors.InvalidArgumentError, "sampling_probability is in [0, 1]"),
        ([0.5, -0.1], nf.errors.InvalidArgumentError, "sampling_probability is in [0, 1]"),
    ],
)
def test_what_is_refused(share: Any, kind: Any, problem: str) -> None:
    make = seq2seq.ScheduledEmbeddingTrainingHelper
    with pytest.raises(kind) as caught:
        make(nf.ones([2, 5, 3]), [5, 2], nf.eye(3), share)
    assert problem in str(caught.value).partition("\n  at ")[0]
    with pytest.raises(TypeError, match="outputs are not one tensor of logits"):
        seq2seq.SampleEmbeddingHelper(nf.eye(3), [1], 2).sample(0, (1, 2), None)
