"""Writing LLVM IR text: vector types of a machine, a builder of instructions, a module.

`Vectors` names the types for one element type and one Target, `Builder` writes the instructions of
one function in SSA form, `Module` collects functions and what they declare. Used by the register
tiles (tiles.py) and by the compiler of the library kernels (lang.py).

Pitfalls kept here, in one place: a `<n x i1>` mask that lives across blocks is widened at every use
without AVX-512, so masks are vectors of integers, compared in the block that uses them; a machine
without fused multiply-add gets a multiply and an add, for the intrinsic would call libm per lane.
"""

from __future__ import annotations

from functools import cached_property

from numflow.kernels.engine import Target
from numflow.kernels.records import field, record

SCALARS = {"float32": "float", "float64": "double"}


@record
class Vectors:
    """The vector types of one element type (float32, float64) on one machine."""

    dtype: str
    target: Target

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vectors) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def _key(self) -> tuple[str, Target]:
        return self.dtype, self.target

    @cached_property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return 4 if self.dtype == "float32" else 8

    @cached_property
    def lanes(self) -> int:
        """Elements of a vector."""
        return self.target.lanes(self.itemsize)

    @cached_property
    def scalar(self) -> str:
        return SCALARS[self.dtype]

    @cached_property
    def vector(self) -> str:
        return f"<{self.lanes} x {self.scalar}>"

    @cached_property
    def mask(self) -> str:
        """Type of a mask: all ones in the lanes that live, 0 in the others."""
        return f"<{self.lanes} x i{self.itemsize * 8}>"

    @cached_property
    def bits(self) -> str:
        return f"<{self.lanes} x i1>"

    @cached_property
    def suffix(self) -> str:
        """What the names of LLVM's vector intrinsics end in."""
        return f"v{self.lanes}f{self.itemsize * 8}"

    @cached_property
    def fused(self) -> bool:
        """Whether the machine multiplies and adds in one instruction."""
        return self.target.bits > 128 or not self.target.triple.startswith("x86_64")


@record
class Module:
    """Functions of one module, and the declarations and tables that they asked for."""

    vectors: Vectors
    functions: list[str] = field(default_factory=list)
    declarations: dict[str, str] = field(default_factory=dict)

    def declare(self, name: str, text: str) -> None:
        """Add the declaration or definition of the global `name`, once."""
        self.declarations.setdefault(name, text)

    def masks(self) -> str:
        """The table of masks: `lanes` times all ones, then zeros for another four vectors.

        The mask of the first n lanes starts n elements before the zeros.
        """
        n, kind = self.vectors.lanes, f"i{self.vectors.itemsize * 8}"
        values = ", ".join([f"{kind} -1"] * n + [f"{kind} 0"] * (4 * n))
        self.declare("masks", f"@masks = internal constant [{5 * n} x {kind}] [{values}], align 64")
        return "@masks"

    def text(self) -> str:
        """The whole module as IR text."""
        width = self.vectors.target.bits
        attributes = (
            f'attributes #0 = {{ nounwind "prefer-vector-width"="{width}"'
            f' "min-legal-vector-width"="{width}" "no-trapping-math"="true" }}'
        )
        return "\n".join([*self.functions, *self.declarations.values(), attributes, ""])


