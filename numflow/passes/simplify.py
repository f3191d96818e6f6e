"""Rewrite single ops by algebra, by the table below.

Before                                            After
  %1 = broadcast_to(%c, shape=(2, 3))
  %2 = multiply(%0, %1)                             %1 = multiply(%0, %c)
  %3 = negative(%2)                                 %2 = add(%0, %1)
  %4 = subtract(%0, %3)
  return %4                                         return %2

Why: gradients are written one op at a time, so they negate what is negated again, repeat what
     elementwise ops repeat by themselves, and cast back and forth. What a rule makes is offered to
     the rules again. Every rule keeps the value: nan, inf and signed zeros included; only sums may
     be reordered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numflow.graph.building import SymbolicTensor, rebuild
from numflow.graph.graph import Graph, Node
from numflow.graph.lowering import Elementwise
from numflow.graph.op import Op
from numflow.graph.tensor import Tensor
from numflow.ops import joining, linalg, select, signs, slicing
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.passes import arithmetic_rules as arithmetic
from numflow.passes import product_rules as products
from numflow.passes import view_rules as views

Rule = Callable[[Node, tuple[SymbolicTensor, ...]], Tensor | None]

RULES: dict[Op, tuple[Rule, ...]] = {
    maths.add_op: (arithmetic.add_nothing, arithmetic.add_negative),
    maths.subtract_op: (arithmetic.subtract_nothing, arithmetic.subtract_negative),
    maths.multiply_op: (
        arithmetic.multiply_by_one,
        arithmetic.multiply_by_zero,
        arithmetic.multiply_negatives,
    ),
    maths.divide_op: (arithmetic.divide_by_power_of_two,),
    signs.negative_op: (arithmetic.negate_twice, arithmetic.negate_product),
    maths.cast_op: (arithmetic.cast_to_same, arithmetic.cast_twice),
    select.where_op: (arithmetic.choose_same,),
    select.logical_not_op: (arithmetic.not_twice,),
    shaping.identity_op: (views.pass_through,),
    shaping.stop_gradient_op: (views.pass_through,),
    shaping.reshape_op: (views.same_shape, views.reshape_twice, views.view_of_scalar),
    shaping.transpose_op: (
        views.transpose_twice,
        views.view_of_scalar,
        views.transpose_of_ones,
    ),
    shaping.broadcast_op: (views.same_shape, views.broadcast_twice),
    joining.concat_op: (views.concat_of_one,),
    slicing.slice_op: (views.same_shape, views.slice_twice, views.view_of_scalar),
    slicing.unslice_op: (views.unslice_of_all,),
    reductions.sum_op: (views.fold_nothing, views.sum_of_broadcast),
    reductions.prod_op: (views.fold_nothing,),
    reductions.max_op: (views.fold_nothing, views.fold_of_scalar),
    reductions.min_op: (views.fold_nothing, views.fold_of_scalar),
    reductions.any_op: (views.fold_nothing, views.fold_of_scalar),
    reductions.all_op: (views.fold_nothing, views.fold_of_scalar),
    linalg.matmul_op: (products.absorb_transpose, products.outer_product, products.thin_product),
    linalg.exact_matmul_op: (
        products.absorb_transpose,
        products.outer_product,
        products.thin_product,
    ),
}
ELEMENTWISE: tuple[Rule, ...] = (views.elementwise_of_broadcast,)


def simplify(graph: Graph) -> Graph:
    """An equal graph with fewer and cheaper nodes."""
    return rebuild(graph, _rule, again=True, wants=_has_rule)


def _has_rule(node: Node) -> bool:
    return node.op in RULES or (bool(node.inputs) and isinstance(node.op.lower, Elementwise))


def _rule(node: Node, inputs: tuple[SymbolicTensor, ...]) -> Tensor | Sequence[Tensor] | None:
    op = node.op
    if op.effect:
        return None
    for rule in RULES.get(op, ()):
        got = rule(node, inputs)
        if got is not None:
            return got
    if inputs and isinstance(op.lower, Elementwise):
        for rule in ELEMENTWISE:
            got = rule(node, inputs)
            if got is not None:
                return got
    return None
