"""Decomposition: ops made of others are expanded until none is left."""

from textwrap import dedent
from typing import cast

import numpy as np

from numflow.graph.lowering import Composite
from numflow.graph.op import Op
from numflow.graph.tensor import Tensor
from numflow.graph.text import parse
from numflow.ops import activation, math, signs
from numflow.passes.decompose import decompose

OPS = (activation,)  # imported, so that its ops have names


def _inner(x: Tensor) -> Tensor:
    return math.exp(x)


def _outer(x: Tensor) -> Tensor:
    return cast(Tensor, _inner_op(signs.negative(cast(Tensor, _inner_op(x)))))


_inner_op = Op("test_inner", lambda x: x, np.exp, None, Composite(_inner))
_outer_op = Op("test_outer", lambda x: x, lambda x: np.exp(-np.exp(x)), None, Composite(_outer))


def test_softmax_becomes_its_steps() -> None:
    """Elementwise ops and folds, which fuse."""
    before = """
        graph(%0: f32[n, 3])
          %1 = softmax(%0, axis=1)
          return %1
    """
    after = """
        graph(%0: f32[n, 3])
          %1 = reduce_max(%0, axis=(1,), keepdims=True)
          %2 = subtract(%0, %1)
          %3 = exp(%2)
          %4 = reduce_sum(%3, axis=(1,), keepdims=True)
          %5 = constant(value=f32[](1.0))
          %6 = divide(%5, %4)
          %7 = multiply(%3, %6)
          return %7
    """
    assert str(decompose(parse(before))) == dedent(after).strip()


def test_what_is_made_of_composites_is_expanded_too() -> None:
    """Until none is left."""
    before = "graph(%0: f32[3])\n  %1 = test_outer(%0)\n  return %1"
    after = "graph(%0: f32[3])\n  %1 = exp(%0)\n  %2 = negative(%1)\n  %3 = exp(%2)\n  return %3"
    assert str(decompose(parse(before))) == after


def test_new_nodes_inherit_the_line_of_the_old() -> None:
    """So that messages and explain() name the user's line."""
    graph = parse("graph(%0: f32[3])\n  %1 = test_outer(%0)\n  return %1")
    assert graph.nodes[0].op is _outer_op
    line = graph.nodes[0].line
    assert {node.line for node in decompose(graph).nodes} == {line}
