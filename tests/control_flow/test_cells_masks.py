"""Loops over recurrent cells whose sequences end early, or wait (control/cell_masks.py): masks
written in many ways against the same loop as it is, values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.control_flow.loops_of_cells import (
    ARGS,
    BATCH,
    DEPTH,
    RNG,
    STEPS,
    UNITS,
    WALKS,
    B,
    U,
    W,
    X,
    lstm,
    ops_of,
    parts,
    same,
    sums,
    zero,
)

pytestmark = pytest.mark.usefixtures("_tiny_cells_too")

LENGTHS = nf.constant([STEPS, 2, 4])
MASK = nf.constant(RNG.random((STEPS, BATCH)) < 0.6)
TOKENS = nf.constant(RNG.integers(0, 3, (STEPS, BATCH)))


def _live(way: str, t: Any, row: Any) -> Any:
    """Which sequences go on in step t, for nf.where."""
    if way == "row of a mask":
        return MASK[t][:, None]
    if way == "column of a mask":
        return nf.expand_dims(nf.transpose(MASK)[:, t], -1)
    if way == "lengths":
        return (t < LENGTHS)[:, None]
    if way == "lengths, <=":
        return nf.reshape(t + 1 <= LENGTHS, [-1, 1])
    if way == "lengths, turned":
        return nf.logical_not(nf.expand_dims(t >= LENGTHS, 1))
    if way == "lengths as columns":
        return nf.cast(LENGTHS[:, None], nf.float64) > nf.cast(t, nf.float64)
    if way == "a mask made of lengths":
        return nf.sequence_mask(LENGTHS, STEPS)[:, t][:, None]
    if way == "tokens":
        return nf.not_equal(TOKENS[t], 0)[:, None]
    if way == "numbers":
        return nf.cast(nf.cast(MASK, nf.float32)[t], nf.bool)[:, None]
    if way == "two of them":
        return nf.logical_and(MASK[t], nf.logical_or(t < LENGTHS, t == 5))[:, None]
    if way == "wide":
        return nf.tile(MASK[t][:, None], [1, UNITS])
    if way == "wide, broadcast":
        return nf.broadcast_to(nf.logical_not(MASK[t])[:, None], [BATCH, UNITS])
    if way == "all sequences":
        return t < 4
    if way == "all sequences, by rows":
        return MASK[:, 0][t]
    if way == "rows the other way round":
        return MASK[STEPS - 1 - t][:, None]
    if way == "a mask with a last axis":
        return MASK[:, :, None][t]
    if way == "part of a longer mask":
        return nf.concat([MASK[:3], MASK], 0)[t + 2][:, None]
    if way == "a mask of floats":
        return nf.cast(MASK, nf.float32)[t][:, None] > 0.5
    return nf.reduce_any(row > 0.5, -1, keepdims=True)


MASKS = [
    "row of a mask", "column of a mask", "lengths", "lengths, <=", "lengths, turned",
    "lengths as columns", "a mask made of lengths", "tokens", "numbers", "two of them", "wide",
    "wide, broadcast", "all sequences", "all sequences, by rows", "rows the other way round",
    "a mask with a last axis", "part of a longer mask", "a mask of floats", "elements of the input",
]  # fmt: skip


def _steps(f: Any, *args: Any) -> list[str]:
    return [op for op in ops_of(f, *args) if op.endswith("_steps") or op == "while_loop"]


@pytest.mark.parametrize("way", MASKS)
def test_states_wait_however_the_mask_is_written(way: str) -> None:
    """The states stay, the outputs are 0."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h, c, ys = zero() + 0.5, zero() - 0.25, nf.TensorArray(nf.float64, size=STEPS)
        for t in nf.range(STEPS):
            z = nf.split(x[t] @ w + h @ u + b, 4, 1)
            h_new, c_new = lstm(z, (0, 1, 2, 3), 1.0, h, c)
            live = _live(way, t, x[t])
            ys = ys.write(t, nf.where(live, h_new, nf.zeros_like(h_new)))
            h, c = nf.where(live, h_new, h), nf.where(live, c_new, c)
        return ys.stack(), h, c

    assert _steps(f, *ARGS) == ["lstm_steps"]
    same(f, *ARGS)


