"""What values, buffers and nodes are called in a report: as in the text form of the graph."""

from __future__ import annotations

from numflow.codegen.steps import Program
from numflow.errors import SourceLine
from numflow.explain.parts import Line
from numflow.graph.graph import Node, Value
from numflow.graph.text import to_text


class Names:
    """The name of each value of a program's graph."""

    def __init__(self, program: Program) -> None:
        self._program = program
        graph = program.graph
        values = [*graph.inputs, *(v for n in graph.nodes for v in n.outputs)]
        self._number = {v: k for k, v in enumerate(values)}
        self.arguments = [v for v in graph.inputs if v not in graph.captures]

    def of(self, root: Value) -> str:
        """`x` for an argument, `w` for a variable's memory, `%7` for anything else."""
        variable = self._program.variable(root)
        if variable is not None:
            return variable_name(variable)
        if root.node is None and root.name:
            return root.name
        return self.plain(root)

    def plain(self, value: Value) -> str:
        """The name in the graph's text."""
        return f"%{self._number[value]}" if value in self._number else "?"

    def all(self, roots: tuple[Value, ...]) -> tuple[str, ...]:
        """Names, each once."""
        return tuple(dict.fromkeys(map(self.of, roots)))


def variable_name(variable: object) -> str:
    """`w` for the variable w:0."""
    return str(getattr(variable, "name", "variable")).removesuffix(":0")


def source_lines(program: Program) -> tuple[Line, ...]:
    """The nodes under the user's lines they come from, in program order."""
    graph = program.graph
    steps: dict[Node, list[int]] = {}
    for k, step in enumerate(program.steps):
        for node in step.nodes:
            steps.setdefault(node, []).append(k)
    found: list[tuple[SourceLine | None, list[str], list[str]]] = []
    for node, text in zip(graph.nodes, _blocks(to_text(graph).splitlines()[1:-1]), strict=True):
        if not found or found[-1][0] != node.line:
            found.append((node.line, [], []))
        found[-1][1].extend(text)
        found[-1][2].extend([_span(steps.get(node, [])), *[""] * (len(text) - 1)])
    return tuple(Line(line, tuple(nodes), tuple(places)) for line, nodes, places in found)


def _span(steps: list[int]) -> str:
    """As in 3, or 3-5."""
    return "" if not steps else f"{steps[0]}" if len(steps) == 1 else f"{steps[0]}-{steps[-1]}"


def _blocks(lines: list[str]) -> list[list[str]]:
    """The lines of each node: its own, and those of the graphs that it holds."""
    blocks: list[list[str]] = []
    for line in lines:
        if line[2:3].isspace() and blocks:
            blocks[-1].append(line[2:])
        else:
            blocks.append([line[2:]])
    return blocks


def lines_of(nodes: tuple[Node, ...]) -> tuple[SourceLine, ...]:
    """The user's lines behind nodes, each once."""
    return tuple(dict.fromkeys(n.line for n in nodes if n.line is not None))
