"""Running sums, products and log-sum-exps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints

SHAPES = [
    ((7,), 0),
    ((3, 5), 1),
    ((5, 3), 0),
    ((2, 3, 5), 1),
    ((1, 7), 0),
    ((0, 5), 0),
    ((3, 0), 0),
]
FORMS = [(False, False), (True, False), (False, True), (True, True)]


def _accumulated(ufunc: Any, start: float, axis: int, exclusive: bool, reverse: bool) -> Any:
    """Element after element."""

    def oracle(x: Any) -> Any:
        x = np.moveaxis(x, axis, 0)
        x = x[::-1] if reverse else x
        out, total = np.empty_like(x), np.full(x.shape[1:], start, x.dtype)
        for i, row in enumerate(x):
            following = ufunc(total, row)
            out[i] = total if exclusive else following
            total = following
        return np.moveaxis(out[::-1] if reverse else out, 0, axis)

    return oracle


def _case(op: Any, ufunc: Any, start: float, args: Any, axis: int, form: Any, **more: Any) -> Case:
    exclusive, reverse = form
    attrs = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
    return Case(op, _accumulated(ufunc, start, axis, *form), args, attrs, **more)


CASES = [
    *(_case(nf.cumsum, np.add, 0, [floats(*s)], k, (False, False)) for s, k in SHAPES),
    *(_case(nf.cumsum, np.add, 0, [floats(3, 5)], -1, form) for form in FORMS),
    *(_case(nf.cumsum, np.add, 0, [ints(5, 3)], 0, form) for form in FORMS),
    *(
        _case(nf.math.cumprod, np.multiply, 1, [floats(*s, low=0.5)], k, (False, False))
        for s, k in SHAPES
    ),
    *(_case(nf.math.cumprod, np.multiply, 1, [floats(3, 5, low=0.5)], 1, f) for f in FORMS),
    _case(nf.math.cumprod, np.multiply, 1, [ints(5, 3)], 0, (True, True)),
    *(
        _case(nf.math.cumulative_logsumexp, np.logaddexp, -np.inf, [floats(*s)], k, f)
        for (s, k), f in [(SHAPES[k], (False, k % 2 == 0)) for k in range(len(SHAPES))]
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "uint64", "complex64", "complex128"])
def test_running_sums_and_products_of_other_dtypes(compiled: bool, dtype: str) -> None:
    """Integers wrap, as NumPy's do; complex numbers are multiplied as such."""
    x = (np.arange(-3, 12).reshape(3, 5) * (1 + 2j if "c" in dtype else 1)).astype(dtype)
    for op, ufunc in [(nf.cumsum, np.add), (nf.math.cumprod, np.multiply)]:
        run: Any = nf.function(op) if compiled else op
        for axis in (0, 1):
            got = run(x, axis=axis).numpy()
            np.testing.assert_allclose(got, ufunc.accumulate(x, axis, dtype=x.dtype), 1e-5)
            assert got.dtype == x.dtype


def test_a_long_row_and_many_columns_are_scanned_in_parts() -> None:
    """Compiled, more than one unit of work."""
    rng = np.random.default_rng(1)
    for shape in [(100_003,), (3, 5003), (211, 1031)]:
        x = rng.integers(-9, 9, shape).astype(np.float32)
        for axis in range(len(shape)):
            got = nf.function(nf.cumsum)(x, axis=axis)
            np.testing.assert_array_equal(got, np.cumsum(x, axis))


def test_logsumexp_of_extreme_values() -> None:
    """No overflow, -inf of nothing, nan goes through."""
    x = np.array([-np.inf, -1e30, 1e4, 1e4, -np.inf, np.inf], np.float32)
    want = np.logaddexp.accumulate(x.astype(np.float64))
    for run in (nf.math.cumulative_logsumexp, nf.function(nf.math.cumulative_logsumexp)):
        np.testing.assert_allclose(run(x), want, 1e-6)
        assert np.isneginf(run(x, exclusive=True).numpy()[:2]).all()
        assert np.isnan(run([1.0, np.nan, 2.0]).numpy()).tolist() == [False, True, True]


def test_messages() -> None:
    """Dtype and axis are named."""
    with pytest.raises(TypeError, match="cumsum: x is bool, not a number"):
        nf.cumsum([True])
    with pytest.raises(ValueError, match="cumprod: axis 2 is out of range for 1 axes"):
        nf.math.cumprod([1.0], axis=2)
    with pytest.raises(ValueError, match="cumsum: axis 0 is out of range for 0 axes"):
        nf.cumsum(1.0)
    with pytest.raises(ValueError, match="cumsum: axis must be one number"):
        nf.cumsum([[1.0]], axis=[0, 1])
    with pytest.raises(TypeError, match="cumsum: axis must be integers"):
        nf.cumsum([1.0], axis=0.5)
    with pytest.raises(TypeError, match="cumulative_logsumexp: x is int32, not floating"):
        nf.math.cumulative_logsumexp([1])


def test_gradient_of_products_with_zeros() -> None:
    """0 where an element is 0, as in TensorFlow, and never a nan; the others have theirs."""
    x = nf.constant([2.0, 0.0, 3.0])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = nf.math.cumprod(x)
    np.testing.assert_array_equal(tape.gradient(y, x), [1.0, 0.0, 0.0])