@pytest.mark.parametrize("output", ["states", "zeros", "both", "another value", "none"])
@pytest.mark.parametrize("kind", ["simple", "gru", "gru before"])
def test_outputs_of_steps_that_wait(kind: str, output: str) -> None:
    """The state, 0, or anything else: what is neither is chosen in a loop that computes no cell."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        wz, wr, wn, _ = parts(w)
        uz, ur, un, _ = parts(u)
        h, ys, zs = zero() + 0.5, *(nf.TensorArray(nf.float64, size=STEPS) for _ in range(2))
        for t in nf.range(STEPS - 1, -1, -1):
            if kind == "simple":
                new = nf.tanh(x[t] @ wn + h @ un)
            else:
                z, r = nf.sigmoid(x[t] @ wz + h @ uz), nf.sigmoid(x[t] @ wr + h @ ur)
                inner = (r * h) @ un if kind == "gru before" else r * (h @ un + b[:UNITS])
                new = z * h + (1.0 - z) * nf.tanh(x[t] @ wn + inner)
            done = nf.logical_not(MASK[t])[:, None]
            if output == "zeros" or output == "both":
                ys = ys.write(t, nf.where(done, nf.zeros([BATCH, UNITS], nf.float64), new))
            if output == "another value":
                ys = ys.write(t, nf.where(done, b[:UNITS], new * 2.0))
            h = nf.where(done, h, new)
            if output == "states" or output == "both":
                zs = zs.write(t, h)
        return h, *([] if output == "none" else [ys.stack() if output != "states" else zs.stack()])

    found = _steps(f, *ARGS)
    assert len(found) == 1 + (output == "another value") and "while_loop" not in found[:1]
    same(f, *ARGS)


def test_a_mask_that_scan_walks_over() -> None:
    """Beside the inputs, both directions; the outputs are the states."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        def step(state: Any, row: Any) -> Any:
            x_t, live = row
            new = nf.nn.relu(x_t @ w[:, :4] + state @ u[:, :4] * 1.0 + b[:4])
            return nf.where(live[:, None], new, state)

        forth = nf.scan(step, (x, MASK), zero())
        return forth, nf.scan(step, (x, MASK), zero(), reverse=True)[0]

    def plain(x: Any, w: Any, u: Any, b: Any) -> Any:
        def step(state: Any, row: Any) -> Any:
            x_t, live = row
            return nf.where(live[:, None], nf.nn.relu(x_t @ w + state @ u + b), state)

        start = nf.zeros([BATCH, UNITS], nf.float64)
        args = (x, MASK)
        w, u, b = w[:, :4], u[:, :4], b[:4]
        return nf.scan(step, args, start), nf.scan(step, args, start, reverse=True)[0]

    assert _steps(f, *ARGS) == ["while_loop"] * 2  # a scaled product of the state is no cell
    assert _steps(plain, *ARGS) == ["simple_steps"] * 2
    same(plain, *ARGS)


