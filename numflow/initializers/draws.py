"""First values that are drawn from one distribution, whatever the shape."""

from __future__ import annotations

from typing import Any

from numflow import dtypes, random
from numflow.graph.tensor import Tensor
from numflow.initializers.base import Initializer, wanted
from numflow.shapes import Shape


def _seeds(seed: Any) -> list[int]:
    """A stateless seed: the same numbers at every call."""
    return [int(seed), 0]


def draw_normal(shape: Shape, mean: Any, stddev: Any, want: dtypes.DType, seed: Any) -> Tensor:
    if seed is None:
        return random.normal(shape, mean, stddev, want)
    return random.stateless_normal(shape, _seeds(seed), mean, stddev, want)


def draw_truncated(shape: Shape, mean: Any, stddev: Any, want: dtypes.DType, seed: Any) -> Tensor:
    if seed is None:
        return random.truncated_normal(shape, mean, stddev, want)
    return random.stateless_truncated_normal(shape, _seeds(seed), mean, stddev, want)


def draw_uniform(shape: Shape, low: Any, high: Any, want: dtypes.DType, seed: Any) -> Tensor:
    if seed is None:
        return random.uniform(shape, low, high, want)
    return random.stateless_uniform(shape, _seeds(seed), low, high, want)


class RandomNormal(Initializer):
    """Normal random numbers.

    Args:
      mean, stddev: of the distribution.
      seed: an integer, for the same numbers at every call.

    Example:
      >>> f = nf.random_normal_initializer(seed=1)
      >>> bool(nf.reduce_all(f([3]) == f([3])))
      True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = wanted("random_normal_initializer", shape, dtype, kwargs)
        return draw_normal(sizes, self.mean, self.stddev, want, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class TruncatedNormal(Initializer):
    """Normal random numbers, drawn anew where they are more than two stddev from the mean.

    Args:
      mean, stddev: of the distribution before it is cut.
      seed: an integer, for the same numbers at every call.

    Example:
      >>> x = nf.initializers.TruncatedNormal(stddev=1.0)([1000])
      >>> bool(nf.reduce_all(nf.abs(x) <= 2.0))
      True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = wanted("truncated_normal_initializer", shape, dtype, kwargs)
        return draw_truncated(sizes, self.mean, self.stddev, want, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class RandomUniform(Initializer):
    """Random numbers from [minval, maxval), of integers too.

    Args:
      minval, maxval: the ends.
      seed: an integer, for the same numbers at every call.

    Example:
      >>> x = nf.random_uniform_initializer(2.0, 3.0)([1000])
      >>> bool(nf.reduce_all((x >= 2.0) & (x < 3.0)))
      True
    """

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        sizes, want = wanted("random_uniform_initializer", shape, dtype, kwargs, "if")
        return draw_uniform(sizes, self.minval, self.maxval, want, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}
