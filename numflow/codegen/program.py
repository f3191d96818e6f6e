"""A materialised graph -> a Program: ordered steps over buffers, sizes still symbolic.

A buffer is named by the value it first holds (its *root*); views are layouts in it. A root is an
argument, a constant, a variable's memory, a small table of sizes, a result, or in the arena of the
plan. Steps that write variables come last, so that whatever can refuse has run before: a new value
goes straight into the variable's memory where nobody reads the old one afterwards, else through a
copy at the end. The updates of all parameters become one step over segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from numflow.codegen.cluster import ClusterCode, Place, build, fits
from numflow.errors import UnimplementedError, explain
from numflow.graph.graph import Graph, Node, Value, constant_op, sizes_op
from numflow.graph.loops import Loop
from numflow.graph.lowering import Assemble, Elementwise, HostCall, Layout, Library, View, dense
from numflow.passes.fuse import Group, fuse
from numflow.passes.materialise import copy_op, layout_of, materialise
from numflow.shapes import Extent


@dataclass(eq=False)
class Step:
    """What one or more instructions do: the nodes it stands for, the roots it reads and writes."""

    nodes: tuple[Node, ...]
    reads: tuple[Value, ...]
    writes: tuple[Value, ...]


@dataclass(eq=False)
class ClusterStep(Step):
    """A fused loop. inputs: where that what its nodes take from outside lies, for domains without
    elements."""

    code: ClusterCode
    inputs: dict[Value, tuple[Value, Layout]]


@dataclass(eq=False)
class SegmentStep(Step):
    """One elementwise loop over the arrays of several clusters of one form, one after the other."""

    loop: Loop
    codes: tuple[ClusterCode, ...]


@dataclass(eq=False)
class LibraryStep(Step):
    """A kernel of kernels/: inputs and outputs are dense. bias and relu: what a matrix product
    takes along."""

    node: Node
    inputs: tuple[tuple[Value, Layout], ...]
    outputs: tuple[Value, ...]
    bias: tuple[Value, Layout] | None = None
    relu: bool = False


@dataclass(eq=False)
class CopyStep(Step):
    """Elements of a layout into another: assemblies, and variables that could not be written at
    once."""

    source: tuple[Value, Layout] | None  # None: the fill value
    target: tuple[Value, Layout]
    fill: Any = None


@dataclass(eq=False)
class HostStep(Step):
    """The reference of a node, run from Python. inputs: where each lies."""

    inputs: dict[Value, tuple[Value, Layout]]


@dataclass
class Program:
    """Steps in order, and what each root is.

    inputs, outputs: roots in the order of the call; captures follow the arguments in `inputs`.
    assigned: root -> the variable in whose memory it is computed.
    variables: root of a read -> variable. draws: roots of random states, in order.
    first_write: index of the first step that writes a variable.
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
    groups: list[Group] = field(default_factory=list)

    def variable(self, root: Value) -> Any:
        """The variable in whose memory a root lies, or None."""
        found = self.assigned.get(root)
        return self.variables.get(root) if found is None else found


def emit(graph: Graph) -> Program:
    """The program of a graph that has been through passes.pipeline."""
    return _Emitter(materialise(graph)).run()


