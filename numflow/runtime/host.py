"""Steps that run in Python, on the buffers of a plan: host calls, and what is over nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from numflow.codegen.steps import (
    BindStep,
    ClusterStep,
    ControlStep,
    HostStep,
    LibraryStep,
    Step,
)
from numflow.errors import InternalError, at_line
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.lowering import Layout
from numflow.graph.reference import run_node
from numflow.runtime.plan import Plan

Array = np.ndarray[Any, Any]


class Buffers:
    """The memory of each root, as an array, in one call.

    plan: of the segment that runs. arrays, results: of the call. inside(graph, sizes): the compiled
    function of a graph inside of a node. strings: between host calls; no
    kernel reads them. hosted: what nodes with an effect gave, in case a kernel refuses a value
    afterwards.
    """

    def __init__(
        self,
        plan: Plan,
        arrays: Sequence[Array],
        results: Sequence[Array] | Mapping[int, Array],
        inside: Callable[[Graph, Mapping[str, int]], Any],
    ) -> None:
        self.plan, self.arrays, self.results, self.inside = plan, arrays, results, inside
        self.strings: dict[Value, Array] = {}
        self.hosted: dict[int, list[Array]] = {}  # what nodes with effects gave, by attributes

    def run(self, step: Step) -> None:
        """Run the nodes of a step by their references."""
        if isinstance(step, LibraryStep):
            inputs = dict(zip(step.node.inputs, step.inputs, strict=True))
        elif isinstance(step, HostStep | ClusterStep | ControlStep):
            inputs = step.inputs
        else:
            raise InternalError(f"{step} has no reference")
        values = {v: self.seen(root, layout) for v, (root, layout) in inputs.items()}
        for node in step.nodes:
            with np.errstate(all="ignore"), at_line(node.line):
                if node.subgraphs:
                    self._control(node, values)
                else:
                    run_node(node, values, self.plan.sizes.symbols)
            for v in node.outputs:
                if v in step.writes:
                    self.of(v)[...] = values[v]
                elif isinstance(step, LibraryStep) and v in step.joined:
                    self.seen(*step.joined[v])[...] = values[v]
            if node.op.effect:
                self.hosted[id(node.attrs)] = [values[v] for v in node.outputs]

    def _control(self, node: Node, values: dict[Value, Array]) -> None:
        """Run a loop whose iterations Python counts, or a branch; what is inside is compiled."""
        sizes = self.plan.sizes.symbols
        graphs = tuple(self.inside(graph, sizes) for graph in node.subgraphs)
        arrays = [values[v] for v in node.inputs]
        attrs = {**node.attrs, "graphs": graphs}
        outputs = node.op.run(arrays, [v.spec for v in node.outputs], attrs)
        values.update(zip(node.outputs, outputs, strict=True))

    def of(self, root: Value) -> Array:
        """A root's memory as an array of its shape."""
        plan = self.plan
        spec = plan.concrete(root.spec)
        variable = plan.program.variable(root)
        if variable is not None:
            return variable._array.reshape(spec.shape)  # type: ignore[no-any-return]
        if root in plan.output_number:
            return self.results[plan.output_number[root]].reshape(spec.shape)
        if root in plan.input_number:
            return self.arrays[plan.input_number[root]]
        fixed = plan.fixed(root)
        if fixed is not None:
            return fixed
        if root.spec.dtype.name == "string":
            found = self.strings.get(root)
            if found is None:
                found = self.strings[root] = np.empty(spec.shape, object)
            return found
        plan = plan.holder(root)
        at, nbytes = plan.offsets[root], plan.nbytes(root)
        return plan.memory[at : at + nbytes].view(spec.dtype.numpy).reshape(spec.shape)

    def seen(self, root: Value, layout: Layout) -> Array:
        """The elements of a layout in a root's memory."""
        sizes, array = self.plan.sizes, self.of(root)
        flat = array.reshape(-1)[sizes.number(layout.offset) :]
        strides = [sizes.number(s) * array.dtype.itemsize for s in layout.strides]
        return np.lib.stride_tricks.as_strided(flat, sizes.shape(layout.shape), strides)

    def bound(self) -> tuple[int, ...]:
        """The numbers that the BindSteps of the plan's segment bind, in order."""
        plan = self.plan
        found: list[int] = []
        for step in plan.steps:
            if isinstance(step, BindStep):
                view = plan.views.get(step)
                if view is None:
                    root, layout = step.source
                    view = self.seen(root, layout)
                    if root in plan.holder(root).offsets:  # it is there in every call
                        plan.views[step] = view
                found += view.reshape(-1).tolist()
        return tuple(found)
