"""tf.ragged: tensors whose rows differ in length."""

from __future__ import annotations

from numflow.ragged import dispatch, parts  # noqa: F401  bind [], operators, ops and functions
from numflow.ragged.making import (
    boolean_mask,
    constant,
    map_flat_values,
    range,
    row_splits_to_segment_ids,
    segment_ids_to_row_splits,
    stack,
)
from numflow.ragged.tensor import RaggedTensor

__all__ = [
    "RaggedTensor",
    "boolean_mask",
    "constant",
    "map_flat_values",
    "range",
    "row_splits_to_segment_ids",
    "segment_ids_to_row_splits",
    "stack",
]
