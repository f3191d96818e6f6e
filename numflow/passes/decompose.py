"""Write ops that are made of others with these others, until none is left.

Before                                       After
  %1 = softplus(%0)                            %1 = exp(%0)
                                               %2 = log1p(%1)
  return %1                                    return %2

Why: what is left is what the compiler knows: elementwise ops, folds, views and library kernels,
     which then fuse across the borders of the ops that they came from. Runs first.
"""

from __future__ import annotations

from collections.abc import Sequence

from numflow.graph.building import rebuild
from numflow.graph.graph import Graph, Node
from numflow.graph.lowering import Composite
from numflow.graph.tensor import Tensor


def decompose(graph: Graph) -> Graph:
    """An equal graph without ops whose lowering is Composite."""
    return rebuild(graph, _rule, again=True)


def _rule(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | Tensor | None:
    if not isinstance(node.op.lower, Composite):
        return None
    return node.op.lower.expand(*inputs, **node.attrs)  # type: ignore[no-any-return]
