"""What the loops over scalars must give, all numbers and all points at once."""

from collections.abc import Callable, Iterable

import numpy as np

from perf import scalars
from perf.arrays import Array
from perf.checks import Answer


def _collatz() -> int:
    n = np.arange(2, scalars.LIMIT)
    steps = 0
    while len(n):
        steps += len(n)
        n = np.where(n % 2, 3 * n + 1, n // 2)
        n = n[n != 1]
    return steps


def _places(start: float, end: float) -> Array:
    """Summed up as the loop does."""
    steps = np.full(int((end - start) / scalars.STEP) + 2, scalars.STEP)
    steps[0] = start
    found: Array = np.cumsum(steps)
    return found[found < end]


def _mandelbrot() -> int:
    a, b = _places(scalars.LEFT, 0.5), _places(scalars.BOTTOM, 1.25)
    c: Array = (a + 1j * b[:, None]).ravel()
    z, turns = np.zeros_like(c), 0
    for _ in range(int(scalars.MOST)):
        turns += len(z)
        z = z * z + c
        inside = z.real**2 + z.imag**2 < 4
        z, c = z[inside], c[inside]
    return turns


def _loops(case: str) -> Iterable[Answer]:
    """The paths of points on the border hang on every rounding."""
    if case == "Collatz":
        yield Answer(np.asarray(_collatz()), relative=0, absolute=0.5)
    else:
        yield Answer(np.asarray(_mandelbrot()), relative=1e-4)


ANSWERS: dict[str, Callable[[str], Iterable[Answer]]] = {"scalar": _loops}
