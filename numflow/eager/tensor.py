"""EagerTensor: a tensor that holds its value, an immutable NumPy array."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor

Array = np.ndarray[Any, Any]

watchers: list[Callable[[Any], None]] = []
"""Told of each tensor whose value becomes NumPy's or Python's: tapes, which lose its track."""


class _OfArrays:
    """An attribute that NumPy's arrays have and tensors have not: the message says what does it."""

    def __init__(self, fix: str) -> None:
        self._fix = fix

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, tensor: Any, owner: type) -> Any:
        raise AttributeError(
            f"'{owner.__name__}' object has no attribute {self._name!r}; "
            f"a tensor has {self._fix}, and .numpy() gives the array"
        )


class EagerTensor(Tensor):
    """A value. The array is never written to; `numpy()` copies, `np.asarray` views it read-only.

    It prints as in TensorFlow, which programs and their readers know: <tf.Tensor: ...>.

    The first slot is read by compiled code (runtime/entry.py): keep `_array` first.
    """

    __slots__ = ("_array", "_spec", "__weakref__", "assign")  # noqa: RUF023
    _array: Array
    assign: Any
    """Of a part of a variable only (variable_slices.py)."""

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
    def backing_device(self) -> str:
        """The device whose memory holds the value."""
        return self.device

    def cpu(self) -> EagerTensor:
        """The tensor in the host's memory, where it is."""
        return self

    def gpu(self, gpu_index: int = 0) -> EagerTensor:
        """The tensor on a GPU.

        Raises:
          RuntimeError: there is no such device.
        """
        raise RuntimeError(f"GPU:{gpu_index} unknown device: tensors are held in the CPU's memory")

    def numpy(self) -> Any:
        """The value: a writable copy, or a NumPy scalar where there are no axes.

        Example:
          >>> nf.constant([1, 2]).numpy()
          array([1, 2], dtype=int32)
        """
        for told in watchers:
            told(self)
        if self._array.ndim == 0:
            return self._array[()]
        return np.array(self._array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        for told in watchers:
            told(self)
        if dtype is not None and np.dtype(dtype) != self._array.dtype:
            if copy is False:
                raise ValueError(f"{self.dtype.name} becomes {np.dtype(dtype)} only in a copy")
            return np.array(self._array, dtype)
        if copy:
            return np.array(self._array)
        view = self._array.view()
        view.flags.writeable = False
        return view

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """A DLPack capsule that shares the memory: `torch.from_dlpack(x)`, `np.from_dlpack(x)`.

        It is marked read-only for those who know DLPack 1.0; older ones must not write.
        """
        from numflow import dlpack

        array = self._array
        if max_version is not None and max_version[0] >= 1 and not copy:
            array = array.view()
            array.flags.writeable = False
        return dlpack.capsule(array, stream, max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        """(1, 0): the CPU."""
        from numflow import dlpack

        return dlpack.CPU

    def __bool__(self) -> bool:
        # Nothing is false, as in TensorFlow; NumPy refuses to say.
        return bool(self._array) if self._array.size else False

    def __int__(self) -> int:
        return int(self._number("an int"))

    def __float__(self) -> float:
        for told in watchers:
            told(self)
        return float(self._number("a float"))

    def __complex__(self) -> complex:
        return complex(self._number("a complex number"))

    def _number(self, what: str) -> Any:
        if self._array.size != 1:
            raise TypeError(f"only a tensor of one element becomes {what}: {self.spec}")
        return self._array.item()

    def __index__(self) -> int:
        if not self.dtype.is_integer or self._array.ndim:
            raise TypeError(f"only a scalar tensor of integers is an index: {self.spec}")
        return self._array.__index__()

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("Scalar tensor has no `len()`")
        return len(self._array)

    def __iter__(self) -> Iterator[Any]:
        if self._array.ndim == 0:
            raise TypeError("Cannot iterate over a scalar tensor.")
        return (self[i] for i in range(len(self._array)))

    def __format__(self, spec: str) -> str:
        value: Any = self._array[()]
        if spec and self._array.ndim == 0 and self.dtype is dtypes.bfloat16:
            value = float(value)  # the type of ml_dtypes knows no format
        return format(value, spec)

    def __str__(self) -> str:
        text = on_own_lines(str(self._array[()]))
        return f"tf.Tensor({text}, shape={self.shape}, dtype={self.dtype.name})"

    def __repr__(self) -> str:
        text = on_own_lines(repr(self._array) if self._array.ndim else repr(self._array.item()))
        return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, numpy={text}>"

    def __copy__(self) -> EagerTensor:
        return self

    def __deepcopy__(self, memo: Any) -> EagerTensor:
        return self

    def __reduce__(self) -> Any:
        return EagerTensor, (np.array(self._array),)

    # What users of NumPy ask a tensor for, and what does it.
    T = _OfArrays("nf.transpose(x)")
    all = _OfArrays("nf.reduce_all(x)")
    any = _OfArrays("nf.reduce_any(x)")
    argmax = _OfArrays("nf.argmax(x)")
    argmin = _OfArrays("nf.argmin(x)")
    astype = _OfArrays("nf.cast(x, dtype)")
    clip = _OfArrays("nf.clip_by_value(x, low, high)")
    copy = _OfArrays("nf.identity(x)")
    data = _OfArrays("nf.identity(x)")
    flatten = _OfArrays("nf.reshape(x, [-1])")
    item = _OfArrays("float(x) or int(x)")
    max = _OfArrays("nf.reduce_max(x)")
    mean = _OfArrays("nf.reduce_mean(x)")
    min = _OfArrays("nf.reduce_min(x)")
    ravel = _OfArrays("nf.reshape(x, [-1])")
    reshape = _OfArrays("nf.reshape(x, shape)")
    size = _OfArrays("nf.size(x)")
    squeeze = _OfArrays("nf.squeeze(x)")
    sum = _OfArrays("nf.reduce_sum(x)")
    tolist = _OfArrays("list(x)")
    transpose = _OfArrays("nf.transpose(x)")


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


def on_own_lines(text: str) -> str:
    """Text of several lines begins on a line of its own, as TensorFlow prints it."""
    return "\n" + text if "\n" in text else text
