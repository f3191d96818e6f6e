"""Loops on tensors: what is carried and refused, and how that is said."""

from __future__ import annotations

from typing import Any

import pytest

import numflow as nf
from tests.autograph.staged import one, text_of

experimental: Any = nf.autograph.experimental


def test_a_loop_is_traced_once() -> None:
    traced = []

    @nf.function
    def f(n: Any) -> Any:
        s: Any = 0
        for i in nf.range(n):
            traced.append(i)
            t = i * i
            s += t
        return s

    assert int(f(one(4))) == 14 and len(traced) == 1


@pytest.mark.parametrize("args", [(5, 3), (-2,), (3, 5, -1), (5.0, 3.0), (3.0, 5.0, -0.5)])
def test_a_range_away_from_its_limit_is_refused_as_eager_does_it(args: Any) -> None:
    def known() -> Any:
        s: Any = 0
        for _ in nf.range(*args):
            s += 1
        return s

    def told(*numbers: Any) -> Any:
        s: Any = 0
        for _ in nf.range(*numbers):
            s += 1
        return s

    for call in (known, nf.function(known)):
        with pytest.raises(nf.errors.ShapeError, match="range: delta leads from start away"):
            call()
    numbers = [nf.constant(v) for v in args]
    assert int(nf.function(told)(*numbers)) == 0  # no range is made there


def test_numbers_take_the_dtype_that_the_loop_gives_them() -> None:
    @nf.function
    def f(x: Any) -> Any:
        s: Any = 0
        n: Any = 0
        for v in x:
            s += v
            n += 1
        return s / nf.cast(n, s.dtype)

    got = f(nf.constant([1.0, 2.0, 6.0], nf.float64))
    assert got.dtype is nf.float64 and float(got) == 3.0


def test_a_variable_that_changes_is_named() -> None:
    @nf.function
    def shape(n: Any) -> Any:
        x = nf.zeros([1])
        for _ in nf.range(n):
            x = nf.concat([x, [1.0]], 0)
        return x

    @nf.function
    def dtype(n: Any) -> Any:
        x = nf.constant(0)
        while n > 0:
            x = nf.cast(x, nf.float32) + 1.0
            n -= 1
        return x

    with pytest.raises(ValueError) as e:
        shape(one(3))
    assert text_of(e) == (
        "'x' has shape (1,) before the loop, but shape (2,) after one iteration; try "
        "nf.autograph.experimental.set_loop_options(shape_invariants=...) HERE"
    )
    with pytest.raises(TypeError) as t:
        dtype(one(3))
    assert text_of(t) == (
        "'x' has dtype int32 before the loop, but dtype float32 after one iteration; try "
        "nf.cast to int32 in the loop HERE"
    )


def test_a_leftover_may_change() -> None:
    """Nobody reads what it was before: no variable of the loop."""

    @nf.function
    def f(x: Any) -> Any:
        y: Any = "text"
        z = nf.zeros([7])
        s: Any = 0.0
        for v in x:
            y = v * 2.0
            z = nf.stack([y, y])
            s += z[0]
        return s

    assert float(f(one([1.0, 2.0]))) == 6.0


def test_what_only_a_loop_sets_is_checked_when_it_is_read() -> None:
    @nf.function
    def f(n: Any) -> Any:
        for i in nf.range(n):
            q = i * 2
        return q

    @nf.function
    def surely(n: Any) -> Any:
        for i in nf.range(3):
            q = i * n
        return q, i

    assert int(f(one(3))) == 4 and [int(x) for x in surely(one(5))] == [10, 2]
    with pytest.raises(nf.errors.InvalidArgumentError) as e:
        f(one(0))
    assert "'q' is set only inside a loop that may not run, and it did not run" in str(e.value)


def test_used_before_it_is_assigned() -> None:
    @nf.function
    def f(n: Any) -> Any:
        while n < 5:
            n = n + p  # type: ignore[has-type]  # noqa: F821
            p = n  # noqa: F841
        return n

    with pytest.raises(UnboundLocalError, match="cannot access local variable 'p'"):
        f(one(1))


def test_returns_in_loops() -> None:
    @nf.function
    def first_above(x: Any, limit: Any) -> Any:
        for row in x:
            for v in row:
                if v > limit:
                    return v
        return -1.0

    x = one([[1.0, 2.0], [5.0, 3.0]])
    assert [float(first_above(x, one(k))) for k in (0.0, 2.5, 9.0)] == [1.0, 5.0, -1.0]


def test_python_loops_whose_end_depends_on_tensors() -> None:
    @nf.function
    def f(x: Any) -> Any:
        total = 0.0
        for k in range(4):
            if x[k] < 0.0:
                break
            total += x[k]
        else:
            total = -1.0
        while True:
            total += 10.0
            if total > 25.0:
                break
        return total, k

    assert [float(v) for v in f(one([1.0, 2.0, -1.0, 9.0]))] == [33.0, 2.0]
    assert [float(v) for v in f(one([1.0, 2.0, 1.0, 9.0]))] == [29.0, 3.0]


