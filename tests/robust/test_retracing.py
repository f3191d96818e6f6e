"""How often a function is traced, and what is compiled for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.kernels import background, engine
from tests.robust.training import classification


def test_a_hundred_batch_sizes() -> None:
    """The second size makes the axis symbolic; plans follow, kernels stay."""
    w = nf.Variable(np.ones((11, 5), np.float32))

    @nf.function
    def f(x: Any) -> Any:
        with nf.GradientTape() as tape:
            loss = nf.reduce_mean(nf.tanh(x @ w))
        return loss, tape.gradient(loss, w)

    for rows in (64, 63, 3, 2, 1):  # products of few rows have kernels of their own
        f(np.ones((rows, 11), np.float32))
    background.finish()  # tiles of products, of other heights
    compiled = engine.compiles()
    for rows in range(1, 101):
        loss, gradient = f(np.ones((rows, 11), np.float32))
        assert float(loss) == pytest.approx(np.tanh(11.0))
        assert gradient.shape == (11, 5)
    assert f.experimental_get_tracing_count() <= 3
    assert engine.compiles() == compiled


def test_a_hundred_python_floats() -> None:
    f = nf.function(lambda x, rate: x * rate)
    x = nf.constant([1.0, 2.0])
    for k in range(100):
        assert f(x, k / 7).numpy() == pytest.approx([k / 7, 2 * k / 7])
    assert f.experimental_get_tracing_count() == 1


def test_a_short_last_batch_compiles_nothing() -> None:
    training = classification()
    x, labels = next(training.batches)
    training.step(x, labels)
    training.step(x[:101], labels[:101])
    background.finish()  # tiles of products, of other heights
    compiled = engine.compiles()
    traces = training.step.experimental_get_tracing_count()
    for rows in (5, 17, 53, 126):
        training.step(x[:rows], labels[:rows])
    assert engine.compiles() == compiled
    assert training.step.experimental_get_tracing_count() == traces


def test_a_fused_kernel_is_compiled_once_for_all_shapes_of_a_rank() -> None:
    f = nf.function(lambda x, b: nf.exp(x) * b - nf.tanh(x))
    rng = np.random.default_rng(0)
    compiled = None
    for _ in range(50):
        rows, columns = rng.integers(1, 90, 2)
        x = rng.normal(size=(rows, columns)).astype(np.float32)
        b = rng.normal(size=columns).astype(np.float32)
        np.testing.assert_allclose(
            f(x, b).numpy(), np.exp(x) * b - np.tanh(x), rtol=2e-5, atol=1e-5
        )
        if compiled is None and f.experimental_get_tracing_count() > 1:
            compiled = engine.compiles()
    assert f.experimental_get_tracing_count() <= 3
    assert compiled is not None and engine.compiles() <= compiled + 2  # sizes of one


def test_constants_of_a_trace() -> None:
    """bool, int and str each get a trace of their own; equal ones share it."""
    f = nf.function(lambda x, k, flag, name: x * k if flag else x + len(name))
    x = nf.constant(3.0)
    for _ in range(3):
        assert float(f(x, 2, True, "ab")) == 6.0
        assert float(f(x, 3, True, "ab")) == 9.0
        assert float(f(x, 2, False, "ab")) == 5.0
        assert float(f(x, 2, False, "abc")) == 6.0
    assert f.experimental_get_tracing_count() == 4
