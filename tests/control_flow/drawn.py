"""Programs of nested loops and branches, drawn: each is a list of statements over a few variables.

`run` writes them with nf.cond and nf.while_loop. Eagerly these are Python's own `if` and `while`,
so an eager run is the oracle of a traced one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import numflow as nf

COUNT = 3  # variables
_names = st.integers(0, COUNT - 1)
_ops = st.sampled_from(["add", "scaled", "sin", "tanh", "mix", "times x"])
_assign = st.tuples(st.just("assign"), _names, _ops, _names, _names)


def _blocks(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    body = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        st.tuples(st.just("repeat"), st.integers(0, 3), body),
        st.tuples(st.just("until"), _names, st.integers(0, 4), body),
        st.tuples(st.just("if"), _names, body, body),
    )


statements = st.recursive(_assign, _blocks, max_leaves=6)
programs = st.lists(statements, min_size=1, max_size=4)


def run(program: Any, x: Any, count: Any) -> Any:
    """The variables behind a program; x: a vector that they begin with; count: an int32 scalar."""
    state = [x, nf.sin(x), x * 0.5 + 0.25]
    return _block(program, state, x, count)


def _block(program: Any, state: list[Any], x: Any, count: Any) -> list[Any]:
    for statement in program:
        state = _STATEMENTS[statement[0]](statement, state, x, count)
    return state


def _assigned(statement: Any, state: list[Any], x: Any, count: Any) -> list[Any]:
    _, to, op, a, b = statement
    u, v = state[a], state[b]
    made: dict[str, Any] = {
        "add": lambda: 0.5 * (u + v),
        "scaled": lambda: 0.75 * u - 0.1,
        "sin": lambda: nf.sin(u) + 0.3 * v,
        "tanh": lambda: nf.tanh(u * v),
        "mix": lambda: nf.where(u > v, u, 0.5 * v),
        "times x": lambda: u * x,
    }
    return [*state[:to], made[op](), *state[to + 1 :]]


def _repeated(statement: Any, state: list[Any], x: Any, count: Any) -> list[Any]:
    _, more, body = statement
    end = count + more - 1

    def step(k: Any, *now: Any) -> Any:
        return (k + 1, *_block(body, list(now), x, count))

    return list(nf.while_loop(lambda k, *_: k < end, step, (0, *state))[1:])


def _until(statement: Any, state: list[Any], x: Any, count: Any) -> list[Any]:
    _, name, most, body = statement

    def going(*now: Any) -> Any:
        return nf.reduce_sum(now[name]) < 1.5

    def step(*now: Any) -> Any:
        after = _block(body, list(now), x, count)
        after[name] = after[name] + 0.3
        return tuple(after)

    return list(nf.while_loop(going, step, tuple(state), maximum_iterations=most))


def _chosen(statement: Any, state: list[Any], x: Any, count: Any) -> list[Any]:
    _, name, yes, no = statement
    return nf.cond(
        nf.reduce_sum(state[name]) > 0.4,
        lambda: _block(yes, state, x, count),
        lambda: _block(no, state, x, count),
    )


_STATEMENTS = {"assign": _assigned, "repeat": _repeated, "until": _until, "if": _chosen}


def derivatives(program: Any, order: int) -> Any:
    """A function of (x, count): the sum of what is left, and its derivatives for x."""

    def f(x: Any, count: Any) -> Any:
        return nf.reduce_sum(nf.stack(run(program, x, count)) ** 2)

    def first(x: Any, count: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = f(x, count)
        return y, tape.gradient(y, x)

    def second(x: Any, count: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y, slope = first(x, count)
            along = nf.reduce_sum(slope * DIRECTION)
        return y, slope, tape.gradient(along, x, unconnected_gradients="zero")

    return first if order == 1 else second


DIRECTION = np.array([0.7, -0.4])
