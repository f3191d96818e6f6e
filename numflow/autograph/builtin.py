"""Builtins where an argument is a tensor of a trace: print, len, range, int, float, abs and others.

Each does what Python's does as soon as no argument is one.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

from numflow import dtypes
from numflow.autograph.values import staged_value
from numflow.graph.tensor import Tensor
from numflow.ops import creation, signs
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping


def replacement(function: Any) -> Callable[..., Any] | None:
    """What is called in place of a builtin; None: the function itself."""
    if type(function) is builtins.type or type(function) is _BUILTIN:
        try:
            return _REPLACED.get(function)
        except TypeError:  # it has no hash
            return None
    return None


_BUILTIN = type(len)


def _one(function: Any, staged: Callable[[Tensor], Any]) -> Callable[..., Any]:
    """function, but of one tensor of the trace what staged gives."""

    def called(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            tensor = staged_value(args[0])
            if tensor is not None:
                return staged(tensor)
        return function(*args, **kwargs)

    return called


def _print(*values: Any, **kwargs: Any) -> None:
    stream = kwargs.get("file")
    stream = sys.stdout if stream is None else stream
    known = stream is sys.stdout or stream is sys.stderr
    texts = {k: v for k, v in kwargs.items() if k in ("sep", "end") and v is not None}
    if not known or not any(_holds_staged(v) for v in values):
        builtins.print(*values, **kwargs)
        return
    from numflow.ops import printing  # few traces print

    printing.print(*values, output_stream=stream, summarize=-1, **{"end": "\n", **texts})


def _holds_staged(value: Any) -> bool:
    if type(value) in (list, tuple):
        return any(map(_holds_staged, value))
    if type(value) is dict:
        return any(map(_holds_staged, value.values()))
    return staged_value(value) is not None


def _range(*args: Any) -> Any:
    if any(staged_value(x) is not None and _unknown(x) for x in args):
        return creation.range(*args)
    return builtins.range(*args)


def _unknown(x: Any) -> bool:
    content = getattr(x, "content", None)
    return content is None or not all(type(n) is int for n in content.flat)


def _length(x: Tensor) -> Any:
    if not x.spec.rank:
        raise TypeError("Scalar tensor has no `len()`")
    size = x.spec.shape[0]
    return size if isinstance(size, int) else shaping.size_tensor(size, dtypes.int32)


def _integer(x: Tensor) -> Any:
    content = getattr(x, "content", None)
    if content is not None and content.size == 1 and type(content.reshape(-1)[0]) is int:
        return int(content.reshape(-1)[0])
    return _scalar(x, dtypes.int32)


def _scalar(x: Tensor, dtype: dtypes.DType) -> Tensor:
    if x.spec.rank:
        x = shaping.reshape(x, ())
    if dtype.is_integer and x.dtype.is_integer:
        return x
    if dtype.is_floating and x.dtype.is_floating:
        return x
    return maths.cast(x, dtype)


def _all(x: Tensor) -> Any:
    return reductions.reduce_all(x if x.dtype.is_bool else maths.cast(x, dtypes.bool))


def _any(x: Tensor) -> Any:
    return reductions.reduce_any(x if x.dtype.is_bool else maths.cast(x, dtypes.bool))


def _fold(function: Any, two: Callable[[Any, Any], Tensor], whole: Callable[[Tensor], Any]) -> Any:
    """min and max: of scalars, or of the elements of a vector."""

    def called(*args: Any, **kwargs: Any) -> Any:
        if kwargs or not any(staged_value(x) is not None for x in args):
            return function(*args, **kwargs)
        if len(args) == 1:
            return whole(args[0])
        found = args[0]
        for other in args[1:]:
            found = two(found, other)
        return found

    return called


def _truth(x: Tensor) -> Any:
    from numflow.autograph.staged import truth

    return truth(x, "bool")


def _len(x: Any) -> Any:
    staged = getattr(type(x), "_staged_length", None)
    return _one(len, _length)(x) if staged is None else staged(x)


_REPLACED: dict[Any, Callable[..., Any]] = {
    print: _print,
    range: _range,
    len: _len,
    int: _one(int, _integer),
    float: _one(float, lambda x: _scalar(x, dtypes.float32)),
    bool: _one(bool, _truth),
    abs: _one(abs, signs.abs),
    all: _one(all, _all),
    any: _one(any, _any),
    sum: _one(sum, lambda x: reductions.reduce_sum(x, axis=0)),
    min: _fold(min, maths.minimum, lambda x: reductions.reduce_min(x, axis=0)),
    max: _fold(max, maths.maximum, lambda x: reductions.reduce_max(x, axis=0)),
}
