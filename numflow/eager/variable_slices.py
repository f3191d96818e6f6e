"""Parts of variables that can be assigned: `v[1:3].assign([7.0, 8.0])`.

A part is an ordinary tensor which has an `assign` besides, as in TensorFlow. Eagerly it writes into
the variable's buffer; in a trace the variable is assigned a whole value in which the part differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.eager.apply import eager
from numflow.eager.tensor import Array, EagerTensor
from numflow.errors import ShapeError, explain
from numflow.graph.op import current, observers
from numflow.graph.tensor import Tensor
from numflow.ops import creation, run_time, scatter, slicing
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
from numflow.shapes import run_time as depends_on_values

_SMALL = 4096  # elements up to which a part is copied rather than shared: see part_of


def part_of(variable: Any, key: Any) -> Any:
    """variable[key]; of integers, slices, `...` and None it can be assigned.

    A small part is a copy: if it shared the buffer, the variable would have to move to another one,
    as a whole, before it is written the next time.
    """
    part: Any = slicing.getitem(variable, key)
    if _basic(key):
        if not observers and type(part) is EagerTensor and part._array.size <= _SMALL:
            part = EagerTensor(np.array(part._array), part._spec)
        part.assign = partial(_assign, variable, key)
    return part


def _basic(key: Any) -> bool:
    """Whether a key has no arrays, masks or lists in it."""
    keys = key if isinstance(key, tuple) else (key,)
    return all(
        k is None
        or k is Ellipsis
        or isinstance(k, slice)
        or (not isinstance(k, list | bool | np.ndarray) and getattr(k, "ndim", 0) == 0)
        for k in keys
    )


def _assign(
    variable: Any,
    key: Any,
    value: Any,
    use_locking: bool = False,
    name: str | None = None,
    read_value: bool = True,
) -> Any:
    """Replace the part; value broadcasts to its shape. Gives the variable.

    Raises:
      ShapeError: value does not broadcast to the part.
      DTypeError: value is a tensor of another dtype.
    """
    new = as_tensor(value, variable.dtype, "assign", "value")
    if current() is eager and isinstance(new, EagerTensor):
        place = tuple(_numpy_key(k) for k in (key if isinstance(key, tuple) else (key,)))
        with variable._lock:
            shape = np.shape(variable._array[place])
            _check(new, shape)
            variable.make_private()
            variable._array[place] = _fitted(new._array, shape)
        return variable
    whole = as_tensor(variable)
    size, sizes = whole.spec.size, whole.spec.shape
    numbers = slicing.getitem(shaping.reshape(creation.iota((size,), 0, dtypes.int64), sizes), key)
    new, numbers = _agreed(new, numbers)
    _check(new, numbers.spec.shape)
    updates = shaping.broadcast_to(_without_ones(new, numbers.spec.rank), numbers.spec.shape)
    flat = scatter.tensor_scatter_nd_update(
        shaping.reshape(whole, (size,)),
        shaping.reshape(numbers, (-1, 1)),
        shaping.reshape(updates, (-1,)),
    )
    return variable.assign(shaping.reshape(flat, sizes))


def _agreed(value: Tensor, part: Tensor) -> tuple[Tensor, Tensor]:
    """Both, of one size where one of them has a size that only a call tells: it is checked then."""
    have, want = list(value.spec.shape), list(part.spec.shape)
    for k in range(1, min(len(have), len(want)) + 1):
        if have[-k] != 1 and depends_on_values(want[-k]):
            want[-k] = have[-k]
        elif depends_on_values(have[-k]):
            have[-k] = want[-k]
    return run_time.refitted(value, tuple(have)), run_time.refitted(part, tuple(want))


def _check(value: Tensor, part: Sequence[Any]) -> None:
    have = value.spec.shape
    ones = have[: max(0, len(have) - len(part))]
    rest = have[len(ones) :]
    fits = all(n == 1 for n in ones) and all(
        n in (1, m) for n, m in zip(rest[::-1], part[::-1], strict=False)
    )
    if not fits:
        shown = {"value": value.spec, "part": list(part)}
        raise ShapeError(explain("assign", "value does not broadcast to the part", shown))


def _fitted(array: Array, shape: Sequence[int]) -> Array:
    """array without axes of size 1 that the part has not."""
    return array.reshape(array.shape[max(0, array.ndim - len(shape)) :])


def _without_ones(value: Tensor, rank: int) -> Tensor:
    return shaping.reshape(value, value.spec.shape[max(0, value.spec.rank - rank) :])


def _numpy_key(k: Any) -> Any:
    if isinstance(k, slice):
        return slice(*(None if v is None else v.__index__() for v in (k.start, k.stop, k.step)))
    return k if k is None or k is Ellipsis else k.__index__()
