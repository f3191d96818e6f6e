"""tf.compat.v1's functions of sequences."""

from __future__ import annotations

from typing import Any

from numflow.compat.v1.arguments import either
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import rearrange
from numflow.ops.masks import sequence_mask
from numflow.sparse.edit_distance import edit_distance

__all__ = ["edit_distance", "reverse_sequence", "sequence_mask"]


def reverse_sequence(
    input: TensorLike,
    seq_lengths: TensorLike,
    seq_axis: Any = None,
    batch_axis: Any = None,
    name: str | None = None,
    seq_dim: Any = None,
    batch_dim: Any = None,
) -> Tensor:
    """nf.reverse_sequence; seq_dim and batch_dim are other names of the axes."""
    axis = either("reverse_sequence", "seq_axis", seq_axis, "seq_dim", seq_dim)
    batch = either("reverse_sequence", "batch_axis", batch_axis, "batch_dim", batch_dim, 0)
    return rearrange.reverse_sequence(input, seq_lengths, axis, batch)
