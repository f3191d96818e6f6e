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
