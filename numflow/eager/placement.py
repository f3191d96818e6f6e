"""set_log_device_placement: a line on stderr for each op, and where it runs: on the CPU."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from numflow.devices import HERE
from numflow.graph import watching
from numflow.graph.graph import Graph, bind_op, constant_op, sizes_op
from numflow.graph.op import Attrs, Op
from numflow.graph.tensor import Tensor


def _eager(op: Op, inputs: Sequence[Tensor], attrs: Attrs, outputs: Sequence[Tensor]) -> None:
    sys.stderr.write(f"Executing op {op.name} in device {HERE.to_string()}\n")


def _compiling(graph: Graph) -> Graph:
    where = HERE.to_string()
    lines = [
        f"{n.scope}{n.name or n.op.name}: ({n.op.name}): {where}\n"
        for n in graph.nodes
        if n.op not in (constant_op, sizes_op, bind_op)
    ]
    sys.stderr.write("".join(lines))
    return graph


_watcher = watching.Watcher(eager=_eager, compiling=_compiling)


def set_log_device_placement(enabled: bool) -> None:
    """Write to stderr where ops run, from now on: each eager op, and each op of a graph when it is
    compiled. There is the CPU, so that is what it says.

    Example:
      >>> nf.debugging.set_log_device_placement(False)
    """
    (watching.watch if enabled else watching.unwatch)(_watcher)


def get_log_device_placement() -> bool:
    """Whether it is written to stderr where ops run.

    Example:
      >>> nf.debugging.get_log_device_placement()
      False
    """
    return any(w is _watcher for w in watching.watchers)
