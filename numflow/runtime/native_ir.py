"""LLVM IR of the native entry: guards arguments, patches addresses in, finds results, runs.

Names between two $ are numbers of `native_layout.py`.
"""

from __future__ import annotations

import numpy as np

from numflow.runtime import executor, native_layout
from numflow.runtime.cells import ARRAY, FORM, LOCK, OWNER, WAITERS, WRITES
from numflow.runtime.cells_ir import CELLS_IR
from numflow.runtime.executor import BUSY, CANCELLED, REFUSED, SHARED
from numflow.runtime.results_ir import RESULTS_IR

PYTHON_API = (
    "PyErr_BadArgument",
    "PyErr_CheckSignals",
    "PyEval_RestoreThread",
    "PyEval_SaveThread",
    "PyGILState_Ensure",
    "PyGILState_Release",
    "PyList_New",
    "PyList_SetItem",
    "PyLong_AsLongLong",
    "PyLong_FromLongLong",
    "PyObject_CallNoArgs",
    "PyObject_CallOneArg",
    "PyObject_Vectorcall",
    "PyThread_get_thread_ident",
    "PyTuple_New",
    "PyTuple_SetItem",
    "Py_DecRef",
    "Py_IncRef",
)
OBJECTS: dict[str, object] = {
    "nf_none": None,
    "nf_false": False,
    "nf_true": True,
    "nf_float": float,
    "nf_ndarray": np.ndarray,
}


def emit(prefix: str) -> str:
    """The module: run, take, free, call, fast, address, each behind the prefix."""
    text = executor.execute_ir() + _TYPES + CELLS_IR + RESULTS_IR + _GUARDS + _ATTEMPT + _CALLS
    names = {k: v for k, v in vars(native_layout).items() if k.isupper() and isinstance(v, int)}
    names |= {"BUSY": BUSY, "REFUSED": REFUSED, "SHARED": SHARED, "CANCELLED": CANCELLED}
    names |= {"C_ARRAY": 8 * ARRAY, "C_OWNER": 8 * OWNER, "C_LOCK": 8 * LOCK, "C_FORM": 8 * FORM}
    names |= {"C_WAITERS": 8 * WAITERS, "C_WRITES": 8 * WRITES}
    for name in sorted(names, key=len, reverse=True):  # R_CELL_TABLE before R_CELL
        text = text.replace(f"${name}$", str(names[name]))
    return text.replace("$PREFIX", prefix)


_TYPES = """
@nf_none = external global i8
@nf_false = external global i8
@nf_true = external global i8
@nf_float = external global i8
@nf_ndarray = external global i8
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare i64 @PyLong_AsLongLong(ptr)
declare ptr @PyLong_FromLongLong(i64)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare i32 @PyErr_BadArgument()
declare i64 @PyThread_get_thread_ident()
declare ptr @PyObject_CallNoArgs(ptr)
declare ptr @PyObject_CallOneArg(ptr, ptr)
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare ptr @PyList_New(i64)
declare i32 @PyList_SetItem(ptr, i64, ptr)
declare i32 @usleep(i32)

; Word number i of a table.
define internal i64 @word(ptr %table, i64 %i) nounwind alwaysinline {
  %p = getelementptr i64, ptr %table, i64 %i
  %w = load i64, ptr %p
  ret i64 %w
}
define internal ptr @pointer(ptr %table, i64 %i) nounwind alwaysinline {
  %p = getelementptr i64, ptr %table, i64 %i
  %w = load ptr, ptr %p
  ret ptr %w
}
define internal ptr @field(ptr %object, i64 %offset) nounwind alwaysinline {
  %p = getelementptr i8, ptr %object, i64 %offset
  %w = load ptr, ptr %p
  ret ptr %w
}

; Is an object referred to once? Newer interpreters keep flags in the upper half of the word.
define internal i1 @single(ptr %object) nounwind alwaysinline {
  %count = load i32, ptr %object
  %one = icmp eq i32 %count, 1
  ret i1 %one
}

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
  %addend = call i64 @word(ptr %p.slot, i64 1)
  %sum = add i64 %value, %addend
  store i64 %sum, ptr %slot
  %i1 = add i64 %i, 1
  br label %next
out:
  ret void
}
"""

