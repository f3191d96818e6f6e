"""TensorProto: a tensor as TensorFlow's message, for files and servers that hold such.

`make_ndarray` also reads the messages of TensorFlow's or protobuf's own classes, by their fields.

Source: tensorflow/core/framework/tensor.proto, tensor_shape.proto.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

from numflow import dtypes
from numflow.errors import explain
from numflow.io.protobuf import Message, signed
from numflow.ops.literals import as_array
from numflow.tensor_shape import TensorShape

Array = np.ndarray[Any, Any]

# Numbers of fields, and how their elements are written.
_FLOAT, _DOUBLE, _INT, _STRING, _COMPLEX64, _INT64, _BOOL = 5, 6, 7, 8, 9, 10, 11
_COMPLEX128, _HALF, _UINT32, _UINT64 = 12, 13, 16, 17
_NAMES = {
    **{_FLOAT: "float_val", _DOUBLE: "double_val", _INT: "int_val", _STRING: "string_val"},
    **{_COMPLEX64: "scomplex_val", _INT64: "int64_val", _BOOL: "bool_val", _HALF: "half_val"},
    **{_COMPLEX128: "dcomplex_val", _UINT32: "uint32_val", _UINT64: "uint64_val"},
}
_FIELD_OF = {
    **{dtypes.float32: _FLOAT, dtypes.float64: _DOUBLE, dtypes.string: _STRING},
    **{dtypes.complex64: _COMPLEX64, dtypes.complex128: _COMPLEX128, dtypes.bool: _BOOL},
    **dict.fromkeys((dtypes.int8, dtypes.int16, dtypes.int32, dtypes.uint8, dtypes.uint16), _INT),
    **{dtypes.int64: _INT64, dtypes.uint32: _UINT32, dtypes.uint64: _UINT64},
    **{dtypes.float16: _HALF, dtypes.bfloat16: _HALF},
}
_FIXED = {_FLOAT: "<f4", _DOUBLE: "<f8", _COMPLEX64: "<f4", _COMPLEX128: "<f8"}


@dataclass
class TensorShapeDim:
    """A size, -1 where it is not known."""

    size: int = 0
    name: str = ""


@dataclass
class TensorShapeProto:
    """Sizes, or that not even their number is known."""

    dim: list[TensorShapeDim] = field(default_factory=list)
    unknown_rank: bool = False


@dataclass
class TensorProto:
    """A tensor: its dtype by number, its shape, and its elements as bytes or in one of the lists.

    Example:
      >>> proto = nf.make_tensor_proto([1.0, 2.0])
      >>> again = type(proto).FromString(proto.SerializeToString())
      >>> nf.make_ndarray(again).tolist()
      [1.0, 2.0]
    """

    dtype: int = 0
    tensor_shape: TensorShapeProto = field(default_factory=TensorShapeProto)
    version_number: int = 0
    tensor_content: bytes = b""
    float_val: list[float] = field(default_factory=list)
    double_val: list[float] = field(default_factory=list)
    int_val: list[int] = field(default_factory=list)
    string_val: list[bytes] = field(default_factory=list)
    scomplex_val: list[float] = field(default_factory=list)
    int64_val: list[int] = field(default_factory=list)
    bool_val: list[bool] = field(default_factory=list)
    dcomplex_val: list[float] = field(default_factory=list)
    half_val: list[int] = field(default_factory=list)
    uint32_val: list[int] = field(default_factory=list)
    uint64_val: list[int] = field(default_factory=list)

    def SerializeToString(self) -> bytes:
        """The message as bytes."""
        out = _number(1, self.dtype) if self.dtype else b""
        shape = b"".join(
            _bytes(2, (_number(1, d.size) if d.size else b"") + _text(2, d.name))
            for d in self.tensor_shape.dim
        )
        shape += _number(3, 1) if self.tensor_shape.unknown_rank else b""
        out += _bytes(2, shape)
        out += _number(3, self.version_number) if self.version_number else b""
        out += _bytes(4, self.tensor_content) if self.tensor_content else b""
        for number, name in sorted(_NAMES.items()):
            values = getattr(self, name)
            if number == _STRING:
                out += b"".join(_bytes(number, value) for value in values)
            elif values and number in _FIXED:
                out += _bytes(number, np.asarray(values, _FIXED[number]).tobytes())
            elif values:
                out += _bytes(number, b"".join(_varint(int(value)) for value in values))
        return out

    def ParseFromString(self, serialized: bytes) -> int:
        """Become what bytes say; their number.

        Raises:
          ValueError: they are no such message.
        """
        found = TensorProto.FromString(serialized)
        self.__dict__.update(found.__dict__)
        return len(serialized)

    @staticmethod
    def FromString(s: bytes) -> TensorProto:
        """What bytes say.

        Raises:
          ValueError: they are no such message.
        """
        message = Message(bytes(s))
        made = TensorProto(
            message.number(1),
            version_number=message.number(3),
            tensor_content=message.text(4),
        )
        shape = Message(message.text(2))
        made.tensor_shape.unknown_rank = bool(shape.number(3))
        for dim in shape.messages(2):
            size, name = signed(dim.number(1)), dim.text(2).decode()
            made.tensor_shape.dim.append(TensorShapeDim(size, name))
        for number, name in _NAMES.items():
            if number not in message:
                continue
            if number == _STRING:
                values: list[Any] = message.texts(number)
            elif number in _FIXED:
                values = _fixed(message, number)
            else:
                read = bool if number == _BOOL else int if number in (_UINT32, _UINT64) else signed
                values = [read(int(v)) for v in message.numbers(number)]
            getattr(made, name).extend(values)
        return made


def _fixed(message: Message, number: int) -> list[float]:
    """Floats, packed or one by one."""
    kind = np.dtype(_FIXED[number])
    found: list[float] = []
    for value in message.values(number):
        data = value if isinstance(value, bytes) else value.to_bytes(kind.itemsize, "little")
        if len(data) % kind.itemsize:
            raise ValueError("a number is cut")
        found += np.frombuffer(data, kind).tolist()
    return found


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode()) if text else b""


# --- public -------------------------------------------------------------------------------


def make_tensor_proto(
    values: Any,
    dtype: Any = None,
    shape: Iterable[int] | None = None,
    verify_shape: bool = False,
    allow_broadcast: bool = False,
) -> TensorProto:
    """Values as a TensorProto.

    Args:
      values: an array, a number, nested lists; or a TensorProto, which is returned.
      dtype: default what the values need, as for nf.constant.
      shape: another shape for the same elements; one element is repeated.
      verify_shape: refuse another shape than values have.
      allow_broadcast: repeat one element only with this (or without a shape).

    Raises:
      TypeError: values has another shape than verify_shape asks for; or no fitting dtype.
      ValueError: shape has another number of elements.

    Example:
      >>> nf.make_ndarray(nf.make_tensor_proto(7, shape=[2])).tolist()
      [7, 7]
    """
    op = "make_tensor_proto"
    if isinstance(values, TensorProto):
        return values
    want = None if dtype is None else dtypes.as_dtype(dtype)
    given = values.numpy() if hasattr(values, "numpy") else values
    array: Array = as_array(given, want, op, "values")
    kind = dtypes.string if array.dtype == object else dtypes.from_numpy(array.dtype)
    if shape is not None:
        sizes = tuple(int(n) for n in shape)
        if verify_shape and sizes != array.shape:
            problem = f"values has the shape {array.shape}, not {sizes}"
            raise TypeError(explain(op, problem))
        count = int(np.prod(sizes))
        if array.size == count:
            array = array.reshape(sizes)
        elif array.size == 1 and (allow_broadcast or count):
            array = np.broadcast_to(array.reshape(()), sizes)
        else:
            problem = f"values has {array.size} elements, and the shape {sizes} {count}"
            raise ValueError(explain(op, problem))
    made = TensorProto(kind.as_datatype_enum)
    made.tensor_shape.dim += [TensorShapeDim(n) for n in array.shape]
    if kind is not dtypes.string and array.size > 1:
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        made.tensor_content = np.ascontiguousarray(little).tobytes()
        return made
    number = _FIELD_OF[kind]
    flat = array.reshape(-1)
    if number in (_COMPLEX64, _COMPLEX128):
        flat = np.stack([flat.real, flat.imag], -1).reshape(-1)
    if number == _HALF:
        flat = flat.view(np.uint16)
    getattr(made, _NAMES[number]).extend(flat.tolist())
    return made


def make_ndarray(tensor: Any) -> Array:
    """The array that a TensorProto holds.

    Args:
      tensor: a TensorProto, numflow's or another class with its fields.

    Raises:
      TypeError: it is of a dtype that arrays have not.
      ValueError: its elements do not fit its shape.

    Example:
      >>> nf.make_ndarray(nf.make_tensor_proto([[1, 2], [3, 4]])).tolist()
      [[1, 2], [3, 4]]
    """
    op = "make_ndarray"
    kind = dtypes.as_dtype(int(tensor.dtype))
    if kind not in _FIELD_OF:
        raise TypeError(explain(op, f"there are no arrays of {kind.name} here"))
    shape = tuple(int(d.size) for d in tensor.tensor_shape.dim)
    if tensor.tensor_shape.unknown_rank or any(n < 0 for n in shape):
        raise ValueError(explain(op, f"the shape {TensorShape(None)} is open"))
    count = 1
    for n in shape:
        count *= n
    content, plain = bytes(tensor.tensor_content), np.dtype(kind.numpy)
    if content:
        if kind is dtypes.string or len(content) != count * plain.itemsize:
            problem = f"{len(content)} bytes are not {count} elements of {kind.name}"
            raise ValueError(explain(op, problem))
        return np.frombuffer(content, plain).reshape(shape).copy()
    number = _FIELD_OF[kind]
    values = list(getattr(tensor, _NAMES[number]))
    flat: Array
    if kind is dtypes.string:
        flat = np.empty(len(values), object)
        flat[:] = values
    elif number == _HALF:
        bits = np.array(values, np.int64).astype(np.uint16)
        flat = bits.view(np.float16 if kind is dtypes.float16 else ml_dtypes.bfloat16)
    elif number in (_COMPLEX64, _COMPLEX128):
        parts = np.array(values, np.float64)
        if len(parts) % 2:
            raise ValueError(explain(op, "a complex number has two parts"))
        flat = (parts[::2] + 1j * parts[1::2]).astype(plain)
    else:
        flat = np.array(values, np.uint64 if number == _UINT64 else None).astype(plain)
    if len(flat) == count:
        return flat.reshape(shape)
    if not len(flat) or len(flat) > count:
        problem = f"{len(flat)} elements are too many, or none, for the shape {shape}"
        raise ValueError(explain(op, problem))
    if count > _MOST:
        raise ValueError(explain(op, f"{count} elements of {len(flat)} values are too many"))
    # the last value stands for all that follow
    return np.concatenate([flat, np.full(count - len(flat), flat[-1], flat.dtype)]).reshape(shape)


_MOST = 1 << 28
"""Elements that a few values may stand for: a short message must not fill the memory."""


__all__ = ["TensorProto", "TensorShapeDim", "TensorShapeProto", "make_ndarray", "make_tensor_proto"]
