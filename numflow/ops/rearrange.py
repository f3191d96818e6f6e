"""Axes made longer or turned round: pad, tile, repeat, reverse, roll."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import (
    DTypeError,
    InvalidArgumentError,
    ResourceExhaustedError,
    ShapeError,
    explain,
)
from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import constant_op
from numflow.graph.lowering import Assemble
from numflow.graph.op import Attrs, Backward, Op, composites_too
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import (
    checks,
    creation,
    indexing,
    joining,
    ordering,
    plain,
    run_time,
    scan,
    slicing,
)
from numflow.ops import math as maths
from numflow.ops import power as powers
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, known_content, static_int, static_ints, static_shape
from numflow.ops.shape_rules import normal_axes, normal_axis
from numflow.shapes import Dim, Extent, Shape

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
      constant_values: one number (or text, of text) of tensor's dtype, for "CONSTANT".

    Raises:
      DTypeError: constant_values does not become tensor's dtype.
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
    kind = plain.word(mode, "pad", "mode").upper()
    if kind == "CONSTANT":
        return _padded(x, pairs, constant_values)
    if kind not in ("REFLECT", "SYMMETRIC"):
        raise ValueError(
            explain("pad", f"no mode {mode!r}", fix='"CONSTANT", "REFLECT" or "SYMMETRIC"')
        )
    for axis, (before, after) in enumerate(pairs):
        x = _mirrored(x, axis, before, after, 1 if kind == "REFLECT" else 0)
    return x


def _padded(x: Tensor, pairs: Sequence[tuple[Any, Any]], constant_values: Any) -> Tensor:
    begin = tuple(b for b, _ in pairs)
    shape = tuple(b + n + e for (b, e), n in zip(pairs, x.spec.shape, strict=True))
    if type(constant_values) is int and constant_values == 0:  # the default, for every dtype
        value = b"" if x.dtype is dtypes.string else False if x.dtype.is_bool else 0
        return pad_op(x, begin=begin, shape=shape, value=value)
    around = as_tensor(constant_values, x.dtype, "pad", "constant_values")
    if around.spec.rank:
        shown = {"constant_values": around.spec}
        raise ShapeError(explain("pad", "constant_values is one number", shown))
    known = _static(around)
    if known is not None:
        return pad_op(x, begin=begin, shape=shape, value=known)
    inside = pad_op(shaping.ones_like(x, dtypes.bool), begin=begin, shape=shape, value=False)
    return selections.where(inside, pad_op(x, begin=begin, shape=shape, value=0), around)


def _static(scalar: Tensor) -> Any:
    """The number that a scalar is; None where a trace does not know it."""
    if not isinstance(scalar, SymbolicTensor):
        return np.asarray(scalar).item()
    node = scalar.value.node
    return np.asarray(node.attrs["value"]).item() if node and node.op is constant_op else None


def _pairs(paddings: Any, x: Tensor) -> list[tuple[Any, Any]]:
    rows = plain.items(paddings, "pad", "paddings")
    pairs = [static_ints(row, "pad", "paddings", sizes=True) for row in rows]
    shown = {"tensor": x.spec, "paddings": paddings}
    if len(pairs) != x.spec.rank or any(len(p) != 2 for p in pairs):
        raise ShapeError(explain("pad", f"paddings must be {x.spec.rank} pairs", shown))
    if any(isinstance(n, int) and n < 0 for p in pairs for n in p):
        raise ShapeError(explain("pad", "a padding is negative", shown))
    return [(p[0], p[1]) for p in pairs]


def _mirrored(x: Tensor, axis: int, before: int, after: int, edge: int) -> Tensor:
    """x with mirror images of its ends; edge: elements at the end that are not repeated."""
    n: Any = x.spec.shape[axis]
    if before == after == 0:  # of nothing, too
        return x
    if isinstance(n, int) and max(before, after) > n - edge:
        shown = {"tensor": x.spec, "paddings": (before, after)}
        raise ShapeError(explain("pad", f"axis {axis} is too short to be mirrored so far", shown))
    parts = [x]
    if before:
        parts.insert(0, reverse(_part(x, axis, edge, before), [axis]))
    if after:
        parts.append(reverse(_part(x, axis, n - edge - after, after), [axis]))
    return joining.concat(parts, axis)


def _part(x: Tensor, axis: int, begin: Extent, count: Extent) -> Tensor:
    """count elements along an axis, from begin on."""
    start: list[Extent] = [0] * x.spec.rank
    start[axis] = begin
    shape = (*x.spec.shape[:axis], count, *x.spec.shape[axis + 1 :])
    return slicing.slice_op(x, begin=tuple(start), stride=(1,) * x.spec.rank, shape=shape)


# --- tile, reverse ---------------------------------------------------------------------


@composites_too
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
    times = static_ints(multiples, "tile", "multiples", sizes=True)
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


@composites_too
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


# --- repeat ----------------------------------------------------------------------------


def repeat(
    input: TensorLike, repeats: TensorLike, axis: Any = None, name: str | None = None
) -> Tensor:
    """Each slice of input along an axis several times.

    Args:
      input: any dtype.
      repeats: integers: how often each, or one number for all.
      axis: default: input is flattened first.

    Raises:
      ShapeError: repeats has neither 1 element nor one for each slice; there is no such axis.
      InvalidArgumentError: one is negative.

    Example:
      >>> nf.repeat([1, 2], [3, 1]).numpy().tolist()
      [1, 1, 1, 2]
      >>> nf.repeat([[1, 2]], 2, axis=1).numpy().tolist()
      [[1, 1, 2, 2]]
    """
    x = as_tensor(input, None, "repeat", "input")
    if axis is None:
        x, k = shaping.reshape(x, (x.spec.size,)), 0
    else:
        k = normal_axis("repeat", static_int(axis, "repeat", "axis"), x.spec.rank)
    times = as_tensor(repeats, None, "repeat", "repeats")
    shown = {"input": x.spec, "repeats": times.spec, "axis": k}
    if not times.dtype.is_integer:
        raise DTypeError(explain("repeat", f"repeats is {times.dtype.name}, no integer", shown))
    if isinstance(times.spec.size, int) and times.spec.size == 1 and times.spec.rank < 2:
        (each,) = run_time.sizes_of(times)
        if isinstance(each, Dim):
            return _each(x, each, k)
    known = checks.known_values(times)
    if known is None:
        return _repeated(x, times, k)
    if known.ndim > 1 or (known.size != 1 and known.size != x.spec.shape[k]):
        problem = f"repeats must be one number, or {x.spec.shape[k]} of them"
        raise ShapeError(explain("repeat", problem, shown))
    if np.any(known < 0):
        raise InvalidArgumentError(explain("repeat", "a number of repeats is negative", shown))
    if known.size == 1:
        return _each(x, int(known.reshape(-1)[0]), k)
    static_shape([sum(known.tolist())], "repeat", "repeats")
    try:
        chosen = np.repeat(np.arange(known.size), known)
    except MemoryError as e:
        raise ResourceExhaustedError(explain("repeat", f"not enough memory: {e}", shown)) from e
    return indexing.gather(x, as_tensor(chosen), axis=k)


def _each(x: Tensor, times: Extent, k: int) -> Tensor:
    """Each slice as often as the others."""
    before, n, after = x.spec.shape[:k], x.spec.shape[k], x.spec.shape[k + 1 :]
    apart = shaping.broadcast_to(shaping.expand_dims(x, k + 1), (*before, n, times, *after))
    return shaping.reshape(apart, (*before, n * times, *after))


def _repeated(x: Tensor, times: Tensor, k: int) -> Tensor:
    """Each slice as often as a tensor says that has no value yet."""
    if times.spec.shape != (x.spec.shape[k],):
        shown = {"input": x.spec, "repeats": times.spec, "axis": k}
        problem = f"repeats must be one number, or {x.spec.shape[k]} of them"
        raise ShapeError(explain("repeat", problem, shown))
    counts = maths.cast(checks.checked_count(times, "repeat", "repeats"), dtypes.int64)
    ends = scan.cumsum(counts)
    (total,) = run_time.sizes_of(reductions.reduce_sum(counts))
    step = creation.iota((total,), 0, dtypes.int64)
    return indexing.gather(x, ordering.searchsorted(ends, step, side="right"), axis=k)


# --- roll ------------------------------------------------------------------------------


def roll(input: TensorLike, shift: TensorLike, axis: Any, name: str | None = None) -> Tensor:
    """input moved round along axes: what falls off at the end comes in at the front.

    Args:
      input: any dtype.
      shift: integers, by how many; negative: towards the front.
      axis: an axis for each of them; the shifts of an axis named twice add up.

    Raises:
      ShapeError: there are not as many axes as shifts, or there is no such axis.
      DTypeError: shift is not of integers.

    Example:
      >>> nf.roll([1, 2, 3, 4], 1, 0).numpy().tolist()
      [4, 1, 2, 3]
    """
    x = as_tensor(input, None, "roll", "input")
    by = as_tensor(shift, None, "roll", "shift")
    axes = static_ints(axis, "roll", "axis")
    shown = {"input": x.spec, "shift": by.spec, "axis": list(axes)}
    if not by.dtype.is_integer:
        raise DTypeError(explain("roll", f"shift is {by.dtype.name}, not an integer", shown))
    if by.spec.rank > 1 or by.spec.size != len(axes):
        raise ShapeError(explain("roll", "there must be one shift for each axis", shown))
    known = known_content(by)
    for i, at in enumerate(axes):
        k = normal_axis("roll", at, x.spec.rank)
        n = x.spec.shape[k]
        if known is not None and isinstance(n, int) and isinstance(known.reshape(-1)[i], int):
            x = _rolled(x, known.reshape(-1)[i], n, k)
            continue
        size = shaping.size_tensor(n, dtypes.int64)
        one = shaping.reshape(maths.cast(by, dtypes.int64), (len(axes),))[i]
        size = maths.maximum(size, 1)  # of an empty axis nothing is taken
        place = powers.floormod(creation.iota((n,), 0, dtypes.int64) - one, size)
        x = indexing.gather(x, place, axis=k)
    return x


def _rolled(x: Tensor, by: int, n: int, axis: int) -> Tensor:
    """By a known number: two parts change places."""
    first = by % n if n else 0
    if not first:
        return x
    parts = [_part(x, axis, n - first, first), _part(x, axis, 0, n - first)]
    return joining.concat(parts, axis)


# --- reverse_sequence ------------------------------------------------------------------


def reverse_sequence(
    input: TensorLike,
    seq_lengths: TensorLike,
    seq_axis: Any = None,
    batch_axis: Any = None,
    name: str | None = None,
) -> Tensor:
    """input with the front of each sequence turned round: padding behind it stays where it is.

    Args:
      input: any dtype.
      seq_lengths: integers [batch], each in [0, size of seq_axis].
      seq_axis: the axis of time.
      batch_axis: the axis of sequences, default 0.

    Raises:
      InvalidArgumentError: a length is out of range.
      ShapeError: there is no such axis, both are one, or there is not a length for each sequence.

    Example:
      >>> nf.reverse_sequence([[1, 2, 3], [4, 5, 6]], [2, 3], seq_axis=1).numpy().tolist()
      [[2, 1, 3], [6, 5, 4]]
    """
    op = "reverse_sequence"
    x = as_tensor(input, None, op, "input")
    lengths = as_tensor(seq_lengths, None, op, "seq_lengths")
    time, batch = (
        normal_axis(op, static_int(0 if a is None else a, op, label), x.spec.rank, label)
        for a, label in ((seq_axis, "seq_axis"), (batch_axis, "batch_axis"))
    )
    shown = {"input": x.spec, "seq_lengths": lengths.spec, "axes": (time, batch)}
    if time == batch:
        raise ShapeError(explain(op, "seq_axis and batch_axis are the same", shown))
    if lengths.spec.shape != (x.spec.shape[batch],):
        raise ShapeError(explain(op, "seq_lengths needs one length for each sequence", shown))
    n = x.spec.shape[time]
    whole = maths.cast(checks.checked_index(lengths, n + 1, op, "length"), dtypes.int64)
    length = shaping.expand_dims(whole, 1)
    step = creation.iota((*lengths.spec.shape, n), 1, dtypes.int64)
    place = selections.where(step < length, length - step - 1, step)
    rest = [k for k in np.arange(x.spec.rank).tolist() if k not in (batch, time)]
    order = [batch, time, *rest]
    turned = indexing.gather(shaping.transpose(x, order), place, axis=1, batch_dims=1)
    return shaping.transpose(turned, np.argsort(order).tolist())
