"""A scale and an offset per channel behind a convolution become part of its filter and its bias.

Before                                            After
  %4 = convolution(%x, %f)                          %4 = multiply(%mean, %factor)
  %5 = rescaled(%4, %mean, %factor)                 %5 = subtract(%offset, %4)
  %6 = add(%5, %offset)                             %6 = multiply(%f, %factor)
                                                    %7 = convolution(%x, %6)
                                                    %8 = add(%7, %5)
  return %6                                         return %8

Why: batch normalisation at inference is (y - mean) * factor + offset, with numbers that are made of
     variables only: with the factor in the filter and the rest in the bias it costs no pass over
     the image, and an activation behind it is taken along, too (fuse.py). Where the numbers are
     made of data, as in training, nothing is changed; nor where the convolution's result, or
     anything on the way, has another reader (a gradient by the factor, say); nor where the filter
     has more elements than the result, so that scaling it would cost more than it saves, unless it
     is scaled once for many calls (codegen/kept.py). A transpose on the way (channels second) is
     moved behind.

Rounding: x (f s) is summed in place of (x f) s, and o - m s is added in place of m and o: each term
     is rounded once more, by half an ulp. So the error stays some ulps of the largest of the sum's
     terms times s, of m s and of o.

It runs first: a convolution is one node still, whatever kernel it will be.
"""

from __future__ import annotations

from collections.abc import Collection

from numflow.graph.building import SymbolicTensor, rebuild
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.tensor import Tensor
from numflow.kernels.records import NamedTuple
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.shapes import Shape

CONVOLUTIONS, RESCALED = ("convolution", "depthwise"), "rescaled"
"""By their names: programs without them need not load where they are from."""

AFFINE = (RESCALED, "add", "subtract", "multiply")
Inputs = tuple[SymbolicTensor, ...]


class _Step(NamedTuple):
    """A node behind the convolution. chain: which input comes from there; -1: a transpose.

    axis: of the channels in its output.
    """

    node: Node
    chain: int
    axis: int


class _Fold(NamedTuple):
    convolution: Node
    steps: list[_Step]


def fold_scale(graph: Graph) -> Graph:
    """An equal graph, up to rounding, whose convolutions are scaled by their filters."""
    convolutions = [node for node in graph.nodes if node.op.name in CONVOLUTIONS]
    if not convolutions:
        return graph
    users, settled = graph.users(), _settled(graph)
    lasting = _settled(graph, _written(graph))
    folds: dict[Node, _Fold] = {}  # by the last node
    for node in convolutions:
        steps = _behind(graph, node, users, settled)
        if steps and (_pays(node) or _lasts(node, steps, lasting)):
            folds[steps[-1].node] = _Fold(node, steps)
    if not folds:
        return graph
    wanted = {n for f in folds.values() for n in (f.convolution, *(s.node for s in f.steps))}
    nodes, given = iter(graph.nodes), dict[Node, Inputs]()

    def rule(_: Node, inputs: Inputs) -> Tensor | None:
        node = next(nodes)  # as it was; what the rule is asked for follows what has changed
        if node in wanted:
            given[node] = inputs
        return _folded(folds[node], given) if node in folds else None

    return rebuild(graph, rule)


# --- what is folded ----------------------------------------------------------------------------


def _settled(graph: Graph, but: Collection[int] = ()) -> set[Value]:
    """The values that are made of variables, captured tensors and constants only.

    but: no variables with these ids.
    """
    found = set(graph.captures)
    for node in graph.nodes:
        if node.op.effect == "read":
            if id(node.attrs["variable"]) not in but:
                found.update(node.outputs)
        elif not node.op.effect and not node.subgraphs and all(v in found for v in node.inputs):
            found.update(node.outputs)
    return found


def _behind(
    graph: Graph, node: Node, users: dict[Value, list[Node]], settled: set[Value]
) -> list[_Step]:
    """The scales and offsets behind a convolution, of which one at least is a scale."""
    steps: list[_Step] = []
    last, axis, length = node.output, node.output.spec.rank - 1, 0
    scales = False
    while last not in graph.outputs and len(users.get(last, ())) == 1:
        (user,) = users[last]
        if user.op is shaping.transpose_op:
            axis = tuple(user.attrs["perm"]).index(axis)
            steps.append(_Step(user, -1, axis))
        elif user.op.name in AFFINE:
            chain = user.inputs.index(last)
            others = [v for k, v in enumerate(user.inputs) if k != chain]
            if (
                (chain and user.op.name in (RESCALED, "subtract"))
                or user.output.spec != last.spec
                or not all(v in settled and _per_channel(v.spec.shape, last, axis) for v in others)
            ):
                break
            steps.append(_Step(user, chain, axis))
            scales |= user.op.name in (RESCALED, "multiply")
            length = len(steps)
        else:
            break
        last = user.output
    return steps[:length] if scales else []


def _per_channel(shape: Shape, image: Value, axis: int) -> bool:
    """Whether what has this shape has one number for each channel, or one for all."""
    place = axis - image.spec.rank + len(shape)
    channels = image.spec.shape[axis]
    return all(n == 1 or (k == place and n == channels) for k, n in enumerate(shape))


def _pays(node: Node) -> bool:
    """Whether the result has as many elements as the filter, with one image of unknown many."""
    least, size = 1, node.inputs[1].spec.size
    for n in node.output.spec.shape:
        least *= n if isinstance(n, int) else 1
    return isinstance(size, int) and 0 < size <= least


def _written(graph: Graph) -> set[int]:
    """Ids of the variables that a call writes."""
    return {id(node.attrs["variable"]) for node in graph.nodes if node.op.effect == "write"}


def _lasts(node: Node, steps: list[_Step], lasting: set[Value]) -> bool:
    """Whether the scaled filter is the same in every call, until somebody writes a variable."""
    given = (v for s in steps for k, v in enumerate(s.node.inputs) if k != s.chain >= 0)
    return node.inputs[1] in lasting and all(v in lasting for v in given)


# --- what becomes of it ------------------------------------------------------------------------


def _folded(fold: _Fold, given: dict[Node, Inputs]) -> Tensor:
    """The convolution by the scaled filter, + the offset, transposed as it was."""
    scale: Tensor | None = None
    offset: Tensor | None = None
    for node, chain, _ in fold.steps:
        if chain < 0:
            continue
        rest = [_vector(x) for k, x in enumerate(given[node]) if k != chain]
        if node.op.name in (RESCALED, "subtract"):
            offset = -rest[0] if offset is None else offset - rest[0]
        if node.op.name == "add":
            offset = rest[0] if offset is None else offset + rest[0]
        if node.op.name in (RESCALED, "multiply"):
            scale = rest[-1] if scale is None else scale * rest[-1]
            offset = None if offset is None else offset * rest[-1]
    assert scale is not None
    x, f = given[fold.convolution]
    scaled = maths.multiply_op(f, scale)
    made: Tensor = fold.convolution.op(x, scaled, **fold.convolution.attrs)
    if offset is not None:
        made = maths.add_op(made, offset)
    for node, chain, _ in fold.steps:
        if chain < 0:
            made = shaping.transpose_op(made, perm=node.attrs["perm"])
    return made


def _vector(x: Tensor) -> Tensor:
    """One number for each channel, or one for all, as a vector or a scalar."""
    shape = tuple(n for n in x.spec.shape if n != 1)
    return x if x.spec.shape == shape else shaping.reshape_op(x, shape=shape)
