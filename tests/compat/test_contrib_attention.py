"""tf.contrib.seq2seq's attention: mechanisms and the wrapper against NumPy in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.compat.v1 import contrib, nn

Array = np.ndarray[Any, Any]
seq2seq, cells = contrib.seq2seq, nn.rnn_cell
BATCH, STEPS, DEPTH, UNITS = 3, 5, 7, 4
LENGTHS = [5, 1, 3]


def drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, shape)


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def set_weights(layer: Any) -> list[Array]:
    found = [drawn(*w.shape.as_list(), seed=10 + k) for k, w in enumerate(layer.weights)]
    layer.set_weights(found)
    return found


MECHANISMS: dict[str, Any] = {
    "luong": lambda m, n: seq2seq.LuongAttention(UNITS, m, n),
    "scaled": lambda m, n: seq2seq.LuongAttention(UNITS, m, n, scale=True),
    "bahdanau": lambda m, n: seq2seq.BahdanauAttention(UNITS, m, n),
    "normalized": lambda m, n: seq2seq.BahdanauAttention(UNITS, m, n, normalize=True),
}


def reference(
    name: str, w: dict[str, Array], memory: Array, lengths: Any, query: Array
) -> tuple[Array, Array]:
    """(alignments, what is attended to)."""
    alive = np.arange(STEPS) < np.reshape(lengths if lengths else [STEPS] * BATCH, (-1, 1))
    values = np.where(alive[:, :, None], memory, 0)
    keys = values @ w["memory"]
    if name in ("luong", "scaled"):
        score = np.einsum("bd,btd->bt", query, keys) * w.get("g", 1.0)
    else:
        v = w["v"]
        seen = keys + (query @ w["query"])[:, None]
        if name == "normalized":
            v, seen = w["g"] * v / np.sqrt((v**2).sum()), seen + w["b"]
        score = np.tanh(seen) @ v
    alignments = softmax(np.where(alive, score, -np.inf))
    return alignments, np.einsum("bt,btd->bd", alignments, values)


def named(mechanism: Any) -> dict[str, Array]:
    """The weights by what they are."""
    found = {"memory": mechanism.memory_layer.weights[0].numpy()}
    if hasattr(mechanism, "query_layer"):
        found["query"] = mechanism.query_layer.weights[0].numpy()
    for v in mechanism.weights:
        if v.name.startswith("attention_"):
            found[v.name[10]] = v.numpy()
    return found


def mechanism(name: str, lengths: Any) -> tuple[Any, Array]:
    """One with drawn weights, and its memory: whose end is full of NaN, where it has one."""
    memory = drawn(BATCH, STEPS, DEPTH)
    if lengths is not None:
        memory[np.arange(STEPS) >= np.reshape(lengths, (-1, 1))] = np.nan
    made = MECHANISMS[name](memory, lengths)
    made(nf.constant(drawn(BATCH, UNITS)), None)
    set_weights(made)
    made.setup_memory(memory, lengths)
    return made, memory


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=str)
@pytest.mark.parametrize("name", MECHANISMS)
def test_alignments_are_the_formula(name: str, lengths: Any) -> None:
    made, memory = mechanism(name, lengths)
    query = drawn(BATCH, UNITS, seed=3)
    want, _ = reference(name, named(made), memory, lengths, query)
    state = made.initial_state(BATCH, nf.float64)
    assert state.shape == (BATCH, STEPS) and not state.numpy().any()
    for call in (made, nf.function(made)):
        found, following = call(nf.constant(query), state)
        np.testing.assert_allclose(found.numpy(), want, 1e-10, 1e-12)
        np.testing.assert_array_equal(found.numpy(), following.numpy())
    if lengths is not None:
        assert (found.numpy()[1] == [1, 0, 0, 0, 0]).all()


WRAPPERS: dict[str, dict[str, Any]] = {
    "context": {},
    "layer": {"attention_layer_size": 6},
    "cell output": {"attention_layer_size": 6, "output_attention": False},
}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("options", WRAPPERS)
@pytest.mark.parametrize("name", ["scaled", "normalized"])
def test_the_wrapper_is_its_parts(name: str, options: str, compiled: bool) -> None:
    """Three steps: what is attended to goes into the next step's inputs."""
    attend, memory = mechanism(name, LENGTHS)
    inner = cells.BasicRNNCell(UNITS)
    cell = seq2seq.AttentionWrapper(inner, attend, alignment_history=True, **WRAPPERS[options])
    cell(drawn(BATCH, 2), cell.zero_state(BATCH, nf.float64))
    set_weights(cell)
    attend.setup_memory(memory, LENGTHS)
    x = drawn(3, BATCH, 2, seed=4)

    def run(x: Any) -> Any:
        state, outputs = cell.zero_state(BATCH, nf.float64), []
        for t in range(3):
            y, state = cell(x[t], state)
            outputs.append(y)
        return nf.stack(outputs), state.alignment_history.stack(), state.attention, state.time

    found, history, attention, time = (nf.function(run) if compiled else run)(nf.constant(x))
    assert int(time) == 3
    kernel, bias = (w.numpy() for w in inner.weights)
    rest = [layer for layer in cell._layers_of_attention if layer is not None]
    h, a = np.zeros((BATCH, UNITS)), np.zeros((BATCH, cell.state_size.attention))
    for t in range(3):
        h = np.tanh(np.concatenate([x[t], a, h], 1) @ kernel + bias)
        alignments, a = reference(name, named(attend), memory, LENGTHS, h)
        if rest:
            a = np.concatenate([h, a], 1) @ rest[0].weights[0].numpy()
        np.testing.assert_allclose(history[t].numpy(), alignments, 1e-9, 1e-12)
        want = h if options == "cell output" else a
        np.testing.assert_allclose(found[t].numpy(), want, 1e-9, 1e-12)
    np.testing.assert_allclose(attention.numpy(), a, 1e-9)
    assert cell.output_size == found.shape[2]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", MECHANISMS)
