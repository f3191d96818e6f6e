"""Programs do not compute what only the message of a check needs.

Before                                       After
  %2 = less(%0, %1)                            %2 = less(%0, %1)
  %3 = exp(%0)                                 %3 = assert(%2)
  %4 = assert(%2, %3)

Why: a check that holds should cost a comparison. Where one fails, the graph with the message's
inputs is run by references (runtime/refusal.py).
"""

from __future__ import annotations

from numflow.graph.building import with_inputs
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.lowering import Checked
from numflow.passes.dead_code import dead_code


def without_messages(graph: Graph) -> Graph:
    """A graph whose checks take only what they look at; itself where they do."""
    if not any(_tells(n) or _implied(n) for n in graph.nodes):
        return graph
    new: dict[Value, Value] = {}
    moved: dict[Node, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        if _implied(node):
            continue
        copy = with_inputs(node, new, moved)
        if _tells(copy):
            copy = Node(
                copy.op,
                copy.inputs[:1],
                copy.attrs,
                [v.spec for v in copy.outputs],
                copy.line,
                name=copy.name,
                scope=copy.scope,
                device=copy.device,
                control_inputs=copy.control_inputs,
            )
        if copy is not node:
            moved[node] = copy
            new.update(zip(node.outputs, copy.outputs, strict=True))
        nodes.append(copy)
    outputs = tuple(new.get(v, v) for v in graph.outputs)
    return dead_code(Graph(graph.inputs, tuple(nodes), outputs, graph.captures, graph.name))


def _implied(node: Node) -> bool:
    """Whether a check is there only to say where what another one sees began."""
    return bool(getattr(node.attrs.get("origin"), "implied", False))


def _tells(node: Node) -> bool:
    return isinstance(node.op.lower, Checked) and len(node.inputs) > 1
