"""The stretches of a program between which sizes become known (runtime/README.md), and which sizes
a plan looks at."""

from __future__ import annotations

from collections.abc import Sequence

from numflow.codegen.steps import BindStep, Step
from numflow.graph.graph import Graph, Node, Value, named_symbols
from numflow.ops import slicing
from numflow.shapes import run_time, symbols


def segments(steps: Sequence[Step]) -> tuple[tuple[int, int], ...]:
    """(begin, end) of each: cut behind every run of BindSteps that do not need each other."""
    cuts: list[int] = []
    bound: set[str] = set()  # by the run that step k continues
    for k, s in enumerate(steps):
        if bound and not (isinstance(s, BindStep) and bound.isdisjoint(_sizes_of_source(s))):
            cuts.append(k)
            bound = set()
        if isinstance(s, BindStep):
            bound.update(s.symbols)
    if bound:
        cuts.append(len(steps))
    return tuple(zip([0, *cuts], [*cuts, len(steps)], strict=True))


def _sizes_of_source(step: BindStep) -> set[str]:
    """The names of the sizes that must be known for a BindStep to find its numbers."""
    root, layout = step.source
    names = root.spec.symbols() if root.node is None else named_symbols(root.node)
    return names.union(*map(symbols, (*layout.shape, *layout.strides, layout.offset)))


def checked(graph: Graph, steps: Sequence[Step]) -> tuple[tuple[Node, ...], ...]:
    """Per segment, the nodes whose last size becomes known when it begins.

    Those without symbols were looked at when they were built. () for a program of one segment.
    """
    known: dict[str, int] = {}
    found = segments(steps)
    if len(found) == 1:
        return ()
    for number, (begin, end) in enumerate(found):
        for s in steps[begin:end]:
            if isinstance(s, BindStep):
                known |= dict.fromkeys(s.symbols, number + 1)
    nodes: list[list[Node]] = [[] for _ in found]
    for node in graph.nodes:
        names = named_symbols(node).union(*(v.spec.symbols() for v in node.inputs))
        if names:
            nodes[max(known.get(n, 0) for n in names)].append(node)
    return tuple(map(tuple, nodes))


def carried(steps: Sequence[Step]) -> tuple[frozenset[Value], ...]:
    """Per segment, the roots that later ones read or write: their memory is not used again."""
    later: set[Value] = set()
    found: list[frozenset[Value]] = []
    for begin, end in reversed(segments(steps)):
        found.append(frozenset(later))
        for s in steps[begin:end]:
            later.update(s.reads, s.writes)
    return tuple(reversed(found))


def assumed(traced: Graph, graph: Graph) -> tuple[Node, ...]:
    """The slices of symbolic axes that passes have dropped."""
    if not traced.symbols():
        return ()
    kept = {id(node.attrs) for node in graph.nodes if node.op is slicing.slice_op}
    return tuple(
        node
        for node in traced.nodes
        if node.op is slicing.slice_op
        and id(node.attrs) not in kept
        and not all(v.spec.known for v in (*node.inputs, *node.outputs))
        and not any(map(run_time, (*node.output.spec.shape, *node.inputs[0].spec.shape)))
    )
