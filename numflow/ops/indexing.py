"""Elements chosen by index: gather and its gradient, boolean masks, `x[array]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.building import SymbolicTensor
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.lowering import Call, HostCall, Library
from numflow.graph.op import Attrs, Backward, Op, composites_too
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, comparisons, run_time, slicing
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.ops.precision import single
from numflow.ops.shape_rules import normal_axis
from numflow.shapes import Extent, Shape, product

# --- gather --------------------------------------------------------------------


def _gather_infer(params: Spec, indices: Spec, *, axis: int, batch_dims: int) -> Spec:
    if not indices.dtype.is_integer:
        raise DTypeError(
            explain(
                "gather", f"indices is {indices.dtype.name}, not an integer", {"indices": indices}
            )
        )
    if params.shape[:batch_dims] != indices.shape[:batch_dims]:
        shown = {"params": params, "indices": indices, "batch_dims": batch_dims}
        raise ShapeError(explain("gather", "the batch axes differ", shown))
    shape = params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1 :]
    return Spec(shape, params.dtype)


def _refuse_outside(op: str, indices: Any, size: int) -> None:
    good = (indices >= 0) & (indices < size)
    if not np.all(good):
        flat = int(np.argmin(np.reshape(good, -1)))
        at = [int(i) for i in np.unravel_index(flat, np.shape(indices))] if np.ndim(indices) else []
        value = int(np.reshape(indices, -1)[flat])
        raise InvalidArgumentError(
            explain(op, f"indices{at or ''} = {value} is outside [0, {size})")
        )


def _gather_reference(params: Any, indices: Any, *, axis: int, batch_dims: int) -> Any:
    _refuse_outside("gather", indices, params.shape[axis])
    if not batch_dims:
        return np.take(params, indices, axis)
    batch = params.shape[:batch_dims]
    rows = params.reshape(int(np.prod(batch)), *params.shape[batch_dims:])
    chosen = indices.reshape(len(rows), *indices.shape[batch_dims:])
    shape = params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1 :]
    if axis == batch_dims:
        return rows[_own_rows(chosen), chosen].reshape(shape)
    out = np.empty((len(rows), *shape[len(batch) :]), params.dtype)
    for k in range(len(rows)):
        out[k] = np.take(rows[k], chosen[k], axis - batch_dims)
    return out.reshape(shape)


def _own_rows(chosen: Any) -> Any:
    """The number of each row of indices, beside the indices."""
    return np.arange(len(chosen)).reshape(len(chosen), *(1,) * (chosen.ndim - 1))


def _gather_vjp(g: Backward) -> tuple[Tensor | IndexedSlices | None, ...]:
    params, indices = g.inputs
    if g.sparse and g.sparse[0] and not g.attrs["axis"]:
        count = indices.spec.size
        rows = shaping.reshape(g.ct, (count, *params.spec.shape[1:]))
        at = indices if indices.spec.rank == 1 else shaping.reshape(indices, (count,))
        return IndexedSlices.of(rows, at, params.spec.shape), None
    ct = single(g.ct)  # the kernel adds rows of float32 and float64
    op = exact_scatter_add_op if ct.dtype.is_complex else scatter_add_op
    dense = op(ct, indices, shape=params.spec.shape, **g.attrs)
    return maths.cast(dense, g.ct.dtype), None


def _collapsed(shape: Shape, indices: Shape, attrs: Attrs) -> dict[str, Any]:
    """The sizes that the kernels have: batch, outer, axis, and count of indices."""
    axis, batch_dims = attrs["axis"], attrs["batch_dims"]
    return {
        "batch": product(shape[:batch_dims]),
        "outer": product(shape[batch_dims:axis]),
        "axis": shape[axis],
        "count": product(indices[batch_dims:]),
    }


def _plan_gather(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Call:
    from numflow.kernels.cpu import gather as kernel  # llvmlite: only where code is made

    params, indices = inputs
    sizes = _collapsed(params.shape, indices.shape, attrs)
    inner: Any = product(params.shape[attrs["axis"] + 1 :])
    row = inner * params.dtype.size
    return kernel.plan_gather(row_bytes=row, index_bytes=indices.dtype.size, **sizes)


def _plan_scatter_add(
    inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int
) -> Call:
    from numflow.kernels.cpu import gather as kernel

    ct, indices = inputs
    shape = outputs[0].shape
    inner: Any = product(shape[attrs["axis"] + 1 :])
    return kernel.plan_scatter_add(
        inner=inner,
        dtype=ct.dtype.name,
        index_bytes=indices.dtype.size,
        threads=threads,
        **_collapsed(shape, indices.shape, attrs),
    )


gather_op = Op(
    "gather",
    _gather_infer,
    _gather_reference,
    _gather_vjp,
    Library(_plan_gather, refuses=True, checked=1),
)
gather_strings_op = Op(
    "gather_strings",
    _gather_infer,
    _gather_reference,
    None,
    HostCall("strings are gathered by NumPy"),
)


def _scatter_add_infer(
    ct: Spec, indices: Spec, *, shape: Shape, axis: int, batch_dims: int
) -> Spec:
    return Spec(shape, ct.dtype)


def _scatter_add_reference(ct: Any, indices: Any, *, shape: Any, axis: int, batch_dims: int) -> Any:
    _refuse_outside("gather", indices, shape[axis])
    out = np.zeros(shape, ct.dtype)
    if not batch_dims:
        np.add.at(out, (*(np.s_[:],) * axis, indices), ct)
        return out
    count = int(np.prod(shape[:batch_dims]))
    rows, chosen = (
        out.reshape(count, *shape[batch_dims:]),
        indices.reshape(count, *indices.shape[batch_dims:]),
    )
    updates = ct.reshape(count, *ct.shape[batch_dims:])
    if axis == batch_dims:
        np.add.at(rows, (_own_rows(chosen), chosen), updates)
        return out
    for k in range(count):
        np.add.at(rows[k], (*(np.s_[:],) * (axis - batch_dims), chosen[k]), updates[k])
    return out


def _scatter_add_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    attrs = {k: g.attrs[k] for k in ("axis", "batch_dims")}
    return gather_op(g.ct, g.inputs[1], **attrs), None


scatter_add_op = Op(
    "scatter_add",
    _scatter_add_infer,
    _scatter_add_reference,
    _scatter_add_vjp,
    Library(_plan_scatter_add, refuses=True, checked=1),
)
exact_scatter_add_op = Op(
    "scatter_add_exact",
    _scatter_add_infer,
    _scatter_add_reference,
    _scatter_add_vjp,
    HostCall("rows of complex numbers are added by NumPy"),
)


def _rows(x: Tensor, indices: Tensor, axis: int, batch_dims: int) -> Tensor:
    """gather, with indices in a dtype that the kernel takes."""
    if x.dtype is dtypes.string:
        return gather_strings_op(x, indices, axis=axis, batch_dims=batch_dims)
    if indices.dtype.is_integer and indices.dtype not in (dtypes.int32, dtypes.int64):
        indices = maths.cast(indices, dtypes.int64)
    return gather_op(x, indices, axis=axis, batch_dims=batch_dims)


@composites_too
def gather(
    params: TensorLike,
    indices: TensorLike,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Tensor:
    """The slices of params at indices along an axis.

    Args:
      params: any dtype, at least 1 axis.
      indices: integers [...], each in [0, size of the axis).
      validate_indices: without effect; indices are always checked.
      axis: default batch_dims.
      batch_dims: leading axes that params and indices share; each batch has indices of its own.

    Returns:
      params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:].

    Raises:
      InvalidArgumentError: an index is out of range.
      DTypeError: indices are not integers.
      ShapeError: there is no such axis.

    Example:
      >>> nf.gather([[1, 2], [3, 4], [5, 6]], [2, 0]).numpy().tolist()
      [[5, 6], [1, 2]]
    """
    x = as_tensor(params, None, "gather", "params")
    chosen = as_tensor(indices, None, "gather", "indices")
    batch_dims = static_int(batch_dims, "gather", "batch_dims")
    shared = (
        normal_axis("gather", batch_dims, chosen.spec.rank + 1, "batch_dims") if batch_dims else 0
    )
    if batch_dims < 0:
        shared -= 1
    at = shared if axis is None else static_int(axis, "gather", "axis")
    k = normal_axis("gather", at, x.spec.rank)
    if k < shared:
        raise ShapeError(
            explain("gather", f"axis {k} is one of the {shared} batch axes", {"params": x.spec})
        )
    return _rows(x, chosen, k, shared)


# --- boolean_mask ----------------------------------------------------------------


def boolean_mask(
    tensor: TensorLike, mask: TensorLike, axis: Any = None, name: str = "boolean_mask"
) -> Tensor:
    """The slices of tensor at which mask holds: how many is decided by its values.

    Args:
      tensor: any dtype.
      mask: bool (or numbers: not 0), its shape that of tensor's axes from `axis` on.
      axis: default 0.

    Raises:
      ShapeError: mask is a scalar, or does not fit.
      DTypeError: mask is text.

    Example:
      >>> nf.boolean_mask([1, 2, 3], [True, False, True]).numpy().tolist()
      [1, 3]
    """
    x = as_tensor(tensor, None, "boolean_mask", "tensor")
    chosen = as_tensor(mask, None, "boolean_mask", "mask")
    if chosen.dtype.is_numeric:
        chosen = comparisons.not_equal(chosen, 0)
    at = (
        0
        if axis is None
        else normal_axis("boolean_mask", static_int(axis, "boolean_mask", "axis"), x.spec.rank)
    )
    return _masked("boolean_mask", x, chosen, at)


def _masked(op: str, x: Tensor, mask: Tensor, axis: int) -> Tensor:
    shown = {"tensor": x.spec, "mask": mask.spec, "axis": axis}
    if mask.dtype is not dtypes.bool:
        raise DTypeError(explain(op, f"mask is {mask.dtype.name}, not bool", shown))
    rank, shape = mask.spec.rank, x.spec.shape
    if not rank:
        raise ShapeError(explain(op, "mask is a scalar: it needs at least 1 axis", shown))
    fits = run_time.fitted(mask, shape[axis : axis + rank])
    if fits is None:
        raise ShapeError(
            explain(op, "mask does not have the sizes of the axes that it masks", shown)
        )
    known = checks.known_values(fits)
    found = run_time.positions(fits) if known is None else as_tensor(np.flatnonzero(known))
    merged = shaping.reshape(x, (*shape[:axis], mask.spec.size, *shape[axis + rank :]))
    return _rows(merged, found, axis, 0)


# --- x[array] ----------------------------------------------------------------------


def is_array(key: Any) -> bool:
    """Whether one index of `x[...]` is a list, array or tensor of indices, or a mask."""
    if isinstance(key, list | np.ndarray):
        return not (isinstance(key, np.ndarray) and key.ndim == 0 and key.dtype.kind in "iu")
    if isinstance(key, SymbolicTensor) and key.content is None:
        return True
    return isinstance(key, Tensor) and (key.spec.rank > 0 or key.dtype is dtypes.bool)


def getitem(x: Tensor, keys: list[Any]) -> Tensor:
    """x[keys] where one key is an array of indices (negative ones from the end) or a mask, or where
    several are numbers that only a program knows.

    Raises:
      DTypeError: two keys are arrays; a key is no integer.
      InvalidArgumentError: an index is out of range.
    """
    places = [k for k, key in enumerate(keys) if is_array(key)]
    at = places[0]
    if len(places) > 1 and all(_is_number(keys[k]) for k in places):
        return _of_numbers(x, keys, places)
    if len(places) > 1:
        raise DTypeError(
            explain(
                "getitem",
                "two indices are arrays",
                {"tensor": x.spec},
                fix="one after the other, or nf.gather_nd",
            )
        )
    chosen = as_tensor(keys[at], None, "getitem", "index")
    masks = chosen.dtype is dtypes.bool
    others = [*keys[:at], *[np.s_[:]] * (chosen.spec.rank if masks else 1), *keys[at + 1 :]]
    rest = slicing.getitem(x, tuple(others))
    named = sum(k is not None and k is not Ellipsis for k in others)
    axis = 0
    for key in keys[:at]:
        axis += (
            x.spec.rank - named
            if key is Ellipsis
            else int(key is None or isinstance(key, type(np.s_[:])))
        )
    if masks:
        return _masked("getitem", rest, chosen, axis)
    if not chosen.dtype.is_integer:
        raise DTypeError(
            explain(
                "getitem", f"an index is {chosen.dtype.name}, not an integer", {"tensor": x.spec}
            )
        )
    return _rows(rest, _from_the_start(chosen, rest.spec.shape[axis]), axis, 0)


def _from_the_start(index: Tensor, n: Extent) -> Tensor:
    """Indices of an axis, of which negative ones count from its end."""
    if index.dtype.is_unsigned:
        return index
    index = maths.cast(index, dtypes.int64)
    return selections.where(index < 0, index + shaping.size_tensor(n, dtypes.int64), index)


def _is_number(key: Any) -> bool:
    return isinstance(key, Tensor) and key.spec.rank == 0 and key.dtype.is_integer


def _of_numbers(x: Tensor, keys: list[Any], places: list[int]) -> Tensor:
    """x[keys], of which several are integers; those of neighbouring axes become one index."""
    whole = np.s_[:]
    named = sum(key is not None and key is not Ellipsis for key in keys)
    numbers: list[Tensor | None] = []  # one for each axis of what the other keys give
    for k, key in enumerate(keys):
        if k in places:
            numbers.append(key)
        elif key is Ellipsis:
            numbers += [None] * (x.spec.rank - named)
        elif key is None or isinstance(key, type(whole)):
            numbers.append(None)
    x = slicing.getitem(x, tuple(whole if k in places else key for k, key in enumerate(keys)))
    end = len(numbers)
    while end:
        begin = end - 1
        while numbers[end - 1] is not None and begin and numbers[begin - 1] is not None:
            begin -= 1
        run = [n for n in numbers[begin:end] if n is not None]
        if len(run) > 1:
            axes = x.spec.shape[begin:end]
            both = zip(run, axes, strict=True)
            at = _merged("getitem", [(_from_the_start(i, n), n) for i, n in both])
            merged = *x.spec.shape[:begin], product(axes), *x.spec.shape[end:]
            x = _rows(shaping.reshape(x, merged), at, begin, 0)
        elif run:
            x = _rows(x, _from_the_start(run[0], x.spec.shape[begin]), begin, 0)
        end = begin
    return x


# --- gather_nd ---------------------------------------------------------------------


def gather_nd(
    params: TensorLike,
    indices: TensorLike,
    batch_dims: int = 0,
    name: str | None = None,
    bad_indices_policy: str = "",
) -> Tensor:
    """The elements or slices of params at places, each a row of indices.

    Args:
      params: any dtype, at least k axes behind the batch axes.
      indices: integers [..., k], each within its axis.
      batch_dims: leading axes that params and indices share.
      bad_indices_policy: indices out of range are refused, whatever is asked for.

    Returns:
      indices.shape[:-1] + params.shape[batch_dims + k:].

    Raises:
      InvalidArgumentError: an index is out of range.
      ShapeError: params has fewer than k axes, or the batch axes differ.

    Example:
      >>> nf.gather_nd([[1, 2], [3, 4]], [[0, 1], [1, 0]]).numpy().tolist()
      [2, 3]
    """
    x = as_tensor(params, None, "gather_nd", "params")
    places = as_tensor(indices, None, "gather_nd", "indices")
    batch_dims = static_int(batch_dims, "gather_nd", "batch_dims")
    shown = {"params": x.spec, "indices": places.spec, "batch_dims": batch_dims}
    if not places.dtype.is_integer:
        raise DTypeError(
            explain("gather_nd", f"indices is {places.dtype.name}, not an integer", shown)
        )
    if not places.spec.rank or not 0 <= batch_dims < places.spec.rank:
        raise ShapeError(explain("gather_nd", "indices needs a last axis for the places", shown))
    depth = places.spec.shape[-1]
    if not isinstance(depth, int) or depth > x.spec.rank - batch_dims:
        raise ShapeError(explain("gather_nd", f"params has no {depth} axes to index", shown))
    axes = x.spec.shape[batch_dims : batch_dims + depth]
    if depth == 1 and not batch_dims:  # rows of x: the gradient for a variable stays sparse
        return _rows(x, slicing.getitem(places, (..., 0)), 0, 0)
    flat = shaping.reshape(
        x, (*x.spec.shape[:batch_dims], product(axes), *x.spec.shape[batch_dims + depth :])
    )
    return _rows(flat, flat_places("gather_nd", places, axes), batch_dims, batch_dims)


def flat_places(op: str, places: Tensor, axes: Shape) -> Tensor:
    """Rows of coordinates as int64 indices into their axes, merged; each coordinate is checked."""
    if not axes:
        return shaping.zeros(places.spec.shape[:-1], dtypes.int64)
    return _merged(op, [(slicing.getitem(places, (..., k)), n) for k, n in enumerate(axes)])


def _merged(op: str, places: Sequence[tuple[Tensor, Extent]]) -> Tensor:
    """Indices into axes, of the sizes given, as int64 indices into these axes merged."""
    flat = shaping.zeros(places[0][0].spec.shape, dtypes.int64)
    for index, n in places:
        one = checks.checked_index(index, n, op)
        flat = flat * shaping.size_tensor(n, dtypes.int64) + maths.cast(one, dtypes.int64)
    return flat
