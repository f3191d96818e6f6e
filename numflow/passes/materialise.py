"""Copies where a dense buffer is needed, folds over one run of axes each: what fuse.py and codegen
rely on.

Before                                          After
  %1 = transpose(%0, perm=(1, 0))                 %1 = transpose(%0, perm=(1, 0))
  %2 = reshape(%1, shape=(6,))                    %2 = copy(%1)
  return %2                                       %3 = reshape(%2, shape=(6,))
                                                  return %3

A view that strides cannot express reads a copy of its input; library kernels, assemblies and
outputs get dense arrays of their own; a fold over axes that are not neighbours becomes one fold per
run, the last run first. What repeats one number is written once for all kernels that read it, and
as one row for those that take rows from where they lie (`Library.rows`).
"""

from __future__ import annotations

from collections.abc import Sequence

from numflow import dtypes
from numflow.graph.building import Building, SymbolicTensor, rebuild
from numflow.graph.collapse import collapse
from numflow.graph.graph import Graph, GraphBuilder, Node, Value, constant_op, sizes_op
from numflow.graph.lowering import Elementwise, HostCall, Layout, Library, Reduction, View, dense
from numflow.graph.op import Op, current
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.passes.patterns import inputs_of, made_by, shaped
from numflow.shapes import Extent, Shape

copy_op = Op(
    "copy", lambda x: x, lambda x: x.copy(), lambda g: (g.ct,), Elementwise(lambda b, x: x)
)


def soft(node: Node) -> bool:
    """Whether a view only adds, drops or repeats axes, so that it can be part of a cluster's
    body."""
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
            found = (
                (root, seen)
                if seen is not None
                else (value, Layout(value.spec.shape, dense(value.spec.shape)))
            )
        else:
            found = (value, Layout(value.spec.shape, dense(value.spec.shape)))
        layouts[value] = found
    return found


def materialise(graph: Graph) -> Graph:
    """An equal graph in which views are layouts, and library kernels and outputs have dense
    arrays."""
    layouts: dict[Value, tuple[Value, Layout]] = {}

    def value(t: Tensor) -> Value:
        assert isinstance(t, SymbolicTensor)
        return t.value

    repeated: dict[tuple[Value, Shape], Tensor] = {}  # copies of what repeats one number

    def operand(lower: Library | HostCall, k: int, loose: Sequence[int], t: Tensor) -> Tensor:
        """What a kernel reads as its input number k."""
        _, layout = layout_of(value(t), layouts)
        if layout.contiguous or (k in loose and layout.apart is not None):
            return t
        first = made_by(t, shaping.broadcast_op)
        one = None if first is None else inputs_of(first)[0]
        if one is None or one.spec.size != 1 or isinstance(lower, HostCall) or k == lower.in_place:
            return copy_op(t)  # type: ignore[no-any-return]
        shape = t.spec.shape[-1:] if k in loose else t.spec.shape
        found = repeated.get((value(one), shape))
        if found is None:
            few = shaped(shaping.reshape_op(one, shape=()) if one.spec.shape else one, shape)
            found = repeated[value(one), shape] = copy_op(few)
        return shaped(found, t.spec.shape)

    def fold(node: Node, x: Tensor) -> Tensor | None:
        """A fold over one run of axes at a time, of what a loop can read, in float32 at least."""
        out = node.output.spec
        axes = [k for k in node.attrs["axis"] if x.spec.shape[k] != 1]
        if not axes:
            return shaping.reshape_op(x, shape=out.shape)  # type: ignore[no-any-return]
        runs = _runs(axes, x.spec.shape)
        half = out.dtype in (dtypes.float16, dtypes.bfloat16)
        _, layout = layout_of(value(x), layouts)
        readable = layout.contiguous or _readable(layout.shape, layout.strides, runs[-1])
        if len(runs) == 1 and readable and not half:
            return None
        if half:
            x = maths.cast(x, dtypes.float32)
        elif not readable:
            x = copy_op(x)
        for run in reversed(runs):
            x = node.op(x, axis=tuple(run), keepdims=True)
        if half:
            x = maths.cast(x, out.dtype)
        return x if x.spec == out else shaping.reshape_op(x, shape=out.shape)

    def rule(node: Node, inputs: tuple[Tensor, ...]) -> Sequence[Tensor] | Tensor | None:
        lower = node.op.lower
        if isinstance(lower, View):
            _, layout = layout_of(value(inputs[0]), layouts)
            if lower.see(layout, node.output.spec, node.attrs) is None:
                return _again(node, [copy_op(inputs[0])])
        elif isinstance(lower, Library | HostCall):
            loose = (
                lower.loose(len(inputs), len(node.outputs))[0] if isinstance(lower, Library) else ()
            )
            arrays = [operand(lower, k, loose, t) for k, t in enumerate(inputs)]
            copied = any(a is not x for a, x in zip(arrays, inputs, strict=True))
            return _again(node, arrays) if copied else None
        elif isinstance(lower, Reduction):
            return fold(node, inputs[0])
        elif node.op.effect == "write":
            root, layout = layout_of(value(inputs[0]), layouts)
            if not layout.contiguous or not _owned(root):
                return _again(node, [copy_op(inputs[0])])
        return None

    return _own_outputs(rebuild(graph, rule))


