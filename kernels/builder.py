"""The builder that bodies of elementwise math are written against, and the dtypes it knows.

A body such as `softplus(b, x)` in scalar.py never computes anything itself: it asks a builder `b`
for additions, comparisons and the like, and the builder decides what these become:

    codegen/assembler.py   LLVM vectors            graph/loops.py     Terms of a loop form
    codegen/source.py      Python text             tests              NumPy arrays

A value is whatever the builder hands out; all that bodies know of it is its `dtype`. Python numbers
stand for constants of the dtype of the value beside them. Every method ends in `apply(op, args,
dtype)`: one function per builder.

Dtypes are named f16 bf16 f32 f64, i8 ... i64, u8 ... u64, and b1 for bool (a byte in memory). The
two 16-bit floats exist in memory only: they are loaded as f32, and rounded when stored or by
`rounded`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

Number = int | float | bool

FLOATS = ("f32", "f64")
HALVES = ("f16", "bf16")
SIGNED = ("i8", "i16", "i32", "i64")
UNSIGNED = ("u8", "u16", "u32", "u64")
INTS = SIGNED + UNSIGNED
ITEMSIZE = {
    **{"b1": 1, "i8": 1, "u8": 1, "i16": 2, "u16": 2, "f16": 2, "bf16": 2},
    **{"i32": 4, "u32": 4, "f32": 4, "i64": 8, "u64": 8, "f64": 8},
}
BITS_OF = {"f32": "i32", "f64": "i64"}
FLOAT_OF = {"i32": "f32", "i64": "f64", "u32": "f32", "u64": "f64"}
INF, NAN = float("inf"), float("nan")
_CODES = {
    **{f"{name}{bits}": f"{name[0]}{bits}" for name in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{"float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64", "bool": "b1"},
}


def code(dtype: object) -> str:
    """The name here of a dtype whose text is NumPy's name of it ("float32"), or is that of here."""
    name = str(dtype)
    return name if name in ITEMSIZE else _CODES[name]


def limits(dtype: str) -> tuple[Number, Number]:
    """The least and the greatest value: infinities for floats, False and True for b1."""
    if dtype in FLOATS:
        return -INF, INF
    if dtype == "b1":
        return False, True
    bits = 8 * ITEMSIZE[dtype]
    return (0, 2**bits - 1) if dtype in UNSIGNED else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


class HasDtype(Protocol):
    """All that a body may know of a value."""

    @property
    def dtype(self) -> str: ...


V = TypeVar("V", bound=HasDtype)


