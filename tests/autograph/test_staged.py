"""Control flow on tensors: what is merged, carried and refused, and how that is said."""

from __future__ import annotations

import contextlib
import re
import warnings
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.errors import SymbolicTensorError

experimental: Any = nf.autograph.experimental


def one(x: Any) -> Any:
    return nf.constant(x)


def text_of(error: pytest.ExceptionInfo[BaseException]) -> str:
    return re.sub(r"\(?\w+\.py:\d+\)?", "HERE", str(error.value).split("\n")[0])


class Thing:
    """An object with an attribute."""

    v: Any = 0


# --- branches ----------------------------------------------------------------


def test_a_name_set_in_one_arm_is_refused_when_it_is_read() -> None:
    @nf.function
    def unread(n: Any) -> Any:
        if n > 0:
            q = n  # noqa: F841
        return n

    @nf.function
    def read(n: Any) -> Any:
        if n > 0:
            q = n
        return q

    assert int(unread(one(1))) == 1
    with pytest.raises(UnboundLocalError) as e:
        read(one(1))
    assert text_of(e).startswith("'q' is not set in both branches of a data-dependent 'if' (not in")
    assert "else branch" in str(e.value) and "test_staged.py" in str(e.value)


def test_numbers_take_the_dtype_of_the_other_arm() -> None:
    @nf.function
    def f(x: Any) -> Any:
        a, b, c, d = 1, 2, 3, True
        if x > 0:
            a, b, c, d = x, 3, 3, False
        return a, b, c, d

    a, b, c, d = f(nf.constant(2.5, nf.float64))
    assert a.dtype is nf.float64 and b.dtype is nf.int32 and d.dtype is nf.bool
    assert [int(b), int(c), bool(d)] == [3, 3, False]
    assert float(f(nf.constant(-2.5, nf.float64))[0]) == 1.0


def test_unlike_values_are_named() -> None:
    @nf.function
    def dtypes(x: Any) -> Any:
        y = nf.constant(1) if x > 0 else nf.constant(1.0)
        return y

    @nf.function
    def kinds(x: Any) -> Any:
        if x > 0:
            y = Thing()
        else:
            y = x
        return y

    @nf.function
    def ranks(x: Any) -> Any:
        if x > 0:
            y = nf.ones([3])
        else:
            y = nf.ones([3, 2])
        return y

    @nf.function
    def place(x: Any) -> Any:
        thing = Thing()
        if x > 0:
            thing.v = "text"
        return thing.v

    with pytest.raises(TypeError) as e:
        dtypes(one(1.0))
    assert text_of(e) == (
        "autograph: the expression of a data-dependent 'if' has dtype int32 in the main branch, "
        "but dtype float32 in the else branch"
    )
    with pytest.raises(TypeError) as e:
        kinds(one(1.0))
    assert text_of(e) == (
        "'y' is an object of Thing in the main branch, but a tensor float32 [] in the else branch "
        "HERE"
    )
    with pytest.raises(ValueError) as v:
        ranks(one(1.0))
    assert text_of(v) == (
        "'y' has shape (3,) in the main branch, but shape (3, 2) in the else branch HERE"
    )
    with pytest.raises(TypeError) as e:
        place(one(1.0))
    assert text_of(e) == (
        "autograph: 'thing.v' is 'text' in the main branch, but 0 in the else branch"
    )


def test_a_return_in_one_arm_only_names_the_other() -> None:
    @nf.function
    def f(x: Any) -> Any:
        if x > 0:
            return x

    with pytest.raises(ValueError) as e:
        f(one(1.0))
    assert text_of(e) == (
        "autograph: a data-dependent 'if' returns a value in the main branch, and None in the else "
        "branch"
    )
    assert "the else branch must also have a return statement" in str(e.value)


def test_sizes_may_differ() -> None:
    @nf.function
    def f(x: Any, k: Any) -> Any:
        if k == 0:
            y = x
        elif k == 1:
            y = x[:2]
        else:
            y = nf.boolean_mask(x, x > 2.0)
        return y * 2.0

    x = one([1.0, 2.0, 3.0])
    got = [f(x, one(k)).numpy().tolist() for k in range(3)]
    assert got == [[2.0, 4.0, 6.0], [2.0, 4.0], [6.0]]


def test_a_condition_is_one_truth() -> None:
    @nf.function
    def f(x: Any) -> Any:
        return 1 if x else 2

    assert [int(f(one(v))) for v in (0, 3, True, [[0.5]])] == [2, 1, 1, 1]
    with pytest.raises(ValueError) as e:
        f(one([1.0, 2.0]))
    assert text_of(e) == "autograph: the condition of `if` has more than one element"
    assert "nf.reduce_all or nf.reduce_any" in str(e.value)


