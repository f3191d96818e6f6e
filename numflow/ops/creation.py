"""Tensors made of nothing: constant, range, linspace, one_hot, eye, and the index along an axis."""

from __future__ import annotations

import math
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
from numflow.graph.lowering import Elementwise
from numflow.graph.op import Op, composites_too, current
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import checks, comparisons, run_time, signs
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import (
    as_tensor,
    known_content,
    operands,
    static_int,
    static_shape,
    static_size,
)
from numflow.ops.shape_rules import normal_axis
from numflow.shapes import Dim, Extent, Shape, Size, maximum

# --- constant ------------------------------------------------------------------


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const") -> Tensor:
    """A tensor of a fixed value, copied from numbers, lists or arrays.

    Args:
      value: numbers, strings, (nested) lists, a NumPy array.
      dtype: default float32 of Python floats, int32 of ints, the dtype of an array.
      shape: default that of value; a single number is repeated to it.

    Raises:
      ShapeError: value has not the number of elements that shape has.
      DTypeError: value does not become dtype without loss.
      ValueError: value is ragged, None or not a tensor at all.

    Example:
      >>> nf.constant([1.5, 2.5]).dtype, nf.constant(0, shape=[2, 3]).shape
      (nf.float32, TensorShape([2, 3]))
    """
    tensor = as_tensor(_array_as(value, dtype), dtype, "constant", "value")
    if shape is None:
        return tensor
    want = static_shape(shape, "constant")
    if tensor.spec.size == 1 and math.prod(want) != 1:
        return shaping.broadcast_to(shaping.reshape(tensor, ()), want)
    if tensor.spec.size != math.prod(want):
        problem = f"{tensor.spec.size} elements do not become {math.prod(want)}"
        raise ArgumentError(explain("constant", problem, {"value": tensor.spec, "shape": want}))
    return shaping.reshape(tensor, want)


def _array_as(value: Any, dtype: Any) -> Any:
    """A NumPy array of numbers, converted to the dtype that is asked for, as TensorFlow does."""
    if not isinstance(value, np.ndarray) or dtype is None or value.dtype.kind not in "biuf":
        return value
    want = dtypes.as_dtype(dtype)
    with np.errstate(all="ignore"):
        return value.astype(want.numpy) if want.is_numeric or want.is_bool else value


def convert_to_tensor(
    value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None
) -> Tensor:
    """value as a tensor: tensors as they are, anything else as `constant` does.

    Args:
      value: a tensor, variable, number, list or array.
      dtype: the dtype it must have; a tensor of another one is refused.
      dtype_hint: a dtype to try first, where dtype is None.

    Example:
      >>> nf.convert_to_tensor([1, 2]).numpy().tolist()
      [1, 2]
    """
    if dtype is None and dtype_hint is not None:
        try:
            return as_tensor(value, dtype_hint)
        except (TypeError, ValueError):
            pass
    return as_tensor(_array_as(value, dtype), dtype)


# --- iota: every element is its own index along an axis --------------------------


def _iota_infer(*, shape: Shape, axis: int, dtype: dtypes.DType) -> Spec:
    return Spec(shape, dtype)


def _iota_reference(*, shape: Any, axis: int, dtype: dtypes.DType) -> Any:
    line = np.arange(shape[axis]).astype(dtype.numpy)
    return np.broadcast_to(line.reshape(-1, *(1 for _ in shape[axis + 1 :])), shape).copy()


def _iota_body(b: Any, axes: Any, *, shape: Shape, axis: int, dtype: dtypes.DType) -> Any:
    return b.cast(axes(axis), b.code(dtype))


iota_op = Op("iota", _iota_infer, _iota_reference, None, Elementwise(_iota_body, indexed=True))


def iota(shape: Shape, axis: int, dtype: dtypes.DType) -> Tensor:
    """Every element is its own index along an axis: where it is fused it costs no memory."""
    return iota_op(shape=shape, axis=normal_axis("iota", axis, len(shape)), dtype=dtype)


# --- range ---------------------------------------------------------------------


_AWAY = "delta leads from start away from limit"