def test_lists_grow_in_loops() -> None:
    @nf.function
    def f(x: Any, n: Any) -> Any:
        every: list[Any] = []
        some, pairs = [nf.constant(0.0)], []
        for k in nf.range(n):
            every.append(k)
            if x[k] > 0.0:
                some.append(x[k])
            pairs.append((k, x[k] * 2.0))
        total: Any = 0.0
        for v in some:
            total += v
        return nf.stack(every), nf.stack(some), len(some), every[-1], pairs[1], total

    every, some, count, last, pair, total = f(one([1.0, -2.0, 3.0]), one(3))
    assert every.numpy().tolist() == [0, 1, 2] and some.numpy().tolist() == [0.0, 1.0, 3.0]
    assert int(count) == 3 and int(last) == 2 and float(total) == 4.0
    assert [float(v) for v in pair] == [1.0, -4.0]

    @nf.function
    def joined(x: Any, n: Any) -> Any:
        parts = []
        for k in nf.range(n):
            parts.append(x * nf.cast(k, x.dtype))  # noqa: PERF401
        return nf.stack(parts, axis=1), nf.concat(parts, 0), parts

    side, long, whole = joined(one([1.0, 2.0]), one(3))
    assert side.numpy().tolist() == [[0.0, 1.0, 2.0], [0.0, 2.0, 4.0]]
    assert long.numpy().tolist() == [0.0, 0.0, 1.0, 2.0, 2.0, 4.0] and whole.shape == (3, 2)


def test_a_list_that_grew_has_a_truth() -> None:
    @nf.function
    def f(n: Any) -> Any:
        out: list[Any] = []
        for k in nf.range(n):
            if k > 1:
                out.append(k)  # noqa: PERF401
        s = 1 if out else 2
        return s, not out

    assert [int(v) for v in f(one(1))] == [2, 1] and [int(v) for v in f(one(3))] == [1, 0]


def test_what_a_loop_goes_through() -> None:
    """A tensor that is known already makes a loop too; zip with Python's own is Python's."""
    known = one([1.0, 2.0, 3.0])

    @nf.function
    def f(x: Any) -> Any:
        s: Any = 0.0
        for v in known:
            s += v
        layers: list[Any] = [lambda a: a * 2.0, lambda a: a + 1.0]
        for layer, v in zip(layers, x):  # noqa: B905
            s += layer(v)
        return s

    assert float(f(one([3.0, 4.0]))) == 17.0
    assert str(f.get_concrete_function(one([3.0, 4.0])).graph).count("while_loop") == 1


def test_a_loop_takes_every_size() -> None:
    @nf.function
    def f(x: Any) -> Any:
        s: Any = 0.0
        for v in x:
            s += v
        for k in nf.range(nf.shape(x)[0]):
            s += x[k]
        return s

    assert [float(f(nf.ones([n]))) for n in range(1, 20)] == [2.0 * n for n in range(1, 20)]
    assert f.experimental_get_tracing_count() == 2


def test_lists_grow_in_python_loops_and_branches() -> None:
    @nf.function
    def f(x: Any) -> Any:
        out = []
        for k in range(3):
            if k != 1:
                out.append(x * k)  # noqa: PERF401
        if x > 0.0:
            out.append(x)
        else:
            out.append(-x)
        return out

    assert [float(v) for v in f(one(-2.0))] == [0.0, -4.0, 2.0]


def test_set_loop_options() -> None:
    @nf.function
    def f(n: Any) -> Any:
        x = nf.zeros([1])
        i = 0
        while i < n:
            experimental.set_loop_options(
                shape_invariants=[(x, nf.TensorShape([None]))], maximum_iterations=3
            )
            x = nf.concat([x, [1.0]], 0)
            i += 1
        return x

    assert f(one(2)).shape == (3,) and f(one(9)).shape == (4,)

    @nf.function
    def wrong(n: Any) -> Any:
        for _ in nf.range(n):
            experimental.set_loop_options(shape_invariants=[(n + 1, nf.TensorShape([]))])
        return n

    with pytest.raises(ValueError, match="is no variable of this loop"):
        wrong(one(2))
    experimental.set_loop_options(maximum_iterations=1)  # outside of loops: nothing
    assert experimental.Feature.ALL in experimental.Feature


def test_many_unrolled_iterations_are_told_of() -> None:
    @nf.function
    def f(x: Any) -> Any:
        for _ in range(1001):
            x = x + 1.0
        return x

    with pytest.warns(UserWarning, match="a Python loop has run 1000 times while traced"):
        f.get_concrete_function(one(1.0))
