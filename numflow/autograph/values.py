"""What belongs to the trace that is going on, and what to Python; types of what operators take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from numflow.graph.building import SymbolicTensor
from numflow.graph.tensor import Tensor
from numflow.trace.tracer import tracing

State = tuple[Any, ...]
Get = Callable[[], State]
Set = Callable[[State], None]
Names = tuple[str, ...]
Block = Callable[[], Any]


def staged_value(x: Any) -> SymbolicTensor | None:
    """x as a tensor of the trace, if that is what it is; None: it is Python's."""
    if type(x) is SymbolicTensor:
        return x
    if x is True or x is False or x is None or isinstance(x, Tensor | int | str | float):
        return None
    if hasattr(x, "_as_tensor"):
        interpreter = tracing()
        if interpreter is not None:
            found = x._as_tensor()
            found = found if type(found) is SymbolicTensor else interpreter.capture(found)
            return found if type(found) is SymbolicTensor else None
    return None


def condition_of(x: Any) -> Tensor | None:
    """x as a condition of the trace; None: its truth is Python's. A list is true if it is long."""
    length = getattr(type(x), "_staged_length", None)
    return staged_value(x) if length is None else length(x)


def any_staged(values: Iterable[Any]) -> bool:
    """Whether one of the values is a tensor of the trace."""
    return any(staged_value(x) is not None for x in values)
