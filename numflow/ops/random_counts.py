"""Poisson and binomial random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, explain
from numflow.graph.lowering import Library
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, operands, static_shape
from numflow.ops.random_bits import uniforms
from numflow.ops.random_gamma import behind
from numflow.ops.random_state import State, draw, stateless
from numflow.shapes import Extent, Shape, product

_ATTEMPTS, _MOST, _SMALL = 256, 200, 10.0  # as in kernels/cpu/random_counts.py
_KINDS = (
    *(dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64),
    *(dtypes.int32, dtypes.int64),
)

# --- logarithms of probabilities -------------------------------------------------------------
# The twins, in NumPy, of those in kernels/cpu/random_counts.py.


def _log_poisson(k: Any, rate: Any) -> Any:
    n = np.maximum(k, 1.0)
    full = -_stirling_error(n) - _deviance(n, rate) - 0.5 * np.log(6.283185307179586 * n)
    return np.where(k < 1.0, -rate, full)


def _stirling_error(n: Any) -> Any:
    """log(n!) - log(sqrt(2 pi n) (n/e)^n), of a whole n > 0."""
    total, m = np.zeros_like(n), n.copy()
    for _ in range(15):
        small = m < 16.0
        total = np.where(small, total + (m + 0.5) * np.log1p(1.0 / m) - 1.0, total)
        m = np.where(small, m + 1.0, m)
    r = 1.0 / m
    s = r * r
    tail = 0.0005952380952380953 - s * 0.0008417508417508417
    tail = 0.0007936507936507937 - s * tail
    tail = 0.002777777777777778 - s * tail
    return total + r * (0.08333333333333333 - s * tail)


def _deviance(x: Any, mean: Any) -> Any:
    """x log(x/mean) + mean - x, without losing digits where they are close."""
    apart = x - mean
    v = apart / (x + mean)
    s, term, w = apart * v, 2.0 * x * v, v * v
    for k in np.arange(3, 40, 2):
        term = term * w
        s = s + term / k
    return np.where(np.abs(apart) < 0.1 * (x + mean), s, x * np.log(x / mean) - apart)


def _log_binomial(k: Any, n: Any, p: Any) -> Any:
    inside = (k >= 1.0) & (k != n)
    a = np.where(inside, k, 1.0)
    m = np.where(inside, n, 2.0)
    rest = m - a
    total = _stirling_error(m) - _stirling_error(a) - _stirling_error(rest)
    total = total - _deviance(a, m * p) - _deviance(rest, m * (1.0 - p))
    total = total - 0.5 * np.log(6.283185307179586 * a * (rest / m))
    return np.where(inside, total, n * np.where(k < 1.0, np.log1p(-p), np.log(p)))


# --- the ops -----------------------------------------------------------------------------------


def _no_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """Counts are steps of their parameters: nothing flows."""
    return tuple(None for _ in g.inputs)


def _poisson_infer(rate: Spec, key: Spec, step: Spec, *, outer: Extent) -> Spec:
    return Spec((outer, *rate.shape), dtypes.float64)


def _poisson_reference(rate: Any, key: Any, step: Any, *, outer: int) -> Any:
    """Inversion below a mean of 10, transformed rejection above."""
    r = np.tile(rate, outer)
    out = np.where(r >= 0, r, np.nan)  # infinite ones stay
    few = np.flatnonzero((r >= 0) & (r < _SMALL))
    out[few] = _inverted(
        uniforms(0, few, key, step)[0],
        np.exp(-r[few]),
        lambda p, k, at: p * (r[few][at] / (k + 1.0)),
        np.full(few.shape, float(_MOST)),
    )
    todo = np.flatnonzero((r >= _SMALL) & (r < np.inf))
    for attempt in range(_ATTEMPTS):
        if not todo.size:
            break
        mean = r[todo]
        b = 0.931 + 2.53 * np.sqrt(mean)
        a = 0.02483 * b - 0.059
        scale, squeeze = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2.0)
        u, v = uniforms(attempt, todo, key, step)
        u = u - 0.5
        side = 0.5 - np.abs(u)
        found = np.floor((2.0 * a / side + b) * u + mean + 0.43)
        out[todo] = found
        sure = (side >= 0.07) & (v <= squeeze)
        may = (found >= 0.0) & ((side >= 0.013) | (v <= side))
        bound = np.log(v * scale / (a / (side * side) + b))
        todo = todo[~(sure | (may & (bound <= _log_poisson(found, mean))))]
    return out.reshape(outer, *rate.shape)


def _inverted(rest: Any, p: Any, following: Any, most: Any) -> Any:
    """How often p(0), p(1), ... can be taken from `rest`; following(p(k), k, where) is p(k + 1)."""
    k = np.zeros_like(rest)
    at = np.flatnonzero((rest >= p) & (k < most))
    while at.size:
        rest[at] -= p[at]
        p[at] = following(p[at], k[at], at)
        k[at] += 1.0
        at = at[(rest[at] >= p[at]) & (k[at] < most[at])]
    return k


def _plan_poisson(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import random_counts as kernel  # llvmlite: only where code is made

    count, period = product(outputs[0].shape), product(inputs[0].shape)
    assert isinstance(count, int) and isinstance(period, int)
    return kernel.plan_poisson(count, period)


poisson_op = Op(
    "philox_poisson", _poisson_infer, _poisson_reference, _no_vjp, Library(_plan_poisson)
)


def _binomial_infer(trials: Spec, chance: Spec, key: Spec, step: Spec, *, outer: Extent) -> Spec:
    return Spec((outer, *trials.shape), dtypes.float64)


def _binomial_reference(trials: Any, chance: Any, key: Any, step: Any, *, outer: int) -> Any:
    """As for Poisson; of a chance above 1/2 the failures are counted."""
    n, share = np.floor(np.tile(trials, outer)), np.tile(chance, outer)
    p = np.where(share > 0.5, 1.0 - share, share)
    good = (n >= 0) & (p >= 0) & (n < np.inf)
    out = np.full(n.shape, np.nan)
    few = np.flatnonzero(good & (n * p < _SMALL))
    odds = p[few] / (1.0 - p[few])
    out[few] = _inverted(
        uniforms(0, few, key, step)[0],
        np.exp(n[few] * np.log1p(-p[few])),
        lambda c, k, at: c * ((n[few][at] - k) / (k + 1.0) * odds[at]),
        np.minimum(n[few], float(_MOST)),
    )
    todo = np.flatnonzero(good & (n * p >= _SMALL))
    for attempt in range(_ATTEMPTS):
        if not todo.size:
            break
        m, q = n[todo], p[todo]
        spread = np.sqrt(m * q * (1.0 - q))
        b = 1.15 + 2.53 * spread
        a = 0.0248 * b + 0.01 * q - 0.0873
        scale, squeeze = (2.83 + 5.1 / b) * spread, 0.92 - 4.2 / b
        u, v = uniforms(attempt, todo, key, step)
        u = u - 0.5
        side = 0.5 - np.abs(u)
        found = np.floor((2.0 * a / side + b) * u + (m * q + 0.5))
        out[todo] = found
        sure = (side >= 0.07) & (v <= squeeze)
        inside = (found >= 0.0) & (found <= m)
        top = _log_binomial(np.floor((m + 1.0) * q), m, q)
        bound = np.log(v * scale / (a / (side * side) + b))
        allowed = bound <= _log_binomial(np.where(inside, found, 0.0), m, q) - top
        todo = todo[~(sure | (inside & allowed))]
    out = np.where(share > 0.5, n - out, out)
    return out.reshape(outer, *trials.shape)


def _plan_binomial(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import random_counts as kernel

    count, period = product(outputs[0].shape), product(inputs[0].shape)
    assert isinstance(count, int) and isinstance(period, int)
    return kernel.plan_binomial(count, period)


binomial_op = Op(
    "philox_binomial", _binomial_infer, _binomial_reference, _no_vjp, Library(_plan_binomial)
)


def _shaped(op: str, drawn: Tensor, shape: Shape, want: dtypes.DType) -> Tensor:
    """Counts in a shape and a dtype; integers that would hold no count are refused."""
    if want.is_integer:
        problem = f"a parameter is negative, not finite, or a count too large for {want.name}"
        drawn = checks.checked_fitting(drawn, want, op, problem)
    return shaping.reshape(maths.cast(drawn, want), shape)


def _kind(op: str, dtype: Any) -> dtypes.DType:
    want = dtypes.as_dtype(dtype)
    if want not in _KINDS:
        problem = f"makes floats, int32 and int64, not {want.name}"
        raise DTypeError(explain(op, problem))
    return want


# --- poisson -----------------------------------------------------------------------------------


def poisson(
    shape: Any,
    lam: TensorLike,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Counts from the Poisson distribution: shape of them for each rate.

    Args:
      shape: sizes.
      lam: the rates, numbers [...].
      dtype: of the counts: floating, int32 or int64.
      seed: of this op; see set_seed.

    Returns:
      shape + shape of lam. Floats are NaN where a rate is negative or NaN.

    Raises:
      InvalidArgumentError: dtype is of integers, and a rate is negative, NaN or infinite, or a
        count does not fit.
      DTypeError: another dtype.

    Example:
      >>> nf.random.poisson([10], [0.5, 1.5]).shape
      TensorShape([10, 2])

    Source: Hormann 1993, "The transformed rejection method for generating Poisson random
    variables".
    """
    op = "random.poisson"
    want, rate = _kind(op, dtype), _number(op, lam, "lam")
    return _poisson(op, draw(seed), static_shape(shape, op), rate, want)


