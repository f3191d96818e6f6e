"""Jacobians: one backward walk per element of the target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from numflow import nest
from numflow.errors import explain
from numflow.gradient.unconnected import UnconnectedGradients
from numflow.graph.tensor import Tensor
from numflow.ops import joining
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import as_number


class Tape(Protocol):
    """A GradientTape, as far as it is needed here."""

    def target_tensor(self, y: Any) -> Tensor:
        """A target as a tensor."""

    def several(self) -> AbstractContextManager[None]:
        """Several gradients may be taken meanwhile."""

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any,
        unconnected_gradients: UnconnectedGradients | str,
    ) -> Any:
        """The gradients for sources."""


def jacobian(
    tape: Tape,
    target: Any,
    sources: Any,
    unconnected_gradients: UnconnectedGradients | str,
) -> Any:
    """The derivative of each element of target, for each source: of shape target + source."""
    y = tape.target_tensor(target)
    rows: list[Any] = []
    with tape.several():
        for unit in _units(as_number(y.spec.size, "jacobian"), y):
            ct = shaping.reshape(unit, y.shape)
            rows.append(nest.flatten(tape.gradient(y, sources, ct, unconnected_gradients)))
    columns: list[Tensor | None] = []
    wanted = nest.flatten(sources)
    for k, source in enumerate(wanted):
        shape = [*y.shape, *source.shape]
        column = [row[k] for row in rows]
        if not rows:  # an empty target
            columns.append(shaping.zeros(shape, source.dtype))
        elif None in column:
            columns.append(None)
        else:
            columns.append(shaping.reshape(joining.stack([as_tensor(g) for g in column]), shape))
    return nest.pack_sequence_as(sources, columns)


def batch_jacobian(
    tape: Tape,
    target: Any,
    source: Any,
    unconnected_gradients: UnconnectedGradients | str,
) -> Any:
    """The Jacobian of each example for its own inputs: [batch, *target[1:], *source[1:]].

    Zeros where nothing is connected, whatever unconnected_gradients says: as TensorFlow has it.
    """
    y = tape.target_tensor(target)
    if not y.spec.shape or y.spec.shape[:1] != source.spec.shape[:1]:
        raise ValueError(
            explain(
                "batch_jacobian",
                "target and source must have the same first size",
                {"target": y.spec, "source": source.spec},
            )
        )
    shape = [*y.shape, *source.shape[1:]]
    rows = []
    with tape.several():
        flat = shaping.reshape(y, [y.shape[0], -1])
        for unit in _units(as_number(flat.spec.shape[1], "batch_jacobian"), y):
            ct = shaping.reshape(shaping.broadcast_to(unit, flat.shape), y.shape)
            rows.append(tape.gradient(y, source, ct, unconnected_gradients))
    if not rows or any(row is None for row in rows):
        return shaping.zeros(shape, source.dtype)
    return shaping.reshape(joining.stack(rows, 1), shape)


def _units(count: int, like: Tensor) -> Iterator[Tensor]:
    """The unit vectors of so many elements."""
    for k in range(count):
        unit = np.zeros(count, like.dtype.numpy)
        unit[k] = 1
        yield as_tensor(unit)
