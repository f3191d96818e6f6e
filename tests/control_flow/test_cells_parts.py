"""Loops over LSTMs that have more than four gates: peepholes, a projection, bounds; written by hand
and TensorFlow 1's cells, against the same loop as it is, values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.control_flow.loops_of_cells import (
    BATCH,
    DEPTH,
    RNG,
    STEPS,
    UNITS,
    U,
    W,
    X,
    f64,
    ops_of,
    same,
    zero,
)

pytestmark = pytest.mark.usefixtures("_tiny_cells_too")

STATE = 2  # of a projected cell
P, OUT, V = f64(3, UNITS), f64(UNITS, STATE), f64(STATE, 4 * UNITS)
MASK = nf.constant(RNG.random((STEPS, BATCH)) < 0.6)


def _bounded(way: str, x: Any, k: float) -> Any:
    if way == "clip_by_value":
        return nf.clip_by_value(x, -k, k)
    if way == "lower bound first":
        return nf.minimum(nf.maximum(x, -k), k)
    if way == "bounds in front":
        return nf.maximum(nf.constant([-k], nf.float64), nf.minimum(nf.constant(k, nf.float64), x))
    return x


def _cell(has: set[str], way: str, row: Any, h: Any, c: Any, w: Any, u: Any, p: Any, q: Any) -> Any:
    """A step of an LSTM that has these parts."""
    i, f, g, o = nf.split(row @ w + h @ u, 4, 1)
    if "peepholes" in has:
        i, f = i + p[0] * c, c * p[1] + f
    c = nf.sigmoid(f + 1.0) * c + nf.sigmoid(i) * nf.tanh(g)
    if "bound" in has:
        c = _bounded(way, c, 0.3)
    if "peepholes" in has:
        o = o + p[2:] * c
    h = nf.sigmoid(o) * nf.tanh(c)
    if "projection" in has:
        h = nf.matmul(h, q, transpose_b=True) if "transposed" in has else h @ q
    if "bound of the projection" in has:
        h = _bounded(way, h, 0.05)
    return h, c


def _looped(has: set[str], way: str = "clip_by_value") -> tuple[Any, tuple[Any, ...]]:
    """A loop, and its arguments."""
    projected = "projection" in has
    q = nf.transpose(OUT) if "transposed" in has else OUT

    def f(x: Any, w: Any, u: Any, p: Any, q: Any) -> Any:
        h = nf.zeros([BATCH, STATE], nf.float64) if projected else zero()
        c, ys = zero() + 0.2, nf.TensorArray(nf.float64, size=STEPS)
        for t in nf.range(STEPS):
            new_h, new_c = _cell(has, way, x[t], h, c, w, u, p, q)
            if "mask" in has:
                live = MASK[t][:, None]
                ys = ys.write(t, nf.where(live, new_h, nf.zeros_like(h)))
                h, c = nf.where(live, new_h, h), nf.where(live, new_c, c)
            else:
                h, c = new_h, new_c
                ys = ys.write(t, h)
        return ys.stack(), h, c

    return f, (X, W, V if projected else U, P, q)


@pytest.mark.parametrize(
    "has",
    [
        {"peepholes"},
        {"bound"},
        {"projection"},
        {"projection", "transposed", "mask"},
        {"projection", "bound of the projection"},
        {"peepholes", "bound", "projection", "bound of the projection"},
        {"peepholes", "bound", "projection", "bound of the projection", "mask"},
        {"peepholes", "bound", "mask"},
    ],
    ids=lambda has: ", ".join(sorted(has)),
)
def test_an_lstm_with_more(has: set[str]) -> None:
    """Each part by itself, and all together."""
    f, args = _looped(has)
    names = ops_of(f, *args)
    assert "lstm_steps" in names and "while_loop" not in names
    same(f, *args)
    single = tuple(nf.cast(t, nf.float32) for t in args)

    def g(*args: Any) -> Any:
        return f(*(nf.cast(t, nf.float64) for t in args))

    same(g, *single, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("way", ["clip_by_value", "lower bound first", "bounds in front"])
def test_bounds_however_they_are_written(way: str) -> None:
    """Of the cell, and of the projection's results."""
    f, args = _looped({"bound", "projection", "bound of the projection"}, way)
    assert "while_loop" not in ops_of(f, *args)
    same(f, *args)


@pytest.mark.parametrize(
    "options",
    [
        {"use_peepholes": True},
        {"cell_clip": 0.2},
        {"num_proj": 3},
        {"use_peepholes": True, "cell_clip": 0.3, "num_proj": 3, "proj_clip": 0.1},
    ],
    ids=str,
)
def test_cells_of_tensorflow_1_in_a_users_loop(options: dict[str, Any]) -> None:
    """What dynamic_rnn gives for them."""
    v1 = nf.compat.v1.nn
    cell = v1.rnn_cell.LSTMCell(UNITS, **options)
    x, n = nf.cast(X, nf.float32), nf.constant([STEPS, 3, 5])
    want, last = v1.dynamic_rnn(cell, x, n, dtype=nf.float32, time_major=True)

    def f(x: Any, n: Any) -> Any:
        state, ys = cell.zero_state(BATCH, nf.float32), nf.TensorArray(nf.float32, size=STEPS)
        for t in nf.range(STEPS):
            y, (c, h) = cell(x[t], state)
            live = (t < n)[:, None]
            state = (nf.where(live, c, state[0]), nf.where(live, h, state[1]))
            ys = ys.write(t, nf.where(live, y, nf.zeros_like(y)))
        return ys.stack(), *state

    names = ops_of(f, x, n)
    assert "lstm_steps" in names and "while_loop" not in names
    for a, b in zip(nf.function(f)(x, n), (want, *last), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)


