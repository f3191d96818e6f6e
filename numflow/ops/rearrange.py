"""Axes made longer or turned round: pad, tile, reverse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.errors import InvalidArgumentError, ShapeError, explain
from numflow.graph.lowering import Assemble
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import shape as shaping
from numflow.ops import slicing
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.shape_rules import normal_axes
from numflow.shapes import Extent, Shape

# --- pad -------------------------------------------------------------------------------


def _pad_infer(x: Spec, *, begin: Shape, shape: Shape, value: float) -> Spec:
    return Spec(shape, x.dtype)


def _pad_reference(x: Any, *, begin: Any, shape: Any, value: float) -> Any:
    out = np.full(shape, value, x.dtype)
    out[tuple(np.s_[b : b + n] for b, n in zip(begin, x.shape, strict=True))] = x
    return out


def _pad_place(specs: Sequence[Spec], out: Spec, attrs: Attrs) -> list[Any]:
    return [(attrs["begin"], (1,) * out.rank)]


def _pad_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    shape = g.inputs[0].spec.shape
    ones = (1,) * len(shape)
    return (slicing.slice_op(g.ct, begin=g.attrs["begin"], stride=ones, shape=shape),)


pad_op = Op(
    "pad",
    _pad_infer,
    _pad_reference,
    _pad_vjp,
    Assemble(_pad_place, fill=lambda attrs: attrs["value"]),
)


def pad(
    tensor: TensorLike,
    paddings: Any,
    mode: str = "CONSTANT",
    constant_values: Any = 0,
    name: str | None = None,
) -> Tensor:
    """tensor with elements put before and after it along each axis.

    Args:
      tensor: any dtype.
      paddings: integers [rank, 2]: how many before and after.
      mode: "CONSTANT"; "REFLECT" (mirrored, without the edge) or "SYMMETRIC" (with it).
      constant_values: a number, for "CONSTANT".

    Raises:
      ShapeError: paddings is not [rank, 2], is negative, or is longer than what is mirrored.
      ValueError: another mode.

    Example:
      >>> nf.pad([1, 2, 3], [[1, 2]]).numpy().tolist()
      [0, 1, 2, 3, 0, 0]
      >>> nf.pad([1, 2, 3], [[2, 1]], "REFLECT").numpy().tolist()
      [3, 2, 1, 2, 3, 2]
    """
    x = as_tensor(tensor, None, "pad", "tensor")
    pairs = _pairs(paddings, x)
    kind = mode.upper()
    if kind == "CONSTANT":
        if isinstance(constant_values, Tensor):
            constant_values = np.asarray(constant_values).item()
        shape = tuple(b + n + e for (b, e), n in zip(pairs, x.spec.shape, strict=True))
        return pad_op(x, begin=tuple(b for b, _ in pairs), shape=shape, value=constant_values)
    if kind not in ("REFLECT", "SYMMETRIC"):
        raise ValueError(
            explain("pad", f"no mode {mode!r}", fix='"CONSTANT", "REFLECT" or "SYMMETRIC"')
        )
    for axis, (before, after) in enumerate(pairs):
        x = _mirrored(x, axis, before, after, 1 if kind == "REFLECT" else 0)
    return x


def _pairs(paddings: Any, x: Tensor) -> list[tuple[Any, Any]]:
    rows = paddings if isinstance(paddings, list | tuple) else list(np.asarray(paddings))
    pairs = [static_ints(row, "pad", "paddings") for row in rows]
    shown = {"tensor": x.spec, "paddings": paddings}
    if len(pairs) != x.spec.rank or any(len(p) != 2 for p in pairs):
        raise ShapeError(explain("pad", f"paddings must be {x.spec.rank} pairs", shown))
    if any(isinstance(n, int) and n < 0 for p in pairs for n in p):
        raise ShapeError(explain("pad", "a padding is negative", shown))
    return [(p[0], p[1]) for p in pairs]


def _mirrored(x: Tensor, axis: int, before: int, after: int, edge: int) -> Tensor:
    """x with mirror images of its ends; edge: elements at the end that are not repeated."""
    n: Any = x.spec.shape[axis]
    if isinstance(n, int) and max(before, after) > n - edge:
        shown = {"tensor": x.spec, "paddings": (before, after)}
        raise ShapeError(explain("pad", f"axis {axis} is too short to be mirrored so far", shown))
    parts = [x]
    if before:
        parts.insert(0, reverse(_part(x, axis, edge, before), [axis]))
    if after:
        parts.append(reverse(_part(x, axis, n - edge - after, after), [axis]))
    return shaping.concat(parts, axis)


def _part(x: Tensor, axis: int, begin: Extent, count: Extent) -> Tensor:
    """count elements along an axis, from begin on."""
    start: list[Extent] = [0] * x.spec.rank
    start[axis] = begin
    shape = (*x.spec.shape[:axis], count, *x.spec.shape[axis + 1 :])
    return slicing.slice_op(x, begin=tuple(start), stride=(1,) * x.spec.rank, shape=shape)


# --- tile, reverse ---------------------------------------------------------------------


def tile(input: TensorLike, multiples: Any, name: str | None = None) -> Tensor:
    """input repeated along each axis.

    Args:
      input: any dtype.
      multiples: how often, for each axis.

    Raises:
      ShapeError: multiples has not one number for each axis.
      InvalidArgumentError: one is negative.

    Example:
      >>> nf.tile([1, 2], [3]).numpy().tolist()
      [1, 2, 1, 2, 1, 2]
    """
    x = as_tensor(input, None, "tile", "input")
    times = static_ints(multiples, "tile", "multiples")
    shown = {"input": x.spec, "multiples": list(times)}
    if len(times) != x.spec.rank:
        raise ShapeError(explain("tile", f"multiples needs {x.spec.rank} numbers", shown))
    if any(isinstance(k, int) and k < 0 for k in times):
        raise InvalidArgumentError(explain("tile", "a multiple is negative", shown))
    if all(isinstance(k, int) and k == 1 for k in times):
        return x
    sizes = x.spec.shape
    apart = tuple(n for size in sizes for n in (1, size))
    full = tuple(n for k, size in zip(times, sizes, strict=True) for n in (k, size))
    repeated = shaping.broadcast_to(shaping.reshape(x, apart), full)
    return shaping.reshape(repeated, [k * n for k, n in zip(times, sizes, strict=True)])


def reverse(tensor: TensorLike, axis: Any, name: str | None = None) -> Tensor:
    """tensor with the order of its elements turned round along axes.

    Raises:
      ShapeError: there is no such axis, or one is named twice.

    Example:
      >>> nf.reverse([[1, 2], [3, 4]], [1]).numpy().tolist()
      [[2, 1], [4, 3]]
    """
    x = as_tensor(tensor, None, "reverse", "tensor")
    axes = normal_axes("reverse", static_ints(axis, "reverse", "axis"), x.spec.rank)
    begin: list[Extent] = [0] * x.spec.rank
    stride = [1] * x.spec.rank
    for k in axes:
        n = x.spec.shape[k]
        if n != 0:
            begin[k], stride[k] = n - 1, -1
    return slicing.slice_op(x, begin=tuple(begin), stride=tuple(stride), shape=x.spec.shape)
