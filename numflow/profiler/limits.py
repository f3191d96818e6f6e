"""What this machine reaches at best, measured with numflow's own kernels: the roofs of the picture.

flops   a matrix product of 1024 x 1024, float32: compute-bound, all cores
memory  a*b + c over 64 MB arrays: every byte comes from main memory
cache   a*b + c over 128 KB arrays: every byte comes from the caches of one core

They are what a kernel can really get, not what a data sheet promises. Measured once per process, in
about a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from numflow.function import function
from numflow.ops.linalg import matmul
from numflow.runtime.profile import Row
from numflow.runtime.profile import profile as timed

PRODUCT = 1024
LARGE, SMALL = 1 << 24, 1 << 15  # elements
TRIES = 9


@dataclass(frozen=True)
class Limits:
    """flops and bytes per second; cache: bytes per second of one core, from its caches."""

    flops: float
    memory: float
    cache: float


@cache
def measure_limits() -> Limits:
    """The roofs of this machine."""
    square = np.ones((PRODUCT, PRODUCT), np.float32)
    product = _best(lambda a, b: matmul(a, b), square, square)
    rates = []
    for size in (LARGE, SMALL):
        arrays = [np.ones(size, np.float32) for _ in range(3)]
        row = _best(lambda a, b, c: a * b + c, *arrays)
        rates.append(row.nbytes / row.seconds)
    return Limits(product.flops / product.seconds, rates[0], rates[1])


def _best(f: Any, *arrays: Any) -> Row:
    """The only step of f, in its quickest try: what else runs can only slow it down. What packs
    for it counts nothing."""
    concrete = function(f).get_concrete_function(*arrays)
    tries = [timed(concrete.plain(), arrays, rounds=1) for _ in range(TRIES)]
    return min((row for rows in tries for row in rows if row.nbytes), key=lambda row: row.seconds)
