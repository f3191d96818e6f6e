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

from numflow.kernels import scalar_f32, scalar_f64, scalar_int
from numflow.kernels.builder import FLOATS, INTS
from numflow.kernels.scalar_bits import (
    half_to_single,
    philox,
    single_to_half,
    uniform_f32,
    uniform_f64,
)

__all__ = ["BODIES", "half_to_single", "philox", "single_to_half", "uniform_f32", "uniform_f64"]

Body = Callable[..., Any]

BODIES: dict[tuple[str, str], Body] = {
    ("exp", "f32"): scalar_f32.exp,
    ("expm1", "f32"): scalar_f32.expm1,
    ("log", "f32"): scalar_f32.log,
    ("log1p", "f32"): scalar_f32.log1p,
    ("tanh", "f32"): scalar_f32.tanh,
    ("sigmoid", "f32"): scalar_f32.sigmoid,
    ("erf", "f32"): scalar_f32.erf,
    ("sin", "f32"): scalar_f32.sin,
    ("cos", "f32"): scalar_f32.cos,
    ("tan", "f32"): scalar_f32.tan,
    ("pow", "f32"): scalar_f32.pow,
    ("exp", "f64"): scalar_f64.exp,
    ("log", "f64"): scalar_f64.log,
    ("sigmoid", "f64"): scalar_f64.sigmoid,
    **{("floordiv", d): scalar_int.floordiv_float for d in FLOATS},
    **{("mod", d): scalar_int.mod_float for d in FLOATS},
    **{("floordiv", d): scalar_int.floordiv for d in INTS},
    **{("mod", d): scalar_int.mod for d in INTS},
    **{("pow", d): scalar_int.pow for d in INTS},
}
"""(function, dtype) -> body(builder, *args)."""
