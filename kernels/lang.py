"""A small compiler: functions in a subset of Python -> LLVM IR text, in milliseconds.

Library kernels that a dense step needs at once (the loops around the GEMM tiles, gather,
scatter...) do not wait for Numba: they are plain Python functions, which Python itself never runs.

    def double(args: int, begin: int, end: int) -> None:
        x = word(args, HEADER)
        for i in range(begin, end):
            store_f32(x + i * 4, load_f32(x + i * 4) * 2.0)

    address = addresses(double)["double"]

The subset:

types       int (an i64, and every address), F32, F64, Elem (the element type that the module is
            compiled for), Vec (a vector of Elem), Mask, bool. A variable has one type for ever,
            that of its first value. Parameters and result are annotated, with annotations
            imported from the future.
statements  assignment (tuples too), +=, if, while, for in range, break, continue, return, calls.
operators   on int + - * // % & | ^ << >> as Python has them (rounded down; the divisor must not be
            0), wrapping at 64 bits; on floating values + - * /; comparisons; and, or (the second
            operand is evaluated only if needed), not; x if c else y (x and y are both evaluated).
names       locals; module-level ints and int attributes of classes, as constants; ES, VL, VB: bytes
            of an element, elements and bytes of a vector; intrinsics (intrinsics*.py); other
            functions of the subset, which are compiled along.

There is no bounds check: what a kernel reads has been checked by the plan, or is checked by the
kernel itself, which calls refuse(args, index). Locals become stack slots, of which the pass "sroa"
makes SSA values; a local must be assigned to on every way to its use.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from numflow.kernels import engine
from numflow.kernels.digest import digest
from numflow.kernels.engine import Target
from numflow.kernels.ir import Module, Vectors
from numflow.kernels.records import NamedTuple
from numflow.kernels.sources import digest_of

Function = Callable[..., Any]
_F = TypeVar("_F", bound=Function)


class Value(NamedTuple):
    """A value of compiled code: its LLVM type and its name. A float literal has no type yet: ""."""

    kind: str
    name: str


class LangError(Exception):
    """The source is outside the subset. The message names file and line."""


def intrinsic(emit: Callable[..., Value | None]) -> Callable[[_F], _F]:
    """Mark a function whose call becomes the code that emit(compiler, *values) writes.

    The Python function is the documentation and the types; its body never runs.
    """

    def mark(f: _F) -> _F:
        f.__dict__["emit"] = emit
        return f

    return mark


def inline(f: _F) -> _F:
    """Mark a function of the subset whose body replaces every call: for small ones in hot loops."""
    f.__dict__["inline"] = True
    return f


def raw(emit: Callable[[Module, str], str]) -> Callable[[_F], _F]:
    """Mark a function whose whole definition is the IR text emit(module, name)."""

    def mark(f: _F) -> _F:
        f.__dict__["raw"] = emit
        return f

    return mark


# --- compiling ---------------------------------------------------------------


def emit_module(entries: Sequence[Function], prefix: str, vectors: Vectors) -> str:
    """IR text of the functions and all that they call; entries are exported as prefix + name."""
    from numflow.kernels.lang_compiler import Compiler  # what is in the cache needs none

    module = Module(vectors)
    symbols = {f: prefix + f.__name__ for f in entries}
    pending, seen = list(entries), set(entries)
    while pending:
        f = pending.pop()
        symbol = symbols.setdefault(f, f"{prefix}{f.__module__}.{f.__name__}")
        if "raw" in f.__dict__:
            module.functions.append(f.__dict__["raw"](module, symbol))
            continue
        compiler = Compiler(module, f, prefix, symbols)
        module.functions.append(compiler.definition(symbol, exported=f in entries))
        for callee in compiler.callees:
            if callee not in seen:
                seen.add(callee)
                pending.append(callee)
    return module.text()


def addresses(
    *entries: Function,
    dtype: str = "float32",
    target: Target | None = None,
    using: tuple[str, ...] = (),
) -> dict[str, int]:
    """Addresses of compiled entries by name, through the engine's cache.

    dtype is the type of Elem and decides Vec; kernels that use neither are compiled once, for the
    default. All entries are of one file; what they call is there, in kernels/cpu, or in the files
    of kernels/ that `using` names.
    """
    target = target or Target.host()
    names = [f.__name__ for f in entries]
    return engine.functions(
        f"lang {sources(entries[0].__code__.co_filename, using)} {entries[0].__module__} {dtype}",
        lambda prefix: emit_module(entries, prefix, Vectors(dtype, target)),
        names,
        target,
        passes="always_inliner,sroa",
    )


@functools.cache
def sources(file: str = __file__, using: tuple[str, ...] = ()) -> str:
    """Digest of every source that decides what is emitted: the cache forgets an edited kernel.

    The emitters, all of kernels/cpu and the kernel's own file.
    """
    folder = os.path.dirname(__file__)
    more = {os.path.join(folder, f"{name}.py") for name in using}
    if file != __file__ and os.path.dirname(file) != os.path.join(folder, "cpu"):
        more.add(file)
    return digest(_common() + (digest_of(more) if more else b"")).hex()[:32]


@functools.cache
def _common() -> bytes:
    folder = os.path.dirname(__file__)
    cpu = os.path.join(folder, "cpu")
    files = [os.path.join(cpu, name) for name in os.listdir(cpu) if name.endswith(".py")]
    return digest_of([*files, *(os.path.join(folder, f"{name}.py") for name in _EMITTERS)])


_EMITTERS = ("abi", "intrinsics", "intrinsics_numbers", "ir", "lang", "lang_compiler", "tiles")
