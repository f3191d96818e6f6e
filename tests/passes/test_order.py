"""Effects keep their program order: what waits for what, and fusion that respects it."""

from __future__ import annotations

import sys
from typing import Any

import numflow as nf
from numflow.codegen.steps import HostStep
from numflow.graph.graph import Node
from numflow.passes.order import earlier_effects, ordered


def _graph(function: Any) -> Any:
    return nf.function(function).get_concrete_function(nf.TensorSpec([3])).graph


def _program(x: nf.Tensor) -> nf.Tensor:
    y = nf.exp(x)
    nf.debugging.assert_positive(y)
    nf.debugging.assert_less(y, 9.0)
    nf.print(y, output_stream=sys.stdout)
    nf.debugging.assert_less(x, 5.0)
    nf.print("end", output_stream=sys.stdout)
    return nf.tanh(y)


def test_hosts_wait_for_all_before_them_and_checks_for_hosts() -> None:
    graph = _graph(_program)
    effects = [n for n in graph.nodes if ordered([n])]
    places = {n: k for k, n in enumerate(effects)}
    found = earlier_effects(graph)
    assert [n.op.name for n in effects] == ["assert", "assert", "print", "assert", "print"]
    assert [[places[e] for e in found[n]] for n in effects] == [[], [], [0, 1], [2], [2, 3]]


def test_one_effect_has_no_order() -> None:
    graph = _graph(lambda x: [nf.debugging.assert_positive(x), nf.exp(x)][1])
    assert earlier_effects(graph) == {}


def test_steps_keep_the_order() -> None:
    """Both first checks run before the first print, the third between the two."""
    f = nf.function(_program)
    executable: Any = f.get_concrete_function(nf.TensorSpec([3])).plain()
    order: list[Node] = []
    for step in executable.program.steps:
        assert not isinstance(step, HostStep) or len(step.nodes) == 1
        order += [n for n in step.nodes if ordered([n])]
    assert [n.op.name for n in order] == ["assert", "assert", "print", "assert", "print"]