def range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range"
) -> Tensor:
    """start, start + delta, ... up to but not including limit; range(n) counts from 0.

    Args:
      start, limit, delta: numbers, or scalar tensors.
      dtype: default the common dtype of the numbers.

    Raises:
      ShapeError: delta is 0 or of the other sign, or a number is not finite; InvalidArgumentError
        where only a run of the program tells. A staged `for` through numbers that only a run
        tells makes no range: a delta of the other sign is no item there, as in TensorFlow.
      ResourceExhaustedError: there is no memory for so many elements.

    Example:
      >>> nf.range(5).numpy().tolist(), nf.range(3.0, 1.0, -0.5).numpy().tolist()
      ([0, 1, 2, 3, 4], [3.0, 2.5, 2.0, 1.5])
    """
    if limit is None:
        start, limit = 0, start
    first, end, step = (
        _known_number(v, n) for v, n in ((start, "start"), (limit, "limit"), (delta, "delta"))
    )
    want = _range_dtype((start, limit, delta)) if dtype is None else dtypes.as_dtype(dtype)
    if not want.is_integer and not want.is_floating:
        raise DTypeError(explain("range", f"does not make {want.name}"))
    if first is None or end is None or step is None:
        return _run_time_range(start, limit, delta, want)
    if isinstance(first, Dim) or isinstance(end, Dim) or isinstance(step, Dim):
        return _symbolic_range(first, end, step, want)
    check_range(first, end, step)
    count = math.ceil((end - first) / step)
    try:
        return current().constant((first + np.arange(count) * step).astype(want.numpy))
    except (MemoryError, ValueError, OverflowError) as e:  # the latter: more than 64 bits count
        problem = f"not enough memory for {count} elements"
        raise ResourceExhaustedError(explain("range", problem, {"limit": end})) from e


def check_range(first: Any, end: Any, step: Any) -> None:
    """That a range of these numbers is one.

    Raises:
      ShapeError: the step is 0 or of the other sign, or a number is not finite.
    """
    if step == 0:
        raise ShapeError(explain("range", "delta is 0"))
    shown = {"start": first, "limit": end, "delta": step}
    if not all(map(math.isfinite, (first, end, step))):
        raise ShapeError(explain("range", "takes finite numbers", shown))
    if first != end and (first < end) is not (step > 0):
        raise ShapeError(explain("range", _AWAY, shown))


def _known_number(value: Any, name: str) -> Any:
    """A Python number, or a Dim, from a number or scalar tensor; None where a trace has none."""
    if isinstance(value, Size):
        return value.dim
    if isinstance(value, int | float | Dim):
        return value
    if hasattr(value, "_weak_tensor"):
        return float(value)  # it becomes a constant of the trace
    tensor = as_tensor(value, None, "range", name)
    if not (tensor.dtype.is_integer or tensor.dtype.is_floating):
        problem = f"{name} is {tensor.dtype.name}, not a real number"
        raise DTypeError(explain("range", problem, {name: tensor.spec}))
    if tensor.spec.rank:
        raise ShapeError(explain("range", f"{name} must be a scalar", {name: tensor.spec}))
    content = known_content(tensor)
    if content is not None:
        return content.reshape(-1)[0]
    known = checks.known_values(tensor)
    return None if known is None else known.item()


def _range_dtype(values: tuple[Any, ...]) -> dtypes.DType:
    kinds = [
        as_tensor(v).dtype for v in values if not (isinstance(v, int) and not isinstance(v, bool))
    ]
    if not kinds:
        return dtypes.int32
    return dtypes.from_numpy(np.result_type(*(k.numpy for k in kinds)))


def _symbolic_range(first: Any, end: Any, step: Any, want: dtypes.DType) -> Tensor:
    if step != 1:
        raise InvalidArgumentError(
            explain(
                "range", f"a range up to an unknown size has steps of 1, not {step}", {"limit": end}
            )
        )
    line = iota((end - first,), 0, want)
    return line if first == 0 else line + maths.cast(shaping.size_tensor(first), want)


