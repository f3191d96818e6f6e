"""The compiled loop that runs a program: calls kernels by address, one instruction after another.

A *program image* is a row of instructions of eight int64 words (one cache line) each:

    word   kernel                       jump if zero             jump                  choose
    0      KERNEL                       JUMP_IF_ZERO             JUMP                  CHOOSE
    1      address of the kernel        address of a byte        -                     -
    2      address of its arguments     or of a word, the        -                     its table
                                        address of the byte
    3      units in all                 -                        -                     -
    4      units per chunk              -                        -                     -
    5      -                            index of the target      index of the target   -
    6, 7   -

The table of CHOOSE: address of an int32 number, how many targets there are, and their indices; a
number that is none of theirs means the last.

A kernel of no more units than its chunk is called at once, another goes through the parallel driver
(`pool.py`). Jumps let loops and branches run without returning to Python; the index after the last
instruction ends the program.

Refusals and interrupts stop a program only before its *first writing instruction*, so that a step
completes or leaves every variable as it was. The index is in program order: a loop that contains a
write counts as writing from its first instruction on. A refusal later on is reported at the end.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from numflow.kernels import abi
from numflow.kernels.records import record
from numflow.runtime import arena, pool

IntArray = np.ndarray[Any, np.dtype[np.int64]]

KERNEL: Final = 0
JUMP_IF_ZERO: Final = 1
JUMP: Final = 2
CHOOSE: Final = 3

DONE: Final = 0
REFUSED: Final = 1
BUSY: Final = 2
CANCELLED: Final = 3
SHARED: Final = 4
"""What a run may end with; CANCELLED comes with a Python exception set, SHARED before it began."""

POLL_MICROSECONDS: Final = 20_000
"""How long a program runs before it looks for signals (Ctrl-C) again."""


@record
class Instruction:
    """One step of a program; made by `kernel`, `jump_if_zero` and `jump`."""

    operation: int
    address: int
    args: IntArray | None
    total: int
    chunk: int
    target: int


def kernel(address: int, args: IntArray, total: int, chunk: int) -> Instruction:
    """Call the kernel at address on the units 0..total, in pieces if they are more than chunk."""
    if chunk < 1:
        raise ValueError(f"kernel: a chunk has at least one unit. Received: {chunk}")
    return Instruction(KERNEL, address, args, total, chunk, 0)


def jump_if_zero(byte: int, target: int) -> Instruction:
    """Go on with instruction number target if the byte at this address is zero."""
    return Instruction(JUMP_IF_ZERO, byte, None, 0, 0, target)


def jump_if_false(slot: IntArray, target: int) -> Instruction:
    """Go on with instruction number target if the byte whose address is in slot[0] is zero."""
    return Instruction(JUMP_IF_ZERO, 0, slot, 0, 0, target)


def choose(table: IntArray) -> Instruction:
    """Go on where the table says."""
    return Instruction(CHOOSE, 0, table, 0, 0, 0)


def jump(target: int) -> Instruction:
    """Go on with instruction number target."""
    return Instruction(JUMP, 0, None, 0, 0, target)


def image(instructions: Sequence[Instruction], address_of: Callable[[IntArray], int]) -> IntArray:
    """The words of a program; address_of(array) is the address of its data."""
    words: list[int] = []
    for step in instructions:
        args = 0 if step.args is None else address_of(step.args)
        words += [step.operation, step.address, args, step.total, step.chunk, step.target, 0, 0]
    memory: IntArray = arena.aligned_array((len(words),), np.int64)
    memory[:] = words
    return memory


def execute_ir() -> str:
    """IR of `i64 @execute(record)`, internal to the module of the native entry (`entry.py`).

    Words of the record: 1 image, 2 count, 3 index of the first write, 4 context, 5 address of the
    pool's launch, 6 its state, 7 long (1: the GIL is free, and signals are looked for).
    """
    machine = platform.machine()
    text = pool.clock(machine) + _IR
    for word, value in {
        "NO_ERROR": abi.NO_ERROR,
        "POLL": pool.ticks(machine, POLL_MICROSECONDS),
        "REFUSED": REFUSED,
        "CANCELLED": CANCELLED,
    }.items():
        text = text.replace(f"${word}", str(value))
    return text


_IR = """
declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare i32 @PyErr_CheckSignals()

