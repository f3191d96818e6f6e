"""Assertions about values: comparisons, signs, nearness, and any condition.

What is known while a function is traced is decided there; the rest becomes a check in the compiled
loop (ops/assertion.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain, user_line
from numflow.graph.building import SymbolicTensor
from numflow.graph.op import Array
from numflow.graph.operation import Operation
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import comparisons, signs
from numflow.ops import math as maths
from numflow.ops.array_text import array_text, first_elements
from numflow.ops.assertion import Claim, claim_holds, no_operation, now
from numflow.ops.convert import dense_tensor, operands

# --- any condition -----------------------------------------------------------


def Assert(
    condition: TensorLike,
    data: Sequence[Any],
    summarize: int | None = None,
    name: str | None = None,
) -> Operation | None:
    """Refuse to go on unless condition is True.

    Args:
      condition: bool [], a tensor or a Python truth value.
      data: what the message shows where it fails, tensors and texts.
      summarize: elements shown of each; default 3.

    Returns:
      None eagerly; in a traced function an Operation. It runs whether that is used or not, and
      leaves every variable of the step as it was where it fails.

    Raises:
      InvalidArgumentError: the condition is False.
      ShapeError: the condition is no scalar.
      TypeError: data is no list.

    Example:
      >>> nf.debugging.Assert(nf.constant(2.0) > 1.0, ["too small"])
    """
    holds = condition if isinstance(condition, Tensor) else dense_tensor(condition, None, "Assert")
    if not holds.dtype.is_bool:
        holds = maths.cast(holds, dtypes.bool)
    if holds.ndim:
        raise ShapeError(explain("Assert", "the condition is no scalar", {"condition": holds.spec},
                                 fix="nf.reduce_all(condition)"))  # fmt: skip
    if not isinstance(data, list | tuple):
        raise TypeError(explain("Assert", f"data is a list, not {type(data).__name__}"))
    tensors = [dense_tensor(x, None, "Assert", "data") for x in data]
    count = 3 if summarize is None else summarize
    if isinstance(holds, SymbolicTensor):
        claim = Claim("Assert", tuple(range(len(tensors))), (), count)
        return claim_holds(holds, tensors, claim)
    if not np.asarray(holds).item():
        shown = [first_elements(np.asarray(t), count).replace(" ", ", ") for t in tensors]
        head = "Expected 'False' to be true. Summarized data: "
        raise InvalidArgumentError(_with_line(head + "\n".join(shown)))
    return None


# --- comparisons ---------------------------------------------------------------


def assert_equal(
    x: TensorLike,
    y: TensorLike,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Operation | None:
    """Refuse to go on unless x == y, element by element.

    Args:
      x, y: of any dtype; shapes that broadcast.
      message: what the error begins with.
      summarize: elements shown of each; default 3.

    Returns:
      None eagerly; in a traced function an Operation.

    Raises:
      InvalidArgumentError: it does not hold: when traced if both are constants, else when run.

    Example:
      >>> nf.debugging.assert_equal([1, 2], [1, 2])
    """
    return _compared("assert_equal", "==", comparisons.equal, x, y, message, summarize)


def assert_none_equal(
    x: TensorLike,
    y: TensorLike,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation | None:
    """Refuse to go on unless x != y in every element; as assert_equal otherwise.

    Example:
      >>> nf.debugging.assert_none_equal([1, 2], [2, 1])
    """
    return _compared("assert_none_equal", "!=", comparisons.not_equal, x, y, message, summarize)


def assert_less(
    x: TensorLike,
    y: TensorLike,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Operation | None:
    """Refuse to go on unless x < y, element by element; as assert_equal otherwise.

    Example:
      >>> nf.debugging.assert_less([1.0, 2.0], 3.0)
    """
    return _compared("assert_less", "<", comparisons.less, x, y, message, summarize)


def assert_less_equal(
    x: TensorLike,
    y: TensorLike,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Operation | None:
    """Refuse to go on unless x <= y, element by element; as assert_equal otherwise.

    Example:
      >>> nf.debugging.assert_less_equal([1.0, 2.0], 2.0)
    """
    return _compared("assert_less_equal", "<=", comparisons.less_equal, x, y, message, summarize)


def assert_greater(
    x: TensorLike,
    y: TensorLike,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Operation | None:
    """Refuse to go on unless x > y, element by element; as assert_equal otherwise.

    Example:
      >>> nf.debugging.assert_greater([1.0, 2.0], 0.0)
    """
    return _compared("assert_greater", ">", comparisons.greater, x, y, message, summarize)


def assert_greater_equal(
    x: TensorLike,
    y: TensorLike,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Operation | None:
    """Refuse to go on unless x >= y, element by element; as assert_equal otherwise.

    Example:
      >>> nf.debugging.assert_greater_equal([1.0, 2.0], 1.0)
    """
    return _compared(
        "assert_greater_equal", ">=", comparisons.greater_equal, x, y, message, summarize
    )


def _compared(
    op: str,
    sign: str,
    compare: Callable[[Tensor, Tensor], Tensor],
    x: TensorLike,
    y: TensorLike,
    message: str | None,
    summarize: int | None,
) -> Operation | None:
    a, b = operands(op, x, y)
    count = 3 if summarize is None else summarize
    left, right = now(a), now(b)
    traced = isinstance(a, SymbolicTensor) or isinstance(b, SymbolicTensor)
    holds = compare(a, b)
    if left is not None and right is not None:
        good = now(holds) if not traced else _numpy(sign, left, right)
        assert good is not None
        if not good.all():
            text = _difference(sign, good, left, right, count)
            raise InvalidArgumentError(
                _with_line(f"{message}\n{text}" if isinstance(message, str) and message else text)
            )
        return no_operation(op)
    said = f"Condition x {sign} y did not hold element-wise:"
    parts = (said, f"x ({_name(x, a)}) = ", 0, f"y ({_name(y, b)}) = ", 1)
    claim = Claim(
        op,
        ((message, *parts) if isinstance(message, str) and message else parts),
        ("x", "y"),
        count,
    )
    return claim_holds(holds, (a, b), claim)


_COMPARE = {"==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal,
            ">": np.greater, ">=": np.greater_equal}  # fmt: skip


def _numpy(sign: str, x: Array, y: Array) -> Array:
    return np.asarray(_COMPARE[sign](x, y))


def _name(given: Any, tensor: Tensor) -> str:
    """What messages call an operand: the name of a variable or of a tensor of a trace."""
    return str(getattr(given, "name", None) or getattr(tensor, "name", "") or "constant")


def _difference(sign: str, good: Array, x: Array, y: Array, count: int) -> str:
    """TensorFlow's text for operands that are known."""
    lines = [f"Condition x {sign} y did not hold."]
    if x.shape == y.shape and x.ndim:
        wrong = np.argwhere(~good)
        places = wrong if count < 0 else wrong[:count]
        at = tuple(places.T)
        lines += [f"Indices of first {len(places)} different values:", str(places)]
        lines += ["Corresponding x values:", str(x[at]), "Corresponding y values:", str(y[at])]
    for name, array in (("x", x), ("y", y)):
        flat = array.reshape(-1)
        shown = flat if count < 0 else flat[:count]
        lines += [f"First {len(shown)} elements of {name}:", str(shown)]
    return "\n".join(lines)


