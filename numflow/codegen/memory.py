"""Loads and stores of lanes and scalars: unit or run-time stride, whole, masked, or a constant part
of a vector.

A bool is a byte in memory, 0 or 1; the 16-bit floats are their bits, widened to f32 after a load
and rounded before a store.
"""

from __future__ import annotations

from numflow.codegen.vector import LLVM, Reg, Vector, iota, vector
from numflow.graph.loops import Operand
from numflow.kernels.builder import HALVES, ITEMSIZE
from numflow.kernels.records import record

MEMORY = {**LLVM, "b1": "i8", "f16": "i16", "bf16": "i16"}


@record
class Place:
    """Columns i .. i + lanes; mask: only these lanes exist (a register), or count.

    Only the first count (a constant).
    """

    i: str
    mask: str = ""
    count: int = 0


def constant_mask(count: int, lanes: int) -> str:
    return "<" + ", ".join(f"i1 {'true' if k < count else 'false'}" for k in range(lanes)) + ">"


class Memory:
    """Emits accesses through a Vector builder. streamed: operands stored past the caches.

    Strides: of inner 's' axes.
    """

    def __init__(self, b: Vector, lanes: int, streamed: set[str]) -> None:
        self.b, self.asm, self.lanes, self.streamed = b, b.asm, lanes, streamed
        self.strides: dict[str, str] = {}
        self.parts: dict[int, str] = {}  # masks of the first so many lanes

    def prepare(self, count: int) -> None:
        """In the entry: a register with the mask of the first count lanes. Of a mask that it knows,
        LLVM makes a 16-bit constant anew in each turn, in half a register whose other half is that
        of a value of the turn before: rows waited for each other (cross-entropy of 10 columns: 3.0
        us in place of 1.7)."""
        bits, lanes = (1 << count) - 1, self.lanes
        kind = f"i{max(lanes, 32)}"
        known = self.asm.value(f'call {kind} asm "", "=r,0"({kind} {bits})')
        if lanes < 32:
            known = self.asm.value(f"trunc {kind} {known} to i{lanes}")
        self.parts[count] = self.asm.value(f"bitcast i{lanes} {known} to <{lanes} x i1>")

    def tail_mask(self, i: str, hi: str) -> str:
        """A register with the mask of the lanes i .. that are below hi."""
        asm, width = self.asm, self.lanes
        left = asm.value(f"trunc i64 {asm.value(f'sub i64 {hi}, {i}')} to i32")
        wide = self.b.splat(Reg(left, "i32", 1), width).text
        return asm.value(f"icmp sgt <{width} x i32> {wide}, {iota('i32', width)}")

    def load_scalar(self, o: Operand, base: str) -> Reg:
        return self._value(o, self.asm.value(f"load {MEMORY[o.dtype]}, ptr {base}"), 1)

    def store_scalar(self, o: Operand, base: str, x: Reg) -> None:
        self.asm.line(f"store {MEMORY[o.dtype]} {self._stored(o, x, 1)}, ptr {base}")

    def load(self, o: Operand, base: str, place: Place) -> Reg:
        """The operand's elements at a place. Lanes that do not exist are 0."""
        if o.inner == "-":
            return self.b.splat(self.load_scalar(o, base), self.lanes)
        lanes, m = self.lanes, MEMORY[o.dtype]
        t = vector(m, lanes)
        if o.inner == "s" or self._masks(place):
            zeros = (t, "zeroinitializer")
            if o.inner == "s":
                name = f"llvm.masked.gather.v{lanes}{_suffix(m)}.v{lanes}p0"
                where = (f"<{lanes} x ptr>", self._pointers(o, base, place))
            else:
                name = f"llvm.masked.load.v{lanes}{_suffix(m)}.p0"
                where = ("ptr", self._address(o, base, place.i))
            x = self.asm.call(t, name, where, self._mask(place), zeros)
        elif place.count:
            part = f"<{place.count} x {m}>"
            address = self._address(o, base, place.i)
            x = self.asm.value(f"load {part}, ptr {address}, align {ITEMSIZE[o.dtype]}")
            order = ", ".join(f"i32 {min(k, place.count)}" for k in range(lanes))
            x = self.asm.value(
                f"shufflevector {part} {x}, {part} zeroinitializer, <{lanes} x i32> <{order}>"
            )
        else:
            address = self._address(o, base, place.i)
            x = self.asm.value(f"load {t}, ptr {address}, align {ITEMSIZE[o.dtype]}")
        return self._value(o, x, lanes)

    def store(self, o: Operand, base: str, place: Place, x: Reg) -> None:
        lanes, m, size = self.lanes, MEMORY[o.dtype], ITEMSIZE[o.dtype]
        t = vector(m, lanes)
        text = self._stored(o, self.b.materialised(x, lanes), lanes)
        if o.inner == "s":
            name = f"llvm.masked.scatter.v{lanes}{_suffix(m)}.v{lanes}p0"
            pointers = (f"<{lanes} x ptr>", self._pointers(o, base, place))
            self.asm.call("void", name, (t, text), pointers, self._mask(place))
        elif self._masks(place):
            name = f"llvm.masked.store.v{lanes}{_suffix(m)}.p0"
            where = ("ptr", self._address(o, base, place.i))
            self.asm.call("void", name, (t, text), where, self._mask(place))
        elif place.count:
            part = f"<{place.count} x {m}>"
            order = ", ".join(f"i32 {k}" for k in range(place.count))
            text = self.asm.value(
                f"shufflevector {t} {text}, {t} poison, <{place.count} x i32> <{order}>"
            )
            address = self._address(o, base, place.i)
            self.asm.line(f"store {part} {text}, ptr {address}, align {size}")
        else:
            streamed = o.name in self.streamed
            align = f"{lanes * size}, !nontemporal !0" if streamed else str(size)
            address = self._address(o, base, place.i)
            self.asm.line(f"store {t} {text}, ptr {address}, align {align}")

    def _value(self, o: Operand, x: str, lanes: int) -> Reg:
        """What was loaded, as a value of the body."""
        if o.dtype == "b1":
            zero = "0" if lanes == 1 else "zeroinitializer"
            return Reg(self.asm.value(f"icmp ne {vector('i8', lanes)} {x}, {zero}"), "b1", lanes)
        if o.dtype in HALVES:
            return self.b.widen_half(Reg(x, "u16", lanes), o.dtype)
        return Reg(x, o.dtype, lanes)

    def _stored(self, o: Operand, x: Reg, lanes: int) -> str:
        """A value of the body, as it lies in memory."""
        if o.dtype in HALVES:
            return self.b.text(self.b.narrow_half(x, o.dtype), lanes)
        text = self.b.text(x, lanes)
        if o.dtype != "b1":
            return text
        return self.asm.value(f"zext {vector('i1', lanes)} {text} to {vector('i8', lanes)}")

    def _masks(self, place: Place) -> bool:
        """Whether accesses are masked: AVX-512 does so at no cost, others better take a part."""
        return bool(place.mask) or (place.count > 0 and self.b.target.bits == 512)

    def mask(self, place: Place) -> Reg:
        """Which lanes of a place exist, where not all do."""
        return Reg(self._mask(place)[1], "b1", self.lanes)

    def _mask(self, place: Place) -> tuple[str, str]:
        part = "splat (i1 true)"
        if place.count:
            part = self.parts.get(place.count) or constant_mask(place.count, self.lanes)
        return f"<{self.lanes} x i1>", place.mask or part

    def _address(self, o: Operand, base: str, i: str) -> str:
        return self.asm.value(f"getelementptr {MEMORY[o.dtype]}, ptr {base}, i64 {i}")

    def _pointers(self, o: Operand, base: str, place: Place) -> str:
        """Addresses of strided lanes."""
        lanes, stride = self.lanes, self.strides[o.name]
        start = self._address(o, base, self.asm.value(f"mul i64 {place.i}, {stride}"))
        numbers = Reg(iota("i64", lanes), "i64", lanes)
        steps = self.b.mul(numbers, self.b.splat(Reg(stride, "i64", 1), lanes)).text
        m = MEMORY[o.dtype]
        return self.asm.value(f"getelementptr {m}, ptr {start}, <{lanes} x i64> {steps}")


def _suffix(memory: str) -> str:
    return {"float": "f32", "double": "f64"}.get(memory, memory)
