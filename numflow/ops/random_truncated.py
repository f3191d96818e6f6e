"""Normal random numbers within any interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.graph.lowering import Library
from numflow.graph.op import Attrs, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, same_bits
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_shape
from numflow.ops.random import float_dtype
from numflow.ops.random_bits import normals, uniforms
from numflow.ops.random_gamma import behind
from numflow.ops.random_state import stateless
from numflow.shapes import Extent, product

_ATTEMPTS = 256  # as in kernels/cpu/random_truncated.py

# --- the op ------------------------------------------------------------------------------


def _infer(low: Spec, high: Spec, key: Spec, step: Spec, *, outer: Extent) -> Spec:
    return Spec((outer, *low.shape), dtypes.float64)


def _reference(low: Any, high: Any, key: Any, step: Any, *, outer: int) -> Any:
    """Three ways of rejection: the twin of kernels/cpu/random_truncated.py."""
    a, b = np.tile(low, outer), np.tile(high, outer)
    mirrored = a + b < 0
    a, b = np.where(mirrored, -b, a), np.where(mirrored, -a, b)
    out = np.full(a.shape, np.nan)
    width = b - a
    rate = (a + np.sqrt(a * a + 4.0)) * 0.5
    reach = 1.0 - same_bits.exp(-rate * width)
    wide = (a <= 0) & (width > math.sqrt(2 * math.pi))
    narrow = ~wide & ((a <= 0) | ((b + a) * width < 2.0))
    todo = np.flatnonzero(a < b)
    for attempt in range(_ATTEMPTS):
        if not todo.size:
            break
        u, v = uniforms(attempt, todo, key, step)
        z = normals(attempt, todo, key, step)
        first, last, r = a[todo], b[todo], rate[todo]
        flat = first + width[todo] * u
        tail = first - same_bits.log1p(-u * reach[todo]) / r
        near = np.where(first > 0, first, 0.0)
        x = np.where(wide[todo], z, np.where(narrow[todo], flat, tail))
        bound = np.where(narrow[todo], (near - x) * (near + x) * 0.5, (x - r) * (r - x) * 0.5)
        out[todo] = x
        accepted = np.where(wide[todo], x >= first, v <= np.exp(bound)) & (x <= last)
        todo = todo[~accepted]
    return np.where(mirrored, -out, out).reshape(outer, *low.shape)


def _plan(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import random_truncated as kernel  # llvmlite: only where code is made

    count, period = product(outputs[0].shape), product(inputs[0].shape)
    assert isinstance(count, int) and isinstance(period, int)
    return kernel.plan_truncated(count, period)


truncated_op = Op("philox_truncated_normal", _infer, _reference, None, Library(_plan))

# --- stateless_parameterized_truncated_normal ----------------------------------------------


def stateless_parameterized_truncated_normal(
    shape: Any,
    seed: Any,
    means: TensorLike = 0.0,
    stddevs: TensorLike = 1.0,
    minvals: TensorLike = -2.0,
    maxvals: TensorLike = 2.0,
    name: str | None = None,
) -> Tensor:
    """Numbers from normal distributions, each within [minvals, maxvals], however far out.

    Args:
      shape: the sizes of the result: the parameters broadcast to it.
      seed: two integers, on which alone the numbers depend.
      means, stddevs, minvals, maxvals: numbers of one floating dtype, which is the result's.

    Returns:
      [shape]. Gradients of the parameters are None, as TensorFlow's.

    Raises:
      ShapeError: the parameters do not broadcast to shape.
      DTypeError: they are not floating, or tensors of different dtypes.
      InvalidArgumentError: a stddev is not positive, or an interval is empty.

    Example:
      >>> x = nf.random.stateless_parameterized_truncated_normal([99], [1, 2], 0.0, 1.0, 5.0, 6.0)
      >>> bool(nf.reduce_all((x >= 5.0) & (x <= 6.0)))
      True

    Source: Robert 1995, "Simulation of truncated normal variables".
    """
    op = "random.stateless_parameterized_truncated_normal"
    given = {"means": means, "stddevs": stddevs, "minvals": minvals, "maxvals": maxvals}
    typed = (getattr(v, "dtype", None) for v in given.values())
    want = float_dtype(op, next((t for t in typed if t is not None), dtypes.float32))
    tensors = {k: as_tensor(v, want, op, k) for k, v in given.items()}
    outer, (mean, stddev, low, high) = behind(op, static_shape(shape, op), tensors)
    sizes = (*outer, *mean.spec.shape)
    mean, stddev, low, high = (
        shaping.reshape(maths.cast(x, dtypes.float64), [-1]) for x in (mean, stddev, low, high)
    )
    stddev = checks.checked_positive(stddev, op, "stddevs must be positive")
    some = maths.cast(low < high, dtypes.float64)
    stddev = stddev * checks.checked_positive(some, op, "minvals must be below maxvals")
    ends = (low - mean) / stddev, (high - mean) / stddev
    z = truncated_op(*ends, *stateless(seed, op), outer=product(outer))
    x = maths.minimum(maths.maximum(z * stddev + mean, low), high)
    return shaping.stop_gradient(shaping.reshape(maths.cast(x, want), sizes))
