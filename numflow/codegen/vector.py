"""The builder whose values are LLVM vectors (or scalars, lanes = 1): what bodies of
kernels/scalar.py become.

A `Reg` is a name, a dtype and a number of lanes. One that is a Python number stands for an
immediate, splat where its partner is a vector. Floating-point flags are `contract` only: NaN, inf,
signed zero and denormals survive.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from numflow.codegen.assembler import Assembler
from numflow.kernels.builder import (
    FLOATS,
    INTS,
    ITEMSIZE,
    SIGNED,
    UNSIGNED,
    Builder,
    Number,
    limits,
)
from numflow.kernels.engine import Target
from numflow.kernels.scalar import BODIES, half_to_single, philox, single_to_half

LLVM = {
    **{d: f"i{8 * ITEMSIZE[d]}" for d in INTS},
    **{"f32": "float", "f64": "double", "b1": "i1", "f16": "half", "bf16": "bfloat"},
}
# Of floats, signed and unsigned integers; shl, and, or, xor are the same for all integers.
_ARITHMETIC = {
    "add": ("fadd", "add", "add"),
    "sub": ("fsub", "sub", "sub"),
    "mul": ("fmul", "mul", "mul"),
    "shl": ("", "shl", "shl"),
    "shr": ("", "ashr", "lshr"),
    "bitand": ("", "and", "and"),
    "bitor": ("", "or", "or"),
    "bitxor": ("", "xor", "xor"),
    "logical_and": ("", "and", "and"),
    "logical_or": ("", "or", "or"),
}
_COMPARE = ("lt", "le", "gt", "ge", "eq", "ne")
_INTRINSICS = ("rint", "floor", "ceil", "trunc", "sqrt", "copysign")


class Reg(NamedTuple):
    """A value: its text in IR (or, for an immediate, its number), dtype and lanes."""

    text: str
    dtype: str
    lanes: int
    number: Number | None = None


def vector(scalar: str, lanes: int) -> str:
    return scalar if lanes == 1 else f"<{lanes} x {scalar}>"


def literal(value: Number, dtype: str) -> str:
    if dtype == "b1":
        return "true" if value else "false"
    if dtype not in FLOATS:
        return str(int(value))
    double = float(value)
    if dtype == "f32":
        try:
            double = struct.unpack("f", struct.pack("f", double))[0]
        except OverflowError:  # beyond the largest float32
            double = float("inf") if double > 0 else float("-inf")
    return f"0x{struct.unpack('<Q', struct.pack('<d', double))[0]:016X}"


def iota(dtype: str, lanes: int) -> str:
    return "<" + ", ".join(f"{LLVM[dtype]} {k}" for k in range(lanes)) + ">"


class Vector(Builder[Reg]):
    """Emits instructions into an Assembler."""

    def __init__(self, asm: Assembler, target: Target) -> None:
        self.asm, self.target = asm, target
        wide = target.bits > 128 or not target.triple.startswith("x86_64")
        self.contract = " contract"
        self._random: dict[tuple[object, ...], tuple[Reg, ...]] = {}
        self.fused = wide  # else llvm.fma would call libm for every lane
        self.scales = target.bits == 512
        self.converts_half = wide  # F16C comes with AVX2; else a call that may not exist

    # values -----------------------------------------------------------------------------------
    def const(self, value: Number, dtype: str) -> Reg:
        return Reg("", dtype, 1, value)

    def type(self, x: Reg) -> str:
        return vector(LLVM[x.dtype], x.lanes)

    def text(self, x: Reg, lanes: int | None = None) -> str:
        """x as an operand of an instruction of that many lanes; immediates widen."""
        if x.number is None:
            return x.text
        c = literal(x.number, x.dtype)
        return c if (lanes or x.lanes) == 1 else f"splat ({LLVM[x.dtype]} {c})"

    def splat(self, x: Reg, lanes: int) -> Reg:
        if lanes == x.lanes or x.number is not None:
            return x
        t = vector(LLVM[x.dtype], lanes)
        one = self.asm.value(f"insertelement {t} poison, {LLVM[x.dtype]} {x.text}, i32 0")
        zeros = f"<{lanes} x i32> zeroinitializer"
        wide = self.asm.value(f"shufflevector {t} {one}, {t} poison, {zeros}")
        return Reg(wide, x.dtype, lanes)

    def materialised(self, x: Reg, lanes: int) -> Reg:
        """x as a register name or constant expression of exactly that many lanes."""
        x = self.splat(x, lanes)
        return Reg(self.text(x, lanes), x.dtype, lanes)

    def any(self, mask: Reg) -> str:
        """An i1: whether the mask holds anywhere."""
        if mask.lanes == 1:
            return self.text(mask)
        n = mask.lanes
        word = self.asm.value(f"bitcast <{n} x i1> {mask.text} to i{n}")
        return self.asm.value(f"icmp ne i{n} {word}, 0")

    def _emit(self, make: Callable[[str, list[str]], str], *xs: Reg, dtype: str = "") -> Reg:
        """make(type of the first operand, texts) -> instruction."""
        lanes = max(x.lanes for x in xs)
        wide = [self.splat(x, lanes) for x in xs]
        text = make(vector(LLVM[xs[0].dtype], lanes), [self.text(x, lanes) for x in wide])
        return Reg(self.asm.value(text), dtype or xs[0].dtype, lanes)

    def _intrinsic(self, name: str, *xs: Reg, extra: tuple[tuple[str, str], ...] = ()) -> Reg:
        lanes, d = max(x.lanes for x in xs), xs[0].dtype
        t = vector(LLVM[d], lanes)
        suffix = d if d in FLOATS else LLVM[d]
        full = f"llvm.{name}.{'' if lanes == 1 else f'v{lanes}'}{suffix}"
        args = [(t, self.text(self.splat(x, lanes), lanes)) for x in xs]
        return Reg(self.asm.call(t, full, *args, *extra), d, lanes)

    # operations -------------------------------------------------------------------------------
    def apply(self, op: str, args: tuple[Reg, ...], dtype: str, attr: object = None) -> Reg:
        if op in _ARITHMETIC:
            kind = 0 if dtype in FLOATS else 2 if dtype in UNSIGNED else 1
            name = _ARITHMETIC[op][kind] + (self.contract if kind == 0 else "")
            return self._emit(lambda t, v: f"{name} {t} {v[0]}, {v[1]}", *args)
        if op in _COMPARE:
            return self._comparison(op, *args)
        if op in _INTRINSICS:
            return self._intrinsic(op, *args)
        if (op, dtype) in BODIES:
            return self._expanded(BODIES[op, dtype], args)
        if op == "cast":
            return self._convert(args[0], dtype)
        method: Callable[..., Reg] = getattr(self, "_" + op)
        return method(*args) if attr is None else method(*args, attr)

    def _expanded(self, body: Callable[..., Reg], args: tuple[Reg, ...]) -> Reg:
        """A function of scalar.py. It says itself where it wants a fused multiply-add: sums of
        which
        the rounding error is computed must not become one."""
        saved, self.contract = self.contract, ""
        result = body(self, *args)
        self.contract = saved
        return result

    def _comparison(self, op: str, x: Reg, y: Reg) -> Reg:
        if x.dtype in FLOATS:
            code = f"fcmp {'une' if op == 'ne' else 'o' + op}"
        elif op in ("eq", "ne"):
            code = f"icmp {op}"
        else:  # true is -1 where signed
            code = f"icmp {'u' if x.dtype in UNSIGNED or x.dtype == 'b1' else 's'}{op}"
        return self._emit(lambda t, v: f"{code} {t} {v[0]}, {v[1]}", x, y, dtype="b1")

    def _select(self, c: Reg, x: Reg, y: Reg) -> Reg:
        lanes = max(c.lanes, x.lanes, y.lanes)
        t, i1 = vector(LLVM[x.dtype], lanes), vector("i1", lanes)
        c, x, y = (self.splat(v, lanes) for v in (c, x, y))
        texts = self.text(c, lanes), self.text(x, lanes), self.text(y, lanes)
        text = f"select {i1} {texts[0]}, {t} {texts[1]}, {t} {texts[2]}"
        return Reg(self.asm.value(text), x.dtype, lanes)

    def _larger(self, x: Reg, y: Reg) -> Reg:
        return self.select(self.gt(x, y), x, y)  # one maxps

    def _smaller(self, x: Reg, y: Reg) -> Reg:
        return self.select(self.lt(x, y), x, y)

    def _max(self, x: Reg, y: Reg) -> Reg:
        return self._extreme(x, y, self._larger, "max")

    def _min(self, x: Reg, y: Reg) -> Reg:
        return self._extreme(x, y, self._smaller, "min")

    def _extreme(self, x: Reg, y: Reg, pick: Callable[[Reg, Reg], Reg], name: str) -> Reg:
        """NumPy's maximum and minimum: NaN if either is."""
        if x.dtype == "b1":
            return self.logical_or(x, y) if name == "max" else self.logical_and(x, y)
        if x.dtype not in FLOATS:
            return self._intrinsic(("u" if x.dtype in UNSIGNED else "s") + name, x, y)
        if y.number is not None and y.number == y.number:
            if y.number == 0:  # of -0.0 and 0.0 the second, as NumPy has it: relu(-0.0) is 0.0
                hides = self.le(x, y) if name == "max" else self.ge(x, y)
                return self.select(hides, y, x)
            return pick(y, x)
        if x.number is not None and x.number == x.number:
            return pick(x, y)
        return self.select(self.isnan(x), x, pick(x, y))

    def _fma(self, x: Reg, y: Reg, z: Reg) -> Reg:
        return self._intrinsic("fma", x, y, z) if self.fused else self.add(self.mul(x, y), z)

    def scaled(self, x: Reg, k: Reg) -> Reg:
        size = ITEMSIZE[x.dtype]
        if x.lanes * size != 64 or not self.scales:
            return super().scaled(x, k)
        n = self.sub(k, 6755399441055744.0 if size == 8 else 12582912.0)
        t, mask = self.type(x), f"i{x.lanes}"
        name = f"llvm.x86.avx512.mask.scalef.{'pd' if size == 8 else 'ps'}.512"
        given = [(t, self.text(x)), (t, self.text(n)), (t, "zeroinitializer")]
        y = self.asm.call(t, name, *given, (mask, "-1"), ("i32", "4"))
        return Reg(y, x.dtype, x.lanes)

    def _neg(self, x: Reg) -> Reg:
        if x.dtype in FLOATS:
            return self._emit(lambda t, v: f"fneg {t} {v[0]}", x)
        return self.sub(0, x)

    def _abs(self, x: Reg) -> Reg:
        if x.dtype in FLOATS:
            return self._intrinsic("fabs", x)
        if x.dtype in UNSIGNED:
            return x
        return self._intrinsic("abs", x, extra=(("i1", "false"),))

    def _logical_not(self, x: Reg) -> Reg:
        return self._emit(lambda t, v: f"xor {t} {v[0]}, {v[1]}", x, self.const(True, "b1"))

    def _div(self, x: Reg, y: Reg) -> Reg:
        if x.dtype in FLOATS:
            y = self._fenced(x, y)
            return self._emit(lambda t, v: f"fdiv{self.contract} {t} {v[0]}, {v[1]}", x, y)
        # x / 0 and the least number / -1 trap on x86: divide by 1 instead, and choose afterwards.
        zero = self.eq(y, 0)
        if x.dtype in UNSIGNED:
            return self.select(zero, 0, self._quotient(x, self.select(zero, 1, y)))
        minus = self.eq(y, -1)
        safe = self.select(self.logical_or(zero, minus), 1, y)
        q = self.select(minus, self.neg(x), self._quotient(x, safe))
        return self.select(zero, 0, q)

    def _fenced(self, x: Reg, y: Reg) -> Reg:
        """y, of which LLVM knows nothing: where lanes of both are known to be 0, those beyond the
        last column, LLVM 22 takes their quotient for 0, not NaN, and leaves out the mask behind."""
        if y.lanes == 1 or x.number is not None or y.number is not None:
            return y
        kind = vector(LLVM[y.dtype], y.lanes)
        name = f"llvm.arithmetic.fence.v{y.lanes}{y.dtype}"
        return Reg(self.asm.call(kind, name, (kind, y.text)), y.dtype, y.lanes)

    def _quotient(self, x: Reg, y: Reg) -> Reg:
        if ITEMSIZE[x.dtype] < 8:
            # There is no vector division of integers; float64 is exact: quotients of 32-bit
            # integers are further from the next integer than 2^-31 of their size.
            wide = self.div(self.cast(x, "f64"), self.cast(y, "f64"))
            return self.cast(wide, x.dtype)
        name = "udiv" if x.dtype in UNSIGNED else "sdiv"
        return self._emit(lambda t, v: f"{name} {t} {v[0]}, {v[1]}", x, y)

    def _rem(self, x: Reg, y: Reg) -> Reg:
        if x.dtype in FLOATS:
            y = self._fenced(x, y)
            return self._emit(lambda t, v: f"frem {t} {v[0]}, {v[1]}", x, y)
        return self.select(self.eq(y, 0), 0, self.sub(x, self.mul(self.div(x, y), y)))

    def _mulhi(self, x: Reg, y: Reg) -> Reg:
        product = self.mul(self.cast(x, "u64"), self.cast(y, "u64"))
        return self.cast(self.shr(product, 32), "u32")

    # conversions ------------------------------------------------------------------------------
    def _instruction(self, op: str, x: Reg, dtype: str) -> Reg:
        to = vector(LLVM[dtype], x.lanes)
        return self._emit(lambda t, v: f"{op} {t} {v[0]} to {to}", x, dtype=dtype)

    def _bits(self, x: Reg) -> Reg:
        return self._instruction("bitcast", x, "i32" if x.dtype == "f32" else "i64")

    def _from_bits(self, x: Reg) -> Reg:
        return self._instruction("bitcast", x, "f32" if ITEMSIZE[x.dtype] == 4 else "f64")

    def _convert(self, x: Reg, dtype: str) -> Reg:
        if x.number is not None and (dtype in FLOATS or x.dtype not in FLOATS):
            return self.const(_wrapped(x.number, dtype), dtype)
        if dtype == "b1":
            return self.ne(x, 0)
        if x.dtype in FLOATS and dtype in FLOATS:
            return self._instruction("fpext" if dtype == "f64" else "fptrunc", x, dtype)
        if x.dtype in FLOATS:
            return self._truncated(x, dtype)
        unsigned = x.dtype in UNSIGNED or x.dtype == "b1"
        if dtype in FLOATS:
            return self._instruction("uitofp" if unsigned else "sitofp", x, dtype)
        here, there = (1 if d == "b1" else 8 * ITEMSIZE[d] for d in (x.dtype, dtype))
        if here == there:
            return x._replace(dtype=dtype)
        grow = "zext" if unsigned else "sext"
        return self._instruction(grow if there > here else "trunc", x, dtype)

    def _truncated(self, x: Reg, dtype: str) -> Reg:
        """A float as an integer; out of range the bits are those that x86 gives, as NumPy's are."""
        size = ITEMSIZE[dtype]
        if dtype == "u64":
            half = self.ge(x, 2.0**63)  # beyond the signed range: shifted down and up again
            low = self._instruction("fptosi", self.select(half, self.sub(x, 2.0**63), x), "i64")
            top = self.select(half, self.const(-(2**63), "i64"), 0)
            return self.bitxor(low, top)._replace(dtype="u64")
        if dtype == "u32":
            return self._convert(self._instruction("fptosi", x, "i64"), "u32")
        if size < 4:
            return self._convert(self._instruction("fptosi", x, "i32"), dtype)
        return self._instruction("fptosi", x, dtype)

    def widen_half(self, x: Reg, half: str) -> Reg:
        """The f32 whose f16 or bf16 bits (u16) x has."""
        if half == "f16" and self.converts_half:
            t = vector("half", x.lanes)
            as_half = self.asm.value(f"bitcast {self.type(x)} {self.text(x)} to {t}")
            wide = self.asm.value(f"fpext {t} {as_half} to {vector('float', x.lanes)}")
            return Reg(wide, "f32", x.lanes)
        return half_to_single(self, x, half)

    def narrow_half(self, x: Reg, half: str) -> Reg:
        """The f16 or bf16 bits (u16) nearest to an f32, halves to even."""
        if half == "f16" and self.converts_half and x.number is None:
            t = vector("half", x.lanes)
            as_half = self.asm.value(f"fptrunc {self.type(x)} {self.text(x)} to {t}")
            bits = self.asm.value(f"bitcast {t} {as_half} to {vector('i16', x.lanes)}")
            return Reg(bits, "u16", x.lanes)
        return single_to_half(self, x, half)

    def _rounded(self, x: Reg, half: str) -> Reg:
        return self.widen_half(self.narrow_half(x, half), half)

    # what branches, and what calls ------------------------------------------------------------
    def rarely(self, condition: Reg, usual: Reg, body: Callable[[], Reg]) -> Reg:
        kind, lanes = vector(LLVM[usual.dtype], usual.lanes), usual.lanes

        def rare() -> str:
            return self.text(self.select(condition, body(), usual), lanes)

        return Reg(
            self.asm.either(self.any(condition), kind, self.text(usual), rare), usual.dtype, lanes
        )

    def _libm(self, *args: object) -> Reg:
        *xs, name = args
        regs = [x for x in xs if isinstance(x, Reg)]
        dtype, lanes = regs[0].dtype, max(x.lanes for x in regs)
        wide = [self.materialised(x, lanes) for x in regs]
        t, full = LLVM[dtype], f"{name}{'f' if dtype == 'f32' else ''}"
        if lanes == 1:
            return Reg(self.asm.call(t, full, *((t, x.text) for x in wide)), dtype, 1)
        out, v = "poison", vector(t, lanes)
        for k in range(lanes):
            one = [(t, self.asm.value(f"extractelement {v} {x.text}, i32 {k}")) for x in wide]
            y = self.asm.call(t, full, *one)
            out = self.asm.value(f"insertelement {v} {out}, {t} {y}, i32 {k}")
        return Reg(out, dtype, lanes)

    def _philox(self, index: Reg, key: Reg, step: Reg, word: int) -> Reg:
        made = (self.asm.block, index, key, step)  # four words at once, valid in this block
        if made not in self._random:
            self._random[made] = philox(self, index, key, step)
        return self._random[made][word]


def _wrapped(value: Number, dtype: str) -> Number:
    """A number as a constant of that dtype: integers wrap around."""
    if dtype in FLOATS:
        return float(value)
    if dtype == "b1":
        return bool(value)
    span = 2 ** (8 * ITEMSIZE[dtype])
    low, _ = limits(dtype)
    return int((int(value) - int(low)) % span + int(low)) if dtype in SIGNED else int(value) % span
