"""Checks of values: indices in range, divisors that are not 0, exponents that are not negative.

And values that must be known at once, since a shape depends on them.

Each check is an op that hands its input on. Eagerly it raises; compiled, the kernel that reads the
element reports it and the program raises the same message. What depends on such a value takes the
checked one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, explain
from numflow.graph.building import SymbolicTensor
from numflow.graph.graph import constant_op
from numflow.graph.lowering import Checked
from numflow.graph.op import Array, Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons
from numflow.ops import math as maths
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import known_content
from numflow.shapes import Dim, Extent, Size, run_time


def _check(
    name: str,
    holds: Callable[..., Any],
    condition: Callable[..., Any],
    message: Callable[[Any, dict[str, Any]], str],
) -> Op:
    """The op of a check: holds(array, **attrs) in NumPy, condition(b, x, **attrs) of an element."""

    def reference(x: Any, **attrs: Any) -> Any:
        good = holds(x, **attrs)
        if not np.all(good):
            first = int(np.argmin(np.reshape(good, -1)))
            place = np.unravel_index(first, np.shape(x)) if np.ndim(x) else ()
            text = message(np.reshape(x, -1)[first].item(), attrs)
            where = {"element": [int(i) for i in place]} if place else {}
            raise InvalidArgumentError(explain(attrs["op"], text, where))
        return x

    return Op(name, lambda x, **_: x, reference, lambda g: (g.ct,), Checked(condition, message))


# --- index -------------------------------------------------------------------

index_op = _check(
    "checked_index",
    lambda x, *, depth, op, name: (x >= 0) & (x < depth),
    lambda b, x, *, depth, op, name: b.logical_and(b.ge(x, 0), b.lt(x, depth)),
    lambda value, attrs: f"{attrs['name']} {value} is outside [0, {attrs['depth']})",
)


def checked_index(x: Tensor, depth: Extent, op: str, name: str = "index") -> Tensor:
    """x, refused where an element is outside [0, depth).

    Raises:
      DTypeError: x is not of integers.
      InvalidArgumentError: an element is out of range; when the program runs, if traced.
    """
    if not x.dtype.is_integer:
        raise DTypeError(explain(op, f"{name} is {x.dtype.name}, not an integer", {name: x.spec}))
    if isinstance(depth, Dim):
        return _index_of_run_time(x, depth, op, name)
    limit = min(depth, int(x.dtype.max) + 1)
    if (
        limit > x.dtype.max
    ):  # every number of a small dtype may be inside: compare in one that holds the limit
        return _narrow_index(x, limit, op, name)
    return index_op(x, depth=limit, op=op, name=name)


def _index_within_infer(outside: Spec, *_: Spec, op: str, name: str) -> Spec:
    return outside


def _index_within_reference(outside: Any, *shown: Any, op: str, name: str) -> Any:
    if np.any(outside):
        x, depth = shown
        place = [int(i) for i in np.argwhere(outside)[0]]
        text = f"{name} {x[tuple(place)]} is outside [0, {depth})"
        raise InvalidArgumentError(explain(op, text, {"element": place} if place else {}))
    return outside


# For a limit that is known when the program runs: it takes the answers, and for its message what
# they are about.
index_within_op = Op(
    "checked_within",
    _index_within_infer,
    _index_within_reference,
    None,
    Checked(lambda b, outside, **_: b.logical_not(outside), lambda value, attrs: "is outside"),
)


def _index_of_run_time(x: Tensor, depth: Dim, op: str, name: str) -> Tensor:
    wide = maths.cast(x, dtypes.int64)
    limit = shaping.size_tensor(depth, dtypes.int64)
    outside = selections.logical_or(
        comparisons.less(wide, 0), comparisons.greater_equal(wide, limit)
    )
    none = index_within_op(outside, wide, limit, op=op, name=name)
    return x + maths.cast(none, x.dtype)


def _narrow_index(x: Tensor, limit: int, op: str, name: str) -> Tensor:
    wide = maths.cast(x, dtypes.int64)
    return maths.cast(index_op(wide, depth=limit, op=op, name=name), x.dtype)


# --- divisor, exponent -------------------------------------------------------

divisor_op = _check(
    "checked_divisor",
    lambda y, *, op: y != 0,
    lambda b, y, *, op: b.ne(y, 0),
    lambda value, attrs: "integer division by zero",
)

exponent_op = _check(
    "checked_exponent",
    lambda y, *, op: y >= 0,
    lambda b, y, *, op: b.ge(y, 0),
    lambda value, attrs: f"an integer to the negative power {value} is no integer",
)


count_op = _check(
    "checked_count",
    lambda y, *, op, name: y >= 0,
    lambda b, y, *, op, name: b.ge(y, 0),
    lambda value, attrs: f"{attrs['name']} {value} is negative",
)


def checked_count(y: Tensor, op: str, name: str) -> Tensor:
    """y, refused where an integer element is negative."""
    if y.dtype.is_unsigned or _all_known(y, lambda v: v >= 0):
        return y
    return count_op(y, op=op, name=name)


def checked_divisor(y: Tensor, op: str) -> Tensor:
    """y, refused where an integer element is 0; floats divide by 0 as IEEE says."""
    if not y.dtype.is_integer or _all_known(y, lambda v: v != 0):
        return y
    return divisor_op(y, op=op)


def checked_exponent(y: Tensor, op: str) -> Tensor:
    """y, refused where an integer element is negative."""
    if not y.dtype.is_integer or y.dtype.is_unsigned or _all_known(y, lambda v: v >= 0):
        return y
    return exponent_op(y, op=op)


def _all_known(y: Tensor, good: Callable[[Any], bool]) -> bool:
    """Whether y's elements are known already, and pass: a check would be wasted."""
    content = known_content(y)
    return content is not None and all(isinstance(v, int) and good(v) for v in content.reshape(-1))


