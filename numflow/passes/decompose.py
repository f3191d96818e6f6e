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

from numflow.graph.building import SymbolicTensor, rebuild
from numflow.graph.graph import Graph, Node
from numflow.graph.lowering import Composite
from numflow.graph.tensor import Tensor
from numflow.passes.lasting import Lasting


def decompose(graph: Graph) -> Graph:
    """An equal graph without ops whose lowering is Composite."""
    lasting = Lasting(graph)

    def rule(node: Node, inputs: Sequence[SymbolicTensor]) -> Sequence[Tensor] | Tensor | None:
        lower = node.op.lower
        assert isinstance(lower, Composite)
        more = {}
        if lower.lasting is not None:
            more["lasting"] = inputs[lower.lasting].value in lasting
        return lower.expand(*inputs, **node.attrs, **more)  # type: ignore[no-any-return]

    return rebuild(graph, rule, again=True, wants=_is_composite)


def _is_composite(node: Node) -> bool:
    return isinstance(node.op.lower, Composite)
