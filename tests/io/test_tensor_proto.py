"""TensorProtos: there and back, by bytes too; damaged ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numflow as nf
from numflow.io.tensor_proto import TensorProto

KINDS = [
    *(nf.float16, nf.bfloat16, nf.float32, nf.float64, nf.int8, nf.int16, nf.int32, nf.int64),
    *(nf.uint8, nf.uint16, nf.uint32, nf.uint64, nf.bool, nf.complex64, nf.complex128),
]
# What TensorFlow 2.21 wrote.
WRITTEN: list[tuple[str, Any, Any]] = [
    ("08011208120208011202080222080000803f00000040", [[1.0, 2.0]], None),
    ("080312003a0107", 7, None),
    ("080712041202080242016142026263", ["a", "bc"], None),
    ("08091200520afdffffffffffffffff01", -3, nf.int64),
    ("080e12006a02c07f", 1.5, nf.bfloat16),
    ("080812004a080000803f00000040", 1 + 2j, nf.complex64),
]


@pytest.mark.parametrize(("data", "value", "kind"), WRITTEN, ids=[str(v) for _, v, _ in WRITTEN])
def test_the_bytes_are_tensorflow_s(data: str, value: Any, kind: Any) -> None:
    assert nf.make_tensor_proto(value, kind).SerializeToString().hex() == data
    want = nf.constant(value, kind).numpy()
    np.testing.assert_array_equal(
        nf.make_ndarray(TensorProto.FromString(bytes.fromhex(data))), want
    )


@pytest.mark.parametrize("kind", KINDS, ids=[k.name for k in KINDS])
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 2)])
def test_there_and_back(kind: Any, shape: Any) -> None:
    """Few elements stand in lists, many as bytes."""
    x = np.arange(1, 1 + int(np.prod(shape))).reshape(shape).astype(kind.numpy)
    proto = nf.make_tensor_proto(x)
    assert proto.dtype == kind.as_datatype_enum and bool(proto.tensor_content) == (x.size > 1)
    for one in (proto, TensorProto.FromString(proto.SerializeToString())):
        got = nf.make_ndarray(one) if x.size else x
        assert got.dtype == x.dtype and got.shape == x.shape
        np.testing.assert_array_equal(got, x)


def test_strings_and_signs() -> None:
    words = nf.make_tensor_proto([["a", "b\xe9"], [b"\xff", ""]])
    again = TensorProto()
    again.ParseFromString(words.SerializeToString())
    assert nf.make_ndarray(again).tolist() == [[b"a", "b\xe9".encode()], [b"\xff", b""]]
    for value in (-1, -(2**31), 2**31 - 1):
        proto = TensorProto.FromString(nf.make_tensor_proto(value).SerializeToString())
        assert nf.make_ndarray(proto) == value
    assert nf.make_ndarray(nf.make_tensor_proto(2**63 + 1, nf.uint64)) == 2**63 + 1


def test_shapes() -> None:
    assert nf.make_ndarray(nf.make_tensor_proto([1, 2, 3, 4], shape=[2, 2])).tolist() == [
        [1, 2],
        [3, 4],
    ]
    assert nf.make_ndarray(nf.make_tensor_proto(5, nf.float64, [2])).tolist() == [5.0, 5.0]
    few = TensorProto(nf.int32.as_datatype_enum, int_val=[1, 2])
    few.tensor_shape = nf.make_tensor_proto(np.zeros((2, 2))).tensor_shape
    assert nf.make_ndarray(few).tolist() == [[1, 2], [2, 2]]  # the last one stands for the rest
    with pytest.raises(TypeError, match=r"values has the shape \(2,\), not \(1, 2\)"):
        nf.make_tensor_proto([1, 2], shape=[1, 2], verify_shape=True)
    with pytest.raises(ValueError, match="values has 2 elements"):
        nf.make_tensor_proto([1, 2], shape=[3])
    assert nf.make_tensor_proto(few) is few


def test_hostile_messages() -> None:
    """Sizes beyond the elements, open shapes, dtypes that are none."""
    proto = nf.make_tensor_proto([1.0, 2.0])
    proto.tensor_shape.dim[0].size = 3
    with pytest.raises(ValueError, match="8 bytes are not 3 elements of float32"):
        nf.make_ndarray(proto)
    one = nf.make_tensor_proto(1.0, shape=[1])
    for size in (1 << 40, -1):
        one.tensor_shape.dim[0].size = size
        with pytest.raises(ValueError, match=r"too many|is open"):
            nf.make_ndarray(one)
    with pytest.raises(TypeError):
        nf.make_ndarray(TensorProto(99))
    with pytest.raises(ValueError, match="none, for the shape"):
        nf.make_ndarray(TensorProto(1))
    whole = nf.make_tensor_proto([1.0, 2.0]).SerializeToString()
    for cut in range(1, len(whole)):
        try:
            nf.make_ndarray(TensorProto.FromString(whole[:cut]))
        except (ValueError, TypeError):
            continue


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=40))
def test_any_bytes(data: bytes) -> None:
    """They are read or refused."""
    try:
        nf.make_ndarray(TensorProto.FromString(data))
    except (ValueError, TypeError, UnicodeDecodeError):
        pass
