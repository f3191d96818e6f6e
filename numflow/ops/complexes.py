"""Complex numbers of their parts, and their parts. What gradients of them are: conjugate.py.

Compiled programs run complex numbers as host calls.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, explain
from numflow.graph.op import Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.conjugate import IN_NUMPY, as_number, conj
from numflow.ops.convert import operands
from numflow.ops.shape_rules import broadcast_shapes, same_dtype

_COMPLEX_OF = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}


# --- complex -------------------------------------------------------------------


def _complex_infer(real: Spec, imag: Spec) -> Spec:
    dtype = _COMPLEX_OF.get(same_dtype("complex", real, imag, names=("real", "imag")))
    if dtype is None:
        problem = f"real is {real.dtype.name}, neither float32 nor float64"
        raise DTypeError(explain("complex", problem, {"real": real, "imag": imag}))
    shape = broadcast_shapes("complex", real.shape, imag.shape, names=("real", "imag"))
    return Spec(shape, dtype)


def _complex_reference(re: Any, im: Any) -> Any:
    # Not re + 1j * im, which makes nan of infinite parts.
    out = np.empty(np.broadcast_shapes(re.shape, im.shape), np.result_type(re, np.complex64))
    out.real, out.imag = re, im
    return out


def _complex_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    re, im = g.inputs
    return (
        reductions.sum_to(real_op(g.ct), re) if g.needed[0] else None,
        reductions.sum_to(imag_op(g.ct), im) if g.needed[1] else None,
    )


complex_op = Op("complex", _complex_infer, _complex_reference, _complex_vjp, IN_NUMPY)


def complex(real: TensorLike, imag: TensorLike, name: str | None = None) -> Tensor:
    """real + i imag, element by element; shapes broadcast.

    Args:
      real, imag: float32, which gives complex64, or float64, which gives complex128.

    Raises:
      DTypeError: the dtypes differ, or are others.

    Example:
      >>> nf.complex([1.0, 2.0], 3.0).numpy().tolist()
      [(1+3j), (2+3j)]
    """
    return complex_op(*operands("complex", real, imag, ("real", "imag")))


# --- real, imag, angle -----------------------------------------------------------


def _part(op: str) -> Any:
    def infer(input: Spec) -> Spec:
        if not input.dtype.is_complex:
            raise DTypeError(explain(op, f"input is {input.dtype.name}", {"input": input}))
        return Spec(input.shape, input.dtype.real_dtype)

    return infer


def _real_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return (complex_op(g.ct, shaping.zeros_like(g.ct)),)


def _imag_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return (complex_op(shaping.zeros_like(g.ct), g.ct),)


def _angle_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """i / conj(z): dz/z has the change of the angle as its imaginary part."""
    (z,) = g.inputs
    return (complex_op(shaping.zeros_like(g.ct), g.ct) / conj(z),)


real_op = Op("real", _part("real"), lambda x: x.real.copy(), _real_vjp, IN_NUMPY)
imag_op = Op("imag", _part("imag"), lambda x: x.imag.copy(), _imag_vjp, IN_NUMPY)
angle_op = Op("angle", _part("angle"), np.angle, _angle_vjp, IN_NUMPY)


def real(input: TensorLike, name: str | None = None) -> Tensor:
    """The real part, element by element; real numbers as they are.

    Raises:
      DTypeError: input is text or bool.

    Example:
      >>> nf.math.real([1 + 2j, 3 - 4j]).numpy().tolist()
      [1.0, 3.0]
    """
    x = as_number("real", input, "input")
    return real_op(x) if x.dtype.is_complex else x


def imag(input: TensorLike, name: str | None = None) -> Tensor:
    """The imaginary part, element by element; 0 of real numbers.

    Example:
      >>> nf.math.imag([1 + 2j, 3 - 4j]).numpy().tolist()
      [2.0, -4.0]
    """
    x = as_number("imag", input, "input")
    return imag_op(x) if x.dtype.is_complex else shaping.zeros_like(x)


def angle(input: TensorLike, name: str | None = None) -> Tensor:
    """The angle from the positive real axis in [-pi, pi], element by element.

    Example:
      >>> nf.math.angle([1j, -1.0]).numpy().round(4).tolist()
      [1.5708, 3.1416]
    """
    x = as_number("angle", input, "input")
    if x.dtype.is_complex:
        return angle_op(x)
    zero = shaping.zeros_like(x)
    return selections.where(
        comparisons.less(x, zero), maths.cast(shaping.fill(x.spec.shape, np.pi), x.dtype), zero
    )
