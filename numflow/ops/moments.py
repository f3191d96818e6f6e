"""Mean and variance as one op: one pass over memory for both, and a gradient without folds.

    mean, variance = moments(x)
    dx = (dmean + 2 (x - mean) dvariance) / n          for sum(x - mean) is 0

How it is computed follows from which axes are folded. Those in front of others that stay (a batch
norm: all but the channels) go to a kernel that reads x once. Those at the end are rows, folded
where a row is in the cache. Where the first and the last are folded, rows come first, and then
their means and variances.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.graph.lowering import Composite, Library
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.precision import widened
from numflow.shapes import Extent, Shape, maximum, minimum

Two = tuple[Tensor, Tensor]


def _kept(shape: Shape, axes: tuple[int, ...]) -> Shape:
    return tuple(n for k, n in enumerate(shape) if k not in axes)


def _moments_infer(x: Spec, *, axes: tuple[int, ...]) -> tuple[Spec, Spec]:
    out = Spec(_kept(x.shape, axes), x.dtype)
    return out, out


def _moments_reference(x: Any, *, axes: tuple[int, ...]) -> Any:
    n = int(np.prod([x.shape[k] for k in axes]))
    with np.errstate(all="ignore"):
        mean = np.add.reduce(x, axes, keepdims=True) / x.dtype.type(n)
        centred = x - mean
        variance = np.add.reduce(centred * centred, axes) / x.dtype.type(n)
    return mean.reshape(variance.shape), variance


def _moments_vjp(g: Backward) -> tuple[Tensor]:
    (x,), (ct_mean, ct_variance), axes = g.inputs, g.cts, g.attrs["axes"]
    ones = tuple(1 if k in axes else n for k, n in enumerate(x.spec.shape))
    n = reductions.count(x, axes)
    total = None
    if ct_variance is not None:
        mean = shaping.reshape_op(g.outputs[0], shape=ones)
        factor = _divided(ct_variance, n) * 2.0
        total = (x - mean) * shaping.reshape_op(factor, shape=ones)
    if ct_mean is not None:
        share = shaping.reshape_op(_divided(ct_mean, n), shape=ones)
        total = share + (shaping.zeros_like(x) if total is None else total)
    assert total is not None
    return (total,)


def _divided(x: Tensor, n: Extent) -> Tensor:
    """x / n; of an empty tensor there is nothing to divide."""
    if isinstance(n, int):
        return x * (1.0 / max(n, 1))
    return x / maths.cast(shaping.size_tensor(n), x.dtype)


# --- ways to fold ----------------------------------------------------------------------------


def _moments_expand(x: Tensor, *, axes: tuple[int, ...]) -> Two:
    shape = x.spec.shape
    groups = _groups(shape, axes)
    folded = [fold for fold, _ in groups]
    kept = _kept(shape, axes)
    if folded in ([True, False], [False, True, False]):
        sizes = [size for _, size in groups]
        outer, rows, columns = sizes if len(sizes) == 3 else (1, *sizes)
        flat = shaping.reshape_op(x, shape=(outer, rows, columns))
        mean, variance = _columns(flat)
        return shaping.reshape_op(mean, shape=kept), shaping.reshape_op(variance, shape=kept)
    if folded.count(True) == 2 and folded[-1]:
        return _rows_first(x, groups, kept)
    return _twice(x, axes)


def _groups(shape: Shape, axes: tuple[int, ...]) -> list[tuple[bool, Extent]]:
    """Neighbouring axes as one: (folded, size); those of size 1 are nothing."""
    groups: list[tuple[bool, Extent]] = []
    for k, n in enumerate(shape):
        fold = k in axes
        if n == 1:
            continue
        if groups and groups[-1][0] is fold:
            groups[-1] = (fold, groups[-1][1] * n)
        else:
            groups.append((fold, n))
    return groups


def _rows_first(x: Tensor, groups: Sequence[tuple[bool, Extent]], kept: Shape) -> Two:
    """Of rows, then of their means and variances: ... folded, kept, folded."""
    flat = shaping.reshape_op(x, shape=tuple(size for _, size in groups))
    last = len(groups) - 1
    before = (next(k for k, (fold, _) in enumerate(groups) if fold),)
    means, variances = _twice(flat, (last,))
    mean, between = _twice(means, before)
    variance = reductions.reduce_mean(variances, before) + between
    return shaping.reshape_op(mean, shape=kept), shaping.reshape_op(variance, shape=kept)


def _twice(x: Tensor, axes: tuple[int, ...]) -> Two:
    """The mean, then the mean squared distance from it."""
    mean = reductions.reduce_mean(x, axes, keepdims=True)
    variance = reductions.reduce_mean(maths.squared_difference(x, mean), axes)
    return shaping.reshape_op(mean, shape=variance.spec.shape), variance


moments_op = Op(
    "moments",
    _moments_infer,
    widened(_moments_reference),
    _moments_vjp,
    Composite(_moments_expand),
)


# --- what the kernels take ----------------------------------------------------------------------


BLOCK, MOST_PARTS, PART = 64, 64, 1 << 15
"""Rows of a block of the kernel; the most parts of the rows; elements worth a part of their own."""


def _columns(x: Tensor) -> Two:
    """Of x [outer, rows, columns], folded over rows."""
    _, rows, columns = x.spec.shape
    wanted = minimum((rows * columns) // PART, (rows + BLOCK - 1) // BLOCK)
    parts = maximum(1, minimum(wanted, MOST_PARTS))
    found: Two = merge_op(partial_op(x, parts=parts), rows=rows)
    return found


def _part_rows(rows: int, parts: int) -> int:
    """Rows of a part: whole blocks."""
    blocks = -(-rows // BLOCK)
    return max(1, -(-blocks // parts)) * BLOCK


def _partial_infer(x: Spec, *, parts: Extent) -> Spec:
    outer, _, columns = x.shape
    return Spec((outer, parts, 2, columns), x.dtype)


def _partial_reference(x: Any, *, parts: int) -> Any:
    """Means, and sums of squared distances; 0 of parts without rows."""
    outer, rows, columns = x.shape
    out = np.zeros((outer, parts, 2, columns), x.dtype)
    step = _part_rows(rows, parts)
    for k in range(parts):
        part = x[:, k * step : (k + 1) * step]
        if part.shape[1]:
            out[:, k, 0] = part.mean(1)
            out[:, k, 1] = np.square(part - out[:, k, :1]).sum(1)
    return out


def _merge_infer(partial: Spec, *, rows: Extent) -> tuple[Spec, Spec]:
    out = Spec((partial.shape[0], partial.shape[-1]), partial.dtype)
    return out, out


def _merge_reference(partial: Any, *, rows: int) -> Any:
    parts, dtype = partial.shape[1], partial.dtype
    step = _part_rows(rows, parts)
    counts = np.clip(rows - np.arange(parts) * step, 0, step).astype(dtype)[:, None]
    with np.errstate(all="ignore"):
        mean = (counts * partial[:, :, 0]).sum(1) / dtype.type(rows)
        between = counts * np.square(partial[:, :, 0] - mean[:, None])
        return mean, (partial[:, :, 1] + between).sum(1) / dtype.type(rows)


def _plan_partial(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import moments

    outer, rows, columns = (int(n) for n in inputs[0].shape)  # type: ignore[arg-type]
    return moments.plan_partial(outer, rows, columns, attrs["parts"], inputs[0].dtype.name)


def _plan_merge(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import moments

    outer, parts, _, columns = (int(n) for n in inputs[0].shape)  # type: ignore[arg-type]
    return moments.plan_merge(outer, attrs["rows"], columns, parts, inputs[0].dtype.name)


partial_op = Op("moments_partial", _partial_infer, _partial_reference, None, Library(_plan_partial))
merge_op = Op("moments_merged", _merge_infer, _merge_reference, None, Library(_plan_merge))
