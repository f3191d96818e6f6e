"""What is done with IndexedSlices: made dense, summed, scaled. All of it stays sparse if it can.

TensorFlow's rules for gradients: slices plus slices are longer slices; slices plus a tensor are a
tensor. A factor scales the rows; every other op reads them as the dense tensor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.tensor import Tensor
from numflow.ops import indexing, joining, operators, signs
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.precision import single
from numflow.shapes import product

Gradient = Tensor | IndexedSlices


def flat_indices(indices: Tensor) -> Tensor:
    """Indices in a dtype that kernels take, [n]."""
    if indices.dtype not in (dtypes.int32, dtypes.int64):
        indices = maths.cast(indices, dtypes.int64)
    return indices if indices.spec.rank == 1 else shaping.reshape(indices, (indices.spec.size,))


def _dense(slices: IndexedSlices) -> Tensor:
    """The dense tensor: rows of equal index added up, 0 elsewhere.

    Raises:
      ValueError: the shape of the dense tensor is not known.
      ShapeError: the values are no rows of it, one for each index.
      InvalidArgumentError: an index is out of range.
    """
    spec = slices.spec
    values = as_tensor(slices.values, None, "IndexedSlices", "values")
    indices = as_tensor(slices.indices, None, "IndexedSlices", "indices")
    if not values.dtype.is_numeric:
        problem = f"values are {values.dtype.name}, which has no sum"
        raise DTypeError(explain("IndexedSlices", problem, {"values": values.spec}))
    rows = indices.spec.shape + spec.shape[1:]
    if values.spec.shape != rows:
        shown = {"values": values.spec, "indices": indices.spec, "dense_shape": list(spec.shape)}
        raise ShapeError(explain("IndexedSlices", "the values are no rows, one per index", shown))
    at = flat_indices(indices)
    flat = shaping.reshape(values, (at.spec.size, product(spec.shape[1:])))
    wide = single(flat)
    op = indexing.scatter_add_op if wide.dtype.is_floating else indexing.exact_scatter_add_op
    shape = (spec.shape[0], product(spec.shape[1:]))
    found = op(wide, at, shape=shape, axis=0, batch_dims=0)
    return shaping.reshape(maths.cast(found, spec.dtype), spec.shape)


def _shape_tensor(slices: IndexedSlices) -> Tensor:
    return as_tensor(list(slices.spec.shape), dtypes.int32)


def _is_number(x: Any) -> bool:
    """Whether x is one number."""
    if isinstance(x, float | int | np.generic) or hasattr(x, "_weak_tensor"):
        return True
    spec = getattr(x, "spec", None)
    return spec is not None and not isinstance(x, IndexedSlices) and spec.shape == ()


def _multiply(slices: IndexedSlices, factor: Any) -> Gradient:
    if _is_number(factor):
        return slices.map(lambda rows: maths.multiply(rows, factor))
    return maths.multiply(slices, factor)


def _divide(slices: IndexedSlices, divisor: Any) -> Gradient:
    if _is_number(divisor):
        return slices.map(lambda rows: maths.divide(rows, divisor))
    return maths.divide(slices, divisor)


def add_gradients(a: Gradient, b: Gradient) -> Gradient:
    """The sum of two contributions to a gradient."""
    if not (isinstance(a, IndexedSlices) and isinstance(b, IndexedSlices)):
        return maths.add(a, b)
    if a.static_shape is None or b.static_shape is None:
        shape = a.dense_shape if b.static_shape is None else b.dense_shape
        return IndexedSlices(*_joined(a, b), shape)
    return IndexedSlices.of(*_joined(a, b), a.static_shape)


def _joined(a: IndexedSlices, b: IndexedSlices) -> tuple[Tensor, Tensor]:
    """Values and indices of both, one after the other; TensorFlow has the later ones first."""
    first, second = (x.indices for x in (a, b))
    if first.dtype is not second.dtype:
        first, second = maths.cast(first, dtypes.int64), maths.cast(second, dtypes.int64)
    return joining.concat([a.values, b.values], 0), joining.concat([first, second], 0)


_OWN: dict[str, Any] = {
    "_as_tensor": _dense,
    "_shape_tensor": _shape_tensor,
    "__mul__": _multiply,
    "__rmul__": _multiply,
    "__truediv__": _divide,
    "__neg__": lambda slices: slices.map(signs.negative),
}


def _bind() -> None:
    """Give IndexedSlices the operators of tensors, but for what leaves them sparse; equality is
    identity, as in TensorFlow."""
    for name, method in {**operators.METHODS, **_OWN}.items():
        if name not in ("__eq__", "__ne__"):
            setattr(IndexedSlices, name, method)


_bind()
