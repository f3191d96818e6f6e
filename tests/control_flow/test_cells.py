"""Loops over recurrent cells become the op of a whole sequence (control/cells.py): cells written in
many ways against the same loop as it is, values and gradients; near misses stay loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.control import cells, loops
from numflow.ops import recurrent

pytestmark = pytest.mark.usefixtures("_tiny_cells_too")
FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
STEPS, BATCH, DEPTH, UNITS = 7, 3, 5, 4
RNG = np.random.default_rng(11)


@pytest.fixture(scope="module")
def _tiny_cells_too() -> Any:
    """No loop is left to registers because it is tiny."""
    with patch.object(cells, "TINY", 0):
        yield


def _f64(*shape: int) -> Any:
    return nf.constant(RNG.normal(size=shape) * 0.6)


X, W, U, B = _f64(STEPS, BATCH, DEPTH), _f64(DEPTH, 4 * UNITS), _f64(UNITS, 4 * UNITS), _f64(16)
BOTH = nf.concat([W, U], 0)
ARGS = (X, W, U, B)


def _zero() -> Any:
    return nf.zeros([BATCH, UNITS], nf.float64)


def _ops(f: Any, *args: Any) -> list[str]:
    graph = nf.function(f).get_concrete_function(*args).graph
    return [n.op.name for n in graph.nodes]


def _slopes(f: Any) -> Any:
    def slopes(*args: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(args)
            flat = nf.nest.flatten(f(*args))
            total = sum(nf.reduce_sum(y * y * (k + 1.0)) for k, y in enumerate(flat))
        return tape.gradient(total, args, unconnected_gradients="zero")

    return slopes


def _same(f: Any, *args: Any) -> None:
    """Values and gradients with and without the op, and eagerly."""
    for g in (f, _slopes(f)):
        have = nf.nest.flatten(nf.function(g)(*args))
        with patch.object(loops, "fused", lambda *_: None):
            loop = nf.nest.flatten(nf.function(g)(*args))
        for a, b, c in zip(have, loop, nf.nest.flatten(g(*args)), strict=True):
            assert a.dtype == b.dtype and a.shape == b.shape
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-11)
            np.testing.assert_allclose(a.numpy(), c.numpy(), rtol=1e-9, atol=1e-11)


# --- cells written in many ways ----------------------------------------------


def _parts(t: Any) -> list[Any]:
    return [t[..., k * UNITS : (k + 1) * UNITS] for k in range(4)]


def _sums(way: str, x: Any, h: Any, w: Any, u: Any, b: Any) -> list[Any]:
    """What four gates are made of, before their activations."""
    if way == "concat":
        return nf.split(nf.matmul(nf.concat([x, h], 1), nf.concat([w, u], 0)) + b, 4, 1)
    if way == "other way round":
        return nf.split(b + nf.matmul(nf.concat([h, x], 1), nf.concat([u, w], 0)), 4, 1)
    if way == "two products":
        return nf.split(x @ w + h @ u + b, 4, axis=-1)
    if way == "split first":
        return [
            p + q for p, q in zip(nf.split(x @ w + b, 4, 1), nf.split(h @ u, 4, 1), strict=True)
        ]
    if way == "no bias":
        return nf.split(x @ w + h @ u, 4, 1)
    if way == "transposed":
        z = nf.matmul(x, nf.transpose(w), transpose_b=True) + nf.matmul(h, u) + b[None]
        return [z[:, k * UNITS : (k + 1) * UNITS] for k in range(4)]
    ws, us, bs = _parts(w), _parts(u), _parts(b)
    return [x @ ws[k] + (h @ us[k] + bs[k]) + 0.25 for k in (2, 0, 3, 1)]


WAYS = [
    "concat",
    "other way round",
    "two products",
    "split first",
    "no bias",
    "transposed",
    "apart",
]


def _lstm(z: list[Any], order: Any, forget: float, h: Any, c: Any) -> Any:
    i, f, g, o = (z[k] for k in order)
    c = nf.tanh(g) * nf.sigmoid(i) + c * nf.sigmoid(f + forget)
    return nf.tanh(c) * nf.sigmoid(o), c


Walk = Callable[[Callable[..., Any], Any], Any]


def _by_for(step: Callable[..., Any], x: Any) -> Any:
    h = c = _zero()
    ys = nf.TensorArray(nf.float64, size=STEPS)
    for t in nf.range(STEPS):
        h, c = step(x[t], h, c)
        ys = ys.write(t, h)
    return ys.stack(), h, c


def _by_for_over_rows(step: Callable[..., Any], x: Any) -> Any:
    h = c = _zero()
    ys = []
    for row in x:
        h, c = step(row, h, c)
        ys.append(h)
    return nf.stack(ys), h, c


def _by_while(step: Callable[..., Any], x: Any) -> Any:
    """Batch first, from the last step to the first."""
    x = nf.transpose(x, [1, 0, 2])

    def body(t: Any, h: Any, c: Any, ys: Any) -> Any:
        h, c = step(x[:, t], h, c)
        return t - 1, h, c, ys.write(t, h)

    start = (STEPS - 1, _zero(), _zero(), nf.TensorArray(nf.float64, size=STEPS))
    _, h, c, ys = nf.while_loop(lambda t, *_: t >= 0, body, start, maximum_iterations=100)
    return ys.stack(), h, c


def _by_scan(step: Callable[..., Any], x: Any) -> Any:
    return nf.scan(lambda s, row: step(row, *s), x, (_zero(), _zero()), reverse=True)


WALKS: dict[str, Walk] = {
    "for": _by_for, "rows": _by_for_over_rows, "while": _by_while, "scan": _by_scan,
}  # fmt: skip


@FEW
@given(
    st.sampled_from(WAYS),
    st.sampled_from(sorted(WALKS)),
    st.permutations(range(4)),
    st.sampled_from([0.0, 1.0]),
)
def test_an_lstm_however_it_is_written(way: str, walk: str, order: Any, forget: float) -> None:
    """Gates in any order, a forget bias, both directions."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        def step(row: Any, h: Any, c: Any) -> Any:
            return _lstm(_sums(way, row, h, w, u, b), order, forget, h, c)

        return WALKS[walk](step, x)

    assert "lstm_steps" in _ops(f, *ARGS)
    assert walk == "scan" or "while_loop" not in _ops(f, *ARGS)  # its cells are a result, too
    _same(f, *ARGS)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("reset", ["behind", "behind, biased", "before", "one product"])
