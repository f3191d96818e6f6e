"""TensorArray: tensors by number, written one by one: what loops collect their results in.

Where every number is known - eagerly, and in straight-line code of a trace - it is a list of
tensors. Where one is not, and across the border of a loop or branch, it is a *buffer*, a tensor
[capacity, ...], of which a loop writes the rows in place; reading is a gather, stacking nothing.

What a loop learns of an array only by tracing its body:

* the shape of its elements, if nothing was written before: the buffer has the size UNSET until
  then, and the loop is traced again with the right one;
* that it grows (`dynamic_size`, a number that is not known): each write makes the buffer longer by
  one row, which a loop variable must not become. The loop is traced again with the buffer that the
  last iteration will need (loops.py); its rows are then there already (`reserved`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.control.array_buffers import NOT_WRITTEN, grown, is_unset, reserved, resized, unset_op
from numflow.errors import (
    DTypeError,
    InvalidArgumentError,
    OutOfRangeError,
    ShapeError,
    explain,
)
from numflow.graph.building import SymbolicTensor
from numflow.graph.indexed_slices import COMPOSITES
from numflow.graph.operation import building
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import indexing, joining, run_time
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.control import empty_op
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.scatter import scatter_op
from numflow.shapes import Extent, Shape, product
from numflow.tensor_shape import TensorShape


class TensorArray:
    """Tensors of one dtype by number, each written once or again.

    Args:
      dtype: of the elements.
      size: their number. dynamic_size: whether a write behind the end makes the array longer.
      clear_after_read: eagerly an element can be read once, unless this is False.
      element_shape: the shape of all elements, None where it is open.
      infer_shape: whether all elements must have the shape of the first.

    tensor_array_name, handle, flow, colocate_with_first_write_call are TensorFlow's and change
    nothing.

    Methods that write return the array to go on with; a loop in a traced function carries it.

    Example:
      >>> @nf.function
      ... def squares(n):
      ...     def body(i, ta):
      ...         return i + 1, ta.write(i, i * i)
      ...     ta = nf.TensorArray(nf.int32, size=4)
      ...     return nf.while_loop(lambda i, _: i < n, body, [0, ta])[1].stack()
      >>> squares(nf.constant(4)).numpy().tolist()
      [0, 1, 4, 9]
    """

    _whole_eagerly = True  # loops hand it on as it is

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        self._dtype = dtypes.as_dtype(dtype)
        self._dynamic = bool(dynamic_size)
        self._clears = clear_after_read is None or bool(clear_after_read)
        self._infer = infer_shape
        self._element = TensorShape(element_shape)
        self._buffer: Tensor | None = None
        self._length: Any = None  # of a buffer that grows: how many elements there are
        self._read: set[int] = set()
        (count,) = (0,) if size is None else static_ints(size, "TensorArray", "size", sizes=True)
        if isinstance(count, int):
            if count < 0:
                raise InvalidArgumentError(explain("TensorArray", f"size is {count}"))
            self._items: list[Tensor | None] = [None] * count
        else:
            self._items = []
            self._buffer = self._nothing(count)
            self._length = shaping.size_tensor(count, dtypes.int32)

    # --- what it is ---

    @property
    def dtype(self) -> dtypes.DType:
        """Of the elements."""
        return self._dtype

    @property
    def dynamic_size(self) -> bool:
        """Whether it may grow."""
        return self._dynamic

    @property
    def element_shape(self) -> TensorShape:
        """The shape of all elements, as far as it is known."""
        shape = self._shape()
        return self._element if shape is None else TensorShape(shape)

    @property
    def handle(self) -> None:
        """None: the array is an object."""

    @property
    def flow(self) -> Any:
        """What stands for the elements in a trace: the buffer; eagerly a scalar 0."""
        return as_tensor(0.0) if self._buffer is None else self._buffer

    def _shape(self) -> Shape | None:
        """The shape that every element has."""
        if self._buffer is not None:
            shape = self._buffer.spec.shape
            return None if is_unset(shape) else shape[1:]
        for x in self._items:
            if x is not None:
                return x.spec.shape if self._infer else None
        sizes = self._element.dims
        if sizes is None or any(n is None for n in sizes):
            return None
        return tuple(getattr(n, "value", n) for n in sizes)

    def size(self, name: str | None = None) -> Tensor:
        """The number of elements, int32."""
        if self._buffer is None:
            return as_tensor(len(self._items), dtypes.int32)
        return self._length  # type: ignore[no-any-return]

    # --- one element ---

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """Element number index becomes value.

        Raises:
          OutOfRangeError: eagerly, the number is outside of the array.
          InvalidArgumentError: a compiled program finds it outside; or another dtype.
          ShapeError: value has not the shape of the elements.
        """
        x = self._value(value)
        at = _number(index, "write")
        if self._buffer is None and isinstance(at, int):
            self._room(at, "write")
            items = self._items if building() is None else list(self._items)
            items += [None] * (at + 1 - len(items))
            items[at] = x
            self._read.discard(at)
            return self if building() is None else self._with(items=items)
        place = as_tensor(index if self._buffer is None or not isinstance(at, int) else at)
        place = maths.cast(shaping.reshape(place, (1,)), dtypes.int64)
        buffer = self._as_buffer(x.spec.shape)
        length: Any = self._length_tensor()
        traced: Any = building()
        if self._dynamic and not self._is_reserved(buffer):
            buffer = resized(buffer, buffer.spec.shape[0] + 1)
            grown(traced.builder).add(traced.value(buffer))
        (rows, *inner) = buffer.spec.shape
        flat = shaping.reshape(buffer, (rows, product(inner)))
        row = shaping.reshape(x, (1, flat.spec.shape[1]))
        written = scatter_op(flat, place, row, kind="update", drop=False)
        made = shaping.reshape(written, buffer.spec.shape)
        self._inherit(buffer, made)
        if self._dynamic and index is length:
            length = length + 1  # a counter: it may tell how often a loop runs
        elif self._dynamic:
            behind = maths.cast(shaping.reshape(place, ()), dtypes.int32) + 1
            length = maths.maximum(length, behind)
        return self._with(buffer=made, length=length)

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """Element number index.

        Raises:
          OutOfRangeError: eagerly, the number is outside of the array.
          InvalidArgumentError: eagerly, it was read before; a compiled program finds it outside.
        """
        at = _number(index, "read")
        if self._buffer is None and isinstance(at, int):
            self._inside(at, "read")
            found = self._items[at]
            if found is None:
                if at in self._read:
                    raise InvalidArgumentError(
                        explain(
                            "TensorArray",
                            f"Could not read index {at} twice because it was cleared after a "
                            "previous read",
                            fix="clear_after_read=False",
                        )
                    )
                found = self._zero()
            if self._clears and building() is None:
                self._items[at] = None
                self._read.add(at)
            return found
        return indexing.gather(self._as_buffer(None), as_tensor(index))

    # --- all elements ---

    def stack(self, name: str | None = None) -> Tensor:
        """The elements as one tensor [size, ...]; (0,) of none whose shape is not known."""
        if self._buffer is None:
            if not self._items:
                shape = self._shape() or ()
                return shaping.zeros((0, *shape), self._dtype)
            return joining.stack([self._zero() if x is None else x for x in self._items])
        buffer = self._as_buffer(None)
        if not self._dynamic:
            return buffer
        return buffer[: self._length]

    def concat(self, name: str | None = None) -> Tensor:
        """The elements, one behind the other along their first axis.

        Raises:
          InvalidArgumentError: there are none, and their axes behind the first are not known.
          ShapeError: they are scalars.
        """
        if self._buffer is None:
            if self._items:
                return joining.concat([self._zero() if x is None else x for x in self._items], 0)
            return shaping.zeros((0, *self._behind_the_first()), self._dtype)
        whole = self.stack()
        if whole.spec.rank < 2:
            raise ShapeError(explain("TensorArray", "concat takes elements of at least one axis"))
        first, second, *inner = whole.spec.shape
        return shaping.reshape(whole, (first * second, *inner))

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements of these numbers, as one tensor."""
        if building() is None:
            numbers = np.asarray(as_tensor(indices)).tolist()
            return joining.stack([self.read(k) for k in numbers]) if numbers else self.stack()[:0]
        return indexing.gather(self.stack(), indices)

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The elements become the rows of value.

        Raises:
          ShapeError: value is a scalar; or it has another number of rows, and the array does not
            grow.
        """
        x = self._value(value, whole=True)
        if not x.spec.shape:
            raise ShapeError(explain("TensorArray", "unstack takes at least one axis"))
        count = x.spec.shape[0]
        if isinstance(count, int) and self._buffer is None:
            if count != len(self._items) and not self._dynamic and self._items:
                problem = f"unstack of {count} rows into an array of size {len(self._items)}"
                raise ShapeError(explain("TensorArray", problem, {"value": x.spec}))
            if building() is None:
                self._items[:] = [x[k] for k in range(count)]
                if not count and self._infer:  # no element tells it
                    self._element = TensorShape(x.spec.shape[1:])
                return self
        return self._with(buffer=x, length=shaping.size_tensor(count, dtypes.int32))

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The elements of these numbers become the rows of value."""
        x = self._value(value, whole=True)
        places = as_tensor(indices)
        known = _numbers(places)
        if self._buffer is None and known is not None:
            found = self
            for k, at in enumerate(known):
                found = found.write(at, x[k])
            return found
        buffer = self._as_buffer(x.spec.shape[1:])
        (rows, *inner) = buffer.spec.shape
        flat = shaping.reshape(buffer, (rows, product(inner)))
        given = shaping.reshape(x, (x.spec.shape[0], flat.spec.shape[1]))
        at64 = maths.cast(places, dtypes.int64)
        written = scatter_op(flat, at64, given, kind="update", drop=False)
        made = shaping.reshape(written, buffer.spec.shape)
        self._inherit(buffer, made)
        return self._with(buffer=made, length=self._length_tensor())

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The elements become pieces of value, of these lengths along its first axis.

        Raises:
          ShapeError: the lengths do not add up to value's rows, or are not known in a trace.
        """
        sizes = static_ints(lengths, "TensorArray", "lengths")
        x = self._value(value, whole=True, lengths=sizes)
        if sum(sizes) != x.spec.shape[0]:
            problem = f"the lengths {list(sizes)} do not add up to the rows of value"
            raise ShapeError(explain("TensorArray", problem, {"value": x.spec}))
        parts: list[Tensor | None] = []
        begin = 0
        for n in sizes:
            parts.append(x[begin : begin + n])
            begin += n
        if building() is None:
            self._items[:] = parts
            return self
        return self._with(items=parts)

    # --- TensorFlow's names ---

    def identity(self) -> TensorArray:
        """An array of the same elements."""
        return self._with(self._buffer, list(self._items), self._length)

    def grad(self, source: str, flow: Any = None, name: str | None = None) -> TensorArray:
        """An array like this one, of zeros: gradients flow through arrays by themselves."""
        made = TensorArray(self._dtype, len(self._items), self._dynamic, False)
        if self._buffer is not None:
            return made._with(buffer=shaping.zeros_like(self._buffer), length=self._length)
        made._items = [None if x is None else shaping.zeros_like(x) for x in self._items]
        return made

    def close(self, name: str | None = None) -> None:
        """Let the elements go."""
        self._items, self._buffer = [], None

    def __repr__(self) -> str:
        return f"<nf.TensorArray dtype={self._dtype.name} element_shape={self.element_shape}>"

    # --- as a loop variable ---

    def _opened(self) -> tuple[Any, tuple[Any, ...]]:
        kept = self._dtype, self._dynamic, self._clears, self._infer, self._element
        buffer = self._as_buffer(None)
        if self._dynamic:
            return kept, (buffer, self._length_tensor())
        return kept, (buffer,)

    @classmethod
    def to_be_filled(cls, spec: Spec, count: Extent) -> TensorArray:
        """In a trace, an array of so many elements that all will be written before any is read."""
        made = cls(spec.dtype, element_shape=spec.shape)
        made._buffer = empty_op(shape=(count, *spec.shape), dtype=spec.dtype)
        made._length = shaping.size_tensor(count, dtypes.int32)
        return made

    @classmethod
    def _closed(cls, kept: Any, parts: Sequence[Any]) -> TensorArray:
        made = cls(kept[0])
        made._dtype, made._dynamic, made._clears, made._infer, made._element = kept
        made._buffer = parts[0]
        if made._dynamic:
            made._length = parts[1]
        else:
            made._length = shaping.size_tensor(parts[0].spec.shape[0], dtypes.int32)
        if building() is None:
            made._items = [parts[0][k] for k in range(len(parts[0]))]
            made._buffer = None
        return made

    # --- inside ---

    def _with(
        self, buffer: Tensor | None = None, items: list[Any] | None = None, length: Any = None
    ) -> TensorArray:
        made = TensorArray.__new__(TensorArray)
        made._dtype, made._dynamic, made._clears = self._dtype, self._dynamic, self._clears
        made._infer, made._element = self._infer, self._element
        made._items, made._buffer, made._length = items or [], buffer, length
        made._read = set()
        return made

    def _value(
        self, value: Any, whole: bool = False, lengths: Sequence[int] | None = None
    ) -> Tensor:
        """A value to be written; whole: elements as rows, or as many rows as lengths say."""
        numeric = isinstance(value, bool | int | float | list | tuple)
        x = as_tensor(value, self._dtype if numeric else None, "TensorArray", "value")
        if x.dtype is not self._dtype:
            problem = f"value is {x.dtype.name}, the elements are {self._dtype.name}"
            raise DTypeError(explain("TensorArray", problem, {"value": x.spec}, fix="nf.cast"))
        shape = x.spec.shape[1:] if whole else x.spec.shape
        shapes = [shape] if lengths is None else [(n, *shape) for n in lengths]
        if not all(self._element.is_compatible_with(TensorShape(s)) for s in shapes):
            problem = f"value is not of the element shape {self._element}"
            raise ShapeError(explain("TensorArray", problem, {"value": x.spec}))
        have = self._shape()
        if have is not None and self._infer and shape != have and not whole:
            fits = run_time.fitted(x, have)
            if fits is None:
                problem = f"value is not of the shape {list(have)} of the other elements"
                fix = "infer_shape=False"
                raise ShapeError(explain("TensorArray", problem, {"value": x.spec}, fix))
            return fits
        return x

    def _zero(self) -> Tensor:
        """What an element is that was never written."""
        shape = self._shape()
        if shape is None:
            raise InvalidArgumentError(explain("TensorArray", NOT_WRITTEN, fix="element_shape"))
        return shaping.zeros(shape, self._dtype)

    def _behind_the_first(self) -> Shape:
        """The sizes of an element but the first, where there is no element."""
        sizes = self._element.dims
        if sizes is not None and not sizes:
            raise ShapeError(explain("TensorArray", "concat takes elements of at least one axis"))
        inner = None if sizes is None else [getattr(n, "value", n) for n in sizes[1:]]
        if inner is None or None in inner:
            problem = "concat of no elements, and their axes behind the first are not known"
            raise InvalidArgumentError(explain("TensorArray", problem, fix="element_shape"))
        return tuple(inner)

    def _inside(self, at: int, what: str) -> None:
        if at < 0 or at >= len(self._items):
            kind = OutOfRangeError if building() is None else InvalidArgumentError
            raise kind(
                explain(
                    "TensorArray",
                    f"Tried to {what} index {at} but array size is: {len(self._items)}",
                )
            )

    def _room(self, at: int, what: str) -> None:
        if at < 0 or not self._dynamic:
            self._inside(at, what)

    def _nothing(self, count: Extent) -> Tensor:
        """A buffer of so many elements that were never written."""
        shape = self._shape()
        if shape is None:
            return unset_op(length=count, dtype=self._dtype)  # type: ignore[no-any-return]
        return shaping.zeros((count, *shape), self._dtype)

    def _as_buffer(self, element: Shape | None) -> Tensor:
        """The elements as a buffer; element: the shape of what is to be written."""
        if self._buffer is None:
            shape = self._shape() or element
            if any(x is not None for x in self._items):
                return joining.stack([self._zero() if x is None else x for x in self._items])
            if shape is None:
                return unset_op(length=len(self._items), dtype=self._dtype)  # type: ignore[no-any-return]
            return shaping.zeros((len(self._items), *shape), self._dtype)
        buffer = self._buffer
        if is_unset(buffer.spec.shape) and element is not None:
            made = shaping.zeros((buffer.spec.shape[0], *element), self._dtype)
            self._inherit(buffer, made)
            return made
        return buffer

    def _length_tensor(self) -> Any:
        return (
            self._length if self._buffer is not None else as_tensor(len(self._items), dtypes.int32)
        )

    def _is_reserved(self, buffer: Tensor) -> bool:
        traced: Any = building()
        return traced.value(buffer) in reserved(traced.builder)

    def _inherit(self, before: Tensor, after: Tensor) -> None:
        """What is known of a buffer is true of what a write makes of it."""
        traced: Any = building()
        old, new = traced.value(before), traced.value(after)
        for marks in (reserved(traced.builder), grown(traced.builder)):
            if old in marks:
                marks.add(new)


COMPOSITES[TensorArray] = ("_buffer", "_length")


def _number(index: Any, what: str) -> int | None:
    """An index that is known now."""
    x = as_tensor(index, None, "TensorArray", "index")
    if not x.dtype.is_integer or x.spec.size != 1:
        problem = f"{what} takes an integer scalar as index"
        raise DTypeError(explain("TensorArray", problem, {"index": x.spec}))
    found = _numbers(x)
    return None if found is None else found[0]


def _numbers(x: Tensor) -> list[int] | None:
    if isinstance(x, SymbolicTensor):
        if x.content is None or not all(type(n) is int for n in x.content.flat):
            return None
        return [int(n) for n in x.content.reshape(-1)]
    return [int(n) for n in np.asarray(x).reshape(-1)]
