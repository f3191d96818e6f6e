"""tf.random: repeatable random numbers.

Of the global seed (`normal`, `uniform`...), of a seed alone (`stateless_normal`...), or of a
Generator, whose state is a variable. What few programs use loads at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING
from typing import Any as _Any

from numflow.ops.random import normal, truncated_normal, uniform
from numflow.ops.random_state import Algorithm, set_seed

if TYPE_CHECKING:
    from numflow.eager.generator import (
        Generator,
        create_rng_state,
        get_global_generator,
        set_global_generator,
    )
    from numflow.eager.unigram import learned_unigram_candidate_sampler
    from numflow.ops.random_candidates import (
        all_candidate_sampler,
        fixed_unigram_candidate_sampler,
        log_uniform_candidate_sampler,
        uniform_candidate_sampler,
    )
    from numflow.ops.random_classes import categorical, shuffle, stateless_categorical
    from numflow.ops.random_counts import poisson, stateless_binomial, stateless_poisson
    from numflow.ops.random_gamma import gamma, stateless_gamma
    from numflow.ops.random_stateless import (
        fold_in,
        split,
        stateless_normal,
        stateless_truncated_normal,
        stateless_uniform,
    )
    from numflow.ops.random_truncated import stateless_parameterized_truncated_normal
    from numflow.random import experimental

# The names of modules that load at their first use.
_LATE_NAMES = {
    name: module
    for module, names in {
        "eager.generator": "Generator create_rng_state get_global_generator set_global_generator",
        "eager.unigram": "learned_unigram_candidate_sampler",
        "ops.random_candidates": "all_candidate_sampler fixed_unigram_candidate_sampler "
        "log_uniform_candidate_sampler uniform_candidate_sampler",
        "ops.random_classes": "categorical shuffle stateless_categorical",
        "ops.random_counts": "poisson stateless_binomial stateless_poisson",
        "ops.random_gamma": "gamma stateless_gamma",
        "ops.random_stateless": "fold_in split stateless_normal stateless_truncated_normal "
        "stateless_uniform",
        "ops.random_truncated": "stateless_parameterized_truncated_normal",
    }.items()
    for name in names.split()
}


def __getattr__(name: str) -> _Any:
    """What few programs use, when it is first asked for."""
    if name == "experimental":
        globals()[name] = module = importlib.import_module("numflow.random.experimental")
        return module
    if name in _LATE_NAMES:
        module = importlib.import_module(f"numflow.{_LATE_NAMES[name]}")
        globals()[name] = found = getattr(module, name)
        return found
    raise AttributeError(f"module 'numflow.random' has no attribute {name!r}")


__all__ = [
    "Algorithm",
    "Generator",
    "all_candidate_sampler",
    "categorical",
    "create_rng_state",
    "experimental",
    "fixed_unigram_candidate_sampler",
    "fold_in",
    "gamma",
    "get_global_generator",
    "learned_unigram_candidate_sampler",
    "log_uniform_candidate_sampler",
    "normal",
    "poisson",
    "set_global_generator",
    "set_seed",
    "shuffle",
    "split",
    "stateless_binomial",
    "stateless_categorical",
    "stateless_gamma",
    "stateless_normal",
    "stateless_parameterized_truncated_normal",
    "stateless_poisson",
    "stateless_truncated_normal",
    "stateless_uniform",
    "truncated_normal",
    "uniform",
    "uniform_candidate_sampler",
]
