"""The abstract Tensor: what eager and symbolic ones share. ops/operators.py binds operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

import numpy as np

from numflow.dtypes import DType
from numflow.graph.spec import Spec
from numflow.shapes import TensorShape, as_size

if TYPE_CHECKING:
    from collections.abc import Sequence


class Tensor:
    """A value of one dtype with any number of axes: held (eager) or stood for (in a trace)."""

    __slots__ = ()
    __array_priority__ = 100  # NumPy arrays on the left leave operators to us

    @property
    def spec(self) -> Spec:
        """Shape and dtype."""
        raise NotImplementedError  # abstract: both final classes define it

    @property
    def shape(self) -> TensorShape:
        """The sizes of the axes; one that a trace does not know refuses to be read as a number."""
        return TensorShape(map(as_size, self.spec.shape))

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self.shape

    @property
    def dtype(self) -> DType:
        return self.spec.dtype

    @property
    def ndim(self) -> int:
        return len(self.spec.shape)


TensorLike = Union[
    Tensor, np.ndarray[Any, Any], "np.generic", float, int, bool, "Sequence[Any]", Any
]
