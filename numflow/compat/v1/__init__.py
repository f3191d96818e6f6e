"""TensorFlow 1.x's names, with its parameters.

So far the ops without state - nf.compat.v1.nn, nf.compat.v1.image - and control flow.
"""

from __future__ import annotations

from numflow.compat.v1 import image, nn
from numflow.compat.v1.control_flow import (
    TensorArray,
    TensorArraySpec,
    case,
    cond,
    foldl,
    foldr,
    map_fn,
    scan,
    switch_case,
    vectorized_map,
    while_loop,
)
from numflow.compat.v1.sequences import edit_distance, reverse_sequence, sequence_mask

__all__ = [
    "TensorArray",
    "TensorArraySpec",
    "case",
    "cond",
    "edit_distance",
    "foldl",
    "foldr",
    "image",
    "map_fn",
    "nn",
    "reverse_sequence",
    "scan",
    "sequence_mask",
    "switch_case",
    "vectorized_map",
    "while_loop",
]
