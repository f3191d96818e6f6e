"""Losses of sequences, and tf.contrib.legacy_seq2seq, against NumPy and the cells themselves."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.compat.v1 import contrib, nn

Array = np.ndarray[Any, Any]
legacy, seq2seq, cells = contrib.legacy_seq2seq, contrib.seq2seq, nn.rnn_cell
BATCH, STEPS, CLASSES = 3, 5, 4
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(BATCH, STEPS, CLASSES))
TARGETS = RNG.integers(0, CLASSES, (BATCH, STEPS))
WEIGHTS = RNG.uniform(0.5, 1.5, (BATCH, STEPS)) * (np.arange(STEPS) < [[5], [2], [0]])


def each() -> Array:
    logs = LOGITS - np.log(np.exp(LOGITS).sum(2, keepdims=True))
    return -np.take_along_axis(logs, TARGETS[..., None], 2)[..., 0] * WEIGHTS


@pytest.mark.parametrize("compiled", [False, True])
def test_sequence_loss_averages_and_sums_as_asked(compiled: bool) -> None:
    """All ways to treat the two axes."""
    kinds = ["keep", "average", "sum"]
    for over_time, over_batch in itertools.product(kinds, repeat=2):

        def loss(x: Any, t: str = over_time, b: str = over_batch) -> Any:
            return seq2seq.sequence_loss(
                x, TARGETS, WEIGHTS, t == "average", b == "average", t == "sum", b == "sum"
            )

        found = (nf.function(loss) if compiled else loss)(nf.constant(LOGITS))
        named = (over_batch, over_time)
        kind = "average" if "average" in named else "sum"
        axes = tuple(k for k, way in enumerate(named) if way == kind)
        want = each()
        if axes:
            share = WEIGHTS if kind == "average" else WEIGHTS != 0
            want = want.sum(axes) / (share.sum(axes) + 1e-12)
        np.testing.assert_allclose(found.numpy(), want, 1e-9, 1e-12)


def test_losses_of_the_users_and_no_weight_at_all() -> None:
    """softmax_loss_function is called by name; weights of 0 give 0, not NaN."""

    def own(labels: Any, logits: Any) -> Any:
        return nf.cast(labels, nf.float64) + logits[:, 0]

    found = seq2seq.sequence_loss(LOGITS, TARGETS, WEIGHTS, softmax_loss_function=own)
    want = ((TARGETS + LOGITS[:, :, 0]) * WEIGHTS).sum() / WEIGHTS.sum()
    np.testing.assert_allclose(found.numpy(), want, 1e-9)
    assert float(seq2seq.sequence_loss(LOGITS, TARGETS, WEIGHTS * 0)) == 0
    x = nf.constant(LOGITS)
    with nf.GradientTape() as tape:
        tape.watch(x)
        loss = seq2seq.sequence_loss(x, TARGETS, WEIGHTS)
    grad = tape.gradient(loss, x).numpy()
    assert not grad[2].any() and not grad[1, 2:].any() and grad[0].all()


@pytest.mark.parametrize("average", [True, False])
def test_losses_over_lists_of_steps(average: bool) -> None:
    lists = [list(np.moveaxis(a, 1, 0)) for a in (LOGITS, TARGETS, WEIGHTS)]
    want = each().sum(1) / (WEIGHTS.sum(1) + 1e-12 if average else 1)
    for call in (legacy.sequence_loss_by_example, nf.function(legacy.sequence_loss_by_example)):
        found = call(*lists, average_across_timesteps=average)
        np.testing.assert_allclose(found.numpy(), want, 1e-9, 1e-12)
    total = legacy.sequence_loss(*lists, average, average_across_batch=False)
    np.testing.assert_allclose(total.numpy(), want.sum(), 1e-9)
    found = legacy.sequence_loss_by_example(
        *lists, average, softmax_loss_function=lambda labels, logits: logits[:, 1]
    )
    want = (LOGITS[:, :, 1] * WEIGHTS).sum(1) / (WEIGHTS.sum(1) + 1e-12 if average else 1)
    np.testing.assert_allclose(found.numpy(), want, 1e-9)


# --- sequence to sequence ----------------------------------------------------------------------

ENCODED = [[1, 4], [0, 5], [2, 2]]
DECODED = [[0, 1], [2, 3], [4, 0], [1, 1]]


@pytest.mark.parametrize("feed", [False, True, "tensor"], ids=str)
@pytest.mark.parametrize("compiled", [False, True])
def test_embedding_rnn_seq2seq_is_its_parts(compiled: bool, feed: Any) -> None:
    """Tables, two cells, a projection; fed with the given words, or with its own."""
    cell: Any = cells.BasicLSTMCell(3)
    fed: Any = nf.constant(True) if feed == "tensor" else feed

    def run(fed: Any) -> Any:
        return legacy.embedding_rnn_seq2seq(ENCODED, DECODED, cell, 6, 5, 7, feed_previous=fed)

    outputs, state = (nf.function(run) if compiled else run)(fed)
    assert [y.shape.as_list() for y in outputs] == [[2, 5]] * 4
    again, _ = run(fed)
    np.testing.assert_allclose(nf.stack(again), nf.stack(outputs), 1e-5, 1e-6)
    parts = cell.seq2seq_parts
    encoder, linear, table = (parts[key] for key in parts)
    now = encoder.zero_state(2, nf.float32)
    for ids in ENCODED:
        _, now = encoder(nf.constant(ids), now)
    previous: Any = None
    for y, ids in zip(outputs, DECODED, strict=True):
        words = ids if previous is None or not feed else nf.argmax(previous, 1)
        h, now = cell(nf.gather(table.rows, words), now)
        previous = linear(h)
        np.testing.assert_allclose(y.numpy(), previous.numpy(), 1e-5, 1e-6)
    np.testing.assert_allclose(state.c.numpy(), now.c.numpy(), 1e-5, 1e-6)
    assert len(cell.trainable_variables) == 2 + 3 + 2 + 1


def test_it_learns_to_repeat() -> None:
    """A few steps of training in a function, and then its own words."""
    cell = cells.GRUCell(16)
    words = [[1, 2, 3, 1, 2, 3, 1, 2], [3, 3, 3, 2, 2, 2, 1, 1]]
    inputs = [[0] * 8, *words[:1]]

    def decoded(feed: bool) -> Any:
        return legacy.embedding_rnn_seq2seq(words, inputs, cell, 4, 4, 8, feed_previous=feed)[0]

    decoded(False)
    optimizer = nf.keras.optimizers.Adam(0.05)

    @nf.function
    def step() -> Any:
        with nf.GradientTape() as tape:
            loss = legacy.sequence_loss(decoded(False), words, [[1.0] * 8] * 2)
        grads = tape.gradient(loss, cell.trainable_variables)
        optimizer.apply_gradients(zip(grads, cell.trainable_variables, strict=True))
        return loss

    losses = [float(step()) for _ in range(60)]
    assert losses[-1] < 0.1 < losses[0]
    found = [nf.argmax(y, 1).numpy().tolist() for y in decoded(True)]
    assert found == words


def test_a_projection_of_the_users() -> None:
    """Outputs are the cell's, and the projection is for what is fed back."""
    cell: Any = cells.BasicRNNCell(3)
    projection = nf.constant(RNG.normal(size=(3, 5)), nf.float32), nf.zeros([5])
    outputs, _ = legacy.embedding_rnn_seq2seq(
        ENCODED, DECODED, cell, 6, 5, 7, projection, feed_previous=True
    )
    assert [y.shape.as_list() for y in outputs] == [[2, 3]] * 4
    table = cell.seq2seq_parts[("embedding_rnn_decoder", None, 5, 7)]
    words = nf.argmax(nf.matmul(outputs[0], projection[0]), 1)
    y, _ = cell(nf.gather(table.rows, words), outputs[0])
    np.testing.assert_allclose(y.numpy(), outputs[1].numpy(), 1e-5)


