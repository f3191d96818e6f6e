"""Steps whose results outlast the call: what is made of captured tensors, and of variables that the
program only reads.

Filters in the order of their kernels, scales folded into weights: the same in every call until
somebody writes the variable. These steps come first, and a plan runs them again only when a
variable was written since (runtime/kept.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from numflow.codegen.steps import ClusterStep, CopyStep, LibraryStep, Program, Step, refuses
from numflow.graph.graph import Graph, Node, Value, constant_op


def kept_first(
    graph: Graph, steps: Sequence[Step], roots: Collection[Value]
) -> tuple[list[Step], int]:
    """The steps in another order, and how many of them, in front, are of this kind.

    roots: those that are handed out or assigned, which have memory of their own.
    """
    written = {id(n.attrs["variable"]) for n in graph.nodes if n.op.effect == "write"}
    reads = [n for n in graph.nodes if n.op.effect == "read" and not n.inputs]
    lasting = {n.output for n in reads if id(n.attrs["variable"]) not in written}
    lasting.update(v for v in graph.inputs if v in graph.captures)
    if not lasting:
        return list(steps), 0
    makers: dict[Value, int] = {}  # how many steps write each root
    for s in steps:
        for w in s.writes:
            makers[w] = makers.get(w, 0) + 1
    kept: list[Step] = []
    others: list[Step] = []
    for s in steps:
        if _lasts(s, lasting) and all(w not in roots and makers[w] == 1 for w in s.writes):
            kept.append(s)
            lasting.update(s.writes)
        else:
            others.append(s)
    return kept + others, len(kept)


def _lasts(step: Step, lasting: set[Value]) -> bool:
    """Whether it reads nothing but what lasts, and not constants alone."""
    if not isinstance(step, ClusterStep | LibraryStep | CopyStep) or refuses(step):
        return False
    if any(v.spec.dtype.name == "string" or v.spec.symbols() for v in step.writes):
        return False
    changing = [r for r in step.reads if not _constant(r)]
    return bool(changing) and all(r in lasting for r in changing)


def _constant(root: Value) -> bool:
    node: Node | None = root.node
    return node is not None and node.op is constant_op


def made_of(program: Program) -> tuple[list[Any], list[Value]]:
    """The variables and the captures that the kept steps of a program read."""
    reads = dict.fromkeys(r for s in program.steps[: program.kept] for r in s.reads)
    variables = {id(v): v for r in reads if (v := program.variables.get(r)) is not None}
    captures = [r for r in reads if r in program.graph.captures]
    return list(variables.values()), captures
