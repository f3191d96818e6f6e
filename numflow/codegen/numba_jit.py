"""Compiles what source.py prints. Imports Numba at the first use only.

`compile_source` gives the executor an entry with the ABI of every kernel; `parallel` a function for
people, cut into chunks by prange. Numba's threading layers do not stand two launches at once, so
there is one lock around them.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from numflow.codegen.pytext import function_source
from numflow.codegen.source import Source, body_source, parallel_source, spelled
from numflow.graph.loops import Loop, Operand
from numflow.kernels import abi
from numflow.kernels.builder import HALVES, ITEMSIZE

_lock = threading.Lock()
_entries: dict[str, Any] = {}  # entry objects are kept: their code lives as long as they do


def compile_source(loop: Loop) -> int:
    """Address of `void k(int64 *args, int64 begin, int64 end)`, compiled by Numba."""
    key = str(loop)
    with _lock:
        if key not in _entries:
            from numba import cfunc, types

            source = body_source(loop)
            names = {**_names(), "body": _compiled(loop, source)}
            exec(_entry_source(loop, source), names)
            signature = types.void(types.CPointer(types.int64), types.int64, types.int64)
            _entries[key] = cfunc(signature, nopython=True, error_model="numpy")(names["entry"])
        return int(_entries[key].address)


def parallel(loop: Loop) -> Callable[..., None]:
    """The function of `parallel_source`, called with the parameters it shows."""
    names = {**_names(), loop.name: _compiled(loop, body_source(loop))}
    exec(parallel_source(loop), names)
    compiled: Any = names[loop.name + "_parallel"]

    @functools.wraps(compiled)
    def launch(*args: Any) -> None:
        with _lock:
            compiled(*args)

    return launch


def _compiled(loop: Loop, source: Source) -> Any:
    """The function as Numba's dispatcher, with what it calls."""
    names = dict(_names())
    called, done = set(source.called), set[tuple[str, str]]()
    while called - done:
        op, dtype = min(called - done)
        done.add((op, dtype))
        text, more = function_source(op, dtype)
        exec(text, names)
        called |= more
    exec(source.text.replace("@njit(nogil=True)", "@kernel"), names)
    return names[loop.name]


def _entry_source(loop: Loop, source: Source) -> str:
    """The entry.

    Words of args -> arrays with just the axes that an operand does not broadcast over.
    """
    lines = ["def entry(args, begin, end):"]
    at = {name: f"args[{abi.HEADER + k}]" for k, name in enumerate(loop.slots())}
    operands = {spelled(o.name): o for o in loop.operands}
    far = 1 << 40  # axes whose size no index needs
    for name in source.parameters:
        if name == "context":
            text = f"view(args[{abi.CONTEXT}], i64, ({abi.CONTEXT_WORDS},), (8,))"
        elif name == "node":
            text = f"args[{abi.NODE}]"
        elif name in ("table", "chunks"):
            wide = len(loop.pieces()) + 1 if name == "table" else 2
            text = f"view({at[name]}, i64, ({far}, {wide}), ({8 * wide}, 8))"
        elif name in operands:
            shape, strides = _steps(loop, operands[name], at)
            memory = "u16" if operands[name].dtype in HALVES else operands[name].dtype
            text = f"view({at[operands[name].name]}, {memory}, {shape}, {strides})"
        else:
            text = at[name]
        lines.append(f"    {name} = {text}")
    lines.append(f"    body({', '.join([*source.parameters, 'begin', 'end'])})")
    return "\n".join(lines) + "\n"


def _steps(loop: Loop, o: Operand, at: dict[str, str]) -> tuple[str, str]:
    """Shape and strides in bytes, as text, of the array that the function indexes."""
    size = ITEMSIZE[o.dtype]
    axes = [(k, a) for k, a in enumerate(o.access) if a != "-"]
    if o.name in loop.partials():  # [blocks(, cols)]: the first stride is that of blocks
        axes = [*axes[:1], *axes[-1:]] if len(axes) > 1 else axes
    steps = [f"{at[f'{o.name}.stride{k}']} * {size}" if a == "s" else str(size) for k, a in axes]
    steps = steps or [str(size)]
    far = ", ".join([str(1 << 40)] * len(steps))
    return f"({far},)", f"({', '.join(steps)},)"


