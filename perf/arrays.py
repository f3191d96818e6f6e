"""How workloads draw their data and their first weights. NumPy only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def normal(rng: np.random.Generator, *shape: int, std: float = 1.0) -> Array:
    """float32 normal numbers [*shape] with deviation std."""
    return (rng.standard_normal(shape) * std).astype(np.float32)


def he(rng: np.random.Generator, *shape: int) -> Array:
    """Weights [*inputs, outputs] by He et al. 2015, "Delving Deep into Rectifiers", equation 10."""
    return normal(rng, *shape, std=(2 / np.prod(shape[:-1])) ** 0.5)


def zeros(*shape: int) -> Array:
    """float32 zeros [*shape]."""
    return np.zeros(shape, np.float32)


def ones(*shape: int) -> Array:
    """float32 ones [*shape]."""
    return np.ones(shape, np.float32)
