"""Gamma random numbers, and their gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.lowering import Library
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import same_bits, transcendental
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_shape
from numflow.ops.random import float_dtype
from numflow.ops.random_bits import normals, uniforms
from numflow.ops.random_state import State, draw, stateless
from numflow.ops.shape_rules import broadcast_shapes
from numflow.shapes import Extent, Shape, product

_ATTEMPTS, _LARGE, _TERMS, _MOST = 64, 2000, 60, 2000  # as in kernels/cpu/random_gamma.py

_LEAST = {  # normal numbers
    dtypes.float16: 2.0**-14,
    dtypes.bfloat16: 2.0**-126,
    dtypes.float32: 2.0**-126,
    dtypes.float64: 2.0**-1022,
}

# --- the derivative of a sample ------------------------------------------------------------


def _slope_reference(alpha: Any, digamma: Any, x: Any) -> Any:
    """dx/dalpha where the quantile of x stays: the three ways of kernels/cpu/random_gamma.py."""
    a, psi = np.broadcast_to(alpha, x.shape), np.broadcast_to(digamma, x.shape)
    out = np.full(x.shape, np.nan)
    good = (a > 0) & (x >= 0) & np.isfinite(x) & np.isfinite(a)
    out[good & (x == 0)] = 0.0
    good &= x > 0
    large = good & (a > _LARGE)
    beyond = good & ~large & (x > a + 1.0 + np.sqrt(a))
    near = good & ~large & ~beyond
    out[large] = _by_quantile(a[large], x[large])
    out[beyond] = _by_fraction(a[beyond], x[beyond], np.log(x[beyond]) - psi[beyond])
    out[near] = _by_series(a[near], x[near], np.log(x[near]) - psi[near] - 1.0 / a[near])
    return out


def _by_series(a: Any, x: Any, slope: Any) -> Any:
    c, h, s, ds = np.ones_like(a), np.zeros_like(a), np.ones_like(a), np.zeros_like(a)
    for n in np.arange(1, _MOST):
        c = c * (x / (a + n))
        h = h + 1.0 / (a + n)
        s = s + c
        ds = ds - c * h
        if np.all((c <= 1e-17 * s) & (c * h <= -1e-17 * ds)):
            break
    return -(x / a) * (s * slope + ds)


def _by_fraction(a: Any, x: Any, slope: Any) -> Any:
    f, df = x + (2 * _TERMS + 1) - a, np.full_like(a, -1.0)
    for n in np.arange(_TERMS, 0, -1):
        above = n * (a - n)
        df = -1.0 + (n - above * df / f) / f
        f = x + (2 * n - 1) - a + above / f
    return x / f * (slope - df / f)


def _by_quantile(a: Any, x: Any) -> Any:
    root = np.sqrt(a)
    r = 1.0 / root
    z = (x - a) * r
    for _ in np.arange(6):
        y = z * z
        found = a + z * root + (y - 1.0) / 3.0 + z * (y - 7.0) * r / 36.0
        found = found - ((3.0 * y + 7.0) * y - 16.0) * r * r / 810.0
        found = found + z * ((9.0 * y + 256.0) * y - 433.0) * r * r * r / 38880.0
        slope = root + z * (2 / 3) + (3.0 * y - 7.0) * r / 36.0
        slope = slope - z * (12.0 * y + 14.0) * r * r / 810.0
        slope = slope + ((45.0 * y + 768.0) * y - 433.0) * r * r * r / 38880.0
        z = z - (found - x) / slope
    y, r3 = z * z, r * r * r
    total = 1.0 + z * r * 0.5 - z * (y - 7.0) * r3 / 72.0
    total = total + ((3.0 * y + 7.0) * y - 16.0) * r3 * r / 810.0
    return total - z * ((9.0 * y + 256.0) * y - 433.0) * r3 * r * r / 25920.0


def _plan_slope(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import random_gamma as kernel  # llvmlite: only where code is made

    count, period = product(inputs[2].shape), product(inputs[0].shape)
    assert isinstance(count, int) and isinstance(period, int)
    return kernel.plan_derivative(count, period)


slope_op = Op(
    "gamma_sample_slope",
    lambda alpha, digamma, x: x,
    _slope_reference,
    None,
    Library(_plan_slope),
)

# --- samples ---------------------------------------------------------------------------------


def _gamma_infer(alpha: Spec, key: Spec, step: Spec, *, outer: Extent) -> Spec:
    return Spec((outer, *alpha.shape), dtypes.float64)


def _gamma_reference(alpha: Any, key: Any, step: Any, *, outer: int) -> Any:
    """Marsaglia and Tsang's method: the twin of kernels/cpu/random_gamma.py."""
    a = np.tile(alpha, outer)
    good = (a > 0) & (a < np.inf)
    d = np.where(a < 1.0, a + 1.0, a) - 0.3333333333333333
    c = 1.0 / np.sqrt(9.0 * d)
    t, boost = np.zeros_like(a), np.zeros_like(a)
    todo = np.flatnonzero(good)
    for attempt in range(_ATTEMPTS):
        if not todo.size:
            break
        x = normals(2 * attempt, todo, key, step)
        u, boost[todo] = uniforms(2 * attempt + 1, todo, key, step)
        t[todo] = now = c[todo] * x
        u = 1.0 - u
        sure = u < 1.0 - 0.0331 * (x * x) * (x * x)
        accepted = (now > -1.0) & (sure | (np.log(u) < 3.0 * d[todo] * _excess(now)))
        todo = todo[~accepted]
    found = d * (1.0 + t) * (1.0 + t) * (1.0 + t)
    found = np.where(a < 1.0, found * same_bits.exp(same_bits.log(1.0 - boost) / a), found)
    found = np.where(good, found, np.where(a >= 0, a, np.nan))
    return found.reshape(outer, *alpha.shape)


