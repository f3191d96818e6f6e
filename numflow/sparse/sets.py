"""Sets: the last axis of a tensor, dense or sparse, holds the elements of a set for each row.

The elements of rows are compared by NumPy between two parts of a program; the result is sparse,
with the elements of each set in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.lowering import HostCall
from numflow.graph.op import Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import creation, joining, plain, run_time
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import Extent
from numflow.sparse.tensor import SparseTensor

_WHY = HostCall("sets are compared by NumPy")

# --- the ops ------------------------------------------------------------------------------------


def _found(arrays: Sequence[Any], kind: str) -> list[tuple[tuple[int, ...], list[Any]]]:
    """Of (indices, values) of one operand, or of two: the rows that are not empty."""
    sets: list[dict[tuple[int, ...], set[Any]]] = []
    for indices, values in zip(arrays[::2], arrays[1::2], strict=True):
        rows: dict[tuple[int, ...], set[Any]] = {}
        for row, value in zip(indices[:, :-1].tolist(), values.tolist(), strict=True):
            rows.setdefault(tuple(row), set()).add(value)
        sets.append(rows)
    first, second = sets[0], sets[-1]
    none: set[Any] = set()
    found: dict[tuple[int, ...], set[Any]] = {}
    for row in {**first, **second}:
        a, b = first.get(row, none), second.get(row, none)
        found[row] = {"a&b": a & b, "a-b": a - b, "b-a": b - a, "a|b": a | b}[kind]
    return [(row, sorted(found[row])) for row in sorted(found) if found[row]]


def _count_infer(*specs: Spec, kind: str) -> Spec:
    return Spec((2,), dtypes.int64)


def _count_reference(*arrays: Any, kind: str) -> Any:
    sizes = [len(elements) for _, elements in _found(arrays, kind)]
    return np.array([sum(sizes), max(sizes, default=0)], np.int64)


def _elements_infer(*specs: Spec, kind: str, count: Extent) -> tuple[Spec, Spec]:
    rank = specs[0].shape[1]
    return Spec((count, rank), dtypes.int64), Spec((count,), specs[1].dtype)


def _elements_reference(*arrays: Any, kind: str, count: int) -> Any:
    indices: list[tuple[int, ...]] = []
    values: list[Any] = []
    for row, elements in _found(arrays, kind):
        indices += [(*row, k) for k in range(len(elements))]
        values += elements
    made = np.empty(len(values), arrays[1].dtype)
    made[:] = values
    return np.array(indices, np.int64).reshape(-1, arrays[0].shape[1]), made


def _sizes_infer(indices: Spec, values: Spec, outer: Spec, *, shape: Any) -> Spec:
    return Spec(tuple(shape), dtypes.int32)


def _sizes_reference(indices: Any, values: Any, outer: Any, *, shape: Any) -> Any:
    out = np.zeros(tuple(shape), np.int32)
    for row, elements in _found((indices, values), "a|b"):
        out[row] = len(elements)
    return out


set_count_op = Op("set_count", _count_infer, _count_reference, None, _WHY)
set_elements_op = Op("set_elements", _elements_infer, _elements_reference, None, _WHY)
set_sizes_op = Op("set_sizes", _sizes_infer, _sizes_reference, None, _WHY)

# --- arguments ----------------------------------------------------------------------------------


def _parts(op: str, given: Any, name: str) -> SparseTensor:
    """An operand as a sparse tensor, all of whose elements count."""
    value: SparseTensor
    if isinstance(given, SparseTensor):
        value = given
    else:
        x = as_tensor(given, None, op, name)
        if not x.spec.rank:
            raise ShapeError(explain(op, f"{name} is a scalar; its last axis holds a set"))
        shape = x.spec.shape
        places = [
            shaping.reshape(creation.iota(shape, k, dtypes.int64), (-1,))
            for k in range(x.spec.rank)
        ]
        sizes = joining.stack([shaping.size_tensor(n, dtypes.int64) for n in shape])
        value = SparseTensor(joining.stack(places, 1), shaping.reshape(x, (-1,)), sizes)
    if not (value.dtype.is_integer or value.dtype is dtypes.string):
        problem = f"{name} is {value.dtype.name}; it takes integers and strings"
        raise DTypeError(explain(op, problem))
    return value


def _combined(op: str, a: Any, b: Any, kind: str) -> SparseTensor:
    x, y = _parts(op, a, "a"), _parts(op, b, "b")
    if x.dtype is not y.dtype:
        raise DTypeError(explain(op, f"a is {x.dtype.name} and b is {y.dtype.name}"))
    sizes = [v.dense_shape.spec.shape[0] for v in (x, y)]
    known = [v.shape.as_list()[:-1] if v.shape.rank is not None else None for v in (x, y)]
    differ = None not in known and any(
        m is not None and n is not None and m != n for m, n in zip(*known, strict=False)
    )
    if sizes[0] != sizes[1] or differ:
        shown = {"a": x.shape, "b": y.shape}
        raise ShapeError(explain(op, "the axes in front of the last differ", shown))
    inputs = (x.indices, x.values, y.indices, y.values)
    numbers = set_count_op(*inputs, kind=kind)
    count, _ = run_time.sizes_of(numbers)
    indices, values = set_elements_op(*inputs, kind=kind, count=count)
    shape = joining.concat([x.dense_shape[:-1], numbers[1:]], 0)
    return SparseTensor(indices, values, shape)


# --- public -------------------------------------------------------------------------------------


def intersection(a: Any, b: Any, validate_indices: bool = True) -> SparseTensor:
    """What is in both sets, for each row.

    Args:
      a, b: tensors or sparse tensors of integers or strings, of one dtype, [..., elements]; the
        axes in front are the same.
      validate_indices: without effect.

    Returns:
      A sparse tensor [..., most elements] of the elements in order.

    Raises:
      DTypeError: the dtypes differ, or are neither integers nor strings.
      ShapeError: the axes in front differ.

    Example:
      >>> nf.sets.intersection([[1, 2, 2, 3]], [[3, 2, 9, 9]]).values.numpy().tolist()
      [2, 3]
    """
    return _combined("sets.intersection", a, b, "a&b")


def union(a: Any, b: Any, validate_indices: bool = True) -> SparseTensor:
    """What is in one of two sets, for each row; arguments as for intersection.

    Example:
      >>> nf.sets.union([[1, 2, 2]], [[3, 2, 1]]).values.numpy().tolist()
      [1, 2, 3]
    """
    return _combined("sets.union", a, b, "a|b")


def difference(a: Any, b: Any, aminusb: bool = True, validate_indices: bool = True) -> SparseTensor:
    """What is in a and not in b, for each row, or the other way round without aminusb.

    Example:
      >>> nf.sets.difference([[1, 2, 2]], [[3, 2, 3]]).values.numpy().tolist()
      [1]
    """
    return _combined(
        "sets.difference",
        a,
        b,
        "a-b" if plain.flag(aminusb, "sets.difference", "aminusb") else "b-a",
    )


def size(a: Any, validate_indices: bool = True) -> Tensor:
    """How many different elements each set has: int32 [...].

    Example:
      >>> nf.sets.size([[1, 2, 2], [4, 4, 4]]).numpy().tolist()
      [2, 1]
    """
    op = "sets.size"
    x = _parts(op, a, "a")
    shape = run_time.sizes_of(maths.cast(x.dense_shape[:-1], dtypes.int64))
    found: Tensor = set_sizes_op(x.indices, x.values, x.dense_shape, shape=shape)
    return found