class _Emitter:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.layouts: dict[Value, tuple[Value, Layout]] = {}
        self.users = graph.users()
        self.steps: list[Step] = []

    def run(self) -> Program:
        graph = self.graph
        self.writes = [n for n in graph.nodes if n.op.effect == "write"]
        self.results = {self._root(v) for v in graph.outputs}
        new_values = {self._root(n.inputs[0]) for n in self.writes}
        groups = fuse(graph, fits)
        wanted = {*graph.outputs, *(n.inputs[0] for n in self.writes)}
        for g in groups:
            self._emit(g, wanted)
        order = self._writers_last(new_values)
        assigned, copies = self._place_writes(order)
        order, first_write = self._merge_updates(order, assigned)
        variables = {
            n.output: n.attrs["variable"]
            for n in graph.nodes
            if n.op.effect == "read" and not n.inputs
        }
        return Program(
            graph,
            order + copies,
            graph.inputs,
            tuple(self._root(v) for v in graph.outputs),
            tuple(v.spec for v in graph.outputs),
            variables,
            assigned,
            tuple(n for n in graph.nodes if n.op.effect == "random"),
            tuple(dict.fromkeys(n.attrs["variable"] for n in self.writes)),
            first_write,
            groups,
        )

    def _root(self, value: Value) -> Value:
        return layout_of(value, self.layouts)[0]

    def _roots(self, values: Iterable[Value]) -> tuple[Value, ...]:
        return tuple(dict.fromkeys(self._root(v) for v in values))

    # steps ----------------------------------------------------------------------------------------
    def _emit(self, group: Group, wanted: set[Value]) -> None:
        if group.is_cluster:
            self.steps.append(self._cluster(group, wanted))
            return
        node = group.nodes[0]
        lower = node.op.lower
        if node.op.effect == "write" or node.op.effect == "random":
            return
        inputs = tuple(layout_of(v, self.layouts) for v in node.inputs)
        if isinstance(lower, Library):
            self._library(group, node, inputs)
        elif isinstance(lower, Assemble):
            self._assemble(node, lower, inputs)
        elif isinstance(lower, HostCall) or _host_only(node):
            reads = tuple(dict.fromkeys(r for r, _ in inputs))
            seen = dict(zip(node.inputs, inputs, strict=True))
            self.steps.append(HostStep((node,), reads, node.outputs, seen))
        else:
            raise UnimplementedError(
                explain(
                    node.op.name,
                    "has no compiled form",
                    {"output": node.outputs[0].spec},
                    line=node.line,
                )
            )

    def _cluster(self, group: Group, wanted: set[Value]) -> ClusterStep:
        inside = set(group.nodes)
        stored = [
            n.output
            for n in group.nodes
            if not isinstance(n.op.lower, View)
            and (n.output in group.closed or self._read_outside(n.output, inside, wanted))
        ]
        code = build(group, stored, self.layouts)
        reads = [p.value for k, p in code.places.items() if k[0] == "x" and p.value is not None]
        outs = [p.value for k, p in code.places.items() if k[0] in "yp" and p.value is not None]
        made = {n.output for n in group.nodes}
        inputs = {
            v: layout_of(v, self.layouts) for n in group.nodes for v in n.inputs if v not in made
        }
        nodes = tuple(group.nodes)
        return ClusterStep(
            nodes, tuple(dict.fromkeys(reads)), tuple(dict.fromkeys(outs)), code, inputs
        )

    def _read_outside(self, value: Value, inside: set[Node], wanted: set[Value]) -> bool:
        """Whether anybody but members reads a value, or a view of it."""
        if value in wanted:
            return True
        return any(
            u not in inside
            or (isinstance(u.op.lower, View) and self._read_outside(u.output, inside, wanted))
            for u in self.users.get(value, ())
        )

    def _library(self, group: Group, node: Node, inputs: tuple[tuple[Value, Layout], ...]) -> None:
        bias, relu, outputs = None, False, node.outputs
        for user in group.epilogue:
            if len(user.inputs) == 2:
                other = user.inputs[1] if user.inputs[0] is outputs[0] else user.inputs[0]
                bias = layout_of(other, self.layouts)
            else:
                relu = True
            outputs = user.outputs
        reads = [r for r, _ in inputs] + ([bias[0]] if bias else [])
        self.steps.append(
            LibraryStep(
                tuple(group.nodes),
                tuple(dict.fromkeys(reads)),
                outputs,
                node,
                inputs,
                outputs,
                bias,
                relu,
            )
        )

    def _assemble(
        self, node: Node, lower: Assemble, inputs: tuple[tuple[Value, Layout], ...]
    ) -> None:
        out = node.output
        strides = dense(out.spec.shape)
        fill = lower.fill(node.attrs)
        whole = Layout(out.spec.shape, strides)
        if fill is not None:
            self.steps.append(CopyStep((node,), (), (out,), None, (out, whole), fill))
        places = lower.place([v.spec for v in node.inputs], out.spec, node.attrs)
        for v, (root, layout), (begin, step) in zip(node.inputs, inputs, places, strict=True):
            offset: Extent = 0
            for b, s in zip(begin, strides, strict=True):
                offset = offset + b * s
            part = Layout(
                v.spec.shape, tuple(s * k for s, k in zip(strides, step, strict=True)), offset
            )
            self.steps.append(CopyStep((node,), (root,), (out,), (root, layout), (out, part)))

    # order ----------------------------------------------------------------------------------------
    def _writers_last(self, new_values: set[Value]) -> list[Step]:
        """Steps that compute new values of variables, and those that need these, after all
        others."""
        early: list[Step] = []
        late: list[Step] = []
        held: set[Value] = set()
        for s in self.steps:
            if any(r in held for r in s.reads) or any(w in new_values for w in s.writes):
                late.append(s)
                held.update(s.writes)
            else:
                early.append(s)
        return early + late

    def _place_writes(self, order: list[Step]) -> tuple[dict[Value, Any], list[Step]]:
        """Which roots are computed in a variable's own memory, and the copies for the rest."""
        olds: dict[Any, list[Value]] = {}
        for n in self.graph.nodes:
            if n.op.effect == "read" and not n.inputs:
                olds.setdefault(n.attrs["variable"], []).append(n.output)
        last_refusal = max((k for k, s in enumerate(order) if _refuses(s)), default=-1)
        assigned: dict[Value, Any] = {}
        copies: list[Step] = []
        final = {
            n.attrs["variable"]: n for n in self.writes
        }  # the last write of each variable counts
        for variable, node in final.items():
            value = node.inputs[0]
            root = self._root(value)
            made = next((k for k, s in enumerate(order) if root in s.writes), -1)
            readers = [
                k for k, s in enumerate(order) for old in olds.get(variable, ()) if old in s.reads
            ]
            direct = (
                made > last_refusal
                and root not in self.results
                and root not in assigned
                and root.spec.size == variable.spec.size
                and all(
                    k < made or (k == made and self._in_place(order[k], root, olds[variable]))
                    for k in readers
                )
                and sum(root in s.writes for s in order) == 1
            )
            if direct:
                assigned[root] = variable
            else:
                whole = Layout(value.spec.shape, dense(value.spec.shape))
                target = Value(value.spec, node, 0, "assigned")
                assigned[target] = variable
                copies.append(CopyStep((node,), (root,), (target,), (root, whole), (target, whole)))
        return assigned, copies

    def _in_place(self, step: Step, root: Value, olds: list[Value]) -> bool:
        """Whether a cluster may write root where it reads the old value: each element by the unit
        that reads it."""
        if not isinstance(step, ClusterStep):
            return False
        code = step.code
        new = next(k for k, p in code.places.items() if p.value is root and k[0] in "yp")
        axes = zip(code.sizes, code.places[new].strides, strict=False)
        if code.places[new].partial or any(s == 0 and n != 1 for n, s in axes):
            return False  # more than one unit writes it, or one writes what others may read later
        for name, p in code.places.items():
            if p.value in olds and name[0] == "x":
                same = p.strides == code.places[new].strides and p.offset == 0
                if not same or code.read_last.get(name, 0) > code.store_first.get(new, 0):
                    return False
        return True

    # updates as segments --------------------------------------------------------------------------
    def _merge_updates(
        self, order: list[Step], assigned: dict[Value, Any]
    ) -> tuple[list[Step], int]:
        """Elementwise steps of one form that write variables become one; also the index of the
        first writer."""
        writers = [s for s in order if any(w in assigned for w in s.writes)]
        if not writers:
            return order, len(order)
        first = order.index(writers[0])
        if len(order) - first > len(writers):  # somebody reads new values: leave the order alone
            return order, first
        forms: dict[Any, list[ClusterStep]] = {}
        for s in writers:
            key = self._update_form(s)
            if key is not None and isinstance(s, ClusterStep):
                same = forms.setdefault(key, [])
                if not same or self._may_move(s, writers.index(same[0]), writers, assigned):
                    same.append(s)
        merged: dict[Step, Step] = {}
        gone: set[Step] = set()
        for steps in forms.values():
            if len(steps) > 1:
                merged[steps[0]] = _segments(steps)
                gone.update(steps[1:])
        return order[:first] + [merged.get(s, s) for s in writers if s not in gone], first

    def _may_move(
        self, step: Step, to: int, writers: Sequence[Step], assigned: dict[Value, Any]
    ) -> bool:
        """Whether a writer may run as early as writer number `to`: it reads nothing that is made
        from there on, and writes no variable whose old value is read until then."""
        between = writers[to : writers.index(step)]
        old = {v for n in self.graph.nodes if n.op.effect == "read" and not n.inputs for v in n.outputs
               if any(assigned.get(w) is n.attrs["variable"] for w in step.writes)}  # fmt: skip
        return not any(
            any(r in s.writes for r in step.reads) or any(r in old for r in s.reads)
            for s in between
        )

    def _update_form(self, step: Step) -> Any:
        """What two steps must share to be segments of one: the loop, and the scalars it reads."""
        if not isinstance(step, ClusterStep):
            return None
        code = step.code
        loop = code.loop
        if (
            loop.axes != 1
            or code.folds
            or code.checks
            or any(o.access == "s" for o in loop.operands)
        ):
            return None
        if any(p.offset != 0 for k, p in code.places.items()):
            return None
        shared = tuple(
            (o.name, code.places[o.name].value) for o in loop.operands if o.access == "-"
        )
        if any(name[0] == "y" for name, _ in shared):
            return None
        return str(loop), shared


