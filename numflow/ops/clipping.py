"""Keeping values and gradients within bounds: by value, by norm, by the norm of all together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numflow.errors import ShapeError, explain
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.op import composites_too
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops import plain, sums
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.ops.indexed_slices import Gradient


@composites_too
def clip_by_value(
    t: TensorLike, clip_value_min: TensorLike, clip_value_max: TensorLike, name: str | None = None
) -> Tensor:
    """t, at least clip_value_min and at most clip_value_max, element by element; nan stays nan.

    Args:
      t: numbers [...]; of IndexedSlices the values are clipped.
      clip_value_min, clip_value_max: numbers, or tensors that broadcast to t's shape.

    Raises:
      ShapeError: a bound would make the result larger than t.

    Example:
      >>> nf.clip_by_value([-1.0, 0.5, 2.0], 0.0, 1.0).numpy().tolist()
      [0.0, 0.5, 1.0]
    """
    if isinstance(t, IndexedSlices):
        return t.map(lambda rows: clip_by_value(rows, clip_value_min, clip_value_max))  # type: ignore[return-value]
    x = as_tensor(t, None, "clip_by_value", "t")
    out = maths.maximum(maths.minimum(x, clip_value_max), clip_value_min)
    if out.spec.shape != x.spec.shape:
        raise ShapeError(
            explain(
                "clip_by_value",
                "a bound has more elements than t",
                {"t": x.spec, "result": out.spec},
            )
        )
    return out


def clip_by_norm(
    t: TensorLike, clip_norm: TensorLike, axes: Any = None, name: str | None = None
) -> Tensor:
    """t, scaled down so that its L2 norm over axes is at most clip_norm; the values of
    IndexedSlices, rows of equal index each by themselves.

    Example:
      >>> nf.clip_by_norm([3.0, 4.0], 1.0).numpy().tolist() == [np.float32(0.6), np.float32(0.8)]
      True
    """
    if isinstance(t, IndexedSlices):
        return t.map(lambda rows: clip_by_norm(rows, clip_norm, axes))  # type: ignore[return-value]
    x = as_tensor(t, None, "clip_by_norm", "t")
    square = reductions.reduce_sum(maths.square(x), axes, keepdims=True)
    positive = square > 0  # sqrt has no gradient at 0
    norm = selections.where(
        positive, maths.sqrt(selections.where(positive, square, shaping.ones_like(square))), square
    )
    return x * clip_norm / maths.maximum(norm, clip_norm)


def global_norm(t_list: Sequence[Any], name: str | None = None) -> Tensor:
    """The L2 norm of all elements of all tensors; None is left out.

    Of IndexedSlices the values count, rows of equal index each by themselves, as in TensorFlow.

    Example:
      >>> nf.linalg.global_norm([[3.0], None, [[4.0]]]).numpy().item()
      5.0
    """
    tensors = [t.values if isinstance(t, IndexedSlices) else t for t in _present(t_list)]
    squares = [reductions.reduce_sum(maths.square(t)) for t in tensors if t is not None]
    return maths.sqrt(sums.add_n(squares))


def _present(t_list: Sequence[Any]) -> list[Gradient | None]:
    return [
        t
        if t is None or isinstance(t, IndexedSlices)
        else as_tensor(t, None, "global_norm", f"t_list[{k}]")
        for k, t in enumerate(plain.items(t_list, "global_norm", "t_list"))
    ]


def clip_by_global_norm(
    t_list: Sequence[Any],
    clip_norm: TensorLike,
    use_norm: TensorLike = None,
    name: str | None = None,
) -> tuple[list[Any], Tensor]:
    """All tensors, scaled down together to a global norm of at most clip_norm; and that norm.

    Args:
      t_list: tensors; None stays None, and IndexedSlices stay sparse.
      clip_norm: the greatest norm allowed.
      use_norm: the global norm, if known already.

    Returns:
      The scaled tensors, and their global norm before; all nan where it is infinite or nan.

    Example:
      >>> clipped, norm = nf.clip_by_global_norm([[3.0], [4.0]], 2.5)
      >>> [t.numpy().tolist() for t in clipped], norm.numpy().item()
      ([[1.5], [2.0]], 5.0)

    Source: Pascanu et al. 2012, "On the difficulty of training Recurrent Neural Networks",
    algorithm 1.
    """
    tensors = _present(t_list)
    norm = global_norm(tensors) if use_norm is None else as_tensor(use_norm)
    limit = as_tensor(clip_norm, norm.dtype, "clip_by_global_norm", "clip_norm")
    # norm - norm: nan where the norm is not finite, so that a broken step shows
    scale = limit * maths.minimum(1 / norm, 1 / limit) + (norm - norm)
    return [None if t is None else t * maths.cast(scale, t.dtype) for t in tensors], norm