_GUARDS = """
; Address of the data of an argument (0 of a constant), MISMATCH if it is not what the guard wants.
define internal i64 @guarded(ptr %plan, ptr %guard, ptr %object) nounwind {
entry:
  %want.descr = call ptr @pointer(ptr %guard, i64 1)
  %kind = load i64, ptr %guard
  %type = call ptr @field(ptr %object, i64 $TYPE$)
  switch i64 %kind, label %array.kind [i64 $KIND_NUMBER$, label %number
                                       i64 $KIND_CONSTANT$, label %constant]
number:
  %is.float = icmp eq ptr %type, @nf_float
  br i1 %is.float, label %inline, label %mismatch
constant:
  %same.object = icmp eq ptr %object, %want.descr
  %verdict = select i1 %same.object, i64 0, i64 $MISMATCH$
  ret i64 %verdict
array.kind:
  %is.array = icmp eq ptr %type, @nf_ndarray
  br i1 %is.array, label %found, label %tensor
tensor:
  %inner = call ptr @tensor_array(ptr %plan, ptr %object)
  %is.tensor = icmp ne ptr %inner, null
  br i1 %is.tensor, label %found, label %scalar
scalar:
  %ndim.scalar = call i64 @word(ptr %guard, i64 2)
  %no.axes = icmp eq i64 %ndim.scalar, 0
  %scalar.type = call ptr @field(ptr %want.descr, i64 $SCALAR$)
  %right.scalar = icmp eq ptr %type, %scalar.type
  %is.scalar = and i1 %no.axes, %right.scalar
  br i1 %is.scalar, label %inline, label %mismatch
inline:
  %p.value = getelementptr i8, ptr %object, i64 $VALUE$
  %value = ptrtoint ptr %p.value to i64
  ret i64 %value
found:
  %array = phi ptr [%object, %array.kind], [%inner, %tensor]
  %ndim = call i64 @word(ptr %guard, i64 2)
  %descr = call ptr @field(ptr %array, i64 $DESCR$)
  %p.array.ndim = getelementptr i8, ptr %array, i64 $NDIM$
  %array.ndim = load i32, ptr %p.array.ndim
  %array.ndim.wide = sext i32 %array.ndim to i64
  %same.ndim = icmp eq i64 %array.ndim.wide, %ndim
  %p.flags = getelementptr i8, ptr %array, i64 $FLAGS$
  %flags = load i32, ptr %p.flags
  %relevant = and i32 %flags, $CONTIGUOUS_ALIGNED$
  %good.flags = icmp eq i32 %relevant, $CONTIGUOUS_ALIGNED$
  %fits = and i1 %same.ndim, %good.flags
  br i1 %fits, label %dtype, label %mismatch
dtype:
  %same.descr = icmp eq ptr %descr, %want.descr
  br i1 %same.descr, label %sizes, label %twin
twin:
  ; An array that was unpickled has a dtype object of its own: the scalar type and the byte order
  ; say all about a number.
  %its.scalar = call ptr @field(ptr %descr, i64 $SCALAR$)
  %want.scalar = call ptr @field(ptr %want.descr, i64 $SCALAR$)
  %same.scalar = icmp eq ptr %its.scalar, %want.scalar
  %p.order = getelementptr i8, ptr %descr, i64 $ORDER$
  %order = load i8, ptr %p.order
  %p.want.order = getelementptr i8, ptr %want.descr, i64 $ORDER$
  %want.order = load i8, ptr %p.want.order
  %same.order = icmp eq i8 %order, %want.order
  %same.dtype = and i1 %same.scalar, %same.order
  br i1 %same.dtype, label %sizes, label %mismatch
sizes:
  %want.dims = call ptr @pointer(ptr %guard, i64 3)
  %dims = call ptr @field(ptr %array, i64 $DIMS$)
  br label %size
size:
  %d = phi i64 [0, %sizes], [%d1, %compare]
  %more.sizes = icmp slt i64 %d, %ndim
  br i1 %more.sizes, label %compare, label %matched
compare:
  %dim = call i64 @word(ptr %dims, i64 %d)
  %want.dim = call i64 @word(ptr %want.dims, i64 %d)
  %d1 = add i64 %d, 1
  %same.dim = icmp eq i64 %dim, %want.dim
  br i1 %same.dim, label %size, label %mismatch
matched:
  %data = call ptr @field(ptr %array, i64 $DATA$)
  %address = ptrtoint ptr %data to i64
  ret i64 %address
mismatch:
  ret i64 $MISMATCH$
}
"""

