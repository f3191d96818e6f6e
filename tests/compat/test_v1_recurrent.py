"""TensorFlow 1's cells: whole sequences in a kernel against the cell step by step; wrappers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.compat.v1 import nn

Array = np.ndarray[Any, Any]
BATCH, STEPS, DEPTH, UNITS = 3, 5, 4, 4
cells = nn.rnn_cell

MAKERS: dict[str, Any] = {
    "basic_rnn": lambda: cells.BasicRNNCell(UNITS),
    "relu_rnn": lambda: cells.BasicRNNCell(UNITS, activation="relu"),
    "basic_lstm": lambda: cells.BasicLSTMCell(UNITS),
    "one_tensor": lambda: cells.BasicLSTMCell(UNITS, forget_bias=0.5, state_is_tuple=False),
    "relu_lstm": lambda: cells.BasicLSTMCell(UNITS, activation="relu"),
    "lstm": lambda: cells.LSTMCell(UNITS),
    "peepholes": lambda: cells.LSTMCell(UNITS, use_peepholes=True, cell_clip=0.6),
    "projection": lambda: cells.LSTMCell(UNITS, num_proj=3, proj_clip=0.3),
    "gru": lambda: cells.GRUCell(UNITS),
    "stack": lambda: cells.MultiRNNCell([cells.BasicLSTMCell(UNITS), cells.GRUCell(UNITS)]),
    "residual": lambda: cells.ResidualWrapper(cells.GRUCell(DEPTH)),
    "device": lambda: cells.DeviceWrapper(cells.GRUCell(UNITS), "/cpu:0"),
    "keras": lambda: nf.keras.layers.LSTMCell(UNITS),
}


def drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def randomized(cell: Any, state: Any) -> Any:
    cell(drawn(BATCH, DEPTH), state)
    shapes = [w.shape.as_list() for w in cell.weights]
    cell.set_weights([drawn(*s, seed=k) for k, s in enumerate(shapes)])
    return cell


def start(cell: Any) -> Any:
    if hasattr(cell, "zero_state"):
        return cell.zero_state(BATCH, nf.float32)
    return cell.get_initial_state(batch_size=BATCH)


def by_hand(cell: Any, x: Array, lengths: Any, reverse: bool) -> tuple[Array, list[Array]]:
    """Each sequence alone, as long as it is."""
    outputs, states = [], []
    for row in range(BATCH):
        n = STEPS if lengths is None else lengths[row]
        state = nf.nest.map_structure(lambda s, row=row: s[row : row + 1], start(cell))
        rows = {}
        for t in reversed(range(n)) if reverse else range(n):
            rows[t], state = cell(x[row : row + 1, t], state)
        blank = np.zeros((1, UNITS if not isinstance(cell.output_size, int) else cell.output_size))
        outputs.append(np.concatenate([np.asarray(rows.get(t, blank)) for t in range(STEPS)]))
        states.append([np.asarray(s) for s in nf.nest.flatten(state)])
    return np.stack(outputs), [np.concatenate(s) for s in zip(*states, strict=True)]


@pytest.mark.parametrize("lengths", [None, [5, 0, 3]], ids=str)
@pytest.mark.parametrize("name", MAKERS)
def test_dynamic_rnn_is_the_cell_step_by_step(name: str, lengths: Any) -> None:
    """Both orders of axes, both directions, eagerly and compiled; static_rnn too."""
    cell = randomized(MAKERS[name](), start(MAKERS[name]()))
    x = drawn(BATCH, STEPS, DEPTH, seed=7)
    want, states = by_hand(cell, x, lengths, False)

    def run(x: Any) -> Any:
        return nn.dynamic_rnn(cell, x, lengths, dtype=nf.float32)

    turned = nn.dynamic_rnn(
        cell, x.swapaxes(0, 1).copy(), lengths, initial_state=start(cell), time_major=True
    )
    static = nn.static_rnn(cell, list(x.swapaxes(0, 1)), dtype=nf.float32, sequence_length=lengths)
    found = [
        run(nf.constant(x)),
        nf.function(run)(nf.constant(x)),
        (nf.transpose(turned[0], [1, 0, 2]), turned[1]),
        (nf.stack(static[0], 1), static[1]),
    ]
    for y, state in found:
        np.testing.assert_allclose(np.asarray(y), want, 1e-5, 1e-5)
        for got, s in zip(nf.nest.flatten(state), states, strict=True):
            np.testing.assert_allclose(np.asarray(got), s, 1e-5, 1e-5)


@pytest.mark.parametrize("name", ["basic_lstm", "relu_lstm", "gru"])
def test_bidirectional_begins_at_each_end(name: str) -> None:
    first, second = (randomized(MAKERS[name](), start(MAKERS[name]())) for _ in range(2))
    x, lengths = drawn(BATCH, STEPS, DEPTH, seed=7), [5, 0, 3]
    both, _ = nn.bidirectional_dynamic_rnn(first, second, x, lengths, dtype=nf.float32)
    for y, cell, reverse in zip(both, (first, second), (False, True), strict=True):
        np.testing.assert_allclose(y.numpy(), by_hand(cell, x, lengths, reverse)[0], 1e-5, 1e-5)
    static, _, _ = nn.static_bidirectional_rnn(
        first, second, list(x.swapaxes(0, 1)), dtype=nf.float32, sequence_length=lengths
    )
    np.testing.assert_allclose(
        np.stack([np.asarray(y) for y in static], 1), nf.concat(both, 2).numpy(), 1e-6, 1e-6
    )


def test_dropout_of_inputs_outputs_and_states() -> None:
    """What stays is divided by its share; other elements are dropped at every step."""
    x = nf.ones([2, 50, 8])
    plain = cells.BasicRNNCell(8)
    want, _ = nn.dynamic_rnn(plain, x, dtype=nf.float32)
    wrapped = cells.DropoutWrapper(plain, output_keep_prob=0.5)
    y = nn.dynamic_rnn(wrapped, x, dtype=nf.float32)[0].numpy()
    kept = y != 0
    np.testing.assert_allclose(y[kept], 2 * want.numpy()[kept], 1e-5)
    assert 0.3 < kept.mean() < 0.7 and len({row.tobytes() for row in kept[0]}) > 10
    whole = cells.DropoutWrapper(plain, 0.9, 0.9, 0.9)
    step, state = whole(nf.ones([2, 8]), whole.zero_state(2, nf.float32))
    assert step.shape == state.shape == (2, 8)


def test_variational_dropout_is_the_same_at_every_step() -> None:
    cell = cells.DropoutWrapper(
        cells.BasicRNNCell(8), output_keep_prob=0.5, variational_recurrent=True, dtype=nf.float32
    )
    y = nn.dynamic_rnn(cell, nf.ones([2, 50, 8]), dtype=nf.float32)[0].numpy()
    assert len({row.tobytes() for row in (y != 0).reshape(-1, 8)}) == 1


def test_the_memory_of_an_lstm_is_not_dropped() -> None:
    """TensorFlow's default filter."""
    cell = cells.DropoutWrapper(cells.BasicLSTMCell(50), state_keep_prob=0.5)
    _, (c, h) = cell(nf.ones([1, 3]), cell.zero_state(1, nf.float32))
    assert (c.numpy() != 0).all() and 5 < (h.numpy() == 0).sum() < 45


