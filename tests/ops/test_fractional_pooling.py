"""Pooling by factors that are no integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints

Array = np.ndarray[Any, Any]
RATIO = [1.0, 1.44, 1.73, 1.0]


def _pooled(fold: Any, overlapping: bool, x: Array, rows: Array, columns: Array) -> Array:
    """By the sequences that an op gave."""
    more = int(overlapping)
    out = np.zeros((x.shape[0], len(rows) - 1, len(columns) - 1, x.shape[-1]))
    for i, j in np.ndindex(out.shape[1:3]):
        part = x[:, rows[i] : rows[i + 1] + more, columns[j] : columns[j + 1] + more]
        out[:, i, j] = fold(part, (1, 2))
    return out


def _case(kind: str, pseudo: bool, overlapping: bool, draw: Any = None) -> Case:
    op = nf.nn.fractional_max_pool if kind == "max" else nf.nn.fractional_avg_pool
    attrs: dict[str, Any] = {"pseudo_random": pseudo, "overlapping": overlapping, "seed": 5}
    drawn = draw or floats(2, 7, 10, 3)
    _, rows, columns = op(np.zeros((1, 7, 10, 1), np.float32), RATIO, **attrs)  # the same windows
    fold = np.max if kind == "max" else np.mean
    return Case(
        lambda x: op(x, RATIO, **attrs)[0],
        lambda x: _truncated(x, _pooled(fold, overlapping, x, rows.numpy(), columns.numpy())),
        [drawn],
    )


def _truncated(x: Array, y: Array) -> Array:
    return np.trunc(y) if x.dtype.kind == "i" else y


CASES = [
    *(_case(k, p, o) for k in ("max", "avg") for p in (False, True) for o in (False, True)),
    _case("max", False, True, ints(2, 7, 10, 3)),
    _case("avg", False, True, ints(2, 7, 10, 3)),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@pytest.mark.parametrize("pseudo", [False, True])
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_windows_fill_the_image(pseudo: bool, compiled: bool) -> None:
    """Each is k or k + 1 long, in every call; without a seed they differ from call to call."""
    nf.random.set_seed(3)

    def run(x: Any) -> Any:
        return nf.nn.fractional_max_pool(x, 1.37, pseudo)[1:]

    op = nf.function(run) if compiled else run
    found = set()
    for _ in range(12):
        for size, sequence in zip((61, 83), op(nf.ones([1, 61, 83, 1])), strict=True):
            ends = sequence.numpy()
            assert (ends[0], ends[-1]) == (0, size) and sequence.dtype is nf.int64
            assert len(ends) == int(size / 1.37) + 1
            assert set(np.diff(ends)) == {size // (len(ends) - 1), size // (len(ends) - 1) + 1}
            found.add(tuple(ends))
    assert len(found) > 12


def test_whole_ratios_are_plain_pools() -> None:
    """Nothing is left to chance."""
    x = nf.random.normal([2, 6, 8, 3])
    y, rows, columns = nf.nn.fractional_max_pool(x, 2.0)
    np.testing.assert_array_equal(y, nf.nn.max_pool2d(x, 2, 2, "VALID"))
    assert rows.numpy().tolist() == [0, 2, 4, 6] and columns.numpy().tolist() == [0, 2, 4, 6, 8]


X = np.ones((2, 7, 10, 3), np.float32)


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: nf.nn.fractional_max_pool(X[0], 1.5), ValueError,
         "fractional_max_pool: value has rank 3, not 4"),
        (lambda: nf.nn.fractional_avg_pool(X > 0, 1.5), TypeError,
         "fractional_avg_pool: value is bool: a real number was wanted"),
        (lambda: nf.nn.fractional_max_pool(X, 0.5), nf.errors.InvalidArgumentError,
         "fractional_max_pool: pooling_ratio must be at least 1"),
        (lambda: nf.nn.fractional_max_pool(X, float("nan")), nf.errors.InvalidArgumentError,
         "fractional_max_pool: pooling_ratio must be at least 1"),
        (lambda: nf.nn.fractional_max_pool(X, float("inf")), ValueError,
         "fractional_max_pool: the ratio inf is larger than the size 7 of axis 1"),
        (lambda: nf.nn.fractional_max_pool(X, [1.0, 2.0, 11.0, 1.0]), ValueError,
         "fractional_max_pool: the ratio 11.0 is larger than the size 10 of axis 2"),
        (lambda: nf.nn.fractional_max_pool(X, [2.0, 2.0]), ValueError,
         "fractional_max_pool: pooling_ratio must be one number, or [1.0, of rows, of columns,"
         " 1.0]"),
        (lambda: nf.nn.fractional_max_pool(X, "a"), ValueError,
         "fractional_max_pool: pooling_ratio must be a number, or a list of them"),
        (lambda: nf.nn.fractional_max_pool(X, 1.5, seed="a"), TypeError,  # type: ignore[arg-type]
         "fractional_max_pool: seed is 'a', not an integer"),
    ],
)  # fmt: skip
def test_messages(run: Any, error: type[Exception], message: str) -> None:
    """What was wrong, by op and argument."""
    with pytest.raises(error) as caught:
        run()
    assert str(caught.value).split("\n")[0] == message
