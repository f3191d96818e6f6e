"""Exponentials, logarithms and roots of matrices.

They are computed by NumPy, between two parts of a program. The gradient of each function f is f
again: in the matrix of blocks [[A, E], [0, A]] the block on the upper right becomes the derivative
of f at A in the direction E (Mathias 1996, "A chain rule for matrix functions").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numflow.errors import DTypeError, InvalidArgumentError, explain
from numflow.graph.op import Backward, Op, Vjp
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import joining
from numflow.ops import shape as shaping
from numflow.ops.matrices import LAPACK, adjoint_of, on_one_thread, square


def _by_blocks(function: Callable[[Tensor], Tensor]) -> Vjp:
    def vjp(g: Backward) -> tuple[Tensor]:
        a = adjoint_of(g.inputs[0])
        n = a.spec.shape[-1]
        upper = joining.concat([a, g.ct], -1)
        lower = joining.concat([shaping.zeros_like(a), a], -1)
        return (function(joining.concat([upper, lower], -2))[..., :n, n:],)

    return vjp


def _each(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """function of a matrix in double precision, for all in an array."""

    @on_one_thread
    def reference(x: Any) -> Any:
        wide = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
        out = np.empty_like(wide)
        if x.size:
            n = x.shape[-1]
            for have, made in zip(wide.reshape(-1, n, n), out.reshape(-1, n, n), strict=True):
                made[...] = function(have)
        return out.astype(x.dtype)

    return reference


# --- exponential --------------------------------------------------------------------------

_PADE = (  # of e^x, 13 above and below
    *(64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0),
    *(129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0),
    *(40840800.0, 960960.0, 16380.0, 182.0, 1.0),
)
_REACH = 5.371920351148152  # the norm up to which it holds


def _exponential(a: Any) -> Any:
    """Higham 2005, "The scaling and squaring method for the matrix exponential revisited"."""
    norm = np.linalg.norm(a, 1)
    if not np.isfinite(norm):
        return np.full_like(a, np.nan)
    halvings = max(0, int(np.ceil(np.log2(norm / _REACH)))) if norm > _REACH else 0
    a = a / 2.0**halvings
    one, b = np.eye(len(a)), _PADE
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    odd = a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2)
    odd = a @ (odd + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * one)
    even = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2)
    even = even + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * one
    y = np.linalg.solve(even - odd, even + odd)
    for _ in range(halvings):
        y = y @ y
    return y


expm_op: Op = Op("expm", lambda x: x, _each(_exponential), _by_blocks(lambda x: expm_op(x)), LAPACK)


def expm(input: TensorLike, name: str | None = None) -> Tensor:
    """The exponentials of square matrices [..., n, n]: 1 + A + A^2/2 + A^3/6 + ...

    Raises:
      ShapeError, DTypeError: input is no square matrix of floating or complex numbers.

    Example:
      >>> nf.linalg.expm([[0.0, 1.0], [0.0, 0.0]]).numpy().tolist()
      [[1.0, 1.0], [0.0, 1.0]]
    """
    return expm_op(square("expm", input))


# --- square root --------------------------------------------------------------------------


def _root(a: Any) -> Any:
    if not np.isfinite(a).all():
        return np.full_like(a, np.nan)
    if np.array_equal(a, a.conj().T):
        values, vectors = np.linalg.eigh(a)
        if values.min() < -1e-12 * np.abs(values).max() and a.dtype.kind != "c":
            raise _none("sqrtm", "square root")
        least = 0 if a.dtype.kind != "c" else -np.inf
        roots = np.emath.sqrt(np.maximum(values, least))
        return (vectors * roots) @ vectors.conj().T
    found = _iterated_root(a)
    if found is None:
        found = _root_of_values(a)
    if found is None:
        raise _none("sqrtm", "square root")
    return found


def _none(op: str, what: str) -> InvalidArgumentError:
    problem = f"input has no {what} of its dtype, or none that can be computed"
    return InvalidArgumentError(explain(op, problem, fix="a complex dtype"))


def _iterated_root(a: Any) -> Any:
    """Denman and Beavers' iteration, as products, scaled by determinants; None: it does not end.

    Source: Higham 2008, "Functions of matrices", equation 6.29 and section 6.5.
    """
    n, one = len(a), np.eye(len(a))
    m, x, scale = a, a, True
    try:
        for _ in range(60):
            g = 1.0
            if scale:
                log_size = np.linalg.slogdet(m)[1]
                g = np.exp(-log_size / (2 * n))
                if not np.isfinite(g) or g == 0:
                    return None
            inverse = np.linalg.inv(m)
            x = 0.5 * g * (x @ (one + inverse / g**2))
            m = 0.5 * (one + (g**2 * m + inverse / g**2) / 2)
            error = np.abs(m - one).sum(0).max()
            scale = error > 0.1
            if error < 1e-14 * n:
                break
    except np.linalg.LinAlgError:
        return None
    fits = np.abs(x @ x - a).max() <= 1e-9 * max(np.abs(a).max(), 1e-300)
    return x if fits else None


def _root_of_values(a: Any) -> Any:
    """By eigenvalues, where the vectors are well apart."""
    values, vectors = np.linalg.eig(a)
    if np.linalg.cond(vectors) > 1e7:
        return None
    found = (vectors * np.emath.sqrt(values)) @ np.linalg.inv(vectors)
    if a.dtype.kind != "c":
        if np.abs(found.imag).max() > 1e-9 * np.abs(found).max():
            return None
        found = found.real
    return found


sqrtm_op: Op = Op("sqrtm", lambda x: x, _each(_root), _by_blocks(lambda x: sqrtm_op(x)), LAPACK)


def sqrtm(input: TensorLike, name: str | None = None) -> Tensor:
    """The principal square roots of square matrices [..., n, n].

    Raises:
      InvalidArgumentError: a matrix has none of its dtype.
      ShapeError, DTypeError: input is no square matrix of floating or complex numbers.

    Example:
      >>> nf.linalg.sqrtm([[4.0, 0.0], [0.0, 9.0]]).numpy().tolist()
      [[2.0, 0.0], [0.0, 3.0]]
    """
    return sqrtm_op(square("sqrtm", input))


# --- logarithm ----------------------------------------------------------------------------

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(8)


def _logarithm(a: Any) -> Any:
    """Roots until near 1, then the integral of X (1 + t X)^-1 by Gauss and Legendre's rule.

    Source: Higham 2008, "Functions of matrices", section 11.5.
    """
    one, roots = np.eye(len(a)), 0
    while np.abs(a - one).sum(0).max() > 0.2:
        found = _iterated_root(a) if roots < 100 else None
        if found is None:
            raise _none("logm", "logarithm")
        a, roots = found, roots + 1
    x = a - one
    total = np.zeros_like(a)
    for node, weight in zip(_NODES, _NODE_WEIGHTS, strict=True):
        total += 0.5 * weight * np.linalg.solve(one + 0.5 * (node + 1) * x, x)
    return total * 2.0**roots


logm_op: Op = Op("logm", lambda x: x, _each(_logarithm), _by_blocks(lambda x: logm_op(x)), LAPACK)


def logm(input: TensorLike, name: str | None = None) -> Tensor:
    """The principal logarithms of square complex matrices [..., n, n]: expm(logm(A)) is A.

    Raises:
      InvalidArgumentError: a matrix has none: it is not invertible.
      ShapeError, DTypeError: input is no square matrix of complex numbers.

    Example:
      >>> x = nf.linalg.logm(nf.constant([[1, 2], [0, 1]], nf.complex128))
      >>> x.numpy().real.round(6).tolist()
      [[0.0, 2.0], [0.0, 0.0]]
    """
    x = square("logm", input)
    if not x.dtype.is_complex:
        problem = f"input is {x.dtype.name}; it takes complex64 and complex128"
        fix = "nf.cast(input, nf.complex64)"
        raise DTypeError(explain("logm", problem, {"input": x.spec}, fix))
    return logm_op(x)
