"""The complex conjugate, and what it is for: gradients of analytic functions.

The gradient g of a real L by a complex z is TensorFlow's: dL = Re(conj(g) dz), the direction of
steepest ascent. For an analytic y = f(z) it is g_z = g_y conj(f'(z)); `analytic` makes that rule of
one written for real numbers.

Source: Kreutz-Delgado 2009, "The Complex Gradient Operator and the CR-Calculus", section 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow.errors import DTypeError, explain
from numflow.graph.lowering import HostCall
from numflow.graph.op import Backward, Op, Vjp
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops.convert import as_tensor

IN_NUMPY = HostCall("complex numbers run in NumPy")


def _conj_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return (conj(g.ct),)


conj_op = Op("conj", lambda x: x, np.conj, _conj_vjp, IN_NUMPY)


def conj(x: TensorLike, name: str | None = None) -> Tensor:
    """The complex conjugate, element by element; real numbers as they are.

    Raises:
      DTypeError: x is text or bool.

    Example:
      >>> nf.math.conj([1 + 2j, 3 - 4j]).numpy().tolist()
      [(1-2j), (3+4j)]
    """
    z = as_number("conj", x, "x")
    return conj_op(z) if z.dtype.is_complex else z


def as_number(op: str, x: TensorLike, name: str) -> Tensor:
    """x as a tensor of numbers.

    Raises:
      DTypeError: it is text or bool.
    """
    z = as_tensor(x, None, op, name)
    if not z.dtype.is_numeric:
        raise DTypeError(explain(op, f"{name} is {z.dtype.name}, not a number", {name: z.spec}))
    return z


def analytic(rule: Vjp) -> Vjp:
    """A gradient rule that is linear in its cotangents, made right for complex numbers."""

    def vjp(g: Backward) -> Any:
        if not any(x.spec.dtype.is_complex for x in g.inputs):
            return rule(g)
        cts = tuple(None if ct is None else conj(ct) for ct in g.cts)
        found = rule(Backward(cts, g.inputs, g.outputs, g.attrs, g.needed, g.sparse))
        return tuple(None if ct is None else conj(ct) for ct in found)

    return vjp