class Builder(ABC, Generic[V]):
    """Operations on values of type V.

    Subclasses say what a constant is, and what an operation becomes.
    """

    @abstractmethod
    def const(self, value: Number, dtype: str) -> V: ...

    @abstractmethod
    def apply(self, op: str, args: tuple[V, ...], dtype: str, attr: object = None) -> V:
        """Operation `op` on args of one dtype (but the condition of select).

        The result's is `dtype`.
        """

    def rarely(self, condition: V, usual: V, body: Callable[[], V]) -> V:
        """body() where condition holds, else usual.

        For a costly path that hardly any element takes.
        """
        return self.select(condition, body(), usual)

    @staticmethod
    def code(dtype: object) -> str:
        """The name here of a dtype of the framework, for `cast`."""
        return code(dtype)

    def _same(self, *xs: V | Number) -> tuple[V, ...]:
        """Numbers become constants of the dtype of the first value.

        Mixed dtypes are the caller's mistake.
        """
        dtype = next(x.dtype for x in xs if not isinstance(x, (int, float)))
        out = tuple(self.const(x, dtype) if isinstance(x, (int, float)) else x for x in xs)
        if any(x.dtype != dtype for x in out):
            raise TypeError(f"mixed dtypes without a cast: {[x.dtype for x in out]}")
        return out

    def math(self, op: str, *xs: V | Number) -> V:
        """An operation whose operands and result share a dtype, by its name."""
        args = self._same(*xs)
        return self.apply(op, args, args[0].dtype)

    def _compare(self, op: str, x: V | Number, y: V | Number) -> V:
        return self.apply(op, self._same(x, y), "b1")

    # arithmetic: floats, and integers that wrap around ----------------------------------------
    def add(self, x: V | Number, y: V | Number) -> V:
        return self.math("add", x, y)

    def sub(self, x: V | Number, y: V | Number) -> V:
        return self.math("sub", x, y)

    def mul(self, x: V | Number, y: V | Number) -> V:
        return self.math("mul", x, y)

    def div(self, x: V | Number, y: V | Number) -> V:
        """x / y; of integers truncated, and 0 where y is 0: nothing traps."""
        return self.math("div", x, y)

    def rem(self, x: V | Number, y: V | Number) -> V:
        """x - y trunc(x / y), exactly; of integers 0 where y is 0."""
        return self.math("rem", x, y)

    def neg(self, x: V) -> V:
        return self.math("neg", x)

    def abs(self, x: V) -> V:
        return self.math("abs", x)

    def max(self, x: V | Number, y: V | Number) -> V:
        """The larger one; NaN if either is."""
        return self.math("max", x, y)

    def min(self, x: V | Number, y: V | Number) -> V:
        """The smaller one; NaN if either is."""
        return self.math("min", x, y)

    def larger(self, x: V | Number, y: V | Number) -> V:
        """x if x > y else y: one instruction, y where either is NaN."""
        return self.math("larger", x, y)

    def smaller(self, x: V | Number, y: V | Number) -> V:
        """x if x < y else y: one instruction, y where either is NaN."""
        return self.math("smaller", x, y)

    # floats only ------------------------------------------------------------------------------
    def fma(self, x: V | Number, y: V | Number, z: V | Number) -> V:
        """x y + z, rounded once."""
        return self.math("fma", x, y, z)

    def rint(self, x: V) -> V:
        """The nearest integer, halves to even."""
        return self.math("rint", x)

    def floor(self, x: V) -> V:
        return self.math("floor", x)

    def ceil(self, x: V) -> V:
        return self.math("ceil", x)

    def trunc(self, x: V) -> V:
        return self.math("trunc", x)

    def sqrt(self, x: V) -> V:
        return self.math("sqrt", x)

    def copysign(self, x: V | Number, y: V | Number) -> V:
        return self.math("copysign", x, y)

    def libm(self, name: str, *xs: V) -> V:
        """The C library's function of that name, one element at a time.

        For what hardly ever happens.
        """
        return self.apply("libm", self._same(*xs), xs[0].dtype, name)

    def scaled(self, x: V, k: V) -> V:
        """x 2^n, rounded once: for a float x near 1, and n as a polynomial's range reduction leaves
        it, k = 1.5 * 2^23 + n (float64: 1.5 * 2^52 + n). Down to denormals, up to infinity."""
        wide = x.dtype == "f64"
        mantissa, bias, magic = (52, 1023, 0x4338000000000000) if wide else (23, 127, 0x4B400000)
        i = self.sub(self.bits(k), magic)
        half = self.shr(i, 1)  # in two factors, of which the first leaves x exact
        for part in (half, self.sub(i, half)):
            x = self.mul(x, self.from_bits(self.shl(self.add(part, bias), mantissa)))
        return x

    # bits -------------------------------------------------------------------------------------
    def shl(self, x: V | Number, n: V | Number) -> V:
        return self.math("shl", x, n)

    def shr(self, x: V | Number, n: V | Number) -> V:
        """Arithmetic where x is signed."""
        return self.math("shr", x, n)

    def bitand(self, x: V | Number, y: V | Number) -> V:
        return self.math("bitand", x, y)

    def bitor(self, x: V | Number, y: V | Number) -> V:
        return self.math("bitor", x, y)

    def bitxor(self, x: V | Number, y: V | Number) -> V:
        return self.math("bitxor", x, y)

    def bitnot(self, x: V) -> V:
        return self.bitxor(x, limits(x.dtype)[1] if x.dtype in UNSIGNED else -1)

    def mulhi(self, x: V | Number, y: V | Number) -> V:
        """The upper half of the product of two u32."""
        return self.math("mulhi", x, y)

    def bits(self, x: V) -> V:
        """The bits of a float as a signed integer of its width."""
        return self.apply("bits", (x,), BITS_OF[x.dtype])

    def from_bits(self, x: V) -> V:
        return self.apply("from_bits", (x,), FLOAT_OF[x.dtype])

    # comparisons and choices ------------------------------------------------------------------
    def lt(self, x: V | Number, y: V | Number) -> V:
        return self._compare("lt", x, y)

    def le(self, x: V | Number, y: V | Number) -> V:
        return self._compare("le", x, y)

    def gt(self, x: V | Number, y: V | Number) -> V:
        return self._compare("gt", x, y)

    def ge(self, x: V | Number, y: V | Number) -> V:
        return self._compare("ge", x, y)

    def eq(self, x: V | Number, y: V | Number) -> V:
        return self._compare("eq", x, y)

    def ne(self, x: V | Number, y: V | Number) -> V:
        """Unlike; true where either is NaN."""
        return self._compare("ne", x, y)

    def isnan(self, x: V) -> V:
        return self._compare("ne", x, x)

    def logical_and(self, x: V | Number, y: V | Number) -> V:
        return self.math("logical_and", x, y)

    def logical_or(self, x: V | Number, y: V | Number) -> V:
        return self.math("logical_or", x, y)

    def logical_not(self, x: V) -> V:
        return self.math("logical_not", x)

    def select(self, condition: V, x: V | Number, y: V | Number) -> V:
        """x where condition holds, else y; at least one of them is no number."""
        values = self._same(x, y)
        return self.apply("select", (condition, *values), values[0].dtype)

    def cast(self, x: V, dtype: str) -> V:
        """Floats truncate to integers; to b1 means: is not 0; to f16 or bf16.

        Rounded, as an f32.
        """
        if dtype in HALVES:
            return self.rounded(self.cast(x, "f32"), dtype)
        return x if x.dtype == dtype else self.apply("cast", (x,), dtype)

    def rounded(self, x: V, half: str) -> V:
        """A float32 as it is after being stored as f16 or bf16."""
        return self.apply("rounded", (x,), "f32", half)

    # functions with a polynomial, scalar.py ---------------------------------------------------
    def exp(self, x: V) -> V:
        return self.math("exp", x)

    def expm1(self, x: V) -> V:
        return self.math("expm1", x)

    def log(self, x: V) -> V:
        return self.math("log", x)

    def log1p(self, x: V) -> V:
        return self.math("log1p", x)

    def tanh(self, x: V) -> V:
        return self.math("tanh", x)

    def sigmoid(self, x: V) -> V:
        return self.math("sigmoid", x)

    def erf(self, x: V) -> V:
        return self.math("erf", x)

    def erfc(self, x: V) -> V:
        return self.math("erfc", x)

    def sin(self, x: V) -> V:
        return self.math("sin", x)

    def cos(self, x: V) -> V:
        return self.math("cos", x)

    def tan(self, x: V) -> V:
        return self.math("tan", x)

    def pow(self, x: V | Number, y: V | Number) -> V:
        return self.math("pow", x, y)

    def philox(self, index: V, key: V, step: V, word: int) -> V:
        """Word 0 to 3 of the random block of element `index`, as u32; the arguments are i64.

        Scalar_random.py
        """
        return self.apply("philox", (index, key, step), "u32", word)
