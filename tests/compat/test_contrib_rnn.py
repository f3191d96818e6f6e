"""tf.contrib.rnn: further cells against NumPy in float64, wrappers, stacks of layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.compat.v1 import contrib, nn

Array = np.ndarray[Any, Any]
rnn = contrib.rnn
BATCH, DEPTH, UNITS = 3, 5, 4


def drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, shape)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def normed(x: Array, gamma: Array, beta: Array) -> Array:
    mean, variance = x.mean(1, keepdims=True), x.var(1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-12) * gamma + beta


def update_gate(w: list[Array], x: Array, state: list[Array]) -> tuple[Array, list[Array]]:
    (h,) = state
    g, c = np.split(np.concatenate([x, h], 1) @ w[0] + w[1], 2, 1)
    g = sigmoid(g + 0.5)
    h = g * h + (1 - g) * np.tanh(c)
    return h, [h]


def nas(w: list[Array], x: Array, state: list[Array]) -> tuple[Array, list[Array]]:
    """Written out as the paper's tree: a list of layers."""
    c, m = state
    a, b = np.split(x @ w[1], 8, 1), np.split(m @ w[0] + w[2], 8, 1)
    first = [
        sigmoid(a[0] + b[0]),
        np.maximum(a[1] + b[1], 0),
        sigmoid(a[2] + b[2]),
        np.maximum(a[3] * b[3], 0),
        np.tanh(a[4] + b[4]),
        sigmoid(a[5] + b[5]),
        np.tanh(a[6] + b[6]),
        sigmoid(a[7] + b[7]),
    ]
    second = [
        np.tanh(first[0] * first[1]),
        np.tanh(first[2] + first[3]),
        np.tanh(first[4] * first[5]),
        sigmoid(first[6] + first[7]),
    ]
    c = np.tanh(second[0] + c) * second[1]
    m = np.tanh(c * np.tanh(second[2] + second[3])) @ w[3]
    return m, [c, m]


def layer_norm(w: list[Array], x: Array, state: list[Array]) -> tuple[Array, list[Array]]:
    c, h = state
    parts = np.split(np.concatenate([x, h], 1) @ w[0], 4, 1)
    i, j, f, o = (normed(p, w[1 + 2 * k], w[2 + 2 * k]) for k, p in enumerate(parts))
    c = normed(c * sigmoid(f + 1) + sigmoid(i) * np.tanh(j), w[9], w[10])
    h = np.tanh(c) * sigmoid(o)
    return h, [c, h]


def plain(w: list[Array], x: Array, state: list[Array]) -> tuple[Array, list[Array]]:
    """Without the norms: BasicLSTMCell."""
    c, h = state
    i, j, f, o = np.split(np.concatenate([x, h], 1) @ w[0] + w[1], 4, 1)
    c = c * sigmoid(f + 1) + sigmoid(i) * np.tanh(j)
    h = np.tanh(c) * sigmoid(o)
    return h, [c, h]


def block(w: list[Array], x: Array, state: list[Array]) -> tuple[Array, list[Array]]:
    c, h = state
    i, j, f, o = np.split(np.concatenate([x, h], 1) @ w[0] + w[1], 4, 1)
    i, f = sigmoid(i + w[2] * c), sigmoid(f + 0.5 + w[3] * c)
    c = np.clip(c * f + i * np.tanh(j), -0.4, 0.4)
    h = np.tanh(c) * sigmoid(o + w[4] * c)
    return h, [c, h]


def projected(w: list[Array], x: Array, state: list[Array]) -> tuple[Array, list[Array]]:
    (h,) = state
    h = np.tanh(np.concatenate([x, h], 1) @ w[0] + w[1])
    return np.maximum(h @ w[2] + w[3], 0), [h]


