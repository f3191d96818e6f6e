"""Sums of many: of a list of tensors, and running sums and products along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.lowering import HostCall
from numflow.graph.op import Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.precision import widened
from numflow.ops.shape_rules import normal_axis

# --- add_n -----------------------------------------------------------------------------


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of tensors of one shape and dtype.

    Raises:
      ShapeError: there are none, or their shapes differ.

    Example:
      >>> nf.add_n([[1, 2], [3, 4], [5, 6]]).numpy().tolist()
      [9, 12]
    """
    if not isinstance(inputs, Sequence) or isinstance(inputs, str):
        inputs = [inputs]
    if not inputs:
        raise ShapeError(explain("add_n", "there are no inputs"))
    tensors = [as_tensor(t, None, "add_n", f"inputs[{k}]") for k, t in enumerate(inputs)]
    total = tensors[0]
    for k, t in enumerate(tensors[1:], 1):
        if t.spec.shape != total.spec.shape:
            shown = {"inputs[0]": total.spec, f"inputs[{k}]": t.spec}
            raise ShapeError(explain("add_n", "shapes differ", shown))
        total = maths.add(total, t)
    return total


def accumulate_n(
    inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None
) -> Tensor:
    """The sum of tensors of one shape and dtype, as add_n.

    Example:
      >>> nf.math.accumulate_n([[1, 2], [3, 4]]).numpy().tolist()
      [4, 6]
    """
    return add_n(inputs)


# --- cumsum, cumprod -------------------------------------------------------------------


def _running_infer(op: str) -> Any:
    def infer(x: Spec, *, axis: int, exclusive: bool, reverse: bool) -> Spec:
        if not x.dtype.is_numeric:
            raise DTypeError(explain(op, f"x is {x.dtype.name}, not a number", {"x": x}))
        return x

    return infer


def _running(ufunc: Any, start: int) -> Any:
    """NumPy's accumulation, from the end if reverse, without the element itself if exclusive."""

    def reference(x: Any, *, axis: int, exclusive: bool, reverse: bool) -> Any:
        x = np.flip(x, axis) if reverse else x
        total = ufunc.accumulate(x, axis, dtype=x.dtype)
        if exclusive:
            first = np.full([1 if k == axis else n for k, n in enumerate(x.shape)], start, x.dtype)
            rest = np.delete(total, -1, axis) if x.shape[axis] else total
            total = np.concatenate([first, rest], axis) if x.shape[axis] else total
        return np.flip(total, axis) if reverse else total

    return widened(reference)


def _cumsum_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return (cumsum_op(g.ct, **{**g.attrs, "reverse": not g.attrs["reverse"]}),)


cumsum_op = Op(
    "cumsum",
    _running_infer("cumsum"),
    _running(np.add, 0),
    _cumsum_vjp,
    HostCall("running sums are computed by NumPy"),
)


def _cumprod_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """TensorFlow's rule: not defined where an element is 0."""
    x, y = g.inputs[0], g.outputs[0]
    total = cumsum_op(y * g.ct, **{**g.attrs, "reverse": not g.attrs["reverse"]})
    return (total / x,)


cumprod_op = Op(
    "cumprod",
    _running_infer("cumprod"),
    _running(np.multiply, 1),
    _cumprod_vjp,
    HostCall("running products are computed by NumPy"),
)


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
    (at,) = static_ints(axis, name, "axis")
    k = normal_axis(name, at, tensor.spec.rank)
    return op(tensor, axis=k, exclusive=bool(exclusive), reverse=bool(reverse))