def _towards(first: Tensor, end: Tensor, step: Tensor) -> Tensor:
    """step, refused when the program runs if it leads away from end, or a number is not finite."""
    good = selections.where(step > 0, first <= end, first >= end)  # of nan neither holds
    if step.dtype.is_floating:
        whole = first * 0.0 + end * 0.0 + step * 0.0  # 0, or nan where one is not finite
        good = selections.logical_and(good, comparisons.equal(whole, 0.0))
        problem = f"{_AWAY}, or a number is not finite"
    else:
        problem = _AWAY
    good = checks.checked_true(good, "range", problem)
    return selections.where(good, step, shaping.ones_like(step))


def _run_time_range(start: Any, limit: Any, delta: Any, want: dtypes.DType) -> Tensor:
    """A range whose numbers are known when the program runs; a delta of 0 is refused there."""
    wide = dtypes.int64 if want.is_integer else dtypes.float64
    first, end, step = (maths.cast(as_tensor(v), wide) for v in (start, limit, delta))
    if want.is_integer:
        step = _towards(first, end, checks.checked_divisor(step, "range"))
        count = -run_time.quotient_op(first - end, step)
    else:
        sign = checks.checked_divisor(maths.cast(signs.sign(step), dtypes.int64), "range")
        step = _towards(first, end, step)
        steps = (first - end) / (signs.abs(step) * maths.cast(sign, wide))
        count = -maths.cast(run_time.quotient_op(steps, shaping.ones_like(steps)), dtypes.int64)
    (size,) = run_time.sizes_of(count)
    return maths.cast(first + step * maths.cast(iota((size,), 0, dtypes.int64), wide), want)


# --- linspace --------------------------------------------------------------------


