"""Images stay in the order of their kernels: channels last, whatever order the user's are in.

Before                                            After
  %1 = transpose(%0, perm=(0, 3, 1, 2))
  %2 = relu(%1)                                     %1 = relu(%0)
  %3 = transpose(%2, perm=(0, 2, 3, 1))
  return %3                                         return %1

Why: a network with channels first is written as kernels with channels last between transposes.
     A transpose behind such a kernel moves down through ops of elements, folds and concatenations,
     until it meets the one in front of the next kernel: the two are nothing. Other operands are
     read through a view. Programs without these kernels are returned as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from numflow.graph.building import SymbolicTensor, rebuild
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.lowering import Elementwise, Library, Reduction
from numflow.graph.tensor import Tensor
from numflow.ops import joining, linalg
from numflow.ops import shape as shaping
from numflow.passes.patterns import inputs_of, made_by
from numflow.passes.view_rules import transpose_twice

Perm = tuple[int, ...]


def channels_last(graph: Graph) -> Graph:
    """An equal graph with fewer transposes between kernels of images."""
    if not any(_is_kernel(node) and node.outputs[0].spec.rank > 2 for node in graph.nodes):
        return graph
    return rebuild(graph, _Sinking(), again=True)


def _is_kernel(node: Node) -> bool:
    return isinstance(node.op.lower, Library) and node.op is not linalg.matmul_op


def _of_pixels(node: Node) -> bool:
    """Whether it makes an image of a product whose rows are pixels: a window of one pixel."""
    if node.op is not shaping.reshape_op:
        return False
    rows = node.inputs[0]
    product = rows.node is not None and rows.node.op is linalg.matmul_op
    return product and rows.spec.rank == 2 and rows.spec.shape[-1:] == node.output.spec.shape[-1:]


class _Sinking:
    """The rule; it remembers which values come from kernels of images."""

    def __init__(self) -> None:
        self._known: dict[Value, bool] = {}

    def __call__(
        self, node: Node, inputs: tuple[SymbolicTensor, ...]
    ) -> Tensor | Sequence[Tensor] | None:
        if node.op.effect or len(node.outputs) != 1:
            return None
        if node.op is shaping.transpose_op:
            return transpose_twice(node, inputs)
        lower = node.op.lower
        if isinstance(lower, Elementwise) and not lower.indexed:
            return self._element(node, inputs)
        if isinstance(lower, Reduction):
            return self._fold(node, inputs[0])
        if node.op is joining.concat_op:
            return self._concat(node, inputs)
        return None

    # --- what is moved -------------------------------------------------------------------------

    def _transposed(self, x: SymbolicTensor) -> tuple[SymbolicTensor, Perm] | None:
        """(source, perm) where x is the transpose of what comes from such a kernel."""
        node = made_by(x, shaping.transpose_op)
        if node is None or x.spec.rank < 3:
            return None
        (source,) = inputs_of(node)
        return (source, tuple(node.attrs["perm"])) if self._from_kernel(source.value) else None

    def _from_kernel(self, value: Value) -> bool:
        """Whether value is a kernel's result, or made of one element by element."""
        found = self._known.get(value)
        if found is None:
            node = value.node
            found = False
            if node is not None and value.spec.rank > 2:
                near = isinstance(node.op.lower, Elementwise) or node.op is joining.concat_op
                found = _is_kernel(node) or (near and any(map(self._from_kernel, node.inputs)))
                found = found or _of_pixels(node)
            self._known[value] = found
        return found

    # --- through what --------------------------------------------------------------------------

    def _element(self, node: Node, inputs: tuple[SymbolicTensor, ...]) -> Tensor | None:
        shape = node.output.spec.shape
        perm = None
        for x in inputs:
            found = self._transposed(x)
            if found is not None and x.spec.shape == shape:
                perm = found[1]
                break
        if perm is None:
            return None
        made = node.op(*(_turned(x, perm) for x in inputs), **node.attrs)
        assert isinstance(made, Tensor)
        return _transposed(made, perm)

    def _fold(self, node: Node, x: SymbolicTensor) -> Tensor | None:
        found = self._transposed(x)
        if found is None:
            return None
        source, perm = found
        attrs = dict(node.attrs)
        axes = attrs["axis"]
        attrs["axis"] = tuple(sorted(perm[a] for a in axes))
        made = node.op(source, **attrs)
        assert isinstance(made, Tensor)
        left = perm if attrs.get("keepdims") else [p for k, p in enumerate(perm) if k not in axes]
        order = tuple(int(k) for k in np.argsort(np.argsort(left)))
        return made if order == tuple(range(len(order))) else _transposed(made, order)

    def _concat(self, node: Node, inputs: tuple[SymbolicTensor, ...]) -> Tensor | None:
        parts = [self._transposed(x) for x in inputs]
        perms = {found[1] for found in parts if found is not None}
        if len(perms) != 1 or None in parts:
            return None
        (perm,) = perms
        sources = [found[0] for found in parts if found is not None]
        made = joining.concat_op(*sources, axis=perm[node.attrs["axis"]])
        return _transposed(made, perm)


def _turned(x: SymbolicTensor, perm: Perm) -> Tensor:
    """x, which broadcasts in the transposed order, as it does in the source's."""
    shape = x.spec.shape
    if all(n == 1 for n in shape):
        return x
    whole: Tensor = x
    if len(shape) < len(perm):
        whole = shaping.reshape_op(x, shape=(*(1 for _ in perm[len(shape) :]), *shape))
    node = made_by(x, shaping.transpose_op)
    if node is not None and tuple(node.attrs["perm"]) == perm and len(shape) == len(perm):
        return inputs_of(node)[0]
    return _transposed(whole, tuple(int(k) for k in np.argsort(perm)))


def _transposed(x: Tensor, perm: Perm) -> Tensor:
    made: Tensor = shaping.transpose_op(x, perm=perm)
    return made
