"""Order among elements: sorting, the largest ones, places in a sorted row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.lowering import Library
from numflow.graph.op import Attrs, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, comparisons, creation, finite, indexing, slicing
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.ops.precision import single
from numflow.ops.shape_rules import normal_axis, same_dtype
from numflow.shapes import Dim, Extent, Size, product
from numflow.shapes import run_time as depends_on_values

# --- argsort, sort -----------------------------------------------------------------------


def _argsort_infer(x: Spec, *, descending: bool, count: Extent) -> Spec:
    return Spec((*x.shape[:-1], count), dtypes.int32)


def _argsort_reference(x: Any, *, descending: bool, count: int) -> Any:
    """Stable in both directions: equal elements keep their order."""
    if not descending:
        return np.argsort(x, -1, kind="stable")[..., :count]
    order = x.shape[-1] - 1 - np.argsort(x[..., ::-1], -1, kind="stable")[..., ::-1]
    return order[..., :count]


def _plan_argsort(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import sort as kernel  # llvmlite: only where code is made

    x = inputs[0]
    rows, length, count = product(x.shape[:-1]), x.shape[-1], attrs["count"]
    assert isinstance(rows, int) and isinstance(length, int)
    return kernel.plan_argsort(
        rows, length, count, x.dtype.name, descending=attrs["descending"], threads=threads
    )


argsort_op = Op("argsort", _argsort_infer, _argsort_reference, None, Library(_plan_argsort))


def _order(op: str, x: Tensor, descending: bool, count: Extent | None = None) -> Tensor:
    """The indices that sort the last axis, the first count of them."""
    n = x.spec.shape[-1] if count is None else count
    return argsort_op(_comparable(op, x), descending=descending, count=n)


def _comparable(op: str, x: Tensor) -> Tensor:
    """x in a dtype of 4 or 8 bytes, with the same order.

    Raises:
      DTypeError: it has none.
    """
    if not (x.dtype.is_floating or x.dtype.is_integer):
        raise DTypeError(explain(op, f"{x.dtype.name} has no order", {"values": x.spec}))
    return maths.cast(x, dtypes.int32) if x.dtype.is_integer and x.dtype.size < 4 else single(x)


def argsort(
    values: TensorLike,
    axis: Any = -1,
    direction: str = "ASCENDING",
    stable: bool = False,
    name: str | None = None,
) -> Tensor:
    """The indices, int32, that sort values along an axis; equal elements keep their order.

    Args:
      values: numbers.
      axis: the axis.
      direction: "ASCENDING" or "DESCENDING".
      stable: without effect: the order is always stable.

    Raises:
      ValueError: another direction.
      ShapeError: there is no such axis.

    Example:
      >>> nf.argsort([3.0, 1.0, 2.0]).numpy().tolist()
      [1, 2, 0]
    """
    x, k, descending = _sorting("argsort", values, axis, direction)
    return _swapped(_order("argsort", _swapped(x, k), descending), k)


def sort(
    values: TensorLike, axis: Any = -1, direction: str = "ASCENDING", name: str | None = None
) -> Tensor:
    """values in order along an axis; arguments as for argsort.

    Example:
      >>> nf.sort([3.0, 1.0, 2.0], direction="DESCENDING").numpy().tolist()
      [3.0, 2.0, 1.0]
    """
    x, k, descending = _sorting("sort", values, axis, direction)
    last = _swapped(x, k)
    order = _order("sort", last, descending)
    return _swapped(_taken(last, order), k)


def _sorting(op: str, values: TensorLike, axis: Any, direction: str) -> tuple[Tensor, int, bool]:
    x = as_tensor(values, None, op, "values")
    if not isinstance(direction, str) or direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(
            explain(op, f"no direction {direction!r}", fix='"ASCENDING", "DESCENDING"')
        )
    at = static_int(axis, op, "axis")
    return x, normal_axis(op, at, x.spec.rank), direction == "DESCENDING"


def _swapped(x: Tensor, axis: int) -> Tensor:
    """x with an axis and its last one exchanged."""
    order = list(np.arange(x.spec.rank))
    order[axis], order[-1] = order[-1], order[axis]
    return shaping.transpose(x, [int(k) for k in order])


def _taken(x: Tensor, order: Tensor) -> Tensor:
    """Along the last axis, in each row, the elements at the row's indices."""
    return indexing.gather(x, order, axis=x.spec.rank - 1, batch_dims=x.spec.rank - 1)


