"""Branches and loops as steps: programs inside of a program.

The graph of a body becomes one in which its loop variables are variables: read in front, written
behind, into cells of the step. So what orders the writes of a training step (writes.py) does it
here too: a loop variable is computed in its own memory where nobody reads the old value afterwards,
and copied there at the end of the iteration elsewhere. Branches write their results into cells, and
a condition what it decides.

Where anything inside runs in Python, or has sizes that depend on values, there is no such step: the
node is a host call, whose iterations Python counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from numflow.codegen.steps import BindStep, BranchStep, Cell, HostStep, LoopStep, Program, Seen
from numflow.config import settings
from numflow.graph.building import with_inputs
from numflow.graph.graph import Graph, GraphBuilder, Node, Value
from numflow.ops.control import cond_op, empty_op, while_op
from numflow.ops.state import assign_op, read_op

if TYPE_CHECKING:
    from numflow.codegen.registers import RegisterLoop

Emit = Callable[[Graph], Program]


def control_step(node: Node, inputs: Sequence[Seen], emit: Emit) -> LoopStep | BranchStep | None:
    """The step of a node that holds graphs; None where Python has to run it.

    inputs: where its own lie, dense. emit: graph -> program, of what is inside.
    """
    if node.op not in (cond_op, while_op):
        return None
    if any(v.spec.dtype.name == "string" for v in (*node.inputs, *node.outputs)):
        return None
    began = len(node.outputs) if node.op is while_op else 0
    used = [r for k, (r, _) in enumerate(inputs) if k >= began or not unwritten(r)]
    reads = tuple(dict.fromkeys(used))
    seen = dict(zip(node.inputs, inputs, strict=True))
    cells = tuple(Cell(v.spec, f"state {k}") for k, v in enumerate(node.outputs))
    if node.op is cond_op:
        branches = tuple(emit(_with_cells(g, (), cells)) for g in node.subgraphs)
        if not all(map(compiled, branches)):
            return None
        return BranchStep((node,), reads, node.outputs, seen, node, cells, branches)
    condition, body = node.subgraphs
    going = Cell(condition.outputs[0].spec, "going")
    test = emit(_with_cells(condition, cells, (going,)))
    if not compiled(test):
        return None
    again = emit(_with_cells(body, cells, cells))
    if not compiled(again):
        return None
    registers = _in_registers(node)
    return LoopStep((node,), reads, node.outputs, seen, node, cells, going, test, again, registers)


def _in_registers(node: Node) -> RegisterLoop | None:
    """The loop as one kernel, if it is one over scalars."""
    if settings.codegen == "numba" or not any(v.spec.size == 1 for v in node.outputs):
        return None
    from numflow.codegen.registers import in_registers  # only where there is a loop

    return in_registers(node)


def unwritten(root: Value) -> bool:
    """Whether a buffer holds nothing that anybody may read."""
    return root.node is not None and root.node.op is empty_op


def compiled(program: Program) -> bool:
    """Whether all of a program runs without Python."""
    return not any(isinstance(s, HostStep | BindStep) for s in program.steps)


def _with_cells(graph: Graph, before: Sequence[Cell], after: Sequence[Cell]) -> Graph:
    """The graph, reading its first inputs from cells, and writing its outputs into some."""
    builder = GraphBuilder(graph.name)
    builder.inputs = list(graph.inputs[len(before) :])
    new: dict[Value, Value] = {}
    moved: dict[Node, Node] = {}
    for cell, v in zip(before, graph.inputs, strict=False):
        new[v] = builder.add(read_op, (), {"variable": cell}, [v.spec]).output
    for node in graph.nodes:
        copy = with_inputs(node, new, moved)
        builder.nodes.append(copy)
        if copy is not node:
            moved[node] = copy
            new.update(zip(node.outputs, copy.outputs, strict=True))
    kept = dict(zip(before, graph.inputs, strict=False))
    for cell, v in zip(after, graph.outputs, strict=True):
        if kept.get(cell) is not v:
            builder.add(assign_op, (new.get(v, v),), {"variable": cell}, ())
    return builder.freeze(())
