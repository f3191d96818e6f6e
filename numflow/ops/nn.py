"""Parts of networks that are made of other ops: bias_add, moments, normalisation, dropout."""

from __future__ import annotations

from typing import Any

from numflow.errors import ShapeError, explain
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import Dim, UnknownSizeError

# --- bias_add ------------------------------------------------------------------


def bias_add(
    value: TensorLike, bias: TensorLike, data_format: Any = None, name: str | None = None
) -> Tensor:
    """value + bias, where bias has one element per channel.

    Args:
      value: numbers [batch, ..., channels]; with data_format "NC..." [batch, channels, ...].
      bias: [channels], dtype of value.
      data_format: None or "N...C": channels last; "NC...": channels second.

    Raises:
      ShapeError: bias is not of one axis of the size of the channels.

    Example:
      >>> nf.nn.bias_add([[1.0, 2.0]], [10.0, 20.0]).numpy().tolist()
      [[11.0, 22.0]]
    """
    x = as_tensor(value, None, "bias_add", "value")
    offset = as_tensor(bias, x.dtype, "bias_add", "bias")
    shown = {"value": x.spec, "bias": offset.spec}
    if data_format is not None and not (
        isinstance(data_format, str) and data_format.startswith("N")
    ):
        raise ValueError(
            explain("bias_add", f"no data_format {data_format!r}", shown, fix='"NHWC" or "NCHW"')
        )
    if x.spec.rank < 2 or offset.spec.rank != 1:
        raise ShapeError(explain("bias_add", "value needs at least 2 axes, bias exactly 1", shown))
    second = data_format is not None and data_format.startswith("NC")
    channels, (size,) = x.spec.shape[1 if second else -1], offset.spec.shape
    if channels != size:
        if isinstance(channels, Dim) or isinstance(size, Dim):
            raise UnknownSizeError(f"bias_add: sizes {channels} and {size} meet")
        raise ShapeError(
            explain("bias_add", f"value has {channels} channels, bias has {size} elements", shown)
        )
    if second:
        offset = shaping.reshape(offset, (size, *(1 for _ in x.spec.shape[2:])))
    return maths.add_op(x, offset)  # type: ignore[no-any-return]
