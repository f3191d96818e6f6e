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


# --- unknown sizes -----------------------------------------------------------------------

SIZES = [(2, 12, 14), (1, 7, 9), (3, 8, 5), (2, 60, 33), (0, 5, 5), (1, 2, 3), (2, 6, 6)]


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("pseudo", [False, True])
@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("ratio", [1.0, 1.44, 1.5, 2.0])
@pytest.mark.parametrize("seed", [0, 7])
def test_one_trace_serves_every_size(
    kind: str, pseudo: bool, overlapping: bool, ratio: float, seed: int
) -> None:
    """Value, windows, gradient and what is drawn next, as eagerly."""
    pool = nf.nn.fractional_max_pool if kind == "max" else nf.nn.fractional_avg_pool
    traces = 0

    def run(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y, rows, columns = pool(x, ratio, pseudo, overlapping, seed)
            loss = nf.reduce_sum(y * y)
        return y, rows, columns, tape.gradient(loss, x), nf.random.uniform([2], dtype=nf.float64)

    @nf.function(input_signature=[nf.TensorSpec([None, None, None, 2], nf.float64)])
    def compiled(x: Any) -> Any:
        nonlocal traces
        traces += 1
        return run(x)

    rng = np.random.default_rng(1)
    for sizes in SIZES:
        x = nf.constant(rng.standard_normal((*sizes, 2)))
        nf.random.set_seed(11)
        wanted = run(x)
        nf.random.set_seed(11)
        for got, want in zip(compiled(x), wanted, strict=True):
            assert got.shape == want.shape
            np.testing.assert_allclose(got.numpy(), want.numpy(), 1e-12, 1e-12)
    assert traces == 1


def test_a_size_below_the_ratio_is_refused_whoever_knows_it() -> None:
    spec = nf.TensorSpec([None, None, None, 1])
    f = nf.function(lambda x: nf.nn.fractional_max_pool(x, 2.5)[0], input_signature=[spec])
    for _ in range(2):
        assert f(nf.ones([1, 5, 6, 1])).shape == (1, 2, 2, 1)
        with pytest.raises(ValueError, match=r"the ratio 2.5 is larger than the size 2 of axis 2"):
            f(nf.ones([1, 5, 2, 1]))


@pytest.mark.parametrize("ratio", [1.0, 1.1, 1.3, 1.44, 1.73, 2.0**0.5, 2.2, 1.7, 3.0, 1.0000001])
def test_as_many_windows_as_the_quotient_of_the_numbers(ratio: float) -> None:
    for size in range(4, 200):
        rows = nf.nn.fractional_max_pool(nf.ones([1, size, 4, 1]), [1.0, ratio, 1.0, 1.0])[1]
        assert len(rows) - 1 == int(np.float32(size) / np.float32(ratio))


def test_quotients_that_are_rounded() -> None:
    """As TensorFlow 2.21: 33 / 1.1 is 30, 36 / 1.44 is 24; of unknown sizes, too."""
    spec = nf.TensorSpec([1, None, 6, 1])
    for ratio, counts in {
        1.1: {33: 30, 34: 30, 55: 50, 32: 29},
        1.44: {36: 24, 35: 24, 37: 25, 72: 49},
        1.2: {18: 14, 19: 15, 6: 5},
        2.2: {33: 15, 32: 14},
    }.items():
        pool = nf.function(
            lambda x, r=ratio: nf.nn.fractional_max_pool(x, [1.0, r, 1.0, 1.0])[0],
            input_signature=[spec],
        )
        for size, count in counts.items():
            x = nf.ones([1, size, 6, 1])
            assert pool(x).shape == (1, count, 6, 1)
            assert nf.nn.fractional_max_pool(x, [1.0, ratio, 1.0, 1.0])[0].shape[1] == count


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
