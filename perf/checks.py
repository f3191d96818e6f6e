"""How a result is compared with its reference.

Of a large result a sample is compared, so that a check takes a fraction of a second.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perf.arrays import Array


@dataclass(frozen=True)
class Answer:
    """One array of a result: its values at some places, and how near is right."""

    values: Array
    at: Any = ...
    relative: float = 1e-5
    absolute: float = 1e-5


def furthest(wanted: Iterable[Answer], results: Sequence[Array]) -> float:
    """The largest error of results in units of its tolerance."""
    return max(_off(answer, result) for answer, result in zip(wanted, results, strict=True))


def _off(answer: Answer, result: Array) -> float:
    got = np.asarray(result)[answer.at].astype(np.float64)
    if got.shape != np.shape(answer.values):
        return float("inf")
    allowed = answer.absolute + answer.relative * np.abs(answer.values)
    error = np.abs(got - answer.values) / allowed
    return float(error.max(initial=0)) if not np.isnan(error).any() else float("inf")


def leaves(result: Any) -> list[Array]:
    """The arrays of a result, tuples and lists opened."""
    if isinstance(result, tuple | list):
        return [leaf for part in result for leaf in leaves(part)]
    return [np.asarray(result)]
