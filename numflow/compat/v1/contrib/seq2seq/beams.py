"""Several hypotheses for each example: [batch * beams, ...] for cells, [batch, beams, ...] to
choose from.

TensorArrays and scalars of a state belong to all of them, and stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow import nest
from numflow.control.tensor_array import TensorArray
from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import indexing, plain
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import Extent

__all__ = ["choose", "merge", "split", "tile_batch"]


def tile_batch(t: Any, multiplier: int, name: str | None = None) -> Any:
    """Each row `multiplier` times, one beside the other: what beams of a decoder begin with.

    Args:
      t: tensors [batch, ...], nested.
      multiplier: the number of beams.

    Returns:
      Tensors [batch * multiplier, ...].

    Raises:
      ShapeError: one is a scalar. ArgumentError: multiplier is below 1.

    Example:
      >>> nf.compat.v1.contrib.seq2seq.tile_batch(nf.constant([1, 2]), 3).numpy().tolist()
      [1, 1, 1, 2, 2, 2]
    """
    op = "tile_batch"
    beams = plain.whole(multiplier, op, "multiplier", 1)

    def tiled(value: Any) -> Tensor:
        x = as_tensor(value, None, op, "t")
        if not x.spec.rank:
            raise ShapeError(explain(op, "t has a batch axis", {"t": x.spec}))
        batch, *rest = x.spec.shape
        wide = shaping.broadcast_to(shaping.expand_dims(x, 1), (batch, beams, *rest))
        return shaping.reshape(wide, (batch * beams, *rest))

    return nest.map_structure(tiled, t)


def _of_tensors(function: Callable[[Tensor], Tensor], structure: Any, least: int) -> Any:
    """function of every tensor that has so many axes; others as they are."""

    def one(x: Any) -> Any:
        if isinstance(x, TensorArray):
            return x
        x = as_tensor(x)
        return function(x) if x.spec.rank >= least else x

    return nest.map_structure(one, structure)


def split(op: str, structure: Any, batch: Extent, beams: int) -> Any:
    """[batch * beams, ...] as [batch, beams, ...].

    Raises:
      ShapeError: there are other many rows.
    """

    def one(x: Tensor) -> Tensor:
        rows, *rest = x.spec.shape
        if isinstance(rows, int) and isinstance(batch, int) and rows != batch * beams:
            problem = "the state has not a row for each beam of each example"
            shown = {"state": x.spec, "batch": batch, "beam_width": beams}
            fix = "zero_state(batch * beam_width, dtype), and tile_batch for an encoder's state"
            raise ShapeError(explain(op, problem, shown, fix))
        return shaping.reshape(x, (batch, beams, *rest))

    return _of_tensors(one, structure, 1)


def merge(structure: Any, batch: Extent, beams: int) -> Any:
    """[batch, beams, ...] as [batch * beams, ...]."""
    return _of_tensors(
        lambda x: shaping.reshape(x, (batch * beams, *x.spec.shape[2:])), structure, 2
    )


def choose(structure: Any, parents: Tensor) -> Any:
    """Of [batch, beams, ...] the beams with these numbers, [batch, beams]."""
    return _of_tensors(lambda x: indexing.gather(x, parents, batch_dims=1), structure, 2)
