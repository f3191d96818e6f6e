"""Recurrent cells that Python writes out step by step become the op of a whole sequence
(control/cell_steps.py): values and gradients against the steps as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numflow as nf
from numflow.control.cell_values import Values
from numflow.passes import pipeline, unrolled_cells
from numflow.passes.unrolled_cells import LEAST
from tests.control_flow.unrolled_loops import (
    ARGS,
    BATCH,
    DEPTH,
    FEW,
    RNG,
    STEPS,
    U4,
    UNITS,
    W4,
    Step,
    U,
    W,
    X,
    check_becomes,
    check_same,
    f64,
    looped,
    ops_of,
    parts_of,
    slopes_of,
    zero_state,
)


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
    ws, us, bs = parts_of(w), parts_of(u), parts_of(b)
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
        h = c = zero_state()
        ys = []
        for row in _rows(rows, x)[:: -1 if reverse else 1]:
            h, c = step(row, h, c)
            ys.append(h)
        return _outputs(outputs, ys, c)

    check_becomes("lstm_steps", f, *ARGS)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("reset", ["behind", "behind, biased", "before", "one product"])
def test_a_gru_of_both_conventions(reset: str, turned: bool) -> None:
    """z may be what stays or what is new; r before or behind the product."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h, ys = zero_state() + 0.5, []
        for t in range(STEPS):
            h = _gru(reset, turned, x[:, t], h, w, u, b)
            ys.append(h)
        return nf.stack(ys, 1), h

    check_becomes("gru_steps", f, *ARGS)


def _gru(reset: str, turned: bool, row: Any, h: Any, w: Any, u: Any, b: Any) -> Any:
    wz, wr, wn, _ = parts_of(w)
    uz, ur, un, _ = parts_of(u)
    bz, br, bn, more = parts_of(b)
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

    assert ops_of(f, *args).count("simple_steps") == 1
    assert ops_of(slopes_of(f), *args).count("simple_gradients") == 1
    check_same(f, *args, tolerance=1e-4 if dtype is nf.float32 else 1e-9)


