"""Bodies of elementwise math, written once against a builder.

Two layers. `BODIES` holds the functions that both printers expand from plain operations
(polynomials; scalar_f32.py, scalar_f64.py, scalar_int.py): in a loop form such a function is one
readable Term. Below are the public bodies, one per elementwise op of the framework, which an op
names in its `lower`; they are made of operations and of those functions.

    def softplus(b, x):
        return b.add(b.max(x, 0.0), b.log1p(b.exp(b.neg(b.abs(x)))))

Run against LLVM vectors this emits vector code, against the recorder of a loop form it leaves
Terms, against the Python printer text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow.kernels import (
    scalar_erf,
    scalar_f32,
    scalar_f64,
    scalar_gamma,
    scalar_int,
    scalar_inverse,
    scalar_normal,
)
from numflow.kernels.builder import FLOATS, INTS, UNSIGNED, Builder, V
from numflow.kernels.scalar_bits import (
    half_to_single,
    normal,
    philox,
    single_to_half,
    truncated_normal,
    uniform,
)

__all__ = [
    "BODIES",
    "elu",
    "exp2",
    "gelu",
    "gelu_tanh",
    "half_to_single",
    "log2",
    "log10",
    "log_sigmoid",
    "normal",
    "philox",
    "reciprocal",
    "rsqrt",
    "sign",
    "silu",
    "single_to_half",
    "softplus",
    "softsign",
    "square",
    "truncated_normal",
    "uniform",
]

Body = Callable[..., Any]

BODIES: dict[tuple[str, str], Body] = {
    ("exp", "f32"): scalar_f32.exp,
    ("expm1", "f32"): scalar_f32.expm1,
    ("log", "f32"): scalar_f32.log,
    ("log1p", "f32"): scalar_f32.log1p,
    ("tanh", "f32"): scalar_f32.tanh,
    ("sigmoid", "f32"): scalar_f32.sigmoid,
    ("sin", "f32"): scalar_f32.sin,
    ("cos", "f32"): scalar_f32.cos,
    ("tan", "f32"): scalar_f32.tan,
    ("pow", "f32"): scalar_f32.pow,
    ("exp", "f64"): scalar_f64.exp,
    ("expm1", "f64"): scalar_f64.expm1,
    ("log", "f64"): scalar_f64.log,
    ("log1p", "f64"): scalar_f64.log1p,
    ("tanh", "f64"): scalar_f64.tanh,
    ("sigmoid", "f64"): scalar_f64.sigmoid,
    ("sin", "f64"): scalar_f64.sin,
    ("cos", "f64"): scalar_f64.cos,
    ("tan", "f64"): scalar_f64.tan,
    ("pow", "f64"): scalar_f64.pow,
    **{("erf", d): scalar_erf.erf for d in FLOATS},
    **{("erfc", d): scalar_erf.erfc for d in FLOATS},
    **{("atan", d): scalar_inverse.atan for d in FLOATS},
    **{("atan2", d): scalar_inverse.atan2 for d in FLOATS},
    **{("asin", d): scalar_inverse.asin for d in FLOATS},
    **{("acos", d): scalar_inverse.acos for d in FLOATS},
    **{("sinh", d): scalar_inverse.sinh for d in FLOATS},
    **{("cosh", d): scalar_inverse.cosh for d in FLOATS},
    **{("asinh", d): scalar_inverse.asinh for d in FLOATS},
    **{("acosh", d): scalar_inverse.acosh for d in FLOATS},
    **{("atanh", d): scalar_inverse.atanh for d in FLOATS},
    **{("log2", d): scalar_inverse.log2 for d in FLOATS},
    **{("log10", d): scalar_inverse.log10 for d in FLOATS},
    **{("lgamma", d): scalar_gamma.lgamma for d in FLOATS},
    **{("digamma", d): scalar_gamma.digamma for d in FLOATS},
    **{("product", d): scalar_normal.product for d in FLOATS},
    **{("normal", d): scalar_normal.normal for d in FLOATS},
    **{("truncated_normal", d): scalar_normal.truncated_normal for d in FLOATS},
    **{("floordiv", d): scalar_int.floordiv_float for d in FLOATS},
    **{("mod", d): scalar_int.mod_float for d in FLOATS},
    **{("floordiv", d): scalar_int.floordiv for d in INTS},
    **{("mod", d): scalar_int.mod for d in INTS},
    **{("pow", d): scalar_int.pow for d in INTS},
}
"""(function, dtype) -> body(builder, *args)."""


# --- composed bodies -------------------------------------------------------------


def sign(b: Builder[V], x: V) -> V:
    """-1, 0 or 1; NaN stays."""
    if x.dtype not in FLOATS:
        above = b.select(b.gt(x, 0), b.const(1, x.dtype), 0)
        return above if x.dtype in UNSIGNED else b.select(b.lt(x, 0), -1, above)
    return b.select(b.gt(b.abs(x), 0.0), b.copysign(1.0, x), x)


def reciprocal(b: Builder[V], x: V) -> V:
    return b.div(1.0, x)


def rsqrt(b: Builder[V], x: V) -> V:
    return b.div(1.0, b.sqrt(x))


def square(b: Builder[V], x: V) -> V:
    return b.mul(x, x)


def softplus(b: Builder[V], x: V) -> V:
    """log(1 + e^x), without overflow."""
    return b.add(b.max(x, 0.0), b.log1p(b.exp(b.neg(b.abs(x)))))


def log_sigmoid(b: Builder[V], x: V) -> V:
    return b.sub(b.min(x, 0.0), b.log1p(b.exp(b.neg(b.abs(x)))))


def softsign(b: Builder[V], x: V) -> V:
    return b.div(x, b.add(b.abs(x), 1.0))


def silu(b: Builder[V], x: V) -> V:
    return b.mul(x, b.sigmoid(x))


def elu(b: Builder[V], x: V) -> V:
    return b.select(b.gt(x, 0.0), x, b.expm1(b.min(x, 0.0)))


def gelu(b: Builder[V], x: V) -> V:
    """x times the normal distribution up to x: erfc keeps its digits where that is small."""
    return b.mul(b.mul(x, 0.5), b.erfc(b.mul(x, -0.7071067811865476)))


def gelu_tanh(b: Builder[V], x: V) -> V:
    """Hendrycks & Gimpel 2016."""
    inner = b.mul(b.fma(b.mul(b.mul(x, x), x), 0.044715, x), 0.7978845608028654)
    return b.mul(b.mul(x, 0.5), b.add(b.tanh(inner), 1.0))


def exp2(b: Builder[V], x: V) -> V:
    return b.pow(b.const(2.0, x.dtype), x)


def log2(b: Builder[V], x: V) -> V:
    """Whole numbers for powers of two."""
    return b.math("log2", x)


def log10(b: Builder[V], x: V) -> V:
    return b.math("log10", x)