def test_a_cell_of_the_users() -> None:
    """Only what the protocol asks for, and a state of its own form."""

    class Count:
        state_size: Any = (3, 1)
        output_size = 3

        def __call__(self, x: Any, state: Any, scope: Any = None) -> Any:
            total, n = state
            return total + x, (total + x, n + 1.0)

    x = drawn(2, 40, 3)
    start = (nf.zeros([2, 3]), nf.zeros([2, 1]))
    run = nf.function(lambda x: nn.dynamic_rnn(Count(), x, [40, 7], initial_state=start))
    y, (total, n) = run(nf.constant(x))
    np.testing.assert_allclose(y.numpy()[0], x[0].cumsum(0), 1e-4, 1e-5)
    assert not y.numpy()[1, 7:].any() and n.numpy().ravel().tolist() == [40.0, 7.0]
    np.testing.assert_allclose(total.numpy()[1], x[1, :7].sum(0), 1e-4, 1e-5)


@pytest.mark.parametrize(
    ("call", "kind", "problem"),
    [
        (lambda: nn.dynamic_rnn(cells.GRUCell(2), nf.ones([1, 2, 3])), ValueError, "give a dtype"),
        (lambda: nn.dynamic_rnn(3, nf.ones([1, 2, 3])), TypeError, "an RNN cell is wanted"),
        (lambda: nn.static_rnn(cells.GRUCell(2), []), ValueError, "must not be empty"),
        (lambda: cells.MultiRNNCell([]), ValueError, "at least one cell"),
        (lambda: cells.MultiRNNCell([cells.GRUCell(2)] * 2)(1, 2), ValueError, "given twice"),
        (lambda: cells.DropoutWrapper(cells.GRUCell(2), 1.5), ValueError, "between 0 and 1"),
        (lambda: cells.DropoutWrapper(2), TypeError, "an RNN cell is wanted"),
        (
            lambda: nn.dynamic_rnn(cells.GRUCell(2), nf.ones([1, 2, 3]), [3], dtype=nf.float32),
            nf.errors.InvalidArgumentError,
            "length 3 is outside",
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_refused(call: Any, kind: Any, problem: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert problem in str(caught.value).partition("\n  at ")[0]


def test_raw_rnn_makes_its_inputs_on_the_way() -> None:
    """Reading a sequence by hand is dynamic_rnn; eagerly and compiled, and its gradient."""
    cell = cells.LSTMCell(UNITS)
    x = nf.constant(drawn(STEPS, BATCH, DEPTH))
    lengths = nf.constant([5, 2, 0])
    want, last = nn.dynamic_rnn(cell, x, lengths, time_major=True, dtype=nf.float32)

    def run(x: Any) -> Any:
        def loop(time: Any, output: Any, state: Any, count: Any) -> Any:
            if output is None:
                state, count = cell.zero_state(BATCH, nf.float32), nf.constant(0)
            else:
                count = count + 1
            now = nf.gather(x, nf.minimum(time, STEPS - 1))
            return nf.greater_equal(time, lengths), now, state, output, count

        outputs, state, count = nn.raw_rnn(cell, loop)
        return outputs.stack(), state, count

    for f in (run, nf.function(run)):
        y, state, count = f(x)
        np.testing.assert_allclose(y.numpy(), want.numpy(), 1e-5, 1e-6)
        np.testing.assert_allclose(state.c.numpy(), last.c.numpy(), 1e-5, 1e-6)
        assert int(count) == STEPS
    with nf.GradientTape() as tape:
        tape.watch(x)
        total = nf.reduce_sum(nf.function(run)(x)[0] ** 2)
    found = tape.gradient(total, x)
    with nf.GradientTape() as tape:
        tape.watch(x)
        y, _ = nn.dynamic_rnn(cell, x, lengths, time_major=True, dtype=nf.float32)
        total = nf.reduce_sum(y**2)
    np.testing.assert_allclose(found.numpy(), tape.gradient(total, x).numpy(), 1e-4, 1e-5)


class Saver:
    """Variables by name."""

    def __init__(self, *names: str) -> None:
        self.kept = {name: nf.Variable(drawn(BATCH, UNITS, seed=3)) for name in names}

    def state(self, name: str) -> Any:
        return self.kept[name].read_value()

    def save_state(self, name: str, value: Any) -> None:
        self.kept[name].assign(value)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_state_that_is_saved_goes_on(compiled: bool) -> None:
    """Two halves of a sequence are the whole; parts of a state have a name each."""
    x = drawn(STEPS, BATCH, DEPTH, seed=7)
    for kind, names in ((cells.GRUCell, "h"), (cells.BasicLSTMCell, ("c", "h"))):
        cell, saver = kind(UNITS), Saver(*names)
        first = nf.nest.map_structure(saver.state, names)
        initial = cells.LSTMStateTuple(*first) if len(names) > 1 else first
        want, last = nn.static_rnn(cell, list(x), initial)

        def run(rows: Any, cell: Any = cell, saver: Any = saver, names: Any = names) -> Any:
            return nn.static_state_saving_rnn(cell, nf.unstack(rows), saver, names)

        call = nf.function(run) if compiled else run
        outputs = [*call(nf.constant(x[:3]))[0], *call(nf.constant(x[3:]))[0]]
        np.testing.assert_allclose(nf.stack(outputs), nf.stack(want), 1e-5, 1e-6)
        for name, part in zip(names, nf.nest.flatten(last), strict=True):
            np.testing.assert_allclose(saver.kept[name].numpy(), part.numpy(), 1e-5, 1e-6)


@pytest.mark.parametrize("names", ["h", ("c",), ("c", "h", "x")], ids=str)
def test_states_are_saved_by_as_many_names(names: Any) -> None:
    with pytest.raises(ValueError, match="static_state_saving_rnn: state_name has not a name for"):
        nn.static_state_saving_rnn(cells.BasicLSTMCell(4), [nf.ones([2, 3])], Saver(), names)
    with pytest.raises(TypeError, match="state_saver has no method state"):
        nn.static_state_saving_rnn(cells.GRUCell(4), [nf.ones([2, 3])], 3, "h")


@pytest.mark.parametrize("fixed", [None, "float64"])
@pytest.mark.parametrize(
    "wrap",
    [
        cells.ResidualWrapper,
        lambda c: cells.DropoutWrapper(c, output_keep_prob=1.0),
        lambda c: cells.DeviceWrapper(c, "/cpu:0"),
        lambda c: cells.ResidualWrapper(cells.DeviceWrapper(c, "/cpu:0")),
    ],
)
def test_a_wrapper_leaves_dtypes_to_the_cell(wrap: Any, fixed: str | None) -> None:
    """Called step by step, too; by a tensor and by an array."""
    x = np.ones([BATCH, DEPTH])
    for given in (x, nf.constant(x)):
        for make in (cells.GRUCell, cells.LSTMCell):
            cell = wrap(make(DEPTH, dtype=fixed))
            y, _ = cell(given, cell.zero_state(BATCH, nf.float64))
            assert y.dtype == nf.float64
            assert {w.dtype for w in cell.weights} == {nf.float64}