# --- parameters of distributions ------------------------------------------------

positive_op = _check(
    "checked_positive",
    lambda x, *, op, problem: x > 0,
    lambda b, x, *, op, problem: b.gt(x, 0),
    lambda value, attrs: str(attrs["problem"]),
)

fitting_op = _check(
    "checked_fitting",
    lambda x, *, limit, op, problem: (x >= 0) & (x < limit),
    lambda b, x, *, limit, op, problem: b.logical_and(b.ge(x, 0.0), b.lt(x, limit)),
    lambda value, attrs: f"{attrs['problem']}: {value}",
)


def checked_positive(x: Tensor, op: str, problem: str) -> Tensor:
    """x, refused with that problem where an element is not positive."""
    return positive_op(x, op=op, problem=problem)


true_op = _check(
    "checked_true",
    lambda x, *, op, problem: x,
    lambda b, x, *, op, problem: x,
    lambda value, attrs: str(attrs["problem"]),
)


def checked_true(x: Tensor, op: str, problem: str) -> Tensor:
    """bool x, refused with that problem where it does not hold."""
    return true_op(x, op=op, problem=problem)


def checked_fitting(x: Tensor, dtype: dtypes.DType, op: str, problem: str) -> Tensor:
    """float64 x, refused with that problem where an element is NaN, negative or too large."""
    return fitting_op(x, limit=float(int(dtype.max) + 1), op=op, problem=problem)


# --- values that decide a shape ------------------------------------------------


def known_values(x: Tensor) -> Array | None:
    """x's elements, on which a shape depends; None where x is of a trace and has no value yet."""
    if not isinstance(x, SymbolicTensor):
        return np.asarray(x)
    node = x.value.node
    if node is not None and node.op is constant_op:
        return np.asarray(node.attrs["value"])
    if x.content is None or any(isinstance(v, Dim) and run_time(v) for v in x.content.flat):
        return None
    known = [int(Size(v)) if isinstance(v, Dim) else v for v in x.content.reshape(-1)]
    return np.array(known, x.dtype.numpy).reshape(x.content.shape)
