"""Why neighbouring parts of a program are not one loop.

Fusing is done again, with somebody who takes notes: a normal compile pays nothing. Notes are about
groups in the making; what counts is the last one about two parts that are apart in the end.
"""

from __future__ import annotations

from collections.abc import Sequence

from numflow.codegen.domain import fits
from numflow.codegen.steps import (
    ClusterStep,
    CopyStep,
    HostStep,
    LibraryStep,
    Program,
    SegmentStep,
    Step,
)
from numflow.explain.names import Names
from numflow.explain.parts import Gap
from numflow.graph.graph import Node, Value
from numflow.graph.lowering import HostCall, View
from numflow.passes.fuse import fuse
from numflow.passes.group import CLOSED, DOMAIN, MIDDLE, POOLED, VIEW

_Notes = dict[tuple[int, int], str]


def gaps(program: Program, names: Names) -> tuple[Gap, ...]:
    """For each step that reads what another one writes: why they are two."""
    steps = program.steps
    place: dict[Node, int] = {}
    for k, step in enumerate(steps):
        for node in step.nodes:
            place.setdefault(node, k)
    notes = _notes(program, place)
    found: dict[tuple[int, int], Gap] = {}
    for k, step in enumerate(steps):
        for node in step.nodes:
            for value in node.inputs:
                made, view = _maker(value, place)
                pair = (place.get(made, k), k) if made is not None else (k, k)
                if pair[0] != k and pair not in found:
                    why = _why(steps[pair[0]], step, value, view, notes.get(pair))
                    found[pair] = Gap(*pair, names.plain(value), why)
    return tuple(found[pair] for pair in sorted(found))


def _notes(program: Program, place: dict[Node, int]) -> _Notes:
    notes: _Notes = {}

    def note(nodes: Sequence[Node], others: Sequence[Node], why: str) -> None:
        for a in {place[n] for n in nodes if n in place}:
            for b in {place[n] for n in others if n in place}:
                notes[min(a, b), max(a, b)] = why

    fuse(program.graph, fits, note)
    return notes


def _maker(value: Value, place: dict[Node, int]) -> tuple[Node | None, Node | None]:
    """(the node in a step that makes a value, the view that it is read through)."""
    node, view = value.node, None
    while node is not None and node not in place and isinstance(node.op.lower, View):
        view = view or node
        node = node.inputs[0].node
    return node, view


def _why(maker: Step, reader: Step, value: Value, view: Node | None, note: str | None) -> str:
    if note is not None and note.startswith(POOLED):
        return note
    for step in (maker, reader):
        alone = _alone(step)
        if alone:
            return alone
    if isinstance(reader, SegmentStep):
        return "the updates of several variables are a loop of their own"
    if isinstance(maker, ClusterStep) and value in maker.code.group.closed:
        return MIDDLE if maker.code.group.deep else CLOSED
    if note == DOMAIN:
        return f"{DOMAIN}: {_domain(maker)} and {_domain(reader)}"
    if note is not None:
        return note
    if view is not None:
        return f"{VIEW}: through {view.op.name}"
    return f"{DOMAIN}: {_domain(maker)} and {_domain(reader)}"


def _alone(step: Step) -> str:
    """Why a step is never part of a loop; "" for those that might be."""
    node = step.nodes[0]
    if isinstance(step, LibraryStep):
        takes = " (it takes along only a bias and relu or relu6)"
        takes = takes if node.op.name == "matmul" else ""
        return f"{node.op.name} is a library kernel{takes}"
    if isinstance(step, HostStep):
        return f"{node.op.name} runs on the host: {host_reason(node)}"
    if isinstance(step, CopyStep):
        if node.op.effect == "write":
            return "the variable's old value is needed until then, so the new one is copied"
        return f"{node.op.name} puts its output together by copies"
    return ""


def host_reason(node: Node) -> str:
    """Why a node is no compiled code."""
    if isinstance(node.op.lower, HostCall):
        return node.op.lower.why
    names = [v.spec.dtype.name for v in (*node.inputs, *node.outputs)]
    kinds = sorted({n for n in names if n == "string" or n.startswith("complex")})
    return f"no kernel takes {' or '.join(kinds)}" if kinds else "it has no compiled form"


def _domain(step: Step) -> str:
    if isinstance(step, ClusterStep) and step.code.group.domain is not None:
        return f"[{', '.join(map(str, step.code.group.domain))}]"
    return "those of several variables"
