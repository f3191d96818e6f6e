"""What the pooling kernels ask of vectors beyond intrinsics.py: places of a window, lane by lane.

A place is the number of a tap of the window. A vector of places has integers as wide as an element,
which is the type of a Mask; in memory a place takes one byte or four.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from numflow.kernels.intrinsics import Elem, Mask, Vec, compiled_only
from numflow.kernels.lang import Value, intrinsic

if TYPE_CHECKING:
    from numflow.kernels.lang_compiler import Compiler

Lanes = Vec | Mask


def _places(c: Compiler, tap: Value) -> Value:
    v = c.vectors
    lane = f"i{v.itemsize * 8}"
    x = tap.name if lane == "i64" else c.b(f"trunc i64 {tap.name} to {lane}")
    first = c.b(f"insertelement {v.mask} poison, {lane} {x}, i32 0")
    zeros = f"<{v.lanes} x i32> zeroinitializer"
    return Value(v.mask, c.b(f"shufflevector {v.mask} {first}, {v.mask} poison, {zeros}"))


@intrinsic(_places)
def places(tap: int) -> Mask:
    """The vector with this tap in every lane."""
    compiled_only()


def _where_greater(c: Compiler, x: Value, y: Value, a: Value, b: Value) -> Value:
    test = c.b(f"fcmp ogt {x.kind} {x.name}, {y.name}")
    return Value(
        a.kind, c.b(f"select {c.vectors.bits} {test}, {a.kind} {a.name}, {b.kind} {b.name}")
    )


@intrinsic(_where_greater)
def places_where_greater(x: Vec, y: Vec, a: Mask, b: Mask) -> Mask:
    """Lane by lane a where x > y, else b, also where one is NaN."""
    compiled_only()


@intrinsic(_where_greater)
def where_greater(x: Vec, y: Vec, a: Vec, b: Vec) -> Vec:
    """Lane by lane a where x > y, else b, also where one is NaN."""
    compiled_only()


def _where_equal(c: Compiler, p: Value, q: Value, a: Value, b: Value) -> Value:
    test = c.b(f"icmp eq {p.kind} {p.name}, {q.name}")
    return Value(
        a.kind, c.b(f"select {c.vectors.bits} {test}, {a.kind} {a.name}, {b.kind} {b.name}")
    )


@intrinsic(_where_equal)
def where_equal(p: Mask, q: Mask, a: Vec, b: Vec) -> Vec:
    """Lane by lane a where p = q, else b."""
    compiled_only()


def _store(bits: int) -> Callable[[Compiler, Value, Value], None]:
    """Store a vector of places as integers of `bits`."""

    def emit(c: Compiler, p: Value, x: Value) -> None:
        c.b.do(_narrow_store(c, p, x, bits))

    return emit


def _narrowed(c: Compiler, x: Value, bits: int) -> tuple[str, str]:
    """(type, name) of x with lanes of `bits`."""
    v = c.vectors
    if bits == v.itemsize * 8:
        return v.mask, x.name
    kind = f"<{v.lanes} x i{bits}>"
    return kind, c.b(f"trunc {v.mask} {x.name} to {kind}")


def _narrow_store(c: Compiler, p: Value, x: Value, bits: int) -> str:
    kind, name = _narrowed(c, x, bits)
    return f"store {kind} {name}, ptr {c.b.pointer(p.name)}, align {bits // 8}"


def _load(bits: int) -> Callable[[Compiler, Value], Value]:
    """Load integers of `bits` as a vector of places."""

    def emit(c: Compiler, p: Value) -> Value:
        kind = f"<{c.vectors.lanes} x i{bits}>"
        return _widened(
            c, kind, c.b(f"load {kind}, ptr {c.b.pointer(p.name)}, align {bits // 8}"), bits
        )

    return emit


def _widened(c: Compiler, kind: str, name: str, bits: int) -> Value:
    v = c.vectors
    if bits == v.itemsize * 8:
        return Value(v.mask, name)
    return Value(v.mask, c.b(f"zext {kind} {name} to {v.mask}"))


def _store_masked(bits: int) -> Callable[[Compiler, Value, Value, Value], None]:
    def emit(c: Compiler, p: Value, x: Value, mask: Value) -> None:
        lanes, (kind, name) = c.vectors.lanes, _narrowed(c, x, bits)
        store = f"llvm.masked.store.v{lanes}i{bits}.p0"
        c.module.declare(store, f"declare void @{store}({kind}, ptr, i32, {c.vectors.bits})")
        alive = c.b.alive(mask.name)
        c.b.do(
            f"call void @{store}({kind} {name}, ptr {c.b.pointer(p.name)}, i32 {bits // 8},"
            f" {c.vectors.bits} {alive})"
        )

    return emit


def _load_masked(bits: int) -> Callable[[Compiler, Value, Value], Value]:
    def emit(c: Compiler, p: Value, mask: Value) -> Value:
        lanes, kind = c.vectors.lanes, f"<{c.vectors.lanes} x i{bits}>"
        load = f"llvm.masked.load.v{lanes}i{bits}.p0"
        c.module.declare(load, f"declare {kind} @{load}(ptr, i32, {c.vectors.bits}, {kind})")
        alive = c.b.alive(mask.name)
        name = c.b(
            f"call {kind} @{load}(ptr {c.b.pointer(p.name)}, i32 {bits // 8},"
            f" {c.vectors.bits} {alive}, {kind} zeroinitializer)"
        )
        return _widened(c, kind, name, bits)

    return emit


@intrinsic(_store(8))
def store_bytes(p: int, x: Mask) -> None:
    """Store places, a byte each."""
    compiled_only()


@intrinsic(_store(32))
def store_words(p: int, x: Mask) -> None:
    """Store places, four bytes each."""
    compiled_only()


@intrinsic(_store_masked(8))
def store_bytes_masked(p: int, x: Mask, mask: Mask) -> None:
    """Store the lanes that live, a byte each."""
    compiled_only()


@intrinsic(_store_masked(32))
def store_words_masked(p: int, x: Mask, mask: Mask) -> None:
    """Store the lanes that live, four bytes each."""
    compiled_only()


@intrinsic(_load(8))
def load_bytes(p: int) -> Mask:
    """The places at p, a byte each."""
    compiled_only()


@intrinsic(_load(32))
def load_words(p: int) -> Mask:
    """The places at p, four bytes each."""
    compiled_only()


@intrinsic(_load_masked(8))
def load_bytes_masked(p: int, mask: Mask) -> Mask:
    """The lanes that live, a byte each; 0 in the others."""
    compiled_only()


@intrinsic(_load_masked(32))
def load_words_masked(p: int, mask: Mask) -> Mask:
    """The lanes that live, four bytes each; 0 in the others."""
    compiled_only()


def _element(c: Compiler, x: Value) -> Value:
    return Value(c.vectors.scalar, c.b(f"sitofp i64 {x.name} to {c.vectors.scalar}"))


@intrinsic(_element)
def element(x: int) -> Elem:
    """x as a number of the element type."""
    compiled_only()


def _lowest(c: Compiler) -> Value:
    return c.typed(Value("", "-inf"), c.vectors.vector)


@intrinsic(_lowest)
def lowest() -> Vec:
    """The vector of -inf."""
    compiled_only()
