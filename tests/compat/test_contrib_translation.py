"""tf.contrib's parts together: an encoder, attention, a decoder; trained, then searched."""

from __future__ import annotations

from typing import Any

import numpy as np

import numflow as nf
from numflow.compat.v1 import contrib, nn

Array = np.ndarray[Any, Any]
seq2seq, cells = contrib.seq2seq, nn.rnn_cell
WORDS, DEPTH, UNITS, BEAMS, GO, END = 12, 8, 16, 4, 0, 1
IDS, LENGTHS = nf.TensorSpec([None, None], nf.int32), nf.TensorSpec([None], nf.int32)


class Reverser:
    """A model that learns to give a sequence backwards."""

    def __init__(self) -> None:
        nf.random.set_seed(3)
        self.encoder = cells.GRUCell(UNITS)
        self.attend = seq2seq.BahdanauAttention(UNITS, nf.zeros([1, 2, UNITS]))
        self.cell = seq2seq.AttentionWrapper(cells.GRUCell(UNITS), self.attend, UNITS)
        self.logits = contrib.linear.Linear("logits", "units", WORDS)
        self.table = nf.Variable(nf.random.normal([WORDS, DEPTH], stddev=0.3))
        one = nf.zeros([1, DEPTH])
        self.encoder(one, self.encoder.zero_state(1, nf.float32))
        self.logits(self.cell(one, self.cell.zero_state(1, nf.float32))[0])
        parts = (self.encoder, self.cell, self.logits)
        self.weights = [self.table, *(v for part in parts for v in part.trainable_variables)]
        self.optimizer = nf.keras.optimizers.Adam(0.01)

    def encoded(self, source: Any, lengths: Any) -> tuple[Any, Any]:
        x = nf.nn.embedding_lookup(self.table, source)
        return nn.dynamic_rnn(self.encoder, x, lengths, dtype=nf.float32)

    @nf.function(input_signature=[IDS, LENGTHS, IDS, LENGTHS])
    def step(self, source: Any, lengths: Any, target: Any, ends: Any) -> Any:
        with nf.GradientTape() as tape:
            y, state = self.encoded(source, lengths)
            self.attend.setup_memory(y, lengths)
            start = self.cell.zero_state(nf.shape(source)[0], nf.float32).clone(cell_state=state)
            read = nf.concat([nf.fill([nf.shape(target)[0], 1], GO), target[:, :-1]], 1)
            helper = seq2seq.TrainingHelper(nf.nn.embedding_lookup(self.table, read), ends)
            decoder = seq2seq.BasicDecoder(self.cell, helper, start, self.logits)
            found, _, _ = seq2seq.dynamic_decode(decoder, impute_finished=True)
            steps = nf.shape(found.rnn_output)[1]
            share = nf.sequence_mask(ends, steps, nf.float32)
            loss = seq2seq.sequence_loss(found.rnn_output, target[:, :steps], share)
        grads = tape.gradient(loss, self.weights)
        self.optimizer.apply_gradients(zip(grads, self.weights, strict=True))
        return loss

    @nf.function(input_signature=[IDS, LENGTHS])
    def search(self, source: Any, lengths: Any) -> Any:
        y, state = self.encoded(source, lengths)
        self.attend.setup_memory(*seq2seq.tile_batch((y, lengths), BEAMS))
        batch = nf.shape(source)[0]
        start = self.cell.zero_state(batch * BEAMS, nf.float32).clone(
            cell_state=seq2seq.tile_batch(state, BEAMS)
        )
        decoder = seq2seq.BeamSearchDecoder(
            self.cell, self.table, nf.fill([batch], GO), END, start, BEAMS, self.logits, 1.0
        )
        return seq2seq.dynamic_decode(decoder, maximum_iterations=9)[0].predicted_ids


def drawn(rng: Any, batch: int, most: int) -> tuple[Array, Array, Array, Array]:
    """(sources, lengths, what is to be found, lengths with the end)."""
    lengths = rng.integers(2, most + 1, batch).astype(np.int32)
    source = np.zeros((batch, most), np.int32)
    target = np.full((batch, most + 1), END, np.int32)
    for row, n in enumerate(lengths):
        source[row, :n] = rng.integers(2, WORDS, n)
        target[row, :n] = source[row, :n][::-1]
    return source, lengths, target, lengths + 1


def test_a_model_learns_to_reverse_sequences() -> None:
    """Batches and sequences of any size by one trace; the best beams are right."""
    rng, model = np.random.default_rng(0), Reverser()
    for _ in range(450):
        model.step(*drawn(rng, int(rng.integers(20, 33)), int(rng.integers(4, 7))))
    source, lengths, target, ends = drawn(rng, 64, 6)
    found = model.search(source, lengths).numpy()[:, :, 0]
    right = [
        row[:n].tolist() == want[:n].tolist()
        for row, want, n in zip(found, target, ends, strict=True)
    ]
    assert np.mean(right) > 0.9
    assert model.step.experimental_get_tracing_count() == 1