CELLS: dict[str, tuple[Callable[[], Any], Any]] = {
    "update_gate": (lambda: rnn.UGRNNCell(UNITS, forget_bias=0.5), update_gate),
    "nas": (lambda: rnn.NASCell(UNITS, num_proj=3, use_bias=True), nas),
    "layer_norm": (lambda: rnn.LayerNormBasicLSTMCell(UNITS), layer_norm),
    "no_norm": (lambda: rnn.LayerNormBasicLSTMCell(UNITS, layer_norm=False), plain),
    "block": (lambda: rnn.LSTMBlockCell(UNITS, 0.5, 0.4, use_peephole=True), block),
    "output": (
        lambda: rnn.OutputProjectionWrapper(rnn.BasicRNNCell(UNITS), 2, nf.nn.relu),
        projected,
    ),
}


def made(name: str) -> tuple[Any, list[Array], Any]:
    """A cell with drawn weights, these, and a drawn state."""
    cell = CELLS[name][0]()
    state = cell.zero_state(BATCH, nf.float64)
    state = nf.nest.map_structure(lambda s: nf.constant(drawn(*s.shape, seed=9)), state)
    cell(drawn(BATCH, DEPTH), state)
    weights = [drawn(*w.shape.as_list(), seed=k) for k, w in enumerate(cell.weights)]
    cell.set_weights(weights)
    return cell, weights, state


@pytest.mark.parametrize("name", CELLS)
def test_a_step_is_the_formula(name: str) -> None:
    """Eagerly and compiled, in float64; and dynamic_rnn repeats it."""
    cell, weights, state = made(name)
    x = drawn(BATCH, 6, DEPTH, seed=5)
    want, after = CELLS[name][1](weights, x[:, 0], [np.asarray(s) for s in nf.nest.flatten(state)])
    for call in (cell, nf.function(cell)):
        y, new = call(nf.constant(x[:, 0]), state)
        assert y.dtype is nf.float64
        np.testing.assert_allclose(y.numpy(), want, 1e-11, 1e-12)
        for got, s in zip(nf.nest.flatten(new), after, strict=True):
            np.testing.assert_allclose(got.numpy(), s, 1e-11, 1e-12)
    found, last = nn.dynamic_rnn(cell, nf.constant(x), initial_state=state)
    now = [np.asarray(s) for s in nf.nest.flatten(state)]
    for t in range(6):
        want, now = CELLS[name][1](weights, x[:, t], now)
        np.testing.assert_allclose(found[:, t].numpy(), want, 1e-9, 1e-9)
    for got, s in zip(nf.nest.flatten(last), now, strict=True):
        np.testing.assert_allclose(got.numpy(), s, 1e-9, 1e-9)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_gradients_are_finite_differences(name: str, compiled: bool) -> None:
    """Of the weights, the inputs and the state, along a random direction."""
    cell, weights, state = made(name)
    x = nf.constant(drawn(BATCH, DEPTH, seed=5))

    def loss(x: Any, state: Any) -> Any:
        y, new = cell(x, state)
        return nf.reduce_sum(y**2) + sum(nf.reduce_sum(nf.sin(s)) for s in nf.nest.flatten(new))

    run = nf.function(loss) if compiled else loss
    with nf.GradientTape() as tape:
        tape.watch([x, *nf.nest.flatten(state)])
        value = run(x, state)
    sources = [*cell.weights, x, *nf.nest.flatten(state)]
    found = tape.gradient(value, sources)
    ways = [drawn(*s.shape, seed=50 + k) for k, s in enumerate(sources)]
    slope = sum(float((np.asarray(g) * w).sum()) for g, w in zip(found, ways, strict=True))
    ends = []
    for sign in (1, -1):
        step = [sign * 1e-6 * w for w in ways]
        n = len(weights)
        cell.set_weights([w + s for w, s in zip(weights, step[:n], strict=True)])
        moved = [s + d for s, d in zip(nf.nest.flatten(state), step[n + 1 :], strict=True)]
        ends.append(float(loss(x + step[n], nf.nest.pack_sequence_as(state, moved))))
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)


