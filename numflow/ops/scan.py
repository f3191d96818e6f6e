"""Running sums, products and log-sum-exps along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, explain
from numflow.graph.lowering import Composite, Library
from numflow.graph.op import Attrs, Backward, Op, composites_too
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, finite, plain, rearrange, transcendental
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.ops.precision import single, widened
from numflow.ops.shape_rules import normal_axis
from numflow.shapes import Dim, Size, product

# --- cumsum, cumprod -------------------------------------------------------------------


def _scan_infer(x: Spec, *, axis: int, exclusive: bool, reverse: bool) -> Spec:
    return x


def _scan_reference(ufunc: Any, start: float) -> Any:
    """NumPy's accumulation, from the end if reverse, without the element itself if exclusive."""

    def reference(x: Any, *, axis: int, exclusive: bool, reverse: bool) -> Any:
        x = np.flip(x, axis) if reverse else x
        with np.errstate(all="ignore"):
            total = ufunc.accumulate(x, axis, dtype=x.dtype)
        if exclusive and x.shape[axis]:
            first = np.full([1 if k == axis else n for k, n in enumerate(x.shape)], start, x.dtype)
            total = np.concatenate([first, np.delete(total, -1, axis)], axis)
        return np.flip(total, axis) if reverse else total

    return widened(reference)


