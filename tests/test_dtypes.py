"""Element types."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import numflow as nf


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("float32", nf.float32),
        (np.float64, nf.float64),
        (np.dtype(">i4"), nf.int32),
        (int, nf.int32),
        (float, nf.float32),
        (bool, nf.bool),
        (str, nf.string),
        ("half", nf.float16),
        ("bfloat16", nf.bfloat16),
        (nf.uint8, nf.uint8),
    ],
)
def test_as_dtype(value: Any, want: nf.DType) -> None:
    """Names, NumPy's and Python's types become the one object."""
    assert nf.as_dtype(value) is want


def test_unknown_types_are_refused() -> None:
    """With the value in the message."""
    with pytest.raises(TypeError, match="no element type is called 'floaty'"):
        nf.as_dtype("floaty")
    with pytest.raises(TypeError, match="no element type for NumPy's datetime64"):
        nf.as_dtype("datetime64[s]")


def test_properties() -> None:
    """Limits, sizes, kinds; equal to NumPy's; the same object after pickling."""
    assert nf.int8.limits == (-128, 127) and nf.float16.max == 65504 and nf.bfloat16.size == 2
    assert nf.float32 == np.float32 and nf.float32 != np.float64 and nf.float32 == "float32"
    assert nf.complex64.real_dtype is nf.float32 and nf.bool.max is True
    assert pickle.loads(pickle.dumps(nf.float32)) is nf.float32
    assert repr(nf.float32) == "nf.float32" and str(nf.float32) == "float32"
