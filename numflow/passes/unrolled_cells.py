"""Recurrent cells that Python wrote out step by step become the op of a whole sequence.

Before                                          After
  for each t:                                     %y, %h = simple_steps(%x W + b, %u, %h0)
    %1 = slice(%x, begin=(0, t, 0))               stack of all states -> %y
    %2 = reshape(%1)                              state t -> row t of %y
    %3 = matmul(%2, %w)                           the last state -> %h
    %4 = matmul(%h, %u)
    %5 = add(%3, %4)
    %h = tanh(%5)

Why: one kernel runs the sequence, one the way back, and the products of all inputs are one.

Which steps these are control/cell_steps.py finds; it loads where a quick look does not exclude that
there are any. Gradients are taken of the op, too: `with_sequences` puts it into the records of a
tape, where the trace goes on, `extended` into a finished graph. It is the same node as that of the
pass, so it runs once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from numflow.gradient.vjp import Record
from numflow.graph.building import Building
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.op import Op
from numflow.ops import joining, linalg, slicing
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.activation import relu_op
from numflow.passes import cell_finders
from numflow.passes.dead_code import dead_code

LEAST = 4
"""Steps: fewer are left as they are."""

_ACTIVATIONS = (maths.tanh_op, relu_op)
_PARTS = {
    shaping.identity_op,
    shaping.reshape_op,
    shaping.transpose_op,
    maths.cast_op,
    slicing.slice_op,
    joining.concat_op,
    maths.multiply_op,  # a mask of weights
}


# Records, and the tensors that stand for values -> records that give the same gradients.
Put = Callable[[Sequence[Record], Callable[[Value], Any]], Sequence[Record]]


class Finder:
    """What control/cell_steps.py offers; see there."""

    def rewritten(self, graph: Graph, live: Sequence[Node]) -> Graph:
        raise NotImplementedError  # abstract

    def extended(self, graph: Graph, live: Sequence[Node]) -> tuple[Graph, Put] | None:
        raise NotImplementedError  # abstract

    def records(
        self,
        records: Sequence[Record],
        building: Building,
        ends: Collection[int],
        targets: Collection[int],
        active: Collection[int] | None,
    ) -> Sequence[Record]:
        raise NotImplementedError  # abstract


def unrolled_cells(graph: Graph) -> Graph:
    """An equal graph; the nodes of the cells stay, and nobody needs them."""
    live = _looked_at(graph)
    return graph if live is None else _finder().rewritten(graph, live)


def extended(graph: Graph) -> tuple[Graph, Put]:
    """The graph with ops of whole sequences behind all else, and what puts these into records of
    its nodes: so gradients are those of the ops."""
    live = _looked_at(graph)
    found = None if live is None else _finder().extended(graph, live)
    return found or (graph, lambda records, tensor: records)


def _looked_at(graph: Graph) -> Sequence[Node] | None:
    """The nodes that somebody needs, if there may be cells."""
    if not cell_finders or not worth((n.op, n.inputs) for n in graph.nodes):
        return None
    live = dead_code(graph).nodes
    return live if worth((n.op, n.inputs) for n in live) else None


def with_sequences(
    records: Sequence[Record],
    building: Building | None,
    sources: Iterable[Any],
    targets: Iterable[Any],
    active: Collection[int] | None = None,
) -> Sequence[Record]:
    """Records that give the same gradients, by the ops of whole sequences.

    building: of the trace that goes on. sources: tensors of which gradients are wanted, or that
    stop them; targets: those that are differentiated. active: ids of the tensors that a tape
    watches, or that depend on these: the others are constant. None: there is no tape.
    """
    if building is None or not cell_finders or not worth((r.op, r.inputs) for r in records):
        return records
    ends, wanted = {id(t) for t in sources}, {id(t) for t in targets}
    return _finder().records(records, building, ends, wanted, active)


def _finder() -> Finder:
    return cell_finders[0]()  # type: ignore[no-any-return]


def worth(nodes: Iterable[tuple[Op, Sequence[Any]]]) -> bool:
    """A quick look: whether a matrix is used often enough, and activations are there at all.

    nodes: op and inputs of each, which are values or tensors.
    """
    activations = 0
    matrices: dict[Any, int] = {}
    found = False
    for op, inputs in nodes:
        if op is linalg.matmul_op:
            v = getattr(inputs[1], "value", inputs[1])
            if found or len(v.spec.shape) != 2:
                continue
            root = _root(v)
            count = matrices[root] = matrices.get(root, 0) + 1
            found = count >= LEAST
        elif op in _ACTIVATIONS:
            activations += 1
    return found and activations >= LEAST


def _root(v: Value) -> Value:
    """What a matrix is part of, or made of first of all."""
    while v.node is not None and v.node.op in _PARTS:
        v = v.node.inputs[0]
    return v
