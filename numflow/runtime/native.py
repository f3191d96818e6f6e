"""The compiled builtin behind `entry.py`: guards arguments, patches addresses in, runs a program.

It reads fields of CPython's and NumPy's objects at known offsets. They are measured at the first
use; where they differ (another interpreter, a free-threaded build) `layouts_known` is false, and
entry.py does the same in Python.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from numflow.kernels import engine
from numflow.runtime import executor
from numflow.runtime.executor import BUSY, CANCELLED

_VERSION = "entry 6"

# A call record is a row of int64 words. The first eight are read by executor.py too.
R_BUSY, R_IMAGE, R_COUNT, R_FIRST_WRITE, R_CONTEXT, R_LAUNCH, R_POOL, R_LONG = range(8)
R_INPUTS, R_GUARDS, R_CELLS, R_CELL_TABLE, R_ARRAY_TYPE, R_TENSOR_TYPE, R_TENSOR_SLOT = range(8, 15)
RECORD_WORDS: Final = 16
# R_GUARDS is the address of a table, a row per argument:
#   {descr, number of dims, address of dims, number of slots, address of slots, -}
# and R_CELL_TABLE of one with a row per cell: {address, number of slots, address of slots, -}.
GUARD_WORDS: Final = 6
CELL_WORDS: Final = 4


# --- tensors -----------------------------------------------------------------


@dataclass(frozen=True)
class TensorClass:
    """offset: bytes from the start of an instance to its slot; 0 if that could not be measured."""

    cls: type
    slot: str
    offset: int


_registered: list[TensorClass] = []


def tensor_class() -> TensorClass | None:
    """The registered class of arguments besides ndarray."""
    return _registered[-1] if _registered else None


def register_tensor_class(cls: type, slot: str) -> None:
    """Let instances of cls (exactly) be arguments: their `slot`, one of __slots__, is an ndarray.

    It may hold something else for a while (an array that is made when it is asked for): such an
    instance does not match. Affects records that are made afterwards.
    """
    _registered[:] = [TensorClass(cls, slot, _slot_offset(cls, slot))]


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

# Offsets in bytes, used in the IR below: PyObject.ob_type, fields of PyArrayObject, and of
# PyArray_Descr.
_TYPE, _DATA, _NDIM, _DIMS, _DESCR, _FLAGS = 8, 16, 24, 32, 56, 64
_SCALAR, _ORDER = 16, 26
_CONTIGUOUS_ALIGNED: Final = 0x1 | 0x100


_SAMPLES: Final = (((2, 3, 5), np.float32), ((7,), np.int64), ((), np.float64), ((0, 3), np.bool_))


@functools.cache
def layouts_known() -> bool:
    """Are the fields of arrays where the native entry expects them?"""
    if not _plain_interpreter():
        return False
    for shape, dtype in [
        ((2, 3, 5), np.float32),
        ((7,), np.int64),
        ((), np.float64),
        ((0, 3), bool),
    ]:
        array = np.zeros(shape, dtype)
        start = id(array)
        dims = _word(start + _DIMS)
        if (
            _word(start + _TYPE) != id(np.ndarray)
            or _word(start + _DATA) != array.ctypes.data
            or ctypes.c_int32.from_address(start + _NDIM).value != array.ndim
            or _word(start + _DESCR) != id(array.dtype)
            or _word(id(array.dtype) + _SCALAR) != id(array.dtype.type)
            or chr(ctypes.c_uint8.from_address(id(array.dtype) + _ORDER).value)
            != array.dtype.byteorder
            or ctypes.c_int32.from_address(start + _FLAGS).value != array.flags.num
            or (
                shape
                and (not dims or tuple(_word(dims + 8 * i) for i in range(len(shape))) != shape)
            )
        ):
            return False
    return True


def _plain_interpreter() -> bool:
    """CPython, 64 bits, with a GIL: only there is reading memory at these offsets safe at all."""
    return (
        sys.implementation.name == "cpython"
        and sys.maxsize == 2**63 - 1
        and not sysconfig.get_config_var("Py_GIL_DISABLED")
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
_kept: list[_MethodDef] = []


@functools.cache
def _code() -> dict[str, int]:
    for name in _PYTHON_API:
        function = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p)
        engine.add_symbol(name, function.value or 0)
    engine.add_symbol("nf_none", id(None))
    engine.add_symbol("nf_false", id(False))
    engine.add_symbol("nf_ndarray", id(np.ndarray))
    return engine.functions(f"{_VERSION} {sys.platform}", _emit, ("run", "call", "address"))


@functools.cache
def native_call() -> Callable[..., Any]:
    """The builtin call(address of a record, *objects)."""
    return _builtin("call", _METH_FASTCALL)


@functools.cache
def address_function() -> Callable[[npt.NDArray[Any]], int]:
    """address(array), where its data is: a compiled a.ctypes.data, 30 ns instead of 1 us."""
    if not layouts_known():
        return lambda array: array.ctypes.data
    return _builtin("address", _METH_O)


def _builtin(name: str, convention: int) -> Callable[..., Any]:
    method = _MethodDef(name.encode(), _code()[name], convention, None)
    _kept.append(method)  # CPython reads it as long as the builtin lives
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.POINTER(_MethodDef), ctypes.c_void_p, ctypes.c_void_p]
    builtin: Callable[..., Any] = new(ctypes.byref(method), None, None)
    return builtin


@functools.cache
def native_run() -> Callable[[int], int]:
    """run(address of a record), which must not be busy; raises what a signal handler raised."""
    # PYFUNCTYPE keeps the GIL (the code releases it) and raises a pending exception.
    return ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(_code()["run"])


_PYTHON_API = (
    "PyErr_BadArgument",
    "PyErr_CheckSignals",
    "PyEval_RestoreThread",
    "PyEval_SaveThread",
    "PyGILState_Ensure",
    "PyGILState_Release",
    "PyLong_AsLongLong",
    "PyLong_FromLongLong",
    "Py_IncRef",
)


def _emit(prefix: str) -> str:
    text = executor.execute_ir() + _IR
    for word, value in {
        "PREFIX": prefix,
        "INPUTS": R_INPUTS,
        "GUARDS": R_GUARDS,
        "CELLS": R_CELLS,
        "TABLE": R_CELL_TABLE,
        "LONG": R_LONG,
        "ARRAY": R_ARRAY_TYPE,
        "TENSOR": R_TENSOR_TYPE,
        "SLOT": R_TENSOR_SLOT,
        "BUSY": BUSY,
        "CANCELLED": CANCELLED,
        "MATCHING": _CONTIGUOUS_ALIGNED,
    }.items():
        text = text.replace(f"${word}", str(value))
    return text


_IR = """
@nf_none = external global i8
@nf_false = external global i8
@nf_ndarray = external global i8
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare i64 @PyLong_AsLongLong(ptr)
declare ptr @PyLong_FromLongLong(i64)
declare void @Py_IncRef(ptr)
declare i32 @PyErr_BadArgument()

