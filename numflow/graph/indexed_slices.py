"""IndexedSlices: some rows of a large tensor, and where they belong. The rest of it is 0.

The gradient of a gather from a variable is one: its size follows the number of rows that were
looked up, not that of the table. What makes it dense, and its operators, are bound by
ops/indexed_slices.py, as those of tensors are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from numflow import dtypes
from numflow.errors import ArgumentError, explain
from numflow.graph.spec import Spec, as_shape
from numflow.graph.tensor import Operators, Tensor
from numflow.graph.type_spec import TypeSpec
from numflow.shapes import Shape, as_size
from numflow.tensor_shape import TensorShape

#: Classes whose objects are made of tensors, as arguments and results of functions: the names of
#: these. `_opened` gives (what else such an object is made of, the tensors), `_closed` makes it
#: of them again.
COMPOSITES: dict[type, tuple[str, ...]] = {}


class IndexedSlices(Operators):
    """dense[indices[i], ...] = values[i, ...]; rows of equal index add up, all others are 0.

    Args:
      values: a tensor [n, ...].
      indices: an integer tensor [n].
      dense_shape: integers, the shape of the dense tensor, where it is known.

    Example:
      >>> g = nf.IndexedSlices(nf.constant([[1.0], [2.0]]), nf.constant([2, 0]), [3, 1])
      >>> nf.convert_to_tensor(g).numpy().tolist()
      [[2.0], [0.0], [1.0]]
    """

    __slots__ = ("__weakref__", "_dense_shape", "_indices", "_static", "_values")
    __array_priority__ = 100  # NumPy arrays on the left leave operators to us

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self._values, self._indices = values, indices
        self._dense_shape = dense_shape
        self._static: Shape | None = None

    @classmethod
    def of(cls, values: Tensor, indices: Tensor, shape: Shape) -> IndexedSlices:
        """Slices of a dense tensor whose shape is known."""
        made = cls(values, indices)
        made._static = shape
        return made

    def map(self, change: Callable[[Tensor], Tensor]) -> IndexedSlices:
        """The slices with other values at the same places."""
        made = IndexedSlices(change(self._values), self._indices, self._dense_shape)
        made._static = self._static
        return made

    def _opened(self) -> tuple[Any, tuple[Any, ...]]:
        return self.static_shape, (self._values, self._indices)

    @classmethod
    def _closed(cls, shape: Any, parts: Sequence[Any]) -> IndexedSlices:
        values, indices = parts
        return cls(values, indices) if shape is None else cls.of(values, indices, shape)

    if TYPE_CHECKING:  # bound by ops/indexed_slices.py

        def _as_tensor(self) -> Tensor: ...
        def _shape_tensor(self) -> Tensor: ...

    @property
    def values(self) -> Tensor:
        """The rows, [n, ...]."""
        return self._values  # type: ignore[no-any-return]

    @property
    def indices(self) -> Tensor:
        """Where each row belongs, [n]."""
        return self._indices  # type: ignore[no-any-return]

    @property
    def dense_shape(self) -> Tensor | None:
        """The shape of the dense tensor, int32 [axes], or None."""
        if self._dense_shape is None and self._static is not None:
            return self._shape_tensor()
        return self._dense_shape  # type: ignore[no-any-return]

    @property
    def static_shape(self) -> Shape | None:
        """The shape of the dense tensor, as far as it is known without running anything."""
        if self._static is None and self._dense_shape is not None:
            self._static = _static(self._dense_shape)
        return self._static

    @property
    def shape(self) -> TensorShape:
        """The shape of the dense tensor."""
        known = self.static_shape
        return TensorShape(None if known is None else map(as_size, known))

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self.shape

    @property
    def spec(self) -> Spec:
        """Shape and dtype of the dense tensor.

        Raises:
          ValueError: its shape is not known.
        """
        known = self.static_shape
        if known is None:
            raise ValueError("IndexedSlices: the dense shape is not known: give dense_shape")
        return Spec(known, self.dtype)

    @property
    def dtype(self) -> dtypes.DType:
        found = getattr(self._values, "dtype", None)
        if found is None:
            problem = f"values must be a tensor, not {type(self._values).__name__}"
            raise ArgumentError(explain("IndexedSlices", problem))
        return dtypes.as_dtype(found)

    @property
    def name(self) -> str:
        """The name of `values`."""
        return self._values.name  # type: ignore[no-any-return]

    @property
    def device(self) -> str:
        """The device of `values`."""
        return self._values.device  # type: ignore[no-any-return]

    @property
    def op(self) -> Any:
        """The operation that makes `values`."""
        return self._values.op

    @property
    def graph(self) -> Any:
        """The graph of `values`."""
        return self._values.graph

    def consumers(self) -> Any:
        """Who reads `values`."""
        return self._values.consumers()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self._as_tensor().__array__(dtype, copy)

    def __bool__(self) -> bool:
        return True  # an object, as in TensorFlow; not its elements

    def __len__(self) -> int:
        return int(self.spec.shape[0])  # type: ignore[arg-type]

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __str__(self) -> str:
        shape = self.dense_shape
        tail = "" if shape is None else f", dense_shape={shape!s}"
        return f"IndexedSlices(indices={self._indices!s}, values={self._values!s}{tail})"

    __repr__ = __str__


def _static(shape: Any) -> Shape | None:
    """The sizes in a shape argument; None where they are decided at run time."""
    if shape is None:
        return None
    if isinstance(shape, Tensor):
        content = getattr(shape, "content", None)
        if content is None:
            if not hasattr(shape, "_array"):
                return None
            content = np.asarray(shape)
            if content.dtype.kind not in "iu":
                problem = f"dense_shape is {shape.dtype.name}, not integers"
                raise ArgumentError(explain("IndexedSlices", problem))
        return as_shape(n if not isinstance(n, np.generic) else int(n) for n in content.reshape(-1))
    if hasattr(shape, "dims"):
        shape = shape.dims
    try:
        if shape is None or any(n is None for n in shape):
            return None
        return as_shape(shape)
    except TypeError:
        problem = f"dense_shape must be integers, not {shape!r}"
        raise ArgumentError(explain("IndexedSlices", problem)) from None


COMPOSITES[IndexedSlices] = ("_values", "_indices", "_dense_shape")


class IndexedSlicesSpec(TypeSpec):
    """What an IndexedSlices must be.

    Args:
      shape: of the dense tensor; None leaves it open.
      dtype: of the values.
      indices_dtype: of the indices.
      dense_shape_dtype: of `dense_shape`; None: there is none.
      indices_shape: of the indices.

    Example:
      >>> nf.IndexedSlicesSpec([3, 2])
      IndexedSlicesSpec(TensorShape([3, 2]), nf.float32, nf.int64, None, TensorShape([None]))
    """

    __slots__ = ("_dense_shape_dtype", "_indices_dtype", "_indices_shape", "_shape",
                 "_values_dtype")  # fmt: skip

    def __init__(
        self,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        indices_dtype: Any = dtypes.int64,
        dense_shape_dtype: Any = None,
        indices_shape: Any = None,
    ) -> None:
        self._shape = TensorShape(shape)
        self._values_dtype = dtypes.as_dtype(dtype)
        self._indices_dtype = dtypes.as_dtype(indices_dtype)
        self._dense_shape_dtype = (
            None if dense_shape_dtype is None else dtypes.as_dtype(dense_shape_dtype)
        )
        self._indices_shape = TensorShape([None] if indices_shape is None else indices_shape)

    @property
    def value_type(self) -> type[IndexedSlices]:
        return IndexedSlices

    @staticmethod
    def of(value: IndexedSlices) -> IndexedSlicesSpec:
        """The spec of a value."""
        known = value.static_shape
        return IndexedSlicesSpec(
            None if known is None else value.shape,
            value.dtype,
            value.indices.dtype,
            None if known is None else dtypes.int32,
            value.indices.shape,
        )

    def _parts(self) -> tuple[Any, ...]:
        return (
            self._shape,
            self._values_dtype,
            self._indices_dtype,
            self._dense_shape_dtype,
            self._indices_shape,
        )

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether a spec or an IndexedSlices has these dtypes, and shapes that fit."""
        other = spec_or_value
        if isinstance(other, IndexedSlices):
            other = IndexedSlicesSpec.of(other)
        if not isinstance(other, IndexedSlicesSpec):
            return False
        mine, theirs = self._parts(), other._parts()
        return (
            mine[1:4] == theirs[1:4]
            and _fits(self._shape, other._shape)
            and _fits(self._indices_shape, other._indices_shape)
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IndexedSlicesSpec) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        shape, values, indices, dense, rows = self._parts()
        return f"IndexedSlicesSpec({shape!r}, {values!r}, {indices!r}, {dense!r}, {rows!r})"


def _fits(want: TensorShape, have: TensorShape) -> bool:
    """Whether two shapes agree wherever both are known."""
    if want.rank is None or have.rank is None:
        return True
    pairs = zip(want, have, strict=False)
    return want.rank == have.rank and all(a is None or b is None or a == b for a, b in pairs)
