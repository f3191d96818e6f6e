"""What passes make of branches and loops (passes/control_flow.py, passes/same_loop.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

import numflow as nf
from numflow.graph.graph import Graph
from numflow.graph.reference import run_reference
from numflow.graph.text import parse
from numflow.graph.verify import verify
from numflow.ops.control import cond_op, while_op
from numflow.passes import run_passes
from numflow.runtime.profile import profile


def _graphs(f: Any, *args: Any) -> tuple[Graph, Graph]:
    """A function's graph as traced, and behind the passes, which agree."""
    before = nf.function(f).get_concrete_function(*args).graph
    after = run_passes(before, check=True)
    arrays = [np.asarray(x) for x in args]
    captured = [np.asarray(before.captures[v]) for v in before.inputs[len(arrays) :]]
    want = run_reference(before, [*arrays, *captured])
    for a, b in zip(run_reference(after, [*arrays, *captured]), want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    verify(after)
    return before, after


def _loops(graph: Graph) -> list[Any]:
    return [n for n in graph.nodes if n.op is while_op]


def test_loop_variables_that_nobody_wants_go() -> None:
    """The number of the iteration too, where the user counts."""

    def f(x: Any) -> Any:
        body = lambda k, a, b, c: (k + 1, a * 2.0, b + a, c + 1.0)  # noqa: E731
        return nf.while_loop(lambda k, *_: k < 3, body, [0, x, x, x])[1]

    before, after = _graphs(f, nf.constant(1.5))
    assert len(_loops(before)[0].outputs) == 5
    assert len(_loops(after)[0].outputs) == 2


def test_what_never_changes_is_captured() -> None:
    """A loop variable that the body hands on as it is."""

    def f(x: Any, y: Any) -> Any:
        return nf.while_loop(lambda k, *_: k < 3, lambda k, a, b: (k + 1, a * b, b), [0, x, y])

    _, after = _graphs(f, nf.constant(1.5), nf.constant(0.5))
    (loop,) = _loops(after)
    assert len(loop.outputs) == 2 and len(loop.inputs) == 3


def test_what_is_the_same_in_every_iteration_is_computed_in_front() -> None:
    """An exponential of a captured value; not one that could refuse."""

    def f(x: Any, w: Any, k: Any) -> Any:
        body = lambda i, s: (i + 1, s + nf.exp(w) * nf.gather(w, k))  # noqa: E731
        return nf.while_loop(lambda i, _: i < 3, body, [0, x])[1]

    args = nf.ones([2]), nf.constant([0.5, 0.25]), nf.constant(1)
    _, after = _graphs(f, *args)
    (loop,) = _loops(after)
    assert "exp" in [n.op.name for n in after.nodes]
    inside = [n.op.name for n in loop.subgraphs[1].nodes]
    assert "exp" not in inside and "gather" in inside


def test_a_known_branch_becomes_part_of_the_graph() -> None:
    """The index is a constant once other passes have run, or from the start."""

    def f(x: Any) -> Any:
        return nf.switch_case(nf.constant(1), [lambda: x, lambda: nf.sin(x)])

    _, after = _graphs(f, nf.constant(0.5))
    assert [n.op.name for n in after.nodes] == ["sin"]


def test_a_loop_and_its_gradient_run_it_once() -> None:
    """The loop that keeps what the gradient needs takes the place of the first."""

    def f(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.while_loop(lambda k, _: k < 5, lambda k, s: (k + 1, nf.sin(s) * x), [0, x])[1]
        return y, tape.gradient(y, x)

    before, after = _graphs(f, nf.constant([0.5, 0.7]))
    assert len(_loops(before)) == 3 and len(_loops(after)) == 2
    assert not any(n.op is cond_op for g in _loops(after) for s in g.subgraphs for n in s.nodes)


def test_the_text_of_graphs_inside_reads_back() -> None:
    """A graph with loops in loops and a branch."""

    def f(x: Any) -> Any:
        def inner(s: Any) -> Any:
            return nf.while_loop(lambda j, _: j < 2, lambda j, t: (j + 1, t * x), [0, s])[1]

        def step(k: Any, s: Any) -> Any:
            return k + 1, nf.cond(s > 0.5, lambda: inner(s), lambda: s + 1.0)

        return nf.while_loop(lambda k, _: k < 4, step, [0, x])[1]

    before, after = _graphs(f, nf.constant(0.25))
    for graph in (before, after):
        text = str(graph)
        assert str(parse(text)) == text


def test_explain_and_profile_show_functions_with_loops() -> None:
    """As text, as a page, pass by pass; timed without what is inside of loops."""
    v = nf.Variable(1.0)

    @nf.function
    def f(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.reduce_sum(nf.scan(lambda a, r: nf.tanh(a + r), x))
        y = nf.cond(y > 0.0, lambda: y * 2.0, lambda: nf.reduce_sum(x))
        nf.while_loop(lambda k: k < 3, lambda k: (v.assign_add(1.0), k + 1)[1], [0])
        return y, tape.gradient(y, x)

    x = nf.ones([5, 3])
    f(x)
    report = f.explain(x)
    assert "loop: while_loop" in str(report) and "in registers" in str(report)
    assert "<svg" in report._repr_html_() and "while_loop" in str(f.explain(x, passes=True))
    before = v.numpy()
    profile(f._latest._compiled.plain(), [np.asarray(x)])
    assert v.numpy() == before  # put back
