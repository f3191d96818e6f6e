"""Questions about shapes: what two broadcast to, whether a tensor has one, coordinates of indices.

And identity_n, get_static_value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import ArgumentError, DTypeError, ShapeError, explain
from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import constant_op
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, joining, plain, power, run_time
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, sizes, static_ints, static_shape
from numflow.ops.shape_rules import broadcast_shapes
from numflow.shapes import Dim, Extent, Size, as_extent, product
from numflow.shapes import run_time as decided_by_values
from numflow.tensor_shape import TensorShape

# --- broadcasting ----------------------------------------------------------------


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape to which two shapes broadcast; open sizes stay open where nothing decides them.

    Raises:
      ValueError: they do not broadcast.

    Example:
      >>> nf.broadcast_static_shape(nf.TensorShape([3, 1]), nf.TensorShape([None, 2]))
      TensorShape([3, 2])
    """
    x, y = TensorShape(shape_x), TensorShape(shape_y)
    if x.rank is None or y.rank is None:
        return TensorShape(None)
    rank = max(x.rank, y.rank)
    left = [1] * (rank - x.rank) + x.as_list()
    right = [1] * (rank - y.rank) + y.as_list()
    out: list[int | None] = []
    for m, n in zip(left, right, strict=True):
        if m == n or n == 1:
            out.append(m)
        elif m == 1:
            out.append(n)
        elif m is None or n is None:
            out.append(n if m is None else m)  # the open one is 1 or the same
        else:
            raise ShapeError(
                explain("broadcast_static_shape", f"sizes {m} and {n} meet", {"x": x, "y": y})
            )
    return TensorShape(out)


def broadcast_dynamic_shape(shape_x: TensorLike, shape_y: TensorLike) -> Tensor:
    """The shape to which two shapes, as integer tensors, broadcast.

    Args:
      shape_x, shape_y: integers [rank], such as `nf.shape` gives.

    Raises:
      ShapeError: they do not broadcast.
      DTypeError: they are not integers, or differ in dtype.

    Example:
      >>> nf.broadcast_dynamic_shape([3, 1], [2]).numpy().tolist()
      [3, 2]
    """
    op = "broadcast_dynamic_shape"
    x, y = as_tensor(shape_x, None, op, "shape_x"), as_tensor(shape_y, None, op, "shape_y")
    if x.dtype is not y.dtype or not x.dtype.is_integer:
        problem = "the shapes are not integers of one dtype"
        raise DTypeError(explain(op, problem, {"shape_x": x.spec, "shape_y": y.spec}))
    if x.spec.rank != 1 or y.spec.rank != 1:
        problem = "a shape is a list of sizes"
        raise ShapeError(explain(op, problem, {"shape_x": x.spec, "shape_y": y.spec}))
    left, right = static_shape(x, op, "shape_x"), static_shape(y, op, "shape_y")
    shape = broadcast_shapes(op, left, right, names=("shape_x", "shape_y"))
    return sizes(shape, x.dtype)


def shape_n(
    input: Sequence[Any], out_type: Any = dtypes.int32, name: str | None = None
) -> list[Tensor]:
    """The shape of each tensor of a list, as `nf.shape` gives it.

    Example:
      >>> [s.numpy().tolist() for s in nf.shape_n([nf.zeros([2, 3]), [1.0]])]
      [[2, 3], [1]]
    """
    return [shaping.shape(x, out_type) for x in plain.items(input, "shape_n", "input")]


# --- ensure_shape ------------------------------------------------------------------


def as_tensor_shape(op: str, shape: Any) -> TensorShape:
    """A shape with open sizes, as an argument.

    Raises:
      ArgumentError: it is none.
    """
    try:
        return TensorShape(shape)
    except (TypeError, ValueError) as e:
        raise ArgumentError(explain(op, f"shape cannot be one: {e}")) from None


