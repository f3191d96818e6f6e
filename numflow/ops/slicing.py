"""Parts of a tensor by begin, size and step, and its inverse; indexing with numbers and slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, IndexRangeError, ShapeError, UnimplementedError, explain
from numflow.graph.building import SymbolicTensor
from numflow.graph.lowering import Assemble, Layout, View
from numflow.graph.op import Attrs, Backward, Op, composites_too
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import creation, indexing, plain, run_time
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int, static_ints
from numflow.shapes import Dim, Extent, Shape, Size, as_extent, maximum, minimum
from numflow.shapes import run_time as depends_on_values

# --- slice: begin, stride, shape ---------------------------------------------


def _slice_infer(x: Spec, *, begin: Shape, stride: tuple[int, ...], shape: Shape) -> Spec:
    return Spec(shape, x.dtype)


def _window(begin: Any, stride: Any, shape: Any) -> tuple[Any, ...]:
    """NumPy's slices for begin, stride and size per axis."""
    out = []
    for b, s, n in zip(begin, stride, shape, strict=True):
        end = b + s * n
        out.append(_SLICE(b, None if end < 0 else end, s) if n else _SLICE(0, 0))
    return tuple(out)


def _slice_reference(x: Any, *, begin: Any, stride: Any, shape: Any) -> Any:
    return x[_window(begin, stride, shape)]


def _see_slice(layout: Layout, out: Spec, attrs: Attrs) -> Layout:
    offset = layout.offset
    for b, s in zip(attrs["begin"], layout.strides, strict=True):
        offset = offset + b * s
    strides = tuple(s * step for s, step in zip(layout.strides, attrs["stride"], strict=True))
    return Layout(out.shape, strides, offset)


def _slice_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    whole = g.inputs[0].spec.shape
    return (unslice_op(g.ct, begin=g.attrs["begin"], stride=g.attrs["stride"], shape=whole),)


slice_op = Op("slice", _slice_infer, _slice_reference, _slice_vjp, View(_see_slice))


def at_least(x: Tensor, axis: int, n: int) -> None:
    """Let plans refuse an x that has fewer than n elements along an axis of unknown size.

    What is refused is traced again with exact sizes, and so finds its message. A slice that nobody
    reads says so: it costs nothing (codegen/segments.py, `assumed`).
    """
    begin, shape = [0] * x.spec.rank, list(x.spec.shape)
    begin[axis], shape[axis] = n - 1, 1
    slice_op(x, begin=tuple(begin), stride=(1,) * len(begin), shape=tuple(shape))


@composites_too
def squeeze(input: TensorLike, axis: Any = None, name: str | None = None) -> Tensor:
    """input without its axes of size 1, or without those named.

    In a function an axis whose size depends on values stays, unless it is named.

    Raises:
      ShapeError: a named axis is not of size 1.

    Example:
      >>> nf.squeeze([[[1], [2]]]).shape
      TensorShape([2])
    """
    x = as_tensor(input, None, "squeeze", "input")
    if axis is None or (isinstance(axis, list | tuple) and not axis):
        axis = []
        for k, n in enumerate(x.spec.shape):
            if n == 1:
                axis.append(k)
            elif isinstance(n, Dim) and not depends_on_values(n):
                at_least(x, k, 2)  # an axis of 1 gets a trace of its own
    return shaping.squeeze(x, axis)


