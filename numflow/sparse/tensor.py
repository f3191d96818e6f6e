"""SparseTensor: the elements of a tensor that are not 0, and where they stand.

    indices      int64 [n, axes]   the place of each element
    values       [n]               the elements
    dense_shape  int64 [axes]      the sizes of the whole

Functions order elements by place, row by row, as TensorFlow has them. Everything is made of
ordinary ops over *keys*, the places counted through the whole tensor: it works in traced functions,
and has gradients through the values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numflow import dtypes
from numflow.errors import ShapeError, explain
from numflow.graph.indexed_slices import COMPOSITES
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, creation, indexing, joining, ordering, plain, run_time, scan
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import scatter as scattering
from numflow.ops import shape as shaping
from numflow.ops.assertion import Claim, claim_holds
from numflow.ops.convert import as_tensor, known_content, static_int
from numflow.shapes import Extent
from numflow.tensor_shape import TensorShape


class SparseTensorValue(NamedTuple):
    """The three parts as arrays."""

    indices: Any
    values: Any
    dense_shape: Any


class SparseTensor:
    """A tensor of which only some elements are kept.

    Args:
      indices: int64 [n, axes].
      values: [n], any dtype.
      dense_shape: int64 [axes].

    Raises:
      ShapeError: the parts do not fit each other.

    Example:
      >>> x = nf.SparseTensor([[0, 0], [1, 2]], [1.0, 2.0], [3, 4])
      >>> nf.sparse.to_dense(x).numpy().tolist()
      [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """

    __slots__ = ("__weakref__", "_dense_shape", "_indices", "_values")
    __array_priority__ = 100  # NumPy arrays on the left leave operators to us

    def __init__(self, indices: TensorLike, values: TensorLike, dense_shape: TensorLike) -> None:
        self._indices = _longs("indices", indices)
        self._values = as_tensor(values, None, "SparseTensor", "values")
        self._dense_shape = _longs("dense_shape", dense_shape)
        places, elements, sizes = (
            self._indices.spec.shape,
            self._values.spec.shape,
            self._dense_shape.spec.shape,
        )
        problem = ""
        if len(places) != 2 or len(elements) != 1 or len(sizes) != 1:
            problem = "indices have 2 axes, values and dense_shape 1"
        elif all(isinstance(n, int) for n in (*places, *elements, *sizes)):
            if places[0] != elements[0]:
                problem = f"there are {places[0]} indices and {elements[0]} values"
            elif places[1] != sizes[0]:
                problem = f"an index has {places[1]} numbers, and dense_shape {sizes[0]}"
        if problem:
            parts = {
                "indices": self._indices,
                "values": self._values,
                "dense_shape": self._dense_shape,
            }
            shown = {name: part.spec for name, part in parts.items()}
            raise ShapeError(explain("SparseTensor", problem, shown))

    def _opened(self) -> tuple[Any, tuple[Tensor, ...]]:
        """For functions: sizes that are known are known in the trace too."""
        sizes = tuple(self.shape)
        if None in sizes:
            return None, (self._indices, self._values, self._dense_shape)
        return sizes, (self._indices, self._values)

    @classmethod
    def _closed(cls, sizes: Any, parts: Sequence[Any]) -> SparseTensor:
        made = cls.__new__(cls)
        made._indices, made._values, *rest = parts
        made._dense_shape = rest[0] if rest else _longs("dense_shape", np.array(sizes, np.int64))
        return made

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """Of a SparseTensor, or of three arrays (indices, values, dense_shape)."""
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        return cls(*sparse_tensor_value)

    @property
    def indices(self) -> Tensor:
        """Where the elements stand: int64 [n, axes]."""
        return self._indices

    @property
    def values(self) -> Tensor:
        """The elements: [n]."""
        return self._values

    @property
    def dense_shape(self) -> Tensor:
        """The sizes of the whole: int64 [axes]."""
        return self._dense_shape

    @property
    def dtype(self) -> dtypes.DType:
        """Of the values."""
        return self._values.dtype

    @property
    def shape(self) -> TensorShape:
        """The sizes of the whole as far as they are known."""
        content = known_content(self._dense_shape)
        if content is None:
            return TensorShape([None] * int(self._dense_shape.shape[0]))
        return TensorShape([int(n) if isinstance(n, int | np.integer) else None for n in content])

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self.shape

    @property
    def op(self) -> Any:
        """What makes the values, in a traced function."""
        return self._values.op

    @property
    def graph(self) -> Any:
        """What the values belong to, in a traced function."""
        return self._values.graph

    def consumers(self) -> list[Any]:
        """What reads the values, in a traced function."""
        return list(self._values.consumers())

    def with_values(self, new_values: TensorLike) -> SparseTensor:
        """Other values at the same places."""
        return SparseTensor(self._indices, new_values, self._dense_shape)

    def numpy(self) -> SparseTensorValue:
        """The three parts as arrays."""
        return SparseTensorValue(
            self._indices.numpy(), self._values.numpy(), self._dense_shape.numpy()
        )

    def eval(self, feed_dict: Any = None, session: Any = None) -> SparseTensorValue:
        """The three parts as arrays; in a session, those of its run."""
        if session is not None:
            return SparseTensorValue(*session.run([*self], feed_dict))
        return self.numpy()

    def __iter__(self) -> Any:
        return iter((self._indices, self._values, self._dense_shape))

    def __repr__(self) -> str:
        parts = f"indices={self._indices}, values={self._values}, dense_shape={self._dense_shape}"
        return f"SparseTensor({parts})"

    def __mul__(self, other: TensorLike) -> SparseTensor:
        return self.with_values(self._values * _beside(self, other))

    __rmul__ = __mul__

    def __truediv__(self, other: TensorLike) -> SparseTensor:
        return self.with_values(self._values / _beside(self, other))

    def _as_tensor(self) -> Tensor:
        problem = "a SparseTensor is no tensor"
        raise TypeError(explain("convert_to_tensor", problem, fix="nf.sparse.to_dense(x)"))


COMPOSITES[SparseTensor] = ("_indices", "_values", "_dense_shape")


def _longs(name: str, value: TensorLike) -> Tensor:
    x = as_tensor(value, None, "SparseTensor", name)
    if not x.spec.rank or (not x.dtype.is_integer and x.spec.size != 0):
        problem = f"{name} is {x.dtype.name} with {x.spec.rank} axes, no vector of integers"
        raise ShapeError(explain("SparseTensor", problem, {name: x.spec}))
    return x if x.dtype is dtypes.int64 else maths.cast(x, dtypes.int64)


def _beside(x: SparseTensor, other: TensorLike) -> Tensor:
    """What of other, which broadcasts to x, stands beside each of x's values."""
    y = as_tensor(other, x.dtype if isinstance(other, int | float) else None)
    if not y.spec.rank:
        return y
    sizes = sizes_of(x)
    return indexing.gather_nd(shaping.broadcast_to(y, sizes), x.indices)


# --- sizes, keys -------------------------------------------------------------------------------


def sparse(op: str, value: Any, name: str = "sp_input") -> SparseTensor:
    """value, refused unless it is sparse."""
    if isinstance(value, SparseTensor):
        return value
    if isinstance(value, SparseTensorValue):
        return SparseTensor(*value)
    problem = f"{name} is of {type(value).__name__}, not a SparseTensor"
    raise TypeError(explain(op, problem, fix="nf.sparse.from_dense(x)"))


def sizes_of(x: SparseTensor) -> tuple[Extent, ...]:
    """The sizes of the whole; bound when the program runs, where they are not known."""
    content = known_content(x.dense_shape)
    if content is not None:
        return tuple(int(n) if isinstance(n, np.integer) else n for n in content)
    return run_time.sizes_of(x.dense_shape)


def rank_of(x: SparseTensor) -> int:
    """How many axes it has."""
    return int(x.dense_shape.shape[0])


def axis_of(op: str, axis: Any, rank: int) -> int:
    """An axis counted from the front.

    Raises:
      ShapeError: there is none.
    """
    k: int = static_int(axis, op, "axis")
    if not -rank <= k < rank:
        raise ShapeError(explain(op, f"axis {k} is outside of {rank} axes"))
    return k % rank


def strides_of(sizes: Tensor) -> Tensor:
    """How many places a step along each axis is, in a tensor of these sizes."""
    return scan.cumprod(sizes, exclusive=True, reverse=True)


def keys_of(x: SparseTensor) -> Tensor:
    """The places of the values, counted through the whole tensor: int64 [n]."""
    return reductions.reduce_sum(x.indices * strides_of(x.dense_shape), 1)


def places_of(keys: Tensor, sizes: Tensor) -> Tensor:
    """Places counted through a tensor of these sizes, as indices: int64 [n, axes]."""
    rank = int(sizes.shape[0])
    if not rank:
        return shaping.zeros((keys.spec.shape[0], 0), dtypes.int64)
    strides = strides_of(sizes)
    columns, rest = [], keys
    one = as_tensor(1, dtypes.int64)
    for axis in range(rank):
        step = maths.maximum(strides[axis], one)  # over nothing: nothing divides
        along = run_time.quotient_op(rest, step)
        columns.append(along)
        rest = rest - along * step
    return joining.stack(columns, 1)


def check(holds: Tensor, op: str, problem: str, shown: Tensor) -> None:
    """Refuse now, or when the program runs."""
    claim_holds(holds, [shown], Claim(op, (f"{op}: {problem}; got ", 0)))


def check_inside(op: str, x: SparseTensor) -> None:
    """Refuse places outside of the whole."""
    inside = (x.indices >= 0) & (x.indices < x.dense_shape)
    check(reductions.reduce_all(inside), op, "an index is outside of dense_shape", x.indices)


def ordered(x: SparseTensor) -> SparseTensor:
    """The values in the order of their places; equal places keep theirs."""
    order = ordering.argsort(keys_of(x), stable=True)
    return SparseTensor(
        indexing.gather(x.indices, order), indexing.gather(x.values, order), x.dense_shape
    )


def kept(x: SparseTensor, which: Tensor) -> SparseTensor:
    """Only the values where which is true."""
    place = run_time.positions(which)
    return SparseTensor(
        indexing.gather(x.indices, place), indexing.gather(x.values, place), x.dense_shape
    )


def groups(keys: Tensor) -> tuple[Tensor, Tensor, Extent]:
    """Of rising keys: (where a new one begins, the number of each one's group, how many)."""
    differs = comparisons.not_equal(keys[1:], keys[:-1])
    first = shaping.ones((minimum_one(keys),), dtypes.bool)
    begins = joining.concat([first, differs], 0)
    numbers = scan.cumsum(maths.cast(begins, dtypes.int64)) - 1
    (count,) = run_time.sizes_of(
        shaping.reshape(reductions.reduce_sum(maths.cast(begins, dtypes.int64)), (1,))
    )
    return begins, numbers, count


def minimum_one(keys: Tensor) -> Extent:
    """1, or 0 where there are no keys."""
    n = keys.spec.shape[0]
    return min(n, 1) if isinstance(n, int) else _least(n)


def _least(n: Any) -> Extent:
    from numflow.shapes import maximum

    return 1 - maximum(1 - n, 0)


# --- dense and back ------------------------------------------------------------------------------


def to_dense(
    sp_input: Any,
    default_value: Any = None,
    validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:
    """The whole tensor.

    Args:
      sp_input: a SparseTensor.
      default_value: what stands elsewhere; default 0, False or the empty string.
      validate_indices: refuse places that are out of order or repeated; else the last one counts.

    Raises:
      InvalidArgumentError: a place is outside, or, if validated, out of order.

    Example:
      >>> nf.sparse.to_dense(nf.SparseTensor([[1]], [5], [3]), -1).numpy().tolist()
      [-1, 5, -1]
    """
    op = "sparse.to_dense"
    x = sparse(op, sp_input)
    check_inside(op, x)
    keys = keys_of(x)
    if plain.flag(validate_indices, op, "validate_indices"):
        rises = reductions.reduce_all(keys[1:] > keys[:-1])
        problem = "indices are repeated or out of order (nf.sparse.reorder orders them)"
        check(rises, op, problem, x.indices)
    blank: Any = b"" if x.dtype is dtypes.string else False if x.dtype.is_bool else 0
    given = as_tensor(blank if default_value is None else default_value)
    fill = given if given.dtype is x.dtype else maths.cast(given, x.dtype)
    sizes = sizes_of(x)
    # which value stands at each place; 0: none. The last one of equal places is the largest.
    number = creation.iota((x.values.spec.shape[0],), 0, dtypes.int64) + 1
    none = shaping.zeros(sizes, dtypes.int64)
    chosen = scattering.tensor_scatter_nd_max(none, x.indices, number)
    everything = joining.concat([shaping.reshape(fill, (1,)), x.values], 0)
    return indexing.gather(everything, chosen)


def from_dense(tensor: TensorLike, name: str | None = None) -> SparseTensor:
    """The elements of a tensor that are not 0, False or empty.

    Example:
      >>> nf.sparse.from_dense([[0, 1], [2, 0]]).indices.numpy().tolist()
      [[0, 1], [1, 0]]
    """
    x = as_tensor(tensor, None, "sparse.from_dense", "tensor")
    blank: Any = b"" if x.dtype is dtypes.string else False if x.dtype.is_bool else 0
    there = comparisons.not_equal(x, as_tensor(blank, x.dtype))
    place = run_time.positions(there)
    shape = shaping.shape(x, dtypes.int64)
    return SparseTensor(
        run_time.coordinates(there),
        indexing.gather(shaping.reshape(x, (-1,)), place),
        shape,
    )


def reorder(sp_input: Any, name: str | None = None) -> SparseTensor:
    """The same, its values in the order of their places.

    Example:
      >>> x = nf.SparseTensor([[2], [0]], [1, 2], [3])
      >>> nf.sparse.reorder(x).values.numpy().tolist()
      [2, 1]
    """
    return ordered(sparse("sparse.reorder", sp_input))
