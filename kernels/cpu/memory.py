"""What kernels say to the memory: which lines they will read, and what is not read again soon.

A plain store reads the line that it overwrites; one past the caches does not, and pushes nothing
out of them: a third less traffic of what is read once and written once. It pays for results that
the caches would not hold until they are read, and for whole lines only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numflow.kernels.intrinsics import Vec, compiled_only
from numflow.kernels.lang import Value, intrinsic

if TYPE_CHECKING:
    from numflow.kernels.lang_compiler import Compiler

LINE = 64
"""Bytes."""
PAST = 1 << 24
"""Bytes of a result from which it is written past the caches: half of a large one."""


FETCHED = 1 << 21
"""Bytes of an operand from which its lines are asked for ahead: no core's own cache holds it."""


def goes_past(nbytes: int, step: int) -> bool:
    """Whether a result of so many bytes, written `step` bytes at a time, goes past the caches if it
    begins with a line."""
    return nbytes >= PAST and step % LINE == 0


def _ahead(c: Compiler, p: Value) -> None:
    c.b.prefetch(c.b.pointer(p.name))


@intrinsic(_ahead)
def ahead(p: int) -> None:
    """Ask for the cache line at p; never faults."""
    compiled_only()


def _store_past(c: Compiler, p: Value, x: Value) -> None:
    c.module.declare("!0", "!0 = !{i32 1}")
    align = c.vectors.target.vbytes
    pointer = c.b.pointer(p.name)
    c.b.do(f"store {x.kind} {x.name}, ptr {pointer}, align {align}, !nontemporal !0")


@intrinsic(_store_past)
def store_past(p: int, x: Vec) -> None:
    """Store a vector past the caches; p is aligned to its size. `fence` before others read it."""
    compiled_only()


def _fence(c: Compiler) -> None:
    if c.vectors.target.triple.startswith("x86_64"):
        name = "llvm.x86.sse.sfence"
        c.module.declare(name, f"declare void @{name}()")
        c.b.do(f"call void @{name}()")


@intrinsic(_fence)
def fence() -> None:
    """Whoever is told that this is done sees what was stored past the caches."""
    compiled_only()


def fetch(p: int, rows: int, row_bytes: int, nbytes: int) -> None:
    """Ask for the first bytes of some rows: what the machine fetches by itself ends with a page."""
    for _ in range(rows):
        for i in range(0, nbytes, LINE):
            ahead(p + i)
        p += row_bytes
