"""Rows of a large tensor by index: those of equal index put together, some of them replaced.

What sparse updates are made of. Their results are as long as the indices, whatever the values are,
so that they compile; places that were merged into others bear the index -1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes
from numflow.errors import InvalidArgumentError, explain
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.lowering import Library
from numflow.graph.op import Attrs, Backward, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import indexing
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.indexed_slices import flat_indices
from numflow.ops.precision import single
from numflow.shapes import Extent, product

# --- first_rows: which index has stood before -----------------------------------------------


def _first_infer(indices: Spec, *, depth: int, op: str, name: str) -> tuple[Spec, Spec]:
    return indices, Spec(indices.shape, dtypes.int64)


def refuse_outside(op: str, name: str, indices: Any, depth: int) -> None:
    """Refuse indices that are not in [0, depth).

    Raises:
      InvalidArgumentError: one is not.
    """
    wrong = (indices < 0) | (indices >= depth)
    if wrong.any():
        at = int(np.argmax(wrong))
        text = f"{name} {int(indices[at])} is outside [0, {depth})"
        raise InvalidArgumentError(explain(op, text, {"element": [at]}))


def _first_reference(indices: Any, *, depth: int, op: str, name: str) -> Any:
    refuse_outside(op, name, indices, depth)
    _, starts, number = np.unique(indices, return_index=True, return_inverse=True)
    first = starts[number.reshape(-1)].astype(np.int64)
    unique = np.where(first == np.arange(len(indices)), indices, -1).astype(indices.dtype)
    return unique, first


def _plan_first(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import rows as kernel  # llvmlite: only where code is made

    (indices,) = inputs
    (count,) = indices.shape
    assert isinstance(count, int)
    return kernel.plan_first_rows(attrs["depth"], count, index_bytes=indices.dtype.size)


first_rows_op = Op(
    "first_rows", _first_infer, _first_reference, None, Library(_plan_first, refuses=True)
)

# --- sum_rows: rows of equal index added ----------------------------------------------------


def _sum_reference(rows: Any, first: Any) -> Any:
    if np.array_equal(first, np.arange(len(first))):
        return rows.copy()
    out = np.zeros_like(rows)
    np.add.at(out, first, rows)
    return out


def _plan_sum(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs, threads: int) -> Any:
    from numflow.kernels.cpu import rows as kernel

    count, inner = inputs[0].shape
    assert isinstance(count, int) and isinstance(inner, int)
    return kernel.plan_sum_rows(count, inner, inputs[0].dtype.name, threads=threads)


def _sum_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return indexing.gather(g.ct, g.inputs[1]), None


sum_rows_op = Op("sum_rows", lambda rows, first: rows, _sum_reference, _sum_vjp, Library(_plan_sum))

# --- both ---------------------------------------------------------------------------------------


class MergedRows(NamedTuple):
    """Slices of which each index stands once.

    indices: those given, [n]; unique: the same, but -1 where an index has stood before.
    values: the sums, [n, inner], in float32 at least; 0 where unique is -1.
    """

    indices: Tensor
    unique: Tensor
    values: Tensor


def merged(slices: IndexedSlices, op: str, name: str) -> MergedRows:
    """The slices with rows of equal index added up.

    op, name: what a message calls the operation and the index.

    Raises:
      InvalidArgumentError: an index is out of range; when the program runs, if traced.
    """
    shape = slices.spec.shape
    at = flat_indices(as_tensor(slices.indices, None, op, "indices"))
    values = as_tensor(slices.values, None, op, "values")
    rows = single(shaping.reshape(values, (at.spec.size, product(shape[1:]))))
    unique, first = first_rows_op(at, depth=shape[0], op=op, name=name)
    return MergedRows(at, unique, sum_rows_op(rows, first))


def rows_of(x: Tensor, indices: Tensor) -> Tensor:
    """The rows of x at indices, [n, inner]."""
    return indexing.gather(flat_rows(x), indices)


def flat_rows(x: Tensor) -> Tensor:
    """x as a matrix: its first axis, and all others merged."""
    shape: tuple[Extent, ...] = (x.spec.shape[0], product(x.spec.shape[1:]))
    return x if x.spec.shape == shape else shaping.reshape(x, shape)
