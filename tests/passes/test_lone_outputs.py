"""Kernels asked for their first output only."""

from textwrap import dedent

from numflow.graph.text import parse
from numflow.ops import operators, pooling
from numflow.passes.lone_outputs import lone_outputs

OPS = (operators, pooling)  # imported, so that their ops have names

ATTRS = "kernel=(2,), strides=(2,), padding=((0, 0),), dilations=(1,)"


def test_what_nobody_reads_is_not_computed() -> None:
    """The op for the first output stands in its place; what follows reads that."""
    before = f"""
        graph(%0: f32[2, 4, 3])
          %1, %2 = max_pool_places(%0, {ATTRS})
          %3 = tanh(%1)
          return %3
    """
    after = f"""
        graph(%0: f32[2, 4, 3])
          %1 = max_pool_direct(%0, {ATTRS})
          %2 = tanh(%1)
          return %2
    """
    assert str(lone_outputs(parse(before))) == dedent(after).strip()


def test_what_is_read_stays() -> None:
    """Both outputs are wanted: the same graph."""
    graph = parse(f"""
        graph(%0: f32[2, 4, 3])
          %1, %2 = max_pool_places(%0, {ATTRS})
          return %1, %2
    """)
    assert lone_outputs(graph) is graph
