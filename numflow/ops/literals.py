"""From Python's numbers, text and nested lists, and NumPy's arrays, to arrays of a dtype.

TensorFlow's rules: floats become float32 and ints int32 unless a dtype is asked for; NumPy arrays
keep theirs; nothing becomes a dtype that cannot hold it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import ArgumentError, DTypeError, explain
from numflow.graph.op import Array

_INT32 = np.iinfo(np.int32)


def as_array(value: Any, want: dtypes.DType | None, op: str, name: str) -> Array:
    """A fresh array of value, in the dtype it has as a tensor."""
    if value is None:
        raise ValueError(explain(op, f"{name} is None: a tensor was wanted"))
    try:
        array = np.array(value)
    except UnicodeDecodeError:  # str beside bytes that are no text
        array = np.array(value, object)
    except (ValueError, TypeError) as e:
        raise ValueError(
            explain(op, f"{name} cannot become a tensor: {e}", {name: repr(value)[:200]})
        ) from None
    if array.dtype == object and want is not None and want.is_floating and _holds_ints(array):
        with suppress(OverflowError):  # beyond 64 bits, or beyond all floats
            return array.astype(want.numpy)
    if array.dtype == object or array.dtype.kind in "SU":
        array = _objects(np.array(value, object), value, op, name)
        if want not in (None, dtypes.string):
            raise DTypeError(explain(op, f"{name} is text, which does not become {want.name}"))
        return array
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind in "MmV":  # V: records, and the 8- and 16-bit floats
        try:
            dtypes.from_numpy(array.dtype)
        except TypeError:
            problem = f"{name} holds NumPy's {array.dtype}, which no dtype can hold"
            raise ValueError(explain(op, problem)) from None
    adapts = not is_array(value)
    if adapts and array.dtype.kind in "iufc" and _begins_with_bool(value):
        problem = f"{name} mixes bools and numbers"
        raise ValueError(explain(op, problem, {name: repr(value)[:200]}))
    if want is None:
        return _of_python(array, value) if adapts else array
    have = dtypes.from_numpy(array.dtype)
    if have is want:
        return array
    if adapts and not array.size:  # [] is of every dtype
        return array.astype(want.numpy)
    if want is dtypes.string:
        if not array.size:
            return array.astype(object)
        problem = f"{name} is {_python_kind(have)}, which does not become text silently"
        raise DTypeError(explain(op, problem, {name: repr(value)[:200]}))
    if want.is_integer and have.is_integer and array.size:
        if array.min() < want.min or array.max() > want.max:
            raise DTypeError(
                explain(op, f"{name} does not fit into {want.name}", {name: repr(value)[:200]})
            )
    elif not _fits(have, want) and not (type(value) is bool and want.is_numeric):
        raise DTypeError(
            explain(
                op,
                f"{name} is {_python_kind(have)}, which does not become {want.name} silently",
                {name: repr(value)[:200]},
                fix="nf.cast, or a number of the right kind",
            )
        )
    return array.astype(want.numpy)


def _fits(have: dtypes.DType, want: dtypes.DType) -> bool:
    if have.is_bool or want.is_bool:
        return have.is_bool and want.is_bool
    if have.is_integer:
        return True
    if have.is_floating:
        return want.is_floating or want.is_complex
    return want.is_complex


def _python_kind(have: dtypes.DType) -> str:
    return "a float" if have.is_floating else "a bool" if have.is_bool else f"of type {have.name}"


def _of_python(array: Array, value: Any) -> Array:
    """The array of Python numbers, or of a list, in the dtype that TensorFlow gives it.

    Integers become int32 if they all fit, NumPy's in a list too; of floats the first one decides,
    Python's being float32.
    """
    if array.dtype.kind in "iu":
        if array.size and (array.min() < _INT32.min or array.max() > _INT32.max):
            return array
        return array.astype(np.int32)
    if array.dtype.kind == "f":
        first = _first_float(value)
        return array.astype(np.float32 if first is None else first)
    return array


def _first_float(value: Any) -> np.dtype[Any] | None:
    """The dtype of the first floating array or NumPy number in nested lists; None of Python's."""
    for x in value if isinstance(value, list | tuple) else (value,):
        if type(x) is float:
            return None
        if isinstance(x, list | tuple):
            found = _first_float(x)
            if found is not None or any(type(leaf) is float for leaf in leaves(x)):
                return found
        elif is_array(x) and x.dtype.kind not in "iub":
            return x.dtype
    return None


def _begins_with_bool(value: Any) -> bool:
    """Whether the first number of nested lists is a bool: others may follow numbers, as 0 and 1."""
    if type(value) is bool:
        return False
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return type(value) is bool


def _holds_ints(array: Array) -> bool:
    return all(isinstance(x, int) for x in array.reshape(-1))


def _objects(array: Array, value: Any, op: str, name: str) -> Array:
    flat = array.reshape(-1)
    if all(isinstance(x, str | bytes | np.str_ | np.bytes_) for x in flat):
        out = np.empty(array.shape, object)
        out.reshape(-1)[:] = [x.encode() if isinstance(x, str) else bytes(x) for x in flat]
        return out
    if _holds_ints(array):
        raise ArgumentError(
            explain(op, f"{name} holds an integer beyond 64 bits", {name: repr(value)[:200]})
        )
    strange = next((x for x in flat if not isinstance(x, _PLAIN)), None)
    problem = f"{name} mixes text and numbers"
    if strange is not None or any(x is None for x in flat):
        kind = "None" if strange is None else f"{type(strange).__name__} objects"
        problem = f"{name} holds {kind}, which no dtype can hold"
    raise ValueError(explain(op, problem, {name: repr(value)[:200]}))


_PLAIN = (str, bytes, np.str_, np.bytes_, int, float, complex, np.number, type(None))


def leaves(value: Any) -> list[Any]:
    """What nested lists hold."""
    return [x for v in value for x in leaves(v)] if isinstance(value, list | tuple) else [value]


def is_array(x: Any) -> bool:
    """Whether x is NumPy's: it has a dtype."""
    return isinstance(x, np.ndarray | np.generic)
