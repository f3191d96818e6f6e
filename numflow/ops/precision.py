"""16-bit floats compute as float32 and are rounded at the end, in references and composed ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.graph.tensor import Tensor
from numflow.ops import math as maths


def widened(reference: Callable[..., Any]) -> Callable[..., Any]:
    """A NumPy reference that sees its 16-bit floats as float32; `Op.run` rounds what it returns."""

    def run(*arrays: Any, **attrs: Any) -> Any:
        return reference(*(_single(a) for a in arrays), **attrs)

    return run


def _single(array: Any) -> Any:
    kind = array.dtype
    return array.astype(np.float32) if kind.itemsize == 2 and kind.kind not in "iu" else array


def single(x: Tensor) -> Tensor:
    """x, as float32 where it is a 16-bit float."""
    return maths.cast(x, dtypes.float32) if x.dtype.is_floating and x.dtype.size == 2 else x
