"""Tensors joined along an axis, and cut: concat, stack, unstack, split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.lowering import Assemble, Composite
from numflow.graph.op import Attrs, Backward, Op, composites_too
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import run_time, slicing
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int, static_ints
from numflow.ops.shape_rules import normal_axis, same_dtype
from numflow.shapes import Extent, as_number, divide, known
from numflow.shapes import run_time as depends_on_values


def _concat_infer(*specs: Spec, axis: int) -> Spec:
    first = specs[0]
    dtype = same_dtype("concat", *specs, names=tuple(f"values[{k}]" for k in range(len(specs))))
    for k, s in enumerate(specs):
        rest, want = list(s.shape), list(first.shape)
        if (
            len(rest) != len(want)
            or rest[:axis] + rest[axis + 1 :] != want[:axis] + want[axis + 1 :]
        ):
            shown = {"values[0]": first, f"values[{k}]": s}
            raise ShapeError(
                explain("concat", f"shapes differ along an axis other than {axis}", shown)
            )
    total: Extent = 0
    for s in specs:
        total = total + s.shape[axis]
    return Spec((*first.shape[:axis], total, *first.shape[axis + 1 :]), dtype)


def _concat_place(specs: Sequence[Spec], out: Spec, attrs: Attrs) -> list[Any]:
    at: Extent = 0
    places = []
    for s in specs:
        begin: list[Extent] = [0] * s.rank
        begin[attrs["axis"]] = at
        places.append((tuple(begin), (1,) * s.rank))
        at = at + s.shape[attrs["axis"]]
    return places


def _concat_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    axis = g.attrs["axis"]
    places = _concat_place([x.spec for x in g.inputs], g.ct.spec, g.attrs)
    return (
        tuple(
            slicing.slice_op(g.ct, begin=begin, stride=stride, shape=x.spec.shape)
            if needed
            else None
            for x, (begin, stride), needed in zip(g.inputs, places, g.needed, strict=True)
        )
        if axis >= 0
        else ()
    )


concat_op = Op(
    "concat",
    _concat_infer,
    lambda *arrays, axis: np.concatenate(arrays, axis),
    _concat_vjp,
    Assemble(_concat_place),
)


@composites_too
def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Tensors one after the other along an axis.

    Raises:
      ShapeError: other axes differ, there is no such axis, or there are no values.

    Example:
      >>> nf.concat([[[1, 2]], [[3, 4]]], axis=0).numpy().tolist()
      [[1, 2], [3, 4]]
    """
    if hasattr(values, "_joined"):  # a list that a loop of the program made
        return values._joined(static_ints(axis, "concat", "axis")[0])
    if isinstance(values, Tensor):
        values = [values] if values.spec.rank == 0 else unstack(values)
    items = _tensors("concat", values)
    at = static_int(axis, "concat", "axis")
    if not items[0].spec.rank:
        raise ShapeError(
            explain(
                "concat",
                "scalars have no axis to join along",
                {"values[0]": items[0].spec},
                "nf.stack",
            )
        )
    k = normal_axis("concat", at, items[0].spec.rank)
    if len(items) == 1:
        return items[0]
    first = items[0].spec.shape
    for j, t in enumerate(items):  # a run-time size turns out to be that of the first
        if t.spec.rank == len(first):
            own = t.spec.shape[k]
            items[j] = run_time.refitted(t, (*first[:k], own, *first[k + 1 :]))
    return concat_op(*items, axis=k)


def _tensors(op: str, values: Any) -> list[Tensor]:
    """values as tensors: numbers take the dtype of the first tensor beside them."""
    if not isinstance(values, list | tuple):
        values = [values] if not isinstance(values, np.ndarray) else list(values)
    if not values:
        raise ShapeError(explain(op, "there are no values"))
    kind = next(
        (v.dtype for v in values if isinstance(v, Tensor) or hasattr(v, "_as_tensor")), None
    )
    if kind is None and {int, float} <= set(map(type, values)):
        kind = dtypes.float32
    return [as_tensor(v, kind, op, f"values[{k}]") for k, v in enumerate(values)]


# --- stack, unstack, split ---------------------------------------------------


