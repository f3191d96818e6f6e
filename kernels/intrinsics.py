"""What a kernel in lang.py's subset of Python may call: memory, vectors, refusal, other kernels.

The Python functions never run: each stands under the code that its call becomes, and is there for
its name, its types and its line of documentation. Addresses are ints, in bytes; loads and stores
ask for the alignment of one element only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, Self

from numflow.kernels import abi
from numflow.kernels.lang import Value, intrinsic

if TYPE_CHECKING:
    from numflow.kernels.lang_compiler import Compiler

ES: int = 0
"""Bytes of an element. ES, VL and VB get their values when a kernel is compiled."""
VL: int = 0
"""Elements of a vector."""
VB: int = 0
"""Bytes of a vector."""

_INDEX_BITS = abi.error_record(1, 0).bit_length() - 1


def compiled_only() -> NoReturn:
    """The body of an intrinsic."""
    raise RuntimeError("kernels of lang.py run compiled only")


class _Number:
    """The arithmetic of floating numbers and vectors, for type checkers."""

    def __add__(self, other: Self | float) -> Self:
        compiled_only()

    def __sub__(self, other: Self | float) -> Self:
        compiled_only()

    def __mul__(self, other: Self | float) -> Self:
        compiled_only()

    def __truediv__(self, other: Self | float) -> Self:
        compiled_only()

    def __radd__(self, other: float) -> Self:
        compiled_only()

    def __rsub__(self, other: float) -> Self:
        compiled_only()

    def __rmul__(self, other: float) -> Self:
        compiled_only()

    def __rtruediv__(self, other: float) -> Self:
        compiled_only()

    def __neg__(self) -> Self:
        compiled_only()


class _Scalar(_Number):
    def __lt__(self, other: Self | float) -> bool:
        compiled_only()

    def __gt__(self, other: Self | float) -> bool:
        compiled_only()

    def __le__(self, other: Self | float) -> bool:
        compiled_only()

    def __ge__(self, other: Self | float) -> bool:
        compiled_only()


class F32(_Scalar):
    """A float32."""


class F64(_Scalar):
    """A float64."""


class Elem(_Scalar):
    """A number of the type that the module is compiled for."""


class Vec(_Number):
    """VL numbers of that type."""


class Mask:
    """Which lanes of a Vec live."""


# --- memory ------------------------------------------------------------------


def _loads(kind: str, bytes_: int, extend: str = "") -> Callable[[Compiler, Value], Value]:
    """Load a `kind`; an integer is extended to int."""

    def emit(c: Compiler, p: Value) -> Value:
        x = c.b(f"load {kind}, ptr {c.b.pointer(p.name)}, align {bytes_}")
        return Value("i64", c.b(f"{extend} {kind} {x} to i64")) if extend else Value(kind, x)

    return emit


def _stores(kind: str, bytes_: int) -> Callable[[Compiler, Value, Value], None]:
    """Store a `kind`; of an int, its low bits."""

    def emit(c: Compiler, p: Value, x: Value) -> None:
        narrow = x.kind == "i64" and kind != "i64"
        name = c.b(f"trunc i64 {x.name} to {kind}") if narrow else x.name
        c.b.do(f"store {kind} {name}, ptr {c.b.pointer(p.name)}, align {bytes_}")

    return emit


@intrinsic(_loads("i64", 8))
def load_i64(p: int) -> int:
    """The 64-bit integer at p."""
    compiled_only()


@intrinsic(_loads("i32", 4, "sext"))
def load_i32(p: int) -> int:
    """The 32-bit integer at p, with its sign."""
    compiled_only()


@intrinsic(_loads("i8", 1, "zext"))
def load_u8(p: int) -> int:
    """The byte at p."""
    compiled_only()


@intrinsic(_loads("float", 4))
def load_f32(p: int) -> F32:
    """The float32 at p."""
    compiled_only()


@intrinsic(_loads("double", 8))
def load_f64(p: int) -> F64:
    """The float64 at p."""
    compiled_only()


@intrinsic(_stores("i64", 8))
def store_i64(p: int, x: int) -> None:
    """Store 64 bits."""
    compiled_only()


@intrinsic(_stores("i32", 4))
def store_i32(p: int, x: int) -> None:
    """Store the low 32 bits."""
    compiled_only()


@intrinsic(_stores("i8", 1))
def store_u8(p: int, x: int) -> None:
    """Store the low 8 bits."""
    compiled_only()


@intrinsic(_stores("float", 4))
def store_f32(p: int, x: F32) -> None:
    """Store a float32."""
    compiled_only()


@intrinsic(_stores("double", 8))
def store_f64(p: int, x: F64) -> None:
    """Store a float64."""
    compiled_only()


def _prefetch(write: bool = False, level: int = 3) -> Callable[[Compiler, Value], None]:
    def emit(c: Compiler, p: Value) -> None:
        c.b.prefetch(c.b.pointer(p.name), level, write)

    return emit


@intrinsic(_prefetch())
def prefetch(p: int) -> None:
    """Ask for the cache line at p, which will be read; never faults."""
    compiled_only()


@intrinsic(_prefetch(level=2))
def prefetch_to_l2(p: int) -> None:
    """The same, without pushing anything out of L1."""
    compiled_only()


@intrinsic(_prefetch(write=True))
def prefetch_to_write(p: int) -> None:
    """Ask for the cache line at p, which will be written; never faults."""
    compiled_only()


def _element_load(c: Compiler, p: Value) -> Value:
    v = c.vectors
    return Value(v.scalar, c.b(f"load {v.scalar}, ptr {c.b.pointer(p.name)}, align {v.itemsize}"))


@intrinsic(_element_load)
def load(p: int) -> Elem:
    """The element at p."""
    compiled_only()


def _element_store(c: Compiler, p: Value, x: Value) -> None:
    c.b.do(f"store {x.kind} {x.name}, ptr {c.b.pointer(p.name)}, align {c.vectors.itemsize}")


@intrinsic(_element_store)
def store(p: int, x: Elem | Vec) -> None:
    """Store an element or a vector."""
    compiled_only()


def _word_pointer(c: Compiler, block: Value, index: Value) -> str:
    return c.b(f"getelementptr i64, ptr {c.b.pointer(block.name)}, i64 {index.name}")


def _word(c: Compiler, block: Value, index: Value) -> Value:
    return Value("i64", c.b(f"load i64, ptr {_word_pointer(c, block, index)}, align 8"))


@intrinsic(_word)
def word(block: int, index: int) -> int:
    """Word `index` of an argument block."""
    compiled_only()


def _set_word(c: Compiler, block: Value, index: Value, x: Value) -> None:
    c.b.do(f"store {x.kind} {x.name}, ptr {_word_pointer(c, block, index)}, align 8")


@intrinsic(_set_word)
def set_word(block: int, index: int, x: int | Elem) -> None:
    """Set word `index` of a block; an Elem takes its first bytes."""
    compiled_only()


def _copy_bytes(c: Compiler, target: Value, source: Value, count: Value) -> None:
    name = "llvm.memcpy.p0.p0.i64"
    c.module.declare(name, f"declare void @{name}(ptr, ptr, i64, i1)")
    ends = f"ptr {c.b.pointer(target.name)}, ptr {c.b.pointer(source.name)}"
    c.b.do(f"call void @{name}({ends}, i64 {count.name}, i1 false)")


@intrinsic(_copy_bytes)
def copy_bytes(target: int, source: int, count: int) -> None:
    """Copy `count` bytes between places that do not overlap."""
    compiled_only()


def _zero_bytes(c: Compiler, target: Value, count: Value) -> None:
    name = "llvm.memset.p0.i64"
    c.module.declare(name, f"declare void @{name}(ptr, i8, i64, i1)")
    c.b.do(f"call void @{name}(ptr {c.b.pointer(target.name)}, i8 0, i64 {count.name}, i1 false)")


@intrinsic(_zero_bytes)
def zero_bytes(target: int, count: int) -> None:
    """Set `count` bytes to 0."""
    compiled_only()


# --- vectors -----------------------------------------------------------------


@intrinsic(lambda c, p: Value(c.vectors.vector, c.b.load(c.b.pointer(p.name))))
def vload(p: int) -> Vec:
    """The vector at p."""
    compiled_only()


@intrinsic(
    lambda c, p, mask: Value(c.vectors.vector, c.b.load(c.b.pointer(p.name), c.b.alive(mask.name)))
)
def vload_masked(p: int, mask: Mask) -> Vec:
    """The lanes that live, from p; 0 in the others, whose memory is not touched."""
    compiled_only()


@intrinsic(lambda c, p, x, mask: c.b.store(x.name, c.b.pointer(p.name), c.b.alive(mask.name)))
def vstore_masked(p: int, x: Vec, mask: Mask) -> None:
    """Store the lanes that live; the memory of the others is not touched."""
    compiled_only()


def _mask_address(c: Compiler, count: Value) -> str:
    start = c.b(f"mul i64 {count.name}, {-c.vectors.itemsize}")
    end = c.b(f"add i64 {start}, {c.vectors.target.vbytes}")
    return c.b(f"getelementptr i8, ptr {c.module.masks()}, i64 {end}")


def _mask(c: Compiler, count: Value) -> Value:
    v = c.vectors
    return Value(v.mask, c.b(f"load {v.mask}, ptr {_mask_address(c, count)}, align {v.itemsize}"))


@intrinsic(_mask)
def first_lanes(count: int) -> Mask:
    """The mask of the first `count` lanes, 0 to VL."""
    compiled_only()


@intrinsic(lambda c, count: Value("i64", c.b(f"ptrtoint ptr {_mask_address(c, count)} to i64")))
def mask_address(count: int) -> int:
    """The address of that mask in the table of masks."""
    compiled_only()


@intrinsic(
    lambda c: Value("i64", c.b(f"ptrtoint ptr {_mask_address(c, Value('i64', '0'))} to i64"))
)
def zeros() -> int:
    """The address of four vectors of zeros."""
    compiled_only()


@intrinsic(lambda c: Value(c.vectors.scalar, "0.0"))
def zero() -> Elem:
    """The element 0."""
    compiled_only()


@intrinsic(lambda c: Value(c.vectors.scalar, "6.0"))
def six() -> Elem:
    """The element 6."""
    compiled_only()


@intrinsic(lambda c: Value(c.vectors.vector, "zeroinitializer"))
def vzero() -> Vec:
    """The vector of zeros."""
    compiled_only()


@intrinsic(lambda c, x: Value(c.vectors.vector, c.b.splat(x.name)))
def splat(x: Elem) -> Vec:
    """The vector with x in every lane."""
    compiled_only()


@intrinsic(lambda c, a, b, x: Value(c.vectors.vector, c.b.fma(a.name, b.name, x.name)))
def fma(a: Vec, b: Vec, x: Vec) -> Vec:
    """a * b + x, rounded once where the machine can."""
    compiled_only()


@intrinsic(lambda c, x: Value(c.vectors.scalar, c.b.sum(x.name)))
def vsum(x: Vec) -> Elem:
    """The sum of the lanes, in a fixed order."""
    compiled_only()


@intrinsic(lambda c, low, x: Value(c.vectors.vector, c.b.larger(low.name, x.name)))
def larger(low: Vec, x: Vec) -> Vec:
    """max(low, x); where x is NaN, x."""
    compiled_only()


@intrinsic(lambda c, high, x: Value(c.vectors.vector, c.b.smaller(high.name, x.name)))
def smaller(high: Vec, x: Vec) -> Vec:
    """min(high, x); where x is NaN, x."""
    compiled_only()


# --- refusals and calls ------------------------------------------------------


def _refuse(c: Compiler, args: Value, index: Value) -> None:
    node = _word(c, args, Value("i64", str(abi.NODE))).name
    record = c.b(f"or i64 {c.b(f'shl i64 {node}, {_INDEX_BITS}')}, {index.name}")
    context = _word(c, args, Value("i64", str(abi.CONTEXT)))
    error = _word_pointer(c, context, Value("i64", str(abi.ERROR)))
    c.b(f"atomicrmw min ptr {error}, i64 {record} monotonic")


@intrinsic(_refuse)
def refuse(args: int, index: int) -> None:
    """Report that element or row `index` (0 to 2**40 - 1) has a value that cannot be used.

    The smallest record of a call wins, so that the report is the same for any number of threads.
    """
    compiled_only()


def _call(c: Compiler, address: Value, *operands: Value) -> None:
    listed = ", ".join(f"i64 {x.name}" for x in operands)
    c.b.do(f"call void {c.b.pointer(address.name)}({listed})")


@intrinsic(_call)
def call(address: int, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
    """Call the function void(i64 a, ... i64 f) at an address: a register tile, a way to pack."""
    compiled_only()


@intrinsic(_call)
def call_entry(address: int, args: int, begin: int, end: int) -> None:
    """Call another kernel's entry with an argument block of its own."""
    compiled_only()