def ensure_shape(x: TensorLike, shape: Any, name: str | None = None) -> Tensor:
    """x, refused unless it has this shape; None in it leaves a size open.

    In a traced function the sizes asked for are known from here on.

    Raises:
      ShapeError: x has another shape; when the program runs, if its sizes depend on values.

    Example:
      >>> nf.ensure_shape([[1, 2]], [None, 2]).shape
      TensorShape([1, 2])
    """
    tensor = as_tensor(x, None, "ensure_shape", "x")
    want = as_tensor_shape("ensure_shape", shape)
    if want.rank is None:
        return tensor
    settle = getattr(tensor, "settle", None)
    if settle is not None:  # the result of Python code, which says its shape now
        settle(want)
    have = tensor.spec.shape
    fits = len(want) == len(have)
    exact: list[Extent] = []
    for n, m in zip(want, have, strict=False):
        if n is not None and isinstance(m, Dim) and not decided_by_values(m):
            int(Size(m))  # traces again with exact sizes
        exact.append(m if n is None else as_extent(n))
    fitted = run_time.fitted(tensor, tuple(exact)) if fits else None
    if fitted is None:
        shown = {"x": tensor.spec, "shape": want}
        raise ShapeError(explain("ensure_shape", "x has another shape", shown))
    return fitted


# --- unravel_index -------------------------------------------------------------------


def unravel_index(indices: TensorLike, dims: TensorLike, name: str | None = None) -> Tensor:
    """The coordinates of elements that are numbered row by row in an array of shape dims.

    Args:
      indices: integers [n], or one.
      dims: the shape, integers [rank] of the same dtype.

    Returns:
      [rank, n], or [rank] of one index.

    Raises:
      InvalidArgumentError: an index is outside of the array; when the program runs, if traced.
      DTypeError: not integers, or of two dtypes.

    Example:
      >>> nf.unravel_index([2, 5], [3, 3]).numpy().tolist()
      [[0, 1], [2, 2]]
    """
    op = "unravel_index"
    x, shape = as_tensor(indices, None, op, "indices"), as_tensor(dims, None, op, "dims")
    if not x.dtype.is_integer or x.dtype is not shape.dtype:
        shown = {"indices": x.spec, "dims": shape.spec}
        raise DTypeError(explain(op, "takes integers of one dtype", shown))
    if shape.spec.rank != 1:
        raise ShapeError(explain(op, "dims is a list of sizes", {"dims": shape.spec}))
    counts = [
        int(Size(n)) if isinstance(n, Dim) else int(n) for n in static_ints(shape, op, "dims")
    ]
    x = checks.checked_index(x, product(counts), op, "indices")
    out = []
    for k in np.arange(len(counts)).tolist():
        below = product(counts[k + 1 :])
        at = x if below in (0, 1) else power.floordiv_op(x, as_tensor(below, x.dtype))
        out.append(at if k == 0 else power.floormod_op(at, as_tensor(counts[k], x.dtype)))
    if not out:
        return maths.cast(shaping.zeros([0, *x.spec.shape]), x.dtype)
    return joining.stack(out)


# --- values and identities ---------------------------------------------------------------


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """The value of a tensor as a NumPy array, where it is known now; None in a trace if not.

    partial: has no effect: a value is known as a whole or not at all.

    Example:
      >>> nf.get_static_value(nf.constant([1, 2])).tolist()
      [1, 2]
    """
    if not isinstance(tensor, SymbolicTensor):
        if hasattr(tensor, "assign"):
            return None  # a variable has no value that lasts
        return np.asarray(tensor) if isinstance(tensor, Tensor) else tensor
    node = tensor.value.node
    if node is not None and node.op is constant_op:
        return np.asarray(node.attrs["value"])
    content = tensor.content
    if content is None or any(isinstance(n, Dim) for n in content.flat):
        return None
    return content.astype(tensor.dtype.numpy)


def identity_n(input: Sequence[Any], name: str | None = None) -> list[Tensor]:
    """The same values as tensors of their own.

    Example:
      >>> [x.numpy().item() for x in nf.identity_n([1, 2.5])]
      [1, 2.5]
    """
    return [shaping.identity(x) for x in plain.items(input, "identity_n", "input")]
