"""LLVM IR of results: their arrays are made, or used again, and become tensors.

Part of the module of `native_ir.py`.
"""

from __future__ import annotations

RESULTS_IR = """
; The array of a tensor; null for another object.
define internal ptr @tensor_array(ptr %plan, ptr %object) nounwind alwaysinline {
entry:
  %wanted = call ptr @pointer(ptr %plan, i64 $E_TENSOR_TYPE$)
  %offset = call i64 @word(ptr %plan, i64 $E_TENSOR_SLOT$)
  %type = call ptr @field(ptr %object, i64 $TYPE$)
  %right = icmp eq ptr %type, %wanted
  br i1 %right, label %tensor, label %no
tensor:
  %array = call ptr @field(ptr %object, i64 %offset)
  %empty = icmp eq ptr %array, null
  br i1 %empty, label %no, label %look
look:
  %array.type = call ptr @field(ptr %array, i64 $TYPE$)
  %is.array = icmp eq ptr %array.type, @nf_ndarray
  br i1 %is.array, label %yes, label %no
yes:
  ret ptr %array
no:
  ret ptr null
}

; The array of a kept tensor that nobody else has, nor a view of its memory; else null.
define internal ptr @abandoned(ptr %plan, ptr %tensor) nounwind {
entry:
  %absent = icmp eq ptr %tensor, null
  br i1 %absent, label %no, label %count
count:
  %single = call i1 @single(ptr %tensor)
  br i1 %single, label %references, label %no
references:
  %offset = call i64 @word(ptr %plan, i64 $E_TENSOR_WEAK$)
  %weak = call ptr @field(ptr %tensor, i64 %offset)
  %none = icmp eq ptr %weak, null
  br i1 %none, label %inside, label %no
inside:
  %array = call ptr @tensor_array(ptr %plan, ptr %tensor)
  %empty = icmp eq ptr %array, null
  br i1 %empty, label %no, label %found
found:
  %array.single = call i1 @single(ptr %array)
  %array.weak = call ptr @field(ptr %array, i64 $WEAK$)
  %array.unseen = icmp eq ptr %array.weak, null
  %alone = and i1 %array.single, %array.unseen
  br i1 %alone, label %owner, label %no
owner:
  %base = call ptr @field(ptr %array, i64 $BASE$)
  %owned = icmp eq ptr %base, null
  br i1 %owned, label %yes, label %leased
leased:
  %base.single = call i1 @single(ptr %base)
  br i1 %base.single, label %yes, label %no
yes:
  ret ptr %array
no:
  ret ptr null
}

; Let each result of a call have memory, and its slots the address: 0, or -1 with an exception.
define internal i32 @find_results(ptr %plan) nounwind {
entry:
  %results = call i64 @word(ptr %plan, i64 $E_RESULTS$)
  %table = call ptr @pointer(ptr %plan, i64 $E_RESULT_TABLE$)
  br label %next
next:
  %i = phi i64 [0, %entry], [%i1, %found]
  %more = icmp slt i64 %i, %results
  br i1 %more, label %look, label %out
look:
  %i1 = add i64 %i, 1
  %at = mul i64 %i, $RESULT_WORDS$
  %row = getelementptr i64, ptr %table, i64 %at
  %p.result = getelementptr i64, ptr %row, i64 7
  %first = call ptr @pointer(ptr %row, i64 2)
  %first.array = call ptr @abandoned(ptr %plan, ptr %first)
  %use.first = icmp ne ptr %first.array, null
  br i1 %use.first, label %again, label %other
other:
  %second = call ptr @pointer(ptr %row, i64 3)
  %second.array = call ptr @abandoned(ptr %plan, ptr %second)
  %use.second = icmp ne ptr %second.array, null
  br i1 %use.second, label %again, label %make
again:
  %kept = phi ptr [%first, %look], [%second, %other]
  %kept.array = phi ptr [%first.array, %look], [%second.array, %other]
  call void @Py_IncRef(ptr %kept)
  br label %found
make:
  %maker = call ptr @pointer(ptr %row, i64 6)
  %made = call ptr @PyObject_CallNoArgs(ptr %maker)
  %failed = icmp eq ptr %made, null
  br i1 %failed, label %raise, label %check
check:
  %made.array = call ptr @tensor_array(ptr %plan, ptr %made)
  %wrong = icmp eq ptr %made.array, null
  br i1 %wrong, label %refuse, label %remember
refuse:
  call void @Py_DecRef(ptr %made)
  %raised = call i32 @PyErr_BadArgument()
  br label %raise
remember:
  %list = call ptr @pointer(ptr %row, i64 5)
  %forget = icmp eq ptr %list, null
  br i1 %forget, label %found, label %keep
keep:
  %p.turn = getelementptr i64, ptr %row, i64 4
  %turn = load i64, ptr %p.turn
  %other.turn = sub i64 1, %turn
  store i64 %other.turn, ptr %p.turn
  %place = add i64 %turn, 2
  %p.place = getelementptr i64, ptr %row, i64 %place
  store ptr %made, ptr %p.place
  call void @Py_IncRef(ptr %made)
  %set = call i32 @PyList_SetItem(ptr %list, i64 %turn, ptr %made)  ; takes this reference over
  br label %found
found:
  %result = phi ptr [%kept, %again], [%made, %remember], [%made, %keep]
  %array = phi ptr [%kept.array, %again], [%made.array, %remember], [%made.array, %keep]
  store ptr %result, ptr %p.result
  %data = call ptr @field(ptr %array, i64 $DATA$)
  %address = ptrtoint ptr %data to i64
  %slot.count = call i64 @word(ptr %row, i64 0)
  %slots = call ptr @pointer(ptr %row, i64 1)
  call void @patch(i64 %address, i64 %slot.count, ptr %slots)
  br label %next
raise:
  ret i32 -1
out:
  ret i32 0
}

; Results that are not handed out.
define internal void @drop_results(ptr %plan) nounwind {
entry:
  %results = call i64 @word(ptr %plan, i64 $E_RESULTS$)
  %table = call ptr @pointer(ptr %plan, i64 $E_RESULT_TABLE$)
  br label %next
next:
  %i = phi i64 [0, %entry], [%i1, %drop]
  %more = icmp slt i64 %i, %results
  br i1 %more, label %drop, label %out
drop:
  %i1 = add i64 %i, 1
  %at = mul i64 %i, $RESULT_WORDS$
  %at.result = add i64 %at, 7
  %p.result = getelementptr i64, ptr %table, i64 %at.result
  %result = load ptr, ptr %p.result
  store ptr null, ptr %p.result
  call void @Py_DecRef(ptr %result)
  br label %next
out:
  ret void
}

; What the call returns: None, the only result, a tuple or a list of all; null with an exception.
define internal ptr @answer(ptr %plan) nounwind {
entry:
  %form = call i64 @word(ptr %plan, i64 $E_FORM$)
  %results = call i64 @word(ptr %plan, i64 $E_RESULTS$)
  %table = call ptr @pointer(ptr %plan, i64 $E_RESULT_TABLE$)
  switch i64 %form, label %none [i64 $FORM_ONLY$, label %only  i64 $FORM_TUPLE$, label %tuple
                                 i64 $FORM_LIST$, label %list]
none:
  call void @drop_results(ptr %plan)
  call void @Py_IncRef(ptr @nf_none)
  ret ptr @nf_none
only:
  %p.single = getelementptr i64, ptr %table, i64 7
  %single = load ptr, ptr %p.single
  store ptr null, ptr %p.single
  ret ptr %single
tuple:
  %new.tuple = call ptr @PyTuple_New(i64 %results)
  br label %made
list:
  %new.list = call ptr @PyList_New(i64 %results)
  br label %made
made:
  %row = phi ptr [%new.tuple, %tuple], [%new.list, %list]
  %failed = icmp eq ptr %row, null
  br i1 %failed, label %lost, label %next
lost:
  call void @drop_results(ptr %plan)
  ret ptr null
next:
  %i = phi i64 [0, %made], [%i1, %put.tuple], [%i1, %put.list]
  %more = icmp slt i64 %i, %results
  br i1 %more, label %put, label %out
put:
  %i1 = add i64 %i, 1
  %at = mul i64 %i, $RESULT_WORDS$
  %at.result = add i64 %at, 7
  %p.result = getelementptr i64, ptr %table, i64 %at.result
  %result = load ptr, ptr %p.result
  store ptr null, ptr %p.result
  %is.tuple = icmp eq i64 %form, $FORM_TUPLE$
  br i1 %is.tuple, label %put.tuple, label %put.list
put.tuple:
  %set.tuple = call i32 @PyTuple_SetItem(ptr %row, i64 %i, ptr %result)
  br label %next
put.list:
  %set.list = call i32 @PyList_SetItem(ptr %row, i64 %i, ptr %result)
  br label %next
out:
  ret ptr %row
}
"""
