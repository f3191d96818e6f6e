"""What counts as a tensor, and users' own types that become tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numflow.graph.indexed_slices import IndexedSlices
from numflow.graph.tensor import Tensor
from numflow.ops.convert import CONVERTERS


def is_tensor(x: Any) -> bool:
    """Whether x is a tensor, a variable or an IndexedSlices: not an array, not a number.

    Example:
      >>> nf.is_tensor(nf.constant(1)), nf.is_tensor(nf.Variable(1)), nf.is_tensor(np.ones(2))
      (True, True, False)
    """
    return isinstance(x, Tensor | IndexedSlices) or hasattr(x, "_as_tensor")


def register_tensor_conversion_function(
    base_type: Any, conversion_func: Callable[..., Any], priority: int = 100
) -> None:
    """From now on objects of base_type may stand where tensors are wanted.

    Args:
      base_type: a class, or a tuple of classes.
      conversion_func: called with (value, dtype=None, name=None, as_ref=False), gives a tensor (of
        dtype, if one is asked for), or NotImplemented to let the next function try.
      priority: functions of lower numbers are tried first; of equal ones the earlier.

    Raises:
      TypeError: base_type is no class or is a number or array, conversion_func is not callable.

    Example:
      >>> class Money:
      ...     cents = 150
      >>> def convert(value, dtype=None, name=None, as_ref=False):
      ...     return nf.constant(value.cents / 100, dtype)
      >>> nf.register_tensor_conversion_function(Money, convert)
      >>> (nf.constant([1.0, 2.0]) + Money()).numpy().tolist()
      [2.5, 3.5]
    """
    kinds = base_type if isinstance(base_type, tuple) else (base_type,)
    if not kinds or not all(isinstance(k, type) for k in kinds):
        raise TypeError(f"base_type must be a class or a tuple of classes, not {base_type!r}")
    if not callable(conversion_func):
        raise TypeError(f"conversion_func must be callable, not {conversion_func!r}")
    if any(
        issubclass(k, int | float | complex | str | bytes | np.ndarray | np.generic) for k in kinds
    ):
        raise TypeError(
            "Cannot register conversions for Python numeric types and NumPy scalars and arrays."
        )
    CONVERTERS.append((priority, kinds, conversion_func))
    CONVERTERS.sort(key=lambda entry: entry[0])  # stable: of equal ones the earlier
