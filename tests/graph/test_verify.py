"""Well-formedness: each rule has a graph that breaks it."""

from typing import Any

import numpy as np
import pytest

from numflow import dtypes
from numflow.errors import InternalError
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.spec import Spec
from numflow.graph.text import parse
from numflow.graph.verify import verify
from numflow.ops import math, reduce, shape
from numflow.shapes import Dim

OPS = (math, reduce, shape)  # imported, so that their ops have names


def replace(graph: Graph, **parts: Any) -> Graph:
    """graph with other parts."""
    names = ("inputs", "nodes", "outputs", "captures", "name")
    return Graph(*(parts.get(name, getattr(graph, name)) for name in names))


def _graph() -> Graph:
    return parse("""
        graph(%0: f32[n, 3])
          %1 = exp(%0)
          %2 = tanh(%1)
          %3 = reshape(%2, shape=(3*n,))
          return %3
    """)


def _node(inputs: tuple[Value, ...], spec: Spec) -> Node:
    return Node(math.exp_op, inputs, {}, [spec], None)


def test_a_good_graph_passes() -> None:
    """Symbols, sizes and views included."""
    verify(_graph())


def test_values_are_defined_before_use() -> None:
    """Rule `defined`."""
    graph = _graph()
    first, second, last = graph.nodes
    with pytest.raises(InternalError) as e:
        verify(replace(graph, nodes=(second, first, last)))
    problem = "input 0 of node 0 is not defined yet"
    assert str(e.value).startswith(f"tanh: the graph breaks the rule `defined`: {problem}\n")


def test_outputs_are_defined() -> None:
    """Rule `defined`, of the graph's own outputs."""
    graph = _graph()
    with pytest.raises(InternalError, match="`defined`: output 0 of the graph is made by no node"):
        verify(replace(graph, nodes=graph.nodes[:2]))


def test_values_are_defined_once() -> None:
    """Rule `once`."""
    graph = _graph()
    with pytest.raises(InternalError, match="`once`: output 0 of node 1 is another node's"):
        verify(replace(graph, nodes=(graph.nodes[0], *graph.nodes)))


def test_specs_are_what_the_shape_rule_gives() -> None:
    """Rule `specs`."""
    graph = _graph()
    wrong = _node(graph.inputs, Spec((3,), dtypes.float32))
    with pytest.raises(InternalError) as e:
        verify(replace(graph, nodes=(wrong,), outputs=wrong.outputs))
    assert "`specs`: node 0 gives float32 [3], its rule float32 [n, 3]" in str(e.value)


def test_symbols_are_bound_by_inputs() -> None:
    """Rule `symbols`: a size that no input tells cannot be planned."""
    graph = _graph()
    attrs = {"shape": (Dim.symbol("m"),)}
    spec = Spec(attrs["shape"], dtypes.float32)
    node = Node(shape.reshape_op, graph.inputs, attrs, [spec], None)
    with pytest.raises(InternalError, match="`symbols`: node 0 needs m, which nothing binds"):
        verify(replace(graph, nodes=(node,), outputs=node.outputs))


def test_control_inputs_come_earlier() -> None:
    """Rule `order`."""
    graph = _graph()
    after = Node(
        math.exp_op,
        graph.inputs,
        {},
        [graph.inputs[0].spec],
        None,
        control_inputs=(graph.nodes[0],),
    )
    verify(replace(graph, nodes=(*graph.nodes, after)))
    with pytest.raises(InternalError, match="`order`: node 0 comes before a control input"):
        verify(replace(graph, nodes=(after, *graph.nodes)))


def test_content_has_the_shape_of_its_value() -> None:
    """Rule `content`."""
    graph = parse("graph()\n  %0 = constant(value=i32[2]([3, 5]))\n  return %0")
    verify(graph)
    graph.nodes[0].output.content = np.array([3], object)
    with pytest.raises(InternalError, match="`content`"):
        verify(graph)


def test_captures_are_inputs() -> None:
    """Rule `captures`."""
    graph = _graph()
    with pytest.raises(InternalError, match="`captures`"):
        verify(replace(graph, captures={graph.nodes[0].output: np.zeros(3)}))


def test_symbols_are_bound_before_they_are_used() -> None:
    """By an earlier bind_sizes, where no input has them."""
    text = """
        graph(%0: i64[1], %1: f32[])
          %2 = bind_sizes(%0, symbols=(?1,))
          %3 = broadcast_to(%1, shape=(?1,))
          return %3
    """
    graph = parse(text)
    verify(graph)
    bind, use = graph.nodes
    with pytest.raises(InternalError, match=r"`symbols`: node 0 needs \?1, which nothing binds"):
        verify(replace(graph, nodes=(use, bind)))