_ATTEMPT = """
; One call: what it returns, with status 0; else null, and the status says why (CANCELLED comes
; with an exception).
define internal ptr @attempt(ptr %plan, ptr %objects, i64 %count, ptr %status) nounwind {
entry:
  %record = load ptr, ptr %plan
  %arguments = call i64 @word(ptr %plan, i64 $E_ARGUMENTS$)
  %guards = call ptr @pointer(ptr %plan, i64 $E_GUARDS$)
  %right.count = icmp eq i64 %arguments, %count
  br i1 %right.count, label %enter, label %miscount
enter:
  %swap = cmpxchg ptr %record, i64 0, i64 1 acquire monotonic
  %entered = extractvalue {i64, i1} %swap, 1
  br i1 %entered, label %argument, label %busy

argument:
  %i = phi i64 [0, %enter], [%i1, %matched]
  %more = icmp slt i64 %i, %arguments
  br i1 %more, label %look, label %fixed
look:
  %i1 = add i64 %i, 1
  %p.object = getelementptr ptr, ptr %objects, i64 %i
  %object = load ptr, ptr %p.object
  %at = mul i64 %i, $GUARD_WORDS$
  %guard = getelementptr i64, ptr %guards, i64 %at
  %address = call i64 @guarded(ptr %plan, ptr %guard, ptr %object)
  %good = icmp ne i64 %address, $MISMATCH$
  br i1 %good, label %matched, label %leave
matched:
  %slot.count = call i64 @word(ptr %guard, i64 4)
  %slots = call ptr @pointer(ptr %guard, i64 5)
  call void @patch(i64 %address, i64 %slot.count, ptr %slots)
  br label %argument

fixed:
  %fixed.count = call i64 @word(ptr %plan, i64 $E_FIXED$)
  %fixed.table = call ptr @pointer(ptr %plan, i64 $E_FIXED_TABLE$)
  br label %next.fixed
next.fixed:
  %j = phi i64 [0, %fixed], [%j1, %put]
  %more.fixed = icmp slt i64 %j, %fixed.count
  br i1 %more.fixed, label %put, label %results
put:
  %j1 = add i64 %j, 1
  %at.fixed = mul i64 %j, $FIXED_WORDS$
  %fixed.row = getelementptr i64, ptr %fixed.table, i64 %at.fixed
  %fixed.address = load i64, ptr %fixed.row
  %fixed.slots = call i64 @word(ptr %fixed.row, i64 1)
  %p.fixed = call ptr @pointer(ptr %fixed.row, i64 2)
  call void @patch(i64 %fixed.address, i64 %fixed.slots, ptr %p.fixed)
  br label %next.fixed

results:
  %found = call i32 @find_results(ptr %plan)
  %failed = icmp slt i32 %found, 0
  br i1 %failed, label %drop, label %run
run:
  %end = call i64 @$PREFIXrun(ptr %record)
  %done = icmp eq i64 %end, 0
  br i1 %done, label %collect, label %drop
collect:
  %answer = call ptr @answer(ptr %plan)
  %lost = icmp eq ptr %answer, null
  %last = select i1 %lost, i64 $CANCELLED$, i64 0
  store i64 %last, ptr %status
  store atomic i64 0, ptr %record release, align 8
  ret ptr %answer

drop:
  %why = phi i64 [$CANCELLED$, %results], [%end, %run]
  call void @drop_results(ptr %plan)
  br label %leave
leave:
  %reason = phi i64 [$MISMATCH$, %look], [%why, %drop]
  store i64 %reason, ptr %status
  store atomic i64 0, ptr %record release, align 8
  ret ptr null
miscount:
  store i64 $MISMATCH$, ptr %status
  ret ptr null
busy:
  store i64 $BUSY$, ptr %status
  ret ptr null
}
"""

