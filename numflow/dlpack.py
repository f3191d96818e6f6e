"""DLPack: tensors and arrays of other frameworks without a copy.

NumPy makes and reads the capsules. bfloat16, which NumPy's DLPack lacks, goes as uint16 whose type
is then rewritten in the struct itself (dlpack.h, DLManagedTensor and DLManagedTensorVersioned).

A capsule holds the array, so a variable sees by its reference counts that it is shared, and moves
to another buffer before it is written.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from numflow import dtypes

Array = np.ndarray[Any, Any]

CPU = (1, 0)  # kDLCPU, device 0
_UINT, _BFLOAT = 1, 4
_DTYPE = 20  # offset of DLDataType in DLTensor: after the pointer, the device and ndim
_VERSIONED = 32  # offset of the DLTensor behind version, context, deleter and flags


def capsule(
    array: Array,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[Any, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """The memory of an array as a capsule.

    Raises:
      BufferError: text, or another device than the CPU.
    """
    if array.dtype == object:
        raise BufferError("DLPack has no strings")
    is_bfloat = array.dtype.name == "bfloat16"
    plain = array.view(np.uint16) if is_bfloat else array
    made = plain.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)
    if is_bfloat:
        _set_kind(made, _BFLOAT)
    return made


class _Held:
    """A capsule as an object with the two methods that NumPy asks for."""

    def __init__(self, held: Any) -> None:
        self._held = held

    def __dlpack__(self, **_: Any) -> Any:
        return self._held

    def __dlpack_device__(self) -> tuple[int, int]:
        return CPU


def array_of(source: Any) -> Array:
    """The array of a capsule, or of an object with `__dlpack__`; the memory is shared.

    Raises:
      TypeError: source is neither.
      BufferError: it lies on another device, or its dtype is unknown here.
    """
    if hasattr(source, "__dlpack_device__"):
        device = source.__dlpack_device__()
        if int(device[0]) != CPU[0]:
            raise BufferError(f"the memory is on device {tuple(map(int, device))}, not on the CPU")
        try:
            source = source.__dlpack__(max_version=(1, 0))
        except TypeError:  # from before DLPack 1.0
            source = source.__dlpack__()
    elif type(source).__name__ != "PyCapsule":
        raise TypeError(f"from_dlpack takes a capsule or an object with __dlpack__, not {source!r}")
    is_bfloat = _kind(source) == _BFLOAT
    if is_bfloat:
        _set_kind(source, _UINT)
    array = np.from_dlpack(_Held(source))
    return array.view(dtypes.bfloat16.numpy) if is_bfloat else array


def _kind_byte(made: Any) -> Any:
    """Where the struct of a capsule says what kind of numbers it holds."""
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype = ctypes.c_char_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    name = api.PyCapsule_GetName(made)
    if name not in (b"dltensor", b"dltensor_versioned"):
        raise TypeError(f"a capsule called {name!r} holds no tensor, or it was used already")
    at = api.PyCapsule_GetPointer(made, name)
    return ctypes.c_uint8.from_address(at + _DTYPE + (_VERSIONED if b"_" in name else 0))


def _kind(made: Any) -> int:
    return int(_kind_byte(made).value)


def _set_kind(made: Any, kind: int) -> None:
    _kind_byte(made).value = kind
