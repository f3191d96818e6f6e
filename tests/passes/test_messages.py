"""Programs do not compute what only the message of a check needs."""

from __future__ import annotations

import numflow as nf
from numflow.passes.messages import without_messages


def test_what_only_a_message_needs_is_gone() -> None:
    """The check stays, with what it looks at."""

    @nf.function
    def f(x: nf.Tensor) -> nf.Tensor:
        nf.debugging.Assert(nf.reduce_all(x < 2.0), [nf.tan(x), "text"])
        return x + 1.0

    graph = f.get_concrete_function(nf.TensorSpec([3])).graph
    lean = without_messages(graph)
    names = [n.op.name for n in lean.nodes]
    assert "tan" in [n.op.name for n in graph.nodes] and "tan" not in names
    (check,) = [n for n in lean.nodes if n.op.name == "assert"]
    assert len(check.inputs) == 1
    assert any(n.attrs is check.attrs for n in graph.nodes)
    assert without_messages(lean) is lean


def test_a_graph_without_checks_stays_as_it_is() -> None:
    graph = nf.function(lambda x: x + 1.0).get_concrete_function(nf.TensorSpec([3])).graph
    assert without_messages(graph) is graph
