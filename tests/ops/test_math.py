"""Elementwise arithmetic, functions and comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, bools, check, floats, ids, ints

SHAPES: list[tuple[int, ...]] = [(3, 5), (), (1, 7), (0, 5)]
PAIRS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((3, 5), (3, 5)),
    ((3, 5), (5,)),
    ((3, 1), (1, 7)),
    ((), (7,)),
    ((0, 5), (5,)),
]


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


UNARY: list[tuple[Any, Any, tuple[float, float]]] = [
    (nf.negative, np.negative, (-2, 2)),
    (nf.abs, np.abs, (0.1, 2)),
    (nf.abs, np.abs, (-2, -0.1)),
    (nf.sign, np.sign, (-2, 2)),
    (nf.square, np.square, (-2, 2)),
    (nf.sqrt, np.sqrt, (0.5, 4)),
    (nf.math.rsqrt, lambda x: x**-0.5, (0.5, 4)),
    (nf.exp, np.exp, (-2, 2)),
    (nf.math.log, np.log, (0.5, 4)),
    (nf.tanh, np.tanh, (-2, 2)),
    (nf.sigmoid, _sigmoid, (-4, 4)),
]
BINARY: list[tuple[Any, Any]] = [
    (nf.add, np.add),
    (nf.subtract, np.subtract),
    (nf.multiply, np.multiply),
    (nf.maximum, np.maximum),
    (nf.minimum, np.minimum),
    (nf.math.squared_difference, lambda x, y: (x - y) ** 2),
]
COMPARISONS: list[tuple[Any, Any]] = [
    (nf.less, np.less),
    (nf.less_equal, np.less_equal),
    (nf.greater, np.greater),
    (nf.greater_equal, np.greater_equal),
    (nf.equal, np.equal),
    (nf.not_equal, np.not_equal),
]
CASES = [
    *(
        Case(op, oracle, [floats(*s, low=low, high=high)])
        for op, oracle, (low, high) in UNARY
        for s in SHAPES
    ),
    *(Case(op, oracle, [floats(*a), floats(*b)]) for op, oracle in BINARY for a, b in PAIRS),
    *(Case(nf.divide, np.divide, [floats(*a), floats(*b, low=0.5, high=2)]) for a, b in PAIRS),
    *(
        Case(op, oracle, [ints(*a), ints(*b)])
        for op, oracle in [*BINARY, *COMPARISONS]
        for a, b in PAIRS[:3]
    ),
    *(
        Case(op, oracle, [floats(*a), floats(*b)])
        for op, oracle in COMPARISONS
        for a, b in PAIRS[:3]
    ),
    Case(
        nf.cast,
        lambda x: x.astype(np.int32),
        [floats(3, 5, low=-90, high=90)],
        {"dtype": nf.int32},
        dtypes=[nf.float32],
    ),
    Case(nf.cast, lambda x: x, [floats(3, 5)], {"dtype": nf.float64}),
    Case(nf.cast, lambda x: x, [ints(3, 5)], {"dtype": nf.float32}),
    Case(nf.cast, lambda x: x, [bools(3, 5)], {"dtype": nf.float32}),
    Case(nf.scalar_mul, np.multiply, [floats(), floats(3, 5)]),
    Case(nf.truediv, np.divide, [floats(3, 5), floats(5, low=0.5, high=2)]),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


def test_numbers_adapt_and_tensors_do_not() -> None:
    """A Python number takes the dtype of the tensor beside it; two tensors must agree."""
    x = nf.constant([1.0, 2.0], nf.float64)
    assert (x + 1).dtype is nf.float64 and (1 - x).dtype is nf.float64
    with pytest.raises(nf.errors.DTypeError) as e:
        x + nf.constant([1.0, 2.0])
    assert str(e.value).splitlines()[:4] == [
        "add: x is float64 and y is float32: tensors are not converted silently",
        "  x: float64 [2]",
        "  y: float32 [2]",
        "  try: nf.cast(y, nf.float64)",
    ]


def test_shapes_that_do_not_broadcast_are_named() -> None:
    """Both shapes, and the axis."""
    with pytest.raises(nf.errors.ShapeError) as e:
        nf.ones([3, 5]) * nf.ones([4, 5])
    assert str(e.value).splitlines()[:3] == [
        "multiply: shapes do not broadcast: axis -2 is 3 and 4",
        "  x: [3, 5]",
        "  y: [4, 5]",
    ]


def test_nan_survives() -> None:
    """maximum, minimum, relu and clipping hand nan on."""
    nan = nf.constant([np.nan, 1.0])
    for got in (
        nf.maximum(nan, 0.0),
        nf.minimum(nan, 0.0),
        nf.nn.relu(nan),
        nf.clip_by_value(nan, 0.0, 0.5),
        nf.sign(nan),
    ):
        assert np.isnan(got.numpy()[0]) and not np.isnan(got.numpy()[1])


def test_integers_are_divided_as_float64() -> None:
    """As in TensorFlow, which is not silent about it: the result's dtype says so."""
    assert nf.divide(nf.constant([1, 2]), nf.constant(4)).dtype is nf.float64
    assert (nf.constant([1], nf.int8) / nf.constant([2], nf.int8)).dtype is nf.float32


@pytest.mark.parametrize("source", [nf.float32, nf.float64, nf.float16, nf.bfloat16])
@pytest.mark.parametrize("target", [nf.int8, nf.uint8, nf.int32, nf.uint32, nf.int64, nf.bool])
def test_casts_of_what_does_not_fit(source: nf.DType, target: nf.DType) -> None:
    """nan, infinities and large numbers: no trap, and eager is compiled."""
    x = nf.cast([np.nan, np.inf, -np.inf, 1e20, -1e20, 3e9, -1.5, 255.7, -129.2], source)

    def cast(x: Any) -> Any:
        return nf.cast(x, target)

    np.testing.assert_array_equal(nf.function(cast)(x), cast(x))


def test_casts_that_there_are_not() -> None:
    with pytest.raises(TypeError, match="cast: no element type is called 'floaty'\n"):
        nf.cast([1.0], "floaty")
    with pytest.raises(nf.errors.UnimplementedError, match="cast: float32 does not become string"):
        nf.cast([1.0], nf.string)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_sign_of_zero_is_the_same_compiled(dtype: str) -> None:
    """Of -0.0 and 0.0 maximum and minimum give the second; sign and relu give 0.0."""
    x = nf.constant(np.full(37, -0.0, dtype))

    def all_of_them(x: Any) -> list[Any]:
        zeros = nf.zeros_like(x)
        ends = [nf.maximum(x, 0.0), nf.minimum(x, 0.0), nf.maximum(0.0, x), nf.minimum(0.0, x)]
        pairs = [nf.maximum(x, zeros), nf.maximum(zeros, x), nf.minimum(x, zeros)]
        rest = [nf.sign(x), nf.nn.relu(x), nf.nn.relu6(x), nf.clip_by_value(x, 0.0, 1.0)]
        return [*ends, *pairs, *rest, nf.nn.elu(x), nf.nn.selu(x), nf.abs(x), nf.round(x)]

    for got, want in zip(nf.function(all_of_them)(x), all_of_them(x), strict=True):
        np.testing.assert_array_equal(np.signbit(got), np.signbit(want))
    assert not np.signbit(nf.nn.relu(x)).any() and not np.signbit(nf.sign(x)).any()
    nan = nf.constant(np.full(5, np.nan, dtype))
    assert np.isnan(nf.function(lambda x: nf.maximum(x, 0.0) + nf.minimum(x, 0.0))(nan)).all()
