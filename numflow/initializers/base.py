"""What initializers are, and what they are asked for: a shape, or a part of one, and a dtype."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.errors import explain
from numflow.graph.tensor import Tensor
from numflow.ops.convert import static_shape
from numflow.shapes import Dim, Shape, Size

_PARTITION = ("partition_shape", "partition_offset", "partition_info", "layout")


class Initializer:
    """What gives a variable its first value: called with (shape, dtype).

    Subclasses define `__call__`, and `get_config`, whose dict the constructor takes back.

    Example:
      >>> class Halves(nf.initializers.Initializer):
      ...     def __call__(self, shape, dtype=None, **kwargs):
      ...         return nf.fill(shape, 0.5)
      >>> nf.Variable(Halves()([2])).numpy().tolist()
      [0.5, 0.5]
    """

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """A tensor of this shape and dtype."""
        raise NotImplementedError("an Initializer defines __call__")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One of the arguments that get_config gave."""
        return cls(**{k: v for k, v in config.items() if k != "dtype"})

    def clone(self) -> Any:
        """Another one with the same arguments."""
        return type(self).from_config(self.get_config())

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def wanted(
    name: str, shape: Any, dtype: Any, kwargs: dict[str, Any], kinds: str = "f"
) -> tuple[Shape, dtypes.DType]:
    """The shape (of a part, where one is named) and the dtype that are asked for.

    kinds: f floats, i integers, b bools, c complex numbers.

    Raises:
      ValueError: the dtype is of another kind.
      TypeError: an unknown keyword argument.
    """
    for key in kwargs:
        if key not in _PARTITION:
            raise TypeError(f"{name} takes {', '.join(_PARTITION)}, not {key}")
    want = dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)
    kind = "f" if want.is_floating else "i" if want.is_integer else want.name[0]
    if kind not in kinds:
        expected = {"f": "floating point", "if": "floating point or integer"}
        problem = f"dtype must be {expected.get(kinds, 'numeric or bool')}, not {want.name}"
        raise ValueError(explain(name, problem))
    part = kwargs.get("partition_shape")
    return static_shape(shape if part is None else part, name), want


def ints(shape: Shape) -> list[int]:
    """Sizes as numbers: a trace that does not know one starts anew with exact sizes."""
    return [int(Size(n)) if isinstance(n, Dim) else n for n in shape]
