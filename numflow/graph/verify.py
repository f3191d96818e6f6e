"""Well-formedness of graphs: what every pass may rely on, and must leave behind.

defined        a node's inputs are inputs of the graph or outputs of earlier nodes; so are the
               graph's outputs
once           no value is defined twice, and outputs name their node and place
specs          output specs are what the op's shape rule gives
symbols        every symbolic size derives from symbols that the inputs bind, or earlier bind_sizes
order          control inputs come earlier
content        sizes that are followed have their value's shape
captures       captured tensors belong to inputs
"""

from __future__ import annotations

from collections.abc import Iterable

from numflow.errors import InternalError, explain
from numflow.graph.graph import Graph, Node, Value, bound_symbols, named_symbols


def verify(graph: Graph, sizes: Iterable[str] = ()) -> None:
    """Check the rules above, in subgraphs too; sizes: names of those that a graph around it binds.

    Raises:
      InternalError: a rule is broken; the message names node and rule.
    """
    defined: set[Value] = set()
    bound = graph.symbols().union(sizes)
    for k, v in enumerate(graph.inputs):
        if v in defined or v.node is not None:
            raise _broken("once", f"input {k} is defined elsewhere", None)
        defined.add(v)
    for v in graph.captures:
        if v not in defined:
            raise _broken("captures", f"{v} is captured and no input", None)
    earlier: set[Node] = set()
    for place, node in enumerate(graph.nodes):
        _verify_node(node, place, defined, earlier, bound)
        defined.update(node.outputs)
        earlier.add(node)
        bound.update(bound_symbols(node))
    for k, v in enumerate(graph.outputs):
        if v not in defined:
            raise _broken("defined", f"output {k} of the graph is made by no node", v.node)


def _verify_node(
    node: Node, place: int, defined: set[Value], earlier: set[Node], bound: set[str]
) -> None:
    for k, v in enumerate(node.inputs):
        if v not in defined:
            raise _broken("defined", f"input {k} of node {place} is not defined yet", node)
    for k, v in enumerate(node.outputs):
        if v in defined or v.node is not node or v.index != k:
            raise _broken("once", f"output {k} of node {place} is another node's", node)
        if v.content is not None and v.content.shape != v.spec.shape:
            raise _broken("content", f"content of shape {v.content.shape} in {v.spec}", node)
    for n in node.control_inputs:
        if n not in earlier:
            raise _broken("order", f"node {place} comes before a control input", node)
    have = tuple(v.spec for v in node.outputs)
    free = named_symbols(node) - bound
    if free:
        names = ", ".join(sorted(free))
        raise _broken("symbols", f"node {place} needs {names}, which nothing binds", node)
    for inner in node.subgraphs:
        verify(inner, bound)
    want = node.op.specs([v.spec for v in node.inputs], node.attrs)
    if have != want:
        shown = [" and ".join(map(str, s)) or "nothing" for s in (have, want)]
        raise _broken("specs", f"node {place} gives {shown[0]}, its rule {shown[1]}", node)


def _broken(rule: str, problem: str, node: Node | None) -> InternalError:
    name = node.op.name if node is not None else "graph"
    line = node.line if node is not None else None
    return InternalError(explain(name, f"the graph breaks the rule `{rule}`: {problem}", line=line))
