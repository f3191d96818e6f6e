"""Sums of lists of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow.errors import ShapeError, explain
from numflow.graph.op import composites_too
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import run_time
from numflow.ops.convert import as_tensor

# --- add_n -----------------------------------------------------------------------------


@composites_too
def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of tensors of one shape and dtype.

    Raises:
      ShapeError: there are none, or their shapes differ.

    Example:
      >>> nf.add_n([[1, 2], [3, 4], [5, 6]]).numpy().tolist()
      [9, 12]
    """
    if not isinstance(inputs, Sequence) or isinstance(inputs, str):
        inputs = [inputs]
    if not inputs:
        raise ShapeError(explain("add_n", "there are no inputs"))
    tensors = [as_tensor(t, None, "add_n", f"inputs[{k}]") for k, t in enumerate(inputs)]
    total = tensors[0]
    for k, t in enumerate(tensors[1:], 1):
        fits = run_time.fitted(t, total.spec.shape)
        if fits is None:
            shown = {"inputs[0]": total.spec, f"inputs[{k}]": t.spec}
            raise ShapeError(explain("add_n", "shapes differ", shown))
        total = maths.add(total, fits)
    return total


def accumulate_n(
    inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None
) -> Tensor:
    """The sum of tensors of one shape and dtype, as add_n.

    Example:
      >>> nf.math.accumulate_n([[1, 2], [3, 4]]).numpy().tolist()
      [4, 6]
    """
    return add_n(inputs)
