"""tf.contrib.seq2seq's decoders: the truth read, own words read, a user's decoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.compat.v1 import contrib, nn
from numflow.compat.v1.contrib.seq2seq import Decoder
from numflow.compat.v1.contrib.seq2seq import decoder as decoder_module

Array = np.ndarray[Any, Any]
seq2seq, cells = contrib.seq2seq, nn.rnn_cell
BATCH, STEPS, DEPTH, UNITS, WORDS = 3, 5, 4, 6, 7
LENGTHS = [5, 2, 0]


def drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, shape)


def randomized(cell: Any) -> Any:
    cell(drawn(BATCH, DEPTH), cell.zero_state(BATCH, nf.float64))
    cell.set_weights([drawn(*w.shape.as_list(), seed=k) for k, w in enumerate(cell.weights)])
    return cell


class Projection:
    """An output layer that is a plain function."""

    def __init__(self) -> None:
        self.kernel = nf.Variable(3 * drawn(UNITS, WORDS, seed=8))

    def __call__(self, y: Any) -> Any:
        return nf.matmul(y, self.kernel)


def trained(cell: Any, x: Any, lengths: Any, layer: Any = None, **options: Any) -> Any:
    """dynamic_decode that reads x."""
    time_major = options.get("output_time_major", False)
    helper = seq2seq.TrainingHelper(x, lengths, time_major)
    state = cell.zero_state(x.shape[1 if time_major else 0], x.dtype)
    return seq2seq.dynamic_decode(seq2seq.BasicDecoder(cell, helper, state, layer), **options)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("kind", [cells.GRUCell, cells.BasicLSTMCell])
def test_reading_the_truth_is_dynamic_rnn(kind: Any, compiled: bool) -> None:
    """With impute_finished: outputs past the end 0, states as they were; both layouts."""
    cell = randomized(kind(UNITS))
    x = nf.constant(drawn(BATCH, STEPS, DEPTH, seed=7))
    want, last = nn.dynamic_rnn(cell, x, LENGTHS, dtype=nf.float64)

    def run(x: Any, major: bool) -> Any:
        return trained(cell, x, LENGTHS, impute_finished=True, output_time_major=major)

    call = nf.function(run) if compiled else run
    for major in (False, True):
        outputs, state, lengths = call(nf.transpose(x, [1, 0, 2]) if major else x, major)
        assert isinstance(outputs, seq2seq.BasicDecoderOutput)
        y, ids = outputs
        if major:
            y, ids = nf.transpose(y, [1, 0, 2]), nf.transpose(ids)
        np.testing.assert_allclose(y.numpy(), want.numpy(), 1e-10, 1e-12)
        np.testing.assert_array_equal(ids.numpy(), want.numpy().argmax(2))
        assert ids.dtype is nf.int32 and lengths.numpy().tolist() == LENGTHS
        for a, b in zip(nf.nest.flatten(state), nf.nest.flatten(last), strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-10, 1e-12)


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_are_those_of_dynamic_rnn(compiled: bool) -> None:
    """Of the weights, the inputs and the output layer."""
    cell, layer = randomized(cells.GRUCell(UNITS)), Projection()
    x = nf.constant(drawn(BATCH, STEPS, DEPTH, seed=7))
    targets = np.random.default_rng(2).integers(0, WORDS, (BATCH, STEPS))
    weights = nf.sequence_mask(LENGTHS, STEPS, nf.float64)

    def decoded(x: Any) -> Any:
        outputs, _, _ = trained(cell, x, LENGTHS, layer, impute_finished=True)
        return seq2seq.sequence_loss(outputs.rnn_output, targets, weights)

    def by_rnn(x: Any) -> Any:
        y, _ = nn.dynamic_rnn(cell, x, LENGTHS, dtype=nf.float64)
        logits = nf.tensordot(y, layer.kernel, 1)
        return seq2seq.sequence_loss(logits, targets, weights)

    found = []
    for f in (nf.function(decoded) if compiled else decoded, by_rnn):
        with nf.GradientTape() as tape:
            tape.watch(x)
            loss = f(x)
        sources = [*cell.trainable_variables, layer.kernel, x]
        found.append([loss, *tape.gradient(loss, sources)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-9, 1e-12)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("most", [None, 3, 0, 9])
@pytest.mark.parametrize("impute", [False, True])
def test_all_steps_at_once_are_the_loop(
    impute: bool, most: Any, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell with a kernel for sequences, with and without a layer behind; gradients too."""
    cell = randomized(cells.BasicLSTMCell(UNITS))
    layer = contrib.linear.Linear("test", "units", WORDS)
    layer(drawn(1, UNITS))
    layer.set_weights([drawn(UNITS, WORDS), drawn(WORDS)])
    x = nf.constant(drawn(BATCH, STEPS, DEPTH, seed=7))

    def run(x: Any, behind: Any) -> Any:
        outputs, state, lengths = trained(
            cell, x, [4, 2, 0], behind, impute_finished=impute, maximum_iterations=most
        )
        value = nf.reduce_sum(outputs.rnn_output**2) + nf.reduce_sum(state.c**3)
        return value, outputs.rnn_output, outputs.sample_id, state.c, state.h, lengths

    found = []
    for by_loop in (False, True):
        if by_loop:
            monkeypatch.setattr(seq2seq.BasicDecoder, "at_once", lambda *_: None)
        for behind in (None, layer):
            call = nf.function(run) if compiled else run
            with nf.GradientTape() as tape:
                tape.watch(x)
                parts = call(x, behind)
            weights = [x, *cell.trainable_variables]
            found.append([*parts, *tape.gradient(parts[0], weights)])
    for k in (0, 1):
        for a, b in zip(found[k], found[k + 2], strict=True):
            if b is None:  # eagerly a loop of no steps has read nothing
                b = nf.zeros_like(a)
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), 1e-9, 1e-11)


