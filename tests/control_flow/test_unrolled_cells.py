"""Recurrent cells that Python writes out step by step become the op of a whole sequence
(control/cell_steps.py): values and gradients against the steps as they are; near misses stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.control.cell_values import Values
from numflow.errors import GraphError
from numflow.passes import pipeline, unrolled_cells
from numflow.passes.cse import cse
from numflow.passes.dead_code import dead_code
from numflow.passes.unrolled_cells import LEAST

FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
STEPS, BATCH, DEPTH, UNITS = 7, 3, 5, 4
RNG = np.random.default_rng(12)
Step = Callable[..., tuple[Any, Any]]


def _f64(*shape: int) -> Any:
    return nf.constant(RNG.normal(size=shape) * 0.6)


X, W, U, B = _f64(BATCH, STEPS, DEPTH), _f64(DEPTH, 4 * UNITS), _f64(UNITS, 4 * UNITS), _f64(16)
ARGS = (X, W, U, B)
W4, U4 = W[:, :4], U[:, :4]


def _zero(dtype: nf.DType = nf.float64) -> Any:
    return nf.zeros([BATCH, UNITS], dtype)


def _ops(f: Any, *args: Any) -> list[str]:
    """The ops that run, before they are made of others: the gradients of a traced tape too."""
    graph = nf.function(f).get_concrete_function(*args).graph
    found: list[list[str]] = []
    pipeline.run_passes(graph, lambda _, g: found.append(_live(g)))
    return found[1]


def _live(graph: Any) -> list[str]:
    return [n.op.name for n in cse(dead_code(graph)).nodes]


@contextmanager
def _as_written() -> Iterator[None]:
    with patch.object(unrolled_cells, "cell_finders", []):
        yield


def _total(ys: Any) -> Any:
    flat = nf.nest.flatten(ys)
    return sum(nf.reduce_sum(y * y * (k + 1.0)) for k, y in enumerate(flat))


def _slopes(f: Any) -> Any:
    def slopes(*args: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(args)
            total = _total(f(*args))
        return tape.gradient(total, args, unconnected_gradients="zero")

    return slopes


def _by_gradients(f: Any) -> Any:
    return lambda *args: nf.gradients(_total(f(*args)), list(args), unconnected_gradients="zero")


def _same(f: Any, *args: Any, tolerance: float = 1e-9, ways: int = 4) -> None:
    """Values and gradients with and without the op: of a tape inside, of one around, of
    nf.gradients."""
    runs = [
        (nf.function(f), f),
        (nf.function(_slopes(f)), _slopes(f)),
        (_slopes(nf.function(f)), _slopes(f)),
        (nf.function(_by_gradients(f)), _slopes(f)),
    ]
    for g, plain in runs[:ways]:
        have = nf.nest.flatten(g(*args))
        want = nf.nest.flatten(plain(*args))
        assert len(have) == len(want)
        for a, b in zip(have, want, strict=True):
            assert a.dtype == b.dtype and a.shape == b.shape
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=tolerance, atol=tolerance / 10)


def _becomes(op: str, f: Any, *args: Any) -> None:
    """f has the op once, and its gradient has it once, too."""
    ops = _ops(f, *args)
    assert ops.count(op) == 1 and "sigmoid" not in ops, ops
    ops = _ops(_slopes(f), *args)
    gradient = op.replace("_steps", "_gradients")
    assert ops.count(op) == 1 and ops.count(gradient) == 1, ops
    _same(f, *args)


def _stays(f: Any, *args: Any) -> None:
    assert not any(op.endswith("_steps") for op in _ops(f, *args))
    _same(f, *args, ways=2)


# --- cells, however they are written -----------------------------------------


def _parts(t: Any) -> list[Any]:
    return [t[..., k * UNITS : (k + 1) * UNITS] for k in range(4)]


def _sums(way: str, x: Any, h: Any, w: Any, u: Any, b: Any) -> list[Any]:
    """What four gates are made of, before their activations."""
    if way == "concat":
        return nf.split(nf.matmul(nf.concat([x, h], 1), nf.concat([w, u], 0)) + b, 4, 1)
    if way == "two products":
        return nf.split(x @ w + h @ u + b, 4, axis=-1)
    if way == "split first":
        return [
            p + q for p, q in zip(nf.split(x @ w + b, 4, 1), nf.split(h @ u, 4, 1), strict=True)
        ]
    if way == "transposed":
        z = nf.matmul(x, nf.transpose(w), transpose_b=True) + nf.matmul(h, u) + b[None]
        return [z[:, k * UNITS : (k + 1) * UNITS] for k in range(4)]
    ws, us, bs = _parts(w), _parts(u), _parts(b)
    return [x @ ws[k] + (h @ us[k] + bs[k]) + 0.25 for k in (2, 0, 3, 1)]


def _lstm(way: str, order: Any, forget: float, w: Any, u: Any, b: Any) -> Step:
    def step(x: Any, h: Any, c: Any) -> tuple[Any, Any]:
        i, f, g, o = (_sums(way, x, h, w, u, b)[k] for k in order)
        c = nf.tanh(g) * nf.sigmoid(i) + c * nf.sigmoid(f + forget)
        return nf.tanh(c) * nf.sigmoid(o), c

    return step


def _rows(way: str, x: Any) -> list[Any]:
    """The inputs of all steps, of x [batch, steps, depth]."""
    if way == "parts":
        return [x[:, t] for t in range(STEPS)]
    if way == "unstacked":
        return nf.unstack(x, axis=1)
    if way == "split":
        return [nf.squeeze(p, 1) for p in nf.split(x, STEPS, 1)]
    if way == "gathered":
        return [nf.gather(x, t, axis=1) for t in range(STEPS)]
    major = nf.transpose(x, [1, 0, 2])
    return list(major) if way == "time major" else [major[t] for t in range(STEPS)]


ROWS = ["parts", "unstacked", "split", "gathered", "time major", "time major parts"]


def _outputs(way: str, ys: list[Any], c: Any) -> Any:
    if way == "stacked":
        return nf.stack(ys, 1)
    if way == "stacked in front":
        return nf.stack(ys), c
    if way == "backwards":
        return nf.stack(ys[::-1], 1), ys[-1]
    if way == "joined":
        return nf.concat(ys, 1), nf.concat(ys, 0)
    if way == "last":
        return ys[-1], c
    if way == "some":
        return ys[1], nf.concat([ys[2], ys[-1]], 1)
    return ys


OUTPUTS = ["stacked", "stacked in front", "backwards", "joined", "last", "some", "each"]


@FEW
@given(
    st.sampled_from(["concat", "two products", "split first", "transposed", "apart"]),
    st.sampled_from(ROWS),
    st.sampled_from(OUTPUTS),
    st.permutations(range(4)),
    st.booleans(),
)
def test_an_lstm_however_it_is_written(
    way: str, rows: str, outputs: str, order: Any, reverse: bool
) -> None:
    """Inputs, gates and outputs in many forms, in both directions."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        step = _lstm(way, order, 1.0, w, u, b)
        h = c = _zero()
        ys = []
        for row in _rows(rows, x)[:: -1 if reverse else 1]:
            h, c = step(row, h, c)
            ys.append(h)
        return _outputs(outputs, ys, c)

    _becomes("lstm_steps", f, *ARGS)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("reset", ["behind", "behind, biased", "before", "one product"])