@pytest.mark.parametrize("lengths", [None, [6, 0, 2]], ids=str)
def test_the_fused_cell_is_the_cell_over_the_steps(lengths: Any) -> None:
    """A tensor or a list of steps; with lengths the rest is 0 and the state stays."""
    fused = rnn.LSTMBlockFusedCell(UNITS, 0.5, 0.4, use_peephole=True)
    x = nf.constant(drawn(6, BATCH, DEPTH))
    fused(x, dtype=nf.float64)
    weights = [drawn(*w.shape.as_list(), seed=k) for k, w in enumerate(fused.weights)]
    fused.set_weights(weights)
    state = rnn.LSTMStateTuple(drawn(BATCH, UNITS, seed=1), drawn(BATCH, UNITS, seed=2))
    single = rnn.LSTMBlockCell(UNITS, 0.5, 0.4, use_peephole=True)
    single(x[0], state)
    single.set_weights(weights)
    want, last = nn.dynamic_rnn(single, x, lengths, initial_state=state, time_major=True)
    y, after = fused(x, initial_state=state, sequence_length=lengths)
    listed, _ = fused(list(x), initial_state=state, sequence_length=lengths)
    for found in (y, nf.stack(listed), nf.function(fused)(x, state, None, lengths)[0]):
        np.testing.assert_allclose(found.numpy(), want.numpy(), 1e-12, 1e-12)
    np.testing.assert_allclose(after.c.numpy(), last.c.numpy(), 1e-12, 1e-12)
    np.testing.assert_allclose(after.h.numpy(), last.h.numpy(), 1e-12, 1e-12)
    assert fused.num_units == UNITS and isinstance(after, rnn.LSTMStateTuple)


def test_recurrent_dropout_of_what_is_new() -> None:
    """The memory of the step before is never dropped."""
    cell = rnn.LayerNormBasicLSTMCell(60, layer_norm=False, dropout_keep_prob=0.5)
    x, zero = nf.ones([1, 3]), cell.zero_state(1, nf.float32)
    _, (c, _) = cell(x, zero)
    assert 10 < (c.numpy() == 0).sum() < 50
    _, (c, _) = cell(x, rnn.LSTMStateTuple(nf.ones([1, 60]), zero.h))
    assert (c.numpy() > 0.2).all()


def test_stacked_layers_see_both_directions() -> None:
    """Layer by layer, dynamic and static; time-major; the states of each layer."""
    cells = [rnn.GRUCell(UNITS) for _ in range(4)]
    x, lengths = nf.constant(drawn(BATCH, 6, DEPTH).astype(np.float32)), [6, 3, 0]
    y, fw, bw = rnn.stack_bidirectional_dynamic_rnn(
        cells[:2], cells[2:], x, dtype=nf.float32, sequence_length=lengths
    )
    below, _ = nn.bidirectional_dynamic_rnn(cells[0], cells[2], x, lengths, dtype=nf.float32)
    want, states = nn.bidirectional_dynamic_rnn(
        cells[1], cells[3], nf.concat(below, 2), lengths, dtype=nf.float32
    )
    np.testing.assert_allclose(y.numpy(), nf.concat(want, 2).numpy(), 1e-6, 1e-6)
    np.testing.assert_allclose(fw[1].numpy(), states[0].numpy(), 1e-6, 1e-6)
    assert len(fw) == len(bw) == 2
    steps, _, last = rnn.stack_bidirectional_rnn(
        cells[:2], cells[2:], nf.unstack(x, axis=1), dtype=nf.float32, sequence_length=lengths
    )
    np.testing.assert_allclose(nf.stack(steps, 1).numpy(), y.numpy(), 1e-6, 1e-6)
    np.testing.assert_allclose(last[1].numpy(), bw[1].numpy(), 1e-6, 1e-6)
    turned, _, _ = rnn.stack_bidirectional_dynamic_rnn(
        cells[:2], cells[2:], nf.transpose(x, [1, 0, 2]), list(fw), list(bw), time_major=True
    )
    assert turned.shape == (6, BATCH, 2 * UNITS)


def test_wrappers_project_and_look_up() -> None:
    """Their weights come with the cell's, and gradients reach them."""
    cell = rnn.EmbeddingWrapper(rnn.InputProjectionWrapper(rnn.GRUCell(UNITS), 2), 7, 3)
    with nf.GradientTape() as tape:
        y, _ = cell(nf.constant([[1], [6], [1]]), cell.zero_state(3, nf.float32))
        total = nf.reduce_sum(y)
    shapes = [w.shape.as_list() for w in cell.trainable_variables]
    assert sorted(shapes) == sorted([[7, 3], [6, 8], [8], [6, 4], [4], [3, 2], [2]])
    assert all(g is not None for g in tape.gradient(total, cell.trainable_variables))
    assert cell.output_size == UNITS and (y[0] == y[2]).numpy().all()