def _excess(t: Any) -> Any:
    """log(1 + t) - t + t^2/2 - t^3/3."""
    r = 0.1 - t * 0.09090909090909091
    for k in (9.0, 8.0, 7.0, 6.0, 5.0, 4.0):
        r = 1.0 / k - t * r
    far = np.log(1.0 + t) - t + t * t * (0.5 - t * 0.3333333333333333)
    return np.where(np.abs(t) > 0.04, far, -(t * t) * (t * t) * r)


def _gamma_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """By implicit reparametrisation: each sample moves so that its quantile stays.

    Source: Figurnov, Mohamed & Mnih 2018, "Implicit reparameterization gradients".
    """
    alpha, _, _ = g.inputs
    (sample,) = g.outputs
    slope = slope_op(alpha, transcendental.digamma(alpha), sample)
    return reductions.reduce_sum(g.ct * slope, 0), None, None


def _plan_gamma(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import random_gamma as kernel

    count, period = product(outputs[0].shape), product(inputs[0].shape)
    assert isinstance(count, int) and isinstance(period, int)
    return kernel.plan_sample(count, period)


gamma_op = Op("philox_gamma", _gamma_infer, _gamma_reference, _gamma_vjp, Library(_plan_gamma))

# --- gamma -------------------------------------------------------------------------------------


def gamma(
    shape: Any,
    alpha: TensorLike,
    beta: TensorLike = None,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Numbers from the gamma distribution: shape of them for each alpha.

    Args:
      shape: sizes.
      alpha: the shape parameters, [...].
      beta: the inverse scales, which broadcast with alpha. Default: 1.
      dtype: floating; alpha and beta have it.
      seed: of this op; see set_seed.

    Returns:
      shape + (shape of alpha and beta, broadcast). NaN where alpha is negative or NaN, the smallest
      normal number where it would be 0. Differentiable with respect to alpha and beta.

    Raises:
      DTypeError: dtype is not floating, or alpha or beta is a tensor of another.

    Example:
      >>> nf.random.gamma([10], [0.5, 1.5]).shape
      TensorShape([10, 2])

    Source: Marsaglia & Tsang 2000, "A simple method for generating gamma variables".
    """
    op = "random.gamma"
    a, b = _parameters(op, alpha, beta, float_dtype(op, dtype))
    return _gamma(draw(seed), static_shape(shape, op), a, b)


def stateless_gamma(
    shape: Any,
    seed: Any,
    alpha: TensorLike,
    beta: TensorLike = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """As gamma, but the numbers depend on seed (two integers) alone, and shape is the result's.

    Args:
      shape: the sizes of the result: alpha and beta broadcast to it.

    Raises:
      ShapeError: alpha or beta does not broadcast to shape.

    Example:
      >>> nf.random.stateless_gamma([10, 2], [12, 34], [0.5, 1.5]).shape
      TensorShape([10, 2])
    """
    op = "random.stateless_gamma"
    a, b = _parameters(op, alpha, beta, float_dtype(op, dtype))
    outer, (a, b) = behind(op, static_shape(shape, op), {"alpha": a, "beta": b})
    return _gamma(stateless(seed, op), outer, a, b)


def _parameters(
    op: str, alpha: TensorLike, beta: TensorLike, want: dtypes.DType
) -> tuple[Tensor, Tensor]:
    a = as_tensor(alpha, want, op, "alpha")
    return a, as_tensor(1.0 if beta is None else beta, want, op, "beta")


def behind(op: str, shape: Shape, parameters: dict[str, Tensor]) -> tuple[Shape, list[Tensor]]:
    """(sizes in front, parameters of the sizes behind them), the two together being shape.

    Parameters are broadcast to each other, and only where they must be, to shape.

    Raises:
      ShapeError: they do not broadcast to shape.
    """
    specs = {name: p.spec for name, p in parameters.items()}
    sizes: Shape = ()
    for spec in specs.values():
        sizes = broadcast_shapes(op, sizes, spec.shape)
    if len(sizes) > len(shape) or broadcast_shapes(op, shape, sizes) != shape:
        shown = {"shape": shape, **specs}
        raise ShapeError(explain(op, "the parameters do not broadcast to shape", shown))
    front = len(shape) - len(sizes)
    if shape[front:] != sizes:
        front, sizes = 0, shape
    return shape[:front], [spread(p, sizes) for p in parameters.values()]


def spread(x: Tensor, shape: Shape) -> Tensor:
    """x, broadcast where it has another shape."""
    return x if x.spec.shape == shape else shaping.broadcast_to(x, shape)


def _gamma(state: State, outer: Shape, alpha: Tensor, beta: Tensor) -> Tensor:
    want = alpha.dtype
    sizes = broadcast_shapes("random.gamma", alpha.spec.shape, beta.spec.shape)
    shape = static_shape((*outer, *sizes), "random.gamma")
    flat = shaping.reshape(maths.cast(spread(alpha, sizes), dtypes.float64), [-1])
    drawn = gamma_op(flat, *state, outer=product(outer))
    drawn = shaping.reshape(maths.cast(drawn, want), shape)
    return maths.maximum(drawn / beta, _LEAST[want])