def test_a_gru_of_both_conventions(reset: str, turned: bool) -> None:
    """z may be what stays or what is new; r before or behind the product."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h, ys = _zero() + 0.5, []
        for t in range(STEPS):
            h = _gru(reset, turned, x[:, t], h, w, u, b)
            ys.append(h)
        return nf.stack(ys, 1), h

    _becomes("gru_steps", f, *ARGS)


def _gru(reset: str, turned: bool, row: Any, h: Any, w: Any, u: Any, b: Any) -> Any:
    wz, wr, wn, _ = _parts(w)
    uz, ur, un, _ = _parts(u)
    bz, br, bn, more = _parts(b)
    if reset == "one product":
        both = nf.sigmoid(nf.concat([row, h], 1) @ nf.concat([w, u], 0)[:, :8] + b[:8])
        r, z = nf.split(both, 2, 1)
        new = nf.tanh(nf.concat([row, r * h], 1) @ nf.concat([wn, un], 0) + bn)
    else:
        z, r = nf.sigmoid(row @ wz + h @ uz + bz), nf.sigmoid(row @ wr + h @ ur + br)
        inner = (r * h) @ un if reset == "before" else r * (h @ un)
        inner = r * (h @ un + more) if reset == "behind, biased" else inner
        new = nf.tanh(inner + row @ wn + bn if turned else row @ wn + bn + inner)
    return (1.0 - z) * h + z * new if turned else z * h + (1.0 - z) * new


@pytest.mark.parametrize("activation", [nf.tanh, nf.nn.relu])
@pytest.mark.parametrize("dtype", [nf.float32, nf.float64])
def test_a_simple_cell(activation: Any, dtype: nf.DType) -> None:
    """Of both dtypes; inputs that are there as products already, and a context."""
    args = [nf.cast(t, dtype) for t in ARGS]

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        made, context = nf.tensordot(x, w, 1), x[:, 0] @ w[:, 4:8]
        h, ys = nf.tanh(x[:, 1] @ w[:, :4]), []
        for t in range(STEPS):
            h = activation(x[:, t] @ w[:, :4] + made[:, t][:, 8:12] + h @ u[:, :4] + context + b[1])
            ys.append(h)
        return nf.stack(ys, 1)

    assert _ops(f, *args).count("simple_steps") == 1
    assert _ops(_slopes(f), *args).count("simple_gradients") == 1
    _same(f, *args, tolerance=1e-4 if dtype is nf.float32 else 1e-9)


def test_cells_of_libraries_called_step_by_step() -> None:
    """Those of Keras and of TensorFlow 1."""
    layers, cells = nf.keras.layers, nf.compat.v1.nn.rnn_cell
    x = nf.cast(X, nf.float32)
    zero = _zero(nf.float32)
    for cell, wide in [
        (layers.SimpleRNNCell(UNITS), False),
        (layers.GRUCell(UNITS), False),
        (layers.GRUCell(UNITS, reset_after=False), False),
        (layers.LSTMCell(UNITS), True),
        (cells.BasicRNNCell(UNITS), False),
        (cells.GRUCell(UNITS), False),
        (cells.BasicLSTMCell(UNITS), True),
        (cells.LSTMCell(UNITS), True),
    ]:
        cell.build((BATCH, DEPTH))

        def f(x: Any, cell: Any = cell, wide: bool = wide) -> Any:
            state = (zero, zero) if wide else zero
            ys = []
            for t in range(STEPS):
                y, new = cell(x[:, t], state)
                state = tuple(new) if wide else new
                ys.append(y)
            return nf.stack(ys, 1)

        def train(x: Any, cell: Any = cell, f: Any = f) -> Any:
            with nf.GradientTape() as tape:
                total = nf.reduce_sum(f(x) ** 2)
            return tape.gradient(total, cell.trainable_variables)

        for g in (f, train):
            ops = _ops(g, x)
            assert sum(op.endswith("_steps") for op in ops) == 1 and "sigmoid" not in ops, cell
            for a, b in zip(nf.nest.flatten(nf.function(g)(x)), nf.nest.flatten(g(x)), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_cells_on_top_of_each_other_and_in_both_directions() -> None:
    """Each layer reads rows of the one below, or of two."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        def layer(rows: list[Any], w: Any, reverse: bool = False) -> list[Any]:
            h, ys = _zero(), []
            for row in rows[::-1] if reverse else rows:
                h = nf.tanh(row @ w + h @ u[:, :4] + b[:4])
                ys.append(h)
            return ys[::-1] if reverse else ys

        rows = nf.unstack(x, axis=1)
        there, back = layer(rows, w[:, :4]), layer(rows, w[:, 4:8], True)
        both = [nf.concat([p, q], 1) for p, q in zip(there, back, strict=True)]
        top = layer(both, nf.concat([u[:, :4], u[:, 4:8]], 0))
        return nf.stack(top, 1), nf.stack(back)

    ops = _ops(f, *ARGS)
    assert ops.count("simple_steps") == 3 and "tanh" not in ops
    ops = _ops(_slopes(f), *ARGS)
    assert ops.count("simple_steps") == 3 and ops.count("simple_gradients") == 3
    _same(f, *ARGS)


