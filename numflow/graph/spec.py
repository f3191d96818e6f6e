"""What is known of a value before it exists: its shape and dtype."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from numflow import dtypes, shapes


@dataclass(frozen=True, slots=True)
class Spec:
    """Shape (sizes that may be symbolic) and dtype of a value."""

    shape: shapes.Shape
    dtype: dtypes.DType

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> shapes.Extent:
        """Number of elements."""
        return shapes.product(self.shape)

    @property
    def known(self) -> bool:
        """Whether every size is an int."""
        return shapes.known(self.shape)

    def symbols(self) -> set[str]:
        return set().union(*(shapes.symbols(n) for n in self.shape))

    def __str__(self) -> str:
        return f"{self.dtype.name} [{', '.join(map(str, self.shape))}]"


def spec_of(array: np.ndarray[Any, Any]) -> Spec:
    """The spec of a NumPy array."""
    return Spec(array.shape, dtypes.from_numpy(array.dtype))


def as_shape(sizes: Iterable[Any]) -> shapes.Shape:
    """A tuple of sizes, of ints, Sizes or Dims.

    Raises:
      TypeError: one of them is not an integer.
    """
    return tuple(shapes.as_extent(n) for n in sizes)
