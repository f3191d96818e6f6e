"""Assertions about ranks, shapes and dtypes: decided while tracing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from numflow import debugging


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        (lambda x: debugging.assert_rank(x, 2, "m"), "m.  Tensor {} must have rank 2.  Received"),
        (lambda x: debugging.assert_rank_at_least(x, 2), "Tensor {} must have rank at least 2.  "),
        (lambda x: debugging.assert_rank_in(x, [2, 3]), "Tensor {} must have rank in (2, 3).  Re"),
        (lambda x: debugging.assert_scalar(x, "m"), "m.  Expected scalar shape, saw shape: (3,)."),
        (lambda x: debugging.assert_type(x, nf.int32), f"tensor must be of type {nf.int32!r}; g"),
        (lambda x: debugging.assert_integer(x), 'Expected "x" to be integer type.  Found: tensor'),
    ],
)
def test_refusals(run: Callable[..., Any], problem: str) -> None:
    """Eagerly and while tracing, with TensorFlow's words and both its types."""
    for call, name in ((run, ""), (nf.function(run), "x")):
        with pytest.raises((ValueError, TypeError)) as caught:
            call(nf.constant([1.0, 2.0, 3.0]))
        assert str(caught.value).startswith(problem.format(name))
        assert isinstance(caught.value, nf.errors.InvalidArgumentError)


def test_what_fits_passes() -> None:
    x = nf.ones([2, 3])
    debugging.assert_rank(x, 2)
    debugging.assert_rank(x, nf.constant(2))
    debugging.assert_rank_at_least(x, 1)
    debugging.assert_rank_in(x, (1, 2))
    debugging.assert_type(x, nf.float32)
    debugging.assert_integer([1, 2])
    assert debugging.assert_scalar(5.0).numpy().item() == 5.0
    with pytest.raises(ValueError, match=r"the rank is no scalar"):
        debugging.assert_rank(x, [2])
    with pytest.raises(TypeError, match=r"the rank is float32"):
        debugging.assert_rank(x, 2.0)


def test_assert_shapes() -> None:
    """Letters, numbers, None, "*" and "..."."""
    x, y = nf.ones([2, 3]), nf.ones([3, 5])
    debugging.assert_shapes([(x, ("N", "D")), (y, ("D", "K"))])
    debugging.assert_shapes([(x, (2, None)), (y, ("*", 5)), (nf.ones([3]), "D"), (1.0, ())])
    debugging.assert_shapes([(nf.ones([7, 2, 3]), ("...", "N", "D")), (x, ("N", "..."))])
    wrong = r"m.  Specified by tensor  ?shape=\(2, 3\) dtype=float32 dimension 0.  Tensor  "
    with pytest.raises(ValueError, match=wrong + "dimension 1 must have size 2.  Received size 5"):
        debugging.assert_shapes([(x, ("N", "D")), (y, ("D", "N"))], message="m")
    with pytest.raises(ValueError, match=r"Specified explicitly.  Tensor  dimension 0 must have"):
        debugging.assert_shapes([(x, (4, 3))])
    with pytest.raises(ValueError, match=r"must have rank 3.  Received rank 2"):
        debugging.assert_shapes([(x, (4, 3, 2))])
    with pytest.raises(ValueError, match=r"must have rank at least 3.  Received rank 2"):
        debugging.assert_shapes([(x, (4, 3, 2, "..."))])
    with pytest.raises(ValueError, match=r"a size is an integer, a name or None, not 2.5"):
        debugging.assert_shapes([(x, (2.5, 3))])
    with pytest.raises(ValueError, match=r"pairs of a tensor and its shape are wanted"):
        debugging.assert_shapes([x])
    with pytest.raises(ValueError, match=r"may stand only once, first or last"):
        debugging.assert_shapes([(x, (2, "...", 3))])


def test_sizes_that_a_trace_does_not_know_are_checked_when_it_runs() -> None:
    """The numbers are in the message."""

    @nf.function(input_signature=[nf.TensorSpec([None, None])])
    def square(x: nf.Tensor) -> nf.Tensor:
        debugging.assert_shapes([(x, ("N", "N"))], message="square")
        return nf.reduce_sum(x)

    assert [square(np.ones([n, n], np.float32)).numpy().item() for n in (2, 3, 0)] == [4, 9, 0]
    with pytest.raises(nf.errors.InvalidArgumentError) as caught:
        square(np.ones([2, 3], np.float32))
    assert "[must have size] [2] [Received shape: ] [2 3]" in str(caught.value)


def test_assert_same_float_dtype() -> None:
    x = nf.constant([1.0])
    assert debugging.assert_same_float_dtype([x, None, x]) is nf.float32
    assert debugging.assert_same_float_dtype() is nf.float32
    assert debugging.assert_same_float_dtype(dtype=nf.float64) is nf.float64
    with pytest.raises(ValueError, match=r"must be of the same type"):
        debugging.assert_same_float_dtype([x, nf.constant(1.0, nf.float64)])
    with pytest.raises(ValueError, match=r"Expected floating point type"):
        debugging.assert_same_float_dtype([nf.constant(1)])


def test_assert_proper_iterable() -> None:
    debugging.assert_proper_iterable([1])
    debugging.assert_proper_iterable(x for x in "a")
    for wrong in ("abc", 5, nf.constant([1]), np.ones(2), nf.Variable(1.0)):
        with pytest.raises(TypeError, match='Expected argument "values" to be'):
            debugging.assert_proper_iterable(wrong)


def test_is_numeric_tensor() -> None:
    tensors = [nf.constant(1), nf.constant(1.0), nf.constant(1j), nf.constant(True), 1.0]
    assert [debugging.is_numeric_tensor(t) for t in tensors] == [True, True, True, False, False]
