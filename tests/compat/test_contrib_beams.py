"""tf.contrib.seq2seq's beam search: against every sequence there is, and a search by hand."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.compat.v1 import contrib, nn

Array = np.ndarray[Any, Any]
seq2seq, cells = contrib.seq2seq, nn.rnn_cell
WORDS, END, DEPTH = 3, 2, 4
STARTS = [0, 1]
TABLE = np.random.default_rng(5).normal(size=(WORDS, DEPTH)) * 2


def drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, shape)


def randomized(cell: Any, batch: int = 1) -> Any:
    cell(drawn(batch, DEPTH), cell.zero_state(batch, nf.float64))
    cell.set_weights([1.5 * drawn(*w.shape.as_list(), seed=k) for k, w in enumerate(cell.weights)])
    return cell


def plain_cell(rows: int) -> Any:
    return randomized(contrib.rnn.OutputProjectionWrapper(cells.BasicLSTMCell(3), WORDS))


class Hypothesis(NamedTuple):
    words: tuple[int, ...]
    log_prob: float
    length: int
    finished: bool
    state: Any
    attended: Any


def gone_on(h: Hypothesis, cell: Any) -> list[Hypothesis]:
    """Every hypothesis behind this one: a finished one ends once more, for nothing."""
    if h.finished:
        return [h._replace(words=(*h.words, END))]
    y, state = cell(TABLE[list(h.words[-1:])], h.state)
    logits = y.numpy()[0]
    log_probs = logits - np.logaddexp.reduce(logits)
    attended = h.attended
    if attended is not None:
        attended = attended + state.alignments.numpy()[0]
    return [
        Hypothesis((*h.words, w), h.log_prob + p, h.length + 1, w == END, state, attended)
        for w, p in enumerate(log_probs)
    ]


def score(h: Hypothesis, before: Hypothesis, penalty: float, coverage: float) -> float:
    """As TensorFlow has it: the end itself does not count, what is covered only of the finished."""
    length = h.length - (h.finished and not before.finished)
    found = h.log_prob / ((5 + length) / 6) ** penalty
    if coverage and before.finished:
        found += coverage * np.log(np.minimum(np.where(h.attended == 0, 1, h.attended), 1)).sum()
    return float(found)


def search(cell: Any, width: int, most: int, penalty: float, coverage: float) -> Any:
    """[(score, hypothesis)] of the last beams, for each of STARTS."""
    state = cell.zero_state(1, nf.float64)
    attended = state.alignments.numpy()[0] * 0 if coverage else None
    rows = [[(0.0, Hypothesis((s,), 0.0, 0, False, state, attended))] for s in STARTS]
    for _ in range(most):
        if all(h.finished for row in rows for _, h in row):
            break
        for row in rows:
            ways = [(score(h, b, penalty, coverage), h) for _, b in row for h in gone_on(b, cell)]
            row[:] = sorted(ways, key=lambda pair: -pair[0])[:width]
    return rows


def decoded(cell: Any, width: int, most: int, compiled: bool, **options: Any) -> Any:
    """(words [batch, steps, beams], scores, last state)."""

    def run(starts: Any) -> Any:
        state = cell.zero_state(len(STARTS) * width, nf.float64)
        decoder = seq2seq.BeamSearchDecoder(cell, TABLE, starts, END, state, width, **options)
        found, state, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=most)
        return found.predicted_ids, found.beam_search_decoder_output.scores, state

    return (nf.function(run) if compiled else run)(nf.constant(STARTS, nf.int32))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("penalty", [0.0, 1.3])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_a_search_by_hand(width: int, penalty: float, compiled: bool) -> None:
    """Words, scores, lengths and states of all beams; 1 beam is greedy."""
    cell = plain_cell(1)
    words, scores, state = decoded(cell, width, 6, compiled, length_penalty_weight=penalty)
    hands = search(cell, width, 6, penalty, 0.0)
    most = max(len(h.words) - 1 for hand in hands for _, h in hand)
    assert words.shape == (2, most, width) and words.dtype is nf.int32
    for row, hand in enumerate(hands):
        for beam, (value, h) in enumerate(hand):
            want = (*h.words[1:], *[END] * most)[:most]
            assert tuple(words[row, :, beam].numpy()) == want
            assert float(scores[row, -1, beam]) == pytest.approx(value, rel=1e-9)
            assert float(state.log_probs[row, beam]) == pytest.approx(h.log_prob, rel=1e-9)
            assert int(state.lengths[row, beam]) == h.length
            assert bool(state.finished[row, beam]) == h.finished
            if not h.finished:
                np.testing.assert_allclose(state.cell_state.c[row, beam], h.state.c[0], 1e-9)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("penalty", [0.0, 0.7])
def test_as_many_beams_as_sequences_find_the_best(penalty: float, compiled: bool) -> None:
    """Exhaustive search over all sequences of up to 4 words."""
    most, width = 4, 31  # 15 that end before, 16 that do not
    cell = plain_cell(1)
    words, scores, _ = decoded(cell, width, most, compiled, length_penalty_weight=penalty)
    for row, start in enumerate(STARTS):
        found = {}
        for way in itertools.product(range(WORDS), repeat=most):
            first = way.index(END) + 1 if END in way else most
            way = (*way[:first], *[END] * (most - first))
            state, total, word = cell.zero_state(1, nf.float64), 0.0, start
            for w in way[:first]:
                y, state = cell(TABLE[[word]], state)
                total += float(y[0, w]) - np.logaddexp.reduce(y.numpy()[0])
                word = w
            # a sequence that ends with the last step is scored without its end
            length = first - (END in way and first == most)
            found[way] = total / ((5 + length) / 6) ** penalty
        want = sorted(found, key=lambda w: -found[w])
        assert len(want) == width
        got = [tuple(w) for w in words[row].numpy().T.tolist()]
        assert got == want
        np.testing.assert_allclose(scores[row, -1], [found[w] for w in want], 1e-9)


@pytest.mark.parametrize("compiled", [False, True])
def test_coverage_and_the_history_of_attention(compiled: bool) -> None:
    """Beams attend to what they have not; the history comes in the order of the sequences found."""
    width, most = 4, 5
    memory, lengths = drawn(1, 3, 5), np.array([2])
    inner = contrib.rnn.BasicRNNCell(3)

    def made(rows: int) -> Any:
        attend = seq2seq.BahdanauAttention(
            3, seq2seq.tile_batch(memory, rows), seq2seq.tile_batch(lengths, rows)
        )
        attention = seq2seq.AttentionWrapper(inner, attend, 6, alignment_history=True)
        cell = contrib.rnn.OutputProjectionWrapper(attention, WORDS)
        return randomized(cell, rows), attend

    single, attend = made(1)
    attend.setup_memory(memory, lengths)
    many, attend = made(len(STARTS) * width)
    attend.setup_memory(*(seq2seq.tile_batch(x, 2 * width) for x in (memory, lengths)))
    words, scores, state = decoded(
        many, width, most, compiled, coverage_penalty_weight=0.8, length_penalty_weight=0.5
    )
    history = state.cell_state.alignment_history
    assert history.shape == (words.shape[1], 2 * width, 3)
    history = nf.reshape(history, [-1, 2, width, 3])
    for row, hand in enumerate(search(single, width, most, 0.5, 0.8)):
        for beam, (value, h) in enumerate(hand):
            want = (*h.words[1:], *[END] * most)[: words.shape[1]]
            assert tuple(words[row, :, beam].numpy()) == want
            assert float(scores[row, -1, beam]) == pytest.approx(value, rel=1e-9)
            np.testing.assert_allclose(
                state.accumulated_attention_probs[row, beam], h.attended, 1e-9, 1e-12
            )
            now = single.zero_state(1, nf.float64)
            for t, word in enumerate(h.words[: h.length]):
                _, now = single(TABLE[[word]], now)
                np.testing.assert_allclose(history[t, row, beam], now.alignments[0], 1e-9, 1e-12)


def test_the_order_of_arrays_may_stay() -> None:
    attend = seq2seq.LuongAttention(WORDS, nf.ones([4, 3, 5]))
    cell = seq2seq.AttentionWrapper(
        contrib.rnn.BasicRNNCell(WORDS), attend, WORDS, alignment_history=True
    )
    decoder = seq2seq.BeamSearchDecoder(
        cell, nf.eye(WORDS), STARTS, END, cell.zero_state(4, nf.float32), 2,
        reorder_tensor_arrays=False,
    )  # fmt: skip
    _, state, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=3)
    assert isinstance(state.cell_state.alignment_history, nf.TensorArray)


def test_an_output_layer_and_an_open_batch() -> None:
    """One trace for every batch; the layer makes logits of the cell's outputs."""
    cell, layer = randomized(cells.GRUCell(3)), contrib.linear.Linear("test", "units", WORDS)
    layer(drawn(1, 3))
    layer.set_weights([3 * drawn(3, WORDS), drawn(WORDS)])

    def run(starts: Any) -> Any:
        state = cell.zero_state(2 * nf.shape(starts)[0], nf.float64)
        decoder = seq2seq.BeamSearchDecoder(cell, TABLE, starts, END, state, 2, layer)
        return seq2seq.dynamic_decode(decoder, maximum_iterations=4)[0].predicted_ids

    call = nf.function(run, input_signature=[nf.TensorSpec([None], nf.int32)])
    for starts in ([0, 1], [1], [1, 1, 0]):
        words = nf.constant(starts, nf.int32)
        np.testing.assert_array_equal(call(words).numpy(), run(words).numpy())


