"""Compute once what is computed twice (common subexpressions).

Before                                       After
  %1 = exp(%0)                                 %1 = exp(%0)
  %2 = exp(%0)                                 %2 = multiply(%1, %1)
  %3 = multiply(%1, %2)                        return %2
  return %3

Why: a gradient repeats parts of the forward pass, and ops written with other ops repeat each
     other. Names and source lines do not count. Two reads of a variable are one if nothing is
     written between them; random ops are never merged.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from numflow.dtypes import DType
from numflow.graph.building import with_inputs
from numflow.graph.graph import Graph, Node, Value
from numflow.ops import comparisons, select
from numflow.ops import math as maths
from numflow.shapes import Dim

_SYMMETRIC = {  # equal to the last bit with their operands exchanged
    maths.add_op,
    maths.multiply_op,
    comparisons.equal_op,
    comparisons.not_equal_op,
    select.logical_and_op,
    select.logical_or_op,
}
_LARGE = 1 << 20  # bytes: larger constants are equal only if they are the same array
_PLAIN = {int, bool, str, bytes, type(None), Dim, DType}


def cse(graph: Graph) -> Graph:
    """An equal graph without two pure nodes of the same op, inputs and attributes."""
    keys = Keys()
    seen: dict[Hashable, Node] = {}
    new: dict[Value, Value] = {}
    moved: dict[Node, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        copy = with_inputs(node, new, moved)
        key = keys.of(copy)
        found = copy if key is None else seen.setdefault(key, copy)
        if found is copy:
            nodes.append(copy)
        if found is not node:
            moved[node] = found
            new.update(zip(node.outputs, found.outputs, strict=True))
    if len(nodes) == len(graph.nodes):
        return graph
    outputs = tuple(new.get(v, v) for v in graph.outputs)
    return Graph(graph.inputs, tuple(nodes), outputs, graph.captures, graph.name)


class Keys:
    """Keys of nodes in program order; counts what is written on the way."""

    def __init__(self) -> None:
        self._writes: dict[int, int] = {}  # by id of the variable
        self._barriers = 0  # nodes so far that may write any variable

    def of(self, node: Node, given: tuple[Value, ...] | None = None) -> tuple[Hashable, ...] | None:
        """Equal for nodes that compute the same; None where nothing may be merged: op, inputs,
        attributes, device, and the version of a variable.

        given: what stands for the inputs, where that are not the inputs themselves.
        """
        op = node.op
        if node.subgraphs or node.control_inputs or op.effect not in ("", "read"):
            if op.effect == "write" and "variable" in node.attrs:
                variable = id(node.attrs["variable"])
                self._writes[variable] = self._writes.get(variable, 0) + 1
            elif op.effect not in ("random", "check"):
                self._barriers += 1
            return None
        version: Hashable = None
        if op.effect == "read":
            version = (self._writes.get(id(node.attrs.get("variable")), 0), self._barriers)
        inputs: Hashable = node.inputs if given is None else given
        if op in _SYMMETRIC and len(node.inputs) == 2:
            inputs = frozenset(node.inputs if given is None else given)
        return op, inputs, frozen(node.attrs), node.device, version


def frozen(x: Any) -> Hashable:
    """A hashable value that is equal for attributes of one meaning."""
    kind = type(x)
    if kind in _PLAIN:
        return x  # type: ignore[no-any-return]
    if kind is tuple or kind is list:
        return tuple(map(frozen, x))
    if kind is dict:
        return tuple((k, frozen(x[k])) for k in sorted(x))
    if kind is float:
        return x.hex()  # type: ignore[no-any-return]  # 0.0 is not -0.0, nan is nan
    if kind is np.ndarray and x.dtype != object and x.nbytes <= _LARGE:
        return x.shape, x.dtype.str, x.tobytes()
    return "object", id(x)
