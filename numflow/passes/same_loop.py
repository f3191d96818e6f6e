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

from numflow.graph.graph import Graph, Node
from numflow.ops.control import extended, while_op
from numflow.passes.needed import moved_up, needed_behind


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
                results = dict(zip(first.outputs, node.outputs, strict=False))
                return moved_up(graph, node, [first], needed, results)
        loops.setdefault(node.subgraphs[1], node)
    return None


def _same_start(first: Node, loop: Node) -> bool:
    count = len(first.outputs)
    return loop.inputs[:count] == first.inputs[:count]
