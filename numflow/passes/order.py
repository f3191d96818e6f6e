"""Effects keep their program order: checks that refuse, and host calls that the world notices.

Data already orders most of a graph. What it does not order: a host call comes after the host calls
and checks before it, and a check after the host call before it. So a print shows what it should
before an assertion fails, and one behind the assertion does not run. Checks need no order among
each other: of several that fail the first is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from numflow.graph.graph import Graph, Node


def earlier_effects(graph: Graph) -> Mapping[Node, Sequence[Node]]:
    """For each check and host call: those that must have run, where its inputs may not tell."""
    found: dict[Node, list[Node]] = {}
    host: list[Node] = []
    checks: list[Node] = []
    for node in graph.nodes:
        effect = effect_of(node)
        if effect == "host":
            found[node] = [*host, *checks]
            host, checks = [node], []
        elif effect == "check":
            found[node] = host
            checks.append(node)
    return found if len(found) > 1 else {}


def effect_of(node: Node) -> str:
    """What decides the place of a node in the order: "check", "host", or "" where nothing does.

    A node with graphs inside, such as a loop, counts as a host call if anything in them does.
    """
    if node.op.effect in ("host", "check"):
        return node.op.effect
    inside = (n for graph in node.subgraphs for n in graph.nodes)
    return "host" if node.subgraphs and ordered(inside) else ""


def ordered(nodes: Iterable[Node]) -> bool:
    """Whether nodes have an effect that keeps its place in the order."""
    return any(effect_of(n) for n in nodes)
