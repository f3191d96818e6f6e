"""Elements and slices written, added... at places: scatter_nd, tensor_scatter_nd_*.

All of them are one kernel over rows: base[n, m], of which the rows at indices[count] meet
rows[count, m]. A place of several coordinates is one index into the axes that they name, merged;
each coordinate is checked by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.lowering import Composite, Library
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, indexing
from numflow.ops import math as maths
from numflow.ops import rows as row_ops
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.checks import checked_divisor, checked_index
from numflow.ops.convert import as_tensor, static_shape
from numflow.ops.precision import single
from numflow.shapes import Extent, Shape, product

# --- scatter: rows at indices ----------------------------------------------------------

UFUNCS: dict[str, Any] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "divide": np.divide,
}


def _scatter_infer(base: Spec, indices: Spec, rows: Spec, *, kind: str, drop: bool) -> Spec:
    return base


def _scatter_reference(base: Any, indices: Any, rows: Any, *, kind: str, drop: bool) -> Any:
    """In the order of the indices; negative ones are left out if drop."""
    if drop:
        inside = indices >= 0
        indices, rows = indices[inside], rows[inside]
    _refuse_outside(indices, len(base))
    return _written(base.copy(), indices, rows, kind)


def _written(out: Any, indices: Any, rows: Any, kind: str) -> Any:
    """out, whose rows at indices have met rows."""
    if kind == "update":
        for i, row in zip(indices, rows, strict=True):  # of equal indices the last one stays
            out[i] = row
    else:
        UFUNCS[kind].at(out, indices, rows)
    return out


def _refuse_outside(indices: Any, count: int) -> None:
    wrong = (indices < 0) | (indices >= count)
    if wrong.any():
        value = int(indices[int(np.argmax(wrong))])
        raise InvalidArgumentError(
            explain("scatter", f"index {value} is outside [0, {count})", {"rows": count})
        )


def _plan_scatter(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Any:
    from numflow.kernels.cpu import scatter as kernel  # llvmlite: only where code is made

    base, indices, _ = inputs
    (axis, inner), (count,) = base.shape, indices.shape
    assert isinstance(axis, int) and isinstance(inner, int) and isinstance(count, int)
    return kernel.plan_scatter(
        axis,
        count,
        inner,
        base.dtype.name,
        attrs["kind"],
        itemsize=base.dtype.size,
        index_bytes=indices.dtype.size,
        drop=attrs["drop"],
        threads=threads,
    )


def _scatter_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    base, indices, rows = g.inputs
    kind, drop, ct = g.attrs["kind"], g.attrs["drop"], g.ct
    if kind == "add":
        return ct, None, rows_at(ct, indices, drop)
    if kind == "subtract":
        return ct, None, -rows_at(ct, indices, drop)
    if kind == "update":  # TensorFlow's rule: of equal indices, all rows get the gradient
        to_base = scatter_op(ct, indices, shaping.zeros_like(rows), kind=kind, drop=drop)
        return to_base, None, rows_at(ct, indices, drop)
    if kind == "multiply":
        return _product_vjp(g)
    if kind == "divide":
        one_over = scatter_op(shaping.ones_like(base), indices, rows, kind=kind, drop=drop)
        return ct * one_over, None, -rows_at(ct * g.outputs[0], indices, drop) / rows
    # TensorFlow's rule: shared equally among all that attain the extreme
    out = g.outputs[0]
    from_base = maths.cast(comparisons.equal(base, out), ct.dtype)
    from_rows = maths.cast(comparisons.equal(rows, rows_at(out, indices, drop)), ct.dtype)
    number = scatter_op(from_base, indices, from_rows, kind="add", drop=drop)
    share = selections.where(comparisons.equal(number, 0.0), shaping.zeros_like(ct), ct / number)
    return share * from_base, None, rows_at(share, indices, drop) * from_rows


def _product_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """The product of the others: exact where a factor is 0 too."""
    base, indices, rows = g.inputs
    drop, ct = g.attrs["drop"], g.ct
    ones, zero = shaping.ones_like(rows), comparisons.equal(rows, shaping.zeros_like(rows))
    of_rows = scatter_op(
        shaping.ones_like(base), indices, rows, kind="multiply", drop=drop
    )  # base's own derivative
    counted = maths.cast(zero, ct.dtype)
    zeros = scatter_op(shaping.zeros_like(base), indices, counted, kind="add", drop=drop)
    without = selections.where(zero, ones, rows)
    others = scatter_op(base, indices, without, kind="multiply", drop=drop)
    alone = maths.cast(comparisons.equal(rows_at(zeros, indices, drop), counted), ct.dtype)
    to_rows = rows_at(ct * others, indices, drop) * alone / without
    return ct * of_rows, None, to_rows


scatter_op = Op(
    "scatter",
    _scatter_infer,
    _scatter_reference,
    _scatter_vjp,
    Library(_plan_scatter, refuses=True, checked=1, in_place=0),
)


def _sum_infer(indices: Spec, rows: Spec, *, count: Extent) -> Spec:
    return Spec((count, *rows.shape[1:]), rows.dtype)


def _sum_reference(indices: Any, rows: Any, *, count: int) -> Any:
    _refuse_outside(indices, count)
    return _written(np.zeros((count, *rows.shape[1:]), rows.dtype), indices, rows, "add")


def _sum_expand(indices: Tensor, rows: Tensor, *, count: Extent) -> Tensor:
    base = shaping.zeros((count, *rows.spec.shape[1:]), rows.dtype)
    return scatter_op(base, indices, rows, kind="add", drop=False)


# scatter_op of zeros: eagerly, memory that no row is written to is never touched.
scatter_sum_op = Op(
    "scatter_sum",
    _sum_infer,
    _sum_reference,
    lambda g: (None, rows_at(g.ct, g.inputs[0], False)),
    Composite(_sum_expand),
)

# Of indices that have been checked before. It refuses nothing, so a variable can be its memory.
scatter_rows_op = Op(
    "scatter_rows",
    _scatter_infer,
    _scatter_reference,
    _scatter_vjp,
    Library(_plan_scatter, in_place=0),
)


def rows_at(x: Tensor, indices: Tensor, drop: bool) -> Tensor:
    """The rows of x at indices; 0 for negative ones if drop."""
    if not drop:
        return indexing.gather(x, indices)
    found = indexing.gather(x, maths.maximum(indices, shaping.zeros_like(indices)))
    inside = shaping.expand_dims(indices >= shaping.zeros_like(indices), 1)
    return selections.where(inside, found, shaping.zeros_like(found))


def refuse_dtype(op: str, kind: str, rows: Tensor) -> None:
    """Refuse a dtype that has no such operation: text and bools, and what complex numbers lack.

    Raises:
      DTypeError: it has not.
    """
    dtype = rows.dtype
    unordered = dtype.is_complex and kind in ("minimum", "maximum")
    if kind != "update" and (not dtype.is_numeric or unordered):
        raise DTypeError(explain(op, f"does not take {dtype.name}", {"updates": rows.spec}))


def scattered(
    op: str, base: Tensor, indices: Tensor, rows: Tensor, kind: str, drop: bool
) -> Tensor:
    """scatter_op in a dtype that the kernel computes with.

    Raises:
      DTypeError: the dtype has no such operation.
    """
    dtype = base.dtype
    if indices.dtype not in (dtypes.int32, dtypes.int64):
        indices = maths.cast(indices, dtypes.int64)
    if kind != "update":
        refuse_dtype(op, kind, rows)
        if dtype.is_integer and dtype.size < 4:  # the low bits are the same
            base, rows = (maths.cast(t, dtypes.int32) for t in (base, rows))
        base, rows = single(base), single(rows)
    elif dtype is dtypes.string:
        raise DTypeError(explain(op, "does not take string", {"updates": rows.spec}))
    return maths.cast(scatter_op(base, indices, rows, kind=kind, drop=drop), dtype)


def scattered_checked(
    op: str, name: str, base: Tensor, indices: Tensor, rows: Tensor, kind: str
) -> Tensor:
    """base[axis, inner] with rows[n, inner] at indices[n], which are checked before anything else:
    a variable is then written in place.

    op, name: what a message calls the operation and the index.

    Raises:
      InvalidArgumentError: an index is out of range; when the program runs, if traced.
      DTypeError: the dtype has no such operation.
    """
    dtype, depth = base.dtype, base.spec.shape[0]
    if kind == "update":
        at = checked_index(indices, depth, op, name)
        return scatter_rows_op(base, at, rows, kind=kind, drop=False)
    refuse_dtype(op, kind, rows)
    if dtype.is_floating and dtype.size == 2 and kind in ("add", "subtract"):  # one rounding
        unique, first = row_ops.first_rows_op(indices, depth=depth, op=op, name=name)
        sums = row_ops.sum_rows_op(single(rows), first)
        old = single(indexing.gather(base, indices))
        new = maths.cast(old + sums if kind == "add" else old - sums, dtype)
        return scatter_rows_op(base, unique, new, kind="update", drop=True)
    at = checked_index(indices, depth, op, name)
    if kind == "divide" and dtype.is_integer:  # as in C: towards zero, and never by zero
        base, rows = (
            maths.cast(base, dtypes.float64),
            maths.cast(checked_divisor(rows, op), dtypes.float64),
        )
    elif dtype.is_integer and dtype.size < 4:  # the low bits are the same
        base, rows = maths.cast(base, dtypes.int32), maths.cast(rows, dtypes.int32)
    else:
        base, rows = single(base), single(rows)
    return maths.cast(scatter_rows_op(base, at, rows, kind=kind, drop=False), dtype)


# --- scatter_nd, tensor_scatter_nd_* ---------------------------------------------------


def scatter_nd(
    indices: TensorLike,
    updates: TensorLike,
    shape: Any,
    bad_indices_policy: str = "",
    name: str | None = None,
) -> Tensor:
    """Zeros of a shape, to which updates are added at places: the inverse of gather_nd.

    Args:
      indices: integers [..., k], each within its axis.
      updates: numbers, indices.shape[:-1] + shape[k:].
      shape: of the result.
      bad_indices_policy: indices out of range are refused, whatever is asked for.

    Raises:
      InvalidArgumentError: an index is out of range.
      ShapeError: the shapes do not fit.

    Example:
      >>> nf.scatter_nd([[1], [3], [1]], [9, 10, 11], [4]).numpy().tolist()
      [0, 20, 0, 10]
    """
    rows = as_tensor(updates, None, "scatter_nd", "updates")
    want = static_shape(shape, "scatter_nd")
    refuse_dtype("scatter_nd", "add", rows)
    place, each, count = _flat("scatter_nd", want, indices, rows)
    if rows.dtype.is_integer and rows.dtype.size < 4:  # the low bits are the same
        each = maths.cast(each, dtypes.int32)
    sums = scatter_sum_op(place, single(each), count=count)
    return maths.cast(shaping.reshape(sums, want), rows.dtype)


def tensor_scatter_nd_update(
    tensor: TensorLike,
    indices: TensorLike,
    updates: TensorLike,
    name: str | None = None,
    bad_indices_policy: str = "",
) -> Tensor:
    """tensor with updates in place of what stood at places.

    Args:
      tensor: any dtype but string.
      indices: integers [..., k], each within its axis; of equal places the last one counts, but
        all get its gradient, as in TensorFlow.
      updates: of tensor's dtype, indices.shape[:-1] + tensor.shape[k:].
      bad_indices_policy: indices out of range are refused, whatever is asked for.

    Raises:
      InvalidArgumentError: an index is out of range.
      ShapeError: the shapes do not fit.
      DTypeError: tensor and updates differ in dtype.

    Example:
      >>> nf.tensor_scatter_nd_update([1, 2, 3], [[0], [2]], [8, 9]).numpy().tolist()
      [8, 2, 9]
    """
    return _into("tensor_scatter_nd_update", tensor, indices, updates, "update")


def _combining(name: str, kind: str, what: str, result: str) -> Callable[..., Tensor]:
    """The function of a name that lets updates meet what stands at places."""
    op = name

    def combine(
        tensor: TensorLike,
        indices: TensorLike,
        updates: TensorLike,
        bad_indices_policy: str = "",
        name: str | None = None,
    ) -> Tensor:
        return _into(op, tensor, indices, updates, kind)

    combine.__name__ = combine.__qualname__ = name
    combine.__doc__ = f"""tensor {what}; arguments as for tensor_scatter_nd_update.

    Example:
      >>> nf.{name}([1, 2, 3], [[0], [0]], [8, -9]).numpy().tolist()
      {result}
    """
    return combine


tensor_scatter_nd_add = _combining(
    "tensor_scatter_nd_add", "add", "with updates added at places", "[0, 2, 3]"
)
tensor_scatter_nd_sub = _combining(
    "tensor_scatter_nd_sub", "subtract", "with updates taken away at places", "[2, 2, 3]"
)
tensor_scatter_nd_max = _combining(
    "tensor_scatter_nd_max", "maximum", "or updates, where these are larger", "[8, 2, 3]"
)
tensor_scatter_nd_min = _combining(
    "tensor_scatter_nd_min", "minimum", "or updates, where these are smaller", "[-9, 2, 3]"
)


def _into(op: str, tensor: TensorLike, indices: TensorLike, updates: TensorLike, kind: str) -> Any:
    base = as_tensor(tensor, None, op, "tensor")
    return _at_places(op, base, indices, as_tensor(updates, base.dtype, op, "updates"), kind)


def _at_places(op: str, base: Tensor, indices: TensorLike, updates: Tensor, kind: str) -> Tensor:
    shape = base.spec.shape
    place, rows, count = _flat(op, shape, indices, updates)
    flat = shaping.reshape(base, (count, rows.spec.shape[1]))
    return shaping.reshape(scattered(op, flat, place, rows, kind, drop=False), shape)


def _flat(
    op: str, shape: Shape, indices: TensorLike, updates: Tensor
) -> tuple[Tensor, Tensor, Extent]:
    """Rows of a tensor of that shape: their indices, what meets them, how many there are."""
    places = as_tensor(indices, None, op, "indices")
    shown = {"indices": places.spec, "updates": updates.spec, "shape": list(shape)}
    if not places.dtype.is_integer:
        raise DTypeError(explain(op, f"indices is {places.dtype.name}, not an integer", shown))
    if not places.spec.rank:
        raise ShapeError(explain(op, "indices needs a last axis for the places", shown))
    depth = places.spec.shape[-1]
    if not isinstance(depth, int) or depth > len(shape):
        raise ShapeError(explain(op, f"there are no {depth} axes to index", shown))
    if updates.spec.shape != places.spec.shape[:-1] + shape[depth:]:
        problem = "updates must have the shape indices.shape[:-1] + shape[k:]"
        raise ShapeError(explain(op, problem, shown))
    count, inner = product(places.spec.shape[:-1]), product(shape[depth:])
    place = shaping.reshape(indexing.flat_places(op, places, shape[:depth]), (count,))
    rows = shaping.reshape(updates, (count, inner))
    return place, rows, product(shape[:depth])
