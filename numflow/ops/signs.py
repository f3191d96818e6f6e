"""Signs: negative, abs, sign."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.graph.lowering import Elementwise
from numflow.graph.op import Backward, Op
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, complexes
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.conjugate import analytic, conj
from numflow.ops.convert import as_tensor
from numflow.ops.shape_rules import numeric_like

negative_op = Op(
    "negative",
    numeric_like("negative"),
    np.negative,
    analytic(lambda g: (-g.ct,)),
    Elementwise(lambda b, x: b.neg(x)),
)


def negative(x: TensorLike, name: str | None = None) -> Tensor:
    """-x, element by element.

    Example:
      >>> nf.negative([1, -2]).numpy().tolist()
      [-1, 2]
    """
    return negative_op(as_tensor(x, None, "negative", "x"))


def _abs_infer(x: Any) -> Any:
    spec = numeric_like("abs")(x)
    return type(x)(x.shape, spec.dtype.real_dtype)


def _abs_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    ct, (x,) = g.ct, g.inputs
    if x.dtype.is_complex:  # straight away from 0
        ct = complexes.complex_op(ct, shaping.zeros_like(ct))
    return (ct * sign(x),)


abs_op = Op(
    "abs",
    _abs_infer,
    np.abs,
    _abs_vjp,
    Elementwise(lambda b, x: b.abs(x)),
)


def abs(x: TensorLike, name: str | None = None) -> Tensor:
    """|x|, element by element; of complex numbers their modulus, a real number.

    Example:
      >>> nf.abs([-1.5, 2.0]).numpy().tolist()
      [1.5, 2.0]
    """
    return abs_op(as_tensor(x, None, "abs", "x"))


def _sign_body(b: Any, x: Any) -> Any:
    if x.dtype.startswith("u"):
        return b.select(b.gt(x, 0), 1, x)
    rest = b.add(x, 0.0) if x.dtype.startswith("f") else x  # 0, of -0.0 too, and nan
    return b.select(b.gt(x, 0), 1, b.select(b.lt(x, 0), -1, rest))


def _sign_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """Of z / |z|: what turns z, not what makes it longer."""
    ct, (x,), (y,) = g.ct, g.inputs, g.outputs
    if not x.dtype.is_complex:
        return (shaping.zeros_like(ct),)
    along = complexes.complex(complexes.real(conj(y) * ct), 0.0)
    size = abs(x)
    turns = (ct - y * along) / complexes.complex(size, 0.0)
    return (selections.where(comparisons.equal(size, 0.0), shaping.zeros_like(ct), turns),)


sign_op = Op(
    "sign",
    numeric_like("sign"),
    np.sign,
    _sign_vjp,
    Elementwise(_sign_body),
)


def sign(x: TensorLike, name: str | None = None) -> Tensor:
    """-1, 0 or 1 as x is below, at or above 0; nan of nan. Of complex numbers x / |x|, or 0.

    Example:
      >>> nf.sign([-3.0, 0.0, 5.0]).numpy().tolist()
      [-1.0, 0.0, 1.0]
    """
    return sign_op(as_tensor(x, None, "sign", "x"))
