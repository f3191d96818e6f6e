"""Some rows of a variable changed: what Variable.scatter_* and sparse optimizer steps do.

Eagerly NumPy writes the variable's own buffer; in a trace the new value is `scatter_rows` of the
old one, which a program computes in the variable's memory, so that the work follows the number of
rows (codegen/writes.py). Indices are checked before anything is written.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.eager.apply import eager, tapes
from numflow.eager.tensor import Array, EagerTensor
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.op import current
from numflow.graph.tensor import Tensor
from numflow.ops import creation, indexing, joining, scatter
from numflow.ops import math as maths
from numflow.ops import rows as row_ops
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.indexed_slices import flat_indices
from numflow.shapes import product


def scatter_slices(variable: Any, op: str, sparse_delta: Any, kind: str) -> Any:
    """Let the rows of sparse_delta meet those of the variable; arguments as of scatter_nd.

    Raises:
      TypeError: sparse_delta is no IndexedSlices.
      ShapeError: its values are no rows of the variable, one for each index.
    """
    if not isinstance(sparse_delta, IndexedSlices):
        problem = f"sparse_delta is {type(sparse_delta).__name__}, not IndexedSlices"
        raise TypeError(explain(op, problem, {"variable": variable.spec}))
    values = as_tensor(sparse_delta.values, variable.dtype, op, "values")
    indices = as_tensor(sparse_delta.indices, None, op, "indices")
    shape = variable.spec.shape
    if not shape:
        raise ShapeError(explain(op, f"variable {variable.name} has no rows"))
    want = indices.spec.shape + shape[1:]
    if not values.spec.shape:  # one number for all
        values = shaping.broadcast_to(values, want)
    if values.spec.shape != want:
        shown = {"variable": variable.spec, "values": values.spec, "indices": indices.spec}
        raise ShapeError(explain(op, "the values are no rows of it, one per index", shown))
    _refuse_dtype(op, indices)
    at = flat_indices(indices)
    rows = shaping.reshape(values, (at.spec.size, product(shape[1:])))
    return _scatter(variable, op, at, rows, shape[0], kind)


def scatter_places(variable: Any, op: str, indices: Any, updates: Any, kind: str) -> Any:
    """Let updates meet the elements or slices at places.

    Args:
      indices: integers [..., k], each within its axis.
      updates: of the variable's dtype, indices.shape[:-1] + shape[k:].
      kind: what happens there: a key of kernels/cpu/scatter.py.

    Raises:
      InvalidArgumentError: an index is out of range.
      ShapeError: the shapes do not fit.
    """
    places = as_tensor(indices, None, op, "indices")
    rows = as_tensor(updates, variable.dtype, op, "updates")
    shape = variable.spec.shape
    shown = {"variable": variable.spec, "indices": places.spec, "updates": rows.spec}
    _refuse_dtype(op, places)
    depth = places.spec.shape[-1] if places.spec.rank else None
    if not isinstance(depth, int) or depth > len(shape):
        raise ShapeError(explain(op, "indices needs a last axis of at most rank places", shown))
    if rows.spec.shape != places.spec.shape[:-1] + shape[depth:]:
        problem = "updates must have the shape indices.shape[:-1] + shape[k:]"
        raise ShapeError(explain(op, problem, shown))
    if depth == 1:
        at = flat_indices(places)
    else:
        at = indexing.flat_places(op, places, shape[:depth])
        at = shaping.reshape(at, (product(places.spec.shape[:-1]),))
    flat = shaping.reshape(rows, (at.spec.size, product(shape[depth:])))
    return _scatter(variable, op, at, flat, product(shape[:depth]), kind)


def batch_scatter_update(variable: Any, sparse_delta: Any) -> Any:
    """Write rows of each batch: variable[b..., indices[b..., i]] = values[b..., i].

    Raises:
      TypeError: sparse_delta is no IndexedSlices.
    """
    op = "batch_scatter_update"
    if not isinstance(sparse_delta, IndexedSlices):
        problem = f"sparse_delta is {type(sparse_delta).__name__}, not IndexedSlices"
        raise TypeError(explain(op, problem, {"variable": variable.spec}))
    indices = as_tensor(sparse_delta.indices, None, op, "indices")
    _refuse_dtype(op, indices)
    sizes = indices.spec.shape
    batch = [creation.iota(sizes, k, dtypes.int64) for k in range(len(sizes) - 1)]
    places = joining.stack([*batch, maths.cast(indices, dtypes.int64)], -1)
    return scatter_places(variable, op, places, sparse_delta.values, "update")


def put_rows(variable: Any, unique: Tensor, rows: Tensor) -> None:
    """Write rows[n, inner] over those of the variable at unique[n], which have been checked and
    differ from each other; those that are -1 are left out."""
    if current() is eager:
        places, new = _array(unique), _array(rows)
        kept = places >= 0
        if not kept.all():
            places, new = places[kept], new[kept]
        with variable._lock:
            variable.make_private()
            shape = (len(variable._array), new.shape[1])
            variable._array.reshape(shape)[places] = new
        return
    base = row_ops.flat_rows(variable._as_tensor())
    new_value = scatter.scatter_rows_op(base, unique, rows, kind="update", drop=True)
    variable._assign(shaping.reshape(new_value, variable.spec.shape))


def _refuse_dtype(op: str, indices: Tensor) -> None:
    if not indices.dtype.is_integer:
        shown = {"indices": indices.spec}
        raise DTypeError(explain(op, f"indices is {indices.dtype.name}, not an integer", shown))


def _scatter(variable: Any, op: str, indices: Tensor, rows: Tensor, depth: Any, kind: str) -> Any:
    """The variable as a matrix of `depth` rows meets rows[n, inner] at indices[n]."""
    name = f"variable {variable.name}: index"
    scatter.refuse_dtype(op, kind, rows)
    if current() is not eager:
        base = variable._as_tensor()
        flat = shaping.reshape(base, (depth, rows.spec.shape[1]))
        new = scatter.scattered_checked(op, name, flat, indices, rows, kind)
        return variable._assign(shaping.reshape(new, base.spec.shape))
    places, values = _array(indices), _array(rows)
    row_ops.refuse_outside(op, name, places, depth)
    if kind == "divide" and variable.dtype.is_integer and not values.all():
        raise InvalidArgumentError(explain(op, "integer division by zero"))
    for tape in tapes.items:
        tape.assigned(variable, rows)
    with variable._lock, np.errstate(all="ignore"):
        variable.make_private()
        _meet(variable._array.reshape(depth, values.shape[1]), places, values, kind)
    return variable


def _meet(matrix: Array, places: Array, values: Array, kind: str) -> None:
    """Change the rows of matrix in place; those of equal index in their order."""
    if kind == "update":
        matrix[places] = values
    elif kind in ("add", "subtract"):
        order = np.argsort(places, kind="stable")
        ordered = places[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]][: len(ordered)])
        if len(starts) == len(places):
            sums, at = values, places
        else:  # 16-bit floats are rounded once
            half = matrix.dtype.itemsize == 2 and matrix.dtype.kind not in "iu"
            wide = values.astype(np.float32) if half else values
            sums, at = np.add.reduceat(wide[order], starts, axis=0), ordered[starts]
        matrix[at] = matrix[at] + sums if kind == "add" else matrix[at] - sums
    elif kind == "divide" and matrix.dtype.kind in "iu":
        for at, row in zip(places, values, strict=True):  # towards zero, as in C
            matrix[at] = np.trunc(matrix[at] / row)
    else:
        scatter.UFUNCS[kind].at(matrix, places, values)


def _array(tensor: Tensor) -> Array:
    assert isinstance(tensor, EagerTensor)
    return tensor._array
