"""Steps that are almost those of a cell, or whose inside somebody reads, stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import numflow as nf
from tests.control_flow.unrolled_loops import (
    ARGS,
    STEPS,
    check_same,
    check_stays,
    parts_of,
    zero_state,
)


def _steps(change: Callable[..., Any]) -> Any:
    """A simple cell, of which change(t, x, w, u, b, h) gives the sum at step t."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h, ys = zero_state(), []
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
    check_stays(_steps(NEAR[name]), *ARGS)


def test_near_misses_of_states() -> None:
    """The state changed by something else, on the way or at one step."""

    def f(x: Any, w: Any, u: Any, b: Any, k: Any) -> Any:
        h, before, ys = zero_state(), zero_state(), []
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
        check_stays(partial(f, k=k), *ARGS)


def test_near_misses_of_lstms() -> None:
    """Gates that are not those of a cell."""

    def f(x: Any, w: Any, u: Any, b: Any, k: Any) -> Any:
        h, c, ys = zero_state(), zero_state(), []
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
        check_stays(partial(f, k=k), *ARGS)


def test_near_misses_of_grus() -> None:
    """Look-alikes: weights of z at the wrong place, r of the new state, no 1 - z."""

    def f(x: Any, w: Any, u: Any, b: Any, k: int) -> Any:
        wz, wr, wn, _ = parts_of(w)
        uz, ur, un, _ = parts_of(u)
        h, ys = zero_state() + 0.5, []
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
        check_stays(partial(f, k=k), *ARGS)
    check_same(partial(f, k=0), *ARGS)  # one gate in both places is a GRU whose gates agree


@pytest.mark.parametrize("what", ["gate", "cell", "sum"])
def test_steps_inside_of_which_somebody_reads_stay(what: str) -> None:
    """A gate, a cell, a sum of one step is an output: the others may become one."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        h = c = zero_state()
        more = []
        for t in range(STEPS):
            z = x[:, t] @ w + h @ u + b
            i, j, g, o = nf.split(z, 4, 1)
            c = nf.sigmoid(j) * c + nf.sigmoid(i) * nf.tanh(g)
            h = nf.tanh(c) * nf.sigmoid(o)
            more.append({"gate": nf.sigmoid(o), "cell": c, "sum": z}[what])
        return h, more[2], more[4]

    check_stays(f, *ARGS)


def test_two_ways_on_from_one_state() -> None:
    """A fork: both ways begin with a state of the first."""

    def f(x: Any, w: Any, u: Any, b: Any) -> Any:
        w, u = w[:, :4], u[:, :4]
        h = zero_state()
        for t in range(STEPS):
            h = nf.tanh(x[:, t] @ w + h @ u)
            if t == 2:
                k = h
        for t in range(3, STEPS):
            k = nf.tanh(x[:, t] * 2.0 @ w + k @ u)
        return h, k

    check_same(f, *ARGS)
