"""The shortest way into a program: one call of a builtin that takes a function's raw arguments.

    fast = fast_call(record, arguments=[0, Number(1)], fixed={2: array}, results=[3], ...)
    y = fast(x, 0.1)
    if y is MISS: ...                              # anything but the usual: take the long way

A record (`entry.py`) gets its operands as arrays, results included. `fast_call` says where each of
them comes from instead: an argument, an array that is always the same, or a result, a tensor that
is made for the call. In memory it is another entry of the same record.

Results are handed out again: the entry keeps the last two tensors of each result, and if nobody
else has one, nor a view of its array, nor a weak reference, the next call writes that one. So a
loop that drops its results allocates nothing, and what somebody still has never changes.

MISS means that nothing has run: the arguments are not those that the program is made for, the
record is busy, a variable that is written is shared, or a tape or trace is active somewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from numflow.kernels.records import record
from numflow.runtime import arena, fallback, native
from numflow.runtime import native_layout as layout
from numflow.runtime.call_parts import InputGuard
from numflow.runtime.entry import CallRecord, entry_address, native_entries

if TYPE_CHECKING:
    import numpy.typing as npt

MISS: Final = object()
"""What a fast call returns if the long way must be taken."""

KEPT = 1 << 20
"""Bytes of a result up to which an entry keeps two: beyond, the pool of arena.py serves them all,
and 3 us for its lease do not count."""

Array = np.ndarray[Any, np.dtype[Any]]


@record
class Number:
    """An argument that must be a Python float; the record's input is a float64 of shape ()."""

    input: int


@record
class Constant:
    """An argument that must be this very object."""

    value: object


_FORMS: Final[dict[type | None, int]] = {
    None: layout.FORM_ONLY,
    tuple: layout.FORM_TUPLE,
    list: layout.FORM_LIST,
}


def fast_call(
    record: CallRecord,
    *,
    arguments: Sequence[int | Number | Constant],
    fixed: Mapping[int, Array],
    results: Sequence[int],
    idle: Sequence[object],
    refused: Callable[..., Any],
    form: type | None = None,
    pack: Callable[[Any], Any] | None = None,
    specs: Sequence[object] = (),
) -> Callable[..., Any]:
    """A function of the arguments: what the program returns, or MISS.

    Args:
      record: each of its inputs is named once below, by number.
      arguments: what the positional arguments are. A number: a tensor or array for that input.
      fixed: arrays that are the same in every call, and fit the guards of their inputs.
      results: inputs that receive memory for the results.
      idle: a list; the call misses unless it is empty.
      refused: called with the arguments if a kernel refuses a value; it should raise. Variables
        may have been written if the program has an early first write.
      form: tuple, list, or None: the only result itself, None if there is none.
      pack: makes what is returned, of the tuple, list or tensor.
      specs: what the tensors of the results are made with, beside their arrays; none: nothing.
    """
    inputs = record.parts.inputs
    named = [a if isinstance(a, int) else a.input for a in arguments if not isinstance(a, Constant)]
    if sorted([*named, *fixed, *results]) != list(range(len(inputs))):
        raise ValueError(f"fast_call: each of {len(inputs)} inputs has one source. Received: "
                         f"{arguments}, {list(fixed)}, {results}")  # fmt: skip
    if form is None and len(results) > 1:
        raise ValueError(f"fast_call: {len(results)} results need a form")
    guards = [_guard(inputs, argument) for argument in arguments]
    constants = [(_fitting(array, inputs[k]), inputs[k].slots) for k, array in fixed.items()]
    beside: list[tuple[object, ...]] = [(s,) for s in specs] or [()] * len(results)
    made = [
        fallback.Made(tensor_maker(inputs[k].shape, inputs[k].dtype, *b), inputs[k].slots)
        for k, b in zip(results, beside, strict=True)
    ]
    if not native_entries():
        entry = fallback.Entry(record.program, guards, constants, made, form)
        return entry.fast(idle, MISS, refused, pack)
    number = layout.FORM_NONE if form is None and not results else _FORMS[form]
    address = entry_address(
        record.address,
        guards,
        constants,
        [(m, _nbytes(inputs[k]) <= KEPT) for m, k in zip(made, results, strict=True)],
        (number, 0 if pack is None else id(pack), id(idle), id(MISS), id(refused)),
        (pack, idle, refused),
    )
    return native.native_fast(address)


def tensor_maker(shape: tuple[int, ...], dtype: npt.DTypeLike, *spec: object) -> Callable[[], Any]:
    """A function that makes a tensor of the registered class over a new array."""
    tensor = native.tensor_class()
    if tensor is None:
        raise RuntimeError("tensor_maker: register_tensor_class comes first")
    cls, array = tensor.cls, arena.result_maker(shape, dtype)
    return lambda: cls(array(), *spec)


def _guard(inputs: Sequence[InputGuard], argument: int | Number | Constant) -> fallback.Guard:
    if isinstance(argument, Constant):
        return fallback.Constant(argument.value)
    if isinstance(argument, int):
        return inputs[argument]
    return fallback.Number(inputs[argument.input].slots)


def _fitting(array: Array, guard: InputGuard) -> Array:
    good = array.flags.c_contiguous and array.flags.aligned
    if not good or array.shape != guard.shape or array.dtype != guard.dtype:
        raise ValueError(f"fast_call: a fixed array is not {guard.dtype} {guard.shape}, contiguous")
    return array


def _nbytes(guard: InputGuard) -> int:
    return prod(guard.shape) * np.dtype(guard.dtype).itemsize
