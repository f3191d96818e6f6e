"""Program: steps over buffers, before anything has an address. Data only.

A buffer is named by the value it first holds, its *root*; views are layouts in it. A root is an
argument, a constant, a variable's memory, a small table of sizes, a result, or in the arena of the
plan. program.py makes programs; runtime/plan.py fills in the sizes of a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numflow.codegen.cluster import ClusterCode
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.loops import Loop
from numflow.graph.lowering import Layout, dense
from numflow.graph.spec import Spec
from numflow.kernels.records import field, record
from numflow.shapes import Extent

if TYPE_CHECKING:
    from numflow.codegen.registers import RegisterLoop

Seen = tuple[Value, Layout]  # where a value lies: in the buffer of which root, and where in it


@record
class Step:
    """What one or more instructions do: the nodes it stands for, the roots it reads and writes."""

    nodes: tuple[Node, ...]
    reads: tuple[Value, ...]
    writes: tuple[Value, ...]


@record
class ClusterStep(Step):
    """A fused loop. inputs: where that what its nodes take from outside lies, for domains without
    elements."""

    code: ClusterCode
    inputs: dict[Value, Seen]


@record
class SegmentStep(Step):
    """One elementwise loop over the arrays of several clusters of one form, one after the other."""

    loop: Loop
    codes: tuple[ClusterCode, ...]


@record
class LibraryStep(Step):
    """A kernel of kernels/: inputs and outputs are dense, but for rows that may lie apart.

    bias, residual, activation: what a product takes along; behind: what pools its result, whose
    results are then the outputs. joined: where outputs lie that are parts of another array
    (passes/joined.py). form: the same number for steps of a program that differ in their operands
    only (runtime/work.py).
    """

    node: Node
    inputs: tuple[Seen, ...]
    outputs: tuple[Value, ...]
    bias: Seen | None = None
    residual: Seen | None = None
    activation: str = ""
    behind: Node | None = None
    joined: dict[Value, Seen] = field(default_factory=dict)
    form: int | None = None

    def apart(self) -> tuple[Extent, ...]:
        """Elements from row to row of the operands that the kernel takes in rows; () if all are
        dense."""
        lower = self.node.op.lower
        if lower.rows == ((), ()):
            return ()
        inputs, outputs = lower.loose(len(self.inputs), len(self.outputs))
        found = [self.inputs[k][1] for k in inputs]
        for v in map(self.outputs.__getitem__, outputs):
            whole = v, Layout(v.spec.shape, dense(v.spec.shape))
            found.append(self.joined.get(v, whole)[1])
        if all(layout.strides == dense(layout.shape) for layout in found):
            return ()
        return tuple(layout.apart for layout in found)


@record
class CopyStep(Step):
    """Elements of a layout into another: assemblies, and variables that could not be written at
    once."""

    source: Seen | None  # None: the fill value
    target: Seen
    fill: Any = None


@record
class RowStep(Step):
    """One row of something that a loop or a branch captures, where it lies: those that read it are
    told the address. A copy would cost a training loop a batch of data in each step.

    node: a gather with a scalar index. source, index: where its operands lie, dense.
    """

    node: Node
    source: Seen
    index: Seen


@record
class HostStep(Step):
    """The reference of a node, run from Python. inputs: where each lies."""

    inputs: dict[Value, Seen]


class Cell:
    """Memory that steps of a program inside of another read and write like a variable: of a loop
    variable, or of a result. Compared by identity."""

    __slots__ = ("name", "spec")

    def __init__(self, spec: Spec, name: str) -> None:
        self.spec, self.name = spec, name


@record
class ControlStep(Step):
    """Programs inside of a program (codegen/control.py). inputs: where those of `node` lie, dense;
    cells: of its outputs."""

    inputs: dict[Value, Seen]
    node: Node
    cells: tuple[Cell, ...]


@record
class LoopStep(ControlStep):
    """`body` again and again, as long as `condition` leaves true in `going`.

    registers: the whole loop as one kernel, if that is what runs (codegen/registers.py).
    """

    going: Cell
    condition: Program
    body: Program
    registers: RegisterLoop | None = None


@record
class BranchStep(ControlStep):
    """One of `branches`."""

    branches: tuple[Program, ...]


@record
class BindStep(Step):
    """Numbers for sizes: those of the elements of a value, for symbols. Ends a segment: what comes
    behind is planned when they are known."""

    source: Seen
    symbols: tuple[str, ...]


@record
class Program:
    """Steps in order, and what each root is.

    inputs, outputs: roots in the order of the call; captures follow the arguments in `inputs`.
    assigned: root -> the variable in whose memory it is computed.
    variables: root of a read -> variable. draws: roots of random states, in order.
    first_write: index of the first step that writes a variable.
    segments: (begin, end) of the steps of each; all but the last end with BindSteps.
    checked: per segment, the nodes whose sizes are to be looked at when they are known.
    carried: per segment, the roots that later ones need.
    assumed: slices of symbolic axes that are gone, as only their shapes were of use: a plan checks
    that they were inside.
    checks: by segment, `checked` sorted (runtime/sizes.py).
    forms: of library steps, by what they have in common.
    lives: by segment, when its buffers are needed (runtime/lives.py).
    kept: how many steps, in front, run only when a variable was written since (codegen/kept.py).
    told: the graph with what only messages of checks need, where that is more than `graph`.
    """

    graph: Graph
    steps: list[Step]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    output_specs: tuple[Any, ...]
    variables: dict[Value, Any]
    assigned: dict[Value, Any]
    draws: tuple[Node, ...]
    written: tuple[Any, ...]
    first_write: int = 0
    segments: tuple[tuple[int, int], ...] = ()
    checked: tuple[tuple[Node, ...], ...] = ()
    carried: tuple[frozenset[Value], ...] = ()
    assumed: tuple[Node, ...] = ()
    checks: dict[int, Any] = field(default_factory=dict)
    forms: dict[Any, int] = field(default_factory=dict)
    lives: dict[int, Any] = field(default_factory=dict)
    kept: int = 0
    told: Graph | None = None

    def variable(self, root: Value) -> Any:
        """The variable in whose memory a root lies, or None."""
        found = self.assigned.get(root)
        return self.variables.get(root) if found is None else found


def refuses(step: Step) -> bool:
    """Whether a step may refuse a value."""
    if isinstance(step, ClusterStep):
        return bool(step.code.checks)
    if isinstance(step, LibraryStep):
        return bool(step.node.op.lower.refuses)
    if isinstance(step, RowStep):
        return True
    if isinstance(step, BranchStep):
        return any(refuses(s) for program in step.branches for s in program.steps)
    # a loop may be interrupted; what follows a bind may not fit its sizes
    return isinstance(step, HostStep | BindStep | LoopStep)
