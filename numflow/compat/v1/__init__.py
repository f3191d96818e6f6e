"""TensorFlow 1.x's names, with its parameters.

So far the ops without state - nf.compat.v1.nn, nf.compat.v1.image - control flow, recurrent cells
and those parts of nf.compat.v1.contrib that are about sequences.
"""

from __future__ import annotations

import importlib
from typing import Any

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
    "contrib",
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


def __getattr__(name: str) -> Any:
    """contrib loads when it is first used."""
    if name == "contrib":
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
