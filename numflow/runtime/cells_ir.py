"""LLVM IR of `run`: locks and loads the variables of a record, and executes it.

Part of the module of `native_ir.py`. The order: take the locks of what is written, look whether
somebody shares it, load the addresses, execute, unlock. A thread that waits for a lock has released
the GIL, for the owner may need it to come to its end; and a program without the GIL holds the
buffers that it uses, so that a variable may move to another one meanwhile.
"""

from __future__ import annotations

CELLS_IR = """
; Somebody takes or frees the lock of a cell: counted before the first write, and after the last.
define internal void @count_write(ptr %cell) nounwind alwaysinline {
  %writes = getelementptr i8, ptr %cell, i64 $C_WRITES$
  %before = atomicrmw add ptr %writes, i64 1 seq_cst
  ret void
}

; Take the lock of a cell: 1 taken, 0 this thread has it already, -1 an exception is set.
define internal i32 @take(ptr %cell, i64 %thread) nounwind {
entry:
  %lock = getelementptr i8, ptr %cell, i64 $C_LOCK$
  %waiters = getelementptr i8, ptr %cell, i64 $C_WAITERS$
  %others = load atomic i64, ptr %waiters monotonic, align 8
  %nobody = icmp eq i64 %others, 0
  br i1 %nobody, label %first, label %look.owner
first:
  %swap = cmpxchg ptr %lock, i64 0, i64 %thread acquire monotonic
  %taken = extractvalue {i64, i1} %swap, 1
  br i1 %taken, label %new, label %look.owner
new:
  call void @count_write(ptr %cell)
  ret i32 1
look.owner:
  %owner = load atomic i64, ptr %lock monotonic, align 8
  %ours = icmp eq i64 %owner, %thread
  br i1 %ours, label %old, label %queue
old:
  ret i32 0
queue:
  %counted = atomicrmw add ptr %waiters, i64 1 monotonic
  br label %wait
wait:
  ; The owner may need the GIL to come to its end. This spins for some 30 us, then naps; who finds
  ; others waiting naps first, or a loop of calls would always be faster than they.
  %state = call ptr @PyEval_SaveThread()
  br i1 %nobody, label %try, label %polite
polite:
  %yielded = call i32 @usleep(i32 100)
  br label %try
try:
  %turn = phi i32 [0, %wait], [0, %polite], [%turn1, %pause], [%turn1, %nap]
  %again = cmpxchg ptr %lock, i64 0, i64 %thread acquire monotonic
  %got = extractvalue {i64, i1} %again, 1
  br i1 %got, label %success, label %rest
rest:
  %turn1 = add i32 %turn, 1
  %early = icmp ult i32 %turn, 2000
  br i1 %early, label %pause, label %late
pause:
  call void @relax()
  br label %try
late:
  %patient = icmp ult i32 %turn, 2400
  br i1 %patient, label %nap, label %look
nap:
  %slept = call i32 @usleep(i32 50)
  br label %try
look:
  call void @PyEval_RestoreThread(ptr %state)
  %signal = call i32 @PyErr_CheckSignals()
  %interrupted = icmp slt i32 %signal, 0
  br i1 %interrupted, label %failure, label %wait
success:
  call void @count_write(ptr %cell)
  %uncounted = atomicrmw sub ptr %waiters, i64 1 monotonic
  call void @PyEval_RestoreThread(ptr %state)
  ret i32 1
failure:
  %given.up = atomicrmw sub ptr %waiters, i64 1 monotonic
  ret i32 -1
}

; METH_O: (self, address of a cell): take its lock; True if this thread did not have it yet.
define ptr @$PREFIXtake(ptr %self, ptr %address) nounwind {
entry:
  %number = call i64 @PyLong_AsLongLong(ptr %address)
  %cell = inttoptr i64 %number to ptr
  %thread = call i64 @PyThread_get_thread_ident()
  %taken = call i32 @take(ptr %cell, i64 %thread)
  switch i32 %taken, label %raised [i32 0, label %no  i32 1, label %yes]
no:
  call void @Py_IncRef(ptr @nf_false)
  ret ptr @nf_false
yes:
  call void @Py_IncRef(ptr @nf_true)
  ret ptr @nf_true
raised:
  ret ptr null
}
define ptr @$PREFIXfree(ptr %self, ptr %address) nounwind {
  %number = call i64 @PyLong_AsLongLong(ptr %address)
  %cell = inttoptr i64 %number to ptr
  call void @count_write(ptr %cell)
  %lock = getelementptr i8, ptr %cell, i64 $C_LOCK$
  store atomic i64 0, ptr %lock release, align 8
  call void @Py_IncRef(ptr @nf_none)
  ret ptr @nf_none
}

; Take the locks of the variables that are written: 0, or -1 and none is taken.
define internal i32 @lock_cells(ptr %record) nounwind {
entry:
  %cells = call i64 @word(ptr %record, i64 $R_CELLS$)
  %table = call ptr @pointer(ptr %record, i64 $R_CELL_TABLE$)
  %thread = call i64 @PyThread_get_thread_ident()
  br label %next
next:
  %i = phi i64 [0, %entry], [%i1, %look], [%i1, %keep]
  %more = icmp slt i64 %i, %cells
  br i1 %more, label %look, label %out
look:
  %i1 = add i64 %i, 1
  %at = mul i64 %i, $CELL_WORDS$
  %row = getelementptr i64, ptr %table, i64 %at
  %written = call i64 @word(ptr %row, i64 3)
  %wanted = icmp ne i64 %written, 0
  br i1 %wanted, label %take, label %next
take:
  %cell = load ptr, ptr %row
  %taken = call i32 @take(ptr %cell, i64 %thread)
  %failed = icmp slt i32 %taken, 0
  br i1 %failed, label %undo, label %keep
keep:
  %p.taken = getelementptr i64, ptr %row, i64 5
  %taken.word = zext i32 %taken to i64
  store i64 %taken.word, ptr %p.taken
  br label %next
undo:
  call void @unlock_cells(ptr %record)
  ret i32 -1
out:
  ret i32 0
}

define internal void @unlock_cells(ptr %record) nounwind {
entry:
  %cells = call i64 @word(ptr %record, i64 $R_CELLS$)
  %table = call ptr @pointer(ptr %record, i64 $R_CELL_TABLE$)
  br label %next
next:
  %i = phi i64 [0, %entry], [%i1, %look], [%i1, %free]
  %more = icmp slt i64 %i, %cells
  br i1 %more, label %look, label %out
look:
  %i1 = add i64 %i, 1
  %at = mul i64 %i, $CELL_WORDS$
  %row = getelementptr i64, ptr %table, i64 %at
  %p.taken = getelementptr i64, ptr %row, i64 5
  %taken = load i64, ptr %p.taken
  %mine = icmp ne i64 %taken, 0
  br i1 %mine, label %free, label %next
free:
  store i64 0, ptr %p.taken
  %cell = load ptr, ptr %row
  call void @count_write(ptr %cell)
  %lock = getelementptr i8, ptr %cell, i64 $C_LOCK$
  store atomic i64 0, ptr %lock release, align 8
  br label %next
out:
  ret void
}

; Load the addresses of buffers: 0, or why the program may not run.
define internal i64 @load_cells(ptr %record) nounwind {
entry:
  %cells = call i64 @word(ptr %record, i64 $R_CELLS$)
  %table = call ptr @pointer(ptr %record, i64 $R_CELL_TABLE$)
  %counts = call i64 @word(ptr %record, i64 $R_COUNTS$)
  br label %next
next:
  %i = phi i64 [0, %entry], [%i1, %load]
  %more = icmp slt i64 %i, %cells
  br i1 %more, label %look, label %out
look:
  %i1 = add i64 %i, 1
  %at = mul i64 %i, $CELL_WORDS$
  %row = getelementptr i64, ptr %table, i64 %at
  %cell = load ptr, ptr %row
  %form = call i64 @word(ptr %row, i64 4)
  %any.form = icmp slt i64 %form, 0
  br i1 %any.form, label %sole, label %compare
compare:
  %now = call ptr @field(ptr %cell, i64 $C_FORM$)
  %now.form = ptrtoint ptr %now to i64
  %same = icmp eq i64 %now.form, %form
  br i1 %same, label %sole, label %mismatch
sole:
  %written = call i64 @word(ptr %row, i64 3)
  %check = and i64 %written, %counts
  %checked = icmp ne i64 %check, 0
  br i1 %checked, label %count, label %load
count:
  %array = call ptr @field(ptr %cell, i64 $C_ARRAY$)
  %owner = call ptr @field(ptr %cell, i64 $C_OWNER$)
  %array.single = call i1 @single(ptr %array)
  %owner.single = call i1 @single(ptr %owner)
  %private = and i1 %array.single, %owner.single
  br i1 %private, label %load, label %shared
load:
  %value = load i64, ptr %cell
  %slot.count = call i64 @word(ptr %row, i64 1)
  %slots = call ptr @pointer(ptr %row, i64 2)
  call void @patch(i64 %value, i64 %slot.count, ptr %slots)
  br label %next
mismatch:
  ret i64 $MISMATCH$
shared:
  ret i64 $SHARED$
out:
  ret i64 0
}

; Other threads run meanwhile, and a variable may move: hold its buffer.
define internal void @hold_cells(ptr %record) nounwind {
entry:
  %cells = call i64 @word(ptr %record, i64 $R_CELLS$)
  %table = call ptr @pointer(ptr %record, i64 $R_CELL_TABLE$)
  br label %next
next:
  %i = phi i64 [0, %entry], [%i1, %look], [%i1, %hold]
  %more = icmp slt i64 %i, %cells
  br i1 %more, label %look, label %out
look:
  %i1 = add i64 %i, 1
  %at = mul i64 %i, $CELL_WORDS$
  %row = getelementptr i64, ptr %table, i64 %at
  %cell = load ptr, ptr %row
  %array = call ptr @field(ptr %cell, i64 $C_ARRAY$)
  %p.held = getelementptr i64, ptr %row, i64 6
  store ptr %array, ptr %p.held
  %none = icmp eq ptr %array, null
  br i1 %none, label %next, label %hold
hold:
  call void @Py_IncRef(ptr %array)
  br label %next
out:
  ret void
}
define internal void @drop_cells(ptr %record) nounwind {
entry:
  %cells = call i64 @word(ptr %record, i64 $R_CELLS$)
  %table = call ptr @pointer(ptr %record, i64 $R_CELL_TABLE$)
  br label %next
next:
  %i = phi i64 [0, %entry], [%i1, %drop]
  %more = icmp slt i64 %i, %cells
  br i1 %more, label %drop, label %out
drop:
  %i1 = add i64 %i, 1
  %at = mul i64 %i, $CELL_WORDS$
  %row = getelementptr i64, ptr %table, i64 %at
  %held = call ptr @pointer(ptr %row, i64 6)
  call void @Py_DecRef(ptr %held)
  br label %next
out:
  ret void
}
; Note what was refused: the context belongs to the next call already when somebody asks.
define internal void @note(ptr %record, i64 %status) nounwind {
entry:
  %refused = icmp eq i64 %status, $REFUSED$
  br i1 %refused, label %note, label %out
note:
  %context = call ptr @pointer(ptr %record, i64 $R_CONTEXT$)
  %error = load atomic i64, ptr %context monotonic, align 8
  %p.refusal = getelementptr i64, ptr %record, i64 $R_REFUSAL$
  store i64 %error, ptr %p.refusal
  br label %out
out:
  ret void
}

; Lock and load the variables, execute; the GIL is released around long programs.
define i64 @$PREFIXrun(ptr %record) nounwind {
entry:
  %writes = call i64 @word(ptr %record, i64 $R_WRITES$)
  %any = icmp ne i64 %writes, 0
  br i1 %any, label %lock, label %load
lock:
  %locked = call i32 @lock_cells(ptr %record)
  %failed = icmp slt i32 %locked, 0
  br i1 %failed, label %raised, label %load
raised:
  ret i64 $CANCELLED$
load:
  %loaded = call i64 @load_cells(ptr %record)
  %good = icmp eq i64 %loaded, 0
  br i1 %good, label %go, label %leave
leave:
  call void @unlock_cells(ptr %record)
  ret i64 %loaded
go:
  %long = call i64 @word(ptr %record, i64 $R_LONG$)
  %keep = icmp eq i64 %long, 0
  br i1 %keep, label %short, label %released
short:
  %status = call i64 @execute(ptr %record)
  call void @note(ptr %record, i64 %status)
  br i1 %any, label %unlock, label %done
unlock:
  call void @unlock_cells(ptr %record)
  br label %done
done:
  ret i64 %status
released:
  call void @hold_cells(ptr %record)
  %thread = call ptr @PyEval_SaveThread()
  %long.status = call i64 @execute(ptr %record)
  call void @note(ptr %record, i64 %long.status)
  call void @PyEval_RestoreThread(ptr %thread)
  ; Who is next must not find the buffer held by us.
  call void @drop_cells(ptr %record)
  call void @unlock_cells(ptr %record)
  ret i64 %long.status
}
"""
