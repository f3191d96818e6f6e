"""Element types: one object each, compared with `is`, TensorFlow's names.

`as_dtype` takes a DType, a name, a NumPy dtype or scalar type, or a Python type, and gives the one
object. bfloat16 is ml_dtypes' NumPy type, loaded at first use.
"""

from __future__ import annotations

import builtins
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


class DType:
    """An element type. `nf.float32 == np.float32 == "float32"` holds; `nf.as_dtype` makes them one.

    Example:
      >>> nf.float32.size, nf.float32.is_floating, nf.as_dtype("int64") is nf.int64
      (4, True, True)
    """

    def __init__(self, name: str, kind: str, bits: int) -> None:
        self.name = name
        self._kind = kind
        self.size = (bits + 7) // 8
        self.is_floating = kind == "f"
        self.is_integer = kind in "iu"
        self.is_unsigned = kind == "u"
        self.is_complex = kind == "c"
        self.is_bool = kind == "b"
        self.is_numeric = kind in "fiuc"
        _BY_NAME[name] = self

    @cached_property
    def as_numpy_dtype(self) -> Any:
        """The NumPy scalar type, e.g. np.float32."""
        return self.numpy.type

    @cached_property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype."""
        if self.name == "bfloat16":
            import ml_dtypes  # 5 ms, and few programs need it

            kind: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
            return kind
        return np.dtype(object if self.name == "string" else self.name)

    @property
    def base_dtype(self) -> DType:
        return self

    @property
    def real_dtype(self) -> DType:
        """float32 of complex64, float64 of complex128, else itself."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    @property
    def min(self) -> Any:
        """The least finite value."""
        return False if self.is_bool else _limits(self).min

    @property
    def max(self) -> Any:
        """The greatest finite value."""
        return True if self.is_bool else _limits(self).max

    @property
    def limits(self) -> tuple[Any, Any]:
        return self.min, self.max

    def is_compatible_with(self, other: object) -> builtins.bool:
        return self is as_dtype(other)

    def __eq__(self, other: object) -> builtins.bool:
        if self is other:
            return True
        if isinstance(other, DType) or other is None:
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return NotImplemented

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)

    def __repr__(self) -> str:
        return f"nf.{self.name}"

    def __str__(self) -> str:
        return self.name


def _limits(dtype: DType) -> Any:
    if dtype.is_integer:
        return np.iinfo(dtype.numpy)
    if dtype.name == "bfloat16":
        import ml_dtypes

        return ml_dtypes.finfo(dtype.numpy)
    return np.finfo(dtype.numpy)


_BY_NAME: dict[str, DType] = {}
float16 = DType("float16", "f", 16)
bfloat16 = DType("bfloat16", "f", 16)
float32 = DType("float32", "f", 32)
float64 = DType("float64", "f", 64)
int8 = DType("int8", "i", 8)
int16 = DType("int16", "i", 16)
int32 = DType("int32", "i", 32)
int64 = DType("int64", "i", 64)
uint8 = DType("uint8", "u", 8)
uint16 = DType("uint16", "u", 16)
uint32 = DType("uint32", "u", 32)
uint64 = DType("uint64", "u", 64)
bool = DType("bool", "b", 8)
complex64 = DType("complex64", "c", 64)
complex128 = DType("complex128", "c", 128)
string = DType("string", "s", 64)
half, double = float16, float64

_NATIVE = [t for t in _BY_NAME.values() if t.name not in ("bfloat16", "string")]
_KNOWN: dict[Any, DType] = {t.numpy: t for t in _NATIVE}
_KNOWN |= {t.numpy.type: t for t in _NATIVE}
_KNOWN |= {float: float32, int: int32, builtins.bool: bool, complex: complex64}
_KNOWN |= {str: string, bytes: string}
_KNOWN |= {"half": half, "double": double, "float": float32, "int": int32}
_KNOWN |= _BY_NAME


def as_dtype(type_value: Any) -> DType:
    """The DType that a DType, name, NumPy dtype or Python type names.

    Raises:
      TypeError: there is no such element type.

    Example:
      >>> nf.as_dtype(np.float64), nf.as_dtype(int)
      (nf.float64, nf.int32)
    """
    if isinstance(type_value, DType):
        return type_value
    try:
        found = _KNOWN.get(type_value)
    except TypeError:
        found = None
    if found is None:
        try:
            kind = np.dtype(type_value)
        except TypeError:
            raise TypeError(f"no element type is called {type_value!r}") from None
        found = from_numpy(kind)
    return found


def from_numpy(kind: npt.DTypeLike) -> DType:
    """The DType of a NumPy dtype, of either byte order.

    Raises:
      TypeError: the dtype has no counterpart (dates, records...).
    """
    kind = np.dtype(kind)
    found = _KNOWN.get(kind) or _BY_NAME.get(kind.name)
    if found is None and kind.kind in "OSU":
        found = string
    if found is None:
        raise TypeError(f"no element type for NumPy's {kind}")
    return found
