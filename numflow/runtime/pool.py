"""The one parallel driver: worker threads that share the chunks of a launch with its caller.

Why not one of Numba's layers: they hang, abort or kill the process in a forked child or when
several Python threads launch at once, and cost 1 to 26 us per launch (this one 0.3 to 0.4).

How it works. A launch writes a job (kernel, argument block, units, chunk) and a *ticket*:
generation in the upper half, chunks left in the lower. Who takes one from the ticket by
compare-and-swap owns a chunk; the caller takes chunks too, so a late, descheduled or dead worker
never delays it beyond the chunk that it holds. A ticket of an older generation cannot be taken, and
a job is not overwritten before all its chunks are done, so its fields need no lock.

Workers spin for about 100 us after a job, then sleep in a futex. If the pool is busy (another
Python thread, or a kernel that launches) the work is done by the caller alone. Where there are no
futexes (other systems than Linux) the same functions do all work in the caller.

Threads start when a program first wants them. In a forked child they are started anew.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import threading

import numpy as np

from numflow.config.threading import pool_has_started, pool_threads
from numflow.kernels import engine

_VERSION = "pool 1"
_FUTEX = {"x86_64": 202, "aarch64": 98}  # numbers of the system call
_WAIT_PRIVATE, _WAKE_PRIVATE = 128, 129

_STATE_BYTES = 512
"""Fields on cache lines of their own: 0 generation i32, 64 ticket i64, 128 completed i64,
192 lock i32, 256 sleepers i32, 320 job (kernel, arguments, units, chunk, chunks)."""


def threads() -> int:
    """How many threads work on a launch, the caller included."""
    return pool_threads() if _has_futex() else 1


def start() -> None:
    """Make sure that the workers run; cheap when they do."""
    _pool().start()


def launch(kernel: int, args: int, total: int, chunk: int) -> None:
    """Run kernel(args, begin, end) over 0..total in pieces of chunk units on all threads.

    kernel and args are addresses. The GIL is free meanwhile. Programs call `launch_address`.
    """
    pool = _pool()
    pool.start()
    pool.call(pool.state, kernel, args, total, chunk)


def launch_address() -> int:
    """Address of `void launch(state, kernel, args, i64 total, i64 chunk)`."""
    return _pool().launch


def state_address() -> int:
    """Address of the state that `launch_address` takes; the same for the life of the process."""
    return _pool().state


def _has_futex() -> bool:
    return sys.platform == "linux" and platform.machine() in _FUTEX


# --- threads -----------------------------------------------------------------


class _Pool:
    """launch, worker: addresses of the code. state: address of the fields, in `memory`."""

    def __init__(
        self,
        launch: int,
        worker: int,
        state: int,
        memory: np.ndarray[tuple[int], np.dtype[np.uint8]],
    ) -> None:
        self.launch, self.worker, self.state, self.memory = launch, worker, state, memory
        self.started = False
        pointer, word = ctypes.c_void_p, ctypes.c_int64
        self.call = ctypes.CFUNCTYPE(None, pointer, pointer, pointer, word, word)(launch)
        self._lock = threading.Lock()

    def start(self) -> None:
        if self.started:
            return
        with self._lock:
            if self.started:
                return
            # Daemons: a worker sleeps inside native code and never holds up the end of the process.
            work = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.worker) if self.worker else None
            for number in range(threads() - 1):
                name = f"numflow-{number + 1}"
                threading.Thread(target=work, args=(self.state,), name=name, daemon=True).start()
            self.started = True
            pool_has_started()

    def restart_in_child(self) -> None:
        """Only the thread that forked lives on: forget the workers, and whoever held the lock."""
        ctypes.memset(self.state, 0, _STATE_BYTES)
        self._lock = threading.Lock()
        if self.started:
            self.started = False
            self.start()


_making = threading.Lock()
_made: list[_Pool] = []


def _pool() -> _Pool:
    if not _made:
        with _making:
            if not _made:
                _made.append(_make())
    return _made[0]


def _make() -> _Pool:
    memory = np.zeros(_STATE_BYTES + 64, np.uint8)
    state = (memory.ctypes.data + 63) & ~63
    if _has_futex():
        machine = platform.machine()
        code = engine.functions(f"{_VERSION} {machine}", _emit, ("launch", "worker"))
        pool = _Pool(code["launch"], code["worker"], state, memory)
    else:
        code = engine.functions(f"{_VERSION} serial", _emit_serial, ("launch",))
        pool = _Pool(code["launch"], 0, state, memory)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=pool.restart_in_child)
    return pool


# --- code --------------------------------------------------------------------


def clock(machine: str) -> str:
    """IR of `i64 @now()`, a clock whose reading costs 10 ns, and of `void @relax()`.

    On x86 the time stamp counter, 2 to 5 ticks per ns: precise enough for "about 100 us".
    Elsewhere user code may not read the cycle counter: nanoseconds from the system.
    """
    if machine == "x86_64":
        return """
