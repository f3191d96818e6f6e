"""Who looks at everything that runs: the search for numbers that are not finite, the placement log.

    watch(Watcher(...)), unwatch(watcher)

While anybody watches, `observers` (graph/op.py) is not empty, so no call takes a way that skips the
interpreter. A watcher that changes graphs makes compiled functions compile anew, once; the code
from before is kept on disk, and comes back when it stops.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numflow.graph.graph import Graph
from numflow.graph.op import Attrs, Op, observers
from numflow.graph.tensor import Tensor


class Watcher:
    """eager(op, inputs, attrs, outputs) is called after each op that runs at once.

    compiling(graph) -> graph is called before code is made of a graph that has been through the
    passes. changes: whether that gives another graph.
    """

    __slots__ = ("changes", "compiling", "eager")

    def __init__(
        self,
        eager: Callable[[Op, Sequence[Tensor], Attrs, Sequence[Tensor]], None] | None = None,
        compiling: Callable[[Graph], Graph] | None = None,
        changes: bool = False,
    ) -> None:
        self.eager, self.compiling, self.changes = eager, compiling, changes


watchers: list[Watcher] = []
_version = [0]


def version() -> int:
    """Another number after a watcher that changes graphs has come or gone."""
    return _version[0]


def watch(watcher: Watcher) -> None:
    """Show watcher everything from now on; a second time has no effect."""
    if not any(w is watcher for w in watchers):
        watchers.append(watcher)
        observers.append(watcher)
        _version[0] += watcher.changes


def unwatch(watcher: Watcher) -> None:
    """Show it nothing more."""
    if any(w is watcher for w in watchers):
        watchers.remove(watcher)
        observers.remove(watcher)
        _version[0] += watcher.changes


def show(op: Op, inputs: Sequence[Tensor], attrs: Attrs, outputs: Sequence[Tensor]) -> None:
    """Show an op that ran eagerly to all watchers."""
    for w in watchers:
        if w.eager is not None:
            w.eager(op, inputs, attrs, outputs)


def before_code(graph: Graph) -> Graph:
    """What is to be compiled in a graph's place."""
    for w in watchers:
        if w.compiling is not None:
            graph = w.compiling(graph)
    return graph
