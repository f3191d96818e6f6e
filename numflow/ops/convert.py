"""From what users pass to tensors: numbers, arrays, variables, sizes, lists that hold tensors.

TensorFlow's rules: floats become float32 and ints int32 unless a dtype is asked for or another
operand has one; NumPy arrays keep theirs; tensors are never converted silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import (
    ArgumentError,
    DTypeError,
    InvalidArgumentError,
    ResourceExhaustedError,
    ShapeError,
    explain,
)
from numflow.graph.building import SymbolicTensor
from numflow.graph.op import Array, CompositeGiven, current, observers
from numflow.graph.tensor import Tensor
from numflow.ops.literals import as_array, is_array, leaves
from numflow.shapes import Dim, Shape, Size, as_extent


def as_tensor(
    value: Any, dtype: Any = None, op: str = "convert_to_tensor", name: str = "value"
) -> Tensor:
    """value as a tensor of the current interpreter; op and name are for messages.

    Raises:
      DTypeError: a tensor of another dtype than asked for.
      ValueError: value cannot be a tensor (ragged, objects, None).
    """
    if dtype is None and not observers and isinstance(value, Tensor):
        return value  # the usual case, in a third of the time
    want = None if dtype is None else dtypes.as_dtype(dtype)
    if type(value) is float or type(value) is int:
        return current().constant(_number(value, want, op, name))
    if not isinstance(value, Tensor):
        weak = getattr(value, "_weak_tensor", None)
        if weak is not None:  # a number that a trace knows only as a tensor: it adapts
            return weak(want)
        read = getattr(value, "_as_tensor", None)
        if read is not None:  # a variable, or what behaves like one
            try:
                value = read()
            except CompositeGiven as given:  # for ops of its elements
                return given.value.operand(want, op, name)
    if isinstance(value, Tensor):
        if want is not None and value.dtype is not want:
            raise DTypeError(
                explain(
                    op,
                    f"{name} is {value.dtype.name}, not {want.name}: "
                    "tensors are not converted silently",
                    {name: value.spec},
                    fix=f"nf.cast({name}, nf.{want.name})",
                )
            )
        return _here(value)
    if isinstance(value, Size | Dim):
        return sizes([value], want or dtypes.int32)[0]
    if CONVERTERS:
        made = _converted(value, want, name)
        if made is not None:
            return as_tensor(made, want, op, name)
    if isinstance(value, list | tuple) and _holds_tensors(value):
        from_sizes = _all_sizes(value)
        if from_sizes is not None:
            return sizes(from_sizes, want or dtypes.int32)
        return _pack(value, want, op, name)
    return current().constant(as_array(value, want, op, name))


def dense_tensor(
    value: Any, dtype: Any = None, op: str = "convert_to_tensor", name: str = "value"
) -> Tensor:
    """as_tensor, for what is not for ragged tensors.

    Raises:
      ArgumentError: value is one.
    """
    tensor = as_tensor(value, dtype, op, name)
    if not isinstance(tensor, Tensor):
        raise ArgumentError(explain(op, f"{name} must be a tensor, not a {type(value).__name__}"))
    return tensor


CONVERTERS: list[tuple[int, tuple[type, ...], Any]] = []
"""Users' functions: (priority, types, function), in the order in which they are tried."""


def _converted(value: Any, want: dtypes.DType | None, name: str) -> Tensor | None:
    """What a user's function makes of value; None: there is none for it."""
    for _, kinds, function in CONVERTERS:
        if isinstance(value, kinds):
            made = function(value, dtype=want, name=name, as_ref=False)
            if made is NotImplemented:
                continue
            if not isinstance(made, Tensor):
                raise RuntimeError(f"a conversion function gave {made!r}, which is no tensor")
            return made
    return None


_numbers: dict[Any, Array] = {}  # the arrays of Python numbers: programs use the same few


def _number(value: float, want: dtypes.DType | None, op: str, name: str) -> Array:
    key = type(value), value, want
    found = _numbers.get(key)
    if found is None:
        found = as_array(value, want, op, name)
        if value and value == value:  # 0.0 and -0.0 would be one key, and nan is never found
            if len(_numbers) >= 1024:
                _numbers.clear()
            _numbers[key] = found
    return found


def _here(tensor: Tensor) -> Tensor:
    """The tensor as the current interpreter can use it: a trace captures eager values."""
    if isinstance(tensor, SymbolicTensor):
        return tensor
    capture = getattr(current(), "capture", None)
    return tensor if capture is None else capture(tensor)