; Store a word plus the addend of each slot into slots: rows {address, addend}.
define internal void @patch(i64 %value, i64 %count, ptr %slots) nounwind alwaysinline {
entry:
  br label %next
next:
  %i = phi i64 [0, %entry], [%i1, %store]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %store, label %out
store:
  %at = shl i64 %i, 1
  %p.slot = getelementptr i64, ptr %slots, i64 %at
  %slot = load ptr, ptr %p.slot
  %p.addend = getelementptr i64, ptr %p.slot, i64 1
  %addend = load i64, ptr %p.addend
  %sum = add i64 %value, %addend
  store i64 %sum, ptr %slot
  %i1 = add i64 %i, 1
  br label %next
out:
  ret void
}

; Load the handles of variables, execute; the GIL is released around long programs.
define i64 @$PREFIXrun(ptr %record) nounwind {
entry:
  %p.cells = getelementptr i64, ptr %record, i64 $CELLS
  %cells = load i64, ptr %p.cells
  %p.table = getelementptr i64, ptr %record, i64 $TABLE
  %table = load ptr, ptr %p.table
  br label %cell
cell:
  %i = phi i64 [0, %entry], [%i1, %load]
  %more = icmp slt i64 %i, %cells
  br i1 %more, label %load, label %go
load:
  %at = shl i64 %i, 2
  %p.cell = getelementptr i64, ptr %table, i64 %at
  %cell.address = load ptr, ptr %p.cell
  %p.count = getelementptr i64, ptr %p.cell, i64 1
  %count = load i64, ptr %p.count
  %p.slots = getelementptr i64, ptr %p.cell, i64 2
  %slots = load ptr, ptr %p.slots
  %value = load i64, ptr %cell.address
  call void @patch(i64 %value, i64 %count, ptr %slots)
  %i1 = add i64 %i, 1
  br label %cell
go:
  %p.long = getelementptr i64, ptr %record, i64 $LONG
  %long = load i64, ptr %p.long
  %keep = icmp eq i64 %long, 0
  br i1 %keep, label %short, label %released
short:
  %status = call i64 @execute(ptr %record)
  ret i64 %status
released:
  %thread = call ptr @PyEval_SaveThread()
  %long.status = call i64 @execute(ptr %record)
  call void @PyEval_RestoreThread(ptr %thread)
  ret i64 %long.status
}