def test_what_goes_on_past_an_end() -> None:
    """Without impute_finished the cell goes on; steps end with the longest sequence, or before."""
    cell = randomized(cells.GRUCell(UNITS))
    x = nf.constant(drawn(BATCH, STEPS, DEPTH, seed=7))
    want, _ = nn.dynamic_rnn(cell, x, dtype=nf.float64)
    for call in (trained, nf.function(trained)):
        outputs, _, lengths = call(cell, x, [3, 2, 0])
        assert outputs.rnn_output.shape == (BATCH, 3, UNITS)
        np.testing.assert_allclose(outputs.rnn_output.numpy(), want.numpy()[:, :3], 1e-10, 1e-12)
        assert lengths.numpy().tolist() == [3, 2, 0]
        for most in (2, nf.constant(2)):
            outputs, _, lengths = call(cell, x, [3, 1, 0], maximum_iterations=most)
            assert outputs.rnn_output.shape[1] == 2 and lengths.numpy().tolist() == [2, 1, 0]
        for none in ([0, 0, 0], [5, 5, 5]):
            bound = 0 if none[0] else None
            outputs, state, lengths = call(cell, x, none, maximum_iterations=bound)
            assert outputs.rnn_output.shape == (BATCH, 0, UNITS)
            assert not lengths.numpy().any() and not state.numpy().any()


def greedy_by_hand(cell: Any, layer: Any, table: Array, starts: Any, end: int, most: int) -> Any:
    """The words of each sequence, alone."""
    found = []
    for word in starts:
        state, words = cell.zero_state(1, nf.float64), [word]
        while len(words) <= most and (len(words) == 1 or words[-1] != end):
            y, state = cell(table[words[-1:]], state)
            words.append(int(np.argmax(layer(y).numpy())))
        found.append(words[1:])
    return found


@pytest.mark.parametrize("form", ["eager", "compiled", "open batch"])
def test_own_words_are_read(form: str) -> None:
    """Each sequence until its end_token; tables and functions of words alike."""
    cell, layer = randomized(cells.BasicLSTMCell(UNITS)), Projection()
    table, starts = 2 * drawn(WORDS, DEPTH, seed=3), [0, 3, 5, 1]
    want = greedy_by_hand(cell, layer, table, starts, 2, 9)
    assert len({len(w) for w in want}) > 1  # sequences end at different steps

    def run(starts: Any) -> Any:
        batch = nf.shape(starts)[0]
        helper = seq2seq.GreedyEmbeddingHelper(lambda ids: nf.gather(table, ids), starts, 2)
        decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(batch, nf.float64), layer)
        return seq2seq.dynamic_decode(decoder, maximum_iterations=9)

    spec = [nf.TensorSpec([None], nf.int32)]
    call = {
        "eager": run,
        "compiled": nf.function(run),
        "open batch": nf.function(run, input_signature=spec),
    }[form]
    outputs, _, lengths = call(nf.constant(starts, nf.int32))
    assert outputs.rnn_output.shape == (4, max(map(len, want)), WORDS)
    assert lengths.numpy().tolist() == [len(w) for w in want]
    for row, words in zip(outputs.sample_id.numpy(), want, strict=True):
        assert row[: len(words)].tolist() == words


