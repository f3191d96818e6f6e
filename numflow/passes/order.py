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
        if node.op.effect == "host":
            found[node] = [*host, *checks]
            host, checks = [node], []
        elif node.op.effect == "check":
            found[node] = host
            checks.append(node)
    return found if len(found) > 1 else {}


def ordered(nodes: Iterable[Node]) -> bool:
    """Whether nodes have an effect that keeps its place in the order."""
    return any(n.op.effect in ("host", "check") for n in nodes)
