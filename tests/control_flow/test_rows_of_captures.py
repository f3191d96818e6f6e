"""Rows of what a loop captures are read where they lie, not copied."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.codegen.steps import LoopStep, RowStep, Step
from numflow.errors import InvalidArgumentError

F32 = np.float32


def _table(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape).astype(F32)


def _inside(f: Any, *arguments: Any) -> list[Step]:
    """The steps of the body of the only loop."""
    program = f.get_concrete_function(*arguments).plain().program
    (loop,) = (s for s in program.steps if isinstance(s, LoopStep))
    return loop.body.steps


def _rows(f: Any, *arguments: Any) -> int:
    return sum(isinstance(s, RowStep) for s in _inside(f, *arguments))


@nf.function
def _products(xs: Any, w: Any) -> Any:
    total = nf.zeros([xs.shape[1], w.shape[1]])
    for i in nf.range(nf.shape(xs)[0]):
        x = xs[i]
        total = total + nf.nn.relu(x @ w) + nf.reduce_mean(x)
    return total


def test_batches_of_a_loop_are_not_copied() -> None:
    """A product, a reduction and a cluster read the same row."""
    xs, w = _table(7, 37, 41), _table(41, 43)
    wanted = sum(np.maximum(x.astype(float) @ w, 0) + x.astype(float).mean() for x in xs)
    np.testing.assert_allclose(_products(xs, w).numpy(), wanted, rtol=1e-4, atol=1e-4)
    assert _rows(_products, xs, w) == 1
    assert all(s.nodes[-1].op.name != "gather" or isinstance(s, RowStep) for s in
               _inside(_products, xs, w))  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "int32", "bool", "complex64", "float16"])
def test_rows_of_every_dtype_become_state(dtype: str) -> None:
    """What a loop keeps of a row is its own: the last one, turned around."""
    xs = (_table(5, 67, 3) * 7).astype(dtype)

    @nf.function
    def f(xs: Any) -> Any:
        kept = xs[0]
        for i in nf.range(nf.shape(xs)[0]):
            kept = xs[4 - i] if i > 2 else xs[i]
        return kept

    np.testing.assert_array_equal(f(xs).numpy(), xs[0])


def test_a_row_whose_number_the_body_computes() -> None:
    """The number comes of the new state, and of values; negative ones count from the end."""
    xs, order = _table(5, 61), np.array([3, -1, 0, 2, -5], np.int64)

    @nf.function
    def f(xs: Any, order: Any) -> Any:
        at, total = nf.constant(-1), nf.zeros([61])
        while at < 4:
            at += 1
            total = total * 0.5 + xs[order[at]]
        return total

    wanted = np.zeros(61)
    for k in order:
        wanted = wanted * 0.5 + xs[k]
    np.testing.assert_allclose(f(xs, order).numpy(), wanted, rtol=1e-5, atol=1e-5)


def test_loops_in_loops_read_rows_of_rows() -> None:
    """The inner loop captures a row of the outer one's."""
    xs = _table(3, 5, 71)

    @nf.function
    def f(xs: Any) -> Any:
        total = nf.zeros([71])
        for i in nf.range(nf.shape(xs)[0]):
            page = xs[i]
            for j in nf.range(nf.shape(page)[0]):
                total = nf.tanh(total) + page[j] * nf.cast(i + 1, nf.float32)
        return total

    wanted = np.zeros(71)
    for i, page in enumerate(xs):
        for x in page:
            wanted = np.tanh(wanted) + x * (i + 1)
    np.testing.assert_allclose(f(xs).numpy(), wanted, rtol=1e-4, atol=1e-4)


def test_gradients_through_rows() -> None:
    """Each row gets its own slope."""
    xs, w = _table(4, 3, 47), _table(47)

    @nf.function
    def f(xs: Any, w: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch((xs, w))
            y = nf.zeros([3])
            for i in nf.range(4):
                y = nf.sin(y) + nf.linalg.matvec(xs[i], w)
            loss = nf.reduce_sum(y * y)
        return tape.gradient(loss, (xs, w))

    def loss(xs: Any, w: Any) -> float:
        y = np.zeros(3)
        for x in xs:
            y = np.sin(y) + x @ w
        return float((y * y).sum())

    got = [g.numpy() for g in f(xs, w)]
    rng = np.random.default_rng(1)
    for k, (g, a) in enumerate(zip(got, (xs, w), strict=True)):
        way, h = rng.standard_normal(a.shape), 1e-6
        ends = []
        for sign in (1, -1):
            both = [xs.astype(float), w.astype(float)]
            both[k] = both[k] + sign * h * way
            ends.append(loss(*both))
        wanted = (ends[0] - ends[1]) / (2 * h)
        assert (g * way).sum() == pytest.approx(wanted, rel=1e-3, abs=1e-3)


def test_a_row_outside_is_refused_and_leaves_variables_alone() -> None:
    """With the user's line; an empty table has no row at all."""
    v = nf.Variable(np.zeros(53, F32))

    @nf.function
    def f(xs: Any, count: Any) -> Any:
        for i in nf.range(count):
            v.assign_add(xs[i])
        return count

    for rows in (3, 0):
        with pytest.raises(InvalidArgumentError, match="outside"):
            f(_table(rows, 53), nf.constant(rows + 1))
        np.testing.assert_array_equal(v.numpy(), np.zeros(53, F32))
    f(_table(3, 53), nf.constant(3))
    np.testing.assert_allclose(v.numpy(), _table(3, 53).sum(0), rtol=1e-5, atol=1e-5)


def test_threads_have_addresses_of_their_own() -> None:
    """A call that finds the plan busy runs a copy of it."""
    xs = [_table(9, 64, 64) + k for k in range(4)]
    w = _table(64, 64)
    wanted = [_products(x, w).numpy() for x in xs]
    wrong: list[int] = []

    def work(k: int) -> None:
        wrong.extend(
            k for _ in range(20) if not np.array_equal(_products(xs[k], w).numpy(), wanted[k])
        )

    team = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in team:
        t.start()
    for t in team:
        t.join()
    assert not wrong


def test_branches_read_rows_too() -> None:
    xs = _table(3, 59)

    @nf.function
    def f(xs: Any, i: Any) -> Any:
        return nf.cond(i > 0, lambda: nf.exp(xs[i]), lambda: xs[i])

    np.testing.assert_allclose(f(xs, nf.constant(2)).numpy(), np.exp(xs[2]), rtol=1e-5)
    np.testing.assert_array_equal(f(xs, nf.constant(0)).numpy(), xs[0])
