"""Recurrent layers that run in pairs."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.graph.reference import run_reference
from numflow.graph.text import parse
from numflow.graph.verify import verify
from numflow.ops import operators, recurrent, recurrent_simple
from numflow.ops.recurrent_both import OF_TWO
from numflow.passes.both_directions import both_directions

OPS = (operators, recurrent_simple)  # imported, so that their ops have names

REST = "carry=False, masked=False, relu=False"


def layer(x: str, reverse: bool, more: str = REST) -> str:
    return f"simple_states({x}, %u, %h, time_major=False, reverse={reverse}, {more})"


def graph_of(nodes: str) -> Any:
    lines = "".join(f"  {line.strip()}\n" for line in nodes.strip().split(";"))
    return parse(f"graph(%x: f32[b, 5, 3], %u: f32[3, 32], %h: f32[b, 3])\n{lines}")


def test_two_that_do_not_wait_for_each_other() -> None:
    """One op in the place of the first, behind what the second needs; the results are the same."""
    graph = graph_of(
        f"%1, %2 = {layer('%x', False)}; %3 = tanh(%1); %4 = negative(%x);"
        f" %5, %6 = {layer('%4', True)}; return %3, %5, %6"
    )
    found = both_directions(graph)
    verify(found)
    after = """
    graph(%0: f32[b, 5, 3], %1: f32[3, 32], %2: f32[b, 3])
      %3 = negative(%0)
      %4, %5, %6, %7 = simple_states_both(%0, %1, %2, %3, %1, %2, time_major=False, reverse=(0, 1), carry=False, masked=False, relu=False)
      %8 = tanh(%4)
      return %8, %6, %7
    """  # noqa: E501
    assert str(found) == dedent(after).strip()
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(-1, 1, s).astype(np.float32) for s in ((2, 5, 3), (3, 32), (2, 3))]
    for a, b in zip(run_reference(graph, arrays), run_reference(found, arrays), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("why", "nodes"),
    [
        ("one reads the other", f"%1, %2 = {layer('%x', False)}; %3, %4 = {layer('%1', True)};"
                                " return %3, %4"),
        ("through others", f"%1, %2 = {layer('%x', False)}; %3 = tanh(%1);"
                           f" %4, %5 = {layer('%3', True)}; return %4"),
        ("other attributes", f"%1, %2 = {layer('%x', False)}; %3, %4 ="
                             f" {layer('%x', True, REST.replace('relu=False', 'relu=True'))};"
                             " return %1, %3"),
        ("other shapes", "%9 = slice(%x, begin=(0, 0, 0), stride=(1, 1, 1), shape=(b, 4, 3));"
                         f" %1, %2 = {layer('%x', False)}; %3, %4 = {layer('%9', True)};"
                         " return %1, %3"),
    ],
)  # fmt: skip
def test_who_stays_alone(why: str, nodes: str) -> None:
    """The graph as it was."""
    graph = graph_of(nodes)
    assert both_directions(graph) is graph, why


def test_four_are_two_pairs_and_three_one() -> None:
    """A second layer of both directions is a pair of its own; one that is left over runs alone."""
    text = ";".join(f"%{2 * k + 1}, %{2 * k + 2} = {layer('%x', bool(k % 2))}" for k in range(4))
    graph = both_directions(graph_of(f"{text}; return %1, %3, %5, %7"))
    assert [node.op.name for node in graph.nodes] == ["simple_states_both"] * 2
    text = ";".join(f"%{2 * k + 1}, %{2 * k + 2} = {layer('%x', bool(k % 2))}" for k in range(3))
    graph = both_directions(graph_of(f"{text}; return %1, %3, %5"))
    assert sorted(node.op.name for node in graph.nodes) == ["simple_states", "simple_states_both"]


@pytest.mark.parametrize("kind", ["lstm", "gru", "simple_rnn"])
@pytest.mark.parametrize("batch", [1, 3, 50, 100])
def test_programs_give_the_bits_of_layers_alone(kind: str, batch: int) -> None:
    """Compiled together and one by one, with gradients, and with masks."""
    gates = {"lstm": 4, "gru": 3, "simple_rnn": 1}[kind]
    rng = np.random.default_rng(batch)
    wide = gates * 5
    w, u = (nf.constant(rng.uniform(-1, 1, (2, n, wide)).astype(np.float32)) for n in (3, 5))
    lengths = rng.integers(0, 5, batch)

    def one(x: Any, k: int) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            run = getattr(recurrent, kind)
            y, state = run(x, w[k], u[k], lengths=lengths, reverse=bool(k), carry=True)
        return y, state, tape.gradient(y, x)

    x = nf.constant(rng.uniform(-1, 1, (batch, 4, 3)).astype(np.float32))
    both = nf.function(lambda x: [one(x, 0), one(x, 1)])
    alone = [nf.function(lambda x, k=k: one(x, k))(x) for k in range(2)]
    for a, b in zip(nf.nest.flatten(both(x)), nf.nest.flatten(alone), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    concrete, _ = both.find(x)
    ran = {n.op for s in concrete.plain().program.steps for n in s.nodes}
    assert len(ran & set(OF_TWO.values())) == 2
    assert ran.isdisjoint(OF_TWO)
