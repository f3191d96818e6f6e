"""Ask kernels for their first outputs only, where nobody wants the others.

Before                                          After
  %1, %2 = max_pool_places(%0)                    %1 = max_pool_direct(%0)
  return %1                                       return %1

Why: an op whose gradient needs more than its result (which element of a window was the largest)
     computes both where the gradient is wanted, and loses nothing where it is not. Runs last, when
     it is known what gradients are left.
"""

from __future__ import annotations

from numflow.graph.building import with_inputs
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.lowering import Library
from numflow.graph.op import Op


def lone_outputs(graph: Graph) -> Graph:
    """An equal graph in which ops with an op for their first outputs alone are that one."""
    if all(_alone(node) is None for node in graph.nodes):
        return graph
    used = {v for node in graph.nodes for v in node.inputs} | set(graph.outputs)
    new: dict[Value, Value] = {}
    moved: dict[Node, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        copy, alone = with_inputs(node, new, moved), _alone(node)
        count = len(node.outputs)
        if alone is not None:
            count = len(alone.specs([v.spec for v in node.inputs], node.attrs))
        if alone is not None and used.isdisjoint(node.outputs[count:]):
            copy = Node(
                alone,
                copy.inputs,
                copy.attrs,
                [v.spec for v in node.outputs[:count]],
                node.line,
                name=node.name,
                scope=node.scope,
                device=node.device,
                control_inputs=copy.control_inputs,
            )
        if copy is not node:
            moved[node] = copy
            new.update(zip(node.outputs, copy.outputs, strict=False))
        nodes.append(copy)
    if not moved:
        return graph
    outputs = tuple(new.get(v, v) for v in graph.outputs)
    return Graph(graph.inputs, tuple(nodes), outputs, graph.captures, graph.name)


def _alone(node: Node) -> Op | None:
    lower = node.op.lower
    return lower.alone if isinstance(lower, Library) else None
