"""The two ops that hold graphs: `cond` and `while_loop`.

    cond(index, *captured)        runs graphs[index] on what is captured; int32 [], the last graph
                                  where index is none of theirs
    while_loop(*state, *captured) state = body(*state, *captured) while condition(*state, *captured)

The graphs (attribute `graphs`: the branches; condition and body) are closed: whatever they use of
the outside is among their inputs, but for the names of sizes. They read and write no variables, and
draw nothing; numflow/control/ sees to that when it traces them. It also has the gradients, and the
public functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InternalError, explain
from numflow.graph.graph import Graph
from numflow.graph.lowering import Call, HostCall, Library
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor

# By body of a loop that does the same as another, and more: the body of that one.
extended: WeakKeyDictionary[Graph, Graph] = WeakKeyDictionary()

Rule = Any
_rules: dict[str, Rule] = {}


def set_gradient(name: str, rule: Rule) -> None:
    """The gradient rule of one of the two; it traces, so it stands above the ops."""
    _rules[name] = rule


def _rule_of(name: str) -> Rule:
    def rule(g: Backward) -> Sequence[Tensor | None]:
        return _rules[name](g)

    return rule


def _check(op: str, graph: Graph, inputs: Sequence[Spec]) -> None:
    """Inputs that a graph inside does not take.

    Raises:
      InternalError: there are others.
    """
    want = tuple(v.spec for v in graph.inputs)
    if len(want) != len(inputs) or any(
        a.dtype is not b.dtype or len(a.shape) != len(b.shape)
        for a, b in zip(want, inputs, strict=True)
    ):
        shown = {"takes": ", ".join(map(str, want)), "given": ", ".join(map(str, inputs))}
        raise InternalError(explain(op, "a graph inside takes other inputs", shown))


def _cond_infer(index: Spec, *captured: Spec, graphs: tuple[Graph, ...]) -> tuple[Spec, ...]:
    if index != Spec((), dtypes.int32):
        raise DTypeError(explain("cond", "the branch is chosen by an int32 scalar", {"is": index}))
    for graph in graphs:
        _check("cond", graph, captured)
    return tuple(v.spec for v in graphs[0].outputs)


def _cond_reference(index: Any, *captured: Any, graphs: Any) -> tuple[Any, ...]:
    at = int(index)
    chosen = graphs[at] if 0 <= at < len(graphs) else graphs[-1]
    return tuple(chosen(*captured))


cond_op = Op(
    "cond",
    _cond_infer,
    _cond_reference,
    _rule_of("cond"),
    HostCall("its branches are chosen in Python"),
)


def _no_kernel(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Call:
    from numflow.kernels.cpu.call import Call  # with the kernels, late

    return Call(0, 0, 1, 1, ())


# Memory that is written before it is read: what a loop begins with that writes each row itself.
empty_op = Op(
    "empty",
    lambda *, shape, dtype: Spec(shape, dtype),
    lambda *, shape, dtype: np.zeros(shape, dtype.numpy),
    lambda g: (),
    Library(_no_kernel),
)


def _while_infer(*inputs: Spec, graphs: tuple[Graph, ...]) -> tuple[Spec, ...]:
    condition, body = graphs
    for graph in graphs:
        _check("while_loop", graph, inputs)
    del condition
    return tuple(v.spec for v in body.outputs)


def _while_reference(*arrays: Any, graphs: Any) -> tuple[Any, ...]:
    condition, body = graphs
    count = len(body.graph.outputs)
    state, captured = list(arrays[:count]), arrays[count:]
    while condition(*state, *captured)[0]:
        state = body(*state, *captured)
    return tuple(state)


while_op = Op(
    "while_loop",
    _while_infer,
    _while_reference,
    _rule_of("while_loop"),
    HostCall("its iterations are counted in Python"),
)