def test_a_gru_of_both_conventions(reset: str, turned: bool) -> None:
    """z may be what stays or what is new; r before or behind the product."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        wz, wr, wn, _ = _parts(w)
        uz, ur, un, _ = _parts(u)
        bz, br, bn, more = _parts(b)

        def step(row: Any, h: Any, c: Any) -> Any:
            if reset == "one product":
                both = nf.sigmoid(nf.concat([row, h], 1) @ nf.concat([w, u], 0)[:, :8] + b[:8])
                r, z = nf.split(both, 2, 1)
                new = nf.tanh(nf.concat([row, r * h], 1) @ nf.concat([wn, un], 0) + bn)
            else:
                z, r = nf.sigmoid(row @ wz + h @ uz + bz), nf.sigmoid(row @ wr + h @ ur + br)
                inner = (r * h) @ un if reset == "before" else r * (h @ un)
                inner = r * (h @ un + more) if reset == "behind, biased" else inner
                new = nf.tanh(inner + row @ wn + bn if turned else row @ wn + bn + inner)
            h = (1.0 - z) * h + z * new if turned else z * h + (1.0 - z) * new
            return h, c

        return _by_for(step, x)[:2]

    ops = _ops(f, *ARGS)
    assert "gru_steps" in ops and "while_loop" not in ops
    _same(f, *ARGS)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_simple_cell_of_several_inputs(activation: str) -> None:
    """Two sequences, a sum made before the loop, and a context that each sequence has."""
    act = {"tanh": nf.tanh, "relu": nf.nn.relu}[activation]

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        context, doubled, u = x[0] @ w[:, 12:], x * 2.0, u[:, :4]
        made = nf.reshape(nf.reshape(x, [-1, DEPTH]) @ w, [STEPS, BATCH, 16])

        def step(row: Any, h: Any, c: Any) -> Any:
            return row, h, c

        h, ys = _zero(), nf.TensorArray(nf.float64, size=STEPS)
        for t in nf.range(STEPS):
            h = act(x[t] @ w[:, :4] + doubled[t] @ w[:, 4:8] + made[t][:, 8:12] + h @ u + context)
            ys = ys.write(STEPS - 1 - t, h)
        return h, ys.stack()

    ops = _ops(f, *ARGS)
    assert "simple_steps" in ops and "while_loop" not in ops
    _same(f, *ARGS)


@pytest.mark.parametrize("shared", [True, False])
def test_a_context_beside_the_inputs(shared: bool) -> None:
    """What all steps of a sequence see, in one product with the rest, or in one of some gates."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        context, many = nf.tanh(x[0] @ w)[:, :3], nf.concat([w, w[:3], u], 0)
        more = w[:3, :4]

        def step(row: Any, h: Any, c: Any) -> Any:
            if shared:
                z = nf.split(nf.concat([row, context, h], 1) @ many + b, 4, 1)
            else:
                z = nf.split(row @ w + h @ u + b, 4, 1)
                z = [z[0] + context @ more, z[1], z[2] + context @ more + context @ more, z[3]]
            return _lstm(z, (0, 1, 2, 3), 1.0, h, c)

        return _by_for(step, x)

    ops = _ops(f, *ARGS)
    assert "lstm_steps" in ops and "while_loop" not in ops
    _same(f, *ARGS)