def test_the_right_side_is_computed_where_it_is_needed() -> None:
    @nf.function
    def f(x: Any, i: Any) -> Any:
        return i < 3 and x[i] > 0.0, i >= 3 or x[i] > 0.0, 0 <= i < 3 and not x[i] > 0.0

    x = one([1.0, -1.0, 3.0])
    assert [[bool(b) for b in f(x, one(k))] for k in (0, 1, 7)] == [
        [True, True, False],
        [False, False, True],
        [False, True, False],
    ]
    cheap = nf.function(lambda a, b: a > 0 and b > 0)
    assert "cond" not in str(cheap.get_concrete_function(one(1), one(2)).graph)


def test_objects_that_no_arm_changes_stay() -> None:
    thing, texts = Thing(), []

    @nf.function
    def f(x: Any, mode: str = "a", nothing: Any = None) -> Any:
        if x > 0:
            x = x + 1.0
            mode, nothing = mode, None
        texts.append(mode)
        return x if nothing is None and thing is thing and mode == "a" else -x

    assert float(f(one(1.0))) == 2.0 and texts == ["a"]


# --- loops -------------------------------------------------------------------


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


# --- state, effects, errors --------------------------------------------------


def test_variables_and_attributes_in_loops_and_branches() -> None:
    v = nf.Variable(1.0)

    @nf.function
    def f(n: Any) -> Any:
        thing = Thing()
        thing.v = v * 1.0
        d: dict[str, Any] = {"k": 0}
        for k in nf.range(n):
            v.assign_add(1.0)
            if v > 3.0:
                thing.v = thing.v + v
                d["k"] = d["k"] + k
        return thing.v, d["k"]

    got = f(one(4))
    assert [float(x) for x in got] == [1.0 + 4.0 + 5.0, 5.0] and float(v) == 5.0


def test_an_inner_function_writes_the_state_of_a_loop() -> None:
    @nf.function
    def f(n: Any) -> Any:
        total = 0

        def add(k: Any) -> None:
            nonlocal total
            if k > 1:
                total += k

        for k in nf.range(n):
            add(k)
        if n > 2:
            add(n)
        return total

    assert [int(f(one(k))) for k in (2, 4)] == [0, 9]


def test_what_a_loop_makes_does_not_leave_it_by_the_way() -> None:
    things: list[Any] = []

    @nf.function
    def f(x: Any) -> Any:
        for v in x:
            things.append(v)  # noqa: PERF402
        return things[-1]

    with pytest.raises(SymbolicTensorError, match="made in the body of the loop is used outside"):
        f(one([1.0, 2.0]))


def test_gradients() -> None:
    @nf.function
    def f(x: Any) -> Any:
        y = x
        while y < 10.0:
            if y > 2.0:
                y = y * x
            else:
                y = y + x
        return y

    for value in (1.5, 3.0):
        x = one(value)
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        got = float(tape.gradient(y, x))
        eps = 1e-3
        numeric = (float(f(one(value + eps))) - float(f(one(value - eps)))) / (2 * eps)
        assert got == pytest.approx(numeric, rel=2e-2)


def test_asserts_and_prints_take_place_at_each_call(capsys: pytest.CaptureFixture[str]) -> None:
    @nf.function
    def f(x: Any) -> Any:
        assert x > 0.0, "it must be positive"
        print("x is", x, sep=" = ")
        for k in nf.range(2):
            print(k, end=";")
        return x

    f(one(1.0))
    f(one(2.5))
    assert capsys.readouterr().out == "x is = 1\n0;1;x is = 2.5\n0;1;"
    with pytest.raises(nf.errors.InvalidArgumentError) as e:
        f(one(-1.0))
    assert "it must be positive" in str(e.value) and "assert x > 0.0" in str(e.value)


def test_errors_are_of_the_users_line() -> None:
    @nf.function
    def f(x: Any) -> Any:
        for _ in nf.range(3):
            if x[0] > 0.0:
                x = nf.matmul(x, x)
        return x

    with pytest.raises(ValueError) as e:
        f(one([1.0, 2.0]))
    users = [t for t in e.traceback if str(t.path) == __file__]
    assert str(users[-1].statement).strip() == "x = nf.matmul(x, x)"
    assert "in f:  x = nf.matmul(x, x)" in str(e.value)


def test_what_is_not_converted_says_so() -> None:
    def plain(x: Any) -> Any:
        return x if x > 0 else -x

    @experimental.do_not_convert
    def marked(x: Any) -> Any:
        return plain(x)

    space: dict[str, Any] = {}
    exec("def no_source(x):\n    if x > 0:\n        return x\n    return -x", space)
    assert float(nf.function(plain)(one(-1.0))) == 1.0
    for f in (
        nf.function(plain, autograph=False),
        nf.function(autograph=False)(plain),
        nf.function(lambda x: marked(x)),
        nf.function(space["no_source"]),
    ):
        with pytest.raises(SymbolicTensorError) as e:
            f(one(1.0))
        assert "in code that is not converted" in str(e.value)
        assert "autograph=True, without do_not_convert" in str(e.value)
    assert float(nf.function(space["no_source"])(2.0)) == 2.0  # a number, though


