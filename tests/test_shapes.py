"""Sizes and shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numflow.errors import SymbolicTensorError
from numflow.shapes import (
    Dim,
    Size,
    UnknownSizeError,
    as_number,
    as_size,
    divide,
    evaluate,
    maximum,
    minimum,
    run_time,
)

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


def test_larger_and_smaller_sizes() -> None:
    """Of numbers at once, of symbols when they are known; nothing is divided by 0."""
    n, m = Dim.symbol("n"), Dim.symbol("m")
    assert (maximum(2, 3), minimum(2, 3), maximum(n, n)) == (3, 2, n)
    both = maximum(n - 2, 0) + minimum(n, m) * 2
    assert str(both) == "max(n-2, 0)+2*min(n, m)"
    assert [evaluate(both, {"n": n_, "m": 3}) for n_ in (0, 5)] == [0, 9]
    assert evaluate(n // m + n % m, {"n": 7, "m": 0}) == 0


def test_run_time_sizes() -> None:
    """Known by their names; user code sees None, and is told so where it needs a number."""
    size = Dim.symbol("?1") + Dim.symbol("n")
    assert run_time(size) and not run_time(Dim.symbol("n")) and not run_time(7)
    assert as_size(size) is None and as_size(7) == 7
    with pytest.raises(SymbolicTensorError, match="len: a size that depends on values has no numb"):
        as_number(size, "len")
