"""All passes: the same values before and after, on random graphs; order and observers."""

import numpy as np
import pytest

from numflow.graph.graph import Graph
from numflow.graph.reference import run_reference
from numflow.graph.text import parse
from numflow.graph.verify import verify
from numflow.passes.constants import constants
from numflow.passes.cse import cse
from numflow.passes.dead_code import dead_code
from numflow.passes.decompose import decompose
from numflow.passes.pipeline import PASSES, Pass, run_passes
from numflow.passes.simplify import simplify
from tests.passes.random_graphs import draw_graph, draw_inputs


def _assert_equal(before: Graph, after: Graph, seed: int) -> None:
    for n in (1, 4, 7):
        inputs = draw_inputs(before, seed, {"n": n})
        want, got = run_reference(before, inputs), run_reference(after, inputs)
        for a, b in zip(want, got, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_keep_their_values(seed: int) -> None:
    """With every pass, and after each the graph is well-formed."""
    graph = draw_graph(seed, gradient=seed % 2 == 0)
    verify(graph)
    after = run_passes(graph, check=True)
    assert len(after.nodes) <= len(decompose(graph).nodes)
    _assert_equal(graph, after, seed)


@pytest.mark.parametrize("step", [decompose, constants, simplify, cse, dead_code])
@pytest.mark.parametrize("seed", range(100, 112))
def test_each_pass_alone_keeps_the_values(step: Pass, seed: int) -> None:
    """Passes do not rely on each other for being right; run twice they change nothing more."""
    graph = draw_graph(seed, gradient=True)
    after = step(graph)
    verify(after)
    _assert_equal(graph, after, seed)
    assert str(step(after)) == str(after)


def test_a_pass_leaves_its_graph_as_it_was() -> None:
    """Passes are pure."""
    graph = draw_graph(7, gradient=True)
    text = str(graph)
    run_passes(graph)
    assert str(graph) == text
    verify(graph)


def test_a_pass_that_changes_nothing_returns_its_graph() -> None:
    """What is simple stays, to the object."""
    graph = run_passes(draw_graph(3))
    assert all(step(graph) is graph for step in PASSES)


def test_observers_see_the_graph_between_the_passes() -> None:
    """First as it was traced, then by the name of each pass."""
    graph = parse("graph(%0: f32[3])\n  %1 = negative(%0)\n  %2 = negative(%1)\n  return %2")
    seen: list[tuple[str, Graph]] = []
    after = run_passes(graph, lambda name, g: seen.append((name, g)))
    assert [name for name, _ in seen] == ["traced", *(step.__name__ for step in PASSES)]
    assert seen[0][1] is graph and seen[-1][1] is after
    assert str(after) == "graph(%0: f32[3])\n  return %0"
