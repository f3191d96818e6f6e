"""The compiled builtins behind `entry.py` and `fast_call.py`; their code is in `native_ir.py`.

They read fields of CPython's and NumPy's objects at known offsets. These are measured at the first
use; where they differ (another interpreter, a free-threaded build) `layouts_known` is false, and
`fallback.py` does the same in Python.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from numflow.kernels import engine
from numflow.kernels.records import record
from numflow.runtime import cells, native_ir
from numflow.runtime import native_layout as layout

if TYPE_CHECKING:
    import numpy.typing as npt

_VERSION = "entry 12"


# --- tensors -----------------------------------------------------------------


@record
class TensorClass:
    """A class of tensors.

    offset, weak: bytes from the start of an instance to its slot, and to its weak references; 0 if
    that could not be measured.
    """

    cls: type
    slot: str
    offset: int
    weak: int


_registered: list[TensorClass] = []


def tensor_class() -> TensorClass | None:
    """The registered class of arguments besides ndarray, and of results."""
    return _registered[-1] if _registered else None


def register_tensor_class(cls: type, slot: str) -> None:
    """Let instances of cls (exactly) be arguments: their `slot`, one of __slots__, is an ndarray.

    __weakref__ is another one. The slot may hold something else for a while (an array that is made
    when it is asked for): such an instance does not match. Affects records that are made later.
    """
    known = tensor_class()
    if known is not None and (known.cls, known.slot) == (cls, slot):
        return
    _registered[:] = [TensorClass(cls, slot, _slot_offset(cls, slot), _weak_offset(cls))]


def _slot_offset(cls: type, slot: str) -> int:
    if not _plain_interpreter():
        return 0
    member = getattr(cls, slot)
    instance: object = object.__new__(cls)
    offsets = range(16, cls.__basicsize__, 8)
    found = set(offsets)
    for value in (object(), object()):
        member.__set__(instance, value)
        found &= {at for at in offsets if _word(id(instance) + at) == id(value)}
    return found.pop() if len(found) == 1 else 0


# --- object layouts ----------------------------------------------------------

_SAMPLES: Final = (((2, 3, 5), np.float32), ((7,), np.int64), ((), np.float64), ((0, 3), np.bool_))
_SCALARS: Final = (np.float32(1.5), np.float64(2.5), np.int64(7), np.uint16(9), np.bool_(True))


@functools.cache
def layouts_known() -> bool:
    """Are the fields of objects where the native code expects them?"""
    return (
        _plain_interpreter()
        and all(_array_as_expected(np.zeros(shape, dtype)) for shape, dtype in _SAMPLES)
        and all(_bytes(x, x.nbytes) == x.tobytes() for x in _SCALARS)
        and _bytes(2.5, 8) == np.float64(2.5).tobytes()
        and all(_word(id(x) + layout.SIZE) == len(x) for x in ([], [None] * 3))
        and _references_as_expected()
    )


def _array_as_expected(array: npt.NDArray[Any]) -> bool:
    start, descr = id(array), id(array.dtype)
    dims = _word(start + layout.DIMS)
    sizes = tuple(_word(dims + 8 * i) for i in range(array.ndim)) if dims else ()
    return (
        _word(start + layout.TYPE) == id(np.ndarray)
        and _word(start + layout.DATA) == array.ctypes.data
        and ctypes.c_int32.from_address(start + layout.NDIM).value == array.ndim
        and sizes == array.shape
        and _word(start + layout.DESCR) == descr
        and _word(descr + layout.SCALAR) == id(array.dtype.type)
        and chr(ctypes.c_uint8.from_address(descr + layout.ORDER).value) == array.dtype.byteorder
        and ctypes.c_int32.from_address(start + layout.FLAGS).value == array.flags.num
    )


def _references_as_expected() -> bool:
    """Reference counts, bases and weak references of arrays."""
    array = np.zeros(3)
    start = id(array)
    found = [_references(start), _word(start + layout.BASE), _word(start + layout.WEAK)]
    view, reference = array[1:], weakref.ref(array)
    found += [_references(start), _word(id(view) + layout.BASE)]
    return (
        found == [1, 0, 0, 2, start]
        and _word(start + layout.WEAK) == id(reference)
        and _weak_offset(np.ndarray) == layout.WEAK
    )


def _weak_offset(cls: type) -> int:
    """Bytes from the start of an instance to its list of weak references."""
    offset: int = cls.__weakrefoffset__
    return offset


def _references(address: int) -> int:
    return ctypes.c_int32.from_address(address).value


def _bytes(item: object, count: int) -> bytes:
    return ctypes.string_at(id(item) + layout.VALUE, count)


def _plain_interpreter() -> bool:
    """CPython, 64 bits, with a GIL: only there is reading memory at these offsets safe at all."""
    return (
        sys.implementation.name == "cpython"
        and sys.maxsize == 2**63 - 1
        and "t" not in getattr(sys, "abiflags", "")  # of builds without a GIL
    )


def _word(address: int) -> int:
    return ctypes.c_int64.from_address(address).value


# --- native code -------------------------------------------------------------


class _MethodDef(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("code", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_METH_FASTCALL: Final = 0x80
_METH_O: Final = 0x08
_methods: dict[str, _MethodDef] = {}  # CPython reads them as long as the builtins live


@functools.cache
def code() -> dict[str, int]:
    """The addresses of the builtins."""
    for name in native_ir.PYTHON_API:
        function = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p)
        engine.add_symbol(name, function.value or 0)
    for name, item in native_ir.OBJECTS.items():
        engine.add_symbol(name, id(item))
    names = ("run", "call", "fast", "take", "free", "address")
    return engine.functions(
        f"{_VERSION} {sys.platform}", native_ir.emit, names, passes="always_inliner"
    )


def native_call(address: int) -> Callable[..., Any]:
    """The builtin call(*objects) of the entry at address, which it keeps alive."""
    return _builtin("call", _METH_FASTCALL, address)


def native_fast(address: int) -> Callable[..., Any]:
    """The builtin fast(*objects) of the entry at address, which it keeps alive."""
    return _builtin("fast", _METH_FASTCALL, address)


@functools.cache
def share_locks() -> None:
    """Let Python code that locks variables (`cells.CellLock`) wait for compiled code."""
    cells.use_native(cells.NativeLocks(_builtin("take", _METH_O), _builtin("free", _METH_O)))


@functools.cache
def address_function() -> Callable[[npt.NDArray[Any]], int]:
    """address(array), where its data is: a compiled a.ctypes.data, 30 ns instead of 1 us."""
    if not layouts_known():
        return lambda array: array.ctypes.data
    return _builtin("address", _METH_O)


def _builtin(name: str, convention: int, of: object = None) -> Callable[..., Any]:
    """A function in C, bound to an object."""
    method = _methods.get(name)
    if method is None:
        made = _MethodDef(name.encode(), code()[name], convention, None)
        method = _methods.setdefault(name, made)
    new = ctypes.PYFUNCTYPE(
        ctypes.py_object, ctypes.POINTER(_MethodDef), ctypes.py_object, ctypes.c_void_p
    )(("PyCFunction_NewEx", ctypes.pythonapi))
    builtin: Callable[..., Any] = new(ctypes.byref(method), of, None)
    return builtin


@functools.cache
def native_run() -> Callable[[int], int]:
    """run(address of a record), which must not be busy; raises what a signal handler raised."""
    # PYFUNCTYPE keeps the GIL (the code releases it) and raises a pending exception.
    return ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(code()["run"])
