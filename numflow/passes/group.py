"""What fuse.py makes: groups of nodes, and the questions that it and codegen ask about them.

README.md in this folder explains domains, axis maps and closed values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from numflow.graph.graph import Node, Value, constant_op
from numflow.graph.lowering import Checked, Elementwise, Library, Pooling, Reduction, View
from numflow.kernels.records import field, record
from numflow.passes.materialise import soft
from numflow.shapes import Shape

Axes = tuple[int, ...]


@record
class Group:
    """Nodes that run as one: a cluster over `domain`, or a single node (domain None).

    maps:   member value -> domain axis of each of its axes, -1 where it has size 1.
    cols:   number of trailing domain axes that rows fold over; None while no fold has settled it.
    closed: results of folds that cross rows: readable by other groups only.
    rowwise: results of folds over the columns, and what follows from them.
    deep:   a fold over a middle axis, the last of its group; the others make its elements.
    level:  of its nodes (levels.py).
    """

    nodes: list[Node]
    domain: Shape | None = None
    maps: dict[Value, Axes] = field(default_factory=dict)
    cols: int | None = None
    closed: set[Value] = field(default_factory=set)
    folded: bool = False
    deep: bool = False
    epilogue: tuple[Node, ...] = ()  # of a product: the bias add, reshapes, the relu it takes along
    residual: Node | None = None  # of these, what adds a tensor like the result
    pool: Node | None = None  # and what pools it, whose results are then the group's
    mask: int = 0
    bit: int = 0
    level: int = 0

    @property
    def is_cluster(self) -> bool:
        return self.domain is not None


Fits = Callable[[Group], bool]

# Why two parts of a graph are not one loop: what explain() says.
CLOSED = "a fold across rows is complete only after the last row"
DOMAIN = "the loops run over different axes"
COLUMNS = "their rows fold over different columns"
BETWEEN = "what runs between them needs the one and is needed by the other"
VIEW = "its elements are read in another order than the loop writes them"
FORM = "together they need more operands, or other strides, than one loop has"
MIDDLE = "a fold over a middle axis has a loop of its own"
LARGE = "together they are more than one loop should hold"
LEVEL = "a size that the one has depends on values, and is known only when the other has run"
POOLED = "the kernel does not pool its result:"
Note = Callable[[Sequence[Node], Sequence[Node], str], None]


def axes_read(maps: Mapping[Value, Axes], node: Node, value: Value) -> Axes:
    """The domain axis along which a member reads each axis of one of its inputs.

    Axes of size 1 do not count: they may have any number.
    """
    if isinstance(node.op.lower, Reduction):
        return maps[value]
    out, shape = maps[node.output], value.spec.shape
    if isinstance(node.op.lower, View) and node.op.name == "reshape":
        kept = iter([a for a, n in zip(out, node.output.spec.shape, strict=True) if n != 1])
        return tuple(next(kept) if n != 1 else -1 for n in shape)
    return out[len(out) - len(shape) :]


def agree(maps: Mapping[Value, Axes], node: Node, value: Value) -> bool:
    """Whether a member reads another one where that one is made."""
    read = axes_read(maps, node, value)
    return all(
        a == b or n == 1 for a, b, n in zip(read, maps[value], value.spec.shape, strict=True)
    )


def pooling(pool: Node) -> Pooling:
    """A pool behind a kernel, as its rule and its plan want it."""
    assert isinstance(pool.op.lower, Library)
    kind = "places" if len(pool.outputs) == 2 else pool.op.lower.pool
    return kind, pool.outputs[0].spec.shape, tuple(pool.attrs.items())


def free(value: Value) -> bool:
    """Whether a value is no work to have again in each group: a constant of one element."""
    return value.node is not None and value.node.op is constant_op and value.spec.size == 1


def fusable(node: Node) -> bool:
    """Whether a node can be part of a cluster."""
    kinds = [v.spec.dtype for v in (*node.inputs, *node.outputs)]
    if any(t.is_complex or t.name == "string" for t in kinds):
        return False
    return isinstance(node.op.lower, Elementwise | Checked | Reduction) or soft(node)
