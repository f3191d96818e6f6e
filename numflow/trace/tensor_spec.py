"""TensorSpec: shape and dtype as users write them, with None for sizes that are left open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.graph.indexed_slices import IndexedSlices, IndexedSlicesSpec
from numflow.graph.tensor import Tensor
from numflow.graph.type_spec import TypeSpec
from numflow.ops.convert import as_tensor
from numflow.shapes import Size
from numflow.tensor_shape import TensorShape


class TensorSpec(TypeSpec):
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
    def shape(self) -> TensorShape:
        """The sizes, None among them for open ones; TensorShape(None) if the rank is open too."""
        return TensorShape(self.sizes)

    @property
    def value_type(self) -> type[Tensor]:
        return Tensor

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
        if getattr(shape, "dims", shape) is None:
            return False
        sizes = tuple(shape)  # type: ignore[arg-type]
        return len(sizes) == len(self.sizes) and all(
            want is None or want == n for want, n in zip(self.sizes, sizes, strict=True)
        )

    def is_subtype_of(self, other: Any) -> bool:
        """Whether whatever fits this spec fits other too; a name makes it narrower."""
        return (
            isinstance(other, TensorSpec)
            and self.dtype is other.dtype
            and self.shape.is_subtype_of(other.shape)
            and (self.name is None or self.name == other.name)
        )

    def most_specific_compatible_type(self, other: Any) -> TensorSpec:
        """The spec of which this one and other are cases: sizes in which they differ are open.

        Raises:
          ValueError: the dtypes differ, or other is no TensorSpec.

        Example:
          >>> nf.TensorSpec([2, 3]).most_specific_compatible_type(nf.TensorSpec([2, 5])).shape
          TensorShape([2, None])
        """
        if not isinstance(other, TensorSpec) or other.dtype is not self.dtype:
            raise ValueError(f"No TypeSpec is compatible with both {self!r} and {other!r}")
        shape = self.shape.most_specific_compatible_shape(other.shape)
        return TensorSpec(shape, self.dtype, self.name if self.name == other.name else None)

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
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype!r}, name={self.name!r})"


def _size(n: Any) -> int | None:
    n = getattr(n, "value", n)  # a Dimension of TensorFlow 1
    if n is None or isinstance(n, Size) or n == -1:
        return None
    if not hasattr(n, "__index__"):
        raise TypeError(f"a size must be an integer or None, not {n!r}")
    return int(n)


def type_spec_from_value(value: Any) -> TypeSpec:
    """The spec of a tensor, variable, array, number, list of them, or IndexedSlices.

    Raises:
      TypeError: value is none of these.

    Example:
      >>> nf.type_spec_from_value([1.5, 2.5])
      TensorSpec(shape=(2,), dtype=nf.float32, name=None)
    """
    if isinstance(value, IndexedSlices):
        return IndexedSlicesSpec.of(value)
    if not isinstance(value, Tensor):
        try:
            value = as_tensor(value)
        except (TypeError, ValueError):
            kind = type(value)
            problem = f"Could not build a TypeSpec for {value!r} of unsupported type {kind}."
            raise TypeError(problem) from None
    return TensorSpec.from_tensor(value)
