"""Rows of tables looked up by number, tables in several parts too."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.op import composites_too
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, indexing, linalg, power, signs
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.checks import checked_index
from numflow.ops.convert import as_tensor

# --- embedding_lookup ------------------------------------------------------------------------


@composites_too
def embedding_lookup(
    params: TensorLike, ids: TensorLike, max_norm: Any = None, name: str | None = None
) -> Tensor:
    """The rows of params at ids; with max_norm those that are longer are shortened to it.

    The gradient for a variable is IndexedSlices: as large as the rows that were looked up.

    Args:
      params: floating [rows, ...]; or a list of parts of one table, in order, of which the first
        ones have one row more if the rows cannot be shared equally.
      ids: integers [...], in [0, rows).
      max_norm: the greatest L2 norm of a row, or None.

    Returns:
      [*ids.shape, ...].

    Raises:
      InvalidArgumentError: an id is out of range.
      DTypeError: ids are not integers.
      ShapeError: there is no part, or their rows differ in shape or are not shared equally.

    Example:
      >>> table = nf.Variable([[1.0, 2.0], [3.0, 4.0]])
      >>> nf.nn.embedding_lookup(table, [1, 1]).numpy().tolist()
      [[3.0, 4.0], [3.0, 4.0]]
    """
    return looked_up(params, ids, max_norm, "div")


def looked_up(
    params: TensorLike, ids: TensorLike, max_norm: Any, partition_strategy: str
) -> Tensor:
    """embedding_lookup, with the rows of a table in parts dealt out as version 1 may have it.

    partition_strategy: "div": neighbours are in one part; "mod": row i is in part i % parts.
    """
    if isinstance(params, list | tuple):
        parts = [as_tensor(p, None, "embedding_lookup", f"params[{k}]")
                 for k, p in enumerate(params)]  # fmt: skip
        if len(parts) == 1:
            rows = indexing.gather(parts[0], ids)
        else:
            rows = _in_parts(parts, ids, partition_strategy)
    else:
        rows = indexing.gather(params, ids)
    if max_norm is None:
        return rows
    axes = list(range(as_tensor(ids).spec.rank, rows.spec.rank))
    length = linalg.norm(rows, axis=axes, keepdims=True) if axes else signs.abs(rows)
    return rows * max_norm / maths.maximum(length, max_norm)


def _in_parts(parts: list[Tensor], ids: TensorLike, strategy: str) -> Tensor:
    """Rows of a table that is in several parts: each part gives the rows that it has."""
    op = "embedding_lookup"
    shown: dict[str, Any] = {f"params[{k}]": p.spec for k, p in enumerate(parts)}
    if not parts:
        raise ShapeError(explain(op, "params is an empty list"))
    sizes: list[Any] = [p.spec.shape[0] if p.spec.rank else None for p in parts]
    same = all(p.spec.shape[1:] == parts[0].spec.shape[1:] for p in parts)
    if not same or not all(isinstance(n, int) for n in sizes):
        raise ShapeError(
            explain(op, "the parts differ in shape, or have no known number of rows", shown)
        )
    total = sum(sizes)
    share, more = divmod(total, len(parts))
    if sizes != [share + (k < more) for k in range(len(parts))]:
        raise ShapeError(explain(op, f"the {total} rows are not shared equally, more first", shown))
    numbers = as_tensor(ids, None, op, "ids")
    if not numbers.dtype.is_integer:
        raise DTypeError(explain(op, f"ids is {numbers.dtype.name}, not an integer"))
    flat = maths.cast(checked_index(numbers, total, op, "id"), dtypes.int64)
    begins = np.cumsum([0, *sizes[:-1]]).tolist()
    found: Tensor | None = None
    for k, size in enumerate(sizes):
        if not size:
            continue
        if strategy == "mod":
            local = power.floordiv(flat, len(parts))
            here = comparisons.equal(power.floormod(flat, len(parts)), k)
        else:
            local = flat - begins[k]
            here = comparisons.greater_equal(local, 0)  # later parts take over what is theirs
        rows = indexing.gather(parts[k], maths.minimum(maths.maximum(local, 0), size - 1))
        if found is None:
            found = rows
            continue
        width = (1,) * (rows.spec.rank - numbers.spec.rank)
        mask = shaping.reshape(here, numbers.spec.shape + width)
        found = selections.where(mask, rows, found)
    assert found is not None
    return found
