"""Rules of simplify.py for views, repetition and folds: what only moves elements moves them once.

Elementwise ops broadcast by themselves, so a broadcast that feeds one does nothing; and what
repeats the elements of a smaller array is computed on the smaller array.
"""

from __future__ import annotations

import numpy as np

from numflow.errors import OpError
from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import Node
from numflow.graph.lowering import Elementwise
from numflow.graph.op import current
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops import slicing
from numflow.passes.patterns import inputs_of, made_by, scalar, shaped
from numflow.shapes import Extent, UnknownSizeError

Inputs = tuple[SymbolicTensor, ...]


def pass_through(node: Node, inputs: Inputs) -> Tensor:
    """identity(x), stop_gradient(x) -> x."""
    return inputs[0]


def same_shape(node: Node, inputs: Inputs) -> Tensor | None:
    """A reshape, broadcast or part that is the whole, in the same order -> x."""
    backwards = any(step < 0 for step in node.attrs.get("stride", ()))
    whole = inputs[0].spec.shape == node.output.spec.shape
    return inputs[0] if whole and not backwards else None


def reshape_twice(node: Node, inputs: Inputs) -> Tensor | None:
    """reshape(reshape(x)) -> reshape(x), but where the first says what a size is."""
    first = made_by(inputs[0], shaping.reshape_op)
    if first is None or "same" in first.attrs or "same" in node.attrs:
        return None
    return shaping.reshape_op(inputs_of(first)[0], **node.attrs)  # type: ignore[no-any-return]


def transpose_twice(node: Node, inputs: Inputs) -> Tensor | None:
    """transpose(transpose(x)) -> transpose(x), and none where the axes stay in order."""
    (x,), perm = inputs, node.attrs["perm"]
    first = made_by(x, shaping.transpose_op)
    if first is not None:
        (x,), inner = inputs_of(first), first.attrs["perm"]
        perm = tuple(inner[p] for p in perm)
    if perm == tuple(range(len(perm))):
        return x
    return None if first is None else shaping.transpose_op(x, perm=perm)


def transpose_of_ones(node: Node, inputs: Inputs) -> Tensor | None:
    """A transpose that only moves axes of size 1 -> reshape."""
    shape = inputs[0].spec.shape
    moved = [p for p in node.attrs["perm"] if shape[p] != 1]
    if moved != sorted(moved):
        return None
    return shaping.reshape_op(inputs[0], shape=node.output.spec.shape)  # type: ignore[no-any-return]


def broadcast_twice(node: Node, inputs: Inputs) -> Tensor | None:
    """broadcast_to(broadcast_to(x)) -> broadcast_to(x)."""
    first = made_by(inputs[0], shaping.broadcast_op)
    return None if first is None else shaping.broadcast_op(inputs_of(first)[0], **node.attrs)


def slice_twice(node: Node, inputs: Inputs) -> Tensor | None:
    """slice(slice(x)) -> slice(x)."""
    first = made_by(inputs[0], slicing.slice_op)
    if first is None:
        return None
    whole, part = first.inputs[0].spec, first.output.spec
    if whole.shape != part.shape and not (whole.known and part.known):
        return None  # whether the first is inside is known with its sizes, and told by it
    begin, stride = first.attrs["begin"], first.attrs["stride"]
    return slicing.slice_op(  # type: ignore[no-any-return]
        inputs_of(first)[0],
        begin=tuple(b + s * c for b, s, c in zip(begin, stride, node.attrs["begin"], strict=True)),
        stride=tuple(s * t for s, t in zip(stride, node.attrs["stride"], strict=True)),
        shape=node.output.spec.shape,
    )


def unslice_of_all(node: Node, inputs: Inputs) -> Tensor | None:
    """unslice(x) that fills the whole -> slice(x): x itself, or x turned round."""
    if inputs[0].spec.shape != node.output.spec.shape:
        return None
    return slicing.slice_op(inputs[0], **node.attrs)  # type: ignore[no-any-return]


def view_of_scalar(node: Node, inputs: Inputs) -> Tensor | None:
    """A view of one element repeated -> that element repeated."""
    first = made_by(inputs[0], shaping.broadcast_op)
    if first is None or first.inputs[0].spec.size != 1:
        return None
    (one,) = inputs_of(first)
    if one.spec.shape:
        one = shaping.reshape_op(one, shape=())
    return shaped(one, node.output.spec.shape)


