"""Sizes and shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.shapes import Dim, Size, TensorShape, UnknownSizeError, divide

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


def test_tensor_shape_has_tensorflows_methods() -> None:
    """Ranks, lists, compatibility, with unknown sizes as None."""
    s = nf.TensorShape([2, 3])
    assert s.rank == s.ndims == 2 and s.as_list() == s.dims == [2, 3] and s.num_elements() == 6
    assert s == (2, 3) and s != (2, 4) and s[1:] == (3,) and repr(s) == "TensorShape([2, 3])"
    assert s.concatenate([5]) == (2, 3, 5) and s.with_rank(2) is s
    open_ = nf.TensorShape([None, 3])
    assert open_.is_compatible_with(s) and not open_.is_fully_defined()
    assert open_.merge_with(s) == s and open_.num_elements() is None
    with pytest.raises(ValueError, match="are not compatible"):
        s.merge_with([2, 4])
    with pytest.raises(ValueError, match="must have rank 3"):
        s.with_rank(3)


def test_a_shape_of_unknown_rank() -> None:
    """It fits every shape, and has no sizes."""
    unknown, s = TensorShape(None), TensorShape([2, 3])
    assert unknown.rank is None and unknown.dims is None and not unknown.is_fully_defined()
    assert unknown.is_compatible_with(s) and unknown.merge_with(s) == s
    assert unknown.with_rank(2).as_list() == [None, None]
    assert unknown == TensorShape(None) != s and str(unknown) == "<unknown>"
    for ask in (len, list, lambda x: x[0], lambda x: x.as_list()):
        with pytest.raises(ValueError, match="the number of axes is not known"):
            ask(unknown)
