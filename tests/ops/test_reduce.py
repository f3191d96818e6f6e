"""Folds over axes and what is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

import numflow as nf
from tests.contract import Case, bools, check, floats, ids, ints

AXES: list[tuple[tuple[int, ...], Any, bool]] = [
    ((3, 5), None, False),
    ((3, 5), 0, False),
    ((3, 5), -1, True),
    ((2, 3, 5), (0, 2), False),
    ((2, 3, 5), 1, True),
    ((), None, False),
    ((1, 7), 0, False),
]
EMPTY: list[tuple[tuple[int, ...], Any, bool]] = [((0, 5), 1, False), ((5, 0), 0, False)]
FOLDS: list[tuple[Any, Any, float]] = [
    (nf.reduce_sum, np.sum, -2),
    (nf.reduce_mean, np.mean, -2),
    (nf.reduce_max, np.max, -2),
    (nf.reduce_min, np.min, -2),
    (nf.reduce_prod, np.prod, 0.5),
    (nf.reduce_logsumexp, special.logsumexp, -2),
    (nf.math.reduce_variance, np.var, -2),
    (
        nf.math.reduce_euclidean_norm,
        lambda x, axis, keepdims: np.sqrt(np.sum(x * x, axis, keepdims=keepdims)),
        0.5,
    ),
]


def _with(fold: Any, axis: Any, keepdims: bool) -> Any:
    return lambda x: fold(x, axis=axis, keepdims=keepdims)


def _attrs(axis: Any, keepdims: bool) -> dict[str, Any]:
    return {"axis": axis if not isinstance(axis, tuple) else list(axis), "keepdims": keepdims}


CASES = [
    *(
        Case(op, _with(fold, axis, keep), [floats(*s, low=low)], _attrs(axis, keep), slack=4)
        for op, fold, low in FOLDS
        for s, axis, keep in AXES + EMPTY
        if 0 not in s or op in (nf.reduce_sum, nf.reduce_prod)
    ),
    *(
        Case(
            nf.math.reduce_std, _with(np.std, axis, keep), [floats(*s)], _attrs(axis, keep), slack=4
        )
        for s, axis, keep in [((3, 5), None, False), ((2, 3, 5), (0, 2), True)]
    ),
    *(
        Case(op, _with(fold, axis, keep), [ints(*s)], _attrs(axis, keep))
        for op, fold in [(nf.reduce_sum, np.sum), (nf.reduce_max, np.max), (nf.reduce_min, np.min)]
        for s, axis, keep in AXES
    ),
    *(
        Case(op, _with(fold, axis, keep), [bools(*s)], _attrs(axis, keep))
        for op, fold in [(nf.reduce_any, np.any), (nf.reduce_all, np.all)]
        for s, axis, keep in AXES + EMPTY
    ),
    *(
        Case(op, lambda x, f=f, k=k: f(x, k), [draw(*s)], {"axis": k})
        for op, f in [(nf.argmax, np.argmax), (nf.argmin, np.argmin)]
        for s, k in [((3, 5), 0), ((3, 5), -1), ((2, 3, 5), 1), ((7,), 0)]
        for draw in (floats, ints, bools)
    ),
    Case(nf.argmax, np.argmax, [floats(7)], {"output_type": nf.int32}),
    Case(
        nf.math.count_nonzero,
        lambda x: np.count_nonzero(x, 1),
        [ints(3, 5, low=-1, high=2)],
        {"axis": 1},
    ),
    Case(nf.add_n, lambda x, y: x + y, [floats(3, 5), floats(3, 5)], gradient=False),
]
CASES[-1] = Case(
    lambda x, y: nf.add_n([x, y, x]), lambda x, y: x + y + x, [floats(3, 5), floats(3, 5)]
)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, gradients, dtypes, strides, tracing."""
    check(case)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_of_nothing(compiled: bool) -> None:
    """0, 1, -inf, inf, nan, False and True; no warning."""
    run: Any = nf.function if compiled else lambda f: f
    x = nf.zeros([0, 3])
    assert run(lambda x: nf.reduce_sum(x, 0))(x).numpy().tolist() == [0, 0, 0]
    assert run(lambda x: nf.reduce_prod(x, 0))(x).numpy().tolist() == [1, 1, 1]
    assert run(lambda x: nf.reduce_max(x, 0))(x).numpy().tolist() == [-np.inf] * 3
    assert run(lambda x: nf.reduce_min(x, 0))(x).numpy().tolist() == [np.inf] * 3
    assert run(lambda x: nf.reduce_logsumexp(x, 0))(x).numpy().tolist() == [-np.inf] * 3
    assert np.isnan(run(lambda x: nf.reduce_mean(x, 0))(x)).all()


def test_logsumexp_of_infinities() -> None:
    """-inf of -inf only; inf where one is."""
    x = nf.constant([[-np.inf, -np.inf], [np.inf, 0.0], [1e4, 1e4]])
    want = [-np.inf, np.inf, 1e4 + np.log(2)]
    np.testing.assert_allclose(nf.reduce_logsumexp(x, 1), want, rtol=1e-6)


