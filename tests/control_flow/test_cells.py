"""Loops over recurrent cells become the op of a whole sequence (control/cells.py): cells written in
many ways against the same loop as it is, values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import numflow as nf
from tests.control_flow.loops_of_cells import (
    ARGS,
    BATCH,
    DEPTH,
    STEPS,
    UNITS,
    WALKS,
    WAYS,
    X,
    by_for,
    lstm,
    ops_of,
    parts,
    same,
    sums,
    zero,
)

pytestmark = pytest.mark.usefixtures("_tiny_cells_too")
FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


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
            return lstm(sums(way, row, h, w, u, b), order, forget, h, c)

        return WALKS[walk](step, x)

    assert "lstm_steps" in ops_of(f, *ARGS)
    assert walk == "scan" or "while_loop" not in ops_of(f, *ARGS)  # its cells are a result, too
    same(f, *ARGS)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("reset", ["behind", "behind, biased", "before", "one product"])
def test_a_gru_of_both_conventions(reset: str, turned: bool) -> None:
    """z may be what stays or what is new; r before or behind the product."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        wz, wr, wn, _ = parts(w)
        uz, ur, un, _ = parts(u)
        bz, br, bn, more = parts(b)

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

        return by_for(step, x)[:2]

    ops = ops_of(f, *ARGS)
    assert "gru_steps" in ops and "while_loop" not in ops
    same(f, *ARGS)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_simple_cell_of_several_inputs(activation: str) -> None:
    """Two sequences, a sum made before the loop, and a context that each sequence has."""
    act = {"tanh": nf.tanh, "relu": nf.nn.relu}[activation]

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        context, doubled, u = x[0] @ w[:, 12:], x * 2.0, u[:, :4]
        made = nf.reshape(nf.reshape(x, [-1, DEPTH]) @ w, [STEPS, BATCH, 16])

        def step(row: Any, h: Any, c: Any) -> Any:
            return row, h, c

        h, ys = zero(), nf.TensorArray(nf.float64, size=STEPS)
        for t in nf.range(STEPS):
            h = act(x[t] @ w[:, :4] + doubled[t] @ w[:, 4:8] + made[t][:, 8:12] + h @ u + context)
            ys = ys.write(STEPS - 1 - t, h)
        return h, ys.stack()

    ops = ops_of(f, *ARGS)
    assert "simple_steps" in ops and "while_loop" not in ops
    same(f, *ARGS)


@pytest.mark.parametrize("product", ["matmul", "tensordot", "einsum", "reshaped", "batch first"])
@pytest.mark.parametrize("kind", ["lstm", "gru", "gru before"])
def test_products_of_the_inputs_made_before_the_loop(kind: str, product: str) -> None:
    """The loop reads rows of what all gates get, and adds the rest."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        if product == "matmul":
            wide = nf.matmul(x, w) + b
        elif product == "tensordot":
            wide = nf.tensordot(x, w, 1)
        elif product == "einsum":
            wide = nf.einsum("tbd,dk->tbk", x, w)
        elif product == "reshaped":
            wide = nf.reshape(nf.reshape(x, [-1, DEPTH]) @ w, [STEPS, BATCH, -1])
        else:
            wide = nf.matmul(nf.transpose(x, [1, 0, 2]), w)

        def step(t: Any, h: Any, c: Any) -> Any:
            row = wide[:, t] if product == "batch first" else wide[t]
            if kind == "lstm":
                return lstm(nf.split(row + h @ u, 4, 1), (0, 1, 2, 3), 1.0, h, c)
            z, r, n, _ = parts(row)
            uz, ur, un, _ = parts(u)
            z, r = nf.sigmoid(z + h @ uz), nf.sigmoid(r + h @ ur)
            n = nf.tanh(n + (r * (h @ un) if kind == "gru" else (r * h) @ un))
            return z * h + (1.0 - z) * n, c

        h = c = zero()
        for t in nf.range(STEPS):
            h, c = step(t, h, c)
        return h

    names = ops_of(f, *ARGS)
    assert "while_loop" not in names and any(name.endswith("_steps") for name in names)
    same(f, *ARGS)


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
            return lstm(z, (0, 1, 2, 3), 1.0, h, c)

        return by_for(step, x)

    ops = ops_of(f, *ARGS)
    assert "lstm_steps" in ops and "while_loop" not in ops
    same(f, *ARGS)


def test_part_of_the_steps() -> None:
    """Rows from the middle."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h = zero()
        for t in nf.range(2, STEPS - 1):
            h = nf.tanh(x[t] @ w[:, :4] + h @ u[:, :4])
        return h

    assert "simple_steps" in ops_of(f, *ARGS)
    same(f, *ARGS)


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

        ops = ops_of(f, x)
        assert "while_loop" not in ops and any(op.endswith("_steps") for op in ops), cell
        np.testing.assert_allclose(nf.function(f)(x), f(x), rtol=1e-4, atol=1e-6)


def test_a_keras_layer_of_stacked_cells_runs_as_ops() -> None:
    """Cells on top of each other: the second reads the states of the first."""
    layers = nf.keras.layers
    layer = layers.RNN([layers.LSTMCell(6), layers.GRUCell(3)], return_sequences=True)
    x = nf.transpose(nf.cast(X, nf.float32), [1, 0, 2])
    want = layer(x)
    ops = ops_of(layer, x)
    assert {"lstm_steps", "gru_steps"} <= set(ops) and "while_loop" not in ops
    np.testing.assert_allclose(nf.function(layer)(x), want, rtol=1e-4, atol=1e-6)
