"""In which precision references and composed ops compute.

16-bit floats compute as float32 and are rounded at the end; what NumPy lacks, in float64.
"""

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


def by_number(function: Callable[[float], float]) -> Callable[[Any], Any]:
    """function, of each number of an array, in float64: for those of `math` that NumPy lacks."""

    def run(x: Any) -> Any:
        # 55 ns an element; np.frompyfunc takes 125, the kernel's polynomials in NumPy take 65.
        return np.fromiter(map(function, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)

    return run


def _single(array: Any) -> Any:
    kind = array.dtype
    return array.astype(np.float32) if kind.itemsize == 2 and kind.kind not in "iu" else array


def single(x: Tensor) -> Tensor:
    """x, as float32 where it is a 16-bit float."""
    return maths.cast(x, dtypes.float32) if x.dtype.is_floating and x.dtype.size == 2 else x
