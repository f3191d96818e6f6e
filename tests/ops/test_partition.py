"""dynamic_partition and dynamic_stitch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints

NUMBERS = np.array([2, 0, 2, 3, 0, 0, 2])


def _dealt(x: Any) -> Any:
    return nf.dynamic_partition(x, NUMBERS, 5)


def _dealt_oracle(x: Any) -> Any:
    return [x[k == NUMBERS] for k in range(5)]


def _stitched(x: Any, y: Any) -> Any:
    return nf.dynamic_stitch([[[4, 0], [1, 7]], [3, 1]], [x, y])


def _stitched_oracle(x: Any, y: Any) -> Any:
    out = np.zeros((8, *y.shape[1:]), y.dtype)
    out[[4, 0, 1, 7]] = x.reshape(4, *y.shape[1:])
    out[[3, 1]] = y
    return out


def _there_and_back(x: Any) -> Any:
    places = nf.dynamic_partition(np.arange(7), NUMBERS, 5)
    return nf.dynamic_stitch(places, nf.dynamic_partition(x, NUMBERS, 5))


CASES = [
    *(Case(_dealt, _dealt_oracle, [draw(7, *s)]) for draw in (floats, ints) for s in ((), (5,))),
    *(
        Case(_stitched, _stitched_oracle, [draw(2, 2, *s), draw(2, *s)])
        for draw in (floats, ints)
        for s in ((), (3,), (0,))
    ),
    Case(_there_and_back, lambda x: x, [floats(7, 3)], traced=False),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    if case.traced:
        check(case)
    else:
        x = nf.constant(case.arrays()[0])
        np.testing.assert_array_equal(case.run([x])[0], case.oracle(x.numpy()))


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (
            lambda x: nf.dynamic_partition(x, [0, 1, 2], 2),
            nf.errors.InvalidArgumentError,
            "dynamic_partition: partition 2 is outside [0, 2)",
        ),
        (
            lambda x: nf.dynamic_partition(x, [0, -1, 1], 2),
            nf.errors.InvalidArgumentError,
            "dynamic_partition: partition -1 is outside [0, 2)",
        ),
        (
            lambda x: nf.dynamic_partition(x, [0, 0, 0], 0),
            nf.errors.InvalidArgumentError,
            "dynamic_partition: num_partitions must be a positive number",
        ),
        (
            lambda x: nf.dynamic_partition(x, [0, 0], 1),
            ValueError,
            "dynamic_partition: partitions must be the front of data's shape",
        ),
        (
            lambda x: nf.dynamic_partition(x, [0.0, 0.0, 0.0], 1),
            TypeError,
            "dynamic_partition: partitions is float32, not an integer",
        ),
        (
            lambda x: nf.dynamic_stitch([[0, 1, -1]], [x]),
            nf.errors.InvalidArgumentError,
            "dynamic_stitch: index -1 is negative",
        ),
        (
            lambda x: nf.dynamic_stitch([[0, 1]], [x]),
            ValueError,
            "dynamic_stitch: data must have the shape of indices",
        ),
        (lambda x: nf.dynamic_stitch([], []), ValueError, "dynamic_stitch: as many indices as"),
        (
            lambda x: nf.dynamic_stitch([[0], [1]], [x[:1], nf.ones([1, 5], nf.int32)]),
            TypeError,
            "dynamic_stitch: dtypes differ",
        ),
    ],
)
def test_bad_arguments(run: Any, error: Any, message: str) -> None:
    """Each names op, argument, what came."""
    with pytest.raises(error) as e:
        run(nf.ones([3, 5]))
    assert str(e.value).startswith(message)


@pytest.mark.parametrize("count", [1 << 31, 1 << 63, 1 << 70])
def test_gigantic_numbers_of_parts_are_refused(count: int) -> None:
    """At once, eagerly and traced: each part would be a tensor."""
    x = nf.constant([1.0, 2.0])
    for run in (nf.dynamic_partition, nf.function(nf.dynamic_partition)):
        with pytest.raises((nf.errors.InvalidArgumentError, OverflowError, TypeError)):
            run(x, nf.constant([0, 1]), count)