def test_layers_step_by_step() -> None:
    """All layers of a step before the next step."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        below = _lstm("two products", (0, 1, 2, 3), 0.0, w, u, b)
        above = _lstm("two products", (0, 1, 2, 3), 0.0, u * 2.0, u, b)
        h = c = k = d = _zero()
        ys = []
        for t in range(STEPS):
            h, c = below(x[:, t], h, c)
            k, d = above(h, k, d)
            ys.append(k)
        return nf.stack(ys, 1), h

    for g in (f, _slopes(f)):
        assert _ops(g, *ARGS).count("lstm_steps") == 2
    assert _ops(_slopes(f), *ARGS).count("lstm_gradients") == 2
    _same(f, *ARGS)


def test_part_of_the_steps() -> None:
    """Rows from the middle, and a first step of its own."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h = None
        for t in range(1, STEPS - 1):
            z = x[:, t] @ w[:, :4] + b[:4]
            h = nf.tanh(z if h is None else z + h @ u[:, :4])
        return h

    assert "simple_steps" in _ops(f, *ARGS)
    _same(f, *ARGS)


INPUTS: dict[str, Callable[..., Any]] = {
    "stopped": lambda t, x, w: nf.stop_gradient(x[:, t]),
    "masked": lambda t, x, w: nf.where(x[:, t] > 0, x[:, t], 0),
    "made of others": lambda t, x, w: nf.nn.relu(x[:, t] @ w[:, :5]) + x[:, (t * 3) % STEPS],
    "looked up": lambda t, x, w: nf.gather(x[:, 0], [t % 2, t % 3, 2]),
    "in disorder": lambda t, x, w: x[:, (0, 2, 1, 3, 5, 4, 6)[t]],
}


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_that_are_no_rows_are_put_side_by_side(name: str) -> None:
    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h, ys = _zero(), []
        for t in range(STEPS):
            h = nf.tanh(INPUTS[name](t, x, w) @ w[:, :4] + h @ u[:, :4] + b[:4])
            ys.append(h)
        return nf.stack(ys, 1)

    assert _ops(f, *ARGS).count("simple_steps") == (name != "in disorder")
    _same(f, *ARGS)


