"""State, effects and errors in control flow on tensors; the names besides."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.errors import SymbolicTensorError
from tests.autograph.staged import Thing, one

experimental: Any = nf.autograph.experimental


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
