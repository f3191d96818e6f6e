"""Numba: loops over scalars by `@njit`, in numflow's own environment."""

from collections.abc import Callable, Iterator
from functools import partial

import numba

from perf import scalars
from perf.timing import Case


def variants(workload: str) -> list[str]:
    """It trains nothing."""
    return []


def _scalars() -> Iterator[Case]:
    for name, (f, arguments) in scalars.LOOPS.items():
        yield Case(name, "njit", partial(numba.njit(f), *arguments))


CASES: dict[str, Callable[[], Iterator[Case]]] = {"scalar": _scalars}


def cases(workload: str) -> Iterator[Case]:
    """The cases of a workload that is no training step."""
    return CASES[workload]() if workload in CASES else iter(())
