"""Loops over scalars, ten million turns each, as one writes them in Python.

numflow and TensorFlow take them as they stand, through AutoGraph, and so does Numba's `@njit`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

LIMIT = np.int64(100_000)
STEP, MOST = np.float64(2.5 / 256), np.int64(650)
LEFT, BOTTOM = -2.0, -1.25  # of a square


def collatz(limit: Any) -> Any:
    """How many steps the numbers 1 to limit - 1 take down to 1, altogether."""
    steps = limit - limit
    n = steps + 1
    while n < limit:
        x = n
        while x != 1:
            if x % 2 == 0:
                x = x // 2
            else:
                x = 3 * x + 1
            steps += 1
        n += 1
    return steps


def mandelbrot(step: Any, most: Any) -> Any:
    """How many turns of z <- z^2 + c the points of a square take beyond |z| = 2, altogether."""
    turns = most - most
    zero = step - step
    b = zero + BOTTOM
    while b < 1.25:
        a = zero + LEFT
        while a < 0.5:
            x, y, k = zero, zero, turns - turns
            while k < most and x * x + y * y < 4.0:
                x, y = x * x - y * y + a, 2.0 * x * y + b
                k += 1
            turns += k
            a += step
        b += step
    return turns


# name: the loop, its arguments
LOOPS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "Collatz": (collatz, (LIMIT,)),
    "Mandelbrot": (mandelbrot, (STEP, MOST)),
}