declare i64 @llvm.readcyclecounter()
define internal i64 @now() nounwind alwaysinline {
  %t = call i64 @llvm.readcyclecounter()
  ret i64 %t
}
define internal void @relax() nounwind alwaysinline {
  call void asm sideeffect "pause", "~{memory}"()
  ret void
}
"""
    return """
declare i32 @clock_gettime(i32, ptr)
define internal i64 @now() nounwind {
  %at = alloca [2 x i64]
  %rc = call i32 @clock_gettime(i32 1, ptr %at)
  %s = load i64, ptr %at
  %pn = getelementptr i64, ptr %at, i64 1
  %n = load i64, ptr %pn
  %b = mul i64 %s, 1000000000
  %t = add i64 %b, %n
  ret i64 %t
}
define internal void @relax() nounwind alwaysinline {
  call void asm sideeffect "yield", "~{memory}"()
  ret void
}
"""


def ticks(machine: str, microseconds: int) -> int:
    """About how far `@now` goes in that time: 2.5 ticks per ns on x86, ns elsewhere."""
    return microseconds * (2500 if machine == "x86_64" else 1000)


def _emit(prefix: str) -> str:
    machine = platform.machine()
    text = _IR + clock(machine)
    for word, value in {
        "PREFIX": prefix,
        "SYSCALL": _FUTEX[machine],
        "WAIT": _WAIT_PRIVATE,
        "WAKE": _WAKE_PRIVATE,
        "SPIN": ticks(machine, 100),
    }.items():
        text = text.replace(f"${word}", str(value))
    return text


def _emit_serial(prefix: str) -> str:
    return f"""
define void @{prefix}launch(ptr %state, ptr %kernel, ptr %args, i64 %total, i64 %chunk) {{
  call void %kernel(ptr %args, i64 0, i64 %total)
  ret void
}}
"""


_IR = """
declare i64 @syscall(i64, ...)
declare i32 @sched_yield()

; Take chunks, lowest first, until the ticket has none left.
define internal void @work(ptr %state) nounwind {
entry:
  %ticket = getelementptr i8, ptr %state, i64 64
  %completed = getelementptr i8, ptr %state, i64 128
  %p.kernel = getelementptr i8, ptr %state, i64 320
  %p.args = getelementptr i8, ptr %state, i64 328
  %p.total = getelementptr i8, ptr %state, i64 336
  %p.chunk = getelementptr i8, ptr %state, i64 344
  %p.chunks = getelementptr i8, ptr %state, i64 352
  br label %look
look:
  %seen.first = load atomic i64, ptr %ticket acquire, align 8
  br label %try
try:
  %seen = phi i64 [%seen.first, %look], [%seen.again, %take]
  %left = and i64 %seen, 4294967295
  %none = icmp eq i64 %left, 0
  br i1 %none, label %out, label %take
take:
  %less = sub i64 %seen, 1
  %swap = cmpxchg ptr %ticket, i64 %seen, i64 %less acq_rel acquire
  %seen.again = extractvalue {i64, i1} %swap, 0
  %taken = extractvalue {i64, i1} %swap, 1
  br i1 %taken, label %run, label %try
run:
  %kernel = load ptr, ptr %p.kernel
  %args = load ptr, ptr %p.args
  %total = load i64, ptr %p.total
  %chunk = load i64, ptr %p.chunk
  %chunks = load i64, ptr %p.chunks
  %number = sub i64 %chunks, %left
  %begin = mul i64 %number, %chunk
  %past = add i64 %begin, %chunk
  %whole = icmp slt i64 %past, %total
  %end = select i1 %whole, i64 %past, i64 %total
  call void %kernel(ptr %args, i64 %begin, i64 %end)
  %count = atomicrmw add ptr %completed, i64 1 acq_rel
  br label %look
out:
  ret void
}

