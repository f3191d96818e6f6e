"""Masks of sequences by their lengths."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, creation
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor


def sequence_mask(
    lengths: TensorLike, maxlen: Any = None, dtype: Any = dtypes.bool, name: str | None = None
) -> Tensor:
    """True for the first lengths[...] of maxlen places.

    Args:
      lengths: ints [...].
      maxlen: an int, or a scalar tensor; default the largest length.
      dtype: of the result; of numbers 1 and 0.

    Returns: [..., maxlen].

    Raises:
      DTypeError: lengths are no ints. ShapeError: maxlen is not a scalar.

    Example:
      >>> nf.sequence_mask([1, 3], 4, dtype=nf.int32).numpy().tolist()
      [[1, 0, 0, 0], [1, 1, 1, 0]]
    """
    op = "sequence_mask"
    x = as_tensor(lengths, None, op, "lengths")
    if not x.dtype.is_integer:
        raise DTypeError(explain(op, f"lengths are {x.dtype.name}, not ints", {"lengths": x.spec}))
    if maxlen is None:
        maxlen = maths.maximum(reductions.reduce_max(x), maths.cast(0, x.dtype))
    elif isinstance(maxlen, Tensor) and maxlen.spec.rank:
        problem = "maxlen is a number, or a tensor without axes"
        raise ShapeError(explain(op, problem, {"maxlen": maxlen.spec}))
    places = maths.cast(creation.range(maxlen), x.dtype)
    mask = comparisons.less(places, shaping.expand_dims(x, -1))
    wanted = dtypes.as_dtype(dtype)
    return mask if wanted is dtypes.bool else maths.cast(mask, wanted)
