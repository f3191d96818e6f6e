"""Dropout of a seed alone, and by any sampler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import dropout as dropouts
from numflow.ops import random_stateless as stateless
from numflow.ops.convert import as_tensor


def stateless_dropout(
    x: TensorLike,
    rate: Any,
    seed: Any,
    rng_alg: Any = None,
    noise_shape: Any = None,
    name: str | None = None,
) -> Tensor:
    """As dropout, but what falls depends on seed (two integers) alone.

    Args:
      rng_alg: "philox" or "auto_select", which are the same. Default: "auto_select".

    Example:
      >>> x = nf.ones([8])
      >>> a, b = (nf.nn.experimental.stateless_dropout(x, 0.5, [1, 2]) for _ in range(2))
      >>> bool(nf.reduce_all(a == b))
      True
    """
    alg = "auto_select" if rng_alg is None else rng_alg

    def sample(shape: Any) -> Tensor:
        return stateless.stateless_uniform(shape, seed, alg=alg)

    return dropouts.by_sampler("stateless_dropout", x, rate, noise_shape, sample)


def general_dropout(
    x: TensorLike,
    rate: Any,
    uniform_sampler: Callable[..., Tensor],
    noise_shape: Any = None,
    name: str | None = None,
) -> Tensor:
    """As dropout, by the numbers of a sampler.

    Args:
      uniform_sampler: called with shape=sizes and dtype=x's; gives numbers in [0, 1), as a
        Generator's `uniform` does.

    Example:
      >>> sampler = nf.random.Generator.from_seed(7).uniform
      >>> nf.nn.experimental.general_dropout(nf.ones([8]), 0.5, sampler).shape
      TensorShape([8])
    """
    value = as_tensor(x, None, "general_dropout", "x")

    def sample(shape: Any) -> Tensor:
        return uniform_sampler(shape=shape, dtype=value.dtype)

    return dropouts.by_sampler("general_dropout", value, rate, noise_shape, sample)
