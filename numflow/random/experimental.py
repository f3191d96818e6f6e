"""tf.random.experimental: older names of what is in numflow.random, and stateless_shuffle."""

from __future__ import annotations

from numflow.eager.generator import (
    Generator,
    create_rng_state,
    get_global_generator,
    set_global_generator,
)
from numflow.ops.random_classes import stateless_shuffle
from numflow.ops.random_state import Algorithm
from numflow.ops.random_stateless import fold_in as stateless_fold_in
from numflow.ops.random_stateless import split as stateless_split

__all__ = [
    "Algorithm",
    "Generator",
    "create_rng_state",
    "get_global_generator",
    "set_global_generator",
    "stateless_fold_in",
    "stateless_shuffle",
    "stateless_split",
]
