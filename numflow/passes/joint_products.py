"""Make products A^T @ B of one B, and the sum of its rows, one op, where one kernel pays.

Before                                              After
  %2 = matmul(%0, %1, transpose_a=True, ...)          %3, %4, %5 = joint_products(%1, %0, %2)
  %3 = reduce_sum(%1, axis=(0,))                      return %3, %4, %5
  %4 = matmul(%2, %1, transpose_a=True, ...)
  return %2, %4, %3

Why: the gradients by the weights of a recurrent layer, h^T dG, x^T dG and the sum of dG, each read
the long dG: 256 x 1024 and 128 x 1024 of 2048 rows take 7 % longer alone, the sum 2 % more. The op
stands where the first of them stood; not where one depends on another, or on an effect behind the
first. Sums are taken along only of what a library kernel makes: others may be folded where B is
made.
"""

from __future__ import annotations

from numflow.graph.graph import Graph, Node, Value
from numflow.graph.lowering import Library
from numflow.ops import joint_products as joint
from numflow.ops import linalg
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.passes.needed import moved_up, needed_behind


def joint_products(graph: Graph) -> Graph:
    """An equal graph in which products that share their rows are joint."""
    while True:
        found = _joined(graph)
        if found is None:
            return graph
        graph = found


def _joined(graph: Graph) -> Graph | None:
    """The graph with one more joint op; None where there is nothing to join."""
    groups: dict[tuple[Value, str], list[Node]] = {}
    for node in graph.nodes:
        if joinable(node):
            groups.setdefault((node.inputs[1], node.device), []).append(node)
    place = {node: k for k, node in enumerate(graph.nodes)}
    for (b, device), products in groups.items():
        sums = [node for node in _sums(graph, b) if node.device == device][:1]
        if len(products) + len(sums) < 2:
            continue
        group = _paying(products)
        widths = [node.inputs[0].spec.shape[1] for node in group]
        members = group + sums if joint.takes_sums(widths) else group
        if len(members) < 2:
            continue
        members = sorted(members, key=place.__getitem__)
        needed: set[Node] = set()
        for node in members[1:]:
            before = needed_behind(graph, node, members[0], place, movable=("",))
            if before is None or any(n.subgraphs for n in before):  # these may have effects
                break
            needed.update(before)
        else:
            if needed.isdisjoint(members):
                return _with(graph, members, sorted(needed, key=place.__getitem__))
    return None


def joinable(node: Node) -> bool:
    """Whether it is A^T @ B of matrices."""
    return (
        node.op is linalg.matmul_op
        and node.attrs["transpose_a"]
        and not node.attrs["transpose_b"]
        and all(v.spec.rank == 2 for v in node.inputs)
        and not node.control_inputs
    )


def _paying(products: list[Node]) -> list[Node]:
    """The first of them that one kernel takes together."""
    k, n = products[0].inputs[1].spec.shape
    dtype = products[0].output.spec.dtype.name
    group: list[Node] = []
    for node in products:
        widths = [other.inputs[0].spec.shape[1] for other in (*group, node)]
        if joint.choice(widths, n, k, dtype)[0]:
            group.append(node)
    return group


def _sums(graph: Graph, b: Value) -> list[Node]:
    """The sums of b's rows, if a library kernel makes b."""
    root = _root(b)
    if root.node is None or not isinstance(root.node.op.lower, Library):
        return []
    return [
        node
        for node in graph.nodes
        if node.op is reductions.sum_op
        and not node.control_inputs
        and _root(node.inputs[0]) is root
        and node.inputs[0].spec.shape[-1] == b.spec.shape[-1]
        and tuple(node.attrs["axis"]) == tuple(range(node.inputs[0].spec.rank - 1))
        and not node.attrs["keepdims"]
    ]


def _root(value: Value) -> Value:
    """What it is a reshape of."""
    while value.node is not None and value.node.op is shaping.reshape_op:
        (value,) = value.node.inputs
    return value


def _with(graph: Graph, members: list[Node], needed: list[Node]) -> Graph:
    """The graph with members as one op in the place of the first, and what it needs before it."""
    first = members[0]
    products = [node for node in members if node.op is linalg.matmul_op]
    summed = [node for node in members if node not in products]
    inputs = (products[0].inputs[1], *(node.inputs[0] for node in products))
    attrs = {"sums": bool(summed)}
    specs = joint.joint_op.specs([v.spec for v in inputs], attrs)
    one = Node(
        joint.joint_op,
        inputs,
        attrs,
        specs,
        first.line,
        name=first.name,
        scope=first.scope,
        device=first.device,
    )
    old = [node.output for node in (*products, *summed)]
    return moved_up(graph, one, members, needed, dict(zip(old, one.outputs, strict=True)))
