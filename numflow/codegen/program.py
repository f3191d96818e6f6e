"""A graph -> a Program: materialised, fused, its groups as steps in order; sizes still symbolic."""

from __future__ import annotations

from collections.abc import Sequence

from numflow.codegen.cluster import build
from numflow.codegen.domain import fits
from numflow.codegen.kept import kept_first
from numflow.codegen.segments import assumed, carried, checked, segments
from numflow.codegen.steps import (
    BindStep,
    ClusterStep,
    CopyStep,
    HostStep,
    LibraryStep,
    Program,
    RowStep,
    Seen,
    Step,
)
from numflow.codegen.writes import order_writes
from numflow.errors import InvalidArgumentError, UnimplementedError, explain
from numflow.graph.graph import Graph, Node, Value, bind_op, bound_symbols, constant_op
from numflow.graph.lowering import Assemble, HostCall, Layout, Library, Refused, View, dense
from numflow.ops.indexing import gather_op
from numflow.passes.fuse import fuse
from numflow.passes.group import Group
from numflow.passes.joined import joined, parts_of
from numflow.passes.levels import levels
from numflow.passes.materialise import layout_of, materialise
from numflow.passes.messages import without_messages

__all__ = ["Program", "emit"]


def emit(graph: Graph, traced: Graph | None = None) -> Program:
    """The program of a graph that has been through passes.pipeline; traced: what it was before."""
    lean = without_messages(graph)
    program = _Emitter(materialise(lean)).run()
    if lean is not graph:
        program.told = graph
    if traced is not None:
        program.assumed = assumed(traced, program.graph)
    return program


def emit_inside(graph: Graph) -> Program:
    """The program of a graph inside of another."""
    return _Emitter(materialise(without_messages(graph)), inside=True).run()


class _Emitter:
    def __init__(self, graph: Graph, inside: bool = False) -> None:
        self.graph, self.inside = graph, inside
        self.joined = joined(graph)
        self.layouts: dict[Value, Seen] = dict(self.joined)
        self.users = graph.users()
        self.steps: list[Step] = []

    def run(self) -> Program:
        graph = self.graph
        writes = {n: self._root(n.inputs[0]) for n in graph.nodes if n.op.effect == "write"}
        wanted = {*graph.outputs, *(n.inputs[0] for n in writes)}
        for g in fuse(graph, lambda group: fits(group, self.layouts)):
            self._emit(g, wanted)
        outputs = tuple(map(self._root, graph.outputs))
        steps, kept = self.steps, 0
        if not self.inside:
            steps, kept = kept_first(graph, steps, {*outputs, *writes.values()})
        ordered = order_writes(
            graph, steps, writes, set(outputs), levels(graph), atomic=not self.inside
        )
        reads = [n for n in graph.nodes if n.op.effect == "read" and not n.inputs]
        return Program(
            graph,
            ordered.steps,
            graph.inputs,
            outputs,
            tuple(v.spec for v in graph.outputs),
            {n.output: n.attrs["variable"] for n in reads},
            ordered.assigned,
            tuple(n for n in graph.nodes if n.op.effect == "random"),
            tuple(dict.fromkeys(n.attrs["variable"] for n in writes)),
            ordered.first,
            segments(ordered.steps),
            checked(graph, ordered.steps),
            carried(ordered.steps),
            kept=kept,
        )

    def _root(self, value: Value) -> Value:
        return layout_of(value, self.layouts)[0]

    # steps ----------------------------------------------------------------------------------------
    def _emit(self, group: Group, wanted: set[Value]) -> None:
        if group.is_cluster:
            self.steps.append(self._cluster(group, wanted))
            return
        node = group.nodes[0]
        lower = node.op.lower
        if node.op.effect == "write" or node.op.effect == "random":
            return
        if node.op is bind_op:
            source = layout_of(node.inputs[0], self.layouts)
            self.steps.append(BindStep((node,), (source[0],), (), source, bound_symbols(node)))
            return
        inputs = tuple(layout_of(v, self.layouts) for v in node.inputs)
        if node.subgraphs:
            from numflow.codegen.control import control_step  # few programs have any

            control = control_step(node, inputs, emit_inside)
            if control is not None:
                self.steps.append(control)
                return
        if isinstance(lower, Refused):
            text = explain(lower.op, lower.why, fix=lower.fix, line=node.line)
            raise InvalidArgumentError(text)
        if isinstance(lower, HostCall) or not _compiles(node):
            reads = tuple(dict.fromkeys(r for r, _ in inputs))
            seen = dict(zip(node.inputs, inputs, strict=True))
            self.steps.append(HostStep((node,), reads, node.outputs, seen))
        elif self.inside and self._is_row(node, inputs):
            reads = tuple(dict.fromkeys(r for r, _ in inputs))
            self.steps.append(RowStep((node,), reads, node.outputs, node, *inputs))
        elif isinstance(lower, Library):
            self._library(group, node, inputs)
        elif isinstance(lower, Assemble):
            self._assemble(node, lower, inputs)
        else:
            shown = {"output": node.outputs[0].spec}
            text = explain(node.op.name, "has no compiled form", shown, line=node.line)
            raise UnimplementedError(text)

    def _is_row(self, node: Node, inputs: Sequence[Seen]) -> bool:
        """Whether a node picks one row of something that lasts as long as what is inside."""
        if node.op is not gather_op or node.attrs["axis"] or node.inputs[1].spec.rank:
            return False
        (root, layout), _ = inputs
        lasts = root in self.graph.inputs or (root.node is not None and root.node.op is constant_op)
        return lasts and layout.contiguous

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

    def _library(self, group: Group, node: Node, inputs: tuple[Seen, ...]) -> None:
        bias, residual, activation, outputs = None, None, "", node.outputs
        for user in group.epilogue:
            if len(user.inputs) == 2:
                other = user.inputs[1] if user.inputs[0] is outputs[0] else user.inputs[0]
                if user is group.residual:
                    residual = layout_of(other, self.layouts)
                else:
                    bias = layout_of(other, self.layouts)
            elif not isinstance(user.op.lower, View):
                activation = user.op.name
            outputs = user.outputs
        if group.pool is not None:
            outputs = group.pool.outputs
        reads = [r for r, _ in (*inputs, *filter(None, (bias, residual)))]
        places = {v: self.joined[v] for v in outputs if v in self.joined}
        self.steps.append(
            LibraryStep(
                tuple(group.nodes),
                tuple(dict.fromkeys(reads)),
                tuple(dict.fromkeys(self._root(v) for v in outputs)),
                node,
                inputs,
                outputs,
                bias,
                residual,
                activation,
                group.pool,
                places,
            )
        )

    def _assemble(self, node: Node, lower: Assemble, inputs: tuple[Seen, ...]) -> None:
        out = node.output
        fill = lower.fill(node.attrs)
        whole = Layout(out.spec.shape, dense(out.spec.shape))
        if fill is not None:
            self.steps.append(CopyStep((node,), (), (out,), None, (out, whole), fill))
        for v, (root, layout), part in zip(node.inputs, inputs, parts_of(node), strict=True):
            if v in self.joined and root is out:
                continue  # its kernel has put it there
            self.steps.append(CopyStep((node,), (root,), (out,), (root, layout), (out, part)))


def _compiles(node: Node) -> bool:
    """Whether code can be made of a node that is no part of a cluster; copies take all numbers."""
    kinds = {v.spec.dtype for v in (*node.inputs, *node.outputs)}
    if isinstance(node.op.lower, Assemble):
        return all(d.name != "string" for d in kinds)
    return not any(d.is_complex or d.name == "string" for d in kinds)
