"""Functions with gradients of their own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.errors import GraphError

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
BOTH = pytest.mark.parametrize("wrap", [lambda f: f, nf.function], ids=["eager", "traced"])


@nf.custom_gradient
def half(x: Any, y: Any) -> Any:
    """x * y, of whose gradient half arrives."""
    return x * y, lambda ct: (ct * y * 0.5, ct * x * 0.5)


@BOTH
def test_the_rule_is_used_and_differentiates_again(wrap: Wrap) -> None:
    def f(x: Any, y: Any) -> Any:
        with nf.GradientTape() as outer:
            outer.watch(x)
            with nf.GradientTape() as inner:
                inner.watch([x, y])
                z = half(x, y) * 3
            dx, dy = inner.gradient(z, [x, y])
        return dx, dy, outer.gradient(dy, x)

    got = wrap(f)(nf.constant(2.0), nf.constant(5.0))
    assert [float(t) for t in got] == [7.5, 3.0, 1.5]


@BOTH
def test_several_results_and_none(wrap: Wrap) -> None:
    @nf.custom_gradient
    def g(x: Any, k: Any) -> Any:
        return {"a": x * k, "b": x + 1}, lambda a, b: (a * 10 + b * 100, None)

    def f(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            out = g(x, 3.0)
            y = out["a"] * 2
        return out["b"], tape.gradient(y, x)

    assert [float(t) for t in wrap(f)(nf.constant(2.0))] == [3.0, 20.0]


@BOTH
def test_variables(wrap: Wrap) -> None:
    v = nf.Variable(3.0, name="v")

    @nf.custom_gradient
    def g(x: Any) -> Any:
        def grad(ct: Any, variables: Any) -> Any:
            assert variables[0] is v
            return ct * 10, [ct * 100]

        return x * v, grad

    def f(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = g(x)
        return tape.gradient(y, [x, v])

    assert [float(t) for t in wrap(f)(nf.constant(2.0))] == [10.0, 100.0]

    @nf.custom_gradient
    def bad(x: Any) -> Any:
        return x * v, lambda ct: ct

    with pytest.raises(TypeError, match="its gradient does not take `variables`\n  variables: v:0"):
        bad(nf.constant(1.0))


def test_a_wrong_number_of_gradients() -> None:
    x = nf.constant(1.0)
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = nf.custom_gradient(lambda a, b: (a * b, lambda ct: ct))(x, x)
    with pytest.raises(ValueError, match="gives 1 gradients for 2 arguments and 0 variables"):
        tape.gradient(y, x)


def test_a_rule_in_a_compiled_function_under_a_tape() -> None:
    scale = nf.constant([10.0, 20.0])

    @nf.custom_gradient
    def g(x: Any) -> Any:
        e = nf.exp(x)
        return e * 2, lambda ct: ct * e * scale * int(x.shape[0])

    f = nf.function(lambda x: g(x * 1.0))
    for n in (2, 3, 5):
        x = nf.zeros([n, 2])
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        assert tape.gradient(y, x).numpy().tolist() == [[10.0 * n, 20.0 * n]] * n


def test_a_gradient_with_a_tape_of_its_own_around_a_compiled_function() -> None:
    """The rule runs while the compiled gradient is made: tapes and variables work there."""
    v = nf.Variable(2.0)

    @nf.custom_gradient
    def f(x: Any) -> Any:
        def grad(ct: Any, variables: Any = None) -> Any:
            with nf.GradientTape() as tape:
                tape.watch(x)
                y = nf.sin(x * v)
            of_x, of_v = tape.gradient(y, [x, v], output_gradients=ct)
            return of_x * 10.0, [of_v]

        return nf.sin(x * v), grad

    x = nf.constant(0.3)
    want = [10 * 2 * np.cos(0.6), 0.3 * np.cos(0.6)]
    for g in (f, nf.function(f), nf.function(lambda x: f(x) + 0.0)):
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = g(x)
        np.testing.assert_allclose(tape.gradient(y, [x, v]), want, rtol=1e-6)


def test_what_the_gradient_of_a_compiled_function_may_not_do() -> None:
    v = nf.Variable(2.0, trainable=False, name="v")

    def with_rule(rule: Any) -> Any:
        @nf.function
        @nf.custom_gradient
        def f(x: Any) -> Any:
            return x * 2, rule

        x = nf.constant(1.0)
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, x)

    with pytest.raises(GraphError, match="reads variable v:0, which the function does not"):
        with_rule(lambda ct: ct * v)
    with pytest.raises(GraphError, match="assigns to variable v:0"):
        with_rule(lambda ct: v.assign(ct) and ct)
