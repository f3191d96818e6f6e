"""The passes in order. `explain()` shows a graph between them; tests verify it there."""

from __future__ import annotations

from collections.abc import Callable

from numflow.graph.graph import Graph, Value
from numflow.graph.lowering import Library
from numflow.graph.verify import verify
from numflow.passes.constants import constants
from numflow.passes.cse import cse
from numflow.passes.dead_code import dead_code
from numflow.passes.decompose import decompose
from numflow.passes.lone_outputs import lone_outputs
from numflow.passes.simplify import simplify
from numflow.passes.unrolled_cells import unrolled_cells

Pass = Callable[[Graph], Graph]
Observer = Callable[[str, Graph], None]

RECURRENT = {
    *("lstm_states", "lstm_forward", "lstm_backward"),
    *("gru_states", "gru_forward", "gru_backward"),
    *("simple_states", "simple_forward", "simple_backward"),
}
"""The kernels of recurrent layers."""
FEW_ROWS = 1024
"""Of products that are computed whole whatever else they are (kernels/cpu/gemm_parts.py)."""


def fold_scale(graph: Graph) -> Graph:
    """See fold_scale.py, which loads where there is a convolution."""
    if not any(node.op.name in ("convolution", "depthwise") for node in graph.nodes):
        return graph
    from numflow.passes.fold_scale import fold_scale as fold

    return fold(graph)


def channels_last(graph: Graph) -> Graph:
    """See channels_last.py, which loads where there are kernels that could be of images."""
    kernels = (node for node in graph.nodes if isinstance(node.op.lower, Library))
    if not any(node.outputs[0].spec.rank > 2 for node in kernels):
        return graph
    from numflow.passes.channels_last import channels_last as sink

    return sink(graph)


def pool_gradient(graph: Graph) -> Graph:
    """See pool_gradient.py, which loads where there is such a gradient."""
    if not any(node.op.name == "pool_spread" for node in graph.nodes):
        return graph
    from numflow.passes.pool_gradient import pool_gradient as earlier

    return earlier(graph)


def joint_products(graph: Graph) -> Graph:
    """See joint_products.py, which loads where products of many rows share them, or what makes
    these is a kernel, so that their sum may be taken along."""
    seen: set[Value] = set()
    for node in graph.nodes:
        if node.op.name != "matmul" or not node.attrs["transpose_a"]:
            continue
        rows = node.inputs[1].spec.shape[0]
        root = node.inputs[1]
        while root.node is not None and root.node.op.name == "reshape":
            (root,) = root.node.inputs
        made = root.node is not None and isinstance(root.node.op.lower, Library)
        if (root in seen or made) and not (isinstance(rows, int) and rows < FEW_ROWS):
            from numflow.passes.joint_products import joint_products as join

            return join(graph)
        seen.add(root)
    return graph


def both_directions(graph: Graph) -> Graph:
    """See both_directions.py, which loads where there are several recurrent layers."""
    if sum(node.op.name in RECURRENT for node in graph.nodes) < 2:
        return graph
    from numflow.passes.both_directions import both_directions as pair

    return pair(graph)


def inside(graph: Graph) -> Graph:
    """What branches and loops hold goes through all passes first."""
    if not any(node.subgraphs for node in graph.nodes):
        return graph
    from numflow.passes.control_flow import control_flow

    return control_flow(graph, run_passes)


PASSES: tuple[Pass, ...] = (
    unrolled_cells,  # of what was traced, as it was written
    inside,
    fold_scale,
    decompose,
    dead_code,  # gradients that nobody wants are not worth a look
    constants,
    simplify,
    cse,
    channels_last,
    pool_gradient,
    constants,  # of what simplify made
    simplify,  # of what cse made equal
    cse,
    dead_code,
    joint_products,  # of all that is left
    lone_outputs,
    both_directions,  # it is known which kernels there are
)


def run_passes(graph: Graph, observe: Observer | None = None, check: bool = False) -> Graph:
    """An equal graph that is fit for fusing.

    observe: called with ("traced", graph) first, and with a pass's name and its result after each.
    check: verify each result.
    """
    if observe is not None:
        observe("traced", graph)
    if check:
        verify(graph)
    for step in PASSES:
        graph = step(graph)
        if observe is not None:
            observe(step.__name__, graph)
        if check:
            verify(graph)
    return graph