def test_cells_of_libraries_called_step_by_step() -> None:
    """Those of Keras and of TensorFlow 1."""
    layers, cells = nf.keras.layers, nf.compat.v1.nn.rnn_cell
    x = nf.cast(X, nf.float32)
    zero = zero_state(nf.float32)
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
            ops = ops_of(g, x)
            assert sum(op.endswith("_steps") for op in ops) == 1 and "sigmoid" not in ops, cell
            for a, b in zip(nf.nest.flatten(nf.function(g)(x)), nf.nest.flatten(g(x)), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_cells_on_top_of_each_other_and_in_both_directions() -> None:
    """Each layer reads rows of the one below, or of two."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        def layer(rows: list[Any], w: Any, reverse: bool = False) -> list[Any]:
            h, ys = zero_state(), []
            for row in rows[::-1] if reverse else rows:
                h = nf.tanh(row @ w + h @ u[:, :4] + b[:4])
                ys.append(h)
            return ys[::-1] if reverse else ys

        rows = nf.unstack(x, axis=1)
        there, back = layer(rows, w[:, :4]), layer(rows, w[:, 4:8], True)
        both = [nf.concat([p, q], 1) for p, q in zip(there, back, strict=True)]
        top = layer(both, nf.concat([u[:, :4], u[:, 4:8]], 0))
        return nf.stack(top, 1), nf.stack(back)

    ops = ops_of(f, *ARGS)
    assert ops.count("simple_steps") == 3 and "tanh" not in ops
    ops = ops_of(slopes_of(f), *ARGS)
    assert ops.count("simple_steps") == 3 and ops.count("simple_gradients") == 3
    check_same(f, *ARGS)


def test_layers_step_by_step() -> None:
    """All layers of a step before the next step."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        below = _lstm("two products", (0, 1, 2, 3), 0.0, w, u, b)
        above = _lstm("two products", (0, 1, 2, 3), 0.0, u * 2.0, u, b)
        h = c = k = d = zero_state()
        ys = []
        for t in range(STEPS):
            h, c = below(x[:, t], h, c)
            k, d = above(h, k, d)
            ys.append(k)
        return nf.stack(ys, 1), h

    for g in (f, slopes_of(f)):
        assert ops_of(g, *ARGS).count("lstm_steps") == 2
    assert ops_of(slopes_of(f), *ARGS).count("lstm_gradients") == 2
    check_same(f, *ARGS)


def test_part_of_the_steps() -> None:
    """Rows from the middle, and a first step of its own."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h = None
        for t in range(1, STEPS - 1):
            z = x[:, t] @ w[:, :4] + b[:4]
            h = nf.tanh(z if h is None else z + h @ u[:, :4])
        return h

    assert "simple_steps" in ops_of(f, *ARGS)
    check_same(f, *ARGS)


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
        h, ys = zero_state(), []
        for t in range(STEPS):
            h = nf.tanh(INPUTS[name](t, x, w) @ w[:, :4] + h @ u[:, :4] + b[:4])
            ys.append(h)
        return nf.stack(ys, 1)

    assert ops_of(f, *ARGS).count("simple_steps") == (name != "in disorder")
    check_same(f, *ARGS)


def test_inputs_that_are_arguments() -> None:
    """A list of tensors, and gradients for each."""

    def f(u: Any, w: Any, *xs: Any) -> Any:
        h = zero_state()
        for x in xs:
            h = nf.tanh(x @ w + h @ u)
        return h

    args = (U4, W4, *nf.unstack(X, axis=1))
    assert "simple_steps" in ops_of(f, *args)
    assert ops_of(slopes_of(f), *args).count("simple_gradients") == 1
    check_same(f, *args)


def test_layers_with_something_between() -> None:
    """Residuals, and a layer of a step that is computed before the next one's input is known."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        below = _lstm("two products", (0, 1, 2, 3), 0.0, w, u, b)
        above = _lstm("concat", (0, 1, 2, 3), 0.0, w[:4] * 2.0, u, b)
        h = c = k = d = zero_state()
        ys = []
        for t in range(STEPS):
            h, c = below(x[:, t], h, c)
            k, d = above(h + x[:, t, :4], k, d)
            ys.append(k + h)
        return nf.stack(ys, 1), h

    for g in (f, slopes_of(f)):
        assert ops_of(g, *ARGS).count("lstm_steps") == 2
    assert ops_of(slopes_of(f), *ARGS).count("lstm_gradients") == 2
    check_same(f, *ARGS)


def test_effects_between_the_steps_keep_their_order() -> None:
    """An input that reads a variable behind a write is not computed before it."""
    v = nf.Variable(X[:, 0])

    @nf.function
    def f(w: Any, u: Any) -> Any:
        h = zero_state()
        for _ in range(STEPS):
            h = nf.tanh((v * 1.0) @ w + h @ u)
            v.assign(v * 0.5)
        return h

    h, x = zero_state(), X[:, 0]
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
    assert ops_of(f, x).count("lstm_steps") == 1
    for g in (f, slopes_of(f)):
        for a, b in zip(nf.nest.flatten(nf.function(g)(x)), nf.nest.flatten(g(x)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_few_steps_stay() -> None:
    """The op is worth it from some steps on."""
    for steps in (LEAST - 1, LEAST):

        def f(x: Any, w: Any, u: Any, b: Any, steps: int = steps) -> Any:
            h = zero_state()
            for t in range(steps):
                h = nf.tanh(x[:, t] @ w[:, :4] + h @ u[:, :4])
            return h

        assert ("simple_steps" in ops_of(f, *ARGS)) == (steps >= LEAST)


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


def test_explain_says_that_steps_were_written_out() -> None:
    def f(x: Any, w: Any, u: Any) -> Any:
        return nf.stack(looped(x, w, u, zero_state()), 1)

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

    ws = [f64(4, 4) for _ in range(8)]
    with patch.object(unrolled_cells, "cell_finders", [fail]):
        nf.function(f)(f64(3, 4), *ws)


def test_an_input_of_what_the_first_step_made_inside() -> None:
    """It is there before the op, which computes that step once more."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h = c = zero_state()
        ys, seen = [], zero_state()
        for t in range(STEPS):
            i, j, g, o = nf.split((x[:, t] + (seen if t == 1 else 0.0)) @ w + h @ u + b, 4, 1)
            c = nf.sigmoid(j) * c + nf.sigmoid(i) * nf.tanh(g)
            squashed = nf.tanh(c)
            seen = squashed @ nf.transpose(w[:, :4]) if t == 0 else seen
            h = squashed * nf.sigmoid(o)
            ys.append(h)
        return nf.stack(ys, 1)

    check_same(f, *ARGS)


def test_many_runs_are_found_in_a_time_that_grows_with_the_steps() -> None:
    """Cells that are read break the steps up; each part has inputs that are no rows."""

    def looks(steps: int) -> int:
        def f(x: Any, w: Any, u: Any, b: Any) -> Any:
            h = c = zero_state()
            ys, cells = [], []
            for t in range(steps):
                i, j, g, o = nf.split(nf.sin(x[:, t]) @ w + h @ u + b, 4, 1)
                c = nf.sigmoid(j) * c + nf.sigmoid(i) * nf.tanh(g)
                h = nf.tanh(c) * nf.sigmoid(o)
                ys.append(h)
                if t % 5 == 4:
                    cells.append(c)
            return ys, cells

        x = f64(BATCH, steps, DEPTH)
        graph = nf.function(f).get_concrete_function(x, *ARGS[1:]).graph
        with patch.object(Values, "inputs", autospec=True, side_effect=Values.inputs) as count:
            found = unrolled_cells.unrolled_cells(graph)
        assert sum(n.op.name == "lstm_steps" for n in found.nodes) == steps // 5
        return int(count.call_count)

    assert looks(80) < 2.5 * looks(40)
