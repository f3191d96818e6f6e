"""Dropout, of the global seed; random_dropout.py has its twins.

Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.op import composites_too
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import math as maths
from numflow.ops import random as draws
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_ints


@composites_too
def dropout(
    x: TensorLike,
    rate: Any,
    noise_shape: Any = None,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """x with elements set to 0 at random, the others divided by 1 - rate.

    Args:
      x: floating [...].
      rate: the probability of a 0, in [0, 1); a number or scalar tensor.
      noise_shape: sizes that broadcast to x's: where one is 1, elements fall together.
      seed: of this op; see nf.random.set_seed.

    Returns:
      dtype and shape of x; x itself at rate 0.

    Raises:
      ValueError: rate is not in [0, 1).
      DTypeError: x is not floating.

    Example:
      >>> nf.nn.dropout([1.0, 2.0], 0.0).numpy().tolist()
      [1.0, 2.0]

    Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting".
    """
    return by_sampler(
        "dropout", x, rate, noise_shape, lambda shape: draws.uniform(shape, seed=seed)
    )


def by_sampler(
    op: str, x: TensorLike, rate: Any, noise_shape: Any, sample: Callable[[Any], Tensor]
) -> Tensor:
    """Dropout by the numbers that sample(sizes) gives, uniform in [0, 1)."""
    value = as_tensor(x, None, op, "x")
    if not value.dtype.is_floating:
        raise DTypeError(explain(op, f"x is {value.dtype.name}, not floating", {"x": value.spec}))
    if isinstance(rate, int | float) and not 0 <= rate < 1:
        raise ValueError(explain(op, f"rate is {rate}, not in [0, 1)"))
    if isinstance(rate, int | float) and rate == 0:
        return value
    sizes = value.spec.shape if noise_shape is None else _noise_shape(op, noise_shape, value)
    share = as_tensor(rate, None, op, "rate")
    drawn = sample(sizes)
    kept = drawn >= maths.cast(share, drawn.dtype)
    scaled = value * (1 / (1 - maths.cast(share, value.dtype)))
    return selections.where(kept, scaled, shaping.zeros_like(value))


def _noise_shape(op: str, noise_shape: Any, value: Tensor) -> tuple[Any, ...]:
    """noise_shape, with value's sizes where it says None or -1."""
    if isinstance(noise_shape, list | tuple):
        noise_shape = [-1 if n is None else n for n in noise_shape]
    given = list(static_ints(noise_shape, op, "noise_shape"))
    if len(given) != value.spec.rank:
        shown = {"x": value.spec, "noise_shape": given}
        raise ShapeError(explain(op, f"noise_shape needs {value.spec.rank} sizes", shown))
    return tuple(
        want if isinstance(n, int) and n == -1 else n
        for n, want in zip(given, value.spec.shape, strict=True)
    )
