"""Where the members of a cluster lie over its domain, and the axes that its loop gets.

What members read from outside and what they store has strides over the domain's axes; these are
collapsed (graph/collapse.py), symbols included. Columns must become one axis: `fits` asks that
before a node joins.
"""

from __future__ import annotations

from collections.abc import Sequence

from numflow.dtypes import DType
from numflow.graph.collapse import Axes, collapse
from numflow.graph.graph import Node, Value
from numflow.graph.lowering import Elementwise, Layout, dense
from numflow.kernels.records import NamedTuple
from numflow.passes.group import Group, axes_read, free
from numflow.passes.materialise import layout_of
from numflow.shapes import Extent

MOST_OPERANDS = 30


def fits(group: Group, layouts: dict[Value, tuple[Value, Layout]] | None = None) -> bool:
    """Whether the cluster's axes collapse to a form that a Loop has, whichever members are stored.

    layouts: of the graph's values, as far as they are known; it grows.
    """
    if group.deep:
        return (
            len(group.nodes) == 1
            or deep_axes(group, {} if layouts is None else layouts) is not None
        )
    several = group.cols is not None and group.cols > 1  # columns that must become one axis
    few = sum(len(n.inputs) for n in group.nodes) <= MOST_OPERANDS
    if few and not several:
        return True
    reads = reads_of(group, {} if layouts is None else layouts)
    if len({(r.root, r.offset, r.strides) for r in reads.values()}) > MOST_OPERANDS:
        return False
    if not several:
        return True
    strides = [r.strides for r in reads.values()]
    strides += [write_strides(group, n.output) for n in group.nodes if n.output not in group.closed]
    return loop_axes(group, strides, -1, indexed_axes(group)) is not None


class Read(NamedTuple):
    """Of one input: the value whose buffer it lies in, and where, over the domain."""

    root: Value
    offset: Extent
    strides: tuple[Extent, ...]
    dtype: DType


def reads_of(
    group: Group, layouts: dict[Value, tuple[Value, Layout]]
) -> dict[tuple[Node, int], Read]:
    """What members read from outside, with strides over the domain; key: (node, input number)."""
    made = {v for n in group.nodes for v in n.outputs}
    found: dict[tuple[Node, int], Read] = {}
    for node in group.nodes:
        for k, v in enumerate(node.inputs):
            if v in made or free(v):
                continue
            root, layout = layout_of(v, layouts)
            strides: list[Extent] = [0] * len(group.domain or ())
            for axis, n, s in zip(
                axes_read(group.maps, node, v), v.spec.shape, layout.strides, strict=True
            ):
                if n != 1 and axis >= 0:
                    strides[axis] = s
            found[node, k] = Read(root, layout.offset, tuple(strides), v.spec.dtype)
    return found


def loop_axes(
    group: Group, strides: Sequence[tuple[Extent, ...]], output: int = -1, keep: Sequence[int] = ()
) -> Axes | None:
    """The loop's axes; None where the columns do not become one axis. A rowwise loop has at least
    one outer axis."""
    domain = group.domain
    assert domain is not None
    kinds = [group.cols is not None and k >= len(domain) - group.cols for k in range(len(domain))]
    axes = collapse(domain, strides or [dense(domain)], kinds, output, keep)
    if not strides:
        axes = Axes(axes.sizes, (), axes.reduced, axes.origin)
    if group.cols is None:
        return axes
    if axes.origin == ((),):  # all sizes are 1
        axes = Axes((1,), tuple((0,) for _ in strides), (True,), ((),))
    columns = sum(axes.reduced)
    if columns > 1:
        return None
    sizes, rows, reduced, origin = axes.sizes, axes.strides, axes.reduced, axes.origin
    if columns == 0:
        sizes, reduced, origin = (*sizes, 1), (*reduced, True), (*origin, ())
        rows = tuple((*s, 0) for s in rows)
    if len(sizes) == 1:
        sizes, reduced, origin = (1, *sizes), (False, *reduced), ((), *origin)
        rows = tuple((0, *s) for s in rows)
    return Axes(sizes, rows, reduced, origin)


def deep_axes(
    group: Group, layouts: dict[Value, tuple[Value, Layout]]
) -> tuple[Axes, dict[tuple[Node, int], Read]] | None:
    """The axes of a fold over a middle axis, [kept, reduced, kept], with the strides of what is
    read and, last, of the result; None where these are not three."""
    node = group.nodes[-1]
    domain, over = group.domain, node.attrs["axis"]
    assert domain is not None
    reads = reads_of(group, layouts)
    kept = iter(dense(tuple([n for k, n in enumerate(domain) if k not in over])))
    result = tuple([0 if k in over else next(kept) for k in range(len(domain))])
    kinds = [k in over for k in range(len(domain))]
    axes = collapse(domain, [*(r.strides for r in reads.values()), result], kinds)
    sizes, rows, reduced, origin = axes
    if len(sizes) == 2:
        sizes, reduced, origin = (1, *sizes), (False, *reduced), ((), *origin)
        rows = tuple([(0, *s) for s in rows])
    if reduced != (False, True, False) or any(s[2] not in (0, 1) for s in rows):
        return None
    return Axes(sizes, rows, reduced, origin), reads


def write_strides(group: Group, v: Value) -> tuple[Extent, ...]:
    """Of a member, over the domain."""
    strides: list[Extent] = [0] * len(group.domain or ())
    for axis, n, s in zip(group.maps[v], v.spec.shape, dense(v.spec.shape), strict=True):
        if axis >= 0 and n != 1:
            strides[axis] = s
    return tuple(strides)


def indexed_axes(group: Group) -> list[int]:
    """Domain axes whose numbers a member uses."""
    return sorted({a for n in group.nodes if indexed(n) for a in group.maps[n.output] if a >= 0})


def indexed(node: Node) -> bool:
    return isinstance(node.op.lower, Elementwise) and node.op.lower.indexed
