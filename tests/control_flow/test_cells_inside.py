"""Loops of recurrent cells that compute more, stand inside of other loops, or are differentiated
twice (control/cells.py)."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

import numflow as nf
from numflow.control import cells, loops
from numflow.ops import recurrent
from tests.control_flow.loops_of_cells import (
    ARGS,
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
    slopes_of,
    zero,
)

pytestmark = pytest.mark.usefixtures("_tiny_cells_too")


def test_what_else_the_loop_computes_stays_a_loop() -> None:
    """Logits of each step, and a sum that takes the state before, with their gradients."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h, total, ys = zero(), nf.constant(0.0, nf.float64), nf.TensorArray(nf.float64, STEPS)
        for t in nf.range(STEPS):
            before = h
            h = nf.tanh(x[t] @ w[:, :4] + h @ u[:, :4] + b[:4])
            total += nf.reduce_sum(h * before)
            ys = ys.write(t, nf.nn.softmax(h @ u))
        return ys.stack(), total

    ops = ops_of(f, *ARGS)
    assert ops.count("simple_steps") == 1 and ops.count("while_loop") == 1
    same(f, *ARGS)


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


def test_numbers_of_steps_behind_the_loop() -> None:
    """The last one, and the one before it; where no step runs, what they were."""

    def f(x: Any) -> Any:
        def body(t: Any, h: Any, last: Any, before: Any) -> Any:
            h = nf.tanh(x[t] @ W[:, :4] + h @ U[:, :4])
            return t + 1, h, t * 1, 3 - t

        start = (0, nf.zeros([nf.shape(x)[1], 4], nf.float64), -5, nf.constant(-7))
        return nf.while_loop(lambda t, *_: t < nf.shape(x)[0], body, start)

    g = nf.function(f, input_signature=[nf.TensorSpec([None, BATCH, DEPTH], nf.float64)])
    assert "simple_steps" in [n.op.name for n in g.get_concrete_function().graph.nodes]
    for steps in (4, 0, 1):
        for have, want in zip(g(X[:steps]), f(X[:steps]), strict=True):
            assert have.shape == want.shape and have.dtype == want.dtype
            np.testing.assert_allclose(have.numpy(), want.numpy(), rtol=1e-9)


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

        start = (0, zero())
        return nf.while_loop(lambda t, _: t < STEPS, body, start, swap_memory=True)[1]

    assert "while_loop" in ops_of(f, *ARGS)
    same(f, *ARGS)


def test_second_derivatives() -> None:
    """Of a gradient through the op."""
    x, w, u = X[:3], W[:, :4], U[:, :4]

    def f(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(w)
            h = nf.scan(lambda h, row: nf.tanh(row @ w + h @ u), x, zero())[-1]
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
    x, w = f64(BATCH, steps, DEPTH) * 0.5, f64(DEPTH, gates * UNITS) * 0.5
    u, more = f64(UNITS if kind != "lstm" else 2, gates * UNITS) * 0.5, f64(3, UNITS)
    out = f64(UNITS, 2)

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
        return nf.scan(lambda h, row: nf.tanh(row @ W[:, :4] + h @ U[:, :4]), x, zero())

    with patch.object(cells, "TINY", 256):
        assert "while_loop" in ops_of(f, X) and "simple_steps" in ops_of(slopes_of(f), X)
        assert "in registers" in str(nf.function(f).explain(X))
        same(f, X)


def test_explain_says_where_the_loop_is() -> None:
    """The kernel stands at the line of the loop."""

    @nf.function
    def f(x: Any) -> Any:
        return nf.scan(lambda h, row: nf.tanh(row @ W[:, :4] + h @ U[:, :4]), x, zero())

    assert "a loop over a cell" in str(f.explain(X)) and "while_loop" not in str(f.explain(X))
