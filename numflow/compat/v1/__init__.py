"""TensorFlow 1.x's names, with its parameters.

So far the ops without state - those that both faces share (same.py), nf.compat.v1.nn,
nf.compat.v1.image - control flow, recurrent cells and those parts of nf.compat.v1.contrib that are
about sequences.
"""

from __future__ import annotations

import importlib
from typing import Any

from numflow.compat.v1 import image, nn, same
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
from numflow.compat.v1.selection import where
from numflow.compat.v1.sequences import edit_distance, reverse_sequence, sequence_mask
from numflow.ops.select import where as where_v2

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
    "where",
    "where_v2",
    "while_loop",
]


def __getattr__(name: str) -> Any:
    """contrib, and what both faces share, load when they are first used."""
    if name == "contrib":
        return importlib.import_module(f"{__name__}.{name}")
    if name in same.TOP:
        return same.shared(same.TOP[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *same.TOP, "contrib"})
