"""The largest and smallest along any axis; points of Sobol's sequence; accidental hits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids


def largest(x: Any, k: int, axis: int) -> Any:
    return nf.math.approx_max_k(x, k, axis)


def smallest(x: Any, k: int, axis: int) -> Any:
    return nf.math.approx_min_k(x, k, reduction_dimension=axis, recall_target=0.5)


def _chosen(x: Any, k: int, axis: int, sign: int) -> Any:
    order = np.argsort(sign * x, axis, kind="stable").take(range(k), axis)
    return [np.take_along_axis(x, order, axis), order]


CASES = [
    Case(
        op,
        lambda x, k=k, axis=axis, sign=sign: _chosen(x, k, axis, sign),
        [floats(3, 5, 2)],
        {"k": k, "axis": axis},
        dtypes=(nf.float32, nf.float64),
        second=False,
    )
    for op, sign in ((largest, -1), (smallest, 1))
    for k, axis in [(2, 1), (1, 0), (2, -1), (0, 1)]
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_op(case: Case) -> None:
    check(case)


def test_bad_arguments() -> None:
    with pytest.raises(nf.errors.DTypeError, match="operand is int32; it takes floats"):
        nf.math.approx_max_k([1, 2], 1)
    with pytest.raises(nf.errors.InvalidArgumentError, match="top_k"):
        nf.math.approx_max_k([1.0, 2.0], 3)
    with pytest.raises(ValueError, match=r"recall_target is 0\.0"):
        nf.math.approx_min_k([1.0, 2.0], 1, recall_target=0.0)
    with pytest.raises(ValueError, match="axis"):
        nf.math.approx_min_k([1.0, 2.0], 1, 1)


def test_points_of_sobol_s_sequence() -> None:
    """SciPy's and TensorFlow's; of 2^k points each axis has one in each part."""
    qmc = pytest.importorskip("scipy.stats.qmc")
    want = qmc.Sobol(64, scramble=False, bits=52).random(256)
    got = nf.math.sobol_sample(64, 255, dtype=nf.float64).numpy()
    np.testing.assert_array_equal(got, want[1:])
    later = nf.math.sobol_sample(64, 100, 100, nf.float64).numpy()
    np.testing.assert_array_equal(later, want[101:201])
    whole = np.vstack([np.zeros(64), got])
    assert (np.sort(whole, 0) == np.arange(256)[:, None] / 256).all()
    assert nf.math.sobol_sample(3, 0).shape == (0, 3)
    assert nf.function(lambda: nf.math.sobol_sample(2, 5))().dtype is nf.float32
    for bad in ((0, 1), (65, 1), (1, -1), (1, 1, -1), (1, 1 << 40)):
        with pytest.raises(nf.errors.InvalidArgumentError, match="sobol_sample"):
            nf.math.sobol_sample(*bad)
    with pytest.raises(nf.errors.DTypeError, match="it takes float32 and float64"):
        nf.math.sobol_sample(1, 1, dtype=nf.int32)


@pytest.mark.parametrize("traced", [False, True])
def test_accidental_hits(traced: bool) -> None:
    plain = nf.nn.compute_accidental_hits
    function = nf.function(plain) if traced else plain
    true, drawn = np.array([[1, 2], [3, 4], [7, 1]]), np.array([4, 1, 9, 2])
    rows, places, weights = function(true, drawn, 2)
    assert rows.numpy().tolist() == [0, 0, 1, 2] and places.numpy().tolist() == [1, 3, 0, 1]
    assert rows.dtype is nf.int32 and places.dtype is nf.int64
    assert (weights.numpy() == np.finfo(np.float32).min).all() and weights.shape[0] == 4
    with pytest.raises(ValueError, match="true_classes is"):
        nf.nn.compute_accidental_hits(true, drawn, 3)
    with pytest.raises(nf.errors.DTypeError, match="classes are integers"):
        nf.nn.compute_accidental_hits(true * 1.0, drawn, 2)
