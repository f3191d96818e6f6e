"""Bits of integers, and the operators & | ^ ~."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, ids, ints

PAIRS: list[tuple[Any, Any]] = [
    (nf.bitwise.bitwise_and, np.bitwise_and),
    (nf.bitwise.bitwise_or, np.bitwise_or),
    (nf.bitwise.bitwise_xor, np.bitwise_xor),
]
SHIFTS: list[tuple[Any, Any]] = [
    (nf.bitwise.left_shift, np.left_shift),
    (nf.bitwise.right_shift, np.right_shift),
]
SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((3, 5), (5,)),
    ((), (7,)),
    ((0, 3), (3,)),
    ((1, 1), (2, 1)),
]
CASES = [
    *(Case(op, oracle, [ints(*a), ints(*b)]) for a, b in SHAPES for op, oracle in PAIRS),
    *(
        Case(op, oracle, [ints(*a), ints(*b, low=0, high=20)])
        for a, b in SHAPES
        for op, oracle in SHIFTS
    ),
    *(Case(nf.bitwise.invert, np.invert, [ints(*a)]) for a, _ in SHAPES),
]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, strides, tracing."""
    check(case)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_every_integer_compiled_as_eager(dtype: str) -> None:
    """Shifts by more than the width, or by less than nothing, too."""
    rng = np.random.default_rng(3)
    low = -100 if dtype.startswith("i") else 0
    x = nf.constant(rng.integers(low, 100, 17).astype(dtype))
    y = nf.constant(rng.integers(low // 10, 70, 17).astype(dtype))

    def all_of_them(x: Any, y: Any) -> list[Any]:
        return [*(f(x, y) for f, _ in PAIRS + SHIFTS), nf.bitwise.invert(x)]

    for got, want in zip(nf.function(all_of_them)(x, y), all_of_them(x, y), strict=True):
        assert got.dtype.name == want.dtype.name == dtype
        np.testing.assert_array_equal(got, want)


def test_wide_shifts() -> None:
    """The shift is kept within the width, as TensorFlow's kernels do."""
    x = nf.constant([3, -3], nf.int8)
    assert nf.bitwise.left_shift(x, nf.constant([100, -1], nf.int8)).numpy().tolist() == [-128, -3]
    assert nf.bitwise.right_shift(x, nf.constant([100, 100], nf.int8)).numpy().tolist() == [0, -1]


def test_operators_of_integers_and_bools() -> None:
    """Bits of the ones, truth of the others; floats have neither."""
    x, p = nf.constant([6, 5]), nf.constant([True, False])
    assert [(x & 3).numpy().tolist(), (8 | x).numpy().tolist()] == [[2, 1], [14, 13]]
    assert [(x ^ x).numpy().tolist(), (~x).numpy().tolist()] == [[0, 0], [-7, -6]]
    assert [(p & True).numpy().tolist(), (~p).numpy().tolist()] == [[True, False], [False, True]]
    for bad in (nf.constant(1.0), p):
        with pytest.raises(nf.errors.DTypeError):
            x & bad


def test_message() -> None:
    """Bits are of integers."""
    with pytest.raises(nf.errors.DTypeError) as e:
        nf.bitwise.invert([1.5])
    assert str(e.value).splitlines()[:2] == [
        "invert: x is float32, not an integer",
        "  x: float32 [1]",
    ]
