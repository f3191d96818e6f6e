"""Histograms of equal bins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import Case, check, floats, ids, ints

RANGE = [-1.0, 2.0]


def bins(x: Any) -> Any:
    return nf.histogram_fixed_width_bins(x, nf.cast(RANGE, x.dtype), 7)


def counts(x: Any) -> Any:
    return nf.histogram_fixed_width(x, nf.cast(RANGE, x.dtype), 7, nf.int64)


def _bins(x: Any) -> Any:
    low, high = (int(v) if x.dtype.kind == "i" else v for v in RANGE)
    return np.clip(np.floor((x - low) / (high - low) * 7), 0, 6).astype(np.int32)


CASES = [
    *(
        Case(f, oracle, [draw], dtypes=[nf.float32, nf.float64])
        for f, oracle in (
            (bins, _bins),
            (counts, lambda x: np.bincount(_bins(x).ravel(), minlength=7)),
        )
        for draw in (floats(11, low=-3, high=4), floats(3, 5), floats(0), floats(), ints(3, 5))
    ),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_contract(case: Case) -> None:
    """Value, spec, strides, tracing."""
    check(case)


def test_refusals() -> None:
    """Eagerly and in a traced function that learns the range when it is called."""
    f = nf.histogram_fixed_width
    traced = nf.function(lambda x, r: f(x, r, 3))
    x, nan = nf.constant([1.0, 2.0]), nf.constant([1.0, np.nan])
    for run in (lambda x, r: f(x, r, 3), traced):
        assert run(x, nf.constant([0.0, 3.0])).numpy().tolist() == [0, 1, 1]
        with pytest.raises(nf.errors.InvalidArgumentError, match="value_range is not ordered"):
            run(x, nf.constant([5.0, 0.0]))
        with pytest.raises(nf.errors.InvalidArgumentError, match="a value is nan"):
            run(nan, nf.constant([0.0, 3.0]))
    with pytest.raises(nf.errors.InvalidArgumentError, match="nbins is 0, not positive"):
        f(x, [0.0, 1.0], 0)
    for ends in ([0.0, np.inf], [-np.inf, 0.0]):
        with pytest.raises(nf.errors.InvalidArgumentError, match="value_range is not finite"):
            f(x, ends)
    with pytest.raises(nf.errors.InvalidArgumentError, match="beyond 32 bits"):
        f(x, [0.0, 1.0], 1 << 40)
    with pytest.raises(nf.errors.ShapeError, match=r"value_range is \[low, high\]"):
        f(x, [0.0, 1.0, 2.0])
    with pytest.raises(nf.errors.DTypeError, match="not a real number"):
        f(["a"], [0.0, 1.0])
    got = nf.histogram_fixed_width_bins([-np.inf, np.inf], [0.0, 5.0], 5)
    assert got.numpy().tolist() == [0, 4]