def linspace(
    start: TensorLike, stop: TensorLike, num: Any, name: str | None = None, axis: int = 0
) -> Tensor:
    """num numbers from start to stop, both included exactly, at equal distances along a new axis.

    Args:
      start, stop: floating of one dtype and shape (integers become float64).
      num: how many, 0 or more; a number.
      axis: where the new axis goes.

    Raises:
      InvalidArgumentError: num is negative.

    Example:
      >>> nf.linspace(0.0, 1.0, 5).numpy().tolist()
      [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    a, b = operands("linspace", start, stop)
    if a.dtype.is_integer:
        a, b = maths.cast(a, dtypes.float64), maths.cast(b, dtypes.float64)
    count = static_int(num, "linspace", "num", sizes=True)
    if isinstance(count, int) and count < 0:
        raise InvalidArgumentError(explain("linspace", f"num is negative: {count}"))
    k = normal_axis("linspace", static_int(axis, "linspace", "axis"), a.spec.rank + 1)
    a, b = shaping.expand_dims(a, k), shaping.expand_dims(b, k)
    if count == 1:
        return shaping.identity(a)
    shape = static_shape((*a.spec.shape[:k], count, *a.spec.shape[k + 1 :]), "linspace")
    kind = dtypes.int64 if isinstance(count, int) and count > dtypes.int32.max else dtypes.int32
    place = maths.cast(iota(shape, k, kind), a.dtype)
    if isinstance(count, Dim):  # of one number it is the first
        b = selections.where(comparisons.equal(shaping.size_tensor(count), 1), a, b)
    gaps = maths.cast(shaping.size_tensor(maximum(count - 1, 1), kind), a.dtype)
    step = (b - a) / gaps
    last = comparisons.equal(iota(shape, k, kind), shaping.size_tensor(count - 1, kind))
    return selections.where(last, b, a + step * place)


# --- one_hot, eye ------------------------------------------------------------------


@composites_too
def one_hot(
    indices: TensorLike,
    depth: Any,
    on_value: TensorLike = None,
    off_value: TensorLike = None,
    axis: Any = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """on_value where a new axis's index equals the element of indices, else off_value.

    Args:
      indices: integers [...]; one outside [0, depth) gives off_value only.
      depth: size of the new axis.
      on_value, off_value: scalars, default 1 and 0.
      axis: where the new axis goes, default last.
      dtype: default that of on_value or off_value, else float32.

    Raises:
      DTypeError: indices are not integers, or the values differ in dtype.
      ShapeError: depth is negative, or there is no such axis.

    Example:
      >>> nf.one_hot([1, 3], 3).numpy().tolist()
      [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    x = as_tensor(indices, None, "one_hot", "indices")
    if not x.dtype.is_integer:
        raise DTypeError(
            explain("one_hot", f"indices is {x.dtype.name}, not an integer", {"indices": x.spec})
        )
    count = static_size(depth, "one_hot", "depth")
    given = [v for v in (on_value, off_value) if v is not None]
    want = dtypes.as_dtype(dtype) if dtype is not None else None
    if want is None:
        want = as_tensor(given[0]).dtype if given else dtypes.float32
    on = as_tensor(
        1 if on_value is None else on_value,
        None if on_value is not None and dtype is None else want,
        "one_hot",
        "on_value",
    )
    off = as_tensor(0 if off_value is None else off_value, on.dtype, "one_hot", "off_value")
    at = -1 if axis is None else static_int(axis, "one_hot", "axis")
    k = normal_axis("one_hot", at, x.spec.rank + 1)
    if x.dtype.size < 4:  # an index past the limits of a small dtype must not wrap around
        x = maths.cast(x, dtypes.int32)
    shape = static_shape((*x.spec.shape[:k], count, *x.spec.shape[k:]), "one_hot")
    return selections.where(
        comparisons.equal(shaping.expand_dims(x, k), iota(shape, k, x.dtype)), on, off
    )


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Ones on the diagonal, zeros elsewhere.

    Args:
      num_rows, num_columns: sizes; columns default to rows.
      batch_shape: sizes in front, along which the matrix is repeated.
      dtype: of the result.

    Raises:
      ShapeError: a size is negative.

    Example:
      >>> nf.eye(2).numpy().tolist()
      [[1.0, 0.0], [0.0, 1.0]]
    """
    rows = static_size(num_rows, "eye", "num_rows")
    columns = rows if num_columns is None else static_size(num_columns, "eye", "num_columns")
    batch = () if batch_shape is None else static_shape(batch_shape, "eye", "batch_shape")
    want = dtypes.as_dtype(dtype)
    shape = (*batch, rows, columns)
    diagonal = comparisons.equal(iota(shape, -2, dtypes.int64), iota(shape, -1, dtypes.int64))
    return maths.cast(diagonal, want)


# --- meshgrid ------------------------------------------------------------------------


def meshgrid(*args: TensorLike, indexing: str = "xy", name: str | None = None) -> list[Tensor]:
    """Coordinates of a grid: each vector repeated along the axes of the others.

    Args:
      args: vectors.
      indexing: "xy" (the first vector varies along axis 1) or "ij".

    Raises:
      ValueError: another indexing.
      ShapeError: an argument is not a vector.

    Example:
      >>> [t.numpy().tolist() for t in nf.meshgrid([1, 2], [3, 4, 5])]
      [[[1, 2], [1, 2], [1, 2]], [[3, 3], [4, 4], [5, 5]]]
    """
    if not isinstance(indexing, str) or indexing not in ("xy", "ij"):
        raise ValueError(explain("meshgrid", f"no indexing {indexing!r}", fix='"xy" or "ij"'))
    vectors = [as_tensor(v, None, "meshgrid", f"args[{k}]") for k, v in enumerate(args)]
    for k, v in enumerate(vectors):
        if v.spec.rank > 1:
            raise ShapeError(explain("meshgrid", "takes vectors", {f"args[{k}]": v.spec}))
    order = [int(k) for k in np.arange(len(vectors))]
    if indexing == "xy" and len(order) > 1:
        order[0], order[1] = 1, 0
    shape = [vectors[k].spec.size for k in order]
    out = []
    for k, v in enumerate(vectors):
        line: list[Extent] = [1] * len(vectors)
        line[order.index(k)] = v.spec.size
        out.append(shaping.broadcast_to(shaping.reshape(v, line), shape))
    return out