def _holds_tensors(value: Sequence[Any]) -> bool:
    return any(
        isinstance(v, Tensor | Size | Dim)
        or hasattr(v, "_as_tensor")
        or hasattr(v, "_weak_tensor")
        or (isinstance(v, list | tuple) and _holds_tensors(v))
        for v in value
    )


def _all_sizes(value: Sequence[Any]) -> list[Any] | None:
    if all(isinstance(v, int | Dim) and not isinstance(v, bool) for v in value):
        return [as_extent(v) for v in value]
    return None


def _pack(value: Sequence[Any], want: dtypes.DType | None, op: str, name: str) -> Tensor:
    """A list that holds tensors, stacked: numbers beside them take their dtype."""
    from numflow.ops import joining  # the one cycle of this folder: packing converts, and is an op

    if want is None:
        want = next((t.dtype for t in leaves(value) if isinstance(t, Tensor)), None)
        if want is None:
            want = next((v.dtype for v in leaves(value) if hasattr(v, "_as_tensor")), None)
    return joining.stack_tensors([as_tensor(v, want, op, name) for v in value], 0)


def sizes(values: Sequence[Any], dtype: dtypes.DType) -> Tensor:
    """A 1-D integer tensor of sizes that may be symbolic."""
    return current().sizes([as_extent(v) for v in values], dtype)  # type: ignore[attr-defined]


def operands(op: str, x: Any, y: Any, names: tuple[str, str] = ("x", "y")) -> tuple[Tensor, Tensor]:
    """The two operands of a binary op: what is no tensor takes the dtype of the tensor beside it.

    names: what messages call them.

    Raises:
      DTypeError: two tensors of different dtypes.
    """
    if isinstance(x, Tensor):  # the shortest way: eager arithmetic takes it, a microsecond counts
        if type(x) is type(y):
            if x.spec.dtype is y.spec.dtype:
                return (_here(x), _here(y)) if observers else (x, y)
        elif type(y) is float and x.spec.dtype is dtypes.float32:
            return _here(x), current().constant(np.array(y, np.float32))
    first, second = names
    left, right = _typed(x), _typed(y)
    if left is not None and right is not None and left is not right:
        if is_array(x) is not is_array(y):  # NumPy's array follows the tensor, as in TensorFlow
            left, right = (None, right) if is_array(x) else (left, None)
    if left is not None:
        a = as_tensor(x, None, op, first)
        b = as_tensor(y, None if right is not None else a.dtype, op, second)
    elif right is not None:
        b = as_tensor(y, None, op, second)
        a = as_tensor(x, b.dtype, op, first)
    else:
        a = as_tensor(x, None, op, first)
        b = as_tensor(y, None, op, second)
        if a.dtype is not b.dtype:  # two Python numbers: 1 and 2.5
            wide = dtypes.from_numpy(np.result_type(a.dtype.numpy, b.dtype.numpy))
            if wide is dtypes.float64 and dtypes.float32 in (a.dtype, b.dtype):
                wide = dtypes.float32  # NumPy's rule for int32 beside float32
            a, b = as_tensor(x, wide, op, first), as_tensor(y, wide, op, second)
    if a.dtype is not b.dtype:
        raise DTypeError(
            explain(
                op,
                f"{first} is {a.dtype.name} and {second} is {b.dtype.name}: "
                "tensors are not converted silently",
                {first: a.spec, second: b.spec},
                fix=f"nf.cast({second}, nf.{a.dtype.name})"
                if not a.dtype.is_integer or b.dtype.is_integer
                else f"nf.cast({first}, nf.{b.dtype.name})",
            )
        )
    return a, b


def _typed(x: Any) -> dtypes.DType | None:
    """The dtype x insists on; None for Python numbers and lists of them."""
    if type(x) is float or type(x) is int:
        return None
    if isinstance(x, Tensor) or hasattr(x, "_as_tensor"):
        return x.dtype
    if isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "biufc":
        return dtypes.from_numpy(x.dtype)
    return None


