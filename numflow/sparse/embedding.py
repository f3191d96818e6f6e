"""Embeddings of sets of ids: rows of a table, combined for each example."""

from __future__ import annotations

from typing import Any

from numflow.errors import ArgumentError, InvalidArgumentError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, segments
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.embedding import embedding_lookup
from numflow.sparse.tensor import kept, rank_of, sizes_of, sparse

COMBINERS = ("mean", "sum", "sqrtn")


def embedding_lookup_sparse(
    params: Any,
    sp_ids: Any,
    sp_weights: Any,
    combiner: str | None = None,
    max_norm: Any = None,
    name: str | None = None,
    allow_fast_lookup: bool = False,
) -> Tensor:
    """For each example the rows of a table at its ids, combined.

    Args:
      params: the table [ids, ...], as for embedding_lookup.
      sp_ids: a SparseTensor [examples, n] of ids.
      sp_weights: a SparseTensor of weights at the same places, or None: all 1.
      combiner: "mean" (default): the weighted mean; "sum"; "sqrtn": the weighted sum over the
        root of the sum of the squared weights.
      max_norm: rows that are longer are cut to this norm.
      allow_fast_lookup: without effect: every lookup is fast.

    Returns:
      [examples, ...], 0 for an example without ids.

    Raises:
      InvalidArgumentError: an id is outside of the table; combiner is unknown.
      TypeError: sp_ids is not sparse.

    Example:
      >>> ids = nf.SparseTensor([[0, 0], [0, 1], [1, 0]], [0, 1, 1], [2, 2])
      >>> table = nf.constant([[1.0], [3.0]])
      >>> nf.nn.embedding_lookup_sparse(table, ids, None).numpy().tolist()
      [[2.0], [3.0]]
    """
    op = "embedding_lookup_sparse"
    how = "mean" if combiner is None else combiner
    if not isinstance(how, str) or how not in COMBINERS:
        problem = f"combiner is {combiner!r}; it takes 'mean', 'sum' and 'sqrtn'"
        raise InvalidArgumentError(explain(op, problem))
    ids = sparse(op, sp_ids, "sp_ids")
    if rank_of(ids) != 2:
        problem = f"sp_ids has {rank_of(ids)} axes; it takes 2: examples and their ids"
        raise ShapeError(explain(op, problem))
    examples = sizes_of(ids)[0]
    row = ids.indices[:, 0]
    found = embedding_lookup(params, ids.values, max_norm=max_norm)
    if sp_weights is None:
        total = segments.unsorted_segment_sum(found, row, examples)
        if how == "sum":
            return total
        counts = segments.unsorted_segment_sum(
            shaping.ones((ids.values.spec.shape[0],), found.dtype), row, examples
        )
        divisor = counts if how == "mean" else maths.sqrt(counts)
    else:
        weights = sparse(op, sp_weights, "sp_weights").values
        if weights.dtype is not found.dtype:
            weights = maths.cast(weights, found.dtype)
        total = segments.unsorted_segment_sum(found * _beside(weights, found), row, examples)
        if how == "sum":
            return total
        squares = weights if how == "mean" else weights * weights
        divisor = segments.unsorted_segment_sum(squares, row, examples)
        divisor = divisor if how == "mean" else maths.sqrt(divisor)
    none = comparisons.equal(divisor, shaping.zeros_like(divisor))
    safe = selections.where(none, shaping.ones_like(divisor), divisor)
    return total / _beside(safe, total)


def _beside(x: Tensor, rows: Tensor) -> Tensor:
    """One number for each row."""
    return shaping.reshape(x, (x.spec.shape[0], *(1 for _ in rows.spec.shape[1:])))


def safe_embedding_lookup_sparse(
    embedding_weights: Any,
    sparse_ids: Any,
    sparse_weights: Any = None,
    combiner: str = "mean",
    default_id: TensorLike | None = None,
    max_norm: Any = None,
    name: str | None = None,
    allow_fast_lookup: bool = False,
) -> Tensor:
    """As embedding_lookup_sparse, for ids as they come.

    Negative ids, and ids whose weight is not positive, are left out. An example without ids gets
    the row of default_id; 0 without one.

    Example:
      >>> ids = nf.SparseTensor([[0, 0], [1, 0]], [1, -1], [2, 1])
      >>> table = nf.constant([[1.0], [3.0]])
      >>> nf.nn.safe_embedding_lookup_sparse(table, ids, default_id=0).numpy().tolist()
      [[3.0], [1.0]]
    """
    op = "safe_embedding_lookup_sparse"
    ids = sparse(op, sparse_ids, "sparse_ids")
    weights = None if sparse_weights is None else sparse(op, sparse_weights, "sparse_weights")
    good = ids.values >= 0
    if not isinstance(combiner, str):
        raise ArgumentError(explain(op, f"combiner must be text, not {combiner!r}"))
    if weights is not None and combiner != "sum":
        good = selections.logical_and(good, weights.values > 0)
    ids, weights = kept(ids, good), None if weights is None else kept(weights, good)
    found = embedding_lookup_sparse(embedding_weights, ids, weights, combiner, max_norm)
    if default_id is None:
        return found
    examples = sizes_of(ids)[0]
    one = shaping.ones_like(ids.indices[:, 0])
    empty = comparisons.equal(segments.unsorted_segment_sum(one, ids.indices[:, 0], examples), 0)
    number = as_tensor(default_id, ids.values.dtype, op, "default_id")
    row = embedding_lookup(embedding_weights, shaping.reshape(number, (1,)), max_norm=max_norm)
    return selections.where(_beside(empty, found), row, found)