class Builder:
    """Writes the instructions of one function; methods return the name of their result."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.vectors = module.vectors
        self.lines: list[str] = []
        self._count = 0

    def __call__(self, text: str) -> str:
        """An instruction with a result."""
        self._count += 1
        self.lines.append(f"  %v{self._count} = {text}")
        return f"%v{self._count}"

    def do(self, text: str) -> None:
        """An instruction without a result."""
        self.lines.append("  " + text)

    def label(self, name: str) -> None:
        self.lines.append(name + ":")

    def phi(self, kind: str, *incoming: tuple[str, str]) -> str:
        """Value by predecessor: pairs (value, block)."""
        return self(f"phi {kind} " + ", ".join(f"[{value}, %{block}]" for value, block in incoming))

    # --- addresses and memory ---

    def pointer(self, address: str) -> str:
        return self(f"inttoptr i64 {address} to ptr")

    def offset(self, pointer: str, count: str | int) -> str:
        """The pointer `count` bytes further on."""
        return (
            pointer if count in (0, "0") else self(f"getelementptr i8, ptr {pointer}, i64 {count}")
        )

    def load(self, pointer: str, mask: str | None = None) -> str:
        """A vector; of a masked one (mask: <n x i1>) only the lanes that live, zeros elsewhere."""
        v = self.vectors
        if mask is None:
            return self(f"load {v.vector}, ptr {pointer}, align {v.itemsize}")
        name = f"llvm.masked.load.{v.suffix}.p0"
        self.module.declare(name, f"declare {v.vector} @{name}(ptr, i32, {v.bits}, {v.vector})")
        return self(
            f"call {v.vector} @{name}(ptr {pointer}, i32 {v.itemsize}, {v.bits} {mask},"
            f" {v.vector} zeroinitializer)"
        )

    def store(self, value: str, pointer: str, mask: str | None = None) -> None:
        v = self.vectors
        if mask is None:
            self.do(f"store {v.vector} {value}, ptr {pointer}, align {v.itemsize}")
            return
        name = f"llvm.masked.store.{v.suffix}.p0"
        self.module.declare(name, f"declare void @{name}({v.vector}, ptr, i32, {v.bits})")
        self.do(
            f"call void @{name}({v.vector} {value}, ptr {pointer}, i32 {v.itemsize},"
            f" {v.bits} {mask})"
        )

    def prefetch(self, pointer: str, level: int = 3, write: bool = False) -> None:
        """Ask for the cache line, into L1 (3) or L2 (2), to be read or written; never faults."""
        self.module.declare("prefetch", "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        self.do(f"call void @llvm.prefetch.p0(ptr {pointer}, i32 {int(write)}, i32 {level}, i32 1)")

    # --- vectors ---

    def binary(self, operation: str, a: str, b: str) -> str:
        return self(f"{operation} {self.vectors.vector} {a}, {b}")

    def splat(self, scalar: str) -> str:
        """The vector with this scalar in every lane."""
        v = self.vectors
        first = self(f"insertelement {v.vector} poison, {v.scalar} {scalar}, i32 0")
        return self(
            f"shufflevector {v.vector} {first}, {v.vector} poison,"
            f" <{v.lanes} x i32> zeroinitializer"
        )

    def fma(self, a: str, b: str, c: str) -> str:
        """a * b + c, rounded once where the machine can."""
        v = self.vectors
        if not v.fused:
            return self.binary("fadd", self.binary("fmul", a, b), c)
        name = f"llvm.fma.{v.suffix}"
        self.module.declare(name, f"declare {v.vector} @{name}({', '.join([v.vector] * 3)})")
        return self(f"call {v.vector} @{name}({v.vector} {a}, {v.vector} {b}, {v.vector} {c})")

    def larger(self, low: str, x: str) -> str:
        """max(low, x) lane by lane; where x is NaN, x."""
        v = self.vectors
        below = self(f"fcmp ogt {v.vector} {low}, {x}")
        return self(f"select {v.bits} {below}, {v.vector} {low}, {v.vector} {x}")

    def smaller(self, high: str, x: str) -> str:
        """min(high, x) lane by lane; where x is NaN, x."""
        v = self.vectors
        above = self(f"fcmp olt {v.vector} {high}, {x}")
        return self(f"select {v.bits} {above}, {v.vector} {high}, {v.vector} {x}")

    def alive(self, mask: str) -> str:
        """Integer mask -> <n x i1>, to be used in this block."""
        return self(f"icmp slt {self.vectors.mask} {mask}, zeroinitializer")

    def sum(self, x: str) -> str:
        """The sum of the lanes, halves added until one lane is left: one fixed order."""
        v = self.vectors
        width = v.lanes
        while width > 1:
            half = width // 2
            low, high = (
                self(
                    f"shufflevector <{width} x {v.scalar}> {x}, <{width} x {v.scalar}> poison,"
                    f" <{half} x i32> <{', '.join(f'i32 {start + i}' for i in range(half))}>"
                )
                for start in (0, half)
            )
            x = self(f"fadd <{half} x {v.scalar}> {low}, {high}")
            width = half
        return self(f"extractelement <1 x {v.scalar}> {x}, i32 0")
