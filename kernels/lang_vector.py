"""tanh, sigmoid and exp of a vector, for kernels in lang.py's subset of Python.

The bodies are those of scalar.py, as everywhere else: here a builder writes them as LLVM IR on
vectors of the element type, in place of every call. `lang_math.py` is the twin for one float64.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from numflow.kernels import builder, ir, scalar, scalar_f32, scalar_f64
from numflow.kernels.builder import Number
from numflow.kernels.intrinsics import Vec
from numflow.kernels.lang import Value, intrinsic
from numflow.kernels.lang_math import float_literal
from numflow.kernels.records import NamedTuple

if TYPE_CHECKING:
    from numflow.kernels.lang_compiler import Compiler

SOURCES = ("builder", "lang_math", "lang_vector", "scalar", "scalar_f32", "scalar_f64")
"""The files of kernels/ that decide what is written: for lang.addresses."""


class Reg(NamedTuple):
    """A vector in a function's text: its name or literal, and its dtype."""

    text: str
    dtype: str


_ARITHMETIC = {
    "add": ("fadd", "add"), "sub": ("fsub", "sub"), "mul": ("fmul", "mul"), "div": ("fdiv", ""),
    "shl": ("", "shl"), "shr": ("", "ashr"), "bitand": ("", "and"), "bitor": ("", "or"),
}  # fmt: skip
_COMPARE = ("lt", "le", "gt", "ge")
_FLOATS = {"f32": "float", "f64": "double"}


class VectorMath(builder.Builder[Reg]):
    """Writes operations on vectors: those that the bodies of tanh and sigmoid use."""

    def __init__(self, b: ir.Builder) -> None:
        self.b, self.v = b, b.vectors
        self.dtype = "f32" if self.v.itemsize == 4 else "f64"

    def kind(self, dtype: str) -> str:
        """The LLVM type of a vector."""
        return f"<{self.v.lanes} x {_FLOATS.get(dtype, 'i1' if dtype == 'b1' else dtype)}>"

    def const(self, value: Number, dtype: str) -> Reg:
        if dtype in _FLOATS:
            number = float(value)
            if dtype == "f32":  # a float as LLVM wants it: the double of equal value
                (number,) = struct.unpack("f", struct.pack("f", number))
            return Reg(f"splat ({_FLOATS[dtype]} {float_literal(number)})", dtype)
        return Reg(f"splat ({dtype} {int(value)})", dtype)

    def apply(self, op: str, args: tuple[Reg, ...], dtype: str, attr: object = None) -> Reg:
        kind, texts = self.kind(args[-1].dtype), [a.text for a in args]
        if op in _ARITHMETIC:
            name = _ARITHMETIC[op][dtype not in _FLOATS]
            return Reg(self.b(f"{name} {kind} {', '.join(texts)}"), dtype)
        if op in _COMPARE:
            return Reg(self.b(f"fcmp o{op} {kind} {', '.join(texts)}"), "b1")
        if (op, dtype) in scalar.BODIES:
            return Reg(*scalar.BODIES[op, dtype](self, *args))
        method: Callable[..., Reg] = getattr(self, "_" + op)
        return method(*args)

    def scaled(self, x: Reg, k: Reg) -> Reg:
        """One instruction where vectors have 512 bits."""
        v = self.v
        if v.target.bits != 512:
            return super().scaled(x, k)
        n = self.sub(k, 6755399441055744.0 if v.itemsize == 8 else 12582912.0)
        name = f"llvm.x86.avx512.mask.scalef.{'pd' if v.itemsize == 8 else 'ps'}.512"
        mask = f"i{v.lanes}"
        self.b.module.declare(
            name, f"declare {v.vector} @{name}({', '.join([v.vector] * 3)}, {mask}, i32)"
        )
        return Reg(
            self.b(
                f"call {v.vector} @{name}({v.vector} {x.text}, {v.vector} {n.text},"
                f" {v.vector} zeroinitializer, {mask} -1, i32 4)"
            ),
            x.dtype,
        )

    def _intrinsic(self, name: str, *xs: Reg) -> Reg:
        full, kind = f"llvm.{name}.{self.v.suffix}", self.v.vector
        self.b.module.declare(full, f"declare {kind} @{full}({', '.join([kind] * len(xs))})")
        operands = ", ".join(f"{kind} {x.text}" for x in xs)
        return Reg(self.b(f"call {kind} @{full}({operands})"), self.dtype)

    def _neg(self, x: Reg) -> Reg:
        return Reg(self.b(f"fneg {self.kind(x.dtype)} {x.text}"), x.dtype)

    def _abs(self, x: Reg) -> Reg:
        return self._intrinsic("fabs", x)

    def _copysign(self, x: Reg, y: Reg) -> Reg:
        return self._intrinsic("copysign", x, y)

    def _fma(self, x: Reg, y: Reg, z: Reg) -> Reg:
        if not self.v.fused:
            return self.add(self.mul(x, y), z)
        return self._intrinsic("fma", x, y, z)

    def _select(self, c: Reg, x: Reg, y: Reg) -> Reg:
        kind = self.kind(x.dtype)
        text = f"select {self.v.bits} {c.text}, {kind} {x.text}, {kind} {y.text}"
        return Reg(self.b(text), x.dtype)

    def _larger(self, x: Reg, y: Reg) -> Reg:
        return self.select(self.gt(x, y), x, y)

    def _smaller(self, x: Reg, y: Reg) -> Reg:
        return self.select(self.lt(x, y), x, y)

    def _bits(self, x: Reg) -> Reg:
        to = "i32" if x.dtype == "f32" else "i64"
        return Reg(self.b(f"bitcast {self.kind(x.dtype)} {x.text} to {self.kind(to)}"), to)

    def _from_bits(self, x: Reg) -> Reg:
        return Reg(self.b(f"bitcast {self.kind(x.dtype)} {x.text} to {self.v.vector}"), self.dtype)


def _written(function: str) -> Callable[[Compiler, Value], Value]:
    """The body of that name in scalar.py, in place of a call."""

    def emit(c: Compiler, x: Value) -> Value:
        made = VectorMath(c.b)
        result = scalar.BODIES[function, made.dtype](made, Reg(x.name, made.dtype))
        return Value(x.kind, result.text)

    return emit


@intrinsic(_written("tanh"))
def vtanh(x: Vec) -> Vec:
    """The hyperbolic tangent."""
    raise RuntimeError("kernels of lang.py run compiled only")


@intrinsic(_written("sigmoid"))
def vsigmoid(x: Vec) -> Vec:
    """1 / (1 + e^-x)"""
    raise RuntimeError("kernels of lang.py run compiled only")


def _gate(c: Compiler, x: Value) -> Value:
    made = VectorMath(c.b)
    body = scalar_f32.gate if made.dtype == "f32" else scalar_f64.sigmoid
    return Value(x.kind, body(made, Reg(x.name, made.dtype)).text)


@intrinsic(_gate)
def vgate(x: Vec) -> Vec:
    """1 / (1 + e^-x) to 1.2e-7 (float32) of 1, not of itself: for gates, two thirds of the time."""
    raise RuntimeError("kernels of lang.py run compiled only")


@intrinsic(_written("exp"))
def vexp(x: Vec) -> Vec:
    """e^x; 0 of -inf."""
    raise RuntimeError("kernels of lang.py run compiled only")
