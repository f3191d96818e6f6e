"""The gradient of an activation in front of a pool is taken of the pooled image.

Before                                            After
  %2, %3 = max_pool_places(%1)                      %2, %3 = max_pool_places(%1)
  %5 = pool_spread(%4, %3)                          %5 = greater(%2, %0)
  %6 = greater(%1, %0)                              %6 = where(%5, %4, %0)
  %7 = where(%6, %5, %0)                            %7 = pool_spread(%6, %3)
  %8 = reduce_sum(%7, axis=(0, 1, 2))               %8 = reduce_sum(%6, axis=(0, 1, 2))
  return %7, %8                                     return %7, %8

and the gradient by the filter of what `%7` is the gradient of, if nothing else reads that, spreads
it itself (ops/convolution_unpooled.py).

Why: what a gradient spreads over the pixels that were largest is nothing beside them, and there
     `%1` is what the pool found, `%2`: so the mask, and the sum for a bias, are of the smaller
     image, a pass over the large one is saved, and it need not be kept for the gradient. Then its
     convolution may pool it at once (fuse.py).

The bits are the same but for the order of the sum. Where a window holds nothing but NaN the pool
finds -inf: neither is greater than anything.
"""

from __future__ import annotations

from typing import Any

from numflow.graph.building import SymbolicTensor, rebuild
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.op import current
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons, pooling, select
from numflow.ops import reduce as reductions
from numflow.passes.dead_code import dead_code
from numflow.passes.patterns import inputs_of, is_zero, made_by, scalar

Inputs = tuple[SymbolicTensor, ...]


def pool_gradient(graph: Graph) -> Graph:
    """An equal graph, up to the order of sums, that masks and sums what is spread before it is."""
    graph = dead_code(graph)  # what channels_last left behind reads the same
    users = graph.users()
    alone = {  # by the places, which the pass leaves as they are
        node.inputs[1]
        for node in graph.nodes
        if node.op is pooling.spread_op
        and len(users.get(node.output, ())) == 1
        and node.output not in graph.outputs
    }
    masked = rebuild(graph, _Rule(alone))
    if not any(node.op.name == "convolution_filter_parts" for node in masked.nodes):
        return masked
    masked = dead_code(masked)
    return rebuild(masked, _Unpooled(masked))


class _Unpooled:
    """parts(x, pool_spread(dy, place)) -> one kernel, where nobody else reads what is between."""

    def __init__(self, graph: Graph) -> None:
        self.users, self.outputs = graph.users(), graph.outputs

    def __call__(self, node: Node, inputs: Inputs) -> Tensor | None:
        if node.op.name != "convolution_filter_parts":
            return None
        spread = made_by(inputs[1], pooling.spread_op)
        if spread is None or spread.output in self.outputs:
            return None
        if len(self.users.get(spread.output, ())) != 1:
            return None
        from numflow.ops.convolution_unpooled import unpooled  # few programs train a convolution

        return unpooled(node, spread, inputs[0], *inputs_of(spread))


class _Rule:
    """alone: the places of the gradients that have one reader only."""

    def __init__(self, alone: set[Value]) -> None:
        self.alone = alone

    def __call__(self, node: Node, inputs: Inputs) -> Tensor | None:
        if node.op is select.where_op:
            return self._masked(*inputs)
        if node.op is reductions.sum_op:
            return _summed(node, inputs[0])
        return None

    def _masked(
        self, mask: SymbolicTensor, x: SymbolicTensor, other: SymbolicTensor
    ) -> Tensor | None:
        """where(mask(y), pool_spread(dy), 0) -> pool_spread(where(mask(pooled), dy, 0))."""
        spread = made_by(x, pooling.spread_op)
        pool = None if spread is None else _pool_of(spread)
        if spread is None or pool is None or spread.inputs[1] not in self.alone:
            return None
        if not is_zero(other) or x.spec.shape != pool.inputs[0].spec.shape:
            return None
        small = _mask(mask, pool)
        if small is None:
            return None
        dy, place = inputs_of(spread)
        made = pooling.spread_op(select.where_op(small, dy, other), place, **spread.attrs)
        assert isinstance(made, Tensor)
        return made


def _pool_of(spread: Node) -> Node | None:
    """The pool whose places a gradient goes by."""
    pool = spread.inputs[1].node
    if pool is None or pool.op is not pooling.places_op:
        return None
    return pool if all(spread.attrs[name] == v for name, v in pool.attrs.items()) else None


def _mask(mask: SymbolicTensor, pool: Node) -> Tensor | None:
    """y > a, or y > a and y < b, of the pooled y."""
    both = made_by(mask, select.logical_and_op)
    if both is not None:
        above, below = inputs_of(both)
        first = _compared(above, comparisons.greater_op, pool)
        second = _compared(below, comparisons.less_op, pool)
        if first is None or second is None:
            return None
        made = select.logical_and_op(first, second)
        assert isinstance(made, Tensor)
        return made
    return _compared(mask, comparisons.greater_op, pool)


def _compared(mask: SymbolicTensor, op: object, pool: Node) -> Tensor | None:
    """op(y, constant) of the pooled y."""
    node = mask.value.node
    if node is None or node.op is not op:
        return None
    y, bound = inputs_of(node)
    if y.value is not pool.inputs[0] or scalar(bound) is None or bound.spec.rank:
        return None
    building: Any = current()
    made = node.op(building.tensor(pool.outputs[0]), bound)
    assert isinstance(made, Tensor)
    return made


def _summed(node: Node, x: SymbolicTensor) -> Tensor | None:
    """reduce_sum(pool_spread(dy)) -> reduce_sum(dy), over the whole image at least.

    Where each window is over the image, somewhere: else its element is nowhere.
    """
    spread = made_by(x, pooling.spread_op)
    if spread is None or _pool_of(spread) is None:
        return None
    image = set(range(1, x.spec.rank - 1))
    if not image <= set(node.attrs["axis"]) or not _over_image(spread):
        return None
    made = reductions.sum_op(inputs_of(spread)[0], **node.attrs)
    assert isinstance(made, Tensor)
    return made


def _over_image(spread: Node) -> bool:
    """Whether no window lies in the padding only."""
    dy, a = spread.inputs[0].spec.shape[1:-1], spread.attrs
    moves = zip(
        dy, a["image"], a["kernel"], a["strides"], a["padding"], a["dilations"], strict=True
    )
    return all(_each(*move) for move in moves)


def _each(places: Any, n: Any, k: int, stride: int, pads: tuple[Any, Any], d: int) -> bool:
    """Of one axis. Of more than one place apart, taps may be on both sides of an image."""
    if pads == (0, 0):
        return True
    front, _ = pads
    if not (isinstance(places, int) and isinstance(n, int) and isinstance(front, int)):
        return False
    return d == 1 and 0 <= front < k and (places - 1) * stride - front < n