def static_ints(value: Any, op: str, name: str, sizes: bool = False) -> tuple[Any, ...]:
    """Integers (axes, a permutation, sizes) of numbers, arrays, or tensors of known content.

    sizes: they are; those that only values tell, which a trace has not, become run-time sizes.

    Raises:
      InvalidArgumentError: a tensor whose content is not known while tracing.
      TypeError: not integers.
    """
    if type(value) is int:
        return (value,)
    if type(value) in (list, tuple) and all(type(n) is int for n in value):
        return tuple(value)
    if isinstance(value, Size | Dim) or (isinstance(value, int) and not isinstance(value, bool)):
        return (as_extent(value),)
    if isinstance(value, Tensor) or hasattr(value, "_as_tensor"):
        tensor = as_tensor(value, None, op, name)
        if not isinstance(tensor, Tensor):  # one that is made of several
            raise ArgumentError(explain(op, f"{name} must be integers, not {tensor!r}"))
        content = run_time_content(tensor) if sizes else known_content(tensor)
        if content is None:
            if not tensor.dtype.is_integer:
                problem = f"{name} is {tensor.dtype.name}, not integers"
                raise ArgumentError(explain(op, problem, {name: tensor.spec}))
            raise InvalidArgumentError(
                explain(
                    op,
                    f"{name} is a tensor whose elements are known only at run time",
                    {name: value},
                    fix="Python integers, or sizes from nf.shape",
                )
            )
        return tuple(content.reshape(-1))
    try:
        if isinstance(value, str | bytes | dict):
            raise TypeError  # Python would take their letters or keys
        items = (
            list(np.asarray(value).reshape(-1))
            if isinstance(value, np.ndarray | np.generic)
            else list(value)
        )
        return tuple(
            n
            for v in items
            for n in (static_ints(v, op, name, sizes) if _is_tensor(v) else (as_extent(v),))
        )
    except TypeError:
        shown = {name: repr(value)[:200]}
        raise ArgumentError(explain(op, f"{name} must be integers", shown)) from None


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) or hasattr(value, "_as_tensor")


def static_int(value: Any, op: str, name: str, sizes: bool = False) -> Any:
    """One number as an argument, known now; sizes: as for static_ints.

    Raises:
      ArgumentError: there are several, or none.
    """
    if type(value) is int:
        return value
    found = static_ints(value, op, name, sizes)
    if len(found) != 1:
        raise ArgumentError(explain(op, f"{name} must be one number", {name: list(found)}))
    return found[0]


def known_content(tensor: Tensor) -> Array | None:
    """The elements of a tensor as objects (ints or Dims), where they are known now."""
    if isinstance(tensor, SymbolicTensor):
        return tensor.content
    array = np.asarray(tensor)
    return array.astype(object) if array.dtype.kind in "iu" else None


_MOST_SIZES = 64  # elements of a tensor that are sizes at run time


def run_time_content(tensor: Tensor) -> Array | None:
    """The elements of a tensor as ints or sizes; in a trace those that are not known yet are bound
    (`bind_sizes` in graph/graph.py) and get symbols. None where they cannot be sizes.
    """
    content = known_content(tensor)
    if content is not None or not isinstance(tensor, SymbolicTensor):
        return content
    count = tensor.spec.size
    if not tensor.dtype.is_integer or not isinstance(count, int) or count > _MOST_SIZES:
        return None
    node = tensor.value.node
    building: Any = current()
    if node is not None and node.op.name in ("concat", "reshape"):  # of numbers known and unknown
        parts = [run_time_content(building.tensor(v)) for v in node.inputs]
        known = [p for p in parts if p is not None]
        if len(known) == len(parts) and tensor.spec.rank <= 1:
            return np.concatenate([p.reshape(-1) for p in known]).reshape(tensor.spec.shape)
    return building.builder.bind(tensor.value).content


def static_size(value: Any, op: str, name: str) -> Any:
    """One size as an argument, not negative.

    Raises:
      ArgumentError: there are several, or none.
      ShapeError: it is negative.
    """
    found = static_shape(value, op, name)
    if len(found) != 1:
        raise ArgumentError(explain(op, f"{name} must be one number", {name: list(found)}))
    return found[0]


def static_shape(value: Any, op: str, name: str = "shape") -> Shape:
    """A shape as an argument: sizes, none negative.

    Raises:
      ShapeError: a negative size.
      ResourceExhaustedError: more elements than any memory holds.
    """
    sizes_ = static_ints(value, op, name, sizes=True)
    total = 1
    for n in sizes_:
        if isinstance(n, int):
            if n < 0:
                raise ShapeError(explain(op, f"a size is negative: {n}", {name: sizes_}))
            total *= max(n, 1)
    if total > 1 << 56:
        raise ResourceExhaustedError(
            explain(op, "the product of the sizes is beyond any memory", {name: sizes_})
        )
    return sizes_