def stateless_poisson(
    shape: Any,
    seed: Any,
    lam: TensorLike,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """As poisson, but the numbers depend on seed (two integers) alone, and shape is the result's.

    Args:
      shape: the sizes of the result: lam broadcasts to it.

    Raises:
      ShapeError: lam does not broadcast to shape.

    Example:
      >>> nf.random.stateless_poisson([10, 2], [12, 34], [5.0, 15.0]).shape
      TensorShape([10, 2])
    """
    op = "random.stateless_poisson"
    want, rate = _kind(op, dtype), _number(op, lam, "lam")
    outer, (rate,) = behind(op, static_shape(shape, op), {"lam": rate})
    return _poisson(op, stateless(seed, op), outer, rate, want)


def _number(op: str, value: TensorLike, name: str) -> Tensor:
    x = as_tensor(value, None, op, name)
    if not (x.dtype.is_floating or x.dtype.is_integer):
        raise DTypeError(explain(op, f"{name} must be numbers", {name: x.spec}))
    return x


def _poisson(op: str, state: State, outer: Shape, rate: Tensor, want: dtypes.DType) -> Tensor:
    shape = static_shape((*outer, *rate.spec.shape), op)
    flat = shaping.reshape(maths.cast(rate, dtypes.float64), [-1])
    return _shaped(op, poisson_op(flat, *state, outer=product(outer)), shape, want)


# --- binomial ------------------------------------------------------------------------------------


def stateless_binomial(
    shape: Any,
    seed: Any,
    counts: TensorLike,
    probs: TensorLike,
    output_dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """How many of `counts` trials succeed, each with the probability probs.

    Args:
      shape: the sizes of the result: counts and probs broadcast to it.
      seed: two integers, on which alone the numbers depend.
      counts: numbers of trials; a fraction is cut off.
      probs: probabilities, in the dtype of counts.
      output_dtype: floating, int32 or int64.

    Returns:
      output_dtype [shape]. Floats are NaN where a parameter makes no sense.

    Raises:
      ShapeError: counts or probs does not broadcast to shape.
      InvalidArgumentError: output_dtype is of integers, and counts is negative or NaN, probs
        outside [0, 1] or NaN, or the result does not fit.

    Example:
      >>> nf.random.stateless_binomial([3], [1, 2], 10.0, [0.0, 1.0, 1.0]).numpy().tolist()
      [0, 10, 10]

    Source: Hormann 1993, "The generation of binomial random variates".
    """
    op = "random.stateless_binomial"
    sizes = static_shape(shape, op)
    return binomial_of(op, stateless(seed, op), sizes, counts, probs, output_dtype)


def binomial_of(
    op: str, state: State, shape: Shape, counts: TensorLike, probs: TensorLike, dtype: Any
) -> Tensor:
    """The counts of a draw."""
    want = _kind(op, dtype)
    trials, chance = _number(op, counts, "counts"), _number(op, probs, "probs")
    if trials.dtype.is_floating:
        trials, chance = operands(op, counts, probs, ("counts", "probs"))
    outer, (n, p) = behind(op, shape, {"counts": trials, "probs": chance})
    wide = [shaping.reshape(maths.cast(x, dtypes.float64), [-1]) for x in (n, p)]
    drawn = binomial_op(*wide, *state, outer=product(outer))
    return _shaped(op, drawn, shape, want)
