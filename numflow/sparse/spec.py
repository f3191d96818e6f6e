"""SparseTensorSpec: what a sparse tensor must be."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.graph.type_spec import TypeSpec
from numflow.sparse.tensor import SparseTensor
from numflow.tensor_shape import TensorShape


class SparseTensorSpec(TypeSpec):
    """What a SparseTensor must be: `shape`, None where sizes are open, and `dtype`.

    Example:
      >>> spec = nf.SparseTensorSpec([None, 4], nf.float32)
      >>> spec.is_compatible_with(nf.SparseTensor([[0, 1]], [2.0], [3, 4]))
      True
    """

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: Any = None, dtype: Any = dtypes.float32) -> None:
        self.shape, self.dtype = TensorShape(shape), dtypes.as_dtype(dtype)

    @staticmethod
    def from_value(value: SparseTensor) -> SparseTensorSpec:
        """The spec of a sparse tensor."""
        return SparseTensorSpec(value.shape, value.dtype)

    @property
    def value_type(self) -> type[Any]:
        return SparseTensor

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether a sparse tensor or a spec is of this dtype, and of a shape that fits."""
        other = spec_or_value
        if not isinstance(other, SparseTensor | SparseTensorSpec):
            return False
        return other.dtype is self.dtype and self.shape.is_compatible_with(other.shape)

    def most_specific_compatible_type(self, other: Any) -> SparseTensorSpec:
        """The spec of which this one and other are cases.

        Raises:
          ValueError: the dtypes differ.
        """
        if not isinstance(other, SparseTensorSpec) or other.dtype is not self.dtype:
            raise ValueError(f"No TypeSpec is compatible with both {self!r} and {other!r}")
        shape = self.shape.most_specific_compatible_shape(other.shape)
        return SparseTensorSpec(shape, self.dtype)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SparseTensorSpec)
            and self.dtype is other.dtype
            and repr(self.shape) == repr(other.shape)
        )

    def __hash__(self) -> int:
        return hash((repr(self.shape), self.dtype))

    def __repr__(self) -> str:
        return f"SparseTensorSpec({self.shape!r}, {self.dtype!r})"
