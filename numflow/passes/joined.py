"""Which results of kernels lie in the array that they are joined to, so that nothing is copied.

    %1, %2, %3 = gru_forward(...)        y of one direction: [batch, steps, units]
    %4, %5, %6 = gru_forward(...)        y of the other
    %7 = concat(%1, %4, axis=2)          [batch, steps, 2 * units]: both kernels write into it

A kernel that takes rows which lie apart (`Library.rows`) writes such a result into its part of the
assembly. All else that reads the result must be able to read it there: the assembly itself, and
kernels that take this operand in rows. Not across levels: the size of the whole must be known when
the kernel runs.
"""

from __future__ import annotations

from numflow.graph.graph import Graph, Node, Value
from numflow.graph.lowering import Assemble, Layout, Library, dense
from numflow.passes.levels import level_of, levels
from numflow.shapes import Extent


def joined(graph: Graph) -> dict[Value, tuple[Value, Layout]]:
    """(the assembly, where in it) for each such result of a materialised graph."""
    made = [
        (node, node.outputs[k])
        for node in graph.nodes
        if isinstance(node.op.lower, Library) and node.op.lower.rows[1]
        for k in _loose(node)[1]
    ]
    if not made:
        return {}
    users, level = graph.users(), levels(graph)
    found: dict[Value, tuple[Value, Layout]] = {}
    for maker, v in made:
        assembly = None if v in graph.outputs else _assembly(v, users.get(v, []))
        if assembly is None or level_of([assembly], level) != level_of([maker], level):
            continue
        part = parts_of(assembly)[assembly.inputs.index(v)]
        if part.apart is not None:
            found[v] = assembly.output, part
    return found


def parts_of(node: Node) -> list[Layout]:
    """Where in the result of an assembly its inputs lie."""
    out, specs = node.output.spec, [v.spec for v in node.inputs]
    strides = dense(out.shape)
    parts = []
    for spec, (begin, step) in zip(specs, node.op.lower.place(specs, out, node.attrs), strict=True):
        offset: Extent = 0
        for b, s in zip(begin, strides, strict=True):
            offset = offset + b * s
        apart = tuple(s * k for s, k in zip(strides, step, strict=True))
        parts.append(Layout(spec.shape, apart, offset))
    return parts


def _assembly(value: Value, users: list[Node]) -> Node | None:
    """The only assembly, without gaps, that value is part of, once; None if others read it who
    cannot read parts."""
    found: list[Node] = []
    for user in users:
        if isinstance(user.op.lower, Assemble):
            found.append(user)
            continue
        if not isinstance(user.op.lower, Library):
            return None
        places = {k for k, v in enumerate(user.inputs) if v is value}
        if not places.issubset(_loose(user)[0]):
            return None
    if len(found) != 1 or found[0].inputs.count(value) != 1:
        return None
    (node,) = found
    return node if node.op.lower.fill(node.attrs) is None else None


def _loose(node: Node) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The inputs and outputs of a kernel whose rows may lie apart."""
    lower: Library = node.op.lower
    return lower.loose(len(node.inputs), len(node.outputs))