def test_inputs_that_are_arguments() -> None:
    """A list of tensors, and gradients for each."""

    def f(u: Any, w: Any, *xs: Any) -> Any:
        h = _zero()
        for x in xs:
            h = nf.tanh(x @ w + h @ u)
        return h

    args = (U4, W4, *nf.unstack(X, axis=1))
    assert "simple_steps" in _ops(f, *args)
    assert _ops(_slopes(f), *args).count("simple_gradients") == 1
    _same(f, *args)


def test_layers_with_something_between() -> None:
    """Residuals, and a layer of a step that is computed before the next one's input is known."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        below = _lstm("two products", (0, 1, 2, 3), 0.0, w, u, b)
        above = _lstm("concat", (0, 1, 2, 3), 0.0, w[:4] * 2.0, u, b)
        h = c = k = d = _zero()
        ys = []
        for t in range(STEPS):
            h, c = below(x[:, t], h, c)
            k, d = above(h + x[:, t, :4], k, d)
            ys.append(k + h)
        return nf.stack(ys, 1), h

    for g in (f, _slopes(f)):
        assert _ops(g, *ARGS).count("lstm_steps") == 2
    assert _ops(_slopes(f), *ARGS).count("lstm_gradients") == 2
    _same(f, *ARGS)


def test_effects_between_the_steps_keep_their_order() -> None:
    """An input that reads a variable behind a write is not computed before it."""
    v = nf.Variable(X[:, 0])

    @nf.function
    def f(w: Any, u: Any) -> Any:
        h = _zero()
        for _ in range(STEPS):
            h = nf.tanh((v * 1.0) @ w + h @ u)
            v.assign(v * 0.5)
        return h

    h, x = _zero(), X[:, 0]
    for _ in range(STEPS):
        h, x = nf.tanh(x @ W4 + h @ U4), x * 0.5
    np.testing.assert_allclose(f(W4, U4), h, rtol=1e-9)
    np.testing.assert_allclose(v, x, rtol=1e-9)


@pytest.mark.parametrize("peepholes", [True, False])
@pytest.mark.parametrize("projection", [None, 3])
@pytest.mark.parametrize("clip", [None, 0.05])
def test_lstms_with_more(peepholes: bool, projection: Any, clip: Any) -> None:
    """TensorFlow 1's LSTM: peepholes, a projection, bounds of both."""
    more = {} if projection is None else {"proj_clip": clip}
    cell = nf.compat.v1.nn.rnn_cell.LSTMCell(
        UNITS, use_peepholes=peepholes, num_proj=projection, cell_clip=clip, **more
    )
    cell.build((BATCH, DEPTH))
    for v in cell.trainable_variables:
        v.assign(nf.cast(nf.constant(RNG.normal(size=v.shape)), v.dtype))

    def f(x: Any) -> Any:
        state = cell.zero_state(BATCH, nf.float32)
        ys = []
        for t in range(STEPS):
            y, state = cell(x[:, t], state)
            ys.append(y)
        return nf.stack(ys, 1), *state

    x = nf.cast(X, nf.float32)
    assert _ops(f, x).count("lstm_steps") == 1
    for g in (f, _slopes(f)):
        for a, b in zip(nf.nest.flatten(nf.function(g)(x)), nf.nest.flatten(g(x)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_few_steps_stay() -> None:
    """The op is worth it from some steps on."""
    for steps in (LEAST - 1, LEAST):

        def f(x: Any, w: Any, u: Any, b: Any, steps: int = steps) -> Any:
            h = _zero()
            for t in range(steps):
                h = nf.tanh(x[:, t] @ w[:, :4] + h @ u[:, :4])
            return h

        assert ("simple_steps" in _ops(f, *ARGS)) == (steps >= LEAST)


def test_a_batch_of_unknown_size() -> None:
    """One trace for all sizes."""
    w, u = (nf.cast(t[:, :4], nf.float32) for t in (W, U))

    def f(x: Any) -> Any:
        h, ys = nf.zeros([nf.shape(x)[0], UNITS]), []
        for t in range(STEPS):
            h = nf.tanh(x[:, t] @ w + h @ u)
            ys.append(h)
        return nf.stack(ys, 1)

    g = nf.function(f, input_signature=[nf.TensorSpec([None, STEPS, DEPTH], nf.float32)])
    graph = g.get_concrete_function().graph
    assert "simple_states" in [n.op.name for n in pipeline.run_passes(graph).nodes]
    for size in (3, 1, 8, 0):
        x = nf.cast(nf.constant(RNG.normal(size=(size, STEPS, DEPTH))), nf.float32)
        np.testing.assert_allclose(g(x), f(x), rtol=1e-4, atol=1e-6)


# --- near misses --------------------------------------------------------------


def _steps(change: Callable[..., Any]) -> Any:
    """A simple cell, of which change(t, x, w, u, b, h) gives the sum at step t."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h, ys = _zero(), []
        for t in range(STEPS):
            h = nf.tanh(change(t, x, w[:, :4], u[:, :4], b[:4], h))
            ys.append(h)
        return nf.stack(ys, 1)

    return f


NEAR = {
    "other weights at a step": lambda t, x, w, u, b, h: x[:, t] @ w + h @ (u * (2.0 + (t == 3))),
    "another constant at a step": lambda t, x, w, u, b, h: x[:, t] @ w + h @ u + (0.5 + (t == 3)),
    "a missing step": lambda t, x, w, u, b, h: x[:, t + (t > 2) - (t > 5)] @ w + h @ u,
    "out of order": lambda t, x, w, u, b, h: x[:, (0, 2, 1, 3, 5, 4, 6)[t]] @ w + h @ u,
    "every second step": lambda t, x, w, u, b, h: x[:, (0, 2, 4, 6, 4, 2, 0)[t]] @ w + h @ u,
    "the same step": lambda t, x, w, u, b, h: x[:, 2] @ w + h @ u,
    "x twice": lambda t, x, w, u, b, h: x[:, t] @ w + x[:, t] @ (w * 2.0) + h @ u,
    "the state twice": lambda t, x, w, u, b, h: x[:, t] @ w + h @ u + h @ (u * 2.0),
    "the state itself": lambda t, x, w, u, b, h: x[:, t] @ w + h @ u + h,
    "a scaled state": lambda t, x, w, u, b, h: x[:, t] @ w + (h * 0.5) @ u,
    "a changed state": lambda t, x, w, u, b, h: x[:, t] @ w + (h + b) @ u,
    "a stopped state": lambda t, x, w, u, b, h: x[:, t] @ w + nf.stop_gradient(h) @ u,
    "the state before as input": lambda t, x, w, u, b, h: (h * 1.5) @ w[:4] + x[:, t] @ w + h @ u,
    "the state in the input": lambda t, x, w, u, b, h: (x[:, t] + h[:, :1]) @ w + h @ u,
    "no input": lambda t, x, w, u, b, h: h @ u + b,
    "the last state as input": lambda t, x, w, u, b, h: (h @ u) @ u + h @ u + x[:, t] @ w * 0.0,
}


@pytest.mark.parametrize("name", NEAR)
def test_near_misses_stay_as_they_are(name: str) -> None:
    _stays(_steps(NEAR[name]), *ARGS)


def test_near_misses_of_states() -> None:
    """The state changed by something else, on the way or at one step."""

    def f(x: Any, w: Any, u: Any, b: Any, k: Any) -> Any:
        h, before, ys = _zero(), _zero(), []
        for t in range(STEPS):
            row = x[:, t]
            new = nf.tanh(row @ w[:, :4] + h @ u[:, :4])
            if k == 0:  # masked
                new = nf.where(row[:, :1] > 0, new, h)
            if k == 1 and t % 3 == 2:
                new = new * 0.5
            if k == 2:  # the one before the last
                new = nf.tanh(row @ w[:, :4] + before @ u[:, :4])
            if k == 3:
                new = nf.clip_by_value(new, -0.5, 0.5)
            if k == 4 and t % 3 == 2:
                new = nf.stop_gradient(new)
            before, h = h, new
            ys.append(h)
        return nf.stack(ys, 1)

    for k in range(5):
        _stays(partial(f, k=k), *ARGS)


def test_near_misses_of_lstms() -> None:
    """Gates that are not those of a cell."""

    def f(x: Any, w: Any, u: Any, b: Any, k: Any) -> Any:
        h, c, ys = _zero(), _zero(), []
        for t in range(STEPS):
            i, j, g, o = nf.split(x[:, t] @ w + h @ u + b, 4, 1)
            old = c
            c = nf.sigmoid(j) * c + nf.sigmoid(i) * (nf.sigmoid(g) if k == 0 else nf.tanh(g))
            if k == 1:
                c = nf.sigmoid(j) * old + (1.0 - nf.sigmoid(j)) * nf.tanh(g)
            h = nf.tanh(old if k == 2 else c) * (nf.tanh(o) if k == 3 else nf.sigmoid(o))
            h = nf.sigmoid(c) * nf.sigmoid(o) if k == 4 else h
            ys.append(h)
        return nf.stack(ys, 1)

    for k in range(5):
        _stays(partial(f, k=k), *ARGS)


def test_near_misses_of_grus() -> None:
    """Look-alikes: weights of z at the wrong place, r of the new state, no 1 - z."""

    def f(x: Any, w: Any, u: Any, b: Any, k: int) -> Any:
        wz, wr, wn, _ = _parts(w)
        uz, ur, un, _ = _parts(u)
        h, ys = _zero() + 0.5, []
        for t in range(STEPS):
            row = x[:, t]
            z, r = nf.sigmoid(row @ wz + h @ uz), nf.sigmoid(row @ wr + h @ ur)
            new = nf.tanh(row @ wn + (z if k == 0 else r) * (h @ un) + (h if k == 1 else 0.0))
            if k == 2:
                h = z * h + z * new
            elif k == 3:
                h = z * h + (1.0 - r) * new
            elif k == 4:
                h = z * h + (2.0 - z) * new
            elif k == 5:
                h = z * r + (1.0 - z) * new
            else:
                h = z * h + (1.0 - z) * new
            ys.append(h)
        return nf.stack(ys, 1)

    for k in range(1, 6):
        _stays(partial(f, k=k), *ARGS)
    _same(partial(f, k=0), *ARGS)  # one gate in both places is a GRU whose gates agree


@pytest.mark.parametrize("what", ["gate", "cell", "sum"])
def test_steps_inside_of_which_somebody_reads_stay(what: str) -> None:
    """A gate, a cell, a sum of one step is an output: the others may become one."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h = c = _zero()
        more = []
        for t in range(STEPS):
            z = x[:, t] @ w + h @ u + b
            i, j, g, o = nf.split(z, 4, 1)
            c = nf.sigmoid(j) * c + nf.sigmoid(i) * nf.tanh(g)
            h = nf.tanh(c) * nf.sigmoid(o)
            more.append({"gate": nf.sigmoid(o), "cell": c, "sum": z}[what])
        return h, more[2], more[4]

    _stays(f, *ARGS)


def test_two_ways_on_from_one_state() -> None:
    """A fork: both ways begin with a state of the first."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        w, u = w[:, :4], u[:, :4]
        h = _zero()
        for t in range(STEPS):
            h = nf.tanh(x[:, t] @ w + h @ u)
            if t == 2:
                k = h
        for t in range(3, STEPS):
            k = nf.tanh(x[:, t] * 2.0 @ w + k @ u)
        return h, k

    _same(f, *ARGS)


# --- tapes ---------------------------------------------------------------------


def _loop(x: Any, w: Any, u: Any, h: Any, first: int = 0, last: int = STEPS) -> list[Any]:
    ys = []
    for t in range(first, last):
        h = nf.tanh(x[:, t] @ w + h @ u)
        ys.append(h)
    return ys


def _check(f: Any, *args: Any) -> None:
    for a, b in zip(nf.nest.flatten(nf.function(f)(*args)), nf.nest.flatten(f(*args)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_a_tape_of_some_of_the_steps() -> None:
    """What a tape does not see is constant."""

    def f(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([w, u])
            with tape.stop_recording():
                ys = _loop(x, w, u, _zero(), 0, 2)
            ys += _loop(x, w, u, ys[-1], 2)
            total = nf.reduce_sum(nf.stack(ys) ** 2)
        return tape.gradient(total, [w, u])

    _check(f, X, W4, U4)

    def g(x: Any, w: Any, u: Any) -> Any:
        ys = _loop(x, w, u, _zero(), 0, 5)
        with nf.GradientTape() as tape:
            tape.watch([w, u])
            ys += _loop(x, w, u, ys[-1], 5)
            total = nf.reduce_sum(nf.stack(ys) ** 2)
        return tape.gradient(total, [w, u])

    _check(g, X, W4, U4)

    def before(x: Any, w: Any, u: Any) -> Any:
        rows, halves = nf.unstack(x, axis=1), u[:, :4]
        with nf.GradientTape() as tape:
            tape.watch([x, w, u])
            h = _zero()
            for t in range(STEPS):
                h = nf.tanh(rows[t] @ w + h @ (u[:, :4] if t else halves))
            total = nf.reduce_sum(h**2)
        return tape.gradient(total, [x, w, u], unconnected_gradients="zero")

    _check(before, X, W4, U)

    def behind(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape(persistent=True) as tape:
            tape.watch([w, u])
            ys = _loop(x, w, u, _zero())
            total = nf.reduce_sum(ys[-1] ** 2)
        stack = nf.stack(ys)
        nothing = tape.gradient(stack, w, unconnected_gradients="zero")
        return stack, tape.gradient(total, w), nothing

    _check(behind, X, W4, U4)


def test_gradients_of_what_is_inside() -> None:
    """Sources: states, inputs of steps, sums; and targets there."""

    def f(x: Any, w: Any, u: Any, k: Any) -> Any:
        rows = nf.unstack(x, axis=1)
        with nf.GradientTape() as tape:
            tape.watch([x, w, rows])
            h, ys, zs = _zero(), [], []
            for row in rows:
                z = row @ w + h @ u
                h = nf.tanh(z)
                ys.append(h)
                zs.append(z)
            total = nf.reduce_sum(nf.stack(ys) ** 2)
        sources = [[ys[3]], [ys[-1]], rows, [zs[2], w], [w]][k]
        return tape.gradient(zs[3] if k == 4 else total, sources)

    for k in range(5):
        _check(partial(f, k=k), X, W4, U4)


def test_equal_values_that_a_tape_has_not_seen_are_constant() -> None:
    """A copy of the weights, made before; the tape watches a bias late."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        copy, late = nf.identity(w), nf.identity(x)
        with nf.GradientTape() as tape:
            tape.watch([x, w, u])
            h = _zero()
            for t in range(STEPS):
                h = nf.tanh(late[:, t] @ copy[:, :4] + h @ u[:, :4] + b[:4])
                if t == 2:
                    tape.watch(b)
            total = nf.reduce_sum(h**2)
        return tape.gradient(total, [x, w, u, b], unconnected_gradients="zero")

    _check(f, *ARGS)


def test_second_derivatives_of_what_is_inside() -> None:
    """By a state or a sum of a step, of a gradient that was taken before."""

    def f(x: Any, w: Any, u: Any, k: Any) -> Any:
        with nf.GradientTape(persistent=True) as tape:
            tape.watch([w, u])
            h, ys, zs = _zero(), [], []
            for t in range(STEPS):
                zs.append(x[:, t] @ w + h @ u)
                h = nf.tanh(zs[-1])
                ys.append(h)
            slope = tape.gradient(nf.reduce_sum(h**2), u)
            total = nf.reduce_sum(slope**2)
        return tape.gradient(total, [(ys, zs)[k][3], w])

    for k in range(2):
        _check(partial(f, k=k), X, W4, U4)

    @nf.function
    def g(x: Any, w: Any, u: Any) -> Any:
        ys = _loop(x, w, u, _zero())
        (slope,) = nf.gradients(nf.reduce_sum(ys[-1] ** 2), [u])
        return nf.gradients(slope, [w, ys[3]])

    with pytest.raises(GraphError, match="inside of steps of a recurrent cell"):
        g(X, W4, U4)


def test_stop_gradients_of_states() -> None:
    """nf.gradients may be told to stop."""

    def f(x: Any, w: Any, u: Any) -> Any:
        ys = _loop(x, w, u, _zero())
        return nf.gradients(ys[-1], [w], stop_gradients=[ys[3]])[0]

    with _as_written():
        want = nf.function(f)(X, W4, U4)
    np.testing.assert_allclose(nf.function(f)(X, W4, U4), want, rtol=1e-9)


def test_a_tape_that_is_asked_again_and_one_that_goes_on() -> None:
    """Persistent tapes, and gradients while they record."""

    def f(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape(persistent=True) as tape:
            tape.watch([w, u])
            ys = _loop(x, w, u, _zero())
            first = nf.reduce_sum(ys[-1])
            slope = tape.gradient(first, w)
            second = nf.reduce_sum(slope * slope) + nf.reduce_sum(nf.stack(ys, 1) ** 2)
        return slope, tape.gradient(first, u), tape.gradient(second, [w, u])

    _check(f, X, W4, U4)
    assert _ops(f, X, W4, U4).count("simple_gradients") >= 1


def test_jacobians_and_forward_mode() -> None:
    def f(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(u)
            y = _loop(x, w, u, _zero())[-1][0]
        return tape.jacobian(y, u)

    _check(f, X, W4, U4)

    def g(x: Any, w: Any, u: Any) -> Any:
        with nf.autodiff.ForwardAccumulator(u, u * 2.0) as acc:
            y = nf.stack(_loop(x, w, u, _zero()))
        return acc.jvp(y)

    _check(g, X, W4, U4)


def test_second_derivatives() -> None:
    """Of a gradient through the op: a tape inside of a tape, around the function, and beside it."""

    def slope(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(w)
            total = nf.reduce_sum(nf.stack(_loop(x, w, u, _zero(), 0, 5)) ** 2)
        return tape.gradient(total, w)

    def f(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([x, w, u])
            total = nf.reduce_sum(slope(x, w, u) ** 2)
        return tape.gradient(total, [x, w, u])

    want = f(X, W4, U4)
    compiled = nf.function(slope)

    def around(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([x, w, u])
            total = nf.reduce_sum(compiled(x, w, u) ** 2)
        return tape.gradient(total, [x, w, u])

    for g in (nf.function(f), around):
        for a, b in zip(g(X, W4, U4), want, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


def test_rules_of_users_that_hold_states() -> None:
    """A custom gradient goes on with a tensor of the trace, inside of the steps or behind them."""

    def f(x: Any, w: Any, u: Any) -> Any:
        ys = _loop(x, w, u, _zero())

        @nf.custom_gradient
        def passed(y: Any) -> Any:
            return y * 1.0, lambda ct: ct * ys[2]

        return passed(ys[-1])

    _same(f, X, W4, U4)

    def g(x: Any, w: Any, u: Any) -> Any:
        h = _zero()
        for t in range(STEPS):

            @nf.custom_gradient
            def clipped(y: Any) -> Any:
                return y, lambda ct: nf.clip_by_value(ct, -0.01, 0.01)

            h = clipped(nf.tanh(x[:, t] @ w + h @ u))
        return h

    _same(g, X, W4, U4)


def test_training_in_a_loop_of_the_function() -> None:
    """The op and its gradient inside of the body of a loop, and of a branch."""
    x, target = nf.cast(X, nf.float32), nf.ones([BATCH, UNITS]) * 0.5
    start = [nf.cast(t, nf.float32) for t in (W4, U4)]

    def train(w: Any, u: Any, steps: Any) -> Any:
        losses = nf.constant(0.0)
        for _ in nf.range(steps):
            with nf.GradientTape() as tape:
                tape.watch([w, u])
                if nf.reduce_sum(w) < 100.0:
                    h = _loop(x, w, u, _zero(nf.float32))[-1]
                else:
                    h = _zero(nf.float32)
                loss = nf.reduce_mean((h - target) ** 2)
            slopes = tape.gradient(loss, [w, u])
            w, u = w - 0.3 * slopes[0], u - 0.3 * slopes[1]
            losses += loss
        return w, u, losses

    have = nf.function(train)(*start, nf.constant(5))
    with _as_written():
        want = nf.function(train)(*start, nf.constant(5))
    for a, b in zip(have, want, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6)


def test_the_gradient_of_a_loop_whose_body_has_steps() -> None:
    """A tape around a loop over batches."""

    def f(x: Any, w: Any, u: Any) -> Any:
        h = _zero()
        for k in nf.range(3):
            h = _loop(x * nf.cast(k + 1, nf.float64), w, u, h)[-1]
        return h

    _same(f, X, W4, U4)


def test_variables_that_change_between_steps() -> None:
    """Weights that are assigned are other weights."""
    v = nf.Variable(U4)

    @nf.function
    def f(x: Any) -> Any:
        h = _zero()
        for t in range(STEPS):
            h = nf.tanh(x[:, t] @ W4 + h @ v)
            if t == 3:
                v.assign(v * 2.0)
        v.assign(U4)
        return h

    h = _zero()
    for t in range(STEPS):
        h = nf.tanh(X[:, t] @ W4 + h @ (U4 * 2.0 if t > 3 else U4))
    np.testing.assert_allclose(f(X), h, rtol=1e-9)


def test_explain_says_that_steps_were_written_out() -> None:
    def f(x: Any, w: Any, u: Any) -> Any:
        return nf.stack(_loop(x, w, u, _zero()), 1)

    report = str(nf.function(f).explain(X, W4, U4)).replace("\n", " ")
    assert "steps of a cell" in " ".join(report.split())


def test_graphs_without_cells_are_not_searched() -> None:
    """A deep network does not even load what finds cells."""

    def f(x: Any, *ws: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(ws)
            for w in ws:
                x = nf.tanh(x @ w)
            total = nf.reduce_sum(x)
        return tape.gradient(total, ws)

    def fail() -> Any:
        raise AssertionError("searched")

    ws = [_f64(4, 4) for _ in range(8)]
    with patch.object(unrolled_cells, "cell_finders", [fail]):
        nf.function(f)(_f64(3, 4), *ws)


def test_an_input_of_what_the_first_step_made_inside() -> None:
    """It is there before the op, which computes that step once more."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h = c = _zero()
        ys, seen = [], _zero()
        for t in range(STEPS):
            i, j, g, o = nf.split((x[:, t] + (seen if t == 1 else 0.0)) @ w + h @ u + b, 4, 1)
            c = nf.sigmoid(j) * c + nf.sigmoid(i) * nf.tanh(g)
            squashed = nf.tanh(c)
            seen = squashed @ nf.transpose(w[:, :4]) if t == 0 else seen
            h = squashed * nf.sigmoid(o)
            ys.append(h)
        return nf.stack(ys, 1)

    _same(f, *ARGS)


def test_many_runs_are_found_in_a_time_that_grows_with_the_steps() -> None:
    """Cells that are read break the steps up; each part has inputs that are no rows."""

    def looks(steps: int) -> int:
        def f(x: Any, w: Any, u: Any, b: Any) -> Any:
            h = c = _zero()
            ys, cells = [], []
            for t in range(steps):
                i, j, g, o = nf.split(nf.sin(x[:, t]) @ w + h @ u + b, 4, 1)
                c = nf.sigmoid(j) * c + nf.sigmoid(i) * nf.tanh(g)
                h = nf.tanh(c) * nf.sigmoid(o)
                ys.append(h)
                if t % 5 == 4:
                    cells.append(c)
            return ys, cells

        x = _f64(BATCH, steps, DEPTH)
        graph = nf.function(f).get_concrete_function(x, *ARGS[1:]).graph
        with patch.object(Values, "inputs", autospec=True, side_effect=Values.inputs) as count:
            found = unrolled_cells.unrolled_cells(graph)
        assert sum(n.op.name == "lstm_steps" for n in found.nodes) == steps // 5
        return int(count.call_count)

    assert looks(80) < 2.5 * looks(40)