def test_gradients_are_finite_differences(name: str, compiled: bool) -> None:
    """Of all weights and the memory, through dynamic_rnn."""
    memory = nf.constant(drawn(BATCH, STEPS, DEPTH))
    attend = MECHANISMS[name](memory, LENGTHS)
    cell = seq2seq.AttentionWrapper(cells.GRUCell(UNITS), attend, 6)
    x = nf.constant(drawn(BATCH, 4, 2, seed=4))

    def loss(memory: Any) -> Any:
        attend.setup_memory(memory, LENGTHS)
        state = cell.zero_state(BATCH, nf.float64)
        y, _ = nn.dynamic_rnn(cell, x, [4, 0, 2], initial_state=state)
        return nf.reduce_sum(y**2)

    loss(memory)
    weights = set_weights(cell)
    run = nf.function(loss) if compiled else loss
    with nf.GradientTape() as tape:
        tape.watch(memory)
        value = run(memory)
    found = tape.gradient(value, [*cell.trainable_variables, memory])
    ways = [drawn(*g.shape, seed=90 + k) for k, g in enumerate(found)]
    slope = sum(float((g.numpy() * w).sum()) for g, w in zip(found, ways, strict=True))
    ends = []
    for d in (1e-6, -1e-6):
        cell.set_weights([w + d * way for w, way in zip(weights, ways[:-1], strict=True)])
        ends.append(float(loss(memory + d * ways[-1])))
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5)
    assert len(weights) == len(cell.trainable_variables)


def test_several_mechanisms_side_by_side() -> None:
    """A list of them: attention is side by side, alignments and history are tuples."""
    memories = drawn(BATCH, 5, DEPTH), drawn(BATCH, 2, 3)
    both = [
        seq2seq.BahdanauAttention(UNITS, memories[0]),
        seq2seq.LuongAttention(UNITS, memories[1], probability_fn=nf.nn.sigmoid),
    ]
    cell = seq2seq.AttentionWrapper(
        cells.BasicLSTMCell(UNITS), both, [6, 2], alignment_history=True
    )
    y, state = cell(drawn(BATCH, 2), cell.zero_state(BATCH, nf.float64))
    assert y.shape == (BATCH, 8) and [a.shape[1] for a in state.alignments] == [5, 2]
    assert [h.stack().shape.as_list() for h in state.alignment_history] == [
        [1, BATCH, 5],
        [1, BATCH, 2],
    ]
    assert cell.state_size.alignments == (5, 2) and cell.state_size.attention == 8
    plain = seq2seq.AttentionWrapper(cells.BasicLSTMCell(UNITS), both)
    assert plain.output_size == DEPTH + 3


