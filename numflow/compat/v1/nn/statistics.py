"""Moments with TensorFlow 1's parameters."""

from __future__ import annotations

from typing import Any

from numflow.compat.v1.arguments import either
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import nn as ops
from numflow.ops import normalization

__all__ = [
    "moments",
    "sufficient_statistics",
    "weighted_moments",
]


def moments(
    x: TensorLike,
    axes: Any,
    shift: Any = None,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """nf.nn.moments; `keep_dims` is its keepdims."""
    keep = either("moments", "keep_dims", keep_dims, "keepdims", keepdims, False)
    return ops.moments(x, axes, shift, bool(keep))


def sufficient_statistics(
    x: TensorLike,
    axes: Any,
    shift: Any = None,
    keep_dims: bool | None = None,
    name: str | None = None,
    keepdims: bool | None = None,
) -> Any:
    """nf.nn.sufficient_statistics; `keep_dims` is its keepdims."""
    keep = either("sufficient_statistics", "keep_dims", keep_dims, "keepdims", keepdims, False)
    return normalization.sufficient_statistics(x, axes, shift, bool(keep))


def weighted_moments(
    x: TensorLike,
    axes: Any,
    frequency_weights: TensorLike,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """nf.nn.weighted_moments; `keep_dims` is its keepdims."""
    keep = either("weighted_moments", "keep_dims", keep_dims, "keepdims", keepdims, False)
    return normalization.weighted_moments(x, axes, frequency_weights, bool(keep))
