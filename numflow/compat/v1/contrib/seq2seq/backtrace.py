"""From the last step back to the first: which words each beam is made of."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.control.recurrence import recur
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, comparisons, creation, indexing, run_time
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import scan as scans
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor

__all__ = ["gather_tree", "gather_tree_from_array"]


def gather_tree(
    step_ids: TensorLike,
    parent_ids: TensorLike,
    max_sequence_lengths: TensorLike,
    end_token: TensorLike,
    name: str | None = None,
) -> Tensor:
    """Whole sequences, of the words and the origins that each step of a beam search gave.

    Args:
      step_ids: int32 [steps, batch, beams], the word of each beam in each step.
      parent_ids: like it, the number of the beam that it goes on with, in [0, beams).
      max_sequence_lengths: integers [batch]: the step behind the last one of its beams.
      end_token: a scalar: what a sequence is filled with behind its end.

    Returns:
      int32 [steps, batch, beams].

    Raises:
      ShapeError: the shapes do not fit. DTypeError: an argument is not of integers.
      InvalidArgumentError: a parent is out of range.

    Example:
      >>> words, parents = [[[1, 2]], [[3, 4]], [[5, 6]]], [[[0, 0]], [[1, 0]], [[1, 0]]]
      >>> found = nf.compat.v1.contrib.seq2seq.gather_tree(words, parents, [3], 9)
      >>> found.numpy()[:, 0].T.tolist()
      [[1, 4, 5], [2, 3, 6]]
    """
    op = "gather_tree"
    words, parents, lengths, end = (
        _integers(op, name, value)
        for name, value in (
            ("step_ids", step_ids),
            ("parent_ids", parent_ids),
            ("max_sequence_lengths", max_sequence_lengths),
            ("end_token", end_token),
        )
    )
    shown = {"step_ids": words.spec, "parent_ids": parents.spec}
    fitted = run_time.fitted(parents, words.spec.shape)
    if words.spec.rank != 3 or fitted is None:
        problem = "step_ids and parent_ids are [steps, batch, beams]"
        raise ShapeError(explain(op, problem, shown))
    steps, batch, beams = words.spec.shape
    if lengths.spec.shape != (batch,):
        shown["max_sequence_lengths"] = lengths.spec
        raise ShapeError(explain(op, "max_sequence_lengths is [batch]", shown))
    if end.spec.rank:
        raise ShapeError(explain(op, "end_token is a scalar", {"end_token": end.spec}))
    if steps == 0:
        return words
    parents = checks.checked_index(fitted, beams, op, "parent")
    step = creation.iota((steps, batch), 0, dtypes.int32)
    alive = comparisons.less(step, shaping.expand_dims(lengths, 0))

    def back(now: tuple[Tensor, Tensor], beam: Tensor) -> tuple[Tensor, Tensor]:
        word, parent = (indexing.gather(x, beam, batch_dims=1) for x in now)
        return word, parent

    start = creation.iota((batch, beams), 1, dtypes.int32)
    _, found, _ = recur(back, (words, parents), start, mask=alive, reverse=True)
    inside = shaping.expand_dims(alive, 2)
    is_end = selections.logical_and(inside, comparisons.equal(found, end))
    ends = scans.cumsum(maths.cast(is_end, dtypes.int32), 0, exclusive=True)
    kept = selections.logical_and(inside, comparisons.equal(ends, 0))
    return selections.where(kept, found, end)


def _integers(op: str, name: str, value: Any) -> Tensor:
    x = as_tensor(value, None, op, name)
    if not x.dtype.is_integer:
        raise DTypeError(explain(op, f"{name} is {x.dtype.name}, not an integer", {name: x.spec}))
    return maths.cast(x, dtypes.int32)


def gather_tree_from_array(
    t: TensorLike, parent_ids: TensorLike, sequence_length: TensorLike
) -> Tensor:
    """What each step wrote down for the beams of that step, for those that they became.

    Args:
      t: [steps, batch, beams, ...], or [steps, batch * beams, ...].
      parent_ids: int32 [steps, batch, beams]. sequence_length: integers [batch, beams].

    Returns:
      t, its beams in the order of the last step's, of t's shape. Behind a sequence's end as it was.

    Example:
      >>> t, parents = nf.constant([[[1.0, 2.0]], [[3.0, 4.0]]]), [[[0, 0]], [[1, 0]]]
      >>> found = nf.compat.v1.contrib.seq2seq.gather_tree_from_array(t, parents, [[2, 2]])
      >>> found.numpy().tolist()
      [[[2.0, 1.0]], [[3.0, 4.0]]]
    """
    op = "gather_tree_from_array"
    x = as_tensor(t, None, op, "t")
    parents = _integers(op, "parent_ids", parent_ids)
    lengths = _integers(op, "sequence_length", sequence_length)
    shown = {"t": x.spec, "parent_ids": parents.spec, "sequence_length": lengths.spec}
    if parents.spec.rank != 3 or lengths.spec.shape != parents.spec.shape[1:]:
        problem = "parent_ids is [steps, batch, beams], sequence_length [batch, beams]"
        raise ShapeError(explain(op, problem, shown))
    steps, batch, beams = parents.spec.shape
    beside = run_time.fitted(x, (steps, batch, beams, *x.spec.shape[3:]))
    if beside is None:
        rows = run_time.fitted(x, (steps, batch * beams, *x.spec.shape[2:]))
        if rows is None:
            problem = "t is [steps, batch, beams, ...] or [steps, batch * beams, ...]"
            raise ShapeError(explain(op, problem, shown))
        beside = shaping.reshape(rows, (steps, batch, beams, *x.spec.shape[2:]))
    own = creation.iota((steps, batch, beams), 2, dtypes.int32)
    longest = reductions.reduce_max(lengths, 1)
    sorted_ = gather_tree(own, parents, longest, beams + 1)
    step = creation.iota((steps, batch, beams), 0, dtypes.int32)
    chosen = selections.where(comparisons.less(step, lengths), sorted_, own)
    found = indexing.gather(beside, chosen, batch_dims=2)
    return shaping.reshape(found, (steps, *x.spec.shape[1:]))