# --- top_k, in_top_k ---------------------------------------------------------------------


def top_k(
    input: TensorLike,
    k: Any = 1,
    sorted: bool = True,
    index_type: Any = dtypes.int32,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The k largest elements along the last axis, largest first, and their indices.

    Args:
      input: numbers, at least 1 axis.
      k: how many; a number, or a scalar of integers.
      sorted: without effect: they are always in order.
      index_type: dtype of the indices.

    Returns:
      (values, indices), both [..., k]; of equal elements the one with the lower index comes first.

    Raises:
      InvalidArgumentError: there are fewer than k elements, or k is negative.

    Example:
      >>> [t.numpy().tolist() for t in nf.math.top_k([3.0, 1.0, 7.0], 2)]
      [[7.0, 3.0], [2, 0]]
    """
    x = as_tensor(input, None, "top_k", "input")
    count = static_int(k, "top_k", "k", sizes=True)
    if not x.spec.rank:
        raise ShapeError(
            explain("top_k", "input is a scalar: it has no last axis", {"input": x.spec})
        )
    n = x.spec.shape[-1]
    enough = not isinstance(count, int) or count >= 0
    if depends_on_values(count) or (depends_on_values(n) and enough):  # a plan checks that it is
        shape = (*x.spec.shape[:-1], count)
        whole = _order("top_k", x, descending=True)
        begin, stride = (0,) * x.spec.rank, (1,) * x.spec.rank
        order = slicing.slice_op(whole, begin=begin, stride=stride, shape=shape)
        return _taken(x, order), maths.cast(order, index_type)
    # there may be fewer than k: only exact sizes tell
    n, count = (int(Size(m)) if isinstance(m, Dim) else m for m in (n, count))
    if not 0 <= count <= n:
        problem = f"k is {count}, outside [0, {n}]"
        raise InvalidArgumentError(explain("top_k", problem, {"input": x.spec}))
    order = _order("top_k", x, descending=True, count=count)
    return _taken(x, order), maths.cast(order, index_type)


def in_top_k(
    targets: TensorLike, predictions: TensorLike, k: Any, name: str | None = None
) -> Tensor:
    """Whether each target is among the k classes with the largest predictions.

    Args:
      targets: integers [batch].
      predictions: floating [batch, classes].
      k: how many.

    Returns:
      bool [batch]; ties count as inside; False where a target is no class or a prediction of its
      row is not finite.

    Raises:
      ShapeError: the shapes do not fit.

    Example:
      >>> nf.math.in_top_k([1, 0], [[0.1, 0.9], [0.2, 0.8]], 1).numpy().tolist()
      [True, False]
    """
    x = as_tensor(predictions, None, "in_top_k", "predictions")
    classes = as_tensor(targets, None, "in_top_k", "targets")
    shown = {"targets": classes.spec, "predictions": x.spec}
    if x.spec.rank != 2 or classes.spec.shape != x.spec.shape[:1]:
        raise ShapeError(
            explain("in_top_k", "targets [batch] and predictions [batch, classes]", shown)
        )
    from_zero = maths.cast(classes, dtypes.int64)
    count = shaping.size_tensor(x.spec.shape[1], dtypes.int64)
    valid = selections.logical_and(from_zero >= 0, from_zero < count)
    safe = selections.where(valid, from_zero, shaping.zeros_like(from_zero))
    own = indexing.gather(x, shaping.expand_dims(safe, 1), axis=1, batch_dims=1)
    above = reductions.reduce_sum(maths.cast(x > own, dtypes.int32), 1)
    valid = selections.logical_and(valid, reductions.reduce_all(finite.is_finite(x), 1))
    return selections.logical_and(valid, above < k)


# --- searchsorted ------------------------------------------------------------------------


def _search_infer(x: Spec, values: Spec, *, right: bool, out_type: dtypes.DType) -> Spec:
    return Spec(values.shape, out_type)


def _search_reference(x: Any, values: Any, *, right: bool, out_type: dtypes.DType) -> Any:
    side: Any = "right" if right else "left"
    out = np.empty(values.shape, out_type.numpy)
    for row in np.ndindex(*x.shape[:-1]):
        out[row] = np.searchsorted(x[row], values[row], side)
    return out


def _plan_search(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import sort as kernel

    x, values = inputs
    rows, length, count = product(x.shape[:-1]), x.shape[-1], values.shape[-1]
    assert isinstance(rows, int) and isinstance(length, int) and isinstance(count, int)
    index_bytes = attrs["out_type"].size
    return kernel.plan_search(
        rows, length, count, x.dtype.name, right=attrs["right"], index_bytes=index_bytes
    )


searchsorted_op = Op("searchsorted", _search_infer, _search_reference, None, Library(_plan_search))


def searchsorted(
    sorted_sequence: TensorLike,
    values: TensorLike,
    side: str = "left",
    out_type: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """Where each value is to be put in, so that the sequence stays in order.

    Args:
      sorted_sequence: numbers [..., n], each row in ascending order.
      values: numbers [..., m] of the same dtype.
      side: "left": before equal elements; "right": behind them.
      out_type: int32 or int64.

    Returns:
      out_type [..., m], each in [0, n].

    Raises:
      ValueError: another side.
      ShapeError: the axes in front differ.
      DTypeError: the dtypes differ, or have no order; another out_type.

    Example:
      >>> nf.searchsorted([1, 3, 5], [0, 3, 9]).numpy().tolist()
      [0, 1, 3]
    """
    op = "searchsorted"
    x = as_tensor(sorted_sequence, None, op, "sorted_sequence")
    wanted = as_tensor(values, None, op, "values")
    same_dtype(op, x.spec, wanted.spec, names=("sorted_sequence", "values"))
    if not isinstance(side, str) or side not in ("left", "right"):
        raise ValueError(explain(op, f"no side {side!r}", fix='"left" or "right"'))
    shown = {"sorted_sequence": x.spec, "values": wanted.spec}
    if not x.spec.rank or x.spec.shape[:-1] != wanted.spec.shape[:-1] or not wanted.spec.rank:
        raise ShapeError(explain(op, "all axes but the last must be the same", shown))
    kind = dtypes.as_dtype(out_type)
    if kind not in (dtypes.int32, dtypes.int64):
        raise DTypeError(explain(op, f"out_type is {kind.name}, not int32 or int64"))
    x, wanted = _comparable(op, x), _comparable(op, wanted)
    return searchsorted_op(x, wanted, right=side == "right", out_type=kind)


# --- invert_permutation ------------------------------------------------------------------


def invert_permutation(x: TensorLike, name: str | None = None) -> Tensor:
    """y with y[x[i]] = i.

    Args:
      x: int32 or int64 [n], each of 0 ... n - 1 once.

    Raises:
      InvalidArgumentError: x is no permutation.
      ShapeError: x is no vector.

    Example:
      >>> nf.math.invert_permutation([2, 0, 1]).numpy().tolist()
      [1, 2, 0]
    """
    op = "invert_permutation"
    order = as_tensor(x, None, op, "x")
    if order.dtype not in (dtypes.int32, dtypes.int64):
        problem = f"x is {order.dtype.name}, not int32 or int64"
        raise DTypeError(explain(op, problem, {"x": order.spec}))
    if order.spec.rank != 1:
        raise ShapeError(explain(op, "x must be a vector", {"x": order.spec}))
    places = _order(op, order, descending=False)
    wrong = comparisons.not_equal(
        _taken(order, places), creation.iota(order.spec.shape, 0, order.dtype)
    )
    fault = checks.checked_index(
        maths.cast(wrong, order.dtype), 1, op, "x is no permutation: fault"
    )
    return maths.cast(places, order.dtype) + fault