; METH_FASTCALL: (self, objects, count); the first object is the address of the record.
define ptr @$PREFIXcall(ptr %self, ptr %objects, i64 %count) nounwind {
entry:
  %first = load ptr, ptr %objects
  %word = call i64 @PyLong_AsLongLong(ptr %first)
  %record = inttoptr i64 %word to ptr
  %p.inputs = getelementptr i64, ptr %record, i64 $INPUTS
  %inputs = load i64, ptr %p.inputs
  %p.guards = getelementptr i64, ptr %record, i64 $GUARDS
  %guards = load ptr, ptr %p.guards
  %p.array.type = getelementptr i64, ptr %record, i64 $ARRAY
  %array.type = load ptr, ptr %p.array.type
  %p.tensor.type = getelementptr i64, ptr %record, i64 $TENSOR
  %tensor.type = load ptr, ptr %p.tensor.type
  %p.offset = getelementptr i64, ptr %record, i64 $SLOT
  %tensor.offset = load i64, ptr %p.offset
  %expected = add i64 %inputs, 1
  %right.count = icmp eq i64 %expected, %count
  br i1 %right.count, label %enter, label %false
enter:
  %swap = cmpxchg ptr %record, i64 0, i64 1 acquire monotonic
  %entered = extractvalue {i64, i1} %swap, 1
  br i1 %entered, label %input, label %busy

input:
  %i = phi i64 [0, %enter], [%i1, %matched]
  %more = icmp slt i64 %i, %inputs
  br i1 %more, label %look, label %run
look:
  %i1 = add i64 %i, 1
  %p.object = getelementptr ptr, ptr %objects, i64 %i1
  %object = load ptr, ptr %p.object
  %p.type = getelementptr i8, ptr %object, i64 8
  %type = load ptr, ptr %p.type
  %is.array = icmp eq ptr %type, %array.type
  br i1 %is.array, label %guard, label %wrapped
wrapped:
  %is.tensor = icmp eq ptr %type, %tensor.type
  br i1 %is.tensor, label %unwrap, label %mismatch
unwrap:
  %p.inner = getelementptr i8, ptr %object, i64 %tensor.offset
  %inner = load ptr, ptr %p.inner
  %unset = icmp eq ptr %inner, null
  br i1 %unset, label %mismatch, label %inside
inside:
  %p.inner.type = getelementptr i8, ptr %inner, i64 8
  %inner.type = load ptr, ptr %p.inner.type
  %holds.array = icmp eq ptr %inner.type, %array.type
  br i1 %holds.array, label %guard, label %mismatch

guard:
  %array = phi ptr [%object, %look], [%inner, %inside]
  %at = mul i64 %i, 6
  %p.descr = getelementptr i64, ptr %guards, i64 %at
  %want.descr = load ptr, ptr %p.descr
  %p.ndim = getelementptr i64, ptr %p.descr, i64 1
  %ndim = load i64, ptr %p.ndim
  %p.array.descr = getelementptr i8, ptr %array, i64 56
  %descr = load ptr, ptr %p.array.descr
  %p.array.ndim = getelementptr i8, ptr %array, i64 24
  %array.ndim = load i32, ptr %p.array.ndim
  %array.ndim.wide = sext i32 %array.ndim to i64
  %same.ndim = icmp eq i64 %array.ndim.wide, %ndim
  %p.flags = getelementptr i8, ptr %array, i64 64
  %flags = load i32, ptr %p.flags
  %relevant = and i32 %flags, $MATCHING
  %good.flags = icmp eq i32 %relevant, $MATCHING
  %fits = and i1 %same.ndim, %good.flags
  br i1 %fits, label %dtype, label %mismatch
dtype:
  %same.descr = icmp eq ptr %descr, %want.descr
  br i1 %same.descr, label %sizes, label %twin
twin:
  ; An array that was unpickled has a dtype object of its own: the scalar type and the byte order
  ; say all about a number.
  %p.scalar = getelementptr i8, ptr %descr, i64 16
  %scalar = load ptr, ptr %p.scalar
  %p.want.scalar = getelementptr i8, ptr %want.descr, i64 16
  %want.scalar = load ptr, ptr %p.want.scalar
  %same.scalar = icmp eq ptr %scalar, %want.scalar
  %p.order = getelementptr i8, ptr %descr, i64 26
  %order = load i8, ptr %p.order
  %p.want.order = getelementptr i8, ptr %want.descr, i64 26
  %want.order = load i8, ptr %p.want.order
  %same.order = icmp eq i8 %order, %want.order
  %same.dtype = and i1 %same.scalar, %same.order
  br i1 %same.dtype, label %sizes, label %mismatch
sizes:
  %p.want.dims = getelementptr i64, ptr %p.descr, i64 2
  %want.dims = load ptr, ptr %p.want.dims
  %p.dims = getelementptr i8, ptr %array, i64 32
  %dims = load ptr, ptr %p.dims
  br label %size
size:
  %d = phi i64 [0, %sizes], [%d1, %compare]
  %more.sizes = icmp slt i64 %d, %ndim
  br i1 %more.sizes, label %compare, label %matched
compare:
  %p.dim = getelementptr i64, ptr %dims, i64 %d
  %dim = load i64, ptr %p.dim
  %p.want.dim = getelementptr i64, ptr %want.dims, i64 %d
  %want.dim = load i64, ptr %p.want.dim
  %d1 = add i64 %d, 1
  %same.dim = icmp eq i64 %dim, %want.dim
  br i1 %same.dim, label %size, label %mismatch
matched:
  %p.data = getelementptr i8, ptr %array, i64 16
  %data = load i64, ptr %p.data
  %p.slot.count = getelementptr i64, ptr %p.descr, i64 3
  %slot.count = load i64, ptr %p.slot.count
  %p.slots = getelementptr i64, ptr %p.descr, i64 4
  %slots = load ptr, ptr %p.slots
  call void @patch(i64 %data, i64 %slot.count, ptr %slots)
  br label %input

run:
  %status = call i64 @$PREFIXrun(ptr %record)
  store atomic i64 0, ptr %record release, align 8
  switch i64 %status, label %report [i64 0, label %none  i64 $CANCELLED, label %raised]
none:
  call void @Py_IncRef(ptr @nf_none)
  ret ptr @nf_none
raised:
  ret ptr null
report:
  %number = call ptr @PyLong_FromLongLong(i64 %status)
  ret ptr %number
mismatch:
  store atomic i64 0, ptr %record release, align 8
  br label %false
false:
  call void @Py_IncRef(ptr @nf_false)
  ret ptr @nf_false
busy:
  %two = call ptr @PyLong_FromLongLong(i64 $BUSY)
  ret ptr %two
}

; METH_O: (self, array) -> its data address.
define ptr @$PREFIXaddress(ptr %self, ptr %array) nounwind {
  %p.type = getelementptr i8, ptr %array, i64 8
  %type = load ptr, ptr %p.type
  %right = icmp eq ptr %type, @nf_ndarray
  br i1 %right, label %good, label %bad
good:
  %p.data = getelementptr i8, ptr %array, i64 16
  %data = load i64, ptr %p.data
  %number = call ptr @PyLong_FromLongLong(i64 %data)
  ret ptr %number
bad:
  %raised = call i32 @PyErr_BadArgument()
  ret ptr null
}
"""