def test_functions_that_are_handed_on_are_converted() -> None:
    def magnitude(x: Any) -> Any:
        if x > 0:
            return x
        return -x

    f: Any = nf.function(lambda x: nf.map_fn(magnitude, x))
    assert f(one([1.0, -2.0])).numpy().tolist() == [1.0, 2.0]

    def body(k: Any, x: Any) -> Any:
        return k + 1, (x * 2.0 if x < 10.0 else x)

    g: Any = nf.function(lambda x: nf.while_loop(lambda k, _: k < 9, body, [0, x])[1])
    assert float(g(one(3.0))) == 12.0


def test_layers_are_converted() -> None:
    layers: Any = nf.keras.layers

    class Twice(layers.Layer):
        def call(self, x: Any) -> Any:
            if nf.reduce_sum(x) > 0:
                return x * 2.0
            return x

    layer = Twice()
    f: Any = nf.function(lambda x: layer(x))
    assert [float(f(one([v]))[0]) for v in (1.0, -1.0)] == [2.0, -1.0]


def test_builtins_of_tensors() -> None:
    @nf.function
    def f(x: Any, n: Any) -> Any:
        s = 0
        for k in range(n):
            s += k
        return s, len(x), int(x[0]), float(n), abs(x[1]), min(n, 3), max(x), sum(x), bool(n)

    got = [float(v) for v in f(one([2.7, -5.0]), one(4))]
    want = [6.0, 2.0, 2.0, 4.0, 5.0, 3.0, 2.7, -2.3, 1.0]
    np.testing.assert_allclose(got, want, rtol=1e-6)


def test_zip_and_enumerate_of_tensors() -> None:
    @nf.function
    def f(x: Any, y: Any) -> Any:
        s: Any = 0.0
        for k, (a, b) in enumerate(zip(x, y)):  # noqa: B905
            s += nf.cast(k, nf.float32) * a * b
        for k, v in enumerate(nf.range(1, 9, 3), 10):
            s += nf.cast(k * v, nf.float32)
        return s

    got = float(f(one([1.0, 2.0, 3.0]), one([4.0, 5.0, 6.0, 7.0])))
    assert got == 2 * 5 + 2 * 3 * 6 + 10 * 1 + 11 * 4 + 12 * 7


def test_side_effects_are_told_of_in_converted_code() -> None:
    kept: list[Any] = []

    @nf.function
    def f(x: Any) -> Any:
        if x > 0:
            kept.append(1)
        return x

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f(one(1.0))
    assert [w.filename for w in caught] == [__file__]
    assert "kept" in str(caught[0].message)


# --- what there is besides ---------------------------------------------------


def doubled(x: Any) -> Any:
    """A function of this file."""
    if x > 0:
        x = x * 2
    return x


def test_to_graph_and_to_code() -> None:
    f = nf.autograph.to_graph(doubled)
    assert f(3) == 6 and f(-3) == -3 and f.__name__ == "doubled"
    code = nf.autograph.to_code(nf.function(doubled))
    assert code.startswith("def tf__doubled(x: Any) -> Any:") and "ag__.if_stmt(x > 0" in code
    assert nf.autograph.to_code(one) == ("def tf__one(x: Any) -> Any:\n    return nf.constant(x)\n")
    for wrong in (3, len):
        with pytest.raises(TypeError):
            nf.autograph.to_code(wrong)


def test_to_graph_of_one_function_only() -> None:
    def outer(x: Any) -> Any:
        return doubled(x) if x > 1 else x

    alone = nf.autograph.to_graph(outer, recursive=False)
    whole = nf.autograph.to_graph(outer)
    assert float(nf.function(whole, autograph=False)(one(2.0))) == 4.0
    with pytest.raises(SymbolicTensorError):
        nf.function(alone, autograph=False)(one(2.0))


def test_verbosity_and_trace(capsys: pytest.CaptureFixture[str]) -> None:
    def fresh(x: Any) -> Any:
        nf.autograph.trace("traced")
        return x if x > 0 else -x

    nf.autograph.set_verbosity(3, alsologtostdout=True)
    with contextlib.suppress(Exception):
        nf.function(fresh)(one(1.0))
    nf.autograph.set_verbosity(0)
    out = capsys.readouterr().out
    assert "fresh converted" in out and "ag__.if_exp" in out and "traced" in out