def slice(input_: TensorLike, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """The part that begins at begin and has the sizes given; -1: up to the end.

    Raises:
      IndexRangeError: the part is not inside input_.

    Example:
      >>> nf.slice([[1, 2, 3], [4, 5, 6]], [0, 1], [-1, 2]).numpy().tolist()
      [[2, 3], [5, 6]]
    """
    x = as_tensor(input_, None, "slice", "input_")
    lengths = static_ints(size, "slice", "size", sizes=True)
    late = run_time.unknown(begin)
    if late is not None:
        return _moving(x, late, lengths)
    starts = static_ints(begin, "slice", "begin", sizes=True)
    shown = {"input_": x.spec, "begin": list(starts), "size": list(lengths)}
    if not len(starts) == len(lengths) == x.spec.rank:
        raise ShapeError(explain("slice", f"begin and size need {x.spec.rank} numbers", shown))
    out: list[Extent] = []
    for b, n, whole in zip(starts, lengths, x.spec.shape, strict=True):
        rest = whole - b
        n = rest if isinstance(n, int) and n == -1 else n
        numbers = all(isinstance(v, int) for v in (b, n, whole))
        if (
            (isinstance(b, int) and b < 0)
            or (isinstance(n, int) and n < 0)
            or (numbers and b + n > whole)
        ):
            raise IndexRangeError(explain("slice", "the part is not inside", shown))
        out.append(n)
    return slice_op(x, begin=tuple(starts), stride=(1,) * len(out), shape=tuple(out))


def _moving(x: Tensor, begin: Tensor, lengths: Sequence[Extent]) -> Tensor:
    """A slice that begins where a tensor says that has no value yet: gathered, so that one plan
    serves wherever it begins. An index outside is refused."""
    shown = {"input_": x.spec, "begin": begin.spec, "size": list(lengths)}
    if not begin.spec.shape == (len(lengths),) == (x.spec.rank,):
        raise ShapeError(explain("slice", f"begin and size need {x.spec.rank} numbers", shown))
    out = x
    for k, (n, whole) in enumerate(zip(lengths, x.spec.shape, strict=True)):
        first = run_time.scalar("slice", getitem(begin, k), "begin")
        if isinstance(n, int) and n == -1:
            (n,) = run_time.sizes_of(shaping.size_tensor(whole, dtypes.int64) - first)
        if isinstance(n, int) and n < 0:
            raise IndexRangeError(explain("slice", "the part is not inside", shown))
        out = indexing.gather(out, first + creation.iota((n,), 0, dtypes.int64), axis=k)
    return out


# --- unslice: zeros with x written into a part -------------------------------


def _unslice_reference(x: Any, *, begin: Any, stride: Any, shape: Any) -> Any:
    out = np.zeros(shape, x.dtype)
    out[_window(begin, stride, x.shape)] = x
    return out


def _unslice_place(specs: Sequence[Spec], out: Spec, attrs: Attrs) -> list[Any]:
    return [(attrs["begin"], attrs["stride"])]


def _unslice_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return (
        slice_op(
            g.ct, begin=g.attrs["begin"], stride=g.attrs["stride"], shape=g.inputs[0].spec.shape
        ),
    )


unslice_op = Op(
    "unslice",
    _slice_infer,
    _unslice_reference,
    _unslice_vjp,
    Assemble(_unslice_place, fill=lambda attrs: 0),
)

# --- x[...] ------------------------------------------------------------------


def _is_written_as_list(key: Any) -> bool:
    """Whether key is a list of indices of one axis each: x[[0, 1]] is x[0, 1], as in TensorFlow."""
    return isinstance(key, list) and not any(isinstance(k, list | bool) for k in key)


def getitem(x: TensorLike, key: Any) -> Tensor:
    """x[key]: numbers, slices, Ellipsis, None; arrays and tensors of indices go to indexing.py.

    A list of such is what a tuple of them is, as in TensorFlow; a list of bools is a mask.

    Raises:
      IndexRangeError: a number is outside its axis.
      ShapeError: more indices than axes, or more than one `...`.
      DTypeError: an index is no integer, slice, ..., None or tensor.
    """
    x = as_tensor(x, None, "getitem", "x")
    keys = list(key) if isinstance(key, tuple) or _is_written_as_list(key) else [key]
    keys = [k if k is None or type(k) is int else _read(k) for k in keys]
    if any(indexing.is_array(k) for k in keys):
        return indexing.getitem(x, keys)
    named = sum(k is not None and k is not Ellipsis for k in keys)
    if len([k for k in keys if k is Ellipsis]) > 1:
        raise ShapeError(explain("getitem", "more than one ...", {"tensor": x.spec, "index": key}))
    if named > x.spec.rank:
        raise ShapeError(
            explain(
                "getitem",
                f"{named} indices for {x.spec.rank} axes",
                {"tensor": x.spec, "index": key},
            )
        )
    if Ellipsis in [k for k in keys if k is Ellipsis]:
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        keys[at : at + 1] = [_ALL] * (x.spec.rank - named)
    else:
        keys += [_ALL] * (x.spec.rank - named)
    begin: list[Extent] = []
    stride: list[int] = []
    cut: list[Extent] = []
    final: list[Extent] = []
    for k in keys:
        if k is None:
            final.append(1)
            continue
        n = x.spec.shape[len(begin)]
        b: Extent = 0
        if isinstance(k, _SLICE) and any(map(_waits, (k.start, k.stop))):
            each = 1 if k.step is None else _step(k)
            chosen, m = run_time.span("getitem", k.start, k.stop, each, n)
            x = indexing.gather(x, chosen, axis=len(begin))
            s = 1
            final.append(m)
        elif isinstance(k, _SLICE):
            b, s, m = _resolve(k, n)
            final.append(m)
        else:
            b, s, m = _position(k, n, len(begin), x), 1, 1
        begin.append(b)
        stride.append(s)
        cut.append(m)
    whole = all(s == 1 for s in stride) and tuple(cut) == x.spec.shape
    part = x if whole else slice_op(x, begin=tuple(begin), stride=tuple(stride), shape=tuple(cut))
    return part if tuple(final) == part.spec.shape else shaping.reshape_op(part, shape=tuple(final))


_SLICE = type(np.s_[:])
_ALL = _SLICE(None)


def _read(k: Any) -> Any:
    """Variables as the tensors that they are now, among the bounds of a slice, too."""
    if isinstance(k, _SLICE):
        bounds = k.start, k.stop, k.step
        return _SLICE(*map(_read, bounds)) if any(hasattr(v, "_as_tensor") for v in bounds) else k
    return as_tensor(k) if hasattr(k, "_as_tensor") else k


def _resolve(k: Any, n: Extent) -> tuple[Extent, int, Extent]:
    """(begin, step, size) of a slice over an axis of size n."""
    step = 1 if k.step is None else _step(k)
    if isinstance(n, int) and all(
        v is None or isinstance(_number(v), int) for v in (k.start, k.stop)
    ):
        start, stop = (None if v is None else _number(v) for v in (k.start, k.stop))
        b, e, s = _SLICE(start, stop, step).indices(n)
        return b, s, len(range(b, e, s))
    bounds = [None if v is None else _number(v) for v in (k.start, k.stop)]
    if bounds == [None, None]:  # all of it keeps its size, by name
        width = abs(step)
        return (0 if step > 0 else n - 1), step, (n + (width - 1)) // width
    if any(v is not None and depends_on_values(v) for v in (n, *bounds)):
        return _clamped(bounds[0], bounds[1], step, n)
    # An unknown size: as if all that is named were inside. A plan that finds it is not refuses, and
    # these sizes get a trace of their own (UnfitSizeError).
    start, stop = bounds
    if step < 0:
        int(Size(n) if isinstance(n, Dim) else n)  # traces again with exact sizes
    first: Extent = 0 if start is None else start
    last: Extent = n if stop is None else stop
    first, last = (n + at if isinstance(at, int) and at < 0 else at for at in (first, last))
    count = (last - first + (step - 1)) // step
    return first, step, max(count, 0) if isinstance(count, int) else count


def _clamped(start: Any, stop: Any, step: int, n: Extent) -> tuple[Extent, int, Extent]:
    """As _resolve, for sizes that only a plan tells: what is out of range is clipped there."""
    low, high = (0, n) if step > 0 else (-1, n - 1)

    def bound(at: Any, default: Extent) -> Extent:
        if at is None:
            return default
        if isinstance(at, Dim):  # from the end where it turns out to be negative
            at = at + n * (1 - minimum(maximum(at + 1, 0), 1))
        elif at < 0:
            at = at + n
        return minimum(maximum(at, low), high)

    first = bound(start, low if step > 0 else high)
    last = bound(stop, high if step > 0 else low)
    if step > 0:
        return first, step, maximum((last - first + (step - 1)) // step, 0)
    return first, step, maximum((first - last + (-step - 1)) // -step, 0)


def _waits(v: Any) -> bool:
    """Whether a bound of a slice is a tensor of a trace that has no value yet."""
    return isinstance(v, SymbolicTensor) and v.content is None


def _step(k: Any) -> int:
    """The step of a slice."""
    step = _number(k.step)
    if not isinstance(step, int) or step == 0:
        raise ShapeError(
            explain("getitem", f"the step of a slice must be a number other than 0, not {k.step}")
        )
    return step


def _number(v: Any) -> Extent:
    if isinstance(v, Tensor):
        if not v.dtype.is_integer:
            problem = f"an index is {v.dtype.name}, not an integer"
            raise DTypeError(explain("getitem", problem, {"index": v.spec}))
        return static_int(v, "getitem", "index")
    if isinstance(v, bool) or not (isinstance(v, Dim | Size) or hasattr(v, "__index__")):
        problem = f"an index is an integer, a slice, ..., None or a tensor, not {v!r}"
        raise DTypeError(explain("getitem", problem))
    return as_extent(v)


def _position(k: Any, n: Extent, axis: int, x: Tensor) -> Extent:
    at = _number(k)
    if isinstance(at, int) and isinstance(n, int):
        if not -n <= at < n:
            raise IndexRangeError(
                explain(
                    "getitem",
                    f"index {at} is out of range for axis {axis} of size {n}",
                    {"tensor": x.spec},
                )
            )
        return at + n if at < 0 else at
    return n + at if isinstance(at, int) and at < 0 else at


# --- strided_slice -----------------------------------------------------------


def strided_slice(
    input_: TensorLike,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: None = None,
    name: str | None = None,
) -> Tensor:
    """input_[begin[0]:end[0]:strides[0], ...]. Bit i of a mask is about entry i of the three lists.

    Args:
      input_: any dtype.
      begin, end, strides: integers, as many of each; strides: default 1.
      begin_mask, end_mask: the entry's begin or end is left out, as in x[:3] and x[3:].
      ellipsis_mask: the entry stands for `...`.
      new_axis_mask: the entry stands for a new axis of size 1.
      shrink_axis_mask: the entry is the number begin: its axis goes.
      var: not served: None.

    Raises:
      ShapeError: the lists differ in length; more entries than axes; a stride of 0.
      IndexRangeError: a number is outside its axis.
      UnimplementedError: var is given.

    Example:
      >>> nf.strided_slice([1, 2, 3, 4, 5], [0], [4], [2]).numpy().tolist()
      [1, 3]
      >>> nf.strided_slice([[1, 2], [3, 4]], [1, 0], [0, 0], shrink_axis_mask=1, end_mask=2).shape
      TensorShape([2])
    """
    op = "strided_slice"
    if var is not None:
        problem = "var is not served: a part of a variable is assigned through the variable"
        raise UnimplementedError(explain(op, problem))
    starts, stops = static_ints(begin, op, "begin"), static_ints(end, op, "end")
    steps = [1] * len(starts) if strides is None else static_ints(strides, op, "strides")
    shown = {"begin": list(starts), "end": list(stops), "strides": list(steps)}
    if not len(starts) == len(stops) == len(steps):
        raise ShapeError(explain(op, "begin, end and strides differ in length", shown))
    begin_mask, end_mask = (
        plain.whole(begin_mask, op, "begin_mask"),
        plain.whole(end_mask, op, "end_mask"),
    )
    ellipsis_mask = plain.whole(ellipsis_mask, op, "ellipsis_mask")
    new_axis_mask = plain.whole(new_axis_mask, op, "new_axis_mask")
    shrink_axis_mask = plain.whole(shrink_axis_mask, op, "shrink_axis_mask")
    keys: list[Any] = []
    for i, (b, e, s) in enumerate(zip(starts, stops, steps, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            keys.append(Ellipsis)
        elif new_axis_mask & bit:
            keys.append(None)
        elif shrink_axis_mask & bit:
            keys.append(b)
        else:
            first, last = None if begin_mask & bit else b, None if end_mask & bit else e
            keys.append(_SLICE(first, last, s))
    return getitem(as_tensor(input_, None, op, "input_"), tuple(keys))