def test_functions_of_the_users() -> None:
    """The cell's inputs, how is attended, keys and values, the layer behind."""
    memory = drawn(BATCH, STEPS, DEPTH)
    attend = seq2seq.LuongAttention(
        UNITS, memory, custom_key_value_fn=lambda keys, values: (keys * 0.0, values[:, :, :3])
    )
    seen = []

    def attention_fn(m: Any, y: Any, state: Any, layer: Any) -> Any:
        seen.append((y.shape, layer))
        alignments, after = m(y, state)
        return nf.reduce_sum(m.values, 1), alignments, after

    cell = seq2seq.AttentionWrapper(
        cells.GRUCell(UNITS),
        attend,
        cell_input_fn=lambda x, attention: x,
        attention_fn=attention_fn,
        initial_cell_state=nf.ones([BATCH, UNITS], nf.float64),
    )
    state = cell.zero_state(BATCH, nf.float64)
    assert (state.cell_state.numpy() == 1).all()
    y, state = cell(drawn(BATCH, 2), state)
    np.testing.assert_allclose(y.numpy(), memory[:, :, :3].sum(1), 1e-12)
    np.testing.assert_allclose(state.alignments.numpy(), 1 / STEPS)
    assert seen == [((BATCH, UNITS), None)]
    layer = nf.keras.layers.Layer()
    layer.call = lambda x: x[:, :2]
    behind = seq2seq.AttentionWrapper(cells.GRUCell(UNITS), attend, attention_layer=layer)
    assert behind.output_size == 2


@pytest.mark.parametrize("compiled", [False, True])
def test_cells_of_keras_attend_too(compiled: bool) -> None:
    """Their states are lists; a projection around, a decoder that reads."""
    attend = seq2seq.LuongAttention(UNITS, drawn(BATCH, STEPS, DEPTH).astype(np.float32))
    wrapped = seq2seq.AttentionWrapper(nf.keras.layers.LSTMCell(UNITS), attend, 6)
    cell = contrib.rnn.OutputProjectionWrapper(wrapped, 3)
    x = nf.constant(drawn(BATCH, 4, 2).astype(np.float32))

    def run(x: Any) -> Any:
        helper = seq2seq.TrainingHelper(x, [4, 1, 2])
        decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(BATCH, nf.float32))
        return seq2seq.dynamic_decode(decoder)[0].rnn_output

    found = (nf.function(run) if compiled else run)(x)
    state = cell.zero_state(BATCH, nf.float32)
    for t in range(4):
        want, state = cell(x[:, t], state)
        np.testing.assert_allclose(found[:, t].numpy(), want.numpy(), 1e-5, 1e-6)


def test_a_state_is_cloned_with_parts_of_the_same_shape() -> None:
    attend = seq2seq.LuongAttention(UNITS, nf.ones([BATCH, STEPS, DEPTH]))
    cell = seq2seq.AttentionWrapper(cells.GRUCell(UNITS), attend)
    state = cell.zero_state(BATCH, nf.float32)
    changed = state.clone(cell_state=nf.ones([BATCH, UNITS]))
    assert (changed.cell_state.numpy() == 1).all() and changed.time is state.time
    with pytest.raises(ValueError, match="cell_state has another shape than it had"):
        state.clone(cell_state=nf.ones([BATCH * 2, UNITS]))


MEMORY = nf.ones([2, 3, 4])


def wrapped(**options: Any) -> Any:
    return seq2seq.AttentionWrapper(cells.GRUCell(4), seq2seq.LuongAttention(4, MEMORY), **options)