@pytest.mark.parametrize("most", [9, 3, 0])
def test_outputs_that_could_be_huge_are_counted_first(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same outputs; no room for as many steps as there may be."""
    cell = randomized(cells.GRUCell(UNITS))
    x = nf.constant(drawn(BATCH, STEPS, DEPTH, seed=7))

    def run(x: Any) -> Any:
        return trained(cell, x, LENGTHS, maximum_iterations=most)

    want, state, lengths = nf.function(run)(x)
    monkeypatch.setattr(decoder_module, "RESERVED", 0)
    for call in (run, nf.function(run)):
        outputs, after, ends = call(x)
        np.testing.assert_array_equal(outputs.sample_id.numpy(), want.sample_id.numpy())
        np.testing.assert_allclose(outputs.rnn_output.numpy(), want.rnn_output.numpy(), 1e-12)
        np.testing.assert_allclose(after.numpy(), state.numpy(), 1e-12)
        assert ends.numpy().tolist() == lengths.numpy().tolist() == [min(n, most) for n in LENGTHS]


def test_an_end_token_needs_no_embedding() -> None:
    """Where all sequences are finished nothing is looked up any more."""
    helper = seq2seq.GreedyEmbeddingHelper(nf.eye(3), [0, 1], 3)
    finished, inputs, _ = helper.next_inputs(0, None, None, nf.constant([3, 3]))
    assert finished.numpy().all() and inputs.shape == (2, 3)


def test_attention_is_recorded() -> None:
    """The state's TensorArray goes through the loop, compiled and not."""
    memory = nf.constant(drawn(BATCH, 4, 3))
    attend = seq2seq.BahdanauAttention(UNITS, memory, [4, 1, 3])
    cell = seq2seq.AttentionWrapper(cells.GRUCell(UNITS), attend, 5, alignment_history=True)
    x = nf.constant(drawn(BATCH, STEPS, DEPTH))

    def run(x: Any) -> Any:
        outputs, state, _ = trained(cell, x, [5, 2, 3])
        return outputs.rnn_output, state.alignment_history.stack()

    y, history = run(x)
    assert y.shape == (BATCH, STEPS, 5) and history.shape == (STEPS, BATCH, 4)
    np.testing.assert_allclose(history.numpy().sum(2), 1, 1e-9)
    for a, b in zip(nf.function(run)(x), (y, history), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-9)


def test_functions_of_the_users_and_nested_inputs() -> None:
    """CustomHelper; a structure of inputs for a user's cell."""

    class Sum:
        state_size = output_size = 2

        def __call__(self, inputs: Any, state: Any) -> Any:
            total = state + inputs["a"] + inputs["b"]
            return total, total

    x = {"a": drawn(3, 5, 2), "b": drawn(3, 5, 2, seed=1)}
    helper = seq2seq.TrainingHelper(x, [5, 3, 1])
    decoder = seq2seq.BasicDecoder(Sum(), helper, nf.zeros([3, 2], nf.float64))
    for call in (seq2seq.dynamic_decode, nf.function(seq2seq.dynamic_decode)):
        outputs, _, _ = call(decoder)
        np.testing.assert_allclose(outputs.rnn_output.numpy(), np.cumsum(x["a"] + x["b"], 1), 1e-12)

    cell = cells.BasicRNNCell(2)
    custom = seq2seq.CustomHelper(
        lambda: (nf.zeros([3], nf.bool), nf.ones([3, 2])),
        lambda time, outputs, state: outputs * 2.0,
        lambda time, outputs, state, sample_ids: (nf.fill([3], time >= 3), sample_ids, state),
        sample_ids_shape=[2],
        sample_ids_dtype=nf.float32,
    )
    with pytest.raises(ValueError, match="before initialize was called"):
        _ = custom.batch_size
    decoder = seq2seq.BasicDecoder(cell, custom, cell.zero_state(3, nf.float32))
    outputs, _, lengths = nf.function(seq2seq.dynamic_decode)(decoder)
    assert lengths.numpy().tolist() == [4, 4, 4]
    np.testing.assert_allclose(outputs.sample_id.numpy(), 2 * outputs.rnn_output.numpy(), 1e-6)


class Countdown(Decoder):
    """A user's decoder: nested outputs, a state of scalars, numbers of its own to finalize."""

    batch_size = 2
    output_dtype: Any = {"left": nf.int32, "twice": (nf.float32,)}  # noqa: RUF012
    output_size: Any = {"left": nf.TensorShape([]), "twice": (3,)}  # noqa: RUF012

    def initialize(self, name: str | None = None, start: Any = (3, 1)) -> Any:
        return nf.zeros([2], nf.bool), nf.constant(start), nf.constant(0)

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> Any:
        left = inputs - 1
        twice = nf.broadcast_to(nf.cast(2 * left, nf.float32)[:, None], [2, 3])
        return {"left": left, "twice": (twice,)}, state + 1, left, left <= 0

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> Any:
        return outputs, final_state * 100 + sequence_lengths


def test_a_decoder_of_the_users() -> None:
    for call in (seq2seq.dynamic_decode, nf.function(seq2seq.dynamic_decode)):
        outputs, state, lengths = call(Countdown())
        assert outputs["left"].numpy().tolist() == [[2, 1, 0], [0, -1, -2]]
        assert outputs["twice"][0].shape == (2, 3, 3)
        assert state.numpy().tolist() == [303, 301] and lengths.numpy().tolist() == [3, 1]
        outputs, _, _ = call(Countdown(), impute_finished=True, start=[2, 1])
        assert outputs["left"].numpy().tolist() == [[1, 0], [0, 0]]


GRU: Any = cells.GRUCell(UNITS)
HELPER = seq2seq.TrainingHelper(nf.ones([2, 5, 3]), [5, 2])
ZERO = nf.zeros([2, UNITS])
NO_FUNCTIONS: Any = (1, 2, 3)


class Twice(Countdown):
    output_dtype: Any = {"left": nf.int32}  # noqa: RUF012


@pytest.mark.parametrize(
    ("call", "kind", "problem"),
    [
        (lambda: seq2seq.dynamic_decode(GRU), TypeError, "decoder is no Decoder, but GRUCell"),
        (
            lambda: seq2seq.dynamic_decode(Countdown(), maximum_iterations=[1]),
            ValueError,
            "maximum_iterations is an integer scalar",
        ),
        (
            lambda: seq2seq.dynamic_decode(Countdown(), maximum_iterations=-1),
            nf.errors.InvalidArgumentError,
            "maximum_iterations is -1",
        ),
        (
            lambda: seq2seq.dynamic_decode(Twice()),
            ValueError,
            "output_size and output_dtype differ in structure",
        ),
        (lambda: seq2seq.BasicDecoder(3, HELPER, ZERO), TypeError, "cell is no recurrent cell"),
        (lambda: seq2seq.BasicDecoder(GRU, GRU, ZERO), TypeError, "helper is no Helper"),
        (
            lambda: seq2seq.BasicDecoder(GRU, HELPER, ZERO, 3),
            TypeError,
            "output_layer is no layer, but int",
        ),
        (
            lambda: seq2seq.dynamic_decode(seq2seq.BasicDecoder(GRU, HELPER, nf.zeros([2, 5]))),
            ValueError,
            "GRUCell: state is not [batch, size]",
        ),
        (lambda: seq2seq.TrainingHelper(nf.ones([2]), [1]), ValueError, "inputs have batch and"),
        (
            lambda: seq2seq.TrainingHelper(nf.ones([2, 5, 3]), [1]),
            ValueError,
            "sequence_length is [batch]",
        ),
        (
            lambda: seq2seq.TrainingHelper(nf.ones([2, 5, 3]), [1, 6]),
            nf.errors.InvalidArgumentError,
            "TrainingHelper: sequence_length 6 is outside [0, 6)",
        ),
        (
            lambda: seq2seq.GreedyEmbeddingHelper(nf.eye(3), 1, 2),
            ValueError,
            "start_tokens must be a vector",
        ),
        (
            lambda: seq2seq.GreedyEmbeddingHelper(nf.eye(3), [1], [2]),
            ValueError,
            "end_token must be a scalar",
        ),
        (
            lambda: seq2seq.GreedyEmbeddingHelper(nf.eye(3), [3], 2).initialize(),
            nf.errors.InvalidArgumentError,
            "is outside [0, 3)",
        ),
        (lambda: seq2seq.CustomHelper(*NO_FUNCTIONS), TypeError, "initialize_fn is no function"),
        (Decoder, TypeError, "abstract"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_refused(call: Any, kind: Any, problem: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert problem in str(caught.value).partition("\n  at ")[0]