def test_second_derivatives_of_all_parts() -> None:
    """Of a gradient through the op, traced and eagerly."""
    f, (x, *rest) = _looped({"peepholes", "bound", "projection", "mask"})

    def slope(*args: Any) -> Any:
        with nf.GradientTape() as outer:
            outer.watch(args)
            with nf.GradientTape() as tape:
                tape.watch(args)
                total = nf.reduce_sum(f(*args)[0] ** 2)
            slopes = tape.gradient(total, args)
            total = nf.add_n([nf.reduce_sum(nf.sin(g)) for g in slopes])
        return outer.gradient(total, args)

    args = (x, *rest)
    for a, b in zip(nf.function(slope)(*args), slope(*args), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-7, atol=1e-9)


# --- near misses -------------------------------------------------------------


def _near(change: str) -> Any:
    projected = "projection" in change

    def f(x: Any) -> Any:
        p, q, u = P, OUT if projected else None, V if projected else U
        h = nf.zeros([BATCH, STATE], nf.float64) if projected else zero()
        c = zero() + 0.1
        many = nf.concat([P, P], 0)
        for t in nf.range(STEPS):
            old = c
            i, g, k, o = nf.split(x[t] @ W + h @ u, 4, 1)
            i, k = i + p[0] * c, k + p[1] * c
            if change == "no peephole of the input gate":
                i = i - p[0] * c
            if change == "two peepholes":
                k = k + many[4] * c
            if change == "a peephole of the candidate":
                g = g + many[4] * c
            if change == "a peephole of each sequence":
                i = i + nf.concat([p[:1]] * BATCH, 0) * c
            if change == "a peephole that is a matrix":
                k = k + c @ U[:, :UNITS]
            if change == "a peephole of the state":
                k = k + many[5] * (c * h)
            c = nf.sigmoid(k) * c + nf.sigmoid(i) * nf.tanh(g)
            bare = c
            if change == "bounds that differ":
                c = nf.clip_by_value(c, -0.2, 0.3)
            if change == "one bound":
                c = nf.minimum(c, 0.3)
            if change == "a bound per unit":
                c = nf.clip_by_value(c, -nf.abs(p[0]), nf.abs(p[0]))
            if change == "a bound that a value tells":
                c = nf.clip_by_value(c, -nf.abs(x[0, 0, 0]), nf.abs(x[0, 0, 0]))
            if change == "the bound is seen by the state alone":
                c = nf.clip_by_value(c, -0.2, 0.2)
            seen = old if change == "an output gate that sees the cell before" else c
            if change == "an output gate that sees what has no bounds":
                c = nf.clip_by_value(c, -0.2, 0.2)
            o = o + p[2] * seen
            h = nf.sigmoid(o) * nf.tanh(c)
            if change == "the bound is seen by the state alone":
                c = bare
            if change == "the state has bounds":
                h = nf.clip_by_value(h, -0.1, 0.1)
            if projected:
                h = h @ q
            if change == "a projection with a bias":
                h = h + p[0, :STATE]
            if change == "a projection that is squashed":
                h = nf.tanh(h)
            if change == "a projection and half of it":
                h = h * 0.5
        return h, c

    return f


@pytest.mark.parametrize(
    "change",
    [
        "no peephole of the input gate", "two peepholes", "a peephole of the candidate",
        "a peephole of each sequence", "a peephole that is a matrix", "a peephole of the state",
        "bounds that differ", "one bound", "a bound per unit", "a bound that a value tells",
        "the bound is seen by the state alone", "an output gate that sees the cell before",
        "an output gate that sees what has no bounds", "the state has bounds",
        "a projection with a bias", "a projection that is squashed", "a projection and half of it",
    ],
)  # fmt: skip
def test_near_misses_stay_loops(change: str) -> None:
    """And give what they gave."""
    for known in ("", "projection"):
        assert "lstm_steps" in ops_of(_near(known), X)
    f, names = _near(change), ops_of(_near(change), X)
    assert "while_loop" in names and not any(name.endswith("_steps") for name in names)
    for a, b in zip(nf.function(f)(X), f(X), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-11)


def test_an_odd_size_of_everything() -> None:
    """One unit, one sequence, one step: sizes of 1 are nothing else."""
    has = {"peepholes", "bound"}
    for steps, batch, units in [(1, 1, 1), (3, 1, 2), (2, 2, 1), (4, 2, 2)]:
        x, w, u = f64(steps, batch, DEPTH), f64(DEPTH, 4 * units), f64(units, 4 * units)
        p, mask = f64(3, units), nf.constant(RNG.random((steps, batch)) < 0.6)

        def f(x: Any, w: Any, u: Any, p: Any, mask: Any = mask, units: int = units) -> Any:
            h = c = nf.zeros([x.shape[1], units], nf.float64)
            for t in nf.range(x.shape[0]):
                h_new, c_new = _cell(has, "clip_by_value", x[t], h, c, w, u, p, 0)
                live = mask[t][:, None]
                h, c = nf.where(live, h_new, h), nf.where(live, c_new, c)
            return h, c

        assert "lstm_steps" in ops_of(f, x, w, u, p)
        same(f, x, w, u, p)
