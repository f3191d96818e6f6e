"""Building and rebuilding graphs: what is shared, what moves, what is followed."""

import numpy as np
import pytest

from numflow import dtypes
from numflow.errors import SymbolicTensorError
from numflow.graph.building import Building, rebuild
from numflow.graph.graph import GraphBuilder, Node
from numflow.graph.op import interpreting
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.graph.text import parse
from numflow.ops import math, operators
from numflow.shapes import Dim

OPS = (operators,)  # imported, so that its ops have names


def _tanh_for_exp(node: Node, inputs: tuple[Tensor, ...]) -> Tensor | None:
    return math.tanh(inputs[0]) if node.op is math.exp_op else None


def test_rebuild_replaces_nodes_and_shares_the_rest() -> None:
    """Only what follows a change is copied; a rule that does nothing gives the graph itself."""
    graph = parse("""
        graph(%0: f32[2])
          %1 = negative(%0)
          %2 = exp(%1)
          %3 = square(%2)
          return %1, %3
    """)
    after = rebuild(graph, _tanh_for_exp)
    assert [node.op.name for node in after.nodes] == ["negative", "tanh", "square"]
    assert after.nodes[0] is graph.nodes[0] and after.inputs == graph.inputs
    assert after.nodes[1].line == graph.nodes[1].line
    assert str(graph.nodes[1].op) == "<op exp>"
    assert rebuild(graph, lambda node, inputs: None) is graph


def test_rebuild_offers_what_a_rule_makes_only_if_told_to() -> None:
    """exp -> exp(negative) would not end otherwise."""

    def rule(node: Node, inputs: tuple[Tensor, ...]) -> Tensor | None:
        if node.op is math.exp_op:
            return math.tanh(inputs[0])
        return math.square(inputs[0]) if node.op is math.tanh_op else None

    graph = parse("graph(%0: f32[2])\n  %1 = exp(%0)\n  return %1")
    assert [node.op.name for node in rebuild(graph, rule).nodes] == ["tanh"]
    assert [node.op.name for node in rebuild(graph, rule, again=True).nodes] == ["square"]


def test_control_inputs_follow_the_nodes_that_moved() -> None:
    """Whoever waited for a node waits for what it became."""
    graph = parse("""
        graph(%0: f32[2])
          %1 = exp(%0)
          %2 = square(%0, _after=(0,))
          return %2
    """)
    after = rebuild(graph, _tanh_for_exp)
    assert after.nodes[1].control_inputs == (after.nodes[0],)
    assert after.nodes[0].op is math.tanh_op


def test_rebuild_leaves_the_tensors_of_an_open_builder_alone() -> None:
    """A trace may go on after a snapshot of it was taken and rewritten."""
    builder = GraphBuilder()
    building = Building(builder)
    x = building.tensor(builder.add_input(Spec((2,), dtypes.float32)))
    with interpreting(building):
        y = math.exp(x)
        rebuild(builder.freeze([building.value(y)]), _tanh_for_exp)
        z = math.square(y)
    assert building.tensor(building.value(y)) is y
    assert [node.op.name for node in builder.nodes] == ["exp", "square"]
    other = Building(GraphBuilder())
    with pytest.raises(SymbolicTensorError, match="belongs to another graph"):
        other.value(z)


def test_small_integers_made_of_sizes_are_followed() -> None:
    """Symbols included; what the reference cannot say stays unknown."""
    n = Dim.symbol("n")
    builder = GraphBuilder()
    building = Building(builder)
    with interpreting(building):
        sizes = building.sizes([n, 3], dtypes.int64)
        doubled = sizes * 2
        unknown = math.maximum(sizes, 2)
    content = building.value(doubled).content
    assert content is not None and content.tolist() == [2 * n, 6]
    assert building.value(unknown).content is None


def test_equal_small_constants_are_one_node() -> None:
    """By their bytes: -0.0 is not 0.0."""
    builder = GraphBuilder()
    one = builder.constant(np.zeros(2))
    assert builder.constant(np.zeros(2)) is one
    assert builder.constant(np.zeros(2, np.int64)) is not one
    assert builder.constant(-np.zeros(2)) is not one
