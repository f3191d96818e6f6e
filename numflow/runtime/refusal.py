"""A kernel refused a value: what the node would have raised eagerly, with its own line.

What the node needs is run once more by references, up to the node, whose reference raises. Host
calls are not repeated: what they gave is kept. Nodes are found by their attributes, the one object
that passes hand on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from numflow.errors import InvalidArgumentError, at_line
from numflow.graph.graph import Graph, Node, Value
from numflow.graph.reference import run_node

Array = np.ndarray[Any, Any]
Known = Mapping[int, Sequence[Array]]  # outputs of nodes, by the id of their attributes


def raise_refusal(
    graph: Graph,
    node: Node,
    index: int,
    inputs: Mapping[Value, Array],
    known: Known,
    symbols: Mapping[str, int],
) -> NoReturn:
    """Raise the refusal of `node` for element `index`.

    graph: what the program was made of, or the same with what messages need.
    inputs: the arrays of the graph's inputs. known: what host calls and draws of random numbers
    gave.
    """
    # A node inside of a loop is that loop: its reference comes to the iteration that refuses.
    node = next((n for n in graph.nodes if _is_or_holds(n, node)), node)
    needed = _needed(node)
    for earlier in graph.nodes if node.op.effect == "check" else ():
        if earlier is node:
            break
        if earlier.op.effect == "check":  # of several that fail the first in the program is meant
            own = _needed(earlier)
            if all(n.op.effect != "host" or id(n.attrs) in known for n in own):
                needed |= own
    values = dict(inputs)
    with np.errstate(all="ignore"):
        for n in graph.nodes:
            if n not in needed:
                continue
            kept = known.get(id(n.attrs)) if n.op.effect else None
            if kept is not None:
                values.update(zip(n.outputs, kept, strict=True))
                continue
            with at_line(n.line):
                run_node(n, values, symbols)
            if n is node:
                break
    raise InvalidArgumentError(f"{node.op.name}: element {index} was refused")


def _is_or_holds(node: Node, wanted: Node) -> bool:
    if node.attrs is wanted.attrs:
        return True
    return any(_is_or_holds(n, wanted) for graph in node.subgraphs for n in graph.nodes)


def _needed(node: Node) -> set[Node]:
    """node, and all that it depends on."""
    found: set[Node] = set()
    waiting = [node]
    while waiting:
        n = waiting.pop()
        if n not in found:
            found.add(n)
            waiting += [v.node for v in n.inputs if v.node is not None]
    return found
