"""Drawn classes that happen to be true ones."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, plain, select
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor


def compute_accidental_hits(
    true_classes: TensorLike,
    sampled_candidates: TensorLike,
    num_true: Any,
    seed: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Where drawn classes are true ones of an example, whose logits must not count then.

    Args:
      true_classes: int64 [batch, num_true].
      sampled_candidates: int64 [num_sampled].
      num_true: how many true classes an example has.
      seed: without effect.

    Returns:
      (indices, ids, weights), each [hits]: the example, int32; the place among the drawn, int64;
      and the least float32, to be added to the logit.

    Raises:
      ShapeError: true_classes is not [batch, num_true], or sampled_candidates no vector.
      DTypeError: they are no integers.

    Example:
      >>> hits = nf.nn.compute_accidental_hits([[1, 2], [3, 4]], [4, 9, 1], 2)
      >>> [h.numpy().tolist() for h in hits[:2]]
      [[0, 1], [2, 0]]
    """
    op = "compute_accidental_hits"
    true = as_tensor(true_classes, None, op, "true_classes")
    drawn = as_tensor(sampled_candidates, None, op, "sampled_candidates")
    count = plain.whole(num_true, op, "num_true", least=1)
    shown = {"true_classes": true.spec, "sampled_candidates": drawn.spec}
    if not (true.dtype.is_integer and drawn.dtype.is_integer):
        raise DTypeError(explain(op, "classes are integers", shown))
    if true.spec.rank != 2 or true.spec.shape[1] != count or drawn.spec.rank != 1:
        problem = f"true_classes is [batch, {count}], and sampled_candidates a vector"
        raise ShapeError(explain(op, problem, shown))
    wide = maths.cast(drawn, dtypes.int64)
    same = comparisons.equal(shaping.expand_dims(maths.cast(true, dtypes.int64), 2), wide)
    place = select.where(same)
    weights = shaping.fill((place.spec.shape[0],), as_tensor(dtypes.float32.min, dtypes.float32))
    return maths.cast(place[:, 0], dtypes.int32), place[:, 2], weights
