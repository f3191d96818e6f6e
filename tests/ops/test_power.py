"""Powers, whole quotients and remainders, rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints

PAIRS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((3, 5), (3, 5)),
    ((3, 1), (1, 7)),
    ((), (7,)),
    ((0, 5), (5,)),
]
EXPONENTS = [-2, -1, -0.5, 0, 0.5, 1, 2, 3, 2.5]


def _power_of(exponent: float) -> Any:
    def power(x: Any) -> Any:
        return nf.pow(x, exponent)

    power.__name__ = f"power_{exponent}"
    return power


def _truncated(x: Any, y: Any) -> Any:
    return np.trunc(x / y)


QUOTIENTS: list[tuple[Any, Any]] = [
    (nf.math.floordiv, np.floor_divide),
    (nf.math.floormod, np.mod),
    (nf.truncatediv, _truncated),
    (nf.truncatemod, np.fmod),
]
ROUNDINGS: list[tuple[Any, Any]] = [
    (nf.floor, np.floor),
    (nf.math.ceil, np.ceil),
    (nf.math.rint, np.rint),
    (nf.round, np.rint),
]
CASES = [
    *(Case(nf.pow, np.power, [floats(*a, low=0.5, high=2), floats(*b)]) for a, b in PAIRS),
    *(
        Case(_power_of(k), lambda x, k=k: np.power(x, k), [floats(3, 5, low=0.5, high=2)])
        for k in EXPONENTS
    ),
    Case(nf.pow, lambda x, y: np.power(x, y), [ints(3, 5), ints(5, low=0, high=4)]),
    *(
        Case(op, oracle, [ints(*a), ints(*b, low=1, high=7)])
        for a, b in PAIRS
        for op, oracle in QUOTIENTS
    ),
    *(Case(op, oracle, [ints(3, 5), ints(3, 5, low=-7, high=0)]) for op, oracle in QUOTIENTS),
    *(
        Case(
            op,
            oracle,
            [floats(3, 5), floats(5, low=0.5, high=0.9)],
            gradient=False,
            dtypes=[nf.float32, nf.float64],
        )
        for op, oracle in QUOTIENTS
    ),
    *(
        Case(op, oracle, [floats(*s, low=-9, high=9)], gradient=False)
        for s in [(3, 5), (), (0, 5)]
        for op, oracle in ROUNDINGS
    ),
    Case(nf.round, lambda x: x, [ints(3, 5)]),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


def test_remainder_has_a_gradient() -> None:
    """x - y floor(x / y): 1 by x, -floor(x / y) by y."""
    x, y = nf.constant([7.5, -7.5]), nf.constant([2.0, 2.0])
    with nf.GradientTape() as tape:
        tape.watch([x, y])
        z = x % y
    gx, gy = tape.gradient(z, [x, y])
    assert gx.numpy().tolist() == [1.0, 1.0] and gy.numpy().tolist() == [-3.0, 4.0]


def test_zero_to_the_power_zero() -> None:
    """1, with finite gradients."""
    x, y = nf.constant([0.0, 0.0]), nf.constant([0.0, 2.0])
    with nf.GradientTape() as tape:
        tape.watch([x, y])
        z = nf.pow(x, y)
    assert z.numpy().tolist() == [1.0, 0.0]
    assert [g.numpy().tolist() for g in tape.gradient(z, [x, y])] == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("op", [nf.math.floordiv, nf.math.floormod, nf.truncatediv, nf.truncatemod])
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_integer_division_by_zero_is_refused(op: Any, compiled: bool) -> None:
    """It raises, eager and compiled; nothing traps."""
    run = nf.function(op) if compiled else op
    with pytest.raises(nf.errors.InvalidArgumentError, match="integer division by zero"):
        run(nf.constant([7, 3, 1]), nf.constant([1, 0, 2]))
    low = nf.constant([np.iinfo(np.int32).min])
    assert run(low, nf.constant([-1])).shape == (1,)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_integers_to_negative_powers_are_refused(compiled: bool) -> None:
    """They would not be integers."""
    run = nf.function(nf.pow) if compiled else nf.pow
    with pytest.raises(nf.errors.InvalidArgumentError, match="an integer to the negative power -1"):
        run(nf.constant([2, 3]), nf.constant([1, -1]))


def test_message_of_a_division_by_zero() -> None:
    """The op and the element."""
    with pytest.raises(nf.errors.InvalidArgumentError) as e:
        nf.constant([[7, 3]]) // nf.constant([[1, 0]])
    assert str(e.value).splitlines()[:2] == [
        "floordiv: integer division by zero",
        "  element: [0, 1]",
    ]


@pytest.mark.parametrize("exponent", [0, 0.0])
def test_to_the_power_0_is_no_constant(exponent: float) -> None:
    """It has a gradient, 0, as every other power has one."""
    x = nf.constant([1.0, -2.0, 3.0])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = x**exponent
    np.testing.assert_array_equal(y, [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(tape.gradient(y, x), [0.0, 0.0, 0.0])
