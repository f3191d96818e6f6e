"""Small kernels in LLVM IR for the tests of the runtime, in the argument block of `kernels/abi.py`.

count   operands out: adds i to out[i] (int64) for each unit i
refuse  operands x: reports each unit i with x[i] < 0 (int64)
copy    operands x, y: y[i] = x[i] (float32)
sleep   operands -: sleeps a millisecond per unit
below   operands counter, limit, flag: counter += 1, the byte flag = counter < limit
nest    operands launch, state, kernel, args, total, chunk: launches that within a kernel
"""

from __future__ import annotations

import numpy as np

from numflow.kernels import abi, engine
from numflow.runtime import entry, executor
from numflow.runtime.entry import CallRecord, InputGuard
from numflow.runtime.executor import IntArray

NAMES = ("count", "refuse", "copy", "sleep", "below", "nest", "empty")


class Tensor:
    """Stands for an eager tensor: an array in a slot."""

    __slots__ = ("__weakref__", "_array", "other")

    def __init__(self, array: object) -> None:
        self._array = array


def addresses() -> dict[str, int]:
    """The kernels, compiled."""
    return engine.functions("runtime samples 2", _emit, NAMES)


def block(context: int, *operands: int, node: int = 0) -> IntArray:
    """An argument block with those operands."""
    words: IntArray = np.zeros(abi.HEADER + len(operands), np.int64)
    words[abi.CONTEXT], words[abi.NODE] = context, node
    words[abi.HEADER :] = operands
    return words


def copying(shape: tuple[int, ...], long: bool = False) -> CallRecord:
    """A program y = x of two arguments."""
    context = entry.new_context()
    args = block(context.ctypes.data, 0, 0)
    units = int(np.prod(shape))
    return entry.make_call(
        [executor.kernel(addresses()["copy"], args, units, max(1, units // 3))],
        [InputGuard(shape, np.dtype(np.float32), [(args, abi.HEADER + i)]) for i in range(2)],
        context=context,
        long=long,
        first_write=1,
    )


def _operand(name: str, kind: str, index: int) -> str:
    word = abi.HEADER + index
    return f"""
  %p.{name} = getelementptr i64, ptr %args, i64 {word}
  %{name} = load {kind}, ptr %p.{name}"""


def _loop(body: str) -> str:
    return f"""
  br label %next
next:
  %i = phi i64 [%begin, %entry], [%i1, %on]
  %more = icmp slt i64 %i, %end
  br i1 %more, label %do, label %out
do:
{body}
  br label %on
on:
  %i1 = add i64 %i, 1
  br label %next
out:
  ret void
}}
"""


def _emit(prefix: str) -> str:
    def head(name: str) -> str:
        return f"define void @{prefix}{name}(ptr %args, i64 %begin, i64 %end) nounwind {{\nentry:"

    count = """
  %at = getelementptr i64, ptr %out.array, i64 %i
  %old = load i64, ptr %at
  %new = add i64 %old, %i
  store i64 %new, ptr %at"""
    refuse = """
  %at = getelementptr i64, ptr %x, i64 %i
  %value = load i64, ptr %at
  %negative = icmp slt i64 %value, 0
  br i1 %negative, label %report, label %on
report:
  %context = load ptr, ptr %args
  %p.node = getelementptr i64, ptr %args, i64 3
  %node = load i64, ptr %p.node
  %high = shl i64 %node, 40
  %record = or i64 %high, %i
  %old = atomicrmw min ptr %context, i64 %record monotonic"""
    copy = """
  %from = getelementptr float, ptr %x, i64 %i
  %value = load float, ptr %from
  %to = getelementptr float, ptr %y, i64 %i
  store float %value, ptr %to"""
    sleep = "  %ignored = call i32 @usleep(i32 1000)"
    below = """
  %old = load i64, ptr %counter
  %new = add i64 %old, 1
  store i64 %new, ptr %counter
  %again = icmp slt i64 %new, %limit
  %byte = zext i1 %again to i8
  store i8 %byte, ptr %flag
  ret void
}
"""
    nest = """
  call void %launch(ptr %state, ptr %kernel, ptr %inner, i64 %total, i64 %chunk)
  ret void
}
"""
    return "".join(
        (
            "declare i32 @usleep(i32)\n",
            head("count") + _operand("out.array", "ptr", 0) + _loop(count),
            head("refuse") + _operand("x", "ptr", 0) + _loop(refuse),
            head("copy") + _operand("x", "ptr", 0) + _operand("y", "ptr", 1) + _loop(copy),
            head("sleep") + _loop(sleep),
            head("below")
            + _operand("counter", "ptr", 0)
            + _operand("limit", "i64", 1)
            + _operand("flag", "ptr", 2)
            + below,
            head("nest")
            + _operand("launch", "ptr", 0)
            + _operand("state", "ptr", 1)
            + _operand("kernel", "ptr", 2)
            + _operand("inner", "ptr", 3)
            + _operand("total", "i64", 4)
            + _operand("chunk", "i64", 5)
            + nest,
            head("empty") + "\n  ret void\n}\n",
        )
    )
