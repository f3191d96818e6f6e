"""Python floats as arguments of traced functions."""

import math
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow.errors import DTypeError


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_it_takes_the_dtype_beside_it(dtype: str) -> None:
    f = nf.function(lambda x, r: (x * r, r * x, r - x, x**r, nf.maximum(r, x), 1 - r * x))
    x = np.array([2.0, 3.0], dtype)
    for y in f(x, 0.1):
        assert y.dtype == dtype
    np.testing.assert_allclose(f(x, 0.1)[0], x * x.dtype.type(0.1), rtol=0)


def test_arithmetic_between_numbers_stays_weak_and_exact() -> None:
    f = nf.function(lambda x, a, b: x * ((a + 2) * b - 1 / a) ** 2 + -abs(a) % 3 + b // 2)
    x, a, b = np.array([1.0, 2.0]), 0.3, 7.0
    want = x * ((a + 2) * b - 1 / a) ** 2 + -abs(a) % 3 + b // 2
    np.testing.assert_allclose(f(x, a, b), want, rtol=1e-15)


def test_alone_it_is_float32() -> None:
    f = nf.function(lambda r: (r, r * 2, nf.stack([r, 1.0]), nf.constant([1.0]) * [r]))
    assert [t.dtype for t in f(0.5)] == [nf.float32] * 4


@pytest.mark.parametrize(
    "needs",
    [
        lambda r: 1.0 if r > 0.5 else 2.0,
        lambda r: float(r),
        lambda r: math.sqrt(r),
        lambda r: np.sqrt(np.float32(r)),
        lambda r: {0.25: 1.0}.get(r, 2.0),
        lambda r: float(f"{r:.1f}"),
    ],
)
def test_a_value_that_is_looked_at_is_a_constant_of_the_trace(needs: Any) -> None:
    f = nf.function(lambda x, r, s: x * needs(r) * s)
    x = nf.constant(1.0)
    for r in (0.25, 0.75, 0.25):
        for s in (1.0, 2.0):
            np.testing.assert_allclose(f(x, r, s), needs(r) * s, rtol=1e-6)
    assert f.experimental_get_tracing_count() == 2


def test_it_does_not_become_an_integer() -> None:
    f = nf.function(lambda x, r: x * r)
    with pytest.raises(DTypeError, match="a float argument does not become int32 silently"):
        f(nf.constant([1]), 0.5)


def test_it_may_assign_a_variable() -> None:
    v = nf.Variable(1.0)

    @nf.function
    def f(r: float) -> None:
        v.assign(r)
        v.assign_add(r * 2)

    f(0.5)
    assert float(v) == 1.5


def test_a_weak_float_beside_integers_is_float32() -> None:
    f = nf.function(lambda x: (nf.maximum(x, [1, 5]), nf.where(x > 0, x, [1, 2])))
    assert [t.dtype for t in f(2.5)] == [nf.float32] * 2


def test_a_size_made_of_a_float_is_a_constant_of_the_trace() -> None:
    f = nf.function(nf.range)
    assert f(2.5).numpy().tolist() == [0, 1, 2] and f(1.5).numpy().tolist() == [0, 1]