def test_part_of_the_steps() -> None:
    """Rows from the middle."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h = _zero()
        for t in nf.range(2, STEPS - 1):
            h = nf.tanh(x[t] @ w[:, :4] + h @ u[:, :4])
        return h

    assert "simple_steps" in _ops(f, *ARGS)
    _same(f, *ARGS)


def test_our_cells_in_users_loops() -> None:
    """Those of Keras and of TensorFlow 1."""
    layers, cells = nf.keras.layers, nf.compat.v1.nn.rnn_cell
    x = nf.cast(X, nf.float32)
    zero = nf.zeros([BATCH, UNITS])
    for cell, wide in [
        (layers.SimpleRNNCell(UNITS), False),
        (layers.GRUCell(UNITS), False),
        (layers.GRUCell(UNITS, reset_after=False), False),
        (layers.LSTMCell(UNITS), True),
        (cells.BasicRNNCell(UNITS), False),
        (cells.GRUCell(UNITS), False),
        (cells.BasicLSTMCell(UNITS), True),
    ]:
        cell.build((BATCH, DEPTH))

        def f(x: Any, cell: Any = cell, wide: bool = wide) -> Any:
            state = (zero, zero) if wide else zero
            ys = nf.TensorArray(nf.float32, size=STEPS)
            for t in nf.range(STEPS):
                y, new = cell(x[t], state)
                state = tuple(new) if wide else new
                ys = ys.write(t, y)
            return ys.stack()

        ops = _ops(f, x)
        assert "while_loop" not in ops and any(op.endswith("_steps") for op in ops), cell
        np.testing.assert_allclose(nf.function(f)(x), f(x), rtol=1e-4, atol=1e-6)


def test_a_keras_layer_of_stacked_cells_runs_as_ops() -> None:
    """Cells on top of each other: the second reads the states of the first."""
    layers = nf.keras.layers
    layer = layers.RNN([layers.LSTMCell(6), layers.GRUCell(3)], return_sequences=True)
    x = nf.transpose(nf.cast(X, nf.float32), [1, 0, 2])
    want = layer(x)
    ops = _ops(layer, x)
    assert {"lstm_steps", "gru_steps"} <= set(ops) and "while_loop" not in ops
    np.testing.assert_allclose(nf.function(layer)(x), want, rtol=1e-4, atol=1e-6)


def test_what_else_the_loop_computes_stays_a_loop() -> None:
    """Logits of each step, and a sum that takes the state before, with their gradients."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h, total, ys = _zero(), nf.constant(0.0, nf.float64), nf.TensorArray(nf.float64, STEPS)
        for t in nf.range(STEPS):
            before = h
            h = nf.tanh(x[t] @ w[:, :4] + h @ u[:, :4] + b[:4])
            total += nf.reduce_sum(h * before)
            ys = ys.write(t, nf.nn.softmax(h @ u))
        return ys.stack(), total

    ops = _ops(f, *ARGS)
    assert ops.count("simple_steps") == 1 and ops.count("while_loop") == 1
    _same(f, *ARGS)


