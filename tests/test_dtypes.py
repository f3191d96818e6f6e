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
        (1, nf.float32),
        (14, nf.bfloat16),
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
    for bad in (None, 0, 100):
        with pytest.raises(TypeError, match=f"no element type is called {bad}"):
            nf.as_dtype(bad)


def test_properties() -> None:
    """Limits, sizes, kinds; equal to NumPy's; the same object after pickling."""
    assert (
        (nf.int8.min, nf.int8.max) == (-128, 127)
        and nf.float16.max == 65504
        and nf.bfloat16.size == 2
    )
    assert nf.float32 == np.float32 and nf.float32 != np.float64 and nf.float32 == "float32"
    assert nf.complex64.real_dtype is nf.float32 and nf.bool.max is True
    assert pickle.loads(pickle.dumps(nf.float32)) is nf.float32
    assert repr(nf.float32) == "nf.float32" and str(nf.float32) == "float32"


def test_tensorflows_numbers_and_limits() -> None:
    """The enum of types.proto; limits are those of images."""
    assert nf.DType(9) is nf.int64 and int(nf.string) == 7 and nf.half.as_datatype_enum == 19
    assert (
        nf.uint8.limits == (0, 255) and nf.int8.limits == (0, 127) and nf.float32.limits == (-1, 1)
    )
    assert not nf.int8.is_quantized and nf.int8 not in nf.dtypes.QUANTIZED_DTYPES
    for bad in (nf.string, nf.complex64):
        with pytest.raises(TypeError, match="has no minimum"):
            _ = bad.min
        with pytest.raises(ValueError, match="limits"):
            _ = bad.limits
    with pytest.raises(TypeError):
        nf.DType(1000)


def test_ops_of_the_namespace() -> None:
    """tf.dtypes has the ops too, which stand above the file of the element types."""
    assert nf.dtypes.cast is nf.cast and nf.dtypes.saturate_cast is nf.saturate_cast
    assert nf.dtypes.complex is nf.complex and nf.dtypes.DType is nf.DType
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        nf.dtypes.nonsense  # noqa: B018
