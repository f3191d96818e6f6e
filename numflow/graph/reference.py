"""The slow interpreter of graphs: every node by its op's NumPy reference. The oracle of the rest.

    run_reference(graph, [array, ...]) -> [array, ...]

Symbols are bound from the shapes of the inputs; attributes that hold sizes are evaluated with
them. Variables are read from and written to as a compiled step does it: writes are kept back,
reads in the same graph see them, and they happen all together once every node has run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numflow.errors import InternalError, ShapeError, at_line, explain
from numflow.graph.graph import Graph, Node, Value, bind_op, bound_symbols, set_runner
from numflow.graph.op import Array, concrete_attrs
from numflow.graph.spec import Spec
from numflow.shapes import Dim, evaluate


def run_reference(
    graph: Graph,
    inputs: Sequence[Array],
    sizes: Mapping[str, int] | None = None,
    lines: bool = False,
) -> list[Array]:
    """The graph's outputs for these inputs.

    sizes: of symbols that no input shape binds. lines: what a node refuses names its own line.

    Raises:
      ShapeError: an input's shape is not what the graph says, or two inputs disagree on a symbol.
      InternalError: a reference gives another shape than its op's shape rule promised.
    """
    arrays = [np.asarray(a) for a in inputs]
    bound = bind_symbols([v.spec for v in graph.inputs], [a.shape for a in arrays], sizes)
    values = dict(zip(graph.inputs, arrays, strict=True))
    written: dict[int, tuple[Any, Array]] = {}  # by id of the variable
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if lines and node.line is not None:
                with at_line(node.line):
                    got = _run(node, values, bound, written)
            else:
                got = _run(node, values, bound, written)
            values.update(zip(node.outputs, got, strict=True))
            names = bound_symbols(node)
            if names:
                bound.update(zip(names, values[node.output].reshape(-1).tolist(), strict=True))
    for variable, array in written.values():
        variable._write(array)
    return [values[v] for v in graph.outputs]


def bind_symbols(
    specs: Sequence[Spec], shapes: Sequence[Sequence[int]], sizes: Mapping[str, int] | None = None
) -> dict[str, int]:
    """The number of each symbol, from inputs of these specs that have these shapes.

    Raises:
      ShapeError: a rank or size is another one, or two inputs disagree on a symbol.
    """
    bound = dict(sizes or {})
    for spec, shape in zip(specs, shapes, strict=True):
        if len(spec.shape) != len(shape):
            problem = f"an input has {len(shape)} axes, not {len(spec.shape)}"
            raise ShapeError(explain("graph", problem, {"expected": spec, "received": list(shape)}))
        for expected, n in zip(spec.shape, shape, strict=True):
            if isinstance(expected, Dim) and list(expected.terms) == [(str(expected),)]:
                bound.setdefault(str(expected), n)
    for spec, shape in zip(specs, shapes, strict=True):
        for k, (expected, n) in enumerate(zip(spec.shape, shape, strict=True)):
            if evaluate(expected, bound) != n:
                problem = f"axis {k} of an input has size {n}, not {evaluate(expected, bound)}"
                raise ShapeError(
                    explain("graph", problem, {"expected": spec, "received": list(shape)})
                )
    return bound


def run_node(node: Node, values: dict[Value, Array], sizes: Mapping[str, int]) -> None:
    """Run one node on values, which gain its outputs; writes of variables are left out."""
    values.update(zip(node.outputs, _run(node, values, sizes, {}), strict=True))


def _run(
    node: Node,
    values: Mapping[Value, Array],
    sizes: Mapping[str, int],
    written: dict[int, tuple[Any, Array]],
) -> Sequence[Array]:
    """The outputs of one node; its write, if it is one, is noted in `written`."""
    arrays = [values[v] for v in node.inputs]
    variable = node.attrs.get("variable")
    if variable is not None and node.op.effect == "read":
        found = written.get(id(variable))
        return [np.array(variable._array if found is None else found[1])]
    if variable is not None and node.op.effect == "write":
        written[id(variable)] = variable, np.array(arrays[0])
        return arrays[: len(node.outputs)]
    if node.op is bind_op:  # its symbols have numbers from here on only
        return arrays
    outputs = node.op.run(arrays, [v.spec for v in node.outputs], concrete_attrs(node.attrs, sizes))
    for value, array in zip(node.outputs, outputs, strict=True):
        promised = tuple(evaluate(n, sizes) for n in value.spec.shape)
        if array.shape != promised:
            problem = f"the reference gives shape {array.shape}, the shape rule {promised}"
            raise InternalError(explain(node.op.name, problem, line=node.line))
    return outputs


class Inner:
    """A graph inside of another as a function of arrays; sizes: those of the graph around it."""

    def __init__(self, graph: Graph, sizes: Mapping[str, int]) -> None:
        self.graph, self.sizes = graph, sizes

    def __call__(self, *arrays: Array) -> list[Array]:
        return run_reference(self.graph, arrays, self.sizes, lines=True)


set_runner(Inner)
