"""Operations for their effect: what a traced assertion, print or `no_op` gives.

To be named as a dependency.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numflow.graph.building import Building, SymbolicTensor
from numflow.graph.building import Operation as Operation
from numflow.graph.graph import Node, Value
from numflow.graph.op import Attrs, Op, current
from numflow.graph.tensor import Tensor


def building() -> Building | None:
    """The interpreter that appends nodes here; None where ops run at once."""
    interpreter: Any = current()
    behind = interpreter
    while hasattr(behind, "inner"):  # one that hands on what it sees (ops/unrolled.py)
        behind = behind.inner
    return interpreter if isinstance(behind, Building) else None


def run_for_effect(op: Op, inputs: Iterable[Tensor], attrs: Attrs, name: str) -> Operation | None:
    """Run an op whose outputs nobody wants: its Operation in a trace, None eagerly."""
    interpreter = building()
    if interpreter is None:
        op(*inputs, **attrs)
        return None
    values = [interpreter.value(t) for t in inputs]
    node = interpreter.builder.add(op, values, attrs, name=name)
    return Operation(name, (node,), interpreter.builder)


def made_by(tensors: Iterable[Any]) -> list[Node]:
    """The nodes that make tensors of a trace."""
    values: list[Value] = [t.value for t in tensors if isinstance(t, SymbolicTensor)]
    return [v.node for v in values if v.node is not None]
