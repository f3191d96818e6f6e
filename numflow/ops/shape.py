"""The same elements, arranged anew: reshape, transpose, broadcast, concat, stack, split; fills.

Most of these are views: the compiler reads through strides and emits no code for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, explain
from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.lowering import Layout, View, dense
from numflow.graph.op import Attrs, Backward, Op, composites_too, current
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import plain
from numflow.ops import reduce as reductions
from numflow.ops.conjugate import conj
from numflow.ops.convert import as_tensor, sizes, static_int, static_ints, static_shape
from numflow.ops.shape_rules import normal_axes, normal_axis
from numflow.shapes import Extent, Shape, UnknownSizeError, divide, product
from numflow.shapes import run_time as depends_on_values

# --- reshape -----------------------------------------------------------------


def _reshape_infer(x: Spec, *, shape: Shape, same: int | None = None) -> Spec:
    """same: an axis of which only the name of its size changes; its plan compares the numbers."""
    have, want = x.size, product(shape)
    if have != want and isinstance(have, int) and isinstance(want, int):
        raise ShapeError(
            explain(
                "reshape",
                f"{have} elements do not become {want}",
                {"tensor": x, "shape": list(shape)},
            )
        )
    return Spec(shape, x.dtype)


def _see_reshaped(layout: Layout, out: Spec, attrs: Attrs) -> Layout | None:
    if layout.contiguous:
        return Layout(out.shape, dense(out.shape))
    kept = [(n, s) for n, s in zip(layout.shape, layout.strides, strict=True) if n != 1]
    if [n for n, _ in kept] != [n for n in out.shape if n != 1]:
        return None
    steps = iter(kept)
    return Layout(
        out.shape, tuple(next(steps)[1] if n != 1 else 0 for n in out.shape), layout.offset
    )


def _reshape_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return (reshape_op(g.ct, shape=g.inputs[0].spec.shape),)


reshape_op = Op(
    "reshape",
    _reshape_infer,
    lambda x, *, shape, same=None: np.reshape(x, shape),
    _reshape_vjp,
    View(_see_reshaped),
)


def reshape(tensor: TensorLike, shape: Any, name: str | None = None) -> Tensor:
    """The same elements, in order, in another shape; one size may be -1 and is then worked out.

    Raises:
      ShapeError: the number of elements differs, or -1 stands twice.

    Example:
      >>> nf.reshape([[1, 2, 3], [4, 5, 6]], [3, -1]).numpy().tolist()
      [[1, 2], [3, 4], [5, 6]]
    """
    x = as_tensor(tensor, None, "reshape", "tensor")
    in_a_row = getattr(x, "in_a_row", None)
    row = in_a_row and in_a_row()
    if row is not None:  # of the result of Python code, which has no shape so far
        x = row
    want = list(static_ints(shape, "reshape", "shape", sizes=True))
    free = [k for k, n in enumerate(want) if isinstance(n, int) and n == -1]
    if len(free) > 1 or any(isinstance(n, int) and n < -1 for n in want):
        raise ShapeError(
            explain(
                "reshape", "only one size may be -1, none less", {"tensor": x.spec, "shape": want}
            )
        )
    if free:
        rest = product(n for k, n in enumerate(want) if k != free[0])
        size: Extent | None
        if rest == 0:
            size = _beside_zeros(x.spec.shape, want) if x.spec.size == 0 else None
        else:
            size = divide(x.spec.size, rest)
            if size is None and (depends_on_values(rest) or depends_on_values(x.spec.size)):
                size = x.spec.size // rest  # a plan checks that nothing is left
        if size is None:
            raise ShapeError(
                explain(
                    "reshape",
                    f"{x.spec.size} elements do not divide by {rest}",
                    {"tensor": x.spec, "shape": want},
                )
            )
        want[free[0]] = size
    return x if tuple(want) == x.spec.shape else reshape_op(x, shape=tuple(want))


def _beside_zeros(have: Shape, want: Sequence[Extent]) -> Extent:
    """What -1 stands for beside a 0, where any size would do: as if the zeros were left out."""
    left, others = (product(n for n in shape if n not in (0, -1)) for shape in (have, want))
    found = divide(left, others)
    return left // others if found is None else found


@composites_too
def expand_dims(input: TensorLike, axis: Any = None, name: str | None = None) -> Tensor:
    """input with an axis of size 1 put in at `axis` (negative: from the end of the result).

    Example:
      >>> nf.expand_dims([1, 2], 0).shape
      TensorShape([1, 2])
    """
    x = as_tensor(input, None, "expand_dims", "input")
    at = static_int(axis, "expand_dims", "axis")
    k = normal_axis("expand_dims", at, x.spec.rank + 1)
    return reshape_op(x, shape=(*x.spec.shape[:k], 1, *x.spec.shape[k:]))


def squeeze(x: Tensor, axis: Any) -> Tensor:
    """x without these axes of size 1; slicing.py has what users call.

    Raises:
      ShapeError: one is not of size 1.
    """
    gone = set(normal_axes("squeeze", static_ints(axis, "squeeze", "axis"), x.spec.rank))
    for k in sorted(gone):
        n, shape = x.spec.shape[k], x.spec.shape
        if depends_on_values(n):  # the plan of a call checks that it is 1
            x = reshape_op(x, shape=(*shape[:k], 1, *shape[k + 1 :]), same=k)
        elif n != 1:
            problem = f"axis {k} has size {n}, not 1"
            raise ShapeError(explain("squeeze", problem, {"input": x.spec}))
    shape = x.spec.shape
    return reshape_op(x, shape=tuple(n for k, n in enumerate(shape) if k not in gone))


# --- transpose ---------------------------------------------------------------


def _transpose_infer(x: Spec, *, perm: tuple[int, ...]) -> Spec:
    return Spec(tuple(x.shape[p] for p in perm), x.dtype)


def _see_transposed(layout: Layout, out: Spec, attrs: Attrs) -> Layout:
    return Layout(out.shape, tuple(layout.strides[p] for p in attrs["perm"]), layout.offset)


def _transpose_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return (transpose_op(g.ct, perm=tuple(int(p) for p in np.argsort(g.attrs["perm"]))),)


transpose_op = Op(
    "transpose",
    _transpose_infer,
    lambda x, *, perm: np.transpose(x, perm),
    _transpose_vjp,
    View(_see_transposed),
)


def transpose(
    a: TensorLike, perm: Any = None, conjugate: bool = False, name: str = "transpose"
) -> Tensor:
    """a with its axes in the order perm; None: reversed. conjugate: complex conjugates of it.

    Raises:
      ShapeError: perm is not an order of a's axes.

    Example:
      >>> nf.transpose([[1, 2], [3, 4]]).numpy().tolist()
      [[1, 3], [2, 4]]
    """
    x = as_tensor(a, None, "transpose", "a")
    rank = x.spec.rank
    named = tuple(range(rank))[::-1] if perm is None else static_ints(perm, "transpose", "perm")
    order = tuple(normal_axis("transpose", p, rank, "perm") for p in named)
    if sorted(order) != list(range(rank)):
        raise ShapeError(
            explain(
                "transpose", "perm does not name each axis once", {"a": x.spec, "perm": list(named)}
            )
        )
    if plain.flag(conjugate, "transpose", "conjugate") and x.dtype.is_complex:
        x = conj(x)
    return x if order == tuple(range(rank)) else transpose_op(x, perm=order)


# --- broadcast_to, fills -----------------------------------------------------


def _broadcast_infer(x: Spec, *, shape: Shape) -> Spec:
    meeting = [(n, m) for n, m in zip(x.shape[::-1], shape[::-1], strict=False) if n not in (1, m)]
    if len(shape) < len(x.shape) or meeting:
        if meeting and all(_may_turn_out_equal(n, m) for n, m in meeting):
            raise UnknownSizeError(f"broadcast_to: sizes {meeting} meet")
        raise ShapeError(
            explain(
                "broadcast_to", "the shape does not broadcast", {"input": x, "shape": list(shape)}
            )
        )
    return Spec(shape, x.dtype)


def _may_turn_out_equal(n: Extent, m: Extent) -> bool:
    """Whether only values tell; not of a size of a call, which may be 1: it is traced by itself."""
    return depends_on_values(n) or (isinstance(n, int) and depends_on_values(m))


def _see_broadcast(layout: Layout, out: Spec, attrs: Attrs) -> Layout:
    extra = len(out.shape) - len(layout.shape)
    strides = [0 if n == 1 else s for n, s in zip(layout.shape, layout.strides, strict=True)]
    return Layout(out.shape, (*(0 for _ in range(extra)), *strides), layout.offset)


def _broadcast_vjp(g: Backward) -> tuple[Tensor | None, ...]:
    return (reductions.sum_to(g.ct, g.inputs[0]),)


def _broadcast_reference(x: Any, *, shape: Any) -> Any:
    if x.size == 1 and x.dtype != object and not any(x.tobytes()):
        return np.zeros(shape, x.dtype)  # memory that is not touched before it is read
    return np.broadcast_to(x, shape).copy()


broadcast_op = Op(
    "broadcast_to",
    _broadcast_infer,
    _broadcast_reference,
    _broadcast_vjp,
    View(_see_broadcast),
)


def broadcast_to(input: TensorLike, shape: Any, name: str | None = None) -> Tensor:
    """input repeated along axes of size 1, and new axes in front, up to shape.

    Raises:
      ShapeError: a size is neither 1 nor the one asked for.

    Example:
      >>> nf.broadcast_to([1, 2], [2, 2]).numpy().tolist()
      [[1, 2], [1, 2]]
    """
    x = as_tensor(input, None, "broadcast_to", "input")
    want = static_shape(shape, "broadcast_to")
    return x if want == x.spec.shape else broadcast_op(x, shape=want)


def fill(dims: Any, value: TensorLike, name: str | None = None, layout: Any = None) -> Tensor:
    """A tensor of shape dims, every element value.

    Example:
      >>> nf.fill([2, 2], 7).numpy().tolist()
      [[7, 7], [7, 7]]
    """
    x = as_tensor(value, None, "fill", "value")
    if x.spec.rank:
        raise ShapeError(explain("fill", "value must be a scalar", {"value": x.spec}))
    return broadcast_op(x, shape=static_shape(dims, "fill", "dims"))


def zeros(
    shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None
) -> Tensor:
    """A tensor of zeros.

    Example:
      >>> nf.zeros([2]).numpy().tolist()
      [0.0, 0.0]
    """
    return _filled(shape, 0, dtype, "zeros")


def ones(
    shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None
) -> Tensor:
    """A tensor of ones.

    Example:
      >>> nf.ones([2], nf.int32).numpy().tolist()
      [1, 1]
    """
    return _filled(shape, 1, dtype, "ones")


def _filled(shape: Any, value: int, dtype: Any, op: str) -> Tensor:
    want = dtypes.as_dtype(dtype)
    if want is dtypes.string and value:
        raise DTypeError(explain(op, "there is no text that is 1"))
    scalar = current().constant(np.array(b"" if want is dtypes.string else value, want.numpy))
    return broadcast_op(scalar, shape=static_shape(shape, op))


@composites_too
def zeros_like(
    input: TensorLike, dtype: Any = None, name: str | None = None, layout: Any = None
) -> Tensor:
    """Zeros, of input's shape and, unless another is given, dtype.

    Example:
      >>> nf.zeros_like([1.5, 2.5]).numpy().tolist()
      [0.0, 0.0]
    """
    x = as_tensor(input, None, "zeros_like", "input")
    return _filled(x.spec.shape, 0, dtype or x.dtype, "zeros_like")


@composites_too
def ones_like(
    input: TensorLike, dtype: Any = None, name: str | None = None, layout: Any = None
) -> Tensor:
    """Ones, of input's shape and, unless another is given, dtype.

    Example:
      >>> nf.ones_like([1.5, 2.5]).numpy().tolist()
      [1.0, 1.0]
    """
    x = as_tensor(input, None, "ones_like", "input")
    return _filled(x.spec.shape, 1, dtype or x.dtype, "ones_like")


# --- identity, stop_gradient -------------------------------------------------


def _see_same(layout: Layout, out: Spec, attrs: Attrs) -> Layout:
    return layout


identity_op = Op("identity", lambda x: x, lambda x: x, lambda g: (g.ct,), View(_see_same))
stop_gradient_op = Op("stop_gradient", lambda x: x, lambda x: x, lambda g: (None,), View(_see_same))


@composites_too
def identity(input: TensorLike, name: str | None = None) -> Tensor:
    """The same value as a tensor of its own.

    Example:
      >>> nf.identity([1, 2]).numpy().tolist()
      [1, 2]
    """
    if isinstance(input, IndexedSlices):
        return input.map(identity)  # type: ignore[return-value]
    return identity_op(as_tensor(input, None, "identity", "input"))


def stop_gradient(input: TensorLike, name: str | None = None) -> Tensor:
    """The same value, through which no gradient flows.

    Example:
      >>> nf.stop_gradient([1, 2]).numpy().tolist()
      [1, 2]
    """
    if isinstance(input, IndexedSlices):
        return input.map(stop_gradient)  # type: ignore[return-value]
    return stop_gradient_op(as_tensor(input, None, "stop_gradient", "input"))


# --- shape, size, rank -------------------------------------------------------


def shape(input: TensorLike, out_type: Any = None, name: str | None = None) -> Tensor:
    """The shape as int32 [rank] (out_type: int64).

    Example:
      >>> nf.shape([[1, 2, 3]]).numpy().tolist()
      [1, 3]
    """
    x = as_tensor(input, None, "shape", "input")
    return sizes(x.spec.shape, dtypes.as_dtype(out_type or dtypes.int32))


@composites_too
def size(input: TensorLike, out_type: Any = None, name: str | None = None) -> Tensor:
    """The number of elements, an int32 scalar (out_type: int64).

    Example:
      >>> nf.size([[1, 2, 3]]).numpy().item()
      3
    """
    x = as_tensor(input, None, "size", "input")
    return size_tensor(x.spec.size, dtypes.as_dtype(out_type or dtypes.int32))


def size_tensor(n: Extent, dtype: dtypes.DType = dtypes.int32) -> Tensor:
    """A size as a scalar tensor."""
    return reshape_op(sizes([n], dtype), shape=())


@composites_too
def rank(input: TensorLike, name: str | None = None) -> Tensor:
    """The number of axes, an int32 scalar.

    Example:
      >>> nf.rank([[1, 2, 3]]).numpy().item()
      2
    """
    return as_tensor(as_tensor(input, None, "rank", "input").spec.rank, dtypes.int32)
