"""Candidate classes by how often each was a true class so far: a sampler that has a state."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.eager.variable import Variable
from numflow.errors import ResourceExhaustedError, explain
from numflow.graph.op import init_scope
from numflow.graph.tensor import TensorLike
from numflow.ops import plain, scatter
from numflow.ops import random_candidates as candidates
from numflow.ops import shape as shaping

_learned: dict[tuple[int, Any], Variable] = {}
"""How often each class was met, and once more, by range_max and seed."""


def learned_unigram_candidate_sampler(
    true_classes: TensorLike,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: Any = None,
    name: str | None = None,
) -> candidates.Candidates:
    """Classes as likely as they were true classes in the calls before, with this range and seed.

    At first all are alike: each counts as met once. Arguments, results and errors are those of
    uniform_candidate_sampler.

    Example:
      >>> for _ in range(2):
      ...     drawn = nf.random.learned_unigram_candidate_sampler([[1, 1]], 2, 4, False, 4, seed=3)
      ...     print(drawn.true_expected_count.numpy().tolist())
      [[1.0, 1.0]]
      [[2.0, 2.0]]
    """
    op = "random.learned_unigram_candidate_sampler"
    true = candidates.checked(op, true_classes, num_true, num_sampled, range_max)
    candidates.check_unique(op, unique, num_sampled, range_max)
    counts = _counts(op, range_max, seed)
    found = candidates.by_table(counts.value(), true, num_sampled, unique, seed)
    flat = shaping.reshape(true, [-1, 1])
    ones = shaping.ones_like(flat[:, 0], dtypes.float64)
    counts.assign_add(scatter.scatter_nd(flat, ones, [range_max]))
    return found


def _counts(op: str, range_max: int, seed: Any) -> Variable:
    range_max = plain.whole(range_max, op, "range_max")
    if seed is not None:
        seed = plain.whole(seed, op, "seed", most=None)
    found = _learned.get((range_max, seed))
    if found is None:
        try:
            start = np.ones(range_max)
        except MemoryError as e:
            problem = f"not enough memory for {range_max} classes"
            raise ResourceExhaustedError(explain(op, problem)) from e
        with init_scope():
            found = Variable(start, trainable=False, name="unigrams")
        _learned[range_max, seed] = found
    return found
