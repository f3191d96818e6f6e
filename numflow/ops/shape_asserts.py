"""Assertions about ranks, shapes and dtypes: decided while a function is traced.

A trace knows every rank and dtype. A size may be a symbol there: what depends on its number becomes
a check that runs with the program (assert_shapes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, ShapeError, user_line
from numflow.graph.operation import Operation
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, plain
from numflow.ops import shape as shaping
from numflow.ops.assertion import Claim, claim_holds, no_operation
from numflow.ops.convert import dense_tensor, sizes, static_ints
from numflow.shapes import Extent


def _text(message: str | None, problem: str) -> str:
    line = user_line()
    text = f"{message}.  {problem}" if message else problem
    return text if line is None else f"{text}\n  at {line}"


def _named(x: Tensor) -> str:
    return f"Tensor {getattr(x, 'name', '')}"


def _shown(x: Tensor) -> str:
    sizes_ = ", ".join(map(str, x.spec.shape))
    return f"({sizes_}{',' if x.ndim == 1 else ''})"


# --- rank --------------------------------------------------------------------


def assert_rank(
    x: TensorLike, rank: Any, message: str | None = None, name: str | None = None
) -> Operation | None:
    """Refuse x unless it has that number of axes.

    Args:
      rank: an integer, known when traced.

    Raises:
      ShapeError (a ValueError): it has not; while tracing, in a traced function.

    Example:
      >>> nf.debugging.assert_rank([[1, 2]], 2)
    """
    return _ranked("assert_rank", x, [rank], lambda n, r: n == r[0], "rank {}", message)


def assert_rank_at_least(
    x: TensorLike, rank: Any, message: str | None = None, name: str | None = None
) -> Operation | None:
    """Refuse x unless it has that number of axes, or more; as assert_rank otherwise.

    Example:
      >>> nf.debugging.assert_rank_at_least([[1, 2]], 1)
    """
    return _ranked(
        "assert_rank_at_least", x, [rank], lambda n, r: n >= r[0], "rank at least {}", message
    )


def assert_rank_in(
    x: TensorLike, ranks: Iterable[Any], message: str | None = None, name: str | None = None
) -> Operation | None:
    """Refuse x unless its number of axes is one of ranks; as assert_rank otherwise.

    Example:
      >>> nf.debugging.assert_rank_in([[1, 2]], (1, 2))
    """
    return _ranked(
        "assert_rank_in",
        x,
        plain.items(ranks, "assert_rank_in", "ranks"),
        lambda n, r: n in r,
        "rank in {}",
        message,
    )


def _ranked(
    op: str, x: TensorLike, ranks: list[Any], fits: Any, wanted: str, message: str | None
) -> Operation | None:
    tensor = dense_tensor(x, None, op, "x")
    numbers: list[int] = []
    for r in ranks:
        rank = dense_tensor(r, None, op, "rank")
        if rank.ndim:
            raise ShapeError(_text(message, f"{op}: the rank is no scalar, but {rank.spec}"))
        if not rank.dtype.is_integer:
            raise DTypeError(_text(message, f"{op}: the rank is {rank.dtype.name}, not an integer"))
        numbers += [int(n) for n in static_ints(rank, op, "rank")]
    if not fits(tensor.ndim, numbers):
        shown = wanted.format(tuple(numbers) if op == "assert_rank_in" else numbers[0])
        raise ShapeError(
            _text(
                message,
                f"{_named(tensor)} must have {shown}.  Received rank {tensor.ndim}, "
                f"shape {_shown(tensor)}",
            )
        )
    return no_operation(op)


def assert_scalar(
    tensor: TensorLike, message: str | None = None, name: str | None = None
) -> Tensor:
    """tensor itself, refused if it has axes.

    Raises:
      ShapeError (a ValueError): it has.

    Example:
      >>> nf.debugging.assert_scalar(3.0).numpy().item()
      3.0
    """
    x = dense_tensor(tensor, None, "assert_scalar", "tensor")
    if x.ndim:
        raise ShapeError(_text(message, f"Expected scalar shape, saw shape: {_shown(x)}."))
    return x


# --- shapes --------------------------------------------------------------------


def assert_shapes(
    shapes: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation | None:
    """Refuse tensors whose shapes are not as written; equal letters must be equal sizes.

    Args:
      shapes: a dictionary {tensor: shape} or a list of (tensor, shape). A shape is a tuple of
        integers, of names such as "N", None or "*" for any size; it may begin or end with "..."
        for any number of axes. A single name or integer, and (), are shapes of one axis and none.
      data, summarize: what the message of a size that is known only at run time adds.

    Raises:
      ShapeError (a ValueError): the shapes known when traced do not fit.
      InvalidArgumentError: the program runs, and the numbers behind its symbols do not fit.

    Example:
      >>> x, y = nf.zeros([2, 3]), nf.zeros([3, 5])
      >>> nf.debugging.assert_shapes([(x, ("N", "D")), (y, ("D", "K"))])
    """
    op = "assert_shapes"
    pairs = (
        list(shapes.items()) if isinstance(shapes, Mapping) else plain.items(shapes, op, "shapes")
    )
    seen: dict[str, tuple[Tensor, int, Extent]] = {}
    made: list[Any] = []
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            problem = f"{op}: pairs of a tensor and its shape are wanted, not {pair!r:.100}"
            raise ValueError(_text(message, problem))
        given, wanted = pair
        x = dense_tensor(getattr(given, "deref", lambda given=given: given)(), None, op, "shapes")
        for axis, size in _axes(x, wanted, message):
            have = x.spec.shape[axis]
            if size is None or size == "*":
                continue
            if isinstance(size, str):
                if size not in seen:
                    seen[size] = x, axis, have
                    continue
                other, at, need = seen[size]
                source = f"Specified by {_which(other)} dimension {at}"
            else:
                source, need = "Specified explicitly", int(size)
            made.append(_same_size(x, axis, need, source, message, data, summarize))
    nodes = [n for operation in made if operation is not None for n in operation.nodes]
    return Operation(op, nodes) if nodes else no_operation(op)


def _which(x: Tensor) -> str:
    return f"{_named(x).strip().lower()} shape={_shown(x)} dtype={x.dtype.name}"


def _axes(x: Tensor, wanted: Any, message: str | None) -> list[tuple[int, Any]]:
    """(axis, what its size must be) for each axis that the wanted shape names."""
    if isinstance(wanted, str | int) or wanted is None:
        wanted = [wanted]
    shape = list(wanted) if hasattr(wanted, "__iter__") else [wanted]
    for n in shape:
        if not (n is None or n is Ellipsis or isinstance(n, str) or hasattr(n, "__index__")):
            problem = f"assert_shapes: a size is an integer, a name or None, not {n!r:.100}"
            raise ValueError(_text(message, problem))
    dots = [k for k, n in enumerate(shape) if n is Ellipsis or n == "..."]
    if len(dots) > 1 or (dots and dots[0] not in (0, len(shape) - 1)):
        problem = "Symbol `...` or `*` for a variable number of dimensions may stand only once, "
        raise ValueError(_text(message, problem + f"first or last. Received: {wanted}"))
    if dots:
        named = [n for k, n in enumerate(shape) if k not in dots]
        if x.ndim < len(named):
            raise ShapeError(_rank_problem(x, f"at least {len(named)}", message))
        first = x.ndim - len(named) if dots[0] == 0 else 0
        return [(first + k, n) for k, n in enumerate(named)]
    if x.ndim != len(shape):
        raise ShapeError(_rank_problem(x, str(len(shape)), message))
    return list(enumerate(shape))


def _rank_problem(x: Tensor, wanted: str, message: str | None) -> str:
    received = f"Received rank {x.ndim}, shape {_shown(x)}"
    return _text(message, f"{_named(x)} must have rank {wanted}.  {received}")


def _same_size(
    x: Tensor,
    axis: int,
    need: Extent,
    source: str,
    message: str | None,
    data: Sequence[Any] | None,
    summarize: int | None,
) -> Operation | None:
    have = x.spec.shape[axis]
    if have == need:
        return None
    if isinstance(have, int) and isinstance(need, int):
        problem = f"{source}.  {_named(x)} dimension {axis} must have size {need}.  "
        raise ShapeError(_text(message, problem + f"Received size {have}, shape {_shown(x)}"))
    both = sizes([have, need], dtypes.int32)
    received = shaping.shape(x)
    parts: tuple[str | int, ...] = (
        source,
        f"{_named(x)} dimension",
        str(axis),
        "must have size",
        0,
    )
    parts = (*parts, "Received shape: ", 1)
    more = [dense_tensor(t, None, "assert_shapes", "data") for t in data or ()]
    parts = (f"{message}.  ", *parts) if message else parts
    parts = (*parts, *range(2, 2 + len(more)))
    count = max(3, x.ndim) if summarize is None else summarize
    claim = Claim("assert_shapes", parts, (), count)
    return claim_holds(comparisons.equal(both[0], both[1]), (both[1], received, *more), claim)


# --- dtypes --------------------------------------------------------------------


def assert_type(
    tensor: TensorLike, tf_type: Any, message: str | None = None, name: str | None = None
) -> Operation | None:
    """Refuse a tensor of another dtype.

    Raises:
      DTypeError (a TypeError): it is.

    Example:
      >>> nf.debugging.assert_type(nf.constant(1.0), nf.float32)
    """
    x = dense_tensor(tensor, None, "assert_type", "tensor")
    want = dtypes.as_dtype(tf_type)
    if x.dtype is not want:
        raise DTypeError(_text(message, f"tensor must be of type {want!r}; got {x.dtype!r}"))
    return no_operation("assert_type")


def assert_integer(x: TensorLike, message: str | None = None, name: str | None = None) -> None:
    """Refuse what is not of integers.

    Raises:
      DTypeError (a TypeError): it is not.

    Example:
      >>> nf.debugging.assert_integer([1, 2])
    """
    tensor = dense_tensor(x, None, "assert_integer", "x")
    if not tensor.dtype.is_integer:
        problem = f'Expected "x" to be integer type.  Found: tensor of dtype {tensor.dtype!r}'
        raise DTypeError(_text(message, problem))


def assert_same_float_dtype(tensors: Iterable[Any] | None = None, dtype: Any = None) -> Any:
    """The one floating dtype of tensors and dtype.

    Args:
      tensors: tensors, or None among them.
      dtype: what they must have; default: that of the first, float32 without any.

    Raises:
      ValueError: two differ, or one is not floating.

    Example:
      >>> nf.debugging.assert_same_float_dtype([nf.constant(1.0)]).name
      'float32'
    """
    want = None if dtype is None else dtypes.as_dtype(dtype)
    first: Any = None
    op = "assert_same_float_dtype"
    given = [] if tensors is None else plain.items(tensors, op, "tensors")
    for k, value in enumerate(given):
        if value is None:
            continue
        t = dense_tensor(value, None, op, f"tensors[{k}]")
        if want is not None and t.dtype is not want:
            beside = f"{want!r}" if first is None else f"{want!r}) as {first!r}"
            problem = f"{t!r}, type={t.dtype!r}, must be of the same type ({beside}."
            raise ShapeError(_text(None, problem))
        want, first = t.dtype, t
    if want is None:
        return dtypes.float32
    if not want.is_floating:
        raise ShapeError(_text(None, f"Expected floating point type, got {want!r}."))
    return want


def assert_proper_iterable(values: Any) -> None:
    """Refuse what is no iterable, and text, tensors and arrays, which are meant as one value.

    Raises:
      TypeError: it is none of lists, tuples, generators...

    Example:
      >>> nf.debugging.assert_proper_iterable([1, 2])
    """
    if isinstance(values, Tensor | np.ndarray | str | bytes) or hasattr(values, "_as_tensor"):
        kind = type(values)
        problem = f'Expected argument "values" to be a "proper" iterable.  Found: {kind}'
        raise DTypeError(_text(None, problem))
    if not hasattr(values, "__iter__"):
        problem = f'Expected argument "values" to be iterable.  Found: {type(values)}'
        raise DTypeError(_text(None, problem))


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether it is a tensor of numbers: floating, complex or integer, but not bool.

    Example:
      >>> nf.debugging.is_numeric_tensor(nf.constant([1])), nf.debugging.is_numeric_tensor([1])
      (True, False)
    """
    if not isinstance(tensor, Tensor):
        return False
    dtype = tensor.dtype
    return dtype.is_floating or dtype.is_complex or dtype.is_integer
