"""Tapes, and gradients of gradients, of cells that Python writes out step by step."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.errors import GraphError
from tests.control_flow.unrolled_loops import (
    ARGS,
    BATCH,
    STEPS,
    U4,
    UNITS,
    W4,
    U,
    X,
    as_written,
    check_same,
    looped,
    ops_of,
    zero_state,
)


def _check(f: Any, *args: Any) -> None:
    for a, b in zip(nf.nest.flatten(nf.function(f)(*args)), nf.nest.flatten(f(*args)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_a_tape_of_some_of_the_steps() -> None:
    """What a tape does not see is constant."""

    def f(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch([w, u])
            with tape.stop_recording():
                ys = looped(x, w, u, zero_state(), 0, 2)
            ys += looped(x, w, u, ys[-1], 2)
            total = nf.reduce_sum(nf.stack(ys) ** 2)
        return tape.gradient(total, [w, u])

    _check(f, X, W4, U4)

    def g(x: Any, w: Any, u: Any) -> Any:
        ys = looped(x, w, u, zero_state(), 0, 5)
        with nf.GradientTape() as tape:
            tape.watch([w, u])
            ys += looped(x, w, u, ys[-1], 5)
            total = nf.reduce_sum(nf.stack(ys) ** 2)
        return tape.gradient(total, [w, u])

    _check(g, X, W4, U4)

    def before(x: Any, w: Any, u: Any) -> Any:
        rows, halves = nf.unstack(x, axis=1), u[:, :4]
        with nf.GradientTape() as tape:
            tape.watch([x, w, u])
            h = zero_state()
            for t in range(STEPS):
                h = nf.tanh(rows[t] @ w + h @ (u[:, :4] if t else halves))
            total = nf.reduce_sum(h**2)
        return tape.gradient(total, [x, w, u], unconnected_gradients="zero")

    _check(before, X, W4, U)

    def behind(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape(persistent=True) as tape:
            tape.watch([w, u])
            ys = looped(x, w, u, zero_state())
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
            h, ys, zs = zero_state(), [], []
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
            h = zero_state()
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
            h, ys, zs = zero_state(), [], []
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
        ys = looped(x, w, u, zero_state())
        (slope,) = nf.gradients(nf.reduce_sum(ys[-1] ** 2), [u])
        return nf.gradients(slope, [w, ys[3]])

    with pytest.raises(GraphError, match="inside of steps of a recurrent cell"):
        g(X, W4, U4)


def test_stop_gradients_of_states() -> None:
    """nf.gradients may be told to stop."""

    def f(x: Any, w: Any, u: Any) -> Any:
        ys = looped(x, w, u, zero_state())
        return nf.gradients(ys[-1], [w], stop_gradients=[ys[3]])[0]

    with as_written():
        want = nf.function(f)(X, W4, U4)
    np.testing.assert_allclose(nf.function(f)(X, W4, U4), want, rtol=1e-9)


def test_a_tape_that_is_asked_again_and_one_that_goes_on() -> None:
    """Persistent tapes, and gradients while they record."""

    def f(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape(persistent=True) as tape:
            tape.watch([w, u])
            ys = looped(x, w, u, zero_state())
            first = nf.reduce_sum(ys[-1])
            slope = tape.gradient(first, w)
            second = nf.reduce_sum(slope * slope) + nf.reduce_sum(nf.stack(ys, 1) ** 2)
        return slope, tape.gradient(first, u), tape.gradient(second, [w, u])

    _check(f, X, W4, U4)
    assert ops_of(f, X, W4, U4).count("simple_gradients") >= 1


def test_jacobians_and_forward_mode() -> None:
    def f(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(u)
            y = looped(x, w, u, zero_state())[-1][0]
        return tape.jacobian(y, u)

    _check(f, X, W4, U4)

    def g(x: Any, w: Any, u: Any) -> Any:
        with nf.autodiff.ForwardAccumulator(u, u * 2.0) as acc:
            y = nf.stack(looped(x, w, u, zero_state()))
        return acc.jvp(y)

    _check(g, X, W4, U4)


def test_second_derivatives() -> None:
    """Of a gradient through the op: a tape inside of a tape, around the function, and beside it."""

    def slope(x: Any, w: Any, u: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(w)
            total = nf.reduce_sum(nf.stack(looped(x, w, u, zero_state(), 0, 5)) ** 2)
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
        ys = looped(x, w, u, zero_state())

        @nf.custom_gradient
        def passed(y: Any) -> Any:
            return y * 1.0, lambda ct: ct * ys[2]

        return passed(ys[-1])

    check_same(f, X, W4, U4)

    def g(x: Any, w: Any, u: Any) -> Any:
        h = zero_state()
        for t in range(STEPS):

            @nf.custom_gradient
            def clipped(y: Any) -> Any:
                return y, lambda ct: nf.clip_by_value(ct, -0.01, 0.01)

            h = clipped(nf.tanh(x[:, t] @ w + h @ u))
        return h

    check_same(g, X, W4, U4)


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
                    h = looped(x, w, u, zero_state(nf.float32))[-1]
                else:
                    h = zero_state(nf.float32)
                loss = nf.reduce_mean((h - target) ** 2)
            slopes = tape.gradient(loss, [w, u])
            w, u = w - 0.3 * slopes[0], u - 0.3 * slopes[1]
            losses += loss
        return w, u, losses

    have = nf.function(train)(*start, nf.constant(5))
    with as_written():
        want = nf.function(train)(*start, nf.constant(5))
    for a, b in zip(have, want, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6)


def test_the_gradient_of_a_loop_whose_body_has_steps() -> None:
    """A tape around a loop over batches."""

    def f(x: Any, w: Any, u: Any) -> Any:
        h = zero_state()
        for k in nf.range(3):
            h = looped(x * nf.cast(k + 1, nf.float64), w, u, h)[-1]
        return h

    check_same(f, X, W4, U4)


def test_variables_that_change_between_steps() -> None:
    """Weights that are assigned are other weights."""
    v = nf.Variable(U4)

    @nf.function
    def f(x: Any) -> Any:
        h = zero_state()
        for t in range(STEPS):
            h = nf.tanh(x[:, t] @ W4 + h @ v)
            if t == 3:
                v.assign(v * 2.0)
        v.assign(U4)
        return h

    h = zero_state()
    for t in range(STEPS):
        h = nf.tanh(X[:, t] @ W4 + h @ (U4 * 2.0 if t > 3 else U4))
    np.testing.assert_allclose(f(X), h, rtol=1e-9)
