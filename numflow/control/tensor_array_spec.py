"""TensorArraySpec: what a TensorArray must be."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.control.tensor_array import TensorArray
from numflow.graph.type_spec import TypeSpec
from numflow.tensor_shape import TensorShape


class TensorArraySpec(TypeSpec):
    """What a TensorArray must be.

    Args:
      element_shape, dtype, dynamic_size, infer_shape: as of the array.

    Example:
      >>> spec = nf.TensorArraySpec(element_shape=[3], dtype=nf.float32)
      >>> spec.is_compatible_with(nf.TensorArray(nf.float32, 2, element_shape=[3]))
      True
    """

    __slots__ = ("dtype", "dynamic_size", "element_shape", "infer_shape")

    def __init__(
        self,
        element_shape: Any = None,
        dtype: Any = dtypes.float32,
        dynamic_size: bool = False,
        infer_shape: bool = True,
    ) -> None:
        self.element_shape = TensorShape(element_shape)
        self.dtype = dtypes.as_dtype(dtype)
        self.dynamic_size, self.infer_shape = bool(dynamic_size), bool(infer_shape)

    @property
    def value_type(self) -> type[Any]:
        return TensorArray

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        other = spec_or_value
        return (
            isinstance(other, TensorArray | TensorArraySpec)
            and other.dtype is self.dtype
            and other.dynamic_size == self.dynamic_size
            and self.element_shape.is_compatible_with(other.element_shape)
        )

    def most_specific_compatible_type(self, other: Any) -> Any:
        if not self.is_compatible_with(other):
            raise ValueError(f"{self!r} and {other!r} have nothing in common")
        shape = self.element_shape.most_specific_compatible_shape(other.element_shape)
        return TensorArraySpec(shape, self.dtype, self.dynamic_size, self.infer_shape)

    @staticmethod
    def from_value(value: TensorArray) -> TensorArraySpec:
        """The spec of an array."""
        return TensorArraySpec(
            value.element_shape, value.dtype, value.dynamic_size, infer_shape=True
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorArraySpec) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return (
            f"TensorArraySpec({self.element_shape!r}, {self.dtype!r}, "
            f"{self.dynamic_size}, {self.infer_shape})"
        )
