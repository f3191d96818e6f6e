"""TensorSpec: shape and dtype as users write them, with None for sizes that are left open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.shapes import Size
from numflow.tensor_shape import TensorShape


class TensorSpec:
    """What a tensor must be: `shape` (None, or sizes with None where any will do) and `dtype`.

    Example:
      >>> spec = nf.TensorSpec([None, 3], nf.float32)
      >>> spec.is_compatible_with(nf.zeros([5, 3])), spec.is_compatible_with(nf.zeros([5, 2]))
      (True, False)
    """

    __slots__ = ("dtype", "name", "sizes")

    def __init__(
        self,
        shape: Iterable[Any] | None = None,
        dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> None:
        dims = getattr(shape, "dims", shape)
        self.sizes: tuple[int | None, ...] | None = (
            None if dims is None else tuple(map(_size, dims))
        )
        self.dtype = dtypes.as_dtype(dtype)
        self.name = name

    @property
    def shape(self) -> TensorShape | None:
        """The sizes, None among them for open ones; None if the rank is open too."""
        return None if self.sizes is None else TensorShape(self.sizes)

    @staticmethod
    def from_spec(spec: TensorSpec, name: str | None = None) -> TensorSpec:
        """The same under another name."""
        return TensorSpec(spec.sizes, spec.dtype, name or spec.name)

    @staticmethod
    def from_tensor(tensor: Any, name: str | None = None) -> TensorSpec:
        """The spec of a tensor."""
        return TensorSpec(tensor.shape, tensor.dtype, name)

    def is_compatible_with(self, spec_or_tensor: Any) -> bool:
        """Whether a tensor, array or spec is of this dtype, and of a shape that fits."""
        value = spec_or_tensor if hasattr(spec_or_tensor, "dtype") else np.asarray(spec_or_tensor)
        return dtypes.as_dtype(value.dtype) is self.dtype and self.fits(value.shape)

    def fits(self, shape: Iterable[Any] | None) -> bool:
        """Whether a shape is as open or closed as this one allows."""
        if self.sizes is None:
            return True
        if shape is None:
            return False
        sizes = tuple(shape)
        return len(sizes) == len(self.sizes) and all(
            want is None or want == n for want, n in zip(self.sizes, sizes, strict=True)
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TensorSpec)
            and self.sizes == other.sizes
            and self.dtype is other.dtype
            and self.name == other.name
        )

    def __hash__(self) -> int:
        return hash((self.sizes, self.dtype))

    def __repr__(self) -> str:
        shape = None if self.sizes is None else TensorShape(self.sizes)
        return f"TensorSpec(shape={shape}, dtype={self.dtype!r}, name={self.name!r})"


def _size(n: Any) -> int | None:
    n = getattr(n, "value", n)  # a Dimension of TensorFlow 1
    if n is None or isinstance(n, Size) or n == -1:
        return None
    return int(n)
