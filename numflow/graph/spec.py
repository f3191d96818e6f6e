"""What is known of a value before it exists: its shape and dtype."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from numflow import dtypes, shapes


class Spec:
    """Shape (sizes that may be symbolic) and dtype of a value. Never changed once made."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: shapes.Shape, dtype: dtypes.DType) -> None:
        self.shape, self.dtype = shape, dtype

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spec):
            return NotImplemented
        return self.dtype is other.dtype and self.shape == other.shape

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"Spec(shape={self.shape!r}, dtype={self.dtype!r})"

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
