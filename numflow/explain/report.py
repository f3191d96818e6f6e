"""Report: what `f.explain()` gives. `print` shows text, a notebook shows HTML."""

from __future__ import annotations

from functools import cached_property

from numflow.explain.collect import collect
from numflow.explain.html import to_html
from numflow.explain.parts import Facts
from numflow.explain.text import to_text
from numflow.graph.graph import Graph
from numflow.graph.text import to_text as graph_text
from numflow.passes.pipeline import run_passes
from numflow.runtime.executable import Executable
from numflow.runtime.plan import Plan


class Report:
    """What became of a traced function.

    facts: everything below as data (parts.py).
    passes: (name, text of the graph after it) of each pass; "traced" comes first. They run again
      when this is asked for.
    """

    def __init__(self, facts: Facts, traced: Graph, with_passes: bool) -> None:
        self.facts = facts
        self._traced = traced
        self._with_passes = with_passes

    @cached_property
    def passes(self) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        run_passes(self._traced, lambda name, graph: found.append((name, graph_text(graph))))
        return tuple(found)

    def __str__(self) -> str:
        return to_text(self.facts, self.passes if self._with_passes else ())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return to_html(self.facts, self.passes if self._with_passes else ())


def describe(
    name: str, traced: Graph, executable: Executable, plan: Plan | None, passes: bool
) -> Report:
    """The report of a compiled graph.

    Args:
      traced: the graph before the passes.
      plan: for the sizes of one call; without it sizes stay symbols.
      passes: whether text and HTML show the graph after each pass, too.
    """
    return Report(collect(name, executable.program, plan), traced, passes)