def test_a_search_is_one_call() -> None:
    """No step returns to Python: loops, kernels, and sizes that the program itself finds out."""
    cell = plain_cell(1)

    @nf.function
    def run(starts: Any) -> Any:
        state = cell.zero_state(4, nf.float64)
        decoder = seq2seq.BeamSearchDecoder(cell, TABLE, starts, END, state, 2)
        return seq2seq.dynamic_decode(decoder, maximum_iterations=4)[0].predicted_ids

    summary = str(run.explain(nf.constant(STARTS, nf.int32))).splitlines()[1]
    assert " loop" in summary and "host" not in summary


# --- the way back ----------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 6), st.integers(1, 3), st.integers(1, 4), st.integers(0, 99), st.booleans())
def test_gather_tree(steps: int, batch: int, width: int, seed: int, compiled: bool) -> None:
    """Against the walk back; lengths beyond the steps, and none."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 5, (steps, batch, width)).astype(np.int32)
    parents = rng.integers(0, width, (steps, batch, width)).astype(np.int32)
    lengths = rng.integers(-1, steps + 2, batch).astype(np.int32)
    call = nf.function(seq2seq.gather_tree) if compiled else seq2seq.gather_tree
    found = call(words, parents, lengths, 0).numpy()
    for row, beam in itertools.product(range(batch), range(width)):
        want, at = [0] * steps, beam
        for t in reversed(range(max(0, min(steps, lengths[row])))):
            want[t], at = words[t, row, at], parents[t, row, at]
        if 0 in want:
            want[want.index(0) :] = [0] * (steps - want.index(0))
        assert found[:, row, beam].tolist() == want


def test_tile_batch_repeats_rows_side_by_side() -> None:
    """Of every tensor of a structure."""
    state = contrib.rnn.LSTMStateTuple(nf.constant([[1.0], [2.0]]), nf.constant([3, 4]))
    for call in (seq2seq.tile_batch, nf.function(lambda s, n: seq2seq.tile_batch(s, n))):
        tiled = call(state, 2)
        assert isinstance(tiled, contrib.rnn.LSTMStateTuple)
        assert tiled.c.numpy().ravel().tolist() == [1, 1, 2, 2]
        assert tiled.h.numpy().tolist() == [3, 3, 4, 4]


GRU: Any = cells.GRUCell(WORDS)
IDS = np.zeros((2, 1, 2), np.int32)


def beam(**changed: Any) -> Any:
    given = {
        "cell": GRU, "embedding": nf.eye(WORDS), "start_tokens": [0, 1], "end_token": END,
        "initial_state": nf.zeros([4, WORDS]), "beam_width": 2,
    }  # fmt: skip
    decoder = seq2seq.BeamSearchDecoder(**{**given, **changed})
    return seq2seq.dynamic_decode(decoder, maximum_iterations=3)


INVALID = nf.errors.InvalidArgumentError


@pytest.mark.parametrize(
    ("call", "kind", "problem"),
    [
        (lambda: beam(cell=3), TypeError, "cell is no recurrent cell, but int"),
        (lambda: beam(output_layer=3), TypeError, "output_layer is no layer, but int"),
        (lambda: beam(beam_width=0), ValueError, "beam_width must be at least 1"),
        (lambda: beam(beam_width=1.5), TypeError, "beam_width"),
        (lambda: beam(start_tokens=[[0, 1]]), ValueError, "start_tokens must be a vector"),
        (lambda: beam(start_tokens=[0.5, 1]), TypeError, "start_tokens is float32, not an"),
        (lambda: beam(end_token=[2]), ValueError, "end_token must be a scalar"),
        (lambda: beam(end_token=3), INVALID, "end_token 3 is outside [0, 3)"),
        (lambda: beam(start_tokens=[0, 3]), INVALID, "is outside [0, 3)"),
        (
            lambda: beam(initial_state=nf.zeros([2, WORDS])),
            ValueError,
            "not a row for each beam of each example",
        ),
        (
            lambda: beam(initial_state=nf.zeros([4, 5])),
            ValueError,
            "GRUCell: state is not [batch, size]",
        ),
        (
            lambda: beam(coverage_penalty_weight=1.0),
            ValueError,
            "coverage_penalty_weight must be 0.0, for no cell is an AttentionWrapper",
        ),
        (lambda: beam(length_penalty_weight="a"), TypeError, "length_penalty_weight must be a"),
        (
            lambda: seq2seq.dynamic_decode(
                seq2seq.BeamSearchDecoder(GRU, nf.eye(3), [0], 2, nf.zeros([2, 3]), 2),
                impute_finished=True,
            ),
            ValueError,
            "impute_finished, where a decoder's sequences change their places",
        ),
        (lambda: seq2seq.tile_batch(1.0, 2), ValueError, "t has a batch axis"),
        (lambda: seq2seq.tile_batch([1.0], 0), ValueError, "multiplier must be at least 1"),
        (lambda: seq2seq.gather_tree(IDS, IDS + 2, [2], 0), INVALID, "parent 2 is outside [0, 2)"),
        (lambda: seq2seq.gather_tree(IDS, IDS[:1], [2], 0), ValueError, "step_ids and parent_ids"),
        (lambda: seq2seq.gather_tree(IDS, IDS, [2, 2], 0), ValueError, "is [batch]"),
        (lambda: seq2seq.gather_tree(IDS, IDS, [2], [0]), ValueError, "end_token is a scalar"),
        (lambda: seq2seq.gather_tree(IDS * 1.0, IDS, [2], 0), TypeError, "step_ids is float64"),
        (
            lambda: seq2seq.gather_tree_from_array(nf.ones([2, 3, 2]), IDS, [[1, 2]]),
            ValueError,
            "t is [steps, batch, beams, ...] or [steps, batch * beams, ...]",
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_refused(call: Any, kind: Any, problem: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert problem in str(caught.value).partition("\n  at ")[0]
