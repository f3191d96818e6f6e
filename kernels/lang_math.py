"""Logarithms, exponentials, normal numbers: of float64, for kernels in lang.py's subset of Python.

The bodies are those of scalar.py, as everywhere else: here a builder writes them as LLVM IR on
doubles, once per module, and `log`, `exp` are calls of what it wrote. Products and sums are never
fused: random numbers of a seed are the same on every machine (ops/same_bits.py is the twin).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from numflow.kernels import builder, scalar
from numflow.kernels.builder import FLOATS, Number
from numflow.kernels.intrinsics import F64
from numflow.kernels.ir import Builder, Module
from numflow.kernels.lang import raw
from numflow.kernels.records import NamedTuple

SOURCES = ("builder", "lang_math", "scalar", "scalar_f32", "scalar_f64", "scalar_normal")
"""The files of kernels/ that decide what is written: for lang.addresses."""


class Reg(NamedTuple):
    """A value in a function's text: its name or literal, and its dtype."""

    text: str
    dtype: str


_TYPES = {"f64": "double", "i64": "i64", "b1": "i1"}
_ARITHMETIC = {
    "add": ("fadd", "add"), "sub": ("fsub", "sub"), "mul": ("fmul", "mul"), "div": ("fdiv", ""),
    "bitand": ("", "and"), "bitor": ("", "or"), "bitxor": ("", "xor"), "shl": ("", "shl"),
    "shr": ("", "ashr"),
}  # fmt: skip
_LOGIC = {"logical_and": "and", "logical_or": "or"}
_COMPARE = ("lt", "le", "gt", "ge", "eq", "ne")
_INTRINSICS = {"sqrt": "sqrt", "abs": "fabs", "floor": "floor", "copysign": "copysign"}


class Scalar(builder.Builder[Reg]):
    """Writes operations on doubles and 64-bit integers: those that the bodies of float64 use."""

    def __init__(self, module: Module) -> None:
        self.b = Builder(module)
        self._blocks = 0

    def const(self, value: Number, dtype: str) -> Reg:
        if dtype == "f64":
            return Reg(float_literal(float(value)), dtype)
        return Reg(str(value).lower() if dtype == "b1" else str(int(value)), dtype)

    def apply(self, op: str, args: tuple[Reg, ...], dtype: str, attr: object = None) -> Reg:
        kind, texts = _TYPES[args[-1].dtype], [a.text for a in args]
        if op in _ARITHMETIC:
            name = _ARITHMETIC[op][dtype not in FLOATS]
            return self._value(f"{name} {kind} {', '.join(texts)}", dtype)
        if op in _COMPARE:
            code = "icmp " + (op if op in ("eq", "ne") else "s" + op)
            if args[0].dtype in FLOATS:
                code = "fcmp " + ("une" if op == "ne" else "o" + op)
            return self._value(f"{code} {kind} {', '.join(texts)}", "b1")
        if op in _LOGIC:
            return self._value(f"{_LOGIC[op]} i1 {', '.join(texts)}", "b1")
        if op in _INTRINSICS:
            return self._call(f"llvm.{_INTRINSICS[op]}.f64", texts)
        if (op, dtype) in scalar.BODIES:
            return Reg(*scalar.BODIES[op, dtype](self, *args))
        method: Callable[..., Reg] = getattr(self, "_" + op)
        return method(*args) if attr is None else method(*args, attr)

    def _value(self, text: str, dtype: str) -> Reg:
        return Reg(self.b(text), dtype)

    def _call(self, name: str, texts: list[str]) -> Reg:
        self.b.module.declare(name, f"declare double @{name}({', '.join(['double'] * len(texts))})")
        return self._value(f"call double @{name}({', '.join('double ' + t for t in texts)})", "f64")

    def _logical_not(self, x: Reg) -> Reg:
        return self._value(f"xor i1 {x.text}, true", "b1")

    def _neg(self, x: Reg) -> Reg:
        return self._value(f"fneg double {x.text}", "f64") if x.dtype == "f64" else self.sub(0, x)

    def _fma(self, x: Reg, y: Reg, z: Reg) -> Reg:
        return self.add(self.mul(x, y), z)

    def _select(self, c: Reg, x: Reg, y: Reg) -> Reg:
        kind = _TYPES[x.dtype]
        return self._value(f"select i1 {c.text}, {kind} {x.text}, {kind} {y.text}", x.dtype)

    def _larger(self, x: Reg, y: Reg) -> Reg:
        return self.select(self.gt(x, y), x, y)

    def _smaller(self, x: Reg, y: Reg) -> Reg:
        return self.select(self.lt(x, y), x, y)

    def _bits(self, x: Reg) -> Reg:
        return self._value(f"bitcast double {x.text} to i64", "i64")

    def _from_bits(self, x: Reg) -> Reg:
        return self._value(f"bitcast i64 {x.text} to double", "f64")

    def _libm(self, x: Reg, name: str) -> Reg:
        return self._call(name, [x.text])

    def rarely(self, condition: Reg, usual: Reg, body: Callable[[], Reg]) -> Reg:
        """A branch: what is rare is not computed."""
        self._blocks += 1
        here, rare, end = (f"{tag}.{self._blocks}" for tag in ("usual", "rare", "known"))
        self.b.do(f"br label %{here}")
        self.b.label(here)
        self.b.do(f"br i1 {condition.text}, label %{rare}, label %{end}")
        self.b.label(rare)
        found = body()
        self.b.do(f"br label %{end}")
        self.b.label(end)
        return Reg(self.b.phi("double", (usual.text, here), (found.text, rare)), "f64")


def float_literal(value: float) -> str:
    """A double as LLVM wants it: its bits."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def _written(function: str, count: int = 1) -> Callable[[Module, str], str]:
    """The definition of the body of that name in scalar.py."""

    def emit(module: Module, name: str) -> str:
        made = Scalar(module)
        args = [Reg(f"%x{k}", "f64") for k in range(count)]
        result = scalar.BODIES[function, "f64"](made, *args)
        lines = [*made.b.lines, f"  ret double {result.text}"]
        given = ", ".join(f"double {x.text}" for x in args)
        head = f'define internal double @"{name}"({given}) #0 {{'
        return "\n".join([head, "entry:", *lines, "}"])

    return emit


@raw(_written("log"))
def log(x: F64) -> F64:
    """The natural logarithm."""
    raise RuntimeError("kernels of lang.py run compiled only")


@raw(_written("log1p"))
def log1p(x: F64) -> F64:
    """log(1 + x)"""
    raise RuntimeError("kernels of lang.py run compiled only")


@raw(_written("exp"))
def exp(x: F64) -> F64:
    """e^x"""
    raise RuntimeError("kernels of lang.py run compiled only")


@raw(_written("normal", 2))
def normal(u: F64, v: F64) -> F64:
    """Standard normal of two numbers of [0, 1)."""
    raise RuntimeError("kernels of lang.py run compiled only")