def concat_of_one(node: Node, inputs: Inputs) -> Tensor | None:
    """concat(x) -> x."""
    return inputs[0] if len(inputs) == 1 else None


def elementwise_of_broadcast(node: Node, inputs: Inputs) -> Tensor | None:
    """op(broadcast_to(x), y) -> op(x, y), where y still gives the shape.

    Else, where all operands are repeated: op(broadcast_to(x), broadcast_to(y)) ->
    broadcast_to(op(x, y)).
    """
    op, want = node.op, node.output.spec
    assert isinstance(op.lower, Elementwise)
    makers = [made_by(t, shaping.broadcast_op) for t in inputs]
    if not any(makers):
        return None
    small = [
        t if maker is None else inputs_of(maker)[0] for t, maker in zip(inputs, makers, strict=True)
    ]
    kept = list(inputs)
    for k, t in enumerate(small):
        if t is kept[k]:
            continue
        tried = [*kept[:k], t, *kept[k + 1 :]]
        if _gives(node, tried, want.shape):
            kept = tried
    if any(a is not b for a, b in zip(kept, inputs, strict=True)):
        return op(*kept, **node.attrs)  # type: ignore[no-any-return]
    if op.lower.indexed or not _gives(node, small, None):
        return None
    return shaped(op(*small, **node.attrs), want.shape)


def _gives(node: Node, inputs: list[SymbolicTensor], shape: tuple[Extent, ...] | None) -> bool:
    """Whether the node's op takes these inputs; shape: and gives it."""
    try:
        (spec,) = node.op.specs([t.spec for t in inputs], node.attrs)
    except (OpError, UnknownSizeError):
        return False
    return spec.shape == shape if shape is not None else spec.size != node.output.spec.size


def fold_nothing(node: Node, inputs: Inputs) -> Tensor | None:
    """A fold over axes of size 1 -> reshape."""
    (x,) = inputs
    if any(x.spec.shape[k] != 1 for k in node.attrs["axis"]):
        return None
    shape = node.output.spec.shape
    return x if x.spec.shape == shape else shaping.reshape_op(x, shape=shape)


def sum_of_broadcast(node: Node, inputs: Inputs) -> Tensor | None:
    """reduce_sum(broadcast_to(x)) -> x * count, along the axes that are repeated.

    Only where the count is a number of at least 1 that the dtype holds: 0 * inf is nan, the sum of
    nothing 0.
    """
    first = made_by(inputs[0], shaping.broadcast_op)
    if first is None:
        return None
    (x,), whole = inputs_of(first), inputs[0].spec.shape
    extra = len(whole) - x.spec.rank
    padded = (*(1 for _ in range(extra)), *x.spec.shape)
    repeated = [k for k in node.attrs["axis"] if padded[k] == 1 and whole[k] != 1]
    count = 1
    for k in repeated:
        n = whole[k]
        if not isinstance(n, int):
            return None
        count *= n
    dtype = x.dtype
    if not repeated or count < 1 or dtype.is_complex or not _exact(count, dtype.numpy):
        return None
    inner = tuple(k - extra for k in node.attrs["axis"] if k >= extra and k not in repeated)
    if inner:
        x = reductions.sum_op(x, axis=inner, keepdims=True)
    product = maths.multiply_op(x, current().constant(np.asarray(count).astype(dtype.numpy)))
    shape = [1 if k in node.attrs["axis"] else n for k, n in enumerate(whole)]
    if not node.attrs["keepdims"]:  # the same elements without the axes that are folded
        want = node.output.spec.shape
        own = tuple(n for k, n in enumerate(padded) if k >= extra and k not in node.attrs["axis"])
        return shaped(shaping.reshape_op(product, shape=own), want)
    return shaped(product, tuple(shape))


def _exact(count: int, dtype: np.dtype) -> bool:
    """Whether the product by count is the sum: integers wrap alike; a float must hold the count."""
    if dtype.kind in "iu":
        return True
    return dtype.itemsize >= 4 and count <= 1 << 24


def fold_of_scalar(node: Node, inputs: Inputs) -> Tensor | None:
    """max, min, any or all of one element repeated -> that element, where there is one at all."""
    value = scalar(inputs[0])
    folded = [inputs[0].spec.shape[k] for k in node.attrs["axis"]]
    if value is None or any(not isinstance(n, int) or n < 1 for n in folded):
        return None
    return shaped(current().constant(np.asarray(value)), node.output.spec.shape)