@functools.cache
def _names() -> dict[str, Any]:
    """What the printed text refers to: dtypes, primitives as intrinsics."""
    import math as libm

    import numpy as np
    from llvmlite import ir
    from numba import carray, get_num_threads, njit, prange, types
    from numba.extending import intrinsic
    from numpy.lib.stride_tricks import as_strided

    def primitive(name: str, count: int) -> Any:
        """LLVM's intrinsic of that name, all arguments of the type of its result."""

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            t = context.get_value_type(signature.return_type)
            kind = ir.FunctionType(t, [t] * count)
            function = builder.module.declare_intrinsic(f"llvm.{name}", [t], kind)
            return builder.call(function, values)

        if count == 1:
            return intrinsic(lambda context, x: (x(x), generate))
        if count == 2:
            return intrinsic(lambda context, x, y: (x(x, x), generate))
        return intrinsic(lambda context, x, y, z: (x(x, x, x), generate))

    def bitcast(kinds: dict[Any, Any]) -> Any:
        def type_of(context: Any, x: Any) -> Any:
            to = kinds[x]

            def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
                return builder.bitcast(values[0], context.get_value_type(to))

            return to(x), generate

        return intrinsic(type_of)

    @intrinsic  # type: ignore[untyped-decorator]
    def pointer(context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return builder.inttoptr(values[0], context.get_value_type(types.voidptr))

        return types.voidptr(types.int64), generate

    @intrinsic  # type: ignore[untyped-decorator]
    def atomic_min(context: Any, address: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            where = builder.inttoptr(values[0], ir.IntType(64).as_pointer())
            return builder.atomic_rmw("min", where, values[1], "monotonic")

        return types.int64(types.int64, types.int64), generate

    # scalar.py says itself where it wants a fused multiply-add
    function = njit(error_model="numpy")
    kernel = njit(nogil=True, error_model="numpy", fastmath={"contract"})

    @function  # type: ignore[untyped-decorator]
    def view(address: int, dtype: Any, shape: Any, strides: Any) -> Any:
        return as_strided(carray(pointer(address), (1,), dtype), shape, strides)

    @function  # type: ignore[untyped-decorator]
    def piece(address: int, length: int, dtype: Any) -> Any:
        return carray(pointer(address), (length,), dtype)

    @function  # type: ignore[untyped-decorator]
    def refuse(context: Any, node: int, index: int) -> None:
        atomic_min(context.ctypes.data, (node << 40) | index)

    @function  # type: ignore[untyped-decorator]
    def larger(x: Any, y: Any) -> Any:
        return x if x > y else y

    @function  # type: ignore[untyped-decorator]
    def smaller(x: Any, y: Any) -> Any:
        return x if x < y else y

    @function  # type: ignore[untyped-decorator]
    def maximum(x: Any, y: Any) -> Any:
        return x if x != x or x > y else y

    @function  # type: ignore[untyped-decorator]
    def minimum(x: Any, y: Any) -> Any:
        return x if x != x or x < y else y

    @function  # type: ignore[untyped-decorator]
    def truncated_quotient(x: int, y: int) -> int:
        if y == 0:
            return x - x
        if y == -1:
            return -x
        q = x // y
        return q + 1 if q * y != x and (x < 0) != (y < 0) else q

    @function  # type: ignore[untyped-decorator]
    def truncated_remainder(x: int, y: int) -> int:
        return x - x if y == 0 else x - truncated_quotient(x, y) * y

    @function  # type: ignore[untyped-decorator]
    def whole_quotient(x: int, y: int) -> int:
        return x - x if y == 0 else x // y

    @function  # type: ignore[untyped-decorator]
    def whole_remainder(x: int, y: int) -> int:
        return x - x if y == 0 else x % y

    @function  # type: ignore[untyped-decorator]
    def mulhi(x: int, y: int) -> Any:
        return np.uint32((np.uint64(x) * np.uint64(y)) >> np.uint64(32))

    f32, f64, i32, i64, u32, u64 = (
        types.float32,
        types.float64,
        types.int32,
        types.int64,
        types.uint32,
        types.uint64,
    )
    dtypes = {
        f"{n[0]}{b}": getattr(np, f"{n}{b}") for n in ("int", "uint") for b in (8, 16, 32, 64)
    }
    dtypes |= {"f32": np.float32, "f64": np.float64, "b1": np.bool_}
    return {
        **dtypes,
        **{"njit": njit, "prange": prange, "get_num_threads": get_num_threads, "libm": libm},
        **{"function": function, "kernel": kernel, "view": view, "piece": piece, "refuse": refuse},
        **{"larger": larger, "smaller": smaller, "maximum": maximum, "minimum": minimum},
        **{"truncated_quotient": truncated_quotient, "truncated_remainder": truncated_remainder},
        **{"whole_quotient": whole_quotient, "whole_remainder": whole_remainder, "mulhi": mulhi},
        **{"fma": primitive("fma", 3), "rint": primitive("rint", 1)},
        **{"floor": primitive("floor", 1), "ceil": primitive("ceil", 1)},
        **{"trunc": primitive("trunc", 1), "sqrt": primitive("sqrt", 1)},
        **{"copysign": primitive("copysign", 2), "fmod": np.fmod, "INF": np.inf, "NAN": np.nan},
        "bits": bitcast({f32: i32, f64: i64}),
        "from_bits": bitcast({i32: f32, u32: f32, i64: f64, u64: f64}),
    }
