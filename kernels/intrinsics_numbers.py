"""What a kernel in lang.py's subset of Python may call for single numbers: conversions, float64.

As intrinsics.py, which says more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from numflow.kernels.intrinsics import F32, F64, Elem, compiled_only
from numflow.kernels.lang import Value, intrinsic

if TYPE_CHECKING:
    from numflow.kernels.lang_compiler import Compiler


@intrinsic(lambda c, x: Value("double", c.b(f"sitofp i64 {x.name} to double")))
def to_f64(x: int) -> F64:
    """The float64 nearest to x."""
    compiled_only()


@intrinsic(lambda c, x: Value("double", c.b(f"fpext float {x.name} to double")))
def widen(x: F32) -> F64:
    """x as a float64."""
    compiled_only()


@intrinsic(lambda c, x: Value("float", c.b(f"fptrunc double {x.name} to float")))
def narrow(x: F64) -> F32:
    """x rounded to float32."""
    compiled_only()


def _element_to_f64(c: Compiler, x: Value) -> Value:
    wide = x.kind == "double"
    return x if wide else Value("double", c.b(f"fpext {x.kind} {x.name} to double"))


@intrinsic(_element_to_f64)
def element_to_f64(x: Elem) -> F64:
    """An element as a float64."""
    compiled_only()


def _f64_to_element(c: Compiler, x: Value) -> Value:
    kind = c.vectors.scalar
    return x if kind == "double" else Value(kind, c.b(f"fptrunc double {x.name} to {kind}"))


@intrinsic(_f64_to_element)
def f64_to_element(x: F64) -> Elem:
    """x rounded to an element."""
    compiled_only()


@intrinsic(lambda c, x: Value("i64", c.b(f"bitcast double {x.name} to i64")))
def bits(x: F64) -> int:
    """The 64 bits of x."""
    compiled_only()


@intrinsic(lambda c, x: Value("double", c.b(f"bitcast i64 {x.name} to double")))
def of_bits(x: int) -> F64:
    """The float64 of these bits."""
    compiled_only()


@intrinsic(lambda c, x: Value("i64", c.b(f"fptosi double {x.name} to i64")))
def truncate(x: F64) -> int:
    """x without its fraction; x must fit in 64 bits."""
    compiled_only()


def _function(name: str) -> Callable[[Compiler, Value], Value]:
    """An LLVM intrinsic of one double."""

    def emit(c: Compiler, x: Value) -> Value:
        full = f"llvm.{name}.f64"
        c.module.declare(full, f"declare double @{full}(double)")
        return Value("double", c.b(f"call double @{full}(double {x.name})"))

    return emit


@intrinsic(lambda c, x: Value("double", x.name))
def number(x: float) -> F64:
    """A literal as a float64, in a kernel compiled for float64."""
    compiled_only()


@intrinsic(_function("sqrt"))
def sqrt(x: F64) -> F64:
    """The square root."""
    compiled_only()


@intrinsic(_function("floor"))
def floor(x: F64) -> F64:
    """The next integer below."""
    compiled_only()


@intrinsic(_function("fabs"))
def fabs(x: F64) -> F64:
    """|x|"""
    compiled_only()
