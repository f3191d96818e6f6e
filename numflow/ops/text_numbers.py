"""Numbers to strings and back, as C prints and reads them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, explain
from numflow.graph.op import Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import plain
from numflow.ops.convert import as_tensor
from numflow.ops.text import IN_PYTHON, each, text

# --- as_string ---------------------------------------------------------------------------


_MOST = (1 << 20) - 1
"""The longest number that is written: TensorFlow takes 31 bits, and gigabytes for each."""


def _format(dtype: dtypes.DType, precision: int, conversion: str, width: int, fill: str) -> str:
    """printf's format of one number; Python's % follows C's."""
    if dtype.is_integer:
        return f"%{fill}{width if width > -1 else ''}d"
    digits = f".{precision}" if precision > -1 else ""
    return f"%{fill}{width if width > -1 else ''}{digits}{conversion}"


def _as_string_reference(x: Any, *, form: str) -> Any:
    kind = x.dtype.kind
    if kind == "b":
        return each(lambda v: b"true" if v else b"false")(x)
    if kind == "c":
        return each(lambda v: f"({form % v.real},{form % v.imag})".encode())(x)
    if kind in "iu":
        return each(lambda v: (form % int(v)).encode())(x)
    return each(lambda v: (form % float(v)).encode())(x.astype(np.float64))


as_string_op = Op(
    "as_string",
    lambda x, **_: Spec(x.shape, dtypes.string),
    _as_string_reference,
    None,
    IN_PYTHON,
)


def as_string(
    input: TensorLike,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: str | None = None,
) -> Tensor:
    """Numbers, bools or strings as strings, as C's printf writes them.

    Args:
      input: any dtype.
      precision: digits behind the point, of floating numbers; negative: 6.
      scientific: 1.5e+00 instead of 1.500000.
      shortest: the shorter of both, without trailing zeros.
      width: characters at least.
      fill: "" or " " fills up on the left with blanks, "0" with zeros; "-" on the right;
        "+" writes the sign.

    Raises:
      InvalidArgumentError: options exclude each other, or do not fit the dtype.

    Example:
      >>> nf.strings.as_string([3.1415926, 2.0], precision=2).numpy().tolist()
      [b'3.14', b'2.00']
    """
    x = as_tensor(input, None, "as_string", "input")
    if x.dtype is dtypes.string:
        return x
    problem = ""
    scientific = plain.flag(scientific, "as_string", "scientific")
    shortest = plain.flag(shortest, "as_string", "shortest")
    precision = plain.whole(precision, "as_string", "precision", most=_MOST)
    width = plain.whole(width, "as_string", "width", most=_MOST)
    plain.word(fill, "as_string", "fill")
    if scientific and shortest:
        problem = "scientific and shortest exclude each other"
    elif not (x.dtype.is_floating or x.dtype.is_complex):
        if precision > -1:
            problem = f"there is no precision of {x.dtype.name}"
        elif scientific or shortest:
            problem = f"scientific and shortest are not for {x.dtype.name}"
    if fill not in ("", " ", "0", "-", "+"):
        problem = f"fill is {fill!r}; it takes '', ' ', '0', '-' and '+'"
    if problem:
        raise InvalidArgumentError(explain("as_string", problem, {"input": x.spec}))
    conversion = "e" if scientific else "g" if shortest else "f"
    return as_string_op(x, form=_format(x.dtype, precision, conversion, width, fill))


# --- to_number -----------------------------------------------------------------------------

_FLOAT = re.compile(
    rb"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf(inity)?|nan)", re.IGNORECASE
)
_HEXADECIMAL = re.compile(rb"[+-]?0[xX][0-9a-fA-F]+(\.[0-9a-fA-F]*)?([pP][+-]?\d+)?")
_INTEGER = re.compile(rb"[+-]?\d+")


def _number(s: bytes, dtype: dtypes.DType) -> Any:
    word = s.strip()
    if dtype.is_floating:
        if _FLOAT.fullmatch(word):
            return float(word)
        if _HEXADECIMAL.fullmatch(word):
            return float.fromhex(word.decode())
    elif _INTEGER.fullmatch(word):
        value = int(word)
        if dtype.min <= value <= dtype.max:
            return value
    shown = s if len(s) <= 60 else s[:60] + b"..."
    problem = f"{shown!r} is no {dtype.name}"
    raise InvalidArgumentError(explain("string_to_number", problem))


def _to_number_reference(x: Any, *, dtype: dtypes.DType) -> Any:
    with np.errstate(over="ignore"):
        return each(lambda s: _number(s, dtype))(x).astype(dtype.numpy)


to_number_op = Op(
    "string_to_number",
    lambda x, *, dtype: Spec(x.shape, dtype),
    _to_number_reference,
    None,
    IN_PYTHON,
)
NUMBERS = (
    dtypes.float32,
    dtypes.float64,
    dtypes.int32,
    dtypes.int64,
    dtypes.uint32,
    dtypes.uint64,
)


def to_number(input: TensorLike, out_type: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """Strings as numbers; blanks around them do not count.

    Args:
      input: strings such as "1.5", "-3e8", "inf", "nan"; of integers only digits and a sign.
      out_type: float32, float64, int32, int64, uint32 or uint64.

    Raises:
      InvalidArgumentError: a string is no such number, or is beyond the range of integers.
      DTypeError: input is not of strings, or out_type is another dtype.

    Example:
      >>> nf.strings.to_number(["1.5", " -2 "]).numpy().tolist()
      [1.5, -2.0]
    """
    dtype = dtypes.as_dtype(out_type)
    if dtype not in NUMBERS:
        taken = ", ".join(d.name for d in NUMBERS)
        problem = f"out_type is {dtype.name}; it takes {taken}"
        raise DTypeError(explain("string_to_number", problem))
    return to_number_op(text("string_to_number", input), dtype=dtype)
