"""Tensors made of nothing: constant, range, linspace, one_hot, eye; and iota, the index along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from numflow import dtypes
from numflow.graph.lowering import Elementwise
from numflow.graph.op import Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops.shape_rules import normal_axis
from numflow.shapes import Shape

# --- iota: every element is its own index along an axis -------------------------


def _iota_infer(*, shape: Shape, axis: int, dtype: dtypes.DType) -> Spec:
    return Spec(shape, dtype)


def _iota_reference(*, shape: Any, axis: int, dtype: dtypes.DType) -> Any:
    line = np.arange(shape[axis]).astype(dtype.numpy)
    return np.broadcast_to(line.reshape(-1, *(1 for _ in shape[axis + 1 :])), shape).copy()


iota_op = Op(
    "iota",
    _iota_infer,
    _iota_reference,
    None,
    Elementwise(
        lambda b, axes, *, shape, axis, dtype: b.cast(axes(axis), b.code(dtype)), index=True
    ),
)


def iota(shape: Shape, axis: int, dtype: dtypes.DType) -> Tensor:
    """A tensor whose elements are their own index along an axis: a range that costs no memory where it is fused."""
    return iota_op(shape=shape, axis=normal_axis("iota", axis, len(shape)), dtype=dtype)  # type: ignore[no-any-return]
