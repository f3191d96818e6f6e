"""Drawn programs of loops and branches: traced as eager, values and derivatives."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.graph.reference import run_reference
from numflow.graph.text import parse
from numflow.graph.verify import verify
from numflow.passes import run_passes

_spec = importlib.util.spec_from_file_location("drawn", Path(__file__).with_name("drawn.py"))
assert _spec is not None and _spec.loader is not None
drawn: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(drawn)

# Compiling takes what a test may take: derivatives run by the reference, a few by machine code.
FEW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
FEWEST = settings(FEW, max_examples=3)
X = nf.constant(np.array([0.4, -0.3]))


def _interpreted(f: Any, *args: Any) -> list[Any]:
    """What a traced function gives, by the slow interpreter."""
    concrete = nf.function(f).get_concrete_function(*args)
    graph = concrete.graph
    arrays = [np.asarray(a) for a, v in zip(args, graph.inputs, strict=False)]
    captured = [np.asarray(graph.captures[v]) for v in graph.inputs[len(args) :]]
    found = run_reference(graph, [*arrays, *captured])
    return nf.nest.flatten(concrete._traced.pack([nf.constant(a) for a in found]))


def _same(have: Any, want: Any, rtol: float) -> None:
    for a, b in zip(nf.nest.flatten(have), nf.nest.flatten(want), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=rtol, atol=1e-9)


@FEWEST
@given(drawn.programs, st.integers(0, 3))
def test_a_traced_program_gives_what_python_gives(program: Any, count: int) -> None:
    """Values to the last digits, in float64."""
    n = nf.constant(count)

    def f(x: Any, n: Any) -> Any:
        return drawn.run(program, x, n)

    _same(nf.function(f)(X, n), f(X, n), 1e-9)


@settings(FEW, max_examples=8)
@given(drawn.programs, st.integers(0, 3))
def test_a_program_of_scalars_runs_in_registers(program: Any, count: int) -> None:
    """Its value and derivative: loops of scalars are kernels of their own."""
    f, x, n = drawn.derivatives(program, 1), nf.constant(0.4, nf.float64), nf.constant(count)
    _same(nf.function(f)(x, n), f(x, n), 1e-9)


@FEW
@given(drawn.programs, st.integers(1, 3))
def test_passes_keep_the_value_and_the_rules(program: Any, count: int) -> None:
    """The reference gives the same before and after the passes, and verify holds throughout."""
    f = nf.function(lambda x, n: drawn.run(program, x, n))
    n = nf.constant(count)
    graph = f.get_concrete_function(X, n).graph
    verify(graph)
    done = run_passes(graph, check=True)
    arrays = [np.asarray(X), np.asarray(n)][: len(graph.inputs)]
    for a, b in zip(run_reference(graph, arrays), run_reference(done, arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    assert str(parse(str(graph))) == str(graph)


@FEW
@given(drawn.programs, st.integers(0, 3))
def test_gradients_inside_a_function_are_those_of_an_eager_tape(program: Any, count: int) -> None:
    """First derivatives, taken while tracing."""
    f, n = drawn.derivatives(program, 1), nf.constant(count)
    _same(_interpreted(f, X, n), f(X, n), 1e-8)


@FEW
@given(drawn.programs, st.integers(0, 3))
def test_second_derivatives_are_those_of_an_eager_tape(program: Any, count: int) -> None:
    """The gradient of a gradient, both taken while tracing."""
    f, n = drawn.derivatives(program, 2), nf.constant(count)
    _same(_interpreted(f, X, n), f(X, n), 1e-7)


@FEWEST
@given(drawn.programs, st.integers(0, 3))
def test_compiled_derivatives(program: Any, count: int) -> None:
    """First derivatives, by machine code."""
    f, n = drawn.derivatives(program, 1), nf.constant(count)
    _same(nf.function(f)(X, n), f(X, n), 1e-8)


@FEWEST
@given(drawn.programs, st.integers(0, 3))
def test_a_tape_around_a_compiled_function(program: Any, count: int) -> None:
    """The pullback of a compiled loop is compiled too."""
    n = nf.constant(count)
    f = nf.function(lambda x, n: nf.reduce_sum(nf.stack(drawn.run(program, x, n)) ** 2))
    with nf.GradientTape() as tape:
        tape.watch(X)
        y = f(X, n)
    _same([y, tape.gradient(y, X)], drawn.derivatives(program, 1)(X, n), 1e-8)