; The life of a worker thread: wait for a generation other than the last one seen, work.
define void @$PREFIXworker(ptr %state) nounwind {
entry:
  %sleepers = getelementptr i8, ptr %state, i64 256
  br label %rest
rest:
  %last = phi i32 [0, %entry], [%generation, %run]
  %since = call i64 @now()
  br label %spin
spin:
  %now.generation = load atomic i32, ptr %state acquire, align 4
  %changed = icmp ne i32 %now.generation, %last
  br i1 %changed, label %run, label %spin.more
spin.more:
  call void @relax()
  %now = call i64 @now()
  %spent = sub i64 %now, %since
  %again = icmp ult i64 %spent, $SPIN
  br i1 %again, label %spin, label %sleep
sleep:
  ; Either the launcher sees this count, or the futex sees the launcher's generation.
  %before = atomicrmw add ptr %sleepers, i32 1 seq_cst
  %rc = call i64 (i64, ...) @syscall(i64 $SYSCALL, ptr %state, i64 $WAIT, i32 %last, ptr null)
  %after = atomicrmw sub ptr %sleepers, i32 1 seq_cst
  %woken.generation = load atomic i32, ptr %state acquire, align 4
  %woken = icmp ne i32 %woken.generation, %last
  br i1 %woken, label %run, label %sleep
run:
  %generation = phi i32 [%now.generation, %spin], [%woken.generation, %sleep]
  call void @work(ptr %state)
  br label %rest
}

define void @$PREFIXlaunch(ptr %state, ptr %kernel, ptr %args, i64 %total, i64 %chunk) nounwind {
entry:
  %up = add i64 %total, %chunk
  %last = sub i64 %up, 1
  %chunks = sdiv i64 %last, %chunk
  %many = sub i64 %chunks, 2
  %fits = icmp ult i64 %many, 2147483646  ; the half of a ticket
  br i1 %fits, label %ask, label %alone
ask:
  %lock = getelementptr i8, ptr %state, i64 192
  %swap = cmpxchg ptr %lock, i32 0, i32 1 acq_rel acquire
  %ours = extractvalue {i32, i1} %swap, 1
  br i1 %ours, label %publish, label %alone
alone:
  call void %kernel(ptr %args, i64 0, i64 %total)
  ret void
publish:
  %p.kernel = getelementptr i8, ptr %state, i64 320
  store ptr %kernel, ptr %p.kernel
  %p.args = getelementptr i8, ptr %state, i64 328
  store ptr %args, ptr %p.args
  %p.total = getelementptr i8, ptr %state, i64 336
  store i64 %total, ptr %p.total
  %p.chunk = getelementptr i8, ptr %state, i64 344
  store i64 %chunk, ptr %p.chunk
  %p.chunks = getelementptr i8, ptr %state, i64 352
  store i64 %chunks, ptr %p.chunks
  %completed = getelementptr i8, ptr %state, i64 128
  store atomic i64 0, ptr %completed release, align 8
  %old = load i32, ptr %state
  %generation = add i32 %old, 1
  %wide = zext i32 %generation to i64
  %high = shl i64 %wide, 32
  %full = or i64 %high, %chunks
  %ticket = getelementptr i8, ptr %state, i64 64
  store atomic i64 %full, ptr %ticket seq_cst, align 8
  store atomic i32 %generation, ptr %state seq_cst, align 4
  %p.sleepers = getelementptr i8, ptr %state, i64 256
  %sleepers = load atomic i32, ptr %p.sleepers seq_cst, align 4
  %any = icmp sgt i32 %sleepers, 0
  br i1 %any, label %wake, label %share
wake:
  ; One worker less than chunks: the caller takes one itself.
  %wanted = sub i64 %chunks, 1
  %rc = call i64 (i64, ...) @syscall(i64 $SYSCALL, ptr %state, i64 $WAKE, i64 %wanted)
  br label %share
share:
  call void @work(ptr %state)
  br label %join
join:
  %turn = phi i64 [0, %share], [%next, %join.on]
  %done = load atomic i64, ptr %completed acquire, align 8
  %all = icmp eq i64 %done, %chunks
  br i1 %all, label %finish, label %join.more
join.more:
  call void @relax()
  %next = add i64 %turn, 1
  %low = and i64 %next, 1023
  %long = icmp eq i64 %low, 0
  br i1 %long, label %yield, label %join.on
yield:
  ; The worker that holds the last chunk may be waiting for this core.
  %ignored = call i32 @sched_yield()
  br label %join.on
join.on:
  br label %join
finish:
  store atomic i32 0, ptr %lock release, align 4
  ret void
}
"""
