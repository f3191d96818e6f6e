"""What comes in for each variable: a tensor or some rows of one, checked and kept within bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numflow.errors import ShapeError, explain
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops.convert import as_tensor
from numflow.ops.indexed_slices import Gradient


def checked(gradient: Any, variable: Any) -> Gradient:
    """gradient as a tensor of the variable's spec, or as slices of one.

    Raises:
      ShapeError: it has another shape.
    """
    if isinstance(gradient, IndexedSlices):
        return _slices(gradient, variable)
    tensor = as_tensor(gradient, variable.dtype, "apply_gradients", "gradient")
    if tensor.spec.shape != variable.spec.shape:
        raise ShapeError(
            explain(
                "apply_gradients",
                f"the gradient's shape is not that of variable {variable.name}",
                {"variable": variable.spec, "gradient": tensor.spec},
            )
        )
    return tensor


def _slices(gradient: IndexedSlices, variable: Any) -> IndexedSlices:
    shape = variable.spec.shape
    values = as_tensor(gradient.values, variable.dtype, "apply_gradients", "gradient")
    indices = as_tensor(gradient.indices, None, "apply_gradients", "indices")
    fits = shape and values.spec.shape == indices.spec.shape + shape[1:]
    if not fits or gradient.static_shape not in (None, shape):
        raise ShapeError(
            explain(
                "apply_gradients",
                f"the gradient's rows are not those of variable {variable.name}",
                {"variable": variable.spec, "values": values.spec, "indices": indices.spec},
            )
        )
    return IndexedSlices.of(values, indices, shape)


def with_merged_rows(grads: Sequence[Gradient], variables: Sequence[Any]) -> list[Any]:
    """The gradients, with rows of equal index added up, so that they may be squared."""
    if not any(isinstance(g, IndexedSlices) for g in grads):
        return list(grads)
    from numflow.ops.rows import merged  # few models have such gradients

    return [
        merged(g, "apply_gradients", f"variable {v.name}: index")
        if isinstance(g, IndexedSlices)
        else g
        for g, v in zip(grads, variables, strict=True)
    ]


# --- bounds ------------------------------------------------------------------


def by_norm(grads: Sequence[Any], bound: float) -> list[Any]:
    """Tensors and merged rows, each scaled down to that norm."""
    return [_scaled(g, _shrink(_square_sum([g]), bound)) for g in grads]


def by_global_norm(grads: Sequence[Any], bound: float) -> list[Any]:
    """Tensors and merged rows, scaled down together to that norm."""
    factor = _shrink(_square_sum(grads), bound)
    return [_scaled(g, factor) for g in grads]


def by_value(grads: Sequence[Any], bound: float) -> list[Any]:
    """Tensors and merged rows, each element within -bound .. bound."""
    return [_changed(g, lambda x: maths.minimum(maths.maximum(x, -bound), bound)) for g in grads]


def _changed(grad: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A tensor, or the rows of a gradient, changed element by element."""
    if isinstance(grad, Tensor):
        return change(grad)
    return grad._replace(values=change(grad.values))


def _scaled(grad: Any, factor: Tensor) -> Any:
    return _changed(grad, lambda x: x * maths.cast(factor, x.dtype))


def _square_sum(grads: Sequence[Any]) -> Any:
    parts = [g if isinstance(g, Tensor) else g.values for g in grads]
    total: Any = 0.0
    for x in parts:
        total = maths.cast(reductions.reduce_sum(x * x), parts[0].dtype) + total
    return total


def _shrink(square_sum: Tensor, bound: float) -> Tensor:
    """The factor that brings a norm down to bound; 1 where it is below."""
    return maths.divide(bound, maths.maximum(maths.sqrt(square_sum), bound))
