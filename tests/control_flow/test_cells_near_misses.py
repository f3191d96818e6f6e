"""What is nearly a loop over a recurrent cell stays a loop, and gives what it gave
(control/cells.py)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.control_flow.loops_of_cells import (
    ARGS,
    BATCH,
    DEPTH,
    STEPS,
    UNITS,
    U,
    W,
    X,
    ops_of,
    same,
    zero,
)

pytestmark = pytest.mark.usefixtures("_tiny_cells_too")


def _near(change: str) -> Any:
    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        state = zero()
        c = zero()
        for t in nf.range(STEPS):
            row, h = x[t], state
            if change == "a row times the state":
                row = row * nf.reduce_mean(h)
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
    [ "no gradient through the state", "a row times the state",
        "a scaled state", "two products of the state", "a weight that changes", "another gate",
        "another activation", "another end", "the other state",
        "gates that share", "a residual", "an early end",
    ],
)  # fmt: skip
def test_near_misses_stay_loops(change: str) -> None:
    """And give what they gave."""
    f = _near(change)
    assert "lstm_steps" in ops_of(_near(""), *ARGS)
    ops = ops_of(f, *ARGS)
    assert "while_loop" in ops and not any(op.endswith("_steps") for op in ops)
    for a, b in zip(nf.function(f)(*ARGS), f(*ARGS), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-11)


def test_a_number_of_steps_that_is_a_value() -> None:
    """What only a value tells is no shape: a loop."""

    def f(x: Any, n: Any) -> Any:
        h = zero()
        for t in nf.range(n):
            h = nf.tanh(x[t] @ W[:, :4] + h @ U[:, :4])
        return h

    assert "while_loop" in ops_of(f, X, nf.constant(4))
    np.testing.assert_allclose(nf.function(f)(X, nf.constant(4)), f(X, nf.constant(4)))


def test_halves_are_rounded_in_each_step() -> None:
    """As the loop does; the op would round at the end."""
    x, w, u = (nf.cast(t, nf.float16) for t in (X, W[:, :4], U[:, :4]))
    start = nf.zeros([BATCH, UNITS], nf.float16)
    assert "while_loop" in ops_of(
        lambda x: nf.scan(lambda h, row: nf.tanh(row @ w + h @ u), x, start), x
    )


def test_a_candidate_that_is_spread_over_the_units() -> None:
    """One number for all units: no cell of ours."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h = zero()
        for t in nf.range(STEPS):
            z = nf.sigmoid(x[t] @ w[:, :4] + h @ u[:, :4])
            r = nf.sigmoid(x[t] @ w[:, 4:8] + h @ u[:, 4:8])
            h = z * h + (1.0 - z) * nf.tanh(x[t] @ w[:, :1] + (r * h) @ u[:, :1])
        return h

    assert "while_loop" in ops_of(f, *ARGS)
    same(f, *ARGS)


def test_what_a_loop_sets_to_the_state_is_left_where_it_does_not_run() -> None:
    """And a counter of another shape keeps it."""

    def f(x: Any) -> Any:
        def body(t: Any, h: Any, last: Any) -> Any:
            h = nf.tanh(x[t[0]] @ W[:, :4] + h @ U[:, :4])
            return t + 1, h, h

        start = (nf.constant([0]), zero() + 0.5, zero() - 7.0)
        return nf.while_loop(lambda t, *_: t[0] < nf.shape(x)[0], body, start)

    g = nf.function(f, input_signature=[nf.TensorSpec([None, BATCH, DEPTH], nf.float64)])
    assert "simple_steps" in [n.op.name for n in g.get_concrete_function().graph.nodes]
    for steps in (3, 0):
        for have, want in zip(g(X[:steps]), f(X[:steps]), strict=True):
            assert have.shape == want.shape
            np.testing.assert_allclose(have.numpy(), want.numpy(), rtol=1e-9)
