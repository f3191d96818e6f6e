"""RaggedTensor: rows of different lengths, kept as one tensor of values and where each row ends.

    [[1, 2], [], [3]]    values [1, 2, 3]    row_splits [0, 2, 2, 3]

Row i is values[row_splits[i]:row_splits[i + 1]]. The values may be ragged again. Everything is made
of ordinary ops, so that ragged tensors work in traced functions, and have gradients through their
values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.building import SymbolicTensor
from numflow.graph.indexed_slices import COMPOSITES
from numflow.graph.op import CompositeGiven
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import (
    creation,
    joining,
    plain,
    rearrange,
    run_time,
    segments,
)
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.ragged import padded
from numflow.ragged.partition import check, even_splits, partition, splits_of
from numflow.ragged.sizeless import RaggedSpec
from numflow.tensor_shape import TensorShape


def rows_of(values: Any) -> Tensor:
    """How many rows a tensor or ragged tensor has: an int64 scalar."""
    if isinstance(values, RaggedTensor):
        return maths.cast(values.nrows(), dtypes.int64)
    return shaping.size_tensor(values.spec.shape[0], dtypes.int64)


def components(values: Any) -> Any:
    """values as a tensor of at least one axis, or the ragged tensor that it is."""
    if isinstance(values, RaggedTensor):
        return values
    x = as_tensor(values, None, "RaggedTensor", "values")
    if not x.spec.rank:
        problem = "values is a scalar: it needs an axis of rows"
        raise ShapeError(explain("RaggedTensor", problem, {"values": x.spec}))
    return x


class RaggedTensor:
    """A tensor with an axis whose rows differ in length.

    Made by `from_row_splits` and its kin, by `nf.ragged.constant`, and by functions such as
    `nf.strings.split`; the constructor is not for users.

    Example:
      >>> nf.RaggedTensor.from_row_lengths([1, 2, 3], [2, 0, 1])
      <nf.RaggedTensor [[1, 2], [], [3]]>
    """

    __slots__ = ("__weakref__", "_splits", "_values")
    __array_priority__ = 100  # NumPy arrays on the left leave operators to us

    def __init__(self, values: Any, row_partition: Any, internal: bool = False) -> None:
        if not internal:
            problem = "the constructor is private; use RaggedTensor.from_row_splits and its kin"
            raise ValueError(problem)
        self._values, self._splits = values, row_partition

    # --- made of rows ----------------------------------------------------------------

    @classmethod
    def from_row_splits(
        cls,
        values: Any,
        row_splits: TensorLike,
        name: str | None = None,
        validate: bool = True,
    ) -> RaggedTensor:
        """Row i is values[row_splits[i]:row_splits[i + 1]].

        Args:
          values: a tensor [n, ...], or a ragged tensor.
          row_splits: int32 or int64 [rows + 1], from 0, never falling, to n.
          validate: check that it is so; in a traced function when it runs.

        Raises:
          InvalidArgumentError: row_splits is none.

        Example:
          >>> nf.RaggedTensor.from_row_splits([3, 1, 4], [0, 2, 3])
          <nf.RaggedTensor [[3, 1], [4]]>
        """
        op = "RaggedTensor.from_row_splits"
        inner = components(values)
        splits = partition(op, row_splits, "row_splits")
        if splits.spec.shape[0] == 0:
            raise ShapeError(explain(op, "row_splits is empty; it holds at least a 0"))
        if plain.flag(validate, op, "validate"):
            check(splits[0] == 0, op, "row_splits must begin with 0", splits)
            rises = reductions.reduce_all(splits[1:] >= splits[:-1])
            check(rises, op, "row_splits must not fall", splits)
            total = maths.cast(rows_of(inner), splits.dtype)
            check(splits[-1] == total, op, "row_splits must end with the rows of values", splits)
        return cls(inner, splits, internal=True)

    @classmethod
    def from_row_lengths(
        cls,
        values: Any,
        row_lengths: TensorLike,
        name: str | None = None,
        validate: bool = True,
    ) -> RaggedTensor:
        """Row i takes the next row_lengths[i] of values; they add up to all.

        Example:
          >>> nf.RaggedTensor.from_row_lengths([3, 1, 4], [1, 2])
          <nf.RaggedTensor [[3], [1, 4]]>
        """
        op = "RaggedTensor.from_row_lengths"
        lengths = partition(op, row_lengths, "row_lengths")
        if plain.flag(validate, op, "validate"):
            positive = reductions.reduce_all(lengths >= 0)
            check(positive, op, "row_lengths must not be negative", lengths)
        return cls.from_row_splits(values, splits_of(lengths), validate=validate)

    @classmethod
    def from_row_starts(
        cls,
        values: Any,
        row_starts: TensorLike,
        name: str | None = None,
        validate: bool = True,
    ) -> RaggedTensor:
        """Row i begins at row_starts[i], and ends where the next begins.

        Example:
          >>> nf.RaggedTensor.from_row_starts([3, 1, 4], [0, 0, 2])
          <nf.RaggedTensor [[], [3, 1], [4]]>
        """
        starts = partition("RaggedTensor.from_row_starts", row_starts, "row_starts")
        inner = components(values)
        end = shaping.reshape(maths.cast(rows_of(inner), starts.dtype), (1,))
        return cls.from_row_splits(inner, joining.concat([starts, end], 0), validate=validate)

    @classmethod
    def from_row_limits(
        cls,
        values: Any,
        row_limits: TensorLike,
        name: str | None = None,
        validate: bool = True,
    ) -> RaggedTensor:
        """Row i ends before row_limits[i], and begins where the one before ends.

        Example:
          >>> nf.RaggedTensor.from_row_limits([3, 1, 4], [2, 2, 3])
          <nf.RaggedTensor [[3, 1], [], [4]]>
        """
        limits = partition("RaggedTensor.from_row_limits", row_limits, "row_limits")
        splits = joining.concat([shaping.zeros((1,), limits.dtype), limits], 0)
        return cls.from_row_splits(values, splits, validate=validate)

    @classmethod
    def from_value_rowids(
        cls,
        values: Any,
        value_rowids: TensorLike,
        nrows: Any = None,
        name: str | None = None,
        validate: bool = True,
    ) -> RaggedTensor:
        """value_rowids[k], which never falls, is the row of values[k].

        Args:
          nrows: how many rows there are; default one more than the last id.

        Example:
          >>> nf.RaggedTensor.from_value_rowids([3, 1, 4], [0, 0, 2])
          <nf.RaggedTensor [[3, 1], [], [4]]>
        """
        op = "RaggedTensor.from_value_rowids"
        ids = partition(op, value_rowids, "value_rowids")
        if validate:
            rises = reductions.reduce_all(ids[1:] >= ids[:-1])
            check(rises, op, "value_rowids must not fall", ids)
        if nrows is None:
            if ids.spec.shape[0] == 0:
                nrows = 0
            else:
                last = joining.concat([shaping.zeros((1,), ids.dtype) - 1, ids], 0)[-1]
                (nrows,) = run_time.sizes_of(shaping.reshape(last + 1, (1,)))
        lengths = segments.unsorted_segment_sum(shaping.ones_like(ids), ids, nrows)
        return cls.from_row_splits(values, splits_of(lengths), validate=validate)

    @classmethod
    def from_tensor(
        cls,
        tensor: TensorLike,
        lengths: Any = None,
        padding: Any = None,
        ragged_rank: int = 1,
        name: str | None = None,
        row_splits_dtype: Any = dtypes.int64,
    ) -> RaggedTensor:
        """The rows of a tensor, all of one length, or without what fills them up.

        Args:
          tensor: at least 2 axes.
          lengths: integers [rows]: how much of each row to keep.
          padding: what stands at the ends of rows, to be left out; not together with lengths.
          ragged_rank: how many axes become ragged.

        Example:
          >>> nf.RaggedTensor.from_tensor([[5, 7, 0], [0, 3, 0], [0, 0, 0]], padding=0)
          <nf.RaggedTensor [[5, 7], [0, 3], []]>
        """
        op = "RaggedTensor.from_tensor"
        x = as_tensor(tensor, None, op, "tensor")
        if lengths is not None and padding is not None:
            raise ValueError(explain(op, "lengths and padding exclude each other"))
        ragged_rank = static_int(ragged_rank, op, "ragged_rank")
        if not 1 <= ragged_rank < x.spec.rank:
            problem = f"ragged_rank is {ragged_rank}; with {x.spec.rank} axes it takes 1 to "
            raise ShapeError(explain(op, f"{problem}{x.spec.rank - 1}", {"tensor": x.spec}))
        dtype = dtypes.as_dtype(row_splits_dtype)
        if ragged_rank > 1:
            merged = shaping.reshape(x, (x.spec.shape[0] * x.spec.shape[1], *x.spec.shape[2:]))
            inner: Any = cls.from_tensor(
                merged, lengths, padding, ragged_rank - 1, row_splits_dtype=dtype
            )
            return cls(inner, even_splits(x, dtype), internal=True)
        if padding is not None:
            lengths = padded.lengths_without(padding, x, dtype)
        if lengths is None:
            merged = shaping.reshape(x, (x.spec.shape[0] * x.spec.shape[1], *x.spec.shape[2:]))
            return cls(merged, even_splits(x, dtype), internal=True)
        kept = maths.cast(as_tensor(lengths, None, op, "lengths"), dtype)
        kept = maths.minimum(maths.maximum(kept, 0), shaping.size_tensor(x.spec.shape[1], dtype))
        return cls(padded.beginnings(x, kept), splits_of(kept), internal=True)

    def _opened(self) -> tuple[None, tuple[Any, Any]]:
        return None, (self._values, self._splits)

    @classmethod
    def _closed(cls, nothing: None, parts: Sequence[Any]) -> RaggedTensor:
        values, splits = parts
        return cls(values, splits, internal=True)

    # --- what it is ------------------------------------------------------------------

    @property
    def values(self) -> Any:
        """All rows behind one another: a tensor, or ragged again."""
        return self._values

    @property
    def row_splits(self) -> Tensor:
        """Where the rows begin and end: [rows + 1]."""
        found: Tensor = self._splits
        return found

    @property
    def flat_values(self) -> Tensor:
        """The tensor inside all ragged axes."""
        inner = self._values
        while isinstance(inner, RaggedTensor):
            inner = inner._values
        found: Tensor = inner
        return found

    @property
    def nested_row_splits(self) -> tuple[Tensor, ...]:
        """The row_splits of every ragged axis, the outermost first."""
        inner = self._values.nested_row_splits if isinstance(self._values, RaggedTensor) else ()
        return (self._splits, *inner)

    @property
    def ragged_rank(self) -> int:
        """How many axes are ragged."""
        return len(self.nested_row_splits)

    @property
    def dtype(self) -> dtypes.DType:
        """Of the values."""
        return self.flat_values.dtype

    @property
    def shape(self) -> TensorShape:
        """None where rows differ."""
        rows = TensorShape(self._splits.shape)[0]
        inner = TensorShape(self._values.shape)
        return TensorShape([None if rows is None else rows - 1, None, *inner[1:]])

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self.shape

    def nrows(self, out_type: Any = None, name: str | None = None) -> Tensor:
        """How many rows there are: a scalar."""
        dtype = self._splits.dtype if out_type is None else dtypes.as_dtype(out_type)
        return shaping.size_tensor(self._splits.spec.shape[0] - 1, dtype)

    def row_starts(self, name: str | None = None) -> Tensor:
        """Where each row begins in values: [rows]."""
        found: Tensor = self._splits[:-1]
        return found

    def row_limits(self, name: str | None = None) -> Tensor:
        """Where each row ends in values: [rows]."""
        found: Tensor = self._splits[1:]
        return found

    def row_lengths(self, axis: int = 1, name: str | None = None) -> Any:
        """How long each row is: [rows]; of a deeper ragged axis, ragged.

        Example:
          >>> nf.ragged.constant([[1, 2], []]).row_lengths().numpy().tolist()
          [2, 0]
        """
        if axis > 1 and isinstance(self._values, RaggedTensor):
            return self.with_values(self._values.row_lengths(axis - 1))
        if axis != 1:
            problem = f"axis is {axis}; the ragged axes are 1 to {self.ragged_rank}"
            raise ValueError(explain("RaggedTensor.row_lengths", problem))
        return self._splits[1:] - self._splits[:-1]

    def value_rowids(self, name: str | None = None) -> Tensor:
        """The row that each value is in: [number of values]."""
        rows = creation.iota((self._splits.spec.shape[0] - 1,), 0, self._splits.dtype)
        return self.for_each_value(rows)

    def for_each_value(self, x: Tensor) -> Tensor:
        """x [rows, ...], as often as the rows have values: [number of values, ...]."""
        inner = self._values
        ragged = isinstance(inner, RaggedTensor)
        count = inner._splits.spec.shape[0] - 1 if ragged else inner.spec.shape[0]
        lengths = self.row_lengths()
        x = run_time.refitted(x, (lengths.spec.shape[0], *x.spec.shape[1:]))
        spread = rearrange.repeat(x, lengths, axis=0)
        return run_time.refitted(spread, (count, *x.spec.shape[1:]))

    def bounding_shape(
        self, axis: int | None = None, name: str | None = None, out_type: Any = None
    ) -> Tensor:
        """The shape of the smallest tensor that holds all rows."""
        dtype = self._splits.dtype if out_type is None else dtypes.as_dtype(out_type)
        inner = (
            self._values.bounding_shape(out_type=dtype)
            if isinstance(self._values, RaggedTensor)
            else shaping.shape(self._values, dtype)
        )
        shape = joining.concat(
            [joining.stack([self.nrows(dtype), self._width(dtype)]), inner[1:]], 0
        )
        return shape if axis is None else shape[axis]

    def _width(self, dtype: dtypes.DType) -> Tensor:
        """The length of the longest row; 0 if there is none."""
        none = shaping.zeros((1,), self._splits.dtype)
        longest = reductions.reduce_max(joining.concat([self.row_lengths(), none], 0))
        return maths.cast(longest, dtype)

    # --- others with its rows ------------------------------------------------------------

    def with_values(self, new_values: Any) -> RaggedTensor:
        """The same rows of other values."""
        return RaggedTensor(components(new_values), self._splits, internal=True)

    def with_flat_values(self, new_values: Any) -> RaggedTensor:
        """The same ragged axes around another tensor."""
        if isinstance(self._values, RaggedTensor):
            return self.with_values(self._values.with_flat_values(new_values))
        return self.with_values(new_values)

    # --- as plain data -------------------------------------------------------------------

    def to_tensor(
        self, default_value: Any = None, name: str | None = None, shape: Any = None
    ) -> Tensor:
        """A tensor in which short rows are filled up at their ends.

        Args:
          default_value: what fills; default 0, or the empty string. A scalar.
          shape: the sizes wanted, None where those of the data serve; longer rows are cut.

        Example:
          >>> nf.ragged.constant([[1, 2], [3]]).to_tensor(-1).numpy().tolist()
          [[1, 2], [3, -1]]
        """
        return padded.filled_up(self, default_value, shape)

    def to_list(self) -> list[Any]:
        """Nested lists of Python values.

        Raises:
          ValueError: in a traced function, where there are no values yet.
        """
        if isinstance(self._splits, SymbolicTensor):
            raise ValueError(explain("RaggedTensor.to_list", "a trace has no values yet"))
        ends = self._splits.numpy().tolist()
        rows = (
            self._values.to_list()
            if isinstance(self._values, RaggedTensor)
            else self._values.numpy().tolist()
        )
        return [rows[a:b] for a, b in pairwise(ends)]

    def numpy(self) -> Any:
        """An array of the rows as arrays; a plain array where all have one length."""
        ends = self._splits.numpy().tolist()
        rows = self._values.numpy()
        parts = [rows[a:b] for a, b in pairwise(ends)]
        if parts and all(np.shape(p) == np.shape(parts[0]) for p in parts) and rows.dtype != object:
            return np.stack(parts)
        out = np.empty(len(parts), object)
        out[:] = parts
        return out

    def __repr__(self) -> str:
        if not all(hasattr(x, "_array") for x in (self._splits, self.flat_values)):
            return f"nf.RaggedTensor(values={self._values!r}, row_splits={self._splits!r})"
        return f"<nf.RaggedTensor {self.to_list()!r}>"

    def __len__(self) -> int:
        return int(self._splits.shape[0]) - 1

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    if TYPE_CHECKING:  # bound by parts.py

        def __getitem__(self, key: Any) -> Any: ...

    # --- where a tensor is wanted (dispatch.py) ----------------------------------------------

    @property
    def spec(self) -> Any:
        """Dtype and number of axes; what asks for sizes is told that there are none."""
        return RaggedSpec(self)

    def _as_tensor(self) -> Tensor:
        self.as_one()
        raise AssertionError

    def as_one(self) -> None:
        """Raises: it is no tensor."""
        fix = "nf.ragged.map_flat_values(op, x), or x.to_tensor()"
        problem = "a RaggedTensor is no tensor: its rows differ in length"
        raise CompositeGiven(self, explain("convert_to_tensor", problem, fix=fix))

    def operand(self, dtype: dtypes.DType | None, op: str, name: str) -> RaggedTensor:
        """Itself, of this dtype.

        Raises:
          DTypeError: it is of another.
        """
        if dtype is not None and dtype is not self.dtype:
            problem = f"{name} is {self.dtype.name}, not {dtype.name}: tensors are not converted"
            fix = f"nf.cast({name}, nf.{dtype.name})"
            raise DTypeError(explain(op, f"{problem} silently", fix=fix))
        return self

    if TYPE_CHECKING:  # bound by dispatch.py

        @classmethod
        def from_sparse(
            cls, st_input: Any, name: str | None = None, row_splits_dtype: Any = dtypes.int64
        ) -> RaggedTensor: ...

        def merge_dims(self, outer_axis: int, inner_axis: int) -> Any: ...

        def to_sparse(self, name: str | None = None) -> Any: ...

        def apply_op(self, op: Any, inputs: Any, attrs: Any, given: CompositeGiven) -> Any: ...

        def call(self, function: Any, args: Any, kwargs: Any, given: CompositeGiven) -> Any: ...


COMPOSITES[RaggedTensor] = ("_values", "_splits")
