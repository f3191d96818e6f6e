"""Folds over axes: sum, mean, max, min, prod, any, all; and sum_to, the inverse of broadcasting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, explain
from numflow.graph.lowering import Reduction
from numflow.graph.op import Backward, Infer, Op, composites_too
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, plain, signs
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.conjugate import analytic
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.shape_rules import normal_axes
from numflow.shapes import Extent, product


def _fold(op: str, kinds: str) -> Infer:
    def infer(x: Spec, *, axis: tuple[int, ...], keepdims: bool) -> Spec:
        if x.dtype.numpy.kind not in kinds and not (x.dtype is dtypes.bfloat16 and "f" in kinds):
            raise DTypeError(explain(op, f"does not take {x.dtype.name}", {"x": x}))
        shape = [
            (1 if k in axis else n) for k, n in enumerate(x.shape) if keepdims or k not in axis
        ]
        return Spec(tuple(shape), x.dtype)

    return infer


def _spread(ct: Tensor, g: Backward) -> Tensor:
    """ct with the folded axes put back as size 1."""
    if g.attrs["keepdims"]:
        return ct
    kept = [1 if k in g.attrs["axis"] else n for k, n in enumerate(g.inputs[0].spec.shape)]
    return shaping.reshape(ct, kept)


def axes_of(op: str, x: Tensor, axis: Any) -> tuple[int, ...]:
    """The axes that an argument names, from the front."""
    named = None if axis is None else static_ints(axis, op, "axis")
    return normal_axes(op, named, len(x.spec.shape))


# --- sum ---------------------------------------------------------------------


def _sum_reference(x: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    if x.dtype == object:
        return np.sum(x, axis=axis, keepdims=keepdims)
    wide = np.float32 if x.dtype.itemsize == 2 and x.dtype.kind not in "iu" else x.dtype
    fold: Any = np.add.reduce  # np.sum takes twice as long to get here
    return fold(x, axis, wide, None, keepdims)


def _sum_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return (shaping.broadcast_to(_spread(g.ct, g), g.inputs[0].spec.shape),)


sum_op = Op("reduce_sum", _fold("reduce_sum", "iufc"), _sum_reference, _sum_vjp, Reduction("sum"))


@composites_too
def reduce_sum(
    input_tensor: TensorLike, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The sum over axes.

    Args:
      input_tensor: numbers [...].
      axis: an axis or list of axes, negative ones from the end; None: all.
      keepdims: keep folded axes as size 1.

    Returns:
      The sums, in input_tensor's dtype; 0 of nothing.

    Raises:
      ShapeError: no such axis.

    Example:
      >>> nf.reduce_sum([[1, 2], [3, 4]], axis=0).numpy().tolist()
      [4, 6]
    """
    x = as_tensor(input_tensor, None, "reduce_sum", "input_tensor")
    return sum_op(
        x,
        axis=axes_of("reduce_sum", x, axis),
        keepdims=plain.flag(keepdims, "reduce_sum", "keepdims"),
    )


def sum_to(ct: Tensor, x: Tensor) -> Tensor:
    """ct summed over the axes along which x was broadcast: of x's shape."""
    have, want = ct.spec.shape, x.spec.shape
    if have == want:
        return ct
    extra = len(have) - len(want)
    axes = tuple(range(extra)) + tuple(
        k + extra for k, n in enumerate(want) if n == 1 and have[k + extra] != 1
    )
    if axes:
        ct = sum_op(ct, axis=axes, keepdims=False)
    return ct if ct.spec.shape == want else shaping.reshape(ct, want)


# --- mean --------------------------------------------------------------------


def count(x: Tensor, axes: tuple[int, ...]) -> Extent:
    """Number of elements folded into one."""
    return product(x.spec.shape[k] for k in axes)