@pytest.mark.parametrize(
    ("call", "kind", "problem"),
    [
        (lambda: seq2seq.LuongAttention(0, MEMORY), ValueError, "num_units must be at least 1"),
        (lambda: seq2seq.LuongAttention(4, MEMORY[0]), ValueError, "memory is [batch, steps,"),
        (
            lambda: seq2seq.LuongAttention(4, MEMORY, dtype=nf.float64),
            TypeError,
            "memory is float32, the mechanism float64",
        ),
        (
            lambda: seq2seq.BahdanauAttention(4, MEMORY, [3]),
            ValueError,
            "there is not a length for each sequence",
        ),
        (
            lambda: seq2seq.BahdanauAttention(4, MEMORY, [3, 4]),
            nf.errors.InvalidArgumentError,
            "length 4 is outside [0, 4)",
        ),
        (
            lambda: seq2seq.BahdanauAttention(4, MEMORY, [3, 0]),
            nf.errors.InvalidArgumentError,
            "all of memory_sequence_length must be greater than 0",
        ),
        (
            lambda: seq2seq.LuongAttention(4, MEMORY, probability_fn=3),
            TypeError,
            "probability_fn must be callable, not int",
        ),
        (
            lambda: seq2seq.LuongAttention(4, MEMORY)(nf.ones([2, 5]), None),
            ValueError,
            "query has 5 columns, and keys have 4",
        ),
        (
            lambda: seq2seq.AttentionWrapper(3, seq2seq.LuongAttention(4, MEMORY)),
            TypeError,
            "cell is no recurrent cell, but int",
        ),
        (
            lambda: seq2seq.AttentionWrapper(cells.GRUCell(4), [MEMORY]),
            TypeError,
            "attention_mechanism is no AttentionMechanism",
        ),
        (
            lambda: wrapped(attention_layer_size=3, attention_layer=len),
            ValueError,
            "only one of attention_layer_size and attention_layer",
        ),
        (
            lambda: wrapped(attention_layer_size=[3, 4]),
            ValueError,
            "attention_layer_size has one item for each attention_mechanism",
        ),
        (lambda: wrapped(cell_input_fn=3), TypeError, "cell_input_fn must be callable, not int"),
        (
            lambda: wrapped(initial_cell_state=nf.ones([3, 4])),
            ValueError,
            "initial_cell_state is for a batch of 3, and the memory is of 2",
        ),
        (
            lambda: wrapped().zero_state(6, nf.float32),
            ValueError,
            "zero_state is for a batch of 6, and the memory is of 2",
        ),
        (
            lambda: wrapped()(nf.ones([2, 3]), nf.ones([2, 4])),
            TypeError,
            "state is no AttentionWrapperState",
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_refused(call: Any, kind: Any, problem: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert problem in str(caught.value).partition("\n  at ")[0]


@pytest.mark.parametrize("steps", [4, 40], ids=["written out", "a loop"])
@pytest.mark.parametrize("compiled", [False, True])
def test_attention_over_sequences(compiled: bool, steps: int) -> None:
    """dynamic_rnn: the count of steps and the history are no rows of the batch, and go on."""
    attend = seq2seq.LuongAttention(UNITS, drawn(BATCH, STEPS, DEPTH))
    cell = seq2seq.AttentionWrapper(cells.GRUCell(UNITS), attend, alignment_history=True)
    x, lengths = drawn(BATCH, steps, 2), [steps, 1, 0]

    def run(x: Any) -> Any:
        y, state = nn.dynamic_rnn(
            cell, x, lengths, initial_state=cell.zero_state(BATCH, nf.float64)
        )
        return y, state.time, state.alignment_history.stack(), state.cell_state

    y, time, history, last = (nf.function(run) if compiled else run)(nf.constant(x))
    assert time.shape == () and int(time) == steps and history.shape == (steps, BATCH, STEPS)
    state = cell.zero_state(BATCH, nf.float64)
    for t in range(steps):
        want, state = cell(x[:, t], state)
        np.testing.assert_allclose(y[0, t].numpy(), want[0].numpy(), 1e-9, 1e-12)
        np.testing.assert_allclose(history[t, 0], state.alignments[0], 1e-9, 1e-12)
    np.testing.assert_allclose(last[0].numpy(), state.cell_state[0].numpy(), 1e-9, 1e-12)
    assert not y.numpy()[1, 1:].any() and not last.numpy()[2].any()
