"""Run a loop once where its gradient runs it again to keep what each iteration began with.

Before                                          After
  %3, %4 = while_loop(%0, %1, ...)                %5, %6, %7 = while_loop(%0, %1, %2, ...)
  %5, %6, %7 = while_loop(%0, %1, %2, ...)
  return %4, %7                                   return %6, %7

Why: a gradient is asked for when the loop is in the graph already, so it adds a second one that
fills stacks beside (control/gradients.py). The second takes the first one's place, with all that it
needs; not where that depends on the first, as its number of iterations may.
"""

from __future__ import annotations

from numflow.graph.building import with_inputs
from numflow.graph.graph import Graph, Node, Value
from numflow.ops.control import extended, while_op
from numflow.passes.needed import needed_behind


def same_loop(graph: Graph) -> Graph:
    """An equal graph without loops of which another computes the same and more."""
    while True:
        found = _merged(graph)
        if found is None:
            return graph
        graph = found


def _merged(graph: Graph) -> Graph | None:
    """The graph with one loop less; None where there is none to spare."""
    loops: dict[Graph, Node] = {}  # by body
    place = {node: k for k, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        if node.op is not while_op:
            continue
        first = loops.get(extended.get(node.subgraphs[1]))  # type: ignore[arg-type]
        if (
            first is not None
            and node.inputs[: len(first.outputs)] == first.inputs[: len(first.outputs)]
        ):
            needed = needed_behind(graph, node, first, place)
            if needed is not None:
                return _with(graph, first, node, needed)
        loops.setdefault(node.subgraphs[1], node)
    return None


def _same_start(first: Node, loop: Node) -> bool:
    count = len(first.outputs)
    return loop.inputs[:count] == first.inputs[:count]


def _with(graph: Graph, first: Node, loop: Node, needed: list[Node]) -> Graph:
    """The graph with loop, and what it needs, in the place of first."""
    new: dict[Value, Value] = dict(zip(first.outputs, loop.outputs, strict=False))
    moved: dict[Node, Node] = {first: loop}
    early = {*needed, loop}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node is first:
            nodes += [*needed, loop]
            continue
        if node in early:
            continue
        copy = with_inputs(node, new, moved)
        if copy is not node:
            moved[node] = copy
            new.update(zip(node.outputs, copy.outputs, strict=True))
        nodes.append(copy)
    outputs = tuple(new.get(v, v) for v in graph.outputs)
    return Graph(graph.inputs, tuple(nodes), outputs, graph.captures, graph.name)