_CALLS = """
; METH_FASTCALL: (self: address of an entry, objects, count).
define ptr @$PREFIXcall(ptr %self, ptr %objects, i64 %count) nounwind {
entry:
  %p.status = alloca i64
  %number = call i64 @PyLong_AsLongLong(ptr %self)
  %at = inttoptr i64 %number to ptr
  %answer = call ptr @attempt(ptr %at, ptr %objects, i64 %count, ptr %p.status)
  %status = load i64, ptr %p.status
  switch i64 %status, label %report [i64 0, label %done  i64 $CANCELLED$, label %done
                                     i64 $MISMATCH$, label %false]
done:
  ret ptr %answer
false:
  call void @Py_IncRef(ptr @nf_false)
  ret ptr @nf_false
report:
  %code = call ptr @PyLong_FromLongLong(i64 %status)
  ret ptr %code
}

; The same; MISS unless the list is empty and the call succeeds. What a kernel refuses goes to the
; function E_REFUSED.
define ptr @$PREFIXfast(ptr %self, ptr %objects, i64 %count) nounwind {
entry:
  %p.status = alloca i64
  %number = call i64 @PyLong_AsLongLong(ptr %self)
  %at = inttoptr i64 %number to ptr
  %list = call ptr @pointer(ptr %at, i64 $E_IDLE$)
  %length = call ptr @field(ptr %list, i64 $SIZE$)
  %idle = icmp eq ptr %length, null
  br i1 %idle, label %go, label %miss
go:
  %answer = call ptr @attempt(ptr %at, ptr %objects, i64 %count, ptr %p.status)
  %status = load i64, ptr %p.status
  switch i64 %status, label %miss [i64 0, label %done  i64 $CANCELLED$, label %raised
                                   i64 $REFUSED$, label %refused]
done:
  %pack = call ptr @pointer(ptr %at, i64 $E_PACK$)
  %plain = icmp eq ptr %pack, null
  br i1 %plain, label %raised, label %shape
shape:
  %packed = call ptr @PyObject_CallOneArg(ptr %pack, ptr %answer)
  call void @Py_DecRef(ptr %answer)
  ret ptr %packed
raised:
  ret ptr %answer
refused:
  %handler = call ptr @pointer(ptr %at, i64 $E_REFUSED$)
  %handled = call ptr @PyObject_Vectorcall(ptr %handler, ptr %objects, i64 %count, ptr null)
  ret ptr %handled
miss:
  %sentinel = call ptr @pointer(ptr %at, i64 $E_MISS$)
  call void @Py_IncRef(ptr %sentinel)
  ret ptr %sentinel
}

; METH_O: (self, array) -> its data address.
define ptr @$PREFIXaddress(ptr %self, ptr %array) nounwind {
  %type = call ptr @field(ptr %array, i64 $TYPE$)
  %right = icmp eq ptr %type, @nf_ndarray
  br i1 %right, label %good, label %bad
good:
  %data = call ptr @field(ptr %array, i64 $DATA$)
  %address = ptrtoint ptr %data to i64
  %number = call ptr @PyLong_FromLongLong(i64 %address)
  ret ptr %number
bad:
  %raised = call i32 @PyErr_BadArgument()
  ret ptr null
}
"""
