"""Copies where a dense buffer is needed, folds over one run of axes each: what fuse.py and codegen rely on.

Before                                          After
  %1 = transpose(%0, perm=(1, 0))                 %1 = transpose(%0, perm=(1, 0))
  %2 = reshape(%1, shape=(6,))                    %2 = copy(%1)
  return %2                                       %3 = reshape(%2, shape=(6,))
                                                  return %3

A view that strides cannot express reads a copy of its input; library kernels, assemblies and outputs get dense arrays of
their own; a fold over axes that are not neighbours becomes one fold per run, the last run first.
"""

from __future__ import annotations

from collections.abc import Sequence

from numflow.graph.building import Building, SymbolicTensor, rebuild
from numflow.graph.graph import Graph, GraphBuilder, Node, Value, constant_op
from numflow.graph.lowering import Elementwise, HostCall, Layout, Library, Reduction, View, dense
from numflow.graph.op import Op
from numflow.graph.tensor import Tensor
from numflow.ops import shape as shaping

copy_op = Op("copy", lambda x: x, lambda x: x.copy(), lambda g: (g.ct,), Elementwise(lambda b, x: x))


def soft(node: Node) -> bool:
    """Whether a view only adds, drops or repeats axes, so that it can be part of a cluster's body."""
    if not isinstance(node.op.lower, View):
        return False
    (x,), out = node.inputs, node.output
    if node.op.name == "reshape":
        return [n for n in x.spec.shape if n != 1] == [n for n in out.spec.shape if n != 1]
    return node.op.name in ("broadcast_to", "identity", "stop_gradient")


def layout_of(value: Value, layouts: dict[Value, tuple[Value, Layout]]) -> tuple[Value, Layout]:
    """(the value whose buffer it lies in, where in it), for a value of a materialised graph."""
    found = layouts.get(value)
    if found is None:
        node = value.node
        if node is not None and isinstance(node.op.lower, View):
            root, layout = layout_of(node.inputs[0], layouts)
            seen = node.op.lower.see(layout, value.spec, node.attrs)
            found = (root, seen) if seen is not None else (value, Layout(value.spec.shape, dense(value.spec.shape)))
        else:
            found = (value, Layout(value.spec.shape, dense(value.spec.shape)))
        layouts[value] = found
    return found


def materialise(graph: Graph) -> Graph:
    """An equal graph in which views are layouts, and library kernels and outputs have dense arrays."""
    layouts: dict[Value, tuple[Value, Layout]] = {}

    def value(t: Tensor) -> Value:
        assert isinstance(t, SymbolicTensor)
        return t.value

    def dense_of(t: Tensor) -> Tensor:
        return t if layout_of(value(t), layouts)[1].contiguous else copy_op(t)  # type: ignore[no-any-return]

    def rule(node: Node, inputs: tuple[Tensor, ...]) -> Sequence[Tensor] | Tensor | None:
        lower = node.op.lower
        if isinstance(lower, View):
            _, layout = layout_of(value(inputs[0]), layouts)
            if lower.see(layout, node.output.spec, node.attrs) is None:
                return node.op(copy_op(inputs[0]), **node.attrs)  # type: ignore[no-any-return]
        elif isinstance(lower, Library | HostCall):
            return node.op(*map(dense_of, inputs), **node.attrs)  # type: ignore[no-any-return]
        elif isinstance(lower, Reduction):
            return _split(node, inputs[0])
        elif node.op.effect == "write":
            root, layout = layout_of(value(inputs[0]), layouts)
            if not layout.contiguous or not _owned(root):
                return node.op(copy_op(inputs[0]), **node.attrs) or ()
        return None

    return _own_outputs(rebuild(graph, rule))


def _owned(root: Value) -> bool:
    """Whether the buffer is the program's: of no input, constant or variable."""
    return root.node is not None and root.node.op is not constant_op and not root.node.op.effect


def _own_outputs(graph: Graph) -> Graph:
    """Each output gets a dense buffer that is no input, constant, variable or other output."""
    layouts: dict[Value, tuple[Value, Layout]] = {}
    roots: set[Value] = set()
    shared = []
    for v in graph.outputs:
        root, layout = layout_of(v, layouts)
        shared.append(not (_owned(root) and root not in roots and layout.contiguous and root.spec.size == v.spec.size))
        roots.add(root)
    if not any(shared):
        return graph
    builder = GraphBuilder(graph.name)
    building = Building(builder)
    builder.inputs, builder.nodes, builder.captures = list(graph.inputs), list(graph.nodes), dict(graph.captures)
    new = []
    for v, copy in zip(graph.outputs, shared, strict=True):
        if copy:
            v = builder.add(copy_op, (v,), {}, [v.spec]).output
            building.tensor(v)
        new.append(v)
    return builder.freeze(new)


def _split(node: Node, x: Tensor) -> Tensor | None:
    """A fold over one run of neighbouring axes at a time; axes of size 1 between do not count."""
    axes, shape = node.attrs["axis"], node.inputs[0].spec.shape
    runs: list[list[int]] = []
    last = -2
    for k in axes:
        between = range(last + 1, k)
        if runs and all(shape[j] == 1 for j in between):
            runs[-1].append(k)
        else:
            runs.append([k])
        last = k
    if len(runs) <= 1:
        return None
    for run in reversed(runs[1:]):
        x = node.op(x, axis=tuple(run), keepdims=True)
    x = node.op(x, axis=tuple(runs[0]), keepdims=True)
    if node.attrs["keepdims"]:
        return x
    return shaping.reshape_op(x, shape=node.output.spec.shape)  # type: ignore[no-any-return]
