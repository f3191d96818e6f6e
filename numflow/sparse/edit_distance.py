"""How many labels must be put in, taken out or changed to make one sequence another.

Source: Levenshtein 1966, "Binary codes capable of correcting deletions, insertions, and reversals";
computed as in Wagner & Fischer 1974, "The string-to-string correction problem", section 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.lowering import HostCall
from numflow.graph.op import Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import plain, run_time
from numflow.shapes import Shape
from numflow.sparse.tensor import check_inside, sparse

Array = Any


def edit_distance(
    hypothesis: Any, truth: Any, normalize: bool = True, name: str = "edit_distance"
) -> Tensor:
    """The Levenshtein distance of the sequences along the last axis of two SparseTensors.

    Args:
      hypothesis, truth: SparseTensors of one dtype and rank, sequences along the last axis.
      normalize: divide by the length of the true sequence; of none, inf, or 0 if both are empty.

    Returns: float32, of the shape of all axes but the last.

    Raises:
      TypeError: one is no SparseTensor. ShapeError: ranks differ. DTypeError: dtypes differ.

    Example:
      >>> x = nf.SparseTensor([[0, 0], [0, 1]], [1, 2], [1, 2])
      >>> y = nf.SparseTensor([[0, 0], [0, 1], [0, 2]], [1, 3, 2], [1, 3])
      >>> nf.edit_distance(x, y, normalize=False).numpy().tolist()
      [1.0]
    """
    op = "edit_distance"
    x, y = sparse(op, hypothesis), sparse(op, truth)
    ranks = x.dense_shape.spec.shape[0], y.dense_shape.spec.shape[0]
    shown = {"hypothesis": x.values.spec, "truth": y.values.spec}
    if ranks[0] != ranks[1] or ranks[0] == 0:
        problem = f"hypothesis has {ranks[0]} axes, truth {ranks[1]}"
        raise ShapeError(explain(op, problem, shown))
    if x.dtype is not y.dtype:
        problem = f"hypothesis is {x.dtype.name}, truth {y.dtype.name}"
        raise DTypeError(explain(op, problem, shown))
    check_inside(op, x)
    check_inside(op, y)
    sizes = maths.maximum(x.dense_shape, y.dense_shape)[:-1]
    shape = run_time.sizes_of(sizes)
    keep = plain.flag(normalize, op, "normalize")
    found: Tensor = distance_op(
        x.indices, x.values, y.indices, y.values, shape=shape, normalize=keep
    )
    return found


def _infer(*inputs: Spec, shape: Shape, normalize: bool) -> Spec:
    return Spec(shape, dtypes.float32)


def _reference(
    x_places: Array, x: Array, y_places: Array, y: Array, *, shape: Any, normalize: bool
) -> Array:
    out = np.zeros(shape, np.float32)
    first, second = _sequences(x_places, x), _sequences(y_places, y)
    for place in {**first, **second}:
        a, b = first.get(place, []), second.get(place, [])
        distance = float(_distance(a, b))
        if normalize:
            distance = distance / len(b) if b else float("inf")
        out[place] = distance
    return out


def _sequences(places: Array, values: Array) -> dict[tuple[int, ...], list[Any]]:
    """The sequences that are not empty, by their place."""
    found: dict[tuple[int, ...], list[Any]] = {}
    for place, value in zip(places[:, :-1].tolist(), values.tolist(), strict=True):
        found.setdefault(tuple(place), []).append(value)
    return found


def _distance(a: list[Any], b: list[Any]) -> int:
    row = list(range(len(b) + 1))  # distances of what is done of a to each beginning of b
    for k, item in enumerate(a):
        corner, row[0] = row[0], k + 1
        for j, other in enumerate(b):
            change = corner + (item != other)
            corner = row[j + 1]
            row[j + 1] = min(change, corner + 1, row[j] + 1)
    return row[-1]


distance_op = Op(
    "edit_distance", _infer, _reference, None, HostCall("sequences are compared in Python")
)
"""indices and values of two SparseTensors -> float32 of this shape."""
