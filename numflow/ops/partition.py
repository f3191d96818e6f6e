"""Rows dealt out by number, and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.building import SymbolicTensor
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import (
    checks,
    creation,
    indexing,
    joining,
    ordering,
    plain,
    run_time,
    scatter,
    slicing,
)
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.ops.shape_rules import same_dtype
from numflow.shapes import Extent, Shape, product

MOST_PARTS = 1 << 16
"""Parts of a partition: beyond, the list of them alone takes minutes."""


def dynamic_partition(
    data: TensorLike, partitions: TensorLike, num_partitions: Any, name: str | None = None
) -> list[Tensor]:
    """The rows of data that bear each number, in order.

    Args:
      data: any dtype [rows..., ...].
      partitions: integers [rows...], in [0, num_partitions).
      num_partitions: how many parts.

    Returns:
      num_partitions tensors [?, ...].

    Raises:
      InvalidArgumentError: a number is out of range, or num_partitions is not positive,
        or above 65,536.
      ShapeError: partitions is not the front of data's shape.

    Example:
      >>> [p.numpy().tolist() for p in nf.dynamic_partition([1, 2, 3], [1, 0, 1], 2)]
      [[2], [1, 3]]
    """
    op = "dynamic_partition"
    x = as_tensor(data, None, op, "data")
    numbers = as_tensor(partitions, None, op, "partitions")
    count = static_int(num_partitions, op, "num_partitions")
    known = _known(op, numbers, "partitions")
    rank = numbers.spec.rank
    shown = {"data": x.spec, "partitions": numbers.spec, "num_partitions": count}
    fits = run_time.fitted(x, numbers.spec.shape + x.spec.shape[rank:])
    if fits is None:
        raise ShapeError(explain(op, "partitions must be the front of data's shape", shown))
    if not isinstance(count, int) or count < 1:
        raise InvalidArgumentError(explain(op, "num_partitions must be a positive number", shown))
    if count > MOST_PARTS:
        problem = f"num_partitions is {count}; each part is a tensor, and {MOST_PARTS} is the most"
        raise InvalidArgumentError(explain(op, problem, shown))
    if known is None:
        return _dealt(fits, numbers, count)
    for value in (int(known.min(initial=0)), int(known.max(initial=0))):
        if not 0 <= value < count:
            problem = f"partition {value} is outside [0, {count})"
            raise InvalidArgumentError(explain(op, problem, shown))
    rows = shaping.reshape(x, (known.size, *x.spec.shape[rank:]))
    flat = known.reshape(-1)
    return [indexing.gather(rows, as_tensor(np.flatnonzero(flat == k))) for k in range(count)]


def _dealt(x: Tensor, numbers: Tensor, count: int) -> list[Tensor]:
    """The rows of each number, of numbers that have no value yet: sorted by number, then cut."""
    rank, total = numbers.spec.rank, numbers.spec.size
    flat = maths.cast(shaping.reshape(numbers, (total,)), dtypes.int64)

    def places() -> list[Tensor]:
        """Per number, the rows that bear it."""
        checked = checks.checked_index(flat, count, "dynamic_partition", "partition")
        order = ordering.argsort(checked)
        kinds = creation.range(count, dtype=dtypes.int64)
        ends = ordering.searchsorted(indexing.gather(checked, order), kinds, side="right")
        begins = joining.concat([shaping.zeros((1,), ends.dtype), ends[:-1]], 0)
        parts: list[Tensor] = []
        begin: Extent = 0
        for n in run_time.sizes_of(ends - begins):
            parts.append(slicing.slice_op(order, begin=(begin,), stride=(1,), shape=(n,)))
            begin = begin + n
        return parts

    assert isinstance(numbers, SymbolicTensor)
    rows = shaping.reshape(x, (total, *x.spec.shape[rank:]))
    chosen = run_time.once(("dynamic_partition", count), numbers, places)
    return [indexing.gather(rows, some) for some in chosen]


def dynamic_stitch(
    indices: Sequence[TensorLike], data: Sequence[TensorLike], name: str | None = None
) -> Tensor:
    """One tensor whose row indices[k][i] is data[k][i]: the inverse of dynamic_partition.

    Args:
      indices: integers, none negative. Of equal ones the last counts; rows that none names are 0.
      data: as many tensors of one dtype, indices[k].shape + the rest of the shape, equal in all.

    Returns:
      [largest index + 1, ...].

    Raises:
      ShapeError: the shapes do not fit, or there are not as many indices as data.
      InvalidArgumentError: an index is negative.

    Example:
      >>> nf.dynamic_stitch([[1], [0, 2]], [[20], [10, 30]]).numpy().tolist()
      [10, 20, 30]
    """
    op = "dynamic_stitch"
    indices, data = plain.items(indices, op, "indices"), plain.items(data, op, "data")
    if len(indices) != len(data) or not data:
        received = {"indices": len(indices), "data": len(data)}
        raise ShapeError(explain(op, "as many indices as data are wanted, at least 1", received))
    places = [as_tensor(t, None, op, f"indices[{k}]") for k, t in enumerate(indices)]
    parts = [as_tensor(t, None, op, f"data[{k}]") for k, t in enumerate(data)]
    rest = parts[0].spec.shape[places[0].spec.rank :]
    known: list[Any] = []
    rows = []
    for k, (place, part) in enumerate(zip(places, parts, strict=True)):
        shown = {f"indices[{k}]": place.spec, f"data[{k}]": part.spec}
        same_dtype(op, parts[0].spec, part.spec, names=("data[0]", f"data[{k}]"))
        fits = run_time.fitted(part, place.spec.shape + rest)
        if fits is None:
            problem = "data must have the shape of indices, then the same rest everywhere"
            raise ShapeError(explain(op, problem, shown))
        found = _known(op, place, f"indices[{k}]")
        known.append(None if found is None else found.reshape(-1))
        rows.append(shaping.reshape(fits, (place.spec.size, product(rest))))
    if any(k is None for k in known):
        return _stitched(places, rows, rest)
    every = np.concatenate(known)
    if every.min(initial=0) < 0:
        raise InvalidArgumentError(explain(op, f"index {int(every.min())} is negative"))
    size = int(every.max(initial=-1)) + 1
    base = shaping.zeros((size, product(rest)), parts[0].dtype)
    all_rows = joining.concat(rows, 0)
    _, last = np.unique(every[::-1], return_index=True)
    kept = np.sort(every.size - 1 - last)
    if kept.size < every.size:  # what is written over has no gradient
        every, all_rows = every[kept], indexing.gather(all_rows, as_tensor(kept))
    stitched = scatter.scattered(op, base, as_tensor(every), all_rows, "update", drop=False)
    return shaping.reshape(stitched, (size, *rest))


def _stitched(places: Sequence[Tensor], rows: Sequence[Tensor], rest: Shape) -> Tensor:
    """Rows at indices some of which have no value yet."""
    op = "dynamic_stitch"
    flat = [maths.cast(shaping.reshape(p, (p.spec.size,)), dtypes.int64) for p in places]
    every = checks.checked_count(joining.concat(flat, 0), op, "index")
    # -1 beside them: of no indices the largest is none
    padded = joining.concat([every, as_tensor(np.array([-1]))], 0)
    (size,) = run_time.sizes_of(reductions.reduce_max(padded) + 1)
    base = shaping.zeros((size, product(rest)), rows[0].dtype)
    stitched = scatter.scattered(op, base, every, joining.concat(rows, 0), "update", drop=False)
    return shaping.reshape(stitched, (size, *rest))


def _known(op: str, x: Tensor, name: str) -> Any:
    """The integers of x as int64, which decide the shape of the result; None where they have no
    value yet."""
    if not x.dtype.is_integer:
        raise DTypeError(explain(op, f"{name} is {x.dtype.name}, not an integer", {name: x.spec}))
    known = checks.known_values(x)
    return None if known is None else known.astype(dtypes.int64.numpy)
