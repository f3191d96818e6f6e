"""Operators of tensors, on both sides of numbers and arrays, and what stands beside a tensor."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

import numflow as nf

X = np.array([[7.0, -7.5], [2.0, 3.0]], np.float32)
ARITHMETIC = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@pytest.mark.parametrize("op", [*ARITHMETIC, *COMPARISONS], ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", [2, 2.5, np.float32(2), X[::-1]], ids=str)
def test_operators_on_both_sides(op: Any, other: Any) -> None:
    """A tensor with a number or an array, either way round, is what NumPy gives."""
    x = nf.constant(X)
    for got, want in ((op(x, other), op(X, other)), (op(other, x), op(other, X))):
        assert isinstance(got, nf.Tensor)
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_the_other_operators() -> None:
    """-x, abs, @, **, and those of bools."""
    x, b = nf.constant(X), nf.constant([True, False])
    np.testing.assert_array_equal(-x, -X)
    np.testing.assert_array_equal(abs(x), abs(X))
    np.testing.assert_array_equal(x @ X, X @ X)
    np.testing.assert_array_equal(X @ x, X @ X)
    np.testing.assert_allclose(x**2, X**2)
    np.testing.assert_allclose(2**x, 2**X)
    assert (~b).numpy().tolist() == [False, True]
    assert (b & True).numpy().tolist() == [True, False]
    assert (False | b).numpy().tolist() == [True, False]
    assert (b ^ b).numpy().tolist() == [False, False]


def test_comparison_with_none() -> None:
    """`x == None` is False, as in TensorFlow; no error."""
    x = nf.constant([1.0])
    assert (x == None) is False and (x != None) is True  # noqa: E711


def test_lists_that_hold_tensors_are_packed() -> None:
    """Numbers beside tensors take their dtype; arrays keep theirs and are refused."""
    t = nf.constant(1.0, nf.float64)
    packed = nf.convert_to_tensor([[t, 2.0], [3, t]])
    assert packed.dtype is nf.float64 and packed.numpy().tolist() == [[1, 2], [3, 1]]
    with pytest.raises(TypeError, match="tensors are not converted silently"):
        nf.convert_to_tensor([t, nf.constant(1.0)])


def test_python_numbers_adapt_but_do_not_lose() -> None:
    """1 + int8 is int8; 1.5 + int32 and 300 + uint8 are refused."""
    assert (nf.constant([1], nf.int8) + 1).dtype is nf.int8
    assert (nf.constant([1.0], nf.bfloat16) * 2).dtype is nf.bfloat16
    with pytest.raises(TypeError, match="add: y is a float, which does not become int32 silently"):
        nf.constant([1]) + 1.5
    with pytest.raises(TypeError, match="add: y does not fit into uint8"):
        nf.constant([1], nf.uint8) + 300
    assert nf.add(1, 2.5).numpy() == 3.5


def test_the_tensor_is_in_charge_of_arrays_on_its_left() -> None:
    """NumPy leaves the operator to the tensor: one result, not an array of tensors."""
    assert isinstance(np.ones(2, np.float32) * nf.ones([2]), nf.Tensor)
    assert isinstance(np.float32(2) * nf.ones([2]), nf.Tensor)


def test_arrays_follow_the_tensor_beside_them() -> None:
    """NumPy's arrays and scalars take the tensor's dtype on either side, if no fraction is lost."""
    x, exact = nf.constant([1.0, 2.0]), np.array([0.5, 0.25])
    for got in (x + exact, exact + x, nf.add(x, exact), nf.function(lambda a: exact + a)(x)):
        assert got.dtype is nf.float32
        np.testing.assert_array_equal(got, [1.5, 2.25])
    assert (x * np.float64(2)).dtype is nf.float32 and (x * np.int64(2)).dtype is nf.float32
    assert nf.matmul(nf.ones([2, 2]), np.ones((2, 2))).dtype is nf.float32
    assert nf.concat([x, exact], 0).dtype is nf.float32
    assert (nf.constant([1, 2]) + np.array([1, 2], np.int64)).dtype is nf.int32
    with pytest.raises(TypeError, match="add: y is a float, which does not become int32 silently"):
        nf.constant([1, 2]) + exact
    with pytest.raises(TypeError, match="add: y does not fit into int32"):
        nf.constant([1, 2]) + np.array([1, 1 << 40])
