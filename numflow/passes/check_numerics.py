"""A check behind every node that computes floats: enable_check_numerics.

Before                                After
  %1 = log(%0)                          %1 = log(%0)
  %2 = exp(%1)                          %2 = finite(%1, %0)
  return %2                             %3 = exp(%1)
                                        %4 = finite(%3, %1)
                                        return %3

Nobody takes what a check hands on, so loops fuse as before. Most checks are *implied*: what is not
finite stays so through sums, products and matrix products, so the program looks at the last of them
only; where it refuses, the references tell which was the first (runtime/refusal.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from numflow.dtypes import DType
from numflow.graph.graph import Graph, Node, Value, bind_op, constant_op, sizes_op
from numflow.graph.lowering import Assemble, Checked, View
from numflow.graph.op import Op
from numflow.ops import linalg, signs
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.numerics import Origin, finite_op

# What is not finite in any input gives what is not finite; of divide, in the first.
_SPREADS = {
    maths.add_op,
    maths.subtract_op,
    maths.multiply_op,
    maths.divide_op,
    signs.negative_op,
    signs.abs_op,
    maths.square_op,
    maths.sqrt_op,
    maths.log_op,
    maths.cast_op,
    reductions.sum_op,
    linalg.matmul_op,
}
_WHOLE = {shaping.reshape_op, shaping.transpose_op, shaping.broadcast_op, shaping.identity_op}


def computes_floats(op: Op) -> bool:
    """Whether an op makes numbers, rather than moving, choosing or checking them."""
    if isinstance(op.lower, View | Assemble | Checked) or op.effect not in ("", "host"):
        return False
    return op not in (constant_op, sizes_op, bind_op, selections.where_op)


def may_be_infinite(dtype: DType) -> bool:
    """Whether numbers of this dtype may be infinite or nan."""
    return dtype.is_floating or dtype.is_complex


def check_numerics(graph: Graph) -> Graph:
    """An equal graph that refuses what is not finite, wherever it is first made."""
    users = graph.users()
    nodes: list[Node] = []
    for node in graph.nodes:
        nodes.append(node)
        if not computes_floats(node.op):
            continue
        for k, v in enumerate(node.outputs):
            if may_be_infinite(v.spec.dtype):
                origin = Origin(node.op.name, k, len(node.outputs), _implied(v, users))
                shown = (v, *node.inputs)
                nodes.append(Node(finite_op, shown, {"origin": origin}, [v.spec], node.line))
    return Graph(graph.inputs, tuple(nodes), graph.outputs, graph.captures, graph.name)


def _implied(v: Value, users: Mapping[Value, Sequence[Node]]) -> bool:
    """Whether what is not finite in v is so in a value that is checked later."""
    waiting, seen = [v], {v}
    while waiting:
        value = waiting.pop()
        for u in users.get(value, ()):
            if u.op in _SPREADS and may_be_infinite(u.output.spec.dtype):
                if u.op is not maths.divide_op or u.inputs[0] is value:
                    return True
            elif u.op in _WHOLE and u.output not in seen:
                seen.add(u.output)
                waiting.append(u.output)
    return False
