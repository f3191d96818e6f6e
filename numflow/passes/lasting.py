"""Which values are the same in every call, until somebody writes a variable.

They are made of captured tensors, of constants, and of variables that the program does not write. A
program computes them once (codegen/kept.py), so what prepares them costs nothing.
"""

from __future__ import annotations

from numflow.graph.graph import Graph, Value


class Lasting:
    """`value in Lasting(graph)`, also for values of a graph that is made of it."""

    def __init__(self, graph: Graph) -> None:
        self._captures = graph.captures
        self._written = {
            id(node.attrs["variable"]) for node in graph.nodes if node.op.effect == "write"
        }
        self._known: dict[Value, bool] = {}

    def __contains__(self, value: Value) -> bool:
        waiting = [value]
        while waiting:
            v = waiting[-1]
            if v in self._known:
                waiting.pop()
                continue
            node = v.node
            if node is None:
                self._known[v] = v in self._captures
            elif node.op.effect or node.subgraphs:
                read = node.op.effect == "read" and not node.inputs
                self._known[v] = read and id(node.attrs["variable"]) not in self._written
            else:
                open_ = [x for x in node.inputs if x not in self._known]
                if open_:
                    waiting += open_
                    continue
                self._known[v] = all(self._known[x] for x in node.inputs)
        return self._known[value]
