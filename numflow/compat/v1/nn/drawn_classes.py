"""Losses over classes that are drawn, with TensorFlow 1's parameters."""

from __future__ import annotations

from typing import Any

from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import sampled_losses

__all__ = [
    "nce_loss",
    "sampled_softmax_loss",
]


def nce_loss(
    weights: Any,
    biases: TensorLike,
    labels: TensorLike,
    inputs: TensorLike,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str = "nce_loss",
) -> Tensor:
    """nf.nn.nce_loss; partition_strategy: how the rows of weights in parts are dealt out."""
    return sampled_losses.noise_contrastive(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
        remove_accidental_hits, partition_strategy,
    )  # fmt: skip


def sampled_softmax_loss(
    weights: Any,
    biases: TensorLike,
    labels: TensorLike,
    inputs: TensorLike,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: str = "sampled_softmax_loss",
    seed: Any = None,
) -> Tensor:
    """nf.nn.sampled_softmax_loss; partition_strategy as of nce_loss."""
    return sampled_losses.sampled_softmax(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
        remove_accidental_hits, seed, partition_strategy,
    )  # fmt: skip
