"""Tensors as the bytes of a file, and back: little-endian, C order; strings behind their ends.

A string tensor is one uint64 per element, the place where its bytes end, and then all the bytes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.errors import DTypeError, explain

Array = np.ndarray[Any, Any]

_PLAIN = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128",
)  # fmt: skip
_NARROW = ("bfloat16", "float8_e4m3fn", "float8_e5m2")
STRING = "string"
DTYPES = frozenset([*_PLAIN, *_NARROW, STRING])

# What NumPy can address.
_LARGEST = 2**63 - 1


@functools.cache
def stored_dtype(name: str) -> np.dtype[Any]:
    """The little-endian NumPy dtype of a name in DTYPES; uint8 for strings."""
    if name in _NARROW:
        import ml_dtypes

        narrow: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return narrow
    return np.dtype(np.uint8 if name == STRING else name).newbyteorder("<")


def addressable(shape: Sequence[int], itemsize: int) -> bool:
    """Whether NumPy can have an array of this shape, were its empty axes of size 1."""
    return itemsize * math.prod(max(size, 1) for size in shape) <= _LARGEST


def to_bytes(value: Any, name: str = "") -> tuple[str, tuple[int, ...], Array]:
    """A tensor as its file holds it.

    Args:
      value: an array or what becomes one; str and bytes become strings.
      name: for the message.

    Returns:
      Name of the dtype, shape, uint8 [bytes]: the tensor's own memory where it is laid out so.

    Raises:
      DTypeError: no file can hold this dtype.
    """
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        return STRING, array.shape, _strings_to_bytes(array, name)
    dtype = array.dtype.name
    if dtype not in DTYPES:
        raise DTypeError(explain("checkpoint", f"{array.dtype} cannot be saved", {"name": name}))
    flat = np.ascontiguousarray(array, stored_dtype(dtype)).reshape(-1)
    return dtype, array.shape, flat.view(np.uint8)


def _strings_to_bytes(array: Array, name: str) -> Array:
    pieces = []
    for x in array.ravel().tolist():
        if not isinstance(x, str | bytes):
            problem = f"a Python object of type {type(x).__name__} cannot be saved"
            raise DTypeError(explain("checkpoint", problem, {"name": name}))
        pieces.append(x.encode() if isinstance(x, str) else x)
    ends = np.cumsum([len(piece) for piece in pieces], dtype="<u8")
    return np.concatenate([ends.view(np.uint8), np.frombuffer(b"".join(pieces), np.uint8)])


def from_bytes(data: Array, dtype: str, shape: tuple[int, ...]) -> Array:
    """The tensor that `to_bytes` stored: a view of data, or an array of bytes objects for strings.

    Raises:
      ValueError: a bool is neither 0 nor 1, the ends of strings do not fit; with the reason.
    """
    if dtype == STRING:
        return _strings_from_bytes(data, math.prod(shape)).reshape(shape)
    if dtype == "bool":
        check_bools(data)
    return data.view(stored_dtype(dtype)).reshape(shape)


def check_bools(data: Array) -> None:
    """Bytes of bools are 0 and 1: others would be wrong in compiled code.

    Raises:
      ValueError: one is not.
    """
    if data.size and data.max() > 1:
        raise ValueError("a bool is neither 0 nor 1")


def _strings_from_bytes(data: Array, count: int) -> Array:
    ends = data[: 8 * count].view("<u8")
    text = data[8 * count :].tobytes()
    if (int(ends[-1]) if count else 0) != len(text) or (ends[1:] < ends[:-1]).any():
        raise ValueError("the ends of the strings do not fit their bytes")
    strings = np.empty(count, object)
    start = 0
    for i, end in enumerate(ends.tolist()):
        strings[i] = text[start:end]
        start = end
    return strings
