"""Connectionist temporal classification with TensorFlow 1's parameters."""

from __future__ import annotations

from typing import Any

from numflow.compat.v1.arguments import either
from numflow.graph.tensor import Tensor, TensorLike
from numflow.sparse import ctc

__all__ = [
    "ctc_beam_search_decoder",
    "ctc_loss",
]


def ctc_loss(
    labels: Any,
    inputs: TensorLike = None,
    sequence_length: TensorLike = None,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
    time_major: bool = True,
    logits: Any = None,
) -> Tensor:
    """nf.nn.ctc_loss for a SparseTensor of labels; the blank is the last class.

    Args:
      preprocess_collapse_repeated: equal neighbours among the labels are made one first.
      ctc_merge_repeated: equal neighbours on a path are one label; else each is one.
      ignore_longer_outputs_than_inputs: an example with more labels than fit has loss 0, and no
        error is raised.
    """
    x = either("ctc_loss", "inputs", inputs, "logits", logits)
    return ctc.loss_of_sparse(
        labels, x, sequence_length, time_major, preprocess_collapse_repeated, ctc_merge_repeated,
        ignore_longer_outputs_than_inputs,
    )  # fmt: skip


def ctc_beam_search_decoder(
    inputs: TensorLike,
    sequence_length: TensorLike,
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
) -> Any:
    """nf.nn.ctc_beam_search_decoder; merge_repeated: equal neighbours of what is found are one."""
    op = "nn.ctc_beam_search_decoder"
    return ctc.beam_search(op, inputs, sequence_length, beam_width, top_paths, merge_repeated)