@composites_too
def reduce_mean(
    input_tensor: TensorLike, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The mean over axes; nan of nothing. Integers give integers, rounded to zero, 0 of nothing.

    Example:
      >>> nf.reduce_mean([[1.0, 2.0], [3.0, 5.0]], axis=1).numpy().tolist()
      [1.5, 4.0]
    """
    x = as_tensor(input_tensor, None, "reduce_mean", "input_tensor")
    axes = axes_of("reduce_mean", x, axis)
    keep = plain.flag(keepdims, "reduce_mean", "keepdims")
    n = count(x, axes)
    if x.dtype.is_integer:
        wide = x.dtype if x.dtype is dtypes.uint64 else dtypes.int64  # the sum of int8 fits
        total = sum_op(maths.cast(x, wide), axis=axes, keepdims=keep)
        number = maths.maximum(maths.cast(shaping.size_tensor(n), dtypes.float64), 1.0)
        return maths.cast(maths.cast(total, dtypes.float64) / number, x.dtype)
    total = sum_op(x, axis=axes, keepdims=keep)
    if isinstance(n, int):
        return total * (1.0 / n) if n else total / 0.0
    return total / maths.cast(shaping.size_tensor(n), x.dtype)


# --- max, min ----------------------------------------------------------------


def _extreme_reference(fold: Any, low: bool) -> Any:
    def reference(x: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
        if x.dtype == object:
            return fold(x, axis=axis, keepdims=keepdims)
        if x.dtype.kind not in "iub":
            bound = -np.inf if low else np.inf
        else:
            dtype = dtypes.from_numpy(x.dtype)
            bound = dtype.min if low else dtype.max
        return fold(x, axis=axis, keepdims=keepdims, initial=bound)

    return reference


def _extreme_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """Shared equally among the elements that attain it, as TensorFlow does."""
    x, y = g.inputs[0], _spread(g.outputs[0], g)
    chosen = maths.cast(comparisons.equal(x, y), x.dtype)
    number = sum_op(chosen, axis=g.attrs["axis"], keepdims=True)
    return (chosen * (_spread(g.ct, g) / number),)


max_op = Op(
    "reduce_max",
    _fold("reduce_max", "iuf"),
    _extreme_reference(np.max, True),
    _extreme_vjp,
    Reduction("max"),
)
min_op = Op(
    "reduce_min",
    _fold("reduce_min", "iuf"),
    _extreme_reference(np.min, False),
    _extreme_vjp,
    Reduction("min"),
)


@composites_too
def reduce_max(
    input_tensor: TensorLike, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The largest over axes; nan where one is; the least value of the dtype (-inf) of nothing.

    Example:
      >>> nf.reduce_max([[1, 7], [3, 4]], axis=1).numpy().tolist()
      [7, 4]
    """
    x = as_tensor(input_tensor, None, "reduce_max", "input_tensor")
    return max_op(
        x,
        axis=axes_of("reduce_max", x, axis),
        keepdims=plain.flag(keepdims, "reduce_max", "keepdims"),
    )


@composites_too
def reduce_min(
    input_tensor: TensorLike, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The smallest over axes; nan where one is; the greatest value of the dtype (inf) of nothing.

    Example:
      >>> nf.reduce_min([[1, 7], [3, 4]], axis=1).numpy().tolist()
      [1, 3]
    """
    x = as_tensor(input_tensor, None, "reduce_min", "input_tensor")
    return min_op(
        x,
        axis=axes_of("reduce_min", x, axis),
        keepdims=plain.flag(keepdims, "reduce_min", "keepdims"),
    )


# --- prod --------------------------------------------------------------------


def _prod_reference(x: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    return np.prod(x, axis=axis, keepdims=keepdims, dtype=None if x.dtype == object else x.dtype)


def _prod_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """The product of the others: exact where an element is 0 or infinite too.

    These are left out of the product by which the others divide, and counted. With one zero in a
    group only its own derivative is not 0; with two or more all are.
    """
    x, axes = g.inputs[0], g.attrs["axis"]
    zero = comparisons.equal(x, shaping.zeros_like(x))
    if x.dtype.is_complex:
        left_out = zero
    else:
        infinite = comparisons.equal(signs.abs(x), math.inf)
        left_out = selections.logical_or(zero, infinite)
    kept = selections.where(left_out, shaping.ones_like(x), x)
    others = prod_op(kept, axis=axes, keepdims=True) / kept
    others = others * maths.cast(_none_else(zero, x, axes), x.dtype)
    if not x.dtype.is_complex:
        own = selections.where(infinite, signs.sign(x), shaping.ones_like(x))
        sign = prod_op(own, axis=axes, keepdims=True) * own
        ones = shaping.ones_like(x)
        factor = selections.where(_none_else(infinite, x, axes), ones, sign * math.inf)
        others = others * shaping.stop_gradient(factor)
    return (_spread(g.ct, g) * others,)


def _none_else(marked: Tensor, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Whether no other element of the group is marked."""
    ones = maths.cast(marked, x.dtype)
    number = sum_op(ones, axis=axes, keepdims=True)
    return comparisons.equal(number - ones, shaping.zeros_like(x))


prod_op = Op(
    "reduce_prod",
    _fold("reduce_prod", "iufc"),
    _prod_reference,
    analytic(_prod_vjp),
    Reduction("prod"),
)


@composites_too
def reduce_prod(
    input_tensor: TensorLike, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The product over axes; 1 of nothing.

    Example:
      >>> nf.reduce_prod([[1, 2], [3, 4]], axis=1).numpy().tolist()
      [2, 12]
    """
    x = as_tensor(input_tensor, None, "reduce_prod", "input_tensor")
    return prod_op(
        x,
        axis=axes_of("reduce_prod", x, axis),
        keepdims=plain.flag(keepdims, "reduce_prod", "keepdims"),
    )


# --- any, all ----------------------------------------------------------------

any_op = Op("reduce_any", _fold("reduce_any", "b"), np.any, None, Reduction("any"))
all_op = Op("reduce_all", _fold("reduce_all", "b"), np.all, None, Reduction("all"))


@composites_too
def reduce_any(
    input_tensor: TensorLike, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """Whether any holds, over axes, of bools; False of nothing.

    Example:
      >>> nf.reduce_any([[True, False], [False, False]], axis=1).numpy().tolist()
      [True, False]
    """
    x = as_tensor(input_tensor, None, "reduce_any", "input_tensor")
    return any_op(
        x,
        axis=axes_of("reduce_any", x, axis),
        keepdims=plain.flag(keepdims, "reduce_any", "keepdims"),
    )


@composites_too
def reduce_all(
    input_tensor: TensorLike, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """Whether all hold, over axes, of bools; True of nothing.

    Example:
      >>> nf.reduce_all([[True, False], [True, True]], axis=1).numpy().tolist()
      [False, True]
    """
    x = as_tensor(input_tensor, None, "reduce_all", "input_tensor")
    return all_op(
        x,
        axis=axes_of("reduce_all", x, axis),
        keepdims=plain.flag(keepdims, "reduce_all", "keepdims"),
    )
