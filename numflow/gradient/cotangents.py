"""What the targets of a gradient count: ones, or what the caller gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow import dtypes, nest
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import run_time
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor


def cotangents(targets: Sequence[Tensor], given: Any, op: str, name: str) -> list[Tensor]:
    """A tensor like each target: ones, or the one given for it.

    Args:
      given: None, or a structure with a tensor or None for each target.
      op, name: what messages call the caller and its argument.

    Raises:
      ShapeError: another number of tensors, or one of another shape.
      DTypeError: one of another dtype.
    """
    if given is None:
        return [_ones(y) for y in targets]
    flat = nest.flatten(given)
    if len(flat) != len(targets):
        raise ShapeError(explain(op, f"{len(targets)} targets have {len(flat)} {name}"))
    cts = []
    for y, g in zip(targets, flat, strict=True):
        ct = _ones(y) if g is None else as_tensor(g, y.dtype, op, name)
        fits = run_time.fitted(ct, y.spec.shape)
        if fits is None:
            problem = f"{name} must have the target's shape"
            raise ShapeError(explain(op, problem, {"target": y.spec, name: ct.spec}))
        cts.append(fits)
    return cts


def _ones(y: Tensor) -> Tensor:
    """Text has no 1: it stands for its own cotangent, which goes nowhere."""
    return y if y.dtype is dtypes.string else shaping.ones_like(y)
