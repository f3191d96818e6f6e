"""EagerTensor: a tensor that holds its value, an immutable NumPy array."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor

Array = np.ndarray[Any, Any]


class EagerTensor(Tensor):
    """A value. The array is never written to; `numpy()` copies, `np.asarray` views it read-only.

    It prints as in TensorFlow, which programs and their readers know: <tf.Tensor: ...>.

    The first slot is read by compiled code (runtime/entry.py): keep `_array` first.
    """

    __slots__ = ("_array", "_spec", "__weakref__")  # noqa: RUF023
    _array: Array

    def __init__(self, array: Array, spec: Spec | None = None) -> None:
        self._array = array
        self._spec = spec

    @property
    def spec(self) -> Spec:
        if self._spec is None:
            self._spec = _spec_of(self._array)
        return self._spec

    @property
    def dtype(self) -> dtypes.DType:
        return (self._spec or self.spec).dtype  # asked for more often than anything else

    @property
    def device(self) -> str:
        """The device that holds the value."""
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    def numpy(self) -> Any:
        """The value: a writable copy, or a NumPy scalar where there are no axes.

        Example:
          >>> nf.constant([1, 2]).numpy()
          array([1, 2], dtype=int32)
        """
        if self._array.ndim == 0:
            return self._array[()]
        return np.array(self._array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy or (dtype is not None and np.dtype(dtype) != self._array.dtype):
            return np.array(self._array, dtype)
        view = self._array.view()
        view.flags.writeable = False
        return view

    def __bool__(self) -> bool:
        return bool(self._array)

    def __int__(self) -> int:
        return int(self._array)

    def __float__(self) -> float:
        return float(self._array)

    def __complex__(self) -> complex:
        return complex(self._array)

    def __index__(self) -> int:
        return self._array.__index__()

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a scalar tensor")
        return len(self._array)

    def __hash__(self) -> int:
        return id(self)

    def __iter__(self) -> Iterator[Any]:
        if self._array.ndim == 0:
            raise TypeError("a scalar tensor cannot be iterated over")
        return (self[i] for i in range(len(self._array)))

    def __format__(self, spec: str) -> str:
        return format(self._array[()], spec) if self._array.ndim == 0 else format(str(self), spec)

    def __str__(self) -> str:
        return f"tf.Tensor({_shown(self._array)}, shape={self.shape}, dtype={self.dtype.name})"

    def __repr__(self) -> str:
        text = repr(self._array) if self._array.ndim else repr(self._array.item())
        return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, numpy={text}>"

    def __copy__(self) -> EagerTensor:
        return self

    def __deepcopy__(self, memo: Any) -> EagerTensor:
        return self

    def __reduce__(self) -> Any:
        return EagerTensor, (np.array(self._array),)


_specs: dict[Any, Spec] = {}


def _spec_of(array: Array) -> Spec:
    """The spec of an array, the same object for the same shape and dtype."""
    key = array.shape, array.dtype
    found = _specs.get(key)
    if found is None:
        found = _keep(key, Spec(array.shape, dtypes.from_numpy(array.dtype)))
    return found


def interned(spec: Spec) -> Spec:
    """A spec without symbols, as the object that tensors of that shape and dtype have."""
    key = spec.shape, spec.dtype.numpy
    return _specs.get(key) or _keep(key, spec)


def _keep(key: tuple[Any, ...], spec: Spec) -> Spec:
    if len(_specs) >= 4096:
        _specs.clear()
    return _specs.setdefault(key, spec)


def _shown(array: Array) -> str:
    return str(array[()]) if array.ndim == 0 else str(array)