def _again(node: Node, inputs: Sequence[Tensor]) -> Sequence[Tensor] | Tensor:
    """What the op gives for other inputs; the node keeps its attributes, the very object, by which
    messages find it (runtime/refusal.py)."""
    made: Sequence[Tensor] | Tensor = node.op(*inputs, **node.attrs)
    interpreter = current()
    assert isinstance(interpreter, Building)
    interpreter.builder.nodes[-1].attrs = node.attrs
    return made


def _owned(root: Value) -> bool:
    """Whether the buffer is the program's: of no input, constant or variable."""
    return (
        root.node is not None
        and root.node.op not in (constant_op, sizes_op)
        and root.node.op.effect not in ("read", "random")
    )


def _own_outputs(graph: Graph) -> Graph:
    """Each output gets a dense buffer that is no input, constant, variable or other output."""
    layouts: dict[Value, tuple[Value, Layout]] = {}
    roots: set[Value] = set()
    shared = []
    for v in graph.outputs:
        root, layout = layout_of(v, layouts)
        shared.append(
            not (
                _owned(root)
                and root not in roots
                and layout.contiguous
                and root.spec.size == v.spec.size
            )
        )
        roots.add(root)
    if not any(shared):
        return graph
    builder = GraphBuilder(graph.name)
    building = Building(builder)
    builder.inputs, builder.nodes, builder.captures = (
        list(graph.inputs),
        list(graph.nodes),
        dict(graph.captures),
    )
    new = []
    for v, copy in zip(graph.outputs, shared, strict=True):
        if copy:
            builder.line = None if v.node is None else v.node.line
            v = builder.add(copy_op, (v,), {}, [v.spec]).output
            building.tensor(v)
        new.append(v)
    return builder.freeze(new)


def _readable(shape: Shape, strides: Sequence[Extent], run: Sequence[int]) -> bool:
    """Whether a loop can fold a layout over neighbouring axes: what it calls columns must be one
    axis."""
    kept = [k for k, n in enumerate(shape) if n != 1 and k not in run]
    if all(k < run[0] for k in kept):
        columns = set(run)
    elif all(k > run[-1] for k in kept):
        columns = set(kept)
    else:
        return False  # in the middle: both sides must be
    axes = collapse(shape, [strides], [k in columns for k in range(len(shape))])
    return sum(axes.reduced) <= 1


def _runs(axes: Sequence[int], shape: Shape) -> list[list[int]]:
    """Axes parted into runs of neighbours; axes of size 1 between do not count."""
    runs: list[list[int]] = []
    last = -2
    for k in axes:
        if runs and all(shape[j] == 1 for j in range(last + 1, k)):
            runs[-1].append(k)
        else:
            runs.append([k])
        last = k
    return runs
