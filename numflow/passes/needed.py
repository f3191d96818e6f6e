"""What must move for a node to run earlier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from numflow.graph.building import with_inputs
from numflow.graph.graph import Graph, Node, Value, bind_op, bound_symbols, named_symbols


def needed_behind(
    graph: Graph,
    node: Node,
    first: Node,
    place: Mapping[Node, int],
    movable: Sequence[str] = ("", "read"),
) -> list[Node] | None:
    """The nodes behind `first` that node depends on; None where that is among them, or one of
    another effect than these is."""
    binders = {name: n for n in graph.nodes if n.op is bind_op for name in bound_symbols(n)}
    found: set[Node] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop()
        makers = [v.node for v in node.inputs if v.node is not None]
        makers += [*node.control_inputs]
        if binders:
            makers += [binders[name] for name in named_symbols(node) if name in binders]
        for maker in makers:
            if maker is first or maker.op.effect not in movable:
                if place[maker] >= place[first]:
                    return None
            elif place[maker] > place[first] and maker not in found:
                found.add(maker)
                waiting.append(maker)
    return sorted(found, key=place.__getitem__)


def moved_up(
    graph: Graph,
    one: Node,
    members: Sequence[Node],
    needed: Sequence[Node],
    results: Mapping[Value, Value],
) -> Graph:
    """The graph with `one` in the place of the first of `members`, which it stands for, behind the
    nodes that it needs.

    results: for outputs of members those of `one`.
    """
    new = dict(results)
    moved = {node: one for node in members if node is not one}
    early = {one, *needed, *members}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node is members[0]:
            nodes += [*needed, one]
        elif node not in early:
            copy = with_inputs(node, new, moved)
            if copy is not node:
                moved[node] = copy
                new.update(zip(node.outputs, copy.outputs, strict=True))
            nodes.append(copy)
    outputs = tuple(new.get(v, v) for v in graph.outputs)
    return Graph(graph.inputs, tuple(nodes), outputs, graph.captures, graph.name)