def _plan_scan(kind: int) -> Any:
    def plan(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
        from numflow.kernels.cpu import scan as kernel  # llvmlite: only where code is made

        (x,) = inputs
        axis = attrs["axis"]
        outer, inner = (product(x.shape[s]) for s in (np.s_[:axis], np.s_[axis + 1 :]))
        length = x.shape[axis]
        assert isinstance(outer, int) and isinstance(inner, int) and isinstance(length, int)
        return kernel.plan_scan(
            outer,
            length,
            inner,
            x.dtype.name,
            kind=kind,
            exclusive=attrs["exclusive"],
            reverse=attrs["reverse"],
        )

    return plan


def _backwards(g: Backward) -> Attrs:
    return {**g.attrs, "reverse": not g.attrs["reverse"]}


def _cumsum_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return (cumsum_op(g.ct, **_backwards(g)),)


cumsum_op = Op(
    "cumsum",
    _scan_infer,
    _scan_reference(np.add, 0),
    _cumsum_vjp,
    Library(_plan_scan(0)),
)


def _cumprod_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """TensorFlow's rule; where an element is 0 the gradient is given as 0, which it need not be."""
    total = cumsum_op(g.outputs[0] * g.ct, **_backwards(g))
    return (finite.divide_no_nan(total, g.inputs[0]),)


cumprod_op = Op(
    "cumprod",
    _scan_infer,
    _scan_reference(np.multiply, 1),
    _cumprod_vjp,
    Library(_plan_scan(1)),
)


@composites_too
def cumsum(
    x: TensorLike,
    axis: Any = 0,
    exclusive: bool = False,
    reverse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The sums of the elements up to each one along an axis.

    Args:
      x: numbers [...].
      axis: the axis.
      exclusive: without the element itself.
      reverse: from the end.

    Raises:
      DTypeError: x is not of numbers.
      ShapeError: there is no such axis.

    Example:
      >>> nf.cumsum([1, 2, 3]).numpy().tolist()
      [1, 3, 6]
      >>> nf.cumsum([1, 2, 3], exclusive=True).numpy().tolist()
      [0, 1, 3]
    """
    return _run("cumsum", cumsum_op, x, axis, exclusive, reverse)


def cumprod(
    x: TensorLike,
    axis: Any = 0,
    exclusive: bool = False,
    reverse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The products of the elements up to each one along an axis; arguments as for cumsum.

    Example:
      >>> nf.math.cumprod([1, 2, 3]).numpy().tolist()
      [1, 2, 6]
    """
    return _run("cumprod", cumprod_op, x, axis, exclusive, reverse)


def _run(name: str, op: Op, x: TensorLike, axis: Any, exclusive: bool, reverse: bool) -> Tensor:
    tensor = as_tensor(x, None, name, "x")
    if not tensor.dtype.is_numeric:
        shown = {"x": tensor.spec}
        raise DTypeError(explain(name, f"x is {tensor.dtype.name}, not a number", shown))
    at = static_int(axis, name, "axis")
    k = normal_axis(name, at, tensor.spec.rank)
    wide = single(tensor)
    if tensor.dtype.is_integer and tensor.dtype.size < 4:  # the low bits are the same
        wide = maths.cast(tensor, dtypes.int32)
    flags = {
        "exclusive": plain.flag(exclusive, name, "exclusive"),
        "reverse": plain.flag(reverse, name, "reverse"),
    }
    out = op(wide, axis=k, **flags)
    return maths.cast(out, tensor.dtype)


# --- cumulative_logsumexp --------------------------------------------------------------


def _logsumexp_reference(x: Any, *, axis: int, exclusive: bool, reverse: bool) -> Any:
    return _scan_reference(np.logaddexp, -np.inf)(
        x, axis=axis, exclusive=exclusive, reverse=reverse
    )


def _logsumexp_expand(x: Tensor, *, axis: int, exclusive: bool, reverse: bool) -> Tensor:
    """Sums over 1, 2, 4... elements, each of two before: as many passes as the length has bits."""
    n = x.spec.shape[axis]
    if isinstance(n, Dim):
        n = int(Size(n))  # the number of passes: traces again with exact sizes
    total = _shifted(x, axis, 1, reverse) if exclusive and n else x
    reach = 1
    while reach < n:
        total = _log_add(total, _shifted(total, axis, reach, reverse))
        reach *= 2
    return total


def _shifted(x: Tensor, axis: int, by: int, reverse: bool) -> Tensor:
    """x moved along an axis, by elements further on (back if reverse), -inf behind it."""
    n = x.spec.shape[axis]
    assert isinstance(n, int)
    keys: list[Any] = [np.s_[:]] * x.spec.rank
    keys[axis] = np.s_[by:] if reverse else np.s_[: n - by]
    pairs = [[0, 0]] * x.spec.rank
    pairs[axis] = [0, by] if reverse else [by, 0]
    kept: Any = x
    return rearrange.pad(kept[tuple(keys)], pairs, constant_values=-np.inf)


def _log_add(a: Tensor, b: Tensor) -> Tensor:
    """log(e^a + e^b); two equal infinities are that infinity."""
    high, low = maths.maximum(a, b), maths.minimum(a, b)
    apart = selections.where(comparisons.equal(high, low), shaping.zeros_like(low), low - high)
    return high + transcendental.log1p(maths.exp(apart))


def _logsumexp_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """x gets the sum of ct * e^(x - y) over the y that it is part of: in logarithms, by sign."""
    x, y, ct = g.inputs[0], g.outputs[0], g.ct
    zero = shaping.zeros_like(ct)
    parts = []
    for part in (ct, -ct):
        positive = part > zero
        safe = selections.where(positive, part, shaping.ones_like(part))
        nothing = shaping.fill(shaping.shape(y), as_tensor(-np.inf, y.dtype))
        weight = selections.where(positive, maths.log(safe) - y, nothing)
        parts.append(maths.exp(logsumexp_op(weight, **_backwards(g)) + x))
    return (parts[0] - parts[1],)


logsumexp_op = Op(
    "cumulative_logsumexp",
    _scan_infer,
    _logsumexp_reference,
    _logsumexp_vjp,
    Composite(_logsumexp_expand),
)


def cumulative_logsumexp(
    x: TensorLike,
    axis: Any = 0,
    exclusive: bool = False,
    reverse: bool = False,
    name: str | None = None,
) -> Tensor:
    """log of the sum of e^x up to each element along an axis, without overflow.

    Args:
      x: floating [...].
      axis, exclusive, reverse: as for cumsum; -inf where nothing is summed.

    Raises:
      DTypeError: x is not floating.
      ShapeError: there is no such axis.

    Example:
      >>> nf.math.cumulative_logsumexp([1000.0, 1000.0]).numpy().astype(float).round(3).tolist()
      [1000.0, 1000.693]
    """
    tensor = as_tensor(x, None, "cumulative_logsumexp", "x")
    if not tensor.dtype.is_floating:
        problem = f"x is {tensor.dtype.name}, not floating"
        raise DTypeError(explain("cumulative_logsumexp", problem, {"x": tensor.spec}))
    return _run("cumulative_logsumexp", logsumexp_op, tensor, axis, exclusive, reverse)
