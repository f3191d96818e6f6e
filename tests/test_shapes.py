"""Sizes and shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numflow.shapes import Dim, Size, UnknownSizeError, divide

READS: list[Callable[[Any], Any]] = [
    int,
    bool,
    float,
    range,
    hash,
    abs,
    round,
    lambda s: s == 3,
    lambda s: s < 3,
    lambda s: max(s, 3),
    lambda s: [0] * s,
    lambda s: [1, 2, 3][s],
    lambda s: [1, 2, 3][:s],
    lambda s: 2.5 * s,
    lambda s: 1 / s,
    lambda s: 2**s,
    lambda s: divmod(10, s),
    lambda s: np.float32(2) * s,
    lambda s: np.zeros(s),
    lambda s: "%d" % s,  # noqa: UP031
]


def test_polynomials_of_sizes() -> None:
    """Equal polynomials are equal sizes; what cancels becomes a number."""
    n, m = Dim.symbol("n"), Dim.symbol("m")
    assert (n + m) * 2 == 2 * m + 2 * n and n - n == 0 and (n + 3) - n == 3
    assert divide(n * m * 6, 3 * n) == m * 2 and divide(n, m) is None
    assert (n * 4) // 2 == n * 2 and (n * 4) % 2 == 0
    size = (n + 1) // 2
    assert isinstance(size, Dim) and size.evaluate({"n": 6}) == 3 and size.symbols() == {"n"}
    assert str(n * 2 + 3) == "2*n+3"


def test_an_unknown_size_is_not_a_number() -> None:
    """Arithmetic works; to be read as a number it refuses, so that the tracer can start anew."""
    size = Size(Dim.symbol("n"))
    assert str(size + 1) == "n+1" and isinstance(size, int)
    for read in READS:
        with pytest.raises(UnknownSizeError):
            read(size)
    assert sum([size, 1]) * 2 - 2 * size + 0 == 2
