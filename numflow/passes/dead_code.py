"""Drop what nobody needs: neither an output, nor an effect.

Before                                       After
  graph(%0: f32[2])                            graph(%0: f32[2])
    %1 = exp(%0)                                 %1 = tanh(%0)
    %2 = tanh(%0)                                return %1
    return %2

Why: gradients compute what no source asked for, and other passes leave behind what they replaced.
Inputs stay: they are the signature of the graph.
"""

from __future__ import annotations

from numflow.graph.graph import (
    Graph,
    Node,
    Value,
    bind_op,
    bound_symbols,
    has_effect,
    named_symbols,
)


def dead_code(graph: Graph) -> Graph:
    """An equal graph in which every node leads to an output, binds a size of one that does, or has
    an effect.

    A write that another write to the same variable follows, with no read between, has none.
    """
    needed: set[Value] = set(graph.outputs)
    awaited: set[Node] = set()
    overwritten: set[int] = set()  # ids of variables that are written before they are read again
    binds = any(node.op is bind_op for node in graph.nodes)
    sizes: set[str] = set()  # names of the sizes that nodes kept have
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        variable = node.attrs.get("variable") if node.op.effect else None
        if node.op.effect == "write" and variable is not None:
            if id(variable) in overwritten and node not in awaited:
                continue
            overwritten.add(id(variable))
        elif not (
            node in awaited
            or has_effect(node)
            or any(v in needed for v in node.outputs)
            or (binds and not sizes.isdisjoint(bound_symbols(node)))
        ):
            continue
        elif node.subgraphs:
            overwritten.clear()
        elif node.op.effect == "read":
            overwritten.discard(id(variable))
        kept.append(node)
        if binds:
            sizes |= named_symbols(node)
        needed.update(node.inputs)
        awaited.update(node.control_inputs)
    if len(kept) == len(graph.nodes):
        return graph
    return Graph(graph.inputs, tuple(reversed(kept)), graph.outputs, graph.captures, graph.name)
