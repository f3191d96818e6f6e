"""Compute now what does not depend on the inputs, as long as it is small.

Before                                       After
  %0 = constant([1.0, 2.0])
  %1 = exp(%0)                                 %0 = constant([2.718, 7.389])
  %2 = sizes(sizes=(2, 3))                     %1 = constant([2, 3])

Small integers that derive from sizes become one `sizes` node, which is evaluated when a call is
planned. An array of equal elements becomes its one element, broadcast: code can then hold it in a
register.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.errors import OpError
from numflow.graph.building import Building, rebuild
from numflow.graph.graph import Graph, Node, bind_op, constant_op, sizes_op
from numflow.graph.lowering import Library
from numflow.graph.op import Array, current
from numflow.graph.tensor import Tensor
from numflow.ops import shape as shaping
from numflow.shapes import Dim

SMALL = 64  # elements: folding may make so many of fewer
LARGE = (
    1 << 16
)  # elements: larger arrays are neither folded nor searched for being of equal elements


def constants(graph: Graph) -> Graph:
    """An equal graph whose small constant subexpressions are constants."""
    return rebuild(graph, _rule, wants=_may_be_constant)


def _may_be_constant(node: Node) -> bool:
    if node.op.effect or node.subgraphs or not node.outputs or node.op is bind_op:
        return False
    if node.op is constant_op or node.outputs[0].content is not None:
        return True
    return _constant_inputs(node) is not None


def _constant_inputs(node: Node) -> list[Array] | None:
    """The arrays that node is made of; None where one is not known, or there are none."""
    arrays = []
    for value in node.inputs:
        maker = value.node
        if maker is None or maker.op is not constant_op:
            return None
        arrays.append(maker.attrs["value"])
    return arrays or None


def _rule(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | Tensor | None:
    if node.op is constant_op:
        return _uniform(node.attrs["value"])
    known = _known(node)
    if known is not None:
        return known
    arrays = _constant_inputs(node)
    return None if arrays is None else _folded(node, arrays)


def _uniform(array: Array) -> Tensor | None:
    """The one element of an array, broadcast; None where elements differ, or there is one only."""
    if not 1 < array.size <= LARGE or array.dtype == object:
        return None
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat[0] != flat[-1]:
        return None
    bits = flat.view(np.uint8).reshape(flat.size, -1)  # 0.0 is not -0.0, nan is nan
    if not (bits == bits[0]).all():
        return None
    one = current().constant(flat[0].reshape(()))
    return shaping.broadcast_op(one, shape=array.shape)  # type: ignore[no-any-return]


def _known(node: Node) -> Tensor | None:
    """A node whose elements are integers or sizes known now, as a constant or a sizes node."""
    if len(node.outputs) != 1 or node.outputs[0].content is None:
        return None
    content, dtype = node.outputs[0].content, node.outputs[0].spec.dtype
    if node.op is shaping.broadcast_op and content.size > 1:
        return None
    if not any(isinstance(n, Dim) for n in content.flat):
        return current().constant(content.astype(dtype.numpy))
    if node.op is sizes_op:
        return None
    building: Any = current()
    assert isinstance(building, Building)
    return building.tensor(building.builder.sizes(content, dtype))


def _folded(node: Node, arrays: Sequence[Array]) -> Sequence[Tensor] | None:
    """The outputs as constants; None where they are large, or the op refuses the values."""
    if isinstance(node.op.lower, Library) and node.op.lower.private:
        return None
    sizes = [v.spec.size for v in node.outputs]
    largest = max(a.size for a in arrays)
    if largest > LARGE or any(not isinstance(n, int) or n > max(SMALL, largest) for n in sizes):
        return None
    if node.op is shaping.broadcast_op and sizes != [1]:
        return None
    try:
        with np.errstate(all="ignore"):
            outputs = node.op.run(arrays, [v.spec for v in node.outputs], node.attrs)
    except (OpError, TypeError):  # a check that fails when the program runs; a symbolic attribute
        return None
    return [current().constant(a) for a in outputs]