def test_gradient_of_logsumexp_of_infinities() -> None:
    """As TensorFlow: nan of an infinite maximum, 0 of what is less, nan of -inf only."""
    x = nf.constant([[-np.inf, -np.inf], [np.inf, 0.0], [3.0, -np.inf]])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = nf.reduce_logsumexp(x, 1)
    want = [[np.nan, np.nan], [np.nan, 0], [1, 0]]
    np.testing.assert_array_equal(tape.gradient(y, x), want)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_argmax_takes_the_first_and_passes_over_nan(compiled: bool) -> None:
    """As TensorFlow."""
    run = nf.function(lambda x: nf.argmax(x, 1)) if compiled else lambda x: nf.argmax(x, 1)
    x = nf.constant([[1.0, 3.0, 3.0], [1.0, np.nan, 5.0], [-np.inf, -np.inf, -np.inf]])
    assert run(x).numpy().tolist() == [1, 2, 0]
    assert nf.argmin([[np.nan, 3.0, 2.0]], 1).numpy().tolist() == [2]


def test_few_columns_of_a_part_that_is_not_dense() -> None:
    """Axes that do not become one, folded into the sums of 3 columns."""
    x = np.arange(2 * 5 * 7 * 3, dtype=np.float32).reshape(2, 5, 7, 3)
    got = nf.function(lambda x: nf.reduce_sum(x[:, 1:, 1:], [0, 1, 2]))(x)
    np.testing.assert_array_equal(got.numpy(), x[:, 1:, 1:].sum((0, 1, 2)))


def test_bad_arguments() -> None:
    """Axes, dtypes, and what is empty."""
    x = nf.ones([3, 5])
    with pytest.raises(ValueError, match="reduce_sum: axis 2 is out of range for 2 axes"):
        nf.reduce_sum(x, 2)
    with pytest.raises(ValueError, match="reduce_sum: an axis is named twice"):
        nf.reduce_sum(x, [1, -1])
    with pytest.raises(TypeError, match="reduce_sum: axis must be integers"):
        nf.reduce_sum(x, 1.5)
    with pytest.raises(TypeError, match="reduce_any: does not take float32"):
        nf.reduce_any(x)
    with pytest.raises(TypeError, match="reduce_sum: does not take bool"):
        nf.reduce_sum(nf.constant([True]))
    with pytest.raises(nf.errors.InvalidArgumentError, match="argmax: axis 0 is empty"):
        nf.argmax(nf.zeros([0, 3]), 0)
    with pytest.raises(TypeError, match="argmax: output_type is float32, not an integer"):
        nf.argmax(x, 0, nf.float32)
    with pytest.raises(ValueError, match="add_n: there are no inputs"):
        nf.add_n([])
    with pytest.raises(ValueError, match="add_n: shapes differ"):
        nf.add_n([x, nf.ones([3])])


def test_gradient_of_a_shared_maximum() -> None:
    """Divided equally, as in TensorFlow."""
    x = nf.constant([1.0, 3.0, 3.0])
    with nf.GradientTape() as tape:
        tape.watch(x)
        y = nf.reduce_max(x)
    assert tape.gradient(y, x).numpy().tolist() == [0.0, 0.5, 0.5]


def test_gradient_of_a_product_with_zeros() -> None:
    """Only the product of the others counts."""
    for values, want in [([2.0, 0.0, 5.0], [0.0, 10.0, 0.0]), ([0.0, 0.0, 5.0], [0.0, 0.0, 0.0])]:
        x = nf.constant(values)
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.reduce_prod(x)
        assert tape.gradient(y, x).numpy().tolist() == want


@pytest.mark.parametrize("compiled", [False, True])
def test_means_of_integers(compiled: bool) -> None:
    """The sum of small integers does not wrap; the mean of nothing is 0."""
    mean = nf.function(nf.reduce_mean) if compiled else nf.reduce_mean
    assert mean(np.array([100, 100, 101], np.int8)).numpy() == 100
    assert mean(np.array([250, 255], np.uint8)).numpy() == 252
    assert mean(np.array([-3, -4], np.int32)).numpy() == -3
    assert mean(np.zeros((0, 3), np.int32), axis=0).numpy().tolist() == [0, 0, 0]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_gradient_of_a_product_with_zeros_and_infinities(compiled: bool) -> None:
    """Each derivative is the product of the others, whatever the element itself is."""
    inf = np.inf
    rows = [
        [2.0, 3.0, 5.0],
        [0.0, 3.0, 5.0],
        [0.0, 0.0, 5.0],
        [inf, 3.0, -5.0],
        [-inf, 3.0, inf],
        [inf, 3.0, 0.0],
    ]
    want = [
        [15.0, 10.0, 6.0],
        [15.0, 0.0, 0.0],
        [0.0, 0.0, 0.0],
        [-15.0, -inf, inf],
        [inf, -inf, -inf],
        [0.0, np.nan, inf],
    ]

    def gradient(x: Any) -> Any:
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = nf.reduce_prod(x, 1)
        return tape.gradient(y, x)

    run = nf.function(gradient) if compiled else gradient
    np.testing.assert_array_equal(run(nf.constant(rows)), np.array(want, np.float32))
