"""ForwardAccumulator: Jacobian times vector, against reverse mode and formulas."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.autodiff import ForwardAccumulator
from numflow.errors import GraphError, ShapeError
from tests.contract import Case

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
BOTH = pytest.mark.parametrize("wrap", [lambda f: f, nf.function], ids=["eager", "traced"])


def value(x: Any) -> Any:
    return nf.nest.map_structure(lambda t: None if t is None else t.numpy().tolist(), x)


@BOTH
def test_products_in_any_structure(wrap: Wrap) -> None:
    def f(x: Any) -> Any:
        with ForwardAccumulator(x, nf.constant([1.0, 0.0])) as acc:
            y, z = nf.reduce_sum(x**2), nf.constant(1.0)
        later = y * 2
        assert acc.jvp(z) is None and acc.jvp(later) is None
        return acc.jvp({"y": y, "x": [x]}), acc.jvp(z, unconnected_gradients="zero")

    assert value(wrap(f)(nf.constant([2.0, 3.0]))) == ({"y": 4.0, "x": [[1.0, 0.0]]}, 0.0)


FUNCTIONS: list[Callable[[Any], Any]] = [
    lambda x: nf.tanh(x) / (1 + x * x),
    lambda x: nf.matmul(x, x, transpose_b=True),
    lambda x: nf.nn.softmax(x) * nf.reduce_max(x, axis=1, keepdims=True),
    lambda x: nf.concat([nf.cumsum(x, 1), nf.gather(x, [1, 0, 1])], 0),
    lambda x: nf.where(x > 0.0, nf.exp(x), x) ** 3,
    lambda x: nf.split(nf.transpose(x), 3)[1],
    lambda x: nf.reduce_logsumexp(x, axis=0),
]


@BOTH
@pytest.mark.parametrize("number", range(len(FUNCTIONS)))
def test_against_reverse_mode(wrap: Wrap, number: int) -> None:
    """<ct, J t> is the same whichever side J is multiplied from."""
    r = np.random.default_rng(number)
    x, t = (nf.constant(r.normal(size=(2, 3))) for _ in range(2))

    def f(x: Any, t: Any) -> Any:
        with ForwardAccumulator(x, t) as acc, nf.GradientTape() as tape:
            tape.watch(x)
            y = FUNCTIONS[number](x)
        return acc.jvp(y), tape.gradient(y, x)

    forward, backward = wrap(f)(x, t)
    np.testing.assert_allclose(np.sum(forward), np.sum(np.asarray(backward) * t), rtol=1e-9)


@BOTH
def test_with_tapes_and_nested(wrap: Wrap) -> None:
    def f(x: Any) -> Any:
        one = nf.constant(1.0)
        with nf.GradientTape() as tape:
            tape.watch(x)
            with ForwardAccumulator(x, one) as acc:
                y = x**3
            slope = acc.jvp(y)
        back_over_forward = tape.gradient(slope, x)
        with ForwardAccumulator(x, one) as acc:
            with nf.GradientTape() as tape:
                tape.watch(x)
                y = x**3
            slope = tape.gradient(y, x)
        forward_over_back = acc.jvp(slope)
        with ForwardAccumulator(x, one) as outer:
            with ForwardAccumulator(x, one) as inner:
                y = nf.exp(x) * x
            slope = inner.jvp(y)
        return back_over_forward, forward_over_back, outer.jvp(y), outer.jvp(slope)

    x = 2.0
    want = [6 * x, 6 * x, (x + 1) * np.exp(x), (x + 2) * np.exp(x)]
    np.testing.assert_allclose(value(wrap(f)(nf.constant(x))), want, rtol=1e-6)


@BOTH
def test_variables_are_primals(wrap: Wrap) -> None:
    v = nf.Variable([2.0, 3.0])

    def f() -> Any:
        with ForwardAccumulator(v, nf.constant([1.0, 0.0])) as acc:
            with nf.GradientTape() as tape:
                y = nf.reduce_sum(v**3)
            g = tape.gradient(y, v)
        return acc.jvp(y), acc.jvp(g), acc.jvp(v)

    assert value(wrap(f)()) == (12.0, [12.0, 0.0], [1.0, 0.0])


def test_around_a_call_of_a_compiled_function() -> None:
    w = nf.Variable([[1.0, 2.0], [3.0, 4.0]])
    f = nf.function(lambda x: (nf.tanh(x @ w), nf.shape(x)))
    x, t = nf.constant([[0.1, 0.2]]), nf.constant([[1.0, -1.0]])
    for _ in range(2):
        with ForwardAccumulator(x, t) as acc:
            y, _ = f(x)
        want = (t @ w) * (1 - y * y)
        np.testing.assert_allclose(acc.jvp(y), want, rtol=1e-6)
        with ForwardAccumulator(w, nf.ones([2, 2])) as acc:
            y, _ = f(x)
        np.testing.assert_allclose(acc.jvp(y), (x @ nf.ones([2, 2])) * (1 - y * y), rtol=1e-6)


def test_a_gradient_of_the_user_counts() -> None:
    @nf.custom_gradient
    def twice(x: Any) -> Any:
        return x * 2, lambda ct: ct * 5

    x = nf.constant(3.0)
    with ForwardAccumulator(x, nf.constant(1.0)) as acc:
        y = twice(x)
    assert value(acc.jvp(y)) == 5.0


def test_stop_gradient_and_integers_have_no_tangent() -> None:
    x = nf.constant([1.5, 2.5])
    with ForwardAccumulator(x, x) as acc:
        stopped = nf.stop_gradient(x) * 2
        whole = nf.cast(x, nf.int32)
    assert acc.jvp(stopped) is None and acc.jvp(whole) is None


def test_bad_use_is_refused() -> None:
    x = nf.constant([1.0, 2.0])
    with pytest.raises(ShapeError, match="a tangent must have the primal's shape"):
        ForwardAccumulator(x, nf.constant(1.0))
    with pytest.raises(ValueError, match="a primal is named twice"):
        ForwardAccumulator([x, x], [x, x])
    with pytest.raises(ValueError, match="1 primals have 2 tangents"):
        ForwardAccumulator(x, [x, x])
    with pytest.raises(TypeError, match="a primal is a tensor or a variable, not ndarray"):
        ForwardAccumulator(np.ones(2), np.ones(2))
    with pytest.warns(UserWarning, match="watched primal must be floating"):
        ForwardAccumulator(nf.constant([1, 2]), nf.constant([1, 2]))
    acc = ForwardAccumulator(x, x)
    with acc, pytest.raises(ValueError, match="already recording"):
        acc.__enter__()
    with acc:
        y = x * 2
    assert value(acc.jvp(y)) == [2.0, 4.0], "it may be entered again"
    kept: list[Any] = []

    @nf.function
    def f(x: Any) -> Any:
        with ForwardAccumulator(x, x) as acc:
            y = x * 2
        kept.extend([acc, y])
        return y

    f(x)
    with pytest.raises(GraphError, match="used outside of it"):
        kept[0].jvp(kept[1])
    with pytest.raises(GraphError, match="belongs to the trace in which it was made"):
        kept[0].__enter__()


def cases() -> Iterator[Case]:
    """The Cases of all ops, those that have gradients."""
    for path in sorted((Path(__file__).parents[1] / "ops").glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"forward_cases_of_{path.stem}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for case in getattr(module, "CASES", ()):
            if case.gradient and case.has_floats and nf.float64 in case.dtypes:
                yield case


def test_every_op_with_a_gradient_has_a_tangent() -> None:
    """<ct, J t> equals <vjp(ct), t>, for the Cases of all ops."""
    count = 0
    for case in cases():
        arrays = case.cast(case.arrays(), nf.float64)
        r = np.random.default_rng(0)
        xs = [nf.constant(a) for a in arrays]
        floating = [x for x in xs if x.dtype.is_floating]
        ts = [nf.constant(r.normal(size=x.shape)) for x in floating]
        with ForwardAccumulator(floating, ts) as acc, nf.GradientTape() as tape:
            tape.watch(floating)
            ys = [y for y in case.run(xs) if y.dtype.is_floating]
        cts = [nf.constant(r.normal(size=y.shape)) for y in ys]
        products = acc.jvp(ys, unconnected_gradients="zero")
        gradients = tape.gradient(ys, floating, cts, unconnected_gradients="zero")
        terms = [np.asarray(p) * c for p, c in zip(products, cts, strict=True)]
        left = sum(float(np.sum(a)) for a in terms)
        right = sum(float(np.sum(np.asarray(g) * t)) for g, t in zip(gradients, ts, strict=True))
        scale = 1 + sum(float(np.sum(np.abs(a))) for a in terms)
        assert abs(left - right) <= 1e-7 * scale or not np.isfinite(right), case.name
        count += 1
    assert count > 100
