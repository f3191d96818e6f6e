"""Element types: one object each, compared with `is`, TensorFlow's names.

`as_dtype` takes a DType, a name, a NumPy dtype or scalar type, or a Python type, and gives the one
object. bfloat16 is ml_dtypes' NumPy type, loaded at first use.
"""

from __future__ import annotations

import builtins
import importlib
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

    # Slots: what a class attribute would be to whoever looks at the class, as fast as any.
    __slots__ = (
        *("__dict__", "as_datatype_enum", "is_bool", "is_complex", "is_floating", "is_integer"),
        *("is_numeric", "is_unsigned", "name", "size"),
    )
    name: str
    size: int
    is_floating: builtins.bool
    is_integer: builtins.bool
    is_unsigned: builtins.bool
    is_complex: builtins.bool
    is_bool: builtins.bool
    is_numeric: builtins.bool
    as_datatype_enum: int

    def __new__(cls, type_enum: Any, handle_data: None = None) -> DType:
        """The element type with TensorFlow's number type_enum; handle_data has no effect here.

        Raises:
          TypeError: there is no such element type.
        """
        return as_dtype(type_enum)

    @property
    def is_quantized(self) -> builtins.bool:
        """False: there are no quantized element types here."""
        return False

    @property
    def is_numpy_compatible(self) -> builtins.bool:
        """True: NumPy arrays hold every element type, text as objects."""
        return True

    @cached_property
    def as_numpy_dtype(self) -> Any:
        """The NumPy scalar type, e.g. np.float32; object for text."""
        return object if self.name == "string" else self.numpy.type

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
        """The least finite value.

        Raises:
          TypeError: text and complex numbers have none.
        """
        return False if self.is_bool else _limits(self, "minimum").min

    @property
    def max(self) -> Any:
        """The greatest finite value.

        Raises:
          TypeError: text and complex numbers have none.
        """
        return True if self.is_bool else _limits(self, "maximum").max

    @property
    def limits(self) -> tuple[Any, Any]:
        """The range of intensities of images, not of numbers: (0, 127) of int8, (-1, 1) of floats.

        That is what TensorFlow means by it; the range of numbers is (`min`, `max`).

        Raises:
          ValueError: images have no such elements.
        """
        if self.is_bool:
            return False, True
        if self.is_integer:
            return 0, self.max
        if self is float32 or self is float64:
            return -1, 1
        raise ValueError(f"{self.name} does not have defined limits")

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

    def __int__(self) -> int:
        return self.as_datatype_enum

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)

    def __repr__(self) -> str:
        return f"nf.{self.name}"

    def __str__(self) -> str:
        return self.name


def _limits(dtype: DType, what: str) -> Any:
    if dtype.is_complex or dtype.name == "string":
        raise TypeError(f"{dtype.name} has no {what}")
    if dtype.is_integer:
        return np.iinfo(dtype.numpy)
    if dtype.name == "bfloat16":
        import ml_dtypes

        return ml_dtypes.finfo(dtype.numpy)
    return np.finfo(dtype.numpy)


_BY_NAME: dict[str, DType] = {}


def _make(name: str, kind: str, bits: int, number: int) -> DType:
    made = object.__new__(DType)
    made.name = name
    made.size = (bits + 7) // 8
    made.is_floating = kind == "f"
    made.is_integer = kind in "iu"
    made.is_unsigned = kind == "u"
    made.is_complex = kind == "c"
    made.is_bool = kind == "b"
    made.is_numeric = kind in "fiuc"
    made.as_datatype_enum = number
    _BY_NAME[name] = _BY_NUMBER[number] = made
    return made


_BY_NUMBER: dict[int, DType] = {}  # of tensorflow/core/framework/types.proto
float16 = _make("float16", "f", 16, 19)
bfloat16 = _make("bfloat16", "f", 16, 14)
float32 = _make("float32", "f", 32, 1)
float64 = _make("float64", "f", 64, 2)
int8 = _make("int8", "i", 8, 6)
int16 = _make("int16", "i", 16, 5)
int32 = _make("int32", "i", 32, 3)
int64 = _make("int64", "i", 64, 9)
uint8 = _make("uint8", "u", 8, 4)
uint16 = _make("uint16", "u", 16, 17)
uint32 = _make("uint32", "u", 32, 22)
uint64 = _make("uint64", "u", 64, 23)
bool = _make("bool", "b", 8, 10)
complex64 = _make("complex64", "c", 64, 8)
complex128 = _make("complex128", "c", 128, 18)
string = _make("string", "s", 64, 7)
half, double = float16, float64

QUANTIZED_DTYPES: frozenset[DType] = frozenset()
"""TensorFlow's quantized element types, of which there are none here."""

_NATIVE = [t for t in _BY_NAME.values() if t.name not in ("bfloat16", "string")]
_KNOWN: dict[Any, DType] = {t.numpy: t for t in _NATIVE}
_KNOWN |= {t.numpy.type: t for t in _NATIVE}
_KNOWN |= {float: float32, int: int32, builtins.bool: bool, complex: complex64}
_KNOWN |= {str: string, bytes: string}
_KNOWN |= {"half": half, "double": double, "float": float32, "int": int32}
_KNOWN |= _BY_NAME


def as_dtype(type_value: Any) -> DType:
    """The DType that a DType, name, NumPy dtype, Python type or TensorFlow's number names.

    Raises:
      TypeError: there is no such element type.

    Example:
      >>> nf.as_dtype(np.float64), nf.as_dtype(int)
      (nf.float64, nf.int32)
    """
    if isinstance(type_value, DType):
        return type_value
    try:
        table: dict[Any, DType] = _BY_NUMBER if type(type_value) is int else _KNOWN
        found = table.get(type_value)
    except TypeError:
        found = None
    if found is None:
        try:
            if type_value is None or type(type_value) is int:
                raise TypeError  # NumPy would take None for float64
            kind = np.dtype(type_value)
        except Exception:  # NumPy reads lists, dicts and texts as records, and says more than this
            raise TypeError(f"as_dtype: no element type is called {type_value!r}") from None
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
        raise TypeError(f"as_dtype: no element type for NumPy's {kind}")
    return found


# The ops of tf.dtypes, which stand above this file, by the module that has them.
_OPS = {"cast": "math", "complex": "complexes", "saturate_cast": "casting", "bitcast": "casting"}


def __getattr__(name: str) -> Any:
    if name in _OPS:
        module = importlib.import_module(f"numflow.ops.{_OPS[name]}")
        return getattr(module, name)
    raise AttributeError(f"module 'numflow.dtypes' has no attribute {name!r}")