def test_steps_and_batch_of_unknown_size() -> None:
    """One trace; no steps give the first state."""
    w, u = (nf.cast(t[:, :4], nf.float32) for t in (W, U))

    def f(x: Any) -> Any:
        h = nf.zeros([nf.shape(x)[1], UNITS])
        for t in nf.range(nf.shape(x)[0]):
            h = nf.tanh(x[t] @ w + h @ u)
        return h

    g = nf.function(f, input_signature=[nf.TensorSpec([None, None, DEPTH], nf.float32)])
    assert "simple_steps" in [n.op.name for n in g.get_concrete_function().graph.nodes]
    for shape in [(7, 3), (1, 1), (4, 9), (0, 2)]:
        x = nf.cast(nf.constant(RNG.normal(size=(*shape, DEPTH))), nf.float32)
        np.testing.assert_allclose(g(x), f(x), rtol=1e-4, atol=1e-6)


def test_a_loop_that_trains_with_loops_of_cells() -> None:
    """The op and its gradient inside of another loop, and inside of a branch."""
    x, target = nf.cast(X, nf.float32), nf.ones([BATCH, UNITS]) * 0.5
    start = [nf.cast(t[:, :4], nf.float32) for t in (W, U)]

    def train(w: Any, u: Any, steps: Any) -> Any:
        losses = nf.constant(0.0)
        for _ in nf.range(steps):
            with nf.GradientTape() as tape:
                tape.watch([w, u])
                h = nf.zeros([BATCH, UNITS])
                if nf.reduce_sum(w) < 100.0:
                    for t in nf.range(STEPS):
                        h = nf.tanh(x[t] @ w + h @ u)
                loss = nf.reduce_mean((h - target) ** 2)
            slopes = tape.gradient(loss, [w, u])
            w, u = w - 0.3 * slopes[0], u - 0.3 * slopes[1]
            losses += loss
        return w, u, losses

    have = nf.function(train)(*start, nf.constant(5))
    with patch.object(loops, "fused", lambda *_: None):
        want = nf.function(train)(*start, nf.constant(5))
    for a, b in zip(have, want, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6)