def _segments(steps: Sequence[ClusterStep]) -> SegmentStep:
    first = steps[0].code.loop
    loop = replace(first, name="update", segments=True)
    return SegmentStep(
        tuple(n for s in steps for n in s.nodes),
        tuple(dict.fromkeys(r for s in steps for r in s.reads)),
        tuple(dict.fromkeys(w for s in steps for w in s.writes)),
        loop,
        tuple(s.code for s in steps),
    )


def _refuses(step: Step) -> bool:
    if isinstance(step, ClusterStep):
        return bool(step.code.checks)
    if isinstance(step, LibraryStep):
        return bool(step.node.op.lower.refuses)
    return isinstance(step, HostStep)


def _host_only(node: Node) -> bool:
    """Dtypes that no kernel takes: complex numbers and strings run through the reference."""
    return (
        not isinstance(node.op.lower, View)
        and isinstance(node.op.lower, Elementwise | Library | Assemble) is False
    ) or any(
        v.spec.dtype.is_complex or v.spec.dtype.name == "string"
        for v in (*node.inputs, *node.outputs)
    )


__all__ = [
    "ClusterStep",
    "CopyStep",
    "HostStep",
    "LibraryStep",
    "Place",
    "Program",
    "SegmentStep",
    "Step",
    "constant_op",
    "copy_op",
    "emit",
    "sizes_op",
]
