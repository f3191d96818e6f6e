"""Arrays as text, as TensorFlow's `print` and its error messages write them.

Numbers have the fewest of 6 or 9 (float64: 15 or 17) digits that read back as the same; of an axis
longer than twice `summarize` the middle is left out.

Source: TensorFlow's StringFormat op, which nf.print's output is compared with in tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numflow import dtypes

Array = np.ndarray[Any, Any]


def array_text(array: Array, summarize: int = 3) -> str:
    """The array as nf.print shows it; summarize: elements at each end of an axis, -1: all.

    Example:
      >>> array_text(np.arange(8) / 4)
      '[0 0.25 0.5 ... 1.25 1.5 1.75]'
    """
    ends = array.size if summarize < 0 else min(summarize, array.size)
    write = _writer(array)
    if array.ndim == 0:
        return write(array[()])
    return _axis(array, 0, array.ndim, ends, write)


def first_elements(array: Array, count: int) -> str:
    """The first elements in a row, as error messages show them.

    Example:
      >>> first_elements(np.array([[1.0, 2.5], [3.0, 4.0]]), 3)
      '1 2.5 3...'
    """
    flat = array.reshape(-1)
    shown = flat if count < 0 else flat[:count]
    write = _writer(array, quoted=False)
    return " ".join(map(write, shown)) + ("..." if len(shown) < len(flat) else "")


def _axis(array: Array, axis: int, ndim: int, ends: int, write: Callable[[Any], str]) -> str:
    if axis == ndim:
        return write(array)
    between = " " if axis == ndim - 1 else "\n" * (ndim - 1 - axis) + " " * (axis + 1)
    n = len(array)
    chosen: list[int] = [*range(min(ends, n)), *range(max(ends, n - ends), n)]
    parts = [_axis(array[k], axis + 1, ndim, ends, write) for k in chosen]
    if n > 2 * ends:
        parts.insert(ends, "..." if ends else between + "...")
    return f"[{between.join(parts)}]"


def _writer(array: Array, quoted: bool = True) -> Callable[[Any], str]:
    dtype = dtypes.from_numpy(array.dtype)
    if dtype.is_floating:
        return _double if dtype is dtypes.float64 else _single
    if dtype.is_bool:
        return lambda x: "1" if x else "0"
    if dtype.name == "string":
        return lambda x: f'"{_text(x)}"' if quoted else _text(x)
    return str


def _text(x: Any) -> str:
    return x.decode("utf-8", "replace") if isinstance(x, bytes) else str(x)


def _single(x: Any) -> str:
    number = np.float32(x)
    short = f"{number:.6g}"
    return short if np.float32(short) == number or number != number else f"{number:.9g}"


def _double(x: Any) -> str:
    short = f"{x:.15g}"
    return short if float(short) == x or x != x else f"{x:.17g}"