def _with_line(text: str) -> str:
    line = user_line()
    return text if line is None else f"{text}\n  at {line}"


# --- signs -----------------------------------------------------------------------


def assert_positive(
    x: TensorLike, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Operation | None:
    """Refuse to go on unless x > 0 in every element; as assert_equal otherwise.

    Example:
      >>> nf.debugging.assert_positive([1.0, 2.0])
    """
    return _signed("assert_positive", ">", comparisons.greater, x, message, summarize)


def assert_negative(
    x: TensorLike, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Operation | None:
    """Refuse to go on unless x < 0 in every element; as assert_equal otherwise.

    Example:
      >>> nf.debugging.assert_negative([-1.0, -2.0])
    """
    return _signed("assert_negative", "<", comparisons.less, x, message, summarize)


def assert_non_negative(
    x: TensorLike, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Operation | None:
    """Refuse to go on unless x >= 0 in every element; as assert_equal otherwise.

    Example:
      >>> nf.debugging.assert_non_negative([0.0, 2.0])
    """
    return _signed("assert_non_negative", ">=", comparisons.greater_equal, x, message, summarize)


def assert_non_positive(
    x: TensorLike, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Operation | None:
    """Refuse to go on unless x <= 0 in every element; as assert_equal otherwise.

    Example:
      >>> nf.debugging.assert_non_positive([0.0, -2.0])
    """
    return _signed("assert_non_positive", "<=", comparisons.less_equal, x, message, summarize)


def _signed(
    op: str,
    sign: str,
    compare: Callable[[Tensor, Tensor], Tensor],
    x: TensorLike,
    message: str | None,
    summarize: int | None,
) -> Operation | None:
    a = dense_tensor(x, None, op, "x")
    if not (a.dtype.is_floating or a.dtype.is_integer):
        raise DTypeError(explain(op, f"x is {a.dtype.name}, which has no sign", {"x": a.spec}))
    zero = dense_tensor(0, a.dtype, op)
    count = 3 if summarize is None else summarize
    said = f"Condition x {sign} 0 did not hold element-wise:"
    head = f"{message}.  " if isinstance(message, str) and message else ""
    known = now(a)
    if known is not None:
        good = _numpy(sign, known, np.zeros((), known.dtype))
        if not good.all():
            shown = f"x (shape={known.shape} dtype={a.dtype.name}) = "
            text = f"{head}\n{said}\n{shown}\n{array_text(known, count)}"
            raise InvalidArgumentError(_with_line(text))
        return no_operation(op)
    parts = (said, f"x ({_name(x, a)}) = ", 0)
    claim = Claim(op, (head, *parts) if head else parts, ("x",), count)
    return claim_holds(compare(a, zero), (a,), claim)


# --- nearness ----------------------------------------------------------------------


def assert_near(
    x: TensorLike,
    y: TensorLike,
    rtol: TensorLike | None = None,
    atol: TensorLike | None = None,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Operation | None:
    """Refuse to go on unless |x - y| <= atol + rtol * |y|, element by element.

    Args:
      x, y: floating, of one dtype; shapes that broadcast.
      rtol, atol: default 10 times the dtype's epsilon: one unit in the last place of 1.0, tenfold.
      message, summarize: as for assert_equal.

    Raises:
      InvalidArgumentError: it does not hold.
      DTypeError: x and y are not floating.

    Example:
      >>> nf.debugging.assert_near([1.0, 2.0], [1.0, 2.0000001])
    """
    op = "assert_near"
    a, b = operands(op, x, y)
    if not a.dtype.is_floating and not a.dtype.is_complex:
        raise DTypeError(
            explain(op, f"x is {a.dtype.name}, not floating", {"x": a.spec}, fix="assert_equal")
        )
    real = a.dtype.real_dtype
    wide = 10.0 * _epsilon(real)
    relative = dense_tensor(wide if rtol is None else rtol, real, op, "rtol")
    absolute = dense_tensor(wide if atol is None else atol, real, op, "atol")
    gap = signs.abs(maths.subtract(a, b))
    allowed = maths.add(absolute, maths.multiply(relative, signs.abs(b)))
    holds = comparisons.less_equal(gap, allowed)
    count = 3 if summarize is None else summarize
    r, t = now(relative), now(absolute)
    said = f"x and y not equal to tolerance rtol = {_shown(r)}, atol = {_shown(t)}"
    head = f"{message}.  " if isinstance(message, str) and message else ""
    known = now(holds)
    if known is not None and not isinstance(holds, SymbolicTensor):
        if not known.all():
            left, right = np.asarray(a), np.asarray(b)
            text = _difference(f"near {said} to", known, left, right, count).split("\n", 1)[1]
            raise InvalidArgumentError(_with_line(f"{head}\n{said}\n{text}".lstrip()))
        return None
    parts = (said, f"x ({_name(x, a)}) = ", 0, f"y ({_name(y, b)}) = ", 1)
    claim = Claim(op, (head, *parts) if head else parts, ("x", "y"), count)
    return claim_holds(holds, (a, b), claim)


def _epsilon(dtype: dtypes.DType) -> float:
    return 2.0**-7 if dtype.name == "bfloat16" else float(np.finfo(dtype.numpy).eps)


def _shown(x: Array | None) -> str:
    return "a tensor" if x is None else array_text(x)