@pytest.mark.parametrize("walk", sorted(WALKS))
def test_lengths_in_every_walk(walk: str) -> None:
    """The number of the step is a state of its own."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        def step(row: Any, h: Any, c: Any) -> Any:
            h_new, c_new = lstm(sums("concat", row[:, :DEPTH], h, w, u, b), (0, 1, 2, 3), 1.0, h, c)
            live = row[:, DEPTH:] > 0.0
            return nf.where(live, h_new, h), nf.where(live, c_new, c)

        inside = nf.cast(nf.sequence_mask(LENGTHS, STEPS), nf.float64)
        return WALKS[walk](step, nf.concat([x, nf.transpose(inside)[:, :, None]], 2))

    assert _steps(f, *ARGS)[0] == "lstm_steps"
    same(f, *ARGS)

    def g(x: Any, w: Any, u: Any, b: Any) -> Any:
        def body(t: Any, h: Any, c: Any, n: Any) -> Any:
            h_new, c_new = lstm(sums("two products", x[t], h, w, u, b), (0, 1, 2, 3), 1.0, h, c)
            live = n < LENGTHS[:, None]
            return t + 1, nf.where(live, h_new, h), nf.where(live, c_new, c), n + 1

        start = (0, zero(), zero(), nf.constant(0))
        return nf.while_loop(lambda t, *_: t < STEPS, body, start)[1:3]

    assert _steps(g, *ARGS) == ["lstm_steps"]
    same(g, *ARGS)


def test_a_mask_that_is_nan_where_nobody_looks() -> None:
    """Where chooses: what a step that waits would have been is seen nowhere."""
    broken = np.array(X.numpy())
    broken[~MASK.numpy()] = np.nan

    def f(x: Any) -> Any:
        h = zero()
        for t in nf.range(STEPS):
            h = nf.where(MASK[t][:, None], nf.tanh(x[t] @ W[:, :4] + h @ U[:, :4]), h)
        return h

    assert _steps(f, X) == ["simple_steps"]
    have = nf.function(f)(nf.constant(broken)).numpy()
    np.testing.assert_allclose(have, f(nf.constant(broken)).numpy(), rtol=1e-9)
    np.testing.assert_allclose(have, f(X).numpy(), rtol=1e-9)


def test_cells_on_top_of_each_other_wait_together() -> None:
    """The second reads what the first would be: seen only where both live."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        top, ys = nf.concat([u, u[::-1]], 0), nf.TensorArray(nf.float64, size=STEPS)
        h = c = g = d = zero()
        for t in nf.range(STEPS):
            live = (t < LENGTHS)[:, None]
            h1, c1 = lstm(sums("two products", x[t], h, w, u, b), (0, 1, 2, 3), 1.0, h, c)
            z = nf.split(nf.concat([h1, g], 1) @ top + b, 4, 1)
            g1, d1 = lstm(z, (0, 1, 2, 3), 1.0, g, d)
            h, c, g, d = (
                nf.where(live, a, b) for a, b in ((h1, h), (c1, c), (g1, g), (d1, d))
            )  # fmt: skip
            ys = ys.write(t, nf.where(live, g1, 0.0))
        return ys.stack(), h, d

    assert _steps(f, *ARGS) == ["lstm_steps"] * 2
    same(f, *ARGS)


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("zeros", [False, True])
def test_a_keras_layer_with_a_mask(zeros: bool, stacked: bool) -> None:
    """The outputs of masked steps: those of the steps before, or 0."""
    layers = nf.keras.layers
    cell = [layers.LSTMCell(6), layers.GRUCell(3)] if stacked else layers.GRUCell(4)
    options = {"return_sequences": True, "return_state": True, "zero_output_for_mask": zeros}
    layer = layers.RNN(cell, **options)
    x = nf.transpose(nf.cast(X, nf.float32), [1, 0, 2])
    mask = nf.transpose(MASK)
    want = nf.nest.flatten(layer(x, mask=mask))

    def f(x: Any) -> Any:
        return layer(x, mask=mask)

    found = _steps(f, x)
    assert found == (["lstm_steps", "gru_steps"] if stacked else ["gru_steps"])
    for a, b in zip(nf.nest.flatten(nf.function(f)(x)), want, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("turned", [False, True])
def test_outputs_that_stay_begin_as_they_like(turned: bool) -> None:
    """Until a sequence has lived they are not the state that it waits in; both directions."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h, y, ys = zero() + 0.5, zero() - 2.0, nf.TensorArray(nf.float64, size=STEPS)
        for t in nf.range(STEPS - 1, -1, -1) if turned else nf.range(STEPS):
            new, live = nf.tanh(x[t] @ w[:, :4] + h @ u[:, :4] + b[:4]), (t > 5 - LENGTHS)[:, None]
            h, y = nf.where(live, new, h), nf.where(live, new, y)
            ys = ys.write(t, y)
        return ys.stack(), h, y

    assert _steps(f, *ARGS) == ["simple_steps"]
    same(f, *ARGS)


def test_a_keras_layer_with_a_mask_and_a_state() -> None:
    """Its outputs begin with 0, its states do not."""
    layers = nf.keras.layers
    layer = layers.RNN(layers.GRUCell(4), return_sequences=True, go_backwards=True)
    x = nf.transpose(nf.cast(X, nf.float32), [1, 0, 2])
    start = nf.ones([BATCH, 4]) * 0.5

    def f(x: Any) -> Any:
        return layer(x, mask=nf.transpose(MASK), initial_state=[start])

    want = f(x)
    assert _steps(f, x) == ["gru_steps"]
    np.testing.assert_allclose(nf.function(f)(x), want, rtol=1e-4, atol=1e-6)


def test_masks_of_unknown_sizes() -> None:
    """One trace for any number of steps and sequences."""
    w, u = (nf.cast(t[:, :4], nf.float32) for t in (W, U))

    def f(x: Any, n: Any) -> Any:
        h, ys = nf.zeros([nf.shape(x)[1], UNITS]), nf.TensorArray(nf.float32, size=nf.shape(x)[0])
        for t in nf.range(nf.shape(x)[0]):
            new, live = nf.tanh(x[t] @ w + h @ u), (t < n)[:, None]
            h = nf.where(live, new, h)
            ys = ys.write(t, nf.where(live, new, 0.0))
        return h, ys.stack()

    specs = [nf.TensorSpec([None, None, DEPTH], nf.float32), nf.TensorSpec([None], nf.int32)]
    g = nf.function(f, input_signature=specs)
    names = [n.op.name for n in g.get_concrete_function().graph.nodes]
    assert "simple_steps" in names and "while_loop" not in names
    for steps, batch in [(7, 3), (1, 1), (4, 9), (0, 2)]:
        x = nf.cast(nf.constant(RNG.normal(size=(steps, batch, DEPTH))), nf.float32)
        n = nf.constant(RNG.integers(0, steps + 1, batch), nf.int32)
        for a, b in zip(g(x, n), f(x, n) if steps else g(x, n), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


# --- near misses -------------------------------------------------------------


def _near(change: str) -> Any:
    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h, c, ys = zero(), zero(), nf.TensorArray(nf.float64, size=STEPS)
        square = nf.constant(RNG.random((STEPS, BATCH, UNITS)) < 0.6)
        for t in nf.range(STEPS):
            z = nf.split(x[t] @ w + h @ u + b, 4, 1)
            h_new, c_new = lstm(z, (0, 1, 2, 3), 1.0, h, c)
            live = other = MASK[t][:, None]
            old, last = h, c
            if change == "another mask for the cell":
                other = MASK[STEPS - 1 - t][:, None]
            if change == "the cell does not wait":
                last = c_new
            if change == "a mask turned for the cell":
                other = nf.logical_not(other)
            if change == "a mask per unit":
                live = other = square[t]
            if change == "a mask of the units":
                live = other = square[t][0]
            if change == "a row of the units":
                live = other = nf.tile(square[t][:1], [BATCH, 1])
            if change == "a mask of the state":
                live = other = nf.reduce_sum(h, 1, keepdims=True) < 0.3
            if change == "another row":
                live = other = MASK[(t * 2) % STEPS][:, None]
            if change == "the state before is another":
                old = h * 0.5
            if change == "zeros, and no waiting":
                old, last = nf.zeros_like(h), nf.zeros_like(c)
            if change == "all states are seen":
                ys = ys.write(t, h_new)
            if change == "sums over all sequences":
                ys = ys.write(t, nf.where(live, nf.reduce_sum(h_new, 0), h))
            if change == "a factor":
                m = nf.cast(live, nf.float64)
                h, c = m * h_new + (1.0 - m) * h, m * c_new + (1.0 - m) * c
            elif change == "clipped behind the mask":
                h, c = nf.where(live, h_new, old), nf.where(other, c_new, last)
                c = nf.clip_by_value(c, -0.3, 0.3)
            else:
                h, c = nf.where(live, h_new, old), nf.where(other, c_new, last)
        seen = change in ("all states are seen", "sums over all sequences")
        return (h, c, ys.stack()) if seen else (h, c)

    return f


@pytest.mark.parametrize(
    "change",
    [
        "another mask for the cell", "the cell does not wait", "a mask turned for the cell",
        "a mask per unit", "a mask of the units", "a row of the units", "a mask of the state",
        "another row", "the state before is another", "zeros, and no waiting",
        "all states are seen", "sums over all sequences", "a factor", "clipped behind the mask",
    ],
)  # fmt: skip
def test_near_misses_stay_loops(change: str) -> None:
    """And give what they gave."""
    assert "while_loop" not in _steps(_near(""), *ARGS)
    assert _steps(_near(change), *ARGS) == ["while_loop"]
    f, args = nf.function(_near(change)), (X, W, U, B)
    if "unit" in change:
        return  # drawn in each trace
    for a, b in zip(f(*args), _near(change)(*args), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-11)
