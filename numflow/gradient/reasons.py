"""Why a gradient does not exist.

`tape.explain(y, x)` and the optimizers ask here. The walk is forwards, from the source: where every
way ends before it reaches a target, the ops at the ends are the reason.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from numflow.errors import SourceLine
from numflow.gradient.vjp import Record, differentiable
from numflow.graph.tensor import Tensor
from numflow.ops import shape as shaping


def dtype_reason(targets: Sequence[Tensor], source: Any) -> str:
    """Which of them is of a dtype without gradients; "" if none is."""
    if not (source.dtype.is_floating or source.dtype.is_complex):
        return f"the source is {source.dtype.name}: only floating dtypes have gradients"
    if not targets:
        return "there is no target"
    if not any(differentiable(y) for y in targets):
        return f"the target is {targets[0].dtype.name}: only floating dtypes have gradients"
    return ""


def why_cut(
    records: Sequence[Record],
    assigned: Mapping[int, tuple[Tensor, str]],
    taken: Mapping[int, SourceLine | None],
    targets: Sequence[Tensor],
    source: Any,
    leaves: Sequence[Tensor],
) -> str:
    """Why no target has a gradient for leaves, the tensors that are source.

    records: what a tape recorded. assigned: by id of a tensor the variable that it was assigned to.
    taken: by id where it became a NumPy array.
    """
    reason = dtype_reason(targets, source)
    if reason:
        return reason
    reached = {id(t) for t in leaves}
    used = any(id(t) in assigned for t in leaves)
    ends: dict[str, None] = {}
    for r in records:
        if not any(id(t) in reached for t in r.inputs):
            continue
        used = True
        alive = [y for y in r.outputs if differentiable(y)]
        if not alive:
            at = f" at {r.line}" if r.line else ""
            ends[f"{r.op.name} gives {r.outputs[0].dtype.name}{at}"] = None
        elif r.op is shaping.stop_gradient_op and id(r.inputs[0]) in assigned:
            pass  # a trace has one behind each assignment
        elif r.op.vjp is None or r.op is shaping.stop_gradient_op:
            ends[f"{r.op.name} lets no gradient through"] = None
        reached.update(id(y) for y in alive)
    for key, (_, name) in assigned.items():
        if key in reached:
            ends[f"a value was assigned to variable {name}, and no gradient passes there"] = None
    if not used:
        return "the source is watched, but nothing was computed from it while the tape recorded"
    if ends:
        return f"the way from source to target is cut: {'; '.join(ends)}"
    if not any(id(y) in reached for y in targets):
        lines = [line for key, line in taken.items() if key in reached]
        if lines:
            at = f" at {lines[0]}" if lines[0] else ""
            lost = "what was computed from it left for NumPy"
            return f"the target does not depend on the source: {lost}{at}"
        return (
            "the target does not depend on the source: it was computed outside of the tape, "
            "through NumPy, or from other values"
        )
    return "they are connected"


# --- the last reason, for optimizers -----------------------------------------

_last: dict[int, tuple[weakref.ref[Any], str]] = {}


def remember(source: Any, reason: str) -> None:
    """Keep the reason for a variable as long as that lives."""
    if not isinstance(source, Tensor):
        key = id(source)
        _last[key] = weakref.ref(source, lambda _: _last.pop(key, None)), reason


def why_unconnected(variable: Any) -> str:
    """Why a tape found no gradient for variable the last time; "" where none is known."""
    found = _last.get(id(variable))
    return found[1] if found is not None and found[0]() is variable else ""