def test_swap_memory_keeps_its_loops() -> None:
    """Who asks for less memory gets it; values and gradients are the same."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        def body(t: Any, h: Any) -> Any:
            return t + 1, nf.tanh(x[t] @ w[:, :4] + h @ u[:, :4])

        start = (0, _zero())
        return nf.while_loop(lambda t, _: t < STEPS, body, start, swap_memory=True)[1]

    assert "while_loop" in _ops(f, *ARGS)
    _same(f, *ARGS)


def test_second_derivatives() -> None:
    """Of a gradient through the op."""
    x, w, u = X[:3], W[:, :4], U[:, :4]

    def f(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(w)
            h = nf.scan(lambda h, row: nf.tanh(row @ w + h @ u), x, _zero())[-1]
            total = nf.reduce_sum(h * h)
        return tape.gradient(total, w)

    def slope(*args: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(args)
            y = nf.reduce_sum(f(*args) ** 2)
        return tape.gradient(y, args)

    for a, b in zip(nf.function(slope)(x, w, u), slope(x, w, u), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", ["lstm", "gru", "gru before", "simple"])
def test_second_derivatives_over_many_steps_are_loops(kind: str) -> None:
    """Of the ops with all that they may have: traced as eagerly, where steps are written out."""
    steps, mask = 35, nf.constant(RNG.random((BATCH, 35)) < 0.7)
    gates = {"lstm": 4, "simple": 1}.get(kind, 3)
    x, w = _f64(BATCH, steps, DEPTH) * 0.5, _f64(DEPTH, gates * UNITS) * 0.5
    u, more = _f64(UNITS if kind != "lstm" else 2, gates * UNITS) * 0.5, _f64(3, UNITS)
    out = _f64(UNITS, 2)

    def run(x: Any, w: Any, u: Any) -> Any:
        if kind == "lstm":
            options = {"peepholes": more, "projection": out, "projection_clip": 0.3}
            return recurrent.lstm(x, w, u, mask=mask, reverse=True, **options)[0]
        if kind == "simple":
            return recurrent.simple_rnn(x, w, u, mask=mask, carry=True)[0]
        bias = nf.reshape(more, [-1])
        after = kind == "gru"
        return recurrent.gru(x, w, u, bias, bias if after else None, reset_after=after)[0]

    def slope(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape() as outer:
            outer.watch([x, w, u])
            with nf.GradientTape() as tape:
                tape.watch([x, w, u])
                total = nf.reduce_sum(run(x, w, u) ** 2)
            slopes = tape.gradient(total, [x, w, u])
            total = nf.add_n([nf.reduce_sum(nf.sin(g)) for g in slopes])
        return outer.gradient(total, [x, w, u])

    traced = nf.function(slope)
    ops = [n.op.name for n in traced.get_concrete_function(x, w, u).graph.nodes]
    assert "while_loop" in ops and len(ops) < 2000
    for a, b in zip(traced(x, w, u), slope(x, w, u), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-7, atol=1e-9)


def test_a_tiny_cell_that_nobody_differentiates_runs_in_registers() -> None:
    """There a loop is faster; its gradient is not, so that a tape makes it the op."""

    def f(x: Any) -> Any:
        return nf.scan(lambda h, row: nf.tanh(row @ W[:, :4] + h @ U[:, :4]), x, _zero())

    with patch.object(cells, "TINY", 256):
        assert "while_loop" in _ops(f, X) and "simple_steps" in _ops(_slopes(f), X)
        assert "in registers" in str(nf.function(f).explain(X))
        _same(f, X)


def test_explain_says_where_the_loop_is() -> None:
    """The kernel stands at the line of the loop."""

    @nf.function
    def f(x: Any) -> Any:
        return nf.scan(lambda h, row: nf.tanh(row @ W[:, :4] + h @ U[:, :4]), x, _zero())

    assert "a loop over a cell" in str(f.explain(X)) and "while_loop" not in str(f.explain(X))


# --- near misses -------------------------------------------------------------


def _near(change: str) -> Any:
    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        state = _zero()
        c = _zero()
        for t in nf.range(STEPS):
            row, h = x[t], state
            if change == "the row beside":
                row = x[nf.minimum(t + 1, STEPS - 1)]
            if change == "every other row":
                row = x[(t * 2) % STEPS]
            if change == "a mapped row":
                row = nf.exp(row)
            if change == "no gradient through the state":
                h = nf.stop_gradient(h)
            if change == "a scaled state":
                h = h * 0.5
            z = row @ w + h @ u + b
            if change == "two products of the state":
                z += h @ u
            if change == "a weight that changes":
                z += h @ (u * nf.cast(t, nf.float64))
            i, g, o, k = nf.split(z, 4, 1)
            gate: Any = nf.nn.relu if change == "another gate" else nf.sigmoid
            act: Any = nf.nn.softsign if change == "another activation" else nf.tanh
            last: Any = nf.sigmoid if change == "another end" else nf.tanh
            old = h if change == "the other state" else c
            c = gate(k) * old + nf.sigmoid(i) * act(g)
            if change == "a clipped cell":
                c = nf.clip_by_value(c, -0.2, 0.2)
            if change == "gates that share":
                c = nf.sigmoid(i) * c + (1.0 - nf.sigmoid(i)) * act(g)
            state = nf.sigmoid(o) * last(c)
            if change == "a residual":
                state += h
            if change == "an early end" and nf.reduce_sum(state) > 100.0:
                break
        return state, c

    return f


@pytest.mark.parametrize(
    "change",
    [
        "the row beside", "every other row", "a mapped row", "no gradient through the state",
        "a scaled state", "two products of the state", "a weight that changes", "another gate",
        "another activation", "another end", "the other state", "a clipped cell",
        "gates that share", "a residual", "an early end",
    ],
)  # fmt: skip
def test_near_misses_stay_loops(change: str) -> None:
    """And give what they gave."""
    f = _near(change)
    assert "lstm_steps" in _ops(_near(""), *ARGS)
    ops = _ops(f, *ARGS)
    assert "while_loop" in ops and not any(op.endswith("_steps") for op in ops)
    for a, b in zip(nf.function(f)(*ARGS), f(*ARGS), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-11)


def test_a_number_of_steps_that_is_a_value() -> None:
    """What only a value tells is no shape: a loop."""

    def f(x: Any, n: Any) -> Any:
        h = _zero()
        for t in nf.range(n):
            h = nf.tanh(x[t] @ W[:, :4] + h @ U[:, :4])
        return h

    assert "while_loop" in _ops(f, X, nf.constant(4))
    np.testing.assert_allclose(nf.function(f)(X, nf.constant(4)), f(X, nf.constant(4)))


def test_halves_are_rounded_in_each_step() -> None:
    """As the loop does; the op would round at the end."""
    x, w, u = (nf.cast(t, nf.float16) for t in (X, W[:, :4], U[:, :4]))
    start = nf.zeros([BATCH, UNITS], nf.float16)
    assert "while_loop" in _ops(
        lambda x: nf.scan(lambda h, row: nf.tanh(row @ w + h @ u), x, start), x
    )


def test_a_candidate_that_is_spread_over_the_units() -> None:
    """One number for all units: no cell of ours."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h = _zero()
        for t in nf.range(STEPS):
            z = nf.sigmoid(x[t] @ w[:, :4] + h @ u[:, :4])
            r = nf.sigmoid(x[t] @ w[:, 4:8] + h @ u[:, 4:8])
            h = z * h + (1.0 - z) * nf.tanh(x[t] @ w[:, :1] + (r * h) @ u[:, :1])
        return h

    assert "while_loop" in _ops(f, *ARGS)
    _same(f, *ARGS)


def test_what_a_loop_sets_to_the_state_is_left_where_it_does_not_run() -> None:
    """And a counter of another shape keeps it."""

    def f(x: Any) -> Any:
        def body(t: Any, h: Any, last: Any) -> Any:
            h = nf.tanh(x[t[0]] @ W[:, :4] + h @ U[:, :4])
            return t + 1, h, h

        start = (nf.constant([0]), _zero() + 0.5, _zero() - 7.0)
        return nf.while_loop(lambda t, *_: t[0] < nf.shape(x)[0], body, start)

    g = nf.function(f, input_signature=[nf.TensorSpec([None, BATCH, DEPTH], nf.float64)])
    assert "simple_steps" in [n.op.name for n in g.get_concrete_function().graph.nodes]
    for steps in (3, 0):
        for have, want in zip(g(X[:steps]), f(X[:steps]), strict=True):
            assert have.shape == want.shape
            np.testing.assert_allclose(have.numpy(), want.numpy(), rtol=1e-9)
