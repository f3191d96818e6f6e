"""Sums of lists of tensors."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.op import composites_too
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import plain, run_time
from numflow.ops.convert import as_tensor
from numflow.ops.shape_queries import as_tensor_shape

# --- add_n -----------------------------------------------------------------------------


@composites_too
def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of tensors of one shape and dtype.

    Raises:
      ShapeError: there are none, or their shapes differ.
      DTypeError: dtypes differ, or are no numbers.

    Example:
      >>> nf.add_n([[1, 2], [3, 4], [5, 6]]).numpy().tolist()
      [9, 12]
    """
    inputs = plain.items(inputs, "add_n", "inputs")
    if not inputs:
        raise ShapeError(explain("add_n", "there are no inputs"))
    tensors = [as_tensor(t, None, "add_n", f"inputs[{k}]") for k, t in enumerate(inputs)]
    total = tensors[0]
    for k, t in enumerate(tensors):
        if not t.dtype.is_numeric and len(tensors) > 1:
            problem = f"inputs[{k}] is {t.dtype.name}, which has no sum"
            raise DTypeError(explain("add_n", problem, {f"inputs[{k}]": t.spec}))
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

    Raises:
      ShapeError, DTypeError: as add_n; shape or tensor_dtype is not that of the inputs.

    Example:
      >>> nf.math.accumulate_n([[1, 2], [3, 4]]).numpy().tolist()
      [4, 6]
    """
    total = add_n(inputs)
    if tensor_dtype is not None and dtypes.as_dtype(tensor_dtype) is not total.dtype:
        shown = {"inputs": total.spec, "tensor_dtype": tensor_dtype}
        raise DTypeError(explain("accumulate_n", "tensor_dtype is not that of the inputs", shown))
    if shape is not None and not as_tensor_shape("accumulate_n", shape).is_compatible_with(
        total.shape
    ):
        shown = {"inputs": total.spec, "shape": shape}
        raise ShapeError(explain("accumulate_n", "shape is not that of the inputs", shown))
    return total