@composites_too
def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape side by side along a new axis.

    Raises:
      ShapeError: the shapes differ.

    Example:
      >>> nf.stack([[1, 2], [3, 4]], axis=1).numpy().tolist()
      [[1, 3], [2, 4]]
    """
    if isinstance(values, list | tuple) and not values:
        return as_tensor([], None, "stack", "values")
    if hasattr(values, "_stacked"):  # a list that a loop of the program made
        return values._stacked(axis)
    axis = static_int(axis, "stack", "axis")
    return stack_tensors(_tensors("stack", values), axis)


def stack_tensors(items: list[Tensor], axis: int) -> Tensor:
    """stack, of tensors."""
    first = items[0].spec
    alike = []
    for k, t in enumerate(items):
        fits = run_time.fitted(t, first.shape)
        if fits is None:
            raise ShapeError(
                explain("stack", "shapes differ", {"values[0]": first, f"values[{k}]": t.spec})
            )
        alike.append(fits)
    k = normal_axis("stack", axis, first.rank + 1)
    return concat_op(*(shaping.expand_dims(t, k) for t in alike), axis=k)


def unstack(
    value: TensorLike, num: int | None = None, axis: int = 0, name: str = "unstack"
) -> list[Tensor]:
    """The slices along an axis, each without it.

    Raises:
      ShapeError: num is not the axis's size, or that size is unknown.

    Example:
      >>> [t.numpy().tolist() for t in nf.unstack([[1, 2], [3, 4]], axis=1)]
      [[1, 3], [2, 4]]
    """
    x = as_tensor(value, None, "unstack", "value")
    k = normal_axis("unstack", static_int(axis, "unstack", "axis"), x.spec.rank)
    if num is not None:
        n = static_int(num, "unstack", "num")
    else:
        n = as_number(x.spec.shape[k], "unstack")
    fits = run_time.fitted(x, (*x.spec.shape[:k], n, *x.spec.shape[k + 1 :]))
    if fits is None:
        raise ShapeError(
            explain("unstack", f"axis {k} has size {x.spec.shape[k]}, not {n}", {"value": x.spec})
        )
    return [shaping.squeeze(piece, k) for piece in _cut(fits, [1] * n, k)]


def _rows_infer(x: Spec, *, axis: int) -> tuple[Spec, ...]:
    part = Spec((*x.shape[:axis], *x.shape[axis + 1 :]), x.dtype)
    return (part,) * as_number(x.shape[axis], "unstack")


def _rows_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    """The cotangents of all rows as one array; of a few, each in its place."""
    (x,), axis = g.inputs, g.attrs["axis"]
    there = [(k, shaping.expand_dims(ct, axis)) for k, ct in enumerate(g.cts) if ct is not None]
    if 4 * len(there) <= len(g.cts):
        total: Tensor | None = None
        for k, ct in there:
            begin = tuple(k if j == axis else 0 for j in range(x.spec.rank))
            stride = (1,) * x.spec.rank
            alone = slicing.unslice_op(ct, begin=begin, stride=stride, shape=x.spec.shape)
            total = alone if total is None else total + alone
        return (total,)
    given = dict(there)
    nothing = shaping.zeros_like(there[0][1])
    return (concat_op(*(given.get(k, nothing) for k in range(len(g.cts))), axis=axis),)


# What unstack does as one node: the gradient is one array, not a sum of as many as there are rows.
rows_op = Op(
    "unstack",
    _rows_infer,
    lambda x, *, axis: tuple(np.moveaxis(x, axis, 0)),
    _rows_vjp,
    Composite(lambda x, axis: unstack(x, axis=axis)),
)


def rows(x: TensorLike, axis: int) -> list[Tensor]:
    """The slices along an axis of known size, each without it."""
    found = rows_op(as_tensor(x, None, "unstack", "value"), axis=axis)
    return list(found) if isinstance(found, tuple | list) else [found]


def _cut(x: Tensor, lengths: Sequence[Extent], axis: int) -> list[Tensor]:
    pieces: list[Tensor] = []
    at: Extent = 0
    for n in lengths:
        begin: list[Extent] = [0] * x.spec.rank
        begin[axis] = at
        want = (*x.spec.shape[:axis], n, *x.spec.shape[axis + 1 :])
        pieces.append(
            slicing.slice_op(x, begin=tuple(begin), stride=(1,) * x.spec.rank, shape=want)
        )
        at = at + n
    return pieces


def split(
    value: TensorLike, num_or_size_splits: Any, axis: Any = 0, num: Any = None, name: str = "split"
) -> list[Tensor]:
    """value cut along an axis: into equal pieces, or into pieces of given sizes (one may be -1).

    Raises:
      ShapeError: the axis does not divide, or the sizes do not add up to it.

    Example:
      >>> [t.numpy().tolist() for t in nf.split([1, 2, 3, 4, 5], [2, -1])]
      [[1, 2], [3, 4, 5]]
    """
    x = as_tensor(value, None, "split", "value")
    at = static_int(axis, "split", "axis")
    k = normal_axis("split", at, x.spec.rank)
    whole = x.spec.shape[k]
    wanted = static_ints(num_or_size_splits, "split", "num_or_size_splits", sizes=True)
    shown = {"value": x.spec, "num_or_size_splits": num_or_size_splits, "axis": at}
    if isinstance(num_or_size_splits, int) or (
        isinstance(num_or_size_splits, Tensor) and not num_or_size_splits.ndim
    ):
        n = as_number(wanted[0], "split")
        each = divide(whole, n) if n > 0 else None
        if each is None and n > 0 and depends_on_values(whole):
            each = whole // n
            x = run_time.refitted(x, (*x.spec.shape[:k], each * n, *x.spec.shape[k + 1 :]))
        if each is None:
            raise ShapeError(
                explain("split", f"size {whole} does not divide into {n} equal pieces", shown)
            )
        return _cut(x, [each] * n, k)
    lengths = list(wanted)
    if lengths.count(-1) == 1:
        rest = whole - sum(n for n in lengths if n != -1)
        lengths[lengths.index(-1)] = rest
    if any(isinstance(n, int) and n < 0 for n in lengths) or (
        known(lengths) and sum(lengths) != whole
    ):
        raise ShapeError(explain("split", f"the sizes do not add up to {whole}", shown))
    total = (*x.spec.shape[:k], sum(lengths), *x.spec.shape[k + 1 :])
    return _cut(run_time.refitted(x, total), lengths, k)
