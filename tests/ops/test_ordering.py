"""Sorting and the largest elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints


def _largest(x: Any) -> list[Any]:
    order = np.argsort(-x, -1, kind="stable")[..., :2]
    return [np.take_along_axis(x, order, -1), order]


def _second_largest(x: Any) -> Any:
    return nf.math.top_k(x, 2)[0]


def _searched(x: Any, values: Any, side: str) -> Any:
    return nf.searchsorted(nf.sort(x), values, side)


def _places(x: Any, values: Any, side: Any) -> Any:
    out = np.empty(values.shape)
    for row in np.ndindex(*x.shape[:-1]):
        out[row] = np.searchsorted(np.sort(x[row]), values[row], side)
    return out


CASES = [
    *(Case(nf.sort, lambda x, k=k: np.sort(x, k), [floats(3, 5)], {"axis": k}) for k in (0, 1, -1)),
    Case(
        nf.sort,
        lambda x: -np.sort(-x, -1),
        [ints(2, 3, 5)],
        {"axis": -1, "direction": "DESCENDING"},
    ),
    *(
        Case(nf.argsort, lambda x, k=k: np.argsort(x, k, kind="stable"), [ints(7, 5)], {"axis": k})
        for k in (0, 1)
    ),
    Case(
        nf.argsort,
        lambda x: np.argsort(-x, -1, kind="stable"),
        [ints(3, 11, low=0, high=4)],
        {"direction": "DESCENDING"},
    ),
    Case(nf.math.top_k, _largest, [floats(3, 5)], {"k": 2}, dtypes=[nf.float32, nf.float64]),
    Case(nf.math.top_k, _largest, [ints(2, 3, 5)], {"k": 2}),
    Case(_second_largest, lambda x: _largest(x)[0], [floats(7)]),
    Case(nf.sort, lambda x: x, [floats(0, 5)]),
    Case(nf.sort, lambda x: np.sort(x, -1), [floats(3, 101)], second=False),
    Case(nf.sort, lambda x: x, [floats(5, 0)]),
    *(
        Case(_searched, lambda x, v, s=s: _places(x, v, s), args, {"side": s})
        for s in ("left", "right")
        for args in ([floats(7), floats(5)], [ints(2, 3, 11), ints(2, 3, 5)], [ints(0), ints(3)])
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


def test_in_top_k() -> None:
    """Ties are inside, classes out of range and infinities are not."""
    x = np.array([[0.1, 0.7, 0.7, 0.2], [1, 2, 3, 4], [np.inf, 1, 2, 3], [1, 1, 1, 1]], np.float32)
    for run in (nf.math.in_top_k, nf.function(lambda t, p, k: nf.math.in_top_k(t, p, k))):
        assert run(nf.constant([2, 3, 0, 4]), nf.constant(x), 1).numpy().tolist() == [
            True,
            True,
            False,
            False,
        ]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize(
    "dtype", ["int8", "uint16", "uint32", "uint64", "int64", "float16", "float64"]
)
def test_every_dtype_with_an_order(compiled: bool, dtype: str) -> None:
    """Extremes, zeros of both signs and NaN stand where NumPy puts them."""
    special = [0, 1, 3, 3, 100] if dtype[0] != "f" else [np.nan, -0.0, 0.0, np.inf, -np.inf]
    x = np.array(special * 9, dtype).reshape(3, 15)
    if dtype[0] == "i":
        x[:, ::4] = np.iinfo(dtype).min
    compile_it: Any = nf.function if compiled else lambda f: f
    np.testing.assert_array_equal(compile_it(nf.sort)(x), np.sort(x, -1))
    np.testing.assert_array_equal(compile_it(nf.argsort)(x), np.argsort(x, -1, kind="stable"))
    values, places = compile_it(lambda t: nf.math.top_k(t, 3))(x)
    np.testing.assert_array_equal(values, np.sort(x, -1)[:, :-4:-1])
    np.testing.assert_array_equal(np.take_along_axis(x, places.numpy(), -1), values)
    found = compile_it(nf.searchsorted)(np.sort(x, -1), x).numpy()
    np.testing.assert_array_equal(found, _places(x, x, "left"))


def test_rows_of_many_lengths_are_sorted_by_one_program() -> None:
    """The sizes are arguments."""
    run = nf.function(lambda t: nf.sort(t, direction="DESCENDING"))
    for n in (1, 2, 31, 32, 33, 1000, 70_001):
        x = np.random.default_rng(n).standard_normal((2, n)).astype(np.float32)
        np.testing.assert_array_equal(run(x), np.sort(x, -1)[:, ::-1])


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda x: nf.sort(x, direction="UP"), ValueError, "sort: no direction 'UP'"),
        (lambda x: nf.sort(x, axis=2), ValueError, "sort: axis 2 is out of range for 2 axes"),
        (
            lambda x: nf.math.top_k(x, 6),
            nf.errors.InvalidArgumentError,
            "top_k: k is 6, outside [0, 5]",
        ),
        (
            lambda x: nf.math.top_k(x, -1),
            nf.errors.InvalidArgumentError,
            "top_k: k is -1, outside [0, 5]",
        ),
        (lambda x: nf.argsort(x > 0), TypeError, "argsort: bool has no order"),
        (
            lambda x: nf.searchsorted(x, nf.ones([2, 5])),
            ValueError,
            "searchsorted: all axes but the last must be the same",
        ),
        (
            lambda x: nf.searchsorted(x, nf.ones([3, 5], nf.int32)),
            TypeError,
            "searchsorted: dtypes differ",
        ),
        (lambda x: nf.searchsorted(x, x, "up"), ValueError, "searchsorted: no side 'up'"),
        (
            lambda x: nf.searchsorted(x, x, out_type=nf.int8),
            TypeError,
            "searchsorted: out_type is int8, not int32 or int64",
        ),
        (
            lambda x: nf.math.in_top_k([1, 2], x, 1),
            ValueError,
            "in_top_k: targets [batch] and predictions [batch, classes]",
        ),
    ],
)
def test_bad_arguments(run: Any, error: Any, message: str) -> None:
    """Each names op, argument, what came."""
    with pytest.raises(error) as e:
        run(nf.ones([3, 5]))
    assert str(e.value).startswith(message)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_permutations_are_inverted(compiled: bool) -> None:
    """Numbers out of range or repeated are refused, whoever runs it."""
    run: Any = (nf.function if compiled else lambda f: f)(nf.math.invert_permutation)
    for n in (0, 1, 7, 101):
        x = np.random.default_rng(n).permutation(n)
        np.testing.assert_array_equal(run(nf.constant(x)), np.argsort(x))
    for wrong in ([0, 0, 1], [0, 1, 3], [-1, 0, 1]):
        with pytest.raises(nf.errors.InvalidArgumentError, match="x is no permutation"):
            run(nf.constant(wrong))
    with pytest.raises(ValueError, match="invert_permutation: x must be a vector"):
        run(nf.constant([[0]]))
    with pytest.raises(TypeError, match="invert_permutation: x is float32, not int32 or int64"):
        run(nf.constant([0.0]))
