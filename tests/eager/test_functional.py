"""grad, value_and_grad, recompute_grad, grad_pass_through."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.errors import DTypeError, ShapeError

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
BOTH = pytest.mark.parametrize("wrap", [lambda f: f, nf.function], ids=["eager", "traced"])


@BOTH
def test_grad_of_numbers_and_structures(wrap: Wrap) -> None:
    def f(p: Any, x: Any) -> Any:
        return nf.reduce_sum((p["a"] * x + p["b"][0]) ** 2)

    p, x = {"a": nf.constant(2.0), "b": [nf.constant(1.0)]}, nf.constant([1.0, 3.0])
    value, slopes = wrap(nf.value_and_grad(f))(p, x)
    assert float(value) == 58.0 and float(slopes["a"]) == 48.0 and float(slopes["b"][0]) == 20.0
    both = wrap(nf.grad(f, argnums=(1, 0)))(p, x)
    np.testing.assert_array_equal(both[0], [12.0, 28.0])
    assert float(both[1]["a"]) == 48.0
    assert float(wrap(nf.grad(lambda x: x * x, argnums=-1))(nf.constant(3.0))) == 6.0


@BOTH
def test_grad_nests_without_mixing_up_its_levels(wrap: Wrap) -> None:
    def inner(x: Any) -> Any:
        return nf.grad(lambda y: x + y)(x)

    def f(x: Any) -> Any:
        return x * inner(x)

    assert float(wrap(nf.grad(f))(nf.constant(1.0))) == 1.0

    def cube(x: Any) -> Any:
        return x**3

    assert float(wrap(nf.grad(nf.grad(nf.grad(cube))))(nf.constant(2.0))) == 6.0


@BOTH
def test_aux_and_variables(wrap: Wrap) -> None:
    v = nf.Variable(3.0)

    def f(w: Any, scale: float = 1.0) -> Any:
        return w * w * scale, {"twice": w * 2}

    value_and_slope = nf.value_and_grad(lambda x: f(v, x), has_aux=True)
    (value, aux), slope = wrap(value_and_slope)(nf.constant(2.0))
    assert [float(t) for t in (value, aux["twice"], slope)] == [18.0, 6.0, 9.0]
    slope, aux = nf.grad(f, has_aux=True)(v, scale=10.0)
    assert float(slope) == 60.0 and float(aux["twice"]) == 6.0
    assert float(nf.grad(lambda x, y: x)(1.0, 2.0)) == 1.0
    assert float(nf.grad(lambda x, y: x, 1)(1.0, 2.0)) == 0.0, "zero where nothing is connected"


def test_what_grad_refuses() -> None:
    with pytest.raises(DTypeError, match="an argument is not floating"):
        nf.grad(lambda x: x * 2.0)(3)
    with pytest.raises(ShapeError, match="the function's value is no scalar"):
        nf.grad(lambda x: x * 2)(nf.ones([2]))
    with pytest.raises(DTypeError, match="the function's value is not floating"):
        nf.grad(lambda x: nf.cast(x, nf.int32))(1.0)
    with pytest.raises(TypeError, match=r"returns a pair \(scalar, aux\)"):
        nf.grad(lambda x: x, has_aux=True)(1.0)
    with pytest.raises(IndexError, match="no positional argument 1, of 1"):
        nf.grad(lambda x: x, 1)(1.0)
    with pytest.raises(TypeError, match="is no function"):
        nf.grad(3)  # type: ignore[arg-type]


@BOTH
def test_recomputed_gradients_equal_the_ordinary(wrap: Wrap) -> None:
    v = nf.Variable([2.0, 3.0])

    def block(x: Any, n: Any, scale: float = 1.0) -> Any:
        return nf.exp(x) * v * scale, x * v

    def slopes(f: Callable[..., Any]) -> Callable[..., Any]:
        def run(x: Any, n: Any) -> Any:
            with nf.GradientTape() as outer:
                outer.watch(x)
                with nf.GradientTape() as tape:
                    tape.watch(x)
                    y, z = f(x, n, scale=2.0)
                first = tape.gradient([y * y, z], [x, v])
            return [*first, *outer.gradient(first, [x, v])]

        return run

    x, n = nf.constant([0.5, -0.5]), nf.constant(3)
    want = slopes(block)(x, n)
    recomputed = nf.recompute_grad(block)
    for a, b in zip(wrap(slopes(recomputed))(x, n), want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    compiled = nf.function(recomputed)
    with nf.GradientTape() as tape:
        tape.watch(x)
        y, z = compiled(x, n, scale=2.0)
    for a, b in zip(tape.gradient([y * y, z], [x, v]), want, strict=False):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_recomputing_runs_the_function_twice_and_records_nothing_of_the_first_run() -> None:
    runs: list[int] = []

    @nf.recompute_grad
    def block(x: Any) -> Any:
        """Doc."""
        runs.append(1)
        return nf.sin(nf.sin(nf.sin(x)))

    x = nf.constant(1.0)
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = block(x)
    assert len(runs) == 1 and block.__doc__ == "Doc."
    assert [r.op.name for r in tape._records] == ["custom_gradient"]
    tape.gradient(y, x)
    assert len(runs) == 2


@BOTH
def test_a_gradient_that_passes_through(wrap: Wrap) -> None:
    v = nf.Variable(5.0)

    def f(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.grad_pass_through(lambda x: nf.round(x) * v)(x) * 3
        return (y, *tape.gradient(y, [x, v]))

    y, of_x, of_v = wrap(f)(nf.constant(1.4))
    assert float(y) == 15.0 and float(of_x) == 3.0 and of_v is None


def test_a_compiled_step_that_recomputes_needs_less_memory() -> None:
    def block(x: Any) -> Any:
        for _ in range(3):
            x = nf.reduce_sum(nf.sin(x[:, :, None] * x[:, None, :]), axis=2) / 10.0
        return x

    def step(block: Callable[..., Any]) -> Callable[..., Any]:
        def run(x: Any) -> Any:
            with nf.GradientTape() as tape:
                tape.watch(x)
                y = x
                for _ in range(4):
                    y = block(y)
            return tape.gradient(y, x)

        return run

    def arena(f: Any) -> float:
        """Kilobytes of all intermediate results."""
        found = re.search(r"arena: ([\d.]+) (KB|MB)", str(f.explain(x)))
        assert found is not None
        return float(found[1]) * (1024 if found[2] == "MB" else 1)

    x = nf.constant(np.random.default_rng(0).uniform(size=(30, 20)).astype(np.float32))
    plain, recomputed = (nf.function(step(b)) for b in (block, nf.recompute_grad(block)))
    np.testing.assert_allclose(recomputed(x), plain(x), rtol=1e-5)
    assert arena(recomputed) < 0.7 * arena(plain)
