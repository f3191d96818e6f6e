"""Which nodes wait for sizes that depend on values.

The level of a node is the number of `bind_sizes`, one after the other, that it waits for: through
its inputs, or because a symbol in its shapes or attributes is bound there.

    graph(%0: f32[7], %1: bool[7])        level
      %2 = counts(%1)                     0
      %3 = bind_sizes(%2, symbols=(?1,))  0
      %4 = positions(%1, count=?1)        1
      return %4

What has one level is one segment of a program: its sizes are known when the levels before have run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from numflow.graph.graph import Graph, Node, bind_op, bound_symbols, named_symbols
from numflow.passes.order import earlier_effects


def levels(graph: Graph) -> dict[Node, int]:
    """The level of each node; empty where the graph binds no sizes, so that all have level 0."""
    if not any(node.op is bind_op for node in graph.nodes):
        return {}
    found: dict[Node, int] = {}
    known: dict[str, int] = {}  # by symbol: the level at which its number is known
    earlier = earlier_effects(graph)
    for node in graph.nodes:
        makers = (v.node for v in node.inputs)
        waits = [found[m] for m in makers if m is not None]
        waits += [found[n] for n in (*node.control_inputs, *earlier.get(node, ()))]
        waits += [known.get(name, 0) for name in named_symbols(node)]
        found[node] = max(waits, default=0)
        known |= dict.fromkeys(bound_symbols(node), found[node] + 1)
    return found


def level_of(nodes: Iterable[Node], found: Mapping[Node, int]) -> int:
    """The level of what runs as one."""
    return max((found.get(n, 0) for n in nodes), default=0)
