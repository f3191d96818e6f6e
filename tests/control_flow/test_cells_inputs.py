"""Loops over recurrent cells whose bodies make the inputs (control/all_steps.py): what they make of
rows and of the step's number, for all steps at once, against the same loop as it is."""

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
    B,
    U,
    W,
    X,
    f64,
    lstm,
    ops_of,
    same,
    zero,
)

pytestmark = pytest.mark.usefixtures("_tiny_cells_too")

WORDS = 6
TOKENS = nf.constant(RNG.integers(0, WORDS, (STEPS, BATCH)))
TABLE, DEEP = f64(WORDS, DEPTH), f64(DEPTH, DEPTH)


def _made(way: str, t: Any, x: Any, table: Any) -> Any:
    """The inputs of step t: [batch, DEPTH]."""
    row = x[t]
    if way == "embedding":
        return nf.nn.embedding_lookup(table, TOKENS[t])
    if way == "embedding of tokens by sequence":
        return nf.gather(table, nf.transpose(TOKENS)[:, t])
    if way == "one hot":
        return nf.one_hot(TOKENS[t], DEPTH, dtype=nf.float64)
    if way == "a layer":
        return nf.nn.relu(row @ DEEP + table[0]) * 0.5
    if way == "two layers":
        return nf.tanh(nf.matmul(nf.tanh(row @ DEEP), DEEP, transpose_b=True))
    if way == "a normalized row":
        mean = nf.reduce_mean(row, -1, keepdims=True)
        return (row - mean) / nf.sqrt(nf.reduce_mean((row - mean) ** 2, -1, keepdims=True) + 0.1)
    if way == "a sum over all sequences":
        return row - nf.reduce_mean(row, 0, keepdims=True)
    if way == "part of a row":
        return nf.concat([row[:, 2:], row[:, :2] * row[:, 1:3]], 1)
    if way == "the number of the step":
        return row + nf.sin(nf.cast(t, nf.float64) * table[1])
    if way == "the row beside":
        return x[nf.minimum(t + 1, STEPS - 1)]
    if way == "every other row":
        return x[(t * 2) % STEPS]
    if way == "this row and the one that is as far from the end":
        return nf.where(row > 0.0, row, x[STEPS - 1 - t])
    return nf.exp(row)


WAYS = [
    "embedding", "embedding of tokens by sequence", "one hot", "a layer", "two layers",
    "a normalized row", "a sum over all sequences", "part of a row", "the number of the step",
    "the row beside", "every other row", "this row and the one that is as far from the end",
    "a mapped row",
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_inputs_that_the_body_makes(way: str) -> None:
    """Gradients by what they are made of, too."""

    def f(x: Any, w: Any, u: Any, b: Any, table: Any) -> Any:
        h, c, ys = zero(), zero(), nf.TensorArray(nf.float64, size=STEPS)
        for t in nf.range(STEPS):
            z = nf.split(_made(way, t, x, table) @ w + h @ u + b, 4, 1)
            h, c = lstm(z, (0, 1, 2, 3), 1.0, h, c)
            ys = ys.write(t, h)
        return ys.stack(), c

    names = ops_of(f, *ARGS, TABLE)
    assert "lstm_steps" in names and "while_loop" not in names
    same(f, *ARGS, TABLE)


def test_from_the_last_step_to_the_first_with_a_state_beside_it() -> None:
    """In one product with the state; a mask made of the same tokens."""

    def f(x: Any, w: Any, u: Any, b: Any, table: Any) -> Any:
        h, both = zero(), nf.concat([w, u], 0)[:, :UNITS]
        for t in nf.range(STEPS - 1, -1, -1):
            word = nf.gather(table, TOKENS[t])
            new = nf.tanh(nf.concat([word, h], 1) @ both + nf.exp(x[t])[:, :UNITS])
            h = nf.where((TOKENS[t] > 0)[:, None], new, h)
        return h

    names = ops_of(f, *ARGS, TABLE)
    assert "simple_steps" in names and "while_loop" not in names
    same(f, *ARGS, TABLE)


def test_words_of_unknown_number_of_steps_and_sequences() -> None:
    """A language model: one trace, losses of each step beside the cell."""
    w, u, table = (nf.cast(t, nf.float32) for t in (W[:, :4], U[:, :4], TABLE))

    def f(tokens: Any) -> Any:
        h, total = nf.zeros([nf.shape(tokens)[1], UNITS]), nf.constant(0.0)
        for t in nf.range(nf.shape(tokens)[0]):
            h = nf.tanh(nf.nn.embedding_lookup(table, tokens[t]) @ w + h @ u)
            total += nf.reduce_sum(h * h)
        return h, total

    g = nf.function(f, input_signature=[nf.TensorSpec([None, None], nf.int32)])
    assert "simple_steps" in [n.op.name for n in g.get_concrete_function().graph.nodes]
    for shape in [(7, 3), (1, 1), (4, 9), (0, 2)]:
        tokens = nf.constant(RNG.integers(0, WORDS, shape), nf.int32)
        for a, b in zip(g(tokens), f(tokens), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_words_that_there_are_not() -> None:
    """Are refused, as in the loop."""

    def f(tokens: Any) -> Any:
        h = zero()
        for t in nf.range(STEPS):
            h = nf.tanh(nf.gather(TABLE, tokens[t]) @ W[:, :4] + h @ U[:, :4])
        return h

    wrong = nf.constant(np.where(np.arange(STEPS)[:, None] == 3, WORDS, TOKENS.numpy()))
    assert "simple_steps" in ops_of(f, wrong)
    for g in (f, nf.function(f)):
        with pytest.raises(nf.errors.InvalidArgumentError):
            g(wrong)


# --- near misses -------------------------------------------------------------


@pytest.mark.parametrize("change", ["the state", "chance", "a sum so far", "a variable"])
def test_what_follows_from_more_than_the_step_stays_in_the_loop(change: str) -> None:
    """And gives what it gave."""
    count = nf.Variable(nf.zeros([], nf.float64))

    def f(x: Any) -> Any:
        h, far = zero(), nf.zeros([BATCH, DEPTH], nf.float64)
        for t in nf.range(STEPS):
            row = x[t]
            far = far + row
            if change == "the state":
                row = row * nf.sigmoid(h[:, :1])
            if change == "chance":
                row = row * nf.random.uniform([BATCH, DEPTH], dtype=nf.float64)
            if change == "a sum so far":
                row = nf.tanh(far)
            if change == "a variable":
                row = row * count.assign_add(1.0)
            h = nf.tanh(row @ W[:, :4] + h @ U[:, :4] + B[:4])
        return h

    assert "while_loop" in ops_of(f, X) and "simple_steps" not in ops_of(f, X)
    if change != "chance":
        have = nf.function(f)(X).numpy()
        count.assign(0.0)
        np.testing.assert_allclose(have, f(X).numpy(), rtol=1e-9, atol=1e-11)