def test_gradients_that_do_not_reach_what_is_fed_back() -> None:
    for update in (True, False):
        cell = cells.GRUCell(5)
        with nf.GradientTape() as tape:
            outputs, _ = legacy.embedding_rnn_decoder(
                [[0]] * 3, cell.zero_state(1, nf.float32), cell, 5, 4, feed_previous=True,
                update_embedding_for_previous=update,
            )  # fmt: skip
            total = nf.reduce_sum(outputs[-1])
        (table,) = [v for v in cell.trainable_variables if v.name.startswith("embedding")]
        grad = nf.convert_to_tensor(tape.gradient(total, table)).numpy()
        word = int(nf.argmax(outputs[0][0]))
        assert grad[0].any() and (word == 0 or grad[word].any() == update)


LISTS = [list(np.moveaxis(a, 1, 0)) for a in (LOGITS, TARGETS, WEIGHTS)]
INVALID = nf.errors.InvalidArgumentError


@pytest.mark.parametrize(
    ("call", "kind", "problem"),
    [
        (
            lambda: seq2seq.sequence_loss(LOGITS[0], TARGETS, WEIGHTS),
            ValueError,
            "logits are [batch, steps, classes]",
        ),
        (
            lambda: seq2seq.sequence_loss(LOGITS, TARGETS[:1], WEIGHTS),
            ValueError,
            "targets are [batch, steps]",
        ),
        (
            lambda: seq2seq.sequence_loss(LOGITS, TARGETS, WEIGHTS[0]),
            ValueError,
            "weights are [batch, steps]",
        ),
        (
            lambda: seq2seq.sequence_loss(LOGITS, TARGETS, WEIGHTS, sum_over_batch=True),
            ValueError,
            "average_across_batch and sum_over_batch cannot be set to True at same time",
        ),
        (lambda: seq2seq.sequence_loss(LOGITS, TARGETS + 4, WEIGHTS), INVALID, "outside [0, 4)"),
        (
            lambda: legacy.sequence_loss_by_example(LISTS[0], LISTS[1][:2], LISTS[2]),
            ValueError,
            "Lengths of logits, weights, and targets must be the same",
        ),
        (lambda: legacy.sequence_loss_by_example([], [], []), ValueError, "there is not one step"),
        (
            lambda: legacy.sequence_loss_by_example(LISTS[1], LISTS[1], LISTS[2]),
            ValueError,
            "logits are [batch, classes]",
        ),
        (
            lambda: legacy.embedding_rnn_seq2seq(ENCODED, DECODED, cells.GRUCell(3), 0, 5, 7),
            ValueError,
            "num_encoder_symbols must be at least 1",
        ),
        (
            lambda: legacy.embedding_rnn_seq2seq(ENCODED, DECODED, cells.GRUCell(3), 5, 5, 7),
            INVALID,
            "is outside [0, 5)",
        ),
        (
            lambda: legacy.embedding_rnn_seq2seq(
                ENCODED, DECODED, cells.GRUCell(3), 6, 5, 7, (nf.ones([3, 4]), nf.ones([4]))
            ),
            ValueError,
            "output_projection is (weights [output, num_symbols]",
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_refused(call: Any, kind: Any, problem: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert problem in str(caught.value).partition("\n  at ")[0]