; Few values live across the calls of kernels, so that they stay in registers: what the rare ways
; need is loaded there.
define internal i64 @execute(ptr %record) nounwind {
entry:
  %since = alloca i64
  %turns = alloca i64
  store i64 0, ptr %turns
  %p.image = getelementptr i64, ptr %record, i64 1
  %image = load ptr, ptr %p.image
  %p.count = getelementptr i64, ptr %record, i64 2
  %count = load i64, ptr %p.count
  %words = shl i64 %count, 3
  %end = getelementptr i64, ptr %image, i64 %words
  %p.context = getelementptr i64, ptr %record, i64 4
  %context = load ptr, ptr %p.context
  %p.long = getelementptr i64, ptr %record, i64 7
  store atomic i64 $NO_ERROR, ptr %context monotonic, align 8
  %long.word = load i64, ptr %p.long
  %long = icmp ne i64 %long.word, 0
  br i1 %long, label %start, label %loop
start:
  %started = call i64 @now()
  store i64 %started, ptr %since
  br label %loop

loop:
  %at = phi ptr [%image, %entry], [%image, %start], [%next, %on], [%next, %count.turn],
                    [%next, %clock], [%next, %polled]
  %more = icmp ult ptr %at, %end
  br i1 %more, label %step, label %finish, !prof !0
step:
  %operation = load i64, ptr %at
  %p.address = getelementptr i64, ptr %at, i64 1
  %address = load ptr, ptr %p.address
  %is.kernel = icmp eq i64 %operation, 0
  br i1 %is.kernel, label %kernel, label %jump, !prof !0
kernel:
  %p.args = getelementptr i64, ptr %at, i64 2
  %args = load ptr, ptr %p.args
  %p.total = getelementptr i64, ptr %at, i64 3
  %total = load i64, ptr %p.total
  %p.chunk = getelementptr i64, ptr %at, i64 4
  %chunk = load i64, ptr %p.chunk
  %small = icmp sle i64 %total, %chunk
  br i1 %small, label %alone, label %parallel, !prof !0
alone:
  call void %address(ptr %args, i64 0, i64 %total)
  br label %called
called:
  %following = getelementptr i64, ptr %at, i64 8
  %error = load atomic i64, ptr %context monotonic, align 8
  %fine = icmp eq i64 %error, $NO_ERROR
  br i1 %fine, label %on, label %refused, !prof !0
on:
  %next = phi ptr [%following, %called], [%following, %refused], [%target, %jump],
                    [%chosen, %test.byte], [%goal, %choose]
  %timed.word = load i64, ptr %p.long
  %untimed = icmp eq i64 %timed.word, 0
  br i1 %untimed, label %loop, label %count.turn, !prof !0

parallel:
  %p.launch = getelementptr i64, ptr %record, i64 5
  %launch = load ptr, ptr %p.launch
  %p.pool = getelementptr i64, ptr %record, i64 6
  %pool = load ptr, ptr %p.pool
  call void %launch(ptr %pool, ptr %address, ptr %args, i64 %total, i64 %chunk)
  store i64 -1, ptr %turns
  br label %called
refused:
  %at.harmless = call i1 @before_write(ptr %record, ptr %at)
  br i1 %at.harmless, label %refuse, label %on
jump:
  %after.jump = getelementptr i64, ptr %at, i64 8
  %p.target = getelementptr i64, ptr %at, i64 5
  %number = load i64, ptr %p.target
  %distance = shl i64 %number, 3
  %target = getelementptr i64, ptr %image, i64 %distance
  switch i64 %operation, label %on [i64 1, label %test
                                    i64 3, label %choose]
test:
  %p.slot = getelementptr i64, ptr %at, i64 2
  %slot = load ptr, ptr %p.slot
  %direct = icmp eq ptr %slot, null
  br i1 %direct, label %test.byte, label %through
through:
  %patched = load ptr, ptr %slot
  br label %test.byte
test.byte:
  %where = phi ptr [%address, %test], [%patched, %through]
  %byte = load i8, ptr %where
  %zero = icmp eq i8 %byte, 0
  %chosen = select i1 %zero, ptr %target, ptr %after.jump
  br label %on
choose:
  %p.table = getelementptr i64, ptr %at, i64 2
  %table = load ptr, ptr %p.table
  %p.wanted = load ptr, ptr %table
  %wanted32 = load i32, ptr %p.wanted
  %wanted = sext i32 %wanted32 to i64
  %p.targets = getelementptr i64, ptr %table, i64 1
  %targets = load i64, ptr %p.targets
  %among = icmp ult i64 %wanted, %targets
  %last = sub i64 %targets, 1
  %taken = select i1 %among, i64 %wanted, i64 %last
  %word = add i64 %taken, 2
  %p.goal = getelementptr i64, ptr %table, i64 %word
  %goal.number = load i64, ptr %p.goal
  %goal.words = shl i64 %goal.number, 3
  %goal = getelementptr i64, ptr %image, i64 %goal.words
  br label %on
count.turn:
  ; Reading the clock costs as much as five instructions: every fourth time, and after launches.
  %turn = load i64, ptr %turns
  %turn1 = add i64 %turn, 1
  store i64 %turn1, ptr %turns
  %low = and i64 %turn1, 3
  %look = icmp eq i64 %low, 0
  br i1 %look, label %clock, label %loop
clock:
  %now = call i64 @now()
  %before = load i64, ptr %since
  %spent = sub i64 %now, %before
  %due = icmp ugt i64 %spent, $POLL
  br i1 %due, label %poll, label %loop
poll:
  %next.harmless = call i1 @before_write(ptr %record, ptr %next)
  br i1 %next.harmless, label %ask, label %polled
ask:
  %gil = call i32 @PyGILState_Ensure()
  %signal = call i32 @PyErr_CheckSignals()
  call void @PyGILState_Release(i32 %gil)
  %interrupted = icmp slt i32 %signal, 0
  br i1 %interrupted, label %cancel, label %polled
polled:
  %poll.end = call i64 @now()
  store i64 %poll.end, ptr %since
  br label %loop

finish:
  %last.error = load atomic i64, ptr %context monotonic, align 8
  %any = icmp ne i64 %last.error, $NO_ERROR
  %status = select i1 %any, i64 $REFUSED, i64 0
  ret i64 %status
refuse:
  ret i64 $REFUSED
cancel:
  ret i64 $CANCELLED
}

; Is this instruction before the first that writes a variable?
define internal i1 @before_write(ptr %record, ptr %at) nounwind {
  %p.image = getelementptr i64, ptr %record, i64 1
  %image = load ptr, ptr %p.image
  %p.write = getelementptr i64, ptr %record, i64 3
  %write = load i64, ptr %p.write
  %words = shl i64 %write, 3
  %frontier = getelementptr i64, ptr %image, i64 %words
  %harmless = icmp ult ptr %at, %frontier
  ret i1 %harmless
}

!0 = !{!"branch_weights", i32 1000, i32 1}
"""
