"""RaggedTensorSpec: what a ragged tensor must be."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.type_spec import TypeSpec
from numflow.ragged.tensor import RaggedTensor
from numflow.tensor_shape import TensorShape
from numflow.trace.tensor_spec import TensorSpec


class RaggedTensorSpec(TypeSpec):
    """What a RaggedTensor must be.

    Args:
      shape: sizes, None where they are open or differ by row.
      dtype: of the values.
      ragged_rank: how many axes are ragged; default all but the first.
      row_splits_dtype: int32 or int64.
      flat_values_spec: instead of dtype: the spec of the flat values.

    Raises:
      ValueError: neither shape nor ragged_rank is given; or they do not fit.

    Example:
      >>> spec = nf.RaggedTensorSpec([None, None], nf.int32)
      >>> spec.is_compatible_with(nf.ragged.constant([[1, 2], [3]]))
      True
    """

    __slots__ = ("_flat_values_spec", "_ragged_rank", "_row_splits_dtype", "_shape", "dtype")

    def __init__(
        self,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        ragged_rank: int | None = None,
        row_splits_dtype: Any = dtypes.int64,
        flat_values_spec: TensorSpec | None = None,
    ) -> None:
        op = "RaggedTensorSpec"
        self._shape = TensorShape(shape)
        if flat_values_spec is not None:
            dtype = flat_values_spec.dtype
        self._flat_values_spec = flat_values_spec
        self.dtype = dtypes.as_dtype(dtype)
        self._row_splits_dtype = dtypes.as_dtype(row_splits_dtype)
        if self._row_splits_dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError(explain(op, "row_splits_dtype is int32 or int64"))
        rank = self._shape.rank
        if ragged_rank is None:
            if rank is None:
                raise ValueError(explain(op, "it needs a shape or a ragged_rank"))
            ragged_rank = rank - 1
        if ragged_rank < 0 or (rank is not None and ragged_rank >= rank):
            shown = {"shape": self._shape, "ragged_rank": ragged_rank}
            raise ShapeError(explain(op, "ragged_rank is below the number of axes", shown))
        self._ragged_rank = int(ragged_rank)

    @staticmethod
    def from_value(value: RaggedTensor) -> RaggedTensorSpec:
        """The spec of a ragged tensor."""
        kind = value.row_splits.dtype
        return RaggedTensorSpec(value.shape, value.dtype, value.ragged_rank, kind)

    @property
    def shape(self) -> TensorShape:
        """The sizes, None where they are open."""
        return self._shape

    @property
    def ragged_rank(self) -> int:
        """How many axes are ragged."""
        return self._ragged_rank

    @property
    def row_splits_dtype(self) -> dtypes.DType:
        """Of the row_splits."""
        return self._row_splits_dtype

    @property
    def flat_values_spec(self) -> TensorSpec | None:
        """What was given."""
        return self._flat_values_spec

    @property
    def value_type(self) -> type[Any]:
        return RaggedTensor

    def _parts(self) -> tuple[Any, ...]:
        sizes = self._shape.rank is not None and tuple(self._shape.as_list())
        return sizes, self.dtype, self._ragged_rank, self._row_splits_dtype

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether a ragged tensor or a spec is of this kind, and of a shape that fits."""
        other = spec_or_value
        if isinstance(other, RaggedTensor):
            other = RaggedTensorSpec.from_value(other)
        return (
            isinstance(other, RaggedTensorSpec)
            and self._parts()[1:] == other._parts()[1:]
            and self._shape.is_compatible_with(other.shape)
        )

    def most_specific_compatible_type(self, other: Any) -> RaggedTensorSpec:
        """The spec of which this one and other are cases.

        Raises:
          ValueError: they differ in more than sizes.
        """
        if not isinstance(other, RaggedTensorSpec) or self._parts()[1:] != other._parts()[1:]:
            raise ValueError(f"No TypeSpec is compatible with both {self!r} and {other!r}")
        shape = self._shape.most_specific_compatible_shape(other.shape)
        return RaggedTensorSpec(shape, self.dtype, self._ragged_rank, self._row_splits_dtype)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RaggedTensorSpec) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        parts = f"{self._shape!r}, {self.dtype!r}, {self._ragged_rank}, {self._row_splits_dtype!r}"
        return f"RaggedTensorSpec({parts})"