GRU = rnn.GRUCell


@pytest.mark.parametrize(
    ("call", "kind", "problem"),
    [
        (lambda: rnn.UGRNNCell(0), ValueError, "UGRNNCell: num_units must be at least 1"),
        (lambda: rnn.NASCell(3, num_proj=0), ValueError, "NASCell: num_proj must be at least 1"),
        (
            lambda: rnn.LayerNormBasicLSTMCell(3, dropout_keep_prob=0.0),
            ValueError,
            "dropout_keep_prob is in (0, 1]",
        ),
        (
            lambda: rnn.UGRNNCell(3)(nf.ones([2, 3]), nf.ones([2, 4])),
            nf.errors.InvalidArgumentError,
            "UGRNNCell: state is not [batch, size]",
        ),
        (
            lambda: rnn.NASCell(3)(nf.ones([2, 3]), nf.ones([2, 3])),
            ValueError,
            "NASCell: the state has 1 parts, and the cell's has 2",
        ),
        (
            lambda: rnn.BasicLSTMCell(3)(nf.ones([2, 3]), (nf.ones([2, 3]), nf.ones([1, 3]))),
            ValueError,
            "BasicLSTMCell: state[1] is not [batch, size]",
        ),
        (
            lambda: GRU(3)(nf.ones([2, 5, 3]), nf.ones([2, 3])),
            ValueError,
            "GRUCell: inputs are [batch, depth]",
        ),
        (
            lambda: nn.dynamic_rnn(GRU(3), nf.ones([2, 5, 3]), initial_state=nf.ones([2, 4])),
            ValueError,
            "GRUCell: state is not [batch, size]",
        ),
        (lambda: rnn.OutputProjectionWrapper(3, 2), TypeError, "cell is no recurrent cell: 3"),
        (lambda: rnn.OutputProjectionWrapper(GRU(3), 0), ValueError, "output_size"),
        (lambda: rnn.EmbeddingWrapper(GRU(3), 0, 3), ValueError, "embedding_classes"),
        (
            lambda: rnn.EmbeddingWrapper(GRU(3), 4, 3)([4], nf.zeros([1, 3])),
            nf.errors.InvalidArgumentError,
            "is outside [0, 4)",
        ),
        (
            lambda: rnn.LSTMBlockFusedCell(3)(nf.ones([5, 2, 3])),
            ValueError,
            "LSTMBlockFusedCell: either initial_state or dtype",
        ),
        (
            lambda: rnn.LSTMBlockFusedCell(3)(nf.ones([2, 3]), dtype=nf.float32),
            ValueError,
            "inputs are [steps, batch, depth]",
        ),
        (
            lambda: rnn.LSTMBlockFusedCell(3)(
                nf.ones([5, 2, 3]), dtype=nf.float32, sequence_length=[6, 1]
            ),
            nf.errors.InvalidArgumentError,
            "length 6 is outside [0, 6)",
        ),
        (
            lambda: rnn.stack_bidirectional_dynamic_rnn([], [], nf.ones([2, 5, 3])),
            ValueError,
            "cells_fw is a list of cells",
        ),
        (
            lambda: rnn.stack_bidirectional_dynamic_rnn(
                [GRU(3)], [GRU(3), GRU(3)], nf.ones([2, 5, 3])
            ),
            ValueError,
            "not as many cells forward as backward",
        ),
        (
            lambda: rnn.stack_bidirectional_dynamic_rnn(
                [GRU(3)], [GRU(3)], nf.ones([2, 5, 3]), nf.ones([2, 3])
            ),
            ValueError,
            "initial_states_fw is a list of states",
        ),
        (lambda: contrib.nothing, AttributeError, "has no attribute 'nothing'"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_refused(call: Any, kind: Any, problem: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert problem in str(caught.value).partition("\n  at ")[0]
