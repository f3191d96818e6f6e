"""Run two recurrent layers that do not wait for each other as one, as those of both directions are.

Before                                                After
  %4, %5 = gru_states(%0, %2, %3, reverse=False)        %6, %7, %8, %9 = gru_states_both(
  %6, %7 = gru_states(%1, %2, %3, reverse=True)             %0, %2, %3, %1, %2, %3,
  return %4, %6                                             reverse=(0, 1))
                                                        return %6, %8

Why: each of a kernel's threads reads all weights in every step for its rows; of two layers together
it has twice the rows, of one layer only (kernels/cpu/recurrent_steps.py). The pair stands where the
first stood, behind what the second needs; not where the second depends on the first, or on an
effect or a size that comes between. Both have the same shapes, and the same attributes but
`reverse`.
"""

from __future__ import annotations

from collections.abc import Hashable

from numflow.graph.graph import Graph, Node, bind_op
from numflow.ops.recurrent_both import OF_TWO
from numflow.passes.needed import moved_up, needed_behind

NEAR = 8  # layers of one form that are tried as the second one of a pair


def both_directions(graph: Graph) -> Graph:
    """An equal graph in which such layers run in pairs."""
    while True:
        found = _paired(graph)
        if found is None:
            return graph
        graph = found


def _paired(graph: Graph) -> Graph | None:
    """The graph with one more pair; None where there is none."""
    forms: dict[Hashable, list[Node]] = {}
    for node in graph.nodes:
        if node.op in OF_TWO and not node.control_inputs:
            forms.setdefault(_form(node), []).append(node)
    place = {node: k for k, node in enumerate(graph.nodes)}
    for nodes in forms.values():
        for k, first in enumerate(nodes):
            for second in nodes[k + 1 : k + 1 + NEAR]:
                needed = needed_behind(graph, second, first, place)
                if needed is not None and all(node.op is not bind_op for node in needed):
                    return _with(graph, first, second, needed)
    return None


def _form(node: Node) -> Hashable:
    """What two layers must share."""
    attrs = tuple((name, v) for name, v in node.attrs.items() if name != "reverse")
    return node.op, tuple((v.spec.shape, v.spec.dtype) for v in node.inputs), attrs, node.device


def _with(graph: Graph, first: Node, second: Node, needed: list[Node]) -> Graph:
    """The graph with both in the place of the first, and what the second needs before them."""
    outputs = (*first.outputs, *second.outputs)
    pair = Node(
        OF_TWO[first.op],
        (*first.inputs, *second.inputs),
        {**first.attrs, "reverse": tuple(int(n.attrs["reverse"]) for n in (first, second))},
        [v.spec for v in outputs],
        first.line,
        name=first.name,
        scope=first.scope,
        device=first.device,
    )
    results = dict(zip(outputs, pair.outputs, strict=True))
    return moved_up(graph, pair, [first, second], needed, results)
